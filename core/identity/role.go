package identity

// PrincipalName is whom a fact names where it says the kind too: an entry of a rule set or of an access
// control list. Two principals of different kinds may bear one name.
type PrincipalName struct {
	Kind Kind
	// Name is a user name, application id or group name.
	Name string
}

// Role is what a rule set gives on a principal or on the account, in the API's spelling. One that
// Databricks has and this package does not know is kept verbatim.
type Role string

// The roles of rule sets that the rules of access name.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/service-principal-acl,
// https://docs.databricks.com/api/account/accountaccesscontrol/getruleset
const (
	// RoleGroupManager may change who is in a group, and who else manages it.
	RoleGroupManager Role = "roles/group.manager"
	// RoleGroupAssumer may act as the group for a session, with the group's permissions instead of its
	// own.
	RoleGroupAssumer Role = "roles/group.assumer"
	// RoleServicePrincipalManager may give roles on a service principal, to itself too. It does not
	// include using it.
	RoleServicePrincipalManager Role = "roles/servicePrincipal.manager"
	// RoleServicePrincipalUser may run jobs, pipelines and queries as a service principal.
	RoleServicePrincipalUser Role = "roles/servicePrincipal.user"
	RoleMarketplaceAdmin     Role = "roles/marketplace.admin"
	RoleBillingAdmin         Role = "roles/billing.admin"
)

// RoleGrant is one entry of a rule set: a role for one holder on a principal, or where On is zero on
// the account. On the account, the roles of groups and service principals hold for all of them.
type RoleGrant struct {
	On     PrincipalKey
	Role   Role
	Holder PrincipalName
}

// RestrictAdmins says how far the admins of a workspace may act as others there.
//
// https://docs.databricks.com/aws/en/admin/workspace-settings/restrict-workspace-admins
type RestrictAdmins uint8

// The values of the setting. RestrictAdminsUnknown is the zero value: it was not read.
const (
	RestrictAdminsUnknown RestrictAdmins = iota
	// AdminsAllowAll lets admins own and run jobs as anybody in the workspace, and make tokens for its
	// service principals.
	AdminsAllowAll
	// AdminsRestricted keeps them to themselves and to service principals that they may use.
	AdminsRestricted
)

// String is the API's spelling.
func (r RestrictAdmins) String() string {
	switch r {
	case AdminsAllowAll:
		return "ALLOW_ALL"
	case AdminsRestricted:
		return "RESTRICT_TOKENS_AND_JOB_RUN_AS"
	default:
		return "unknown"
	}
}
