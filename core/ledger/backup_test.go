package ledger_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// What is backed up from one engine is the same in the other, but for the leases, which nobody holds.
func TestR13_BackupAndRestore(t *testing.T) {
	x := live(t)
	l := ledgertest.Open(t, ledger.Options{Location: placed(t, x.file), Keys: x.keys, Clock: x.clock.Now})
	var backup bytes.Buffer
	if _, err := l.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	want := everything(t, l)
	for name, location := range map[string]func(t *testing.T) string{
		"file":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "own", "ledger.db") },
		"postgres": func(t *testing.T) string { return postgres.Address(t) },
	} {
		t.Run(name, func(t *testing.T) {
			o := ledger.Options{Location: location(t), Keys: x.keys, Clock: x.clock.Now}
			v, err := ledger.Restore(t.Context(), o, bytes.NewReader(backup.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			o.Account = ledgertest.Account
			restored := ledgertest.Open(t, o)
			entries, err := restored.Trail(t.Context(), "")
			if err != nil || v.Last >= int64(len(entries)) {
				t.Fatalf("the restoring itself is not in the trail: %d rows, %+v, %v", len(entries), v, err)
			}
			if err := restored.Check(t.Context(), x.plan.ID); err != nil {
				t.Error(err)
			}
			p, err := restored.Plan(t.Context(), x.plan.ID)
			if diff := cmp.Diff(x.plan, p); diff != "" || err != nil {
				t.Error(diff, err)
			}
			var again bytes.Buffer
			if _, err := restored.Backup(t.Context(), &again); err != nil {
				t.Fatal(err)
			}
			if _, err := ledger.Restore(t.Context(), ledger.Options{Location: o.Location, Keys: x.keys}, bytes.NewReader(again.Bytes())); err == nil {
				t.Error("a ledger was restored over another one")
			}
		})
	}
	if after := everything(t, l); after != want {
		t.Error("the backup changed the ledger")
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		bad := bytes.Clone(backup.Bytes())
		at := random.IntN(len(bad))
		if random.IntN(5) == 0 {
			bad = bad[:at]
		} else {
			bad[at] ^= byte(1 + random.IntN(255))
		}
		path := filepath.Join(t.TempDir(), "own", "ledger.db")
		if _, err := ledger.Restore(t.Context(), ledger.Options{Location: path, Keys: x.keys}, bytes.NewReader(bad)); err == nil {
			t.Fatalf("damaged at byte %d, and restored", at)
		}
		if _, err := os.Stat(path); err == nil {
			t.Fatalf("damaged at byte %d: a ledger was begun", at)
		}
	}
}

// What is purged is gone from the bytes of the file; the trail then begins later, and is whole.
func TestT28_Purge(t *testing.T) {
	clock := ledgertest.NewClock()
	path := filepath.Join(t.TempDir(), "own", "ledger.db")
	l := ledgertest.Open(t, ledger.Options{Location: path, Clock: clock.Now})
	create := func(canary string) ledger.Plan {
		p := ledgertest.Plan(clock)
		p.Target.Name = canary
		if err := l.Do(t.Context(), func(tx *ledger.Tx) (err error) {
			if p, err = tx.Create(ledger.Actor{Email: canary}, p); err != nil {
				return err
			}
			p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Cancelled, Actor: ledger.Actor{Email: canary}})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return p
	}
	old := create("canary-of-the-old-plan")
	clock.Add(91 * 24 * time.Hour)
	kept := create("canary-of-the-kept-plan")
	purge := func(plans, trail time.Duration) ledger.Purged {
		t.Helper()
		p, err := l.Purge(t.Context(), ledger.Actor{Via: "sweeper"}, clock.Now().Add(-plans), clock.Now().Add(-trail))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		return p
	}
	const day = 24 * time.Hour
	if p := purge(90*day, 400*day); p != (ledger.Purged{Plans: 1}) {
		t.Errorf("after 90 days: %+v", p)
	}
	if _, err := l.Plan(t.Context(), old.ID); err == nil {
		t.Error("the old plan is there")
	}
	if err := l.Do(t.Context(), func(tx *ledger.Tx) error {
		_, err := tx.Create(ledger.Actor{}, ledger.Plan{ID: old.ID, Kind: "clone", Digest: "x", Body: []byte("{}"), Requester: ledger.Party{ID: "1"}, ExpiresAt: tx.Now().Add(time.Hour)})
		return err
	}); err == nil {
		t.Error("the id of a purged plan was given again")
	}
	// The plan is kept that the trail must tell of.
	clock.Add(day)
	if p := purge(1000*day, 0); p.Rows != 3 {
		t.Errorf("the trail: %+v", p)
	}
	if err := l.Check(t.Context(), kept.ID); err != nil {
		t.Error(err)
	}
	var found []string
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content := read(t, file)
		if bytes.Contains(content, []byte("canary-of-the-old")) {
			t.Errorf("the purged plan is in %s", file)
		}
		if bytes.Contains(content, []byte("canary-of-the-kept")) {
			found = append(found, file)
		}
	}
	if len(found) == 0 {
		t.Error("the kept plan is in no file: this shows nothing")
	}
	if _, err := l.Purge(t.Context(), ledger.Actor{}, time.Time{}, time.Time{}); err != nil {
		t.Error(err)
	}
	none := &ledger.NotFoundError{}
	if _, err := ledger.Open(t.Context(), ledger.Options{Location: path + ".none", ReadOnly: true}); !errors.As(err, &none) {
		t.Errorf("a ledger that is not there: %v", err)
	}
}

// TestI3_PurgeKeepsWhatAnUndoMustKnow: a plan that was done for good is kept while another for the same target, that it overlaps
// with, may still be taken back, and forgotten once that is over.
func TestI3_PurgeKeepsWhatAnUndoMustKnow(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, clock *ledgertest.Clock) *ledger.Ledger{
		"SQLite":     func(t *testing.T, clock *ledgertest.Clock) *ledger.Ledger { return ledgertest.Memory(t, clock) },
		"PostgreSQL": func(t *testing.T, clock *ledgertest.Clock) *ledger.Ledger { return postgres.Ledger(t, clock) },
	} {
		t.Run(name, func(t *testing.T) {
			const day = 24 * time.Hour
			clock := ledgertest.NewClock()
			l := open(t, clock)
			create := func(change func(p *ledger.Plan)) (p ledger.Plan) {
				t.Helper()
				made := ledgertest.Plan(clock)
				made.Steps = nil
				change(&made)
				if err := l.Do(t.Context(), func(tx *ledger.Tx) (err error) {
					p, err = tx.Create(ledger.Actor{}, made)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				return p
			}
			move := func(p ledger.Plan, states ...ledger.State) ledger.Plan {
				t.Helper()
				for _, to := range states {
					if err := l.Do(t.Context(), func(tx *ledger.Tx) error {
						lease, err := tx.Acquire(ledger.PlanLease(p.ID), "one", time.Minute)
						if err != nil {
							return err
						}
						p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: to, Lease: lease})
						return err
					}); err != nil {
						t.Fatal(err)
					}
				}
				return p
			}
			applied := []ledger.State{ledger.Pending, ledger.Approved, ledger.Applying, ledger.Applied}
			timed := move(create(func(p *ledger.Plan) { p.EndsAt = clock.Now().Add(200 * day) }), applied...)
			beside := move(create(func(*ledger.Plan) {}), applied...)
			elsewhere := move(create(func(p *ledger.Plan) { p.Target.ID = "109" }), applied...)
			clock.Add(100 * day)
			left := func() (ids []string) {
				t.Helper()
				if _, err := l.Purge(t.Context(), ledger.Actor{}, clock.Now().Add(-90*day), time.Time{}); err != nil {
					t.Fatal(err)
				}
				plans, err := l.Plans(t.Context(), ledger.PlanFilter{})
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range plans {
					ids = append(ids, p.ID)
				}
				slices.Sort(ids)
				return ids
			}
			if got, want := left(), slices.Sorted(slices.Values([]string{timed.ID, beside.ID})); !slices.Equal(got, want) {
				t.Errorf("kept %v, want %v and not %s", got, want, elsewhere.ID)
			}
			move(timed, ledger.UndoPending, ledger.Undone)
			later := move(create(func(p *ledger.Plan) { p.EndsAt = clock.Now().Add(200 * day) }), applied...)
			if got, want := left(), slices.Sorted(slices.Values([]string{timed.ID, later.ID})); !slices.Equal(got, want) {
				t.Errorf("afterwards kept %v, want %v", got, want)
			}
		})
	}
}
