package analysis

import (
	"fmt"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// bearer is a principal that a fact names.
type bearer struct {
	of int32
	// why says what makes it uncertain that the fact means it; empty where it is certain.
	why string
}

// bearers are whom a fact names. A name that several principals bear may be each of theirs; one that
// nobody who was read bears stands for itself; a deleted holder is nobody, even if its name lives on.
func (d *directory) bearers(h estate.Holder) []bearer {
	switch {
	case !h.Key.IsZero():
		return []bearer{{of: d.number(h.Key)}}
	case h.Ambiguous:
		var list []bearer
		for _, p := range d.e.Named(h.Name) {
			list = append(list, bearer{d.number(p.Key), fmt.Sprintf("several principals bear the name %s", h.Name)})
		}
		return list
	case h.Name == "":
		return nil
	default:
		return []bearer{{d.number(identity.PrincipalKey{ID: h.Name}), fmt.Sprintf("no principal that was read bears the name %s", h.Name)}}
	}
}
