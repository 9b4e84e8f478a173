package elevate

import (
	"context"
	"time"

	"databricks-access-audit/core/identity"
)

// Account is the account in which rights are changed. The reads may repeat themselves, the writes must not.
type Account interface {
	// Standing reads what the caller is in a workspace, by whatever way: WorkspaceNone if it may not enter.
	Standing(ctx context.Context, at identity.Workspace) (identity.WorkspacePermission, error)
	// OwnAssignment reads the principal's own assignment to a workspace, without what groups give it. It fails rather
	// than guess. It may lag behind writes.
	OwnAssignment(ctx context.Context, id identity.WorkspaceID, who identity.PrincipalKey) (identity.WorkspacePermission, error)
	// Assign and Unassign send one request each. An error that is a Failure with a status of 4xx says that nothing was
	// done; after any other it is not known. Assign refuses WorkspaceNone.
	Assign(ctx context.Context, id identity.WorkspaceID, who identity.PrincipalKey, permission identity.WorkspacePermission) error
	Unassign(ctx context.Context, id identity.WorkspaceID, who identity.PrincipalKey) error
}

// Lease is the record of one elevation: who was made ADMIN where, and what is to be put back.
type Lease struct {
	Workspace identity.WorkspaceID
	// WorkspaceName and WhoName are for people.
	WorkspaceName string
	Who           identity.PrincipalKey
	WhoName       string
	// Before is what is put back: WorkspaceNone or WorkspaceUser.
	Before identity.WorkspacePermission
	// At is when it was recorded, by the store's clock: nothing was changed sooner. Deadline is when it ends.
	At, Deadline time.Time
	// Landed says that the change is known to have been made: it cannot be under way any more.
	Landed bool
	// Over says that it is to be put back now: the last run left it, its time is over, or none of its runs is alive.
	Over bool
}

// Same reports whether both leases are of one principal in one workspace: there is at most one of them at a time.
func (l Lease) Same(other Lease) bool { return l.Workspace == other.Workspace && l.Who == other.Who }

// Leases keeps leases. What a method did is on disk when it returns nil.
type Leases interface {
	// List gives all leases, and the time by the store's clock.
	List(ctx context.Context) ([]Lease, time.Time, error)
	// Take records that this run holds a lease, for the time at most. First says that it is new: only then may the
	// right be changed. Otherwise this run shares the one that is returned.
	Take(ctx context.Context, l Lease, most time.Duration) (held Lease, first bool, err error)
	// Land records that the change is known to have been made.
	Land(ctx context.Context, l Lease) error
	// Leave says that this run needs it no more. Last says that nobody alive does: it is then over. There may be no
	// such lease any more, because somebody mended it: then there is nothing to put back, and last is false.
	Leave(ctx context.Context, l Lease) (last bool, err error)
	// End says that a lease is over, whoever holds it.
	End(ctx context.Context, l Lease, reason string) error
	// Forget says that what was before was put back, or is somebody else's business now.
	Forget(ctx context.Context, l Lease) error
}

// Book gives the leases to one run at a time, so that no two runs change the same rights at once.
type Book interface {
	// With waits for its turn, for as long as patience and ctx allow, and runs f. The context that f gets does not end
	// with ctx, so that what was begun is finished; it ends when the turn is over.
	With(ctx context.Context, patience time.Duration, f func(ctx context.Context, l Leases) error) error
}

// Clock is the time of this process. It only goes forward, and is compared with itself alone.
type Clock interface {
	Now() time.Time
	// Sleep waits, or gives the context's error as soon as it is done.
	Sleep(ctx context.Context, d time.Duration) error
	// After runs f in its own goroutine when the time has come, unless stop is called before.
	After(d time.Duration, f func()) (stop func())
}

// Bounds on time.
const (
	// longest is how long an elevation lasts at most.
	longest = time.Hour
	// margin is how much sooner than its deadline a run ends it.
	margin = 2 * time.Minute
	// freshness is how long after its lease was recorded a change may be begun.
	freshness = 10 * time.Second
	// oneWrite is how long one write may take.
	oneWrite = 30 * time.Second
	// settled is how long after its lease was recorded a change can no longer be under way, nor a reading older than
	// it. Until then a state that looks as if nothing had been changed may yet turn out otherwise.
	settled = 90 * time.Second
	// visible is how long a change may take to show, once it was accepted.
	visible = 30 * time.Second

	// patience for the book, before anything was changed and after.
	patienceBefore = 20 * time.Second
	patienceAfter  = 2 * time.Minute
)

// Elevator raises and puts back. Its fields must be set; it may be used by one goroutine at a time.
type Elevator struct {
	Account Account
	Book    Book
	Clock   Clock
	// Say tells people, a line each, what is done as it is done. It may be called by another goroutine when the time
	// of an elevation is over. Nil says nothing.
	Say func(format string, args ...any)
}

func (e *Elevator) say(format string, args ...any) {
	if e.Say != nil {
		e.Say(format, args...)
	}
}

// refused reports whether an error says that nothing was done.
func refused(err error) bool {
	if err == nil {
		return false
	}
	status := identity.FailureOf(err).Status
	return status >= 400 && status < 500 && status != 408 // RFC 9110 §15.5.9: the server may have had all of it
}

// pause is how long to wait before reading again.
func pause(attempt int) time.Duration {
	return min(100*time.Millisecond<<min(attempt, 6), 5*time.Second)
}

// In says in words what a permission is, as what somebody is in a workspace.
func In(p identity.WorkspacePermission) string {
	if p == identity.WorkspaceNone {
		return "not assigned"
	}
	return p.String()
}
