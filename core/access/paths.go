package access

import (
	"slices"

	"databricks-access-audit/core/estate"
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
	w := s.web()
	goal, ok := w.place[s.e.Canonical(to)]
	if !ok {
		return nil, 0
	}
	search := pathSearch{keys: w.identities, up: w.up, goal: goal, distance: w.distances(goal)}
	return search.from(0)
}

// Shortest is the first of Paths, or nil when there is none.
func (s *Subject) Shortest(to identity.PrincipalKey) Path {
	w := s.web()
	goal, ok := w.place[s.e.Canonical(to)]
	if !ok {
		return nil
	}
	distance := w.distances(goal)
	if distance[0] == unreachable {
		return nil
	}
	path := Path{s.key}
	for at := int32(0); at != goal; {
		for _, next := range w.up[at] {
			if distance[next] == distance[at]-1 {
				at = next
				break
			}
		}
		path = append(path, w.identities[at])
	}
	return path
}

// along is the shortest path for which the steps from everybody were counted, or nil when there is none.
// That everybody is in account users is no step that was counted.
func (s *Subject) along(steps estate.Steps) Path {
	path := Path{s.key}
	left, ok := steps.From(s.key)
	if more, arrives := steps.From(identity.AccountUsers()); arrives && actsAsEverybody(s.key) && (!ok || more+1 < left) {
		left, ok = more+1, true
	}
	if !ok {
		return nil
	}
	for at := s.key; left > 0; left-- {
		for _, next := range s.next(at) {
			if n, arrives := steps.From(next); arrives && n == left-1 {
				at = next
				break
			}
		}
		path = append(path, at)
	}
	return path
}

// web is the identities of a subject with the steps between them.
type web struct {
	// identities are the subject, other records of the same person, and every account group they are
	// certainly in, nearest first.
	identities []identity.PrincipalKey
	place      map[identity.PrincipalKey]int32
	up, down   [][]int32
}

func newWeb(s *Subject) *web {
	w := &web{place: map[identity.PrincipalKey]int32{}}
	w.walk(s)
	w.connect(s)
	return w
}

// walk goes up from the subject, breadth first, so that circles end and near groups come first.
func (w *web) walk(s *Subject) {
	add := func(k identity.PrincipalKey) {
		if _, ok := w.place[k]; !ok {
			w.place[k] = int32(len(w.identities))
			w.identities = append(w.identities, k)
		}
	}
	for _, k := range s.people {
		add(k)
	}
	for _, k := range s.joined {
		add(s.e.Canonical(k))
	}
	for walked := 0; walked < len(w.identities); {
		for ; walked < len(w.identities); walked++ {
			k := w.identities[walked]
			for parent := range s.e.Parents(k) {
				add(parent)
			}
			if actsAsEverybody(k) {
				add(identity.AccountUsers())
			}
		}
		// Groups whose way is not known come last: how far they are is not known either.
		for _, k := range w.identities[:walked] {
			for ancestor := range s.e.Ancestors(k) {
				add(ancestor)
			}
		}
	}
}

// connect builds the steps between identities: to the groups that one is directly in and to other
// records of the same person, in order of key.
func (w *web) connect(s *Subject) {
	w.up = make([][]int32, len(w.identities))
	w.down = make([][]int32, len(w.identities))
	for i, k := range w.identities {
		for _, n := range s.next(k) {
			j := w.place[n]
			w.up[i] = append(w.up[i], j)
			w.down[j] = append(w.down[j], int32(i))
		}
	}
}

// next are the identities that are one step from another, in order of key.
func (s *Subject) next(k identity.PrincipalKey) []identity.PrincipalKey {
	next := slices.AppendSeq(slices.Collect(s.e.Parents(k)), s.e.SamePerson(k))
	if k == s.key && actsAsEverybody(k) {
		next = append(next, identity.AccountUsers())
	}
	if k == s.key {
		next = append(next, s.joined...)
	}
	slices.SortFunc(next, identity.PrincipalKey.Compare)
	return slices.Compact(next)
}

const unreachable = int32(-1)

// distances counts the fewest steps from each identity to the goal.
func (w *web) distances(goal int32) []int32 {
	distance := make([]int32, len(w.identities))
	for i := range distance {
		distance[i] = unreachable
	}
	distance[goal] = 0
	for queue := []int32{goal}; len(queue) > 0; queue = queue[1:] {
		for _, k := range w.down[queue[0]] {
			if distance[k] == unreachable {
				distance[k] = distance[queue[0]] + 1
				queue = append(queue, k)
			}
		}
	}
	return distance
}

// pathSearch looks for paths up a graph to one goal, of one length after the other, so that they come
// shortest first. It serves one search at a time.
type pathSearch struct {
	keys     []identity.PrincipalKey
	up       [][]int32 // the steps from each key
	goal     int32
	distance []int32 // the fewest steps from each key to the goal

	path   []int32
	on     []bool // whether a key is on the path
	found  []Path
	extra  int
	steps  int
	longer bool // a branch was not entered only because it takes more steps
}

// from finds the paths from one key to the goal, with the results of Paths.
func (f *pathSearch) from(start int32) (paths []Path, omitted int) {
	if f.distance[start] == unreachable {
		return nil, 0
	}
	if f.on == nil {
		f.on = make([]bool, len(f.keys))
	}
	f.found, f.extra, f.steps, f.longer = nil, 0, maxPathSteps, true
	for length := int(f.distance[start]); f.longer; length++ {
		f.longer = false
		f.find(start, length)
		if f.steps <= 0 {
			return f.found, -1
		}
	}
	return f.found, f.extra
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
	for _, next := range f.up[at] {
		if f.steps--; f.steps <= 0 {
			return
		}
		switch d := f.distance[next]; {
		case d == unreachable || f.on[next]:
		case int(d) < steps:
			f.find(next, steps-1)
		default:
			f.longer = true
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
		path = append(path, f.keys[i])
	}
	f.found = append(f.found, path)
}
