package report

import "databricks-access-audit/core/identity"

// How much of a personal grant its holder would keep without it, for Redundancy.Level.
const (
	RedundantFull     = "full"     // all of it, now and for whatever is created later
	RedundantPartial  = "partial"  // some of it
	RedundantNone     = "none"     // nothing
	RedundantShadowed = "shadowed" // all of it, by another personal grant
)

// Redundancy compares one personal grant with what its holder would still have without it.
type Redundancy struct {
	Member    Principal `json:"member"`
	Securable Securable `json:"securable"`
	// Privileges are those of the grant, as granted.
	Privileges []identity.Privilege `json:"privileges"`
	Level      string               `json:"level"`
	// Covered are the privileges that the holder would keep, Kept those that it would lose, and
	// Undecided those of which it is not known, because something was not read that decides it.
	Covered   []identity.Privilege `json:"covered"`
	Kept      []identity.Privilege `json:"kept"`
	Undecided []identity.Privilege `json:"undecided"`
	// CoveredBy are the ways by which the covered ones are kept, each from the member to the
	// principal whose grant, or ownership, gives them.
	CoveredBy []Path `json:"covered_by"`
	// Fragile says that what covers the grant hangs on little: a single membership, a group whose
	// members an identity provider decides on, or a group that everybody is in.
	Fragile bool `json:"fragile"`
	// Recommendation is what to do about it, in one sentence.
	Recommendation string `json:"recommendation"`
}
