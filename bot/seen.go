package bot

import (
	"sync"
	"time"
)

// seen remembers what was delivered lately, because Slack delivers at least once. It holds a bounded
// number of ids for a bounded time.
type seen struct {
	mu    sync.Mutex
	at    map[string]time.Time
	order []sighting // ring, oldest at next
	next  int
	ttl   time.Duration
}

type sighting struct {
	id string
	at time.Time
}

func newSeen(size int, ttl time.Duration) *seen {
	return &seen{at: make(map[string]time.Time, size), order: make([]sighting, size), ttl: ttl}
}

// add remembers the ids, and reports whether one of them was there already. Empty ids are nobody's.
func (s *seen) add(now time.Time, ids ...string) (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if id == "" {
			continue
		}
		if at, ok := s.at[id]; ok && now.Sub(at) < s.ttl {
			again = true
			continue
		}
		// An id that was seen again after its time has a younger sighting elsewhere in the ring.
		if old := s.order[s.next]; s.at[old.id].Equal(old.at) {
			delete(s.at, old.id)
		}
		s.order[s.next], s.next = sighting{id, now}, (s.next+1)%len(s.order)
		s.at[id] = now
	}
	return again
}
