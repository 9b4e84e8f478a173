package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// grantRoutes are grants, workspace bindings and permissions of shares
// (https://docs.databricks.com/api/workspace/grants, …/workspacebindings, …/shares).
func grantRoutes() []route {
	add := func(method, path string, handle func(*call, *viewer) reply) route {
		return route{method: method, host: onWorkspace, template: ucBase + path, access: member, handle: withViewer(handle)}
	}
	return []route{
		add("GET", "permissions/{type}/{name}", (*call).getGrants),
		add("PATCH", "permissions/{type}/{name}", (*call).patchGrants),
		add("GET", "privilege-assignments/{type}/{name}", (*call).listGrants),
		add("GET", "effective-permissions/{type}/{name}", (*call).getEffective),
		add("GET", "effective-privilege-assignments/{type}/{name}", (*call).listEffective),
		add("GET", "bindings/{type}/{name}", (*call).getBindings),
		add("PATCH", "bindings/{type}/{name}", (*call).patchBindings),
		add("GET", "shares/{name}/permissions", (*call).getSharePermissions),
		add("PATCH", "shares/{name}/permissions", (*call).patchSharePermissions),
		add("GET", "recipients/{name}/share-permissions", (*call).recipientShares),
	}
}

// pathKinds are the securable types that paths may name, in lower case.
var pathKinds = map[string]securableKind{
	"metastore": kindMetastore, "catalog": kindCatalog, "schema": kindSchema, "table": kindTable, "volume": kindVolume,
	"function": kindFunction, "external_location": kindExternalLocation, "storage_credential": kindCredential,
	"credential": kindCredential, "connection": kindConnection, "share": kindShare, "recipient": kindRecipient, "provider": kindProvider,
}

// pathSecurable finds the securable that a grants path names. Names are taken
// from the escaped path, so they may hold any character.
func (c *call) pathSecurable(v *viewer) (*node, *reply) {
	kind, known := pathKinds[strings.ToLower(c.params["type"])]
	if !known {
		return nil, failedWith(badRequest("%s is not a valid securable type", strings.ToUpper(c.params["type"])))
	}
	return c.findSecurable(v, kind, c.params["name"])
}

// managed refuses callers who may not read the grants of the securable.
func (c *call) managed(v *viewer) (*node, *reply) {
	n, failed := c.pathSecurable(v)
	if failed != nil {
		return nil, failed
	}
	if !v.manages(n) {
		return nil, failedWith(forbidden("User does not have permission to read grants: is not metastore admin, owner of or holder of MANAGE on %s '%s'.", n.kind, n.full))
	}
	return n, nil
}

type wirePrivilegeAssignment struct {
	Principal   string   `json:"principal"`
	PrincipalID int64    `json:"principal_id,omitempty"`
	Privileges  []string `json:"privileges,omitempty"`
}

// wireGrants lists direct grants. The principal of a grant whose principal was
// deleted is empty. Owners are never here.
func (c *call) wireGrants(n *node) []wirePrivilegeAssignment {
	var out []wirePrivilegeAssignment
	for _, g := range *n.grants {
		if c.filteredOut(g.Principal) {
			continue
		}
		w := wirePrivilegeAssignment{Principal: g.Principal, PrincipalID: number(g.PrincipalID)}
		if p := c.idx.byName(g.Principal); p != nil {
			w.PrincipalID = p.number
		}
		for _, p := range g.Privileges {
			w.Privileges = append(w.Privileges, canonical(p))
		}
		out = append(out, w)
	}
	return out
}

// filteredOut applies the principal parameter, which takes the principal's name
// as it is: groups are not expanded.
func (c *call) filteredOut(principal string) bool {
	want := c.query.Get("principal")
	return want != "" && !strings.EqualFold(want, principal)
}

// minGrantPage is the smallest page size of grants, other than 0.
const minGrantPage = 150

// grantPaging checks the size, which may be 0 or at least 150
// (https://docs.databricks.com/api/workspace/grants/get).
func (c *call) grantPaging(sizeParam string, unpaged bool) (paging, *reply) {
	p := paging{key: "privilege_assignments", size: sizeParam, token: "page_token", standard: minGrantPage, limit: 1000, unpaged: unpaged}
	if n, err := strconv.Atoi(c.query.Get(sizeParam)); err == nil && n > 0 && n < minGrantPage {
		return p, failedWith(badRequest("%s must be 0 or at least %d, not %d", sizeParam, minGrantPage, n))
	}
	return p, nil
}

// getGrants: https://docs.databricks.com/api/workspace/grants/get
func (c *call) getGrants(v *viewer) reply {
	return grantsReply(c, v, "max_results", true, c.wireGrants)
}

// listGrants: https://docs.databricks.com/api/workspace/grants/list
func (c *call) listGrants(v *viewer) reply {
	return grantsReply(c, v, "page_size", false, c.wireGrants)
}

// grantsReply is one page of what read says about the securable, to a caller who manages it.
func grantsReply[T any](c *call, v *viewer, sizeParam string, unpaged bool, read func(*node) []T) reply {
	n, failed := c.managed(v)
	if failed != nil {
		return *failed
	}
	p, failed := c.grantPaging(sizeParam, unpaged)
	if failed != nil {
		return *failed
	}
	return listReply(c, p, read(n))
}

type wireEffectivePrivilege struct {
	Privilege     string `json:"privilege"`
	InheritedType string `json:"inherited_from_type,omitempty"`
	InheritedName string `json:"inherited_from_name,omitempty"`
}

type wireEffectiveAssignment struct {
	Principal  string                   `json:"principal"`
	Privileges []wireEffectivePrivilege `json:"privileges"`
}

// getEffective: https://docs.databricks.com/api/workspace/grants/geteffective
func (c *call) getEffective(v *viewer) reply {
	return grantsReply(c, v, "max_results", true, func(n *node) []wireEffectiveAssignment { return c.effective(v, n) })
}

// listEffective: https://docs.databricks.com/api/workspace/grants/listeffective
func (c *call) listEffective(v *viewer) reply {
	return grantsReply(c, v, "page_size", false, func(n *node) []wireEffectiveAssignment { return c.effective(v, n) })
}

// effective adds the grants of the containers, each privilege with where it
// comes from. BROWSE on a catalog is not repeated on what is in it.
func (c *call) effective(v *viewer, n *node) []wireEffectiveAssignment {
	byPrincipal := map[string]*wireEffectiveAssignment{}
	var order []string
	for a := n; a != nil; a = a.parent {
		if a != n && v.catalogue.metastore.privilegeModel() != "1.0" {
			break
		}
		for _, g := range *a.grants {
			if c.filteredOut(g.Principal) || g.Principal == "" {
				continue
			}
			w := byPrincipal[g.Principal]
			if w == nil {
				w = &wireEffectiveAssignment{Principal: g.Principal}
				byPrincipal[g.Principal] = w
				order = append(order, g.Principal)
			}
			w.Privileges = append(w.Privileges, effectivePrivileges(n, a, g)...)
		}
	}
	out := make([]wireEffectiveAssignment, 0, len(order))
	for _, name := range order {
		if w := byPrincipal[name]; len(w.Privileges) > 0 {
			out = append(out, *w)
		}
	}
	return out
}

func effectivePrivileges(n, from *node, g Grant) []wireEffectivePrivilege {
	var out []wireEffectivePrivilege
	for _, p := range g.Privileges {
		w := wireEffectivePrivilege{Privilege: canonical(p)}
		if from != n {
			w.InheritedType, w.InheritedName = strings.ToUpper(string(from.kind)), from.full
			if w.Privilege == "BROWSE" {
				continue
			}
		}
		out = append(out, w)
	}
	return out
}

// grantable are the privileges of each kind of securable
// (https://docs.databricks.com/data-governance/unity-catalog/manage-privileges/privileges).
var grantable = map[securableKind][]string{
	kindMetastore: {
		"CREATE_CATALOG", "CREATE_CLEAN_ROOM", "CREATE_CONNECTION", "CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_METADATA",
		"CREATE_PROVIDER", "CREATE_RECIPIENT", "CREATE_SHARE", "CREATE_SERVICE_CREDENTIAL", "CREATE_STORAGE_CREDENTIAL",
		"MANAGE_ALLOWLIST", "SET_SHARE_PERMISSION", "USE_MARKETPLACE_ASSETS", "USE_PROVIDER", "USE_RECIPIENT", "USE_SHARE",
	},
	kindCatalog: {
		"USE_CATALOG", "BROWSE", "CREATE_SCHEMA", "USE_SCHEMA", "CREATE_TABLE", "CREATE_MATERIALIZED_VIEW", "CREATE_VOLUME",
		"CREATE_FUNCTION", "CREATE_MODEL", "SELECT", "MODIFY", "REFRESH", "READ_VOLUME", "WRITE_VOLUME", "EXECUTE", "APPLY_TAG",
		"MANAGE", "ALL_PRIVILEGES", "EXTERNAL_USE_SCHEMA",
	},
	kindSchema: {
		"USE_SCHEMA", "CREATE_TABLE", "CREATE_MATERIALIZED_VIEW", "CREATE_VOLUME", "CREATE_FUNCTION", "CREATE_MODEL", "SELECT",
		"MODIFY", "REFRESH", "READ_VOLUME", "WRITE_VOLUME", "EXECUTE", "APPLY_TAG", "MANAGE", "ALL_PRIVILEGES", "EXTERNAL_USE_SCHEMA",
	},
	kindTable:    {"SELECT", "MODIFY", "REFRESH", "APPLY_TAG", "MANAGE", "ALL_PRIVILEGES"},
	kindVolume:   {"READ_VOLUME", "WRITE_VOLUME", "APPLY_TAG", "MANAGE", "ALL_PRIVILEGES"},
	kindFunction: {"EXECUTE", "MANAGE", "ALL_PRIVILEGES"},
	kindModel:    {"EXECUTE", "APPLY_TAG", "CREATE_MODEL_VERSION", "MANAGE", "ALL_PRIVILEGES"},
	kindExternalLocation: {
		"READ_FILES", "WRITE_FILES", "CREATE_EXTERNAL_TABLE", "CREATE_EXTERNAL_VOLUME", "CREATE_MANAGED_STORAGE",
		"CREATE_FOREIGN_SECURABLE", "BROWSE", "EXTERNAL_USE_LOCATION", "MANAGE", "ALL_PRIVILEGES",
	},
	kindCredential: {
		"CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_TABLE", "READ_FILES", "WRITE_FILES", "ACCESS", "CREATE_CONNECTION", "MANAGE", "ALL_PRIVILEGES",
	},
	kindConnection: {"USE_CONNECTION", "CREATE_FOREIGN_CATALOG", "MANAGE", "ALL_PRIVILEGES"},
	kindShare:      {"SELECT"},
}

type wireGrantChanges struct {
	Changes []struct {
		Principal string   `json:"principal"`
		Add       []string `json:"add"`
		Remove    []string `json:"remove"`
	} `json:"changes"`
	Omit bool `json:"omit_permissions_in_response"`
}

// patchGrants adds and removes privileges; all changes are checked first, and
// adding what is there or removing what is not is no error
// (https://docs.databricks.com/api/workspace/grants/update). Account admins may
// grant on the metastore, and only the owner of a catalog lets data in it be
// read from outside
// (https://docs.databricks.com/data-governance/unity-catalog/manage-privileges/privileges).
func (c *call) patchGrants(v *viewer) reply {
	n, failed := c.pathSecurable(v)
	if failed != nil {
		return *failed
	}
	if !v.mayGrant(n) && (n.kind != kindMetastore || !c.isAccountAdmin()) {
		return forbidden("User does not own %s '%s', does not have MANAGE on it, or cannot use what it is in.", n.kind, n.full)
	}
	if cat := n.catalog(); cat != nil && !v.is(*cat.owner) && c.addsPrivilege("EXTERNAL_USE_SCHEMA") {
		return forbidden("Only the owner of catalog '%s' can grant EXTERNAL USE SCHEMA.", cat.full)
	}
	exists := func(name string) bool { return c.idx.byName(name) != nil }
	return c.changeGrants(n, exists)
}

// addsPrivilege reports whether the changes of the body grant a privilege.
func (c *call) addsPrivilege(privilege string) bool {
	var body wireGrantChanges
	if c.decode(&body) != nil {
		return false
	}
	for _, ch := range body.Changes {
		if slices.ContainsFunc(ch.Add, func(p string) bool { return canonical(p) == privilege }) {
			return true
		}
	}
	return false
}

func (c *call) changeGrants(n *node, exists func(string) bool) reply {
	var body wireGrantChanges
	if err := c.decode(&body); err != nil {
		return badRequest("malformed request: %v", err)
	}
	for _, ch := range body.Changes {
		if !exists(ch.Principal) && len(ch.Add) > 0 {
			return fail(http.StatusBadRequest, "PRINCIPAL_DOES_NOT_EXIST", fmt.Sprintf("Could not find principal with name %s.", ch.Principal))
		}
		for _, p := range slices.Concat(ch.Add, ch.Remove) {
			if !slices.Contains(grantable[n.kind], canonical(p)) {
				return badRequest("Privilege %s is not applicable to this entity [%s:%s]", p, n.full, strings.ToUpper(string(n.kind)))
			}
		}
	}
	for _, ch := range body.Changes {
		n.revoke(ch.Principal, ch.Remove)
		n.grant(ch.Principal, ch.Add)
	}
	if body.Omit {
		return ok(nil)
	}
	return ok(map[string]any{"privilege_assignments": c.wireGrants(n)})
}

func (n *node) grant(principal string, privileges []string) {
	if len(privileges) == 0 {
		return
	}
	var names []string
	for _, p := range privileges {
		names = append(names, canonical(p))
	}
	for i := range *n.grants {
		if g := &(*n.grants)[i]; strings.EqualFold(g.Principal, principal) {
			g.Privileges = union(g.Privileges, names)
			return
		}
	}
	*n.grants = append(*n.grants, Grant{Principal: principal, Privileges: union(nil, names)})
}

// revoke removes privileges. Revoking ALL_PRIVILEGES also takes those that it
// implies (https://docs.databricks.com/sql/language-manual/security-revoke).
func (n *node) revoke(principal string, privileges []string) {
	all := slices.ContainsFunc(privileges, func(p string) bool { return canonical(p) == allPrivileges })
	gone := func(held string) bool {
		held = canonical(held)
		return all && !outsideAll[held] || slices.ContainsFunc(privileges, func(p string) bool { return canonical(p) == held })
	}
	for i := range *n.grants {
		if g := &(*n.grants)[i]; strings.EqualFold(g.Principal, principal) {
			g.Privileges = slices.DeleteFunc(slices.Clone(g.Privileges), gone)
		}
	}
	*n.grants = slices.DeleteFunc(*n.grants, func(g Grant) bool { return len(g.Privileges) == 0 })
}

type wireBinding struct {
	WorkspaceID int64  `json:"workspace_id"`
	Type        string `json:"binding_type,omitempty"`
}

// boundSecurable refuses securables without bindings, and callers who are
// neither metastore admin nor owner.
func (c *call) boundSecurable(v *viewer) (*node, *reply) {
	n, failed := c.pathSecurable(v)
	if failed != nil {
		return nil, failed
	}
	if n.iso == nil {
		return nil, failedWith(badRequest("%s has no workspace bindings", c.params["type"]))
	}
	if !v.metastoreAdmin() && !v.is(*n.owner) {
		return nil, failedWith(forbidden("User is not metastore admin or owner of %s '%s'.", n.kind, n.full))
	}
	return n, nil
}

// getBindings: https://docs.databricks.com/api/workspace/workspacebindings/getbindings
func (c *call) getBindings(v *viewer) reply {
	n, failed := c.boundSecurable(v)
	if failed != nil {
		return *failed
	}
	return listReply(c, ucPaging("bindings", 1000, 1000), n.wireBindings())
}

func (n *node) wireBindings() []wireBinding {
	var out []wireBinding
	for _, b := range n.iso.Bindings {
		out = append(out, wireBinding{b.WorkspaceID, either(b.Type, ReadWrite)})
	}
	return out
}

// patchBindings: https://docs.databricks.com/api/workspace/workspacebindings/updatebindings
func (c *call) patchBindings(v *viewer) reply {
	n, failed := c.boundSecurable(v)
	if failed != nil {
		return *failed
	}
	var body struct {
		Add    []wireBinding `json:"add"`
		Remove []wireBinding `json:"remove"`
	}
	if err := c.decode(&body); err != nil {
		return badRequest("malformed request: %v", err)
	}
	for _, b := range body.Add {
		if w := c.idx.workspaces[b.WorkspaceID]; w == nil || w.MetastoreID != c.ws.MetastoreID {
			return badRequest("Workspace %d is not on this metastore", b.WorkspaceID)
		}
		if b.Type == ReadOnly && n.kind != kindCatalog {
			return badRequest("Only catalogs can be bound read-only")
		}
	}
	for _, b := range slices.Concat(body.Remove, body.Add) {
		n.iso.Bindings = slices.DeleteFunc(n.iso.Bindings, func(old Binding) bool { return old.WorkspaceID == b.WorkspaceID })
	}
	for _, b := range body.Add {
		n.iso.Bindings = append(n.iso.Bindings, Binding(b))
	}
	return ok(map[string]any{"bindings": n.wireBindings()})
}

// shareAccess finds a share whose permissions the caller may see: those of its
// owner, of metastore admins, and of holders of USE_SHARE on the metastore.
func (c *call) shareAccess(v *viewer) (*node, *reply) {
	n, failed := c.findSecurable(v, kindShare, c.params["name"])
	if failed != nil {
		return nil, failed
	}
	if visible, _ := v.sees(n, false); !visible {
		return nil, failedWith(forbidden("User is not owner of share '%s' and does not hold USE_SHARE.", n.full))
	}
	return n, nil
}

// getSharePermissions: grants of a share name recipients
// (https://docs.databricks.com/api/workspace/shares/sharepermissions).
func (c *call) getSharePermissions(v *viewer) reply {
	n, failed := c.shareAccess(v)
	if failed != nil {
		return *failed
	}
	return listReply(c, ucPaging("privilege_assignments", 100, 1000), c.wireGrants(n))
}

// patchSharePermissions: https://docs.databricks.com/api/workspace/shares/updatepermissions
func (c *call) patchSharePermissions(v *viewer) reply {
	n, failed := c.shareAccess(v)
	if failed != nil {
		return *failed
	}
	if !v.manages(n) && !v.holds(v.catalogue.root, "SET_SHARE_PERMISSION") {
		return forbidden("User may not change permissions of share '%s'.", n.full)
	}
	return c.changeGrants(n, func(name string) bool { return v.catalogue.find(kindRecipient, name) != nil })
}

type wireRecipientShare struct {
	ShareName   string                    `json:"share_name"`
	Assignments []wirePrivilegeAssignment `json:"privilege_assignments"`
}

// recipientShares: https://docs.databricks.com/api/workspace/recipients/sharepermissions
func (c *call) recipientShares(v *viewer) reply {
	r, failed := c.findSecurable(v, kindRecipient, c.params["name"])
	if failed != nil {
		return *failed
	}
	if visible, _ := v.sees(r, false); !visible {
		return forbidden("User is not owner of recipient '%s'.", r.full)
	}
	var out []wireRecipientShare
	for _, s := range v.catalogue.metastore.Shares {
		for _, g := range s.Grants {
			if strings.EqualFold(g.Principal, r.name) {
				out = append(out, wireRecipientShare{s.Name, []wirePrivilegeAssignment{{Principal: g.Principal, Privileges: g.Privileges}}})
			}
		}
	}
	return listReply(c, ucPaging("permissions_out", 100, 1000), out)
}
