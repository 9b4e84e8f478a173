package collect

import (
	"context"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// revealing are the types of object by which somebody may come to act as others, or to what others hid.
var revealing = []identity.ObjectType{
	identity.ObjectJob, identity.ObjectPipeline, identity.ObjectCluster, identity.ObjectClusterPolicy, identity.ObjectWarehouse,
	identity.ObjectQuery, identity.ObjectAlertV2, identity.ObjectDashboard, identity.ObjectServing, identity.ObjectApp,
	identity.ObjectSecretScope,
}

// acting reads workspace objects with as whom each runs, what it runs, and who may use or change it.
type acting struct {
	*crawler
	// onRunner hears of everybody as whom an object runs, or may run; may be nil.
	onRunner func(at identity.Workspace, name string)

	mu    sync.Mutex
	paths map[place]bool // that were looked for
}

type place struct {
	in   identity.WorkspaceID
	path string
}

// list reads the objects of one type in a workspace.
func (a *acting) list(ctx context.Context, at identity.Workspace, t identity.ObjectType) {
	all, err := a.src.Objects(ctx, at, t)
	key := estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: at.ID, Type: t}}
	if identity.IsKind(err, identity.Unsupported) {
		a.remark(key, identity.Unsupported, identity.FailureOf(err).Message) // a feature that is off has no objects
		return
	}
	a.note(key, err)
	for _, o := range all {
		a.b.AddObject(o)
		a.hearOf(at, o)
		a.q.add(func(ctx context.Context) {
			for _, g := range a.permissions(ctx, at, o.Object) {
				if g.Level == identity.IsOwner {
					a.hear(at, g.Holder.Name)
				}
			}
		})
		if t != identity.ObjectJob && t != identity.ObjectDashboard {
			continue
		}
		a.q.add(func(ctx context.Context) {
			detail, err := a.src.Object(ctx, at, o)
			a.note(estate.ReadKey{Op: estate.OpObject, Object: o.Object}, err)
			if err != nil {
				return
			}
			a.b.AddObject(detail)
			a.hearOf(at, detail)
			for _, path := range detail.Code {
				a.code(ctx, at, path)
			}
		})
	}
}

// hearOf passes on the names as whom an object may run.
func (a *acting) hearOf(at identity.Workspace, o identity.ObjectInfo) {
	for _, name := range []string{o.RunAs, o.SingleUser, o.Creator} {
		if name != "" {
			a.hear(at, name)
			return // who made it counts where nobody else is named
		}
	}
}

func (a *acting) hear(at identity.Workspace, name string) {
	if a.onRunner != nil {
		a.onRunner(at, name)
	}
}

// code reads who may change what a job runs, once for each path. What lies outside the workspace's
// tree has no list there.
func (a *acting) code(ctx context.Context, at identity.Workspace, path string) {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/Volumes/") {
		return
	}
	a.mu.Lock()
	again := a.paths[place{at.ID, path}]
	if a.paths == nil {
		a.paths = map[place]bool{}
	}
	a.paths[place{at.ID, path}] = true
	a.mu.Unlock()
	if again {
		return
	}
	o, err := a.src.ObjectAt(ctx, at, path)
	if identity.IsKind(err, identity.NotFound) {
		return // the job will fail; nobody can change what is not there
	}
	a.note(estate.ReadKey{Op: estate.OpLookup, Workspace: at.ID, Name: path}, err)
	if err != nil {
		return
	}
	a.b.AddObject(o)
	a.permissions(ctx, at, o.Object)
}
