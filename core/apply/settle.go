package apply

import (
	"context"
	"fmt"
	"time"

	"databricks-access-audit/core/plan"
)

// settle finds out what became of the attempts that have no outcome, or none that is known. Where a person has to look
// it gives a surprise. An attempt that shows no effect, and still may, is left open unless patient: whoever goes on
// makes the change again, and whoever takes back has to wait.
func (r *run) settle(ctx context.Context, patient bool) error {
	ctx = context.WithoutCancel(ctx)
	for _, s := range r.plan.Executable() {
		a := r.last(s.ID)
		if a.Number == 0 || !a.Open() {
			continue
		}
		wait, err := r.unsettled(ctx, a)
		if err != nil {
			return err
		}
		if !patient && wait > 0 {
			readings, err := r.read(ctx, []plan.Step{s})
			if err == nil && readings[0].Value == s.Change.Before {
				continue
			}
		}
		if err := r.settleOne(ctx, s, a, wait); err != nil {
			return err
		}
	}
	return nil
}

// unsettled is how long readings may still lag behind the attempt.
func (r *run) unsettled(ctx context.Context, a Attempt) (time.Duration, error) {
	now, err := r.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	return max(0, a.BegunAt.Add(r.times().Call+r.times().Converge).Sub(now)), nil
}

// settleOne decides by what the cell holds now. That it holds what the step was to bring is the doing of the attempt,
// or of somebody else since the cell was last read: who, nobody can tell.
func (r *run) settleOne(ctx context.Context, s plan.Step, a Attempt, wait time.Duration) error {
	found, readErr, err := r.poll(ctx, []plan.Step{s}, wait, r.quiet)
	if err != nil {
		return err
	}
	now := found[0]
	if unread(now) {
		if a.Result == "" {
			a.Result, a.Error = Unknown, "the program ended before there was an outcome, and it could not be read back"
			if err := r.ended(ctx, []Attempt{a}); err != nil {
				return err
			}
		}
		return surprise{step: s.ID, why: a.Error, cause: readErr, needsHuman: true}
	}
	a.After, a.Error = now.Value, ""
	switch now.Value {
	case s.Change.After:
		a.Result, a.Uncertain = Done, true
	case s.Change.Before:
		a.Result, a.Uncertain, a.Error = StepFailed, true, noEffect
	default:
		a.Result, a.Error = Unknown, fmt.Sprintf("the program ended before there was an outcome, and it holds %s by now", shown(now.Value))
		if err := r.ended(ctx, []Attempt{a}); err != nil {
			return err
		}
		return surprise{step: s.ID, why: a.Error, needsHuman: true}
	}
	return r.ended(ctx, []Attempt{a})
}
