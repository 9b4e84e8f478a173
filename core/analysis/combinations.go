package analysis

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// share is one part of a combination: a holder of one of the privileges that it takes.
type share struct {
	of   estate.Holder
	fact estate.ReadKey
}

// combinations enters what takes several privileges at once (E14, E25, E27, E29). Who holds each of
// them may be different groups: the holder of all is the narrowest of them, or whoever is in each.
func (c *catalogue) combinations(metastore string) {
	root := identity.MetastoreSecurable(metastore)
	on := func(p identity.Privilege) []share { return c.shares(root, p) }
	name := c.e.MetastoreName(metastore)
	for _, s := range c.outer {
		if s.Metastore != metastore {
			continue
		}
		switch s.Type {
		case identity.TypeStorageCredential:
			c.combine(edge{
				id: "E14", severity: report.High, toward: toSecurable(s.Securable),
				gains: "all files that the cloud role of storage credential " + s.Name + " can reach",
				acts:  []string{"create an external location over any path with the credential", "read and write its files as its owner"},
				fix:   "take CREATE EXTERNAL LOCATION back on the metastore or on storage credential " + s.Name,
			}, on("CREATE_EXTERNAL_LOCATION"), c.shares(s.Securable, "CREATE_EXTERNAL_LOCATION"))
		case identity.TypeConnection:
			c.combine(edge{
				id: "E27", severity: report.High, toward: toSecurable(s.Securable),
				gains: "a foreign catalog of its own over connection " + s.Name,
				acts:  []string{"create a foreign catalog with the connection", "read it as its owner"},
				fix:   "take CREATE FOREIGN CATALOG back on connection " + s.Name,
			}, on("CREATE_CATALOG"), c.shares(s.Securable, "CREATE_FOREIGN_CATALOG"))
		default: // takes no privilege on the metastore beside its own
		}
	}
	outside := edge{
		id: "E29", severity: report.High, toward: toSecurable(root), gains: "sharing data of metastore " + name + " with others outside the account",
		acts: []string{"give a recipient of its choice a share", "read it from outside"},
		fix:  "leave sharing to a group of administrators: take the privileges back on METASTORE",
	}
	c.combine(outside, on("USE_SHARE"), on("SET_SHARE_PERMISSION"), on("USE_RECIPIENT"))
	own := outside
	own.acts = []string{"create a share with what it can read, and a recipient", "read it from outside"}
	c.combine(own, c.readers(on("CREATE_SHARE")), on("CREATE_RECIPIENT"))
	inbound := outside
	inbound.gains, inbound.acts = "data that others share with metastore "+name, []string{"create a catalog from a share of a provider", "read it as its owner"}
	c.combine(inbound, on("CREATE_CATALOG"), on("USE_PROVIDER"))
}

// shares are who holds a privilege on a securable, by a grant on it or by owning it.
func (c *catalogue) shares(on identity.Securable, p identity.Privilege) []share {
	var list []share
	for g := range c.e.GrantsOn(on) {
		if slices.ContainsFunc(g.Privileges, func(as identity.Privilege) bool { return gives(as, p, on.Type) }) {
			list = append(list, share{g.Holder, grantsRead(on)})
		}
	}
	if owner, known := c.e.Owner(on); known && on.Type != identity.TypeMetastore && !identity.Nobody(owner.Name) {
		list = append(list, share{owner, ownerRead(c.e, on)})
	}
	return list
}

// readers are those of the holders that can select from something at all.
func (c *catalogue) readers(holders []share) []share {
	return slices.DeleteFunc(holders, func(s share) bool {
		for _, b := range c.bearers(s.of) {
			if _, ok := c.selects(b.of, identity.Securable{}); ok {
				return false
			}
		}
		return true
	})
}

// combine enters an edge for whoever holds one share of each kind.
func (c *catalogue) combine(e edge, kinds ...[]share) {
	type partial struct {
		of    int32
		why   string
		facts []estate.ReadKey
	}
	var whole []partial
	for n, kind := range kinds {
		var next []partial
		for _, s := range kind {
			for _, b := range c.bearers(s.of) {
				if n == 0 {
					next = append(next, partial{b.of, b.why, []estate.ReadKey{s.fact}})
				}
				for _, p := range whole {
					for _, both := range c.common(p.of, b.of) {
						why := p.why
						if why == "" {
							why = b.why
						}
						facts := p.facts
						if !slices.Contains(facts, s.fact) {
							facts = append(slices.Clone(facts), s.fact)
						}
						next = append(next, partial{both, why, facts})
					}
				}
			}
		}
		whole = next
	}
	seen := map[int32]bool{}
	for _, p := range whole {
		if !seen[p.of] {
			seen[p.of] = true
			one := e
			one.holder, one.why, one.facts = p.of, p.why, p.facts
			c.enter(one)
		}
	}
}

// common is who is in both of two holders: the narrower of them, or else the users and service
// principals that are in each.
func (c *catalogue) common(a, b int32) []int32 {
	everybody := c.number(identity.AccountUsers())
	switch {
	case a == b || b == everybody || c.circle(b).has(a):
		return []int32{a}
	case a == everybody || c.circle(a).has(b):
		return []int32{b}
	}
	var both []int32
	inB := c.circle(b)
	for _, i := range c.circle(a).people {
		if inB.has(i) {
			both = append(both, i)
		}
	}
	return both
}

// selects finds something outside a schema that a holder, or a group that it is in, may select from.
func (c *catalogue) selects(holder int32, outside identity.Securable) (identity.Securable, bool) {
	for _, i := range c.identities(holder) {
		for g := range c.e.GrantsTo(c.keys[i]) {
			within := outside.Type != "" && g.Securable.Metastore == outside.Metastore && g.Securable.Catalog == outside.Catalog && g.Securable.Schema == outside.Schema
			if on := g.Securable; !within && identity.Select.Applies(on.Type) && on.Type != identity.TypeMetastore &&
				slices.ContainsFunc(g.Privileges, func(as identity.Privilege) bool { return gives(as, identity.Select, on.Type) }) {
				return on, true
			}
		}
	}
	return identity.Securable{}, false
}

// sharing enters who can pass on what it reads: through a view of its own in a schema that it controls
// (E25). One schema stands for all of a holder's.
//
// https://docs.databricks.com/aws/en/views/create-views
func (c *catalogue) sharing() {
	done := map[int32]bool{}
	for _, s := range c.outer {
		if s.Type != identity.TypeSchema {
			continue
		}
		holders := []share{}
		if owner, known := c.e.Owner(s.Securable); known && !identity.Nobody(owner.Name) {
			holders = append(holders, share{owner, ownerRead(c.e, s.Securable)})
		}
		for g := range c.e.GrantsOn(s.Securable) {
			if slices.Contains(g.Privileges, identity.Manage) && slices.ContainsFunc(g.Privileges, func(as identity.Privilege) bool { return gives(as, "CREATE_TABLE", s.Type) }) {
				holders = append(holders, share{g.Holder, grantsRead(s.Securable)})
			}
		}
		for _, h := range holders {
			for _, b := range c.bearers(h.of) {
				if done[b.of] {
					continue
				}
				from, ok := c.selects(b.of, s.Securable)
				if !ok || c.m.Subject(c.keys[b.of]).Uses(identity.CatalogSecurable(s.Metastore, s.Catalog), c.keys[b.of].Workspace) == access.Denied {
					continue
				}
				done[b.of] = true
				c.enter(edge{
					id: "E25", severity: report.Medium, holder: b.of, why: b.why, toward: toSecurable(s.Securable), facts: []estate.ReadKey{h.fact, grantsRead(from)},
					gains: "passing on what it reads, such as " + scope(from) + ", to others who may not",
					acts:  []string{fmt.Sprintf("create a view in schema %s over it, and grant SELECT on the view", s.FullName())},
					fix:   "let a group of administrators own " + scope(s.Securable) + " where what it reads is not for everybody",
				})
			}
		}
	}
}
