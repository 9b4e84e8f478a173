package sandbox

import (
	"slices"
	"testing"
)

func TestPolicies(t *testing.T) {
	c := acme(t, Options{})
	c.srv.Update(func(a *Account) {
		ml := a.MetastoreByName("acme-us").CatalogByName("ml")
		ml.Policies = []Policy{{ID: "p-1", Name: "run_models", Type: "POLICY_TYPE_GRANT", To: []string{"data-scientists"}, For: "FUNCTION", Privileges: []string{"EXECUTE"}, When: "has_tag_value('pii', 'no')"}}
		features := ml.SchemaByName("features")
		features.Policies = []Policy{{
			ID: "p-2", Name: "mask_pii", Type: "POLICY_TYPE_COLUMN_MASK", To: []string{GroupAccountUsers}, Except: []string{"ml-platform"}, For: "TABLE",
			Match: [][2]string{{"pii", "has_tag('pii')"}}, Function: "main.sales.mask_email", OnColumn: "pii",
		}}
		features.TableByName("customer_features").Policies = []Policy{{ID: "p-3", Name: "own_rows", Type: "POLICY_TYPE_ROW_FILTER", To: []string{"dave@acme.test"}, For: "TABLE", Function: "main.sales.own_region", Using: []string{"region"}}}
	})
	list := func(path string) response { return c.want(c.on("prod", uc+"policies/"+path), 200) }
	for path, want := range map[string][]string{
		"CATALOG/ml":                                {"run_models"},
		"catalog/main":                              nil,
		"SCHEMA/ml.features":                        {"mask_pii"},
		"TABLE/ml.features.customer_features":       {"own_rows"},
		"SCHEMA/ml.features?include_inherited=true": {"mask_pii", "run_models"},
		"TABLE/ml.features.customer_features?include_inherited=true": {"own_rows", "mask_pii", "run_models"},
	} {
		if got := list(path).names("policies", "name"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	all := list("TABLE/ml.features.customer_features?include_inherited=true").list("policies")
	filter, mask, grants := all[0], all[1], all[2]
	if filter["row_filter"].(map[string]any)["function_name"] != "main.sales.own_region" || filter["column_mask"] != nil {
		t.Error(filter)
	}
	if m := mask["column_mask"].(map[string]any); m["on_column"] != "pii" || mask["on_securable_fullname"] != "ml.features" || mask["on_securable_type"] != "SCHEMA" || mask["except_principals"].([]any)[0] != "ml-platform" {
		t.Error(mask)
	}
	if g := grants["grant"].(map[string]any); g["privileges"].([]any)[0] != "EXECUTE" || grants["policy_type"] != "POLICY_TYPE_GRANT" || grants["when_condition"] == nil {
		t.Error(grants)
	}
	if r := list("SCHEMA/ml.features/mask_pii"); r.str("id") != "p-2" {
		t.Error(r)
	}
	c.want(c.on("prod", uc+"policies/SCHEMA/ml.features/run_models"), 404)
	c.want(c.on("prod", uc+"policies/VOLUME/main.sales.exports"), 400)
	c.want(c.on("prod", uc+"policies/SCHEMA/ml.nope"), 404)
	c.want(c.with("dapi-acme-bob-prod").on("prod", uc+"policies/CATALOG/main"), 403)
}

func TestDependencies(t *testing.T) {
	c := acme(t, Options{})
	c.srv.Update(func(a *Account) {
		sales := a.MetastoreByName("acme-us").CatalogByName("main").SchemaByName("sales")
		sales.TableByName("margin_by_region").FunctionDependencies = []string{"main.sales.own_region"}
		sales.Functions[1].Dependencies = []string{"main.finance.ledger"}
	})
	deps := c.want(c.on("prod", uc+"tables/main.sales.margin_by_region"), 200).json()["view_dependencies"].(map[string]any)["dependencies"].([]any)
	table, function := deps[0].(map[string]any), deps[1].(map[string]any)
	if table["table"].(map[string]any)["table_full_name"] != "main.finance.ledger" || table["function"] != nil {
		t.Error(table)
	}
	if function["function"].(map[string]any)["function_full_name"] != "main.sales.own_region" || function["table"] != nil {
		t.Error(function)
	}
	reads := func(name, query string) any {
		return c.want(c.on("prod", uc+"functions/main.sales."+name+query), 200).json()["routine_dependencies"]
	}
	if reads("own_region", "") != nil {
		t.Error("a function says what it reads although nobody asked")
	}
	if f, ok := reads("own_region", "?include_dependencies=true").(map[string]any); !ok || len(f["dependencies"].([]any)) != 1 {
		t.Error("a function does not say what it reads")
	}
	if f, ok := reads("mask_email", "?include_dependencies=true").(map[string]any); !ok || len(f["dependencies"].([]any)) != 0 {
		t.Error("a function that reads nothing does not say so")
	}
	if m := c.on("prod", uc+"tables/main.sales.orders").json(); m["view_dependencies"] != nil {
		t.Error(m)
	}
	if r := c.on("prod", uc+"tables/main.sales.nope"); r.status != 404 || r.str("error_code") != "TABLE_DOES_NOT_EXIST" {
		t.Error(r)
	}
}
