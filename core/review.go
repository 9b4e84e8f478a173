package core

import (
	"context"
	"fmt"
	"time"

	"databricks-access-audit/core/ledger"
)

// EventReview is the event of the audit trail that two people approve each other's plans so often that somebody should look at it.
// The plan is not stopped by it.
const EventReview = "review"

// reviewed is the time in which approvals of each other are counted.
const reviewed = 30 * 24 * time.Hour

// review records that the voter and the requester of a plan have approved each other's plans more often than the policy bears,
// and gives what to say of it; nothing if they have not. Both must have approved something of the other: to approve for one's
// colleagues again and again is what approvers are for.
func (a *Approvals) review(ctx context.Context, tx *ledger.Tx, by ledger.Actor, h hearing, v ledger.Vote) (string, error) {
	given, taken, err := tx.Mutual(ctx, v.Voter.ID, h.kept.Requester.ID, tx.Now().Add(-reviewed))
	limit := a.o.Policy.MutualLimit()
	if err != nil || given == 0 || taken == 0 || given+taken <= limit {
		return "", err
	}
	one, other := v.Voter, h.kept.Requester
	text := fmt.Sprintf("%s approved %s that %s asked for within 30 days, and %s %s of theirs: more than the %d in all that the policy bears. Somebody else should look at these plans",
		called(one), several(given), called(other), called(other), several(taken), limit)
	return text, tx.Record(ledger.Event{
		Event: EventReview, Actor: by, Plan: v.Plan, Digest: v.Digest, Subject: one.ID, Policy: v.Policy, Reason: text,
		Detail: map[string]string{"voter": one.ID, "requester": other.ID, "given": fmt.Sprint(given), "taken": fmt.Sprint(taken), "limit": fmt.Sprint(limit)},
	})
}

// called names somebody with the id that stays.
func called(p ledger.Party) string {
	if p.Name == "" {
		return "user " + p.ID
	}
	return p.Name + " (user " + p.ID + ")"
}

func several(n int) string {
	if n == 1 {
		return "1 plan"
	}
	return fmt.Sprintf("%d plans", n)
}
