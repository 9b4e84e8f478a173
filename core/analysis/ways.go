package analysis

import (
	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Ways are what Escalations tells, before anything of it is told: for whoever needs to know what of it is
// new in another model, and not what there is altogether. It is for one goroutine.
type Ways struct{ *escalation }

// WaysOver finds the ways to more over a model, for one identity or with who nil for everybody.
func WaysOver(m *access.Model, who *identity.PrincipalKey) Ways { return Ways{newEscalation(m, who)} }

// NewSince gives the findings, in the order of Escalations, that the ways over an earlier model do not have,
// for the same identity or for everybody. A finding is the same as one that is there if it is of the same
// principal, has the same entry of the catalogue and as many acts, and leads to the same. The earlier ways are
// looked at in a goroutine of their own.
func (w Ways) NewSince(old Ways) []report.Finding {
	type telling struct {
		way
		tell func() report.Finding
	}
	had, has := map[way]bool{}, []telling{}
	access.Together(
		func() { old.each(func(k way, _ func() report.Finding) { had[k] = true }) },
		func() { w.each(func(k way, tell func() report.Finding) { has = append(has, telling{k, tell}) }) },
	)
	findings := []report.Finding{}
	for _, one := range has {
		if !had[one.way] {
			findings = append(findings, one.tell())
		}
	}
	sortFindings(findings)
	return findings
}

// Powers are those that the identity asked about has, or comes to by steps of its own, perhaps; without the
// ways there.
func (w Ways) Powers() []report.Power {
	comes := w.comesTo(w.number(*w.who))
	var list []report.Power
	for n, p := range w.powers {
		if comes[n] {
			list = append(list, report.Power{Power: p.kind, Scope: p.scope})
		}
	}
	return list
}

// way is what makes a finding the same as one over another model, where principals have other numbers.
type way struct {
	id, gains       string
	acts            int // with those that lead to acting as the holder
	subject, toward identity.PrincipalKey
	securable       identity.Securable
	object          identity.Object
}

// each gives everything that there is to be told.
func (w Ways) each(yield func(k way, tell func() report.Finding)) {
	if w.who == nil {
		for _, e := range w.edges {
			yield(w.way(e, w.keys[e.holder], 0), func() report.Finding { return w.finding(e) })
		}
		return
	}
	subject := w.keys[w.number(*w.who)]
	w.of(w.m.Subject(*w.who), func(f report.Finding, e *edge, _ []int32) {
		yield(w.way(e, subject, len(f.Acts)), func() report.Finding { return f })
	})
}

func (w Ways) way(e *edge, subject identity.PrincipalKey, acts int) way {
	k := way{id: e.id, gains: e.gains, acts: acts, subject: subject, securable: e.about(), object: e.toward.object}
	if t := e.toward.identity; t != none {
		k.toward = w.keys[t]
	}
	return k
}
