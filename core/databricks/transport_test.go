package databricks

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"databricks-access-audit/core/identity"
)

// get the workspaces, the shortest of calls.
func workspaces(t *testing.T, s *Session) ([]identity.Workspace, error) {
	t.Helper()
	return s.Workspaces(t.Context())
}

func zipped(plain []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(plain)
	_ = z.Close()
	return b.Bytes()
}

func TestCompressedAnswers(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+workspacesPath, func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("accepts %q", r.Header.Get("Accept-Encoding"))
		}
		rw.Header().Set("Content-Encoding", "gzip")
		// Under the free allowance any ratio will do.
		_, _ = rw.Write(zipped([]byte(`[{"workspace_id":1},{"workspace_id":2}]` + strings.Repeat(" ", 900_000))))
	})
	got, err := workspaces(t, w.session(w.overSocket))
	check(t, len(got), err, 2)
}

func TestT38_Bombs(t *testing.T) {
	huge := make([]byte, 1<<20)
	for i := range huge {
		huge[i] = ' '
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"compressed beyond reason": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			_, _ = rw.Write(zipped(bytes.Repeat(huge, 20)))
		}, "compressed beyond reason"},
		"without end": {func(rw http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := rw.Write(huge); err != nil {
					return
				}
			}
		}, "larger than 64 MiB"},
		"nested": {func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, strings.Repeat("[", 100_000))
		}, "nested deeper"},
		"nested in an error": {func(rw http.ResponseWriter, _ *http.Request) {
			refuse(rw, 400, strings.Repeat(`{"message":`, 100_000))
		}, ""},
		"headers": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Big", strings.Repeat("x", maxHeader+maxHeader/8))
			_, _ = io.WriteString(rw, "[]")
		}, ""},
		"unasked encoding": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(rw, "[]")
		}, "not asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.handle("GET "+workspacesPath, c.answer)
			_, err := workspaces(t, w.session(w.overSocket))
			wantKind(t, err, identity.Failed, c.want)
			want := 1
			if name == "headers" { // net/http does not say that it will be so again
				want += plainErrorRetries
			}
			if n := len(w.requests()); n != want {
				t.Errorf("%d requests, want %d", n, want)
			}
		})
	}
}

// An answer that breaks off is asked for again, and never taken for a short list.
func TestCutAnswers(t *testing.T) {
	w := newWorld(t)
	var n atomic.Int64
	w.handle("GET "+workspacesPath, func(rw http.ResponseWriter, _ *http.Request) {
		body := `[{"workspace_id":1}]`
		if n.Add(1) <= 2 {
			rw.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = io.WriteString(rw, body[:10])
			rw.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(rw, body)
	})
	s := w.session(w.overSocket)
	got, err := workspaces(t, s)
	check(t, len(got), err, 1)
	check(t, s.Calls(), nil, map[string]int{"GET /api/2.0/accounts/{account_id}/workspaces": 3})
}

func TestT19_RedirectsAreNotFollowed(t *testing.T) {
	for name, c := range map[string]struct{ to, want string }{
		"elsewhere":    {"https://evil.test/x?token=1", "redirects to https://evil.test/x, which is not followed"},
		"login":        {"/login.html?next_url=x", "login page"},
		"private link": {"https://x.test/login.html?error=private-link-validation-error", "private link only"},
		"same host":    {"/api/2.0/other", "not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.handle("GET "+workspacesPath, func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, c.to, http.StatusFound) })
			_, err := workspaces(t, w.session())
			wantKind(t, err, identity.Failed, c.want)
			if got := w.requests(); len(got) != 1 {
				t.Errorf("sent %v", got)
			}
		})
	}
}

func TestLoginPage(t *testing.T) {
	for _, status := range []int{200, 403} {
		w := newWorld(t)
		w.handle("GET "+workspacesPath, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, "<html><body>Sign in</body></html>")
		})
		_, err := workspaces(t, w.session())
		wantKind(t, err, identity.Failed, "unreachable: accounts.cloud.databricks.com answers with a login page")
	}
}

// scripted answers one try after another, in memory and under false time.
func scripted(t *testing.T, answers ...func(*http.Request) (*http.Response, error)) (*world, *Session, *int) {
	t.Helper()
	w := newWorld(t)
	tries := 0
	s := w.session(func(o *Options) {
		o.RateLimit, o.RetryBaseDelay, o.RetryMaxDelay = 0, 0, 0
		o.transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/oidc/") {
				return w.RoundTrip(r)
			}
			tries++
			return answers[min(tries, len(answers))-1](r)
		})
	})
	return w, s, &tries
}

func status(code int, body string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		for i := 0; i+1 < len(headers); i += 2 {
			rec.Header().Set(headers[i], headers[i+1])
		}
		rec.WriteHeader(code)
		_, _ = rec.WriteString(body)
		return rec.Result(), nil
	}
}

func broken(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

const anyNumber = -1

func TestRetries(t *testing.T) {
	ok := status(200, "[]")
	for name, c := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		tries   int
		kind    identity.FailureKind // empty for success
		atLeast time.Duration
		atMost  time.Duration
	}{
		"429 with seconds":           {[]func(*http.Request) (*http.Response, error){status(429, "{}", "Retry-After", "7"), ok}, 2, "", 7 * time.Second, 8 * time.Second},
		"429 with a date":            {[]func(*http.Request) (*http.Response, error){status(429, "{}", "Retry-After", "Sat, 01 Jan 2000 00:00:30 GMT"), ok}, 2, "", 25 * time.Second, 31 * time.Second},
		"429 with a date gone by":    {[]func(*http.Request) (*http.Response, error){status(429, "{}", "Retry-After", "Sat, 01 Jan 1990 00:00:30 GMT"), ok}, 2, "", 0, time.Second},
		"429 with an hour":           {[]func(*http.Request) (*http.Response, error){status(429, "{}", "Retry-After", "3600"), ok}, 2, "", 120 * time.Second, 121 * time.Second},
		"429 without":                {[]func(*http.Request) (*http.Response, error){status(429, "{}"), ok}, 2, "", 0, time.Second},
		"429 with nonsense":          {[]func(*http.Request) (*http.Response, error){status(429, "{}", "Retry-After", "soon"), ok}, 2, "", 0, time.Second},
		"429 with minus":             {[]func(*http.Request) (*http.Response, error){status(429, "{}", "Retry-After", "-5"), ok}, 2, "", 0, time.Second},
		"429 for ever":               {[]func(*http.Request) (*http.Response, error){status(429, `{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow down"}`)}, anyNumber, identity.Throttled, 4 * time.Minute, 7 * time.Minute},
		"429 with long waits":        {[]func(*http.Request) (*http.Response, error){status(429, "{}", "Retry-After", "110")}, 3, identity.Throttled, 220 * time.Second, 5 * time.Minute},
		"500 that hides a 429":       {[]func(*http.Request) (*http.Response, error){status(500, `{"detail":"REQUEST_LIMIT_EXCEEDED"}`), status(500, `RESOURCE_EXHAUSTED`), status(500, `RESOURCE_EXHAUSTED`), status(500, `RESOURCE_EXHAUSTED`), ok}, 5, "", 0, time.Minute},
		"500":                        {[]func(*http.Request) (*http.Response, error){status(500, `{"message":"oops"}`)}, 3, identity.Failed, 0, time.Minute},
		"502":                        {[]func(*http.Request) (*http.Response, error){status(502, `<html>`), ok}, 2, "", 0, time.Minute},
		"503":                        {[]func(*http.Request) (*http.Response, error){status(503, ``, "Retry-After", "3"), ok}, 2, "", 3 * time.Second, 4 * time.Second},
		"504 for ever":               {[]func(*http.Request) (*http.Response, error){status(504, ``)}, 6, identity.Failed, 0, time.Minute},
		"400":                        {[]func(*http.Request) (*http.Response, error){status(400, `{}`)}, 1, identity.Failed, 0, 0},
		"403":                        {[]func(*http.Request) (*http.Response, error){status(403, `{}`)}, 1, identity.Forbidden, 0, 0},
		"404":                        {[]func(*http.Request) (*http.Response, error){status(404, `{"message":"x"}`)}, 1, identity.NotFound, 0, 0},
		"connection closed under us": {[]func(*http.Request) (*http.Response, error){broken(errors.New("http2: client connection force closed via ClientConn.Close")), ok}, 2, "", 0, time.Second},
		"connection reset":           {[]func(*http.Request) (*http.Response, error){broken(fmt.Errorf("read: %w", syscall.ECONNRESET)), ok}, 2, "", 0, time.Second},
		"closed under the request":   {[]func(*http.Request) (*http.Response, error){broken(errors.New("http: server closed idle connection")), ok}, 2, "", 0, time.Second},
		"end of file":                {[]func(*http.Request) (*http.Response, error){broken(io.EOF), ok}, 2, "", 0, time.Second},
		"connection refused always":  {[]func(*http.Request) (*http.Response, error){broken(dialError("connection refused"))}, 3, identity.Failed, 0, time.Minute},
		"something else":             {[]func(*http.Request) (*http.Response, error){broken(errors.New("malformed HTTP response"))}, 1 + plainErrorRetries, identity.Failed, 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, s, tries := scripted(t, c.answers...)
				start := time.Now()
				_, err := workspaces(t, s)
				took := time.Since(start)
				if (err == nil) != (c.kind == "") || err != nil && identity.FailureOf(err).Kind != c.kind {
					t.Errorf("got %v, want %q", err, c.kind)
				}
				if c.tries != anyNumber && *tries != c.tries {
					t.Errorf("%d tries, want %d", *tries, c.tries)
				}
				if took < c.atLeast || took > c.atMost {
					t.Errorf("took %v, want %v to %v", took, c.atLeast, c.atMost)
				}
				if got := s.Calls()["GET /api/2.0/accounts/{account_id}/workspaces"]; got != *tries {
					t.Errorf("counted %d of %d", got, *tries)
				}
			})
		})
	}
}

func TestWritesAreNeverRetried(t *testing.T) {
	p := Options{}.policy()
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		for _, ans := range []*answer{{status: 429}, {status: 503}, {status: 500}} {
			if o := p.judge(method, ans, nil); o.retries != 0 {
				t.Errorf("%s after %d: %d", method, ans.status, o.retries)
			}
		}
		if o := p.judge(method, nil, io.EOF); o.retries != 0 {
			t.Errorf("%s after a broken connection: %d", method, o.retries)
		}
	}
}

// hanging gives the headers at once and then a byte every so often.
func hanging(every time.Duration) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &drip{ctx: r.Context(), every: every}, ContentLength: -1}, nil
	}
}

type drip struct {
	ctx   context.Context
	every time.Duration
}

func (d *drip) Read(p []byte) (int, error) {
	if err := sleep(d.ctx, d.every); err != nil {
		return 0, err
	}
	p[0] = ' '
	return 1, nil
}

func (d *drip) Close() error { return nil }

func TestTimeouts(t *testing.T) {
	silent := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	for name, c := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		tries  int
		took   time.Duration
		want   string
	}{
		"no headers":       {silent, 5, 5 * time.Minute, "longer than the time"},
		"no body":          {hanging(time.Hour), 5, 5 * time.Minute, "longer than the time"},
		"a byte a minute":  {hanging(59 * time.Second), 1, 5 * time.Minute, "longer than the time"},
		"a byte a seconds": {hanging(time.Second), 1, 5 * time.Minute, "longer than the time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, s, tries := scripted(t, c.answer)
				start := time.Now()
				_, err := workspaces(t, s)
				wantKind(t, err, identity.Failed, "")
				if took := time.Since(start); took > c.took+time.Minute || took < c.took-time.Minute {
					t.Errorf("took %v", took)
				}
				if *tries > c.tries || *tries < 1 {
					t.Errorf("%d tries", *tries)
				}
			})
		})
	}
	t.Run("one silence is forgiven", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, s, tries := scripted(t, silent, status(200, "[]"))
			start := time.Now()
			if _, err := workspaces(t, s); err != nil || *tries != 2 {
				t.Errorf("%v after %d tries", err, *tries)
			}
			if took := time.Since(start); took < time.Minute || took > time.Minute+time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
}

// A cancelled context ends a call at once wherever it is, and says so.
func TestCancellation(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"in a retry":   status(429, "{}", "Retry-After", "100"),
		"in a body":    hanging(time.Second),
		"in a request": func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, s, _ := scripted(t, answer)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				_, err := s.Workspaces(ctx)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took != 3*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// A host that could not be connected to, all retries long, gets one try per call for a while.
func TestHostThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, tries := scripted(t, broken(dialError("connection refused")))
		for i, want := range []int{3, 4, 5} {
			_, err := workspaces(t, s)
			wantKind(t, err, identity.Failed, "does not answer")
			if *tries != want {
				t.Errorf("%d tries after call %d, want %d", *tries, i+1, want)
			}
		}
		time.Sleep(downSpell)
		_, _ = workspaces(t, s)
		if *tries != 8 {
			t.Errorf("%d tries after a while", *tries)
		}
	})
}

func TestUserAgent(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+workspacesPath, func(rw http.ResponseWriter, r *http.Request) {
		if ua := r.UserAgent(); !strings.HasPrefix(ua, "databricks-access-audit/1.2.3 go/") {
			t.Errorf("user agent %q", ua)
		}
		_, _ = io.WriteString(rw, "[]")
	})
	if _, err := workspaces(t, w.session(func(o *Options) { o.Version = "1.2.3" })); err != nil {
		t.Error(err)
	}
}

// Should an address ever be put together wrongly, the last layer still refuses to send a token there.
func TestLastLayerSendsNothingElsewhere(t *testing.T) {
	w := newWorld(t)
	a := w.open()
	u, _ := url.Parse("http://evil.test/api")
	_, err := exchange(t.Context(), w, &call{host: a.host(a.addr), route: routeMetastores, url: u, left: time.Minute})
	if !errors.Is(err, errForeignHost) || len(w.requests()) > 0 {
		t.Errorf("%v, sent %v", err, w.requests())
	}
}
