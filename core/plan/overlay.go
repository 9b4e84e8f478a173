package plan

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Overlay is the estate as it would be with the changes made, whatever the cells hold now. What was not
// read stays unread: a change beside a gap does not close it.
func Overlay(e *estate.Estate, list []Change) *estate.Estate {
	o := newOverlay(e)
	for _, c := range list {
		o.change(c)
	}
	return e.With(o.changes)
}

// overlay gathers the facts that are otherwise. What is replaced as a whole is gathered first.
type overlay struct {
	e       *estate.Estate
	changes estate.Changes
}

func newOverlay(e *estate.Estate) *overlay {
	return &overlay{e, estate.Changes{
		Members: map[identity.Membership]bool{}, Assigned: map[estate.Seat]identity.Assignment{}, Entitled: map[estate.Seat][]identity.Entitlement{},
		Granted: map[identity.Securable][]identity.Grant{}, Permitted: map[identity.Object][]identity.ObjectGrant{},
	}}
}

func (o *overlay) change(c Change) {
	switch c.Cell.Kind {
	case Member:
		o.member(c)
	case Assigned:
		at := estate.Seat{In: c.Cell.Workspace, Who: o.e.Canonical(c.Cell.Holder)}
		o.changes.Assigned[at] = identity.Assignment{Workspace: at.In, Principal: at.Who, Name: o.holderName(c), Permission: Permission(c.After)}
	case Entitled:
		o.entitle(c)
	case Granted:
		o.grant(c)
	case ObjectLevel:
		o.level(c)
	}
}

func (o *overlay) member(c Change) {
	member, group := o.e.Canonical(c.Cell.Holder), o.e.Canonical(c.Cell.Group)
	o.changes.Members[identity.Membership{Member: member, Group: group}] = c.After != Absent
	if c.After == Absent {
		o.forget(member)
	}
}

// forget takes back that a member, and whoever is in it, is in groups by ways that were not told, where the
// ways are known: these say by themselves who is still in what.
func (o *overlay) forget(member identity.PrincipalKey) {
	below := map[identity.PrincipalKey]bool{member: true}
	for queue := []identity.PrincipalKey{member}; len(queue) > 0; queue = queue[1:] {
		above := climb(o.e, queue[0])
		for a := range o.e.Ancestors(queue[0]) {
			if above[a] {
				o.changes.Forgotten = append(o.changes.Forgotten, identity.Membership{Member: queue[0], Group: a})
			}
		}
		for k := range o.e.Members(queue[0]) {
			if !below[k] {
				below[k] = true
				queue = append(queue, k)
			}
		}
	}
}

// climb gives the groups that somebody is in by memberships that are known one by one.
func climb(e *estate.Estate, k identity.PrincipalKey) map[identity.PrincipalKey]bool {
	above := map[identity.PrincipalKey]bool{}
	for queue := []identity.PrincipalKey{k}; len(queue) > 0; queue = queue[1:] {
		for g := range e.Parents(queue[0]) {
			if !above[g] {
				above[g] = true
				queue = append(queue, g)
			}
		}
	}
	return above
}

// holderName is what facts call the holder of a change.
func (o *overlay) holderName(c Change) string {
	p, _ := o.e.Principal(c.Cell.Holder)
	return cmp.Or(p.Name, c.HolderName)
}

func (o *overlay) entitle(c Change) {
	at := estate.Seat{In: c.Cell.Workspace, Who: o.e.Canonical(c.Cell.Holder)}
	list, changed := o.changes.Entitled[at]
	if !changed {
		list = entitlements(o.e, at.In, at.Who)
	}
	list = slices.DeleteFunc(slices.Clone(list), func(x identity.Entitlement) bool { return x == c.Cell.Entitlement })
	if c.After != Absent {
		list = append(list, c.Cell.Entitlement)
	}
	o.changes.Entitled[at] = list
}

// entitlements are those that a holder has itself in a workspace.
func entitlements(e *estate.Estate, in identity.WorkspaceID, holder identity.PrincipalKey) []identity.Entitlement {
	for _, x := range e.Entitlements(in) {
		if x.Principal == holder {
			return x.Entitlements
		}
	}
	return nil
}

func (o *overlay) grant(c Change) {
	on, holder := c.Cell.Securable, o.e.Canonical(c.Cell.Holder)
	rows, changed := o.changes.Granted[on]
	if !changed {
		for g := range o.e.GrantsOn(on) {
			rows = append(rows, identity.Grant{Securable: on, Holder: g.Holder.Name, DeletedID: g.Holder.DeletedID, Privileges: g.Privileges})
		}
	}
	for i, row := range rows {
		if row.Holder != "" && o.e.Resolve(row.Holder).Key == holder {
			rows[i].Privileges = slices.DeleteFunc(slices.Clone(row.Privileges), func(p identity.Privilege) bool { return p == c.Cell.Privilege })
		}
	}
	if c.After != Absent {
		rows = append(rows, identity.Grant{Securable: on, Holder: o.holderName(c), Privileges: []identity.Privilege{c.Cell.Privilege}})
	}
	o.changes.Granted[on] = slices.DeleteFunc(rows, func(g identity.Grant) bool { return len(g.Privileges) == 0 })
}

func (o *overlay) level(c Change) {
	on, holder := c.Cell.Object, o.e.Canonical(c.Cell.Holder)
	rows, changed := o.changes.Permitted[on]
	if !changed {
		for _, g := range o.e.ObjectGrants(on) {
			if g.Holder.Key == holder && g.From == "" {
				continue
			}
			rows = append(rows, identity.ObjectGrant{Holder: identity.PrincipalName{Kind: g.Kind, Name: g.Holder.Name}, Level: g.Level, From: g.From})
		}
	} else {
		rows = slices.DeleteFunc(rows, func(g identity.ObjectGrant) bool {
			return g.From == "" && g.Holder == identity.PrincipalName{Kind: holder.Kind, Name: o.holderName(c)}
		})
	}
	if c.After != Absent {
		rows = append(rows, identity.ObjectGrant{Holder: identity.PrincipalName{Kind: holder.Kind, Name: o.holderName(c)}, Level: identity.Level(c.After)})
	}
	o.changes.Permitted[on] = rows
}

// Permission is what an assignment's value gives; the zero value for Absent and for anything else.
func Permission(v Value) identity.WorkspacePermission {
	switch v {
	case Value(identity.WorkspaceUser.String()):
		return identity.WorkspaceUser
	case Value(identity.WorkspaceAdmin.String()):
		return identity.WorkspaceAdmin
	default:
		return identity.WorkspaceNone
	}
}
