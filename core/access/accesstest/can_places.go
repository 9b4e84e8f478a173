package accesstest

import (
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Steps about roles, objects, entitlements and the owners of views.

func isAssumer(s report.Step) bool {
	return s.Kind == report.StepRole && isRole(identity.RoleGroupAssumer, s.Detail)
}

// isRole reports whether a report means the role, with or without what is before its name.
func isRole(r identity.Role, said string) bool {
	return said != "" && strings.HasSuffix(string(r), said)
}

// roleRows are the entries of rule sets that a step may mean: those that name the principal of the step
// or, where that is the subject, any that it holds.
func (c *canCheck) roleRows(s report.Step) []identity.RoleGrant {
	on := c.called(s.Group)
	return keep(c.seen.Roles, func(r identity.RoleGrant) bool {
		role := s.Kind == report.StepAssume && r.Role == identity.RoleGroupAssumer || s.Kind == report.StepRole && isRole(r.Role, s.Detail)
		about := r.On.IsZero() || slices.Contains(on, r.On)
		mine := slices.Contains(c.called(s.Principal), c.q.Subject) && c.oracle.heldBy(r.Holder.Name, r.Holder.Kind).verdict == access.Allowed
		return role && about && (identity.SameName(r.Holder.Name, s.Principal) || mine)
	})
}

// define restores what the views are made from whose owners the steps name.
func (c *canCheck) define(to *sightings, definers []report.Step) {
	for _, s := range definers {
		on, _ := c.securable(s.Securable)
		info, _ := c.seen.listed(on)
		for i := range to.Securables {
			if to.Securables[i].Securable == on {
				to.Securables[i].Bases, to.Securables[i].BasesKnown = info.Bases, info.BasesKnown
			}
		}
	}
}

// isPermitted reports whether an object's list has what a step says.
func (c *canCheck) isPermitted(s report.Step) bool {
	if s.Object == nil {
		return false
	}
	return slices.ContainsFunc(c.seen.Permissions, func(p Permission) bool {
		return workspaceName(p.On.Workspace) == s.Object.Workspace && string(p.On.Type) == s.Object.Type && p.On.ID == s.Object.ID &&
			(p.Holder.Name == s.Principal || strings.HasPrefix(s.Principal, p.Holder.Name+"@")) && string(p.Level) == s.Detail
	})
}

// isEntitled reports whether somebody of that name has the entitlement that a step says.
func (c *canCheck) isEntitled(s report.Step, ws identity.WorkspaceID) bool {
	called := c.called(s.Principal)
	return slices.ContainsFunc(c.seen.Entitlements, func(e Endowment) bool {
		implicit := e.Holder.Workspace == ws && (s.Principal == e.Holder.ID || strings.HasPrefix(s.Principal, e.Holder.ID+"@"))
		return e.Workspace == ws && slices.Contains(e.Entitlements, identity.Entitlement(s.Detail)) &&
			(implicit || slices.Contains(called, e.Holder))
	})
}
