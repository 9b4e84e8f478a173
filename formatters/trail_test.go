package formatters

import (
	"bytes"
	"encoding/json"
	"testing"

	"databricks-access-audit/core/report"
)

// A check of the audit trail is what its schema says, whole or not, and shows no byte of a hostile name as it is.
func TestTrailCheck(t *testing.T) {
	root := readSchema(t, "audit-verify")
	bad := int64(7)
	for name, r := range map[string]report.TrailCheck{
		"whole": {Name: report.TrailCheckName, SchemaVersion: 1, AccountID: "a\x1b[31m", Whole: true, Rows: 14, FirstRow: 1, LastRow: 14, Head: "00ff"},
		"bad":   {Name: report.TrailCheckName, SchemaVersion: 1, Rows: 6, FirstRow: 1, LastRow: 14, FirstBadRow: &bad, Problem: "row 7 of the audit trail is missing\x1b[31m"},
	} {
		var out bytes.Buffer
		if err := WriteTrailCheck(&out, JSON, r); err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		for _, p := range root.check(name, any(doc), root) {
			t.Error(p)
		}
		for key := range doc {
			if _, known := root.Properties[key]; !known {
				t.Errorf("%s: the schema does not know %s", name, key)
			}
		}
		if err := WriteTrailCheck(&out, Text, r); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(out.Bytes(), []byte("\x1b")) {
			t.Errorf("%s: a hostile name is shown as it is: %q", name, out.String())
		}
	}
	if err := WriteTrailCheck(&bytes.Buffer{}, CSV, report.TrailCheck{}); err == nil {
		t.Error("it can be shown as CSV")
	}
}
