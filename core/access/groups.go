package access

import (
	"iter"
	"slices"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// groups is a set of those that others can be in, by their numbers in the estate.
type groups []uint64

func (g groups) has(n int32) bool { return g[n/64]&(1<<(n%64)) != 0 }

func (g groups) add(n int32) { g[n/64] |= 1 << (n % 64) }

func (g groups) addAll(others groups) {
	for i, word := range others {
		g[i] |= word
	}
}

// meets reports whether the sets have a member in common.
func (g groups) meets(other groups) bool {
	for i, word := range other {
		if g[i]&word != 0 {
			return true
		}
	}
	return false
}

// within reports whether the other set has all of them.
func (g groups) within(other groups) bool {
	for i, word := range g {
		if word&^other[i] != 0 {
			return false
		}
	}
	return true
}

// ancestry keeps, for each group that was asked about, every group that whoever is in it is certainly in.
// Thousands of users are in the same groups: what is above these is found once, and not for each user.
type ancestry struct {
	e         *estate.Estate
	everybody int32 // the number of account users
	mu        sync.Mutex
	of        []groups // by number, nil where nobody asked
}

func newAncestry(e *estate.Estate) *ancestry {
	everybody, _ := e.Container(identity.AccountUsers())
	return &ancestry{e: e, everybody: everybody, of: make([]groups, len(e.Containers()))}
}

func (a *ancestry) none() groups { return make(groups, (len(a.of)+63)/64) }

// directly gives what a principal is in by one fact, or because everybody is.
func (a *ancestry) directly(k identity.PrincipalKey) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for n := range a.e.In(k) {
			if !yield(n) {
				return
			}
		}
		if actsAsEverybody(k) {
			yield(a.everybody)
		}
	}
}

// addTo adds all groups above a principal, and itself if it is one.
func (a *ancestry) addTo(set groups, k identity.PrincipalKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n, ok := a.e.Container(k); ok {
		set.addAll(a.find(n))
		return
	}
	for n := range a.directly(k) {
		set.addAll(a.find(n))
	}
}

// find gives the set of one group, itself included.
func (a *ancestry) find(n int32) groups {
	if a.of[n] == nil {
		a.climb(n, map[int32]bool{})
	}
	return a.of[n]
}

// climb works out one group after those above it. Where groups nest in a circle, some of these are not
// done: then the walk goes through them.
func (a *ancestry) climb(n int32, busy map[int32]bool) {
	busy[n] = true
	for m := range a.directly(a.e.Containers()[n]) {
		if a.of[m] == nil && !busy[m] {
			a.climb(m, busy)
		}
	}
	set := a.none()
	set.add(n)
	for queue := []int32{n}; len(queue) > 0; queue = queue[1:] {
		for m := range a.directly(a.e.Containers()[queue[0]]) {
			switch {
			case set.has(m):
			case a.of[m] != nil:
				set.addAll(a.of[m])
			default:
				set.add(m)
				queue = append(queue, m)
			}
		}
	}
	a.of[n] = set
}

// audience is some principals of whom it is asked whether somebody is certainly one, or in one.
type audience struct {
	groups groups
	others map[identity.PrincipalKey]bool
}

func (m *Model) audience(keys ...identity.PrincipalKey) audience {
	a := audience{m.ancestry.none(), map[identity.PrincipalKey]bool{}}
	for _, k := range keys {
		if n, ok := m.e.Container(k); ok {
			a.groups.add(n)
		} else {
			a.others[m.e.Canonical(k)] = true
		}
	}
	return a
}

// isOf reports whether the subject is certainly one of them, or in one. Groups of one workspace alone are
// for In to tell.
func (s *Subject) isOf(a audience) bool {
	return s.groups.meets(a.groups) || slices.ContainsFunc(s.others, func(k identity.PrincipalKey) bool { return a.others[k] })
}
