package databricks

import (
	"context"
	"errors"
	"fmt"

	"databricks-access-audit/core/identity"
)

// OwnAssignment reads what a workspace's list of assignments gives the principal itself: not what it has through
// groups. A permission that this program does not know is an error, since it could not be put back.
func (s *Session) OwnAssignment(ctx context.Context, id identity.WorkspaceID, who identity.PrincipalKey) (identity.WorkspacePermission, error) {
	all, err := s.Assignments(ctx, id)
	if err != nil {
		return identity.WorkspaceNone, err
	}
	strongest := identity.WorkspaceNone
	for _, a := range all {
		switch {
		case a.Principal.ID != who.ID:
		case a.Permission == identity.WorkspaceNone:
			return identity.WorkspaceNone, s.failed(fmt.Errorf("the assignment of %s in workspace %s has no permission that this program knows", who.ID, id))
		default:
			strongest = max(strongest, a.Permission)
		}
	}
	return strongest, nil
}

// workspaceAdmins is the group of a workspace's admins, as the workspace calls it.
//
// https://docs.databricks.com/aws/en/admin/users-groups/groups#types-of-groups-in-databricks
const workspaceAdmins = "admins"

// Standing reads what the caller is in a workspace, by whatever way: WorkspaceNone if it may not enter.
//
// https://docs.databricks.com/api/workspace/currentuser/me
func (s *Session) Standing(ctx context.Context, at identity.Workspace) (identity.WorkspacePermission, error) {
	r, err := s.at(at, routeMe)
	if err != nil {
		return identity.WorkspaceNone, err
	}
	r.query = meQuery()
	var row struct {
		ID     scalar `json:"id"`
		Groups []struct {
			Display string `json:"display"`
		} `json:"groups"`
	}
	if _, err := s.fetch(ctx, r, &row); err != nil {
		if f := identity.FailureOf(err); f.Kind == identity.Forbidden {
			return identity.WorkspaceNone, nil
		}
		return identity.WorkspaceNone, err
	}
	if row.ID == "" {
		return identity.WorkspaceNone, s.failed(fmt.Errorf("%s: the answer names nobody", r.route))
	}
	for _, g := range row.Groups {
		if g.Display == workspaceAdmins {
			return identity.WorkspaceAdmin, nil
		}
	}
	return identity.WorkspaceUser, nil
}

// Self finds the principal behind the credentials: by what is known of them, else by what a workspace says.
func (s *Session) Self(ctx context.Context, workspaces []identity.Workspace) (identity.Principal, error) {
	var reason error
	for _, by := range []struct {
		kind identity.Kind
		name string
	}{{identity.KindServicePrincipal, s.account.identity.ClientID}, {identity.KindUser, s.account.identity.User}} {
		if by.name == "" {
			continue
		}
		found, err := s.FindPrincipals(ctx, by.kind, identity.Match{Field: identity.ByName, Value: by.name})
		if err == nil && len(found) == 1 {
			return found[0], nil
		}
		reason = errors.Join(reason, err)
	}
	for _, w := range workspaces {
		if !w.Running() {
			continue
		}
		caller, err := s.Caller(ctx, w)
		if err == nil {
			return caller, nil
		}
		reason = errors.Join(reason, err)
		if ctx.Err() != nil {
			break
		}
	}
	if reason == nil {
		reason = s.failed(errors.New("no workspace is running"))
	}
	return identity.Principal{}, fmt.Errorf("find out whose credentials these are: %w", identity.FailureOf(reason))
}
