package analysis

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// asked are those whose ways to power are told: every active user and service principal, or the one
// identity.
func (q *escalation) asked() []int32 {
	if q.who != nil {
		return []int32{q.number(*q.who)}
	}
	var list []int32
	for i := range q.keys {
		if n := int32(i); q.person(n) && q.first(n) && q.active(n) {
			list = append(list, n)
		}
	}
	return list
}

// field is where the way of somebody to a power is told from: the ways that are certain, before those
// that are only possible.
func (q *escalation) field(power int, i int32) (f field, certain bool) {
	switch certain, possible := q.certain[power], q.possible[power]; {
	case certain == nil: // nobody who is asked about comes to it
		return nil, false
	case certain[i].left != noWay:
		return certain, true
	case possible[i].left != noWay:
		return possible, false
	default:
		return nil, false
	}
}

// reached lists who comes to each power.
func (q *escalation) reached() {
	asked := q.asked()
	for n, p := range q.powers {
		row := report.Power{Power: p.kind, Scope: p.scope, Reached: []report.Reach{}}
		for _, i := range asked {
			f, certain := q.field(n, i)
			if f == nil {
				continue
			}
			row.Reached = append(row.Reached, q.reach(f, i, certain))
		}
		slices.SortStableFunc(row.Reached, func(a, b report.Reach) int {
			return cmp.Or(
				cmp.Compare(a.Steps, b.Steps),
				strings.Compare(identity.FoldName(a.Principal.Name), identity.FoldName(b.Principal.Name)),
				strings.Compare(a.Principal.Kind, b.Principal.Kind), strings.Compare(a.Principal.ID, b.Principal.ID),
			)
		})
		q.r.Powers = append(q.r.Powers, row)
	}
}

// reach tells one way, and draws it.
func (q *escalation) reach(f field, from int32, certain bool) report.Reach {
	r := report.Reach{Principal: q.describe(from), Steps: int(f[from].left), Via: []string{}, Through: report.Path{}, Certain: certain}
	q.walk(f, from, func(e *edge, way []int32, as int32) {
		names := q.path(way)
		if len(r.Through) > 0 {
			names = names[1:] // whom the last step acts as was named by it
		}
		r.Through = append(r.Through, names...)
		q.draw.way(way)
		if e == nil {
			return
		}
		r.Via = append(r.Via, e.id)
		q.draw.finding(e)
		if as != none {
			r.Through = append(r.Through, q.name(as))
			q.draw.acting(e, as)
		}
	})
	return r
}

// walk goes the way from somebody to a power: at each stop the way by memberships to a holder, the edge
// taken there, nil at the end, and whom it acts as then.
func (q *escalation) walk(f field, from int32, stop func(e *edge, way []int32, as int32)) {
	for i := from; i != none; {
		s := f[i]
		way := q.circle(s.holder).way(i)
		if s.edge == none {
			stop(nil, way, none)
			return
		}
		stop(q.edges[s.edge], way, s.to)
		i = s.to
	}
}

// chokePoints counts who comes to any power through each edge.
func (q *escalation) chokePoints() {
	type passage struct {
		count, last int32
		powers      map[int]bool
	}
	passages := map[*edge]*passage{}
	for _, i := range q.asked() {
		for n := range q.powers {
			f, _ := q.field(n, i)
			if f == nil {
				continue
			}
			q.walk(f, i, func(e *edge, _ []int32, _ int32) {
				if e == nil {
					return
				}
				p := passages[e]
				if p == nil {
					p = &passage{last: none, powers: map[int]bool{}}
					passages[e] = p
				}
				p.powers[n] = true
				if p.last != i {
					p.last = i
					p.count++
				}
			})
		}
	}
	for e, p := range passages {
		e.told()
		point := report.ChokePoint{
			Finding: e.id, From: q.name(e.holder), To: q.towards(e), Principals: int(p.count), Powers: []string{}, Fix: e.fix,
		}
		for n := range p.powers {
			point.Powers = append(point.Powers, q.powers[n].String())
		}
		slices.Sort(point.Powers)
		q.r.ChokePoints = append(q.r.ChokePoints, point)
	}
	slices.SortFunc(q.r.ChokePoints, func(a, b report.ChokePoint) int {
		return cmp.Or(
			cmp.Compare(b.Principals, a.Principals), strings.Compare(a.Finding, b.Finding), strings.Compare(a.From, b.From),
			strings.Compare(a.To, b.To), strings.Compare(a.Fix, b.Fix), slices.Compare(a.Powers, b.Powers),
		)
	})
}

// towards names what an edge leads to.
func (q *escalation) towards(e *edge) string {
	switch t := e.toward; {
	case t.power:
		return "every metastore and workspace"
	case t.identity != none:
		return q.name(t.identity)
	default:
		return q.crowds[t.crowd].name
	}
}
