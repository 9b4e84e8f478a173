package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// TestRightsOf looks at what the account of the tests of core cannot show, since it shows itself to account admins alone: who
// manages groups without being one, and what is left open by what was not read.
func TestRightsOf(t *testing.T) {
	me := identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}
	erin := identity.PrincipalKey{Kind: identity.KindUser, ID: "2"}
	team := identity.PrincipalKey{Kind: identity.KindGroup, ID: "10"}
	above := identity.PrincipalKey{Kind: identity.KindGroup, ID: "11"}
	job := identity.Object{Workspace: 7, Type: identity.ObjectJob, ID: "5"}
	share := identity.Securable{Type: identity.TypeShare, Metastore: "m", Name: "s"}
	read := func(b *estate.Builder, keys ...estate.ReadKey) {
		for _, k := range keys {
			b.Record(k, estate.Outcome{Needed: true, At: time.Unix(1, 0)})
		}
	}
	rules := []estate.ReadKey{{Op: estate.OpRoles}, {Op: estate.OpRoles, Principal: team}}
	assignments := estate.ReadKey{Op: estate.OpAssignments, Workspace: 7}
	member := plan.Change{Cell: plan.Cell{Kind: plan.Member, Group: team, Holder: erin}, After: plan.Present, GroupName: "team"}
	object := plan.Change{Cell: plan.Cell{Kind: plan.ObjectLevel, Object: job, Holder: erin}, After: "CAN_VIEW", ObjectName: "nightly"}
	manager := func(on identity.PrincipalKey, role identity.Role, kind identity.Kind, name string) identity.RoleGrant {
		return identity.RoleGrant{On: on, Role: role, Holder: identity.PrincipalName{Kind: kind, Name: name}}
	}
	for name, c := range map[string]struct {
		change plan.Change
		facts  func(b *estate.Builder)
		may    plan.Answer
		who    []string
	}{
		"manager of the group": {member, func(b *estate.Builder) {
			b.AddRoleGrant(manager(team, identity.RoleGroupManager, identity.KindUser, "me@x.test"))
		}, plan.May, nil},
		"manager of all groups, by a group": {member, func(b *estate.Builder) {
			b.AddMembership(me, above)
			b.AddRoleGrant(manager(identity.PrincipalKey{}, identity.RoleGroupManager, identity.KindGroup, "above"))
		}, plan.May, []string{"above"}},
		"somebody else manages it": {member, func(b *estate.Builder) {
			read(b, rules...)
			b.AddRoleGrant(manager(team, identity.RoleGroupManager, identity.KindUser, "erin@x.test"))
		}, plan.MayNot, []string{"erin@x.test"}},
		"who may act as the group may not manage it": {member, func(b *estate.Builder) {
			read(b, rules...)
			b.AddRoleGrant(manager(team, identity.RoleGroupAssumer, identity.KindUser, "me@x.test"))
		}, plan.MayNot, nil},
		"the rule set of the group was not read": {member, func(b *estate.Builder) { read(b, rules[0]) }, plan.NotKnown, nil},
		"that of the account was not read":       {member, func(b *estate.Builder) { read(b, rules[1]) }, plan.NotKnown, nil},
		"a group that manages it, and the caller's groups were not read": {member, func(b *estate.Builder) {
			read(b, rules...)
			b.Record(estate.ReadKey{Op: estate.OpParents, Principal: me}, estate.Outcome{Kind: identity.Failed, Message: "down", Needed: true})
			b.AddRoleGrant(manager(team, identity.RoleGroupManager, identity.KindGroup, "above"))
		}, plan.NotKnown, []string{"above"}},
		"manages the object": {object, func(b *estate.Builder) {
			read(b, assignments, estate.ReadKey{Op: estate.OpObjectGrants, Object: job})
			b.AddAssignment(identity.Assignment{Workspace: 7, Principal: me, Permission: identity.WorkspaceUser})
			b.AddObjectGrants(job, []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: identity.KindUser, Name: "me@x.test"}, Level: identity.CanManage}})
		}, plan.May, nil},
		"manages the object, and may not enter": {object, func(b *estate.Builder) {
			read(b, assignments, estate.ReadKey{Op: estate.OpObjectGrants, Object: job})
			b.AddObjectGrants(job, []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: identity.KindUser, Name: "me@x.test"}, Level: identity.CanManage}})
		}, plan.MayNot, nil},
		"its list may not be read": {object, func(b *estate.Builder) {
			read(b, assignments)
			b.AddAssignment(identity.Assignment{Workspace: 7, Principal: me, Permission: identity.WorkspaceUser})
			b.Record(estate.ReadKey{Op: estate.OpObjectGrants, Object: job}, estate.Outcome{Kind: identity.Forbidden, Status: 403, Needed: true})
		}, plan.MayNot, nil},
		"its list may not be read by these tokens": {object, func(b *estate.Builder) {
			read(b, assignments)
			b.AddAssignment(identity.Assignment{Workspace: 7, Principal: me, Permission: identity.WorkspaceUser})
			b.Record(estate.ReadKey{Op: estate.OpObjectGrants, Object: job}, estate.Outcome{Kind: identity.Forbidden, Status: 401, Needed: true})
		}, plan.NotKnown, nil},
		"a share of somebody else, whose recipients the caller may have": {plan.Change{Cell: plan.Cell{Kind: plan.Granted, Securable: share, Privilege: identity.Select, Holder: erin}, After: plan.Present, Through: 7}, func(b *estate.Builder) {
			read(b, assignments, estate.ReadKey{Op: estate.OpGrants, Securable: share})
			b.AddMetastore(identity.Metastore{ID: "m", Name: "m", Owner: "erin@x.test"})
			b.AddSecurable(identity.SecurableInfo{Securable: share, Owner: "erin@x.test"})
			b.AddAssignment(identity.Assignment{Workspace: 7, Principal: me, Permission: identity.WorkspaceUser})
		}, plan.NotKnown, []string{"erin@x.test"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := estate.NewBuilder("a")
			b.AddWorkspace(identity.Workspace{ID: 7, Name: "prod", Status: "RUNNING", Host: "prod.x.test"})
			b.AddPrincipal(identity.Principal{Key: me, Name: "me@x.test", Status: identity.StatusActive})
			b.AddPrincipal(identity.Principal{Key: erin, Name: "erin@x.test", Status: identity.StatusActive})
			b.AddPrincipal(identity.Principal{Key: team, Name: "team", Status: identity.StatusActive})
			b.AddPrincipal(identity.Principal{Key: above, Name: "above", Status: identity.StatusActive})
			read(b, estate.ReadKey{Op: estate.OpEntitlements, Workspace: 7, Principal: identity.PrincipalKey{Kind: identity.KindGroup}})
			c.facts(b)
			e := b.Build()
			if _, planned := e.Outcome(estate.ReadKey{Op: estate.OpParents, Principal: me}); !planned {
				read(b, estate.ReadKey{Op: estate.OpParents, Principal: me})
				e = b.Build()
			}
			rights := plan.RightsOf(access.Over(e, access.Options{}), me, []plan.Step{{ID: "s1", Change: &c.change}})
			got := rights.Of("s1")
			if got.May != c.may || !slices.Equal(got.Who, c.who) || got.Needs == "" || (got.Why == "") != (got.May != plan.NotKnown) {
				t.Errorf("it is said %+v, and is %s, %s", got, c.may, strings.Join(c.who, " "))
			}
			if rights.Caller.Key != me || rights.Of("s2").May != plan.NotKnown {
				t.Errorf("it is said of %v; of another step %v", rights.Caller, rights.Of("s2"))
			}
		})
	}
}
