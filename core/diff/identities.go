package diff

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// identities finds the one key that a principal has on both sides. One side may know by kind, or by its
// fixed meaning, what the other knows by number alone.
type identities struct {
	sides [2]*estate.Estate
	kinds map[string]identity.PrincipalKey // account principals by id, where it is of one kind
}

func newIdentities(a, b *estate.Estate) *identities {
	ids := &identities{sides: [2]*estate.Estate{a, b}, kinds: map[string]identity.PrincipalKey{}}
	for _, e := range ids.sides {
		for p := range e.Principals() {
			if p.Key.Workspace != 0 || p.Key.Kind == identity.KindUnknown {
				continue
			}
			if other, ok := ids.kinds[p.Key.ID]; ok && other != p.Key {
				ids.kinds[p.Key.ID] = identity.PrincipalKey{} // of two kinds: nobody's
				continue
			}
			ids.kinds[p.Key.ID] = p.Key
		}
	}
	return ids
}

// one is the key of a principal.
func (ids *identities) one(k identity.PrincipalKey) identity.PrincipalKey {
	for _, e := range ids.sides {
		if c := e.Canonical(k); c != k {
			return c
		}
	}
	if known, ok := ids.kinds[k.ID]; ok && k.Kind == identity.KindUnknown && k.Workspace == 0 && !known.IsZero() {
		return known
	}
	return k
}

// holder is whom a fact of one side names. A name that nobody bears there, or several do, may be borne
// by one on the other side: the fact is then the same, and whom it means is a change of its own.
func (s *side) holder(h estate.Holder, kind identity.Kind) id {
	switch {
	case !h.Key.IsZero():
		return id{key: s.ids.one(h.Key)}
	case h.DeletedID != "":
		return id{name: "deleted principal " + h.DeletedID, deleted: true}
	}
	for _, e := range s.ids.sides {
		k := e.Resolve(h.Name).Key
		if e != s.e && !k.IsZero() && (kind == identity.KindUnknown || k.Kind == kind) && s.mayBeCalled(k, h.Name) {
			return id{key: s.ids.one(k)}
		}
	}
	name := identity.FoldName(h.Name)
	if kind != identity.KindUnknown {
		name = kind.Title() + " " + name
	}
	return id{name: name}
}

// mayBeCalled reports whether nothing on this side says that a principal bears another name.
func (s *side) mayBeCalled(k identity.PrincipalKey, name string) bool {
	p, _ := s.e.Principal(k)
	return p.Name == "" || identity.SameName(p.Name, name)
}
