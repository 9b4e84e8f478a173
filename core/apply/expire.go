package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"databricks-access-audit/core/plan"
)

// undoTime is how long a plan that takes something back may wait to be begun. After that, another one is made.
const undoTime = 24 * time.Hour

// Expire takes back what plans gave for a time that is over. It tries every such plan, whatever becomes of the
// others; what could not be taken back is ExpiryOverdue, alarmed, and tried again at the next call, for ever. Calling
// it often costs one query. The errors are joined.
func (e *Executor) Expire(ctx context.Context) ([]Result, error) {
	ended, err := e.Store.Ended(ctx)
	if err != nil {
		return nil, err
	}
	var results []Result
	var failed []error
	for _, kept := range ended {
		if err := ctx.Err(); err != nil {
			return results, errors.Join(append(failed, err)...)
		}
		out, err := e.takeBack(ctx, kept.ID, plan.Expire, false)
		results = append(results, out)
		if err == nil {
			continue
		}
		if _, busy := errors.AsType[*BusyError](err); !busy {
			err = errors.Join(err, e.overdue(ctx, kept.ID, err))
		}
		failed = append(failed, fmt.Errorf("plan %s: %w", kept.ID, err))
	}
	return results, errors.Join(failed...)
}

// overdue marks a plan whose access did not end in time.
func (e *Executor) overdue(ctx context.Context, id string, cause error) error {
	ctx = context.WithoutCancel(ctx)
	kept, err := e.Store.Plan(ctx, id)
	if err != nil {
		return err
	}
	switch kept.State {
	case Applied, PartiallyApplied, UndoPending:
		_, err = e.Store.Move(ctx, Move{From: kept, To: ExpiryOverdue, Why: cause.Error()})
	default: // it is marked already, or over by now
	}
	return errors.Join(err, e.Store.Alarm(ctx, id, "its time is over, and it could not be taken back: "+cause.Error()))
}
