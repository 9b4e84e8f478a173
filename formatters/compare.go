package formatters

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// compareView is the view of a CompareReport.
type compareView struct{ *report.CompareReport }

func (v compareView) head() *report.Envelope { return v.Head() }

func (v compareView) coverage() coverage { return coverage{v.Head()} }

func (v compareView) key() (column, value string) {
	return "compared", v.A.Name + " and " + v.B.Name
}

// sided is one item of a comparison with the side that it is on.
type sided[T any] struct {
	side string
	item T
}

// MarshalJSON puts the side before the members of the item.
func (s sided[T]) MarshalJSON() ([]byte, error) {
	item, err := marshal(s.item)
	if err != nil {
		return nil, err
	}
	return append([]byte(fmt.Sprintf(`{"side":%q,`, s.side)), item[1:]...), nil
}

// The sides as JSON names them.
const (
	onlyInA   = "only_in_a"
	onlyInB   = "only_in_b"
	inBoth    = "in_both"
	undecided = "undecided"
)

// onSides puts the items of the sides in one list; null when no side was read.
func onSides[T any](s report.Sides[T]) []sided[T] {
	if s.OnlyInA == nil && s.OnlyInB == nil && s.InBoth == nil && s.Undecided == nil {
		return nil
	}
	all := []sided[T]{}
	add := func(side string, list []T) {
		for _, item := range list {
			all = append(all, sided[T]{side, item})
		}
	}
	add(onlyInA, s.OnlyInA)
	add(onlyInB, s.OnlyInB)
	add(inBoth, s.InBoth)
	add(undecided, s.Undecided)
	return all
}

// sideSection is a list of a comparison; the paths are its last two cells.
func sideSection[T any](record, name string, columns []string, s report.Sides[T], cells func(T) []string, paths func(T) [2]report.Path) section {
	columns = slices.Concat([]string{"side"}, columns, []string{"path_a", "path_b"})
	return listed(record, name, columns, onSides(s), one(func(x sided[T]) []string {
		row := append([]string{x.side}, cells(x.item)...)
		for _, p := range paths(x.item) {
			row = append(row, chain(p, arrow))
		}
		return row
	}))
}

func (v compareView) sections() []section {
	compared := listed("principal", "principals", append([]string{"side"}, principalColumns...), []sided[report.Principal]{{"a", v.A}, {"b", v.B}},
		one(func(x sided[report.Principal]) []string { return append([]string{x.side}, principalCells(x.item)...) }))
	return []section{
		compared,
		sideSection("group", report.ListGroups, []string{"group_id", "group", "group_display_name", "group_source", "direct_a", "direct_b"}, v.Groups,
			func(g report.ComparedGroup) []string {
				return append(groupRow(g.Group), strconv.FormatBool(g.DirectA), strconv.FormatBool(g.DirectB))
			}, func(g report.ComparedGroup) [2]report.Path { return [2]report.Path{g.PathA, g.PathB} }),
		sideSection("workspace", report.ListWorkspaces, []string{"workspace_id", "workspace", "access"}, v.Workspaces,
			func(w report.ComparedWorkspace) []string { return []string{w.ID, w.Name, w.Access} },
			func(w report.ComparedWorkspace) [2]report.Path { return [2]report.Path{w.PathA, w.PathB} }),
		sideSection("role", report.ListRoles, []string{"role", "scope"}, v.Roles,
			func(r report.ComparedRole) []string { return []string{r.Role, r.Scope} },
			func(r report.ComparedRole) [2]report.Path { return [2]report.Path{r.PathA, r.PathB} }),
		sideSection("access", report.ListAccess, []string{"object_type", "object", "metastore", "owner", "not_read", "privileges", "usable_from"}, v.Access,
			func(x report.ComparedAccess) []string {
				return append(securableRow(x.Securable), chain(x.Privileges, ", "), chain(x.Workspaces, ", "))
			}, func(x report.ComparedAccess) [2]report.Path { return [2]report.Path{x.PathA, x.PathB} }),
		sideSection("object", report.ListObjects, []string{"workspace", "object_type", "object_id", "object", "level"}, v.objects(),
			func(o report.ComparedObject) []string { return []string{o.Workspace, o.Type, o.ID, o.Name, o.Level} },
			func(o report.ComparedObject) [2]report.Path { return [2]report.Path{o.PathA, o.PathB} }),
	}
}

// objects are the sides of objects, all null where these were not asked for.
func (v compareView) objects() report.Sides[report.ComparedObject] {
	if v.Objects == nil {
		return report.Sides[report.ComparedObject]{}
	}
	return *v.Objects
}

func (v compareView) answer() []node {
	a, b := subjectTerm(v.A), subjectTerm(v.B)
	nodes := []node{{text: fmt.Sprintf("%s has what %s has not: %s; %s.", a, b, v.alone(func(s sideCounts) int { return s.a }), v.coverage().clause()), tone: title}}
	nodes = append(nodes,
		line(fmt.Sprintf("%s has what %s has not: %s.", b, a, v.alone(func(s sideCounts) int { return s.b }))),
		line("Both have: "+v.alone(func(s sideCounts) int { return s.both })+"."))
	for _, t := range v.counts() {
		if !t.read {
			nodes = append(nodes, node{text: "Not compared, because they were not read: " + plural(t.noun) + ".", tone: alarm})
		}
	}
	if n := v.undecided(); n > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("Not decided, because of what was not read: %s.", v.alone(func(s sideCounts) int { return s.undecided })), tone: alarm})
	}
	return nodes
}

// sideCounts counts one list of a comparison by side; read is false for a list that is null.
type sideCounts struct {
	noun                  string
	a, b, both, undecided int
	read                  bool
}

func countSides[T any](noun string, s report.Sides[T], what func(T) string) sideCounts {
	distinct := func(list []T) int {
		seen := map[string]bool{}
		for _, x := range list {
			seen[what(x)] = true
		}
		return len(seen)
	}
	return sideCounts{noun, distinct(s.OnlyInA), distinct(s.OnlyInB), distinct(s.InBoth), distinct(s.Undecided), onSides(s) != nil}
}

// counts are of groups, ways into workspaces, roles, and securables on which something can be used.
func (v compareView) counts() []sideCounts {
	all := []sideCounts{
		countSides("group", v.Groups, func(g report.ComparedGroup) string { return g.Group.Kind + " " + g.Group.ID + " " + g.Group.Name }),
		countSides("workspace", v.Workspaces, func(w report.ComparedWorkspace) string { return w.ID }),
		countSides("role", v.Roles, func(r report.ComparedRole) string { return r.Role + " " + r.Scope }),
		countSides("securable", v.Access, func(x report.ComparedAccess) string {
			return string(x.Securable.Type) + " " + x.Securable.FullName + " " + x.Securable.Metastore
		}),
	}
	if v.Objects != nil {
		all = append(all, countSides("workspace object", *v.Objects, func(o report.ComparedObject) string { return o.Workspace + " " + o.Type + " " + o.ID }))
	}
	return all
}

// alone is one side in counts.
func (v compareView) alone(side func(sideCounts) int) string {
	var parts []string
	for _, t := range v.counts() {
		if n := side(t); n > 0 {
			parts = append(parts, count(n, t.noun))
		}
	}
	if len(parts) == 0 {
		return v.nothing()
	}
	return series(parts, "and")
}

func (v compareView) nothing() string {
	if v.coverage().complete() {
		return "nothing"
	}
	return "nothing that was seen"
}

func (v compareView) undecided() (n int) {
	for _, t := range v.counts() {
		n += t.undecided
	}
	return n
}

func (v compareView) figures() string {
	var f figures
	f.add(len(onSides(v.Groups)), onSides(v.Groups) != nil, "group")
	f.add(len(onSides(v.Workspaces)), onSides(v.Workspaces) != nil, "workspace")
	f.add(len(onSides(v.Roles)), onSides(v.Roles) != nil, "role")
	f.add(len(onSides(v.Access)), onSides(v.Access) != nil, "access row")
	f.add(len(onSides(v.objects())), v.Objects != nil, "workspace object row")
	return f.line(notRead + " or " + notAsked)
}

// bySide are the headings of the sides, each with its items drawn.
func bySide[T any](v compareView, s report.Sides[T], draw func([]T) []node) []node {
	var nodes []node
	add := func(heading string, t tone, list []T) {
		if len(list) > 0 {
			nodes = append(nodes, node{text: heading, tone: t, kids: draw(list)})
		}
	}
	add("only "+subjectTerm(v.A), title, s.OnlyInA)
	add("only "+subjectTerm(v.B), title, s.OnlyInB)
	add("both", title, s.InBoth)
	add("not decided, because of what was not read", alarm, s.Undecided)
	return nodes
}

// each draws every item on a line of its own.
func each[T any](text func(T) string) func([]T) []node {
	return func(list []T) []node {
		var nodes []node
		for _, x := range list {
			nodes = append(nodes, line(text(x)))
		}
		return nodes
	}
}

// ways are the paths by which each of the two has something, as far as they have it.
func (v compareView) ways(a, b report.Path) string {
	var parts []string
	if a != nil {
		parts = append(parts, via(v.A.Name, a))
	}
	if b != nil {
		parts = append(parts, via(v.B.Name, b))
	}
	if len(parts) == 2 {
		if parts[0] == parts[1] {
			return ", both " + parts[0]
		}
		return ", " + subjectTerm(v.A) + " " + parts[0] + ", " + subjectTerm(v.B) + " " + parts[1]
	}
	if len(parts) == 1 {
		return " " + parts[0]
	}
	return ""
}

func (v compareView) text() []node {
	c := v.coverage()
	return []node{
		block("Groups", bySide(v, v.Groups, each(func(g report.ComparedGroup) string {
			return name(g.Group.Name) + " (" + keptBy(g.Group) + ")" + v.ways(g.PathA, g.PathB)
		})), absence(onSides(v.Groups) != nil, notRead, c, report.ListGroups)),
		block("Workspaces", bySide(v, v.Workspaces, each(func(w report.ComparedWorkspace) string {
			return name(w.Name) + " (" + EscapeLine(w.Access) + ")" + v.ways(w.PathA, w.PathB)
		})), absence(onSides(v.Workspaces) != nil, notRead, c, report.ListWorkspaces)),
		block("Roles", bySide(v, v.Roles, each(func(r report.ComparedRole) string {
			return roleNoun(r.Role) + ", " + name(r.Scope) + v.ways(r.PathA, r.PathB)
		})), absence(onSides(v.Roles) != nil, notRead, c, report.ListRoles)),
		block("Access that can be used now, where it was given", bySide(v, v.Access, v.accessNodes), absence(onSides(v.Access) != nil, notRead, c, report.ListAccess)),
		block("What can be done now with workspace objects", bySide(v, v.objects(), v.objectNodes), absence(v.Objects != nil, notAsked, c, report.ListObjects)),
		{text: "Question", tone: title, kids: []node{line("a: " + identified(v.A)), line("b: " + identified(v.B))}},
	}
}

func (v compareView) objectNodes(list []report.ComparedObject) []node {
	return byWorkspace(list, func(o report.ComparedObject) (string, string) {
		one := report.Object{Type: o.Type, ID: o.ID, Name: o.Name, Level: o.Level}
		return o.Workspace, objectText(one, v.ways(o.PathA, o.PathB))
	})
}

// accessNodes put what is on one securable together.
func (v compareView) accessNodes(list []report.ComparedAccess) []node {
	var nodes []node
	for _, on := range runs(list, sameThing) {
		n := line(securable(on[0].Securable))
		for _, x := range on {
			n.kids = append(n.kids, line(privilegesFrom(x)+v.ways(x.PathA, x.PathB)))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func sameThing(a, b report.ComparedAccess) bool {
	return a.Securable.Type == b.Securable.Type && a.Securable.FullName == b.Securable.FullName && a.Securable.Metastore == b.Securable.Metastore
}

func privilegesFrom(x report.ComparedAccess) string {
	var terms []string
	for _, p := range x.Privileges {
		if p == report.Owner {
			terms = append(terms, "ownership")
			continue
		}
		terms = append(terms, name[identity.Privilege](p))
	}
	return strings.Join(terms, ", ") + " from " + names(x.Workspaces)
}

func (v compareView) tree() []node { return v.text() }
