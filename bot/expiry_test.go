package bot

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// sundial is a clock that tests set ahead.
type sundial struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (s *sundial) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

func (s *sundial) forward(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// reading starts a bot with a ledger, whose clock is set ahead.
func reading(t *testing.T, l *ledger.Ledger, o slackfake.Options, change func(*Config)) (*rig, *sundial) {
	t.Helper()
	s := &sundial{}
	r := begin(t, smallReport, o, func(c *Config) {
		c.Ledger, c.Unlimited, c.pace.now = l, true, s.now
		hurry(&c.pace)
		if change != nil {
			change(c)
		}
	})
	return r, s
}

func memory(t *testing.T) *ledger.Ledger {
	t.Helper()
	return ledgertest.Open(t, ledger.Options{Location: ledger.Memory})
}

// kept counts the files that Slack still has.
func keptFiles(s *slackfake.Snapshot) (n int) {
	for _, f := range s.Files {
		if !f.Deleted {
			n++
		}
	}
	return n
}

// deletions are the calls of files.delete, by the file.
func (r *rig) deletions() map[string]int {
	count := map[string]int{}
	for _, c := range r.slack.Snapshot().Calls {
		if c.Method == "files.delete" {
			count[c.Args["file"]]++
		}
	}
	return count
}

// until waits until the workspace is as wanted.
func (r *rig) until(what string, ok func(s *slackfake.Snapshot) bool) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	defer cancel()
	if err := r.slack.WaitFor(ctx, ok); err != nil {
		r.Fatalf("never %s\nlog: %s", what, r.log.String())
	}
}

// swept waits until the bot has looked for what is due by the clock as it is now: it deletes a file that nobody has.
func (r *rig) swept(l *ledger.Ledger, now time.Time) {
	r.Helper()
	file := fmt.Sprintf("F0MARK%d", now.UnixNano())
	err := l.Do(r.Context(), func(tx *ledger.Tx) error {
		return tx.KeepUpload(ledger.Upload{File: file, Work: "job/mark", UploadedAt: now, DeleteAt: now})
	})
	if err != nil {
		r.Fatal(err)
	}
	r.eventually("a sweep", func() bool { return r.deletions()[file] > 0 })
}

// eventually waits until something is so.
func (r *rig) eventually(what string, ok func() bool) {
	r.Helper()
	for limit := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			r.Fatalf("never: %s\n%s", what, r.log.String())
		}
	}
}

// TestT30_ReportsExpire: the message says until when the files are kept, and then each of them is deleted once; those of a plan too.
func TestT30_ReportsExpire(t *testing.T) {
	var s sundial
	w := found(t, slackfake.Options{}, nil, func(_ *board, c *Config) { c.pace.now, c.Retention = s.now, 48*time.Hour })
	w.ask(slackfake.Alice, "principal bob@acme.test")
	w.asks(slackfake.Alice, "erin @bob")
	w.until("all files", func(s *slackfake.Snapshot) bool { return len(s.Files) == 6 })
	until := "Kept until " + s.now().Add(48*time.Hour).UTC().Format("2006-01-02")
	for _, f := range w.slack.Files() {
		carried := false
		for _, m := range w.slack.Snapshot().Messages {
			carried = carried || slices.Contains(m.FileIDs, f.ID) && strings.Contains(textOf(m), until)
		}
		if !carried {
			t.Errorf("the message with %s does not say %q", f.Name, until)
		}
	}
	rows, err := w.Uploads(t.Context(), s.now().Add(48*time.Hour))
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d files are noted (%v), want 6", len(rows), err)
	}
	of := map[string]int{}
	for _, u := range rows {
		kind, _, _ := strings.Cut(u.Work, "/")
		of[kind]++
		if left := u.DeleteAt.Sub(u.UploadedAt); (left - 48*time.Hour).Abs() > time.Minute {
			t.Errorf("file %s of %s is kept for %s", u.File, u.Work, left)
		}
	}
	if of["job"] != 3 || of["plan"] != 3 {
		t.Errorf("noted: %v", of)
	}
	s.forward(47 * time.Hour)
	w.swept(w.board.Ledger, s.now())
	if keptFiles(w.slack.Snapshot()) != 6 {
		t.Fatal("files were deleted before their time")
	}
	s.forward(time.Hour + time.Second)
	w.rig.until("all deleted", func(s *slackfake.Snapshot) bool { return keptFiles(s) == 0 })
	w.rig.eventually("nothing left", func() bool {
		rows, err := w.Uploads(t.Context(), s.now())
		return err == nil && len(rows) == 0
	})
	for file, n := range w.deletions() {
		if n != 1 {
			t.Errorf("%s was deleted %d times", file, n)
		}
	}
}

// TestT30_NothingIsShownThatCouldNotBeNoted: a file is noted before anybody sees it, or not shown.
func TestT30_NothingIsShownThatCouldNotBeNoted(t *testing.T) {
	l := memory(t)
	seen := make(chan int, 1)
	var r *rig
	r, _ = reading(t, l, slackfake.Options{}, func(c *Config) {
		c.Transport = before{c.Transport, "/files.completeUploadExternal", func() {
			rows, err := l.Uploads(context.WithoutCancel(r.Context()), time.Now().Add(9*24*time.Hour))
			if err != nil {
				t.Error(err)
			}
			seen <- len(rows)
		}}
	})
	r.ask(slackfake.Alice, "principal bob@acme.test")
	if n := <-seen; n != 3 {
		t.Errorf("%d files are noted when they are shown, want 3", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r.slack.ClearFaults()
	d, err := r.slack.SlashTyped(t.Context(), slackfake.Bob, slackfake.DataHelp, "/access-audit", "principal bob@acme.test")
	if err != nil {
		t.Fatal(err)
	}
	r.await(d.EnvelopeID, 1)
	if told := r.lastTold(slackfake.Bob); !strings.Contains(told, "I could not note down when to delete them") {
		t.Errorf("told %s", told)
	}
	if n := len(r.slack.Files()); n != 3 {
		t.Errorf("%d files are shown, of which 3 are noted", n)
	}
}

// before is a transport that does something before a call.
type before struct {
	next http.RoundTripper
	path string
	do   func()
}

func (b before) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, b.path) {
		b.do()
	}
	return b.next.RoundTrip(r)
}

// TestT30_FilesThatAreGone: what somebody deleted before is no failure.
func TestT30_FilesThatAreGone(t *testing.T) {
	l := memory(t)
	r, s := reading(t, l, slackfake.Options{}, nil)
	r.ask(slackfake.Alice, "principal bob@acme.test")
	files := r.slack.Files()
	if len(files) != 3 {
		t.Fatalf("%d files", len(files))
	}
	client, err := slackapi.New(slackapi.Options{BotToken: slackapi.Secret(r.slack.BotToken()), APIURL: r.slack.APIURL(), Transport: r.transport})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Delete(t.Context(), files[0].ID); err != nil {
		t.Fatal(err)
	}
	// And one that was noted and never shown.
	err = l.Do(t.Context(), func(tx *ledger.Tx) error {
		return tx.KeepUpload(ledger.Upload{File: "F0NEVER", Work: "job/x", UploadedAt: s.now(), DeleteAt: s.now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.forward(7*24*time.Hour + time.Second)
	r.eventually("nothing left", func() bool {
		rows, err := l.Uploads(t.Context(), s.now())
		return err == nil && len(rows) == 0
	})
	if keptFiles(r.slack.Snapshot()) != 0 || strings.Contains(r.log.String(), "file not deleted") {
		t.Errorf("%d files are left\n%s", keptFiles(r.slack.Snapshot()), r.log.String())
	}
}

// TestT30_FailureIsTriedAgainAndAlarms: counted at once, and after a day an error and a metric, until somebody mends it.
func TestT30_FailureIsTriedAgainAndAlarms(t *testing.T) {
	l := memory(t)
	address := freeAddress(t)
	r, s := reading(t, l, slackfake.Options{}, func(c *Config) { c.Listen = address })
	r.ask(slackfake.Alice, "principal bob@acme.test")
	r.slack.AddFault(slackfake.Fault{Method: "files.delete", Error: "cant_delete_file"})
	alarm := "is in Slack for longer than people were told"
	s.forward(7*24*time.Hour + time.Second)
	r.eventually("three attempts", func() bool { return len(r.deletions()) == 3 })
	r.eventually("counted", func() bool { return strings.Contains(scrape(t, address), "access_audit_uploads_undeleted_total 3\n") })
	s.forward(2 * time.Minute)
	r.eventually("tried again", func() bool {
		for _, n := range r.deletions() {
			if n < 2 {
				return false
			}
		}
		return true
	})
	if strings.Contains(r.log.String(), alarm) || !strings.Contains(scrape(t, address), "access_audit_uploads_expiry_overdue 0\n") {
		t.Error("alarmed before a day was over")
	}
	s.forward(24 * time.Hour)
	r.eventually("alarms", func() bool { return strings.Count(r.log.String(), alarm) == 3 })
	r.eventually("the metric", func() bool { return strings.Contains(scrape(t, address), "access_audit_uploads_expiry_overdue 3\n") })
	r.slack.ClearFaults()
	s.forward(2 * time.Hour)
	r.until("all deleted", func(s *slackfake.Snapshot) bool { return keptFiles(s) == 0 })
	r.eventually("the metric is well again", func() bool { return strings.Contains(scrape(t, address), "access_audit_uploads_expiry_overdue 0\n") })
}

// TestT30_SlackHoldsOff: a 429 stops a sweep, which is not counted against each file, and the rest follows later.
func TestT30_SlackHoldsOff(t *testing.T) {
	l := memory(t)
	r, s := reading(t, l, slackfake.Options{}, nil)
	r.ask(slackfake.Alice, "principal bob@acme.test")
	r.slack.AddFault(slackfake.Fault{Method: "files.delete", Status: http.StatusTooManyRequests, RetryAfter: time.Second, Times: 1})
	s.forward(7*24*time.Hour + time.Second)
	r.until("all deleted", func(s *slackfake.Snapshot) bool { return keptFiles(s) == 0 })
	n := 0
	for _, times := range r.deletions() {
		n += times
	}
	if n != 4 {
		t.Errorf("%d calls, want the three and the one that was put off", n)
	}
	if strings.Contains(r.log.String(), "file not deleted") {
		t.Error("to be put off by a second was a failure")
	}
}

// TestT30_OnceByManyAndAfterRestarts: two bots sweep one ledger; each file is deleted by one of them, and what an ended one had taken
// by another.
func TestT30_OnceByManyAndAfterRestarts(t *testing.T) {
	l := ledgertest.Open(t, ledger.Options{Location: filepath.Join(t.TempDir(), "own", "ledger.db")})
	var s sundial
	var more Config
	r := begin(t, smallReport, slackfake.Options{}, func(c *Config) {
		c.Ledger, c.Unlimited, c.pace.now = l, true, s.now
		hurry(&c.pace)
		c.pace.sweep = 10 * time.Millisecond
		more = *c
	})
	r.ask(slackfake.Alice, "principal bob@acme.test")
	// One that a process took and did not come to delete.
	files := r.slack.Files()
	if len(files) != 3 {
		t.Fatalf("%d files", len(files))
	}
	over := s.now().Add(7*24*time.Hour + time.Second)
	err := l.Do(t.Context(), func(tx *ledger.Tx) error {
		taken, err := tx.DueUploads(over, 1, expirePutOff)
		if err == nil && len(taken) != 1 {
			err = fmt.Errorf("%d files taken", len(taken))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, more) }()
	if err := r.slack.WaitConnected(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	s.forward(7*24*time.Hour + time.Second)
	r.until("two deleted", func(s *slackfake.Snapshot) bool { return keptFiles(s) == 1 })
	for range 5 {
		r.swept(l, s.now())
	}
	if keptFiles(r.slack.Snapshot()) != 1 {
		t.Error("what another process had taken was deleted at once")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	s.forward(expirePutOff)
	r.until("the third deleted", func(s *slackfake.Snapshot) bool { return keptFiles(s) == 0 })
	for file, n := range r.deletions() {
		if n != 1 {
			t.Errorf("%s was deleted %d times", file, n)
		}
	}
}
