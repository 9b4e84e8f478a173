package elevate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"databricks-access-audit/core/identity"
)

// State says what became of one elevation.
type State uint8

// The states.
const (
	// Refused: nothing was changed, and nothing is left.
	Refused State = iota
	// Raised: the caller is ADMIN, by this run or by another whose elevation it shares.
	Raised
	// Restored: what was before is there again.
	Restored
	// Shared: this run has left; others still need it, and the last of them puts back.
	Shared
	// Foreign: somebody else changed the assignment in the meantime, and it was left like that.
	Foreign
	// Open: what was before was not put back, or it is not known. The lease stays, for Mend.
	Open
)

// Outcome is what was done in one workspace.
type Outcome struct {
	Workspace identity.Workspace
	// Who is whose right it was, and Name what people call it.
	Who  identity.PrincipalKey
	Name string
	// Before is what its own assignment was before, During what it was made.
	Before, During identity.WorkspacePermission
	State          State
	// Note is a clause for people: why, or by whom. It may be empty.
	Note string
}

// Held are the elevations of one run. End must be called.
type Held struct {
	e        *Elevator
	leases   []Lease // of the outcomes, in the same order; zero where none is held
	stop     func()
	once     sync.Once
	mu       sync.Mutex
	outcomes []Outcome
}

// Raise makes the principal ADMIN of the targets where it is not enough, one after the other, and shares the elevations
// of other runs; where that is not possible the outcome is Refused. Where it is enough without us there is no outcome.
// Leases of runs that are no more are mended first. When ctx ends, the workspace at hand is finished and the rest
// left alone. Held is never nil and must be ended, also after an error, which is that of the book.
//
// The elevations end by themselves shortly before the time of the first of them is over.
func (e *Elevator) Raise(ctx context.Context, who identity.Principal, targets []Target) (*Held, error) {
	h := &Held{e: e, stop: func() {}}
	until := e.Clock.Now().Add(longest)
	err := e.Book.With(ctx, patienceBefore, func(working context.Context, l Leases) error {
		mended, err := e.mend(working, l, false)
		if err != nil {
			return err
		}
		for _, t := range targets {
			o := Outcome{Workspace: t.Workspace, Who: who.Key, Name: who.Label(), Before: t.Own, During: t.Own, Note: t.Problem}
			lease, ends, skip := Lease{}, until, false
			switch {
			case t.Problem != "":
			case ctx.Err() != nil:
				o.Note = "interrupted before"
				skip = t.Enough
			default:
				lease, ends, skip = e.raise(working, l, &o, t.Enough, mended)
			}
			if skip {
				continue
			}
			h.outcomes, h.leases = append(h.outcomes, o), append(h.leases, lease)
			if lease != (Lease{}) && ends.Before(until) {
				until = ends
			}
		}
		return nil
	})
	h.stop = e.Clock.After(max(until.Sub(e.Clock.Now())-margin, 0), func() {
		e.say("the time of the elevation is over: it is put back while reading goes on, and what needs it is not seen")
		h.End(context.WithoutCancel(ctx))
	})
	h.await(ctx)
	return h, err
}

// await waits until the workspaces honour what was raised, for a while.
func (h *Held) await(ctx context.Context) {
	begun := h.e.Clock.Now()
	for i, o := range h.Outcomes() {
		if o.State != Raised {
			continue
		}
		for attempt := 0; ; attempt++ {
			is, err := h.e.Account.Standing(ctx, o.Workspace)
			if err == nil && is == identity.WorkspaceAdmin {
				break
			}
			if h.e.Clock.Now().Sub(begun) > visible || h.e.Clock.Sleep(ctx, pause(attempt)) != nil {
				h.mu.Lock()
				h.outcomes[i].Note = "the workspace does not honour it yet"
				h.mu.Unlock()
				break
			}
		}
	}
}

// raise makes the principal ADMIN of one workspace. The lease is zero if it is not held; until is when it ends, by the
// clock of this process. Skip says that there is nothing to do.
func (e *Elevator) raise(ctx context.Context, l Leases, o *Outcome, enough bool, mended []Outcome) (lease Lease, until time.Time, skip bool) {
	want := Lease{Workspace: o.Workspace.ID, WorkspaceName: o.Workspace.Name, Who: o.Who, WhoName: o.Name}
	for _, m := range mended {
		if !want.Same(Lease{Workspace: m.Workspace.ID, Who: m.Who}) {
			continue
		}
		enough = false // it was, by the elevation that is now put back
		if m.State == Open {
			o.Note = "an elevation that was left there is not put back yet: " + m.Note
			return Lease{}, until, false
		}
	}
	held, now, err := find(ctx, l, want)
	switch {
	case err != nil:
		o.Note = err.Error()
		return Lease{}, until, false
	case held != nil && held.Deadline.Sub(now) <= margin:
		o.Note = "the elevation of another run ends there in a moment"
		return Lease{}, until, false
	case held == nil && enough:
		return Lease{}, until, true
	}
	before, err := e.Account.OwnAssignment(ctx, want.Workspace, want.Who)
	switch {
	case err != nil:
		o.Note = "its assignments cannot be read: " + err.Error()
		return Lease{}, until, false
	case held != nil:
		return e.join(ctx, l, o, *held, before, now)
	case before == identity.WorkspaceAdmin:
		o.Before, o.During, o.Note = before, before, "it was made ADMIN by somebody else just now"
		return Lease{}, until, false
	}
	want.Before = before
	until = e.Clock.Now().Add(longest)
	lease, first, err := l.Take(ctx, want, longest)
	if err == nil && !first {
		err = errors.New("another run was faster")
	}
	if err != nil {
		o.Note = "the lease cannot be recorded: " + err.Error()
		return Lease{}, until, false
	}
	taken := e.Clock.Now()
	o.Before = lease.Before
	problem, how := e.assign(ctx, l, lease, taken)
	if problem != "" {
		o.Note = problem
		if last, err := l.Leave(ctx, lease); err != nil || !last {
			o.State, o.Note = Open, problem+"; the lease cannot be ended"
			return Lease{}, until, false
		}
		if end := e.restore(ctx, l, lease, e.Clock.Now().Sub(taken), how); end.State != Restored {
			o.State, o.During, o.Note = end.State, end.During, problem+"; "+end.Note
		}
		return Lease{}, until, false
	}
	o.State, o.During = Raised, identity.WorkspaceAdmin
	e.say("workspace %s: %s is ADMIN for now (before: %s)", o.Workspace.Name, o.Name, In(o.Before))
	return lease, until, false
}

// join shares the elevation of another run.
func (e *Elevator) join(ctx context.Context, l Leases, o *Outcome, held Lease, is identity.WorkspacePermission, now time.Time) (lease Lease, until time.Time, skip bool) {
	until = e.Clock.Now().Add(held.Deadline.Sub(now))
	lease, _, err := l.Take(ctx, held, longest)
	if err != nil {
		o.Note = "the lease of another run cannot be shared: " + err.Error()
		return Lease{}, until, false
	}
	o.Before, o.State, o.During, o.Note = held.Before, Raised, identity.WorkspaceAdmin, "shared with another run"
	if is != identity.WorkspaceAdmin {
		o.During, o.Note = is, "another run made it ADMIN, which does not show or was changed since"
	}
	return lease, until, false
}

// find gives the lease of the same principal and workspace, nil if there is none.
func find(ctx context.Context, l Leases, like Lease) (*Lease, time.Time, error) {
	all, now, err := l.List(ctx)
	if err != nil {
		return nil, now, fmt.Errorf("the leases cannot be read: %w", err)
	}
	for _, lease := range all {
		if lease.Same(like) {
			return &lease, now, nil
		}
	}
	return nil, now, nil
}

// assign makes the change that the lease is of, and waits until it shows. The problem is empty if it does, and h is for
// putting back if it does not.
func (e *Elevator) assign(ctx context.Context, l Leases, lease Lease, taken time.Time) (problem string, h how) {
	h.wait = true
	if e.Clock.Now().Sub(taken) > freshness {
		return "the machine stood still between the lease and the change, which was not made", how{unsent: true}
	}
	writing, cancel := context.WithTimeout(ctx, oneWrite)
	err := e.Account.Assign(writing, lease.Workspace, lease.Who, identity.WorkspaceAdmin)
	cancel()
	if refused(err) {
		return "Databricks refused to make it ADMIN: " + err.Error(), how{unsent: true}
	}
	if err == nil {
		h.landed = true
		if err := l.Land(ctx, lease); err != nil {
			return "it was made ADMIN, which the ledger does not take: " + err.Error(), h
		}
	}
	sent := e.Clock.Now()
	for attempt := 0; ; attempt++ {
		now, readErr := e.Account.OwnAssignment(ctx, lease.Workspace, lease.Who)
		if readErr == nil && now == identity.WorkspaceAdmin {
			return "", h
		}
		if e.Clock.Now().Sub(sent) > visible || e.Clock.Sleep(ctx, pause(attempt)) != nil {
			break
		}
	}
	if err != nil {
		return "whether it was made ADMIN is not known: " + err.Error(), h
	}
	return "it was made ADMIN, which does not show", h
}

// Outcomes says how things stand, in the order of the targets.
func (h *Held) Outcomes() []Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Outcome(nil), h.outcomes...)
}

// End leaves all elevations, puts back those that nobody else needs, and says how they ended. It does its work once,
// whoever calls it, also concurrently; ctx bounds that work and should not be one that was cancelled.
func (h *Held) End(ctx context.Context) []Outcome {
	h.once.Do(func() {
		h.stop()
		h.end(ctx)
	})
	return h.Outcomes()
}

func (h *Held) end(ctx context.Context) {
	ended := h.Outcomes()
	holds := func(i int) bool { return h.leases[i] != Lease{} }
	any := false
	for i := range ended {
		any = any || holds(i)
	}
	if !any {
		return
	}
	err := h.e.Book.With(ctx, patienceAfter, func(ctx context.Context, l Leases) error {
		for i := range ended {
			if holds(i) {
				h.e.lower(ctx, l, h.leases[i], &ended[i])
				h.leases[i] = Lease{}
			}
		}
		return nil
	})
	for i := range ended {
		if holds(i) {
			ended[i].State, ended[i].Note = Open, fmt.Sprintf("the ledger cannot be reached: %v", err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcomes = ended
}

// lower leaves one lease, and puts back if nobody else needs it.
func (e *Elevator) lower(ctx context.Context, l Leases, lease Lease, o *Outcome) {
	held, now, err := find(ctx, l, lease)
	if err != nil {
		o.State, o.Note = Open, err.Error()
		return
	}
	if held == nil || !held.At.Equal(lease.At) {
		e.ended(ctx, held != nil, o)
		return
	}
	last, err := l.Leave(ctx, lease)
	if err == nil && !last && held.Over {
		err = l.End(ctx, lease, "its time is over")
		last = true
	}
	switch {
	case err != nil:
		o.State, o.Note = Open, "the lease cannot be ended: "+err.Error()
		return
	case !last:
		o.State, o.Note = Shared, "another run still needs it, and puts it back"
		return
	}
	end := e.restore(ctx, l, *held, now.Sub(held.At), how{landed: held.Landed, wait: true})
	o.State, o.Note = end.State, end.Note
	if end.State == Restored {
		e.say("workspace %s: %s is again as before (%s)", o.Workspace.Name, o.Name, In(o.Before))
	}
}

// ended says what became of a lease that another run ended.
func (e *Elevator) ended(ctx context.Context, anew bool, o *Outcome) {
	if anew {
		o.State, o.Note = Shared, "another run put it back, and another has made it ADMIN anew"
		return
	}
	now, err := e.Account.OwnAssignment(ctx, o.Workspace.ID, o.Who)
	switch {
	case err != nil:
		o.State, o.Note = Open, "another run ended it, and what it is now cannot be read: "+err.Error()
	case now == o.Before:
		o.State, o.Note = Restored, "another run put it back"
	default:
		o.State, o.Note = Foreign, fmt.Sprintf("another run ended it; now it is %s", In(now))
	}
}
