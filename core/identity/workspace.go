package identity

import (
	"cmp"
	"strings"
)

// Workspace is one workspace of the account.
type Workspace struct {
	ID   WorkspaceID
	Name string
	// Host is the workspace's base address, "https://" included, without a trailing slash. Empty
	// when it cannot be derived.
	Host   string
	Cloud  string // aws, azure, gcp or empty
	Region string
	// Status is the API's word: RUNNING, PROVISIONING, … Empty means that the API did not say.
	Status string
}

// Running reports whether the workspace can serve API calls. A missing status counts as running:
// asking then gives an answer or a named failure, while leaving out would hide it.
func (w Workspace) Running() bool { return w.Status == "" || w.Status == "RUNNING" }

// Compare orders workspaces by name, then id.
func (w Workspace) Compare(other Workspace) int {
	return cmp.Or(strings.Compare(w.Name, other.Name), cmp.Compare(w.ID, other.ID))
}

// WorkspacePermission is what an assignment gives in a workspace.
type WorkspacePermission uint8

// The workspace permissions. WorkspaceNone is the zero value.
const (
	WorkspaceNone WorkspacePermission = iota
	WorkspaceUser
	WorkspaceAdmin
)

// String is the API's spelling: USER or ADMIN; "NONE" for none.
func (p WorkspacePermission) String() string {
	switch p {
	case WorkspaceUser:
		return "USER"
	case WorkspaceAdmin:
		return "ADMIN"
	default:
		return "NONE"
	}
}

// Assignment is one explicit workspace assignment.
//
// https://docs.databricks.com/api/account/workspaceassignment/list
type Assignment struct {
	Workspace WorkspaceID
	Principal PrincipalKey
	// Name is what the answer called the principal.
	Name       string
	Permission WorkspacePermission
}

// Metastore is one Unity Catalog metastore of the account.
type Metastore struct {
	ID     string
	Name   string
	Region string
	Cloud  string
	// Owner is the metastore admin: a user name, application id or group name. Empty or
	// "System user" means that nobody is.
	Owner string
	// ExternalAccess says whether engines outside Databricks may be let in.
	ExternalAccess Switch
	// PrivilegeModel is the version of the privilege model, "1.0" where grants are inherited.
	PrivilegeModel string
}

// Inherits reports whether grants on a container reach what is in it. Metastores made before
// 2022-08-25 and never upgraded have privilege model 0 and no inheritance.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/hive-metastore/upgrade-privilege-model
func (m Metastore) Inherits() bool { return strings.HasPrefix(m.PrivilegeModel, "1.") }

// Switch is a setting that is on, off or was not told.
type Switch uint8

// The positions of a Switch. SwitchUnknown is the zero value.
const (
	SwitchUnknown Switch = iota
	SwitchOn
	SwitchOff
)

// SwitchOf is the position that an answer gives; nil stands for an answer that does not say.
func SwitchOf(on *bool) Switch {
	switch {
	case on == nil:
		return SwitchUnknown
	case *on:
		return SwitchOn
	default:
		return SwitchOff
	}
}
