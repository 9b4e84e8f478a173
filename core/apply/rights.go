package apply

import (
	"cmp"
	"context"

	"databricks-access-audit/core/plan"
)

// ask finds out of steps whether the caller may carry them out, each once. Nothing is tried: what cannot be found out is
// not known.
func (r *run) ask(ctx context.Context, steps []plan.Step) error {
	var ask []plan.Step
	for _, s := range steps {
		if !r.asked(s.ID) {
			ask = append(ask, s)
		}
	}
	if r.Rights == nil || len(ask) == 0 {
		return nil
	}
	limited, cancel := r.Clock.Within(ctx, r.times().Call)
	defer cancel()
	found, err := r.Rights(limited, ask)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !found.Caller.Key.IsZero() {
		r.rights.Caller = found.Caller
	}
	for _, s := range ask {
		right := found.Of(s.ID)
		if err != nil {
			right = plan.Right{Step: s.ID, Why: err.Error()}
		}
		r.rights.Steps = append(r.rights.Steps, right)
	}
	return nil
}

// Ask says of a plan that was not begun whether the caller may carry it out; it changes nothing, not even in the Store.
// The error is a NoRightError where it may not carry out all of it.
func (e *Executor) Ask(ctx context.Context, p plan.Plan) (plan.Rights, error) {
	r := &run{Executor: e, plan: p, fresh: e.Clock.Now()}
	err := r.judge(ctx, p.Executable())
	return r.rights, err
}

func (r *run) asked(step string) bool {
	for _, one := range r.rights.Steps {
		if one.Step == step {
			return true
		}
	}
	return false
}

// barred reports whether the caller is known not to be able to carry out a step. To leave one to another plan takes no
// right.
func (r *run) barred(s plan.Step) bool {
	return r.rights.Of(s.ID).May == plan.MayNot && (gives(r.plan) || !r.handedOver(s))
}

// entitled refuses steps of which the caller may not carry out one: half a plan is worse than none. What ends because
// its time is over ends as far as it can, and is refused only where nothing of it can be done.
func (r *run) entitled(ctx context.Context, steps []plan.Step) error {
	if err := r.hold(ctx, r.times().Call); err != nil {
		return err
	}
	return r.judge(ctx, steps)
}

// judge is entitled without a lease.
func (r *run) judge(ctx context.Context, steps []plan.Step) error {
	if err := r.ask(ctx, steps); err != nil {
		return err
	}
	e := &NoRightError{Plan: r.plan.ID, Caller: r.caller()}
	for _, s := range steps {
		if r.barred(s) {
			e.Missing = append(e.Missing, MissingRight{s, r.rights.Of(s.ID)})
		}
	}
	if len(e.Missing) == 0 || r.plan.Kind == plan.Expire && len(e.Missing) < len(steps) {
		return nil
	}
	return e
}

// caller is what people call whoever carries the plan out.
func (r *run) caller() string { return cmp.Or(r.rights.Caller.Label(), "the caller") }

// known are the steps that are left of which it is known what became of every attempt.
func (r *run) known() []plan.Step {
	var list []plan.Step
	for _, s := range r.left() {
		if a := r.last(s.ID); a.Number == 0 || !a.Open() {
			list = append(list, s)
		}
	}
	return list
}

// able are the steps that are left without those that the caller may not carry out, and why those are left.
func (r *run) able() (list []plan.Step, left error) {
	e := &NoRightError{Plan: r.plan.ID, Caller: r.caller()}
	for _, s := range r.left() {
		if r.barred(s) {
			e.Missing = append(e.Missing, MissingRight{s, r.rights.Of(s.ID)})
			continue
		}
		list = append(list, s)
	}
	if len(e.Missing) == 0 {
		return list, nil
	}
	return list, surprise{step: e.Missing[0].Step.ID, why: e.what(), cause: e}
}
