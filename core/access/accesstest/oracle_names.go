package accesstest

import (
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

// anyKind is for names that come without the kind of principal that they are of.
const anyKind = identity.KindUnknown

// lostKind is that of a holder whom an estate found nobody for: it keeps the name alone.
const lostKind = identity.Kind(255)

// heldBy asks whether the subject is whom a name means in the account.
func (o *Oracle) heldBy(name string, kind identity.Kind) answer {
	if strings.HasPrefix(name, "\x00") {
		return o.supposedToBe(name)
	}
	bearers := o.bearers(name, kind)
	switch len(bearers) {
	case 0:
		if person := kind == identity.KindUser || kind == identity.KindServicePrincipal; person && !o.cautious { // without regard to kind is right, too
			return o.unborneBy(name, kind)
		}
		return o.unborne(name)
	case 1:
		return o.in(bearers[0])
	}
	return o.anyNamed(name, bearers, 0)
}

// unborneBy is for a name of a user or service principal that nobody who was read bears: no group can be
// meant, and only a record of the subject whose name was not read.
func (o *Oracle) unborneBy(name string, kind identity.Kind) answer {
	for _, k := range o.records {
		named := func(p identity.Principal) bool { return p.Key == k && p.Name != "" }
		if k.Kind == kind && !slices.ContainsFunc(o.seen.Principals, named) {
			return unknown("%s may be the name of %v", name, k)
		}
	}
	return denied("nobody is called %s", name)
}

// anyNamed is for a name that several bear: nobody can tell which one is meant.
func (o *Oracle) anyNamed(name string, bearers []identity.PrincipalKey, ws identity.WorkspaceID) answer {
	for _, k := range bearers {
		if o.inThere(k, ws).verdict != access.Denied {
			return unknown("%s may be %v", name, k)
		}
	}
	return denied("is none of those called %s", name)
}

// supposedToBe asks whether the subject is, or is in, whom a supposed holder stands for.
func (o *Oracle) supposedToBe(name string) answer {
	for _, k := range o.certain {
		if supposed(k) == name {
			return allowed("it is supposed to hold that")
		}
	}
	for _, p := range o.seen.Principals {
		if supposed(p.Key) == name {
			return o.in(p.Key)
		}
	}
	return denied("somebody else is supposed to hold that")
}

// bearers are the account principals of a kind that a name may mean. One spelled exactly like it is
// preferred.
func (o *Oracle) bearers(name string, kind identity.Kind) []identity.PrincipalKey {
	var exact, folded []identity.PrincipalKey
	if identity.SameName(name, identity.AccountUsersName) {
		if kind == anyKind || kind == identity.KindGroup {
			return []identity.PrincipalKey{identity.AccountUsers()}
		}
		return nil
	}
	for _, p := range o.seen.Principals {
		if p.Key.Workspace != 0 || p.Name == "" || kind != anyKind && kind != p.Key.Kind {
			continue // groups of one workspace hold nothing in the account
		}
		if p.Name == name {
			exact = append(exact, p.Key)
		}
		for _, called := range append([]string{p.Name}, p.Aliases...) {
			if identity.SameName(name, called) && !slices.Contains(folded, p.Key) {
				folded = append(folded, p.Key)
			}
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return folded
}

// isNamed asks whether the subject is whom an object's list in a workspace names. There a group may be
// one of the workspace alone, so without the list of those it is not known which is meant.
func (o *Oracle) isNamed(h identity.PrincipalName, ws identity.WorkspaceID) answer {
	bearers := o.bearers(h.Name, h.Kind)
	somebody := h.Kind == identity.KindUser || h.Kind == identity.KindServicePrincipal
	if h.Kind == lostKind || somebody && o.cautious && len(bearers) == 0 {
		account := o.heldBy(h.Name, h.Kind)
		if o.seen.saw(readLocals(ws)) {
			return account
		}
		return anyOf(account, account, unknown("%s may be a group of %v alone", h.Name, ws))
	}
	switch {
	case somebody, strings.HasPrefix(h.Name, "\x00"):
		return o.heldBy(h.Name, h.Kind)
	case h.Name == identity.WorkspaceUsersName:
		return o.assigned(ws, identity.WorkspaceUser)
	case h.Name == identity.WorkspaceAdminsName:
		return o.assigned(ws, identity.WorkspaceAdmin)
	case !o.seen.saw(readLocals(ws)):
		return o.isNamedUnlisted(h, bearers, ws)
	}
	locals := o.locals(h.Name, ws)
	switch {
	case len(locals) == 0:
		return o.heldBy(h.Name, h.Kind)
	case len(locals) > 1 || slices.ContainsFunc(bearers, func(k identity.PrincipalKey) bool { return o.isAssigned(k, ws) }):
		return o.anyNamed(h.Name, append(locals, bearers...), ws)
	default:
		return o.inThere(locals[0], ws)
	}
}

// isNamedUnlisted is isNamed where the groups of the workspace were not listed. Two groups of one
// workspace have two names, so an assigned account group is the one that is meant.
func (o *Oracle) isNamedUnlisted(h identity.PrincipalName, bearers []identity.PrincipalKey, ws identity.WorkspaceID) answer {
	reserved := !o.cautious && identity.SameName(h.Name, identity.AccountUsersName)
	if len(bearers) == 1 && (reserved || o.isAssigned(bearers[0], ws)) {
		return o.in(bearers[0])
	}
	account := o.heldBy(h.Name, h.Kind)
	if !o.cautious && account.verdict == access.Denied && o.assigned(ws, identity.WorkspaceUser).verdict == access.Denied {
		return denied("is in no account group called %s, nor in any of %v", h.Name, ws)
	}
	return unknown("%s may be a group of %v alone", h.Name, ws)
}

// locals are the groups of the workspace alone that bear the name.
func (o *Oracle) locals(name string, ws identity.WorkspaceID) []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for _, p := range o.seen.Principals {
		if p.Key.Workspace == ws && p.Name == name {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// isAssigned reports whether the principal itself was seen assigned to the workspace.
func (o *Oracle) isAssigned(k identity.PrincipalKey, ws identity.WorkspaceID) bool {
	return slices.ContainsFunc(o.seen.Assignments, func(a identity.Assignment) bool {
		return a.Workspace == ws && o.canonical(a.Principal) == k
	})
}

// inThere is in for any principal that counts in the workspace, its own groups included.
func (o *Oracle) inThere(k identity.PrincipalKey, ws identity.WorkspaceID) answer {
	switch {
	case k == identity.WorkspaceUsers(k.Workspace):
		return o.assigned(k.Workspace, identity.WorkspaceUser)
	case k == identity.WorkspaceAdmins(k.Workspace):
		return o.assigned(k.Workspace, identity.WorkspaceAdmin)
	case k.Workspace == 0:
		return o.in(k)
	case k.Workspace != ws:
		return denied("%v is of another workspace", k)
	case slices.Contains(o.certain, k):
		return allowed("is in %v", k)
	}
	if a := o.assigned(ws, identity.WorkspaceUser); a.verdict == access.Denied {
		return denied("is not in %v: %v", k, a) // its groups are for those who are there
	}
	witnesses := []answer{}
	if !o.seen.saw(readLocals(ws)) {
		witnesses = append(witnesses, unknown("may be in %v: the groups of %v were not listed", k, ws))
	}
	for _, r := range o.records {
		if !o.seen.saw(readEntitled(ws, r)) {
			witnesses = append(witnesses, unknown("may be in %v: what %v has in %v was not read", k, r, ws))
		}
	}
	below := []identity.PrincipalKey{k}
	for grown := true; grown; {
		grown = false
		for _, m := range o.seen.Memberships {
			if slices.Contains(below, m.Group) && m.Group.Workspace != 0 && !slices.Contains(below, m.Member) {
				below, grown = append(below, m.Member), true
			}
		}
	}
	for _, member := range below {
		if member.Workspace == 0 {
			witnesses = append(witnesses, o.in(member))
		}
	}
	return anyOf(denied("is not in %v", k), witnesses...)
}
