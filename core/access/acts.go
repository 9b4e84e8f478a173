package access

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// way is a way to access by acts.
type way struct {
	acts     []report.Act
	possible Verdict
	doubt    estate.ReadKey // what was not read, where it is not known whether it is possible
}

// bySets looks for the set of missing facts that the subject can supply itself with the fewest acts.
// What is only not known to be there can be supplied like what is not there.
func (q canQuestion) bySets(sets []placedWants) way {
	best := way{possible: Denied, doubt: q.settling(q.key)}
	for _, set := range sets {
		acts, can := q.actsFor(set)
		if can == Allowed && (best.possible != Allowed || len(acts) < len(best.acts)) {
			best.acts = acts
		}
		if i := slices.IndexFunc(set.wants, func(w want) bool { return maybe(w) == Unknown }); can == Unknown && best.possible == Denied && i >= 0 {
			best.doubt = set.wants[i].read
		}
		best.possible = Any(best.possible, can)
	}
	return best
}

// maybe is the answer to what no act of the subject brings: it may be there, where it was not read.
func maybe(w want) Verdict {
	if w.known {
		return Denied
	}
	return Unknown
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
	rules := slices.ContainsFunc(set.wants, func(w want) bool { return w.kind == lackLevel || w.kind == lackAdmin })
	for _, w := range set.wants {
		switch w.kind {
		case lackAssignment, lackLevel, lackAdmin:
			if w.kind == lackAssignment && rules {
				continue // becoming admin brings the way in
			}
			act, ok := q.assignItself(w.workspace, w.kind != lackAssignment)
			if !ok && w.kind == lackAssignment {
				possible = All(possible, maybe(w))
				continue
			}
			possible = All(possible, Holds(ok && q.adminHelps(w.lack)))
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
			possible = All(possible, maybe(w))
		}
	}
	if elevated {
		enter = append(enter, q.becomeMetastoreAdmin(set))
	}
	return slices.Concat(enter, first, bind, grants), possible
}

// adminHelps reports whether being admin of the workspace would bring what is missing.
func (q canQuestion) adminHelps(l lack) bool {
	return l.kind != lackLevel || l.object.Type.Includes(l.object.Type.Highest(), l.level)
}

// beforeBinding is what it takes to change bindings by MANAGE: the use of the catalog beside it.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
func (q canQuestion) beforeBinding(l lack, set placedWants) []report.Act {
	use := lack{kind: lackPrivilege, privilege: identity.UseCatalog, securable: l.securable, workspace: set.id}
	planned := slices.ContainsFunc(set.wants, func(w want) bool { return w.lack == use })
	_, by, _ := q.authorityOver(l, set.id)
	if planned || by.Kind != ByManage || l.securable.Type != identity.TypeCatalog || q.Uses(l.securable, set.id) == Allowed {
		return nil
	}
	act, _, _ := q.supply(use, set.id)
	return []report.Act{act}
}

func (q canQuestion) active() Verdict { return q.verdicts().active() }

func (q canQuestion) assignItself(id identity.WorkspaceID, asAdmin bool) (report.Act, bool) {
	admin, ok := q.AccountAdmin()
	if !ok {
		return report.Act{}, false
	}
	act := report.Act{
		Kind: report.ActAssign, Workspace: q.e.WorkspaceName(id),
		Description: "assign itself to workspace " + q.e.WorkspaceName(id), Because: "account admin", Path: q.shortest(admin),
	}
	if asAdmin {
		act.Description, act.Role = "make itself admin of workspace "+q.e.WorkspaceName(id), identity.WorkspaceAdmin.String()
	}
	return act, true
}

func (q canQuestion) becomeMetastoreAdmin(set placedWants) report.Act {
	admin, _ := q.AccountAdmin()
	var metastore string
	for _, w := range set.wants {
		if w.securable.Metastore != "" {
			metastore = w.securable.Metastore
		}
	}
	root := q.securable(identity.MetastoreSecurable(metastore))
	return report.Act{
		Kind: report.ActMetastore, Description: "make itself admin of metastore " + root.FullName, Securable: &root, Because: "account admin", Path: q.shortest(admin),
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
		at, by, viaAdmin = l.securable, Authority{}, true
	}
	s := q.securable(at)
	act = report.Act{
		Kind: report.ActGrant, Securable: &s, Privilege: l.privilege,
		Description: fmt.Sprintf("grant %s on %s %s to itself", l.privilege.SQL(), at.Type.Title(), at.FullName()),
	}
	if l.kind == lackBinding {
		act = report.Act{
			Kind: report.ActBind, Securable: &s, Workspace: q.e.WorkspaceName(l.workspace),
			Description: fmt.Sprintf("bind %s %s to workspace %s", at.Type.Title(), at.FullName(), q.e.WorkspaceName(l.workspace)),
		}
	}
	act.Because, act.Path = q.because(by, viaAdmin)
	return act, viaAdmin, Allowed
}

// authorityOver finds where the subject may supply what is missing: on the securable, or on a
// container from which a grant flows down to it.
func (q canQuestion) authorityOver(l lack, in identity.WorkspaceID) (identity.Securable, Authority, Verdict) {
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
	return identity.Securable{}, Authority{}, answer
}

func (q canQuestion) because(by Authority, viaAdmin bool) (string, report.Path) {
	if viaAdmin {
		admin, _ := q.AccountAdmin()
		return "admin of the metastore by then", q.shortest(admin)
	}
	at := by.At.Type.Title() + " " + q.securable(by.At).FullName
	switch by.Kind {
	case ByMetastoreAdmin:
		return "admin of " + at, q.shortest(by.Holder)
	case ByManage:
		return "MANAGE on " + at, q.shortest(by.Holder)
	default:
		return "owner of " + at, q.shortest(by.Holder)
	}
}
