package snapshot

import (
	"context"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// RoleGrants gives the roles that were given on a principal, or on the account.
func (s *Offline) RoleGrants(ctx context.Context, on identity.Principal) ([]identity.RoleGrant, error) {
	k := s.e.Canonical(on.Key)
	if !k.IsZero() && (k.Workspace != 0 || k == identity.AccountUsers() || k.Kind != identity.KindGroup && k.Kind != identity.KindServicePrincipal) {
		return nil, &identity.Failure{Kind: identity.Unsupported, Message: "nobody is given roles on " + s.who(k)}
	}
	return answer(s.said(ctx, estate.ReadKey{Op: estate.OpRoles, Principal: k}), func() []identity.RoleGrant {
		return slices.DeleteFunc(slices.Clone(s.e.RuleSets()), func(g identity.RoleGrant) bool { return g.On != k })
	})
}

func entitled(in identity.WorkspaceID, k identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: k}
}

// WorkspaceIdentities gives the principals of a kind in a workspace with their direct entitlements, and
// for groups of the workspace alone those that they are in.
func (s *Offline) WorkspaceIdentities(ctx context.Context, at identity.Workspace, kind identity.Kind) ([]identity.WorkspaceIdentity, error) {
	err := s.said(ctx, entitled(at.ID, identity.PrincipalKey{Kind: kind}))
	return answer(err, func() (all []identity.WorkspaceIdentity) {
		for _, x := range s.e.Entitlements(at.ID) {
			if x.Principal.Kind == kind {
				w := s.identity(at.ID, x.Principal)
				if kind == identity.KindGroup {
					w.Parents = s.localAbove(at.ID, x.Principal, false)
				}
				all = append(all, w)
			}
		}
		return all
	})
}

func (s *Offline) identity(at identity.WorkspaceID, k identity.PrincipalKey) identity.WorkspaceIdentity {
	w := identity.WorkspaceIdentity{Key: k}
	if p, ok := s.e.Principal(k); ok {
		w.Name, w.ExternalID = p.Name, p.ExternalID
	}
	for _, x := range s.e.Entitlements(at) {
		if x.Principal == k {
			w.Entitlements = slices.Clone(x.Entitlements)
		}
	}
	return w
}

// localAbove gives the groups of one workspace alone that a principal is in, with deep those too that
// it is in through others of them.
func (s *Offline) localAbove(in identity.WorkspaceID, k identity.PrincipalKey, deep bool) (groups []identity.PrincipalKey) {
	for queue := []identity.PrincipalKey{k}; len(queue) > 0; queue = queue[1:] {
		for g := range s.e.Parents(queue[0]) {
			if g.Workspace == in && !slices.Contains(groups, g) {
				groups = append(groups, g)
				if deep {
					queue = append(queue, g)
				}
			}
		}
	}
	return groups
}

// WorkspaceIdentity gives what one workspace records of a principal: as it was read for itself, or from
// the list of its kind when all groups of the workspace were read with their members.
func (s *Offline) WorkspaceIdentity(ctx context.Context, at identity.Workspace, k identity.PrincipalKey) (identity.WorkspaceIdentity, error) {
	k = s.e.Canonical(k)
	_, own := s.e.Outcome(entitled(at.ID, k))
	if own || !s.e.Saw(entitled(at.ID, identity.PrincipalKey{Kind: k.Kind})) || !s.localGroupsRead(at.ID) {
		err := s.said(ctx, entitled(at.ID, k))
		w := s.identity(at.ID, k)
		w.Parents = s.localAbove(at.ID, k, true)
		return one(err, w)
	}
	if !slices.ContainsFunc(s.e.Entitlements(at.ID), func(x estate.Entitled) bool { return x.Principal == k }) {
		return identity.WorkspaceIdentity{}, &identity.Failure{Kind: identity.NotFound, Message: "the workspace had no record of it when the snapshot was saved"}
	}
	w := s.identity(at.ID, k)
	w.Parents = s.localAbove(at.ID, k, true)
	return w, ctx.Err()
}

// localGroupsRead reports whether it is known of every group of one workspace alone who is in it.
func (s *Offline) localGroupsRead(in identity.WorkspaceID) bool {
	if !s.e.Saw(entitled(in, identity.PrincipalKey{Kind: identity.KindGroup})) {
		return false
	}
	for p := range s.e.Principals() {
		local := p.Key.Workspace == in && p.Key.Kind == identity.KindGroup && p.Origin != identity.OriginSystem
		if local && !s.e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: p.Key}) {
			return false
		}
	}
	return true
}

// WorkspaceMembers gives the direct members of a group of the workspace alone.
func (s *Offline) WorkspaceMembers(ctx context.Context, _ identity.Workspace, group identity.PrincipalKey) ([]identity.PrincipalKey, error) {
	err := s.said(ctx, estate.ReadKey{Op: estate.OpMembers, Principal: group})
	return answer(err, func() []identity.PrincipalKey { return slices.Collect(s.e.Members(group)) })
}

// RestrictAdmins gives how far the admins of a workspace may act as others.
func (s *Offline) RestrictAdmins(ctx context.Context, at identity.Workspace) (identity.RestrictAdmins, error) {
	err := s.said(ctx, estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: at.ID})
	return one(err, s.e.RestrictAdmins(at.ID))
}
