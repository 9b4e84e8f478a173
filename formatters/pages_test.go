package formatters

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

var pages = flag.String("pages", "", "write HTML reports for the browser tests into this directory")

// TestPages writes the reports that no sandbox gives: hostile ones, and one of 5,000 grants.
func TestPages(t *testing.T) {
	if *pages == "" {
		t.Skip("only writes files: make browser asks for them")
	}
	all := map[string]report.Report{
		"many": manyGrants(5000), "hostile": hostile(), "can_hostile": canHostile(), "roles_hostile": rolesHostile(),
		"escalations_hostile": escalationsHostile(), "verify_hostile": verifyHostile(), "unread": unread(), "empty": empty(), "verify": verifyBroken(),
	}
	for name, s := range tripwires {
		all["trip_"+name] = named(s)
	}
	all["trip_resource"], all["trip_escalations"] = resourceNamed(tripwires["script"], true), escalationsNamed(tripwires["image"], true)
	all["trip_corpus"] = named(strings.Join(shortEvil(t), " "))
	for name, r := range all {
		if err := os.WriteFile(filepath.Join(*pages, name+".html"), []byte(write(t, r, Options{Format: HTML})), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSheets writes tables of hostile names for spreadsheet programs, and one with raw cells, in which they
// must find formulas.
func TestSheets(t *testing.T) {
	if *pages == "" {
		t.Skip("only writes files: .ci/sheets asks for them")
	}
	r := compareRich()
	for _, s := range append(shortEvil(t), "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "=HYPERLINK(\"http://evil.test\")", "_x0041_") {
		r.Roles.OnlyInB = append(r.Roles.OnlyInB, report.ComparedRole{Role: s, Scope: s + s, PathB: report.Path{s}})
	}
	for name, o := range map[string]Options{"hostile.csv": {Format: CSV}, "raw.csv": {Format: CSV, CSVRaw: true}, "hostile.xlsx": {Format: XLSX}} {
		if err := os.WriteFile(filepath.Join(*pages, name), []byte(write(t, r, o)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// tripwires are names that set window.tripped, or fetch, wherever they are taken for code.
var tripwires = map[string]string{
	"script":    `</script><script>window.tripped=1</script>`,
	"style":     `</style><script>window.tripped=1</script>`,
	"image":     `<img src="http://tripwire.test/x" onerror="window.tripped=1">`,
	"svg":       `<svg onload="window.tripped=1"><a href="javascript:window.tripped=1">`,
	"comment":   `<!--<script>window.tripped=1//`,
	"attribute": `" autofocus onfocus="window.tripped=1" x="`,
	"backtick":  "`${window.tripped=1}`'-(window.tripped=1)-'",
	"separator": "\u2028window.tripped=1\u2029",
	"url":       `javascript:window.tripped=1`,
	"proto":     `__proto__`,
}

func shortEvil(t *testing.T) []string {
	var all []string
	for _, s := range evilNames(t) {
		if len(s) < 80 {
			all = append(all, s)
		}
	}
	return all
}
