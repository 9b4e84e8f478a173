package estate

import "hash/maphash"

// index finds an item of a list by its key. A map would hold every key a second time, and the keys here
// are structs of many strings, a hundred to three hundred bytes each, in accounts of millions of them.
// This holds positions alone, and the list has the keys.
type index[K comparable, T any] struct {
	list  []T
	key   func(*T) *K
	seed  maphash.Seed
	slots []int32 // positions by hash, none where there is none; at least half of them are free
}

// indexOf makes the index of a list whose keys all differ.
func indexOf[K comparable, T any](list []T, key func(*T) *K) index[K, T] {
	size := 2
	for size < 2*len(list) {
		size *= 2
	}
	x := index[K, T]{list, key, maphash.MakeSeed(), make([]int32, size)}
	for i := range x.slots {
		x.slots[i] = none
	}
	for i := range list {
		slot := x.first(*key(&list[i]))
		for x.slots[slot] != none {
			slot = x.next(slot)
		}
		x.slots[slot] = int32(i)
	}
	return x
}

// find gives the position of k in the list; ok is false when it is not there.
func (x *index[K, T]) find(k K) (i int32, ok bool) {
	for slot := x.first(k); ; slot = x.next(slot) {
		i := x.slots[slot]
		if i == none {
			return none, false
		}
		if *x.key(&x.list[i]) == k {
			return i, true
		}
	}
}

func (x *index[K, T]) first(k K) int {
	return int(maphash.Comparable(x.seed, k) & uint64(len(x.slots)-1))
}

func (x *index[K, T]) next(slot int) int { return (slot + 1) & (len(x.slots) - 1) }
