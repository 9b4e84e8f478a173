package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/access"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/elevate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

const (
	connection = "CONNECTION"
	logging    = "LOGGING"
)

// connectionFlags are how to reach an account, as the Databricks CLI and the environment have it.
func connectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "sandbox", Category: connection, Usage: "ask the embedded sample account instead of Databricks"},
		&cli.StringFlag{Name: "from-snapshot", Category: connection, Usage: "answer from `FILE`, that --save-snapshot wrote, instead of asking Databricks"},
		&cli.StringFlag{Name: "save-snapshot", Category: connection, Usage: "write the facts that the answer rests on to `FILE`, for you alone"},
		&cli.StringFlag{Name: "profile", Aliases: []string{"p"}, Category: connection, Usage: "use the profile `NAME` of ~/.databrickscfg"},
		&cli.StringFlag{Name: "host", Category: connection, Usage: "`URL` of the account console, or of a workspace"},
		&cli.StringFlag{Name: "account-id", Category: connection, Usage: "account `ID`"},
		&cli.StringFlag{Name: "cloud", Category: connection, Usage: "use the account console of `CLOUD`: aws, azure, gcp, …"},
		&cli.StringFlag{Name: "client-id", Category: connection, Usage: "application `ID` of a service principal"},
		&cli.StringFlag{Name: "client-secret", Category: connection, Usage: "its OAuth `SECRET`; better in DATABRICKS_CLIENT_SECRET, since other users can see arguments"},
		&cli.Float64Flag{Name: "rate-limit", Category: connection, Usage: "at most `N` requests a second to each host, instead of the documented limits"},
		&cli.IntFlag{Name: "workers", Category: connection, Usage: "`N` reads at once", DefaultText: "256, and 32 in each workspace or metastore"},
		&cli.IntFlag{Name: "max-retries", Category: connection, Usage: "repeat a failed read at most `N` times", DefaultText: "5", Value: -1},
		&cli.DurationFlag{Name: "retry-base-delay", Category: connection, Usage: "first wait before a retry, as a `DURATION` such as 500ms"},
		&cli.DurationFlag{Name: "retry-max-delay", Category: connection, Usage: "longest wait before a retry, as a `DURATION`"},
		&cli.DurationFlag{Name: "timeout", Category: connection, Usage: "stop reading after a `DURATION` and answer from what was read"},
		&cli.StringSliceFlag{Name: "engine-option", Category: connection, Usage: "decide what the documentation leaves open, as `NAME=VALUE`: " + strings.Join(access.OptionNames(), ", ")},
		&cli.BoolFlag{Name: "debug", Category: logging, Usage: "log each request to stderr"},
		&cli.StringFlag{Name: "log-level", Category: logging, Usage: "log at `LEVEL`: debug, info, warn, error or off", Value: "off"},
		&cli.StringFlag{Name: "log-format", Category: logging, Usage: "log as `FORMAT`: text or json", Value: "text"},
		&cli.StringFlag{Name: "log-file", Category: logging, Usage: "log to `FILE` instead of stderr"},
	}
}

// account is an opened account with what must be closed after use.
type account struct {
	engine *core.Engine
	log    *slog.Logger
	kept   *core.Snapshot // what the answer rests on
	plan   []byte         // the plan that was made, if one was
	opened *databricks.Account
	raised []elevate.Outcome // what the caller was made to read
	close  []func() error
}

// Close lets go of connections, the sandbox and the log file.
func (a *account) Close() error {
	var errs []error
	for i := len(a.close) - 1; i >= 0; i-- {
		errs = append(errs, a.close[i]())
	}
	return errors.Join(errs...)
}

// connect opens the account that the flags and the environment name, or the embedded one.
func connect(c *cli.Context, s streams) (*account, error) {
	if err := errors.Join(checkConnection(c), checkElevation(c)); err != nil {
		return nil, err
	}
	a := &account{}
	if err := a.open(c, s); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// open opens what the account is made of. After an error, Close closes what was opened by then.
func (a *account) open(c *cli.Context, s streams) error {
	rules, err := engineOptions(c.StringSlice("engine-option"))
	if err != nil {
		return err
	}
	if a.log, err = a.logger(c, s.err); err != nil {
		return err
	}
	o := databricks.Options{
		Profile: c.String("profile"), Host: c.String("host"), AccountID: c.String("account-id"), Cloud: c.String("cloud"),
		ClientID: c.String("client-id"), ClientSecret: databricks.Secret(c.String("client-secret")),
		RateLimit: c.Float64("rate-limit"), MaxRetries: retries(c),
		RetryBaseDelay: c.Duration("retry-base-delay"), RetryMaxDelay: c.Duration("retry-max-delay"),
		Version: version(), Logger: a.log, Now: s.now,
	}
	if file := c.String("from-snapshot"); file != "" {
		saved, err := load(file)
		if err != nil {
			return err
		}
		a.engine = core.New(core.Options{Open: saved.Open, Rules: rules, Version: version(), Workers: c.Int("workers"), Now: s.now, Keep: a.keep, KeepPlan: a.keepPlan})
		return nil
	}
	if c.Bool("sandbox") {
		if o, err = a.embed(c, o); err != nil {
			return err
		}
	}
	opened, err := databricks.Open(c.Context, o)
	if err != nil {
		return err
	}
	a.opened = opened
	a.close = append(a.close, func() error { opened.Close(); return nil })
	a.engine = core.New(core.Options{
		Open: func() collect.Source {
			return veiled{opened.Session(), func() []elevate.Outcome { return a.raised }}
		},
		Version: version(), Workers: c.Int("workers"),
		Now:         s.now,
		Rules:       rules,
		Keep:        a.keep,
		KeepPlan:    a.keepPlan,
		OwnPlans:    true,
		Host:        opened.Identity().Host,
		Credentials: credentials(opened.Identity()),
	})
	return nil
}

func (a *account) keep(s *core.Snapshot) { a.kept = s }

func (a *account) keepPlan(file []byte) { a.plan = file }

// load reads a snapshot file.
func load(path string) (*core.Saved, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the snapshot: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	saved, err := core.Load(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	saved.Name = path
	return saved, nil
}

func engineOptions(choices []string) (access.Options, error) {
	var o access.Options
	for _, choice := range choices {
		if err := o.Set(choice); err != nil {
			return o, &query.UsageError{Problem: "--engine-option: " + err.Error()}
		}
	}
	return o, nil
}

// credentials are what the configuration says of the caller; the account may say more.
func credentials(id databricks.Identity) report.Credentials {
	c := report.Credentials{AuthType: id.AuthType, Host: id.Host, Profile: id.Profile, Source: id.ConfigSource}
	switch {
	case id.ClientID != "":
		c.Caller = &report.Principal{Kind: identity.KindServicePrincipal.String(), Name: id.ClientID, Source: identity.OriginUnknown.String(), Aliases: []string{}}
	case id.User != "":
		c.Caller = &report.Principal{Kind: identity.KindUser.String(), Name: id.User, Source: identity.OriginUnknown.String(), Aliases: []string{}}
	}
	return c
}

// checkConnection refuses values that mean nothing, before anything is done with them.
func checkConnection(c *cli.Context) error {
	for _, n := range []struct {
		flag     string
		tooSmall bool
	}{{"workers", c.Int("workers") < 1}, {"max-retries", c.Int("max-retries") < 0}, {"rate-limit", c.Float64("rate-limit") <= 0}} {
		if c.IsSet(n.flag) && n.tooSmall {
			return &query.UsageError{Problem: fmt.Sprintf("--%s is too small", n.flag), Hint: "leave it out for the default"}
		}
	}
	for _, flag := range []string{"retry-base-delay", "retry-max-delay", "timeout"} {
		if c.IsSet(flag) && c.Duration(flag) <= 0 {
			return &query.UsageError{Problem: fmt.Sprintf("--%s must be longer than nothing", flag), Hint: "write a duration such as 30s"}
		}
	}
	if cloud := c.String("cloud"); cloud != "" && !slices.Contains(databricks.Clouds(), strings.ToLower(cloud)) {
		return &query.UsageError{Problem: fmt.Sprintf("--cloud %q is not a cloud", cloud), Hint: "write one of " + strings.Join(databricks.Clouds(), ", ")}
	}
	return nil
}

// retries is --max-retries as the adapter wants it: never asked for is its default, and zero never.
func retries(c *cli.Context) int {
	switch n := c.Int("max-retries"); {
	case n < 0:
		return 0
	case n == 0:
		return -1
	default:
		return n
	}
}

// embed starts the sample account and points the options at it: the same way a company proxy with a
// private CA would be used.
func (a *account) embed(c *cli.Context, o databricks.Options) (databricks.Options, error) {
	for _, flag := range []string{"profile", "host", "account-id", "cloud", "client-id", "client-secret"} {
		if c.IsSet(flag) {
			return o, &query.UsageError{Problem: "--sandbox and --" + flag + " name two accounts", Hint: "leave one out"}
		}
	}
	server, err := sandbox.Start(sandbox.Acme(), sandbox.Options{})
	if err != nil {
		return o, fmt.Errorf("start the sandbox: %w", err)
	}
	a.close = append(a.close, server.Close)
	auditor := server.Auditor()
	o.Isolated = true
	o.Host, o.AccountID = server.AccountHost(), server.AccountID()
	o.AuthType, o.ClientID, o.ClientSecret = "oauth-m2m", auditor.ClientID, databricks.Secret(auditor.ClientSecret)
	o.Proxy, o.RootCAs = server.ProxyURL(), server.CertPool()
	return o, nil
}

// logger makes the log that the flags ask for; silent unless they do.
func (a *account) logger(c *cli.Context, stderr io.Writer) (*slog.Logger, error) {
	level := strings.ToLower(c.String("log-level"))
	if c.Bool("debug") || c.IsSet("log-file") && !c.IsSet("log-level") {
		level = "debug"
	}
	if level == "off" || level == "" {
		return slog.New(slog.DiscardHandler), nil
	}
	var min slog.Level
	if err := min.UnmarshalText([]byte(level)); err != nil {
		return nil, &query.UsageError{Problem: fmt.Sprintf("--log-level %q is not a level", level), Hint: "write debug, info, warn, error or off"}
	}
	w := stderr
	if path := c.String("log-file"); path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open the log file: %w", err)
		}
		a.close = append(a.close, f.Close)
		w = f
	}
	switch format := c.String("log-format"); format {
	case "text":
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: min})), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: min})), nil
	default:
		return nil, &query.UsageError{Problem: fmt.Sprintf("--log-format %q is not a format", format), Hint: "write text or json"}
	}
}

// withTimeout ends the reading when --timeout is over.
func withTimeout(c *cli.Context) (context.Context, context.CancelFunc) {
	if d := c.Duration("timeout"); d > 0 {
		return context.WithTimeout(c.Context, d)
	}
	return context.WithTimeout(c.Context, 24*time.Hour)
}
