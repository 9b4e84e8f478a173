package layered

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// graphs are any: with cycles, edges to itself, several between two nodes, and parts that nothing joins.
var graphs = rapid.Custom(func(t *rapid.T) (g struct {
	nodes []Node
	edges []Edge
}) {
	n := rapid.IntRange(0, 40).Draw(t, "nodes")
	for range n {
		g.nodes = append(g.nodes, Node{Width: rapid.Float64Range(1, 200).Draw(t, "width"), Height: rapid.Float64Range(1, 60).Draw(t, "height"),
			Start: rapid.IntRange(0, 5).Draw(t, "start") == 0})
	}
	for range rapid.IntRange(0, 3*n).Draw(t, "edges") {
		e := Edge{From: rapid.IntRange(0, n-1).Draw(t, "from"), To: rapid.IntRange(0, n-1).Draw(t, "to")}
		if rapid.Bool().Draw(t, "labelled") {
			e.LabelWidth, e.LabelHeight = rapid.Float64Range(1, 90).Draw(t, "label"), 14
		}
		g.edges = append(g.edges, e)
	}
	return g
})

type box struct {
	what       string
	x, y, w, h float64
}

func (a box) touches(b box) bool {
	const grain = 1e-6
	return a.x+a.w > b.x+grain && b.x+b.w > a.x+grain && a.y+a.h > b.y+grain && b.y+b.h > a.y+grain
}

func TestEverythingHasAPlaceOfItsOwn(t *testing.T) {
	cycles, long := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := graphs.Draw(t, "graph")
		l := Arrange(g.nodes, g.edges)
		if diff := cmp.Diff(l, Arrange(g.nodes, g.edges)); diff != "" {
			t.Fatalf("not the same twice: %s", diff)
		}
		var boxes []box
		for i, p := range l.Nodes {
			boxes = append(boxes, box{what: fmt.Sprintf("node %d", i), x: p.X, y: p.Y, w: g.nodes[i].Width, h: g.nodes[i].Height})
		}
		for i, e := range g.edges {
			r := l.Edges[i]
			if e.From == e.To {
				if r.Stops != nil {
					t.Fatalf("edge %d to itself has a way", i)
				}
				continue
			}
			if e.LabelWidth > 0 {
				boxes = append(boxes, box{what: fmt.Sprintf("label %d", i), x: r.Label.X - e.LabelWidth/2, y: r.Label.Y - e.LabelHeight/2, w: e.LabelWidth, h: e.LabelHeight})
			}
			back, jumps := checkRoute(t, i, r, l, g.nodes, e)
			cycles += back
			long += jumps
		}
		for i, a := range boxes {
			if a.x < -1e-6 || a.y < -1e-6 || a.x+a.w > l.Width+1e-6 || a.y+a.h > l.Height+1e-6 || math.IsNaN(a.x+a.y) {
				t.Fatalf("%+v is outside %g x %g", a, l.Width, l.Height)
			}
			for _, b := range boxes[:i] {
				if a.touches(b) {
					t.Fatalf("%+v touches %+v", a, b)
				}
			}
		}
	})
	if cycles == 0 || long == 0 {
		t.Errorf("%d edges ran back and %d passed other columns: the graphs are too tame", cycles, long)
	}
}

// checkRoute: a way begins and ends at the sides of its nodes, runs level where it should, and always in
// one direction.
func checkRoute(t *rapid.T, i int, r Route, l Layout, nodes []Node, e Edge) (back, jumps int) {
	n := len(r.Stops)
	if n < 4 || n%2 != 0 {
		t.Fatalf("edge %d has %d stops", i, n)
	}
	first, last := r.Stops[0], r.Stops[n-1]
	from, to := l.Nodes[e.From], l.Nodes[e.To]
	begin, end := Point{from.X + nodes[e.From].Width, from.Y + nodes[e.From].Height/2}, Point{to.X, to.Y + nodes[e.To].Height/2}
	if last.X < first.X { // it runs back, and joins the other sides
		back = 1
		begin.X, end.X = from.X, to.X+nodes[e.To].Width
	}
	if near(first, begin) > 1e-6 || near(last, end) > 1e-6 {
		t.Fatalf("edge %d runs from %v to %v instead of %v to %v", i, first, last, begin, end)
	}
	if n > 6 {
		jumps = 1
	}
	for k := 1; k < n; k++ {
		a, b := r.Stops[k-1], r.Stops[k]
		if k%2 == 1 && a.Y != b.Y || (b.X-a.X)*(last.X-first.X) < 0 {
			t.Fatalf("edge %d: step %d from %v to %v", i, k, a, b)
		}
	}
	return back, jumps
}

func near(a, b Point) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }

// TestEdgesLeadRightwards where there is no cycle, and starts stand first.
func TestEdgesLeadRightwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := graphs.Draw(t, "graph")
		for i, e := range g.edges { // from lower to higher numbers: no cycle
			g.edges[i].From, g.edges[i].To = min(e.From, e.To), max(e.From, e.To)
		}
		l := Arrange(g.nodes, g.edges)
		led := map[int]bool{}
		for i, e := range g.edges {
			if s := l.Edges[i].Stops; s != nil && s[0].X >= s[len(s)-1].X {
				t.Fatalf("edge %d from %d to %d leads back", i, e.From, e.To)
			}
			led[e.To] = led[e.To] || e.From != e.To
		}
		for i, n := range g.nodes {
			if n.Start && !led[i] && l.Nodes[i].X != 0 {
				t.Fatalf("start %d stands at %g", i, l.Nodes[i].X)
			}
		}
	})
}

// crossingsOf counts pairs of steps between the same columns whose ends stand the other way round.
func crossingsOf(g *grid) int {
	type step struct{ rank, from, to int }
	var steps []step
	for _, s := range g.spots {
		for _, l := range s.out {
			steps = append(steps, step{s.rank, s.at, g.spots[l.to].at})
		}
	}
	n := 0
	for i, a := range steps {
		for _, b := range steps[:i] {
			if a.rank == b.rank && (a.from-b.from)*(a.to-b.to) < 0 {
				n++
			}
		}
	}
	return n
}

// TestTreesDoNotCross: a tree can be drawn without crossings, and is.
func TestTreesDoNotCross(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 40).Draw(t, "nodes")
		nodes := make([]Node, n)
		var edges []Edge
		for i := range nodes {
			nodes[i] = Node{Width: 50, Height: 20, Start: i == 0}
			if i > 0 {
				edges = append(edges, Edge{From: rapid.IntRange(0, i-1).Draw(t, "parent"), To: i})
			}
		}
		g := newGrid(nodes, edges)
		if n > 5 { // from any order, not only from the good one that the walk along the edges gives
			for _, column := range g.columns[1:] {
				copy(column, rapid.Permutation(column).Draw(t, "column"))
			}
			g.number()
			before := crossingsOf(g)
			g.order()
			if after := crossingsOf(g); after > before/4 {
				t.Fatalf("%d crossings of %d are left: %v", after, before, edges)
			}
			return
		}
		g.order()
		if c := crossingsOf(g); c != 0 {
			t.Fatalf("%d crossings in a tree: %v", c, edges)
		}
	})
}

// TestAChainRunsStraight, past others too.
func TestAChainRunsStraight(t *testing.T) {
	nodes := make([]Node, 5)
	for i := range nodes {
		nodes[i] = Node{Width: 60, Height: 30, Start: i == 0}
	}
	l := Arrange(nodes, []Edge{{From: 0, To: 1}, {From: 1, To: 2}, {From: 2, To: 3}, {From: 0, To: 4}})
	for i := 1; i < 3; i++ {
		if math.Abs(l.Nodes[i+1].Y-l.Nodes[i].Y) > 1 {
			t.Errorf("node %d stands at %g, the next at %g", i, l.Nodes[i].Y, l.Nodes[i+1].Y)
		}
	}
}
