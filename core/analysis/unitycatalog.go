package analysis

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// unityCatalog enters what privileges on securables and owning them lead to: E01 to E05, E14, E15 and
// E25 to E31 and E33.
func (c *catalogue) unityCatalog() {
	for _, s := range c.outer {
		c.owned(*s)
		for g := range c.e.GrantsOn(s.Securable) {
			c.granted(*s, g)
		}
	}
	for g := range c.e.GrantsOf(identity.Manage, identity.AllPrivileges) {
		if g.Securable.Type.InSchema() { // no other privilege on it leads further, nor does owning it
			s, _ := c.e.Securable(g.Securable)
			c.granted(s, g)
		}
	}
	for _, m := range c.e.Metastores() {
		c.metastoreAdmin(m)
		c.combinations(m.ID)
	}
	c.accountAdmins()
}

// accountAdmins can make themselves admin of every metastore and workspace (E05).
//
// https://docs.databricks.com/aws/en/admin/#account-admins
func (c *catalogue) accountAdmins() {
	for p := range c.e.Principals() {
		if !p.HasRole(identity.RoleAccountAdmin) {
			continue
		}
		to := nowhere()
		to.power = true
		c.add(estate.Holder{Key: p.Key, Name: p.Name}, edge{
			id: "E05", severity: report.Critical, toward: to, gains: "everything in the account",
			acts:  []string{"make itself admin of any metastore or workspace, or member of any group that Databricks keeps"},
			facts: []estate.ReadKey{principalRead(c.e, p.Key)},
			fix:   "keep the account admins few, and give " + p.Name + " the role only if it administers the account",
		})
	}
}

// metastoreAdmin may take any securable of the metastore (E04).
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/admin-privileges
func (c *catalogue) metastoreAdmin(m identity.Metastore) {
	owner, known := c.e.MetastoreAdmin(m.ID)
	if !known || unowned(owner) {
		return
	}
	to := nowhere()
	to.metastore = m.ID
	c.add(owner, edge{
		id: "E04", severity: report.Critical, toward: to, gains: "every securable of metastore " + c.e.MetastoreName(m.ID),
		acts:  []string{"make itself owner of any securable, or grant itself any privilege on it"},
		facts: []estate.ReadKey{ownerRead(c.e, identity.MetastoreSecurable(m.ID))},
		fix:   "make a small group of administrators owner of the metastore",
	})
}

// manageable gives a check whether a subject may manage a securable from some workspace.
func (c *catalogue) manageable(on identity.Securable) func(*access.Subject) access.Verdict {
	from := c.unlike(on)
	return func(s *access.Subject) access.Verdict {
		v := access.Denied
		for _, in := range from {
			_, may := s.Manages(on, in)
			if v = access.Any(v, may); v == access.Allowed {
				break
			}
		}
		return v
	}
}

// addManaging enters an edge for a holder that may manage a securable. Authority below a container
// takes a way through it: a user who has none gains nothing, while the members of a group may have one
// by other groups, which is said.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/permissions-concepts
func (c *catalogue) addManaging(h estate.Holder, on identity.Securable, e edge) {
	if on.Type == identity.TypeSchema || on.Type.InSchema() {
		e.holds = c.manageable(on)
	}
	if e.holds != nil && !h.Key.IsZero() {
		switch v := e.holds(c.m.Subject(h.Key)); {
		case v == access.Denied && h.Key.Kind != identity.KindGroup:
			return
		case v == access.Denied:
			e.unless = "the group has no way through what it is in: it takes a member who has one otherwise"
		case v == access.Unknown:
			e.unless = "whether it may enter what it is in was not read"
		}
	}
	c.add(h, e)
}

// owned enters what owning a securable leads to.
func (c *catalogue) owned(s identity.SecurableInfo) {
	owner, known := c.e.Owner(s.Securable)
	if !known || identity.Nobody(owner.Name) || s.Type == identity.TypeMetastore {
		return
	}
	on := c.m.DescribeSecurable(s.Securable).FullName
	e := edge{toward: toSecurable(s.Securable), facts: []estate.ReadKey{ownerRead(c.e, s.Securable)}, fix: "make a group of administrators owner of " + scope(s.Securable)}
	switch s.Type {
	case identity.TypeCatalog, identity.TypeSchema:
		e.id, e.severity = "E02", report.High
		if s.Type == identity.TypeCatalog {
			e.severity = report.Critical
		}
		e.gains = "all data in " + scope(s.Securable)
		e.acts = []string{"grant itself any privilege on " + scope(s.Securable) + " and on what is in it"}
		c.addManaging(owner, s.Securable, e)
		if s.Type == identity.TypeCatalog {
			c.unbinding(s, owner, "own it", e.facts)
		}
	case identity.TypeExternalLocation:
		e.id, e.severity, e.gains = "E15", report.High, "reading and writing all files under external location "+on+c.among(s.Securable)
		e.acts = []string{"read and write files by path, past the tables and volumes that are made of them"}
		c.add(owner, e)
	case identity.TypeServiceCredential:
		e.id, e.severity, e.gains = "E28", report.High, "the cloud services that service credential "+on+" opens"
		e.acts = []string{"call cloud services with the credential"}
		c.add(owner, e)
	case identity.TypeConnection:
		e.id, e.severity, e.gains = "E27", report.High, "the foreign database behind connection "+on
		e.acts = []string{"query the database with the login that the connection keeps"}
		c.add(owner, e)
	case identity.TypeRecipient:
		e.id, e.severity, e.gains = "E29", report.High, "the data shared with recipient "+on
		e.acts = []string{"rotate the recipient's token and read its shares from outside"}
		c.add(owner, e)
	default: // owning it gives no more than it holds
	}
}

// unbinding is what lets data of an isolated catalog be used from other workspaces (E33).
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
func (c *catalogue) unbinding(s identity.SecurableInfo, h estate.Holder, by string, facts []estate.ReadKey) {
	if s.Isolation != identity.Isolated {
		return
	}
	e := edge{
		id: "E33", severity: report.Medium, toward: toSecurable(s.Securable), facts: append(slices.Clone(facts), estate.ReadKey{Op: estate.OpBindings, Securable: s.Securable}),
		gains: "data of isolated catalog " + s.Catalog + " in other workspaces",
		acts:  []string{"bind the catalog to another workspace, or open it to all (it may: " + by + ")"},
		fix:   "leave bindings to administrators: let a group of them own the catalog and hold MANAGE",
	}
	c.add(h, e)
}

// granted enters what one grant leads to.
func (c *catalogue) granted(s identity.SecurableInfo, g estate.Grant) {
	on, name := s.Securable, c.m.DescribeSecurable(s.Securable).FullName
	facts := []estate.ReadKey{grantsRead(on)}
	has := func(p identity.Privilege) bool {
		return slices.ContainsFunc(g.Privileges, func(as identity.Privilege) bool { return gives(as, p, on.Type) })
	}
	fix := func(ps ...identity.Privilege) string {
		if slices.Contains(g.Privileges, identity.AllPrivileges) && !slices.Contains(ps, identity.Manage) {
			return revoke(on, g.Holder.Name, identity.AllPrivileges) + ", and grant the privileges that are needed by name"
		}
		return revoke(on, g.Holder.Name, slices.DeleteFunc(ps, func(p identity.Privilege) bool { return !has(p) })...)
	}
	to := toSecurable(on)
	if slices.Contains(g.Privileges, identity.Manage) && on.Type != identity.TypeMetastore {
		e := edge{
			id: "E01", severity: report.High, toward: to, facts: facts, fix: fix(identity.Manage),
			gains: "all data in " + scope(on), acts: []string{"grant itself any privilege on " + scope(on) + " and on what is in it"},
		}
		if on.Type == identity.TypeCatalog {
			e.severity = report.Critical
		}
		c.addManaging(g.Holder, on, e)
		if on.Type == identity.TypeCatalog {
			c.unbinding(s, g.Holder, "holds MANAGE", facts)
		}
	}
	if slices.Contains(g.Privileges, identity.AllPrivileges) {
		e := edge{
			id: "E03", severity: report.Medium, toward: to, facts: facts, fix: fix(identity.AllPrivileges),
			gains: "every privilege on " + scope(on) + ", those too that Databricks adds later",
			acts:  []string{"read and change what is in it, now and whatever is added to it"},
		}
		if on.Type == identity.TypeCatalog {
			e.severity = report.High // it may change and create everywhere in it
		}
		c.add(g.Holder, e)
	}
	switch on.Type {
	case identity.TypeExternalLocation:
		if has(identity.ReadFiles) { // writing takes it too
			e := edge{
				id: "E15", severity: report.Medium, toward: to, facts: facts, fix: fix(identity.ReadFiles, identity.WriteFiles),
				gains: "reading all files under external location " + name + c.among(on), acts: []string{"read files by path, past the tables and volumes that are made of them"},
			}
			if has(identity.WriteFiles) {
				e.severity, e.gains = report.High, "reading and writing all files under external location "+name+c.among(on)
			}
			c.add(g.Holder, e)
		}
		c.fromOutside(g, has(identity.ExternalUseLocation), identity.ExternalUseLocation)
	case identity.TypeServiceCredential:
		if has("ACCESS") {
			c.add(g.Holder, edge{
				id: "E28", severity: report.High, toward: to, facts: facts, fix: fix("ACCESS"),
				gains: "the cloud services that service credential " + name + " opens", acts: []string{"call cloud services with the credential"},
			})
		}
	case identity.TypeConnection:
		if has("USE_CONNECTION") {
			c.add(g.Holder, edge{
				id: "E27", severity: report.High, toward: to, facts: facts, fix: fix("USE_CONNECTION"),
				gains: "the foreign database behind connection " + name, acts: []string{"query the database with the login that the connection keeps"},
			})
		}
	case identity.TypeMetastore:
		if has("MANAGE_ALLOWLIST") {
			c.add(g.Holder, edge{
				id: "E31", severity: report.High, toward: to, facts: facts, fix: fix("MANAGE_ALLOWLIST"),
				gains: "code on the shared clusters of every workspace of metastore " + name,
				acts:  []string{"add a library or init script of its own to the allowlist, and have it run where others work"},
			})
		}
	case identity.TypeCatalog, identity.TypeSchema:
		c.fromOutside(g, has(identity.ExternalUseSchema), identity.ExternalUseSchema)
	default: // no privilege on it leads further
	}
}

// fromOutside is access to storage from engines outside Databricks (E30).
//
// https://docs.databricks.com/aws/en/external-access/admin
func (c *catalogue) fromOutside(g estate.Grant, has bool, p identity.Privilege) {
	if !has {
		return
	}
	c.add(g.Holder, edge{
		id: "E30", severity: report.Medium, toward: toSecurable(g.Securable), facts: []estate.ReadKey{grantsRead(g.Securable)},
		gains: "storage credentials for " + scope(g.Securable) + " outside Databricks",
		acts:  []string{"fetch short-lived storage credentials and read the files where no audit log of queries sees it"},
		fix:   revoke(g.Securable, g.Holder.Name, p),
		why:   "whether the metastore lets engines from outside in is not read",
	})
}
