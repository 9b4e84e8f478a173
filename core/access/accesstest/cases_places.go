package accesstest

import (
	"fmt"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

// More of the fixture's world, for the cases that need it.
var (
	etl       = identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "21"}
	g9        = identity.PrincipalKey{Kind: identity.KindGroup, ID: "39"}
	local     = identity.PrincipalKey{Kind: identity.KindGroup, Workspace: w1, ID: "41"}
	warehouse = identity.Object{Workspace: w1, Type: identity.ObjectWarehouse, ID: "wh"}
	policy    = identity.Object{Workspace: w1, Type: identity.ObjectClusterPolicy, ID: "po"}
	cluster   = identity.Object{Workspace: w1, Type: identity.ObjectCluster, ID: "cl"}
	notebook  = identity.Object{Workspace: w1, Type: identity.ObjectNotebook, ID: "1"}
	tokens    = identity.Object{Workspace: w1, Type: identity.ObjectTokens, ID: "tokens"}
	job       = identity.Object{Workspace: w1, Type: identity.ObjectJob, ID: "7"}
	dashboard = identity.Object{Workspace: w1, Type: identity.ObjectDashboard, ID: "d"}
	scope     = identity.Object{Workspace: w1, Type: identity.ObjectSecretScope, ID: "s"}
)

func user(name string) identity.PrincipalName {
	return identity.PrincipalName{Kind: identity.KindUser, Name: name}
}

func group(name string) identity.PrincipalName {
	return identity.PrincipalName{Kind: identity.KindGroup, Name: name}
}

func (f *fixture) role(on identity.PrincipalKey, r identity.Role, holder identity.PrincipalName) {
	f.Roles = append(f.Roles, identity.RoleGrant{On: on, Role: r, Holder: holder})
}

func (f *fixture) entitle(k identity.PrincipalKey, es ...identity.Entitlement) {
	f.Entitlements = append(f.Entitlements, Endowment{w1, k, es})
}

func (f *fixture) object(o identity.Object) {
	f.Objects = append(f.Objects, identity.ObjectInfo{Object: o, Name: o.ID})
}

func (f *fixture) permit(o identity.Object, holder identity.PrincipalName, l identity.Level) {
	f.Permissions = append(f.Permissions, Permission{o, identity.ObjectGrant{Holder: holder, Level: l}})
}

func (f *fixture) assignAdmin(k identity.PrincipalKey, ws identity.WorkspaceID) {
	f.Assignments = append(f.Assignments, identity.Assignment{Workspace: ws, Principal: k, Permission: identity.WorkspaceAdmin})
}

func (f *fixture) permitted(v access.Verdict, k identity.PrincipalKey, l identity.Level, o identity.Object) {
	f.ask(v, Question{Method: Permitted, Subject: k, Level: l, Object: o})
}

func (f *fixture) operates(v access.Verdict, k identity.PrincipalKey, l identity.Level, o identity.Object) {
	f.ask(v, Question{Method: Operates, Subject: k, Level: l, Object: o})
}

func (f *fixture) entitled(v access.Verdict, k identity.PrincipalKey, x identity.Entitlement) {
	f.ask(v, Question{Method: Entitled, Subject: k, Entitlement: x, Workspace: w1})
}

func (f *fixture) hasRole(v access.Verdict, k identity.PrincipalKey, r identity.Role, on identity.PrincipalKey) {
	f.ask(v, Question{Method: HasRole, Subject: k, Role: r, Group: on})
}

func (f *fixture) exercises(v access.Verdict, k identity.PrincipalKey, p identity.Privilege, on identity.Securable) {
	f.ask(v, Question{Method: Exercises, Subject: k, Privilege: p, On: on, Workspace: w1})
}

// reads lets alice read the table, as far as Unity Catalog goes.
func (f *fixture) reads() {
	f.use()
	f.grant(table, "alice@x.test", identity.Select)
}

func objectCases(add func(name string, write func(f *fixture))) {
	const yes, no, maybe = access.Allowed, access.Denied, access.Unknown

	add("13 an admin of a workspace manages its objects and reads no data", func(f *fixture) {
		f.use()
		f.Assignments = nil
		f.assignAdmin(g1, w1)
		f.assign(bob, w1)
		f.object(notebook)
		f.permitted(yes, alice, identity.CanManage, notebook)
		f.operates(yes, alice, identity.CanRead, notebook)
		f.permitted(no, bob, identity.CanRead, notebook)
		f.can(no, alice, identity.Select, table, w1)
	})
	add("13 an admin owns no job, and manages what was not read", func(f *fixture) {
		f.assignAdmin(alice, w1)
		f.object(job)
		pipeline := identity.Object{Workspace: w1, Type: identity.ObjectPipeline, ID: "9"}
		f.object(pipeline)
		f.object(scope)
		f.hides(readPermissions(scope))
		f.hides(readPermissions(pipeline))
		f.permitted(yes, alice, identity.IsOwner, job) // below managing it, says the ladder of jobs
		f.permitted(maybe, alice, identity.IsOwner, pipeline)
		f.permitted(yes, alice, identity.CanManage, pipeline)
		f.permitted(yes, alice, identity.SecretRead, scope)
		f.permitted(maybe, bob, identity.SecretRead, scope)
	})
	add("25 an object's list means the group of the workspace before its namesake", func(f *fixture) {
		f.principal(local, "g2")
		f.member(bob, local)
		f.assign(bob, w1)
		f.object(notebook)
		f.permit(notebook, group("g2"), identity.CanRun)
		f.permitted(no, alice, identity.CanRun, notebook) // in the account's g2
		f.permitted(yes, bob, identity.CanRead, notebook)
		f.permitted(no, bob, identity.CanEdit, notebook)
		f.can(no, bob, identity.Select, table, w1)
	})
	add("25 two groups of one name in a workspace", func(f *fixture) {
		f.principal(local, "g2")
		f.assign(g2, w1)
		f.member(bob, local)
		f.assign(bob, w1)
		f.object(notebook)
		f.permit(notebook, group("g2"), identity.CanRun)
		f.permitted(maybe, alice, identity.CanRun, notebook)
		f.permitted(maybe, bob, identity.CanRun, notebook)
		f.permitted(no, own, identity.CanRun, notebook)
	})
	for _, assigned := range []bool{false, true} {
		add(fmt.Sprintf("25 the groups of the workspace were not listed, the account's is assigned: %v", assigned), func(f *fixture) {
			f.principal(local, "g2")
			f.object(notebook)
			f.permit(notebook, group("g2"), identity.CanRun)
			f.assign(bob, w1)
			f.hides(readLocals(w1))
			member, stranger := maybe, maybe
			if assigned {
				f.Principals, _ = without(f.Principals, len(f.Principals)-1) // there is no such group
				f.assign(g2, w1)
				member, stranger = yes, no
			}
			f.permitted(member, alice, identity.CanRun, notebook)
			f.permitted(stranger, bob, identity.CanRun, notebook)
		})
	}
	add("25 what groups of the workspace somebody is in was not read", func(f *fixture) {
		f.principal(local, "l")
		f.member(alice, local)
		f.assign(bob, w1)
		f.object(notebook)
		f.permit(notebook, group("l"), identity.CanRun)
		f.hides(readEntitled(w1, bob))
		f.permitted(yes, alice, identity.CanRun, notebook)
		f.permitted(maybe, bob, identity.CanRun, notebook)
		f.permitted(no, g1, identity.CanRun, notebook)
		f.permitted(no, own, identity.CanRun, notebook)
	})
	add("25 groups of a workspace in others of it", func(f *fixture) {
		outer := identity.PrincipalKey{Kind: identity.KindGroup, Workspace: w1, ID: "42"}
		f.principal(local, "inner")
		f.principal(outer, "outer")
		f.member(local, outer)
		f.member(bob, local)
		f.assign(bob, w1)
		f.member(g2, outer)
		f.object(notebook)
		f.permit(notebook, group("outer"), identity.CanRun)
		f.permitted(yes, bob, identity.CanRun, notebook)
		f.permitted(yes, alice, identity.CanRun, notebook)
		f.permitted(no, own, identity.CanRun, notebook)
	})
	add("27 a deactivated user keeps permissions that are of no use", func(f *fixture) {
		f.Principals[0].Status = identity.StatusInactive
		f.object(notebook)
		f.permit(notebook, user("alice@x.test"), identity.CanEdit)
		f.permitted(yes, alice, identity.CanEdit, notebook)
		f.operates(no, alice, identity.CanEdit, notebook)
	})
	add("33 triggering is below managing, and includes seeing", func(f *fixture) {
		f.object(job)
		f.permit(job, group("g1"), identity.CanManageRun)
		f.permitted(yes, alice, identity.CanView, job)
		f.permitted(yes, alice, identity.CanManageRun, job)
		f.permitted(no, alice, identity.CanManage, job)
		f.permitted(no, alice, identity.IsOwner, job)
	})
	add("35 seeing and using a warehouse are apart, and monitoring is more than both", func(f *fixture) {
		f.object(warehouse)
		f.assign(bob, w1)
		f.permit(warehouse, group("g1"), identity.CanView)
		f.permit(warehouse, user("alice@x.test"), identity.CanUse)
		f.permit(warehouse, user("bob@x.test"), identity.CanView)
		f.permitted(yes, alice, identity.CanView, warehouse)
		f.permitted(yes, alice, identity.CanUse, warehouse)
		f.permitted(no, alice, identity.CanMonitor, warehouse)
		f.permitted(no, bob, identity.CanUse, warehouse)
	})
	add("36 permissions of a folder count for what is in it", func(f *fixture) {
		f.object(notebook)
		f.permit(notebook, user("alice@x.test"), identity.CanRead)
		f.Permissions = append(f.Permissions, Permission{notebook, identity.ObjectGrant{Holder: group("g1"), Level: identity.CanEdit, From: "/directories/42"}})
		f.permitted(yes, alice, identity.CanEdit, notebook)
		f.permitted(yes, alice, identity.CanRun, notebook)
		f.permitted(no, alice, identity.CanManage, notebook)
	})
	add("37 a guest is one person under two names", func(f *fixture) {
		f.Principals[0].Aliases = []string{"alice_x.test#EXT#@tenant"}
		f.reads()
		f.object(job)
		f.permit(job, user("alice_x.test#EXT#@tenant"), identity.CanManage)
		f.operates(yes, alice, identity.CanManage, job)
		f.permitted(no, bob, identity.CanView, job)
		f.can(yes, alice, identity.Select, table, w1)
	})
	for _, kept := range []bool{true, false} {
		add(fmt.Sprintf("38 who may use tokens, users among them: %v", kept), func(f *fixture) {
			f.object(tokens)
			f.assign(bob, w1)
			f.principal(etl, "0000-etl")
			f.assign(etl, w1)
			f.permit(tokens, group("admins"), identity.CanManage)
			f.permit(tokens, group("g1"), identity.CanUse)
			if kept {
				f.permit(tokens, group("users"), identity.CanUse)
			}
			f.permitted(yes, alice, identity.CanUse, tokens)
			f.permitted(access.Holds(kept), bob, identity.CanUse, tokens)
			f.permitted(access.Holds(kept), etl, identity.CanUse, tokens)
			f.permitted(no, alice, identity.CanManage, tokens)
			f.permitted(no, own, identity.CanUse, tokens)
		})
	}
	add("38 users of a workspace are those assigned to it", func(f *fixture) {
		f.object(tokens)
		f.permit(tokens, group("users"), identity.CanUse)
		f.permitted(yes, alice, identity.CanUse, tokens)
		f.permitted(no, bob, identity.CanUse, tokens)
		f.permitted(no, g1, identity.CanUse, tokens)
	})
	add("38 users of a workspace whose assignments were not read", func(f *fixture) {
		f.object(tokens)
		f.permit(tokens, group("users"), identity.CanUse)
		f.hides(readAssignments(w1))
		f.permitted(maybe, bob, identity.CanUse, tokens)
	})
	add("47 who may see a dashboard may not see its data", func(f *fixture) {
		f.use()
		f.object(dashboard)
		f.permit(dashboard, group(identity.AccountUsersName), identity.CanRead)
		f.permitted(yes, bob, identity.CanRun, dashboard) // one level under three names
		f.operates(no, bob, identity.CanRun, dashboard)
		f.operates(yes, alice, identity.CanRead, dashboard)
		f.can(no, alice, identity.Select, table, w1)
	})
	add("a level or a type that nobody heard of is itself alone", func(f *fixture) {
		thing := identity.Object{Workspace: w1, Type: aliens, ID: "x"}
		f.object(thing)
		f.permit(thing, user("alice@x.test"), flying)
		f.permitted(yes, alice, flying, thing)
		f.permitted(no, alice, identity.CanView, thing)
	})
	add("a user's name is not a group's", func(f *fixture) {
		f.object(notebook)
		f.permit(notebook, user("g1"), identity.CanRun)
		f.permit(notebook, group("alice@x.test"), identity.CanEdit)
		f.permitted(no, alice, identity.CanRun, notebook)
	})
}

func entitlementCases(add func(name string, write func(f *fixture))) {
	const yes, no, maybe = access.Allowed, access.Denied, access.Unknown

	add("34 a cluster that is somebody else's is no compute", func(f *fixture) {
		f.reads()
		f.entitle(alice, identity.WorkspaceAccess)
		f.object(cluster)
		f.permit(cluster, group("g1"), identity.CanRestart)
		f.Objects[0].SingleUser = "bob@x.test"
		f.exercises(maybe, alice, identity.Select, table) // serverless compute cannot be read
	})
	for _, single := range []string{"", "Alice@x.test", "g2"} {
		add(fmt.Sprintf("34 a cluster of %q", single), func(f *fixture) {
			f.reads()
			f.entitle(alice, identity.WorkspaceAccess)
			f.object(cluster)
			f.permit(cluster, group("g1"), identity.CanRestart)
			f.Objects[0].SingleUser = single
			f.exercises(yes, alice, identity.Select, table)
		})
	}
	for _, x := range []identity.Entitlement{identity.SQLAccess, identity.WorkspaceAccess, identity.ConsumerAccess} {
		add("39 users of a workspace have nothing but "+string(x), func(f *fixture) {
			f.reads()
			f.assign(bob, w1)
			f.entitle(identity.WorkspaceUsers(w1), x)
			f.object(warehouse)
			f.permit(warehouse, group("users"), identity.CanUse)
			read := yes
			if x == identity.WorkspaceAccess {
				read = maybe
			}
			f.entitled(access.Holds(x == identity.SQLAccess), alice, identity.SQLAccess)
			f.entitled(access.Holds(x == identity.WorkspaceAccess), alice, identity.WorkspaceAccess)
			f.can(yes, alice, identity.Select, table, w1)
			f.exercises(read, alice, identity.Select, table)
			f.exercises(no, bob, identity.Select, table)
		})
	}
	add("39 no entitlement, no exercise", func(f *fixture) {
		f.reads()
		f.object(warehouse)
		f.permit(warehouse, group("users"), identity.CanManage)
		f.entitled(no, alice, identity.SQLAccess)
		f.exercises(no, alice, identity.Select, table)
	})
	add("39 a warehouse takes an entitlement for SQL, and seeing it is not using it", func(f *fixture) {
		f.reads()
		f.entitle(alice, identity.SQLAccess)
		f.object(warehouse)
		f.permit(warehouse, group("users"), identity.CanView)
		f.exercises(no, alice, identity.Select, table)
	})
	add("39 entitlements and objects that were not read", func(f *fixture) {
		f.reads()
		f.entitle(alice, identity.SQLAccess)
		f.hides(readObjects(w1, identity.ObjectWarehouse))
		f.hides(readEntitled(w1, bob))
		f.entitled(yes, alice, identity.SQLAccess)
		f.entitled(maybe, bob, identity.SQLAccess)
		f.entitled(no, g1, identity.SQLAccess)
		f.exercises(maybe, alice, identity.Select, table)
	})
	add("39 entitlements of groups that were not listed", func(f *fixture) {
		f.entitle(g2, identity.SQLAccess)
		f.hides(readLocals(w1))
		f.entitle(alice, identity.WorkspaceAccess)
		f.entitled(maybe, alice, identity.SQLAccess)
		f.entitled(yes, alice, identity.WorkspaceAccess)
		f.entitled(maybe, g1, identity.SQLAccess)
	})
	add("39 through groups of the account and of the workspace", func(f *fixture) {
		f.principal(local, "l")
		f.member(alice, local)
		f.entitle(g2, identity.SQLAccess)
		f.entitle(local, identity.AllowPoolCreate)
		f.entitle(identity.WorkspaceAdmins(w1), identity.AllowClusterCreate)
		f.entitled(yes, alice, identity.SQLAccess)
		f.entitled(yes, alice, identity.AllowPoolCreate)
		f.entitled(no, alice, identity.AllowClusterCreate)
		f.entitled(no, bob, identity.AllowPoolCreate)
	})
	add("42 creating an external location takes the privilege on a credential too", func(f *fixture) {
		credential := identity.Securable{Metastore: store, Type: identity.TypeStorageCredential, Name: "cred"}
		f.securable(credential, "own")
		m := identity.MetastoreSecurable(store)
		f.grant(m, "alice@x.test", "CREATE_EXTERNAL_LOCATION")
		f.grant(credential, "g9", "CREATE_EXTERNAL_LOCATION")
		f.principal(g9, "g9")
		f.member(bob, g9)
		f.assign(bob, w1)
		f.can(yes, alice, "CREATE_EXTERNAL_LOCATION", m, w1)
		f.can(no, alice, "CREATE_EXTERNAL_LOCATION", credential, w1)
		f.can(yes, bob, "CREATE_EXTERNAL_LOCATION", credential, w1)
		f.can(no, bob, "CREATE_EXTERNAL_LOCATION", m, w1)
	})
	add("43 creating a warehouse takes an entitlement", func(f *fixture) {
		f.assign(bob, w1)
		f.entitle(identity.WorkspaceUsers(w1), identity.WorkspaceAccess, identity.SQLAccess)
		f.entitle(g1, identity.AllowClusterCreate)
		f.entitled(yes, alice, identity.AllowClusterCreate)
		f.entitled(no, bob, identity.AllowClusterCreate)
		f.entitled(yes, bob, identity.SQLAccess)
	})
	for _, x := range []identity.Entitlement{identity.SQLAccess, identity.WorkspaceAccess, identity.ConsumerAccess} {
		add("43 making one's own compute with "+string(x), func(f *fixture) {
			f.reads()
			f.entitle(alice, x)
			f.entitle(g1, identity.AllowClusterCreate)
			f.exercises(access.Holds(x != identity.ConsumerAccess), alice, identity.Select, table)
		})
	}
	add("31 a policy is compute for who has the workspace", func(f *fixture) {
		f.reads()
		f.entitle(alice, identity.WorkspaceAccess)
		f.object(policy)
		f.permit(policy, group("g1"), identity.CanUse)
		f.exercises(yes, alice, identity.Select, table)
		f.exercises(no, alice, identity.Modify, table)
	})
}
