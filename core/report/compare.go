package report

import "databricks-access-audit/core/identity"

// The lists of a CompareReport, as Gap.Affects names them, where no other report has one of the name.
const ListGroups = "groups"

// CompareReport answers what two principals have in common and what only one of them has.
type CompareReport struct {
	Envelope
	A Principal `json:"a"`
	B Principal `json:"b"`
	// Groups are those that they are in, whatever the way.
	Groups Sides[ComparedGroup] `json:"groups"`
	// Workspaces are those that they can enter, and Roles are administrative.
	Workspaces Sides[ComparedWorkspace] `json:"workspaces"`
	Roles      Sides[ComparedRole]      `json:"roles"`
	// Access is what they can use now in Unity Catalog, wherever one of them was given something or
	// owns it. What it gives below is not listed again.
	Access Sides[ComparedAccess] `json:"access"`
	// Objects is what they may do now with workspace objects; null when that was not asked for.
	Objects *Sides[ComparedObject] `json:"objects"`
}

// Sides puts what two principals have on the side where it belongs. The lists are never null.
type Sides[T any] struct {
	OnlyInA []T `json:"only_in_a"`
	OnlyInB []T `json:"only_in_b"`
	InBoth  []T `json:"in_both"`
	// Undecided is what at least one of them has or may have, where a fact that decides it was not
	// read.
	Undecided []T `json:"undecided"`
}

// ComparedGroup is a group that at least one of the two is in. A path is null for the side that is not
// in it, or of which that is not known.
type ComparedGroup struct {
	Group   Principal `json:"group"`
	DirectA bool      `json:"direct_a"`
	DirectB bool      `json:"direct_b"`
	PathA   Path      `json:"path_a"`
	PathB   Path      `json:"path_b"`
}

// ComparedWorkspace is a workspace that at least one of the two can enter.
type ComparedWorkspace struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Access is USER or ADMIN. Whoever is admin has what users have, too.
	Access string `json:"access"`
	PathA  Path   `json:"path_a"`
	PathB  Path   `json:"path_b"`
}

// ComparedRole is an administrative role, as Role.
type ComparedRole struct {
	Role  string `json:"role"`
	Scope string `json:"scope"`
	PathA Path   `json:"path_a"`
	PathB Path   `json:"path_b"`
}

// ComparedObject is a permission on one workspace object. A level stands for those that it includes, as far
// as these are on the same side.
type ComparedObject struct {
	Workspace string `json:"workspace"`
	Type      string `json:"type"`
	ID        string `json:"id"`
	Name      string `json:"name"`
	Level     string `json:"level"`
	PathA     Path   `json:"path_a"`
	PathB     Path   `json:"path_b"`
}

// ComparedAccess is what can be done with one securable from some workspaces.
type ComparedAccess struct {
	Securable Securable `json:"securable"`
	// Privileges are sorted. ALL_PRIVILEGES stands for those that it includes, and OWNER for what the
	// owner may do with the securable itself, as far as that can be done from the workspaces.
	Privileges []identity.Privilege `json:"privileges"`
	// Workspaces names those from which this is so: on the same securable it may be otherwise from
	// others.
	Workspaces []string `json:"workspaces"`
	PathA      Path     `json:"path_a"`
	PathB      Path     `json:"path_b"`
}
