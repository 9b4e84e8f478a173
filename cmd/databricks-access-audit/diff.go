package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

const (
	baselineFlag = "baseline"
	exitCodeFlag = "exit-code"
)

// changesError says that a comparison found changes and that the exit code was to say so.
type changesError struct{}

func (changesError) Error() string { return "there are changes" }

// incomparableError says that two readings cannot be compared at all.
type incomparableError struct{ text string }

func (e *incomparableError) Error() string { return e.text }

// diffFlags are the flags of everything that compares.
func diffFlags() []cli.Flag {
	return []cli.Flag{&cli.BoolFlag{Name: exitCodeFlag, Usage: "exit 7 when there are changes; needs --" + baselineFlag + " on other commands than diff"}}
}

// baselineFlags let a question be compared with a file.
func baselineFlags() []cli.Flag {
	return append([]cli.Flag{&cli.StringFlag{Name: baselineFlag, Usage: "show what changed since `FILE`, that --save-snapshot or snapshot save wrote, instead of the answer"}}, diffFlags()...)
}

// diffCommand compares two files, or a file with the account.
func diffCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      core.DiffMode,
		Usage:     "what changed between two snapshots, or since one of the whole account: facts, and what they let people do",
		ArgsUsage: "OLD [NEW]",
		Flags:     append(append(diffFlags(), answerFlags(core.DiffMode)...), connectionFlags()...),
		Action:    func(c *cli.Context) error { return compareSnapshots(c, s) },
	}
}

func compareSnapshots(c *cli.Context, s streams) error {
	if c.NArg() < 1 || c.NArg() > 2 {
		return &query.UsageError{Problem: "diff takes one or two files", Hint: "write diff OLD NEW, or diff OLD to compare with the account as it is now; snapshot save writes such files"}
	}
	if c.NArg() == 2 {
		return compareFiles(c, s)
	}
	if file := c.String("from-snapshot"); file != "" {
		return &query.UsageError{Problem: "diff OLD compares with the account, not with --from-snapshot", Hint: fmt.Sprintf("write diff %s %s", c.Args().First(), file)}
	}
	before, err := load(c.Args().First())
	if err != nil {
		return err
	}
	r, err := answered(c, s, core.DiffMode, standing{}, func(ctx context.Context, engine *core.Engine, show core.Progress) (*report.DiffReport, error) {
		return engine.Since(ctx, before, show)
	})
	if err != nil {
		return err
	}
	return judgeDiff(c, r)
}

// offlineConflicts are flags that mean nothing where no account is asked.
var offlineConflicts = []string{"sandbox", "from-snapshot", "save-snapshot", "profile", "host", "account-id", "cloud", "client-id", "client-secret", "timeout"}

// offline makes an engine that asks no account. Flags that say something all the same are allowed by name.
func offline(c *cli.Context, command string, allowed ...string) (*core.Engine, error) {
	for _, flag := range offlineConflicts {
		if c.IsSet(flag) && !slices.Contains(allowed, flag) {
			return nil, &query.UsageError{Problem: fmt.Sprintf("%s asks no account: it cannot honour --%s", command, flag), Hint: "leave it out"}
		}
	}
	rules, err := engineOptions(c.StringSlice("engine-option"))
	if err != nil {
		return nil, err
	}
	return core.New(core.Options{Rules: rules, Version: version()}), nil
}

func compareFiles(c *cli.Context, s streams) error {
	out, err := newOutput(c, s, core.DiffMode)
	if err != nil {
		return err
	}
	engine, err := offline(c, "diff OLD NEW")
	if err != nil {
		return err
	}
	before, err := load(c.Args().Get(0))
	if err != nil {
		return err
	}
	after, err := load(c.Args().Get(1))
	if err != nil {
		return err
	}
	r := engine.Diff(before, after)
	if err := out.write(r); err != nil {
		return err
	}
	return judgeDiff(c, r)
}

// against compares the facts of a question with those of a file.
func against(c *cli.Context, s streams, request query.Request, file string) error {
	baseline, err := load(file)
	if err != nil {
		return err
	}
	r, err := answered(c, s, core.DiffMode, standingFor(request), func(ctx context.Context, engine *core.Engine, show core.Progress) (*report.DiffReport, error) {
		return engine.Against(ctx, request, baseline, show)
	})
	if err != nil {
		return err
	}
	return judgeDiff(c, r)
}

// judgeDiff turns a comparison into the error for its exit code: that it could not be made goes before
// that it is incomplete, and that before what it found.
func judgeDiff(c *cli.Context, r *report.DiffReport) error {
	if !r.Comparable {
		return &incomparableError{fmt.Sprintf("the two readings are of different accounts, %s and %s: nothing was compared", r.Before.AccountID, r.After.AccountID)}
	}
	if err := judge(c, r.Head()); err != nil {
		return err
	}
	if c.Bool(exitCodeFlag) && r.HasChanges {
		return changesError{}
	}
	return nil
}

// snapshotCommand saves the whole account, and shows what a file holds.
func snapshotCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  core.SnapshotMode,
		Usage: "the facts of a whole account as a file",
		Subcommands: []*cli.Command{{
			Name:  "save",
			Usage: "read the whole account and write the facts to --output-file FILE, for you alone",
			Flags: slices.Concat(elevationFlags(), outputFlags(), connectionFlags()),
			Action: func(c *cli.Context) error {
				return saveSnapshot(c, s)
			},
		}, {
			Name:      "show",
			Usage:     "what is in a file: of which account, when it was read, how much, and what is missing",
			ArgsUsage: "FILE",
			Flags:     append(outputFlags(), connectionFlags()...),
			Action:    func(c *cli.Context) error { return showSnapshot(c, s) },
		}},
	}
}

func saveSnapshot(c *cli.Context, s streams) error {
	switch {
	case c.NArg() > 0:
		return &query.UsageError{Problem: fmt.Sprintf("snapshot save does not take %q", c.Args().First()), Hint: "write snapshot save --output-file FILE"}
	case c.String("output-file") == "":
		return &query.UsageError{Problem: "snapshot save needs a file", Hint: "write snapshot save --output-file FILE"}
	case c.IsSet("from-snapshot"):
		return &query.UsageError{Problem: "snapshot save reads the account, not --from-snapshot", Hint: "copy the file, or leave the flag out"}
	case c.IsSet("save-snapshot"):
		return &query.UsageError{Problem: "--save-snapshot and --output-file name two files for the same facts", Hint: "leave --save-snapshot out"}
	}
	file := c.String("output-file")
	for flag, value := range map[string]string{"save-snapshot": file, "output-file": ""} { // the file is the facts, not the answer
		if err := c.Set(flag, value); err != nil {
			return fmt.Errorf("take the output file for the snapshot: %w", err)
		}
	}
	r, err := answered(c, s, core.SnapshotMode, standing{right: identity.WorkspaceAdmin}, func(ctx context.Context, engine *core.Engine, show core.Progress) (*report.SnapshotReport, error) {
		r, err := engine.Snapshot(ctx, show)
		if r != nil {
			r.File = file
		}
		return r, err
	})
	if err != nil {
		return err
	}
	return judge(c, r.Head())
}

func showSnapshot(c *cli.Context, s streams) error {
	if c.NArg() != 1 {
		return &query.UsageError{Problem: "snapshot show takes one file", Hint: "write snapshot show FILE"}
	}
	out, err := newOutput(c, s, core.SnapshotMode)
	if err != nil {
		return err
	}
	engine, err := offline(c, "snapshot show")
	if err != nil {
		return err
	}
	saved, err := load(c.Args().First())
	if err != nil {
		return err
	}
	r := engine.Describe(saved)
	if err := out.write(r); err != nil {
		return err
	}
	return judge(c, r.Head())
}
