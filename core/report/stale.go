package report

import (
	"time"

	"databricks-access-audit/core/identity"
)

// ListStale is the list of what was last used when, as Gap.Affects names it.
const ListStale = "stale"

// What is known of the use of a grant, for Stale.Verdict.
const (
	UseStale   = "stale"   // the log goes back far enough, would show a use, and shows none since
	UseActive  = "active"  // used within the days asked about
	UseUnknown = "unknown" // anything else
)

// Stale compares privileges on one securable with when they were last used. The log tells the securable, not
// the privilege: any use of it, or of something in it, counts for all privileges on it. Privileges of one
// grant of which the log would show a use and others of which it would not are two items.
type Stale struct {
	// Principal is whose use is looked at: the holder, somebody who has the grant through a group, or a
	// group, which uses what anybody in it does.
	Principal  Principal            `json:"principal"`
	Securable  Securable            `json:"securable"`
	Privileges []identity.Privilege `json:"privileges"`
	// Source is how the principal has it, as in Grant, and Path leads to who was given it. What is held
	// through a group may be used by others in that group.
	Source string `json:"source"`
	Path   Path   `json:"path"`
	// LastSeen is when the principal last used the securable, or something in it, and LastSeenAny when
	// it was last seen at all; both are null when the log does not show it.
	LastSeen    *time.Time `json:"last_seen"`
	LastSeenAny *time.Time `json:"last_seen_any"`
	Verdict     string     `json:"verdict"` // stale, active, unknown
	// Reason says why the verdict is unknown; empty otherwise.
	Reason string `json:"reason,omitempty"`
	// UsedBy are those in a group who used it, the last first; null for a principal that is none.
	UsedBy []LastUse `json:"used_by,omitempty"`
	// LogDays is how many days of the log were looked at, zero where none was.
	LogDays int `json:"log_days"`
}

// LastUse is when somebody last used something.
type LastUse struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}
