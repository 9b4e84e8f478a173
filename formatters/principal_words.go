package formatters

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// The words for principals, the groups that they are in, and what they may do beside grants.

// describe says what sort of principal it is, who keeps it and whether it may log in.
func describe(p report.Principal) string {
	parts := []string{kindOf(p), keptBy(p)}
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

// keptBy says who keeps a principal, or in which workspace alone it exists.
func keptBy(p report.Principal) string {
	if p.Workspace != "" {
		return sourceTitle(p.Source) + ", workspace " + name(p.Workspace)
	}
	return sourceTitle(p.Source)
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

func (v principalView) roleText(r report.Role) string {
	return roleTitle(r) + " " + v.via(r.Path)
}

func roleTitle(r report.Role) string {
	return EscapeLine(strings.ReplaceAll(r.Role, "_", " ")) + " of " + name(r.Scope)
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
	title := bullet(m.Direct, m.WayUnknown) + nameOrID(m.Group) + " (" + keptBy(m.Group) + ")"
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

func objectText(o report.Object, how string) string {
	s := EscapeLine(o.Type) + " " + name(o.Name)
	if o.ID != o.Name {
		s += " (id " + name(o.ID) + ")"
	}
	s += ": " + EscapeLine(o.Level) + how
	if o.InheritedFrom != "" {
		s += "; inherited from " + name(o.InheritedFrom)
	}
	if o.Owner != "" {
		s += "; owner " + name(o.Owner)
	}
	if o.RunAs != "" && o.RunAs != o.Owner {
		s += "; runs as " + name(o.RunAs)
	}
	return s
}

// objectUse says what stands in the way of using a permission; empty for nothing.
func objectUse(usable *bool) string {
	switch {
	case usable == nil:
		return "; whether it is usable now is not known"
	case !*usable:
		return "; not usable now"
	default:
		return ""
	}
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
		nodes = append(nodes, line(nameOrID(g)+" ("+keptBy(g)+")"))
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
