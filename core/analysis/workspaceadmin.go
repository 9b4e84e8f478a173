package analysis

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// workspaceAdmins enters what the admins of a workspace may do as others (E10): run jobs as anybody
// in it and make tokens for its service principals, unless the account restricts them. OAuth secrets of
// service principals they may make all the same, as far as is documented.
//
// https://docs.databricks.com/aws/en/admin/workspace-settings/restrict-workspace-admins,
// https://docs.databricks.com/aws/en/admin/users-groups/workspace-admin
func (c *catalogue) workspaceAdmins() {
	for _, w := range c.e.Workspaces() {
		if !w.Running() {
			continue
		}
		for _, a := range c.e.Assignments(w.ID) {
			if a.Permission == identity.WorkspaceAdmin {
				c.workspaceAdmin(w, estate.Holder{Key: a.Principal, Name: a.Name})
			}
		}
	}
}

func (c *catalogue) workspaceAdmin(w identity.Workspace, h estate.Holder) {
	name := c.e.WorkspaceName(w.ID)
	to := nowhere()
	to.workspace = w.ID
	e := edge{
		id: "E10", severity: report.Critical, toward: to, facts: []estate.ReadKey{assignmentsRead(w.ID), restrictionRead(w.ID)},
		fix: "set RestrictWorkspaceAdmins to RESTRICT_TOKENS_AND_JOB_RUN_AS in workspace " + name + ", and keep its admins few",
	}
	restricted := c.m.Options().AdminsRestricted
	switch c.e.RestrictAdmins(w.ID) {
	case identity.AdminsAllowAll:
		restricted = false
	case identity.AdminsRestricted:
		restricted = true
	default:
		e.why = "whether the admins of the workspace are restricted was not read"
	}
	in := c.peopleOf(w.ID)
	if restricted {
		in = slices.DeleteFunc(in, func(i int32) bool { return c.keys[i].Kind != identity.KindServicePrincipal })
		if len(in) == 0 {
			return
		}
		e.gains = "everything that the service principals of workspace " + name + " have"
		e.acts = []string{"make an OAuth secret for a service principal of the workspace, and log in with it"}
		e.fix = "keep the admins of workspace " + name + " few, and service principals of other teams out of it"
		e.why = "that admins may make secrets of service principals in spite of the setting is documented only by omission"
		e.toward.crowd = c.crowd("any service principal of workspace "+name, report.GraphNode{ID: "service_principals:" + w.ID.String(), Kind: identity.KindServicePrincipal.String(), Name: "service principals of " + name}, func() []int32 { return in })
	} else {
		e.gains = "everything that anybody in workspace " + name + " has"
		e.acts = []string{"run a job as anybody in the workspace, or make a token for one of its service principals"}
		e.toward.crowd = c.crowd("anybody in workspace "+name, report.GraphNode{ID: "people:" + w.ID.String(), Kind: identity.KindGroup.String(), Name: "anybody in " + name}, func() []int32 { return in })
	}
	c.add(h, e)
}

// peopleOf are the active users and service principals of a workspace.
func (c *catalogue) peopleOf(in identity.WorkspaceID) []int32 {
	users, ok := c.users[in]
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.circle(users).people), func(i int32) bool { return !c.active(i) })
}

// restricts says whether the admins of a workspace are certainly kept from acting as others. What their
// power over every object leads to is then looked at object by object.
func (c *catalogue) restricts(in identity.WorkspaceID) bool {
	return c.e.RestrictAdmins(in) == identity.AdminsRestricted || c.e.RestrictAdmins(in) == identity.RestrictAdminsUnknown && c.m.Options().AdminsRestricted
}
