package formatters

import (
	"fmt"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// The headings of lists that text and tree share.
const (
	membersHeading  = "Members (* direct, - nested)"
	personalHeading = "Held by members themselves, whether or not they stay in the group"
)

func (v groupView) text() []node {
	c, p := v.coverage(), v.given()
	nodes := []node{
		{text: "Group", tone: title, kids: p.particulars()},
		block(membersHeading, v.memberNodes(), v.noMembers()),
		block("Groups that it is in (* direct, - nested)", p.membershipNodes(), absence(v.Ancestors != nil, notRead, c, report.ListAncestors)),
		block("Workspaces that members may enter through it", p.workspaceNodes(), absence(v.Workspaces != nil, notRead, c, report.ListWorkspaces)),
		block("Roles", p.roleNodes(), absence(v.Roles != nil, notRead, c, report.ListRoles)),
		block("Grants, where they were given", p.grantNodes(), absence(v.Grants != nil, notRead, c, report.ListGrants)),
		v.personalNode(),
	}
	return append(nodes, v.extras()...)
}

// noMembers says why no members are listed.
func (v groupView) noMembers() string {
	if v.Members == nil && v.Group.Name == identity.AccountUsersName {
		return "everybody in the account; not listed"
	}
	return absence(v.Members != nil, notRead, v.coverage(), report.ListMembers)
}

func (v groupView) memberNodes() []node {
	var nodes []node
	for _, m := range v.Members {
		n := line(memberTitle(m))
		if m.Principal.Active != nil && !*m.Principal.Active {
			n.tone = remark
		}
		paths := v.ways(m)
		if len(paths) == 1 {
			n.text += " " + paths[0]
			paths = nil
		}
		for _, p := range paths {
			n.kids = append(n.kids, line(p))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// memberTitle is one member, marked.
func memberTitle(m report.GroupMember) string {
	title := bullet(m.Direct, m.WayUnknown) + introduced(m.Principal)
	if m.WayUnknown {
		title += ", through which groups is not known"
	}
	return title
}

// ways lists every path to the group that says more than "direct". Both ends are left out: they are the
// member and the group.
func (v groupView) ways(m report.GroupMember) []string {
	var ways []string
	for _, p := range m.Paths {
		if len(p) > 2 {
			ways = append(ways, "via "+EscapeLine(chain(p[1:len(p)-1], " → ")))
		}
	}
	if m.Direct && len(ways) > 0 {
		ways = append([]string{"directly"}, ways...)
	}
	switch {
	case m.PathsOmitted > 0:
		ways = append(ways, count(m.PathsOmitted, "more path")+" not listed")
	case m.PathsOmitted < 0:
		ways = append(ways, "more paths than were counted")
	}
	return ways
}

// personalNode lists by member what members hold themselves.
func (v groupView) personalNode() node {
	var nodes []node
	for _, h := range v.holdings() {
		n := line(introduced(h.principal))
		held := principalView{&report.PrincipalReport{}}
		for _, g := range h.ways {
			held.Grants = append(held.Grants, g.Grant)
		}
		for _, g := range held.sortedGrants() {
			one := grantNode(g, manner(g))
			one.text = securable(g.Securable) + " in metastore " + name(g.Securable.Metastore) + ": " + one.text
			n.kids = append(n.kids, one)
		}
		nodes = append(nodes, n)
	}
	return block(personalHeading, nodes, absence(v.Grants != nil && v.Members != nil, v.unlisted(), v.coverage(), report.ListGrants, report.ListMembers))
}

func (v groupView) unlisted() string {
	if v.Group.Name == identity.AccountUsersName {
		return "not listed for everybody"
	}
	return notRead
}

// extras are the lists that have to be asked for.
func (v groupView) extras() []node {
	c := v.coverage()
	nodes := []node{
		block("Personal grants, by whether their holder would miss them", v.redundancyNodes(), absence(v.Redundancies != nil, "not worked out", c, report.ListRedundancies)),
		block("Workspace objects", v.objectNodes(), absence(v.Objects != nil, notAsked, c, report.ListObjects)),
		block("Permissions that members were given themselves on workspace objects, by whether they would miss them (no SQL takes them away)",
			v.objectRedundancyNodes(), absence(v.ObjectRedundancies != nil, notAsked, c, report.ListObjectRedundancies)),
		block(staleHeading, staleNodes(v.Stale, v.Group), absence(v.Stale != nil, notAsked, c, report.ListStale)),
		block(localHeading, localGroupNodes(v.LocalGroups), absence(v.LocalGroups != nil, notAsked, c, report.ListLocalGroups)),
	}
	if v.RevokeScript != nil {
		script := node{text: "Script that revokes what is redundant", tone: title}
		for l := range strings.SplitSeq(strings.TrimRight(*v.RevokeScript, "\n"), "\n") {
			script.kids = append(script.kids, line(EscapeLine(l)))
		}
		nodes = append(nodes, script)
	}
	return nodes
}

func (v groupView) objectNodes() []node {
	return byWorkspace(v.Objects, func(o report.GroupObject) (string, string) {
		how := " " + via(v.Group.Name, o.Path)
		if o.Member != nil {
			how = ", held by " + nameOrID(*o.Member) + " itself"
		}
		return o.Workspace, objectText(o.Object, how)
	})
}

func (v groupView) redundancyNodes() []node {
	var nodes []node
	for _, r := range v.Redundancies {
		n := line(fmt.Sprintf("%s: %s on %s of %s", EscapeLine(r.Level), privileges(r.Privileges), securable(r.Securable), nameOrID(r.Member)))
		if r.Fragile {
			n.text += " (fragile)"
		}
		for _, p := range r.CoveredBy {
			n.kids = append(n.kids, line("kept "+via(r.Member.Name, p)))
		}
		for _, left := range []struct {
			title string
			ps    []identity.Privilege
		}{{"covered: ", r.Covered}, {"would be lost: ", r.Kept}, {"not known: ", r.Undecided}} {
			if len(left.ps) > 0 && len(left.ps) < len(r.Privileges) {
				n.kids = append(n.kids, line(left.title+privileges(left.ps)))
			}
		}
		if len(r.CoveredOn) > 0 {
			n.kids = append(n.kids, line("kept all the same on "+v.within(r)))
		}
		if r.Recommendation != "" {
			n.kids = append(n.kids, line(EscapeLine(r.Recommendation)))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func (v groupView) objectRedundancyNodes() []node {
	return byWorkspaceNodes(v.ObjectRedundancies, func(r report.ObjectRedundancy) (string, node) {
		one := report.Object{Type: r.Type, ID: r.ID, Name: r.Name, Level: r.Permission}
		n := line(EscapeLine(r.Level) + ": " + objectText(one, " of "+nameOrID(r.Member)))
		if r.Fragile {
			n.text += " (fragile)"
		}
		for _, p := range r.CoveredBy {
			n.kids = append(n.kids, line("kept "+via(r.Member.Name, p)))
		}
		if r.Recommendation != "" {
			n.kids = append(n.kids, line(EscapeLine(r.Recommendation)))
		}
		return r.Workspace, n
	})
}

// within are the securables within the one granted on where the holder keeps what it would lose elsewhere.
func (v groupView) within(r report.Redundancy) string {
	var list []string
	for _, on := range r.CoveredOn {
		list = append(list, securable(on))
	}
	if r.MoreCovered {
		list = append(list, "others")
	}
	return series(list, "and")
}

// tree shows the members, each group above with what it gives, then what the group holds itself and what
// members hold.
func (v groupView) tree() []node {
	c, p := v.coverage(), v.given()
	h := p.held()
	nodes := []node{line(p.inOneLine()), block(membersHeading, v.memberNodes(), v.noMembers())}
	nodes = append(nodes, p.groupBranches(h)...)
	nodes = append(nodes, block("The group itself", h.direct.rights, absence(p.read(), notRead, c, report.ListWorkspaces, report.ListRoles, report.ListGrants)))
	for _, holder := range h.order {
		if got := h.byName[holder]; got != nil {
			nodes = append(nodes, otherBranch(holder, got))
		}
	}
	for _, l := range []struct {
		title string
		list  string
		read  bool
		empty bool
	}{
		{"Groups that it is in", report.ListAncestors, v.Ancestors != nil, len(v.Ancestors) == 0},
		{"Workspaces", report.ListWorkspaces, v.Workspaces != nil, len(v.Workspaces) == 0},
		{"Roles", report.ListRoles, v.Roles != nil, len(v.Roles) == 0},
		{"Grants", report.ListGrants, v.Grants != nil, len(v.Grants) == 0},
	} {
		if l.empty {
			nodes = append(nodes, block(l.title, nil, absence(l.read, notRead, c, l.list)))
		}
	}
	nodes = append(nodes, v.personalNode())
	return append(nodes, v.extras()...)
}
