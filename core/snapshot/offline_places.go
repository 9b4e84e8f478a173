package snapshot

import (
	"context"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Workspaces gives the workspaces that were listed.
func (s *Offline) Workspaces(ctx context.Context) ([]identity.Workspace, error) {
	return answer(s.said(ctx, estate.ReadKey{Op: estate.OpWorkspaces}), func() []identity.Workspace { return slices.Clone(s.e.Workspaces()) })
}

// Assignments gives who is assigned to a workspace.
func (s *Offline) Assignments(ctx context.Context, id identity.WorkspaceID) ([]identity.Assignment, error) {
	err := s.said(ctx, estate.ReadKey{Op: estate.OpAssignments, Workspace: id})
	return answer(err, func() []identity.Assignment { return slices.Clone(s.e.Assignments(id)) })
}

// Metastores gives the metastores that were listed. Where what the list left out was read apart, it is
// left out here too.
func (s *Offline) Metastores(ctx context.Context) ([]identity.Metastore, error) {
	return answer(s.said(ctx, estate.ReadKey{Op: estate.OpMetastores}), func() []identity.Metastore {
		all := slices.Clone(s.e.Metastores())
		for i, m := range all {
			if _, apart := s.e.Outcome(model(m)); apart {
				all[i].PrivilegeModel = ""
			}
		}
		return all
	})
}

// Metastore gives the metastore of a workspace with all that is known of it.
func (s *Offline) Metastore(ctx context.Context, at identity.Workspace) (identity.Metastore, error) {
	for _, m := range s.e.Metastores() {
		if !slices.Contains(s.e.MetastoreWorkspaces(m.ID), at.ID) {
			continue
		}
		if _, apart := s.e.Outcome(model(m)); apart || m.PrivilegeModel == "" {
			return one(s.said(ctx, model(m)), m)
		}
		return m, ctx.Err()
	}
	return identity.Metastore{}, missing("the metastore of workspace "+s.e.WorkspaceName(at.ID), "")
}

func model(m identity.Metastore) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpPrivilegeModel, Securable: identity.MetastoreSecurable(m.ID)}
}

// MetastoreWorkspaces gives the ids of the workspaces that a metastore is assigned to.
func (s *Offline) MetastoreWorkspaces(ctx context.Context, metastore string) ([]identity.WorkspaceID, error) {
	err := s.said(ctx, estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable(metastore)})
	return answer(err, func() []identity.WorkspaceID { return slices.Clone(s.e.MetastoreWorkspaces(metastore)) })
}
