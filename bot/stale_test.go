package bot

import (
	"strings"
	"sync"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// TestT08_AccountThatMovesBeforeTheWork makes an approved plan stale: the thread says what moved, and nothing is written.
func TestT08_AccountThatMovesBeforeTheWork(t *testing.T) {
	for name, one := range map[string]struct {
		change func(a *sandbox.Account)
		told   string
	}{
		"what it gives is more": {func(a *sandbox.Account) {
			main := a.MetastoreByName("acme-us").CatalogByName("main")
			main.Grants = append(main.Grants, sandbox.Grant{Principal: "readers", Privileges: []string{"MANAGE"}})
		}, "it would give something else by now than was shown"},
		"another group has the name":  {func(a *sandbox.Account) { a.GroupByName("readers").ID = "3950" }, "s1: who or what it is about is no longer there"},
		"the group is kept elsewhere": {func(a *sandbox.Account) { a.GroupByName("readers").ExternalID = "entra-readers" }, "identity provider"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := meet(t, slackfake.Options{})
			card, p := h.asked()
			h.gate.before = sync.OnceFunc(func() { h.server.Update(one.change) })
			h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
			h.become(p.ID, ledger.Stale)
			h.until("the requester told", hears(slackfake.Bob, "The account moved since the plan was made"))
			h.bare(card)
			h.quiet()
			var told string
			for _, m := range h.slack.MessagesIn(slackfake.DataApprovals) {
				if m.ThreadTS == card.TS && strings.Contains(textOf(m), "Plan "+p.ID+": The account moved") {
					told = textOf(m)
				}
			}
			if !strings.Contains(told, one.told) || !strings.Contains(told, "make a new plan") {
				t.Errorf("the thread says: %s", told)
			}
			if n := len(h.server.Writes()); n != 0 {
				t.Errorf("%d writes", n)
			}
			h.stale(heidi, card.TS, buttonApprove, p.ID+":"+p.Digest[:12])
			h.until("too late", hears(heidi, "is already stale"))
		})
	}
}
