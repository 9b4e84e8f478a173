package analysis

import (
	"fmt"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// delegations enters what roles on groups and service principals lead to: E06 to E09. What the
// account's own rule set gives holds for all of them.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/service-principal-acl,
// https://docs.databricks.com/aws/en/admin/users-groups/manage-groups
func (c *catalogue) delegations() {
	for _, g := range c.e.AllRoleGrants() {
		switch g.Role {
		case identity.RoleGroupManager, identity.RoleGroupAssumer:
			c.groupRole(g)
		case identity.RoleServicePrincipalManager, identity.RoleServicePrincipalUser:
			c.servicePrincipalRole(g)
		default: // gives nobody the access of another
		}
	}
	c.unreadRoles()
}

// takeBack names what to change in a rule set.
func (c *catalogue) takeBack(g estate.RoleGrant) string {
	on := "the account"
	if !g.On.IsZero() {
		on = g.On.Kind.Title() + " " + c.name(c.number(g.On))
	}
	return fmt.Sprintf("take the role %s on %s back from %s", g.Role, on, g.Holder.Name)
}

func (c *catalogue) groupRole(g estate.RoleGrant) {
	e := edge{id: "E06", severity: report.Medium, toward: nowhere(), raised: true, facts: []estate.ReadKey{rolesRead(g.On)}, fix: c.takeBack(g)}
	if g.Role == identity.RoleGroupAssumer {
		e.id = "E07"
	}
	if g.On.IsZero() {
		e.toward.crowd = c.crowdOfGroups(g.Role)
		e.gains = "everything that any group has that Databricks keeps"
		e.acts = []string{"add itself to any group that Databricks keeps"}
		if e.id == "E07" {
			e.gains, e.acts = "everything that any group has", []string{"act as any group for a session"}
		}
		c.add(g.Holder, e)
		return
	}
	group := c.number(g.On)
	name := c.name(group)
	e.toward.identity = group
	e.gains, e.acts = "everything that group "+name+" has", []string{"add itself to group " + name}
	if e.id == "E07" {
		e.acts = []string{"act as group " + name + " for a session"}
	}
	p, known := c.e.Principal(g.On)
	switch {
	case e.id == "E07":
	case p.Origin == identity.OriginSystem:
		return // its members are not anybody's to choose
	case p.Origin == identity.OriginIDP:
		// The identity provider takes back what is changed here, or does not allow it.
		// https://docs.databricks.com/aws/en/admin/users-groups/automatic-identity-management
		e.severity, e.raised = report.Low, false
		e.toward = nowhere()
		e.gains = "perhaps what group " + name + " has, whose members the identity provider keeps"
		e.why = "whether members of a group that the identity provider keeps can be changed here depends on how it is synchronised"
		if !c.circle(group).has(c.number(g.Holder.Key)) {
			c.add(g.Holder, e)
		}
		return
	case !known || p.Name == "":
		e.why = "the group was not read: the identity provider may keep it"
	}
	c.add(g.Holder, e)
}

// crowdOfGroups are the groups that somebody with a role on all of them may join or act as.
func (c *catalogue) crowdOfGroups(role identity.Role) int32 {
	name := "every group that Databricks keeps"
	if role == identity.RoleGroupAssumer {
		name = "every group"
	}
	return c.crowd(name, report.GraphNode{ID: string(role), Kind: "group", Name: name}, func() []int32 {
		var in []int32
		for i, k := range c.keys {
			p, _ := c.e.Principal(k)
			kept := p.Origin != identity.OriginIDP || role == identity.RoleGroupAssumer
			if k.Kind == identity.KindGroup && k.Workspace == 0 && p.Origin != identity.OriginSystem && kept {
				in = append(in, int32(i))
			}
		}
		return in
	})
}

// crowd finds a crowd by its node, and makes it the first time.
func (c *catalogue) crowd(name string, node report.GraphNode, members func() []int32) int32 {
	if n, ok := c.crowdAt[node]; ok {
		return n
	}
	c.crowds = append(c.crowds, &crowd{name: name, node: node, in: members()})
	c.crowdAt[node] = int32(len(c.crowds) - 1)
	return c.crowdAt[node]
}

// servicePrincipalRole is running something as a service principal, or letting itself do so first. It
// runs in a workspace that both are in.
func (c *catalogue) servicePrincipalRole(g estate.RoleGrant) {
	e := edge{id: "E08", severity: report.Medium, toward: nowhere(), raised: true, facts: []estate.ReadKey{rolesRead(g.On)}, fix: c.takeBack(g)}
	manages := g.Role == identity.RoleServicePrincipalManager
	if manages {
		e.id = "E09"
	}
	name := "any service principal"
	if g.On.IsZero() {
		e.toward.crowd = c.crowd("every service principal", report.GraphNode{ID: string(g.Role), Kind: identity.KindServicePrincipal.String(), Name: "every service principal"}, func() []int32 {
			var in []int32
			for i, k := range c.keys {
				if k.Kind == identity.KindServicePrincipal && c.active(int32(i)) && len(c.runsIn(int32(i))) > 0 {
					in = append(in, int32(i))
				}
			}
			return in
		})
		for _, w := range c.e.Workspaces() {
			e.in = append(e.in, w.ID)
		}
		if len(c.crowds[e.toward.crowd].in) == 0 {
			return
		}
	} else {
		sp := c.number(g.On)
		name = "service principal " + c.name(sp)
		e.toward.identity, e.in = sp, c.runsIn(sp)
		if !c.active(sp) || len(e.in) == 0 {
			return
		}
		if c.assignedSurely(sp) == access.Unknown {
			e.why = "whether it is in a workspace was not read"
		}
	}
	e.gains = "everything that " + name + " has"
	run := "run a job or an interactive session as " + name
	e.acts = []string{run}
	if manages {
		e.acts = []string{"let itself use " + name, run}
	}
	c.add(g.Holder, e)
}

// runsIn are the running workspaces in which something may run as a principal, or perhaps may.
func (c *catalogue) runsIn(i int32) []identity.WorkspaceID {
	var in []identity.WorkspaceID
	for _, w := range c.e.Workspaces() {
		if w.Running() && c.assigned(i, w.ID) != access.Denied {
			in = append(in, w.ID)
		}
	}
	return in
}

func (c *catalogue) assignedSurely(i int32) access.Verdict {
	v := access.Denied
	for _, w := range c.e.Workspaces() {
		v = access.Any(v, c.assigned(i, w.ID))
	}
	return v
}

// unreadRoles says where roles were not read.
func (c *catalogue) unreadRoles() {
	read := map[identity.Kind]bool{}
	for _, r := range c.e.ReadsOf(estate.OpRoles) {
		if r.Outcome.OK() {
			read[r.Key.Principal.Kind] = true
		}
	}
	if !read[identity.KindGroup] {
		c.gap("E06", "the roles on groups were not read")
		c.gap("E07", "the roles on groups were not read")
	}
	if !read[identity.KindServicePrincipal] {
		c.gap("E08", "the roles on service principals were not read")
		c.gap("E09", "the roles on service principals were not read")
	}
}
