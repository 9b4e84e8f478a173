package ledger_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// figure prints a measured value beside the one that was set for it.
func figure(b *testing.B, value float64, unit, limit string) {
	b.ReportMetric(value, unit)
	b.ReportMetric(0, "ns/op")
	b.Logf("%.0f %s; %s", value, unit, limit)
}

// BenchmarkSteps is how many steps of plans can be begun and ended in a second, each of the two on disk.
func BenchmarkSteps(b *testing.B) {
	for name, open := range map[string]func() *ledger.Ledger{
		"sqlite":   func() *ledger.Ledger { return ledgertest.File(b, ledgertest.NewClock()) },
		"memory":   func() *ledger.Ledger { return ledgertest.Memory(b, ledgertest.NewClock()) },
		"postgres": func() *ledger.Ledger { return postgres.Ledger(b, ledgertest.NewClock()) },
	} {
		b.Run(name, func(b *testing.B) {
			l, n := open(), 0
			for b.Loop() {
				plan(b, l, 50)
				n += 50
			}
			figure(b, float64(n)/b.Elapsed().Seconds(), "steps/s", "at least 500 on SQLite")
		})
	}
}

// plan brings a plan of so many steps from a draft to applied.
func plan(b *testing.B, l *ledger.Ledger, steps int) {
	clock := ledgertest.NewClock()
	p := ledgertest.Plan(clock)
	p.Steps = nil
	for n := range steps {
		p.Steps = append(p.Steps, fmt.Sprint("step-", n))
	}
	do := func(f func(tx *ledger.Tx) error) {
		if err := l.Do(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
	var lease ledger.Lease
	do(func(tx *ledger.Tx) (err error) {
		if p, err = tx.Create(ledger.Actor{ID: "1"}, p); err != nil {
			return err
		}
		if lease, err = tx.Acquire(ledger.PlanLease(p.ID), "bench", time.Hour); err != nil {
			return err
		}
		for _, to := range []ledger.State{ledger.Pending, ledger.Approved, ledger.Applying} {
			if p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: to, Lease: lease}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, step := range p.Steps {
		do(func(tx *ledger.Tx) error {
			_, err := tx.Begin(lease, ledger.Actor{ID: "1"}, p.ID, step, []byte(`{"member":false}`))
			return err
		})
		do(func(tx *ledger.Tx) error {
			_, err := tx.End(lease, ledger.Actor{ID: "1"}, p.ID, step, 1, ledger.Outcome{Result: ledger.Done, Attribution: ledger.Certain, After: []byte(`{"member":true}`)})
			return err
		})
	}
	do(func(tx *ledger.Tx) error {
		_, err := tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Applied, Lease: lease})
		return err
	})
}

// BenchmarkVerify is how long a million rows of the audit trail take to verify, and a ledger with them to open.
func BenchmarkVerify(b *testing.B) {
	const rows = 1_000_000
	path := filepath.Join(b.TempDir(), "own", "ledger.db")
	l := ledgertest.Open(b, ledger.Options{Location: path})
	event := ledger.Event{Event: ledger.EventOutcome, Actor: ledger.Actor{ID: "1234567890", Via: "slack", Team: "T0123456", Member: "U0123456", Channel: "C0123456", Message: "1700000000.000100"},
		Plan: "p-0000000001", Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Step: "step-1", Attempt: 1, Result: ledger.Done, Attribution: ledger.Certain, Epoch: 3,
		After: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"}
	for range rows / 10_000 {
		if err := l.FillAudit(b.Context(), 10_000, event); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d rows in %d MB", rows, info.Size()>>20)
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if v, err := l.Verify(b.Context()); err != nil || v.Rows < rows {
				b.Fatal(v, err)
			}
		}
		figure(b, b.Elapsed().Seconds()/float64(b.N), "s/million", "at most 10")
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			l, err := ledger.Open(b.Context(), ledger.Options{Location: path, ReadOnly: true})
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		}
		figure(b, b.Elapsed().Seconds()/float64(b.N), "s/open", "at most 2 until the bot is ready")
	})
}

// BenchmarkSchedule is what one simulated schedule costs: a new ledger in memory, and 26 commits.
func BenchmarkSchedule(b *testing.B) {
	for b.Loop() {
		l, err := ledger.Open(b.Context(), ledger.Options{Location: ledger.Memory, Account: ledgertest.Account, Clock: ledgertest.NewClock().Now})
		if err != nil {
			b.Fatal(err)
		}
		plan(b, l, 12)
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	figure(b, b.Elapsed().Seconds()*1000/float64(b.N), "ms/schedule", "about 2 on a quiet machine")
}
