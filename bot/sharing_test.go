package bot

import (
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

const toldShared = "is shared with people outside this workspace"

// toldOfSharing counts the direct messages to a member about a channel.
func (r *rig) toldOfSharing(user, channel string) (n int) {
	for _, m := range r.slack.DirectMessages(user) {
		if strings.Contains(textOf(m), toldShared) && strings.Contains(textOf(m), channel) {
			n++
		}
	}
	return n
}

// recorded counts the rows of the audit trail about a channel that became shared.
func recorded(t *testing.T, l *ledger.Ledger, channel string) (n int) {
	t.Helper()
	trail, err := l.Trail(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range trail {
		if e, err := entry.Event(); err == nil && e.Event == ledger.EventChannelShared && e.Subject == channel {
			n++
		}
	}
	return n
}

// TestT24_OwnerIsToldOfASharedChannel: the flag flips between two posts; from then on there is nothing in the channel, and whoever
// made it is told once, and once more when it happens again.
func TestT24_OwnerIsToldOfASharedChannel(t *testing.T) {
	for name, flag := range map[string]func(*slackfake.Channel, bool){
		"shared":         func(c *slackfake.Channel, on bool) { c.IsExtShared = on },
		"pending":        func(c *slackfake.Channel, on bool) { c.IsPendingExtShared = on },
		"with a company": func(c *slackfake.Channel, on bool) { c.IsOrgShared = on },
	} {
		t.Run(name, func(t *testing.T) {
			l := memory(t)
			set := func(on bool) func(*slackfake.Server) { return change(func(c *slackfake.Channel) { flag(c, on) }) }
			first := true
			r, _ := reading(t, l, slackfake.Options{}, func(c *Config) {
				everywhere(Full)(c)
				c.Engine = engine(canaryGroup)
				c.Transport = &tripwire{next: c.Transport, path: "/chat.postMessage", after: func(r *rig) {
					if first {
						first = false
						set(true)(r.slack)
					}
				}}
			})
			r.askIn(slackfake.Bob, slackfake.DataHelp, "group x --public")
			shown := len(r.slack.MessagesIn(slackfake.DataHelp))
			for range 2 {
				r.askIn(slackfake.Carol, slackfake.DataHelp, "group x --public")
			}
			messages := r.slack.MessagesIn(slackfake.DataHelp)
			if shown != 1 || len(messages) != 1 || len(messages[0].FileIDs) > 0 {
				t.Errorf("%d messages, then %d", shown, len(messages))
			}
			if n := r.toldOfSharing(slackfake.Alice, "#data-help ("+slackfake.DataHelp+")"); n != 1 || recorded(t, l, slackfake.DataHelp) != 1 {
				t.Errorf("alice was told %d times, and it was recorded %d times", n, recorded(t, l, slackfake.DataHelp))
			}
			set(false)(r.slack)
			r.askIn(slackfake.Dave, slackfake.DataHelp, "group x --public")
			if n := len(r.slack.MessagesIn(slackfake.DataHelp)); n <= 1 {
				t.Error("nothing is shown when it is not shared any more")
			}
			set(true)(r.slack)
			shown = len(r.slack.MessagesIn(slackfake.DataHelp))
			r.askIn(slackfake.Dave, slackfake.DataHelp, "group x --public")
			if n := len(r.slack.MessagesIn(slackfake.DataHelp)); n != shown {
				t.Errorf("%d more messages", n-shown)
			}
			if n := r.toldOfSharing(slackfake.Alice, slackfake.DataHelp); n != 2 || recorded(t, l, slackfake.DataHelp) != 2 {
				t.Errorf("alice was told %d times in all, and it was recorded %d times", n, recorded(t, l, slackfake.DataHelp))
			}
		})
	}
}

// TestT24_ApprovalChannelThatBecomesShared: what waits to be posted there waits on, however often it is tried.
func TestT24_ApprovalChannelThatBecomesShared(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	w.until("all shown", func(s *slackfake.Snapshot) bool { return len(s.Files) == 3 })
	w.quiet()
	set := func(on bool) {
		if err := w.slack.UpdateChannel(slackfake.DataApprovals, func(c *slackfake.Channel) { c.IsExtShared = on }); err != nil {
			t.Fatal(err)
		}
	}
	set(true)
	before := len(w.slack.MessagesIn(slackfake.DataApprovals))
	w.press(slackfake.Alice, slackfake.DataApprovals, card.TS, buttonCancel)
	w.become(w.plans()[0].ID, ledger.Cancelled)
	tries := func() int { return strings.Count(w.log.String(), "post put off") }
	w.eventually("several tries", func() bool { return tries() >= 4 })
	if n := len(w.slack.MessagesIn(slackfake.DataApprovals)); n != before {
		t.Errorf("%d messages more", n-before)
	}
	for _, m := range w.slack.MessagesIn(slackfake.DataApprovals) {
		if strings.Contains(textOf(m), "Cancelled") {
			t.Errorf("the plan's message was changed: %s", textOf(m))
		}
	}
	if n := w.toldOfSharing(slackfake.Carol, slackfake.DataApprovals); n != 1 || recorded(t, w.board.Ledger, slackfake.DataApprovals) != 1 {
		t.Errorf("carol was told %d times, and it was recorded %d times", n, recorded(t, w.board.Ledger, slackfake.DataApprovals))
	}
	set(false)
	w.until("told in the thread", says("Cancelled by alice"))
}

// TestT24_AdministratorsAreToldInsteadOfAnOwnerWhoLeft: whoever is no full member of the workspace is told nothing.
func TestT24_AdministratorsAreToldInsteadOfAnOwnerWhoLeft(t *testing.T) {
	for _, creator := range []string{slackfake.Leaver, slackfake.Guest, slackfake.Stranger, slackfake.Robot, ""} {
		t.Run("made by "+creator, func(t *testing.T) {
			l := memory(t)
			r, _ := reading(t, l, slackfake.Options{}, func(c *Config) {
				everywhere(Full)(c)
				c.Engine, c.Administrators = engine(canaryGroup), []string{slackfake.Guest, slackfake.Dave}
			})
			change(func(c *slackfake.Channel) { c.IsExtShared, c.Creator = true, creator })(r.slack)
			for range 2 {
				r.askIn(slackfake.Bob, slackfake.DataHelp, "group x --public")
			}
			if n := r.toldOfSharing(slackfake.Dave, slackfake.DataHelp); n != 1 {
				t.Errorf("dave was told %d times", n)
			}
			for _, m := range r.slack.Snapshot().Messages {
				if strings.Contains(textOf(m), toldShared) && m.Channel != "D0DAVE" {
					t.Errorf("told in %s", m.Channel)
				}
			}
		})
	}
}

// TestT24_TheOwnerIsToldWhenSlackIsBack: a message that could not be sent is tried again at the next post.
func TestT24_TheOwnerIsToldWhenSlackIsBack(t *testing.T) {
	l := memory(t)
	r, _ := reading(t, l, slackfake.Options{}, func(c *Config) { everywhere(Full)(c); c.Engine = engine(canaryGroup) })
	change(func(c *slackfake.Channel) { c.IsExtShared = true })(r.slack)
	r.slack.AddFault(slackfake.Fault{Method: "chat.postMessage", Status: 500, Times: 1})
	for range 3 {
		r.askIn(slackfake.Bob, slackfake.DataHelp, "group x --public")
	}
	if n := r.toldOfSharing(slackfake.Alice, slackfake.DataHelp); n != 1 || recorded(t, l, slackfake.DataHelp) != 1 {
		t.Errorf("alice was told %d times, and it was recorded %d times", n, recorded(t, l, slackfake.DataHelp))
	}
}
