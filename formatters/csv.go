package formatters

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/report"
)

// Table is one table of a report. Cells are the values as they are; WriteCSV makes them safe.
type Table struct {
	Name   string // usable as the base of a file name
	Header []string
	Rows   [][]string
}

// Tables gives the report as several tables, each with its own header: envelope, coverage, gaps,
// notes, sections (which lists were read, with their lengths) and one for each list. It returns nil
// for a report that no format knows.
func Tables(r report.Report) []Table {
	v, err := viewOf(r)
	if err != nil {
		return nil
	}
	return tablesOf(v)
}

func tablesOf(v view) []Table {
	column, value := v.key()
	var tables []Table
	for _, s := range tableSections(v) {
		t := Table{Name: s.name, Header: append([]string{column}, s.columns...)}
		for _, i := range s.items {
			for _, row := range i.rows {
				t.Rows = append(t.Rows, append([]string{value}, row...))
			}
		}
		tables = append(tables, t)
	}
	return tables
}

// tableSections puts what limits the answer before the answer, as long files are read from the top.
func tableSections(v view) []section {
	sections := v.sections()
	states := listed("section", "sections", []string{"section", "state", "count"}, sections, one(func(s section) []string {
		if !s.read {
			return []string{s.name, "not_read_or_not_asked", ""}
		}
		return []string{s.name, "read", strconv.Itoa(len(s.items))}
	}))
	return slices.Concat(coverage{v.head()}.tables(), []section{states}, sections)
}

// flatTable is all tables in one: the header holds every column once, and the leading column record
// says which table a row is of.
func flatTable(v view) Table {
	column, value := v.key()
	t := Table{Name: v.head().Mode, Header: []string{"record", column}}
	place := map[string]int{}
	sections := tableSections(v)
	for _, s := range sections {
		for _, c := range s.columns {
			if _, known := place[c]; !known {
				place[c] = len(t.Header)
				t.Header = append(t.Header, c)
			}
		}
	}
	for _, s := range sections {
		for _, i := range s.items {
			for _, cells := range i.rows {
				row := make([]string, len(t.Header))
				row[0], row[1] = s.rowRecord(), value
				for n, c := range s.columns {
					row[place[c]] = cells[n]
				}
				t.Rows = append(t.Rows, row)
			}
		}
	}
	return t
}

// WriteCSV writes a table with its header as RFC 4180 has it, lines ended by CR LF. Unless raw, cells
// are escaped for terminals and guarded against being read as formulas by a spreadsheet.
//
// https://www.rfc-editor.org/rfc/rfc4180
func WriteCSV(w io.Writer, t Table, raw bool) error {
	var out bytes.Buffer
	t.write(&out, raw)
	_, err := w.Write(out.Bytes())
	return err
}

func (t Table) write(out *bytes.Buffer, raw bool) {
	writeRow(out, t.Header, raw)
	for _, row := range t.Rows {
		writeRow(out, row, raw)
	}
}

// writeRow does not use encoding/csv, whose CRLF mode changes line ends within cells.
func writeRow(out *bytes.Buffer, row []string, raw bool) {
	for i, cell := range row {
		if i > 0 {
			out.WriteByte(',')
		}
		if !raw {
			cell = safeCell(cell)
		}
		if strings.ContainsAny(cell, "\",;\t\r\n") || strings.TrimSpace(cell) != cell {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		out.WriteString(cell)
	}
	out.WriteString("\r\n")
}

// formulaStarts are the first characters that make a spreadsheet calculate, with their full-width
// forms, and those that it may skip to find one.
//
// https://owasp.org/www-community/attacks/CSV_Injection
const formulaStarts = "=+-@\t\r\n\x00＝＋－＠"

// safeCell escapes a cell and puts an apostrophe before what a spreadsheet would calculate. Leading
// apostrophes do not hide a formula from it, so that taking one apostrophe away restores any cell.
func safeCell(s string) string {
	s = EscapeLine(s)
	if isFormula(strings.TrimLeft(s, "'")) {
		return "'" + s
	}
	return s
}

func isFormula(s string) bool {
	s = strings.TrimLeft(s, " \u00a0\u3000")
	return s != "" && strings.ContainsRune(formulaStarts, []rune(s[:min(len(s), 4)])[0])
}
