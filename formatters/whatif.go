package formatters

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/report"
)

// whatIfView is the view of a WhatIfReport.
type whatIfView struct{ *report.WhatIfReport }

func (v whatIfView) head() *report.Envelope { return v.Head() }

func (v whatIfView) coverage() coverage { return coverage{v.Head()} }

func (v whatIfView) key() (column, value string) { return "account", v.AccountID }

func (v whatIfView) sections() []section {
	return []section{
		listed("change", report.ListWhatIfChanges, slices.Concat(actionColumns, []string{"holder_id", "holder", "holder_kind"}), v.Changes, one(whatIfRow)),
		gainSection("gain", report.ListGains, v.Gains),
		gainSection("loss", report.ListLosses, v.Losses),
		gainSection("unknown", "unknown", v.Unknown),
		listed("escalation", "escalations", findingColumns, v.Escalations, one(findingRow)),
		listed("not_looked_at", "not_looked_at", []string{"what"}, v.NotLookedAt, one(func(s string) []string { return []string{s} })),
	}
}

// whatIfRow is an action with whom it is about, which is another one for each change.
func whatIfRow(a report.Action) []string {
	var holder report.Principal
	if a.Holder != nil {
		holder = *a.Holder
	}
	return append(actionRow(a), holder.ID, holder.Name, holder.Kind)
}

// people counts the principals of a list.
func people(list []report.Gain) string {
	seen := map[string]bool{}
	for _, g := range list {
		seen[g.Principal.Kind+" "+g.Principal.ID] = true
	}
	return count(len(seen), "principal")
}

func (v whatIfView) answer() []node {
	anything := "anything"
	if !v.coverage().complete() {
		anything = "anything that was seen"
	}
	side := func(verb string, list []report.Gain) string {
		if len(list) == 0 {
			return "nobody would " + verb + " " + anything
		}
		return people(list) + " would " + verb + " " + gainCount(list)
	}
	nodes := []node{{text: fmt.Sprintf("With %s made: %s; %s; %s.", count(len(v.Changes), "change"), side("gain", v.Gains), side("lose", v.Losses), v.coverage().clause()), tone: title}}
	if len(v.Gains)+len(v.Losses) == 0 {
		nodes[0].text = fmt.Sprintf("With %s made, nobody would gain or lose anything that can be used now; %s.", count(len(v.Changes), "change"), v.coverage().clause())
	}
	if len(v.Unknown) > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("Not known, because of what was not read: whether %s would gain or lose %s.", people(v.Unknown), gainCount(v.Unknown)), tone: alarm})
	}
	if len(v.Escalations) > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("It would open %s to more: %s.", count(len(v.Escalations), "way"), tallied(v.Escalations)), tone: alarm})
	}
	if len(v.NotLookedAt) > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("Not looked at: %s.", count(len(v.NotLookedAt), "resource")), tone: alarm})
	}
	return nodes
}

func (v whatIfView) figures() string {
	var f figures
	f.add(len(v.Changes), v.Changes != nil, "change")
	f.add(len(v.Gains), v.Gains != nil, "gain")
	f.add(len(v.Losses), v.Losses != nil, "losse")
	return f.line(notRead)
}

func (v whatIfView) text() []node {
	c := v.coverage()
	var changes []node
	for _, a := range v.Changes {
		changes = append(changes, line(whatIfChange(a)))
	}
	nodes := []node{
		block("Changes", changes, absence(v.Changes != nil, notRead, c, report.ListGains)),
		block("Gained", gainNodes(v.Gains), absence(v.Gains != nil, notRead, c, report.ListGains)),
		block("Lost", gainNodes(v.Losses), absence(v.Losses != nil, notRead, c, report.ListLosses)),
	}
	if len(v.Unknown) > 0 {
		nodes = append(nodes, node{text: "Perhaps, because of what was not read", tone: alarm, kids: gainNodes(v.Unknown)})
	}
	if len(v.Escalations) > 0 {
		nodes = append(nodes, newWays(v.Escalations))
	}
	if len(v.NotLookedAt) > 0 {
		n := node{text: "Not looked at", tone: alarm}
		for _, what := range slices.Sorted(slices.Values(v.NotLookedAt)) {
			n.kids = append(n.kids, line(EscapeLine(what)))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func whatIfChange(a report.Action) string {
	verb := "give"
	if a.After == "" {
		verb = "take away"
	}
	if a.Kind == "add_member" || a.Kind == "remove_member" {
		verb = map[bool]string{true: "out of", false: "into"}[a.Kind == "remove_member"]
	}
	if a.Kind == "delete" {
		verb = "delete"
	}
	text := actionText(a)
	id := term(a.ID)
	return id + " " + verb + text[len(id):] + holderText(a)
}

func holderText(a report.Action) string {
	switch {
	case a.Holder == nil:
		return ""
	case a.Group != nil:
		return ": " + introduced(*a.Holder)
	case a.After == "":
		return ", from " + introduced(*a.Holder)
	default:
		return ", to " + introduced(*a.Holder)
	}
}

func (v whatIfView) tree() []node { return v.text() }
