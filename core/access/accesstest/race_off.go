//go:build !race

package accesstest

// raced says that the race detector watches.
const raced = false
