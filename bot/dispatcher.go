package bot

import (
	"context"
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
	fair   *fairness

	desk   *pool   // commands: who asks, and what
	audits *pool   // questions
	clones *clones // plans; nil without them

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
		health: newHealth(now, c.pace.patience, c.pace.window, c.Sockets, c.Log),
		seen:   newSeen(rememberDeliveries, rememberFor),
		fair:   newFairness(commandsAMinute, time.Minute),
	}
	b.work, b.stopWork = context.WithCancel(context.WithoutCancel(ctx))
	b.audit, b.interrupt = context.WithCancelCause(b.work)
	recovered := func(p any) { b.Log.Error("panic", "panic", p) }
	b.desk = newPool(desks, deskQueue, recovered)
	b.audits = newPool(auditsAtOnce, auditQueue, recovered)
	b.metrics = m
	m.watch(b.health, map[string]*pool{"desk": b.desk, "audits": b.audits})
	b.ticked.Store(now.UnixNano())
	return b
}

// What is said with the acknowledgement, which needs no call to Slack.
const (
	sayBusy       = "I am very busy just now and did not take this command. Please repeat it in a minute."
	sayRestarting = "I am being restarted and did not take this command. Please repeat it in a minute."
	sayTooMany    = "That were many commands in a minute; I take 5 a minute from each person. Please repeat this one shortly."
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
	case !b.fair.allow(c.UserID, now):
		say = sayTooMany
		b.metrics.turnedAway.WithLabelValues("too_many").Inc()
	case !b.desk.offer(func() { b.serve(c, now) }):
		say = sayBusy
		if b.draining.Load() {
			say = sayRestarting
		}
		b.metrics.turnedAway.WithLabelValues("busy").Inc()
	default:
		return ""
	}
	if say != "" {
		log.Info("command turned away", "said", say)
	}
	b.Settled(c.EnvelopeID)
	return say
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
