package databricks

import (
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

func TestLookupOfViews(t *testing.T) {
	table := func(catalog, schema, name string) identity.Securable {
		return identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: catalog, Schema: schema, Name: name}
	}
	function := leaf(identity.TypeFunction, "f")
	for name, c := range map[string]struct {
		dependencies string // the field with its comma
		want         []identity.Securable
		known        bool
	}{
		"not told":        {``, nil, false},
		"null":            {`,"view_dependencies":null`, nil, false},
		"none":            {`,"view_dependencies":{"dependencies":[]}`, nil, true},
		"none, left out":  {`,"view_dependencies":{}`, nil, true},
		"table, function": {`,"view_dependencies":{"dependencies":[{"table":{"table_full_name":"a.b.t"}},{"function":{"function_full_name":"c.s.f"}},{"table":{"table_full_name":"a.b.t"}}]}`, []identity.Securable{table("a", "b", "t"), function}, true},
		"wrapped twice":   {`,"view_dependencies":{"dependencies":{"dependencies":[{"table":{"table_full_name":"a.b.t"}}]}}`, []identity.Securable{table("a", "b", "t")}, true},
		"bare":            {`,"view_dependencies":[{"table":{"table_full_name":"a.b.t"}}]`, []identity.Securable{table("a", "b", "t")}, true},
		"backticks":       {`,"view_dependencies":{"dependencies":[{"table":{"table_full_name":"a.` + "`x.y/#%é`" + `.t"}}]}`, []identity.Securable{table("a", "x.y/#%é", "t")}, true},
		"other things":    {`,"view_dependencies":{"dependencies":[{"connection":{"connection_name":"x"}},{"table":null,"credential":{"credential_name":"x"}},{"table":{"table_full_name":"a.b.t"}}]}`, []identity.Securable{table("a", "b", "t")}, true},
		"a dot too many":  {`,"view_dependencies":{"dependencies":[{"table":{"table_full_name":"a.b.c.t"}},{"table":{"table_full_name":"a.b.t"}}]}`, []identity.Securable{table("a", "b", "t")}, false},
		"a part missing":  {`,"view_dependencies":{"dependencies":[{"table":{"table_full_name":"a..t"}}]}`, nil, false},
		"no name":         {`,"view_dependencies":{"dependencies":[{"function":{}}]}`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, s := answering(t, map[string]string{"tables/c.s.v?include_browse=true": `{"full_name":"c.s.v","table_type":"VIEW"` + c.dependencies + `}`})
			on := leaf(identity.TypeTable, "v")
			got, err := s.Lookup(t.Context(), workspaceNamed("prod"), on)
			check(t, got, err, identity.SecurableInfo{Securable: on, TableType: "VIEW", Bases: c.want, BasesKnown: c.known})

			// Functions tell theirs in the same forms under a name of their own.
			ofFunction := strings.Replace(c.dependencies, "view_dependencies", "routine_dependencies", 1)
			_, s = answering(t, map[string]string{"functions/c.s.v?include_browse=true&include_dependencies=true": `{"full_name":"c.s.v","view_dependencies":[]` + ofFunction + `}`})
			on = leaf(identity.TypeFunction, "v")
			got, err = s.Lookup(t.Context(), workspaceNamed("prod"), on)
			check(t, got, err, identity.SecurableInfo{Securable: on, Bases: c.want, BasesKnown: c.known})
		})
	}
	for _, malformed := range []string{`"x"`, `7`, `{"dependencies":"x"}`, `{"dependencies":{"dependencies":3}}`, `["x"]`, `[{"table":"a.b.t"}]`, `{"dependencies":[{"table":{"table_full_name":7}}]}`} {
		_, s := answering(t, map[string]string{"tables/c.s.v?include_browse=true": `{"full_name":"c.s.v","view_dependencies":` + malformed + `}`})
		_, err := s.Lookup(t.Context(), workspaceNamed("prod"), leaf(identity.TypeTable, "v"))
		wantKind(t, err, identity.Failed, "")
	}
}
