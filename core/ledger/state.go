package ledger

import "slices"

// State is where a plan stands.
type State string

// The states of a plan.
const (
	Draft            State = "draft"
	Pending          State = "pending"           // asked for, waits for votes
	Approved         State = "approved"          // may be applied, for a short while
	Applying         State = "applying"          // somebody holds its lease and makes changes
	Applied          State = "applied"           // all of it was done
	PartiallyApplied State = "partially_applied" // stopped on the way: resume or undo
	Failed           State = "failed"            // ended without having changed anything
	Rejected         State = "rejected"
	Cancelled        State = "cancelled"
	Expired          State = "expired"
	Superseded       State = "superseded" // another plan took its place
	Stale            State = "stale"      // the account moved since it was made
	UndoPending      State = "undo_pending"
	Undone           State = "undone"
	ExpiryOverdue    State = "expiry_overdue" // its time is over, and taking it back has not succeeded yet
)

// moves is the whole state machine: from where to where. What is not here is refused.
var moves = map[State][]State{
	Draft:            {Pending, Cancelled, Expired},
	Pending:          {Approved, Rejected, Cancelled, Expired, Superseded, Stale},
	Approved:         {Applying, Pending, Rejected, Cancelled, Expired, Stale},
	Applying:         {Applied, PartiallyApplied, Failed, Stale},
	PartiallyApplied: {Applying, UndoPending, ExpiryOverdue},
	Applied:          {UndoPending, ExpiryOverdue},
	UndoPending:      {Undone, Applied, PartiallyApplied, ExpiryOverdue},
	ExpiryOverdue:    {UndoPending, Undone},
	Failed:           {},
	Rejected:         {},
	Cancelled:        {},
	Expired:          {},
	Superseded:       {},
	Stale:            {},
	Undone:           {},
}

// States lists all states, in order of their names.
func States() []State {
	list := make([]State, 0, len(moves))
	for s := range moves {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

// CanBecome says whether a plan in this state may go to the other.
func (s State) CanBecome(to State) bool { return slices.Contains(moves[s], to) }

// Final says that a plan in this state stays there for ever.
func (s State) Final() bool {
	next, known := moves[s]
	return known && len(next) == 0
}

// Next lists where a plan in this state may go.
func (s State) Next() []State { return slices.Clone(moves[s]) }
