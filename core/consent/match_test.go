package consent_test

import (
	"fmt"
	"strings"
	"testing"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// TestFirstRuleThatMatches finds the rule of a plan, all of whose changes it has to cover.
func TestFirstRuleThatMatches(t *testing.T) {
	level := plan.Step{Kind: plan.ObjectACL, Change: &plan.Change{Cell: plan.Cell{Kind: plan.ObjectLevel, Holder: bob}, After: "CAN_RUN"}}
	modify := grant(bob, "sales")
	modify.Change.Cell.Privilege = identity.Modify
	credential := grant(bob, "")
	credential.Change.Cell.Securable = identity.Securable{Metastore: "m", Type: identity.TypeConnection, Name: "sales"}
	local := join(bob, "60")
	local.Change.Cell.Group.Workspace = 5
	open := grant(bob, "hr")
	open.Kind = plan.Unverified
	for _, c := range []struct {
		match string
		steps []plan.Step
		want  bool
	}{
		{"", []plan.Step{grant(bob, "sales"), join(bob, "60"), level}, true},
		{"match: {catalogs: [sales]}", []plan.Step{grant(bob, "sales")}, true},
		{"match: {catalogs: [SALES]}", []plan.Step{grant(bob, "sales")}, true},
		{"match: {catalogs: [hr, sales]}", []plan.Step{grant(bob, "sales")}, true},
		{"match: {catalogs: [sales]}", []plan.Step{grant(bob, "sales"), grant(bob, "hr")}, false},
		{"match: {catalogs: [sales]}", []plan.Step{grant(bob, "sales"), open}, true}, // what is not carried out is not approved
		{"match: {catalogs: [sales]}", []plan.Step{grant(bob, "sales"), join(bob, "60")}, false},
		{"match: {catalogs: [sales]}", []plan.Step{grant(bob, "sales"), level}, false},
		{"match: {catalogs: [sales], steps: [grant]}", []plan.Step{grant(bob, "sales"), level}, false},
		{"match: {catalogs: [sales], steps: [grant, object_acl]}", []plan.Step{grant(bob, "sales"), level}, true},
		{"match: {catalogs: [sales], steps: [grant, object_acl]}", []plan.Step{grant(bob, "hr"), level}, false},
		{"match: {catalogs: ['*']}", []plan.Step{credential}, false},
		{"match: {privileges: [SELECT]}", []plan.Step{credential}, true},
		{"match: {privileges: [SELECT]}", []plan.Step{grant(bob, "sales"), modify}, false},
		{"match: {privileges: [SELECT, MODIFY]}", []plan.Step{grant(bob, "sales"), modify}, true},
		{"match: {privileges: [SELECT], catalogs: [hr]}", []plan.Step{grant(bob, "sales")}, false},
		{"match: {privileges: [MODIFY], catalogs: [sales]}", []plan.Step{grant(bob, "sales")}, false},
		{"match: {privileges: [SELECT]}", []plan.Step{join(bob, "60")}, false},
		{"match: {groups: ['60']}", []plan.Step{join(bob, "60")}, true},
		{"match: {groups: ['60']}", []plan.Step{join(bob, "61")}, false},
		{"match: {groups: ['60']}", []plan.Step{local}, false},
		{"match: {groups: ['60', '61']}", []plan.Step{join(bob, "61"), join(bob, "60")}, true},
		{"match: {groups: ['60']}", []plan.Step{join(bob, "60"), grant(bob, "sales")}, false},
		{"match: {groups: ['60'], catalogs: [sales]}", []plan.Step{join(bob, "60"), grant(bob, "sales")}, true},
		{"match: {groups: ['60'], catalogs: [sales]}", []plan.Step{join(bob, "60"), grant(bob, "hr")}, false},
		{"match: {groups: ['60', nowhere]}", []plan.Step{join(bob, "60")}, true},
		{"match: {groups: ['60', nowhere]}", []plan.Step{join(bob, "61"), grant(bob, "sales")}, false}, // the grant decides
		{"match: {steps: [grant]}", []plan.Step{grant(bob, "sales")}, true},
		{"match: {steps: [grant]}", []plan.Step{grant(bob, "sales"), join(bob, "60")}, false},
		{"match: {tiers: [normal]}", []plan.Step{grant(bob, "sales")}, true},
		{"match: {tiers: [high, barred]}", []plan.Step{grant(bob, "sales")}, false},
		{"match: {targets: [user]}", []plan.Step{grant(bob, "sales")}, true},
		{"match: {targets: [group, service_principal]}", []plan.Step{grant(bob, "sales")}, false},
		{"match: {targets: [user]}", []plan.Step{grant(robot("5"), "sales")}, false}, // beside the target, who is a user
	} {
		t.Run(fmt.Sprint(c.match, len(c.steps)), func(t *testing.T) {
			text := strings.Replace("rules: [{id: first, MATCH approvers: [{group: 71}, {group: 72}], min_approvals: 1, channels: any}, {id: rest, approvers: [{group: 71}], min_approvals: 1, channels: any}]",
				"MATCH", c.match+strings.Repeat(",", min(1, len(c.match))), 1)
			r := parse(t, text).Rule(ballot(clonePlan(plan.Normal, c.steps...)), village())
			if (r.Rule == "first") != c.want || r.Outcome != consent.Open {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("a group that was not found hides no rule", func(t *testing.T) {
		p := parse(t, "rules: [{id: strict, match: {groups: [nowhere]}, approvers: [{group: 71}], min_approvals: 2}, {id: lax, approvers: [{group: 71}], min_approvals: 1, channels: any}]")
		if r := p.Rule(ballot(clonePlan(plan.Normal, join(bob, "60")), yes(ann)), village()); r.Outcome != consent.Refused || r.Rule != "" {
			t.Errorf("%+v", r)
		}
	})
}

// TestSlackGroups count only if nobody can put himself there in Slack, unless the policy accepts that.
func TestSlackGroups(t *testing.T) {
	for _, c := range []struct {
		mutable bool
		group   consent.UserGroup
		want    bool
		outcome consent.Outcome // when nobody voted
	}{
		{false, consent.UserGroup{Members: []identity.PrincipalKey{sue}, Read: consent.Yes, Kept: consent.Yes}, true, consent.Open},
		{false, consent.UserGroup{Members: []identity.PrincipalKey{sue}, Read: consent.Yes, Kept: consent.No}, false, consent.Refused},
		{false, consent.UserGroup{Members: []identity.PrincipalKey{sue}, Read: consent.Yes}, false, consent.Open},
		{true, consent.UserGroup{Members: []identity.PrincipalKey{sue}, Read: consent.Yes, Kept: consent.No}, true, consent.Open},
		{true, consent.UserGroup{Members: []identity.PrincipalKey{sue}, Read: consent.Yes}, true, consent.Open},
		{true, consent.UserGroup{Members: []identity.PrincipalKey{sue}}, false, consent.Open},
		{true, consent.UserGroup{Members: []identity.PrincipalKey{sue}, Read: consent.No}, false, consent.Refused},
		{false, consent.UserGroup{Members: []identity.PrincipalKey{sam}, Read: consent.Yes, Kept: consent.Yes}, false, consent.Open},
		{false, consent.UserGroup{Read: consent.Yes, Kept: consent.Yes}, false, consent.Refused},
		{false, consent.UserGroup{Read: consent.Yes, Kept: consent.Yes, More: true}, false, consent.Open},
		{false, consent.UserGroup{Read: consent.Yes, Kept: consent.No, More: true}, false, consent.Refused},
		{true, consent.UserGroup{Read: consent.Yes, Kept: consent.No, More: true}, false, consent.Open},
		{true, consent.UserGroup{}, false, consent.Open},
	} {
		f := village()
		f.slack["S0SEC"] = c.group
		p := parse(t, fmt.Sprintf("rules: [{id: x, approvers: [{slack_group: S0SEC, allow_mutable_usergroup: %v}], min_approvals: 1, channels: any}]", c.mutable))
		if err := p.MayVote(ballot(clonePlan(plan.Normal)), sue, f); (err == nil) != c.want {
			t.Errorf("%+v: %v", c, err)
		}
		if r := p.Rule(ballot(clonePlan(plan.Normal)), f); r.Outcome != c.outcome {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}

// TestUsers are in a set by their ids; a name that was not resolved is nobody's.
func TestUsers(t *testing.T) {
	p := parse(t, `rules: [{id: x, approvers: [{users: [6, ada@acme.test, 7], group: 71}, {group: nowhere}], min_approvals: 1, channels: any}]`)
	for who, want := range map[identity.PrincipalKey]bool{sue: true, ann: true, sam: true, rita: false, stranger: false} {
		if err := p.MayVote(ballot(clonePlan(plan.Normal)), who, village()); (err == nil) != want {
			t.Errorf("%v: %v", who, err)
		}
	}
	r := p.Rule(ballot(clonePlan(plan.Normal)), village())
	if want := []string{"group 71 and user 6 and user ada@acme.test and user 7", "group nowhere"}; strings.Join(r.Approvers, "|") != strings.Join(want, "|") {
		t.Errorf("%q", r.Approvers)
	}
}
