package accesstest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// mutants are engines with one typical mistake each.
var mutants = map[string]engine{
	"skips nested groups": {edit: func(s *sightings) {
		s.Memberships = keep(s.Memberships, func(m identity.Membership) bool { return m.Member.Kind != identity.KindGroup })
		s.Ancestors = keep(s.Ancestors, func(m identity.Membership) bool { return slices.Contains(s.Memberships, m) })
	}},
	"stops after two hops": {
		edit: func(s *sightings) { s.Ancestors = nil },
		wrap: func(h honest) Subject {
			for range 2 {
				var next []identity.PrincipalKey
				for _, m := range h.seen.Memberships {
					if slices.Contains(h.records, m.Member) {
						next = append(next, m.Group)
					}
				}
				h.records = append(h.records, next...)
			}
			h.certain, h.possible = h.records, h.records
			return h
		},
	},
	"ignores ancestors without the way between": {edit: func(s *sightings) { s.Ancestors = nil }},
	"finds one path only":                       {wrap: func(h honest) Subject { return onePath{h} }},
	"ignores other records of the same person":  {edit: func(s *sightings) { s.SamePerson = nil }},
	"takes groups for account users": {edit: func(s *sightings) {
		for _, p := range s.Principals {
			if isAccountGroup(p.Key) {
				s.Memberships = append(s.Memberships, identity.Membership{Member: p.Key, Group: identity.AccountUsers()})
			}
		}
	}},
	"forgets account users": {edit: renameHolders(func(name string) string {
		if identity.SameName(name, identity.AccountUsersName) {
			return ""
		}
		return name
	})},
	"takes a group of one workspace for its namesake": {edit: func(s *sightings) {
		for _, m := range s.Memberships {
			for _, p := range s.Principals {
				if m.Group.Workspace != 0 && isAccountGroup(p.Key) && p.Name == "g1" {
					s.Memberships = append(s.Memberships, identity.Membership{Member: m.Member, Group: p.Key})
				}
			}
		}
	}},

	"takes unread grants for none":  {edit: claims(estate.OpGrants)},
	"takes unread members for none": {edit: claims(estate.OpMembers)},
	"takes an unread group list for one": {edit: func(s *sightings) {
		s.Reads[readGroups] = estate.Outcome{}
	}},
	"takes unread assignments for none": {edit: claims(estate.OpAssignments)},
	"takes unread attachments for none": {edit: claims(estate.OpMetastoreWorkspaces)},
	"takes unread bindings for none":    {edit: claims(estate.OpBindings)},
	"takes unknown for denied":          {wrap: func(h honest) Subject { return never{h, access.Unknown, access.Denied} }},
	"takes unknown for allowed":         {wrap: func(h honest) Subject { return never{h, access.Unknown, access.Allowed} }},
	"takes an unknown owner for nobody": {edit: func(s *sightings) {
		s.Principals = append(s.Principals, identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "nobody"})
		for i := range s.Securables {
			if s.Securables[i].Owner == "" {
				s.Securables[i].Owner = "nobody"
			}
		}
	}},
	"takes an unknown status for active": {edit: func(s *sightings) { setStatus(s, identity.StatusUnknown) }},
	"lets the deactivated in":            {edit: func(s *sightings) { setStatus(s, identity.StatusInactive) }},
	"takes a name that nobody bears for nobody's": {edit: func(s *sightings) {
		o := Oracle{seen: *s}
		renameHolders(func(name string) string {
			if len(o.bearers(name, anyKind)) == 0 && !strings.HasPrefix(name, "_workspace_") {
				return ""
			}
			return name
		})(s)
	}},
	"compares names by case": {edit: func(s *sightings) {
		spelled := func(name string) bool {
			return slices.ContainsFunc(s.Principals, func(p identity.Principal) bool {
				return p.Name == name || slices.Contains(p.Aliases, name)
			})
		}
		renameHolders(func(name string) string {
			if !spelled(name) && !strings.HasPrefix(name, "_workspace_") {
				return ""
			}
			return name
		})(s)
	}},
	"ignores aliases": {edit: func(s *sightings) {
		for i := range s.Principals {
			s.Principals[i].Aliases = nil
		}
	}},
	"takes a shared name for its first bearer's": {edit: func(s *sightings) {
		for i, p := range s.Principals {
			for _, q := range s.Principals[:i] {
				if isAccountGroup(q.Key) && isAccountGroup(p.Key) && identity.SameName(p.Name, q.Name) {
					s.Principals[i].Name = "someone else"
				}
			}
		}
	}},
	"believes in deleted holders": {edit: func(s *sightings) {
		for i := range s.Grants {
			if s.Grants[i].Holder == "" {
				s.Grants[i].Holder = identity.AccountUsersName
			}
		}
	}},
	"ignores the mirror groups of workspaces": {edit: renameHolders(func(name string) string {
		if strings.HasPrefix(name, "_workspace_") {
			return ""
		}
		return name
	})},
	"takes mirror groups of one workspace for those of all": {edit: func(s *sightings) {
		for _, g := range s.Grants {
			if cut := strings.LastIndexByte(g.Holder, '_'); strings.HasPrefix(g.Holder, "_workspace_") {
				for _, ws := range s.Workspaces {
					g.Holder = g.Holder[:cut+1] + ws.String()
					s.Grants = append(s.Grants, g)
				}
			}
		}
	}},
	"takes admins for users only": {wrap: func(h honest) Subject { return noAdmins{h} }},
	"sees direct assignments only": {edit: func(s *sightings) {
		s.Assignments = keep(s.Assignments, func(a identity.Assignment) bool { return a.Principal.Kind != identity.KindGroup })
	}},

	"lets ownership flow down": {edit: func(s *sightings) {
		for _, info := range s.Securables {
			s.Grants = append(s.Grants, identity.Grant{
				Securable: info.Securable, Holder: info.Owner, Privileges: []identity.Privilege{identity.AllPrivileges},
			})
		}
	}},
	"ignores ownership": {edit: func(s *sightings) {
		nobody := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "nobody"}
		s.Principals = append(s.Principals, nobody)
		for i := range s.Securables {
			s.Securables[i].Owner = nobody.Name
		}
	}},
	"lets owners use from outside": {edit: func(s *sightings) {
		for _, info := range s.Securables {
			s.Grants = append(s.Grants, identity.Grant{
				Securable: info.Securable, Holder: info.Owner,
				Privileges: []identity.Privilege{identity.ExternalUseSchema, identity.ExternalUseLocation},
			})
		}
	}},
	"lets metastore grants flow down": {edit: func(s *sightings) {
		for _, g := range s.Grants {
			for _, info := range s.Securables {
				if g.Securable == identity.MetastoreSecurable(info.Metastore) {
					g.Securable = info.Securable
					s.Grants = append(s.Grants, g)
				}
			}
		}
	}},
	"inherits always":               {edit: func(s *sightings) { setModel(s, "1.0") }},
	"inherits never":                {edit: func(s *sightings) { setModel(s, "0") }},
	"takes all privileges for all":  {edit: rewrite(identity.AllPrivileges, identity.AllPrivileges, identity.Manage, identity.ExternalUseSchema)},
	"ignores all privileges":        {edit: rewrite(identity.AllPrivileges)},
	"ignores legacy names":          {edit: rewrite("USAGE")},
	"ignores the legacy CREATE":     {edit: rewrite("CREATE")},
	"drops privileges it never met": {edit: rewrite(unheard)},

	"ignores bindings": {edit: func(s *sightings) {
		for i := range s.Securables {
			s.Securables[i].Isolation = identity.IsolationOpen
		}
	}},
	"takes every listed binding for isolation": {edit: func(s *sightings) {
		for i := range s.Securables {
			for _, b := range s.Bindings {
				if b.On == s.Securables[i].Securable {
					s.Securables[i].Isolation = identity.Isolated
				}
			}
		}
	}},
	"takes read-only bindings for full": {edit: func(s *sightings) {
		for i := range s.Bindings {
			s.Bindings[i].ReadOnly = false
		}
	}},
	"ignores where metastores are attached": {edit: func(s *sightings) {
		for _, m := range s.Metastores {
			for _, ws := range s.Workspaces {
				s.Attachments = append(s.Attachments, Attachment{m.ID, ws})
			}
		}
	}},

	"asks no use of containers": {wrap: func(h honest) Subject {
		return can{h, func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) []access.Verdict {
			return []access.Verdict{h.Effective(p, on, ws), h.Reaches(on, p, ws)}
		}}
	}},
	"asks no use of the catalog for a schema": {wrap: func(h honest) Subject {
		return can{h, func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) []access.Verdict {
			if on.Type != identity.TypeSchema {
				return []access.Verdict{h.Can(p, on, ws)}
			}
			return []access.Verdict{h.Effective(p, on, ws), h.Uses(on, ws), h.Reaches(on, p, ws)}
		}}
	}},
	"lets write without reading": {wrap: func(h honest) Subject {
		return can{h, func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) []access.Verdict {
			if p != identity.Modify || on.Type != identity.TypeTable {
				return []access.Verdict{h.Can(p, on, ws)}
			}
			schema, _ := on.Parent()
			catalog, _ := schema.Parent()
			return []access.Verdict{h.Uses(catalog, ws), h.Uses(schema, ws), h.Effective(p, on, ws), h.Reaches(on, p, ws)}
		}}
	}},
	"lets write files without reading": {wrap: func(h honest) Subject {
		return can{h, func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) []access.Verdict {
			if p != "WRITE_FILES" {
				return []access.Verdict{h.Can(p, on, ws)}
			}
			return []access.Verdict{h.Effective(p, on, ws), h.Reaches(on, p, ws)}
		}}
	}},
	"forgets to ask whether it is reached": {wrap: func(h honest) Subject {
		return can{h, func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) []access.Verdict {
			if on.Catalog != "" {
				return []access.Verdict{h.Can(p, on, ws)}
			}
			return []access.Verdict{h.Effective(p, on, ws)}
		}}
	}},
}

// claims makes every read of a kind a success.
func claims(op estate.Op) func(*sightings) {
	return func(s *sightings) {
		whole := World{Facts: s.Facts}
		for _, k := range whole.Reads() {
			if k.Op == op {
				s.Reads[k] = estate.Outcome{}
			}
		}
	}
}

// renameHolders changes whom grants name.
func renameHolders(rename func(string) string) func(*sightings) {
	return func(s *sightings) {
		for i := range s.Grants {
			s.Grants[i].Holder = rename(s.Grants[i].Holder)
		}
	}
}

// rewrite puts other privileges in the place of one.
func rewrite(old identity.Privilege, with ...identity.Privilege) func(*sightings) {
	return func(s *sightings) {
		for i := range s.Grants {
			if slices.Contains(s.Grants[i].Privileges, old) {
				rest := keep(s.Grants[i].Privileges, func(p identity.Privilege) bool { return p != old })
				s.Grants[i].Privileges = append(rest, with...)
			}
		}
	}
}

func setStatus(s *sightings, was identity.Status) {
	for i := range s.Principals {
		if s.Principals[i].Status == was {
			s.Principals[i].Status = identity.StatusActive
		}
	}
}

func setModel(s *sightings, model string) {
	for i := range s.Metastores {
		s.Metastores[i].PrivilegeModel = model
	}
}

type onePath struct{ honest }

func (s onePath) Paths(group identity.PrincipalKey) ([][]identity.PrincipalKey, int) {
	paths, _ := s.honest.Paths(group)
	return paths[:min(1, len(paths))], 0
}

type noAdmins struct{ honest }

func (s noAdmins) Assigned(ws identity.WorkspaceID) (identity.WorkspacePermission, access.Verdict) {
	p, v := s.honest.Assigned(ws)
	return min(p, identity.WorkspaceUser), v
}

// never answers otherwise where a right engine answers with one verdict.
type never struct {
	honest
	instead, say access.Verdict
}

func (s never) Can(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
	if v := s.honest.Can(p, on, ws); v != s.instead {
		return v
	}
	return s.say
}

// can asks other conditions than a right engine.
type can struct {
	honest
	conditions func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) []access.Verdict
}

func (s can) Can(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
	return access.All(s.conditions(p, on, ws)...)
}

// TestSuiteCatchesMutants shows that the random worlds of Run are enough for every mistake here.
func TestSuiteCatchesMutants(t *testing.T) {
	for name, mutant := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range randomWorlds {
				if m, wrong := Compare(seeded(1, i), mutant.subject); wrong {
					t.Logf("caught in world %d at %v", i, m.Question)
					return
				}
			}
			t.Errorf("lives through %d worlds", randomWorlds)
		})
	}
}

// recorder is a testing.TB that remembers instead of failing.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func TestCheckShowsASmallWorld(t *testing.T) {
	for i := range randomWorlds {
		r := &recorder{TB: t}
		Check(r, seeded(1, i), mutants["takes read-only bindings for full"].subject)
		if len(r.said) == 0 {
			continue
		}
		t.Logf("in world %d: %s", i, r.said[0])
		for _, part := range []string{"want denied", "for reading only", "read-only true"} {
			if !strings.Contains(r.said[0], part) {
				t.Errorf("the message lacks %q", part)
			}
		}
		if lines := strings.Count(r.said[0], "\n"); lines > 25 {
			t.Errorf("the message has %d lines", lines)
		}
		return
	}
	t.Error("Check never failed")
}

// TestPropertiesCatchMutants shows that the laws notice what they are for, without an oracle.
func TestPropertiesCatchMutants(t *testing.T) {
	orders := 0
	broken := map[string]engine{
		"another grant never takes access away": {wrap: func(h honest) Subject {
			return can{h, func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) []access.Verdict {
				return []access.Verdict{h.Can(p, on, ws), access.Holds(len(h.seen.Grants)%2 == 0)}
			}}
		}},
		"the order of facts does not matter": {edit: func(s *sightings) {
			// An estate is sorted, so the mistake must come from outside it.
			if orders++; orders%2 == 0 {
				s.Grants = nil
			}
		}},
		"hiding a read turns answers to unknown and nothing else": mutants["takes unread grants for none"],
		"what was read of a world is true of the whole of it":     mutants["takes unread members for none"],
		"keys are only names": {wrap: func(h honest) Subject {
			return can{h, func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) []access.Verdict {
				return []access.Verdict{h.Can(p, on, ws), access.Holds(len(h.subject.ID) < 4)}
			}}
		}},
	}
	for _, law := range laws() {
		t.Run(law.name, func(t *testing.T) {
			for i := range propertyWorlds {
				rng, w := propertyWorld(i)
				if said := law.check(rng, w, broken[law.name].subject); said != "" {
					t.Logf("caught in world %d: %s", i, said)
					return
				}
			}
			t.Error("not noticed")
		})
	}
}
