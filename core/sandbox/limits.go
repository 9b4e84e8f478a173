package sandbox

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

// LimitClass names a group of operations that share one rate limit.
type LimitClass string

// The documented limits (https://docs.databricks.com/resources/limits). Account
// classes count per account, the others per workspace. Operations without a
// documented limit have no class.
const (
	LimitAccountSCIMList      LimitClass = "account-scim-list"
	LimitAccountSCIMGet       LimitClass = "account-scim-get"
	LimitAccountSCIMPatch     LimitClass = "account-scim-patch"
	LimitAccountSCIMWrite     LimitClass = "account-scim-write"
	LimitWorkspaceSCIMGet     LimitClass = "workspace-scim-get"
	LimitWorkspaceSCIMPatch   LimitClass = "workspace-scim-patch"
	LimitAssignmentWrite      LimitClass = "workspace-assignment-write"
	LimitPermissionsGet       LimitClass = "permissions-get"
	LimitPermissionsWrite     LimitClass = "permissions-write"
	LimitSecrets              LimitClass = "secrets"
	LimitTokenManagement      LimitClass = "token-management"
	LimitMLflowSearch         LimitClass = "mlflow-search"
	noLimit                   LimitClass = ""
	accountClassPrefix                   = "account-"
	secondsPerMinute          float64    = 60
	burstSecondsOfMinuteLimit            = 5
)

// Limit is a token bucket: PerSecond tokens flow in, Burst fit.
type Limit struct {
	PerSecond float64
	Burst     int
}

func perSecond(n int) Limit { return Limit{PerSecond: float64(n), Burst: n} }

// perMinute spreads a limit per minute: the service does not say how it counts,
// and a client that spends a minute's worth at once cannot rely on it.
func perMinute(n int) Limit {
	rate := float64(n) / secondsPerMinute
	return Limit{PerSecond: rate, Burst: max(1, int(rate*burstSecondsOfMinuteLimit))}
}

func documentedLimits() map[LimitClass]Limit {
	return map[LimitClass]Limit{
		LimitAccountSCIMList:    perMinute(240),
		LimitAccountSCIMGet:     perSecond(20),
		LimitAccountSCIMPatch:   perSecond(2),
		LimitAccountSCIMWrite:   perSecond(5),
		LimitWorkspaceSCIMGet:   perMinute(255),
		LimitWorkspaceSCIMPatch: perMinute(10),
		LimitAssignmentWrite:    perSecond(5),
		LimitPermissionsGet:     perSecond(100),
		LimitPermissionsWrite:   perSecond(30),
		LimitSecrets:            perMinute(1100),
		LimitTokenManagement:    perSecond(40),
		LimitMLflowSearch:       perSecond(7),
	}
}

// RetryAfterStyle is the form of the Retry-After header.
type RetryAfterStyle string

// Both forms are legal (RFC 9110 section 10.2.3), and services leave it out.
const (
	RetryAfterSeconds RetryAfterStyle = ""
	RetryAfterDate    RetryAfterStyle = "date"
	RetryAfterAbsent  RetryAfterStyle = "absent"
)

// limiter keeps one bucket for each class and account or workspace.
type limiter struct {
	mu      sync.Mutex
	enforce bool
	limits  map[LimitClass]Limit
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	last   time.Time
}

func (l *limiter) init(opts Options) {
	l.enforce = opts.EnforceLimits
	l.limits = documentedLimits()
	maps.Copy(l.limits, opts.Limits)
	l.buckets = map[string]*bucket{}
}

// admit takes a token for the call, or says how to wait.
func (l *limiter) admit(c *call) (reply, bool) {
	if !l.enforce || c.route.class == noLimit {
		return reply{}, true
	}
	scope := c.acct.ID
	if !strings.HasPrefix(string(c.route.class), accountClassPrefix) {
		scope = c.host
	}
	now := c.srv.opts.Now()
	wait := l.take(c.route.class, scope, now)
	if wait <= 0 {
		return reply{}, true
	}
	return c.throttled(now, wait), false
}

func (l *limiter) take(class LimitClass, scope string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, limited := l.limits[class]
	if !limited {
		return 0
	}
	key := string(class) + "@" + scope
	b := l.buckets[key]
	if b == nil {
		b = &bucket{tokens: float64(limit.Burst), last: now}
		l.buckets[key] = b
	}
	b.tokens = math.Min(float64(limit.Burst), b.tokens+now.Sub(b.last).Seconds()*limit.PerSecond)
	b.last = now
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return time.Duration((1 - b.tokens) / limit.PerSecond * float64(time.Second))
}

// throttled is the 429 reply; SCIM may hide it in a 500
// (https://github.com/databricks/databricks-sdk-go/pull/721).
func (c *call) throttled(now time.Time, wait time.Duration) reply {
	rep := fail(http.StatusTooManyRequests, "REQUEST_LIMIT_EXCEEDED", fmt.Sprintf("The request was throttled: limit of %s exceeded. Try again later.", c.route.class))
	if c.srv.opts.SCIM429As500 && strings.Contains(c.route.template, "/scim/v2/") {
		return fail(http.StatusInternalServerError, "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED: Workspace exceeded the concurrent limit of requests")
	}
	switch c.srv.opts.RetryAfter {
	case RetryAfterSeconds:
		return rep.with("Retry-After", fmt.Sprint(int(math.Ceil(wait.Seconds()))))
	case RetryAfterDate:
		return rep.with("Retry-After", now.Add(wait).Add(time.Second-1).UTC().Truncate(time.Second).Format(http.TimeFormat))
	default:
		return rep
	}
}
