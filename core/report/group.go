package report

// The lists of a GroupReport, as Gap.Affects names them. Grants, workspaces, roles and objects are
// called as in a PrincipalReport.
const (
	ListMembers      = "members"
	ListAncestors    = "ancestors"
	ListRedundancies = "redundancies"
	ListLocalGroups  = "local_groups"

	ListObjectRedundancies = "object_redundancies"
)

// GroupReport answers: what does the group give, who is in it, and what do they hold besides.
type GroupReport struct {
	Envelope
	Group Principal `json:"group"`
	// Members are the users, service principals and groups in it, directly or through groups. It is null
	// when none could be read, and for the group of everybody, whose members are not listed.
	Members []GroupMember `json:"members"`
	// Ancestors are the groups that it is in. What everybody is in is not among them.
	Ancestors []Membership `json:"ancestors"`
	// Workspaces are those that its members may enter through it, and Roles the administrative roles that
	// it gives them.
	Workspaces []WorkspaceAccess `json:"workspaces"`
	Roles      []Role            `json:"roles"`
	// Grants are listed as held, see GroupGrant.
	Grants []GroupGrant `json:"grants"`
	// Redundancies compare what members hold personally with what they would have without it; null when
	// that was not worked out.
	Redundancies []Redundancy `json:"redundancies"`
	// Objects are permissions on workspace objects; null when they were not asked for.
	Objects []GroupObject `json:"objects"`
	// ObjectRedundancies compare the permissions that members were given themselves on workspace objects with
	// what they would have without them; null when objects were not asked for, or that was not worked out.
	ObjectRedundancies []ObjectRedundancy `json:"object_redundancies"`
	// Stale compares what the group gives with what anybody in it used, and what members hold themselves
	// with what they used; null when last uses were not asked for.
	Stale []Stale `json:"stale"`
	// LocalGroups are the groups that exist in one workspace alone; null when they were not asked for.
	LocalGroups []LocalGroup `json:"local_groups"`
	// RevokeScript takes away the personal grants that are redundant; null when it was not asked for.
	RevokeScript *string `json:"revoke_script"`
}

// GroupMember is somebody in the group.
type GroupMember struct {
	Principal Principal `json:"principal"`
	// Direct is true for a member of the group itself, whatever other paths there are.
	Direct bool `json:"direct"`
	// WayUnknown says that it is in the group, but not through which groups.
	WayUnknown bool `json:"way_unknown,omitempty"`
	// Paths are all ways from the member to the group without passing a group twice, shortest first.
	Paths []Path `json:"paths"`
	// PathsOmitted is as in Membership.
	PathsOmitted int `json:"paths_omitted,omitempty"`
}

// Who holds a right that a GroupReport lists, for GrantSource.
const (
	GrantDirect       = "direct"        // the group itself
	GrantUpstream     = "upstream"      // a group that it is in: its members have it, too
	GrantMemberDirect = "member_direct" // somebody in the group, whether or not it stays there
)

// GroupGrant is a right on one securable, as held by the group, by a group above it or by a member. A
// group in the group is a member: what it holds reaches its own members and nobody else of the group,
// so its grants are those of a member. What a group in a circle with this one holds reaches everybody
// in both; it is upstream. The path leads from the group, or from the member, to the holder.
//
// Where a member can use its personal grants rests on all groups that it is in. Those are not read, so
// that ReachableIn is often not the whole truth for them: ReachUnknown then says so.
type GroupGrant struct {
	Grant
	GrantSource string `json:"grant_source"`
	// Member is the member that holds it; null for what the group has.
	Member *Principal `json:"member"`
}

// GroupObject is a permission on one workspace object, as held by the group, by a group above it or by
// a member.
type GroupObject struct {
	Object
	GrantSource string     `json:"grant_source"`
	Member      *Principal `json:"member"`
}

// LocalGroup is a group that exists in one workspace alone: a legacy that Unity Catalog cannot grant
// anything to.
//
// https://docs.databricks.com/aws/en/admin/users-groups/workspace-local-groups
type LocalGroup struct {
	Workspace string `json:"workspace"`
	Group     string `json:"group"`
	ID        string `json:"id"`
	// Members counts its direct members; null when they were not read.
	Members *int `json:"members"`
	// SameName says whether the account has another group of that name; null when that is not known.
	SameName *bool `json:"same_name_account_group"`
}
