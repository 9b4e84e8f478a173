package formatters

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// doctorView is the view of a DoctorReport.
type doctorView struct{ *report.DoctorReport }

func (v doctorView) head() *report.Envelope { return v.Head() }

func (v doctorView) key() (column, value string) { return "profile", v.Credentials.Profile }

func (v doctorView) sections() []section {
	return []section{
		listed("credentials", "credentials", []string{"auth_type", "host", "settings_from", "caller_id", "caller", "caller_kind"},
			[]report.Credentials{v.Credentials}, one(func(c report.Credentials) []string {
				var caller report.Principal
				if c.Caller != nil {
					caller = *c.Caller
				}
				return []string{c.AuthType, c.Host, c.Source, caller.ID, caller.Name, caller.Kind}
			})),
		listed("check", "checks", []string{"check", "scope", "status", "detail", "effect", "fix"}, v.Checks,
			one(func(c report.Check) []string {
				return []string{c.Name, c.Scope, c.Status, c.Detail, c.Effect, c.Fix}
			})),
	}
}

func (v doctorView) answer() []node {
	first := node{text: v.sentence(), tone: title}
	if v.count(report.CheckOK) < len(v.Checks) {
		first.tone = alarm
	}
	nodes := []node{first}
	for _, c := range v.checks() {
		if c.Status != report.CheckOK && c.Effect != "" {
			nodes = append(nodes, line("Hidden: "+EscapeLine(c.Effect)+" ("+name(c.Name)+", "+name(c.Scope)+")"))
		}
	}
	return nodes
}

// sentence says whether answers can be trusted.
func (v doctorView) sentence() string {
	failed, ok, all := v.count(report.CheckFailed), v.count(report.CheckOK), len(v.Checks)
	whose := "The credentials of " + v.caller()
	switch {
	case v.Checks == nil:
		return whose + " were not checked."
	case all == 0:
		return whose + " were not checked: no check was made."
	case failed > 0:
		return fmt.Sprintf("%s cannot answer everything: %d of %s failed, %d warned, %d passed.",
			whose, failed, count(all, "check"), all-failed-ok, ok)
	case ok < all:
		return fmt.Sprintf("%s give incomplete answers: %d of %s gave warnings, %d passed.", whose, all-ok, count(all, "check"), ok)
	case !(coverage{v.Head()}).complete():
		return fmt.Sprintf("%s passed %s, but %s.", whose, count(all, "check"), coverage{v.Head()}.doubt())
	default:
		return fmt.Sprintf("%s passed all of %s: nothing is known to be hidden from them.", whose, count(all, "check"))
	}
}

func (v doctorView) caller() string {
	if v.Credentials.Caller == nil {
		return "an unknown caller (the identity could not be read)"
	}
	return short(v.Credentials.Caller.Name, maxSubject) + " (" + describe(*v.Credentials.Caller) + ")"
}

func (v doctorView) count(status string) int {
	n := 0
	for _, c := range v.Checks {
		if c.Status == status {
			n++
		}
	}
	return n
}

func (v doctorView) figures() string {
	var f figures
	f.add(len(v.Checks), v.Checks != nil, "check")
	if v.Checks != nil {
		f.known = append(f.known, fmt.Sprintf("%d ok", v.count(report.CheckOK)), fmt.Sprintf("%d warning", v.count(report.CheckWarning)),
			fmt.Sprintf("%d failed", v.count(report.CheckFailed)))
	}
	return f.line(notRead)
}

// checks are the checks, the worst first. A status that is not known is not ok.
func (v doctorView) checks() []report.Check {
	rank := func(c report.Check) int {
		switch c.Status {
		case report.CheckFailed:
			return 0
		case report.CheckOK:
			return 2
		default:
			return 1
		}
	}
	return slices.SortedStableFunc(slices.Values(v.Checks), func(a, b report.Check) int { return rank(a) - rank(b) })
}

func (v doctorView) text() []node {
	return []node{
		{text: "Credentials", tone: title, kids: v.credentialNodes()},
		block("Checks", v.checkNodes(), v.noChecks()),
	}
}

func (v doctorView) tree() []node { return v.text() }

func (v doctorView) noChecks() string {
	if v.Checks == nil {
		return "not made"
	}
	return "none was made"
}

func (v doctorView) credentialNodes() []node {
	c := v.Credentials
	nodes := []node{
		line("host: " + name(c.Host)),
		line("auth type: " + name(c.AuthType)),
		line("settings from: " + name(c.Source)),
	}
	if c.Profile != "" {
		nodes = append(nodes, line("profile: "+name(c.Profile)))
	}
	if c.Caller == nil {
		return append(nodes, node{text: "caller: not read", tone: alarm})
	}
	caller := "caller: " + name(c.Caller.Name) + " (" + describe(*c.Caller) + ")"
	if c.Caller.ID != "" {
		caller += ", id " + name(c.Caller.ID)
	}
	if d := c.Caller.DisplayName; d != "" && d != c.Caller.Name {
		caller += ", display name " + name(d)
	}
	return append(nodes, line(caller))
}

// statusTitle raises the statuses that there are and leaves others as they came.
func statusTitle(status string) string {
	switch status {
	case report.CheckOK, report.CheckWarning, report.CheckFailed:
		return strings.ToUpper(status)
	default:
		return name(status)
	}
}

func (v doctorView) checkNodes() []node {
	var nodes []node
	for _, c := range v.checks() {
		n := line(statusTitle(c.Status) + " " + name(c.Name) + " (" + name(c.Scope) + ")")
		if c.Detail != "" {
			n.text += ": " + EscapeLine(c.Detail)
		}
		if c.Status != report.CheckOK {
			n.tone = alarm
		}
		if c.Effect != "" {
			n.kids = append(n.kids, line("hides: "+EscapeLine(c.Effect)))
		}
		if c.Fix != "" {
			n.kids = append(n.kids, line("do: "+EscapeLine(c.Fix)))
		}
		nodes = append(nodes, n)
	}
	return nodes
}
