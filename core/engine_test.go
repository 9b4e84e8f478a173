package core_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/raced"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// serve starts a sandbox that ends with the test.
func serve(t testing.TB, account *sandbox.Account, o sandbox.Options) *sandbox.Server {
	t.Helper()
	server, err := sandbox.Start(account, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// engine opens the sandbox's account over HTTP, as the program would.
func engine(t testing.TB, server *sandbox.Server, who sandbox.Credentials, change ...func(*databricks.Options)) *core.Engine {
	t.Helper()
	o := databricks.Options{
		Isolated: true, AuthType: "oauth-m2m", Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: who.ClientID, ClientSecret: databricks.Secret(who.ClientSecret),
		Proxy: server.ProxyURL(), RootCAs: server.CertPool(),
		RetryBaseDelay: time.Millisecond, RetryMaxDelay: 2 * time.Millisecond, RateLimit: 1e6,
	}
	for _, f := range change {
		f(&o)
	}
	account, err := databricks.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(account.Close)
	return core.New(core.Options{Open: func() collect.Source { return account.Session() }, Version: "test"})
}

func audit(t testing.TB, g *core.Engine, q query.Principal) *report.PrincipalReport {
	t.Helper()
	r, err := g.Answer(t.Context(), q, nil)
	if err != nil {
		t.Fatalf("audit of %s: %v", q.Who, err)
	}
	return r.(*report.PrincipalReport)
}

var everything = []identity.SecurableType{
	identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel,
}

// row is a grant without what depends on the place it is read from.
func row(g report.Grant) string {
	var ps []string
	for _, p := range g.Privileges {
		ps = append(ps, string(p))
	}
	return fmt.Sprintf("%s %s@%s %s %s", g.Securable.Type, g.Securable.FullName, g.Securable.Metastore, strings.Join(ps, ","), strings.Join(g.Path, ">"))
}

// facts is everything that a report claims about access, without coverage and times.
func facts(t testing.TB, r *report.PrincipalReport) string {
	t.Helper()
	bare := *r
	bare.Envelope = report.Envelope{Notes: r.Notes}
	text, err := json.MarshalIndent(bare, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestR09_EveryFailedCallIsNamed fails each single call of a full audit in turn. Each time the
// answer must come, name a gap where the call was needed, and claim nothing that the whole answer
// does not: no grant, membership or workspace may appear, and no group may become unused.
func TestR09_EveryFailedCallIsNamed(t *testing.T) {
	account := sandbox.Acme()
	whole := serve(t, account, sandbox.Options{})
	q := query.Principal{Who: "alice@acme.test", Scan: everything}
	g := engine(t, whole, whole.Auditor())
	whole.ResetCalls() // signing in is not part of the answer
	full := audit(t, g, q)
	calls := whole.Calls()
	if full.Coverage.Blocking() > 1 { // one catalog is bound to no workspace: nobody can list it
		t.Fatalf("the full audit has gaps already: %+v", full.Coverage.Gaps)
	}
	if len(calls) < 100 {
		t.Fatalf("the full audit took only %d calls: the sweep would prove little", len(calls))
	}
	routes := map[string]bool{}
	for _, call := range raced.Sample(t, calls, 8) {
		effects := []string{"status=403"}
		if !routes[call.Route] { // how a failure looks matters to the reader of the route, not to each call
			effects = append(effects, "status=500", "reset", "html", "cut=20")
		}
		routes[call.Route] = true
		for _, effect := range effects {
			t.Run(strings.ReplaceAll(call.Method+" "+call.Path+"?"+call.Query+" "+effect, "/", "_"), func(t *testing.T) {
				t.Parallel()
				server := serve(t, sandbox.Acme(), sandbox.Options{})
				g := engine(t, server, server.Auditor())
				server.SetFaults(fault(t, call, effect))
				answer, err := g.Answer(t.Context(), q, nil)
				if err != nil {
					// Without knowing whom it is about there is no answer; saying so is right. A reset
					// takes the searches with it that share the connection.
					if !strings.Contains(call.Route, "/scim/v2/Users") && effect != "reset" {
						t.Fatalf("no answer: %v", err)
					}
					return
				}
				for _, problem := range dishonest(t, answer.(*report.PrincipalReport), full) {
					t.Error(problem)
				}
			})
		}
	}
}

// fault refuses exactly the call.
func fault(t *testing.T, call sandbox.Call, effect string) sandbox.Fault {
	t.Helper()
	f, err := sandbox.ParseFault(fmt.Sprintf("%s %s %s", call.Method, call.Route, effect))
	if err != nil {
		t.Fatal(err)
	}
	f.Route = call.Path
	f.Host = call.Host
	if values, err := url.ParseQuery(call.Query); err == nil && len(values) > 0 {
		f.Query = call.Query
	}
	return f
}

// dishonest finds what is wrong with an answer from which something may be missing, compared with
// the whole one: a change that no gap explains, or a claim that the whole answer does not make.
func dishonest(t testing.TB, r, full *report.PrincipalReport) (problems []string) {
	t.Helper()
	if got, want := facts(t, r), facts(t, full); got != want && !newGap(r, full) {
		problems = append(problems, "the answer changed and no gap says so:\n"+cmp.Diff(want, got))
	}
	known := map[string]bool{}
	reach := map[string][]string{}
	id := func(g report.Grant) string {
		return fmt.Sprint(g.Securable.Type, g.Securable.FullName, g.Securable.Metastore, g.Privileges)
	}
	for _, g := range full.Grants {
		known[id(g)] = true
		reach[id(g)] = append(reach[id(g)], g.ReachableIn...)
	}
	for _, g := range r.Grants {
		if !known[id(g)] {
			problems = append(problems, fmt.Sprintf("claims %s, which the whole answer does not", row(g)))
		}
		for _, w := range g.ReachableIn {
			if known[id(g)] && !slices.Contains(reach[id(g)], w) {
				problems = append(problems, fmt.Sprintf("claims that %s is usable in %s, which the whole answer does not", row(g), w))
			}
		}
	}
	for _, p := range extra(r.UnusedGroups, full.UnusedGroups) {
		problems = append(problems, fmt.Sprintf("calls %s unused, which the whole answer does not", p))
	}
	for _, p := range extra(r.CatalogOnlyGroups, full.CatalogOnlyGroups) {
		problems = append(problems, fmt.Sprintf("says that %s gives no workspace, which the whole answer does not", p))
	}
	return problems
}

// newGap reports whether something needed is missing that was not missing before.
func newGap(r, full *report.PrincipalReport) bool {
	return slices.ContainsFunc(r.Coverage.Gaps, func(g report.Gap) bool {
		return g.Blocking && !slices.ContainsFunc(full.Coverage.Gaps, func(f report.Gap) bool {
			return f.Scope == g.Scope && f.Operation == g.Operation
		})
	})
}

// extra names those that are in one list and not in the other.
func extra(in, than []report.Principal) (names []string) {
	for _, p := range in {
		if !slices.ContainsFunc(than, func(q report.Principal) bool { return q.ID == p.ID }) {
			names = append(names, p.Name)
		}
	}
	return names
}

// TestInterrupted cancels the audit in the middle: what is known is printed and marked.
func TestInterrupted(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := g.Answer(ctx, query.Principal{Who: "alice@acme.test"}, func(done, _ int) {
		if done == 10 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	head := answer.Head()
	if !head.Interrupted || head.Coverage.Complete {
		t.Errorf("interrupted=%v complete=%v; want true and false", head.Interrupted, head.Coverage.Complete)
	}
}
