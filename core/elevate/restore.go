package elevate

import (
	"context"
	"fmt"
	"time"

	"databricks-access-audit/core/identity"
)

// how says what is known when something is to be put back.
type how struct {
	// unsent says that the change can neither have been made nor be under way, landed that it is not under way.
	unsent, landed bool
	// wait says to wait for what is not settled, instead of leaving it to the next run.
	wait bool
}

const (
	mostWrites   = 4
	mostFailures = 5
)

// restore puts back what was before a lease, if the state is still what the lease made it, and forgets the lease.
// age is how long ago the lease was recorded. Unless it ends as Restored or Foreign the lease stays.
func (e *Elevator) restore(ctx context.Context, l Leases, lease Lease, age time.Duration, h how) Outcome {
	o := Outcome{
		Workspace: identity.Workspace{ID: lease.Workspace, Name: lease.WorkspaceName}, Who: lease.Who, Name: lease.WhoName,
		Before: lease.Before, During: identity.WorkspaceAdmin, State: Open,
	}
	begun := e.Clock.Now()
	var accepted time.Time // when a write of ours was accepted
	writes, failures, told := 0, 0, false
	for attempt := 0; ; attempt++ {
		now, err := e.Account.OwnAssignment(ctx, lease.Workspace, lease.Who)
		old := age + e.Clock.Now().Sub(begun)
		switch {
		case err != nil:
			if failures++; failures >= mostFailures || ctx.Err() != nil {
				o.Note = "what it is now cannot be read: " + err.Error()
				return o
			}
		case now == identity.WorkspaceAdmin && !accepted.IsZero():
			if e.Clock.Now().Sub(accepted) > visible {
				o.Note = "it was put back, which does not show"
				return o
			}
		case now == identity.WorkspaceAdmin:
			writes++
			if err := e.putBack(ctx, lease); err == nil {
				accepted = e.Clock.Now()
				continue
			} else if o.Note = "it could not be put back: " + err.Error(); writes == mostWrites {
				return o
			}
			// After an error the state is read: it may have been done all the same.
		case !accepted.IsZero() && h.landed || h.unsent || old >= settled:
			// A reading alone proves nothing sooner: it may be older than what was changed, or the change under way.
			return e.forget(ctx, l, lease, o, now)
		case !h.wait:
			o.Note = fmt.Sprintf("the change that was begun %s ago may still be under way; it is settled in %s", old.Round(time.Second), (settled - old).Round(time.Second))
			if !accepted.IsZero() {
				o.Note = "it was put back, but " + o.Note
			}
			return o
		default:
			accepted = time.Time{} // if it comes up again, it is another
			if !told {
				told = true
				e.say("workspace %s: it reads as %s, but a change may still be under way; waiting %s to be sure", lease.WorkspaceName, In(now), (settled - old).Round(time.Second))
			}
		}
		if err := e.Clock.Sleep(ctx, pause(attempt)); err != nil {
			if o.Note == "" {
				o.Note = "there was no time left to see it put back"
			}
			return o
		}
	}
}

// putBack sends one request.
func (e *Elevator) putBack(ctx context.Context, lease Lease) error {
	ctx, cancel := context.WithTimeout(ctx, oneWrite)
	defer cancel()
	switch lease.Before {
	case identity.WorkspaceNone:
		return e.Account.Unassign(ctx, lease.Workspace, lease.Who)
	case identity.WorkspaceUser:
		return e.Account.Assign(ctx, lease.Workspace, lease.Who, identity.WorkspaceUser)
	default:
		return fmt.Errorf("%s is nothing to put back", lease.Before)
	}
}

// forget ends the story of a lease whose right is now certain, and not ours.
func (e *Elevator) forget(ctx context.Context, l Leases, lease Lease, o Outcome, now identity.WorkspacePermission) Outcome {
	if err := l.Forget(ctx, lease); err != nil {
		o.Note = fmt.Sprintf("it is %s, but the lease cannot be ended: %v", In(now), err)
		return o
	}
	o.State, o.Note = Restored, ""
	if now != lease.Before {
		o.State = Foreign
		o.Note = fmt.Sprintf("somebody else made it %s meanwhile, and it was left so; before it was %s", In(now), In(lease.Before))
	}
	return o
}

// Mend puts back what runs that are no more have left. Wait says to wait for changes that may be under way; otherwise
// those stay Open. The outcomes are those of the leases that were over; the error is that of the book.
func (e *Elevator) Mend(ctx context.Context, wait bool) (done []Outcome, err error) {
	err = e.Book.With(ctx, patienceBefore, func(ctx context.Context, l Leases) error {
		done, err = e.mend(ctx, l, wait)
		return err
	})
	return done, err
}

func (e *Elevator) mend(ctx context.Context, l Leases, wait bool) ([]Outcome, error) {
	all, now, err := l.List(ctx)
	if err != nil {
		return nil, err
	}
	listed := e.Clock.Now()
	var done []Outcome
	for _, lease := range all {
		if !lease.Over {
			continue
		}
		if err := l.End(ctx, lease, "its runs are gone, or its time is over"); err != nil {
			return done, err
		}
		o := e.restore(ctx, l, lease, now.Sub(lease.At)+e.Clock.Now().Sub(listed), how{landed: lease.Landed, wait: wait})
		switch o.State {
		case Restored:
			e.say("workspace %s: an elevation of %s that a run had left is ended; it is %s, as before", o.Workspace.Name, o.Name, In(o.Before))
		default:
			e.say("workspace %s: an elevation of %s that a run had left: %s", o.Workspace.Name, o.Name, o.Note)
		}
		done = append(done, o)
	}
	return done, nil
}
