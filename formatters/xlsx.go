package formatters

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"
)

// The limits of a sheet.
//
// https://support.microsoft.com/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3
const (
	maxCell      = 32_767 // characters, as UTF-16 counts them
	maxSheetRows = 1_048_576
	maxSheetName = 31
)

// writeXLSX writes a workbook with a sheet for each table, the coverage first. Every cell is text: nothing
// is calculated, and no number loses digits.
func writeXLSX(out *bytes.Buffer, v view) error {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	for i, t := range tablesOf(v) {
		name := sheetName(t.Name)
		if i == 0 {
			err = f.SetSheetName(f.GetSheetName(0), name)
		} else {
			_, err = f.NewSheet(name)
		}
		if err == nil {
			err = writeSheet(f, name, t, bold)
		}
		if err != nil {
			return fmt.Errorf("write sheet %s: %w", name, err)
		}
	}
	if err := f.Write(out); err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}

func writeSheet(f *excelize.File, name string, t Table, bold int) error {
	if len(t.Rows)+1 > maxSheetRows {
		return fmt.Errorf("%d rows are more than a sheet can hold (%d); use -o csv", len(t.Rows)+1, maxSheetRows)
	}
	w, err := f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	top := &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}
	if err := w.SetPanes(top); err != nil {
		return err
	}
	for n, row := range append([][]string{t.Header}, t.Rows...) {
		cells := make([]any, len(row))
		for i, c := range row {
			text, err := cellText(c)
			if err != nil {
				return fmt.Errorf("row %d: %w", n+1, err)
			}
			cells[i] = excelize.Cell{Value: text}
			if n == 0 {
				cells[i] = excelize.Cell{Value: text, StyleID: bold}
			}
		}
		at, err := excelize.CoordinatesToCellName(1, n+1)
		if err != nil {
			return err
		}
		if err := w.SetRow(at, cells); err != nil {
			return err
		}
	}
	return w.Flush()
}

// cellText is a cell with what cannot stand in one made visible. A text that is too long for a cell is
// refused: the writer would cut it without a word.
func cellText(s string) (string, error) {
	s = EscapeLine(s)
	long := 0
	for _, r := range s {
		long++
		if r > 0xffff {
			long++
		}
	}
	if long > maxCell {
		return "", fmt.Errorf("a text of %d characters is longer than a cell can hold (%d); use -o csv or -o json", long, maxCell)
	}
	return s, nil
}

// sheetName is the name of a table as sheets may be called.
func sheetName(table string) string {
	name := strings.ReplaceAll(table, "_", " ")
	return name[:min(len(name), maxSheetName)]
}
