package core_test

import (
	"slices"
	"testing"
	"time"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
)

// BenchmarkRefusal is by how much the time differs in which somebody is refused a plan for a person who is there, and for one who is
// not: %-spread, of the medians. Limit: 20 (T26). The calls are the same, which TestT26 shows; this is what is left.
func BenchmarkRefusal(b *testing.B) {
	team := ref(identity.KindGroup, readers)
	c := sit(b, func(p *consent.Policy) {
		p.Requesters = []consent.Requesting{{From: setOf("analysts", "3008"), For: consent.Members, MembersOf: &team}}
	})
	names := []string{"victor@acme.test", "nobody@acme.test"}
	times := make([][]time.Duration, len(names))
	for b.Loop() {
		for i, to := range names {
			begun := time.Now()
			if _, _, err := c.Propose(b.Context(), in(bob), query.Clone{From: wendy, To: to, Include: []string{"groups"}}, "", nil); err == nil {
				b.Fatal("not refused")
			}
			times[i] = append(times[i], time.Since(begun))
		}
	}
	median := func(list []time.Duration) float64 {
		slices.Sort(list)
		return list[len(list)/2].Seconds()
	}
	there, none := median(times[0]), median(times[1])
	b.ReportMetric(100*(max(there, none)/min(there, none)-1), "%-spread")
	b.ReportMetric(there*1000, "ms-forbidden")
	b.ReportMetric(none*1000, "ms-unknown")
}
