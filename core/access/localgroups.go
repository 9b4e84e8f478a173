package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// localGroups lists the groups of one workspace alone, without those that Databricks keeps for everybody and
// for the admins of a workspace.
//
// https://docs.databricks.com/aws/en/admin/users-groups/workspace-local-groups
func (a audit) localGroups() []report.LocalGroup {
	list := []report.LocalGroup{}
	named := a.e.Saw(estate.ReadKey{Op: estate.OpGroups})
	for p := range a.e.Principals() {
		k := p.Key
		if k.Kind != identity.KindGroup || k.Workspace == 0 || k == identity.WorkspaceUsers(k.Workspace) || k == identity.WorkspaceAdmins(k.Workspace) {
			continue
		}
		g := report.LocalGroup{Workspace: a.e.WorkspaceName(k.Workspace), Group: p.Name, ID: k.ID}
		if a.e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: k}) {
			n := 0
			for range a.e.Members(k) {
				n++
			}
			g.Members = &n
		}
		same := slices.ContainsFunc(a.e.Named(p.Name), func(other identity.Principal) bool { return other.Key.Kind == identity.KindGroup })
		if same || named {
			g.SameName = &same
		}
		list = append(list, g)
	}
	return list
}
