package databricks

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"databricks-access-audit/core/urgent"
)

// class is a group of endpoints that share one documented limit on a host.
type class uint8

const (
	classOther class = iota // nothing is documented
	classAccountSCIMList
	classAccountSCIMGet
	classWorkspaceSCIM
	classCatalog  // Unity Catalog: nothing is documented, and nearly all requests of a crawl go there
	classRuleSets // nothing is documented; one request for each group and service principal
	classPermissions
	classSecrets
	classMLflow
	classExperiments // MLflow's lists of experiments
	classAccountSCIMPatch
	classAssignmentWrite
	classWorkspaceSCIMPatch
	classPermissionsWrite
)

// documented is a limit as the documentation states it: so many requests in so long.
type documented struct {
	requests int
	window   time.Duration
}

// limits are the documented limits per account or workspace.
//
// https://docs.databricks.com/aws/en/resources/limits (read 2026-11); where it is silent, for writes of
// assignments and of workspace SCIM, this is the pace that UCX keeps:
// https://github.com/databrickslabs/ucx/tree/main/src/databricks/labs/ucx/workspace_access
var limits = map[class]documented{
	classAccountSCIMList: {240, time.Minute},
	classAccountSCIMGet:  {20, time.Second},
	classWorkspaceSCIM:   {255, time.Minute},
	classPermissions:     {100, time.Second},
	classSecrets:         {1100, time.Minute},
	classMLflow:          {120, time.Second},
	classExperiments:     {7, time.Second},

	classAccountSCIMPatch:   {2, time.Second},
	classAssignmentWrite:    {5, time.Second},
	classWorkspaceSCIMPatch: {10, time.Minute},
	classPermissionsWrite:   {30, time.Second},
}

const (
	// headroom is kept below a documented limit: the limiter spends it on its burst, so that burst
	// and rate together stay within the limit in whatever window the server counts.
	headroom = 0.03
	// guessRate and guessBurst start classes without a documented limit; guessCeiling bounds their growth.
	guessRate    = 50
	guessBurst   = 20
	guessCeiling = 400
	// floorRate is as slow as refusals can make a class: one request in ten seconds.
	floorRate = 0.1
	// cleanSpell without a refusal earns the next step up.
	cleanSpell = 10 * time.Second
)

// seed gives the starting rate and burst for a class, and how far it may grow.
func seed(c class, override float64) (start, ceiling rate.Limit, burst int) {
	if override > 0 {
		return rate.Limit(override), rate.Limit(override), max(1, int(override/20))
	}
	d, ok := limits[c]
	if !ok {
		return guessRate, guessCeiling, guessBurst
	}
	// A bucket of b refilled at r lets b + r·window through in a window: both fit under the limit.
	burst = max(1, int(headroom*float64(d.requests)))
	start = rate.Limit((1 - headroom) * float64(d.requests) / d.window.Seconds())
	return start, start, burst
}

// limiter is the rate of one class on one host. It halves on a refusal and creeps back: additive
// increase, multiplicative decrease. It is safe for concurrent use.
type limiter struct {
	bucket *urgent.Bucket

	mu         sync.Mutex
	start      rate.Limit
	ceiling    rate.Limit
	burst      int
	step       rate.Limit // the next step up
	pause      time.Time  // no request before this moment
	cut        time.Time  // when the rate was last lowered
	cleanSince time.Time
	queued     bool // somebody had to wait since cleanSince: more would be used
}

func newLimiter(c class, override float64) *limiter {
	start, ceiling, burst := seed(c, override)
	return &limiter{
		bucket: urgent.NewBucket(rate.NewLimiter(start, burst), func(burst int) int { return burst / 2 }),
		start:  start, ceiling: ceiling, burst: burst, step: start / 10, cleanSince: time.Now(),
	}
}

// wait returns when a request may go out, or the context's error as soon as that is done. An urgent one goes out before all
// that are not: these leave half of the bucket to it, where it holds more than one.
func (l *limiter) wait(ctx context.Context) error {
	waited, err := l.bucket.Wait(ctx, l.pauseLeft)
	if waited {
		l.mu.Lock()
		l.queued = true
		l.mu.Unlock()
	}
	return err
}

func (l *limiter) pauseLeft() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.pause)
}

// refused records a refusal for rate of a request sent at the moment given, and how long the server
// asked to wait. Requests that were already on their way at the last cut say nothing new.
func (l *limiter) refused(sent time.Time, retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if until := now.Add(retryAfter); until.After(l.pause) {
		l.pause = until
	}
	l.cleanSince = now
	l.queued = false
	if !l.cut.IsZero() && !sent.After(l.cut) {
		return
	}
	l.cut = now
	limit := l.bucket.Limit()
	// Steps are a tenth of what was just too much, so that the search is fine where the limit is high;
	// but never so small that a bad minute is paid for during many.
	l.step = max(limit/10, l.start/20)
	l.set(max(limit/2, floorRate))
}

// set changes the rate, and the burst with it: a burst which was harmless at full rate is most of
// what a low limit allows. The caller holds the lock.
func (l *limiter) set(limit rate.Limit) {
	l.bucket.SetLimit(limit)
	l.bucket.SetBurst(max(1, int(float64(l.burst)*min(1, float64(limit/l.start)))))
}

// accepted records a request that was not refused, and takes the next step up when one is due.
func (l *limiter) accepted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.bucket.Limit()
	if limit >= l.ceiling || time.Since(l.cleanSince) < cleanSpell {
		return
	}
	if limit >= l.start && !l.queued {
		return
	}
	l.cleanSince = time.Now()
	l.queued = false
	l.set(min(limit+l.step, l.ceiling))
}

const (
	// gateStart bounds the requests in flight to one host until a refusal names a lower number.
	gateStart = 64
	// gateFloor leaves room for one.
	gateFloor = 1
)

// gate bounds the requests in flight to a host. It is safe for concurrent use.
type gate struct {
	mu         sync.Mutex
	limit      int
	inFlight   int
	queue      []chan struct{}
	ahead      int // so many at the head of the queue are urgent
	cut        time.Time
	cleanSince time.Time
}

func newGate() *gate { return &gate{limit: gateStart, cleanSince: time.Now()} }

// enter waits for a place. An urgent request gets one before all that are not.
func (g *gate) enter(ctx context.Context) error {
	g.mu.Lock()
	if g.inFlight < g.limit && len(g.queue) == 0 {
		g.inFlight++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if urgent.Is(ctx) {
		g.queue = slices.Insert(g.queue, g.ahead, turn)
		g.ahead++
	} else {
		g.queue = append(g.queue, turn)
	}
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.queue, turn); i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
		if i < g.ahead {
			g.ahead--
		}
		return ctx.Err()
	}
	// The place was given in the same moment: hand it on.
	g.inFlight--
	g.admit()
	return ctx.Err()
}

// leave gives the place back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if g.limit < gateStart && time.Since(g.cleanSince) >= cleanSpell {
		g.limit++
		g.cleanSince = time.Now()
	}
	g.admit()
}

// shrink lowers the bound after a refusal for concurrency that named a limit, or to half of what was
// in flight when it named none (zero).
func (g *gate) shrink(sent time.Time, named int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.cleanSince = now
	if named <= 0 {
		if !g.cut.IsZero() && !sent.After(g.cut) {
			return
		}
		named = min(g.inFlight, g.limit) / 2
	}
	g.cut = now
	g.limit = max(gateFloor, min(g.limit, named))
}

// admit lets in those who wait while there is room. The caller holds the lock.
func (g *gate) admit() {
	for len(g.queue) > 0 && g.inFlight < g.limit {
		close(g.queue[0])
		g.queue, g.ahead = g.queue[1:], max(0, g.ahead-1)
		g.inFlight++
	}
}

// backoff is the longest wait before the n-th retry, from 0: exponential, to be drawn from in full.
func backoff(base, longest time.Duration, n int) time.Duration {
	d := float64(base) * math.Pow(2, float64(n))
	if d > float64(longest) {
		return longest
	}
	return time.Duration(d)
}

// sleep waits for d, or returns the context's error as soon as it is done.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
