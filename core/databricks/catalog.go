package databricks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
)

// catalogAPI is the root of Unity Catalog's API.
const catalogAPI = "/api/2.1/unity-catalog/"

// child is how the children of one type are listed.
type child struct {
	path string
	list string // the field that holds the list in an answer
	// query are parameters besides the parent's names. max_results=0 asks for pages of the server's
	// choice; without it the answer is unpaged, which is being withdrawn.
	query url.Values
	// inSchema and inCatalog say which of the parent's names to give.
	inCatalog, inSchema bool
}

func listed(path, list string, query ...string) child {
	c := child{path: path, list: list, query: url.Values{"max_results": {"0"}}}
	for _, q := range query {
		k, v, _ := strings.Cut(q, "=")
		c.query.Set(k, v)
	}
	return c
}

func (c child) catalog() child { c.inCatalog = true; return c }
func (c child) schema() child  { c.inCatalog, c.inSchema = true, true; return c }

const (
	browse  = "include_browse=true"
	unbound = "include_unbound=true"
)

// children are the listings by type.
//
// https://docs.databricks.com/api/workspace/catalogs/list and the list pages of schemas, tables,
// volumes, functions, registeredmodels, externallocations, storagecredentials, credentials,
// connections, shares, recipients and providers beside it
var children = map[identity.SecurableType]child{
	identity.TypeCatalog: listed("catalogs", "catalogs", browse, unbound),
	identity.TypeSchema:  listed("schemas", "schemas", browse).catalog(),
	// omit_username would leave out the owner, so it is not among these.
	identity.TypeTable:             listed("tables", "tables", browse, "omit_columns=true", "omit_properties=true").schema(),
	identity.TypeVolume:            listed("volumes", "volumes", browse).schema(),
	identity.TypeFunction:          listed("functions", "functions", browse).schema(),
	identity.TypeModel:             listed("models", "registered_models", browse).schema(),
	identity.TypeExternalLocation:  listed("external-locations", "external_locations", browse, unbound),
	identity.AnyCredential:         listed("credentials", "credentials", unbound),
	identity.TypeServiceCredential: listed("credentials", "credentials", unbound),
	identity.TypeStorageCredential: listed("storage-credentials", "storage_credentials", unbound),
	identity.TypeConnection:        listed("connections", "connections"),
	identity.TypeShare:             listed("shares", "shares"),
	identity.TypeRecipient:         listed("recipients", "recipients"),
	identity.TypeProvider:          listed("providers", "providers"),
}

// securableRow is one row of any of the listings.
type securableRow struct {
	Name          string `json:"name"`
	Owner         string `json:"owner"`
	IsolationMode string `json:"isolation_mode"`
	TableType     string `json:"table_type"`
	CatalogType   string `json:"catalog_type"`
	BrowseOnly    bool   `json:"browse_only"`
	Purpose       string `json:"purpose"`
	VolumeType    string `json:"volume_type"`
	Storage       string `json:"storage_location"` // of tables and volumes
	URL           string `json:"url"`              // of external locations
}

// securableRows is a page of any of the listings: the field that holds the list is named after it.
type securableRows map[string]json.RawMessage

func (w securableRows) page(list string) (page[securableRow], error) {
	var p page[securableRow]
	if raw, ok := w[list]; ok {
		if err := json.Unmarshal(raw, &p.items); err != nil {
			return p, err
		}
	}
	if raw, ok := w["next_page_token"]; ok {
		var next scalar
		if err := json.Unmarshal(raw, &next); err != nil {
			return p, err
		}
		p.next = string(next)
	}
	return p, nil
}

// Children lists the securables of one type in a parent, isolated ones that the workspace is not
// bound to included as far as the caller may see them.
func (s *Session) Children(ctx context.Context, at identity.Workspace, parent identity.Securable, t identity.SecurableType) ([]identity.SecurableInfo, error) {
	c, ok := children[t]
	if !ok {
		return nil, unsupported(fmt.Sprintf("securables of type %s cannot be listed", t))
	}
	rows, err := s.childRows(ctx, at, parent, c)
	if t == identity.AnyCredential && identity.IsKind(err, identity.Unsupported) {
		// Service credentials came later: without them the older endpoint has everything.
		t = identity.TypeStorageCredential
		rows, err = s.childRows(ctx, at, parent, children[t])
	}
	found := make([]identity.SecurableInfo, 0, len(rows))
	for _, row := range rows {
		if t == identity.TypeServiceCredential && !row.service() {
			continue // the listing has credentials of either purpose
		}
		found = append(found, row.info(parent, t))
	}
	return found, err
}

func (s *Session) childRows(ctx context.Context, at identity.Workspace, parent identity.Securable, c child) ([]securableRow, error) {
	r, err := s.at(at, get(classCatalog, catalogAPI+c.path))
	if err != nil {
		return nil, err
	}
	r.query = url.Values{}
	for k, v := range c.query {
		r.query[k] = v
	}
	if c.inCatalog {
		r.query.Set("catalog_name", parent.Catalog)
	}
	if c.inSchema {
		r.query.Set("schema_name", parent.Schema)
	}
	if c.inCatalog && parent.Catalog == "" || c.inSchema && parent.Schema == "" {
		return nil, s.failed(fmt.Errorf("%s needs the name of its parent, not %s", r.route, parent))
	}
	var malformed error
	rows, err := tokenPages(ctx, s, r,
		func(row securableRow) string { return row.Name },
		func(w securableRows) page[securableRow] {
			p, err := w.page(c.list)
			if err != nil {
				malformed = err
			}
			return p
		})
	if err == nil && malformed != nil {
		err = incomplete("%s: the answer cannot be read: %v", r.route, malformed)
	}
	return rows, err
}

// service tells a service credential from a storage credential.
func (row securableRow) service() bool { return strings.EqualFold(row.Purpose, "SERVICE") }

func (row securableRow) info(parent identity.Securable, t identity.SecurableType) identity.SecurableInfo {
	if t == identity.AnyCredential {
		t = identity.TypeStorageCredential
		if row.service() {
			t = identity.TypeServiceCredential
		}
	}
	on := identity.Securable{Metastore: parent.Metastore, Type: t}
	switch {
	case t == identity.TypeCatalog:
		on.Catalog = row.Name
	case t == identity.TypeSchema:
		on.Catalog, on.Schema = parent.Catalog, row.Name
	case t.InSchema():
		on.Catalog, on.Schema, on.Name = parent.Catalog, parent.Schema, row.Name
	default:
		on.Name = row.Name
	}
	info := identity.SecurableInfo{
		Securable: on, Owner: unquote(row.Owner), Isolation: isolation(row.IsolationMode),
		TableType: row.TableType, CatalogType: row.CatalogType, BrowseOnly: row.BrowseOnly,
	}
	if t == identity.TypeVolume {
		info.VolumeType = row.VolumeType
	}
	switch external, _ := info.External(); {
	case external:
		info.Path = row.Storage
	case t == identity.TypeExternalLocation:
		info.Path = row.URL
	}
	return info
}

// isolation reads the mode in both spellings: catalogs say ISOLATED, other securables
// ISOLATION_MODE_ISOLATED.
func isolation(mode string) identity.Isolation {
	switch strings.TrimPrefix(mode, "ISOLATION_MODE_") {
	case "OPEN":
		return identity.IsolationOpen
	case "ISOLATED":
		return identity.Isolated
	default:
		return identity.IsolationUnknown
	}
}

// urlTypes are the spellings of types in addresses where they differ from ours in more than case.
// Models share functions' permissions; storage credentials have a type of their own beside the
// general one.
//
// https://docs.databricks.com/api/uc-grants/v1/get-permissions
var urlTypes = map[identity.SecurableType]string{
	identity.TypeModel:             "function",
	identity.TypeServiceCredential: "credential",
}

func urlType(t identity.SecurableType) string {
	if u, ok := urlTypes[t]; ok {
		return u
	}
	return strings.ToLower(string(t))
}

var (
	routeGrants   = get(classCatalog, catalogAPI+"permissions/{securable_type}/{full_name}")
	routeBindings = get(classCatalog, catalogAPI+"bindings/{securable_type}/{securable_name}")
)

// grantRow is what one principal was given. Of a deleted principal only the id is left; the SDK has
// no field for it.
//
// https://docs.databricks.com/api/uc-grants/v1/get-permissions
type grantRow struct {
	Principal   string   `json:"principal"`
	PrincipalID scalar   `json:"principal_id"`
	Privileges  []string `json:"privileges"`
}

type grantRows struct {
	Rows []grantRow `json:"privilege_assignments"`
	Next string     `json:"next_page_token"`
}

// key tells rows apart. One principal's privileges are on one row of one page, so the whole row can
// serve: two rows for one name, should they come, are both true.
func (g grantRow) key() string {
	if g.Principal == "" && g.PrincipalID == "" && len(g.Privileges) == 0 {
		return "-"
	}
	return g.Principal + "\x00" + string(g.PrincipalID) + "\x00" + strings.Join(g.Privileges, ",")
}

// Grants reads the direct grants on a securable, those of deleted principals included.
func (s *Session) Grants(ctx context.Context, at identity.Workspace, on identity.Securable) ([]identity.Grant, error) {
	r, err := s.securableRequest(at, routeGrants, on)
	if err != nil {
		return nil, err
	}
	r.query = url.Values{"max_results": {"0"}, "include_deleted_principals": {"true"}}
	rows, err := tokenPages(ctx, s, r, grantRow.key,
		func(w grantRows) page[grantRow] { return page[grantRow]{w.Rows, w.Next} })
	found := make([]identity.Grant, 0, len(rows))
	for _, row := range rows {
		if g := row.grant(on); len(g.Privileges) > 0 {
			found = append(found, g)
		}
	}
	return found, err
}

func (g grantRow) grant(on identity.Securable) identity.Grant {
	out := identity.Grant{Securable: on, Holder: unquote(g.Principal)}
	if out.Holder == "" {
		out.DeletedID = string(g.PrincipalID)
	}
	for _, p := range g.Privileges {
		if p != "" {
			out.Privileges = append(out.Privileges, identity.ParsePrivilege(p))
		}
	}
	out.Privileges = identity.SortPrivileges(out.Privileges)
	return out
}

// securableRequest makes a request about one securable.
func (s *Session) securableRequest(at identity.Workspace, r route, on identity.Securable) (request, error) {
	if err := s.named(on); err != nil {
		return request{}, err
	}
	return s.at(at, r, urlType(on.Type), on.FullName())
}

// named fails for a securable that lacks a part of its name: the rest would name another one.
func (s *Session) named(on identity.Securable) error {
	if slices.Contains(on.Parts(), "") {
		return s.failed(fmt.Errorf("%s lacks a part of its name", on))
	}
	return nil
}

// bindingRow lets one workspace use a securable.
//
// https://docs.databricks.com/api/workspace/workspacebindings/getbindings
type bindingRow struct {
	Workspace scalar `json:"workspace_id"`
	Type      string `json:"binding_type"`
}

type bindingRows struct {
	Rows []bindingRow `json:"bindings"`
	Next string       `json:"next_page_token"`
}

// Bindings reads which workspaces an isolated securable is bound to.
func (s *Session) Bindings(ctx context.Context, at identity.Workspace, on identity.Securable) ([]identity.Binding, error) {
	r, err := s.securableRequest(at, routeBindings, on)
	if err != nil {
		return nil, err
	}
	r.query = url.Values{"max_results": {"0"}}
	rows, err := tokenPages(ctx, s, r,
		func(b bindingRow) string { return string(b.Workspace) },
		func(w bindingRows) page[bindingRow] { return page[bindingRow]{w.Rows, w.Next} })
	found := make([]identity.Binding, 0, len(rows))
	for _, row := range rows {
		id, parseErr := strconv.ParseInt(string(row.Workspace), 10, 64)
		if parseErr != nil {
			return found, incomplete("%s: %q is not the id of a workspace", r.route, row.Workspace)
		}
		found = append(found, identity.Binding{Workspace: identity.WorkspaceID(id), ReadOnly: row.Type == "BINDING_TYPE_READ_ONLY"})
	}
	return found, err
}

// unquote takes off the backticks in which some answers wrap names.
func unquote(name string) string {
	if len(name) > 1 && name[0] == '`' && name[len(name)-1] == '`' {
		return strings.ReplaceAll(name[1:len(name)-1], "``", "`")
	}
	return name
}
