package core

import (
	"io"
	"time"

	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/snapshot"
)

// Errors of Load, under names that a front may import.
type (
	// CorruptSnapshotError says that a file is no whole snapshot.
	CorruptSnapshotError = snapshot.CorruptError
	// SnapshotVersionError says that a snapshot is of a format that this program does not read.
	SnapshotVersionError = snapshot.VersionError
)

// Snapshot is the facts that an answer rests on.
type Snapshot struct {
	e     *estate.Estate
	about snapshot.About
}

// Write writes the facts to a file that Load reads.
func (s *Snapshot) Write(w io.Writer) error { return snapshot.Write(w, s.e, s.about) }

// Saved is an account as it was when somebody saved what was read of it. It is safe for concurrent use.
type Saved struct{ e *estate.Estate }

// Load reads a snapshot. The errors are *CorruptSnapshotError, *SnapshotVersionError and those of r.
func Load(r io.Reader) (*Saved, error) {
	e, _, err := snapshot.Read(r)
	if err != nil {
		return nil, err
	}
	return &Saved{e}, nil
}

// Open gives what Options.Open gives, from the file: every question is answered from what was read then,
// and says what the file does not hold.
func (s *Saved) Open() collect.Source {
	oldest, _ := s.e.Window()
	return aged{snapshot.Source(s.e), oldest}
}

// aged is a source whose facts are of an earlier time.
type aged struct {
	collect.Source
	asOf time.Time
}

// AsOf is when the oldest of the facts was read.
func (a aged) AsOf() time.Time { return a.asOf }

// clock says when the facts of a source are read: now, or when they were.
func (g *Engine) clock(src collect.Source) func() time.Time {
	if a, ok := src.(interface{ AsOf() time.Time }); ok {
		return a.AsOf
	}
	return g.o.Now
}
