package collect

import (
	"context"
	"errors"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Probe reads one fact of each sort that questions need, to see which of them the credentials can
// read. The principal is the caller, zero when it could not be found out.
func Probe(ctx context.Context, src Source, o Options) (*estate.Estate, identity.Principal) {
	c := newCrawler(src, Scope{}, o)
	c.noteReach()
	first := newQueue(nil)
	first.add(func(ctx context.Context) { _ = c.listWorkspaces(ctx) }) // no addresses were asked for
	first.add(c.listMetastores)
	first.add(c.probeDirectory)
	first.run(ctx, c.workers)
	c.crawlWorkspaces()
	for _, m := range c.metastores {
		c.q.add(func(ctx context.Context) { c.probeMetastore(ctx, m) })
	}
	c.q.run(ctx, c.workers)
	caller := c.probeCaller(ctx)
	if errors.Is(ctx.Err(), context.Canceled) {
		c.b.Interrupted()
	}
	return c.b.Build(), caller
}

// probeDirectory searches for a name that nobody needs to bear.
func (c *crawler) probeDirectory(ctx context.Context) {
	_, err := c.src.FindPrincipals(ctx, identity.KindGroup, identity.Match{Field: identity.ByName, Value: identity.WorkspaceAdminsName})
	c.note(estate.ReadKey{Op: estate.OpFindPrincipal}, err)
}

func (c *crawler) probeMetastore(ctx context.Context, m identity.Metastore) {
	v := c.metastore(ctx, m)
	if _, ok := v.enter(ctx); !ok {
		return
	}
	c.checkVisibility(ctx, m, v.door)
	v.grants(v.self, v.door)
}

// probeCaller finds out who the caller is and whether the groups above it can be read in one call.
func (c *crawler) probeCaller(ctx context.Context) identity.Principal {
	for _, w := range c.workspaces {
		if !w.Running() {
			continue
		}
		caller, err := c.caller(ctx, w)
		if err != nil {
			return identity.Principal{}
		}
		c.b.AddPrincipal(caller)
		_, err = c.parentGroups(ctx, caller.Key)
		c.note(estate.ReadKey{Op: estate.OpParents, Principal: caller.Key}, err)
		return caller
	}
	return identity.Principal{}
}
