package estate

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// Entitled is what one principal may use of a workspace by entitlements of its own.
type Entitled struct {
	Principal    identity.PrincipalKey
	Entitlements []identity.Entitlement // sorted
}

// RoleGrant is a role that one holder was given on a principal, or where On is zero on the account.
type RoleGrant struct {
	On     identity.PrincipalKey
	Role   identity.Role
	Holder Holder
	Kind   identity.Kind // that the rule says the holder is of
}

// Entitlements gives who has which entitlements in a workspace, in order of principal.
func (e *Estate) Entitlements(in identity.WorkspaceID) []Entitled { return e.entitled[in] }

// RestrictAdmins says how far the admins of a workspace may act as others there.
func (e *Estate) RestrictAdmins(in identity.WorkspaceID) identity.RestrictAdmins {
	return e.restricted[in]
}

// RoleGrants gives every role that was given on a principal, or on the account where on is zero.
func (e *Estate) RoleGrants(on identity.PrincipalKey) iter.Seq[RoleGrant] {
	on = e.Canonical(on)
	return func(yield func(RoleGrant) bool) {
		i, _ := slices.BinarySearchFunc(e.roles, on, func(g RoleGrant, on identity.PrincipalKey) int { return g.On.Compare(on) })
		for ; i < len(e.roles) && e.roles[i].On == on; i++ {
			if !yield(e.roles[i]) {
				return
			}
		}
	}
}

// AllRoleGrants gives every role that was given on anything.
func (e *Estate) AllRoleGrants() []RoleGrant { return e.roles }

func (b *Builder) buildRoles(e *Estate) {
	for g := range b.roles {
		g.On = e.Canonical(g.On)
		e.roles = append(e.roles, RoleGrant{On: g.On, Role: g.Role, Holder: e.resolveKind(g.Holder), Kind: g.Holder.Kind})
	}
	slices.SortFunc(e.roles, func(a, b RoleGrant) int {
		return cmp.Or(a.On.Compare(b.On), strings.Compare(string(a.Role), string(b.Role)), compareHolders(a.Holder, b.Holder), cmp.Compare(a.Kind, b.Kind))
	})
	e.roles = slices.Compact(e.roles)
	e.entitled = map[identity.WorkspaceID][]Entitled{}
	for in, holders := range b.entitled {
		one := make(map[identity.PrincipalKey][]identity.Entitlement, len(holders))
		for k, es := range holders { // two keys can be one principal's
			k = e.Canonical(k)
			one[k] = slices.Concat(one[k], es)
		}
		for k, es := range one {
			slices.Sort(es)
			e.entitled[in] = append(e.entitled[in], Entitled{k, slices.Compact(es)})
		}
		slices.SortFunc(e.entitled[in], compareEntitled)
	}
}

// resolveKind finds the account principal of a kind that a fact names.
func (e *Estate) resolveKind(n identity.PrincipalName) Holder {
	return e.choose(n.Name, func(k identity.PrincipalKey) bool { return k.Kind == n.Kind })
}

// resolveIn finds whom a fact of a workspace names. A group of the workspace itself is meant before an
// account group of the same name, unless that is assigned there too: then it is not known which.
func (e *Estate) resolveIn(in identity.WorkspaceID, n identity.PrincipalName) Holder {
	if n.Kind != identity.KindGroup {
		return e.resolveKind(n)
	}
	switch n.Name {
	case identity.WorkspaceUsersName:
		return Holder{Name: n.Name, Key: identity.WorkspaceUsers(in)}
	case identity.WorkspaceAdminsName:
		return Holder{Name: n.Name, Key: identity.WorkspaceAdmins(in)}
	}
	account := e.resolveKind(n)
	local, ok := e.local[localName{in, n.Name}]
	if !ok {
		return account
	}
	if !account.Key.IsZero() && slices.ContainsFunc(e.assignments[in], func(a identity.Assignment) bool { return a.Principal == account.Key }) {
		return Holder{Name: n.Name, Ambiguous: true}
	}
	return Holder{Name: n.Name, Key: local}
}

// ResolveIn finds whom a fact of a workspace means by a name: an entry of an object's permissions.
func (e *Estate) ResolveIn(in identity.WorkspaceID, n identity.PrincipalName) Holder {
	return e.resolveIn(in, n)
}

// LocalGroup finds the group of one workspace alone that bears a name.
func (e *Estate) LocalGroup(in identity.WorkspaceID, name string) (identity.PrincipalKey, bool) {
	k, ok := e.local[localName{in, name}]
	return k, ok
}

// localName is the name of a group of one workspace.
type localName struct {
	in   identity.WorkspaceID
	name string
}
