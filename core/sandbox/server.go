package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// IAMv2Mode says whether the account offers the identity (IAM v2) API.
type IAMv2Mode string

// The modes of the IAM v2 API. It is in beta and may be missing from an account.
const (
	IAMv2On       IAMv2Mode = ""
	IAMv2NotFound IAMv2Mode = "not-found" // 404 ENDPOINT_NOT_FOUND
	IAMv2Disabled IAMv2Mode = "disabled"  // 404 FEATURE_DISABLED
)

// Options change how a server behaves. The zero value is a fast, obliging
// account with no limits and no faults.
type Options struct {
	// Addr is where to listen; empty means 127.0.0.1 and a free port.
	Addr string
	// Now is the clock of token expiry, limits and call records; nil means time.Now.
	Now func() time.Time
	// TokenTTL is the life of OAuth tokens; 0 means one hour.
	TokenTTL time.Duration
	// Latency delays every response.
	Latency time.Duration
	// EnforceLimits turns the documented rate limits on.
	EnforceLimits bool
	// Limits replaces the documented limit of a class.
	Limits map[LimitClass]Limit
	// RetryAfter is the form of the Retry-After header of a 429.
	RetryAfter RetryAfterStyle
	// SCIM429As500 hides the 429 of SCIM routes in a 500 whose body says REQUEST_LIMIT_EXCEEDED.
	SCIM429As500 bool
	// MaxCalls bounds the remembered calls, oldest dropped first; 0 means 20000,
	// negative means none. Counts are kept for all calls.
	MaxCalls int
	// GrandfatheredGroupMembers makes the account group list include members, as
	// accounts that relied on it before 2025-08-22 still see it.
	GrandfatheredGroupMembers bool
	// IAMv2 switches the identity API off.
	IAMv2 IAMv2Mode
	// StatementPolls is how often a statement is still RUNNING when it is asked
	// for. Statements of a warehouse that is stopped are PENDING before that.
	StatementPolls int
	// ChunkRows is how many rows a chunk of a statement's result holds; 0 means 500.
	ChunkRows int
	// InlineBytes is how large a result may be that is sent inline; 0 means 25 MiB.
	InlineBytes int
	// Faults are the initial faults, see SetFaults.
	Faults []Fault
}

// Call is the record of one request.
type Call struct {
	Time   time.Time
	Host   string
	Method string
	// Path is the escaped path.
	Path string
	// Route is the matched route template, or empty for an unknown route.
	Route string
	// Query is the raw query.
	Query  string
	Status int
	// Caller is the user name or application id; empty if not logged in.
	Caller string
}

// Server serves one account. Its methods may be called concurrently.
type Server struct {
	opts     Options
	listener net.Listener
	front    *http.Server
	inner    *tunnels
	conns    *connTracker
	busy     sync.WaitGroup

	mu   sync.RWMutex // guards acct and idx
	acct *Account
	idx  *index

	// started is what the times of the audit log are counted back from.
	started    time.Time
	tokens     tokenStore
	statements statementStore
	limits     limiter
	faults     faultList
	hooks      hookList
	history    history
	callLog    callLog
	journal    journal
}

// Start checks the account and serves it. The server owns the account from here
// on: change it only through Update.
func Start(acct *Account, opts Options) (*Server, error) {
	if err := acct.Validate(); err != nil {
		return nil, fmt.Errorf("sandbox account: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.TokenTTL == 0 {
		opts.TokenTTL = time.Hour
	}
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s, err := newServer(acct, opts)
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	s.listener = ln
	s.front = &http.Server{Handler: s, ConnState: s.conns.note, ConnContext: withConn, ErrorLog: silent()}
	s.busy.Go(func() { _ = s.front.Serve(ln) })
	s.inner.serve(&s.busy)
	return s, nil
}

func newServer(acct *Account, opts Options) (*Server, error) {
	s := &Server{opts: opts, acct: acct, idx: buildIndex(acct), conns: newConnTracker(), started: opts.Now().UTC()}
	s.limits.init(opts)
	s.faults.set(opts.Faults)
	s.callLog.init(opts.MaxCalls)
	inner, err := newTunnels(s)
	if err != nil {
		return nil, err
	}
	s.inner = inner
	return s, nil
}

// ProxyURL is the address to use as HTTP and HTTPS proxy.
func (s *Server) ProxyURL() *url.URL {
	return &url.URL{Scheme: "http", Host: s.listener.Addr().String()}
}

// AccountHost is the base URL of the account host.
func (s *Server) AccountHost() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return "https://" + s.acct.AccountHostName()
}

// AccountID is the account's id.
func (s *Server) AccountID() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.acct.ID
}

// Auditor returns the credentials of the account's auditor.
func (s *Server) Auditor() Credentials {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.acct.Auditor
}

// Update changes the account while no request is being answered.
func (s *Server) Update(change func(*Account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.acct)
	s.idx = buildIndex(s.acct)
}

// SetFaults replaces the faults; their counters start again.
func (s *Server) SetFaults(faults ...Fault) { s.faults.set(faults) }

// Calls returns the remembered calls, oldest first.
func (s *Server) Calls() []Call { return s.callLog.all() }

// CallCount counts all calls by "METHOD route-template"; unknown routes are counted under "METHOD ?".
func (s *Server) CallCount() map[string]int { return s.callLog.count() }

// ResetCalls forgets calls and counts.
func (s *Server) ResetCalls() { s.callLog.reset() }

// Close stops listening, cuts open connections and waits for everything the
// server started. It may be called twice.
func (s *Server) Close() error {
	err := s.front.Close()
	s.inner.close()
	s.conns.wait()
	s.busy.Wait()
	return err
}

// ServeHTTP answers a request to any host of the account, by r.Host, and CONNECT.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.conns.begin()
	defer s.conns.end()
	if r.Method == http.MethodConnect {
		s.connect(w, r)
		return
	}
	s.answer(w, r)
}

// answer runs one request through record, faults, limits, authentication and handler.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	c := &call{srv: s, r: r, host: hostOnly(r.Host), query: r.URL.Query()}
	record := Call{Time: s.opts.Now(), Host: c.host, Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery}
	// A failed login ends as a reply, not an error, so that it is recorded as well.
	c.body, _ = io.ReadAll(io.LimitReader(r.Body, 16<<20))
	hooks := s.runBefore(c, record)
	at := s.opts.Now()
	rep, fault, done := s.decide(c)
	if c.route != nil {
		record.Route = c.route.template
	}
	if c.caller != nil {
		record.Caller = c.caller.name
	}
	record.Status = rep.status
	s.callLog.add(record)
	if c.writes() {
		s.journal.add(record, at, c.body, done, fault.drops())
	}
	s.runAfter(hooks, record)
	if !sleep(r.Context(), s.opts.Latency) {
		return
	}
	deliver(w, r, rep, fault)
}

// locate finds the host and the route of a request; the account is locked.
func (s *Server) locate(c *call) (kind hostKind, known bool) {
	c.acct, c.idx, c.ws = s.acct, s.idx, nil
	if kind, known = c.findHost(); known {
		c.route, c.params = routes.match(c.r.Method, kind, c.r.URL.EscapedPath())
	}
	return kind, known
}

// decide finds the reply, the fault that spoils it, if any, and the status of
// what was carried out, or 0.
func (s *Server) decide(c *call) (rep reply, fault *Fault, done int) {
	unlock := s.lockFor(c.r.Method)
	defer unlock()
	kind, known := s.locate(c)
	if !known {
		return fail(http.StatusBadGateway, "UNKNOWN_HOST", fmt.Sprintf("no host %s in this account", c.host)).render(false), nil, 0
	}
	fault = s.faults.find(c)
	if fault != nil && !fault.runs() {
		return fault.reply(), fault, 0
	}
	if fault != nil {
		c.anomaly = fault.Page
	}
	switch {
	case c.writes() && s.faults.lagging():
		forget := s.history.remember(s.acct, s.opts.Now())
		defer func() {
			if done >= http.StatusBadRequest {
				forget()
			}
		}()
	case !c.writes() && fault != nil && fault.Lag.on():
		c.showPast(fault.Lag)
	}
	scim := c.route != nil && strings.Contains(c.route.template, "/scim/v2/")
	rep = c.run(kind).render(scim)
	if done = rep.status; fault != nil && fault.replaces() {
		return fault.reply(), fault, done
	}
	return rep, fault, done
}

// lockFor takes the read or the write lock. Reading handlers never change the account.
func (s *Server) lockFor(method string) (unlock func()) {
	if method == http.MethodGet || method == http.MethodHead {
		s.mu.RLock()
		return s.mu.RUnlock
	}
	s.mu.Lock()
	return s.mu.Unlock
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

// call is one request being answered.
type call struct {
	srv     *Server
	r       *http.Request
	host    string
	query   url.Values
	body    []byte
	acct    *Account
	idx     *index
	ws      *Workspace // nil on the account host
	route   *route
	params  map[string]string
	caller  *caller
	names   map[string]bool // of the caller in access control lists, see aclNames
	anomaly PageAnomaly
}

func (c *call) findHost() (hostKind, bool) {
	switch c.host {
	case c.acct.AccountHostName():
		return onAccount, true
	case c.acct.ResultsHostName():
		return onStorage, true
	}
	c.ws = c.idx.hosts[c.host]
	return onWorkspace, c.ws != nil
}

// run checks that the call may be made, then makes it.
func (c *call) run(kind hostKind) reply {
	if c.route == nil {
		return c.unknownRoute(kind)
	}
	if c.ws != nil && c.ws.Status != Running {
		return fail(http.StatusBadRequest, "INVALID_STATE", fmt.Sprintf("Workspace %d is not running: its status is %s", c.ws.ID, c.ws.Status))
	}
	if c.route.access == open {
		return c.route.handle(c)
	}
	if rep, ok := c.authenticate(); !ok {
		return rep
	}
	if rep, ok := c.srv.limits.admit(c); !ok {
		return rep
	}
	if rep, ok := c.authorize(); !ok {
		return rep
	}
	return c.route.handle(c)
}

// unknownRoute is what a host answers to a path it does not serve. The account
// host answers Unity Catalog calls with its login page
// (https://github.com/databricks/databricks-sdk-go/issues/752).
func (c *call) unknownRoute(kind hostKind) reply {
	if kind == onAccount && strings.Contains(c.r.URL.Path, "/unity-catalog/") {
		return loginPage()
	}
	return fail(http.StatusNotFound, "ENDPOINT_NOT_FOUND", fmt.Sprintf("No API found for '%s %s'", c.r.Method, strings.TrimPrefix(c.r.URL.Path, "/api")))
}

// decode reads the request body as JSON.
func (c *call) decode(v any) error {
	if len(c.body) == 0 {
		return fmt.Errorf("empty body")
	}
	return json.Unmarshal(c.body, v)
}

// callLog remembers calls in a ring and counts them all.
type callLog struct {
	mu     sync.Mutex
	max    int
	ring   []Call
	next   int
	counts map[string]int
}

func (l *callLog) init(limit int) {
	if limit == 0 {
		limit = 20000
	}
	l.max = max(limit, 0)
	l.counts = map[string]int{}
}

func (l *callLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := c.Route
	if name == "" {
		name = "?"
	}
	l.counts[c.Method+" "+name]++
	switch {
	case l.max == 0:
	case len(l.ring) < l.max:
		l.ring = append(l.ring, c)
	default:
		l.ring[l.next] = c
		l.next = (l.next + 1) % l.max
	}
}

func (l *callLog) all() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Call, 0, len(l.ring))
	out = append(out, l.ring[l.next:]...)
	return append(out, l.ring[:l.next]...)
}

func (l *callLog) count() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts)
}

func (l *callLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next = nil, 0
	clear(l.counts)
}
