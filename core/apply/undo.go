package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"databricks-access-audit/core/plan"
)

// Undo takes back what a plan gave: the steps that we made effective, in the opposite order, and nothing that
// was so before or that somebody changed since. It does so by a plan of its own, whose steps are made from the
// recorded outcomes alone. Steps of which it is not certain that the change was ours are left, and named, unless a
// person says otherwise by uncertain. What another plan gave, too, stays with that plan, whatever a person says: see claim for
// every case of it. Undoing again goes on where it stopped; when all is taken back, it does nothing.
// The Result is that of the new plan, with that of the one taken back as its Parent. The errors are those of Apply.
func (e *Executor) Undo(ctx context.Context, id string, uncertain bool) (Result, error) {
	return e.takeBack(ctx, id, plan.Undo, uncertain)
}

func (e *Executor) takeBack(ctx context.Context, id string, kind plan.Kind, uncertain bool) (Result, error) {
	_, p, err := e.load(ctx, id)
	if err != nil {
		return Result{}, err
	}
	parent, err := e.take(ctx, p)
	if err != nil {
		return Result{Plan: p}, err
	}
	out, err := parent.takeBack(ctx, kind, uncertain)
	was := parent.result()
	out.Parent = &was
	return out, parent.letGo(ctx, err)
}

func (r *run) takeBack(ctx context.Context, kind plan.Kind, uncertain bool) (Result, error) {
	if err := r.admit(); err != nil {
		return Result{}, err
	}
	if !gives(r.plan) {
		return Result{}, &RefusedError{r.plan.ID, "it takes back what another plan gave, and taking back is final: make a new plan"}
	}
	if err := r.interrupted(ctx); err != nil {
		return Result{}, err
	}
	switch r.kept.State {
	case Applied, PartiallyApplied, UndoPending, ExpiryOverdue:
	case Failed, Stale, Undone:
		return Result{State: r.kept.State}, nil // there is nothing of it left
	default:
		return Result{}, &RefusedError{r.plan.ID, fmt.Sprintf("it is %s: there is nothing to take back", r.kept.State)}
	}
	child, err := r.child(ctx, kind, uncertain)
	if err != nil {
		return Result{}, err
	}
	if child == nil {
		return Result{}, r.undone(ctx)
	}
	if r.kept.State != UndoPending {
		if err := r.move(ctx, UndoPending, string(kind), 0); err != nil {
			return Result{}, err
		}
	}
	out, err := child.finish(ctx)
	if err == nil {
		err = r.undone(ctx)
	}
	return out, err
}

// finish carries the plan out and gives back its own lease.
func (r *run) finish(ctx context.Context) (Result, error) {
	if r.Announce != nil {
		r.Announce(r.plan, r.left())
	}
	err := r.carry(ctx)
	if released := r.Store.Release(context.WithoutCancel(ctx), r.lease); err == nil {
		err = released
	}
	return r.result(), err
}

// undone ends the plan that was taken back, if all that is to be taken back was.
func (r *run) undone(ctx context.Context) error {
	left, err := r.remaining(ctx, true)
	if err != nil {
		return err
	}
	if r.kept.State != UndoPending && r.kept.State != ExpiryOverdue {
		if err := r.move(ctx, UndoPending, "there is nothing to take back", 0); err != nil {
			return err
		}
	}
	var doubtful []string
	for _, s := range left {
		doubtful = append(doubtful, s.ID)
	}
	if len(doubtful) > 0 {
		why := fmt.Sprintf("whether %v was this plan's doing is not certain, so it was left: look at it, and undo it with the uncertain steps if it was", doubtful)
		return &PartialError{Plan: r.plan.ID, Why: why, NeedsHuman: true}
	}
	return r.move(context.WithoutCancel(ctx), Undone, "", 0)
}

// interrupted ends the work of a process that is gone, or stopped without knowing how things stand.
func (r *run) interrupted(ctx context.Context) error {
	err := r.settle(ctx, true)
	switch {
	case r.kept.State != Applying && err == nil:
		return nil
	case r.kept.State == Applying && err == nil:
		err = surprise{why: "the program ended on the way"}
	case r.kept.State != Applying:
		s, ok := errors.AsType[surprise](err)
		if !ok {
			return err
		}
		said := &PartialError{r.plan.ID, s.step, s.why, s.needsHuman, s.cause}
		return errors.Join(said, r.Store.Alarm(ctx, r.plan.ID, said.Error()))
	}
	s, ok := errors.AsType[surprise](err)
	err = r.stop(ctx, err)
	_, partial := errors.AsType[*PartialError](err)
	_, failed := errors.AsType[*FailedError](err)
	if ok && !s.needsHuman && (partial || failed) {
		return nil
	}
	return err
}

// child gives the plan that takes this one back: the one that was begun, or a new one; nil if there is nothing to do.
func (r *run) child(ctx context.Context, kind plan.Kind, uncertain bool) (*run, error) {
	children, err := r.Store.Children(ctx, r.plan.ID)
	if err != nil {
		return nil, err
	}
	now, err := r.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	for _, kept := range children {
		p, err := r.decode(kept)
		if err != nil {
			return nil, err
		}
		if kept.State == Applying || kept.State == PartiallyApplied || kept.State == Approved && now.Before(p.ExpiresAt) {
			return r.under(ctx, p)
		}
	}
	left, err := r.remaining(ctx, uncertain)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	p := plan.Plan{
		ID: r.NewID(), Kind: kind, Account: r.plan.Account, Host: r.plan.Host, Source: r.plan.Source, Target: r.plan.Target,
		Parent: r.plan.ID, CreatedAt: now, ExpiresAt: now.Add(undoTime), Tool: r.Tool, Policy: r.plan.Policy, Facts: r.plan.Facts, Complete: true, Tier: plan.Normal,
	}
	for _, s := range slices.Backward(left) {
		s.ID = "s" + strconv.Itoa(len(p.Steps)+1)
		change := *s.Change
		change.Before, change.After = change.After, change.Before
		s.Change, s.Reason = &change, "takes back what the plan gave"
		p.Steps = append(p.Steps, s)
	}
	// Before anything says that it is being taken back.
	asking := &run{Executor: r.Executor, plan: p, lease: r.lease, leases: r.leases, fresh: r.fresh, claimed: r.claimed}
	err = asking.entitled(ctx, p.Steps)
	r.fresh = asking.fresh
	if err != nil {
		return nil, err
	}
	if _, err := r.Store.Create(ctx, p); err != nil {
		return nil, err
	}
	made, err := r.under(ctx, p)
	if err == nil {
		made.rights = asking.rights
	}
	return made, err
}

// under takes the lease of a plan that takes this one back, beside those that are held.
func (r *run) under(ctx context.Context, p plan.Plan) (*run, error) {
	child := &run{Executor: r.Executor, plan: p, fresh: r.fresh, claimed: r.claimed}
	if err := r.hold(ctx, r.times().Call); err != nil {
		return nil, err
	}
	l, err := r.Store.Acquire(ctx, PlanLease(p.ID), r.times().Lease)
	if err != nil {
		return nil, err
	}
	child.lease, child.leases, child.fresh = l, append(slices.Clone(r.leases), l), r.fresh
	if child.quiet, err = r.shown(ctx); err != nil {
		return nil, err
	}
	return child, child.refresh(ctx)
}

// shown is when readings show for sure what the plan did, by the process's clock.
func (r *run) shown(ctx context.Context) (time.Time, error) {
	var newest Attempt
	for _, list := range r.past {
		for _, a := range list {
			if a.BegunAt.After(newest.BegunAt) {
				newest = a
			}
		}
	}
	wait, err := r.unsettled(ctx, newest)
	return r.Clock.Now().Add(wait), err
}

// remaining are the steps whose effect is ours and was not taken back yet, in the order of the plan. What is left to
// another plan needs no person to say whose it was.
func (r *run) remaining(ctx context.Context, uncertain bool) ([]plan.Step, error) {
	back := map[plan.Cell]bool{}
	children, err := r.Store.Children(ctx, r.plan.ID)
	if err != nil {
		return nil, err
	}
	for _, kept := range children {
		p, err := r.decode(kept)
		if err != nil {
			return nil, err
		}
		attempts, err := r.Store.Attempts(ctx, kept.ID)
		if err != nil {
			return nil, err
		}
		over := map[string]bool{}
		for _, a := range attempts {
			over[a.Step] = a.Result == Done || a.Result == Already
		}
		for _, s := range p.Executable() {
			back[s.Change.Cell] = back[s.Change.Cell] || over[s.ID]
		}
	}
	if err := r.askClaims(ctx); err != nil {
		return nil, err
	}
	var list []plan.Step
	for _, s := range r.plan.Executable() {
		a := r.last(s.ID)
		if ours := a.Result == Done && (!a.Uncertain || uncertain || r.handedOver(s)); ours && !back[s.Change.Cell] {
			list = append(list, s)
		}
	}
	return list, nil
}
