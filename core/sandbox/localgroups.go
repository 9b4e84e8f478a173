package sandbox

import "slices"

// localMembership is one workspace-local group that counts as a principal.
type localMembership struct {
	group  *LocalGroup
	direct bool
}

// localGroups are the workspace-local groups that hold a principal: itself, or an
// account group or another local group that it is in
// (https://docs.databricks.com/admin/users-groups/workspace-local-groups).
func (x *index) localGroups(w *Workspace, id string) []localMembership {
	if len(w.LocalGroups) == 0 {
		return nil
	}
	ids := x.memberships(id)
	var out []localMembership
	for changed := true; changed; {
		changed = false
		for _, g := range w.LocalGroups {
			if ids[g.ID] || !slices.ContainsFunc(g.Members, func(m string) bool { return ids[m] }) {
				continue
			}
			ids[g.ID] = true
			changed = true
			out = append(out, localMembership{g, slices.Contains(g.Members, id)})
		}
	}
	return out
}

// localMembers are the members of a workspace-local group as SCIM shows them.
// Other local groups and guest records are known to the workspace only.
func (c *call) localMembers(g *LocalGroup) []wireMember {
	var out []wireMember
	for _, id := range g.Members {
		out = append(out, c.wireMembers([]string{id})...)
		for _, l := range c.ws.LocalGroups {
			if l.ID == id {
				out = append(out, wireMember{Ref: "Groups/" + id, Value: id, Display: l.DisplayName})
			}
		}
		for _, r := range c.ws.GuestRecords {
			if r.ID == id {
				out = append(out, wireMember{Ref: "Users/" + id, Value: id, Display: r.DisplayName})
			}
		}
	}
	return out
}
