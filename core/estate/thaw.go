package estate

import (
	"maps"
	"slices"

	"databricks-access-audit/core/identity"
)

// Thaw gives a Builder that holds everything the estate does, ledger and all: built as it is, it gives an
// estate of the same Fingerprint. It is for asking what would be if some facts were others. The facts of
// the estate itself do not change.
func (e *Estate) Thaw() *Builder {
	b := NewBuilder(e.account)
	b.interrupted = e.interrupted
	for _, p := range e.principals {
		b.mentions[p.Key] = struct{}{}
		if known(p) {
			b.principals[p.Key] = p
		}
	}
	maps.Copy(b.otherKeys, e.renamed)
	for i, p := range e.principals {
		for _, g := range e.parents[i] {
			b.memberships[identity.Membership{Member: p.Key, Group: e.principals[g].Key}] = struct{}{}
		}
		for _, g := range e.ancestors[i] {
			b.ancestors[identity.Membership{Member: p.Key, Group: e.principals[g].Key}] = struct{}{}
		}
		for _, other := range e.same[i] {
			b.same[[2]identity.PrincipalKey{p.Key, e.principals[other].Key}] = struct{}{}
		}
	}
	e.thawPlaces(b)
	e.thawSecurables(b)
	for in, list := range e.entitled {
		b.entitled[in] = make(map[identity.PrincipalKey][]identity.Entitlement, len(list))
		for _, x := range list {
			b.entitled[in][x.Principal] = x.Entitlements
		}
	}
	for _, g := range e.RuleSets() {
		b.roles[g] = struct{}{}
	}
	for _, o := range e.objects {
		b.objects[o.Object] = o
	}
	for i, list := range e.permissions {
		if list != nil {
			b.permissions[e.objects[i].Object] = thawObjectGrants(list)
		}
	}
	maps.Copy(b.restricted, e.restricted)
	b.logs, b.uses = maps.Clone(e.logs), maps.Clone(e.uses)
	b.reads.settle(e.reads) // shared: what is added goes elsewhere
	return b
}

// known reports whether anything is known of a principal but that some fact names it.
func known(p identity.Principal) bool {
	return p.Name != "" || p.DisplayName != "" || p.Emails != nil || p.ExternalID != "" ||
		p.Origin != 0 || p.Status != 0 || p.Roles != nil || p.Aliases != nil
}

func (e *Estate) thawPlaces(b *Builder) {
	for _, w := range e.workspaces {
		b.workspaces[w.ID] = w
	}
	for _, list := range e.assignments {
		for _, a := range list {
			b.assignments[a] = struct{}{}
		}
	}
	for _, m := range e.metastores {
		b.metastores[m.ID] = m
	}
	for id, to := range e.attachments {
		for _, w := range to {
			b.attached[attachment{id, w}] = struct{}{}
		}
	}
	maps.Copy(b.bindings, e.bindings)
	maps.Copy(b.policies, e.policies)
}

func (e *Estate) thawSecurables(b *Builder) {
	b.securables.settle(e.securables)
	b.rows = make([]row, 0, len(e.grants))
	for i, s := range e.securables {
		first := int32(len(b.rows))
		for _, r := range e.rowsOn(int32(i)) {
			h := e.holders[r.holder]
			b.rows = append(b.rows, row{none, b.named.add(named{h.Name, h.DeletedID}), b.sets.add(e.sets[r.set])})
		}
		if last := int32(len(b.rows)); last > first {
			b.granted.add(granted{s.Securable, first, last})
		}
	}
}

func thawObjectGrants(list []ObjectGrant) []identity.ObjectGrant {
	grants := make([]identity.ObjectGrant, len(list))
	for i, g := range list {
		grants[i] = identity.ObjectGrant{Holder: identity.PrincipalName{Kind: g.Kind, Name: g.Holder.Name}, Level: g.Level, From: g.From}
	}
	return grants
}

// RemoveMembership takes back that member is directly in group. A fact that only says that member is in
// group by some way is kept: see RemoveAncestor.
func (b *Builder) RemoveMembership(member, group identity.PrincipalKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.memberships, identity.Membership{Member: member, Group: group})
}

// RemoveAncestor takes back what AddAncestor added.
func (b *Builder) RemoveAncestor(member, group identity.PrincipalKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ancestors, identity.Membership{Member: member, Group: group})
}

// SetAssignment replaces all explicit assignments of one principal to one workspace by this one; with
// identity.WorkspaceNone it takes them away.
func (b *Builder) SetAssignment(a identity.Assignment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.assignments, func(old identity.Assignment, _ struct{}) bool {
		return old.Workspace == a.Workspace && old.Principal == a.Principal
	})
	if a.Permission != identity.WorkspaceNone {
		b.assignments[a] = struct{}{}
	}
}

// SetGrants replaces the direct grants on a securable.
func (b *Builder) SetGrants(on identity.Securable, grants []identity.Grant) {
	b.mu.Lock()
	b.granted.settle(slices.DeleteFunc(slices.Clone(b.granted.list()), func(g granted) bool { return g.on == on }))
	b.mu.Unlock()
	b.AddGrants(on, grants)
}

// Remove makes a principal nobody, whom facts may still name: it is in no group and nobody is in it, and it
// has no assignments or entitlements. What names it by a name that nobody else bears names nobody.
func (b *Builder) Remove(k identity.PrincipalKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.principals[k] = identity.Principal{Key: k, Status: identity.StatusInactive}
	names := func(m identity.Membership, _ struct{}) bool { return m.Member == k || m.Group == k }
	maps.DeleteFunc(b.memberships, names)
	maps.DeleteFunc(b.ancestors, func(m identity.Membership, _ struct{}) bool { return m.Member == k })
	maps.DeleteFunc(b.assignments, func(a identity.Assignment, _ struct{}) bool { return a.Principal == k })
	for in := range b.entitled {
		b.entitled[in][k] = nil
	}
}
