package collect

import (
	"context"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// runners reads what those are in as whom something runs in a workspace: whoever decides what runs has
// what they have.
type runners struct {
	*crawler
	not identity.Principal // whom it leaves out: the subject itself

	mu  sync.Mutex
	met map[standing]bool
}

// standing is somebody in one workspace, by name.
type standing struct {
	in   identity.WorkspaceID
	name string
}

func (r *runners) meet(at identity.Workspace, name string) {
	key := standing{at.ID, identity.FoldName(name)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if anonymous(name) || r.met[key] || identity.SameName(name, r.not.Name) {
		return
	}
	r.met[key] = true
	r.q.add(func(ctx context.Context) { r.read(ctx, at, name) })
}

func (r *runners) read(ctx context.Context, at identity.Workspace, name string) {
	found, err := r.whoIs(ctx, name)
	if err != nil {
		r.note(estate.ReadKey{Op: estate.OpHolder, Name: name}, err)
		return
	}
	for _, p := range found {
		if p.Key == r.not.Key || p.Key.Kind == identity.KindGroup {
			continue
		}
		r.b.AddPrincipal(p)
		r.q.add(func(ctx context.Context) { r.memberships(ctx, p.Key) })
		if p.Key.Kind == identity.KindServicePrincipal {
			r.q.add(func(ctx context.Context) { r.roles(ctx, p) })
		}
		r.q.add(func(ctx context.Context) { r.recordOf(ctx, at, p.Key, r.groupsOf(ctx, at)) })
	}
}
