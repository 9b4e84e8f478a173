package formatters

import (
	"fmt"
	"time"

	"databricks-access-audit/core/report"
)

// appliedTitles are the statuses of the steps of a plan that somebody worked on, in the order in which people want them.
var appliedTitles = []struct {
	status, title string
	tone          tone
}{
	{report.StatusFailed, "Failed", alarm},
	{report.StatusRefused, "Not tried: something had moved", alarm},
	{report.StatusUnknown, "What became of it is not known", alarm},
	{report.StatusDone, "Done", title},
	{report.StatusAlready, "There already", title},
	{report.StatusLeft, "Left alone: somebody changed it since, or another plan gave it too", title},
	{report.StatusPlanned, "Not done yet", title},
	{report.StatusOpen, "For others to do", title},
}

// appliedAnswer says how a plan stands.
func appliedAnswer(p report.Plan) []node {
	n := map[string]int{}
	for _, a := range p.Actions {
		n[a.Status]++
	}
	steps := n[report.StatusDone] + n[report.StatusAlready] + n[report.StatusLeft] + n[report.StatusFailed] + n[report.StatusRefused] + n[report.StatusUnknown] + n[report.StatusPlanned]
	text := fmt.Sprintf("Plan %s for %s is %s: %s done", term(p.ID), subjectTerm(p.Target), stateTitle(p.State), count(n[report.StatusDone], "step"))
	if p.Parent != "" {
		text = fmt.Sprintf("Plan %s, which takes back %s, is %s: %s done", term(p.ID), term(p.Parent), stateTitle(p.State), count(n[report.StatusDone], "step"))
	}
	if left := steps - n[report.StatusDone]; left > 0 {
		text += fmt.Sprintf(" of %d", steps)
	}
	head := node{text: text + ".", tone: title}
	switch p.State {
	case "applied", "undone":
	default:
		head.tone = alarm
	}
	nodes := []node{head}
	if n[report.StatusOpen] > 0 {
		nodes = append(nodes, linef("Others have to do %s.", count(n[report.StatusOpen], "more step")))
	}
	nodes = append(nodes, rightsAnswer(p)...)
	for _, a := range p.Actions {
		if a.Uncertain {
			nodes = append(nodes, node{text: fmt.Sprintf("Whether %s was this plan's doing is not certain: undo leaves it unless --uncertain is given.", term(a.ID)), tone: alarm})
		}
	}
	if p.EndsAt != nil && p.State != "undone" {
		nodes = append(nodes, linef("It is taken back at %s.", p.EndsAt.UTC().Format(time.RFC3339)))
	}
	return nodes
}

// stateTitle is a state in words.
func stateTitle(state string) string {
	switch state {
	case "partially_applied":
		return "applied in part"
	case "undo_pending":
		return "being taken back"
	case "undone":
		return "taken back"
	case "expiry_overdue":
		return "over, and not taken back yet"
	default:
		return EscapeLine(state)
	}
}

// appliedNodes are the steps by what became of them.
func appliedNodes(p report.Plan) []node {
	var nodes []node
	for _, t := range appliedTitles {
		n := node{text: t.title, tone: t.tone}
		for _, a := range p.Actions {
			if a.Status == t.status {
				n.kids = append(n.kids, line(actionText(a)))
			}
		}
		if len(n.kids) > 0 {
			nodes = append(nodes, n)
		}
	}
	return append(nodes, node{text: "Plan", tone: title, kids: planFacts(p)})
}
