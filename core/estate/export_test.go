package estate_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// TestCopiedFacts covers the facts that only a copy of an estate brings.
func TestCopiedFacts(t *testing.T) {
	numeric := identity.PrincipalKey{Kind: identity.KindGroup, ID: "555"}
	b := estate.NewBuilder("a")
	b.AddPrincipal(identity.Principal{Key: identity.AccountUsers(), Roles: []string{"r"}})
	b.AddOtherKey(numeric, identity.AccountUsers())
	b.AddOtherKey(identity.PrincipalKey{ID: "7"}, user("7", "").Key)
	b.AddMention(user("8", "").Key)
	b.AddAssignment(identity.Assignment{Workspace: 7, Principal: identity.AccountUsers(), Name: identity.AccountUsersName, Permission: identity.WorkspaceUser})
	b.AddAssignment(identity.Assignment{Workspace: 7, Principal: numeric, Name: identity.AccountUsersName, Permission: identity.WorkspaceUser})
	e := b.Build()
	everybody, ok := e.Principal(numeric)
	if !ok || everybody.Key != identity.AccountUsers() || everybody.Name != identity.AccountUsersName || !slices.Equal(everybody.Roles, []string{"r"}) {
		t.Errorf("everybody is %+v", everybody)
	}
	for _, k := range []identity.PrincipalKey{{ID: "7"}, user("7", "").Key, user("8", "").Key} {
		if p, ok := e.Principal(k); !ok || p.Key.Kind != identity.KindUser {
			t.Errorf("%s is %+v, %v", k, p, ok)
		}
	}
	if n := len(e.Assignments(7)); n != 1 {
		t.Errorf("everybody is assigned %d times", n)
	}
	if n := len(maps.Collect(e.OtherKeys())); n != 2 {
		t.Errorf("%d other keys", n)
	}
}

// TestOneReadUnderTwoKeys keeps what was missed, whichever entry comes first.
func TestOneReadUnderTwoKeys(t *testing.T) {
	unknown := identity.PrincipalKey{ID: alice.Key.ID}
	for range 20 {
		b := estate.NewBuilder("a")
		b.AddPrincipal(alice)
		b.AddMembership(unknown, identity.PrincipalKey{Kind: identity.KindGroup, ID: "2"})
		b.AddEntitlements(7, unknown, []identity.Entitlement{"b"})
		b.AddEntitlements(7, alice.Key, []identity.Entitlement{"a"})
		b.Record(estate.ReadKey{Op: estate.OpParents, Principal: unknown}, estate.Outcome{Needed: true, At: time.Unix(1, 0)})
		b.Record(estate.ReadKey{Op: estate.OpParents, Principal: alice.Key}, estate.Outcome{Needed: true, Kind: identity.Failed})
		e := b.Build()
		o, ok := e.Outcome(estate.ReadKey{Op: estate.OpParents, Principal: unknown})
		if !ok || o.Kind != identity.Failed || len(e.Reads()) != 1 {
			t.Fatalf("kept %+v of %d", o, len(e.Reads()))
		}
		if got := e.Entitlements(7); len(got) != 1 || len(got[0].Entitlements) != 2 {
			t.Fatalf("entitled %+v", got)
		}
	}
}

// TestRuleSetsKeepTheKind of a holder whom nobody is found for.
func TestRuleSetsKeepTheKind(t *testing.T) {
	b := estate.NewBuilder("a")
	for _, kind := range []identity.Kind{identity.KindUser, identity.KindGroup} {
		b.AddRoleGrant(identity.RoleGrant{Role: "r", Holder: identity.PrincipalName{Kind: kind, Name: "nobody"}})
	}
	e := b.Build()
	if len(e.RuleSets()) != 2 || len(e.AllRoleGrants()) != 2 {
		t.Errorf("%d named, %d resolved", len(e.RuleSets()), len(e.AllRoleGrants()))
	}
}
