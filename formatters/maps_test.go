package formatters

import (
	"testing"

	"databricks-access-audit/core/report"
)

// TestGroupsOfAWorkspaceAreOneNode: paths call a group of one workspace by its name and the workspace's, and the
// list of groups tells the two apart.
func TestGroupsOfAWorkspaceAreOneNode(t *testing.T) {
	alice := report.Principal{ID: "1", Kind: "user", Name: "alice@acme.test", Source: "idp"}
	ops := report.Principal{ID: "81", Kind: "group", Name: "ops", Source: "workspace_local", Workspace: "prod"}
	way := report.Path{"alice@acme.test", "ops@prod"}
	for name, d := range map[string]drawing{
		"of a principal": principalView{&report.PrincipalReport{Principal: alice, Memberships: []report.Membership{{Group: ops, Direct: true, Paths: []report.Path{way}}}}}.drawing(),
		"of a group":     groupView{&report.GroupReport{Group: ops, Members: []report.GroupMember{{Principal: alice, Direct: true, Paths: []report.Path{way}}}}}.drawing(),
	} {
		if len(d.nodes) != 2 || len(d.edges) != 1 {
			t.Errorf("%s: %d nodes and %d edges: %+v", name, len(d.nodes), len(d.edges), d.nodes)
		}
	}
}
