package formatters

import (
	"fmt"
	"strings"

	"databricks-access-audit/core/report"
)

// rolesHeading explains its marks.
const rolesHeading = "Roles, by role and principal (* certain, ? not certain)"

func (v rolesView) text() []node {
	nodes := []node{block(rolesHeading, v.roleNodes(), absence(v.Roles != nil, notRead, v.coverage(), report.ListHeldRoles))}
	return append(nodes, v.surroundings()...)
}

// surroundings are what else the report knows besides who holds what.
func (v rolesView) surroundings() []node {
	var nodes []node
	add := func(heading string, kids []node, read bool, lists ...string) {
		if v.Subject == nil || read { // the question about one does not ask for these
			nodes = append(nodes, block(heading, kids, absence(read, notRead, v.coverage(), lists...)))
		}
	}
	add("Workspaces and their admins", v.workspaceNodes(), v.Workspaces != nil, report.ListWorkspaceSettings)
	add("Metastores and their admins", v.metastoreNodes(), v.Metastores != nil, report.ListMetastoreAdmins)
	add("Catalogs that hidden groups of a workspace hold", v.catalogNodes(), v.WorkspaceCatalogs != nil, report.ListWorkspaceCatalogs)
	if len(v.Unknowable) > 0 {
		nodes = append(nodes, block(notInAnswer, unknowableNodes(v.Unknowable), ""))
	}
	if v.Subject != nil {
		nodes = append(nodes, node{text: "Question", tone: title, kids: []node{line("subject: " + identified(*v.Subject))}})
	}
	return nodes
}

// roleNodes are the roles with their counts first, then who holds each.
func (v rolesView) roleNodes() []node {
	var nodes []node
	for _, h := range byRole(v.Roles) {
		n := node{text: roleNoun(h.role) + ": " + inKinds(h.principals()), tone: title}
		for _, x := range h.holders {
			if v.Subject != nil && keyOf(*v.Subject) == keyOf(x.principal) {
				n.text = roleNoun(h.role)
				n.kids = append(n.kids, x.wayNodes()...)
				continue
			}
			n.kids = append(n.kids, x.node())
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// node is the principal, on one line with its way where there is only one.
func (h holder) node() node {
	ways := h.wayNodes()
	if len(ways) == 1 {
		r := h.ways[0]
		return node{text: mark(r.Certain) + introduced(r.Principal) + ": " + wayText(r), tone: ways[0].tone}
	}
	n := node{text: mark(h.certain()) + introduced(h.principal), kids: ways}
	if !h.certain() {
		n.tone = alarm
	}
	return n
}

func (h holder) wayNodes() []node {
	var nodes []node
	for _, r := range h.ways {
		n := line(mark(r.Certain) + wayText(r))
		if !r.Certain {
			n.tone = alarm
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func mark(certain bool) string {
	if certain {
		return "* "
	}
	return "? "
}

// wayText is where the role is held, by which path and after which read.
func wayText(r report.HeldRole) string {
	return scopeTerm(r.Scope, term[string]) + " " + wayFrom(r)
}

// wayFrom is wayText without the place.
func wayFrom(r report.HeldRole) string {
	s := via(r.Principal.Name, r.Path)
	if r.Detail != "" {
		s += "; " + EscapeLine(r.Detail)
	}
	if !r.Certain {
		s += "; not certain"
	}
	return s + " (" + factWords(r.Fact) + ")"
}

func (v rolesView) workspaceNodes() []node {
	var nodes []node
	for _, w := range v.Workspaces {
		n := line(name(w.Name) + ": " + adminCount(w.Admins, w.Complete))
		if w.Nested > 0 {
			n.text += fmt.Sprintf(", %d of them through a group in a group", w.Nested)
		}
		switch w.RestrictAdmins {
		case allowAll:
			n.text += "; they may create tokens and run jobs as others (" + allowAll + ")"
			n.tone = alarm
		case restrictMost:
			n.text += "; they may not create tokens or run jobs as others (" + restrictMost + ")"
		case "", "unknown":
			n.text += "; whether they may create tokens and run jobs as others was not read"
		default:
			n.text += "; how far they may act as others is set to " + name(w.RestrictAdmins)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// adminCount never says that there is no admin where some may not have been read.
func adminCount(n int, complete bool) string {
	switch {
	case complete:
		return count(n, "admin")
	case n == 0:
		return "admins were not read"
	default:
		return "at least " + count(n, "admin")
	}
}

func (v rolesView) metastoreNodes() []node {
	var nodes []node
	for _, m := range v.Metastores {
		switch {
		case m.Owner == nil:
			nodes = append(nodes, line(name(m.Name)+": who administers it was not read"))
		case *m.Owner == "":
			nodes = append(nodes, node{text: name(m.Name) + ": nobody administers it", tone: alarm})
		default:
			nodes = append(nodes, line(name(m.Name)+": administered by "+name(*m.Owner)+", "+adminCount(m.Admins, m.Complete)))
		}
	}
	return nodes
}

func (v rolesView) catalogNodes() []node {
	var nodes []node
	for _, c := range v.WorkspaceCatalogs {
		on := securableTerm(&c.On)
		if c.On.FullName == "" {
			on = securableTerm(nil)
		}
		nodes = append(nodes, line(securable(c.Catalog)+": "+name(c.Holder)+", a hidden group of workspace "+name(c.Workspace)+", has "+
			listedOr(c.Privileges, "privileges that were not read")+" on "+on))
	}
	return nodes
}

// listedOr shows names, or why there are none.
func listedOr(list []string, unread string) string {
	switch {
	case list == nil:
		return unread
	case len(list) == 0:
		return "none"
	default:
		return names(list)
	}
}

// unknowableNodes are what could not be looked for, with what shares a reason on one line.
func unknowableNodes(all []report.Unknowable) []node {
	var whys []string
	roles := map[string][]string{}
	for _, u := range all {
		if roles[u.Why] == nil {
			whys = append(whys, u.Why)
		}
		roles[u.Why] = append(roles[u.Why], name(u.Role))
	}
	var nodes []node
	for _, why := range whys {
		nodes = append(nodes, line(strings.Join(roles[why], ", ")+": "+EscapeLine(why)))
	}
	return nodes
}
