package core_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// sizes are the accounts that each mode is counted on.
var sizes = []struct {
	name string
	o    sandbox.GenOptions
}{
	{"small", sandbox.GenOptions{Seed: 1, Users: 50, ServicePrincipals: 5, Groups: 20, Depth: 3, Workspaces: 3, Metastores: 1, Catalogs: 5, SchemasPerCatalog: 1, TablesPerSchema: 1}},
	{"middling", sandbox.GenOptions{Seed: 1, Users: 300, ServicePrincipals: 20, Groups: 200, Depth: 4, Workspaces: 8, Metastores: 1, Catalogs: 20, SchemasPerCatalog: 1, TablesPerSchema: 1}},
	{"large", sandbox.GenOptions{Seed: 1, Users: 1000, ServicePrincipals: 50, Groups: 2000, Depth: 6, Workspaces: 20, Metastores: 1, Catalogs: 50, SchemasPerCatalog: 1, TablesPerSchema: 1}},
}

// BenchmarkModes counts what a question of each mode costs on three accounts, against the fewest calls that
// its answer can take. What one question asks depends on where its subject stands (groups above it, members
// below it), so these terms are counted from the facts that it read; all others come from the account alone.
// Reach: at most 1.1.
func BenchmarkModes(b *testing.B) {
	for _, size := range sizes {
		account := sandbox.Generate(size.o)
		server := serve(b, account, sandbox.Options{IAMv2: sandbox.IAMv2On})
		for _, q := range []query.Request{
			query.Principal{Who: sandbox.GeneratedStar},
			query.Group{Name: account.Groups[0].DisplayName},
			query.Compare{A: sandbox.GeneratedStar, B: account.Users[1].UserName},
			query.Roles{}, query.Escalations{},
		} {
			b.Run(size.name+"/"+q.Mode(), func(b *testing.B) {
				for b.Loop() {
					server.ResetCalls()
					r, err := engine(b, server, server.Auditor()).Answer(b.Context(), q, nil)
					if err != nil || !r.Head().Coverage.Complete {
						b.Fatalf("%v, %+v", err, r.Head().Coverage.Gaps)
					}
					calls, least := r.Head().Coverage.APICalls.Total, fewest(account, q, r)
					b.ReportMetric(float64(calls), "calls")
					b.ReportMetric(float64(least), "floor-calls")
					b.ReportMetric(float64(calls)/float64(least), "x-floor")
				}
			})
		}
	}
}

// fewest is the fewest calls that a question can take.
func fewest(a *sandbox.Account, q query.Request, r report.Report) int {
	made := r.Head().Coverage.APICalls.ByEndpoint
	groups, there := 0, 0 // groups whose edges are asked for, one a call; pages of whom workspaces know
	for endpoint, n := range made {
		switch {
		case strings.HasSuffix(endpoint, "/Groups/{id}"):
			groups += n
		case strings.Contains(endpoint, "/preview/scim/v2/") && !strings.HasSuffix(endpoint, "/Me"):
			there += n
		}
	}
	places := floorOf(a, 0, true)
	// What holds for all modes: sign in, the places, who is assigned where, what there is and who holds it.
	common := places.token + places.listings + places.assignments + places.securables
	people := pages(len(a.Users), 100) + pages(len(a.ServicePrincipals), 100)
	everything := pages(len(a.Groups), 100) + len(a.Groups) + people
	switch q.(type) {
	case query.Principal:
		return common + 2 + groups // who it is, and the groups above it
	case query.Compare:
		return common + 2*2 + groups
	case query.Group:
		members := 0 // whose records tell their names, read one by one or listed
		for _, m := range r.(*report.GroupReport).Members {
			if m.Principal.Kind != identity.KindGroup.String() {
				members++
			}
		}
		return common + 2 + groups + min(people, members)
	case query.Roles:
		return common + everything + 1 + len(a.Workspaces) + there
	default: // escalations: who manages each group and service principal stands at each of them
		return common + everything + len(a.Workspaces) + 1 + len(a.Groups) + len(a.ServicePrincipals)
	}
}

// BenchmarkObjects reads the permissions on every object of an account, at 30 ms a response and under the
// documented limits, of which the one that binds is 100 permissions a second in each workspace: how much of
// that it uses. Reach: at least 0.8, with no more than 2 calls of 100 refused.
//
// https://docs.databricks.com/aws/en/resources/limits
func BenchmarkObjects(b *testing.B) {
	const perSecond = 100.0
	o := sizes[0].o
	o.Workspaces, o.ObjectsPerWorkspace = 2, 1500
	server := serve(b, sandbox.Generate(o), sandbox.Options{IAMv2: sandbox.IAMv2On, Latency: 30 * time.Millisecond, EnforceLimits: true})
	for b.Loop() {
		server.ResetCalls()
		g := engine(b, server, server.Auditor(), func(o *databricks.Options) { o.RateLimit = 0 })
		began := time.Now()
		r := audit(b, g, query.Principal{Who: sandbox.GeneratedStar, Objects: query.Objects{Asked: true}})
		took := time.Since(began)
		if !r.Coverage.Complete {
			b.Fatalf("not complete: %+v", r.Coverage.Gaps)
		}
		lists, refused := map[string]int{}, 0
		for _, call := range server.Calls() {
			if strings.Contains(call.Route, "/api/2.0/permissions/") {
				lists[call.Host]++
			}
			if call.Status == http.StatusTooManyRequests {
				refused++
			}
		}
		most := 0
		for _, n := range lists {
			most = max(most, n)
		}
		least := float64(most) / perSecond
		b.ReportMetric(took.Seconds(), "wall-s")
		b.ReportMetric(least/took.Seconds(), "of-permitted")
		b.ReportMetric(0.8, "of-permitted/floor")
		b.ReportMetric(float64(refused)/float64(len(server.Calls())), "refused")
	}
}
