package bot

import (
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

// TestT04_LoginAfterTheButton counts a vote with a login though the voter had pressed the button before: it is the one that such a
// plan lacks, and everybody else may have voted.
func TestT04_LoginAfterTheButton(t *testing.T) {
	h := meet(t, slackfake.Options{})
	h.far()
	card, p := h.asked()
	for _, user := range []string{erin, heidi, grace, slackfake.Dave} {
		h.press(user, slackfake.DataApprovals, card.TS, buttonApprove)
	}
	h.until("all votes", says("Approved by dave@acme.test"))
	if h.state(p.ID) != ledger.Pending {
		t.Fatalf("plan %s", h.state(p.ID))
	}
	if k, err := h.terminal(grace, p, true); err != nil || k.State != ledger.Approved {
		t.Fatalf("with a login: %s, %v: %v", k.State, err, k.Ruling.Why)
	}
	h.become(p.ID, ledger.Applied)
	h.quiet()
	h.once()
	if got := h.standing(p.ID); len(got) != 4 {
		t.Errorf("votes of %v", got)
	}
}
