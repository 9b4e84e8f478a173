// Package ledgertest has ledgers for tests, and the suite that every engine under core/ledger must pass.
package ledgertest

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/core/ledger"
)

// Account is the Databricks account of the ledgers of this package.
const Account = "00000000-0000-4000-8000-000000000001"

// Clock is a store's clock that stands still until it is moved. It may be used concurrently.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock gives a clock that stands at noon of some day.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

// Now gives what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock, also back.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Memory gives a new ledger that is gone at the end of the test.
func Memory(t testing.TB, clock *Clock) *ledger.Ledger {
	t.Helper()
	return Open(t, ledger.Options{Location: ledger.Memory, Clock: clock.Now})
}

// File gives a new ledger in a folder of the test.
func File(t testing.TB, clock *Clock) *ledger.Ledger {
	t.Helper()
	return Open(t, ledger.Options{Location: filepath.Join(t.TempDir(), "own", "ledger.db"), Clock: clock.Now})
}

// Open opens a ledger, and closes it at the end of the test.
func Open(t testing.TB, o ledger.Options) *ledger.Ledger {
	t.Helper()
	o.Account = Account
	l, err := ledger.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open %s: %v", o.Location, err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close %s: %v", o.Location, err)
		}
	})
	return l
}

// Plan gives a plan with the steps a, b and c that expires a day after the clock's time.
func Plan(clock *Clock) ledger.Plan {
	return ledger.Plan{
		ID: ledger.NewPlanID(), Kind: "clone", Digest: "d1", Body: []byte(`{"steps":["a","b","c"]}`), Host: "accounts.cloud.databricks.test",
		Policy: "policy-1", Source: ledger.Party{ID: "101", Name: "alice@acme.test"}, Target: ledger.Party{ID: "102", Name: "bob@acme.test"},
		Requester: ledger.Party{ID: "103", Name: "carol@acme.test"}, Steps: []string{"a", "b", "c"}, ExpiresAt: clock.Now().Add(24 * time.Hour),
	}
}
