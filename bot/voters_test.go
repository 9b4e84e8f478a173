package bot

import (
	"sync"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// changes changes what Slack says of a member.
func (h *hall) changes(user string, change func(*slackfake.User)) {
	h.Helper()
	if err := h.slack.UpdateUser(user, change); err != nil {
		h.Fatal(err)
	}
}

// TestT01_PeopleWhoAreNobodyHere may not vote, by button or by reply, and all read the same, whatever the reason is.
func TestT01_PeopleWhoAreNobodyHere(t *testing.T) {
	h := meet(t, slackfake.Options{})
	card, p := h.asked()
	if err := h.slack.UpdateChannel(slackfake.DataApprovals, func(c *slackfake.Channel) {
		c.Members = append(c.Members, slackfake.Guest, slackfake.Robot, slackfake.Leaver, slackfake.Stranger)
	}); err != nil {
		t.Fatal(err)
	}
	changes := map[string]func(*slackfake.User){
		"deactivated":             func(u *slackfake.User) { u.Deleted = true },
		"a guest":                 func(u *slackfake.User) { u.IsRestricted = true },
		"a guest of one channel":  func(u *slackfake.User) { u.IsUltraRestricted = true },
		"a stranger":              func(u *slackfake.User) { u.IsStranger = true },
		"a bot":                   func(u *slackfake.User) { u.IsBot = true },
		"a user of an app":        func(u *slackfake.User) { u.IsAppUser = true },
		"a workflow":              func(u *slackfake.User) { u.IsWorkflowBot = true },
		"a connector":             func(u *slackfake.User) { u.IsConnectorBot = true },
		"with a doubtful address": func(u *slackfake.User) { u.IsEmailConfirmed = false },
		"without an address":      func(u *slackfake.User) { u.Email = "" },
		"hiding the address":      func(u *slackfake.User) { u.EmailHidden = true },
		"not visible":             func(u *slackfake.User) { u.NotVisible = true },
	}
	tries := func(user string) {
		t.Helper()
		for _, act := range []func(){
			func() { h.press(user, slackfake.DataApprovals, card.TS, buttonApprove) },
			func() { h.replies(user, card.TS, "approve "+p.ID) },
		} {
			before := h.heard(user)
			act()
			h.eventually("told "+user, func() bool { return h.heard(user) == before+1 })
		}
	}
	h.press(erin, slackfake.DataApprovals, card.TS, buttonDetails) // nothing is remembered of her
	for name, change := range changes {
		var as slackfake.User
		h.changes(erin, func(u *slackfake.User) { as = *u; change(u) })
		t.Logf("erin is %s", name)
		tries(erin)
		h.changes(erin, func(u *slackfake.User) { *u = as })
	}
	tries(slackfake.Guest)
	tries(slackfake.Leaver)
	h.press(slackfake.Robot, slackfake.DataApprovals, card.TS, buttonApprove)
	h.eventually("told", func() bool { return h.heard(slackfake.Robot) == 1 })
	h.replies(slackfake.Robot, card.TS, "approve "+p.ID) // what programs post is not taken at all
	// Of people of other teams nothing is taken, and they are told nothing.
	h.press(slackfake.Stranger, slackfake.DataApprovals, card.TS, buttonApprove)
	h.replies(slackfake.Stranger, card.TS, "approve "+p.ID)
	h.quiet()
	if got := h.standing(p.ID); h.state(p.ID) != ledger.Pending || len(got) != 0 {
		t.Errorf("plan %s, votes of %v", h.state(p.ID), got)
	}
	h.untouched()
	// As herself she may.
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
	h.become(p.ID, ledger.Applied)
	h.quiet()
	h.once()
}

// heard is how often somebody read that they are nobody here.
func (h *hall) heard(user string) (n int) {
	s := h.slack.Snapshot()
	for _, m := range append(s.Ephemerals, s.Messages...) {
		if hears(user, sayNotYou)(&slackfake.Snapshot{Ephemerals: []slackfake.Message{m}}) {
			n++
		}
	}
	return n
}

// TestT01_AddressThatChanged locks an approver out who was seen before.
func TestT01_AddressThatChanged(t *testing.T) {
	h := meet(t, slackfake.Options{})
	card, p := h.asked()
	h.press(erin, slackfake.DataApprovals, card.TS, buttonDetails)
	h.changes(erin, func(u *slackfake.User) { u.Email = "heidi@acme.test" })
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
	h.until("told", hears(erin, "which Databricks user you are has become doubtful"))
	h.changes(erin, func(u *slackfake.User) { u.Email = "erin@acme.test" })
	h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove) // changing it back does not help
	h.quiet()
	if got := h.standing(p.ID); h.state(p.ID) != ledger.Pending || len(got) != 0 {
		t.Errorf("plan %s, votes of %v", h.state(p.ID), got)
	}
	h.untouched()
}

// TestT07_VoterWhoIsNoLongerThat takes the vote of one who changed between the vote and the work for none, one change at a time.
func TestT07_VoterWhoIsNoLongerThat(t *testing.T) {
	inDatabricks := func(change func(u *sandbox.User)) func(h *hall) {
		return func(h *hall) {
			h.server.Update(func(a *sandbox.Account) {
				for _, u := range a.Users {
					if u.ID == databricksID[erin] {
						change(u)
					}
				}
			})
		}
	}
	inSlack := func(change func(u *slackfake.User)) func(h *hall) { return func(h *hall) { h.changes(erin, change) } }
	for name, one := range map[string]struct {
		change func(h *hall)
		told   string
	}{
		"deactivated in Databricks": {inDatabricks(func(u *sandbox.User) { u.Inactive = true }), "the vote of 1005 does not count"},
		"of another address there":  {inDatabricks(func(u *sandbox.User) { u.UserName = "erin.walsh@acme.test" }), "The vote of erin@acme.test (Databricks id 1005) is withdrawn: who they are has become doubtful."},
		"no longer an approver": {func(h *hall) {
			h.server.Update(func(a *sandbox.Account) { a.GroupByName("data-owners").Members = []string{databricksID[heidi]} })
		}, "the vote of 1005 does not count"},
		"deactivated in Slack":      {inSlack(func(u *slackfake.User) { u.Deleted = true }), "The vote of erin@acme.test (Databricks id 1005) is withdrawn: they may no longer act in Slack."},
		"a guest in Slack":          {inSlack(func(u *slackfake.User) { u.IsRestricted = true }), "is withdrawn: they may no longer act in Slack."},
		"of another address":        {inSlack(func(u *slackfake.User) { u.Email = "mallory@acme.test" }), "is withdrawn: who they are has become doubtful."},
		"of an address in question": {inSlack(func(u *slackfake.User) { u.IsEmailConfirmed = false }), "is withdrawn: they may no longer act in Slack."},
	} {
		t.Run(name, func(t *testing.T) {
			h := meet(t, slackfake.Options{}, two, func(p *consent.Policy) {
				// A third one who may, so that the plan does not end for want of people.
				p.Rules[1].Approvers[0].Users = append(p.Rules[1].Approvers[0].Users, consent.Ref{Written: "dave", Key: identity.PrincipalKey{Kind: identity.KindUser, ID: databricksID[slackfake.Dave]}})
			})
			card, p := h.asked()
			h.press(erin, slackfake.DataApprovals, card.TS, buttonApprove)
			h.until("her vote", says("Approved by erin@acme.test"))
			change := sync.OnceFunc(func() { one.change(h) })
			if name == "deactivated in Databricks" || name == "no longer an approver" {
				h.gate.before = change // at the last moment
			} else {
				change()
			}
			h.press(heidi, slackfake.DataApprovals, card.TS, buttonApprove)
			h.until("told", says(one.told))
			h.quiet()
			if h.state(p.ID) != ledger.Pending {
				t.Errorf("plan %s", h.state(p.ID))
			}
			h.untouched()
			h.press(slackfake.Dave, slackfake.DataApprovals, card.TS, buttonApprove)
			h.become(p.ID, ledger.Applied)
			h.quiet()
			h.once()
		})
	}
}
