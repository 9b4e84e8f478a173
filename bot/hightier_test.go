package bot

import (
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

// TestT04_PlanThatReachesFar takes no text for a vote, wants people of two sets, and one of them outside Slack. Then the bot
// carries it out.
func TestT04_PlanThatReachesFar(t *testing.T) {
	h := meet(t, slackfake.Options{})
	h.far()
	card, p := h.asked()
	for _, want := range []string{"tier high", "It reaches far: two sets of people have to agree", "databricks-access-audit approve " + p.ID, "Replies in the thread do not count", "Who may approve: data-owners; security"} {
		if !strings.Contains(textOf(card), want) {
			t.Errorf("no %q in the plan's message:\n%s", want, textOf(card))
		}
	}
	for _, word := range []string{"approve", "reject"} {
		h.replies(erin, card.TS, word+" "+p.ID)
		h.until("no vote by text", hears(erin, "replies do not count as votes on it. Press the button above, or vote with your own Databricks login: databricks-access-audit "+word+" "+p.ID))
	}
	if got := h.standing(p.ID); len(got) != 0 {
		t.Fatalf("votes of %v", got)
	}
	for _, one := range []struct{ user, told string }{
		{erin, "approvals are missing: 1, of data-owners or security"},
		{heidi, "the approvals must come from 2 different sets of people: data-owners, security"},
		{grace, "one of the approvals must be given with one's own login: approve " + p.ID},
	} {
		h.press(one.user, slackfake.DataApprovals, card.TS, buttonApprove)
		h.until(one.told, says(one.told))
		if h.state(p.ID) != ledger.Pending {
			t.Fatalf("%s after the vote of %s", h.state(p.ID), one.user)
		}
	}
	h.replies(slackfake.Bob, card.TS, "apply "+p.ID)
	h.until("not yet", hears(slackfake.Bob, "cannot be told to apply now"))
	h.untouched()
	if k, err := h.terminal(slackfake.Dave, p, true); err != nil || k.State != ledger.Approved {
		t.Fatalf("with a login: %s, %v", k.State, err)
	}
	h.become(p.ID, ledger.Applied)
	h.until("told", says("To take it back, mention me here with: undo "+p.ID))
	h.until("the vote told", says("with their own Databricks login"))
	h.until("the requester told", hears(slackfake.Bob, "Carried out"))
	h.bare(card)
	h.quiet()
	h.once()
}
