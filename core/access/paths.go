package access

import (
	"slices"

	"databricks-access-audit/core/identity"
)

// The limits of the search for paths: a report that listed more would not be read, and groups that
// nest in circles can have more paths than can be counted.
const (
	maxPaths     = 50
	maxPathSteps = 20_000
)

// Path is a chain of principals, each a direct member of the next or the same person, from the
// subject to the last.
type Path []identity.PrincipalKey

// Paths finds the ways from the subject to one of its identities that pass nobody twice, shortest
// first, then in order of keys. At most 50 are given: omitted is then the number left out, or -1
// when counting them would take too long. A membership that is known without its way has no path.
func (s *Subject) Paths(to identity.PrincipalKey) (paths []Path, omitted int) {
	goal, ok := s.place[s.e.Canonical(to)]
	if !ok {
		return nil, 0
	}
	search := pathSearch{s: s, goal: goal, distance: s.distances(goal), steps: maxPathSteps, on: make([]bool, len(s.identities))}
	if search.distance[0] == unreachable {
		return nil, 0
	}
	for length := int(search.distance[0]); length < len(s.identities); length++ {
		search.find(0, length)
		if search.steps <= 0 {
			return search.found, -1
		}
	}
	return search.found, search.extra
}

// Shortest is the first of Paths, or nil when there is none.
func (s *Subject) Shortest(to identity.PrincipalKey) Path {
	goal, ok := s.place[s.e.Canonical(to)]
	if !ok {
		return nil
	}
	distance := s.distances(goal)
	if distance[0] == unreachable {
		return nil
	}
	path := Path{s.key}
	for at := int32(0); at != goal; {
		for _, next := range s.up[at] {
			if distance[next] == distance[at]-1 {
				at = next
				break
			}
		}
		path = append(path, s.identities[at])
	}
	return path
}

// connect builds the steps between identities: to the groups that one is directly in and to other
// records of the same person, in order of key.
func (s *Subject) connect() {
	s.place = make(map[identity.PrincipalKey]int32, len(s.identities))
	for i, k := range s.identities {
		s.place[k] = int32(i)
	}
	s.up = make([][]int32, len(s.identities))
	s.down = make([][]int32, len(s.identities))
	for i, k := range s.identities {
		next := slices.Collect(s.e.Parents(k))
		next = slices.AppendSeq(next, s.e.SamePerson(k))
		if i == 0 && actsAsEverybody(k) {
			next = append(next, identity.AccountUsers())
		}
		if i == 0 {
			next = append(next, s.joined...)
		}
		slices.SortFunc(next, identity.PrincipalKey.Compare)
		for _, n := range slices.Compact(next) {
			j := s.place[n]
			s.up[i] = append(s.up[i], j)
			s.down[j] = append(s.down[j], int32(i))
		}
	}
}

const unreachable = int32(-1)

// distances counts the fewest steps from each identity to the goal.
func (s *Subject) distances(goal int32) []int32 {
	distance := make([]int32, len(s.identities))
	for i := range distance {
		distance[i] = unreachable
	}
	distance[goal] = 0
	for queue := []int32{goal}; len(queue) > 0; queue = queue[1:] {
		for _, k := range s.down[queue[0]] {
			if distance[k] == unreachable {
				distance[k] = distance[queue[0]] + 1
				queue = append(queue, k)
			}
		}
	}
	return distance
}

// pathSearch looks for paths of one length after the other, so that they come shortest first.
type pathSearch struct {
	s        *Subject
	goal     int32
	distance []int32
	path     []int32
	on       []bool // whether an identity is on the path
	found    []Path
	extra    int
	steps    int
}

// find adds the paths that go on from at for exactly so many more steps. Branches that cannot arrive
// in time are not entered.
func (f *pathSearch) find(at int32, steps int) {
	f.path = append(f.path, at)
	f.on[at] = true
	defer func() {
		f.path = f.path[:len(f.path)-1]
		f.on[at] = false
	}()
	if at == f.goal {
		if steps == 0 {
			f.add()
		}
		return
	}
	for _, next := range f.s.up[at] {
		if f.steps--; f.steps <= 0 {
			return
		}
		if d := f.distance[next]; d != unreachable && int(d) < steps && !f.on[next] {
			f.find(next, steps-1)
		}
	}
}

func (f *pathSearch) add() {
	if len(f.found) == maxPaths {
		f.extra++
		return
	}
	path := make(Path, 0, len(f.path))
	for _, i := range f.path {
		path = append(path, f.s.identities[i])
	}
	f.found = append(f.found, path)
}
