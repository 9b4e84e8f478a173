// Package layered arranges a directed graph from left to right: who begins stands on the left, and every
// edge leads to a column further right, as far as the graph has no cycles. Arrange is all there is: it
// works on sizes and numbers alone, gives the same for the same, and ends after a fixed number of rounds.
//
// The four steps are those of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of
// Hierarchical System Structures" (1981): break cycles, put into columns, order each column so that few
// edges cross, give places. It does not draw and knows nothing of access.
package layered

import "math"

// Node is a box to be placed.
type Node struct {
	Width, Height float64
	// Start keeps the node in the first column where nothing forces it out, and cycles are broken so
	// that it leads.
	Start bool
}

// Edge leads from one node to another, by their places in the list of nodes. A label takes room of its
// own on the way; a width of zero is for none.
type Edge struct {
	From, To                int
	LabelWidth, LabelHeight float64
}

// Point is a place. Y grows downwards.
type Point struct{ X, Y float64 }

// Route is the way of one edge. Between stops 0 and 1, 2 and 3, and so on it runs level; between 1 and 2,
// 3 and 4, and so on it passes from one column to the next and may change its height. An edge from a node
// to itself has no stops.
type Route struct {
	Stops []Point
	// Label is the middle of the label.
	Label Point
}

// Layout is the outcome: the upper left corner of each node and the way of each edge, in the order in
// which they were given, within a rectangle from the origin.
type Layout struct {
	Width, Height float64
	Nodes         []Point
	Edges         []Route
}

// Distances in the unit of the sizes.
const (
	nodeGap   = 16.0 // between boxes of one column
	lineGap   = 7.0  // between a line that passes a column and its neighbours
	columnGap = 26.0 // between columns at least
	widestGap = 64.0
	slope     = 0.14 // how much wider a gap gets with the height that an edge changes in it
)

// Arrange gives every node and edge a place. It panics on an edge whose ends are not in the list.
func Arrange(nodes []Node, edges []Edge) Layout {
	g := newGrid(nodes, edges)
	g.order()
	g.place()
	return g.layout(nodes, edges)
}

// spot is what stands in a column: a node, or the place where an edge passes.
type spot struct {
	rank          int
	width, height float64
	passing       bool // no node
	into, out     []link
	at            int // place in the column
	y             float64
}

// link is one step of an edge from column to column. Steps of a long edge pull harder, so that they run
// straight.
type link struct {
	to   int
	pull float64
}

// grid is the graph in columns. Nodes stand in the even ones, so that every edge passes at least one odd
// column, which has room for its label.
type grid struct {
	spots   []spot
	columns [][]int
	chains  [][]int // the spots along each edge from left to right; nil for an edge to itself
	labels  []int   // the spot with the label, or the middle one; -1 for none
	turned  []bool  // edges that run from right to left
}

func newGrid(nodes []Node, edges []Edge) *grid {
	g := &grid{turned: turned(nodes, edges), labels: make([]int, len(edges)), chains: make([][]int, len(edges))}
	ranks := columnsOf(nodes, edges, g.turned)
	for i, n := range nodes {
		g.spots = append(g.spots, spot{rank: 2 * ranks[i], width: n.Width, height: n.Height})
	}
	for i, e := range edges {
		g.labels[i] = -1
		if e.From == e.To {
			continue
		}
		from, to := e.From, e.To
		if g.turned[i] {
			from, to = to, from
		}
		chain := []int{from}
		first, last := g.spots[from].rank, g.spots[to].rank
		middle := (first+last)/2 | 1
		for r := first + 1; r < last; r++ {
			s := spot{rank: r, passing: true}
			if r == middle {
				g.labels[i] = len(g.spots)
				s.width, s.height = e.LabelWidth, e.LabelHeight
			}
			chain = append(chain, len(g.spots))
			g.spots = append(g.spots, s)
		}
		g.chains[i] = append(chain, to)
	}
	g.link()
	return g
}

// link joins the spots along each edge, and puts all spots into columns in the order in which a walk
// along the edges meets them.
func (g *grid) link() {
	last := 0
	for _, chain := range g.chains {
		for k := 1; k < len(chain); k++ {
			a, b := &g.spots[chain[k-1]], &g.spots[chain[k]]
			pull := 1.0
			switch {
			case a.passing && b.passing:
				pull = 8
			case a.passing || b.passing:
				pull = 2
			}
			a.out = append(a.out, link{chain[k], pull})
			b.into = append(b.into, link{chain[k-1], pull})
		}
	}
	for _, s := range g.spots {
		last = max(last, s.rank)
	}
	g.columns = make([][]int, last+1)
	met := make([]bool, len(g.spots))
	var walk func(i int)
	walk = func(i int) {
		if met[i] {
			return
		}
		met[i] = true
		r := g.spots[i].rank
		g.columns[r] = append(g.columns[r], i)
		for _, l := range g.spots[i].out {
			walk(l.to)
		}
	}
	for _, wanted := range []bool{true, false} { // what nothing leads to goes first
		for i, s := range g.spots {
			if (len(s.into) == 0) == wanted {
				walk(i)
			}
		}
	}
	g.number()
}

func (g *grid) number() {
	for _, column := range g.columns {
		for at, i := range column {
			g.spots[i].at = at
		}
	}
}

// layout gives the columns their places and reads off what was asked for.
func (g *grid) layout(nodes []Node, edges []Edge) Layout {
	left, right := make([]float64, len(g.columns)), make([]float64, len(g.columns))
	x := 0.0
	for r, column := range g.columns {
		wide, steep := 0.0, 0.0
		for _, i := range column {
			wide = max(wide, g.spots[i].width)
			for _, l := range g.spots[i].out {
				steep = max(steep, math.Abs(g.spots[i].y-g.spots[l.to].y))
			}
		}
		left[r], right[r] = x, x+wide
		x += wide + min(widestGap, columnGap+slope*steep)
	}
	out := Layout{Nodes: make([]Point, len(nodes)), Edges: make([]Route, len(edges))}
	for i := range nodes {
		s := g.spots[i]
		out.Nodes[i] = Point{left[s.rank], s.y - s.height/2}
		out.Width, out.Height = max(out.Width, right[s.rank]), max(out.Height, s.y+s.height/2)
	}
	for e, chain := range g.chains {
		var stops []Point
		for k, i := range chain {
			s := g.spots[i]
			if k > 0 {
				stops = append(stops, Point{left[s.rank], s.y})
			}
			switch {
			case k == 0:
				stops = append(stops, Point{left[s.rank] + s.width, s.y}, Point{right[s.rank], s.y})
			case k < len(chain)-1:
				stops = append(stops, Point{right[s.rank], s.y})
			default:
				stops = append(stops, Point{left[s.rank], s.y})
			}
		}
		if g.turned[e] {
			for a, b := 0, len(stops)-1; a < b; a, b = a+1, b-1 {
				stops[a], stops[b] = stops[b], stops[a]
			}
		}
		out.Edges[e].Stops = stops
		if l := g.labels[e]; l >= 0 {
			s := g.spots[l]
			out.Edges[e].Label = Point{(left[s.rank] + right[s.rank]) / 2, s.y}
			out.Height = max(out.Height, s.y+s.height/2)
		}
	}
	return out
}
