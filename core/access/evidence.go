package access

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// evidence is one fact that a rule rests on. Which fields are set depends on the kind; read is where
// it was, or would have been, learnt.
type evidence struct {
	kind       evidenceKind
	holder     string // the name that the fact bears
	from       identity.PrincipalKey
	group      identity.PrincipalKey
	privilege  identity.Privilege
	as         identity.Privilege // what the grant says, where it is not the privilege itself
	securable  identity.Securable
	workspace  identity.WorkspaceID
	permission identity.WorkspacePermission
	readOnly   bool
	read       estate.ReadKey
}

// sameFact reports whether two pieces of evidence rest on one fact: a grant of ALL PRIVILEGES is one,
// whichever privilege it stands for.
func (e evidence) sameFact(other evidence) bool {
	e.privilege, other.privilege = "", ""
	return e == other
}

type evidenceKind uint8

const (
	nothing    evidenceKind = iota // shows nothing by itself: a gap, or a condition that cannot hold
	member                         // the subject is group, or is in it: unfolds into steps
	step                           // from is directly in group, or the same person
	above                          // from is in group; the way between was not read
	mirrors                        // who is assigned to workspace is in its group of users or admins
	granted                        // holder was granted privilege on securable
	owns                           // holder owns securable
	inherits                       // grants on securable count for what is in it
	active                         // the subject may log in
	assigned                       // holder is assigned to workspace
	attachedTo                     // the metastore securable is attached to workspace
	boundTo                        // securable is bound to workspace
)

// lack is a condition that would have to hold.
type lack struct {
	kind      lackKind
	privilege identity.Privilege
	securable identity.Securable
	workspace identity.WorkspaceID
}

type lackKind uint8

const (
	lackNothing    lackKind = iota
	lackPrivilege           // privilege on securable, or on a container whose grants reach it
	lackMembership          // being somebody who holds it already, of which it is not known
	lackActive              // that the subject may log in
	lackAssignment          // an assignment to workspace
	lackMetastore           // that the metastore is attached to workspace
	lackBinding             // a binding of securable to workspace that permits privilege
)
