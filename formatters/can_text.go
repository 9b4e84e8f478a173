package formatters

import (
	"fmt"

	"databricks-access-audit/core/report"
)

// latentHeading says what the proofs below it are not.
const latentHeading = "Latent proofs (would hold if it were active)"

func (v canView) text() []node {
	var nodes []node
	add := func(heading string, kids []node, read bool, unread string, lists ...string) {
		if wanted(read, unread) {
			nodes = append(nodes, block(heading, kids, v.absence(read, unread, lists...)))
		}
	}
	add("Proofs", v.proofNodes(), v.Proofs != nil, v.noProofs(), listProofs)
	if len(v.Latent) > 0 {
		nodes = append(nodes, block(latentHeading, proofList("Latent proof", v.Latent), ""))
	}
	if v.Verdict != report.Allow || len(v.Missing) > 0 { // nothing is missing to what is allowed
		add("Missing, any one of these would make it ALLOW", v.missingNodes(), v.Missing != nil, v.noMissing(), listMissing)
	}
	if v.Verdict != report.Allow || len(v.Acts) > 0 {
		add("Acts, in this order", actNodes(v.Acts, v.Subject.Name), v.Acts != nil, v.noMissing())
	}
	add("Caveats", v.caveatNodes(), v.Caveats != nil, notRead)
	return append(nodes, node{text: "Question", tone: title, kids: v.particulars()})
}

func (v canView) tree() []node { return v.text() }

// absence says why a list is empty. Without a verdict no list is certain, whatever the coverage says:
// what was not asked for does not make it incomplete.
func (v canView) absence(read bool, unread string, lists ...string) string {
	if read && !v.decided() {
		return noneSeen
	}
	return absence(read, unread, v.coverage(), lists...)
}

func (v canView) decided() bool {
	return v.Verdict == report.Allow || v.Verdict == report.Indirect || v.Verdict == report.Deny
}

func (v canView) proofNodes() []node {
	nodes := proofList("Proof", v.Proofs)
	if v.ProofsOmitted {
		nodes = append(nodes, node{text: "more proofs than these are not listed", tone: remark})
	}
	return nodes
}

// proofList shows each proof under its number with its steps in order.
func proofList(noun string, proofs []report.Proof) []node {
	var nodes []node
	for i, p := range proofs {
		n := line(fmt.Sprintf("%s %d%s", noun, i+1, at(p.Workspace)))
		for k, s := range p.Steps {
			n.kids = append(n.kids, linef("%d. %s (%s)", k+1, stepWords(s), factWords(s.Fact)))
		}
		if len(p.Steps) == 0 {
			n.text += ": " + listless(p.Steps != nil, "no step")
		}
		nodes = append(nodes, n)
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

// actNodes are what the principal would do, in order, each with its authority.
func actNodes(acts []report.Act, who string) []node {
	var nodes []node
	for i, a := range acts {
		nodes = append(nodes, node{text: fmt.Sprintf("%d. %s", i+1, EscapeLine(a.Description)), tone: alarm,
			kids: []node{line("authority: " + sentenceTerm(a.Because) + ", held " + via(who, a.Path))}})
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
	resource := described(v.Resource)
	if v.Object != nil {
		resource = describedObject(v.Object)
	}
	nodes := []node{
		line("subject: " + identified(v.Subject)),
		line("action: " + name(v.Action)),
		line("resource: " + resource),
	}
	workspace := "any"
	switch {
	case v.aboutWorkspace():
		return nodes
	case v.Workspace != "":
		workspace = name(v.Workspace)
	}
	return append(nodes, line("workspace: "+workspace))
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
