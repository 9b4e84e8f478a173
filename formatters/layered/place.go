package layered

import "math"

// How often the heights are worked out anew, and edges made straight.
const (
	settles     = 24
	straightens = 4
)

// place gives every spot a height: near what it is joined to, without touching its neighbours.
func (g *grid) place() {
	for _, column := range g.columns {
		y := 0.0
		for k, i := range column {
			if k > 0 {
				y += g.apart(column[k-1], i)
			}
			g.spots[i].y = y
		}
	}
	before := func(s *spot) []link { return s.into }
	after := func(s *spot) []link { return s.out }
	both := func(s *spot) []link { return append(append([]link{}, s.into...), s.out...) }
	for turn := range settles {
		sides := []func(*spot) []link{before, after}
		if turn >= settles/2 {
			sides = []func(*spot) []link{both, both}
		}
		for r := range g.columns {
			g.settle(r, sides[0])
		}
		for r := len(g.columns) - 1; r >= 0; r-- {
			g.settle(r, sides[1])
		}
	}
	for range straightens {
		for _, chain := range g.chains {
			g.straighten(chain)
		}
	}
	top := 0.0
	for k, s := range g.spots {
		if y := s.y - s.height/2; k == 0 || y < top {
			top = y
		}
	}
	for i := range g.spots {
		g.spots[i].y -= top
	}
}

// straighten gives the places where an edge passes columns one height, for as many columns in a row as
// their neighbours allow, and that of a node at its end where it can.
func (g *grid) straighten(chain []int) {
	for first := 1; first < len(chain)-1; {
		low, high := g.room(chain[first])
		end := first + 1
		for ; end < len(chain)-1; end++ {
			l, h := g.room(chain[end])
			if max(low, l) > min(high, h) {
				break
			}
			low, high = max(low, l), min(high, h)
		}
		before, after := g.spots[chain[first-1]].y, g.spots[chain[end]].y
		y := before
		if y < low || y > high {
			y = after
		}
		y = min(high, max(low, y))
		for _, i := range chain[first:end] {
			g.spots[i].y = y
		}
		first = end
	}
}

// room is between which heights a spot may be moved without touching its neighbours.
func (g *grid) room(i int) (low, high float64) {
	s := g.spots[i]
	column := g.columns[s.rank]
	low, high = math.Inf(-1), math.Inf(1)
	if s.at > 0 {
		above := column[s.at-1]
		low = g.spots[above].y + g.apart(above, i)
	}
	if s.at < len(column)-1 {
		below := column[s.at+1]
		high = g.spots[below].y - g.apart(i, below)
	}
	return min(low, s.y), max(high, s.y) // what rounding did
}

// apart is how far the middles of two neighbours must be from one another.
func (g *grid) apart(a, b int) float64 {
	gap := nodeGap
	if g.spots[a].passing || g.spots[b].passing {
		gap = lineGap
	}
	return (g.spots[a].height+g.spots[b].height)/2 + gap
}

// pool is a run of neighbours that stand as close as they may and move together.
type pool struct {
	sum, weight float64
	count       int
}

func (p pool) mean() float64 { return p.sum / p.weight }

// settle moves a column to where its spots are pulled, as near as their order and size allow: the least
// sum of squares under constraints of order, found by pooling adjacent violators.
//
// Barlow, Bartholomew, Bremner, Brunk: Statistical Inference under Order Restrictions (1972).
func (g *grid) settle(r int, side func(*spot) []link) {
	column := g.columns[r]
	offset := 0.0
	offsets := make([]float64, len(column))
	var pools []pool
	for k, i := range column {
		if k > 0 {
			offset += g.apart(column[k-1], i)
		}
		offsets[k] = offset
		s := &g.spots[i]
		sum, weight := 0.0, 0.0
		for _, l := range side(s) {
			sum += l.pull * g.spots[l.to].y
			weight += l.pull
		}
		if weight == 0 { // nothing pulls: it stays, and gives way
			weight = 0.1
			sum = weight * s.y
		}
		p := pool{sum - weight*offset, weight, 1}
		for len(pools) > 0 && pools[len(pools)-1].mean() > p.mean() {
			last := pools[len(pools)-1]
			pools = pools[:len(pools)-1]
			p = pool{p.sum + last.sum, p.weight + last.weight, p.count + last.count}
		}
		pools = append(pools, p)
	}
	k := 0
	for _, p := range pools {
		for range p.count {
			g.spots[column[k]].y = p.mean() + offsets[k]
			k++
		}
	}
}
