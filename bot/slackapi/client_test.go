package slackapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"databricks-access-audit/bot/slackfake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o slackfake.Options) (*slackfake.Server, *Client) {
	t.Helper()
	s, err := slackfake.Start(slackfake.AcmeWorkspace(), o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{BotToken: Secret(s.BotToken()), AppToken: Secret(s.AppToken()), APIURL: s.APIURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.http.CloseIdleConnections()
		if tr, ok := c.http.Transport.(*limiter); ok {
			if closer, ok := tr.next.(interface{ CloseIdleConnections() }); ok {
				closer.CloseIdleConnections()
			}
		}
		_ = s.Close()
	})
	return s, c
}

// ear is a handler that says yes to everything.
type ear struct {
	say      string
	commands chan Command
	opened   chan struct{}
	panics   bool
}

func newEar() *ear {
	return &ear{commands: make(chan Command, 10), opened: make(chan struct{}, 100)}
}

func (e *ear) Command(c Command) (Message, bool) {
	if e.panics {
		panic("no")
	}
	e.commands <- c
	return Say(e.say), e.say != ""
}
func (e *ear) Opened()        { e.opened <- struct{}{} }
func (e *ear) Greeted(string) {}
func (e *ear) Closed()        {}

func listen(t *testing.T, c *Client, h Handler) (ended chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended = make(chan error, 1)
	go func() { ended <- c.Listen(ctx, h) }()
	return ended, cancel
}

func TestEveryEnvelopeIsAcknowledged(t *testing.T) {
	s, c := start(t, slackfake.Options{})
	e := newEar()
	ended, stop := listen(t, c, e)
	if err := s.WaitConnected(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	click := map[string]any{"type": "block_actions", "user": map[string]any{"id": slackfake.Alice}}
	for _, envelope := range []struct {
		kind    string
		payload any
	}{
		{"interactive", click},
		{"a_type_of_2031", map[string]any{"x": 1}},
		{"slash_commands", "not an object"},
		{"events_api", map[string]any{"type": "event_callback", "event": map[string]any{"type": "no_such_event"}}},
	} {
		d, err := s.Deliver(t.Context(), envelope.kind, envelope.payload)
		if err != nil || !d.Acked {
			t.Errorf("%s: acknowledged %v, error %v", envelope.kind, d.Acked, err)
		}
	}
	if d, err := s.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "x"); err != nil || !d.Acked || len(d.Payload) > 0 {
		t.Errorf("slash: %+v, %v", d, err)
	}
	e.say = "busy"
	d, err := s.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "x")
	if err != nil || len(d.Seen) != 1 || !d.Seen[0].Ephemeral {
		t.Errorf("slash with a word: %+v, %v", d, err)
	}
	e.panics = true
	if d, err := s.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "x"); err != nil || len(d.Seen) != 1 {
		t.Errorf("slash with a panic: %+v, %v", d, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Listen ended with %v", err)
	}
	if p := s.Problems(); len(p) > 0 {
		t.Errorf("problems: %q", p)
	}
}

func TestFatalErrorsEndListen(t *testing.T) {
	for _, code := range []string{"token_expired", "missing_scope", "not_allowed_token_type", "team_access_not_granted", "no_permission",
		"invalid_auth", "account_inactive", "not_authed", "token_revoked", "access_denied", "org_login_required"} {
		t.Run(code, func(t *testing.T) {
			s, c := start(t, slackfake.Options{})
			s.AddFault(slackfake.Fault{Method: "apps.connections.open", Error: code})
			ended, stop := listen(t, c, newEar())
			defer stop()
			select {
			case err := <-ended:
				if fatal, ok := errors.AsType[*FatalError](err); !ok || fatal.Code != code || fatal.Advice == "" {
					t.Errorf("ended with %v", err)
				}
			case <-time.After(5 * time.Second):
				t.Error("still trying")
			}
		})
	}
}

func TestListenOutlivesPassingTrouble(t *testing.T) {
	s, c := start(t, slackfake.Options{})
	s.AddFault(slackfake.Fault{Method: "apps.connections.open", Error: "internal_error", Times: 1})
	s.AddFault(slackfake.Fault{Method: "apps.connections.open", Status: 429, NoHeader: true, Times: 1})
	ended, stop := listen(t, c, newEar())
	if err := s.WaitConnected(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s.DropSockets()
	if err := s.WaitFor(t.Context(), func(n *slackfake.Snapshot) bool { return n.Connected >= 2 && n.Sockets == 1 }); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestReconnectingIsGuarded(t *testing.T) {
	s, c := start(t, slackfake.Options{})
	e := newEar()
	ended, stop := listen(t, c, e)
	<-e.opened
	s.Disconnect(slackfake.DisconnectDisabled)
	time.Sleep(1500 * time.Millisecond) // the guard is about real time
	if n := len(s.Snapshot().CallsTo("apps.connections.open")); n > 5 {
		t.Errorf("%d calls of apps.connections.open in 1.5 s", n)
	}
	stop()
	<-ended
}

func TestStagingBeginsAnew(t *testing.T) {
	for name, c := range map[string]struct {
		fault slackfake.Fault
		urls  int
		code  string // of the error; empty for none
	}{
		"after a 429":             {slackfake.Fault{Method: "upload", Status: 429, RetryAfter: time.Second, Times: 1}, 2, ""},
		"after a server error":    {slackfake.Fault{Method: "upload", Status: 503, Times: 1}, 2, ""},
		"with an address refused": {slackfake.Fault{Method: "upload", Status: 403, Times: 2}, 3, ""},
		"not for ever":            {slackfake.Fault{Method: "upload", Status: 500}, 3, "http_500"},
		"not after a refusal":     {slackfake.Fault{Method: "files.getUploadURLExternal", Error: "file_uploads_disabled"}, 1, "file_uploads_disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			s, client := start(t, slackfake.Options{})
			s.AddFault(c.fault)
			_, err := client.Stage(t.Context(), File{Name: "a.csv", Title: "a.csv", Content: []byte("a,b\r\n")})
			if Code(err) != c.code || (err != nil) != (c.code != "") {
				t.Errorf("error %v, want %q", err, c.code)
			}
			if n := len(s.Snapshot().CallsTo("files.getUploadURLExternal")); n != c.urls {
				t.Errorf("%d addresses asked for, want %d", n, c.urls)
			}
			if n := len(s.Files()); n != 0 {
				t.Errorf("%d files are shown", n)
			}
		})
	}
}

func TestFilesAreSharedInOneMessage(t *testing.T) {
	s, c := start(t, slackfake.Options{})
	dm, err := c.OpenDM(t.Context(), slackfake.Alice)
	if err != nil {
		t.Fatal(err)
	}
	picture := File{Name: "a.png", Title: "a.png", AltText: strings.Repeat("<!channel> alice\u202e ", 100), Content: []byte{0x89, 'P', 'N', 'G'}}
	var staged []Staged
	for _, f := range []File{{Name: "a.csv", Title: "a.csv", Content: []byte("a,b\r\n")}, picture} {
		one, err := c.Stage(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		staged = append(staged, one)
	}
	if err := c.Share(t.Context(), dm, "", Say("here <!channel>"), staged...); err != nil {
		t.Fatal(err)
	}
	messages := s.DirectMessages(slackfake.Alice)
	if len(messages) != 1 || len(messages[0].FileIDs) != 2 || !strings.Contains(string(messages[0].Blocks), "here") || len(messages[0].Mentions()) > 0 {
		t.Errorf("messages %+v", messages)
	}
	files := s.Files()
	if alt := files[1].AltText; !strings.HasPrefix(alt, "<!channel> alice") || Size(alt) > maxAltText || strings.Contains(alt, "\u202e") {
		t.Errorf("alternative text %q", alt)
	}
	if files[0].AltText != "" || string(files[0].Content) != "a,b\r\n" {
		t.Errorf("file %+v", files[0])
	}
	if err := c.Share(t.Context(), dm, "", Message{}, staged...); Code(err) != "file_not_found" {
		t.Errorf("shared twice: %v", err)
	}
	again, err := c.Stage(t.Context(), picture)
	if err != nil {
		t.Fatal(err)
	}
	m := Say("plain `<!channel>` http://evil.test")
	m.Plain = true
	if err := c.Share(t.Context(), dm, "", m, again); err != nil {
		t.Fatal(err)
	}
	if last := s.DirectMessages(slackfake.Alice)[1]; len(last.Mentions()) > 0 || len(last.Blocks) > 0 || !strings.HasPrefix(last.Text, "```") {
		t.Errorf("plain %+v", last)
	}
}

func TestChannelTellsMissingFromFalse(t *testing.T) {
	s, c := start(t, slackfake.Options{})
	got, err := c.Channel(t.Context(), slackfake.DataApprovals)
	if err != nil || got.ID != slackfake.DataApprovals || got.IsExtShared == nil || *got.IsExtShared || got.IsMember == nil || !*got.IsMember {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := c.Channel(t.Context(), slackfake.Partners); err != nil || got.IsExtShared == nil || !*got.IsExtShared {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := c.Channel(t.Context(), "C0NOWHERE"); Code(err) != "channel_not_found" {
		t.Errorf("error %v", err)
	}
	s.SetScopes("channels:read")
	if _, err := c.Channel(t.Context(), slackfake.DataApprovals); Code(err) != "missing_scope" || !strings.Contains(err.Error(), "groups:read") {
		t.Errorf("error %v", err)
	}
	s.AddFault(slackfake.Fault{Method: "conversations.info", Status: 502})
	if _, err := c.Channel(t.Context(), slackfake.DataHelp); Code(err) != "http_502" {
		t.Errorf("error %v", err)
	}
}

func TestErrorsHoldNoAddress(t *testing.T) {
	s, c := start(t, slackfake.Options{})
	payload, err := s.SlashPayload(slackfake.Alice, slackfake.DataHelp, "/access-audit", "x")
	if err != nil {
		t.Fatal(err)
	}
	door := payload["response_url"]
	_ = s.Close()
	err = c.Respond(t.Context(), Secret(door), Say("x"), false)
	if err == nil || strings.Contains(err.Error(), "/commands/") {
		t.Errorf("error %v", err)
	}
	for _, elsewhere := range []string{"https://evil.test/commands/T/1/x", "http://hooks.slack.com/commands/x", "https://hooks.slack.com.evil.test/x", "https://a@hooks.slack.com/x", ""} {
		if err := c.Respond(t.Context(), Secret(elsewhere), Say("x"), false); err == nil || !strings.Contains(err.Error(), "not an address of Slack") {
			t.Errorf("%s: %v", elsewhere, err)
		}
	}
}

func TestSecretsPrintAsMask(t *testing.T) {
	s := Secret("xoxb-canary")
	j, _ := json.Marshal(map[string]any{"s": s, "c": Command{ResponseURL: s}})
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "c", Command{ResponseURL: s})
	for _, text := range []string{fmt.Sprintf("%v %s %q %x %d %#v %+v", s, s, s, s, s, s, Command{ResponseURL: s}), string(j), log.String()} {
		if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
			t.Errorf("secret in %s", text)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "https://slack-gov.com/api": true, "http://127.0.0.1:9/api/": true, "http://localhost:9/api/": true,
		"http://slack.com/api/": false, "https://u:p@slack.com/api/": false, "slack.com": false, "https://slack.com/api/?x=1": false,
		"http://127.evil.test/": false,
	} {
		if _, err := baseURL(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
