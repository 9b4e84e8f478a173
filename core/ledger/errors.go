package ledger

import (
	"errors"
	"fmt"
	"time"
)

// NotFoundError says that the ledger has no such thing.
type NotFoundError struct {
	What string // "plan", "intent", …
	ID   string
}

// Error says what is not there.
func (e *NotFoundError) Error() string {
	if e.What == "ledger" {
		return "there is no ledger at " + e.ID
	}
	return fmt.Sprintf("no %s %q in the ledger", e.What, e.ID)
}

// ConflictError says that somebody else was first: what was to be changed is no longer as the caller saw it.
// Nothing was changed. Read it again and decide anew.
type ConflictError struct {
	What string // "plan p-…", "vote of … on …"
	Why  string
}

// Error says what, and how it is now.
func (e *ConflictError) Error() string { return fmt.Sprintf("%s: %s", e.What, e.Why) }

// RefusedError says that a change is against the rules of the ledger, whoever asks and however often.
type RefusedError struct {
	What string
	Why  string
}

// Error says what is refused, and why.
func (e *RefusedError) Error() string { return fmt.Sprintf("%s: refused: %s", e.What, e.Why) }

// StaleLeaseError says that a lease is no longer the holder's: it ran out, or another holder has it. What
// the holder was doing must stop at once.
type StaleLeaseError struct {
	Name   string
	Epoch  int64  // of the lease that was shown
	Holder string // who holds it now; empty if nobody
}

// Error says whose it is now.
func (e *StaleLeaseError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("the lease on %s (epoch %d) has run out", e.Name, e.Epoch)
	}
	return fmt.Sprintf("the lease on %s (epoch %d) has run out: %s holds it now", e.Name, e.Epoch, e.Holder)
}

// BusyError says that another holder has what was asked for: a lease, or the whole ledger file.
type BusyError struct {
	What   string
	Holder string
	Until  time.Time // zero if there is no telling
}

// Error names the holder.
func (e *BusyError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("%s is in use by %s", e.What, e.Holder)
	}
	return fmt.Sprintf("%s is in use by %s, until %s at the latest", e.What, e.Holder, e.Until.Format(time.RFC3339))
}

// TamperedError says that something in the ledger is not as the ledger wrote it.
type TamperedError struct {
	What string
	Seq  int64 // the first bad row of the audit trail; 0 if it is not about the trail
}

// Error says what.
func (e *TamperedError) Error() string { return "the ledger was tampered with: " + e.What }

// CorruptError says that the store cannot be read as a database. It was not changed.
type CorruptError struct {
	Store string // without a password
	Why   string
}

// Error says what to do.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("the ledger %s is damaged: %s; keep a copy of it, and restore the last backup with: databricks-access-audit ledger restore BACKUP --ledger NEW", e.Store, e.Why)
}

// FailedError says that an earlier write failed in a way that leaves open what the disk holds. The ledger
// takes no more writes until it is opened anew.
type FailedError struct{ Cause error }

// Error gives the cause.
func (e *FailedError) Error() string {
	return fmt.Sprintf("the ledger stopped after a failed write (%v): start again to see what was kept", e.Cause)
}

// Unwrap gives the cause.
func (e *FailedError) Unwrap() error { return e.Cause }

// KeyError says that the key that proves the rows of a ledger is missing, open to others, or another one.
type KeyError struct{ Why string }

// Error says what is wrong with the key.
func (e *KeyError) Error() string { return "ledger key: " + e.Why }

// ExposedError says that others than the owner may read or change a file of the ledger.
type ExposedError struct {
	Path string
	Why  string
	Fix  string
}

// Error says how to mend it.
func (e *ExposedError) Error() string { return fmt.Sprintf("%s: %s; run: %s", e.Path, e.Why, e.Fix) }

func isNotFound(err error) bool {
	_, is := errors.AsType[*NotFoundError](err)
	return is
}
