package slackfake_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"databricks-access-audit/bot/slackfake"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestSlashCommandIsAckedAndAnsweredThroughResponseURL(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	var api *slack.Client
	ready := make(chan struct{})
	api = run(t, s, 1, func(sm *socketmode.Client, e socketmode.Event) {
		<-ready
		command, ok := e.Data.(slack.SlashCommand)
		if !ok {
			t.Errorf("event data is %T", e.Data)
			return
		}
		_ = sm.Ack(*e.Request, map[string]any{"text": "working on " + command.Text})
		_, _, err := api.PostMessage("", slack.MsgOptionResponseURL(command.ResponseURL, slack.ResponseTypeEphemeral),
			slack.MsgOptionText("done", false))
		if err != nil {
			t.Errorf("response_url: %v", err)
		}
	})
	close(ready)
	d, err := s.Slash(within(t), slackfake.Alice, "data-help", "/access-audit", "principal x")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Seen) != 1 || d.Seen[0].Text != "working on principal x" || !d.Seen[0].Ephemeral {
		t.Errorf("seen at once: %+v", d.Seen)
	}
	err = s.WaitFor(within(t), func(sn *slackfake.Snapshot) bool { return len(sn.Ephemerals) == 2 })
	if err != nil {
		t.Fatal(err)
	}
	// slack-go queues acknowledgements, so the answer may overtake them.
	via := map[string]string{}
	for _, m := range s.EphemeralsFor(slackfake.Alice, "#data-help") {
		via[m.Via] = m.Text
	}
	if via["response_url"] != "done" || via["ack"] != "working on principal x" {
		t.Errorf("ephemerals %v", via)
	}
	if len(s.EphemeralsFor(slackfake.Bob, "#data-help"))+len(s.MessagesIn("#data-help")) != 0 {
		t.Error("others see the answer")
	}
	noProblems(t, s)
}

func TestDuplicateEnvelopesReachTwoSocketsAndBothAreAcked(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{Duplicate: true})
	run(t, s, 2, ack)
	d, err := s.Slash(within(t), slackfake.Bob, slackfake.DataHelp, "/access-audit", "help")
	if err != nil || !d.Acked {
		t.Fatalf("%+v, %v", d, err)
	}
	acks := s.Acks()
	if len(acks) != 2 || acks[0].EnvelopeID != acks[1].EnvelopeID || acks[0].Socket == acks[1].Socket {
		t.Errorf("acks %+v", acks)
	}
	noProblems(t, s)
}

func TestMentionArrivesAsEventAndClickAsInteraction(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{BotEvents: []string{"app_mention", "message.channels"}, Scopes: historyScopes()})
	got := make(chan any, 10)
	api := run(t, s, 1, func(sm *socketmode.Client, e socketmode.Event) {
		ack(sm, e)
		if outer, ok := e.Data.(slackevents.EventsAPIEvent); ok {
			if message, ok := outer.InnerEvent.Data.(*slackevents.MessageEvent); ok && message.BotID == "B0AUDIT" {
				return // the app's own
			}
			got <- outer.InnerEvent.Data
			return
		}
		got <- e.Data
	})
	button := slack.NewButtonBlockElement("plan_approve", "p-1:abc", slack.NewTextBlockObject(slack.PlainTextType, "Approve", false, false))
	_, ts, err := api.PostMessage(slackfake.DataHelp, slack.MsgOptionText("plan", false),
		slack.MsgOptionBlocks(slack.NewActionBlock("", button)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Mention(within(t), slackfake.Carol, slackfake.DataHelp, ts, "approve p-1")
	if err != nil {
		t.Fatal(err)
	}
	mention, ok := (<-got).(*slackevents.AppMentionEvent)
	if !ok || mention.ThreadTimeStamp != ts || mention.TimeStamp != d.TS || mention.Text != "<@U0AUDITBOT> approve p-1" || mention.User != slackfake.Carol {
		t.Errorf("mention %+v", mention)
	}
	message, ok := (<-got).(*slackevents.MessageEvent)
	if !ok || message.TimeStamp != d.TS || message.SubType != "" {
		t.Errorf("message %+v", message)
	}
	if _, err = s.EditMessage(within(t), slackfake.Carol, slackfake.DataHelp, d.TS, "<@U0AUDITBOT> reject p-1"); err != nil {
		t.Fatal(err)
	}
	edited, ok := (<-got).(*slackevents.MessageEvent)
	if !ok || edited.SubType != "message_changed" || edited.Message == nil || edited.Message.Text != "<@U0AUDITBOT> reject p-1" {
		t.Errorf("edited %+v", edited)
	}
	c, err := s.Click(within(t), slackfake.Press{User: slackfake.Dave, Channel: slackfake.DataHelp, TS: ts, ActionID: "plan_approve"})
	if err != nil {
		t.Fatal(err)
	}
	click, ok := (<-got).(slack.InteractionCallback)
	if !ok || click.User.ID != slackfake.Dave || click.User.TeamID != "T0ACME" || click.APIAppID != "A0AUDIT" ||
		click.Container.MessageTs != ts || click.Message.Timestamp != ts || click.TriggerID != c.TriggerID {
		t.Fatalf("click %+v", click)
	}
	action := click.ActionCallback.BlockActions[0]
	if action.ActionID != "plan_approve" || action.Value != "p-1:abc" || action.BlockID != click.Message.Blocks.BlockSet[0].(*slack.ActionBlock).BlockID {
		t.Errorf("action %+v", action)
	}
	noProblems(t, s)
}

func TestClickNeedsAVisibleButton(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	api := run(t, s, 1, ack)
	_, ts, err := api.PostMessage(slackfake.DataApprovals, slack.MsgOptionText("no buttons left", false))
	if err != nil {
		t.Fatal(err)
	}
	press := slackfake.Press{User: slackfake.Bob, Channel: "data-approvals", TS: ts, ActionID: "plan_approve"}
	if _, err := s.Click(within(t), press); err == nil {
		t.Error("clicked a button that is not there")
	}
	press.Stale = &slackfake.Button{Value: "p-1"}
	if _, err := s.Click(within(t), press); err != nil {
		t.Errorf("stale click: %v", err)
	}
	press.User = slackfake.Guest
	if _, err := s.Click(within(t), press); err == nil {
		t.Error("a person outside the channel clicked")
	}
}

func TestViewIsOpenedSubmittedAndUpdated(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	values := make(chan string, 4)
	rejectOnce := true
	run(t, s, 1, func(sm *socketmode.Client, e socketmode.Event) {
		callback, ok := e.Data.(slack.InteractionCallback)
		if !ok {
			ack(sm, e)
			return
		}
		values <- callback.View.State.Values["why"]["reason"].Value
		if rejectOnce {
			rejectOnce = false
			_ = sm.Ack(*e.Request, slack.NewErrorsViewSubmissionResponse(map[string]string{"why": "say more"}))
			return
		}
		ack(sm, e)
	})
	api := client(t, s)
	d, err := s.Slash(within(t), slackfake.Alice, slackfake.DataHelp, "/access-clone", "a b")
	if err != nil {
		t.Fatal(err)
	}
	modal := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: "reject", PrivateMetadata: "p-1",
		Title:  slack.NewTextBlockObject(slack.PlainTextType, "Reject", false, false),
		Submit: slack.NewTextBlockObject(slack.PlainTextType, "Reject", false, false),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock("why",
			slack.NewTextBlockObject(slack.PlainTextType, "Reason", false, false), nil, slack.NewPlainTextInputBlockElement(nil, "reason"))}},
	}
	opened, err := api.OpenView(d.TriggerID, modal)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = api.OpenView(d.TriggerID, modal); err == nil || err.Error() != "exchanged_trigger_id" {
		t.Errorf("second use of a trigger: %v", err)
	}
	updated, err := api.UpdateView(modal, "", opened.Hash, opened.View.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = api.UpdateView(modal, "", opened.Hash, opened.View.ID); err == nil || err.Error() != "hash_conflict" {
		t.Errorf("update with an old hash: %v (new hash %s)", err, updated.Hash)
	}
	for _, reason := range []string{"", "too much"} {
		if _, err = s.Submit(within(t), slackfake.Alice, opened.View.ID, map[string]map[string]string{"why": {"reason": reason}}); err != nil {
			t.Fatal(err)
		}
		if got := <-values; got != reason {
			t.Errorf("reason %q, want %q", got, reason)
		}
	}
	if v := s.Views()[0]; !v.Closed || v.Updates != 1 || v.PrivateMetadata != "p-1" {
		t.Errorf("view %+v", v)
	}
	if _, err = s.Submit(within(t), slackfake.Alice, opened.View.ID, nil); err == nil {
		t.Error("submitted a closed view")
	}
	noProblems(t, s)
}

func TestClientReconnectsAfterDropAndDisconnect(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	run(t, s, 1, ack)
	for i, end := range []func(){s.DropSockets, func() { s.Disconnect(slackfake.DisconnectRefresh) }} {
		end()
		err := s.WaitFor(within(t), func(sn *slackfake.Snapshot) bool { return sn.Connected == i+2 && sn.Sockets == 1 })
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Slash(within(t), slackfake.Alice, slackfake.DataHelp, "/access-audit", "help"); err != nil {
		t.Error(err)
	}
	noProblems(t, s)
}

func TestLinkDisabledTurnsSocketsAwayUntilEnabled(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	run(t, s, 1, ack)
	s.Disconnect(slackfake.DisconnectDisabled)
	// slack-go swallows the reason and asks again at once.
	err := s.WaitFor(within(t), func(sn *slackfake.Snapshot) bool { return len(sn.CallsTo("apps.connections.open")) > 5 })
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Snapshot().Sockets; n != 0 {
		t.Errorf("%d sockets are served", n)
	}
	s.EnableLink()
	if err := s.WaitConnected(within(t), 1); err != nil {
		t.Error(err)
	}
}

func TestStalledPingsMakeTheClientReconnect(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{PingInterval: 20 * time.Millisecond})
	sm := socketmode.New(client(t, s), socketmode.OptionPingInterval(500*time.Millisecond))
	serve(t, sm, ack)
	if err := s.WaitConnected(within(t), 1); err != nil {
		t.Fatal(err)
	}
	s.StallPings(true)
	err := s.WaitFor(within(t), func(sn *slackfake.Snapshot) bool { return sn.Connected > 1 })
	if err != nil {
		t.Error(err)
	}
}

func TestTicketIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	link, _ := post(t, s, "apps.connections.open", s.AppToken(), nil)["url"].(string)
	conn, response, err := websocket.DefaultDialer.Dial(link, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	defer func() { _ = conn.Close() }()
	_, response, err = websocket.DefaultDialer.Dial(link, nil)
	if err == nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("second use: %v", err)
	}
	_ = response.Body.Close()
}

func TestEleventhSocketIsTurnedAway(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	for i := range 10 {
		hello := dial(t, s).read()
		if hello["type"] != "hello" || hello["num_connections"] != float64(i+1) {
			t.Fatalf("socket %d: %v", i, hello)
		}
	}
	if got := dial(t, s).read(); got["reason"] != "too_many_websockets" {
		t.Errorf("eleventh socket got %v", got)
	}
}

func TestAcknowledgementsAreBooked(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*slackfake.Server, *slackfake.ManualClock, *peer, chan error) {
		clock := slackfake.NewManualClock(noon)
		s := start(t, slackfake.Options{Clock: clock})
		p := dial(t, s)
		p.read() // hello
		outcome := make(chan error, 1)
		go func() {
			_, err := s.Slash(context.Background(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "help")
			outcome <- err
		}()
		return s, clock, p, outcome
	}
	t.Run("in time", func(t *testing.T) {
		t.Parallel()
		s, clock, p, outcome := setup(t)
		p.ack(p.read())
		if err := <-outcome; err != nil {
			t.Error(err)
		}
		clock.Advance(time.Hour)
		noProblems(t, s)
	})
	t.Run("missing", func(t *testing.T) {
		t.Parallel()
		s, clock, p, outcome := setup(t)
		p.read()
		noProblems(t, s)
		clock.Advance(3 * time.Second)
		if err := <-outcome; !errors.Is(err, slackfake.ErrNotAcked) {
			t.Error(err)
		}
		wantProblem(t, s, "not acknowledged within 3s")
	})
	t.Run("late", func(t *testing.T) {
		t.Parallel()
		s, clock, p, outcome := setup(t)
		frame := p.read()
		clock.Advance(4 * time.Second)
		if err := <-outcome; !errors.Is(err, slackfake.ErrNotAcked) {
			t.Error(err)
		}
		p.ack(frame)
		waitAcked(t, s)
		wantProblem(t, s, "acknowledged late, after 4s")
	})
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		s, _, p, _ := setup(t)
		frame := p.read()
		p.ack(frame)
		p.ack(frame)
		waitProblem(t, s)
		wantProblem(t, s, "acknowledged more often than delivered")
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		s, _, p, _ := setup(t)
		p.ack(p.read())
		p.write(`{"envelope_id":"nobody"}`)
		waitProblem(t, s)
		wantProblem(t, s, "never sent")
	})
	t.Run("not an ack", func(t *testing.T) {
		t.Parallel()
		s, _, p, _ := setup(t)
		p.ack(p.read())
		p.write(`hello`)
		waitProblem(t, s)
		wantProblem(t, s, "not an acknowledgement")
	})
	t.Run("oversized is dropped", func(t *testing.T) {
		t.Parallel()
		s, clock, p, outcome := setup(t)
		id, _ := p.read()["envelope_id"].(string)
		p.write(`{"envelope_id":"` + id + `","payload":{"text":"` + strings.Repeat("x", 20_480) + `"}}`)
		waitProblem(t, s)
		wantProblem(t, s, "dropped")
		clock.Advance(3 * time.Second)
		if err := <-outcome; !errors.Is(err, slackfake.ErrNotAcked) {
			t.Error(err)
		}
	})
	t.Run("lost with the socket is nobody's fault", func(t *testing.T) {
		t.Parallel()
		s, clock, p, outcome := setup(t)
		p.read()
		s.DropSockets()
		clock.Advance(time.Minute)
		if err := <-outcome; !errors.Is(err, slackfake.ErrNotAcked) {
			t.Error(err)
		}
		noProblems(t, s)
	})
}

func waitAcked(t *testing.T, s *slackfake.Server) {
	t.Helper()
	err := s.WaitFor(within(t), func(sn *slackfake.Snapshot) bool { return len(sn.Acks) > 0 && sn.Pending == 0 })
	if err != nil {
		t.Fatal(err)
	}
}

func waitProblem(t *testing.T, s *slackfake.Server) {
	t.Helper()
	err := s.WaitFor(within(t), func(sn *slackfake.Snapshot) bool { return len(sn.Problems) > 0 })
	if err != nil {
		t.Fatal(err)
	}
}

func TestEventIsRedeliveredUntilAcked(t *testing.T) {
	t.Parallel()
	clock := slackfake.NewManualClock(noon)
	s := start(t, slackfake.Options{Clock: clock, Redeliver: true})
	p := dial(t, s)
	p.read() // hello
	outcome := make(chan error, 1)
	go func() {
		_, err := s.Mention(context.Background(), slackfake.Alice, slackfake.DataHelp, "", "status p-1")
		outcome <- err
	}()
	first := p.read()
	clock.Advance(3 * time.Second)
	second := p.read()
	clock.Advance(3 * time.Second)
	clock.AwaitWaiters(1) // the minute before the next attempt
	clock.Advance(time.Minute)
	third := p.read()
	p.ack(third)
	if err := <-outcome; err != nil {
		t.Error(err)
	}
	for i, frame := range []map[string]any{first, second, third} {
		if frame["envelope_id"] != first["envelope_id"] || frame["retry_attempt"] != float64(i) {
			t.Errorf("delivery %d: %v", i, frame)
		}
	}
	if second["retry_reason"] != "timeout" {
		t.Errorf("retry_reason %v", second["retry_reason"])
	}
}

func TestRedeliverSendsTheSameEnvelopeAgain(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	run(t, s, 1, ack)
	d, err := s.Slash(within(t), slackfake.Alice, slackfake.DataHelp, "/access-audit", "help")
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Redeliver(within(t), d.EnvelopeID)
	if err != nil || again.EnvelopeID != d.EnvelopeID {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := s.Redeliver(within(t), "nobody"); err == nil {
		t.Error("redelivered what was never sent")
	}
	noProblems(t, s)
}

func TestUnknownEnvelopeTypesArriveUnacked(t *testing.T) {
	t.Parallel()
	clock := slackfake.NewManualClock(noon)
	s := start(t, slackfake.Options{Clock: clock})
	seen := make(chan socketmode.Event, 1)
	sm := socketmode.New(client(t, s))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = sm.RunContext(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-sm.Events:
				if e.Type == socketmode.EventTypeErrorBadMessage {
					seen <- e
				}
			}
		}
	}()
	if err := s.WaitConnected(within(t), 1); err != nil {
		t.Fatal(err)
	}
	outcome := make(chan error, 1)
	go func() {
		_, err := s.Deliver(context.Background(), "events_api", s.EventPayload(slackfake.DataHelp, map[string]any{"type": "invented_here"}))
		outcome <- err
	}()
	<-seen
	clock.Advance(3 * time.Second)
	if err := <-outcome; !errors.Is(err, slackfake.ErrNotAcked) {
		t.Error(err)
	}
}

func TestDrivingRefusesWhatPeopleCannotDo(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	ctx := within(t)
	if _, err := s.Slash(ctx, slackfake.Alice, slackfake.DataHelp, "/access-audit", ""); !errors.Is(err, slackfake.ErrNoSocket) {
		t.Errorf("without a socket: %v", err)
	}
	for name, err := range map[string]error{
		"user":    second(s.Slash(ctx, "U0NOBODY", slackfake.DataHelp, "/x", "")),
		"channel": second(s.Slash(ctx, slackfake.Alice, "nowhere", "/x", "")),
		"member":  second(s.Slash(ctx, slackfake.Guest, slackfake.DataApprovals, "/x", "")),
		"thread":  second(s.Mention(ctx, slackfake.Alice, slackfake.DataHelp, "1.000001", "hi")),
		"edit":    second(s.EditMessage(ctx, slackfake.Alice, slackfake.DataHelp, "1.000001", "hi")),
		"delete":  second(s.DeleteMessage(ctx, slackfake.Alice, slackfake.DataHelp, "1.000001")),
		"view":    second(s.Submit(ctx, slackfake.Alice, "V0", nil)),
	} {
		if err == nil || errors.Is(err, slackfake.ErrNoSocket) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Nobody listens in a channel without the bot.
	d, err := s.Mention(ctx, slackfake.Alice, slackfake.Lounge, "", "hello")
	if err != nil || d.EnvelopeID != "" || d.TS == "" {
		t.Errorf("mention without the bot: %+v, %v", d, err)
	}
}

func second[T any](_ T, err error) error { return err }
