package snapshot

import (
	"time"

	"databricks-access-audit/core/identity"
)

// Format names the files, version their format. Every change by which an older program would read a
// newer file otherwise than meant takes a new version, a new kind of fact too: an older program would
// take the facts that it passes over for facts that are not there. Files of every version since the
// oldest are read: what a later one added is not known of theirs.
//
//	1  the first
//	2  where external tables, volumes and locations lie, and what functions read
//	3  what was last used, and how much of the audit log was looked at
const (
	format  = "databricks-access-audit snapshot"
	version = 3
	oldest  = 1
)

// head is the first line.
type head struct {
	Format      string    `json:"format"`
	Version     int       `json:"version"`
	Account     string    `json:"account"`
	Interrupted bool      `json:"interrupted,omitempty"`
	Tool        string    `json:"tool,omitempty"`
	SavedAt     time.Time `json:"saved_at,omitzero"`
	Question    string    `json:"question,omitempty"`
}

// line is one line between the first and the last; one field is set. Lists that are empty and lists
// that are not there are told apart throughout, since an estate does.
type line struct {
	Principal      *principal      `json:"principal,omitempty"`
	Mentioned      *string         `json:"mentioned,omitempty"`
	OtherKey       *otherKey       `json:"other_key,omitempty"`
	Members        *members        `json:"members,omitempty"`
	Above          *above          `json:"above,omitempty"`
	Same           *[2]string      `json:"same_person,omitempty"`
	Workspace      *workspace      `json:"workspace,omitempty"`
	Assignments    *assignments    `json:"assignments,omitempty"`
	Metastore      *metastore      `json:"metastore,omitempty"`
	Attached       *attached       `json:"attached,omitempty"`
	Securables     *securables     `json:"securables,omitempty"`
	Bindings       *bindings       `json:"bindings,omitempty"`
	Policies       *policies       `json:"policies,omitempty"`
	Entitlements   *entitlements   `json:"entitlements,omitempty"`
	RestrictAdmins *restrictAdmins `json:"restrict_admins,omitempty"`
	Role           *role           `json:"role,omitempty"`
	Object         *object         `json:"object,omitempty"`
	AuditLog       *auditLog       `json:"audit_log,omitempty"`
	Uses           *uses           `json:"uses,omitempty"`
	Reads          *reads          `json:"reads,omitempty"`
	End            *end            `json:"end,omitempty"`
}

// end is the last line: how many lines come before it, and the checksum of all their bytes.
type end struct {
	Lines  int    `json:"lines"`
	SHA256 string `json:"sha256"`
}

type principal struct {
	Key        string   `json:"key"`
	Name       string   `json:"name,omitempty"`
	Display    string   `json:"display,omitempty"`
	Emails     []string `json:"emails,omitzero"`
	ExternalID string   `json:"external_id,omitempty"`
	Origin     string   `json:"origin,omitempty"`
	Status     string   `json:"status,omitempty"`
	Roles      []string `json:"roles,omitzero"`
	Aliases    []string `json:"aliases,omitzero"`
}

type otherKey struct {
	Other string `json:"other"`
	Key   string `json:"key"`
}

type members struct {
	Group   string   `json:"group"`
	Members []string `json:"members"`
}

type above struct {
	Member string   `json:"member"`
	Groups []string `json:"groups"`
}

type workspace struct {
	ID     identity.WorkspaceID `json:"id"`
	Name   string               `json:"name,omitempty"`
	Host   string               `json:"host,omitempty"`
	Cloud  string               `json:"cloud,omitempty"`
	Region string               `json:"region,omitempty"`
	Status string               `json:"status,omitempty"`
}

type assignments struct {
	Workspace identity.WorkspaceID `json:"workspace"`
	List      []assignment         `json:"list"`
}

type assignment struct {
	Principal  string `json:"principal"`
	Name       string `json:"name,omitempty"`
	Permission string `json:"permission,omitempty"`
}

type metastore struct {
	ID             string `json:"id"`
	Name           string `json:"name,omitempty"`
	Region         string `json:"region,omitempty"`
	Cloud          string `json:"cloud,omitempty"`
	Owner          string `json:"owner,omitempty"`
	PrivilegeModel string `json:"privilege_model,omitempty"`
	ExternalAccess string `json:"external_access,omitempty"`
}

type attached struct {
	Metastore  string                 `json:"metastore"`
	Workspaces []identity.WorkspaceID `json:"workspaces"`
}

// place is what the securables of one line have in common.
type place struct {
	Metastore string `json:"metastore,omitempty"`
	Catalog   string `json:"catalog,omitempty"`
	Schema    string `json:"schema,omitempty"`
}

type securables struct {
	place
	List []securable `json:"list"`
}

type securable struct {
	Type        identity.SecurableType `json:"type,omitempty"`
	Name        string                 `json:"name,omitempty"`
	Owner       string                 `json:"owner,omitempty"`
	Isolation   string                 `json:"isolation,omitempty"`
	TableType   string                 `json:"table_type,omitempty"`
	CatalogType string                 `json:"catalog_type,omitempty"`
	BrowseOnly  bool                   `json:"browse_only,omitempty"`
	VolumeType  string                 `json:"volume_type,omitempty"`
	Path        string                 `json:"path,omitempty"`
	Bases       []fullName             `json:"bases,omitzero"`
	BasesKnown  bool                   `json:"bases_known,omitempty"`
	RowFilter   bool                   `json:"row_filter,omitempty"`
	ColumnMask  bool                   `json:"column_mask,omitempty"`
	Grants      []grant                `json:"grants,omitempty"`
}

type grant struct {
	To         string               `json:"to,omitempty"`
	DeletedID  string               `json:"deleted_id,omitempty"`
	Privileges []identity.Privilege `json:"privileges,omitzero"`
}

// fullName is a securable that stands alone.
type fullName struct {
	place
	Type identity.SecurableType `json:"type,omitempty"`
	Name string                 `json:"name,omitempty"`
}

type bindings struct {
	On   fullName  `json:"on"`
	List []binding `json:"list"`
}

type binding struct {
	Workspace identity.WorkspaceID `json:"workspace"`
	ReadOnly  bool                 `json:"read_only,omitempty"`
}

type policies struct {
	On   fullName `json:"on"`
	List []policy `json:"list"`
}

type policy struct {
	Name        string               `json:"name,omitempty"`
	On          string               `json:"on,omitempty"`
	Kind        identity.PolicyKind  `json:"kind,omitempty"`
	To          []string             `json:"to,omitzero"`
	Except      []string             `json:"except,omitzero"`
	Privileges  []identity.Privilege `json:"privileges,omitzero"`
	Conditional bool                 `json:"conditional,omitempty"`
}

type entitlements struct {
	Workspace identity.WorkspaceID   `json:"workspace"`
	Principal string                 `json:"principal"`
	List      []identity.Entitlement `json:"list"`
}

type restrictAdmins struct {
	Workspace identity.WorkspaceID `json:"workspace"`
	Setting   string               `json:"setting,omitempty"`
}

type role struct {
	On     string        `json:"on,omitempty"` // nothing for the account
	Role   identity.Role `json:"role"`
	Kind   string        `json:"kind,omitempty"`
	Holder string        `json:"holder,omitempty"`
}

type object struct {
	objectName
	Name            string        `json:"name,omitempty"`
	Path            string        `json:"path,omitempty"`
	Creator         string        `json:"creator,omitempty"`
	RunAs           string        `json:"run_as,omitempty"`
	BorrowsOwner    bool          `json:"borrows_owner,omitempty"`
	SingleUser      string        `json:"single_user,omitempty"`
	SecurityMode    string        `json:"security_mode,omitempty"`
	InstanceProfile string        `json:"instance_profile,omitempty"`
	Code            []string      `json:"code,omitzero"`
	Detailed        bool          `json:"detailed,omitempty"`
	Grants          []objectGrant `json:"grants,omitzero"`
}

type objectName struct {
	Workspace identity.WorkspaceID `json:"workspace,omitempty"`
	Type      identity.ObjectType  `json:"type,omitempty"`
	ID        string               `json:"id,omitempty"`
}

type objectGrant struct {
	Kind  string         `json:"kind,omitempty"`
	To    string         `json:"to,omitempty"`
	Level identity.Level `json:"level,omitempty"`
	From  string         `json:"from,omitempty"`
}

// auditLog is how much of an audit log was looked at.
type auditLog struct {
	Metastore  string               `json:"metastore"`
	Workspace  identity.WorkspaceID `json:"workspace,omitempty"`
	Warehouse  string               `json:"warehouse,omitempty"` // its id
	Name       string               `json:"name,omitempty"`
	State      string               `json:"state,omitempty"`
	Serverless bool                 `json:"serverless,omitempty"`
	Since      string               `json:"since,omitempty"`
	First      string               `json:"first,omitempty"`
	Last       string               `json:"last,omitempty"`
}

// uses are those of one principal in one metastore.
type uses struct {
	Metastore string `json:"metastore,omitempty"`
	Who       string `json:"who"`
	List      []use  `json:"list"`
}

// use is of the principal at all where it has no name.
type use struct {
	Name    string `json:"name,omitempty"`
	At      string `json:"at"`
	Refused bool   `json:"refused,omitempty"`
}

// reads are entries of the ledger that are about the same place.
type reads struct {
	Op string `json:"op"`
	place
	List []read `json:"list"`
}

type read struct {
	Type      identity.SecurableType `json:"type,omitempty"` // with Name, of the securable that was read
	Name      string                 `json:"name,omitempty"`
	Principal string                 `json:"principal,omitempty"`
	Workspace identity.WorkspaceID   `json:"workspace,omitempty"`
	Listed    identity.SecurableType `json:"listed,omitempty"`
	Searched  string                 `json:"searched,omitempty"`
	Object    *objectName            `json:"object,omitempty"`

	Failure identity.FailureKind `json:"failure,omitempty"`
	Status  int                  `json:"status,omitempty"`
	Message string               `json:"message,omitempty"`
	Partial bool                 `json:"partial,omitempty"`
	Needed  bool                 `json:"needed,omitempty"`
	At      string               `json:"at,omitempty"`
}
