package bot

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// health watches the sockets. slack-go connects again for ever and keeps the reason of a
// disconnection to itself, so a bot that Slack no longer wants looks alive; health is what makes it
// end instead, with a sentence that says what to look at.
type health struct {
	mu     sync.Mutex
	up     int         // sockets on which Slack said hello
	since  time.Time   // when up last became zero
	recent []time.Time // connections lately
	churn  time.Time   // since when connections have come too often; zero when they have not

	patience time.Duration // how long no socket, or churn, is borne
	window   time.Duration // in which more than most connections are churn
	most     int
	log      *slog.Logger
}

func newHealth(now time.Time, patience, window time.Duration, sockets int, log *slog.Logger) *health {
	return &health{since: now, patience: patience, window: window, most: 6 * sockets, log: log}
}

// opened is told of every connection, also of those that Slack closes before it says hello.
func (h *health) opened(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recent = append(h.within(now), now)
	if len(h.recent) > h.most && h.churn.IsZero() {
		h.churn = now
		h.log.Error("Slack closes every socket soon after it opens; is Socket Mode on in the app's settings?", "connections", len(h.recent), "within", h.window)
	}
}

// within is the connections that still count.
func (h *health) within(now time.Time) []time.Time {
	for len(h.recent) > 0 && now.Sub(h.recent[0]) > h.window {
		h.recent = h.recent[1:]
	}
	return h.recent
}

// greeted is told of a socket on which Slack said hello.
func (h *health) greeted() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up++
}

// connected is how many sockets are of use.
func (h *health) connected() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.up
}

// lost is told of the end of a socket that was greeted.
func (h *health) lost(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.up--; h.up == 0 {
		h.since = now
	}
}

var (
	errChurn = errors.New("every socket to Slack is closed soon after it opens: switch Socket Mode on in the app's settings, " +
		"and see that no more than ten sockets of this app are open")
	errSilence = errors.New("no socket to Slack stayed open for some minutes: check the network, the proxy, " +
		"https://slack-status.com, and that Socket Mode is on in the app's settings")
)

// check gives the reason to end, or nil.
func (h *health) check(now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.churn.IsZero() {
		if len(h.within(now)) <= h.most {
			h.churn = time.Time{}
		} else if now.Sub(h.churn) >= h.patience {
			return errChurn
		}
	}
	if h.up == 0 && now.Sub(h.since) >= h.patience {
		return errSilence
	}
	return nil
}
