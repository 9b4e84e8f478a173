package estate

import (
	"iter"

	"databricks-access-audit/core/identity"
)

// Spot is the place of a securable in an estate. To find one takes longer than all else that is asked about
// most of the securables of a large account, so that whoever asks several things finds it once.
type Spot int32

// Spot finds the place of a securable; ok is false for one that the estate does not have.
func (e *Estate) Spot(s identity.Securable) (at Spot, ok bool) {
	i, ok := e.securable.find(s)
	return Spot(i), ok
}

// SameSpots reports whether With made the estates of one another, or of a third, without building them anew:
// they have the same securables in the same places, with the same owners, bindings and policies, and one
// ledger. Their grants may differ.
func (e *Estate) SameSpots(other *Estate) bool {
	return len(e.securables) == len(other.securables) && (len(e.securables) == 0 || &e.securables[0] == &other.securables[0])
}

// At is the securable at a place. It must not be changed.
func (e *Estate) At(s Spot) *identity.SecurableInfo { return &e.securables[s] }

// HolderNumber stands for a Holder of an estate: as long as the estates have the same places, the same number
// is the same holder, unless it is one that only one of them has.
type HolderNumber int32

// Holder is the one that a number stands for.
func (e *Estate) Holder(n HolderNumber) Holder { return e.holders[n] }

// OwnerAt finds who owns the securable at a place, as Owner does.
func (e *Estate) OwnerAt(s Spot) (n HolderNumber, known bool) {
	return HolderNumber(e.owners[s]), e.owners[s] != none
}

// GrantsAt gives the direct grants on the securable at a place: who holds them, and a number for what they give,
// which is the same for the same privileges.
func (e *Estate) GrantsAt(s Spot) iter.Seq2[HolderNumber, int32] {
	return func(yield func(HolderNumber, int32) bool) {
		for _, r := range e.rowsOn(int32(s)) {
			if !yield(HolderNumber(r.holder), r.set) {
				return
			}
		}
	}
}
