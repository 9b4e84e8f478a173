package access

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// WhoOperates answers who can use a workspace object, and by which entry of its list. The envelope is
// left to the caller.
func (m *Model) WhoOperates(on identity.Object, who Who) *report.ResourceReport {
	info, _ := m.e.Object(on)
	r := &report.ResourceReport{
		Resource: report.Securable{Type: identity.SecurableType(on.Type), FullName: cmp.Or(info.Path, info.Name, on.ID), Metastore: m.e.WorkspaceName(on.Workspace), Owner: &info.Creator},
		Object:   m.DescribeObject(on), Containers: []report.Securable{}, Access: []report.Access{}, Indirect: []report.Access{},
	}
	grants := withAdmins(m.e.ObjectGrants(on), on)
	named := map[identity.PrincipalKey]bool{}
	for _, g := range grants {
		named[g.Holder.Key] = true
	}
	level := identity.Level(who.Privilege)
	using := level
	if levels := on.Type.Levels(); using == "" && len(levels) > 0 {
		using = levels[0]
	}
	for _, k := range m.listed(named, who.Expand) {
		a := audit{m.Subject(k)}
		if who.Expand && a.verdicts().operates(using, on) == Denied {
			goal := canQuestion{audit: a, goal: operate{using, on}, Asked: Asked{From: []identity.WorkspaceID{on.Workspace}}}
			r.Indirect = append(r.Indirect, goal.asOthers(r.Resource, identity.Privilege(using))...)
		}
		for _, g := range grants {
			if level != "" && !on.Type.Includes(g.Level, level) || !who.Expand && !slices.Contains(a.persons(), g.Holder.Key) {
				continue
			}
			if a.verdicts().meansThere(g, on.Workspace) != Allowed {
				continue
			}
			r.Access = append(r.Access, a.operating(r.Resource, on, g))
		}
	}
	r.Notes = []string{"account admins are not looked for: each can make itself admin of the workspace"}
	return r
}

// withAdmins is the list of an object with the admins of its workspace, whom the lists of secret scopes do not
// name: they may do everything with every object.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/, https://docs.databricks.com/aws/en/security/secrets/
func withAdmins(grants []estate.ObjectGrant, on identity.Object) []estate.ObjectGrant {
	admins, top := identity.WorkspaceAdmins(on.Workspace), on.Type.Highest()
	if slices.ContainsFunc(grants, func(g estate.ObjectGrant) bool { return g.Holder.Key == admins && on.Type.Includes(g.Level, top) }) {
		return grants
	}
	return append(slices.Clip(grants), estate.ObjectGrant{Holder: estate.Holder{Key: admins, Name: admins.ID}, Kind: identity.KindGroup, Level: top})
}

// operating is one entry of an object's list as it counts for one principal.
func (a audit) operating(resource report.Securable, on identity.Object, g estate.ObjectGrant) report.Access {
	source := report.AccessDirect
	switch {
	case g.Holder.Key == identity.WorkspaceAdmins(on.Workspace):
		source = report.AccessRole
	case g.From != "":
		source = report.AccessInherited
	case g.Level == identity.IsOwner:
		source = report.AccessOwner
	}
	if g.From != "" && source == report.AccessInherited {
		resource.FullName = g.From
	}
	path, here := report.Path{a.name(a.key)}, Allowed // groups of the workspace are there
	if a.key.Workspace == 0 {
		path, here = a.shortest(a.e.Canonical(g.Holder.Key)), All(a.verdicts().active(), a.verdicts().assigned(on.Workspace))
	}
	r := report.Access{
		Principal: a.principal(a.key), Privileges: []identity.Privilege{identity.Privilege(g.Level)}, Source: source, GrantedOn: resource,
		Via: g.Holder.Name, Path: path, ReachableIn: []string{}, Missing: []string{}, Verdict: verdictOf(here),
	}
	if here == Allowed {
		r.ReachableIn = append(r.ReachableIn, a.e.WorkspaceName(on.Workspace))
		return r
	}
	clauses := a.clauses()
	for _, set := range clauses.logic.all(clauses.active(), clauses.assigned(on.Workspace)).wants()[:1] {
		for _, w := range set {
			r.Missing = append(r.Missing, a.wantWords(w))
		}
	}
	return r
}

func verdictOf(v Verdict) report.Verdict {
	switch v {
	case Allowed:
		return report.Allow
	case Denied:
		return report.Deny
	default:
		return report.Unknown
	}
}

// WhoEnters answers who can enter a workspace, and by which assignment. The envelope is left to the
// caller.
func (m *Model) WhoEnters(in identity.WorkspaceID, who Who) *report.ResourceReport {
	resource := report.Securable{Type: "WORKSPACE", FullName: m.e.WorkspaceName(in)}
	r := &report.ResourceReport{Resource: resource, Containers: []report.Securable{}, Access: []report.Access{}, Indirect: []report.Access{}}
	named := map[identity.PrincipalKey]bool{}
	for _, at := range m.e.Assignments(in) {
		named[at.Principal] = true
	}
	for _, k := range m.listed(named, who.Expand) {
		a := audit{m.Subject(k)}
		for _, at := range m.e.Assignments(in) {
			permission := identity.Privilege(at.Permission.String())
			if who.Privilege != "" && who.Privilege != permission || !who.Expand && !slices.Contains(a.persons(), at.Principal) || a.In(at.Principal) != Allowed {
				continue
			}
			active := a.verdicts().active()
			item := report.Access{
				Principal: a.principal(k), Privileges: []identity.Privilege{permission}, Source: report.AccessDirect, GrantedOn: resource,
				Via: a.name(at.Principal), Path: a.shortest(at.Principal), Verdict: verdictOf(active), ReachableIn: []string{}, Missing: []string{},
			}
			if active == Allowed {
				item.ReachableIn = append(item.ReachableIn, m.e.WorkspaceName(in))
			} else {
				item.Missing = append(item.Missing, "an active identity")
			}
			r.Access = append(r.Access, item)
		}
	}
	r.Notes = []string{"account admins are not looked for: each can assign itself to the workspace"}
	return r
}
