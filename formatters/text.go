package formatters

import (
	"bytes"
	"io"
	"strings"

	"databricks-access-audit/core/report"
)

// writeText writes the answer in words, then the sections, then the coverage.
func writeText(out *bytes.Buffer, v view, o Options) {
	c := coverage{v.head()}
	first := append(v.answer(), c.line(), c.about())
	writeLines(out, textLines(first, 0, o))
	for _, n := range v.text() {
		out.WriteByte('\n')
		writeLines(out, textLines([]node{n}, 0, o))
	}
	out.WriteByte('\n')
	writeLines(out, textLines([]node{c.node(), {text: "About", tone: title, kids: c.remarks()}}, 0, o))
	if o.Interactive && !c.complete() {
		out.WriteByte('\n')
		writeLines(out, textLines([]node{line("Next: run doctor to see which rights are missing and how to get them.")}, 0, o))
	}
}

// Indents of text: one step for each level, and more for the second and further lines of a node so
// that they are not taken for nodes.
const (
	indentStep = 2
	indentHang = 6
)

func textLines(nodes []node, depth int, o Options) []string {
	var lines []string
	for _, n := range nodes {
		indent := depth * indentStep
		for i, s := range wrapHanging(n.text, o.Width, indent) {
			pad := indent
			if i > 0 {
				pad += indentHang
			}
			lines = append(lines, strings.Repeat(" ", pad)+paint(s, n.tone, o.Color))
		}
		lines = append(lines, textLines(n.kids, depth+1, o)...)
	}
	return lines
}

// wrapHanging wraps so that the second and further lines have room for their deeper indent.
func wrapHanging(s string, width, indent int) []string {
	if width <= 0 || columns(s) <= width-indent {
		return []string{s}
	}
	return wrap(s, width-indent-indentHang)
}

func writeLines(out *bytes.Buffer, lines []string) {
	for _, l := range lines {
		out.WriteString(l)
		out.WriteByte('\n')
	}
}

// Summary writes the sentence that answers the question, what else must be known at once, the
// counts, the gaps, and the coverage as the last line. MaxLines leaves out gaps first.
func Summary(w io.Writer, r report.Report, o Options) error {
	v, err := viewOf(r)
	if err != nil {
		return err
	}
	c := coverage{v.head()}
	nodes := append(v.answer(), line(v.figures()))
	for _, g := range c.gapNodes() {
		nodes = append(nodes, node{text: g.text, tone: g.tone})
	}
	nodes = append(nodes, c.elevationNodes()...)
	var out bytes.Buffer
	writeLines(&out, budget(textLines(nodes, 0, o), textLines([]node{c.line()}, 0, o), o.MaxLines))
	_, err = w.Write(out.Bytes())
	return err
}
