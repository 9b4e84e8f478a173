package accesstest

import (
	"cmp"
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// honestCan is an engine for testing the suite for reports: it asks the oracle, and finds proofs,
// missing facts and acts by taking everything and leaving out what is not needed.
func honestCan(e *estate.Estate, key identity.PrincipalKey, p identity.Privilege, on identity.Securable,
	from []identity.WorkspaceID,
) *report.CanReport {
	h := newHonestReport(e, CanQuestion{key, p, on, from})
	h.write()
	return h.r
}

// honestReport is one in the making.
type honestReport struct{ canCheck }

func newHonestReport(e *estate.Estate, q CanQuestion) *honestReport {
	return honestOver(readBack(e), e, q)
}

// honestOver is one over facts that may be others than those of the estate.
func honestOver(seen sightings, e *estate.Estate, q CanQuestion) *honestReport {
	q.Subject = e.Canonical(q.Subject)
	h := &honestReport{canCheck{seen: seen, q: q, r: &report.CanReport{}}}
	h.oracle = newOracle(h.seen, h.q.Subject)
	for _, info := range h.seen.Securables {
		h.securables = append(h.securables, info.Securable)
	}
	return h
}

func (h *honestReport) write() {
	r := h.r
	var granted, reached []access.Verdict
	for _, ws := range h.q.From {
		granted = append(granted, h.oracle.granted(h.q.Privilege, h.q.On, ws).verdict)
		reached = append(reached, h.oracle.Can(h.q.Privilege, h.q.On, ws))
	}
	answers := map[access.Verdict]report.Answer{access.Allowed: report.Yes, access.Denied: report.No, access.Unknown: report.NotKnown}
	r.Tiers = report.Tiers{Granted: answers[access.Any(granted...)], Reachable: answers[access.Any(reached...)], Exercisable: report.NotChecked}
	r.Verdict = map[access.Verdict]report.Verdict{
		access.Allowed: report.Allow, access.Denied: report.Deny, access.Unknown: report.Unknown,
	}[access.Any(reached...)]
	if r.Verdict == report.Allow {
		for i, ws := range h.q.From {
			if reached[i] == access.Allowed {
				r.ReachableIn = append(r.ReachableIn, workspaceName(ws))
				r.Proofs = append(r.Proofs, report.Proof{Workspace: workspaceName(ws), Steps: h.prove(ws)})
			}
		}
		r.ProofsOmitted = true
		slices.SortStableFunc(r.Proofs, func(a, b report.Proof) int { return cmp.Compare(len(a.Steps), len(b.Steps)) })
		return
	}
	for _, ws := range h.q.From {
		if set := h.lacks(ws); len(set) > 0 {
			r.Missing = append(r.Missing, report.MissingSet{Workspace: workspaceName(ws), Facts: set})
		}
	}
	slices.SortStableFunc(r.Missing, func(a, b report.MissingSet) int { return cmp.Compare(len(a.Facts), len(b.Facts)) })
	for _, ws := range h.q.From {
		stands := h.stands(ws)
		if acts, found := h.route(stands, ws); found {
			r.Verdict, r.Acts = report.Indirect, h.plan(acts, ws)
			return
		}
		if r.Verdict == report.Deny && h.leversInDoubt(stands, ws) {
			r.Verdict = report.Unknown
		}
	}
}

func (h *honestReport) named(k identity.PrincipalKey) string { return cmp.Or(h.seen.nameOf(k), k.ID) }

func (h *honestReport) shown(s identity.Securable) *report.Securable {
	for _, m := range h.seen.Metastores {
		if m.ID == s.Metastore {
			return &report.Securable{Type: s.Type, FullName: s.FullName(), Metastore: m.Name}
		}
	}
	panic("a securable without a metastore")
}

// steps are the facts that were seen and could be of use from the workspace.
func (h *honestReport) steps(ws identity.WorkspaceID) []report.Step {
	var steps []report.Step
	add := func(s report.Step) { steps = append(steps, s) }
	if h.q.Subject.Kind != identity.KindGroup {
		add(report.Step{Kind: report.StepActive, Principal: h.named(h.q.Subject)})
	}
	certain := slices.Clone(h.oracle.certain)
	for _, r := range h.seen.Roles {
		if r.Role == identity.RoleGroupAssumer && h.oracle.heldBy(r.Holder.Name, r.Holder.Kind).verdict == access.Allowed {
			add(report.Step{Kind: report.StepAssume, Principal: r.Holder.Name, Group: h.named(r.On)})
			certain = append(certain, newOracle(h.seen, r.On).certain...)
		}
	}
	mine := func(k identity.PrincipalKey) bool { return slices.Contains(certain, k) }
	for _, m := range h.seen.Ancestors {
		if mine(m.Member) {
			add(report.Step{Kind: report.StepAncestor, Principal: h.named(m.Member), Group: h.named(m.Group)})
		}
	}
	for _, m := range h.seen.Memberships {
		if mine(m.Member) {
			add(report.Step{Kind: report.StepMember, Principal: h.named(m.Member), Group: h.named(m.Group)})
		}
	}
	for _, p := range h.seen.SamePerson {
		add(report.Step{Kind: report.StepSame, Principal: h.named(p[0]), Group: h.named(p[1])})
	}
	for on, ok := h.q.On, true; ok; on, ok = on.Parent() {
		for _, g := range h.seen.Grants {
			for _, p := range g.Privileges {
				if g.Securable == on {
					add(report.Step{Kind: report.StepGrant, Principal: g.Holder, Privilege: p, Securable: h.shown(on)})
				}
			}
		}
		if owner, _ := h.oracle.owner(on); owner != "" {
			add(report.Step{Kind: report.StepOwner, Principal: owner, Securable: h.shown(on)})
		}
		if isolatable(on.Type) {
			add(report.Step{Kind: report.StepBinding, Securable: h.shown(on), Workspace: workspaceName(ws)})
		}
	}
	for _, a := range h.seen.Assignments {
		if a.Workspace == ws {
			add(report.Step{Kind: report.StepAssigned, Principal: h.named(a.Principal), Workspace: workspaceName(ws), Detail: a.Permission.String()})
		}
	}
	metastore := h.shown(identity.MetastoreSecurable(h.q.On.Metastore))
	add(report.Step{Kind: report.StepAttached, Securable: metastore, Workspace: workspaceName(ws)})
	return steps
}

func (h *honestReport) prove(ws identity.WorkspaceID) []report.Step {
	type fact struct {
		cited
		step report.Step
	}
	var facts []fact
	for _, s := range h.steps(ws) {
		known := func(f fact) bool { return describeStep(f.step) == describeStep(s) }
		if f, bad := h.cite(s); bad == "" && !slices.ContainsFunc(facts, known) {
			facts = append(facts, fact{f, s})
		}
	}
	facts = thin(facts, func(facts []fact) bool {
		s := h.bare()
		for _, f := range facts {
			f.add(&s)
		}
		return newOracle(s, h.q.Subject).Can(h.q.Privilege, h.q.On, ws) == access.Allowed
	})
	var steps []report.Step
	for _, f := range facts {
		steps = append(steps, f.step)
	}
	if info, _ := h.seen.listed(h.q.On); info.View() && len(info.Bases) > 0 && info.BasesKnown && h.q.Privilege == identity.Select {
		steps = append(steps, report.Step{Kind: report.StepDefiner, Principal: info.Owner, Securable: h.shown(h.q.On)})
	}
	return steps
}

// thin leaves out what is not needed.
func thin[T any](all []T, enough func([]T) bool) []T {
	for i := 0; i < len(all); {
		if less, _ := without(all, i); enough(less) {
			all = less
		} else {
			i++
		}
	}
	return all
}

func (h *honestReport) lacks(ws identity.WorkspaceID) []report.Missing {
	if !h.q.Privilege.Applies(h.q.On.Type) {
		return nil
	}
	with := func(extra []supply) access.Verdict {
		return newOracle(h.seen.suppose(extra...), h.q.Subject).Can(h.q.Privilege, h.q.On, ws)
	}
	all := []supply{
		{kind: report.StepActive},
		{kind: report.StepAssigned, workspace: ws},
		{kind: report.StepAttached, on: identity.MetastoreSecurable(h.q.On.Metastore), workspace: ws},
	}
	if info, _ := h.seen.listed(h.q.On); info.View() && info.BasesKnown && h.q.Privilege == identity.Select {
		all = append(all, supply{kind: report.StepDefiner, on: h.q.On, workspace: ws})
	}
	grant := func(p identity.Privilege, on identity.Securable) {
		all = append(all, supply{kind: report.StepGrant, privilege: p, on: on})
	}
	for on, ok := h.q.On, true; ok; on, ok = on.Parent() {
		if isolatable(on.Type) {
			all = append(all, supply{kind: report.StepBinding, on: on, workspace: ws})
		}
		use := map[identity.SecurableType]identity.Privilege{
			identity.TypeCatalog: identity.UseCatalog, identity.TypeSchema: identity.UseSchema,
		}[on.Type]
		if use != "" && (on != h.q.On || use != h.q.Privilege) {
			grant(use, on)
		}
	}
	grant(h.q.Privilege, h.q.On)
	switch {
	case h.q.Privilege == identity.Modify && h.q.On.Type == identity.TypeTable:
		grant(identity.Select, h.q.On)
	case h.q.Privilege == identity.WriteFiles:
		grant(identity.ReadFiles, h.q.On)
	}
	for i := range all {
		all[i].subject = h.q.Subject
	}
	all = thin(all, func(some []supply) bool { return with(some) == access.Allowed })
	var missing []report.Missing
	for _, s := range all {
		m := report.Missing{Kind: s.kind, Privilege: s.privilege, Known: h.isAbsent(s, ws)}
		if s.workspace != 0 {
			m.Workspace = workspaceName(s.workspace)
		}
		if s.on != (identity.Securable{}) {
			m.Securable = h.shown(s.on)
		}
		if !m.Known {
			m.Read = "what would tell"
		}
		missing = append(missing, m)
	}
	return missing
}

func (h *honestReport) isAbsent(s supply, ws identity.WorkspaceID) bool {
	switch {
	case s.kind != report.StepGrant:
		return h.absent(s)
	case h.q.Privilege == identity.Manage: // who manages it by other means lacks none of that
		return h.oracle.manages(h.q.On, ws).verdict == access.Denied
	default:
		return h.oracle.effective(s.privilege, s.on, ws).verdict == access.Denied
	}
}

// plan leaves out of what leads there what was of no use.
func (h *honestReport) plan(acts []supply, ws identity.WorkspaceID) []report.Act {
	for i := len(acts) - 1; i >= 0; i-- {
		after, _ := h.perform(acts, ws, i)
		if after.verdict != access.Allowed {
			continue
		}
		acts, _ = without(acts, i)
		for { // nor what can no longer be done
			_, idle := h.perform(acts, ws, -1)
			if idle < 0 {
				break
			}
			acts, _ = without(acts, idle)
		}
		i = len(acts)
	}
	var shown []report.Act
	for _, s := range acts {
		a := report.Act{}
		switch s.kind {
		case report.ActJoin, report.ActTakeRole, report.ActRunAs:
			a.Kind, a.Principal, a.Role = s.kind, h.named(s.other), string(s.role)
			a.Description = s.kind + " " + a.Principal
			if s.lever != (identity.Object{}) {
				a.Object = &report.ObjectRef{Workspace: workspaceName(s.lever.Workspace), Type: string(s.lever.Type), ID: s.lever.ID}
				a.Workspace = workspaceName(ws)
			}
		case report.StepAssigned:
			a.Kind, a.Workspace = report.ActAssign, workspaceName(s.workspace)
			a.Description = "assign itself to workspace " + workspaceName(s.workspace)
		case supplyAdmin:
			a.Kind = report.ActMetastore
			a.Description = "make itself admin of metastore " + h.shown(s.on).Metastore
		case report.StepBinding:
			a.Kind, a.Workspace = report.ActBind, workspaceName(s.workspace)
			a.Description = fmt.Sprintf("bind %s %s to workspace %s", s.on.Type.Title(), s.on.FullName(), workspaceName(s.workspace))
		default:
			a.Kind, a.Privilege = report.ActGrant, s.privilege
			a.Description = fmt.Sprintf("grant %s on %s %s to itself", s.privilege.SQL(), s.on.Type.Title(), s.on.FullName())
		}
		if s.on != (identity.Securable{}) {
			a.Securable = h.shown(s.on)
		}
		shown = append(shown, a)
	}
	return shown
}
