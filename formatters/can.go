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
	listLatent  = "latent"
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
	Object        *report.ObjectRef  `json:"object,omitempty"`
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
	proof := []string{"proof", "proof_workspace", "step", "kind", "principal", "group", "privilege",
		"object_type", "object", "metastore", "workspace", "detail", "source", "read_at", "not_read", "object_id", "object_workspace"}
	sections := []section{
		listed("answer", "answer", []string{"subject_id", "subject_kind", "display_name", "subject_source", "active", "aliases", "action",
			"object_type", "object", "metastore", "owner", "workspace", "verdict", "granted", "reachable", "exercisable",
			"reachable_in", "proofs_omitted", "not_read", "object_id", "object_workspace"}, []canAnswer{v.record()}, one(answerRow)),
		listed("proof", listProofs, proof, v.Proofs, numbered(proofRows)).rowsCalled("proof_step"),
		listed("missing_set", listMissing, []string{"set", "set_workspace", "fact", "kind", "privilege",
			"object_type", "object", "metastore", "workspace", "known", "read", "suppliers", "not_read", "principal", "detail", "object_id", "object_workspace"}, v.Missing, numbered(missingRows)).rowsCalled("missing"),
		listed("act", "acts", []string{"act", "description", "object_type", "object", "metastore", "because", "path", "not_read",
			"kind", "privilege", "principal", "role", "workspace", "level", "object_id", "object_workspace"},
			v.Acts, numbered(actRows)),
		listed("caveat", "caveats", []string{"value"}, caveats, one(func(c canCaveat) []string { return []string{c.Value} })),
	}
	if len(v.Latent) == 0 { // absent in JSON too: there is none for whoever is active
		return sections
	}
	latent := listed("latent_proof", listLatent, proof, v.Latent, numbered(proofRows)).rowsCalled("latent_step")
	return slices.Insert(sections, 2, latent)
}

func (v canView) record() canAnswer {
	return canAnswer{v.Subject, v.Action, v.Resource, v.Object, v.Workspace, v.Verdict, v.Tiers, v.ReachableIn, v.ProofsOmitted}
}

func answerRow(a canAnswer) []string {
	p, s := a.Subject, a.Resource
	id, workspace := objectCells(a.Object)
	return []string{p.ID, p.Kind, p.DisplayName, p.Source, known(p.Active), chain(p.Aliases, ", "), string(a.Action),
		string(s.Type), s.FullName, s.Metastore, deref(s.Owner), a.Workspace, string(a.Verdict),
		string(a.Tiers.Granted), string(a.Tiers.Reachable), string(a.Tiers.Exercisable),
		chain(a.ReachableIn, ", "), strconv.FormatBool(a.ProofsOmitted), nulls(null{"active", p.Active == nil}, null{"aliases", p.Aliases == nil}, null{"owner", s.Owner == nil}, null{"reachable_in", a.ReachableIn == nil}), id, workspace}
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

// place is the securable of a fact in three cells, or the object where it is about one.
func place(s *report.Securable, o *report.ObjectRef) []string {
	switch {
	case s != nil:
		return []string{string(s.Type), s.FullName, s.Metastore}
	case o != nil:
		return []string{o.Type, o.Name, ""}
	default:
		return []string{"", "", ""}
	}
}

// objectCells are what a workspace object has and a securable has not.
func objectCells(o *report.ObjectRef) (id, workspace string) {
	if o == nil {
		return "", ""
	}
	return o.ID, o.Workspace
}

// proofRows is one row for each step; a proof without any still has one.
func proofRows(n int, p report.Proof) [][]string {
	row := func(step string, s report.Step) []string {
		id, workspace := objectCells(s.Object)
		return slices.Concat([]string{strconv.Itoa(n), p.Workspace, step, s.Kind, s.Principal, s.Group, string(s.Privilege)}, place(s.Securable, s.Object),
			[]string{s.Workspace, s.Detail, s.Fact.Source, stamp(s.Fact.ReadAt), nulls(null{"steps", p.Steps == nil}), id, workspace})
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
		id, workspace := objectCells(m.Object)
		return slices.Concat([]string{strconv.Itoa(n), set.Workspace, fact, m.Kind, string(m.Privilege)}, place(m.Securable, m.Object),
			[]string{m.Workspace, isKnown, m.Read, chain(m.Suppliers, ", "), null, m.Principal, m.Detail, id, workspace})
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
	id, workspace := objectCells(a.Object)
	return [][]string{slices.Concat([]string{strconv.Itoa(n), a.Description}, place(a.Securable, a.Object),
		[]string{a.Because, chain(a.Path, arrow), nulls(null{"path", a.Path == nil}),
			a.Kind, string(a.Privilege), a.Principal, a.Role, a.Workspace, a.Level, id, workspace})}
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
	nodes := append([]node{first, line(v.tiers())}, v.exercise()...)
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
	claim := v.claim()
	from := ""
	if v.Workspace != "" && !v.aboutWorkspace() {
		from = " from " + shortTerm(v.Workspace, maxPlace)
	}
	switch v.Verdict {
	case report.Allow:
		s := fmt.Sprintf("ALLOW: %s %s%s; %s", who, claim.yes, v.from(), v.proofCount())
		if !v.coverage().complete() {
			s += "; " + v.certainty()
		}
		return s + "."
	case report.Deny:
		return fmt.Sprintf("DENY: %s %s%s: %s; %s.", who, claim.no, from, v.reason(), v.certainty())
	case report.Indirect:
		acts := "INDIRECT"
		if len(v.Acts) > 0 {
			acts += " (" + count(len(v.Acts), "act") + ")"
		}
		return fmt.Sprintf("%s: %s %s%s now, but can give it to itself: %s; %s.", acts, who, claim.no, from, v.doing(), v.certainty())
	case report.Unknown:
		return fmt.Sprintf("UNKNOWN: whether %s %s%s cannot be told: %s.", who, claim.yes, from, v.needs())
	default:
		return fmt.Sprintf("NO VERDICT (%s): whether %s %s%s was not decided; %s.", term(v.Verdict), who, claim.yes, from, v.certainty())
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

// from names the workspaces from which it can be done, where the question does not name the one. Roles
// on principals hold in the account; that no workspace is named says nothing then.
func (v canView) from() string {
	switch {
	case v.aboutWorkspace(), v.Resource.Type == typePrincipal && len(v.ReachableIn) == 0:
		return ""
	case v.ReachableIn == nil:
		return " from workspaces that were not read"
	case len(v.ReachableIn) > 0:
		return " from " + fewNames(v.ReachableIn)
	case v.coverage().certain(listProofs):
		return " from no workspace"
	default:
		return " from no workspace that was seen"
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
		return "its proofs were " + v.noProofs()
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
		return "what is missing was " + v.noMissing()
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
		return "by acts that were " + v.noMissing()
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

// tiers are the three levels of "can" in one line, without the last where it has a line of its own.
func (v canView) tiers() string {
	t := v.Tiers
	s := "Tiers: granted " + answerTitle(t.Granted) + ", reachable " + answerTitle(t.Reachable)
	if !v.exercised() {
		s += ", exercisable " + answerTitle(t.Exercisable)
	}
	return s + "."
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
	if wanted(v.Proofs != nil, v.noProofs()) {
		f.add(len(v.Proofs), v.Proofs != nil, "proof")
	}
	if n := len(v.Latent); n > 0 {
		f.add(n, true, "latent proof")
	}
	if wanted(v.Missing != nil, v.noMissing()) {
		f.add(len(v.Missing), v.Missing != nil, "missing set")
	}
	if wanted(v.Acts != nil, v.noMissing()) {
		f.add(len(v.Acts), v.Acts != nil, "act")
	}
	f.add(len(v.Caveats), v.Caveats != nil, "caveat")
	if v.ProofsOmitted {
		f.known = append(f.known, "more proofs than are listed")
	}
	return f.line(notRead)
}
