package formatters

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// groupView is the view of a GroupReport: this file holds its words and lists, group_text.go the two
// arrangements for people.
type groupView struct{ *report.GroupReport }

func (v groupView) head() *report.Envelope { return v.Head() }

func (v groupView) coverage() coverage { return coverage{v.Head()} }

func (v groupView) key() (column, value string) { return "group", v.Group.Name }

func (v groupView) sections() []section {
	ways := append(slices.Clone(principalColumns), "direct", "path", "paths_omitted", "way_unknown")
	held := slices.Concat([]string{"grant_source"}, principalColumns)
	on := []string{"object_type", "object", "metastore", "owner"}
	return []section{
		listed("group", "group", principalColumns, []report.Principal{v.Group}, one(principalCells)),
		listed("member", "members", ways, v.Members, func(m report.GroupMember) [][]string {
			return wayRows(m.Principal, m.Direct, m.Paths, m.PathsOmitted, m.WayUnknown)
		}),
		listed("ancestor", "ancestors", ways, v.Ancestors, func(m report.Membership) [][]string {
			return wayRows(m.Group, m.Direct, m.Paths, m.PathsOmitted, m.WayUnknown)
		}),
		listed("workspace", "workspaces", []string{"workspace_id", "workspace", "url", "access", "path", "entitlements"}, v.Workspaces, one(workspaceRow)),
		listed("role", "roles", []string{"role", "scope", "path"}, v.Roles, one(roleRow)),
		listed("grant", "grants", slices.Concat(held, on, []string{"privileges", "source", "path", "reachable_in", "reach_unknown", "caveats"}), v.Grants,
			one(func(g report.GroupGrant) []string {
				return slices.Concat([]string{g.GrantSource}, memberCells(g.Member), grantRow(g.Grant))
			})),
		listed("redundancy", "redundancies", slices.Concat(principalColumns, on, []string{"privileges", "level", "covered", "kept", "undecided", "covered_by", "covered_on", "more_covered", "fragile", "recommendation"}),
			v.Redundancies, one(redundancyRow)),
		listed("object", "objects", slices.Concat(held, objectColumns), v.Objects,
			one(func(o report.GroupObject) []string {
				return slices.Concat([]string{o.GrantSource}, memberCells(o.Member), objectRow(o.Object))
			})),
		listed("object_redundancy", "object_redundancies", slices.Concat(principalColumns, []string{"workspace", "object_type", "object_id", "object", "permission", "redundancy", "covered_by", "fragile", "recommendation"}),
			v.ObjectRedundancies, one(objectRedundancyRow)),
		listed("stale", "stale", slices.Concat(principalColumns, staleColumns), v.Stale,
			one(func(s report.Stale) []string { return slices.Concat(principalCells(s.Principal), staleCells(s)) })),
		localGroupSection(v.LocalGroups),
		listed("revoke_script", "revoke_script", []string{"value"}, v.script(), one(func(s scriptRecord) []string { return []string{s.Script} })),
	}
}

// scriptRecord is the script as an object of its own.
type scriptRecord struct {
	Script string `json:"script"`
}

func (v groupView) script() []scriptRecord {
	if v.RevokeScript == nil {
		return nil
	}
	return []scriptRecord{{*v.RevokeScript}}
}

// wayRows is one row for each path, so that no cell holds two.
func wayRows(p report.Principal, direct bool, paths []report.Path, left int, unknown bool) [][]string {
	omitted := number(left)
	if left < 0 {
		omitted = "not counted"
	}
	var rows [][]string
	for _, way := range append(slices.Clone(paths), nil)[:max(1, len(paths))] {
		rows = append(rows, append(principalCells(p), strconv.FormatBool(direct), chain(way, arrow), omitted, strconv.FormatBool(unknown)))
	}
	return rows
}

// memberCells are empty for what no member holds.
func memberCells(p *report.Principal) []string {
	if p == nil {
		return make([]string, len(principalColumns))
	}
	return principalCells(*p)
}

func redundancyRow(r report.Redundancy) []string {
	var ways []string
	for _, p := range r.CoveredBy {
		ways = append(ways, chain(p, arrow))
	}
	var within []string
	for _, on := range r.CoveredOn {
		within = append(within, string(on.Type)+" "+on.FullName)
	}
	return slices.Concat(principalCells(r.Member), place(&r.Securable, nil), []string{deref(r.Securable.Owner), chain(r.Privileges, ", "), r.Level,
		chain(r.Covered, ", "), chain(r.Kept, ", "), chain(r.Undecided, ", "), strings.Join(ways, "; "), strings.Join(within, "; "), strconv.FormatBool(r.MoreCovered),
		strconv.FormatBool(r.Fragile), r.Recommendation})
}

func objectRedundancyRow(r report.ObjectRedundancy) []string {
	var ways []string
	for _, p := range r.CoveredBy {
		ways = append(ways, chain(p, arrow))
	}
	return slices.Concat(principalCells(r.Member), []string{r.Workspace, r.Type, r.ID, r.Name, r.Permission, r.Level, strings.Join(ways, "; "), strconv.FormatBool(r.Fragile), r.Recommendation})
}

func stampOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return stamp(*t)
}

func (v groupView) answer() []node {
	nodes := []node{{text: v.sentence(), tone: title}}
	if len(v.Roles) > 0 {
		nodes = append(nodes, v.given().administers())
	}
	if missable := v.missable(); missable != "" {
		nodes = append(nodes, line("Members would not miss "+missable+"."))
	}
	if used := staleLine(v.Stale); used != "" {
		nodes = append(nodes, line(used))
	}
	return append(nodes, v.given().places()...)
}

// missable counts the personal grants that their holders would keep without them, in full or in part; empty
// where there is none.
func (v groupView) missable() string {
	var parts []string
	for _, level := range []struct{ name, what string }{{report.RedundantFull, "in full"}, {report.RedundantShadowed, "because of others of their own"}, {report.RedundantPartial, "in part"}} {
		n := 0
		for _, r := range v.Redundancies {
			if r.Level == level.name {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, count(n, "personal grant")+" "+level.what)
		}
	}
	return series(parts, "and")
}

// sentence answers the question: who is in it, what it gives, what members hold besides, and how sure.
func (v groupView) sentence() string {
	return fmt.Sprintf("%s: %s, %s; %s; %s.", v.subject(), v.holdsMembers(), v.gives(), v.personal(), v.coverage().clause())
}

func (v groupView) subject() string {
	return short(v.Group.Name, maxSubject) + " (" + describe(v.Group) + ")"
}

func (v groupView) holdsMembers() string {
	switch {
	case v.Members == nil && v.Group.Name == identity.AccountUsersName:
		return "everybody is in it"
	case v.Members == nil:
		return "members that were not read"
	case len(v.Members) == 0 && v.coverage().certain(report.ListMembers):
		return "no members"
	case len(v.Members) == 0:
		return "no members that were seen"
	}
	all := make([]report.Principal, 0, len(v.Members))
	inactive := 0
	for _, m := range v.Members {
		all = append(all, m.Principal)
		if m.Principal.Active != nil && !*m.Principal.Active {
			inactive++
		}
	}
	s := fmt.Sprintf("%s%s (%s", v.atLeast(report.ListMembers), count(len(all), "member"), strings.ReplaceAll(inKinds(all), " and ", ", "))
	if inactive > 0 {
		s += fmt.Sprintf("; %d inactive", inactive)
	}
	return s + ")"
}

// atLeast stands before a number of what a list holds, where the list may lack some.
func (v groupView) atLeast(lists ...string) string {
	if v.coverage().certain(lists...) {
		return ""
	}
	return "at least "
}

// gives counts the securables on which the group itself, and the groups above it, hold something.
func (v groupView) gives() string {
	direct, upstream := v.securables(report.GrantDirect), v.securables(report.GrantUpstream)
	more := 0
	for s := range upstream {
		if !direct[s] {
			more++
		}
	}
	atLeast := v.atLeast(report.ListGrants, report.ListAncestors)
	switch {
	case v.Grants == nil:
		return "grants that were not read"
	case len(direct)+more == 0 && v.coverage().certain(report.ListGrants, report.ListAncestors):
		return "no grants"
	case len(direct)+more == 0:
		return "no grants that were seen"
	case more == 0:
		return "grants on " + atLeast + count(len(direct), "securable") + " itself"
	case len(direct) == 0:
		return "grants on " + atLeast + count(more, "securable") + " through groups that it is in, none itself"
	default:
		return fmt.Sprintf("grants on %s%s itself, on %d more through groups that it is in", atLeast, count(len(direct), "securable"), more)
	}
}

type securableKey struct{ kind, metastore, name string }

func (v groupView) securables(source string) map[securableKey]bool {
	all := map[securableKey]bool{}
	for _, g := range v.Grants {
		if g.GrantSource == source {
			all[securableKey{string(g.Securable.Type), g.Securable.Metastore, g.Securable.FullName}] = true
		}
	}
	return all
}

// personal counts the members that hold something themselves.
func (v groupView) personal() string {
	n, atLeast := len(v.holdings()), v.atLeast(report.ListGrants, report.ListMembers)
	switch {
	case v.Grants == nil || v.Members == nil:
		return "what members hold themselves is not listed"
	case n == 0 && v.coverage().certain(report.ListGrants, report.ListMembers):
		return "no member holds grants of its own"
	case n == 0:
		return "no member was seen to hold grants of its own"
	case n == 1:
		return atLeast + "1 member holds grants of its own"
	default:
		return fmt.Sprintf("%s%d members hold grants of their own", atLeast, n)
	}
}

// holdings are the members that hold something themselves, those with the most grants first.
func (v groupView) holdings() []bearer[report.GroupGrant] {
	own := slices.DeleteFunc(slices.Clone(v.Grants), func(g report.GroupGrant) bool { return g.GrantSource != report.GrantMemberDirect })
	all := byPrincipal(own, func(g report.GroupGrant) (member report.Principal) {
		if g.Member != nil {
			member = *g.Member
		}
		return member
	})
	slices.SortStableFunc(all, func(a, b bearer[report.GroupGrant]) int { return len(b.ways) - len(a.ways) })
	return all
}

// given is what the group gives, as a report on it as a principal says it.
func (v groupView) given() principalView {
	p := &report.PrincipalReport{Envelope: v.Envelope, Principal: v.Group, Memberships: v.Ancestors, Workspaces: v.Workspaces, Roles: v.Roles}
	if v.Grants != nil {
		p.Grants = []report.Grant{}
	}
	for _, g := range v.Grants {
		if g.GrantSource != report.GrantMemberDirect {
			p.Grants = append(p.Grants, g.Grant)
		}
	}
	return principalView{p}
}

func (v groupView) figures() string {
	var f figures
	f.add(len(v.Members), v.Members != nil, "member")
	f.add(len(v.Ancestors), v.Ancestors != nil, "ancestor group")
	f.add(len(v.Workspaces), v.Workspaces != nil, "workspace")
	f.add(len(v.Grants), v.Grants != nil, "grant")
	f.add(len(v.Redundancies), v.Redundancies != nil, "compared personal grant")
	f.add(len(v.Objects), v.Objects != nil, "workspace object")
	f.add(len(v.ObjectRedundancies), v.ObjectRedundancies != nil, "compared personal permission")
	f.addStale(v.Stale)
	f.add(len(v.LocalGroups), v.LocalGroups != nil, "local group")
	return f.line(notRead + " or " + notAsked)
}
