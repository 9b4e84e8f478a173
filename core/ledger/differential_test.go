package ledger_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// TestA05_EnginesAgree does the same random things to a ledger in SQLite and to one in PostgreSQL: all results are the
// same, to the text of the errors, and in the end all that can be read. LEDGER_SEED runs a seed again.
func TestA05_EnginesAgree(t *testing.T) {
	seed := time.Now().UnixNano()
	if given := os.Getenv("LEDGER_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseInt(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("LEDGER_SEED=%d", seed)
	generator := rapid.Custom(draw)
	happened := map[string]int{} // by kind, without an error
	// Six rounds, and more where something has not happened yet: an end needs many things before it.
	for round := 0; round < 6 || round < 60 && missing(happened) != ""; round++ {
		clock, keys := ledgertest.NewClock(), ledger.NewKeys()
		var both []*ledger.Ledger
		for _, location := range []string{ledger.Memory, postgres.Address(t)} {
			both = append(both, ledgertest.Open(t, ledger.Options{Location: location, Clock: clock.Now, Keys: keys}))
		}
		var done []string
		for range 300 {
			seed++
			o := generator.Example(int(seed))
			clock.Add(o.wait)
			a, b := o.run(t, both[0]), o.run(t, both[1])
			done = append(done, fmt.Sprintf("%+v: %s", o, a))
			if a != b {
				t.Fatalf("%s\nbut with PostgreSQL: %s", strings.Join(done, "\n"), b)
			}
			if strings.HasSuffix(a, "<nil> <nil>") {
				happened[o.kind]++
			}
		}
		for _, l := range both {
			if _, err := l.Verify(t.Context()); err != nil {
				t.Fatalf("%s\n%v", strings.Join(done, "\n"), err)
			}
			for _, id := range planIDs {
				if err := l.Check(t.Context(), id); err != nil && !strings.Contains(err.Error(), "no plan") {
					t.Fatalf("%s\n%v", strings.Join(done, "\n"), err)
				}
			}
		}
		if diff := cmp.Diff(everything(t, both[0]), everything(t, both[1])); diff != "" {
			t.Fatalf("%s\n%s", strings.Join(done, "\n"), diff)
		}
	}
	t.Log(happened)
	if kind := missing(happened); kind != "" {
		t.Errorf("%s never succeeded: the test shows nothing of it", kind)
	}
}

// missing is a kind of operation that has not succeeded yet.
func missing(happened map[string]int) string {
	for _, kind := range []string{"create", "move", "vote", "acquire", "begin", "end", "elevate", "purge"} {
		if happened[kind] == 0 {
			return kind
		}
	}
	return ""
}

var planIDs = []string{"p-0000000001", "p-0000000002", "p-0000000003", "p-0000000004", "p-0000000005", "p-0000000006"}

// operation is one random thing to do. The names are for reading failures.
type operation struct {
	kind, plan, who, text string
	step                  string
	number                int64
	from, to              ledger.State
	version               int64
	result                ledger.Result
	wait                  time.Duration
	current               bool // take the state, version and lease as they are
}

func draw(rt *rapid.T) operation {
	pick := func(name string, list ...string) string { return rapid.SampledFrom(list).Draw(rt, name) }
	return operation{
		kind: pick("kind", "create", "move", "move", "move", "move", "move", "vote", "vote", "withdraw", "acquire", "acquire", "renew", "release", "begin", "begin", "begin", "end", "end", "end", "halt", "resume", "resume", "resume",
			"elevate", "leave", "reap", "restored", "receive", "handled", "queue", "due", "sent", "pin", "repin", "record", "sweep", "purge", "plans"),
		plan: pick("plan", planIDs...), who: pick("who", "one", "two"),
		text:   pick("text", "x", "", "näme\u202e", "a\x00b", "\xff", `'; DROP TABLE plans; --`, "$1"),
		step:   pick("step", "a", "b", "c", "d"),
		number: rapid.Int64Range(1, 3).Draw(rt, "number"), from: rapid.SampledFrom(ledger.States()).Draw(rt, "from"), to: rapid.SampledFrom(ledger.States()).Draw(rt, "to"),
		version: rapid.Int64Range(1, 6).Draw(rt, "version"), result: rapid.SampledFrom([]ledger.Result{ledger.Done, ledger.Already, ledger.StepFailed, ledger.Unknown, ledger.StepRefused}).Draw(rt, "result"),
		wait:    rapid.SampledFrom([]time.Duration{0, 0, 0, 0, 0, time.Microsecond, time.Second, time.Second, time.Second, 10 * time.Second, time.Minute, time.Hour, -time.Second, -time.Hour}).Draw(rt, "wait"),
		current: rapid.IntRange(0, 9).Draw(rt, "current") > 0,
	}
}

func (o operation) run(t *testing.T, l *ledger.Ledger) string {
	ctx := t.Context()
	actor := ledger.Actor{ID: o.who}
	var got any
	err := l.Do(ctx, func(tx *ledger.Tx) (err error) {
		if o.current { // where there is something to do, rather than anywhere
			applying, err := tx.Plans(ctx, ledger.PlanFilter{States: []ledger.State{ledger.Approved, ledger.Applying}})
			if err != nil {
				return err
			}
			open, err := tx.OpenIntents(ctx)
			if err != nil {
				return err
			}
			switch {
			case o.kind == "end" && len(open) > 0:
				o.plan, o.step, o.number = open[0].Plan, open[0].Step, open[0].Number
			case (o.kind == "begin" || o.kind == "acquire") && len(applying) > 0:
				o.plan = applying[0].ID
			}
		}
		lease := ledger.Lease{Name: ledger.PlanLease(o.plan), Holder: o.who, Epoch: o.number}
		from, version, to := o.from, o.version, o.to
		if o.current {
			if p, err := tx.Plan(ctx, o.plan); err == nil {
				from, version = p.State, p.Version
				// Mostly on, on the way that is the first one.
				if next := from.Next(); len(next) > 0 {
					to = next[max(0, int(o.version)-5)%len(next)]
				}
			}
			held, err := tx.Leases(ctx)
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(held, func(l ledger.Lease) bool { return l.Name == lease.Name }); i >= 0 {
				lease = held[i]
			}
		}
		switch o.kind {
		case "create":
			got, err = tx.Create(actor, ledger.Plan{ID: o.plan, Kind: "clone", Digest: "d", Body: []byte(o.text + "{}"), Target: ledger.Party{ID: o.who}, Requester: ledger.Party{ID: o.who, Name: o.text},
				Steps: []string{"a", "b", "c"}, ExpiresAt: tx.Now().Add(24 * time.Hour)})
		case "move":
			got, err = tx.Move(ledger.Move{Plan: o.plan, From: from, Version: version, To: to, Actor: actor, Lease: lease})
		case "vote":
			got, err = tx.Vote(actor, ledger.Vote{Plan: o.plan, Voter: ledger.Party{ID: o.who, Name: o.text}, Decision: ledger.Approve, Digest: "d", Source: o.text})
		case "withdraw":
			err = tx.Withdraw(actor, o.plan, o.who, "reason")
		case "acquire":
			got, err = tx.Acquire(ledger.PlanLease(o.plan), o.who, time.Minute)
		case "renew":
			got, err = tx.Renew(lease, time.Minute)
		case "release":
			err = tx.Release(lease)
		case "begin":
			got, err = tx.Begin(lease, actor, o.plan, o.step, []byte(o.text))
		case "end":
			got, err = tx.End(lease, actor, o.plan, o.step, o.number, ledger.Outcome{Result: o.result, Attribution: ledger.Certain, After: []byte(o.text), Error: o.text})
		case "halt":
			err = tx.Halt(actor, o.text)
		case "resume":
			err = tx.Resume(actor, o.text)
		case "elevate":
			var first bool
			var e ledger.Elevation
			e, first, err = tx.Elevate(actor, o.plan, o.who, []byte(o.text), tx.Now().Add(time.Hour))
			got = fmt.Sprint(e, first)
		case "leave":
			var last bool
			var e ledger.Elevation
			e, last, err = tx.Leave(actor, o.plan, o.who)
			got = fmt.Sprint(e, last)
		case "reap":
			got, err = tx.Reap(actor, o.plan, "reason")
		case "restored":
			err = tx.Restored(actor, o.plan)
		case "receive":
			var fresh bool
			_, fresh, err = tx.Receive(ledger.Message{Keys: []string{o.text + "k", o.step}, Body: []byte(o.text)})
			got = fresh
		case "handled":
			err = tx.Handled("none")
		case "queue":
			err = tx.Queue(ledger.Post{Key: o.text, Body: []byte(o.text)})
		case "due":
			got, err = tx.Due(2, time.Minute)
		case "sent":
			err = tx.Sent(o.text)
		case "pin":
			got, err = tx.Pin(actor, ledger.Pin{Team: "T", Member: o.step, Email: o.text, Principal: o.who})
		case "repin":
			got, err = tx.Repin(actor, ledger.Pin{Team: "T", Member: o.step, Email: o.text, Principal: o.who, Locked: true}, "reason")
		case "record":
			err = tx.Record(ledger.Event{Event: "seen", Actor: actor, Reason: o.text})
		case "sweep":
			err = tx.Sweep()
		case "plans":
			got, err = tx.Plans(ctx, ledger.PlanFilter{States: []ledger.State{o.from, o.to, from}, Due: tx.Now(), Limit: 1})
		}
		return err
	})
	if o.kind == "purge" {
		var h time.Time
		err = l.Do(ctx, func(tx *ledger.Tx) error {
			h = tx.Now()
			return nil
		})
		if err == nil {
			got, err = l.Purge(ctx, actor, h.Add(-time.Hour), h.Add(-time.Hour))
		}
	}
	return fmt.Sprintf("%+v, %T %v", got, err, err)
}

// everything is all that can be read from a ledger, but for what is random.
func everything(t *testing.T, l *ledger.Ledger) string {
	var b strings.Builder
	add := func(what any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%+v\n", what)
	}
	ctx := t.Context()
	add(l.Plans(ctx, ledger.PlanFilter{}))
	for _, id := range planIDs {
		add(l.Votes(ctx, id))
		add(l.Attempts(ctx, id))
	}
	add(l.OpenIntents(ctx))
	for _, target := range []string{"one", "two"} {
		add(l.Standing(ctx, target))
	}
	add(l.Leases(ctx))
	add(l.Elevations(ctx))
	add(l.Outbox(ctx))
	entries, err := l.Trail(ctx, "")
	for _, e := range entries {
		event, err := e.Event()
		if event.Event == ledger.EventGenesis {
			event.Chain = ""
		}
		add(event, err)
	}
	add(len(entries), err)
	return b.String()
}

// Many who want the same thing at the same moment: one gets it, and the others are told so.
func TestR15_Races(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) []*ledger.Ledger{
		"one SQLite ledger": func(t *testing.T) []*ledger.Ledger {
			l := ledgertest.File(t, ledgertest.NewClock())
			return []*ledger.Ledger{l, l, l}
		},
		"three replicas on PostgreSQL": func(t *testing.T) []*ledger.Ledger {
			address, keys := postgres.Address(t), ledger.NewKeys()
			list := make([]*ledger.Ledger, 3)
			var group sync.WaitGroup
			for i := range list { // they start together, too
				group.Go(func() {
					l, err := ledger.Open(t.Context(), ledger.Options{Location: address, Account: ledgertest.Account, Keys: keys})
					if err != nil {
						t.Error(err)
						return
					}
					list[i] = l
				})
			}
			group.Wait()
			if t.Failed() {
				t.FailNow()
			}
			t.Cleanup(func() {
				for _, l := range list {
					if err := l.Close(); err != nil {
						t.Error(err)
					}
				}
			})
			return list
		},
	} {
		t.Run(name, func(t *testing.T) {
			replicas := open(t)
			for range 30 {
				race(t, replicas)
			}
			v, err := replicas[0].Verify(t.Context())
			if err != nil || v.Rows < 30*4 {
				t.Errorf("verify: %+v, %v", v, err)
			}
		})
	}
}

// race lets all replicas move the same plan, vote for the same person and take the same lease.
func race(t *testing.T, replicas []*ledger.Ledger) {
	ctx := t.Context()
	p := ledgertest.Plan(ledgertest.NewClock())
	p.ExpiresAt = time.Now().Add(time.Hour)
	if err := replicas[0].Do(ctx, func(tx *ledger.Tx) (err error) {
		if p, err = tx.Create(ledger.Actor{}, p); err != nil {
			return err
		}
		p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Pending})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	wins := map[string]int{}
	var epochs []int64
	var group sync.WaitGroup
	try := func(what string, l *ledger.Ledger, f func(tx *ledger.Tx) error) {
		group.Go(func() {
			err := l.Do(ctx, f)
			mu.Lock()
			defer mu.Unlock()
			conflict, busy := new(ledger.ConflictError), new(ledger.BusyError)
			switch {
			case err == nil:
				wins[what]++
			case !errors.As(err, &conflict) && !errors.As(err, &busy):
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	for i, l := range replicas {
		for range 2 {
			try("move", l, func(tx *ledger.Tx) error {
				_, err := tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Approved})
				return err
			})
			try("vote", l, func(tx *ledger.Tx) error {
				_, err := tx.Vote(ledger.Actor{}, ledger.Vote{Plan: p.ID, Voter: ledger.Party{ID: "104"}, Decision: []ledger.Decision{ledger.Approve, ledger.Reject}[i%2], Digest: p.Digest})
				return err
			})
		}
		try("lease", l, func(tx *ledger.Tx) error {
			lease, err := tx.Acquire(ledger.PlanLease(p.ID), fmt.Sprint("replica ", i), time.Minute)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				epochs = append(epochs, lease.Epoch)
			}
			return err
		})
	}
	group.Wait()
	if wins["move"] != 1 || wins["lease"] != 1 || !slices.Equal(epochs, []int64{1}) {
		t.Errorf("won: %v, epochs %v", wins, epochs)
	}
	votes, err := replicas[0].Votes(ctx, p.ID)
	if err != nil || len(votes) != 1 {
		t.Errorf("votes: %v, %v", votes, err)
	}
	if err := replicas[0].Check(ctx, p.ID); err != nil {
		t.Error(err)
	}
}
