package formatters

import (
	"fmt"
	"strings"

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
	case *report.GroupReport:
		if r != nil {
			return groupView{r}, nil
		}
	case *report.CanReport:
		if r != nil {
			return canView{r}, nil
		}
	case *report.CompareReport:
		if r != nil {
			return compareView{r}, nil
		}
	case *report.WhatIfReport:
		if r != nil {
			return whatIfView{r}, nil
		}
	case *report.CloneReport:
		if r != nil {
			return cloneView{r}, nil
		}
	case *report.ResourceReport:
		if r != nil {
			return resourceView{r}, nil
		}
	case *report.RolesReport:
		if r != nil {
			return rolesView{r}, nil
		}
	case *report.EscalationsReport:
		if r != nil {
			return escalationsView{r}, nil
		}
	case *report.DoctorReport:
		if r != nil {
			return doctorView{r}, nil
		}
	case *report.VerifyReport:
		if r != nil {
			return verifyView{r}, nil
		}
	case *report.DiffReport:
		if r != nil {
			return diffView{r}, nil
		}
	case *report.SnapshotReport:
		if r != nil {
			return snapshotView{r}, nil
		}
	case *report.HistoryReport:
		if r != nil {
			return historyView{r}, nil
		}
	}
	return nil, fmt.Errorf("no format knows reports of type %T", r)
}

// section is one list of a report for programs.
type section struct {
	record  string // what one item is called: "membership"
	row     string // what one row of a table is called, where that is not an item
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

// rowsCalled names the rows of a list whose items take several of another kind.
func (s section) rowsCalled(row string) section {
	s.row = row
	return s
}

// rowRecord is what one row of a table is called.
func (s section) rowRecord() string {
	if s.row != "" {
		return s.row
	}
	return s.record
}

// numbered counts the items of one list from one, for rows that say which item they are of.
func numbered[T any](rows func(n int, x T) [][]string) func(T) [][]string {
	n := 0
	return func(x T) [][]string {
		n++
		return rows(n, x)
	}
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
	switch {
	case !read:
		return unread
	case c.uncounted():
		return "none"
	case c.certain(lists...):
		return "none (everything needed was read)"
	default:
		return noneSeen
	}
}

// noneSeen is for a list that is empty over incomplete facts.
const noneSeen = "none seen; see coverage"

// The reasons for a null list.
const (
	notRead  = "not read"
	notAsked = "not asked for"
)

// figures collects counts for the summary: those of lists that were read, and the names of the others.
type figures struct{ known, unknown []string }

func (f *figures) add(n int, read bool, noun string) {
	if read {
		f.known = append(f.known, count(n, noun))
	} else {
		f.unknown = append(f.unknown, noun+"s")
	}
}

// How figures are put on one line.
const (
	figuresTitle     = "Counts: "
	figuresSeparator = " · "
)

// line joins them; unread is what a null list means.
func (f *figures) line(unread string) string {
	parts := f.known
	if len(f.unknown) > 0 {
		parts = append(parts, unread+": "+strings.Join(f.unknown, ", "))
	}
	return figuresTitle + strings.Join(parts, figuresSeparator)
}

// upTo keeps the first texts and counts the others.
func upTo(texts []string, limit int) []string {
	if n := len(texts) - limit; n > 0 {
		return append(texts[:limit:limit], fmt.Sprintf("%d more", n))
	}
	return texts
}

// series joins texts with a word before the last.
func series(texts []string, word string) string {
	last := len(texts) - 1
	if last < 1 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:last], ", ") + " " + word + " " + texts[last]
}

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
