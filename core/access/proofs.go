package access

import (
	"cmp"
	"iter"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// maxProofs is how many proofs are kept: a report that listed more would not be read.
const maxProofs = 50

// proofs gives the smallest sets of evidence that make an allowed clause hold, the shortest first and in
// the order in which a person would tell it, and whether there are more than are kept.
func (s *Subject) proofs(c *clause) (found [][]evidence, more bool) {
	p := prover{numbers: map[evidence]int32{}}
	chains, more := p.prove(s, c)
	for _, c := range chains {
		told := make([]evidence, 0, len(c.told))
		for _, i := range c.told {
			told = append(told, p.evidence[i])
		}
		found = append(found, told)
	}
	return found, more
}

// prover numbers the evidence that it meets. Where two memberships have fifty ways each, two and a half
// thousand chains are compared, and evidence is too large for that.
type prover struct {
	numbers  map[evidence]int32
	evidence []evidence
	fact     []int32 // per piece of evidence, the number of what it rests on, or noFact
}

// noFact stands for what follows from how Databricks works.
const noFact = int32(-1)

func (p *prover) number(e evidence) int32 {
	if i, ok := p.numbers[e]; ok {
		return i
	}
	i := int32(len(p.evidence))
	p.numbers[e] = i
	p.evidence, p.fact = append(p.evidence, e), append(p.fact, i)
	switch fact := e.fact(); {
	case e.rule():
		p.fact[i] = noFact
	case fact != e:
		p.fact[i] = p.number(fact)
	}
	return i
}

// chain is evidence by its numbers.
type chain struct {
	told  []int32 // in the order of telling
	facts []int32 // what it rests on, in order and each once
}

// prove gives the chains that make an allowed clause hold.
func (p *prover) prove(s *Subject, c *clause) (found []chain, more bool) {
	switch {
	case c.verdict != Allowed:
		return nil, false
	case c.of != nil:
		return p.prove(c.of, c.parts[0])
	case c.leaf:
		return p.tell(s, c.shown)
	case !c.every:
		for _, part := range c.parts {
			of, cut := p.prove(s, part)
			found, more = append(found, of...), more || cut
		}
	default:
		found = []chain{{}}
		for _, part := range c.parts {
			of, cut := p.prove(s, part)
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

// joined puts every chain of one list before every chain of the other, each piece of evidence once.
func joined(before, after []chain) []chain {
	list := make([]chain, 0, len(before)*len(after))
	for _, a := range before {
		for _, b := range after {
			told := append(make([]int32, 0, len(a.told)+len(b.told)), a.told...)
			for _, e := range b.told {
				if !slices.Contains(told, e) {
					told = append(told, e)
				}
			}
			list = append(list, chain{told, union(a.facts, b.facts)})
		}
	}
	return list
}

// union merges two lists that are in order.
func union(a, b []int32) []int32 {
	list := make([]int32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch least := min(a[0], b[0]); {
		case a[0] != least:
			list, b = append(list, least), b[1:]
		case b[0] != least:
			list, a = append(list, least), a[1:]
		default:
			list, a, b = append(list, least), a[1:], b[1:]
		}
	}
	return append(append(list, a...), b...)
}

// shortest orders chains by the number of facts, drops those that hold all the facts of another, and
// keeps the first few.
func shortest(list []chain) (kept []chain, more bool) {
	slices.SortStableFunc(list, func(a, b chain) int {
		return cmp.Or(cmp.Compare(len(a.facts), len(b.facts)), cmp.Compare(len(a.told), len(b.told)))
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
	facts := c.facts
	for _, f := range other.facts {
		i, found := slices.BinarySearch(facts, f)
		if !found {
			return false
		}
		facts = facts[i+1:]
	}
	return true
}

func (p *prover) chain(told []evidence) chain {
	var c chain
	for _, e := range told {
		i := p.number(e)
		c.told = append(c.told, i)
		if p.fact[i] != noFact {
			c.facts = append(c.facts, p.fact[i])
		}
	}
	slices.Sort(c.facts)
	c.facts = slices.Compact(c.facts)
	return c
}

// tell unfolds a leaf: a membership into the ways that lead to it, anything else into itself.
func (p *prover) tell(s *Subject, e evidence) (ways []chain, more bool) {
	if e.kind != member {
		return []chain{p.chain([]evidence{e})}, false
	}
	group := s.e.Canonical(e.group)
	if group == identity.WorkspaceUsers(group.Workspace) || group == identity.WorkspaceAdmins(group.Workspace) {
		return p.tellWorkspaceGroup(s, e)
	}
	paths, omitted := s.Paths(group)
	if len(paths) == 0 {
		paths = []Path{s.looseWay(group)}
	}
	for _, path := range paths {
		ways = append(ways, p.chain(s.stepsOf(path)))
	}
	return ways, omitted != 0
}

// tellWorkspaceGroup unfolds the membership in the users or admins of a workspace into the ways to be
// assigned there.
func (p *prover) tellWorkspaceGroup(s *Subject, e evidence) (ways []chain, more bool) {
	least := identity.WorkspaceUser
	if e.group == identity.WorkspaceAdmins(e.group.Workspace) {
		least = identity.WorkspaceAdmin
	}
	assigned, more := p.prove(s, s.clauses().assignedAs(e.group.Workspace, least))
	mirror := p.chain([]evidence{{kind: mirrors, from: s.key, group: e.group, workspace: e.group.Workspace}})
	for _, c := range assigned {
		ways = append(ways, chain{slices.Concat(c.told, mirror.told), union(c.facts, mirror.facts)})
	}
	return ways, more
}

// stepsOf turns a path into its steps.
func (s *Subject) stepsOf(p Path) []evidence {
	steps := []evidence{}
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
