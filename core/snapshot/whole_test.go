package snapshot_test

import (
	"slices"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// copyOf takes out of an estate what every accessor answers about everything that it holds.
type copyOf struct {
	Account, Fingerprint string
	Interrupted          bool
	Principals           []person
	OtherKeys            map[identity.PrincipalKey]identity.PrincipalKey
	Workspaces           []identity.Workspace
	Assignments          map[identity.WorkspaceID][]identity.Assignment
	Metastores           []identity.Metastore
	Attachments          map[string][]identity.WorkspaceID
	Securables           []thing
	Bindings             map[identity.Securable][]identity.Binding
	Policies             map[identity.Securable][]identity.Policy
	Entitlements         map[identity.WorkspaceID][]estate.Entitled
	Restricted           map[identity.WorkspaceID]identity.RestrictAdmins
	Roles                []estate.RoleGrant
	RuleSets             []identity.RoleGrant
	Objects              []identity.ObjectInfo
	Permissions          map[identity.Object][]estate.ObjectGrant
	Ambiguous            []estate.Grant
	Logs                 map[string]identity.AuditLog
	Uses                 []identity.Use
	Reads                []estate.Read
	Told                 []told
	Oldest, Newest       time.Time
}

type person struct {
	Record                            identity.Principal
	Parents, Members, Ancestors, Same []identity.PrincipalKey
	Settled                           bool
	Grants                            []estate.Grant
	Owned                             []identity.SecurableInfo
	Named                             []identity.Principal
	Resolved                          estate.Holder
	Roles                             []estate.RoleGrant
}

type thing struct {
	Info       identity.SecurableInfo
	Owner      estate.Holder
	OwnerKnown bool
	Grants     []estate.Grant
}

// told is what an estate says of one read.
type told struct {
	Saw, Missed              bool
	Scope, Operation, Effect string
}

func copied(e *estate.Estate) copyOf {
	c := copyOf{
		Account: e.AccountID(), Fingerprint: e.Fingerprint(), Interrupted: e.Interrupted(),
		OtherKeys:  collect2(e.OtherKeys()),
		Workspaces: e.Workspaces(), Assignments: collect2(e.AllAssignments()),
		Metastores: e.Metastores(), Attachments: collect2(e.AllAttachments()),
		Bindings: collect2(e.AllBindings()), Policies: collect2(e.AllPolicies()),
		Entitlements: collect2(e.AllEntitlements()), Restricted: collect2(e.AllRestrictAdmins()),
		Roles: e.AllRoleGrants(), RuleSets: e.RuleSets(), Objects: e.Objects(),
		Permissions: map[identity.Object][]estate.ObjectGrant{}, Reads: e.Reads(),
		Logs: collect2(e.AuditLogs()), Uses: slices.Collect(e.AllUses()),
	}
	for p := range e.Principals() {
		c.Principals = append(c.Principals, personOf(e, p))
	}
	for s := range e.Securables() {
		owner, known := e.Owner(s.Securable)
		x := thing{Info: s, Owner: owner, OwnerKnown: known}
		for g := range e.GrantsOn(s.Securable) {
			x.Grants = append(x.Grants, g)
		}
		c.Securables = append(c.Securables, x)
	}
	for _, o := range e.Objects() {
		c.Permissions[o.Object] = e.ObjectGrants(o.Object)
	}
	for g := range e.Ambiguous() {
		c.Ambiguous = append(c.Ambiguous, g)
	}
	for _, r := range e.Reads() {
		c.Told = append(c.Told, told{e.Saw(r.Key), e.Missed(r.Key), e.Scope(r.Key), e.Operation(r.Key), e.Effect(r.Key)})
	}
	c.Oldest, c.Newest = e.Window()
	return c
}

func personOf(e *estate.Estate, p identity.Principal) person {
	x := person{Record: p, Settled: e.Settled(p.Key), Named: e.Named(p.Name), Resolved: e.Resolve(p.Name)}
	for k := range e.Parents(p.Key) {
		x.Parents = append(x.Parents, k)
	}
	for k := range e.Members(p.Key) {
		x.Members = append(x.Members, k)
	}
	for k := range e.Ancestors(p.Key) {
		x.Ancestors = append(x.Ancestors, k)
	}
	for k := range e.SamePerson(p.Key) {
		x.Same = append(x.Same, k)
	}
	for g := range e.GrantsTo(p.Key) {
		x.Grants = append(x.Grants, g)
	}
	for s := range e.OwnedBy(p.Key) {
		x.Owned = append(x.Owned, s)
	}
	for g := range e.RoleGrants(p.Key) {
		x.Roles = append(x.Roles, g)
	}
	return x
}

func collect2[K comparable, V any](all func(func(K, V) bool)) map[K]V {
	m := map[K]V{}
	for k, v := range all {
		m[k] = v
	}
	return m
}
