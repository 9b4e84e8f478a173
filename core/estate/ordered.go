package estate

import "slices"

// ordered gives a list in order with one item for each key: again says what becomes of the one that is
// kept when an item with its key was added later. The list itself is not changed, since an estate that
// was built before may share it; facts that come in order, as those of a file do, are only looked at.
func ordered[T any](list []T, compare func(a, b *T) int, again func(kept, later *T)) []T {
	if inOrderAlready(list, compare) {
		return list
	}
	at := make([]int32, len(list))
	for i := range at {
		at[i] = int32(i)
	}
	slices.SortFunc(at, func(i, j int32) int {
		if c := compare(&list[i], &list[j]); c != 0 {
			return c
		}
		return int(i - j)
	})
	one := make([]T, 0, len(list))
	for _, i := range at {
		if last := len(one) - 1; last >= 0 && compare(&one[last], &list[i]) == 0 {
			again(&one[last], &list[i])
			continue
		}
		one = append(one, list[i])
	}
	return one
}

func inOrderAlready[T any](list []T, compare func(a, b *T) int) bool {
	for i := 1; i < len(list); i++ {
		if compare(&list[i-1], &list[i]) >= 0 {
			return false
		}
	}
	return true
}

// The ways of keeping one of several items with one key.
func keepFirst[T any](_, _ *T)       {}
func keepLast[T any](kept, later *T) { *kept = *later }
