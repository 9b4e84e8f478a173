package sandbox

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// objectKind describes one type of workspace object: where it is listed, what a
// row holds, and which permission levels it knows, lowest first.
type objectKind struct {
	// list is the path of the list, empty for what only workspace/list shows;
	// aliases are further paths of the list and how they page.
	list    string
	aliases map[string]paging
	paging  paging
	// id, name, creator, owner, runAs and path name the fields of a row; empty
	// means that rows do not have it, or that it takes more than a copy (see row).
	id, name, creator, owner, runAs, path string
	numericID                             bool
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

// atLeastOne refuses a page size of 0, which elsewhere means the server's.
func atLeastOne(p paging) paging {
	p.positive = true
	return p
}

var (
	fileLevels  = []string{"CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}
	viewLevels  = []string{"CAN_VIEW", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}
	useLevels   = []string{"CAN_USE", "CAN_MANAGE"}
	queryLevels = []string{"CAN_QUERY", "CAN_MANAGE"}

	jobPaging   = atLeastOne(objectPaging("jobs", "limit", 20, 100, true))
	modelPaging = objectPaging("registered_models", "max_results", 100, 1000, true)
)

// objectKinds are the types of the Permissions API
// (https://docs.databricks.com/api/workspace/permissions/get); each list follows
// the reference page of its own service.
var objectKinds = map[string]objectKind{
	"jobs": {list: "/api/2.2/jobs/list", aliases: map[string]paging{"/api/2.1/jobs/list": jobPaging}, paging: jobPaging, id: "job_id", numericID: true, creator: "creator_user_name",
		levels: []string{"CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE"}, oneOwner: true},
	"clusters":         {list: "/api/2.1/clusters/list", aliases: map[string]paging{"/api/2.0/clusters/list": whole("clusters")}, paging: objectPaging("clusters", "page_size", 20, 100, true), id: "cluster_id", name: "cluster_name", creator: "creator_user_name", levels: []string{"CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"}},
	"cluster-policies": {list: "/api/2.0/policies/clusters/list", paging: whole("policies"), id: "policy_id", name: "name", creator: "creator_user_name", levels: []string{"CAN_USE"}},
	"instance-pools":   {list: "/api/2.0/instance-pools/list", paging: whole("instance_pools"), id: "instance_pool_id", name: "instance_pool_name", levels: []string{"CAN_ATTACH_TO", "CAN_MANAGE"}},
	"pipelines": {list: "/api/2.0/pipelines", paging: objectPaging("statuses", "max_results", 25, 100, true), id: "pipeline_id", name: "name", creator: "creator_user_name",
		levels: []string{"CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "IS_OWNER"}, oneOwner: true},
	"warehouses": {list: "/api/2.0/sql/warehouses", paging: unpagedUnlessAsked(objectPaging("warehouses", "page_size", 100, 100, false)), id: "id", name: "name", creator: "creator_name",
		levels: []string{"CAN_VIEW", "CAN_USE", "CAN_MONITOR", "IS_OWNER", "CAN_MANAGE"}, oneOwner: true},
	"queries":          {list: "/api/2.0/sql/queries", paging: objectPaging("results", "page_size", 20, 100, false), id: "id", name: "display_name", owner: "owner_user_name", levels: viewLevels},
	"alerts":           {list: "/api/2.0/sql/alerts", paging: objectPaging("results", "page_size", 20, 100, false), id: "id", name: "display_name", owner: "owner_user_name", levels: viewLevels},
	"alertsv2":         {list: "/api/2.0/alerts", paging: objectPaging("alerts", "page_size", 20, 100, false), id: "id", name: "display_name", owner: "owner_user_name", levels: fileLevels},
	"dbsql-dashboards": {paging: whole("results"), id: "id", name: "name", levels: viewLevels},
	"dashboards":       {list: "/api/2.0/lakeview/dashboards", paging: objectPaging("dashboards", "page_size", 20, 1000, false), id: "dashboard_id", name: "display_name", path: "path", levels: fileLevels},
	"genie":            {list: "/api/2.0/genie/spaces", paging: objectPaging("spaces", "page_size", 20, 100, false), id: "space_id", name: "title", levels: viewLevels},
	"notebooks":        {levels: fileLevels},
	"files":            {levels: fileLevels},
	"directories":      {levels: fileLevels},
	"repos":            {list: "/api/2.0/repos", paging: paging{key: "repos", size: "-", token: "next_page_token", standard: 20, limit: 20}, id: "id", numericID: true, path: "path", levels: fileLevels},
	"experiments":      {list: "/api/2.0/mlflow/experiments/list", paging: unpagedUnlessAsked(objectPaging("experiments", "max_results", 1000, 1000, false)), id: "experiment_id", name: "name", levels: []string{"CAN_READ", "CAN_EDIT", "CAN_MANAGE"}, class: LimitMLflowSearch},
	"registered-models": {list: "/api/2.0/mlflow/registered-models/list", aliases: map[string]paging{"/api/2.0/mlflow/registered-models/search": modelPaging}, paging: modelPaging, name: "name", creator: "user_id",
		levels: []string{"CAN_READ", "CAN_EDIT", "CAN_MANAGE_STAGING_VERSIONS", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE"}, class: LimitMLflowSearch},
	"serving-endpoints":       {list: "/api/2.0/serving-endpoints", paging: whole("endpoints"), id: "id", name: "name", creator: "creator", levels: []string{"CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"}},
	"apps":                    {list: "/api/2.0/apps", paging: objectPaging("apps", "page_size", 20, 100, false), id: "id", name: "name", creator: "creator", levels: useLevels},
	"vector-search-endpoints": {list: "/api/2.0/vector-search/endpoints", paging: objectPaging("endpoints", "-", 100, 100, false), id: "id", name: "name", creator: "creator", levels: useLevels},
	"database-instances":      {list: "/api/2.0/database/instances", paging: objectPaging("database_instances", "page_size", 100, 100, false), id: "uid", name: "name", creator: "creator", levels: useLevels},
	"database-projects":       {list: "/api/2.0/postgres/projects", paging: objectPaging("projects", "page_size", 100, 100, false), levels: useLevels},
	"knowledge-assistants":    {list: "/api/2.1/knowledge-assistants", paging: objectPaging("knowledge_assistants", "page_size", 100, 100, false), id: "id", name: "display_name", creator: "creator", levels: queryLevels},
	"supervisor-agents":       {list: "/api/2.1/supervisor-agents", paging: objectPaging("supervisor_agents", "page_size", 100, 100, false), id: "supervisor_agent_id", name: "display_name", creator: "creator", levels: queryLevels},
}

func unpagedUnlessAsked(p paging) paging {
	p.unpaged = true
	return p
}

func objectRoutes() []route {
	on := func(method, path string, class LimitClass, handle func(*call) reply) route {
		return route{method: method, host: onWorkspace, template: path, access: member, class: class, handle: handle}
	}
	out := []route{
		on("GET", "/api/2.0/workspace/list", noLimit, (*call).listDirectory),
		on("GET", "/api/2.0/workspace/get-status", noLimit, (*call).pathStatus),
		on("GET", "/api/2.2/jobs/get", noLimit, (*call).getJob),
		on("GET", "/api/2.1/jobs/get", noLimit, (*call).getJob),
		on("GET", "/api/2.0/pipelines/{id}", noLimit, (*call).getPipeline),
		on("GET", "/api/2.0/sql/warehouses/{id}", noLimit, (*call).getWarehouse),
		on("GET", "/api/2.0/preview/sql/dashboards", noLimit, (*call).legacyDashboards),
		{method: "POST", host: onWorkspace, template: "/api/2.0/mlflow/experiments/search", access: member, class: LimitMLflowSearch, reads: true, handle: (*call).searchExperiments},
		on("GET", "/api/2.0/mlflow/databricks/registered-models/get", noLimit, (*call).getRegisteredModel),
		on("GET", "/api/2.0/lakeview/dashboards/{id}/published", noLimit, (*call).publishedDashboard),
	}
	for kind, k := range objectKinds {
		if k.list == "" {
			continue
		}
		out = append(out, on("GET", k.list, k.class, func(c *call) reply { return c.listObjects(kind, k.paging) }))
		for path, p := range k.aliases {
			out = append(out, on("GET", path, k.class, func(c *call) reply { return c.listObjects(kind, p) }))
		}
	}
	for _, base := range []string{"/api/2.0/permissions/{type}/{id}", "/api/2.0/permissions/sql/{sql}/{id}"} {
		out = append(out,
			on("GET", base, LimitPermissionsGet, (*call).getPermissions),
			on("GET", base+"/permissionLevels", LimitPermissionsGet, (*call).permissionLevels),
			on("PUT", base, LimitPermissionsWrite, (*call).setPermissions),
			on("PATCH", base, LimitPermissionsWrite, (*call).raisePermissions),
		)
	}
	return append(out, workspaceAdminRoutes()...)
}

// listObjects shows admins everything and others what they have a permission on.
func (c *call) listObjects(kind string, p paging) reply {
	var found []*Object
	for _, o := range c.ws.Objects {
		if o.Type == kind && c.asksFor(o) && c.sees(o) {
			found = append(found, o)
		}
	}
	part, next, failed := page(c, p, found)
	if failed != nil {
		return *failed
	}
	body := map[string]any{}
	if len(part) > 0 {
		rows := make([]map[string]any, len(part))
		for i, o := range part {
			rows[i] = c.row(kind, o)
		}
		body[p.key] = rows
	}
	if kind == "jobs" {
		body["has_more"] = next != ""
	}
	if next != "" {
		body["next_page_token"] = next
	}
	return ok(body)
}

// asksFor applies the filters of the lists that have some.
func (c *call) asksFor(o *Object) bool {
	switch o.Type {
	case "jobs":
		name := c.query.Get("name")
		return name == "" || strings.EqualFold(name, o.Name)
	case "clusters":
		return c.wantedCluster(o)
	case "repos":
		return c.wantedRepo(o)
	}
	return true
}

// wantedCluster: cluster_sources takes several values, repeated or with commas
// (https://docs.databricks.com/api/workspace/clusters/list).
func (c *call) wantedCluster(o *Object) bool {
	var sources []string
	for _, v := range c.query["filter_by.cluster_sources"] {
		sources = append(sources, strings.Split(v, ",")...)
	}
	return len(sources) == 0 || slices.Contains(sources, clusterSource(o))
}

func clusterSource(o *Object) string {
	source, _ := o.Extra["cluster_source"].(string)
	return either(source, "UI")
}

// wantedRepo: the list shows git folders that the caller manages, and without a
// prefix only those in /Repos
// (https://docs.databricks.com/api/workspace/repos/list).
func (c *call) wantedRepo(o *Object) bool {
	prefix := treePath(c.query.Get("path_prefix"))
	if prefix == "/" {
		prefix = "/Repos/"
	}
	return strings.HasPrefix(o.treePath(), prefix) && (c.isWorkspaceAdmin() || c.holdsOn(o, "CAN_MANAGE"))
}

// row is an object as its list shows it.
func (c *call) row(kind string, o *Object) map[string]any {
	k := objectKinds[kind]
	m := map[string]any{}
	for field, value := range map[string]string{k.id: o.ID, k.name: o.Name, k.creator: o.Creator, k.owner: o.Owner, k.runAs: o.RunAs, k.path: o.Path} {
		if field != "" {
			put(m, field, value)
		}
	}
	if k.numericID {
		m[k.id] = number(o.ID)
	}
	switch kind {
	case "jobs":
		c.wireJob(m, o)
	case "clusters":
		m["cluster_source"], m["state"] = clusterSource(o), "RUNNING"
	case "pipelines":
		m["state"] = "IDLE"
		put(m, "run_as_user_name", either(o.RunAs, o.owner()))
	case "alertsv2":
		m["effective_run_as"] = runAs(either(o.RunAs, o.Owner))
		if o.RunAs != "" {
			m["run_as"] = runAs(o.RunAs)
		}
	case "queries", "alerts", "dashboards":
		m["lifecycle_state"] = "ACTIVE"
	case "experiments":
		m["lifecycle_stage"] = "active"
		m["tags"] = []map[string]string{{"key": "mlflow.ownerEmail", "value": o.Creator}, {"key": "mlflow.experimentType", "value": "MLFLOW_EXPERIMENT"}}
	case "database-projects":
		m["name"], m["uid"] = "projects/"+o.ID, o.ID
	case "knowledge-assistants", "supervisor-agents":
		m["name"] = kind + "/" + o.ID
	}
	maps.Copy(m, o.Extra)
	if kind == "warehouses" {
		m["state"] = c.srv.statements.warehouseState(c.ws, o)
	}
	return m
}

func (c *call) object(kind, id string) *Object { return c.idx.objects[c.ws].byID[kind+"/"+id] }

// searchExperiments is told in the body what other lists are told in the query
// (https://docs.databricks.com/api/workspace/experiments/searchexperiments).
func (c *call) searchExperiments() reply {
	var body struct {
		MaxResults int    `json:"max_results"`
		PageToken  string `json:"page_token"`
	}
	if len(c.body) > 0 {
		if err := c.decode(&body); err != nil {
			return badRequest("malformed request: %v", err)
		}
	}
	c.query = url.Values{"max_results": {strconv.Itoa(body.MaxResults)}, "page_token": {body.PageToken}}
	return c.listObjects("experiments", objectPaging("experiments", "max_results", 1000, 3000, true))
}

// getRegisteredModel gives the id that permissions go by, which the list lacks
// (https://docs.databricks.com/api/workspace/modelregistry/getmodel).
func (c *call) getRegisteredModel() reply {
	name := c.query.Get("name")
	for _, o := range c.ws.Objects {
		switch {
		case o.Type != "registered-models" || o.Name != name:
		case !c.sees(o):
			return forbidden("%s does not have Read permissions on RegisteredModel '%s'.", c.caller.name, name)
		default:
			return ok(map[string]any{"registered_model_databricks": map[string]any{"id": o.ID, "name": o.Name, "user_id": o.Creator}})
		}
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "RegisteredModel '%s' does not exist.", name)
}
