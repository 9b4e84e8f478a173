package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Party is somebody by id, with what they were called then. The name is for people: it decides nothing.
type Party struct{ ID, Name string }

// Plan is a plan as the ledger keeps it. What it means is in Body, which the ledger does not read.
type Plan struct {
	// ID is "p-" and ten letters and digits: NewPlanID.
	ID   string
	Kind string // clone, undo, elevate, …
	// Digest is what people consent to: it is of Body, by the rules of whoever made the plan.
	Digest string
	// Body is the plan itself, in canonical JSON. It never changes, and it is what is applied.
	Body []byte
	Host string
	// Parent is the plan that this one takes back, or continues; else empty.
	Parent string
	// Policy is the version of the rules that the plan was made under.
	Policy                    string
	Source, Target, Requester Party
	// Steps are the ids of the steps that can be carried out, in order.
	Steps []string

	// State and Version are the two that a Move must know. Create sets them, and the times that follow.
	State   State
	Version int64
	// CreatedAt, UpdatedAt and AppliedAt (of the last time that some of it was applied; zero: never) are by the store's clock.
	CreatedAt, UpdatedAt, AppliedAt time.Time
	// ExpiresAt is when it may no longer be approved or begun to be applied.
	ExpiresAt time.Time
	// EndsAt is when what it gave is to be taken back; zero is never.
	EndsAt time.Time
}

var planID = regexp.MustCompile(`^p-[0-9A-HJKMNP-TV-Z]{10}$`)

// NewPlanID gives a random plan id, which says nothing but is easy to read aloud.
func NewPlanID() string {
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	id := make([]byte, 10)
	_, _ = rand.Read(id)
	for i := range id {
		id[i] = crockford[id[i]%32]
	}
	return "p-" + string(id)
}

// ValidPlanID says whether this could be a plan id.
func ValidPlanID(id string) bool { return planID.MatchString(id) }

// Create stores a new plan as a Draft of version 1. The state, the version and the times of the argument are
// not looked at, but for ExpiresAt and EndsAt. If the id is taken it gives a ConflictError: one id has one plan for ever.
func (tx *Tx) Create(actor Actor, p Plan) (Plan, error) {
	what := "create plan " + p.ID
	switch {
	case !ValidPlanID(p.ID):
		return Plan{}, &RefusedError{What: what, Why: "the id is not of the form p-0123456789"}
	case p.Kind == "" || p.Digest == "" || len(p.Body) == 0 || p.Requester.ID == "":
		return Plan{}, &RefusedError{What: what, Why: "it needs a kind, a digest, a body and a requester"}
	case !micro(p.ExpiresAt).After(tx.Now()):
		return Plan{}, &RefusedError{What: what, Why: "it is already over"}
	case hasTwice(p.Steps):
		return Plan{}, &RefusedError{What: what, Why: "two steps have the same id"}
	}
	if _, err := tx.Plan(tx.ctx, p.ID); err == nil {
		return Plan{}, &ConflictError{What: "plan " + p.ID, Why: "there is one already"}
	} else if !isNotFound(err) {
		return Plan{}, err
	}
	// Also a plan that was purged: as far back as the trail goes, an id is of one plan.
	if told, err := tx.Trail(tx.ctx, p.ID); err != nil {
		return Plan{}, err
	} else if len(told) > 0 {
		return Plan{}, &ConflictError{What: "plan " + p.ID, Why: "there was one before"}
	}
	p.State, p.Version = Draft, 1
	for _, party := range []*Party{&p.Source, &p.Target, &p.Requester} {
		party.Name = plain(party.Name)
	}
	p.CreatedAt, p.UpdatedAt, p.AppliedAt = tx.Now(), tx.Now(), time.Time{}
	p.ExpiresAt, p.EndsAt = micro(p.ExpiresAt), micro(p.EndsAt)
	steps, err := json.Marshal(p.Steps)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", what, err)
	}
	proof := tx.keys.seal("plan", p.fields(tx.account)...)
	if err := tx.exec(what, `INSERT INTO plans (`+planColumns+`) VALUES (`+places(23)+`)`,
		p.ID, p.Kind, p.Digest, p.Body, p.Host, p.Parent, p.Policy, p.Source.ID, p.Source.Name, p.Target.ID, p.Target.Name, p.Requester.ID, p.Requester.Name,
		string(steps), string(p.State), p.Version, micros(p.CreatedAt), micros(p.UpdatedAt), micros(p.ExpiresAt), micros(p.AppliedAt), micros(p.EndsAt), proof.keyID, proof.mac); err != nil {
		return Plan{}, err
	}
	detail := map[string]string{"kind": p.Kind, "requester": p.Requester.ID, "source": p.Source.ID, "target": p.Target.ID, "steps": strconv.Itoa(len(p.Steps)), "expires_at": Time{p.ExpiresAt}.String()}
	if p.Parent != "" {
		detail["parent"] = p.Parent
	}
	if !p.EndsAt.IsZero() {
		detail["ends_at"] = Time{p.EndsAt}.String()
	}
	err = tx.append(Event{Event: EventPlanCreated, Actor: actor, Plan: p.ID, Digest: p.Digest, Policy: p.Policy, To: p.State, Version: p.Version, Detail: detail})
	return p, err
}

// String gives the time as it is written in the trail.
func (t Time) String() string { return t.UTC().Format(timeLayout) }

// Move is a change of a plan's state.
type Move struct {
	Plan string
	// From and Version are what the caller saw: if the plan is no longer so, nothing happens.
	From    State
	Version int64
	To      State
	Actor   Actor
	Reason  string
	// Rule and Policy say which rule allowed it, and of which version of the rules.
	Rule, Policy string
	// Lease is of the plan (PlanLease). Moves to and from Applying need it.
	Lease Lease
	// ExpiresAt, unless zero, is the new end of the time in which the plan may be applied.
	ExpiresAt time.Time
	// EndsAt, unless zero, is when what it gives is to be taken back.
	EndsAt time.Time
	// Successor is the plan that takes the place of one that becomes Superseded; it is kept in the trail.
	Successor string
}

// DetailSuccessor is under what name the trail has Move.Successor, in Event.Detail.
const DetailSuccessor = "successor"

// Move changes a plan's state and adds one to its version. It gives a ConflictError if the plan is not as the
// caller saw it, a RefusedError if the state machine has no such move or the plan is over, a HaltedError
// while applying is halted, and a StaleLeaseError without the lease that it needs.
func (tx *Tx) Move(m Move) (Plan, error) {
	p, err := tx.Plan(tx.ctx, m.Plan)
	if err != nil {
		return Plan{}, err
	}
	if p.State != m.From || p.Version != m.Version {
		return Plan{}, &ConflictError{What: "plan " + p.ID, Why: fmt.Sprintf("it is %s (version %d) by now, and no longer %s (version %d)", p.State, p.Version, m.From, m.Version)}
	}
	what := fmt.Sprintf("plan %s from %s to %s", p.ID, m.From, m.To)
	if !m.From.CanBecome(m.To) {
		return Plan{}, &RefusedError{What: what, Why: "a plan cannot go this way"}
	}
	switch m.To {
	case Pending, Approved, Applying:
		// A plan that was begun in time may be gone on with, or it would stay half done.
		if begun := m.From == PartiallyApplied; !begun && !tx.Now().Before(p.ExpiresAt) {
			return Plan{}, &RefusedError{What: what, Why: "its time is over since " + Time{p.ExpiresAt}.String()}
		}
	case Expired:
		if tx.Now().Before(p.ExpiresAt) {
			return Plan{}, &RefusedError{What: what, Why: "it has time until " + Time{p.ExpiresAt}.String()}
		}
	case Applied, Failed, Stale:
		if err := tx.settled(p, m.To, what); err != nil {
			return Plan{}, err
		}
	default: // the other states may be gone to whenever the machine allows it
	}
	if m.To == Approved || m.To == Applying {
		if err := tx.Halted(); err != nil {
			return Plan{}, err
		}
	}
	if m.From == Applying || m.To == Applying {
		if err := tx.holds(m.Lease, PlanLease(p.ID), m.To == Applying); err != nil {
			return Plan{}, err
		}
	}
	p.State, p.UpdatedAt = m.To, tx.Now()
	p.Version++
	if m.To == Applied || m.To == PartiallyApplied && m.From == Applying {
		p.AppliedAt = tx.Now()
	}
	detail := map[string]string{}
	if !m.ExpiresAt.IsZero() {
		p.ExpiresAt = micro(m.ExpiresAt)
		detail["expires_at"] = Time{p.ExpiresAt}.String()
	}
	if !m.EndsAt.IsZero() {
		p.EndsAt = micro(m.EndsAt)
		detail["ends_at"] = Time{p.EndsAt}.String()
	}
	if m.Successor != "" {
		detail[DetailSuccessor] = m.Successor
	}
	proof := tx.keys.seal("plan", p.fields(tx.account)...)
	if err := tx.exec(what, `UPDATE plans SET state = $1, version = $2, updated_at = $3, expires_at = $4, applied_at = $5, ends_at = $6, key_id = $7, mac = $8
		WHERE id = $9 AND state = $10 AND version = $11`,
		string(p.State), p.Version, micros(p.UpdatedAt), micros(p.ExpiresAt), micros(p.AppliedAt), micros(p.EndsAt), proof.keyID, proof.mac,
		p.ID, string(m.From), m.Version); err != nil {
		return Plan{}, err
	}
	err = tx.append(Event{Event: EventPlanMoved, Actor: m.Actor, Plan: p.ID, Digest: p.Digest, From: m.From, To: m.To, Version: p.Version,
		Reason: m.Reason, Rule: m.Rule, Policy: m.Policy, Epoch: m.Lease.Epoch, Detail: detail})
	return p, err
}

// settled refuses to call a plan applied, failed or stale when its steps say otherwise.
func (tx *Tx) settled(p Plan, to State, what string) error {
	attempts, err := tx.Attempts(tx.ctx, p.ID)
	if err != nil {
		return err
	}
	last := map[string]Attempt{}
	for _, a := range attempts {
		if a.Open() {
			return &RefusedError{What: what, Why: fmt.Sprintf("what became of step %s is not known yet", a.Step)}
		}
		if a.Result == Done && to != Applied {
			return &RefusedError{What: what, Why: fmt.Sprintf("step %s was done: it is partially applied", a.Step)}
		}
		last[a.Step] = a
	}
	if to != Applied || p.State != Applying {
		return nil
	}
	for _, step := range p.Steps {
		if r := last[step].Result; r != Done && r != Already {
			return &RefusedError{What: what, Why: fmt.Sprintf("step %s is not done", step)}
		}
	}
	return nil
}

const planColumns = `id, kind, digest, body, host, parent, policy, source_id, source_name, target_id, target_name, requester_id, requester_name,
	steps, state, version, created_at, updated_at, expires_at, applied_at, ends_at, key_id, mac`

func (p *Plan) fields(account string) []any {
	return []any{account, p.ID, p.Kind, p.Digest, p.Body, p.Host, p.Parent, p.Policy, p.Source.ID, p.Source.Name, p.Target.ID, p.Target.Name, p.Requester.ID, p.Requester.Name,
		strings.Join(p.Steps, "\x00"), string(p.State), p.Version, micros(p.CreatedAt), micros(p.UpdatedAt), micros(p.ExpiresAt), micros(p.AppliedAt), micros(p.EndsAt)}
}

// Plan gives a plan, or a NotFoundError. A plan that was changed by somebody else than the ledger is a
// TamperedError.
func (r reader) Plan(ctx context.Context, id string) (Plan, error) {
	list, err := r.plans(ctx, `WHERE id = $1`, id)
	if err != nil {
		return Plan{}, err
	}
	if len(list) == 0 {
		return Plan{}, &NotFoundError{What: "plan", ID: id}
	}
	return list[0], nil
}

// PlanFilter chooses plans. Its zero value chooses all.
type PlanFilter struct {
	States    []State
	Parent    string
	Requester string // by id
	Target    string // by id
	// Due chooses those whose time of approval is over at that time; Ended those whose access is.
	Due, Ended time.Time
	// Limit is how many, the newest first; zero is all.
	Limit int
}

// Plans lists plans, the newest first.
func (r reader) Plans(ctx context.Context, f PlanFilter) ([]Plan, error) {
	var where []string
	var args []any
	and := func(clause string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	if len(f.States) > 0 {
		var in []string
		for _, s := range f.States {
			args = append(args, string(s))
			in = append(in, fmt.Sprintf("$%d", len(args)))
		}
		where = append(where, "state IN ("+strings.Join(in, ", ")+")")
	}
	if f.Parent != "" {
		and("parent = $%d", f.Parent)
	}
	if f.Requester != "" {
		and("requester_id = $%d", f.Requester)
	}
	if f.Target != "" {
		and("target_id = $%d", f.Target)
	}
	if !f.Due.IsZero() {
		and("expires_at <= $%d", f.Due.UnixMicro())
	}
	if !f.Ended.IsZero() {
		and("ends_at <> 0 AND ends_at <= $%d", f.Ended.UnixMicro())
	}
	clause := ""
	if len(where) > 0 {
		clause = "WHERE " + strings.Join(where, " AND ")
	}
	clause += " ORDER BY created_at DESC, id"
	if f.Limit > 0 {
		clause += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return r.plans(ctx, clause, args...)
}

func (r reader) plans(ctx context.Context, clause string, args ...any) ([]Plan, error) {
	return rows(ctx, r, "read plans", `SELECT `+planColumns+` FROM plans `+clause, args, func(row *sql.Rows) (Plan, error) {
		var p Plan
		var steps, state string
		var created, updated, expires, applied, ends int64
		var proof seal
		if err := row.Scan(&p.ID, &p.Kind, &p.Digest, &p.Body, &p.Host, &p.Parent, &p.Policy, &p.Source.ID, &p.Source.Name, &p.Target.ID, &p.Target.Name, &p.Requester.ID, &p.Requester.Name,
			&steps, &state, &p.Version, &created, &updated, &expires, &applied, &ends, &proof.keyID, &proof.mac); err != nil {
			return Plan{}, err
		}
		p.State = State(state)
		p.CreatedAt, p.UpdatedAt, p.ExpiresAt, p.AppliedAt, p.EndsAt = instant(created), instant(updated), instant(expires), instant(applied), instant(ends)
		if err := json.Unmarshal([]byte(steps), &p.Steps); err != nil {
			return Plan{}, &TamperedError{What: "plan " + p.ID + " is not what was written"}
		}
		return p, r.keys.check(proof, "plan "+p.ID, "plan", p.fields(r.account)...)
	})
}

// rows runs a query and reads each row of it. It gives an empty list, and never nil, if there are none.
func rows[T any](ctx context.Context, r reader, doing, query string, args []any, scan func(*sql.Rows) (T, error)) (list []T, err error) {
	if err := storable(doing, args); err != nil {
		return nil, err
	}
	found, err := r.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, r.store.explain(doing, err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	list = []T{}
	for found.Next() {
		item, err := scan(found)
		if err != nil {
			return nil, r.store.explain(doing, err)
		}
		list = append(list, item)
	}
	if err := found.Err(); err != nil {
		return nil, r.store.explain(doing, err)
	}
	return list, nil
}

// places gives $1, $2, … up to n.
func places(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Join(list, ", ")
}

// micro is the time as the ledger keeps it: in UTC, to the microsecond.
func micro(t time.Time) time.Time { return instant(micros(t)) }

func hasTwice(list []string) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) != len(list)
}
