package accesstest

import (
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// defined asks, for reading a view, whether its owner can read what it is made from: a view reads with
// its owner's rights. Of what was not told nothing is asked.
//
// https://docs.databricks.com/aws/en/views/create-views
func (o *Oracle) defined(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) answer {
	if p != identity.Select {
		return allowed("only reading asks for the owner of a view")
	}
	return o.definedWithin(on, ws)
}

// definedWithin goes through views made from views; within are those around it.
func (o *Oracle) definedWithin(view identity.Securable, ws identity.WorkspaceID, within ...identity.Securable) answer {
	info, _ := o.seen.listed(view)
	switch {
	case !info.View() || !info.BasesKnown || len(info.Bases) == 0:
		return allowed("%v is made from nothing that is known", view)
	case slices.Contains(within, view):
		return denied("%v is made from itself", view)
	case info.Owner == "":
		return unknown("the owner of %v is not known", view)
	case strings.HasPrefix(info.Owner, "_workspace_"):
		return unknown("nobody who was read is %s", info.Owner)
	}
	owners := o.bearers(info.Owner, anyKind)
	if len(owners) != 1 || owners[0] == identity.AccountUsers() {
		return unknown("%s, the owner of %v, is not known, or is not one", info.Owner, view)
	}
	owner := o.as(owners[0])
	conditions := []answer{}
	for _, base := range info.Bases {
		p := identity.Select
		if base.Type == identity.TypeFunction {
			p = identity.Execute
		}
		conditions = append(conditions, owner.granted(p, base, ws), owner.bound(base, p, ws),
			o.definedWithin(base, ws, append(slices.Clip(within), view)...))
	}
	return allOf(conditions...)
}
