package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/bot/settings"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

// longestReason is the longest reason, in characters, that is shown whole wherever somebody is kept from applying.
const longestReason = 200

// killSwitch are the commands that stop all applying with a ledger, and let it go on.
func killSwitch(s streams) []*cli.Command {
	flags := func() []cli.Flag {
		return joined([]cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "say why, in the audit trail and to all who are kept from applying, with `TEXT`; required"},
			&cli.StringFlag{Name: "config", Usage: "of the ledger that the bot's configuration `FILE` names"},
		}, ledgerFlags(), whoseFlags())
	}
	return []*cli.Command{{
		Name:  "pause-approvals",
		Usage: "the kill switch: nothing is approved, applied, undone or taken back with the ledger, by any bot or command, until resume-approvals",
		Description: "It is looked at before every step. A plan that is being carried out stops before its next step and becomes\n" +
			"partially applied, or failed where nothing was changed yet; what was begun is brought to its end. Votes are\n" +
			"taken, but for the one that would approve a plan: that one is refused, and has to be given again.\n" +
			"Taking back stops as well: undo is refused, and what was given for a time stays beyond its end and is\n" +
			"marked overdue until it goes on. A running bot has a ledger in a file for itself: stop it for as long as\n" +
			"this takes, or write applies: off in its configuration and send it SIGHUP.",
		Flags:  flags(),
		Action: func(c *cli.Context) error { return pause(c, s) },
	}, {
		Name:  "resume-approvals",
		Usage: "let plans be approved and applied again after pause-approvals",
		Description: "Plans that stopped on the way are not gone on with by that: resume or undo them, see history. What was\n" +
			"given for a time that is over by now is taken back by the bot, or by expire.",
		Flags:  flags(),
		Action: func(c *cli.Context) error { return unpause(c, s) },
	}}
}

// pause halts all applying. Where somebody has halted it already, that stands.
func pause(c *cli.Context, s streams) error {
	return switching(c, s, func(tx *ledger.Tx, by ledger.Actor, reason string) (string, error) {
		halted, err := whoHalted(tx)
		switch {
		case err != nil:
			return "", err
		case halted != nil:
			return fmt.Sprintf("All applying is halted already, and that stays so: %s.", formatters.EscapeLine(halted.Why())), nil
		default:
			return fmt.Sprintf("Halted: with this ledger nothing is approved, applied or undone from now on, and what was given for a time is not taken back. The reason is: %s.\nTo end that: %s bot resume-approvals --reason TEXT",
				formatters.EscapeLine(reason), name), tx.Halt(by, reason)
		}
	})
}

// unpause ends what pause began. Where nothing is halted, nothing is written.
func unpause(c *cli.Context, s streams) error {
	return switching(c, s, func(tx *ledger.Tx, by ledger.Actor, reason string) (string, error) {
		halted, err := whoHalted(tx)
		switch {
		case err != nil:
			return "", err
		case halted == nil:
			return "Nothing was halted: plans may be applied.", nil
		default:
			return fmt.Sprintf("Plans may be applied again. What kept them was: %s.", formatters.EscapeLine(halted.Why())), tx.Resume(by, reason)
		}
	})
}

// whoHalted is nil where plans may be applied. A trail that was changed is an error.
func whoHalted(tx *ledger.Tx) (*ledger.HaltedError, error) {
	err := tx.Halted()
	halted, is := errors.AsType[*ledger.HaltedError](err)
	if err == nil || is && !tampered(err) {
		return halted, nil
	}
	return nil, err
}

// switching does something with a ledger that is there already, for who is logged in to the machine, and prints what it says.
func switching(c *cli.Context, s streams, work func(tx *ledger.Tx, by ledger.Actor, reason string) (said string, err error)) (err error) {
	command := c.Command.Name
	if err := none(c, "bot "+command); err != nil {
		return err
	}
	reason := strings.TrimSpace(c.String("reason"))
	if reason == "" {
		return &query.UsageError{Problem: "bot " + command + " takes a reason", Hint: "write bot " + command + " --reason TEXT: it is shown to all who want to apply something"}
	}
	if utf8.RuneCountInString(reason) > longestReason {
		return &query.UsageError{Problem: fmt.Sprintf("the reason is longer than %d characters", longestReason), Hint: "say it shorter, and name where the rest is written"}
	}
	o, err := switchedLedger(c, s)
	if err != nil {
		return err
	}
	if err := reading(c, s, func(*ledger.Ledger) error { return nil }); err != nil {
		return err // to open one to be written would make one
	}
	l, err := ledger.Open(c.Context, o)
	if is[*ledger.BusyError](err) {
		return fmt.Errorf("nothing was changed: %w; where that is a bot, stop it for as long as this takes, or write applies: off in its configuration and send it SIGHUP", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	said := ""
	err = l.Do(c.Context, func(tx *ledger.Tx) (err error) {
		said, err = work(tx, loggedIn(), reason)
		return err
	})
	if err == nil {
		_, err = fmt.Fprintln(s.out, said)
	}
	return err
}

// switchedLedger is the ledger that a bot's configuration names, or else the flags. What the configuration says is put into the flags.
func switchedLedger(c *cli.Context, s streams) (ledger.Options, error) {
	path := c.String("config")
	if path == "" {
		return ledgerOptions(c, s, "")
	}
	set, err := settings.Read(path)
	if err != nil {
		return ledger.Options{}, err
	}
	if account := set.Databricks.AccountID; account != "" && !c.IsSet("account-id") {
		if err := c.Set("account-id", account); err != nil {
			return ledger.Options{}, fmt.Errorf("databricks.account_id: %w", err)
		}
	}
	return botLedger(c, s, set.Ledger, "")
}

// loggedIn is who runs the program, as the machine knows them.
func loggedIn() ledger.Actor {
	machine, _ := os.Hostname()
	by := ledger.Actor{Host: machine, Via: "cli", Tool: version()}
	if who, err := user.Current(); err == nil {
		by.ID = who.Username
	}
	return by
}
