package plan

import (
	"iter"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// grantors says who could carry steps out, and which groups give anything.
type grantors struct {
	m *access.Model
	e *estate.Estate
	// giving are those whom a fact names as having a place or a role.
	giving map[identity.PrincipalKey]bool
	admin  access.Verdict
}

func newGrantors(m *access.Model) *grantors {
	g := &grantors{m: m, e: m.Estate(), giving: map[identity.PrincipalKey]bool{}}
	for _, list := range g.e.AllAssignments() {
		for _, a := range list {
			g.giving[g.e.Canonical(a.Principal)] = true
		}
	}
	for _, list := range g.e.AllEntitlements() {
		for _, x := range list {
			g.giving[x.Principal] = g.giving[x.Principal] || len(x.Entitlements) > 0
		}
	}
	for _, r := range g.e.AllRoleGrants() {
		g.giving[r.Holder.Key] = true
	}
	for p := range g.e.Principals() {
		if p.HasRole(identity.RoleAccountAdmin) {
			g.giving[p.Key] = true
			g.admin = access.Allowed
		}
	}
	if g.admin != access.Allowed {
		g.admin = access.Denied
		if !g.e.Saw(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindUser}}) {
			g.admin = access.Unknown
		}
	}
	return g
}

// holds reports whether a fact names the principal itself as having something.
func (g *grantors) holds(k identity.PrincipalKey) bool {
	return g.giving[k] || some(g.e.GrantsTo(k)) || some(g.e.OwnedBy(k)) || some(g.e.Permitted(k))
}

// some reports whether there is anything in a sequence.
func some[T any](all iter.Seq[T]) bool {
	for range all {
		return true
	}
	return false
}

// account reports whether somebody is known who may do everything in the account.
func (g *grantors) account() bool { return g.admin == access.Allowed }

// ofGroup says whether somebody is known who may change the members of a group of the account: account
// admins, and whoever manages it or all groups.
//
// https://docs.databricks.com/aws/en/admin/users-groups/manage-groups
func (g *grantors) ofGroup(group identity.PrincipalKey) access.Verdict {
	if g.account() {
		return access.Allowed
	}
	for _, on := range []identity.PrincipalKey{group, {}} {
		if slices.ContainsFunc(slices.Collect(g.e.RoleGrants(on)), func(r estate.RoleGrant) bool {
			return r.Role == identity.RoleGroupManager && !r.Holder.Key.IsZero()
		}) {
			return access.Allowed
		}
	}
	if !g.e.Saw(estate.ReadKey{Op: estate.OpRoles, Principal: group}) || !g.e.Saw(estate.ReadKey{Op: estate.OpRoles}) {
		return access.Any(g.admin, access.Unknown)
	}
	return g.admin
}

// ofWorkspace reports whether somebody is known who administers a workspace.
func (g *grantors) ofWorkspace(in identity.WorkspaceID) bool {
	return g.account() || len(administrators(g.e, in)) > 0
}

// administrators are those whom a workspace's assignments name as admins.
func administrators(e *estate.Estate, in identity.WorkspaceID) []estate.Holder {
	var list []estate.Holder
	for _, a := range e.Assignments(in) {
		if a.Permission == identity.WorkspaceAdmin {
			list = append(list, estate.Holder{Key: e.Canonical(a.Principal), Name: a.Name})
		}
	}
	return list
}

// ofObject reports whether somebody is known who may permit others on an object.
func (g *grantors) ofObject(o identity.Object) bool {
	return g.ofWorkspace(o.Workspace) || somebody(permitting(g.e, o))
}

// somebody reports whether one of the holders is a principal that is known.
func somebody(list []estate.Holder) bool {
	return slices.ContainsFunc(list, func(h estate.Holder) bool { return !h.Key.IsZero() })
}

// permitting are those whom an object's list names as somebody who may permit others on it.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/
func permitting(e *estate.Estate, o identity.Object) []estate.Holder {
	var list []estate.Holder
	for _, x := range e.ObjectGrants(o) {
		if x.Level == identity.IsOwner || x.Level == o.Type.Highest() {
			list = append(list, x.Holder)
		}
	}
	return list
}

// ofSecurable reports whether somebody is known who may grant on a securable; on the metastore itself account admins
// may, too.
func (g *grantors) ofSecurable(on identity.Securable) bool {
	return somebody(managing(g.e, on)) || on.Type == identity.TypeMetastore && g.account()
}

// managing are those whom facts name as somebody who may grant on a securable: who owns or manages it or what it is
// in, and the admin of the metastore.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/
func managing(e *estate.Estate, on identity.Securable) []estate.Holder {
	var list []estate.Holder
	for at, ok := on, true; ok; at, ok = at.Parent() {
		if owner, known := e.Owner(at); known {
			list = append(list, owner)
		}
		if at.Type == identity.TypeMetastore {
			break
		}
		for row := range e.GrantsOn(at) {
			if slices.Contains(row.Privileges, identity.Manage) {
				list = append(list, row.Holder)
			}
		}
	}
	return list
}

// through is the workspace from which a grant on a securable is written: one that runs, has the metastore
// and may use the catalog, the first by id. Zero is none.
func (g *grantors) through(on identity.Securable) identity.WorkspaceID {
	root := on
	if on.Catalog != "" {
		root = identity.CatalogSecurable(on.Metastore, on.Catalog)
	}
	info, _ := g.e.Securable(root)
	bindings := g.e.Bindings(root)
	for _, id := range g.e.MetastoreWorkspaces(on.Metastore) {
		w, known := g.e.Workspace(id)
		bound := info.Isolation != identity.Isolated || slices.ContainsFunc(bindings, func(b identity.Binding) bool { return b.Workspace == id && !b.ReadOnly })
		if known && w.Running() && bound {
			return id
		}
	}
	return 0
}
