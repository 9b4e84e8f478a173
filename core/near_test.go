package core_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/raced"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// offered asks about a name that no securable bears and gives what is offered instead.
func offered(t *testing.T, g *core.Engine, q query.Request) []string {
	t.Helper()
	_, err := g.Answer(t.Context(), q, nil)
	unknown, ok := errors.AsType[*core.UnknownResourceError](err)
	if !ok {
		t.Fatalf("%+v: the error is %v", q, err)
	}
	return unknown.Near
}

// TestUnknownNamesOfferNearOnes asks about names with a slip in each part, of each sort of securable, in
// the account as it is and in one whose names need backticks.
func TestUnknownNamesOfferNearOnes(t *testing.T) {
	account := sandbox.Acme()
	bare := func(name string) sandbox.Securable { return sandbox.Securable{Name: name, Owner: "platform"} }
	us, eu := account.Metastores[0], account.Metastores[1]
	sales := us.Catalogs[0].Schemas[0]
	for _, name := range []string{"order_1", "order_2", "order_3", "order_4"} {
		sales.Tables = append(sales.Tables, &sandbox.Table{Securable: bare(name)})
	}
	sales.Volumes = append(sales.Volumes, &sandbox.Volume{Securable: bare("customers")})
	us.Catalogs = append(us.Catalogs, &sandbox.Catalog{Securable: bare("raw_data")}, &sandbox.Catalog{
		Securable: bare("raw.data"),
		Schemas:   []*sandbox.Schema{{Securable: bare("tick`s"), Tables: []*sandbox.Table{{Securable: bare("`events`")}}}},
	})
	eu.Catalogs = append(eu.Catalogs, &sandbox.Catalog{Securable: bare("maine")})
	server := serve(t, account, sandbox.Options{})
	g := engine(t, server, server.Auditor())
	for words, want := range map[string][]string{
		// The last part: nearest first, three at most, each name once, of the type asked for.
		"resource main.sales.custmers":                          {"main.sales.customers"},
		"resource main.sales.ordr_1":                            {"main.sales.order_1", "main.sales.order_2", "main.sales.order_3"},
		"resource main.sales.margin":                            {"main.sales.margin_of", "main.sales.margin_by_region"},
		"resource main.sales.custmers --resource-type function": nil,
		"resource MAIN.Sales.EXPROTS --resource-type volume":    {"main.sales.exports"},
		"resource main.sales.zzzzzz":                            nil, // though the other metastore has a catalog maine
		"resource main.sales.a":                                 nil,
		// A part before it: what bears the name so mended, or else the nearest container alone.
		"resource main.saless.orders":                         {"main.sales.orders"},
		"resource mian.sales.orders":                          {"main.sales.orders"},
		"resource mian.saless.orders":                         {"catalog main"},
		"resource main.saless.nothing":                        {"schema main.sales"},
		"resource mian.sales":                                 {"main.sales"},
		"resource main.finanec":                               {"main.finance"},
		"resource mian":                                       {"main"},
		"resource maim.finance.ledger --resource-type table":  {"main.finance.ledger"},
		"resource mian.finance.ledger --resource-type volume": {"catalog main"},
		"resource nowhere.at.all":                             nil,
		"resource prod_lakehosue.silver.events":               {"prod_lakehouse.silver.events"}, // bound to one workspace
		"resource prod_lakehouse.silvr.events":                {"prod_lakehouse.silver.events"},
		"resource staging_scratch.dbt_tests.not_nul_orders":   {"staging_scratch.dbt_tests.not_null_orders"}, // not through the first door
		"resource staging.dbt_tests.not_nul_orders":           {"catalog staging_scratch"},
		"resource prod_lakehouse.silver.evnets":               {"prod_lakehouse.silver.events"},
		"resource analytics.web.sesions":                      {"analytics.web.sessions"},
		"resource analytics.web.sesions --metastore acme-us":  nil,
		"resource shared_dmi":                                 {"shared_dim"}, // in two metastores
		"resource raw_dat.x":                                  {"catalog raw_data"},
		"resource raw_dta":                                    {"raw_data", "`raw.data`"},
		"resource raw_dta.x":                                  {"catalog raw_data"},
		"resource `raw.data`.tick`z.`events`":                 {"schema `raw.data`.tick`s"},
		"resource `raw.data`.tick`s.```event```":              {"`raw.data`.tick`s.```events```"},
		"can alice@acme.test SELECT mian.sales.orders":        {"main.sales.orders"},
		"can alice@acme.test QUERY main.sales.custmers":       {"main.sales.customers"},
		"can alice@acme.test READ_VOLUME main.sales.exprots":  {"main.sales.exports"},
		"can alice@acme.test USE_SCHEMA main.slaes":           {"main.sales"},
		// Beside the catalogs.
		"resource raw_landin --resource-type external_location":      {"raw_landing"},
		"resource lake_credental --resource-type credential":         {"lake_credential"},
		"resource lake_credental --resource-type storage_credential": {"lake_credential"},
		"resource vision_servise --resource-type service_credential": {"vision_service"},
		"resource vision_servise --resource-type storage_credential": nil,
		"resource crm_postgre --resource-type connection":            {"crm_postgres"},
		"resource sales_shar --resource-type share":                  {"sales_share"},
		"resource partner_crop --resource-type recipient":            {"partner_corp"},
		"resource raw_landin":               nil, // a catalog's, for all that is said
		"resource main --metastore acme-uz": {"acme-us", "acme-eu"},
		// Another type of the very name, and those of the type whose name comes near.
		"resource main.sales.orders --resource-type VOLUME":                  {"table main.sales.orders"},
		"resource main.sales.customers --resource-type function":             {"table main.sales.customers", "volume main.sales.customers"},
		"resource raw_landing --resource-type catalog":                       {"external location raw_landing"},
		"resource vision_service --resource-type storage_credential":         {"service credential vision_service"},
		"can alice@acme.test SELECT main.sales.orders --resource-type model": {"table main.sales.orders"},
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			if got := offered(t, g, parse(t, strings.Fields(words)...)); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// listings are the calls that list what is in something of Unity Catalog.
func listings(calls []sandbox.Call) (lists []sandbox.Call) {
	for _, c := range calls {
		name, ok := strings.CutPrefix(c.Route, "/api/2.1/unity-catalog/")
		if ok && !strings.Contains(name, "/") && !strings.HasPrefix(name, "metastore") && !strings.HasPrefix(name, "current") {
			lists = append(lists, c)
		}
	}
	return lists
}

// TestNamesThatExistCostNothingMore: what could have been meant instead is looked for only where it is
// wanted.
func TestNamesThatExistCostNothingMore(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	for _, words := range []string{
		"resource main.sales.orders", "resource main.sales", "resource main.sales.exports --resource-type volume", "resource raw_landing",
		"resource lake_credential --resource-type credential", "can bob@acme.test SELECT main.sales.orders",
	} {
		server.ResetCalls()
		ask[report.Report](t, g, parse(t, strings.Fields(words)...))
		if lists := listings(server.Calls()); len(lists) > 0 {
			t.Errorf("%s lists %s", words, lists[0].Path)
		}
	}
	server.ResetCalls()
	offered(t, g, parse(t, "resource", "main.sales.custmers"))
	if len(listings(server.Calls())) == 0 {
		t.Error("no call is recognised as one that lists")
	}
}

// TestR09_WhatIsNearNeverDecides fails each single call of questions about names that no securable bears.
// Those that look for other names change nothing but what is offered, and add nothing to it; those that
// look for the name itself may end the question, and never answer it.
func TestR09_WhatIsNearNeverDecides(t *testing.T) {
	var fewer atomic.Bool
	t.Run("each", func(t *testing.T) {
		for _, line := range []string{
			"resource main.sales.custmers", "resource mian.sales.orders", "resource prod_lakehouse.silvr.events",
			"resource main.sales.exports --resource-type table",
		} {
			words := strings.Fields(line)
			q := parse(t, words...)
			whole := serve(t, sandbox.Acme(), sandbox.Options{})
			g := engine(t, whole, whole.Auditor())
			whole.ResetCalls()
			full := offered(t, g, q)
			if len(full) == 0 {
				t.Fatalf("%s: nothing is offered", line)
			}
			for _, call := range raced.Sample(t, whole.Calls(), 8) {
				decides := !strings.Contains(call.Path, "/unity-catalog/") || strings.HasSuffix(call.Path, words[1])
				t.Run(strings.ReplaceAll(line+" "+call.Path+"?"+call.Query, "/", "_"), func(t *testing.T) {
					t.Parallel()
					server := serve(t, sandbox.Acme(), sandbox.Options{})
					g := engine(t, server, server.Auditor())
					server.SetFaults(fault(t, call, "status=403"))
					_, err := g.Answer(t.Context(), q, nil)
					unknown, ok := errors.AsType[*core.UnknownResourceError](err)
					switch {
					case err == nil:
						t.Error("it is answered")
					case !ok && !decides:
						t.Errorf("a courtesy that failed became: %v", err)
					case ok:
						if len(unknown.Near) < len(full) {
							fewer.Store(true)
						}
						for _, name := range unknown.Near { // the container, where what is in it could not be told
							if !slices.Contains(full, name) && !strings.HasPrefix(name, "catalog ") && !strings.HasPrefix(name, "schema ") {
								t.Errorf("only then it offers %s", name)
							}
						}
					}
				})
			}
		}
	})
	if !fewer.Load() {
		t.Error("no failed call takes away anything that is offered: none of them was needed")
	}
}
