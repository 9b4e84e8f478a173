package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// town is a rig with plans.
type town struct {
	*rig
	*board
}

// found starts a workspace and a bot with plans, whose ledger is in memory unless it is given.
func found(t *testing.T, o slackfake.Options, l *ledger.Ledger, change func(*board, *Config)) *town {
	t.Helper()
	if l == nil {
		l = ledgertest.Open(t, ledger.Options{Location: ledger.Memory})
	}
	b := newBoard(l)
	r := begin(t, smallReport, o, func(c *Config) {
		c.Approvals, c.Identity, c.Ledger, c.ApprovalChannel = b, directory{}, l, slackfake.DataApprovals
		c.Unlimited = true
		hurry(&c.pace)
		if change != nil {
			change(b, c)
		}
	})
	return &town{r, b}
}

func hurry(p *pace) {
	p.mail, p.retry, p.busy, p.sweep, p.stuck = 20*time.Millisecond, 20*time.Millisecond, 50*time.Millisecond, 100*time.Millisecond, time.Minute
}

// plans gives the plans that there are, the oldest first.
func (w *town) plans() []ledger.Plan {
	w.Helper()
	list, err := w.Plans(w.Context(), ledger.PlanFilter{})
	if err != nil {
		w.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// until waits until the workspace is as wanted.
func (w *town) until(what string, ok func(s *slackfake.Snapshot) bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	if err := w.slack.WaitFor(ctx, ok); err != nil {
		var seen []string
		for _, m := range w.slack.MessagesIn(slackfake.DataApprovals) {
			seen = append(seen, textOf(m))
		}
		w.Fatalf("never %s\nchannel: %s\nlog: %s", what, strings.Join(seen, "\n---\n"), w.log.String())
	}
}

// says reports whether a message of the channel has a text.
func says(text string) func(s *slackfake.Snapshot) bool {
	return func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool {
			return m.Channel == slackfake.DataApprovals && strings.Contains(textOf(m), text)
		})
	}
}

// hears reports whether somebody alone was told a text.
func hears(user, text string) func(s *slackfake.Snapshot) bool {
	return func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(append(slices.Clone(s.Ephemerals), s.Messages...), func(m slackfake.Message) bool {
			return (m.ForUser == user || m.Channel == "D"+user[1:]) && strings.Contains(textOf(m), text)
		})
	}
}

// asks gives the command and presses "Send for approval"; it gives the plan's message.
func (w *town) asks(user, text string) slackfake.Message {
	w.Helper()
	preview := w.previews(user, text)
	w.press(user, slackfake.DataHelp, preview.TS, buttonSend)
	return w.cardMessage()
}

func (w *town) previews(user, text string) slackfake.Message {
	w.Helper()
	before := len(w.slack.EphemeralsFor(user, slackfake.DataHelp))
	if _, err := w.slack.SlashTyped(w.Context(), user, slackfake.DataHelp, "/access-clone", text); err != nil {
		w.Fatal(err)
	}
	var found slackfake.Message
	w.until("a preview", func(s *slackfake.Snapshot) bool {
		n := 0
		for _, m := range s.Ephemerals {
			if m.ForUser == user && m.Channel == slackfake.DataHelp {
				if n++; n > before && hasButtons(m) {
					found = m
				}
			}
		}
		return found.TS != ""
	})
	return found
}

// cardMessage waits for the newest plan's message.
func (w *town) cardMessage() slackfake.Message {
	w.Helper()
	plans := w.plans()
	id := plans[len(plans)-1].ID
	var card slackfake.Message
	w.until("a plan's message", func(s *slackfake.Snapshot) bool {
		i := slices.IndexFunc(s.Messages, func(m slackfake.Message) bool {
			return m.Channel == slackfake.DataApprovals && m.ThreadTS == "" && strings.Contains(textOf(m), id)
		})
		if i >= 0 {
			card = s.Messages[i]
		}
		return i >= 0
	})
	w.eventually("card kept", func() bool {
		_, err := w.Card(w.Context(), id)
		return err == nil
	})
	return card
}

func (w *town) eventually(what string, ok func() bool) {
	w.Helper()
	for limit := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			w.Fatalf("never: %s\n%s", what, w.log.String())
		}
	}
}

// press clicks a button, and waits until that was dealt with.
func (w *town) press(user, channel, ts, button string) slackfake.Delivery {
	w.Helper()
	d, err := w.slack.Click(w.Context(), slackfake.Press{User: user, Channel: channel, TS: ts, ActionID: button})
	if err != nil {
		w.Fatal(err)
	}
	w.await(d.EnvelopeID, 1)
	return d
}

// stale clicks a button that the message no longer has.
func (w *town) stale(user, ts, button, value string) {
	w.Helper()
	d, err := w.slack.Click(w.Context(), slackfake.Press{User: user, Channel: slackfake.DataApprovals, TS: ts, ActionID: button, Stale: &slackfake.Button{BlockID: "buttons", Value: value, Text: "x"}})
	if err != nil {
		w.Fatal(err)
	}
	w.await(d.EnvelopeID, 1)
}

// replies mentions the bot in a thread.
func (w *town) replies(user, ts, text string) slackfake.Delivery {
	w.Helper()
	d, err := w.slack.Mention(w.Context(), user, slackfake.DataApprovals, ts, text)
	if err != nil {
		w.Fatal(err)
	}
	w.await(d.EnvelopeID, 1)
	return d
}

func (w *town) state(id string) ledger.State {
	w.Helper()
	p, err := w.Plan(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return p.State
}

func (w *town) become(id string, s ledger.State) {
	w.Helper()
	w.eventually("plan "+string(s), func() bool { return w.state(id) == s })
}

// hasButtons reports whether the message still has buttons.
func hasButtons(m slackfake.Message) bool { return strings.Contains(string(m.Blocks), `"button"`) }

func TestPlanIsApprovedByButtonCarriedOutAndTakenBack(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	preview := w.previews(slackfake.Alice, "erin @bob --for 8h —ticket OPS-7")
	text := textOf(preview)
	for _, want := range []string{"Nobody was asked yet", "OPS-7", "To give bob@acme.test", "Who may approve: 1 of data-owners", "Net gain"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the preview:\n%s", want, text)
		}
	}
	if n := len(w.slack.MessagesIn(slackfake.DataApprovals)); n != 0 {
		t.Errorf("%d messages before it was sent", n)
	}
	p := w.plans()[0]
	if !strings.Contains(string(preview.Blocks), p.ID+":"+p.Digest[:12]) {
		t.Errorf("the button does not name plan and digest: %s", preview.Blocks)
	}
	w.press(slackfake.Alice, slackfake.DataHelp, preview.TS, buttonSend)
	card := w.cardMessage()
	for _, want := range []string{"alice@acme.test (Databricks id db-alice) asks to give bob@acme.test", p.ID, p.Digest[:12], "Waiting for approval", "OPS-7"} {
		if !strings.Contains(textOf(card), want) {
			t.Errorf("no %q in the plan's message:\n%s", want, textOf(card))
		}
	}
	w.until("the files", func(s *slackfake.Snapshot) bool { return len(s.Files) == 3 })
	for _, f := range w.slack.Files() {
		if f.ThreadTS != card.TS || strings.Contains(f.Name, "bob") {
			t.Errorf("file %s in thread %s of %s", f.Name, f.ThreadTS, card.TS)
		}
	}
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.until("carried out", says("To take it back, mention me here with: undo "+p.ID))
	w.become(p.ID, ledger.Applied)
	if got := w.effects(); got != "["+p.ID+"/s1 "+p.ID+"/s2]" {
		t.Errorf("effects %s", got)
	}
	w.until("without buttons", func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool {
			return m.TS == card.TS && !hasButtons(m) && strings.Contains(textOf(m), "Carried out")
		})
	})
	w.until("the requester told", hears(slackfake.Alice, "Carried out"))
	if !says("Approved by carol@acme.test (Databricks id db-carol), Slack member U0CAROL, by button.")(w.slack.Snapshot()) {
		t.Error("the vote is not told in the thread")
	}
	for _, m := range w.slack.MessagesIn(slackfake.DataApprovals) {
		if len(m.Mentions()) > 0 || m.TS != card.TS && m.ThreadTS != card.TS {
			t.Errorf("mentions %v, thread %q: %s", m.Mentions(), m.ThreadTS, textOf(m))
		}
	}
	w.replies(slackfake.Carol, card.TS, "undo "+p.ID)
	w.until("undo refused", says("Only who asked for it may take it back without votes"))
	w.replies(slackfake.Alice, card.TS, "undo "+p.ID)
	w.become(p.ID, ledger.Undone)
	w.until("taken back", says("Taken back."))
	w.until("the requester told", hears(slackfake.Alice, "Taken back."))
	for _, once := range []string{"Carried out", "Taken back."} {
		n := 0
		for _, m := range w.slack.MessagesIn("D0ALICE") {
			if strings.Contains(textOf(m), once) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("the requester was told %d times: %s", n, once)
		}
	}
	if got := w.effects(); got != "[]" {
		t.Errorf("effects %s", got)
	}
}

func TestPlanIsVotedOnByReply(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, func(b *board, _ *Config) { b.quorum = 2 })
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.replies(slackfake.Carol, card.TS, "approve\u00a0"+p.ID+" looks &lt;fine&gt;")
	w.until("the first vote", says("Reason: looks <fine>"))
	if w.state(p.ID) != ledger.Pending {
		t.Fatalf("%s after one vote of two", w.state(p.ID))
	}
	w.until("the vote on the plan's message", func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool {
			return m.TS == card.TS && strings.Contains(textOf(m), "Approved: carol") && hasButtons(m)
		})
	})
	w.replies(slackfake.Dave, card.TS, "approve "+p.ID)
	w.become(p.ID, ledger.Applied)
}

func TestPlanIsRejectedWithAReason(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonReject)
	views := w.slack.Views()
	if len(views) != 1 || views[0].User != slackfake.Carol {
		t.Fatalf("views %+v", views)
	}
	if w.state(p.ID) != ledger.Pending {
		t.Fatal("rejected before there was a reason")
	}
	d, err := w.slack.Submit(t.Context(), slackfake.Carol, views[0].ID, map[string]map[string]string{"text": {"input": "not <!channel> his job"}})
	if err != nil {
		t.Fatal(err)
	}
	w.await(d.EnvelopeID, 1)
	w.until("told", says("Reason: not <!channel> his job"))
	if w.state(p.ID) != ledger.Rejected {
		t.Errorf("plan %s", w.state(p.ID))
	}
	w.until("without buttons", func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool { return m.TS == card.TS && !hasButtons(m) })
	})
	w.stale(slackfake.Dave, card.TS, buttonApprove, p.ID+":"+p.Digest[:12])
	w.until("too late", hears(slackfake.Dave, "is already rejected, by carol@acme.test"))
	if w.effects() != "[]" {
		t.Errorf("effects %s", w.effects())
	}
}

// TestT02_PeopleWhoMayNotVote: by button and by reply.
func TestT02_PeopleWhoMayNotVote(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	if err := w.slack.UpdateChannel(slackfake.DataApprovals, func(c *slackfake.Channel) {
		c.Members = append(c.Members, slackfake.Guest, slackfake.Robot, slackfake.Leaver, slackfake.Stranger)
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ user, told string }{
		{slackfake.Alice, "You may not vote on this plan"},
		{slackfake.Bob, "You may not vote on this plan"},
		{slackfake.Guest, sayNotYou},
		{slackfake.Robot, sayNotYou},
		{slackfake.Leaver, sayNotYou},
		{slackfake.Stranger, ""},
	} {
		w.press(c.user, slackfake.DataApprovals, card.TS, buttonApprove)
		w.replies(c.user, card.TS, "approve "+p.ID)
		if c.told != "" {
			w.until("told "+c.user, hears(c.user, c.told))
		}
	}
	// Deactivated a moment ago: nothing is remembered of approvers.
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonDetails)
	if err := w.slack.UpdateUser(slackfake.Carol, func(u *slackfake.User) { u.Deleted = true }); err != nil {
		t.Fatal(err)
	}
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	votes, err := w.Votes(t.Context(), p.ID)
	if err != nil || len(votes) != 0 || w.state(p.ID) != ledger.Pending || w.effects() != "[]" {
		t.Errorf("votes %v (%v), plan %s, effects %s", votes, err, w.state(p.ID), w.effects())
	}
}

func TestT13_RepliesThatDoNothing(t *testing.T) {
	w := found(t, heard(), nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	other := w.asks(slackfake.Alice, "erin @bob")
	w.until("both", func(s *slackfake.Snapshot) bool { return len(s.Files) == 6 })
	// A message that did not mention the bot, and is edited until it says "approve".
	d, err := w.slack.Say(t.Context(), slackfake.Carol, slackfake.DataApprovals, card.TS, "hello")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.slack.EditMessage(t.Context(), slackfake.Carol, slackfake.DataApprovals, d.TS, "<@"+slackfake.AuditBot+"> approve "+p.ID); err != nil {
		t.Fatal(err)
	}
	w.replies(slackfake.Carol, other.TS, "approve "+p.ID) // in the thread of another plan
	w.until("the other thread", hears(slackfake.Carol, "and not of "+p.ID))
	w.replies(slackfake.Carol, "", "approve "+p.ID)
	w.until("no thread", hears(slackfake.Carol, "not the thread of a plan"))
	w.replies(slackfake.Carol, card.TS, "approve p-0000000000")
	for _, text := range []string{"approve", "LGTM", "Approve " + p.ID, "approve " + p.ID + "\nreally", "please approve " + p.ID, "approve  " + p.ID, "approve " + strings.ToLower(p.ID), "approve " + p.ID + " " + strings.Repeat("x", 301)} {
		w.replies(slackfake.Carol, card.TS, text)
	}
	votes, err := w.Votes(t.Context(), p.ID)
	if err != nil || len(votes) != 0 || w.effects() != "[]" {
		t.Errorf("votes %v (%v), effects %s", votes, err, w.effects())
	}
	// And the same edited after it was a vote takes the vote back.
	w.board.quorum = 2
	v := w.replies(slackfake.Carol, card.TS, "approve "+p.ID)
	w.until("the vote", says("Approved by carol"))
	if _, err := w.slack.EditMessage(t.Context(), slackfake.Carol, slackfake.DataApprovals, v.TS, "<@"+slackfake.AuditBot+"> approve "+p.ID+" perhaps"); err != nil {
		t.Fatal(err)
	}
	w.until("withdrawn", says("The vote of carol@acme.test (Databricks id db-carol) is withdrawn: its message was edited."))
	if votes, _ := w.Votes(t.Context(), p.ID); len(votes) != 1 || votes[0].Stands() {
		t.Errorf("votes %+v", votes)
	}
}

// TestT12_ForgedReplyIsVoid: any one mark of a program makes a vote void, and so does any one field that is missing or of others.
func TestT12_ForgedReplyIsVoid(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	event := func() map[string]any {
		return map[string]any{"type": "app_mention", "user": slackfake.Carol, "text": "<@" + slackfake.AuditBot + "> approve " + p.ID,
			"ts": slackTS(time.Now()), "thread_ts": card.TS, "channel": slackfake.DataApprovals, "team": "T0ACME"}
	}
	send := func(name string, payload map[string]any) {
		t.Helper()
		d, err := w.slack.Deliver(t.Context(), "events_api", payload)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.HasSuffix(name, "type") { // of another type it is not even looked at
			w.await(d.EnvelopeID, 1)
		}
		if votes, err := w.Votes(t.Context(), p.ID); err != nil || len(votes) != 0 {
			t.Fatalf("%s: a vote: %+v (%v)", name, votes, err)
		}
	}
	for name, value := range map[string]any{
		"bot_id": "B1", "app_id": "A1", "bot_profile": map[string]any{"id": "B1"}, "workflow_id": "Wf1", "subtype": "bot_message", "edited": map[string]any{"user": "U1"}, "username": "carol",
		"user_team": "T0PARTNER", "source_team": "T0PARTNER", "team": "T0PARTNER", "user": "USLACKBOT", "channel": slackfake.DataHelp, "thread_ts": "1700000000.000001", "ts": "1700000000.000001", "type": "message",
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
	// The same without a flaw counts: the others were void for their flaw.
	d, err := w.slack.Deliver(t.Context(), "events_api", w.slack.EventPayload(slackfake.DataApprovals, event()))
	if err != nil {
		t.Fatal(err)
	}
	w.await(d.EnvelopeID, 1)
	if votes, err := w.Votes(t.Context(), p.ID); err != nil || len(votes) != 1 || len(votes[0].EventHash) != 64 {
		t.Fatalf("votes %+v (%v)", votes, err)
	}
}

// slackTS is a time as Slack names messages.
func slackTS(at time.Time) string {
	whole := at.UnixMicro()
	text, _ := json.Marshal(whole / 1e6)
	part, _ := json.Marshal(1_000_000 + whole%1e6)
	return string(text) + "." + string(part)[1:]
}

// TestT12_ForgedClickIsVoid: blocks of the message prove nothing, and a field that is of others makes a click void.
func TestT12_ForgedClickIsVoid(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	for name, change := range map[string]func(c map[string]any){
		"app":         func(c map[string]any) { c["api_app_id"] = "A0OTHER" },
		"team":        func(c map[string]any) { c["team"] = map[string]any{"id": "T0PARTNER"} },
		"user's team": func(c map[string]any) { c["user"].(map[string]any)["team_id"] = "T0PARTNER" },
		"user":        func(c map[string]any) { delete(c["user"].(map[string]any), "id") },
		"channel":     func(c map[string]any) { c["channel"] = map[string]any{"id": slackfake.DataHelp} },
		"message":     func(c map[string]any) { c["container"].(map[string]any)["message_ts"] = "1700000000.000001" },
		"ephemeral":   func(c map[string]any) { c["container"].(map[string]any)["is_ephemeral"] = true },
		"container":   func(c map[string]any) { c["container"].(map[string]any)["type"] = "view" },
		"two":         func(c map[string]any) { c["actions"] = append(c["actions"].([]any), c["actions"].([]any)[0]) },
		"time":        func(c map[string]any) { delete(c["actions"].([]any)[0].(map[string]any), "action_ts") },
		"digest":      func(c map[string]any) { c["actions"].([]any)[0].(map[string]any)["value"] = p.ID + ":000000000000" },
		"plan": func(c map[string]any) {
			c["actions"].([]any)[0].(map[string]any)["value"] = "p-0000000000:" + p.Digest[:12]
		},
		"value":  func(c map[string]any) { c["actions"].([]any)[0].(map[string]any)["value"] = "" },
		"action": func(c map[string]any) { c["actions"].([]any)[0].(map[string]any)["action_id"] = "plan_apply" },
	} {
		payload, err := w.slack.ClickPayload(slackfake.Press{User: slackfake.Carol, Channel: slackfake.DataApprovals, TS: card.TS, ActionID: buttonApprove})
		if err != nil {
			t.Fatal(err)
		}
		change(payload)
		d, err := w.slack.DeliverClick(t.Context(), payload)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w.await(d.EnvelopeID, 1)
		if votes, err := w.Votes(t.Context(), p.ID); err != nil || len(votes) != 0 {
			t.Fatalf("%s: a vote: %+v (%v)", name, votes, err)
		}
	}
	// What the message shows is not looked at.
	payload, err := w.slack.ClickPayload(slackfake.Press{User: slackfake.Carol, Channel: slackfake.DataApprovals, TS: card.TS, ActionID: buttonApprove})
	if err != nil {
		t.Fatal(err)
	}
	payload["message"] = map[string]any{"text": "p-1111111111", "blocks": []any{}}
	d, err := w.slack.DeliverClick(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	w.await(d.EnvelopeID, 1)
	w.become(p.ID, ledger.Applied)
}

// TestEveryCommandIsAcknowledgedOnce: of a hundred commands at once, half of them for plans. How fast is measured with the whole program.
func TestEveryCommandIsAcknowledgedOnce(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	users := []string{slackfake.Alice, slackfake.Bob, slackfake.Carol, slackfake.Dave}
	var wg sync.WaitGroup
	for i := range 100 {
		command, text := "/access-audit", "principal x"
		if i%2 == 0 {
			command, text = "/access-clone", "erin @bob"
		}
		wg.Go(func() {
			if _, err := w.slack.SlashTyped(t.Context(), users[i%4], slackfake.DataHelp, command, text); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	times := map[string]int{} // a second acknowledgement is a problem, of which there are none in the end
	for _, a := range w.slack.Acks() {
		if a.Acked {
			times[a.EnvelopeID]++
		}
	}
	if len(times) != 100 || len(w.slack.Acks()) != 100 {
		t.Errorf("%d of %d envelopes were acknowledged", len(times), len(w.slack.Acks()))
	}
	for id := range times {
		w.await(id, 1)
	}
}

// TestT04_ReviewIsTold once, where it is to be told, with names that do nothing.
func TestT04_ReviewIsTold(t *testing.T) {
	for name, channel := range map[string]string{"in a channel of its own": slackfake.Lounge, "where plans are voted on": ""} {
		t.Run(name, func(t *testing.T) {
			w := found(t, slackfake.Options{}, nil, func(b *board, c *Config) {
				c.ReviewChannel = channel
				b.quorum, b.reviews = 2, []string{"<!channel> carol approved 6 plans"}
			})
			if err := w.slack.UpdateChannel(slackfake.Lounge, func(c *slackfake.Channel) {
				c.IsPrivate, c.Members = true, append(c.Members, slackfake.AuditBot)
			}); err != nil {
				t.Fatal(err)
			}
			card := w.asks(slackfake.Alice, "erin @bob")
			told := func(s *slackfake.Snapshot) (n int) {
				for _, m := range s.Messages {
					if strings.Contains(textOf(m), "please look at who approves whose plans") {
						if want := cmp.Or(channel, slackfake.DataApprovals); m.Channel != want || len(m.Mentions()) > 0 {
							t.Errorf("in %s: %v", m.Channel, m.Mentions())
						}
						n++
					}
				}
				return n
			}
			w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
			w.until("told", func(s *slackfake.Snapshot) bool { return told(s) > 0 })
			w.press(slackfake.Dave, slackfake.DataApprovals, card.TS, buttonApprove)
			w.become(w.plans()[0].ID, ledger.Applied)
			w.until("carried out", says("Carried out"))
			if n := told(w.slack.Snapshot()); n != 1 {
				t.Errorf("told %d times", n)
			}
		})
	}
}
