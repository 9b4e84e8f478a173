package core_test

import (
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// past has somebody have approved plans of somebody, as the ledger remembers it.
func (c *court) past(requester, voter string, times int) {
	c.t.Helper()
	for range times {
		p := ledger.Plan{ID: ledger.NewPlanID(), Kind: string(plan.Clone), Digest: "d", Body: []byte("{}"), ExpiresAt: c.clock.Now().Add(time.Hour),
			Requester: ledger.Party{ID: requester}, Source: ledger.Party{ID: "1"}, Target: ledger.Party{ID: "2"}}
		err := c.ledger.Do(c.t.Context(), func(tx *ledger.Tx) error {
			kept, err := tx.Create(in(requester), p)
			if err != nil {
				return err
			}
			if _, err := tx.Move(ledger.Move{Plan: p.ID, From: kept.State, Version: kept.Version, To: ledger.Pending, Actor: in(requester)}); err != nil {
				return err
			}
			_, err = tx.Vote(in(voter), ledger.Vote{Plan: p.ID, Voter: ledger.Party{ID: voter}, Decision: ledger.Approve, Digest: "d"})
			return err
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

// TestT04_MutualApprovals tells of two people who approve each other's plans more often than the policy bears, and stops nothing.
func TestT04_MutualApprovals(t *testing.T) {
	for name, c := range map[string]struct {
		limit        int
		given, taken int // before: erin of bob's, and bob of erin's
		age          time.Duration
		reject       bool
		want         bool
	}{
		"one more than is borne":        {given: 3, taken: 2, want: true},
		"as many as are borne":          {given: 2, taken: 2},
		"many, but not of each other":   {given: 30},
		"many, but long ago":            {given: 5, taken: 5, age: 31 * 24 * time.Hour},
		"many, a month ago":             {given: 5, taken: 5, age: 30 * 24 * time.Hour, want: true},
		"by a policy that bears less":   {limit: 1, taken: 1, want: true},
		"by a policy that bears more":   {limit: 20, given: 9, taken: 9},
		"but this time they say no":     {given: 5, taken: 5, reject: true},
		"the first approval, and taken": {taken: 6, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			court := sit(t, func(p *consent.Policy) { p.MutualApprovals = c.limit })
			court.Approvals = court.replica("more", court.policy, func(o *core.ApprovalOptions) { o.PerDay = 100 })
			court.past(bob, erin, c.given)
			court.past(erin, bob, c.taken)
			court.past(heidi, grace, 9)
			court.clock.Add(c.age)
			made := court.pending()
			got, err := court.Vote(t.Context(), in(erin), made.ID, made.Digest, !c.reject, "")
			if err != nil {
				t.Fatal(err)
			}
			if !c.reject {
				court.is(got, ledger.Approved)
			}
			events := court.events(core.EventReview)
			if raised := len(events) == 1; raised != c.want || len(got.Reviews) != len(events) {
				t.Fatalf("events %+v, reviews %q", events, got.Reviews)
			}
			if !c.want {
				return
			}
			if e := events[0]; e.Plan != made.ID || e.Subject != erin || e.Detail["requester"] != bob {
				t.Errorf("%+v", e)
			}
			// A second click says it no more, and it is told later too.
			if _, err := court.Vote(t.Context(), in(erin), made.ID, made.Digest, true, ""); err != nil {
				t.Fatal(err)
			}
			again, err := court.Case(t.Context(), made.ID)
			if err != nil || len(again.Reviews) != 1 || len(court.events(core.EventReview)) != 1 {
				t.Errorf("%q, %v", again.Reviews, err)
			}
			if _, _, err := court.Apply(t.Context(), in(bob), made.ID, nil); err != nil {
				t.Errorf("it stopped the plan: %v", err)
			}
		})
	}
}
