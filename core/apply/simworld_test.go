package apply_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/invariant"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// weather says what may go wrong, each as one in so many; zero is never.
type weather struct {
	lag       time.Duration // readings lag by up to so much, each by another time
	lost      int           // a write takes effect and its answer is lost
	vanish    int           // a write has no effect, and neither has it an answer
	throttle  int           // 429
	refuse    int           // 403
	broken    int           // a read fails
	crash     int           // the process ends, at any boundary
	pause     int           // the process stands still for up to two minutes
	meddle    int           // somebody else changes a cell, at any boundary
	storeFail int           // the store refuses to write
}

// world is a simulated account in simulated time, and everybody who works on it. One thing happens at a time, in an
// order that the seed decides.
type world struct {
	rng *rand.Rand
	now time.Time
	weather
	cells   map[plan.Cell][]version
	barred  map[identity.PrincipalKey]bool
	near    []plan.Change // what others like to change
	trace   invariant.Trace
	store   apply.Store
	ledger  *ledger.Ledger
	procs   []*process
	crashes int // how many more there may be
	meddles int
	names   int
	steps   int
	// left and refused count outcomes of undos that left a step to another plan, and that could not for now.
	left, refused int
	// edit, unless nil, changes plans before they are stored.
	edit func(p *plan.Plan)
	// at, unless nil, is asked at every boundary whether the process dies there: exhaustive tests use it.
	at func(p *process, where string) bool
	// during, unless nil, runs at every boundary: exhaustive tests let others change something there.
	during func(where string)
	// may, unless nil, says of a cell whether whoever works may change it.
	may func(c plan.Cell) plan.Answer
	// answer, unless nil, decides the answer to a write in place of the weather.
	answer func(changes []plan.Change) (effect bool, err error)
}

type version struct {
	at    time.Time
	value plan.Value
}

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func newWorld(seed uint64, w weather) *world {
	return &world{
		rng: rand.New(rand.NewPCG(seed, 2026)), now: start, weather: w, cells: map[plan.Cell][]version{}, barred: map[identity.PrincipalKey]bool{},
		trace: invariant.Trace{Plans: map[string]plan.Plan{}, Digests: map[string]string{}, Asked: map[string]bool{}, Lag: w.lag},
	}
}

func (w *world) oneIn(n int) bool { return n > 0 && w.rng.IntN(n) == 0 }

// value is what a cell holds in truth.
func (w *world) value(c plan.Cell) plan.Value {
	if h := w.cells[c]; len(h) > 0 {
		return h[len(h)-1].value
	}
	return plan.Absent
}

// set changes a cell, in truth.
func (w *world) set(c plan.Cell, v plan.Value) (from plan.Value) {
	from = w.value(c)
	w.cells[c] = append(w.cells[c], version{w.now, v})
	return from
}

// seen is what a reading of a cell shows now: what it held a while ago.
func (w *world) seen(c plan.Cell) plan.Value {
	at := w.now
	if w.lag > 0 && w.rng.IntN(3) > 0 {
		at = at.Add(-time.Duration(w.rng.Int64N(int64(w.lag))))
	}
	v := plan.Absent
	for _, h := range w.cells[c] {
		if !h.at.After(at) {
			v = h.value
		}
	}
	return v
}

// meddleNow lets somebody else change a cell.
func (w *world) meddleNow(c plan.Change) {
	values := []plan.Value{c.Before, c.After}
	if c.Cell.Kind == plan.Assigned || c.Cell.Kind == plan.ObjectLevel {
		values = append(values, plan.Absent, "ADMIN", "USER")
	}
	to := values[w.rng.IntN(len(values))]
	from := w.set(c.Cell, to)
	w.trace.Events = append(w.trace.Events, invariant.Event{At: w.now, What: invariant.Changed, By: "somebody", Cell: c.Cell, From: from, To: to})
}

// process is one run of the program.
type process struct {
	w     *world
	name  string
	skew  time.Duration
	wake  time.Time
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	over  bool
	err   error
	out   apply.Result
}

// crashed unwinds a process that ended.
type crashed struct{}

// spawn starts a process; it runs when the world does.
func (w *world) spawn(work func(p *process, e *apply.Executor) error) *process {
	w.names++
	p := &process{w: w, name: fmt.Sprintf("p%d", w.names), wake: w.now, skew: time.Duration(w.rng.Int64N(int64(20*time.Minute))) - 10*time.Minute}
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(crashed); !ok {
					panic(r)
				}
				p.err = errCrashed
			}
		}()
		p.yield = yield
		p.err = work(p, w.executor(p))
	})
	w.procs = append(w.procs, p)
	return p
}

var errCrashed = errors.New("the process was killed")

// run runs all processes to their end.
func (w *world) run() {
	for {
		var ready []*process
		var first time.Time
		for _, p := range w.procs {
			if p.over {
				continue
			}
			if first.IsZero() || p.wake.Before(first) {
				first = p.wake
			}
		}
		if first.IsZero() {
			w.procs = nil
			return
		}
		if first.After(w.now) {
			w.now = first
		}
		for _, p := range w.procs {
			if !p.over && !p.wake.After(w.now) {
				ready = append(ready, p)
			}
		}
		p := ready[w.rng.IntN(len(ready))]
		if _, more := p.next(); !more {
			p.over = true
			p.stop()
		}
	}
}

// boundary is a moment at which others may come between, and at which the process may die or stand still.
func (p *process) boundary(where string, took time.Duration) {
	w := p.w
	w.steps++
	if w.steps > 100_000 {
		panic("the run has no end")
	}
	if w.during != nil {
		w.during(where)
	}
	if w.meddles > 0 && w.oneIn(w.meddle) {
		w.meddles--
		w.meddleNow(w.near[w.rng.IntN(len(w.near))])
	}
	if w.at != nil && w.at(p, where) || w.crashes > 0 && w.oneIn(w.crash) {
		w.crashes--
		panic(crashed{})
	}
	if w.oneIn(w.pause) {
		took += time.Duration(w.rng.Int64N(int64(2 * time.Minute)))
	}
	p.wake = w.now.Add(took)
	if !p.yield(struct{}{}) {
		panic(crashed{})
	}
}

// briefly is how long a request takes.
func (w *world) briefly() time.Duration { return time.Duration(1+w.rng.IntN(400)) * time.Millisecond }

// Now, Sleep and Within are the process's Clock, which is wrong by a constant.
func (p *process) Now() time.Time { return p.w.now.Add(p.skew) }

func (p *process) Sleep(ctx context.Context, d time.Duration) error {
	p.boundary("sleep", d)
	return ctx.Err()
}

func (p *process) Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithValue(ctx, deadline{}, p.Now().Add(d)), func() {}
}

type deadline struct{}

func (p *process) late(ctx context.Context) bool {
	at, ok := ctx.Value(deadline{}).(time.Time)
	return ok && p.Now().After(at)
}

// account is the Account of one process.
type account struct{ *process }

var home = apply.Place{Account: "11111111-2222-3333-4444-555555555555", Host: "https://accounts.cloud.test"}

func (account) Place() apply.Place { return home }

func (a account) Read(ctx context.Context, changes []plan.Change) ([]apply.Reading, error) {
	a.boundary("read", a.w.briefly())
	if a.late(ctx) || a.w.oneIn(a.w.broken) {
		return nil, &identity.Failure{Kind: identity.Failed, Status: 503, Message: "down"}
	}
	var out []apply.Reading
	for _, c := range changes {
		r := apply.Reading{Value: a.w.seen(c.Cell)}
		if a.w.barred[c.Cell.Group] {
			r.Barred = "its group is kept by an identity provider"
		}
		out = append(out, r)
	}
	a.boundary("read done", 0)
	return out, nil
}

func (a account) Write(ctx context.Context, changes []plan.Change) error {
	w := a.w
	for _, c := range changes[1:] {
		if !apply.Together(changes[0], c) {
			panic("one request cannot do this")
		}
	}
	a.boundary("write", w.briefly())
	effect, err := true, error(nil)
	switch {
	case a.late(ctx):
		effect, err = false, context.DeadlineExceeded
	case w.answer != nil:
		effect, err = w.answer(changes)
	case w.oneIn(w.vanish):
		effect, err = false, &identity.Failure{Kind: identity.Failed, Message: "no answer"}
	case w.oneIn(w.throttle):
		effect, err = false, &identity.Failure{Kind: identity.Throttled, Status: 429, Message: "too many"}
	case w.oneIn(w.refuse):
		effect, err = false, &identity.Failure{Kind: identity.Forbidden, Status: 403, Message: "no"}
	case w.oneIn(w.lost):
		err = &identity.Failure{Kind: identity.Failed, Status: 504, Message: "no answer"}
	}
	if effect {
		for _, c := range changes {
			from := w.set(c.Cell, c.After)
			w.trace.Events = append(w.trace.Events, invariant.Event{At: w.now, What: invariant.Sent, By: a.name, Plan: a.process.plan(), Cell: c.Cell, From: from, To: c.After})
		}
	}
	a.boundary("write done", w.briefly())
	return err
}

// plan is the plan that the process works on, by what it last began.
func (p *process) plan() string {
	for i := len(p.w.trace.Events) - 1; i >= 0; i-- {
		if e := p.w.trace.Events[i]; e.What == invariant.Began && e.By == p.name {
			return e.Plan
		}
	}
	return ""
}
