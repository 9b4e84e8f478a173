package formatters

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

func (v canView) text() []node {
	var nodes []node
	add := func(heading string, kids []node, read bool, lists ...string) {
		nodes = append(nodes, block(heading, kids, v.absence(read, lists...)))
	}
	add("Proofs", v.proofNodes(), v.Proofs != nil, listProofs)
	if v.Verdict != report.Allow || len(v.Missing) > 0 { // nothing is missing to what is allowed
		add("Missing, any one of these would make it ALLOW", v.missingNodes(), v.Missing != nil, listMissing)
	}
	if v.Verdict != report.Allow || len(v.Acts) > 0 {
		add("Acts, in this order", v.actNodes(), v.Acts != nil)
	}
	add("Caveats", v.caveatNodes(), v.Caveats != nil)
	return append(nodes, node{text: "Question", tone: title, kids: v.particulars()})
}

func (v canView) tree() []node { return v.text() }

// absence says why a list is empty. Without a verdict no list is certain, whatever the coverage says:
// what was not asked for does not make it incomplete.
func (v canView) absence(read bool, lists ...string) string {
	if read && !v.decided() {
		return noneSeen
	}
	return absence(read, notRead, v.coverage(), lists...)
}

func (v canView) decided() bool {
	return v.Verdict == report.Allow || v.Verdict == report.Indirect || v.Verdict == report.Deny
}

func (v canView) proofNodes() []node {
	var nodes []node
	for i, p := range v.Proofs {
		n := line(fmt.Sprintf("Proof %d%s", i+1, at(p.Workspace)))
		for k, s := range p.Steps {
			n.kids = append(n.kids, linef("%d. %s (%s)", k+1, stepWords(s), factWords(s.Fact)))
		}
		if len(p.Steps) == 0 {
			n.text += ": " + listless(p.Steps != nil, "no step")
		}
		nodes = append(nodes, n)
	}
	if v.ProofsOmitted {
		nodes = append(nodes, node{text: "more proofs than these are not listed", tone: remark})
	}
	return nodes
}

// at is nothing for what holds in no particular workspace.
func at(workspace string) string {
	if workspace == "" {
		return ""
	}
	return ", from " + term(workspace)
}

// listless says why a list inside an item is empty.
func listless(read bool, none string) string {
	if !read {
		return notRead
	}
	return none
}

// stepWords is one fact as a sentence without its full stop.
func stepWords(s report.Step) string {
	who := term(s.Principal)
	var words string
	switch s.Kind {
	case report.StepActive:
		words = who + " may log in"
	case report.StepMember:
		words = who + " is in " + term(s.Group)
	case report.StepImplicit:
		words = who + " is in " + term(s.Group) + ", as everybody like it is"
	case report.StepSame:
		words = who + " and " + term(s.Group) + " are two records of one person"
	case report.StepAncestor:
		words = who + " is in " + term(s.Group) + ", by a way that was not read"
	case report.StepGrant:
		words = who + " has " + term(s.Privilege) + " on " + securableTerm(s.Securable)
	case report.StepExpands:
		words = "what was granted stands for " + term(s.Privilege)
		if s.Securable != nil {
			words += " on " + securableTerm(s.Securable)
		}
	case report.StepInherits:
		words = "what is granted on " + securableTerm(s.Securable) + " counts for what is in it"
	case report.StepOwner:
		words = who + " owns " + securableTerm(s.Securable)
	case report.StepAssigned:
		words = who + " is assigned to " + term(s.Workspace)
		if s.Detail != "" && !quotes(s.Detail) { // one word is the level
			words += " as " + term(s.Detail)
			s.Detail = ""
		}
		if s.Group != "" {
			words += " via " + term(s.Group)
		}
	case report.StepAttached:
		words = attached(s.Securable) + " is attached to " + term(s.Workspace)
	case report.StepBinding:
		words = "the binding of " + securableTerm(s.Securable) + " lets " + term(s.Workspace) + " in"
	default:
		words = strings.Join(slices.Concat([]string{"fact of kind " + term(s.Kind)}, stated("principal", s.Principal), stated("group", s.Group),
			stated("privilege", string(s.Privilege)), onOptional(s.Securable), stated("workspace", s.Workspace)), ", ")
	}
	if s.Detail != "" {
		words += "; " + EscapeLine(s.Detail)
	}
	return words
}

// attached is the metastore, whether the fact names it or not.
func attached(s *report.Securable) string {
	if s == nil {
		return "the metastore"
	}
	return securableTerm(s)
}

// stated and onOptional leave out what is not said.
func stated(noun, s string) []string {
	if s == "" {
		return nil
	}
	return []string{noun + " " + term(s)}
}

func onOptional(s *report.Securable) []string {
	if s == nil {
		return nil
	}
	return []string{"on " + securableTerm(s)}
}

func securableTerm(s *report.Securable) string {
	if s == nil {
		return "a securable that is not named"
	}
	return term(s.Type) + " " + term(s.FullName)
}

// factWords says where a fact was learnt. When stands in the formats for programs.
func factWords(f report.Fact) string {
	switch {
	case f.Source != "":
		return EscapeLine(f.Source)
	case f.ReadAt.IsZero():
		return "needs no read"
	default:
		return "by a read that is not named"
	}
}

func (v canView) missingNodes() []node {
	var nodes []node
	for i, set := range v.Missing {
		n := line(fmt.Sprintf("Set %d%s", i+1, at(set.Workspace)))
		for _, m := range set.Facts {
			n.kids = append(n.kids, v.missingNode(m))
		}
		if len(set.Facts) == 0 {
			n.text += ": " + listless(set.Facts != nil, "no fact")
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// missingNode marks with ? what may not be missing at all.
func (v canView) missingNode(m report.Missing) node {
	whole := func(s report.Securable) string { return securableTerm(&s) }
	n := line(missingWords(m, whole))
	if !m.Known {
		n = node{text: "? " + missingWords(m, whole) + ", not known to be missing: " + v.unmade(m), tone: alarm}
	}
	n.text += "; " + v.suppliers(m, len(m.Suppliers))
	return n
}

// unmade names the read that would tell.
func (v canView) unmade(m report.Missing) string {
	if m.Read == "" {
		return "which read would tell is not named"
	}
	s := "needs " + sentenceTerm(m.Read)
	if kind := v.coverage().reasonFor(m.Read); kind != "" {
		s += " (" + kindTitle(kind) + ")"
	}
	return s
}

// missingWords names what is missing.
func missingWords(m report.Missing, show func(report.Securable) string) string {
	on := "a securable that is not named"
	if m.Securable != nil {
		on = show(*m.Securable)
	}
	switch m.Kind {
	case report.StepActive:
		return "an active identity"
	case report.StepGrant, report.StepExpands:
		return term(m.Privilege) + " on " + on
	case report.StepOwner:
		return "ownership of " + on
	case report.StepAssigned:
		return "assignment to " + term(m.Workspace)
	case report.StepAttached:
		return "attachment of the metastore to " + term(m.Workspace)
	case report.StepBinding:
		return "a binding of " + on + " that lets " + term(m.Workspace) + " in"
	case report.StepMember, report.StepImplicit, report.StepSame, report.StepAncestor:
		return strings.Join(slices.Concat([]string{"a membership"}, missingRest(m, on)), ", ")
	default:
		return strings.Join(slices.Concat([]string{"a fact of kind " + term(m.Kind)}, missingRest(m, on)), ", ")
	}
}

func missingRest(m report.Missing, on string) []string {
	parts := stated("privilege", string(m.Privilege))
	if m.Securable != nil {
		parts = append(parts, "on "+on)
	}
	return append(parts, stated("workspace", m.Workspace)...)
}

// suppliers says who could supply what is missing.
func (v canView) suppliers(m report.Missing, limit int) string {
	var who []string
	for _, s := range m.Suppliers {
		who = append(who, term(s))
	}
	can := " can " + supply(m.Kind)
	switch {
	case len(who) > 0:
		return series(upTo(who, limit), "or") + can
	case m.Suppliers == nil:
		return "who" + can + " was not read"
	case v.decided() && v.coverage().certain(listMissing):
		return "nobody" + can
	default:
		return "nobody was seen who" + can
	}
}

// supply is what the suppliers do.
func supply(kind string) string {
	switch kind {
	case report.StepActive:
		return "activate it"
	case report.StepGrant, report.StepExpands:
		return "grant it"
	case report.StepOwner:
		return "transfer it"
	case report.StepAssigned:
		return "assign it"
	case report.StepAttached:
		return "attach it"
	case report.StepBinding:
		return "change it"
	default:
		return "supply it"
	}
}

func (v canView) actNodes() []node {
	var nodes []node
	for i, a := range v.Acts {
		nodes = append(nodes, node{text: fmt.Sprintf("%d. %s", i+1, EscapeLine(a.Description)), tone: alarm,
			kids: []node{line("authority: " + sentenceTerm(a.Because) + ", held " + via(v.Subject.Name, a.Path))}})
	}
	return nodes
}

func (v canView) caveatNodes() []node {
	var nodes []node
	for _, c := range v.Caveats {
		nodes = append(nodes, line(EscapeLine(c)))
	}
	return nodes
}

// particulars hold the names of the question in full.
func (v canView) particulars() []node {
	workspace := "any"
	if v.Workspace != "" {
		workspace = name(v.Workspace)
	}
	return []node{
		line("subject: " + identified(v.Subject)),
		line("action: " + name(v.Action)),
		line("resource: " + described(v.Resource)),
		line("workspace: " + workspace),
	}
}

// identified is a principal with all that tells it from others.
func identified(p report.Principal) string {
	s := nameOrID(p) + " (" + describe(p) + "), id " + name(p.ID)
	if p.DisplayName != "" && p.DisplayName != p.Name {
		s += ", display name " + name(p.DisplayName)
	}
	if len(p.Aliases) > 0 {
		s += ", also known as " + names(p.Aliases)
	}
	return s
}

// described is a securable with all that tells it from others.
func described(s report.Securable) string {
	owner := "owner not read"
	if s.Owner != nil {
		owner = "owner " + name(*s.Owner)
	}
	return EscapeLine(string(s.Type)) + " " + name(s.FullName) + " in metastore " + name(s.Metastore) + ", " + owner
}
