package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/bot"
	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

// Options are what a console is made of. Engine, In and Out are needed.
type Options struct {
	Engine bot.Engine
	In     io.Reader // one command a line; its end ends the console
	Out    io.Writer
	Log    *slog.Logger // of the bot; nil discards it
	// FileLines is how many lines of a file are printed; zero means 12.
	FileLines int

	// Approvals are the plans of /access-clone; nil means that there are none. Identity and Ledger belong to them.
	Approvals bot.Approvals
	Identity  bot.Identity
	Ledger    *ledger.Ledger
}

const (
	command      = "/access-audit"
	cloneCommand = "/access-clone"

	greeting  = "A Slack workspace of pretence: acme, with alice, bob, carol, dave, a guest (gina) and a leaver (larry).\nType " + command + " help, or as bob: " + command + " principal @alice, or " + command + " resource main --public.\nWith --public #data-help shows answers whole, in data-approvals: … their numbers alone. An empty line does nothing; the end of the input ends it.\n"
	plans     = "Access is copied after approval: " + cloneCommand + " ivan@acme.test @bob --only loop-blue shows a plan to alice; click 1 presses\nthe first button, as carol: click 3 the third as carol. In the plan's thread, with p-… for the newest plan:\nas carol: say @bot approve p-…   A form that asks for a reason: as carol: answer …\n"
	lookEvery = 150 * time.Millisecond
	precision = 100 * time.Microsecond
	fileLines = 12
	drain     = time.Second // nobody here waits for an answer after the end
)

// Run serves the workspace and the bot until In or ctx ends, or the bot fails. When ctx ends while
// In is a terminal, one read of it stays behind.
func Run(ctx context.Context, o Options) error {
	if o.FileLines == 0 {
		o.FileLines = fileLines
	}
	acme := slackfake.AcmeWorkspace()
	slack, err := slackfake.Start(acme, slackfake.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = slack.Close() }()
	transport := &http.Transport{} // its own, so that no connection outlives the console
	defer transport.CloseIdleConnections()

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c := &console{Options: o, slack: slack, settled: map[string]bool{}, changed: make(chan struct{}, 1), screen: newScreen(acme)}
	ended := make(chan error, 1)
	go func() {
		ended <- bot.Run(ctx, bot.Config{
			Tokens:    bot.Tokens{Bot: slackapi.Secret(slack.BotToken()), App: slackapi.Secret(slack.AppToken())},
			Engine:    o.Engine,
			Log:       o.Log,
			APIURL:    slack.APIURL(),
			Transport: transport,
			Command:   command,
			Drain:     drain,
			Settled:   c.settle,
			Unlimited: true,

			Approvals: o.Approvals, Identity: o.Identity, Ledger: o.Ledger, ApprovalChannel: slackfake.DataApprovals, CloneCommand: cloneCommand,
			Public: public,
		})
		stop()
	}()
	err = slack.WaitConnected(ctx, 1)
	if err == nil {
		c.write(greeting)
		if o.Approvals != nil {
			c.write(plans)
		}
		err = c.loop(ctx)
	}
	stop()
	failed := <-ended
	c.show()
	if failed != nil {
		return failed
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// public is what the channels of the workspace may show.
func public(channel string) bot.Visibility {
	switch channel {
	case slackfake.DataHelp, slackfake.Partners: // the latter is shared with others, which the bot has to notice
		return bot.Full
	case slackfake.DataApprovals:
		return bot.Counts
	default:
		return bot.None
	}
}

// console shows what people see.
type console struct {
	Options
	slack *slackfake.Server

	mu      sync.Mutex
	settled map[string]bool
	changed chan struct{}

	screen screen
}

// settle is bot.Config.Settled.
func (c *console) settle(envelopeID string) {
	c.mu.Lock()
	c.settled[envelopeID] = true
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *console) isSettled(envelopeID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settled[envelopeID]
}

func (c *console) loop(ctx context.Context) error {
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(c.In)
		for s.Scan() {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		c.write("> ")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case text, ok := <-lines:
			if !ok {
				c.write("\n")
				return nil
			}
			if text = strings.TrimSpace(text); text != "" {
				c.enter(ctx, text)
			}
		}
	}
}

// spoken is a line of the console.
var spoken = regexp.MustCompile(`^(?:in #?([\w-]+)[ :]\s*)?(?:as (\w+):\s*)?(/\S+)\s*(.*)$`)

// enter does what a line says and shows what comes of it until the bot has said all.
func (c *console) enter(ctx context.Context, text string) {
	if m := done.FindStringSubmatch(text); m != nil && c.Approvals != nil {
		c.act(ctx, orElse(m[1], "alice"), m[2], strings.TrimSpace(m[3]))
		return
	}
	m := spoken.FindStringSubmatch(text)
	if m == nil {
		c.write("Commands begin with a slash: " + command + " help\n")
		return
	}
	channel, who := orElse(m[1], "data-help"), orElse(m[2], "alice")
	user := c.member(who)
	if user == "" {
		c.write("Nobody here is called " + who + ".\n")
		return
	}
	start := time.Now()
	d, err := c.slack.SlashTyped(ctx, user, channel, m[3], m[4])
	if err != nil {
		c.write("Slack says: " + err.Error() + "\n")
		return
	}
	c.write(fmt.Sprintf("  (acknowledged after %s)\n", time.Since(start).Round(precision)))
	c.watch(ctx, d.EnvelopeID)
}

// watch shows what comes of a delivery until there is nothing more to come.
func (c *console) watch(ctx context.Context, envelopeID string) {
	for !c.isSettled(envelopeID) || !c.quiet(ctx) {
		select {
		case <-c.changed:
		case <-time.After(lookEvery): // what has come meanwhile
		case <-ctx.Done():
			return
		}
		c.show()
	}
	c.show()
}

// quiet reports whether the bot has nothing left to say about plans, nor to carry out.
func (c *console) quiet(ctx context.Context) bool {
	if c.Ledger == nil {
		return true
	}
	out, err := c.Ledger.Outbox(ctx)
	return err != nil || len(out) == 0
}

func (c *console) member(name string) string {
	for id, known := range c.screen.names {
		if strings.EqualFold(known, name) {
			return id
		}
	}
	return ""
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func (c *console) write(text string) { _, _ = io.WriteString(c.Out, text) }

// show prints what is new on the screens.
func (c *console) show() { c.write(c.screen.news(c.slack.Snapshot(), c.FileLines)) }
