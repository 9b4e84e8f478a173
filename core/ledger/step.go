package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Result is what came of a step.
type Result string

// The results of a step. An attempt without one has the empty Result.
const (
	Done        Result = "done"    // this attempt made the change
	Already     Result = "already" // it was so before: the change is not ours, and undo leaves it
	StepFailed  Result = "failed"  // it was tried, and had no effect
	Unknown     Result = "unknown" // whether it had an effect is not known: it is to be found out
	StepRefused Result = "refused" // it was not tried: something had moved
)

func (r Result) valid() bool {
	return slices.Contains([]Result{Done, Already, StepFailed, Unknown, StepRefused}, r)
}

// Attribution says how sure it is that an effect was this attempt's.
type Attribution string

// The attributions.
const (
	Certain   Attribution = "certain"
	Uncertain Attribution = "uncertain" // somebody else may have done it: undo asks a person first
)

// Attempt is one try at one step of a plan.
type Attempt struct {
	Plan, Step string
	// Number counts the attempts at the step, from 1.
	Number int64
	// Before is the state that was read before the attempt; After the state that was read after it.
	Before, After []byte
	// Epoch is that of the lease under which it was begun.
	Epoch       int64
	Result      Result
	Attribution Attribution
	Error       string
	// BegunAt and EndedAt (zero: it has no result) are by the store's clock.
	BegunAt, EndedAt time.Time
}

// Open says that it is not known what came of the attempt.
func (a Attempt) Open() bool { return a.Result == "" || a.Result == Unknown }

// Begin stores the intent to carry out a step, with the state that was read before it. The change may be made
// when the transaction is committed, and not sooner. The plan must be Applying under the lease, which must not
// have run out (else a StaleLeaseError), the step one of its own, and no earlier attempt at it open.
func (tx *Tx) Begin(lease Lease, actor Actor, plan, step string, before []byte) (Attempt, error) {
	what := fmt.Sprintf("begin step %s of plan %s", step, plan)
	p, err := tx.Plan(tx.ctx, plan)
	if err != nil {
		return Attempt{}, err
	}
	if err := tx.holds(lease, PlanLease(plan), true); err != nil {
		return Attempt{}, err
	}
	if err := tx.Halted(); err != nil {
		return Attempt{}, err
	}
	if p.State != Applying {
		return Attempt{}, &ConflictError{What: what, Why: fmt.Sprintf("the plan is %s", p.State)}
	}
	if !slices.Contains(p.Steps, step) {
		return Attempt{}, &RefusedError{What: what, Why: "the plan has no such step"}
	}
	attempts, err := tx.attempts(tx.ctx, `WHERE plan = $1 AND step = $2`, plan, step)
	if err != nil {
		return Attempt{}, err
	}
	for _, a := range attempts {
		if a.Open() {
			return Attempt{}, &ConflictError{What: what, Why: fmt.Sprintf("what became of attempt %d is not known yet", a.Number)}
		}
		if a.Result == Done {
			return Attempt{}, &ConflictError{What: what, Why: fmt.Sprintf("attempt %d did it", a.Number)}
		}
	}
	a := Attempt{Plan: plan, Step: step, Number: int64(len(attempts)) + 1, Before: bytesOf(before), After: []byte{}, Epoch: lease.Epoch, BegunAt: tx.Now()}
	proof := tx.keys.seal("intent", a.fields()...)
	if err := tx.exec(what, `INSERT INTO intents (`+attemptColumns+`) VALUES (`+places(13)+`)`,
		a.Plan, a.Step, a.Number, a.Before, a.Epoch, micros(a.BegunAt), "", a.After, "", "", int64(0), proof.keyID, proof.mac); err != nil {
		return Attempt{}, err
	}
	return a, tx.append(Event{Event: EventIntent, Actor: actor, Plan: plan, Digest: p.Digest, Step: step, Attempt: a.Number, Epoch: a.Epoch, Before: sum(a.Before), Version: p.Version})
}

// Outcome is what came of an attempt.
type Outcome struct {
	Result      Result
	After       []byte // as it was read back; nil if it was not
	Attribution Attribution
	Error       string // of the call, without anything secret
}

// End stores what came of an attempt. Only the holder of the lease may say so: who lost it to another gets a
// StaleLeaseError, and leaves it to the other to find out. An Unknown may be followed by what was found out
// later; anything else stands for ever, and to say the same again changes nothing.
func (tx *Tx) End(lease Lease, actor Actor, plan, step string, number int64, o Outcome) (Attempt, error) {
	what := fmt.Sprintf("end attempt %d of step %s of plan %s", number, step, plan)
	if !o.Result.valid() {
		return Attempt{}, &RefusedError{What: what, Why: fmt.Sprintf("%q is no result", o.Result)}
	}
	if o.Result == Done && o.Attribution != Certain && o.Attribution != Uncertain {
		return Attempt{}, &RefusedError{What: what, Why: "it does not say how certain it is that the change is ours"}
	}
	attempts, err := tx.attempts(tx.ctx, `WHERE plan = $1 AND step = $2 AND attempt = $3`, plan, step, number)
	if err != nil {
		return Attempt{}, err
	}
	if len(attempts) == 0 {
		return Attempt{}, &NotFoundError{What: "attempt", ID: fmt.Sprintf("%s/%s/%d", plan, step, number)}
	}
	a := attempts[0]
	if err := tx.holds(lease, PlanLease(plan), false); err != nil {
		return Attempt{}, err
	}
	if !a.Open() {
		if a.Result == o.Result && a.Attribution == o.Attribution && string(a.After) == string(o.After) {
			return a, nil
		}
		return Attempt{}, &ConflictError{What: what, Why: fmt.Sprintf("it ended already: %s", a.Result)}
	}
	a.Result, a.After, a.Attribution, a.Error, a.EndedAt = o.Result, bytesOf(o.After), o.Attribution, plain(o.Error), tx.Now()
	proof := tx.keys.seal("intent", a.fields()...)
	if err := tx.exec(what, `UPDATE intents SET result = $1, after = $2, attribution = $3, error = $4, ended_at = $5, key_id = $6, mac = $7
		WHERE plan = $8 AND step = $9 AND attempt = $10`,
		string(a.Result), a.After, string(a.Attribution), a.Error, micros(a.EndedAt), proof.keyID, proof.mac, plan, step, number); err != nil {
		return Attempt{}, err
	}
	return a, tx.append(Event{Event: EventOutcome, Actor: actor, Plan: plan, Step: step, Attempt: number, Epoch: lease.Epoch, Result: a.Result,
		Attribution: a.Attribution, After: sum(a.After), Reason: a.Error})
}

const attemptColumns = `plan, step, attempt, before, epoch, at, result, after, attribution, error, ended_at, key_id, mac`

func (a *Attempt) fields() []any {
	return []any{a.Plan, a.Step, a.Number, a.Before, a.Epoch, micros(a.BegunAt), string(a.Result), a.After, string(a.Attribution), a.Error, micros(a.EndedAt)}
}

// Attempts lists all attempts at the steps of a plan, in the order in which they were begun.
func (r reader) Attempts(ctx context.Context, plan string) ([]Attempt, error) {
	return r.attempts(ctx, `WHERE plan = $1`, plan)
}

// OpenIntents lists the attempts, of all plans, of which it is not known what came of them. After a crash they
// are to be looked into before anything else.
func (r reader) OpenIntents(ctx context.Context) ([]Attempt, error) {
	return r.attempts(ctx, `WHERE result IN ('', 'unknown')`)
}

// Standing lists what the plans for a target may have made of the account: of each step of each plan but those that
// are Undone, the newest attempt, where that made the change, found it made, or where it is not known what came of it. It is in
// the order in which they were begun. Plans that take another back are among them: what they made so was taken back of
// the other.
//
// It tells of steps, and not of what they change, which the ledger does not read: whoever asks holds them against the
// plans' bodies. It does not tell of plans that were purged.
func (r reader) Standing(ctx context.Context, target string) ([]Attempt, error) {
	return r.attempts(ctx, `WHERE result IN ('done', 'already', '', 'unknown') AND plan IN (SELECT id FROM plans WHERE target_id = $1 AND state <> 'undone')
		AND NOT EXISTS (SELECT 1 FROM intents AS later WHERE later.plan = intents.plan AND later.step = intents.step AND later.attempt > intents.attempt)`, target)
}

func (r reader) attempts(ctx context.Context, where string, args ...any) ([]Attempt, error) {
	return rows(ctx, r, "read the steps", `SELECT `+attemptColumns+` FROM intents `+where+` ORDER BY at, plan, step, attempt`, args, func(row *sql.Rows) (Attempt, error) {
		var a Attempt
		var result, attribution string
		var at, ended int64
		var proof seal
		if err := row.Scan(&a.Plan, &a.Step, &a.Number, &a.Before, &a.Epoch, &at, &result, &a.After, &attribution, &a.Error, &ended, &proof.keyID, &proof.mac); err != nil {
			return Attempt{}, err
		}
		a.Result, a.Attribution, a.BegunAt, a.EndedAt = Result(result), Attribution(attribution), instant(at), instant(ended)
		return a, r.keys.check(proof, fmt.Sprintf("attempt %d of step %s of plan %s", a.Number, a.Step, a.Plan), "intent", a.fields()...)
	})
}

// bytesOf gives no bytes for nil, which the store would take for no value.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
