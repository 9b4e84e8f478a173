package formatters

import (
	"fmt"
	"io"
	"testing"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// BenchmarkLargeReports writes reports of ten thousand entries in each format that they have. Reach: what is linear
// takes at most 4 s for all of a report; a quadratic tree of this size takes minutes.
func BenchmarkLargeReports(b *testing.B) {
	for _, large := range largeReports() {
		b.Run(string(large.Head().Mode), func(b *testing.B) {
			for b.Loop() {
				for _, f := range formatsOf(large) {
					if err := Write(io.Discard, large, Options{Format: f, Width: 100, MaxLines: 100}); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(4000, "limit-ms/op")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/4000, "x-limit")
		})
	}
}

func largeReports() []report.Report {
	r := rich()
	for i := range 10_000 {
		s := object(identity.TypeTable, fmt.Sprintf("prod.sales.t%06d", i), "eu-west", "")
		r.Grants = append(r.Grants, grant(s, report.SourceGroup, path("analysts"), []string{"prod"}, "SELECT"))
	}
	many := resourceRich()
	for i := range 10_000 {
		many.Access = append(many.Access, gives(person(fmt.Sprint(1000+i), fmt.Sprintf("u%05d@acme.test", i)), report.AccessInherited, salesSchema, "analysts", nil, []string{"prod"}, "SELECT"))
	}
	roles, ways := rolesRich(), escalationsRich()
	for i := range 10_000 {
		who := person(fmt.Sprint(1000+i), fmt.Sprintf("u%05d@acme.test", i))
		roles.Roles = append(roles.Roles, has(who, "user", fmt.Sprintf("workspace w%03d", i%200), "list", "analysts"))
		f := ways.Findings[i%4]
		f.Subject, f.Path = who, report.Path{who.Name}
		ways.Findings = append(ways.Findings, f)
		ways.Powers[0].Reached = append(ways.Powers[0].Reached, report.Reach{Principal: who, Steps: 1, Via: []string{"E03"}, Through: report.Path{who.Name, fmt.Sprint("g", i)}})
		ways.Graph.Nodes = append(ways.Graph.Nodes, report.GraphNode{ID: fmt.Sprint(i), Kind: "user", Name: who.Name})
		ways.Graph.Edges = append(ways.Graph.Edges, report.GraphEdge{From: fmt.Sprint(i), To: "group:42", Kind: "member_of"})
	}
	crowd := groupRich()
	for i := range 10_000 {
		who := person(fmt.Sprint(1000+i), fmt.Sprintf("u%05d@acme.test", i))
		crowd.Members = append(crowd.Members, belongs(who, report.Path{who.Name, "oncall", crowd.Group.Name}))
		crowd.Grants = append(crowd.Grants, of(who, grant(salesSchema, report.SourceDirect, nil, []string{"prod"}, "SELECT")))
	}
	return []report.Report{r, many, roles, ways, crowd}
}
