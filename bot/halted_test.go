package bot

import (
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
)

// operator is who halts all applying at a machine.
var operator = ledger.Actor{ID: "olga", Host: "vault", Via: "cli"}

// halt stops all applying, or lets it go on where there is no reason.
func (h *hall) halt(reason string) {
	h.Helper()
	err := h.Ledger.Do(h.Context(), func(tx *ledger.Tx) error {
		if reason == "" {
			return tx.Resume(operator, "it is over")
		}
		return tx.Halt(operator, reason)
	})
	if err != nil {
		h.Fatal(err)
	}
}

// TestT36_HaltedIsToldToVoters: while all applying is halted the vote that would approve a plan is refused, and whoever gave it is
// told who halted it and why. The same vote is taken when that is over.
func TestT36_HaltedIsToldToVoters(t *testing.T) {
	h := meet(t, slackfake.Options{})
	card, p := h.asked()
	h.halt("a leaked <login>")
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
	h.until("told", hears(erin, "Nothing was done, and no vote was kept: nothing may be applied now: a leaked <login> (halted by olga on vault at "))
	h.quiet()
	if votes, err := h.Votes(h.Context(), p.ID); h.state(p.ID) != ledger.Pending || err != nil || len(votes) > 0 {
		t.Fatalf("the plan is %s, with votes %v (%v)", h.state(p.ID), votes, err)
	}
	h.untouched()
	h.halt("")
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
	h.become(p.ID, ledger.Applied)
}

// TestT36_HaltedIsToldInTheThread: a plan that was approved before all applying was halted is not carried out, and its thread says
// who halted it and why.
func TestT36_HaltedIsToldInTheThread(t *testing.T) {
	h := meet(t, slackfake.Options{})
	card, p := h.asked()
	h.gate.before = func() { h.halt("a leaked login") }
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
	h.until("told", says("nothing may be applied now: a leaked login (halted by olga on vault at "))
	h.quiet()
	if h.state(p.ID) != ledger.Approved {
		t.Fatalf("the plan is %s", h.state(p.ID))
	}
	h.untouched()
	h.gate.before = nil
	h.halt("")
	h.replies(erin, card.TS, "apply "+p.ID)
	h.become(p.ID, ledger.Applied)
}

// TestT36_OffIsToldInTheThread: of a bot that carries nothing out the vote is taken, the plan stays approved, and its thread says why
// nothing comes of it.
func TestT36_OffIsToldInTheThread(t *testing.T) {
	h := meet(t, slackfake.Options{})
	card, p := h.asked()
	h.gate.off = h.replica("off", identity.PrincipalKey{}, func(o *core.ApprovalOptions) { o.Off = true })
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
	h.until("told", says("nothing may be applied now: carrying out is switched off in the configuration of this bot (applies: off)."))
	h.quiet()
	if h.state(p.ID) != ledger.Approved {
		t.Fatalf("the plan is %s", h.state(p.ID))
	}
	h.untouched()
	h.gate.off = nil
	h.replies(erin, card.TS, "apply "+p.ID)
	h.become(p.ID, ledger.Applied)
}

// TestHaltedIsCounted: whoever watches the bot sees that all applying is halted.
func TestHaltedIsCounted(t *testing.T) {
	address := freeAddress(t)
	w := found(t, slackfake.Options{}, nil, func(b *board, c *Config) { c.Listen = address })
	if err := w.Ledger.Do(t.Context(), func(tx *ledger.Tx) error { return tx.Halt(operator, "a leaked login") }); err != nil {
		t.Fatal(err)
	}
	if text := scrape(t, address); !strings.Contains(text, "access_audit_applies_halted 1\n") {
		t.Errorf("not counted in\n%s", text)
	}
}
