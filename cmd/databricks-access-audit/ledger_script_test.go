package main

import (
	"context"
	"database/sql"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// cmdTamper changes what a row of the audit trail in a file says.
func cmdTamper(ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: tamper FILE ROW")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	result, err := db.Exec(`UPDATE audit SET body = replace(body, '"at":"20', '"at":"19') WHERE seq = $1`, args[1])
	ts.Check(err)
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		ts.Fatalf("row %s: %d rows were changed, %v", args[1], n, err)
	}
}

// cmdPlans makes a ledger of the sample account in which one plan was applied in part, and another waits for votes.
func cmdPlans(ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: plans FILE ANCHORS")
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l, err := ledger.Open(context.Background(), ledger.Options{Location: ts.MkAbs(args[0]), Account: sandbox.AcmeAccountID, Anchors: ledger.AnchorFile{Path: ts.MkAbs(args[1])}, Clock: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})
	ts.Check(err)
	carol := ledger.Party{ID: "103", Name: "carol@acme.test"}
	actor := ledger.Actor{ID: carol.ID, Via: "cli"}
	plan := func(id, target string) ledger.Plan {
		var p ledger.Plan
		ts.Check(l.Do(context.Background(), func(tx *ledger.Tx) (err error) {
			p, err = tx.Create(actor, ledger.Plan{ID: id, Kind: "clone", Digest: "digest-" + id, Body: []byte(`{}`), Source: ledger.Party{ID: "101", Name: "alice@acme.test"},
				Target: ledger.Party{ID: "102", Name: target}, Requester: carol, Steps: []string{"s1", "s2", "s3"}, ExpiresAt: tx.Now().Add(time.Hour)})
			if err != nil {
				return err
			}
			p, err = tx.Move(ledger.Move{Plan: id, From: p.State, Version: p.Version, To: ledger.Pending, Actor: actor})
			return err
		}))
		return p
	}
	p := plan("p-0000000001", "bob@acme.test")
	plan("p-0000000002", "=bob\x1b[31m")
	ts.Check(l.Do(context.Background(), func(tx *ledger.Tx) error {
		if _, err := tx.Vote(actor, ledger.Vote{Plan: p.ID, Voter: ledger.Party{ID: "104", Name: "dave@acme.test"}, Decision: ledger.Approve, Digest: p.Digest, Source: "cli"}); err != nil {
			return err
		}
		lease, err := tx.Acquire(ledger.PlanLease(p.ID), "test", time.Minute)
		if err != nil {
			return err
		}
		move := func(to ledger.State) error {
			p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: to, Actor: actor, Lease: lease})
			return err
		}
		if err := move(ledger.Approved); err != nil {
			return err
		}
		if err := move(ledger.Applying); err != nil {
			return err
		}
		for step, result := range map[string]ledger.Result{"s1": ledger.Done, "s2": ledger.StepFailed} {
			a, err := tx.Begin(lease, actor, p.ID, step, nil)
			if err != nil {
				return err
			}
			if _, err := tx.End(lease, actor, p.ID, step, a.Number, ledger.Outcome{Result: result, Attribution: ledger.Certain}); err != nil {
				return err
			}
		}
		return move(ledger.PartiallyApplied)
	}))
	ts.Check(l.Close())
	for _, leftover := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(ts.MkAbs(args[0]) + leftover); err == nil {
			ts.Fatalf("the ledger left %s behind", leftover)
		}
	}
}
