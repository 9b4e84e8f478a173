package formatters

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters/layered"
)

// mapViewOf is the view of a report that has a map.
func mapViewOf(t testing.TB, r report.Report) mapView {
	t.Helper()
	v, err := viewOf(r)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := v.(mapView)
	if !ok {
		t.Fatalf("%T has no map", r)
	}
	return m
}

// hasMap reports whether the report can be drawn.
func hasMap(r report.Report) bool {
	v, err := viewOf(r)
	_, ok := v.(mapView)
	return err == nil && ok
}

func TestPicturesAreRefusedWhereThereIsNoMap(t *testing.T) {
	modes := map[string]bool{}
	for fixture, r := range fixtures() {
		mode := r.Head().Mode
		if mode == "" { // one that knows too little of itself
			continue
		}
		modes[mode] = hasMap(r)
		for _, f := range []Format{SVG, PNG} {
			if !hasMap(r) {
				var b bytes.Buffer
				if err := Write(&b, r, Options{Format: f}); err == nil || b.Len() > 0 || !strings.Contains(err.Error(), "has no map to draw as "+string(f)) {
					t.Errorf("%s as %s: %v, %d bytes", fixture, f, err, b.Len())
				}
			}
			if err := f.Fits(mode); (err == nil) != hasMap(r) {
				t.Errorf("%s of %s, which is drawn: %t: %v", f, mode, hasMap(r), err)
			}
		}
	}
	for _, mode := range mapped {
		if !modes[mode] {
			t.Errorf("no report of %s is drawn", mode)
		}
	}
}

// svgMay are the elements of a picture and their attributes: nothing runs, and nothing is fetched.
var svgMay = map[string]string{
	"svg": "xmlns width height viewBox role aria-labelledby", "title": "id", "desc": "id", "g": "font-family",
	"rect": "x y width height rx fill stroke stroke-width", "path": "d fill stroke stroke-width stroke-dasharray",
	"text": "x y font-size fill textLength lengthAdjust space font-weight",
}

// checkSVG reads a picture and returns its elements and texts in order.
func checkSVG(t *testing.T, label, text string) (skeleton, texts []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = true
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return skeleton, texts
		}
		if err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			may, known := svgMay[x.Name.Local]
			if !known || x.Name.Space != "http://www.w3.org/2000/svg" {
				t.Errorf("%s: <%s>", label, x.Name.Local)
			}
			for _, a := range x.Attr {
				if !slices.Contains(strings.Fields(may), a.Name.Local) || strings.ContainsAny(a.Value, ";()") {
					t.Errorf("%s: <%s %s=%q>", label, x.Name.Local, a.Name.Local, a.Value)
				}
			}
			skeleton = append(skeleton, x.Name.Local)
		case xml.CharData:
			if s := strings.TrimSpace(string(x)); s != "" {
				texts = append(texts, string(x))
			}
		case xml.ProcInst, xml.Directive, xml.Comment:
			t.Errorf("%s: %T", label, x)
		}
	}
}

// TestPicturesHoldWhatMustBeKnown: the answer, what was read and how old it is, in both formats.
func TestPicturesHoldWhatMustBeKnown(t *testing.T) {
	for fixture, r := range fixtures() {
		if !hasMap(r) {
			continue
		}
		_, texts := checkSVG(t, fixture, write(t, r, Options{Format: SVG}))
		drawn := strings.Join(texts[2:], " ") // without those that are not seen
		v := mapViewOf(t, r)
		first, _ := headlineOf(v)
		for what, want := range map[string]string{"coverage": coverage{v.head()}.line().text, "age": coverage{v.head()}.facts(), "answer": first.text} {
			start, _, _ := strings.Cut(Truncate(want, 70), "…")
			if start = start[:strings.LastIndex(start, " ")]; !strings.Contains(drawn, start) {
				t.Errorf("%s: the %s %q is not in %q", fixture, what, start, drawn)
			}
		}
		for _, spelled := range []bool{false, true} {
			checkScene(t, fixture, v, spelled)
		}
	}
}

// checkScene: nothing leaves the picture, no text is wider than what it stands in, and no line is bare.
func checkScene(t *testing.T, label string, v mapView, spelled bool) *scene {
	t.Helper()
	s, err := newScene(v, spelled)
	if err != nil {
		t.Fatal(err)
	}
	fonts, _ := faces()
	inside := func(x, y float64) {
		if math.IsNaN(x+y) || x < 0 || y < 0 || x > s.width || y > s.height {
			t.Errorf("%s: %g, %g is outside %g x %g", label, x, y, s.width, s.height)
		}
	}
	for _, m := range s.shapes {
		switch {
		case m.box != nil:
			inside(m.box.x, m.box.y)
			inside(m.box.x+m.box.w, m.box.y+m.box.h)
		case m.text != nil:
			inside(m.text.x, m.text.y)
			inside(m.text.x+m.text.width, m.text.y)
			for _, r := range m.text.text {
				if spelled && !fonts[0].has(r) {
					t.Errorf("%s: %q has %U, which would be an empty box", label, m.text.text, r)
				}
			}
		case m.stroke != nil:
			for _, p := range m.stroke.stops {
				inside(p.X, p.Y)
			}
		}
	}
	return s
}

// TestPNGShowsLinesAndNames: along each line of the map there is its colour, and where a name stands there
// is ink.
func TestPNGShowsLinesAndNames(t *testing.T) {
	strokes, texts := 0, 0
	for fixture, r := range fixtures() {
		if !hasMap(r) {
			continue
		}
		out := write(t, r, Options{Format: PNG})
		img, err := png.Decode(strings.NewReader(out))
		if err != nil {
			t.Fatalf("%s: %v", fixture, err)
		}
		s, err := newScene(mapViewOf(t, r), true)
		if err != nil {
			t.Fatal(err)
		}
		scale, err := pngScale(s)
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != int(s.width*scale) || b.Dy() != int(s.height*scale) || b.Dx()*b.Dy() > pngMost || b.Dx() < 1200 {
			t.Errorf("%s: %v at a scale of %g", fixture, b, scale)
		}
		for _, m := range s.shapes {
			switch {
			case m.stroke != nil:
				strokes++
				if seen := alongLine(img, *m.stroke, scale); seen < 0.35 { // the sparsest dash has a quarter of its length in full ink
					t.Errorf("%s: a line of %s from %v shows on %.0f %% of its way", fixture, m.stroke.color, m.stroke.stops[0], 100*seen)
				}
			case m.text != nil:
				texts++
				if !inked(img, *m.text, scale) {
					t.Errorf("%s: nothing stands where %q should", fixture, m.text.text)
				}
			}
		}
	}
	if strokes < 100 || texts < 500 {
		t.Errorf("only %d lines and %d texts", strokes, texts)
	}
}

// alongLine is the part of a line whose places have its colour, or something drawn over it, nearby.
func alongLine(img image.Image, l sceneStroke, scale float64) float64 {
	seen, all := 0, 0
	points := l.along(scale)
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		for k := range 8 {
			t := float64(k) / 8
			x, y := (a.X+t*(b.X-a.X))*scale, (a.Y+t*(b.Y-a.Y))*scale
			all++
			if nearColor(img, x, y, l.color) {
				seen++
			}
		}
	}
	return float64(seen) / float64(all)
}

// nearColor looks for a colour, or one mixed with the ground by half, within a pixel.
func nearColor(img image.Image, x, y float64, want hue) bool {
	w := want.rgba()
	for dx := -1; dx <= 1; dx++ {
		for dy := -1; dy <= 1; dy++ {
			r, g, b, _ := img.At(int(x)+dx, int(y)+dy).RGBA()
			if math.Abs(float64(r>>8)-float64(w.R))+math.Abs(float64(g>>8)-float64(w.G))+math.Abs(float64(b>>8)-float64(w.B)) < 180 {
				return true
			}
		}
	}
	return false
}

// inked reports whether there are pixels near the colour of a text where it stands.
func inked(img image.Image, t sceneText, scale float64) bool {
	w := t.color.rgba()
	for y := (t.y - t.size) * scale; y < (t.y+t.size/3)*scale; y++ {
		for x := t.x * scale; x < (t.x+t.width)*scale; x++ {
			r, g, b, _ := img.At(int(x), int(y)).RGBA()
			if math.Abs(float64(r>>8)-float64(w.R))+math.Abs(float64(g>>8)-float64(w.G))+math.Abs(float64(b>>8)-float64(w.B)) < 120 {
				return true
			}
		}
	}
	return false
}

// TestHostileNamesInPictures: a picture of hostile names is that of calm ones, but for texts and sizes;
// nothing in it acts, and nothing is an empty box.
func TestHostileNamesInPictures(t *testing.T) {
	builders := map[string]func(string) report.Report{
		"principal": func(s string) report.Report { return named(s) }, "group": func(s string) report.Report { return groupNamed(s) },
		"resource": func(s string) report.Report { return resourceNamed(s, true) }, "compare": func(s string) report.Report { return compareNamed(s) },
		"can": func(s string) report.Report { return canNamed(s, report.Deny) }, "roles": func(s string) report.Report { return rolesNamed(s, true) },
		"escalations": func(s string) report.Report { return escalationsNamed(s, true) }, "diff": func(s string) report.Report { return diffNamed(s) },
	}
	for _, s := range evilNames(t) {
		label := EscapeLine(Truncate(fmt.Sprintf("%+q", s), 60))
		for b, build := range builders {
			if len(s) > maxEverywhere && b != "principal" || len(s) > 20*maxEverywhere {
				continue
			}
			r := build(s)
			text := write(t, r, Options{Format: SVG})
			checkSVG(t, label, text)
			if c, bad := acts(text); bad {
				t.Errorf("%s: %s holds %U", label, b, c)
			}
			if strings.Contains(text, "http") && !strings.Contains(s, "http") && strings.Count(text, "http") != 1 {
				t.Errorf("%s: %s points to something", label, b)
			}
			checkScene(t, label, mapViewOf(t, r), true)
		}
	}
	for _, s := range []string{evilNames(t)[0], "財務部", "مرحبا", "e" + strings.Repeat("\u0301", 60), strings.Repeat("W", 5000), "\x1b[2J\u202e</text><script>", ""} {
		if _, err := png.Decode(strings.NewReader(write(t, named(s), Options{Format: PNG}))); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestWhatAFontLacksIsSpelledOut, and the picture says so; SVG leaves it to the reader's fonts.
func TestWhatAFontLacksIsSpelledOut(t *testing.T) {
	r := rich()
	r.Principal.Name = "財務"
	spelt, drawn := false, false
	for _, m := range checkScene(t, "spelled", mapViewOf(t, r), true).shapes {
		if m.text != nil {
			spelt = spelt || strings.Contains(m.text.text, `\u{8ca1}`)
			drawn = drawn || strings.Contains(m.text.text, "stands for a character that the font of this picture lacks")
		}
	}
	if !spelt || !drawn {
		t.Errorf("spelled out: %t, and said: %t", spelt, drawn)
	}
	if text := write(t, r, Options{Format: SVG}); !strings.Contains(text, ">財務<") || strings.Contains(text, "stands for a character") {
		t.Error("SVG does not show the name as it is")
	}
}

// TestTowersOfMarksAreLevelled: what would reach over other names is spelled out.
func TestTowersOfMarksAreLevelled(t *testing.T) {
	tower := "e" + strings.Repeat("\u0301", 4) + "a\u0308"
	if got, want := level(tower), "e\u0301\u0301\\u{301}\\u{301}a\u0308"; got != want {
		t.Errorf("got %+q, want %+q", got, want)
	}
}

// TestPicturesAreTheSameTwice, byte by byte.
func TestPicturesAreTheSameTwice(t *testing.T) {
	for fixture, r := range fixtures() {
		if !hasMap(r) {
			continue
		}
		formats := []Format{SVG}
		if strings.HasSuffix(fixture, "rich") { // the same shapes give the same pixels; a few are enough
			formats = append(formats, PNG)
		}
		for _, f := range formats {
			first, second := write(t, r, Options{Format: f}), write(t, r, Options{Format: f})
			if first != second {
				t.Errorf("%s as %s differs from itself", fixture, f)
			}
		}
	}
}

// TestLargeMapsAreCollapsed: never more than a picture can hold, and what is left out is counted to the
// last node.
func TestLargeMapsAreCollapsed(t *testing.T) {
	many := manyGrants(5000)
	for i := range 300 {
		many.Grants = append(many.Grants, grant(object(identity.TypeCatalog, fmt.Sprintf("own_%03d", i), fmt.Sprintf("store-%d", i%7), ""), report.SourceDirect, path(),
			[]string{"prod"}, "USE_CATALOG"))
	}
	roles := rolesRich()
	for i := range 400 {
		roles.Roles = append(roles.Roles, report.HeldRole{Principal: report.Principal{ID: fmt.Sprint(i), Kind: "user", Name: fmt.Sprintf("user%d@acme.test", i)},
			Role: fmt.Sprintf("role_%d", i%90), Scope: fmt.Sprintf("workspace w%d", i%11)})
	}
	for name, r := range map[string]report.Report{"grants": many, "roles": roles} {
		d := mapViewOf(t, r).drawing()
		for _, most := range figureMost {
			f := newFigure(d, most)
			shown := 0
			for _, n := range f.nodes {
				shown += len(n.members) + n.hidden
			}
			for _, n := range f.left {
				shown += n
			}
			if len(f.nodes) > most || shown != len(d.nodes) {
				t.Errorf("%s: %d nodes of at most %d; %d of %d are accounted for", name, len(f.nodes), most, shown, len(d.nodes))
			}
		}
		text := write(t, r, Options{Format: SVG})
		if len(text) > 200<<10 || !strings.Contains(text, "No room for ") && !strings.Contains(text, " more ") {
			t.Errorf("%s: %d bytes, or nothing is said of what is left out", name, len(text))
		}
		s := checkScene(t, name, mapViewOf(t, r), true)
		if _, err := pngScale(s); err != nil {
			t.Errorf("%s: %g x %g: %v", name, s.width, s.height, err)
		}
	}
	if _, err := pngScale(&scene{width: 30_000, height: 30_000}); err == nil {
		t.Error("a picture beyond every cap is drawn")
	}
}

func TestWhatIsLeftOutIsCountedInWords(t *testing.T) {
	f := figure{left: map[string]int{"table": 37, "registry": 2, "storage_credential": 1, "sql_queries": 1, "secret_scopes": 3, "thing that lies in them": 12}}
	want := "No room for 2 registries, 3 secret scopes, 1 sql query, 1 storage credential, 37 tables and 12 things that lie in them: -o html shows them."
	if got := f.omitted(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var n figureNode
	for i := range 39 {
		n.members = append(n.members, drawnNode{kind: "table", name: fmt.Sprintf("t%d", i)})
	}
	if got := n.title(); got != "t0\nt1\nand 37 more tables" {
		t.Errorf("got %q", got)
	}
}

// TestLabelsSayWhatDiffers: signs and words, so that nothing rests on colour.
func TestLabelsSayWhatDiffers(t *testing.T) {
	give := func(change string, gives ...string) drawnEdge { return drawnEdge{gives: gives, change: change} }
	for want, edges := range map[string][]drawnEdge{
		"SELECT":                        {give("", "SELECT"), give("", "SELECT")},
		"A, B +1":                       {give("", "C", "B", "A")},
		"+ added SELECT":                {give(changeAdded, "SELECT")},
		"− removed":                     {give(changeRemoved)},
		"~ changed":                     {give(changeChanged)},
		"~ changed: + MODIFY, − SELECT": {give(changeAdded, "MODIFY"), give(changeRemoved, "SELECT")},
		"▲ high E02":                    {{gives: []string{"E02"}, severity: report.High}, {severity: report.Low}},
		"× USE_CATALOG":                 {{gives: []string{"USE_CATALOG"}, absent: true}},
		"usable nowhere: SELECT":        {{gives: []string{"SELECT"}, in: []string{}}},
		"A only: USER":                  {{gives: []string{"USER"}, mark: "A only"}},
		"USER":                          {{gives: []string{"USER"}, mark: "A only"}, {gives: []string{"USER"}, mark: "B only"}},
	} {
		if got := (figureLine{edges: edges}).label(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestUnknownReachIsNotNone: only what is known to be usable nowhere is drawn so.
func TestUnknownReachIsNotNone(t *testing.T) {
	r := rich()
	r.Grants = r.Grants[5:6]
	r.Grants[0].ReachableIn = []string{}
	for unknown, want := range map[bool]bool{false: true, true: false} {
		r.Grants[0].ReachUnknown = unknown
		if got := strings.Contains(write(t, r, Options{Format: SVG}), "usable nowhere"); got != want {
			t.Errorf("with the reach unknown: %t, the picture says usable nowhere: %t", unknown, got)
		}
	}
}

// TestDashesCoverTheirPart of a line, wherever its points lie.
func TestDashesCoverTheirPart(t *testing.T) {
	points := []layered.Point{{X: 0}, {X: 3}, {X: 3.5}, {X: 100}}
	total := 0.0
	for _, run := range dashed(points, []float64{6, 4}) {
		total += run[len(run)-1].X - run[0].X
	}
	if math.Abs(total-60) > 1e-6 {
		t.Errorf("%g of 100 is inked, want 60", total)
	}
}

// BenchmarkPictures says what a picture costs, the first and the later ones: fonts are read once.
func BenchmarkPictures(b *testing.B) {
	for name, r := range map[string]report.Report{"rich": rich(), "5000_grants": manyGrants(5000)} {
		for _, f := range []Format{SVG, PNG} {
			b.Run(name+"/"+string(f), func(b *testing.B) {
				var out bytes.Buffer
				for b.Loop() {
					out.Reset()
					if err := Write(&out, r, Options{Format: f}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(out.Len()), "bytes")
			})
		}
	}
}
