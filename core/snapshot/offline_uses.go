package snapshot

import (
	"context"
	"slices"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

func usesRead(metastore string, k identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpUses, Securable: identity.MetastoreSecurable(metastore), Principal: k}
}

// log finds the audit log that was looked at in a workspace.
func (s *Offline) log(at identity.WorkspaceID) (identity.AuditLog, bool) {
	for _, l := range s.e.AuditLogs() {
		if l.Workspace == at {
			return l, true
		}
	}
	return identity.AuditLog{}, false
}

// Warehouses gives the one by which the audit log was looked at in the workspace. Where none was, the
// failure is that of the workspace's metastore.
func (s *Offline) Warehouses(ctx context.Context, at identity.Workspace) ([]identity.Warehouse, error) {
	if l, ok := s.log(at.ID); ok {
		return []identity.Warehouse{l.Warehouse}, ctx.Err()
	}
	for metastore, workspaces := range s.e.AllAttachments() {
		_, elsewhere := s.e.AuditLog(metastore)
		switch {
		case !slices.Contains(workspaces, at.ID):
		case elsewhere:
			return nil, ctx.Err() // by that of another workspace
		default:
			return nil, s.said(ctx, usesRead(metastore, identity.PrincipalKey{}))
		}
	}
	return nil, s.lacks(usesRead("", identity.PrincipalKey{}), "")
}

// AuditLog gives how much of the log was looked at, at most since the day.
func (s *Offline) AuditLog(ctx context.Context, at identity.Workspace, _ identity.Warehouse, since time.Time) (identity.AuditLog, error) {
	l, ok := s.log(at.ID)
	if !ok {
		return identity.AuditLog{}, s.lacks(usesRead("", identity.PrincipalKey{}), "")
	}
	if l.Since.Before(since) {
		l.Since = since
	}
	if !l.First.IsZero() && l.First.Before(l.Since) {
		l.First = l.Since
	}
	return l, ctx.Err()
}

// Uses gives what each of some principals last used, as long as each was asked about.
func (s *Offline) Uses(ctx context.Context, at identity.Workspace, _ identity.Warehouse, since time.Time, who []identity.Principal) ([]identity.Use, error) {
	l, ok := s.log(at.ID)
	if !ok {
		return nil, s.lacks(usesRead("", identity.PrincipalKey{}), "")
	}
	// The log as a whole failed where it could not be read to the end. What was read of it still shows uses.
	err := s.said(ctx, usesRead(l.Metastore, identity.PrincipalKey{}))
	asked := map[string]bool{}
	for _, p := range who {
		if err == nil {
			err = s.said(ctx, usesRead(l.Metastore, p.Key))
		}
		for _, n := range p.LogNames() {
			asked[n] = true
		}
	}
	var uses []identity.Use
	for u := range s.e.AllUses() {
		if asked[u.Who] && !u.At.Before(since) {
			uses = append(uses, u)
		}
	}
	if f := identity.FailureOf(err); f != nil && ctx.Err() == nil && len(uses) > 0 {
		with := *f
		err = partly(&with)
	}
	return uses, err
}
