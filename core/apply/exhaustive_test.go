package apply_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/invariant"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// small is a world in good weather with one plan of three steps, none of which share a request.
func small(t *testing.T, d time.Duration) (*world, plan.Plan) {
	t.Helper()
	w := newWorld(7, weather{})
	w.open()
	t.Cleanup(func() { _ = w.ledger.Close() })
	return w, w.give(3, d)
}

// check fails the test where an invariant does not hold.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.trace.End = w.now
	if err := w.sound(); err != nil {
		tell(t, w)
		t.Fatal(err)
	}
}

// holds says which of the plan's steps the account has.
func (w *world) holds(p plan.Plan) string {
	out := ""
	for _, s := range p.Steps {
		switch w.value(s.Change.Cell) {
		case s.Change.After:
			out += "x"
		case s.Change.Before:
			out += "."
		default:
			out += "?"
		}
	}
	return out
}

var answers = map[string]struct {
	effect bool
	err    error
	state  apply.State // where the plan stands after it if the step is the first, and later; empty: it goes on
	later  apply.State
}{
	"400":               {false, &identity.Failure{Kind: identity.Failed, Status: 400}, apply.Failed, apply.PartiallyApplied},
	"401":               {false, &identity.Failure{Kind: identity.Forbidden, Status: 401}, apply.Failed, apply.PartiallyApplied},
	"403":               {false, &identity.Failure{Kind: identity.Forbidden, Status: 403}, apply.Failed, apply.PartiallyApplied},
	"404":               {false, &identity.Failure{Kind: identity.NotFound, Status: 404}, apply.Failed, apply.PartiallyApplied},
	"409":               {false, &identity.Failure{Kind: identity.Failed, Status: 409}, apply.Applied, apply.Applied},
	"429":               {false, &identity.Failure{Kind: identity.Throttled, Status: 429}, apply.Applied, apply.Applied},
	"500 lost":          {true, &identity.Failure{Kind: identity.Failed, Status: 500}, apply.Applied, apply.Applied},
	"500 without":       {false, &identity.Failure{Kind: identity.Failed, Status: 500}, apply.Applied, apply.Applied},
	"503 without":       {false, &identity.Failure{Kind: identity.Failed, Status: 503}, apply.Applied, apply.Applied},
	"timeout":           {false, context.DeadlineExceeded, apply.Applied, apply.Applied},
	"timeout after":     {true, context.DeadlineExceeded, apply.Applied, apply.Applied},
	"an error of ours":  {false, errors.New("no route to host"), apply.Applied, apply.Applied},
	"acknowledged only": {false, nil, apply.PartiallyApplied, apply.PartiallyApplied},
}

// TestR04_EveryStepFailsInEveryWay lets each step fail once in each way: the plan goes on or stops as the answer says,
// undo restores what was, and resume brings the rest.
func TestR04_EveryStepFailsInEveryWay(t *testing.T) {
	for name, a := range answers {
		for k := range 3 {
			for _, after := range []string{"undo", "resume"} {
				t.Run(fmt.Sprintf("%s at %d, %s", name, k+1, after), func(t *testing.T) {
					w, p := small(t, 0)
					sent := 0
					w.answer = func([]plan.Change) (bool, error) {
						sent++
						if sent == k+1 {
							return a.effect, a.err
						}
						return true, nil
					}
					w.one(bring(p.ID))
					want := a.later
					if k == 0 {
						want = a.state
					}
					if got := w.state(p.ID); got != want {
						tell(t, w)
						t.Fatalf("the plan is %s, want %s", got, want)
					}
					if got := w.holds(p); want == apply.Applied && got != "xxx" || want != apply.Applied && got != "xxx"[:k]+"..."[k:] {
						t.Fatalf("the account holds %s", got)
					}
					held := "..."
					if after == "resume" && want == apply.PartiallyApplied {
						w.one(bring(p.ID))
						held = "xxx"
					} else {
						w.one(takeBack(p.ID, true))
						w.trace.Asked[p.ID] = true
					}
					if got := w.holds(p); got != held {
						tell(t, w)
						t.Fatalf("after %s the account holds %s, want %s", after, got, held)
					}
					w.check(t)
				})
			}
		}
	}
}

// boundaries counts the boundaries of a life.
func boundaries(t *testing.T, d time.Duration, life func(w *world, p plan.Plan)) int {
	w, p := small(t, d)
	n := 0
	w.during = func(string) { n++ }
	life(w, p)
	return n
}

// stride is how many boundaries further the next one is that others come between at: one in a long run, and more in a
// short one, which takes seconds.
func stride(t *testing.T) int {
	if schedules(t, 0) >= 10_000 {
		return 1
	}
	return 23
}

// lives are what is done with a plan while others interfere.
var lives = map[string]func(w *world, p plan.Plan){
	"apply": func(w *world, p plan.Plan) { w.one(bring(p.ID)) },
	"apply and undo": func(w *world, p plan.Plan) {
		w.one(bring(p.ID))
		w.now = w.now.Add(5 * time.Minute)
		w.one(takeBack(p.ID, false))
	},
	"undo at once": func(w *world, p plan.Plan) {
		w.one(bring(p.ID))
		w.one(takeBack(p.ID, false))
	},
}

// TestT08_T33_OthersComeBetweenEverywhere lets somebody else change each cell, to each value, at each boundary of a life.
// Nothing is lost, doubled or taken from others, and nothing of the same cell is written after the change was seen.
func TestT08_T33_OthersComeBetweenEverywhere(t *testing.T) {
	for name, life := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at, n := 0, boundaries(t, 0, life); at < n; at += stride(t) {
				for cell := range 3 {
					for _, to := range []string{"before", "after", "other"} {
						w, p := small(t, 0)
						n := 0
						w.during = func(string) {
							if n++; n == at+1 {
								c := *p.Steps[cell].Change
								v := map[string]plan.Value{"before": c.Before, "after": c.After, "other": "something else"}[to]
								from := w.set(c.Cell, v)
								w.trace.Events = append(w.trace.Events, invariant.Event{At: w.now, What: invariant.Changed, By: "somebody", Cell: c.Cell, From: from, To: v})
							}
						}
						life(w, p)
						w.check(t)
					}
				}
			}
		})
	}
}

// TestR01_DiesEverywhere ends the process at each boundary of a life, before the call and after it, and lets another
// one bring it to its end.
func TestR01_DiesEverywhere(t *testing.T) {
	for name, life := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at, n := 0, boundaries(t, 0, life); at < n; at += (stride(t) + 2) / 3 {
				w, p := small(t, 0)
				n := 0
				w.at = func(*process, string) bool { n++; return n == at+1 }
				life(w, p)
				w.now = w.now.Add(5 * time.Minute)
				w.trace.Asked[p.ID] = true
				if w.state(p.ID) == apply.Approved && w.wrote() == 0 && name != "apply" {
					continue // it died before it began: there is nothing to take back
				}
				last := w.one(map[bool]func(*process, *apply.Executor) error{true: bring(p.ID), false: takeBack(p.ID, true)}[name == "apply"])
				if last.err != nil {
					tell(t, w)
					t.Fatalf("died at %d: %v", at, last.err)
				}
				want := map[bool]string{true: "xxx", false: "..."}[name == "apply"]
				if got := w.holds(p); got != want {
					tell(t, w)
					t.Fatalf("died at %d: the account holds %s, want %s", at, got, want)
				}
				w.check(t)
			}
		})
	}
}

// TestT08_MovedBeforeItBegan: whatever moved before the first write, nothing is written.
func TestT08_MovedBeforeItBegan(t *testing.T) {
	for cell := range 3 {
		w, p := small(t, 0)
		w.set(p.Steps[cell].Change.Cell, "something else")
		proc := w.one(bring(p.ID))
		stale, ok := errors.AsType[*apply.StaleError](proc.err)
		if !ok || len(stale.Drift) != 1 || stale.Drift[0].Step != p.Steps[cell].ID {
			t.Fatalf("got %v", proc.err)
		}
		if w.state(p.ID) != apply.Stale || w.wrote() > 0 {
			t.Fatalf("the plan is %s after %d writes", w.state(p.ID), w.wrote())
		}
	}
}

// wrote counts the writes that reached the account.
func (w *world) wrote() (n int) {
	for _, e := range w.trace.Events {
		if e.What == invariant.Sent {
			n++
		}
	}
	return n
}

// TestT37_TheGroupBecameExternal: a group that an identity provider took over is not written.
func TestT37_TheGroupBecameExternal(t *testing.T) {
	w := newWorld(1, weather{})
	w.open()
	t.Cleanup(func() { _ = w.ledger.Close() })
	p := w.give(6, 0)
	for _, s := range p.Steps {
		if s.Change.Cell.Kind == plan.Member {
			w.barred[s.Change.Cell.Group] = true
		}
	}
	if len(w.barred) == 0 {
		t.Fatal("the plan has no member")
	}
	proc := w.one(bring(p.ID))
	if _, ok := errors.AsType[*apply.StaleError](proc.err); !ok || w.wrote() > 0 {
		t.Fatalf("got %v after %d writes", proc.err, w.wrote())
	}
}

// TestR04_UndoOfUndo: what took something back is final, and doing it again does nothing.
func TestR04_UndoOfUndo(t *testing.T) {
	w, p := small(t, 0)
	w.one(bring(p.ID))
	undo := w.one(takeBack(p.ID, false))
	if undo.err != nil || w.holds(p) != "..." {
		t.Fatalf("got %v, and the account holds %s", undo.err, w.holds(p))
	}
	before := w.wrote()
	if again := w.one(takeBack(p.ID, false)); again.err != nil || w.wrote() != before {
		t.Errorf("undone again: %v, %d more writes", again.err, w.wrote()-before)
	}
	refused := w.one(takeBack(undo.out.Plan.ID, false))
	if _, ok := errors.AsType[*apply.RefusedError](refused.err); !ok || w.wrote() != before {
		t.Errorf("got %v, %d more writes", refused.err, w.wrote()-before)
	}
}

// TestApplyTwice: a plan that was applied is reported again, and nothing is written.
func TestApplyTwice(t *testing.T) {
	w, p := small(t, 0)
	w.one(bring(p.ID))
	before := w.wrote()
	again := w.one(func(q *process, e *apply.Executor) (err error) {
		q.out, err = e.Apply(context.Background(), p.ID)
		return err
	})
	if again.err != nil || again.out.State != apply.Applied || w.wrote() != before {
		t.Errorf("got %v, %s, %d more writes", again.err, again.out.State, w.wrote()-before)
	}
}

// TestRefused: plans that may not be applied here or at all, of which nothing is written.
func TestRefused(t *testing.T) {
	tests := map[string]func(w *world, e *apply.Executor, p *plan.Plan){
		"another account": func(_ *world, _ *apply.Executor, p *plan.Plan) { p.Account = "22222222-2222-3333-4444-555555555555" },
		"another host":    func(_ *world, _ *apply.Executor, p *plan.Plan) { p.Host = "https://elsewhere.test" },
		"its time is over": func(w *world, _ *apply.Executor, p *plan.Plan) {
			w.now = w.now.Add(2 * time.Hour)
		},
		"too many steps": func(_ *world, e *apply.Executor, _ *plan.Plan) { e.Caps = apply.Caps{Steps: 2, Securables: 20} },
		"somebody else":  func(_ *world, _ *apply.Executor, p *plan.Plan) { p.Target.Key.ID = "8" },
		"gain not known": func(_ *world, _ *apply.Executor, p *plan.Plan) { p.Gain = "g1" },
		"takes away unseen": func(_ *world, _ *apply.Executor, p *plan.Plan) {
			p.Complete = false
			c := p.Steps[0].Change
			c.Before, c.After = c.After, plan.Absent
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(7, weather{})
			w.open()
			t.Cleanup(func() { _ = w.ledger.Close() })
			w.edit = func(p *plan.Plan) {
				if name != "its time is over" && name != "too many steps" {
					change(w, nil, p)
				}
			}
			p := w.give(3, 0)
			got := w.one(func(q *process, e *apply.Executor) error {
				if name == "its time is over" || name == "too many steps" {
					change(w, e, &p)
				}
				_, err := e.Apply(context.Background(), p.ID)
				return err
			})
			if _, ok := errors.AsType[*apply.RefusedError](got.err); !ok || w.wrote() > 0 {
				t.Errorf("got %v after %d writes", got.err, w.wrote())
			}
		})
	}
}

// TestT36_HaltedOnTheWay: the switch stops a plan before the next write.
func TestT36_HaltedOnTheWay(t *testing.T) {
	w, p := small(t, 0)
	w.answer = func([]plan.Change) (bool, error) {
		if err := w.haltAll("enough"); err != nil {
			t.Fatal(err)
		}
		return true, nil
	}
	got := w.one(bring(p.ID))
	if _, ok := errors.AsType[*apply.PartialError](got.err); !ok || w.wrote() != 1 {
		t.Fatalf("got %v after %d writes", got.err, w.wrote())
	}
	w.check(t)
}

// TestR10_Interrupted: the step in flight is brought to its end, and nothing is begun after it.
func TestR10_Interrupted(t *testing.T) {
	w, p := small(t, 0)
	got := w.one(func(_ *process, e *apply.Executor) error {
		ctx, cancel := context.WithCancel(context.Background())
		w.answer = func([]plan.Change) (bool, error) { cancel(); return true, nil }
		_, err := e.Apply(ctx, p.ID)
		return err
	})
	if partial, ok := errors.AsType[*apply.PartialError](got.err); !ok || !errors.Is(partial, context.Canceled) || w.holds(p) != "x.." {
		t.Fatalf("got %v, and the account holds %s", got.err, w.holds(p))
	}
	w.one(bring(p.ID))
	if w.holds(p) != "xxx" {
		t.Fatalf("after resume the account holds %s", w.holds(p))
	}
	w.check(t)
}

// TestI6_OverdueIsSaid: what cannot be taken back in time is tried again for ever, and somebody is called.
func TestI6_OverdueIsSaid(t *testing.T) {
	w, p := small(t, 10*time.Minute)
	w.one(bring(p.ID))
	w.refuse = 1
	w.now = w.now.Add(10 * time.Minute)
	got := w.one(expire)
	if got.err == nil || w.state(p.ID) != apply.ExpiryOverdue {
		t.Fatalf("got %v, and the plan is %s", got.err, w.state(p.ID))
	}
	w.now = w.now.Add(time.Hour)
	w.check(t)
	w.refuse = 0
	if got := w.one(expire); got.err != nil || w.state(p.ID) != apply.Undone || w.holds(p) != "..." {
		t.Fatalf("got %v, the plan is %s, and the account holds %s", got.err, w.state(p.ID), w.holds(p))
	}
	w.check(t)
}
