package consent

import (
	"slices"

	"databricks-access-audit/core/identity"
)

// humans tell which keys are one person. Who shares an address with one and an external id with another is both, so that a
// chain of likenesses counts, and one that is not known to be a likeness may be.
type humans struct {
	keys []identity.PrincipalKey
	// sure and may are the same number for keys that are, and that may be, one person.
	sure, may []int
}

// add adds a key, in place.
func (h *humans) add(f Facts, key identity.PrincipalKey) {
	if slices.Contains(h.keys, key) {
		return
	}
	n := len(h.keys)
	h.keys, h.sure, h.may = append(h.keys, key), append(h.sure, n), append(h.may, n)
	for i, other := range h.keys[:n] {
		switch same(f, other, key) {
		case Yes:
			merge(h.sure, i, n)
			merge(h.may, i, n)
		case Unknown:
			merge(h.may, i, n)
		case No:
		}
	}
}

// with gives those with one more.
func (h humans) with(f Facts, key identity.PrincipalKey) humans {
	if !slices.Contains(h.keys, key) {
		h = humans{slices.Clone(h.keys), slices.Clone(h.sure), slices.Clone(h.may)}
		h.add(f, key)
	}
	return h
}

func merge(class []int, i, j int) {
	from, to := class[j], class[i]
	for k := range class {
		if class[k] == from {
			class[k] = to
		}
	}
}

// same asks the facts whether two different keys are one human. Principals of different kinds are not.
func same(f Facts, a, b identity.PrincipalKey) Answer {
	if a.Kind != b.Kind && a.Kind != identity.KindUnknown && b.Kind != identity.KindUnknown {
		return No
	}
	return f.Same(a, b)
}

// same says whether two keys, both of which were added, are one person.
func (h humans) same(a, b identity.PrincipalKey) Answer {
	i, j := slices.Index(h.keys, a), slices.Index(h.keys, b)
	switch {
	case h.sure[i] == h.sure[j]:
		return Yes
	case h.may[i] == h.may[j]:
		return Unknown
	default:
		return No
	}
}

// person is a number for who has the key, the same for all keys that may be the same person's.
func (h humans) person(key identity.PrincipalKey) int { return h.may[slices.Index(h.keys, key)] }
