package formatters

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/rivo/uniseg"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// typeface is a font that pictures are measured in, and in PNG drawn with. The Go fonts have the letters
// of Latin, Greek and Cyrillic.
//
// https://go.dev/blog/go-fonts
type typeface struct {
	font *sfnt.Font
	mu   sync.Mutex // guards wide
	wide map[rune]float64
}

// unit is the size at which glyphs are measured.
const unit = 1000

// faces are the regular and the bold one, parsed when the first picture is drawn.
var faces = sync.OnceValues(func() ([2]*typeface, error) {
	var all [2]*typeface
	for i, ttf := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := sfnt.Parse(ttf)
		if err != nil {
			return all, fmt.Errorf("read the font of pictures: %w", err)
		}
		all[i] = &typeface{font: f, wide: map[rune]float64{}}
	}
	return all, nil
})

// has reports whether the font can show a character.
func (t *typeface) has(r rune) bool {
	at, err := t.font.GlyphIndex(nil, r)
	return err == nil && at != 0
}

// advance is the width of a character, in units of the size of the font. What the font lacks is drawn by
// another one, and taken to be as wide as on a terminal.
func (t *typeface) advance(r rune) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w, known := t.wide[r]; known {
		return w
	}
	var b sfnt.Buffer
	w := 0.55 * float64(uniseg.StringWidth(string(r)))
	if at, err := t.font.GlyphIndex(&b, r); err == nil && at != 0 {
		if a, err := t.font.GlyphAdvance(&b, at, fixed.I(unit), font.HintingNone); err == nil {
			w = float64(a) / 64 / unit
		}
	}
	t.wide[r] = w
	return w
}

// measure is the width of a text at a size.
func (t *typeface) measure(text string, size float64) float64 {
	w := 0.0
	for _, r := range text {
		w += t.advance(r)
	}
	return w * size
}

// spell writes what the font lacks as \u{hex}, as Escape does with what cannot be seen. It says whether it
// had to.
func (t *typeface) spell(text string) (string, bool) {
	lacks := func(r rune) bool { return !t.has(r) }
	if !strings.ContainsFunc(text, lacks) {
		return text, false
	}
	var b strings.Builder
	for _, r := range text {
		if lacks(r) {
			fmt.Fprintf(&b, `\u{%x}`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String(), true
}

// maxMarks is how many marks may stand on one letter. A tower of them would reach over other names.
const maxMarks = 2

// level writes marks beyond maxMarks as \u{hex}.
func level(text string) string {
	if !strings.ContainsFunc(text, unicode.IsMark) {
		return text
	}
	var b strings.Builder
	marks := 0
	for _, r := range text {
		if !unicode.IsMark(r) {
			marks = 0
		} else if marks++; marks > maxMarks {
			fmt.Fprintf(&b, `\u{%x}`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
