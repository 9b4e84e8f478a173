package snapshot

import "fmt"

// CorruptError says that what was read is not a whole snapshot: it was cut, changed, or is something
// else.
type CorruptError struct {
	// Line is where that showed, counted from 1; zero where it showed in no line.
	Line    int
	Problem string
}

// Error says what to do next.
func (e *CorruptError) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf(" in line %d", e.Line)
	}
	return fmt.Sprintf("this is not a whole snapshot%s: %s; copy it again from where it was saved, or save it anew", where, e.Problem)
}

// VersionError says that a snapshot has a format that this program does not read.
type VersionError struct {
	// Version is the file's format, Known the newest that this program reads.
	Version, Known int
	// Tool is the version of the program that wrote the file, if it says so.
	Tool string
}

// Error says what to do next.
func (e *VersionError) Error() string {
	by := ""
	if e.Tool != "" {
		by = ", written by version " + e.Tool + " of the program"
	}
	if e.Version < e.Known {
		return fmt.Sprintf("the snapshot has format %d%s, which this program no longer reads: save it anew", e.Version, by)
	}
	return fmt.Sprintf("the snapshot has format %d%s, and this program reads up to format %d: use that program or a newer one, or save it anew with this one", e.Version, by, e.Known)
}
