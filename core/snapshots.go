package core

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/diff"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
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

// SnapshotMode is the name of the report that Snapshot and Describe make, and of the question that a file
// of the whole account answers.
const SnapshotMode = "snapshot"

// Saved is an account as it was when somebody saved what was read of it. It is safe for concurrent use.
type Saved struct {
	// Name is what reports call the file.
	Name  string
	e     *estate.Estate
	about snapshot.About
}

// Load reads a snapshot. The errors are *CorruptSnapshotError, *SnapshotVersionError and those of r.
func Load(r io.Reader) (*Saved, error) {
	e, about, err := snapshot.Read(r)
	if err != nil {
		return nil, err
	}
	return &Saved{e: e, about: about}, nil
}

// sign says of a side of a comparison where it comes from.
func (s *Saved) sign(side *report.DiffSide) { side.Source, side.Question = s.Name, s.about.Question }

// Snapshot reads the whole account, as deep as there is anything to read, and says what that was. The
// facts go to Options.Keep. The errors are those of Answer.
func (g *Engine) Snapshot(ctx context.Context, progress Progress) (*report.SnapshotReport, error) {
	src := g.o.Open()
	e, err := g.everything(ctx, src, progress)
	if err != nil {
		return nil, err
	}
	r := holding(e, "", snapshot.About{Tool: g.o.Version, SavedAt: g.o.Now().UTC(), Question: SnapshotMode, Gzip: true})
	g.sign(&r.Envelope, whole{}, e, src)
	return r, nil
}

// everything reads the whole account.
func (g *Engine) everything(ctx context.Context, src collect.Source, progress Progress) (*estate.Estate, error) {
	scope := collect.Scope{
		Below: []identity.SecurableType{
			identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel,
		},
		Policies: true,
		Objects:  collect.ObjectScope{Asked: true}, // whatever is listed, not only what decides who can act as others
	}
	depth := collect.Depth{Delegations: true, Entry: true, Objects: true}
	e, _, err := collect.Survey(ctx, src, scope, depth, collect.Options{Workers: g.o.Workers, OnlyRunning: g.o.onlyRunning, Now: g.clock(src), Progress: progress})
	return e, err
}

// Describe says what a file holds. It reads nothing else.
func (g *Engine) Describe(s *Saved) *report.SnapshotReport {
	r := holding(s.e, s.Name, s.about)
	g.signFacts(&r.Envelope, whole{File: s.Name}, s.e)
	r.Interrupted = false // the reading was, long ago: the coverage says so
	if s.e.Interrupted() {
		r.Coverage.Complete = false
		r.Notes = append(r.Notes, "the reading of this snapshot was interrupted: it holds what was known by then")
	}
	r.Coverage.APICalls = cost(map[string]int{})
	return r
}

// holding is what there is to say of saved facts.
func holding(e *estate.Estate, file string, about snapshot.About) *report.SnapshotReport {
	return &report.SnapshotReport{
		File: file, SavedAt: about.SavedAt.UTC(), Tool: about.Tool, Question: about.Question, Compressed: about.Gzip,
		Fingerprint: e.Fingerprint(), Counts: diff.Counts(e), Scope: diff.Scope(e),
	}
}

// whole is the question what a whole account, or a file, holds.
type whole struct {
	File string
}

// Mode is "snapshot".
func (whole) Mode() string { return SnapshotMode }

// MarshalJSON is the question as reports echo it.
func (w whole) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode string `json:"mode"`
		File string `json:"file,omitempty"`
	}{w.Mode(), w.File})
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
