package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// iamv2Routes are the identity API on the account host and its twin on
// workspace hosts, which takes account and workspace from the host
// (https://docs.databricks.com/api/account/iamv2).
func iamv2Routes() []route {
	const account, workspace = "/api/2.0/identity/accounts/{account_id}/", "/api/2.0/identity/"
	var out []route
	add := func(method, path string, handle func(*call) reply) {
		guarded := func(c *call) reply {
			if failed := c.iamv2Missing(); failed != nil {
				return *failed
			}
			return handle(c)
		}
		out = append(out, route{method: method, host: onAccount, template: account + path, access: accountAdmin, handle: guarded})
		path = strings.TrimPrefix(path, "workspaces/{workspace_id}/")
		out = append(out, route{method: method, host: onWorkspace, template: workspace + path, access: workspaceAdmin, handle: guarded})
	}
	add("GET", "users", (*call).iamListUsers)
	add("GET", "users/{id}", (*call).iamGetUser)
	add("GET", "groups", (*call).iamListGroups)
	add("GET", "groups/{id}", (*call).iamGetGroup)
	add("GET", "service-principals", (*call).iamListSPs)
	add("GET", "service-principals/{id}", (*call).iamGetSP)
	add("GET", "groups/{id}/direct-members", (*call).iamListMembers)
	add("GET", "groups/{id}/direct-members/{principal_id}", (*call).iamGetMember)
	add("POST", "groups/{id}/direct-members", (*call).iamAddMember)
	add("DELETE", "groups/{id}/direct-members/{principal_id}", (*call).iamRemoveMember)
	add("GET", "principals/{principal_id}/transitive-parent-groups", (*call).iamParents)
	const ws = "workspaces/{workspace_id}/"
	for _, name := range []string{"workspace-assignments", "workspace-assignment-details"} {
		add("GET", ws+name, (*call).iamListAssignments)
		add("GET", ws+name+"/{principal_id}", (*call).iamGetAssignment)
	}
	add("POST", ws+"workspace-assignments", (*call).iamPutAssignment)
	add("PATCH", ws+"workspace-assignments/{principal_id}", (*call).iamPutAssignment)
	add("DELETE", ws+"workspace-assignments/{principal_id}", (*call).iamDeleteAssignment)
	add("GET", ws+"workspace-access-details/{principal_id}", (*call).iamAccessDetail)
	return out
}

// iamv2Missing answers for accounts without the API, which is in beta.
func (c *call) iamv2Missing() *reply {
	var r reply
	switch c.srv.opts.IAMv2 {
	case IAMv2NotFound:
		r = c.unknownRoute(onWorkspace)
	case IAMv2Disabled:
		r = notFound("FEATURE_DISABLED", "IAM v2 is not enabled for this account.")
	default:
		return nil
	}
	return &r
}

// iamPaging: the largest page is documented for members and parents only.
func iamPaging(key string) paging {
	return paging{key: key, size: "page_size", token: "page_token", standard: 1000, limit: 1000}
}

type wireIAMUser struct {
	AccountID  string           `json:"account_id"`
	UserID     string           `json:"user_id"`
	ExternalID string           `json:"external_id,omitempty"`
	Username   string           `json:"username"`
	FullName   *wireIAMFullName `json:"full_name,omitempty"`
	Status     string           `json:"account_user_status"`
}

type wireIAMFullName struct {
	Given  string `json:"given_name,omitempty"`
	Family string `json:"family_name,omitempty"`
}

type wireIAMGroup struct {
	AccountID  string `json:"account_id"`
	GroupID    string `json:"group_id"`
	ExternalID string `json:"external_id,omitempty"`
	GroupName  string `json:"group_name"`
}

type wireIAMSP struct {
	AccountID     string `json:"account_id"`
	ID            string `json:"service_principal_id"`
	ApplicationID string `json:"application_id"`
	ExternalID    string `json:"external_id,omitempty"`
	DisplayName   string `json:"display_name,omitempty"`
	Status        string `json:"account_sp_status"`
}

func iamStatus(active bool) string {
	if active {
		return "ACTIVE"
	}
	return "INACTIVE"
}

func (c *call) iamUser(u *User) wireIAMUser {
	w := wireIAMUser{AccountID: c.acct.ID, UserID: u.ID, ExternalID: u.ExternalID, Username: u.UserName, Status: iamStatus(!u.Inactive)}
	if given, family, _ := strings.Cut(u.DisplayName, " "); given != "" {
		w.FullName = &wireIAMFullName{given, family}
	}
	return w
}

func (c *call) iamGroup(g *Group) wireIAMGroup {
	return wireIAMGroup{AccountID: c.acct.ID, GroupID: g.ID, ExternalID: g.ExternalID, GroupName: g.DisplayName}
}

func (c *call) iamSP(sp *ServicePrincipal) wireIAMSP {
	return wireIAMSP{AccountID: c.acct.ID, ID: sp.ID, ApplicationID: sp.ApplicationID, ExternalID: sp.ExternalID, DisplayName: sp.DisplayName, Status: iamStatus(!sp.Inactive)}
}

// iamFiltered applies the filter parameter. Its grammar is not documented; this
// takes the SCIM comparisons over the fields the reference names.
func iamFiltered[T any](c *call, items []T, attr func(T, string) []string, known ...string) ([]T, *reply) {
	text := c.query.Get("filter")
	if text == "" {
		return items, nil
	}
	allowed := map[string]bool{}
	for _, k := range known {
		allowed[k] = true
	}
	f, err := parseSCIMFilter(text, allowed)
	if err != nil {
		r := badRequest("Invalid filter: %v", err)
		return nil, &r
	}
	return slices.DeleteFunc(slices.Clone(items), func(it T) bool {
		return !f.matches(func(name string) []string { return attr(it, name) })
	}), nil
}

// iamListUsers: https://docs.databricks.com/api/iam/v2/list-users
func (c *call) iamListUsers() reply {
	users, failed := iamFiltered(c, c.acct.Users, func(u *User, name string) []string {
		if name == "external_id" {
			return []string{u.ExternalID}
		}
		return []string{u.UserName}
	}, "username", "external_id")
	if failed != nil {
		return *failed
	}
	return iamList(c, "users", users, c.iamUser)
}

// iamList pages first and makes wire structs of the page only.
func iamList[T, W any](c *call, key string, items []T, wire func(T) W) reply {
	p := iamPaging(key)
	part, next, failed := page(c, p, items)
	if failed != nil {
		return *failed
	}
	body := map[string]any{}
	if len(part) > 0 {
		out := make([]W, len(part))
		for i, it := range part {
			out[i] = wire(it)
		}
		body[key] = out
	}
	if next != "" {
		body["next_page_token"] = next
	}
	return ok(body)
}

// iamListGroups: https://docs.databricks.com/api/iam/v2/list-groups
func (c *call) iamListGroups() reply {
	groups, failed := iamFiltered(c, c.acct.Groups, func(g *Group, name string) []string {
		if name == "external_id" {
			return []string{g.ExternalID}
		}
		return []string{g.DisplayName}
	}, "group_name", "external_id")
	if failed != nil {
		return *failed
	}
	return iamList(c, "groups", groups, c.iamGroup)
}

// iamListSPs: https://docs.databricks.com/api/iam/v2/list-service-principals
func (c *call) iamListSPs() reply {
	sps, failed := iamFiltered(c, c.acct.ServicePrincipals, func(sp *ServicePrincipal, name string) []string {
		if name == "external_id" {
			return []string{sp.ExternalID}
		}
		return []string{sp.ApplicationID}
	}, "application_id", "external_id")
	if failed != nil {
		return *failed
	}
	return iamList(c, "service_principals", sps, c.iamSP)
}

// iamFind finds the principal of a path parameter if it is of the kind; an
// empty kind takes all.
func (c *call) iamFind(param string, kind principalKind) (*principal, *reply) {
	if p := c.idx.principals[c.params[param]]; p != nil && (kind == "" || p.kind == kind) {
		return p, nil
	}
	r := notFound("RESOURCE_DOES_NOT_EXIST", "Principal %s does not exist.", c.params[param])
	return nil, &r
}

// iamGetUser, iamGetGroup and iamGetSP: https://docs.databricks.com/api/account/iamv2/getuser
func (c *call) iamGetUser() reply {
	p, failed := c.iamFind("id", kindUser)
	if failed != nil {
		return *failed
	}
	return ok(c.iamUser(p.user))
}

func (c *call) iamGetGroup() reply {
	p, failed := c.iamFind("id", kindGroup)
	if failed != nil {
		return *failed
	}
	return ok(c.iamGroup(p.group))
}

func (c *call) iamGetSP() reply {
	p, failed := c.iamFind("id", kindSP)
	if failed != nil {
		return *failed
	}
	return ok(c.iamSP(p.sp))
}

type wireDirectMember struct {
	PrincipalID   int64         `json:"principal_id"`
	PrincipalType principalKind `json:"principal_type"`
	Source        string        `json:"membership_source"`
	DisplayName   string        `json:"display_name,omitempty"`
	ExternalID    string        `json:"external_id,omitempty"`
	GroupID       int64         `json:"group_id"`
}

func (c *call) directMember(g *Group, p *principal) wireDirectMember {
	w := wireDirectMember{PrincipalID: p.number, PrincipalType: p.kind, Source: "INTERNAL", DisplayName: p.display, ExternalID: p.external, GroupID: number(g.ID)}
	if g.ExternalID != "" {
		w.Source = "IDENTITY_PROVIDER"
	}
	return w
}

// iamListMembers: https://docs.databricks.com/api/iam/v2/list-direct-group-members
func (c *call) iamListMembers() reply {
	p, failed := c.iamFind("id", kindGroup)
	if failed != nil {
		return *failed
	}
	return iamList(c, "direct_group_members", c.idx.members(p.group), func(id string) wireDirectMember {
		return c.directMember(p.group, c.idx.principals[id])
	})
}

// iamGetMember: https://docs.databricks.com/api/account/iamv2/getdirectgroupmember
func (c *call) iamGetMember() reply {
	p, failed := c.iamFind("id", kindGroup)
	if failed != nil {
		return *failed
	}
	id := c.params["principal_id"]
	if !slices.Contains(c.idx.members(p.group), id) {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Principal %s is not a direct member of group %s.", id, p.id)
	}
	return ok(c.directMember(p.group, c.idx.principals[id]))
}

// iamAddMember adds one member; a duplicate is 409
// (https://docs.databricks.com/api/account/iamv2/createdirectgroupmember).
func (c *call) iamAddMember() reply {
	p, failed := c.iamFind("id", kindGroup)
	if failed != nil {
		return *failed
	}
	var body struct {
		PrincipalID int64 `json:"principal_id"`
	}
	if err := c.decode(&body); err != nil {
		return badRequest("malformed request: %v", err)
	}
	c.params["principal_id"] = wireID(body.PrincipalID)
	m, failed := c.iamFind("principal_id", "")
	if failed != nil {
		return *failed
	}
	if slices.Contains(p.group.Members, m.id) {
		return fail(http.StatusConflict, "ALREADY_EXISTS", "The principal is a direct member already.")
	}
	change, failed := c.patchMembers(p.group, "add", []string{m.id})
	if failed != nil {
		return *failed
	}
	change()
	c.idx.indexIdentities()
	return ok(c.directMember(p.group, m))
}

// iamRemoveMember: https://docs.databricks.com/api/iam/v2/delete-direct-group-member
func (c *call) iamRemoveMember() reply {
	p, failed := c.iamFind("id", kindGroup)
	if failed != nil {
		return *failed
	}
	id := c.params["principal_id"]
	if !slices.Contains(p.group.Members, id) {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Principal %s is not a direct member of group %s.", id, p.id)
	}
	change, failed := c.patchMembers(p.group, "remove", []string{id})
	if failed != nil {
		return *failed
	}
	change()
	c.idx.indexIdentities()
	return ok(nil)
}

type wireParentGroup struct {
	AccountID  string `json:"account_id"`
	GroupID    string `json:"group_id"`
	ExternalID string `json:"external_id,omitempty"`
}

// iamParents lists all groups above a principal, by id and without names. The
// system group of all account users is not among them
// (https://docs.databricks.com/api/iam/v2/list-transitive-parent-groups).
func (c *call) iamParents() reply {
	p, failed := c.iamFind("principal_id", "")
	if failed != nil {
		return *failed
	}
	return iamList(c, "transitive_parent_groups", c.idx.ancestors(p.id), func(id string) wireParentGroup {
		return wireParentGroup{AccountID: c.acct.ID, GroupID: id, ExternalID: c.idx.principals[id].external}
	})
}

type wireWorkspaceAssignment struct {
	PrincipalType principalKind `json:"principal_type"`
	PrincipalID   int64         `json:"principal_id"`
	WorkspaceID   int64         `json:"workspace_id"`
	AccountID     string        `json:"account_id"`
	Entitlements  []string      `json:"entitlements,omitempty"`
	Effective     []string      `json:"effective_entitlements,omitempty"`
}

func (c *call) iamAssignment(w *Workspace, a *Assignment) wireWorkspaceAssignment {
	out := wireWorkspaceAssignment{PrincipalID: number(a.PrincipalID), WorkspaceID: w.ID, AccountID: c.acct.ID}
	if p := c.idx.principals[a.PrincipalID]; p != nil {
		out.PrincipalType = p.kind
	}
	return out
}

// iamListAssignments lists direct assignments without their entitlements
// (https://docs.databricks.com/api/iam/v2/list-workspace-assignments).
func (c *call) iamListAssignments() reply {
	w, failed := c.assignmentWorkspace()
	if failed != nil {
		return *failed
	}
	return iamList(c, "workspace_assignments", w.Assignments, func(a *Assignment) wireWorkspaceAssignment { return c.iamAssignment(w, a) })
}

// iamEntitlementNames are the enum values of SCIM entitlements.
var iamEntitlementNames = map[string]string{
	"allow-cluster-create":       "ALLOW_CLUSTER_CREATE",
	"allow-instance-pool-create": "ALLOW_INSTANCE_POOL_CREATE",
	"databricks-sql-access":      "DATABRICKS_SQL_ACCESS",
	"workspace-access":           "WORKSPACE_ACCESS",
	"workspace-consume":          "WORKSPACE_CONSUME",
}

const iamAdminEntitlement = "WORKSPACE_ADMIN"

func iamEntitlements(scim []string, admin bool) []string {
	var out []string
	for _, e := range scim {
		out = append(out, iamEntitlementNames[e])
	}
	if admin {
		out = append(out, iamAdminEntitlement)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// iamGetAssignment: https://docs.databricks.com/api/iam/v2/get-workspace-assignment
func (c *call) iamGetAssignment() reply {
	w, failed := c.assignmentWorkspace()
	if failed != nil {
		return *failed
	}
	id := c.params["principal_id"]
	for _, a := range w.Assignments {
		if a.PrincipalID == id {
			out := c.iamAssignment(w, a)
			out.Entitlements = iamEntitlements(w.Entitlements[id], slices.Contains(a.Permissions, AssignAdmin))
			out.Effective = iamEntitlements(c.idx.entitlements(w, id), c.idx.entry(w, id).admin)
			return ok(out)
		}
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "Principal %s is not assigned to workspace %d.", id, w.ID)
}

// entitlements are those of the principal itself and of all groups it is in,
// the workspace's system groups included.
func (x *index) entitlements(w *Workspace, id string) []string {
	var out []string
	for m := range x.memberships(id) {
		out = append(out, w.Entitlements[m]...)
	}
	out = append(out, w.Entitlements[GroupUsers]...)
	if x.entry(w, id).admin {
		out = append(out, w.Entitlements[GroupAdmins]...)
	}
	for _, g := range w.LocalGroups {
		if slices.Contains(g.Members, id) {
			out = append(out, w.Entitlements[g.ID]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// iamPutAssignment creates or updates; both refuse an empty set of entitlements
// (https://docs.databricks.com/api/gcp/account/iamv2/createworkspaceassignment).
func (c *call) iamPutAssignment() reply {
	w, failed := c.assignmentWorkspace()
	if failed != nil {
		return *failed
	}
	var body struct {
		PrincipalID  int64    `json:"principal_id"`
		Entitlements []string `json:"entitlements"`
	}
	if err := c.decode(&body); err != nil {
		return badRequest("malformed request: %v", err)
	}
	if c.params["principal_id"] == "" {
		c.params["principal_id"] = wireID(body.PrincipalID)
	}
	p, failed := c.iamFind("principal_id", "")
	if failed != nil {
		return *failed
	}
	if len(body.Entitlements) == 0 {
		return badRequest("entitlements must not be empty")
	}
	if c.r.Method == http.MethodPatch {
		if c.query.Get("update_mask") != "entitlements" {
			return badRequest("update_mask must be entitlements")
		}
		if !slices.ContainsFunc(w.Assignments, func(a *Assignment) bool { return a.PrincipalID == p.id }) {
			return notFound("RESOURCE_DOES_NOT_EXIST", "Principal %s is not assigned to workspace %d.", p.id, w.ID)
		}
	}
	var scim []string
	permission := AssignUser
	for _, e := range body.Entitlements {
		if e == iamAdminEntitlement {
			permission = AssignAdmin
			continue
		}
		name := scimEntitlement(e)
		if name == "" {
			return badRequest("unknown entitlement %s", e)
		}
		scim = append(scim, name)
	}
	if c.nameTaken(w, p) {
		return badRequest("A group with the name %s already exists in workspace %d.", p.name, w.ID)
	}
	w.unassign(p.id)
	w.Assignments = append(w.Assignments, &Assignment{PrincipalID: p.id, Permissions: []string{permission}})
	if w.Entitlements == nil {
		w.Entitlements = map[string][]string{}
	}
	w.Entitlements[p.id] = scim
	return c.iamGetAssignment()
}

func scimEntitlement(iam string) string {
	for scim, name := range iamEntitlementNames {
		if name == iam {
			return scim
		}
	}
	return ""
}

// iamDeleteAssignment may be repeated.
func (c *call) iamDeleteAssignment() reply {
	w, failed := c.assignmentWorkspace()
	if failed != nil {
		return *failed
	}
	w.unassign(c.params["principal_id"])
	delete(w.Entitlements, c.params["principal_id"])
	return ok(nil)
}

type wireAccessDetail struct {
	PrincipalID   int64         `json:"principal_id"`
	WorkspaceID   int64         `json:"workspace_id"`
	AccountID     string        `json:"account_id"`
	PrincipalType principalKind `json:"principal_type"`
	AccessType    string        `json:"access_type"`
	Status        string        `json:"status"`
	Permissions   []string      `json:"permissions,omitempty"`
}

// iamAccessDetail tells how one principal gets into one workspace; permissions
// are in the FULL view only
// (https://docs.databricks.com/api/account/iamv2/getworkspaceaccessdetail).
func (c *call) iamAccessDetail() reply {
	w, failed := c.assignmentWorkspace()
	if failed != nil {
		return *failed
	}
	p, failed := c.iamFind("principal_id", "")
	if failed != nil {
		return *failed
	}
	e := c.idx.entry(w, p.id)
	if !e.any() {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Principal %s has no access to workspace %d.", p.id, w.ID)
	}
	out := wireAccessDetail{PrincipalID: p.number, WorkspaceID: w.ID, AccountID: c.acct.ID, PrincipalType: p.kind, AccessType: "INDIRECT", Status: iamStatus(p.active)}
	if e.direct {
		out.AccessType = "DIRECT"
	}
	if c.query.Get("view") == "FULL" {
		out.Permissions = []string{"USER_PERMISSION"}
		if e.admin {
			out.Permissions = append(out.Permissions, "ADMIN_PERMISSION")
		}
	}
	return ok(out)
}
