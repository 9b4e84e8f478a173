package bot

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// wall is a Slack in memory, below the socket: it keeps what is posted.
type wall struct {
	planDoor
	mu       sync.Mutex
	at       time.Time
	messages map[string]slackapi.Message // by ts
	threads  []string                    // the first lines under messages
	answers  map[slackapi.Secret]int     // by where they were given
	shared   int
}

func flag(b bool) *bool { return &b }

func (w *wall) Channel(_ context.Context, id string) (slackapi.Channel, error) {
	return slackapi.Channel{ID: id, IsPrivate: flag(true), IsArchived: flag(false), IsMember: flag(true), IsExtShared: flag(false), IsOrgShared: flag(false), IsPendingExtShared: flag(false)}, nil
}

// ts gives the next time at which something is said.
func (w *wall) ts() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(time.Microsecond)
	return slackTS(w.at)
}

func (w *wall) Write(_ context.Context, at slackapi.Place, m slackapi.Message) (string, error) {
	ts := w.ts()
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.Thread != "" {
		w.threads = append(w.threads, m.Parts[0].Text)
	} else {
		w.messages[ts] = m
	}
	return ts, nil
}

func (w *wall) Rewrite(_ context.Context, _, ts string, m slackapi.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages[ts] = m
	return nil
}

func (w *wall) Respond(_ context.Context, url slackapi.Secret, _ slackapi.Message, _ bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[url]++
	return nil
}

func (w *wall) Whisper(_ context.Context, _ slackapi.Place, user string, m slackapi.Message) error {
	return w.Respond(context.Background(), slackapi.Secret(user+": "+m.Parts[0].Text), m, false)
}

func (w *wall) OpenDM(_ context.Context, user string) (string, error) { return "D" + user, nil }

func (w *wall) Stage(context.Context, slackapi.File) (slackapi.Staged, error) {
	return slackapi.Staged{ID: "F" + w.ts()}, nil
}

func (w *wall) Share(context.Context, string, string, slackapi.Message, ...slackapi.Staged) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shared++
	return nil
}

// crowd are replicas that share a ledger, without sockets.
type crowd struct {
	t        *testing.T
	replicas []*clones
	wall     *wall
	board    *board
	settled  atomic.Int64
	acked    atomic.Int64
	sent     int64
	frames   int
}

// gather starts replicas.
func gather(t *testing.T, l *ledger.Ledger, n int) *crowd {
	t.Helper()
	g := &crowd{t: t, wall: &wall{at: time.Now(), messages: map[string]slackapi.Message{}, answers: map[slackapi.Secret]int{}}, board: newBoard(l)}
	g.board.quorum = 2
	for range n {
		c := Config{Engine: engine(smallReport), Approvals: g.board, Identity: directory{}, Ledger: l, ApprovalChannel: slackfake.DataApprovals, Settled: func(string) { g.settled.Add(1) }}
		hurry(&c.pace)
		c.pace.retry, c.pace.busy = time.Millisecond, time.Millisecond
		b := newBot(t.Context(), mustComplete(t, c), nil, "T0ACME", newMetrics())
		b.fair = newFairness()
		b.people.lookup = func(_ context.Context, id string) (slackapi.Person, error) {
			p := slackapi.Person{ID: id, TeamID: "T0ACME", Deleted: flag(false), IsBot: flag(false), IsRestricted: flag(false), IsUltraRestricted: flag(false), IsEmailConfirmed: flag(true)}
			p.Profile.Email = strings.ToLower(strings.TrimPrefix(id, "U0")) + "@acme.test"
			return p, nil
		}
		r := newClones(b, slackfake.AuditBot)
		r.door, r.clicks = g.wall, newFairness()
		b.clones = r
		g.replicas = append(g.replicas, r)
	}
	return g
}

// part ends the replicas.
func (g *crowd) part() {
	for _, r := range g.replicas {
		if err := r.bot.drain(); err != nil {
			g.t.Error(err)
		}
		r.end()
		r.stopWork()
	}
}

// deliver sends frames to the replicas, each one to four times (once without chance), in any order, and waits until all is quiet. Of
// late, some may come once more.
func (g *crowd) deliver(random *rand.Rand, late []slackapi.Delivery, frames ...slackapi.Delivery) {
	g.t.Helper()
	var all []slackapi.Delivery
	for _, f := range frames {
		times := 1
		if random != nil {
			times += random.IntN(4)
		}
		all = append(all, slices.Repeat([]slackapi.Delivery{f}, times)...)
	}
	if random != nil {
		for _, f := range late {
			if random.IntN(2) == 0 {
				all = append(all, f)
			}
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	for i, f := range all {
		to := g.replicas[i%len(g.replicas)]
		if random != nil {
			to = g.replicas[random.IntN(len(g.replicas))]
		}
		var once atomic.Bool
		if !to.keep(f, func(string) {
			if once.CompareAndSwap(false, true) {
				g.acked.Add(1)
			}
		}) {
			g.t.Fatalf("not taken: %+v", f)
		}
		g.sent++
	}
	g.quiet()
}

// quiet sends what is to be said until there is nothing left.
func (g *crowd) quiet() {
	g.t.Helper()
	for limit := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(limit) {
			g.t.Fatalf("not quiet: %d sent, %d settled", g.sent, g.settled.Load())
		}
		if g.settled.Load() < g.sent {
			continue
		}
		for _, r := range g.replicas {
			r.deliverAll()
		}
		out, err := g.board.Outbox(g.t.Context())
		in, err2 := g.board.Unhandled(g.t.Context(), time.Now().Add(time.Hour))
		if err != nil || err2 != nil {
			g.t.Fatal(err, err2)
		}
		if len(out) == 0 && len(in) == 0 {
			return
		}
	}
}

// frame gives a delivery the next envelope.
func (g *crowd) frame(d slackapi.Delivery) slackapi.Delivery {
	g.frames++
	d.EnvelopeID = "e-" + strconv.Itoa(g.frames) + "-" + slackTS(g.wall.at)
	return d
}

func (g *crowd) click(user, ts, button string, p ledger.Plan) slackapi.Delivery {
	d := g.frame(slackapi.Delivery{})
	d.Click = &slackapi.Click{AppID: "A0AUDIT", TeamID: "T0ACME", UserID: user, ChannelID: slackfake.DataApprovals, MessageTS: ts, ActionID: button,
		Value: p.ID + ":" + p.Digest[:12], ActionTS: d.EnvelopeID, ResponseURL: slackapi.Secret("url-" + strconv.Itoa(g.frames) + " " + user + " " + button)}
	return d
}

// reply is a message that mentions the bot; each arrives as two events.
func (g *crowd) reply(user, thread, text string) []slackapi.Delivery {
	ts := g.wall.ts()
	var list []slackapi.Delivery
	for range 2 {
		d := g.frame(slackapi.Delivery{})
		d.Mention = &slackapi.Mention{EventID: "Ev" + d.EnvelopeID, AppID: "A0AUDIT", TeamID: "T0ACME", UserID: user, ChannelID: slackfake.DataApprovals, TS: ts, ThreadTS: thread,
			Text: "<@" + slackfake.AuditBot + "> " + text}
		list = append(list, d)
	}
	return list
}

// outcome is what came of a schedule.
type outcome struct {
	State   ledger.State
	Votes   []string
	Granted string
	Applies int
	Plans   int
	Cards   int
	Files   int
	Threads []string // of the plan called p
	Answers map[string]int
}

// story is a plan from the command to the undo.
func (g *crowd) story(random *rand.Rand) outcome {
	g.t.Helper()
	before, err := g.board.Plans(g.t.Context(), ledger.PlanFilter{})
	if err != nil {
		g.t.Fatal(err)
	}
	command := g.frame(slackapi.Delivery{Command: &slackapi.Command{AppID: "A0AUDIT", TeamID: "T0ACME", UserID: slackfake.Alice, ChannelID: slackfake.DataHelp, Name: "/access-clone", Text: "erin bob",
		ResponseURL: "url command", TriggerID: "t" + slackTS(g.wall.at)}})
	g.deliver(random, nil, command)
	plans, err := g.board.Plans(g.t.Context(), ledger.PlanFilter{})
	if err != nil || len(plans) == 0 {
		g.t.Fatal("no plan", err)
	}
	p := plans[0]
	send := g.click(slackfake.Alice, "1.000000", buttonSend, p)
	send.Click.Ephemeral, send.Click.ChannelID = true, slackfake.DataHelp
	g.deliver(random, []slackapi.Delivery{command}, send)
	card, err := g.board.Card(g.t.Context(), p.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	late := []slackapi.Delivery{command, send}
	votes := slices.Concat([]slackapi.Delivery{
		g.click(slackfake.Carol, card.TS, buttonApprove, p), g.click(slackfake.Alice, card.TS, buttonApprove, p),
		g.click(slackfake.Bob, card.TS, buttonApprove, p), g.click(slackfake.Bob, card.TS, buttonDetails, p),
	}, g.reply(slackfake.Dave, card.TS, "approve "+p.ID), g.reply(slackfake.Bob, card.TS, "approve "+p.ID), g.reply(slackfake.Alice, card.TS, "status "+p.ID))
	g.deliver(random, late, votes...)
	g.deliver(random, append(late, votes...), g.reply(slackfake.Alice, card.TS, "undo "+p.ID)...)

	p, err = g.board.Plan(g.t.Context(), p.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	given, err := g.board.Votes(g.t.Context(), p.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	after, err := g.board.Plans(g.t.Context(), ledger.PlanFilter{})
	if err != nil {
		g.t.Fatal(err)
	}
	got := outcome{State: p.State, Granted: g.board.effects(), Applies: g.board.applies, Plans: len(after) - len(before), Cards: len(g.wall.messages), Files: g.wall.shared, Answers: map[string]int{}}
	for _, v := range given {
		got.Votes = append(got.Votes, fmt.Sprint(v.Voter.ID, v.Decision, v.Stands()))
	}
	slices.Sort(got.Votes)
	for _, line := range g.wall.threads {
		first, _, _ := strings.Cut(line, "\n")
		got.Threads = append(got.Threads, strings.ReplaceAll(first, p.ID, "p"))
	}
	slices.Sort(got.Threads)
	for where, n := range g.wall.answers {
		name := string(where)
		if _, said, whispered := strings.Cut(name, ": "); whispered && strings.HasPrefix(said, "Plan ") {
			name = name[:strings.Index(name, ": ")] + ": how it stands" // which is as of its moment
		}
		got.Answers[strings.ReplaceAll(name, p.ID, "p")] += n
	}
	return got
}

// TestT11_Schedules delivers every frame of a plan, from the command to the undo, one to four times, in any order, to three
// replicas that share a ledger, while frames of before come late: what comes of it is what comes of each frame once. SCHEDULES
// says how many; the whole of it is SCHEDULES=10000.
func TestT11_Schedules(t *testing.T) {
	schedules := 20
	if n, err := strconv.Atoi(os.Getenv("SCHEDULES")); err == nil {
		schedules = n
	}
	random := seeded(t)
	var want outcome
	var l *ledger.Ledger
	const each = 50 // schedules of one ledger, which grows
	for n := range schedules + 1 {
		if n%each == 0 {
			l = ledgertest.Open(t, ledger.Options{Location: ledger.Memory})
		}
		g := gather(t, l, 3)
		if n == 0 {
			want = g.story(nil)
			if want.State != ledger.Undone || want.Applies != 1 || len(want.Votes) != 2 || want.Plans != 1 {
				t.Fatalf("once each: %+v", want)
			}
		} else if diff := cmp.Diff(want, g.story(random)); diff != "" {
			t.Fatalf("schedule %d (-once +so):\n%s", n, diff)
		}
		if g.acked.Load() != g.sent {
			t.Fatalf("schedule %d: %d of %d acknowledged", n, g.acked.Load(), g.sent)
		}
		g.part()
	}
}
