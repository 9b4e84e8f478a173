package formatters

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// writeMarkdown writes the answer in words and every list as a table, in the Markdown that GitHub and most
// ticket systems read. Columns in which nothing stands are left out.
//
// https://github.github.com/gfm/
func writeMarkdown(out *bytes.Buffer, v view) {
	c := coverage{v.head()}
	_, about := v.key()
	fmt.Fprintf(out, "# %s\n\n", markdown(EscapeLine(capital(v.head().Mode)+": "+about)))
	for i, n := range v.answer() {
		text := markdown(n.text)
		if i == 0 || n.tone == alarm {
			text = "**" + text + "**"
		}
		fmt.Fprintf(out, "%s\n\n", text)
	}
	fmt.Fprintf(out, "%s\n\n%s\n", markdown(c.line().text), markdown(c.about().text))
	for _, s := range v.sections() {
		writeMarkdownSection(out, s)
	}
	fmt.Fprintf(out, "\n## Coverage\n\n%s\n", markdown(c.line().text))
	markdownList(out, append(c.gapNodes(), line(c.facts()), line(c.cost())), 0)
	out.WriteString("\n## About\n\n")
	markdownList(out, c.remarks(), 0)
}

func writeMarkdownSection(out *bytes.Buffer, s section) {
	title := capital(strings.ReplaceAll(s.name, "_", " "))
	switch {
	case !s.read:
		fmt.Fprintf(out, "\n## %s\n\nnot read, or not asked for\n", title)
		return
	case len(s.items) == 0:
		fmt.Fprintf(out, "\n## %s\n\nnone; see the coverage for what could hide some\n", title)
		return
	}
	var rows [][]string
	for _, i := range s.items {
		rows = append(rows, i.rows...)
	}
	var used []int
	for n := range s.columns {
		if slices.ContainsFunc(rows, func(row []string) bool { return row[n] != "" }) {
			used = append(used, n)
		}
	}
	fmt.Fprintf(out, "\n## %s (%d)\n\n", title, len(s.items))
	cells := func(row []string) {
		for _, n := range used {
			out.WriteString("| " + markdown(EscapeLine(row[n])) + " ")
		}
		out.WriteString("|\n")
	}
	var heads []string
	for _, c := range s.columns {
		heads = append(heads, strings.ReplaceAll(c, "_", " "))
	}
	cells(heads)
	out.WriteString(strings.Repeat("| --- ", len(used)) + "|\n")
	for _, row := range rows {
		cells(row)
	}
}

func markdownList(out *bytes.Buffer, nodes []node, depth int) {
	for _, n := range nodes {
		out.WriteString(strings.Repeat("  ", depth) + "- " + markdown(n.text) + "\n")
		markdownList(out, n.kids, depth+1)
	}
}

// markdown makes of a line of text what is shown as that text: no mark-up, no link, no mention of people,
// no reference to an issue. What begins a line is a word of ours or a name that is quoted where it could be
// taken for something else, so no list begins there.
//
// https://github.github.com/gfm/#backslash-escapes, https://github.github.com/gfm/#autolinks-extension-
func markdown(s string) string {
	var out strings.Builder
	before := ' '
	for i, r := range s {
		switch {
		case r == '<':
			out.WriteString("&lt;")
		case r == '>':
			out.WriteString("&gt;")
		case r == '&':
			out.WriteString("&amp;")
		case r == '@' && !unicode.IsLetter(before) && !unicode.IsDigit(before):
			out.WriteString("&#64;")
		case strings.ContainsRune("\\`*_{}[]()#|~!^", r), r == '/' && before == ':', r == '.' && linkBefore(s, i):
			out.WriteByte('\\')
			out.WriteRune(r)
		default:
			out.WriteRune(r)
		}
		before = r
	}
	return out.String()
}

// linkBefore reports whether what stands before a dot makes a link of what follows.
func linkBefore(s string, i int) bool {
	return i >= 3 && strings.EqualFold(s[i-3:i], "www")
}
