package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxNesting is the documented depth of nested groups
// (https://docs.databricks.com/admin/users-groups/groups).
const maxNesting = 10

// maxParents is how many groups may hold a principal directly
// (https://docs.databricks.com/resources/limits).
const maxParents = 1500

type wirePatch struct {
	Schemas    []string      `json:"schemas"`
	Operations []wirePatchOp `json:"Operations"`
}

type wirePatchOp struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

const scimPatchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// patchIdentity changes a user, service principal or group
// (https://docs.databricks.com/api/account/accountgroups/patch). All operations
// are checked before the first takes effect. A group's managers may change its
// members (https://docs.databricks.com/admin/users-groups/manage-groups).
func (c *call) patchIdentity() reply {
	p := c.idx.principals[c.params["id"]]
	if p == nil || !strings.HasPrefix(p.ref(), c.resourceName()+"/") {
		return c.noSuch(strings.TrimSuffix(c.resourceName(), "s"))
	}
	if p.kind == kindGroup && !c.mayManageRoles("groups", "accounts/"+c.acct.ID+"/groups/"+p.id+"/ruleSets/default") {
		return scimFail(http.StatusForbidden, "", c.caller.name+" may not change group "+p.name)
	}
	var patch wirePatch
	if err := c.decode(&patch); err != nil {
		return scimFail(http.StatusBadRequest, "invalidSyntax", "Request is unparsable: "+err.Error())
	}
	if !slices.Contains(patch.Schemas, scimPatchSchema) {
		return scimFail(http.StatusBadRequest, "invalidSyntax", "schemas must hold "+scimPatchSchema)
	}
	var changes []func()
	for _, op := range patch.Operations {
		change, failed := c.patchStep(p, op)
		if failed != nil {
			return *failed
		}
		changes = append(changes, change)
	}
	for _, change := range changes {
		change()
	}
	c.idx.indexIdentities()
	return status(http.StatusNoContent, nil)
}

// resourceName is Users, Groups or ServicePrincipals.
func (c *call) resourceName() string {
	parts := c.route.segments
	if last := parts[len(parts)-1]; !isPlaceholder(last) {
		return last
	}
	return parts[len(parts)-2]
}

func (c *call) patchStep(p *principal, op wirePatchOp) (func(), *reply) {
	path, ids, err := readPath(op)
	if err != nil {
		r := scimFail(http.StatusBadRequest, "invalidPath", err.Error())
		return nil, &r
	}
	switch path {
	case "members":
		if p.kind == kindGroup {
			return c.patchMembers(p.group, strings.ToLower(op.Op), ids)
		}
	case "roles":
		if !c.isAccountAdmin() {
			r := scimFail(http.StatusForbidden, "", "Only account admins can change roles")
			return nil, &r
		}
		return patchList(strings.ToLower(op.Op), p.rolesField(), ids)
	case "active", "displayName", "externalId":
		return patchScalar(p, path, op)
	}
	r := scimFail(http.StatusBadRequest, "invalidPath", fmt.Sprintf("path %q cannot be changed", op.Path))
	return nil, &r
}

// readPath splits members[value eq "42"] into path and value, and reads the
// values of all other forms: a list of {value}, one of them, or an object keyed
// by the path when no path is given.
func readPath(op wirePatchOp) (path string, vals []string, err error) {
	path, selector, selected := strings.Cut(op.Path, "[")
	if selected {
		f, err := parseSCIMFilter(strings.TrimSuffix(selector, "]"), map[string]bool{"value": true})
		if err != nil || f.joint != "" || f.op != "eq" || !strings.HasSuffix(selector, "]") {
			return "", nil, fmt.Errorf("selector of path %q is not understood", op.Path)
		}
		return path, []string{f.value}, nil
	}
	raw := op.Value
	if path == "" {
		var byPath map[string]json.RawMessage
		if err := json.Unmarshal(raw, &byPath); err != nil || len(byPath) != 1 {
			return "", nil, fmt.Errorf("an operation without path needs a value with one attribute")
		}
		for path, raw = range byPath {
		}
	}
	var list []wireValue
	if json.Unmarshal(raw, &list) != nil {
		var one wireValue
		if json.Unmarshal(raw, &one) == nil {
			list = []wireValue{one}
		}
	}
	for _, v := range list {
		vals = append(vals, v.Value)
	}
	return path, vals, nil
}

func (p *principal) rolesField() *[]string {
	switch p.kind {
	case kindUser:
		return &p.user.Roles
	case kindSP:
		return &p.sp.Roles
	}
	return &p.group.Roles
}

// patchList changes a list attribute. Adding what is there and removing what is
// not are no errors.
func patchList(op string, list *[]string, vals []string) (func(), *reply) {
	switch op {
	case "add":
		return func() { *list = union(*list, vals) }, nil
	case "remove":
		return func() { *list = without(*list, vals) }, nil
	case "replace":
		return func() { *list = union(nil, vals) }, nil
	}
	r := scimFail(http.StatusBadRequest, "invalidSyntax", fmt.Sprintf("operation %q is not supported", op))
	return nil, &r
}

func union(list, more []string) []string {
	out := slices.Clone(list)
	for _, v := range more {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func without(list, less []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return slices.Contains(less, v) })
}

// patchMembers refuses groups that an identity provider owns
// (https://github.com/databricks/terraform-provider-databricks/issues/4358),
// members that do not exist and nesting that is too deep.
func (c *call) patchMembers(g *Group, op string, ids []string) (func(), *reply) {
	if failed := c.mutableGroup(g); failed != nil {
		return nil, failed
	}
	// Removing without saying whom removes all (RFC 7644 section 3.5.2.2).
	if op == "remove" && len(ids) == 0 {
		ids = slices.Clone(g.Members)
	}
	for _, id := range ids {
		if op != "add" && op != "replace" {
			break
		}
		if c.idx.principals[id] == nil {
			r := scimFail(http.StatusNotFound, "", fmt.Sprintf("Principal with id %s not found.", id))
			return nil, &r
		}
		if in := c.idx.parents[id]; len(in) >= maxParents && !slices.Contains(in, g.ID) {
			r := scimFail(http.StatusBadRequest, "invalidValue", fmt.Sprintf("Principal %s is in %d groups already", id, maxParents))
			return nil, &r
		}
		if c.nestsTooDeep(g.ID, id) {
			r := scimFail(http.StatusBadRequest, "invalidValue", fmt.Sprintf("Groups cannot be nested more than %d levels deep", maxNesting))
			return nil, &r
		}
	}
	return patchList(op, &g.Members, ids)
}

func (c *call) mutableGroup(g *Group) *reply {
	var r reply
	switch {
	case g.ExternalID != "":
		r = forbidden("Group %s is managed by the identity provider and cannot be changed here", g.DisplayName)
	case g.System:
		r = forbidden("Group %s is a system group", g.DisplayName)
	default:
		return nil
	}
	return &r
}

func (c *call) nestsTooDeep(parent, child string) bool {
	if p := c.idx.principals[child]; p == nil || p.kind != kindGroup {
		return false
	}
	return c.height(child, map[string]bool{})+c.depth(parent, map[string]bool{}) > maxNesting
}

// height counts the group levels from a group down, depth those from it up.
func (c *call) height(id string, seen map[string]bool) int {
	p := c.idx.principals[id]
	if seen[id] || p == nil || p.kind != kindGroup {
		return 0
	}
	seen[id] = true
	defer delete(seen, id)
	deepest := 0
	for _, m := range p.group.Members {
		deepest = max(deepest, c.height(m, seen))
	}
	return 1 + deepest
}

func (c *call) depth(id string, seen map[string]bool) int {
	if seen[id] {
		return 0
	}
	seen[id] = true
	defer delete(seen, id)
	deepest := 0
	for _, g := range c.idx.parents[id] {
		deepest = max(deepest, c.depth(g, seen))
	}
	return 1 + deepest
}

func patchScalar(p *principal, path string, op wirePatchOp) (func(), *reply) {
	var text string
	var flag bool
	isText, isFlag := json.Unmarshal(op.Value, &text) == nil, json.Unmarshal(op.Value, &flag) == nil
	switch {
	case path == "active" && isFlag && p.kind == kindUser:
		return func() { p.user.Inactive = !flag }, nil
	case path == "active" && isFlag && p.kind == kindSP:
		return func() { p.sp.Inactive = !flag }, nil
	case path == "displayName" && isText && p.kind == kindUser:
		return func() { p.user.DisplayName = text }, nil
	case path == "displayName" && isText && p.kind == kindSP:
		return func() { p.sp.DisplayName = text }, nil
	case path == "displayName" && isText:
		return func() { p.group.DisplayName = text }, nil
	}
	r := scimFail(http.StatusBadRequest, "invalidValue", fmt.Sprintf("value of %q is not understood", op.Path))
	return nil, &r
}

type wireNewIdentity struct {
	UserName      string       `json:"userName"`
	DisplayName   string       `json:"displayName"`
	ApplicationID string       `json:"applicationId"`
	ExternalID    string       `json:"externalId"`
	Active        *bool        `json:"active"`
	Members       []wireMember `json:"members"`
	Roles         []wireValue  `json:"roles"`
}

// createIdentity creates a user, service principal or group; a duplicate is 409
// (https://docs.databricks.com/api/account/accountusers/create).
func (c *call) createIdentity() reply {
	var n wireNewIdentity
	if err := c.decode(&n); err != nil {
		return scimFail(http.StatusBadRequest, "invalidSyntax", "Request is unparsable: "+err.Error())
	}
	inactive := n.Active != nil && !*n.Active
	roles := make([]string, len(n.Roles))
	for i, r := range n.Roles {
		roles[i] = r.Value
	}
	id := c.idx.nextID()
	switch c.resourceName() {
	case "Users":
		if n.UserName == "" || c.idx.users[strings.ToLower(n.UserName)] != nil {
			return c.duplicate("User", n.UserName)
		}
		c.acct.Users = append(c.acct.Users, &User{ID: id, UserName: n.UserName, DisplayName: n.DisplayName, ExternalID: n.ExternalID, Inactive: inactive, Roles: roles})
	case "ServicePrincipals":
		if n.ApplicationID == "" {
			n.ApplicationID = fmt.Sprintf("00000000-0000-4000-8000-%012s", id)
		}
		if c.idx.apps[n.ApplicationID] != nil {
			return c.duplicate("Service principal", n.ApplicationID)
		}
		c.acct.ServicePrincipals = append(c.acct.ServicePrincipals, &ServicePrincipal{ID: id, ApplicationID: n.ApplicationID, DisplayName: n.DisplayName, ExternalID: n.ExternalID, Inactive: inactive, Roles: roles})
	default:
		if n.DisplayName == "" || c.idx.groups[strings.ToLower(n.DisplayName)] != nil {
			return c.duplicate("Group", n.DisplayName)
		}
		g := &Group{ID: id, DisplayName: n.DisplayName, ExternalID: n.ExternalID, Roles: roles}
		for _, m := range n.Members {
			if c.idx.principals[m.Value] == nil {
				return scimFail(http.StatusNotFound, "", fmt.Sprintf("Principal with id %s not found.", m.Value))
			}
			g.Members = append(g.Members, m.Value)
		}
		c.acct.Groups = append(c.acct.Groups, g)
	}
	c.idx.indexIdentities()
	created := c.idx.principals[id]
	switch created.kind {
	case kindUser:
		return status(http.StatusCreated, userResource(created.user))
	case kindSP:
		return status(http.StatusCreated, spResource(created.sp))
	}
	return status(http.StatusCreated, c.groupResource(created.group, true))
}

func (c *call) duplicate(what, name string) reply {
	if name == "" {
		return scimFail(http.StatusBadRequest, "invalidValue", what+" needs a name")
	}
	return scimFail(http.StatusConflict, "uniqueness", fmt.Sprintf("%s with name %s already exists.", what, name))
}

// nextID is one more than the largest id in use.
func (x *index) nextID() string {
	var top int64
	for _, p := range x.principals {
		top = max(top, p.number)
	}
	return fmt.Sprint(top + 1)
}

// deleteIdentity deletes for good. Grants of the deleted principal stay behind
// without a name, as they do in Unity Catalog.
func (c *call) deleteIdentity() reply {
	p := c.idx.principals[c.params["id"]]
	if p == nil || !strings.HasPrefix(p.ref(), c.resourceName()+"/") {
		return c.noSuch(strings.TrimSuffix(c.resourceName(), "s"))
	}
	a := c.acct
	a.Users = slices.DeleteFunc(a.Users, func(u *User) bool { return u.ID == p.id })
	a.ServicePrincipals = slices.DeleteFunc(a.ServicePrincipals, func(sp *ServicePrincipal) bool { return sp.ID == p.id })
	a.Groups = slices.DeleteFunc(a.Groups, func(g *Group) bool { return g.ID == p.id })
	for _, g := range a.Groups {
		g.Members = without(g.Members, []string{p.id})
	}
	for _, w := range a.Workspaces {
		w.Assignments = slices.DeleteFunc(w.Assignments, func(as *Assignment) bool { return as.PrincipalID == p.id })
		w.PATs = slices.DeleteFunc(w.PATs, func(t *PAT) bool { return t.OwnerID == p.id })
		delete(w.Entitlements, p.id)
	}
	for _, cat := range c.idx.securables {
		cat.orphan(p)
	}
	c.idx.indexIdentities()
	return status(http.StatusNoContent, nil)
}
