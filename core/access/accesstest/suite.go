package accesstest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Subject is one principal as an engine sees it. *access.Subject is one, Oracle is another.
type Subject interface {
	In(group identity.PrincipalKey) access.Verdict
	Paths(group identity.PrincipalKey) (paths [][]identity.PrincipalKey, omitted int)
	Assigned(ws identity.WorkspaceID) (identity.WorkspacePermission, access.Verdict)
	Effective(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict
	Uses(on identity.Securable, ws identity.WorkspaceID) access.Verdict
	Reaches(on identity.Securable, p identity.Privilege, ws identity.WorkspaceID) access.Verdict
	Can(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict
	Permitted(l identity.Level, on identity.Object) access.Verdict
	Operates(l identity.Level, on identity.Object) access.Verdict
	Entitled(x identity.Entitlement, in identity.WorkspaceID) access.Verdict
	HasRole(r identity.Role, on identity.PrincipalKey) access.Verdict
	Exercises(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) access.Verdict
}

// NewSubject is an engine: it makes the Subject for one principal of an estate. It is called from
// several goroutines; the Subject that it gives is used by one.
type NewSubject func(e *estate.Estate, key identity.PrincipalKey) Subject

// Method is a method of Subject.
type Method string

// The methods that a Question can be about.
const (
	In        Method = "In"
	Paths     Method = "Paths"
	Assigned  Method = "Assigned"
	Effective Method = "Effective"
	Uses      Method = "Uses"
	Reaches   Method = "Reaches"
	Can       Method = "Can"
	Permitted Method = "Permitted"
	Operates  Method = "Operates"
	Entitled  Method = "Entitled"
	HasRole   Method = "HasRole"
	Exercises Method = "Exercises"
)

// Question is one call of a method of one Subject. Fields that the method does not take are zero.
type Question struct {
	Method      Method
	Subject     identity.PrincipalKey
	Group       identity.PrincipalKey // whom HasRole asks about roles on, as well
	Privilege   identity.Privilege
	On          identity.Securable
	Workspace   identity.WorkspaceID
	Level       identity.Level
	Object      identity.Object
	Entitlement identity.Entitlement
	Role        identity.Role
}

// String is the call, as Go would nearly have it.
func (q Question) String() string {
	switch q.Method {
	case In, Paths:
		return fmt.Sprintf("(%v).%s(%v)", q.Subject, q.Method, q.Group)
	case Assigned:
		return fmt.Sprintf("(%v).Assigned(%v)", q.Subject, q.Workspace)
	case Uses:
		return fmt.Sprintf("(%v).Uses(%s:%v, %v)", q.Subject, q.On.Metastore, q.On, q.Workspace)
	case Permitted, Operates:
		return fmt.Sprintf("(%v).%s(%s, %v)", q.Subject, q.Method, q.Level, q.Object)
	case Entitled:
		return fmt.Sprintf("(%v).Entitled(%s, %v)", q.Subject, q.Entitlement, q.Workspace)
	case HasRole:
		return fmt.Sprintf("(%v).HasRole(%s, %v)", q.Subject, q.Role, q.Group)
	default:
		return fmt.Sprintf("(%v).%s(%s, %s:%v, %v)", q.Subject, q.Method, q.Privilege, q.On.Metastore, q.On, q.Workspace)
	}
}

// Reply is what came back. Permission is set by Assigned alone.
type Reply struct {
	Verdict    access.Verdict
	Permission identity.WorkspacePermission
}

// String is for messages.
func (r Reply) String() string {
	if r.Permission == identity.WorkspaceNone {
		return r.Verdict.String()
	}
	return r.Verdict.String() + " as " + r.Permission.String()
}

// Ask puts the question to the subject, which must be the one that it is about. Paths has no Reply:
// Ask panics.
func (q Question) Ask(s Subject) Reply {
	switch q.Method {
	case In:
		return Reply{Verdict: s.In(q.Group)}
	case Assigned:
		permission, verdict := s.Assigned(q.Workspace)
		return Reply{verdict, permission}
	case Effective:
		return Reply{Verdict: s.Effective(q.Privilege, q.On, q.Workspace)}
	case Uses:
		return Reply{Verdict: s.Uses(q.On, q.Workspace)}
	case Reaches:
		return Reply{Verdict: s.Reaches(q.On, q.Privilege, q.Workspace)}
	case Can:
		return Reply{Verdict: s.Can(q.Privilege, q.On, q.Workspace)}
	case Permitted:
		return Reply{Verdict: s.Permitted(q.Level, q.Object)}
	case Operates:
		return Reply{Verdict: s.Operates(q.Level, q.Object)}
	case Entitled:
		return Reply{Verdict: s.Entitled(q.Entitlement, q.Workspace)}
	case HasRole:
		return Reply{Verdict: s.HasRole(q.Role, q.Group)}
	case Exercises:
		return Reply{Verdict: s.Exercises(q.Privilege, q.On, q.Workspace)}
	default:
		panic("accesstest: no verdict from " + string(q.Method))
	}
}

// subjects are the principals of a world that questions are asked about: every user, service
// principal and account group, read or not.
func (w World) subjects() []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for _, p := range w.Principals {
		if p.Key.Workspace == 0 && !isListedAccountUsers(p) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// Questions are those that have a Reply among what Check asks about a principal: every group, every
// workspace, and every securable with some of its type's privileges; which ones differs from world
// to world.
func (w World) Questions(subject identity.PrincipalKey) []Question {
	var qs []Question
	groups := []identity.PrincipalKey{identity.AccountUsers()}
	for _, p := range w.Principals {
		if isAccountGroup(p.Key) {
			groups = append(groups, p.Key)
		}
	}
	for _, g := range groups {
		qs = append(qs, Question{Method: In, Subject: subject, Group: g})
	}
	ons := slices.Clone(w.Securables)
	for _, m := range w.Metastores {
		ons = append(ons, identity.SecurableInfo{Securable: identity.MetastoreSecurable(m.ID)})
	}
	for _, ws := range w.Workspaces {
		qs = append(qs, Question{Method: Assigned, Subject: subject, Workspace: ws})
		for i, on := range ons {
			if on.Type == identity.TypeCatalog || on.Type == identity.TypeSchema {
				qs = append(qs, Question{Method: Uses, Subject: subject, On: on.Securable, Workspace: ws})
			}
			privileges := sample[on.Type]
			for j := range min(2, len(privileges)) {
				p := privileges[(int(w.Order%1000)+i+j)%len(privileges)]
				if on.View() && j == 0 {
					p = identity.Select // what else there is about a view is as with tables
				}
				methods := []Method{Effective, Reaches, Can, Exercises}
				if j > 0 {
					methods = methods[:3] // whether there is compute is the same for all
				}
				if p == identity.Manage {
					methods = methods[:3] // whether there is compute does not matter to it
				}
				if p == identity.Browse {
					methods = methods[:2] // it is no data: Can does not speak of it
				}
				for _, method := range methods {
					qs = append(qs, Question{Method: method, Subject: subject, Privilege: p, On: on.Securable, Workspace: ws})
				}
			}
		}
	}
	return append(qs, w.placeQuestions(subject)...)
}

// Mismatch is one answer of an engine that is wrong.
type Mismatch struct {
	World    World
	Question Question
	Got      string
	Want     string
	Why      string
}

// String prints everything that is needed to see the mismatch by eye.
func (m Mismatch) String() string {
	return fmt.Sprintf("%v\n  got  %s\n  want %s\n  why  %s\nin the world\n%v", m.Question, m.Got, m.Want, m.Why, m.World)
}

// Compare asks an engine everything about a world and gives the first mismatch with the oracle.
func Compare(w World, newSubject NewSubject) (Mismatch, bool) {
	e, seen := w.Estate(), w.sightings()
	for _, key := range w.subjects() {
		oracle, subject := newOracle(seen, key), newSubject(e, key)
		for _, q := range w.Questions(key) {
			if m, wrong := compare(w, q, oracle, subject); wrong {
				return m, true
			}
			if q.Method != In {
				continue
			}
			q.Method = Paths
			if m, wrong := compare(w, q, oracle, subject); wrong {
				return m, true
			}
		}
	}
	return Mismatch{}, false
}

// compareOne is Compare for one question.
func compareOne(w World, q Question, newSubject NewSubject) (Mismatch, bool) {
	if !slices.Contains(w.subjects(), q.Subject) {
		return Mismatch{}, false
	}
	return compare(w, q, NewOracle(w, q.Subject), newSubject(w.Estate(), q.Subject))
}

func compare(w World, q Question, oracle *Oracle, subject Subject) (Mismatch, bool) {
	if q.Method == Paths {
		got, want, why := wrongPaths(q.Group, oracle, subject)
		return Mismatch{w, q, got, want, why}, want != ""
	}
	got, want := q.Ask(subject), q.Ask(oracle)
	if got == want {
		return Mismatch{}, false
	}
	// A grant can name a group that nobody in the estate bears the name of. Where all groups were
	// listed but the members of some were not read, both readings of that are sound: see unborne.
	cautious := *oracle
	cautious.cautious = true
	if got == q.Ask(&cautious) {
		return Mismatch{}, false
	}
	return Mismatch{w, q, got.String(), want.String(), oracle.why(q)}, true
}

// why is the fact that decided the oracle's answer.
func (o *Oracle) why(q Question) string {
	var a answer
	switch q.Method {
	case In:
		a = o.in(q.Group)
	case Assigned:
		a = allowed("%v; %v", o.assigned(q.Workspace, identity.WorkspaceUser), o.assigned(q.Workspace, identity.WorkspaceAdmin))
	case Effective:
		a = o.effective(q.Privilege, q.On, q.Workspace)
	case Uses:
		a = o.uses(q.On, q.Workspace)
	case Reaches:
		a = o.reaches(q.On, q.Privilege, q.Workspace)
	case Permitted:
		a = o.permitted(q.Level, q.Object)
	case Operates:
		a = o.operates(q.Level, q.Object)
	case Entitled:
		a = o.entitled(q.Entitlement, q.Workspace)
	case HasRole:
		a = o.hasRole(q.Role, o.canonical(q.Group))
	case Exercises:
		a = o.exercises(q.Privilege, q.On, q.Workspace)
	default:
		a = o.can(q.Privilege, q.On, q.Workspace)
	}
	return a.String()
}

// wrongPaths checks the ways into a group: each goes from the subject's person to the group by steps
// that are facts, without going round; they are sorted; and the ways of direct memberships from the
// subject's own record are exactly the oracle's. How an engine shows a membership that is known
// without the way between, or held through another record or implicitly, is left to it.
func wrongPaths(group identity.PrincipalKey, o *Oracle, subject Subject) (got, want, why string) {
	group = o.canonical(group)
	paths, omitted := subject.Paths(group)
	if member := o.in(group); member.verdict != access.Allowed && len(paths)+omitted > 0 {
		return fmt.Sprint(paths), "none", member.String()
	}
	if group == o.subject {
		return "", "", "" // nobody needs a way to where he is
	}
	if !slices.IsSortedFunc(paths, shortestFirst) {
		return fmt.Sprint(paths), "shortest first, then by key", "that is the contract"
	}
	var direct [][]identity.PrincipalKey
	for i, path := range paths {
		switch {
		case len(path) == 0 || !slices.Contains(o.records, path[0]) || path[len(path)-1] != group:
			return fmt.Sprint(path), "a path from the subject to the group", "that is the contract"
		case i > 0 && slices.Equal(path, paths[i-1]):
			return fmt.Sprint(path), "each path once", "that is the contract"
		}
		onlyDirect := path[0] == o.subject
		for i, at := range path[1:] {
			step := identity.Membership{Member: path[i], Group: at}
			isDirect := slices.Contains(o.seen.Memberships, step)
			onlyDirect = onlyDirect && isDirect
			switch {
			case slices.Contains(path[:i+1], at):
				return fmt.Sprint(path), "no key twice", "paths are simple"
			case !isDirect && !o.otherwise(step):
				return fmt.Sprint(path), "steps that were seen", fmt.Sprintf("nobody saw %v in %v", path[i], at)
			}
		}
		if onlyDirect {
			direct = append(direct, path)
		}
	}
	wanted, _ := o.Paths(group)
	slices.SortFunc(wanted, shortestFirst)
	wanted = slices.CompactFunc(wanted, slices.Equal) // one membership may be two facts
	same := slices.EqualFunc(direct, wanted, slices.Equal)
	if omitted > 0 { // then what is there must be right, and no more may be missing than it says
		same = len(direct)+omitted >= len(wanted)
		for _, path := range direct {
			same = same && slices.ContainsFunc(wanted, func(p []identity.PrincipalKey) bool { return slices.Equal(p, path) })
		}
	}
	if !same {
		return fmt.Sprint(direct), fmt.Sprint(wanted), "these are the direct memberships"
	}
	return "", "", ""
}

// otherwise reports whether a step was seen that is no direct membership.
func (o *Oracle) otherwise(step identity.Membership) bool {
	return slices.Contains(o.seen.Ancestors, step) ||
		slices.Contains(o.seen.SamePerson, [2]identity.PrincipalKey{step.Member, step.Group}) ||
		slices.Contains(o.seen.SamePerson, [2]identity.PrincipalKey{step.Group, step.Member}) ||
		step.Group == identity.AccountUsers() && (step.Member.Kind != identity.KindGroup || step.Member == o.subject)
}

// shortestFirst is the order of paths: by length, then key by key.
func shortestFirst(a, b []identity.PrincipalKey) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), slices.CompareFunc(a, b, identity.PrincipalKey.Compare))
}

// Check compares an engine with the oracle on one world: every principal, group, workspace and
// securable, with some privileges of each type. The world of a failure is made as small as it can be.
func Check(t testing.TB, w World, newSubject NewSubject) {
	t.Helper()
	m, wrong := Compare(w, newSubject)
	if !wrong {
		return
	}
	small := shrink(w, func(w World) bool {
		_, wrong := compareOne(w, m.Question, newSubject)
		return wrong
	})
	m, _ = compareOne(small, m.Question, newSubject)
	t.Errorf("the engine and the oracle disagree:\n%v", m)
}

// randomWorlds is how many worlds Run checks.
const randomWorlds = 200

// Run is the whole suite: Cases, Check on random worlds, Properties. It takes a second or two.
func Run(t *testing.T, newSubject NewSubject) {
	t.Run("cases", func(t *testing.T) {
		for _, c := range Cases() {
			t.Run(c.Name, func(t *testing.T) {
				c.Check(t, newSubject)
				Check(t, c.World, newSubject)
			})
		}
	})
	t.Run("random worlds", func(t *testing.T) {
		t.Parallel()
		for i := range randomWorlds {
			Check(t, seeded(1, i), newSubject)
			if t.Failed() {
				t.Fatalf("in world %d of %d", i, randomWorlds) // one small world is easier to look at than many
			}
		}
	})
	t.Run("properties", func(t *testing.T) {
		t.Parallel()
		Properties(t, newSubject)
	})
}
