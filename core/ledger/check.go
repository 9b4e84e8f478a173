package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Story is what the audit trail alone says of a plan.
type Story struct {
	Digest  string
	State   State
	Version int64
	// Votes are the decisions that stand or were withdrawn, by voter.
	Votes map[string]StoryVote
	// Steps are the results of attempts, by "step/number"; empty while there is none.
	Steps map[string]Result
}

// StoryVote is a vote as the trail tells it.
type StoryVote struct {
	Decision  Decision
	Withdrawn bool
}

// Tell works out what the rows of the trail that are of a plan say of it.
func Tell(entries []Entry) (Story, error) {
	s := Story{Votes: map[string]StoryVote{}, Steps: map[string]Result{}}
	for _, entry := range entries {
		e, err := entry.Event()
		if err != nil {
			return Story{}, err
		}
		switch e.Event {
		case EventPlanCreated:
			s.Digest, s.State, s.Version = e.Digest, e.To, e.Version
		case EventPlanMoved:
			if e.From != s.State || e.Version != s.Version+1 {
				return Story{}, &TamperedError{What: fmt.Sprintf("row %d of the audit trail moves plan %s from %s, but it was %s", entry.Seq, e.Plan, e.From, s.State), Seq: entry.Seq}
			}
			s.State, s.Version = e.To, e.Version
		case EventVoted:
			s.Votes[e.Subject] = StoryVote{Decision: e.Decision}
		case EventVoteWithdrawn:
			s.Votes[e.Subject] = StoryVote{Decision: e.Decision, Withdrawn: true}
		case EventIntent:
			s.Steps[attemptName(e.Step, e.Attempt)] = ""
		case EventOutcome:
			s.Steps[attemptName(e.Step, e.Attempt)] = e.Result
		}
	}
	return s, nil
}

func attemptName(step string, number int64) string { return fmt.Sprintf("%s/%d", step, number) }

// Check compares what the ledger has of a plan with what the audit trail says of it: a vote or an outcome that
// was taken away is found so. The error is a TamperedError. It belongs before a plan is applied; it does not
// replace Verify, which alone finds that rows of the trail itself were taken away.
func (r reader) Check(ctx context.Context, plan string) error {
	p, err := r.Plan(ctx, plan)
	if err != nil {
		return err
	}
	entries, err := r.Trail(ctx, plan)
	if err != nil {
		return err
	}
	h, err := r.store.head(ctx, r.q)
	if err != nil {
		return r.store.explain("read the head of the ledger", err)
	}
	for _, e := range entries {
		if err := e.check(h.chain, r.keys); err != nil {
			return err
		}
	}
	told, err := Tell(entries)
	if err != nil {
		return err
	}
	have := Story{Digest: p.Digest, State: p.State, Version: p.Version, Votes: map[string]StoryVote{}, Steps: map[string]Result{}}
	votes, err := r.Votes(ctx, plan)
	if err != nil {
		return err
	}
	for _, v := range votes {
		have.Votes[v.Voter.ID] = StoryVote{Decision: v.Decision, Withdrawn: !v.Stands()}
	}
	attempts, err := r.Attempts(ctx, plan)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		have.Steps[attemptName(a.Step, a.Number)] = a.Result
	}
	switch {
	case told.Digest != have.Digest || told.State != have.State || told.Version != have.Version:
		return &TamperedError{What: fmt.Sprintf("plan %s is %s (version %d), but by the audit trail it is %s (version %d)", plan, have.State, have.Version, told.State, told.Version)}
	case !maps.Equal(told.Votes, have.Votes):
		return &TamperedError{What: fmt.Sprintf("the votes on plan %s are not those of the audit trail: %s", plan, differing(told.Votes, have.Votes))}
	case !maps.Equal(told.Steps, have.Steps):
		return &TamperedError{What: fmt.Sprintf("the steps of plan %s are not those of the audit trail: %s", plan, differing(told.Steps, have.Steps))}
	}
	return nil
}

// differing names the first key that two maps do not have alike.
func differing[V comparable](a, b map[string]V) string {
	for _, k := range slices.Sorted(maps.Keys(a)) {
		if v, is := b[k]; !is || v != a[k] {
			return k
		}
	}
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if _, is := a[k]; !is {
			return k
		}
	}
	return ""
}

// check is nil if the row is linked to the one before it, and was written with one of the keys.
func (e *Entry) check(chain []byte, keys Keys) error {
	bad := func(why string) error {
		return &TamperedError{What: fmt.Sprintf("row %d of the audit trail %s", e.Seq, why), Seq: e.Seq}
	}
	if link(chain, e.Seq, e.Prev, e.Body) != e.Hash {
		return bad("was changed")
	}
	err := keys.check(seal{keyID: e.KeyID, mac: e.MAC[:]}, fmt.Sprintf("row %d of the audit trail", e.Seq), "audit", e.Hash[:])
	if _, is := errors.AsType[*TamperedError](err); is {
		return bad("was not written by this ledger")
	}
	return err
}
