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

// stepsTitle is the title over the steps of a plan that have a status. Those of a plan that takes another back were removals,
// and what one did that was taken back since no longer stands.
func stepsTitle(p report.Plan, status, usual string) string {
	switch {
	case p.Parent != "" && status == report.StatusDone:
		return "Taken back"
	case p.Parent != "" && status == report.StatusAlready:
		return "Gone already"
	case p.Parent != "" && status == report.StatusPlanned:
		return "Not taken back yet"
	case p.State == stateUndone && status == report.StatusDone:
		return "Was done, before it was taken back"
	default:
		return usual
	}
}

// The states of plans that are said in words of their own.
const (
	stateApplied = "applied"
	stateUndone  = "undone"
)

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
	if p.State == stateUndone {
		text = fmt.Sprintf("Plan %s for %s was undone: what it gave was taken back", term(p.ID), subjectTerm(p.Target))
	}
	head := node{text: text + ".", tone: title}
	switch p.State {
	case stateApplied, stateUndone:
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
	if p.EndsAt != nil && p.State != stateUndone {
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
	case stateUndone:
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
		n := node{text: stepsTitle(p, t.status, t.title), tone: t.tone}
		for _, a := range p.Actions {
			switch {
			case a.Status != t.status:
			case p.Parent != "":
				n.kids = append(n.kids, line(takingText(a)))
			default:
				n.kids = append(n.kids, line(actionText(a)))
			}
		}
		if len(n.kids) > 0 {
			nodes = append(nodes, n)
		}
	}
	return append(nodes, node{text: "Plan", tone: title, kids: planFacts(p)})
}

// takingText is a step of a plan that takes another back, in words: what is removed, or set back to what it was. It takes what
// was given by that plan from Before.
func takingText(a report.Action) string {
	remove, restore := "remove ", "set back " // which is its own past
	if a.Status == report.StatusDone {
		remove = "removed "
	}
	if a.Group != nil {
		return ended(a, term(a.ID)+" "+remove+"from group "+nameOrID(*a.Group)+" (id "+EscapeLine(a.Group.ID)+")")
	}
	what, where := a.Before, ""
	switch {
	case a.Workspace != "" && a.Entitlement != "":
		what, where = string(a.Entitlement), " in workspace "+name(a.Workspace)
	case a.Workspace != "":
		where = " of workspace " + name(a.Workspace)
	case a.Securable != nil:
		what, where = string(a.Privilege), " on "+described(*a.Securable)
	case a.Object != nil:
		where = " on " + describedObject(a.Object)
	default:
		return actionText(a)
	}
	if a.After == "" {
		return ended(a, term(a.ID)+" "+remove+name(what)+where)
	}
	return ended(a, term(a.ID)+" "+restore+name(what)+where+" to "+name(a.After))
}

// ended adds to what a step does why it does it, what went wrong, and whether the caller may.
func ended(a report.Action, text string) string {
	if a.Reason != "" {
		text += ": " + EscapeLine(a.Reason)
	}
	if a.Error != "" {
		text += "; FAILED: " + EscapeLine(a.Error)
	}
	return text + rightText(a.Right)
}
