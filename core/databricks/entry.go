package databricks

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"databricks-access-audit/core/identity"
)

// Attributes to ask a workspace for. A list leaves the groups of users and service principals and the
// members of groups to single reads: with them it times out on large workspaces.
//
// https://github.com/databrickslabs/ucx/pull/660
const (
	entryUserAttributes  = "id,userName,externalId,entitlements,roles"
	entrySPAttributes    = "id,applicationId,externalId,entitlements,roles"
	entryGroupAttributes = "id,displayName,externalId,entitlements,roles,groups,meta"
	entryLocalAttributes = "id,displayName,meta"
)

// entryKind is what differs between the kinds of principal in a workspace.
type entryKind struct {
	list, single route
	attributes   string
}

func workspaceSCIM(resource, attributes string) entryKind {
	path := "/api/2.0/preview/scim/v2/" + resource
	return entryKind{list: get(classWorkspaceSCIM, path), single: get(classWorkspaceSCIM, path+"/{id}"), attributes: attributes}
}

// entryKinds are a workspace's own SCIM by kind of principal.
//
// https://docs.databricks.com/api/workspace/usersv2/list,
// https://docs.databricks.com/api/workspace/serviceprincipalsv2/list,
// https://docs.databricks.com/api/workspace/groupsv2/list
var entryKinds = map[identity.Kind]entryKind{
	identity.KindUser:             workspaceSCIM("Users", entryUserAttributes),
	identity.KindServicePrincipal: workspaceSCIM("ServicePrincipals", entrySPAttributes),
	identity.KindGroup:            workspaceSCIM("Groups", entryGroupAttributes),
}

// WorkspaceIdentities lists the users, service principals or groups of a workspace.
func (s *Session) WorkspaceIdentities(ctx context.Context, at identity.Workspace, kind identity.Kind) ([]identity.WorkspaceIdentity, error) {
	k, ok := entryKinds[kind]
	if !ok {
		return nil, unsupported(fmt.Sprintf("principals of kind %s cannot be listed", kind))
	}
	rows, err := s.workspaceRows(ctx, at, k, url.Values{"attributes": {k.attributes}})
	found := make([]identity.WorkspaceIdentity, 0, len(rows))
	for _, row := range rows {
		w, rowErr := s.workspaceIdentity(at, kind, row)
		if rowErr != nil {
			return found, partly(found, rowErr)
		}
		found = append(found, w)
	}
	if kind == identity.KindGroup && err == nil {
		keepListedParents(found)
	}
	return found, err
}

// workspaceRows lists resources of a workspace's SCIM.
func (s *Session) workspaceRows(ctx context.Context, at identity.Workspace, k entryKind, query url.Values) ([]scimResource, error) {
	r, err := s.at(at, k.list)
	if err != nil {
		return nil, err
	}
	r.query = query
	return scimPages(ctx, s, r)
}

// keepListedParents takes away parents that are no groups of this workspace alone. Records do not
// tell, but a complete list has all that are.
func keepListedParents(groups []identity.WorkspaceIdentity) {
	listed := map[identity.PrincipalKey]bool{}
	for _, g := range groups {
		listed[g.Key] = true
	}
	for i, g := range groups {
		var kept []identity.PrincipalKey
		for _, p := range g.Parents {
			if listed[p] {
				kept = append(kept, p)
			}
		}
		groups[i].Parents = kept
	}
}

// workspaceIdentity turns a record of a workspace into ours.
//
// https://docs.databricks.com/api/scim/v1/workspace-user/object
func (s *Session) workspaceIdentity(at identity.Workspace, kind identity.Kind, row scimResource) (identity.WorkspaceIdentity, error) {
	w := identity.WorkspaceIdentity{Key: identity.PrincipalKey{Kind: kind, ID: string(row.ID)}, ExternalID: row.ExternalID}
	switch kind {
	case identity.KindUser:
		w.Name = row.UserName
	case identity.KindServicePrincipal:
		w.Name = row.ApplicationID
	default:
		w.Name = row.DisplayName
		key, err := s.workspaceGroupKey(at, row)
		if err != nil {
			return w, err
		}
		w.Key = key
	}
	if w.Name == "" {
		// Who is no admin gets ids and display names alone, and would take it for no entitlements.
		// https://docs.databricks.com/api/workspace/usersv2/list
		return w, &identity.Failure{Kind: identity.Forbidden, Message: s.account.scrub.line(fmt.Sprintf(
			"the workspace shows no more than that %s %s exists: entitlements take an admin of the workspace to read", kind.Title(), row.ID))}
	}
	var entitlements listing[identity.Entitlement]
	for _, e := range row.Entitlements {
		if e.Value != "" {
			entitlements.add(e.Value, identity.Entitlement(e.Value))
		}
	}
	w.Entitlements = entitlements.items
	var profiles listing[string]
	for _, role := range row.Roles {
		// In a workspace, roles are the instance profiles of AWS.
		// https://docs.databricks.com/aws/en/admin/workspace-settings/manage-instance-profiles
		if strings.HasPrefix(role.Value, "arn:") {
			profiles.add(role.Value, role.Value)
		}
	}
	w.InstanceProfiles = profiles.items
	w.Parents = row.workspaceParents(at.ID)
	return w, nil
}

// workspaceGroupKey tells groups of one workspace from those of the account, which keep the account's
// number there.
//
// https://docs.databricks.com/aws/en/admin/users-groups/workspace-local-groups and
// https://github.com/databricks/terraform-provider-databricks/issues/1705 on meta.resourceType
func (s *Session) workspaceGroupKey(at identity.Workspace, row scimResource) (identity.PrincipalKey, error) {
	switch row.Meta.ResourceType {
	case "WorkspaceGroup":
		return localGroupKey(at.ID, string(row.ID), row.DisplayName), nil
	case "Group":
		return identity.PrincipalKey{Kind: identity.KindGroup, ID: string(row.ID)}, nil
	default:
		return identity.PrincipalKey{}, s.failed(fmt.Errorf("group %s is of the unknown type %q: it may be the account's or the workspace's own", row.ID, row.Meta.ResourceType))
	}
}

// localGroupKey names a group of one workspace. The two that Databricks keeps go by their names.
func localGroupKey(at identity.WorkspaceID, id, name string) identity.PrincipalKey {
	switch name {
	case identity.WorkspaceUsersName:
		return identity.WorkspaceUsers(at)
	case identity.WorkspaceAdminsName:
		return identity.WorkspaceAdmins(at)
	default:
		return identity.PrincipalKey{Kind: identity.KindGroup, Workspace: at, ID: id}
	}
}

// workspaceParents are the groups that a record lists, direct or not, as if all of them were the
// workspace's own: the record has nothing that tells.
func (r scimResource) workspaceParents(at identity.WorkspaceID) []identity.PrincipalKey {
	var found listing[identity.PrincipalKey]
	for _, g := range r.Groups {
		if g.Value != "" {
			found.add(string(g.Value), localGroupKey(at, string(g.Value), g.Display))
		}
	}
	return found.items
}

// WorkspaceIdentity reads one account user or service principal as the workspace records it.
func (s *Session) WorkspaceIdentity(ctx context.Context, at identity.Workspace, key identity.PrincipalKey) (identity.WorkspaceIdentity, error) {
	if err := s.accountKey(key); err != nil {
		return identity.WorkspaceIdentity{}, err
	}
	k, ok := entryKinds[key.Kind]
	if !ok || key.Kind == identity.KindGroup {
		return identity.WorkspaceIdentity{}, unsupported(fmt.Sprintf("principals of kind %s cannot be read one by one", key.Kind))
	}
	row, err := s.workspaceRow(ctx, at, k, key.ID, k.attributes+",groups")
	if err != nil {
		return identity.WorkspaceIdentity{}, err
	}
	w, err := s.workspaceIdentity(at, key.Kind, row)
	if err != nil {
		return identity.WorkspaceIdentity{}, err
	}
	return w, nil
}

// workspaceRow reads one resource of a workspace's SCIM.
func (s *Session) workspaceRow(ctx context.Context, at identity.Workspace, k entryKind, id, attributes string) (scimResource, error) {
	r, err := s.at(at, k.single, id)
	if err != nil {
		return scimResource{}, err
	}
	r.query = url.Values{"attributes": {attributes}}
	var row scimResource
	if _, err := s.fetch(ctx, r, &row); err != nil {
		return scimResource{}, err
	}
	if string(row.ID) != id {
		return scimResource{}, s.failed(fmt.Errorf("%s: the answer is about %q", r.route, row.ID))
	}
	return row, nil
}

// WorkspaceMembers reads the direct members of a group of the workspace alone. Where groups are among
// them, the workspace's list of groups tells which of those are its own.
func (s *Session) WorkspaceMembers(ctx context.Context, at identity.Workspace, group identity.PrincipalKey) ([]identity.PrincipalKey, error) {
	if group.Kind != identity.KindGroup || group.Workspace == 0 || group.Workspace != at.ID {
		return nil, unsupported(fmt.Sprintf("%s is no group of workspace %s alone", group, at.ID))
	}
	groups := entryKinds[identity.KindGroup]
	id := group.ID
	if group == identity.WorkspaceUsers(at.ID) || group == identity.WorkspaceAdmins(at.ID) {
		var err error
		if id, err = s.systemGroup(ctx, at, group.ID); err != nil {
			return nil, err
		}
	}
	row, err := s.workspaceRow(ctx, at, groups, id, entryLocalAttributes+",members")
	if err != nil {
		return nil, err
	}
	if row.Meta.ResourceType != "WorkspaceGroup" {
		return nil, s.failed(fmt.Errorf("group %s is not the workspace's own: its type is %q", id, row.Meta.ResourceType))
	}
	members, nested := row.members(), false
	for _, m := range members {
		nested = nested || m.Kind == identity.KindGroup
	}
	if !nested {
		return members, nil
	}
	rows, err := s.workspaceRows(ctx, at, groups, url.Values{"attributes": {entryLocalAttributes}})
	if err != nil {
		return nil, err
	}
	own := map[string]identity.PrincipalKey{}
	for _, g := range rows {
		if own[string(g.ID)], err = s.workspaceGroupKey(at, g); err != nil {
			return nil, err
		}
	}
	for i, m := range members {
		// A group that is not in the list is the account's, and not assigned to the workspace.
		if key, ok := own[m.ID]; ok && m.Kind == identity.KindGroup {
			members[i] = key
		}
	}
	return members, nil
}

// systemGroup finds the number of one of the groups that Databricks keeps in every workspace.
func (s *Session) systemGroup(ctx context.Context, at identity.Workspace, name string) (string, error) {
	rows, err := s.workspaceRows(ctx, at, entryKinds[identity.KindGroup],
		url.Values{"attributes": {entryLocalAttributes}, "filter": {"displayName eq " + scimQuote(name)}})
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		if row.DisplayName == name && row.Meta.ResourceType == "WorkspaceGroup" {
			return string(row.ID), nil
		}
	}
	return "", &identity.Failure{Kind: identity.NotFound, Message: s.account.scrub.line(fmt.Sprintf("the workspace shows no group %q", name))}
}

var routeRestrictAdmins = get(classOther, "/api/2.0/settings/types/restrict_workspace_admins/names/default")

// restrictAdmins is the setting.
//
// https://docs.databricks.com/api/workspace/restrictworkspaceadmins/get
type restrictAdmins struct {
	Setting struct {
		Status string `json:"status"`
	} `json:"restrict_workspace_admins"`
}

// RestrictAdmins reads how far the admins of a workspace may act as others.
func (s *Session) RestrictAdmins(ctx context.Context, at identity.Workspace) (identity.RestrictAdmins, error) {
	r, err := s.at(at, routeRestrictAdmins)
	if err != nil {
		return identity.RestrictAdminsUnknown, err
	}
	var answer restrictAdmins
	if _, err := s.fetch(ctx, r, &answer); err != nil {
		if f := identity.FailureOf(err); f.Kind == identity.NotFound && f.Status == http.StatusNotFound {
			return identity.AdminsAllowAll, nil // it was never set, and this is the default
		}
		return identity.RestrictAdminsUnknown, err
	}
	for _, v := range []identity.RestrictAdmins{identity.AdminsAllowAll, identity.AdminsRestricted} {
		if answer.Setting.Status == v.String() {
			return v, nil
		}
	}
	return identity.RestrictAdminsUnknown, s.failed(fmt.Errorf("%s: the value %q is not known", r.route, answer.Setting.Status))
}
