package bot

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// heard are the options of an app that hears every message of its channels.
func heard() slackfake.Options {
	return slackfake.Options{
		BotEvents: []string{"app_mention", "message.channels", "message.groups"},
		Scopes:    append(slackfake.DefaultScopes(), "channels:history", "groups:history"),
	}
}

func plain(_ *board, c *Config) { c.PlainReplies = true }

// writes says something in the approval channel without a mention.
func (w *town) writes(user, thread, text string) slackfake.Delivery {
	w.Helper()
	d, err := w.slack.Say(w.Context(), user, slackfake.DataApprovals, thread, text)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func TestPlainReplyIsAVote(t *testing.T) {
	w := found(t, heard(), nil, plain)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.writes(slackfake.Carol, card.TS, " approve\u00a0"+p.ID+" looks fine")
	w.until("the vote", says("Approved by carol@acme.test (Databricks id db-carol), Slack member U0CAROL, by a reply in this thread. Reason: looks fine"))
	w.become(p.ID, ledger.Applied)
	w.writes(slackfake.Alice, card.TS, "undo "+p.ID)
	w.become(p.ID, ledger.Undone)
}

// TestPlainReplyOfStrangers are judged as those with a mention are.
func TestPlainReplyOfStrangers(t *testing.T) {
	w := found(t, heard(), nil, plain)
	card := w.asks(slackfake.Alice, "erin @bob")
	other := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	if err := w.slack.UpdateChannel(slackfake.DataApprovals, func(c *slackfake.Channel) {
		c.Members = append(c.Members, slackfake.Guest, slackfake.Stranger)
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ user, thread, told string }{
		{slackfake.Alice, card.TS, "You may not vote on this plan"},
		{slackfake.Guest, card.TS, sayNotYou},
		{slackfake.Carol, other.TS, "and not of " + p.ID},
	} {
		d := w.writes(c.user, c.thread, "approve "+p.ID)
		w.await(d.EnvelopeID, 1)
		w.until("told", hears(c.user, c.told))
	}
	w.writes(slackfake.Stranger, card.TS, "approve "+p.ID)
	if votes, err := w.Votes(t.Context(), p.ID); err != nil || len(votes) != 0 {
		t.Errorf("votes %+v (%v)", votes, err)
	}
}

// TestPlainReplyIsHeardOnce: what mentions the bot arrives twice, and counts once, whichever comes first.
func TestPlainReplyIsHeardOnce(t *testing.T) {
	w := found(t, heard(), nil, func(b *board, c *Config) {
		plain(b, c)
		b.quorum = 2
	})
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.replies(slackfake.Carol, card.TS, "approve "+p.ID)
	w.until("the vote", says("Approved by carol"))
	text, ts := "<@"+slackfake.AuditBot+"> approve "+p.ID, slackTS(time.Now())
	for _, kind := range []string{"message", "app_mention"} {
		d, err := w.slack.Deliver(t.Context(), "events_api", w.slack.EventPayload(slackfake.DataApprovals, map[string]any{
			"type": kind, "user": slackfake.Bob, "text": text, "ts": ts, "thread_ts": card.TS, "channel": slackfake.DataApprovals, "team": "T0ACME"}))
		if err != nil {
			t.Fatal(err)
		}
		w.await(d.EnvelopeID, 1)
	}
	w.until("told", hears(slackfake.Bob, "You may not vote on this plan"))
	trail, err := w.Trail(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, entry := range trail {
		if e, err := entry.Event(); err == nil && e.Event == "refused" && e.Actor.Member == slackfake.Bob {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("one reply was refused %d times", refused)
	}
	if n := strings.Count(w.log.String(), `"msg":"delivered again, not taken"`); n != 2 {
		t.Errorf("%d of two were known", n)
	}
	// A mention that is no order is answered as ever, though the message itself is forgotten.
	w.replies(slackfake.Carol, card.TS, "what now?")
	w.until("help", hears(slackfake.Carol, "In the thread of a plan I take"))
}

// TestT07_PlainReplyDeletedWithdraws takes back a vote whose message is gone.
func TestT07_PlainReplyDeletedWithdraws(t *testing.T) {
	w := found(t, heard(), nil, func(b *board, c *Config) {
		plain(b, c)
		b.quorum = 2
	})
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	d := w.writes(slackfake.Carol, card.TS, "approve "+p.ID)
	w.until("the vote", says("Approved by carol"))
	if _, err := w.slack.DeleteMessage(t.Context(), slackfake.Carol, slackfake.DataApprovals, d.TS); err != nil {
		t.Fatal(err)
	}
	w.until("withdrawn", says("is withdrawn: its message was deleted."))
	if votes, _ := w.Votes(t.Context(), p.ID); len(votes) != 1 || votes[0].Stands() {
		t.Errorf("votes %+v", votes)
	}
}

// TestPlainTalkLeavesNoTrace: of what is no order in a plan's thread, neither log nor ledger holds a word, with the ability and
// without.
func TestPlainTalkLeavesNoTrace(t *testing.T) {
	for name, on := range map[string]bool{"heard": true, "not heard": false} {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(t.TempDir(), "own", "ledger.db")
			w := found(t, heard(), ledgertest.Open(t, ledger.Options{Location: at}), func(_ *board, c *Config) { c.PlainReplies = on })
			card := w.asks(slackfake.Alice, "erin @bob")
			p := w.plans()[0]
			talk := []struct{ channel, thread, text string }{
				{slackfake.DataApprovals, card.TS, "canary sings"},
				{slackfake.DataApprovals, card.TS, "please approve " + p.ID + " canary"},
				{slackfake.DataApprovals, "", "approve " + p.ID + " canary"},
				{slackfake.DataHelp, "", "canary at help"},
			}
			first := w.writes(slackfake.Carol, "", "canary alone")
			talk = append(talk, struct{ channel, thread, text string }{slackfake.DataApprovals, first.TS, "approve " + p.ID + " canary"})
			if !on {
				talk = append(talk, struct{ channel, thread, text string }{slackfake.DataApprovals, card.TS, "approve " + p.ID + " canary"})
			}
			for _, one := range talk {
				d, err := w.slack.Say(t.Context(), slackfake.Carol, one.channel, one.thread, one.text)
				if err != nil || !d.Acked {
					t.Fatalf("%q: %+v, %v", one.text, d, err)
				}
				if _, err := w.slack.EditMessage(t.Context(), slackfake.Carol, one.channel, d.TS, one.text+" canary"); err != nil {
					t.Fatal(err)
				}
			}
			// What comes after all of it is dealt with after all of it.
			w.replies(slackfake.Dave, card.TS, "status "+p.ID)
			w.until("the status", hears(slackfake.Dave, p.ID))
			if votes, err := w.Votes(t.Context(), p.ID); err != nil || len(votes) != 0 {
				t.Errorf("votes %+v (%v)", votes, err)
			}
			if strings.Contains(w.log.String(), "canary") {
				t.Error("the log tells what was said")
			}
			if s := w.slack.Snapshot(); slices.ContainsFunc(s.Ephemerals, func(m slackfake.Message) bool { return m.ForUser == slackfake.Carol }) {
				t.Error("somebody was answered who did not ask")
			}
			files, err := filepath.Glob(at + "*")
			if err != nil || len(files) == 0 {
				t.Fatalf("%v, %v", files, err)
			}
			for _, f := range files {
				kept, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(kept, []byte("canary")) {
					t.Errorf("%s tells what was said", filepath.Base(f))
				}
			}
		})
	}
}

// TestT12_ForgedPlainReplyIsVoid: any one mark of a program makes a reply without a mention void, and so does any one field that
// is missing or of others.
func TestT12_ForgedPlainReplyIsVoid(t *testing.T) {
	w := found(t, heard(), nil, plain)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	event := func() map[string]any {
		return map[string]any{"type": "message", "channel_type": "group", "user": slackfake.Carol, "text": "approve " + p.ID,
			"ts": slackTS(time.Now()), "thread_ts": card.TS, "channel": slackfake.DataApprovals, "team": "T0ACME"}
	}
	send := func(name string, payload map[string]any) {
		t.Helper()
		if d, err := w.slack.Deliver(t.Context(), "events_api", payload); err != nil || !d.Acked {
			t.Fatalf("%s: %+v, %v", name, d, err)
		}
	}
	for name, value := range map[string]any{
		"bot_id": "B1", "app_id": "A1", "bot_profile": map[string]any{"id": "B1"}, "workflow_id": "Wf1", "subtype": "thread_broadcast", "edited": map[string]any{"user": "U1"}, "username": "carol",
		"user_team": "T0PARTNER", "source_team": "T0PARTNER", "team": "T0PARTNER", "user": "USLACKBOT", "channel": slackfake.DataHelp, "thread_ts": "1700000000.000001", "ts": "1700000000.000001",
		"type": "other",
	} {
		e := event()
		e[name] = value
		send(name, w.slack.EventPayload(slackfake.DataApprovals, e))
	}
	for _, name := range []string{"user", "team", "ts", "thread_ts", "channel", "type", "text"} {
		e := event()
		delete(e, name)
		send("without "+name, w.slack.EventPayload(slackfake.DataApprovals, e))
	}
	for name, value := range map[string]any{"team_id": "T0PARTNER", "api_app_id": "A0OTHER", "is_ext_shared_channel": true, "type": "event", "event_id": ""} {
		o := w.slack.EventPayload(slackfake.DataApprovals, event())
		o[name] = value
		send("outer "+name, o)
	}
	w.replies(slackfake.Dave, card.TS, "status "+p.ID)
	if votes, err := w.Votes(t.Context(), p.ID); err != nil || len(votes) != 0 {
		t.Fatalf("votes: %+v (%v)", votes, err)
	}
	// The same without a flaw counts.
	send("whole", w.slack.EventPayload(slackfake.DataApprovals, event()))
	w.become(p.ID, ledger.Applied)
}

// TestIdle forgets what is no order at once, before anybody's limits are touched.
func TestIdle(t *testing.T) {
	c := &clones{bot: &bot{Config: Config{PlainReplies: true}}, self: "U0BOT"}
	for text, want := range map[string]bool{
		"approve p-0123456789":              false,
		"<@U0BOT> approve p-0123456789":     false,
		"<@U0BOT|bot> approve p-0123456789": false,
		"<@U0OTHER> approve p-0123456789":   true,
		"approve p-0123456789\nreally":      true,
		"no":                                true,
	} {
		d := slackapi.Delivery{Mention: &slackapi.Mention{Plain: true, ThreadTS: "1.000000", Text: text}}
		if got := c.idle(d); got != want {
			t.Errorf("%q: %v", text, got)
		}
		d.Mention.Plain = false
		if c.idle(d) {
			t.Errorf("%q with a mention is idle", text)
		}
	}
}
