package access

import (
	"cmp"
	"iter"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
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

// maxProofs is how many proofs are kept: a report that listed more would not be read.
const maxProofs = 50

// chain is evidence in the order in which a person would tell it.
type chain []evidence

// proofs gives the smallest sets of evidence that make an allowed clause hold, the shortest first,
// and whether there are more than are kept.
func (s *Subject) proofs(c *clause) (found []chain, more bool) {
	switch {
	case c.verdict != Allowed:
		return nil, false
	case c.of != nil:
		return c.of.proofs(c.parts[0])
	case c.leaf:
		return s.tell(c.shown)
	case !c.every:
		for _, part := range c.parts {
			of, cut := s.proofs(part)
			found, more = append(found, of...), more || cut
		}
	default:
		found = []chain{{}}
		for _, part := range c.parts {
			of, cut := s.proofs(part)
			found, more = joined(found, of), more || cut
			var kept bool
			if found, kept = shortest(found); kept {
				more = true
			}
		}
	}
	found, cut := shortest(found)
	return found, more || cut
}

// joined puts every chain of one list before every chain of the other, each fact once.
func joined(before, after []chain) []chain {
	list := make([]chain, 0, len(before)*len(after))
	for _, a := range before {
		for _, b := range after {
			both := slices.Clone(a)
			for _, e := range b {
				if !slices.Contains(both, e) {
					both = append(both, e)
				}
			}
			list = append(list, both)
		}
	}
	return list
}

// shortest orders chains by the number of facts, drops those that hold all the facts of another, and
// keeps the first few.
func shortest(list []chain) (kept []chain, more bool) {
	slices.SortStableFunc(list, func(a, b chain) int {
		return cmp.Or(cmp.Compare(a.facts(), b.facts()), cmp.Compare(len(a), len(b)))
	})
	for _, c := range list {
		if slices.ContainsFunc(kept, c.holds) {
			continue
		}
		if len(kept) == maxProofs {
			return kept, true
		}
		kept = append(kept, c)
	}
	return kept, false
}

// holds reports whether every fact of the other chain is among these.
func (c chain) holds(other chain) bool {
	return !slices.ContainsFunc(other, func(e evidence) bool { return !e.rule() && !slices.ContainsFunc(c, e.sameFact) })
}

// facts counts the different facts.
func (c chain) facts() (n int) {
	for i, e := range c {
		if !e.rule() && !slices.ContainsFunc(c[:i], e.sameFact) {
			n++
		}
	}
	return n
}

// tell unfolds a leaf: a membership into the ways that lead to it, anything else into itself.
func (s *Subject) tell(e evidence) (ways []chain, more bool) {
	if e.kind != member {
		return []chain{{e}}, false
	}
	group := s.e.Canonical(e.group)
	if group == identity.WorkspaceUsers(group.Workspace) || group == identity.WorkspaceAdmins(group.Workspace) {
		return s.tellWorkspaceGroup(e)
	}
	paths, omitted := s.Paths(group)
	if len(paths) == 0 {
		paths = []Path{s.looseWay(group)}
	}
	for _, p := range paths {
		ways = append(ways, s.stepsOf(p))
	}
	return ways, omitted != 0
}

// tellWorkspaceGroup unfolds the membership in the users or admins of a workspace into the ways to be
// assigned there.
func (s *Subject) tellWorkspaceGroup(e evidence) (ways []chain, more bool) {
	least := identity.WorkspaceUser
	if e.group == identity.WorkspaceAdmins(e.group.Workspace) {
		least = identity.WorkspaceAdmin
	}
	assigned, more := s.proofs(s.clauses().assignedAs(e.group.Workspace, least))
	for _, c := range assigned {
		ways = append(ways, append(c, evidence{kind: mirrors, from: s.key, group: e.group, workspace: e.group.Workspace}))
	}
	return ways, more
}

// stepsOf turns a path into its steps.
func (s *Subject) stepsOf(p Path) chain {
	steps := chain{}
	for i := 1; i < len(p); i++ {
		at := evidence{kind: step, from: p[i-1], group: p[i], read: estate.ReadKey{Op: estate.OpMembers, Principal: p[i]}}
		switch {
		case in(s.e.SamePerson(p[i-1]), p[i]):
			at.read = estate.ReadKey{Op: estate.OpAliases, Principal: s.key}
		case p[i] != identity.AccountUsers() && !in(s.e.Parents(p[i-1]), p[i]):
			at.kind, at.read = above, estate.ReadKey{Op: estate.OpParents, Principal: p[i-1]}
		}
		steps = append(steps, at)
	}
	return steps
}

func in(keys iter.Seq[identity.PrincipalKey], k identity.PrincipalKey) bool {
	return slices.Contains(slices.Collect(keys), k)
}

// looseWay is a shortest way to an identity to which no chain of memberships leads: some of its steps
// are facts that leave out what lies between.
func (s *Subject) looseWay(to identity.PrincipalKey) Path {
	from := map[identity.PrincipalKey]identity.PrincipalKey{s.key: s.key}
	for queue := []identity.PrincipalKey{s.key}; len(queue) > 0; queue = queue[1:] {
		k := queue[0]
		next := slices.Collect(s.e.Parents(k))
		next = slices.AppendSeq(next, s.e.SamePerson(k))
		next = slices.AppendSeq(next, s.e.Ancestors(k))
		if k == s.key {
			next = append(next, s.joined...)
		}
		for _, n := range next {
			if _, seen := from[n]; !seen {
				from[n] = k
				queue = append(queue, n)
			}
		}
	}
	path := Path{to}
	for k := to; k != s.key; k = from[k] {
		path = append(path, from[k])
	}
	slices.Reverse(path)
	return path
}

// want is one condition that does not hold, or of which it is not known.
type want struct {
	lack
	known bool
	read  estate.ReadKey // what was not read, when it is not known
}

// personal reports whether it is for one principal: what another lacks, the subject cannot be given.
func (w want) personal() bool { return w.kind != lackMetastore && w.kind != lackBinding }

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
