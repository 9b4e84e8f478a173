package plan_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// TestCausesByNumberAreThoseByName holds the steps that have a part in a right on a securable, which are found by
// the numbers that estates have for holders, against those that are found by asking for every name: there, back,
// and where the estate was built anew, so that its numbers are others.
func TestCausesByNumberAreThoseByName(t *testing.T) {
	caused := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		m, w := drawn(t)
		steps, err := plan.Steps(m, w)
		if err != nil {
			t.Skip("refused")
		}
		back := slices.Clone(steps)
		for i, s := range steps {
			if s.Change != nil {
				c := *s.Change
				c.Before, c.After = c.After, c.Before
				back[i].Change = &c
			}
		}
		after := m.With(plan.Overlay(m.Estate(), carried(steps, true)))
		anew := m.With(after.Estate().With(estate.Changes{Deleted: []identity.PrincipalKey{m.Estate().Canonical(w.Source)}}))
		hold := func(how string, before, after *access.Model, steps []plan.Step) {
			on := plan.CausesOn(before, after, w.Target, steps)
			for s := range m.Estate().Securables() {
				found, byName := on(s.Securable)
				if !slices.Equal(found, byName) {
					t.Errorf("%s: on %v by number %v, by name %v", how, s.Securable, found, byName)
				}
				caused[how] += len(found)
			}
		}
		hold("there", m, after, steps)
		hold("back", after, m, back)
		hold("anew", m, anew, steps)
	})
	for _, how := range []string{"there", "back", "anew"} {
		if caused[how] == 0 {
			t.Errorf("%s: no step had a part in anything: the test shows nothing", how)
		}
	}
}
