package databricks

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/urgent"
)

// window counts requests the way a strict server does: over the last so long, at any moment.
type window struct {
	limit int
	span  time.Duration

	mu      sync.Mutex
	times   []time.Time
	refused int
}

// admit reports whether a request is within the limit.
func (w *window) admit() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for len(w.times) > 0 && now.Sub(w.times[0]) >= w.span {
		w.times = w.times[1:]
	}
	if len(w.times) >= w.limit {
		w.refused++
		return false
	}
	w.times = append(w.times, now)
	return true
}

// An urgent request does not wait for a crawl, and the two together are never refused.
func TestR05_UrgentRequestsGoFirst(t *testing.T) {
	for c, d := range limits {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(c, 0)
			server := &window{limit: d.requests, span: d.window}
			ctx, cancel := context.WithCancel(t.Context())
			var crawl sync.WaitGroup
			defer crawl.Wait()
			defer cancel()
			for range 16 {
				crawl.Go(func() {
					for l.wait(ctx) == nil {
						server.admit()
					}
				})
			}
			time.Sleep(time.Minute)
			const votes = 5
			start := time.Now()
			for range votes {
				if err := l.wait(urgent.Mark(ctx)); err != nil {
					t.Fatal(err)
				}
				server.admit()
			}
			each := time.Second.Seconds() / float64(l.start)
			if took, most := time.Since(start).Seconds(), max(0, float64(votes-l.burst/2))*each+0.001; took > most {
				t.Errorf("class %d: %d urgent requests took %.3f s, where %d are kept for them and one comes every %.3f s", c, votes, took, l.burst/2, each)
			}
			time.Sleep(time.Minute)
			if server.refused > 0 {
				t.Errorf("class %d: %d refused", c, server.refused)
			}
		})
	}
}

// An urgent request is the next that gets a place, and one that gives up leaves the queue as it was.
func TestR05_UrgentRequestsEnterFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.limit = 1
		enter := func(ctx context.Context, order chan string, name string) {
			go func() {
				if g.enter(ctx) == nil {
					order <- name
				}
			}()
			synctest.Wait()
		}
		order := make(chan string, 9)
		enter(t.Context(), order, "first")
		gone, leave := context.WithCancel(t.Context())
		enter(t.Context(), order, "crawl")
		enter(urgent.Mark(gone), order, "gone")
		enter(urgent.Mark(t.Context()), order, "vote")
		enter(t.Context(), order, "crawl")
		enter(urgent.Mark(t.Context()), order, "vote")
		leave()
		synctest.Wait()
		enter(urgent.Mark(t.Context()), order, "vote")
		var got []string
		for range 7 {
			got = append(got, <-order)
			if len(got) == 3 {
				enter(urgent.Mark(t.Context()), order, "late vote")
			}
			g.leave()
			synctest.Wait()
		}
		if want := []string{"first", "vote", "vote", "vote", "late vote", "crawl", "crawl"}; !slices.Equal(got, want) {
			t.Errorf("they entered as %v, want %v", got, want)
		}
	})
}

// A long crawl uses what is permitted, and is never refused.
func TestDocumentedLimitsAreUsedAndKept(t *testing.T) {
	for c, d := range limits {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(c, 0)
			server := &window{limit: d.requests, span: d.window}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			var mu sync.Mutex
			sent := 0
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for l.wait(ctx) == nil {
						server.admit()
						mu.Lock()
						sent++
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			permitted := float64(d.requests) * (10 * time.Minute).Seconds() / d.window.Seconds()
			t.Logf("class %d: %d of %.0f permitted (%.1f %%), %d refused", c, sent, permitted, 100*float64(sent)/permitted, server.refused)
			if server.refused > 0 || float64(sent) < 0.95*permitted {
				t.Errorf("class %d: %d sent of %.0f permitted, %d refused", c, sent, permitted, server.refused)
			}
		})
	}
}

// The whole client against a server that counts strictly: 1000 groups at 20 per second.
func TestGroupCrawlAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		server := &window{limit: 20, span: time.Second}
		w.handle("GET "+scimBase+"Groups/{id}", func(rw http.ResponseWriter, r *http.Request) {
			if !server.admit() {
				refuse(rw, 429, `{}`)
				return
			}
			time.Sleep(80 * time.Millisecond)
			writeJSON(rw, map[string]string{"id": r.PathValue("id"), "displayName": "g"})
		})
		s := w.session(func(o *Options) { o.RateLimit = 0 })
		ids := make(chan string)
		start := time.Now()
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				for id := range ids {
					if _, err := s.Group(t.Context(), identity.PrincipalKey{Kind: identity.KindGroup, ID: id}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range 1000 {
			ids <- identity.WorkspaceID(i + 1).String()
		}
		close(ids)
		wg.Wait()
		took := time.Since(start)
		t.Logf("1000 groups in %v: %.1f %% of the limit, %d refused", took, 100*1000/20/took.Seconds(), server.refused)
		if took > 52700*time.Millisecond || server.refused > 0 {
			t.Errorf("took %v, %d refused", took, server.refused)
		}
	})
}

// Where nothing is documented the client finds the limit by itself, from either side.
func TestUnknownLimitIsFound(t *testing.T) {
	for _, limit := range []int{10, 40} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			server := &window{limit: limit, span: time.Second}
			served := 0
			var mu sync.Mutex
			w.handle("GET prod.cloud.databricks.com/api/2.1/unity-catalog/permissions/{type}/{name}", func(rw http.ResponseWriter, _ *http.Request) {
				if !server.admit() {
					rw.Header().Set("Retry-After", "1")
					refuse(rw, 429, `{}`)
					return
				}
				mu.Lock()
				served++
				mu.Unlock()
				time.Sleep(20 * time.Millisecond)
				refuse(rw, 200, `{}`)
			})
			s := w.session(func(o *Options) { o.RateLimit = 0 })
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for ctx.Err() == nil {
						if _, err := s.Grants(ctx, workspaceNamed("prod"), identity.CatalogSecurable("m", "c")); err != nil && ctx.Err() == nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			share := float64(served) / float64(limit*600)
			t.Logf("limit %d/s: %.0f %% used, %.2f %% refused", limit, 100*share, 100*float64(server.refused)/float64(served))
			if share < 0.6 || server.refused > served/20 {
				t.Errorf("limit %d/s: %.0f %% used, %d of %d refused", limit, 100*share, server.refused, served)
			}
		})
	}
}

func TestLimiterHalvesOncePerWaveAndCreepsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(classAccountSCIMGet, 0)
		start := l.bucket.Limit()
		sent := time.Now()
		time.Sleep(time.Second)
		for range 20 { // all of one wave
			l.refused(sent, 0)
		}
		if got := l.bucket.Limit(); got != start/2 {
			t.Fatalf("after one wave %v, want %v", got, start/2)
		}
		time.Sleep(9 * time.Second)
		l.accepted()
		if got := l.bucket.Limit(); got != start/2 {
			t.Errorf("up too early: %v", got)
		}
		for range 10 {
			time.Sleep(10 * time.Second)
			for range 5 { // one step per clean spell, however many succeed
				l.accepted()
			}
		}
		if got := l.bucket.Limit(); got != start {
			t.Errorf("after 100 clean seconds %v, want %v", got, start)
		}
		for range 20 {
			time.Sleep(time.Second)
			l.refused(time.Now(), 0)
			time.Sleep(time.Second)
		}
		if got := l.bucket.Limit(); got != floorRate {
			t.Errorf("floor %v, want %v", got, floorRate)
		}
	})
}

func TestLimiterGrowsOnlyWhenUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle, busy := newLimiter(classOther, 0), newLimiter(classOther, 0)
		for range 600 {
			time.Sleep(time.Second)
			idle.accepted()
			busy.queued = true
			busy.accepted()
		}
		if got := idle.bucket.Limit(); got != guessRate {
			t.Errorf("idle grew to %v", got)
		}
		if got := busy.bucket.Limit(); got <= guessRate || got > guessCeiling {
			t.Errorf("busy is at %v", got)
		}
	})
}

// After the wait that a server asked for, those who waited leave one by one.
func TestPauseEndsWithoutAStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(classAccountSCIMGet, 0)
		var mu sync.Mutex
		var left []time.Time
		var wg sync.WaitGroup
		_ = l.wait(t.Context())
		for range 30 {
			wg.Go(func() {
				_ = l.wait(t.Context())
				mu.Lock()
				left = append(left, time.Now())
				mu.Unlock()
			})
		}
		synctest.Wait()
		start := time.Now()
		l.refused(start, 30*time.Second)
		wg.Wait()
		early, within := 0, 0
		for _, at := range left {
			switch d := at.Sub(start); {
			case d < 30*time.Second:
				early++
			case d < 31*time.Second:
				within++
			}
		}
		if early > 0 || within > 11 {
			t.Errorf("%d left before the end of the pause, %d in the first second after it", early, within)
		}
	})
}

// A queue that formed at a low rate moves at the new one when the rate has risen.
func TestQueueMovesAtTheNewRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(classOther, 0)
		for range 7 {
			time.Sleep(time.Second)
			l.refused(time.Now(), 0)
			time.Sleep(time.Millisecond)
		}
		start := time.Now()
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				if err := l.wait(t.Context()); err != nil {
					t.Error(err)
				}
				l.accepted()
			})
		}
		all.Wait()
		if took := time.Since(start); took > 40*time.Second {
			t.Errorf("40 requests took %v: at the rate after the refusals they take 100 s", took)
		}
	})
}

func TestLimiterWaitIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(classAccountSCIMGet, 0)
		l.refused(time.Now(), time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := l.wait(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestSeedsStayWithinTheLimit(t *testing.T) {
	for c, d := range limits {
		r, ceiling, burst := seed(c, 0)
		most := float64(burst) + float64(r)*d.window.Seconds()
		if ceiling != r || burst < 1 || most > float64(d.requests)+1 || float64(r)*d.window.Seconds() < 0.95*float64(d.requests) {
			t.Errorf("class %d: rate %v burst %d lets %.1f through in %v", c, r, burst, most, d.window)
		}
	}
	if r, ceiling, _ := seed(classAccountSCIMGet, 7); r != 7 || ceiling != rate.Limit(7) {
		t.Errorf("an explicit limit is not taken: %v, %v", r, ceiling)
	}
}

func TestExplicitLimitIsForTheWholeHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.json("GET "+workspacesPath, `[]`)
		w.json("GET "+scimBase+"Groups", `{"totalResults":0}`)
		s := w.session(func(o *Options) { o.RateLimit = 2 })
		start := time.Now()
		for range 10 {
			_, _ = s.Workspaces(t.Context())
			_, _ = s.Groups(t.Context())
		}
		if took := time.Since(start); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("20 requests took %v", took)
		}
	})
}

// A server that allows four at once says so, and is believed.
func TestConcurrentLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var mu sync.Mutex
		inFlight, refused, served := 0, 0, 0
		w.handle("GET "+workspacesPath, func(rw http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			inFlight++
			over := inFlight > 4
			mu.Unlock()
			defer func() { mu.Lock(); inFlight--; mu.Unlock() }()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if over {
				refused++
				refuse(rw, 429, `{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"Workspace 1 exceeded the concurrent limit of 4 requests."}`)
				return
			}
			served++
			refuse(rw, 200, `[]`)
		})
		a := w.open()
		for _, err := range together(200, func(int) error {
			_, err := a.Session().Workspaces(t.Context())
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		if served != 200 || refused > gateStart {
			t.Errorf("%d served, %d refused", served, refused)
		}
	})
}

// However calls come, go and give up, the gate lets in no more than its limit and loses no place.
func TestGate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(rt, "limit")
		patience := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 30).Draw(rt, "patience in ms")
		synctest.Test(t, func(t *testing.T) {
			g := newGate()
			g.limit = limit
			var mu sync.Mutex
			in, most := 0, 0
			var wg sync.WaitGroup
			for _, ms := range patience {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(ms)*time.Millisecond)
					defer cancel()
					if g.enter(ctx) != nil {
						return
					}
					mu.Lock()
					in++
					most = max(most, in)
					mu.Unlock()
					time.Sleep(5 * time.Millisecond)
					mu.Lock()
					in--
					mu.Unlock()
					g.leave()
				})
			}
			wg.Wait()
			if most > limit || g.inFlight != 0 || len(g.queue) != 0 {
				t.Errorf("most %d of %d, %d still in, %d still waiting", most, limit, g.inFlight, len(g.queue))
			}
		})
	})
}

// A place that is given in the moment in which its taker gives up is not lost.
func TestGateHandsOnPlaces(t *testing.T) {
	for range 1000 {
		g := newGate()
		g.limit = 1
		_ = g.enter(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		taken := make(chan error)
		go func() { taken <- g.enter(ctx) }()
		for {
			g.mu.Lock()
			n := len(g.queue)
			g.mu.Unlock()
			if n == 1 {
				break
			}
			runtime.Gosched()
		}
		// Both at once, as far as the waiter can see.
		g.mu.Lock()
		cancel()
		g.inFlight--
		g.admit()
		g.mu.Unlock()
		if <-taken == nil {
			g.leave()
		}
		if g.inFlight != 0 {
			t.Fatalf("%d places are lost", g.inFlight)
		}
	}
}

func TestBackoff(t *testing.T) {
	for n, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second} {
		if got := backoff(defaultRetryBase, defaultRetryMax, n); got != want {
			t.Errorf("backoff %d is %v, want %v", n, got, want)
		}
	}
	if got := backoff(defaultRetryBase, defaultRetryMax, 5000); got != defaultRetryMax {
		t.Errorf("backoff overflows: %v", got)
	}
	// Full jitter: anything from nothing to the bound.
	p := Options{}.policy()
	small, large := false, false
	for range 1000 {
		d := p.delay(outlook{}, 3)
		if d < 0 || d > 4*time.Second {
			t.Fatalf("delay %v", d)
		}
		small, large = small || d < time.Second, large || d > 3*time.Second
	}
	if !small || !large {
		t.Error("the jitter is not full")
	}
}
