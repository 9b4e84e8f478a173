package formatters

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// graphView is the view of a report that holds a graph.
type graphView interface {
	view
	graph() report.Graph
}

func writeGraph(out *bytes.Buffer, v view, f Format) error {
	g, ok := v.(graphView)
	switch {
	case !ok:
		return f.unfit(v.head().Mode)
	case f == Dot:
		writeDot(out, g)
		return nil
	default:
		return writeOpenGraph(out, g)
	}
}

// tidy is the graph as drawings need it: each node once, every end of an edge among the nodes, and an
// order that does not depend on how it was found.
func tidy(g report.Graph) report.Graph {
	var t report.Graph
	known := map[string]bool{}
	add := func(n report.GraphNode) {
		if !known[n.ID] {
			known[n.ID] = true
			t.Nodes = append(t.Nodes, n)
		}
	}
	for _, n := range g.Nodes {
		add(n)
	}
	for _, e := range g.Edges {
		add(report.GraphNode{ID: e.From})
		add(report.GraphNode{ID: e.To})
	}
	slices.SortFunc(t.Nodes, func(a, b report.GraphNode) int { return strings.Compare(a.ID, b.ID) })
	t.Edges = slices.SortedFunc(slices.Values(g.Edges), func(a, b report.GraphEdge) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Severity, b.Severity))
	})
	t.Edges = slices.Compact(t.Edges)
	return t
}

// nodeName is what a drawing calls a node.
func nodeName(n report.GraphNode) string { return EscapeLine(cmp.Or(n.Name, n.ID)) }
