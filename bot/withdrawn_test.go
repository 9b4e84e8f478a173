package bot

import (
	"slices"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

// readsAll subscribes the bot to what is said in private channels.
var readsAll = slackfake.Options{BotEvents: []string{"app_mention", "message.groups"}}

// deletes takes a message out of the approval channel.
func (h *hall) deletes(user, ts string) {
	h.Helper()
	d, err := h.slack.DeleteMessage(h.Context(), user, slackfake.DataApprovals, ts)
	if err != nil {
		h.Fatal(err)
	}
	h.await(d.EnvelopeID, 1)
}

func (h *hall) edits(user, ts, text string) {
	h.Helper()
	d, err := h.slack.EditMessage(h.Context(), user, slackfake.DataApprovals, ts, "<@"+slackfake.AuditBot+"> "+text)
	if err != nil {
		h.Fatal(err)
	}
	h.await(d.EnvelopeID, 1)
}

// TestT13_VoteWhoseMessageIsNoMore is withdrawn, edited or deleted, and cannot be given again.
func TestT13_VoteWhoseMessageIsNoMore(t *testing.T) {
	for name, undo := range map[string]func(h *hall, user, ts, id string){
		"edited":  func(h *hall, user, ts, id string) { h.edits(user, ts, "approve "+id+" perhaps") },
		"deleted": func(h *hall, user, ts, _ string) { h.deletes(user, ts) },
	} {
		t.Run(name, func(t *testing.T) {
			h := meet(t, readsAll, two)
			card, p := h.asked()
			reply := h.replies(erin, card.TS, "approve "+p.ID)
			h.until("the vote", says("Approved by erin@acme.test"))
			undo(h, erin, reply.TS, p.ID)
			h.until("withdrawn", says("The vote of erin@acme.test (Databricks id 1005) is withdrawn: its message was "+name+"."))
			h.press(heidi, slackfake.DataApprovals, card.TS, buttonApprove)
			h.until("the other vote", says("Approved by heidi@acme.test"))
			h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
			h.until("not again", hears(erin, "it was withdrawn; the plan needs the vote of somebody else"))
			h.quiet()
			if got := h.standing(p.ID); h.state(p.ID) != ledger.Pending || !slices.Equal(got, []string{databricksID[heidi]}) {
				t.Errorf("plan %s, votes of %v", h.state(p.ID), got)
			}
			h.untouched()
		})
	}
}

// TestT07_VoteWithdrawnBeforeTheWork takes an approved plan back to the vote, though its work was ordered: nothing is written until
// somebody else approves.
func TestT07_VoteWithdrawnBeforeTheWork(t *testing.T) {
	h := meet(t, readsAll)
	card, p := h.asked()
	held, let := make(chan struct{}), make(chan struct{})
	h.gate.before = func() {
		held <- struct{}{}
		<-let
	}
	reply := h.replies(erin, card.TS, "approve "+p.ID)
	<-held
	if h.state(p.ID) != ledger.Approved {
		t.Fatalf("plan %s", h.state(p.ID))
	}
	h.edits(erin, reply.TS, "no")
	h.until("withdrawn", says("is withdrawn: its message was edited."))
	let <- struct{}{}
	h.until("told", says("plan "+p.ID+" is pending, and not approved"))
	h.quiet()
	if h.state(p.ID) != ledger.Pending {
		t.Errorf("plan %s", h.state(p.ID))
	}
	h.untouched()
	h.press(heidi, slackfake.DataApprovals, card.TS, buttonApprove)
	<-held
	let <- struct{}{}
	h.become(p.ID, ledger.Applied)
	h.quiet()
	h.once()
}

// TestT13_MessageThatBecomesAVote is none, nor is one of a time before it was edited.
func TestT13_MessageThatBecomesAVote(t *testing.T) {
	h := meet(t, readsAll)
	card, p := h.asked()
	for _, was := range []string{"hello", "<@" + slackfake.AuditBot + "> status " + p.ID} {
		d, err := h.slack.Say(t.Context(), erin, slackfake.DataApprovals, card.TS, was)
		if err != nil {
			t.Fatal(err)
		}
		h.edits(erin, d.TS, "approve "+p.ID)
	}
	h.quiet()
	if got := h.standing(p.ID); h.state(p.ID) != ledger.Pending || len(got) != 0 {
		t.Errorf("plan %s, votes of %v", h.state(p.ID), got)
	}
	h.untouched()
}
