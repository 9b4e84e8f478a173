package report

// The states of an Elevation.
const (
	// ElevationPlanned: it was asked what would be done; nothing was.
	ElevationPlanned = "planned"
	// ElevationRefused: it was not possible, and nothing was changed.
	ElevationRefused = "refused"
	// ElevationRestored: what was before is there again.
	ElevationRestored = "restored"
	// ElevationShared: another run still needs it, and puts back what was before.
	ElevationShared = "shared"
	// ElevationForeign: somebody else changed the assignment meanwhile, and it was left like that.
	ElevationForeign = "changed_by_others"
	// ElevationOpen: what was before was not put back, or it is not known.
	ElevationOpen = "open"
)

// Elevation is a right in a workspace that the program gave itself for the time of a question.
type Elevation struct {
	Workspace   string `json:"workspace"`
	WorkspaceID string `json:"workspace_id"`
	// Principal is the caller, whose right it was.
	Principal string `json:"principal"`
	// Before is the caller's own assignment before, and During while the facts were read: NONE, USER or ADMIN.
	Before string `json:"before"`
	During string `json:"during"`
	// Restored says that Before is there again; null when nothing was changed.
	Restored *bool  `json:"restored"`
	State    string `json:"state"`
	// Note is for people: why, or by whom; empty when there is nothing to add.
	Note string `json:"note,omitempty"`
}
