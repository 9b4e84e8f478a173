package access

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Entitled says whether the subject has the entitlement in the workspace, itself or through a group.
//
// https://docs.databricks.com/aws/en/security/auth/entitlements
func (s *Subject) Entitled(x identity.Entitlement, in identity.WorkspaceID) Verdict {
	return s.verdicts().entitled(x, in)
}

// Exercises says whether the subject can do it and has what it takes to: an entitlement that lets it
// in, and something to run it on. Serverless compute, which no API tells of, leaves the second unknown
// where nothing else is there.
func (s *Subject) Exercises(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	return s.verdicts().exercises(p, on, in)
}

func (r rules[T]) exercises(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) T {
	return r.logic.all(r.can(p, on, in), r.equipped(in))
}

func (r rules[T]) entitled(x identity.Entitlement, in identity.WorkspaceID) T {
	var parts []T
	gap := func(read estate.ReadKey) {
		if !r.e.Saw(read) {
			parts = append(parts, r.logic.fact(Unknown, evidence{read: read}))
		}
	}
	groups := ownEntitlements(in, identity.PrincipalKey{Kind: identity.KindGroup})
	gap(groups)
	for _, k := range r.persons() {
		all := ownEntitlements(in, identity.PrincipalKey{Kind: k.Kind})
		if k.Kind != identity.KindGroup && !r.e.Saw(all) {
			gap(ownEntitlements(in, k))
		}
	}
	for _, row := range r.e.Entitlements(in) {
		for _, has := range row.Entitlements {
			if has != x {
				continue
			}
			p, _ := r.e.Principal(row.Principal)
			read := groups
			if row.Principal.Kind != identity.KindGroup {
				read = ownEntitlements(in, row.Principal)
			}
			held := evidence{kind: entitles, holder: p.Name, entitlement: x, workspace: in, read: read}
			holder := estate.Holder{Key: row.Principal, Name: p.Name}
			parts = append(parts, r.logic.all(r.means(holder, in), r.logic.fact(Allowed, held)))
		}
	}
	return r.logic.need(r.logic.any(parts...), lack{kind: lackEntitlement, entitlement: x, workspace: in})
}

// equipped says whether the subject has a way to run something in the workspace: SQL on a warehouse,
// or code on a cluster.
//
// https://docs.databricks.com/aws/en/security/auth/entitlements,
// https://docs.databricks.com/aws/en/compute/configure
func (r rules[T]) equipped(in identity.WorkspaceID) T {
	sql := r.entitled(identity.SQLAccess, in)
	return r.logic.any(
		r.logic.all(
			r.logic.any(sql, r.entitled(identity.ConsumerAccess, in)),
			r.logic.need(r.some(identity.ObjectWarehouse, identity.CanUse, in), lack{kind: lackCompute, workspace: in}),
		),
		r.logic.all(sql, r.entitled(identity.AllowClusterCreate, in)),
		r.logic.all(
			r.entitled(identity.WorkspaceAccess, in),
			r.logic.need(r.logic.any(
				r.entitled(identity.AllowClusterCreate, in),
				r.some(identity.ObjectClusterPolicy, identity.CanUse, in),
				r.some(identity.ObjectCluster, identity.CanAttachTo, in),
				r.serverless(),
			), lack{kind: lackCompute, workspace: in}),
		),
	)
}

func (r rules[T]) serverless() T {
	if r.m.options.StrictCompute {
		return r.logic.any()
	}
	return r.logic.fact(Unknown, evidence{})
}

// some says whether there is an object of the type in the workspace on which the subject has the level.
func (r rules[T]) some(t identity.ObjectType, l identity.Level, in identity.WorkspaceID) T {
	listing := estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: in, Type: t}}
	var parts []T
	if !r.e.Saw(listing) {
		parts = append(parts, r.logic.fact(Unknown, evidence{read: listing}))
	}
	for _, o := range r.e.ObjectsOf(in, t) {
		parts = append(parts, r.logic.all(r.notDedicated(o), r.permitted(l, o.Object)))
	}
	return r.logic.any(parts...)
}

// notDedicated says whether a cluster may be used by others than the one it is dedicated to, if to
// any: whoever else may manage it still cannot run anything on it.
//
// https://docs.databricks.com/aws/en/compute/dedicated-overview
func (r rules[T]) notDedicated(o identity.ObjectInfo) T {
	if o.SingleUser == "" {
		return r.logic.all()
	}
	return r.logic.fact(r.named([]string{o.SingleUser}), evidence{})
}
