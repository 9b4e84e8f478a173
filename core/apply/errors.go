package apply

import (
	"fmt"
	"strings"
	"time"

	"databricks-access-audit/core/plan"
)

// BusyError says that another process has the lease.
type BusyError struct {
	Name, Holder string
	// Until is when the lease is over unless its holder gives a sign of life, by the store's clock; zero if there is no
	// telling.
	Until time.Time
}

// Error names the holder, and says when to try again if it has died.
func (e *BusyError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("%s is in use by %s", e.Name, e.Holder)
	}
	return fmt.Sprintf("%s is in use by %s: if that program has ended, it is free at %s", e.Name, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// LeaseLostError says that a lease ran out or is somebody else's. Who had it must stop at once.
type LeaseLostError struct{ Name string }

// Error says which.
func (e *LeaseLostError) Error() string {
	return fmt.Sprintf("the lease on %s was lost: another process may have gone on with it", e.Name)
}

// HaltedError says that somebody has switched all applying off.
type HaltedError struct{ Why string }

// Error gives the reason.
func (e *HaltedError) Error() string { return "nothing may be applied now: " + e.Why }

// RefusedError says that a plan may not be applied, whoever asks. Nothing was written.
type RefusedError struct{ Plan, Why string }

// Error says why.
func (e *RefusedError) Error() string { return fmt.Sprintf("plan %s: refused: %s", e.Plan, e.Why) }

// NoRightError says that the caller may not carry out some steps of a plan. Nothing was written for any of them.
type NoRightError struct {
	Plan string
	// Caller is as people know it.
	Caller string
	// Missing are the steps with what they take.
	Missing []MissingRight
}

// MissingRight is a step that the caller may not carry out.
type MissingRight struct {
	Step plan.Step
	plan.Right
}

// namedAtMost is how many are named of those who could do something.
const namedAtMost = 3

// Error names every such step, what it takes and who has that.
func (e *NoRightError) Error() string {
	return fmt.Sprintf("plan %s: refused: %s; nothing was written: have it applied by somebody who may, or give the caller what is missing", e.Plan, e.what())
}

func (e *NoRightError) what() string {
	var said []string
	for _, m := range e.Missing {
		said = append(said, m.String())
	}
	return e.Caller + " may not carry out " + strings.Join(said, "; ")
}

// String names the step, what it takes and who has that.
func (m MissingRight) String() string {
	said := fmt.Sprintf("%s (%s), which takes %s", m.Step.ID, m.Step.Detail(), m.Needs)
	switch n := len(m.Who); {
	case n > namedAtMost:
		said += fmt.Sprintf(": %s and %d more have that", strings.Join(m.Who[:namedAtMost], ", "), n-namedAtMost)
	case n > 1:
		said += fmt.Sprintf(": %s have that", strings.Join(m.Who, ", "))
	case n == 1:
		said += fmt.Sprintf(": %s has that", m.Who[0])
	}
	return said
}

// TamperedError says that the stored plan is not the one that its digest is of. Nothing was written.
type TamperedError struct{ Plan, Why string }

// Error says what is wrong.
func (e *TamperedError) Error() string {
	return fmt.Sprintf("plan %s was changed after it was made: %s", e.Plan, e.Why)
}

// Drift is one thing that is no longer as the plan found it.
type Drift struct {
	Step   string // empty when it is about the plan as a whole
	Change plan.Change
	Found  plan.Value
	Why    string
}

// StaleError says that the account moved since the plan was made. Nothing was written; a new plan is needed.
type StaleError struct {
	Plan  string
	Drift []Drift
}

// Error lists what moved.
func (e *StaleError) Error() string {
	var why []string
	for _, d := range e.Drift {
		if d.Step == "" {
			why = append(why, d.Why)
			continue
		}
		why = append(why, d.Step+": "+d.Why)
	}
	return fmt.Sprintf("plan %s is stale: %s; nothing was changed: make a new plan", e.Plan, strings.Join(why, "; "))
}

// PartialError says that a plan stopped after it had changed something, or may have. Resume goes on, Undo takes back.
type PartialError struct {
	Plan string
	Step string // where it stopped; empty when it was not at a step
	Why  string
	// NeedsHuman says that a person must look at the account before anything else is done.
	NeedsHuman bool
	Cause      error
}

// Error says where it stopped and what to do.
func (e *PartialError) Error() string {
	at := ""
	if e.Step != "" {
		at = " at " + e.Step
	}
	next := "resume or undo it"
	if e.NeedsHuman {
		next = "look at it, then resume or undo it"
	}
	return fmt.Sprintf("plan %s stopped%s: %s; %s", e.Plan, at, e.Why, next)
}

// Unwrap gives the cause.
func (e *PartialError) Unwrap() error { return e.Cause }

// FailedError says that a plan ended without having changed anything.
type FailedError struct {
	Plan, Step, Why string
	Cause           error
}

// Error says where and why.
func (e *FailedError) Error() string {
	at := ""
	if e.Step != "" {
		at = " at " + e.Step
	}
	return fmt.Sprintf("plan %s failed%s: %s; nothing was changed", e.Plan, at, e.Why)
}

// Unwrap gives the cause.
func (e *FailedError) Unwrap() error { return e.Cause }
