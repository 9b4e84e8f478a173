package databricks

import (
	"context"
	"fmt"
	"net/http"

	"databricks-access-audit/core/identity"
)

// Writes are sent once: the layers below repeat no request that is not a GET, since one without an answer may have
// been carried out. Only a request that was refused for its token alone goes out again, with another. An error is a Failure;
// with a status of 4xx nothing was done, and else nobody knows.

// send makes a request that changes something. What the answer says is not looked at: whether the change is there is
// found out by reading.
func (s *Session) send(ctx context.Context, r request) error {
	c, err := s.newCall(r)
	if err != nil {
		return err
	}
	ans, err := s.account.send(ctx, c)
	switch {
	case err != nil:
		return s.account.broken(ctx, c, err)
	case ans.status < 200 || ans.status > 299:
		return s.account.refusal(c, ans)
	case isPage(ans.header.Get("Content-Type"), ans.body):
		return s.account.loginPage(c, ans)
	default:
		return nil
	}
}

// patch is a SCIM request that changes parts of a resource.
//
// RFC 7644 §3.5.2
type patch struct {
	Schemas    []string  `json:"schemas"`
	Operations []patchOp `json:"Operations"`
}

type patchOp struct {
	Op    string      `json:"op"`
	Path  string      `json:"path"`
	Value []scimValue `json:"value,omitempty"`
}

func patchOf(op, path string, values ...string) patch {
	o := patchOp{Op: op, Path: path}
	for _, v := range values {
		o.Value = append(o.Value, scimValue{v})
	}
	return patch{[]string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, []patchOp{o}}
}

// without is the path of one value of a list. The operation has no value of its own then.
//
// RFC 7644 §3.5.2.2
func without(list, value string) patch {
	return patchOf("remove", list+"[value eq "+scimQuote(value)+"]")
}

func put(c class, template string) route    { return route{http.MethodPut, template, c} }
func patchTo(c class, path string) route    { return route{http.MethodPatch, path, c} }
func remove(c class, template string) route { return route{http.MethodDelete, template, c} }

// AddMembers puts principals into an account group, with one request. Those that are in it stay.
//
// https://docs.databricks.com/api/account/accountgroupsv2/patch
func (s *Session) AddMembers(ctx context.Context, group identity.PrincipalKey, members []identity.PrincipalKey) error {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	if len(ids) == 0 {
		return nil
	}
	return s.patchGroup(ctx, group, patchOf("add", "members", ids...))
}

// RemoveMember takes a principal out of an account group. That it is not in it is no error.
func (s *Session) RemoveMember(ctx context.Context, group, member identity.PrincipalKey) error {
	return s.patchGroup(ctx, group, without("members", member.ID))
}

func (s *Session) patchGroup(ctx context.Context, group identity.PrincipalKey, p patch) error {
	if err := s.accountOnly(group); err != nil {
		return err
	}
	r := s.own(patchTo(classAccountSCIMPatch, "/api/2.0/accounts/{account_id}/scim/v2/Groups/{id}"), s.account.reach.AccountID, group.ID)
	r.body = p
	return s.send(ctx, r)
}

// accountOnly refuses what credentials for one workspace cannot change.
func (s *Session) accountOnly(key identity.PrincipalKey) error {
	if err := s.accountKey(key); err != nil {
		return err
	}
	if s.degraded() {
		return unsupported("groups and assignments are changed through the account console's host: use credentials for the account")
	}
	return nil
}

var (
	routeAssign   = put(classAssignmentWrite, "/api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments/principals/{principal_id}")
	routeUnassign = remove(classAssignmentWrite, routeAssign.template)
)

// Assign gives a principal an assignment to a workspace, in place of the one that it has. A request without a
// permission would take the assignment away: none is ever sent.
//
// https://docs.databricks.com/api/account/workspaceassignment/update
func (s *Session) Assign(ctx context.Context, id identity.WorkspaceID, to identity.PrincipalKey, p identity.WorkspacePermission) error {
	if p != identity.WorkspaceUser && p != identity.WorkspaceAdmin {
		return unsupported(fmt.Sprintf("%q is no assignment to a workspace", p))
	}
	if err := s.accountOnly(to); err != nil {
		return err
	}
	r := s.own(routeAssign, s.account.reach.AccountID, id.String(), to.ID)
	r.body = struct {
		Permissions []string `json:"permissions"`
	}{[]string{p.String()}}
	return s.send(ctx, r)
}

// Unassign takes the assignment of a principal to a workspace away. That there is none is no error.
//
// https://docs.databricks.com/api/account/workspaceassignment/delete
func (s *Session) Unassign(ctx context.Context, id identity.WorkspaceID, to identity.PrincipalKey) error {
	if err := s.accountOnly(to); err != nil {
		return err
	}
	return gone(s.send(ctx, s.own(routeUnassign, s.account.reach.AccountID, id.String(), to.ID)))
}

// gone takes the absence of what was to be removed for success.
func gone(err error) error {
	if identity.IsKind(err, identity.NotFound) {
		return nil
	}
	return err
}

// Entitle gives entitlements to a principal of a workspace, with one request.
//
// https://docs.databricks.com/api/workspace/usersv2/patch and those of service principals and groups beside it
func (s *Session) Entitle(ctx context.Context, at identity.Workspace, to identity.PrincipalKey, list []identity.Entitlement) error {
	values := make([]string, len(list))
	for i, e := range list {
		values[i] = string(e)
	}
	if len(values) == 0 {
		return nil
	}
	return s.patchEntry(ctx, at, to, patchOf("add", "entitlements", values...))
}

// Disentitle takes an entitlement from a principal of a workspace.
func (s *Session) Disentitle(ctx context.Context, at identity.Workspace, from identity.PrincipalKey, e identity.Entitlement) error {
	return s.patchEntry(ctx, at, from, without("entitlements", string(e)))
}

func (s *Session) patchEntry(ctx context.Context, at identity.Workspace, key identity.PrincipalKey, p patch) error {
	k, ok := entryKinds[key.Kind]
	if !ok {
		return unsupported(fmt.Sprintf("principals of kind %s have no entitlements", key.Kind))
	}
	r, err := s.at(at, patchTo(classWorkspaceSCIMPatch, k.single.template), key.ID)
	if err != nil {
		return err
	}
	r.body = p
	return s.send(ctx, r)
}

// Entitlements reads those that a principal was given directly in a workspace.
//
// https://docs.databricks.com/api/workspace/usersv2/get
func (s *Session) Entitlements(ctx context.Context, at identity.Workspace, of identity.PrincipalKey) ([]identity.Entitlement, error) {
	k, ok := entryKinds[of.Kind]
	if !ok {
		return nil, unsupported(fmt.Sprintf("principals of kind %s have no entitlements", of.Kind))
	}
	row, err := s.workspaceRow(ctx, at, k, of.ID, k.attributes)
	if err != nil {
		return nil, err
	}
	w, err := s.workspaceIdentity(at, of.Kind, row)
	return w.Entitlements, err
}

var routeGrant = patchTo(classCatalog, routeGrants.template)

// ChangeGrants gives and takes privileges on a securable, all with one request. Giving what is held and taking what is
// not are no errors.
//
// https://docs.databricks.com/api/workspace/grants/update
func (s *Session) ChangeGrants(ctx context.Context, at identity.Workspace, on identity.Securable, changes []identity.GrantChange) error {
	type change struct {
		Principal string               `json:"principal"`
		Add       []identity.Privilege `json:"add,omitempty"`
		Remove    []identity.Privilege `json:"remove,omitempty"`
	}
	var list []change
	for _, c := range changes {
		if c.Holder == "" || len(c.Add)+len(c.Remove) == 0 {
			return unsupported("a change of grants names nobody or nothing")
		}
		list = append(list, change{c.Holder, c.Add, c.Remove})
	}
	r, err := s.securableRequest(at, routeGrant, on)
	if err != nil {
		return err
	}
	r.body = struct {
		Changes []change `json:"changes"`
	}{list}
	return s.send(ctx, r)
}

var (
	routeGiveObject  = patchTo(classPermissionsWrite, routePermissions.template)
	routeSetObject   = put(classPermissionsWrite, routePermissions.template)
	routePutSecret   = post(classSecrets, "/api/2.0/secrets/acls/put")
	routeDropSecrets = post(classSecrets, "/api/2.0/secrets/acls/delete")
)

// accessEntry is one entry of a request for an object's permissions.
//
// https://docs.databricks.com/api/workspace/permissions/update
type accessEntry struct {
	User             string         `json:"user_name,omitempty"`
	Group            string         `json:"group_name,omitempty"`
	ServicePrincipal string         `json:"service_principal_name,omitempty"`
	Level            identity.Level `json:"permission_level"`
}

func entryOf(holder identity.PrincipalName, l identity.Level) (accessEntry, error) {
	e := accessEntry{Level: l}
	switch {
	case holder.Name == "" || l == "":
		return e, unsupported("a permission names nobody or nothing")
	case holder.Kind == identity.KindUser:
		e.User = holder.Name
	case holder.Kind == identity.KindServicePrincipal:
		e.ServicePrincipal = holder.Name
	case holder.Kind == identity.KindGroup:
		e.Group = holder.Name
	default:
		return e, unsupported(fmt.Sprintf("what %s is, is not known", holder.Name))
	}
	return e, nil
}

// RaiseObject gives a holder a level on an object, or a higher one than it has. It leaves all other entries alone.
//
// https://docs.databricks.com/api/workspace/permissions/update,
// https://docs.databricks.com/api/workspace/secrets/putacl
func (s *Session) RaiseObject(ctx context.Context, at identity.Workspace, on identity.Object, to identity.PrincipalName, l identity.Level) error {
	entry, err := entryOf(to, l)
	if err != nil {
		return err
	}
	if on.Type == identity.ObjectSecretScope {
		return s.secret(ctx, at, routePutSecret, map[string]string{"scope": on.ID, "principal": to.Name, "permission": string(l)})
	}
	return s.writeObject(ctx, at, routeGiveObject, on, []accessEntry{entry})
}

// LowerObject takes a holder's direct level on an object away, or puts a lower one in its place. There is no request
// for that alone: the list is read, and written back with the one entry changed. What somebody else changes between
// the two is lost; Databricks gives no means to tell.
//
// https://docs.databricks.com/api/workspace/permissions/set,
// https://docs.databricks.com/api/workspace/secrets/deleteacl
func (s *Session) LowerObject(ctx context.Context, at identity.Workspace, on identity.Object, from identity.PrincipalName, l identity.Level) error {
	if on.Type == identity.ObjectSecretScope {
		if l != "" {
			return s.RaiseObject(ctx, at, on, from, l) // there, one request puts any level in the place of another
		}
		return gone(s.secret(ctx, at, routeDropSecrets, map[string]string{"scope": on.ID, "principal": from.Name}))
	}
	grants, err := s.ObjectGrants(ctx, at, on)
	if err != nil {
		return err
	}
	var list []accessEntry
	for _, g := range grants {
		if g.From != "" || g.Holder.Kind == from.Kind && identity.SameName(g.Holder.Name, from.Name) {
			continue
		}
		entry, err := entryOf(g.Holder, g.Level)
		if err != nil {
			return err
		}
		list = append(list, entry)
	}
	if l != "" {
		entry, err := entryOf(from, l)
		if err != nil {
			return err
		}
		list = append(list, entry)
	}
	return s.writeObject(ctx, at, routeSetObject, on, list)
}

func (s *Session) writeObject(ctx context.Context, at identity.Workspace, r route, on identity.Object, list []accessEntry) error {
	word, ok := permissionTypes[on.Type]
	if !ok || word == "authorization" {
		// Who loses the use of tokens there loses the tokens, too, and nobody can give them back.
		// https://docs.databricks.com/aws/en/admin/access-control/tokens
		return unsupported(fmt.Sprintf("permissions on objects of type %s are not changed", on.Type))
	}
	req, err := s.at(at, r, word, on.ID)
	if err != nil {
		return err
	}
	if list == nil {
		list = []accessEntry{}
	}
	req.body = struct {
		List []accessEntry `json:"access_control_list"`
	}{list}
	return s.send(ctx, req)
}

func (s *Session) secret(ctx context.Context, at identity.Workspace, r route, body any) error {
	req, err := s.at(at, r)
	if err != nil {
		return err
	}
	req.body = body
	return s.send(ctx, req)
}
