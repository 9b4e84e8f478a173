package formatters

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/report"
)

// historyView is the view of a HistoryReport.
type historyView struct{ *report.HistoryReport }

func (v historyView) head() *report.Envelope { return v.Head() }

func (v historyView) coverage() coverage { return coverage{v.Head()} }

func (v historyView) key() (column, value string) { return "ledger", v.Ledger }

func (v historyView) sections() []section {
	return []section{
		listed("plan", report.ListPlans, []string{"plan", "digest", "kind", "state", "source", "source_id", "target", "target_id", "requester", "requester_id", "parent", "created_at", "applied_at",
			"expires_at", "ends_at", "approvers", "done", "failed", "open", "not_read"}, v.Plans, one(func(p report.PastPlan) []string {
			return []string{p.ID, p.Digest, p.Kind, p.State, p.Source.Name, p.Source.ID, p.Target.Name, p.Target.ID, p.Requester.Name, p.Requester.ID, p.Parent, stamp(p.CreatedAt), stampOf(p.AppliedAt),
				stamp(p.ExpiresAt), stampOf(p.EndsAt), chain(partyNames(p.Approvers), ", "), strconv.Itoa(p.Steps.Done), strconv.Itoa(p.Steps.Failed), strconv.Itoa(p.Steps.Open),
				nulls(null{"approvers", p.Approvers == nil})}
		})),
	}
}

func partyNames(list []report.Party) []string {
	var names []string
	for _, p := range list {
		names = append(names, callee(p))
	}
	return names
}

// callee is what somebody was called, or the id of one who had no name.
func callee(p report.Party) string {
	if p.Name == "" {
		return p.ID
	}
	return p.Name
}

// unfinished are the states in which a plan needs somebody.
var unfinished = []string{"applying", "partially_applied", "undo_pending", "expiry_overdue"}

func (v historyView) answer() []node {
	if v.Plans == nil {
		return []node{{text: fmt.Sprintf("The plans of account %s were not read.", shortName(v.AccountID)), tone: alarm}}
	}
	n := node{text: fmt.Sprintf("The ledger of account %s holds %s", shortName(v.AccountID), count(len(v.Plans), "plan")), tone: title}
	if v.More {
		n.text = fmt.Sprintf("The ledger of account %s holds more than the newest %s, which are all that was asked for", shortName(v.AccountID), count(len(v.Plans), "plan"))
	}
	var waiting []string
	for _, p := range v.Plans {
		if slices.Contains(unfinished, p.State) {
			waiting = append(waiting, p.ID)
		}
	}
	switch len(waiting) {
	case 0:
	case 1:
		n.text += "; 1 of them is half done: " + names(waiting)
		n.tone = alarm
	default:
		n.text += fmt.Sprintf("; %d of them are half done: %s", len(waiting), names(waiting))
		n.tone = alarm
	}
	n.text += "."
	return []node{n}
}

func (v historyView) text() []node {
	var nodes []node
	for _, p := range v.Plans {
		nodes = append(nodes, planNode(p))
	}
	return []node{
		block("Plans, the newest first", nodes, absence(v.Plans != nil, notRead, v.coverage(), report.ListPlans)),
		{text: "Ledger", tone: title, kids: []node{line(name(v.Ledger))}},
	}
}

// planNode is one plan: what it was for and where it stands, and under it who, when and how far.
func planNode(p report.PastPlan) node {
	what := name(p.ID) + "  " + EscapeLine(strings.ReplaceAll(p.State, "_", " ")) + "  " + EscapeLine(p.Kind)
	if p.Source != (report.Party{}) {
		what += " from " + party(p.Source)
	}
	if p.Target != (report.Party{}) {
		what += " to " + party(p.Target)
	}
	n := node{text: what}
	if slices.Contains(unfinished, p.State) {
		n.tone = alarm
	}
	asked := "asked for by " + party(p.Requester) + " at " + moment(p.CreatedAt)
	if p.Parent != "" {
		asked += ", takes back " + name(p.Parent)
	}
	n.kids = append(n.kids, line(asked))
	approvers := "approved by "
	switch {
	case p.Approvers == nil:
		approvers = "approvers: " + notRead
	case len(p.Approvers) == 0 && p.AppliedAt != nil: // which takes consent, if only the own
		approvers += "nobody but whoever asked for it"
	case len(p.Approvers) == 0:
		approvers += "nobody"
	default:
		var list []string
		for _, a := range p.Approvers {
			list = append(list, party(a))
		}
		approvers += strings.Join(list, ", ")
	}
	n.kids = append(n.kids, line(approvers))
	steps := fmt.Sprintf("steps: %d done, %d failed, %d open", p.Steps.Done, p.Steps.Failed, p.Steps.Open)
	if p.AppliedAt != nil {
		steps += ", applied at " + moment(*p.AppliedAt)
	}
	n.kids = append(n.kids, line(steps))
	if p.EndsAt != nil {
		n.kids = append(n.kids, line("what it gives ends at "+moment(*p.EndsAt)))
	}
	switch p.State {
	case "draft", "pending", "approved":
		n.kids = append(n.kids, line("has time until "+moment(p.ExpiresAt)))
	}
	n.kids = append(n.kids, line("digest "+name(p.Digest)))
	return n
}

// party is somebody by name and id: names may be anybody's.
func party(p report.Party) string {
	if p.Name == "" {
		return "id " + name(p.ID)
	}
	return name(p.Name) + " (id " + name(p.ID) + ")"
}

func (v historyView) tree() []node { return v.text() }

func (v historyView) figures() string {
	var f figures
	f.add(len(v.Plans), v.Plans != nil, "plan")
	return f.line(notRead)
}
