package bot

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

const (
	// treeWidth is what a phone shows of preformatted text without wrapping.
	treeWidth = 60
	// maxTree is the size of the drawn part; the sentences around it take the rest of a message.
	maxTree = slackapi.MaxMessage - 2600
	// maxLine is the size of a sentence beside it, and maxNote of what is said about files and channels.
	maxLine = 600
	maxNote = 900
	// fewLines is how short a tree may get before the summary says more.
	fewLines = 8
)

// answer is a report in the form of a message.
type answer struct {
	head slackapi.Part
	// tree is what is drawn under it; none when not even the summary fits.
	tree []slackapi.Part
	// foot says how much was read, and how old that is. It names nobody and nothing.
	foot []slackapi.Part
	// shortened says that the report holds more than is shown.
	shortened bool
}

// message is the answer with what is to be said beside it; empty notes are left out.
func (a answer) message(notes ...string) slackapi.Message {
	m := slackapi.Message{Parts: slices.Concat([]slackapi.Part{a.head}, a.tree, a.foot)}
	for _, n := range notes {
		if n != "" {
			m.Parts = append(m.Parts, slackapi.Part{Kind: slackapi.Paragraph, Text: slackapi.Cut(n, maxNote)})
		}
	}
	return m
}

// words is the answer in a few sentences, for those who cannot see the drawing.
func (a answer) words() string {
	texts := []string{a.head.Text}
	for _, p := range a.foot {
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, " ")
}

// compose draws a report within Slack's limits: the sentence that answers, and under it the whole
// tree if it fits, else as many of its lines as do, else the summary. The lines about coverage and
// age are always there: an answer without them could be taken for the whole truth of this moment.
func compose(r report.Report) (answer, error) {
	summary, err := draw(r, formatters.Summary, formatters.Options{})
	if err != nil {
		return answer{}, err
	}
	lines := strings.Split(summary, "\n")
	a := answer{
		head: slackapi.Part{Kind: slackapi.Strong, Text: slackapi.Cut(lines[0], maxLine)},
		foot: []slackapi.Part{
			{Kind: slackapi.Paragraph, Text: slackapi.Cut(lines[len(lines)-1], maxLine)},
			{Kind: slackapi.Paragraph, Text: slackapi.Cut(formatters.Facts(r), maxLine)},
		},
	}
	tree := func(most int) (string, error) {
		text, err := draw(r, formatters.Write, formatters.Options{Format: formatters.Tree, Width: treeWidth, MaxLines: most})
		return inner(text), err
	}
	a.tree, a.shortened, err = choose(tree, summaryOf(r))
	return a, err
}

// choose takes the first form of which enough fits; none when of no form.
func choose(forms ...func(most int) (string, error)) (tree []slackapi.Part, shortened bool, err error) {
	for _, form := range forms {
		text, shortened, err := fit(form)
		if err != nil {
			return nil, false, err
		}
		if text != "" || !shortened {
			return pages(text), shortened, nil
		}
	}
	return nil, true, nil
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
		return inner(text), err
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

// inner leaves out the first sentence with the lines that it wraps to, and the coverage, which is the last: both stand beside
// the drawing.
func inner(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	for strings.HasPrefix(rest, " ") {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	// Names cannot begin a line: what they hold of line ends is escaped.
	if i := strings.LastIndex("\n"+rest, "\n"+coverageTitle); i >= 0 {
		rest = rest[:i]
	}
	return strings.TrimRight(rest, "\n")
}

// coverageTitle begins the line of the coverage.
const coverageTitle = "Coverage: "
