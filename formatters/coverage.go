package formatters

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// coverage says in words what the envelope says: what was seen, what was not, and when.
type coverage struct{ *report.Envelope }

// complete is stricter than the field: an envelope that contradicts itself is not complete.
func (c coverage) complete() bool {
	return c.Coverage.Complete && !c.Interrupted && c.Coverage.Blocking() == 0
}

// doubtsOnly reports whether the gaps that make the coverage incomplete leave the lists alone.
func (c coverage) doubtsOnly(lists []string) bool {
	return len(lists) > 0 && c.Coverage.Blocking() > 0 && !slices.ContainsFunc(lists, c.Coverage.InDoubt)
}

// certain reports whether nothing can be missing from the lists.
func (c coverage) certain(lists ...string) bool {
	return !c.Interrupted && (c.complete() || c.doubtsOnly(lists))
}

// uncounted reports whether the answer rests on no reading that was planned, as those that come from the ledger or from a
// plan's file: there is nothing then that could be complete.
func (c coverage) uncounted() bool { return c.complete() && c.Coverage.Planned == 0 }

// uncountedClause says so, and whether the account was asked something all the same, such as while a plan was carried out.
func (c coverage) uncountedClause() string {
	if c.Coverage.APICalls.Total > 0 {
		return "no reads were planned for this answer"
	}
	return "nothing was read from the account for this answer"
}

// coverageTitle begins the line of the coverage.
const coverageTitle = "Coverage: "

// line is the coverage in one line. It always counts all gaps.
func (c coverage) line() node {
	if c.uncounted() {
		return line(coverageTitle + c.uncountedClause() + c.beside())
	}
	reads := fmt.Sprintf("%d of %d planned reads succeeded", c.Coverage.Read, c.Coverage.Planned)
	if c.complete() {
		return line(coverageTitle + "complete, " + reads + c.beside())
	}
	s := coverageTitle + "INCOMPLETE, "
	if c.Interrupted {
		s += "interrupted before the end, "
	}
	return node{text: s + c.doubt() + "; " + reads, tone: alarm}
}

// beside counts the gaps that the question can do without.
func (c coverage) beside() string {
	all, unasked := len(c.Coverage.Gaps), 0
	for _, g := range c.Coverage.Gaps {
		if g.Kind == identity.NotAsked {
			unasked++
		}
	}
	switch {
	case all == 0:
		return ""
	case unasked == 0:
		return fmt.Sprintf("; %s outside this question", count(all, "gap"))
	case unasked == all:
		return fmt.Sprintf("; %s outside this question, not asked for", count(all, "gap"))
	default:
		return fmt.Sprintf("; %s outside this question, %d of them not asked for", count(all, "gap"), unasked)
	}
}

// doubt counts the gaps.
func (c coverage) doubt() string {
	blocking, all := c.Coverage.Blocking(), len(c.Coverage.Gaps)
	switch {
	case all == 0:
		return "no gap is named, yet not everything needed was read"
	case blocking == 0:
		return fmt.Sprintf("not everything needed was read (%s named, none of them the reason)", count(all, "gap"))
	case blocking == all:
		return count(all, "gap") + " could hide more"
	default:
		return fmt.Sprintf("%d of %s could hide more", blocking, count(all, "gap"))
	}
}

// clause ends the sentence that answers the question.
func (c coverage) clause() string {
	if c.uncounted() {
		return c.uncountedClause()
	}
	if c.complete() {
		return "everything needed was read"
	}
	s := c.doubt()
	if c.Interrupted {
		s = "reading was interrupted, " + s
	}
	for _, g := range c.gaps() {
		if g.Blocking {
			return s + ", first: " + EscapeLine(g.Operation) + " (" + kindTitle(g.Kind) + ")"
		}
	}
	return s
}

// gaps are the gaps, those first that make the coverage incomplete.
func (c coverage) gaps() []report.Gap {
	return slices.SortedStableFunc(slices.Values(c.Coverage.Gaps), func(a, b report.Gap) int {
		return cmp.Compare(weight(a), weight(b))
	})
}

func weight(g report.Gap) int {
	switch {
	case g.Blocking:
		return 0
	case g.Kind != identity.NotAsked:
		return 1
	default:
		return 2
	}
}

// gapNodes lists every gap: those not asked for on one line, the others with what they hide.
func (c coverage) gapNodes() []node {
	var nodes []node
	var unasked []string
	for _, g := range c.gaps() {
		if weight(g) == 2 {
			unasked = append(unasked, g.Operation)
			continue
		}
		nodes = append(nodes, gapNode(g))
	}
	if len(unasked) > 0 {
		nodes = append(nodes, node{text: "not asked for: " + tally(unasked), tone: remark})
	}
	return nodes
}

// tally joins the operations, equal ones counted instead of repeated.
func tally(operations []string) string {
	times := map[string]int{}
	var parts []string
	for _, o := range operations {
		times[o]++
	}
	for _, o := range operations {
		n := times[o]
		delete(times, o)
		switch {
		case n == 1:
			parts = append(parts, EscapeLine(o))
		case n > 1:
			parts = append(parts, fmt.Sprintf("%s (%d times)", EscapeLine(o), n))
		}
	}
	return strings.Join(parts, "; ")
}

func gapNode(g report.Gap) node {
	mark, t := "- ", plain
	if g.Blocking {
		mark, t = "! ", alarm
	}
	s := mark + EscapeLine(g.Operation) + " (" + EscapeLine(g.Scope) + "): " + kindTitle(g.Kind)
	if g.Status != 0 {
		s += fmt.Sprintf(", HTTP %d", g.Status)
	}
	if !g.Blocking {
		s += "; outside this question"
	}
	n := node{text: s, tone: t}
	if g.Effect != "" {
		n.kids = append(n.kids, line("hides: "+EscapeLine(g.Effect)))
	}
	if g.Message != "" {
		n.kids = append(n.kids, line("said: "+EscapeLine(g.Message)))
	}
	return n
}

func kindTitle(k identity.FailureKind) string {
	return EscapeLine(strings.ReplaceAll(string(k), "_", " "))
}

// node is the whole coverage for the text format.
func (c coverage) node() node {
	head := c.line()
	head.kids = append(c.gapNodes(), line(c.facts()), line(c.cost()))
	if head.tone == plain {
		head.tone = title
	}
	return head
}

// Facts says in one line when the facts of a report were read, and how old the oldest was then. It holds no name.
func Facts(r report.Report) string { return coverage{r.Head()}.facts() }

// facts says when the facts were read.
func (c coverage) facts() string {
	oldest, newest := c.FactsReadAt.Oldest, c.FactsReadAt.Newest
	if oldest.IsZero() && newest.IsZero() {
		return "Facts: none were read"
	}
	s := fmt.Sprintf("Facts: read from %s to %s", moment(oldest), moment(newest))
	if !oldest.IsZero() && !c.GeneratedAt.IsZero() {
		s += fmt.Sprintf("; the oldest was %s old when the report was made", age(c.GeneratedAt.Sub(oldest)))
	}
	return s
}

// maxEndpoints is how many endpoints cost lists; all are in JSON.
const maxEndpoints = 3

func (c coverage) cost() string {
	calls := c.Coverage.APICalls
	s := count(calls.Total, "API call")
	endpoints := slices.SortedFunc(maps.Keys(calls.ByEndpoint), func(a, b string) int {
		return cmp.Or(cmp.Compare(calls.ByEndpoint[b], calls.ByEndpoint[a]), strings.Compare(a, b))
	})
	var parts []string
	for i, e := range endpoints {
		if i == maxEndpoints {
			parts = append(parts, fmt.Sprintf("and %s in the JSON", count(len(endpoints)-i, "more endpoint")))
			break
		}
		parts = append(parts, fmt.Sprintf("%d × %s", calls.ByEndpoint[e], EscapeLine(e)))
	}
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s
}

// about says what was asked, of which account, when and by which version.
func (c coverage) about() node {
	return linef("Account %s, report of %s, databricks-access-audit %s", name(c.AccountID), moment(c.GeneratedAt), name(c.ToolVersion))
}

// remarks are the request, the options and the notes.
func (c coverage) remarks() []node {
	nodes := []node{line("asked: " + EscapeLine(c.request()))}
	var readings []string
	for _, k := range slices.Sorted(maps.Keys(c.Options)) {
		readings = append(readings, name(k)+" = "+name(c.Options[k]))
	}
	if len(readings) > 0 { // on one line: they are the same in nearly every report
		nodes = append(nodes, node{text: "readings chosen: " + strings.Join(readings, ", "), tone: remark})
	}
	for _, n := range c.Notes {
		nodes = append(nodes, line("note: "+EscapeLine(n)))
	}
	return append(nodes, c.elevationNodes()...)
}

// request is what was asked as compact JSON.
func (c coverage) request() string {
	if c.Request == nil {
		return "not recorded"
	}
	b, err := marshal(c.Request)
	if err != nil {
		return "not printable: " + err.Error()
	}
	return string(b)
}

// tables are the envelope for tables.
func (c coverage) tables() []section {
	pair := one(func(p [2]string) []string { return p[:] })
	columns := []string{"item", "value"}
	return append([]section{
		listed("envelope", "envelope", columns, c.facets(), pair),
		listed("coverage", "coverage", columns, c.totals(), pair),
		listed("gap", "gaps", []string{"scope", "operation", "kind", "status", "message", "effect", "affects", "blocking"}, c.Coverage.Gaps,
			one(func(g report.Gap) []string {
				return []string{g.Scope, g.Operation, string(g.Kind), number(g.Status), g.Message, g.Effect, chain(g.Affects, ", "), strconv.FormatBool(g.Blocking)}
			})),
		listed("note", "notes", []string{"value"}, c.Notes, one(func(n string) []string { return []string{n} })),
	}, c.elevationTable()...)
}

func (c coverage) facets() [][2]string {
	facets := [][2]string{
		{"report", c.Mode},
		{"schema_version", strconv.Itoa(c.SchemaVersion)},
		{"tool_version", c.ToolVersion},
		{"account_id", c.AccountID},
		{"generated_at", stamp(c.GeneratedAt)},
		{"facts_read_at.oldest", stamp(c.FactsReadAt.Oldest)},
		{"facts_read_at.newest", stamp(c.FactsReadAt.Newest)},
		{"request", c.request()},
	}
	for _, k := range slices.Sorted(maps.Keys(c.Options)) {
		facets = append(facets, [2]string{"options." + k, c.Options[k]})
	}
	return facets
}

func (c coverage) totals() [][2]string {
	totals := [][2]string{
		{"complete", strconv.FormatBool(c.complete())},
		{"interrupted", strconv.FormatBool(c.Interrupted)},
		{"planned_reads", strconv.Itoa(c.Coverage.Planned)},
		{"successful_reads", strconv.Itoa(c.Coverage.Read)},
		{"gaps", strconv.Itoa(len(c.Coverage.Gaps))},
		{"blocking_gaps", strconv.Itoa(c.Coverage.Blocking())},
		{"api_calls", strconv.Itoa(c.Coverage.APICalls.Total)},
	}
	if c.uncounted() { // complete would be taken for a word about the account
		totals = append(totals, [2]string{"statement", c.uncountedClause()})
	}
	return totals
}

// number leaves out zero, which stands for "there is none".
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// age rounds a duration to what a reader needs.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
