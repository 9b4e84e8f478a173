package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Asked is what a question of the form "can it do that" is asked under.
type Asked struct {
	// From are the workspaces from which it is asked.
	From []identity.WorkspaceID
	// Exercisable asks for the entitlement and the compute that doing it takes, too.
	Exercisable bool
}

// Can answers whether a principal can exercise a privilege on a securable, now, from one of the
// workspaces, with proofs or with what is missing. The envelope is left to the caller.
func (m *Model) Can(key identity.PrincipalKey, p identity.Privilege, on identity.Securable, asked Asked) *report.CanReport {
	q := canQuestion{audit: audit{m.Subject(key)}, goal: use{p, on}, Asked: asked}
	r := q.report(p)
	r.Resource = q.securable(on)
	return r
}

// CanRegister answers whether a principal can create an external location with a storage credential, now.
func (m *Model) CanRegister(key identity.PrincipalKey, with identity.Securable, asked Asked) *report.CanReport {
	goal := register{use{createLocation, with}}
	q := canQuestion{audit: audit{m.Subject(key)}, goal: goal, Asked: asked}
	r := q.report(createLocation)
	r.Resource = q.securable(with)
	return r
}

const createLocation identity.Privilege = "CREATE_EXTERNAL_LOCATION"

// CanOperate answers whether a principal can use a permission level on a workspace object, now.
func (m *Model) CanOperate(key identity.PrincipalKey, l identity.Level, on identity.Object, exercisable bool) *report.CanReport {
	q := canQuestion{audit: audit{m.Subject(key)}, goal: operate{l, on}, Asked: Asked{From: []identity.WorkspaceID{on.Workspace}, Exercisable: exercisable}}
	r := q.report(identity.Privilege(l))
	info, _ := m.e.Object(on)
	r.Object = q.object(on)
	r.Resource = report.Securable{Type: identity.SecurableType(on.Type), FullName: cmp.Or(info.Path, info.Name, on.ID), Owner: &info.Creator}
	return r
}

// CanCreate answers whether a principal can create something that lives in a workspace, now.
func (m *Model) CanCreate(key identity.PrincipalKey, what Creation, in identity.WorkspaceID) *report.CanReport {
	q := canQuestion{audit: audit{m.Subject(key)}, goal: create{what}, Asked: Asked{From: []identity.WorkspaceID{in}}}
	r := q.report(identity.Privilege("create " + string(what)))
	r.Resource = report.Securable{Type: "WORKSPACE", FullName: m.e.WorkspaceName(in)}
	return r
}

// CanBe answers whether a principal can act as another, now, from one of the workspaces.
func (m *Model) CanBe(key, whom identity.PrincipalKey, asked Asked) *report.CanReport {
	q := canQuestion{audit: audit{m.Subject(key)}, goal: be{m.e.Canonical(whom)}, Asked: asked}
	r := q.report("impersonate")
	p, _ := m.e.Principal(whom)
	r.Resource = report.Securable{Type: "PRINCIPAL", FullName: cmp.Or(p.Label(), q.name(whom))}
	return r
}

// CanEnter answers whether a principal can enter a workspace, now.
func (m *Model) CanEnter(key identity.PrincipalKey, in identity.WorkspaceID, exercisable bool) *report.CanReport {
	q := canQuestion{audit: audit{m.Subject(key)}, goal: enter{}, Asked: Asked{From: []identity.WorkspaceID{in}, Exercisable: exercisable}}
	r := q.report("enter")
	r.Resource = report.Securable{Type: "WORKSPACE", FullName: m.e.WorkspaceName(in)}
	return r
}

func (q canQuestion) report(action identity.Privilege) *report.CanReport {
	r := &report.CanReport{
		Subject: q.principal(q.key), Action: action, ReachableIn: []string{},
		Proofs: []report.Proof{}, Missing: []report.MissingSet{}, Acts: []report.Act{}, Caveats: []string{},
	}
	q.answer(r)
	r.Caveats = append(r.Caveats, q.caveats(r)...)
	return r
}

// canQuestion is one question of this form.
type canQuestion struct {
	audit
	goal
	Asked
}

// inWorkspace is the answer as it is in one workspace.
type inWorkspace struct {
	id        identity.WorkspaceID
	whole     *clause
	uc, reach Verdict // what is authorised there, and what can be reached
}

func (q canQuestion) answer(r *report.CanReport) {
	here := q.places()
	granted, reachable, whole := Denied, Denied, Denied
	for _, w := range here {
		granted, reachable, whole = Any(granted, w.uc), Any(reachable, w.reach), Any(whole, w.whole.verdict)
		if w.whole.verdict == Allowed {
			r.ReachableIn = append(r.ReachableIn, q.e.WorkspaceName(w.id))
		}
	}
	if reachable == Allowed {
		granted = Allowed // to a group that it acts as, if not to itself
	}
	r.Tiers = report.Tiers{Granted: answerOf(granted), Reachable: answerOf(reachable), Exercisable: report.NotChecked}
	if q.Exercisable {
		r.Tiers.Exercisable = answerOf(whole)
	}
	switch whole {
	case Allowed:
		r.Verdict = report.Allow
		r.Proofs, r.ProofsOmitted = q.proofsOf(here)
		return
	case Denied:
		r.Verdict = report.Deny
		r.Latent = q.latent()
	case Unknown:
		r.Verdict = report.Unknown
	}
	r.Missing = q.missing(q.wantsOf(here, whole))
	switch way := q.fewestActs(); {
	case way.possible == Allowed:
		r.Verdict, r.Acts = report.Indirect, way.acts
	case way.possible == Unknown && r.Verdict == report.Deny:
		r.Verdict = report.Unknown
		r.Caveats = append(r.Caveats, "it has no access, but may be able to give it to itself: "+q.e.Operation(way.doubt)+" was not possible in full")
	}
}

// latent are the proofs of what comes back when a deactivated principal is made active again.
func (q canQuestion) latent() []report.Proof {
	if q.verdicts().active() != Denied {
		return nil
	}
	q.audit = audit{q.awake()}
	proofs, _ := q.proofsOf(q.places())
	return proofs
}

// places are the workspaces that matter: those asked about, and without any one that stands for
// acting in none, so that what is authorised can still be told.
func (q canQuestion) places() []inWorkspace {
	ids := slices.Clone(q.From)
	if len(ids) == 0 {
		ids = []identity.WorkspaceID{0}
	}
	var here []inWorkspace
	for _, id := range ids {
		w := inWorkspace{id: id, uc: q.authorised(q.verdicts(), id), whole: q.holds(q.clauses(), id)}
		w.reach = w.whole.verdict
		if q.Exercisable {
			w.whole = q.clauses().logic.all(w.whole, q.equipment(q.clauses(), id))
		}
		here = append(here, w)
	}
	return here
}

func answerOf(v Verdict) report.Answer {
	switch v {
	case Allowed:
		return report.Yes
	case Denied:
		return report.No
	default:
		return report.NotKnown
	}
}

// proofsOf gives the shortest proofs over all workspaces.
func (q canQuestion) proofsOf(here []inWorkspace) (proofs []report.Proof, more bool) {
	for _, w := range here {
		chains, cut := q.proofs(w.whole)
		more = more || cut
		for _, c := range chains {
			proofs = append(proofs, report.Proof{Workspace: q.e.WorkspaceName(w.id), Steps: q.steps(c)})
		}
	}
	slices.SortStableFunc(proofs, func(a, b report.Proof) int { return cmp.Compare(len(a.Steps), len(b.Steps)) })
	if len(proofs) > maxProofs {
		return proofs[:maxProofs], true
	}
	return proofs, more
}

// placedWants is what is missing in one workspace.
type placedWants struct {
	id    identity.WorkspaceID
	wants []want
}

// wantsOf gives the sets of missing facts, the smallest first. Sets that are only larger than another
// in the same workspace are left out.
func (q canQuestion) wantsOf(here []inWorkspace, whole Verdict) []placedWants {
	var sets []placedWants
	for _, w := range here {
		for _, set := range q.wantsIn(w) {
			sets = append(sets, placedWants{w.id, set})
		}
	}
	slices.SortStableFunc(sets, func(a, b placedWants) int { return cmp.Compare(len(a.wants), len(b.wants)) })
	var least []placedWants
	for _, set := range sets {
		if !slices.ContainsFunc(least, set.holds) {
			least = append(least, set)
		}
	}
	// That somebody may hold it already explains an Unknown only where nothing else does.
	explains := func(p placedWants) bool {
		return p.certain() && (whole == Denied || slices.ContainsFunc(p.wants, func(w want) bool { return !w.known }))
	}
	if slices.ContainsFunc(least, explains) {
		least = slices.DeleteFunc(least, func(p placedWants) bool { return !p.certain() })
	}
	return least
}

// certain reports whether it is known what the set asks for, and not only who might have it already.
func (p placedWants) certain() bool {
	return !slices.ContainsFunc(p.wants, func(w want) bool { return w.kind == lackMembership })
}

// holds reports whether the set asks for everything that the other asks for, in the same workspace.
func (p placedWants) holds(other placedWants) bool {
	return p.id == other.id && !slices.ContainsFunc(other.wants, func(w want) bool {
		return !slices.ContainsFunc(p.wants, func(have want) bool { return have.lack == w.lack })
	})
}

// wantsIn gives the sets for one workspace. Being assigned brings what the workspace's users have with
// it, so where that is missing the rest is worked out as if it were there.
func (q canQuestion) wantsIn(w inWorkspace) [][]want {
	assigned := q.clauses().assigned(w.id)
	if w.id == 0 || assigned.verdict == Allowed {
		return w.whole.wants()
	}
	as := q.assuming(w.id).clauses()
	rest := q.onceInside(as, w.id)
	if q.Exercisable {
		rest = as.logic.all(rest, q.equipment(as, w.id))
	}
	sets := combined(assigned.wants(), rest.wants())
	for _, other := range q.instead(q.clauses(), w.id) {
		sets = append(sets, other.wants()...)
	}
	return sets
}

// caveats say what the verdict does not cover.
func (q canQuestion) caveats(r *report.CanReport) []string {
	caveats := append([]string{}, q.caveatsFor(q.audit, q.From)...)
	if len(r.Latent) > 0 {
		caveats = append(caveats, "it is deactivated: all else is there, and comes back when it is made active again")
	}
	if deep(r.Proofs) {
		caveats = append(caveats, fmt.Sprintf("a way leads through more than %d layers of groups, which Databricks does not support", nestingLimit))
	}
	if r.Verdict != report.Deny && r.Verdict != report.Indirect {
		return caveats
	}
	for _, g := range q.keptElsewhere() {
		caveats = append(caveats, "group "+q.name(g)+" is kept by the identity provider: whoever manages it there can let it in")
	}
	if q.active() == Denied {
		return caveats // there is no way for who cannot log in
	}
	return append(caveats, q.notLookedAt())
}

// notLookedAt says by which ways there may be access all the same.
func (q canQuestion) notLookedAt() string {
	switch delegations, steering := q.e.Saw(estate.ReadKey{Op: estate.OpRoles}), q.sawSteering(); {
	case delegations && steering:
		return "ways through other people's secrets, tokens and passwords, through code in volumes and Git repositories, and through groups and service principals that have nothing to do with it, were not looked at"
	case delegations:
		return "ways through other people's jobs, notebooks, clusters and tokens, and through groups and service principals that have nothing to do with it, were not looked at; --scan-workspace-objects looks at what runs as others"
	default:
		return "ways through managing a group, using a service principal, or other people's jobs and notebooks were not looked at"
	}
}

// deep reports whether a proof passes more layers of groups than Databricks supports.
func deep(proofs []report.Proof) bool {
	return slices.ContainsFunc(proofs, func(p report.Proof) bool {
		layers := 0
		for _, s := range p.Steps {
			if s.Kind == report.StepMember {
				layers++
			}
		}
		return layers > nestingLimit
	})
}

// keptElsewhere are the groups through which the subject could come to it and which it manages, but
// whose members the identity provider decides.
func (q canQuestion) keptElsewhere() []identity.PrincipalKey {
	groups, _ := session{canQuestion: q}.reachable()
	return slices.DeleteFunc(groups, func(k identity.PrincipalKey) bool {
		p, _ := q.e.Principal(k)
		return p.Origin != identity.OriginIDP || q.In(k) == Allowed || q.HasRole(identity.RoleGroupManager, k) != Allowed
	})
}

func (g use) caveatsFor(a audit, from []identity.WorkspaceID) []string {
	caveats := []string{}
	add := func(format string, args ...any) { caveats = append(caveats, fmt.Sprintf(format, args...)) }
	info, _ := a.e.Securable(g.on)
	if g.privilege == reads(g.on) {
		caveats = append(caveats, definers(a, g.on)...)
	}
	of := slices.DeleteFunc(slices.Clone(from), func(in identity.WorkspaceID) bool { return a.verdicts().can(g.privilege, g.on, in) == Denied })
	caveats = append(caveats, g.unbound(a, of)...)
	if info.RowFilter {
		add("a row filter hides rows")
	}
	if info.ColumnMask {
		add("column masks change values")
	}
	for _, p := range a.e.Policies(g.on) {
		if p.Kind != identity.PolicyGrant && a.named(p.To) != Denied && a.named(p.Except) != Allowed {
			add("policy %s (%s) may hide or change data", p.Name, strings.ToLower(strings.ReplaceAll(string(p.Kind), "_", " ")))
		}
	}
	if !g.privilege.Applies(g.on.Type) {
		add("%s is not a privilege on a %s", g.privilege.SQL(), g.on.Type.Title())
	}
	if !g.privilege.Known() {
		add("privilege %s is not in the reference this tool knows: matched exactly", g.privilege)
	}
	return caveats
}
