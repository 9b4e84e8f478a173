package formatters

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/report"
)

// tree shows the findings by who has them, the worst off first.
func (v escalationsView) tree() []node {
	nodes := v.subjectNodes()
	if len(nodes) == 0 {
		nodes = []node{block("Findings", nil, absence(v.Findings != nil, notRead, v.coverage(), report.ListFindings))}
	}
	return append(nodes, v.surroundings()...)
}

func (v escalationsView) subjectNodes() []node {
	findings := map[principalKey][]report.Finding{}
	for _, f := range v.Findings {
		findings[keyOf(f.Subject)] = append(findings[keyOf(f.Subject)], f)
	}
	who := subjects(v.Findings)
	slices.SortStableFunc(who, func(a, b report.Principal) int {
		return compareTallies(findings[keyOf(a)], findings[keyOf(b)])
	})
	var nodes []node
	for _, p := range who {
		n := node{text: introduced(p) + ": " + tallied(findings[keyOf(p)]), tone: title}
		for _, same := range bySeverity(findings[keyOf(p)]) {
			for _, f := range same {
				n.kids = append(n.kids, findingNode(f, mark(f.Certain)+term(f.Severity)+" "+term(f.ID)+" "+via(p.Name, f.Path)+": "+EscapeLine(f.Gains)))
			}
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// compareTallies puts more findings of the worst severity first, then of the next.
func compareTallies(a, b []report.Finding) int {
	times := func(list []report.Finding) []int {
		n := make([]int, len(severities)+1)
		for _, f := range list {
			n[severityRank(f.Severity)]++
		}
		return n
	}
	x, y := times(a), times(b)
	for i := range x {
		if c := cmp.Compare(y[i], x[i]); c != 0 {
			return c
		}
	}
	return 0
}
