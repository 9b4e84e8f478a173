package estate

// pile is a list that is only added to until it is wanted whole. Growing a slice of a million large facts
// item by item would copy each of them several times over, and leave room that nobody uses.
type pile[T any] struct {
	full [][]T
	top  []T
}

const pileful = 1 << 12 // items in a part, at most: each has room for twice what the one before it has, up to that

func (p *pile[T]) add(v T) {
	if len(p.top) == cap(p.top) {
		if len(p.top) > 0 {
			p.full = append(p.full, p.top)
		}
		p.top = make([]T, 0, min(pileful, max(8, 2*len(p.top))))
	}
	p.top = append(p.top, v)
}

// list is all that was added, in that order. It must not be changed: later calls may give the same.
func (p *pile[T]) list() []T {
	if len(p.top) > 0 {
		p.full, p.top = append(p.full, p.top), nil
	}
	if len(p.full) != 1 {
		n := 0
		for _, part := range p.full {
			n += len(part)
		}
		all := make([]T, 0, n)
		for _, part := range p.full {
			all = append(all, part...)
		}
		p.full = [][]T{all}
	}
	return p.full[0]
}

// settle makes the list what it is given.
func (p *pile[T]) settle(list []T) { p.full, p.top = [][]T{list}, nil }
