package formatters

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Escape makes text safe to show on a terminal. Every code point that is invisible or may act shows
// as \u{hex}: C0 controls except LF and TAB, DEL, C1, bidi controls, zero-width and other format
// characters, variation selectors, U+2028 and U+2029, and what Unicode has not assigned. A byte that
// is not UTF-8 shows as the surrogate U+DC80 to U+DCFF that PEP 383 gives it, and a backslash that
// already stands before u{ as \u{5c}: different texts never look the same.
//
// https://www.unicode.org/reports/tr36/, https://peps.python.org/pep-0383/
func Escape(s string) string { return escape(s, "\n\t") }

// EscapeLine is Escape for a value inside a line: LF and TAB show as \u{hex} too, so that no name
// can start a line of its own.
func EscapeLine(s string) string { return escape(s, "") }

func escape(s, keep string) string {
	if !needsEscape(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\u{%x}`, 0xdc00+int(s[i]))
		case r == '\\' && strings.HasPrefix(s[i:], `\u{`):
			b.WriteString(`\u{5c}`)
		case hidden(r) && !strings.ContainsRune(keep, r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func needsEscape(s string) bool {
	return !utf8.ValidString(s) || strings.Contains(s, `\u{`) || strings.ContainsFunc(s, hidden)
}

// hidden reports whether a code point does something to a terminal or cannot be seen on it.
func hidden(r rune) bool {
	if r >= 0x20 && r < 0x7f {
		return false
	}
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// columns is the width of text on a terminal. It must not depend on the locale, as runewidth's
// default does, or one report would be wrapped in two ways.
func columns(s string) int {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return uniseg.StringWidth(s)
		}
	}
	return len(s)
}

// Truncate cuts text to a number of terminal columns, between grapheme clusters and never inside an
// escape sequence of Escape, and marks the cut with an ellipsis, which counts. It does not escape: do
// that first. A width below one gives "".
func Truncate(s string, width int) string {
	if width < 1 {
		return ""
	}
	if columns(s) <= width {
		return s
	}
	head, _ := cutColumns(s, width-1)
	return s[:beforeEscape(s, len(head))] + "…"
}

// beforeEscape moves a place to cut out of an escape sequence of Escape to its start.
func beforeEscape(s string, end int) int {
	start := strings.LastIndex(s[:min(end+2, len(s))], `\u{`)
	if start < 0 || start >= end {
		return end
	}
	if length := strings.IndexByte(s[start:], '}'); length >= 0 && end <= start+length {
		return start
	}
	return end
}

// short is a name cut to a width, in quotes when it was.
func short(s string, width int) string {
	text := name(s)
	if columns(text) <= width {
		return text
	}
	return `"` + Truncate(EscapeLine(strings.ReplaceAll(s, `"`, `""`)), width-2) + `"`
}

// cutColumns splits text before the grapheme cluster that would pass the width.
func cutColumns(s string, width int) (head, rest string) {
	used, end, state := 0, 0, -1
	for remaining := s; remaining != ""; {
		var cluster string
		var w int
		cluster, remaining, w, state = uniseg.FirstGraphemeClusterInString(remaining, state)
		used += w
		if used > width {
			break
		}
		end += len(cluster)
	}
	return s[:end], s[end:]
}

// minWrap is the narrowest column that wrap fills: below it, indented text would be letters in a
// row.
const minWrap = 12

// wrap breaks one line at spaces, and inside a word only where the word alone is too long. Zero
// width means no limit. It never drops anything but the space at a break.
func wrap(s string, width int) []string {
	if width <= 0 {
		return []string{s}
	}
	width = max(width, minWrap)
	var lines []string
	line, used := "", 0
	for i, word := range strings.Split(s, " ") {
		w := columns(word)
		switch {
		case i == 0:
			line, used = word, w
		case used+1+w <= width:
			line, used = line+" "+word, used+1+w
		default:
			lines = append(lines, line)
			line, used = word, w
		}
		for used > width {
			head, rest := cutColumns(line, width)
			if head == "" { // one cluster wider than the line
				break
			}
			lines = append(lines, head)
			line, used = rest, used-columns(head)
		}
	}
	return append(lines, line)
}

// separators are what stands between names where several are shown on one line.
var separators = []string{", ", "; ", ": ", "→", "->", `"`}

// quoted puts a name in quotes, inner ones doubled, where it would be taken for several names or for
// none.
func quoted(name string) string {
	if name != "" && strings.TrimSpace(name) == name {
		plain := true
		for _, s := range separators {
			plain = plain && !strings.Contains(name, s)
		}
		if plain {
			return name
		}
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// chain joins names that are not escaped yet.
func chain[S ~string](names []S, separator string) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = quoted(string(n))
	}
	return strings.Join(parts, separator)
}

// name shows one name within a line.
func name[S ~string](s S) string { return EscapeLine(quoted(string(s))) }

// term shows one name within a sentence: also what has a space in it stands in quotes, so that no name
// reads as further words.
func term[S ~string](s S) string {
	if quotes(string(s)) {
		return `"` + EscapeLine(strings.ReplaceAll(string(s), `"`, `""`)) + `"`
	}
	return EscapeLine(string(s))
}

func quotes(s string) bool {
	return quoted(s) != s || strings.ContainsFunc(s, unicode.IsSpace) || strings.ContainsAny(s, "()")
}

// shortTerm is a term cut to a width, in quotes when it was.
func shortTerm[S ~string](s S, width int) string {
	if text := term(s); columns(text) <= width {
		return text
	}
	return `"` + Truncate(EscapeLine(strings.ReplaceAll(string(s), `"`, `""`)), width-2) + `"`
}

// names shows several.
func names[S ~string](s []S) string { return EscapeLine(chain(s, ", ")) }
