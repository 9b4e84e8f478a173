package formatters

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"databricks-access-audit/formatters/layered"
)

// Sizes of PNG pictures, in pixels.
const (
	// pngWide is how wide a chat shows a picture at most: a narrower map is drawn larger.
	pngWide = 1600
	// pngMost caps width times height, and with it the memory: four bytes each.
	pngMost = 16_000_000
	// pngScales are the least and the most that a picture is scaled. Below the least, names cannot be
	// read; the figure is so small that this does not happen.
	pngLeast, pngLargest = 0.5, 2.0
)

// writePNG writes the map as a picture for chats. Its words are in it: a picture is passed on without
// what stood beside it.
func writePNG(out *bytes.Buffer, v mapView) error {
	s, err := newScene(v, true)
	if err != nil {
		return err
	}
	img, err := rasterise(s)
	if err != nil {
		return err
	}
	if err := png.Encode(out, img); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}

// pngScale is by how much a scene is enlarged.
func pngScale(s *scene) (float64, error) {
	scale := min(pngLargest, max(1, pngWide/s.width))
	scale = min(scale, math.Sqrt(pngMost/(s.width*s.height)))
	if scale < pngLeast {
		return 0, errors.New("the map is too large for a readable picture: use -o svg or -o html")
	}
	return scale, nil
}

func rasterise(s *scene) (*image.RGBA, error) {
	scale, err := pngScale(s)
	if err != nil {
		return nil, err
	}
	c := canvas{RGBA: image.NewRGBA(image.Rect(0, 0, int(s.width*scale), int(s.height*scale))), scale: scale, fonts: map[fontKey]font.Face{}}
	draw.Draw(c.RGBA, c.Bounds(), image.NewUniform(colorPaper.rgba()), image.Point{}, draw.Src)
	for _, x := range s.shapes {
		switch {
		case x.box != nil:
			c.box(*x.box)
		case x.stroke != nil:
			c.stroke(*x.stroke)
		case x.text != nil:
			if err := c.text(*x.text); err != nil {
				return nil, err
			}
		}
	}
	return c.RGBA, nil
}

// canvas is where shapes become pixels.
type canvas struct {
	*image.RGBA
	scale float64
	fonts map[fontKey]font.Face
}

type fontKey struct {
	size float64
	bold bool
}

// rgba reads a colour as CSS writes it. It panics on another: colours are constants of this package.
func (c hue) rgba() color.RGBA {
	n, err := strconv.ParseUint(string(c[1:]), 16, 24)
	if err != nil {
		panic("a colour that is none: " + string(c))
	}
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 0xff}
}

// polygon is an outline; all of one path run in the same direction, so that they add up where they lie
// over one another.
type polygon []layered.Point

// fill paints outlines, in places of the scene. Only the pixels that they touch are looked at.
func (c *canvas) fill(ink hue, outlines ...polygon) {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, o := range outlines {
		for _, p := range o {
			left, right = min(left, p.X*c.scale), max(right, p.X*c.scale)
			top, bottom = min(top, p.Y*c.scale), max(bottom, p.Y*c.scale)
		}
	}
	area := image.Rect(int(left)-1, int(top)-1, int(right)+2, int(bottom)+2).Intersect(c.Bounds())
	if area.Empty() {
		return
	}
	r := vector.NewRasterizer(area.Dx(), area.Dy())
	for _, o := range outlines {
		for i, p := range o {
			x, y := float32(p.X*c.scale-float64(area.Min.X)), float32(p.Y*c.scale-float64(area.Min.Y))
			if i == 0 {
				r.MoveTo(x, y)
			} else {
				r.LineTo(x, y)
			}
		}
		r.ClosePath()
	}
	r.Draw(c.RGBA, area, image.NewUniform(ink.rgba()), image.Point{})
}

// around is the outline of a box, clockwise.
func around(b sceneBox) polygon {
	radius := min(b.radius, b.w/2, b.h/2)
	if radius <= 0 {
		return polygon{{X: b.x, Y: b.y}, {X: b.x + b.w, Y: b.y}, {X: b.x + b.w, Y: b.y + b.h}, {X: b.x, Y: b.y + b.h}}
	}
	const steps = 10
	var o polygon
	for corner, at := range []layered.Point{{X: b.x + b.w - radius, Y: b.y + radius}, {X: b.x + b.w - radius, Y: b.y + b.h - radius},
		{X: b.x + radius, Y: b.y + b.h - radius}, {X: b.x + radius, Y: b.y + radius}} {
		for k := 0; k <= steps; k++ {
			angle := math.Pi / 2 * (float64(corner) - 1 + float64(k)/steps)
			o = append(o, layered.Point{X: at.X + radius*math.Cos(angle), Y: at.Y + radius*math.Sin(angle)})
		}
	}
	return o
}

func (c *canvas) box(b sceneBox) {
	if b.edge == "" {
		c.fill(b.fill, around(b))
		return
	}
	grown, shrunk := b, b
	half := b.pen / 2
	grown.x, grown.y, grown.w, grown.h, grown.radius = b.x-half, b.y-half, b.w+b.pen, b.h+b.pen, b.radius+half
	shrunk.x, shrunk.y, shrunk.w, shrunk.h, shrunk.radius = b.x+half, b.y+half, b.w-b.pen, b.h-b.pen, max(0, b.radius-half)
	c.fill(b.edge, around(grown))
	c.fill(b.fill, around(shrunk))
}

func (c *canvas) stroke(l sceneStroke) {
	points := l.along(c.scale)
	if l.arrow { // the line ends where its head begins, or it would stick out of the tip
		points = shortened(points, arrowLong-1)
	}
	var outlines []polygon
	for _, run := range dashed(points, l.dash) {
		outlines = append(outlines, ribbon(run, l.pen/2))
	}
	c.fill(l.color, outlines...)
	if l.arrow {
		head := l.head()
		c.fill(l.color, head[:])
	}
}

// ribbon is the outline of a line, clockwise as around is: there on one side and back on the other, so
// that it nowhere lies over itself. Lines turn gently, by a few degrees from point to point.
func ribbon(points []layered.Point, half float64) polygon {
	points = slices.CompactFunc(slices.Clone(points), func(a, b layered.Point) bool { return math.Hypot(b.X-a.X, b.Y-a.Y) < 1e-9 })
	if len(points) < 2 {
		return nil
	}
	there, back := make(polygon, 0, 2*len(points)), make(polygon, 0, len(points))
	for i, at := range points {
		before, after := points[max(i-1, 0)], points[min(i+1, len(points)-1)]
		length := math.Hypot(after.X-before.X, after.Y-before.Y)
		dx, dy := (after.X-before.X)/length*half, (after.Y-before.Y)/length*half
		there = append(there, layered.Point{X: at.X + dy, Y: at.Y - dx})
		back = append(back, layered.Point{X: at.X - dy, Y: at.Y + dx})
	}
	slices.Reverse(back)
	return append(there, back...)
}

// shortened takes a length off the end of a line.
func shortened(points []layered.Point, by float64) []layered.Point {
	for n := len(points); n > 1; n-- {
		a, b := points[n-2], points[n-1]
		length := math.Hypot(b.X-a.X, b.Y-a.Y)
		if length > by {
			t := 1 - by/length
			return append(append([]layered.Point{}, points[:n-1]...), layered.Point{X: a.X + t*(b.X-a.X), Y: a.Y + t*(b.Y-a.Y)})
		}
		by -= length
	}
	return points[:1]
}

// dashed cuts a line into what is inked.
func dashed(points []layered.Point, dash []float64) [][]layered.Point {
	if len(dash) == 0 || len(points) < 2 {
		return [][]layered.Point{points}
	}
	var runs [][]layered.Point
	run := []layered.Point{points[0]}
	part, left := 0, dash[0]
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		length := math.Hypot(b.X-a.X, b.Y-a.Y)
		for done := 0.0; done < length; {
			step := min(left, length-done)
			done += step
			left -= step
			at := layered.Point{X: a.X + (b.X-a.X)*done/length, Y: a.Y + (b.Y-a.Y)*done/length}
			if part%2 == 0 {
				run = append(run, at)
			}
			if left <= 0 {
				if part%2 == 0 {
					runs = append(runs, run)
				}
				part = (part + 1) % len(dash)
				left = dash[part]
				run = []layered.Point{at}
			}
		}
	}
	if part%2 == 0 && len(run) > 1 {
		runs = append(runs, run)
	}
	return runs
}

func (c *canvas) text(t sceneText) error {
	faces, err := faces()
	if err != nil {
		return err
	}
	k := fontKey{t.size, t.bold}
	of := faces[0]
	if t.bold {
		of = faces[1]
	}
	face := c.fonts[k]
	if face == nil {
		face, err = opentype.NewFace(of.font, &opentype.FaceOptions{Size: t.size * c.scale, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return fmt.Errorf("use the font of pictures: %w", err)
		}
		c.fonts[k] = face
	}
	ink := image.NewUniform(t.color.rgba())
	x := t.x * c.scale
	for _, r := range t.text {
		dot := fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(t.y * c.scale * 64)}
		if where, mask, from, _, ok := face.Glyph(dot, r); ok {
			draw.DrawMask(c.RGBA, where, ink, image.Point{}, mask, from, draw.Over)
		}
		x += of.advance(r) * t.size * c.scale
	}
	return nil
}
