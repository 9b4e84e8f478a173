package bot

import (
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

// TestPlanSentAgainTakesThePlaceOfTheEarlier: its message loses its buttons and says by which plan, and votes on it are told so.
func TestPlanSentAgainTakesThePlaceOfTheEarlier(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, func(b *board, _ *Config) { b.newest = true })
	old := w.asks(slackfake.Alice, "erin @bob")
	first := w.plans()[0]
	preview := w.previews(slackfake.Alice, "erin @bob")
	if w.state(first.ID) != ledger.Pending {
		t.Fatalf("the first is %s when the second is only shown", w.state(first.ID))
	}
	w.press(slackfake.Alice, slackfake.DataHelp, preview.TS, buttonSend)
	second := w.plans()[1]
	by := "Superseded by " + second.ID
	w.become(first.ID, ledger.Superseded)
	w.until("the message without buttons", func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool {
			return m.TS == old.TS && !hasButtons(m) && strings.Contains(textOf(m), by)
		})
	})
	w.until("told in the thread", func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool { return m.ThreadTS == old.TS && strings.Contains(textOf(m), by) })
	})
	w.until("the requester told", hears(slackfake.Alice, by))
	w.until("the requester answered", hears(slackfake.Alice, "It takes the place of "+first.ID))
	w.stale(slackfake.Carol, old.TS, buttonApprove, first.ID+":"+first.Digest[:12])
	w.until("the click answered", hears(slackfake.Carol, "superseded by "+second.ID))
	w.replies(slackfake.Dave, old.TS, "approve "+first.ID)
	w.until("the reply answered", hears(slackfake.Dave, "superseded by "+second.ID))
	if votes, err := w.Votes(t.Context(), first.ID); err != nil || len(votes) > 0 {
		t.Errorf("votes on the first: %v (%v)", votes, err)
	}
	w.eventually("the second's message", func() bool { _, err := w.Card(t.Context(), second.ID); return err == nil })
	card, err := w.Card(t.Context(), second.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.become(second.ID, ledger.Applied)
	if w.state(first.ID) != ledger.Superseded {
		t.Errorf("the first is %s", w.state(first.ID))
	}
}

// TestApprovedPlanKeepsItsPlace: others have decided on it.
func TestApprovedPlanKeepsItsPlace(t *testing.T) {
	hold := make(chan struct{})
	w := found(t, slackfake.Options{}, nil, func(b *board, _ *Config) { b.newest, b.hold = true, hold })
	card := w.asks(slackfake.Alice, "erin @bob")
	first := w.plans()[0]
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.become(first.ID, ledger.Applying)
	w.asks(slackfake.Alice, "erin @bob")
	close(hold)
	w.become(first.ID, ledger.Applied)
	w.become(w.plans()[1].ID, ledger.Pending)
}
