package main

import (
	"context"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/sandbox"
)

// cmdPropose has bob ask in Slack that victor shall be in the group readers, as wendy is, and puts that to the vote.
func cmdPropose(ts *testscript.TestScript, args []string) {
	need(ts, args, 3, "propose LEDGER POLICY NAME")
	ctx, server := context.Background(), on(ts).server
	server.Update(func(a *sandbox.Account) {
		if a.GroupByName("readers") == nil {
			a.Groups = append(a.Groups, &sandbox.Group{ID: "3903", DisplayName: "readers", Members: []string{"1021"}})
		}
	})
	policy, err := readPolicy(ts.MkAbs(args[1]))
	ts.Check(err)
	auditor := server.Auditor()
	opened, err := databricks.Open(ctx, databricks.Options{
		Isolated: true, AuthType: "oauth-m2m", Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: auditor.ClientID, ClientSecret: databricks.Secret(auditor.ClientSecret), Proxy: server.ProxyURL(), RootCAs: server.CertPool(),
	})
	ts.Check(err)
	defer opened.Close()
	g := core.New(core.Options{Open: func() collect.Source { return opened.Session() }, Version: "test", Host: opened.Identity().Host})
	policy, err = g.ResolvePolicy(ctx, policy)
	ts.Check(err)
	l, err := ledger.Open(ctx, ledger.Options{Location: ts.MkAbs(args[0]), Account: server.AccountID()})
	ts.Check(err)
	defer func() { ts.Check(l.Close()) }()
	approvals := g.Approvals(core.ApprovalOptions{Account: func() core.Writer { return opened.Session() }, Ledger: l, Policy: policy, Holder: "bot"})
	bob := ledger.Actor{ID: "1002", Email: "bob@acme.test", Via: "slack", Team: "T1", Member: "U1", Channel: "C0DATA", Message: "17.1"}
	_, made, err := approvals.Propose(ctx, bob, query.Clone{From: "1021", To: "1020", Include: []string{"groups"}, Only: []string{"readers"}}, "", nil)
	ts.Check(err)
	made, err = approvals.Submit(ctx, bob, made.ID, made.Digest)
	ts.Check(err)
	ts.Setenv(args[2], made.ID)
}

// cmdPin has a member in Slack be taken for a Databricks user.
func cmdPin(ts *testscript.TestScript, args []string) {
	need(ts, args, 5, "pin LEDGER TEAM/MEMBER EMAIL USER ok|locked")
	l, err := ledger.Open(context.Background(), ledger.Options{Location: ts.MkAbs(args[0]), Account: sandbox.AcmeAccountID, Clock: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }})
	ts.Check(err)
	ts.Check(l.Do(context.Background(), func(tx *ledger.Tx) error {
		_, err := tx.Repin(ledger.Actor{}, ledger.Pin{Team: args[1][:2], Member: args[1][3:], Email: args[2], Principal: args[3], Locked: args[4] == "locked"}, "test")
		return err
	}))
	ts.Check(l.Close())
}
