package snapshot

import "time"

// About is what a file says of itself beside the facts.
type About struct {
	// Tool is the version of the program that wrote it.
	Tool string
	// SavedAt is when it was written; the facts have their own times.
	SavedAt time.Time
	// Question says in words what was read: "survey of the whole account".
	Question string
	// Gzip says that the file is compressed.
	Gzip bool
}
