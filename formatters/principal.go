package formatters

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// principalView is the view of a PrincipalReport: this file holds its words and lists,
// principal_text.go and principal_tree.go the two arrangements for people.
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
		listed("object", "objects", []string{"workspace", "object_type", "object_id", "object", "level", "source", "path", "inherited_from"},
			v.Objects, one(objectRow)),
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

func objectRow(o report.Object) []string {
	return []string{o.Workspace, o.Type, o.ID, o.Name, o.Level, o.Source, chain(o.Path, arrow), o.InheritedFrom}
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

// maxSubject limits the name in the first sentence. The name stands in full below it.
const maxSubject = 80

func (v principalView) answer() []node {
	nodes := []node{{text: v.sentence(), tone: title}}
	if v.inactive() {
		nodes[0].tone = alarm
	}
	nodes = append(nodes, v.administers())
	if len(v.Escalations) > 0 {
		nodes = append(nodes, node{text: "Can get more than its grants say: " + v.severities() + ", see escalations.", tone: alarm})
	}
	if used := staleLine(v.Stale); used != "" {
		nodes = append(nodes, line(used))
	}
	return append(nodes, v.places()...)
}

// sentence answers the question: where, through what, how much, and how sure.
func (v principalView) sentence() string {
	return fmt.Sprintf("%s %s, %s and %s; %s.", v.subject(), v.enters(), v.belongs(), v.holds(), v.coverage().clause())
}

func (v principalView) subject() string {
	s := short(v.Principal.Name, maxSubject)
	if d := v.Principal.DisplayName; d != "" && d != v.Principal.Name {
		s += " “" + Truncate(EscapeLine(d), maxSubject) + "”"
	}
	return s + " (" + describe(v.Principal) + ")"
}

// describe says what sort of principal it is, who keeps it and whether it may log in.
func describe(p report.Principal) string {
	parts := []string{kindOf(p), sourceTitle(p.Source)}
	switch {
	case p.Kind == identity.KindGroup.String():
	case p.Active == nil:
		parts = append(parts, "status not read")
	case *p.Active:
		parts = append(parts, "active")
	default:
		parts = append(parts, "INACTIVE")
	}
	return strings.Join(parts, ", ")
}

func kindOf(p report.Principal) string {
	if p.Kind == "" || p.Kind == identity.KindUnknown.String() {
		return "kind unknown"
	}
	return EscapeLine(strings.ReplaceAll(p.Kind, "_", " "))
}

func sourceTitle(source string) string {
	switch source {
	case identity.OriginIDP.String():
		return "IdP"
	case identity.OriginDatabricks.String():
		return "Databricks"
	case identity.OriginUnknown.String(), "":
		return "source unknown"
	default:
		return EscapeLine(strings.ReplaceAll(source, "_", "-"))
	}
}

func (v principalView) inactive() bool { return v.Principal.Active != nil && !*v.Principal.Active }

func (v principalView) enters() string {
	verb := "can enter"
	switch {
	case v.inactive():
		verb = "cannot log in, is assigned to"
	case v.Principal.Kind == identity.KindGroup.String():
		verb = "lets its members enter"
	}
	if v.Workspaces == nil {
		return verb + " workspaces that were not read"
	}
	entered, admin := v.entered()
	switch {
	case entered == 0 && v.coverage().complete():
		return verb + " no workspace"
	case entered == 0:
		return verb + " no workspace that was seen"
	case admin > 0:
		return fmt.Sprintf("%s %s (%d as admin)", verb, count(entered, "workspace"), admin)
	default:
		return verb + " " + count(entered, "workspace")
	}
}

// entered counts workspaces, not the ways into them.
func (v principalView) entered() (all, admin int) {
	level := map[string]bool{}
	for _, w := range v.Workspaces {
		level[w.ID] = level[w.ID] || w.Access == identity.WorkspaceAdmin.String()
	}
	for _, isAdmin := range level {
		if isAdmin {
			admin++
		}
	}
	return len(level), admin
}

func (v principalView) belongs() string {
	switch {
	case v.Memberships == nil:
		return "is in groups that were not read"
	case len(v.Memberships) == 0 && v.coverage().complete():
		return "is in no group"
	case len(v.Memberships) == 0:
		return "is in no group that was seen"
	}
	direct, unsure := v.directGroups()
	if unsure {
		return fmt.Sprintf("is in %s (at least %d direct)", count(len(v.Memberships), "group"), direct)
	}
	return fmt.Sprintf("is in %s (%d direct)", count(len(v.Memberships), "group"), direct)
}

// directGroups counts the direct memberships, and says whether there may be more.
func (v principalView) directGroups() (n int, unsure bool) {
	for _, m := range v.Memberships {
		if m.Direct {
			n++
		}
		unsure = unsure || m.WayUnknown && !m.Direct
	}
	return n, unsure
}

func (v principalView) holds() string {
	switch {
	case v.Grants == nil:
		return "holds grants that were not read"
	case len(v.Grants) == 0 && v.coverage().complete():
		return "holds no grant"
	case len(v.Grants) == 0:
		return "holds no grant that was seen"
	}
	s := fmt.Sprintf("holds %s on %s", count(len(v.Grants), "grant"), v.extent())
	usable, unsure := v.usable()
	switch {
	case unsure:
		s += fmt.Sprintf(" (at least %d usable now)", usable)
	case usable < len(v.Grants):
		s += fmt.Sprintf(" (%d usable now)", usable)
	}
	return s
}

// usable counts the grants that can be used in some workspace, and says whether there may be more.
func (v principalView) usable() (n int, unsure bool) {
	for _, g := range v.Grants {
		if len(g.ReachableIn) > 0 {
			n++
		} else if g.ReachUnknown || g.ReachableIn == nil {
			unsure = true
		}
	}
	return n, unsure
}

// extent counts what is granted: catalogs, each with all that is in it, and what stands beside.
func (v principalView) extent() string {
	seen := map[[2]string]bool{}
	nouns := map[identity.SecurableType]int{}
	for _, g := range v.Grants {
		t, top := g.Securable.Type, g.Securable.FullName
		if inCatalog(t) {
			t, top = identity.TypeCatalog, catalogOf(g.Securable)
		}
		if k := [2]string{string(t) + " " + g.Securable.Metastore, top}; !seen[k] {
			seen[k] = true
			nouns[t]++
		}
	}
	var parts []string
	for _, t := range slices.SortedFunc(maps.Keys(nouns), identity.SecurableType.Compare) {
		parts = append(parts, count(nouns[t], identity.SecurableType(EscapeLine(string(t))).Title()))
	}
	return strings.Join(parts, ", ")
}

// Limits of the first screen: names of one kind and columns of one name. The sections have all.
const (
	maxPlaces = 8
	maxPlace  = 40
)

// places names the workspaces and catalogs that the sentence counts.
func (v principalView) places() []node {
	var workspaces, catalogs []string
	for _, w := range v.Workspaces {
		workspaces = append(workspaces, short(w.Name, maxPlace)+" ("+EscapeLine(w.Access)+")")
	}
	for _, g := range v.sortedGrants() {
		if inCatalog(g.Securable.Type) {
			catalogs = append(catalogs, short(catalogOf(g.Securable), maxPlace))
		}
	}
	var nodes []node
	if len(workspaces) > 0 {
		nodes = append(nodes, line("Workspaces: "+few(workspaces)+"."))
	}
	if len(catalogs) > 0 {
		nodes = append(nodes, line("Catalogs: "+few(catalogs)+"."))
	}
	return nodes
}

// few sorts, drops repeated texts and counts those beyond maxPlaces.
func few(texts []string) string {
	slices.Sort(texts)
	texts = slices.Compact(texts)
	if n := len(texts) - maxPlaces; n > 0 {
		texts = append(texts[:maxPlaces:maxPlaces], fmt.Sprintf("%d more", n))
	}
	return strings.Join(texts, ", ")
}

func inCatalog(t identity.SecurableType) bool {
	return t == identity.TypeCatalog || t == identity.TypeSchema || t.InSchema()
}

// catalogOf is the catalog that a securable is in, for grouping. Names of catalogs hold no dot.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
func catalogOf(s report.Securable) string {
	if s.Type == identity.TypeCatalog {
		return s.FullName
	}
	catalog, _, _ := strings.Cut(s.FullName, ".")
	return catalog
}

// administers names the administrative roles, since they reach further than any grant.
func (v principalView) administers() node {
	if len(v.Roles) == 0 {
		return line("Administrative roles: " + absence(v.Roles != nil, notRead, v.coverage(), report.ListRoles) + ".")
	}
	var parts []string
	for _, r := range v.Roles {
		parts = append(parts, v.roleText(r))
	}
	return node{text: "Administrative roles: " + strings.Join(parts, "; ") + ".", tone: alarm}
}

func (v principalView) roleText(r report.Role) string {
	return roleTitle(r) + " " + v.via(r.Path)
}

func roleTitle(r report.Role) string {
	return EscapeLine(strings.ReplaceAll(r.Role, "_", " ")) + " of " + name(r.Scope)
}

func (v principalView) severities() string {
	times := map[string]int{}
	var order []string
	for _, e := range v.Escalations {
		if times[e.Severity]++; times[e.Severity] == 1 {
			order = append(order, e.Severity)
		}
	}
	for i, s := range order {
		order[i] = fmt.Sprintf("%d %s", times[s], EscapeLine(s))
	}
	return strings.Join(order, ", ")
}

func (v principalView) figures() string {
	entered, _ := v.entered()
	var f figures
	f.add(entered, v.Workspaces != nil, "workspace")
	f.add(len(v.Memberships), v.Memberships != nil, "group")
	f.add(len(v.Roles), v.Roles != nil, "role")
	f.add(len(v.Grants), v.Grants != nil, "grant")
	f.add(len(v.Objects), v.Objects != nil, "workspace object")
	f.addStale(v.Stale)
	f.add(len(v.Escalations), v.Escalations != nil, "escalation")
	f.add(len(v.CatalogOnlyGroups), v.CatalogOnlyGroups != nil, "catalog-only group")
	f.add(len(v.UnusedGroups), v.UnusedGroups != nil, "unused group")
	if len(v.UndecidedGroups) > 0 {
		f.known = append(f.known, count(len(v.UndecidedGroups), "group")+" that may be either")
	}
	return f.line(notRead + " or " + notAsked)
}

// via says how a right is held. The subject is left out of the path: it is always the first.
func (v principalView) via(p report.Path) string { return via(v.Principal.Name, p) }

func via(subject string, p report.Path) string {
	switch len(p) {
	case 0:
		return "by an unknown path"
	case 1:
		return "directly"
	}
	if p[0] == subject {
		p = p[1:]
	}
	return "via " + EscapeLine(chain(p, " → "))
}

// memberships are the memberships, direct ones first, then by name.
func (v principalView) memberships() []report.Membership {
	return slices.SortedStableFunc(slices.Values(v.Memberships), func(a, b report.Membership) int {
		if a.Direct != b.Direct {
			if a.Direct {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(a.Group.Name, b.Group.Name), strings.Compare(a.Group.ID, b.Group.ID))
	})
}

// bullet marks what is direct with *, what is nested with -, and with ? that of which it is not known.
func bullet(direct, wayUnknown bool) string {
	switch {
	case direct:
		return "* "
	case wayUnknown:
		return "? "
	default:
		return "- "
	}
}

// membershipTitle is one group, marked.
func membershipTitle(m report.Membership) string {
	title := bullet(m.Direct, m.WayUnknown) + nameOrID(m.Group) + " (" + sourceTitle(m.Group.Source) + ")"
	if m.WayUnknown {
		title += ", its members were not read"
	}
	return title
}

// nameOrID shows a principal whose record was not read by what is known of it.
func nameOrID(p report.Principal) string {
	if p.Name == "" {
		return EscapeLine(kindOf(p)) + " " + name(p.ID)
	}
	return name(p.Name)
}

// paths lists every path to the group that says more than "direct".
func (v principalView) paths(m report.Membership) []string {
	var paths []string
	for _, p := range m.Paths {
		if !m.Direct || len(p) > 2 {
			paths = append(paths, v.via(p))
		}
	}
	switch {
	case m.PathsOmitted > 0:
		paths = append(paths, count(m.PathsOmitted, "more path")+" not listed")
	case m.PathsOmitted < 0:
		paths = append(paths, "more paths than were counted")
	}
	return paths
}

// grantNode says what is held, how, and where it can be used.
func grantNode(g report.Grant, how string) node {
	n := line(privileges(g.Privileges) + how + "; " + usable(g.ReachableIn, g.ReachUnknown))
	for _, c := range g.Caveats {
		n.kids = append(n.kids, line("but: "+EscapeLine(c)))
	}
	return n
}

// manner says what else than a plain grant it is.
func manner(g report.Grant) string {
	switch g.Source {
	case report.SourceOwner:
		return " as owner"
	case report.SourceImplicit:
		return " (as everybody)"
	default:
		return ""
	}
}

// privileges shows none as such: an empty text would read as if the line were cut.
func privileges(ps []identity.Privilege) string {
	if len(ps) == 0 {
		return "no privilege"
	}
	return names(ps)
}

// usable says in which workspaces something can be used; unknown that there may be more.
func usable(in []string, unknown bool) string {
	switch {
	case in == nil:
		return "where it is usable was not read"
	case len(in) == 0 && unknown:
		return "whether it is usable anywhere is not known"
	case len(in) == 0:
		return "usable in no workspace"
	case unknown:
		return "usable in " + names(in) + ", perhaps in more"
	default:
		return "usable in " + names(in)
	}
}

func securable(s report.Securable) string {
	text := noun(s.Type) + " " + name(s.FullName)
	if s.Owner != nil && *s.Owner != "" {
		text += " (owner " + name(*s.Owner) + ")"
	}
	return text
}

// sortedGrants orders grants as a tree: by metastore, then catalogs with what is in them, then what
// stands beside; on one securable, direct ones first.
func (v principalView) sortedGrants() []report.Grant {
	place := func(t identity.SecurableType) int {
		switch {
		case t == identity.TypeMetastore:
			return 0
		case inCatalog(t):
			return 1
		default:
			return 2
		}
	}
	return slices.SortedStableFunc(slices.Values(v.Grants), func(a, b report.Grant) int {
		s, t := a.Securable, b.Securable
		return cmp.Or(
			strings.Compare(s.Metastore, t.Metastore),
			cmp.Compare(place(s.Type), place(t.Type)),
			strings.Compare(catalogOf(s), catalogOf(t)),
			strings.Compare(s.FullName, t.FullName),
			s.Type.Compare(t.Type),
			cmp.Compare(len(a.Path), len(b.Path)),
			slices.Compare(a.Path, b.Path),
		)
	})
}

func objectText(o report.Object, how string) string {
	s := EscapeLine(o.Type) + " " + name(o.Name)
	if o.ID != o.Name {
		s += " (id " + name(o.ID) + ")"
	}
	s += ": " + EscapeLine(o.Level) + how
	if o.InheritedFrom != "" {
		s += "; inherited from " + name(o.InheritedFrom)
	}
	return s
}

func workspaceText(w report.WorkspaceAccess, how string) string {
	return fmt.Sprintf("%s: %s%s; id %s, %s", name(w.Name), EscapeLine(w.Access), how, name(w.ID), name(w.URL))
}

func (v principalView) escalationNodes() []node {
	var nodes []node
	for _, e := range v.Escalations {
		s := EscapeLine(e.Severity) + " " + EscapeLine(e.ID) + ": " + EscapeLine(string(e.Privilege))
		if e.Securable != nil {
			s += " on " + securable(*e.Securable)
		}
		n := node{text: s + " " + v.via(e.Path), tone: alarm, kids: []node{line(EscapeLine(e.Explanation))}}
		if len(e.Acts) > 0 {
			n.kids = append(n.kids, line("acts: "+names(e.Acts)))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func groupNodes(groups []report.Principal) []node {
	var nodes []node
	for _, g := range groups {
		nodes = append(nodes, line(nameOrID(g)+" ("+sourceTitle(g.Source)+")"))
	}
	return nodes
}

// idleNodes are the groups that give little: each list with what is not known of others.
func (v principalView) idleNodes(catalogOnly, unused string) []node {
	c := v.coverage()
	why := func(read bool) string {
		if read && len(v.UndecidedGroups) > 0 {
			return "none is certain; see the groups that may be either"
		}
		return absence(read, notRead, c)
	}
	nodes := []node{
		block(catalogOnly, groupNodes(v.CatalogOnlyGroups), why(v.CatalogOnlyGroups != nil)),
		block(unused, groupNodes(v.UnusedGroups), why(v.UnusedGroups != nil)),
	}
	if len(v.UndecidedGroups) > 0 {
		nodes = append(nodes, block("Groups that may be either: not everything that decides it was read", groupNodes(v.UndecidedGroups), ""))
	}
	return nodes
}
