package access

import (
	"runtime"
	"slices"
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
	answers := make([][]A, parts)
	do := make([]func(), parts)
	for i := range do {
		do[i] = func() { answers[i] = answer(list[i*len(list)/parts : (i+1)*len(list)/parts]) }
	}
	Together(do...)
	return slices.Concat(answers...)
}

// Together does things that do not rest on each other at the same time, and waits for all of them. A panic of
// one is the caller's.
func Together(do ...func()) {
	panics := make([]any, len(do))
	var all sync.WaitGroup
	for i, f := range do {
		all.Go(func() {
			defer func() { panics[i] = recover() }()
			f()
		})
	}
	all.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
}
