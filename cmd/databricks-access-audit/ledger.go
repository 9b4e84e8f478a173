package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ocsf"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
	"databricks-access-audit/formatters"
)

const (
	ledgerFlag    = "ledger"
	ledgerKeyFlag = "ledger-key-file"
	ledgerEnv     = "DATABRICKS_ACCESS_AUDIT_LEDGER"
	ledgerKeyEnv  = "DATABRICKS_ACCESS_AUDIT_LEDGER_KEY"
)

// ledgerFlags say which ledger.
func ledgerFlags() []cli.Flag {
	const category = "LEDGER"
	return []cli.Flag{
		&cli.StringFlag{Name: ledgerFlag, Category: category, EnvVars: []string{ledgerEnv}, Usage: "keep plans and their audit trail in the file `PATH`, or in PostgreSQL at postgres://…", DefaultText: "one for each account, in the state folder"},
		&cli.StringFlag{Name: ledgerKeyFlag, Category: category, EnvVars: []string{ledgerKeyEnv + "_FILE"}, Usage: "prove what is in the ledger with the keys in `FILE`", DefaultText: "PATH.key; the keys may also be in " + ledgerKeyEnv},
	}
}

// whoseFlags say of which account the ledger is, where no account is asked.
func whoseFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "account-id", Usage: "the ledger of the account `ID`", EnvVars: []string{"DATABRICKS_ACCOUNT_ID"}},
		&cli.BoolFlag{Name: "sandbox", Usage: "the ledger of the embedded sample account"},
	}
}

func historyCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  core.HistoryMode,
		Usage: "what was planned and applied, who asked for it and who approved it",
		Flags: slices.Concat([]cli.Flag{&cli.IntFlag{Name: "limit", Usage: "at most `N` plans, the newest", DefaultText: "all"}}, outputFlags(), ledgerFlags(), whoseFlags()),
		Action: func(c *cli.Context) error {
			if err := none(c, "history"); err != nil {
				return err
			}
			if c.Int("limit") < 0 {
				return &query.UsageError{Problem: fmt.Sprintf("--limit %d is no number of plans", c.Int("limit")), Hint: "write 1 or more"}
			}
			out, err := newOutput(c, s, core.HistoryMode)
			if err != nil {
				return err
			}
			return reading(c, s, func(l *ledger.Ledger) error {
				r, err := core.New(core.Options{Version: version()}).History(c.Context, l, c.Int("limit"))
				if err != nil {
					return err
				}
				if !out.forPrograms() && out.path == "" {
					for _, note := range r.Notes { // what keeps plans from being applied is told before them
						fmt.Fprintln(s.out, "Note: "+formatters.EscapeLine(note)+".")
					}
				}
				if err := out.write(r); err != nil {
					return err
				}
				return judge(c, r.Head())
			})
		},
	}
}

func auditCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "audit",
		Usage: "the audit trail of the ledger",
		Subcommands: []*cli.Command{{
			Name:  "verify",
			Usage: "check that no row of the trail was changed, dropped, swapped or put in; with --anchor also that its end was not cut off",
			Flags: slices.Concat([]cli.Flag{
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: outputCategory, Usage: "show the result as `FORMAT`: text, json", Value: string(formatters.Text)},
				&cli.StringFlag{Name: "anchor", Usage: "also check that the trail goes through the heads in `FILE`, which was kept elsewhere"},
			}, ledgerFlags(), whoseFlags()),
			Action: func(c *cli.Context) error { return verifyTrail(c, s) },
		}, {
			Name:  "export",
			Usage: "write the trail as lines of JSON, the oldest row first",
			Flags: slices.Concat([]cli.Flag{
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: outputCategory, Usage: "each row as `FORMAT`: jsonl, as it is kept; ocsf, an event of OCSF " + ocsf.Version + " that carries the row", Value: "jsonl"},
			}, fileFlags(), ledgerFlags(), whoseFlags()),
			Action: func(c *cli.Context) error {
				switch format := c.String("output"); format {
				case "jsonl":
					return dumped(c, s, "audit export", "row", (*ledger.Ledger).Export)
				case "ocsf":
					return dumped(c, s, "audit export", "row", exportOCSF)
				default:
					return &query.UsageError{Problem: fmt.Sprintf("audit export cannot answer as %q", format), Hint: "write -o jsonl or -o ocsf"}
				}
			},
		}},
	}
}

func ledgerCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "ledger",
		Usage: "copies of the ledger, and who is who in it",
		Subcommands: []*cli.Command{{
			Name:  "backup",
			Usage: "write all of the ledger to --output-file FILE, for you alone; its keys are not in it: keep a copy of them elsewhere",
			Flags: slices.Concat(fileFlags(), ledgerFlags(), whoseFlags()),
			Action: func(c *cli.Context) error {
				return dumped(c, s, "ledger backup", "row", (*ledger.Ledger).Backup)
			},
		}, {
			Name:      "restore",
			Usage:     "make the ledger --ledger NEW from a backup and check all of it; the keys of the old one must be at NEW.key, or named",
			ArgsUsage: "BACKUP",
			Flags:     ledgerFlags(),
			Action:    func(c *cli.Context) error { return restoreLedger(c, s) },
		}, {
			Name:   "identities",
			Usage:  "which Databricks user each member in Slack was taken for when first seen, and who is locked",
			Flags:  joined(ledgerFlags(), whoseFlags()),
			Action: func(c *cli.Context) error { return listIdentities(c, s) },
		}, {
			Name:      "clear-identity",
			Usage:     "forget who a member in Slack is, so that they are matched anew; where two were taken for one user, clear both, once their addresses in Slack are right",
			ArgsUsage: "TEAM/MEMBER",
			Flags:     joined([]cli.Flag{&cli.StringFlag{Name: "reason", Usage: "say why, in the audit trail, with `TEXT`"}}, ledgerFlags(), whoseFlags()),
			Action:    func(c *cli.Context) error { return clearIdentity(c, s) },
		}},
	}
}

func fileFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output-file", Usage: "write to `FILE`, for you alone, instead of stdout"},
		&cli.BoolFlag{Name: "force", Usage: "overwrite the output file"},
	}
}

// none refuses arguments.
func none(c *cli.Context, command string) error {
	if c.NArg() > 0 {
		return &query.UsageError{Problem: fmt.Sprintf("%s does not take %q", command, c.Args().First()), Hint: "see " + name + " " + command + " --help"}
	}
	return nil
}

// reading opens the ledger to be read, beside whoever writes it.
func reading(c *cli.Context, s streams, use func(l *ledger.Ledger) error) (err error) {
	o, err := ledgerOptions(c, s, "")
	if err != nil {
		return err
	}
	o.ReadOnly = true
	l, err := ledger.Open(c.Context, o)
	if e, none := errors.AsType[*ledger.NotFoundError](err); none {
		return fmt.Errorf("%w: nothing was planned with it yet, or it is another one: name it with --ledger", e)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return use(l)
}

// ledgerOptions say which ledger is meant, with what keys. The account may be empty: then it is the one that
// flags name, or the only one that has a ledger here.
func ledgerOptions(c *cli.Context, s streams, account string) (ledger.Options, error) {
	if account == "" && c.Bool("sandbox") {
		account = sandbox.AcmeAccountID
	}
	if account == "" {
		account = c.String("account-id")
	}
	o := ledger.Options{Location: c.String(ledgerFlag), Account: account}
	if o.Location == "" {
		path, err := defaultLedger(s.getenv, account)
		if err != nil {
			return o, err
		}
		o.Location = path
	}
	var err error
	switch file, text := c.String(ledgerKeyFlag), s.getenv(ledgerKeyEnv); {
	case file != "":
		o.Keys, err = ledger.ReadKeys(file)
	case text != "":
		o.Keys, err = ledger.ParseKeys(text)
	}
	return o, err
}

var accountID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// defaultLedger is the ledger of an account in the user's state folder.
//
// https://specifications.freedesktop.org/basedir/latest/
func defaultLedger(getenv func(string) string, account string) (string, error) {
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := getenv("HOME")
		if home == "" {
			return "", &query.UsageError{Problem: "there is no home folder to find the ledger in", Hint: "name it with --ledger PATH"}
		}
		state = filepath.Join(home, ".local", "state")
	}
	state = filepath.Join(state, name)
	if account == "" {
		found, err := fs.Glob(os.DirFS(state), "*/ledger.db")
		if err != nil || len(found) != 1 {
			u := &query.UsageError{Problem: "it is not said which ledger is meant", Hint: "name it with --ledger PATH, or its account with --account-id"}
			for _, f := range found {
				u.Hint += "\nthere is one of account " + filepath.Dir(f)
			}
			return "", u
		}
		return filepath.Join(state, found[0]), nil
	}
	if !accountID.MatchString(account) {
		return "", &query.UsageError{Problem: fmt.Sprintf("%q is no account id", account), Hint: "it is shown in the account console, in the menu of the user"}
	}
	return filepath.Join(state, account, "ledger.db"), nil
}

func verifyTrail(c *cli.Context, s streams) error {
	if err := none(c, "audit verify"); err != nil {
		return err
	}
	var anchors []ledger.Anchor
	if file := c.String("anchor"); file != "" {
		var err error
		if anchors, err = (ledger.AnchorFile{Path: file}).Read(); err != nil {
			return fmt.Errorf("read the anchors: %w", err)
		}
	}
	format, err := formatters.ParseFormat(c.String("output"))
	if err == nil && format != formatters.Text && format != formatters.JSON {
		err = fmt.Errorf("audit verify cannot answer as %s", format)
	}
	if err != nil {
		return &query.UsageError{Problem: err.Error(), Hint: "write -o text or -o json"}
	}
	return reading(c, s, func(l *ledger.Ledger) error {
		v, err := l.Verify(c.Context, anchors...)
		tampered, bad := errors.AsType[*ledger.TamperedError](err)
		if err != nil && !bad {
			return err
		}
		r := report.TrailCheck{Name: report.TrailCheckName, SchemaVersion: report.SchemaVersion, ToolVersion: version(), AccountID: l.Account(), Ledger: l.Location(),
			Whole: !bad, Rows: v.Rows, FirstRow: v.First, LastRow: v.Last, AnchorsGiven: len(anchors), AnchorsMet: v.Anchors}
		if v.Last > 0 {
			r.Head = v.Head.String()
		}
		if bad {
			r.Problem = tampered.What
			if tampered.Seq > 0 {
				r.FirstBadRow = &tampered.Seq
			}
		} else if len(anchors) > 0 && v.Anchors == 0 {
			return fmt.Errorf("none of the %d anchors in %s is of this trail, or of a row that is kept: they prove nothing of it", len(anchors), c.String("anchor"))
		}
		return errors.Join(err, formatters.WriteTrailCheck(s.out, format, r))
	})
}

// exportOCSF writes the trail as events of OCSF, one a line.
func exportOCSF(l *ledger.Ledger, ctx context.Context, w io.Writer) (int64, error) {
	buffer := bufio.NewWriter(w)
	n, err := ocsf.Export(ctx, l, func(e ocsf.Event) error { return formatters.WriteLine(buffer, e) })
	return n, errors.Join(err, buffer.Flush())
}

// dumped writes what one of the ledger's methods writes, to a file or to stdout.
func dumped(c *cli.Context, s streams, command, what string, dump func(*ledger.Ledger, context.Context, io.Writer) (int64, error)) error {
	if err := none(c, command); err != nil {
		return err
	}
	out := &output{path: c.String("output-file"), force: c.Bool("force"), s: s}
	if err := out.check(); err != nil {
		return err
	}
	return reading(c, s, func(l *ledger.Ledger) error {
		if out.path == "" {
			_, err := dump(l, c.Context, s.out)
			return err
		}
		var n int64
		err := out.writeFile(out.path, func(w io.Writer) (err error) {
			n, err = dump(l, c.Context, w)
			return err
		})
		if err == nil {
			fmt.Fprintf(s.err, "%d %ss of account %s in %s\n", n, what, formatters.EscapeLine(l.Account()), formatters.EscapeLine(out.path))
		}
		return err
	})
}

func restoreLedger(c *cli.Context, s streams) error {
	if c.NArg() != 1 || c.String(ledgerFlag) == "" {
		return &query.UsageError{Problem: "ledger restore takes one backup and a new place", Hint: "write ledger restore BACKUP --ledger NEW"}
	}
	o, err := ledgerOptions(c, s, "")
	if err != nil {
		return err
	}
	file, err := os.Open(c.Args().First())
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	defer func() { _ = file.Close() }()
	v, err := ledger.Restore(c.Context, o, file)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Restored: the audit trail is whole, from row %d to %d. What came after the backup is lost; anchors of it will say so.\n", v.First, v.Last)
	if !strings.Contains(o.Location, "://") {
		fmt.Fprintf(s.out, "Use it with --ledger %s\n", formatters.EscapeLine(o.Location))
	}
	return nil
}
