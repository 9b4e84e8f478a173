package bot

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// slowEngine is an engine whose audits last until they are let go, or cancelled: then they answer with what they know, unless they
// know nothing.
type slowEngine struct {
	held    chan query.Request
	release chan struct{}
	nothing atomic.Bool
}

func newSlow() *slowEngine {
	return &slowEngine{held: make(chan query.Request, 100), release: make(chan struct{})}
}

func (s *slowEngine) answer(ctx context.Context, q query.Request, p core.Progress) (report.Report, error) {
	p(30, 120)
	s.held <- q
	select {
	case <-s.release:
		return smallReport(ctx, q, p)
	case <-ctx.Done():
	}
	if s.nothing.Load() {
		return nil, ctx.Err()
	}
	r := principal("alice@acme.test", "prod", 1)
	r.Interrupted, r.Coverage.Complete = true, false
	return r, nil
}

// begin gives a command without waiting for its answer.
func (r *rig) begin(user, text string) slackfake.Delivery {
	r.Helper()
	d, err := r.slack.Slash(r.Context(), user, slackfake.DataHelp, "/access-audit", text)
	if err != nil {
		r.Fatal(err)
	}
	return d
}

// jobOf is the id of a person's last audit, as the person was told.
func (r *rig) jobOf(user string) string {
	r.Helper()
	told := r.told(user)
	for i := len(told) - 1; i >= 0; i-- {
		if _, rest, ok := strings.Cut(told[i], "… (job "); ok {
			id, _, _ := strings.Cut(rest, ";")
			return id
		}
	}
	r.Fatalf("no job was named: %q", told)
	return ""
}

func TestStatusAndCancel(t *testing.T) {
	e := newSlow()
	r := begin(t, e.answer, slackfake.Options{}, nil)
	r.ask(slackfake.Alice, "status")
	for _, want := range []string{"You have no audit under way.", "I started ", "of 2 sockets to Slack are open", "0 audits run and 0 wait"} {
		if got := r.lastTold(slackfake.Alice); !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	r.ask(slackfake.Alice, "cancel")
	if got := r.lastTold(slackfake.Alice); !strings.Contains(got, "no audit under way") {
		t.Errorf("told %q", got)
	}

	audit := r.begin(slackfake.Alice, "principal alice@acme.test")
	<-e.held
	job := r.jobOf(slackfake.Alice)
	r.ask(slackfake.Alice, "STATUS")
	for _, want := range []string{"Job " + job + ": principal alice@acme.test. It has been running for ", "30 of 120 reads", "1 audit runs"} {
		if got := r.lastTold(slackfake.Alice); !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	// Others see that somebody asks, and neither who nor what; nor can they stop it.
	r.ask(slackfake.Bob, "status")
	if got := r.lastTold(slackfake.Bob); !strings.Contains(got, "You have no audit") || !strings.Contains(got, "1 audit runs") || strings.Contains(got, "alice") || strings.Contains(got, job) {
		t.Errorf("Bob is told %q", got)
	}
	r.ask(slackfake.Bob, "cancel "+job)
	known := r.lastTold(slackfake.Bob)
	r.ask(slackfake.Bob, "cancel 0000000")
	if unknown := r.lastTold(slackfake.Bob); strings.ReplaceAll(known, job, "0000000") != unknown || !strings.Contains(unknown, "You have no audit 0000000") {
		t.Errorf("a job of another person: %q; one that never was: %q", known, unknown)
	}

	r.ask(slackfake.Alice, "cancel "+strings.ToUpper(job))
	r.await(audit.EnvelopeID, 1)
	all := strings.Join(r.told(slackfake.Alice), "\n")
	for _, want := range []string{"Job " + job + " is being stopped", "INCOMPLETE, interrupted before the end"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in %q", want, all)
		}
	}

	// Their turn is theirs again. An audit that knows nothing yet says so.
	e.nothing.Store(true)
	audit = r.begin(slackfake.Alice, "principal alice@acme.test")
	<-e.held
	r.ask(slackfake.Alice, "cancel")
	r.await(audit.EnvelopeID, 1)
	if got := r.lastTold(slackfake.Alice); !strings.Contains(got, "was cancelled before there was an answer") && !strings.Contains(got, "is being stopped") {
		t.Errorf("told %q", got)
	}
	for _, c := range []struct{ text, want string }{{"status x", "status takes nothing"}, {"cancel a b", "the id of one job"}, {"cancel <!channel>", "You have no audit"}} {
		r.ask(slackfake.Alice, c.text)
		if got := r.lastTold(slackfake.Alice); !strings.Contains(got, c.want) {
			t.Errorf("%s: told %q", c.text, got)
		}
	}
	r.noMentions()
}

// TestControlsDoNotWait: with every desk and the person's allowance taken, one can still see how an audit stands and stop it.
func TestControlsDoNotWait(t *testing.T) {
	e := newSlow()
	settled := make(chan string, 200)
	b := newBot(t.Context(), mustComplete(t, Config{Engine: engine(e.answer), Settled: func(id string) { settled <- id }}), nil, "T1", newMetrics())
	defer b.stopWork()
	d := &door{}
	b.door = d
	stuck := make(chan struct{})
	b.people.lookup = func(_ context.Context, id string) (slackapi.Person, error) {
		if id != "UALICE" {
			<-stuck
		}
		return person(t, map[string]any{"id": id}), nil
	}
	n := 0
	give := func(user, text string) string {
		n++
		return b.take(slackapi.Command{EnvelopeID: fmt.Sprint("e", n), TeamID: "T1", UserID: user, ResponseURL: "x", Name: "/access-audit", Text: text})
	}
	say := func(text string) string {
		if said := give("UALICE", text); said != "" {
			return said
		}
		<-settled
		return d.last()
	}

	if said := give("UALICE", "principal alice@acme.test"); said != "" {
		t.Fatal(said)
	}
	<-e.held
	for range commandsAMinute - 1 {
		say("help")
	}
	if said := say("help"); !strings.Contains(said, "5 a minute and 30 an hour") || !strings.Contains(said, "Please repeat this one in ") {
		t.Errorf("the sixth command: %q", said)
	}
	<-settled // which it was, at once
	busy := false
	for i := 0; !busy && i < 2*(desks+deskQueue); i++ { // who they are has to be looked up, which now takes for ever
		busy = give(fmt.Sprint("U", i), "help") == sayBusy
	}
	if !busy {
		t.Fatal("there is still a desk")
	}
	<-settled
	if said := say("status"); !strings.Contains(said, "It has been running") {
		t.Errorf("told %q", said)
	}
	if said := say("cancel"); !strings.Contains(said, "is being stopped") && !strings.Contains(said, "interrupted") {
		t.Errorf("told %q", said)
	}
	<-settled // the audit
	for range controlsAMinute - 2 {
		say("status")
	}
	if said := say("status"); !strings.Contains(said, "Those were many commands") {
		t.Errorf("there is no limit: %q", said)
	}
	close(stuck)
	if err := b.drain(); err != nil {
		t.Error(err)
	}
}

// TestWaitingAuditsCanBeCancelled: they never begin, and their person may ask again at once.
func TestWaitingAuditsCanBeCancelled(t *testing.T) {
	e := newSlow()
	r := begin(t, e.answer, slackfake.Options{}, nil)
	if err := r.slack.UpdateUser(slackfake.Guest, func(u *slackfake.User) { u.IsRestricted = false }); err != nil {
		t.Fatal(err)
	}
	var running []slackfake.Delivery
	for _, u := range []string{slackfake.Alice, slackfake.Bob, slackfake.Carol, slackfake.Dave} {
		running = append(running, r.begin(u, "principal x"))
		<-e.held
	}
	first := r.begin(slackfake.Guest, "principal never")
	if err := r.slack.WaitFor(t.Context(), func(s *slackfake.Snapshot) bool { return len(s.Ephemerals) == 5 }); err != nil {
		t.Fatal(err)
	}
	r.ask(slackfake.Guest, "status")
	if got := r.lastTold(slackfake.Guest); !strings.Contains(got, "It has waited for ") || !strings.Contains(got, "0 others wait before it") {
		t.Errorf("told %q", got)
	}
	r.ask(slackfake.Guest, "cancel")
	if got := r.lastTold(slackfake.Guest); !strings.Contains(got, "It had not begun") {
		t.Errorf("told %q", got)
	}
	second := r.begin(slackfake.Guest, "principal later")
	close(e.release)
	for _, d := range append(running, first, second) {
		r.await(d.EnvelopeID, 1)
	}
	if q := <-e.held; q.(query.Principal).Who != "later" || len(e.held) != 0 {
		t.Errorf("begun: %+v", q)
	}
	if n := len(r.slack.DirectMessages(slackfake.Guest)); n != 1 {
		t.Errorf("%d answers", n)
	}
}

// TestQueueIsFull: the twenty-first that would wait is told when to try again.
func TestQueueIsFull(t *testing.T) {
	hold := make(chan struct{})
	d := &door{}
	b := newBot(t.Context(), mustComplete(t, Config{Engine: engine(func(ctx context.Context, q query.Request, p core.Progress) (report.Report, error) {
		<-hold
		return smallReport(ctx, q, p)
	})}), nil, "T1", newMetrics())
	defer b.stopWork()
	b.door = d
	for i := range auditsAtOnce + auditQueue + 1 {
		user := "U" + string(rune('A'+i))
		quiet := &door{}
		if i == auditsAtOnce+auditQueue {
			quiet = d
		}
		tk := &task{id: user, user: user, log: discard, request: query.Principal{Who: "x"}}
		tk.reply = &reply{door: quiet, now: time.Now, log: discard, count: b.Count, born: time.Now()}
		if taken := b.enqueue(tk); taken != (i < auditsAtOnce+auditQueue) {
			t.Fatalf("audit %d taken: %v", i, taken)
		}
		for running, _ := b.jobs.busy(); running < min(i+1, auditsAtOnce); running, _ = b.jobs.busy() {
			time.Sleep(time.Millisecond)
		}
	}
	if len(d.messages) != 1 || !strings.Contains(d.messages[0].Parts[0].Text, "20 questions are waiting already. Please try again in about 15 seconds") {
		t.Errorf("said %+v", d.messages)
	}
	close(hold)
	if err := b.drain(); err != nil {
		t.Error(err)
	}
}

func TestIsControl(t *testing.T) {
	for text, want := range map[string]bool{"status": true, " Cancel x": true, "cancel": true, "principal status": false, "statuses": false, "": false, "canceled": false} {
		if isControl(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
