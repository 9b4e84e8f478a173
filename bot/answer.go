package bot

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

const (
	// treeWidth is what a phone shows of preformatted text without wrapping.
	treeWidth = 60
	// maxTree is the size of the drawn part; the sentences around it take the rest of a message.
	maxTree = slackapi.MaxMessage - 1400
	// maxLine is the size of a sentence beside it.
	maxLine = 700
	// fewLines is how short a tree may get before the summary says more.
	fewLines = 8
)

// answer is a report in the form of a message.
type answer struct {
	parts []slackapi.Part
	// shortened says that the report holds more than is shown.
	shortened bool
}

// compose draws a report within Slack's limits: the sentence that answers, and under it the whole
// tree if it fits, else as many of its lines as do, else the summary. The line about coverage is
// always there: an answer without it could be taken for the whole truth.
func compose(r report.Report) (answer, error) {
	summary, err := draw(r, formatters.Summary, formatters.Options{})
	if err != nil {
		return answer{}, err
	}
	lines := strings.Split(summary, "\n")
	head := slackapi.Part{Kind: slackapi.Strong, Text: slackapi.Cut(lines[0], maxLine)}
	coverage := slackapi.Part{Kind: slackapi.Paragraph, Text: slackapi.Cut(lines[len(lines)-1], maxLine)}

	tree := func(most int) (string, error) {
		text, err := draw(r, formatters.Write, formatters.Options{Format: formatters.Tree, Width: treeWidth, MaxLines: most})
		return withoutHead(text), err
	}
	return choose(head, coverage, tree, summaryOf(r))
}

// choose takes the first form of which enough fits. The forms end with the coverage themselves.
func choose(head, coverage slackapi.Part, forms ...func(most int) (string, error)) (answer, error) {
	for _, form := range forms {
		text, shortened, err := fit(form)
		if err != nil {
			return answer{}, err
		}
		if text != "" {
			return answer{append([]slackapi.Part{head}, pages(text)...), shortened}, nil
		}
	}
	return answer{[]slackapi.Part{head, coverage}, true}, nil
}

// pages splits a drawing between lines into parts that Slack takes.
func pages(text string) []slackapi.Part {
	var parts []slackapi.Part
	var page strings.Builder
	size := 0
	turn := func() {
		if page.Len() > 0 {
			parts = append(parts, slackapi.Part{Kind: slackapi.Preformatted, Text: strings.TrimRight(page.String(), "\n")})
		}
		page.Reset()
		size = 0
	}
	for l := range strings.Lines(text) {
		if size+slackapi.Size(l) >= slackapi.MaxPart {
			turn()
		}
		page.WriteString(l)
		size += slackapi.Size(l)
	}
	turn()
	return parts
}

func summaryOf(r report.Report) func(int) (string, error) {
	return func(most int) (string, error) {
		text, err := draw(r, formatters.Summary, formatters.Options{Width: treeWidth, MaxLines: most})
		return withoutHead(text), err
	}
}

// fit draws the form whole if it fits, else with as many lines as do; empty when those are too few
// to be of use. A drawing of many lines is slow, so the number is guessed from the whole drawing
// and only then corrected.
func fit(form func(most int) (string, error)) (text string, shortened bool, err error) {
	whole, err := form(0)
	if err != nil || slackapi.Size(whole) <= maxTree {
		return whole, false, err
	}
	for most := linesWithin(whole, maxTree); most >= fewLines; most -= max(1, most/20) {
		if text, err = form(most); err != nil || slackapi.Size(text) <= maxTree {
			return text, true, err
		}
	}
	return "", true, nil
}

// linesWithin counts the first lines of a text that have a size together.
func linesWithin(text string, size int) (n int) {
	for l := range strings.Lines(text) {
		if size -= slackapi.Size(l); size < 0 {
			break
		}
		n++
	}
	return n
}

// drawing is a function of formatters that writes a report.
type drawing func(w io.Writer, r report.Report, o formatters.Options) error

func draw(r report.Report, write drawing, o formatters.Options) (string, error) {
	var b strings.Builder
	if err := write(&b, r, o); err != nil {
		return "", fmt.Errorf("draw the answer: %w", err)
	}
	return strings.TrimRight(b.String(), "\n"), nil
}

// withoutHead leaves out the first sentence with the lines that it wraps to, which stands above the
// drawing already.
func withoutHead(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	for strings.HasPrefix(rest, " ") {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	return rest
}

// maxFile bounds the file that is sent, in bytes.
const maxFile = 20 << 20

// csv gives the report as a file.
func csv(r report.Report) ([]byte, error) {
	var b bytes.Buffer
	if err := formatters.Write(&b, r, formatters.Options{Format: formatters.CSV}); err != nil {
		return nil, fmt.Errorf("write CSV: %w", err)
	}
	return b.Bytes(), nil
}
