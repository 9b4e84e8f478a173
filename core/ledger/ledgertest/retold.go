package ledgertest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"databricks-access-audit/core/ledger"
)

// tale is all of a plan that must not be denied later, once as the audit trail tells it and once as the store has it.
type tale struct {
	digest, kind, parent, policy, requester, source, target string
	steps                                                   int
	state                                                   ledger.State
	version                                                 int64
	created, updated, expires, applied, ends                time.Time
	votes                                                   map[string]ledger.Vote
	attempts                                                map[string]toldAttempt
}

// toldAttempt is an attempt with hashes in place of what was read.
type toldAttempt struct {
	before, after, err string
	epoch              int64
	result             ledger.Result
	attribution        ledger.Attribution
	begun, ended       time.Time
}

// Retold rebuilds every plan from the rows of the audit trail alone, row by row and without any of the ledger's own ways to
// do so, and compares it with what the store has: states, times, votes with what they were cast on and by which rule, intents
// and outcomes. The error says what of which plan is not as it was told. It is for ledgers of which nothing was
// purged.
func Retold(ctx context.Context, l *ledger.Ledger) error {
	entries, err := l.Trail(ctx, "")
	if err != nil {
		return err
	}
	told := map[string]*tale{}
	for _, entry := range entries {
		e, err := entry.Event()
		if err != nil {
			return err
		}
		if err := hear(told, e); err != nil {
			return fmt.Errorf("row %d: %w", entry.Seq, err)
		}
	}
	kept, err := keptTales(ctx, l)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(told)) {
		if kept[id] == nil {
			return fmt.Errorf("plan %s was told of and is not there", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		if told[id] == nil {
			return fmt.Errorf("plan %s is there, and nothing was told of it", id)
		}
		if err := differ(*told[id], *kept[id]); err != nil {
			return fmt.Errorf("plan %s: %w", id, err)
		}
	}
	return nil
}

// hear adds one event to what was told.
func hear(told map[string]*tale, e ledger.Event) error {
	at := e.At.Time
	if e.Event == ledger.EventPlanCreated {
		if told[e.Plan] != nil {
			return errors.New("the plan is created twice")
		}
		steps, err := strconv.Atoi(e.Detail["steps"])
		if err != nil {
			return err
		}
		t := &tale{digest: e.Digest, kind: e.Detail["kind"], parent: e.Detail["parent"], policy: e.Policy, requester: e.Detail["requester"], source: e.Detail["source"],
			target: e.Detail["target"], steps: steps, state: e.To, version: e.Version, created: at, updated: at, votes: map[string]ledger.Vote{}, attempts: map[string]toldAttempt{}}
		told[e.Plan] = t
		return t.timesOf(e)
	}
	t := told[e.Plan]
	name := fmt.Sprint(e.Step, " ", e.Attempt)
	switch e.Event {
	case ledger.EventPlanMoved:
		if t == nil || t.state != e.From || t.version+1 != e.Version || t.digest != e.Digest {
			return fmt.Errorf("it moves from %s to %s (version %d) what is not so", e.From, e.To, e.Version)
		}
		t.state, t.version, t.updated = e.To, e.Version, at
		if e.To == ledger.Applied || e.From == ledger.Applying && e.To == ledger.PartiallyApplied {
			t.applied = at
		}
		return t.timesOf(e)
	case ledger.EventVoted:
		if t == nil {
			return errors.New("a vote on no plan")
		}
		if first := t.votes[e.Subject]; first.Plan != "" { // with a login, it takes the place of the same vote without one
			if first.Source == ledger.SourceLogin || e.Detail["source"] != ledger.SourceLogin || first.Decision != e.Decision || !first.Stands() {
				return errors.New("a second vote")
			}
			at = first.At
		}
		t.votes[e.Subject] = ledger.Vote{Plan: e.Plan, Voter: ledger.Party{ID: e.Subject}, Decision: e.Decision, Digest: e.Digest, Source: e.Detail["source"], EventHash: e.Detail["event_hash"],
			Rule: e.Rule, Policy: e.Policy, At: at}
	case ledger.EventVoteWithdrawn, ledger.EventVoteJudged:
		if t == nil || t.votes[e.Subject].Plan == "" {
			return errors.New("there is no such vote")
		}
		v := t.votes[e.Subject]
		if e.Event == ledger.EventVoteWithdrawn {
			v.WithdrawnAt = at
		} else {
			v.Rule = e.Rule
		}
		t.votes[e.Subject] = v
	case ledger.EventIntent:
		if _, twice := t.attempts[name]; twice {
			return errors.New("an intent is told twice")
		}
		t.attempts[name] = toldAttempt{before: e.Before, epoch: e.Epoch, begun: at}
	case ledger.EventOutcome:
		a, begun := t.attempts[name]
		if !begun {
			return errors.New("an outcome without an intent")
		}
		a.after, a.err, a.result, a.attribution, a.ended = e.After, e.Reason, e.Result, e.Attribution, at
		t.attempts[name] = a
	}
	return nil
}

// timesOf takes the times that an event sets.
func (t *tale) timesOf(e ledger.Event) error {
	for name, to := range map[string]*time.Time{"expires_at": &t.expires, "ends_at": &t.ends} {
		text, is := e.Detail[name]
		if !is {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return err
		}
		*to = at
	}
	return nil
}

// keptTales is what the store has of all plans.
func keptTales(ctx context.Context, l *ledger.Ledger) (map[string]*tale, error) {
	plans, err := l.Plans(ctx, ledger.PlanFilter{})
	if err != nil {
		return nil, err
	}
	kept := map[string]*tale{}
	for _, p := range plans {
		t := &tale{digest: p.Digest, kind: p.Kind, parent: p.Parent, policy: p.Policy, requester: p.Requester.ID, source: p.Source.ID, target: p.Target.ID, steps: len(p.Steps),
			state: p.State, version: p.Version, created: p.CreatedAt, updated: p.UpdatedAt, expires: p.ExpiresAt, applied: p.AppliedAt, ends: p.EndsAt,
			votes: map[string]ledger.Vote{}, attempts: map[string]toldAttempt{}}
		kept[p.ID] = t
		votes, err := l.Votes(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		for _, v := range votes {
			v.Voter.Name = "" // names are for people, and not told
			t.votes[v.Voter.ID] = v
		}
		attempts, err := l.Attempts(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		for _, a := range attempts {
			t.attempts[fmt.Sprint(a.Step, " ", a.Number)] = toldAttempt{before: hashOf(a.Before), after: hashOf(a.After), err: a.Error, epoch: a.Epoch,
				result: a.Result, attribution: a.Attribution, begun: a.BegunAt, ended: a.EndedAt}
		}
	}
	return kept, nil
}

func hashOf(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// differ says what is not as it was told.
func differ(told, kept tale) error {
	votes, attempts := differing("vote", told.votes, kept.votes), differing("attempt", told.attempts, kept.attempts)
	told.votes, kept.votes, told.attempts, kept.attempts = nil, nil, nil, nil
	if a, b := fmt.Sprintf("%+v", told), fmt.Sprintf("%+v", kept); a != b {
		return fmt.Errorf("told %s\nkept %s", a, b)
	}
	return cmp.Or(votes, attempts)
}

func differing[V comparable](what string, told, kept map[string]V) error {
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if have, is := kept[name]; !is || have != told[name] {
			return fmt.Errorf("%s %s: told %+v, kept %+v", what, name, told[name], have)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		if _, is := told[name]; !is {
			return fmt.Errorf("%s %s: not told of", what, name)
		}
	}
	return nil
}
