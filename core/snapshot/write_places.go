package snapshot

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

func (p *printer) places(e *estate.Estate) {
	for _, w := range e.Workspaces() {
		p.put(line{Workspace: &workspace{w.ID, w.Name, w.Host, w.Cloud, w.Region, w.Status}})
	}
	for in, all := range e.AllAssignments() {
		chunks(all, func(all []identity.Assignment) {
			list := make([]assignment, len(all))
			for i, a := range all {
				list[i] = assignment{key(a.Principal), a.Name, permissions.of(a.Permission)}
			}
			p.put(line{Assignments: &assignments{in, list}})
		})
	}
	for _, m := range e.Metastores() {
		p.put(line{Metastore: &metastore{m.ID, m.Name, m.Region, m.Cloud, m.Owner, m.PrivilegeModel, switches.of(m.ExternalAccess)}})
	}
	for id, to := range e.AllAttachments() {
		chunks(to, func(to []identity.WorkspaceID) {
			p.put(line{Attached: &attached{id, to}})
		})
	}
}

// securables writes those in one place together.
func (p *printer) securables(e *estate.Estate) {
	var in securables
	held := 0 // securables and grants in the line
	flush := func() {
		if len(in.List) > 0 {
			p.put(line{Securables: &in})
		}
		in.List, held = in.List[:0], 0
	}
	for s := range e.Securables() {
		if at := placeOf(s.Securable); at != in.place || held >= most {
			flush()
			in.place = at
		}
		one := securable{
			Type: s.Type, Name: s.Name, Owner: s.Owner, Isolation: isolations.of(s.Isolation),
			TableType: s.TableType, CatalogType: s.CatalogType, BrowseOnly: s.BrowseOnly, VolumeType: s.VolumeType, Path: s.Path,
			Bases: fullNames(s.Bases), BasesKnown: s.BasesKnown, RowFilter: s.RowFilter, ColumnMask: s.ColumnMask,
		}
		for g := range e.GrantsOn(s.Securable) {
			one.Grants = append(one.Grants, grant{g.Holder.Name, g.Holder.DeletedID, g.Privileges})
		}
		in.List = append(in.List, one)
		held += 1 + len(one.Grants)
	}
	flush()
	for on, all := range e.AllBindings() {
		p.put(line{Bindings: &bindings{nameOf(on), bindingsOf(all)}})
	}
	for on, all := range e.AllPolicies() {
		p.put(line{Policies: &policies{nameOf(on), policiesOf(all)}})
	}
}

func bindingsOf(all []identity.Binding) []binding {
	return each(all, func(b identity.Binding) binding { return binding(b) })
}

func policiesOf(all []identity.Policy) []policy {
	return each(all, func(x identity.Policy) policy {
		return policy{x.Name, x.On, x.Kind, x.To, x.Except, x.Privileges, x.Conditional}
	})
}

func placeOf(s identity.Securable) place { return place{s.Metastore, s.Catalog, s.Schema} }

func nameOf(s identity.Securable) fullName { return fullName{placeOf(s), s.Type, s.Name} }

func fullNames(all []identity.Securable) []fullName { return each(all, nameOf) }

func (p *printer) objects(e *estate.Estate) {
	for _, o := range e.Objects() {
		p.put(line{Object: &object{
			objectName: objectName(o.Object), Name: o.Name, Path: o.Path, Creator: o.Creator, RunAs: o.RunAs,
			BorrowsOwner: o.BorrowsOwner, SingleUser: o.SingleUser, SecurityMode: o.SecurityMode,
			InstanceProfile: o.InstanceProfile, Code: o.Code, Detailed: o.Detailed,
			Grants: each(e.ObjectGrants(o.Object), func(g estate.ObjectGrant) objectGrant {
				return objectGrant{kinds.of(g.Kind), g.Holder.Name, g.Level, g.From}
			}),
		}})
	}
}

// each turns a list into another. No list stays no list, which is not the same as an empty one.
func each[A, B any](all []A, f func(A) B) []B {
	if all == nil {
		return nil
	}
	list := make([]B, len(all))
	for i, x := range all {
		list[i] = f(x)
	}
	return list
}
