package access

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

func (q canQuestion) missing(sets []placedWants) []report.MissingSet {
	list := []report.MissingSet{}
	for _, set := range sets {
		m := report.MissingSet{Workspace: q.workspaceName(set.id), Facts: []report.Missing{}}
		for _, w := range set.wants {
			m.Facts = append(m.Facts, q.missingFact(w))
		}
		list = append(list, m)
	}
	return list
}

func (a audit) workspaceName(id identity.WorkspaceID) string {
	if id == 0 {
		return ""
	}
	return a.e.WorkspaceName(id)
}

// wantKinds are the kinds of step that a missing condition would be.
var wantKinds = map[lackKind]string{
	lackPrivilege: report.StepGrant, lackMembership: report.StepMember, lackActive: report.StepActive, lackAssignment: report.StepAssigned,
	lackMetastore: report.StepAttached, lackBinding: report.StepBinding, lackStorage: report.StepBinding, lackDefiner: report.StepDefiner, lackRole: report.StepRole,
	lackLevel: report.StepACL, lackEntitlement: report.StepEntitlement, lackCompute: report.StepCompute, lackAdmin: report.StepAssigned,
	lackTheirAssignment: report.StepAssigned, lackExternalAccess: report.StepSetting,
}

func (q canQuestion) missingFact(w want) report.Missing {
	m := report.Missing{
		Kind: wantKinds[w.kind], Privilege: w.privilege, Workspace: q.workspaceName(w.workspace),
		Known: w.known, Suppliers: q.suppliers(w.lack),
	}
	if w.securable.Type != "" {
		s := q.securable(w.securable)
		m.Securable = &s
	}
	switch w.kind {
	case lackPrivilege:
		m.Workspace = "" // a grant holds everywhere
	case lackLevel:
		m.Object, m.Detail = q.object(w.object), string(w.level)
	case lackEntitlement:
		m.Detail = string(w.entitlement)
	case lackStorage:
		m.Detail = "through the external location that it lies in"
	case lackTheirAssignment:
		m.Principal = q.name(w.group)
	case lackExternalAccess:
		m.Detail = "external_access_enabled"
	case lackRole:
		m.Principal, m.Detail = q.name(w.group), string(w.role)
	case lackAdmin:
		m.Detail = identity.WorkspaceAdmin.String()
	default:
	}
	if !w.known {
		m.Read = q.unread(w)
	}
	return m
}

// unread says what was not read, or that nothing there is to read would tell.
func (a audit) unread(w want) string {
	switch {
	case w.read.Op != estate.OpUnknown:
		return a.e.Operation(w.read)
	case w.kind == lackBinding:
		return "Databricks does not document whether access may be granted through a read-only binding"
	default:
		return "no API tells whether serverless compute is there"
	}
}

// suppliers says who could supply a missing fact, by the names that the facts bear.
func (q canQuestion) suppliers(l lack) []string {
	admin := "an admin of the workspace"
	switch l.kind {
	case lackActive:
		return []string{"an account admin, or the identity provider"}
	case lackAssignment, lackAdmin, lackTheirAssignment:
		return []string{"an account admin, or an admin of the workspace"}
	case lackMetastore:
		return []string{"an account admin"}
	case lackExternalAccess:
		return []string{"an admin of the metastore"}
	case lackMembership, lackStorage:
		return []string{}
	case lackEntitlement, lackCompute:
		return []string{admin}
	case lackRole:
		return []string{"an account admin, or who manages " + q.name(l.group)}
	case lackDefiner:
		owner, _ := q.e.Owner(l.securable)
		return []string{"who may grant on what the " + q.calledAs(l.securable) + " is made from, to its owner " + owner.Name}
	case lackLevel:
		return append(q.managersOf(l.object), admin)
	default:
	}
	names := []string{}
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for at := range lineage(l.securable) {
		if owner, known := q.e.Owner(at); known {
			add(owner.Name)
		}
		for g := range q.e.GrantsOn(at) {
			if gives(g.Privileges, identity.Manage, at.Type) {
				add(g.Holder.Name)
			}
		}
	}
	if admin, known := q.e.MetastoreAdmin(l.securable.Metastore); known {
		add(admin.Name)
	}
	return names
}

// calledAs is what people call what reads with its owner's rights: views are tables among securables.
func (a audit) calledAs(s identity.Securable) string {
	if s.Type == identity.TypeTable {
		return "view"
	}
	return s.Type.Title()
}

// managersOf names those who may change the permissions on an object.
func (a audit) managersOf(o identity.Object) []string {
	var names []string
	for _, g := range a.e.ObjectGrants(o) {
		manages := o.Type.Includes(g.Level, o.Type.Highest()) || g.Level == identity.IsOwner
		if manages && g.Holder.Key != identity.WorkspaceAdmins(o.Workspace) && !slices.Contains(names, g.Holder.Name) {
			names = append(names, g.Holder.Name)
		}
	}
	return names
}

// wantWords says a missing condition in words.
func (a audit) wantWords(w want) string {
	var s string
	switch w.kind {
	case lackPrivilege:
		s = fmt.Sprintf("%s on %s %s", w.privilege.SQL(), w.securable.Type.Title(), w.securable.FullName())
	case lackMembership:
		s = "membership of a group that holds it"
	case lackActive:
		s = "an active identity"
	case lackAssignment:
		s = "an assignment to workspace " + a.e.WorkspaceName(w.workspace)
	case lackAdmin:
		s = "being admin of workspace " + a.e.WorkspaceName(w.workspace)
	case lackExternalAccess:
		s = "external access in metastore " + a.e.MetastoreName(w.securable.Metastore)
	case lackTheirAssignment:
		s = fmt.Sprintf("an assignment of %s to workspace %s", a.name(w.group), a.e.WorkspaceName(w.workspace))
	case lackMetastore:
		s = "the metastore in workspace " + a.e.WorkspaceName(w.workspace)
	case lackDefiner:
		s = "access of the owner of " + a.calledAs(w.securable) + " " + w.securable.FullName() + " to what it is made from"
	case lackStorage:
		s = fmt.Sprintf("a binding of the external location that %s %s lies in to workspace %s", w.securable.Type.Title(), w.securable.FullName(), a.e.WorkspaceName(w.workspace))
	case lackRole:
		s = fmt.Sprintf("the role %s on %s", w.role, a.name(w.group))
	case lackLevel:
		s = fmt.Sprintf("%s on %s %s", w.level, w.object.Type.Title(), a.object(w.object).Name)
	case lackEntitlement:
		s = fmt.Sprintf("the entitlement %s in workspace %s", w.entitlement, a.e.WorkspaceName(w.workspace))
	case lackCompute:
		s = "something to run it on in workspace " + a.e.WorkspaceName(w.workspace)
	default:
		s = fmt.Sprintf("a binding of %s %s to workspace %s", w.securable.Type.Title(), w.securable.FullName(), a.e.WorkspaceName(w.workspace))
	}
	if !w.known {
		s += " (not known: " + a.unread(w) + ")"
	}
	return s
}
