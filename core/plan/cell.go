package plan

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// CellKind says what a Cell holds.
type CellKind string

// The kinds of cell, and in brackets what values they take besides Absent.
const (
	Member      CellKind = "member"      // Holder is directly in Group [Present]
	Assigned    CellKind = "assignment"  // Holder is assigned to Workspace itself [USER, ADMIN]
	Entitled    CellKind = "entitlement" // Holder has Entitlement in Workspace itself [Present]
	Granted     CellKind = "grant"       // Holder was granted Privilege on Securable itself [Present]
	ObjectLevel CellKind = "object_acl"  // Holder's direct level on Object [the level]
)

// Cell is the smallest thing about access that Databricks lets one change: it holds one Value, whatever
// else changes around it. Which fields are set depends on the kind. It is comparable.
type Cell struct {
	Kind CellKind `json:"kind"`
	// Holder is who has what the cell says.
	Holder      identity.PrincipalKey `json:"holder"`
	Group       identity.PrincipalKey `json:"group,omitzero"`
	Workspace   identity.WorkspaceID  `json:"workspace,omitempty"`
	Entitlement identity.Entitlement  `json:"entitlement,omitempty"`
	Securable   identity.Securable    `json:"securable,omitzero"`
	Privilege   identity.Privilege    `json:"privilege,omitempty"`
	Object      identity.Object       `json:"object,omitzero"`
}

// Value is what a Cell holds.
type Value string

// The values that mean the same for every kind of cell.
const (
	// Absent is the value of a cell that gives nothing: not a member, not assigned, not granted.
	Absent Value = ""
	// Present is the value of cells that either are or are not.
	Present Value = "present"
)

// Compare orders cells by kind and then by what they are of.
func (c Cell) Compare(other Cell) int {
	return cmp.Or(
		cmp.Compare(c.Kind, other.Kind),
		c.Group.Compare(other.Group),
		cmp.Compare(c.Workspace, other.Workspace),
		c.Securable.Compare(other.Securable),
		c.Object.Compare(other.Object),
		c.Holder.Compare(other.Holder),
		cmp.Compare(c.Entitlement, other.Entitlement),
		cmp.Compare(c.Privilege, other.Privilege),
	)
}

// ValueOf is what a cell holds in an estate, and whether the estate would show it: a cell whose list was
// not read is not known to be Absent.
func ValueOf(e *estate.Estate, c Cell) (v Value, known bool) {
	holder := e.Canonical(c.Holder)
	switch c.Kind {
	case Member:
		for g := range e.Parents(holder) {
			if g == e.Canonical(c.Group) {
				return Present, true
			}
		}
		return Absent, e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: c.Group})
	case Assigned:
		strongest := identity.WorkspaceNone
		for _, a := range e.Assignments(c.Workspace) {
			if a.Principal == holder {
				strongest = max(strongest, a.Permission)
			}
		}
		if strongest != identity.WorkspaceNone {
			return Value(strongest.String()), true
		}
		return Absent, e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: c.Workspace})
	case Entitled:
		if slices.Contains(entitlements(e, c.Workspace, holder), c.Entitlement) {
			return Present, true
		}
		read := estate.ReadKey{Op: estate.OpEntitlements, Workspace: c.Workspace}
		read.Principal = holder
		one := e.Saw(read)
		read.Principal = identity.PrincipalKey{Kind: holder.Kind}
		return Absent, one || e.Saw(read)
	case Granted:
		for g := range e.GrantsOn(c.Securable) {
			if g.Holder.Key == holder && slices.Contains(g.Privileges, c.Privilege) {
				return Present, true
			}
		}
		return Absent, e.Saw(estate.ReadKey{Op: estate.OpGrants, Securable: c.Securable})
	case ObjectLevel:
		best := Absent
		for _, g := range e.ObjectGrants(c.Object) {
			if g.Holder.Key == holder && g.From == "" && (best == Absent || c.Object.Type.Includes(g.Level, identity.Level(best))) {
				best = Value(g.Level)
			}
		}
		return best, best != Absent || e.Saw(estate.ReadKey{Op: estate.OpObjectGrants, Object: c.Object})
	default:
		return Absent, false
	}
}
