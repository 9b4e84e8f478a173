package formatters

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

func (v escalationsView) answer() []node {
	first := node{text: v.sentence(), tone: title}
	if len(v.Findings) > 0 {
		first.tone = alarm
	}
	nodes := []node{first}
	if v.Subject != nil {
		if own := v.own(); len(own) > 0 {
			nodes = append(nodes, node{text: "Comes to: " + strings.Join(upTo(own, maxPlaces), ", ") + ".", tone: alarm})
		}
		return append(nodes, v.cutFirst()...)
	}
	for _, p := range v.powers() {
		nodes = append(nodes, line(v.within(p)))
	}
	return append(nodes, v.cutFirst()...)
}

// sentence answers the question: who can come to more, how bad it is, and how sure that is.
func (v escalationsView) sentence() string {
	s := v.ways()
	if n := len(v.Findings) - v.certain(); n > 0 {
		s += fmt.Sprintf(" (%d not certain)", n)
	}
	if n := len(v.NotLookedAt); len(v.Findings) == 0 && n > 0 {
		s += "; " + overlooked(n)
	}
	return s + "; " + v.coverage().clause() + "."
}

func overlooked(kinds int) string {
	if kinds == 1 {
		return "1 kind of way was not looked at"
	}
	return fmt.Sprintf("%d kinds of way were not looked at", kinds)
}

func (v escalationsView) ways() string {
	whole := v.coverage().certain(report.ListFindings)
	if v.Subject != nil {
		who := subjectTerm(*v.Subject)
		switch {
		case v.Findings == nil:
			return "Whether " + who + " can escalate was not read"
		case len(v.Findings) > 0 && v.certain() == 0:
			return who + " can perhaps escalate: " + tallied(v.Findings)
		case len(v.Findings) > 0:
			return who + " can escalate: " + tallied(v.Findings)
		case whole:
			return who + " cannot escalate by any way that was looked for"
		default:
			return "No way was seen by which " + who + " can escalate"
		}
	}
	switch {
	case v.Findings == nil:
		return "Who can escalate was not read"
	case len(v.Findings) > 0:
		return count(len(subjects(v.Findings)), "principal") + " can escalate, in " + count(len(v.Findings), "finding") + ": " + tallied(v.Findings)
	case whole:
		return "Nobody can escalate by any way that was looked for"
	default:
		return "No way was seen by which anybody can escalate"
	}
}

// certain counts the findings that rest on facts alone.
func (v escalationsView) certain() int {
	n := 0
	for _, f := range v.Findings {
		if f.Certain {
			n++
		}
	}
	return n
}

// powers are the powers of one sort together, those that reach furthest first.
func (v escalationsView) powers() [][]report.Power {
	sorted := slices.SortedStableFunc(slices.Values(v.Powers), func(a, b report.Power) int { return compareRoles(a.Power, b.Power) })
	var all [][]report.Power
	for i, p := range sorted {
		if i == 0 || p.Power != sorted[i-1].Power {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], p)
	}
	return all
}

// within counts who holds powers of one sort and who can come to one, each principal once.
func (v escalationsView) within(same []report.Power) string {
	holds, comes := map[principalKey]bool{}, map[principalKey]bool{}
	read := true
	for _, p := range same {
		read = read && p.Reached != nil
		for _, r := range p.Reached {
			if r.Steps == 0 {
				holds[keyOf(r.Principal)] = true
			}
		}
	}
	for _, p := range same {
		for _, r := range p.Reached {
			if k := keyOf(r.Principal); r.Steps > 0 && !holds[k] {
				comes[k] = true
			}
		}
	}
	s := capital(powerTerm(same[0], shortName))
	if len(same) > 1 {
		s = capital(roleNoun(same[0].Power)) + fmt.Sprintf(" of any of %d", len(same))
	}
	s += ": " + v.reachCount(len(holds), len(comes)) + "."
	if !read {
		s += " Not all of it was read."
	}
	return s
}

// reachCount says how many hold a power and how many can come to it, as surely as it is known.
func (v escalationsView) reachCount(holds, comes int) string {
	certain := v.coverage().certain(report.ListPowers)
	count := func(n int, none, noneSeen, one, several string) string {
		switch {
		case n == 0 && certain:
			return none
		case n == 0:
			return noneSeen
		case !certain:
			return fmt.Sprintf("at least %d %s", n, several)
		case n == 1:
			return "1 " + one
		default:
			return fmt.Sprintf("%d %s", n, several)
		}
	}
	return count(holds, "nobody holds it", "nobody was seen to hold it", "holds it", "hold it") + ", " +
		count(comes, "nobody else can come to it", "nobody else was seen who can come to it", "more can come to it", "more can come to it")
}

// own are the powers of the one asked about, the strongest first, each with how far it is.
func (v escalationsView) own() []string {
	var all []string
	for _, same := range v.powers() {
		for _, p := range same {
			for _, r := range p.Reached {
				if keyOf(r.Principal) == keyOf(*v.Subject) {
					all = append(all, powerTerm(p, shortName)+" ("+distanceWords(r.Steps)+")")
					break
				}
			}
		}
	}
	return all
}

func distanceWords(steps int) string {
	if steps == 0 {
		return "held"
	}
	return "in " + count(steps, "step")
}

// powerTerm is a power with where it holds.
func powerTerm(p report.Power, show func(string) string) string {
	if p.Scope == account {
		return roleNoun(p.Power)
	}
	return roleNoun(p.Power) + " of " + show(p.Scope)
}

// cutFirst is the choke point whose removal stops the most.
func (v escalationsView) cutFirst() []node {
	if len(v.ChokePoints) == 0 {
		return nil
	}
	c := v.ChokePoints[0]
	s := fmt.Sprintf("Cut first: %s from %s to %s, the way of %s to power", term(c.Finding), sentenceTerm(c.From), sentenceTerm(c.To), count(c.Principals, "principal"))
	if c.Fix != "" {
		s += ": " + sentenceTerm(c.Fix)
	}
	return []node{{text: s + ".", tone: alarm}}
}
