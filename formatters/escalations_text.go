package formatters

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// findingsHeading explains its marks.
const findingsHeading = "Findings, by severity (* certain, ? not certain)"

func (v escalationsView) text() []node {
	nodes := []node{block(findingsHeading, v.severityNodes(), absence(v.Findings != nil, notRead, v.coverage(), report.ListFindings))}
	return append(nodes, v.surroundings()...)
}

// surroundings are what follows from the findings, and what they leave out.
func (v escalationsView) surroundings() []node {
	c := v.coverage()
	nodes := []node{
		block("Powers, and who comes to each", v.powerNodes(), absence(v.Powers != nil, notRead, c, report.ListPowers)),
		block("Choke points, the most used first", v.chokeNodes(), absence(v.ChokePoints != nil, notRead, c, report.ListFindings, report.ListPowers)),
		line(v.graphText()),
		block("Not looked at", unknowableNodes(v.NotLookedAt), listless(v.NotLookedAt != nil, "nothing")),
	}
	if v.Subject != nil {
		nodes = append(nodes, node{text: "Question", tone: title, kids: []node{line("subject: " + identified(*v.Subject))}})
	}
	return nodes
}

func (v escalationsView) graphText() string {
	if v.Graph.Nodes == nil || v.Graph.Edges == nil {
		return "Graph: " + notRead
	}
	return fmt.Sprintf("Graph: %s, %s; drawn by the formats %s and %s", count(len(v.Graph.Nodes), "node"), count(len(v.Graph.Edges), "edge"), OpenGraph, Dot)
}

// severityNodes are the severities with their counts first.
func (v escalationsView) severityNodes() []node {
	var nodes []node
	for _, same := range bySeverity(v.Findings) {
		n := node{text: term(same[0].Severity) + ": " + count(len(same), "finding") + ", " + count(len(subjects(same)), "principal"), tone: title}
		for _, a := range alike(same) {
			n.kids = append(n.kids, alikeNode(a))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// alike puts findings together that differ in nothing but who has them: five hundred members of one
// group are one finding to whoever reads them.
func alike(list []report.Finding) [][]report.Finding {
	var all [][]report.Finding
	place := map[string]int{}
	for _, f := range list {
		sources, times := factCells(f.Facts)
		k := chain([]string{f.ID, f.Gains, aboutWords(f), chain(f.Acts, "; "), sources, times, f.Fix, fmt.Sprint(f.Acts == nil, f.Facts == nil)}, "; ")
		i, known := place[k]
		if !known {
			i = len(all)
			place[k] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], f)
	}
	slices.SortStableFunc(all, func(a, b []report.Finding) int {
		return cmp.Or(strings.Compare(a[0].ID, b[0].ID), strings.Compare(a[0].Gains, b[0].Gains))
	})
	for _, same := range all {
		slices.SortStableFunc(same, func(a, b report.Finding) int { return comparePrincipals(a.Subject, b.Subject) })
	}
	return all
}

// alikeNode says what it is, how it is done and how it is mended once, then who has it.
func alikeNode(same []report.Finding) node {
	f := same[0]
	if len(same) == 1 {
		return findingNode(f, mark(f.Certain)+term(f.ID)+" "+introduced(f.Subject)+" "+via(f.Subject.Name, f.Path)+": "+EscapeLine(f.Gains))
	}
	n := node{text: term(f.ID) + " " + EscapeLine(f.Gains) + ": " + count(len(subjects(same)), "principal"), kids: detailNodes(f)}
	who := node{text: "who: " + inKinds(subjects(same))}
	for _, f := range same {
		way := line(mark(f.Certain) + introduced(f.Subject) + " " + via(f.Subject.Name, f.Path))
		if !f.Certain {
			way = node{text: way.text + "; " + uncertain(f), tone: alarm}
		}
		who.kids = append(who.kids, way)
	}
	n.kids = append(n.kids, who)
	return n
}

// findingNode is one finding under its heading.
func findingNode(f report.Finding, heading string) node {
	n := node{text: heading, kids: detailNodes(f)}
	if !f.Certain {
		n.text += "; " + uncertain(f)
		n.tone = alarm
	}
	return n
}

func uncertain(f report.Finding) string {
	if f.Why == "" {
		return "not certain, and why is not named"
	}
	return "not certain: " + EscapeLine(f.Why)
}

// detailNodes are what it is about, the acts in their order, what it rests on and what to do about it.
func detailNodes(f report.Finding) []node {
	var nodes []node
	if about := aboutWords(f); about != "" {
		nodes = append(nodes, line("about: "+about))
	}
	for i, a := range f.Acts {
		nodes = append(nodes, linef("%d. %s", i+1, EscapeLine(a)))
	}
	if len(f.Acts) == 0 {
		nodes = append(nodes, line("acts: "+listless(f.Acts != nil, "none, it has it already")))
	}
	for _, fact := range f.Facts {
		nodes = append(nodes, line("seen by: "+factWords(fact)))
	}
	if len(f.Facts) == 0 {
		nodes = append(nodes, line("seen by: "+listless(f.Facts != nil, "no read")))
	}
	if f.Fix != "" {
		nodes = append(nodes, line("fix: "+EscapeLine(f.Fix)))
	}
	return nodes
}

// aboutWords are what a finding is about, and through whom.
func aboutWords(f report.Finding) string {
	var parts []string
	if f.Securable != nil {
		parts = append(parts, described(*f.Securable))
	}
	if f.Object != nil {
		parts = append(parts, describedObject(f.Object))
	}
	if f.Principal != nil {
		parts = append(parts, introduced(*f.Principal))
	}
	return strings.Join(parts, "; ")
}

func (v escalationsView) powerNodes() []node {
	var nodes []node
	for _, same := range v.powers() {
		for _, p := range same {
			nodes = append(nodes, v.powerNode(p))
		}
	}
	return nodes
}

func (v escalationsView) powerNode(p report.Power) node {
	heading := powerTerm(p, term[string])
	if len(p.Reached) == 0 {
		return line(heading + ": " + absence(p.Reached != nil, notRead, v.coverage(), report.ListPowers))
	}
	if v.Subject != nil && len(p.Reached) == 1 && keyOf(p.Reached[0].Principal) == keyOf(*v.Subject) { // others were not asked about
		return node{text: heading + ": " + routeWords(p.Reached[0]), tone: alarm}
	}
	var holders []string
	var routes []*route
	known := map[string]*route{}
	comes := 0
	for _, r := range p.Reached {
		if r.Steps == 0 {
			holders = append(holders, nameOrID(r.Principal))
			continue
		}
		comes++
		words := routeWords(r)
		if known[words] == nil {
			known[words] = &route{steps: r.Steps, words: words}
			routes = append(routes, known[words])
		}
		known[words].who = append(known[words].who, nameOrID(r.Principal))
	}
	n := node{text: heading + ": " + v.reachCount(len(holders), comes), tone: title}
	if len(holders) > 0 {
		n.kids = append(n.kids, line("held by "+strings.Join(holders, ", ")))
	}
	slices.SortStableFunc(routes, func(a, b *route) int {
		return cmp.Or(cmp.Compare(a.steps, b.steps), cmp.Compare(len(b.who), len(a.who)), strings.Compare(a.words, b.words))
	})
	for _, r := range routes {
		n.kids = append(n.kids, node{text: r.words + ": " + strings.Join(r.who, ", "), tone: alarm})
	}
	return n
}

// route is a way to a power with those who take it.
type route struct {
	steps int
	words string
	who   []string
}

// routeWords leave out whoever takes the way, so that all who take it stand together.
func routeWords(r report.Reach) string {
	through := r.Through
	if len(through) > 0 && through[0] == r.Principal.Name {
		through = through[1:]
	}
	s := distanceWords(r.Steps)
	if len(r.Via) > 0 {
		s += " by " + names(r.Via)
	}
	if len(through) > 0 {
		s += " through " + EscapeLine(chain(through, " → "))
	}
	if !r.Certain && r.Steps > 0 {
		s += "; not certain"
	}
	return s
}

func (v escalationsView) chokeNodes() []node {
	var nodes []node
	for _, c := range v.ChokePoints {
		n := line(fmt.Sprintf("%s from %s to %s: the way of %s to %s", term(c.Finding), name(c.From), name(c.To), count(c.Principals, "principal"),
			listedOr(c.Powers, "powers that were not read")))
		if c.Fix != "" {
			n.kids = []node{line("fix: " + EscapeLine(c.Fix))}
		}
		nodes = append(nodes, n)
	}
	return nodes
}
