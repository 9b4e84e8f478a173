package slackfake

import (
	"context"
	"encoding/json"
	"fmt"
)

// Slash lets user send "command text" in channel (id or name) and waits for
// the acknowledgement. Text goes to the app as it is: see [Server.Typed] for
// what a client makes of typing. The error is [ErrNoSocket] or [ErrNotAcked]
// when the person would see one.
//
// The payload is https://docs.slack.dev/interactivity/implementing-slash-commands.
func (s *Server) Slash(ctx context.Context, user, channel, command, text string) (Delivery, error) {
	payload, err := s.SlashPayload(user, channel, command, text)
	if err != nil {
		return Delivery{}, err
	}
	return s.DeliverSlash(ctx, payload)
}

// DeliverSlash sends a payload made by [Server.SlashPayload], perhaps altered.
func (s *Server) DeliverSlash(ctx context.Context, payload map[string]string) (Delivery, error) {
	return s.deliver(ctx, &envelope{
		id: s.newEnvelopeID(), kind: "slash_commands", payload: payload,
		triggerID: payload["trigger_id"], responseURL: payload["response_url"],
		user: payload["user_id"], channel: payload["channel_id"],
	})
}

// SlashPayload makes the payload of a slash command with a new trigger_id and
// response_url.
func (s *Server) SlashPayload(user, channel, command, text string) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.actor(user, channel)
	if err != nil {
		return nil, fmt.Errorf("slash command: %w", err)
	}
	p := map[string]string{
		"token": "deprecated", "team_id": s.st.TeamID, "team_domain": s.st.TeamDomain,
		"channel_id": c.ID, "channel_name": channelName(c),
		"user_id": u.ID, "user_name": u.Name, "command": command, "text": text,
		"api_app_id": s.st.AppID, "is_enterprise_install": "false",
		"response_url": s.newHook(c.ID, u.ID, nil), "trigger_id": s.newTrigger(u.ID),
	}
	if s.st.EnterpriseID != "" {
		p["enterprise_id"] = s.st.EnterpriseID
	}
	return p, nil
}

// actor finds a person and a channel that the person is in.
func (s *Server) actor(user, channel string) (*User, *Channel, error) {
	u := s.st.users[user]
	if u == nil {
		return nil, nil, fmt.Errorf("no user %q", user)
	}
	c := s.st.channel(channel)
	if c == nil {
		return nil, nil, fmt.Errorf("no channel %q", channel)
	}
	if !c.has(user) {
		return nil, nil, fmt.Errorf("%s is not in %s", user, c.ID)
	}
	return u, c, nil
}

// channelName is what payloads say: private conversations are not named.
func channelName(c *Channel) string {
	switch {
	case c.IsIM:
		return "directmessage"
	case c.IsPrivate:
		return "privategroup"
	}
	return c.Name
}

// Press is the pressing of a button by a person.
type Press struct {
	User     string
	Channel  string // id or name
	TS       string // of the message, ephemeral or not
	ActionID string
	// Stale, if not nil, is the button as the person's screen still shows it
	// while the message may no longer have it.
	Stale *Button
}

// Button is a button as a message carries it.
type Button struct {
	BlockID string
	Value   string
	Style   string
	Text    string
}

// Click presses a button and waits for the acknowledgement. It returns an
// error if the person cannot see the message or it has no such button.
//
// The payload is https://docs.slack.dev/reference/interaction-payloads/block_actions-payload.
func (s *Server) Click(ctx context.Context, press Press) (Delivery, error) {
	payload, err := s.ClickPayload(press)
	if err != nil {
		return Delivery{}, err
	}
	return s.DeliverClick(ctx, payload)
}

// DeliverClick sends a payload made by [Server.ClickPayload], perhaps altered.
func (s *Server) DeliverClick(ctx context.Context, payload map[string]any) (Delivery, error) {
	e := &envelope{id: s.newEnvelopeID(), kind: "interactive", payload: payload}
	e.triggerID, _ = payload["trigger_id"].(string)
	e.responseURL, _ = payload["response_url"].(string)
	return s.deliver(ctx, e)
}

// ClickPayload makes the block_actions payload of a press.
func (s *Server) ClickPayload(press Press) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.actor(press.User, press.Channel)
	if err != nil {
		return nil, fmt.Errorf("click %s: %w", press.ActionID, err)
	}
	m := s.find(c.ID, press.TS)
	if m == nil || (m.Ephemeral && m.ForUser != u.ID) {
		return nil, fmt.Errorf("click %s: %s sees no message %s in %s", press.ActionID, u.ID, press.TS, c.ID)
	}
	button := press.Stale
	if button == nil {
		if button, err = buttonOf(m.Blocks, press.ActionID); err != nil {
			return nil, err
		}
	}
	return s.clickPayload(u, c, m, press.ActionID, button), nil
}

func (s *Server) clickPayload(u *User, c *Channel, m *Message, actionID string, b *Button) map[string]any {
	container := map[string]any{"type": "message", "message_ts": m.TS, "channel_id": c.ID, "is_ephemeral": m.Ephemeral}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	action := map[string]any{
		"type": "button", "action_id": actionID, "block_id": b.BlockID, "value": b.Value,
		"text": map[string]any{"type": "plain_text", "text": b.Text, "emoji": true}, "action_ts": s.ts(),
	}
	if b.Style != "" {
		action["style"] = b.Style
	}
	p := s.interaction("block_actions", u)
	p["container"], p["channel"] = container, map[string]any{"id": c.ID, "name": channelName(c)}
	p["state"], p["actions"] = map[string]any{"values": map[string]any{}}, []any{action}
	p["response_url"] = s.newHook(c.ID, u.ID, m)
	if !m.Ephemeral {
		p["message"] = s.messageJSON(m)
	}
	return p
}

// interaction is what every interactive payload begins with.
func (s *Server) interaction(kind string, u *User) map[string]any {
	p := map[string]any{
		"type": kind, "api_app_id": s.st.AppID, "token": "deprecated",
		"user":       map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID},
		"team":       map[string]any{"id": s.st.TeamID, "domain": s.st.TeamDomain},
		"enterprise": nil, "is_enterprise_install": false, "trigger_id": s.newTrigger(u.ID),
	}
	if s.st.EnterpriseID != "" {
		p["enterprise"] = map[string]any{"id": s.st.EnterpriseID, "name": s.st.TeamName}
	}
	return p
}

// buttonOf finds a button in blocks.
func buttonOf(blocks json.RawMessage, actionID string) (*Button, error) {
	var found *Button
	walkJSON(blocks, func(path string, node map[string]any) {
		if node["type"] != "button" || node["action_id"] != actionID || found != nil {
			return
		}
		found = &Button{Value: str(node, "value"), Style: str(node, "style"), BlockID: blockIDAt(blocks, path)}
		if text, ok := node["text"].(map[string]any); ok {
			found.Text = str(text, "text")
		}
	})
	if found == nil {
		return nil, fmt.Errorf("click %s: the message has no such button", actionID)
	}
	return found, nil
}

// Submit fills in an open modal and sends it. Values are by block id, then
// action id, each the text of a plain_text_input. The view closes unless the
// acknowledgement says response_action errors, update or push.
//
// The payload is https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload.
func (s *Server) Submit(ctx context.Context, user, viewID string, values map[string]map[string]string) (Delivery, error) {
	s.mu.Lock()
	e, err := s.submission(user, viewID, values)
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, err
	}
	return s.deliver(ctx, e)
}

func (s *Server) submission(user, viewID string, values map[string]map[string]string) (*envelope, error) {
	u := s.st.users[user]
	v := s.view(viewID)
	if u == nil || v == nil || v.Closed || v.User != user {
		return nil, fmt.Errorf("submit view %q: %s has no such view open", viewID, user)
	}
	p := s.interaction("view_submission", u)
	p["view"] = s.viewJSON(v, stateValues(values))
	p["response_urls"] = []any{}
	e := &envelope{id: s.envelopeID(), kind: "interactive", payload: p, view: v.ID, user: user}
	e.triggerID, _ = p["trigger_id"].(string)
	return e, nil
}

func stateValues(values map[string]map[string]string) map[string]any {
	all := map[string]any{}
	for block, actions := range values {
		inBlock := map[string]any{}
		for action, value := range actions {
			inBlock[action] = map[string]any{"type": "plain_text_input", "value": value}
		}
		all[block] = inBlock
	}
	return all
}

// Mention lets user write "@bot text" in channel, in the thread of threadTS if
// that is not empty, and delivers app_mention (and the plain message event, if
// subscribed, afterwards; see [Server.Say]). Delivery.TS is the new message.
//
// The payload is https://docs.slack.dev/reference/events/app_mention.
func (s *Server) Mention(ctx context.Context, user, channel, threadTS, text string) (Delivery, error) {
	return s.Say(ctx, user, channel, threadTS, "<@"+s.st.BotUserID+"> "+text)
}

// Say lets user write text in channel. The app hears of it only through the
// events it subscribed to and has the scopes for, see Options.BotEvents;
// without any the Delivery has just the TS, with several it is the first one's
// and the others follow it. The payload is
// https://docs.slack.dev/reference/events/message.channels.
func (s *Server) Say(ctx context.Context, user, channel, threadTS, text string) (Delivery, error) {
	s.mu.Lock()
	m, c, err := s.write(user, channel, threadTS, text)
	var events []*envelope
	var ts string
	if err == nil {
		ts, events = m.TS, s.messageEvents(m, c, nil)
	}
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, err
	}
	return s.deliverEvents(ctx, events, ts)
}

// EditMessage lets the author change a message. The app hears message_changed
// if it subscribed to messages, and app_mention with an edited field if the
// new text mentions it and the old one did not (the latter is an assumption).
func (s *Server) EditMessage(ctx context.Context, user, channel, ts, text string) (Delivery, error) {
	s.mu.Lock()
	_, c, err := s.actor(user, channel)
	var events []*envelope
	if err == nil {
		m := s.find(c.ID, ts)
		if m == nil || m.Ephemeral || m.User != user {
			err = fmt.Errorf("%s wrote no message %s there", user, ts)
		} else {
			old := *m
			m.Text, m.Edits = text, m.Edits+1
			s.cond.Broadcast()
			events = s.messageEvents(m, c, &old)
		}
	}
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, fmt.Errorf("edit message: %w", err)
	}
	return s.deliverEvents(ctx, events, ts)
}

// DeleteMessage lets user remove a message: the author any of their own, an
// administrator or owner of the workspace anybody's, the app's among them
// (who may is a setting of the workspace,
// https://slack.com/help/articles/115004868646). The app hears message_deleted
// if it subscribed to messages. Delivery.TS is the removed message. Slack
// leaves a tombstone in place of a message with replies; this fake does not.
func (s *Server) DeleteMessage(ctx context.Context, user, channel, ts string) (Delivery, error) {
	s.mu.Lock()
	events, err := s.remove(user, channel, ts)
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, fmt.Errorf("delete message: %w", err)
	}
	return s.deliverEvents(ctx, events, ts)
}

func (s *Server) remove(user, channel, ts string) ([]*envelope, error) {
	u, c, err := s.actor(user, channel)
	if err != nil {
		return nil, err
	}
	m := s.find(c.ID, ts)
	if m == nil || m.Ephemeral || (m.User != user && !u.IsAdmin && !u.IsOwner) {
		return nil, fmt.Errorf("%s has no message %s to delete there", user, ts)
	}
	m.Deleted = true
	s.cond.Broadcast()
	return s.deletedEvents(m, c), nil
}

func (s *Server) write(user, channel, threadTS, text string) (*Message, *Channel, error) {
	u, c, err := s.actor(user, channel)
	if err != nil {
		return nil, nil, fmt.Errorf("write message: %w", err)
	}
	if threadTS != "" && s.find(c.ID, threadTS) == nil {
		return nil, nil, fmt.Errorf("write message: no thread %s in %s", threadTS, c.ID)
	}
	m := &Message{TS: s.ts(), ThreadTS: threadTS, Channel: c.ID, User: u.ID, BotID: u.BotID, Text: text, Via: "user"}
	s.messages = append(s.messages, m)
	s.cond.Broadcast()
	return m, c, nil
}
