package bot

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// unread is what keeps a plan about readers from being begun.
var unread = sandbox.Fault{Method: "GET", Route: "*/scim/v2/Groups/" + readers, Status: 403}

// saidBy reports whether the plan's message, or one under it, says all of some words.
func saidBy(card slackfake.Message, thread bool, words ...string) func(s *slackfake.Snapshot) bool {
	return func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool {
			at := m.TS == card.TS
			if thread {
				at = m.ThreadTS == card.TS && m.TS != card.TS
			}
			return at && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(textOf(m), w) })
		})
	}
}

// TestPlanThatCannotBeBegun: where something else than a move of the account is in the way, the plan stays approved in the ledger, its
// message, the thread and the requester are told what is in the way and what to do, and once it is mended that does it.
func TestPlanThatCannotBeBegun(t *testing.T) {
	for name, one := range map[string]struct {
		fault sandbox.Fault
		told  string
	}{
		"a group may not be read":           {unread, "not all could be read"},
		"the account is not there":          {sandbox.Fault{Status: 503}, "not all could be read"},
		"who may approve it cannot be read": {sandbox.Fault{Method: "GET", Route: "*/scim/v2/Groups/" + owners, Status: 403}, "not all could be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := meet(t, slackfake.Options{})
			card, p := h.asked()
			h.gate.before = sync.OnceFunc(func() { h.server.SetFaults(one.fault) })
			h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
			next := []string{"it could not be begun, and nothing was changed", "apply " + p.ID, one.told}
			h.until("told in the thread", saidBy(card, true, next...))
			h.until("told by its message", saidBy(card, false, next...))
			h.until("the requester told", hears(slackfake.Bob, "it could not be begun"))
			h.quiet()
			if n := h.count("it could not be begun"); h.state(p.ID) != ledger.Approved || n != 2 || h.count("about to be carried out") != 1 {
				t.Errorf("plan %s, told %d times, and %d times that it is about to be", h.state(p.ID), n, h.count("about to be carried out"))
			}
			h.untouched()
			h.server.SetFaults()
			h.replies(slackfake.Bob, card.TS, "apply "+p.ID)
			h.become(p.ID, ledger.Applied)
			h.until("its message says so", saidBy(card, false, "Carried out"))
			h.quiet()
			h.once()
		})
	}
}

// TestPlanThatCannotBeBegunElsewhere: what is in the way of a plan that was to be carried out at the command line is told in Slack.
func TestPlanThatCannotBeBegunElsewhere(t *testing.T) {
	h := meet(t, slackfake.Options{})
	card, p := h.asked()
	h.gate.before = sync.OnceFunc(func() { h.server.SetFaults(unread) })
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
	h.until("told in the thread", saidBy(card, true, "it could not be begun"))
	h.until("told by its message", saidBy(card, false, "it could not be begun"))
	h.quiet()
	_, k, err := h.replica("terminal", identity.PrincipalKey{}).Apply(h.Context(), ledger.Actor{ID: databricksID[erin], Via: "cli"}, p.ID, nil)
	if _, held := errors.AsType[*core.HeldError](err); !held || len(k.Held) != 2 {
		t.Fatalf("%v, held %q", err, k.Held)
	}
	h.eventually("told again in the thread", func() bool { return h.count("it could not be begun") == 3 })
	h.quiet()
	if n := h.count("it could not be begun"); n != 3 {
		t.Errorf("told %d times", n)
	}
	h.untouched()
}
