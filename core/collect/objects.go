package collect

import (
	"context"
	"slices"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// ObjectScope says which workspace objects to look at; the zero value is none.
type ObjectScope struct {
	Asked bool
	// Types narrows it to these; empty means all that Databricks lists. What lies in the tree of a
	// workspace has to be named: it takes a call for each directory, and one for each object.
	Types []identity.ObjectType
}

// has reports whether objects of the type are looked at.
func (s ObjectScope) has(t identity.ObjectType) bool {
	if len(s.Types) > 0 {
		return s.Asked && slices.Contains(s.Types, t)
	}
	return s.Asked && !t.InTree()
}

// noteObjects enters in the ledger which types of object the question leaves out.
func (c *crawler) noteObjects() {
	for _, t := range identity.ObjectTypes() {
		why := "not among the types asked for"
		if len(c.scope.Objects.Types) == 0 {
			why = "what lies in the tree of a workspace is walked through only when its type is named"
		}
		if !c.scope.Objects.has(t) {
			c.remark(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Type: t}}, identity.NotAsked, why)
		}
	}
}

// revealing are the types of object by which somebody may come to act as others, or to what others hid.
var revealing = []identity.ObjectType{
	identity.ObjectJob, identity.ObjectPipeline, identity.ObjectCluster, identity.ObjectClusterPolicy, identity.ObjectWarehouse,
	identity.ObjectQuery, identity.ObjectAlertV2, identity.ObjectDashboard, identity.ObjectServing, identity.ObjectApp,
	identity.ObjectSecretScope,
}

// objectReads reads workspace objects with who may use or change each.
type objectReads struct {
	*crawler
	// onHolder hears of everybody whom permissions name, and onRunner of everybody as whom an object runs,
	// or may run; both may be nil.
	onHolder, onRunner func(at identity.Workspace, name string)

	mu    sync.Mutex
	paths map[place]bool // that were looked for
}

type place struct {
	in   identity.WorkspaceID
	path string
}

// plan plans the reads of one workspace: the types in scope, those among running in detail.
func (r *objectReads) plan(at identity.Workspace, scope ObjectScope, running ...identity.ObjectType) {
	tree := false
	for _, t := range identity.ObjectTypes() {
		switch {
		case !scope.has(t):
		case t.InTree():
			tree = true
		case t == identity.ObjectTokens || t == identity.ObjectPasswords: // is one object
			r.q.addTo(lane{workspace: at.ID}, func(ctx context.Context) { r.setting(ctx, at, t) })
		case slices.Contains(running, t):
			r.q.addTo(lane{workspace: at.ID}, func(ctx context.Context) { r.listRunning(ctx, at, t) })
		default:
			r.q.addTo(lane{workspace: at.ID}, func(ctx context.Context) { r.list(ctx, at, t) })
		}
	}
	if tree {
		r.q.addTo(lane{workspace: at.ID}, func(ctx context.Context) { r.walk(ctx, at, "/", scope) })
	}
}

// list reads the objects of one type in a workspace, and plans reading who may use each. A feature that is
// off has no objects.
func (r *objectReads) list(ctx context.Context, at identity.Workspace, t identity.ObjectType) []identity.ObjectInfo {
	all, err := r.src.Objects(ctx, at, t)
	key := estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: at.ID, Type: t}}
	if identity.IsKind(err, identity.Unsupported) {
		r.remark(key, identity.Unsupported, identity.FailureOf(err).Message)
		return nil
	}
	r.note(key, err)
	for _, o := range all {
		r.keep(at, o)
	}
	return all
}

// keep enters an object, and plans reading who may use it.
func (r *objectReads) keep(at identity.Workspace, o identity.ObjectInfo) {
	r.b.AddObject(o)
	r.q.addTo(lane{workspace: at.ID}, func(ctx context.Context) { r.hearHolders(at, r.permissions(ctx, at, o.Object)) })
}

// walk reads what lies in a directory of a workspace's tree, down to the leaves.
func (r *objectReads) walk(ctx context.Context, at identity.Workspace, path string, scope ObjectScope) {
	inside, err := r.src.Inside(ctx, at, path)
	r.note(estate.ReadKey{Op: estate.OpDirectory, Workspace: at.ID, Name: path}, err)
	for _, o := range inside {
		r.b.AddObject(o) // the whole list, whatever is looked at: a snapshot answers from it
		if scope.has(o.Type) {
			r.keep(at, o)
		}
		if holdsMore(o.Type, scope) {
			r.q.addTo(lane{workspace: at.ID}, func(ctx context.Context) { r.walk(ctx, at, o.Path, scope) })
		}
	}
}

// holdsMore reports whether what is asked for may lie in an object of the type. Git folders do not lie in
// one another.
//
// https://docs.databricks.com/aws/en/repos/
func holdsMore(t identity.ObjectType, scope ObjectScope) bool {
	within := []identity.ObjectType{identity.ObjectNotebook, identity.ObjectFile, identity.ObjectDirectory}
	return t == identity.ObjectDirectory || t == identity.ObjectRepo && slices.ContainsFunc(within, scope.has)
}

// setting reads who may use tokens or passwords. Where these are off there is nothing to use.
func (r *objectReads) setting(ctx context.Context, at identity.Workspace, t identity.ObjectType) {
	o := identity.Object{Workspace: at.ID, Type: t, ID: string(t)}
	grants, err := r.src.ObjectGrants(ctx, at, o)
	if identity.IsKind(err, identity.Unsupported) {
		r.remark(estate.ReadKey{Op: estate.OpObjectGrants, Object: o}, identity.Unsupported, identity.FailureOf(err).Message)
		return
	}
	r.note(estate.ReadKey{Op: estate.OpObjectGrants, Object: o}, err)
	r.b.AddObject(identity.ObjectInfo{Object: o, Name: string(t)})
	r.b.AddObjectGrants(o, grants)
	r.hearHolders(at, grants)
}

// listRunning is list for what runs as somebody: with what listings leave out, and who may change the code.
func (r *objectReads) listRunning(ctx context.Context, at identity.Workspace, t identity.ObjectType) {
	for _, o := range r.list(ctx, at, t) {
		r.hearRunners(at, o)
		if t != identity.ObjectJob && t != identity.ObjectDashboard {
			continue
		}
		r.q.addTo(lane{workspace: at.ID}, func(ctx context.Context) {
			detail, err := r.src.Object(ctx, at, o)
			r.note(estate.ReadKey{Op: estate.OpObject, Object: o.Object}, err)
			if err != nil {
				return
			}
			r.b.AddObject(detail)
			r.hearRunners(at, detail)
			for _, path := range detail.Code {
				r.code(ctx, at, path)
			}
		})
	}
}

func (r *objectReads) hearHolders(at identity.Workspace, grants []identity.ObjectGrant) {
	for _, g := range grants {
		if r.onHolder != nil {
			r.onHolder(at, g.Holder.Name)
		}
		if r.onRunner != nil && g.Level == identity.IsOwner {
			r.onRunner(at, g.Holder.Name)
		}
	}
}

// hearRunners passes on the names as whom an object may run.
func (r *objectReads) hearRunners(at identity.Workspace, o identity.ObjectInfo) {
	for _, name := range []string{o.RunAs, o.SingleUser, o.Creator} {
		if r.onRunner != nil && name != "" {
			r.onRunner(at, name)
			return // who made it counts where nobody else is named
		}
	}
}

// code reads who may change what a job runs, once for each path. What lies outside the workspace's
// tree has no list there.
func (r *objectReads) code(ctx context.Context, at identity.Workspace, path string) {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/Volumes/") {
		return
	}
	r.mu.Lock()
	again := r.paths[place{at.ID, path}]
	if r.paths == nil {
		r.paths = map[place]bool{}
	}
	r.paths[place{at.ID, path}] = true
	r.mu.Unlock()
	if again {
		return
	}
	o, err := r.src.ObjectAt(ctx, at, path)
	if identity.IsKind(err, identity.NotFound) {
		return // the job will fail; nobody can change what is not there
	}
	r.note(estate.ReadKey{Op: estate.OpLookup, Workspace: at.ID, Name: path}, err)
	if err != nil {
		return
	}
	r.b.AddObject(o)
	r.permissions(ctx, at, o.Object)
}

// permissions reads who may use an object.
func (c *crawler) permissions(ctx context.Context, at identity.Workspace, o identity.Object) []identity.ObjectGrant {
	grants, err := c.src.ObjectGrants(ctx, at, o)
	c.note(estate.ReadKey{Op: estate.OpObjectGrants, Object: o}, err)
	if len(grants) > 0 || err == nil {
		c.b.AddObjectGrants(o, grants)
	}
	return grants
}
