package formatters

import (
	"fmt"

	"databricks-access-audit/core/report"
)

// view is what a report has to say for itself; every format draws from it.
type view interface {
	head() *report.Envelope
	// key names the leading column of tables and its value: whom the report is about.
	key() (column, value string)
	// sections are the lists of the report, in the order of the JSON.
	sections() []section
	// answer is the first screen: each line a sentence, the most important first.
	answer() []node
	// figures is one line of counts for the summary.
	figures() string
	// text and tree are the body for people, without answer and coverage.
	text() []node
	tree() []node
}

func viewOf(r report.Report) (view, error) {
	switch r := r.(type) {
	case *report.PrincipalReport:
		if r != nil {
			return principalView{r}, nil
		}
	case *report.DoctorReport:
		if r != nil {
			return doctorView{r}, nil
		}
	}
	return nil, fmt.Errorf("no format knows reports of type %T", r)
}

// section is one list of a report for programs.
type section struct {
	record  string // what one item is called: "membership"
	name    string // what the list is called in JSON: "memberships"
	columns []string
	read    bool // false for a null list
	items   []item
}

// item is one element of a list: the value itself, and its rows in a table, not yet escaped.
type item struct {
	value any
	rows  [][]string
}

// listed makes a section of a list.
func listed[T any](record, name string, columns []string, list []T, rows func(T) [][]string) section {
	s := section{record: record, name: name, columns: columns, read: list != nil}
	for _, x := range list {
		s.items = append(s.items, item{value: x, rows: rows(x)})
	}
	return s
}

// one is for items that take one row.
func one[T any](row func(T) []string) func(T) [][]string {
	return func(x T) [][]string { return [][]string{row(x)} }
}

// tone is how a line is coloured.
type tone uint8

const (
	plain  tone = iota
	title       // headings and the answer
	alarm       // what must not be overlooked
	remark      // what matters less
)

// node is one line of text, already escaped, with what belongs under it.
type node struct {
	text string
	tone tone
	kids []node
}

func line(text string) node { return node{text: text} }

func linef(format string, args ...any) node { return line(fmt.Sprintf(format, args...)) }

// block is a heading over nodes, or the heading with the reason why there are none.
func block(heading string, nodes []node, absence string) node {
	if len(nodes) == 0 {
		return node{text: heading + ": " + absence}
	}
	return node{text: heading, tone: title, kids: nodes}
}

// absence says why a list is empty; unread is what a null list means. The lists are those that a gap
// must leave alone for the emptiness to be certain.
func absence(read bool, unread string, c coverage, lists ...string) string {
	certain := !c.Interrupted && (c.complete() || c.doubtsOnly(lists))
	switch {
	case !read:
		return unread
	case certain:
		return "none (everything needed was read)"
	default:
		return "none seen; see coverage"
	}
}

// The reasons for a null list.
const (
	notRead  = "not read"
	notAsked = "not asked for"
)

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sgr are the escape sequences of the tones.
//
// https://ecma-international.org/publications-and-standards/standards/ecma-48/
var sgr = [...]string{plain: "", title: "\x1b[1m", alarm: "\x1b[1;31m", remark: "\x1b[2m"}

func paint(s string, t tone, color bool) string {
	if !color || t == plain {
		return s
	}
	return sgr[t] + s + "\x1b[0m"
}
