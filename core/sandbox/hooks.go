package sandbox

import "sync"

// Hook lets somebody else act between a client's calls: it changes the account
// as requests come in. The match is that of a [Fault]; all hooks that are due
// run, in order. Functions must not call methods of the server.
type Hook struct {
	// Method, Host, Route and Query match as those of a Fault.
	Method, Host, Route, Query string
	// Nth and Times count matches as those of a Fault.
	Nth, Times int
	// Before runs before the request is handled, After when it has been and its
	// answer is not yet on the way. Either may be nil. Call.Status is set in After.
	Before, After func(*Account, Call)
}

// SetHooks replaces the hooks; their counters start again.
func (s *Server) SetHooks(hooks ...Hook) { s.hooks.set(hooks) }

type hookList struct {
	mu    sync.Mutex
	hooks []Hook
	seen  []int
}

func (l *hookList) set(hooks []Hook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hooks = append([]Hook(nil), hooks...)
	l.seen = make([]int, len(hooks))
}

// due are the hooks for a request, which is counted.
func (l *hookList) due(c *call) []Hook {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Hook
	for i, h := range l.hooks {
		match := Fault{Method: h.Method, Host: h.Host, Route: h.Route, Query: h.Query}
		if !match.matches(c) {
			continue
		}
		l.seen[i]++
		if isDue(l.seen[i], h.Nth, h.Times) {
			out = append(out, h)
		}
	}
	return out
}

func (l *hookList) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.hooks) == 0
}

// runBefore finds the hooks of a request and runs their first half.
func (s *Server) runBefore(c *call, record Call) []Hook {
	if s.hooks.empty() {
		return nil
	}
	s.mu.RLock()
	s.locate(c)
	s.mu.RUnlock()
	hooks := s.hooks.due(c)
	for _, h := range hooks {
		if h.Before != nil {
			s.Update(func(a *Account) { h.Before(a, record) })
		}
	}
	return hooks
}

func (s *Server) runAfter(hooks []Hook, record Call) {
	for _, h := range hooks {
		if h.After != nil {
			s.Update(func(a *Account) { h.After(a, record) })
		}
	}
}
