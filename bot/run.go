package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"databricks-access-audit/bot/slackapi"
)

// Run connects to Slack and answers until ctx ends, which returns nil once everything taken is
// answered. Any other end is an error whose text says what to do: a token that does not work, a
// scope that is missing, no socket for minutes.
//
// When ctx ends the sockets stay open at first: commands that still arrive are acknowledged and
// answered with a request to repeat them, audits that wait are turned away, those that run may
// finish within Config.Drain.
func Run(ctx context.Context, c Config) error {
	c, err := c.complete()
	if err != nil {
		return err
	}
	m := newMetrics()
	client, err := slackapi.New(slackapi.Options{
		BotToken: c.Tokens.Bot, AppToken: c.Tokens.App, APIURL: c.APIURL, Transport: c.Transport, Log: c.Log, Unlimited: c.Unlimited, Observer: m,
	})
	if err != nil {
		return err
	}
	self, err := client.Self(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end was asked for; what failed because of it is no news
		}
		return err
	}
	if err := checkScopes(self.Scopes, c.wants(), c.Log); err != nil {
		return err
	}
	if c.UserGroups != nil {
		c.UserGroups.connect(client, self.TeamID, c.pace.now)
	}
	b := newBot(ctx, c, client, self.TeamID, m)
	if c.Approvals != nil {
		b.clones = newClones(b, self.UserID)
	}
	return b.run(ctx)
}

// wants are the abilities that take more rights.
func (c Config) wants() slackapi.Wants {
	return slackapi.Wants{PlainReplies: c.PlainReplies, UserGroups: c.UserGroups != nil}
}

// checkScopes says what is missing at the start, rather than by refusing everybody later. Slack
// names the granted scopes in the header X-OAuth-Scopes of its answers; without it nothing is known.
func checkScopes(granted []string, wants slackapi.Wants, log *slog.Logger) error {
	if granted == nil {
		return nil
	}
	missing, broader := slackapi.CompareScopes(slackapi.Scopes(wants), granted)
	vital := slices.DeleteFunc(slices.Clone(missing), func(s slackapi.Scope) bool { return !s.Vital })
	if len(vital) > 0 {
		return fmt.Errorf("the bot token lacks the scopes %s: add them under OAuth & Permissions and install the app again", strings.Join(slackapi.ScopeNames(vital), ", "))
	}
	for _, s := range missing {
		log.Warn("the bot token lacks a scope", "scope", s.Name, "effect", s.Without)
	}
	if len(broader) > 0 {
		log.Warn("the bot token has scopes that the bot does not need: whoever steals it could do more", "scopes", strings.Join(broader, ", "))
	}
	return nil
}

// run listens until ctx ends or the sockets fail, and drains.
func (b *bot) run(ctx context.Context) error {
	defer b.stopWork()
	open, closeSockets := context.WithCancel(context.WithoutCancel(ctx))
	defer closeSockets()
	defer b.keepHouse()()
	if b.clones != nil {
		b.clones.begin()
		defer b.clones.end()
	}
	sockets, listening := errgroup.WithContext(open)
	for range b.Sockets {
		sockets.Go(func() error { return b.client.Listen(listening, &socket{bot: b}) })
	}
	sockets.Go(func() error { return b.watch(listening) })
	sockets.Go(func() error { return b.serveEndpoints(listening) })
	failed := make(chan error, 1)
	go func() { failed <- sockets.Wait() }()

	b.Log.Info("bot started", "team", b.team, "sockets", b.Sockets, "command", b.Command)
	select {
	case err := <-failed:
		b.Log.Error("sockets failed", "error", err)
		return errors.Join(err, b.drain())
	case err := <-b.broken:
		b.Log.Error("the ledger failed", "error", err)
		err = errors.Join(err, b.drain())
		closeSockets()
		<-failed //nolint:errcheck // the cause is known: err
		return err
	case <-ctx.Done():
	}
	b.Log.Info("bot ending", "drain", b.Drain)
	err := b.drain()
	b.awaitQuiet(failed)
	closeSockets()
	if late := <-failed; late != nil {
		b.Log.Warn("sockets failed at the end", "error", late)
	}
	return err
}

// keepHouse deletes in the background the files whose time is over. The function that it gives ends that, and waits for it.
func (b *bot) keepHouse() (leave func()) {
	if b.Ledger == nil {
		b.Log.Warn("there is no ledger, and so nothing deletes the files of reports in Slack: they stay")
		return func() {}
	}
	ctx, cancel := context.WithCancel(b.work)
	var sweeping sync.WaitGroup
	sweeping.Go(func() { b.expireAll(ctx) })
	return func() {
		cancel()
		sweeping.Wait()
	}
}

// watch ends the sockets when they have been of no use for too long.
func (b *bot) watch(ctx context.Context) error {
	t := time.NewTicker(min(time.Second, b.pace.patience/4))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			b.ticked.Store(time.Now().UnixNano())
			if err := b.health.check(b.pace.now()); err != nil {
				return err
			}
		}
	}
}

// errRestarting is why audits are interrupted when the bot ends.
var errRestarting = errors.New("the bot is being restarted")

// drain turns new work away and waits for what is running.
func (b *bot) drain() error {
	b.draining.Store(true)
	limit := time.Now().Add(b.Drain)
	b.desk.close()
	b.controls.close()
	if !ended(b.desk.done(), time.Until(limit)) || !ended(b.controls.done(), time.Until(limit)) {
		b.Log.Warn("commands unanswered at the end")
	}
	b.audits.close()
	var plans error
	if b.clones != nil {
		plans = b.clones.drain(limit)
	}
	done := b.audits.done()
	if !ended(done, time.Until(limit)) {
		b.interrupt(errRestarting)
	}
	if !ended(done, b.pace.deliver) {
		b.stopWork()
	}
	if !ended(done, b.pace.deliver) || !ended(b.desk.done(), b.pace.deliver) || !ended(b.controls.done(), b.pace.deliver) {
		return errors.Join(plans, errors.New("an audit did not end when it was told to"))
	}
	return plans
}

// awaitQuiet keeps the sockets open until nothing has come for a moment: an acknowledgement that
// was handed to slack-go is not yet on the wire, and a command that was already sent to this socket
// is sent to no other.
func (b *bot) awaitQuiet(failed chan error) {
	last := time.Now()
	limit := last.Add(10 * b.pace.quiet)
	for {
		if at := time.Unix(0, b.lastCommand.Load()); at.After(last) {
			last = at
		}
		pause := min(time.Until(last.Add(b.pace.quiet)), time.Until(limit))
		if pause <= 0 {
			return
		}
		select {
		case <-time.After(pause):
		case err := <-failed:
			failed <- err
			return
		}
	}
}

// ended waits for done at most so long.
func ended(done <-chan struct{}, limit time.Duration) bool {
	t := time.NewTimer(max(limit, 0))
	defer t.Stop()
	select {
	case <-done:
		return true
	default:
	}
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}
