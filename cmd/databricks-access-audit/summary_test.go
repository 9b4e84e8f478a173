package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/formatters"
)

// begins is how the answer starts in the formats for programs: nothing may stand before it.
var begins = map[formatters.Format]string{
	formatters.JSON: "{\n", formatters.NDJSON: `{"record":`, formatters.CSV: "record,", formatters.Markdown: "#", formatters.HTML: "<!doctype html>",
	formatters.XLSX: "PK", formatters.SVG: "<svg ", formatters.PNG: "\x89PNG", formatters.OpenGraph: "{", formatters.Dot: "// ",
}

// audit runs the program and returns what it wrote and how it ended.
func audit(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = run(args, streams{out: &out, err: &errs})
	return out.String(), errs.String(), code
}

// TestEveryModeHasASummaryInEveryFormat: before the answer for people, and beside it for programs. What a
// mode cannot be written as is refused, and not by leaving something out.
func TestEveryModeHasASummaryInEveryFormat(t *testing.T) {
	dir := t.TempDir()
	snap, proof := filepath.Join(dir, "acme.snap"), filepath.Join(dir, "proof.json")
	if _, stderr, code := audit("snapshot", "save", "--sandbox", "--output-file", snap, "--progress", "off"); code != exitOK {
		t.Fatal(code, stderr)
	}
	offline := func(question ...string) []string { return append(question, "--from-snapshot", snap) }
	can := offline("can", "alice@acme.test", "read", "main.sales.orders")
	answer, stderr, code := audit(slices.Concat(can, []string{"-o", "json"})...)
	if code != exitOK {
		t.Fatal(code, stderr)
	}
	if err := os.WriteFile(proof, []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	modes := map[string][]string{
		"principal":   offline("principal", "alice@acme.test"),
		"group":       offline("group", "data-engineering"),
		"resource":    offline("resource", "main.sales.orders"),
		"compare":     offline("compare", "alice@acme.test", "bob@acme.test"),
		"can":         can,
		"roles":       offline("roles"),
		"escalations": offline("escalations"),
		"verify":      offline("verify", proof),
		"doctor":      {"doctor", "--sandbox"},
		"diff":        {"diff", snap, snap},
		"snapshot":    {"snapshot", "show", snap},
	}
	for mode, question := range modes {
		for _, format := range formatters.Formats() {
			t.Run(mode+" "+string(format), func(t *testing.T) {
				stdout, stderr, code := audit(slices.Concat(question, []string{"-o", string(format), "--summary", "--progress", "off"})...)
				if format.Fits(mode) != nil {
					if code != exitUsage || stdout != "" {
						t.Errorf("exit code %d, %d bytes", code, len(stdout))
					}
					return
				}
				if code != exitOK {
					t.Fatal(code, stderr)
				}
				beside := stderr
				if format == formatters.Text || format == formatters.Tree {
					if stderr != "" {
						t.Errorf("stderr has %q", stderr)
					}
					beside, _, _ = strings.Cut(stdout, "\n\n")
				} else if start := begins[format]; start == "" || !strings.HasPrefix(stdout, start) {
					t.Errorf("the answer begins %.60q", stdout)
				}
				lines := strings.Split(strings.TrimSpace(beside), "\n")
				if last := lines[len(lines)-1]; !strings.HasPrefix(last, "Coverage: ") || !strings.Contains(beside, "\nCounts: ") {
					t.Errorf("the summary is %q", beside)
				}
			})
		}
	}
	// An answer in a file leaves stdout to others, for people too.
	file := filepath.Join(dir, "roles.txt")
	if stdout, stderr, code := audit(offline("roles", "--summary", "--output-file", file)...); code != exitOK || stdout != "" || !strings.Contains(stderr, "\nCoverage: ") {
		t.Errorf("exit code %d: stdout %q, stderr %q", code, stdout, stderr)
	}
}
