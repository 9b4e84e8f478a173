package slackapi

import (
	"context"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"databricks-access-audit/core/urgent"
)

// limiter is the transport of all calls. It keeps to Slack's rates (all calls together, each method,
// each conversation) and waits out 429 answers, which say that the call was not carried out. It
// never repeats a call for any other reason: a message whose connection broke may have arrived.
//
// https://docs.slack.dev/apis/web-api/rate-limits
type limiter struct {
	base  string // path prefix of the Web API: "/api/"
	next  http.RoundTripper
	sleep func(context.Context, time.Duration) error
	now   func() time.Time

	unlimited bool
	all       *urgent.Bucket

	mu      sync.Mutex
	methods map[string]*urgent.Bucket
	places  map[string]*urgent.Bucket // conversations and response URLs
	blocked map[string]time.Time      // until when Slack asked not to call a method, or a response URL
}

// quota is so many calls a minute, with a burst, of which some are kept for urgent calls.
type quota struct {
	perMinute   float64
	burst, kept int
}

func (q quota) bucket() *urgent.Bucket {
	return urgent.NewBucket(rate.NewLimiter(rate.Limit(q.perMinute/60), q.burst), func(int) int { return q.kept })
}

// The quotas are those of Slack's tiers or a little below them. That of apps.connections.open is
// much stricter in effect: slack-go reconnects without any pause when Slack closes a socket, and
// was seen to call it over a thousand times a second with Socket Mode switched off.
var (
	allCalls    = quota{1200, 40, 8}
	perPlace    = quota{60, 3, 0}
	otherMethod = quota{50, 10, 4}
	perMethod   = map[string]quota{
		"apps.connections.open":        {60, 3, 0},
		"auth.test":                    {100, 5, 0},
		"users.info":                   {100, 20, 4},
		"chat.postMessage":             {200, 20, 4},
		"chat.postEphemeral":           {100, 10, 2},
		"views.open":                   {100, 10, 0},
		"files.getUploadURLExternal":   {100, 30, 0}, // several for each answer
		"files.completeUploadExternal": {100, 15, 0},
		"usergroups.list":              {20, 5, 0},
		"usergroups.users.list":        {20, 5, 0},
		doorMethod:                     {600, 40, 8}, // limited by place
		uploadMethod:                   {300, 30, 0},
	}
)

// Names for addresses that are not methods: doorMethod for response URLs, uploadMethod for the contents of files.
const (
	doorMethod   = "door"
	uploadMethod = "upload"
)

const (
	attempts     = 4                // of one call, while Slack answers 429
	longestPause = 60 * time.Second // a longer one is the caller's to decide
	firstPause   = time.Second      // when a 429 does not say how long; doubles
	manyPlaces   = 1024
)

func newLimiter(apiURL string, next http.RoundTripper) *limiter {
	base := "/"
	if u, err := url.Parse(apiURL); err == nil {
		base = u.Path
	}
	return &limiter{
		base: base, next: next, sleep: sleep, now: time.Now,
		all:     allCalls.bucket(),
		methods: map[string]*urgent.Bucket{}, places: map[string]*urgent.Bucket{}, blocked: map[string]time.Time{},
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RoundTrip waits for its turn and makes the call.
func (l *limiter) RoundTrip(req *http.Request) (*http.Response, error) {
	method, place := l.target(req)
	for n := 1; ; n++ {
		if err := l.turn(req.Context(), method, place); err != nil {
			closeBody(req)
			return nil, err
		}
		r, err := l.next.RoundTrip(req.WithContext(context.WithValue(req.Context(), methodKey{}, method)))
		if err != nil || r.StatusCode != http.StatusTooManyRequests {
			return r, err
		}
		pause := retryAfter(r, n)
		// slack-go knows a 429 as such only with this header.
		r.Header.Set("Retry-After", strconv.Itoa(int((pause+time.Second-1)/time.Second)))
		l.block(blockedKey(method, place), pause)
		if n == attempts || pause > longestPause || req.GetBody == nil {
			return r, nil
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxAnswer))
		_ = r.Body.Close()
		if req, err = again(req); err != nil {
			return nil, err
		}
	}
}

// turn waits until the call may be made.
func (l *limiter) turn(ctx context.Context, method, place string) error {
	for {
		pause := l.blockedFor(blockedKey(method, place))
		if pause <= 0 {
			break
		}
		if err := l.sleep(ctx, pause); err != nil {
			return err
		}
	}
	if l.unlimited && method != "apps.connections.open" { // slack-go would call that without a pause
		return nil
	}
	for _, b := range l.buckets(method, place) {
		if _, err := b.Wait(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// buckets are what a call has to wait for.
func (l *limiter) buckets(method, place string) []*urgent.Bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.methods[method]
	if !ok {
		q, ok := perMethod[method]
		if !ok {
			q = otherMethod
		}
		m = q.bucket()
		l.methods[method] = m
	}
	if place == "" {
		return []*urgent.Bucket{m, l.all}
	}
	p, ok := l.places[place]
	if !ok {
		l.forgetIdle()
		p = perPlace.bucket()
		l.places[place] = p
	}
	return []*urgent.Bucket{p, m, l.all}
}

// forgetIdle drops places that have their whole burst again, so that the map does not grow with
// every command ever given.
func (l *limiter) forgetIdle() {
	if len(l.places) < manyPlaces {
		return
	}
	for k, p := range l.places {
		if p.Tokens() >= float64(perPlace.burst) {
			delete(l.places, k)
		}
	}
}

// blockedKey says what a 429 is about: the method, but of response URLs that one alone. A file that is sent again
// goes to another address, so that those share one key.
func blockedKey(method, place string) string {
	if method == doorMethod {
		return place
	}
	return method
}

func (l *limiter) block(key string, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if len(l.blocked) >= manyPlaces {
		maps.DeleteFunc(l.blocked, func(_ string, until time.Time) bool { return !until.After(now) })
	}
	if until := now.Add(d); until.After(l.blocked[key]) {
		l.blocked[key] = until
	}
}

func (l *limiter) blockedFor(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocked[key].Sub(l.now())
}

// target says which method a request calls and which conversation or response URL it writes to.
func (l *limiter) target(req *http.Request) (method, place string) {
	name, isMethod := strings.CutPrefix(req.URL.Path, l.base)
	switch {
	case strings.HasPrefix(req.URL.Path, "/upload/"):
		return uploadMethod, ""
	case !isMethod, strings.Contains(name, "/"):
		return doorMethod, req.URL.Path
	case strings.HasPrefix(name, "chat.post"): // a change of a message is none more in the conversation
		return name, formValue(req, "channel")
	case name == "files.completeUploadExternal": // a message, too
		return name, formValue(req, "channel_id")
	default:
		return name, ""
	}
}

// formValue reads a field of a form without using up the body.
func formValue(req *http.Request, field string) string {
	if t, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); t != "application/x-www-form-urlencoded" || req.GetBody == nil {
		return ""
	}
	body, err := req.GetBody()
	if err != nil {
		return ""
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err != nil {
		return ""
	}
	form, _ := url.ParseQuery(string(text))
	return form.Get(field)
}

// retryAfter is the pause that a 429 asks for. The n-th one without the header waits longer.
//
// https://docs.slack.dev/apis/web-api/rate-limits#responding-to-rate-limiting-conditions
func retryAfter(r *http.Response, n int) time.Duration {
	if s, err := strconv.Atoi(strings.TrimSpace(r.Header.Get("Retry-After"))); err == nil && s >= 0 && s < 1<<20 {
		return max(time.Duration(s)*time.Second, firstPause/10)
	}
	return firstPause << (n - 1)
}

// again is the same request with a fresh body: a transport must not change the one it was given.
func again(req *http.Request) (*http.Request, error) {
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	repeat := req.Clone(req.Context())
	repeat.Body = body
	return repeat, nil
}

// closeBody does what a transport owes a request that it did not send.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
