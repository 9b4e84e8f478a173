package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// maxProofFile is more than any answer takes; what is larger is something else.
const maxProofFile = 64 << 20

// tamperedError says that proofs do not hold: something was changed, or is no longer so.
type tamperedError struct{ text string }

func (e *tamperedError) Error() string { return e.text }

// verifyCommand checks the proofs of an earlier answer again.
func verifyCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      core.VerifyMode,
		Usage:     "check the proofs of an earlier answer of can -o json again, independently of the search that found them",
		ArgsUsage: "PROOF.json",
		Flags:     append(outputFlags(), connectionFlags()...),
		Action:    func(c *cli.Context) error { return verify(c, s) },
	}
}

func verify(c *cli.Context, s streams) error {
	if c.NArg() != 1 {
		return &query.UsageError{Problem: "verify takes one file", Hint: "write verify PROOF.json, with a file that can … -o json wrote"}
	}
	answer, err := readAnswer(c.Args().First())
	if err != nil {
		return err
	}
	checked, err := answered(c, s, core.VerifyMode, standing{}, func(ctx context.Context, engine *core.Engine, show core.Progress) (*report.VerifyReport, error) {
		return engine.Verify(ctx, answer, show)
	})
	if err != nil {
		return err
	}
	switch {
	case len(checked.Proofs) == 0:
		return &tamperedError{"the answer holds no proof: only ALLOW has any"}
	case !checked.Holds:
		return &tamperedError{"not every proof holds: a fact is gone, or the file was changed"}
	}
	return judge(c, checked.Head())
}

// readAnswer reads an answer that can wrote as JSON.
func readAnswer(path string) (*report.CanReport, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the proof: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(file, maxProofFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the proof: %w", err)
	}
	var answer report.CanReport
	if len(raw) > maxProofFile {
		err = errors.New("it is larger than any answer")
	} else {
		err = json.Unmarshal(raw, &answer)
	}
	if err != nil {
		return nil, &tamperedError{fmt.Sprintf("%s is no answer of can in JSON: %v", path, err)}
	}
	return &answer, nil
}
