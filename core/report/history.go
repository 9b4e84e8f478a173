package report

import "time"

// HistoryReport answers: what was planned, who consented, and what came of it.
type HistoryReport struct {
	Envelope
	// Ledger is where it was read from, without a password.
	Ledger string `json:"ledger"`
	// Plans are the newest first.
	Plans []PastPlan `json:"plans"`
	// More says that there are older ones, which were not asked for.
	More bool `json:"more"`
}

// The lists of a HistoryReport.
const ListPlans = "plans"

// PastPlan is a plan as the ledger tells it.
type PastPlan struct {
	ID     string `json:"id"`
	Digest string `json:"digest"`
	// Kind is what it was for: clone, undo, elevate, ….
	Kind      string `json:"kind"`
	Source    Party  `json:"source"`
	Target    Party  `json:"target"`
	Requester Party  `json:"requester"`
	State     string `json:"state"`
	// Parent is the plan that this one takes back; empty when it takes none back.
	Parent    string    `json:"parent"`
	CreatedAt time.Time `json:"created_at"`
	// AppliedAt is null when nothing of it was applied.
	AppliedAt *time.Time `json:"applied_at"`
	// ExpiresAt is until when it may, or might, be approved and applied.
	ExpiresAt time.Time `json:"expires_at"`
	// EndsAt is when what it gave is taken back; null is never.
	EndsAt *time.Time `json:"ends_at"`
	// Approvers are those whose consent stands.
	Approvers []Party   `json:"approvers"`
	Steps     StepCount `json:"steps"`
}

// Party is somebody by id, with what they were called when the plan was made.
type Party struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// StepCount says how far the steps of a plan came.
type StepCount struct {
	// Done were made, or were so already.
	Done int `json:"done"`
	// Failed had no effect, or were refused.
	Failed int `json:"failed"`
	// Open were not begun, or it is not known what came of them.
	Open int `json:"open"`
}
