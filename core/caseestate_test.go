package core_test

import (
	"slices"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// readAt is when everything was read.
var readAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// unreads reports whether a read is said not to have succeeded.
func (a *account) unreads(k estate.ReadKey) bool { return slices.Contains(a.unread, k) }

// estate is what somebody who sees all of the account brings home of it, but for what is said to be
// unread: the facts, and in the ledger every read that could bring one.
func (a *account) estate() *estate.Estate {
	b := estate.NewBuilder("a")
	for _, k := range a.reads() {
		b.Record(k, estate.Outcome{Needed: true, At: readAt})
	}
	for _, k := range a.unread {
		b.Record(k, estate.Outcome{Kind: identity.Forbidden, Status: 403, Message: "the case says so", Needed: true, At: readAt})
	}
	a.addPrincipals(b)
	a.addPlaces(b)
	a.addSecurables(b)
	a.addObjects(b)
	return b.Build()
}

func (a *account) addPrincipals(b *estate.Builder) {
	for _, p := range a.principals {
		if p.Key.Kind == identity.KindGroup {
			b.AddGroup(identity.Group{Principal: *p})
		} else {
			b.AddPrincipal(*p)
		}
	}
	for _, m := range a.members {
		read := estate.ReadKey{Op: estate.OpMembers, Principal: m.Group}
		if m.Group.Workspace != 0 {
			read = localGroupsRead(m.Group.Workspace)
		}
		if !a.unreads(read) {
			b.AddMembership(m.Member, m.Group)
		}
	}
	for _, p := range a.principals {
		if p.Key.Workspace != 0 || a.unreads(estate.ReadKey{Op: estate.OpParents, Principal: p.Key}) {
			continue
		}
		for _, g := range a.above(p.Key) {
			b.AddAncestor(p.Key, g)
		}
	}
	for _, g := range a.roles {
		if !a.unreads(estate.ReadKey{Op: estate.OpRoles, Principal: g.On}) {
			b.AddRoleGrant(g)
		}
	}
}

// above are the account groups that somebody is in, directly or not.
func (a *account) above(k identity.PrincipalKey) []identity.PrincipalKey {
	var groups []identity.PrincipalKey
	todo := []identity.PrincipalKey{k}
	for len(todo) > 0 {
		for _, m := range a.members {
			if m.Member == todo[0] && m.Group.Workspace == 0 && m.Group != k && !slices.Contains(groups, m.Group) {
				groups, todo = append(groups, m.Group), append(todo, m.Group)
			}
		}
		todo = todo[1:]
	}
	return groups
}

func (a *account) addPlaces(b *estate.Builder) {
	for _, m := range a.metastores {
		b.AddMetastore(*m)
	}
	for _, w := range a.workspaces {
		b.AddWorkspace(w)
		b.AttachMetastore(a.attached[w.ID], w.ID)
		if r, said := a.restricted[w.ID]; said && !a.unreads(estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: w.ID}) {
			b.AddRestrictAdmins(w.ID, r)
		}
	}
	for _, as := range a.assigned {
		if !a.unreads(estate.ReadKey{Op: estate.OpAssignments, Workspace: as.Workspace}) {
			b.AddAssignment(as)
		}
	}
	for _, e := range a.entitled {
		if e.holder.Kind != identity.KindGroup || !a.unreads(localGroupsRead(e.in)) {
			b.AddEntitlements(e.in, e.holder, e.entitlements)
		}
	}
}

func (a *account) addSecurables(b *estate.Builder) {
	on := []identity.Securable{}
	for _, m := range a.metastores {
		on = append(on, identity.MetastoreSecurable(m.ID))
	}
	for _, s := range a.securables {
		on = append(on, s.Securable)
		if parent, _ := s.Parent(); !a.unreads(childrenRead(parent, s.Type)) {
			b.AddSecurable(*s)
		}
		if list := a.bindings[s.Securable]; len(list) > 0 && !a.unreads(estate.ReadKey{Op: estate.OpBindings, Securable: s.Securable}) {
			b.AddBindings(s.Securable, list)
		}
	}
	for _, s := range on {
		rows := slices.DeleteFunc(slices.Clone(a.grants), func(g identity.Grant) bool { return g.Securable != s })
		if !a.unreads(estate.ReadKey{Op: estate.OpGrants, Securable: s}) {
			b.AddGrants(s, rows)
		}
		if !a.unreads(estate.ReadKey{Op: estate.OpPolicies, Securable: s}) {
			b.AddPolicies(s, a.policiesOn(s))
		}
	}
}

// policiesOn are the policies that hold on a securable, those of its containers among them: answers
// give both.
func (a *account) policiesOn(s identity.Securable) []identity.Policy {
	var list []identity.Policy
	for up := true; up; s, up = s.Parent() {
		for _, p := range a.policies {
			if p.on == s {
				list = append(list, p.Policy)
			}
		}
	}
	return list
}

func (a *account) addObjects(b *estate.Builder) {
	for _, o := range a.objects {
		b.AddObject(o.ObjectInfo)
		if !a.unreads(estate.ReadKey{Op: estate.OpObjectGrants, Object: o.Object}) {
			b.AddObjectGrants(o.Object, o.acl)
		}
	}
}

// localGroupsRead lists the groups of a workspace with their entitlements.
func localGroupsRead(in identity.WorkspaceID) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}
}

// childrenRead lists the securables of a type in a parent. One listing has both types of credential.
func childrenRead(parent identity.Securable, t identity.SecurableType) estate.ReadKey {
	if t == identity.TypeStorageCredential || t == identity.TypeServiceCredential {
		t = identity.AnyCredential
	}
	return estate.ReadKey{Op: estate.OpChildren, Securable: parent, Type: t}
}

// childrenReads list everything that can be in a parent.
func childrenReads(parent identity.Securable) []estate.ReadKey {
	var keys []estate.ReadKey
	for _, t := range identity.SecurableTypes() {
		in := map[identity.SecurableType]bool{
			identity.TypeMetastore: t == identity.TypeCatalog || t.UnderMetastore(),
			identity.TypeCatalog:   t == identity.TypeSchema,
			identity.TypeSchema:    t.InSchema(),
		}
		if in[parent.Type] {
			keys = append(keys, childrenRead(parent, t))
		}
	}
	return keys
}

// reads are all reads that could bring a fact of the account.
func (a *account) reads() []estate.ReadKey {
	keys := []estate.ReadKey{
		{Op: estate.OpReach}, {Op: estate.OpFindPrincipal}, {Op: estate.OpGroups}, {Op: estate.OpWorkspaces}, {Op: estate.OpMetastores}, {Op: estate.OpRoles},
		{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindUser}},
		{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindServicePrincipal}},
	}
	add := func(k ...estate.ReadKey) { keys = append(keys, k...) }
	for _, p := range a.principals {
		if p.Key.Workspace != 0 {
			continue
		}
		add(estate.ReadKey{Op: estate.OpPrincipal, Principal: p.Key}, estate.ReadKey{Op: estate.OpParents, Principal: p.Key},
			estate.ReadKey{Op: estate.OpHolder, Name: p.Name}, estate.ReadKey{Op: estate.OpRoles, Principal: p.Key})
		if p.Key.Kind == identity.KindGroup {
			add(estate.ReadKey{Op: estate.OpMembers, Principal: p.Key})
		} else {
			add(estate.ReadKey{Op: estate.OpAliases, Principal: p.Key})
		}
	}
	for _, w := range a.workspaces {
		add(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID}, estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: w.ID})
		for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup} {
			add(estate.ReadKey{Op: estate.OpEntitlements, Workspace: w.ID, Principal: identity.PrincipalKey{Kind: kind}})
		}
		for _, p := range a.principals {
			if p.Key.Kind != identity.KindGroup {
				add(estate.ReadKey{Op: estate.OpEntitlements, Workspace: w.ID, Principal: p.Key})
			}
		}
		for _, t := range identity.ObjectTypes() {
			add(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: w.ID, Type: t}})
		}
	}
	for _, m := range a.metastores {
		on := identity.MetastoreSecurable(m.ID)
		add(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: on}, estate.ReadKey{Op: estate.OpPrivilegeModel, Securable: on},
			estate.ReadKey{Op: estate.OpVisibility, Securable: on}, estate.ReadKey{Op: estate.OpGrants, Securable: on})
		add(childrenReads(on)...)
	}
	for _, s := range a.securables {
		add(estate.ReadKey{Op: estate.OpSecurable, Securable: s.Securable}, estate.ReadKey{Op: estate.OpGrants, Securable: s.Securable},
			estate.ReadKey{Op: estate.OpPolicies, Securable: s.Securable}, estate.ReadKey{Op: estate.OpBindings, Securable: s.Securable})
		add(childrenReads(s.Securable)...)
	}
	for _, o := range a.objects {
		add(estate.ReadKey{Op: estate.OpObject, Object: o.Object}, estate.ReadKey{Op: estate.OpObjectGrants, Object: o.Object})
		for _, path := range o.Code {
			add(estate.ReadKey{Op: estate.OpLookup, Workspace: o.Workspace, Name: path})
		}
	}
	return keys
}
