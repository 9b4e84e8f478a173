package bot

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/urgent"
)

// clones is all of /access-clone: plans are asked for, shown, voted on, carried out and taken back.
//
//	Slack ─ keep ─► ledger's inbox ─► acknowledged ─► a lane ─► Approvals ─► ledger's outbox ─► mail ─► Slack
//
// Nothing that matters is in memory alone. What came and was not dealt with is found in the inbox again, what is to be said or
// carried out in the outbox; how a plan stands is what Approvals says of it, and a message in Slack only shows it.
type clones struct {
	*bot
	approvals Approvals
	identity  Identity
	ledger    *ledger.Ledger
	door      planDoor
	channel   string
	command   string
	self      string // the bot's member id

	intake *pool // writes what came into the inbox
	inbox  batch
	lanes  struct {
		plans *pool // proposals, each of which reads the account
		votes *pool // everything else that people say
		works *pool // plans that are carried out or taken back
	}
	clicks *fairness

	mu   sync.Mutex
	busy map[string]bool // what is at work here: messages of the inbox, orders of the outbox
	done sync.WaitGroup  // the loops

	wake      chan struct{}   // there is something in the outbox
	urgent    context.Context // of all but commands: votes do not wait in line with what everybody asks
	applying  context.Context
	stopApply context.CancelFunc
	loops     context.Context
	stopLoops context.CancelFunc
}

// planDoor is what plans need of Slack.
type planDoor interface {
	slackDoor
	Channel(ctx context.Context, id string) (slackapi.Channel, error)
	Write(ctx context.Context, at slackapi.Place, m slackapi.Message) (ts string, err error)
	Rewrite(ctx context.Context, channel, ts string, m slackapi.Message) error
	Whisper(ctx context.Context, at slackapi.Place, user string, m slackapi.Message) error
	OpenForm(ctx context.Context, trigger slackapi.Secret, f slackapi.Form) error
	Stage(ctx context.Context, f slackapi.File) (slackapi.Staged, error)
	Share(ctx context.Context, channel, thread string, words slackapi.Message, files ...slackapi.Staged) error
}

const (
	intakes       = 64 // as many are kept with one commit
	intakeQueue   = 256
	proposers     = 2
	proposerQueue = 8
	voters        = 4
	voterQueue    = 256
	works         = 4
	workQueue     = 64
	clicksAMinute = 30
)

// newClones starts the lanes; run starts the loops.
func newClones(b *bot, self string) *clones {
	c := &clones{
		bot: b, approvals: b.Approvals, identity: b.Identity, ledger: b.Ledger, door: b.client, channel: b.ApprovalChannel, command: b.CloneCommand, self: self,
		clicks: newFairness(window{clicksAMinute, time.Minute}), busy: map[string]bool{}, wake: make(chan struct{}, 1),
	}
	c.inbox.ledger, c.inbox.limit = b.Ledger, b.pace.commit
	recovered := func(p any) { b.Log.Error("panic", "panic", p) }
	c.intake = newPool(intakes, intakeQueue, recovered)
	c.lanes.plans = newPool(proposers, proposerQueue, recovered)
	c.lanes.votes = newPool(voters, voterQueue, recovered)
	c.lanes.works = newPool(works, workQueue, recovered)
	b.metrics.watchLanes(map[string]*pool{"intake": c.intake, "plans": c.lanes.plans, "votes": c.lanes.votes, "works": c.lanes.works})
	c.urgent = urgent.Mark(b.work)
	c.applying, c.stopApply = context.WithCancel(c.urgent)
	c.loops, c.stopLoops = context.WithCancel(b.work)
	return c
}

// checkClones checks that all that plans need is there, or nothing of it.
func (c Config) checkClones() error {
	if c.Approvals == nil {
		return nil
	}
	switch {
	case c.Identity == nil || c.Ledger == nil:
		return errors.New("bot: plans need somebody who tells who people are, and a ledger")
	case !strings.HasPrefix(c.ApprovalChannel, "C") && !strings.HasPrefix(c.ApprovalChannel, "G"):
		return errors.New("the approval channel must be given by its id, such as C0123456789 (in Slack, at the end of the channel's details)")
	case c.ReviewChannel != "" && !channelID.MatchString(c.ReviewChannel):
		return errors.New("the review channel must be given by its id, such as C0123456789")
	case !strings.HasPrefix(c.CloneCommand, "/") || c.CloneCommand == c.Command:
		return errors.New("the slash command for plans must begin with a slash, and be another than that for questions")
	}
	return nil
}

// begin starts the loops, and takes up what was left.
func (c *clones) begin() {
	if err := c.place(c.loops, c.channel); err != nil {
		c.Log.Error("plans cannot be shown for now", "channel", c.channel, "error", err)
	}
	c.takeUp(true)
	c.done.Go(c.mail)
	c.done.Go(c.sweep)
	c.done.Go(c.tend)
}

// drain ends the work on plans: what is being carried out finishes its step, and what was said is dealt with or left in the inbox for
// the next start. What still comes is kept there too, until end.
func (c *clones) drain(limit time.Time) error {
	c.stopApply()
	pools := []*pool{c.lanes.plans, c.lanes.votes, c.lanes.works}
	for _, p := range pools {
		p.close()
	}
	if !ended(c.lanes.plans.done(), time.Until(limit)) {
		c.interrupt(errRestarting)
	}
	var errs []error
	for _, p := range pools {
		if !ended(p.done(), max(time.Until(limit), c.pace.deliver)) {
			errs = append(errs, errors.New("work on a plan did not end when it was told to"))
		}
	}
	c.stopLoops()
	loops := make(chan struct{})
	go func() {
		c.done.Wait()
		close(loops)
	}()
	if !ended(loops, c.pace.deliver) {
		errs = append(errs, errors.New("a post did not end when it was told to"))
	}
	return errors.Join(errs...)
}

// end closes the intake, when no socket is open any more.
func (c *clones) end() {
	c.intake.close()
	ended(c.intake.done(), c.pace.deliver)
}

// take marks a thing as being at work in this process; false means that it is.
func (c *clones) take(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[id] {
		return false
	}
	c.busy[id] = true
	return true
}

func (c *clones) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, id)
}

// every calls a function at once and then at a pace, until the loops are to end.
func (c *clones) every(pace time.Duration, f func()) {
	t := time.NewTicker(pace)
	defer t.Stop()
	for {
		guard(f, func(p any) { c.Log.Error("panic", "panic", p) })
		select {
		case <-c.loops.Done():
			return
		case <-t.C:
		}
	}
}

func (c *clones) logOf(d slackapi.Delivery, user string) *slog.Logger {
	return c.Log.With("envelope_id", d.EnvelopeID, "user", user)
}
