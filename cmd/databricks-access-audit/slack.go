package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/bot"
	"databricks-access-audit/bot/settings"
	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

const (
	plainRepliesFlag = "plain-replies"
	userGroupsFlag   = "user-groups"
)

// slackCommand prints and checks the Slack app that the bot is.
func slackCommand(s streams) *cli.Command {
	plainReplies := &cli.BoolFlag{Name: plainRepliesFlag, Usage: "for a bot that also hears replies that do not mention it: it reads every message of its channels"}
	userGroups := &cli.BoolFlag{Name: userGroupsFlag, Usage: "for a bot whose policy names Slack user groups: it reads who is in them"}
	return &cli.Command{
		Name:  "slack",
		Usage: "the Slack app of the bot: its manifest, and whether it is set up",
		Subcommands: []*cli.Command{{
			Name:  "manifest",
			Usage: "print the manifest from which the Slack app is created",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "format", Usage: "print `FORMAT`: yaml or json", Value: "yaml"},
				&cli.StringFlag{Name: "name", Usage: "call the app `NAME`", DefaultText: "Access Audit"},
				&cli.StringFlag{Name: "command-prefix", Usage: "its commands are /`PREFIX`-audit and /PREFIX-clone", DefaultText: "access"},
				plainReplies,
				userGroups,
				&cli.StringFlag{Name: "config", Usage: "ask for what the bot's configuration `FILE` needs"},
			},
			Action: func(c *cli.Context) error { return printManifest(c, s) },
		}, {
			Name:  "doctor",
			Usage: "check the tokens, their scopes, a socket and channels; what to do about each problem",
			Description: "The tokens come from SLACK_APP_TOKEN and SLACK_BOT_TOKEN, or from the files that\n" +
				"SLACK_APP_TOKEN_FILE and SLACK_BOT_TOKEN_FILE or the configuration name. Nobody in Slack sees anything\n" +
				"of it. A socket is opened for a moment: a command that is given in it may have to be given again.",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "config", Usage: "take the tokens and channels from the bot's configuration `FILE`"},
				&cli.StringSliceFlag{Name: "channel", Usage: "also check the channel with the `ID`; may be given several times"},
				plainReplies,
				userGroups,
				slackURLFlag(),
				&cli.BoolFlag{Name: "sandbox", Usage: "check a Slack inside the program"},
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "show the checks as `FORMAT`: text or json", Value: string(formatters.Text)},
				&cli.BoolFlag{Name: "strict", Usage: "exit 3 when there is a problem"},
			},
			Action: func(c *cli.Context) error { return examineSlack(c, s) },
		}},
		Action: func(c *cli.Context) error {
			if err := none(c, "slack"); err != nil {
				return err
			}
			return &query.UsageError{Problem: "slack needs to know what to do", Hint: "write slack manifest or slack doctor"}
		},
	}
}

func slackURLFlag() cli.Flag {
	return &cli.StringFlag{Name: "slack-api-url", Category: slackCategory, Usage: "base `URL` of the Web API, for GovSlack", DefaultText: slackapi.DefaultAPIURL}
}

func printManifest(c *cli.Context, s streams) error {
	if err := none(c, "slack manifest"); err != nil {
		return err
	}
	o := slackapi.ManifestOptions{Name: c.String("name"), CommandPrefix: c.String("command-prefix"), Wants: wanted(c)}
	if path := c.String("config"); path != "" {
		_, w, err := slackSettings(path)
		if err != nil {
			return err
		}
		o.Wants = both(o.Wants, w)
	}
	m, err := slackapi.NewManifest(o)
	if err != nil {
		return &query.UsageError{Problem: err.Error()}
	}
	var text []byte
	switch format := c.String("format"); format {
	case "yaml":
		text, err = m.YAML()
	case "json":
		text, err = m.JSON()
	default:
		return &query.UsageError{Problem: fmt.Sprintf("--format %q is not known", format), Hint: "write yaml or json"}
	}
	if err != nil {
		return err
	}
	_, err = s.out.Write(text)
	return err
}

// wanted is what flags say that the bot is to do.
func wanted(c *cli.Context) slackapi.Wants {
	return slackapi.Wants{PlainReplies: c.Bool(plainRepliesFlag), UserGroups: c.Bool(userGroupsFlag)}
}

func both(a, b slackapi.Wants) slackapi.Wants {
	return slackapi.Wants{PlainReplies: a.PlainReplies || b.PlainReplies, UserGroups: a.UserGroups || b.UserGroups}
}

// slackSettings reads a configuration, and what the bot is to do by it.
func slackSettings(path string) (settings.Settings, slackapi.Wants, error) {
	set, err := settings.Read(path)
	if err != nil {
		return set, slackapi.Wants{}, err
	}
	policy, err := policyOf(set)
	if err != nil {
		return set, slackapi.Wants{}, fmt.Errorf("%s: %w", path, err)
	}
	groups, _ := policy.SlackGroups()
	return set, slackapi.Wants{PlainReplies: set.Approvals.PlainReplies, UserGroups: len(groups) > 0 && set.Channels.Approval != ""}, nil
}

// slackHealth is what doctor found, as JSON. It is a contract: manifests/schema.
type slackHealth struct {
	Report        string `json:"report"`
	SchemaVersion int    `json:"schema_version"`
	ToolVersion   string `json:"tool_version"`
	// OK says that no check found a problem; some may not have been made.
	OK     bool             `json:"ok"`
	Checks []bot.SetupCheck `json:"checks"`
}

func examineSlack(c *cli.Context, s streams) error {
	if err := none(c, "slack doctor"); err != nil {
		return err
	}
	format := formatters.Format(c.String("output"))
	if format != formatters.Text && format != formatters.JSON {
		return &query.UsageError{Problem: fmt.Sprintf("slack doctor has no format %q", format), Hint: "write -o text or -o json"}
	}
	checks, err := examined(c, s)
	if err != nil {
		return err
	}
	problems := 0
	for _, check := range checks {
		if check.Status == bot.SetupProblem {
			problems++
		}
	}
	if format == formatters.JSON {
		err = printJSON(s.out, slackHealth{Report: "slack-doctor", SchemaVersion: 1, ToolVersion: version(), OK: problems == 0, Checks: checks})
	} else {
		err = printChecks(s.out, checks)
	}
	if err == nil && problems > 0 && c.Bool("strict") {
		return &incompleteError{fmt.Sprintf("the Slack app is not set up: %s", countOf(problems, "problem"))}
	}
	return err
}

// examined examines the Slack of the environment, or one inside the program.
func examined(c *cli.Context, s streams) (checks []bot.SetupCheck, err error) {
	e := bot.Examination{Wants: wanted(c), Channels: c.StringSlice("channel"), APIURL: c.String("slack-api-url")}
	if !c.Bool("sandbox") {
		getenv := s.getenv
		if path := c.String("config"); path != "" {
			set, w, err := slackSettings(path)
			if err != nil {
				return nil, err
			}
			e.Wants = both(e.Wants, w)
			getenv = withTokenFiles(getenv, set.Slack)
			e.APIURL = cmp.Or(e.APIURL, set.Slack.APIURL)
			e.Channels = append(e.Channels, postedIn(set.Channels)...)
		}
		e.Tokens, e.BotErr, e.AppErr = bot.ReadTokens(getenv)
		return bot.Examine(c.Context, e)
	}
	for _, other := range []string{"slack-api-url", "config"} {
		if c.IsSet(other) {
			return nil, &query.UsageError{Problem: "--sandbox and --" + other + " name two Slacks", Hint: "leave one out"}
		}
	}
	fake, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fake.Close()) }()
	e.APIURL = fake.APIURL()
	e.Tokens = bot.Tokens{Bot: slackapi.Secret(fake.BotToken()), App: slackapi.Secret(fake.AppToken())}
	return bot.Examine(c.Context, e)
}

// postedIn are the channels of a configuration.
func postedIn(c settings.Channels) []string {
	ids := slices.Collect(maps.Keys(c.Public))
	if c.Approval != "" {
		ids = append(ids, c.Approval)
	}
	if c.Review != "" {
		ids = append(ids, c.Review)
	}
	return ids
}

func printJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// printChecks prints a line for each check, and under it what to do. Names come from Slack.
func printChecks(w io.Writer, checks []bot.SetupCheck) error {
	found := map[string]int{}
	for _, c := range checks {
		found[c.Status]++
	}
	var b strings.Builder
	switch problems := found[bot.SetupProblem]; {
	case problems > 0:
		fmt.Fprintf(&b, "The Slack app is not set up: %s", countOf(problems, "problem"))
	default:
		b.WriteString("No problem was found with the Slack app")
	}
	fmt.Fprintf(&b, ", %s passed, %s.\n\n", countOf(found[bot.SetupOK], "check"), unchecked(found[bot.SetupNotChecked]))
	for _, c := range checks {
		fmt.Fprintf(&b, "%-11s  %s: %s\n", strings.ReplaceAll(c.Status, "_", " "), formatters.EscapeLine(c.Name), formatters.EscapeLine(c.Detail))
		if c.Fix != "" {
			fmt.Fprintf(&b, "%-11s  do: %s\n", "", formatters.EscapeLine(c.Fix))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func unchecked(n int) string {
	if n == 1 {
		return "1 was not made"
	}
	return fmt.Sprintf("%d were not made", n)
}

func countOf(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
