package ledgertest

import (
	"time"

	"databricks-access-audit/core/ledger"
)

// tellsChanges tells when plans last changed the account, and nothing of plans that did not.
func tellsChanges(w *world) {
	changed := func(what string, at time.Time, now bool) {
		w.Helper()
		gotAt, gotNow, err := w.Changed(w.Context())
		if err != nil || !gotAt.Equal(at) || gotNow != now {
			w.Errorf("%s: %s, %v, %v; want %s, %v", what, gotAt, gotNow, err, at, now)
		}
	}
	changed("of an empty ledger", time.Time{}, false)
	waiting := w.moved(w.created(), ledger.Lease{}, ledger.Pending)
	w.clock.Add(time.Second)
	changed("of a plan that waits", time.Time{}, false)
	w.moved(waiting, ledger.Lease{}, ledger.Rejected)
	changed("of one that was voted down", time.Time{}, false)
	p, l := w.applying()
	changed("while one is carried out", w.clock.Now(), true)
	w.clock.Add(time.Second)
	w.moved(p, l, ledger.PartiallyApplied)
	at := w.clock.Now()
	w.clock.Add(time.Minute)
	changed("of one that stopped", at, false)
}
