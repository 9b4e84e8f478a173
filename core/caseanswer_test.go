package core_test

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// item is a few words that a step, an act or a missing fact must all bear; a|b is one of the two.
type item []string

// answer is what a line says of an answer. What it is silent about may be anything.
type answer struct {
	verdict           report.Verdict
	missing           []item
	via               [][]item
	acts, actsInclude []item
	tiers             map[string]string
	caveats           []string
	noCaveats         []string
}

// readAnswer takes all that stands behind the colon.
func readAnswer(r *caseReader) answer {
	r.must(":")
	a := answer{tiers: map[string]string{}}
	a.verdict = report.Verdict(r.one(string(report.Allow), string(report.Indirect), string(report.Unknown), string(report.Deny)))
	for first := true; r.more(); first = false {
		if !first {
			r.must(";")
		}
		switch r.one("missing", "via", "acts", "acts-include", "tiers", "caveat", "no-caveat") {
		case "missing":
			a.missing = readItems(r)
		case "via":
			a.via = append(a.via, readItems(r))
		case "acts":
			a.acts = readItems(r)
		case "acts-include":
			a.actsInclude = readItems(r)
		case "tiers":
			readTiers(r, a.tiers)
		case "caveat":
			a.caveats = append(a.caveats, r.word())
		case "no-caveat":
			a.noCaveats = append(a.noCaveats, r.word())
		}
	}
	return a
}

// readItems takes items with commas between them, up to a semicolon.
func readItems(r *caseReader) []item {
	list := []item{{}}
	for r.more() && r.words[0] != ";" {
		if r.has(",") {
			list = append(list, item{})
			continue
		}
		list[len(list)-1] = append(list[len(list)-1], r.word())
	}
	if slices.ContainsFunc(list, func(i item) bool { return len(i) == 0 }) {
		r.bad("an item has no words")
	}
	return list
}

func readTiers(r *caseReader, into map[string]string) {
	for r.more() && r.words[0] != ";" {
		tier, value := lastCut(r.word())
		into[tier] = value
		switch tier {
		case "granted", "reachable", "exercisable":
		default:
			r.bad("%q is not a tier", tier)
		}
		switch report.Answer(value) {
		case report.Yes, report.No, report.NotKnown:
		default:
			r.bad("%q is not what a tier can be", value)
		}
	}
}

// complaints say where an answer is another one.
func (a answer) complaints(r *report.CanReport) []string {
	var bad []string
	complain := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if r.Verdict != a.verdict {
		complain("the answer is %s: missing %v, acts %v, caveats %q", r.Verdict, missingSets(r), acts(r), r.Caveats)
	}
	if a.missing != nil && !slices.ContainsFunc(missingSets(r), func(set [][]string) bool { return same(a.missing, set) }) {
		complain("what is missing is one of %q", missingSets(r))
	}
	proofs := slices.Concat(r.Proofs, r.Latent) // those of a DENY would come back
	if len(a.via) > 0 && !slices.ContainsFunc(proofs, a.provedBy) {
		complain("no proof has these steps: %s", showProofs(proofs))
	}
	if a.acts != nil && !same(a.acts, acts(r)) {
		complain("the acts are %q", acts(r))
	}
	for _, want := range a.actsInclude {
		if !slices.ContainsFunc(acts(r), want.matches) {
			complain("no act is %q: %q", want, acts(r))
		}
	}
	got := map[string]report.Answer{"granted": r.Tiers.Granted, "reachable": r.Tiers.Reachable, "exercisable": r.Tiers.Exercisable}
	for tier, want := range a.tiers {
		if string(got[tier]) != want {
			complain("%s is %s", tier, got[tier])
		}
	}
	says := func(text string) bool {
		return slices.ContainsFunc(r.Caveats, func(c string) bool { return strings.Contains(strings.ToLower(c), strings.ToLower(text)) })
	}
	for _, text := range a.caveats {
		if !says(text) {
			complain("no caveat says %q: %q", text, r.Caveats)
		}
	}
	for _, text := range a.noCaveats {
		if says(text) {
			complain("a caveat says %q", text)
		}
	}
	return bad
}

// provedBy reports whether a proof has all the chains of steps.
func (a answer) provedBy(p report.Proof) bool {
	for _, chain := range a.via {
		for _, s := range p.Steps {
			if len(chain) > 0 && chain[0].matches(stepWords(s)) {
				chain = chain[1:]
			}
		}
		if len(chain) > 0 {
			return false
		}
	}
	return true
}

// matches reports whether each of the words is among those given.
func (i item) matches(words []string) bool {
	for _, want := range i {
		if !slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return slices.Contains(words, w) }) {
			return false
		}
	}
	return true
}

// same reports whether each of the items has one of its own.
func same(items []item, got [][]string) bool {
	left := slices.Clone(got)
	for _, i := range items {
		at := slices.IndexFunc(left, i.matches)
		if at < 0 {
			return false
		}
		left = slices.Delete(left, at, at+1)
	}
	return len(left) == 0
}

func filled(words ...string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

func securableWord(s *report.Securable) string {
	if s == nil {
		return ""
	}
	return s.FullName
}

func objectWord(o *report.ObjectRef) string {
	if o == nil {
		return ""
	}
	return o.Name
}

func stepWords(s report.Step) []string {
	return filled(s.Kind, s.Principal, s.Group, string(s.Privilege), securableWord(s.Securable), s.Workspace, objectWord(s.Object), s.Detail)
}

func missingSets(r *report.CanReport) [][][]string {
	var sets [][][]string
	for _, set := range r.Missing {
		var facts [][]string
		for _, m := range set.Facts {
			facts = append(facts, filled(m.Kind, string(m.Privilege), securableWord(m.Securable), m.Workspace, objectWord(m.Object), m.Principal, m.Detail))
		}
		sets = append(sets, facts)
	}
	return sets
}

func acts(r *report.CanReport) [][]string {
	var list [][]string
	for _, a := range r.Acts {
		list = append(list, filled(a.Kind, string(a.Privilege), securableWord(a.Securable), a.Principal, a.Role, a.Workspace, objectWord(a.Object), a.Level))
	}
	return list
}

func showProofs(proofs []report.Proof) string {
	var b strings.Builder
	for _, p := range proofs {
		fmt.Fprintf(&b, "\n\tin %s:", p.Workspace)
		for _, s := range p.Steps {
			fmt.Fprintf(&b, "\n\t\t%s", strings.Join(stepWords(s), " "))
		}
	}
	return b.String()
}
