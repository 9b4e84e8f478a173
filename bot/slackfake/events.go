package slackfake

import (
	"context"
	"slices"
	"strings"
)

// hears says whether the app is sent an event: it has to have subscribed to it
// and to hold the scope on the event's page, as "the event types sent to you
// are directly tied to the OAuth permission scopes awarded"
// (https://docs.slack.dev/apis/events-api). The caller holds mu.
func (s *Server) hears(event, scope string) bool {
	return slices.Contains(s.opts.BotEvents, event) && s.granted(scope)
}

// messageScopes are the scopes of the subscriptions to messages, see for example
// https://docs.slack.dev/reference/events/message.channels and
// https://docs.slack.dev/reference/events/message.groups.
var messageScopes = map[string]string{
	"message.channels": "channels:history",
	"message.groups":   "groups:history",
	"message.im":       "im:history",
}

// hearsMessages says whether the app is sent the messages of a channel it is in.
func (s *Server) hearsMessages(c *Channel) bool {
	event := "message.channels"
	switch channelType(c) {
	case "im":
		event = "message.im"
	case "group":
		event = "message.groups"
	}
	return s.hears(event, messageScopes[event])
}

// messageEvents makes the envelopes that a new message causes, or with old one
// that was changed. A message that mentions the app is both an app_mention and
// a message, two events with the same channel and ts. An app outside the
// channel hears nothing. That nobody's own mention is an app_mention for
// itself is an assumption. The caller holds mu.
func (s *Server) messageEvents(m *Message, c *Channel, old *Message) []*envelope {
	if !c.has(s.st.BotUserID) || m.Ephemeral {
		return nil
	}
	var events []*envelope
	mention := "<@" + s.st.BotUserID + ">"
	fresh := (old == nil || !strings.Contains(old.Text, mention)) && m.User != s.st.BotUserID
	if s.hears("app_mention", "app_mentions:read") && strings.Contains(m.Text, mention) && fresh && !c.IsIM {
		events = append(events, s.event(s.messageEvent("app_mention", m, c), c))
	}
	if !s.hearsMessages(c) {
		return events
	}
	if old == nil {
		return append(events, s.event(s.messageEvent("message", m, c), c))
	}
	inner := s.hiddenEvent("message_changed", c)
	inner["message"], inner["previous_message"] = s.messageEvent("message", m, c), s.messageEvent("message", old, c)
	return append(events, s.event(inner, c))
}

// deletedEvents makes the envelopes that the removal of a message causes,
// https://docs.slack.dev/reference/events/message/message_deleted, with the
// previous_message of Slack's own event types
// (https://docs.slack.dev/tools/node-slack-sdk/reference/types/interfaces/MessageDeletedEvent).
// The caller holds mu.
func (s *Server) deletedEvents(m *Message, c *Channel) []*envelope {
	if !c.has(s.st.BotUserID) || m.Ephemeral || !s.hearsMessages(c) {
		return nil
	}
	inner := s.hiddenEvent("message_deleted", c)
	inner["deleted_ts"], inner["previous_message"] = m.TS, s.messageEvent("message", m, c)
	return []*envelope{s.event(inner, c)}
}

// tellSelf delivers what the app wrote, or with old changed, to the app itself:
// an app that subscribed to messages hears its own, which libraries filter out
// (https://docs.slack.dev/tools/bolt-python/reference/middleware/ignoring_self_events/ignoring_self_events.html).
// The caller holds mu.
func (s *Server) tellSelf(m, old *Message) {
	if c := s.st.channels[m.Channel]; c != nil {
		s.deliverLater(s.messageEvents(m, c, old))
	}
}

// tellSelfDeleted is tellSelf for a message that the app removed.
func (s *Server) tellSelfDeleted(m *Message) {
	if c := s.st.channels[m.Channel]; c != nil {
		s.deliverLater(s.deletedEvents(m, c))
	}
}

// deliverLater delivers events that nobody waits for. What becomes of them is
// seen in Acks and Problems. The caller holds mu.
func (s *Server) deliverLater(events []*envelope) {
	select {
	case <-s.done: // Close may be past waiting for goroutines
		return
	default:
	}
	if len(events) > 0 {
		s.wg.Go(func() { _, _ = s.deliverEvents(context.Background(), events, "") })
	}
}

// hiddenEvent is a message event that is about another message,
// https://docs.slack.dev/reference/events/message. Its ts is its own.
func (s *Server) hiddenEvent(subtype string, c *Channel) map[string]any {
	ts := s.ts()
	return map[string]any{
		"type": "message", "subtype": subtype, "hidden": true, "channel": c.ID, "channel_type": channelType(c), "ts": ts, "event_ts": ts,
	}
}

// deliverEvents delivers one after the other and returns the first delivery,
// with ts as its TS, or the one that failed.
func (s *Server) deliverEvents(ctx context.Context, events []*envelope, ts string) (Delivery, error) {
	first := Delivery{TS: ts}
	for i, e := range events {
		d, err := s.deliver(ctx, e)
		d.TS = ts
		if i == 0 {
			first = d
		}
		if err != nil {
			return d, err
		}
	}
	return first, nil
}

func channelType(c *Channel) string {
	switch {
	case c.IsIM:
		return "im"
	case c.IsPrivate:
		return "group"
	}
	return "channel"
}

// messageEvent is a message as app_mention and message events show it,
// https://docs.slack.dev/reference/events/message.
func (s *Server) messageEvent(kind string, m *Message, c *Channel) map[string]any {
	team := s.st.TeamID
	if u := s.st.users[m.User]; u != nil {
		team = u.TeamID
	}
	inner := map[string]any{
		"type": kind, "user": m.User, "text": m.Text, "ts": m.TS, "channel": c.ID, "event_ts": m.TS, "team": team,
	}
	if kind == "message" {
		inner["channel_type"] = channelType(c)
	}
	if m.ThreadTS != "" {
		inner["thread_ts"] = m.ThreadTS
	}
	if m.Subtype != "" {
		inner["subtype"] = m.Subtype
	}
	switch {
	case m.Blocks != nil:
		inner["blocks"] = withBlockIDs(m.Blocks)
	case m.Via == "user" && m.Subtype == "":
		inner["blocks"] = userBlocks(m.Text)
		inner["client_msg_id"] = "11111111-0000-4000-8000-" + strings.ReplaceAll(m.TS, ".", "")[4:]
	}
	if m.BotID != "" {
		inner["bot_id"] = m.BotID
	}
	if m.BotID == s.st.BotID {
		inner["app_id"] = s.st.AppID
	}
	if m.Edits > 0 {
		inner["edited"] = map[string]any{"user": m.User, "ts": s.ts()}
	}
	return inner
}

// userBlocks is the rich text that a client sends with typing, without styles.
func userBlocks(text string) []any {
	section := map[string]any{"type": "rich_text_section", "elements": []any{map[string]any{"type": "text", "text": text}}}
	return []any{map[string]any{"type": "rich_text", "block_id": "typed", "elements": []any{section}}}
}

// EventPayload wraps an inner event of the test's own into an event_callback,
// for [Server.Deliver] with the type events_api.
func (s *Server) EventPayload(channel string, inner map[string]any) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.eventPayload(inner, s.st.channel(channel))
}

func (s *Server) event(inner map[string]any, c *Channel) *envelope {
	return &envelope{id: s.envelopeID(), kind: "events_api", payload: s.eventPayload(inner, c), channel: c.ID}
}

// eventPayload is the outer event, https://docs.slack.dev/apis/events-api#callback-field.
func (s *Server) eventPayload(inner map[string]any, c *Channel) map[string]any {
	return map[string]any{
		"token": "deprecated", "team_id": s.st.TeamID, "api_app_id": s.st.AppID, "type": "event_callback",
		"event_id": s.id("Ev"), "event_time": s.clock.Now().Unix(), "event_context": "4-fake",
		"is_ext_shared_channel": c != nil && c.IsExtShared,
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": s.st.TeamID, "user_id": s.st.BotUserID, "is_bot": true, "is_enterprise_install": false,
		}},
		"event": inner,
	}
}
