package sandbox

import "slices"

// authorizationLevels are those of authorization/tokens and authorization/passwords.
var authorizationLevels = []string{"CAN_USE", "CAN_MANAGE"}

// aclNames are the caller's identities as access control lists spell them.
func (c *call) aclNames() map[string]bool {
	if c.names == nil {
		c.names = c.idx.aclNames(c.ws, c.caller.id)
	}
	return c.names
}

// aclNames maps u:, g: and s: names of everything that counts as the principal
// in a workspace. Where the workspace has a local group, its name in a list is
// that group, not the account group of the same name
// (https://docs.databricks.com/admin/users-groups/workspace-local-groups).
func (x *index) aclNames(w *Workspace, id string) map[string]bool {
	out := map[string]bool{}
	for m := range x.memberships(id) {
		p := x.principals[m]
		if p == nil {
			continue
		}
		prefix := map[principalKind]string{kindUser: "u:", kindSP: "s:", kindGroup: "g:"}[p.kind]
		out[prefix+p.name] = true
	}
	for _, g := range w.LocalGroups {
		delete(out, "g:"+g.DisplayName)
	}
	for _, m := range x.localGroups(w, id) {
		out["g:"+m.group.DisplayName] = true
	}
	for _, r := range w.GuestRecords {
		if r.AccountUserID == id {
			out["u:"+r.UserName] = true
		}
	}
	e := x.entry(w, id)
	if e.any() {
		out["g:"+GroupUsers] = true
	}
	if e.admin {
		out["g:"+GroupAdmins] = true
	}
	return out
}

func (e ACE) key() string {
	switch {
	case e.User != "":
		return "u:" + e.User
	case e.SP != "":
		return "s:" + e.SP
	}
	return "g:" + e.Group
}

// aclTarget is what the path of a permissions call names.
type aclTarget struct {
	kind, id string
	// object is nil for what is no object: tokens, passwords, the root of the models.
	object *Object
	// list holds the entries that are the target's own.
	list     *[]ACE
	levels   []string
	oneOwner bool
}

// sqlTypes are the types that have a second path, permissions/sql/…, and the
// first path they stand for
// (https://docs.databricks.com/api/workspace/permissions/get).
var sqlTypes = map[string]string{"warehouses": "warehouses", "queries": "queries", "alerts": "alerts", "dashboards": "dbsql-dashboards"}

func (c *call) aclTarget() (aclTarget, *reply) {
	kind, id := c.params["type"], c.params["id"]
	if sql, aliased := c.params["sql"]; aliased {
		if kind = sqlTypes[sql]; kind == "" {
			return aclTarget{}, failedWith(badRequest("sql/%s is not a supported object type", sql))
		}
	}
	if kind == "authorization" {
		return c.authorizationTarget(id)
	}
	k, known := objectKinds[kind]
	switch {
	case !known:
		return aclTarget{}, failedWith(badRequest("%s is not a supported object type", kind))
	case kind == "registered-models" && id == "root":
		if !c.isWorkspaceAdmin() {
			return aclTarget{}, failedWith(forbidden("%s does not have Manage permissions on registered-models root.", c.caller.name))
		}
		return aclTarget{kind: kind, id: id, list: &c.ws.ModelRootACL, levels: k.levels}, nil
	}
	o := c.object(kind, id)
	if o == nil {
		return aclTarget{}, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "%s %s does not exist.", kind, id))
	}
	if !c.isWorkspaceAdmin() && !c.holdsOn(o, "CAN_MANAGE", "IS_OWNER") {
		return aclTarget{}, failedWith(forbidden("%s does not have Manage permissions on %s %s.", c.caller.name, kind, id))
	}
	return aclTarget{kind: kind, id: id, object: o, list: &o.ACL, levels: k.levels, oneOwner: k.oneOwner}, nil
}

// authorizationTarget are the lists of who may use tokens and passwords, which
// are not there while tokens are off, or where nobody logs in with a password
// (https://docs.databricks.com/admin/access-control/tokens).
func (c *call) authorizationTarget(id string) (aclTarget, *reply) {
	t := aclTarget{kind: "authorization", id: id, levels: authorizationLevels}
	if !c.isWorkspaceAdmin() {
		return t, failedWith(forbidden("Only workspace admins can manage authorization/%s", id))
	}
	switch {
	case id == "tokens" && c.ws.Conf["enableTokensConfig"] == "false":
		return t, failedWith(notFound("FEATURE_DISABLED", "Personal access tokens are disabled in this workspace."))
	case id == "tokens":
		t.list = &c.ws.TokensACL
	case id == "passwords" && c.ws.PasswordsACL == nil:
		return t, failedWith(notFound("FEATURE_DISABLED", "Passwords are disabled in this workspace."))
	case id == "passwords":
		t.list = &c.ws.PasswordsACL
	default:
		return t, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "authorization/%s does not exist.", id))
	}
	return t, nil
}

type wirePermission struct {
	Level         string   `json:"permission_level"`
	Inherited     bool     `json:"inherited"`
	InheritedFrom []string `json:"inherited_from_object,omitempty"`
}

type wireACE struct {
	User        string           `json:"user_name,omitempty"`
	Group       string           `json:"group_name,omitempty"`
	SP          string           `json:"service_principal_name,omitempty"`
	DisplayName string           `json:"display_name,omitempty"`
	All         []wirePermission `json:"all_permissions"`
}

type wireACL struct {
	ObjectID   string    `json:"object_id"`
	ObjectType string    `json:"object_type"`
	List       []wireACE `json:"access_control_list"`
}

// permissionObjectTypes are the types as answers spell them.
var permissionObjectTypes = map[string]string{
	"jobs": "job", "clusters": "cluster", "cluster-policies": "cluster-policy", "instance-pools": "instance-pool",
	"pipelines": "pipelines", "notebooks": "notebook", "directories": "directory", "files": "file", "repos": "repo",
	"experiments": "mlflowExperiment", "registered-models": "registered-model", "serving-endpoints": "serving-endpoint",
	"queries": "query", "alerts": "alert", "alertsv2": "alertv2", "dbsql-dashboards": "dashboard", "dashboards": "dashboard",
}

// getPermissions lists direct and inherited entries; workspace admins can manage
// everything, which shows as an inherited entry
// (https://docs.databricks.com/api/workspace/permissions/get).
func (c *call) getPermissions() reply {
	t, failed := c.aclTarget()
	if failed != nil {
		return *failed
	}
	return ok(c.wireACL(t))
}

func (c *call) wireACL(t aclTarget) wireACL {
	out := wireACL{ObjectID: "/" + t.kind + "/" + t.id, ObjectType: either(permissionObjectTypes[t.kind], t.kind)}
	if t.kind == "authorization" {
		out.ObjectID, out.ObjectType = t.kind+"/"+t.id, t.id
	}
	at := map[string]int{}
	list := slices.Clone(*t.list)
	if t.object != nil {
		list = c.idx.acl(c.ws, t.object)
	}
	for _, e := range append(list, ACE{Group: GroupAdmins, Level: "CAN_MANAGE"}.from(t.root())) {
		i, known := at[e.key()]
		if !known {
			i = len(out.List)
			at[e.key()] = i
			out.List = append(out.List, wireACE{User: e.User, Group: e.Group, SP: e.SP, DisplayName: c.displayOf(e)})
		}
		out.List[i].All = append(out.List[i].All, wirePermission{e.Level, len(e.InheritedFrom) > 0, e.InheritedFrom})
	}
	return out
}

// root is what the entry of the admins comes from: what lies in folders has it
// from the topmost one.
func (t aclTarget) root() string {
	if t.object != nil && t.object.Path != "" {
		return "/directories/"
	}
	return "/" + t.kind + "/"
}

func (c *call) displayOf(e ACE) string {
	if e.Group != "" {
		return ""
	}
	if p := c.idx.byName(e.User + e.SP); p != nil {
		return p.display
	}
	return ""
}

// permissionLevels: https://docs.databricks.com/api/workspace/permissions/getpermissionlevels
func (c *call) permissionLevels() reply {
	t, failed := c.aclTarget()
	if failed != nil {
		return *failed
	}
	var out []map[string]string
	for _, l := range t.levels {
		out = append(out, map[string]string{"permission_level": l})
	}
	return ok(map[string]any{"permission_levels": out})
}

// aclChanges reads and checks the entries of a PUT or PATCH.
func (c *call) aclChanges(t aclTarget) ([]ACE, *reply) {
	var body struct {
		List []struct {
			User  string `json:"user_name"`
			Group string `json:"group_name"`
			SP    string `json:"service_principal_name"`
			Level string `json:"permission_level"`
		} `json:"access_control_list"`
	}
	if err := c.decode(&body); err != nil {
		return nil, failedWith(badRequest("malformed request: %v", err))
	}
	var out []ACE
	for _, b := range body.List {
		e := ACE{User: b.User, Group: b.Group, SP: b.SP, Level: b.Level}
		switch {
		case !slices.Contains(t.levels, e.Level):
			return nil, failedWith(badRequest("Permission level %s is not supported on %s", e.Level, t.kind))
		case e.Group == GroupAdmins && e.Level != "CAN_MANAGE":
			return nil, failedWith(badRequest("Cannot change permissions of group 'admins'"))
		case e.Group != "" && e.Level == "IS_OWNER":
			return nil, failedWith(badRequest("Groups cannot be owners"))
		case t.kind == "authorization" && e.Level == "CAN_MANAGE" && e.Group != GroupAdmins:
			return nil, failedWith(badRequest("CAN_MANAGE can be held by admins only"))
		case !c.aclPrincipalExists(e):
			return nil, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "Principal %s does not exist", e.User+e.Group+e.SP))
		}
		if e.Group != GroupAdmins {
			out = append(out, e)
		}
	}
	return out, nil
}

func (c *call) aclPrincipalExists(e ACE) bool {
	if e.Group == GroupUsers || e.Group == GroupAdmins {
		return true
	}
	local := slices.ContainsFunc(c.ws.LocalGroups, func(g *LocalGroup) bool { return e.Group != "" && g.DisplayName == e.Group })
	guest := slices.ContainsFunc(c.ws.GuestRecords, func(g *GuestRecord) bool { return e.User != "" && g.UserName == e.User })
	return local || guest || c.idx.byName(e.User+e.Group+e.SP) != nil
}

// setPermissions replaces all direct entries
// (https://docs.databricks.com/api/workspace/permissions/set).
func (c *call) setPermissions() reply {
	t, failed := c.aclTarget()
	if failed != nil {
		return *failed
	}
	list, failed := c.aclChanges(t)
	if failed != nil {
		return *failed
	}
	owners := 0
	for _, e := range list {
		if e.Level == "IS_OWNER" {
			owners++
		}
	}
	if t.oneOwner && owners != 1 {
		return badRequest("The %s must have exactly one owner.", t.kind)
	}
	inherited := slices.DeleteFunc(slices.Clone(*t.list), func(e ACE) bool { return len(e.InheritedFrom) == 0 })
	c.replaceACL(t, append(inherited, list...))
	return ok(c.wireACL(t))
}

// raisePermissions adds entries and raises levels; it never lowers one
// (https://docs.databricks.com/api/workspace/permissions/update).
func (c *call) raisePermissions() reply {
	t, failed := c.aclTarget()
	if failed != nil {
		return *failed
	}
	changes, failed := c.aclChanges(t)
	if failed != nil {
		return *failed
	}
	list := slices.Clone(*t.list)
	for _, e := range changes {
		if e.Level == "IS_OWNER" {
			list = slices.DeleteFunc(list, func(old ACE) bool { return old.Level == "IS_OWNER" })
		}
		i := slices.IndexFunc(list, func(old ACE) bool { return old.key() == e.key() && len(old.InheritedFrom) == 0 })
		switch {
		case i < 0:
			list = append(list, e)
		case slices.Index(t.levels, e.Level) > slices.Index(t.levels, list[i].Level):
			list[i].Level = e.Level
		}
	}
	c.replaceACL(t, list)
	return ok(c.wireACL(t))
}

// replaceACL stores a list. Principals who lose the permission to use tokens
// lose their tokens at once
// (https://docs.databricks.com/api/workspace/tokenmanagement/setpermissions).
func (c *call) replaceACL(t aclTarget, list []ACE) {
	before := *t.list
	*t.list = list
	if t.kind != "authorization" || t.id != "tokens" {
		return
	}
	c.ws.PATs = slices.DeleteFunc(c.ws.PATs, func(p *PAT) bool {
		names := c.idx.aclNames(c.ws, p.OwnerID)
		holds := func(l []ACE) bool {
			return names["g:"+GroupAdmins] || slices.ContainsFunc(l, func(e ACE) bool { return names[e.key()] })
		}
		return holds(before) && !holds(list)
	})
}
