package access

import (
	"slices"
	"testing"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// TestGroupObjectsUnderOneName leaves an entry of an object's list open that names a group of the workspace
// and one of the account that is assigned there. Databricks does not let both be in one workspace, but
// facts read at different times may say so.
func TestGroupObjectsUnderOneName(t *testing.T) {
	account := identity.PrincipalKey{Kind: identity.KindGroup, ID: "1"}
	local := identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 7, ID: "2"}
	other := identity.PrincipalKey{Kind: identity.KindGroup, ID: "3"}
	b := estate.NewBuilder("a")
	b.AddWorkspace(identity.Workspace{ID: 7, Name: "w", Status: "RUNNING"})
	b.AddPrincipal(identity.Principal{Key: account, Name: "twins"})
	b.AddPrincipal(identity.Principal{Key: local, Name: "twins", Origin: identity.OriginWorkspaceLocal})
	b.AddPrincipal(identity.Principal{Key: other, Name: "other"})
	b.AddAssignment(identity.Assignment{Workspace: 7, Principal: account, Name: "twins", Permission: identity.WorkspaceUser})
	job := identity.Object{Workspace: 7, Type: identity.ObjectJob, ID: "j"}
	b.AddObject(identity.ObjectInfo{Object: job, Name: "nightly"})
	b.AddObjectGrants(job, []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "twins"}, Level: identity.CanManage}})
	b.Record(estate.ReadKey{Op: estate.OpEntitlements, Workspace: 7, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}, estate.Outcome{Needed: true})
	m := Over(b.Build(), Options{})
	for _, k := range []identity.PrincipalKey{account, local} {
		if r := m.Group(k, Also{Objects: true}); len(r.Objects) != 0 {
			t.Errorf("%s: the entry is taken for that of this group", k)
		}
		if got := m.GroupObjectDoubts(k)[job]; !slices.Equal(got, []string{"twins"}) {
			t.Errorf("%s: doubts %q", k, got)
		}
	}
	b2 := estate.NewBuilder("a")
	b2.AddPrincipal(identity.Principal{Key: other, Name: "other"})
	b2.Record(estate.ReadKey{Op: estate.OpParents, Principal: other}, estate.Outcome{Needed: true})
	if got := Over(b2.Build(), Options{}).GroupObjectDoubts(other); len(got) != 0 {
		t.Errorf("doubts %q without objects", got)
	}
}

// TestRosterKnowsWhoIsInWithoutTheWay lists those of whom an answer said only that they are in the group,
// and those who are in such groups.
func TestRosterKnowsWhoIsInWithoutTheWay(t *testing.T) {
	group := identity.PrincipalKey{Kind: identity.KindGroup, ID: "1"}
	far := identity.PrincipalKey{Kind: identity.KindGroup, ID: "2"}
	ann := identity.PrincipalKey{Kind: identity.KindUser, ID: "3"}
	b := estate.NewBuilder("a")
	b.AddPrincipal(identity.Principal{Key: group, Name: "group"})
	b.AddPrincipal(identity.Principal{Key: ann, Name: "ann"})
	b.AddGroup(identity.Group{Principal: identity.Principal{Key: far, Name: "far"}, Members: []identity.PrincipalKey{ann}, MembersListed: true})
	b.AddAncestor(far, group)
	r := For(b.Build(), group).m.Group(group, Also{})
	var got []string
	for _, x := range r.Members {
		got = append(got, x.Principal.Name)
		if !x.WayUnknown || len(x.Paths) != 0 || x.Direct {
			t.Errorf("%+v", x)
		}
	}
	if !slices.Equal(got, []string{"ann", "far"}) {
		t.Errorf("got %q", got)
	}
}
