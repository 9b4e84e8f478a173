package report

import (
	"slices"
	"time"

	"databricks-access-audit/core/identity"
)

// SchemaVersion is the version of the JSON contract.
const SchemaVersion = 1

// Report is an answer of any mode.
type Report interface {
	// Head is what every answer carries. It is never nil and belongs to the report.
	Head() *Envelope
}

// Envelope says what was asked, of which account, when, how old the facts are and what was not
// seen. Every format shows it.
type Envelope struct {
	// Mode is the name of the question: "principal".
	Mode          string      `json:"report"`
	SchemaVersion int         `json:"schema_version"`
	ToolVersion   string      `json:"tool_version"`
	AccountID     string      `json:"account_id"`
	GeneratedAt   time.Time   `json:"generated_at"`
	FactsReadAt   FactsReadAt `json:"facts_read_at"`
	// Request is what was asked, in the words of the question's flags.
	Request any `json:"request"`
	// Interrupted says that the reading was stopped before its end: what follows is what was known
	// by then. Coverage is then not complete.
	Interrupted bool     `json:"interrupted,omitempty"`
	Coverage    Coverage `json:"coverage"`
	// Options are the choices made where Databricks' documentation leaves one, by name.
	Options map[string]string `json:"options,omitempty"`
	// Notes are remarks on the answer as a whole, for people.
	Notes []string `json:"notes,omitempty"`
	// Elevations are the rights that the program gave itself to read, by workspace; null when it was not asked to.
	// The facts of the answer leave them out.
	Elevations []Elevation `json:"elevations,omitempty"`
}

// Head returns the envelope itself, so that embedding it makes a Report.
func (e *Envelope) Head() *Envelope { return e }

// FactsReadAt is the window in which the facts were read. Both are zero when nothing was.
type FactsReadAt struct {
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
}

// Coverage says what was read and what was not.
type Coverage struct {
	// Complete is true when everything that the question needs was read. Gaps of kind not_asked and
	// not_running are listed without making it false.
	Complete bool `json:"complete"`
	// Planned and Read count the reads that the question needed and those that succeeded.
	Planned  int      `json:"planned_reads"`
	Read     int      `json:"successful_reads"`
	Gaps     []Gap    `json:"gaps"`
	APICalls APICalls `json:"api_calls"`
}

// Gap is one thing that was not seen, and what that could hide.
type Gap struct {
	// Scope is where: "account", "workspace prod", "metastore eu".
	Scope string `json:"scope"`
	// Operation is what was to be read: "read grants on CATALOG prod".
	Operation string               `json:"operation"`
	Kind      identity.FailureKind `json:"kind"`
	// Status is the HTTP status, zero when there was none.
	Status  int    `json:"status,omitempty"`
	Message string `json:"message"`
	// Effect is what the gap could hide: "grants on this catalog and below are not shown".
	Effect string `json:"effect"`
	// Affects names the lists of the report from which something may be missing because of it; null
	// stands for all of them.
	Affects []string `json:"affects"`
	// Blocking says that the question needed it, so that Complete is false.
	Blocking bool `json:"blocking"`
}

// APICalls is what the answer cost.
type APICalls struct {
	Total      int            `json:"total"`
	ByEndpoint map[string]int `json:"by_endpoint"`
}

// InDoubt reports whether a blocking gap affects the list.
func (c Coverage) InDoubt(list string) bool {
	for _, g := range c.Gaps {
		if g.Blocking && (g.Affects == nil || slices.Contains(g.Affects, list)) {
			return true
		}
	}
	return false
}

// Blocking counts the gaps that make the coverage incomplete.
func (c Coverage) Blocking() int {
	n := 0
	for _, g := range c.Gaps {
		if g.Blocking {
			n++
		}
	}
	return n
}
