package elevate

import (
	"context"

	"golang.org/x/sync/errgroup"

	"databricks-access-audit/core/identity"
)

// Target is one workspace that a question is about.
type Target struct {
	Workspace identity.Workspace
	// Enough says that the caller is there what the question needs, or more. By another run's elevation, perhaps: then
	// it must be shared, or the right goes with that run.
	Enough bool
	// Standing is what the caller is there by whatever way, Own what its own assignment gives it.
	Standing, Own identity.WorkspacePermission
	// Problem says why it cannot be elevated there; empty if it can.
	Problem string
}

// surveyors is how many workspaces are looked at at once.
const surveyors = 8

// Survey finds out where the principal, who is the caller, is less than need. It changes nothing. Workspaces that are
// not running are left out: nothing can be read there by anybody.
func Survey(ctx context.Context, a Account, who identity.PrincipalKey, workspaces []identity.Workspace, need identity.WorkspacePermission) ([]Target, error) {
	var running []identity.Workspace
	for _, w := range workspaces {
		if w.Running() {
			running = append(running, w)
		}
	}
	targets := make([]Target, len(running))
	var g errgroup.Group
	g.SetLimit(surveyors)
	for i, w := range running {
		g.Go(func() error {
			targets[i] = look(ctx, a, who, w, need)
			return nil
		})
	}
	_ = g.Wait() // nothing in it fails
	return targets, ctx.Err()
}

func look(ctx context.Context, a Account, who identity.PrincipalKey, w identity.Workspace, need identity.WorkspacePermission) Target {
	t := Target{Workspace: w}
	var err error
	if t.Standing, err = a.Standing(ctx, w); err != nil {
		t.Problem = "what the caller is there cannot be read: " + err.Error()
		return t
	}
	if t.Enough = t.Standing >= need; t.Enough {
		return t
	}
	if t.Own, err = a.OwnAssignment(ctx, w.ID, who); err != nil {
		t.Problem = "its assignments cannot be read: " + err.Error()
	} else if t.Own == identity.WorkspaceAdmin {
		t.Problem = "the caller is assigned as ADMIN, which the workspace does not honour (yet)"
	}
	return t
}

// Veil gives the assignments of a workspace as they were before: an audit must not report the right that it gave
// itself to read.
func Veil(all []identity.Assignment, raised []Outcome) []identity.Assignment {
	var list []identity.Assignment
	for _, a := range all {
		hidden := false
		for _, o := range raised {
			if o.Workspace.ID != a.Workspace || o.Who.ID != a.Principal.ID || a.Permission != o.During || o.During == o.Before {
				continue
			}
			a.Permission = o.Before
			hidden = o.Before == identity.WorkspaceNone
		}
		if !hidden {
			list = append(list, a)
		}
	}
	return list
}
