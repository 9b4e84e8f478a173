package main

import (
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
)

const savePlanFlag = "save-plan"

// maxPlanFile is more than any plan takes.
const maxPlanFile = 16 << 20

// planCommand shows plans that were kept.
func planCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  core.PlanMode,
		Usage: "plans that clone --save-plan wrote: show them, carry them out",
		Subcommands: []*cli.Command{{
			Name:      "show",
			Usage:     "what a plan would change, for whom, and until when it may be applied",
			ArgsUsage: "FILE",
			Flags:     append(answerFlags(core.PlanMode), connectionFlags()...),
			Action:    func(c *cli.Context) error { return showPlan(c, s) },
		}, applyCommand(s)},
	}
}

func showPlan(c *cli.Context, s streams) error {
	if c.NArg() != 1 {
		return &query.UsageError{Problem: "plan show takes one file", Hint: "write plan show FILE, with a file that clone --save-plan wrote"}
	}
	out, err := newOutput(c, s, core.PlanMode)
	if err != nil {
		return err
	}
	engine, err := offline(c, "plan show")
	if err != nil {
		return err
	}
	file, err := readFile(c.Args().First(), maxPlanFile)
	if err != nil {
		return err
	}
	r, err := engine.ShowPlan(c.Args().First(), file)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Args().First(), err)
	}
	if err := out.write(r); err != nil {
		return err
	}
	return judge(c, r.Head())
}

// readFile reads a file of at most so many bytes, and one more of a longer one.
func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b, nil
}
