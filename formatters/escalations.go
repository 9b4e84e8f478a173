package formatters

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/report"
)

// escalationsView is the view of an EscalationsReport: this file holds its lists, escalations_words.go
// the first sentences, escalations_text.go and escalations_tree.go the two arrangements for people,
// opengraph.go and dot.go its graph.
type escalationsView struct{ *report.EscalationsReport }

func (v escalationsView) head() *report.Envelope { return v.Head() }

func (v escalationsView) coverage() coverage { return coverage{v.Head()} }

func (v escalationsView) key() (column, value string) { return "subject", subjectName(v.Subject) }

func (v escalationsView) graph() report.Graph { return v.Graph }

func (v escalationsView) sections() []section {
	notLookedAt := unknowableSection("not_looked_at", v.NotLookedAt)
	notLookedAt.record = "not_looked_at"
	return []section{
		subjectSection(v.Subject),
		listed("finding", report.ListFindings, findingColumns, v.Findings, one(findingRow)),
		listed("power", report.ListPowers, append([]string{"power", "scope"}, append(slices.Clone(principalColumns), "steps", "via", "through", "certain", "not_read")...),
			v.Powers, powerRows).rowsCalled("reach"),
		listed("choke_point", "choke_points", []string{"finding", "from", "to", "principals", "powers", "fix", "not_read"}, v.ChokePoints,
			one(func(c report.ChokePoint) []string {
				return []string{c.Finding, c.From, c.To, strconv.Itoa(c.Principals), chain(c.Powers, ", "), c.Fix, nulls(null{"powers", c.Powers == nil})}
			})),
		listed("graph_node", "graph_nodes", []string{"node_id", "kind", "name"}, v.Graph.Nodes,
			one(func(n report.GraphNode) []string { return []string{n.ID, n.Kind, n.Name} })),
		listed("graph_edge", "graph_edges", []string{"from", "to", "kind", "severity"}, v.Graph.Edges,
			one(func(e report.GraphEdge) []string { return []string{e.From, e.To, e.Kind, e.Severity} })),
		notLookedAt,
	}
}

var findingColumns = append(slices.Clone(principalColumns), "finding", "severity", "gains", "object_type", "object", "metastore",
	"object_id", "object_workspace", "about_id", "about_principal", "about_kind", "path", "acts", "facts", "facts_read_at", "fix", "certain", "why", "not_read")

func findingRow(f report.Finding) []string {
	var about report.Principal
	if f.Principal != nil {
		about = *f.Principal
	}
	id, workspace := objectCells(f.Object)
	sources, times := factCells(f.Facts)
	return slices.Concat(principalCells(f.Subject), []string{f.ID, f.Severity, f.Gains}, place(f.Securable, f.Object),
		[]string{id, workspace, about.ID, about.Name, about.Kind, chain(f.Path, arrow), chain(f.Acts, "; "), sources, times, f.Fix,
			strconv.FormatBool(f.Certain), f.Why,
			nulls(null{"active", f.Subject.Active == nil}, null{"aliases", f.Subject.Aliases == nil}, null{"path", f.Path == nil},
				null{"acts", f.Acts == nil}, null{"facts", f.Facts == nil})})
}

// factCells are the reads that something rests on and when each was made, in the same order.
func factCells(facts []report.Fact) (sources, times string) {
	var s, t []string
	for _, f := range facts {
		s, t = append(s, f.Source), append(t, stamp(f.ReadAt))
	}
	return chain(s, "; "), chain(t, "; ")
}

// powerRows is one row for each principal; a power that nobody comes to still has one.
func powerRows(p report.Power) [][]string {
	if len(p.Reached) == 0 {
		row := make([]string, 2+len(principalColumns)+5)
		row[0], row[1], row[len(row)-1] = p.Power, p.Scope, nulls(null{"reached", p.Reached == nil})
		return [][]string{row}
	}
	var rows [][]string
	for _, r := range p.Reached {
		rows = append(rows, slices.Concat([]string{p.Power, p.Scope}, principalCells(r.Principal),
			[]string{strconv.Itoa(r.Steps), chain(r.Via, ", "), chain(r.Through, arrow), strconv.FormatBool(r.Certain), nulls(null{"via", r.Via == nil}, null{"through", r.Through == nil})}))
	}
	return rows
}

// severities are the severities, the worst first.
var severities = []string{report.Critical, report.High, report.Medium, report.Low}

// severityRank puts what is not known last.
func severityRank(severity string) int {
	if i := slices.Index(severities, severity); i >= 0 {
		return i
	}
	return len(severities)
}

func compareSeverities(a, b string) int {
	return cmp.Or(cmp.Compare(severityRank(a), severityRank(b)), strings.Compare(a, b))
}

// bySeverity puts the findings together by severity, the worst first.
func bySeverity(list []report.Finding) [][]report.Finding {
	sorted := slices.SortedStableFunc(slices.Values(list), func(a, b report.Finding) int { return compareSeverities(a.Severity, b.Severity) })
	var all [][]report.Finding
	for i, f := range sorted {
		if i == 0 || f.Severity != sorted[i-1].Severity {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], f)
	}
	return all
}

// subjects are those who can do what the findings say, each once.
func subjects(list []report.Finding) []report.Principal {
	var all []report.Principal
	taken := map[principalKey]bool{}
	for _, f := range list {
		if k := keyOf(f.Subject); !taken[k] {
			taken[k] = true
			all = append(all, f.Subject)
		}
	}
	slices.SortStableFunc(all, comparePrincipals)
	return all
}

// tallied counts findings by severity: "1 critical, 2 high".
func tallied(list []report.Finding) string {
	var parts []string
	for _, same := range bySeverity(list) {
		parts = append(parts, strconv.Itoa(len(same))+" "+term(same[0].Severity))
	}
	return strings.Join(parts, ", ")
}

func (v escalationsView) figures() string {
	var f figures
	f.add(len(v.Findings), v.Findings != nil, "finding")
	if v.Findings != nil {
		f.known = append(f.known, count(len(subjects(v.Findings)), "principal"))
	}
	f.add(len(v.Powers), v.Powers != nil, "power")
	f.add(len(v.ChokePoints), v.ChokePoints != nil, "choke point")
	f.add(len(v.Graph.Nodes), v.Graph.Nodes != nil, "node")
	f.add(len(v.Graph.Edges), v.Graph.Edges != nil, "edge")
	return f.line(notRead)
}
