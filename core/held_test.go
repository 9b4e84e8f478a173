package core_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// TestHeldPlans: an approved plan that could not be begun is as it was, the trail says why, and it may be tried again. What says
// nothing of the plan, and what became of one that was begun, is not that.
func TestHeldPlans(t *testing.T) {
	c := sit(t)
	made := c.approved()
	try := func(who string, held bool, times int) {
		t.Helper()
		_, k, err := c.Apply(t.Context(), in(who), made.ID, nil)
		_, is := errors.AsType[*core.HeldError](err)
		if err == nil || is != held || len(k.Held) != times || len(c.events(core.EventHeld)) != times {
			t.Errorf("by %s: %v; held %q, in the trail %d", who, err, k.Held, len(c.events(core.EventHeld)))
		}
		c.is(k, ledger.Approved)
		c.untouched()
	}
	try(mallory, false, 0)
	c.server.SetFaults(sandbox.Fault{Method: "GET", Route: "*/scim/v2/Groups/" + readers, Status: 403})
	try(bob, true, 1)
	try(mallory, false, 1)
	c.server.SetFaults(sandbox.Fault{Status: 503})
	try(erin, true, 2)
	if why := c.events(core.EventHeld)[1].Reason; !strings.Contains(why, "not all could be read") {
		t.Errorf("where it is not known who may have it carried out: %s", why)
	}
	try(mallory, false, 2)
	c.server.SetFaults()
	err := c.ledger.Do(t.Context(), func(tx *ledger.Tx) error {
		_, err := tx.Acquire(ledger.PlanLease(made.ID), "somebody else who is at it", time.Minute)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	try(bob, false, 2)
	c.clock.Add(2 * time.Minute)
	if e := c.events(core.EventHeld)[0]; e.Plan != made.ID || e.Actor.ID != bob || e.Reason == "" || e.Digest != made.Digest {
		t.Errorf("%+v", e)
	}
	_, k, err := c.Apply(t.Context(), in(bob), made.ID, nil)
	if err != nil || len(k.Held) != 0 {
		t.Fatalf("%v, held %q", err, k.Held)
	}
	c.is(k, ledger.Applied)
}
