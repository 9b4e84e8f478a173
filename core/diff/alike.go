package diff

import (
	"iter"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// In accounts of any size nearly everything is the same on both sides. What both say of a securable or of a
// workspace object in the same words is no change, whatever was read, and nothing else can be mistaken for
// it: a fact is only ever confused with another about the same thing. So these are found by looking at the
// two sides together, and are never gathered.

// unlike has the securables and workspace objects of which the two sides do not say the same, or of which
// only one says anything.
type unlike struct {
	securables map[identity.Securable]bool
	objects    map[identity.Object]bool
}

func newUnlike(a, b *estate.Estate) *unlike {
	u := &unlike{securables: map[identity.Securable]bool{}, objects: map[identity.Object]bool{}}
	for info := range a.Securables() {
		if theirs, there := b.Securable(info.Securable); !there || !sameSecurable(a, b, info, theirs) {
			u.securables[info.Securable] = true
		}
	}
	for info := range b.Securables() {
		if _, there := a.Securable(info.Securable); !there {
			u.securables[info.Securable] = true
		}
	}
	for _, info := range a.Objects() {
		if theirs, there := b.Object(info.Object); !there || !sameObject(a, b, info, theirs) {
			u.objects[info.Object] = true
		}
	}
	for _, info := range b.Objects() {
		if _, there := a.Object(info.Object); !there {
			u.objects[info.Object] = true
		}
	}
	return u
}

// sameSecurable compares all that gather takes from the record of a securable and its grants. Whether details
// were read does not matter: what only one side read is no change.
func sameSecurable(a, b *estate.Estate, x, y identity.SecurableInfo) bool {
	ownerA, knownA := a.Owner(x.Securable)
	ownerB, knownB := b.Owner(x.Securable)
	return ownerA == ownerB && knownA == knownB && x.TableType == y.TableType && x.CatalogType == y.CatalogType && x.Isolation == y.Isolation &&
		x.RowFilter == y.RowFilter && x.ColumnMask == y.ColumnMask &&
		sameSeq(a.GrantsOn(x.Securable), b.GrantsOn(x.Securable), func(g, h estate.Grant) bool {
			return g.Holder == h.Holder && slices.Equal(g.Privileges, h.Privileges)
		})
}

func sameObject(a, b *estate.Estate, x, y identity.ObjectInfo) bool {
	return x.Name == y.Name && x.RunAs == y.RunAs && slices.Equal(a.ObjectGrants(x.Object), b.ObjectGrants(x.Object))
}

// sameSeq reports whether two sequences have equal items in the same order.
func sameSeq[T any](a, b iter.Seq[T], same func(T, T) bool) bool {
	next, stop := iter.Pull(b)
	defer stop()
	for x := range a {
		if y, ok := next(); !ok || !same(x, y) {
			return false
		}
	}
	_, more := next()
	return !more
}
