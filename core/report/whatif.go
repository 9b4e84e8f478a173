package report

// The lists of a WhatIfReport, as Gap.Affects names them, where no other report has one of the name.
const (
	ListWhatIfChanges = "changes"
	ListLosses        = "losses"
)

// WhatIfReport answers: who would gain and lose what if some things were otherwise.
type WhatIfReport struct {
	Envelope
	// Changes are what was asked about; a change that is so already has the same before and after.
	Changes []Action `json:"changes"`
	// Gains and Losses are what users, service principals and the groups named come to have and no longer
	// have; Unknown is what is only perhaps gained or lost, because of what was not read.
	Gains   []Gain `json:"gains"`
	Losses  []Gain `json:"losses"`
	Unknown []Gain `json:"unknown"`
	// Escalations are ways to more that are not there now.
	Escalations []Finding `json:"escalations"`
	// NotLookedAt are parts of a Terraform plan that this program cannot judge.
	NotLookedAt []string `json:"not_looked_at"`
}
