package bot

import (
	"testing"
	"time"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// TestT04_ReviewOfALoginIsTold when the bot sees the vote that was given at the command line, whether or not it can bring the plan's
// message up to date; and once.
func TestT04_ReviewOfALoginIsTold(t *testing.T) {
	h := meet(t, slackfake.Options{}, two, func(p *consent.Policy) { p.MutualApprovals = 1 })
	_, p := h.asked()
	h.past(erin, slackfake.Bob)
	h.quiet()
	h.slack.AddFault(slackfake.Fault{Method: "chat.update", Error: "internal_error"})
	k, err := h.terminal(erin, p, true)
	if err != nil || len(k.Reviews) != 1 {
		t.Fatalf("%v, reviews %q", err, k.Reviews)
	}
	const told = "please look at who approves whose plans"
	h.until("the vote is told", says("with their own Databricks login"))
	h.until("the review is told", says(told))
	h.slack.ClearFaults()
	h.quiet()
	if n := h.count(told); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// past has one member have approved a plan of another, as the ledger remembers it.
func (h *hall) past(requester, voter string) {
	h.Helper()
	by, other := ledger.Actor{ID: databricksID[requester]}, databricksID[voter]
	p := ledger.Plan{
		ID: ledger.NewPlanID(), Kind: string(plan.Clone), Digest: "d", Body: []byte("{}"), ExpiresAt: time.Now().Add(time.Hour), Requester: ledger.Party{ID: by.ID},
		Source: ledger.Party{ID: "1"}, Target: ledger.Party{ID: "2"},
	}
	err := h.Do(h.Context(), func(tx *ledger.Tx) error {
		kept, err := tx.Create(by, p)
		if err != nil {
			return err
		}
		if kept, err = tx.Move(ledger.Move{Plan: p.ID, From: kept.State, Version: kept.Version, To: ledger.Pending, Actor: by}); err != nil {
			return err
		}
		if _, err := tx.Vote(ledger.Actor{ID: other}, ledger.Vote{Plan: p.ID, Voter: ledger.Party{ID: other}, Decision: ledger.Approve, Digest: "d"}); err != nil {
			return err
		}
		_, err = tx.Move(ledger.Move{Plan: p.ID, From: kept.State, Version: kept.Version, To: ledger.Cancelled, Actor: by})
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
}
