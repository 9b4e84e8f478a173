package access

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// stored applies the bindings of the external location that an external table or volume lies in. The
// options say whether they count for what is there already.
//
// https://docs.databricks.com/aws/en/connect/unity-catalog/cloud-storage/manage-external-locations
func (r rules[T]) stored(on identity.Securable, p identity.Privilege, in identity.WorkspaceID) T {
	if !r.m.options.LocationsBindTables {
		return r.logic.all()
	}
	location, read, known := r.locationOf(on)
	if !known {
		wanted := lack{kind: lackStorage, privilege: p, securable: on, workspace: in}
		return r.logic.need(r.logic.fact(Unknown, evidence{read: read}), wanted)
	}
	return r.carried(location, p, in)
}

// locationOf finds the external location that a table or volume lies in; it is zero for what lies in
// none. Where that cannot be told, read is what would tell.
func (s *Subject) locationOf(on identity.Securable) (location identity.Securable, read estate.ReadKey, known bool) {
	if on.Type != identity.TypeTable && on.Type != identity.TypeVolume {
		return location, read, true
	}
	info, _ := s.e.Securable(on)
	external, told := info.External()
	listing := estate.ReadKey{Op: estate.OpChildren, Securable: identity.MetastoreSecurable(on.Metastore), Type: identity.TypeExternalLocation}
	switch {
	case told && !external:
		return location, read, true
	case !told || info.Path == "":
		return location, s.showing(on), false
	case !s.e.Saw(listing):
		return location, listing, false // the nearest may be among those that were not listed
	}
	location, _ = s.m.locations()[on.Metastore].Covering(info.Path)
	return location, read, true
}

// Location finds the external location that an external table or volume lies in. It reports false for what
// lies in none, and where that is not known.
func (m *Model) Location(on identity.Securable) (identity.Securable, bool) {
	location, _, known := m.nobody().locationOf(on)
	return location, known && location.Type != ""
}

// locations are the external locations of each metastore.
func locations(e *estate.Estate) map[string]identity.Locations {
	all := map[string]identity.Locations{}
	for s := range e.Securables() {
		if s.Type != identity.TypeExternalLocation {
			continue
		}
		if all[s.Metastore] == nil {
			all[s.Metastore] = identity.Locations{}
		}
		all[s.Metastore].Add(s)
	}
	return all
}

// mayBindStorage reports whether the subject could let a workspace in where a table or volume lies.
func (q canQuestion) mayBindStorage() bool {
	g, ok := q.goal.(use)
	if !ok || !q.m.options.LocationsBindTables {
		return false
	}
	location, _, known := q.locationOf(g.on)
	return known && location.Type != "" && slices.ContainsFunc(q.From, func(in identity.WorkspaceID) bool {
		_, v := q.Manages(location, in)
		return v == Allowed
	})
}

// unbound says of a table or volume, and of what a view or function reads, that it lies in an external
// location that keeps some of these workspaces out, from which it can be used all the same. Where the
// bindings count, they are in the verdict.
func (g use) unbound(a audit, from []identity.WorkspaceID) []string {
	if a.m.options.LocationsBindTables || g.privilege == identity.Manage || g.privilege == identity.Browse {
		return nil
	}
	var caveats []string
	for _, on := range append([]identity.Securable{g.on}, a.madeFrom(g.on)...) {
		p := g.privilege
		if on != g.on {
			p = reads(on)
		}
		location, _, known := a.locationOf(on)
		if !known || location.Type == "" {
			continue
		}
		kept := map[Verdict][]string{}
		for _, in := range from {
			v := a.verdicts().carried(location, p, in)
			kept[v] = append(kept[v], a.e.WorkspaceName(in))
		}
		for v, how := range map[Verdict]string{Denied: "is not bound to", Unknown: "may not be bound to"} {
			if len(kept[v]) > 0 {
				caveats = append(caveats, fmt.Sprintf("%s %s lies in external location %s, which %s %s: what is there is taken to stay of use from there; ext_location_binding_on_existing_tables=true takes it otherwise",
					on.Type.Title(), on.FullName(), location.FullName(), how, strings.Join(kept[v], ", ")))
			}
		}
	}
	slices.Sort(caveats)
	return caveats
}
