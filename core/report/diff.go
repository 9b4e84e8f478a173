package report

import (
	"time"

	"databricks-access-audit/core/identity"
)

// The lists of a DiffReport, as Gap.Affects names them.
const (
	ListAdded   = "added"
	ListRemoved = "removed"
	ListChanged = "changed"
)

// The kinds of thing that a Change is of.
const (
	KindPrincipal   = "principal"   // a user, service principal or group: its name, status and origin
	KindMembership  = "membership"  // Key.Principal is in Key.Group
	KindWorkspace   = "workspace"   // a workspace, or who is assigned to it
	KindRole        = "role"        // Key.Principal has the role Key.Name, on Key.Group if there is one
	KindEntitlement = "entitlement" // what Key.Principal is entitled to in Key.Workspace
	KindSecurable   = "securable"   // a securable is there
	KindOwner       = "owner"       // who owns a securable that is there on both sides
	KindGrant       = "grant"       // what Key.Principal was granted on Key.Securable itself
	KindBinding     = "binding"     // where a securable may be used from
	KindObject      = "object"      // a workspace object, or what Key.Principal may do with it
	KindSetting     = "setting"     // the setting or policy Key.Name
	KindEffective   = "effective"   // what Key.Principal can do, all rules taken together
)

// DiffReport answers: what changed between two readings of an account. What only one of them read is
// not compared, and named.
type DiffReport struct {
	Envelope
	Before DiffSide `json:"before"`
	After  DiffSide `json:"after"`
	// Comparable is false where the two are of different accounts. The lists are null then.
	Comparable bool     `json:"comparable"`
	Added      []Change `json:"added"`
	Removed    []Change `json:"removed"`
	Changed    []Change `json:"changed"`
	// NotComparable is what one side, or neither, read.
	NotComparable []NotComparable `json:"not_comparable"`
	// HasChanges says that one of the lists of changes has an item.
	HasChanges bool `json:"has_changes"`
}

// DiffSide is one of the two readings.
type DiffSide struct {
	AccountID string `json:"account_id"`
	// At is when the newest of its facts was read, and Oldest the oldest.
	At     time.Time `json:"at,omitzero"`
	Oldest time.Time `json:"oldest,omitzero"`
	// Question is what it was read for, and Source the file, or "live account".
	Question string `json:"question"`
	Source   string `json:"source"`
	// Scope is what was read, each kind of read once.
	Scope []ScopeRead `json:"scope"`
}

// ScopeRead counts the reads of one kind.
type ScopeRead struct {
	// Operation is what they bring: "grants", "members of groups".
	Operation string `json:"operation"`
	// Read of them succeeded, Failed were needed and did not, and NotAsked were left out.
	Read     int `json:"read"`
	Failed   int `json:"failed"`
	NotAsked int `json:"not_asked"`
}

// Change is one thing that is not as it was. Before is null for what was added and After for what was
// removed.
type Change struct {
	// ID names the change within the report.
	ID     string    `json:"id"`
	Kind   string    `json:"kind"`
	Key    ChangeKey `json:"key"`
	Before *State    `json:"before"`
	After  *State    `json:"after"`
	// Because are the ids of the changes that could have brought about a change of kind effective.
	Because []string `json:"because,omitempty"`
}

// ChangeKey says of what a change is. Which fields are set depends on the kind.
type ChangeKey struct {
	Principal *Principal `json:"principal,omitempty"`
	// Group is what Principal is in, or the principal on which a role is had.
	Group       *Principal `json:"group,omitempty"`
	Securable   *Securable `json:"securable,omitempty"`
	Object      *ObjectRef `json:"object,omitempty"`
	Workspace   string     `json:"workspace,omitempty"`
	WorkspaceID string     `json:"workspace_id,omitempty"`
	// Name is that of a role, setting or policy.
	Name string `json:"name,omitempty"`
}

// State is how something was, or is. Which fields are set depends on the kind.
type State struct {
	Name        string `json:"name,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	// Status is active or inactive for principals, and the API's word for workspaces.
	Status string `json:"status,omitempty"`
	Source string `json:"source,omitempty"`
	// Membership is direct, indirect, or unknown where it is not known which of the two.
	Membership string `json:"membership,omitempty"`
	// Permission is USER or ADMIN in a workspace; READ_WRITE, READ_ONLY or ATTACHED of a binding.
	Permission   string                 `json:"permission,omitempty"`
	Privileges   []identity.Privilege   `json:"privileges,omitempty"`
	Levels       []ObjectLevel          `json:"levels,omitempty"`
	Entitlements []identity.Entitlement `json:"entitlements,omitempty"`
	Owner        *string                `json:"owner,omitempty"`
	// Isolation is OPEN or ISOLATED.
	Isolation string `json:"isolation,omitempty"`
	// Subtype is MANAGED, VIEW, … of a table.
	Subtype string `json:"subtype,omitempty"`
	RunAs   string `json:"run_as,omitempty"`
	// Value is that of a setting, or a policy in words.
	Value string `json:"value,omitempty"`
	// ReachableIn names the workspaces from which what is effective can be used.
	ReachableIn []string `json:"reachable_in,omitempty"`
}

// The values of State.Membership.
const (
	MemberDirect   = "direct"
	MemberIndirect = "indirect"
	MemberUnclear  = "unknown"
)

// ObjectLevel is one permission on a workspace object.
type ObjectLevel struct {
	Level identity.Level `json:"level"`
	// InheritedFrom is empty where it was given on the object itself.
	InheritedFrom string `json:"inherited_from,omitempty"`
}

// The sides that lack something, for NotComparable.Side.
const (
	SideBefore = "before"
	SideAfter  = "after"
	SideBoth   = "both"
)

// NotComparable is something that the two sides do not both know.
type NotComparable struct {
	Scope     string `json:"scope"`
	Operation string `json:"operation"`
	// Side is the one that did not read it.
	Side string `json:"side"`
	// Kind and Message say why; not_asked is for what was left out.
	Kind    identity.FailureKind `json:"kind"`
	Message string               `json:"message"`
	// Effect is what changes could be hidden.
	Effect string `json:"effect"`
	// Reads counts the reads that are put together here, and Example names one where there are several.
	Reads   int    `json:"reads"`
	Example string `json:"example,omitempty"`
}

// SnapshotReport answers: what does a file of saved facts hold.
type SnapshotReport struct {
	Envelope
	// File is its name as it was given.
	File string `json:"file"`
	// SavedAt is when it was written, by the version Tool of the program, in answer to Question.
	SavedAt    time.Time `json:"saved_at,omitzero"`
	Tool       string    `json:"tool"`
	Question   string    `json:"question"`
	Compressed bool      `json:"compressed"`
	// Fingerprint is the same for the same facts, whenever they were read.
	Fingerprint string `json:"fingerprint"`
	// Counts are the facts, each kind once, and Scope the reads.
	Counts []FactCount `json:"counts"`
	Scope  []ScopeRead `json:"scope"`
}

// The lists of a SnapshotReport.
const (
	ListCounts = "counts"
	ListScope  = "scope"
)

// FactCount is how many facts of one kind there are.
type FactCount struct {
	What  string `json:"what"`
	Count int    `json:"count"`
}
