package bot

import (
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// TestT05_PlanThatIsNeverGivenFromSlack is shown to whoever asks, and named where it is done instead. Nobody is asked.
func TestT05_PlanThatIsNeverGivenFromSlack(t *testing.T) {
	h := meet(t, slackfake.Options{})
	h.joins(owners, readers) // whoever is in readers may then approve
	d, err := h.slack.SlashTyped(t.Context(), slackfake.Bob, slackfake.DataHelp, "/access-clone", wish)
	if err != nil {
		t.Fatal(err)
	}
	h.await(d.EnvelopeID, 1)
	told := h.lastTold(slackfake.Bob)
	for _, want := range []string{"Nothing was done: ", "never given from Slack", "databricks-access-audit clone --from 1021 --to 1020 --apply", "victor@acme.test", "readers", "barred"} {
		if !strings.Contains(told, want) {
			t.Errorf("no %q in:\n%s", want, told)
		}
	}
	for _, m := range h.slack.EphemeralsFor(slackfake.Bob, slackfake.DataHelp) {
		if hasButtons(m) {
			t.Errorf("it has buttons: %s", m.Blocks)
		}
	}
	h.quiet()
	if n := len(h.slack.MessagesIn(slackfake.DataApprovals)); n != 0 || len(h.plans()) != 0 {
		t.Errorf("%d messages to approvers, %d plans kept", n, len(h.plans()))
	}
	h.untouched()
}

// TestT05_PlanThatWasPutToTheVoteAllTheSame: no button and no reply approves it, and its message has none to do so.
func TestT05_PlanThatWasPutToTheVoteAllTheSame(t *testing.T) {
	h := meet(t, slackfake.Options{})
	h.far()
	_, model := h.asked()
	like, _, err := plan.Decode(model.Body)
	if err != nil {
		t.Fatal(err)
	}
	like.ID, like.Tier = ledger.NewPlanID(), plan.Barred
	p := h.smuggle(like, model.ID)
	var card slackfake.Message
	h.until("its message", func(s *slackfake.Snapshot) bool {
		for _, m := range s.Messages {
			if m.Channel == slackfake.DataApprovals && m.ThreadTS == "" && strings.Contains(textOf(m), p.ID) {
				card = m
			}
		}
		return card.TS != ""
	})
	if text := string(card.Blocks); strings.Contains(text, buttonApprove) || strings.Contains(text, buttonReject) || !strings.Contains(text, "never given from Slack: approve and apply it at the command line") {
		t.Errorf("its message: %s", card.Blocks)
	}
	for _, user := range []string{erin, grace, heidi, slackfake.Dave} {
		h.stale(user, card.TS, buttonApprove, p.ID+":"+p.Digest[:12])
		h.until("told "+user, hears(user, "never given from Slack"))
		h.replies(user, card.TS, "approve "+p.ID)
		h.until("told "+user, hears(user, "Nobody votes on this plan, here or elsewhere: what it gives is never given from Slack"))
		if _, err := h.terminal(user, p, true); err == nil || !strings.Contains(err.Error(), "never given from Slack") {
			t.Errorf("a vote of %s with their own login: %v", user, err)
		}
	}
	if _, _, err := h.gate.Apply(t.Context(), ledger.Actor{ID: databricksID[slackfake.Bob]}, p.ID, nil); err == nil {
		t.Error("it was carried out")
	}
	if got := h.standing(p.ID); h.state(p.ID) != ledger.Pending || len(got) != 0 {
		t.Errorf("%s, votes of %v", h.state(p.ID), got)
	}
	h.untouched()
}

// smuggle puts a plan to the vote past all that keeps it from there, shown like another one.
func (h *hall) smuggle(like plan.Plan, shown string) ledger.Plan {
	h.Helper()
	body, err := plan.Encode(like)
	if err != nil {
		h.Fatal(err)
	}
	digest, err := plan.Digest(like)
	if err != nil {
		h.Fatal(err)
	}
	by := ledger.Actor{ID: databricksID[slackfake.Bob], Via: "slack", Channel: slackfake.DataApprovals}
	view, err := h.Showing(h.Context(), shown)
	if err != nil {
		h.Fatal(err)
	}
	var kept ledger.Plan
	err = h.Do(h.Context(), func(tx *ledger.Tx) error {
		p, err := tx.Create(by, journal.Row(like, body, digest, ledger.Party{ID: by.ID}))
		if err != nil {
			return err
		}
		if kept, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Pending, Actor: by}); err != nil {
			return err
		}
		if err := tx.KeepShowing(p.ID, view); err != nil {
			return err
		}
		return queue(tx, []post{{Key: "card/" + p.ID, Kind: postCard, Plan: p.ID}})
	})
	if err != nil {
		h.Fatal(err)
	}
	return kept
}
