package slackfake

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// Fault makes calls of one method fail. Faults are tried in the order added,
// the first that fits wins.
type Fault struct {
	Method     string // as in the address, or response_url, or upload; "*" fits all
	Error      string // answer ok:false with this error
	Status     int    // or answer with this HTTP status, 429 among them
	RetryAfter time.Duration
	NoHeader   bool // a 429 without Retry-After
	Times      int  // how many calls fail; 0 means all
	hits       int
}

// AddFault adds a fault behind those already there.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults removes every fault.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault for a call, nil if it may succeed.
func (s *Server) takeFault(method string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if (f.Method == method || f.Method == "*") && (f.Times == 0 || f.hits < f.Times) {
			f.hits++
			return f
		}
	}
	return nil
}

func (s *Server) answerFault(w http.ResponseWriter, c *call, f *Fault) {
	switch {
	case f.Status == http.StatusTooManyRequests && f.NoHeader:
		s.record(c, "ratelimited", f.Status)
		writeJSON(w, f.Status, reply{"ok": false, "error": "ratelimited"})
	case f.Status == http.StatusTooManyRequests:
		s.answerLimited(w, c, f.RetryAfter)
	case f.Status != 0:
		s.record(c, f.Error, f.Status)
		http.Error(w, http.StatusText(f.Status), f.Status)
	default:
		s.answer(w, c, nil, refuse(f.Error))
	}
}

// answerLimited answers 429 with Retry-After in whole seconds, at least one,
// https://docs.slack.dev/apis/web-api/rate-limits.
func (s *Server) answerLimited(w http.ResponseWriter, c *call, wait time.Duration) {
	s.record(c, "ratelimited", http.StatusTooManyRequests)
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	writeJSON(w, http.StatusTooManyRequests, reply{"ok": false, "error": "ratelimited"})
}

// tier is a rate limit tier, in calls per minute,
// https://docs.slack.dev/apis/web-api/rate-limits#tiers.
type tier int

const (
	tier2          tier = 20
	tier3          tier = 50
	tier4          tier = 100
	tierSpecial    tier = 300 // "hundreds of requests per minute"
	tierPerChannel tier = 60  // chat.postMessage: about one a second in each channel
)

// burst is how many calls a full bucket lets through at once. Slack tolerates
// bursts without saying how long; for tiers it is taken to be a minute's worth.
func (t tier) burst() float64 {
	if t == tierPerChannel {
		return 5
	}
	return float64(t)
}

type bucket struct {
	left float64
	at   time.Time
}

// throttle returns how long a call has to wait, 0 if it may go on.
func (s *Server) throttle(c *call, t tier) time.Duration {
	if !s.opts.RealRateLimits {
		return 0
	}
	key := c.method
	if t == tierPerChannel {
		key += " " + c.args["channel"]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	b := s.buckets[key]
	if b == nil {
		b = &bucket{left: t.burst(), at: now}
		s.buckets[key] = b
	}
	perSecond := float64(t) / 60
	b.left = min(t.burst(), b.left+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.left >= 1 {
		b.left--
		return 0
	}
	return time.Duration((1 - b.left) / perSecond * float64(time.Second))
}
