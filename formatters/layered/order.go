package layered

import (
	"cmp"
	"slices"
)

// rounds is how often the columns are ordered anew; each looks at one side, then at the other.
const rounds = 12

// order puts each column into an order in which few edges cross: every spot goes to the middle of those
// that it is joined to, then neighbours change places where that helps. The best that was seen counts.
func (g *grid) order() {
	best, fewest := g.snapshot(), g.crossings()
	for round := 0; round < rounds && fewest > 0; round++ {
		if round%2 == 0 {
			for r := 1; r < len(g.columns); r++ {
				g.sort(r, func(s *spot) []link { return s.into })
			}
		} else {
			for r := len(g.columns) - 2; r >= 0; r-- {
				g.sort(r, func(s *spot) []link { return s.out })
			}
		}
		g.swap()
		if n := g.crossings(); n < fewest {
			best, fewest = g.snapshot(), n
		}
	}
	g.columns = best
	g.number()
}

func (g *grid) snapshot() [][]int {
	all := make([][]int, len(g.columns))
	for r, column := range g.columns {
		all[r] = slices.Clone(column)
	}
	return all
}

// sort orders a column by the middle of the neighbours on one side. What has none there keeps its place.
func (g *grid) sort(r int, side func(*spot) []link) {
	column := g.columns[r]
	middle := make(map[int]float64, len(column))
	var moving []int
	for _, i := range column {
		if links := side(&g.spots[i]); len(links) > 0 {
			sum := 0
			for _, l := range links {
				sum += g.spots[l.to].at
			}
			middle[i] = float64(sum) / float64(len(links))
			moving = append(moving, i)
		}
	}
	slices.SortStableFunc(moving, func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
	for at, i := range column {
		if _, moves := middle[i]; moves {
			column[at], moving = moving[0], moving[1:]
		}
	}
	for at, i := range column {
		g.spots[i].at = at
	}
}

// swap lets neighbours in a column change places as long as that makes fewer crossings.
func (g *grid) swap() {
	for better, turn := true, 0; better && turn < rounds; turn++ {
		better = false
		for _, column := range g.columns {
			for k := 1; k < len(column); k++ {
				a, b := &g.spots[column[k-1]], &g.spots[column[k]]
				if g.crossed(b.into, a.into)+g.crossed(b.out, a.out) < g.crossed(a.into, b.into)+g.crossed(a.out, b.out) {
					column[k-1], column[k] = column[k], column[k-1]
					a.at, b.at = k, k-1
					better = true
				}
			}
		}
	}
}

// crossed counts the crossings of the edges of two neighbours when the first stands above the second.
func (g *grid) crossed(above, below []link) int {
	n := 0
	for _, a := range above {
		for _, b := range below {
			if g.spots[a.to].at > g.spots[b.to].at {
				n++
			}
		}
	}
	return n
}

// crossings counts those between all columns.
func (g *grid) crossings() int {
	n := 0
	for _, column := range g.columns {
		for k, i := range column {
			for _, j := range column[k+1:] {
				n += g.crossed(g.spots[i].out, g.spots[j].out)
			}
		}
	}
	return n
}
