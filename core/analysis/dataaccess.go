package analysis

import (
	"slices"

	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// dataPrivileges are those that data access consists of.
var dataPrivileges = []identity.Privilege{
	identity.Select, identity.Modify, identity.ReadVolume, identity.WriteVolume, identity.Execute,
	identity.UseCatalog, identity.UseSchema,
}

// dataAccess lists who holds privileges on data, where they were granted, and whether the containers
// above let the holder use them.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/permissions-concepts
func (q *rolesQuestion) dataAccess() {
	for s := range q.e.Securables() {
		for g := range q.e.GrantsOn(s.Securable) {
			given := dataOf(g)
			if given == "" {
				continue
			}
			for _, m := range q.asked.named(g.Holder, g.Holder.Key.Workspace) {
				q.r.Roles = append(q.r.Roles, q.held(m, report.HeldRole{
					Role: roleDataAccess, Scope: scope(s.Securable), Fact: q.m.Fact(grantsRead(s.Securable)),
					Detail: given + "; " + usage(q.m.Subject(m.who), s.Securable, q.from(s.Metastore)),
				}))
			}
		}
	}
}

// dataOf names the privileges of a grant that are about data.
func dataOf(g estate.Grant) string {
	var given []string
	for _, as := range g.Privileges {
		for _, p := range dataPrivileges {
			if p.Applies(g.Securable.Type) && gives(as, p, g.Securable.Type) {
				given = append(given, as.SQL())
				break
			}
		}
	}
	return strings.Join(given, ", ")
}

// gives reports whether a privilege that was granted on a securable of the type is another, or stands
// for it: an older name, or ALL PRIVILEGES.
func gives(granted, p identity.Privilege, on identity.SecurableType) bool {
	for _, now := range granted.FromLegacy(on) {
		if now == p {
			return true
		}
	}
	return granted == identity.AllPrivileges && p.InAllPrivileges()
}

// from are the workspaces from which a metastore is used, and none: what is held by nobody's workspace
// groups counts without one.
func (d *directory) from(metastore string) []identity.WorkspaceID {
	return append([]identity.WorkspaceID{0}, d.e.MetastoreWorkspaces(metastore)...)
}

// unlike are the workspaces of from in which it matters who asks: from all others a securable is managed by
// whom it is managed from nowhere, since no fact about it or around it names a group of theirs.
func (d *directory) unlike(on identity.Securable) []identity.WorkspaceID {
	apart := slices.Concat(d.e.Localised(on), d.e.Localised(identity.MetastoreSecurable(on.Metastore)))
	return slices.DeleteFunc(d.from(on.Metastore), func(in identity.WorkspaceID) bool { return in != 0 && !slices.Contains(apart, in) })
}

// usage says in words whether a subject may enter a securable and what it is in.
func usage(s *access.Subject, on identity.Securable, from []identity.WorkspaceID) string {
	v := access.Denied
	for _, in := range from {
		v = access.Any(v, s.Enters(on, in))
	}
	switch {
	case on.Type.UnderMetastore() || on.Type == identity.TypeMetastore:
		return "no USE privilege is needed"
	case v == access.Allowed:
		return "USE privileges complete"
	case v == access.Denied:
		return "USE privileges missing"
	default:
		return "USE privileges not known"
	}
}
