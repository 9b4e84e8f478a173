package bot

import (
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

// TestDetailsAreForWhoeverAsks shows how a plan stands to one person alone, and changes nothing.
func TestDetailsAreForWhoeverAsks(t *testing.T) {
	h := meet(t, slackfake.Options{}, two)
	card, p := h.asked()
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
	h.quiet()
	before := len(h.slack.MessagesIn(slackfake.DataApprovals))
	for _, user := range []string{mallory, slackfake.Bob, heidi} {
		h.press(user, slackfake.DataApprovals, card.TS, buttonDetails)
		for _, want := range []string{"Plan " + p.ID + ": Waiting for approval", "Approved: erin@acme.test (Databricks id 1005)", "To give victor@acme.test what wendy@acme.test has", "Add to groups"} {
			h.until(user+" is shown "+want, hears(user, want))
		}
	}
	h.quiet()
	if n := len(h.slack.MessagesIn(slackfake.DataApprovals)); n != before || h.state(p.ID) != ledger.Pending {
		t.Errorf("%d messages more for all, plan %s", n-before, h.state(p.ID))
	}
	h.untouched()
}

// TestOnlyTheRequesterAndApproversCancel ends a plan once, however often it is clicked.
func TestOnlyTheRequesterAndApproversCancel(t *testing.T) {
	h := meet(t, slackfake.Options{})
	card, p := h.asked()
	value := p.ID + ":" + p.Digest[:12]
	for _, user := range []string{mallory, victor, slackfake.Dave} {
		h.press(user, slackfake.DataApprovals, card.TS, buttonCancel)
		h.until("refused", hears(user, "Nothing was done: only whoever asked for plan "+p.ID+", or may approve it, may cancel it."))
		h.replies(user, card.TS, "cancel "+p.ID)
	}
	if h.state(p.ID) != ledger.Pending {
		t.Fatalf("plan %s", h.state(p.ID))
	}
	first, err := h.slack.ClickPayload(slackfake.Press{User: slackfake.Bob, Channel: slackfake.DataApprovals, TS: card.TS, ActionID: buttonCancel})
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.slack.ClickPayload(slackfake.Press{User: slackfake.Bob, Channel: slackfake.DataApprovals, TS: card.TS, ActionID: buttonCancel})
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range []map[string]any{first, second} {
		d, err := h.slack.DeliverClick(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		h.await(d.EnvelopeID, 1)
	}
	h.until("told", says("Cancelled by bob@acme.test (Databricks id 1002), Slack member U0BOB."))
	h.until("the requester told", hears(slackfake.Bob, "Cancelled. Nothing was changed."))
	h.bare(card)
	h.stale(erin, card.TS, buttonApprove, value)
	h.until("too late", hears(erin, "is already cancelled, by bob@acme.test"))
	h.quiet()
	if h.state(p.ID) != ledger.Cancelled || h.count("Cancelled by") != 1 {
		t.Errorf("plan %s, told %d times", h.state(p.ID), h.count("Cancelled by"))
	}
	h.untouched()

	// One who may approve it may end it, too, by a reply with a reason.
	card, p = h.asked()
	h.replies(heidi, card.TS, "cancel "+p.ID+" not this month")
	h.until("told", says("Cancelled by heidi@acme.test (Databricks id 1008), Slack member U0HEIDI. Reason: not this month"))
	if h.state(p.ID) != ledger.Cancelled {
		t.Errorf("plan %s", h.state(p.ID))
	}
	h.until("the requester told", func(s *slackfake.Snapshot) bool {
		n := 0
		for _, m := range s.Messages {
			if m.Channel == "D0BOB" && strings.Contains(textOf(m), "Cancelled. Nothing was changed.") {
				n++
			}
		}
		return n == 2
	})
	h.untouched()
}
