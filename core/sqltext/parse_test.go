package sqltext_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/sqltext"
)

func TestParse(t *testing.T) {
	script := "-- grants `\n/* a /* nested */ one; */GRANT SELECT, use schema ON SCHEMA main.`s.1` TO `o``hara@x.test`;\n\nrevoke all privileges on metastore from g;;" +
		"GRANT SELECT ON t TO x; GRANT USE_CATALOG ON CATALOG catalog TO `ON`; GRANT READ FILES ON EXTERNAL LOCATION `external location` TO g"
	got, err := sqltext.Parse(script)
	if err != nil {
		t.Fatal(err)
	}
	want := []sqltext.Statement{
		{Privileges: []identity.Privilege{identity.Select, identity.UseSchema}, Type: identity.TypeSchema, Parts: []string{"main", "s.1"}, Principal: "o`hara@x.test", Line: 2},
		{Revoke: true, Privileges: []identity.Privilege{identity.AllPrivileges}, Type: identity.TypeMetastore, Principal: "g", Line: 4},
		{Privileges: []identity.Privilege{identity.Select}, Parts: []string{"t"}, Principal: "x", Line: 4},
		{Privileges: []identity.Privilege{identity.UseCatalog}, Type: identity.TypeCatalog, Parts: []string{"catalog"}, Principal: "ON", Line: 4},
		{Privileges: []identity.Privilege{identity.ReadFiles}, Type: identity.TypeExternalLocation, Parts: []string{"external location"}, Principal: "g", Line: 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestParseRefuses holds that nothing is passed over.
func TestParseRefuses(t *testing.T) {
	for script, line := range map[string]int{
		"DROP TABLE t":                          1,
		"\nGRANT FLY ON TABLE t TO x":           2,
		"GRANT SELECT ON TABLE t FROM x":        1,
		"REVOKE SELECT ON TABLE t TO x":         1,
		"GRANT SELECT ON TABLE a..b TO x":       1,
		"GRANT SELECT ON TABLE a b TO x":        1,
		"GRANT SELECT ON METASTORE m TO x":      1,
		"GRANT SELECT ON TABLE t TO ;":          1,
		"GRANT SELECT, ON TABLE t TO x":         1,
		"GRANT SELECT ON TABLE `t TO x":         1,
		"/* GRANT SELECT ON TABLE t TO x":       1,
		"GRANT SELECT ON TABLE t TO a-b":        1,
		"-- \\\nGRANT SELECT ON TABLE t TO x":   1,
		"GRANT SELECT ON TABLE t TO x\xff":      1,
		"GRANT":                                 1,
		"GRANT SELECT":                          1,
		"GRANT SELECT ON TABLE t TO 'x'":        1,
		"GRANT SELECT ON TABLE t TO x WITH y z": 1,
	} {
		_, err := sqltext.Parse(script)
		p, ok := errors.AsType[*sqltext.ParseError](err)
		if !ok || p.Line != line {
			t.Errorf("%q: %v", script, err)
		}
	}
}

// TestT18_WhatIsWrittenIsReadAsItWas holds for names of any kind.
func TestT18_WhatIsWrittenIsReadAsItWas(t *testing.T) {
	name := rapid.StringMatching("[-a-zA-Z0-9 `'\";.é表@#/*]{1,12}")
	rapid.Check(t, func(t *rapid.T) {
		on := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: name.Draw(t, "catalog"), Schema: name.Draw(t, "schema"), Name: name.Draw(t, "name")}
		to, revoke := name.Draw(t, "to"), rapid.Bool().Draw(t, "revoke")
		write := sqltext.Grant
		if revoke {
			write = sqltext.Revoke
		}
		statements, err := write([]identity.Privilege{identity.Select, identity.Modify}, identity.SecurableInfo{Securable: on, TableType: "MANAGED"}, to)
		if err != nil {
			t.Skip("not writable")
		}
		got, err := sqltext.Parse(statements[0])
		want := []sqltext.Statement{{Revoke: revoke, Privileges: []identity.Privilege{identity.Select, identity.Modify}, Type: identity.TypeTable, Parts: []string{on.Catalog, on.Schema, on.Name}, Principal: to, Line: 1}}
		if err != nil || !cmp.Equal(got, want) {
			t.Fatalf("%s: %v\n%s", statements[0], err, cmp.Diff(want, got))
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("GRANT SELECT ON TABLE a.b TO `c`; -- x")
	f.Fuzz(func(t *testing.T, script string) {
		if _, err := sqltext.Parse(script); err != nil && !errors.As(err, new(*sqltext.ParseError)) {
			t.Errorf("another error: %v", err)
		}
	})
}
