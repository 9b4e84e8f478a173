package bot

import (
	"sync"
	"time"
)

// fairness keeps one person from taking the bot for themselves: so many commands in each window of time.
type fairness struct {
	mu      sync.Mutex
	windows []window
	recent  map[string][]time.Time
}

// window allows so many commands in any span of a length.
type window struct {
	most int
	per  time.Duration
}

func newFairness(windows ...window) *fairness {
	return &fairness{windows: windows, recent: map[string][]time.Time{}}
}

// manyPeople is how many are remembered before those are forgotten that have done nothing lately.
const manyPeople = 1000

// allow counts a command of a person. A time other than zero means that there were too many lately, that this one does not
// count, and how long the person has to wait.
func (f *fairness) allow(user string, now time.Time) (wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.recent) > manyPeople {
		f.forget(now)
	}
	times := f.since(user, now)
	for _, w := range f.windows {
		if len(times) >= w.most {
			oldest := times[len(times)-w.most] // of those that fill the window
			wait = max(wait, w.per-now.Sub(oldest))
		}
	}
	if wait <= 0 {
		times = append(times, now)
	}
	f.recent[user] = times
	return max(wait, 0)
}

// since gives the commands of a person that still count for some window.
func (f *fairness) since(user string, now time.Time) []time.Time {
	times := f.recent[user]
	for len(times) > 0 && !f.counts(times[0], now) {
		times = times[1:]
	}
	return times
}

func (f *fairness) counts(at, now time.Time) bool {
	for _, w := range f.windows {
		if now.Sub(at) < w.per {
			return true
		}
	}
	return false
}

func (f *fairness) forget(now time.Time) {
	for user := range f.recent {
		if len(f.since(user, now)) == 0 {
			delete(f.recent, user)
		}
	}
}
