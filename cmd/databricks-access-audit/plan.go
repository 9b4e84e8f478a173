package main

import (
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
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
			Usage:     "what a plan would change, for whom, how it stands, and until when it may be applied",
			ArgsUsage: "FILE|ID",
			Description: "FILE is what clone --save-plan wrote. ID is a plan of the ledger; whatever is spelled like an id is one, so write ./p-… for a file of such a name. " +
				"Databricks is asked nothing: what would come of the plan is shown by plan apply, before it asks for consent.",
			Flags:  joined(ledgerFlags(), answerFlags(core.PlanMode), connectionFlags()),
			Action: func(c *cli.Context) error { return showPlan(c, s) },
		}, applyCommand(s)},
	}
}

func showPlan(c *cli.Context, s streams) error {
	if c.NArg() != 1 {
		return &query.UsageError{Problem: "plan show takes one plan", Hint: "write plan show FILE, with a file that clone --save-plan wrote, or plan show ID"}
	}
	out, err := newOutput(c, s, core.PlanMode)
	if err != nil {
		return err
	}
	given := c.Args().First()
	kept := ledger.ValidPlanID(given)
	var says []string
	if kept {
		says = []string{"sandbox", "account-id"} // of which account the ledger is
	}
	engine, err := offline(c, "plan show", says...)
	if err != nil {
		return err
	}
	var r *report.CloneReport
	if kept {
		err = reading(c, s, func(l *ledger.Ledger) (err error) {
			r, err = engine.KeptPlan(c.Context, l, given)
			return err
		})
	} else {
		r, err = planInFile(engine, given)
	}
	if err != nil {
		return err
	}
	if err := out.write(r); err != nil {
		return err
	}
	return judge(c, r.Head())
}

func planInFile(engine *core.Engine, path string) (*report.CloneReport, error) {
	file, err := readFile(path, maxPlanFile)
	if err != nil {
		return nil, err
	}
	r, err := engine.ShowPlan(path, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
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
