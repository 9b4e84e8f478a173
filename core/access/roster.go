package access

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// roster is everybody in a group, with the ways there.
type roster struct {
	keys  []identity.PrincipalKey // the group itself first, then those near it first
	place map[identity.PrincipalKey]int32
	up    [][]int32 // the groups of the roster that each is directly in, in order of key
	// distance is the fewest steps from each to the group. It is unreachable where it is known that
	// somebody is in the group, but not how.
	distance []int32
}

// rosterOf walks down from a group, breadth first, so that circles end.
func rosterOf(e *estate.Estate, group identity.PrincipalKey) *roster {
	r := &roster{place: map[identity.PrincipalKey]int32{}}
	r.enter(group, 0)
	for walked := 0; walked < len(r.keys); {
		for ; walked < len(r.keys); walked++ {
			for member := range e.Members(r.keys[walked]) {
				from := r.distance[walked]
				if from != unreachable {
					from++
				}
				i := r.enter(member, from)
				r.up[i] = append(r.up[i], int32(walked))
			}
		}
		for p := range e.Principals() {
			if _, in := r.place[p.Key]; in {
				continue
			}
			for above := range e.Ancestors(p.Key) {
				if _, in := r.place[above]; in {
					r.enter(p.Key, unreachable)
					break
				}
			}
		}
	}
	for i := range r.up {
		slices.SortFunc(r.up[i], func(a, b int32) int { return r.keys[a].Compare(r.keys[b]) })
	}
	return r
}

// Members are those in a group, directly and through other groups, as far as they were read.
func (m *Model) Members(group identity.PrincipalKey) []identity.PrincipalKey {
	return rosterOf(m.e, m.e.Canonical(group)).members(m.e)
}

func (r *roster) enter(k identity.PrincipalKey, distance int32) int32 {
	i, in := r.place[k]
	if !in {
		i = int32(len(r.keys))
		r.place[k] = i
		r.keys, r.up, r.distance = append(r.keys, k), append(r.up, nil), append(r.distance, distance)
	}
	return i
}

// in reports whether somebody is in the group, without being the group.
func (r *roster) in(k identity.PrincipalKey) bool { return r.place[k] > 0 }

// members are those in the group: users, service principals, groups, each by name.
func (r *roster) members(e *estate.Estate) []identity.PrincipalKey {
	members := slices.Clone(r.keys[1:])
	folded := map[identity.PrincipalKey]string{}
	for _, k := range members {
		p, _ := e.Principal(k)
		folded[k] = identity.FoldName(p.Name)
	}
	slices.SortFunc(members, func(a, b identity.PrincipalKey) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(folded[a], folded[b]), a.Compare(b))
	})
	return members
}
