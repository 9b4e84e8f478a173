package access

import (
	"iter"
	"slices"

	"databricks-access-audit/core/identity"
)

// The limits of the search for paths: a report that listed more would not be read, and groups that
// nest in circles can have more paths than can be counted.
const (
	maxPaths     = 50
	maxPathSteps = 200_000
)

// Path is a chain of principals, each a direct member of the next or the same person, from the
// subject to the last.
type Path []identity.PrincipalKey

// Paths finds the ways from the subject to one of its identities that pass nobody twice, shortest
// first, then in order of keys. At most 50 are given: omitted is then the number left out, or -1
// when counting them would take too long. A membership that is known without its way has no path.
func (s *Subject) Paths(to identity.PrincipalKey) (paths []Path, omitted int) {
	to = s.e.Canonical(to)
	if !s.certain[to] {
		return nil, 0
	}
	search := pathSearch{s: s, distance: s.distances(to), steps: maxPathSteps}
	if _, ok := search.distance[s.key]; !ok {
		return nil, 0
	}
	for length := 0; length < len(s.identities); length++ {
		search.find(Path{s.key}, to, length)
		if search.steps <= 0 {
			return search.found, -1
		}
	}
	return search.found, search.extra
}

// Shortest is the first of Paths, or nil when there is none.
func (s *Subject) Shortest(to identity.PrincipalKey) Path {
	to = s.e.Canonical(to)
	distance := s.distances(to)
	if _, ok := distance[s.key]; !ok {
		return nil
	}
	path := Path{s.key}
	for path[len(path)-1] != to {
		at := path[len(path)-1]
		for next := range s.up(at) {
			if d, ok := distance[next]; ok && d == distance[at]-1 {
				path = append(path, next)
				break
			}
		}
	}
	return path
}

// up gives the next steps from an identity in order of key.
func (s *Subject) up(k identity.PrincipalKey) iter.Seq[identity.PrincipalKey] {
	return func(yield func(identity.PrincipalKey) bool) {
		var next []identity.PrincipalKey
		next = slices.AppendSeq(next, s.e.Parents(k))
		next = slices.AppendSeq(next, s.e.SamePerson(k))
		if k.Kind == identity.KindUser || k.Kind == identity.KindServicePrincipal {
			next = append(next, identity.AccountUsers())
		}
		slices.SortFunc(next, identity.PrincipalKey.Compare)
		for _, n := range slices.Compact(next) {
			if !yield(n) {
				return
			}
		}
	}
}

// distances counts the fewest steps from each identity to the goal.
func (s *Subject) distances(to identity.PrincipalKey) map[identity.PrincipalKey]int {
	down := map[identity.PrincipalKey][]identity.PrincipalKey{}
	for _, k := range s.identities {
		for next := range s.up(k) {
			down[next] = append(down[next], k)
		}
	}
	distance := map[identity.PrincipalKey]int{to: 0}
	for queue := []identity.PrincipalKey{to}; len(queue) > 0; queue = queue[1:] {
		for _, k := range down[queue[0]] {
			if _, seen := distance[k]; !seen {
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
	distance map[identity.PrincipalKey]int
	found    []Path
	extra    int
	steps    int
}

// find adds the paths that go on from path for exactly so many more steps. Branches that cannot
// arrive in time are not entered.
func (f *pathSearch) find(path Path, to identity.PrincipalKey, steps int) {
	at := path[len(path)-1]
	if at == to {
		if steps == 0 {
			f.add(path)
		}
		return
	}
	for next := range f.s.up(at) {
		if f.steps--; f.steps <= 0 {
			return
		}
		if d, ok := f.distance[next]; !ok || d > steps-1 || slices.Contains(path, next) {
			continue
		}
		f.find(append(path, next), to, steps-1)
	}
}

func (f *pathSearch) add(path Path) {
	if len(f.found) < maxPaths {
		f.found = append(f.found, slices.Clone(path))
		return
	}
	f.extra++
}
