package sandbox

import (
	"fmt"
	"strings"
)

const ucBase = "/api/2.1/unity-catalog/"

// catalogRoutes are the lists and reads of Unity Catalog, on workspace hosts
// only (https://docs.databricks.com/api/workspace/catalogs and its neighbours).
func catalogRoutes() []route {
	get := func(path string, handle func(*call, *viewer) reply) route {
		return route{method: "GET", host: onWorkspace, template: ucBase + path, access: member, handle: withViewer(handle)}
	}
	patch := func(path string, kind securableKind) route {
		return route{method: "PATCH", host: onWorkspace, template: ucBase + path, access: member, handle: withViewer(func(c *call, v *viewer) reply { return c.updateSecurable(v, kind) })}
	}
	out := []route{
		get("metastore_summary", (*call).metastoreSummary),
		get("current-metastore-assignment", (*call).currentMetastore),
		get("metastores", (*call).metastoresHere),
		get("metastores/{metastore_id}", (*call).metastoreHere),
		get("table-summaries", (*call).tableSummaries),
	}
	for _, l := range ucLists {
		out = append(out,
			get(l.path, func(c *call, v *viewer) reply { return c.listSecurables(v, l) }),
			get(l.path+"/{name}", func(c *call, v *viewer) reply { return c.getSecurable(v, l) }),
			patch(l.path+"/{name}", l.kind),
		)
	}
	return out
}

// withViewer refuses workspaces without a metastore.
func withViewer(handle func(*call, *viewer) reply) func(*call) reply {
	return func(c *call) reply {
		v := c.viewer()
		if v == nil {
			return notFound("METASTORE_DOES_NOT_EXIST", "No metastore assigned for the current workspace.")
		}
		return handle(c, v)
	}
}

// ucList describes one list of Unity Catalog.
type ucList struct {
	path string
	kind securableKind
	// noun starts the not-found error code: CATALOG_DOES_NOT_EXIST.
	noun   string
	paging paging
	// scope is how far catalog_name and schema_name narrow the list.
	scope ucScope
	// only keeps some objects of the kind out; nil keeps all.
	only func(any) bool
}

type ucScope int

const (
	scopeMetastore ucScope = iota
	scopeCatalog           // catalog_name required
	scopeSchema            // catalog_name and schema_name required
	scopeModels            // both or none
)

func ucPaging(key string, standard, limit int) paging {
	return paging{key: key, size: "max_results", token: "page_token", standard: standard, limit: limit, unpaged: true}
}

// ucLists has every list with the page sizes that its reference page gives; where
// it gives none, 100 and 1000.
var ucLists = []ucList{
	{path: "catalogs", kind: kindCatalog, noun: "CATALOG", paging: ucPaging("catalogs", 100, 1000)},
	{path: "schemas", kind: kindSchema, noun: "SCHEMA", paging: ucPaging("schemas", 100, 1000), scope: scopeCatalog},
	{path: "tables", kind: kindTable, noun: "TABLE", paging: ucPaging("tables", 50, 50), scope: scopeSchema},
	{path: "volumes", kind: kindVolume, noun: "VOLUME", paging: alwaysPaged(ucPaging("volumes", 10000, 10000)), scope: scopeSchema},
	{path: "functions", kind: kindFunction, noun: "FUNCTION", paging: ucPaging("functions", 100, 1000), scope: scopeSchema},
	{path: "models", kind: kindModel, noun: "REGISTERED_MODEL", paging: alwaysPaged(ucPaging("registered_models", 100, 1000)), scope: scopeModels},
	{path: "external-locations", kind: kindExternalLocation, noun: "EXTERNAL_LOCATION", paging: ucPaging("external_locations", 100, 1000)},
	{path: "storage-credentials", kind: kindCredential, noun: "STORAGE_CREDENTIAL", paging: ucPaging("storage_credentials", 100, 1000), only: isStorageCredential},
	{path: "credentials", kind: kindCredential, noun: "CREDENTIAL", paging: alwaysPaged(ucPaging("credentials", 100, 1000))},
	{path: "connections", kind: kindConnection, noun: "CONNECTION", paging: ucPaging("connections", 100, 1000)},
	{path: "shares", kind: kindShare, noun: "SHARE", paging: ucPaging("shares", 100, 1000)},
	{path: "recipients", kind: kindRecipient, noun: "RECIPIENT", paging: ucPaging("recipients", 100, 1000)},
	{path: "providers", kind: kindProvider, noun: "PROVIDER", paging: ucPaging("providers", 100, 1000)},
}

func alwaysPaged(p paging) paging {
	p.unpaged = false
	return p
}

func isStorageCredential(object any) bool { return object.(*Credential).purpose() == "STORAGE" }

func (cr *Credential) purpose() string {
	if cr.Purpose == "" {
		return "STORAGE"
	}
	return cr.Purpose
}

// listSecurables filters by what the caller may see and by workspace bindings,
// and pages.
func (c *call) listSecurables(v *viewer, l ucList) reply {
	candidates, failed := c.ucCandidates(v, &l)
	if failed != nil {
		return *failed
	}
	browse := c.query.Get("include_browse") == "true"
	unbound := c.query.Get("include_unbound") == "true"
	type row struct {
		n          *node
		browseOnly bool
	}
	rows := make([]row, 0, len(candidates))
	for _, n := range candidates {
		visible, browseOnly := v.sees(n, browse)
		if !visible || !unbound && !n.usable(c.ws) || l.only != nil && !l.only(n.object) || !c.wantedPurpose(n) {
			continue
		}
		rows = append(rows, row{n, browseOnly})
	}
	part, next, failed := page(c, l.paging, rows)
	if failed != nil {
		return *failed
	}
	body := map[string]any{}
	if len(part) > 0 {
		out := make([]any, len(part))
		for i, r := range part {
			out[i] = c.wireSecurable(v, r.n, r.browseOnly)
		}
		body[l.paging.key] = out
	}
	if next != "" {
		body["next_page_token"] = next
	}
	return ok(body)
}

func (c *call) wantedPurpose(n *node) bool {
	cr, isCredential := n.object.(*Credential)
	want := c.query.Get("purpose")
	return !isCredential || want == "" || cr.purpose() == want
}

// ucCandidates are the securables in the scope that the query names.
func (c *call) ucCandidates(v *viewer, l *ucList) ([]*node, *reply) {
	catalog, schema := c.query.Get("catalog_name"), c.query.Get("schema_name")
	switch l.scope {
	case scopeMetastore:
		return v.catalogue.ofKind(l.kind), nil
	case scopeModels:
		if catalog == "" && schema == "" {
			return c.modelsEverywhere(v), nil
		}
		l.paging.standard, l.paging.limit = 10000, 10000
	case scopeCatalog:
		if catalog == "" {
			return nil, failedWith(badRequest("catalog_name is required"))
		}
		cat, failed := c.openCatalog(v, catalog)
		if failed != nil {
			return nil, failed
		}
		var out []*node
		for _, s := range cat.object.(*Catalog).Schemas {
			out = append(out, v.catalogue.find(kindSchema, cat.full+"."+s.Name))
		}
		return out, nil
	}
	if catalog == "" || schema == "" {
		return nil, failedWith(badRequest("catalog_name and schema_name are required"))
	}
	if _, failed := c.openCatalog(v, catalog); failed != nil {
		return nil, failed
	}
	sch := v.catalogue.find(kindSchema, catalog+"."+schema)
	if sch == nil {
		return nil, failedWith(notFound("SCHEMA_DOES_NOT_EXIST", "Schema '%s.%s' does not exist.", catalog, schema))
	}
	return v.catalogue.children(sch, l.kind), nil
}

func failedWith(r reply) *reply { return &r }

// openCatalog finds a catalog and refuses one that is not bound to this
// workspace: nothing under it can be read from here.
func (c *call) openCatalog(v *viewer, name string) (*node, *reply) {
	cat := v.catalogue.find(kindCatalog, name)
	if cat == nil {
		return nil, failedWith(notFound("CATALOG_DOES_NOT_EXIST", "Catalog '%s' does not exist.", name))
	}
	if !cat.usable(c.ws) {
		return nil, failedWith(forbidden("Catalog '%s' is not accessible in current workspace", cat.name))
	}
	return cat, nil
}

// modelsEverywhere lists the models of all catalogs that are usable here.
func (c *call) modelsEverywhere(v *viewer) []*node {
	var out []*node
	for _, cat := range v.catalogue.metastore.Catalogs {
		n := v.catalogue.find(kindCatalog, cat.Name)
		if !n.usable(c.ws) {
			continue
		}
		for _, s := range cat.Schemas {
			out = append(out, v.catalogue.children(v.catalogue.find(kindSchema, cat.Name+"."+s.Name), kindModel)...)
		}
	}
	return out
}

// ofKind lists the securables directly under the metastore, in the account's order.
func (x *catalogue) ofKind(kind securableKind) []*node {
	var out []*node
	add := func(name string) { out = append(out, x.find(kind, name)) }
	m := x.metastore
	switch kind {
	case kindCatalog:
		for _, o := range m.Catalogs {
			add(o.Name)
		}
	case kindExternalLocation:
		for _, o := range m.ExternalLocations {
			add(o.Name)
		}
	case kindCredential:
		for _, o := range m.Credentials {
			add(o.Name)
		}
	case kindConnection:
		for _, o := range m.Connections {
			add(o.Name)
		}
	case kindShare:
		for _, o := range m.Shares {
			add(o.Name)
		}
	case kindRecipient:
		for _, o := range m.Recipients {
			add(o.Name)
		}
	case kindProvider:
		for _, o := range m.Providers {
			add(o.Name)
		}
	}
	return out
}

// children lists the objects of one kind in a schema.
func (x *catalogue) children(schema *node, kind securableKind) []*node {
	var out []*node
	add := func(name string) { out = append(out, x.byName[kind][strings.ToLower(schema.full+"."+name)]) }
	s := schema.object.(*Schema)
	switch kind {
	case kindTable:
		for _, o := range s.Tables {
			add(o.Name)
		}
	case kindVolume:
		for _, o := range s.Volumes {
			add(o.Name)
		}
	case kindFunction:
		for _, o := range s.Functions {
			add(o.Name)
		}
	case kindModel:
		for _, o := range s.Models {
			add(o.Name)
		}
	}
	return out
}

// getSecurable reads one object by its full name.
func (c *call) getSecurable(v *viewer, l ucList) reply {
	n, failed := c.findSecurable(v, l.kind, c.params["name"])
	if failed != nil {
		return *failed
	}
	visible, browseOnly := v.sees(n, c.query.Get("include_browse") == "true")
	if !visible {
		return forbidden("User does not have the privileges to read %s '%s'.", n.kind, n.full)
	}
	return ok(c.wireSecurable(v, n, browseOnly))
}

// findSecurable finds an object that is reachable from this workspace. The
// catalog itself can be read where it is not bound, what is in it cannot.
func (c *call) findSecurable(v *viewer, kind securableKind, full string) (*node, *reply) {
	n := v.catalogue.find(kind, full)
	if n == nil {
		return nil, failedWith(notFound(notFoundCode(kind), "%s '%s' does not exist.", strings.ToUpper(string(kind[:1]))+string(kind[1:]), full))
	}
	if cat := n.catalog(); cat != nil && cat != n && !cat.usable(c.ws) {
		return nil, failedWith(forbidden("Catalog '%s' is not accessible in current workspace", cat.name))
	}
	return n, nil
}

func notFoundCode(kind securableKind) string {
	for _, l := range ucLists {
		if l.kind == kind {
			return l.noun + "_DOES_NOT_EXIST"
		}
	}
	return strings.ToUpper(string(kind)) + "_DOES_NOT_EXIST"
}

// updateSecurable changes the owner and, of isolatable objects, the isolation
// mode (https://docs.databricks.com/api/workspace/catalogs/update).
func (c *call) updateSecurable(v *viewer, kind securableKind) reply {
	n, failed := c.findSecurable(v, kind, c.params["name"])
	if failed != nil {
		return *failed
	}
	if !v.manages(n) {
		return forbidden("User is not an owner of %s '%s'.", n.kind, n.full)
	}
	var body struct {
		Owner         *string `json:"owner"`
		IsolationMode *string `json:"isolation_mode"`
	}
	if err := c.decode(&body); err != nil {
		return badRequest("malformed request: %v", err)
	}
	if body.Owner != nil && c.idx.byName(*body.Owner) == nil {
		return fail(400, "PRINCIPAL_DOES_NOT_EXIST", fmt.Sprintf("Could not find principal with name %s.", *body.Owner))
	}
	if body.IsolationMode != nil {
		mode := strings.TrimPrefix(*body.IsolationMode, "ISOLATION_MODE_")
		if n.iso == nil || mode != Open && mode != Isolated {
			return badRequest("isolation_mode %s cannot be set", *body.IsolationMode)
		}
		n.iso.Mode = mode
	}
	if body.Owner != nil {
		*n.owner = *body.Owner
	}
	return ok(c.wireSecurable(v, n, false))
}

// wireSecurable makes the wire form of an object; a caller who may only browse
// it gets the name and little more.
func (c *call) wireSecurable(v *viewer, n *node, browseOnly bool) map[string]any {
	m := map[string]any{
		"name":         n.name,
		"metastore_id": v.catalogue.metastore.ID,
	}
	if browseOnly {
		m["browse_only"] = true
	}
	if n.parent != nil {
		m["full_name"] = n.full
		m["catalog_name"] = n.catalog().name
	} else if n.kind == kindCatalog {
		m["full_name"] = n.full
	}
	if n.parent != nil && n.kind != kindSchema {
		m["schema_name"] = n.parent.name
	}
	put(m, "owner", *n.owner)
	c.wireDetails(m, n)
	return m
}

// wireDetails adds the fields of each kind.
func (c *call) wireDetails(m map[string]any, n *node) {
	switch o := n.object.(type) {
	case *Catalog:
		wireCatalog(m, o)
	case *Schema:
		put(m, "comment", o.Comment)
	case *Table:
		c.wireTable(m, o)
	case *Volume:
		put(m, "comment", o.Comment)
		m["volume_type"] = either(o.Type, "MANAGED")
		put(m, "storage_location", o.StorageLocation)
	case *Function:
		put(m, "comment", o.Comment)
		put(m, "routine_definition", o.Definition)
		// Listings leave it out, and so do answers to who does not ask for it.
		if c.query.Get("include_dependencies") == "true" {
			m["routine_dependencies"] = dependencies(o.Dependencies, o.FunctionDependencies)
		}
	case *Model:
		put(m, "comment", o.Comment)
	case *ExternalLocation:
		put(m, "comment", o.Comment)
		m["url"], m["credential_name"], m["read_only"] = o.URL, o.CredentialName, o.IsReadOnly
		m["isolation_mode"] = "ISOLATION_MODE_" + either(o.Mode, Open)
	case *Credential:
		put(m, "comment", o.Comment)
		m["isolation_mode"] = "ISOLATION_MODE_" + either(o.Mode, Open)
		m["purpose"] = o.purpose()
		if o.RoleARN != "" {
			m["aws_iam_role"] = map[string]string{"role_arn": o.RoleARN}
		}
	case *Connection:
		put(m, "comment", o.Comment)
		m["connection_type"] = o.Type
	case *Share:
		put(m, "comment", o.Comment)
		if c.query.Get("include_shared_data") == "true" {
			m["objects"] = sharedObjects(o)
		}
	case *Recipient:
		put(m, "comment", o.Comment)
		m["authentication_type"] = either(o.AuthenticationType, "TOKEN")
	case *Provider:
		put(m, "comment", o.Comment)
		m["authentication_type"] = either(o.AuthenticationType, "TOKEN")
	}
}

func wireCatalog(m map[string]any, o *Catalog) {
	put(m, "comment", o.Comment)
	m["catalog_type"] = either(o.Type, "MANAGED_CATALOG")
	m["isolation_mode"] = either(o.Mode, Open)
	m["securable_type"] = "CATALOG"
	put(m, "connection_name", o.ConnectionName)
	put(m, "provider_name", o.ProviderName)
	put(m, "share_name", o.ShareName)
}

func sharedObjects(s *Share) []map[string]string {
	out := make([]map[string]string, len(s.Objects))
	for i, name := range s.Objects {
		out[i] = map[string]string{"name": name, "data_object_type": "TABLE"}
	}
	return out
}

func either(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}

type wireColumn struct {
	Name     string    `json:"name"`
	TypeText string    `json:"type_text"`
	Position int       `json:"position"`
	Mask     *wireMask `json:"mask,omitempty"`
}

type wireMask struct {
	FunctionName string `json:"function_name"`
}

type wireRowFilter struct {
	FunctionName string   `json:"function_name"`
	Columns      []string `json:"input_column_names"`
}

// wireTable honours the parameters that shorten a table
// (https://docs.databricks.com/api/workspace/tables/list): omit_username takes
// the owner away.
func (c *call) wireTable(m map[string]any, t *Table) {
	put(m, "comment", t.Comment)
	m["table_type"] = either(t.Type, "MANAGED")
	put(m, "storage_location", t.StorageLocation)
	put(m, "view_definition", t.ViewDefinition)
	if len(t.Dependencies)+len(t.FunctionDependencies) > 0 {
		m["view_dependencies"] = dependencies(t.Dependencies, t.FunctionDependencies)
	}
	if t.RowFilter != "" {
		m["row_filter"] = wireRowFilter{t.RowFilter, t.RowFilterColumns}
	}
	if c.query.Get("omit_username") == "true" {
		delete(m, "owner")
	}
	if c.query.Get("omit_columns") == "true" {
		return
	}
	var cols []wireColumn
	for i, col := range t.Columns {
		w := wireColumn{Name: col.Name, TypeText: col.Type, Position: i}
		if col.Mask != "" {
			w.Mask = &wireMask{col.Mask}
		}
		cols = append(cols, w)
	}
	if len(cols) > 0 {
		m["columns"] = cols
	}
}

// dependencies is a dependency list of tables and functions, as views and
// functions carry it
// (https://docs.databricks.com/api/workspace/tables/get#view_dependencies).
func dependencies(tables, functions []string) any {
	deps := []map[string]any{}
	for _, name := range tables {
		deps = append(deps, map[string]any{"table": map[string]string{"table_full_name": name}})
	}
	for _, name := range functions {
		deps = append(deps, map[string]any{"function": map[string]string{"function_full_name": name}})
	}
	return map[string]any{"dependencies": deps}
}

// tableSummaries lists names and types of a whole catalog, without owners
// (https://docs.databricks.com/api/workspace/tables/listsummaries).
func (c *call) tableSummaries(v *viewer) reply {
	name := c.query.Get("catalog_name")
	if name == "" {
		return badRequest("catalog_name is required")
	}
	cat, failed := c.openCatalog(v, name)
	if failed != nil {
		return *failed
	}
	type summary struct {
		FullName  string `json:"full_name"`
		TableType string `json:"table_type"`
	}
	var out []summary
	schemas, tables := c.query.Get("schema_name_pattern"), c.query.Get("table_name_pattern")
	for _, s := range cat.object.(*Catalog).Schemas {
		if schemas != "" && !like(schemas, s.Name) {
			continue
		}
		for _, n := range v.catalogue.children(v.catalogue.find(kindSchema, cat.full+"."+s.Name), kindTable) {
			if visible, _ := v.sees(n, false); visible && (tables == "" || like(tables, n.name)) {
				out = append(out, summary{n.full, either(n.object.(*Table).Type, "MANAGED")})
			}
		}
	}
	return listReply(c, alwaysPaged(ucPaging("tables", 10000, 10000)), out)
}

// like is SQL LIKE with % and _.
func like(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	switch pattern[0] {
	case '%':
		for i := 0; i <= len(s); i++ {
			if like(pattern[1:], s[i:]) {
				return true
			}
		}
		return false
	case '_':
		return s != "" && like(pattern[1:], s[1:])
	}
	return s != "" && s[0] == pattern[0] && like(pattern[1:], s[1:])
}

// metastoreSummary: https://docs.databricks.com/api/workspace/metastores/summary
func (c *call) metastoreSummary(v *viewer) reply { return ok(c.wireMetastore(v.catalogue.metastore)) }

// currentMetastore: https://docs.databricks.com/api/workspace/metastores/current
func (c *call) currentMetastore(v *viewer) reply {
	return ok(wireMetastoreAssignment{c.ws.MetastoreID, c.ws.ID, c.ws.DefaultCatalog})
}

// metastoresHere lists all metastores, for admins of this workspace's metastore
// (https://docs.databricks.com/api/workspace/metastores/list).
func (c *call) metastoresHere(v *viewer) reply {
	if !v.metastoreAdmin() {
		return forbidden("User is not a metastore admin")
	}
	var out []wireMetastore
	for _, m := range c.acct.Metastores {
		out = append(out, c.wireMetastore(m))
	}
	return listReply(c, ucPaging("metastores", 100, 1000), out)
}

// metastoreHere: https://docs.databricks.com/api/workspace/metastores/get
func (c *call) metastoreHere(v *viewer) reply {
	m, failed := c.pathMetastore()
	if failed != nil {
		return *failed
	}
	if !v.metastoreAdmin() {
		return forbidden("User is not a metastore admin")
	}
	return ok(c.wireMetastore(m))
}
