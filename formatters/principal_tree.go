package formatters

import (
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// holding is what was given to one holder, in the order workspaces, roles, grants, objects.
type holding struct {
	paths    []string // the ways to the holder, each once
	rights   []node
	implicit bool // everybody is in the holder
}

// held gives each right to the last name of its path. What has a path of one name is the subject's.
type held struct {
	direct holding
	byName map[string]*holding
	order  []string
}

func (h *held) holder(p report.Path) *holding {
	if len(p) == 1 {
		return &h.direct
	}
	holder := "" // of an unknown path
	if len(p) > 0 {
		holder = p[len(p)-1]
	}
	got, known := h.byName[holder]
	if !known {
		got = &holding{}
		h.byName[holder] = got
		h.order = append(h.order, holder)
	}
	return got
}

func (v principalView) held() *held {
	h := &held{byName: map[string]*holding{}}
	add := func(p report.Path, n node) *holding {
		got := h.holder(p)
		got.rights = append(got.rights, n)
		if way := v.via(p); len(p) != 1 && !slices.Contains(got.paths, way) {
			got.paths = append(got.paths, way)
		}
		return got
	}
	for _, w := range v.Workspaces {
		add(w.Path, node{text: "workspace " + workspaceText(w, ""), kids: entitlements(w)})
	}
	for _, r := range v.Roles {
		add(r.Path, node{text: "role " + roleTitle(r), tone: alarm})
	}
	for _, g := range v.sortedGrants() {
		n := grantNode(g, manner(g))
		n.text = securable(g.Securable) + " in metastore " + name(g.Securable.Metastore) + ": " + n.text
		if got := add(g.Path, n); g.Source == report.SourceImplicit {
			got.implicit = true
		}
	}
	for _, o := range v.Objects {
		add(o.Path, line("in workspace "+name(o.Workspace)+": "+objectText(o, "")+objectUse(o.Usable)))
	}
	return h
}

// tree shows each granting group with what it gives, then what the subject holds itself, what
// everybody holds, and the lists of groups.
func (v principalView) tree() []node {
	c := v.coverage()
	h := v.held()
	nodes := []node{line(v.inOneLine())}
	nodes = append(nodes, v.groupBranches(h)...)
	nodes = append(nodes, block("Direct", h.direct.rights, absence(v.read(), notRead, c, report.ListWorkspaces, report.ListRoles, report.ListGrants)))
	for _, holder := range h.order {
		if got := h.byName[holder]; got != nil {
			nodes = append(nodes, otherBranch(holder, got))
		}
	}
	nodes = append(nodes, v.unreadLists()...)
	nodes = append(nodes, block(localHeading, localGroupNodes(v.LocalGroups), absence(v.LocalGroups != nil, notAsked, c, report.ListLocalGroups)))
	nodes = append(nodes, block(staleHeading, staleNodes(v.Stale, v.Principal), absence(v.Stale != nil, notAsked, c, report.ListStale)))
	nodes = append(nodes, block("Escalations", v.escalationNodes(), absence(v.Escalations != nil, notAsked, c)))
	return append(nodes, v.idleNodes("Catalog-only groups", "Unused groups")...)
}

// otherBranch is what a holder gives that is not among the memberships.
func otherBranch(holder string, got *holding) node {
	n := node{text: name(holder), tone: title, kids: slices.Concat(pathNodes(got.paths), got.rights)}
	switch {
	case holder == "":
		n.text = "Holder unknown"
	case got.implicit || holder == identity.AccountUsersName:
		n.text += " (everybody)"
	default:
		n.text += " (not among the groups above)"
	}
	return n
}

// inOneLine is the particulars where lines are few.
func (v principalView) inOneLine() string {
	var parts []string
	for _, n := range v.particulars() {
		parts = append(parts, n.text)
	}
	return strings.Join(parts, "; ")
}

// read reports whether every list of rights that cannot be left out was read.
func (v principalView) read() bool { return v.Workspaces != nil && v.Roles != nil && v.Grants != nil }

// unreadLists says which rights the tree cannot show, or has none of.
func (v principalView) unreadLists() []node {
	lists := []struct {
		title  string
		list   string
		read   bool
		length int
		unread string
	}{
		{"Groups", report.ListMemberships, v.Memberships != nil, len(v.Memberships), notRead},
		{"Workspaces", report.ListWorkspaces, v.Workspaces != nil, len(v.Workspaces), notRead},
		{"Roles", report.ListRoles, v.Roles != nil, len(v.Roles), notRead},
		{"Grants", report.ListGrants, v.Grants != nil, len(v.Grants), notRead},
		{"Workspace objects", report.ListObjects, v.Objects != nil, len(v.Objects), notAsked},
	}
	var nodes []node
	for _, l := range lists {
		if l.length == 0 {
			nodes = append(nodes, block(l.title, nil, absence(l.read, l.unread, v.coverage(), l.list)))
		}
	}
	return nodes
}

// groupBranches takes what groups give out of h. Unused groups are left to their own list. Of groups
// that share a name, which paths cannot tell apart, the first shows what the name was given.
func (v principalView) groupBranches(h *held) []node {
	var nodes []node
	shown := map[string]bool{}
	for _, m := range v.memberships() {
		unused := slices.ContainsFunc(v.UnusedGroups, func(g report.Principal) bool {
			return g.ID == m.Group.ID && g.Name == m.Group.Name
		})
		n := node{text: membershipTitle(m), tone: title}
		got := h.byName[m.Group.Name]
		switch {
		case got != nil:
			n.kids = got.rights
			h.byName[m.Group.Name] = nil
		case unused:
			continue
		case shown[m.Group.Name]:
			n.text += ": shares its name with the group above, where the rights of both are"
		default:
			n.text += ": nothing of its own seen"
		}
		shown[m.Group.Name] = true
		if paths := v.paths(m); len(paths) > 0 {
			n.kids = slices.Concat(pathNodes(paths), n.kids)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func pathNodes(paths []string) []node {
	var nodes []node
	for _, p := range paths {
		nodes = append(nodes, node{text: p, tone: remark})
	}
	return nodes
}
