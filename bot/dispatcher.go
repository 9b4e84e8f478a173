package bot

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"databricks-access-audit/bot/slackapi"
)

// bot takes commands from its sockets and answers them.
type bot struct {
	Config
	client *slackapi.Client
	door   slackDoor // the client, to those who answer
	team   string
	people *people
	health *health
	seen   *seen
	jobs   *jobs

	fair     *fairness // of questions
	patience *fairness // of commands about audits
	started  time.Time

	desk     *pool   // commands: who asks, and what
	controls *pool   // commands about audits
	audits   *pool   // questions
	clones   *clones // plans; nil without them

	// broken tells of a ledger that takes nothing more until it is opened anew.
	broken chan error

	metrics *metrics

	draining    atomic.Bool
	ticked      atomic.Int64 // Unix nanoseconds of the watch's last round
	lastCommand atomic.Int64 // Unix nanoseconds
	appID       atomic.Pointer[string]

	// work carries what is said to people; audit the questions, which are stopped before.
	work, audit context.Context
	stopWork    context.CancelFunc
	interrupt   context.CancelCauseFunc
}

// newBot starts the workers. What they do outlives ctx: see drain.
func newBot(ctx context.Context, c Config, client *slackapi.Client, team string, m *metrics) *bot {
	now := c.pace.now()
	b := &bot{
		Config: c, client: client, door: client, team: team,
		people: newPeople(client.Person, c.pace.now),
		broken: make(chan error, 1),
		health: newHealth(now, c.pace.patience, c.pace.window, c.Sockets, c.Log),
		seen:   newSeen(rememberDeliveries, rememberFor),
		jobs:   newJobs(), started: now,
		fair:     newFairness(window{commandsAMinute, time.Minute}, window{commandsAnHour, time.Hour}),
		patience: newFairness(window{controlsAMinute, time.Minute}),
	}
	b.work, b.stopWork = context.WithCancel(context.WithoutCancel(ctx))
	b.audit, b.interrupt = context.WithCancelCause(b.work)
	recovered := func(p any) { b.Log.Error("panic", "panic", p) }
	b.desk = newPool(desks, deskQueue, recovered)
	b.controls = newPool(controllers, controlQueue, recovered)
	// jobs keeps the queue short; this one has room besides for those that were cancelled while they waited.
	b.audits = newPool(auditsAtOnce, 16*auditQueue, recovered)
	b.metrics = m
	told := b.Count
	b.Count = func(event string) {
		m.flaws.WithLabelValues(event).Inc()
		told(event)
	}
	m.watch(b.health, map[string]*pool{"desk": b.desk, "controls": b.controls, "audits": b.audits})
	if c.Ledger != nil {
		m.register(newLedgerMetrics(c.Ledger, b.Log))
	}
	b.ticked.Store(now.UnixNano())
	return b
}

// What is said with the acknowledgement, which needs no call to Slack.
const (
	sayBusy       = "I am very busy just now and did not take this command. Please repeat it in a minute."
	sayRestarting = "I am being restarted and did not take this command. Please repeat it in a minute."
	sayTooMany    = "Those were many commands: I take 5 a minute and 30 an hour from each person. Please repeat this one in %s. What is under way goes on; status and cancel still work."
)

// take decides about a delivery at once, in memory alone: the sockets' loops wait for it. A message
// goes with the acknowledgement.
func (b *bot) take(c slackapi.Command) (say string) {
	now := b.pace.now()
	b.lastCommand.Store(time.Now().UnixNano())
	log := b.Log.With("envelope_id", c.EnvelopeID, "user", c.UserID)
	switch {
	case !b.ours(c):
		log.Warn("command of another app, team or kind not taken", "app", c.AppID, "team", c.TeamID)
	case b.seen.add(now, c.EnvelopeID, c.TriggerID):
		b.metrics.repeated.Inc()
		log.Info("command delivered again, not taken")
	default:
		if say = b.hand(c, now); say == "" {
			return ""
		}
	}
	if say != "" {
		log.Info("command turned away", "said", say)
	}
	b.Settled(c.EnvelopeID)
	return say
}

// hand gives a command to those who deal with it, or says why not.
func (b *bot) hand(c slackapi.Command, now time.Time) (say string) {
	fair, desk := b.fair, b.desk
	if isControl(c.Text) {
		fair, desk = b.patience, b.controls
	}
	if wait := fair.allow(c.UserID, now); wait > 0 {
		b.metrics.turnedAway.WithLabelValues("too_many").Inc()
		return fmt.Sprintf(sayTooMany, lasting(wait))
	}
	if desk.offer(func() { b.serve(c, now) }) {
		return ""
	}
	b.metrics.turnedAway.WithLabelValues("busy").Inc()
	if b.draining.Load() {
		return sayRestarting
	}
	return sayBusy
}

// ours checks what Slack says about a command before anything is made of it. Slack's hello may
// leave the app out; then the socket, which only the app's token opens, has to do.
func (b *bot) ours(c slackapi.Command) bool {
	app := b.appID.Load()
	return c.EnvelopeID != "" && c.TeamID == b.team && memberID.MatchString(c.UserID) && c.ResponseURL != "" &&
		strings.HasPrefix(c.Name, "/") && (app == nil || c.AppID == *app)
}

// socket is what one of the sockets tells the bot.
type socket struct {
	bot *bot
	up  bool
}

var _ slackapi.Handler = (*socket)(nil)

func (s *socket) Command(c slackapi.Command) (slackapi.Message, bool) {
	say := s.bot.take(c)
	return slackapi.Say(say), say != ""
}

func (s *socket) Opened() {
	s.bot.metrics.connections.Inc()
	s.bot.health.opened(s.bot.pace.now())
}

func (s *socket) Greeted(appID string) {
	if s.up {
		return
	}
	s.up = true
	if appID != "" {
		s.bot.appID.Store(&appID)
	}
	s.bot.health.greeted()
	s.bot.Log.Info("socket open", "app", appID)
}

func (s *socket) Closed() {
	if !s.up {
		return
	}
	s.up = false
	s.bot.health.lost(s.bot.pace.now())
	s.bot.Log.Info("socket closed, opening another")
}
