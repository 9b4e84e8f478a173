package databricks

import (
	"net/http"
	"testing"

	"databricks-access-audit/core/identity"
)

func TestPolicies(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+catalogHost+"policies/TABLE/c.s.t", func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.RawQuery {
		case "include_inherited=true":
			refuse(rw, 200, `{"policies":[
				{"id":"1","name":"own rows","on_securable_type":"TABLE","on_securable_fullname":"c.s.t","for_securable_type":"TABLE",
				 "policy_type":"POLICY_TYPE_ROW_FILTER","to_principals":["account users"],"except_principals":["`+"`Data Team`"+`","","6f9619ff-8b86-d011-b42d-00c04fc964ff"],"row_filter":{"function_name":"c.s.f"}},
				{"id":"2","name":"own rows","on_securable_type":"CATALOG","on_securable_fullname":"c","for_securable_type":"TABLE",
				 "policy_type":"POLICY_TYPE_COLUMN_MASK","to_principals":["a"],"match_columns":[{"alias":"x","condition":"has_tag('pii')"}]}],
				"next_page_token":"n"}`)
		case "include_inherited=true&page_token=n":
			refuse(rw, 200, `{"next_page_token":"o"}`)
		case "include_inherited=true&page_token=o":
			refuse(rw, 200, `{"policies":[
				{"id":"2","name":"own rows","on_securable_type":"CATALOG","on_securable_fullname":"c","policy_type":"POLICY_TYPE_COLUMN_MASK"},
				{"name":"give","on_securable_type":"SCHEMA","on_securable_fullname":"c.s","for_securable_type":"TABLE","policy_type":"POLICY_TYPE_GRANT",
				 "to_principals":["g"],"grant":{"privileges":["SELECT","modify","","SELECT"]},"when_condition":"has_tag_value('tier','gold')"},
				{"name":"blank","on_securable_fullname":"c","policy_type":"POLICY_TYPE_DENY","grant":{"privileges":["SELECT"]},"when_condition":" ","match_columns":[]},
				{"id":"9","policy_type":"POLICY_TYPE_ROW_FILTER","match_columns":null,"when_condition":null,"to_principals":null}]}`)
		default:
			t.Errorf("query %q", r.URL.RawQuery)
		}
	})
	s := w.session()
	got, err := s.Policies(t.Context(), workspaceNamed("prod"), leaf(identity.TypeTable, "t"))
	check(t, got, err, []identity.Policy{
		{Name: "own rows", On: "c.s.t", Kind: identity.PolicyRowFilter, To: []string{"account users"}, Except: []string{"Data Team", "6f9619ff-8b86-d011-b42d-00c04fc964ff"}},
		{Name: "own rows", On: "c", Kind: identity.PolicyColumnMask, To: []string{"a"}, Conditional: true},
		{Name: "give", On: "c.s", Kind: identity.PolicyGrant, To: []string{"g"}, Privileges: []identity.Privilege{"MODIFY", "SELECT"}, Conditional: true},
		{Name: "blank", On: "c", Kind: "DENY"},
		{Kind: identity.PolicyRowFilter},
	})
	check(t, s.Calls(), nil, map[string]int{"GET /api/2.1/unity-catalog/policies/{on_securable_type}/{on_securable_fullname}": 3})
}

func TestPolicyAddresses(t *testing.T) {
	for _, c := range []struct {
		on   identity.Securable
		want string // empty: nothing is asked
	}{
		{identity.CatalogSecurable("m", "c/1"), "CATALOG/c%2F1"},
		{identity.SchemaSecurable("m", "c", "s"), "SCHEMA/c.s"},
		{leaf(identity.TypeTable, "t.1"), "TABLE/c.s.t.1"},
		{leaf(identity.TypeVolume, "v"), "SCHEMA/c.s"},
		{leaf(identity.TypeFunction, "f"), "SCHEMA/c.s"},
		{leaf(identity.TypeModel, "m"), "SCHEMA/c.s"},
		{identity.MetastoreSecurable("m"), ""},
		{beside(identity.TypeExternalLocation, "x"), ""},
		{beside(identity.TypeShare, "x"), ""},
	} {
		w := newWorld(t)
		w.json("GET "+catalogHost+"policies/", `{}`)
		got, err := w.session().Policies(t.Context(), workspaceNamed("prod"), c.on)
		check(t, len(got), err, 0)
		var want []string
		if c.want != "" {
			want = []string{"GET " + catalogHost + "policies/" + c.want + "?include_inherited=true"}
		}
		check(t, w.requests(), nil, want)
	}
	for _, on := range []identity.Securable{identity.CatalogSecurable("m", ""), identity.CatalogSecurable("m", ".."), leaf(identity.TypeVolume, "")} {
		w := newWorld(t)
		_, err := w.session().Policies(t.Context(), workspaceNamed("prod"), on)
		wantKind(t, err, identity.Failed, "")
		check(t, len(w.requests()), nil, 0)
	}
}

// A container's policies for one type of object do nothing to those of another.
func TestPoliciesForOtherTypes(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+catalogHost+"policies/", `{"policies":[
		{"name":"t","for_securable_type":"TABLE"},{"name":"v","for_securable_type":"VOLUME"},{"name":"f","for_securable_type":"FUNCTION"},{"name":"m","for_securable_type":"MODEL"},
		{"name":"s","for_securable_type":"SCHEMA"},{"name":"new","for_securable_type":"LATER_TYPE"},{"name":"unsaid"}]}`)
	s := w.session()
	for _, c := range []struct {
		on   identity.Securable
		want string
	}{
		{leaf(identity.TypeTable, "t"), "t s new unsaid "},
		{leaf(identity.TypeVolume, "v"), "v s new unsaid "},
		{leaf(identity.TypeFunction, "f"), "f s new unsaid "},
		{leaf(identity.TypeModel, "m"), "f m s new unsaid "},
		{identity.SchemaSecurable("m", "c", "s"), "t v f m s new unsaid "},
		{identity.CatalogSecurable("m", "c"), "t v f m s new unsaid "},
	} {
		got, err := s.Policies(t.Context(), workspaceNamed("prod"), c.on)
		names := ""
		for _, p := range got {
			names += p.Name + " "
		}
		check(t, names, err, c.want)
	}
}

// That the feature is off means no policies; nothing else does.
func TestPoliciesWithoutThem(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind // empty: none, and no failure
	}{
		{404, `{"error_code":"ENDPOINT_NOT_FOUND","message":"No API found for 'GET /x'"}`, ""},
		{404, `404 page not found`, ""},
		{403, `{"error_code":"FEATURE_DISABLED","message":"ABAC is off"}`, ""},
		{400, `{"error_code":"FEATURE_DISABLED","message":"ABAC is off"}`, ""},
		{501, ``, ""},
		{200, `{}`, ""},
		{404, `{"error_code":"CATALOG_DOES_NOT_EXIST","message":"x"}`, identity.NotFound},
		{403, `{"error_code":"PERMISSION_DENIED","message":"User does not have MANAGE"}`, identity.Forbidden},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed},
		{200, `{"policies":{}}`, identity.Failed},
		{200, `{"policies":[{"to_principals":["a"]}]}`, identity.Failed},
		{200, `{"policies":[{"name":"p","when_condition":{}}]}`, identity.Failed},
		{200, `[]`, identity.Failed},
		{200, ``, identity.Failed},
		{200, `<!DOCTYPE html><title>Login</title>`, identity.Failed},
	} {
		w := newWorld(t)
		w.handle("GET "+catalogHost+"policies/", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		got, err := w.session().Policies(t.Context(), workspaceNamed("prod"), identity.CatalogSecurable("m", "c"))
		if c.want == "" && err != nil || c.want != "" && !identity.IsKind(err, c.want) {
			t.Errorf("%d %s: got %v, want %q", c.status, c.body, err, c.want)
		}
		check(t, len(got), nil, 0)
	}
}

// Once a page has come the feature is there, and what is missing is missing.
func TestPoliciesThatBreakOff(t *testing.T) {
	for _, first := range []string{`{"policies":[{"name":"p","policy_type":"POLICY_TYPE_GRANT"}],"next_page_token":"n"}`, `{"next_page_token":"n"}`} {
		w := newWorld(t)
		w.handle("GET "+catalogHost+"policies/", func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("page_token") {
				refuse(rw, 501, `{"error_code":"NOT_IMPLEMENTED","message":"x"}`)
				return
			}
			refuse(rw, 200, first)
		})
		got, err := w.session().Policies(t.Context(), workspaceNamed("prod"), identity.CatalogSecurable("m", "c"))
		f := wantKind(t, err, identity.Unsupported, "")
		check(t, f.Partial, nil, len(got) > 0)
	}
}
