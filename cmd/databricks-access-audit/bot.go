package main

import (
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/bot"
	"databricks-access-audit/bot/console"
)

const slackCategory = "SLACK"

func botCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "bot",
		Usage: "answer /access-audit in Slack; with --sandbox, in this terminal",
		Description: "The tokens come from SLACK_APP_TOKEN and SLACK_BOT_TOKEN, or from the files that\n" +
			"SLACK_APP_TOKEN_FILE and SLACK_BOT_TOKEN_FILE name. With --sandbox the bot answers from the\n" +
			"sample account to a Slack inside the program: type /access-audit principal alice@acme.test.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "slack-api-url", Category: slackCategory, Usage: "base `URL` of the Web API, for GovSlack", DefaultText: "https://slack.com/api/"},
			&cli.StringFlag{Name: "command", Category: slackCategory, Usage: "answer to the slash command `NAME`", Value: "/access-audit"},
			&cli.DurationFlag{Name: "drain", Category: slackCategory, Usage: "how long running audits may go on at the end, as a `DURATION`", Value: time.Minute},
		}, connectionFlags()...),
		Action: func(c *cli.Context) error { return runBot(c, s) },
	}
}

func runBot(c *cli.Context, s streams) error {
	var tokens bot.Tokens
	if !c.Bool("sandbox") {
		var err error
		if tokens, err = bot.TokensFromEnv(s.getenv); err != nil {
			return err
		}
	}
	a, err := connect(c, s)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // nothing is written there
	if c.Bool("sandbox") {
		return console.Run(c.Context, console.Options{Engine: a.engine, In: s.in, Out: s.out, Log: a.log})
	}
	log := a.log
	if !c.Bool("debug") && !c.IsSet("log-level") && !c.IsSet("log-file") {
		log = slog.New(slog.NewJSONHandler(s.err, nil)) // a service is not silent
	}
	return bot.Run(c.Context, bot.Config{
		Tokens: tokens, Engine: a.engine, Log: log,
		APIURL: c.String("slack-api-url"), Command: c.String("command"), Drain: c.Duration("drain"),
	})
}
