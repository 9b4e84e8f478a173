package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"databricks-access-audit/bot/slackapi"
)

func TestTokensFromEnv(t *testing.T) {
	write := func(mode os.FileMode, text string) string {
		name := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good, app := "xoxb-1-canary", "xapp-1-canary"
	for name, c := range map[string]struct {
		env  map[string]string
		want string // part of the error; empty for none
	}{
		"both":               {map[string]string{"SLACK_BOT_TOKEN": good, "SLACK_APP_TOKEN": " " + app + "\n"}, ""},
		"files":              {map[string]string{"SLACK_BOT_TOKEN_FILE": write(0o600, good+"\n"), "SLACK_APP_TOKEN_FILE": write(0o400, app)}, ""},
		"none":               {nil, "SLACK_APP_TOKEN is not set"},
		"swapped":            {map[string]string{"SLACK_BOT_TOKEN": app, "SLACK_APP_TOKEN": good}, "swapped"},
		"user token":         {map[string]string{"SLACK_BOT_TOKEN": "xoxp-1-canary", "SLACK_APP_TOKEN": app}, "SLACK_BOT_TOKEN begins with xoxp-"},
		"two bot tokens":     {map[string]string{"SLACK_BOT_TOKEN": good, "SLACK_APP_TOKEN": good}, "SLACK_APP_TOKEN begins with xoxb-"},
		"nonsense":           {map[string]string{"SLACK_BOT_TOKEN": "canary", "SLACK_APP_TOKEN": app}, "begins with something else"},
		"both ways":          {map[string]string{"SLACK_BOT_TOKEN": good, "SLACK_BOT_TOKEN_FILE": "x", "SLACK_APP_TOKEN": app}, "both SLACK_BOT_TOKEN and"},
		"readable by others": {map[string]string{"SLACK_BOT_TOKEN_FILE": write(0o644, good), "SLACK_APP_TOKEN": app}, "chmod 600"},
		"readable by group":  {map[string]string{"SLACK_BOT_TOKEN_FILE": write(0o640, good), "SLACK_APP_TOKEN": app}, "chmod 600"},
		"no file":            {map[string]string{"SLACK_BOT_TOKEN_FILE": "/nowhere/at/all", "SLACK_APP_TOKEN": app}, "no such file"},
		"empty file":         {map[string]string{"SLACK_BOT_TOKEN_FILE": write(0o600, "\n"), "SLACK_APP_TOKEN": app}, "not a file with one secret"},
		"a folder":           {map[string]string{"SLACK_BOT_TOKEN_FILE": "/", "SLACK_APP_TOKEN": app}, "SLACK_BOT_TOKEN_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := TokensFromEnv(func(k string) string { return c.env[k] })
			if c.want == "" && (err != nil || string(got.Bot) != good || string(got.App) != app) {
				t.Errorf("%q %q %v", string(got.Bot), string(got.App), err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("a token in %v", err)
			}
		})
	}
}

// canaries are secrets of every shape that may come by.
var canaries = []string{
	"xoxb-111-canary", "xoxp-111-canary", "xoxe.xoxp-1-canary", "xapp-1-A1-1-canary", "Bearer canary-0123456789", "bearer: x Authorization: Bearer canary.canary",
	"https://hooks.slack.com/commands/T1/2/canary", "https://hooks.slack-gov.com/x/canary", "wss://wss-primary.slack.com/link/?ticket=canary&app_id=1",
	"http://127.0.0.1:9/commands/T0/1/canary", "dapi0123456789abcdefcanary", `{"response_url":"canary"}`, "trigger_id=1.2.canary", "https://files.slack.com/upload/v1/canary",
	"eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.canary",
}

func TestLogsHoldNoSecret(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(RedactLogs(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, c := range canaries {
		e := fmt.Errorf("post: %w", errors.New(c))
		log.Info(c, "a", c, "b", e, "c", []string{c}, "d", struct{ X string }{c}, slog.Group("g", "e", c, slog.Group("h", "f", e)), "bytes", []byte(c))
		log.With("a", c).WithGroup("g").With(slog.Group("x", "b", e)).Debug("m", "s", slackapi.Secret(c))
	}
	for _, key := range []string{"response_url", "trigger_id", "token", "Authorization", "ticket"} {
		log.Info("m", key, "canary", slog.Group("g", key, "canary"))
	}
	for l := range strings.Lines(out.String()) {
		// What follows the hex digits of a token is not part of it.
		if strings.Contains(strings.ReplaceAll(l, "[redacted]canary", ""), "canary") {
			t.Errorf("secret in %s", l)
		}
	}
	out.Reset()
	log.Info("kept", "n", 3, "user", "U0ALICE", "channel", "https://prod.cloud.test/x", "error", error(nil))
	if !strings.Contains(out.String(), `"n":3,"user":"U0ALICE","channel":"https://prod.cloud.test/x"`) {
		t.Errorf("too much redacted: %s", out.String())
	}
}

func TestSeen(t *testing.T) {
	now := time.Unix(0, 0)
	s := newSeen(4, time.Minute)
	for _, step := range []struct {
		after time.Duration
		ids   []string
		again bool
	}{
		{0, []string{"e1", "t1"}, false},
		{0, []string{"e1", "t1"}, true},
		{0, []string{"e2", "t1"}, true}, // the same command in another envelope
		{0, []string{"", ""}, false},
		{0, []string{"", ""}, false},
		{61 * time.Second, []string{"e1", "t1"}, false}, // forgotten
		{0, []string{"e1"}, true},
		{0, []string{"e3", "e4", "e5", "e6"}, false}, // pushes the others out
		{0, []string{"e1"}, false},
	} {
		now = now.Add(step.after)
		if got := s.add(now, step.ids...); got != step.again {
			t.Errorf("%v again: %v", step.ids, got)
		}
		if len(s.at) > 4 {
			t.Errorf("%d ids are held", len(s.at))
		}
	}
}

func TestFairness(t *testing.T) {
	start := time.Unix(0, 0)
	f := newFairness(window{2, time.Minute}, window{5, time.Hour})
	for i, c := range []struct {
		at   time.Duration // since the start
		wait time.Duration
	}{
		{0, 0}, {10 * time.Second, 0}, {20 * time.Second, 40 * time.Second}, {59 * time.Second, time.Second},
		{time.Minute, 0}, {69 * time.Second, time.Second}, {70 * time.Second, 0},
		{10 * time.Minute, 0}, {11 * time.Minute, 49 * time.Minute}, // the sixth in an hour
		{time.Hour, 0}, {time.Hour, 10 * time.Second},
	} {
		if got := f.allow("a", start.Add(c.at)); got != c.wait {
			t.Errorf("command %d, after %s, waits %s, want %s", i, c.at, got, c.wait)
		}
	}
	if f.allow("b", start) != 0 {
		t.Error("another person is refused")
	}
	for i := range manyPeople + 500 {
		f.allow(fmt.Sprint(i), start)
	}
	f.allow("z", start.Add(2*time.Hour))
	if len(f.recent) > 10 {
		t.Errorf("%d people are remembered", len(f.recent))
	}
}

func TestJobs(t *testing.T) {
	now := time.Unix(0, 0)
	j := newJobs()
	take := func(user, id string) (*job, error) {
		return j.begin(t.Context(), &task{user: user, id: id}, now)
	}
	a, err := take("a", "1")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := take("a", "2"); !errors.Is(err, errOneAtATime) || other != a {
		t.Errorf("a second audit of one person: %v, %v", other, err)
	}
	if !j.start(a, now) {
		t.Error("not started")
	}
	now = now.Add(time.Second)
	for i := range auditQueue {
		if _, err := take(fmt.Sprint("u", i), fmt.Sprint("w", i)); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	if _, err := take("z", "z"); !errors.Is(err, errQueueFull) {
		t.Errorf("the queue takes more than %d: %v", auditQueue, err)
	}
	if s := j.of("u7"); s.before != 7 || !s.began.IsZero() {
		t.Errorf("u7 stands at %+v", s)
	}

	// What waits and is cancelled makes room at once, for its person too.
	n, ran := j.cancel("u7", "w7")
	if n == nil || ran || !errors.Is(context.Cause(n.ctx), errCancelled) {
		t.Errorf("cancelled %v, %v", n, ran)
	}
	again, err := take("u7", "x7")
	if err != nil {
		t.Errorf("no room: %v", err)
	}
	if j.start(n, now) {
		t.Error("a cancelled audit starts")
	}
	j.end(n, now) // its late end is not that of the next
	if j.of("u7").job != again {
		t.Error("the next audit of the person is lost")
	}

	for _, c := range []struct{ user, id string }{{"a", "2"}, {"a", "w1"}, {"nobody", ""}, {"nobody", "1"}} {
		if n, _ := j.cancel(c.user, c.id); n != nil {
			t.Errorf("%+v cancels %s of %s", c, n.id, n.user)
		}
	}
	if n, ran := j.cancel("a", ""); n != a || !ran || a.ctx.Err() == nil {
		t.Errorf("cancelled %v, %v", n, ran)
	}
	if _, err := take("a", "3"); !errors.Is(err, errOneAtATime) {
		t.Errorf("a cancelled audit that still runs makes room: %v", err)
	}
	now = now.Add(time.Hour)
	j.end(a, now)
	j.cancel("u0", "")
	if _, err := take("a", "3"); err != nil {
		t.Error(err)
	}
	if room := j.room(); room < 3*time.Minute || room > 5*time.Minute {
		t.Errorf("room in %s after an audit of an hour", room)
	}
}

func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 second", time.Second: "1 second", 1500 * time.Millisecond: "2 seconds", 90 * time.Second: "90 seconds", 91 * time.Second: "2 minutes",
		90 * time.Minute: "90 minutes", 91 * time.Minute: "2 hours", 49 * time.Hour: "2 days", -time.Hour: "1 second",
	} {
		if got := lasting(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestPool(t *testing.T) {
	var panics, ran atomic.Int32
	p := newPool(1, 2, func(any) { panics.Add(1) })
	hold, held := make(chan struct{}), make(chan struct{})
	if !p.offer(func() { close(held); <-hold; panic("x") }) {
		t.Fatal("refused")
	}
	<-held
	for i, want := range []bool{true, true, false} {
		if got := p.offer(func() { ran.Add(1) }); got != want {
			t.Errorf("offer %d: %v", i, got)
		}
	}
	p.close()
	if p.offer(func() {}) {
		t.Error("taken after the end")
	}
	close(hold)
	<-p.done()
	if panics.Load() != 1 || ran.Load() != 2 {
		t.Errorf("%d panics, %d jobs", panics.Load(), ran.Load())
	}
}

func TestHealth(t *testing.T) {
	now := time.Unix(0, 0)
	log := slog.New(slog.DiscardHandler)
	after := func(d time.Duration) time.Time { return now.Add(d) }

	h := newHealth(now, 5*time.Minute, time.Minute, 1, log)
	if h.check(after(4*time.Minute)) != nil || !errors.Is(h.check(after(5*time.Minute)), errSilence) {
		t.Error("five minutes without a socket")
	}
	h.opened(now)
	h.greeted()
	if h.check(after(time.Hour)) != nil {
		t.Error("a socket is up")
	}
	h.lost(after(time.Hour))
	if h.check(after(time.Hour+4*time.Minute)) != nil || h.check(after(time.Hour+5*time.Minute)) == nil {
		t.Error("five minutes after the last socket")
	}

	h = newHealth(now, 5*time.Minute, time.Minute, 1, log)
	var err error
	for s := range 400 {
		at := after(time.Duration(s) * time.Second)
		h.opened(at)
		h.greeted()
		h.lost(at)
		if err = h.check(at); err != nil {
			if s < 300 {
				t.Errorf("gave up after %d s", s)
			}
			break
		}
	}
	if !errors.Is(err, errChurn) {
		t.Errorf("churn ends with %v", err)
	}

	h = newHealth(now, 5*time.Minute, time.Minute, 1, log)
	for s := range 10 {
		h.opened(after(time.Duration(s) * time.Second))
	}
	h.greeted()
	if h.check(after(10*time.Minute)) != nil || !h.churn.IsZero() {
		t.Error("churn that has passed")
	}
}

// TestCheckScopes: the start ends without what everybody needs, and says what is lost without the rest and what is to spare.
func TestCheckScopes(t *testing.T) {
	all := slackapi.ScopeNames(slackapi.Scopes(slackapi.Wants{}))
	without := func(scope string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == scope })
	}
	for name, c := range map[string]struct {
		granted   []string
		wants     slackapi.Wants
		err, said string
	}{
		"all":                 {all, slackapi.Wants{}, "", ""},
		"not told":            {nil, slackapi.Wants{UserGroups: true}, "", ""},
		"one of three":        {without("users:read"), slackapi.Wants{}, "lacks the scopes users:read:", ""},
		"no files":            {without("files:write"), slackapi.Wants{}, "", "reports cannot be sent as files"},
		"no private":          {without("groups:read"), slackapi.Wants{}, "", "plans cannot be posted in private channels"},
		"too much":            {append(slices.Clone(all), "files:read"), slackapi.Wants{}, "", "scopes=files:read"},
		"user groups":         {append(slices.Clone(all), "usergroups:read"), slackapi.Wants{UserGroups: true}, "", ""},
		"no user groups":      {all, slackapi.Wants{UserGroups: true}, "", "usergroups:read"},
		"user groups unasked": {append(slices.Clone(all), "usergroups:read"), slackapi.Wants{}, "", "scopes=usergroups:read"},
	} {
		var said bytes.Buffer
		err := checkScopes(c.granted, c.wants, slog.New(slog.NewTextHandler(&said, nil)))
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
		if (said.Len() > 0) != (c.said != "") || !strings.Contains(said.String(), c.said) {
			t.Errorf("%s: said %q, want %q", name, said.String(), c.said)
		}
	}
}
