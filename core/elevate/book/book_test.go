package book

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"databricks-access-audit/core/elevate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

func onEach(t *testing.T, f func(t *testing.T, place func(testing.TB, *world) Book)) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) { f(t, place) })
	}
}

func wantStates(t testing.TB, what string, got []elevate.Outcome, want ...elevate.State) {
	t.Helper()
	var states []elevate.State
	for _, o := range got {
		states = append(states, o.State)
	}
	if !slices.Equal(states, want) {
		t.Errorf("%s: states %v, want %v: %+v", what, states, want, got)
	}
}

func (w *world) want(t testing.TB, what string, want ...identity.WorkspacePermission) {
	t.Helper()
	for i, is := range want {
		if got := w.now(identity.WorkspaceID(i + 1)).is; got != is {
			t.Errorf("%s: workspace %d is %s, want %s", what, i+1, got, is)
		}
	}
}

// What is less than ADMIN is raised and put back exactly; who is ADMIN, or through a group, is left alone.
func TestRaisedAndPutBack(t *testing.T) {
	onEach(t, func(t *testing.T, place func(testing.TB, *world) Book) {
		w := newWorld(t, ledgertest.NewClock(), none, user, admin, user)
		w.group[4] = true
		r := w.start(t, t.TempDir(), place(t, w))
		wantStates(t, "raise", r.audit(t, w), elevate.Raised, elevate.Raised)
		w.want(t, "raised", admin, admin, admin, user)
		wantStates(t, "end", r.held.End(t.Context()), elevate.Restored, elevate.Restored)
		wantStates(t, "end again", r.held.End(t.Context()), elevate.Restored, elevate.Restored)
		w.want(t, "ended", none, user, admin, user)
		if want := []string{"1 ADMIN", "2 ADMIN", "1 NONE", "2 USER"}; !slices.Equal(w.writes, want) {
			t.Errorf("writes: %v, want %v", w.writes, want)
		}
		if left := leasesIn(t, r); len(left) != 0 {
			t.Errorf("leases: %v", left)
		}
	})
}

// A run that is killed at any point leaves what the next one puts back exactly.
func TestT35_KilledAnywhere(t *testing.T) {
	onEach(t, func(t *testing.T, place func(testing.TB, *world) Book) {
		for n := 0; ; n++ {
			alive := false
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				w := newWorld(t, ledgertest.NewClock(), none, user)
				dir, b := t.TempDir(), place(t, w)
				first := w.start(t, dir, b)
				w.kill = n
				alive = !first.do(func() {
					first.audit(t, w)
					first.held.End(t.Context())
				})
				w.kill = -1
				// Who mends may be killed, too, anywhere.
				for m := range 12 {
					second := w.start(t, dir, b)
					w.kill = m
					second.do(func() {
						if _, err := second.Mend(t.Context(), false); err != nil {
							t.Errorf("mend: %v", err)
						}
					})
					w.kill = -1
				}
				w.clock.Add(2 * time.Minute) // what was under way is settled
				last := w.start(t, dir, b)
				done, err := last.Mend(t.Context(), false)
				if err != nil || slices.ContainsFunc(done, func(o elevate.Outcome) bool { return o.State != elevate.Restored }) {
					t.Errorf("mend: %+v, %v", done, err)
				}
				w.want(t, "mended", none, user)
				if left := leasesIn(t, last); len(left) != 0 {
					t.Errorf("leases: %v", left)
				}
			})
			if alive {
				if n < 20 {
					t.Errorf("only %d points", n)
				}
				return
			}
		}
	})
}

// At the moment after a kill, a state that looks as if nothing had been changed is not believed: the change may
// still be under way.
func TestChangeUnderWay(t *testing.T) {
	w := newWorld(t, ledgertest.NewClock(), none)
	dir, b := t.TempDir(), places["memory"](t, w)
	first := w.start(t, dir, b)
	w.trouble = func(string) (time.Duration, bool, error) { return 20 * time.Second, false, nil }
	w.kill = 6 // after the request was sent
	if !first.do(func() { first.audit(t, w) }) || len(w.late) != 1 {
		t.Fatalf("not killed after the request was sent: %v", w.writes)
	}
	w.trouble = nil
	second := w.start(t, dir, b)
	done, err := second.Mend(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, "at once", done, elevate.Open)
	w.want(t, "at once", none)
	wantStates(t, "a new run meanwhile", second.audit(t, w), elevate.Refused)
	w.clock.Add(25 * time.Second)
	w.want(t, "landed", admin)
	done, err = second.Mend(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, "landed", done, elevate.Open) // it is not known that this was it
	w.want(t, "landed, and put back", none)
	w.clock.Add(time.Minute + 5*time.Second)
	if done, err = second.Mend(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	wantStates(t, "settled", done, elevate.Restored)
	w.want(t, "mended", none)
}

// Several runs share one elevation: whoever leaves last puts back, and the dead hold nothing.
func TestShared(t *testing.T) {
	onEach(t, func(t *testing.T, place func(testing.TB, *world) Book) {
		w := newWorld(t, ledgertest.NewClock(), user)
		dir, b := t.TempDir(), place(t, w)
		var runs []*run
		for range 4 {
			r := w.start(t, dir, b)
			wantStates(t, "raise", r.audit(t, w), elevate.Raised)
			if got := r.held.Outcomes()[0].Before; got != user {
				t.Errorf("before: %s", got)
			}
			runs = append(runs, r)
		}
		_ = runs[3].runs.file.Close() // killed
		wantStates(t, "the first leaves", runs[0].held.End(t.Context()), elevate.Shared)
		w.want(t, "two are left", admin)
		if done, err := runs[1].Mend(t.Context(), false); err != nil || len(done) != 0 {
			t.Errorf("mended what is in use: %v, %v", done, err)
		}
		wantStates(t, "the second leaves", runs[1].held.End(t.Context()), elevate.Shared)
		wantStates(t, "the last alive leaves", runs[2].held.End(t.Context()), elevate.Restored)
		w.want(t, "ended", user)
		if want := []string{"1 ADMIN", "1 USER"}; !slices.Equal(w.writes, want) {
			t.Errorf("writes: %v, want %v", w.writes, want)
		}
	})
}

// What somebody else made of it meanwhile is left.
func TestSomebodyElse(t *testing.T) {
	for _, c := range []struct {
		before, made identity.WorkspacePermission
		want         elevate.State
	}{{none, user, elevate.Foreign}, {user, none, elevate.Foreign}, {none, none, elevate.Restored}, {user, user, elevate.Restored}} {
		t.Run(c.before.String()+" "+c.made.String(), func(t *testing.T) {
			w := newWorld(t, ledgertest.NewClock(), c.before)
			r := w.start(t, t.TempDir(), places["memory"](t, w))
			r.audit(t, w)
			w.clock.Add(10 * time.Minute)
			w.set(1, c.made, false)
			wantStates(t, "end", r.held.End(t.Context()), c.want)
			w.want(t, "end", c.made)
			if len(w.writes) != 1 {
				t.Errorf("writes: %v", w.writes)
			}
			if left := leasesIn(t, r); len(left) != 0 {
				t.Errorf("leases: %v", left)
			}
		})
	}
}

// A refusal leaves nothing, a lost answer is followed by a reading, and what cannot be put back stays in the ledger.
func TestTroubleWithWrites(t *testing.T) {
	refusal := &identity.Failure{Kind: identity.Forbidden, Status: 403, Message: "no"}
	at := func(what string, lost bool, err error) func(string) (time.Duration, bool, error) {
		return func(is string) (time.Duration, bool, error) {
			if is == what {
				return 0, lost, err
			}
			return 0, false, nil
		}
	}
	for name, c := range map[string]struct {
		trouble             func(string) (time.Duration, bool, error)
		raised, ended       elevate.State
		is                  identity.WorkspacePermission
		leases, most, least int
	}{
		"refused":                  {at("ADMIN", true, refusal), elevate.Refused, elevate.Refused, user, 0, 1, 1},
		"answer lost, done":        {at("ADMIN", false, errReset), elevate.Raised, elevate.Restored, user, 0, 2, 2},
		"answer lost, not done":    {at("ADMIN", true, errReset), elevate.Refused, elevate.Refused, user, 0, 1, 1},
		"accepted, never done":     {at("ADMIN", true, nil), elevate.Refused, elevate.Refused, user, 0, 1, 1},
		"back: answer lost, done":  {at("USER", false, errReset), elevate.Raised, elevate.Restored, user, 0, 2, 2},
		"back: never done":         {at("USER", true, errReset), elevate.Raised, elevate.Open, admin, 1, 5, 2},
		"back: refused":            {at("USER", true, refusal), elevate.Raised, elevate.Open, admin, 1, 5, 2},
		"back: accepted, not done": {at("USER", true, nil), elevate.Raised, elevate.Open, admin, 1, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, ledgertest.NewClock(), user)
			dir, b := t.TempDir(), places["memory"](t, w)
			r := w.start(t, dir, b)
			w.trouble = c.trouble
			wantStates(t, "raise", r.audit(t, w), c.raised)
			wantStates(t, "end", r.held.End(t.Context()), c.ended)
			w.want(t, "end", c.is)
			if n := len(w.writes); n > c.most || n < c.least {
				t.Errorf("writes: %v", w.writes)
			}
			if left := leasesIn(t, r); len(left) != c.leases {
				t.Errorf("leases: %v", left)
			}
			w.trouble = nil
			_ = r.runs.file.Close()
			next := w.start(t, dir, b)
			if _, err := next.Mend(t.Context(), true); err != nil {
				t.Error(err)
			}
			w.want(t, "mended", user)
		})
	}
}

// The time of an elevation is an hour, whoever joins it when; then anybody mends it, whatever its runs do.
func TestTimeIsOver(t *testing.T) {
	w := newWorld(t, ledgertest.NewClock(), none)
	dir, b := t.TempDir(), places["memory"](t, w)
	sleeper := w.start(t, dir, b)
	sleeper.audit(t, w)
	w.clock.Add(59 * time.Minute)
	joiner := w.start(t, dir, b)
	held, err := joiner.Raise(t.Context(), me, []elevate.Target{{Workspace: w.workspaces()[0]}})
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, "joined at the last minute", held.Outcomes(), elevate.Refused)
	if done, err := joiner.Mend(t.Context(), false); err != nil || len(done) != 0 {
		t.Errorf("mended before the time is over: %v, %v", done, err)
	}
	w.clock.Add(time.Minute)
	done, err := joiner.Mend(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, "mended", done, elevate.Restored)
	w.want(t, "mended", none)
	wantStates(t, "the sleeper wakes", sleeper.held.End(t.Context()), elevate.Restored)
	w.want(t, "after that", none)
}

// A machine that stood still between the lease and the change makes none: the lease may have been mended since.
func TestStoodStill(t *testing.T) {
	w := newWorld(t, ledgertest.NewClock(), none)
	r := w.start(t, t.TempDir(), places["memory"](t, w))
	r.Clock = &jumping{world: w}
	wantStates(t, "raise", r.audit(t, w), elevate.Refused)
	if len(w.writes) != 0 {
		t.Errorf("writes: %v", w.writes)
	}
	if left := leasesIn(t, r); len(left) != 0 {
		t.Errorf("leases: %v", left)
	}
}

// jumping is a clock that shows a minute more each time.
type jumping struct{ *world }

func (j *jumping) Now() time.Time { j.clock.Add(time.Minute); return j.clock.Now() }

// Runs that begin and end at once on one file change the right once, and put it back once.
func TestAtOnce(t *testing.T) {
	w := &locked{newWorld(t, ledgertest.NewClock(), user)}
	o := ledger.Options{Location: t.TempDir() + "/own/ledger.db", Account: ledgertest.Account}
	dir := t.TempDir()
	var all sync.WaitGroup
	ready := make(chan struct{})
	for range 6 {
		runs, err := OpenRuns(dir)
		if err != nil {
			t.Fatal(err)
		}
		b := &Book{Runs: runs, Open: func(ctx context.Context) (*ledger.Ledger, error) { return ledger.Open(ctx, o) }}
		e := elevate.Elevator{Account: w, Book: b, Clock: w}
		all.Go(func() {
			<-ready
			held, err := e.Raise(t.Context(), me, []elevate.Target{{Workspace: w.workspaces()[0], Own: user}})
			if err != nil {
				t.Error(err)
			}
			w.mu.Lock()
			if is := w.now(1).is; is != admin && held.Outcomes()[0].State == elevate.Raised {
				t.Errorf("raised, and %s", is)
			}
			w.mu.Unlock()
			if got := held.End(t.Context())[0]; got.State != elevate.Restored && got.State != elevate.Shared {
				t.Errorf("end: %+v", got)
			}
			if err := runs.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	close(ready)
	all.Wait()
	w.want(t, "in the end", user)
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

// locked is a world for several goroutines.
type locked struct{ *world }

func (l *locked) Standing(ctx context.Context, at identity.Workspace) (identity.WorkspacePermission, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.world.Standing(ctx, at)
}

func (l *locked) OwnAssignment(ctx context.Context, id identity.WorkspaceID, who identity.PrincipalKey) (identity.WorkspacePermission, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.world.OwnAssignment(ctx, id, who)
}

func (l *locked) Assign(_ context.Context, id identity.WorkspaceID, _ identity.PrincipalKey, is identity.WorkspacePermission) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(id, is, true)
	return nil
}

func (l *locked) Unassign(context.Context, identity.WorkspaceID, identity.PrincipalKey) error {
	l.wrong("the assignment was deleted")
	return nil
}

// Whatever the order of runs, kills, other people's changes and lost or late answers: no write without a lease, no
// right lowered that is not ours (world.write sees to both), and in the end all is as it was or as others made it.
func TestAnySchedule(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rights := rapid.SampledFrom([]identity.WorkspacePermission{none, user, admin})
		base := rapid.SliceOfN(rights, 1, 3).Draw(rt, "before")
		w := newWorld(t, ledgertest.NewClock(), base...)
		l, err := ledger.Open(t.Context(), ledger.Options{Location: ledger.Memory, Account: ledgertest.Account, Clock: w.clock.Now})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		w.wrong = rt.Errorf
		w.ledger = func() *ledger.Ledger { return l }
		b := Book{Keep: true, Open: func(context.Context) (*ledger.Ledger, error) { return l, nil }}
		dir, err := os.MkdirTemp(t.TempDir(), "runs")
		if err != nil {
			rt.Fatal(err)
		}
		const slowest = 25 * time.Second
		w.lag = func() time.Duration { return time.Duration(rapid.IntRange(0, 20).Draw(rt, "lag")) * time.Second }
		w.trouble = func(string) (time.Duration, bool, error) {
			switch rapid.IntRange(0, 7).Draw(rt, "trouble") {
			case 0:
				return 0, true, &identity.Failure{Kind: identity.Throttled, Status: 429, Message: "slow down"}
			case 1:
				return 0, true, errReset
			case 2:
				return 0, false, errReset
			case 3:
				return time.Duration(rapid.IntRange(1, int(slowest/time.Second)).Draw(rt, "late")) * time.Second, false, errReset
			default:
				return 0, false, nil
			}
		}
		var runs []*run
		maybeKill := func() {
			if w.kill = -1; rapid.Bool().Draw(rt, "kill") {
				w.kill = rapid.IntRange(0, 40).Draw(rt, "point")
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) {
				r := w.start(t, dir, b)
				runs = append(runs, r)
				maybeKill()
				r.do(func() { r.audit(t, w) })
				w.kill = -1
			},
			"end": func(rt *rapid.T) {
				alive := slices.DeleteFunc(slices.Clone(runs), func(r *run) bool { return r.dead || r.held == nil })
				if len(alive) == 0 {
					rt.Skip("nobody")
				}
				r := rapid.SampledFrom(alive).Draw(rt, "who")
				maybeKill()
				r.do(func() { r.held.End(t.Context()) })
				w.kill = -1
			},
			"mend": func(rt *rapid.T) {
				r := w.start(t, dir, b)
				maybeKill()
				r.do(func() {
					if _, err := r.Mend(t.Context(), rapid.Bool().Draw(rt, "wait")); err != nil {
						rt.Errorf("mend: %v", err)
					}
				})
				w.kill = -1
				_ = r.runs.Close()
			},
			"somebody else": func(rt *rapid.T) {
				w.clock.Add(time.Minute) // so that nothing of ours is under way, which nobody could tell apart
				id := identity.WorkspaceID(rapid.IntRange(1, len(base)).Draw(rt, "where"))
				is := rights.Draw(rt, "made")
				if open, err := l.Elevations(t.Context()); is == admin && (err != nil || slices.ContainsFunc(open, func(e ledger.Elevation) bool {
					return e.Scope == scope(elevate.Lease{Workspace: id, Who: me.Key})
				})) {
					rt.Skip("nobody could tell it from ours")
				}
				w.set(id, is, false)
				base[id-1] = is
				w.clock.Add(time.Minute)
			},
			"time": func(rt *rapid.T) {
				w.clock.Add(time.Duration(rapid.IntRange(1, 90).Draw(rt, "minutes")) * time.Minute)
			},
		})
		w.trouble, w.lag = nil, nil
		for _, r := range runs {
			if !r.dead && rapid.Bool().Draw(rt, "ends") && r.held != nil {
				r.held.End(t.Context())
			} else {
				_ = r.runs.file.Close()
			}
		}
		w.clock.Add(2 * time.Minute)
		last := w.start(t, dir, b)
		if _, err := last.Mend(t.Context(), true); err != nil {
			rt.Fatal(err)
		}
		for i, want := range base {
			if got := w.now(identity.WorkspaceID(i + 1)).is; got != want {
				rt.Fatalf("workspace %d is %s in the end, want %s; its past: %v", i+1, got, want, w.past[identity.WorkspaceID(i+1)])
			}
		}
		if left := leasesIn(t, last); len(left) != 0 {
			rt.Fatalf("leases: %v", left)
		}
	})
}
