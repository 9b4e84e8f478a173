package consent

import (
	"errors"
	"fmt"
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// hearing is a ballot under the rule that applies to it.
type hearing struct {
	Ballot
	rule  *ApprovalRule
	facts Facts
	whom  []identity.PrincipalKey
	// people knows all who are named: who asked, who gets something, who votes.
	people humans
}

// right is whether somebody may vote, and why not.
type right struct {
	may Answer
	why string
	// sets are the indices of the rule's sets that they are in, and perhaps those in which they may be.
	sets, perhaps []int
}

// need takes away the right where a condition does not hold, or is not known to.
func (r *right) need(holds Answer, otherwise, unknown string) {
	switch {
	case holds == No && r.may != No:
		r.may, r.why = No, otherwise
	case holds == Unknown && r.may == Yes:
		r.may, r.why = Unknown, unknown
	}
}

// hear opens a ballot: it finds the rule that applies to it, and gives the reasons for which nobody may vote on it at all.
func (p Policy) hear(b Ballot, f Facts) (*hearing, []string) {
	h := &hearing{Ballot: b, facts: f, whom: beneficiaries(b.Plan)}
	if !person(b.Requester) {
		return h, []string{"it is not known who asked for it"}
	}
	against := p.apply(h)
	if h.rule == nil {
		return h, against
	}
	for _, k := range slices.Concat([]identity.PrincipalKey{b.Requester}, h.whom, b.Bots) {
		h.people.add(f, k)
	}
	if !b.Plan.Source.Key.IsZero() {
		h.people.add(f, b.Plan.Source.Key)
	}
	for _, v := range b.Votes {
		h.people.add(f, v.Voter)
	}
	return h, against
}

// apply finds the rule for the plan, and the reasons for which nobody can approve it, whoever asked for it.
func (p Policy) apply(h *hearing) (against []string) {
	switch {
	case len(h.Plan.Executable()) == 0:
		return []string{"it changes nothing here: there is nothing to approve"}
	case slices.ContainsFunc(h.whom, func(k identity.PrincipalKey) bool { return k.ID == "" || k.Kind == identity.KindUnknown }):
		return []string{"it is not known whom it is for"}
	case !slices.Contains([]plan.Tier{plan.Normal, plan.High, plan.Barred}, h.Plan.Tier):
		return []string{"it is not known how far it reaches"}
	case h.Plan.Tier == plan.Barred && h.Channel != "":
		return []string{"what it gives is never given from Slack: approve and apply it at the command line"}
	}
	for i := range p.Rules {
		switch p.Rules[i].Match.covers(h.Plan) {
		case No:
			continue
		case Unknown:
			return []string{fmt.Sprintf("whether rule %s is for it is not known: a group that the rule names was not found", p.Rules[i].ID)}
		case Yes:
			h.rule = &p.Rules[i]
			return h.against()
		}
	}
	return []string{"no rule of the policy is for it, so that nobody can approve it"}
}

// against are the reasons for which the rule lets nobody approve the plan, whoever they are.
func (h *hearing) against() (why []string) {
	say := func(format string, args ...any) {
		why = append(why, fmt.Sprintf("rule %s "+format, append([]any{h.rule.ID}, args...)...))
	}
	if h.rule.MinApprovals < 1 {
		say("does not say how many must approve")
	}
	if n := h.setsNeeded(); len(h.rule.Approvers) < n {
		say("has %d of the %d sets of approvers that a plan of the %s tier needs", len(h.rule.Approvers), n, h.Plan.Tier)
	}
	if limit := h.rule.MaxFor; limit > 0 && h.Plan.Kind == plan.Clone && (h.Plan.For <= 0 || h.Plan.For > int64(limit.Seconds())) {
		say("lets access be given for %s at most: plan it again with --for", Span(limit))
	}
	switch {
	case h.Channel == "" || h.rule.AnyChannel || slices.Contains(h.rule.Channels, h.Channel):
	case len(h.rule.Channels) == 0:
		say("names no channels: votes are given at the command line")
	default:
		say("does not let it be voted on in this channel")
	}
	return why
}

// setsNeeded is of how many sets there must be a vote, each of another person.
func (h *hearing) setsNeeded() int {
	if h.Plan.Tier == plan.Normal {
		return 1
	}
	return 2
}

// votesNeeded is how many people must approve.
func (h *hearing) votesNeeded() int { return max(h.rule.MinApprovals, h.setsNeeded()) }

// right says whether somebody may vote. These conditions hold whatever the policy says, but for the last: nobody decides over
// what they asked for or get something of.
func (h *hearing) right(voter identity.PrincipalKey) right {
	if !person(voter) {
		return right{may: No, why: "only people vote, who are users of the account"}
	}
	all := h.people.with(h.facts, voter)
	r := right{may: Yes}
	for _, bot := range h.Bots {
		r.need(not(all.same(voter, bot)), "this program does not vote", "they may be this program itself")
	}
	r.need(not(all.same(voter, h.Requester)), "they asked for it themselves", "they may be who asked for it")
	for _, k := range h.whom {
		r.need(not(all.same(voter, k)), "it is for them", "they may be whom it is for")
	}
	for i, k := range all.keys {
		if all.may[i] == all.person(voter) {
			r.need(not(h.facts.Gains(k)), "it would give them something too", "whether it would give them something too is not known")
		}
	}
	if source := h.Plan.Source.Key; h.Plan.Tier != plan.Normal && !source.IsZero() {
		r.need(not(all.same(voter, source)), "it gives what they have themselves, and reaches far", "they may be who has what it gives, and it reaches far")
	}
	r.need(h.facts.Active(voter), "they may not log in", "whether they may log in is not known")
	in := No
	for i, s := range h.rule.Approvers {
		a := s.has(voter, h.facts)
		in = anyOf(in, a)
		if a == Yes {
			r.sets = append(r.sets, i)
		}
		if a != No {
			r.perhaps = append(r.perhaps, i)
		}
	}
	r.need(in, "they are none of its approvers", "whether they are one of its approvers is not known")
	return r
}

// MayVote says whether somebody may vote on the plan: nil, or the reason why not, which speaks of them as "they". It does not
// ask whether they have voted already.
func (p Policy) MayVote(b Ballot, voter identity.PrincipalKey, f Facts) error {
	h, against := p.hear(b, f)
	if len(against) > 0 {
		return errors.New(against[0])
	}
	if r := h.right(voter); r.may != Yes {
		return errors.New(r.why)
	}
	return nil
}
