package plan_test

import (
	"testing"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

func TestStepsThatTakeSomethingAwaySaySo(t *testing.T) {
	user := identity.PrincipalKey{Kind: identity.KindUser, ID: "7"}
	member := plan.Cell{Kind: plan.Member, Holder: user, Group: identity.PrincipalKey{Kind: identity.KindGroup, ID: "12"}}
	assigned := plan.Cell{Kind: plan.Assigned, Holder: user, Workspace: 4411}
	entitled := plan.Cell{Kind: plan.Entitled, Holder: user, Workspace: 4411, Entitlement: identity.SQLAccess}
	alert := plan.Cell{Kind: plan.ObjectLevel, Holder: user, Object: identity.Object{Workspace: 4411, Type: identity.ObjectAlertV2, ID: "a1"}}
	for _, c := range []struct {
		change plan.Change
		want   string
	}{
		{plan.Change{Cell: member, GroupName: "sales", After: plan.Present}, "member of group sales"},
		{plan.Change{Cell: member, GroupName: "sales", Before: plan.Present}, "no longer member of group sales"},
		{plan.Change{Cell: member, GroupName: "sales", Before: plan.Present, After: plan.Present}, "member of group sales"},
		{plan.Change{Cell: assigned, ObjectName: "prod", Before: "USER", After: "ADMIN"}, "ADMIN of workspace prod"},
		{plan.Change{Cell: assigned, ObjectName: "prod", Before: "USER"}, "no longer USER of workspace prod"},
		{plan.Change{Cell: entitled, ObjectName: "prod", Before: plan.Present}, "no longer databricks-sql-access in workspace prod"},
		{plan.Change{Cell: entitled, ObjectName: "prod", After: plan.Present}, "databricks-sql-access in workspace prod"},
		{plan.Change{Cell: alert, ObjectName: "freshness", Before: "CAN_RUN"}, "no longer CAN_RUN on alert freshness"},
		{plan.Change{Cell: alert, ObjectName: "freshness", Before: "CAN_MANAGE", After: "CAN_RUN"}, "CAN_RUN on alert freshness"},
		{plan.Change{Cell: alert, ObjectName: "freshness"}, "nothing on alert freshness"},
	} {
		if got := (plan.Step{ID: "s1", Kind: plan.AddMember, Change: &c.change}).Detail(); got != c.want {
			t.Errorf("%+v is said as %q, want %q", c.change, got, c.want)
		}
	}
}
