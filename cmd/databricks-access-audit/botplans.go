package main

import (
	"context"
	"fmt"
	"os"

	"databricks-access-audit/bot/console"
	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
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
