package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core/query"
)

// The scripts ask the program itself what may come next, by its hidden --generate-bash-completion.
var (
	//go:embed completion.bash
	bashCompletion string
	//go:embed completion.zsh
	zshCompletion string
	//go:embed completion.fish
	fishCompletion string
)

func completionCommand(s streams) *cli.Command {
	shells := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for bash, zsh or fish",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			script, ok := shells[c.Args().First()]
			if !ok || c.NArg() != 1 {
				return &query.UsageError{
					Problem: fmt.Sprintf("no completion for %q", strings.Join(c.Args().Slice(), " ")),
					Hint:    "write completion bash, completion zsh or completion fish",
				}
			}
			_, err := io.WriteString(s.out, script)
			return err
		},
	}
}
