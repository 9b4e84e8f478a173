package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

const name = "databricks-access-audit"

// streams are where the program reads and writes, and how.
type streams struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	// outIsTerminal and errIsTerminal decide over colour and moving progress.
	outIsTerminal, errIsTerminal bool
	// now is the machine's clock. haste divides how long a bot and those who apply its plans wait; the program itself has no haste.
	now   func() time.Time
	haste int
}

func terminal() streams {
	return streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, now: time.Now, haste: 1,
		outIsTerminal: isTerminal(os.Stdout), errIsTerminal: isTerminal(os.Stderr),
	}
}

// isTerminal reports whether the file is a character device other than the null device.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// run is the program: arguments in, exit code out.
func run(args []string, s streams) int {
	app := newApp(s)
	ordered, err := arrange(app, args)
	if err == nil {
		ctx, stop := interruptible()
		defer stop()
		err = app.RunContext(ctx, append([]string{name}, ordered...))
	}
	if errors.Is(err, context.Canceled) && !is[*core.PartlyAppliedError](err) {
		err = interruptedError{nothing: true}
	}
	if err != nil && !is[*noError](err) && !is[changesError](err) { // a no stands in the answer already
		explain(s.err, askedFor(args), err)
	}
	return exitCode(err)
}

// interruptible gives a context that the first Ctrl-C ends; the second one ends the program.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func newApp(s streams) *cli.App {
	app := &cli.App{
		Name:  name,
		Usage: "who can access what in a Databricks account, why, and what was not seen",
		UsageText: strings.Join([]string{
			name + " [FLAGS] COMMAND [ARGUMENTS] [FLAGS]",
			name + " --sandbox principal alice@acme.test   # try it on a sample account",
		}, "\n"),
		Version:              version(),
		HideVersion:          true,
		Writer:               s.out,
		ErrWriter:            s.err,
		EnableBashCompletion: true,
		Suggest:              true,
		OnUsageError:         usageError,
		ExitErrHandler:       func(*cli.Context, error) {}, // run decides over exit codes
		Flags:                []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version"}},
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				return printVersion(s.out)
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, form := range query.Forms() {
		app.Commands = append(app.Commands, questionCommand(s, form))
	}
	app.Commands = append(app.Commands, recoveryCommands(s)...)
	app.Commands = append(app.Commands, voteCommands(s)...)
	app.Commands = append(app.Commands, verifyCommand(s), diffCommand(s), snapshotCommand(s), planCommand(s), policyCommand(s), historyCommand(s), auditCommand(s), ledgerCommand(s), botCommand(s), slackCommand(s), sandboxCommand(s), completionCommand(s), versionCommand(s))
	for _, c := range app.Commands {
		c.OnUsageError = usageError
		for _, sub := range c.Subcommands {
			sub.OnUsageError = usageError
		}
	}
	return app
}

// usageError turns what urfave/cli finds wrong into our kind of error, in the program's words.
func usageError(c *cli.Context, err error, _ bool) error {
	if is[*query.UsageError](err) {
		return err
	}
	flag, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return &query.UsageError{Problem: err.Error(), Hint: "see " + strings.TrimSpace(name+" "+commandPath(c)) + " --help"}
	}
	flag = strings.TrimLeft(flag, "-")
	if len(flag) == 1 {
		flag = "-" + flag
	} else {
		flag = "--" + flag
	}
	u := &query.UsageError{Problem: "there is no flag " + flag, Hint: "see " + name + " help"}
	if at := commandPath(c); at != "" {
		u.Problem = fmt.Sprintf("%s cannot honour %s", at, flag)
		u.Hint = "see " + name + " " + at + " --help"
	}
	return u
}

// commandPath is the command that was asked for, without the program's name.
func commandPath(c *cli.Context) string {
	if c.Command == nil || c.Command.Name == name {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(c.Command.HelpName, name))
}

// askedFor guesses the output format from the bare arguments, for errors that come before or while
// they are read.
func askedFor(args []string) formatters.Format {
	for i, a := range args {
		key, value, inline := strings.Cut(a, "=")
		if key != "-o" && key != "--output" && key != "-output" {
			continue
		}
		if !inline && i+1 < len(args) {
			value = args[i+1]
		}
		if f, err := formatters.ParseFormat(value); err == nil {
			return f
		}
	}
	return formatters.Text
}

// explain prints an error for the reader of the format: a person or a program.
func explain(w io.Writer, f formatters.Format, err error) {
	if writeErr := formatters.WriteError(w, f, errorKind(err), err.Error(), candidates(err)); writeErr != nil {
		fmt.Fprintln(w, "Error:", formatters.Escape(err.Error()))
	}
}

// candidates are the names that could have been meant, one a line with kind and id.
func candidates(err error) []string {
	var lines []string
	if e, ok := errors.AsType[*core.UnknownError](err); ok {
		for _, p := range e.Candidates {
			lines = append(lines, fmt.Sprintf("%s  %s  id %s", p.Label(), p.Key.Kind.Title(), p.Key.Handle()))
		}
	}
	if e, ok := errors.AsType[*core.AmbiguousError](err); ok {
		for _, p := range e.Candidates {
			lines = append(lines, fmt.Sprintf("%s  %s  id %s", p.Label(), p.Key.Kind.Title(), p.Key.Handle()))
		}
	}
	if e, ok := errors.AsType[*core.AmbiguousResourceError](err); ok {
		lines = e.Meanings()
	}
	if e, ok := errors.AsType[*core.UnknownResourceError](err); ok {
		lines = e.Near
	}
	if e, ok := errors.AsType[*core.UnknownWorkspaceError](err); ok {
		lines = e.Known
	}
	return lines
}
