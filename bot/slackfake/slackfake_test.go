package slackfake_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"go.uber.org/goleak"

	"databricks-access-audit/bot/slackfake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, opts slackfake.Options) *slackfake.Server {
	t.Helper()
	s, err := slackfake.Start(slackfake.AcmeWorkspace(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// within bounds a test that would otherwise hang.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// client is slack-go's, the independent peer.
func client(t *testing.T, s *slackfake.Server, opts ...slack.Option) *slack.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	all := append([]slack.Option{
		slack.OptionAPIURL(s.APIURL()), slack.OptionAppLevelToken(s.AppToken()),
		slack.OptionHTTPClient(&http.Client{Transport: transport}),
	}, opts...)
	return slack.New(s.BotToken(), all...)
}

// run connects n sockets of slack-go's client; handle gets each envelope.
func run(t *testing.T, s *slackfake.Server, n int, handle func(*socketmode.Client, socketmode.Event)) *slack.Client {
	t.Helper()
	api := client(t, s)
	for range n {
		serve(t, socketmode.New(api), handle)
	}
	if err := s.WaitConnected(within(t), n); err != nil {
		t.Fatal(err)
	}
	return api
}

func serve(t *testing.T, sm *socketmode.Client, handle func(*socketmode.Client, socketmode.Event)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, 2)
	go func() {
		_ = sm.RunContext(ctx) // ends with the context's error
		ended <- struct{}{}
	}()
	go func() {
		defer func() { ended <- struct{}{} }()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-sm.Events:
				if e.Request != nil && e.Type != socketmode.EventTypeHello {
					handle(sm, e)
				}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		<-ended
	})
}

func ack(sm *socketmode.Client, e socketmode.Event) { _ = sm.Ack(*e.Request) }

// peer is a bare WebSocket client, for what slack-go would not do.
type peer struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, s *slackfake.Server) *peer {
	t.Helper()
	body := post(t, s, "apps.connections.open", s.AppToken(), nil)
	link, ok := body["url"].(string)
	if !ok {
		t.Fatalf("no url in %v", body)
	}
	conn, response, err := websocket.DefaultDialer.Dial(link, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{t: t, conn: conn}
}

func (p *peer) read() map[string]any {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var frame map[string]any
	if err := p.conn.ReadJSON(&frame); err != nil {
		p.t.Fatal(err)
	}
	return frame
}

func (p *peer) write(text string) {
	p.t.Helper()
	if err := p.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) ack(frame map[string]any) {
	p.t.Helper()
	id, _ := frame["envelope_id"].(string)
	p.write(`{"envelope_id":"` + id + `"}`)
}

// post calls a method with a form and the token in the header.
func post(t *testing.T, s *slackfake.Server, method, token string, form url.Values) map[string]any {
	t.Helper()
	return send(t, s, method, token, "application/x-www-form-urlencoded", form.Encode())
}

func postJSON(t *testing.T, s *slackfake.Server, method, token, body string) map[string]any {
	t.Helper()
	return send(t, s, method, token, "application/json; charset=utf-8", body)
}

func send(t *testing.T, s *slackfake.Server, method, token, contentType, body string) map[string]any {
	t.Helper()
	_, answer := raw(t, s.APIURL()+method, token, contentType, body)
	var decoded map[string]any
	if err := json.Unmarshal([]byte(answer), &decoded); err != nil {
		t.Fatalf("%s answered %q: %v", method, answer, err)
	}
	return decoded
}

func raw(t *testing.T, address, token, contentType, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

func noProblems(t *testing.T, s *slackfake.Server) {
	t.Helper()
	if got := s.Problems(); len(got) != 0 {
		t.Errorf("problems: %q", got)
	}
}

func wantProblem(t *testing.T, s *slackfake.Server, part string) {
	t.Helper()
	got := s.Problems()
	if len(got) != 1 || !strings.Contains(got[0], part) {
		t.Errorf("problems %q, want one with %q", got, part)
	}
}
