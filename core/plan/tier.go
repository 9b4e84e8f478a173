package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// classifier says how far what a target comes to reaches. It looks at everything that the identities hold
// that the target comes to, however deep groups nest, whether or not it could be used today: what is out of
// reach for want of a workspace is one assignment away.
type classifier struct {
	before, after *access.Model
	target        identity.PrincipalKey
	guarded       []identity.PrincipalKey
	found         []classed
}

type classed struct {
	tier Tier
	why  string
}

func (c *classifier) class(t Tier, why string) { c.found = append(c.found, classed{t, why}) }

// result is the highest tier, and why it is not lower.
func (c *classifier) result() (Tier, []string) {
	tier, why := Normal, []string{}
	for _, f := range c.found {
		if compareTier(f.tier, tier) > 0 {
			tier = f.tier
		}
	}
	for _, f := range c.found {
		if f.tier == tier && tier != Normal {
			why = append(why, f.why)
		}
	}
	slices.Sort(why)
	return tier, slices.Compact(why)
}

// steps classes what the steps that are carried out give, themselves and by the groups that they lead into.
func (c *classifier) steps(steps []Step) {
	e := c.after.Estate()
	for _, s := range steps {
		if s.Change == nil || !s.Kind.Executable() {
			continue
		}
		switch cell := s.Change.Cell; cell.Kind {
		case Assigned:
			if Permission(s.Change.After) == identity.WorkspaceAdmin {
				c.class(Barred, "it makes the target admin of workspace "+e.WorkspaceName(cell.Workspace))
			}
		case Granted:
			c.privilege(cell.Privilege, cell.Securable, "it grants")
		case ObjectLevel:
			c.level(cell.Object, identity.Level(s.Change.After), "it gives")
		case Member, Entitled:
		}
	}
	had := c.before.Subject(c.target).Identities()
	for _, k := range c.after.Subject(c.target).Identities() {
		if !slices.Contains(had, k) {
			c.identity(k)
		}
	}
	if !c.after.Subject(c.target).MembershipsKnown() && len(c.after.Subject(c.target).Identities()) != len(had) {
		c.class(High, "not all groups above those of the plan were read: what they give is not known")
	}
}

// identity classes what one identity holds.
func (c *classifier) identity(k identity.PrincipalKey) {
	e := c.after.Estate()
	p, _ := e.Principal(k)
	by := fmt.Sprintf("%s %s, which the target would be in,", k.Kind.Title(), e.Label(k))
	if slices.Contains(c.guarded, k) {
		c.class(Barred, by+" decides who may approve, ask or see")
	}
	for _, role := range p.Roles {
		c.class(Barred, by+" has the role "+role)
	}
	for s := range e.OwnedBy(k) {
		if s.Type == identity.TypeMetastore {
			c.class(Barred, by+" is admin of metastore "+e.MetastoreName(s.Metastore))
			continue
		}
		c.class(High, fmt.Sprintf("%s owns %s %s", by, s.Type.Title(), s.FullName()))
	}
	for g := range e.GrantsTo(k) {
		for _, one := range g.Privileges {
			c.privilege(one, g.Securable, by+" holds")
		}
	}
	for _, w := range e.Workspaces() {
		for _, a := range e.Assignments(w.ID) {
			if e.Canonical(a.Principal) == k && a.Permission != identity.WorkspaceUser {
				c.class(Barred, by+" is admin of workspace "+e.WorkspaceName(w.ID))
			}
		}
	}
	for _, r := range e.AllRoleGrants() {
		if r.Holder.Key == k {
			c.role(r.Role, r.On, by)
		}
	}
	for o := range e.Permitted(k) {
		for _, g := range e.ObjectGrants(o.Object) {
			if g.Holder.Key == k {
				c.level(o.Object, g.Level, by+" has")
			}
		}
	}
}

// role classes a role of a rule set.
func (c *classifier) role(role identity.Role, on identity.PrincipalKey, by string) {
	e := c.after.Estate()
	what := "the account"
	if !on.IsZero() {
		what = on.Kind.Title() + " " + e.Label(on)
	}
	why := fmt.Sprintf("%s has %s on %s", by, role, what)
	switch role {
	case identity.RoleGroupManager:
		c.class(Barred, why)
	case identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager:
		if on.IsZero() || c.privileged(on) {
			c.class(Barred, why)
			return
		}
		c.class(High, why)
	default:
		c.class(High, why)
	}
}

// privileged reports whether a service principal has more than ordinary access, or may have.
func (c *classifier) privileged(sp identity.PrincipalKey) bool {
	inner := &classifier{before: c.before, after: c.after}
	e := c.after.Estate()
	s := c.after.Subject(sp)
	if !s.MembershipsKnown() {
		return true
	}
	for _, k := range s.Identities() {
		p, _ := e.Principal(k)
		if len(p.Roles) > 0 {
			return true
		}
		for owned := range e.OwnedBy(k) {
			if owned.Type == identity.TypeMetastore {
				return true
			}
			inner.class(High, "")
		}
		for g := range e.GrantsTo(k) {
			for _, one := range g.Privileges {
				inner.privilege(one, g.Securable, "")
			}
		}
		for _, w := range e.Workspaces() {
			for _, a := range e.Assignments(w.ID) {
				if e.Canonical(a.Principal) == k && a.Permission != identity.WorkspaceUser {
					return true
				}
			}
		}
		for _, r := range e.AllRoleGrants() {
			if r.Holder.Key == k {
				return true
			}
		}
	}
	return len(inner.found) > 0
}

// privilege classes a privilege on a securable. One that this program does not know may be anything.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/privileges-reference
func (c *classifier) privilege(p identity.Privilege, on identity.Securable, by string) {
	what := func() string {
		if on.Type == identity.TypeMetastore {
			return fmt.Sprintf("%s %s on metastore %s", by, p.SQL(), c.after.Estate().MetastoreName(on.Metastore))
		}
		return fmt.Sprintf("%s %s on %s %s", by, p.SQL(), on.Type.Title(), on.FullName())
	}
	switch {
	case !p.Known():
		c.class(High, what()+", of which it is not known what it gives")
	case p == identity.Manage, p == identity.AllPrivileges, p == identity.ExternalUseSchema, p == identity.ExternalUseLocation:
		c.class(High, what())
	case on.Type == identity.TypeStorageCredential, on.Type == identity.TypeServiceCredential, on.Type == identity.TypeExternalLocation:
		c.class(High, what())
	case on.Type == identity.TypeMetastore && !strings.HasPrefix(string(p), "USE_") && p != identity.Browse:
		c.class(High, what())
	case !knownTypes[on.Type]:
		c.class(High, what()+", of which it is not known what it is")
	}
}

// knownTypes are the types of securable that this program knows.
var knownTypes = func() map[identity.SecurableType]bool {
	types := map[identity.SecurableType]bool{}
	for _, t := range identity.SecurableTypes() {
		types[t] = true
	}
	return types
}()

// level classes a level on a workspace object.
func (c *classifier) level(o identity.Object, l identity.Level, by string) {
	what := func() string {
		info, _ := c.after.Estate().Object(o)
		return fmt.Sprintf("%s %s on %s %s", by, l, o.Type.Title(), cmp.Or(info.Name, o.ID))
	}
	switch {
	case o.Type == identity.ObjectSecretScope && l == identity.SecretManage:
		c.class(High, what())
	case !o.Type.Has(l) || !o.Type.Known():
		c.class(High, what()+", of which it is not known what it gives")
	}
}

// powers classes the administrative powers that the target could come to by steps of its own that nothing
// leads to now.
func (c *classifier) powers(was, is []report.Power) {
	for _, p := range is {
		if !slices.ContainsFunc(was, func(o report.Power) bool { return o.Power == p.Power && o.Scope == p.Scope }) {
			c.class(Barred, fmt.Sprintf("by it the target could become %s of %s", strings.ReplaceAll(p.Power, "_", " "), p.Scope))
		}
	}
}
