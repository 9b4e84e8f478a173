package apply_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/invariant"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// observed is a Store as one process sees it: others come between its calls, it may die at each, and what it changes
// is put on the trace.
type observed struct {
	*process
	apply.Store
}

var errDisk = errors.New("the disk is full")

// call runs one call of the store.
func (o observed) call(where string, writes bool, f func() error) error {
	o.boundary(where, time.Millisecond)
	if writes && o.w.oneIn(o.w.storeFail) {
		return errDisk
	}
	err := f()
	o.boundary(where+" done", time.Millisecond)
	return err
}

func (o observed) note(e invariant.Event) {
	e.At, e.By = o.w.now, o.process.name
	o.w.trace.Events = append(o.w.trace.Events, e)
}

func (o observed) Plan(ctx context.Context, id string) (k apply.Kept, err error) {
	err = o.call("plan", false, func() error { k, err = o.Store.Plan(ctx, id); return err })
	return k, err
}

func (o observed) Children(ctx context.Context, id string) (k []apply.Kept, err error) {
	err = o.call("children", false, func() error { k, err = o.Store.Children(ctx, id); return err })
	return k, err
}

func (o observed) Ended(ctx context.Context) (k []apply.Kept, err error) {
	err = o.call("ended", false, func() error { k, err = o.Store.Ended(ctx); return err })
	return k, err
}

func (o observed) Create(ctx context.Context, p plan.Plan) (k apply.Kept, err error) {
	err = o.call("create", true, func() error {
		k, err = o.Store.Create(ctx, p)
		if err == nil {
			o.w.consent(p, k)
		}
		return err
	})
	return k, err
}

func (o observed) Move(ctx context.Context, m apply.Move) (k apply.Kept, err error) {
	err = o.call("move", true, func() error {
		k, err = o.Store.Move(ctx, m)
		if err == nil {
			o.note(invariant.Event{What: invariant.Moved, Plan: k.ID, State: k.State, Digest: k.Digest, EndsAt: k.EndsAt})
		}
		return err
	})
	return k, err
}

func (o observed) Alarm(ctx context.Context, id, why string) error {
	return o.call("alarm", true, func() error {
		err := o.Store.Alarm(ctx, id, why)
		if err == nil {
			o.note(invariant.Event{What: invariant.Alarmed, Plan: id})
		}
		return err
	})
}

func (o observed) Attempts(ctx context.Context, id string) (a []apply.Attempt, err error) {
	err = o.call("attempts", false, func() error { a, err = o.Store.Attempts(ctx, id); return err })
	return a, err
}

func (o observed) Standing(ctx context.Context, target identity.PrincipalKey) (list []apply.Standing, err error) {
	err = o.call("standing", false, func() error { list, err = o.Store.Standing(ctx, target); return err })
	return list, err
}

func (o observed) Begin(ctx context.Context, l apply.Lease, id string, steps []apply.Attempt) (n []int64, err error) {
	err = o.call("begin", true, func() error {
		n, err = o.Store.Begin(ctx, l, id, steps)
		for i := range n {
			o.note(invariant.Event{What: invariant.Began, Plan: id, Step: steps[i].Step, Number: n[i]})
		}
		return err
	})
	return n, err
}

func (o observed) End(ctx context.Context, l apply.Lease, id string, ended []apply.Attempt) error {
	return o.call("end", true, func() error {
		err := o.Store.End(ctx, l, id, ended)
		if err == nil {
			for _, a := range ended {
				if strings.Contains(a.Error, "was not taken back") {
					o.w.left++
				}
				if strings.Contains(a.Error, "may have made it so") {
					o.w.refused++
				}
				o.note(invariant.Event{What: invariant.Ended, Plan: id, Step: a.Step, Number: a.Number, Result: a.Result, Uncertain: a.Uncertain})
			}
		}
		return err
	})
}

func (o observed) Acquire(ctx context.Context, name string, ttl time.Duration) (l apply.Lease, err error) {
	err = o.call("acquire", true, func() error {
		l, err = o.Store.Acquire(ctx, name, ttl)
		if id, ok := o.w.planOf(name); ok && err == nil {
			o.note(invariant.Event{What: invariant.Leased, Plan: id, Number: l.Epoch})
		}
		return err
	})
	return l, err
}

func (o observed) Renew(ctx context.Context, ttl time.Duration, leases ...apply.Lease) error {
	return o.call("renew", true, func() error { return o.Store.Renew(ctx, ttl, leases...) })
}

func (o observed) Release(ctx context.Context, leases ...apply.Lease) error {
	return o.call("release", true, func() error { return o.Store.Release(ctx, leases...) })
}

func (o observed) Halted(ctx context.Context) error {
	return o.call("halted", false, func() error { return o.Store.Halted(ctx) })
}

func (o observed) Now(ctx context.Context) (now time.Time, err error) {
	err = o.call("now", false, func() error { now, err = o.Store.Now(ctx); return err })
	return now, err
}

// forProcess is the store as a process of that name opens it.
func (w *world) forProcess(name string) apply.Store {
	return &journal.Store{Ledger: w.ledger, Actor: ledger.Actor{ID: "1", Via: "test"}, Holder: name}
}

// open gives the world a ledger of its own, in the world's time.
func (w *world) open() {
	l, err := ledger.Open(context.Background(), ledger.Options{Location: ledger.Memory, Account: home.Account, Keys: keys, Clock: func() time.Time { return w.now }})
	if err != nil {
		panic(err)
	}
	w.ledger = l
	w.store = w.forProcess("reader")
}

var keys = ledger.NewKeys()

// haltAll switches all applying off.
func (w *world) haltAll(why string) error {
	return w.ledger.Do(context.Background(), func(tx *ledger.Tx) error { return tx.Halt(ledger.Actor{ID: "1"}, why) })
}
