package apply

import (
	"context"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// State is where a plan stands. The spellings are those of reports.
type State string

// The states that this package goes by. A Store may know more.
const (
	Approved         State = "approved"
	Applying         State = "applying"
	Applied          State = "applied"
	PartiallyApplied State = "partially_applied" // stopped on the way: resume or undo
	Failed           State = "failed"            // ended without having changed anything
	Stale            State = "stale"             // the account moved since the plan was made; nothing was changed
	UndoPending      State = "undo_pending"      // being taken back
	Undone           State = "undone"
	ExpiryOverdue    State = "expiry_overdue" // its time is over, and taking it back has not succeeded yet
)

// Outcome is what came of an attempt at a step. The empty one is that of an attempt of which that is not known.
type Outcome string

// The outcomes of an attempt.
const (
	Done        Outcome = "done"    // this attempt made the change
	Already     Outcome = "already" // it was so before, or there is nothing of ours left to take back: not ours
	StepFailed  Outcome = "failed"  // it was tried, and had no effect
	Unknown     Outcome = "unknown" // whether it had an effect is to be found out
	StepRefused Outcome = "refused" // it was not tried: something had moved
)

// Kept is a plan as the Store keeps it.
type Kept struct {
	ID      string
	Body    []byte // what is applied, and nothing else
	Digest  string // what was consented to
	State   State
	Version int64
	// EndsAt is when what it gave is to be taken back, by the Store's clock; zero means never.
	EndsAt time.Time
}

// Move is a change of a plan's state.
type Move struct {
	From Kept
	To   State
	Why  string
	// Lease is that of the plan; moves to and from Applying need it.
	Lease Lease
	// For, unless zero, sets EndsAt to so long from now.
	For time.Duration
}

// Attempt is one try at one step.
type Attempt struct {
	Step   string
	Number int64
	// Before is what the cell held when it was last read before the attempt, After what was read afterwards.
	Before, After plan.Value
	Result        Outcome
	// Uncertain says that somebody else may have made the change that was found.
	Uncertain bool
	Error     string
	// BegunAt and EndedAt (zero: there is no outcome) are by the Store's clock.
	BegunAt, EndedAt time.Time
}

// Open says that it is not known what came of the attempt.
func (a Attempt) Open() bool { return a.Result == "" || a.Result == Unknown }

// Lease is the right to work on something for a while. Later leases of a name have greater epochs.
type Lease struct {
	Name, Holder string
	Epoch        int64
}

// Standing is a plan with what may stand of what it did.
type Standing struct {
	Kept
	// Attempts are, of each step, the newest attempt, where that is Done, Already or open.
	Attempts []Attempt
}

// Store is what is needed of the ledger. When a method that changes something returns nil, the change is durable. Its
// methods are called concurrently by several processes.
type Store interface {
	Plans
	Journal
	Leases
}

// Plans keeps plans and their states.
type Plans interface {
	// Plan gives a plan by id.
	Plan(ctx context.Context, id string) (Kept, error)
	// Children lists the plans that take the plan back, the newest first.
	Children(ctx context.Context, id string) ([]Kept, error)
	// Ended lists the plans that gave something whose time is over by the Store's clock.
	Ended(ctx context.Context) ([]Kept, error)
	// Create stores a plan that needs no further consent.
	Create(ctx context.Context, p plan.Plan) (Kept, error)
	// Move changes a plan's state, if it still stands as From says; else nothing happens and it gives an error.
	Move(ctx context.Context, m Move) (Kept, error)
	// Alarm records that the plan needs a person, for whoever watches the audit trail.
	Alarm(ctx context.Context, id, why string) error
}

// Journal keeps what was tried and what came of it.
type Journal interface {
	// Attempts lists all attempts at the steps of a plan, in the order in which they were begun.
	Attempts(ctx context.Context, id string) ([]Attempt, error)
	// Standing lists the plans for a principal that have attempts of which something may stand, those that are Undone
	// not among them, but those that took something back.
	Standing(ctx context.Context, target identity.PrincipalKey) ([]Standing, error)
	// Begin records the intent to carry out steps, of which Step and Before are given, and gives their numbers. It gives a
	// LeaseLostError or a HaltedError where they may not be.
	Begin(ctx context.Context, lease Lease, id string, steps []Attempt) ([]int64, error)
	// End records what came of attempts.
	End(ctx context.Context, lease Lease, id string, ended []Attempt) error
}

// Leases keeps two processes from doing the same work.
type Leases interface {
	// Acquire takes a lease, or gives a BusyError.
	Acquire(ctx context.Context, name string, ttl time.Duration) (Lease, error)
	// Renew gives leases more time from now, or gives a LeaseLostError.
	Renew(ctx context.Context, ttl time.Duration, leases ...Lease) error
	// Release gives leases back. To release one that is no longer held changes nothing.
	Release(ctx context.Context, leases ...Lease) error
	// Halted gives a HaltedError while nothing may be applied.
	Halted(ctx context.Context) error
	// Now is the Store's clock, which does not go back.
	Now(ctx context.Context) (time.Time, error)
}

// PlanLease is the name of the lease for working on a plan.
func PlanLease(id string) string { return "plan/" + id }

// HolderLease is the name of the lease for changing what one principal holds. Plans for the same principal come
// one after the other, or each would take the other's change for its own.
func HolderLease(p plan.Plan) string { return "holder/" + p.Target.Key.String() }
