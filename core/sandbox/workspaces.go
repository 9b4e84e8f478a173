package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// accountRoutes are the account-level operations on workspaces, metastores and
// credentials.
func accountRoutes() []route {
	const base = "/api/2.0/accounts/{account_id}/"
	return []route{
		{method: "GET", host: onAccount, template: base + "workspaces", access: accountAdmin, handle: (*call).listWorkspaces},
		{method: "GET", host: onAccount, template: base + "workspaces/{workspace_id}", access: accountAdmin, handle: (*call).getWorkspace},
		{method: "GET", host: onAccount, template: base + "metastores", access: accountAdmin, handle: (*call).listMetastores},
		{method: "GET", host: onAccount, template: base + "metastores/{metastore_id}", access: accountAdmin, handle: (*call).getMetastore},
		{method: "PUT", host: onAccount, template: base + "metastores/{metastore_id}", access: accountAdmin, handle: (*call).updateMetastore},
		{method: "GET", host: onAccount, template: base + "metastores/{metastore_id}/workspaces", access: accountAdmin, handle: (*call).metastoreWorkspaces},
		{method: "GET", host: onAccount, template: base + "workspaces/{workspace_id}/metastore", access: accountAdmin, handle: (*call).workspaceMetastore},
		{method: "GET", host: onAccount, template: base + "servicePrincipals/{id}/credentials/secrets", access: accountAdmin, handle: (*call).listSecrets},
		{method: "GET", host: onWorkspace, template: "/api/2.0/accounts/servicePrincipals/{id}/credentials/secrets", access: workspaceAdmin, handle: (*call).listSecrets},
		{method: "GET", host: onAccount, template: base + "servicePrincipals/{id}/federationPolicies", access: accountAdmin, handle: (*call).listFederationPolicies},
		{method: "GET", host: onAccount, template: base + "federationPolicies", access: accountAdmin, handle: func(c *call) reply { return ok(nil) }},
	}
}

type wireWorkspace struct {
	AccountID      string `json:"account_id"`
	WorkspaceID    int64  `json:"workspace_id"`
	WorkspaceName  string `json:"workspace_name"`
	DeploymentName string `json:"deployment_name"`
	Status         string `json:"workspace_status,omitempty"`
	StatusMessage  string `json:"workspace_status_message,omitempty"`
	Cloud          string `json:"cloud"`
	AWSRegion      string `json:"aws_region,omitempty"`
	Location       string `json:"location,omitempty"`
	PricingTier    string `json:"pricing_tier,omitempty"`
	CreationTime   int64  `json:"creation_time,omitempty"`
}

func (c *call) wireWorkspace(w *Workspace) wireWorkspace {
	out := wireWorkspace{
		AccountID:      c.acct.ID,
		WorkspaceID:    w.ID,
		WorkspaceName:  w.Name,
		DeploymentName: w.DeploymentName,
		Status:         w.Status,
		Cloud:          c.acct.Cloud,
		PricingTier:    w.PricingTier,
	}
	if c.acct.Cloud == "aws" {
		out.AWSRegion = w.Region
	} else {
		out.Location = w.Region
	}
	if w.Status != Running {
		out.StatusMessage = "Workspace is not running."
	}
	return out
}

// listWorkspaces answers with a bare array, unpaged, without any URL
// (https://docs.databricks.com/api/account/workspaces/list).
func (c *call) listWorkspaces() reply {
	out := make([]wireWorkspace, len(c.acct.Workspaces))
	for i, w := range c.acct.Workspaces {
		out[i] = c.wireWorkspace(w)
	}
	return ok(out)
}

// getWorkspace: https://docs.databricks.com/api/account/workspaces/get
func (c *call) getWorkspace() reply {
	w, failed := c.pathWorkspace()
	if failed != nil {
		return *failed
	}
	return ok(c.wireWorkspace(w))
}

// pathWorkspace finds the workspace that the path names.
func (c *call) pathWorkspace() (*Workspace, *reply) {
	id, err := strconv.ParseInt(c.params["workspace_id"], 10, 64)
	if w := c.idx.workspaces[id]; err == nil && w != nil {
		return w, nil
	}
	r := notFound("RESOURCE_DOES_NOT_EXIST", "Workspace %s does not exist", c.params["workspace_id"])
	return nil, &r
}

type wireMetastore struct {
	MetastoreID           string `json:"metastore_id"`
	GlobalMetastoreID     string `json:"global_metastore_id"`
	Name                  string `json:"name"`
	Cloud                 string `json:"cloud"`
	Region                string `json:"region"`
	Owner                 string `json:"owner,omitempty"`
	PrivilegeModelVersion string `json:"privilege_model_version,omitempty"`
	DeltaSharingScope     string `json:"delta_sharing_scope,omitempty"`
	ExternalAccessEnabled bool   `json:"external_access_enabled"`
}

func (c *call) wireMetastore(m *Metastore) wireMetastore {
	return wireMetastore{
		MetastoreID:           m.ID,
		GlobalMetastoreID:     c.acct.Cloud + ":" + m.Region + ":" + m.ID,
		Name:                  m.Name,
		Cloud:                 c.acct.Cloud,
		Region:                m.Region,
		Owner:                 m.Owner,
		PrivilegeModelVersion: m.privilegeModel(),
		DeltaSharingScope:     "INTERNAL_AND_EXTERNAL",
		ExternalAccessEnabled: m.ExternalAccessEnabled,
	}
}

func (m *Metastore) privilegeModel() string {
	if m.PrivilegeModel == "" {
		return "1.0"
	}
	return m.PrivilegeModel
}

// listMetastores: https://docs.databricks.com/api/account/accountmetastores/list
func (c *call) listMetastores() reply {
	out := make([]wireMetastore, len(c.acct.Metastores))
	for i, m := range c.acct.Metastores {
		out[i] = c.wireMetastore(m)
	}
	return ok(map[string]any{"metastores": out})
}

func (c *call) pathMetastore() (*Metastore, *reply) {
	if m := c.idx.metastores[c.params["metastore_id"]]; m != nil {
		return m, nil
	}
	r := notFound("METASTORE_DOES_NOT_EXIST", "Metastore %s does not exist.", c.params["metastore_id"])
	return nil, &r
}

type wireMetastoreInfo struct {
	Info wireMetastore `json:"metastore_info"`
}

// getMetastore: https://docs.databricks.com/api/account/accountmetastores/get
func (c *call) getMetastore() reply {
	m, failed := c.pathMetastore()
	if failed != nil {
		return *failed
	}
	return ok(wireMetastoreInfo{c.wireMetastore(m)})
}

// updateMetastore lets an account admin change the metastore's owner
// (https://docs.databricks.com/api/account/accountmetastores/update).
func (c *call) updateMetastore() reply {
	m, failed := c.pathMetastore()
	if failed != nil {
		return *failed
	}
	var body struct {
		Info struct {
			Owner *string `json:"owner"`
		} `json:"metastore_info"`
	}
	if err := c.decode(&body); err != nil {
		return badRequest("malformed request: %v", err)
	}
	if owner := body.Info.Owner; owner != nil {
		if c.idx.byName(*owner) == nil {
			return notFound("PRINCIPAL_DOES_NOT_EXIST", "Could not find principal with name %s", *owner)
		}
		m.Owner = *owner
	}
	return ok(wireMetastoreInfo{c.wireMetastore(m)})
}

// metastoreWorkspaces: https://docs.databricks.com/api/account/accountmetastoreassignments/list
func (c *call) metastoreWorkspaces() reply {
	m, failed := c.pathMetastore()
	if failed != nil {
		return *failed
	}
	ids := []int64{}
	for _, w := range c.acct.Workspaces {
		if w.MetastoreID == m.ID {
			ids = append(ids, w.ID)
		}
	}
	return ok(map[string]any{"workspace_ids": ids})
}

type wireMetastoreAssignment struct {
	MetastoreID    string `json:"metastore_id"`
	WorkspaceID    int64  `json:"workspace_id"`
	DefaultCatalog string `json:"default_catalog_name,omitempty"`
}

// workspaceMetastore: https://docs.databricks.com/api/account/accountmetastoreassignments/get
func (c *call) workspaceMetastore() reply {
	w, failed := c.pathWorkspace()
	if failed != nil {
		return *failed
	}
	if w.MetastoreID == "" {
		return notFound("RESOURCE_DOES_NOT_EXIST", "No metastore assigned to workspace %d.", w.ID)
	}
	return ok(map[string]any{"metastore_assignment": wireMetastoreAssignment{w.MetastoreID, w.ID, w.DefaultCatalog}})
}

type wireSecret struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	CreateTime string `json:"create_time,omitempty"`
	UpdateTime string `json:"update_time,omitempty"`
	ExpireTime string `json:"expire_time,omitempty"`
	SecretHash string `json:"secret_hash,omitempty"`
}

// listSecrets lists the OAuth secrets of a service principal, without their
// values (https://docs.databricks.com/api/account/serviceprincipalsecrets/list).
func (c *call) listSecrets() reply {
	p := c.idx.principals[c.params["id"]]
	if p == nil || p.kind != kindSP {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Service principal %s does not exist.", c.params["id"])
	}
	out := make([]wireSecret, len(p.sp.Secrets))
	for i, s := range p.sp.Secrets {
		out[i] = wireSecret{ID: s.ID, Status: s.Status, CreateTime: s.CreateTime, UpdateTime: s.UpdateTime, ExpireTime: s.ExpireTime}
		if s.Status == "" {
			out[i].Status = "ACTIVE"
		}
	}
	return listReply(c, paging{key: "secrets", size: "page_size", token: "page_token", standard: 100, limit: 100}, out)
}

type wireFederationPolicy struct {
	Name       string `json:"name"`
	PolicyID   string `json:"policy_id"`
	UID        string `json:"uid"`
	CreateTime string `json:"create_time,omitempty"`
	OIDC       struct {
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject,omitempty"`
		Audiences []string `json:"audiences,omitempty"`
	} `json:"oidc_policy"`
}

// listFederationPolicies: https://docs.databricks.com/api/account/serviceprincipalfederationpolicy/list
func (c *call) listFederationPolicies() reply {
	p := c.idx.principals[c.params["id"]]
	if p == nil || p.kind != kindSP {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Service principal %s does not exist.", c.params["id"])
	}
	out := make([]wireFederationPolicy, len(p.sp.FederationPolicies))
	for i, f := range p.sp.FederationPolicies {
		w := wireFederationPolicy{PolicyID: f.ID, UID: f.ID, CreateTime: f.CreateTime}
		w.Name = fmt.Sprintf("accounts/%s/servicePrincipals/%s/federationPolicies/%s", c.acct.ID, p.id, f.ID)
		w.OIDC.Issuer, w.OIDC.Subject, w.OIDC.Audiences = f.Issuer, f.Subject, f.Audiences
		out[i] = w
	}
	return listReply(c, paging{key: "policies", size: "page_size", token: "page_token", standard: 100, limit: 100}, out)
}

func assignmentRoutes() []route {
	const account = "/api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments"
	const workspace = "/api/2.0/preview/permissionassignments"
	return []route{
		{method: "GET", host: onAccount, template: account, access: accountAdmin, handle: (*call).listAssignments},
		{method: "PUT", host: onAccount, template: account + "/principals/{principal_id}", access: accountAdmin, class: LimitAssignmentWrite, handle: (*call).putAssignment},
		{method: "DELETE", host: onAccount, template: account + "/principals/{principal_id}", access: accountAdmin, class: LimitAssignmentWrite, handle: (*call).deleteAssignment},
		{method: "GET", host: onWorkspace, template: workspace, access: workspaceAdmin, handle: (*call).listAssignments},
		{method: "PUT", host: onWorkspace, template: workspace + "/principals/{principal_id}", access: workspaceAdmin, class: LimitAssignmentWrite, handle: (*call).putAssignment},
		{method: "DELETE", host: onWorkspace, template: workspace + "/principals/{principal_id}", access: workspaceAdmin, class: LimitAssignmentWrite, handle: (*call).deleteAssignment},
	}
}

type wireAssignment struct {
	Principal struct {
		PrincipalID          int64  `json:"principal_id"`
		UserName             string `json:"user_name,omitempty"`
		GroupName            string `json:"group_name,omitempty"`
		ServicePrincipalName string `json:"service_principal_name,omitempty"`
		DisplayName          string `json:"display_name,omitempty"`
	} `json:"principal"`
	Permissions []string `json:"permissions,omitempty"`
	Error       string   `json:"error,omitempty"`
}

func (c *call) wireAssignment(a *Assignment) wireAssignment {
	var w wireAssignment
	w.Principal.PrincipalID = number(a.PrincipalID)
	w.Permissions, w.Error = a.Permissions, a.Error
	p := c.idx.principals[a.PrincipalID]
	if p == nil {
		return w
	}
	w.Principal.DisplayName = p.display
	switch p.kind {
	case kindUser:
		w.Principal.UserName = p.name
	case kindSP:
		w.Principal.ServicePrincipalName = p.name
	default:
		w.Principal.GroupName = p.name
	}
	return w
}

// assignmentWorkspace is the workspace of the path, or of the host.
func (c *call) assignmentWorkspace() (*Workspace, *reply) {
	w := c.ws
	if w == nil {
		var failed *reply
		if w, failed = c.pathWorkspace(); failed != nil {
			return nil, failed
		}
	}
	if w.NoIdentityFederation {
		r := fail(400, "INVALID_STATE", "Permission assignment APIs are not available for this workspace.")
		return nil, &r
	}
	return w, nil
}

// listAssignments lists explicit assignments only: who gets in through a group
// is not there (https://docs.databricks.com/api/account/workspaceassignment/list).
func (c *call) listAssignments() reply {
	w, failed := c.assignmentWorkspace()
	if failed != nil {
		return *failed
	}
	out := make([]wireAssignment, len(w.Assignments))
	for i, a := range w.Assignments {
		out[i] = c.wireAssignment(a)
	}
	return listReply(c, paging{key: "permission_assignments", size: "max_results", token: "page_token", standard: 1000, limit: 1000, unpaged: true}, out)
}

// putAssignment creates or replaces. As documented, unknown values and an empty
// or missing list take all permissions away
// (https://docs.databricks.com/api/account/workspaceassignment/update).
func (c *call) putAssignment() reply {
	w, failed := c.assignmentWorkspace()
	if failed != nil {
		return *failed
	}
	p := c.idx.principals[c.params["principal_id"]]
	if p == nil {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Principal %s does not exist.", c.params["principal_id"])
	}
	var body struct {
		Permissions []string `json:"permissions"`
	}
	if len(c.body) > 0 {
		if err := c.decode(&body); err != nil {
			return badRequest("malformed request: %v", err)
		}
	}
	wanted := slices.Contains(body.Permissions, AssignAdmin) || slices.Contains(body.Permissions, AssignUser)
	if wanted && c.nameTaken(w, p) {
		return badRequest("A group with the name %s already exists in workspace %d.", p.name, w.ID)
	}
	w.unassign(p.id)
	a := &Assignment{PrincipalID: p.id}
	switch {
	case slices.Contains(body.Permissions, AssignAdmin):
		a.Permissions = []string{AssignAdmin}
	case slices.Contains(body.Permissions, AssignUser):
		a.Permissions = []string{AssignUser}
	default:
		return ok(c.wireAssignment(a))
	}
	w.Assignments = append(w.Assignments, a)
	return ok(c.wireAssignment(a))
}

// deleteAssignment: https://docs.databricks.com/api/account/workspaceassignment/delete
func (c *call) deleteAssignment() reply {
	w, failed := c.assignmentWorkspace()
	if failed != nil {
		return *failed
	}
	w.unassign(c.params["principal_id"])
	return ok(nil)
}

// nameTaken reports whether another group of a group's name is in the workspace
// (https://docs.databricks.com/admin/users-groups/workspace-local-groups). The
// status of the refusal is not documented.
func (c *call) nameTaken(w *Workspace, p *principal) bool {
	if p.kind != kindGroup {
		return false
	}
	return slices.ContainsFunc(w.LocalGroups, func(g *LocalGroup) bool { return strings.EqualFold(g.DisplayName, p.name) }) ||
		slices.ContainsFunc(w.Assignments, func(a *Assignment) bool {
			q := c.idx.principals[a.PrincipalID]
			return q != nil && q.kind == kindGroup && q.id != p.id && strings.EqualFold(q.name, p.name)
		})
}

func (w *Workspace) unassign(id string) {
	w.Assignments = slices.DeleteFunc(w.Assignments, func(a *Assignment) bool { return a.PrincipalID == id })
}
