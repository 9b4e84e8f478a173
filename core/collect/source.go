package collect

import (
	"context"
	"time"

	"databricks-access-audit/core/identity"
)

// Source is where facts come from. core/databricks implements it over HTTP; a snapshot or a
// recording can too.
//
// Every method may be called concurrently. A method that lists returns every item or an error: it
// follows pages, drops duplicates and recognises an endless listing. An error about an answer of
// the peer is an *identity.Failure; when its Partial flag is set, the items returned beside it are
// what was read before the failure. A cancelled context comes back as an error that wraps ctx.Err().
// Methods retry what may succeed later by themselves, within their own budget.
type Source interface {
	Directory
	Places
	Securables
	Delegations
	Entry
	Objects
	Logs

	// Reach says how much of the account the credentials can see at all.
	Reach() identity.Reach
	// Calls says what this source has cost so far: requests sent, retries included, by method and
	// route template, such as "GET /api/2.0/accounts/{account_id}/workspaces".
	Calls() map[string]int
}

// Directory reads identities.
type Directory interface {
	// FindPrincipals gives the users, service principals or groups that fit any of the matches.
	FindPrincipals(ctx context.Context, kind identity.Kind, matches ...identity.Match) ([]identity.Principal, error)
	// Principals lists all users, or all service principals, of the account.
	Principals(ctx context.Context, kind identity.Kind) ([]identity.Principal, error)
	// Principal reads one account principal by its numeric id.
	Principal(ctx context.Context, key identity.PrincipalKey) (identity.Principal, error)
	// ParentGroups gives every account group that the principal is in, directly or not, as keys
	// without names, in as few calls as the API allows. It fails with kind Unsupported where the
	// account does not have that API.
	ParentGroups(ctx context.Context, key identity.PrincipalKey) ([]identity.PrincipalKey, error)
	// Group reads one account group with its direct members.
	Group(ctx context.Context, key identity.PrincipalKey) (identity.Group, error)
	// Groups lists all account groups. Most accounts leave the members out of the list:
	// MembersListed says for each group whether they are there.
	Groups(ctx context.Context) ([]identity.Group, error)
	// Caller reads whose credentials the workspace sees: key, name and display name.
	Caller(ctx context.Context, at identity.Workspace) (identity.Principal, error)
	// WorkspaceUserName finds the user whom the workspace knows under name, and gives the external
	// id the workspace records for that user. It serves to tell whether a guest's user name and a
	// mail address are one person. Not found is kind NotFound.
	WorkspaceUserName(ctx context.Context, at identity.Workspace, name string) (externalID string, err error)
}

// Places reads the workspaces and metastores of the account.
type Places interface {
	Workspaces(ctx context.Context) ([]identity.Workspace, error)
	// Assignments lists the explicit assignments of one workspace.
	Assignments(ctx context.Context, id identity.WorkspaceID) ([]identity.Assignment, error)
	Metastores(ctx context.Context) ([]identity.Metastore, error)
	// Metastore reads the metastore of a workspace, with what the list may leave out.
	Metastore(ctx context.Context, at identity.Workspace) (identity.Metastore, error)
	// MetastoreWorkspaces gives the ids of the workspaces that a metastore is assigned to.
	MetastoreWorkspaces(ctx context.Context, metastore string) ([]identity.WorkspaceID, error)
}

// Securables reads Unity Catalog through a workspace that has the metastore.
type Securables interface {
	// Children lists the securables of one type directly in parent: catalogs, external locations
	// and so on in a metastore, schemas in a catalog, tables and so on in a schema. TypeTable
	// covers every kind of table and view; identity.AnyCredential lists credentials of either purpose.
	// Isolated catalogs that the workspace is not bound to are listed too.
	Children(ctx context.Context, at identity.Workspace, parent identity.Securable, t identity.SecurableType) ([]identity.SecurableInfo, error)
	// Grants reads the direct grants on a securable, those of deleted principals included.
	Grants(ctx context.Context, at identity.Workspace, on identity.Securable) ([]identity.Grant, error)
	// Lookup reads one securable by name, with what listings leave out. Kind NotFound means that there
	// is none of that type and name in the metastore of the workspace.
	Lookup(ctx context.Context, at identity.Workspace, s identity.Securable) (identity.SecurableInfo, error)
	// Policies reads the attribute-based policies that hold on a catalog, schema or table, those of its
	// containers included. An account without the feature has none.
	Policies(ctx context.Context, at identity.Workspace, on identity.Securable) ([]identity.Policy, error)
	// Bindings reads which workspaces an isolated securable is bound to.
	Bindings(ctx context.Context, at identity.Workspace, on identity.Securable) ([]identity.Binding, error)
}

// Delegations reads who may manage or act as a principal.
type Delegations interface {
	// RoleGrants reads the roles that were given on a group or service principal, or where the key is
	// zero on the account. The principal's name must be set: the API addresses service principals by
	// their application id. A principal on which nothing was ever given has none. A holder of a kind that
	// is not known keeps the API's whole spelling as a name of unknown kind. Users, groups of one
	// workspace and the group of all account users can bear no roles: kind Unsupported. NotFound means
	// that the principal is gone.
	RoleGrants(ctx context.Context, on identity.Principal) ([]identity.RoleGrant, error)
}

// Entry reads what principals may use of a workspace, as the workspace tells it.
type Entry interface {
	// WorkspaceIdentities lists the users, service principals or groups of a workspace with their
	// direct entitlements. Groups of the workspace alone have it in their key; their members are not
	// read: WorkspaceMembers does. Parents of groups are exact when the list is complete; beside a failure
	// they are candidates, as in WorkspaceIdentity. A caller who is no admin of the workspace is shown
	// names alone: kind Forbidden.
	WorkspaceIdentities(ctx context.Context, at identity.Workspace, kind identity.Kind) ([]identity.WorkspaceIdentity, error)
	// WorkspaceIdentity reads one account user or service principal as the workspace records it, with
	// the groups that it is in, directly or not. The record does not tell groups of the workspace alone
	// from account groups, so its Parents are candidates, all with the workspace in their key: those that
	// WorkspaceIdentities lists for groups are true, the others are account groups. Kind NotFound means
	// that the workspace does not record it.
	WorkspaceIdentity(ctx context.Context, at identity.Workspace, key identity.PrincipalKey) (identity.WorkspaceIdentity, error)
	// WorkspaceMembers reads the direct members of a group of the workspace alone, its system groups
	// included. Groups among them have the key they have in WorkspaceIdentities.
	WorkspaceMembers(ctx context.Context, at identity.Workspace, group identity.PrincipalKey) ([]identity.PrincipalKey, error)
	// RestrictAdmins reads how far the admins of a workspace may act as others. A workspace where it
	// was never set has the default, AdminsAllowAll.
	RestrictAdmins(ctx context.Context, at identity.Workspace) (identity.RestrictAdmins, error)
}

// Objects reads workspace objects and who may use them.
type Objects interface {
	// Objects lists the objects of one type. Types that lie in the workspace's tree alone, and
	// permissions on tokens and passwords, are not listed: kind Unsupported. Git folders are among them,
	// since their list has only those that the caller manages. Clusters that jobs start for themselves and
	// endpoints that Databricks keeps for its own models are left out.
	Objects(ctx context.Context, at identity.Workspace, t identity.ObjectType) ([]identity.ObjectInfo, error)
	// Object reads one object in detail: as whom it runs, what code it runs, whose rights it lends.
	// For types without further detail it gives what is known already, without a call. Code that a job
	// takes out of a Git repository is named by the repository's address, # and the path in it.
	Object(ctx context.Context, at identity.Workspace, known identity.ObjectInfo) (identity.ObjectInfo, error)
	// ObjectAt finds what lies at a path of the workspace's tree. Kind NotFound means nothing does, kind
	// Unsupported that it is of a type without permissions that are known.
	ObjectAt(ctx context.Context, at identity.Workspace, path string) (identity.ObjectInfo, error)
	// Inside lists what lies directly in a directory or Git folder of the workspace's tree, which begins at
	// "/". What is of a type that has a list of its own, or no permissions that are known, is left out.
	Inside(ctx context.Context, at identity.Workspace, path string) ([]identity.ObjectInfo, error)
	// ObjectGrants reads the permissions on an object, inherited ones included; From is "inherited" where
	// the answer does not say from what. Holders of secrets are told by name alone: their kind is what the
	// name looks like.
	ObjectGrants(ctx context.Context, at identity.Workspace, on identity.Object) ([]identity.ObjectGrant, error)
}

// Logs reads the audit log of a workspace's region by one of its SQL warehouses. Asking one that is stopped
// starts it; one that runs costs money.
type Logs interface {
	// Warehouses lists the SQL warehouses that the caller may use.
	Warehouses(ctx context.Context, at identity.Workspace) ([]identity.Warehouse, error)
	// AuditLog finds out how much of the log there is since a day. Whose sake it is for is left out.
	AuditLog(ctx context.Context, at identity.Workspace, by identity.Warehouse, since time.Time) (identity.AuditLog, error)
	// Uses reads when each of some users and service principals last used what, and was last seen at all,
	// since a day. Who is not there was not seen.
	Uses(ctx context.Context, at identity.Workspace, by identity.Warehouse, since time.Time, who []identity.Principal) ([]identity.Use, error)
}
