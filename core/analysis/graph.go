package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// kindMemberOf is the kind of the graph's edges that are no finding.
const kindMemberOf = "member_of"

// The nodes of the graph. Their ids are unique over the kinds.

func accountNode() report.GraphNode {
	return report.GraphNode{ID: "account", Kind: scopeAccount, Name: "the account"}
}

func (d *directory) metastoreNode(id string) report.GraphNode {
	return report.GraphNode{ID: "metastore:" + id, Kind: "metastore", Name: d.e.MetastoreName(id)}
}

func (d *directory) workspaceNode(id identity.WorkspaceID) report.GraphNode {
	return report.GraphNode{ID: "workspace:" + id.String(), Kind: "workspace", Name: d.e.WorkspaceName(id)}
}

func (d *directory) principalNode(i int32) report.GraphNode {
	k := d.keys[i]
	return report.GraphNode{ID: k.String(), Kind: k.Kind.String(), Name: d.name(i)}
}

func (d *directory) securableNode(s identity.Securable) report.GraphNode {
	if s.Type == identity.TypeMetastore {
		return d.metastoreNode(s.Metastore)
	}
	return report.GraphNode{ID: fmt.Sprintf("%s:%s/%s", s.Type, s.Metastore, s.FullName()), Kind: string(s.Type), Name: s.FullName()}
}

func (d *directory) objectNode(o identity.Object) report.GraphNode {
	return report.GraphNode{ID: objectID(o), Kind: string(o.Type), Name: d.m.DescribeObject(o).Name}
}

func objectID(o identity.Object) string {
	return fmt.Sprintf("%s:%s/%s", o.Type, o.Workspace, o.ID)
}

// targetNode is what an edge leads to.
func (c *catalogue) targetNode(t target) report.GraphNode {
	switch {
	case t.power:
		return accountNode()
	case t.workspace != 0:
		return c.workspaceNode(t.workspace)
	case t.metastore != "":
		return c.metastoreNode(t.metastore)
	case t.identity != none:
		return c.principalNode(t.identity)
	case t.object != identity.Object{}:
		return c.objectNode(t.object)
	case t.crowd != none:
		return c.crowds[t.crowd].node
	case t.securable.Type != "":
		return c.securableNode(t.securable)
	default:
		return report.GraphNode{ID: "outside", Kind: "outside", Name: "outside the account"}
	}
}

// drawing gathers the nodes and edges of the graph, each once.
type drawing struct {
	*catalogue
	nodes map[string]report.GraphNode
	edges map[report.GraphEdge]bool
}

func newDrawing(c *catalogue) *drawing {
	return &drawing{catalogue: c, nodes: map[string]report.GraphNode{}, edges: map[report.GraphEdge]bool{}}
}

func (g *drawing) edge(from, to report.GraphNode, kind, severity string) {
	if from.ID == to.ID {
		return
	}
	g.nodes[from.ID], g.nodes[to.ID] = from, to
	g.edges[report.GraphEdge{From: from.ID, To: to.ID, Kind: kind, Severity: severity}] = true
}

// way draws the memberships on a way.
func (g *drawing) way(way []int32) {
	for n := 1; n < len(way); n++ {
		g.edge(g.principalNode(way[n-1]), g.principalNode(way[n]), kindMemberOf, "")
	}
}

// finding draws what an edge leads to.
func (g *drawing) finding(e *edge) {
	g.edge(g.principalNode(e.holder), g.targetNode(e.toward), e.id, e.severity)
}

// acting draws whom of a crowd, or of an object's runners, somebody acts as on a way.
func (g *drawing) acting(e *edge, as int32) {
	g.edge(g.targetNode(e.toward), g.principalNode(as), e.id, e.severity)
}

func (g *drawing) graph() report.Graph {
	r := report.Graph{Nodes: []report.GraphNode{}, Edges: []report.GraphEdge{}}
	for _, n := range g.nodes {
		r.Nodes = append(r.Nodes, n)
	}
	for e := range g.edges {
		r.Edges = append(r.Edges, e)
	}
	slices.SortFunc(r.Nodes, func(a, b report.GraphNode) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Edges, func(a, b report.GraphEdge) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Severity, b.Severity))
	})
	return r
}
