package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

const (
	applyFlag       = "apply"
	autoApproveFlag = "auto-approve"
	uncertainFlag   = "uncertain"
)

const plans = "PLANS"

func consentFlags() []cli.Flag {
	return []cli.Flag{&cli.BoolFlag{Name: autoApproveFlag, Category: plans, Usage: "do not ask: for scripts"}}
}

func applyCommand(s streams) *cli.Command {
	return &cli.Command{
		Name: "apply", Usage: "carry a plan out: a file that clone --save-plan wrote, or one of the ledger by its id", ArgsUsage: "FILE|ID",
		Flags:  joined(policyFlags(), consentFlags(), ledgerFlags(), outputFlags(), connectionFlags()),
		Action: func(c *cli.Context) error { return applyPlan(c, s) },
	}
}

// recoveryCommands go on with plans and take them back.
func recoveryCommands(s streams) []*cli.Command {
	return []*cli.Command{{
		Name: "resume", Usage: "go on with a plan that stopped on the way, or whose program ended", ArgsUsage: "ID",
		Flags: joined(policyFlags(), ledgerFlags(), outputFlags(), connectionFlags()),
		Action: func(c *cli.Context) error {
			return onPlan(c, s, "resume", func(ctx context.Context, out *output, a *applier, id string) error {
				policy, err := a.VotedUnder(ctx, id)
				if err != nil {
					return err
				}
				if policy != "" {
					return a.voted(ctx, c, out, id)
				}
				r, err := a.Resume(ctx, id)
				return shown(out, r, err)
			})
		},
	}, {
		Name: "undo", Usage: "take back what a plan gave: what it made so, and nobody changed since", ArgsUsage: "ID",
		Description: "Nothing is asked: it takes back only what the plan gave, says what before it does, and has no --auto-approve.",
		Flags: joined([]cli.Flag{&cli.BoolFlag{Name: uncertainFlag, Category: plans, Usage: "also steps of which it is not certain that the plan made the change"}},
			ledgerFlags(), outputFlags(), connectionFlags()),
		Action: func(c *cli.Context) error {
			return onPlan(c, s, "undo", func(ctx context.Context, out *output, a *applier, id string) error {
				r, err := a.Undo(ctx, id, c.Bool(uncertainFlag))
				return shown(out, r, err)
			})
		},
	}, {
		Name: "expire", Usage: "take back what plans gave for a time that is over",
		Flags:  joined(ledgerFlags(), outputFlags(), connectionFlags()),
		Action: func(c *cli.Context) error { return expirePlans(c, s) },
	}}
}

func joined(lists ...[]cli.Flag) []cli.Flag {
	var all []cli.Flag
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// notApprovedError says that nobody consented.
type notApprovedError struct{ id string }

func (e *notApprovedError) Error() string {
	return fmt.Sprintf("plan %s was not applied: only the answer yes applies it", e.id)
}

// applier is an Applier on an account, with the ledger that it keeps.
type applier struct {
	*core.Applier
	account *account
	ledger  *ledger.Ledger
	actor   ledger.Actor
}

// applierOf opens the ledger of an account that was connected to.
func applierOf(c *cli.Context, s streams, a *account) (*applier, error) {
	id := a.opened.Identity()
	o, err := ledgerOptions(c, s, id.AccountID)
	if err != nil {
		return nil, err
	}
	if c.Bool("sandbox") && c.String(ledgerFlag) == "" {
		o.Location = ledger.Memory // it is gone with the account
	}
	o.Log = a.log
	l, err := ledger.Open(c.Context, o)
	if err != nil {
		return nil, err
	}
	a.close = append(a.close, l.Close)
	who := firstOf(id.User, id.ClientID, id.Profile, id.AuthType)
	machine, _ := os.Hostname()
	actor := ledger.Actor{ID: who, Host: machine, Via: "cli", Tool: version()}
	return &applier{account: a, ledger: l, actor: actor, Applier: a.engine.Applier(core.Applying{
		Account: a.opened.Session(), Ledger: l, Actor: actor, Holder: holder(machine), Announce: announcing(s.err),
	})}, nil
}

// announcing says what is taken back before it is: nobody is asked, since it is nothing but what plans gave.
func announcing(w io.Writer) func(id, parent string, steps []string) {
	return func(id, parent string, steps []string) {
		fmt.Fprintf(w, "Plan %s takes back what plan %s gave:\n", id, parent)
		for _, s := range steps {
			fmt.Fprintln(w, "  "+formatters.EscapeLine(s))
		}
	}
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return "unknown"
}

// holder names this process among all that there ever are.
func holder(machine string) string {
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	return fmt.Sprintf("%s/%d/%s", machine, os.Getpid(), hex.EncodeToString(random))
}

// withApplier connects, opens the ledger, does the work and prints what came of it.
func withApplier(c *cli.Context, s streams, work func(ctx context.Context, out *output, a *applier) error) error {
	out, err := newOutput(c, s, core.ApplyMode)
	if err != nil {
		return err
	}
	if c.IsSet("from-snapshot") {
		return &query.UsageError{Problem: "a plan is applied to an account, not to a snapshot", Hint: "leave --from-snapshot out"}
	}
	a, err := connect(c, s)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // what was done is in the ledger by then
	ap, err := applierOf(c, s, a)
	if err != nil {
		return err
	}
	return work(c.Context, out, ap)
}

func applyPlan(c *cli.Context, s streams) error {
	if c.NArg() != 1 {
		return &query.UsageError{Problem: "plan apply takes one plan", Hint: "write plan apply FILE, with a file that clone --save-plan wrote, or plan apply ID"}
	}
	given := c.Args().First()
	return withApplier(c, s, func(ctx context.Context, out *output, a *applier) error {
		id := given
		if !ledger.ValidPlanID(given) {
			file, err := readFile(given, maxPlanFile)
			if err != nil {
				return err
			}
			if id, err = a.Keep(ctx, file); err != nil {
				return fmt.Errorf("%s: %w", given, err)
			}
		}
		return a.apply(ctx, c, s, out, id, true)
	})
}

// cloneAndApply makes a plan, shows it, asks for consent and carries it out.
func cloneAndApply(c *cli.Context, s streams, request query.Request) error {
	return withApplier(c, s, func(ctx context.Context, out *output, a *applier) error {
		show, done := newProgress(c.String("progress"), s)
		answer, err := a.account.engine.Answer(ctx, request, show)
		done()
		if err != nil {
			return advised(err)
		}
		made, ok := answer.(*report.CloneReport)
		if !ok {
			panic("a question for a plan was answered by another report")
		}
		open := made.Plan.Applyable && !made.Interrupted
		if open && (out.forPrograms() || out.path != "") {
			err = formatters.Write(s.err, answer, formatters.Options{Format: formatters.Text}) // the answer is what comes of it
		} else {
			err = out.write(answer)
		}
		if err := errors.Join(err, out.save(a.account.kept), out.savePlan(a.account.plan)); err != nil {
			return err
		}
		if err := judge(c, answer.Head()); err != nil || !open {
			return err
		}
		id, err := a.Keep(ctx, a.account.plan)
		if err != nil {
			return err
		}
		return a.apply(ctx, c, s, out, id, false)
	})
}

// apply asks for consent, where there is none yet, and carries the plan out.
func (a *applier) apply(ctx context.Context, c *cli.Context, s streams, out *output, id string, show bool) error {
	waits, err := a.Waits(ctx, id)
	if err != nil {
		return err
	}
	policy, err := a.VotedUnder(ctx, id)
	if err != nil {
		return err
	}
	if policy != "" {
		return a.voted(ctx, c, out, id)
	}
	if waits {
		if !c.Bool(autoApproveFlag) {
			if err := a.preview(ctx, c, s, id, show); err != nil {
				return err
			}
		}
		if err := askedYes(ctx, c, s, id); err != nil {
			return err
		}
		if err := a.Consent(ctx, id); err != nil {
			return err
		}
	}
	r, err := a.Apply(ctx, id)
	return shown(out, r, err)
}

// preview shows a plan, and what would come of it, before consent to it is asked for; nobody is asked about what the caller may
// not carry out, or about what would no longer come of it.
func (a *applier) preview(ctx context.Context, c *cli.Context, s streams, id string, show bool) error {
	if !show { // it was just now
		_, err := a.Preview(ctx, id)
		return err
	}
	progress, done := newProgress(c.String("progress"), s)
	r, err := a.Foretell(ctx, id, progress)
	done()
	if r == nil {
		return err
	}
	return errors.Join(formatters.Write(s.err, r, formatters.Options{Format: formatters.Text}), err)
}

// askedYes asks whether to apply a plan. Exactly yes is consent.
func askedYes(ctx context.Context, c *cli.Context, s streams, id string) error {
	if c.Bool(autoApproveFlag) {
		return nil
	}
	yes, err := said(ctx, s, fmt.Sprintf("Apply plan %s? Only yes applies it: ", id))
	if err == nil && !yes {
		err = &notApprovedError{id}
	}
	return err
}

// said asks a question, and reports whether the answer is exactly yes.
func said(ctx context.Context, s streams, question string) (yes bool, err error) {
	fmt.Fprint(s.err, question)
	answered := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(io.LimitReader(s.in, 1<<10)).ReadString('\n')
		answered <- strings.TrimSuffix(strings.TrimSuffix(answer, "\n"), "\r")
	}()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case answer := <-answered:
		return answer == "yes", nil
	}
}

// shown prints how a plan stands, whatever came of it.
func shown(out *output, r *report.CloneReport, err error) error {
	if r == nil {
		return err
	}
	return errors.Join(err, out.write(r))
}

// onPlan does something with a plan of the ledger.
func onPlan(c *cli.Context, s streams, verb string, work func(ctx context.Context, out *output, a *applier, id string) error) error {
	if c.NArg() != 1 || !ledger.ValidPlanID(c.Args().First()) {
		return &query.UsageError{Problem: verb + " takes the id of one plan", Hint: "write " + verb + " p-…, as plan apply showed it"}
	}
	return withApplier(c, s, func(ctx context.Context, out *output, a *applier) error {
		return work(ctx, out, a, c.Args().First())
	})
}

func expirePlans(c *cli.Context, s streams) error {
	if c.NArg() != 0 {
		return &query.UsageError{Problem: "expire takes no plan", Hint: "it looks at all whose time is over; write undo ID for one of them before that"}
	}
	return withApplier(c, s, func(ctx context.Context, out *output, a *applier) error {
		list, err := a.Expire(ctx)
		if len(list) == 0 && err == nil {
			_, err = fmt.Fprintln(s.err, "no plan's time is over")
		}
		for _, r := range list {
			err = errors.Join(err, out.write(r))
		}
		return err
	})
}
