package sandbox

import (
	"errors"
	"fmt"
	"strings"
)

// Well-known names and values of the API.
const (
	// RoleAccountAdmin is the SCIM role value of an account administrator.
	RoleAccountAdmin = "account_admin"
	// GroupAccountUsers is the system group that holds every user and service principal.
	GroupAccountUsers = "account users"
	// GroupUsers and GroupAdmins are the system groups of each workspace.
	GroupUsers  = "users"
	GroupAdmins = "admins"

	// AssignUser and AssignAdmin are the permissions of a workspace assignment.
	AssignUser  = "USER"
	AssignAdmin = "ADMIN"

	// Open and Isolated are the isolation modes of a catalog. Other securables
	// carry the same two values here and are prefixed ISOLATION_MODE_ on the wire.
	Open     = "OPEN"
	Isolated = "ISOLATED"

	// ReadWrite and ReadOnly are the binding types.
	ReadWrite = "BINDING_TYPE_READ_WRITE"
	ReadOnly  = "BINDING_TYPE_READ_ONLY"

	// Running is the status of a workspace that serves API calls.
	Running = "RUNNING"
)

// Account is a whole Databricks account. It is a plain value: fill it, check it
// with [Account.Validate], hand it to [Start]. Once a server runs on it, change
// it only inside [Server.Update].
//
// Ids of principals (users, service principals, groups) are decimal strings and
// share one number space, as in the real thing.
type Account struct {
	// ID is the account's UUID.
	ID string
	// Name is for people only.
	Name string
	// Cloud is aws, azure or gcp.
	Cloud string
	// Domain is the DNS zone of the account's hosts, for example acme.test:
	// the account host is accounts.<Domain>, a workspace <deployment>.<Domain>.
	Domain string

	Users             []*User
	ServicePrincipals []*ServicePrincipal
	Groups            []*Group
	Workspaces        []*Workspace
	Metastores        []*Metastore
	RuleSets          []*RuleSet

	// BudgetPolicies and TagPolicies are the ids of the account's budget and tag
	// policies; each may have a rule set.
	BudgetPolicies, TagPolicies []string

	// PersonalCompute is the account's personal compute setting, ON or DELEGATE;
	// empty means never set (404).
	PersonalCompute string

	// EmptyPages names lists whose paged reads begin with an empty page that
	// carries a next_page_token, which the API documents as legal. Values are
	// the keys of the list in the response: catalogs, schemas, tables, …
	EmptyPages []string

	// Auditor may read everything: account admin, metastore admin, workspace admin.
	Auditor Credentials
	// LimitedAuditor is a service principal that can enter some workspaces and is refused nearly everything else.
	LimitedAuditor Credentials
}

// Credentials are the client id and secret of a service principal.
type Credentials struct {
	ClientID     string
	ClientSecret string
}

// User is an account user.
type User struct {
	ID          string
	UserName    string
	DisplayName string
	// Emails are further e-mail addresses: the user name is one.
	Emails []string
	// ExternalID is the identity provider's id; empty for a user made in Databricks.
	ExternalID string
	// Inactive is true for a deactivated user.
	Inactive bool
	// Roles are account roles, for example RoleAccountAdmin.
	Roles []string
}

// ServicePrincipal is an account service principal.
type ServicePrincipal struct {
	ID            string
	ApplicationID string
	DisplayName   string
	ExternalID    string
	Inactive      bool
	Roles         []string
	// Secrets are its OAuth secrets. Only those with a Value can be used to log in.
	Secrets []*Secret
	// FederationPolicies are its workload identity federation policies.
	FederationPolicies []*FederationPolicy
}

// Secret is an OAuth secret of a service principal.
type Secret struct {
	ID    string
	Value string
	// Status is ACTIVE or DISABLED; empty means ACTIVE.
	Status string
	// CreateTime, UpdateTime and ExpireTime are RFC 3339 and may be empty.
	CreateTime, UpdateTime, ExpireTime string
}

// FederationPolicy lets tokens of another issuer stand for a service principal.
type FederationPolicy struct {
	ID, Name, Issuer, Subject string
	Audiences                 []string
	CreateTime                string
}

// Group is an account group.
type Group struct {
	ID          string
	DisplayName string
	// ExternalID is set on groups that an identity provider owns; their members
	// cannot be changed through Databricks.
	ExternalID string
	// Members are the ids of direct members: users, service principals and groups.
	Members []string
	Roles   []string
	// System marks a group whose members the service computes ("account users").
	System bool
}

// Workspace is a workspace of the account.
type Workspace struct {
	ID             int64
	Name           string
	DeploymentName string
	// Status is the workspace_status; only Running workspaces answer calls.
	Status      string
	Region      string
	PricingTier string
	// MetastoreID is empty for a workspace without Unity Catalog.
	MetastoreID    string
	DefaultCatalog string
	// NoIdentityFederation is true for a workspace whose assignments cannot be managed from the account.
	NoIdentityFederation bool

	Assignments []*Assignment
	LocalGroups []*LocalGroup
	// Entitlements are the direct entitlements in SCIM spelling, by principal id.
	// The system groups are keyed GroupUsers and GroupAdmins.
	Entitlements map[string][]string
	// InstanceProfiles are instance-profile ARNs by principal id (the SCIM roles of a workspace).
	InstanceProfiles map[string][]string
	// GuestRecords are extra workspace users that exist beside the account user, see [GuestRecord].
	GuestRecords []*GuestRecord

	PATs    []*PAT
	Objects []*Object
	Scopes  []*SecretScope
	// TokensACL and PasswordsACL say who may use personal access tokens and
	// passwords. A workspace without passwords has a nil PasswordsACL, one with
	// enableTokensConfig false no tokens: the lists are then not there (404).
	TokensACL, PasswordsACL []ACE
	// ModelRootACL are permissions on all registered models of the workspace.
	ModelRootACL []ACE
	// RestrictAdmins is the value of the restrict_workspace_admins setting; empty means never set (404).
	RestrictAdmins string
	// Settings are further workspace settings by type name, as the path spells it;
	// each value is the JSON object of the setting.
	Settings map[string]any
	// Conf are workspace-conf values by key.
	Conf map[string]string
	// GlobalInitScripts are the workspace's global init scripts.
	GlobalInitScripts []*GlobalInitScript
}

// Assignment gives a principal entry to a workspace.
type Assignment struct {
	PrincipalID string
	// Permissions holds AssignUser or AssignAdmin.
	Permissions []string
	// Error is set by the service when the principal could not be resolved.
	Error string
}

// LocalGroup is a workspace-local group (meta.resourceType WorkspaceGroup).
type LocalGroup struct {
	ID          string
	DisplayName string
	// Members are the ids of users, guest records, service principals, assigned
	// account groups and local groups.
	Members []string
}

// GuestRecord is a workspace-only user record of a B2B guest: same externalId
// as the account user, another id, and the guest UPN as user name.
type GuestRecord struct {
	ID          string
	UserName    string
	DisplayName string
	ExternalID  string
	// AccountUserID is the account user that the record stands for.
	AccountUserID string
}

// PAT is a personal access token of a workspace.
type PAT struct {
	ID string
	// Value, if set, can be used as a bearer token on this workspace. It starts with dapi.
	Value   string
	OwnerID string
	// CreatedByID is the principal that made the token; empty means the owner.
	CreatedByID string
	Comment     string
	// CreationTime, ExpiryTime and LastUsedDay are milliseconds since 1970; ExpiryTime -1 means never.
	CreationTime, ExpiryTime, LastUsedDay int64
	Scopes                                []string
}

// ACE is one principal's entry in an object's access control list.
type ACE struct {
	// Exactly one of the three is set: a user name, a group name, an application id.
	User, Group, SP string
	Level           string
	// InheritedFrom is set for inherited entries, for example /directories/42. What
	// folders hand down is computed and need not be written.
	InheritedFrom []string
}

// Object is a workspace object with an access control list.
type Object struct {
	// Type is the request object type of the Permissions API: jobs, clusters,
	// cluster-policies, instance-pools, pipelines, warehouses, queries, alerts,
	// alertsv2, dbsql-dashboards, dashboards, genie, notebooks, files,
	// directories, repos, experiments, registered-models, serving-endpoints,
	// apps, vector-search-endpoints, database-instances, database-projects,
	// knowledge-assistants, supervisor-agents.
	Type string
	// ID is what permissions are asked by, except for apps and database instances,
	// which go by name. Endpoints of the service itself have none.
	ID   string
	Name string
	// Path is the workspace path of everything that lies in a folder; permissions
	// on the folder reach it.
	Path string
	// Creator and Owner are user names or application ids, as the list row shows them.
	Creator, Owner string
	// RunAs is the identity that was set for a job, pipeline or alert to run as.
	// Without it a job runs as its owner, a pipeline or alert as its creator or owner.
	RunAs string
	ACL   []ACE
	// Settings are further fields of a job's settings (tasks, git_source) or a
	// pipeline's spec (libraries).
	Settings map[string]any
	// Published is set for an AI/BI dashboard that is published.
	Published *Published
	// Extra are further fields of the list row, merged into it as they are.
	Extra map[string]any
}

// Published is the published form of an AI/BI dashboard.
type Published struct {
	// EmbedCredentials lets viewers read with the rights of who published it.
	EmbedCredentials bool
	WarehouseID      string
}

// SecretScope is a secret scope with its own kind of access control list.
type SecretScope struct {
	Name    string
	Backend string // DATABRICKS or AZURE_KEYVAULT
	ACLs    []SecretACL
	Keys    []string
}

// SecretACL is one entry of a scope's list; Principal is a user name, group name or application id.
type SecretACL struct{ Principal, Permission string }

// GlobalInitScript runs on every cluster of a workspace.
type GlobalInitScript struct {
	ID, Name, CreatedBy string
	Enabled             bool
	Position            int
}

// RuleSet holds the roles that principals have on an account resource.
type RuleSet struct {
	// Name is accounts/<id>/ruleSets/default, accounts/<id>/groups/<group id>/ruleSets/default
	// or accounts/<id>/servicePrincipals/<application id>/ruleSets/default; budgetPolicies
	// and tagPolicies take the id of the policy.
	Name  string
	Rules []GrantRule
	// Version is bumped at each write; the etag follows from it.
	Version int
}

// GrantRule gives one role to principals of the form users/<name>, groups/<name>, servicePrincipals/<application id>.
type GrantRule struct {
	Role       string
	Principals []string
}

// Metastore is a Unity Catalog metastore with all it holds.
type Metastore struct {
	ID     string
	Name   string
	Region string
	// Owner is the metastore admin: a user name, group name, application id, or empty ("System user").
	Owner string
	// PrivilegeModel is the privilege_model_version; empty means 1.0.
	PrivilegeModel        string
	ExternalAccessEnabled bool
	Grants                []Grant

	// Audit is what system.access.audit holds; nil means no events. The table is
	// there only if the metastore has a catalog system with a schema access.
	Audit *AuditLog

	Catalogs          []*Catalog
	ExternalLocations []*ExternalLocation
	Credentials       []*Credential
	Connections       []*Connection
	Shares            []*Share
	Recipients        []*Recipient
	Providers         []*Provider
}

// Grant gives privileges on the securable that holds it.
type Grant struct {
	// Principal is a user name, group name or application id; empty for a deleted principal.
	Principal string
	// PrincipalID is filled by the server for living principals; set it for a deleted one.
	PrincipalID string
	Privileges  []string
}

// Securable is what all Unity Catalog objects share.
type Securable struct {
	Name    string
	Owner   string
	Comment string
	Grants  []Grant
	// Policies are attribute-based policies; catalogs, schemas and tables may have them.
	Policies []Policy
}

// Policy is an attribute-based access control policy.
type Policy struct {
	ID, Name, Comment string
	// Type is POLICY_TYPE_ROW_FILTER, POLICY_TYPE_COLUMN_MASK or POLICY_TYPE_GRANT.
	Type string
	// To and Except are names of users, groups and application ids.
	To, Except []string
	// For is the type of securable it acts on, for example TABLE.
	For string
	// When is the condition on the securable's tags; empty means always.
	When string
	// Match names columns by their tags: alias and condition.
	Match [][2]string
	// Function is the row filter's or mask's function, OnColumn the alias of the
	// masked column, Using the aliases that the function is given.
	Function, OnColumn string
	Using              []string
	// Privileges are what a grant policy grants.
	Privileges []string
	CreatedBy  string
}

// Isolation limits a securable to bound workspaces.
type Isolation struct {
	// Mode is Open or Isolated; empty means Open.
	Mode     string
	Bindings []Binding
}

// Binding lets one workspace use an isolated securable.
type Binding struct {
	WorkspaceID int64
	// Type is ReadWrite or ReadOnly; empty means ReadWrite.
	Type string
}

// Catalog is a catalog.
type Catalog struct {
	Securable
	Isolation
	// Type is the catalog_type; empty means MANAGED_CATALOG.
	Type string
	// ConnectionName is set for foreign catalogs, ProviderName and ShareName for shared ones.
	ConnectionName, ProviderName, ShareName string
	Schemas                                 []*Schema
}

// Schema is a schema.
type Schema struct {
	Securable
	Tables    []*Table
	Volumes   []*Volume
	Functions []*Function
	Models    []*Model
}

// Table is a table, view, materialized view or streaming table.
type Table struct {
	Securable
	// Type is the table_type: MANAGED (if empty), EXTERNAL, VIEW, MATERIALIZED_VIEW, STREAMING_TABLE, FOREIGN, METRIC_VIEW.
	Type string
	// ViewDefinition, Dependencies (full names of tables) and FunctionDependencies
	// (of functions) are set for views.
	ViewDefinition       string
	Dependencies         []string
	FunctionDependencies []string
	Columns              []Column
	// RowFilter is the full name of the row filter's function, if any.
	RowFilter        string
	RowFilterColumns []string
	StorageLocation  string
}

// Column is a column of a table.
type Column struct {
	Name, Type string
	// Mask is the full name of the column mask's function, if any.
	Mask string
}

// Volume is a volume.
type Volume struct {
	Securable
	// Type is MANAGED (if empty) or EXTERNAL.
	Type            string
	StorageLocation string
}

// Function is a user-defined function.
type Function struct {
	Securable
	Definition string
	// Dependencies are the full names of tables that it reads, FunctionDependencies of functions.
	Dependencies         []string
	FunctionDependencies []string
}

// Model is a registered model of Unity Catalog.
type Model struct{ Securable }

// ExternalLocation is a storage path with the credential to reach it.
type ExternalLocation struct {
	Securable
	Isolation
	URL            string
	CredentialName string
	IsReadOnly     bool
}

// Credential is a storage or service credential.
type Credential struct {
	Securable
	Isolation
	// Purpose is STORAGE (if empty) or SERVICE.
	Purpose string
	RoleARN string
}

// Connection is a connection to another database.
type Connection struct {
	Securable
	Type string
}

// Share is a Delta Sharing share; its grants name recipients, not principals.
type Share struct {
	Securable
	// Objects are the full names of the shared tables.
	Objects []string
}

// Recipient is a Delta Sharing recipient.
type Recipient struct {
	Securable
	AuthenticationType string
}

// Provider is a Delta Sharing provider.
type Provider struct {
	Securable
	AuthenticationType string
}

// AccountHostName is the DNS name of the account host.
func (a *Account) AccountHostName() string { return "accounts." + a.Domain }

// ResultsHostName is the DNS name of the storage that holds large results of
// statements. In the real thing it belongs to the cloud.
func (a *Account) ResultsHostName() string { return "results." + a.Domain }

// HostName is the DNS name of the workspace's host.
func (a *Account) HostName(w *Workspace) string { return w.DeploymentName + "." + a.Domain }

// UserByName finds a user by user name, or returns nil. Case does not matter.
func (a *Account) UserByName(name string) *User {
	for _, u := range a.Users {
		if strings.EqualFold(u.UserName, name) {
			return u
		}
	}
	return nil
}

// GroupByName finds an account group by display name, or returns nil.
func (a *Account) GroupByName(name string) *Group {
	for _, g := range a.Groups {
		if g.DisplayName == name {
			return g
		}
	}
	return nil
}

// ServicePrincipalByName finds a service principal by display name, or returns nil.
func (a *Account) ServicePrincipalByName(name string) *ServicePrincipal {
	for _, sp := range a.ServicePrincipals {
		if sp.DisplayName == name {
			return sp
		}
	}
	return nil
}

// WorkspaceByName finds a workspace by name, or returns nil.
func (a *Account) WorkspaceByName(name string) *Workspace {
	for _, w := range a.Workspaces {
		if w.Name == name {
			return w
		}
	}
	return nil
}

// MetastoreByName finds a metastore by name, or returns nil.
func (a *Account) MetastoreByName(name string) *Metastore {
	for _, m := range a.Metastores {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// CatalogByName finds a catalog of the metastore, or returns nil.
func (m *Metastore) CatalogByName(name string) *Catalog {
	for _, c := range m.Catalogs {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// SchemaByName finds a schema of the catalog, or returns nil.
func (c *Catalog) SchemaByName(name string) *Schema {
	for _, s := range c.Schemas {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// TableByName finds a table or view of the schema, or returns nil.
func (s *Schema) TableByName(name string) *Table {
	for _, t := range s.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Validate reports everything that makes the account impossible: ids used
// twice, members, assignments and credentials that point nowhere, workspaces of
// a metastore that is not there, two groups of one name in a workspace. Group cycles are allowed, as are grants to
// principals that do not exist: the real thing has both.
func (a *Account) Validate() error {
	v := &validator{ids: map[string]string{}}
	v.require(a.ID != "", "account has no id")
	v.require(a.Domain != "", "account has no domain")
	v.identities(a)
	v.metastores(a)
	v.workspaces(a)
	for _, c := range []Credentials{a.Auditor, a.LimitedAuditor} {
		v.require(c.ClientID == "" || v.apps[c.ClientID], "credentials of unknown application %s", c.ClientID)
	}
	return errors.Join(v.errs...)
}

type validator struct {
	errs []error
	// ids maps a principal id to what it is.
	ids        map[string]string
	apps       map[string]bool
	metastore  map[string]bool
	deployment map[string]bool
}

func (v *validator) require(ok bool, format string, args ...any) {
	if !ok {
		v.errs = append(v.errs, fmt.Errorf(format, args...))
	}
}

func (v *validator) claim(id, what string) {
	v.require(isDecimal(id), "%s: id %q is not a number", what, id)
	other, taken := v.ids[id]
	v.require(!taken, "%s: id %s is taken by %s", what, id, other)
	v.ids[id] = what
}

func isDecimal(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

func (v *validator) identities(a *Account) {
	v.apps = map[string]bool{}
	users := map[string]bool{}
	for _, u := range a.Users {
		v.claim(u.ID, "user "+u.UserName)
		name := strings.ToLower(u.UserName)
		v.require(!users[name], "user name %s is used twice", u.UserName)
		users[name] = true
	}
	for _, sp := range a.ServicePrincipals {
		v.claim(sp.ID, "service principal "+sp.DisplayName)
		v.require(!v.apps[sp.ApplicationID], "application id %s is used twice", sp.ApplicationID)
		v.apps[sp.ApplicationID] = true
	}
	for _, g := range a.Groups {
		v.claim(g.ID, "group "+g.DisplayName)
	}
	for _, g := range a.Groups {
		for _, m := range g.Members {
			v.require(v.ids[m] != "", "group %s: no member %s", g.DisplayName, m)
		}
	}
}

func (v *validator) metastores(a *Account) {
	v.metastore = map[string]bool{}
	for _, m := range a.Metastores {
		v.require(!v.metastore[m.ID], "metastore id %s is used twice", m.ID)
		v.metastore[m.ID] = true
		names := map[string]bool{}
		for _, c := range m.Catalogs {
			v.require(!names[strings.ToLower(c.Name)], "metastore %s: catalog %s is there twice", m.Name, c.Name)
			names[strings.ToLower(c.Name)] = true
			v.isolation(c.Mode, "catalog "+c.Name)
		}
	}
}

func (v *validator) isolation(mode, what string) {
	v.require(mode == "" || mode == Open || mode == Isolated, "%s: no isolation mode %q", what, mode)
}

func (v *validator) workspaces(a *Account) {
	v.deployment = map[string]bool{}
	ids := map[int64]bool{}
	for _, w := range a.Workspaces {
		v.require(!ids[w.ID], "workspace id %d is used twice", w.ID)
		ids[w.ID] = true
		v.require(w.DeploymentName != "" && !v.deployment[w.DeploymentName], "workspace %s: deployment name %q is empty or taken", w.Name, w.DeploymentName)
		v.deployment[w.DeploymentName] = true
		v.require(w.MetastoreID == "" || v.metastore[w.MetastoreID], "workspace %s: no metastore %s", w.Name, w.MetastoreID)
		for _, as := range w.Assignments {
			v.require(v.ids[as.PrincipalID] != "", "workspace %s: assignment of unknown principal %s", w.Name, as.PrincipalID)
		}
		v.localIdentities(w)
		v.groupNames(a, w)
		for _, o := range w.Objects {
			_, known := objectKinds[o.Type]
			v.require(known, "workspace %s: object %s has unknown type %q", w.Name, o.Name, o.Type)
		}
	}
}

// groupNames: a group cannot be assigned to a workspace, or made in it, while
// another of its name is there
// (https://docs.databricks.com/admin/users-groups/workspace-local-groups).
func (v *validator) groupNames(a *Account, w *Workspace) {
	names := map[string]bool{GroupUsers: true, GroupAdmins: true}
	take := func(name string) {
		v.require(!names[strings.ToLower(name)], "workspace %s: two groups are called %s", w.Name, name)
		names[strings.ToLower(name)] = true
	}
	assigned := map[string]bool{}
	for _, as := range w.Assignments {
		assigned[as.PrincipalID] = true
	}
	for _, g := range a.Groups {
		if assigned[g.ID] {
			take(g.DisplayName)
		}
	}
	for _, g := range w.LocalGroups {
		take(g.DisplayName)
	}
}

func (v *validator) localIdentities(w *Workspace) {
	for _, r := range w.GuestRecords {
		v.claim(r.ID, "guest record "+r.UserName)
	}
	for _, g := range w.LocalGroups {
		v.claim(g.ID, "workspace group "+g.DisplayName)
	}
	for _, g := range w.LocalGroups {
		for _, m := range g.Members {
			v.require(v.ids[m] != "", "workspace group %s: no member %s", g.DisplayName, m)
		}
	}
	for _, p := range w.PATs {
		v.require(v.ids[p.OwnerID] != "", "workspace %s: token %s has unknown owner %s", w.Name, p.ID, p.OwnerID)
	}
}
