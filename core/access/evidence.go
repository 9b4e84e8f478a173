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

	role        identity.Role
	object      identity.Object
	level       identity.Level
	entitlement identity.Entitlement

	read estate.ReadKey
}

// rule reports whether it follows from how Databricks works, and not from a fact that a proof could do
// without: that grants are inherited, that everybody is in account users, that who is assigned is in
// the workspace's groups, that who has the role may act as the group.
func (e evidence) rule() bool {
	switch e.kind {
	case inherits, mirrors, assumes:
		return true
	case step:
		return e.group == identity.AccountUsers()
	default:
		return false
	}
}

// fact is what a piece of evidence rests on: a grant of ALL PRIVILEGES is one fact, whichever privilege it
// stands for, and whose rights a view reads with is who owns it.
func (e evidence) fact() evidence {
	e.privilege = ""
	if e.kind == defines {
		e.kind = owns
	}
	return e
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
	defines                        // holder owns the view or function securable, which reads with its rights
	assumes                        // from may act as group
	hasRole                        // holder has role on group, or on the account where that is zero
	permits                        // holder has level on object
	entitles                       // holder has entitlement in workspace
)

// lack is a condition that would have to hold.
type lack struct {
	kind      lackKind
	privilege identity.Privilege
	securable identity.Securable
	workspace identity.WorkspaceID

	group       identity.PrincipalKey
	role        identity.Role
	object      identity.Object
	level       identity.Level
	entitlement identity.Entitlement
}

type lackKind uint8

const (
	lackNothing         lackKind = iota
	lackPrivilege                // privilege on securable, or on a container whose grants reach it
	lackMembership               // being somebody who holds it already, of which it is not known
	lackActive                   // that the subject may log in
	lackAssignment               // an assignment to workspace
	lackMetastore                // that the metastore is attached to workspace
	lackBinding                  // a binding of securable to workspace that permits privilege
	lackDefiner                  // that the owner of the view or function securable may use what it reads
	lackRole                     // role on group
	lackLevel                    // level on object
	lackEntitlement              // entitlement in workspace
	lackCompute                  // something to run it on in workspace
	lackAdmin                    // being admin of workspace
	lackTheirAssignment          // that group, or whoever it is, is assigned to workspace
	lackStorage                  // that what securable lies in, which is not known, permits privilege in workspace
	lackExternalAccess           // that the metastore securable lets engines outside Databricks in
)
