package databricks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
)

var (
	routeWorkspaces          = get(classOther, "/api/2.0/accounts/{account_id}/workspaces")
	routeAssignments         = get(classOther, "/api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments")
	routeOwnAssignments      = get(classOther, "/api/2.0/preview/permissionassignments")
	routeMetastores          = get(classOther, "/api/2.0/accounts/{account_id}/metastores")
	routeMetastoreWorkspaces = get(classOther, "/api/2.0/accounts/{account_id}/metastores/{metastore_id}/workspaces")
	routeMetastoreSummary    = get(classCatalog, "/api/2.1/unity-catalog/metastore_summary")
)

// workspaceRow is one workspace of the account.
//
// https://docs.databricks.com/api/account/workspaces/list
type workspaceRow struct {
	ID         scalar `json:"workspace_id"`
	Name       string `json:"workspace_name"`
	Deployment string `json:"deployment_name"`
	Status     string `json:"workspace_status"`
	Cloud      string `json:"cloud"`
	AWSRegion  string `json:"aws_region"`
	Location   string `json:"location"`
}

// workspaceRows is the list, which is a bare array; an object around it is taken too.
type workspaceRows struct {
	rows []workspaceRow
	next string
}

// UnmarshalJSON reads either form.
func (w *workspaceRows) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		return json.Unmarshal(b, &w.rows)
	}
	var wrapped struct {
		Workspaces *[]workspaceRow `json:"workspaces"`
		Next       string          `json:"next_page_token"`
	}
	if err := json.Unmarshal(b, &wrapped); err != nil {
		return err
	}
	if wrapped.Workspaces == nil {
		return errors.New("no list of workspaces in it")
	}
	w.rows, w.next = *wrapped.Workspaces, wrapped.Next
	return nil
}

// Workspaces lists the workspaces of the account, whatever their status; with credentials for one
// workspace, that one.
func (s *Session) Workspaces(ctx context.Context) ([]identity.Workspace, error) {
	if s.degraded() {
		w, err := s.thisWorkspace(ctx)
		if err != nil {
			return nil, err
		}
		return []identity.Workspace{w}, nil
	}
	r := s.own(routeWorkspaces, s.account.reach.AccountID)
	r.accountWide = true
	rows, err := tokenPages(ctx, s, r,
		func(w workspaceRow) string { return string(w.ID) },
		func(w workspaceRows) page[workspaceRow] { return page[workspaceRow]{w.rows, w.next} })
	found := make([]identity.Workspace, 0, len(rows))
	for _, row := range rows {
		w, ok := s.account.workspace(row)
		if !ok {
			return found, incomplete("%s: %q is not the id of a workspace", r.route, row.ID)
		}
		found = append(found, w)
	}
	return found, err
}

func (a *Account) workspace(row workspaceRow) (identity.Workspace, bool) {
	id, err := strconv.ParseInt(string(row.ID), 10, 64)
	if err != nil {
		return identity.Workspace{}, false
	}
	w := identity.Workspace{
		ID: identity.WorkspaceID(id), Name: row.Name, Status: row.Status,
		Cloud:  firstNonEmpty(strings.ToLower(row.Cloud), cloudOf(a.addr)),
		Region: firstNonEmpty(row.AWSRegion, row.Location),
	}
	if a.kind == unifiedHost {
		w.Host = a.addr.String()
	} else if addr, ok := workspaceAddress(a.addr, row.Deployment); ok {
		w.Host = addr.String()
	}
	return w, true
}

// orgIDHeader carries the id of the workspace that answered.
const orgIDHeader = "X-Databricks-Org-Id"

// thisWorkspace finds out which workspace the credentials are for. Its answers all carry the id; if
// not, what the host said of itself or the configuration says may serve.
func (s *Session) thisWorkspace(ctx context.Context) (identity.Workspace, error) {
	if w := s.account.here.Load(); w != nil {
		return *w, nil
	}
	r := s.own(routeMe)
	r.query = meQuery()
	var row scimResource
	header, err := s.fetch(ctx, r, &row)
	if err != nil {
		return identity.Workspace{}, err
	}
	said := header.Get(orgIDHeader)
	if said == "" && s.account.meta != nil {
		said = s.account.meta.WorkspaceID
	}
	id, err := strconv.ParseInt(firstNonEmpty(said, s.account.settings.values["workspace_id"]), 10, 64)
	if err != nil || id <= 0 {
		return identity.Workspace{}, s.failed(fmt.Errorf("%s does not say which workspace it is: is it a workspace's address?", s.account.addr.host))
	}
	w := identity.Workspace{
		ID: identity.WorkspaceID(id), Name: s.account.addr.hostname(), Host: s.account.addr.String(),
		Cloud: cloudOf(s.account.addr), Status: "RUNNING", // it has just answered
	}
	s.account.here.Store(&w)
	return w, nil
}

// assignmentRow is one explicit assignment.
//
// https://docs.databricks.com/api/access-management/v1/list-workspace-permission-assignments
type assignmentRow struct {
	Principal struct {
		ID               scalar `json:"principal_id"`
		UserName         string `json:"user_name"`
		GroupName        string `json:"group_name"`
		ServicePrincipal string `json:"service_principal_name"`
		DisplayName      string `json:"display_name"`
	} `json:"principal"`
	Permissions []string `json:"permissions"`
}

type assignmentRows struct {
	Rows []assignmentRow `json:"permission_assignments"`
	Next string          `json:"next_page_token"`
}

// Assignments lists the explicit assignments of a workspace. With credentials for one workspace it
// asks that workspace, and of others it can say nothing.
func (s *Session) Assignments(ctx context.Context, id identity.WorkspaceID) ([]identity.Assignment, error) {
	r := s.own(routeAssignments, s.account.reach.AccountID, id.String())
	if s.degraded() {
		here, err := s.thisWorkspace(ctx)
		if err != nil {
			return nil, err
		}
		if here.ID != id {
			return nil, unsupported(fmt.Sprintf("assignments of workspace %s need credentials for the account", id))
		}
		r = s.own(routeOwnAssignments)
	}
	rows, err := tokenPages(ctx, s, r,
		func(a assignmentRow) string { return string(a.Principal.ID) + " " + strings.Join(a.Permissions, ",") },
		func(w assignmentRows) page[assignmentRow] { return page[assignmentRow]{w.Rows, w.Next} })
	found := make([]identity.Assignment, 0, len(rows))
	for _, row := range rows {
		found = append(found, row.assignment(id))
	}
	return found, err
}

func (a assignmentRow) assignment(id identity.WorkspaceID) identity.Assignment {
	p := a.Principal
	out := identity.Assignment{Workspace: id, Principal: identity.PrincipalKey{ID: string(p.ID)}}
	switch {
	case p.UserName != "":
		out.Principal.Kind, out.Name = identity.KindUser, p.UserName
	case p.ServicePrincipal != "":
		out.Principal.Kind, out.Name = identity.KindServicePrincipal, p.ServicePrincipal
	case p.GroupName != "":
		out.Principal.Kind, out.Name = identity.KindGroup, p.GroupName
	default:
		out.Name = p.DisplayName
	}
	switch {
	case slices.Contains(a.Permissions, "ADMIN"):
		out.Permission = identity.WorkspaceAdmin
	case slices.Contains(a.Permissions, "USER"):
		out.Permission = identity.WorkspaceUser
	}
	return out
}

// metastoreRow is one metastore, in the account's list and in a workspace's summary alike.
//
// https://docs.databricks.com/api/account/accountmetastores/list,
// https://docs.databricks.com/api/workspace/metastores/summary
type metastoreRow struct {
	ID             string `json:"metastore_id"`
	Name           string `json:"name"`
	Region         string `json:"region"`
	Cloud          string `json:"cloud"`
	Owner          string `json:"owner"`
	PrivilegeModel string `json:"privilege_model_version"`
	ExternalAccess *bool  `json:"external_access_enabled"`
}

type metastoreRows struct {
	Rows []metastoreRow `json:"metastores"`
	Next string         `json:"next_page_token"`
}

func (m metastoreRow) metastore() identity.Metastore {
	return identity.Metastore{ID: m.ID, Name: m.Name, Region: m.Region, Cloud: strings.ToLower(m.Cloud), Owner: unquote(m.Owner), PrivilegeModel: m.PrivilegeModel,
		ExternalAccess: identity.SwitchOf(m.ExternalAccess)}
}

// Metastores lists the metastores of the account; with credentials for one workspace, the one it has.
func (s *Session) Metastores(ctx context.Context) ([]identity.Metastore, error) {
	if s.degraded() {
		m, err := s.summary(ctx, s.own(routeMetastoreSummary))
		if err != nil {
			return nil, err
		}
		return []identity.Metastore{m}, nil
	}
	rows, err := tokenPages(ctx, s, s.own(routeMetastores, s.account.reach.AccountID),
		func(m metastoreRow) string { return m.ID },
		func(w metastoreRows) page[metastoreRow] { return page[metastoreRow]{w.Rows, w.Next} })
	found := make([]identity.Metastore, 0, len(rows))
	for _, row := range rows {
		found = append(found, row.metastore())
	}
	return found, err
}

// Metastore reads the metastore that a workspace has.
func (s *Session) Metastore(ctx context.Context, at identity.Workspace) (identity.Metastore, error) {
	r, err := s.at(at, routeMetastoreSummary)
	if err != nil {
		return identity.Metastore{}, err
	}
	return s.summary(ctx, r)
}

func (s *Session) summary(ctx context.Context, r request) (identity.Metastore, error) {
	var row metastoreRow
	if _, err := s.fetch(ctx, r, &row); err != nil {
		return identity.Metastore{}, err
	}
	if row.ID == "" {
		return identity.Metastore{}, s.failed(fmt.Errorf("%s: the answer names no metastore", r.route))
	}
	return row.metastore(), nil
}

// metastoreWorkspaces are the workspaces that a metastore is assigned to.
//
// https://docs.databricks.com/api/account/accountmetastoreassignments/list
type metastoreWorkspaces struct {
	IDs  []scalar `json:"workspace_ids"`
	Next string   `json:"next_page_token"`
}

// MetastoreWorkspaces lists the workspaces that a metastore is assigned to.
func (s *Session) MetastoreWorkspaces(ctx context.Context, metastore string) ([]identity.WorkspaceID, error) {
	if s.degraded() {
		here, err := s.thisWorkspace(ctx)
		if err != nil {
			return nil, err
		}
		m, err := s.summary(ctx, s.own(routeMetastoreSummary))
		if err != nil {
			return nil, err
		}
		if m.ID != metastore {
			return nil, unsupported("the workspaces of other metastores need credentials for the account")
		}
		return []identity.WorkspaceID{here.ID}, nil
	}
	r := s.own(routeMetastoreWorkspaces, s.account.reach.AccountID, metastore)
	ids, err := tokenPages(ctx, s, r,
		func(id scalar) string { return string(id) },
		func(w metastoreWorkspaces) page[scalar] { return page[scalar]{w.IDs, w.Next} })
	found := make([]identity.WorkspaceID, 0, len(ids))
	for _, id := range ids {
		n, parseErr := strconv.ParseInt(string(id), 10, 64)
		if parseErr != nil {
			return found, incomplete("%s: %q is not the id of a workspace", r.route, id)
		}
		found = append(found, identity.WorkspaceID(n))
	}
	return found, err
}
