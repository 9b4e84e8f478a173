package slackfake

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A response_url works five times within thirty minutes,
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses.
const (
	hookUses = 5
	hookLife = 30 * time.Minute
)

// responseHook is what stands behind a response_url.
type responseHook struct {
	channel string
	user    string
	source  *Message // the message of the button; nil for slash commands
	last    *Message // what was posted last through this hook
	issued  time.Time
	uses    int
}

// newHook returns a response_url. The caller holds mu.
func (s *Server) newHook(channel, user string, source *Message) string {
	path := "/commands/" + s.st.TeamID + "/" + s.id("") + "/secret"
	s.hooks[path] = &responseHook{channel: channel, user: user, source: source, issued: s.clock.Now()}
	return s.base + path
}

// response is the body of a post to a response_url and of an acknowledgement
// of a slash command.
type response struct {
	Text            string          `json:"text"`
	Blocks          json.RawMessage `json:"blocks"`
	ResponseType    string          `json:"response_type"`
	ReplaceOriginal jsonBool        `json:"replace_original"`
	DeleteOriginal  jsonBool        `json:"delete_original"`
	ThreadTS        string          `json:"thread_ts"`
}

// jsonBool reads true and "true", both of which Slack's examples show.
type jsonBool bool

func (b *jsonBool) UnmarshalJSON(raw []byte) error {
	*b = strings.Trim(string(raw), `"`) == "true"
	return nil
}

// serveResponseURL takes a message for the place of a command or click; the
// address is the credential. The statuses of refusals are not documented.
func (s *Server) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	c := &call{method: "response_url", args: map[string]string{}}
	if f := s.takeFault(c.method); f != nil {
		s.answerFault(w, c, f)
		return
	}
	body, err := readResponse(r, c)
	status, code := http.StatusBadRequest, "invalid_payload"
	if err == nil {
		s.mu.Lock()
		status, code = s.respond(s.hooks[r.URL.Path], body, c.args)
		s.mu.Unlock()
	}
	s.record(c, code, status)
	if code != "" {
		writeJSON(w, status, reply{"ok": false, "error": code})
		return
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "ok") // the client may have gone
}

func readResponse(r *http.Request, c *call) (*response, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, err
		}
		raw = []byte(form.Get("payload"))
	}
	var body response
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	return &body, c.readJSON(raw)
}

// respond applies a response and returns status and error code. The caller
// holds mu.
func (s *Server) respond(h *responseHook, body *response, args map[string]string) (int, string) {
	switch {
	case h == nil:
		return http.StatusNotFound, "invalid_url"
	case h.uses >= hookUses:
		return http.StatusNotFound, "used_url"
	case s.clock.Now().Sub(h.issued) > hookLife:
		return http.StatusNotFound, "expired_url"
	}
	if code := body.check(); code != "" {
		return http.StatusBadRequest, code
	}
	h.uses++
	original := h.last
	if h.source != nil {
		original = h.source
	}
	switch {
	case bool(body.DeleteOriginal):
		if original != nil {
			original.Deleted = true
			s.tellSelfDeleted(original)
		}
	case bool(body.ReplaceOriginal) && original != nil:
		old := *original
		original.Text, original.Blocks, original.Args = truncate(body.Text, maxText), body.Blocks, args
		original.Edits++
		s.tellSelf(original, &old)
	default:
		h.last = s.placeResponse(h.channel, h.user, "response_url", body)
		h.last.Args = args
	}
	s.cond.Broadcast()
	return http.StatusOK, ""
}

// check returns the error code of a response that Slack would not show.
func (b *response) check() string {
	if emptyArray(b.Blocks) {
		b.Blocks = nil
	}
	if b.DeleteOriginal {
		return ""
	}
	if b.Blocks == nil && strings.TrimSpace(b.Text) == "" {
		return "no_text"
	}
	if b.Blocks != nil {
		var e *BlockError
		if errors.As(CheckBlocks(b.Blocks, SurfaceMessage), &e) {
			return e.Code
		}
	}
	return ""
}

// placeResponse shows a response: to the person alone, or with response_type
// in_channel to all. It needs no membership of the bot.
func (s *Server) placeResponse(channel, user, via string, b *response) *Message {
	m := &Message{
		TS: s.ts(), ThreadTS: b.ThreadTS, Channel: channel, User: s.st.BotUserID, BotID: s.st.BotID,
		Text: truncate(b.Text, maxText), Blocks: b.Blocks, Via: via,
	}
	if b.ResponseType != "in_channel" {
		m.Ephemeral, m.ForUser = true, user
	}
	s.append(m)
	return m
}

// useAckPayload does what the payload of an acknowledgement asks for. The
// caller holds mu.
func (s *Server) useAckPayload(t *transmission) {
	switch {
	case t.Type == "events_api":
		s.problem("envelope %s: events accept no response payload", t.EnvelopeID)
	case t.Type == "slash_commands" && t.env.channel != "":
		s.showAck(t)
	}
}

func (s *Server) showAck(t *transmission) {
	var b response
	if err := json.Unmarshal(t.Payload, &b); err != nil {
		s.problem("envelope %s: response payload: %v", t.EnvelopeID, err)
		return
	}
	if code := b.check(); code != "" {
		s.problem("envelope %s: response payload: %s", t.EnvelopeID, code)
		return
	}
	m := s.placeResponse(t.env.channel, t.env.user, "ack", &b)
	if h := s.hooks[strings.TrimPrefix(t.env.responseURL, s.base)]; h != nil {
		h.last = m
	}
	t.seen = append(t.seen, m.copied())
}
