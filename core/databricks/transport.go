package databricks

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// call is one logical request on its way through the layers.
type call struct {
	host        *host
	route       route
	url         *url.URL
	header      http.Header // the call's own headers; credentials are added per try
	body        []byte      // sent anew with every try
	auth        http.Header // credentials, set by authorising
	counts      *counter
	accountWide bool          // not found then means the account
	left        time.Duration // what is left of the time for this call
}

// answer is one complete response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// sender is a layer: it sends one call and brings the answer whatever its status, or an error when
// there was none. Senders may be called concurrently, with a call of their own each.
type sender func(ctx context.Context, c *call) (*answer, error)

// stack composes the layers. The order matters:
//   - retrying is outermost, so that every try is authorised, counted and limited like the first;
//   - authorising is above limiting and counting, so that a repeat with fresh headers is a request
//     like any other, and a wait for a token holds no place at the host;
//   - limiting sees every single answer, and so learns from refusals which retrying hides;
//   - counting is below limiting, so that a wait which was cancelled counts as nothing;
//   - fetching is the only one that touches the network.
func stack(p policy, transport http.RoundTripper, log *slog.Logger) sender {
	return retrying(p, authorising(limiting(counting(fetching(transport, log)))))
}

// counter counts requests by method and route template. It is safe for concurrent use.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(r route) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[r.String()]++
}

func (c *counter) snapshot() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]int, len(c.n))
	maps.Copy(out, c.n)
	return out
}

// counting counts what is sent, retries included.
func counting(next sender) sender {
	return func(ctx context.Context, c *call) (*answer, error) {
		c.counts.add(c.route)
		return next(ctx, c)
	}
}

// concurrentLimit is how Databricks words a refusal for too many requests at once.
//
// https://github.com/databrickslabs/ucx/issues/401
var concurrentLimit = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`exceeded the concurrent limit of (\d+) requests`)
})

// limiting waits for the rate of the call's class and then for a place at the host: in this order,
// because a slow class must not hold places which a fast one could use.
func limiting(next sender) sender {
	return func(ctx context.Context, c *call) (*answer, error) {
		l := c.host.limiter(c.route.class)
		if err := l.wait(ctx); err != nil {
			return nil, err
		}
		if err := c.host.gate.enter(ctx); err != nil {
			return nil, err
		}
		defer c.host.gate.leave()
		sent := time.Now()
		ans, err := next(ctx, c)
		switch {
		case err != nil:
		case !hiddenThrottle(ans.status, ans.body):
			l.accepted()
		case bytes.Contains(ans.body, []byte("exceeded the concurrent limit")):
			named := 0
			if m := concurrentLimit().FindSubmatch(ans.body); m != nil {
				named, _ = strconv.Atoi(string(m[1]))
			}
			c.host.gate.shrink(sent, named)
		default:
			wait, _ := retryAfter(ans.header, time.Now())
			l.refused(sent, wait)
		}
		return ans, err
	}
}

// Bounds on one answer.
const (
	maxBody     = 64 << 20
	maxHeader   = 64 << 10
	maxDepth    = 64
	idleTimeout = 60 * time.Second
	// Up to freeInflation bytes compression may do what it likes; beyond, maxInflation bounds it.
	freeInflation = 1 << 20
	maxInflation  = 100
)

var (
	errIdle        = errors.New("no byte for " + idleTimeout.String())
	errCallTimeout = errors.New("the answer took longer than the time for one call")
	errTooLarge    = errors.New("the answer is larger than 64 MiB")
	errTooDeep     = errors.New("the answer is nested deeper than 64 levels")
	errBomb        = errors.New("the answer is compressed beyond reason")
	errEncoding    = errors.New("the answer has an encoding that was not asked for")
	errPlainHTTP   = errors.New("refusing to send credentials over plain http")
)

// fetching makes one HTTP exchange and reads the whole answer within bounds. It follows no redirect:
// it talks to the transport below http.Client.
func fetching(transport http.RoundTripper, log *slog.Logger) sender {
	return func(ctx context.Context, c *call) (*answer, error) {
		start := time.Now()
		clock := &c.host.account.clock
		sent := clock.now()
		ans, err := exchange(ctx, transport, c)
		c.left -= time.Since(start)
		if err == nil {
			clock.hear(ans.header, sent, time.Since(start))
		}
		attrs := []slog.Attr{
			slog.String("method", c.route.method), slog.String("route", c.route.template),
			slog.String("host", c.host.addr.host), slog.Duration("took", time.Since(start)),
		}
		if err != nil {
			attrs = append(attrs, slog.String("error", rootText(err)))
		} else {
			attrs = append(attrs, slog.Int("status", ans.status), slog.Int("bytes", len(ans.body)))
		}
		log.LogAttrs(ctx, slog.LevelDebug, "databricks request", attrs...)
		return ans, err
	}
}

func exchange(ctx context.Context, transport http.RoundTripper, c *call) (*answer, error) {
	if c.url.Scheme+"://"+c.url.Host != c.host.addr.String() {
		return nil, fmt.Errorf("%w: %s", errForeignHost, c.url.Host)
	}
	if c.left <= 0 {
		return nil, errCallTimeout
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	total := time.AfterFunc(c.left, func() { cancel(errCallTimeout) })
	defer total.Stop()
	idle := time.AfterFunc(idleTimeout, func() { cancel(errIdle) })
	defer idle.Stop()

	req, err := http.NewRequestWithContext(ctx, c.route.method, c.url.String(), bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	if err := inTime(ctx, req); err != nil {
		return nil, err
	}
	maps.Copy(req.Header, c.header)
	maps.Copy(req.Header, c.auth)
	req.Header.Set("Accept", "application/json")
	// Asked for by hand, so that inflating happens under our bounds and not the transport's none.
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := transport.RoundTrip(req)
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

// inTime makes sure that a request is not sent, or not wholly, after its time is over. The context sees to that in the
// end, but it learns of the time from a timer: in a process that was stopped and goes on, what was about to be sent may
// be sent before the timer runs. A change that is made late may undo what others did since.
func inTime(ctx context.Context, req *http.Request) error {
	over, limited := ctx.Deadline()
	if !limited {
		return nil
	}
	if !time.Now().Before(over) {
		return context.DeadlineExceeded
	}
	if whole := req.GetBody; req.ContentLength > 0 {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := whole()
			return timely{body, over}, err
		}
		var err error
		req.Body, err = req.GetBody()
		return err
	}
	return nil
}

// timely is a body that ends with an error when its time is over. The header may be gone by then: without its body it
// is no request.
type timely struct {
	io.ReadCloser
	over time.Time
}

func (t timely) Read(p []byte) (int, error) {
	if !time.Now().Before(t.over) {
		return 0, context.DeadlineExceeded
	}
	return t.ReadCloser.Read(p)
}

// ourCause gives our own reason for a cancelled exchange in place of "context canceled".
func ourCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, errIdle) || errors.Is(cause, errCallTimeout) {
		return cause
	}
	return err
}

// readBody reads the body to its end, inflating it if need be; idle is set back by every byte.
func readBody(resp *http.Response, idle *time.Timer) ([]byte, error) {
	wire := &wireReader{r: resp.Body, idle: idle}
	var plain io.Reader = wire
	switch enc := resp.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(wire)
		if errors.Is(err, io.EOF) && wire.n == 0 {
			return nil, nil // no body at all, as for 204
		}
		if err != nil {
			return nil, fmt.Errorf("read the compressed answer: %w", err)
		}
		plain = z
	default:
		return nil, fmt.Errorf("%w: %q", errEncoding, enc)
	}
	var out bytes.Buffer
	if n := resp.ContentLength; n > 0 && n < freeInflation {
		out.Grow(int(n) + bytes.MinRead)
	}
	chunk := make([]byte, 32<<10)
	for {
		n, err := plain.Read(chunk)
		out.Write(chunk[:n])
		switch {
		case out.Len() > maxBody:
			return nil, errTooLarge
		case out.Len() > freeInflation && int64(out.Len()) > maxInflation*wire.n:
			return nil, errBomb
		case errors.Is(err, io.EOF):
			return out.Bytes(), nil
		case err != nil:
			return nil, err
		}
	}
}

// wireReader counts what comes over the wire and keeps the idle timer from firing while it does.
type wireReader struct {
	r    io.Reader
	n    int64
	idle *time.Timer
}

func (w *wireReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.n += int64(n)
		w.idle.Reset(idleTimeout)
	}
	return n, err
}

// tooDeep reports whether JSON text nests deeper than maxDepth. It only counts brackets outside
// strings, so it may be asked about text that is not valid.
func tooDeep(text []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// newTransport makes the one connection pool of an account: for API calls and for tokens alike.
func newTransport(o Options) *http.Transport {
	return &http.Transport{
		Proxy: proxyFor(o.Proxy),
		DialContext: (&net.Dialer{
			Timeout:   15 * time.Second,
			KeepAlive: 30 * time.Second,
		}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           4 * gateStart,
		MaxIdleConnsPerHost:    gateStart,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &proxyRefusal{status: resp.StatusCode}
			}
			return nil
		},
		DisableCompression: true,
		HTTP2:              &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// proxyRefusal is a proxy's refusal to connect, of which net/http would leave the bare status text.
type proxyRefusal struct{ status int }

func (p *proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy refuses to connect (HTTP %d)", p.status)
}

// proxyFor honours an explicit proxy like one from the environment: not for this machine, nor for
// the link-local address at which clouds serve the credentials of a machine.
func proxyFor(explicit *url.URL) func(*http.Request) (*url.URL, error) {
	if explicit == nil {
		return http.ProxyFromEnvironment
	}
	return func(r *http.Request) (*url.URL, error) {
		name := r.URL.Hostname()
		if ip := net.ParseIP(name); loopback(name) || ip != nil && ip.IsLinkLocalUnicast() {
			return nil, nil
		}
		return explicit, nil
	}
}
