package core

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/ledger"
)

// sourceLogin is the source of votes that were given with the voter's own login. Those of messages have two slashes.
const sourceLogin = ledger.SourceLogin

// VoteSource says where somebody's word was given, as Vote.Source has it: the message, or the command line. It is empty
// if that cannot be told.
func VoteSource(by ledger.Actor) string {
	switch {
	case by.Via == viaCLI:
		return sourceLogin
	case by.Team == "" || by.Channel == "" || by.Message == "":
		return ""
	default:
		return by.Team + "/" + by.Channel + "/" + by.Message
	}
}

// errAnotherVoter says that somebody voted between the reading of the facts and the vote.
var errAnotherVoter = errors.New("somebody voted meanwhile")

// voteTries bounds how often facts are read anew because somebody else voted meanwhile.
const voteTries = 10

// Vote records a vote on what has this digest, which may be its first 12 digits or more. A plan with enough votes becomes
// approved by it, one that was voted down rejected, in the same transaction. The same vote again changes nothing,
// but one with a login takes the place of one in Slack. A voter
// who may not vote is a *NotAllowedError; a plan that is no longer voted on, or another vote of the same voter, a
// *ledger.ConflictError.
func (a *Approvals) Vote(ctx context.Context, by ledger.Actor, id, digest string, approve bool, reason string) (Case, error) {
	v := ledger.Vote{Plan: id, Voter: ledger.Party{ID: by.ID, Name: by.Email}, Decision: ledger.Reject, Source: VoteSource(by), EventHash: by.EventHash, Policy: a.engine.o.votes.policy}
	if approve {
		v.Decision = ledger.Approve
	}
	switch {
	case by.ID == "":
		return Case{}, notAllowed("it is not known who votes")
	case v.Source == "":
		return Case{}, fmt.Errorf("vote of %s on plan %s: it is not known where it was given", by.ID, id)
	case v.Source == sourceLogin && (a.o.Login.IsZero() || a.o.Login != userKey(by.ID)):
		return Case{}, a.refused(ctx, by, id, notAllowed("a vote at the command line is given with the voter's own login, as a user"))
	}
	for range voteTries {
		h, err := a.hear(ctx, id, by.ID)
		if err != nil {
			return Case{}, err
		}
		if !agrees(h.kept.Digest, digest) {
			return Case{}, a.voteRefused(ctx, by, v, notAllowed("plan %s is not what was shown: look at it again", id))
		}
		v.Digest = h.kept.Digest
		if c, err := a.given(h, v); c != nil || err != nil {
			return *orZero(c), err
		}
		c, err := a.vote(ctx, by, h, v, reason)
		if !errors.Is(err, errAnotherVoter) {
			return c, err
		}
	}
	return Case{}, &ledger.ConflictError{What: "plan " + id, Why: "others keep voting on it: try again"}
}

func orZero(c *Case) *Case {
	if c == nil {
		return &Case{}
	}
	return c
}

// given answers for plans that are not voted on: somebody who votes again as before is told how the plan stands, others that
// it is too late.
func (a *Approvals) given(h hearing, v ledger.Vote) (*Case, error) {
	if h.kept.State == ledger.Pending || h.kept.State == ledger.Approved {
		return nil, nil
	}
	for _, old := range h.votes {
		if old.Voter.ID == v.Voter.ID && old.Decision == v.Decision && old.Stands() {
			c := h.stands(consent.Ruling{})
			return &c, nil
		}
	}
	how := string(h.kept.State)
	if h.successor != "" {
		how += " by " + h.successor
	}
	return nil, &ledger.ConflictError{What: "plan " + h.kept.ID, Why: fmt.Sprintf("it is %s, and not voted on", how)}
}

// vote stores a vote of somebody of whom the facts were read, and moves the plan if that decides it.
func (a *Approvals) vote(ctx context.Context, by ledger.Actor, h hearing, v ledger.Vote, reason string) (Case, error) {
	may := a.sameRules(h)
	if may == nil {
		may = a.o.Policy.MayVote(a.ballot(h), userKey(by.ID), h.facts)
	}
	unread := h.facts.unread()
	later := false
	switch {
	case may == nil:
		v.Rule = a.o.Policy.Rule(a.ballot(h), h.facts).Rule
	case v.Source == sourceLogin && unread != nil && a.sameRules(h) == nil:
		// Whose login it is is certain, and whether they may vote cannot be read with it. The vote is kept without a rule: it
		// counts when a process that can read says so.
		later = true
	case unread != nil:
		return Case{}, fmt.Errorf("whether you may vote is not known, since not all could be read; nothing was recorded: %w", unread)
	case len(h.facts.slack.notes) > 0:
		return Case{}, a.voteRefused(ctx, by, v, notAllowed("%v (%s)", may, sentence(h.facts.slack.notes)))
	default:
		return Case{}, a.voteRefused(ctx, by, v, notAllowed("%v", may))
	}
	var ruling consent.Ruling
	reviews := h.reviews
	err := a.o.Ledger.Do(ctx, func(tx *ledger.Tx) (err error) {
		ruling, h.reviews = consent.Ruling{}, reviews
		before, err := tx.Votes(ctx, v.Plan)
		if err != nil {
			return err
		}
		first := !slices.ContainsFunc(before, func(old ledger.Vote) bool { return old.Voter.ID == v.Voter.ID })
		if _, err := tx.Vote(by, v); err != nil {
			return err
		}
		if err := h.again(ctx, tx); err != nil {
			return err
		}
		if reason != "" && first {
			if err := tx.Record(ledger.Event{Event: EventVoteReason, Actor: by, Plan: v.Plan, Digest: v.Digest, Subject: by.ID, Decision: v.Decision, Reason: reason}); err != nil {
				return err
			}
		}
		if v.Decision == ledger.Approve && first {
			text, err := a.review(ctx, tx, by, h, v)
			if err != nil {
				return err
			}
			if text != "" {
				h.reviews = append(slices.Clone(reviews), text)
			}
		}
		if later {
			ruling = consent.Ruling{Outcome: consent.Open, Why: []string{"your vote is kept; it counts once the bot, which may read who is in which group, has looked at it"}}
			return nil
		}
		ruling = a.rule(h)
		h.kept, err = a.settle(tx, by, h, ruling, reason)
		return err
	})
	if err != nil {
		return Case{}, err
	}
	return h.stands(ruling), nil
}

// settle moves a plan to where the votes on it say.
func (a *Approvals) settle(tx *ledger.Tx, by ledger.Actor, h hearing, r consent.Ruling, reason string) (ledger.Plan, error) {
	m := ledger.Move{Plan: h.kept.ID, From: h.kept.State, Version: h.kept.Version, Actor: by, Reason: reason, Rule: r.Rule, Policy: h.plan.Policy}
	switch {
	case r.Outcome == consent.Approved && h.kept.State == ledger.Pending:
		m.To, m.ExpiresAt = ledger.Approved, earlier(tx.Now().Add(a.o.ApplyFor), h.plan.ExpiresAt)
	case r.Outcome == consent.Rejected && (h.kept.State == ledger.Pending || h.kept.State == ledger.Approved):
		m.To = ledger.Rejected
	case r.Outcome != consent.Approved && h.kept.State == ledger.Approved && tx.Now().Before(h.kept.ExpiresAt):
		m.To, m.ExpiresAt = ledger.Pending, h.plan.ExpiresAt
		if m.Reason == "" {
			m.Reason = sentence(r.Why)
		}
	default:
		return h.kept, nil
	}
	return tx.Move(m)
}

// voteRefused records that somebody wanted to vote who may not, and gives the refusal.
func (a *Approvals) voteRefused(ctx context.Context, by ledger.Actor, v ledger.Vote, err error) error {
	return errors.Join(err, a.o.Ledger.Do(context.WithoutCancel(ctx), func(tx *ledger.Tx) error {
		return tx.Record(ledger.Event{Event: EventVoteRefused, Actor: by, Plan: v.Plan, Digest: v.Digest, Subject: by.ID, Decision: v.Decision, Policy: v.Policy, Reason: err.Error()})
	}))
}

// Withdraw takes back a vote whose message was edited or deleted: source is Vote.Source. An approved plan that it was needed
// for waits for votes again. Where no vote was given, it gives a *ledger.NotFoundError.
func (a *Approvals) Withdraw(ctx context.Context, by ledger.Actor, id, source, reason string) (Case, error) {
	return a.withdraw(ctx, by, id, "from "+source, reason, func(v ledger.Vote) bool { return v.Source == source })
}

// WithdrawVoter takes back the vote of somebody who may no longer act where they gave it. The rest is as with Withdraw.
func (a *Approvals) WithdrawVoter(ctx context.Context, by ledger.Actor, id, voter, reason string) (Case, error) {
	return a.withdraw(ctx, by, id, "of "+voter, reason, func(v ledger.Vote) bool { return v.Voter.ID == voter })
}

func (a *Approvals) withdraw(ctx context.Context, by ledger.Actor, id, which, reason string, is func(ledger.Vote) bool) (Case, error) {
	for range voteTries {
		h, err := a.hear(ctx, id)
		if err != nil {
			return Case{}, err
		}
		var ruling consent.Ruling
		err = a.o.Ledger.Do(ctx, func(tx *ledger.Tx) (err error) {
			ruling = consent.Ruling{}
			votes, err := tx.Votes(ctx, id)
			if err != nil {
				return err
			}
			found := false
			for _, v := range votes {
				if !is(v) {
					continue
				}
				found = true
				if err := tx.Withdraw(by, id, v.Voter.ID, reason); err != nil {
					return err
				}
			}
			if !found {
				return &ledger.NotFoundError{What: "vote " + which + " on plan", ID: id}
			}
			if err := h.again(ctx, tx); err != nil || !open(h.kept.State) {
				return err // what was begun or ended is not changed by a vote less
			}
			ruling = a.rule(h)
			if ruling.Outcome == consent.Approved && h.kept.State == ledger.Pending {
				return nil // taking a vote away approves nothing
			}
			h.kept, err = a.settle(tx, by, h, ruling, reason)
			return err
		})
		switch {
		case err == nil:
			return h.stands(ruling), nil
		case !errors.Is(err, errAnotherVoter):
			return Case{}, err
		}
	}
	return Case{}, &ledger.ConflictError{What: "plan " + id, Why: "others keep voting on it: try again"}
}
