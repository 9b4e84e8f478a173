package formatters

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// figure is what a picture shows of a drawing: few enough nodes to be read at a glance. What it does not
// show is counted where it is missing.
type figure struct {
	nodes []figureNode
	lines []figureLine
	// left are the nodes that there is no room for, by kind.
	left map[string]int
}

// figureNode is a node of the drawing, or several that stand in the same place.
type figureNode struct {
	members []drawnNode
	start   bool
	// hidden counts what lies in it unseen.
	hidden int
	// within says that it is a member of itself.
	within bool
}

// figureLine is all that leads from one shown node to another.
type figureLine struct {
	from, to int
	edges    []drawnEdge // none where one only lies in the other
}

// figureMost are how many nodes are shown at most: the first number whose picture is not too large, or the
// last.
var figureMost = []int{48, 40, 32, 26, 20}

// Limits of a picture. Those of nodes keep names legible when a chat shows the picture 1,600 pixels wide.
const (
	figureOpen  = 24 // containers open by themselves up to so many nodes
	figureAlike = 16 // beyond so many nodes, those in the same place are put together
	figureFew   = 3  // so few are not put together
)

// newFigure decides what is shown, in at most so many nodes.
func newFigure(d drawing, most int) figure {
	f := figuring{drawing: d, parent: make([]int, len(d.nodes)), kids: make([][]int, len(d.nodes)), open: map[int]bool{}, starts: map[int]bool{}}
	for i, n := range d.nodes {
		f.parent[i] = -1
		if at, ok := d.place[n.inside]; ok && at != i {
			f.parent[i] = at
			f.kids[at] = append(f.kids[at], i)
		}
	}
	for _, id := range d.start {
		f.starts[d.place[id]] = true
	}
	f.openContainers()
	return f.merge().fit(most)
}

// figuring is the work on a figure; nodes are named by their places in the drawing.
type figuring struct {
	drawing
	parent []int
	kids   [][]int
	open   map[int]bool
	starts map[int]bool
}

// openContainers opens what lies in one another level by level, small things first, as far as there is
// room.
func (f *figuring) openContainers() {
	var level []int
	for i := range f.nodes {
		if f.parent[i] < 0 {
			level = append(level, i)
		}
	}
	total := len(level)
	for len(level) > 0 {
		slices.SortStableFunc(level, func(a, b int) int { return cmp.Compare(len(f.kids[a]), len(f.kids[b])) })
		var next []int
		for _, i := range level {
			if n := len(f.kids[i]); n > 0 && total+n <= figureOpen {
				f.open[i] = true
				total += n
				next = append(next, f.kids[i]...)
			}
		}
		level = next
	}
}

// standsFor is the node that shows for one: itself, or the closed container that it lies in. Containers
// are three deep at most, and in no circle.
func (f *figuring) standsFor(i int) int {
	shown := i
	for p := f.parent[i]; p >= 0; p = f.parent[p] {
		if !f.open[p] {
			shown = p
		}
	}
	return shown
}

// pair is a line by its ends.
type pair struct{ from, to int }

// merge puts edges between the same together, and nodes in the same place.
func (f *figuring) merge() figure {
	var visible []int
	hidden := map[int]int{}
	for i := range f.nodes {
		if s := f.standsFor(i); s == i {
			visible = append(visible, i)
		} else {
			hidden[s]++
		}
	}
	ends := map[int][]string{} // what leads to and from each
	for _, e := range f.edges {
		from, to := f.standsFor(f.place[e.from]), f.standsFor(f.place[e.to])
		look := fmt.Sprintf("%s %s %s %t", e.severity, e.change, e.mark, e.absent)
		ends[from] = append(ends[from], fmt.Sprintf(">%d %s", to, look))
		ends[to] = append(ends[to], fmt.Sprintf("<%d %s", from, look))
	}
	var fig figure
	at := map[int]int{}
	add := func(members []int) {
		n := figureNode{}
		for _, m := range members {
			at[m] = len(fig.nodes)
			n.members = append(n.members, f.nodes[m])
			n.start = n.start || f.starts[m]
			n.hidden += hidden[m]
		}
		fig.nodes = append(fig.nodes, n)
	}
	for _, group := range f.alike(visible, ends) {
		add(group)
	}
	lines := map[pair]int{}
	line := func(from, to int) *figureLine {
		k := pair{from, to}
		i, known := lines[k]
		if !known {
			i = len(fig.lines)
			lines[k] = i
			fig.lines = append(fig.lines, figureLine{from: from, to: to})
		}
		return &fig.lines[i]
	}
	for _, e := range f.edges {
		a, b := f.standsFor(f.place[e.from]), f.standsFor(f.place[e.to])
		from, to := at[a], at[b]
		switch {
		case from != to:
			l := line(from, to)
			l.edges = append(l.edges, e)
		case f.place[e.from] == f.place[e.to] && len(fig.nodes[from].members) == 1:
			fig.nodes[from].within = true
		}
	}
	for _, i := range visible {
		if p := f.parent[i]; p >= 0 && at[p] != at[i] {
			line(at[p], at[i])
		}
	}
	return fig
}

// alike puts nodes of one kind together to which the same leads and which lead to the same, where there
// are many nodes.
func (f *figuring) alike(visible []int, ends map[int][]string) [][]int {
	var groups [][]int
	if len(visible) <= figureAlike {
		for _, i := range visible {
			groups = append(groups, []int{i})
		}
		return groups
	}
	places := map[string]int{}
	for _, i := range visible {
		k := fmt.Sprint(i) // alone
		if !f.open[i] && (!f.starts[i] || len(f.starts) > figureFew) {
			slices.Sort(ends[i])
			k = strings.Join(append([]string{f.nodes[i].kind, fmt.Sprint(f.parent[i])}, slices.Compact(ends[i])...), "\n")
		}
		at, known := places[k]
		if !known {
			at = len(groups)
			places[k] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	var all [][]int
	for _, g := range groups {
		if len(g) > figureFew {
			all = append(all, g)
			continue
		}
		for _, i := range g {
			all = append(all, []int{i})
		}
	}
	return all
}

// severityWeights say what is left out last.
var severityWeights = map[string]int{report.Critical: 20, report.High: 10, report.Medium: 6, report.Low: 4}

// fit leaves out what there is no room for: what matters least, and what is then joined to nothing. Who is
// asked about matters most, then roles and what leads to them by severity, and a step away a little less.
func (f figure) fit(most int) figure {
	if len(f.nodes) <= most {
		return f
	}
	weights := f.weights()
	order := make([]int, len(f.nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	keep := map[int]bool{}
	for _, i := range order[:most] {
		keep[i] = true
	}
	joined, held := map[int]bool{}, map[int]bool{}
	for _, l := range f.lines {
		joined[l.from], joined[l.to] = true, true
		if keep[l.from] && keep[l.to] {
			held[l.from], held[l.to] = true, true
		}
	}
	kept := figure{left: map[string]int{}}
	at := map[int]int{}
	for i, n := range f.nodes {
		if keep[i] && (held[i] || !joined[i]) {
			at[i] = len(kept.nodes)
			kept.nodes = append(kept.nodes, n)
			continue
		}
		for _, m := range n.members {
			kept.left[m.kind]++
		}
		if n.hidden > 0 {
			kept.left[thingInside] += n.hidden
		}
	}
	for _, l := range f.lines {
		from, a := at[l.from]
		to, b := at[l.to]
		if a && b {
			kept.lines = append(kept.lines, figureLine{from: from, to: to, edges: l.edges})
		}
	}
	return kept
}

// weights say how much each node matters.
func (f figure) weights() []int {
	starts := 0
	for _, n := range f.nodes {
		if n.start {
			starts++
		}
	}
	weights := make([]int, len(f.nodes))
	for i, n := range f.nodes {
		for _, m := range n.members {
			weights[i] = max(weights[i], 10*m.weight)
		}
		if n.start && starts <= figureFew {
			weights[i] = 1000
		}
	}
	for _, l := range f.lines {
		w := 10 * severityWeights[l.severity()]
		weights[l.from], weights[l.to] = max(weights[l.from], w), max(weights[l.to], w)
	}
	for range 4 { // along the ways
		for _, l := range f.lines {
			weights[l.from] = max(weights[l.from], weights[l.to]*9/10)
		}
	}
	for _, l := range f.lines {
		weights[l.from]++
		weights[l.to]++
	}
	return weights
}

// thingInside counts what lies unseen in what is left out.
const thingInside = "thing that lies in them"

// omitted says what there is no room for; empty where there is nothing.
func (f figure) omitted() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(f.left)) {
		parts = append(parts, counted(f.left[kind], kind))
	}
	if parts == nil {
		return ""
	}
	return "No room for " + series(parts, "and") + ": -o html shows them."
}

// counted is a number of things of a kind: "1 catalog", "2 catalogs", "3 registries".
func counted(n int, kind string) string {
	kind = kindText(kind)
	switch stem, y := strings.CutSuffix(kind, "y"); {
	case n == 1:
		return "1 " + kind
	case kind == thingInside:
		return fmt.Sprintf("%d things that lie in them", n)
	case y:
		return fmt.Sprintf("%d %sies", n, stem)
	default:
		return fmt.Sprintf("%d %ss", n, kind)
	}
}

// kindText is a kind in words, for one thing of it: objects are called as the API names their lists.
func kindText(kind string) string {
	kind = strings.ReplaceAll(cmp.Or(kind, "principal"), "_", " ")
	if stem, many := strings.CutSuffix(kind, "ies"); many {
		return EscapeLine(stem + "y")
	}
	if stem, many := strings.CutSuffix(kind, "s"); many && !strings.HasSuffix(stem, "s") {
		kind = stem
	}
	return EscapeLine(kind)
}

// title is what a node is called: its name, or the first names of several and how many more there are.
func (n figureNode) title() string {
	var all []string
	for i, m := range n.members {
		if i == 2 && len(n.members) > figureFew {
			all = append(all, "and "+moreOf(len(n.members)-i, m.kind))
			break
		}
		all = append(all, EscapeLine(cmp.Or(m.name, `""`)))
	}
	return strings.Join(all, "\n")
}

// moreOf is "37 more tables".
func moreOf(n int, kind string) string {
	number, what, _ := strings.Cut(counted(n, kind), " ")
	return number + " more " + what
}

// kicker says of what kind a node is, and what lies in it unseen.
func (n figureNode) kicker(severalMetastores bool) string {
	first := n.members[0]
	parts := []string{kindText(first.kind)}
	if len(n.members) > 1 {
		parts[0] = counted(len(n.members), first.kind)
	}
	if first.mark != "" {
		parts = append(parts, first.mark)
	}
	if severalMetastores && first.metastore != "" {
		parts = append(parts, EscapeLine(first.metastore))
	}
	if first.change != "" && len(n.members) == 1 {
		parts = append(parts, changeMark(first.change))
	}
	if n.hidden > 0 {
		parts = append(parts, fmt.Sprintf("%d inside", n.hidden))
	}
	if n.within {
		parts = append(parts, "a member of itself")
	}
	return strings.Join(parts, " · ")
}

// holds says that the line only shows what lies in what.
func (l figureLine) holds() bool { return len(l.edges) == 0 }

// all reports whether something is so of every edge of a line that has any.
func (l figureLine) all(is func(drawnEdge) bool) bool {
	return !l.holds() && !slices.ContainsFunc(l.edges, func(e drawnEdge) bool { return !is(e) })
}

func (l figureLine) absent() bool { return l.all(func(e drawnEdge) bool { return e.absent }) }

// idle says that nothing of it can be used from any workspace.
func (l figureLine) idle() bool {
	return l.all(func(e drawnEdge) bool { return e.in != nil && len(e.in) == 0 })
}

// severity is the worst.
func (l figureLine) severity() string {
	worst := ""
	for _, e := range l.edges {
		if severityWeights[e.severity] > severityWeights[worst] {
			worst = e.severity
		}
	}
	return worst
}

// change is that of all edges, or changed where they differ.
func (l figureLine) change() string {
	var all []string
	for _, e := range l.edges {
		all = append(all, e.change)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == 1 {
		return all[0]
	}
	if len(all) == 0 {
		return ""
	}
	return changeChanged
}

// figureGive is how long a label may be; it names two things at most.
const figureGive = 26

// label says in a few words what a line gives.
func (l figureLine) label() string {
	var gives, signed []string
	for _, e := range l.edges {
		sign, _, _ := strings.Cut(changeMark(e.change), " ")
		for _, g := range e.gives {
			g = Truncate(EscapeLine(g), figureGive)
			gives, signed = append(gives, g), append(signed, strings.TrimSpace(sign+" "+g))
		}
	}
	text := someOf(gives)
	switch {
	case l.absent():
		return "× " + cmp.Or(text, "missing")
	case l.severity() != "":
		return strings.TrimSuffix("▲ "+EscapeLine(l.severity())+" "+text, " ")
	case l.change() == changeChanged && l.all(func(e drawnEdge) bool { return e.change != changeChanged }):
		return changeMark(changeChanged) + ": " + someOf(signed)
	case l.change() != "":
		return strings.TrimSuffix(changeMark(l.change())+" "+text, " ")
	case l.idle():
		return "usable nowhere: " + text
	case l.mark() != "":
		return l.mark() + ": " + text
	default:
		return text
	}
}

// someOf joins the first texts, as many as have room in a label, and counts the others.
func someOf(all []string) string {
	slices.Sort(all)
	all = slices.Compact(all)
	text := strings.Join(all[:min(len(all), 1)], "")
	shown := 1
	if len(all) > 1 && columns(text)+columns(all[1]) <= figureGive {
		text += ", " + all[1]
		shown = 2
	}
	if n := len(all) - shown; n > 0 {
		text += fmt.Sprintf(" +%d", n)
	}
	return text
}

// mark is that of all edges; empty where they differ.
func (l figureLine) mark() string {
	if !l.holds() && l.all(func(e drawnEdge) bool { return e.mark == l.edges[0].mark }) {
		return l.edges[0].mark
	}
	return ""
}
