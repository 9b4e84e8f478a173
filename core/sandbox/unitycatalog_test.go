package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const uc = "/api/2.1/unity-catalog/"

func grantsOf(r response) map[string][]string {
	out := map[string][]string{}
	for _, g := range r.list("privilege_assignments") {
		for _, p := range g["privileges"].([]any) {
			out[g["principal"].(string)] = append(out[g["principal"].(string)], p.(string))
		}
	}
	return out
}

func TestCatalogsAndBindings(t *testing.T) {
	c := acme(t, Options{})
	names := func(ws, query string) []string {
		return c.want(c.on(ws, uc+"catalogs"+query), 200).names("catalogs", "name")
	}
	if got := names("prod", ""); slices.Contains(got, "staging_scratch") || !slices.Contains(got, "prod_lakehouse") {
		t.Errorf("prod lists %q", got)
	}
	if got := names("prod", "?include_unbound=true"); !slices.Contains(got, "staging_scratch") {
		t.Errorf("prod lists unbound %q", got)
	}
	if got := names("staging", ""); slices.Contains(got, "prod_lakehouse") || !slices.Contains(got, "reference") {
		t.Errorf("staging lists %q", got)
	}
	if got := names("analytics-eu", "?include_unbound=true"); !slices.Equal(got, []string{"analytics", "shared_dim", "eu_gdpr", "acme_analytics_eu"}) {
		t.Errorf("analytics-eu lists %q", got)
	}
	if r := c.on("staging", uc+"schemas?catalog_name=prod_lakehouse"); r.status != 403 || !strings.Contains(r.str("message"), "not accessible in current workspace") {
		t.Errorf("children of an unbound catalog: %s", r)
	}
	c.want(c.on("staging", uc+"permissions/schema/prod_lakehouse.gold"), 403)
	c.want(c.on("staging", uc+"permissions/catalog/prod_lakehouse"), 200)
	b := c.want(c.on("prod", uc+"bindings/catalog/reference"), 200).list("bindings")
	if len(b) != 2 || b[1]["binding_type"] != ReadOnly || b[1]["workspace_id"] != float64(AcmeStagingID) {
		t.Error(b)
	}
	if b := c.on("prod", uc+"bindings/external_location/finance_vault").list("bindings"); len(b) != 1 {
		t.Error(b)
	}
	c.want(c.with("dapi-acme-alice-prod").on("prod", uc+"bindings/catalog/reference"), 403)
	patch := func(body any) response {
		return c.do("PATCH", "https://acme-analytics-eu.acme.test"+uc+"bindings/catalog/eu_gdpr", body)
	}
	c.want(patch(map[string]any{"add": []any{map[string]any{"workspace_id": AcmeProdID}}}), 400)
	c.want(patch(map[string]any{"add": []any{map[string]any{"workspace_id": AcmeAnalyticsID}}}), 200)
	if !slices.Contains(names("analytics-eu", ""), "eu_gdpr") {
		t.Error("binding had no effect")
	}
	c.want(c.on("prod", uc+"catalogs/nope"), 404)
}

func TestVisibility(t *testing.T) {
	c := acme(t, Options{})
	alice, bob := c.with("dapi-acme-alice-prod"), c.with("dapi-acme-bob-prod")
	if got := alice.on("prod", uc+"catalogs").names("catalogs", "name"); !slices.Equal(got, []string{"main", "prod_lakehouse", "reference", "shared_dim", "system", "samples"}) {
		t.Errorf("alice sees %q", got)
	}
	if got := bob.on("prod", uc+"catalogs").names("catalogs", "name"); slices.Contains(got, "ml") {
		t.Errorf("bob sees %q", got)
	}
	if got := alice.on("prod", uc+"schemas?catalog_name=main").names("schemas", "name"); !slices.Contains(got, "sales") {
		t.Errorf("alice sees %q", got)
	}
	rows := alice.on("prod", uc+"tables?catalog_name=main&schema_name=finance&include_browse=true").list("tables")
	if len(rows) != 2 || rows[0]["browse_only"] != true {
		t.Errorf("browse: %v", rows)
	}
	if rows := alice.on("prod", uc+"tables?catalog_name=main&schema_name=finance").list("tables"); len(rows) != 0 {
		t.Errorf("without browse: %v", rows)
	}
	c.want(alice.on("prod", uc+"permissions/schema/main.sales"), 200) // owner
	c.want(alice.on("prod", uc+"permissions/table/main.sales.orders"), 200)
	c.want(alice.on("prod", uc+"permissions/schema/main.finance"), 403)
	c.want(alice.on("prod", uc+"permissions/catalog/main"), 403)
	c.want(alice.on("prod", uc+"tables/main.finance.ledger"), 403)
	c.want(alice.on("prod", uc+"permissions/schema/prod_lakehouse.silver"), 200) // owner through a group
	c.want(alice.on("prod", uc+"permissions/schema/prod_lakehouse.bronze"), 403) // ALL_PRIVILEGES is not MANAGE
	for _, tc := range []struct {
		omit  string
		field string
	}{{"omit_username", "owner"}, {"omit_columns", "columns"}} {
		row := c.on("prod", uc+"tables?catalog_name=main&schema_name=sales&"+tc.omit+"=true").list("tables")[0]
		if row[tc.field] != nil {
			t.Errorf("%s leaves %v", tc.omit, row)
		}
	}
	c.srv.Update(func(a *Account) { a.Workspaces[0].MetastoreID = "" })
	if r := c.on("prod", uc+"catalogs"); r.status != 404 || r.str("error_code") != "METASTORE_DOES_NOT_EXIST" {
		t.Error(r)
	}
}

func TestPages(t *testing.T) {
	c := start(t, Generate(GenOptions{TablesPerSchema: 120, SchemasPerCatalog: 2, IsolatedCatalogs: -1}), Options{})
	c = c.as(c.srv.Auditor())
	c.srv.Update(func(a *Account) { a.EmptyPages = []string{"schemas"} })
	on := func(path string) response {
		return c.do("GET", "https://gen-ws-000.gen.test"+path, nil)
	}
	tables := uc + "tables?catalog_name=catalog_000&schema_name=schema_000"
	if n := len(on(tables).list("tables")); n != 120 {
		t.Errorf("unpaged: %d", n)
	}
	r := on(tables + "&max_results=0")
	if len(r.list("tables")) != 50 || r.str("next_page_token") == "" {
		t.Errorf("server page size: %d", len(r.list("tables")))
	}
	if r := on(tables + "&max_results=1000"); len(r.list("tables")) != 50 {
		t.Errorf("cap: %d", len(r.list("tables")))
	}
	token := url.QueryEscape(r.str("next_page_token"))
	c.want(on(uc+"tables?catalog_name=catalog_001&schema_name=schema_000&page_token="+token), 400)
	c.want(on(tables+"&page_token=junk"), 400)
	c.want(on(tables+"&max_results=-1"), 400)
	c.want(on(uc+"tables?catalog_name=catalog_000"), 400)
	first := on(uc + "schemas?catalog_name=catalog_000&max_results=0")
	if len(first.list("schemas")) != 0 || first.str("next_page_token") == "" {
		t.Errorf("a legal empty page: %s", first)
	}
	second := on(uc + "schemas?catalog_name=catalog_000&max_results=0&page_token=" + url.QueryEscape(first.str("next_page_token")))
	if len(second.list("schemas")) != 2 || second.str("next_page_token") != "" {
		t.Errorf("after the empty page: %s", second)
	}
	if n := len(on(uc + "schemas?catalog_name=catalog_000").list("schemas")); n != 2 {
		t.Errorf("unpaged lists have no empty pages: %d", n)
	}
	if n := len(on(uc + "table-summaries?catalog_name=catalog_000&table_name_pattern=table_0000%25").list("tables")); n != 20 {
		t.Errorf("summaries by pattern: %d", n)
	}
}

func TestGrants(t *testing.T) {
	c := acme(t, Options{})
	path := uc + "permissions/schema/main.sales"
	if got := grantsOf(c.on("prod", path)); !slices.Equal(got["sales-analytics"], []string{"USE_SCHEMA", "SELECT"}) || got["alice@acme.test"] != nil {
		t.Errorf("owners are not grantees: %v", got)
	}
	c.want(c.on("prod", uc+"permissions/SCHEMA/MAIN.Sales"), 200)
	c.want(c.on("prod", uc+"permissions/sandcastle/main"), 400)
	for size, want := range map[string]int{"0": 200, "1": 400, "149": 400, "150": 200} {
		c.want(c.on("prod", path+"?max_results="+size), want)
		c.want(c.on("prod", uc+"privilege-assignments/schema/main.sales?page_size="+size), want)
	}
	if got := grantsOf(c.on("prod", path+"?principal=zoe@partner.test")); len(got) != 1 {
		t.Errorf("principal filter: %v", got)
	}
	for _, kind := range []string{"function", "FUNCTION"} {
		if got := grantsOf(c.on("prod", uc+"permissions/"+kind+"/prod_lakehouse.gold.churn")); got[AcmeServingApp] == nil {
			t.Errorf("a model's grants are read as function: %v", got)
		}
	}
	if got := grantsOf(c.on("prod", uc+"permissions/metastore/"+AcmeMetastoreUS)); got["analysts"] == nil {
		t.Errorf("metastore: %v", got)
	}
	eff := c.on("prod", uc+"effective-permissions/table/main.sales.orders").list("privilege_assignments")
	found := false
	for _, a := range eff {
		for _, p := range a["privileges"].([]any) {
			p := p.(map[string]any)
			found = found || a["principal"] == "sales-analytics" && p["privilege"] == "SELECT" && p["inherited_from_type"] == "SCHEMA" && p["inherited_from_name"] == "main.sales"
			if p["privilege"] == "BROWSE" {
				t.Error("BROWSE of the catalog is repeated on the table")
			}
		}
	}
	if !found {
		t.Errorf("effective: %v", eff)
	}
}

func TestPatchGrants(t *testing.T) {
	c := acme(t, Options{})
	path := "https://acme-prod.acme.test" + uc + "permissions/table/main.sales.orders"
	change := func(principal string, add, remove []string) map[string]any {
		return map[string]any{"changes": []any{map[string]any{"principal": principal, "add": add, "remove": remove}}}
	}
	r := c.want(c.do("PATCH", path, change("dave@acme.test", []string{"ALL PRIVILEGES", "SELECT", "MANAGE"}, nil)), 200)
	if got := grantsOf(r)["dave@acme.test"]; !slices.Equal(got, []string{"ALL_PRIVILEGES", "SELECT", "MANAGE"}) {
		t.Errorf("granted %v", got)
	}
	r = c.want(c.do("PATCH", path, change("dave@acme.test", nil, []string{"ALL_PRIVILEGES"})), 200)
	if got := grantsOf(r)["dave@acme.test"]; !slices.Equal(got, []string{"MANAGE"}) {
		t.Errorf("revoking ALL_PRIVILEGES leaves %v", got)
	}
	c.want(c.do("PATCH", path, change("dave@acme.test", nil, []string{"SELECT"})), 200)
	if r := c.do("PATCH", path, change("nobody@acme.test", []string{"SELECT"}, nil)); r.status != 400 || r.str("error_code") != "PRINCIPAL_DOES_NOT_EXIST" {
		t.Error(r)
	}
	c.want(c.do("PATCH", path, change("dave@acme.test", []string{"USE_CATALOG"}, nil)), 400)
	c.want(c.with("dapi-acme-bob-prod").do("PATCH", path, change("bob@acme.test", []string{"SELECT"}, nil)), 403)

	owner := "https://acme-prod.acme.test" + uc + "schemas/main.finance"
	c.want(c.do("PATCH", owner, map[string]any{"owner": "nobody"}), 400)
	if got := c.want(c.do("PATCH", owner, map[string]any{"owner": "finance-readers"}), 200).str("owner"); got != "finance-readers" {
		t.Error(got)
	}
}

func TestHostileNames(t *testing.T) {
	c := acme(t, Options{})
	schema := AcmeHostileCatalog + ".sch/ema #1"
	r := c.want(c.on("prod", uc+"permissions/catalog/"+escape(AcmeHostileCatalog)), 200)
	if grantsOf(r)[AcmeHostileGroup] == nil {
		t.Error(r)
	}
	c.want(c.on("prod", uc+"permissions/schema/"+escape(schema)), 200)
	if got := c.on("prod", uc+"tables?"+url.Values{"catalog_name": {AcmeHostileCatalog}, "schema_name": {"sch/ema #1"}}.Encode()).names("tables", "name"); !slices.Equal(got, []string{AcmeHostileTable}) {
		t.Errorf("%q", got)
	}
	c.want(c.on("prod", uc+"tables/"+escape(schema+"."+AcmeHostileTable)), 200)
}

func TestShares(t *testing.T) {
	c := acme(t, Options{})
	if got := grantsOf(c.on("prod", uc+"shares/sales_share/permissions")); got["partner_corp"] == nil {
		t.Error(got)
	}
	if got := c.on("prod", uc+"recipients/partner_corp/share-permissions").names("permissions_out", "share_name"); !slices.Equal(got, []string{"sales_share"}) {
		t.Error(got)
	}
	for _, path := range []string{"volumes?catalog_name=main&schema_name=sales", "functions?catalog_name=main&schema_name=sales", "models", "external-locations", "storage-credentials", "credentials?purpose=SERVICE", "connections", "shares", "recipients", "providers", "metastore_summary", "current-metastore-assignment", "metastores", "policies/catalog/main"} {
		c.want(c.on("prod", uc+path), 200)
	}
	if got := c.on("prod", uc+"credentials?purpose=SERVICE").names("credentials", "name"); !slices.Equal(got, []string{"vision_service"}) {
		t.Error(got)
	}
}

func TestLegacyModelDoesNotInherit(t *testing.T) {
	c := acme(t, Options{})
	c.srv.Update(func(a *Account) { a.Metastores[0].PrivilegeModel = "0" })
	for _, a := range c.on("prod", uc+"effective-permissions/table/main.sales.orders").list("privilege_assignments") {
		for _, p := range a["privileges"].([]any) {
			if p.(map[string]any)["inherited_from_type"] != nil {
				t.Errorf("inherited: %v", a)
			}
		}
	}
}

func TestGenerate(t *testing.T) {
	opts := GenOptions{Seed: 7, Users: 300, Groups: 60, Metastores: 2}
	hash := func(o GenOptions) string { return fmt.Sprintf("%x", fingerprint(t, Generate(o))) }
	if first, second := hash(opts), hash(opts); first != second {
		t.Error("equal options, different accounts")
	}
	other := opts
	other.Seed = 8
	if hash(opts) == hash(other) {
		t.Error("the seed does nothing")
	}
	for _, o := range []GenOptions{{}, opts, {Users: -1, Groups: -1, ServicePrincipals: -1}, {Metastores: -1}, {Users: 10000, Groups: 5000, Depth: 10}} {
		a := Generate(o)
		if err := a.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	idx := buildIndex(Generate(opts))
	if n := len(idx.ancestors("100000")); n < 4 {
		t.Errorf("the first user is in %d groups", n)
	}
}
