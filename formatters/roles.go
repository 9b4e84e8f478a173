package formatters

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/report"
)

// rolesView is the view of a RolesReport: this file holds its lists, roles_words.go the first sentence,
// roles_text.go and roles_tree.go the two arrangements for people.
type rolesView struct{ *report.RolesReport }

func (v rolesView) head() *report.Envelope { return v.Head() }

func (v rolesView) coverage() coverage { return coverage{v.Head()} }

func (v rolesView) key() (column, value string) { return "subject", subjectName(v.Subject) }

// subjectName is empty for questions about everybody.
func subjectName(p *report.Principal) string {
	if p == nil {
		return ""
	}
	return p.Name
}

// subjectSection is the one asked about as a list of one; null when the question is about everybody.
func subjectSection(p *report.Principal) section {
	var list []report.Principal
	if p != nil {
		list = []report.Principal{*p}
	}
	return listed("subject", "subject", append(slices.Clone(principalColumns), "not_read"), list, one(func(p report.Principal) []string {
		return append(principalCells(p), nulls(null{"active", p.Active == nil}, null{"aliases", p.Aliases == nil}))
	}))
}

func (v rolesView) sections() []section {
	return []section{
		subjectSection(v.Subject),
		listed("held_role", report.ListHeldRoles, append(slices.Clone(principalColumns), "role", "scope", "path", "certain", "detail", "source", "read_at", "not_read"),
			v.Roles, one(heldRow)),
		listed("workspace", report.ListWorkspaceSettings, []string{"workspace", "restrict_admins", "admins", "nested_admins", "admins_complete"}, v.Workspaces,
			one(func(w report.WorkspaceAdmins) []string {
				return []string{w.Name, w.RestrictAdmins, strconv.Itoa(w.Admins), strconv.Itoa(w.Nested), strconv.FormatBool(w.Complete)}
			})),
		listed("metastore", report.ListMetastoreAdmins, []string{"metastore", "owner", "admins", "not_read", "admins_complete"}, v.Metastores,
			one(func(m report.MetastoreAdmin) []string {
				return []string{m.Name, deref(m.Owner), strconv.Itoa(m.Admins), nulls(null{"owner", m.Owner == nil}), strconv.FormatBool(m.Complete)}
			})),
		listed("workspace_catalog", report.ListWorkspaceCatalogs, []string{"catalog", "metastore", "owner", "workspace", "holder", "privileges",
			"object_type", "object", "not_read"}, v.WorkspaceCatalogs, one(workspaceCatalogRow)),
		unknowableSection("unknowable", v.Unknowable),
	}
}

// unknowableSection is what could not be looked for.
func unknowableSection(list string, all []report.Unknowable) section {
	return listed("unknowable", list, []string{"role", "why"}, all, one(func(u report.Unknowable) []string { return []string{u.Role, u.Why} }))
}

func heldRow(r report.HeldRole) []string {
	p := r.Principal
	return append(principalCells(p), r.Role, r.Scope, chain(r.Path, arrow), strconv.FormatBool(r.Certain), r.Detail, r.Fact.Source, stamp(r.Fact.ReadAt),
		nulls(null{"active", p.Active == nil}, null{"aliases", p.Aliases == nil}, null{"path", r.Path == nil}))
}

func workspaceCatalogRow(c report.WorkspaceCatalog) []string {
	return []string{c.Catalog.FullName, c.Catalog.Metastore, deref(c.Catalog.Owner), c.Workspace, c.Holder, chain(c.Privileges, ", "),
		string(c.On.Type), c.On.FullName, nulls(null{"owner", c.Catalog.Owner == nil}, null{"privileges", c.Privileges == nil})}
}

// The roles that administer, each over all that the next one is about.
const (
	accountAdmin   = "account_admin"
	metastoreAdmin = "metastore_admin"
	workspaceAdmin = "workspace_admin"
)

// roleOrder ranks the roles by how far they reach. What is not here comes last, by name.
var roleOrder = []string{accountAdmin, metastoreAdmin, workspaceAdmin, "marketplace_admin", "billing_admin", "service_principal_manager",
	"service_principal_user", "group_manager", "group_assumer", "catalog_owner", "schema_owner", "volume_owner", "data_access",
	"job_creator", "user", "viewer"}

func roleRank(role string) int {
	if i := slices.Index(roleOrder, role); i >= 0 {
		return i
	}
	return len(roleOrder)
}

func compareRoles(a, b string) int {
	return cmp.Or(cmp.Compare(roleRank(a), roleRank(b)), strings.Compare(a, b))
}

// roleNoun is the role in words, or verbatim where it is one of the account's own.
func roleNoun(role string) string {
	switch {
	case role == "user":
		return "workspace user"
	case slices.Contains(roleOrder, role):
		return strings.ReplaceAll(role, "_", " ")
	default:
		return term(role)
	}
}

// roleHolders are the holders of one role.
type roleHolders struct {
	role    string
	holders []holder
}

// holder is one principal with the ways by which it holds something.
type holder struct{ bearer[report.HeldRole] }

// byRole puts the roles together by role, and by principal within one.
func byRole(roles []report.HeldRole) []roleHolders {
	var all []roleHolders
	place := map[string]int{}
	ways := map[string][]report.HeldRole{}
	for _, r := range roles {
		if _, known := place[r.Role]; !known {
			place[r.Role] = len(all)
			all = append(all, roleHolders{role: r.Role})
		}
		ways[r.Role] = append(ways[r.Role], r)
	}
	for i, h := range all {
		all[i].holders = holders(ways[h.role])
	}
	slices.SortFunc(all, func(a, b roleHolders) int { return compareRoles(a.role, b.role) })
	return all
}

// holders puts the ways together by principal: users, service principals and groups by name.
func holders(roles []report.HeldRole) []holder {
	var all []holder
	for _, b := range byPrincipal(roles, func(r report.HeldRole) report.Principal { return r.Principal }) {
		all = append(all, holder{b})
	}
	slices.SortStableFunc(all, func(a, b holder) int { return comparePrincipals(a.principal, b.principal) })
	return all
}

// certain reports whether at least one way is.
func (h holder) certain() bool {
	return slices.ContainsFunc(h.ways, func(r report.HeldRole) bool { return r.Certain })
}

// principals are the holders without their ways.
func (h roleHolders) principals() []report.Principal {
	var all []report.Principal
	for _, x := range h.holders {
		all = append(all, x.principal)
	}
	return all
}

func (v rolesView) figures() string {
	var f figures
	f.add(len(v.Roles), v.Roles != nil, "held role")
	if v.Roles != nil {
		f.known = append(f.known, count(len(holders(v.Roles)), "principal"))
	}
	f.add(len(v.Workspaces), v.Workspaces != nil, "workspace")
	f.add(len(v.Metastores), v.Metastores != nil, "metastore")
	f.add(len(v.WorkspaceCatalogs), v.WorkspaceCatalogs != nil, "catalog grant to hidden group")
	f.add(len(v.Unknowable), v.Unknowable != nil, "unknowable role")
	return f.line(notRead)
}
