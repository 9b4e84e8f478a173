package formatters

import (
	"fmt"
	"strings"

	"databricks-access-audit/core/report"
)

// headlined is a view whose answer() is too long to be read at a glance.
type headlined interface {
	view
	// headline is the answer in one short sentence; empty where there is none shorter than answer().
	headline() node
}

// scripted is a view of a report that comes with a script to carry out by hand.
type scripted interface {
	view
	// toCarryOut is shown as it is, to be copied, instead of the list of that name; empty where there is
	// nothing to do.
	toCarryOut() (list, title, text string)
}

// page is what the template of the HTML report draws. All texts are escaped as for a terminal; the
// template escapes them for HTML.
type page struct {
	Title, Mode string
	Headline    htmlNode
	Answer      []htmlNode
	Complete    bool
	Unplanned   bool   // it rests on no planned reading: there is nothing to be complete
	Coverage    string // in one line
	Facts       string
	Oldest      string // when the oldest fact was read, for the script to say how long ago that is
	About       string
	Tiles       []tile
	Map         *htmlMap
	Words       []htmlNode
	Unworded    int // lines of the words that are left to the tables
	ScriptTitle string
	Script      string
	Tables      []htmlTable
	Absent      []htmlAbsence
	Gaps        []htmlNode
	Cost        string
	Remarks     []htmlNode
}

// maxWords is how many lines of words a page shows; more are read better in tables.
const maxWords = 600

func newPage(v view) page {
	c := coverage{v.head()}
	answer := htmlNodes(v.answer())
	p := page{
		Mode:     sentenceCase(EscapeLine(c.Mode)),
		Complete: c.complete(), Unplanned: c.uncounted(),
		Coverage: strings.TrimPrefix(c.line().text, coverageTitle),
		Facts:    c.facts(),
		Oldest:   stamp(c.FactsReadAt.Oldest),
		About:    c.about().text,
		Tiles:    tiles(v.figures()),
		Gaps:     htmlNodes(c.gapNodes()),
		Cost:     c.cost(),
		Remarks:  htmlNodes(c.remarks()),
	}
	p.Title = pageTitle(v)
	if h, cut := headlineOf(v); cut {
		p.Headline, p.Answer = htmlNodeOf(h), answer
	} else if len(answer) > 0 {
		p.Headline, p.Answer = answer[0], answer[1:]
	}
	if m, ok := v.(mapView); ok {
		p.Map = newHTMLMap(m.drawing())
	}
	var script string
	if s, ok := v.(scripted); ok {
		script, p.ScriptTitle, p.Script = s.toCarryOut()
		p.Script = Escape(p.Script)
	}
	if words := v.text(); size(words) <= maxWords {
		p.Words = htmlNodes(words)
	} else {
		p.Unworded = size(words)
	}
	p.Tables, p.Absent = htmlTables(v, script)
	return p
}

// pageTitle says what a page or a picture is about.
func pageTitle(v view) string {
	title := "Access audit: " + EscapeLine(v.head().Mode)
	if _, about := v.key(); about != "" {
		title += " " + short(about, maxSubject)
	}
	return title
}

// headlineOf is what is read first: a short form of the answer if there is one, and else its first line.
func headlineOf(v view) (n node, cut bool) {
	if h, ok := v.(headlined); ok && h.headline().text != "" {
		return h.headline(), true
	}
	if answer := v.answer(); len(answer) > 0 {
		return answer[0], false
	}
	return node{}, false
}

// htmlNode is a node for the template.
type htmlNode struct {
	Text  string
	Class string // of the tone
	Kids  []htmlNode
	Open  bool // the kids are few enough to be shown at once
}

// How many lines are shown without being asked for: under a heading altogether, and where there are more,
// how many of its own besides those under its first.
const (
	maxOpen = 40
	maxKids = 30
)

func htmlNodes(nodes []node) []htmlNode {
	var all []htmlNode
	for _, n := range nodes {
		all = append(all, htmlNodeOf(n))
	}
	return all
}

func htmlNodeOf(n node) htmlNode {
	h := htmlNode{Text: n.text, Class: toneClasses[n.tone], Kids: htmlNodes(n.kids)}
	h.Open = size(n.kids) <= maxOpen
	if !h.Open && len(h.Kids) <= maxKids {
		h.Open = true
		for i := range h.Kids[1:] {
			h.Kids[i+1].Open = false
		}
	}
	return h
}

var toneClasses = [...]string{plain: "plain", title: "title", alarm: "alarm", remark: "remark"}

func size(nodes []node) int {
	n := len(nodes)
	for _, k := range nodes {
		n += size(k.kids)
	}
	return n
}

// tile is one figure: a number with what it counts, or only a text, for what was not counted.
type tile struct{ Number, Text string }

// tiles takes the line of figures apart again.
func tiles(line string) []tile {
	var all []tile
	for _, part := range strings.Split(strings.TrimPrefix(line, figuresTitle), figuresSeparator) {
		number, text, _ := strings.Cut(part, " ")
		if strings.Trim(number, "0123456789") != "" {
			number, text = "", sentenceCase(part)
		}
		all = append(all, tile{number, text})
	}
	return all
}

// htmlTable is one list of the report as a table.
type htmlTable struct {
	ID, Title string
	Facts     []htmlFact // instead of rows, where the list is one item long by its nature
	Columns   []htmlColumn
	Rows      [][]htmlCell
	// Empty names columns that are left out because no row has anything in them.
	Empty string
}

type htmlColumn struct{ Key, Title string }

type htmlFact struct{ Name, Value string }

// htmlCell is a cell with the badge that sets off a value of a closed list; empty for most.
type htmlCell struct{ Text, Badge string }

// htmlAbsence is a list without items, and why.
type htmlAbsence struct{ Title, Why string }

// htmlTables are the lists with items and those without, but for the one that stands elsewhere on the
// page. The first of a report says what it is about; where it is null, that is everybody.
func htmlTables(v view, elsewhere string) (tables []htmlTable, absent []htmlAbsence) {
	for n, s := range v.sections() {
		about := n == 0 && s.record == s.name
		if s.name == elsewhere || about && !s.read {
			continue
		}
		if len(s.items) == 0 {
			absent = append(absent, htmlAbsence{words(s.name), absence(s.read, notRead+" or "+notAsked, coverage{v.head()}, s.name)})
			continue
		}
		tables = append(tables, newHTMLTable(s, about))
	}
	return tables, absent
}

func newHTMLTable(s section, about bool) htmlTable {
	t := htmlTable{ID: s.name, Title: words(s.name)}
	var rows [][]string
	for _, i := range s.items {
		rows = append(rows, i.rows...)
	}
	var empty []string
	var kept []int
	for n, c := range s.columns {
		if isEmpty(rows, n) {
			empty = append(empty, strings.ToLower(words(c)))
			continue
		}
		kept = append(kept, n)
		t.Columns = append(t.Columns, htmlColumn{c, words(c)})
	}
	t.Empty = strings.Join(empty, ", ")
	if about && len(rows) == 1 {
		for _, n := range kept {
			t.Facts = append(t.Facts, htmlFact{words(s.columns[n]), EscapeLine(rows[0][n])})
		}
		return t
	}
	for _, row := range rows {
		cells := make([]htmlCell, len(kept))
		for i, n := range kept {
			cells[i] = htmlCell{EscapeLine(arrows(s.columns[n], row[n])), badge(s.columns[n], row[n])}
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// arrows draws the arrows of a path as people read them. A name that holds one stands in quotes and keeps it.
func arrows(column, cell string) string {
	if column != "path" && column != "through" {
		return cell
	}
	parts := strings.Split(cell, `"`)
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(parts[i], arrow, " → ")
	}
	return strings.Join(parts, `"`)
}

func isEmpty(rows [][]string, column int) bool {
	for _, row := range rows {
		if row[column] != "" {
			return false
		}
	}
	return true
}

// badges are the values that stand out in the columns of their names. Colour only repeats the word.
var badges = map[string]map[string]string{
	"severity": {report.Critical: "critical", report.High: "high", report.Medium: "medium", report.Low: "low"},
	"verdict":  {string(report.Allow): "good", string(report.Indirect): "high", string(report.Unknown): "medium", string(report.Deny): "low"},
	"status":   {report.CheckOK: "good", report.CheckWarning: "medium", report.CheckFailed: "high"},
	"certain":  {"false": "medium"},
}

func badge(column, value string) string { return badges[column][value] }

// words makes a name of the JSON readable: "catalog_only_groups".
func words(name string) string { return sentenceCase(strings.ReplaceAll(name, "_", " ")) }

// sentenceCase begins with a capital, where the text begins with a letter of ASCII.
func sentenceCase(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Count is the number of rows.
func (t htmlTable) Count() string { return fmt.Sprint(len(t.Rows)) }
