package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ReadLag makes reads that a fault matches show what was there before the last
// writes, as reads of groups and grants do for up to a minute
// (https://github.com/databrickslabs/ucx, groups.py). Changes by Server.Update
// and by hooks show at once.
type ReadLag struct {
	// Requests is how many reads of one address after a write are late.
	Requests int
	// For is how long after a write reads are late, by the server's clock.
	For time.Duration
	// Flap lets every second of the late reads show what is there by now,
	// beginning with the first: what was seen once may be gone again.
	Flap bool
}

func (l ReadLag) on() bool { return l.Requests > 0 || l.For > 0 }

// parseLag reads a number of requests or a duration.
func (l *ReadLag) parseLag(text string) error {
	var err error
	if l.Requests, err = strconv.Atoi(text); err != nil {
		l.For, err = time.ParseDuration(text)
	}
	if err == nil && !l.on() {
		err = fmt.Errorf("lag %s is not above 0", text)
	}
	return err
}

// pastView is the account before a write. It is never changed.
type pastView struct {
	at    time.Time
	acct  *Account
	idx   *index
	reads map[string]int
}

// maxPast bounds the remembered views, oldest dropped first.
const maxPast = 64

// history holds the views of the account before each of the last writes, while
// there are faults that need them.
type history struct {
	mu    sync.Mutex
	views []*pastView
}

// remember keeps a view and returns the means to forget it, for writes that
// come to nothing.
func (h *history) remember(acct *Account, now time.Time) (forget func()) {
	past := copyAccount(acct)
	v := &pastView{at: now, acct: past, idx: buildIndex(past), reads: map[string]int{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.views = append(h.views, v)
	h.views = h.views[max(0, len(h.views)-maxPast):]
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if n := len(h.views); n > 0 && h.views[n-1] == v {
			h.views = h.views[:n-1]
		}
	}
}

// view is what a late read of an address shows, or nil if it is not late: the
// state before the first write that has not got through.
func (h *history) view(address string, lag ReadLag, now time.Time) *pastView {
	h.mu.Lock()
	defer h.mu.Unlock()
	var shown *pastView
	turn := 0
	for _, v := range h.views {
		n := v.reads[address]
		v.reads[address]++
		late := n < lag.Requests || now.Sub(v.at) < lag.For
		if late && shown == nil {
			shown, turn = v, n
		}
	}
	if lag.Flap && turn%2 == 0 {
		return nil
	}
	return shown
}

// copyAccount copies all that requests can change. What is free-form in objects
// is shared: no request changes it.
func copyAccount(a *Account) *Account {
	raw, err := json.Marshal(a)
	var out Account
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic("sandbox: an account does not copy: " + err.Error())
	}
	for i, w := range a.Workspaces {
		out.Workspaces[i].Settings = w.Settings
		for j, o := range w.Objects {
			out.Workspaces[i].Objects[j].Settings, out.Workspaces[i].Objects[j].Extra = o.Settings, o.Extra
		}
	}
	return &out
}

// showPast turns a late read to what was there before.
func (c *call) showPast(lag ReadLag) {
	address := c.host + c.r.URL.EscapedPath() + "?" + strings.TrimSpace(c.r.URL.RawQuery)
	v := c.srv.history.view(address, lag, c.srv.opts.Now())
	if v == nil {
		return
	}
	c.acct, c.idx, c.ws = v.acct, v.idx, nil
	c.findHost()
}
