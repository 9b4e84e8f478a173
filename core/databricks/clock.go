package databricks

import (
	"net/http"
	"sync"
	"time"
)

// clockPatience is how long an exchange may have taken for its Date to say anything: the server's moment lies somewhere in it.
const clockPatience = 5 * time.Second

// peerClock is what the answers say of how far the account's clock is ahead of this machine's. It is safe for concurrent use.
type peerClock struct {
	now func() time.Time

	mu    sync.Mutex
	ahead time.Duration
	known bool
}

// hear takes note of an answer to a request that was sent at a time, by the clock that is compared, and took so long. A Date has whole
// seconds; an answer with an Age comes from a cache, and its Date is of the past.
//
// https://www.rfc-editor.org/rfc/rfc9110#field.date
func (c *peerClock) hear(h http.Header, sent time.Time, took time.Duration) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" || took > clockPatience {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.known = date.Add(time.Second/2).Sub(sent.Add(took/2)), true
}

// Ahead is how far the account's clock is ahead of Options.Now, to about a second, by its last answer that came soon; negative where it
// is behind. It is false as long as no answer told a time.
func (s *Session) Ahead() (time.Duration, bool) {
	c := &s.account.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead, c.known
}
