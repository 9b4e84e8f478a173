package formatters

import (
	"fmt"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// verifyView is the view of a VerifyReport.
type verifyView struct{ *report.VerifyReport }

func (v verifyView) head() *report.Envelope { return v.Head() }

func (v verifyView) coverage() coverage { return coverage{v.Head()} }

func (v verifyView) key() (column, value string) { return "subject", v.Subject }

// verifyAnswer is the report without its list, for records.
type verifyAnswer struct {
	Subject  string `json:"subject"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	MadeAt   string `json:"made_at"`
	Holds    bool   `json:"holds"`
}

func (v verifyView) sections() []section {
	return []section{
		listed("answer", "answer", []string{"action", "object", "made_at", "holds"}, []verifyAnswer{{v.Subject, v.Action, v.Resource, v.MadeAt, v.Holds}},
			one(func(a verifyAnswer) []string {
				return []string{a.Action, a.Resource, a.MadeAt, strconv.FormatBool(a.Holds)}
			})),
		listed("proof", report.ListCheckedProofs, []string{"proof", "proof_workspace", "holds", "step", "problem", "not_read"}, v.Proofs, checkedRows),
	}
}

// checkedRows is one row for each problem; a proof without any still has one.
func checkedRows(p report.CheckedProof) [][]string {
	row := func(step, problem string) []string {
		return []string{strconv.Itoa(p.Number), p.Workspace, strconv.FormatBool(p.Holds), step, problem, nulls(null{"problems", p.Problems == nil})}
	}
	if len(p.Problems) == 0 {
		return [][]string{row("", "")}
	}
	var rows [][]string
	for _, problem := range p.Problems {
		rows = append(rows, row(strconv.Itoa(problem.Step), problem.Problem))
	}
	return rows
}

func (v verifyView) answer() []node {
	first := node{text: v.sentence(), tone: title}
	if !v.Holds || v.broken() > 0 {
		first.tone = alarm
	}
	return []node{first}
}

// broken counts the proofs that do not hold.
func (v verifyView) broken() int {
	n := 0
	for _, p := range v.Proofs {
		if !p.Holds {
			n++
		}
	}
	return n
}

// sentence says whether the answer still stands, and how sure that is.
func (v verifyView) sentence() string {
	all, broken, what := len(v.Proofs), v.broken(), "that "+v.claim()
	proofs, hold := count(all, "proof")+" "+what, " hold"
	if all == 1 {
		proofs, hold = "proof "+what, " holds"
	}
	var s string
	switch {
	case v.Proofs == nil:
		s = "The proofs " + what + " were not read"
	case all == 0:
		s = "There is no proof " + what
	case broken == 0 && !v.Holds: // a contradiction is not believed
		s = "The " + proofs + hold + " by itself, but the report as a whole says no"
		if all > 1 {
			s = "The " + proofs + hold + " each by itself, but the report as a whole says no"
		}
	case broken == 0:
		s = "The " + proofs
		if all > 1 {
			s = "All " + proofs
		}
		s += hold + ": each fact is there, and they suffice"
		if v.coverage().complete() {
			return s + "."
		}
	case all == 1:
		s = "The " + proofs + " does not hold"
	case broken == all:
		s = "None of the " + proofs + " holds"
	case broken == 1:
		s = "1 of " + proofs + " does not hold"
	default:
		s = fmt.Sprintf("%d of %s do not hold", broken, proofs)
	}
	return s + "; " + v.coverage().clause() + "."
}

// claim is what the proofs are of, in the words of canView.claim as far as they follow from the action:
// the report does not say of which type the resource is.
func (v verifyView) claim() string {
	who, what := shortTerm(v.Subject, maxSubject), shortTerm(v.Resource, maxSubject)
	action := identity.Privilege(v.Action)
	switch verb := plainVerb(action); {
	case strings.HasPrefix(v.Action, "CAN_"), v.Action == "IS_OWNER":
		return who + " has " + term(action) + " on " + what
	case verb == "enter":
		return who + " can enter " + what
	case sees(action):
		return who + " can see " + what
	case verb == "impersonate":
		return who + " can act as " + what
	case verb == v.Action && strings.HasPrefix(verb, "create "):
		return who + " can " + verb + " in " + what
	default:
		return who + " can " + term(action) + " on " + what
	}
}

func (v verifyView) text() []node {
	return []node{
		block("Proofs", v.proofNodes(), absence(v.Proofs != nil, notRead, v.coverage(), report.ListCheckedProofs)),
		{text: "Question", tone: title, kids: []node{
			line("subject: " + name(v.Subject)),
			line("action: " + name(v.Action)),
			line("resource: " + name(v.Resource)),
			line("made: " + name(v.MadeAt)),
		}},
	}
}

func (v verifyView) proofNodes() []node {
	var nodes []node
	for _, p := range v.Proofs {
		n := line(fmt.Sprintf("Proof %d%s: holds", p.Number, at(p.Workspace)))
		if !p.Holds {
			n = node{text: fmt.Sprintf("Proof %d%s: does not hold", p.Number, at(p.Workspace)), tone: alarm}
		}
		for _, problem := range p.Problems {
			where := "as a whole"
			if problem.Step > 0 {
				where = fmt.Sprintf("step %d", problem.Step)
			}
			n.kids = append(n.kids, line(where+": "+EscapeLine(problem.Problem)))
		}
		if !p.Holds && len(p.Problems) == 0 {
			n.text += "; why: " + listless(p.Problems != nil, "not named")
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func (v verifyView) tree() []node { return v.text() }

// figures count the proofs.
func (v verifyView) figures() string {
	var f figures
	f.add(len(v.Proofs), v.Proofs != nil, "proof")
	if v.Proofs != nil {
		f.known = append(f.known, fmt.Sprintf("%d of them broken", v.broken()))
	}
	return f.line(notRead)
}
