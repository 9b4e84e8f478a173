package formatters

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/list"
)

// writeTree writes the answer in words, the tree, and the coverage as the last line.
func writeTree(out *bytes.Buffer, v view, o Options) {
	c := coverage{v.head()}
	lines := textLines(v.answer(), 0, o)
	nodes := v.tree()
	if gaps := c.gapNodes(); len(gaps) > 0 {
		nodes = append(nodes, node{text: "Not seen", tone: title, kids: gaps})
	}
	nodes = append(nodes, node{text: "About", tone: title, kids: append(c.remarks(), c.about(), line(c.facts()))})
	lines = append(lines, strings.Split(treeOf(nodes, 0, o), "\n")...)
	writeLines(out, budget(lines, textLines([]node{c.line()}, 0, o), o.MaxLines))
}

// connected draws a level of the tree that hangs below a line.
var connected = list.Style{
	CharItemSingle:   "└─",
	CharItemTop:      "├─",
	CharItemFirst:    "├─",
	CharItemMiddle:   "├─",
	CharItemVertical: "│  ",
	CharItemBottom:   "└─",
	CharNewline:      "\n",
	Name:             "formatters",
}

// connectorWidth is what each level takes from the line.
const connectorWidth = 3

// treeOf renders each level as a list of its own inside an item of the level above: a list with
// levels looks ahead over the rest of itself for every line.
func treeOf(nodes []node, depth int, o Options) string {
	l := list.NewWriter()
	l.SetStyle(connected)
	width := 0
	if o.Width > 0 {
		width = max(o.Width-(depth+1)*connectorWidth, minWrap)
	}
	for _, n := range nodes {
		lines := wrap(n.text, width)
		for i := range lines {
			lines[i] = paint(lines[i], n.tone, o.Color)
		}
		if len(n.kids) > 0 {
			lines = append(lines, treeOf(n.kids, depth+1, o))
		}
		l.AppendItem(strings.Join(lines, "\n"))
	}
	return l.Render()
}

// budget keeps within a number of lines: the first ones, how many were left out, and the last ones
// whole, or their first when they alone are too many.
func budget(lines, last []string, limit int) []string {
	if limit <= 0 || len(lines)+len(last) <= max(limit, 3) {
		return slices.Concat(lines, last)
	}
	limit = max(limit, 3)
	last = last[:min(len(last), limit-2)]
	kept := limit - 1 - len(last)
	more := fmt.Sprintf("… %d more in the full report", len(lines)-kept)
	return slices.Concat(lines[:kept], []string{more}, last)
}
