package plan

import (
	"time"

	"databricks-access-audit/core/identity"
)

// Kind says what a plan is for.
type Kind string

// The kinds of plan.
const (
	Clone  Kind = "clone"
	Undo   Kind = "undo"   // takes back what the plan Parent made effective
	Expire Kind = "expire" // the same, when its time is over
)

// Plan is what is to be done, for whom, and what it was made from. It is immutable once it has a digest:
// what is applied is what Decode gives of the stored bytes, and never made anew.
type Plan struct {
	// ID names the plan for people: "p-" and ten letters and digits. It is random, and means nothing.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Account and Host are where the plan holds; it is refused elsewhere.
	Account string `json:"account"`
	Host    string `json:"host"`
	// Source has what Target is to have. Both are zero in a plan that is not a clone's.
	Source Party `json:"source,omitzero"`
	Target Party `json:"target,omitzero"`
	// Parent is the plan that is taken back.
	Parent    string    `json:"parent,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// ExpiresAt is when the plan may no longer be applied.
	ExpiresAt time.Time `json:"expires_at"`
	// For is after how many seconds from being applied it is to be taken back; zero means never.
	For int64 `json:"for_seconds,omitempty"`
	// Tool is the version of the program that made the plan, and Policy that of the rules it was checked by.
	Tool   string `json:"tool"`
	Policy string `json:"policy,omitempty"`
	// Depth is how deep the account was read for it.
	Depth Depth `json:"depth"`
	// Facts is the fingerprint of the Estate, and Complete whether everything it needs had been read.
	Facts    string `json:"facts"`
	Complete bool   `json:"complete"`
	Steps    []Step `json:"steps"`
	// Gain is the fingerprint of what the target would gain, as it was shown: a change of it makes the plan
	// stale although no step's own cell moved.
	Gain string `json:"gain,omitempty"`
	// Tier is how far the gain reaches, which decides who may consent.
	Tier Tier `json:"tier,omitempty"`
}

// Party is a principal by its key, with what it was called when the plan was made.
type Party struct {
	Key  identity.PrincipalKey `json:"key"`
	Name string                `json:"name"`
}

// Depth is how deep an account is read for a plan: to hold what a plan would give against what it was said to
// give, the account has to be read to the same depth again.
type Depth struct {
	// Below are the types of securable that were looked at below catalogs.
	Below                 []identity.SecurableType
	Entitlements, Objects bool
	// Workspaces are the addresses to which it was limited; empty means all.
	Workspaces []string
}

// Tier classes plans by what they would give, nested groups and all.
type Tier string

// The tiers, from the least.
const (
	Normal Tier = "normal"
	High   Tier = "high"   // two disjoint sets of approvers
	Barred Tier = "barred" // never from Slack
)

// Executable are the changes that applying the plan makes, in their order.
func (p Plan) Executable() []Step {
	var list []Step
	for _, s := range p.Steps {
		if s.Kind.Executable() && s.Change != nil {
			list = append(list, s)
		}
	}
	return list
}
