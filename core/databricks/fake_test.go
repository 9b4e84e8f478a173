package databricks

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"databricks-access-audit/core/identity"
)

const (
	testAccount = "7f3b9c1e-0d2a-4b5c-8e6f-1a2b3c4d5e6f"
	testConsole = "accounts.cloud.databricks.com"
	testSecret  = "dose00112233445566778899aabbccddeeff"
)

// world is a Databricks of the test's own making, which every host name leads to: in memory, or over
// a socket where the network matters. Requests are matched by "METHOD host/path" patterns of
// net/http; OAuth for the account is there from the start.
type world struct {
	t   *testing.T
	mux *http.ServeMux

	mu     sync.Mutex
	seen   []string // "GET host/path?query", tokens excluded
	tokens atomic.Int64
	valid  func(host, token string) bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, mux: http.NewServeMux()}
	w.valid = func(_, token string) bool { return token != "" }
	w.handle("POST "+testConsole+"/oidc/accounts/"+testAccount+"/v1/token", func(rw http.ResponseWriter, r *http.Request) {
		w.issue(rw, r, "account")
	})
	return w
}

// issue answers a client-credentials request.
//
// https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m
func (w *world) issue(rw http.ResponseWriter, r *http.Request, name string) {
	id, secret, _ := r.BasicAuth()
	if id == "" {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	if r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "all-apis" || id == "" || secret != testSecret {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(rw, `{"error":"invalid_client","error_description":"Client authentication failed"}`)
		return
	}
	n := w.tokens.Add(1)
	writeJSON(rw, map[string]any{"access_token": fmt.Sprintf("tok-%s-%d-canary", name, n), "token_type": "Bearer", "expires_in": 3600})
}

func (w *world) handle(pattern string, h http.HandlerFunc) { w.mux.HandleFunc(pattern, h) }

// json serves a fixed answer.
func (w *world) json(pattern, body string) {
	w.handle(pattern, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, body)
	})
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.URL.Path, "/oidc/") && !strings.Contains(r.URL.Path, "/.well-known/") {
		w.mu.Lock()
		w.seen = append(w.seen, r.Method+" "+r.Host+r.URL.RequestURI())
		w.mu.Unlock()
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !w.valid(r.Host, token) {
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(rw, `{"error_code":401,"message":"Credential was not sent or was of an unsupported type for this API. [ReqId: 1]"}`)
			return
		}
	}
	if _, pattern := w.mux.Handler(r); pattern == "" {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(rw, `{"error_code":"ENDPOINT_NOT_FOUND","message":"No API found for '`+r.Method+` `+r.URL.Path+`'"}`)
		return
	}
	w.mux.ServeHTTP(rw, r)
}

func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.seen...)
}

// RoundTrip serves a request in memory.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	w.serve(rec, in)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// overSocket serves the world from a real server.
func (w *world) overSocket(o *Options) {
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	w.t.Cleanup(server.Close)
	o.transport = leadingTo(server)
}

// leadingTo is the transport of real life, except that every host is the server.
func leadingTo(server *httptest.Server) *http.Transport {
	t := newTransport(Options{})
	t.Proxy = nil
	t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return t
}

// options open the account console by its real name, over plain http, without waiting long for anything.
func (w *world) options() Options {
	return Options{
		Host: "http://" + testConsole, AccountID: testAccount, ClientID: "client", ClientSecret: testSecret,
		RateLimit: 1e6, RetryBaseDelay: time.Millisecond, RetryMaxDelay: 5 * time.Millisecond, transport: w,
	}
}

func (w *world) open(change ...func(*Options)) *Account {
	w.t.Helper()
	o := w.options()
	for _, c := range change {
		c(&o)
	}
	a, err := Open(w.t.Context(), o)
	if err != nil {
		w.t.Fatalf("open: %v", err)
	}
	w.t.Cleanup(a.Close)
	return a
}

func (w *world) session(change ...func(*Options)) *Session { return w.open(change...).Session() }

// workspace is one whose address lies in the console's zone.
func workspaceNamed(name string) identity.Workspace {
	return identity.Workspace{ID: 4411, Name: name, Host: "http://" + name + ".cloud.databricks.com"}
}

func writeJSON(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(v)
}

func refuse(rw http.ResponseWriter, status int, body string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, body)
}

// dialError is what net/http gives when no connection comes about.
func dialError(text string) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("%s: %w", text, syscall.ECONNREFUSED)}
}
