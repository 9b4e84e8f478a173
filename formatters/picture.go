package formatters

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters/layered"
)

// Sizes in a picture.
const (
	pictureMargin = 28.0
	// pictureLeast is the least width: that of the words around the map.
	pictureLeast = 880.0
	// Beyond these a map shows fewer nodes: scaled down further, its names could not be read.
	pictureWidest, pictureHighest = 1700.0, 1500.0

	titleSize   = 21.0
	textSize    = 13.0
	smallSize   = 10.5
	nameWidth   = 190.0 // of a line of a name at most
	nameLines   = 3
	nameLeading = 17.0
	facePadding = 10.0
	labelHeight = 15.0
)

func writeMap(out *bytes.Buffer, v view, f Format) error {
	m, ok := v.(mapView)
	switch {
	case !ok:
		return f.unfit(v.head().Mode)
	case f == PNG:
		return writePNG(out, m)
	default:
		return writeSVG(out, m)
	}
}

// newScene draws the map of a report with what must be known about it: the answer, what was read, and how
// old that is. With spelled, only what the fonts at hand can show is drawn as it is.
func newScene(v mapView, spelled bool) (*scene, error) {
	fonts, err := faces()
	if err != nil {
		return nil, err
	}
	p := &pen{scene: &scene{}, faces: fonts, spelled: spelled}
	d := v.drawing()
	var f figure
	var m arranged
	for _, most := range figureMost {
		f = newFigure(d, most)
		if m = p.arrange(f); m.Width <= pictureWidest && m.Height <= pictureHighest {
			break
		}
	}
	p.width = max(pictureLeast, m.Width+2*pictureMargin)
	y := p.heading(v, d)
	y = p.draw(f, m, layered.Point{X: pictureMargin, Y: y})
	p.height = p.footing(f, y)
	return p.scene, nil
}

// heading writes what stands above the map and returns where that begins.
func (p *pen) heading(v mapView, d drawing) float64 {
	c := coverage{v.head()}
	first, _ := headlineOf(v)
	p.title = p.plain(pageTitle(v))
	p.about = p.plain(first.text + " " + c.line().text + ". " + c.facts() + ".")
	wide := p.width - 2*pictureMargin
	y := pictureMargin
	paragraph := func(text string, size float64, bold bool, ink hue, most int) {
		for _, l := range p.lines(p.plain(text), size, wide, bold, most) {
			y += size * 1.32
			p.write(pictureMargin, y, size, bold, ink, l)
		}
	}
	paragraph(pageTitle(v), textSize, false, colorSoft, 1)
	y += 4
	paragraph(first.text, titleSize, true, colorInk, 3)
	y += 14
	sign, ink, back := "", colorGreen, colorOkBg
	if !c.complete() {
		sign, ink, back = "! ", colorRed, colorRedBg
	}
	badge := p.lines(p.plain(sign+c.line().text), textSize, wide-20, true, 3)
	long := 0.0
	for _, l := range badge {
		long = max(long, p.face(true).measure(l, textSize))
	}
	p.box(sceneBox{x: pictureMargin, y: y, w: long + 20, h: float64(len(badge))*nameLeading + 9, radius: 5, fill: back, edge: ink, pen: 1})
	for i, l := range badge {
		p.write(pictureMargin+10, y+17+float64(i)*nameLeading, textSize, true, ink, l)
	}
	y += float64(len(badge))*nameLeading + 13
	paragraph(c.facts(), textSize, false, colorSoft, 2)
	if d.unread != "" {
		paragraph(d.unread, textSize, true, colorRed, 3)
	}
	return y + 26
}

// footing writes what stands below the map, and returns the height of the picture.
func (p *pen) footing(f figure, y float64) float64 {
	note := func(text string) {
		for _, l := range p.lines(p.plain(text), textSize, p.width-2*pictureMargin, false, 4) {
			y += textSize * 1.4
			p.write(pictureMargin, y, textSize, false, colorInk, l)
		}
	}
	if text := f.omitted(); text != "" {
		y += 8
		note(text)
	}
	y = p.legend(f, y+26)
	if p.spelt {
		y += 4
		note(`\u{…} stands for a character that the font of this picture lacks: -o svg and -o html show it.`)
	}
	return y + pictureMargin
}

// styles are the looks of kinds. The kind also stands on each node in words.
func nodeStyle(kind string) (ink hue, radius float64, behind, bar bool) {
	switch kind {
	case "user", "service_principal", "principal", "unknown", "":
		return colorBlue, 16, false, false
	case "group":
		return colorGroup, 7, true, false
	case "workspace", "metastore", "account", "outside":
		return colorPlace, 3, false, true
	case "role", "risk", "setting":
		return colorRed, 3, false, true
	default:
		return colorThing, 3, false, true
	}
}

// lineStyle is the look of a line.
func lineStyle(l figureLine) sceneStroke {
	s := sceneStroke{color: colorLine, pen: 1.2, arrow: true}
	gives := false
	for _, e := range l.edges {
		gives = gives || e.gives != nil
	}
	switch {
	case l.holds():
		s.dash, s.arrow = []float64{3, 3}, false
	case l.absent():
		s.color, s.pen, s.dash = colorRed, 1.6, []float64{9, 5}
	case l.severity() == report.Critical:
		s.color, s.pen = colorRed, 3
	case l.severity() == report.High:
		s.color, s.pen = colorRed, 2
	case l.severity() != "":
		s.color, s.pen = colorAmber, 1.6
	case l.change() == changeAdded:
		s.color, s.pen = colorBlue, 2.4
	case l.change() == changeRemoved:
		s.color, s.pen, s.dash = colorRed, 1.8, []float64{9, 5}
	case l.change() != "":
		s.color, s.pen, s.dash = colorAmber, 1.8, []float64{9, 3, 2, 3}
	case gives && l.idle():
		s.dash = []float64{1.5, 4}
	case gives:
		s.color, s.pen = colorSoft, 1.4
	}
	return s
}

// face is a node of the picture with the words on it.
type nodeFace struct {
	lines  []string
	kicker string
	start  bool
}

// arrange works out the words on nodes and lines, and where all goes.
func (p *pen) arrange(f figure) arranged {
	stores := map[string]bool{}
	for _, n := range f.nodes {
		for _, m := range n.members {
			if m.metastore != "" {
				stores[m.metastore] = true
			}
		}
	}
	a := arranged{sizes: make([]layered.Node, len(f.nodes)), faces: make([]nodeFace, len(f.nodes)), labels: make([]string, len(f.lines))}
	for i, n := range f.nodes {
		face := nodeFace{start: n.start, kicker: p.lines(p.plain(n.kicker(len(stores) > 1)), smallSize, nameWidth, false, 1)[0]}
		for _, l := range strings.Split(n.title(), "\n") {
			most := nameLines
			if len(n.members) > 1 {
				most = 1
			}
			face.lines = append(face.lines, p.lines(p.plain(l), textSize, nameWidth, n.start, most)...)
		}
		wide := p.face(false).measure(face.kicker, smallSize)
		for _, l := range face.lines {
			wide = max(wide, p.face(n.start).measure(l, textSize))
		}
		a.faces[i] = face
		a.sizes[i] = layered.Node{Width: wide + 2*facePadding + 4, Height: float64(len(face.lines))*nameLeading + smallSize + 2*facePadding - 3, Start: n.start}
	}
	edges := make([]layered.Edge, len(f.lines))
	for i, l := range f.lines {
		edges[i] = layered.Edge{From: l.from, To: l.to}
		if text := l.label(); text != "" {
			a.labels[i] = p.lines(p.plain(text), smallSize, nameWidth, false, 1)[0]
			edges[i].LabelWidth, edges[i].LabelHeight = p.face(false).measure(a.labels[i], smallSize)+8, labelHeight
		}
	}
	a.Layout = layered.Arrange(a.sizes, edges)
	return a
}

type arranged struct {
	layered.Layout
	sizes  []layered.Node
	faces  []nodeFace
	labels []string
}

// draw puts the map into the scene and returns where it ends.
func (p *pen) draw(f figure, m arranged, at layered.Point) float64 {
	if len(f.nodes) == 0 {
		p.write(at.X, at.Y+textSize, textSize, false, colorSoft, "There is nothing to draw.")
		return at.Y + 2*textSize
	}
	at.X += (p.width - 2*pictureMargin - m.Width) / 2 // in the middle of a wider page
	p.box(sceneBox{x: pictureMargin / 2, y: at.Y - 14, w: p.width - pictureMargin, h: m.Height + 28, radius: 8, fill: colorGround, edge: colorRule, pen: 1})
	for i, l := range f.lines {
		s := lineStyle(l)
		for _, stop := range m.Edges[i].Stops {
			s.stops = append(s.stops, layered.Point{X: stop.X + at.X, Y: stop.Y + at.Y})
		}
		if len(s.stops) > 0 {
			p.stroke(s)
		}
	}
	for i, l := range f.lines {
		if m.labels[i] == "" {
			continue
		}
		ink := lineStyle(l).color
		if ink == colorLine {
			ink = colorSoft
		}
		long := p.face(false).measure(m.labels[i], smallSize)
		x, y := at.X+m.Edges[i].Label.X-long/2, at.Y+m.Edges[i].Label.Y
		p.box(sceneBox{x: x - 3, y: y - labelHeight/2, w: long + 6, h: labelHeight, radius: 2, fill: colorGround})
		p.write(x, y+3.6, smallSize, false, ink, m.labels[i])
	}
	for i, n := range f.nodes {
		p.node(n, m.faces[i], m.sizes[i], layered.Point{X: at.X + m.Nodes[i].X, Y: at.Y + m.Nodes[i].Y})
	}
	return at.Y + m.Height + 14
}

func (p *pen) node(n figureNode, face nodeFace, size layered.Node, at layered.Point) {
	ink, radius, behind, bar := nodeStyle(n.members[0].kind)
	b := sceneBox{x: at.X, y: at.Y, w: size.Width, h: size.Height, radius: radius, fill: colorPaper, edge: ink, pen: 1.3}
	if n.start {
		b.pen = 2.4
	}
	if behind || len(n.members) > 1 {
		back := b
		back.x, back.y, back.pen = b.x+4, b.y+4, 1
		p.box(back)
	}
	p.box(b)
	if bar {
		p.box(sceneBox{x: b.x, y: b.y, w: 4, h: b.h, fill: ink})
	}
	x, y := at.X+facePadding+2, at.Y+facePadding+smallSize-2
	ink = colorSoft
	if n.members[0].change != "" && len(n.members) == 1 {
		ink = lineStyle(figureLine{edges: []drawnEdge{{change: n.members[0].change}}}).color
	}
	p.write(x, y, smallSize, false, ink, face.kicker)
	for i, l := range face.lines {
		p.write(x, y+3+(float64(i)+0.78)*nameLeading, textSize, face.start, colorInk, l)
	}
}

// legend explains what is on the map and nothing else.
func (p *pen) legend(f figure, y float64) float64 {
	type entry struct {
		text string
		node string // kind
		line *figureLine
		rank int
	}
	var all []entry
	seen := map[string]bool{}
	add := func(e entry) {
		if !seen[e.text] {
			seen[e.text] = true
			all = append(all, e)
		}
	}
	for _, n := range f.nodes {
		ink, _, behind, _ := nodeStyle(n.members[0].kind)
		switch {
		case behind:
			add(entry{text: "group", node: "group", rank: 1})
		case ink == colorBlue:
			add(entry{text: "who", node: "user"})
		case ink == colorPlace:
			add(entry{text: "workspace, metastore", node: "workspace", rank: 2})
		case ink == colorRed:
			add(entry{text: "role, risk or setting", node: "role", rank: 4})
		default:
			add(entry{text: "what can be reached", node: "table", rank: 3})
		}
		if how := n.members[0].change; how != "" {
			add(entry{text: changeMark(how), line: &figureLine{edges: []drawnEdge{{change: how}}}, rank: 10})
		}
	}
	for _, l := range f.lines {
		switch {
		case l.holds():
			add(entry{text: "lies in", line: &l, rank: 6})
		case l.absent():
			add(entry{text: "× missing, would have to be there", line: &l, rank: 9})
		case l.severity() != "":
			add(entry{text: "▲ " + EscapeLine(l.severity()) + ": way to more", line: &l, rank: 9})
		case l.change() != "":
			add(entry{text: changeMark(l.change()), line: &l, rank: 10})
		case l.idle():
			add(entry{text: "usable from no workspace", line: &l, rank: 8})
		case lineStyle(l).color == colorSoft:
			add(entry{text: "gives", line: &l, rank: 7})
		default:
			add(entry{text: "member of, or comes to", line: &l, rank: 5})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.rank, b.rank) })
	x := pictureMargin
	for _, e := range all {
		text := p.plain(e.text)
		long := 34 + p.face(false).measure(text, smallSize+1) + 18
		if x > pictureMargin && x+long > p.width-pictureMargin {
			x, y = pictureMargin, y+20
		}
		if e.line != nil {
			s := lineStyle(*e.line)
			s.stops = []layered.Point{{X: x, Y: y - 4}, {X: x + 28, Y: y - 4}}
			p.stroke(s)
		} else {
			ink, radius, behind, bar := nodeStyle(e.node)
			if behind {
				p.box(sceneBox{x: x + 5, y: y - 7, w: 22, h: 11, radius: 3, fill: colorPaper, edge: ink, pen: 1})
			}
			p.box(sceneBox{x: x + 2, y: y - 10, w: 22, h: 11, radius: min(radius, 5), fill: colorPaper, edge: ink, pen: 1.3})
			if bar {
				p.box(sceneBox{x: x + 2, y: y - 10, w: 4, h: 11, fill: ink})
			}
		}
		p.write(x+34, y, smallSize+1, false, colorSoft, text)
		x += long
	}
	return y
}
