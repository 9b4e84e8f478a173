package layered

// turned says which edges must run from right to left, as otherwise there were a cycle: those that lead
// back along the way on which a walk from the starts came.
func turned(nodes []Node, edges []Edge) []bool {
	out := make([][]int, len(nodes))
	led := make([]bool, len(nodes))
	for i, e := range edges {
		out[e.From] = append(out[e.From], i)
		if e.From != e.To {
			led[e.To] = true
		}
	}
	back := make([]bool, len(edges))
	const (
		unseen = iota
		onTheWay
		done
	)
	state := make([]int, len(nodes))
	var walk func(n int)
	walk = func(n int) {
		state[n] = onTheWay
		for _, i := range out[n] {
			switch to := edges[i].To; {
			case to == n:
			case state[to] == onTheWay:
				back[i] = true
			case state[to] == unseen:
				walk(to)
			}
		}
		state[n] = done
	}
	for _, first := range []func(n int) bool{
		func(n int) bool { return nodes[n].Start },
		func(n int) bool { return !led[n] },
		func(int) bool { return true },
	} {
		for n := range nodes {
			if state[n] == unseen && first(n) {
				walk(n)
			}
		}
	}
	return back
}

// columnsOf gives each node the first column that is right of all that leads to it. What nothing leads to
// and is no start then stands just before what it leads to.
func columnsOf(nodes []Node, edges []Edge, back []bool) []int {
	out := make([][]int, len(nodes))
	waiting := make([]int, len(nodes))
	for i, e := range edges {
		from, to := e.From, e.To
		if from == to {
			continue
		}
		if back[i] {
			from, to = to, from
		}
		out[from] = append(out[from], to)
		waiting[to]++
	}
	column := make([]int, len(nodes))
	roots := []int{}
	for n := range nodes {
		if waiting[n] == 0 {
			roots = append(roots, n)
		}
	}
	ready := append([]int{}, roots...)
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		for _, to := range out[n] {
			column[to] = max(column[to], column[n]+1)
			if waiting[to]--; waiting[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
	for _, n := range roots {
		if nodes[n].Start || len(out[n]) == 0 {
			continue
		}
		nearest := column[out[n][0]]
		for _, to := range out[n] {
			nearest = min(nearest, column[to])
		}
		column[n] = nearest - 1
	}
	return column
}
