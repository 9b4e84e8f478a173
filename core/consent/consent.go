package consent

import (
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// Answer is what is known of a question about a person.
type Answer uint8

// The answers. Unknown is the zero value.
const (
	Unknown Answer = iota
	Yes
	No
)

// Facts are what is known, now, of the people concerned. All people are Databricks principals: who somebody is in
// Slack was settled before.
type Facts interface {
	// Active says whether somebody may log in.
	Active(who identity.PrincipalKey) Answer
	// Same says whether two different keys are one human: users that share an e-mail address or external id, be it by way of
	// further users of the account. It is asked of principals of one kind only, and is the same both ways round.
	Same(a, b identity.PrincipalKey) Answer
	// In says whether somebody is in an account group, given by its id, through whatever nesting.
	In(who identity.PrincipalKey, group string) Answer
	// Gains says whether the plan would give somebody who is not its target anything, by any of their accounts: they are in
	// the target, if it is a group; may use or manage it, if it is a service principal; or own it.
	Gains(who identity.PrincipalKey) Answer
	// Members are the users in an account group, given by its id, through whatever nesting. The answer is Yes when these are
	// all, and Unknown when some could not be read; No means that there is no such group.
	Members(group string) ([]identity.PrincipalKey, Answer)
	// UserGroup is who is in a Slack user group, given by its id, as Databricks users.
	UserGroup(id string) UserGroup
}

// UserGroup is what is known of a Slack user group. The zero value says that nothing is.
//
// https://docs.slack.dev/reference/objects/usergroup-object
type UserGroup struct {
	Members []identity.PrincipalKey
	// Read is Yes when the group was read, and No when there is no such group.
	Read Answer
	// More says that it has further members, of whom it was not found out who they are. None of them has voted.
	More bool
	// Kept says that its members cannot be changed by hand in Slack: the identity provider keeps them, or they are locked.
	Kept Answer
}

// Ballot is a plan with what people asked and said of it.
type Ballot struct {
	Plan      plan.Plan
	Requester identity.PrincipalKey
	// Bots are the identities that this program acts under. They have no vote.
	Bots []identity.PrincipalKey
	// Votes are those that stand, in the order in which they were given.
	Votes []Vote
	// Channel is the Slack channel in which the plan was put to the vote; empty at the command line.
	Channel string
}

// Vote is what one person said.
type Vote struct {
	Voter   identity.PrincipalKey
	Approve bool
	// Login says that the vote was given with the voter's own Databricks login, outside Slack.
	Login bool
}

// Outcome is how a ballot stands.
type Outcome string

// The outcomes.
const (
	Open     Outcome = "open"     // more votes are needed
	Approved Outcome = "approved" // the votes suffice
	Rejected Outcome = "rejected" // one who may vote said no
	Refused  Outcome = "refused"  // nobody could ever approve it here
)

// Ruling is what a policy says of a ballot.
type Ruling struct {
	Outcome Outcome
	// Rule is the one that applies; empty when there is none.
	Rule string
	// Why are the reasons, for people: what is missing while it is open, why it is refused.
	Why []string
	// Counted are the votes that count, and Void those that do not, with the reason.
	Counted []Vote
	Void    []VoidVote
	// Approvers names the sets of people of whom votes are needed, for people to read.
	Approvers []string
}

// VoidVote is a vote that does not count.
type VoidVote struct {
	Vote
	Why string
}
