package analysis

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// metastores lists the admins of each metastore: its owner, and whoever is in the group that owns it.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/admin-privileges
func (q *rolesQuestion) metastores() {
	for _, m := range q.e.Metastores() {
		row := report.MetastoreAdmin{Name: q.e.MetastoreName(m.ID)}
		if owner, known := q.e.MetastoreAdmin(m.ID); known {
			name := owner.Name
			if unowned(owner) {
				name = ""
			}
			row.Owner, row.Complete = &name, true
			if !unowned(owner) {
				q.hold(q.asked.meant(owner, owner.Key.Workspace), report.HeldRole{
					Role: roleMetastoreAdmin, Scope: "metastore " + row.Name, Fact: q.m.Fact(ownerRead(q.e, identity.MetastoreSecurable(m.ID))),
				})
				row.Admins, _, row.Complete = q.count([]estate.Holder{owner})
			}
		}
		q.r.Metastores = append(q.r.Metastores, row)
	}
}

// unowned reports whether the owner of a metastore is nobody.
func unowned(h estate.Holder) bool {
	return h.Name == "" || h.Key.IsZero() && identity.SameName(h.Name, identity.SystemUser)
}

// workspaces lists the admins of each workspace: whoever is assigned as such, directly or by a group.
//
// https://docs.databricks.com/aws/en/admin/users-groups/workspace-admin
func (q *rolesQuestion) workspaces() {
	for _, w := range q.e.Workspaces() {
		row := report.WorkspaceAdmins{Name: q.e.WorkspaceName(w.ID), RestrictAdmins: q.e.RestrictAdmins(w.ID).String()}
		var admins []estate.Holder
		for _, a := range q.e.Assignments(w.ID) {
			if a.Permission != identity.WorkspaceAdmin {
				continue
			}
			h := estate.Holder{Key: a.Principal, Name: a.Name}
			admins = append(admins, h)
			q.hold(q.asked.meant(h, w.ID), report.HeldRole{
				Role: roleWorkspaceAdmin, Scope: "workspace " + row.Name, Fact: q.m.Fact(assignmentsRead(w.ID)),
			})
		}
		row.Admins, row.Nested, row.Complete = q.count(admins)
		row.Complete = row.Complete && q.e.Saw(assignmentsRead(w.ID))
		q.r.Workspaces = append(q.r.Workspaces, row)
	}
}

// count counts the users and service principals behind some holders, and those that are behind them
// only through a group in a group; whole is false where there may be more.
func (q *rolesQuestion) count(holders []estate.Holder) (all, nested int, whole bool) {
	groups := map[int32]int{} // the fewest groups on the way
	whole = true
	for _, h := range holders {
		for _, b := range q.bearers(h) {
			whole = whole && b.why == "" && q.settled(b.of)
			c := q.circle(b.of)
			for _, i := range c.people {
				n := 0
				for _, on := range c.way(i) {
					if q.keys[on].Kind == identity.KindGroup {
						n++
					}
				}
				if known, ok := groups[i]; !ok || n < known {
					groups[i] = n
				}
			}
		}
	}
	for _, n := range groups {
		if n > 1 {
			nested++
		}
	}
	return len(groups), nested, whole
}

// workspaceCatalogs lists what belongs to the hidden groups that stand for a workspace's users and
// admins in Unity Catalog.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/admin-privileges
func (q *rolesQuestion) workspaceCatalogs() {
	add := func(h estate.Holder, on identity.Securable, ps []identity.Privilege) {
		catalog := on
		if on.Catalog != "" {
			catalog = identity.CatalogSecurable(on.Metastore, on.Catalog)
		}
		row := report.WorkspaceCatalog{
			Catalog: q.m.DescribeSecurable(catalog), Workspace: q.e.WorkspaceName(h.Key.Workspace),
			Holder: h.Name, On: q.m.DescribeSecurable(on), Privileges: []string{},
		}
		for _, p := range ps {
			row.Privileges = append(row.Privileges, string(p))
		}
		q.r.WorkspaceCatalogs = append(q.r.WorkspaceCatalogs, row)
	}
	for s := range q.e.Securables() {
		if owner, known := q.e.Owner(s.Securable); known && owner.Key.Workspace != 0 {
			add(owner, s.Securable, []identity.Privilege{report.Owner})
		}
		for g := range q.e.GrantsOn(s.Securable) {
			if g.Holder.Key.Workspace != 0 {
				add(g.Holder, s.Securable, g.Privileges)
			}
		}
	}
}
