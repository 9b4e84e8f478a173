package ledgertest

import (
	"fmt"
	"time"

	"databricks-access-audit/core/ledger"
)

// countsMutual counts by pair and direction, and nothing that was withdrawn, refused or is too old.
func countsMutual(w *world) {
	third := ledger.Party{ID: "106", Name: "frank@acme.test"}
	vote := func(requester, voter ledger.Party, d ledger.Decision) (plan string) {
		p := Plan(w.clock)
		p.ID, p.Requester = ledger.NewPlanID(), requester
		w.do(func(tx *ledger.Tx) (err error) {
			p, err = tx.Create(carol, p)
			return err
		})
		p = w.moved(p, ledger.Lease{}, ledger.Pending)
		w.do(func(tx *ledger.Tx) error {
			_, err := tx.Vote(carol, ledger.Vote{Plan: p.ID, Voter: voter, Decision: d, Digest: p.Digest})
			return err
		})
		return p.ID
	}
	count := func(a, b ledger.Party, since time.Time) string {
		w.Helper()
		byA, byB, err := w.Mutual(w.Context(), a.ID, b.ID, since)
		if err != nil {
			w.Fatal(err)
		}
		return fmt.Sprintf("%d %d", byA, byB)
	}
	w.equal("of an empty ledger", count(dave, erin, time.Time{}), "0 0")
	vote(erin, dave, ledger.Approve)
	w.clock.Add(24 * time.Hour)
	since := w.clock.Now()
	vote(erin, dave, ledger.Approve)
	vote(erin, dave, ledger.Approve)
	vote(dave, erin, ledger.Approve)
	vote(dave, erin, ledger.Reject)
	vote(erin, third, ledger.Approve)
	vote(third, dave, ledger.Approve)
	withdrawn := vote(dave, erin, ledger.Approve)
	w.do(func(tx *ledger.Tx) error { return tx.Withdraw(carol, withdrawn, erin.ID, "the message was edited") })
	w.equal("of all time", count(dave, erin, time.Time{}), "3 1")
	w.equal("the other way round", count(erin, dave, time.Time{}), "1 3")
	w.equal("since a time, which counts", count(dave, erin, since), "2 1")
	w.equal("since a moment later", count(dave, erin, since.Add(time.Microsecond)), "0 0")
	w.equal("of two others", count(erin, third, time.Time{}), "0 1")
	w.do(func(tx *ledger.Tx) error { // of what a transaction has just written, too
		p, err := tx.Create(carol, func() ledger.Plan { p := Plan(w.clock); p.ID, p.Requester = ledger.NewPlanID(), erin; return p }())
		if err != nil {
			return err
		}
		if p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Pending, Actor: carol}); err != nil {
			return err
		}
		if _, err := tx.Vote(carol, ledger.Vote{Plan: p.ID, Voter: dave, Decision: ledger.Approve, Digest: p.Digest}); err != nil {
			return err
		}
		byDave, _, err := tx.Mutual(w.Context(), dave.ID, erin.ID, since)
		w.equal("within a transaction", byDave, 3)
		return err
	})
}
