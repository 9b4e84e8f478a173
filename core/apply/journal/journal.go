// Package journal keeps what the executor does in a ledger: it implements apply.Store.
package journal

import (
	"context"
	"errors"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// Store is an apply.Store on a ledger. Its methods may be called concurrently.
type Store struct {
	Ledger *ledger.Ledger
	// Actor is on whose behalf things are done, and Holder names this process in leases: another for each.
	Actor  ledger.Actor
	Holder string
}

// Plan gives a plan by id.
func (s *Store) Plan(ctx context.Context, id string) (apply.Kept, error) {
	p, err := s.Ledger.Plan(ctx, id)
	return kept(p), err
}

// Children lists the plans that take the plan back, the newest first.
func (s *Store) Children(ctx context.Context, id string) ([]apply.Kept, error) {
	return s.list(ctx, ledger.PlanFilter{Parent: id})
}

// Ended lists the plans that gave something whose time is over.
func (s *Store) Ended(ctx context.Context) ([]apply.Kept, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	return s.list(ctx, ledger.PlanFilter{Ended: now, States: []ledger.State{
		ledger.Applied, ledger.PartiallyApplied, ledger.Applying, ledger.UndoPending, ledger.ExpiryOverdue}})
}

func (s *Store) list(ctx context.Context, f ledger.PlanFilter) ([]apply.Kept, error) {
	plans, err := s.Ledger.Plans(ctx, f)
	list := make([]apply.Kept, len(plans))
	for i, p := range plans {
		list[i] = kept(p)
	}
	return list, err
}

func kept(p ledger.Plan) apply.Kept {
	return apply.Kept{ID: p.ID, Body: p.Body, Digest: p.Digest, State: apply.State(p.State), Version: p.Version, EndsAt: p.EndsAt}
}

// Keep stores a plan as a draft, for consent to come. A plan that is there already, the same to the byte, stays as it
// is.
func (s *Store) Keep(ctx context.Context, body []byte, requester ledger.Party) (k apply.Kept, err error) {
	p, digest, err := plan.Decode(body)
	if err != nil {
		return apply.Kept{}, err
	}
	err = s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		old, err := tx.Plan(ctx, p.ID)
		if err == nil && old.Digest == digest {
			k = kept(old)
			return nil
		}
		made, err := tx.Create(s.Actor, Row(p, body, digest, requester))
		k = kept(made)
		return err
	})
	return k, translated(err)
}

// Consent lets a draft be applied, on the word of the one who asked for it. It stays for as long as the plan does.
func (s *Store) Consent(ctx context.Context, k apply.Kept, reason string) (out apply.Kept, err error) {
	err = s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		out, err = s.consent(tx, k, reason)
		return err
	})
	return out, translated(err)
}

func (s *Store) consent(tx *ledger.Tx, k apply.Kept, reason string) (apply.Kept, error) {
	for _, to := range []ledger.State{ledger.Pending, ledger.Approved} {
		p, err := tx.Move(ledger.Move{Plan: k.ID, From: ledger.State(k.State), Version: k.Version, To: to, Actor: s.Actor, Reason: reason})
		if err != nil {
			return apply.Kept{}, err
		}
		k = kept(p)
	}
	return k, nil
}

// Row is a plan as the ledger keeps it.
func Row(p plan.Plan, body []byte, digest string, requester ledger.Party) ledger.Plan {
	out := ledger.Plan{
		ID: p.ID, Kind: string(p.Kind), Digest: digest, Body: body, Host: p.Host, Parent: p.Parent, Policy: p.Policy,
		Source: ledger.Party{ID: p.Source.Key.String(), Name: p.Source.Name}, Target: ledger.Party{ID: p.Target.Key.String(), Name: p.Target.Name},
		Requester: requester, ExpiresAt: p.ExpiresAt,
	}
	for _, step := range p.Executable() {
		out.Steps = append(out.Steps, step.ID)
	}
	return out
}

// Create stores a plan that needs no further consent: it takes back what its parent gave.
func (s *Store) Create(ctx context.Context, p plan.Plan) (k apply.Kept, err error) {
	body, err := plan.Encode(p)
	if err != nil {
		return apply.Kept{}, err
	}
	digest, err := plan.Digest(p)
	if err != nil {
		return apply.Kept{}, err
	}
	err = s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		parent, err := tx.Plan(ctx, p.Parent)
		if err != nil {
			return err
		}
		made, err := tx.Create(s.Actor, Row(p, body, digest, parent.Requester))
		if err == nil {
			k, err = s.consent(tx, kept(made), "it takes back what plan "+p.Parent+" gave")
		}
		return err
	})
	return k, translated(err)
}

// Move changes a plan's state.
func (s *Store) Move(ctx context.Context, m apply.Move) (k apply.Kept, err error) {
	err = s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		move := ledger.Move{Plan: m.From.ID, From: ledger.State(m.From.State), Version: m.From.Version, To: ledger.State(m.To),
			Actor: s.Actor, Reason: m.Why, Lease: held(m.Lease)}
		if m.For > 0 {
			move.EndsAt = tx.Now().Add(m.For)
		}
		p, err := tx.Move(move)
		k = kept(p)
		return err
	})
	return k, translated(err)
}

// Alarm records that the plan needs a person.
func (s *Store) Alarm(ctx context.Context, id, why string) error {
	return translated(s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		return tx.Record(ledger.Event{Event: EventAlarm, Actor: s.Actor, Plan: id, Reason: why})
	}))
}

// EventAlarm is the event of the audit trail that calls a person.
const EventAlarm = "alarm"

// Attempts lists the attempts at the steps of a plan.
func (s *Store) Attempts(ctx context.Context, id string) ([]apply.Attempt, error) {
	attempts, err := s.Ledger.Attempts(ctx, id)
	list := make([]apply.Attempt, len(attempts))
	for i, a := range attempts {
		list[i] = attempt(a)
	}
	return list, err
}

func attempt(a ledger.Attempt) apply.Attempt {
	return apply.Attempt{Step: a.Step, Number: a.Number, Before: plan.Value(a.Before), After: plan.Value(a.After), Result: apply.Outcome(a.Result),
		Uncertain: a.Attribution == ledger.Uncertain, Error: a.Error, BegunAt: a.BegunAt, EndedAt: a.EndedAt}
}

// Standing lists the plans for a principal of whose attempts something may stand.
func (s *Store) Standing(ctx context.Context, target identity.PrincipalKey) ([]apply.Standing, error) {
	attempts, err := s.Ledger.Standing(ctx, target.String())
	if err != nil {
		return nil, err
	}
	var list []apply.Standing
	at := map[string]int{}
	for _, a := range attempts {
		i, ok := at[a.Plan]
		if !ok {
			p, err := s.Ledger.Plan(ctx, a.Plan)
			if err != nil {
				return nil, err
			}
			i = len(list)
			at[a.Plan] = i
			list = append(list, apply.Standing{Kept: kept(p)})
		}
		list[i].Attempts = append(list[i].Attempts, attempt(a))
	}
	return list, nil
}

// Begin records the intent to carry out steps, all or none.
func (s *Store) Begin(ctx context.Context, lease apply.Lease, id string, steps []apply.Attempt) (numbers []int64, err error) {
	err = s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		numbers = nil
		for _, a := range steps {
			begun, err := tx.Begin(held(lease), s.Actor, id, a.Step, []byte(a.Before))
			if err != nil {
				return err
			}
			numbers = append(numbers, begun.Number)
		}
		return nil
	})
	return numbers, translated(err)
}

// End records what came of attempts, all or none.
func (s *Store) End(ctx context.Context, lease apply.Lease, id string, ended []apply.Attempt) error {
	return translated(s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		for _, a := range ended {
			o := ledger.Outcome{Result: ledger.Result(a.Result), After: []byte(a.After), Attribution: ledger.Certain, Error: a.Error}
			if a.Uncertain {
				o.Attribution = ledger.Uncertain
			}
			if _, err := tx.End(held(lease), s.Actor, id, a.Step, a.Number, o); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Acquire takes a lease.
func (s *Store) Acquire(ctx context.Context, name string, ttl time.Duration) (l apply.Lease, err error) {
	err = s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		taken, err := tx.Acquire(name, s.Holder, ttl)
		l = apply.Lease{Name: taken.Name, Holder: taken.Holder, Epoch: taken.Epoch}
		return err
	})
	return l, translated(err)
}

// Renew gives leases more time, all or none.
func (s *Store) Renew(ctx context.Context, ttl time.Duration, leases ...apply.Lease) error {
	return translated(s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		for _, l := range leases {
			if _, err := tx.Renew(held(l), ttl); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Release gives leases back.
func (s *Store) Release(ctx context.Context, leases ...apply.Lease) error {
	return translated(s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		for _, l := range leases {
			if err := tx.Release(held(l)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Halted gives a HaltedError while nothing may be applied.
func (s *Store) Halted(ctx context.Context) error { return translated(s.Ledger.Halted(ctx)) }

// Now is the ledger's clock.
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	err = s.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		now = tx.Now()
		return nil
	})
	return now, translated(err)
}

func held(l apply.Lease) ledger.Lease {
	return ledger.Lease{Name: l.Name, Holder: l.Holder, Epoch: l.Epoch}
}

// translated gives the ledger's errors that the executor acts on in its own words; others stay what they are.
func translated(err error) error {
	if busy, ok := errors.AsType[*ledger.BusyError](err); ok {
		return &apply.BusyError{Name: busy.What, Holder: busy.Holder, Until: busy.Until}
	}
	if lost, ok := errors.AsType[*ledger.StaleLeaseError](err); ok {
		return &apply.LeaseLostError{Name: lost.Name}
	}
	if halted, ok := errors.AsType[*ledger.HaltedError](err); ok {
		return &apply.HaltedError{Why: halted.Why()}
	}
	return err
}
