package core_test

import (
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/plan"
)

// TestR14_PlansGoByTheLedgersClock: a plan waits for votes as long as it may, whatever the clock is of the process that makes it.
func TestR14_PlansGoByTheLedgersClock(t *testing.T) {
	for _, skew := range []time.Duration{-10 * time.Minute, 10 * time.Minute, -30 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			c := sit(t)
			c.engine = core.New(core.Options{Open: func() collect.Source { return c.opened.Session() }, Version: "test", Host: c.server.AccountHost(),
				Now: func() time.Time { return c.clock.Now().Add(skew) }})
			c.Approvals = c.replica("skewed", c.policy)
			d := c.draft()
			kept, err := c.ledger.Plan(t.Context(), d.ID)
			if err != nil {
				t.Fatal(err)
			}
			made, _, err := plan.Decode(kept.Body)
			if err != nil {
				t.Fatal(err)
			}
			if now := c.clock.Now(); !made.CreatedAt.Equal(now) || !made.ExpiresAt.Equal(now.Add(24*time.Hour)) || !kept.ExpiresAt.Equal(made.ExpiresAt) {
				t.Errorf("made at %s, it waits until %s and is kept until %s; it is %s", made.CreatedAt, made.ExpiresAt, kept.ExpiresAt, now)
			}
			c.clock.Add(24*time.Hour + time.Second)
			c.sweeps(d.ID + " expired")
		})
	}
}
