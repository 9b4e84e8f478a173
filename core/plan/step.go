package plan

import "databricks-access-audit/core/identity"

// StepKind says what is to be done with a step. The spellings are those of reports.
type StepKind string

// The kinds of step. The first five are carried out; the others say why there is nothing to carry out.
const (
	AddMember           StepKind = "add_member"
	WorkspaceAssignment StepKind = "workspace_assignment"
	Entitlement         StepKind = "entitlement"
	Grant               StepKind = "grant"
	ObjectACL           StepKind = "object_acl"

	IDPRequired   StepKind = "idp_required"   // the group is kept by the identity provider: a ticket, no write
	AlreadyMember StepKind = "already_member" // the target has it already
	Skipped       StepKind = "skipped"        // left out, by choice or since it cannot be copied
	Unverified    StepKind = "unverified"     // what decides was not read
	Unexecutable  StepKind = "unexecutable"   // nobody is known who could do it
)

// The kinds that only a hypothesis has.
const (
	RemoveMember StepKind = "remove_member"
	Delete       StepKind = "delete"
)

// Executable reports whether steps of the kind are written by us.
func (k StepKind) Executable() bool {
	switch k {
	case AddMember, WorkspaceAssignment, Entitlement, Grant, ObjectACL:
		return true
	default:
		return false
	}
}

// Change is one cell that is to go from one value to another. Undoing it is the same with the two swapped.
type Change struct {
	Cell   Cell  `json:"cell"`
	Before Value `json:"before"`
	After  Value `json:"after"`
	// HolderName is what facts call the holder, GroupName and ObjectName the rest: writes of grants and
	// permissions name principals by name, and people read names.
	HolderName string `json:"holder_name,omitempty"`
	GroupName  string `json:"group_name,omitempty"`
	ObjectName string `json:"object_name,omitempty"`
	// ExternalID is the identity provider's id of the group, where it keeps it: such a group is never
	// written, and one that came to have such an id meanwhile makes the plan stale.
	ExternalID string `json:"external_id,omitempty"`
	// Through is the workspace whose host serves the write, for what the account's host does not: grants on
	// what a metastore holds, entitlements, objects.
	Through identity.WorkspaceID `json:"through,omitempty"`
}

// Step is one line of a plan.
type Step struct {
	// ID names the step within its plan: "s1".
	ID   string   `json:"id"`
	Kind StepKind `json:"kind"`
	// Change is what is carried out, or would have to be elsewhere; nil where there is none to name.
	Change *Change `json:"change,omitempty"`
	// Reason says why the kind is what it is, in words for people.
	Reason string `json:"reason,omitempty"`
}
