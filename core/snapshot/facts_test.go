package snapshot_test

import (
	"strconv"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

func user(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindUser, ID: id}
}

func group(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindGroup, ID: id}
}

var (
	wherever = identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c.d", Schema: "s", Name: "t"}
	catalog  = identity.CatalogSecurable("m", "c.d")
	noon     = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)
)

// whole gathers facts of every sort with every field, in an order that the seed chooses, odd ones among
// them: places that no list has, lists that are empty and not missing, keys of several spellings.
func whole(seed uint64) *estate.Builder {
	b := estate.NewBuilder("account")
	facts := append(peopleFacts(b), placeFacts(b)...)
	facts = append(append(facts, objectFacts(b)...), manyFacts(b)...)
	shuffled(seed, append(facts, b.Interrupted))
	return b
}

// few gathers those of them that make a small file.
func few() *estate.Estate {
	b := estate.NewBuilder("account")
	shuffled(1, append(append(peopleFacts(b), placeFacts(b)...), objectFacts(b)...))
	return b.Build()
}

func peopleFacts(b *estate.Builder) []func() {
	local := identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 7, ID: "a@9"}
	return []func(){
		func() {
			b.AddPrincipal(identity.Principal{
				Key: user("1"), Name: "Alice@acme.test", DisplayName: "Alice <&> \u2028 \"A\"", Emails: []string{"a@acme.test"}, ExternalID: "x",
				Origin: identity.OriginIDP, Status: identity.StatusActive, Roles: []string{identity.RoleAccountAdmin, "odd"}, Aliases: []string{"alice#EXT#@t"},
			})
		},
		func() {
			b.AddPrincipal(identity.Principal{Key: user("2"), Name: "alice_2", Emails: []string{}, Roles: []string{}})
		},
		func() {
			b.AddPrincipal(identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "3"}, Name: "app", Status: identity.StatusInactive})
		},
		func() { b.AddPrincipal(identity.Principal{Key: user("odd@7"), Name: "odd"}) },
		func() {
			b.AddGroup(identity.Group{Principal: identity.Principal{Key: group("10"), Name: "g"}, Members: []identity.PrincipalKey{user("1"), {ID: "2"}, {ID: "999"}}, MembersListed: true})
		},
		func() {
			b.AddGroup(identity.Group{Principal: identity.Principal{Key: group("555"), Name: identity.AccountUsersName, Roles: []string{"everybody's"}}})
		},
		func() {
			b.AddPrincipal(identity.Principal{Key: local, Name: "l", Origin: identity.OriginWorkspaceLocal})
		},
		func() { b.AddMembership(user("1"), local) },
		func() { b.AddPrincipal(identity.Principal{Key: group("12"), Name: "twins"}) },
		func() { b.AddPrincipal(identity.Principal{Key: group("13"), Name: "twins"}) },
		func() { b.AddAncestor(user("1"), group("11")) },
		func() { b.AddSamePerson(user("1"), user("2")) },
		func() {
			b.AddEntitlements(7, user("1"), []identity.Entitlement{identity.SQLAccess, identity.ConsumerAccess})
		},
		func() { b.AddEntitlements(8, identity.PrincipalKey{ID: "2"}, []identity.Entitlement{}) },
		func() { b.AddRestrictAdmins(7, identity.AdminsRestricted) },
		func() { b.AddRestrictAdmins(9, identity.AdminsAllowAll) },
		func() {
			b.AddRoleGrant(identity.RoleGrant{On: group("10"), Role: identity.RoleGroupManager, Holder: identity.PrincipalName{Kind: identity.KindUser, Name: "alice@ACME.test"}})
		},
		func() {
			b.AddRoleGrant(identity.RoleGrant{On: group("555"), Role: "r", Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "nobody"}})
		},
		func() {
			b.AddRoleGrant(identity.RoleGrant{Role: "r", Holder: identity.PrincipalName{Kind: identity.KindUser, Name: "nobody"}})
		},
		func() {
			b.AddRoleGrant(identity.RoleGrant{Role: "r", Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "nobody"}})
		},
		func() {
			b.Record(estate.ReadKey{Op: estate.OpParents, Principal: identity.PrincipalKey{ID: "2"}}, estate.Outcome{Needed: true, At: noon})
		},
		func() {
			b.Record(estate.ReadKey{Op: estate.OpParents, Principal: user("2")}, estate.Outcome{Needed: true, Kind: identity.Failed, At: noon})
		},
		func() {
			b.Record(estate.ReadKey{Op: estate.OpHolder, Name: "who"}, estate.Outcome{Kind: identity.Forbidden, Status: 403, Message: "no", Partial: true, Needed: true, At: noon.In(time.FixedZone("x", 3600))})
		},
	}
}

func placeFacts(b *estate.Builder) []func() {
	return []func(){
		func() {
			b.AddWorkspace(identity.Workspace{ID: 7, Name: "w", Host: "https://w.test", Cloud: "azure", Region: "r", Status: "RUNNING"})
		},
		func() {
			b.AddAssignment(identity.Assignment{Workspace: 7, Principal: group("555"), Name: identity.AccountUsersName, Permission: identity.WorkspaceUser})
		},
		func() {
			b.AddAssignment(identity.Assignment{Workspace: 99, Principal: user("1"), Name: "n", Permission: identity.WorkspaceAdmin})
		},
		func() {
			b.AddMetastore(identity.Metastore{ID: "m", Name: "meta", Region: "r", Cloud: "aws", Owner: "g", PrivilegeModel: "1.0", ExternalAccess: identity.SwitchOff})
		},
		func() { b.AttachMetastore("m", 7) },
		func() { b.AttachMetastore("gone", 8) },
		func() {
			b.AddSecurable(identity.SecurableInfo{
				Securable: wherever, Owner: "ALICE@acme.test", Isolation: identity.IsolationOpen, TableType: "VIEW", BrowseOnly: true, VolumeType: "EXTERNAL", Path: "s3://lake/Ü",
				Bases: []identity.Securable{catalog}, BasesKnown: true, RowFilter: true, ColumnMask: true,
			})
		},
		func() {
			b.AddSecurable(identity.SecurableInfo{Securable: catalog, Isolation: identity.Isolated, CatalogType: "MANAGED_CATALOG", Bases: []identity.Securable{}})
		},
		func() {
			b.AddGrants(wherever, []identity.Grant{
				{Holder: "g", Privileges: []identity.Privilege{"SELECT", "A"}}, {DeletedID: "77", Privileges: []identity.Privilege{"A"}}, {Holder: "nobody"}, {Holder: "twins"},
			})
		},
		func() { b.AddGrants(identity.SchemaSecurable("other", "x", "y"), nil) },
		func() { b.AddBindings(catalog, []identity.Binding{{Workspace: 9, ReadOnly: true}, {Workspace: 7}}) },
		func() { b.AddBindings(identity.CatalogSecurable("m", "unheard"), []identity.Binding{}) },
		func() { b.AddBindings(identity.CatalogSecurable("m", "none"), nil) },
		func() {
			b.AddPolicies(wherever, []identity.Policy{
				{Name: "p", On: "c", Kind: identity.PolicyGrant, To: []string{"g"}, Except: []string{}, Privileges: []identity.Privilege{"A"}, Conditional: true},
				{Name: "o", On: "c", Kind: identity.PolicyRowFilter, Except: []string{"x"}},
			})
		},
		func() {
			b.Record(estate.ReadKey{Op: estate.OpChildren, Securable: catalog, Type: identity.TypeSchema}, estate.Outcome{At: noon})
		},
		func() {
			b.AddAuditLog(identity.AuditLog{Metastore: "m", Workspace: 7, Warehouse: identity.Warehouse{ID: "w1", Name: "bi", State: "STOPPED", Serverless: true},
				Since: noon.AddDate(-1, 0, 0), First: noon.AddDate(0, -2, 0), Last: noon})
		},
		func() { b.AddAuditLog(identity.AuditLog{Metastore: "empty"}) },
		func() {
			b.AddUses([]identity.Use{{Who: "alice@acme.test", Metastore: "m", At: noon.Add(5)}, {Who: "alice@acme.test", Metastore: "m", Name: "c.s.ü", At: noon}})
		},
		func() {
			b.AddUses([]identity.Use{{Who: "alice@acme.test", Metastore: "m", Name: "c.s.ü", At: noon.Add(time.Hour), Refused: true}, {Who: "nobody", Name: "c", At: noon.In(time.FixedZone("x", 3600))}})
		},
		func() {
			b.Record(estate.ReadKey{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m"), Principal: user("1")}, estate.Outcome{Needed: true, At: noon})
		},
		func() {
			b.Record(estate.ReadKey{Op: estate.OpAssignments, Workspace: 7}, estate.Outcome{Kind: identity.NotRunning})
		},
	}
}

// manyFacts are more of a sort than fit in a line.
func manyFacts(b *estate.Builder) (facts []func()) {
	for i := range 2500 {
		t := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "big", Schema: "s", Name: strconv.Itoa(i)}
		facts = append(facts, func() {
			b.AddSecurable(identity.SecurableInfo{Securable: t, Owner: "g"})
			b.AddMembership(user(strconv.Itoa(1000+i)), group("10"))
			b.Record(estate.ReadKey{Op: estate.OpGrants, Securable: t}, estate.Outcome{Needed: true, At: noon})
		})
	}
	return facts
}

func objectFacts(b *estate.Builder) []func() {
	job := identity.Object{Workspace: 7, Type: identity.ObjectJob, ID: "5"}
	return []func(){
		func() {
			b.AddObject(identity.ObjectInfo{
				Object: job, Name: "j", Path: "/p", Creator: "c", RunAs: "r", BorrowsOwner: true, SingleUser: "s",
				SecurityMode: "m", InstanceProfile: "i", Code: []string{"/x"}, Detailed: true,
			})
		},
		func() {
			b.AddObjectGrants(job, []identity.ObjectGrant{
				{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "l"}, Level: identity.CanManage, From: "/jobs/"},
				{Holder: identity.PrincipalName{Kind: identity.KindUser, Name: "nobody"}, Level: "ODD"},
				{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "twins"}, Level: identity.CanView},
				{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: identity.AccountUsersName}, Level: identity.CanView},
			})
		},
		func() { b.AddObjectGrants(identity.Object{Workspace: 7, Type: identity.ObjectJob, ID: "6"}, nil) },
		func() {
			b.AddObject(identity.ObjectInfo{Object: identity.Object{Workspace: 7, Type: "new", ID: "6"}, Code: []string{}})
		},
		func() {
			b.Record(estate.ReadKey{Op: estate.OpObject, Object: job}, estate.Outcome{Needed: true, At: noon})
		},
	}
}
