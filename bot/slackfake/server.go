package slackfake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Tokens that the server accepts.
const (
	appToken = "xapp-1-A0FAKE-1-slackfake"
	botToken = "xoxb-0-slackfake"
)

// DefaultScopes returns the bot scopes granted when Options.Scopes is nil.
func DefaultScopes() []string {
	return []string{
		"commands", "chat:write", "files:write", "im:write", "users:read",
		"users:read.email", "app_mentions:read", "channels:read", "groups:read",
	}
}

// Options tune a [Server]. The zero value is a well-behaved Slack.
type Options struct {
	Addr           string        // listen address; empty means 127.0.0.1:0
	Clock          Clock         // nil means the real clock
	AckLimit       time.Duration // 0 means Slack's three seconds
	PingInterval   time.Duration // between WebSocket pings; 0 means two seconds, negative none
	Scopes         []string      // granted bot scopes; nil means DefaultScopes and those of the message events in BotEvents
	BotEvents      []string      // subscribed events, heard if their scopes are granted; nil means app_mention only
	Redeliver      bool          // send an event again, up to three times, when it is not acknowledged in time
	Duplicate      bool          // deliver every envelope twice, the copy to another socket if there is one
	RealRateLimits bool          // enforce Slack's rate limit tiers
}

// Server is a running fake workspace. All its methods are safe for concurrent
// use. Close it when done.
type Server struct {
	opts  Options
	clock Clock
	base  string // http://host:port
	http  *http.Server
	wg    sync.WaitGroup
	done  chan struct{} // closed by Close

	mu   sync.Mutex
	cond *sync.Cond // broadcast on every change of what follows

	st         *state
	lastMicros int64 // of the newest ts, so that every ts is new
	nextID     int
	messages   []*Message
	uploads    map[string]*upload // by file id
	files      []*File
	views      []*View
	triggers   map[string]*trigger
	hooks      map[string]*responseHook // by path
	calls      []Call
	faults     []*Fault
	buckets    map[string]*bucket

	tickets      map[string]bool
	sockets      []*socket
	nextSocket   int
	pingsStalled bool
	linkDisabled bool
	sends        []*transmission
	problems     []string
}

// Start serves a copy of ws until Close.
func Start(ws *Workspace, opts Options) (*Server, error) {
	if ws == nil {
		return nil, errors.New("start slackfake: no workspace")
	}
	st := newState(ws)
	if bot := st.users[ws.BotUserID]; bot == nil || !bot.IsBot {
		return nil, fmt.Errorf("start slackfake: bot user %q is not a bot of the workspace", ws.BotUserID)
	}
	opts = opts.withDefaults()
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("start slackfake: %w", err)
	}
	s := &Server{
		opts: opts, clock: opts.Clock, base: "http://" + listener.Addr().String(),
		done: make(chan struct{}), st: st,
		uploads: map[string]*upload{}, triggers: map[string]*trigger{},
		hooks: map[string]*responseHook{}, buckets: map[string]*bucket{}, tickets: map[string]bool{},
	}
	s.cond = sync.NewCond(&s.mu)
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	s.wg.Go(func() { _ = s.http.Serve(listener) }) // always ErrServerClosed after Close
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if o.AckLimit == 0 {
		o.AckLimit = 3 * time.Second
	}
	if o.PingInterval == 0 {
		o.PingInterval = 2 * time.Second
	}
	if o.BotEvents == nil {
		o.BotEvents = []string{"app_mention"}
	}
	if o.Scopes == nil {
		o.Scopes = DefaultScopes()
		for _, event := range o.BotEvents {
			if scope := messageScopes[event]; scope != "" {
				o.Scopes = append(o.Scopes, scope)
			}
		}
	}
	return o
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("/link/", s.serveLink)
	mux.HandleFunc("/commands/", s.serveResponseURL)
	mux.HandleFunc("/upload/v1/{id}", s.serveUpload)
	return mux
}

// Close stops serving, closes every socket and waits for the server's
// goroutines. It may be called more than once.
func (s *Server) Close() error {
	s.mu.Lock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
	sockets := slices.Clone(s.sockets)
	s.cond.Broadcast()
	s.mu.Unlock()
	for _, k := range sockets {
		s.hangUp(k)
	}
	err := s.http.Close()
	s.wg.Wait()
	return err
}

// APIURL returns the base of the Web API, ending in /api/.
func (s *Server) APIURL() string { return s.base + "/api/" }

// AppToken returns the app-level token (xapp-…) that opens sockets.
func (s *Server) AppToken() string { return appToken }

// BotToken returns the bot token (xoxb-…) for the Web API.
func (s *Server) BotToken() string { return botToken }

// UpdateUser changes a user of the running workspace, as an administrator
// would. It returns an error if there is no such user.
func (s *Server) UpdateUser(id string, change func(*User)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.st.users[id]
	if u == nil {
		return fmt.Errorf("update user %q: no such user", id)
	}
	change(u)
	s.cond.Broadcast()
	return nil
}

// SetScopes replaces the granted bot scopes.
func (s *Server) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Scopes = scopes
}

// WaitFor blocks until ok returns true for a snapshot of the workspace, which
// is taken again after every change. It returns the context's error if that
// ends first. ok must not call the server.
func (s *Server) WaitFor(ctx context.Context, ok func(*Snapshot) bool) error {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cond.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !ok(s.snapshot()) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for slackfake: %w", err)
		}
		select {
		case <-s.done:
			return errors.New("wait for slackfake: server closed")
		default:
		}
		s.cond.Wait()
	}
	return nil
}

// ts returns a new message timestamp: seconds and six decimals, unique in the
// workspace (https://docs.slack.dev/messaging/retrieving-messages). The caller
// holds mu.
func (s *Server) ts() string {
	s.lastMicros = max(s.lastMicros+1, s.clock.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", s.lastMicros/1e6, s.lastMicros%1e6)
}

// id returns a new id with a prefix. The caller holds mu.
func (s *Server) id(prefix string) string {
	s.nextID++
	return prefix + strconv.Itoa(1000+s.nextID)
}

// problem records what the bot did wrong. The caller holds mu.
func (s *Server) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
	s.cond.Broadcast()
}
