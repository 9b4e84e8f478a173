package ledgertest

import (
	"time"

	"databricks-access-audit/core/ledger"
)

func receivesOnce(w *world) {
	receive := func(keys ...string) (m ledger.Message, fresh bool) {
		w.Helper()
		w.do(func(tx *ledger.Tx) (err error) {
			m, fresh, err = tx.Receive(ledger.Message{Keys: keys, Body: []byte("hello")})
			return err
		})
		return m, fresh
	}
	m, fresh := receive("envelope/1", "C1/17.0001")
	w.equal("fresh", fresh, true)
	// The same by either of its names.
	for _, key := range []string{"envelope/1", "C1/17.0001"} {
		again, fresh := receive("event/9", key)
		w.equal("fresh", fresh, false)
		w.equal("id", again.ID, m.ID)
	}
	if _, fresh := receive("envelope/2"); !fresh {
		w.Error("another message is taken for the first")
	}
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error {
		_, _, err := tx.Receive(ledger.Message{})
		return err
	})
	w.do(func(tx *ledger.Tx) error { return tx.Handled(m.ID) })
	w.clock.Add(time.Second)
	left, err := w.Unhandled(w.Context(), w.clock.Now())
	if err != nil || len(left) != 1 || string(left[0].Body) != "hello" || left[0].ID == m.ID {
		w.Errorf("unhandled: %v, %v", left, err)
	}
	if left, err := w.Unhandled(w.Context(), w.clock.Now().Add(-time.Second)); err != nil || len(left) != 0 {
		w.Errorf("unhandled before: %v, %v", left, err)
	}
	sweep := func() { w.do(func(tx *ledger.Tx) error { return tx.Sweep() }) }
	w.clock.Add(24*time.Hour - time.Second)
	sweep()
	_, fresh = receive("envelope/1")
	w.equal("fresh after a day", fresh, false)
	w.clock.Add(time.Microsecond)
	sweep()
	_, fresh = receive("envelope/1")
	w.equal("fresh after more than a day", fresh, true)
	if _, fresh = receive("envelope/2"); fresh {
		w.Error("a message that was not handled was forgotten")
	}
}

func sendsUntilSent(w *world) {
	for _, key := range []string{"one", "two", "one"} {
		w.do(func(tx *ledger.Tx) error { return tx.Queue(ledger.Post{Key: key, Body: []byte(key)}) })
	}
	w.do(func(tx *ledger.Tx) error {
		return tx.Queue(ledger.Post{Key: "later", DueAt: w.clock.Now().Add(time.Hour)})
	})
	due := func(n int) []ledger.Post {
		w.Helper()
		var list []ledger.Post
		w.do(func(tx *ledger.Tx) (err error) {
			list, err = tx.Due(n, time.Minute)
			return err
		})
		return list
	}
	got := due(1)
	if len(got) != 1 || got[0].Key != "one" || string(got[0].Body) != "one" || got[0].Attempts != 1 {
		w.Fatalf("due: %v", got)
	}
	w.equal("the next replica gets", due(10)[0].Key, "two")
	w.equal("then nothing", len(due(10)), 0)
	w.do(func(tx *ledger.Tx) error { return tx.Sent("one") })
	w.do(func(tx *ledger.Tx) error { return tx.Unsent("two", "429", 30*time.Second) })
	w.clock.Add(30 * time.Second)
	again := due(10)
	if len(again) != 1 || again[0].Key != "two" || again[0].Error != "429" || again[0].Attempts != 2 {
		w.Errorf("due again: %v", again)
	}
	w.clock.Add(time.Hour)
	w.equal("due in the end", len(due(10)), 2)
	left, err := w.Outbox(w.Context())
	if err != nil || len(left) != 2 {
		w.Errorf("outbox: %v, %v", left, err)
	}
	w.clock.Add(25 * time.Hour)
	w.do(func(tx *ledger.Tx) error { return tx.Sweep() })
	w.do(func(tx *ledger.Tx) error { return tx.Queue(ledger.Post{Key: "two"}) })
	w.equal("the unsent are kept", len(due(10)), 2)
}

func pins(w *world) {
	pin := func(p ledger.Pin) (got ledger.Pin) {
		w.Helper()
		w.do(func(tx *ledger.Tx) (err error) {
			got, err = tx.Pin(carol, p)
			return err
		})
		return got
	}
	first := pin(ledger.Pin{Team: "T1", Member: "U1", Email: "dave@acme.test", Principal: "104"})
	w.clock.Add(time.Second)
	w.equal("pinned", pin(ledger.Pin{Team: "T1", Member: "U1", Email: "dave@evil.test", Principal: "666"}), first)
	w.do(func(tx *ledger.Tx) error {
		first.Locked = true
		_, err := tx.Repin(carol, first, "the email changed")
		return err
	})
	got, err := w.Pinned(w.Context(), "T1", "U1")
	if err != nil || !got.Locked || got.Principal != "104" || got.PinnedAt != w.clock.Now() {
		w.Errorf("pinned: %+v, %v", got, err)
	}
	if _, err := w.Pinned(w.Context(), "T2", "U1"); err == nil {
		w.Error("a member of another team is taken for this one")
	}
	pin(ledger.Pin{Team: "T1", Member: "U2", Email: "dave@acme.test", Principal: "104"})
	pin(ledger.Pin{Team: "T1", Member: "U3", Email: "erin@acme.test", Principal: "105"})
	count := func(principal string) int {
		w.Helper()
		list, err := w.Pins(w.Context(), principal)
		if err != nil {
			w.Error(err)
		}
		return len(list)
	}
	w.equal("pinned to 104", count("104"), 2)
	w.equal("pinned at all", count(""), 3)
	w.do(func(tx *ledger.Tx) error {
		_, err := tx.Unpin(carol, "T1", "U1", "looked at it")
		return err
	})
	w.equal("pinned to 104 in the end", count("104"), 1)
	if err := w.Do(w.Context(), func(tx *ledger.Tx) error { _, err := tx.Unpin(carol, "T1", "U1", ""); return err }); err == nil {
		w.Error("a member who is not pinned was unpinned")
	}
	w.equal("pinned anew", pin(ledger.Pin{Team: "T1", Member: "U1", Email: "d@acme.test", Principal: "106"}).Principal, "106")
}
