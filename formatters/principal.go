package formatters

import (
	"strconv"

	"databricks-access-audit/core/report"
)

// principalView is the view of a PrincipalReport: this file holds its lists, principal_answer.go its first
// screen, principal_words.go and principal_grants.go its words, principal_text.go and principal_tree.go the
// two arrangements for people.
type principalView struct{ *report.PrincipalReport }

func (v principalView) head() *report.Envelope { return v.Head() }

func (v principalView) coverage() coverage { return coverage{v.Head()} }

func (v principalView) key() (column, value string) { return "principal", v.Principal.Name }

// arrow joins the names of a path in tables; people get →.
const arrow = " -> "

func (v principalView) sections() []section {
	group := []string{"group_id", "group", "display_name", "source"}
	return []section{
		listed("principal", "principal", []string{"id", "kind", "display_name", "source", "active", "aliases"},
			[]report.Principal{v.Principal}, one(func(p report.Principal) []string {
				return []string{p.ID, p.Kind, p.DisplayName, p.Source, known(p.Active), chain(p.Aliases, ", ")}
			})),
		listed("membership", "memberships", append(group, "direct", "path", "paths_omitted"), v.Memberships, membershipRows),
		listed("workspace", "workspaces", []string{"workspace_id", "workspace", "url", "access", "path", "entitlements"},
			v.Workspaces, one(workspaceRow)),
		listed("grant", "grants", []string{"object_type", "object", "metastore", "owner", "privileges", "source", "path",
			"reachable_in", "reach_unknown", "caveats"}, v.Grants, one(grantRow)),
		listed("object", "objects", objectColumns, v.Objects, one(objectRow)),
		localGroupSection(v.LocalGroups),
		listed("stale", "stale", staleColumns, v.Stale, one(staleCells)),
		listed("role", "roles", []string{"role", "scope", "path"}, v.Roles, one(roleRow)),
		listed("escalation", "escalations", []string{"id", "severity", "privileges", "object_type", "object", "metastore", "path", "acts", "explanation"},
			v.Escalations, one(escalationRow)),
		listed("catalog_only_group", "catalog_only_groups", group, v.CatalogOnlyGroups, one(groupRow)),
		listed("unused_group", "unused_groups", group, v.UnusedGroups, one(groupRow)),
		listed("undecided_group", "undecided_groups", group, v.UndecidedGroups, one(groupRow)),
	}
}

func workspaceRow(w report.WorkspaceAccess) []string {
	return []string{w.ID, w.Name, w.URL, w.Access, chain(w.Path, arrow), chain(w.Entitlements, ", ")}
}

func grantRow(g report.Grant) []string {
	return []string{string(g.Securable.Type), g.Securable.FullName, g.Securable.Metastore, deref(g.Securable.Owner),
		chain(g.Privileges, ", "), g.Source, chain(g.Path, arrow),
		chain(g.ReachableIn, ", "), strconv.FormatBool(g.ReachUnknown), chain(g.Caveats, "; ")}
}

var objectColumns = []string{"workspace", "object_type", "object_id", "object", "level", "source", "path", "inherited_from", "object_owner", "run_as", "usable"}

func objectRow(o report.Object) []string {
	return []string{o.Workspace, o.Type, o.ID, o.Name, o.Level, o.Source, chain(o.Path, arrow), o.InheritedFrom, o.Owner, o.RunAs, known(o.Usable)}
}

func roleRow(r report.Role) []string { return []string{r.Role, r.Scope, chain(r.Path, arrow)} }

func groupRow(g report.Principal) []string { return []string{g.ID, g.Name, g.DisplayName, g.Source} }

// membershipRows is one row for each path, so that no cell holds two.
func membershipRows(m report.Membership) [][]string {
	omitted := number(m.PathsOmitted)
	if m.PathsOmitted < 0 {
		omitted = "not counted"
	}
	var rows [][]string
	for _, p := range m.Paths {
		rows = append(rows, append(groupRow(m.Group), strconv.FormatBool(m.Direct), chain(p, arrow), omitted))
	}
	if rows == nil {
		rows = append(rows, append(groupRow(m.Group), strconv.FormatBool(m.Direct), "", omitted))
	}
	return rows
}

func escalationRow(e report.Escalation) []string {
	var on report.Securable
	if e.Securable != nil {
		on = *e.Securable
	}
	return []string{e.ID, e.Severity, string(e.Privilege), string(on.Type), on.FullName, on.Metastore,
		chain(e.Path, arrow), chain(e.Acts, ", "), e.Explanation}
}

func known(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
