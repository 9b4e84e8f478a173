package core_test

import (
	"slices"
	"testing"
	"time"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
)

// BenchmarkRefusal is by how much the time differs in which somebody is refused a plan: for a person who is there and for one who is
// not, and from a source of whom nothing comes and from one who is not there; in %-spread, of the medians. Limit: 20 (T26). The calls
// are the same, or as many, which TestT26 shows; this is what is left.
func BenchmarkRefusal(b *testing.B) {
	team := ref(identity.KindGroup, readers)
	for name, one := range map[string]struct {
		asks          consent.Requesting
		there, nobody query.Clone
	}{
		"target": {
			consent.Requesting{For: consent.Members, MembersOf: &team}, query.Clone{From: wendy, To: "victor@acme.test"}, query.Clone{From: wendy, To: "nobody@acme.test"},
		},
		"source": {
			consent.Requesting{For: consent.Self}, query.Clone{From: "wendy@acme.test", To: bob, Only: []string{"none"}}, query.Clone{From: "nobody@acme.test", To: bob, Only: []string{"none"}},
		},
	} {
		b.Run(name, func(b *testing.B) {
			one.asks.From = setOf("analysts", "3008")
			c := sit(b, func(p *consent.Policy) { p.Requesters = []consent.Requesting{one.asks} })
			times := make([][]time.Duration, 2)
			for b.Loop() {
				for i, q := range []query.Clone{one.there, one.nobody} {
					q.Include = []string{"groups"}
					begun := time.Now()
					if _, _, err := c.Propose(b.Context(), in(bob), q, "", nil); err == nil {
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
			b.ReportMetric(there*1000, "ms-there")
			b.ReportMetric(none*1000, "ms-unknown")
		})
	}
}
