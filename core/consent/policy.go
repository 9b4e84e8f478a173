package consent

import (
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// Policy says who may do what with plans. The zero value lets nobody do anything. It is immutable: Parse makes one, Resolve
// another of it. All methods may be called concurrently.
type Policy struct {
	// Requesters say who may plan for whom; somebody for whom no entry speaks may not plan.
	Requesters []Requesting
	// Auditors are groups whose members may see everything.
	Auditors []Ref
	// Rules say who must approve a plan: the first that matches decides, and a plan that none matches is refused.
	Rules []ApprovalRule
	// FreeUndo lets people take back, without votes, what their own plan gave within the last hour: see UndoFree.
	FreeUndo bool
	// MutualApprovals is how often two people may have approved each other's plans within 30 days before somebody is told to look
	// at it; zero means DefaultMutualApprovals. It stops no plan.
	MutualApprovals int `json:",omitempty"` // policies that do not have it keep their versions
}

// DefaultMutualApprovals is MutualApprovals where a policy does not say it.
const DefaultMutualApprovals = 5

// MutualLimit is MutualApprovals, or what holds without it.
func (p Policy) MutualLimit() int {
	if p.MutualApprovals <= 0 {
		return DefaultMutualApprovals
	}
	return p.MutualApprovals
}

// Ref is a principal as the policy names it.
type Ref struct {
	// Written is a name or an id as it stands in the policy.
	Written string
	// Key is who that is. It is zero until a name is resolved, and then nobody is taken for them.
	Key identity.PrincipalKey
}

// Set is a set of people: all that are in any of its parts.
type Set struct {
	// Name is for people; empty means that its parts name it.
	Name string
	// Group is an account group.
	Group *Ref
	Users []Ref
	// SlackGroup is the id of a Slack user group. It counts only if its members cannot be changed by hand in Slack, or
	// AllowMutable accepts that.
	SlackGroup   string
	AllowMutable bool
}

// Requesting lets some people plan for some others.
type Requesting struct {
	From Set
	For  Whom
	// MembersOf is the group for whose members they may plan, if For is Members.
	MembersOf *Ref
}

// Whom says for whom somebody may plan.
type Whom string

// For whom somebody may plan. The zero value is nobody.
const (
	Self    Whom = "self"
	Members Whom = "members" // of one group
	Anyone  Whom = "anyone"
)

// ApprovalRule says who must approve the plans that it matches.
type ApprovalRule struct {
	ID    string
	Match Match
	// Approvers are the sets of people who may vote.
	Approvers []Set
	// MinApprovals is how many people must approve; never less than one, nor than two above the normal tier.
	MinApprovals int
	// MaxFor is for how long what the plan gives may last; zero means for good.
	MaxFor time.Duration
	// Channels are the Slack channels in which it may be voted on; AnyChannel lifts that limit. Without either, votes are
	// given at the command line only.
	Channels   []string
	AnyChannel bool
}

// Match is what plans a rule is for: all of whose changes are covered. An empty list is no limit.
type Match struct {
	Tiers []plan.Tier
	Steps []plan.StepKind
	// Catalogs are patterns in which * stands for any text; Privileges are those that grants give.
	Catalogs   []string
	Privileges []identity.Privilege
	// Targets are kinds of those who would get something, and Groups those that they would join.
	Targets []identity.Kind
	Groups  []Ref
}
