package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

const policyFlag = "policy"

func policyFlags() []cli.Flag {
	return []cli.Flag{&cli.StringFlag{Name: policyFlag, Category: plans, Usage: "judge votes by the policy in `FILE`: the bot's configuration, or the policy alone"}}
}

// voteCommands vote on plans with the caller's own login to Databricks.
func voteCommands(s streams) []*cli.Command {
	command := func(verb, usage string, approve bool) *cli.Command {
		return &cli.Command{
			Name: verb, Usage: usage, ArgsUsage: "PLAN",
			Flags: joined([]cli.Flag{&cli.StringFlag{Name: "reason", Category: plans, Usage: "say why, in the audit trail, with `TEXT`"}},
				policyFlags(), consentFlags(), ledgerFlags(), outputFlags(), connectionFlags()),
			Action: func(c *cli.Context) error { return voteOn(c, s, verb, approve) },
		}
	}
	return []*cli.Command{
		command("approve", "vote for a plan that was asked for in Slack, with your own login to Databricks", true),
		command("reject", "vote against a plan that was asked for in Slack, which ends it", false),
	}
}

// notVotedError says that nobody voted.
type notVotedError struct{ verb, id string }

func (e *notVotedError) Error() string {
	return fmt.Sprintf("there is no vote on plan %s: only the answer yes makes you %s it", e.id, e.verb)
}

func voteOn(c *cli.Context, s streams, verb string, approve bool) error {
	if c.NArg() != 1 || !ledger.ValidPlanID(c.Args().First()) {
		return &query.UsageError{Problem: verb + " takes the id of one plan", Hint: "write " + verb + " p-…, as it was shown in Slack"}
	}
	if c.String(policyFlag) == "" {
		return &query.UsageError{Problem: verb + " needs the policy that plans are voted on by", Hint: "write --policy FILE, with the configuration of the bot"}
	}
	id := c.Args().First()
	policy, err := readPolicy(c.String(policyFlag))
	if err != nil {
		return err
	}
	return withApplier(c, s, func(ctx context.Context, out *output, a *applier) error {
		me, err := a.voter(ctx)
		if err != nil {
			return err
		}
		approvals, err := a.approvals(ctx, core.ApprovalOptions{Login: me.Key, Policy: policy})
		if err != nil {
			return err
		}
		shown, err := approvals.Show(ctx, id)
		if err != nil {
			return err
		}
		if !c.Bool(autoApproveFlag) {
			if err := formatters.Write(s.err, shown, formatters.Options{Format: formatters.Text}); err != nil {
				return err
			}
			fmt.Fprintf(s.err, "You are %s.\n", formatters.EscapeLine(me.Label()))
			yes, err := said(ctx, s, fmt.Sprintf("%s plan %s? Only yes does: ", titled(verb), id))
			if err != nil {
				return err
			}
			if !yes {
				return &notVotedError{verb, id}
			}
		}
		by := a.actor
		by.ID, by.Email = me.Key.ID, me.Name
		got, err := approvals.Vote(ctx, by, id, shown.Plan.Digest, approve, c.String("reason"))
		if err != nil {
			return err
		}
		if out.forPrograms() {
			r, err := approvals.Show(ctx, id)
			if err != nil {
				return err
			}
			return out.write(r)
		}
		fmt.Fprintf(s.out, "Your vote on plan %s is recorded: the plan is %s.\n", id, got.State)
		for _, why := range got.Ruling.Why {
			fmt.Fprintln(s.out, "  "+formatters.EscapeLine(why))
		}
		if got.State == ledger.Approved {
			fmt.Fprintf(s.out, "It may be applied until %s: in Slack, or with %s plan apply %s --policy FILE\n", got.ExpiresAt.Format("2006-01-02 15:04 MST"), name, id)
		}
		return nil
	})
}

func titled(verb string) string { return string(verb[0]-'a'+'A') + verb[1:] }

// voter finds out whose login this is, by the word of a workspace and nothing else: what a profile says of its user proves
// nothing.
func (a *applier) voter(ctx context.Context) (identity.Principal, error) {
	session := a.account.opened.Session()
	workspaces, err := session.Workspaces(ctx)
	if err != nil {
		return identity.Principal{}, fmt.Errorf("find a workspace that says who you are: %w; name one that you may enter with --host", err)
	}
	var reason error
	for _, w := range workspaces {
		if !w.Running() {
			continue
		}
		me, err := session.Caller(ctx, w)
		switch {
		case err != nil:
			reason = err
			continue
		case me.Key.Kind != identity.KindUser || me.Key.ID == "":
			return me, &core.NotAllowedError{Why: fmt.Sprintf("these are the credentials of the %s %s, and only people vote: log in as yourself, such as with databricks auth login and --profile", me.Key.Kind.Title(), me.Label())}
		}
		return me, nil
	}
	if reason == nil {
		reason = errors.New("no workspace is running")
	}
	return identity.Principal{}, fmt.Errorf("find out who you are: %w; name a workspace that you may enter with --host", reason)
}

// approvals are the plans of the ledger under a policy.
func (a *applier) approvals(ctx context.Context, o core.ApprovalOptions) (*core.Approvals, error) {
	p, err := a.account.engine.ResolvePolicy(ctx, o.Policy)
	if err != nil {
		return nil, fmt.Errorf("find whom the policy names: %w", err)
	}
	machine, _ := os.Hostname()
	o.Account, o.Ledger, o.Policy, o.Holder, o.Log = func() core.Writer { return a.account.opened.Session() }, a.ledger, p, holder(machine), a.account.log
	return a.account.engine.Approvals(o), nil
}

// voted carries out a plan that takes votes, which are judged anew.
func (a *applier) voted(ctx context.Context, c *cli.Context, out *output, id string) error {
	if c.String(policyFlag) == "" {
		return &core.RefusedApplyError{Plan: id, Why: "it takes votes, which are judged anew: name the policy with --policy FILE"}
	}
	policy, err := readPolicy(c.String(policyFlag))
	if err != nil {
		return err
	}
	approvals, err := a.approvals(ctx, core.ApprovalOptions{Operator: true, Policy: policy})
	if err != nil {
		return err
	}
	r, _, err := approvals.Apply(ctx, a.actor, id, nil)
	return shown(out, r, err)
}
