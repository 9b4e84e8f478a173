package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// objectKind describes one type of workspace object: where it is listed, what a
// row holds, and which permission levels it knows, lowest first.
type objectKind struct {
	// list is the path of the list, empty for what only workspace/list shows;
	// aliases are further paths of the same list.
	list    string
	aliases []string
	paging  paging
	// id, name, creator, owner, runAs and path name the fields of a row; empty
	// means that rows do not have it. With nameInSettings the name is one level down.
	id, name, creator, owner, runAs, path string
	numericID                             bool
	nameInSettings                        bool
	levels                                []string
	// oneOwner: the list of permissions must hold exactly one IS_OWNER.
	oneOwner bool
	class    LimitClass
}

func objectPaging(key, size string, standard, limit int, refuse bool) paging {
	return paging{key: key, size: size, token: "page_token", standard: standard, limit: limit, refuse: refuse}
}

// whole is a list that is not paged.
func whole(key string) paging {
	return paging{key: key, size: "-", token: "-", standard: 1 << 30, limit: 1 << 30}
}

var fileLevels = []string{"CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}

// objectKinds are the types of the Permissions API
// (https://docs.databricks.com/api/workspace/permissions/get); each list follows
// the reference page of its own service.
var objectKinds = map[string]objectKind{
	"jobs": {list: "/api/2.2/jobs/list", aliases: []string{"/api/2.1/jobs/list"}, paging: objectPaging("jobs", "limit", 20, 100, true), id: "job_id", numericID: true, name: "name", nameInSettings: true, creator: "creator_user_name",
		levels: []string{"CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE"}, oneOwner: true},
	"clusters":         {list: "/api/2.1/clusters/list", aliases: []string{"/api/2.0/clusters/list"}, paging: objectPaging("clusters", "page_size", 20, 100, true), id: "cluster_id", name: "cluster_name", creator: "creator_user_name", levels: []string{"CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"}},
	"cluster-policies": {list: "/api/2.0/policies/clusters/list", paging: whole("policies"), id: "policy_id", name: "name", creator: "creator_user_name", levels: []string{"CAN_USE"}},
	"instance-pools":   {list: "/api/2.0/instance-pools/list", paging: whole("instance_pools"), id: "instance_pool_id", name: "instance_pool_name", levels: []string{"CAN_ATTACH_TO", "CAN_MANAGE"}},
	"pipelines": {list: "/api/2.0/pipelines", paging: objectPaging("statuses", "max_results", 25, 100, true), id: "pipeline_id", name: "name", creator: "creator_user_name", runAs: "run_as_user_name",
		levels: []string{"CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "IS_OWNER"}, oneOwner: true},
	"warehouses": {list: "/api/2.0/sql/warehouses", paging: whole("warehouses"), id: "id", name: "name", creator: "creator_name",
		levels: []string{"CAN_VIEW", "CAN_USE", "CAN_MONITOR", "IS_OWNER", "CAN_MANAGE"}, oneOwner: true},
	"queries":          {list: "/api/2.0/sql/queries", paging: objectPaging("results", "page_size", 20, 100, false), id: "id", name: "display_name", owner: "owner_user_name", levels: []string{"CAN_VIEW", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}},
	"alerts":           {list: "/api/2.0/sql/alerts", paging: objectPaging("results", "page_size", 20, 100, false), id: "id", name: "display_name", owner: "owner_user_name", levels: []string{"CAN_VIEW", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}},
	"alertsv2":         {list: "/api/2.0/alerts", paging: objectPaging("alerts", "page_size", 20, 100, false), id: "id", name: "display_name", owner: "owner_user_name", levels: fileLevels},
	"dbsql-dashboards": {list: "/api/2.0/preview/sql/dashboards", paging: whole("results"), id: "id", name: "name", levels: []string{"CAN_VIEW", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}},
	"dashboards":       {list: "/api/2.0/lakeview/dashboards", paging: objectPaging("dashboards", "page_size", 20, 1000, false), id: "dashboard_id", name: "display_name", path: "path", levels: fileLevels},
	"genie":            {list: "/api/2.0/genie/spaces", paging: objectPaging("spaces", "page_size", 20, 100, false), id: "space_id", name: "title", levels: []string{"CAN_VIEW", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}},
	"notebooks":        {levels: fileLevels},
	"files":            {levels: fileLevels},
	"directories":      {levels: fileLevels},
	"repos":            {list: "/api/2.0/repos", paging: paging{key: "repos", size: "-", token: "next_page_token", standard: 20, limit: 20}, id: "id", numericID: true, path: "path", levels: fileLevels},
	"experiments":      {list: "/api/2.0/mlflow/experiments/list", paging: objectPaging("experiments", "max_results", 1000, 1000, true), id: "experiment_id", name: "name", levels: []string{"CAN_READ", "CAN_EDIT", "CAN_MANAGE"}, class: LimitMLflowSearch},
	"registered-models": {list: "/api/2.0/mlflow/registered-models/list", aliases: []string{"/api/2.0/mlflow/registered-models/search"}, paging: objectPaging("registered_models", "max_results", 100, 1000, true), name: "name", creator: "user_id",
		levels: []string{"CAN_READ", "CAN_EDIT", "CAN_MANAGE_STAGING_VERSIONS", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE"}, class: LimitMLflowSearch},
	"serving-endpoints":       {list: "/api/2.0/serving-endpoints", paging: whole("endpoints"), id: "id", name: "name", creator: "creator", levels: []string{"CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"}},
	"apps":                    {list: "/api/2.0/apps", paging: objectPaging("apps", "page_size", 20, 100, false), id: "id", name: "name", creator: "creator", levels: []string{"CAN_USE", "CAN_MANAGE"}},
	"vector-search-endpoints": {list: "/api/2.0/vector-search/endpoints", paging: objectPaging("endpoints", "-", 100, 100, false), id: "id", name: "name", creator: "creator", levels: []string{"CAN_USE", "CAN_MANAGE"}},
	"database-instances":      {list: "/api/2.0/database/instances", paging: objectPaging("database_instances", "page_size", 100, 100, false), id: "uid", name: "name", creator: "creator", levels: []string{"CAN_USE", "CAN_MANAGE"}},
}

// authorizationLevels are those of authorization/tokens and authorization/passwords.
var authorizationLevels = []string{"CAN_USE", "CAN_MANAGE"}

func objectRoutes() []route {
	on := func(method, path string, class LimitClass, handle func(*call) reply) route {
		return route{method: method, host: onWorkspace, template: path, access: member, class: class, handle: handle}
	}
	out := []route{
		on("GET", "/api/2.0/workspace/list", noLimit, (*call).listDirectory),
		on("GET", "/api/2.0/workspace/get-status", noLimit, (*call).pathStatus),
		on("GET", "/api/2.2/jobs/get", noLimit, (*call).getJob),
		on("POST", "/api/2.0/mlflow/experiments/search", LimitMLflowSearch, func(c *call) reply { return c.listObjects("experiments") }),
		on("GET", "/api/2.0/mlflow/databricks/registered-models/get", noLimit, (*call).getRegisteredModel),
		on("GET", "/api/2.0/lakeview/dashboards/{id}/published", noLimit, (*call).publishedDashboard),
	}
	for kind, k := range objectKinds {
		if k.list == "" {
			continue
		}
		for _, path := range append([]string{k.list}, k.aliases...) {
			out = append(out, on("GET", path, k.class, func(c *call) reply { return c.listObjects(kind) }))
		}
	}
	for _, base := range []string{"/api/2.0/permissions/{type}/{id}", "/api/2.0/permissions/sql/{type}/{id}"} {
		out = append(out,
			on("GET", base, LimitPermissionsGet, (*call).getPermissions),
			on("GET", base+"/permissionLevels", LimitPermissionsGet, (*call).permissionLevels),
			on("PUT", base, LimitPermissionsWrite, (*call).setPermissions),
			on("PATCH", base, LimitPermissionsWrite, (*call).raisePermissions),
		)
	}
	return append(out, workspaceAdminRoutes()...)
}

// aclNames are the caller's identities as access control lists spell them.
func (c *call) aclNames() map[string]bool { return c.idx.aclNames(c.ws, c.caller.id) }

// aclNames maps u:, g: and s: names of everything that counts as the principal
// in a workspace. Account and local groups of one name are not told apart by
// lists, so neither are they here.
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
		if slices.Contains(g.Members, id) {
			out["g:"+g.DisplayName] = true
		}
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

// listObjects shows admins everything and others what they have a permission on.
func (c *call) listObjects(kind string) reply {
	k := objectKinds[kind]
	admin, names := c.isWorkspaceAdmin(), c.aclNames()
	var rows []map[string]any
	for _, o := range c.ws.Objects {
		if o.Type == kind && (admin || o.visibleTo(names)) {
			rows = append(rows, k.row(o))
		}
	}
	return listReply(c, k.paging, rows)
}

func (o *Object) visibleTo(names map[string]bool) bool {
	return slices.ContainsFunc(o.ACL, func(e ACE) bool { return names[e.key()] })
}

func (k objectKind) row(o *Object) map[string]any {
	m := map[string]any{}
	if k.id != "" {
		m[k.id] = o.ID
		if k.numericID {
			m[k.id] = number(o.ID)
		}
	}
	for field, value := range map[string]string{k.creator: o.Creator, k.owner: o.Owner, k.runAs: o.RunAs, k.path: o.Path} {
		if field != "" {
			put(m, field, value)
		}
	}
	switch {
	case k.nameInSettings:
		settings := map[string]any{"name": o.Name}
		if o.RunAs != "" {
			settings["run_as"] = runAs(o.RunAs)
		}
		m["settings"] = settings
	case k.name != "":
		m[k.name] = o.Name
	}
	maps.Copy(m, o.Extra)
	return m
}

// runAs tells users from application ids by the @.
func runAs(name string) map[string]string {
	if strings.Contains(name, "@") {
		return map[string]string{"user_name": name}
	}
	return map[string]string{"service_principal_name": name}
}

func (c *call) object(kind, id string) *Object {
	for _, o := range c.ws.Objects {
		byName := kind == "apps" || kind == "database-instances"
		if o.Type == kind && (o.ID == id || byName && o.Name == id) {
			return o
		}
	}
	return nil
}

// getJob gives the effective run-as identity, which the list does not
// (https://docs.databricks.com/api/workspace/jobs/get).
func (c *call) getJob() reply {
	o := c.object("jobs", c.query.Get("job_id"))
	if o == nil {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Job %s does not exist.", c.query.Get("job_id"))
	}
	if !c.isWorkspaceAdmin() && !o.visibleTo(c.aclNames()) {
		return forbidden("User %s does not have View permissions on job %s.", c.caller.name, o.ID)
	}
	m := objectKinds["jobs"].row(o)
	put(m, "run_as_user_name", either(o.RunAs, o.Creator))
	return ok(m)
}

// getRegisteredModel: https://docs.databricks.com/api/workspace/modelregistry/getmodel
func (c *call) getRegisteredModel() reply {
	for _, o := range c.ws.Objects {
		if o.Type == "registered-models" && o.Name == c.query.Get("name") {
			return ok(map[string]any{"registered_model_databricks": map[string]any{"id": o.ID, "name": o.Name, "user_id": o.Creator}})
		}
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "RegisteredModel '%s' does not exist.", c.query.Get("name"))
}

// publishedDashboard: https://docs.databricks.com/api/workspace/lakeview/getpublished
func (c *call) publishedDashboard() reply {
	o := c.object("dashboards", c.params["id"])
	if o == nil {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Dashboard %s does not exist.", c.params["id"])
	}
	embed, published := o.Extra["embed_credentials"]
	if !published {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Dashboard %s is not published.", o.ID)
	}
	return ok(map[string]any{"display_name": o.Name, "embed_credentials": embed})
}

// wireObjectTypes are the object types of workspace/list.
var wireObjectTypes = map[string]string{"notebooks": "NOTEBOOK", "files": "FILE", "directories": "DIRECTORY", "repos": "REPO"}

func wireFile(o *Object) map[string]any {
	return map[string]any{"object_type": wireObjectTypes[o.Type], "path": o.Path, "object_id": number(o.ID)}
}

// listDirectory lists one directory, unpaged and not recursive
// (https://docs.databricks.com/api/workspace/workspace/list).
func (c *call) listDirectory() reply {
	dir := strings.TrimSuffix(c.query.Get("path"), "/")
	if dir != "" && c.file(dir) == nil {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Path (%s) doesn't exist.", dir)
	}
	admin, names := c.isWorkspaceAdmin(), c.aclNames()
	var out []map[string]any
	for _, o := range c.ws.Objects {
		name, inside := strings.CutPrefix(o.Path, dir+"/")
		if wireObjectTypes[o.Type] != "" && inside && !strings.Contains(name, "/") && (admin || o.visibleTo(names)) {
			out = append(out, wireFile(o))
		}
	}
	return listReply(c, whole("objects"), out)
}

func (c *call) file(path string) *Object {
	for _, o := range c.ws.Objects {
		if wireObjectTypes[o.Type] != "" && o.Path == path {
			return o
		}
	}
	return nil
}

// pathStatus: https://docs.databricks.com/api/workspace/workspace/getstatus
func (c *call) pathStatus() reply {
	if o := c.file(c.query.Get("path")); o != nil {
		return ok(wireFile(o))
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "Path (%s) doesn't exist.", c.query.Get("path"))
}

// aclTarget is what the path of a permissions call names.
type aclTarget struct {
	kind, id string
	list     *[]ACE
	levels   []string
	oneOwner bool
}

func (c *call) aclTarget() (aclTarget, *reply) {
	kind, id := c.params["type"], c.params["id"]
	if kind == "authorization" {
		t := aclTarget{kind: kind, id: id, levels: authorizationLevels}
		switch id {
		case "tokens":
			t.list = &c.ws.TokensACL
		case "passwords":
			t.list = &c.ws.PasswordsACL
		default:
			return t, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "authorization/%s does not exist.", id))
		}
		if !c.isWorkspaceAdmin() {
			return t, failedWith(forbidden("Only workspace admins can manage authorization/%s", id))
		}
		return t, nil
	}
	k, known := objectKinds[kind]
	if !known {
		return aclTarget{}, failedWith(badRequest("%s is not a supported object type", kind))
	}
	o := c.object(kind, id)
	if o == nil {
		return aclTarget{}, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "%s %s does not exist.", kind, id))
	}
	if !c.isWorkspaceAdmin() && !c.managesObject(o) {
		return aclTarget{}, failedWith(forbidden("%s does not have Manage permissions on %s %s.", c.caller.name, kind, id))
	}
	return aclTarget{kind, id, &o.ACL, k.levels, k.oneOwner}, nil
}

func (c *call) managesObject(o *Object) bool {
	names := c.aclNames()
	return slices.ContainsFunc(o.ACL, func(e ACE) bool {
		return names[e.key()] && (e.Level == "CAN_MANAGE" || e.Level == "IS_OWNER")
	})
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
	"queries": "query", "alerts": "alert", "dashboards": "dashboard", "authorization": "tokens",
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
	for _, e := range append(slices.Clone(*t.list), ACE{Group: GroupAdmins, Level: "CAN_MANAGE", InheritedFrom: []string{"/" + t.kind + "/"}}) {
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

// workspaceAdminRoutes are tokens, secrets and settings.
func workspaceAdminRoutes() []route {
	on := func(method, path string, a access, class LimitClass, handle func(*call) reply) route {
		return route{method: method, host: onWorkspace, template: path, access: a, class: class, handle: handle}
	}
	return []route{
		on("GET", "/api/2.0/token-management/tokens", workspaceAdmin, LimitTokenManagement, (*call).listTokens),
		on("GET", "/api/2.0/token-management/tokens/{id}", workspaceAdmin, LimitTokenManagement, (*call).getToken),
		on("DELETE", "/api/2.0/token-management/tokens/{id}", workspaceAdmin, LimitTokenManagement, (*call).revokeToken),
		on("GET", "/api/2.0/secrets/scopes/list", member, LimitSecrets, (*call).listScopes),
		on("GET", "/api/2.0/secrets/acls/list", member, LimitSecrets, (*call).listSecretACLs),
		on("POST", "/api/2.0/secrets/acls/put", member, LimitSecrets, (*call).putSecretACL),
		on("POST", "/api/2.0/secrets/acls/delete", member, LimitSecrets, (*call).deleteSecretACL),
		on("GET", "/api/2.0/settings/types/{type}/names/default", member, noLimit, (*call).getSetting),
		on("GET", "/api/2.0/workspace-conf", workspaceAdmin, noLimit, (*call).getConf),
		on("GET", "/api/2.0/global-init-scripts", workspaceAdmin, noLimit, (*call).listInitScripts),
		on("GET", "/api/2.0/ip-access-lists", workspaceAdmin, noLimit, func(*call) reply {
			return notFound("FEATURE_DISABLED", "IP access list is not available in the pricing tier of this workspace")
		}),
	}
}

type wireTokenInfo struct {
	TokenID           string   `json:"token_id"`
	OwnerID           int64    `json:"owner_id"`
	CreatedByID       int64    `json:"created_by_id"`
	CreatedByUsername string   `json:"created_by_username"`
	CreationTime      int64    `json:"creation_time"`
	ExpiryTime        int64    `json:"expiry_time"`
	Comment           string   `json:"comment,omitempty"`
	LastUsedDay       int64    `json:"last_used_day,omitempty"`
	Scopes            []string `json:"scopes,omitempty"`
}

func (c *call) wireToken(p *PAT) wireTokenInfo {
	w := wireTokenInfo{TokenID: p.ID, OwnerID: number(p.OwnerID), CreatedByID: number(either(p.CreatedByID, p.OwnerID)), CreationTime: p.CreationTime, ExpiryTime: p.ExpiryTime, Comment: p.Comment, LastUsedDay: p.LastUsedDay, Scopes: p.Scopes}
	if by := c.idx.principals[either(p.CreatedByID, p.OwnerID)]; by != nil {
		w.CreatedByUsername = by.name
	}
	return w
}

// listTokens: https://docs.databricks.com/api/workspace/tokenmanagement/list
func (c *call) listTokens() reply {
	var out []wireTokenInfo
	byID, byName := c.query.Get("created_by_id"), c.query.Get("created_by_username")
	for _, p := range c.ws.PATs {
		w := c.wireToken(p)
		if (byID == "" || byID == wireID(w.CreatedByID)) && (byName == "" || byName == w.CreatedByUsername) {
			out = append(out, w)
		}
	}
	return listReply(c, whole("token_infos"), out)
}

func (c *call) getToken() reply {
	for _, p := range c.ws.PATs {
		if p.ID == c.params["id"] {
			return ok(map[string]any{"token_info": c.wireToken(p)})
		}
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "Token with ID %s does not exist", c.params["id"])
}

// revokeToken takes effect at once; a second time there is nothing to revoke.
func (c *call) revokeToken() reply {
	for i, p := range c.ws.PATs {
		if p.ID == c.params["id"] {
			c.ws.PATs = slices.Delete(c.ws.PATs, i, i+1)
			return ok(nil)
		}
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "Token with ID %s does not exist", c.params["id"])
}

// listScopes shows admins all scopes, others those they have a permission on
// (https://docs.databricks.com/api/workspace/secrets/listscopes).
func (c *call) listScopes() reply {
	var out []map[string]string
	for _, s := range c.ws.Scopes {
		if c.isWorkspaceAdmin() || c.scopeLevel(s) != "" {
			out = append(out, map[string]string{"name": s.Name, "backend_type": s.Backend})
		}
	}
	return listReply(c, whole("scopes"), out)
}

var secretLevels = []string{"READ", "WRITE", "MANAGE"}

// scopeLevel is the caller's highest permission on a scope, or empty.
func (c *call) scopeLevel(s *SecretScope) string {
	best := -1
	names := c.aclNames()
	for _, e := range s.ACLs {
		if names["u:"+e.Principal] || names["g:"+e.Principal] || names["s:"+e.Principal] {
			best = max(best, slices.Index(secretLevels, e.Permission))
		}
	}
	if best < 0 {
		return ""
	}
	return secretLevels[best]
}

// managedScope finds a scope that the caller may manage, as workspace admins may all.
func (c *call) managedScope(name string) (*SecretScope, *reply) {
	for _, s := range c.ws.Scopes {
		if s.Name != name {
			continue
		}
		if c.isWorkspaceAdmin() || c.scopeLevel(s) == "MANAGE" {
			return s, nil
		}
		return nil, failedWith(forbidden("User %s does not have permission MANAGE on scope %s", c.caller.name, name))
	}
	return nil, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "Scope %s does not exist!", name))
}

// listSecretACLs: https://docs.databricks.com/api/workspace/secrets/listacls
func (c *call) listSecretACLs() reply {
	s, failed := c.managedScope(c.query.Get("scope"))
	if failed != nil {
		return *failed
	}
	var out []map[string]string
	for _, e := range s.ACLs {
		out = append(out, map[string]string{"principal": e.Principal, "permission": e.Permission})
	}
	return listReply(c, whole("items"), out)
}

type wireSecretACL struct {
	Scope      string `json:"scope"`
	Principal  string `json:"principal"`
	Permission string `json:"permission"`
}

// putSecretACL: https://docs.databricks.com/api/workspace/secrets/putacl
func (c *call) putSecretACL() reply {
	var b wireSecretACL
	if err := c.decode(&b); err != nil || !slices.Contains(secretLevels, b.Permission) {
		return badRequest("malformed request")
	}
	s, failed := c.managedScope(b.Scope)
	if failed != nil {
		return *failed
	}
	s.ACLs = append(s.without(b.Principal), SecretACL{b.Principal, b.Permission})
	return ok(nil)
}

// deleteSecretACL: https://docs.databricks.com/api/workspace/secrets/deleteacl
func (c *call) deleteSecretACL() reply {
	var b wireSecretACL
	if err := c.decode(&b); err != nil {
		return badRequest("malformed request")
	}
	s, failed := c.managedScope(b.Scope)
	if failed != nil {
		return *failed
	}
	left := s.without(b.Principal)
	if len(left) == len(s.ACLs) {
		return notFound("RESOURCE_DOES_NOT_EXIST", "No ACL for %s on scope %s", b.Principal, b.Scope)
	}
	s.ACLs = left
	return ok(nil)
}

func (s *SecretScope) without(principal string) []SecretACL {
	return slices.DeleteFunc(slices.Clone(s.ACLs), func(e SecretACL) bool { return e.Principal == principal })
}

// getSetting answers 404 for settings that were never set
// (https://docs.databricks.com/api/workspace/restrictworkspaceadmins/get).
func (c *call) getSetting() reply {
	name := strings.ReplaceAll(c.params["type"], "-", "_")
	m := map[string]any{"etag": fmt.Sprintf("ws-%d", c.ws.ID), "setting_name": "default"}
	value, set := c.ws.Settings[name]
	if name == "restrict_workspace_admins" && c.ws.RestrictAdmins != "" {
		value, set = map[string]string{"status": c.ws.RestrictAdmins}, true
	}
	if !set {
		return notFound("NOT_FOUND", "Setting %s is not set", name)
	}
	m[name] = value
	return ok(m)
}

// knownConf are keys that workspace-conf knows besides those that are set.
var knownConf = []string{
	"enableTokensConfig", "maxTokenLifetimeDays", "enableIpAccessLists", "enableExportNotebook", "enableResultsDownloading",
	"enableDbfsFileBrowser", "enableNotebookTableClipboard", "enableWebTerminal", "enableVerboseAuditLogs", "enforceUserIsolation",
	"enableProjectsAllowList", "projectsAllowList", "projectsAllowListPermissions",
}

// getConf: an unknown key fails the whole call
// (https://docs.databricks.com/api/workspace/workspaceconf/getstatus).
func (c *call) getConf() reply {
	out := map[string]any{}
	for _, key := range strings.Split(c.query.Get("keys"), ",") {
		value, set := c.ws.Conf[key]
		switch {
		case set:
			out[key] = value
		case slices.Contains(knownConf, key):
			out[key] = nil
		default:
			return fail(http.StatusBadRequest, "BAD_REQUEST", "Invalid keys: "+strconv.Quote(key))
		}
	}
	return ok(out)
}

// listInitScripts: https://docs.databricks.com/api/workspace/globalinitscripts/list
func (c *call) listInitScripts() reply {
	var out []map[string]any
	for _, s := range c.ws.GlobalInitScripts {
		out = append(out, map[string]any{"script_id": s.ID, "name": s.Name, "created_by": s.CreatedBy, "enabled": s.Enabled, "position": s.Position})
	}
	return listReply(c, whole("scripts"), out)
}
