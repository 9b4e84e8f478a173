package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"databricks-access-audit/core/plan"
)

// tries bounds how often a write is repeated that was put off or had no effect.
const tries = 5

// Times are the times of an executor. All that share a Store have the same.
type Times struct {
	// Call bounds one request of the account, Lease the work under one lease without a sign of life. A holder begins no
	// request that could outlast its lease, so that Lease must be more than Call and what clocks may differ by.
	Call, Lease time.Duration
	// Heartbeat is how often a holder gives a sign of life.
	Heartbeat time.Duration
	// Converge is how long readings may take to show a write.
	Converge time.Duration
	// ReadingAge is how long ago the last reading may have been asked for when a write is sent.
	ReadingAge time.Duration
}

// DefaultTimes are the times of an Executor that was given none.
var DefaultTimes = Times{Call: 30 * time.Second, Lease: 60 * time.Second, Heartbeat: 10 * time.Second, Converge: 90 * time.Second, ReadingAge: 15 * time.Second}

// Divided are the times in the same proportions, each so many times shorter.
func (t Times) Divided(by int) Times {
	if by <= 1 {
		return t
	}
	for _, d := range []*time.Duration{&t.Call, &t.Lease, &t.Heartbeat, &t.Converge, &t.ReadingAge} {
		*d /= time.Duration(by)
	}
	return t
}

// Caps bound what one plan that gives something may do.
type Caps struct {
	Steps      int // changes in all
	Securables int // securables on which something is granted
}

// DefaultCaps are the caps of an Executor that was given none.
var DefaultCaps = Caps{Steps: 50, Securables: 20}

// Executor carries out plans. It may be used by one goroutine at a time; several executors, in one process or in
// several, may share a Store.
type Executor struct {
	Account Account
	Store   Store
	Clock   Clock
	// Decode reads the stored bytes of a plan and gives their digest.
	Decode func(body []byte) (p plan.Plan, digest string, err error)
	// NewID names the plans that take something back.
	NewID func() string
	// Gain computes the fingerprint of what a plan would give now. Plans that state one are refused without it.
	Gain func(ctx context.Context, p plan.Plan) (string, error)
	// AccountTime is the time by the account's clock, once one of its answers has told it. Plans that give something for a time are
	// refused without it.
	AccountTime func() (time.Time, bool)
	// Rights says of steps whether the caller of the Account may carry them out, without trying. Nil leaves that to the
	// first write; so does an error, for all of them.
	Rights func(ctx context.Context, steps []plan.Step) (plan.Rights, error)
	// Caps are DefaultCaps, and Times DefaultTimes, where they are zero.
	Caps  Caps
	Times Times
	// Tool is the version of the program.
	Tool string
	// Watch, unless nil, is told of each step as soon as there is an outcome.
	Watch func(Step)
	// Announce, unless nil, is told of a plan that takes another back, and of the steps of it that are left, before the first of
	// them is carried out.
	Announce func(p plan.Plan, left []plan.Step)
}

// run is the work on one plan under its leases.
type run struct {
	*Executor
	kept   Kept
	plan   plan.Plan
	lease  Lease
	leases []Lease
	// fresh is when the leases were last known to have all their time.
	fresh time.Time
	// quiet is when readings show for sure what was done by the plan that is taken back.
	quiet time.Time
	// past are the attempts so far by step, the newest last.
	past map[string][]Attempt
	// rights are those of the caller, as far as they were asked for.
	rights plan.Rights
	// claimed are the claims of other plans on what is taken back; nil before they were asked for.
	claimed map[plan.Cell]claim
}

// times are the executor's.
func (e *Executor) times() Times {
	if e.Times == (Times{}) {
		return DefaultTimes
	}
	return e.Times
}

// load reads a plan and makes sure that it is the one that was consented to.
func (e *Executor) load(ctx context.Context, id string) (Kept, plan.Plan, error) {
	kept, err := e.Store.Plan(ctx, id)
	if err != nil {
		return Kept{}, plan.Plan{}, err
	}
	p, err := e.decode(kept)
	return kept, p, err
}

func (e *Executor) decode(kept Kept) (plan.Plan, error) {
	p, digest, err := e.Decode(kept.Body)
	switch {
	case err != nil:
		return plan.Plan{}, &TamperedError{kept.ID, err.Error()}
	case digest != kept.Digest:
		return plan.Plan{}, &TamperedError{kept.ID, "its digest is another one"}
	case p.ID != kept.ID:
		return plan.Plan{}, &TamperedError{kept.ID, fmt.Sprintf("it is plan %s", p.ID)}
	}
	return p, nil
}

// Look says how a stored plan stands, without asking the account or taking a lease: what another process does meanwhile may be
// in it or not. The errors are TamperedError and those of the Store.
func (e *Executor) Look(ctx context.Context, id string) (Result, error) {
	r := &run{Executor: e, plan: plan.Plan{ID: id}}
	if err := r.refresh(ctx); err != nil {
		return Result{}, err
	}
	return r.result(), nil
}

// take takes the leases for a plan: first that of the principal concerned, then that of the plan.
func (e *Executor) take(ctx context.Context, p plan.Plan) (*run, error) {
	r := &run{Executor: e, plan: p, fresh: e.Clock.Now()}
	for _, name := range []string{HolderLease(p), PlanLease(p.ID)} {
		l, err := e.Store.Acquire(ctx, name, e.times().Lease)
		if err != nil {
			return nil, errors.Join(err, r.release(ctx))
		}
		r.leases = append(r.leases, l)
		r.lease = l
	}
	return r, r.refresh(ctx)
}

// refresh reads the plan and its attempts as they stand under the lease.
func (r *run) refresh(ctx context.Context) error {
	kept, p, err := r.load(ctx, r.plan.ID)
	if err != nil {
		return err
	}
	past, err := r.pastOf(ctx, p.ID)
	if err != nil {
		return err
	}
	r.kept, r.plan, r.past = kept, p, past
	return nil
}

// pastOf gives the attempts at a plan's steps so far, by step.
func (e *Executor) pastOf(ctx context.Context, id string) (map[string][]Attempt, error) {
	attempts, err := e.Store.Attempts(ctx, id)
	past := map[string][]Attempt{}
	for _, a := range attempts {
		past[a.Step] = append(past[a.Step], a)
	}
	return past, err
}

func (r *run) release(ctx context.Context) error {
	return r.Store.Release(context.WithoutCancel(ctx), r.leases...)
}

// hold makes sure that the leases outlast whatever is begun now and takes no longer than d.
func (r *run) hold(ctx context.Context, d time.Duration) error {
	now := r.Clock.Now()
	if now.Sub(r.fresh) < r.times().Heartbeat && now.Add(d).Before(r.fresh.Add(r.times().Lease)) {
		return nil
	}
	if err := r.Store.Renew(ctx, r.times().Lease, r.leases...); err != nil {
		return err
	}
	// The new time counts from before the request, whose answer may have taken long.
	r.fresh = now
	if now := r.Clock.Now(); !now.Add(d).Before(r.fresh.Add(r.times().Lease)) {
		return &LeaseLostError{r.lease.Name}
	}
	return nil
}

// move changes the state of the plan.
func (r *run) move(ctx context.Context, to State, why string, d time.Duration) error {
	kept, err := r.Store.Move(ctx, Move{From: r.kept, To: to, Why: why, Lease: r.lease, For: d})
	if err == nil {
		r.kept = kept
	}
	return err
}

// last is the newest attempt at a step; its Number is zero if there was none.
func (r *run) last(step string) Attempt {
	list := r.past[step]
	if len(list) == 0 {
		return Attempt{Step: step}
	}
	return list[len(list)-1]
}

// settled reports whether nothing is left to do for a step.
func (r *run) settled(step string) bool {
	a := r.last(step)
	return a.Result == Done || a.Result == Already
}

// left are the steps that are still to be done, in order.
func (r *run) left() []plan.Step {
	var list []plan.Step
	for _, s := range r.plan.Executable() {
		if !r.settled(s.ID) {
			list = append(list, s)
		}
	}
	return list
}

// touched reports whether anything was changed, or may have been.
func (r *run) touched() bool {
	for step := range r.past {
		if a := r.last(step); a.Result == Done || a.Open() {
			return true
		}
	}
	return false
}

// gives reports whether the plan gives something, rather than taking back what one gave.
func gives(p plan.Plan) bool { return p.Kind != plan.Undo && p.Kind != plan.Expire }
