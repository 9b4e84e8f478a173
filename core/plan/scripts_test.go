package plan_test

import (
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// TestScriptsSpellWhatTheyWrite holds requests and resources to the spellings of the API and of the provider, which differ from ours
// and from each other, and the same object to the workspace that it is in.
//
// https://docs.databricks.com/api/workspace/permissions/update,
// https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/entitlements#import
func TestScriptsSpellWhatTheyWrite(t *testing.T) {
	robot := identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "7"}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	step := func(id string, kind plan.StepKind, c plan.Cell, after plan.Value) plan.Step {
		c.Holder = robot
		return plan.Step{ID: id, Kind: kind, Change: &plan.Change{Cell: c, After: after, HolderName: "app", ObjectName: "thing", Through: 42}}
	}
	object := func(kind identity.ObjectType) plan.Cell {
		return plan.Cell{Kind: plan.ObjectLevel, Object: identity.Object{Workspace: 42, Type: kind, ID: "x"}}
	}
	p := plan.Plan{
		ID: "p-0000000000", Kind: plan.Clone, Account: "acc", Host: "https://accounts.example.test", Tool: "v", CreatedAt: at, ExpiresAt: at.Add(time.Hour),
		Source: plan.Party{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "a"}, Target: plan.Party{Key: robot, Name: "app"},
		Complete: true, Facts: strings.Repeat("0", 64), Gain: strings.Repeat("0", 64), Tier: plan.Normal,
		Steps: []plan.Step{
			step("s1", plan.Entitlement, plan.Cell{Kind: plan.Entitled, Workspace: 42, Entitlement: "workspace-access"}, plan.Present),
			step("s2", plan.ObjectACL, object(identity.ObjectAlert), "CAN_RUN"),
			step("s3", plan.ObjectACL, object(identity.ObjectWarehouse), "CAN_USE"),
			step("s4", plan.ObjectACL, object(identity.ObjectLegacyDashboard), "CAN_RUN"),
			step("s5", plan.Grant, plan.Cell{Kind: plan.Granted, Securable: identity.Securable{Metastore: "m", Type: identity.TypeStorageCredential, Name: "lake"}, Privilege: "READ_FILES"}, plan.Present),
			step("s6", plan.Grant, plan.Cell{Kind: plan.Granted, Securable: identity.Securable{Metastore: "m", Type: identity.TypeServiceCredential, Name: "eye"}, Privilege: "ACCESS"}, plan.Present),
		},
	}
	got, err := plan.Scripts(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"path":"/api/2.0/permissions/alerts/x"`, `"path":"/api/2.0/permissions/warehouses/x"`, `"path":"/api/2.0/permissions/dbsql-dashboards/x"`,
		`"path":"/api/2.1/unity-catalog/permissions/storage_credential/lake"`, `"path":"/api/2.1/unity-catalog/permissions/credential/eye"`,
	} {
		if !strings.Contains(got.API, want) {
			t.Errorf("no %s among the requests\n%s", want, got.API)
		}
	}
	for _, want := range []string{`#   id = "spn/7"`, "  service_principal_id = \"7\"\n  workspace_access = true\n"} {
		if !strings.Contains(got.Terraform, want) {
			t.Errorf("no %s among the resources\n%s", want, got.Terraform)
		}
	}
	shown, err := plan.Show(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := shown.Actions[1].Object; o == nil || o.Workspace != "42" || o.ID != "x" || o.Name != "thing" {
		t.Errorf("the alert is shown as %+v", o)
	}
}
