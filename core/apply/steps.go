package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// surprise is why a plan stops.
type surprise struct {
	step       string
	why        string
	moved      bool // a cell is not as it was when the plan was made
	needsHuman bool
	cause      error
}

func (s surprise) Error() string { return s.why }
func (s surprise) Unwrap() error { return s.cause }

// stop ends the work on a plan for now. Where the lease is lost or the record cannot be written, the plan stays as it
// is, and whoever comes next finds out how things stand.
func (r *run) stop(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	s, ok := errors.AsType[surprise](err)
	if !ok {
		if _, halted := errors.AsType[*HaltedError](err); !halted {
			return err
		}
		s = surprise{why: err.Error(), cause: err}
	}
	if err := r.refresh(ctx); err != nil {
		return err
	}
	var to State
	var said error
	switch {
	case r.touched():
		to, said = PartiallyApplied, &PartialError{r.plan.ID, s.step, s.why, s.needsHuman, s.cause}
	case s.moved && gives(r.plan):
		stale, ok := errors.AsType[*StaleError](s.cause)
		if !ok {
			stale = &StaleError{r.plan.ID, []Drift{{Step: s.step, Why: s.why}}}
		}
		to, said = Stale, stale
	default:
		to, said = Failed, &FailedError{r.plan.ID, s.step, s.why, s.cause}
	}
	if s.needsHuman {
		// Before the plan comes to rest: after that nobody would look again.
		if err := r.Store.Alarm(ctx, r.plan.ID, said.Error()); err != nil {
			return err
		}
	}
	if err := r.move(ctx, to, s.why, 0); err != nil {
		return err
	}
	return said
}

// read reads the cells of steps.
func (r *run) read(ctx context.Context, steps []plan.Step) ([]Reading, error) {
	if err := r.hold(ctx, r.times().Call); err != nil {
		return nil, err
	}
	changes := make([]plan.Change, len(steps))
	for i, s := range steps {
		changes[i] = *s.Change
	}
	limited, cancel := r.Clock.Within(ctx, r.times().Call)
	defer cancel()
	readings, err := r.Account.Read(limited, changes)
	if err == nil && len(readings) != len(changes) {
		err = fmt.Errorf("asked for %d cells and got %d", len(changes), len(readings))
	}
	return readings, err
}

// batch brings steps that one write can make to their end. Of what is taken back, one that is refused keeps no other from
// being tried.
func (r *run) batch(ctx context.Context, steps []plan.Step) error {
	var left error
	for try := 1; len(steps) > 0; try++ {
		if err := r.Store.Halted(ctx); err != nil {
			return err
		}
		readings, read, err := r.readBefore(ctx, steps)
		if err != nil {
			return err
		}
		write, odd, err := r.sift(ctx, steps, readings)
		if err != nil {
			return err
		}
		if odd != nil && left == nil {
			left = *odd
		}
		if len(write) == 0 {
			break
		}
		if steps, err = r.attempt(ctx, write, read, try); err != nil {
			return err
		}
	}
	return left
}

// readBefore reads cells before they are written. What the plan that is taken back gave a moment ago may not show yet:
// where it does not, it is waited for, or it would be taken for gone. It also gives when the reading was asked for: an
// answer may be on its way for long.
func (r *run) readBefore(ctx context.Context, steps []plan.Step) ([]Reading, time.Time, error) {
	for {
		asked := r.Clock.Now()
		late := !asked.Before(r.quiet)
		readings, err := r.read(ctx, steps)
		if _, lost := errors.AsType[*LeaseLostError](err); lost {
			return nil, asked, err
		}
		if err != nil {
			return nil, asked, surprise{step: steps[0].ID, why: "it could not be read: " + err.Error(), cause: err}
		}
		there := true
		for i, s := range steps {
			there = there && readings[i].Value == s.Change.Before
		}
		if there || late || gives(r.plan) {
			return readings, asked, nil
		}
		if err := r.wait(ctx, r.times().Heartbeat/2); err != nil {
			return nil, asked, err
		}
	}
}

// sift drops the steps that need no write or may have none, and records why. Of a plan that gives something, the first cell
// that moved is an error; of what is taken back, odd is why the first step was refused, and the others go on.
func (r *run) sift(ctx context.Context, steps []plan.Step, readings []Reading) (write []plan.Step, odd *surprise, err error) {
	var over []Attempt
	for i, s := range steps {
		now := readings[i]
		if open := r.last(s.ID); open.Number > 0 && open.Open() {
			settled, err := r.settleSeen(ctx, s, open, now)
			if err != nil {
				return nil, nil, err
			}
			if settled {
				continue
			}
		}
		a := r.look(s, now)
		if a.Result == "" {
			write = append(write, s)
			continue
		}
		over = append(over, a)
		if a.Result == StepRefused && odd == nil {
			odd = &surprise{step: s.ID, why: a.Error, moved: true}
			if gives(r.plan) {
				break
			}
		}
	}
	if err := r.note(ctx, over); err != nil {
		return nil, nil, err
	}
	if odd != nil && gives(r.plan) {
		return nil, nil, *odd
	}
	return write, odd, nil
}

// look decides what becomes of a step by what its cell holds now. The attempt has no Result where it is to be written.
func (r *run) look(s plan.Step, now Reading) Attempt {
	a := Attempt{Step: s.ID, Before: now.Value, After: now.Value}
	held, claimed := r.claimed[s.Change.Cell]
	switch {
	case now.Value == s.Change.After:
		a.Result = Already
		if r.mayBeOurs(s.ID) {
			a.Result, a.Before, a.Uncertain = Done, s.Change.Before, true
		}
	case now.Value != s.Change.Before && !gives(r.plan):
		a.Result, a.Error = Already, fmt.Sprintf("it was changed since, to %s: left alone", shown(now.Value))
	case claimed && held.sure && !gives(r.plan):
		a.Result, a.Error = Already, held.why()
	case claimed && !gives(r.plan):
		a.Result, a.Error = StepRefused, held.why()
	case now.Barred != "":
		a.Result, a.Error = StepRefused, now.Barred
	case now.Value != s.Change.Before:
		a.Result, a.Error = StepRefused, fmt.Sprintf("it holds %s, not %s", shown(now.Value), shown(s.Change.Before))
	}
	return a
}

// settleSeen ends an attempt that settle left open, by the newest reading; settled says that nothing is left to do.
func (r *run) settleSeen(ctx context.Context, s plan.Step, a Attempt, now Reading) (settled bool, err error) {
	a.After, a.Uncertain = now.Value, true
	switch {
	case now.Value == s.Change.After && (gives(r.plan) || !r.Clock.Now().Before(r.quiet)):
		a.Result, a.Error = Done, ""
		return true, r.ended(ctx, []Attempt{a})
	case now.Value == s.Change.Before && now.Barred == "":
		a.Result, a.Error = StepFailed, "the program ended before there was an outcome, and no effect was seen: it was done again"
		return false, r.ended(ctx, []Attempt{a})
	default:
		return false, surprise{step: s.ID, why: fmt.Sprintf("the program ended before there was an outcome, and it holds %s by now", shown(now.Value)), needsHuman: true}
	}
}

// mayBeOurs reports whether an earlier attempt at the step, of which no effect was seen, may have got through after all.
func (r *run) mayBeOurs(step string) bool {
	for _, a := range r.past[step] {
		if a.Uncertain {
			return true
		}
	}
	return false
}

// noEffect is the error of an attempt without an answer whose effect was waited for in vain.
const noEffect = "there was no answer, and no effect within 90 s"

// begun records the intents and gives the attempts by number.
func (r *run) begun(ctx context.Context, list []Attempt) ([]Attempt, error) {
	if err := r.hold(ctx, r.times().Call); err != nil {
		return nil, err
	}
	numbers, err := r.Store.Begin(ctx, r.lease, r.plan.ID, list)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Number = numbers[i]
	}
	return list, nil
}

// ended records outcomes.
func (r *run) ended(ctx context.Context, list []Attempt) error {
	if len(list) == 0 {
		return nil
	}
	if err := r.Store.End(ctx, r.lease, r.plan.ID, list); err != nil {
		return err
	}
	for _, a := range list {
		r.remember(a)
		if r.Watch != nil {
			r.Watch(r.step(a.Step))
		}
	}
	return nil
}

func (r *run) remember(a Attempt) {
	list := r.past[a.Step]
	for i := range list {
		if list[i].Number == a.Number {
			list[i] = a
			return
		}
	}
	r.past[a.Step] = append(list, a)
}

// note records steps that ended without a write.
func (r *run) note(ctx context.Context, list []Attempt) error {
	if len(list) == 0 {
		return nil
	}
	outcomes := append([]Attempt(nil), list...)
	for i := range list {
		list[i].Result, list[i].After, list[i].Uncertain, list[i].Error = "", "", false, ""
	}
	list, err := r.begun(ctx, list)
	if err != nil {
		return err
	}
	for i := range outcomes {
		outcomes[i].Number = list[i].Number
	}
	return r.ended(ctx, outcomes)
}

// fate is what an answer to a write says of it.
type fate int

const (
	acknowledged fate = iota
	putOff            // nothing was done, and it is worth trying again
	refused           // nothing was done
	open              // nobody knows what was done
)

// fateOf judges the answer to a write. It looks at nothing but its argument.
func fateOf(err error) fate {
	if err == nil {
		return acknowledged
	}
	f := identity.FailureOf(err)
	switch {
	case f.Kind == identity.Throttled, f.Status == 409, f.Status == 425:
		return putOff
	case f.Status == 408:
		return open
	case f.Status >= 400 && f.Status <= 499, f.Kind == identity.Unsupported:
		return refused
	default:
		return open
	}
}

// attempt writes once, and finds out what came of it. It gives the steps that are worth another try.
func (r *run) attempt(ctx context.Context, steps []plan.Step, read time.Time, try int) (again []plan.Step, err error) {
	attempts := make([]Attempt, len(steps))
	changes := make([]plan.Change, len(steps))
	for i, s := range steps {
		attempts[i] = Attempt{Step: s.ID, Before: s.Change.Before}
		changes[i] = *s.Change
	}
	if attempts, err = r.begun(ctx, attempts); err != nil {
		return nil, err
	}
	if err := r.hold(ctx, r.times().Call); err != nil {
		return nil, err
	}
	if r.Clock.Now().Sub(read) > r.times().ReadingAge {
		for i := range attempts {
			attempts[i].Result, attempts[i].Error = StepFailed, "it was not sent: the last reading was too old by then"
		}
		if err := r.ended(ctx, attempts); err != nil || try >= tries {
			return nil, errors.Join(err, surprise{step: steps[0].ID, why: attempts[0].Error})
		}
		return steps, nil
	}
	limited, cancel := r.Clock.Within(ctx, r.times().Call)
	answer := r.Account.Write(limited, changes)
	cancel()
	switch f := fateOf(answer); f {
	case putOff, refused:
		for i := range attempts {
			attempts[i].Result, attempts[i].Error = StepFailed, answer.Error()
			// A refusal for rate that came as an error of the server's may be of a part of what was asked.
			attempts[i].Uncertain = identity.FailureOf(answer).Status >= 500
		}
		if err := r.ended(ctx, attempts); err != nil {
			return nil, err
		}
		if f == refused || try >= tries {
			return nil, surprise{step: steps[0].ID, why: answer.Error(), cause: answer}
		}
		return steps, r.wait(ctx, time.Second<<try)
	default:
		return r.resolve(ctx, steps, attempts, answer, try)
	}
}

// resolve reads back what a write did until all of it shows, or until it should have.
func (r *run) resolve(ctx context.Context, steps []plan.Step, attempts []Attempt, answer error, try int) (again []plan.Step, _ error) {
	// An answer is proof. Without one, a reading may still show what was before the plan that is taken back.
	var quiet time.Time
	if answer != nil {
		quiet = r.quiet
	}
	readings, readErr, err := r.poll(ctx, steps, r.times().Converge, quiet)
	if err != nil {
		return nil, err
	}
	var odd *surprise
	for i, s := range steps {
		a := &attempts[i]
		switch now := readings[i].Value; {
		case now == s.Change.After && !unread(readings[i]):
			a.Result, a.After = Done, now
		case unread(readings[i]):
			a.Result, a.Error = Unknown, "it could not be read back"
			if readErr != nil {
				a.Error += ": " + readErr.Error()
			}
			odd = &surprise{step: s.ID, why: a.Error, cause: readErr, needsHuman: true}
		case now != s.Change.Before:
			a.Result, a.After, a.Error = Unknown, now, fmt.Sprintf("it holds %s after the write: somebody else changed it", shown(now))
			odd = &surprise{step: s.ID, why: a.Error, needsHuman: true}
		case answer == nil:
			a.Result, a.After, a.Error = Unknown, now, "Databricks acknowledged the change, but does not show it after 90 s"
			odd = &surprise{step: s.ID, why: a.Error, needsHuman: true}
		default:
			a.Result, a.After, a.Error, a.Uncertain = StepFailed, now, noEffect, true
			again = append(again, s)
		}
	}
	if err := r.ended(ctx, attempts); err != nil {
		return nil, err
	}
	switch {
	case odd != nil:
		return nil, *odd
	case len(again) > 0 && try >= tries:
		return nil, surprise{step: again[0].ID, why: answer.Error(), cause: answer}
	default:
		return again, nil
	}
}

// unread reports whether a Reading stands for a cell that could not be read.
func unread(r Reading) bool { return r == notRead }

var notRead = Reading{Value: "?", Barred: "it was not read"}

// poll reads cells until they all hold what they should, and gives for each the first reading that did, or the last.
// A cell that once showed the change has it: what later readings show is lag, or somebody else's doing. The second
// result is why nothing could be read, if that is so. Readings made before quiet prove nothing.
func (r *run) poll(ctx context.Context, steps []plan.Step, d time.Duration, quiet time.Time) (_ []Reading, readErr, err error) {
	found := make([]Reading, len(steps))
	for i := range found {
		found[i] = notRead
	}
	until := r.Clock.Now().Add(d)
	if until.Before(quiet) {
		until = quiet
	}
	for pause := min(time.Second, r.times().Heartbeat); ; pause = min(2*pause, r.times().Heartbeat) {
		// When the reading is asked for counts: its answer may be long on its way, and shows what was then.
		asked := r.Clock.Now()
		early := asked.Before(quiet)
		readings, err := r.read(ctx, steps)
		if _, lost := errors.AsType[*LeaseLostError](err); lost {
			return nil, nil, err
		}
		readErr = err
		missing := 0
		for i, s := range steps {
			if err == nil && found[i].Value != s.Change.After {
				found[i] = readings[i]
			}
			if found[i].Value != s.Change.After {
				missing++
			} else if early {
				found[i] = notRead
				missing++
			}
		}
		if missing == 0 || !asked.Before(until) {
			return found, readErr, nil
		}
		if err := r.wait(ctx, pause); err != nil {
			return nil, nil, err
		}
	}
}

// wait sleeps, and keeps the leases alive meanwhile.
func (r *run) wait(ctx context.Context, d time.Duration) error {
	for d > 0 {
		nap := min(d, r.times().Heartbeat)
		if err := r.Clock.Sleep(ctx, nap); err != nil {
			return err
		}
		d -= nap
		if err := r.hold(ctx, r.times().Call); err != nil {
			return err
		}
	}
	return nil
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
