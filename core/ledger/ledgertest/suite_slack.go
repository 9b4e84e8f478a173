package ledgertest

import (
	"strings"
	"time"

	"databricks-access-audit/core/ledger"
)

// uploadsAreDeletedOnce: what is due is taken by one caller, comes again if nothing became of it, and not when it is gone.
func uploadsAreDeletedOnce(w *world) {
	start := w.clock.Now()
	keep := func(file string, after time.Duration) {
		w.do(func(tx *ledger.Tx) error {
			return tx.KeepUpload(ledger.Upload{File: file, Work: "job/1", UploadedAt: start, DeleteAt: start.Add(after)})
		})
	}
	take := func(at time.Time, n int) string {
		var files []string
		w.do(func(tx *ledger.Tx) error {
			files = nil
			due, err := tx.DueUploads(at, n, time.Minute)
			for _, u := range due {
				files = append(files, u.File)
			}
			return err
		})
		return strings.Join(files, " ")
	}
	keep("F2", 2*time.Hour)
	keep("F1", time.Hour)
	keep("F3", 3*time.Hour)
	keep("F1", 9*time.Hour) // it was promised before
	w.equal("before the first is due", take(start.Add(59*time.Minute), 9), "")
	at := start.Add(2 * time.Hour)
	w.equal("one of two", take(at, 1), "F1")
	w.equal("the other", take(at, 9), "F2")
	w.equal("while both are taken", take(at.Add(59*time.Second), 9), "")
	w.do(func(tx *ledger.Tx) error { return tx.UploadGone("F1", at) })
	w.do(func(tx *ledger.Tx) error { return tx.UploadStays("F2", "cant_delete_file", at.Add(time.Hour)) })
	w.do(func(tx *ledger.Tx) error { return tx.UploadStays("F1", "too late", at) })
	w.equal("after one is gone", take(at.Add(59*time.Minute), 9), "")
	left, err := w.Uploads(w.Context(), start.Add(9*time.Hour))
	w.equal("error", err, nil)
	if len(left) != 2 {
		w.Fatalf("left: %v", left)
	}
	w.equal("left", left[0], ledger.Upload{File: "F2", Work: "job/1", UploadedAt: start, DeleteAt: start.Add(2 * time.Hour), Attempts: 1, Error: "cant_delete_file"})
	w.equal("left", left[1], ledger.Upload{File: "F3", Work: "job/1", UploadedAt: start, DeleteAt: start.Add(3 * time.Hour)})
	left, err = w.Uploads(w.Context(), start.Add(2*time.Hour))
	w.equal("error", err, nil)
	w.equal("how many are overdue", len(left), 1)
	w.equal("again", take(at.Add(time.Hour), 9), "F2 F3")
	keep("F1", time.Hour)
	w.equal("one that was gone", take(start.Add(30*24*time.Hour), 9), "F2 F3")
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error { return tx.KeepUpload(ledger.Upload{File: "F4"}) })
}

// sharedChannelsAreToldOnce: for each time that a channel becomes shared, one row of the trail and one caller who is to tell.
func sharedChannelsAreToldOnce(w *world) {
	found := func() (tell bool) {
		w.do(func(tx *ledger.Tx) (err error) {
			tell, err = tx.ChannelShared("C1", w.clock.Now(), carol, "is_ext_shared")
			return err
		})
		return tell
	}
	recorded := func() (n int) {
		trail, err := w.Trail(w.Context(), "")
		if err != nil {
			w.Fatal(err)
		}
		for _, entry := range trail {
			e, err := entry.Event()
			if err != nil {
				w.Fatal(err)
			}
			if e.Event == ledger.EventChannelShared && e.Subject == "C1" {
				n++
			}
		}
		return n
	}
	w.equal("the first time", found(), true)
	w.equal("the second time", found(), false)
	is := func() bool {
		shared, err := w.IsShared(w.Context(), "C1")
		w.equal("error", err, nil)
		return shared
	}
	w.equal("is shared", is(), true)
	w.equal("rows", recorded(), 1)
	w.do(func(tx *ledger.Tx) error { return tx.ChannelUntold("C1") })
	w.equal("when nobody was told", found(), true)
	w.equal("rows", recorded(), 1)
	w.do(func(tx *ledger.Tx) error { return tx.ChannelOwn("C1") })
	w.equal("is shared", is(), false)
	w.equal("when it was not shared in between", found(), true)
	w.equal("rows", recorded(), 2)
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error {
		_, err := tx.ChannelShared("", w.clock.Now(), carol, "")
		return err
	})
}

// counts: every state and result is there, and what is in the ledger is counted.
func counts(w *world) {
	before, err := w.Counts(w.Context())
	w.equal("error", err, nil)
	w.equal("states", len(before.Plans), len(ledger.States()))
	for s, n := range before.Plans {
		w.equal(string(s), n, int64(0))
	}
	w.created()
	first, l := w.applying()
	w.do(func(tx *ledger.Tx) error {
		if err := tx.Queue(ledger.Post{Key: "1", Body: []byte("x")}); err != nil {
			return err
		}
		if err := tx.Queue(ledger.Post{Key: "2", Body: []byte("x")}); err != nil {
			return err
		}
		return tx.Sent("1")
	})
	after, err := w.Counts(w.Context())
	w.equal("error", err, nil)
	w.equal("drafts", after.Plans[ledger.Draft], int64(1))
	w.equal("applying", after.Plans[ledger.Applying], int64(1))
	w.equal("done", after.Steps[ledger.Done], int64(0))
	w.equal("unsent", after.Unsent, int64(1))
	w.end(l, w.begin(l, first, "a"), ledger.Done)
	after, err = w.Counts(w.Context())
	w.equal("error", err, nil)
	w.equal("done", after.Steps[ledger.Done], int64(1))
	w.equal("failed", after.Steps[ledger.StepFailed], int64(0))
}
