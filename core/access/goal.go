package access

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/identity"
)

// goal is what somebody would do: the conditions of it, as the rules have them.
type goal interface {
	// authorised is what grants and lists say of it, wherever the subject may be.
	authorised(r rules[Verdict], in identity.WorkspaceID) Verdict
	// holds is all that it takes in a workspace, and onceInside that without being assigned there.
	holds(r rules[*clause], in identity.WorkspaceID) *clause
	onceInside(r rules[*clause], in identity.WorkspaceID) *clause
	// instead are ways that do not need the subject to be assigned.
	instead(r rules[*clause], in identity.WorkspaceID) []*clause
	// equipment is what else it takes to carry it out.
	equipment(r rules[*clause], in identity.WorkspaceID) *clause
	// bearers are those whose access could bring it about, as far as facts name them.
	bearers(s *Subject) []identity.PrincipalKey
	// caveats say what the verdict does not cover.
	caveatsFor(a audit, from []identity.WorkspaceID) []string
}

// use is exercising a privilege on a securable.
type use struct {
	privilege identity.Privilege
	on        identity.Securable
}

func (g use) authorised(r rules[Verdict], in identity.WorkspaceID) Verdict {
	return r.granted(g.privilege, g.on, in)
}

func (g use) holds(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.can(g.privilege, g.on, in)
}

func (g use) onceInside(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.logic.all(r.granted(g.privilege, g.on, in), r.active(), r.attached(g.on.Metastore, in), r.bound(g.on, g.privilege, in))
}

func (g use) instead(r rules[*clause], in identity.WorkspaceID) []*clause {
	return r.canInstead(g.privilege, g.on, in)
}

func (g use) equipment(r rules[*clause], in identity.WorkspaceID) *clause { return r.equipped(in) }

func (g use) bearers(s *Subject) []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for at := range lineage(g.on) {
		if owner, known := s.e.Owner(at); known {
			keys = append(keys, owner.Key)
		}
		for row := range s.e.GrantsOn(at) {
			keys = append(keys, row.Holder.Key)
		}
	}
	if admin, known := s.e.MetastoreAdmin(g.on.Metastore); known {
		keys = append(keys, admin.Key)
	}
	return distinct(keys)
}

// register is creating an external location with a storage credential: the privilege for it is needed
// on the credential and on the metastore.
//
// https://docs.databricks.com/aws/en/connect/unity-catalog/cloud-storage/external-locations
type register struct{ use }

func (g register) onMetastore(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.effective(g.privilege, identity.MetastoreSecurable(g.on.Metastore), in)
}

func (g register) authorised(r rules[Verdict], in identity.WorkspaceID) Verdict {
	return All(g.use.authorised(r, in), r.effective(g.privilege, identity.MetastoreSecurable(g.on.Metastore), in))
}

func (g register) holds(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.logic.all(g.use.holds(r, in), g.onMetastore(r, in))
}

func (g register) onceInside(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.logic.all(g.use.onceInside(r, in), g.onMetastore(r, in))
}

// distinct drops zero keys and doubles.
func distinct(keys []identity.PrincipalKey) []identity.PrincipalKey {
	slices.SortFunc(keys, identity.PrincipalKey.Compare)
	return slices.DeleteFunc(slices.Compact(keys), identity.PrincipalKey.IsZero)
}

// operate is using a permission level on a workspace object.
type operate struct {
	level identity.Level
	on    identity.Object
}

func (g operate) authorised(r rules[Verdict], _ identity.WorkspaceID) Verdict {
	return r.permitted(g.level, g.on)
}

func (g operate) holds(r rules[*clause], _ identity.WorkspaceID) *clause {
	return r.operates(g.level, g.on)
}

func (g operate) onceInside(r rules[*clause], _ identity.WorkspaceID) *clause {
	return r.logic.all(r.permitted(g.level, g.on), r.active())
}

func (operate) instead(rules[*clause], identity.WorkspaceID) []*clause { return nil }

func (g operate) equipment(r rules[*clause], in identity.WorkspaceID) *clause {
	if x := g.on.Type.Entitlement(); x != "" {
		return r.entitled(x, in)
	}
	return r.logic.any(r.entitled(identity.WorkspaceAccess, in), r.entitled(identity.SQLAccess, in), r.entitled(identity.ConsumerAccess, in))
}

func (g operate) bearers(s *Subject) []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for _, row := range s.e.ObjectGrants(g.on) {
		keys = append(keys, row.Holder.Key)
	}
	return distinct(keys)
}

func (g operate) caveatsFor(a audit, _ []identity.WorkspaceID) []string {
	var caveats []string
	info, _ := a.e.Object(g.on)
	switch {
	case info.BorrowsOwner:
		caveats = append(caveats, "it shows data with the rights of "+cmp.Or(info.Creator, "its owner")+", not with those of whoever opens it")
	case info.RunAs != "" && info.RunAs != a.name(a.key):
		caveats = append(caveats, "it runs as "+info.RunAs)
	case info.SingleUser != "":
		caveats = append(caveats, "it is dedicated to "+info.SingleUser+": nobody else can run anything on it")
	}
	if !g.on.Type.Has(g.level) {
		caveats = append(caveats, string(g.level)+" is not a permission level of a "+g.on.Type.Title())
	}
	return append(caveats, "permission on an object gives no access to data")
}

// Creation is a kind of thing that is created in a workspace.
type Creation string

// What can be asked about.
const (
	CreateCluster   Creation = "cluster"
	CreateWarehouse Creation = "warehouse"
	CreatePolicy    Creation = "cluster policy"
	CreatePool      Creation = "instance pool"
	CreateJob       Creation = "job"
	CreateNotebook  Creation = "notebook"
)

// create is creating something in a workspace.
type create struct{ what Creation }

func (g create) authorised(r rules[Verdict], in identity.WorkspaceID) Verdict {
	return creating(r, g.what, in)
}

func (g create) holds(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.logic.all(creating(r, g.what, in), r.active(), r.assigned(in))
}

func (g create) onceInside(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.logic.all(creating(r, g.what, in), r.active())
}

func (create) instead(rules[*clause], identity.WorkspaceID) []*clause { return nil }

func (create) equipment(r rules[*clause], _ identity.WorkspaceID) *clause { return r.logic.all() }

func (create) bearers(*Subject) []identity.PrincipalKey { return nil }

func (create) caveatsFor(audit, []identity.WorkspaceID) []string { return nil }

// creating is what it takes to create something in a workspace.
//
// https://docs.databricks.com/aws/en/security/auth/entitlements,
// https://docs.databricks.com/aws/en/admin/clusters/policies,
// https://docs.databricks.com/aws/en/compute/sql-warehouse/create
func creating[T any](r rules[T], what Creation, in identity.WorkspaceID) T {
	admin := r.logic.need(r.assignedAs(in, identity.WorkspaceAdmin), lack{kind: lackAdmin, workspace: in})
	switch what {
	case CreateCluster:
		return r.logic.any(r.entitled(identity.AllowClusterCreate, in),
			r.logic.need(r.some(identity.ObjectClusterPolicy, identity.CanUse, in), lack{kind: lackCompute, workspace: in}))
	case CreateWarehouse:
		return r.logic.any(r.entitled(identity.AllowClusterCreate, in), admin)
	case CreatePool:
		return r.logic.any(r.entitled(identity.AllowPoolCreate, in), admin)
	case CreateJob:
		return r.logic.all(r.entitled(identity.WorkspaceAccess, in), r.equipped(in))
	case CreateNotebook:
		return r.entitled(identity.WorkspaceAccess, in)
	default:
		return admin
	}
}

// be is acting as somebody else.
type be struct{ whom identity.PrincipalKey }

func (g be) authorised(r rules[Verdict], in identity.WorkspaceID) Verdict {
	return becoming(r, g.whom, in)
}

func (g be) holds(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.logic.all(g.onceInside(r, in), r.assigned(in))
}

func (g be) onceInside(r rules[*clause], in identity.WorkspaceID) *clause {
	whom := rules[*clause]{r.m.Subject(g.whom), r.logic}
	there := r.logic.need(r.logic.by(whom.Subject, r.Subject, whom.assigned(in)), lack{kind: lackTheirAssignment, group: g.whom, workspace: in})
	return r.logic.all(becoming(r, g.whom, in), r.active(), there)
}

func (be) instead(rules[*clause], identity.WorkspaceID) []*clause { return nil }

func (be) equipment(r rules[*clause], in identity.WorkspaceID) *clause { return r.equipped(in) }

func (g be) bearers(*Subject) []identity.PrincipalKey { return []identity.PrincipalKey{g.whom} }

func (be) caveatsFor(audit, []identity.WorkspaceID) []string { return nil }

// becoming says whether the subject may act as somebody: use a service principal, act as a group, or
// be who it is.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/service-principal-acl
func becoming[T any](r rules[T], whom identity.PrincipalKey, in identity.WorkspaceID) T {
	itself := r.logic.fact(Holds(whom == r.key), evidence{})
	switch whom.Kind {
	case identity.KindServicePrincipal:
		return r.logic.any(itself, r.hasRole(identity.RoleServicePrincipalUser, whom))
	case identity.KindGroup:
		return r.logic.any(itself, r.hasRole(identity.RoleGroupAssumer, whom))
	default:
		restricted, read := r.restricted(in)
		admin := r.logic.need(r.assignedAs(in, identity.WorkspaceAdmin), lack{kind: lackAdmin, workspace: in})
		return r.logic.any(itself, r.logic.all(admin, r.logic.fact(negate(restricted), evidence{read: read})))
	}
}

// enter is entering a workspace.
type enter struct{}

func (enter) authorised(r rules[Verdict], in identity.WorkspaceID) Verdict { return r.assigned(in) }

func (enter) holds(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.logic.all(r.active(), r.assigned(in))
}

func (enter) onceInside(r rules[*clause], _ identity.WorkspaceID) *clause { return r.active() }

func (enter) instead(rules[*clause], identity.WorkspaceID) []*clause { return nil }

func (enter) equipment(r rules[*clause], in identity.WorkspaceID) *clause {
	return r.logic.any(r.entitled(identity.WorkspaceAccess, in), r.entitled(identity.SQLAccess, in), r.entitled(identity.ConsumerAccess, in))
}

func (enter) bearers(*Subject) []identity.PrincipalKey { return nil }

func (enter) caveatsFor(audit, []identity.WorkspaceID) []string { return nil }
