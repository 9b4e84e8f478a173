package analysis

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// views enters who reads through a view or function what it may not read itself (E24). What those are made
// from is known only where they were looked up.
//
// https://docs.databricks.com/aws/en/views/create-views, https://docs.databricks.com/aws/en/udf/unity-catalog
func (c *catalogue) views() {
	unknown := map[bool]bool{} // of views, and of what is none
	for _, s := range c.borrowers {
		if s.Type == identity.TypeFunction && c.m.Options().FunctionsAsCaller {
			continue
		}
		if !s.BasesKnown {
			unknown[s.View()] = true
			continue
		}
		owner, known := c.e.Owner(s.Securable)
		if !known || owner.Key.IsZero() {
			continue
		}
		for g := range c.e.GrantsOn(s.Securable) {
			if !g.Holder.Key.IsZero() && g.Holder.Key != owner.Key && dataOf(g) != "" {
				c.borrows(*s, owner, g)
			}
		}
	}
	if unknown[true] {
		c.gap("E24", "what views are made from is not listed, and was not looked up for all of them")
	}
	if unknown[false] {
		c.gap("E24", "what functions read is not listed, and was not looked up for all of them")
	}
}

func (c *catalogue) borrows(s identity.SecurableInfo, owner estate.Holder, g estate.Grant) {
	reads := func(k identity.PrincipalKey, on identity.Securable) access.Verdict {
		v := access.Denied
		for _, in := range c.from(on.Metastore) {
			sub := c.m.Subject(k)
			v = access.Any(v, access.All(sub.Effective(identity.Select, on, in), sub.Enters(on, in)))
		}
		return v
	}
	kind, act := "view", "query the view"
	if s.Type == identity.TypeFunction {
		kind, act = "function", "execute the function"
	}
	for _, base := range s.Bases {
		own, lent := reads(g.Holder.Key, base), reads(owner.Key, base)
		if base.Type != identity.TypeTable || own == access.Allowed || lent == access.Denied {
			continue
		}
		e := edge{
			id: "E24", severity: report.Medium, toward: toSecurable(s.Securable), facts: []estate.ReadKey{grantsRead(s.Securable), ownerRead(c.e, s.Securable)},
			gains: "data of " + scope(base) + ", read with the rights of " + owner.Name,
			acts:  []string{act},
			fix:   "see that the " + kind + " shows no more of " + scope(base) + " than " + g.Holder.Name + " should see",
		}
		if own == access.Unknown || lent == access.Unknown {
			e.why = "who may read " + scope(base) + " was not read"
		}
		c.add(g.Holder, e)
		return
	}
}

// policies enters who can do away with what filters rows and masks columns (E26): whoever manages the
// securable that a policy is set on, and whoever may set the tags that it goes by.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/abac/
func (c *catalogue) policies() {
	done := map[string]bool{}
	read := slices.ContainsFunc(c.e.ReadsOf(estate.OpPolicies), func(r estate.Read) bool {
		_, listed := c.e.Securable(r.Key.Securable)
		return listed && r.Outcome.OK() && r.Key == estate.ReadKey{Op: estate.OpPolicies, Securable: r.Key.Securable}
	})
	for on, policies := range c.e.AllPolicies() {
		s, listed := c.e.Securable(on)
		if !listed {
			continue
		}
		for _, p := range policies {
			if p.Kind == identity.PolicyGrant && !p.Conditional {
				continue
			}
			if p.On == s.FullName() && p.Kind != identity.PolicyGrant && !done[p.On+"\x00"+p.Name] {
				done[p.On+"\x00"+p.Name] = true
				c.policyKeepers(s, p)
			}
			if p.Conditional {
				c.taggers(s, p)
			}
		}
	}
	if !read {
		c.gap("E26", "attribute-based policies were not read")
	} else {
		c.gap("E26", "who may assign governed tags is not collected: whoever may apply tags is listed as not certain")
	}
}

func (c *catalogue) policyKeepers(s identity.SecurableInfo, p identity.Policy) {
	read := estate.ReadKey{Op: estate.OpPolicies, Securable: s.Securable}
	for at, ok := s.Securable, true; ok && at.Type != identity.TypeMetastore; at, ok = at.Parent() {
		for _, h := range c.shares(at, identity.Manage) {
			c.addManaging(h.of, at, edge{
				id: "E26", severity: report.High, toward: toSecurable(s.Securable), facts: []estate.ReadKey{h.fact, read},
				gains: "what policy " + p.Name + " hides of " + scope(s.Securable), acts: []string{"delete the policy, or except itself from it"},
				fix: "leave " + scope(s.Securable) + " to be managed by those who may see all of it",
			})
		}
	}
}

func (c *catalogue) taggers(s identity.SecurableInfo, p identity.Policy) {
	read := estate.ReadKey{Op: estate.OpPolicies, Securable: s.Securable}
	for at, ok := s.Securable, true; ok && at.Type != identity.TypeMetastore; at, ok = at.Parent() {
		for g := range c.e.GrantsOn(at) {
			for _, as := range g.Privileges {
				if gives(as, "APPLY_TAG", at.Type) {
					c.add(g.Holder, edge{
						id: "E26", severity: report.High, toward: toSecurable(s.Securable), facts: []estate.ReadKey{grantsRead(at), read},
						gains: "what policy " + p.Name + " gives or hides by the tags of " + scope(s.Securable), acts: []string{"change the tags that the policy goes by"},
						fix: revoke(at, g.Holder.Name, as), why: "which tags are governed, and who may assign them, is not collected",
					})
				}
			}
		}
	}
}
