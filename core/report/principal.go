package report

import "databricks-access-audit/core/identity"

// Principal is a user, service principal or group as reports show it.
type Principal struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // user, service_principal, group, unknown
	// Name is what grants call it: userName, application id or group name.
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	Source      string `json:"source"` // idp, databricks, system, workspace_local, unknown
	// Active is null when the status was not read; groups are always active.
	Active  *bool    `json:"active"`
	Aliases []string `json:"aliases"`
	// Workspace is the name of the one workspace in which a group exists; empty for the account's.
	Workspace string `json:"workspace,omitempty"`
}

// Securable is a Unity Catalog object as reports show it.
type Securable struct {
	Type     identity.SecurableType `json:"type"`
	FullName string                 `json:"full_name"`
	// Metastore is the metastore's name, or its id where it has none.
	Metastore string `json:"metastore"`
	// Owner is null when it was not read.
	Owner *string `json:"owner"`
}

// The lists of a PrincipalReport, as Gap.Affects names them.
const (
	ListMemberships = "memberships"
	ListWorkspaces  = "workspaces"
	ListGrants      = "grants"
	ListRoles       = "roles"
	ListObjects     = "objects"
)

// Path is the chain of principal names from the subject to the holder of a right, both included. A
// path of one name means that the subject holds the right itself.
type Path []string

// PrincipalReport answers: what can this user, service principal or group reach, everywhere, and by
// which path.
type PrincipalReport struct {
	Envelope
	Principal   Principal    `json:"principal"`
	Memberships []Membership `json:"memberships"`
	// Workspaces are those that the principal can enter.
	Workspaces []WorkspaceAccess `json:"workspaces"`
	// Grants are listed as held: one item for each holder and securable where the right was given,
	// not repeated on what lies below.
	Grants []Grant `json:"grants"`
	// Objects are permissions on workspace objects; null when they were not asked for.
	Objects []Object `json:"objects"`
	// LocalGroups are the groups that exist in one workspace alone; null when they were not asked for.
	LocalGroups []LocalGroup `json:"local_groups"`
	Roles       []Role       `json:"roles"`
	// Stale compares what the principal holds with what it used; null when last uses were not asked for.
	Stale []Stale `json:"stale"`
	// Escalations is null when they were not asked for.
	Escalations []Escalation `json:"escalations"`
	// CatalogOnlyGroups give Unity Catalog access but no way into a workspace.
	CatalogOnlyGroups []Principal `json:"catalog_only_groups"`
	// UnusedGroups were seen to give nothing at all, at the depth asked for.
	UnusedGroups []Principal `json:"unused_groups"`
	// UndecidedGroups could be in one of the two lists above: something was not read that decides it.
	UndecidedGroups []Principal `json:"undecided_groups"`
}

// Membership is one group that the principal is in.
type Membership struct {
	Group Principal `json:"group"`
	// Direct is true when the principal itself is known to be a member, whatever other paths there are.
	Direct bool `json:"direct"`
	// WayUnknown says that the principal is in the group, but the members that lead there were not
	// read: it may be a direct member, and there may be no path here.
	WayUnknown bool `json:"way_unknown,omitempty"`
	// Paths are all ways from the principal to the group without passing a group twice, shortest
	// first.
	Paths []Path `json:"paths"`
	// PathsOmitted counts further paths beyond the limit that are not listed. It is zero when all
	// are, and -1 when there are more than was counted.
	PathsOmitted int `json:"paths_omitted,omitempty"`
}

// WorkspaceAccess is one workspace that the principal can enter.
type WorkspaceAccess struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Access string `json:"access"` // USER or ADMIN
	// Path leads to the principal that is assigned.
	Path Path `json:"path"`
	// Entitlements is null when they were not asked for.
	Entitlements []string `json:"entitlements"`
}

// How a right is held, for Grant.Source.
const (
	SourceDirect   = "direct"   // granted to the subject itself
	SourceGroup    = "group"    // granted to a group that the subject is in
	SourceOwner    = "owner"    // the subject, or a group it is in, owns the securable
	SourceImplicit = "implicit" // granted to a group that everybody is in, such as account users
)

// Grant is a right on one securable, as held.
type Grant struct {
	Securable Securable `json:"securable"`
	// Privileges are as granted, in the API's spelling, sorted. For ownership it is ["OWNER"].
	Privileges []identity.Privilege `json:"privileges"`
	Source     string               `json:"source"`
	Path       Path                 `json:"path"`
	// ReachableIn names the workspaces where the principal can use the securable now: it is active
	// and assigned there, the metastore is attached, bindings permit, and USE CATALOG and USE
	// SCHEMA are held where needed.
	ReachableIn []string `json:"reachable_in"`
	// ReachUnknown says that a fact that could add to ReachableIn was not read.
	ReachUnknown bool `json:"reach_unknown,omitempty"`
	// Caveats are conditions under which the grant gives less, or rests on an assumption.
	Caveats []string `json:"caveats,omitempty"`
}

// Owner is the pseudo-privilege under which ownership is listed.
const Owner identity.Privilege = "OWNER"

// Object is a permission on one workspace object. For one principal it is the strongest that it has, by
// whatever way; of levels of which none includes the other there is one item each.
type Object struct {
	Workspace string `json:"workspace"`
	Type      string `json:"type"`
	ID        string `json:"id"`
	Name      string `json:"name"`
	Level     string `json:"level"`
	Source    string `json:"source"`
	// Path leads to whom the permission names.
	Path Path `json:"path"`
	// InheritedFrom names the object that it comes from, as the API spells it, with the path where that is
	// known: "/directories/42". Empty means that it was given on the object itself, or comes with being admin
	// of the workspace.
	InheritedFrom string `json:"inherited_from"`
	// Owner is whom the object's permissions call its owner, and RunAs as whom it runs; empty where there is
	// nobody, or where that was not told.
	Owner string `json:"owner"`
	RunAs string `json:"run_as"`
	// Usable says whether the principal can use the permission now: it is active and assigned to the
	// workspace. It is null where that is not known, and in reports on groups, where it is not worked out.
	Usable *bool `json:"usable"`
}

// Role is an administrative role that the principal holds.
type Role struct {
	Role  string `json:"role"`  // account_admin, workspace_admin, metastore_admin
	Scope string `json:"scope"` // "account", a workspace's name, a metastore's name
	Path  Path   `json:"path"`
}

// Escalation is a way to more access than the grants say.
type Escalation struct {
	ID          string             `json:"id"`
	Severity    string             `json:"severity"`
	Privilege   identity.Privilege `json:"privilege"`
	Securable   *Securable         `json:"securable"`
	Path        Path               `json:"path"`
	Acts        []string           `json:"acts"`
	Explanation string             `json:"explanation"`
}
