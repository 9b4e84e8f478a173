package formatters

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// writeSVG writes the map as a picture that needs no script, no style sheet and no font of its own.
// Every text keeps the length for which room was made, whichever font shows it.
//
// https://www.w3.org/TR/SVG2/text.html#TextElementTextLengthAttribute
func writeSVG(out *bytes.Buffer, v mapView) error {
	s, err := newScene(v, false)
	if err != nil {
		return err
	}
	w, h := places(s.width), places(s.height)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="title about">`+"\n", w, h, w, h)
	fmt.Fprintf(out, "<title id=\"title\">%s</title>\n<desc id=\"about\">%s</desc>\n", forXML(s.title), forXML(s.about))
	fmt.Fprintf(out, `<rect width="%s" height="%s" fill="%s"/>`+"\n", w, h, colorPaper)
	out.WriteString(`<g font-family="Go, 'Helvetica Neue', Helvetica, Arial, sans-serif">` + "\n")
	for _, x := range s.shapes {
		switch {
		case x.box != nil:
			svgBox(out, *x.box)
		case x.stroke != nil:
			svgStroke(out, *x.stroke)
		case x.text != nil:
			svgText(out, *x.text)
		}
	}
	out.WriteString("</g>\n</svg>\n")
	return nil
}

func svgBox(out *bytes.Buffer, b sceneBox) {
	fmt.Fprintf(out, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"`, places(b.x), places(b.y), places(b.w), places(b.h), b.fill)
	if b.radius > 0 {
		fmt.Fprintf(out, ` rx="%s"`, places(b.radius))
	}
	if b.edge != "" {
		fmt.Fprintf(out, ` stroke="%s" stroke-width="%s"`, b.edge, places(b.pen))
	}
	out.WriteString("/>\n")
}

func svgStroke(out *bytes.Buffer, l sceneStroke) {
	var d strings.Builder
	for i, at := range l.stops {
		switch {
		case i == 0:
			fmt.Fprintf(&d, "M%s %s", places(at.X), places(at.Y))
		case i%2 == 1 || l.stops[i-1].Y == at.Y:
			fmt.Fprintf(&d, "H%s", places(at.X))
		default:
			before := l.stops[i-1]
			middle := places((before.X + at.X) / 2)
			fmt.Fprintf(&d, "C%s %s %s %s %s %s", middle, places(before.Y), middle, places(at.Y), places(at.X), places(at.Y))
		}
	}
	fmt.Fprintf(out, `<path d="%s" fill="none" stroke="%s" stroke-width="%s"`, d.String(), l.color, places(l.pen))
	if len(l.dash) > 0 {
		var dash []string
		for _, n := range l.dash {
			dash = append(dash, places(n))
		}
		fmt.Fprintf(out, ` stroke-dasharray="%s"`, strings.Join(dash, " "))
	}
	out.WriteString("/>\n")
	if l.arrow {
		head := l.head()
		fmt.Fprintf(out, `<path d="M%s %sL%s %sL%s %sZ" fill="%s"/>`+"\n", places(head[0].X), places(head[0].Y), places(head[1].X), places(head[1].Y),
			places(head[2].X), places(head[2].Y), l.color)
	}
}

func svgText(out *bytes.Buffer, t sceneText) {
	fmt.Fprintf(out, `<text x="%s" y="%s" font-size="%s" fill="%s" textLength="%s" lengthAdjust="spacingAndGlyphs" xml:space="preserve"`,
		places(t.x), places(t.y), places(t.size), t.color, places(t.width))
	if t.bold {
		out.WriteString(` font-weight="bold"`)
	}
	out.WriteString(">" + forXML(t.text) + "</text>\n")
}

// places writes a number with as many places as an eye can see.
func places(x float64) string {
	s := strconv.FormatFloat(x, 'f', 1, 64)
	if s = strings.TrimSuffix(s, ".0"); s == "-0" {
		return "0"
	}
	return s
}

// xmlSpecial are the characters that XML gives a meaning to. What it cannot hold at all Escape has made
// visible before.
//
// https://www.w3.org/TR/xml/#syntax
var xmlSpecial = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

func forXML(s string) string { return xmlSpecial.Replace(s) }
