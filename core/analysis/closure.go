package analysis

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// state is somebody whom the one asked about can act as, and how it comes to.
type state struct {
	as      int32
	path    report.Path // up to whom it acts as
	acts    []string
	steps   int
	certain bool
	why     string
}

// of tells of one identity: of every edge that one of its own takes, and of those that it comes to by
// acting as others, nearest first, each once, with the way to the holder. It reports whether the identity
// is active: a deactivated one takes none.
func (q *escalation) of(s *access.Subject, tell func(f report.Finding, e *edge, way []int32)) (active bool) {
	if !q.active(q.number(s.Key())) {
		return false
	}
	told := map[*edge]bool{}
	seen := map[int32]bool{}
	for _, k := range s.Identities() {
		seen[q.number(k)] = true
	}
	var queue, doubtful []state // a way that is certain counts before a shorter one that is not
	lead := func(from state, f report.Finding, e *edge) {
		if !e.leads() || from.steps+1 >= maxActs {
			return
		}
		next := state{acts: f.Acts, steps: from.steps + 1, certain: f.Certain && !e.doubtful, why: f.Why}
		if e.doubtful && next.why == "" {
			next.why = "it takes circumstances that no fact shows: " + e.gains
		}
		for _, i := range q.targets(e) {
			next.as, next.path = i, append(slices.Clone(f.Path), q.name(i))
			switch {
			case seen[i]:
			case next.certain:
				seen[i] = true
				queue = append(queue, next)
			default:
				doubtful = append(doubtful, next)
			}
		}
	}
	holds := q.holdings(s)
	for _, e := range q.edges {
		f, ok := q.own(s, e, holds(e.holder))
		if !ok {
			continue
		}
		told[e] = true
		tell(f, e, q.wayOf(s, e))
		lead(state{}, f, e)
	}
	// Of each holder only the edges are looked at that nobody took so far.
	rest := map[int32][]*edge{}
	restOf := func(holder int32) []*edge {
		edges, looked := rest[holder]
		if !looked && q.keys[holder] != identity.AccountUsers() { // its own already, or in the case of a group its members'
			edges = slices.DeleteFunc(slices.Clone(q.byHolder[holder]), func(e *edge) bool { return told[e] || e.personal || q.already(s, e) })
		}
		return edges
	}
	for len(queue)+len(doubtful) > 0 {
		if len(queue) == 0 {
			queue, doubtful = doubtful[:1:1], doubtful[1:]
			if seen[queue[0].as] {
				queue = nil
				continue
			}
			seen[queue[0].as] = true
		}
		at := queue[0]
		queue = queue[1:]
		for _, i := range q.identities(at.as) {
			rest[i] = slices.DeleteFunc(restOf(i), func(e *edge) bool {
				if !q.passes(at.as, e) {
					return false
				}
				f := q.others(s, at, e)
				tell(f, e, q.circle(e.holder).way(at.as))
				lead(at, f, e)
				return true
			})
		}
	}
	return true
}

// passes says whether somebody whom the subject acts as may take an edge.
func (q *escalation) passes(as int32, e *edge) bool {
	return slices.ContainsFunc(gatesOf(e), func(g gate) bool {
		return g.in == 0 || !q.person(as) || q.assigned(as, g.in) != access.Denied
	})
}

// targets are whom an edge leads to acting as.
func (q *escalation) targets(e *edge) []int32 {
	if e.toward.identity != none {
		return []int32{e.toward.identity}
	}
	return q.crowds[e.toward.crowd].in
}

// wayOf is the way from the subject to the holder of an edge, as far as it is known.
func (q *escalation) wayOf(s *access.Subject, e *edge) []int32 {
	me := q.number(s.Key())
	if c := q.circle(e.holder); c.has(me) {
		return c.way(me)
	}
	return nil
}

// holding is what a subject is of a holder of edges.
type holding struct {
	h      estate.Holder
	is     access.Verdict
	looked bool
}

// holdings tells what a subject is of each holder of edges, of whom some hold thousands.
func (q *escalation) holdings(s *access.Subject) func(holder int32) holding {
	known := make([]holding, len(q.keys))
	return func(holder int32) holding {
		if !known[holder].looked {
			known[holder] = q.holding(s, holder)
		}
		return known[holder]
	}
}

func (q *escalation) holding(s *access.Subject, holder int32) holding {
	k := q.keys[holder]
	h := estate.Holder{Key: k, Name: q.name(holder)}
	if _, known := q.e.Principal(k); !known && k.Workspace == 0 {
		h = estate.Holder{Name: k.ID} // nobody that was read: only a name
	}
	if s.Key().Kind == identity.KindGroup && q.everybodys(holder) && s.Key() != k {
		return holding{h, access.Denied, true} // what everybody has is not the group's
	}
	return holding{h, s.Means(h, k.Workspace), true}
}

// own is an edge that one of the subject's own identities takes.
func (q *escalation) own(s *access.Subject, e *edge, as holding) (report.Finding, bool) {
	k, h, v := q.keys[e.holder], as.h, as.is
	if v == access.Denied {
		return report.Finding{}, false
	}
	for _, in := range e.in {
		if _, assigned := s.Assigned(in); assigned != access.Denied || s.Key().Kind == identity.KindGroup {
			v = access.All(v, access.Any(assigned, access.Holds(s.Key().Kind == identity.KindGroup)))
			break
		}
		if in == e.in[len(e.in)-1] {
			v = access.Denied
		}
	}
	if v == access.Denied || e.personal && s.Key() != k || q.already(s, e) {
		return report.Finding{}, false
	}
	f := q.finding(e)
	f.Subject = q.describe(q.number(s.Key()))
	f.Path = report.Path{q.name(q.number(s.Key())), wayUnknown, h.Name}
	if !h.Key.IsZero() {
		f.Path = s.PathTo(k)
	}
	why := e.why
	if e.holds != nil {
		switch e.holds(s) {
		case access.Denied:
			return report.Finding{}, false
		case access.Unknown:
			why = "whether it may enter what it is in was not read"
		case access.Allowed:
		}
	}
	if v == access.Unknown && why == "" {
		why = "whether it is " + h.Name + ", or in it, or a user of the workspace, was not read"
	}
	f.Certain, f.Why = why == "", why
	return f, true
}

// already reports whether the edge leads to what the subject is anyway.
func (q *escalation) already(s *access.Subject, e *edge) bool {
	t := e.toward.identity
	return t != none && s.In(q.keys[t]) == access.Allowed
}

// others is an edge that somebody takes whom the subject acts as.
func (q *escalation) others(s *access.Subject, at state, e *edge) report.Finding {
	f := q.finding(e)
	f.Subject = q.describe(q.number(s.Key()))
	f.Path = append(slices.Clone(at.path), q.path(q.circle(e.holder).way(at.as))[1:]...)
	f.Acts = append(slices.Clone(at.acts), e.acts...)
	if f.Certain && !at.certain {
		f.Certain, f.Why = false, at.why
	}
	return f
}
