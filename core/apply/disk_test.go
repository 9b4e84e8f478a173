package apply_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/invariant"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/plan"
)

// on gives the world the ledger on a disk, in the world's time.
func (w *world) on(d *ledgertest.Disk) (err error) {
	w.ledger, err = ledger.Open(context.Background(), ledger.Options{Location: d.Ledger(), Account: home.Account, Keys: keys, Clock: func() time.Time { return w.now }})
	w.store = w.forProcess("reader")
	return err
}

// intended reports whether what would be on the disk if the power were cut now says that the changes are intended.
func intended(t *testing.T, d *ledgertest.Disk, p plan.Plan, changes []plan.Change) bool {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Location: d.Cut(t, nil).Ledger(), Keys: keys, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	open, err := l.OpenIntents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	steps := map[plan.Cell]string{}
	for _, s := range p.Executable() {
		steps[s.Change.Cell] = s.ID
	}
	there := map[string]bool{}
	for _, a := range open {
		there[a.Step] = a.Plan == p.ID
	}
	for _, c := range changes {
		if !there[steps[c.Cell]] {
			return false
		}
	}
	return true
}

// TestR12_NoWriteWithoutADurableIntent lets the disk under the ledger fail at every write and sync, while a plan is
// applied. Nothing reaches the account of which the disk would not say so if the power were cut at that moment. A ledger
// that failed is not used again by that process: the next one begins from what the disk has, brings the plan to its
// end, and takes it back.
func TestR12_NoWriteWithoutADurableIntent(t *testing.T) {
	for name, fault := range map[string]ledgertest.Fault{"a sync": ledgertest.SyncFails, "a write": ledgertest.WriteFails} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stopped := 0
			for n := 1; ; n++ {
				failed, hit := brokenDisk(t, n, fault)
				if failed {
					stopped++
				}
				if t.Failed() {
					t.Fatalf("at operation %d", n)
				}
				if !hit {
					break
				}
				if fault.Operation == ledgertest.Writing {
					n += 6
				}
			}
			t.Logf("%d processes were stopped by the disk", stopped)
			if stopped < 10 {
				t.Error("so few: this shows nothing")
			}
		})
	}
}

// brokenDisk is one life of a plan on a disk whose nth operation fails.
func brokenDisk(t *testing.T, n int, fault ledgertest.Fault) (failed, hit bool) {
	t.Helper()
	w, d := newWorld(uint64(n), weather{}), ledgertest.NewDisk(t)
	if err := w.on(d); err != nil {
		t.Fatal(err)
	}
	p := w.give(3, 0)
	sent := 0
	w.answer = func(changes []plan.Change) (bool, error) {
		sent++
		if !intended(t, d, p, changes) {
			t.Errorf("a change was sent, and the disk does not say that it was meant to be")
		}
		return true, nil
	}
	d.Fail(fault.At(n))
	first := w.one(bring(p.ID))
	hit = d.Hits() > 0
	if first.err != nil {
		before := sent
		again := w.one(bring(p.ID))
		if _, failed = errors.AsType[*ledger.FailedError](again.err); !failed || sent > before {
			t.Errorf("after %v it went on: %v, and %d changes were sent", first.err, again.err, sent-before)
		}
	}
	w.answer = nil
	after := d.Cut(t, nil)
	_ = w.ledger.Close() // of a process that is over
	if err := w.on(after); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.ledger.Close() }()
	for range 3 {
		if w.state(p.ID) != apply.Applied {
			w.one(bring(p.ID))
		}
	}
	w.trace.Asked[p.ID] = true
	undone := w.one(takeBack(p.ID, true))
	w.trace.End = w.now
	err := invariant.All(w.trace)
	if err == nil && w.state(p.ID) != apply.Undone {
		err = fmt.Errorf("the plan ended %s: %w", w.state(p.ID), undone.err)
	}
	for _, s := range p.Executable() {
		if v := w.value(s.Change.Cell); err == nil && v != s.Change.Before {
			err = fmt.Errorf("%s holds %q after undo", s.ID, v)
		}
	}
	if err != nil {
		t.Error(err)
		tell(t, w)
	}
	return failed, hit
}
