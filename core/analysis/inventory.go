package analysis

import (
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// inventory are the securables that entries of the catalogue are about, in order. Of the million tables of an
// account nearly none are: what they give is what was granted on them.
type inventory struct {
	// outer are those that lie in no schema, borrowers what reads with the rights of its owner, and external
	// what may lie in an external location.
	outer, borrowers, external []*identity.SecurableInfo
}

func takeInventory(e *estate.Estate) inventory {
	var v inventory
	list := e.SecurableList()
	for i := range list {
		s := &list[i]
		if !s.Type.InSchema() {
			v.outer = append(v.outer, s)
			continue
		}
		if s.ReadsAsOwner() {
			v.borrowers = append(v.borrowers, s)
		}
		if s.Path != "" {
			v.external = append(v.external, s)
		}
	}
	return v
}

// inert reports whether no permission on an object leads anywhere, whoever has it: nothing runs by it as
// somebody else, and it keeps nothing that opens something.
func inert(o *identity.ObjectInfo) bool {
	if len(o.Code) > 0 {
		return false
	}
	switch o.Type {
	case identity.ObjectJob, identity.ObjectPipeline, identity.ObjectSecretScope, identity.ObjectApp, identity.ObjectServing:
		return false
	case identity.ObjectCluster:
		return o.SingleUser == "" && o.InstanceProfile == "" && !unisolated(o)
	case identity.ObjectWarehouse:
		return o.InstanceProfile == ""
	default:
		return !o.BorrowsOwner
	}
}

// unisolated reports whether those who use a cluster can reach what the others do on it.
//
// https://docs.databricks.com/aws/en/compute/configure#access-mode
func unisolated(o *identity.ObjectInfo) bool {
	return o.SecurityMode == "NONE" || strings.HasPrefix(o.SecurityMode, "LEGACY_")
}
