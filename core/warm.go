package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/snapshot"
)

// Warm answers questions from a whole account that was read before, so that a question costs no reading; every answer bears the
// age of its facts. What was not read then, or is not known there yet, is asked of the account itself, and so is everything
// once the account was changed after it was read by plans that it knows of. It is safe for concurrent use.
//
// All of it is read again each time, also after a plan: the facts that were read are one whole, in which what a plan touched decides
// about much that it did not name. Databricks tells of no changes that could be followed instead: SCIM and the lists of
// permissions have no way to ask for what is new; updated_at of a table is when "this table was last modified"
// (https://docs.databricks.com/api/workspace/tables/list), of which it is not said that a grant on it is such a modification,
// so that to skip the grants of what seems unmodified could leave out access; and the audit log is a table that takes a
// warehouse and arrives some time after the fact (https://docs.databricks.com/aws/en/admin/account-settings/audit-logs).
type Warm struct {
	live *Engine

	refreshing sync.Mutex // one reading at a time

	mu   sync.RWMutex
	kept *Saved
	// begun is when the reading of what is kept began, and changes says when the account was last changed.
	begun   time.Time
	changes Changes
}

// Changes says when plans last changed the account, by a clock that may differ a little; now says that one does. *ledger.Ledger
// has it. It is called for every question, concurrently.
type Changes interface {
	Changed(ctx context.Context) (at time.Time, now bool, err error)
}

// skew is by how much the clock of Changes may differ from this process's, so that a change is not taken for one before the
// reading.
const skew = time.Minute

// Watch has questions asked of the account itself that would else be answered from before a change. When the change is unknown
// they are, too.
func (w *Warm) Watch(c Changes) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = c
}

// moved reports whether the account may have been changed since what is kept was read.
func (w *Warm) moved(ctx context.Context) bool {
	w.mu.RLock()
	changes, begun := w.changes, w.begun
	w.mu.RUnlock()
	if changes == nil {
		return false
	}
	at, now, err := changes.Changed(ctx)
	return err != nil || now || !at.IsZero() && !at.Add(skew).Before(begun)
}

// Warm makes a Warm that has read nothing yet: until Refresh every question is asked of the account itself.
func (g *Engine) Warm() *Warm { return &Warm{live: g} }

// Fresh answers from the account itself, and never from what was read before.
func (w *Warm) Fresh() *Engine { return w.live }

// Refresh reads the whole account once, and answers from it from then on. What was read before stays if the reading is
// interrupted, if nothing could be read, or if more reads failed than before for reasons that pass.
func (w *Warm) Refresh(ctx context.Context) error {
	w.refreshing.Lock()
	defer w.refreshing.Unlock()
	begun := w.live.o.Now()
	e, err := w.live.everything(ctx, w.live.o.Open(), nil)
	switch {
	case err != nil:
		return fmt.Errorf("read the whole account: %w", err)
	case e.Interrupted():
		return fmt.Errorf("read the whole account: %w", context.Cause(ctx))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept != nil {
		if failed := passing(e); failed > passing(w.kept.e) {
			return fmt.Errorf("read the whole account: %d reads failed; questions are answered from the reading before", failed)
		}
	}
	w.begun = begun
	w.kept = &Saved{e: e, about: snapshot.About{Tool: w.live.o.Version, SavedAt: w.live.o.Now().UTC(), Question: SnapshotMode}}
	return nil
}

// passing counts the reads that failed for reasons that pass.
func passing(e *estate.Estate) (n int) {
	for _, r := range e.Unread() {
		if r.Outcome.Kind == identity.Failed || r.Outcome.Kind == identity.Throttled {
			n++
		}
	}
	return n
}

// Keep refreshes until ctx ends, with pauses of a length between two readings; failed, unless nil, hears of readings that
// failed. A reading goes by the same rates as all questions do, so that it slows them, and they it. After a change by a plan,
// whichever process carried it out, the next reading comes as soon as it can count, since until then each question reads for itself.
func (w *Warm) Keep(ctx context.Context, pause time.Duration, failed func(error)) {
	var answered time.Time // the change for which an early reading was made
	for ctx.Err() == nil {
		begun := w.live.o.Now()
		if err := w.Refresh(ctx); err != nil && ctx.Err() == nil && failed != nil {
			failed(err)
		}
		answered = w.rest(ctx, pause, w.live.o.Now().Sub(begun), answered)
	}
}

// mostLook is how often it is looked, at the least, whether a plan changed something.
const mostLook = 5 * time.Second

// rest waits for the pause, or until a change calls for a reading: once for each change, and no sooner than the reading before has
// lasted, so that half of the time at least is left to questions. It gives the change that was answered last.
func (w *Warm) rest(ctx context.Context, pause, lasted time.Duration, answered time.Time) time.Time {
	end := time.NewTimer(pause)
	defer end.Stop()
	look := time.NewTicker(max(min(pause/100, mostLook), time.Millisecond))
	defer look.Stop()
	begun := w.live.o.Now()
	for {
		select {
		case <-ctx.Done():
			return answered
		case <-end.C:
			return answered
		case <-look.C:
		}
		if at, calls := w.called(ctx); calls && !at.Equal(answered) && w.live.o.Now().Sub(begun) >= lasted {
			return at
		}
	}
}

// called reports whether a plan changed something after what is kept was read, at what time, and that a reading that is begun now
// would count as one after it.
func (w *Warm) called(ctx context.Context) (at time.Time, calls bool) {
	w.mu.RLock()
	changes, begun := w.changes, w.begun
	w.mu.RUnlock()
	if changes == nil {
		return time.Time{}, false
	}
	at, now, err := changes.Changed(ctx)
	after := at.Add(skew)
	return at, err == nil && !now && !at.IsZero() && !after.Before(begun) && after.Before(w.live.o.Now())
}

// AsOf is when the oldest of the facts was read that answers rest on; zero when there are none.
func (w *Warm) AsOf() time.Time {
	kept := w.saved()
	if kept == nil {
		return time.Time{}
	}
	oldest, _ := kept.e.Window()
	return oldest
}

func (w *Warm) saved() *Saved {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.kept
}

// Answer answers one question, as Engine.Answer does.
func (w *Warm) Answer(ctx context.Context, req query.Request, progress Progress) (report.Report, error) {
	kept := w.saved()
	if kept == nil || w.moved(ctx) {
		return w.live.Answer(ctx, req, progress)
	}
	o := w.live.o
	o.Open = kept.Open
	r, err := New(o).Answer(ctx, req, nil)
	if w.lacking(req, r, err) {
		return w.live.Answer(ctx, req, progress)
	}
	return r, err
}

// lacking reports whether the account itself could say more: it holds what was made since, and what was not read. For whoever may not
// learn what there is, it is asked about themselves alone: that a no takes longer would tell that something is not there.
func (w *Warm) lacking(req query.Request, r report.Report, err error) bool {
	if can, is := req.(query.Can); is && can.Discreet {
		unknown, is := errors.AsType[*UnknownError](err)
		return is && unknown.Who == can.Who
	}
	if err != nil {
		return isNot[*UnknownError](err) || isNot[*UnknownResourceError](err) || isNot[*UnknownWorkspaceError](err)
	}
	for _, gap := range r.Head().Coverage.Gaps {
		if gap.Blocking && gap.Kind == identity.NotAsked {
			return true
		}
	}
	return false
}

// isNot reports whether an error says that there is no such thing.
func isNot[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
