package identity

// Entitlement is a right to use a part of one workspace, in SCIM's spelling. One that Databricks has
// and this package does not know is kept verbatim.
//
// https://docs.databricks.com/aws/en/security/auth/entitlements
type Entitlement string

// The entitlements. The first three let their holder log in.
const (
	WorkspaceAccess    Entitlement = "workspace-access"      // notebooks, jobs, pipelines, models
	SQLAccess          Entitlement = "databricks-sql-access" // SQL editor, queries, warehouses
	ConsumerAccess     Entitlement = "workspace-consume"     // shared dashboards, Genie and apps alone
	AllowClusterCreate Entitlement = "allow-cluster-create"  // clusters without a policy, and SQL warehouses
	AllowPoolCreate    Entitlement = "allow-instance-pool-create"
)

// WorkspaceIdentity is a user, service principal or group as one workspace records it.
type WorkspaceIdentity struct {
	// Key is the account's key, or that of a group of this workspace alone.
	Key PrincipalKey
	// Name is userName, application id or group name; for the workspace's own records of a guest it
	// is not the account's.
	Name       string
	ExternalID string
	// Entitlements are those given to it directly.
	Entitlements []Entitlement
	// InstanceProfiles are the cloud roles that it may attach to compute.
	InstanceProfiles []string
	// Parents are the groups of this workspace alone that it is in. It is meaningful for users and
	// service principals read one by one, and for groups.
	Parents []PrincipalKey
}
