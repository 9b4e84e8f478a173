package proof

import (
	"fmt"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Question is what the answer is about, looked up anew.
type Question struct {
	Subject identity.PrincipalKey
	// Ask puts the question to a model; the report's verdict is compared.
	Ask func(*access.Model) *report.CanReport
}

// Check checks every proof of an answer against what was read now. The result has one entry for each
// proof, in their order.
func Check(e *estate.Estate, r *report.CanReport, q Question, o access.Options) []report.CheckedProof {
	checked := make([]report.CheckedProof, 0, len(r.Proofs))
	for i, p := range r.Proofs {
		checked = append(checked, check(e, i+1, p, q, o))
	}
	return checked
}

func check(e *estate.Estate, number int, p report.Proof, q Question, o access.Options) report.CheckedProof {
	c := report.CheckedProof{Number: number, Workspace: p.Workspace, Holds: true, Problems: []report.ProofProblem{}}
	problem := func(step int, format string, args ...any) {
		c.Holds = false
		c.Problems = append(c.Problems, report.ProofProblem{Step: step, Problem: fmt.Sprintf(format, args...)})
	}
	f := newFacts(e, q.Subject)
	for i, s := range p.Steps {
		if err := f.take(s); err != nil {
			problem(i+1, "%s", err)
		}
	}
	if c.Holds && q.Ask(access.Over(f.estate(), o)).Verdict != report.Allow {
		problem(0, "the facts are there, but do not suffice: a step was left out")
	}
	return c
}

// facts are the facts of one proof, as far as the estate has them.
type facts struct {
	e       *estate.Estate
	b       *estate.Builder
	subject identity.PrincipalKey
	grants  map[identity.Securable][]identity.Grant
	acls    map[identity.Object][]identity.ObjectGrant
	entered map[identity.WorkspaceID]map[identity.PrincipalKey][]identity.Entitlement
	bound   map[identity.Securable][]identity.Binding
	owned   map[identity.Securable]bool
	records map[identity.PrincipalKey]identity.Principal
}

func newFacts(e *estate.Estate, subject identity.PrincipalKey) *facts {
	f := &facts{
		e: e, b: estate.NewBuilder(e.AccountID()), subject: e.Canonical(subject),
		grants: map[identity.Securable][]identity.Grant{}, acls: map[identity.Object][]identity.ObjectGrant{},
		entered: map[identity.WorkspaceID]map[identity.PrincipalKey][]identity.Entitlement{},
		bound:   map[identity.Securable][]identity.Binding{}, owned: map[identity.Securable]bool{},
		records: map[identity.PrincipalKey]identity.Principal{},
	}
	f.involve(f.subject)
	return f
}

// involve takes a principal's record over: what it is called is not a step. Whether it is active, and
// which roles it has, are.
func (f *facts) involve(k identity.PrincipalKey) {
	p, ok := f.e.Principal(k)
	if _, again := f.records[k]; again || !ok {
		return
	}
	p.Roles = nil
	if k.Kind != identity.KindGroup {
		p.Status = identity.StatusInactive
	}
	f.records[k] = p
}

// change changes what is taken over of a principal's record.
func (f *facts) change(k identity.PrincipalKey, by func(*identity.Principal)) {
	f.involve(k)
	p := f.records[k]
	by(&p)
	f.records[k] = p
}

// estate is an estate that has the facts and nothing else, and of which everything was read.
func (f *facts) estate() *estate.Estate {
	for _, w := range f.e.Workspaces() {
		f.b.AddWorkspace(w)
		f.read(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID})
		for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup} {
			f.read(estate.ReadKey{Op: estate.OpEntitlements, Workspace: w.ID, Principal: identity.PrincipalKey{Kind: kind}})
		}
		f.b.AddRestrictAdmins(w.ID, f.e.RestrictAdmins(w.ID))
	}
	for in, holders := range f.entered {
		for k, es := range holders {
			f.b.AddEntitlements(in, k, es)
		}
	}
	for _, m := range f.e.Metastores() {
		on := identity.MetastoreSecurable(m.ID)
		if !f.owned[on] {
			m.Owner = ""
		}
		f.b.AddMetastore(m)
		f.read(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: on})
		f.read(estate.ReadKey{Op: estate.OpGrants, Securable: on})
		// That nothing else covers a path is no step, so it must have been read.
		if locations := (estate.ReadKey{Op: estate.OpChildren, Securable: on, Type: identity.TypeExternalLocation}); f.e.Saw(locations) {
			f.read(locations)
		}
	}
	for s := range f.e.Securables() {
		if s.Type == identity.TypeMetastore {
			continue
		}
		if !f.owned[s.Securable] {
			s.Owner = f.unowned(s)
		}
		f.b.AddSecurable(s)
		f.read(estate.ReadKey{Op: estate.OpGrants, Securable: s.Securable})
		f.read(estate.ReadKey{Op: estate.OpBindings, Securable: s.Securable})
		f.b.AddBindings(s.Securable, f.bound[s.Securable])
	}
	for on, rows := range f.grants {
		f.b.AddGrants(on, rows)
	}
	for _, o := range f.e.Objects() {
		f.b.AddObject(o)
		f.read(estate.ReadKey{Op: estate.OpObjectGrants, Object: o.Object})
		f.read(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: o.Workspace, Type: o.Type}})
		f.b.AddObjectGrants(o.Object, f.acls[o.Object])
	}
	f.read(estate.ReadKey{Op: estate.OpGroups})
	f.b.AddPrincipal(identity.Principal{Key: identity.PrincipalKey{ID: nobody}, Name: nobody})
	for k, p := range f.records {
		f.b.AddPrincipal(p)
		f.read(estate.ReadKey{Op: estate.OpParents, Principal: k})
		f.read(estate.ReadKey{Op: estate.OpMembers, Principal: k})
	}
	return f.b.Build()
}

// nobody owns what no step says anybody owns, and may do nothing.
const nobody = "(nobody)"

// unowned is the owner of what no step says anybody owns. The rights of an owner of a function that is not
// known are not asked for, so that nobody is to stand for one that is.
func (f *facts) unowned(s identity.SecurableInfo) string {
	owner, known := f.e.Owner(s.Securable)
	if s.Type == identity.TypeFunction && (!known || owner.Key.IsZero()) {
		return ""
	}
	return nobody
}

func (f *facts) read(k estate.ReadKey) { f.b.Record(k, estate.Outcome{Needed: true}) }
