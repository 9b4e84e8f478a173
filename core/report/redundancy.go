package report

import (
	"slices"

	"databricks-access-audit/core/identity"
)

// How much of a personal grant its holder would keep without it, for Redundancy.Level.
const (
	RedundantFull     = "full"     // all of it, now and for whatever is created later
	RedundantPartial  = "partial"  // some of it
	RedundantNone     = "none"     // nothing
	RedundantShadowed = "shadowed" // all of it, but only by what else it was granted, or owns, itself
	// RedundantUnknown: nothing is known to be kept, and of something it is not known.
	RedundantUnknown = "unknown"
)

// Redundancy compares one personal grant with what its holder would still have without it.
type Redundancy struct {
	Member    Principal `json:"member"`
	Securable Securable `json:"securable"`
	// Privileges are those of the grant, as granted.
	Privileges []identity.Privilege `json:"privileges"`
	Level      string               `json:"level"`
	// Covered are the privileges that the holder would keep, Kept those that it would lose, and
	// Undecided those of which it is not known, because something was not read that decides it. Where
	// ALL PRIVILEGES would be lost, Covered has also those that it stands for and that would be kept.
	Covered   []identity.Privilege `json:"covered"`
	Kept      []identity.Privilege `json:"kept"`
	Undecided []identity.Privilege `json:"undecided"`
	// CoveredBy are the ways by which the covered ones are kept, or the part of others that is, each
	// from the member to the principal whose grant, or ownership, gives them.
	CoveredBy []Path `json:"covered_by"`
	// CoveredOn are securables within the one granted on where groups of the holder give what would be
	// lost elsewhere in it. At most 20 are listed; MoreCovered says that there are others.
	CoveredOn   []Securable `json:"covered_on,omitempty"`
	MoreCovered bool        `json:"more_covered,omitempty"`
	// Fragile says that what covers the grant hangs on little: a single membership, a group whose
	// members an identity provider decides on, or a group that everybody is in.
	Fragile bool `json:"fragile"`
	// Recommendation is what to do about it, in one sentence.
	Recommendation string `json:"recommendation"`

	// On is the securable, and Holder whom the grant names there, for making statements of them.
	On     identity.SecurableInfo `json:"-"`
	Holder string                 `json:"-"`
}

// Revocable are the privileges of the grant that would be kept without it, in order.
func (r Redundancy) Revocable() []identity.Privilege {
	return slices.DeleteFunc(slices.Clone(r.Privileges), func(p identity.Privilege) bool { return !slices.Contains(r.Covered, p) })
}

// ObjectRedundancy compares one permission that a member was given itself on a workspace object with what it
// would still have there without it. No SQL takes such a permission away: it is done on the object.
type ObjectRedundancy struct {
	Member    Principal `json:"member"`
	Workspace string    `json:"workspace"`
	Type      string    `json:"type"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	// Permission is the level that it was given.
	Permission string `json:"permission"`
	// Level is full, none, unknown, or shadowed where only what the member was given itself on a folder
	// around the object covers it.
	Level string `json:"level"`
	// CoveredBy, Fragile and Recommendation are as in Redundancy.
	CoveredBy      []Path `json:"covered_by"`
	Fragile        bool   `json:"fragile"`
	Recommendation string `json:"recommendation"`
}

// RedundantHolder is a principal with how many personal grants it has, and how many of them it would
// not miss.
type RedundantHolder struct {
	Member    Principal `json:"member"`
	Redundant int       `json:"redundant"`
	Grants    int       `json:"grants"`
}
