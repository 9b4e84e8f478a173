package identity

// EditDistance counts the slips between two names, without regard to case: a letter more, less or
// other, or two neighbours in each other's place.
func EditDistance(a, b string) int {
	x, y := []rune(FoldName(a)), []rune(FoldName(b))
	before, above := make([]int, len(y)+1), make([]int, len(y)+1) // two rows up, one row up
	for j := range above {
		above[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, above[j+1]+1, above[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(y)]
}
