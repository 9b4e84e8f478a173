package bot

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// Engine answers questions; *core.Engine does. It is called concurrently.
type Engine interface {
	Answer(ctx context.Context, req query.Request, progress core.Progress) (report.Report, error)
}

// Config is what a bot is made of. Tokens and Engine are needed, everything else has a default.
type Config struct {
	Tokens Tokens
	Engine Engine
	// Log hears what the bot does; nil discards it. It gets no secrets: the bot puts RedactLogs
	// before its handler.
	Log *slog.Logger
	// APIURL is the base of the Web API; empty means Slack's. GovSlack and tests have others.
	APIURL string
	// Transport carries the Web API calls; nil means http.DefaultTransport.
	Transport http.RoundTripper
	// Now is the process's own clock; nil means time.Now. What is kept in the ledger goes by the ledger's.
	Now func() time.Time
	// Haste divides the bot's waits, so that what takes minutes after a crash takes seconds in a workspace of pretence; zero and one
	// leave them as they are. What Slack sets the time for is not divided.
	Haste int
	// Unlimited does without Slack's rates, for workspaces of pretence that have none.
	Unlimited bool
	// Command is the slash command that the bot answers; empty means "/access-audit".
	Command string
	// Sockets is how many sockets are open at once, so that one serves while Slack renews another;
	// zero means 2. Slack allows an app 10 in all its processes.
	Sockets int
	// AuditLimit is how long one audit may take; zero means an hour.
	AuditLimit time.Duration
	// Drain is how long running audits may go on when the bot is to end; zero means a minute.
	// Afterwards they are interrupted and answer with what they know.
	Drain time.Duration
	// Listen is the address at which /healthz, /readyz and /metrics are answered; empty means none.
	Listen string
	// Checks are asked by /readyz, besides the sockets.
	Checks []Check
	// Settled, if not nil, is called once for each delivery of a command when nothing more will be
	// said about it. It is called by several goroutines and must return at once.
	Settled func(envelopeID string)

	// Approvals are the plans of CloneCommand; nil means that there are none. They need Identity, Ledger and
	// ApprovalChannel.
	Approvals Approvals
	Identity  Identity
	// Ledger keeps what came and what is to be said about plans. It is the one that Approvals use.
	Ledger *ledger.Ledger
	// ApprovalChannel is the id of the private channel in which plans are voted on.
	ApprovalChannel string
	// ReviewChannel is the id of the private channel in which it is told that two people approve each other's plans often; empty
	// means ApprovalChannel.
	ReviewChannel string
	// CloneCommand is the slash command for plans; empty means "/access-clone".
	CloneCommand string
	// PlainReplies has replies in a plan's thread heard that do not mention the bot.
	PlainReplies bool
	// UserGroups are connected to Slack, for a policy that names some; nil means that it names none.
	UserGroups *UserGroups

	// Fresh answers questions with --fresh; nil means Engine.
	Fresh Engine
	// Viewers decides who may have which answers; nil shows everything to everybody who may ask.
	Viewers Viewers
	// Retention is how long the files of reports are kept in Slack before the bot deletes them; zero means 7 days. It takes a
	// Ledger: without one they stay.
	Retention time.Duration
	// Administrators are members, by their ids, who are told what the bot cannot mend and nobody else would hear of.
	Administrators []string
	// Public says what a channel may show of answers that a person asks to be shown there; nil means nothing
	// anywhere. It is asked often, by several goroutines, and must return at once.
	Public func(channelID string) Visibility
	// Count is told of events that should be few, by the names of the constants that begin with Count; nil
	// discards them. It is called by several goroutines and must return at once.
	Count func(event string)

	maxFile int // bytes of a file
	pace    pace
}

// What Config.Count hears of.
const (
	CountBlocksRefused  = "blocks_refused"  // Slack refused the form of a message
	CountFileLeftOut    = "file_left_out"   // an answer lacks one of its files
	CountChannelRefused = "channel_refused" // a channel that may show answers was not fit for it
)

// pace holds the times that only tests change.
type pace struct {
	now      func() time.Time
	progress []time.Duration // when to say that an audit goes on
	patience time.Duration   // how long to bear that no socket stays open
	window   time.Duration   // in which connections are counted
	quiet    time.Duration   // without a command before the sockets close
	deliver  time.Duration   // for answers of interrupted audits

	commit time.Duration // within which a delivery is kept, or not taken
	mail   time.Duration // between looks into the outbox
	retry  time.Duration // before a post is tried again; doubles
	busy   time.Duration // before a work is tried again that another process is at
	sweep  time.Duration // between looks for what is due
	steps  time.Duration // between reports of progress of a work
	stuck  time.Duration // after which a delivery is taken up that another process had
	// putOff is for how long a post that was taken is nobody else's. A longer work is protected by the plan's lease.
	putOff time.Duration
}

const (
	maxSockets = 4

	// Who may load the bot how much.
	auditsAtOnce    = 4
	auditQueue      = 20
	desks           = 8
	deskQueue       = 64
	commandsAMinute = 5
	commandsAnHour  = 30

	// For how many deliveries, and for how long, repetitions are recognised.
	rememberDeliveries = 10_000
	rememberFor        = 10 * time.Minute
)

// complete checks the configuration and fills in the defaults.
func (c Config) complete() (Config, error) {
	if err := c.Tokens.check(); err != nil {
		return c, err
	}
	if c.Engine == nil {
		return c, errors.New("bot: no engine")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = slog.New(RedactLogs(c.Log.Handler()))
	if c.Command == "" {
		c.Command = "/access-audit"
	}
	if !strings.HasPrefix(c.Command, "/") {
		return c, errors.New("the slash command must begin with a slash")
	}
	if c.Sockets == 0 {
		c.Sockets = 2
	}
	if c.Sockets < 1 || c.Sockets > maxSockets {
		return c, errors.New("a bot keeps 1 to 4 sockets open: Slack allows an app 10 in all")
	}
	orDefault(&c.AuditLimit, time.Hour)
	orDefault(&c.Drain, time.Minute)
	orDefault(&c.Retention, defaultRetention)
	if c.Retention < 0 {
		return c, errors.New("reports are kept for a time, or not sent at all: the retention is less than nothing")
	}
	if c.Settled == nil {
		c.Settled = func(string) {}
	}
	if c.CloneCommand == "" {
		c.CloneCommand = "/access-clone"
	}
	if c.Count == nil {
		c.Count = func(string) {}
	}
	if c.maxFile == 0 {
		c.maxFile = maxFile
	}
	if c.pace.now == nil {
		c.pace.now = c.Now
	}
	c.pace.complete()
	c.pace.divide(c.Haste)
	return c, c.checkClones()
}

func (p *pace) complete() {
	if p.now == nil {
		p.now = time.Now
	}
	if p.progress == nil {
		p.progress = []time.Duration{10 * time.Second, time.Minute}
	}
	orDefault(&p.patience, 5*time.Minute)
	orDefault(&p.window, time.Minute)
	orDefault(&p.quiet, 300*time.Millisecond)
	orDefault(&p.deliver, 20*time.Second)
	orDefault(&p.commit, 2*time.Second)
	orDefault(&p.mail, time.Second)
	orDefault(&p.retry, time.Second)
	orDefault(&p.busy, 15*time.Second)
	orDefault(&p.sweep, 30*time.Second)
	orDefault(&p.steps, 3*time.Second)
	orDefault(&p.stuck, time.Minute)
	orDefault(&p.putOff, time.Minute)
}

// divide shortens the waits that are the bot's own.
func (p *pace) divide(by int) {
	if by <= 1 {
		return
	}
	for _, d := range []*time.Duration{&p.mail, &p.retry, &p.busy, &p.sweep, &p.steps, &p.stuck, &p.putOff} {
		*d /= time.Duration(by)
	}
}

func orDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}
