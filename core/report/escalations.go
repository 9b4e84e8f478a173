package report

// The lists of an EscalationsReport, as Gap.Affects names them.
const (
	ListFindings = "findings"
	ListPowers   = "powers"
)

// The severities of a finding, the worst first.
const (
	Critical = "critical"
	High     = "high"
	Medium   = "medium"
	Low      = "low"
)

// EscalationsReport answers: by which ways somebody, or everybody, can come to more access than was
// given.
type EscalationsReport struct {
	Envelope
	// Subject is the one asked about; null means everybody.
	Subject *Principal `json:"subject"`
	// Findings are the single steps, the worst first.
	Findings []Finding `json:"findings"`
	// Powers say who has, or can come to, each administrative power.
	Powers []Power `json:"powers"`
	// ChokePoints are the steps through which the most principals come to a power, the most first.
	ChokePoints []ChokePoint `json:"choke_points"`
	// Graph is all of it as nodes and edges, for tools that draw and search graphs.
	Graph Graph `json:"graph"`
	// NotLookedAt are entries of the catalogue that no API tells of, or that this answer did not look
	// for, with the reason.
	NotLookedAt []Unknowable `json:"not_looked_at"`
}

// Finding is one way to more access.
type Finding struct {
	// ID is that of the catalogue: E01 to E33.
	ID       string    `json:"id"`
	Severity string    `json:"severity"`
	Subject  Principal `json:"subject"`
	// Gains says in words what it comes to.
	Gains string `json:"gains"`
	// What it is about, or through whom; null where it is not of that kind.
	Securable *Securable `json:"securable"`
	Object    *ObjectRef `json:"object"`
	Principal *Principal `json:"principal"`
	// Path leads from the subject to who holds what makes it possible.
	Path Path `json:"path"`
	// Acts are what the subject would do, in order.
	Acts []string `json:"acts"`
	// Facts are the reads that it rests on.
	Facts []Fact `json:"facts"`
	Fix   string `json:"fix"`
	// Certain is false where a fact that it rests on was not read; Why then says which.
	Certain bool   `json:"certain"`
	Why     string `json:"why,omitempty"`
}

// Power is an administrative power and who can come to it.
type Power struct {
	Power string `json:"power"` // account_admin, metastore_admin, workspace_admin
	Scope string `json:"scope"` // "account", or the name of the metastore or workspace
	// Reached lists the users and service principals, those that hold it first.
	Reached []Reach `json:"reached"`
}

// Reach is how one principal comes to a power.
type Reach struct {
	Principal Principal `json:"principal"`
	// Steps is how many findings it takes, zero for who holds the power.
	Steps int `json:"steps"`
	// Via are the findings on the way, as their ids, and Through the names of the principals passed.
	Via     []string `json:"via"`
	Through Path     `json:"through"`
	// Certain is false where the way rests on a fact that was not read, or on circumstances that no
	// fact shows.
	Certain bool `json:"certain"`
}

// ChokePoint is a step through which many come to power.
type ChokePoint struct {
	// Finding is the id of the catalogue, From and To who takes the step and what it leads to.
	Finding string `json:"finding"`
	From    string `json:"from"`
	To      string `json:"to"`
	// Principals counts the users and service principals whose shortest way leads through it.
	Principals int `json:"principals"`
	// Powers are those that it leads to: "workspace_admin prod".
	Powers []string `json:"powers"`
	Fix    string   `json:"fix"`
}

// Graph is nodes and edges.
type Graph struct {
	Nodes []GraphNode `json:"nodes"`
	Edges []GraphEdge `json:"edges"`
}

// GraphNode is a principal, workspace, metastore, securable or object.
type GraphNode struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // user, service_principal, group, account, workspace, metastore, or the type of securable or object
	Name string `json:"name"`
}

// GraphEdge leads from who may do something to what it leads to.
type GraphEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Kind is member_of, or the id of the catalogue.
	Kind     string `json:"kind"`
	Severity string `json:"severity,omitempty"`
}
