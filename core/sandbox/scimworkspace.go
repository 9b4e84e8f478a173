package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// workspaceSCIMRoutes are the SCIM API of a workspace
// (https://docs.databricks.com/api/workspace/users, …/groups, …/serviceprincipals).
func workspaceSCIMRoutes() []route {
	const base = "/api/2.0/preview/scim/v2/"
	get := func(path string, handle func(*call) reply) route {
		return route{method: "GET", host: onWorkspace, template: base + path, access: member, class: LimitWorkspaceSCIMGet, handle: handle}
	}
	patch := func(path string) route {
		return route{method: "PATCH", host: onWorkspace, template: base + path, access: workspaceAdmin, class: LimitWorkspaceSCIMPatch, handle: (*call).patchWorkspaceIdentity}
	}
	return []route{
		get("Me", (*call).me),
		get("Users", (*call).listWorkspaceUsers),
		get("Users/{id}", (*call).getWorkspaceUser),
		get("Groups", (*call).listWorkspaceGroups),
		get("Groups/{id}", (*call).getWorkspaceGroup),
		get("ServicePrincipals", (*call).listWorkspaceSPs),
		get("ServicePrincipals/{id}", (*call).getWorkspaceSP),
		patch("Users/{id}"), patch("Groups/{id}"), patch("ServicePrincipals/{id}"),
	}
}

// systemGroupID is the id of the workspace's own users and admins groups.
func systemGroupID(w *Workspace, name string) string {
	id := 900_000_000_000_000 + (w.ID%1_000_000_000_000)*10
	if name == GroupAdmins {
		id++
	}
	return strconv.FormatInt(id, 10)
}

type wireGroupOf struct {
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
	Type    string `json:"type,omitempty"`
	Ref     string `json:"$ref,omitempty"`
}

// workspaceGroups lists the groups of a user or service principal that the
// workspace shows: assigned account groups, local groups, users and admins.
func (c *call) workspaceGroups(id string, e workspaceEntry) []wireGroupOf {
	var out []wireGroupOf
	add := func(gid, name, kind string) {
		out = append(out, wireGroupOf{Value: gid, Display: name, Type: kind, Ref: "Groups/" + gid})
	}
	if e.admin {
		add(systemGroupID(c.ws, GroupAdmins), GroupAdmins, "direct")
	}
	if e.any() {
		add(systemGroupID(c.ws, GroupUsers), GroupUsers, "direct")
	}
	for _, m := range c.idx.localGroups(c.ws, id) {
		add(m.group.ID, m.group.DisplayName, directness(m.direct))
	}
	assigned := map[string]bool{}
	for _, a := range c.ws.Assignments {
		assigned[a.PrincipalID] = true
	}
	for _, gid := range c.idx.ancestors(id) {
		if !assigned[gid] {
			continue
		}
		add(gid, c.idx.principals[gid].name, directness(slices.Contains(c.idx.parents[id], gid)))
	}
	return out
}

// directness is the type of an entry of the groups attribute.
func directness(direct bool) string {
	if direct {
		return "direct"
	}
	return "indirect"
}

// decorate adds what a workspace knows about a principal. Callers who are not
// workspace admins see names and ids only.
func (c *call) decorate(m map[string]any, id string, e workspaceEntry) map[string]any {
	if !c.isWorkspaceAdmin() && c.caller.id != id {
		out := map[string]any{}
		for _, k := range []string{"schemas", "id", "displayName", "userName", "applicationId"} {
			if v, has := m[k]; has {
				out[k] = v
			}
		}
		return out
	}
	delete(m, "roles") // account roles; a workspace's roles are instance profiles
	putValues(m, "roles", c.ws.InstanceProfiles[id])
	putValues(m, "entitlements", c.ws.Entitlements[id])
	if groups := c.workspaceGroups(id, e); len(groups) > 0 {
		m["groups"] = groups
	}
	return m
}

// scimReply adds the header that tells which workspace answered.
func (c *call) scimReply(r reply) reply {
	return r.with("X-Databricks-Org-Id", strconv.FormatInt(c.ws.ID, 10))
}

// adminAttributes refuses callers who ask for what only admins may see
// (https://github.com/databricks/terraform-provider-databricks/issues/4994).
func (c *call) adminAttributes() *reply {
	if c.isWorkspaceAdmin() || !lowerSet(c.query.Get("attributes"))["externalid"] {
		return nil
	}
	r := scimFail(http.StatusForbidden, "", "Only workspace admins can read externalId")
	return &r
}

// me: https://docs.databricks.com/api/workspace/currentuser/me
func (c *call) me() reply {
	p := c.idx.principals[c.caller.id]
	e := c.idx.entry(c.ws, p.id)
	if p.kind == kindUser {
		return c.scimReply(ok(c.projected(c.decorate(userResource(p.user), p.id, e))))
	}
	m := spResource(p.sp)
	m["userName"] = p.sp.ApplicationID
	return c.scimReply(ok(c.projected(c.decorate(m, p.id, e))))
}

// listWorkspaceUsers lists assigned users, users inside assigned groups, and the
// guest records (https://docs.databricks.com/api/workspace/users/list).
func (c *call) listWorkspaceUsers() reply {
	if failed := c.adminAttributes(); failed != nil {
		return *failed
	}
	residents := c.idx.residents(c.ws)
	var items []scimItem
	for _, u := range c.acct.Users {
		e, here := residents[u.ID]
		if !here {
			continue
		}
		it := userItem(u)
		it.full = func() map[string]any { return c.decorate(userResource(u), u.ID, e) }
		items = append(items, it)
	}
	for _, g := range c.ws.GuestRecords {
		items = append(items, scimItem{
			attr: func(name string) []string {
				return userAttr(name, g.ID, g.UserName, g.DisplayName, g.ExternalID, true)
			},
			full: func() map[string]any { return c.decorate(guestResource(g), g.ID, workspaceEntry{direct: true}) },
		})
	}
	return c.scimReply(c.scimList(items, userFilterable...))
}

// guestResource is the second record of a B2B guest in a workspace
// (https://learn.microsoft.com/azure/databricks/admin/users-groups/).
func guestResource(g *GuestRecord) map[string]any {
	return userResource(&User{ID: g.ID, UserName: g.UserName, DisplayName: g.DisplayName, ExternalID: g.ExternalID})
}

// getWorkspaceUser: https://docs.databricks.com/api/workspace/users/get
func (c *call) getWorkspaceUser() reply {
	id := c.params["id"]
	for _, g := range c.ws.GuestRecords {
		if g.ID == id {
			return c.scimReply(ok(c.projected(c.decorate(guestResource(g), id, workspaceEntry{direct: true}))))
		}
	}
	p := c.idx.principals[id]
	if p == nil || p.kind != kindUser || !c.idx.entry(c.ws, id).any() {
		return c.noSuch("User")
	}
	return c.scimReply(ok(c.projected(c.decorate(userResource(p.user), id, c.idx.entry(c.ws, id)))))
}

// listWorkspaceSPs: https://docs.databricks.com/api/workspace/serviceprincipals/list
func (c *call) listWorkspaceSPs() reply {
	residents := c.idx.residents(c.ws)
	var items []scimItem
	for _, sp := range c.acct.ServicePrincipals {
		e, here := residents[sp.ID]
		if !here {
			continue
		}
		items = append(items, scimItem{
			attr: func(name string) []string {
				if name == "applicationid" {
					return []string{sp.ApplicationID}
				}
				return userAttr(name, sp.ID, "", sp.DisplayName, sp.ExternalID, !sp.Inactive)
			},
			full: func() map[string]any { return c.decorate(spResource(sp), sp.ID, e) },
		})
	}
	return c.scimReply(c.scimList(items, "applicationId", "active"))
}

// getWorkspaceSP: https://docs.databricks.com/api/workspace/serviceprincipals/get
func (c *call) getWorkspaceSP() reply {
	p := c.idx.principals[c.params["id"]]
	if p == nil || p.kind != kindSP || !c.idx.entry(c.ws, p.id).any() {
		return c.noSuch("Service principal")
	}
	return c.scimReply(ok(c.projected(c.decorate(spResource(p.sp), p.id, c.idx.entry(c.ws, p.id)))))
}

// groupView is a group as a workspace shows it.
type groupView struct {
	id, name, external string
	local              bool
	members            func() []wireMember
}

// visibleGroups are the workspace's own groups and the account groups that are
// assigned to it. Members of account groups are not shown here; they are read
// from the account.
func (c *call) visibleGroups() []groupView {
	var admins, users []string
	residents := c.idx.residents(c.ws)
	collect := func(id string) {
		e, here := residents[id]
		if here {
			users = append(users, id)
		}
		if here && e.admin {
			admins = append(admins, id)
		}
	}
	for _, u := range c.acct.Users {
		collect(u.ID)
	}
	for _, sp := range c.acct.ServicePrincipals {
		collect(sp.ID)
	}
	member := func(ids []string) func() []wireMember { return func() []wireMember { return c.wireMembers(ids) } }
	out := []groupView{
		{id: systemGroupID(c.ws, GroupAdmins), name: GroupAdmins, local: true, members: member(admins)},
		{id: systemGroupID(c.ws, GroupUsers), name: GroupUsers, local: true, members: member(users)},
	}
	for _, g := range c.ws.LocalGroups {
		out = append(out, groupView{id: g.ID, name: g.DisplayName, local: true, members: func() []wireMember { return c.localMembers(g) }})
	}
	for _, a := range c.ws.Assignments {
		if p := c.idx.principals[a.PrincipalID]; p != nil && p.kind == kindGroup {
			out = append(out, groupView{id: p.id, name: p.name, external: p.external, members: member(nil)})
		}
	}
	return out
}

func (c *call) groupViewResource(g groupView) map[string]any {
	kind := "Group"
	if g.local {
		kind = "WorkspaceGroup"
	}
	m := map[string]any{
		"schemas":     []string{scimGroupSchema},
		"id":          g.id,
		"displayName": g.name,
		"meta":        map[string]string{"resourceType": kind},
	}
	if !c.isWorkspaceAdmin() {
		return m
	}
	put(m, "externalId", g.external)
	if members := g.members(); len(members) > 0 {
		m["members"] = members
	}
	putValues(m, "roles", c.ws.InstanceProfiles[g.id])
	putValues(m, "entitlements", c.ws.Entitlements[g.entitlementKey()])
	// A group is in users and admins by its assignment, not as a member.
	if parents := c.workspaceGroups(g.id, workspaceEntry{}); len(parents) > 0 {
		m["groups"] = parents
	}
	return m
}

func (g groupView) entitlementKey() string {
	if g.local && (g.name == GroupUsers || g.name == GroupAdmins) {
		return g.name
	}
	return g.id
}

// listWorkspaceGroups tells workspace-local groups (meta.resourceType
// WorkspaceGroup) from account groups (Group)
// (https://docs.databricks.com/api/workspace/groups/list).
func (c *call) listWorkspaceGroups() reply {
	if failed := c.adminAttributes(); failed != nil {
		return *failed
	}
	var items []scimItem
	for _, g := range c.visibleGroups() {
		items = append(items, scimItem{
			attr: func(name string) []string { return userAttr(name, g.id, "", g.name, g.external, true) },
			full: func() map[string]any { return c.groupViewResource(g) },
		})
	}
	return c.scimReply(c.scimList(items))
}

// getWorkspaceGroup: https://docs.databricks.com/api/workspace/groups/get
func (c *call) getWorkspaceGroup() reply {
	for _, g := range c.visibleGroups() {
		if g.id == c.params["id"] {
			return c.scimReply(ok(c.projected(c.groupViewResource(g))))
		}
	}
	return c.noSuch("Group")
}

// patchWorkspaceIdentity changes entitlements, and members of local groups
// (https://docs.databricks.com/api/workspace/groups/patch).
func (c *call) patchWorkspaceIdentity() reply {
	var patch wirePatch
	if err := c.decode(&patch); err != nil || !slices.Contains(patch.Schemas, scimPatchSchema) {
		return scimFail(http.StatusBadRequest, "invalidSyntax", "Request is unparsable")
	}
	key, local, known := c.workspaceIdentity()
	if !known {
		return c.noSuch(strings.TrimSuffix(c.resourceName(), "s"))
	}
	var changes []func()
	for _, op := range patch.Operations {
		path, vals, err := readPath(op)
		if err != nil {
			return scimFail(http.StatusBadRequest, "invalidPath", err.Error())
		}
		change, failed := c.workspacePatchStep(strings.ToLower(op.Op), path, vals, key, local)
		if failed != nil {
			return *failed
		}
		changes = append(changes, change)
	}
	for _, change := range changes {
		change()
	}
	return c.scimReply(status(http.StatusNoContent, nil))
}

// workspaceIdentity finds the resource of a PATCH: the key of its entitlements,
// and the local group if it is one.
func (c *call) workspaceIdentity() (key string, local *LocalGroup, known bool) {
	id := c.params["id"]
	if c.resourceName() == "Groups" {
		for _, g := range c.ws.LocalGroups {
			if g.ID == id {
				return id, g, true
			}
		}
		for _, g := range c.visibleGroups() {
			if g.id == id {
				return g.entitlementKey(), nil, true
			}
		}
		return "", nil, false
	}
	if c.resourceName() == "Users" && slices.ContainsFunc(c.ws.GuestRecords, func(g *GuestRecord) bool { return g.ID == id }) {
		return id, nil, true
	}
	p := c.idx.principals[id]
	return id, nil, p != nil && strings.HasPrefix(p.ref(), c.resourceName()+"/") && c.idx.entry(c.ws, id).any()
}

const (
	// poolEntitlement is for groups only
	// (https://docs.databricks.com/security/auth/entitlements).
	poolEntitlement = "allow-instance-pool-create"
	// consumerEntitlement conflicts with what is more
	// (https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/entitlements).
	consumerEntitlement = "workspace-consume"
)

func (c *call) workspacePatchStep(op, path string, vals []string, key string, local *LocalGroup) (func(), *reply) {
	switch {
	case path == "entitlements":
		for _, v := range vals {
			if iamEntitlementNames[v] == "" {
				r := scimFail(http.StatusBadRequest, "invalidValue", fmt.Sprintf("unknown entitlement %q", v))
				return nil, &r
			}
		}
		if slices.Contains(vals, poolEntitlement) && c.resourceName() != "Groups" && op != "remove" {
			r := scimFail(http.StatusBadRequest, "invalidValue", poolEntitlement+" can be given to groups only")
			return nil, &r
		}
		var list []string
		change, failed := patchList(op, &list, vals)
		if failed != nil {
			return nil, failed
		}
		list = slices.Clone(c.ws.Entitlements[key])
		if change(); slices.Contains(list, consumerEntitlement) && (slices.Contains(list, "workspace-access") || slices.Contains(list, "databricks-sql-access")) {
			r := scimFail(http.StatusBadRequest, "invalidValue", consumerEntitlement+" does not go with workspace-access or databricks-sql-access")
			return nil, &r
		}
		return func() {
			list = slices.Clone(c.ws.Entitlements[key])
			change()
			if c.ws.Entitlements == nil {
				c.ws.Entitlements = map[string][]string{}
			}
			c.ws.Entitlements[key] = list
		}, nil
	case path == "members" && local != nil:
		return patchList(op, &local.Members, vals)
	}
	r := scimFail(http.StatusBadRequest, "invalidPath", fmt.Sprintf("path %q cannot be changed in a workspace", path))
	return nil, &r
}

// wireID is the decimal form of a numeric id.
func wireID(n int64) string { return strconv.FormatInt(n, 10) }
