package access

import (
	"runtime"
	"sync"
)

// few is how many subjects are not worth being shared out.
const few = 500

// sharedOut answers for each part of a long list at the same time, on as many processors as there are, and
// gives the answers in the order of the list. A panic of one part is the caller's.
func sharedOut[T, A any](list []T, answer func(part []T) []A) []A {
	parts := runtime.GOMAXPROCS(0)
	if len(list) < few || parts == 1 {
		return answer(list)
	}
	answers, panics := make([][]A, parts), make([]any, parts)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() {
			defer func() { panics[i] = recover() }()
			answers[i] = answer(list[i*len(list)/parts : (i+1)*len(list)/parts])
		})
	}
	all.Wait()
	n := 0
	for i, p := range panics {
		if p != nil {
			panic(p)
		}
		n += len(answers[i])
	}
	together := make([]A, 0, n)
	for _, part := range answers {
		together = append(together, part...)
	}
	return together
}
