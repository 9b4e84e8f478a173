package estate

import "databricks-access-audit/core/identity"

// Steps are the fewest steps from each principal to one of them. A step leads to a group that somebody is
// directly in, or to another record of the same person.
type Steps struct {
	e    *Estate
	from []int32 // by index; none where no chain of steps leads there
}

// StepsTo counts the steps to a principal. It costs a walk over everybody who is in it.
func (e *Estate) StepsTo(to identity.PrincipalKey) Steps {
	s := Steps{e, make([]int32, len(e.principals))}
	for i := range s.from {
		s.from[i] = none
	}
	goal, ok := e.index(to)
	if !ok {
		return s
	}
	s.from[goal] = 0
	for queue := []int32{goal}; len(queue) > 0; queue = queue[1:] {
		for _, edges := range [][]int32{e.members[queue[0]], e.same[queue[0]]} {
			for _, i := range edges {
				if s.from[i] == none {
					s.from[i] = s.from[queue[0]] + 1
					queue = append(queue, i)
				}
			}
		}
	}
	return s
}

// From is the number of steps from a principal; ok is false when none lead from it.
func (s Steps) From(k identity.PrincipalKey) (n int, ok bool) {
	i, ok := s.e.index(k)
	if !ok || s.from[i] == none {
		return 0, false
	}
	return int(s.from[i]), true
}
