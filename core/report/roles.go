package report

// The lists of a RolesReport, as Gap.Affects names them.
const (
	ListHeldRoles         = "roles"
	ListWorkspaceSettings = "workspaces"
	ListMetastoreAdmins   = "metastores"
	ListWorkspaceCatalogs = "workspace_catalogs"
)

// RolesReport answers: which of the roles of a Databricks account somebody has, or everybody, with the
// fact that shows each.
type RolesReport struct {
	Envelope
	// Subject is the one asked about; null means everybody.
	Subject *Principal `json:"subject"`
	Roles   []HeldRole `json:"roles"`
	// Workspaces say how far their admins may act as others, and how many became admin through groups.
	Workspaces []WorkspaceAdmins `json:"workspaces"`
	// Metastores say who administers each; nobody may.
	Metastores []MetastoreAdmin `json:"metastores"`
	// WorkspaceCatalogs are catalogs that belong to the hidden groups of a workspace.
	WorkspaceCatalogs []WorkspaceCatalog `json:"workspace_catalogs"`
	// Unknowable are roles of which nothing that was read tells who has them.
	Unknowable []Unknowable `json:"unknowable"`
}

// HeldRole is one role of one principal.
type HeldRole struct {
	Principal Principal `json:"principal"`
	// Role is account_admin, billing_admin, marketplace_admin, metastore_admin, workspace_admin, user,
	// job_creator, viewer, catalog_owner, schema_owner, volume_owner, data_access, group_manager,
	// group_assumer, service_principal_manager, service_principal_user, or another account role verbatim.
	Role string `json:"role"`
	// Scope is where: "account", or the name of a workspace, metastore, securable, group or service
	// principal, after its kind: "workspace prod", "catalog main".
	Scope string `json:"scope"`
	// Path leads from the principal to who holds the role.
	Path Path `json:"path"`
	Fact Fact `json:"fact"`
	// Certain is false where a fact that could take the role away, or that shows it, was not read.
	Certain bool `json:"certain"`
	// Detail says more in words, such as which privileges a data access consists of.
	Detail string `json:"detail,omitempty"`
}

// WorkspaceAdmins is how a workspace is administered.
type WorkspaceAdmins struct {
	Name string `json:"name"`
	// RestrictAdmins is ALLOW_ALL, RESTRICT_TOKENS_AND_JOB_RUN_AS or unknown.
	RestrictAdmins string `json:"restrict_admins"`
	// Admins counts the users and service principals that are admin, Nested those of them that are so
	// through a group in a group.
	Admins int `json:"admins"`
	Nested int `json:"nested"`
	// Complete is false where there may be more: an assignment or the members of a group were not read.
	Complete bool `json:"complete"`
}

// MetastoreAdmin is who administers a metastore.
type MetastoreAdmin struct {
	Name string `json:"name"`
	// Owner is null when it was not read, and empty when nobody is admin.
	Owner *string `json:"owner"`
	// Admins counts the users and service principals that are admin.
	Admins int `json:"admins"`
	// Complete is false where there may be more: the owner or the members of a group were not read.
	Complete bool `json:"complete"`
}

// WorkspaceCatalog is a catalog whose owner or grants are those of a workspace's hidden groups. For what
// they hold on the metastore, or on what stands beside the catalogs, Catalog is that.
type WorkspaceCatalog struct {
	Catalog   Securable `json:"catalog"`
	Workspace string    `json:"workspace"`
	// Holder is the hidden group, and Privileges what it holds; OWNER where it owns the catalog.
	Holder     string    `json:"holder"`
	Privileges []string  `json:"privileges"`
	On         Securable `json:"on"`
}

// Unknowable is a role, or a kind of escalation, that could not be looked for, and why.
type Unknowable struct {
	Role string `json:"role"`
	Why  string `json:"why"`
}
