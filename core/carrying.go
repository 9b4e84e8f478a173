package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/report"
)

// applier makes an Applier for one piece of work on somebody's word. Each holds its leases under a name of its own, so that
// two pieces of work in one process keep each other out like two processes.
func (a *Approvals) applier(by ledger.Actor) *Applier {
	a.mu.Lock()
	a.turn++
	holder := a.o.Holder + "/" + strconv.Itoa(a.turn)
	a.mu.Unlock()
	made := a.engine.Applier(Applying{Account: a.o.Account(), Ledger: a.o.Ledger, Actor: by, Holder: holder})
	made.exec.Caps, made.exec.Times = a.o.Caps, a.o.Times
	return made
}

// Apply carries out an approved plan, or goes on with one that stopped. All votes are judged again first, by what holds now:
// where they no longer suffice, nothing is written, an approved plan waits for votes again, and the error is a
// *NotAllowedError. Where that cannot be read, nothing is written either, and nothing else changes. The other errors are
// those of Applier.Apply, and a *HaltedError where the process carries nothing out; within a *HeldError where an approved plan could not
// be begun and may be tried again. The report says how each step stands, beside an error too.
func (a *Approvals) Apply(ctx context.Context, by ledger.Actor, id string, watch func(done, all int)) (*report.CloneReport, Case, error) {
	r, k, err := a.try(ctx, by, id, watch)
	if err == nil || k.State != ledger.Approved || ctx.Err() != nil || passes(err) {
		return r, k, err
	}
	if _, refused := errors.AsType[*NotAllowedError](err); refused && !concerned(k.Requester.ID, k.Votes, by) {
		return r, k, err // which says nothing of the plan
	}
	held, failed := a.hold(context.WithoutCancel(ctx), by, k, err.Error())
	if held {
		k.Held = append(slices.Clone(k.Held), err.Error())
		err = &HeldError{err}
	}
	return r, k, errors.Join(err, failed)
}

// HeldError says that an approved plan could not be begun. It is as it was, and may be tried again: the trail says why (EventHeld), and
// so does the Case.
type HeldError struct{ Cause error }

// Error is that of the cause.
func (e *HeldError) Error() string { return e.Cause.Error() }

// Unwrap gives the cause.
func (e *HeldError) Unwrap() error { return e.Cause }

// passes reports whether an error only says that somebody else is at it.
func passes(err error) bool {
	_, taken := errors.AsType[*ledger.BusyError](err)
	_, busy := errors.AsType[*BusyPlanError](err)
	_, lost := errors.AsType[*LeaseLostError](err)
	return taken || busy || lost
}

// hold records that an approved plan could not be begun, unless something became of it meanwhile.
func (a *Approvals) hold(ctx context.Context, by ledger.Actor, k Case, why string) (held bool, err error) {
	err = a.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		p, err := tx.Plan(ctx, k.ID)
		if held = err == nil && p.Version == k.Version && p.State == ledger.Approved; !held {
			return err
		}
		return tx.Record(ledger.Event{Event: EventHeld, Actor: by, Plan: k.ID, Digest: k.Digest, Policy: p.Policy, Reason: why})
	})
	return held && err == nil, err
}

// try is Apply.
func (a *Approvals) try(ctx context.Context, by ledger.Actor, id string, watch func(done, all int)) (*report.CloneReport, Case, error) {
	h, err := a.hear(ctx, id, by.ID)
	if err != nil {
		return nil, Case{}, err
	}
	if h.plan.Kind != plan.Clone {
		return nil, h.stands(consent.Ruling{}), notAllowed("plan %s takes back what another gave: undo that one", id)
	}
	if err := a.mayCarry(h, by); err != nil {
		return nil, h.stands(a.rule(h)), a.refused(ctx, by, id, err)
	}
	if h.kept.State == ledger.Pending && unjudged(h.votes) > 0 {
		if _, err := a.judgeOne(ctx, by, id); err != nil {
			return nil, h.stands(a.rule(h)), err
		}
		if h, err = a.hear(ctx, id, by.ID); err != nil {
			return nil, Case{}, err
		}
	}
	switch h.kept.State {
	case ledger.Approved, ledger.Applying, ledger.PartiallyApplied:
		if a.o.Off {
			return nil, h.stands(consent.Ruling{}), errOff
		}
		if err := errors.Join(a.inTime(ctx, h), a.judge(ctx, &h, by)); err != nil {
			return nil, h.stands(a.rule(h)), a.refused(ctx, by, id, err)
		}
	case ledger.Draft, ledger.Pending:
		r := a.rule(h)
		return nil, h.stands(r), a.refused(ctx, by, id, notAllowed("plan %s is %s, and not approved: %s", id, h.kept.State, sentence(r.Why)))
	case ledger.Rejected, ledger.Cancelled, ledger.Expired, ledger.Superseded:
		return nil, h.stands(consent.Ruling{}), a.refused(ctx, by, id, notAllowed("plan %s is %s: make a new plan", id, h.kept.State))
	default: // the executor says what it is
	}
	r, err := a.carry(ctx, a.applier(by), h, watch)
	return a.after(ctx, id, r, err)
}

// errOff says that this process carries nothing out.
var errOff = &HaltedError{Why: "carrying out is switched off in the configuration of this bot (applies: off)"}

// carry begins a plan or goes on with it.
func (a *Approvals) carry(ctx context.Context, made *Applier, h hearing, watch func(done, all int)) (*report.CloneReport, error) {
	if watch != nil {
		all, done := len(h.plan.Executable()), 0
		made.exec.Watch = func(s apply.Step) {
			if s.Status == apply.StatusDone || s.Status == apply.StatusAlready {
				done++
			}
			watch(min(done, all), all)
		}
	}
	work := made.exec.Apply
	if h.kept.State == ledger.Applying || h.kept.State == ledger.PartiallyApplied {
		work = made.exec.Resume
	}
	out, err := work(ctx, h.kept.ID)
	return made.report(out, err)
}

// after is how a plan stands after somebody worked on it.
func (a *Approvals) after(ctx context.Context, id string, r *report.CloneReport, err error) (*report.CloneReport, Case, error) {
	h, readErr := a.look(context.WithoutCancel(ctx), id)
	if readErr != nil {
		return r, Case{ID: id}, errors.Join(err, readErr)
	}
	return r, h.stands(consent.Ruling{}), err
}

// mayCarry refuses people who have nothing to do with a plan.
func (a *Approvals) mayCarry(h hearing, by ledger.Actor) error {
	own := concerned(h.kept.Requester.ID, h.votes, by)
	switch {
	case a.o.Operator:
	case own && h.facts.Active(userKey(by.ID)) == consent.Yes:
	case by.ID != "" && a.o.Policy.MayVote(a.ballot(h), userKey(by.ID), h.facts) == nil:
	case own && h.facts.unread() != nil:
		return fmt.Errorf("whether plan %s may be carried out is not known, since not all could be read; nothing was changed: %w", h.kept.ID, h.facts.unread())
	default:
		return notAllowed("only whoever asked for plan %s, or may approve it, may have it carried out", h.kept.ID)
	}
	return nil
}

// concerned reports whether somebody asked for a plan, or approved it.
func concerned(requester string, votes []ledger.Vote, by ledger.Actor) bool {
	return by.ID != "" && (by.ID == requester || slices.ContainsFunc(votes, func(v ledger.Vote) bool {
		return v.Voter.ID == by.ID && v.Stands() && v.Decision == ledger.Approve
	}))
}

// inTime refuses an approved plan that was not begun in time.
func (a *Approvals) inTime(ctx context.Context, h hearing) error {
	now, err := a.now(ctx)
	if err == nil && h.kept.State == ledger.Approved && !now.Before(h.kept.ExpiresAt) {
		return notAllowed("plan %s was approved, and not begun until %s: make a new plan", h.kept.ID, h.kept.ExpiresAt.Format(time.RFC3339))
	}
	return err
}

// judge judges all votes anew, before a plan is begun or gone on with. An approved plan whose votes no longer suffice waits
// for votes again.
func (a *Approvals) judge(ctx context.Context, h *hearing, by ledger.Actor) error {
	asked := *h
	asked.kept.State = ledger.Approved // as whose it is judged, wherever it stopped
	r := a.rule(asked)
	if r.Outcome == consent.Approved {
		return nil
	}
	if err := h.facts.unread(); err != nil {
		return fmt.Errorf("whether plan %s is still approved is not known, since not all could be read; nothing was changed: %w", h.kept.ID, err)
	}
	why := notAllowed("plan %s is no longer approved, and nothing was changed: %s", h.kept.ID, sentence(append(voids(r), r.Why...)))
	if h.kept.State == ledger.Approved {
		err := a.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
			moved, err := a.settle(tx, by, *h, r, why.Error())
			if err == nil {
				h.kept = moved
			}
			return err
		})
		if err != nil {
			return errors.Join(why, err)
		}
	}
	return why
}

// voids says why votes do not count.
func voids(r consent.Ruling) []string {
	var why []string
	for _, v := range r.Void {
		why = append(why, fmt.Sprintf("the vote of %s does not count: %s", v.Voter.ID, v.Why))
	}
	return why
}

// Undo takes back what a plan gave, where that needs no votes of its own; else it is a *NotAllowedError that says what to do.
// The report is that of the plan that took it back, the Case that of the plan taken back.
func (a *Approvals) Undo(ctx context.Context, by ledger.Actor, id string) (*report.CloneReport, Case, error) {
	h, err := a.hear(ctx, id, by.ID)
	if err != nil {
		return nil, Case{}, err
	}
	if a.o.Off {
		return nil, h.stands(consent.Ruling{}), errOff
	}
	now, err := a.now(ctx)
	if err != nil {
		return nil, Case{}, err
	}
	free := a.sameRules(h)
	if free == nil && h.facts.Active(userKey(by.ID)) != consent.Yes {
		free = errors.New("your Databricks user is not active, or it could not be read whether it is")
	}
	if free == nil {
		free = a.o.Policy.UndoFree(h.plan, userKey(by.ID), userKey(h.kept.Requester.ID), h.kept.AppliedAt, now)
	}
	if free != nil {
		return nil, h.stands(consent.Ruling{}), a.refused(ctx, by, id, notAllowed("plan %s is not taken back on your word alone: %v; an operator can do it at the command line: databricks-access-audit undo %s", id, free, id))
	}
	r, err := a.applier(by).Undo(ctx, id, false)
	return a.after(ctx, id, r, err)
}

// now is the ledger's clock.
func (a *Approvals) now(ctx context.Context) (now time.Time, err error) {
	err = a.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		now = tx.Now()
		return nil
	})
	return now, err
}

// clock gives a clock that shows the ledger's time. What a plan says of its time is compared with that: a process whose own clock is
// wrong must not make plans that wait for longer than they may.
func (a *Approvals) clock(ctx context.Context) (func() time.Time, error) {
	now, err := a.now(ctx)
	off := now.Sub(a.engine.o.Now())
	return func() time.Time { return a.engine.o.Now().Add(off) }, err
}

// Sweep does what is due by the clock, and what nobody does any more: it ends plans whose time is over, takes back timed access,
// goes on with plans whose process ended, and judges votes that were kept to be judged. Any process may call it at any time,
// several at once: what one does the others leave. It gives the plans that changed, in order of their ids; the error joins
// what went wrong with some, and says nothing of the others.
func (a *Approvals) Sweep(ctx context.Context) ([]Case, error) {
	by := ledger.Actor{Via: viaSweeper, Host: a.o.Holder, Tool: a.engine.o.Version}
	changed := map[string]bool{}
	var failed []error
	for _, work := range []func(context.Context, ledger.Actor, map[string]bool) error{a.expire, a.goOn, a.end, a.judgeKept} {
		if err := ctx.Err(); err != nil {
			failed = append(failed, err)
			break
		}
		failed = append(failed, work(ctx, by, changed))
	}
	var cases []Case
	for id := range changed {
		h, err := a.look(context.WithoutCancel(ctx), id)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		cases = append(cases, h.stands(consent.Ruling{}))
	}
	slices.SortFunc(cases, func(x, y Case) int { return strings.Compare(x.ID, y.ID) })
	return cases, errors.Join(failed...)
}

// expire ends plans that were not begun in time.
func (a *Approvals) expire(ctx context.Context, by ledger.Actor, changed map[string]bool) error {
	now, err := a.now(ctx)
	if err != nil {
		return err
	}
	due, err := a.o.Ledger.Plans(ctx, ledger.PlanFilter{Due: now, States: []ledger.State{ledger.Draft, ledger.Pending, ledger.Approved}})
	if err != nil {
		return err
	}
	var failed []error
	for _, p := range due {
		_, err := a.move(ctx, hearing{kept: p}, ledger.Move{To: ledger.Expired, Actor: by, Reason: "its time is over"})
		if _, faster := errors.AsType[*ledger.ConflictError](err); faster {
			continue
		}
		if err == nil {
			changed[p.ID] = true
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// end takes back what plans gave for a time that is over.
func (a *Approvals) end(ctx context.Context, by ledger.Actor, changed map[string]bool) error {
	now, err := a.now(ctx)
	if err != nil {
		return err
	}
	ended, err := a.o.Ledger.Plans(ctx, ledger.PlanFilter{Ended: now, States: []ledger.State{
		ledger.Applied, ledger.PartiallyApplied, ledger.Applying, ledger.UndoPending, ledger.ExpiryOverdue}})
	if err != nil || len(ended) == 0 {
		return err
	}
	_, err = a.applier(by).exec.Expire(ctx)
	return errors.Join(unlessBusy(err), a.compare(ctx, ended, changed))
}

// unlessBusy leaves out that somebody else is at it. Expire joins the errors of several plans, of which others may matter.
func unlessBusy(err error) error {
	joined, several := err.(interface{ Unwrap() []error })
	if !several {
		if _, busy := errors.AsType[*BusyPlanError](err); busy {
			return nil
		}
		return err
	}
	var rest []error
	for _, one := range joined.Unwrap() {
		rest = append(rest, unlessBusy(one))
	}
	return errors.Join(rest...)
}

// compare notes the plans that are no longer as they were.
func (a *Approvals) compare(ctx context.Context, were []ledger.Plan, changed map[string]bool) error {
	for _, was := range were {
		is, err := a.o.Ledger.Plan(context.WithoutCancel(ctx), was.ID)
		if err != nil {
			return err
		}
		if is.Version != was.Version {
			changed[was.ID] = true
		}
	}
	return nil
}

// goOn goes on with plans whose process ended on the way: nobody holds their lease. A process that carries nothing out leaves them to
// others.
func (a *Approvals) goOn(ctx context.Context, by ledger.Actor, changed map[string]bool) error {
	if a.o.Off {
		return nil
	}
	begun, err := a.o.Ledger.Plans(ctx, ledger.PlanFilter{States: []ledger.State{ledger.Applying}})
	if err != nil || len(begun) == 0 {
		return err
	}
	now, err := a.now(ctx)
	if err != nil {
		return err
	}
	held, err := a.o.Ledger.Leases(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, p := range begun {
		live := func(l ledger.Lease) bool { return l.Name == ledger.PlanLease(p.ID) && now.Before(l.ExpiresAt) }
		if slices.ContainsFunc(held, live) {
			continue
		}
		if err := a.resume(ctx, by, p); err != nil {
			failed = append(failed, fmt.Errorf("go on with plan %s: %w", p.ID, err))
		}
	}
	return errors.Join(append(failed, a.compare(ctx, begun, changed))...)
}

// resume goes on with one plan. Of a plan that takes another back, it is that other one that is gone on with. Where the votes no
// longer suffice, the plan stays as it is and calls for a person.
func (a *Approvals) resume(ctx context.Context, by ledger.Actor, p ledger.Plan) error {
	made := a.applier(by)
	if p.Parent != "" {
		if plan.Kind(p.Kind) == plan.Expire {
			return nil // end does it
		}
		_, err := made.exec.Undo(ctx, p.Parent, false)
		return unlessBusy(err)
	}
	h, err := a.hear(ctx, p.ID, p.Requester.ID)
	if err != nil {
		return err
	}
	// A plan of the command line was never voted on: whoever asked for it goes on with it.
	if h.plan.Policy == "" {
		return nil
	}
	err = a.judge(ctx, &h, by)
	if _, lost := errors.AsType[*NotAllowedError](err); lost {
		return errors.Join(err, a.alarm(ctx, by, p.ID, err.Error()))
	}
	if err == nil {
		_, err = a.carry(ctx, made, h, nil)
	}
	if err = unlessBusy(err); err != nil {
		a.o.Log.Warn("a plan that had stopped did not get to its end", slog.String("plan", p.ID), slog.Any("error", err))
	}
	return err
}

// alarm calls a person to a plan, once for as long as nothing else happens to it.
func (a *Approvals) alarm(ctx context.Context, by ledger.Actor, id, why string) error {
	return a.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		trail, err := tx.Trail(ctx, id)
		if err != nil {
			return err
		}
		if len(trail) > 0 {
			last, err := trail[len(trail)-1].Event()
			if err != nil || last.Event == journal.EventAlarm && last.Reason == why {
				return err
			}
		}
		return tx.Record(ledger.Event{Event: journal.EventAlarm, Actor: by, Plan: id, Reason: why})
	})
}

// judgeKept judges the votes that were kept because whoever took them could not read who may vote.
func (a *Approvals) judgeKept(ctx context.Context, by ledger.Actor, changed map[string]bool) error {
	waiting, err := a.o.Ledger.Plans(ctx, ledger.PlanFilter{States: []ledger.State{ledger.Pending}})
	if err != nil {
		return err
	}
	var failed []error
	for _, p := range waiting {
		votes, err := a.o.Ledger.Votes(ctx, p.ID)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		kept := unjudged(votes)
		if kept == 0 || a.judgedOf(p.ID) == kept {
			continue
		}
		moved, err := a.judgeOne(ctx, by, p.ID)
		if moved {
			changed[p.ID] = true
		}
		if err == nil {
			a.mu.Lock()
			a.judged[p.ID] = kept
			a.mu.Unlock()
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// unjudged is how many votes were kept to be judged.
func unjudged(votes []ledger.Vote) (n int) {
	for _, v := range votes {
		if v.Rule == "" && v.Stands() {
			n++
		}
	}
	return n
}

func (a *Approvals) judgedOf(id string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.judged[id]
}

// judgeOne moves a plan to where the votes on it say, and reports whether that moved it.
func (a *Approvals) judgeOne(ctx context.Context, by ledger.Actor, id string) (moved bool, err error) {
	h, err := a.hear(ctx, id)
	if err != nil || !open(h.kept.State) {
		return false, err
	}
	var r consent.Ruling
	err = a.o.Ledger.Do(ctx, func(tx *ledger.Tx) (err error) {
		moved = false
		if err := h.again(ctx, tx); err != nil || !open(h.kept.State) {
			return err
		}
		r = a.rule(h)
		for _, v := range r.Counted {
			if err := tx.Judge(by, id, v.Voter.ID, r.Rule); err != nil {
				return err
			}
		}
		p, err := a.settle(tx, by, h, r, "votes that were kept were judged")
		moved = err == nil && p.Version != h.kept.Version
		return err
	})
	if errors.Is(err, errAnotherVoter) {
		return false, nil // whose vote is judged with the others, now or at the next turn
	}
	if err == nil && r.Outcome != consent.Approved && r.Outcome != consent.Rejected {
		err = h.facts.unread()
	}
	return moved, err
}
