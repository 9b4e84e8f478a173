package formatters

import (
	"math"
	"strings"

	"databricks-access-audit/formatters/layered"
)

// scene is a picture as shapes with places: what SVG and PNG have in common. The unit is a pixel at a
// scale of one.
type scene struct {
	width, height float64
	title, about  string // for those who do not see it
	shapes        []sceneMark
}

// sceneMark is exactly one of its fields.
type sceneMark struct {
	box    *sceneBox
	stroke *sceneStroke
	text   *sceneText
}

// hue is an sRGB colour as CSS writes it; empty for none.
type hue string

// The palette of the light page of the HTML report. Its colours differ in lightness, and each comes with
// a shape, a sign or a word.
const (
	colorPaper  hue = "#ffffff"
	colorGround hue = "#f5f6f8"
	colorInk    hue = "#1a2230"
	colorSoft   hue = "#566072"
	colorLine   hue = "#8a94a6"
	colorRule   hue = "#dbe0e8"
	colorBlue   hue = "#0b5cad"
	colorGroup  hue = "#47536a"
	colorPlace  hue = "#5b4a99"
	colorThing  hue = "#0f6b66"
	colorRed    hue = "#b3350b"
	colorRedBg  hue = "#fdeee7"
	colorAmber  hue = "#7a5200"
	colorGreen  hue = "#17683f"
	colorOkBg   hue = "#e6f4ec"
	colorGreyBg hue = "#eef1f5"
)

type sceneBox struct {
	x, y, w, h, radius float64
	fill, edge         hue
	pen                float64
}

// sceneStroke is a line from stop to stop as layered.Route has them: level, then a curve, in turn.
type sceneStroke struct {
	stops []layered.Point
	color hue
	pen   float64
	dash  []float64 // lengths of ink and gap in turn; none for a solid line
	arrow bool
}

// sceneText is one line of text from x rightwards, standing on y.
type sceneText struct {
	x, y, size, width float64
	bold              bool
	color             hue
	text              string
}

func (s *scene) box(b sceneBox) { s.shapes = append(s.shapes, sceneMark{box: &b}) }

func (s *scene) stroke(l sceneStroke) { s.shapes = append(s.shapes, sceneMark{stroke: &l}) }

// pen writes texts into a scene in the fonts that it has.
type pen struct {
	*scene
	faces [2]*typeface
	// spelled is whether only the fonts at hand can be used; what they lack is spelled out then.
	spelled bool
	// spelt says that something was.
	spelt bool
}

func (p *pen) face(bold bool) *typeface {
	if bold {
		return p.faces[1]
	}
	return p.faces[0]
}

// plain is a text, escaped already, as it can be drawn.
func (p *pen) plain(text string) string {
	text = level(text)
	if p.spelled {
		spelt, lacked := p.face(false).spell(text)
		p.spelt = p.spelt || lacked
		return spelt
	}
	return text
}

func (p *pen) write(x, y, size float64, bold bool, c hue, text string) float64 {
	w := p.face(bold).measure(text, size)
	if strings.TrimSpace(text) != "" {
		p.shapes = append(p.shapes, sceneMark{text: &sceneText{x: x, y: y, size: size, width: w, bold: bold, color: c, text: text}})
	}
	return w
}

// lines breaks a text where it has a natural break, and else anywhere, but not inside \u{hex}. Beyond most
// lines an ellipsis says that there is more; zero is for no limit.
func (p *pen) lines(text string, size, widest float64, bold bool, most int) []string {
	face := p.face(bold)
	var lines []string
	line, used := "", 0.0
	for _, piece := range pieces(text) {
		parts := []string{piece}
		if face.measure(piece, size) > widest {
			parts = letters(piece)
		}
		for _, part := range parts {
			w := face.measure(part, size)
			if line != "" && used+w > widest {
				lines = append(lines, strings.TrimRight(line, " "))
				line, used = "", 0
			}
			line += part
			used += w
		}
		if most > 0 && len(lines) > most {
			break
		}
	}
	lines = append(lines, line)
	if most > 0 && len(lines) > most {
		lines = lines[:most]
		last := letters(lines[most-1])
		for len(last) > 1 && face.measure(strings.Join(last, "")+"…", size) > widest {
			last = last[:len(last)-1]
		}
		lines[most-1] = strings.Join(last, "") + "…"
	}
	return lines
}

// pieces splits a text after the characters that a line may end with.
func pieces(text string) []string {
	var all []string
	start := 0
	for i, r := range text {
		if strings.ContainsRune(" ./@_:-", r) {
			all = append(all, text[start:i+1])
			start = i + 1
		}
	}
	return append(all, text[start:])
}

// letters splits a text into what must not be torn apart: escape sequences, and letters with their marks.
func letters(text string) []string {
	var all []string
	for text != "" {
		end := 0
		if strings.HasPrefix(text, `\u{`) {
			end = strings.IndexByte(text, '}') + 1
		}
		if end == 0 {
			head, _ := cutColumns(text, 1)
			if end = len(head); end == 0 { // a wide one
				head, _ = cutColumns(text, 2)
				end = max(1, len(head))
			}
		}
		all = append(all, text[:end])
		text = text[end:]
	}
	return all
}

// along gives the points of a stroke, close enough to one another to look smooth at a scale.
func (l sceneStroke) along(scale float64) []layered.Point {
	var all []layered.Point
	for i, b := range l.stops {
		if i == 0 || i%2 == 1 {
			all = append(all, b)
			continue
		}
		a := l.stops[i-1]
		if a.Y == b.Y {
			all = append(all, b)
			continue
		}
		steps := int(math.Hypot(b.X-a.X, b.Y-a.Y)*scale/4) + 4
		middle := (a.X + b.X) / 2
		for k := 1; k <= steps; k++ {
			t := float64(k) / float64(steps)
			u := 1 - t
			all = append(all, layered.Point{
				X: u*u*u*a.X + 3*u*u*t*middle + 3*u*t*t*middle + t*t*t*b.X,
				Y: u*u*u*a.Y + 3*u*u*t*a.Y + 3*u*t*t*b.Y + t*t*t*b.Y,
			})
		}
	}
	return all
}

// Sizes of arrow heads.
const (
	arrowLong = 8.0
	arrowWide = 3.6
)

// head is the arrow at the end of a stroke: its tip and its two corners. All strokes end level.
func (l sceneStroke) head() [3]layered.Point {
	n := len(l.stops)
	tip, before := l.stops[n-1], l.stops[n-2]
	for i := n - 2; i > 0 && before.X == tip.X; i-- {
		before = l.stops[i-1]
	}
	back := tip.X - arrowLong
	if before.X > tip.X {
		back = tip.X + arrowLong
	}
	wide := arrowWide + l.pen/2
	return [3]layered.Point{tip, {X: back, Y: tip.Y - wide}, {X: back, Y: tip.Y + wide}}
}
