package core_test

import (
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// BenchmarkWarm is what a question costs that is answered from an account read before. Reach, with everything that a person waits
// for in Slack: 2 s.
func BenchmarkWarm(b *testing.B) {
	o := sizes[2].o
	o.SchemasPerCatalog, o.TablesPerSchema = 10, 40
	account := sandbox.Generate(o)
	server := serve(b, account, sandbox.Options{IAMv2: sandbox.IAMv2On})
	w := engine(b, server, server.Auditor()).Warm()
	if err := w.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	star, err := w.Answer(b.Context(), query.Principal{Who: sandbox.GeneratedStar}, nil)
	if err != nil {
		b.Fatal(err)
	}
	on := star.(*report.PrincipalReport).Grants[0].Securable
	for name, q := range map[string]query.Request{
		"principal": query.Principal{Who: sandbox.GeneratedStar},
		"deep":      query.Principal{Who: sandbox.GeneratedStar, Scan: []identity.SecurableType{identity.TypeSchema, identity.TypeTable}},
		"group":     query.Group{Name: account.Groups[0].DisplayName},
		"compare":   query.Compare{A: sandbox.GeneratedStar, B: account.Users[1].UserName},
		"resource":  query.Resource{Target: query.Target{Parts: strings.Split(on.FullName, "."), Type: identity.SecurableType(on.Type)}},
		"roles":     query.Roles{},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := w.Answer(b.Context(), q, nil)
				if err != nil || r.Head().Coverage.APICalls.Total != 0 {
					b.Fatalf("%v", err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/2*100, "%-of-2s")
		})
	}
}
