package slackapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"databricks-access-audit/core/urgent"
)

// script is a transport that answers from a list, the last answer again and again.
type script struct {
	mu      sync.Mutex
	answers []answer
	bodies  []string
}

type answer struct {
	status     int
	retryAfter string
	err        error
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		data, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		body = string(data)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answers[min(len(s.bodies), len(s.answers)-1)]
	s.bodies = append(s.bodies, body)
	if a.err != nil {
		return nil, a.err
	}
	h := http.Header{}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func request(t *testing.T, ctx context.Context, method, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://slack.test/api/"+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestLimiterWaitsOut429(t *testing.T) {
	for name, c := range map[string]struct {
		answers []answer
		wait    time.Duration
		status  int
		calls   int
	}{
		"with Retry-After":          {[]answer{{status: 429, retryAfter: "7"}, {status: 200}}, 7 * time.Second, 200, 2},
		"without a header":          {[]answer{{status: 429}, {status: 429}, {status: 200}}, 3 * time.Second, 200, 3},
		"with an unreadable header": {[]answer{{status: 429, retryAfter: "soon"}, {status: 200}}, time.Second, 200, 2},
		"for ever":                  {[]answer{{status: 429, retryAfter: "2"}}, 6 * time.Second, 429, 4},
		"for ever without one":      {[]answer{{status: 429}}, 7 * time.Second, 429, 4},
		"too long to wait":          {[]answer{{status: 429, retryAfter: "3600"}}, 0, 429, 1},
		"server error":              {[]answer{{status: 503}, {status: 200}}, 0, 503, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: c.answers}
				l := newLimiter("https://slack.test/api/", s)
				start := time.Now()
				r, err := l.RoundTrip(request(t, t.Context(), "chat.postMessage", "channel=C1&text=x"))
				if err != nil {
					t.Fatal(err)
				}
				if r.StatusCode != c.status || len(s.bodies) != c.calls || time.Since(start).Round(time.Second) != c.wait {
					t.Errorf("status %d after %d calls and %s, want %d after %d and %s", r.StatusCode, len(s.bodies), time.Since(start), c.status, c.calls, c.wait)
				}
				if r.StatusCode == 429 && r.Header.Get("Retry-After") == "" {
					t.Error("a 429 without Retry-After, which slack-go does not know as such")
				}
				for _, b := range s.bodies {
					if b != "channel=C1&text=x" {
						t.Errorf("body %q", b)
					}
				}
			})
		})
	}
}

func TestLimiterNeverRepeatsAfterConnectionErrors(t *testing.T) {
	s := &script{answers: []answer{{err: errors.New("connection reset by peer")}, {status: 200}}}
	_, err := newLimiter("https://slack.test/api/", s).RoundTrip(request(t, t.Context(), "chat.postMessage", "channel=C1"))
	if err == nil || len(s.bodies) != 1 {
		t.Errorf("%d calls, error %v; want one call and its error", len(s.bodies), err)
	}
}

func TestLimiterLeavesStreamsToTheCaller(t *testing.T) {
	s := &script{answers: []answer{{status: 429, retryAfter: "1"}, {status: 200}}}
	r := request(t, t.Context(), "upload/x", "")
	r.Body, r.GetBody = io.NopCloser(strings.NewReader("content")), nil
	got, err := newLimiter("https://slack.test/api/", s).RoundTrip(r)
	if err != nil || got.StatusCode != 429 || len(s.bodies) != 1 {
		t.Errorf("%v, %v after %d calls; a body that is used up cannot be sent again", got, err, len(s.bodies))
	}
}

func TestLimiterPausesTheWholeMethod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{status: 429, retryAfter: "5"}, {status: 200}}}
		l := newLimiter("https://slack.test/api/", s)
		done := make(chan struct{})
		start := time.Now()
		go func() {
			defer close(done)
			_, _ = l.RoundTrip(request(t, t.Context(), "users.info", "user=U1"))
		}()
		synctest.Wait()
		_, _ = l.RoundTrip(request(t, t.Context(), "users.info", "user=U2"))
		if waited := time.Since(start); waited < 5*time.Second {
			t.Errorf("another call of the method after %s, want 5s", waited)
		}
		<-done
	})
}

func TestLimiterRates(t *testing.T) {
	for name, c := range map[string]struct {
		method, body string
		calls        int
		atLeast      time.Duration
	}{
		"reconnecting":        {"apps.connections.open", "", 13, 10 * time.Second},
		"one conversation":    {"chat.postMessage", "channel=C1", 13, 10 * time.Second},
		"files in one":        {"files.completeUploadExternal", "channel_id=C1", 13, 10 * time.Second},
		"one response URL":    {"../commands/T1/1/x", "{}", 13, 10 * time.Second},
		"any other method":    {"conversations.open", "users=U1", 20, 17 * time.Second},
		"looking up a member": {"users.info", "user=U1", 20, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter("https://slack.test/api/", &script{answers: []answer{{status: 200}}})
				start := time.Now()
				for range c.calls {
					r := request(t, t.Context(), c.method, c.body)
					if strings.HasPrefix(c.method, "../") {
						r.URL.Path = "/commands/T1/1/x"
					}
					if _, err := l.RoundTrip(r); err != nil {
						t.Fatal(err)
					}
				}
				if d := time.Since(start).Round(time.Second); d != c.atLeast {
					t.Errorf("%d calls in %s, want %s", c.calls, d, c.atLeast)
				}
			})
		})
	}
}

// TestLimiterKeepsAllCallsWithinTheRate: 20 a second beside a burst, however many methods and places there are.
func TestLimiterKeepsAllCallsWithinTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("https://slack.test/api/", &script{answers: []answer{{status: 200}}})
		start := time.Now()
		var calling sync.WaitGroup
		for i := range allCalls.burst + 200 {
			ctx := t.Context()
			if i%5 == 0 { // as much as is kept for them
				ctx = urgent.Mark(ctx)
			}
			calling.Go(func() {
				if _, err := l.RoundTrip(request(t, ctx, fmt.Sprint("method.", i), "")); err != nil {
					t.Error(err)
				}
			})
		}
		calling.Wait()
		if d := time.Since(start).Round(time.Second); d != 10*time.Second {
			t.Errorf("took %s, want 10s", d)
		}
	})
}

// TestUrgentCallsDoNotWaitInLine: whatever is asked for at the same time, a vote is looked at while others wait for a minute; and all
// together are no more than before.
func TestUrgentCallsDoNotWaitInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("https://slack.test/api/", &script{answers: []answer{{status: 200}}})
		call := func(ctx context.Context) {
			if _, err := l.RoundTrip(request(t, ctx, "users.info", "user=U1")); err != nil {
				t.Error(err)
			}
		}
		start := time.Now()
		var asking sync.WaitGroup
		for range 96 {
			asking.Go(func() { call(t.Context()) })
		}
		synctest.Wait()
		for range 4 {
			call(urgent.Mark(t.Context()))
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("four votes waited for %s", d)
		}
		call(urgent.Mark(t.Context()))
		if d := time.Since(start).Round(100 * time.Millisecond); d != 600*time.Millisecond {
			t.Errorf("the fifth was looked at after %s, want 0.6s: it is the next to go out", d)
		}
		asking.Wait()
		if d := time.Since(start).Round(time.Second); d != 51*time.Second { // 101 calls beside a burst of 20, of which 4 are left
			t.Errorf("all others took %s, want 51s", d)
		}
		time.Sleep(time.Minute)
		for range perMethod["users.info"].burst { // nobody else waits, so the whole is theirs
			call(urgent.Mark(t.Context()))
		}
		if d := time.Since(start).Round(time.Second); d != (51+60)*time.Second {
			t.Errorf("alone, urgent ones waited until %s", d)
		}
	})
}

// TestLimiterPausesWhatThe429IsAbout: that of one person's response URL is nobody else's, that of an upload is every upload's,
// because the next attempt goes to another address.
func TestLimiterPausesWhatThe429IsAbout(t *testing.T) {
	for name, c := range map[string]struct {
		first, then string
		waits       time.Duration
	}{
		"another response URL":  {"/commands/T1/1/x", "/commands/T1/2/x", 0},
		"the same response URL": {"/commands/T1/1/x", "/commands/T1/1/x", 30 * time.Second},
		"another upload":        {"/upload/v1/1", "/upload/v1/2", 30 * time.Second},
		"no upload at all":      {"/upload/v1/1", "/commands/T1/1/x", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter("https://slack.test/api/", &script{answers: []answer{{status: 429, retryAfter: "30"}, {status: 200}}})
				for i, path := range []string{c.first, c.then} {
					start := time.Now()
					r := request(t, t.Context(), "x", "")
					r.URL.Path, r.GetBody = path, nil // a stream, which is the caller's to repeat
					if _, err := l.RoundTrip(r); err != nil {
						t.Fatal(err)
					}
					if waited := time.Since(start).Round(time.Second); i == 1 && waited != c.waits {
						t.Errorf("waited %s, want %s", waited, c.waits)
					}
				}
			})
		})
	}
}

func TestLimiterForgetsOldRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("https://slack.test/api/", &script{answers: []answer{{status: 200}}})
		for i := range 3 * manyPlaces {
			l.block(fmt.Sprint(i), time.Second)
			time.Sleep(10 * time.Millisecond)
		}
		if len(l.blocked) > manyPlaces {
			t.Errorf("%d refusals are remembered", len(l.blocked))
		}
	})
}

func TestLimiterGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		l := newLimiter("https://slack.test/api/", &script{answers: []answer{{status: 429, retryAfter: "30"}}})
		if _, err := l.RoundTrip(request(t, ctx, "users.info", "user=U1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the end of the context", err)
		}
	})
}

func TestLimiterForgetsPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("https://slack.test/api/", &script{answers: []answer{{status: 200}}})
		for i := range 3 * manyPlaces {
			l.buckets(doorMethod, strings.Repeat("x", i+1))
			if i%manyPlaces == 0 {
				time.Sleep(time.Minute)
			}
		}
		if len(l.places) > manyPlaces {
			t.Errorf("%d places are remembered", len(l.places))
		}
	})
}
