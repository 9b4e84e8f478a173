package bot

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

func (w *town) count(text string) (n int) {
	for _, m := range w.slack.MessagesIn(slackfake.DataApprovals) {
		if strings.Contains(textOf(m), text) {
			n++
		}
	}
	return n
}

// TestT11_EverythingTwice: each envelope arrives twice, on two sockets.
func TestT11_EverythingTwice(t *testing.T) {
	w := found(t, slackfake.Options{Duplicate: true}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	if n := len(w.plans()); n != 1 {
		t.Fatalf("%d plans", n)
	}
	p := w.plans()[0]
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.until("carried out", says("To take it back"))
	w.replies(slackfake.Alice, card.TS, "undo "+p.ID)
	w.until("taken back", says("Taken back."))
	w.quiet()
	// And each once more, when all is over.
	again := map[string]bool{}
	for _, a := range w.slack.Acks() {
		if !again[a.EnvelopeID] {
			again[a.EnvelopeID] = true
			if _, err := w.slack.Redeliver(t.Context(), a.EnvelopeID); err != nil {
				t.Fatal(err)
			}
			w.await(a.EnvelopeID, 3)
		}
	}
	w.quiet()
	if n := len(w.plans()); n != 1 {
		t.Errorf("%d plans", n)
	}
	if w.applies != 1 || w.count("Approved by carol") != 1 || w.count("To take it back") != 1 || len(w.slack.Files()) != 3 {
		t.Errorf("%d applies, told %d votes and %d outcomes, %d files", w.applies, w.count("Approved by carol"), w.count("To take it back"), len(w.slack.Files()))
	}
}

// quiet waits until there is nothing left to do.
func (w *town) quiet() {
	w.Helper()
	w.eventually("quiet", func() bool {
		out, err := w.Outbox(w.Context())
		in, err2 := w.Unhandled(w.Context(), time.Now().Add(time.Hour))
		return err == nil && err2 == nil && len(out) == 0 && len(in) == 0
	})
}

// TestT11_AnyOrderAnyNumber: frames come one to four times, in any order; what comes of them is what comes of them once.
func TestT11_AnyOrderAnyNumber(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	w := found(t, slackfake.Options{}, nil, func(b *board, _ *Config) { b.quorum = 2 })
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	var ids []string
	for _, user := range []string{slackfake.Carol, slackfake.Bob, slackfake.Alice, slackfake.Dave} {
		ids = append(ids, w.press(user, slackfake.DataApprovals, card.TS, buttonApprove).EnvelopeID)
		ids = append(ids, w.replies(user, card.TS, "status "+p.ID).EnvelopeID)
		for range random.IntN(4) {
			again := slices.Clone(ids)
			random.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
			var wg sync.WaitGroup
			for _, id := range again[:random.IntN(len(again)+1)] {
				wg.Go(func() { _, _ = w.slack.Redeliver(t.Context(), id) })
			}
			wg.Wait()
		}
	}
	w.become(p.ID, ledger.Applied)
	w.until("carried out", says("To take it back"))
	w.quiet()
	votes, err := w.Votes(t.Context(), p.ID)
	if err != nil || len(votes) != 2 || w.applies != 1 || w.count("Approved by") != 2 || w.count("To take it back") != 1 {
		t.Errorf("votes %v (%v), %d applies, %d votes told, %d outcomes", votes, err, w.applies, w.count("Approved by"), w.count("To take it back"))
	}
	for _, a := range w.slack.Acks() {
		if !a.Acked || a.Late {
			t.Errorf("ack %+v", a)
		}
	}
}

func TestTwoApproversAtOnceAndDoubleClicks(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	var mu sync.Mutex
	var ids []string
	var wg sync.WaitGroup
	for _, user := range []string{slackfake.Carol, slackfake.Dave, slackfake.Carol, slackfake.Dave} {
		wg.Go(func() {
			d, err := w.slack.Click(t.Context(), slackfake.Press{User: user, Channel: slackfake.DataApprovals, TS: card.TS, ActionID: buttonApprove,
				Stale: &slackfake.Button{BlockID: "buttons", Value: p.ID + ":" + p.Digest[:12], Text: "Approve"}})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, d.EnvelopeID)
		})
	}
	wg.Wait()
	for _, id := range ids {
		w.await(id, 1)
	}
	w.until("carried out", says("To take it back"))
	w.quiet()
	if w.applies != 1 || w.count("Approved by carol") > 1 || w.count("Approved by dave") > 1 || w.count("To take it back") != 1 {
		t.Errorf("%d applies, votes of carol %d, of dave %d", w.applies, w.count("Approved by carol"), w.count("Approved by dave"))
	}
	if got := w.effects(); got != "["+p.ID+"/s1 "+p.ID+"/s2]" {
		t.Errorf("effects %s", got)
	}
}

func TestClickAfterTheTimeIsOver(t *testing.T) {
	var mu sync.Mutex
	ahead := time.Duration(0)
	l := ledgertest.Open(t, ledger.Options{Location: ledger.Memory, Clock: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(ahead)
	}})
	w := found(t, slackfake.Options{}, l, func(_ *board, c *Config) { c.pace.sweep = 50 * time.Millisecond })
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	forward := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		ahead = d
	}
	forward(13 * time.Hour)
	w.until("a reminder", says("still waits for votes"))
	forward(25 * time.Hour)
	w.until("over", says("Its time was over"))
	w.until("without buttons", func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool { return m.TS == card.TS && !hasButtons(m) })
	})
	w.stale(slackfake.Carol, card.TS, buttonApprove, p.ID+":"+p.Digest[:12])
	w.until("too late", hears(slackfake.Carol, "is already expired"))
	if w.effects() != "[]" || w.count("still waits") != 1 {
		t.Errorf("effects %s, %d reminders", w.effects(), w.count("still waits"))
	}
}

// TestSlackIsDownWhileAPlanIsCarriedOut: what was decided is carried out, and told when Slack is back.
func TestSlackIsDownWhileAPlanIsCarriedOut(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.until("all shown", func(s *slackfake.Snapshot) bool { return len(s.Files) == 3 })
	w.quiet()
	w.board.mu.Lock()
	w.board.hold = make(chan struct{})
	w.board.mu.Unlock()
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.become(p.ID, ledger.Applying)
	for _, m := range []string{"chat.postMessage", "chat.update", "conversations.info", "chat.postEphemeral"} {
		w.slack.AddFault(slackfake.Fault{Method: m, Status: http.StatusInternalServerError})
	}
	close(w.board.hold)
	w.become(p.ID, ledger.Applied)
	w.eventually("posts fail", func() bool { return strings.Contains(w.log.String(), "post put off") })
	w.slack.ClearFaults()
	w.until("told", says("To take it back"))
	w.until("shown", func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool {
			return m.TS == card.TS && strings.Contains(textOf(m), "Carried out")
		})
	})
	w.quiet()
	if w.count("To take it back") != 1 || w.count("Approved by carol") != 1 || w.applies != 1 {
		t.Errorf("told %d times, vote %d times, %d applies", w.count("To take it back"), w.count("Approved by carol"), w.applies)
	}
}

// restart runs a second bot on the same ledger and board.
func (w *town) restart(l *ledger.Ledger) {
	w.Helper()
	transport := &http.Transport{}
	c := Config{Tokens: Tokens{Bot: slackapi.Secret(w.slack.BotToken()), App: slackapi.Secret(w.slack.AppToken())}, Engine: engine(smallReport),
		APIURL: w.slack.APIURL(), Transport: transport, Approvals: w.board, Identity: directory{}, Ledger: l, ApprovalChannel: slackfake.DataApprovals, Unlimited: true}
	hurry(&c.pace)
	c.pace.quiet = 50 * time.Millisecond
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, c) }()
	w.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.Errorf("the second bot ended with %v", err)
		}
		transport.CloseIdleConnections()
	})
}

// TestR17_EndsWhileAPlanIsCarriedOut: the step in hand is finished, and the next process goes on and tells of it.
func TestR17_EndsWhileAPlanIsCarriedOut(t *testing.T) {
	l := ledgertest.Open(t, ledger.Options{Location: filepath.Join(t.TempDir(), "own", "ledger.db")})
	w := found(t, slackfake.Options{}, l, func(_ *board, c *Config) { c.Drain = 10 * time.Second })
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.quiet()
	hold := make(chan struct{})
	w.board.mu.Lock()
	w.board.hold = hold
	w.board.mu.Unlock()
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.become(p.ID, ledger.Applying)
	w.eventually("a step", func() bool { return w.effects() != "[]" })
	w.stop()
	w.eventually("ending", func() bool { return strings.Contains(w.log.String(), "bot ending") })
	hold <- struct{}{} // the first step ends
	if err := <-w.ended; err != nil {
		t.Fatal(err)
	}
	w.ended <- nil
	if got := w.effects(); got != "["+p.ID+"/s1]" || w.state(p.ID) != ledger.PartiallyApplied {
		t.Fatalf("effects %s, plan %s", got, w.state(p.ID))
	}
	if w.count("Carried out") != 0 {
		t.Error("said to be carried out")
	}
	w.board.mu.Lock()
	w.board.hold = nil
	w.board.mu.Unlock()
	w.restart(l)
	w.become(p.ID, ledger.Applied)
	w.until("told", says("To take it back"))
	if got := w.effects(); got != "["+p.ID+"/s1 "+p.ID+"/s2]" {
		t.Errorf("effects %s", got)
	}
}

// TestR16_WhatCannotBeKeptIsNotAcknowledgedAsIfItWere: a ledger that hangs.
func TestR16_WhatCannotBeKeptIsNotTaken(t *testing.T) {
	w := found(t, slackfake.Options{AckLimit: time.Second}, nil, func(_ *board, c *Config) { c.pace.commit = 50 * time.Millisecond })
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.quiet()
	held, let := make(chan struct{}), make(chan struct{})
	go func() {
		_ = w.Do(context.WithoutCancel(t.Context()), func(*ledger.Tx) error {
			close(held)
			<-let
			return errors.New("only held")
		})
	}()
	<-held
	d, err := w.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-clone", "erin @bob")
	if err != nil || len(d.Seen) != 1 || !strings.Contains(textOf(d.Seen[0]), sayNotKept) {
		t.Errorf("command: %v, seen %v", err, d.Seen)
	}
	if _, err := w.slack.Click(t.Context(), slackfake.Press{User: slackfake.Carol, Channel: slackfake.DataApprovals, TS: card.TS, ActionID: buttonApprove}); err != nil {
		t.Errorf("click: %v", err)
	}
	w.until("told", hears(slackfake.Carol, sayNotKept))
	if _, err := w.slack.Mention(t.Context(), slackfake.Carol, slackfake.DataApprovals, card.TS, "approve "+p.ID); !errors.Is(err, slackfake.ErrNotAcked) {
		t.Errorf("event: %v", err)
	}
	w.problems = 1 // that one
	close(let)
	w.eventually("as before", func() bool {
		votes, err := w.Votes(t.Context(), p.ID)
		return err == nil && len(votes) == 0
	})
	if len(w.plans()) != 1 {
		t.Errorf("%d plans", len(w.plans()))
	}
	// Slack sends the event again, and now it counts.
	for _, a := range w.slack.Acks() {
		if a.Type == "events_api" {
			if _, err := w.slack.Redeliver(t.Context(), a.EnvelopeID); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.become(p.ID, ledger.Applied)
}

// TestT24_ChannelThatIsShared: nothing more is posted in it, and no vote counts.
func TestT24_ChannelThatIsShared(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.quiet()
	for name, change := range map[string]func(*slackfake.Channel, bool){
		"external": func(c *slackfake.Channel, on bool) { c.IsExtShared, c.IsShared = on, on },
		"pending":  func(c *slackfake.Channel, on bool) { c.IsPendingExtShared = on },
		"org":      func(c *slackfake.Channel, on bool) { c.IsOrgShared = on },
		"archived": func(c *slackfake.Channel, on bool) { c.IsArchived = on },
		"public":   func(c *slackfake.Channel, on bool) { c.IsPrivate = !on },
	} {
		before := len(w.slack.MessagesIn(slackfake.DataApprovals))
		_ = w.slack.UpdateChannel(slackfake.DataApprovals, func(c *slackfake.Channel) { change(c, true) })
		w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
		preview := w.previews(slackfake.Carol, "erin @bob")
		w.press(slackfake.Carol, slackfake.DataHelp, preview.TS, buttonSend)
		w.until(name, hears(slackfake.Carol, "the approval channel cannot be used"))
		if votes, _ := w.Votes(t.Context(), p.ID); len(votes) != 0 || w.state(w.plans()[len(w.plans())-1].ID) != ledger.Draft {
			t.Errorf("%s: votes %v", name, votes)
		}
		if n := len(w.slack.MessagesIn(slackfake.DataApprovals)); n != before {
			t.Errorf("%s: %d messages more", name, n-before)
		}
		_ = w.slack.UpdateChannel(slackfake.DataApprovals, func(c *slackfake.Channel) { change(c, false) })
	}
}

// TestT15_HostileNames: nothing that a name holds mentions, links or formats; Slack's limits are checked by the fake.
func TestT15_HostileNames(t *testing.T) {
	for _, name := range hostileNames {
		w := found(t, slackfake.Options{}, nil, func(b *board, _ *Config) { b.group = name })
		card := w.asks(slackfake.Alice, "erin @bob --ticket OPS-1")
		w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
		w.until("carried out", says("To take it back"))
		s := w.slack.Snapshot()
		for _, m := range append(s.Messages, s.Ephemerals...) {
			if m.User == slackfake.AuditBot && len(m.Mentions()) > 0 {
				t.Errorf("%q: mentions %v", name, m.Mentions())
			}
		}
		w.quiet()
		if strings.Contains(w.log.String(), "refused the form") {
			t.Errorf("%q: Slack refused the form of a message", name)
		}
	}
}

// TestR16_WhatWasKeptIsDealtWithAfterACrash: a vote that was received by a process that ended before it looked at it, and one that
// ended after the vote and before it was told; a command is given back.
func TestR16_WhatWasKeptIsDealtWithAfterACrash(t *testing.T) {
	l := ledgertest.Open(t, ledger.Options{Location: ledger.Memory})
	w := found(t, slackfake.Options{}, l, nil)
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.quiet()
	w.stop()
	if err := <-w.ended; err != nil {
		t.Fatal(err)
	}
	w.ended <- nil
	dave := ledger.Actor{ID: "db-dave", Email: "dave@acme.test", Team: "T0ACME", Channel: slackfake.DataApprovals, Message: card.TS}
	w.board.quorum = 2
	if _, err := w.board.Vote(t.Context(), dave, p.ID, p.Digest, true, ""); err != nil {
		t.Fatal(err)
	}
	for _, d := range []slackapi.Delivery{
		{EnvelopeID: "e1", Click: &slackapi.Click{AppID: "A0AUDIT", TeamID: "T0ACME", UserID: slackfake.Dave, ChannelID: slackfake.DataApprovals, MessageTS: card.TS, ActionID: buttonApprove, Value: p.ID + ":" + p.Digest[:12], ActionTS: "1"}},
		{EnvelopeID: "e2", Mention: &slackapi.Mention{EventID: "Ev1", AppID: "A0AUDIT", TeamID: "T0ACME", UserID: slackfake.Carol, ChannelID: slackfake.DataApprovals, TS: slackTS(time.Now()), ThreadTS: card.TS, Text: "<@" + slackfake.AuditBot + "> approve " + p.ID}},
		{EnvelopeID: "e3", Command: &slackapi.Command{AppID: "A0AUDIT", TeamID: "T0ACME", UserID: slackfake.Alice, ChannelID: slackfake.DataHelp, Name: "/access-clone", Text: "erin bob"}},
	} {
		body, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Do(t.Context(), func(tx *ledger.Tx) error {
			_, _, err := tx.Receive(ledger.Message{Keys: keysOf(d), Body: body})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.restart(l)
	w.become(p.ID, ledger.Applied)
	w.until("told", says("To take it back"))
	w.until("the command", hears(slackfake.Alice, "Please repeat the command"))
	w.quiet()
	if w.count("Approved by dave") != 1 || w.count("Approved by carol") != 1 || len(w.plans()) != 1 {
		t.Errorf("dave %d, carol %d, %d plans", w.count("Approved by dave"), w.count("Approved by carol"), len(w.plans()))
	}
}

// TestHastyCommandIsToldWhenToRepeatIt: in the words that /access-audit has, with the time filled in.
func TestHastyCommandIsToldWhenToRepeatIt(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, nil)
	for range commandsAMinute {
		if _, err := w.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-clone", "help"); err != nil {
			t.Fatal(err)
		}
	}
	d, err := w.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-clone", "help")
	if err != nil || len(d.Seen) != 1 {
		t.Fatalf("the sixth command: %v, seen %v", err, d.Seen)
	}
	if said := textOf(d.Seen[0]); !strings.Contains(said, "Please repeat this one in ") || strings.Contains(said, "%") || !strings.Contains(said, "second") && !strings.Contains(said, "minute.") {
		t.Errorf("told %q", said)
	}
}

// TestNothingSecretIsKept: addresses and ids that work like passwords are not in the ledger.
func TestNothingSecretIsKept(t *testing.T) {
	d := slackapi.Delivery{EnvelopeID: "e", Command: &slackapi.Command{TriggerID: "trigger-1", ResponseURL: "https://hooks.slack.com/x"}}
	c := slackapi.Delivery{EnvelopeID: "e", Click: &slackapi.Click{TriggerID: "trigger-1", ResponseURL: "https://hooks.slack.com/x"}}
	for _, d := range []slackapi.Delivery{d, c} {
		body, err := json.Marshal(d)
		if err != nil || strings.Contains(string(body), "trigger-1") || strings.Contains(string(body), "hooks") || strings.Contains(strings.Join(keysOf(d), " "), "trigger-1") {
			t.Errorf("kept: %s %v (%v)", body, keysOf(d), err)
		}
	}
}

// TestT40_ApprovalsDoNotWaitBehindAudits: while every audit that there is room for hangs, and a hundred more are asked for, a plan is
// approved and carried out.
func TestT40_ApprovalsDoNotWaitBehindAudits(t *testing.T) {
	release := make(chan struct{})
	var hanging atomic.Int64
	w := found(t, slackfake.Options{}, nil, func(_ *board, c *Config) {
		c.Engine = engine(func(ctx context.Context, req query.Request, p core.Progress) (report.Report, error) {
			hanging.Add(1)
			<-release
			return smallReport(ctx, req, p)
		})
	})
	t.Cleanup(sync.OnceFunc(func() { close(release) })) // before the bot ends, which waits for audits
	card := w.asks(slackfake.Alice, "erin @bob")
	var asking sync.WaitGroup
	for i := range 100 {
		user := []string{slackfake.Alice, slackfake.Bob, slackfake.Carol, slackfake.Dave}[i%4]
		asking.Go(func() {
			if _, err := w.slack.Slash(w.Context(), user, slackfake.DataHelp, "/access-audit", "principal x"); err != nil {
				t.Error(err)
			}
		})
	}
	w.eventually("audits that hang", func() bool { return hanging.Load() >= 4 })
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.become(w.plans()[0].ID, ledger.Applied)
	asking.Wait()
	if n := hanging.Load(); n < 4 {
		t.Errorf("%d audits hang", n)
	}
}

// TestR12_ALedgerThatFailedEndsTheBot: after a write that failed, only who opens the ledger anew knows what it holds.
func TestR12_ALedgerThatFailedEndsTheBot(t *testing.T) {
	disk := ledgertest.NewDisk(t)
	l, err := ledger.Open(t.Context(), ledger.Options{Location: disk.Ledger(), Account: "a", Keys: ledger.NewKeys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // it failed
	s, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := Config{
		Tokens: Tokens{Bot: slackapi.Secret(s.BotToken()), App: slackapi.Secret(s.AppToken())}, Engine: engine(smallReport), APIURL: s.APIURL(), Transport: transport,
		Approvals: newBoard(l), Identity: directory{}, Ledger: l, ApprovalChannel: slackfake.DataApprovals, Unlimited: true,
	}
	hurry(&c.pace)
	c.pace.quiet = 50 * time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- Run(t.Context(), c) }()
	if err := s.WaitConnected(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	disk.Fail(ledgertest.SyncFails.At(1))
	if _, err := s.SlashTyped(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-clone", "erin @bob"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if _, failed := errors.AsType[*ledger.FailedError](err); !failed {
			t.Errorf("the bot ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the bot goes on")
	}
}

// TestR04_DemandedAgain: after a work that failed, the same person has it done again by the same words.
func TestR04_DemandedAgain(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, func(b *board, _ *Config) { b.fail = errors.New("the account did not answer") })
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.until("the first failure", says("the account did not answer"))
	w.replies(slackfake.Alice, card.TS, "apply "+p.ID)
	w.eventually("tried again", func() bool { return w.tried() == 2 })
	w.board.mu.Lock()
	w.fail = nil
	w.board.mu.Unlock()
	w.replies(slackfake.Alice, card.TS, "apply "+p.ID)
	w.become(p.ID, ledger.Applied)
}

// TestR02_LostLease: a work that lost its lease on the way is taken up again, though nobody asks for it.
func TestR02_LostLease(t *testing.T) {
	w := found(t, slackfake.Options{}, nil, func(b *board, _ *Config) { b.fail = &core.LeaseLostError{Name: "plan"} })
	card := w.asks(slackfake.Alice, "erin @bob")
	p := w.plans()[0]
	w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
	w.eventually("tried", func() bool { return w.tried() > 0 })
	w.board.mu.Lock()
	w.fail = nil
	w.board.mu.Unlock()
	w.become(p.ID, ledger.Applied)
}

// TestR14_OrdersWaitByTheLedgersClock: a bot whose clock is wrong, either way, tries again what another is at when it is time to.
func TestR14_OrdersWaitByTheLedgersClock(t *testing.T) {
	for _, skew := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			w := found(t, slackfake.Options{}, nil, func(b *board, c *Config) {
				b.fail = &ledger.BusyError{What: "plan", Holder: "another"}
				c.Now = func() time.Time { return time.Now().Add(skew) }
				c.pace.busy = 500 * time.Millisecond
			})
			card := w.asks(slackfake.Alice, "erin @bob")
			p := w.plans()[0]
			w.press(slackfake.Carol, slackfake.DataApprovals, card.TS, buttonApprove)
			w.eventually("tried", func() bool { return w.tried() > 0 })
			posts, err := w.Outbox(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range posts {
				if strings.HasPrefix(o.Key, "apply/") && o.DueAt.Sub(o.QueuedAt) > 2*time.Minute {
					t.Errorf("%s is due %s after it was queued", o.Key, o.DueAt.Sub(o.QueuedAt))
				}
			}
			w.board.mu.Lock()
			w.fail = nil
			n := w.applies
			w.board.mu.Unlock()
			if n > 5 {
				t.Errorf("tried %d times at once", n)
			}
			w.become(p.ID, ledger.Applied)
		})
	}
}

func (b *board) tried() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.applies
}
