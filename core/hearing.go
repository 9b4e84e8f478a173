package core

import (
	"context"
	"slices"
	"strings"
	"time"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// hearing is all that is decided on about one plan, as it was at one moment: what the ledger says of it, and what Databricks
// says of the people.
type hearing struct {
	kept ledger.Plan
	plan plan.Plan
	// votes are all that were given, in their order.
	votes []ledger.Vote
	wished
	// facts are nil for a plan that is not voted on any more.
	facts *facts
}

// wished is how a plan was asked for, what its votes gave rise to say, why it was not begun, and what took its place, as the audit
// trail has it.
type wished struct {
	// ticket is what the requester gave as the reason, and channel where the plan was put to the vote.
	ticket, channel string
	// parts are what of the source's access it is about: partsOf. They are empty if that was not kept.
	parts string
	// reviews are what its votes gave rise to say.
	reviews []string
	// held are why it could not be begun since it came to stand as it does.
	held []string
	// successor is the plan that took its place.
	successor string
}

// look reads what the ledger says of a plan. The error is a *ChangedPlanError or a *ledger.TamperedError if something is not
// what was written.
func (a *Approvals) look(ctx context.Context, id string) (hearing, error) {
	kept, err := a.o.Ledger.Plan(ctx, id)
	if err != nil {
		return hearing{}, err
	}
	h := hearing{kept: kept}
	p, digest, err := plan.Decode(kept.Body)
	switch {
	case err != nil:
		return hearing{}, &ChangedPlanError{Plan: id, Why: err.Error()}
	case digest != kept.Digest || p.ID != id:
		return hearing{}, &ChangedPlanError{Plan: id, Why: "its digest is another one"}
	}
	h.plan = p
	if h.votes, err = a.o.Ledger.Votes(ctx, id); err != nil {
		return hearing{}, err
	}
	trail, err := a.o.Ledger.Trail(ctx, id)
	if err != nil {
		return hearing{}, err
	}
	h.wished, err = readWished(trail)
	return h, err
}

// readWished finds in the audit trail of a plan how it was asked for, and what was said of it since.
func readWished(trail []ledger.Entry) (w wished, err error) {
	for _, entry := range trail {
		e, err := entry.Event()
		if e.Event == ledger.EventPlanMoved {
			w.held = nil
		}
		switch {
		case err != nil:
			return wished{}, err
		case e.Event == EventHeld:
			w.held = append(w.held, e.Reason)
		case e.Event == EventProposed:
			w.ticket, w.channel, w.parts = e.Reason, e.Actor.Channel, e.Detail[detailParts]
		case e.Event == ledger.EventPlanMoved && e.From == ledger.Draft && e.To == ledger.Pending:
			w.channel = e.Actor.Channel
		case e.Event == ledger.EventPlanMoved && e.To == ledger.Superseded:
			w.successor = e.Detail[ledger.DetailSuccessor]
		case e.Event == EventReview:
			w.reviews = append(w.reviews, e.Reason)
		}
	}
	return w, nil
}

// hear is look, with what Databricks says of everybody concerned, and of some others by their user ids. For plans that are not
// voted on any more, Databricks is not asked, unless others are named. Who else might vote is not read: a vote waits for this, and
// a group may have thousands in it.
func (a *Approvals) hear(ctx context.Context, id string, others ...string) (hearing, error) {
	h, err := a.look(ctx, id)
	if err != nil {
		return hearing{}, err
	}
	if open(h.kept.State) || len(others) > 0 {
		h.facts = a.facts(ctx, h, a.engine.o.Now(), nil, others...)
	}
	return h, nil
}

// again reads what the ledger says within a transaction, and keeps the facts. It gives errAnotherVoter if they do not tell of
// somebody who has voted since.
func (h *hearing) again(ctx context.Context, tx *ledger.Tx) (err error) {
	if h.kept, err = tx.Plan(ctx, h.kept.ID); err != nil {
		return err
	}
	if h.votes, err = tx.Votes(ctx, h.kept.ID); err != nil {
		return err
	}
	if open(h.kept.State) && slices.ContainsFunc(h.votes, func(v ledger.Vote) bool { return h.facts == nil || !h.facts.has(userKey(v.Voter.ID)) }) {
		return errAnotherVoter
	}
	return nil
}

// open reports whether a plan is one on which votes count.
func open(s ledger.State) bool {
	return s == ledger.Draft || s == ledger.Pending || s == ledger.Approved
}

// facts reads what Databricks, and Slack's user groups, say of everybody concerned with a plan. Of Slack that may be what was read
// since a time; of Databricks it is what it says now. Of groups it is read who is in them; of others, only whether those concerned
// are.
func (a *Approvals) facts(ctx context.Context, h hearing, since time.Time, groups []identity.PrincipalKey, others ...string) *facts {
	people := []identity.PrincipalKey{userKey(h.kept.Requester.ID)}
	for _, v := range h.votes {
		people = append(people, userKey(v.Voter.ID))
	}
	for _, id := range others {
		if isNumber(id) { // whoever has none is no user: an operator who is a service principal, say
			people = append(people, userKey(id))
		}
	}
	inSlack := slackFacts{groups: map[string]consent.UserGroup{}}
	members := a.userGroups(ctx, &inSlack, a.deciding(h), people, since)
	people = append(people, members...)
	for _, s := range a.sets() {
		for _, u := range s.Users {
			if !u.Key.IsZero() {
				people = append(people, u.Key)
			}
		}
	}
	slices.SortFunc(people, identity.PrincipalKey.Compare)
	people = slices.Compact(people)
	f := a.engine.factsOf(ctx, h.plan, people, groups)
	f.slack = inSlack
	for _, k := range people {
		pins, err := a.o.Ledger.Pins(ctx, k.ID)
		// Who somebody is must be beyond doubt, and what cannot be read is not.
		f.doubtful[k] = err != nil || slices.ContainsFunc(pins, func(p ledger.Pin) bool { return p.Locked })
	}
	return f
}

// sets are all sets of people of whom the policy takes votes or requests.
func (a *Approvals) sets() []consent.Set {
	var list []consent.Set
	for _, r := range a.o.Policy.Requesters {
		list = append(list, r.From)
	}
	for _, r := range a.o.Policy.Rules {
		list = append(list, r.Approvers...)
	}
	return list
}

// deciding are the sets of people who have a say over the plan as it stands: its approvers, and of a draft who may ask for one.
func (a *Approvals) deciding(h hearing) []consent.Set {
	sets := a.o.Policy.Terms(h.plan, h.channel).Approvers
	if h.kept.State == ledger.Draft {
		for _, r := range a.o.Policy.Requesters {
			sets = append(slices.Clone(sets), r.From)
		}
	}
	return sets
}

// ballot is what the policy is asked about.
func (a *Approvals) ballot(h hearing) consent.Ballot {
	b := consent.Ballot{Plan: h.plan, Requester: userKey(h.kept.Requester.ID), Bots: a.o.Bots, Channel: h.channel}
	for _, v := range h.votes {
		if v.Stands() {
			b.Votes = append(b.Votes, consent.Vote{Voter: userKey(v.Voter.ID), Approve: v.Decision == ledger.Approve, Login: v.Source == sourceLogin})
		}
	}
	return b
}

// rule says how the votes on a plan stand by the policy, and by what holds whatever the policy says: that its requester and its
// target are still there, and that it is voted on by the rules that it was made under.
func (a *Approvals) rule(h hearing) consent.Ruling {
	if !open(h.kept.State) || h.facts == nil {
		return consent.Ruling{}
	}
	r := a.o.Policy.Rule(a.ballot(h), h.facts)
	var why []string
	if err := a.sameRules(h); err != nil {
		why = append(why, err.Error())
	}
	if h.facts.Active(userKey(h.kept.Requester.ID)) != consent.Yes {
		why = append(why, "whoever asked for it is no longer active, or that could not be read")
	}
	if t := h.plan.Target.Key; t.Kind != identity.KindGroup && h.facts.Active(t) != consent.Yes {
		why = append(why, "its target is not active, or that could not be read")
	}
	if len(why) > 0 && (r.Outcome == consent.Approved || r.Outcome == consent.Open) {
		r.Outcome, r.Why = consent.Open, append(why, r.Why...)
	}
	return r
}

// sameRules refuses a plan that was made under other rules than are in force.
func (a *Approvals) sameRules(h hearing) error {
	if now := a.engine.o.votes.policy; h.plan.Policy != now || now == "" {
		return notAllowed("plan %s was made under other rules than are in force: make a new plan", h.kept.ID)
	}
	return nil
}

// stands is the Case of what was heard.
func (h hearing) stands(r consent.Ruling) Case {
	return Case{
		ID: h.kept.ID, Digest: h.kept.Digest, Kind: h.plan.Kind, State: h.kept.State, Version: h.kept.Version,
		Source: h.kept.Source, Target: h.kept.Target, Requester: h.kept.Requester, Tier: h.plan.Tier, Ticket: h.ticket,
		Votes: h.votes, Ruling: r, Reviews: h.reviews, Held: h.held, CreatedAt: h.kept.CreatedAt, ExpiresAt: h.kept.ExpiresAt, EndsAt: h.kept.EndsAt, SupersededBy: h.successor,
	}
}

// agrees reports whether somebody speaks of the plan with this digest. Messages carry the beginning of it.
func agrees(digest, said string) bool {
	const enough = 12
	return len(said) >= enough && strings.HasPrefix(digest, said)
}

// sentence joins reasons.
func sentence(why []string) string {
	if len(why) == 0 {
		return "no rule gives a reason"
	}
	return strings.Join(why, "; ")
}

// earlier is the first of two times.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
