package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/bot"
	"databricks-access-audit/bot/console"
	"databricks-access-audit/bot/settings"
	"databricks-access-audit/core"
	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
)

// samplePolicy is who may do what with plans in the sample account: all of its staff may ask, and carol and dave approve.
const samplePolicy = `
requesters:
  - {from: {group: all-staff}, for: anyone}
rules:
  - id: sample
    approvers:
      - {name: data owners, users: [carol@acme.test]}
      - {name: security, users: [dave@acme.test]}
    min_approvals: 1
    channels: any
free_undo: true
`

// tryPlans adds the plans of the sample account to a console. All of it is in memory, and gone with the account.
func tryPlans(ctx context.Context, a *account, o *console.Options) error {
	l, err := ledger.Open(ctx, ledger.Options{Location: ledger.Memory, Account: a.opened.Identity().AccountID, Log: a.log})
	if err != nil {
		return err
	}
	a.close = append(a.close, l.Close)
	policy, err := consent.Parse([]byte(samplePolicy))
	if err != nil {
		return fmt.Errorf("the policy of the sample account: %w", err)
	}
	if policy, err = a.engine.ResolvePolicy(ctx, policy); err != nil {
		return fmt.Errorf("the policy of the sample account: %w", err)
	}
	machine, _ := os.Hostname()
	o.Ledger = l
	o.Identity = a.engine.Directory(core.DirectoryOptions{Mode: core.PinnedIdentity, Ledger: l, Actor: ledger.Actor{Host: machine, Tool: version()}})
	o.Approvals = a.engine.Approvals(core.ApprovalOptions{
		Account: func() core.Writer { return a.opened.Session() }, Ledger: l, Policy: policy, Holder: holder(machine), Log: a.log,
	})
	return nil
}

// office is what a bot is made of beside the answers to questions: who people are, what they may see, and the plans that they vote on.
type office struct {
	ledger    *ledger.Ledger
	viewers   bot.Viewers
	directory *core.Directory
	approvals bot.Approvals   // nil without a channel to vote in
	groups    *bot.UserGroups // nil without plans, or if the policy names none
}

// viewers are the two halves of who may see what.
type viewers struct {
	*core.Directory
	*core.Views
}

// office opens the ledger and reads who may do what by the configuration of a bot.
func (a *account) office(c *cli.Context, s streams, set settings.Settings, log *slog.Logger) (o office, err error) {
	policy, err := policyOf(set)
	if err != nil {
		return o, err
	}
	if policy, err = a.engine.ResolvePolicy(c.Context, policy); err != nil {
		return o, fmt.Errorf("find whom the policy names: %w", err)
	}
	lo, err := botLedger(c, s, set.Ledger, a.opened.Identity().AccountID)
	if err != nil {
		return o, err
	}
	lo.Log = log
	if o.ledger, err = ledger.Open(c.Context, lo); err != nil {
		return o, err
	}
	a.close = append(a.close, o.ledger.Close)
	machine, _ := os.Hostname()
	members := map[core.Member]string{}
	for key, id := range set.Identity.Members {
		team, member, _ := strings.Cut(key, "/")
		members[core.Member{Team: team, Member: member}] = id
	}
	o.directory = a.engine.Directory(core.DirectoryOptions{
		Mode: core.IdentityMode(set.Identity.Mode), Static: members, Domains: set.Identity.Domains, Ledger: o.ledger,
		Actor: ledger.Actor{Host: machine, Tool: version()},
	})
	o.viewers = viewers{o.directory, a.engine.Views(policy)}
	if set.Channels.Approval == "" {
		return o, nil
	}
	writer, err := a.writer(c, s, set.Writer, log)
	if err != nil {
		return o, err
	}
	bots, err := logins(c.Context, a.opened, writer)
	if err != nil {
		return o, err
	}
	slackGroups, mutable := policy.SlackGroups()
	for _, id := range mutable {
		log.Warn("people in a Slack user group may approve although its members can be changed by hand in Slack", "group", id)
	}
	var roster core.Roster
	if len(slackGroups) > 0 {
		o.groups = &bot.UserGroups{}
		roster = o.groups
	}
	if set.Applies == settings.Off {
		log.Warn("nothing is carried out by this process: the configuration has applies: off")
	}
	o.approvals = a.engine.Approvals(core.ApprovalOptions{
		Roster: roster, Directory: o.directory, Off: set.Applies == settings.Off,
		Account: func() core.Writer { return writer.Session() }, Ledger: o.ledger, Policy: policy, Bots: bots, Holder: holder(machine), Log: log,
		Times:   apply.DefaultTimes.Divided(s.haste),
		VoteFor: set.Approvals.Wait, PerDay: set.Approvals.PlansADay,
	})
	return o, nil
}

// botLedger says where the ledger of a bot is, and with what keys.
func botLedger(c *cli.Context, s streams, set settings.Ledger, account string) (ledger.Options, error) {
	location := set.Path
	if set.URLFile != "" {
		var err error
		if location, err = settings.Secret(set.URLFile); err != nil {
			return ledger.Options{}, fmt.Errorf("ledger.url_file: %w", err)
		}
	}
	for flag, value := range map[string]string{ledgerFlag: location, ledgerKeyFlag: set.KeyFile} {
		if value == "" {
			continue
		}
		if err := c.Set(flag, value); err != nil {
			return ledger.Options{}, fmt.Errorf("--%s: %w", flag, err)
		}
	}
	return ledgerOptions(c, s, account)
}

// writer is the account as whoever applies plans reaches it: by credentials of its own, if the configuration names some.
func (a *account) writer(c *cli.Context, s streams, set *settings.Databricks, log *slog.Logger) (*databricks.Account, error) {
	if set == nil {
		return a.opened, nil
	}
	id := a.opened.Identity()
	o := databricks.Options{
		Profile: set.Profile, Host: set.Host, AccountID: set.AccountID, ClientID: set.ClientID, Version: version(), Logger: log, Now: s.now,
	}
	if set.Profile == "" {
		o.Host, o.AccountID = firstOf(set.Host, id.Host), firstOf(set.AccountID, id.AccountID)
	}
	if set.ClientSecretFile != "" {
		secret, err := settings.Secret(set.ClientSecretFile)
		if err != nil {
			return nil, fmt.Errorf("writer.client_secret_file: %w", err)
		}
		o.ClientSecret = databricks.Secret(secret)
	}
	opened, err := databricks.Open(c.Context, o)
	if err != nil {
		return nil, fmt.Errorf("the writer: %w", err)
	}
	a.close = append(a.close, func() error { opened.Close(); return nil })
	if got := opened.Identity().AccountID; got != id.AccountID {
		return nil, fmt.Errorf("the writer is of account %s, and the bot reads account %s", got, id.AccountID)
	}
	return opened, nil
}

// logins are the users whose logins a bot runs under, if they are users': they have no vote.
func logins(ctx context.Context, accounts ...*databricks.Account) ([]identity.PrincipalKey, error) {
	var list []identity.PrincipalKey
	for _, a := range accounts {
		user := a.Identity().User
		if user == "" {
			continue
		}
		found, err := a.Session().FindPrincipals(ctx, identity.KindUser, identity.Match{Field: identity.ByName, Value: user})
		if err != nil {
			return nil, fmt.Errorf("find the user that the bot runs as: %w", err)
		}
		for _, p := range found {
			list = append(list, p.Key)
		}
	}
	return list, nil
}
