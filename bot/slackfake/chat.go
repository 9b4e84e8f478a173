package slackfake

import (
	"encoding/json"
	"slices"
	"strings"
)

// Limits of a message, https://docs.slack.dev/reference/methods/chat.postMessage.
const maxText = 40_000 // characters; the rest is cut off

// postMessage is https://docs.slack.dev/reference/methods/chat.postMessage.
func (s *Server) postMessage(c *call) (reply, error) {
	if err := c.require("channel"); err != nil {
		return nil, err
	}
	ch, err := s.target(c.args["channel"])
	if err != nil {
		return nil, err
	}
	m, err := s.compose(c, ch)
	if err != nil {
		return nil, err
	}
	s.append(m)
	return reply{"channel": ch.ID, "ts": m.TS, "message": s.messageJSON(m)}, nil
}

// target finds the conversation that the bot may write to. A user's id stands
// for the direct conversation, which is opened without im:write (an assumption).
func (s *Server) target(ref string) (*Channel, error) {
	if u := s.st.users[ref]; u != nil {
		if err := s.reachable(u); err != nil {
			return nil, refuse("channel_not_found")
		}
		return s.st.dm(u.ID, true), nil
	}
	ch := s.st.channel(ref)
	switch {
	case ch == nil:
		return nil, refuse("channel_not_found")
	case ch.has(s.st.BotUserID):
	case ch.IsPrivate: // a bot cannot see a private conversation it is not in
		return nil, refuse("channel_not_found")
	case !s.granted("chat:write.public"):
		return nil, refuse("not_in_channel")
	}
	if ch.IsArchived {
		return nil, refuse("is_archived")
	}
	return ch, nil
}

// compose makes the bot's message from the arguments that chat.postMessage and
// chat.postEphemeral share.
func (s *Server) compose(c *call, ch *Channel) (*Message, error) {
	blocks, err := s.content(c)
	if err != nil {
		return nil, err
	}
	thread := c.args["thread_ts"]
	if thread != "" {
		parent := s.find(ch.ID, thread)
		if parent == nil || parent.Ephemeral {
			return nil, refuse("thread_not_found") // not in the documented list; an assumption
		}
		if parent.ThreadTS != "" {
			thread = parent.ThreadTS
		}
	}
	m := &Message{
		TS: s.ts(), ThreadTS: thread, Channel: ch.ID, User: s.st.BotUserID, BotID: s.st.BotID,
		Blocks: blocks, Via: c.method,
	}
	s.fill(m, c)
	return m, nil
}

// content checks text and blocks and returns the blocks. Blocks are a JSON
// array, in forms as a string.
func (s *Server) content(c *call) (json.RawMessage, error) {
	blocks := json.RawMessage(c.args["blocks"])
	if emptyArray(blocks) {
		blocks = nil
	}
	if blocks == nil && strings.TrimSpace(c.args["text"]) == "" {
		return nil, refuse("no_text")
	}
	if blocks == nil {
		return nil, nil
	}
	return blocks, CheckBlocks(blocks, SurfaceMessage)
}

func emptyArray(raw json.RawMessage) bool {
	t := strings.TrimSpace(string(raw))
	return t == "" || t == "[]" || t == "null"
}

// fill sets what a later chat.update may set again.
func (s *Server) fill(m *Message, c *call) {
	if c.has("text") {
		m.Text = truncate(c.args["text"], maxText)
	}
	if c.has("metadata") {
		m.Metadata = json.RawMessage(c.args["metadata"])
	}
	m.Args = c.args
	m.LinkNames = c.bool("link_names")
	m.ParseFull = c.args["parse"] == "full"
}

func truncate(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit])
}

// append places a message of the app.
func (s *Server) append(m *Message) {
	s.messages = append(s.messages, m)
	s.cond.Broadcast()
	s.tellSelf(m, nil)
}

// find returns a message by its timestamp, nil if there is none. Ephemerals
// are found too.
func (s *Server) find(channel, ts string) *Message {
	i := slices.IndexFunc(s.messages, func(m *Message) bool { return m.Channel == channel && m.TS == ts && !m.Deleted })
	if i < 0 {
		return nil
	}
	return s.messages[i]
}

// postEphemeral is https://docs.slack.dev/reference/methods/chat.postEphemeral.
func (s *Server) postEphemeral(c *call) (reply, error) {
	if err := c.require("channel", "user"); err != nil {
		return nil, err
	}
	ch := s.st.channel(c.args["channel"])
	bot := s.st.BotUserID
	switch {
	case ch == nil, ch.IsPrivate && !ch.has(bot):
		return nil, refuse("channel_not_found")
	case !ch.has(bot):
		return nil, refuse("not_in_channel")
	case ch.IsArchived:
		return nil, refuse("is_archived")
	case !ch.has(c.args["user"]):
		return nil, refuse("user_not_in_channel")
	}
	m, err := s.compose(c, ch)
	if err != nil {
		return nil, err
	}
	m.Ephemeral, m.ForUser = true, c.args["user"]
	s.append(m)
	return reply{"message_ts": m.TS}, nil
}

// updateMessage is https://docs.slack.dev/reference/methods/chat.update: an
// argument that is left out keeps what the message has, an empty array of
// blocks removes them.
func (s *Server) updateMessage(c *call) (reply, error) {
	if err := c.require("channel", "ts"); err != nil {
		return nil, err
	}
	ch := s.st.channels[c.args["channel"]] // ids only
	if ch == nil || (ch.IsPrivate && !ch.has(s.st.BotUserID)) {
		return nil, refuse("channel_not_found")
	}
	m := s.find(ch.ID, c.args["ts"])
	switch {
	case m == nil, m.Ephemeral:
		return nil, refuse("message_not_found")
	case m.User != s.st.BotUserID:
		return nil, refuse("cant_update_message")
	case ch.IsArchived:
		return nil, refuse("is_archived")
	}
	if err := s.revise(m, c); err != nil {
		return nil, err
	}
	return reply{"channel": ch.ID, "ts": m.TS, "text": m.Text, "message": s.messageJSON(m)}, nil
}

func (s *Server) revise(m *Message, c *call) error {
	blocks := m.Blocks
	if c.has("blocks") {
		blocks = json.RawMessage(c.args["blocks"])
		if emptyArray(blocks) {
			blocks = nil
		}
	}
	if blocks == nil && strings.TrimSpace(c.args["text"]) == "" {
		return refuse("no_text")
	}
	if blocks != nil {
		if err := CheckBlocks(blocks, SurfaceMessage); err != nil {
			return err
		}
	}
	old := *m
	m.Blocks = blocks
	s.fill(m, c)
	m.Edits++
	s.cond.Broadcast()
	s.tellSelf(m, &old)
	return nil
}

// messageJSON is a message as the Web API and interactive payloads show it,
// https://docs.slack.dev/reference/events/message.
func (s *Server) messageJSON(m *Message) map[string]any {
	j := map[string]any{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS, "team": s.st.TeamID}
	if m.BotID != "" {
		j["bot_id"], j["app_id"] = m.BotID, s.st.AppID
	}
	if m.ThreadTS != "" {
		j["thread_ts"] = m.ThreadTS
	}
	if m.Blocks != nil {
		j["blocks"] = withBlockIDs(m.Blocks)
	}
	if m.Metadata != nil && json.Valid(m.Metadata) {
		j["metadata"] = m.Metadata
	}
	if m.Edits > 0 {
		j["edited"] = map[string]any{"user": m.User, "ts": m.TS}
	}
	return j
}
