package main

import "github.com/urfave/cli/v2"

func botCommand(s streams) *cli.Command {
	return &cli.Command{Name: "bot", Usage: "answer in Slack"}
}
