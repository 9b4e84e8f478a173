package query_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
)

func TestParse(t *testing.T) {
	tables := []identity.SecurableType{identity.TypeSchema, identity.TypeTable}
	for line, want := range map[string]query.Request{
		"principal alice@acme.test":                              query.Principal{Who: "alice@acme.test"},
		"PRINCIPAL alice@acme.test":                              query.Principal{Who: "alice@acme.test"},
		"principal --scan-tables alice@acme.test":                query.Principal{Who: "alice@acme.test", Scan: tables},
		"principal alice@acme.test --scan-tables --scan-schemas": query.Principal{Who: "alice@acme.test", Scan: tables},
		"principal alice --scan-tables=true":                     query.Principal{Who: "alice", Scan: tables},
		"principal alice --scan-tables=false":                    query.Principal{Who: "alice"},
		`principal "Data Engineers"`:                             query.Principal{Who: "Data Engineers"},
		`principal sean.o'brien@acme.test`:                       query.Principal{Who: "sean.o'brien@acme.test"},
		"principal -- --scan-tables":                             query.Principal{Who: "--scan-tables"},
		"principal a --workspace-urls https://x.test, ":          query.Principal{Who: "a", WorkspaceURLs: []string{"https://x.test"}},
		"principal a --workspace-urls=x.test,y.test":             query.Principal{Who: "a", WorkspaceURLs: []string{"x.test", "y.test"}},
		`group "Data Engineers"`:                                 query.Group{Name: "Data Engineers"},
		"group --check-local-groups analysts --scan-workspace-objects --scan-tables --workspace-urls prod": query.Group{Name: "analysts", Scan: tables, Objects: query.Objects{Asked: true}, LocalGroups: true, WorkspaceURLs: []string{"prod"}},
		"principal a --scan-workspace-objects --check-local-groups":                                        query.Principal{Who: "a", Objects: query.Objects{Asked: true}, LocalGroups: true},
		"principal a --workspace-object-types Jobs,sql-warehouses,jobs": query.Principal{
			Who: "a", Objects: query.Objects{Asked: true, Types: []identity.ObjectType{identity.ObjectJob, identity.ObjectWarehouse}},
		},
		"compare a b --workspace-object-types notebooks": query.Compare{
			A: "a", B: "b", Objects: query.Objects{Asked: true, Types: []identity.ObjectType{identity.ObjectNotebook}},
		},
		"principal a --stale-days 90": query.Principal{Who: "a", LastUse: query.LastUse{Days: 90}},
		"group a --stale-days=1 --sql-warehouse-id w1 --sql-workspace-url https://x.test": query.Group{Name: "a", LastUse: query.LastUse{Days: 1, Warehouse: "w1", Workspace: "https://x.test"}},
		"doctor": query.Doctor{},
		"roles":  query.Roles{},
		"escalations ann --scan-workspace-objects": query.Escalations{Survey: query.Survey{Who: "ann", Objects: true}},
	} {
		t.Run(line, func(t *testing.T) {
			words, err := query.Words(line)
			if err != nil {
				t.Fatal(err)
			}
			got, err := query.Parse(words)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for line, hint := range map[string]string{
		"":                                        "principal",
		"principle alice":                         "principal",
		"principal":                               "WHO",
		"principal alice bob":                     "quotes",
		`principal ""`:                            "empty",
		"principal alice --to bob":                "--scan-tables",
		"principal alice --workspace-urls":        "needs a value",
		"principal alice --scan-tables=7":         "takes no value",
		"group":                                   "NAME",
		"group a b":                               "quotes",
		"group a --workspace-urls ,":              "workspace",
		"doctor alice":                            "does not take",
		"can a read hive_metastore.d.t":           "SHOW GRANTS",
		"resource hive_metastore":                 "SHOW GRANTS",
		"can a read b --workspace=":               "leave it out",
		"can a enter b --resource-type job":       "leave out",
		"can a impersonate b --resource-type job": "leave out",
		"can a \"create table\" b --resource-type workspace":        "schema",
		"resource foo --resource-type table":                        "has 3 parts, foo has 1; write catalog.schema.table",
		"resource a.b.c --resource-type schema":                     "has 2 parts, a.b.c has 3; write catalog.schema",
		"can a read a.b --resource-type volume":                     "has 3 parts",
		"can a write a.b --resource-type catalog":                   "has 1 part,",
		"can a \"create table\" main":                               "the name of a schema has 2 parts",
		"roles a b":                                                 "does not take",
		"principal a --workspace-object-types job":                  "did you mean jobs",
		"principal a --workspace-object-types warehouses":           "did you mean sql_warehouses",
		"group a --workspace-object-types jobs,dashbord":            "did you mean lakeview_dashboards or legacy_dashboards",
		"principal a --workspace-object-types x":                    "one or more of alerts_v2",
		"principal a --workspace-object-types ,":                    "one or more of alerts_v2",
		"can a read b --workspace-object-types jobs,sql_warehouses": "apps, clusters, jobs, pipelines, serving_endpoints",
		"roles a --workspace-object-types jobs":                     "--scan-workspace-objects",
		"principal a --stale-days 0":                                "from 1",
		"principal a --stale-days -3":                               "from 1",
		"group a --stale-days 1.5":                                  "whole number",
		"group a --stale-days 10001":                                "10000",
		"group a --stale-days 99999999999999999999":                 "whole number",
		"group a --stale-days ninety":                               "such as 90",
		"group a --stale-days=":                                     "such as 90",
		"principal a --stale-days":                                  "needs a value",
		"principal a --sql-warehouse-id w1":                         "add --stale-days",
		"group a --sql-workspace-url x.test":                        "add --stale-days",
		"group a --stale-days 9 --sql-warehouse-id=":                "is empty",
		"roles a --stale-days 90":                                   "does not know --stale-days",
		"resource c --stale-days 90":                                "does not know --stale-days",
		"compare a b --stale-days 90":                               "does not know --stale-days",
		"can a read c --sql-warehouse-id w1":                        "does not know",
	} {
		t.Run(line, func(t *testing.T) {
			words, err := query.Words(line)
			if err != nil {
				t.Fatal(err)
			}
			got, err := query.Parse(words)
			var usage *query.UsageError
			if !as(err, &usage) {
				t.Fatalf("got %v and error %v, want a usage error", got, err)
			}
			if !strings.Contains(err.Error(), hint) {
				t.Errorf("%q does not say %q", err, hint)
			}
		})
	}
}

func as(err error, target **query.UsageError) bool {
	return errors.As(err, target)
}

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{
		`a  b`:          {"a", "b"},
		` "a b" 'c d' `: {"a b", "c d"},
		`a\"b`:          {`a"b`},
		`"a\"b"`:        {`a"b`},
		`C:\temp`:       {`C:\temp`},
		`o'neil x`:      {"o'neil", "x"},
		`"" x`:          {"", "x"},
		"a\u00a0b":      {"a", "b"},
	} {
		got, err := query.Words(line)
		if err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", line, diff)
		}
	}
	if _, err := query.Words(`principal "alice`); err == nil {
		t.Error("a quote that is not closed is taken")
	}
}

func TestRequestEcho(t *testing.T) {
	got, err := json.Marshal(query.Principal{Who: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"mode":"principal","who":"alice","scan":[],"workspace_urls":[]}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzParse reads any line: never a panic, and what is understood keeps the name as it was typed.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"principal alice", `principal "a b" --scan-all`, "principal -- --x", "doctor", `"`, `\`, "principal \x00", "principal <!channel>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := query.Words(line)
		if err != nil {
			return
		}
		req, err := query.Parse(words)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without a word")
			}
			return
		}
		if p, ok := req.(query.Principal); ok {
			found := false
			for _, w := range words {
				found = found || w == p.Who
			}
			if !found {
				t.Errorf("%q is none of the words %q", p.Who, words)
			}
		}
	})
}

// The grammar, which Slack shares, has no way to change rights.
func TestNoQuestionElevates(t *testing.T) {
	for _, f := range query.Forms() {
		for _, flag := range []string{"auto-elevate", "dry-run-elevation", "fix", "ledger"} {
			_, err := query.Parse([]string{f.Mode, "a", "b", "c", "--" + flag})
			if err == nil || !strings.Contains(err.Error(), "does not know --"+flag) {
				t.Errorf("%s --%s: %v", f.Mode, flag, err)
			}
		}
	}
}
