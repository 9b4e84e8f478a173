package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/invariant"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// rights says what the world says of the process's rights, after a while.
func (p *process) rights(ctx context.Context, steps []plan.Step) (plan.Rights, error) {
	p.boundary("rights", p.w.briefly())
	if p.late(ctx) {
		return plan.Rights{}, context.DeadlineExceeded
	}
	r := plan.Rights{Caller: identity.Principal{Key: target, Name: "carol"}}
	for _, s := range steps {
		r.Steps = append(r.Steps, plan.Right{Step: s.ID, May: p.w.may(s.Change.Cell), Needs: "to be somebody else", Who: []string{"erin"}, Why: "it was hidden"})
	}
	p.boundary("rights done", 0)
	return r, nil
}

// lack makes the world deny the rights to some steps of a plan, by their place.
func (w *world) lack(p plan.Plan, answer plan.Answer, places ...int) {
	w.may = func(c plan.Cell) plan.Answer {
		for _, n := range places {
			if p.Steps[n].Change.Cell == c {
				return answer
			}
		}
		return plan.May
	}
}

// missing are the steps that an error says the caller lacks the right for.
func missing(t *testing.T, err error) string {
	t.Helper()
	lacks, ok := errors.AsType[*apply.NoRightError](err)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	var ids []string
	for _, m := range lacks.Missing {
		ids = append(ids, m.Step.ID)
		if !strings.Contains(err.Error(), m.Step.ID+" (") || !strings.Contains(err.Error(), "to be somebody else: erin has that") {
			t.Errorf("the error does not say what %s takes, and who has it: %v", m.Step.ID, err)
		}
	}
	return strings.Join(ids, " ")
}

// happened counts the events of a kind.
func (w *world) happened(what invariant.What) (n int) {
	for _, e := range w.trace.Events {
		if e.What == what {
			n++
		}
	}
	return n
}

// TestR04_ARightThatIsMissingIsNamedBeforeTheFirstWrite lacks the right to every choice of steps: nothing is written, no intent
// is recorded, and somebody who has the rights can apply the same plan.
func TestR04_ARightThatIsMissingIsNamedBeforeTheFirstWrite(t *testing.T) {
	for _, lacks := range [][]int{{0}, {1}, {2}, {0, 2}, {0, 1, 2}} {
		t.Run(fmt.Sprint(lacks), func(t *testing.T) {
			w, p := small(t, 0)
			w.lack(p, plan.MayNot, lacks...)
			var want []string
			for _, n := range lacks {
				want = append(want, p.Steps[n].ID)
			}
			got := w.one(bring(p.ID))
			if ids := missing(t, got.err); ids != strings.Join(want, " ") {
				t.Errorf("missing are %s, not %v", ids, want)
			}
			if s := w.state(p.ID); s != apply.Approved || w.wrote() > 0 || w.happened(invariant.Began) > 0 {
				t.Fatalf("the plan is %s, %d writes, %d intents", s, w.wrote(), w.happened(invariant.Began))
			}
			for n := range p.Steps {
				if said := got.out.Rights.Of(p.Steps[n].ID).May; said != w.may(p.Steps[n].Change.Cell) {
					t.Errorf("%s: the result says %s", p.Steps[n].ID, said)
				}
			}
			w.lack(p, plan.MayNot)
			if again := w.one(bring(p.ID)); again.err != nil || w.holds(p) != "xxx" {
				t.Fatalf("with the rights: %v, the account holds %s", again.err, w.holds(p))
			}
			w.check(t)
		})
	}
}

// TestR04_WhatIsNotKnownIsTried goes on where it is not known whether the caller may, and says so; so it does where that could not
// be found out at all.
func TestR04_WhatIsNotKnownIsTried(t *testing.T) {
	for name, takes := range map[string]time.Duration{"": 0, "and what was asked came too late": 40 * time.Second} {
		t.Run(name, func(t *testing.T) {
			w, p := small(t, 0)
			w.lack(p, plan.NotKnown, 1)
			why := "it was hidden"
			if takes > 0 {
				why = context.DeadlineExceeded.Error()
				w.lack(p, plan.MayNot, 0, 1, 2) // nobody will hear of it
			}
			w.during = func(where string) {
				if where == "rights" {
					w.now = w.now.Add(takes)
				}
			}
			got := w.one(bring(p.ID))
			if got.err != nil || w.holds(p) != "xxx" {
				t.Fatalf("%v, the account holds %s", got.err, w.holds(p))
			}
			if said := got.out.Rights.Of("s2"); said.May != plan.NotKnown || said.Why != why {
				t.Errorf("of s2 it was said %+v", said)
			}
			w.check(t)
		})
	}
}

// TestR04_ARightThatIsLostOnTheWayStopsThePlan loses a right after it was looked at: it is as if nobody had looked.
func TestR04_ARightThatIsLostOnTheWayStopsThePlan(t *testing.T) {
	w, p := small(t, 0)
	w.lack(p, plan.May)
	sent := 0
	w.answer = func([]plan.Change) (bool, error) {
		if sent++; sent == 2 {
			return false, &identity.Failure{Kind: identity.Forbidden, Status: 403, Message: "not any more"}
		}
		return true, nil
	}
	got := w.one(bring(p.ID))
	if _, ok := errors.AsType[*apply.PartialError](got.err); !ok || w.state(p.ID) != apply.PartiallyApplied || w.holds(p) != "x.." {
		t.Fatalf("%v: the plan is %s, the account holds %s", got.err, w.state(p.ID), w.holds(p))
	}

	// Without the right it is not gone on with, and rests where it is.
	w.lack(p, plan.MayNot, 1)
	began := w.happened(invariant.Began)
	got = w.one(bring(p.ID))
	if _, partial := errors.AsType[*apply.PartialError](got.err); partial {
		t.Errorf("nothing was begun, and it is said to have stopped: %v", got.err)
	}
	if ids := missing(t, got.err); ids != "s2" || w.state(p.ID) != apply.PartiallyApplied || w.happened(invariant.Began) != began {
		t.Fatalf("missing are %s, the plan is %s, %d more intents", ids, w.state(p.ID), w.happened(invariant.Began)-began)
	}
	// What is done is not asked about again.
	w.lack(p, plan.MayNot, 0)
	if got := w.one(bring(p.ID)); got.err != nil || w.holds(p) != "xxx" {
		t.Fatalf("%v, the account holds %s", got.err, w.holds(p))
	}
	w.check(t)
}

// TestR04_APlanOfADeadProcessNeedsTheRights lets the process die with a step in flight: what became of that is found out, and the
// rest is not begun without the rights.
func TestR04_APlanOfADeadProcessNeedsTheRights(t *testing.T) {
	w, p := small(t, 0)
	w.lack(p, plan.May)
	writes := 0
	w.at = func(_ *process, where string) bool {
		if where == "write done" {
			writes++
		}
		return where == "write done" && writes == 1
	}
	w.one(bring(p.ID))
	w.now = w.now.Add(5 * time.Minute)
	w.lack(p, plan.MayNot, 0, 2)
	got := w.one(bring(p.ID))
	if ids := missing(t, got.err); ids != "s3" {
		t.Errorf("missing are %s", ids)
	}
	if _, ok := errors.AsType[*apply.PartialError](got.err); !ok || w.state(p.ID) != apply.PartiallyApplied || w.holds(p) != "x.." {
		t.Fatalf("%v: the plan is %s, the account holds %s", got.err, w.state(p.ID), w.holds(p))
	}
	w.check(t)
}

// TestR04_WhatMayBeDoneAlreadyNeedsNoRight resumes a plan with a step of which it is not known what became: that is found out
// first, and where it was done after all nobody needs the right to it.
func TestR04_WhatMayBeDoneAlreadyNeedsNoRight(t *testing.T) {
	w, p := small(t, 0)
	w.lack(p, plan.May)
	sent := 0
	w.answer = func([]plan.Change) (bool, error) { sent++; return sent != 2, nil }
	if w.one(bring(p.ID)); w.state(p.ID) != apply.PartiallyApplied || w.holds(p) != "x.." {
		t.Fatalf("the plan is %s, the account holds %s", w.state(p.ID), w.holds(p))
	}
	late := *p.Steps[1].Change
	w.trace.Events = append(w.trace.Events, invariant.Event{At: w.now, What: invariant.Changed, By: "somebody", Cell: late.Cell, From: w.set(late.Cell, late.After), To: late.After})
	w.lack(p, plan.MayNot, 1)
	if got := w.one(bring(p.ID)); got.err != nil || w.holds(p) != "xxx" {
		t.Fatalf("%v, the account holds %s", got.err, w.holds(p))
	}
	w.check(t)
}

// TestR04_UndoSaysWhatRightIsMissing refuses to take back in part, before anything says that it is being taken back.
func TestR04_UndoSaysWhatRightIsMissing(t *testing.T) {
	w, p := small(t, 0)
	w.one(bring(p.ID))
	began := w.happened(invariant.Began)
	w.lack(p, plan.MayNot, 2)
	// The steps are taken back in the opposite order, and named anew.
	if ids := missing(t, w.one(takeBack(p.ID, false)).err); ids != "s1" {
		t.Errorf("missing are %s", ids)
	}
	children, err := w.store.Children(t.Context(), p.ID)
	if err != nil || len(children) > 0 || w.state(p.ID) != apply.Applied || w.holds(p) != "xxx" || w.happened(invariant.Began) != began {
		t.Fatalf("%v: %d plans to take it back, it is %s, the account holds %s", err, len(children), w.state(p.ID), w.holds(p))
	}
	w.lack(p, plan.May)
	if got := w.one(takeBack(p.ID, false)); got.err != nil || w.holds(p) != "..." || w.state(p.ID) != apply.Undone {
		t.Fatalf("with the rights: %v, it is %s, the account holds %s", got.err, w.state(p.ID), w.holds(p))
	}
	w.check(t)
}

// TestR04_WhatIsOverEndsAsFarAsItCan takes back what the caller may, alarms for the rest, and goes on with that once it may.
func TestR04_WhatIsOverEndsAsFarAsItCan(t *testing.T) {
	for _, c := range []struct {
		lacks []int
		holds string
	}{{[]int{1}, ".x."}, {[]int{0, 2}, "x.x"}, {[]int{0, 1, 2}, "xxx"}} {
		t.Run(fmt.Sprint(c.lacks), func(t *testing.T) {
			w, p := small(t, time.Minute)
			w.one(bring(p.ID))
			w.now = w.now.Add(10 * time.Minute)
			w.trace.DownUntil = w.now.Add(time.Hour) // nobody can do it so long
			w.lack(p, plan.MayNot, c.lacks...)
			for round := range 3 {
				sent, alarms := w.wrote(), w.happened(invariant.Alarmed)
				got := w.one(expire)
				if ids := missing(t, got.err); len(strings.Fields(ids)) == 0 {
					t.Errorf("missing are %s", ids)
				}
				if w.state(p.ID) != apply.ExpiryOverdue || w.holds(p) != c.holds || w.happened(invariant.Alarmed) == alarms {
					t.Fatalf("round %d: %v: it is %s, the account holds %s, %d alarms", round, got.err, w.state(p.ID), w.holds(p), w.happened(invariant.Alarmed)-alarms)
				}
				if round > 0 && w.wrote() != sent {
					t.Fatalf("round %d: written again", round)
				}
				if children, err := w.store.Children(t.Context(), p.ID); err != nil || len(children) > 0 && len(c.lacks) == len(p.Steps) {
					t.Fatalf("%v: there are %d plans to take it back, of which nothing can be done", err, len(children))
				}
				w.now = w.now.Add(time.Minute)
			}
			w.lack(p, plan.May)
			if got := w.one(expire); got.err != nil || w.holds(p) != "..." || w.state(p.ID) != apply.Undone {
				t.Fatalf("with the rights: %v, it is %s, the account holds %s", got.err, w.state(p.ID), w.holds(p))
			}
			w.check(t)
		})
	}
}

// TestR04_DyingWhileRightsAreLookedAt ends the process at each boundary around that: nothing is lost by it.
func TestR04_DyingWhileRightsAreLookedAt(t *testing.T) {
	for name, life := range lives {
		for _, where := range []string{"rights", "rights done"} {
			t.Run(name+" "+where, func(t *testing.T) {
				w, p := small(t, 0)
				w.lack(p, plan.May)
				w.at = func(_ *process, at string) bool { return at == where }
				life(w, p)
				if w.wrote() > 0 || w.state(p.ID) != apply.Approved {
					t.Fatalf("%d writes, the plan is %s", w.wrote(), w.state(p.ID))
				}
				w.at = nil
				w.now = w.now.Add(5 * time.Minute)
				life(w, p)
				if got := w.holds(p); !slices.Contains([]string{"xxx", "..."}, got) || (got == "xxx") != (name == "apply") {
					t.Fatalf("the account holds %s", got)
				}
				w.check(t)
			})
		}
	}
}
