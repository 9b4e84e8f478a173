package bot

import (
	"sync"
	"time"
)

// fairness keeps one person from taking the bot for themselves: so many commands a minute, and one
// audit at a time.
type fairness struct {
	mu      sync.Mutex
	per     time.Duration
	limit   int
	recent  map[string][]time.Time
	running map[string]bool
}

func newFairness(limit int, per time.Duration) *fairness {
	return &fairness{per: per, limit: limit, recent: map[string][]time.Time{}, running: map[string]bool{}}
}

// allow counts a command of a person; false means that there were too many lately, and that this
// one does not count.
func (f *fairness) allow(user string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.recent) > 1000 {
		f.forget(now)
	}
	times := f.since(user, now)
	if len(times) >= f.limit {
		f.recent[user] = times
		return false
	}
	f.recent[user] = append(times, now)
	return true
}

func (f *fairness) since(user string, now time.Time) []time.Time {
	times := f.recent[user]
	for len(times) > 0 && now.Sub(times[0]) >= f.per {
		times = times[1:]
	}
	return times
}

func (f *fairness) forget(now time.Time) {
	for user := range f.recent {
		if len(f.since(user, now)) == 0 {
			delete(f.recent, user)
		}
	}
}

// begin marks a person's audit as running; false means that one is.
func (f *fairness) begin(user string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running[user] {
		return false
	}
	f.running[user] = true
	return true
}

func (f *fairness) end(user string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.running, user)
}
