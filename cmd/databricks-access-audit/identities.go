package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

func listIdentities(c *cli.Context, s streams) error {
	if err := none(c, "ledger identities"); err != nil {
		return err
	}
	return reading(c, s, func(l *ledger.Ledger) error {
		pins, err := l.Pins(c.Context, "")
		if err != nil {
			return err
		}
		if len(pins) == 0 {
			_, err := fmt.Fprintln(s.err, "nobody in Slack was matched to a Databricks user yet")
			return err
		}
		table := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "MEMBER\tDATABRICKS USER\tE-MAIL\tSINCE\tSTATE")
		for _, p := range pins {
			state := "ok"
			if p.Locked {
				state = "locked"
			}
			cells := []string{core.Member{Team: p.Team, Member: p.Member}.String(), p.Principal, p.Email, p.PinnedAt.Format("2006-01-02 15:04 MST"), state}
			for i := range cells {
				cells[i] = formatters.EscapeLine(cells[i])
			}
			fmt.Fprintln(table, strings.Join(cells, "\t"))
		}
		return table.Flush()
	})
}

func clearIdentity(c *cli.Context, s streams) (err error) {
	team, member, ok := strings.Cut(c.Args().First(), "/")
	if c.NArg() != 1 || !ok || team == "" || member == "" {
		return &query.UsageError{Problem: "clear-identity takes one member", Hint: "write ledger clear-identity TEAM/MEMBER, as ledger identities shows it"}
	}
	o, err := ledgerOptions(c, s, "")
	if err != nil {
		return err
	}
	if err := reading(c, s, func(*ledger.Ledger) error { return nil }); err != nil {
		return err // to open one to be written would make one
	}
	l, err := ledger.Open(c.Context, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	directory := core.New(core.Options{Version: version()}).Directory(core.DirectoryOptions{Ledger: l})
	pin, err := directory.Clear(c.Context, loggedIn(), core.Member{Team: team, Member: member}, c.String("reason"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "Forgotten: %s/%s was Databricks user %s (%s). They are matched anew when they are seen next.\n",
		formatters.EscapeLine(team), formatters.EscapeLine(member), formatters.EscapeLine(pin.Principal), formatters.EscapeLine(pin.Email))
	return err
}
