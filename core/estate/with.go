package estate

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"databricks-access-audit/core/identity"
)

// Changes are facts that are otherwise than they were read, in the keys that Canonical gives.
type Changes struct {
	// Members says of memberships whether they are, direct ones.
	Members map[identity.Membership]bool
	// Forgotten are memberships of which the way is not known that are no more.
	Forgotten []identity.Membership
	// Assigned has the one assignment of a principal to a workspace, instead of all that there are; with
	// identity.WorkspaceNone there is none.
	Assigned map[Seat]identity.Assignment
	// Entitled has all entitlements of a principal in a workspace.
	Entitled map[Seat][]identity.Entitlement
	// Granted has all direct grants on a securable, Permitted all permissions on an object, inherited ones
	// included.
	Granted   map[identity.Securable][]identity.Grant
	Permitted map[identity.Object][]identity.ObjectGrant
	// Deleted are principals that facts still name and that are nobody: in no group, without members,
	// assignments and entitlements. What was granted to them is granted to nobody.
	Deleted []identity.PrincipalKey
}

// Seat is a principal in a workspace.
type Seat struct {
	In  identity.WorkspaceID
	Who identity.PrincipalKey
}

// With is the estate as it would be with the changes made, the same as if all facts had been gathered anew.
// The ledger stays as it is: a change beside a gap does not close it.
//
// It shares with the estate all that does not change, which neither of them ever writes to: the securables,
// the objects, the ledger and what finds them, and of grants, permissions and memberships those of everybody
// and everything that no change names. What it costs beside the changes is the outer lists of these, a few
// bytes for each principal and object. Where a change bears on who is meant by a name, or names what the
// estate does not have, all is built anew, which costs as much as reading the account from a file: that is so
// for every principal that is deleted.
func (e *Estate) With(c Changes) *Estate {
	if !e.keepsNames(c) {
		return e.rebuilt(c)
	}
	w := *e
	w.fingerprint = sync.OnceValue(func() string { return fingerprint(&w) })
	w.changeMembers(c)
	w.changePlaces(c)
	w.changeGrants(c)
	w.changePermissions(c)
	return &w
}

// keepsNames reports whether all that the changes name is in the estate, and means the same afterwards.
func (e *Estate) keepsNames(c Changes) bool {
	if len(c.Deleted) > 0 {
		return false
	}
	known := func(k identity.PrincipalKey) bool { _, ok := e.principal[k]; return ok }
	for m := range c.Members {
		if !known(m.Member) || !known(m.Group) {
			return false
		}
	}
	for at := range c.Entitled {
		if !known(at.Who) {
			return false
		}
	}
	for at, a := range c.Assigned {
		// A group that is called account users is that of the account, and the name of a group of a workspace
		// is in doubt where one of the account that bears it is assigned.
		if !known(at.Who) || a.Name == identity.AccountUsersName && at.Who != identity.AccountUsers() || e.bearsLocalName(at) {
			return false
		}
	}
	for on := range c.Granted {
		if _, ok := e.securable.find(on); !ok {
			return false
		}
	}
	for on := range c.Permitted {
		if _, ok := e.object[on]; !ok {
			return false
		}
	}
	return true
}

// bearsLocalName reports whether a group of the workspace has a name that may mean the principal, too.
func (e *Estate) bearsLocalName(at Seat) bool {
	if at.Who.Kind != identity.KindGroup {
		return false
	}
	for l := range e.local {
		if l.in == at.In && e.resolveKind(identity.PrincipalName{Kind: identity.KindGroup, Name: l.name}).Key == at.Who {
			return true
		}
	}
	return false
}

// rebuilt is With by gathering all facts anew.
func (e *Estate) rebuilt(c Changes) *Estate {
	b := e.Thaw()
	for m, is := range c.Members {
		if is {
			b.AddMembership(m.Member, m.Group)
		} else {
			b.RemoveMembership(m.Member, m.Group)
		}
	}
	for _, m := range c.Forgotten {
		b.RemoveAncestor(m.Member, m.Group)
	}
	for _, a := range c.Assigned {
		b.SetAssignment(a)
	}
	for at, list := range c.Entitled {
		b.AddEntitlements(at.In, at.Who, list)
	}
	for on, list := range c.Granted {
		b.SetGrants(on, list)
	}
	for on, list := range c.Permitted {
		b.AddObjectGrants(on, list)
	}
	for _, k := range c.Deleted {
		b.Remove(k)
	}
	return b.Build()
}

func (e *Estate) changeMembers(c Changes) {
	if len(c.Members)+len(c.Forgotten) == 0 {
		return
	}
	e.parents, e.members, e.ancestors = slices.Clone(e.parents), slices.Clone(e.members), slices.Clone(e.ancestors)
	for m, is := range c.Members {
		member, group := e.principal[m.Member], e.principal[m.Group]
		if member != group {
			e.parents[member] = withOrWithout(e.parents[member], group, is)
			e.members[group] = withOrWithout(e.members[group], member, is)
		}
	}
	for _, m := range c.Forgotten {
		member, known := e.principal[m.Member]
		if group, in := e.principal[m.Group]; known && in {
			e.ancestors[member] = withOrWithout(e.ancestors[member], group, false)
		}
	}
	e.containers = nil
	e.numberContainers()
	e.unlisted = nil
	settle(e)
}

// withOrWithout is a copy of a sorted list that has an item, or has it not.
func withOrWithout(list []int32, item int32, with bool) []int32 {
	i, has := slices.BinarySearch(list, item)
	switch {
	case with && !has:
		return slices.Insert(slices.Clone(list), i, item)
	case !with && has:
		return slices.Delete(slices.Clone(list), i, i+1)
	default:
		return list
	}
}

func (e *Estate) changePlaces(c Changes) {
	if len(c.Assigned) > 0 {
		e.assignments = maps.Clone(e.assignments)
	}
	for at, a := range c.Assigned {
		list := slices.DeleteFunc(slices.Clone(e.assignments[at.In]), func(old identity.Assignment) bool { return old.Principal == at.Who })
		if a.Permission != identity.WorkspaceNone {
			list = append(list, a)
			slices.SortFunc(list, compareAssignments)
		}
		if e.assignments[at.In] = list; len(list) == 0 {
			delete(e.assignments, at.In)
		}
	}
	if len(c.Entitled) > 0 {
		e.entitled = maps.Clone(e.entitled)
	}
	for at, es := range c.Entitled {
		list := slices.DeleteFunc(slices.Clone(e.entitled[at.In]), func(x Entitled) bool { return x.Principal == at.Who })
		list = append(list, Entitled{at.Who, slices.Compact(slices.Sorted(slices.Values(es)))})
		slices.SortFunc(list, compareEntitled)
		e.entitled[at.In] = list
	}
}

func compareAssignments(a, b identity.Assignment) int {
	return cmp.Or(a.Principal.Compare(b.Principal), cmp.Compare(b.Permission, a.Permission), strings.Compare(a.Name, b.Name))
}

func compareEntitled(a, b Entitled) int { return a.Principal.Compare(b.Principal) }

func (e *Estate) changeGrants(c Changes) {
	if len(c.Granted) == 0 {
		return
	}
	// What is appended to goes elsewhere: the estate that is changed may be changed again.
	e.holders, e.sets = slices.Clip(e.holders), slices.Clip(e.sets)
	e.grantsTo, e.localised, e.regranted = maps.Clone(e.grantsTo), maps.Clone(e.localised), maps.Clone(e.regranted)
	if e.regranted == nil {
		e.regranted = map[int32][]row{}
	}
	for on, list := range c.Granted {
		i, _ := e.securable.find(on)
		old := e.rowsOn(i)
		rows := make([]row, 0, len(list))
		for _, g := range list {
			rows = append(rows, row{i, e.holder(g), e.set(g.Privileges)})
		}
		rows = sortRows(rows, e.holders, e.sets)
		e.regranted[i] = rows
		e.moveRows(i, old, rows)
	}
}

// holder is the number of whom a grant names.
func (e *Estate) holder(g identity.Grant) int32 {
	h := Holder{DeletedID: g.DeletedID}
	if g.Holder != "" {
		h = e.resolve(g.Holder)
	}
	if i := slices.Index(e.holders, h); i >= 0 {
		return int32(i)
	}
	e.holders = append(e.holders, h)
	return int32(len(e.holders) - 1)
}

// set is the number of a set of privileges.
func (e *Estate) set(ps []identity.Privilege) int32 {
	sorted := identity.SortPrivileges(slices.Clone(ps))
	if i := slices.IndexFunc(e.sets, func(set []identity.Privilege) bool { return slices.Equal(set, sorted) }); i >= 0 {
		return int32(i)
	}
	e.sets = append(e.sets, sorted)
	return int32(len(e.sets) - 1)
}

// moveRows enters the grants on a securable for those whom they name, instead of the old ones.
func (e *Estate) moveRows(on int32, old, rows []row) {
	moved := map[int32]bool{}
	for _, r := range slices.Concat(old, rows) {
		p, ok := e.principal[e.holders[r.holder].Key]
		if !ok || moved[p] {
			continue
		}
		moved[p] = true
		to := e.grantsTo[p]
		first, _ := slices.BinarySearchFunc(to, on, func(r row, on int32) int { return cmp.Compare(r.securable, on) })
		last, _ := slices.BinarySearchFunc(to, on+1, func(r row, on int32) int { return cmp.Compare(r.securable, on) })
		list := slices.Clone(to[:first])
		for _, r := range rows {
			if of, ok := e.principal[e.holders[r.holder].Key]; ok && of == p {
				list = append(list, r)
			}
		}
		if e.grantsTo[p] = append(list, to[last:]...); len(e.grantsTo[p]) == 0 {
			delete(e.grantsTo, p)
		}
	}
	for _, r := range rows {
		if in := e.holders[r.holder].Key.Workspace; in != 0 {
			at := root(e.securables[on].Securable)
			if !slices.Contains(e.localised[at], in) {
				e.localised[at] = append(slices.Clip(e.localised[at]), in)
			}
		}
	}
}

func (e *Estate) changePermissions(c Changes) {
	if len(c.Permitted) == 0 {
		return
	}
	e.permissions, e.permitted = slices.Clone(e.permissions), maps.Clone(e.permitted)
	for on, rows := range c.Permitted {
		i := e.object[on]
		old := e.permissions[i]
		e.permissions[i] = e.permit(on.Workspace, rows)
		for _, g := range old {
			e.permitted[g.Holder.Key] = withOrWithout(e.permitted[g.Holder.Key], int32(i), false)
		}
		for _, g := range e.permissions[i] {
			e.permitted[g.Holder.Key] = withOrWithout(e.permitted[g.Holder.Key], int32(i), true)
		}
	}
}
