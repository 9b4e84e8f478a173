package bot

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/bot/slackfake"
)

// TestReadiness: a bot is ready while a socket is up, everything that it needs works and it is not ending; it is alive
// while its loop turns.
func TestReadiness(t *testing.T) {
	broken := errors.New("secret-reason")
	var failing error
	b := newBot(t.Context(), mustComplete(t, Config{
		Engine: engine(smallReport), Checks: []Check{{"the ledger", func(context.Context) error { return failing }}},
	}), nil, "T1", newMetrics())
	t.Cleanup(func() { _ = b.drain() })
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		b.endpoints().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	expect := func(path string, status int, text string) {
		t.Helper()
		if code, body := get(path); code != status || !strings.Contains(body, text) || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %q, and not %d %q", path, code, body, status, text)
		}
	}
	expect("/healthz", 200, "ok")
	expect("/readyz", 503, "no socket")
	b.health.greeted()
	expect("/readyz", 200, "ready")
	failing = broken
	expect("/readyz", 503, "the ledger does not work")
	failing = nil
	b.draining.Store(true)
	expect("/readyz", 503, "ending")
	b.ticked.Store(time.Now().Add(-time.Minute).UnixNano())
	expect("/healthz", 503, "stuck for 1m")
	expect("/", 404, "")
}

// freeAddress is one at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// scrape gives the metrics of a bot.
func scrape(t *testing.T, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMetrics: what happens is counted, and no label says whom it was about.
func TestMetrics(t *testing.T) {
	address := freeAddress(t)
	r := begin(t, smallReport, slackfake.Options{}, func(c *Config) { c.Listen = address })
	r.ask(slackfake.Alice, "principal bob@acme.test")
	r.ask(slackfake.Guest, "principal bob@acme.test")
	text := scrape(t, address)
	for _, want := range []string{
		"access_audit_sockets_connected 2\n", "access_audit_sockets_opened_total 2\n", "access_audit_identity_refused_total{reason=\"guest\"} 1\n",
		`access_audit_command_seconds_count{result="incomplete",sub="principal"} 1`, "access_audit_envelope_ack_seconds_count 2\n",
		`access_audit_slack_api_seconds_count{code="200",method="users.info"}`, `access_audit_queue_depth{lane="audits"} 0`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for _, name := range []string{"bob", "alice", slackfake.Alice, slackfake.Guest, "acme"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is among the metrics", name)
		}
	}
}
