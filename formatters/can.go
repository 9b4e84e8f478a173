package formatters

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// canView is the view of a CanReport: this file holds the first sentence and the lists, can_text.go
// the words for proofs and for what is missing.
type canView struct{ *report.CanReport }

// The lists of a CanReport, as Gap.Affects names them.
const (
	listProofs  = "proofs"
	listMissing = "missing"
)

func (v canView) head() *report.Envelope { return v.Head() }

func (v canView) coverage() coverage { return coverage{v.Head()} }

func (v canView) key() (column, value string) { return "subject", v.Subject.Name }

// canAnswer is the report without its lists of reasons, for records.
type canAnswer struct {
	Subject       report.Principal   `json:"subject"`
	Action        identity.Privilege `json:"action"`
	Resource      report.Securable   `json:"resource"`
	Workspace     string             `json:"workspace"`
	Verdict       report.Verdict     `json:"verdict"`
	Tiers         report.Tiers       `json:"tiers"`
	ReachableIn   []string           `json:"reachable_in"`
	ProofsOmitted bool               `json:"proofs_omitted,omitempty"`
}

// canCaveat makes an object of a caveat, as every record is one.
type canCaveat struct {
	Value string `json:"value"`
}

func (v canView) sections() []section {
	var caveats []canCaveat
	if v.Caveats != nil {
		caveats = make([]canCaveat, len(v.Caveats))
	}
	for i, c := range v.Caveats {
		caveats[i].Value = c
	}
	return []section{
		listed("answer", "answer", []string{"subject_id", "subject_kind", "display_name", "subject_source", "active", "aliases", "action",
			"object_type", "object", "metastore", "owner", "workspace", "verdict", "granted", "reachable", "exercisable",
			"reachable_in", "proofs_omitted", "not_read"}, []canAnswer{v.record()}, one(answerRow)),
		listed("proof", listProofs, []string{"proof", "proof_workspace", "step", "kind", "principal", "group", "privilege",
			"object_type", "object", "metastore", "workspace", "detail", "source", "read_at", "not_read"}, v.Proofs, numbered(proofRows)).rowsCalled("proof_step"),
		listed("missing_set", listMissing, []string{"set", "set_workspace", "fact", "kind", "privilege",
			"object_type", "object", "metastore", "workspace", "known", "read", "suppliers", "not_read"}, v.Missing, numbered(missingRows)).rowsCalled("missing"),
		listed("act", "acts", []string{"act", "description", "object_type", "object", "metastore", "because", "path", "not_read"},
			v.Acts, numbered(actRows)),
		listed("caveat", "caveats", []string{"value"}, caveats, one(func(c canCaveat) []string { return []string{c.Value} })),
	}
}

func (v canView) record() canAnswer {
	return canAnswer{v.Subject, v.Action, v.Resource, v.Workspace, v.Verdict, v.Tiers, v.ReachableIn, v.ProofsOmitted}
}

func answerRow(a canAnswer) []string {
	p, s := a.Subject, a.Resource
	return []string{p.ID, p.Kind, p.DisplayName, p.Source, known(p.Active), chain(p.Aliases, ", "), string(a.Action),
		string(s.Type), s.FullName, s.Metastore, deref(s.Owner), a.Workspace, string(a.Verdict),
		string(a.Tiers.Granted), string(a.Tiers.Reachable), string(a.Tiers.Exercisable),
		chain(a.ReachableIn, ", "), strconv.FormatBool(a.ProofsOmitted),
		nulls(null{"active", p.Active == nil}, null{"aliases", p.Aliases == nil}, null{"owner", s.Owner == nil}, null{"reachable_in", a.ReachableIn == nil})}
}

// null is a member of an item that may be null.
type null struct {
	name string
	is   bool
}

// nulls names what is null, since an empty cell stands for an empty list too.
func nulls(members ...null) string {
	var names []string
	for _, m := range members {
		if m.is {
			names = append(names, m.name)
		}
	}
	return strings.Join(names, ", ")
}

// place is the securable of a fact in three cells.
func place(s *report.Securable) []string {
	if s == nil {
		return []string{"", "", ""}
	}
	return []string{string(s.Type), s.FullName, s.Metastore}
}

// proofRows is one row for each step; a proof without any still has one.
func proofRows(n int, p report.Proof) [][]string {
	row := func(step string, s report.Step) []string {
		return slices.Concat([]string{strconv.Itoa(n), p.Workspace, step, s.Kind, s.Principal, s.Group, string(s.Privilege)}, place(s.Securable),
			[]string{s.Workspace, s.Detail, s.Fact.Source, stamp(s.Fact.ReadAt), nulls(null{"steps", p.Steps == nil})})
	}
	if len(p.Steps) == 0 {
		return [][]string{row("", report.Step{})}
	}
	var rows [][]string
	for i, s := range p.Steps {
		rows = append(rows, row(strconv.Itoa(i+1), s))
	}
	return rows
}

// missingRows is one row for each fact; a set without any still has one.
func missingRows(n int, set report.MissingSet) [][]string {
	row := func(fact, isKnown string, m report.Missing, null string) []string {
		return slices.Concat([]string{strconv.Itoa(n), set.Workspace, fact, m.Kind, string(m.Privilege)}, place(m.Securable),
			[]string{m.Workspace, isKnown, m.Read, chain(m.Suppliers, ", "), null})
	}
	if len(set.Facts) == 0 {
		return [][]string{row("", "", report.Missing{}, nulls(null{"facts", set.Facts == nil}))}
	}
	var rows [][]string
	for i, m := range set.Facts {
		rows = append(rows, row(strconv.Itoa(i+1), strconv.FormatBool(m.Known), m, nulls(null{"suppliers", m.Suppliers == nil})))
	}
	return rows
}

func actRows(n int, a report.Act) [][]string {
	return [][]string{slices.Concat([]string{strconv.Itoa(n), a.Description}, place(a.Securable),
		[]string{a.Because, chain(a.Path, arrow), nulls(null{"path", a.Path == nil})})}
}

// Limits of the first sentence, beyond which the sections have the rest.
const (
	maxPhrase  = 160 // columns of one act or read
	maxReasons = 3   // acts, reads or suppliers
)

func (v canView) answer() []node {
	first := node{text: v.sentence(), tone: title}
	if v.Verdict != report.Allow && v.Verdict != report.Deny {
		first.tone = alarm
	}
	nodes := []node{first, line(v.tiers())}
	if len(v.Caveats) > 0 {
		but := "But: " + Truncate(EscapeLine(v.Caveats[0]), maxPhrase)
		if n := len(v.Caveats) - 1; n > 0 {
			but += fmt.Sprintf(" (and %s)", count(n, "more caveat"))
		}
		nodes = append(nodes, node{text: but, tone: alarm})
	}
	return nodes
}

// sentence gives the verdict in words, what decides it, and how sure it is.
func (v canView) sentence() string {
	who := shortTerm(v.Subject.Name, maxSubject)
	if v.Subject.Name == "" {
		who = nameOrID(v.Subject)
	}
	what := term(v.Action) + " on " + shortSecurable(v.Resource)
	from := ""
	if v.Workspace != "" {
		from = " from " + shortTerm(v.Workspace, maxPlace)
	}
	switch v.Verdict {
	case report.Allow:
		s := fmt.Sprintf("ALLOW: %s can %s %s; %s", who, what, v.from(), v.proofCount())
		if !v.coverage().complete() {
			s += "; " + v.certainty()
		}
		return s + "."
	case report.Deny:
		return fmt.Sprintf("DENY: %s cannot %s%s: %s; %s.", who, what, from, v.reason(), v.certainty())
	case report.Indirect:
		acts := "INDIRECT"
		if len(v.Acts) > 0 {
			acts += " (" + count(len(v.Acts), "act") + ")"
		}
		return fmt.Sprintf("%s: %s cannot %s%s now, but can give it to itself: %s; %s.", acts, who, what, from, v.doing(), v.certainty())
	case report.Unknown:
		return fmt.Sprintf("UNKNOWN: whether %s can %s%s cannot be told: %s.", who, what, from, v.needs())
	default:
		return fmt.Sprintf("NO VERDICT (%s): whether %s can %s%s was not decided; %s.", term(v.Verdict), who, what, from, v.certainty())
	}
}

// certainty says how sure the verdict is.
func (v canView) certainty() string {
	c := v.coverage()
	if !c.complete() && c.certain(listProofs, listMissing) {
		return "all that decides it was read, though " + c.clause()
	}
	return c.clause()
}

// shortSecurable is for the first sentence.
func shortSecurable(s report.Securable) string {
	return term(s.Type) + " " + shortTerm(s.FullName, maxSubject)
}

// from names the workspaces from which it can be done.
func (v canView) from() string {
	switch {
	case v.ReachableIn == nil:
		return "from workspaces that were not read"
	case len(v.ReachableIn) > 0:
		return "from " + fewNames(v.ReachableIn)
	case v.coverage().certain(listProofs):
		return "from no workspace"
	default:
		return "from no workspace that was seen"
	}
}

// fewNames is few for names.
func fewNames(list []string) string {
	var texts []string
	for _, s := range list {
		texts = append(texts, shortTerm(s, maxPlace))
	}
	return few(texts)
}

func (v canView) proofCount() string {
	switch {
	case v.Proofs == nil:
		return "its proofs were not read"
	case v.ProofsOmitted:
		return count(len(v.Proofs), "proof") + " and more that are not listed"
	case len(v.Proofs) == 0:
		return "no proof is listed"
	default:
		return count(len(v.Proofs), "proof")
	}
}

// reason is the smallest set that is missing for certain, and how many others there are.
func (v canView) reason() string {
	if v.Missing == nil {
		return "what is missing was not read"
	}
	if len(v.Missing) == 0 {
		return "nothing was found that would make it ALLOW"
	}
	certain := func(m report.MissingSet) bool {
		return !slices.ContainsFunc(m.Facts, func(f report.Missing) bool { return !f.Known })
	}
	set := v.Missing[max(slices.IndexFunc(v.Missing, certain), 0)]
	var facts []string
	for _, m := range set.Facts {
		facts = append(facts, missingWords(m, shortSecurable)+" ("+v.suppliers(m, maxReasons)+")")
	}
	s := "missing " + series(facts, "and")
	if len(facts) == 0 {
		s = "what is missing is not named"
	}
	if n := len(v.Missing) - 1; n > 0 {
		s += ", or " + count(n, "other set")
	}
	return s
}

// doing is what the subject would have to do, in order.
func (v canView) doing() string {
	switch {
	case v.Acts == nil:
		return "by acts that were not read"
	case len(v.Acts) == 0:
		return "by acts that are not named"
	}
	var acts []string
	for i, a := range v.Acts {
		if i == maxReasons {
			break
		}
		acts = append(acts, sentenceTerm(a.Description)+" ("+sentenceTerm(a.Because)+")")
	}
	s := strings.Join(acts, ", then ")
	if n := len(v.Acts) - len(acts); n > 0 {
		s += ", then " + count(n, "more act")
	}
	return s
}

// sentenceTerm shows words of the engine within a sentence. They hold spaces, but names from outside
// too: what could pass for several parts stands in quotes.
func sentenceTerm(s string) string { return short(s, maxPhrase) }

// needs names the reads without which there is no answer.
func (v canView) needs() string {
	var reads []string
	add := func(operation string, kind identity.FailureKind) {
		text := sentenceTerm(operation)
		if kind != "" {
			text += " (" + kindTitle(kind) + ")"
		}
		if !slices.Contains(reads, text) {
			reads = append(reads, text)
		}
	}
	for _, set := range v.Missing {
		for _, m := range set.Facts {
			if !m.Known && m.Read != "" {
				add(m.Read, v.coverage().reasonFor(m.Read))
			}
		}
	}
	if len(reads) == 0 {
		for _, g := range v.coverage().gaps() {
			if g.Blocking {
				add(g.Operation, g.Kind)
			}
		}
	}
	s := "needs " + strings.Join(upTo(reads, maxReasons), ", ")
	if len(reads) == 0 {
		s = "which read would tell is not named"
	}
	if v.Interrupted {
		s += "; reading was interrupted"
	}
	if !v.coverage().complete() {
		s += "; " + v.coverage().doubt()
	}
	return s
}

// reasonFor is why a read was not made, as its gap says; empty when no gap is of it.
func (c coverage) reasonFor(operation string) identity.FailureKind {
	for _, g := range c.gaps() {
		if strings.EqualFold(g.Operation, operation) {
			return g.Kind
		}
	}
	return ""
}

// tiers are the three levels of "can" in one line.
func (v canView) tiers() string {
	t := v.Tiers
	return "Tiers: granted " + answerTitle(t.Granted) + ", reachable " + answerTitle(t.Reachable) + ", exercisable " + answerTitle(t.Exercisable) + "."
}

func answerTitle(a report.Answer) string {
	switch a {
	case report.Yes, report.No, report.NotKnown:
		return string(a)
	case report.NotChecked:
		return notAsked
	case "":
		return "not decided"
	default:
		return term(a)
	}
}

func (v canView) figures() string {
	var f figures
	f.add(len(v.ReachableIn), v.ReachableIn != nil, "workspace")
	f.add(len(v.Proofs), v.Proofs != nil, "proof")
	f.add(len(v.Missing), v.Missing != nil, "missing set")
	f.add(len(v.Acts), v.Acts != nil, "act")
	f.add(len(v.Caveats), v.Caveats != nil, "caveat")
	if v.ProofsOmitted {
		f.known = append(f.known, "more proofs than are listed")
	}
	return f.line(notRead)
}
