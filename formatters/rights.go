package formatters

import (
	"databricks-access-audit/core/report"
)

// rightsAnswer says which steps of a plan the caller may not carry out, and of which that is not known.
func rightsAnswer(p report.Plan) []node {
	var not, open []string
	for _, a := range p.Actions {
		switch {
		case a.Right == nil || a.Right.May == report.MayYes:
		case a.Right.May == report.MayNo:
			not = append(not, term(a.ID))
		default:
			open = append(open, term(a.ID))
		}
	}
	caller := "the caller"
	if p.Caller != nil {
		caller = introduced(*p.Caller)
	}
	var nodes []node
	if len(not) > 0 {
		nodes = append(nodes, node{text: "These credentials cannot carry it out: " + caller + " lacks the right for " + series(not, "and") + ".", tone: alarm})
	}
	if len(open) > 0 {
		nodes = append(nodes, node{text: "Whether " + caller + " may carry out " + series(open, "and") + " is not known.", tone: alarm})
	}
	return nodes
}

// namedAtMost is how many are named of those who have a right.
const namedAtMost = 3

// rightText says why the caller may not carry out a step, or why that is not known; nothing where it may.
func rightText(r *report.Right) string {
	switch {
	case r == nil || r.May == report.MayYes:
		return ""
	case r.May != report.MayNo:
		return "; NOT KNOWN whether the caller may: " + EscapeLine(r.Why)
	}
	text := "; NOT THE CALLER'S TO DO: it takes " + EscapeLine(r.Needs)
	if len(r.Who) == 0 {
		return text
	}
	var who []string
	for _, one := range r.Who[:min(len(r.Who), namedAtMost)] {
		who = append(who, name(one))
	}
	if more := len(r.Who) - len(who); more > 0 {
		who = append(who, count(more, "other"))
	}
	return text + "; who has it: " + series(who, "and")
}
