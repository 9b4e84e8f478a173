package identity

// EditDistance counts the insertions, deletions and substitutions between two names, without
// regard to case.
func EditDistance(a, b string) int {
	x, y := []rune(FoldName(a)), []rune(FoldName(b))
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range y {
			above := row[j+1]
			cost := 1
			if r == s {
				cost = 0
			}
			row[j+1] = min(row[j]+1, above+1, diagonal+cost)
			diagonal = above
		}
	}
	return row[len(y)]
}
