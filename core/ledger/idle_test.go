package ledger_test

import (
	"testing"
	"time"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// TestR02_StandingStill: a process that stands still in a transaction holds the row that every other needs. PostgreSQL puts an end
// to that well before a lease of 60 s runs out, commits nothing of it, and lets the others go on.
func TestR02_StandingStill(t *testing.T) {
	o := ledger.Options{Location: postgres.Address(t), Clock: ledgertest.NewClock().Now, Keys: ledger.NewKeys()}
	still, other := ledgertest.Open(t, o), ledgertest.Open(t, o)
	note := func(who string) func(*ledger.Tx) error {
		return func(tx *ledger.Tx) error {
			return tx.Record(ledger.Event{Event: "note", Subject: who})
		}
	}
	err := still.Do(t.Context(), func(tx *ledger.Tx) error {
		if limit, err := tx.IdleLimit(); err != nil || limit < time.Second || limit > 30*time.Second {
			t.Errorf("a transaction may stand still for %s (zero is for ever): %v", limit, err)
		}
		// The limit does what it is for; a shorter one, so that nobody waits here.
		if err := tx.SetIdleLimit(time.Millisecond); err != nil {
			return err
		}
		if err := note("still")(tx); err != nil {
			return err
		}
		return other.Do(t.Context(), note("other"))
	})
	if err == nil {
		t.Error("what stood still was committed")
	}
	if err := still.Do(t.Context(), note("again")); err != nil {
		t.Errorf("the process does not go on: %v", err)
	}
}
