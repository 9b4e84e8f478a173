package formatters

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"databricks-access-audit/core/report"
)

// TestWorkbookHoldsTheTablesAsText reads workbooks back: a sheet for each table, every cell a text, and
// none a formula, whatever the names.
func TestWorkbookHoldsTheTablesAsText(t *testing.T) {
	hostile := compareRich()
	for _, s := range append(evilNames(t), "=1+1", "_x0041_", "0012") {
		if len(s) <= maxEverywhere {
			hostile.Roles.OnlyInB = append(hostile.Roles.OnlyInB, report.ComparedRole{Role: s, Scope: s + s, PathB: report.Path{s}})
		}
	}
	for _, r := range []report.Report{rich(), canDeny(), rolesRich(), unread(), hostile} {
		book := openWorkbook(t, write(t, r, Options{Format: XLSX}))
		sheets := book.GetSheetList()
		for i, table := range Tables(r) {
			if sheets[i] != strings.ReplaceAll(table.Name, "_", " ") {
				t.Errorf("sheet %d is called %q, the table %q", i, sheets[i], table.Name)
			}
			checkSheet(t, book, sheets[i], table)
		}
	}
}

func openWorkbook(t *testing.T, content string) *excelize.File {
	t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader([]byte(content)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	return book
}

func checkSheet(t *testing.T, book *excelize.File, sheet string, table Table) {
	t.Helper()
	for n, row := range append([][]string{table.Header}, table.Rows...) {
		for i, want := range row {
			at, err := excelize.CoordinatesToCellName(i+1, n+1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := book.GetCellValue(sheet, at)
			if err != nil {
				t.Fatal(err)
			}
			formula, _ := book.GetCellFormula(sheet, at)
			kind, _ := book.GetCellType(sheet, at)
			text := kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString
			if got != EscapeLine(want) || formula != "" || want != "" && !text {
				t.Errorf("%s %s holds %q (type %d, formula %q) instead of %q", sheet, at, got, kind, formula, EscapeLine(want))
			}
		}
	}
}

func TestTextsTooLongForACellAreRefused(t *testing.T) {
	r := rich()
	r.Principal.DisplayName = strings.Repeat("𝒜", maxCell/2+1)
	var out bytes.Buffer
	if err := Write(&out, r, Options{Format: XLSX}); err == nil || !strings.Contains(err.Error(), "use -o csv or -o json") || out.Len() > 0 {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	r.Principal.DisplayName = strings.Repeat("𝒜", maxCell/2)
	if err := Write(&out, r, Options{Format: XLSX}); err != nil {
		t.Error(err)
	}
}
