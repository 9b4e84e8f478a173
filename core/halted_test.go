package core_test

import (
	"errors"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
)

// timed has bob's wish granted for an hour.
func (c *court) timed() core.Case {
	c.t.Helper()
	q := wish()
	q.For = time.Hour
	_, made, err := c.Propose(c.t.Context(), in(bob), q, "", nil)
	if err == nil {
		made, err = c.Submit(c.t.Context(), in(bob), made.ID, made.Digest)
	}
	if err == nil {
		made, err = c.Vote(c.t.Context(), in(erin), made.ID, made.Digest, true, "")
	}
	if err == nil {
		_, made, err = c.Apply(c.t.Context(), in(erin), made.ID, nil)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.is(made, ledger.Applied)
	c.server.ResetWrites()
	return made
}

// halts halts all applying with the ledger, or lets it go on.
func (c *court) halts(halt bool) {
	c.t.Helper()
	err := c.ledger.Do(c.t.Context(), func(tx *ledger.Tx) error {
		if halt {
			return tx.Halt(ledger.Actor{ID: "olga", Host: "vault"}, "a leaked login")
		}
		return tx.Resume(ledger.Actor{ID: "olga", Host: "vault"}, "it is over")
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// off is a process on the same ledger that carries nothing out.
func (c *court) off() *core.Approvals {
	return c.replica("off", c.policy, func(o *core.ApprovalOptions) { o.Off = true })
}

func (c *court) refusedAsHalted(err error) {
	c.t.Helper()
	_, kept := errors.AsType[*ledger.HaltedError](err)
	if _, carried := errors.AsType[*core.HaltedError](err); !carried && !kept {
		c.t.Errorf("the error is %v, want a HaltedError", err)
	}
}

// TestT36_HaltedTimedAccess: while all applying is halted nothing is taken back either: access beyond its end is overdue, and taken
// back when that is over.
func TestT36_HaltedTimedAccess(t *testing.T) {
	c := sit(t)
	made := c.timed()
	c.halts(true)
	_, _, err := c.Undo(t.Context(), in(bob), made.ID)
	c.refusedAsHalted(err)
	c.kept(made.ID, ledger.Applied)
	c.clock.Add(time.Hour)
	_, err = c.Sweep(t.Context())
	c.refusedAsHalted(err)
	c.kept(made.ID, ledger.ExpiryOverdue)
	c.untouched()
	c.halts(false)
	c.sweeps(made.ID + " undone")
	if c.has(readers, victor) {
		t.Error("victor still is in readers")
	}
}

// TestT36_Off: a process that carries nothing out takes votes, begins nothing, goes on with nothing and takes nothing back on anybody's
// word; others on the same ledger do.
func TestT36_Off(t *testing.T) {
	c := sit(t)
	off := c.off()
	made := c.pending()
	c.server.ResetWrites()
	made, err := off.Vote(t.Context(), in(erin), made.ID, made.Digest, true, "")
	if err != nil {
		t.Fatal(err)
	}
	c.is(made, ledger.Approved)
	_, got, err := off.Apply(t.Context(), in(bob), made.ID, nil)
	c.refusedAsHalted(err)
	c.is(got, ledger.Approved)
	c.begun(made.ID)
	c.clock.Add(2 * time.Minute)
	if changed := c.sweep(off); len(changed) > 0 {
		t.Errorf("it went on with %q", changed)
	}
	_, _, err = off.Apply(t.Context(), in(bob), made.ID, nil)
	c.refusedAsHalted(err)
	c.untouched()
	c.sweeps(made.ID + " applied")
	c.server.ResetWrites()
	_, got, err = off.Undo(t.Context(), in(bob), made.ID)
	c.refusedAsHalted(err)
	c.is(got, ledger.Applied)
	c.untouched()
}

// TestT36_OffTimedAccess: what was given for a time is taken back at its end by a process that carries nothing else out.
func TestT36_OffTimedAccess(t *testing.T) {
	c := sit(t)
	made := c.timed()
	off := c.off()
	c.clock.Add(time.Hour)
	if changed := c.sweep(off); len(changed) != 1 || changed[0] != made.ID+" undone" {
		t.Errorf("changed: %q", changed)
	}
	if c.has(readers, victor) {
		t.Error("victor still is in readers")
	}
}
