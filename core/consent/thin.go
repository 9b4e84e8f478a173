package consent

import (
	"errors"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// Parse reads the policy section of the bot's configuration.
func Parse(text []byte) (Policy, error) { return Policy{}, errors.New("not yet") }

// Resolve gives the policy with every name resolved by find, which is asked for groups and users. The error names all that
// were not found.
func (p Policy) Resolve(find func(kind identity.Kind, name string) (identity.PrincipalKey, error)) (Policy, error) {
	return p, nil
}

// Version is the fingerprint of the policy, with what its names were resolved to: SHA-256 in hexadecimal.
func (p Policy) Version() string { return "" }

// Guarded are the groups that decide who may ask, approve or see: whoever could join one could give himself all of that.
func (p Policy) Guarded() []identity.PrincipalKey { return nil }

// MayRequest says whether somebody may ask for the plan: nil, or a reason that tells nothing of the target.
func (p Policy) MayRequest(by identity.PrincipalKey, pl plan.Plan, f Facts) error {
	return errors.New("the policy does not let you plan for that principal")
}

// MayVote says whether somebody may vote on the plan: nil, or the reason why not.
func (p Policy) MayVote(b Ballot, voter identity.PrincipalKey, f Facts) error {
	return errors.New("the policy does not let you vote")
}

// Rule says how the ballot stands.
func (p Policy) Rule(b Ballot, f Facts) Ruling { return Ruling{Outcome: Refused} }

// UndoFree says whether somebody may take back what a plan gave without votes: nil, or the reason why not.
func (p Policy) UndoFree(parent plan.Plan, by, requester identity.PrincipalKey, appliedAt, now time.Time) error {
	return errors.New("the policy asks for votes")
}
