package formatters

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// The first screen of a PrincipalReport, and its counts.

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
	f.add(len(v.LocalGroups), v.LocalGroups != nil, "local group")
	f.addStale(v.Stale)
	f.add(len(v.Escalations), v.Escalations != nil, "escalation")
	f.add(len(v.CatalogOnlyGroups), v.CatalogOnlyGroups != nil, "catalog-only group")
	f.add(len(v.UnusedGroups), v.UnusedGroups != nil, "unused group")
	if len(v.UndecidedGroups) > 0 {
		f.known = append(f.known, count(len(v.UndecidedGroups), "group")+" that may be either")
	}
	return f.line(notRead + " or " + notAsked)
}
