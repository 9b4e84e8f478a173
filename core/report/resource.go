package report

import "databricks-access-audit/core/identity"

// ResourceReport answers: who can reach this securable, effectively, and by which path.
type ResourceReport struct {
	Envelope
	// Resource is the securable; for a workspace object or a workspace it has their type and name.
	Resource Securable `json:"resource"`
	// Object is the workspace object, where the question is about one.
	Object *ObjectRef `json:"object,omitempty"`
	// Containers are the schema and catalog that it is in, innermost first.
	Containers []Securable `json:"containers"`
	// Access lists who holds privileges that count on it: granted there or on a container, or by owning
	// it. One item for each principal, carrier and holder.
	Access []Access `json:"access"`
	// Indirect lists who holds none, but can give itself any: admins, owners and holders of MANAGE on it
	// or a container.
	Indirect []Access `json:"indirect"`
}

// The lists of a ResourceReport, as Gap.Affects names them.
const (
	ListAccess   = "access"
	ListIndirect = "indirect"
)

// How an access is held, for Access.Source.
const (
	AccessDirect    = "direct"    // granted on the securable itself
	AccessInherited = "inherited" // granted on a container
	AccessOwner     = "owner"     // by owning it; in Indirect, by owning a container
	AccessRole      = "role"      // by an administrative role
)

// Access is what one principal holds on a securable, by one way.
type Access struct {
	Principal  Principal            `json:"principal"`
	Privileges []identity.Privilege `json:"privileges"`
	Source     string               `json:"source"`
	// GrantedOn is where the right was given: the securable or a container.
	GrantedOn Securable `json:"granted_on"`
	// Via is the name that the grant or the ownership bears: the principal's own, or that of a group.
	Via string `json:"via"`
	// Path leads from the principal to Via.
	Path Path `json:"path"`
	// Verdict is ALLOW when at least one of the privileges can be exercised now from some workspace,
	// INDIRECT in the list of that name, UNKNOWN when a fact is missing, and DENY when a prerequisite is.
	Verdict Verdict `json:"verdict"`
	// ReachableIn names the workspaces from which it can be exercised now.
	ReachableIn []string `json:"reachable_in"`
	// Missing says in words what keeps the privileges from being exercised.
	Missing []string `json:"missing"`
	// Acts are what the principal would do, where it comes to its access by acting as others.
	Acts []Act `json:"acts,omitempty"`
}
