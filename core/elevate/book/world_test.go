package book

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/core/elevate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

const (
	none  = identity.WorkspaceNone
	user  = identity.WorkspaceUser
	admin = identity.WorkspaceAdmin
)

var (
	me       = identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "2001"}, Name: "a0d17000", DisplayName: "auditor"}
	errReset = errors.New("connection reset")
)

// killed is what a process that is killed panics with.
type killed struct{}

// state is what an assignment was from a time on.
type state struct {
	at   time.Time
	is   identity.WorkspacePermission
	ours bool
}

// world is an account: what it says may be old, and what it is asked may be done late. Its time is the clock's.
type world struct {
	wrong  func(format string, args ...any)
	clock  *ledgertest.Clock
	mu     sync.Mutex
	ledger func() *ledger.Ledger // to look into
	past   map[identity.WorkspaceID][]state
	group  map[identity.WorkspaceID]bool // ADMIN through a group
	late   []func(at time.Time)          // what will still be done, by landing
	lands  []time.Time

	// kill counts down; the process is killed when it comes to zero, before or after what it counts.
	kill int
	// trouble decides over one write: done at once, done later or never, and what the caller hears.
	trouble func(what string) (landsIn time.Duration, lost bool, err error)
	// lag is how old an answer may be.
	lag    func() time.Duration
	writes []string
}

func newWorld(t testing.TB, clock *ledgertest.Clock, before ...identity.WorkspacePermission) *world {
	w := &world{wrong: t.Errorf, clock: clock, past: map[identity.WorkspaceID][]state{}, group: map[identity.WorkspaceID]bool{}, kill: -1}
	for i, is := range before {
		w.past[identity.WorkspaceID(i+1)] = []state{{clock.Now().Add(-time.Hour), is, false}}
	}
	return w
}

func (w *world) workspaces() []identity.Workspace {
	var list []identity.Workspace
	for i := range len(w.past) {
		list = append(list, identity.Workspace{ID: identity.WorkspaceID(i + 1), Name: fmt.Sprint("ws", i+1), Status: "RUNNING"})
	}
	return list
}

// step is a point at which the process may be killed.
func (w *world) step() {
	if w.kill == 0 {
		w.kill = -1
		panic(killed{})
	}
	w.kill--
}

func (w *world) now(id identity.WorkspaceID) state {
	for i := 0; i < len(w.late); {
		if w.clock.Now().Before(w.lands[i]) {
			i++
			continue
		}
		do, at := w.late[i], w.lands[i]
		w.late, w.lands = slices.Delete(w.late, i, i+1), slices.Delete(w.lands, i, i+1)
		do(at)
	}
	return w.past[id][len(w.past[id])-1]
}

// set changes an assignment.
func (w *world) set(id identity.WorkspaceID, is identity.WorkspacePermission, ours bool) {
	w.now(id)
	w.past[id] = append(w.past[id], state{w.clock.Now(), is, ours})
}

func (w *world) Standing(_ context.Context, at identity.Workspace) (identity.WorkspacePermission, error) {
	w.step()
	if w.group[at.ID] {
		return admin, nil
	}
	return w.now(at.ID).is, nil
}

func (w *world) OwnAssignment(_ context.Context, id identity.WorkspaceID, who identity.PrincipalKey) (identity.WorkspacePermission, error) {
	w.step()
	if who != me.Key {
		w.wrong("asked about %v", who)
	}
	w.now(id)
	seen := w.clock.Now()
	if w.lag != nil {
		seen = seen.Add(-w.lag())
	}
	all := w.past[id]
	for i := len(all) - 1; ; i-- {
		if i == 0 || !all[i].at.After(seen) {
			return all[i].is, nil
		}
	}
}

func (w *world) Assign(_ context.Context, id identity.WorkspaceID, who identity.PrincipalKey, is identity.WorkspacePermission) error {
	if is != user && is != admin {
		w.wrong("Assign was asked to write %v, which deletes", is)
	}
	return w.write(id, who, is)
}

func (w *world) Unassign(_ context.Context, id identity.WorkspaceID, who identity.PrincipalKey) error {
	return w.write(id, who, none)
}

// write checks what must hold of every write, whatever happened before.
func (w *world) write(id identity.WorkspaceID, who identity.PrincipalKey, is identity.WorkspacePermission) error {
	w.step()
	if who != me.Key {
		w.wrong("changed %v", who)
	}
	w.writes = append(w.writes, fmt.Sprintf("%d %s", id, is))
	open, err := w.ledger().Elevations(context.Background())
	if err != nil {
		w.wrong("the ledger cannot be looked into: %v", err)
	}
	if !slices.ContainsFunc(open, func(e ledger.Elevation) bool { return e.Scope == scope(elevate.Lease{Workspace: id, Who: who}) }) {
		w.wrong("workspace %d was made %s without a lease", id, is)
	}
	if was := w.now(id); is < was.is && !was.ours {
		w.wrong("workspace %d was lowered from %s, which is not ours, to %s", id, was.is, is)
	}
	var wait time.Duration
	var lost bool
	var said error
	if w.trouble != nil {
		wait, lost, said = w.trouble(is.String())
	}
	do := func(at time.Time) { w.past[id] = append(w.past[id], state{at, is, true}) }
	switch {
	case lost:
	case wait > 0:
		w.late, w.lands = append(w.late, do), append(w.lands, w.clock.Now().Add(wait))
	default:
		do(w.clock.Now())
	}
	w.step()
	return said
}

// Now, Sleep and After make it a Clock of runs. Timers do not go off by themselves.
func (w *world) Now() time.Time { return w.clock.Now() }

func (w *world) Sleep(ctx context.Context, d time.Duration) error {
	w.step()
	w.clock.Add(d)
	return ctx.Err()
}

func (w *world) After(time.Duration, func()) func() { return func() {} }

// stepping makes points of all that is done with the book.
type stepping struct {
	*Book
	w *world
}

func (s stepping) With(ctx context.Context, patience time.Duration, f func(context.Context, elevate.Leases) error) error {
	s.w.step()
	return s.Book.With(ctx, patience, func(ctx context.Context, l elevate.Leases) error {
		return f(ctx, steps{l, s.w})
	})
}

type steps struct {
	elevate.Leases
	w *world
}

func (s steps) Take(ctx context.Context, l elevate.Lease, most time.Duration) (elevate.Lease, bool, error) {
	s.w.step()
	defer s.w.step()
	return s.Leases.Take(ctx, l, most)
}

func (s steps) Land(ctx context.Context, l elevate.Lease) error {
	s.w.step()
	defer s.w.step()
	return s.Leases.Land(ctx, l)
}

func (s steps) Leave(ctx context.Context, l elevate.Lease) (bool, error) {
	s.w.step()
	defer s.w.step()
	return s.Leases.Leave(ctx, l)
}

func (s steps) End(ctx context.Context, l elevate.Lease, reason string) error {
	s.w.step()
	defer s.w.step()
	return s.Leases.End(ctx, l, reason)
}

func (s steps) Forget(ctx context.Context, l elevate.Lease) error {
	s.w.step()
	defer s.w.step()
	return s.Leases.Forget(ctx, l)
}

// run is one process.
type run struct {
	elevate.Elevator
	runs *Runs
	held *elevate.Held
	dead bool
}

// start starts a process on a ledger.
func (w *world) start(t testing.TB, dir string, b Book) *run {
	runs, err := OpenRuns(dir)
	if err != nil {
		t.Fatal(err)
	}
	b.Runs, b.Actor = runs, ledger.Actor{Via: "test"}
	r := &run{runs: runs, Elevator: elevate.Elevator{Account: w, Book: stepping{&b, w}, Clock: w}}
	t.Cleanup(func() { _ = runs.file.Close() })
	return r
}

// do has the process do something, and reports whether it was killed meanwhile.
func (r *run) do(f func()) (dead bool) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case killed:
			_ = r.runs.file.Close() // the system takes the lock back, and leaves the file
			r.dead, dead = true, true
		default:
			panic(p)
		}
	}()
	f()
	return false
}

// audit raises what is less than ADMIN and gives the outcomes.
func (r *run) audit(t testing.TB, w *world) []elevate.Outcome {
	kill, lag := w.kill, w.lag
	w.kill, w.lag = -1, nil // a survey leaves nothing behind, wherever it is killed; it asks in goroutines of its own
	var targets []elevate.Target
	for _, one := range w.workspaces() {
		found, err := elevate.Survey(t.Context(), w, me.Key, []identity.Workspace{one}, admin)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, found...)
	}
	w.kill, w.lag = kill, lag
	var err error
	if r.held, err = r.Raise(t.Context(), me, targets); err != nil {
		t.Fatalf("raise: %v", err)
	}
	return r.held.Outcomes()
}

// places are the ledgers to try things on.
var places = map[string]func(t testing.TB, w *world) Book{
	"memory": func(t testing.TB, w *world) Book {
		l := ledgertest.Memory(t, w.clock)
		w.ledger = func() *ledger.Ledger { return l }
		return Book{Keep: true, Open: func(context.Context) (*ledger.Ledger, error) { return l, nil }}
	},
	"file": func(t testing.TB, w *world) Book {
		o := ledger.Options{Location: filepath.Join(t.TempDir(), "own", "ledger.db"), Account: ledgertest.Account, Clock: w.clock.Now}
		var open *ledger.Ledger
		w.ledger = func() *ledger.Ledger { return open }
		return Book{Open: func(ctx context.Context) (l *ledger.Ledger, err error) {
			l, err = ledger.Open(ctx, o)
			open = l
			return l, err
		}}
	},
}

// leases gives what is in the ledger.
func leasesIn(t testing.TB, r *run) []elevate.Lease {
	t.Helper()
	var all []elevate.Lease
	err := r.Book.With(t.Context(), time.Second, func(ctx context.Context, l elevate.Leases) (err error) {
		all, _, err = l.List(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
