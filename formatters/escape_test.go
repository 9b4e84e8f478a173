package formatters

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain äöü 山田 👍":  "plain äöü 山田 👍",
		"a\nb\tc":         "a\nb\tc",
		"\x1b[31m":        `\u{1b}[31m`,
		"a\u202eb":        `a\u{202e}b`,
		"a\u200bb":        `a\u{200b}b`,
		"a\u2028b":        `a\u{2028}b`,
		"a\x9bb":          `a\u{dc9b}b`,
		"a\u009bb":        `a\u{9b}b`,
		`\u{1b}`:          `\u{5c}u{1b}`,
		`C:\users`:        `C:\users`,
		"\x7f\r\x00":      `\u{7f}\u{d}\u{0}`,
		"\U000e0041":      `\u{e0041}`,
		"\xed\xa0\x80":    `\u{dced}\u{dca0}\u{dc80}`,
		"\ufffd is legal": "\ufffd is legal",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
	if got := EscapeLine("a\nb\tc"); got != `a\u{a}b\u{9}c` {
		t.Errorf("EscapeLine keeps lines: %q", got)
	}
}

var escaped = regexp.MustCompile(`\\u\{([0-9a-f]+)\}`)

// unescape undoes Escape, which shows that nothing is lost.
func unescape(s string) string {
	return escaped.ReplaceAllStringFunc(s, func(e string) string {
		n, err := strconv.ParseInt(escaped.FindStringSubmatch(e)[1], 16, 32)
		if err != nil {
			return e
		}
		if n >= 0xdc80 && n <= 0xdcff {
			return string([]byte{byte(n - 0xdc00)})
		}
		return string(rune(n))
	})
}

func FuzzEscape(f *testing.F) {
	for _, s := range evilNames(f) {
		if len(s) < 1000 {
			f.Add(s, 10)
		}
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		for _, e := range []string{Escape(s), EscapeLine(s)} {
			if c, bad := acts(e); bad || !utf8.ValidString(e) {
				t.Fatalf("%q gives %q with %U", s, e, c)
			}
			if back := unescape(e); back != s {
				t.Fatalf("%q gives %q, which reads as %q", s, e, back)
			}
		}
		line := EscapeLine(s)
		if strings.ContainsAny(line, "\n\t") {
			t.Fatalf("%q is not one line", line)
		}
		width %= 200
		cut := Truncate(line, width)
		if w := columns(cut); w > max(width, 0) || !utf8.ValidString(cut) {
			t.Fatalf("Truncate(%q, %d) = %q of width %d", line, width, cut, w)
		}
		if width > 0 {
			if joined := strings.Join(wrap(line, width), ""); strings.ReplaceAll(joined, " ", "") != strings.ReplaceAll(line, " ", "") {
				t.Fatalf("wrap(%q, %d) loses text: %q", line, width, joined)
			}
		}
	})
}

func FuzzCSVCell(f *testing.F) {
	for _, s := range evilNames(f) {
		if len(s) < 1000 {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := safeCell(s)
		if triggers(cell) {
			t.Fatalf("%q gives %q, which is a formula", s, cell)
		}
		if c, bad := acts(cell); bad {
			t.Fatalf("%q gives %q with %U", s, cell, c)
		}
		if strings.ContainsAny(cell, "\n\t") {
			t.Fatalf("%q gives %q, which is not one line", s, cell)
		}
		back := cell
		if rest, ok := strings.CutPrefix(cell, "'"); ok && triggers(strings.TrimLeft(rest, "'")) {
			back = rest
		}
		if unescape(back) != s {
			t.Fatalf("%q gives %q, which reads as %q", s, cell, unescape(back))
		}
		var b strings.Builder
		if err := WriteCSV(&b, Table{Header: []string{"h", "i"}, Rows: [][]string{{s, "x"}}}, false); err != nil {
			t.Fatal(err)
		}
		if got := parseCSV(t, b.String()); len(got) != 2 || got[1][0] != cell {
			t.Fatalf("%q is read back as %q, want %q", b.String(), got, cell)
		}
	})
}

func TestTruncate(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"山田太郎", 5, "山田…"},
		{"山田太郎", 4, "山…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"🇩🇪🇫🇷🇮🇹", 3, "🇩🇪…"},
		{"x", 0, ""},
		{"xyz", 1, "…"},
		{`abc\u{202e}def`, 8, "abc…"},
		{`abc\u{202e}def`, 5, "abc…"},
		{`abc\u{202e}def`, 12, `abc\u{202e}…`},
	} {
		if got := Truncate(c.in, c.width); got != c.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestWrapBreaksAtSpacesAndDropsNothing(t *testing.T) {
	got := wrap("one two  three 山田太郎山田太郎 four", 12)
	want := []string{"one two ", "three", "山田太郎山田", "太郎 four"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesThatWouldReadAsSeveralAreQuoted(t *testing.T) {
	got := names([]string{"plain", "a, b", "", "c → d", `say "x"`, " edge", "x: y"})
	want := `plain, "a, b", "", "c → d", "say ""x""", " edge", "x: y"`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
