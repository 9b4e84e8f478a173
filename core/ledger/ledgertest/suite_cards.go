package ledgertest

import (
	"errors"

	"databricks-access-audit/core/ledger"
)

// cardsAreFound: a card is found by its plan and by its place, and what it shows never goes back.
func cardsAreFound(w *world) {
	put := func(c ledger.Card) { w.do(func(tx *ledger.Tx) error { return tx.PutCard(c) }) }
	first := ledger.Card{Plan: "p-0000000001", Channel: "C1", TS: "17.0001", Shown: 3}
	put(first)
	put(ledger.Card{Plan: "p-0000000002", Channel: "C1", TS: "17.0002"})
	got, err := w.Card(w.Context(), first.Plan)
	w.equal("by plan", got, first)
	w.equal("error", err, nil)
	got, err = w.CardAt(w.Context(), "C1", "17.0001")
	w.equal("by place", got, first)
	w.equal("error", err, nil)
	for _, place := range [][2]string{{"C2", "17.0001"}, {"C1", "17.0009"}} {
		if _, err := w.CardAt(w.Context(), place[0], place[1]); !isNotFound(err) {
			w.Errorf("a card at %v: %v", place, err)
		}
	}
	if _, err := w.Card(w.Context(), "p-0000000003"); !isNotFound(err) {
		w.Errorf("a card of no plan: %v", err)
	}
	put(ledger.Card{Plan: first.Plan, Channel: "C1", TS: "17.0001", Shown: 2, Reminded: true, Closed: true})
	put(ledger.Card{Plan: first.Plan, Channel: "C1", TS: "17.0001", Shown: 1})
	got, _ = w.Card(w.Context(), first.Plan)
	w.equal("after older editions", got, ledger.Card{Plan: first.Plan, Channel: "C1", TS: "17.0001", Shown: 3, Reminded: true, Closed: true})
	open, err := w.OpenCards(w.Context())
	w.equal("error", err, nil)
	if len(open) != 1 || open[0].Plan != "p-0000000002" {
		w.Errorf("open: %v", open)
	}
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error { return tx.PutCard(ledger.Card{Plan: first.Plan}) })

	if _, err := w.Showing(w.Context(), first.Plan); !isNotFound(err) {
		w.Errorf("a showing of nothing: %v", err)
	}
	for _, body := range []string{"first", "second"} {
		w.do(func(tx *ledger.Tx) error { return tx.KeepShowing(first.Plan, []byte(body)) })
	}
	body, err := w.Showing(w.Context(), first.Plan)
	w.equal("error", err, nil)
	w.equal("showing", string(body), "first")
}

func isNotFound(err error) bool {
	_, is := errors.AsType[*ledger.NotFoundError](err)
	return is
}
