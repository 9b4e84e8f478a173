package formatters

import (
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"databricks-access-audit/core/report"
)

// TestMarkdownShowsNamesAsTheyAre has another program read what is written: whatever the names, there is
// no mark-up in it that is not ours, and every cell holds the text that the tables hold.
func TestMarkdownShowsNamesAsTheyAre(t *testing.T) {
	reader := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	for i, s := range append(evilNames(t), "@org/team", "x @org", "#12", "www.evil.test", "see https://evil.test/x", "1. one", "- x", "-", "+", "7.", "7)", "=", "a | b", "~~gone~~", "![x](y)", "[x]: y") {
		if len(s) > maxEverywhere {
			continue
		}
		t.Run(strconv.Itoa(i+1), func(t *testing.T) {
			t.Parallel()
			for name, r := range map[string]report.Report{"principal": named(s), "compare": compareNamed(s), "roles": rolesNamed(s, true), "can": canNamed(s, report.Deny)} {
				source := []byte(write(t, r, Options{Format: Markdown}))
				checkMarkdown(t, name, r, source, reader.Parse(text.NewReader(source)))
			}
		})
	}
}

func checkMarkdown(t *testing.T, name string, r report.Report, source []byte, doc ast.Node) {
	t.Helper()
	var cells []string
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Document, *ast.Heading, *ast.Paragraph, *ast.Text, *ast.String, *ast.TextBlock, *ast.List, *ast.ListItem,
			*east.Table, *east.TableHeader, *east.TableRow:
		case *ast.Emphasis:
			if n.Level != 2 || n.Parent().ChildCount() != 1 {
				t.Errorf("%s: emphasis that is not ours in %q", name, n.Parent().Lines().Value(source))
			}
		case *ast.AutoLink:
			if n.AutoLinkType != ast.AutoLinkEmail {
				t.Errorf("%s: a link to %q", name, n.URL(source))
			}
		case *east.TableCell:
			cells = append(cells, shown(n, source))
		default:
			t.Errorf("%s: %s", name, n.Kind())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := viewOf(r)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range v.sections() {
		want = append(want, tableCells(s)...)
	}
	if len(cells) != len(want) {
		t.Fatalf("%s: %d cells instead of %d", name, len(cells), len(want))
	}
	for i := range want {
		if cells[i] != want[i] {
			t.Errorf("%s: a cell shows %q instead of %q", name, cells[i], want[i])
		}
	}
}

// tableCells are the cells of a section's table in the order of reading, without columns that are empty.
func tableCells(s section) (cells []string) {
	keep := make([]bool, len(s.columns))
	for _, i := range s.items {
		for _, row := range i.rows {
			for n, c := range row {
				keep[n] = keep[n] || c != ""
			}
		}
	}
	add := func(row []string) {
		for n, c := range row {
			if keep[n] {
				cells = append(cells, strings.TrimSpace(EscapeLine(c)))
			}
		}
	}
	if len(s.items) > 0 {
		heads := make([]string, len(s.columns))
		for n, c := range s.columns {
			heads[n] = strings.ReplaceAll(c, "_", " ")
		}
		add(heads)
	}
	for _, i := range s.items {
		for _, row := range i.rows {
			add(row)
		}
	}
	return cells
}

// shown is the text of a cell as a reader sees it.
func shown(n ast.Node, source []byte) string {
	var out strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			out.Write(c.Segment.Value(source))
		case *ast.AutoLink:
			out.Write(c.Label(source))
		}
	}
	s := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#64;", "@").Replace(unescaped(out.String()))
	return strings.TrimSpace(s)
}

// unescaped takes the backslashes away that stand before punctuation.
func unescaped(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", s[i+1]) >= 0 {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
