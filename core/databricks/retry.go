package databricks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"databricks-access-audit/core/identity"
)

const (
	defaultRetries    = 5
	defaultRetryBase  = 500 * time.Millisecond
	defaultRetryMax   = 30 * time.Second
	defaultCallTime   = 5 * time.Minute
	longestRetryAfter = 120 * time.Second
	// plainErrorRetries is how often an unexplained 500 is tried again: it is usually not the
	// weather but the request.
	plainErrorRetries = 2
	// downSpell is how long a host that could not be connected to gets one try per call.
	downSpell = 30 * time.Second
)

// policy bounds how long a call goes on.
type policy struct {
	retries   int
	counted   bool // the number of retries was asked for, and binds refusals for rate too
	base, max time.Duration
	total     time.Duration
}

// outlook says what a failed try means for the next one.
type outlook struct {
	retries   int           // how often it is worth trying again at all; 0 for never
	throttled bool          // refused for rate
	after     time.Duration // the server asked to wait this long
	asked     bool          // whether after is the server's word
}

// judge decides whether a try is worth repeating. It looks at nothing but its arguments.
func (p policy) judge(method string, ans *answer, err error) outlook {
	// Repeating a write that may have happened is for whoever can read first.
	if method != http.MethodGet && method != http.MethodHead {
		return outlook{}
	}
	if err != nil {
		return outlook{retries: p.retriesFor(err)}
	}
	o := outlook{}
	switch {
	case hiddenThrottle(ans.status, ans.body):
		o = outlook{retries: p.patience(), throttled: true}
	case ans.status == http.StatusServiceUnavailable, ans.status == http.StatusBadGateway, ans.status == http.StatusGatewayTimeout:
		o.retries = p.retries
	case ans.status == http.StatusInternalServerError:
		o.retries = min(p.retries, plainErrorRetries)
	default:
		return o
	}
	o.after, o.asked = retryAfter(ans.header, time.Now())
	return o
}

// patience is how often a refusal for rate is tried again: within the time of a call as often as it
// takes, since it says that the answer will come; unless a number was asked for.
func (p policy) patience() int {
	if p.counted {
		return p.retries
	}
	return math.MaxInt
}

// retriesFor tells passing troubles of the network from lasting ones. What is known as neither is
// tried a few times more: asking again harms nobody.
func (p policy) retriesFor(err error) int {
	switch {
	case lasting(err):
		return 0
	case passing(err):
		return p.retries
	default:
		return min(p.retries, plainErrorRetries)
	}
}

// passing reports whether an error is one of a connection that was there.
func passing(err error) bool {
	for _, of := range []error{errIdle, io.ErrUnexpectedEOF, io.EOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, of) {
			return true
		}
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && !errors.Is(err, syscall.ECONNREFUSED) {
		return true
	}
	// net/http keeps the types of these to itself: a connection closed under a request, and the
	// ways in which an HTTP/2 peer ends a stream or a connection.
	text := err.Error()
	for _, words := range []string{"server closed idle connection", "connection reset", "GOAWAY", "stream error", "http2: client conn", "use of closed network connection"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// lasting reports whether asking again would bring the same error: what we refuse ourselves,
// certificates, names that do not exist, a proxy that says no.
func lasting(err error) bool {
	for _, own := range []error{errTooLarge, errTooDeep, errBomb, errPlainHTTP, errCallTimeout, errEncoding} {
		if errors.Is(err, own) {
			return true
		}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return true
	}
	if refused, ok := errors.AsType[*proxyRefusal](err); ok && refused.status < 500 {
		return true
	}
	return is[*identity.Failure](err) || is[*tls.CertificateVerificationError](err) || is[tls.RecordHeaderError](err) ||
		is[x509.UnknownAuthorityError](err) || is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err)
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// unreachable reports whether an error means that no connection came about.
func unreachable(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect")
}

// retryAfter reads the header in either form, seconds or a date, and caps it.
//
// RFC 9110 §10.2.3
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(v, 64); err == nil {
		if !(seconds >= 0) {
			return 0, false
		}
		if seconds > longestRetryAfter.Seconds() {
			return longestRetryAfter, true
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(now), 0), longestRetryAfter), true
	}
	return 0, false
}

// delay is how long to wait before try n+1. Asked waits get a little jitter on top, so that several
// processes which were refused together do not come back together.
func (p policy) delay(o outlook, n int) time.Duration {
	if o.asked {
		return o.after + rand.N(100*time.Millisecond)
	}
	return rand.N(backoff(p.base, p.max, n) + 1)
}

// retrying repeats tries that may succeed later. Waiting for the limiter does not count towards the
// time of a call: it is our own doing, and a long queue is no failure.
func retrying(p policy, next sender) sender {
	return func(ctx context.Context, c *call) (*answer, error) {
		c.left = p.total
		for n := 0; ; n++ {
			ans, err := next(ctx, c)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			o := p.judge(c.route.method, ans, err)
			allowed := o.retries
			if err != nil && c.host.isDown() {
				allowed = 0 // it was tried long enough, a moment ago, by another call
			}
			wait := p.delay(o, n)
			if n >= allowed || wait >= c.left {
				c.host.markDown(err != nil && unreachable(err))
				return ans, err
			}
			c.left -= wait
			if err := sleep(ctx, wait); err != nil {
				return nil, err
			}
		}
	}
}
