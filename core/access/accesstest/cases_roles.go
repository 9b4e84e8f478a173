package accesstest

import (
	"fmt"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

func roleCases(add func(name string, write func(f *fixture))) {
	const yes, no, maybe = access.Allowed, access.Denied, access.Unknown
	account := identity.PrincipalKey{}

	add("12 an account admin manages every group and service principal, and uses none", func(f *fixture) {
		f.principal(etl, "0000-etl")
		f.Principals[3].Roles = []string{identity.RoleAccountAdmin} // g2
		f.hasRole(yes, alice, identity.RoleGroupManager, own)
		f.hasRole(yes, alice, identity.RoleServicePrincipalManager, etl)
		f.hasRole(no, alice, identity.RoleServicePrincipalUser, etl)
		f.hasRole(no, alice, identity.RoleGroupAssumer, own)
		f.hasRole(no, alice, identity.RoleGroupManager, account)
		f.hasRole(no, bob, identity.RoleGroupManager, own)
		f.can(no, alice, identity.Select, table, w1)
	})
	add("12 whether a group without a record is of account admins", func(f *fixture) {
		f.hides(readGroups)
		f.hides(readMembers(g2))
		f.hides(readPrincipal(g2))
		f.hasRole(maybe, alice, identity.RoleGroupManager, own)
		f.hasRole(no, bob, identity.RoleGroupManager, own)
	})
	add("29 who manages a group is not in it", func(f *fixture) {
		f.use()
		f.principal(g9, "g9")
		f.assign(g9, w1)
		f.grant(catalog, "g9", identity.Select)
		f.role(g9, identity.RoleGroupManager, user("alice@x.test"))
		f.hasRole(yes, alice, identity.RoleGroupManager, g9)
		f.hasRole(no, alice, identity.RoleGroupAssumer, g9)
		f.hasRole(no, alice, identity.RoleGroupManager, own)
		f.in(no, alice, g9)
		f.can(no, alice, identity.Select, table, w1)
	})
	assumes := func(f *fixture) {
		f.principal(g9, "g9")
		f.assign(g9, w1)
		f.grant(catalog, "g9", identity.Select)
		f.role(g9, identity.RoleGroupAssumer, group("g2"))
	}
	add("30 acting as a group that one is not in", func(f *fixture) {
		f.use()
		assumes(f)
		f.hasRole(yes, alice, identity.RoleGroupAssumer, g9)
		f.hasRole(yes, g9, identity.RoleGroupAssumer, g9)
		f.hasRole(no, bob, identity.RoleGroupAssumer, g9)
		f.can(yes, alice, identity.Select, table, w1)
		f.can(no, bob, identity.Select, table, w1)
		f.effective(no, alice, identity.Select, table, w1)
		f.in(no, alice, g9)
	})
	add("30 who acts as a group leaves its own grants behind", func(f *fixture) {
		assumes(f)
		f.grant(catalog, "alice@x.test", identity.UseCatalog)
		f.grant(schema, "alice@x.test", identity.UseSchema)
		f.can(no, alice, identity.Select, table, w1)
	})
	add("30 acting as a group where the group is not, and by who is deactivated", func(f *fixture) {
		f.use()
		assumes(f)
		f.assign(alice, w2)
		f.Principals[0].Status = identity.StatusInactive
		f.member(bob, g1)
		f.can(no, alice, identity.Select, table, w1)
		f.can(no, bob, identity.Select, table, w2)
		f.can(yes, bob, identity.Select, table, w1) // it is the group that must be there
	})
	add("30 acting as a group whose parents hold it, as its users do", func(f *fixture) {
		f.principal(g9, "g9")
		f.member(g9, own)
		f.assign(own, w1)
		f.grant(catalog, "_workspace_users_workspace_1", identity.UseCatalog, identity.UseSchema)
		f.grant(table, "own", identity.Select)
		f.role(g9, identity.RoleGroupAssumer, user("bob@x.test"))
		f.can(yes, bob, identity.Select, table, w1)
	})
	for _, planned := range []bool{false, true} {
		add(fmt.Sprintf("30 roles that were not read, though planned: %v", planned), func(f *fixture) {
			f.use()
			assumes(f)
			k, v := readRoles(g9), no
			f.World = f.hide(k, Gap{})
			if planned {
				f.hides(k)
				v = maybe
			}
			f.hasRole(v, alice, identity.RoleGroupAssumer, g9)
			f.can(v, alice, identity.Select, table, w1)
		})
	}
	for _, r := range []identity.Role{identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager} {
		add("31 roles on one service principal: "+string(r), func(f *fixture) {
			f.principal(etl, "0000-etl")
			f.role(etl, r, user("ALICE@x.test"))
			f.hasRole(access.Holds(r == identity.RoleServicePrincipalUser), alice, identity.RoleServicePrincipalUser, etl)
			f.hasRole(access.Holds(r == identity.RoleServicePrincipalManager), alice, identity.RoleServicePrincipalManager, etl)
			f.hasRole(no, bob, r, etl)
			f.hasRole(no, etl, r, etl)
			f.hasRole(no, alice, r, account)
		})
	}
	add("31 roles on the account count for every service principal", func(f *fixture) {
		f.principal(etl, "0000-etl")
		f.role(account, identity.RoleServicePrincipalManager, group("g2"))
		f.role(account, identity.RoleGroupManager, user("bob@x.test"))
		f.role(account, identity.RoleBillingAdmin, group("g1"))
		f.hasRole(yes, alice, identity.RoleServicePrincipalManager, etl)
		f.hasRole(yes, alice, identity.RoleServicePrincipalManager, account)
		f.hasRole(no, alice, identity.RoleServicePrincipalUser, etl)
		f.hasRole(no, alice, identity.RoleGroupManager, own)
		f.hasRole(yes, bob, identity.RoleGroupManager, own)
		f.hasRole(yes, alice, identity.RoleBillingAdmin, account)
		f.hasRole(no, alice, identity.RoleBillingAdmin, own)
	})
	add("31 the account's roles were not read", func(f *fixture) {
		f.principal(etl, "0000-etl")
		f.role(etl, identity.RoleServicePrincipalUser, group("g1"))
		f.hides(readRoles(account))
		f.hasRole(yes, alice, identity.RoleServicePrincipalUser, etl)
		f.hasRole(maybe, bob, identity.RoleServicePrincipalUser, etl)
		f.hasRole(maybe, bob, identity.RoleGroupManager, g1)
	})
}

var (
	view   = inSchema(schema, identity.TypeTable, "w")
	other  = identity.CatalogSecurable(store, "x")
	inside = identity.SchemaSecurable(store, "x", "s")
	base   = inSchema(inside, identity.TypeTable, "b")
	udf    = inSchema(inside, identity.TypeFunction, "f")
)

// views has c.s.w, which bob owns, over x.s.b, which own owns. Alice may read the one.
func (f *fixture) views(bases ...identity.Securable) {
	f.use()
	for _, s := range []identity.Securable{other, inside, base, udf} {
		f.securable(s, "own")
	}
	f.view(view, "bob@x.test", bases...)
	f.grant(view, "alice@x.test", identity.Select)
}

func (f *fixture) view(s identity.Securable, owner string, bases ...identity.Securable) {
	f.Securables = append(f.Securables, identity.SecurableInfo{
		Securable: s, Owner: owner, TableType: "VIEW", Bases: bases, BasesKnown: true,
	})
}

func (f *fixture) read(v access.Verdict, on identity.Securable) {
	f.can(v, alice, identity.Select, on, w1)
}

func viewCases(add func(name string, write func(f *fixture))) {
	const yes, no, maybe = access.Allowed, access.Denied, access.Unknown

	bobReads := func(f *fixture) {
		f.grant(other, "bob@x.test", identity.UseCatalog, identity.UseSchema, identity.Select)
	}
	add("22 a view reads with its owner's rights", func(f *fixture) {
		f.views(base)
		bobReads(f)
		f.read(yes, view)
		f.read(no, base)
	})
	add("22 its owner lost what it is made from", func(f *fixture) {
		f.views(base)
		f.grant(other, "bob@x.test", identity.UseCatalog, identity.UseSchema)
		f.grant(other, "alice@x.test", identity.AllPrivileges)
		f.read(no, view)
		f.read(yes, base)
		f.effective(yes, alice, identity.Select, view, w1)
		f.can(yes, alice, "CREATE_TABLE", inside, w1)
	})
	add("22 its owner may not use what it is made from is in", func(f *fixture) {
		f.views(base)
		f.grant(base, "bob@x.test", identity.Select)
		f.read(no, view)
	})
	for _, granted := range []bool{false, true} {
		add(fmt.Sprintf("22 every one of its bases counts, functions by EXECUTE: %v", granted), func(f *fixture) {
			f.views(base, udf)
			bobReads(f)
			if granted {
				f.grant(udf, "bob@x.test", identity.Execute)
			}
			f.read(access.Holds(granted), view)
		})
	}
	add("22 its owner need be neither active nor assigned", func(f *fixture) {
		f.views(base)
		bobReads(f)
		f.Principals[1].Status = identity.StatusInactive
		f.read(yes, view)
	})
	add("22 a group that owns a view reads with what the group has", func(f *fixture) {
		f.views(base)
		f.own(view, "g1")
		f.grant(other, "g2", identity.UseCatalog, identity.UseSchema, identity.Select)
		f.read(yes, view)
	})
	add("22 not with what its members have", func(f *fixture) {
		f.views(base)
		f.own(view, "g1")
		f.grant(other, "alice@x.test", identity.UseCatalog, identity.UseSchema, identity.Select)
		f.read(no, view)
		f.read(yes, base)
	})
	for _, owner := range []string{"", "gone@x.test"} {
		add(fmt.Sprintf("49 the owner of a view is %q", owner), func(f *fixture) {
			f.views(base)
			f.own(view, owner)
			f.read(maybe, view)
			f.can(no, bob, identity.Select, view, w1)
		})
	}
	add("22 what a view is made from was not told, or is held by it", func(f *fixture) {
		f.views()
		f.Securables[len(f.Securables)-1].BasesKnown = false
		held := inSchema(schema, identity.TypeTable, "m")
		f.view(held, "bob@x.test", base)
		f.Securables[len(f.Securables)-1].TableType = "MATERIALIZED_VIEW"
		f.grant(held, "alice@x.test", identity.Select)
		f.read(yes, view)
		f.read(yes, held)
	})
	add("22 grants on what it is made from were not read", func(f *fixture) {
		f.views(base)
		f.grant(other, "bob@x.test", identity.UseCatalog, identity.UseSchema)
		f.hides(readGrants(base))
		f.read(maybe, view)
	})
	add("22 bindings of the catalog that it is made from", func(f *fixture) {
		f.views(base)
		bobReads(f)
		f.isolate(other, identity.Isolated, identity.Binding{Workspace: w2, ReadOnly: true})
		f.assign(alice, w2)
		f.read(no, view)
		f.can(yes, alice, identity.Select, view, w2)
	})
	for _, granted := range []bool{false, true} {
		add(fmt.Sprintf("22 a view of a view asks the owner of the outer one: %v", granted), func(f *fixture) {
			f.views(base)
			bobReads(f)
			outer := inSchema(schema, identity.TypeTable, "o")
			f.view(outer, "g2", view)
			f.grant(outer, "alice@x.test", identity.Select)
			if granted {
				f.grant(view, "g2", identity.Select)
			}
			f.read(access.Holds(granted), outer)
		})
	}
	add("22 a view of a view whose owner cannot read", func(f *fixture) {
		f.views(base)
		outer := inSchema(schema, identity.TypeTable, "o")
		f.view(outer, "alice@x.test", view)
		f.read(no, outer)
	})
	add("22 the owner reads there as a user of the workspace if it is one", func(f *fixture) {
		f.views(base)
		f.assign(bob, w1)
		f.grant(other, "_workspace_users_workspace_1", identity.UseCatalog, identity.UseSchema, identity.Select)
		f.assign(alice, w2)
		f.read(yes, view)
		f.can(no, alice, identity.Select, view, w2)
	})
	add("23 a table that shows less is read all the same", func(f *fixture) {
		f.reads()
		for i := range f.Securables {
			f.Securables[i].RowFilter, f.Securables[i].ColumnMask = true, true
		}
		f.read(yes, table)
	})
}

func unityCases(add func(name string, write func(f *fixture))) {
	const yes, no = access.Allowed, access.Denied
	const name = "alice@x.test"

	add("05 managing a catalog reads nothing in it", func(f *fixture) {
		f.grant(catalog, name, identity.Manage)
		f.effective(yes, alice, identity.Manage, table, w1)
		f.read(no, table)
	})
	add("06 managing a schema is no use of its catalog", func(f *fixture) {
		f.grant(schema, name, identity.Manage)
		f.effective(yes, alice, identity.Manage, schema, w1)
		f.ask(no, Question{Method: Uses, Subject: alice, On: catalog, Workspace: w1})
		f.read(no, table)
	})
	add("07 managing a table is no use of its schema", func(f *fixture) {
		f.grant(table, name, identity.Manage)
		f.grant(catalog, name, identity.UseCatalog)
		f.effective(no, alice, identity.Select, table, w1)
		f.read(no, table)
	})
	add("11 the admin of a metastore has no data, and is nobody where it is not assigned", func(f *fixture) {
		f.Metastores[0].Owner = "g1"
		m := identity.MetastoreSecurable(store)
		f.read(no, table)
		f.can(yes, alice, "CREATE_CATALOG", m, w1)
		f.can(no, alice, "CREATE_CATALOG", m, w2)
	})
	add("14 the admins of a workspace own its catalog, there alone", func(f *fixture) {
		f.Assignments = nil
		f.assignAdmin(alice, w1)
		f.assignAdmin(bob, w2)
		f.own(catalog, "_workspace_admins_databricks_acc_workspace_1")
		f.isolate(catalog, identity.Isolated, identity.Binding{Workspace: w1}, identity.Binding{Workspace: w2})
		f.can(yes, alice, "CREATE_SCHEMA", catalog, w1)
		f.read(no, table)
		f.can(no, bob, "CREATE_SCHEMA", catalog, w2)
	})
	add("26 whoever gets the name of a deleted principal holds nothing of its", func(f *fixture) {
		f.use()
		f.Grants = append(f.Grants, identity.Grant{Securable: catalog, DeletedID: alice.ID, Privileges: []identity.Privilege{identity.Select}})
		f.read(no, table)
	})
	add("50 access from outside must be granted by name", func(f *fixture) {
		f.reads()
		f.grant(schema, name, identity.ExternalUseSchema)
		f.can(yes, alice, identity.ExternalUseSchema, schema, w1)
	})
	add("50 all privileges do not let out", func(f *fixture) {
		f.reads()
		f.grant(schema, name, identity.AllPrivileges)
		f.can(no, alice, identity.ExternalUseSchema, schema, w1)
	})
}
