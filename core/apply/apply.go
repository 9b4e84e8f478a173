package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// Apply carries out an approved plan. A plan that was carried out already is reported again, and nothing is
// written. The errors are RefusedError, NoRightError, StaleError and FailedError, after which nothing was changed, PartialError
// after which something was, BusyError, HaltedError, LeaseLostError and TamperedError, and those of the Store and of
// the first reading. The Result is meaningful beside all of them.
func (e *Executor) Apply(ctx context.Context, id string) (Result, error) {
	return e.carry(ctx, id, Approved)
}

// Resume goes on with a plan that stopped on the way or whose process ended. It first finds out what became of the
// step that was in flight. The errors are those of Apply.
func (e *Executor) Resume(ctx context.Context, id string) (Result, error) {
	return e.carry(ctx, id, Applying, PartiallyApplied)
}

func (e *Executor) carry(ctx context.Context, id string, from ...State) (Result, error) {
	_, p, err := e.load(ctx, id)
	if err != nil {
		return Result{}, err
	}
	r, err := e.take(ctx, p)
	if err != nil {
		return Result{Plan: p}, err
	}
	if r.kept.State == Applied {
		return r.result(), r.release(ctx)
	}
	allowed := false
	for _, s := range from {
		allowed = allowed || r.kept.State == s
	}
	if !allowed {
		return r.result(), errors.Join(&RefusedError{id, wrongState(r.kept.State)}, r.release(ctx))
	}
	err = r.carry(ctx)
	return r.result(), r.letGo(ctx, err)
}

// letGo releases the leases, and lets an error of that show only where there is no other.
func (r *run) letGo(ctx context.Context, err error) error {
	if released := r.release(ctx); err == nil {
		return released
	}
	return err
}

func wrongState(s State) string {
	switch s {
	case Approved:
		return "it was not begun: apply it"
	case Applying, PartiallyApplied:
		return fmt.Sprintf("it is %s: resume or undo it", s)
	case Undone:
		return "it was undone, and what it gave was taken back: make a new plan"
	case UndoPending, ExpiryOverdue:
		return fmt.Sprintf("it is %s: make a new plan", s)
	case Stale:
		return "the account moved since it was made: make a new plan"
	default:
		return fmt.Sprintf("it is %s, and only an approved plan can be applied", s)
	}
}

// carry does what is left of the plan, whichever of the states it may be carried out from it is in.
func (r *run) carry(ctx context.Context) error {
	if err := r.admit(); err != nil {
		return err
	}
	if err := r.Store.Halted(ctx); err != nil {
		return err
	}
	if !gives(r.plan) {
		if err := r.askClaims(ctx); err != nil {
			return err
		}
	}
	if r.kept.State == PartiallyApplied {
		// It comes to rest where it was if it cannot be gone on with.
		if err := r.entitled(ctx, r.known()); err != nil {
			return err
		}
		if err := r.move(ctx, Applying, "resumed", 0); err != nil {
			return err
		}
	}
	if r.kept.State == Applying {
		if err := r.settle(ctx, false); err != nil {
			return r.stop(ctx, err)
		}
	}
	if err := r.entitled(ctx, r.left()); err != nil {
		return r.refuse(ctx, err)
	}
	if err := r.preflight(ctx); err != nil {
		return r.refuse(ctx, err)
	}
	if r.kept.State == Approved {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	able, first := r.able()
	for _, batch := range batches(able) {
		if err := ctx.Err(); err != nil {
			return r.stop(ctx, surprise{step: batch[0].ID, why: "it was interrupted", cause: err})
		}
		// What was begun is brought to its end, whoever has lost patience.
		err := r.batch(context.WithoutCancel(ctx), batch)
		if err == nil {
			continue
		}
		// What one step gave is no reason to leave what another gave: taking back goes on as far as it can.
		if s, ok := errors.AsType[surprise](err); !ok || s.needsHuman || gives(r.plan) {
			return r.stop(ctx, err)
		}
		if first == nil {
			first = err
		}
	}
	if first != nil {
		return r.stop(ctx, first)
	}
	return r.move(context.WithoutCancel(ctx), Applied, "", 0)
}

// begin lets the plan be applied. What it gives for a time ends so long after this moment, and not after the last
// step: then it ends even if the process does before.
func (r *run) begin(ctx context.Context) error {
	return r.move(ctx, Applying, "", seconds(r.plan.For))
}

// admit refuses plans that may not be applied here or at all, without asking the account.
func (r *run) admit() error {
	refuse := func(format string, args ...any) error { return &RefusedError{r.plan.ID, fmt.Sprintf(format, args...)} }
	at := r.Account.Place()
	switch {
	case r.plan.Account != at.Account:
		return refuse("it is for account %s, and these credentials are for %s", r.plan.Account, at.Account)
	case r.plan.Host != at.Host:
		return refuse("it was made through %s, and these credentials go through %s", r.plan.Host, at.Host)
	case r.plan.For < 0:
		return refuse("it would end before it begins")
	}
	if !gives(r.plan) {
		return nil
	}
	caps := r.Caps
	if caps == (Caps{}) {
		caps = DefaultCaps
	}
	on := map[identity.Securable]bool{}
	for _, s := range r.plan.Executable() {
		c := s.Change.Cell
		if c.Kind == plan.Granted {
			on[c.Securable] = true
		}
		switch {
		case c.Holder != r.plan.Target.Key:
			return refuse("%s is about %s, and the plan is for %s alone", s.ID, c.Holder, r.plan.Target.Key)
		case c.Kind == plan.Assigned && s.Change.After != "USER" && s.Change.After != "ADMIN":
			// An assignment of nothing is a removal, and so is one of a word that Databricks does not know.
			return refuse("%s would assign %q to a workspace", s.ID, s.Change.After)
		case s.Change.After == plan.Absent && !r.plan.Complete:
			return refuse("%s takes something away, and the plan was made without having read everything", s.ID)
		}
	}
	if n := len(r.plan.Executable()); n > caps.Steps {
		return refuse("it makes %d changes, and no plan may make more than %d: split it", n, caps.Steps)
	}
	if len(on) > caps.Securables {
		return refuse("it grants something on %d securables, and no plan may on more than %d: split it", len(on), caps.Securables)
	}
	return nil
}

// preflight reads every cell that is still to be written, before the first is. Nothing is written if anything moved.
func (r *run) preflight(ctx context.Context) error {
	if r.kept.State == Approved {
		if err := r.inTime(ctx); err != nil {
			return err
		}
	}
	if err := r.sameGain(ctx); err != nil {
		return err
	}
	if !gives(r.plan) {
		return nil // what can be taken back is, whatever became of the rest
	}
	var drift []Drift
	for _, batch := range batches(r.left()) {
		readings, err := r.read(ctx, batch)
		if identity.IsKind(err, identity.NotFound) {
			// Somebody or something of the name may be there again, and is another.
			drift = append(drift, Drift{Step: batch[0].ID, Change: *batch[0].Change, Why: "who or what it is about is no longer there: " + err.Error()})
			continue
		}
		if err != nil {
			return fmt.Errorf("%s could not be read: %w", batch[0].ID, err)
		}
		for i, s := range batch {
			if why := moved(*s.Change, readings[i]); why != "" {
				drift = append(drift, Drift{Step: s.ID, Change: *s.Change, Found: readings[i].Value, Why: why})
			}
		}
	}
	if len(drift) > 0 {
		return &StaleError{r.plan.ID, drift}
	}
	if r.kept.State == Approved {
		return r.clocksAgree(ctx)
	}
	return nil
}

// MostSkew is by how much the Store's clock may differ from the account's when something is given for a time.
const MostSkew = 5 * time.Minute

// clocksAgree refuses to give something for a time by a clock that is wrong: it would stay for too long, or be gone too soon. By now the
// account has answered.
func (r *run) clocksAgree(ctx context.Context) error {
	if r.plan.For <= 0 {
		return nil
	}
	refuse := func(format string, args ...any) error { return &RefusedError{r.plan.ID, fmt.Sprintf(format, args...)} }
	if r.AccountTime == nil {
		return refuse("it is for a time, and what time the account has cannot be told here")
	}
	ours, err := r.Store.Now(ctx)
	if err != nil {
		return err
	}
	theirs, known := r.AccountTime()
	switch off := ours.Sub(theirs).Round(time.Second); {
	case !known:
		return refuse("it is for a time, and the account's answers do not say what time it has")
	case off.Abs() > MostSkew:
		return refuse("it is for a time, and the ledger's clock differs from the account's by %s, where it may by %s: set the clock of the machine that the ledger is on", off, MostSkew)
	}
	return nil
}

func (r *run) inTime(ctx context.Context) error {
	now, err := r.Store.Now(ctx)
	if err == nil && gives(r.plan) && !now.Before(r.plan.ExpiresAt) {
		return &RefusedError{r.plan.ID, "its time is over: make a new plan"}
	}
	return err
}

// GainMoved is why a plan is stale whose gain is no longer what was shown.
const GainMoved = "it would give something else by now than was shown"

// sameGain makes sure that the plan would still give what was shown.
func (r *run) sameGain(ctx context.Context) error {
	if r.plan.Gain == "" || r.touched() {
		return nil // what is half done no longer gives what the whole would have
	}
	if r.Gain == nil {
		return &RefusedError{r.plan.ID, "what it would give cannot be computed here"}
	}
	gain, err := r.Gain(ctx, r.plan)
	if err == nil && gain != r.plan.Gain {
		return &StaleError{r.plan.ID, []Drift{{Why: GainMoved}}}
	}
	return err
}

// moved says what is no longer as the plan found it; nothing if all is.
func moved(c plan.Change, now Reading) string {
	switch {
	case now.Value == c.After:
		return ""
	case now.Barred != "":
		return now.Barred
	case now.Value == c.Before:
		return ""
	default:
		return fmt.Sprintf("it holds %s, not %s", shown(now.Value), shown(c.Before))
	}
}

func shown(v plan.Value) string {
	if v == plan.Absent {
		return "nothing"
	}
	return string(v)
}

// refuse ends a plan that preflight refused. One that was not begun is over if the account moved, and is left as it
// was if something else was the matter; one that was begun stays half done.
func (r *run) refuse(ctx context.Context, err error) error {
	stale, moved := errors.AsType[*StaleError](err)
	switch {
	case r.kept.State == Applying:
		return r.stop(ctx, surprise{why: err.Error(), cause: err, moved: moved})
	case moved:
		return errors.Join(err, r.move(ctx, Stale, stale.Error(), 0))
	default:
		return err
	}
}
