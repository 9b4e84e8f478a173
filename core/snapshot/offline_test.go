package snapshot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
	"databricks-access-audit/core/snapshot"
)

// An estate is a source without knowing it.
var _ collect.Source = (*snapshot.Offline)(nil)

// account opens the sample account over HTTP, as the program would.
func account(t testing.TB, o sandbox.Options) *databricks.Account {
	t.Helper()
	return opened(t, sandbox.Acme(), o)
}

func opened(t testing.TB, of *sandbox.Account, o sandbox.Options) *databricks.Account {
	t.Helper()
	server, err := sandbox.Start(of, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	who := server.Auditor()
	a, err := databricks.Open(t.Context(), databricks.Options{
		Isolated: true, AuthType: "oauth-m2m", Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: who.ClientID, ClientSecret: databricks.Secret(who.ClientSecret),
		Proxy: server.ProxyURL(), RootCAs: server.CertPool(),
		RetryBaseDelay: time.Millisecond, RetryMaxDelay: 2 * time.Millisecond, RateLimit: 1e6,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// offline writes and reads the estate, and puts it in the place of the account.
func offline(t testing.TB, e *estate.Estate) *snapshot.Offline {
	t.Helper()
	back, _, err := snapshot.Read(bytes.NewReader(saved(t, e, snapshot.About{Gzip: true})))
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Source(back)
}

func ask(t testing.TB, src collect.Source, words ...string) (report.Report, error) {
	t.Helper()
	q, err := query.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	return core.New(core.Options{Open: func() collect.Source { return src }, Version: "test"}).Answer(t.Context(), q, nil)
}

func answered(t testing.TB, src collect.Source, words ...string) report.Report {
	t.Helper()
	r, err := ask(t, src, words...)
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	return r
}

// plain is an answer without what may differ: times and what it cost, and the fields named.
func plain(t testing.TB, r report.Report, without ...string) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	prune(tree, append(without, "generated_at", "facts_read_at", "read_at", "api_calls"))
	text, err = json.MarshalIndent(tree, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func prune(tree any, names []string) {
	switch x := tree.(type) {
	case map[string]any:
		for _, n := range names {
			delete(x, n)
		}
		for _, v := range x {
			prune(v, names)
		}
	case []any:
		for _, v := range x {
			prune(v, names)
		}
	}
}

var (
	deep       = []identity.SecurableType{identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel}
	everything = collect.Depth{Delegations: true, Entry: true, Objects: true}
)

// crawl reads the estate of one question.
type crawl func(ctx context.Context, src collect.Source) (*estate.Estate, error)

func principal(who string, below ...identity.SecurableType) crawl {
	return func(ctx context.Context, src collect.Source) (*estate.Estate, error) {
		e, _, err := collect.Principal(ctx, src, collect.Scope{Who: who, Below: below}, collect.Options{})
		return e, err
	}
}

func resource(target collect.Target, expand bool) crawl {
	return func(ctx context.Context, src collect.Source) (*estate.Estate, error) {
		e, _, err := collect.Resource(ctx, src, collect.Scope{}, target, expand, collect.Options{})
		return e, err
	}
}

func can(who string, target collect.Target) crawl {
	return func(ctx context.Context, src collect.Source) (*estate.Estate, error) {
		in, err := collect.Can(ctx, src, collect.Scope{Who: who}, target, collect.Options{})
		if err != nil {
			return nil, err
		}
		return in.Estate(ctx), nil
	}
}

func survey(who string, below ...identity.SecurableType) crawl {
	return func(ctx context.Context, src collect.Source) (*estate.Estate, error) {
		e, _, err := collect.Survey(ctx, src, collect.Scope{Who: who, Below: below}, everything, collect.Options{})
		return e, err
	}
}

func crawled(t testing.TB, a *databricks.Account, read crawl) *estate.Estate {
	t.Helper()
	e, err := read(t.Context(), a.Session())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var orders = collect.Target{Parts: []string{"main", "sales", "orders"}, Type: identity.TypeTable, Metastore: "acme-us"}

// TestSameQuestionSameAnswer asks a snapshot the question that it was read for.
func TestSameQuestionSameAnswer(t *testing.T) {
	questions := map[string]struct {
		read  crawl
		words string
	}{
		"a user":           {principal("alice@acme.test"), "principal alice@acme.test"},
		"a user, all":      {principal("alice@acme.test", deep...), "principal alice@acme.test --scan-all"},
		"by another case":  {principal("ALICE@acme.test"), "principal ALICE@acme.test"},
		"who on a table":   {resource(orders, true), "resource main.sales.orders --resource-type table --metastore acme-us"},
		"groups on it":     {resource(orders, false), "resource main.sales.orders --resource-type table --metastore acme-us --no-expand-groups"},
		"reading a table":  {can("alice@acme.test", orders), "can alice@acme.test read main.sales.orders --resource-type table --metastore acme-us"},
		"who in a place":   {resource(collect.Target{Parts: []string{"prod"}, Workspace: true}, true), "resource prod --resource-type workspace"},
		"going to a place": {can("alice@acme.test", collect.Target{Parts: []string{"prod"}, Workspace: true}), "can alice@acme.test enter prod --resource-type workspace"},
	}
	for route, o := range map[string]sandbox.Options{"identity API": {}, "SCIM only": {IAMv2: sandbox.IAMv2NotFound}} {
		for name, q := range questions {
			t.Run(route+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := account(t, o)
				src := offline(t, crawled(t, a, q.read))
				want := answered(t, a.Session(), strings.Fields(q.words)...)
				got := answered(t, src, strings.Fields(q.words)...)
				if diff := cmp.Diff(plain(t, want), plain(t, got)); diff != "" {
					t.Errorf("the snapshot answers otherwise:\n%s", diff)
				}
			})
		}
	}
}

// TestSurveyAnswersQuestions asks a snapshot of the whole account what it was not read for.
func TestSurveyAnswersQuestions(t *testing.T) {
	for route, o := range map[string]sandbox.Options{"identity API": {}, "SCIM only": {IAMv2: sandbox.IAMv2NotFound}} {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			a := account(t, o)
			src := offline(t, crawled(t, a, survey("", deep...)))
			for _, words := range []string{
				"principal alice@acme.test --scan-all", "principal bob@acme.test --scan-tables",
				"principal data-engineering", "principal carol@acme.test", "principal nobody@acme.test",
			} {
				want, err := ask(t, a.Session(), strings.Fields(words)...)
				got, offErr := ask(t, src, strings.Fields(words)...)
				if err != nil || offErr != nil {
					if err == nil || offErr == nil || err.Error() != offErr.Error() {
						t.Errorf("%s: %v, live %v", words, offErr, err)
					}
					continue
				}
				if diff := cmp.Diff(plain(t, want, "planned_reads", "successful_reads"), plain(t, got, "planned_reads", "successful_reads")); diff != "" {
					t.Errorf("%s: the snapshot answers otherwise:\n%s", words, diff)
				}
			}
		})
	}
}

// TestAnotherQuestionGivesGaps asks a snapshot what it was not read for: what is missing is named, and
// what is known of it is not called the whole.
func TestAnotherQuestionGivesGaps(t *testing.T) {
	a := account(t, sandbox.Options{})
	src := offline(t, crawled(t, a, principal("alice@acme.test")))
	deeper := answered(t, src, "principal", "alice@acme.test", "--scan-tables").Head().Coverage
	if deeper.Complete || !says(deeper, "the snapshot does not hold the list of schemas in catalog main") {
		t.Errorf("asked to go deeper: %+v", deeper)
	}
	group := answered(t, src, "principal", "data-engineering").Head().Coverage
	if group.Complete || !says(group, "the snapshot does not hold the list of ") {
		t.Errorf("about a group: %+v", group)
	}
	for _, words := range []string{"principal bob@acme.test", "principal nobody@acme.test", "resource main.sales.orders", "can alice@acme.test read main.sales.orders"} {
		r, err := ask(t, src, strings.Fields(words)...)
		if err == nil {
			t.Errorf("%s: is answered: %s", words, plain(t, r))
			continue
		}
		if !strings.Contains(err.Error(), "the snapshot does not hold") || !identity.IsKind(err, identity.NotAsked) {
			t.Errorf("%s: %v", words, err)
		}
		if _, unknown := errors.AsType[*collect.UnknownError](err); unknown {
			t.Errorf("%s: called unknown though nobody looked", words)
		}
	}
	whole := offline(t, crawled(t, a, survey("")))
	table := answered(t, whole, "resource", "main", "--resource-type", "catalog", "--metastore", "acme-us").Head().Coverage
	if table.Complete || !says(table, "the snapshot does not hold the policies on catalog main") {
		t.Errorf("who can use a catalog of which the policies were not read: %+v", table)
	}
	if _, err := ask(t, whole, "principal", "nobody@acme.test"); err == nil {
		t.Error("nobody is found")
	} else if _, unknown := errors.AsType[*collect.UnknownError](err); !unknown {
		t.Errorf("all users were listed, and yet: %v", err)
	}
}

// TestUnknownNamesOfferTheSameOffline asks both about names that no securable bears: what could have been
// meant is told from the lists that were read, and where one was not, nobody says that there is none.
func TestUnknownNamesOfferTheSameOffline(t *testing.T) {
	a := account(t, sandbox.Options{})
	e := crawled(t, a, survey("", deep...))
	src := offline(t, e)
	offered := func(src collect.Source, words string) []string {
		t.Helper()
		_, err := ask(t, src, strings.Fields(words)...)
		unknown, ok := errors.AsType[*collect.UnknownResourceError](err)
		if !ok {
			t.Fatalf("%s: %v", words, err)
		}
		return unknown.Near
	}
	for _, words := range []string{
		"resource main.sales.custmers", "resource MAIN.Sales.Custmers", "resource main.saless.orders", "resource mian.sales.orders", "resource mian.saless.orders",
		"resource main.sales.exprots --resource-type volume", "resource main.sales.orders --resource-type volume", "resource prod_lakehosue.silver.events",
		"resource shared_dm --metastore acme-eu", "resource raw_landin --resource-type external_location", "resource lake_credental --resource-type storage_credential",
		"can alice@acme.test SELECT main.sales.ordres",
	} {
		live, then := offered(a.Session(), words), offered(src, words)
		if len(live) == 0 || !slices.Equal(live, then) {
			t.Errorf("%s: the account offers %q, the snapshot %q", words, live, then)
		}
	}
	schemas := estate.ReadKey{Op: estate.OpChildren, Securable: identity.CatalogSecurable(sandbox.AcmeMetastoreUS, "main"), Type: identity.TypeSchema}
	_, err := ask(t, snapshot.Source(snapshot.Without(t, e, schemas)), "resource", "main.saless.orders")
	if err == nil || !strings.Contains(err.Error(), "the snapshot does not hold") {
		t.Errorf("without the list of schemas: %v", err)
	}
}

func says(c report.Coverage, words string) bool {
	return slices.ContainsFunc(c.Gaps, func(g report.Gap) bool { return g.Blocking && strings.Contains(g.Message, words) })
}

// TestNoReadIsTakenForGranted leaves each entry of the ledger out in turn, with its facts still there:
// the answer must not change without a gap that says so, and must claim nothing more.
func TestNoReadIsTakenForGranted(t *testing.T) {
	for name, q := range map[string]struct {
		read  crawl
		words string
	}{
		"principal": {principal("alice@acme.test", deep...), "principal alice@acme.test --scan-all"},
		"resource":  {resource(orders, true), "resource main.sales.orders --resource-type table --metastore acme-us"},
		"can":       {can("alice@acme.test", orders), "can alice@acme.test read main.sales.orders --resource-type table --metastore acme-us"},
		"survey":    {survey("", deep...), "principal alice@acme.test --scan-all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := crawled(t, account(t, sandbox.Options{}), q.read)
			words := strings.Fields(q.words)
			full := answered(t, offline(t, e), words...)
			for _, dropped := range e.Reads() {
				src := snapshot.Source(snapshot.Without(t, e, dropped.Key))
				r, err := ask(t, src, words...)
				if err != nil {
					if !strings.Contains(err.Error(), "the snapshot does not hold") {
						t.Errorf("without %q: %v", e.Operation(dropped.Key), err)
					}
					continue
				}
				changed := plain(t, r, "coverage") != plain(t, full, "coverage")
				for _, claim := range more(r, full) {
					t.Errorf("without %q it claims %s", e.Operation(dropped.Key), claim)
				}
				if changed && !newGap(r, full) {
					t.Errorf("without %q (%s) the answer is another, and no gap says so:\n%s", e.Operation(dropped.Key), e.Scope(dropped.Key), cmp.Diff(plain(t, full), plain(t, r)))
				}
			}
		})
	}
}

// more finds what an answer about a principal claims that the whole one does not.
func more(r, full report.Report) (claims []string) {
	got, ok := r.(*report.PrincipalReport)
	if !ok {
		return nil
	}
	reach := func(g report.Grant) (each []string) { // the workspaces, and none for the grant itself
		for _, w := range append([]string{""}, g.ReachableIn...) {
			each = append(each, fmt.Sprint(g.Securable.Type, g.Securable.FullName, g.Securable.Metastore, g.Privileges, " in ", w))
		}
		return each
	}
	known := map[string]bool{}
	want := full.(*report.PrincipalReport)
	for _, g := range want.Grants {
		for _, c := range reach(g) {
			known[c] = true
		}
	}
	for _, g := range got.Grants {
		claims = append(claims, slices.DeleteFunc(reach(g), func(c string) bool { return known[c] })...)
	}
	for _, g := range got.UnusedGroups {
		if !slices.ContainsFunc(want.UnusedGroups, func(w report.Principal) bool { return w.ID == g.ID }) {
			claims = append(claims, g.Name+" gives nothing")
		}
	}
	return claims
}

// newGap reports whether something needed is missing that was not missing before.
func newGap(r, full report.Report) bool {
	return slices.ContainsFunc(r.Head().Coverage.Gaps, func(g report.Gap) bool {
		return g.Blocking && !slices.ContainsFunc(full.Head().Coverage.Gaps, func(f report.Gap) bool {
			return f.Blocking && f.Scope == g.Scope && f.Operation == g.Operation
		})
	})
}

// TestSurveyNeverContradicts asks whether somebody can do something: a snapshot of the whole account may
// not know, but must not say otherwise than the account.
func TestSurveyNeverContradicts(t *testing.T) {
	a := account(t, sandbox.Options{})
	sources := map[string]*snapshot.Offline{
		"deep": offline(t, crawled(t, a, survey("", deep...))), "shallow": offline(t, crawled(t, a, survey(""))),
		"alice": offline(t, crawled(t, a, principal("alice@acme.test", deep...))),
	}
	known := 0
	for _, who := range []string{"alice@acme.test", "bob@acme.test", "data-engineering"} {
		for _, what := range []string{
			"read main.sales.orders --resource-type table --metastore acme-us", "write main.sales.orders --resource-type table --metastore acme-us",
			"manage main.sales --resource-type schema --metastore acme-us", "enter prod --resource-type workspace", "enter staging --resource-type workspace",
		} {
			words := strings.Fields("can " + who + " " + what)
			live := answered(t, a.Session(), words...).(*report.CanReport)
			for name, src := range sources {
				r, err := ask(t, src, words...)
				if err != nil {
					continue // nothing is claimed
				}
				got := r.(*report.CanReport)
				if got.Verdict != live.Verdict && (got.Verdict != report.Unknown || got.Coverage.Complete) {
					t.Errorf("%s, %q: %s, live %s; complete %v", name, words, got.Verdict, live.Verdict, got.Coverage.Complete)
				}
				if got.Verdict != report.Unknown {
					known++
				}
			}
		}
	}
	if known < 15 {
		t.Errorf("only %d answers say anything", known)
	}
}
