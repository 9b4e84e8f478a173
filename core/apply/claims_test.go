package apply_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/invariant"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// one is a world in good weather with plans of one change, the same in all of them.
type one struct {
	*world
	t      *testing.T
	change plan.Change
}

func oneChange(t *testing.T, c plan.Change) *one {
	t.Helper()
	w := newWorld(7, weather{})
	w.open()
	t.Cleanup(func() { _ = w.ledger.Close() })
	w.cells[c.Cell] = []version{{w.now.Add(-time.Hour), c.Before}}
	return &one{w, t, c}
}

// member is the change that puts bob into a group.
var member = plan.Change{After: plan.Present, Cell: plan.Cell{Kind: plan.Member, Holder: target, Group: identity.PrincipalKey{Kind: identity.KindGroup, ID: "100"}}}

// plan gives another plan of the change, for a time or for ever.
func (o *one) plan(d time.Duration) plan.Plan { return o.giveThese([]plan.Change{o.change}, d) }

// dies applies a plan in a process that dies at a boundary, and waits until its leases are over.
func (o *one) dies(p plan.Plan, at string) {
	o.t.Helper()
	o.at = func(_ *process, where string) bool { return where == at }
	if died := o.one(bring(p.ID)); !errors.Is(died.err, errCrashed) {
		o.t.Fatalf("it did not die %s: %v", at, died.err)
	}
	o.at = nil
	o.now = o.now.Add(2 * time.Minute)
}

// The boundaries at which a process dies with an intent: before its write, and with the write made.
const (
	unsent = "begin done"
	sent   = "write done"
)

// gives applies a plan.
func (o *one) gives(p plan.Plan) {
	o.t.Helper()
	if done := o.one(bring(p.ID)); done.err != nil || o.state(p.ID) != apply.Applied {
		o.t.Fatalf("%s is %s: %v", p.ID, o.state(p.ID), done.err)
	}
}

// undo takes a plan back, with what is uncertain, and checks where it comes to stand and what the account holds then.
func (o *one) undo(p plan.Plan, state apply.State, holds plan.Value) *process {
	o.t.Helper()
	o.trace.Asked[p.ID] = true
	undone := o.one(takeBack(p.ID, true))
	o.stands(p, state, holds)
	if (undone.err == nil) != (state == apply.Undone) {
		o.t.Fatalf("%s is %s, and the error is %v", p.ID, state, undone.err)
	}
	return undone
}

// stands checks where a plan stands, what the account holds, and that every invariant does that is not about the end.
func (o *one) stands(p plan.Plan, state apply.State, holds plan.Value) {
	o.t.Helper()
	if got, now := o.state(p.ID), o.value(o.change.Cell); got != state || now != holds {
		tell(o.t, o.world)
		o.t.Fatalf("%s is %s and the account holds %q, want %s and %q", p.ID, got, now, state, holds)
	}
	for _, check := range []func(invariant.Trace) error{invariant.I1, invariant.I2, invariant.I3} {
		if err := check(o.trace); err != nil {
			tell(o.t, o.world)
			o.t.Fatal(err)
		}
	}
}

// says checks that what became of the only step of an undo names another plan.
func (o *one) says(p *process, status apply.Status, other plan.Plan) {
	o.t.Helper()
	if s := p.out.Steps; len(s) != 1 || s[0].Status != status || !strings.Contains(s[0].Error, other.ID) {
		o.t.Fatalf("the steps are %+v, and do not name %s", s, other.ID)
	}
}

// TestI3_AnotherPlanGaveIt: a plan died with an intent that had no effect, and another gave the same. Nobody can tell whose it is,
// so it is left to the other, whatever a person says, until that one is taken back, too.
func TestI3_AnotherPlanGaveIt(t *testing.T) {
	o := oneChange(t, member)
	dead, other := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.gives(other)
	o.says(o.undo(dead, apply.Undone, plan.Present), apply.StatusLeft, other)
	o.undo(other, apply.Undone, plan.Absent)
}

// TestI3_AnotherPlanGaveIt_NobodyAsked: what is left to another plan needs no person to say whose it was.
func TestI3_AnotherPlanGaveIt_NobodyAsked(t *testing.T) {
	o := oneChange(t, member)
	dead, other := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.gives(other)
	if undone := o.one(takeBack(dead.ID, false)); undone.err != nil {
		t.Fatal(undone.err)
	}
	o.stands(dead, apply.Undone, plan.Present)
	o.undo(other, apply.Undone, plan.Absent)
}

// TestI3_EitherOrder: whichever is taken back first leaves it to the other, and the last takes it.
func TestI3_EitherOrder(t *testing.T) {
	o := oneChange(t, member)
	dead, other := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.gives(other)
	o.gives(dead) // resumed: it finds it made, and cannot know by whom
	o.says(o.undo(other, apply.Undone, plan.Present), apply.StatusLeft, dead)
	o.undo(dead, apply.Undone, plan.Absent)
}

// TestI3_TheOtherWasUndone: what another plan gave and took back is no reason to leave anything.
func TestI3_TheOtherWasUndone(t *testing.T) {
	o := oneChange(t, member)
	dead, other := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.gives(other)
	o.undo(dead, apply.Undone, plan.Present)
	o.undo(other, apply.Undone, plan.Absent)

	first, second := o.plan(0), o.plan(0)
	o.gives(first)
	o.undo(first, apply.Undone, plan.Absent)
	o.gives(second)
	o.undo(second, apply.Undone, plan.Absent)
}

// TestI3_BothDied: two plans died with an intent. Taking one back is refused while nobody knows what became of the other.
func TestI3_BothDied(t *testing.T) {
	o := oneChange(t, member)
	dead, other := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.dies(other, sent)
	o.says(o.undo(dead, apply.UndoPending, plan.Present), apply.StatusRefused, other)
	o.gives(other)
	o.says(o.undo(dead, apply.Undone, plan.Present), apply.StatusLeft, other)
	o.undo(other, apply.Undone, plan.Absent)
}

// TestI3_BothDied_TheOtherIsUndone: it is found out, too, by taking the other one back.
func TestI3_BothDied_TheOtherIsUndone(t *testing.T) {
	o := oneChange(t, member)
	dead, other := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.dies(other, sent)
	o.undo(dead, apply.UndoPending, plan.Present)
	o.undo(other, apply.Undone, plan.Present)
	o.undo(dead, apply.Undone, plan.Absent)
}

// TestI3_TheOtherFoundItSo: a plan whose step was there already relies on it, but did not give it: it goes with the plan
// that did, and the other has nothing to take back.
func TestI3_TheOtherFoundItSo(t *testing.T) {
	o := oneChange(t, member)
	gave, found := o.plan(0), o.plan(0)
	o.gives(gave)
	o.gives(found)
	o.undo(gave, apply.Undone, plan.Absent)
	before := o.wrote()
	o.undo(found, apply.Undone, plan.Absent)
	if o.wrote() != before {
		t.Error("it took back what it had not given")
	}
}

// TestI6_TimedBesideForEver: what ends because its time is over stays where another plan gave it for ever, and nobody is
// called.
func TestI6_TimedBesideForEver(t *testing.T) {
	o := oneChange(t, member)
	timed, other := o.plan(10*time.Minute), o.plan(0)
	o.dies(timed, unsent)
	o.gives(other)
	o.gives(timed)
	o.now = o.now.Add(10 * time.Minute)
	if over := o.one(expire); over.err != nil {
		t.Fatal(over.err)
	}
	o.stands(timed, apply.Undone, plan.Present)
	for _, e := range o.trace.Events {
		if e.What == invariant.Alarmed {
			t.Error("somebody was called")
		}
	}
}

// TestI6_TwoTimes: of two plans that gave it for a time, each keeps it until its own is over.
func TestI6_TwoTimes(t *testing.T) {
	o := oneChange(t, member)
	short, long := o.plan(10*time.Minute), o.plan(30*time.Minute)
	o.dies(short, unsent)
	o.gives(long)
	o.gives(short)
	o.now = o.now.Add(10 * time.Minute)
	o.one(expire)
	o.stands(short, apply.Undone, plan.Present)
	o.now = o.now.Add(20 * time.Minute)
	o.one(expire)
	o.stands(long, apply.Undone, plan.Absent)
}

// TestI6_TheOtherIsUnknown: what ends because its time is over is overdue, and a person is called, while another plan
// may have given it; it ends as soon as that is known.
func TestI6_TheOtherIsUnknown(t *testing.T) {
	o := oneChange(t, member)
	timed, other := o.plan(10*time.Minute), o.plan(0)
	o.dies(other, unsent)
	o.gives(timed)
	o.now = o.now.Add(10 * time.Minute)
	over := o.one(expire)
	if over.err == nil || !strings.Contains(over.err.Error(), other.ID) {
		t.Fatalf("got %v", over.err)
	}
	o.stands(timed, apply.ExpiryOverdue, plan.Present)
	o.undo(other, apply.Undone, plan.Present)
	o.trace.Asked[timed.ID] = false
	if over := o.one(expire); over.err != nil {
		t.Fatal(over.err)
	}
	o.stands(timed, apply.Undone, plan.Absent)
}

// TestI6_WhatWasTakenSinceIsNobodys: another plan gave it once, and somebody else took it long before this plan gave it:
// what that plan has in the record is over, and keeps nothing.
func TestI6_WhatWasTakenSinceIsNobodys(t *testing.T) {
	for name, early := range map[string]func(o *one, p plan.Plan){
		"given":   func(o *one, p plan.Plan) { o.gives(p) },
		"unknown": func(o *one, p plan.Plan) { o.dies(p, sent) },
	} {
		t.Run(name, func(t *testing.T) {
			o := oneChange(t, member)
			old, timed := o.plan(0), o.plan(10*time.Minute)
			early(o, old)
			o.set(member.Cell, plan.Absent)
			o.trace.Events = append(o.trace.Events, invariant.Event{At: o.now, What: invariant.Changed, By: "somebody", Cell: member.Cell, From: plan.Present})
			o.now = o.now.Add(5 * time.Minute)
			o.gives(timed)
			o.now = o.now.Add(10 * time.Minute)
			if over := o.one(expire); over.err != nil {
				t.Fatal(over.err)
			}
			o.stands(timed, apply.Undone, plan.Absent)
		})
	}
}

// TestI3_GivenAgainSince: a plan gave it for certain, somebody took it, and another plan gave it again: it is the other's.
func TestI3_GivenAgainSince(t *testing.T) {
	o := oneChange(t, member)
	first, second := o.plan(0), o.plan(0)
	o.gives(first)
	o.set(member.Cell, plan.Absent)
	o.trace.Events = append(o.trace.Events, invariant.Event{At: o.now, What: invariant.Changed, By: "somebody", Cell: member.Cell, From: plan.Present})
	o.now = o.now.Add(5 * time.Minute)
	o.gives(second)
	o.says(o.undo(first, apply.Undone, plan.Present), apply.StatusLeft, second)
	o.undo(second, apply.Undone, plan.Absent)
}

// TestI3_UndoGoesOn: an undo that died before it wrote is gone on with after another plan gave it: it is left there.
func TestI3_UndoGoesOn(t *testing.T) {
	o := oneChange(t, member)
	first, second := o.plan(0), o.plan(0)
	o.gives(first)
	o.at = func(_ *process, where string) bool { return where == unsent }
	o.one(takeBack(first.ID, false))
	o.at = nil
	o.set(member.Cell, plan.Absent)
	o.trace.Events = append(o.trace.Events, invariant.Event{At: o.now, What: invariant.Changed, By: "somebody", Cell: member.Cell, From: plan.Present})
	o.now = o.now.Add(5 * time.Minute)
	o.gives(second)
	undone := o.one(takeBack(first.ID, false))
	o.says(undone, apply.StatusLeft, second)
	o.stands(first, apply.Undone, plan.Present)
}

// TestI3_TheOtherRuns: while another plan for the same principal is being carried out, taking back waits.
func TestI3_TheOtherRuns(t *testing.T) {
	o := oneChange(t, member)
	dead, other := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.dies(other, sent)
	o.spawn(func(p *process, e *apply.Executor) error {
		l, err := o.forProcess("running").Acquire(t.Context(), apply.HolderLease(other), time.Minute)
		if err != nil {
			return err
		}
		_, err = e.Undo(t.Context(), dead.ID, true)
		if busy, ok := errors.AsType[*apply.BusyError](err); !ok || busy.Holder != "running" {
			t.Errorf("got %v", err)
		}
		return o.forProcess("running").Release(t.Context(), l)
	})
	o.run()
	o.stands(dead, apply.Applying, plan.Present)
}

// TestI3_AnUndoIsNotUndone: what an undo of another plan restored stays restored: a plan that takes access away does not give
// it back when it is undone.
func TestI3_AnUndoIsNotUndone(t *testing.T) {
	o := oneChange(t, member)
	gave := o.plan(0)
	o.gives(gave)
	o.change.Before, o.change.After = plan.Present, plan.Absent
	removes := o.plan(0)
	o.dies(removes, unsent)
	undone := o.undo(gave, apply.Undone, plan.Absent)
	o.gives(removes)
	o.says(o.undo(removes, apply.Undone, plan.Absent), apply.StatusLeft, undone.out.Plan)
}

// TestI3_NoRightIsNeeded: to leave something to another plan takes no right to change it.
func TestI3_NoRightIsNeeded(t *testing.T) {
	o := oneChange(t, member)
	dead, other := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.gives(other)
	o.may = func(plan.Cell) plan.Answer { return plan.MayNot }
	o.says(o.undo(dead, apply.Undone, plan.Present), apply.StatusLeft, other)
}

// TestI3_OthersGoOn: a step that is refused because of another plan keeps no other step from being taken back, not even one
// that the same request would take.
func TestI3_OthersGoOn(t *testing.T) {
	grant := func(p identity.Privilege) plan.Change {
		return plan.Change{After: plan.Present, HolderName: "bob", Cell: plan.Cell{Kind: plan.Granted, Holder: target, Securable: identity.CatalogSecurable("m", "main"), Privilege: p}}
	}
	first, last := grant("SELECT"), grant("MODIFY")
	o := oneChange(t, last)
	both := o.giveThese([]plan.Change{first, last}, 0)
	other := o.plan(0)
	o.dies(other, unsent)
	o.gives(both)
	o.undo(both, apply.UndoPending, plan.Present)
	if got := o.value(first.Cell); got != plan.Absent {
		t.Errorf("the other step holds %q", got)
	}
	o.undo(other, apply.Undone, plan.Present)
	o.undo(both, apply.Undone, plan.Absent)
}

// TestI3_FoundAndDied: a plan found it made, long after another had given it, and died before it could say so. It is not known
// when it was last seen as it was before, so that nothing of the other's is over.
func TestI3_FoundAndDied(t *testing.T) {
	o := oneChange(t, member)
	gave, found := o.plan(0), o.plan(0)
	o.gives(gave)
	o.now = o.now.Add(time.Hour / 2)
	o.dies(found, unsent)
	o.gives(found)
	o.says(o.undo(found, apply.Undone, plan.Present), apply.StatusLeft, gave)
	o.undo(gave, apply.Undone, plan.Absent)
}

// TestI2_FoundAfterwards: a plan died long before another gave it, and was resumed after that: what it found is its own as far
// as the record goes, and stays while it stands.
func TestI2_FoundAfterwards(t *testing.T) {
	o := oneChange(t, member)
	dead, gave := o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.now = o.now.Add(10 * time.Minute)
	o.gives(gave)
	o.gives(dead)
	o.says(o.undo(gave, apply.Undone, plan.Present), apply.StatusLeft, dead)
	o.undo(dead, apply.Undone, plan.Absent)
}

// TestI3_HalfTakenBack: a plan that is being taken back has no claim on what it is done with, whatever becomes of the rest.
func TestI3_HalfTakenBack(t *testing.T) {
	o := oneChange(t, member)
	second := member
	second.Cell.Group.ID = "101"
	dead, both, blocks := o.plan(0), o.giveThese([]plan.Change{member, second}, 0), o.giveThese([]plan.Change{second}, 0)
	o.dies(dead, unsent)
	o.dies(blocks, unsent)
	o.gives(both)
	o.gives(dead)
	o.undo(both, apply.UndoPending, plan.Present)
	o.undo(dead, apply.Undone, plan.Absent)
}

// TestI3_OneIsSure: where one plan gave it and another may have, it is left to the one that did.
func TestI3_OneIsSure(t *testing.T) {
	o := oneChange(t, member)
	dead, sure, perhaps := o.plan(0), o.plan(0), o.plan(0)
	o.dies(dead, unsent)
	o.gives(sure)
	o.dies(perhaps, unsent)
	o.says(o.undo(dead, apply.Undone, plan.Present), apply.StatusLeft, sure)
}
