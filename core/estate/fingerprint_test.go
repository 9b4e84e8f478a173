package estate_test

import (
	"fmt"
	"testing"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// TestFingerprintStays holds that an account of some thousands of facts of every kind keeps the fingerprint by
// which files and plans know it.
func TestFingerprintStays(t *testing.T) {
	t.Parallel()
	const want = "54517635115b0fa97558a056f41f6830c5dae9df8036b733b22b94fceeddb312"
	b := estate.NewBuilder("acc")
	for i := range 9_000 {
		p := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: fmt.Sprint(i)}, Name: fmt.Sprintf("u%d@x.test <&>", i), Status: identity.StatusActive}
		g := identity.PrincipalKey{Kind: identity.KindGroup, ID: fmt.Sprint(100_000 + i%50)}
		b.AddPrincipal(p)
		b.AddMembership(p.Key, g)
		on := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: fmt.Sprint(i)}
		b.AddSecurable(identity.SecurableInfo{Securable: on, Owner: p.Name})
		b.AddGrants(on, []identity.Grant{
			{Holder: fmt.Sprintf("u%d@x.test <&>", i%7), Privileges: []identity.Privilege{identity.Select}},
			{Holder: fmt.Sprintf("u%d@x.test <&>", i%11), Privileges: []identity.Privilege{identity.Modify, identity.Select}},
			{DeletedID: "1", Privileges: []identity.Privilege{identity.Select}},
		})
		b.Record(estate.ReadKey{Op: estate.OpGrants, Securable: on}, estate.Outcome{Needed: true, Partial: i%3 == 0})
		o := identity.Object{Workspace: 7, Type: identity.ObjectJob, ID: fmt.Sprint(i)}
		b.AddObject(identity.ObjectInfo{Object: o, Name: "job"})
		b.AddObjectGrants(o, []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: identity.KindUser, Name: p.Name}, Level: identity.CanManage}})
	}
	b.AddWorkspace(identity.Workspace{ID: 7, Name: "w"})
	b.AddAssignment(identity.Assignment{Workspace: 7, Principal: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Permission: identity.WorkspaceUser})
	b.AddMetastore(identity.Metastore{ID: "m", Name: "m"})
	b.AttachMetastore("m", 7)
	b.AddRoleGrant(identity.RoleGrant{Role: identity.RoleGroupManager, Holder: identity.PrincipalName{Kind: identity.KindUser, Name: "u1@x.test <&>"}})
	if got := b.Build().Fingerprint(); got != want {
		t.Errorf("it is %s, and files say %s", got, want)
	}
}
