package report

import (
	"time"

	"databricks-access-audit/core/identity"
)

// The lists of a CanReport, as Gap.Affects names them.
const ListProofs = "proofs"

// Verdict is the answer to a question of the form: can this principal do that.
type Verdict string

// The verdicts, the strongest first.
const (
	Allow    Verdict = "ALLOW"    // a whole chain of facts exists now
	Indirect Verdict = "INDIRECT" // it lacks it now, but can give it to itself
	Unknown  Verdict = "UNKNOWN"  // a fact that could turn the answer was not read
	Deny     Verdict = "DENY"     // everything needed was read, and there is no chain
)

// CanReport answers: can this principal do that on this securable, why, and if not, what is missing.
type CanReport struct {
	Envelope
	Subject Principal          `json:"subject"`
	Action  identity.Privilege `json:"action"`
	// Resource is the securable; for a question about an object or a workspace it has their type and
	// name.
	Resource Securable `json:"resource"`
	// Object is the workspace object, where the question is about one.
	Object *ObjectRef `json:"object,omitempty"`
	// Workspace is the one asked about; empty means any.
	Workspace string  `json:"workspace"`
	Verdict   Verdict `json:"verdict"`
	Tiers     Tiers   `json:"tiers"`
	// ReachableIn names the workspaces from which it can be done now.
	ReachableIn []string `json:"reachable_in"`
	// Proofs are the minimal chains of facts that give the verdict ALLOW, the shortest first. For other
	// verdicts it is empty.
	Proofs []Proof `json:"proofs"`
	// Latent are the proofs that would hold if the principal were active. It is empty for whoever is.
	Latent []Proof `json:"latent,omitempty"`
	// ProofsOmitted says that there are more proofs than are listed.
	ProofsOmitted bool `json:"proofs_omitted,omitempty"`
	// Missing are the smallest sets of facts that would make it ALLOW, the smallest first. A set whose
	// facts are all known to be absent explains a DENY; one with facts that were not read an UNKNOWN.
	Missing []MissingSet `json:"missing"`
	// Acts are what the principal would have to do first, for the verdict INDIRECT.
	Acts []Act `json:"acts"`
	// Caveats are conditions under which the verdict gives less, or rests on an assumption.
	Caveats []string `json:"caveats"`
}

// Tiers are the three levels of "can".
type Tiers struct {
	// Granted: Unity Catalog authorises it, usage of the containers included.
	Granted Answer `json:"granted"`
	// Reachable: granted, and the identity is active and assigned to a workspace from which the
	// metastore and the binding let it through.
	Reachable Answer `json:"reachable"`
	// Exercisable: reachable, and an access entitlement and compute are there. It is unknown unless it
	// was asked for.
	Exercisable Answer `json:"exercisable"`
}

// Answer is yes, no or unknown.
type Answer string

// The answers.
const (
	Yes        Answer = "yes"
	No         Answer = "no"
	NotKnown   Answer = "unknown"
	NotChecked Answer = "not_asked"
)

// Proof is one minimal chain of facts. Leaving out any step leaves a hole.
type Proof struct {
	// Workspace is where the proof holds.
	Workspace string `json:"workspace"`
	Steps     []Step `json:"steps"`
}

// The kinds of step.
const (
	StepActive   = "active"   // the principal may log in
	StepMember   = "member"   // Principal is a direct member of Group
	StepImplicit = "implicit" // Principal is in Group because everybody like it is
	StepSame     = "same"     // Principal and Group are two records of one person
	StepAncestor = "ancestor" // Principal is in Group, the way between was not read
	StepGrant    = "grant"    // Principal was granted Privilege on Securable
	StepExpands  = "expands"  // a grant of ALL PRIVILEGES, or of an older name, stands for Privilege
	StepInherits = "inherits" // what is granted on Securable counts for what is in it
	StepOwner    = "owner"    // Principal owns Securable
	StepAssigned = "assigned" // Principal is assigned to Workspace
	StepAttached = "attached" // the metastore is attached to Workspace
	StepBinding  = "binding"  // the binding of Securable lets Workspace in

	StepDefiner     = "definer"     // Principal owns the view Securable, which reads with its rights
	StepAssume      = "assume"      // Principal may act as Group; what follows is what Group may do
	StepRole        = "role"        // Principal has the role Detail on Group
	StepACL         = "acl"         // Principal has the permission Detail on Object
	StepEntitlement = "entitlement" // Principal has the entitlement Detail in Workspace
	StepSetting     = "setting"     // the setting Detail of Securable permits it; never in a proof
	StepCompute     = "compute"     // Principal has something to run it on in Workspace; never in a proof
)

// Step is one fact of a proof. Which fields are set depends on the kind.
type Step struct {
	Kind      string             `json:"kind"`
	Principal string             `json:"principal,omitempty"`
	Group     string             `json:"group,omitempty"`
	Privilege identity.Privilege `json:"privilege,omitempty"`
	Securable *Securable         `json:"securable,omitempty"`
	Workspace string             `json:"workspace,omitempty"`
	Object    *ObjectRef         `json:"object,omitempty"`
	// Detail says more in words, such as the privilege that was granted where it stands for another.
	Detail string `json:"detail,omitempty"`
	Fact   Fact   `json:"fact"`
}

// Fact is where a step was learnt.
type Fact struct {
	// Source is the read that brought it: "read grants on catalog main".
	Source string `json:"source"`
	// ReadAt is when; zero where the fact needs no read, such as that everybody is in account users.
	ReadAt time.Time `json:"read_at,omitzero"`
}

// MissingSet is one way to the verdict ALLOW.
type MissingSet struct {
	Workspace string    `json:"workspace"`
	Facts     []Missing `json:"facts"`
}

// Missing is one fact that would have to hold.
type Missing struct {
	// Kind is that of the step that it would be.
	Kind      string             `json:"kind"`
	Privilege identity.Privilege `json:"privilege,omitempty"`
	Securable *Securable         `json:"securable,omitempty"`
	Workspace string             `json:"workspace,omitempty"`
	Object    *ObjectRef         `json:"object,omitempty"`
	// Principal is whom a missing role is on.
	Principal string `json:"principal,omitempty"`
	// Detail is the permission level, entitlement or role that is missing, by the kind.
	Detail string `json:"detail,omitempty"`
	// Known is false when it is not missing for certain: a read that would show it was not made.
	Known bool `json:"known"`
	// Read is that read, when Known is false.
	Read string `json:"read,omitempty"`
	// Suppliers say who could supply it: owners, admins, holders of MANAGE.
	Suppliers []string `json:"suppliers"`
}

// The kinds of act.
const (
	ActAssign    = "assign"        // assign itself to Workspace
	ActMetastore = "own_metastore" // make itself admin of the metastore Securable
	ActGrant     = "grant"         // grant itself Privilege on Securable
	ActBind      = "bind"          // bind Securable to Workspace
	ActJoin      = "join_group"    // add itself to the group Principal
	ActTakeRole  = "grant_role"    // give itself the role Role on Principal
	ActRunAs     = "run_as"        // run something as Principal, a service principal or user
	ActPermit    = "permit"        // give itself the permission Level on Object
)

// Act is one administrative act that the principal may carry out.
type Act struct {
	Kind        string             `json:"kind"`
	Description string             `json:"description"`
	Securable   *Securable         `json:"securable,omitempty"`
	Privilege   identity.Privilege `json:"privilege,omitempty"`
	// Principal is the group to join, or whom to run something as.
	Principal string `json:"principal,omitempty"`
	Role      string `json:"role,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	// Object is what a permission is given on, and Level which; for running something as somebody the
	// object that does, where one is changed for that.
	Object *ObjectRef `json:"object,omitempty"`
	Level  string     `json:"level,omitempty"`
	// Because is the authority for it: "owner of catalog main", with the path to it.
	Because string `json:"because"`
	Path    Path   `json:"path"`
}

// ObjectRef names a workspace object as reports show it.
type ObjectRef struct {
	Workspace string `json:"workspace"`
	Type      string `json:"type"` // jobs, clusters, …
	ID        string `json:"id"`
	// Name is its name, or its path where it lies in the workspace's tree.
	Name string `json:"name"`
}
