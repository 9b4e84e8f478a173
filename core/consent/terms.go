package consent

import (
	"fmt"
	"time"

	"databricks-access-audit/core/plan"
)

// Terms are what it takes to approve a plan, whoever asks and whoever votes.
type Terms struct {
	// Rule is the one that applies; empty when there is none.
	Rule string
	// Against are the reasons for which nobody can approve it. The rest is meaningless if there are any.
	Against []string
	// Votes is how many people must approve, and Sets for how many sets of Approvers they must speak, each for one.
	Votes, Sets int
	Approvers   []Set
	// Logins is how many of the votes must be given with the voters' own logins, outside Slack.
	Logins int
}

// Terms says what it takes to approve the plan where it is voted on: in a Slack channel, or at the command line if that is
// empty.
func (p Policy) Terms(pl plan.Plan, channel string) Terms {
	h := &hearing{Ballot: Ballot{Plan: pl, Channel: channel}, whom: beneficiaries(pl)}
	return h.terms(p.apply(h))
}

// Terms says what the rule takes for plans of a tier that it covers, at the command line.
func (r ApprovalRule) Terms(tier plan.Tier) Terms {
	h := &hearing{rule: &r}
	h.Plan.Tier = tier
	return h.terms(h.against())
}

func (h *hearing) terms(against []string) Terms {
	t := Terms{Against: against}
	if h.rule != nil {
		t.Rule, t.Approvers = h.rule.ID, h.rule.Approvers
	}
	if len(t.Against) > 0 {
		return t
	}
	t.Votes, t.Sets = h.votesNeeded(), h.setsNeeded()
	switch h.Plan.Tier {
	case plan.High:
		t.Logins = 1
	case plan.Barred:
		t.Logins = t.Votes
	case plan.Normal:
	}
	return t
}

// Span spells a time as a policy does, in whole days, hours or minutes where it is of these: 30d, 8h, 90m.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}
