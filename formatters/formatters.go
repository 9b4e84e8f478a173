package formatters

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// Format names a form of output as --output does.
type Format string

// The formats.
const (
	Text   Format = "text"
	Tree   Format = "tree"
	JSON   Format = "json"
	NDJSON Format = "ndjson"
	CSV    Format = "csv"
	// Markdown is for tickets and pull requests.
	Markdown Format = "markdown"
	// HTML is a page that opens offline.
	HTML Format = "html"
	// XLSX is a workbook for auditors, with a sheet for each table. It is no text.
	XLSX Format = "xlsx"

	// SVG and PNG draw the access map without a browser: reports that have none refuse them.
	SVG Format = "svg"
	PNG Format = "png"

	// These draw a graph: reports that have none refuse them.
	OpenGraph Format = "opengraph"
	Dot       Format = "dot"

	// These write the steps of a plan in the languages of others: reports that hold no plan refuse them.
	SQL       Format = "sql"
	Terraform Format = "terraform"
	API       Format = "api"
	Tickets   Format = "tickets"
)

// Formats lists the formats in the order in which help texts show them.
func Formats() []Format {
	return []Format{Text, Tree, JSON, NDJSON, CSV, Markdown, HTML, XLSX, SVG, PNG, OpenGraph, Dot, SQL, Terraform, API, Tickets}
}

// graphed are the modes whose reports hold a graph.
var graphed = []string{"escalations"}

// mapped are the modes whose reports have a map.
var mapped = []string{"principal", "group", "resource", "compare", "can", "roles", "escalations", "diff"}

// planned are the modes whose reports hold a plan.
var planned = []string{"clone", "plan"}

func (f Format) writesSteps() bool { return f == SQL || f == Terraform || f == API || f == Tickets }

// Fits returns nil when reports of the mode can be written in the format, and otherwise an error that
// says which can. It lets a caller refuse before anything is read.
func (f Format) Fits(mode string) error {
	switch {
	case f.writesSteps() && !slices.Contains(planned, mode):
		return fmt.Errorf("a report of %s holds no plan to write as %s (those of %s do)", term(mode), f, series(slices.Clone(planned), "and"))
	case f.drawsGraph() && !slices.Contains(graphed, mode), f.drawsMap() && !slices.Contains(mapped, mode):
		return f.unfit(mode)
	default:
		return nil
	}
}

func (f Format) unfit(mode string) error {
	if f.drawsMap() {
		return fmt.Errorf("a report of %s has no map to draw as %s (those of %s have)", term(mode), f, series(mapped, "and"))
	}
	return fmt.Errorf("a report of %s holds no graph to write as %s (that of %s does)", term(mode), f, series(graphed, "or"))
}

// Unreadable reports whether the format is nothing for a terminal: bytes, or text that only a program makes
// sense of.
func (f Format) Unreadable() bool { return slices.Contains([]Format{XLSX, HTML, SVG, PNG}, f) }

func (f Format) drawsMap() bool { return f == SVG || f == PNG }

func (f Format) drawsGraph() bool { return f == OpenGraph || f == Dot }

// ParseFormat reads the name of a format without regard to case. The error names the formats there
// are and the one that was probably meant.
func ParseFormat(name string) (Format, error) {
	folded := strings.ToLower(strings.TrimSpace(name))
	known := make([]string, 0, len(Formats()))
	near := ""
	for _, f := range Formats() {
		if folded == string(f) {
			return f, nil
		}
		if near == "" && folded != "" && distance(folded, string(f)) <= 2 {
			near = fmt.Sprintf("; did you mean %q?", string(f))
		}
		known = append(known, string(f))
	}
	return "", fmt.Errorf("%s is not an output format (there are %s)%s", EscapeLine(fmt.Sprintf("%q", Truncate(name, 40))),
		strings.Join(known, ", "), near)
}

// distance is the number of letters to insert, delete or replace to make b of a. It gives up on
// long words, which are no slip of the finger.
func distance(a, b string) int {
	if len(a) > 16 || len(b) > 16 {
		return 16
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Options say how to write a report. The zero value writes plain text of any width.
type Options struct {
	// Format is Text when empty.
	Format Format
	// Color adds SGR sequences to text and tree. Nothing else in the output is ever a control
	// sequence.
	Color bool
	// Width wraps text and tree to so many columns; nothing is cut. Zero means no limit.
	Width int
	// MaxLines limits tree and summary; what is left out is counted, and the coverage stays as the
	// last line. Zero means no limit; less than three counts as three.
	MaxLines int
	// CSVRaw leaves CSV cells as they are: neither escaped nor guarded against formulas.
	CSVRaw bool
	// Interactive says that a person reads the output where the tool was started: text then ends
	// with what to do next.
	Interactive bool
}

// Write writes the report in one format. It writes nothing when it cannot render the report; other
// errors are those of w.
func Write(w io.Writer, r report.Report, o Options) error {
	v, err := viewOf(r)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	switch o.Format {
	case Text, "":
		writeText(&out, v, o)
	case Tree:
		writeTree(&out, v, o)
	case JSON:
		err = writeJSON(&out, r)
	case NDJSON:
		err = writeNDJSON(&out, v)
	case CSV:
		flatTable(v).write(&out, o.CSVRaw)
	case Markdown:
		writeMarkdown(&out, v)
	case XLSX:
		err = writeXLSX(&out, v)
	case HTML:
		err = writeHTML(&out, v)
	case OpenGraph, Dot:
		err = writeGraph(&out, v, o.Format)
	case SVG, PNG:
		err = writeMap(&out, v, o.Format)
	case SQL, Terraform, API, Tickets:
		err = writeSteps(&out, r, o.Format)
	default:
		_, err = ParseFormat(string(o.Format))
	}
	if err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}
