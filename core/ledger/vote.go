package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Decision is what somebody voted.
type Decision string

// The decisions.
const (
	Approve Decision = "approve"
	Reject  Decision = "reject"
)

// Vote is what one person decided on one plan. There is one for each person and plan.
type Vote struct {
	Plan     string
	Voter    Party // by Databricks user id
	Decision Decision
	// Digest is that of the plan that was shown to the voter.
	Digest string
	// Source says where the vote was given, so that it can be found again: team, channel and time of a message,
	// or "cli".
	Source string
	// EventHash is the SHA-256 of the event that brought it, in hexadecimal.
	EventHash string
	// Rule and Policy say by which rule the voter may vote, and of which version of the rules.
	Rule, Policy string
	// At and WithdrawnAt (zero: it stands) are by the store's clock.
	At, WithdrawnAt time.Time
}

// Stands says that the vote was not withdrawn.
func (v Vote) Stands() bool { return v.WithdrawnAt.IsZero() }

// SourceLogin is the Source of a vote that was given at the command line, with the voter's own login.
const SourceLogin = "cli"

// Vote stores a vote on a plan that is Pending or Approved. The same decision again changes nothing and
// gives the vote that is there, but that one given with a login takes the place of one given elsewhere while the plan is
// Pending; another decision, or one after it was withdrawn, is a ConflictError. A vote on
// another digest than the plan's is refused. Whether the voter may vote, and whether there are enough votes, is
// for the caller to say.
func (tx *Tx) Vote(actor Actor, v Vote) (Vote, error) {
	what := fmt.Sprintf("vote of %s on plan %s", v.Voter.ID, v.Plan)
	if v.Voter.ID == "" || v.Decision != Approve && v.Decision != Reject {
		return Vote{}, &RefusedError{What: what, Why: "it needs a voter and a decision"}
	}
	p, err := tx.Plan(tx.ctx, v.Plan)
	if err != nil {
		return Vote{}, err
	}
	if v.Digest != p.Digest {
		return Vote{}, &RefusedError{What: what, Why: "it is on another content than the plan's: digest " + v.Digest}
	}
	votes, err := tx.Votes(tx.ctx, v.Plan)
	if err != nil {
		return Vote{}, err
	}
	for _, old := range votes {
		if old.Voter.ID != v.Voter.ID {
			continue
		}
		if old.Decision == v.Decision && old.Stands() {
			if v.Source == SourceLogin && old.Source != SourceLogin && p.State == Pending {
				return tx.confirm(actor, p, old, v)
			}
			return old, nil
		}
		why := fmt.Sprintf("there is one already: %s", old.Decision)
		if !old.Stands() {
			why = "it was withdrawn; the plan needs the vote of somebody else"
		}
		return Vote{}, &ConflictError{What: what, Why: why}
	}
	if p.State != Pending && p.State != Approved {
		return Vote{}, &ConflictError{What: what, Why: fmt.Sprintf("the plan is %s", p.State)}
	}
	if !tx.Now().Before(p.ExpiresAt) {
		return Vote{}, &RefusedError{What: what, Why: "the plan's time is over since " + Time{p.ExpiresAt}.String()}
	}
	v.At, v.WithdrawnAt = tx.Now(), time.Time{}
	v.Voter.Name = plain(v.Voter.Name)
	proof := tx.keys.seal("vote", v.fields()...)
	if err := tx.exec(what, `INSERT INTO votes (`+voteColumns+`) VALUES (`+places(13)+`)`,
		v.Plan, v.Voter.ID, v.Voter.Name, string(v.Decision), v.Digest, v.Source, v.EventHash, v.Rule, v.Policy, micros(v.At), int64(0), proof.keyID, proof.mac); err != nil {
		return Vote{}, err
	}
	return v, tx.append(Event{Event: EventVoted, Actor: actor, Plan: v.Plan, Digest: v.Digest, Subject: v.Voter.ID, Decision: v.Decision,
		Rule: v.Rule, Policy: v.Policy, Version: p.Version, Detail: map[string]string{"source": v.Source, "event_hash": v.EventHash}})
}

// confirm puts a vote with a login in the place of the same vote without one.
func (tx *Tx) confirm(actor Actor, p Plan, old, v Vote) (Vote, error) {
	what := fmt.Sprintf("vote of %s on plan %s", v.Voter.ID, v.Plan)
	if !tx.Now().Before(p.ExpiresAt) {
		return Vote{}, &RefusedError{What: what, Why: "the plan's time is over since " + Time{p.ExpiresAt}.String()}
	}
	was := old.Source
	old.Source, old.EventHash, old.Rule, old.Policy = v.Source, v.EventHash, v.Rule, v.Policy // without a rule it waits to be judged
	proof := tx.keys.seal("vote", old.fields()...)
	if err := tx.exec(what, `UPDATE votes SET source = $1, event_hash = $2, rule = $3, policy = $4, key_id = $5, mac = $6 WHERE plan = $7 AND voter_id = $8`,
		old.Source, old.EventHash, old.Rule, old.Policy, proof.keyID, proof.mac, old.Plan, old.Voter.ID); err != nil {
		return Vote{}, err
	}
	return old, tx.append(Event{Event: EventVoted, Actor: actor, Plan: old.Plan, Digest: old.Digest, Subject: old.Voter.ID, Decision: old.Decision,
		Rule: old.Rule, Policy: old.Policy, Version: p.Version, Detail: map[string]string{"source": old.Source, "event_hash": old.EventHash, "was": was}})
}

// Withdraw marks a vote as withdrawn: its message was edited or deleted, or the voter may no longer vote. It is
// kept, and cannot be given again. Withdrawing twice changes nothing.
func (tx *Tx) Withdraw(actor Actor, plan, voter, reason string) error {
	what := fmt.Sprintf("withdraw the vote of %s on plan %s", voter, plan)
	votes, err := tx.Votes(tx.ctx, plan)
	if err != nil {
		return err
	}
	for _, v := range votes {
		if v.Voter.ID != voter {
			continue
		}
		if !v.Stands() {
			return nil
		}
		v.WithdrawnAt = tx.Now()
		proof := tx.keys.seal("vote", v.fields()...)
		if err := tx.exec(what, `UPDATE votes SET withdrawn_at = $1, key_id = $2, mac = $3 WHERE plan = $4 AND voter_id = $5`,
			micros(v.WithdrawnAt), proof.keyID, proof.mac, plan, voter); err != nil {
			return err
		}
		return tx.append(Event{Event: EventVoteWithdrawn, Actor: actor, Plan: plan, Digest: v.Digest, Subject: voter, Decision: v.Decision, Reason: reason})
	}
	return &NotFoundError{What: "vote of " + voter + " on plan", ID: plan}
}

// Judge records by which rule a vote counts that was kept without one, because whoever took it could not tell. A vote that has
// a rule keeps it.
func (tx *Tx) Judge(actor Actor, plan, voter, rule string) error {
	votes, err := tx.Votes(tx.ctx, plan)
	if err != nil {
		return err
	}
	for _, v := range votes {
		if v.Voter.ID != voter {
			continue
		}
		if v.Rule != "" || rule == "" {
			return nil
		}
		v.Rule = rule
		proof := tx.keys.seal("vote", v.fields()...)
		if err := tx.exec(fmt.Sprintf("judge the vote of %s on plan %s", voter, plan), `UPDATE votes SET rule = $1, key_id = $2, mac = $3 WHERE plan = $4 AND voter_id = $5`,
			rule, proof.keyID, proof.mac, plan, voter); err != nil {
			return err
		}
		return tx.append(Event{Event: EventVoteJudged, Actor: actor, Plan: plan, Digest: v.Digest, Subject: voter, Decision: v.Decision, Rule: rule, Policy: v.Policy})
	}
	return &NotFoundError{What: "vote of " + voter + " on plan", ID: plan}
}

const voteColumns = `plan, voter_id, voter_name, decision, digest, source, event_hash, rule, policy, at, withdrawn_at, key_id, mac`

func (v *Vote) fields() []any {
	return []any{v.Plan, v.Voter.ID, v.Voter.Name, string(v.Decision), v.Digest, v.Source, v.EventHash, v.Rule, v.Policy, micros(v.At), micros(v.WithdrawnAt)}
}

// Votes lists the votes on a plan in the order in which they were given, those that were withdrawn among them.
// A vote that the ledger did not write is a TamperedError.
func (r reader) Votes(ctx context.Context, plan string) ([]Vote, error) {
	return rows(ctx, r, "read the votes on plan "+plan, `SELECT `+voteColumns+` FROM votes WHERE plan = $1 ORDER BY at, voter_id`, []any{plan}, func(row *sql.Rows) (Vote, error) {
		var v Vote
		var decision string
		var at, withdrawn int64
		var proof seal
		if err := row.Scan(&v.Plan, &v.Voter.ID, &v.Voter.Name, &decision, &v.Digest, &v.Source, &v.EventHash, &v.Rule, &v.Policy, &at, &withdrawn, &proof.keyID, &proof.mac); err != nil {
			return Vote{}, err
		}
		v.Decision, v.At, v.WithdrawnAt = Decision(decision), instant(at), instant(withdrawn)
		return v, r.keys.check(proof, fmt.Sprintf("the vote of %s on plan %s", v.Voter.ID, v.Plan), "vote", v.fields()...)
	})
}
