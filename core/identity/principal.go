package identity

import (
	"cmp"
	"strconv"
	"strings"
)

// Kind says what sort of principal a key names.
type Kind uint8

// The kinds of principal. KindUnknown is the zero value: an identity that was named by a fact
// (a grant, an assignment) but never itself read.
const (
	KindUnknown Kind = iota
	KindUser
	KindServicePrincipal
	KindGroup
)

var kindNames = [...]string{"unknown", "user", "service_principal", "group"}

// String is the spelling used in reports: user, service_principal, group or unknown.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// Title is the spelling for people: "user", "service principal", "group".
func (k Kind) Title() string { return strings.ReplaceAll(k.String(), "_", " ") }

// WorkspaceID is the numeric id of a workspace. Zero means "no workspace": the account.
type WorkspaceID int64

// String prints the id in decimal.
func (id WorkspaceID) String() string { return strconv.FormatInt(int64(id), 10) }

// PrincipalKey names one principal for ever. Names may be shared, changed or reused; keys may not.
//
// ID is the numeric SCIM id in decimal for account principals. Two implicit groups have no id of
// their own that is worth reading, so their name stands in: see AccountUsers and WorkspaceUsers.
// Workspace is non-zero only for groups that exist in one workspace alone, so an account group and
// a workspace-local group of the same name are different keys.
type PrincipalKey struct {
	Kind      Kind
	Workspace WorkspaceID
	ID        string
}

// The names of the groups that Databricks keeps by itself.
//
// https://docs.databricks.com/aws/en/admin/users-groups/groups
const (
	AccountUsersName    = "account users"
	WorkspaceUsersName  = "users"
	WorkspaceAdminsName = "admins"
)

// AccountUsers is the implicit group that holds every user and service principal of the account.
func AccountUsers() PrincipalKey {
	return PrincipalKey{Kind: KindGroup, ID: AccountUsersName}
}

// WorkspaceUsers is the implicit group that holds every principal assigned to the workspace.
func WorkspaceUsers(id WorkspaceID) PrincipalKey {
	return PrincipalKey{Kind: KindGroup, Workspace: id, ID: WorkspaceUsersName}
}

// WorkspaceAdmins is the implicit group that holds every admin of the workspace.
func WorkspaceAdmins(id WorkspaceID) PrincipalKey {
	return PrincipalKey{Kind: KindGroup, Workspace: id, ID: WorkspaceAdminsName}
}

// IsZero reports whether the key names nobody.
func (k PrincipalKey) IsZero() bool { return k == PrincipalKey{} }

// String is for logs and error messages: "user:123", "group:77@4411".
func (k PrincipalKey) String() string {
	if k.Workspace == 0 {
		return k.Kind.String() + ":" + k.ID
	}
	return k.Kind.String() + ":" + k.ID + "@" + k.Workspace.String()
}

// Handle is what a question can name the principal by: its id, and for a group of one workspace alone the
// id, @ and the workspace's id.
func (k PrincipalKey) Handle() string {
	if k.Workspace == 0 {
		return k.ID
	}
	return k.ID + "@" + k.Workspace.String()
}

// Compare orders keys by workspace, kind and id; numeric ids in numeric order.
func (k PrincipalKey) Compare(other PrincipalKey) int {
	return cmp.Or(
		cmp.Compare(k.Workspace, other.Workspace),
		cmp.Compare(k.Kind, other.Kind),
		cmp.Compare(len(k.ID), len(other.ID)),
		strings.Compare(k.ID, other.ID),
	)
}

// Origin says who keeps a principal, which decides where a change to it must be made.
type Origin uint8

// Where a principal is kept. OriginUnknown is the zero value.
const (
	OriginUnknown        Origin = iota
	OriginDatabricks            // made and changed in Databricks
	OriginIDP                   // synced from an identity provider: externalId is set
	OriginSystem                // kept by Databricks itself: account users, users, admins
	OriginWorkspaceLocal        // legacy group of one workspace
)

var originNames = [...]string{"unknown", "databricks", "idp", "system", "workspace_local"}

// String is the spelling used in reports.
func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return originNames[OriginUnknown]
}

// Status says whether a principal may log in. A status that was not read stays unknown: a missing
// field is neither permission nor refusal.
type Status uint8

// The statuses of a principal.
const (
	StatusUnknown Status = iota
	StatusActive
	StatusInactive
)

// RoleAccountAdmin is the SCIM role value of account admins, on users, service principals and
// groups (whose members inherit it).
//
// https://docs.databricks.com/api/account/accountusersv2/list
const RoleAccountAdmin = "account_admin"

// Principal is a user, service principal or group as the account's SCIM API shows it.
type Principal struct {
	Key PrincipalKey
	// Name is what grants, owners and ACLs call the principal: userName, application id or group
	// name. It may change and, for groups, be shared.
	Name string
	// DisplayName is for people. For groups it equals Name.
	DisplayName string
	// Emails are further addresses of a user, Name excluded.
	Emails []string
	// ExternalID is the identity provider's id; empty when Databricks keeps the principal.
	ExternalID string
	Origin     Origin
	Status     Status
	// Roles are account roles such as RoleAccountAdmin.
	Roles []string
	// Aliases are other names under which facts may refer to this principal, such as the guest
	// user name of an Entra B2B user.
	Aliases []string
}

// Label is the display name with the name behind it where the two differ.
func (p Principal) Label() string {
	if p.DisplayName == "" || p.DisplayName == p.Name {
		return p.Name
	}
	return p.DisplayName + " (" + p.Name + ")"
}

// HasRole reports whether the principal holds the account role directly.
func (p Principal) HasRole(role string) bool {
	for _, r := range p.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// SystemUser owns what Databricks made and nobody took over: metastores without an admin, sample data.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/admin-privileges
const SystemUser = "System user"

// Nobody reports whether the name of an owner is nobody's who could act: none, or Databricks itself.
func Nobody(owner string) bool { return owner == "" || SameName(owner, SystemUser) }

// Membership is one edge of the group graph: Member is directly in Group.
type Membership struct {
	Member PrincipalKey
	Group  PrincipalKey
}

// Group is a group with its direct members.
type Group struct {
	Principal
	// Members are the direct members, in no particular order. It is meaningful only when
	// MembersListed is true: the account's group list may leave members out.
	Members       []PrincipalKey
	MembersListed bool
}

// SameName reports whether a fact that says name means a principal called other. Databricks
// compares user names without regard to case, and some answers wrap names in backticks.
func SameName(name, other string) bool {
	return strings.EqualFold(unquote(name), unquote(other))
}

// FoldName is the form under which names can be looked up: names that SameName equates have the
// same form, as far as Unicode simple case folding allows.
func FoldName(name string) string { return strings.ToLower(unquote(name)) }

func unquote(name string) string {
	if len(name) > 1 && name[0] == '`' && name[len(name)-1] == '`' {
		return strings.ReplaceAll(name[1:len(name)-1], "``", "`")
	}
	return name
}

// guestMark separates the mail address from the tenant in the user name of an Entra B2B guest.
const guestMark = "#ext#"

// GuestEmail decodes the user name of an Entra B2B guest, "ann_partner.com#EXT#@tenant", into the
// mail address it was made from, "ann@partner.com". It reports false for any other name. The
// encoding replaces the @ by _, so an address whose domain part holds an underscore decodes wrongly:
// callers say that the match rests on the spelling.
//
// https://learn.microsoft.com/en-us/entra/external-id/user-properties
func GuestEmail(name string) (email string, ok bool) {
	mark := strings.Index(strings.ToLower(name), guestMark)
	if mark < 0 {
		return "", false
	}
	local := name[:mark]
	at := strings.LastIndexByte(local, '_')
	if at <= 0 || at == len(local)-1 {
		return "", false
	}
	return local[:at] + "@" + local[at+1:], true
}
