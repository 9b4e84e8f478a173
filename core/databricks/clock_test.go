package databricks

import (
	"net/http"
	"testing"
	"time"
)

// The clock of the account is told by the answers, if they can tell it.
func TestR14_AnswersTellTheTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dated := func(at time.Time) http.Header { return http.Header{"Date": {at.Format(http.TimeFormat)}} }
	cached := dated(now.Add(-time.Hour))
	cached.Set("Age", "3600")
	for name, c := range map[string]struct {
		h     http.Header
		took  time.Duration
		want  time.Duration
		known bool
	}{
		"the same":     {dated(now), 0, time.Second / 2, true},
		"ahead":        {dated(now.Add(10 * time.Minute)), 2 * time.Second, 10*time.Minute - time.Second/2, true},
		"behind":       {dated(now.Add(-10 * time.Minute)), 0, -10*time.Minute + time.Second/2, true},
		"nothing said": {http.Header{}, 0, 0, false},
		"no date":      {http.Header{"Date": {"noon"}}, 0, 0, false},
		"a cache":      {cached, 0, 0, false},
		"slow":         {dated(now), 6 * time.Second, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Session{account: &Account{}}
			s.account.clock.hear(c.h, now, c.took)
			if got, known := s.Ahead(); got != c.want || known != c.known {
				t.Errorf("got %s, %v, want %s, %v", got, known, c.want, c.known)
			}
		})
	}
}

// What is compared is the clock of the options.
func TestR14_ClockOfTheOptions(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+workspacesPath, `[]`)
	a := w.open(w.overSocket, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(-time.Hour) } })
	s := a.Session()
	if _, known := s.Ahead(); known {
		t.Error("a time is known before there was an answer")
	}
	if _, err := s.Workspaces(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ahead, known := s.Ahead(); !known || (ahead-time.Hour).Abs() > 30*time.Second {
		t.Errorf("ahead by %s, %v", ahead, known)
	}
}
