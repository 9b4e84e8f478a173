package estate

import (
	"iter"
	"math/bits"
)

// marks is a set of positions in a list.
type marks []uint64

func newMarks(n int) marks { return make(marks, (n+63)/64) }

func (m marks) add(i int32) { m[i/64] |= 1 << (i % 64) }

func (m marks) count() int {
	n := 0
	for _, word := range m {
		n += bits.OnesCount64(word)
	}
	return n
}

// all gives the positions in order.
func (m marks) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for word, left := range m {
			for ; left != 0; left &= left - 1 {
				if !yield(word*64 + bits.TrailingZeros64(left)) {
					return
				}
			}
		}
	}
}
