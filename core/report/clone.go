package report

import (
	"time"

	"databricks-access-audit/core/identity"
)

// The lists of a CloneReport, as Gap.Affects names them.
const (
	ListActions = "actions"
	ListGains   = "gains"
)

// CloneReport answers: what gives one principal what another has, step by step, and what would come of it.
type CloneReport struct {
	Envelope
	Plan Plan `json:"plan"`
}

// Plan is a plan as reports show it. The file that can be applied is another thing, of which Digest is the
// fingerprint.
type Plan struct {
	// ID is "p-" and ten letters and digits, and Digest what consent is given to.
	ID     string `json:"id"`
	Digest string `json:"digest"`
	// Kind is clone, undo or expire.
	Kind   string    `json:"kind"`
	Source Principal `json:"source"`
	Target Principal `json:"target"`
	// Actions are in the order in which they are carried out; those that are not come last.
	Actions []Action `json:"actions"`
	// Caller is whose rights are told with the actions; null where none are, or where it could not be found out.
	Caller *Principal `json:"caller,omitempty"`
	// Gains are what the target could do that it cannot now, nested groups and all, and Losses the other
	// way round. What is only perhaps gained, because of what was not read, is in UnknownGains.
	Gains        []Gain `json:"gains"`
	Losses       []Gain `json:"losses"`
	UnknownGains []Gain `json:"unknown_gains"`
	// Excess is what of the gains the source does not have.
	Excess []Gain `json:"excess"`
	// Escalations are the ways to more that the target would come to.
	Escalations []Finding `json:"escalations"`
	// Tier is normal, high or barred, by what would be gained, and TierReasons say why.
	Tier        string   `json:"tier"`
	TierReasons []string `json:"tier_reasons"`
	// Complete says that everything the plan needs was read, and Applyable that there is something to carry
	// out.
	Complete  bool      `json:"complete"`
	Applyable bool      `json:"applyable"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	// ForSeconds is after how long from being applied the plan is to be taken back; zero means never.
	ForSeconds int `json:"for_seconds,omitempty"`
	// State is where a plan stands that somebody worked on: applied, partially_applied, failed, stale, undone,
	// …; empty in the others. Parent is the plan that it takes back, and EndsAt when what it gave is to be
	// taken back.
	State  string     `json:"state,omitempty"`
	Parent string     `json:"parent,omitempty"`
	EndsAt *time.Time `json:"ends_at,omitempty"`
	// Scripts are the steps in other languages. JSON leaves them out: they say nothing that the actions do
	// not.
	Scripts Scripts `json:"-"`
}

// Scripts are what a plan's steps are in languages that others carry out.
type Scripts struct {
	SQL       string // GRANT statements, for people to run
	Terraform string // resources of the Databricks provider, with import blocks
	API       string // requests to the Databricks API, one JSON object a line
	Tickets   string // what to ask the identity provider's administrators for
}

// The values of Action.Status.
const (
	StatusPlanned = "planned" // is carried out when the plan is applied
	StatusOpen    = "open"    // somebody else has to do it
	StatusNone    = "none"    // nothing is to be done

	StatusDone    = "done"    // was carried out
	StatusAlready = "already" // was so before: it is nobody's to take back
	StatusLeft    = "left"    // was to be taken back, but somebody changed it since
	StatusFailed  = "failed"  // was tried, and had no effect
	StatusRefused = "refused" // was not tried, since something had moved
	StatusUnknown = "unknown" // what became of it is to be found out
)

// Action is one step of a plan.
type Action struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Holder is who has what is changed; null where that is the plan's target.
	Holder *Principal `json:"holder,omitempty"`
	// Group is the group of a membership, null for other steps.
	Group *Principal `json:"group"`
	// ExternalID is that of a group that the identity provider keeps.
	ExternalID string `json:"external_id,omitempty"`
	// Detail says in words what would be changed, and Reason why it is, or is not.
	Detail string `json:"detail"`
	Reason string `json:"reason"`
	// Before and After are what is held; empty means nothing.
	Before string `json:"before"`
	After  string `json:"after"`
	Status string `json:"status"`
	Error  string `json:"error"`
	// Uncertain says of a change that is done that somebody else may have made it.
	Uncertain bool `json:"uncertain,omitempty"`
	// Right says whether the caller may carry it out; null where that was not looked at, or nothing is left to do.
	Right *Right `json:"right,omitempty"`

	// What it is about; which are set depends on the kind.
	Workspace   string               `json:"workspace,omitempty"`
	WorkspaceID string               `json:"workspace_id,omitempty"`
	Entitlement identity.Entitlement `json:"entitlement,omitempty"`
	Securable   *Securable           `json:"securable,omitempty"`
	Privilege   identity.Privilege   `json:"privilege,omitempty"`
	Object      *ObjectRef           `json:"object,omitempty"`
}

// The values of Right.May.
const (
	MayYes     = "yes"
	MayNo      = "no"
	MayUnknown = "unknown"
)

// Right says whether the caller may carry out an action.
type Right struct {
	May string `json:"may"`
	// Needs says what it takes, and Who names some who are known to have that; empty where nobody was looked for.
	Needs string   `json:"needs"`
	Who   []string `json:"who"`
	// Why says of what is not known what was not read.
	Why string `json:"why,omitempty"`
}

// Gain is something that a principal would come to have, or no longer have.
type Gain struct {
	Principal Principal `json:"principal"`
	// Kind says which of the others is set: access, workspace, role or object.
	Kind       string               `json:"kind"`
	Securable  *Securable           `json:"securable,omitempty"`
	Privileges []identity.Privilege `json:"privileges,omitempty"`
	Object     *ObjectRef           `json:"object,omitempty"`
	Level      identity.Level       `json:"level,omitempty"`
	Workspace  string               `json:"workspace,omitempty"`
	Permission string               `json:"permission,omitempty"`
	Role       string               `json:"role,omitempty"`
	Scope      string               `json:"scope,omitempty"`
	// Because are the ids of the actions, or changes, that bring it about.
	Because []string `json:"because"`
	// Path leads to the nearest identity by which it is so.
	Path Path `json:"path"`
	// ReachableIn names the workspaces from which it can be used.
	ReachableIn []string `json:"reachable_in"`
}

// The values of Gain.Kind.
const (
	GainAccess    = "access"
	GainWorkspace = "workspace"
	GainRole      = "role"
	GainObject    = "object"
)
