package apply_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"databricks-access-audit/core/apply"
)

// TestR14_AccessForATimeNeedsTheTime: where the ledger's clock is not known to be about right, nothing is given for a time, and the plan
// waits. What is given for good is given.
func TestR14_AccessForATimeNeedsTheTime(t *testing.T) {
	const known = true
	for name, c := range map[string]struct {
		off   time.Duration
		known bool
		none  bool
		lasts time.Duration
		want  apply.State
	}{
		"right":                           {0, known, false, time.Hour, apply.Applied},
		"five minutes ahead":              {5 * time.Minute, known, false, time.Hour, apply.Applied},
		"five minutes behind":             {-5 * time.Minute, known, false, time.Hour, apply.Applied},
		"more ahead":                      {5*time.Minute + time.Second, known, false, time.Hour, apply.Approved},
		"more behind":                     {-5*time.Minute - time.Second, known, false, time.Hour, apply.Approved},
		"not told":                        {0, !known, false, time.Hour, apply.Approved},
		"an account that has no clock":    {0, !known, true, time.Hour, apply.Approved},
		"ten minutes, and given for good": {10 * time.Minute, known, false, 0, apply.Applied},
		"not told, and given for good":    {0, !known, false, 0, apply.Applied},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := small(t, c.lasts)
			got := w.one(func(_ *process, e *apply.Executor) error {
				e.AccountTime = func() (time.Time, bool) { return w.now.Add(c.off), c.known }
				if c.none {
					e.AccountTime = nil
				}
				_, err := e.Apply(context.Background(), p.ID)
				return err
			})
			_, refused := errors.AsType[*apply.RefusedError](got.err)
			if w.state(p.ID) != c.want || refused != (c.want == apply.Approved) || refused && w.wrote() > 0 {
				t.Errorf("%v; the plan is %s after %d writes", got.err, w.state(p.ID), w.wrote())
			}
		})
	}
}
