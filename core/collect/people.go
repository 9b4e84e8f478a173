package collect

import (
	"context"
	"errors"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Circle is whom a question about people alone is about, by key: no names are looked up but those of holders of roles, and
// nothing is read of what anybody may do with data.
type Circle struct {
	// People are read with every account group that they are in, by its key.
	People []identity.PrincipalKey
	// Paths has every group above the people read too, which is a call for each: for its name, its roles, and the way that leads
	// there.
	Paths bool
	// Groups are read with everybody who is in them, through nested groups.
	Groups []identity.PrincipalKey
	// On are the groups and service principals of which it is read who may manage them, or act as them, with everybody in the
	// groups that may.
	On []identity.PrincipalKey
}

// People reads who is who in a small circle, in a few calls for each. What could not be read is a gap in the estate.
func People(ctx context.Context, src Source, circle Circle, o Options) *estate.Estate {
	c := newCrawler(src, Scope{}, o)
	h := &holders{crawler: c, expand: true}
	for _, k := range circle.People {
		c.q.add(func(ctx context.Context) { c.person(ctx, k) })
		c.q.add(func(ctx context.Context) {
			if above := c.ancestors(ctx, k); circle.Paths {
				c.planGroups(above)
			}
		})
	}
	for _, k := range circle.Groups {
		c.q.add(func(ctx context.Context) { h.members(ctx, k) })
	}
	for _, k := range circle.On {
		c.q.add(func(ctx context.Context) {
			p, ok := c.person(ctx, k)
			if !ok {
				return // rule sets are addressed by name
			}
			for _, g := range c.roles(ctx, p) {
				if g.Holder.Kind == identity.KindGroup {
					h.meet(g.Holder.Name)
				}
			}
		})
	}
	c.q.run(ctx, c.workers)
	h.people(ctx)
	if errors.Is(ctx.Err(), context.Canceled) {
		c.b.Interrupted()
	}
	return c.b.Build()
}

// person reads the record of one principal, of whatever kind.
func (c *crawler) person(ctx context.Context, k identity.PrincipalKey) (identity.Principal, bool) {
	p, err := c.src.Principal(ctx, k)
	c.note(estate.ReadKey{Op: estate.OpPrincipal, Principal: k}, err)
	if err != nil {
		return identity.Principal{}, false
	}
	c.b.AddPrincipal(p)
	return p, true
}
