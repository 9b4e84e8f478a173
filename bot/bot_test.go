package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

func TestMain(m *testing.M) {
	// What the engine stands on starts it for good.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

var discard = slog.New(slog.DiscardHandler)

// engine answers as it is told.
type engine func(ctx context.Context, req query.Request, progress core.Progress) (report.Report, error)

func (e engine) Answer(ctx context.Context, req query.Request, progress core.Progress) (report.Report, error) {
	return e(ctx, req, progress)
}

// smallReport is an engine's answer to any question about a principal.
func smallReport(_ context.Context, req query.Request, _ core.Progress) (report.Report, error) {
	if q, ok := req.(query.Principal); ok {
		return principal(q.Who, "prod", 3), nil
	}
	return &report.DoctorReport{Envelope: report.Envelope{Mode: "doctor"}}, nil
}

// rig is a bot at work in a workspace of pretence.
type rig struct {
	*testing.T
	slack *slackfake.Server
	log   *syncBuffer
	stop  context.CancelFunc // the signal to end
	ended chan error
	// problems is how many Slack is to have had with the bot.
	problems int
	// transport is that of the bot.
	transport *http.Transport

	mu      sync.Mutex
	settled map[string]int
	wake    chan struct{}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// begin starts a workspace and a bot in it. It ends both and looks for problems with the test.
func begin(t *testing.T, e engine, o slackfake.Options, change func(*Config)) *rig {
	t.Helper()
	return beginIn(t, slackfake.AcmeWorkspace(), e, o, change)
}

// beginIn is begin in a workspace of the test's own.
func beginIn(t *testing.T, in *slackfake.Workspace, e engine, o slackfake.Options, change func(*Config)) *rig {
	t.Helper()
	s, err := slackfake.Start(in, o)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, slack: s, log: &syncBuffer{}, ended: make(chan error, 1), settled: map[string]int{}, wake: make(chan struct{}, 1000)}
	transport := &http.Transport{}
	r.transport = transport
	c := Config{
		Tokens: Tokens{Bot: slackapi.Secret(s.BotToken()), App: slackapi.Secret(s.AppToken())},
		Engine: e, APIURL: s.APIURL(), Transport: transport,
		Log: slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Settled: func(id string) {
			r.mu.Lock()
			r.settled[id]++
			r.mu.Unlock()
			r.wake <- struct{}{}
		},
	}
	c.pace.quiet = 50 * time.Millisecond
	if change != nil {
		change(&c)
	}
	if trip, ok := c.Transport.(*tripwire); ok {
		trip.rig = r
	}
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.ended <- Run(ctx, c) }()
	if err := s.WaitConnected(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-r.ended; err != nil {
			t.Errorf("the bot ended with %v", err)
		}
		transport.CloseIdleConnections()
		if p := s.Problems(); len(p) != r.problems {
			t.Errorf("problems with Slack: %q", p)
		}
		_ = s.Close()
		r.noSecrets()
	})
	return r
}

// tripwire is a transport that does something after a call.
type tripwire struct {
	next  http.RoundTripper
	path  string // the end of the call's address
	after func(*rig)
	rig   *rig
}

func (t *tripwire) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	if strings.HasSuffix(r.URL.Path, t.path) {
		t.after(t.rig)
	}
	return answer, err
}

// noSecrets looks for tokens, and addresses and ids that work like them, in the log.
func (r *rig) noSecrets() {
	r.Helper()
	for _, secret := range []string{"slackfake", "/commands/", "ticket=", "/upload/", "secret"} {
		if i := strings.Index(r.log.String(), secret); i >= 0 {
			r.Errorf("%q in the log: …%.200s", secret, r.log.String()[max(0, i-80):])
		}
	}
}

// ask gives a command and waits until the bot has said all.
func (r *rig) ask(user, text string) slackfake.Delivery {
	r.Helper()
	d, err := r.slack.SlashTyped(r.Context(), user, slackfake.DataHelp, "/access-audit", text)
	if err != nil {
		r.Fatal(err)
	}
	r.await(d.EnvelopeID, 1)
	return d
}

func (r *rig) await(id string, times int) {
	r.Helper()
	limit := time.After(10 * time.Second)
	for {
		r.mu.Lock()
		n := r.settled[id]
		r.mu.Unlock()
		if n >= times {
			return
		}
		select {
		case <-r.wake:
		case <-limit:
			r.Fatalf("not settled: %s\n%s", id, r.log.String())
		}
	}
}

// told is what a person was shown, in order, newest last.
func (r *rig) told(user string) []string {
	var texts []string
	for _, m := range r.slack.EphemeralsFor(user, slackfake.DataHelp) {
		texts = append(texts, textOf(m))
	}
	return texts
}

func (r *rig) lastTold(user string) string {
	r.Helper()
	all := r.told(user)
	if len(all) == 0 {
		r.Fatalf("nothing was said to %s", user)
	}
	return all[len(all)-1]
}

// textOf is the text of all elements of a message.
func textOf(m slackfake.Message) string {
	var blocks any
	_ = json.Unmarshal(m.Blocks, &blocks)
	var b strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if text, ok := v["text"].(string); ok {
				b.WriteString(text + "\n")
			}
			walk(v["elements"])
		}
	}
	walk(blocks)
	return b.String()
}

func TestCommandIsAnsweredWithTreeAndFile(t *testing.T) {
	var asked query.Request
	r := begin(t, func(ctx context.Context, req query.Request, p core.Progress) (report.Report, error) {
		asked = req
		return smallReport(ctx, req, p)
	}, slackfake.Options{}, nil)
	r.ask(slackfake.Alice, "principal @bob --scan-tables")

	if q, ok := asked.(query.Principal); !ok || q.Who != "bob@acme.test" || len(q.Scan) != 2 {
		t.Errorf("asked %+v", asked)
	}
	told := r.told(slackfake.Alice)
	if len(told) != 2 || !strings.HasPrefix(told[0], "Working on principal bob@acme.test --scan-tables") {
		t.Fatalf("told %q", told)
	}
	for _, want := range []string{"bob@acme.test (user", "└─", "CATALOG prod2", "Coverage: INCOMPLETE", "access-audit-"} {
		if !strings.Contains(told[1], want) {
			t.Errorf("no %q in %s", want, told[1])
		}
	}
	files := r.slack.Files()
	if len(files) != 3 {
		t.Fatalf("files %+v", files)
	}
	for i, begins := range []string{"<!doctype html>", "record,principal,", "\x89PNG\r\n"} {
		f := files[i]
		ending := []string{".html", ".csv", ".png"}[i]
		if !regexp.MustCompile(`^access-audit-[0-9a-v]+-`+time.Now().UTC().Format("2006-01-02")+`\`+ending+`$`).MatchString(f.Name) || !strings.Contains(told[1], ending) {
			t.Errorf("file %s", f.Name)
		}
		if !strings.HasPrefix(strings.ToLower(string(f.Content)), strings.ToLower(begins)) || i < 2 && !bytes.Contains(f.Content, []byte("prod2")) || len(f.Channels) != 1 {
			t.Errorf("file %.200q in %v", f.Content, f.Channels)
		}
		if described := strings.Contains(f.AltText, "bob@acme.test (user") && strings.Contains(f.AltText, "Coverage: INCOMPLETE"); described != (ending == ".png") {
			t.Errorf("%s is described as %q", ending, f.AltText)
		}
	}
	dms := r.slack.DirectMessages(slackfake.Alice)
	if len(dms) != 1 || dms[0].Channel != files[0].Channels[0] || len(dms[0].FileIDs) != 3 {
		t.Errorf("direct messages %+v", dms)
	}
	for _, want := range []string{"The report of: principal bob@acme.test --scan-tables (job ", "Coverage: INCOMPLETE", "Facts: read from"} {
		if !strings.Contains(textOf(dms[0]), want) {
			t.Errorf("no %q in %s", want, textOf(dms[0]))
		}
	}
	if n := len(r.slack.MessagesIn(slackfake.DataHelp)); n != 0 {
		t.Errorf("%d messages that everybody sees", n)
	}
	for _, a := range r.slack.Acks() {
		if !a.Acked || a.Late {
			t.Errorf("ack %+v", a)
		}
	}
	r.ask(slackfake.Bob, "doctor")
	if n := len(r.slack.Files()); n != 3+2 { // there is no picture of it
		t.Errorf("doctor: %d files", n-3)
	}
}

// TestGroupIsAsked: the bot has every question of the grammar; this one names a group where others name
// people and things.
func TestGroupIsAsked(t *testing.T) {
	var asked query.Request
	r := begin(t, func(_ context.Context, req query.Request, _ core.Progress) (report.Report, error) {
		asked = req
		if req.(query.Group).Name == "bob@acme.test" {
			return nil, &core.NotGroupError{Who: "bob@acme.test", Found: identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}}}
		}
		g := &report.GroupReport{Group: report.Principal{ID: "7", Kind: "group", Name: "data team", Source: "idp"}, Members: []report.GroupMember{}, Grants: []report.GroupGrant{}}
		g.Mode, g.Coverage.Complete, g.Coverage.Planned, g.Coverage.Read = req.Mode(), true, 3, 3
		return g, nil
	}, slackfake.Options{}, nil)
	r.ask(slackfake.Alice, "group “data team” —scan-tables --check-local-groups")
	q, ok := asked.(query.Group)
	if !ok || q.Name != "data team" || len(q.Scan) != 2 || !q.LocalGroups || q.Objects.Asked {
		t.Errorf("asked %+v", asked)
	}
	told := r.lastTold(slackfake.Alice)
	for _, want := range []string{"data team (group, IdP): no members, no grants", "Coverage: complete"} {
		if !strings.Contains(told, want) {
			t.Errorf("no %q in %s", want, told)
		}
	}
	if len(r.slack.DirectMessages(slackfake.Alice)) != 1 {
		t.Errorf("%d files", len(r.slack.Files()))
	}
	r.ask(slackfake.Alice, "group @bob")
	if told := r.lastTold(slackfake.Alice); !strings.Contains(told, "is a user, not a group") || strings.Contains(told, "its log") {
		t.Errorf("told %q", told)
	}
	r.ask(slackfake.Alice, "help")
	if told := r.lastTold(slackfake.Alice); !strings.Contains(told, "/access-audit group data-engineering") {
		t.Errorf("told %q", told)
	}
}

func TestDuplicatesAreAnsweredOnce(t *testing.T) {
	var n atomic.Int32
	r := begin(t, func(ctx context.Context, req query.Request, p core.Progress) (report.Report, error) {
		n.Add(1)
		return smallReport(ctx, req, p)
	}, slackfake.Options{Duplicate: true}, nil)
	d, err := r.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "principal x")
	if err != nil {
		t.Fatal(err)
	}
	r.await(d.EnvelopeID, 2)
	if _, err := r.slack.Redeliver(t.Context(), d.EnvelopeID); err != nil {
		t.Fatal(err)
	}
	r.await(d.EnvelopeID, 3)
	// The same command in an envelope of another id.
	payload, err := r.slack.SlashPayload(slackfake.Bob, slackfake.DataHelp, "/access-audit", "principal x")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d, err := r.slack.DeliverSlash(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		r.await(d.EnvelopeID, 2)
	}
	if n.Load() != 2 || len(r.slack.Files()) != 2*3 || len(r.told(slackfake.Alice)) != 2 || len(r.told(slackfake.Bob)) != 2 {
		t.Errorf("%d audits, %d files, told %q and %q", n.Load(), len(r.slack.Files()), r.told(slackfake.Alice), r.told(slackfake.Bob))
	}
}

func TestWrongCommandsAreExplained(t *testing.T) {
	r := begin(t, smallReport, slackfake.Options{}, nil)
	for _, c := range []struct{ user, text, want string }{
		{slackfake.Alice, "", "/access-audit principal alice@example.com"},
		{slackfake.Alice, "help", "/access-audit principal WHO"},
		{slackfake.Alice, "grup x", `"grup" is not a question`},
		{slackfake.Alice, "principal", "principal needs WHO"},
		{slackfake.Alice, "principal @nobody", "pick the person from the list"},
		{slackfake.Bob, "principal x --auto-elevate", "does not know --auto-elevate"},
		{slackfake.Bob, `principal "x`, "a quote is not closed"},
		{slackfake.Bob, "principal " + strings.Repeat("x", 1000), "longer than 1000 characters"},
		{slackfake.Bob, "principal @steve", "no confirmed e-mail address"},
		{slackfake.Bob, "principal #data-help", "a Slack channel"},
	} {
		r.ask(c.user, c.text)
		if got := r.lastTold(c.user); !strings.Contains(got, c.want) {
			t.Errorf("%q: told %q, want %q", c.text, got, c.want)
		}
	}
	if n := len(r.slack.Files()); n != 0 {
		t.Errorf("%d files", n)
	}
}

func TestNobodyIsFound(t *testing.T) {
	unknown := &core.UnknownError{Who: "alise<!channel>"}
	unknown.Candidates = append(unknown.Candidates, identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "77"}, Name: "alice@acme.test", DisplayName: "Alice <!here>"})
	several := &core.AmbiguousError{Who: "ops"}
	for range 20 {
		several.Candidates = append(several.Candidates, identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: "77"}, Name: "ops"})
	}
	var next error
	r := begin(t, func(context.Context, query.Request, core.Progress) (report.Report, error) { return nil, next }, slackfake.Options{}, nil)
	for _, c := range []struct {
		err  error
		want []string
	}{
		{unknown, []string{"no user, service principal or group called alise<!channel>", "Did you mean", "Alice <!here> (alice@acme.test), id 77"}},
		{several, []string{"20 principals called ops", "id 77", "… 5 more"}},
		{&core.UnknownWorkspaceError{URLs: []string{"https://x.test"}, Known: []string{"https://prod.test"}}, []string{"https://x.test", "https://prod.test"}},
		{errors.New("list users: dapi0123456789abcdef0123 said no\nCoverage: complete"), []string{"There is no answer: list users: [redacted] said no", "in its log under"}},
		{nil, []string{"the engine gave no answer"}},
	} {
		next = c.err
		r.ask(slackfake.Alice, "principal x")
		for _, want := range c.want {
			if got := r.lastTold(slackfake.Alice); !strings.Contains(got, want) {
				t.Errorf("%v: told %q, want %q", c.err, got, want)
			}
		}
	}
	r.noMentions()
}

// noMentions looks at everything that was ever shown.
func (r *rig) noMentions() {
	r.Helper()
	s := r.slack.Snapshot()
	for _, m := range append(s.Messages, s.Ephemerals...) {
		if got := m.Mentions(); len(got) > 0 || m.LinkNames || m.ParseFull {
			r.Errorf("%s shows %v", m.Text, got)
		}
	}
}

func TestHostileNamesCannotPing(t *testing.T) {
	for _, name := range hostileNames {
		r := begin(t, func(_ context.Context, q query.Request, _ core.Progress) (report.Report, error) {
			return principal(name, name, 30), nil
		}, slackfake.Options{}, nil)
		r.ask(slackfake.Alice, "principal "+strings.ReplaceAll(name[:min(len(name), 200)], "\n", " "))
		r.ask(slackfake.Alice, `principal "`+strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(name[:min(len(name), 100)])+`"`)
		if n := len(r.slack.Files()); n == 0 {
			t.Errorf("%q: no answer: %q", name, r.told(slackfake.Alice))
		}
		r.noMentions()
	}
}

func TestLargeReportsFit(t *testing.T) {
	r := begin(t, func(context.Context, query.Request, core.Progress) (report.Report, error) {
		return principal("alice@acme.test", "prod", 5000), nil
	}, slackfake.Options{}, nil)
	r.ask(slackfake.Alice, "principal x")
	got := r.lastTold(slackfake.Alice)
	if !strings.Contains(got, "more in the full report") || !strings.Contains(flat(got), "Coverage: INCOMPLETE") || !strings.Contains(got, "The whole report is in") {
		t.Errorf("told %s", got)
	}
	if n := bytes.Count(r.slack.Files()[1].Content, []byte("CATALOG")); n < 5000 {
		t.Errorf("%d grants in the file", n)
	}
}

func TestOnlyMembersAreAnswered(t *testing.T) {
	var asked atomic.Int32
	r := begin(t, func(ctx context.Context, q query.Request, p core.Progress) (report.Report, error) {
		asked.Add(1)
		return smallReport(ctx, q, p)
	}, slackfake.Options{}, nil)
	if err := r.slack.UpdateUser(slackfake.Dave, func(u *slackfake.User) { u.IsEmailConfirmed = false }); err != nil {
		t.Fatal(err)
	}
	if err := r.slack.UpdateUser(slackfake.Carol, func(u *slackfake.User) { u.EmailHidden = true }); err != nil {
		t.Fatal(err)
	}
	if err := r.slack.UpdateUser(slackfake.Bob, func(u *slackfake.User) { u.NotVisible = true }); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{slackfake.Guest, slackfake.Robot, slackfake.Leaver, slackfake.Stranger, slackfake.Dave, slackfake.Carol, slackfake.Bob, slackfake.AuditBot, "U0NOBODY"} {
		for _, text := range []string{"principal alice@acme.test", "help", "nonsense"} {
			payload, err := r.slack.SlashPayload(slackfake.Alice, slackfake.DataHelp, "/access-audit", text)
			if err != nil {
				t.Fatal(err)
			}
			payload["user_id"], payload["user_name"] = user, "alice"
			d, err := r.slack.DeliverSlash(t.Context(), payload)
			if err != nil {
				t.Fatal(err)
			}
			r.await(d.EnvelopeID, 1)
		}
	}
	all := r.slack.Snapshot().Ephemerals
	if len(all) != 27 || asked.Load() != 0 {
		t.Errorf("%d answers, %d audits", len(all), asked.Load())
	}
	for _, m := range all {
		if got := strings.TrimSpace(textOf(m)); got != sayRefused {
			t.Errorf("told %q", got)
		}
	}
	r.slack.AddFault(slackfake.Fault{Method: "users.info", Error: "internal_error"})
	r.ask(slackfake.Alice, "principal x")
	if got := r.lastTold(slackfake.Alice); !strings.Contains(got, sayUnchecked) || asked.Load() != 0 {
		t.Errorf("with users.info failing: %q", got)
	}
}

func TestCommandsOfOthersAreNotTaken(t *testing.T) {
	r := begin(t, smallReport, slackfake.Options{}, nil)
	for field, value := range map[string]string{"api_app_id": "A0OTHER", "team_id": "T0OTHER", "user_id": "B0BOT", "response_url": ""} {
		payload, err := r.slack.SlashPayload(slackfake.Alice, slackfake.DataHelp, "/access-audit", "help")
		if err != nil {
			t.Fatal(err)
		}
		payload[field] = value
		d, err := r.slack.DeliverSlash(t.Context(), payload)
		if err != nil || !d.Acked {
			t.Errorf("%s: %+v, %v", field, d, err)
		}
		r.await(d.EnvelopeID, 1)
	}
	if s := r.slack.Snapshot(); len(s.Ephemerals) != 0 || len(s.CallsTo("users.info")) != 0 {
		t.Errorf("answered: %+v", s.Ephemerals)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	r := begin(t, func(context.Context, query.Request, core.Progress) (report.Report, error) {
		panic("the key is xoxb-secret-slackfake")
	}, slackfake.Options{}, nil)
	for range 2 { // the second shows that the bot and the person's turn survive
		r.ask(slackfake.Alice, "principal x")
		if got := r.lastTold(slackfake.Alice); !strings.Contains(got, "Something went wrong inside") {
			t.Errorf("told %q", got)
		}
	}
	if !strings.Contains(r.log.String(), "the key is [redacted]") || !strings.Contains(r.log.String(), "bot_test.go") {
		t.Error("no panic and stack in the log")
	}
}

func TestOneAuditForEachPerson(t *testing.T) {
	hold, held := make(chan struct{}), make(chan struct{}, 10)
	r := begin(t, func(ctx context.Context, q query.Request, p core.Progress) (report.Report, error) {
		held <- struct{}{}
		<-hold
		return smallReport(ctx, q, p)
	}, slackfake.Options{}, nil)
	first, err := r.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "principal x")
	if err != nil {
		t.Fatal(err)
	}
	<-held
	r.ask(slackfake.Alice, "principal y")
	if got := r.lastTold(slackfake.Alice); !strings.Contains(got, "one at a time") {
		t.Errorf("told %q", got)
	}
	for range 3 {
		r.ask(slackfake.Alice, "help")
	}
	d := r.ask(slackfake.Alice, "help")
	if len(d.Seen) != 1 || !strings.Contains(textOf(d.Seen[0]), "5 a minute") {
		t.Errorf("the sixth in a minute: %+v", d)
	}
	close(hold)
	r.await(first.EnvelopeID, 1)
	if n := len(r.slack.DirectMessages(slackfake.Alice)); n != 1 {
		t.Errorf("%d files", n)
	}
}

func TestQueueIsBounded(t *testing.T) {
	hold := make(chan struct{})
	b := newBot(t.Context(), mustComplete(t, Config{Engine: engine(smallReport)}), nil, "T1", newMetrics())
	defer b.stopWork()
	for range desks + deskQueue {
		for !b.desk.offer(func() { <-hold }) { // a desk takes its first job in its own time
			time.Sleep(time.Millisecond)
		}
	}
	got := b.take(slackapi.Command{EnvelopeID: "e", TeamID: "T1", UserID: "U1", ResponseURL: "x", Name: "/access-audit"})
	if got != sayBusy {
		t.Errorf("said %q", got)
	}
	close(hold)
	if err := b.drain(); err != nil {
		t.Error(err)
	}
	if got := b.take(slackapi.Command{EnvelopeID: "f", TeamID: "T1", UserID: "U1", ResponseURL: "x", Name: "/access-audit"}); got != sayRestarting {
		t.Errorf("said %q", got)
	}
}

func TestDeliveriesAreToldApart(t *testing.T) {
	var settled []string
	b := newBot(t.Context(), mustComplete(t, Config{Engine: engine(smallReport), Settled: func(id string) { settled = append(settled, id) }}), nil, "T1", newMetrics())
	defer b.stopWork()
	b.desk.close() // so that what is taken is turned away, and nothing else is
	for _, d := range []struct {
		envelope, trigger string
		taken             bool
	}{{"e1", "t1", true}, {"e1", "t2", false}, {"e2", "t1", false}, {"e3", "", true}, {"e4", "", true}, {"e4", "", false}, {"", "t9", false}} {
		say := b.take(slackapi.Command{EnvelopeID: d.envelope, TriggerID: d.trigger, TeamID: "T1", UserID: "U1", ResponseURL: "x", Name: "/access-audit"})
		if (say != "") != d.taken {
			t.Errorf("%+v: said %q", d, say)
		}
	}
	if len(settled) != 7 {
		t.Errorf("settled %q", settled)
	}
	if err := b.drain(); err != nil {
		t.Error(err)
	}
}

func TestPanicAtTheDeskIsAnswered(t *testing.T) {
	d := &door{}
	b := newBot(t.Context(), mustComplete(t, Config{Engine: engine(smallReport)}), nil, "T0ACME", newMetrics())
	defer b.stopWork()
	b.people.lookup = func(context.Context, string) (slackapi.Person, error) { panic("x") }
	b.door = d
	b.serve(slackapi.Command{EnvelopeID: "e", UserID: slackfake.Alice, ResponseURL: "x"}, time.Now())
	if len(d.messages) != 1 || !strings.Contains(d.messages[0].Parts[0].Text, "Something went wrong inside") {
		t.Errorf("said %+v", d.messages)
	}
	if err := b.drain(); err != nil {
		t.Error(err)
	}
}

// Whatever was sent to a socket before the bot closed it is acknowledged, whenever the end comes.
func TestEndLosesNoAcknowledgement(t *testing.T) {
	for range 12 {
		r := begin(t, smallReport, slackfake.Options{}, nil)
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				time.Sleep(time.Duration(i%8) * time.Millisecond)
				_, err := r.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "help")
				if err != nil && !errors.Is(err, slackfake.ErrNoSocket) {
					t.Error(err)
				}
			})
		}
		time.Sleep(3 * time.Millisecond)
		r.stop()
		wg.Wait()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		r.ended <- nil
		for _, a := range r.slack.Acks() {
			if !a.Acked || a.Late || a.Lost {
				t.Fatalf("ack %+v", a)
			}
		}
	}
}

func mustComplete(t *testing.T, c Config) Config {
	t.Helper()
	c.Tokens = Tokens{Bot: "xoxb-1", App: "xapp-1"}
	c, err := c.complete()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFourAuditsAtOnce(t *testing.T) {
	var now, most atomic.Int32
	release := make(chan struct{})
	r := begin(t, func(ctx context.Context, q query.Request, p core.Progress) (report.Report, error) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		now.Add(-1)
		return smallReport(ctx, q, p)
	}, slackfake.Options{}, nil)
	if err := r.slack.UpdateUser(slackfake.Guest, func(u *slackfake.User) { u.IsRestricted = false }); err != nil {
		t.Fatal(err)
	}
	var ids []string
	users := []string{slackfake.Alice, slackfake.Bob, slackfake.Carol, slackfake.Dave, slackfake.Guest}
	for _, u := range users {
		d, err := r.slack.Slash(t.Context(), u, slackfake.DataHelp, "/access-audit", "principal x")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.EnvelopeID)
	}
	if err := r.slack.WaitFor(t.Context(), func(s *slackfake.Snapshot) bool { return len(s.Ephemerals) == len(users) }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // for the one that must not begin
	close(release)
	for _, id := range ids {
		r.await(id, 1)
	}
	if most.Load() != auditsAtOnce || len(r.slack.Files()) != 3*len(users) {
		t.Errorf("%d audits at once, %d files", most.Load(), len(r.slack.Files()))
	}
}

func TestProgressIsTold(t *testing.T) {
	release := make(chan struct{})
	r := begin(t, func(ctx context.Context, q query.Request, p core.Progress) (report.Report, error) {
		p(3, 12)
		<-release
		return smallReport(ctx, q, p)
	}, slackfake.Options{}, func(c *Config) {
		c.pace.progress = []time.Duration{20 * time.Millisecond, 40 * time.Millisecond}
	})
	d, err := r.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "principal x")
	if err != nil {
		t.Fatal(err)
	}
	err = r.slack.WaitFor(t.Context(), func(s *slackfake.Snapshot) bool { return len(s.CallsTo("response_url")) == 3 })
	if err != nil {
		t.Fatal(err)
	}
	close(release)
	r.await(d.EnvelopeID, 1)
	told := r.told(slackfake.Alice)
	if len(told) != 2 || !strings.Contains(told[0], "3 of 12 reads") || !strings.Contains(told[1], "Coverage") {
		t.Errorf("told %q", told)
	}
}

func TestEndWaitsForWhatRuns(t *testing.T) {
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	r := begin(t, func(ctx context.Context, q query.Request, p core.Progress) (report.Report, error) {
		held <- struct{}{}
		<-hold
		return smallReport(ctx, q, p)
	}, slackfake.Options{}, nil)
	d, err := r.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "principal x")
	if err != nil {
		t.Fatal(err)
	}
	<-held
	r.stop()
	// The sockets stay open and acknowledge while the audit goes on.
	for {
		late, err := r.slack.Slash(t.Context(), slackfake.Bob, slackfake.DataHelp, "/access-audit", "help")
		if err != nil {
			t.Fatal(err)
		}
		r.await(late.EnvelopeID, 1)
		if len(late.Seen) == 1 {
			if got := textOf(late.Seen[0]); !strings.Contains(got, "being restarted") {
				t.Errorf("told %q", got)
			}
			break
		}
	}
	close(hold)
	r.await(d.EnvelopeID, 1)
	if n := len(r.slack.DirectMessages(slackfake.Alice)); n != 1 {
		t.Errorf("%d files", n)
	}
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	r.ended <- nil // for the cleanup
	for _, a := range r.slack.Acks() {
		if !a.Acked || a.Late || a.Lost {
			t.Errorf("ack %+v", a)
		}
	}
}

func TestEndInterruptsWhatRunsForLong(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(context.Context) (report.Report, error)
		want   string
	}{
		"with an answer": {func(context.Context) (report.Report, error) {
			r := principal("x", "prod", 1)
			r.Interrupted = true
			return r, nil
		}, "interrupted"},
		"without one": {func(ctx context.Context) (report.Report, error) { return nil, ctx.Err() }, "being restarted"},
	} {
		t.Run(name, func(t *testing.T) {
			held := make(chan struct{}, 1)
			r := begin(t, func(ctx context.Context, _ query.Request, _ core.Progress) (report.Report, error) {
				held <- struct{}{}
				<-ctx.Done()
				return c.answer(ctx)
			}, slackfake.Options{}, func(c *Config) { c.Drain = 10 * time.Millisecond })
			d, err := r.slack.Slash(t.Context(), slackfake.Alice, slackfake.DataHelp, "/access-audit", "principal x")
			if err != nil {
				t.Fatal(err)
			}
			<-held
			r.stop()
			r.await(d.EnvelopeID, 1)
			if got := r.lastTold(slackfake.Alice); !strings.Contains(got, c.want) {
				t.Errorf("told %q", got)
			}
		})
	}
}

func TestAuditsAreLimited(t *testing.T) {
	r := begin(t, func(ctx context.Context, _ query.Request, _ core.Progress) (report.Report, error) {
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Error("a deadline; the engine marks an answer as interrupted only when it is cancelled")
		}
		return nil, ctx.Err()
	}, slackfake.Options{}, func(c *Config) { c.AuditLimit = 10 * time.Millisecond })
	r.ask(slackfake.Alice, "principal x")
	if got := r.lastTold(slackfake.Alice); !strings.Contains(got, "took too long") {
		t.Errorf("told %q", got)
	}
}

func TestFileThatCannotBeSent(t *testing.T) {
	for name, c := range map[string]struct{ method, code, want string }{
		"opening the conversation": {"conversations.open", "user_disabled", "[user_disabled]"},
		"asking for an address":    {"files.getUploadURLExternal", "file_uploads_disabled", "does not allow"},
		"completing":               {"files.completeUploadExternal", "storage_limit_reached", "no room"},
	} {
		t.Run(name, func(t *testing.T) {
			r := begin(t, smallReport, slackfake.Options{}, nil)
			r.slack.AddFault(slackfake.Fault{Method: c.method, Error: c.code})
			r.ask(slackfake.Alice, "principal x")
			if got := r.lastTold(slackfake.Alice); !strings.Contains(got, c.want) || !strings.Contains(got, "CATALOG prod2") || !strings.Contains(flat(got), "Coverage: INCOMPLETE") {
				t.Errorf("told %q", got)
			}
		})
	}
}

func TestAnswerGoesByDirectMessageWhenItsAddressIsGone(t *testing.T) {
	r := begin(t, smallReport, slackfake.Options{}, nil)
	r.slack.AddFault(slackfake.Fault{Method: "response_url", Status: 404})
	r.ask(slackfake.Alice, "principal x")
	dms := r.slack.DirectMessages(slackfake.Alice)
	if len(dms) != 2 || !strings.Contains(textOf(dms[1]), "CATALOG prod2") {
		t.Errorf("direct messages %+v", dms)
	}
	r.noMentions()
}

func TestRateLimitsAreWaitedOut(t *testing.T) {
	r := begin(t, smallReport, slackfake.Options{}, nil)
	r.slack.AddFault(slackfake.Fault{Method: "users.info", Status: 429, RetryAfter: time.Second, Times: 1})
	r.slack.AddFault(slackfake.Fault{Method: "response_url", Status: 429, NoHeader: true, Times: 1})
	r.slack.AddFault(slackfake.Fault{Method: "upload", Status: 429, RetryAfter: time.Second, Times: 1})
	r.ask(slackfake.Alice, "principal x")
	if told := r.told(slackfake.Alice); len(told) != 2 || !strings.Contains(told[1], "The whole report is in") || len(r.slack.Files()) != 3 {
		t.Errorf("told %q, %d files", told, len(r.slack.Files()))
	}
}

func TestRunSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*slackfake.Server, *Config)
		want    string
	}{
		"tokens swapped":  {func(_ *slackfake.Server, c *Config) { c.Tokens.App, c.Tokens.Bot = c.Tokens.Bot, c.Tokens.App }, "swapped"},
		"wrong bot token": {func(_ *slackfake.Server, c *Config) { c.Tokens.Bot = "xoxb-wrong" }, "refuses the bot token (xoxb-…) (invalid_auth)"},
		"wrong app token": {func(_ *slackfake.Server, c *Config) { c.Tokens.App = "xapp-wrong" }, "refuses the app-level token (xapp-…) (invalid_auth)"},
		"expired app token": {func(s *slackfake.Server, _ *Config) {
			s.AddFault(slackfake.Fault{Method: "apps.connections.open", Error: "token_expired"})
		}, "it has expired"},
		"scopes not granted": {func(s *slackfake.Server, _ *Config) { s.SetScopes("commands", "users:read") }, "lacks the scopes users:read.email"},
		"no engine":          {func(_ *slackfake.Server, c *Config) { c.Engine = nil }, "no engine"},
		"wrong address":      {func(_ *slackfake.Server, c *Config) { c.APIURL = "http://slack.test/" }, "is not https"},
		"Slack out of reach": {func(s *slackfake.Server, c *Config) {
			s.AddFault(slackfake.Fault{Method: "apps.connections.open", Error: "internal_error"})
			c.pace.patience = 50 * time.Millisecond
		}, "no socket to Slack stayed open"},
		"too many sockets": {func(_ *slackfake.Server, c *Config) { c.Sockets = 9 }, "1 to 4 sockets"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			conf := Config{
				Tokens: Tokens{Bot: slackapi.Secret(s.BotToken()), App: slackapi.Secret(s.AppToken())},
				Engine: engine(smallReport), APIURL: s.APIURL(), Transport: transport,
			}
			conf.pace.quiet = time.Millisecond
			c.prepare(s, &conf)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := Run(ctx, conf); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "slackfake") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestLinkDisabledEndsTheBot(t *testing.T) {
	r := begin(t, smallReport, slackfake.Options{}, func(c *Config) {
		c.pace.patience = 500 * time.Millisecond
	})
	r.slack.Disconnect(slackfake.DisconnectDisabled)
	err := <-r.ended
	r.ended <- nil
	if !errors.Is(err, errSilence) && !errors.Is(err, errChurn) {
		t.Errorf("ended with %v", err)
	}
	if !strings.Contains(err.Error(), "Socket Mode") {
		t.Errorf("%v does not say what to look at", err)
	}
	if n := len(r.slack.Snapshot().CallsTo("apps.connections.open")); n > 8 {
		t.Errorf("%d calls of apps.connections.open", n)
	}
}

func TestSocketsAreRenewedWithoutLoss(t *testing.T) {
	r := begin(t, smallReport, slackfake.Options{}, nil)
	for range 2 {
		r.slack.Disconnect(slackfake.DisconnectRefresh)
		if err := r.slack.WaitConnected(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		r.ask(slackfake.Alice, "help")
	}
}
