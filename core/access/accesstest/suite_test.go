package accesstest

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSuitePassesARightEngine(t *testing.T) { Run(t, engine{}.subject) }

func TestSuitePassesARightEngineOnRapidsWorlds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if m, wrong := Compare(Generate(t), engine{}.subject); wrong {
			t.Fatal(m)
		}
	})
}

// TestSuitePassesACautiousEngine shows that an engine which asks for all members before it believes
// that a strange name is nobody's is not told off, and that this is seldom what it is about.
func TestSuitePassesACautiousEngine(t *testing.T) {
	cautious := engine{wrap: func(h honest) Subject {
		h.cautious = true
		return h
	}}
	differs, questions := 0, 0
	for i := range 40 {
		w := seeded(1, i)
		if m, wrong := Compare(w, cautious.subject); wrong {
			t.Fatal(m)
		}
		for _, key := range w.subjects() {
			strict, loose := NewOracle(w, key), NewOracle(w, key)
			loose.cautious = true
			for _, q := range w.Questions(key) {
				questions++
				if q.Ask(strict) != q.Ask(loose) {
					differs++
				}
			}
		}
	}
	if differs == 0 || differs*50 > questions {
		t.Errorf("the two readings differ in %d of %d answers", differs, questions)
	}
	t.Logf("the two readings differ in %d of %d answers", differs, questions)
}
