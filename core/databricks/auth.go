package databricks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/databricks/databricks-sdk-go/config"
	"github.com/databricks/databricks-sdk-go/logger"

	"databricks-access-audit/core/identity"
)

const (
	// headersFresh is how long request headers are used before the SDK is asked for them again,
	// which costs nothing while its token is good. Some carry two tokens, and only one tells its age.
	headersFresh = time.Minute
	// expiryMargin is kept before a token expires: Azure Databricks refuses tokens in their last 30 s,
	// databricks-sdk-go config/oauth_visitors.go.
	expiryMargin = 45 * time.Second
	// refusalMemory is how long a definite refusal of credentials is remembered instead of asked for
	// again by every call of a crawl.
	refusalMemory = 10 * time.Second
	// tokenTimeout bounds one request to a token endpoint, tokenRetries their number.
	tokenTimeout = 30 * time.Second
	tokenRetries = 3
)

// credentials are the request headers for one audience, fetched once and shared by all who wait for
// them. They are safe for concurrent use.
type credentials struct {
	account *Account
	addr    address // whose credentials these are
	// resolve makes a fresh SDK configuration. Making a new one is the only way to drop a token which
	// the SDK still holds to be good.
	resolve func(http.RoundTripper) (*config.Config, error)

	mu         sync.Mutex
	cfg        *config.Config
	wire       *tokenTransport
	margin     time.Duration // kept before the token's end
	header     http.Header   // nil when they must be fetched
	last       http.Header   // the headers of the current generation, kept after they were dropped
	until      time.Time
	fetched    time.Time // when the current generation came
	generation int
	flight     *flight
	refused    error
	refusedAt  time.Time
}

// flight is one fetch that several callers wait for.
type flight struct {
	done chan struct{}
	err  error
}

// get gives the headers and their generation, fetching them if need be. A fetch goes on when a
// caller gives up, since others may wait for it; it ends with the account at the latest.
func (c *credentials) get(ctx context.Context) (http.Header, int, error) {
	for {
		c.mu.Lock()
		if c.header != nil && time.Now().Before(c.until) {
			h, g := c.header, c.generation
			c.mu.Unlock()
			return h, g, nil
		}
		if c.refused != nil && time.Since(c.refusedAt) < refusalMemory {
			err := c.refused
			c.mu.Unlock()
			return nil, 0, err
		}
		f := c.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			c.flight = f
			c.account.running.Go(func() { c.fetch(f) })
		}
		c.mu.Unlock()
		select {
		case <-f.done:
			if f.err != nil {
				return nil, 0, f.err
			}
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// renew drops the headers of a generation that was refused and fetches others. It reports whether
// there are others to be had: a personal access token stays what it is.
func (c *credentials) renew(ctx context.Context, stale int) (bool, error) {
	c.mu.Lock()
	if c.generation == stale {
		c.cfg, c.wire, c.header = nil, nil, nil
	}
	c.mu.Unlock()
	_, g, err := c.get(ctx)
	return err == nil && g != stale, err
}

// fetch asks the SDK for headers and ends the flight.
func (c *credentials) fetch(f *flight) {
	header, expiry, cfg, wire, err := c.ask()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(f.done)
	c.flight = nil
	if err != nil {
		f.err = err
		c.cfg, c.wire = nil, nil
		if identity.IsKind(err, identity.Forbidden) {
			c.refused, c.refusedAt = err, time.Now()
		}
		return
	}
	c.refused = nil
	now := time.Now()
	if c.last == nil || !maps.EqualFunc(c.last, header, slices.Equal) {
		c.account.scrub.learnHeaders(header)
		c.generation++
		c.last, c.fetched = header, now
	}
	if cfg != c.cfg {
		c.margin = expiryMargin
		if !expiry.IsZero() {
			// A short-lived token is used for most of its life, whatever that is.
			c.margin = min(expiryMargin, expiry.Sub(now)/10)
		}
	}
	c.cfg, c.wire, c.header = cfg, wire, header
	c.until = now.Add(headersFresh)
	if end := expiry.Add(-c.margin); !expiry.IsZero() && end.Before(c.until) {
		c.until = end
	}
	c.account.log.Debug("databricks credentials", "host", c.addr.host, "auth_type", cfg.AuthType, "generation", c.generation)
}

// ask gets headers from the SDK, from the configuration in hand as long as its token lasts. The SDK
// renews a token only when it has expired; one inside our margin is dropped here.
func (c *credentials) ask() (http.Header, time.Time, *config.Config, *tokenTransport, error) {
	c.mu.Lock()
	cfg, wire, margin := c.cfg, c.wire, c.margin
	c.mu.Unlock()
	if cfg != nil {
		header, expiry, err := authenticate(cfg)
		if err == nil && (expiry.IsZero() || time.Until(expiry) > margin) {
			return header, expiry, cfg, wire, nil
		}
	}
	wire = c.account.tokenTransport(c.addr)
	cfg, err := c.resolve(wire)
	if err != nil {
		return nil, time.Time{}, nil, nil, err
	}
	header, expiry, err := authenticate(cfg)
	if err != nil {
		return nil, time.Time{}, nil, nil, c.account.authFailure(c.addr, cfg, wire, err)
	}
	return header, expiry, cfg, wire, nil
}

// authenticate lets the SDK put its headers on a request that is never sent.
func authenticate(cfg *config.Config) (http.Header, time.Time, error) {
	quietSDK()
	dummy := &http.Request{Header: make(http.Header)}
	if err := cfg.Authenticate(dummy); err != nil {
		return nil, time.Time{}, err
	}
	if len(dummy.Header) == 0 {
		return nil, time.Time{}, errors.New("the credentials give no header")
	}
	// PAT and basic authentication have no token that ages: an error here says no more than that.
	if t, err := cfg.GetTokenSource().Token(context.Background()); err == nil && t != nil {
		return dummy.Header, t.Expiry, nil
	}
	return dummy.Header, time.Time{}, nil
}

// authorising puts the host's credentials on each try. When they are refused it gets others, once,
// and repeats the call:
//   - a workspace that has never accepted the account's token is asked for a token of its own, since
//     with identity federation either may be the one it wants;
//   - otherwise the token has expired or was revoked, and is fetched anew.
func authorising(next sender) sender {
	return func(ctx context.Context, c *call) (*answer, error) {
		used := c.host.current()
		h, generation, err := used.get(ctx)
		if err != nil {
			return nil, err
		}
		c.auth = h
		ans, err := next(ctx, c)
		if err != nil {
			return nil, err
		}
		if !tokenRefused(ans) {
			c.host.accept(used)
			return ans, nil
		}
		other, err := c.host.otherCredentials(ctx, used, generation)
		if err != nil {
			return nil, err
		}
		if other == nil {
			return ans, nil
		}
		if c.auth, _, err = other.get(ctx); err != nil {
			return nil, err
		}
		again, err := next(ctx, c)
		if err != nil {
			return nil, err
		}
		if !tokenRefused(again) {
			c.host.accept(other)
		}
		return again, nil
	}
}

// otherCredentials finds credentials to try after used were refused, or none.
func (h *host) otherCredentials(ctx context.Context, used *credentials, generation int) (*credentials, error) {
	if now := h.current(); now != used {
		return now, nil // another call has already found what works here
	}
	if own := h.fallback(); own != nil && own != used {
		if _, _, err := own.get(ctx); err == nil {
			return own, nil
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// A workspace that knows neither token: most likely the principal is not in it. Fetching the
		// account's token anew for each such workspace would only burden the token endpoint.
		if used.youngerThan(time.Minute) {
			return nil, nil
		}
	}
	changed, err := used.renew(ctx, generation)
	if err != nil || !changed {
		return nil, err
	}
	return used, nil
}

func (c *credentials) youngerThan(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.fetched) < d
}

// tokenTransport carries the SDK's requests for tokens. It retries by itself and tells the SDK only
// the end of it, since the SDK's own loop may take minutes to say that a host is not there; it
// remembers what went wrong, because the SDK wraps that beyond recognition; and it keeps secrets from
// going to hosts they are not for.
type tokenTransport struct {
	next    http.RoundTripper
	policy  policy
	context context.Context
	allowed func(*http.Request) error

	mu     sync.Mutex
	err    error
	status int
	body   []byte
}

// errTokenRequest is all the SDK learns of a request that did not get through: it holds nothing that
// the SDK would take for a reason to try again.
var errTokenRequest = errors.New("no answer to the request for a token")

// RoundTrip makes the request, repeating it within the policy. A request for a token may be repeated:
// it changes nothing.
func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.allowed(r); err != nil {
		return nil, t.note(err, nil)
	}
	replay, err := replayable(r)
	if err != nil {
		return nil, t.note(err, nil)
	}
	left := t.policy.total
	for n := 0; ; n++ {
		start := time.Now()
		ans, err := t.exchange(replay())
		left -= time.Since(start)
		// Judged as a read: see above.
		o := t.policy.judge(http.MethodGet, ans, err)
		wait := o.after
		if !o.asked {
			wait = rand.N(backoff(t.policy.base, t.policy.max, n) + 1)
		}
		if n >= o.retries || wait > left {
			return t.result(r, ans, err)
		}
		left -= wait
		if err := sleep(t.context, wait); err != nil {
			return nil, t.note(err, nil)
		}
	}
}

// result gives the SDK what it can make sense of: a final answer that is not a redirect.
func (t *tokenTransport) result(r *http.Request, ans *answer, err error) (*http.Response, error) {
	switch {
	case err != nil:
		return nil, t.note(err, nil)
	case ans.status >= 500, ans.status == http.StatusTooManyRequests, ans.status >= 300 && ans.status < 400,
		hiddenThrottle(ans.status, ans.body):
		return nil, t.note(nil, ans)
	}
	if ans.status >= 400 {
		_ = t.note(nil, ans)
	}
	header := ans.header.Clone()
	header.Del("Content-Encoding") // already undone
	header.Del("Content-Length")
	return &http.Response{
		Status: fmt.Sprintf("%d %s", ans.status, http.StatusText(ans.status)), StatusCode: ans.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: r,
		Body: io.NopCloser(bytes.NewReader(ans.body)), ContentLength: int64(len(ans.body)),
	}, nil
}

func (t *tokenTransport) note(err error, ans *answer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err, t.status, t.body = err, 0, nil
	if ans != nil {
		t.status, t.body = ans.status, ans.body
	}
	return errTokenRequest
}

// failure gives what was noted last.
func (t *tokenTransport) failure() (int, []byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status, t.body, t.err
}

// tokenTransport makes the transport for requests made for the credentials of a host.
func (a *Account) tokenTransport(at address) *tokenTransport {
	p := a.policy
	p.counted = true // whoever signs in wants to know soon
	p.retries = min(p.retries, tokenRetries)
	p.total = min(p.total, 2*tokenTimeout)
	return &tokenTransport{next: a.transport, policy: p, context: a.life, allowed: func(r *http.Request) error {
		return tokenAllowed(at, r)
	}}
}

// identityHosts are those to which the SDK sends secrets besides Databricks itself.
//
// databricks-sdk-go common/environment/azure.go
var identityHosts = []string{
	"login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn",
	"management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn",
	"169.254.169.254",
}

// tokenAllowed refuses to post credentials anywhere but to the host they are for, another of
// Databricks' hosts when that one is too, or the identity provider that the SDK names. Where the
// token endpoint is, the host itself says; this keeps a wrong or malicious answer from leading
// secrets astray. Requests that only read go where the person configured, such as GitHub's
// token service.
func tokenAllowed(at address, r *http.Request) error {
	to := address{scheme: r.URL.Scheme, host: strings.ToLower(r.URL.Host)}
	basic := strings.HasPrefix(r.Header.Get("Authorization"), "Basic ")
	switch {
	case r.Method == http.MethodGet && !basic:
		return nil
	case to == at:
		return nil
	case to.scheme != "https":
		return errPlainHTTP
	case inDatabricksZone(at) && inDatabricksZone(to), slices.Contains(identityHosts, to.host):
		return nil
	default:
		return fmt.Errorf("%s names %s as its token endpoint, which is not followed", at.host, to.host)
	}
}

// authFailure puts into one sentence why there are no credentials, and what to do about it.
func (a *Account) authFailure(at address, cfg *config.Config, wire *tokenTransport, err error) *identity.Failure {
	kind := cfg.AuthType
	if kind == "" {
		kind = "no kind of authentication"
	}
	status, body, cause := wire.failure()
	fail := func(k identity.FailureKind, format string, args ...any) *identity.Failure {
		return &identity.Failure{Kind: k, Status: status, Message: a.scrub.line(fmt.Sprintf(format, args...))}
	}
	switch {
	case errors.Is(err, config.ErrCannotConfigureDefault):
		return fail(identity.Forbidden, "no credentials found for %s: set DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, choose a profile, or log in with `databricks auth login --host %s`", at.host, at)
	case cause != nil:
		return fail(identity.Failed, "%s", explain(at, cause))
	case status == http.StatusTooManyRequests || hiddenThrottle(status, body):
		return fail(identity.Throttled, "the token endpoint of %s refuses for rate: try again in a few minutes", at.host)
	case status >= 500:
		return fail(identity.Failed, "the token endpoint of %s fails with HTTP %d: try again later", at.host, status)
	case status >= 300 && status < 400:
		return fail(identity.Failed, "%s redirects the request for a token: it takes requests over its private network only, or is not a Databricks host", at.host)
	case status == http.StatusNotFound:
		return fail(identity.Failed, "%s has no token endpoint%s: check the host and the account id", at.host, forAccount(cfg.AccountID))
	case status != 0:
		e := readRemoteError(body)
		why := firstNonEmpty(e.message, http.StatusText(status))
		return fail(identity.Forbidden, "%s refuses the %s credentials%s (%s): check client id and secret, and that they belong to this account", at.host, kind, forAccount(cfg.AccountID), strings.TrimRight(why, ". "))
	}
	if lacking := missing(cfg); lacking != "" {
		return fail(identity.Forbidden, "%s credentials for %s are not complete: set %s", kind, at.host, lacking)
	}
	return fail(identity.Forbidden, "%s credentials for %s do not work: %s", kind, at.host, sdkText(err))
}

// missing names what the way to authenticate needs and does not have, where that is simple.
func missing(cfg *config.Config) string {
	var names []string
	need := func(value, name string) {
		if value == "" {
			names = append(names, name)
		}
	}
	switch cfg.AuthType {
	case authM2M:
		need(cfg.ClientID, "DATABRICKS_CLIENT_ID")
		need(cfg.ClientSecret, "DATABRICKS_CLIENT_SECRET")
	case authPAT:
		need(cfg.Token, "DATABRICKS_TOKEN")
	}
	return strings.Join(names, " and ")
}

func forAccount(id string) string {
	if id == "" {
		return ""
	}
	return " for account " + id
}

// sdkText takes the dump of the configuration and the links off an SDK error.
func sdkText(err error) string {
	text := err.Error()
	for _, tail := range []string{". Config: ", ". Env: "} {
		text, _, _ = strings.Cut(text, tail)
	}
	for _, head := range []string{"default auth: ", "validate: ", "resolve: "} {
		text = strings.TrimPrefix(text, head)
	}
	return text
}

// exchange makes one try of a request for a token, within the bounds of any other exchange.
func (t *tokenTransport) exchange(r *http.Request) (*answer, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), tokenTimeout, errCallTimeout)
	defer cancel()
	defer context.AfterFunc(t.context, cancel)()
	idle := time.AfterFunc(tokenTimeout, cancel)
	defer idle.Stop()
	r = r.WithContext(ctx)
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, ourCause(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := readBody(resp, idle)
	if err != nil {
		return nil, ourCause(ctx, err)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// replayable reads a request's body so that it can be sent again.
func replayable(r *http.Request) (func() *http.Request, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(r.Body, freeInflation))
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	return func() *http.Request {
		again := r.Clone(r.Context())
		if body != nil {
			again.Body = io.NopCloser(bytes.NewReader(body))
			again.ContentLength = int64(len(body))
		}
		return again
	}, nil
}

// quietSDK keeps the SDK from writing to standard error. What matters of its warnings comes back as
// errors; its debug lines are not ours to scrub.
var quietSDK = sync.OnceFunc(func() { logger.DefaultLogger = silence{} })

type silence struct{}

func (silence) Enabled(context.Context, logger.Level) bool { return false }
func (silence) Tracef(context.Context, string, ...any)     {}
func (silence) Debugf(context.Context, string, ...any)     {}
func (silence) Infof(context.Context, string, ...any)      {}
func (silence) Warnf(context.Context, string, ...any)      {}
func (silence) Errorf(context.Context, string, ...any)     {}
