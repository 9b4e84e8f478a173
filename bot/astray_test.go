package bot

import (
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

// TestT12_WordsThatGoAstray approve nothing: replies elsewhere or with the id of another plan, and buttons that are not what the
// bot made, or were.
func TestT12_WordsThatGoAstray(t *testing.T) {
	h := meet(t, slackfake.Options{})
	card, p := h.asked()
	other := h.asks(slackfake.Bob, strings.Replace(wish, "groups", "groups,assignments", 1)) // the same once more would take its place
	q := h.plans()[1]
	h.server.ResetWrites()
	h.replies(erin, other.TS, "approve "+p.ID)
	h.until("another thread", hears(erin, "This is the thread of plan "+q.ID+", and not of "+p.ID+", so nothing was done."))
	h.replies(erin, "", "approve "+p.ID)
	h.until("no thread", hears(erin, "That is not the thread of a plan, so nothing was done."))
	h.replies(erin, card.TS, "approve p-0000000000")
	h.until("another id", hears(erin, "and not of p-0000000000, so nothing was done."))
	for value, told := range map[string]string{
		q.ID + ":" + q.Digest[:12]:      sayOldCard, // right, on the message of the other
		p.ID + ":" + q.Digest[:12]:      sayOtherPlan,
		p.ID + ":000000000000":          sayOtherPlan,
		p.ID:                            sayOtherPlan,
		"p-0000000000:" + p.Digest[:12]: "There is no such plan.",
	} {
		h.stale(heidi, card.TS, buttonApprove, value)
		h.until(value, hears(heidi, told))
	}
	for _, id := range []string{p.ID, q.ID} {
		if got := h.standing(id); h.state(id) != ledger.Pending || len(got) != 0 {
			t.Errorf("plan %s, votes of %v", h.state(id), got)
		}
	}
	h.untouched()
	// What the message is said to show is not looked at: the button's plan is carried out, and no other.
	payload, err := h.slack.ClickPayload(slackfake.Press{User: erin, Channel: slackfake.DataApprovals, TS: card.TS, ActionID: buttonApprove})
	if err != nil {
		t.Fatal(err)
	}
	payload["message"] = map[string]any{"ts": other.TS, "text": q.ID, "blocks": []any{map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": q.ID + " " + q.Digest}}}}
	d, err := h.slack.DeliverClick(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	h.await(d.EnvelopeID, 1)
	h.become(p.ID, ledger.Applied)
	h.bare(card)
	h.quiet()
	h.once()
	h.stale(heidi, card.TS, buttonReject, p.ID+":"+p.Digest[:12])
	h.stale(heidi, card.TS, buttonCancel, p.ID+":"+p.Digest[:12])
	h.until("after the end", hears(heidi, "is already applied"))
	if got := h.standing(p.ID); h.state(p.ID) != ledger.Applied || h.state(q.ID) != ledger.Pending || !slices.Equal(got, []string{databricksID[erin]}) {
		t.Errorf("plan %s, votes of %v; the other %s", h.state(p.ID), got, h.state(q.ID))
	}
	h.once()
}
