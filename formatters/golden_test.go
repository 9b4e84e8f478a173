package formatters

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func write(t *testing.T, r report.Report, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, o); err != nil {
		t.Fatalf("write %s: %v", o.Format, err)
	}
	return b.String()
}

func summary(t *testing.T, r report.Report, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Summary(&b, r, o); err != nil {
		t.Fatalf("summary: %v", err)
	}
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got, -update rewrites):\n%s", file, diff)
	}
}

func TestGolden(t *testing.T) {
	for fixture, r := range fixtures() {
		for _, f := range formatsOf(r) {
			if f == HTML { // a few, below, have every part of the page
				continue
			}
			golden(t, fixture+"."+string(f), write(t, r, Options{Format: f}))
		}
		golden(t, fixture+".summary", summary(t, r, Options{}))
	}
	for _, fixture := range []string{"rich", "hostile", "can_deny", "resource_incomplete", "doctor_blind"} {
		golden(t, fixture+".html", withoutAssets(write(t, fixtures()[fixture], Options{Format: HTML})))
	}
	for _, fixture := range []string{"rich", "incomplete", "hostile", "can_deny", "resource_rich", "compare_rich", "group_rich", "roles_rich", "escalations_rich", "diff_rich"} {
		golden(t, fixture+".svg", write(t, fixtures()[fixture], Options{Format: SVG}))
	}
	golden(t, "rich_60_columns.text", write(t, rich(), Options{Format: Text, Width: 60, Interactive: true}))
	golden(t, "rich_60_columns.tree", write(t, rich(), Options{Format: Tree, Width: 60, MaxLines: 40}))
	golden(t, "incomplete_colour.text", write(t, incomplete(), Options{Color: true, Interactive: true}))
	golden(t, "rich_raw.csv", write(t, rich(), Options{Format: CSV, CSVRaw: true}))
}
