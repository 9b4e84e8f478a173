package access

import (
	"slices"

	"databricks-access-audit/core/estate"
)

// clause is a condition together with what it is made of: the rules read with the facts for and
// against them.
type clause struct {
	verdict Verdict
	// A leaf has evidence, another clause has parts; every says whether all of them must hold.
	leaf  bool
	every bool
	shown evidence
	parts []*clause
	// wanted is what would make the clause hold; its parts are then not asked for it.
	wanted lack
	// of is whom the parts are about, where that is not the subject that the clause is for.
	of *Subject
	// shares says that whoever the parts are about is in the subject, and so has what it is given.
	shares bool
}

// clauses reads the rules with the facts for and against them.
type clauses struct{}

func (clauses) fact(v Verdict, e evidence) *clause {
	return &clause{verdict: v, leaf: true, shown: e}
}

func (clauses) any(parts ...*clause) *clause {
	return &clause{verdict: Any(verdictsOf(parts)...), parts: parts}
}

func (clauses) all(parts ...*clause) *clause {
	return &clause{verdict: All(verdictsOf(parts)...), every: true, parts: parts}
}

func (clauses) need(condition *clause, l lack) *clause {
	condition.wanted = l
	return condition
}

func (clauses) by(who, instead *Subject, condition *clause) *clause {
	shares := who.In(instead.key) == Allowed
	return &clause{verdict: condition.verdict, every: true, parts: []*clause{condition}, of: who, shares: shares}
}

func verdictsOf(parts []*clause) []Verdict {
	vs := make([]Verdict, len(parts))
	for i, p := range parts {
		vs[i] = p.verdict
	}
	return vs
}

func (s *Subject) clauses() rules[*clause] { return rules[*clause]{s, clauses{}} }

// want is one condition that does not hold, or of which it is not known.
type want struct {
	lack
	known bool
	read  estate.ReadKey // what was not read, when it is not known
}

// personal reports whether it is for one principal: what another lacks, the subject cannot be given.
func (w want) personal() bool {
	return w.kind != lackMetastore && w.kind != lackBinding && w.kind != lackStorage
}

// wants gives the smallest sets of conditions that would make a clause hold that does not.
func (c *clause) wants() [][]want {
	switch {
	case c.verdict == Allowed:
		return [][]want{{}}
	case c.wanted.kind != lackNothing:
		return [][]want{{{lack: c.wanted, known: c.verdict == Denied, read: c.gap()}}}
	case c.leaf && c.verdict == Unknown:
		return [][]want{{{lack: lack{kind: lackMembership}, read: c.shown.read}}}
	case c.leaf:
		return nil // nothing would make it hold
	case c.of != nil && !c.shares:
		return slices.DeleteFunc(c.parts[0].wants(), func(set []want) bool { return slices.ContainsFunc(set, want.personal) })
	case c.every:
		sets := [][]want{{}}
		for _, part := range c.parts {
			sets = combined(sets, part.wants())
		}
		return sets
	default:
		var sets [][]want
		for _, part := range c.parts {
			sets = append(sets, part.wants()...)
		}
		return sets
	}
}

func combined(sets, with [][]want) [][]want {
	var list [][]want
	for _, a := range sets {
		for _, b := range with {
			both := slices.Clone(a)
			for _, w := range b {
				if !slices.ContainsFunc(both, func(have want) bool { return have.lack == w.lack }) {
					both = append(both, w)
				}
			}
			list = append(list, both)
		}
	}
	return list
}

// gap is the first read whose absence leaves the clause unknown.
func (c *clause) gap() estate.ReadKey {
	if c.verdict != Unknown {
		return estate.ReadKey{}
	}
	if c.leaf {
		return c.shown.read
	}
	for _, part := range c.parts {
		if part.verdict == Unknown {
			return part.gap()
		}
	}
	return estate.ReadKey{}
}
