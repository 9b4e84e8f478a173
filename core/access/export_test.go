package access

import (
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// ResourceOneByOne is Resource with every answer worked out for itself.
func (m *Model) ResourceOneByOne(on identity.Securable, who Who) *report.ResourceReport {
	q := m.question(on, who)
	q.plain, q.localised = false, true
	return q.report()
}

// Alike counts the pairs of principals that Resource takes for alike as to a securable.
func (m *Model) Alike(on identity.Securable, who Who) (pairs int) {
	q, seen := m.question(on, who), map[string]int{}
	for _, k := range q.subjects() {
		if like, ok := q.likeness.of(m.Subject(k)); ok {
			pairs += seen[like]
			seen[like]++
		}
	}
	return pairs
}

// WaysThatDiffer gives the identities of a principal to which the steps that are counted for everybody
// lead otherwise than the principal's own.
func (m *Model) WaysThatDiffer(k identity.PrincipalKey) (differ []identity.PrincipalKey) {
	s := m.Subject(k)
	for _, to := range s.Identities() {
		if !slices.Equal(s.along(m.e.StepsTo(to)), s.Shortest(to)) {
			differ = append(differ, to)
		}
	}
	return differ
}

// Closure is what a principal is certainly in, found by the sets of bits that everybody shares.
func (m *Model) Closure(k identity.PrincipalKey) []identity.PrincipalKey {
	s := m.Subject(k)
	keys := slices.Clone(s.others)
	for n, g := range m.e.Containers() {
		if s.groups.has(int32(n)) && !slices.Contains(keys, g) {
			keys = append(keys, g)
		}
	}
	slices.SortFunc(keys, identity.PrincipalKey.Compare)
	return keys
}
