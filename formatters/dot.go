package formatters

import (
	"bytes"
	"fmt"
	"strings"

	"databricks-access-audit/core/report"
)

// writeDot writes the graph for Graphviz: who may do something on the left, what it leads to on the
// right. The answer stands above it as a comment, and the coverage below it in the picture, where it
// stays with it.
//
// https://graphviz.org/doc/info/lang.html
func writeDot(out *bytes.Buffer, v graphView) {
	c := coverage{v.head()}
	for _, n := range append(v.answer(), c.about()) {
		out.WriteString("// " + n.text + "\n")
	}
	below := []string{c.line().text}
	for _, g := range c.gapNodes() {
		below = append(below, g.text)
	}
	for _, e := range c.elevationNodes() {
		below = append(below, e.text)
	}
	if v.graph().Nodes == nil || v.graph().Edges == nil {
		below = append(below, "The graph was "+notRead+".")
	}
	fmt.Fprintf(out, "digraph %s {\n", dotID("databricks-access-audit"))
	out.WriteString("  graph [rankdir=LR, labelloc=b, labeljust=l, fontname=\"Helvetica\", label=" + dotLabel(`\l`, below...) + "];\n")
	out.WriteString("  node [fontname=\"Helvetica\", shape=box];\n  edge [fontname=\"Helvetica\", fontsize=10];\n")
	g := tidy(v.graph())
	for _, n := range g.Nodes {
		fmt.Fprintf(out, "  %s [label=%s%s];\n", dotID(n.ID), dotLabel(`\n`, nodeName(n), "("+EscapeLine(strings.ReplaceAll(n.Kind, "_", " "))+")"), dotShape(n.Kind))
	}
	for _, e := range g.Edges {
		fmt.Fprintf(out, "  %s -> %s [label=%s%s];\n", dotID(e.From), dotID(e.To), dotLabel(`\n`, EscapeLine(strings.ReplaceAll(e.Kind, "_", " "))), dotStroke(e))
	}
	out.WriteString("}\n")
}

// dotID quotes an id. In a quoted string only \" is an escape, but a backslash before the closing quote
// would be taken for one, so that backslashes are doubled.
func dotID(id string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(EscapeLine(id)) + `"`
}

// dotLabel quotes lines of text that is escaped already. In labels \N, \G and others stand for names,
// and &lt; and others for characters: what comes from outside may be neither.
func dotLabel(end string, lines ...string) string {
	safe := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `&`, `&amp;`)
	for i, l := range lines {
		lines[i] = safe.Replace(l)
	}
	s := strings.Join(lines, end)
	if end == `\l` { // ends a line that is flush left, the last one too
		s += end
	}
	return `"` + s + `"`
}

func dotShape(kind string) string {
	switch kind {
	case "user":
		return ", shape=ellipse"
	case "service_principal":
		return ", shape=hexagon"
	case "group":
		return ", shape=folder"
	case "account", "workspace", "metastore":
		return ", shape=box3d"
	default:
		return ""
	}
}

// dotStroke makes the worst stand out, and memberships step back.
func dotStroke(e report.GraphEdge) string {
	switch e.Severity {
	case report.Critical:
		return `, color="#b30000", fontcolor="#b30000", penwidth=2.5`
	case report.High:
		return `, color="#d95f0e", fontcolor="#d95f0e", penwidth=2`
	case report.Medium:
		return `, color="#b08a00", fontcolor="#b08a00"`
	case report.Low:
		return `, color="#555555", fontcolor="#555555"`
	default:
		return `, color="#999999", fontcolor="#999999", style=dashed`
	}
}
