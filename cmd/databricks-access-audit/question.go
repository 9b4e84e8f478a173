package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// questionCommand is the command that asks one question of the grammar.
func questionCommand(s streams, form query.Form) *cli.Command {
	return &cli.Command{
		Name:      form.Mode,
		Usage:     form.About,
		ArgsUsage: strings.Join(form.Args, " "),
		Flags:     slices.Concat(grammarFlags(form), comparing(form.Mode), planning(form.Mode), extraFlags(form.Mode), answerFlags(form.Mode), connectionFlags()),
		Action:    func(c *cli.Context) error { return ask(c, s, form) },
	}
}

// grammarFlags are the flags of the question itself.
func grammarFlags(form query.Form) []cli.Flag {
	var flags []cli.Flag
	for _, f := range form.Flags {
		if f.Value == "" {
			flags = append(flags, &cli.BoolFlag{Name: f.Name, Usage: f.Usage})
			continue
		}
		flags = append(flags, &cli.StringFlag{Name: f.Name, Usage: f.Usage + ", as `" + f.Value + "`"})
	}
	return flags
}

// comparing are the flags by which the facts of a question are compared with a file, where they can be.
func comparing(mode string) []cli.Flag {
	if !slices.Contains(core.Baselines(), mode) {
		return nil
	}
	return baselineFlags()
}

// maxScript is more than any script of changes takes.
const maxScript = 64 << 20

// withFiles reads the files that a question names.
func withFiles(request query.Request) (query.Request, error) {
	q, ok := request.(query.WhatIf)
	if !ok {
		return request, nil
	}
	for _, f := range []struct {
		path string
		text *string
	}{{q.SQLFile, &q.SQL}, {q.TerraformFile, &q.Terraform}} {
		if f.path == "" {
			continue
		}
		b, err := readFile(f.path, maxScript)
		if err != nil {
			return nil, err
		}
		if len(b) == 0 || len(b) > maxScript {
			return nil, &query.UsageError{Problem: f.path + " is empty, or longer than any script of changes", Hint: "name another file"}
		}
		*f.text = string(b)
	}
	return q, nil
}

// planning is the flag by which a plan is kept, where one is made.
func planning(mode string) []cli.Flag {
	if mode != (query.Clone{}).Mode() {
		return nil
	}
	return joined([]cli.Flag{
		&cli.StringFlag{Name: savePlanFlag, Usage: "write the plan to `FILE`, for you alone; plan show FILE shows it"},
		&cli.BoolFlag{Name: applyFlag, Category: plans, Usage: "ask for consent, and carry the plan out"},
	}, consentFlags(), ledgerFlags())
}

// ask puts the question to the engine and prints the answer.
func ask(c *cli.Context, s streams, form query.Form) error {
	request, err := form.Request(c.Args().Slice(), c)
	if err != nil {
		return err
	}
	if request, err = withFiles(request); err != nil {
		return err
	}
	who, _ := request.(query.Principal)
	switch file := c.String(baselineFlag); {
	case file != "" && who.LastUse.Days > 0:
		return &query.UsageError{Problem: "a comparison does not tell what was used: it cannot honour --stale-days", Hint: "leave out --stale-days, or ask without --" + baselineFlag}
	case file != "":
		return against(c, s, request, file)
	case c.IsSet(baselineFlag):
		return &query.UsageError{Problem: "--" + baselineFlag + " is empty", Hint: "name a file that --save-snapshot or snapshot save wrote"}
	case c.IsSet(exitCodeFlag):
		return &query.UsageError{Problem: "--" + exitCodeFlag + " is about changes, and there is nothing to compare with", Hint: "add --" + baselineFlag + " FILE"}
	}
	if c.Bool(applyFlag) {
		return cloneAndApply(c, s, request)
	}
	if c.IsSet(autoApproveFlag) {
		return &query.UsageError{Problem: "--" + autoApproveFlag + " is about applying the plan", Hint: "add --" + applyFlag}
	}
	answer, err := answered(c, s, form.Mode, standingFor(request), func(ctx context.Context, engine *core.Engine, show core.Progress) (report.Report, error) {
		return engine.Answer(ctx, request, show)
	})
	if err != nil {
		return err
	}
	if err := judge(c, answer.Head()); err != nil {
		return err
	}
	return verdictError(answer)
}

// answered connects, has the engine answer, and prints the answer.
//
// While the engine reads, the caller is ADMIN of the workspaces that are needed, if that was asked for.
func answered[R report.Report](c *cli.Context, s streams, mode string, n standing, answer func(context.Context, *core.Engine, core.Progress) (R, error)) (R, error) {
	var none R
	out, err := newOutput(c, s, mode)
	if err != nil {
		return none, err
	}
	a, err := connect(c, s)
	if err != nil {
		return none, err
	}
	defer func() { _ = a.Close() }() // the answer is out by then
	ctx, cancel := withTimeout(c)
	defer cancel()
	var r R
	done := false
	elevations, err := a.elevated(ctx, c, s, n, func() (err error) {
		show, stop := newProgress(c.String("progress"), s)
		defer stop()
		r, err = answer(ctx, a.engine, show)
		done = err == nil
		return err
	})
	if !done {
		return none, advised(err)
	}
	r.Head().Elevations = elevations
	if doctor, ok := any(r).(*report.DoctorReport); ok {
		err = a.examined(c.Context, c, s, doctor) // --timeout is about reading
	}
	// What was not put back goes before all else that the exit code could say.
	if failed := errors.Join(out.write(r), out.save(a.kept), out.savePlan(a.plan)); failed != nil || err != nil {
		return none, cmp.Or(err, failed)
	}
	return r, nil
}

// verdictError turns a verdict other than ALLOW into the error for its exit code.
func verdictError(answer report.Report) error {
	r, ok := answer.(*report.CanReport)
	switch {
	case !ok || r.Verdict == report.Allow:
		return nil
	case r.Verdict == report.Unknown:
		return &incompleteError{"the answer is UNKNOWN: something that decides it was not read"}
	default:
		return &noError{r.Verdict}
	}
}

// advised adds what to do when the account refuses to tell what every answer needs.
func advised(err error) error {
	if f := identity.FailureOf(err); f.Kind != identity.Forbidden || f.Advised {
		return err
	}
	return fmt.Errorf("%w; give the caller the account admin role, and run %s doctor to see what it can read", err, name)
}

// judge turns an answer that is less than was asked for into the error for its exit code.
func judge(c *cli.Context, head *report.Envelope) error {
	coverage := head.Coverage
	if head.Interrupted {
		return interruptedError{}
	}
	if c.Bool("strict") && !coverage.Complete {
		reads := "needed reads are"
		if coverage.Blocking() == 1 {
			reads = "needed read is"
		}
		return &incompleteError{fmt.Sprintf("the answer is incomplete: %d %s missing", coverage.Blocking(), reads)}
	}
	if want := c.Float64("require-coverage"); want > 0 && coverage.Planned > 0 {
		have := 100 * float64(coverage.Planned-coverage.Blocking()) / float64(coverage.Planned)
		if have < want {
			return &incompleteError{fmt.Sprintf("the answer rests on %.1f %% of the needed reads, less than %g %%", have, want)}
		}
	}
	return nil
}
