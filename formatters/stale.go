package formatters

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/report"
)

// staleHeading is the heading of what was last used when.
const staleHeading = "Grants by last use"

// staleColumns are the columns of a grant with its last use, without those of the principal.
var staleColumns = []string{"object_type", "object", "metastore", "owner", "privileges", "source", "path", "last_seen", "last_seen_any", "verdict", "reason", "used_by", "log_days"}

func staleCells(s report.Stale) []string {
	var by []string
	for _, u := range s.UsedBy {
		by = append(by, u.Name+" "+stamp(u.At))
	}
	return slices.Concat(place(&s.Securable, nil), []string{deref(s.Securable.Owner), chain(s.Privileges, ", "), s.Source, chain(s.Path, arrow),
		stampOf(s.LastSeen), stampOf(s.LastSeenAny), s.Verdict, s.Reason, strings.Join(by, "; "), strconv.Itoa(s.LogDays)})
}

// staleTitles are the verdicts as headings, in the order in which they are told.
var staleTitles = []struct{ verdict, title string }{
	{report.UseStale, "stale: the log goes back far enough and shows no use"},
	{report.UseUnknown, "not known"},
	{report.UseActive, "active"},
}

// staleNodes are the grants by what is known of their use. subject is whom the report is about; whose use
// is looked at is only told of others.
func staleNodes(list []report.Stale, subject report.Principal) []node {
	var nodes []node
	told := map[string]bool{}
	for _, t := range staleTitles {
		told[t.verdict] = true
		nodes = append(nodes, staleBranch(t.title, list, subject, func(s report.Stale) bool { return s.Verdict == t.verdict })...)
	}
	for _, s := range list {
		if !told[s.Verdict] {
			told[s.Verdict] = true
			nodes = append(nodes, staleBranch(EscapeLine(s.Verdict), list, subject, func(o report.Stale) bool { return o.Verdict == s.Verdict })...)
		}
	}
	return nodes
}

// staleBranch puts those of one verdict together by the reason for it.
func staleBranch(heading string, list []report.Stale, subject report.Principal, of func(report.Stale) bool) []node {
	var nodes []node
	at := map[string]int{}
	for _, s := range list {
		if !of(s) {
			continue
		}
		i, known := at[s.Reason]
		if !known {
			i = len(nodes)
			at[s.Reason] = i
			n := line(heading)
			if s.Reason != "" {
				n.text += ": " + EscapeLine(s.Reason)
			}
			nodes = append(nodes, n)
		}
		nodes[i].kids = append(nodes[i].kids, staleNode(s, subject))
	}
	return nodes
}

func staleNode(s report.Stale, subject report.Principal) node {
	whose := ""
	if keyOf(s.Principal) != keyOf(subject) {
		whose = " of " + nameOrID(s.Principal)
	}
	if s.Source == report.SourceGroup || s.Source == report.SourceImplicit {
		whose += " " + via(s.Principal.Name, s.Path)
	}
	n := line(fmt.Sprintf("%s on %s%s; %s", privileges(s.Privileges), securable(s.Securable), whose, lastSeen(s)))
	for _, u := range s.UsedBy {
		n.kids = append(n.kids, line("last used by "+name(u.Name)+" "+moment(u.At)))
	}
	return n
}

// lastSeen says when the grant was used, and when its holder was seen otherwise.
func lastSeen(s report.Stale) string {
	switch {
	case s.LastSeen != nil:
		return "last used " + moment(*s.LastSeen)
	case s.LogDays == 0 && s.LastSeenAny == nil:
		return "no log to tell"
	case s.LogDays == 0:
		return "no log to tell; last seen at all " + moment(*s.LastSeenAny)
	case s.LastSeenAny != nil:
		return "no use in " + count(s.LogDays, "day") + " of log; last seen at all " + moment(*s.LastSeenAny)
	default:
		return "no use in " + count(s.LogDays, "day") + " of log, nor anything else"
	}
}

// addStale counts by verdict.
func (f *figures) addStale(list []report.Stale) {
	if list == nil {
		f.add(0, false, "stale grant")
		return
	}
	times := map[string]int{}
	for _, s := range list {
		times[s.Verdict]++
	}
	f.add(times[report.UseStale], true, "stale grant")
	if n := len(list) - times[report.UseStale] - times[report.UseActive]; n > 0 {
		f.known = append(f.known, count(n, "grant")+" of unknown use")
	}
}

// staleLine says in the answer what was found out, when it was asked; empty when not.
func staleLine(list []report.Stale) string {
	if list == nil {
		return ""
	}
	times := map[string]int{}
	for _, s := range list {
		times[s.Verdict]++
	}
	unknown := len(list) - times[report.UseStale] - times[report.UseActive]
	return fmt.Sprintf("By last use: %s stale, %d active, %d not known.",
		count(times[report.UseStale], "grant"), times[report.UseActive], unknown)
}
