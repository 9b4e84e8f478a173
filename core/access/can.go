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

// Can answers whether a principal can exercise a privilege on a securable, now, from one of the
// workspaces, with proofs or with what is missing. The envelope is left to the caller.
func Can(e *estate.Estate, key identity.PrincipalKey, p identity.Privilege, on identity.Securable, from []identity.WorkspaceID) *report.CanReport {
	q := canQuestion{audit: audit{For(e, key)}, privilege: p, on: on, from: from}
	r := &report.CanReport{
		Subject: q.principal(q.key), Action: p, Resource: q.securable(on), ReachableIn: []string{},
		Proofs: []report.Proof{}, Missing: []report.MissingSet{}, Acts: []report.Act{},
	}
	q.answer(r)
	r.Caveats = append(r.Caveats, q.caveats(r)...)
	return r
}

// canQuestion is one question of this form.
type canQuestion struct {
	audit
	privilege identity.Privilege
	on        identity.Securable
	from      []identity.WorkspaceID
}

// inWorkspace is the answer as it is in one workspace.
type inWorkspace struct {
	id    identity.WorkspaceID
	whole *clause
	uc    Verdict // what Unity Catalog authorises there
}

func (q canQuestion) answer(r *report.CanReport) {
	here := q.places()
	granted, whole := Denied, Denied
	for _, w := range here {
		granted, whole = Any(granted, w.uc), Any(whole, w.whole.verdict)
		if w.whole.verdict == Allowed {
			r.ReachableIn = append(r.ReachableIn, q.e.WorkspaceName(w.id))
		}
	}
	r.Tiers = report.Tiers{Granted: answerOf(granted), Reachable: answerOf(whole), Exercisable: report.NotChecked}
	switch whole {
	case Allowed:
		r.Verdict = report.Allow
		r.Proofs, r.ProofsOmitted = q.proofsOf(here)
		return
	case Denied:
		r.Verdict = report.Deny
	case Unknown:
		r.Verdict = report.Unknown
	}
	sets := q.wantsOf(here, whole)
	r.Missing = q.missing(sets)
	switch acts, possible := q.fewestActs(sets); {
	case possible == Allowed:
		r.Verdict, r.Acts = report.Indirect, acts
	case possible == Unknown && r.Verdict == report.Deny:
		r.Verdict = report.Unknown
		r.Caveats = append(r.Caveats, "it has no access, but may be able to give it to itself: "+q.e.Operation(q.settling(q.key))+" was not possible in full")
	}
}

// places are the workspaces that matter: those asked about, and without any one that stands for
// acting in none, so that what Unity Catalog authorises can still be told.
func (q canQuestion) places() []inWorkspace {
	ids := slices.Clone(q.from)
	if len(ids) == 0 {
		ids = []identity.WorkspaceID{0}
	}
	var here []inWorkspace
	for _, id := range ids {
		here = append(here, inWorkspace{
			id: id, whole: q.clauses().can(q.privilege, q.on, id), uc: q.verdicts().granted(q.privilege, q.on, id),
		})
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
	rest := as.logic.all(as.granted(q.privilege, q.on, w.id), as.active(), as.attached(q.on.Metastore, w.id), as.bound(q.on, q.privilege, w.id))
	return combined(assigned.wants(), rest.wants())
}

func (q canQuestion) missing(sets []placedWants) []report.MissingSet {
	list := []report.MissingSet{}
	for _, set := range sets {
		m := report.MissingSet{Workspace: q.workspaceName(set.id), Facts: []report.Missing{}}
		for _, w := range set.wants {
			m.Facts = append(m.Facts, q.missingFact(w))
		}
		list = append(list, m)
	}
	return list
}

func (q canQuestion) workspaceName(id identity.WorkspaceID) string {
	if id == 0 {
		return ""
	}
	return q.e.WorkspaceName(id)
}

// wantKinds are the kinds of step that a missing condition would be.
var wantKinds = map[lackKind]string{
	lackPrivilege: report.StepGrant, lackMembership: report.StepMember, lackActive: report.StepActive, lackAssignment: report.StepAssigned,
	lackMetastore: report.StepAttached, lackBinding: report.StepBinding,
}

func (q canQuestion) missingFact(w want) report.Missing {
	m := report.Missing{
		Kind: wantKinds[w.kind], Privilege: w.privilege, Workspace: q.workspaceName(w.workspace),
		Known: w.known, Suppliers: q.suppliers(w.lack),
	}
	if w.securable.Type != "" {
		s := q.securable(w.securable)
		m.Securable = &s
	}
	if w.kind == lackPrivilege {
		m.Workspace = "" // a grant holds everywhere
	}
	if !w.known {
		m.Read = q.e.Operation(w.read)
	}
	return m
}

// suppliers says who could supply a missing fact, by the names that the facts bear.
func (q canQuestion) suppliers(l lack) []string {
	switch l.kind {
	case lackActive:
		return []string{"an account admin, or the identity provider"}
	case lackAssignment:
		return []string{"an account admin, or an admin of the workspace"}
	case lackMetastore:
		return []string{"an account admin"}
	case lackMembership:
		return []string{}
	default:
	}
	names := []string{}
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for at := range lineage(l.securable) {
		if owner, known := q.e.Owner(at); known {
			add(owner.Name)
		}
		for g := range q.e.GrantsOn(at) {
			if gives(g.Privileges, identity.Manage, at.Type) {
				add(g.Holder.Name)
			}
		}
	}
	if admin, known := q.e.MetastoreAdmin(l.securable.Metastore); known {
		add(admin.Name)
	}
	return names
}

// fewestActs looks for the set of missing facts that the subject can supply itself with the fewest
// acts, and says whether there is one. What is only not known to be there can be supplied like what is
// not there.
func (q canQuestion) fewestActs(sets []placedWants) (best []report.Act, possible Verdict) {
	possible = Denied
	for _, set := range sets {
		acts, can := q.actsFor(set)
		if can == Allowed && (possible != Allowed || len(acts) < len(best)) {
			best = acts
		}
		possible = Any(possible, can)
	}
	return best, possible
}

// actsFor plans the acts that supply a set: the way in first, then the right to grant, then the
// binding, then the grants.
func (q canQuestion) actsFor(set placedWants) ([]report.Act, Verdict) {
	if set.id == 0 || q.active() != Allowed {
		return nil, Denied
	}
	if slices.ContainsFunc(set.wants, func(w want) bool { return w.kind == lackAssignment }) {
		q.audit = audit{q.assuming(set.id)} // once in, it has what the workspace's users have
	}
	possible := Allowed
	var enter, first, bind, grants []report.Act
	elevated := false
	for _, w := range set.wants {
		switch w.kind {
		case lackAssignment:
			act, ok := q.assignItself(w.workspace)
			possible = All(possible, Holds(ok))
			enter = append(enter, act)
		case lackBinding, lackPrivilege:
			act, viaAdmin, can := q.supply(w.lack, set.id)
			possible = All(possible, can)
			elevated = elevated || viaAdmin
			switch {
			case w.kind == lackBinding:
				bind = append(bind, act)
				first = append(first, q.beforeBinding(w.lack, set)...)
			case w.privilege == identity.UseCatalog:
				first = append(first, act) // whoever binds by MANAGE needs it
			case viaAdmin && (w.securable.Type == identity.TypeMetastore || w.privilege == identity.Manage): // an admin has it
			default:
				grants = append(grants, act)
			}
		default:
			return nil, Denied
		}
	}
	if elevated {
		enter = append(enter, q.becomeMetastoreAdmin())
	}
	return slices.Concat(enter, first, bind, grants), possible
}

// beforeBinding is what it takes to change bindings by MANAGE: the use of the catalog beside it.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
func (q canQuestion) beforeBinding(l lack, set placedWants) []report.Act {
	use := lack{kind: lackPrivilege, privilege: identity.UseCatalog, securable: l.securable, workspace: set.id}
	planned := slices.ContainsFunc(set.wants, func(w want) bool { return w.lack == use })
	_, by, _ := q.authorityOver(l, set.id)
	if planned || by.kind != byManage || l.securable.Type != identity.TypeCatalog || q.Uses(l.securable, set.id) == Allowed {
		return nil
	}
	act, _, _ := q.supply(use, set.id)
	return []report.Act{act}
}

func (q canQuestion) active() Verdict { return q.verdicts().active() }

func (q canQuestion) assignItself(id identity.WorkspaceID) (report.Act, bool) {
	admin, ok := q.AccountAdmin()
	if !ok {
		return report.Act{}, false
	}
	return report.Act{
		Description: "assign itself to workspace " + q.e.WorkspaceName(id), Because: "account admin", Path: q.shortest(admin),
	}, true
}

func (q canQuestion) becomeMetastoreAdmin() report.Act {
	admin, _ := q.AccountAdmin()
	root := q.securable(identity.MetastoreSecurable(q.on.Metastore))
	return report.Act{
		Description: "make itself admin of metastore " + root.FullName, Securable: &root, Because: "account admin", Path: q.shortest(admin),
	}
}

// supply plans the act that grants a privilege or changes a binding, and says whether it is possible;
// viaAdmin says that it takes becoming metastore admin first.
func (q canQuestion) supply(l lack, in identity.WorkspaceID) (act report.Act, viaAdmin bool, possible Verdict) {
	if l.kind == lackPrivilege && !l.privilege.InAllPrivileges() && l.privilege != identity.Manage {
		return act, false, Denied // access from outside Databricks is granted by owners alone
	}
	at, by, possible := q.authorityOver(l, in)
	if possible != Allowed {
		if _, admin := q.AccountAdmin(); !admin {
			return act, false, possible
		}
		at, by, viaAdmin = l.securable, authority{}, true
	}
	s := q.securable(at)
	act = report.Act{Securable: &s, Description: fmt.Sprintf("grant %s on %s %s to itself", l.privilege.SQL(), at.Type.Title(), at.FullName())}
	if l.kind == lackBinding {
		act.Description = fmt.Sprintf("bind %s %s to workspace %s", at.Type.Title(), at.FullName(), q.e.WorkspaceName(l.workspace))
	}
	act.Because, act.Path = q.because(by, viaAdmin)
	return act, viaAdmin, Allowed
}

// authorityOver finds where the subject may supply what is missing: on the securable, or on a
// container from which a grant flows down to it.
func (q canQuestion) authorityOver(l lack, in identity.WorkspaceID) (identity.Securable, authority, Verdict) {
	answer := Denied
	for at := range lineage(l.securable) {
		if l.kind == lackPrivilege && !l.privilege.Applies(at.Type) {
			continue
		}
		by, v := q.Manages(at, in)
		if v == Allowed {
			return at, by, Allowed
		}
		answer = Any(answer, v)
	}
	return identity.Securable{}, authority{}, answer
}

func (q canQuestion) because(by authority, viaAdmin bool) (string, report.Path) {
	if viaAdmin {
		admin, _ := q.AccountAdmin()
		return "admin of the metastore by then", q.shortest(admin)
	}
	at := by.at.Type.Title() + " " + q.securable(by.at).FullName
	switch by.kind {
	case byMetastoreAdmin:
		return "admin of " + at, q.shortest(by.holder)
	case byManage:
		return "MANAGE on " + at, q.shortest(by.holder)
	default:
		return "owner of " + at, q.shortest(by.holder)
	}
}

// caveats say what the verdict does not cover.
func (q canQuestion) caveats(r *report.CanReport) []string {
	caveats := []string{}
	add := func(format string, args ...any) { caveats = append(caveats, fmt.Sprintf(format, args...)) }
	info, _ := q.e.Securable(q.on)
	if strings.Contains(info.TableType, "VIEW") {
		add("views are read with the rights of their owner %s, which were not looked at: if the owner may not read what the view is built on, nobody can", info.Owner)
	}
	if info.RowFilter {
		add("a row filter hides rows")
	}
	if info.ColumnMask {
		add("column masks change values")
	}
	for _, p := range q.e.Policies(q.on) {
		if p.Kind != identity.PolicyGrant && q.named(p.To) != Denied && q.named(p.Except) != Allowed {
			add("policy %s (%s) may hide or change data", p.Name, strings.ToLower(strings.ReplaceAll(string(p.Kind), "_", " ")))
		}
	}
	if !q.privilege.Applies(q.on.Type) {
		add("%s is not a privilege on a %s", q.privilege.SQL(), q.on.Type.Title())
	}
	if !q.privilege.Known() {
		add("privilege %s is not in the reference this tool knows: matched exactly", q.privilege)
	}
	if r.Verdict == report.Deny || r.Verdict == report.Indirect {
		add("ways through managing a group, using a service principal, or other people's jobs and notebooks were not looked at")
	}
	return caveats
}
