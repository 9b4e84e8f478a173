package snapshot

import (
	"context"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Objects gives the objects of one type. Where they were not listed, those that are known all the same
// come beside the failure.
func (s *Offline) Objects(ctx context.Context, at identity.Workspace, t identity.ObjectType) ([]identity.ObjectInfo, error) {
	if t.InTree() && t != identity.ObjectRepo || t == identity.ObjectTokens || t == identity.ObjectPasswords {
		return nil, &identity.Failure{Kind: identity.Unsupported, Message: "objects of type " + t.Title() + " are not listed"}
	}
	known := slices.Clone(s.e.ObjectsOf(at.ID, t))
	err := s.said(ctx, estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: at.ID, Type: t}})
	if err != nil && ctx.Err() == nil && len(known) > 0 {
		err = partly(identity.FailureOf(err))
	}
	return answer(err, func() []identity.ObjectInfo { return known })
}

// Object gives an object in detail. Types without further detail are told as they are known.
func (s *Offline) Object(ctx context.Context, _ identity.Workspace, known identity.ObjectInfo) (identity.ObjectInfo, error) {
	read := estate.ReadKey{Op: estate.OpObject, Object: known.Object}
	if _, planned := s.e.Outcome(read); !planned && known.Type != identity.ObjectJob && known.Type != identity.ObjectDashboard {
		known.Detailed = true
		return known, ctx.Err()
	}
	info, _ := s.e.Object(known.Object)
	return one(s.said(ctx, read), info)
}

// ObjectAt gives what lies at a path, if it is known.
func (s *Offline) ObjectAt(ctx context.Context, at identity.Workspace, path string) (identity.ObjectInfo, error) {
	for _, o := range s.e.Objects() {
		if o.Workspace == at.ID && o.Path != "" && inTree(o.Path) == inTree(path) {
			return o, ctx.Err()
		}
	}
	read := estate.ReadKey{Op: estate.OpLookup, Workspace: at.ID, Name: path}
	if err := s.said(ctx, read); err != nil {
		return identity.ObjectInfo{}, err
	}
	return identity.ObjectInfo{}, s.lacks(read, "")
}

// inTree is a path without the prefix that stands for the workspace's tree among other file systems.
//
// https://docs.databricks.com/aws/en/files/workspace
func inTree(path string) string {
	if rest, ok := strings.CutPrefix(path, "/Workspace/"); ok {
		return "/" + rest
	}
	return path
}

// Inside gives what is known to lie directly in a directory.
func (s *Offline) Inside(ctx context.Context, at identity.Workspace, path string) ([]identity.ObjectInfo, error) {
	return answer(s.said(ctx, estate.ReadKey{Op: estate.OpDirectory, Workspace: at.ID, Name: path}), func() []identity.ObjectInfo {
		return slices.DeleteFunc(slices.Clone(s.e.Objects()), func(o identity.ObjectInfo) bool {
			return o.Workspace != at.ID || !o.Type.InTree() || o.Path == "" || o.Path == path || parentPath(o.Path) != path
		})
	})
}

// parentPath is the directory that a path of the tree is in.
func parentPath(path string) string { return path[:max(1, strings.LastIndexByte(path, '/'))] }

// ObjectGrants gives the permissions on an object.
func (s *Offline) ObjectGrants(ctx context.Context, _ identity.Workspace, on identity.Object) ([]identity.ObjectGrant, error) {
	return answer(s.said(ctx, estate.ReadKey{Op: estate.OpObjectGrants, Object: on}), func() []identity.ObjectGrant {
		return each(s.e.ObjectGrants(on), func(g estate.ObjectGrant) identity.ObjectGrant {
			return identity.ObjectGrant{Holder: identity.PrincipalName{Kind: g.Kind, Name: g.Holder.Name}, Level: g.Level, From: g.From}
		})
	})
}
