// Package invariant says what must hold of every run of the executor, whatever fails on the way, as functions of
// what happened. It knows nothing of how the executor works: only what it recorded, what reached the account, and
// what others did there.
package invariant

import (
	"fmt"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/plan"
)

// What says what kind of thing happened.
type What int

// The kinds of event.
const (
	Moved   What = iota // a plan came to State
	Began               // an intent is durable
	Ended               // an outcome is durable
	Sent                // a write of ours reached the account: the cell went From, To
	Changed             // somebody else changed a cell From, To
	Alarmed             // a person was called
	Leased              // By took the lease of the plan; its Number is the epoch
)

// Event is one thing that happened, in the order of a Trace. Which fields are set depends on What.
type Event struct {
	At        time.Time
	What      What
	By        string // the process
	Plan      string
	Step      string
	Number    int64
	Cell      plan.Cell
	From, To  plan.Value
	State     apply.State
	Digest    string
	EndsAt    time.Time
	Result    apply.Outcome
	Uncertain bool
}

// Trace is what happened in one run.
type Trace struct {
	Plans map[string]plan.Plan
	// Digests are what was consented to.
	Digests map[string]string
	Events  []Event
	// Lag is how far readings could lag behind writes.
	Lag time.Duration
	// Asked are the plans of which a person said that what is uncertain is to be taken back, too.
	Asked map[string]bool
	// End is when the run ended. DownUntil is until when requests could fail.
	End, DownUntil time.Time
}

// All checks everything, and gives the first thing that does not hold.
func All(t Trace) error {
	for _, check := range []func(Trace) error{I1, I2, I3, I4, I6} {
		if err := check(t); err != nil {
			return err
		}
	}
	return nil
}

// I1: nothing is written unless the store already has the plan Applying, under the digest that was consented to, begun
// in time, and its lease is with whoever writes.
func I1(t Trace) error {
	state := map[string]Event{}
	begun := map[string]time.Time{}
	lease := map[string]string{}
	for i, e := range t.Events {
		switch e.What {
		case Moved:
			if e.State == apply.Applying && state[e.Plan].State == apply.Approved {
				begun[e.Plan] = e.At
			}
			state[e.Plan] = e
		case Leased:
			lease[e.Plan] = e.By
		case Sent:
			p := t.Plans[e.Plan]
			switch now := state[e.Plan]; {
			case now.State != apply.Applying:
				return violated("I1", i, e, "the plan is %q", now.State)
			case now.Digest != t.Digests[e.Plan]:
				return violated("I1", i, e, "the digest is not the one consented to")
			case !begun[e.Plan].Before(p.ExpiresAt):
				return violated("I1", i, e, "it was begun after its time")
			case lease[e.Plan] != e.By:
				return violated("I1", i, e, "the lease is with %s", lease[e.Plan])
			}
		default:
		}
	}
	return nil
}

// I2: when a plan ends Applied, every cell of it holds what it was to hold, unless somebody else changed it since, or another
// plan did; each effect was made once, unless somebody else undid it; and nothing else was written.
func I2(t Trace) error {
	for i, e := range t.Events {
		if e.What == Sent && stepOf(t.Plans[e.Plan], e.Cell) == nil {
			return violated("I2", i, e, "the plan has no such cell")
		}
		if e.What != Moved || e.State != apply.Applied {
			continue
		}
		p := t.Plans[e.Plan]
		outcome := outcomes(t, e.Plan, i)
		for _, s := range p.Executable() {
			effects, foreign, last := 0, 0, Event{}
			begun, since := false, false // somebody else changed it after the first attempt was begun
			for _, c := range t.Events[:i] {
				begun = begun || c.What == Began && c.Plan == e.Plan && c.Step == s.ID
				if c.Cell != s.Change.Cell || c.What != Sent && c.What != Changed || c.From == c.To {
					continue
				}
				if c.What == Sent && c.Plan == e.Plan {
					effects++
				} else {
					foreign++
					since = begun
				}
				last = c
			}
			done, ok := outcome[s.ID]
			switch {
			case !ok || done.Result != apply.Done && done.Result != apply.Already:
				return violated("I2", i, e, "%s has no outcome", s.ID)
			case effects > 1+foreign:
				return violated("I2", i, e, "%s was made effective %d times", s.ID, effects)
			case done.Result == apply.Done && last.To != s.Change.After && last.What != Changed && !since:
				return violated("I2", i, e, "%s holds %q", s.ID, last.To)
			}
		}
	}
	return nil
}

// I3: what is taken back is what we made effective, and it goes back to what it was before; what was there before, or
// what somebody else gave since, stays. What no reading could have shown is nobody's fault: see shrouded. What another of
// our plans gave is in the record, so that nothing excuses taking that.
func I3(t Trace) error {
	for i, e := range t.Events {
		p := t.Plans[e.Plan]
		if e.What != Sent || p.Parent == "" || e.From == e.To {
			continue
		}
		parent := t.Plans[p.Parent]
		s := stepOf(parent, e.Cell)
		if s == nil {
			return violated("I3", i, e, "the plan that is taken back has no such cell")
		}
		done := outcomes(t, parent.ID, i)[s.ID]
		switch {
		case done.Result != apply.Done:
			return violated("I3", i, e, "%s of the plan ended %q", s.ID, done.Result)
		case done.Uncertain && !t.Asked[parent.ID]:
			return violated("I3", i, e, "whether %s was ours is uncertain, and nobody was asked", s.ID)
		case e.To != s.Change.Before:
			return violated("I3", i, e, "it held %q before the plan", s.Change.Before)
		}
		if last := lastChange(t, e.Cell, i); last.What == Sent && last.To == s.Change.After && t.stands(last.Plan, parent.ID, e.Cell, i) {
			return violated("I3", i, e, "it is what plan %s gave", last.Plan)
		}
		ours := false
		for _, c := range t.Events[:i] {
			// What was left to this plan when another was taken back is this one's by then.
			if c.What == Sent && (c.Plan == parent.ID || t.released(c.Plan, e.Cell, i)) && c.Cell == e.Cell && c.From == s.Change.Before && c.To == s.Change.After {
				ours = true
			}
		}
		if !ours && !done.Uncertain && !shrouded(t, parent.ID, s.ID, e.Cell, i) {
			return violated("I3", i, e, "%s was not ours", s.ID)
		}
		if e.From != s.Change.After && !shrouded(t, p.ID, stepOf(p, e.Cell).ID, e.Cell, i+1) {
			return violated("I3", i, e, "somebody changed it to %q since", e.From)
		}
	}
	return taken(t)
}

// taken checks that what was taken back is gone, unless another plan gave it, too.
func taken(t Trace) error {
	for i, e := range t.Events {
		if e.What != Moved || e.State != apply.Undone {
			continue
		}
		p := t.Plans[e.Plan]
		for step, done := range outcomes(t, p.ID, i) {
			s := stepByID(p, step)
			if done.Result != apply.Done || s == nil {
				continue
			}
			last := lastChange(t, s.Change.Cell, i)
			if last.What == Sent && last.Plan == p.ID && !t.givenToo(p.ID, *s, i) {
				return violated("I3", i, e, "%s still holds what the plan gave", step)
			}
		}
	}
	return nil
}

// I4: every write has an intent that is durable before it and open, and in the end every attempt has an outcome, or the
// plan waits for a person who was called.
func I4(t Trace) error {
	type key struct {
		plan, step string
		number     int64
	}
	open := map[key]bool{}
	called := map[string]bool{}
	state := map[string]apply.State{}
	for i, e := range t.Events {
		k := key{e.Plan, e.Step, e.Number}
		switch e.What {
		case Began:
			open[k] = true
		case Ended:
			if !open[k] {
				return violated("I4", i, e, "there is no such intent")
			}
			open[k] = e.Result == apply.Unknown || e.Result == ""
		case Sent:
			found := false
			for k, is := range open {
				s := stepByID(t.Plans[e.Plan], k.step)
				found = found || is && k.plan == e.Plan && s != nil && s.Change.Cell == e.Cell
			}
			if !found {
				return violated("I4", i, e, "there is no intent")
			}
		case Alarmed:
			called[e.Plan] = true
		case Moved:
			state[e.Plan] = e.State
		default:
		}
	}
	for k, is := range open {
		if is && !called[k.plan] && !called[t.Plans[k.plan].Parent] {
			return fmt.Errorf("I4: attempt %d of %s of %s has no outcome, and nobody was called", k.number, k.step, k.plan)
		}
	}
	return nil
}

// grace is how long after its time access may still be there.
const grace = 5 * time.Minute

// I6: access for a time is gone five minutes after it, or another plan gave it, too, or the plan is overdue and a person
// was called.
func I6(t Trace) error {
	ends := map[string]time.Time{}
	for _, e := range t.Events {
		if e.What == Moved && !e.EndsAt.IsZero() {
			ends[e.Plan] = e.EndsAt
		}
	}
	for id, at := range ends {
		deadline := at.Add(grace)
		if deadline.After(t.End) || t.DownUntil.After(at) {
			continue // it is not over yet, or requests could still fail then
		}
		var until int
		called := false
		for until = 0; until < len(t.Events) && !t.Events[until].At.After(deadline); until++ {
			e := t.Events[until]
			called = called || e.What == Alarmed && e.Plan == id
		}
		for _, s := range t.Plans[id].Executable() {
			last := lastChange(t, s.Change.Cell, until)
			if last.What == Sent && last.Plan == id && last.To == s.Change.After && last.From != last.To && !called && !t.givenToo(id, s, until) {
				return fmt.Errorf("I6: %s of plan %s is still there at %s, and nobody was called", s.ID, id, deadline.Format(time.TimeOnly))
			}
		}
	}
	return nil
}

// stands reports whether a plan is another one than id, nor one that takes id back, and what it did to a cell was not
// taken back before an event.
func (t Trace) stands(other, id string, cell plan.Cell, before int) bool {
	return other != id && t.Plans[other].Parent != id && !t.released(other, cell, before)
}

// released reports whether taking a plan back was over for a cell before an event: it was written, or there was nothing
// to take, or it was left to another plan.
func (t Trace) released(id string, cell plan.Cell, before int) bool {
	for child, p := range t.Plans {
		if p.Parent != id {
			continue
		}
		s := stepOf(p, cell)
		if s == nil {
			continue
		}
		if r := outcomes(t, child, before)[s.ID].Result; r == apply.Done || r == apply.Already {
			return true
		}
	}
	return false
}

// givenToo reports whether another plan than id made the change of a step before an event, or may have, and that
// was not taken back.
func (t Trace) givenToo(id string, s plan.Step, before int) bool {
	for other, p := range t.Plans {
		its := stepOf(p, s.Change.Cell)
		if its == nil || its.Change.After != s.Change.After || !t.stands(other, id, s.Change.Cell, before) {
			continue
		}
		made := false
		for _, e := range t.Events[:before] {
			if e.Plan != other || e.Step != its.ID {
				continue
			}
			switch e.What {
			case Began:
				made = true
			case Ended:
				made = e.Result == apply.Done || e.Result == apply.Unknown
			default:
			}
		}
		if made {
			return true
		}
	}
	return false
}

// shrouded reports whether somebody else changed the cell so shortly before a write of ours that no reading showed it
// for sure, or while the answer was waited for: from Lag before the intent until the outcome, or until now.
func shrouded(t Trace, id, step string, cell plan.Cell, now int) bool {
	var from, until time.Time
	by := ""
	for _, e := range t.Events[:now] {
		if e.Plan != id || e.Step != step {
			continue
		}
		if e.What == Began {
			from, until, by = e.At, t.End, e.By
		}
		if e.What == Ended && e.By == by {
			until = e.At
		}
		if e.What == Ended && e.By != by {
			until = from // somebody else found it out later, and knows that he cannot know
		}
		if e.What == Ended && e.Result == apply.Done {
			break
		}
	}
	for _, e := range t.Events {
		if e.What == Changed && e.Cell == cell && !e.At.Before(from.Add(-t.Lag-reading)) && !e.At.After(until) {
			return true
		}
	}
	return false
}

// reading is how long it may take from a reading to the write that rests on it.
const reading = 16 * time.Second

// outcomes are the newest outcomes of a plan's steps before an event.
func outcomes(t Trace, id string, before int) map[string]Event {
	found := map[string]Event{}
	for _, e := range t.Events[:before] {
		if e.What == Ended && e.Plan == id {
			found[e.Step] = e
		}
	}
	return found
}

func lastChange(t Trace, c plan.Cell, before int) Event {
	last := Event{What: Moved}
	for _, e := range t.Events[:before] {
		if e.Cell == c && (e.What == Sent || e.What == Changed) && e.From != e.To {
			last = e
		}
	}
	return last
}

func stepOf(p plan.Plan, c plan.Cell) *plan.Step {
	for _, s := range p.Executable() {
		if s.Change.Cell == c {
			return &s
		}
	}
	return nil
}

func stepByID(p plan.Plan, id string) *plan.Step {
	for _, s := range p.Executable() {
		if s.ID == id {
			return &s
		}
	}
	return nil
}

func violated(which string, i int, e Event, format string, args ...any) error {
	return fmt.Errorf("%s: event %d (%s, %s, %s %q to %q): %s", which, i, e.By, e.Plan, e.Cell.Kind, e.From, e.To, fmt.Sprintf(format, args...))
}
