package slackfake_test

import (
	"fmt"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"databricks-access-audit/bot/slackfake"
)

// historyScopes are what an app asks for that reads the messages of its channels.
func historyScopes() []string {
	return append(slackfake.DefaultScopes(), "channels:history", "groups:history")
}

// heard is one event as slack-go decodes it.
type heard struct {
	id    string // of the event
	inner any
}

// listen starts a server whose app acknowledges everything and notes its events.
func listen(t *testing.T, opts slackfake.Options) (*slackfake.Server, *slack.Client, <-chan heard) {
	t.Helper()
	s := start(t, opts)
	events := make(chan heard, 50)
	api := run(t, s, 1, func(sm *socketmode.Client, e socketmode.Event) {
		if outer, ok := e.Data.(slackevents.EventsAPIEvent); ok {
			h := heard{inner: outer.InnerEvent.Data}
			if callback, ok := outer.Data.(*slackevents.EventsAPICallbackEvent); ok {
				h.id = callback.EventID
			}
			events <- h
		}
		ack(sm, e)
	})
	return s, api, events
}

func messageEvent(t *testing.T, h heard) *slackevents.MessageEvent {
	t.Helper()
	m, ok := h.inner.(*slackevents.MessageEvent)
	if !ok {
		t.Fatalf("%T is no message event", h.inner)
	}
	return m
}

// nothing fails if there are events left. Deliveries are acknowledged before
// the driving methods return, so there is nothing to wait for.
func nothing(t *testing.T, events <-chan heard) {
	t.Helper()
	select {
	case h := <-events:
		t.Errorf("heard %+v", h.inner)
	default:
	}
}

func TestPlainMessagesAreHeardBySubscriptionAndScope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		opts          slackfake.Options
		public, group bool
	}{
		{name: "neither by default"},
		{name: "a scope is no subscription", opts: slackfake.Options{Scopes: historyScopes()}},
		{name: "a subscription is no scope", opts: slackfake.Options{
			BotEvents: []string{"message.channels", "message.groups"}, Scopes: slackfake.DefaultScopes(),
		}},
		{name: "a subscription asks for its scope", opts: slackfake.Options{BotEvents: []string{"message.groups"}}, group: true},
		{name: "public", opts: slackfake.Options{BotEvents: []string{"message.channels"}, Scopes: historyScopes()}, public: true},
		{name: "private", opts: slackfake.Options{BotEvents: []string{"message.groups"}, Scopes: historyScopes()}, group: true},
		{name: "private without its scope", opts: slackfake.Options{
			BotEvents: []string{"message.channels", "message.groups"}, Scopes: append(slackfake.DefaultScopes(), "channels:history"),
		}, public: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _, events := listen(t, tt.opts)
			for channel, want := range map[string]bool{slackfake.DataHelp: tt.public, slackfake.DataApprovals: tt.group, slackfake.Lounge: false} {
				d, err := s.Say(within(t), slackfake.Bob, channel, "", "approve p-1")
				check(t, err)
				if (d.EnvelopeID != "") != want {
					t.Fatalf("%s: heard is %t", channel, !want)
				}
				if !want {
					continue
				}
				m := messageEvent(t, <-events)
				kind := map[string]string{slackfake.DataHelp: "channel", slackfake.DataApprovals: "group"}[channel]
				if m.Channel != channel || m.ChannelType != kind || m.TimeStamp != d.TS || m.User != slackfake.Bob ||
					m.Text != "approve p-1" || m.SubType != "" || m.BotID != "" || m.ClientMsgID == "" {
					t.Errorf("message %+v", m)
				}
			}
			nothing(t, events)
			noProblems(t, s)
		})
	}
}

func TestMentionIsHeardAsTwoEventsOfOneMessage(t *testing.T) {
	t.Parallel()
	s, _, events := listen(t, slackfake.Options{BotEvents: []string{"message.groups", "app_mention"}, Scopes: historyScopes()})
	parent, err := s.Say(within(t), slackfake.Alice, slackfake.DataApprovals, "", "a plan")
	check(t, err)
	<-events
	d, err := s.Mention(within(t), slackfake.Carol, slackfake.DataApprovals, parent.TS, "approve p-1")
	check(t, err)
	first, then := <-events, <-events
	mention, ok := first.inner.(*slackevents.AppMentionEvent)
	if !ok {
		t.Fatalf("%T is no mention", first.inner)
	}
	message := messageEvent(t, then)
	if mention.TimeStamp != d.TS || message.TimeStamp != d.TS || mention.Channel != message.Channel || mention.ThreadTimeStamp != parent.TS ||
		message.ThreadTimeStamp != parent.TS || mention.Text != message.Text {
		t.Errorf("mention %+v, message %+v", mention, message)
	}
	if first.id == "" || first.id == then.id {
		t.Errorf("event ids %q and %q", first.id, then.id)
	}
	nothing(t, events)
	// Without the scope of mentions only the message is left.
	s.SetScopes("groups:history")
	_, err = s.Mention(within(t), slackfake.Carol, slackfake.DataApprovals, parent.TS, "approve p-1")
	check(t, err)
	messageEvent(t, <-events)
	nothing(t, events)
}

func TestChangedAndDeletedMessagesAreHeard(t *testing.T) {
	t.Parallel()
	s, api, events := listen(t, slackfake.Options{BotEvents: []string{"message.channels"}, Scopes: historyScopes()})
	d, err := s.Say(within(t), slackfake.Bob, slackfake.DataHelp, "", "status")
	check(t, err)
	<-events
	_, err = s.EditMessage(within(t), slackfake.Bob, slackfake.DataHelp, d.TS, "approve p-1")
	check(t, err)
	m := messageEvent(t, <-events)
	if m.SubType != "message_changed" || m.TimeStamp == d.TS || m.EventTimeStamp != m.TimeStamp || m.Text != "" ||
		m.Message.Text != "approve p-1" || m.Message.Timestamp != d.TS || m.Message.Edited == nil || m.PreviousMessage.Text != "status" {
		t.Errorf("changed %+v", m)
	}
	if _, err = s.DeleteMessage(within(t), slackfake.Alice, slackfake.DataHelp, d.TS); err == nil {
		t.Error("a member deleted somebody else's message")
	}
	gone, err := s.DeleteMessage(within(t), slackfake.Bob, slackfake.DataHelp, d.TS)
	check(t, err)
	m = messageEvent(t, <-events)
	if m.SubType != "message_deleted" || m.DeletedTimeStamp != d.TS || m.TimeStamp == d.TS || m.Channel != slackfake.DataHelp ||
		m.PreviousMessage.Text != "approve p-1" || gone.TS != d.TS || !gone.Acked {
		t.Errorf("deleted %+v (%+v)", m, gone)
	}
	if all := s.MessagesIn(slackfake.DataHelp); len(all) != 0 {
		t.Errorf("messages %+v", all)
	}
	if _, err = s.DeleteMessage(within(t), slackfake.Bob, slackfake.DataHelp, d.TS); err == nil {
		t.Error("deleted twice")
	}
	// An administrator may delete the app's own, which it then cannot update.
	_, ts, err := api.PostMessage(slackfake.DataHelp, slack.MsgOptionText("plan", false))
	check(t, err)
	<-events
	check(t, s.UpdateUser(slackfake.Dave, func(u *slackfake.User) { u.IsAdmin = true }))
	_, err = s.DeleteMessage(within(t), slackfake.Dave, slackfake.DataHelp, ts)
	check(t, err)
	if m = messageEvent(t, <-events); m.PreviousMessage.BotID != "B0AUDIT" || m.DeletedTimeStamp != ts {
		t.Errorf("deleted %+v", m)
	}
	if _, _, _, err = api.UpdateMessage(slackfake.DataHelp, ts, slack.MsgOptionText("x", false)); err == nil || err.Error() != "message_not_found" {
		t.Errorf("updated what was deleted: %v", err)
	}
	nothing(t, events)
	noProblems(t, s)
}

func TestAnAppThatHearsMessagesHearsItsOwn(t *testing.T) {
	t.Parallel()
	s, api, events := listen(t, slackfake.Options{BotEvents: []string{"app_mention", "message.channels"}, Scopes: historyScopes()})
	section := slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "b", false, false), nil, nil)
	_, ts, err := api.PostMessage(slackfake.DataHelp, slack.MsgOptionText("<@U0AUDITBOT> approve p-1", false), slack.MsgOptionBlocks(section))
	check(t, err)
	m := messageEvent(t, <-events) // and no mention before it
	if m.TimeStamp != ts || m.User != slackfake.AuditBot || m.BotID != "B0AUDIT" || m.SubType != "" || len(m.Blocks.BlockSet) != 1 || m.ClientMsgID != "" {
		t.Errorf("own message %+v", m)
	}
	_, _, _, err = api.UpdateMessage(slackfake.DataHelp, ts, slack.MsgOptionText("done", false))
	check(t, err)
	if m = messageEvent(t, <-events); m.SubType != "message_changed" || m.Message.Text != "done" || m.Message.BotID != "B0AUDIT" {
		t.Errorf("own change %+v", m)
	}
	uploadTwo(t, s, api)
	if m = messageEvent(t, <-events); m.SubType != "file_share" || m.BotID != "B0AUDIT" {
		t.Errorf("own file %+v", m)
	}
	// What one person sees is no event, nor what is said where it hears nothing.
	_, err = api.PostEphemeral(slackfake.DataHelp, slackfake.Bob, slack.MsgOptionText("psst", false))
	check(t, err)
	_, _, err = api.PostMessage(slackfake.DataApprovals, slack.MsgOptionText("x", false))
	check(t, err)
	hook, err := s.SlashPayload(slackfake.Bob, slackfake.DataHelp, "/access-audit", "")
	check(t, err)
	for i, body := range []string{`{"text":"a","response_type":"in_channel"}`, `{"text":"b","replace_original":true}`, `{"delete_original":true}`, `{"text":"c"}`} {
		raw(t, hook["response_url"], "", "application/json", body)
		if i == 3 {
			break // an ephemeral
		}
		want := []string{"", "message_changed", "message_deleted"}[i]
		if m = messageEvent(t, <-events); m.SubType != want {
			t.Errorf("response %d: %+v", i, m)
		}
	}
	if n := len(s.Acks()); n != 6 {
		t.Errorf("%d deliveries, want 6", n)
	}
	nothing(t, events)
}

// A server that is closed while what the app wrote is on its way must not
// leave a goroutine behind; TestMain looks.
func TestOwnMessagesDoNotOutliveTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{
		BotEvents: []string{"message.channels"}, Scopes: historyScopes(), Clock: slackfake.NewManualClock(noon), Redeliver: true,
	})
	p := dial(t, s)
	p.read() // hello
	for i := range 3 {
		post(t, s, "chat.postMessage", s.BotToken(), form("channel", slackfake.DataHelp, "text", fmt.Sprint(i)))
	}
	p.read() // an event, never acknowledged
	check(t, s.Close())
}
