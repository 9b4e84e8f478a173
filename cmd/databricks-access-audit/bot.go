package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/bot"
	"databricks-access-audit/bot/console"
	"databricks-access-audit/bot/settings"
	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

const slackCategory = "SLACK"

func botCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "bot",
		Usage: "answer /access-audit in Slack; with --sandbox, in this terminal",
		Description: "The tokens come from SLACK_APP_TOKEN and SLACK_BOT_TOKEN, or from the files that\n" +
			"SLACK_APP_TOKEN_FILE and SLACK_BOT_TOKEN_FILE or the configuration name. SIGHUP reads all of them\n" +
			"again. With --sandbox the bot answers from the sample account to a Slack inside the program:\n" +
			"type /access-audit principal alice@acme.test.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "config", Category: slackCategory, Usage: "read what is not given here from `FILE`, in YAML"},
			slackURLFlag(),
			&cli.StringFlag{Name: "command", Category: slackCategory, Usage: "answer to the slash command `NAME`", DefaultText: "/access-audit"},
			&cli.StringFlag{Name: "listen", Category: slackCategory, Usage: "answer /healthz, /readyz and /metrics at `ADDRESS`, or off", DefaultText: "127.0.0.1:8080 with --config, else off"},
			&cli.DurationFlag{Name: "drain", Category: slackCategory, Usage: "how long running audits may go on at the end, as a `DURATION`", DefaultText: "1m"},
		}, joined(ledgerFlags(), connectionFlags())...),
		Subcommands: append([]*cli.Command{{
			Name:      "check-config",
			Usage:     "check a configuration file and the files that it names, and ask nobody",
			ArgsUsage: "FILE",
			Action:    func(c *cli.Context) error { return checkConfig(c, s) },
		}}, killSwitch(s)...),
		Action: func(c *cli.Context) error { return runBot(c, s) },
	}
}

// errReload ends a bot that is to begin again with what its files say now.
var errReload = errors.New("the configuration is read again")

// runBot runs the bot, and again after each SIGHUP.
func runBot(c *cli.Context, s streams) error {
	if c.NArg() > 0 {
		return &query.UsageError{Problem: fmt.Sprintf("bot does not take %q", c.Args().First()), Hint: "write bot, bot check-config FILE, bot pause-approvals or bot resume-approvals"}
	}
	given := givenFlags(c)
	ctx := c.Context
	for {
		reload, stop := reloadable(ctx)
		c.Context = reload
		err := botOnce(c, s, given)
		again := errors.Is(context.Cause(reload), errReload) && ctx.Err() == nil
		stop()
		if err != nil || !again {
			return err
		}
	}
}

// reloadable gives a context that SIGHUP ends.
func reloadable(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		select {
		case <-hangup:
			cancel(errReload)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(hangup)
		cancel(nil)
	}
}

func botOnce(c *cli.Context, s streams, given map[string]bool) error {
	set, err := configured(c, given)
	if err != nil {
		return err
	}
	var tokens bot.Tokens
	if !c.Bool("sandbox") {
		if tokens, err = bot.TokensFromEnv(withTokenFiles(s.getenv, set.Slack)); err != nil {
			return err
		}
	}
	a, err := connect(c, s)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // nothing is written there
	if c.Bool("sandbox") {
		o := console.Options{Engine: a.engine, In: s.in, Out: s.out, Log: a.log}
		if err := tryPlans(c.Context, a, &o); err != nil {
			return err
		}
		return console.Run(c.Context, o)
	}
	log := a.log
	if !c.Bool("debug") && !c.IsSet("log-level") && !c.IsSet("log-file") {
		log = slog.New(slog.NewJSONHandler(s.err, nil)) // a service is not silent
	}
	engine := a.engine
	if !set.Audits.MayStartWarehouse {
		engine = engine.Thrifty()
	}
	warm, stop := kept(c.Context, engine, set.Estate.Refresh, log)
	defer stop()
	listen := set.Listen
	if listen == settings.Off {
		listen = ""
	}
	config := bot.Config{
		Tokens: tokens, Engine: warm, Fresh: engine, Log: log, Listen: listen, Now: s.now, Haste: s.haste, Unlimited: s.haste > 1,
		APIURL: set.Slack.APIURL, Command: set.Slack.Command, Sockets: set.Slack.Sockets, AuditLimit: set.AuditLimit, Drain: set.Drain,
		Retention: set.Reports.Retention, Administrators: set.Slack.Administrators,
		Public: func(channel string) bot.Visibility { return visibilities[set.Channels.Public[channel]] },
	}
	if c.String("config") == "" {
		log.Warn("there is no --config, and so no policy: every full member of the workspace may ask about everybody")
		return bot.Run(c.Context, config)
	}
	o, err := a.office(c, s, set, log)
	if err != nil {
		return err
	}
	if w, ok := warm.(*core.Warm); ok {
		w.Watch(o.ledger)
	}
	config.Viewers, config.Ledger, config.Approvals, config.Identity = o.viewers, o.ledger, o.approvals, o.directory
	config.ApprovalChannel, config.ReviewChannel, config.CloneCommand = set.Channels.Approval, set.Channels.Review, set.Slack.CloneCommand
	config.UserGroups, config.PlainReplies = o.groups, set.Approvals.PlainReplies && o.approvals != nil
	config.Checks = append(config.Checks, bot.Check{Name: "the ledger", Try: func(ctx context.Context) error {
		_, err := o.ledger.Plans(ctx, ledger.PlanFilter{Limit: 1})
		return err
	}})
	return bot.Run(c.Context, config)
}

// visibilities are what the configuration calls what a channel may show; it has been checked that there is no other.
var visibilities = map[string]bot.Visibility{"counts": bot.Counts, "full": bot.Full}

// kept answers from the whole account, which it reads again after each pause until it is stopped; a pause of zero asks the
// account each time.
func kept(ctx context.Context, engine *core.Engine, pause time.Duration, log *slog.Logger) (answers bot.Engine, stop func()) {
	if pause == 0 {
		return engine, func() {}
	}
	warm := engine.Warm()
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		warm.Keep(ctx, pause, func(err error) { log.Warn("the account was not read", "error", err) })
	})
	return warm, func() {
		cancel()
		reading.Wait()
	}
}

// withTokenFiles is getenv, as if the files that the configuration names were named in the environment.
func withTokenFiles(getenv func(string) string, set settings.Slack) func(string) string {
	files := map[string]string{"SLACK_BOT_TOKEN_FILE": set.BotTokenFile, "SLACK_APP_TOKEN_FILE": set.AppTokenFile}
	return func(name string) string {
		if file := files[name]; file != "" {
			return file
		}
		return getenv(name)
	}
}

// givenFlags are those that somebody gave, rather than the configuration.
func givenFlags(c *cli.Context) map[string]bool {
	given := map[string]bool{}
	for _, name := range c.FlagNames() {
		given[name] = true
	}
	return given
}

// configured reads the configuration, if there is one, and puts what flags say over it. What it says of connections it
// puts into the flags that were not given.
func configured(c *cli.Context, given map[string]bool) (settings.Settings, error) {
	set := settings.Default()
	path := c.String("config")
	if path == "" {
		set.Listen = settings.Off // nobody asked for a port
	} else {
		var err error
		if set, err = settings.Read(path); err != nil {
			return set, err
		}
		if _, err := policyOf(set); err != nil {
			return set, fmt.Errorf("%s: %w", path, err)
		}
	}
	if given["listen"] {
		set.Listen = c.String("listen")
	}
	if given["slack-api-url"] {
		set.Slack.APIURL = c.String("slack-api-url")
	}
	if given["command"] {
		set.Slack.Command = c.String("command")
	}
	if given["drain"] {
		set.Drain = c.Duration("drain")
	}
	return set, connected(c, given, set.Databricks)
}

// connected puts what the configuration says of a connection into the flags.
func connected(c *cli.Context, given map[string]bool, d settings.Databricks) error {
	values := map[string]string{"profile": d.Profile, "host": d.Host, "account-id": d.AccountID, "client-id": d.ClientID}
	if d.ClientSecretFile != "" && !given["client-secret"] {
		secret, err := settings.Secret(d.ClientSecretFile)
		if err != nil {
			return fmt.Errorf("databricks.client_secret_file: %w", err)
		}
		values["client-secret"] = secret
	}
	for flag, value := range values {
		if value == "" || given[flag] {
			continue
		}
		if err := c.Set(flag, value); err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
	}
	return nil
}

// checkConfig says whether a configuration can be used, as far as that can be said without asking anybody.
func checkConfig(c *cli.Context, s streams) error {
	if c.NArg() != 1 {
		return &query.UsageError{Problem: "bot check-config takes one file", Hint: "write bot check-config FILE"}
	}
	path := c.Args().First()
	set, err := settings.Read(path)
	if err != nil {
		return err
	}
	policy, err := policyOf(set)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := set.CheckFiles(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if set.Slack.BotTokenFile != "" || set.Slack.AppTokenFile != "" {
		if _, err := bot.TokensFromEnv(withTokenFiles(s.getenv, set.Slack)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	fmt.Fprintln(s.out, formatters.EscapeLine(path)+" is fine: "+strings.Join(inWords(set), "; ")+".")
	for _, warning := range warnings(set, policy) {
		fmt.Fprintln(s.out, "warning: "+warning)
	}
	return nil
}

// warnings are what somebody should know of a configuration that may be meant as it is.
func warnings(set settings.Settings, policy consent.Policy) (list []string) {
	groups, mutable := policy.SlackGroups()
	for _, id := range mutable {
		list = append(list, "whoever may change Slack group "+id+" by hand decides who may say so by it: the policy has allow_mutable_usergroup there")
	}
	if set.Identity.Mode == settings.Email && len(groups) > 0 {
		list = append(list, "with identity.mode email nobody is known well enough to count as a member of a Slack group")
	}
	if set.Approvals.PlainReplies && set.Channels.Approval == "" {
		list = append(list, "approvals.plain_replies does nothing, since channels.approval is not set")
	}
	return list
}

// inWords says what a configuration comes to.
func inWords(set settings.Settings) []string {
	words := []string{fmt.Sprintf("%d sockets in each of %d processes for %s", set.Slack.Sockets, set.Replicas, set.Slack.Command)}
	if set.Channels.Approval == "" {
		words = append(words, "no "+set.Slack.CloneCommand+", since channels.approval is not set")
	} else {
		words = append(words, set.Slack.CloneCommand+" with votes in channel "+set.Channels.Approval)
	}
	if set.Applies == settings.Off {
		words = append(words, "plans are voted on and not carried out, since applies is off")
	}
	if set.Approvals.PlainReplies {
		words = append(words, "replies in a plan's thread count without a mention")
	}
	if set.Estate.Refresh == 0 {
		words = append(words, "each question reads what it needs")
	} else {
		words = append(words, "the account is read every "+set.Estate.Refresh.Round(time.Second).String())
	}
	if set.Listen != settings.Off {
		words = append(words, "/healthz, /readyz and /metrics at "+set.Listen)
	}
	return words
}
