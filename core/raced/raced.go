// Package raced is for tests that try very many like things: under the race detector, which makes them up to ten times
// slower and has seen all there is to see after a few, they take a sample. CI runs them whole without it.
package raced

import "testing"

// Sample is all of the cases, or under the race detector each n-th of them; t says so then. The order stays.
func Sample[T any](t testing.TB, cases []T, n int) []T {
	t.Helper()
	if !On {
		return cases
	}
	var sample []T
	for i := n / 2; i < len(cases); i += n {
		sample = append(sample, cases[i])
	}
	t.Logf("%d of %d cases, for the race detector watches: without it all are tried", len(sample), len(cases))
	return sample
}
