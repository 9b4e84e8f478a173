package ledger_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// told is what a ledger said it keeps.
type told struct {
	plans []string
	seq   int64
	hash  ledger.Hash
}

// live writes to a ledger until something fails: a plan that goes all the way.
func (k *told) live(t *testing.T, l *ledger.Ledger) error {
	t.Helper()
	ctx := context.Background()
	do := func(f func(tx *ledger.Tx) error) error {
		if err := l.Do(ctx, f); err != nil {
			return err
		}
		v, err := l.Verify(ctx)
		if err != nil {
			t.Fatalf("after a write that went well: %v", err)
		}
		k.seq, k.hash = v.Last, v.Head
		return nil
	}
	var p ledger.Plan
	var lease ledger.Lease
	var a ledger.Attempt
	move := func(to ledger.State) func(tx *ledger.Tx) error {
		return func(tx *ledger.Tx) (err error) {
			p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: to, Lease: lease})
			return err
		}
	}
	id := ledger.NewPlanID()
	for _, f := range []func(tx *ledger.Tx) error{
		func(tx *ledger.Tx) (err error) {
			p, err = tx.Create(ledger.Actor{}, ledger.Plan{ID: id, Kind: "clone", Digest: "d", Body: make([]byte, 9000), Requester: ledger.Party{ID: "1"}, Steps: []string{"a"}, ExpiresAt: tx.Now().Add(time.Hour)})
			return err
		},
		move(ledger.Pending), move(ledger.Approved),
		func(tx *ledger.Tx) (err error) {
			lease, err = tx.Acquire(ledger.PlanLease(id), "one", time.Minute)
			return err
		},
		move(ledger.Applying),
		func(tx *ledger.Tx) (err error) {
			a, err = tx.Begin(lease, ledger.Actor{}, id, "a", nil)
			return err
		},
		func(tx *ledger.Tx) error {
			_, err := tx.End(lease, ledger.Actor{}, id, "a", a.Number, ledger.Outcome{Result: ledger.Done, Attribution: ledger.Certain})
			return err
		},
		move(ledger.Applied),
	} {
		if err := do(f); err != nil {
			return err
		}
		if len(k.plans) == 0 || k.plans[len(k.plans)-1] != id {
			k.plans = append(k.plans, id)
		}
	}
	return nil
}

// kept checks that all that was told is in a ledger, which is whole and can be written.
func (k *told) kept(t *testing.T, d *ledgertest.Disk) {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Location: d.Ledger(), Account: ledgertest.Account})
	if err != nil {
		t.Fatalf("after the power was cut: %v", err)
	}
	defer func() { _ = l.Close() }()
	if _, err := l.Verify(t.Context()); err != nil {
		t.Errorf("after the power was cut: %v", err)
	}
	rows, err := l.Trail(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(rows)) < k.seq || k.seq > 0 && rows[k.seq-1].Hash != k.hash {
		t.Errorf("row %d was told to be kept, and there are %d", k.seq, len(rows))
	}
	for _, id := range k.plans {
		if err := l.Check(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if err := l.Do(t.Context(), func(tx *ledger.Tx) error { return tx.Record(ledger.Event{Event: "seen"}) }); err != nil {
		t.Errorf("it takes no more: %v", err)
	}
}

// stride is how far apart the operations are that are made to fail, from a first one by chance: each is, of syncs, and
// with LEDGER_FAULTS=all.
func stride(fault ledgertest.Fault) (first, step int) {
	if fault.Operation == ledgertest.Syncing || os.Getenv("LEDGER_FAULTS") == "all" {
		return 1, 1
	}
	return 1 + rand.IntN(11), 11
}

// Any write or sync that fails, at any moment, is said, and nothing of what was told before it is lost when the power
// is cut then. After a write or a sync that failed the ledger takes no more, since a later sync would not tell what
// became of it; after a full disk it does.
func TestR12_EveryWriteAndSyncFails(t *testing.T) {
	for name, fault := range map[string]ledgertest.Fault{"a sync": ledgertest.SyncFails, "a write": ledgertest.WriteFails, "full": ledgertest.DiskFull} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, swallowed := 0, 0
			first, step := stride(fault)
			for n := first; ; n += step {
				d := ledgertest.NewDisk(t)
				l, err := ledger.Open(t.Context(), ledger.Options{Location: d.Ledger(), Account: ledgertest.Account})
				if err != nil {
					t.Fatal(err)
				}
				// So that pages go from the log to the file, too.
				if err := l.ExecWrites(t.Context(), "PRAGMA wal_autocheckpoint = 20"); err != nil {
					t.Fatal(err)
				}
				var k told
				d.Fail(fault.At(n))
				failed := k.live(t, l)
				hit := d.Hits() > 0
				switch again := l.Do(t.Context(), func(*ledger.Tx) error { return nil }); {
				case failed == nil && hit:
					swallowed++ // while pages went to the file: the log has them until that has worked
				case failed == nil:
				case fault == ledgertest.DiskFull:
					if said++; again != nil {
						t.Errorf("%d: with room again: %v", n, again)
					}
				default:
					said++
					if _, stopped := errors.AsType[*ledger.FailedError](again); !stopped {
						t.Errorf("%d: it failed (%v), and took more: %v", n, failed, again)
					}
				}
				for _, luck := range []*rand.Rand{nil, rand.New(rand.NewPCG(uint64(n), 1))} {
					k.kept(t, d.Cut(t, luck))
				}
				if err := l.Close(); err != nil && failed == nil {
					t.Errorf("%d: close: %v", n, err)
				}
				if t.Failed() {
					t.Fatalf("operation %d", n)
				}
				if !hit {
					t.Logf("%d faults were said, %d came after the commit", said, swallowed)
					if said < 5 {
						t.Error("so few: this shows nothing")
					}
					break
				}
			}
		})
	}
}

// A ledger that could not be made, or whose making was cut short, is made the next time.
func TestR12_FailsWhileItIsMade(t *testing.T) {
	for name, fault := range map[string]ledgertest.Fault{"a sync": ledgertest.SyncFails, "a write": ledgertest.WriteFails, "full": ledgertest.DiskFull} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, step := stride(fault)
			for n, hit := first, true; hit && !t.Failed(); n += step {
				d := ledgertest.NewDisk(t)
				d.Fail(fault.At(n))
				l, err := ledger.Open(t.Context(), ledger.Options{Location: d.Ledger(), Account: ledgertest.Account})
				hit = d.Hits() > 0
				after := d.Cut(t, nil)
				if err == nil {
					err = l.Close()
				}
				(&told{}).kept(t, after)
				(&told{}).kept(t, d)
				if t.Failed() {
					t.Logf("operation %d had failed: %v", n, err)
				}
			}
		})
	}
}
