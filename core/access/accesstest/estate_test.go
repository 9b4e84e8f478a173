package accesstest

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// An engine for testing the suite: the oracle's rules over facts read back from the Estate, with
// mistakes on request. That it agrees with the oracle shows that World.Estate loses nothing.

// readBack lists the facts of an estate.
func readBack(e *estate.Estate) sightings {
	s := sightings{Reads: map[estate.ReadKey]estate.Outcome{}}
	for p := range e.Principals() {
		if p.Origin == identity.OriginSystem && p.Key.Workspace != 0 {
			continue // users and admins follow from assignments
		}
		s.Principals = append(s.Principals, p)
		for g := range e.Parents(p.Key) {
			s.Memberships = append(s.Memberships, identity.Membership{Member: p.Key, Group: g})
		}
		for g := range e.Ancestors(p.Key) {
			s.Ancestors = append(s.Ancestors, identity.Membership{Member: p.Key, Group: g})
		}
		for other := range e.SamePerson(p.Key) {
			if p.Key.Compare(other) < 0 {
				s.SamePerson = append(s.SamePerson, [2]identity.PrincipalKey{p.Key, other})
			}
		}
	}
	for _, ws := range e.Workspaces() {
		s.Workspaces = append(s.Workspaces, ws.ID)
		s.Assignments = append(s.Assignments, e.Assignments(ws.ID)...)
	}
	for _, m := range e.Metastores() {
		s.Metastores = append(s.Metastores, m)
		for _, ws := range e.MetastoreWorkspaces(m.ID) {
			s.Attachments = append(s.Attachments, Attachment{m.ID, ws})
		}
	}
	for info := range e.Securables() {
		s.Securables = append(s.Securables, info)
		for g := range e.GrantsOn(info.Securable) {
			s.Grants = append(s.Grants, identity.Grant{
				Securable: g.Securable, Holder: g.Holder.Name, DeletedID: g.Holder.DeletedID,
				Privileges: slices.Clone(g.Privileges),
			})
		}
		for _, b := range e.Bindings(info.Securable) {
			s.Bindings = append(s.Bindings, Binding{info.Securable, b})
		}
	}
	readBackPlaces(e, &s)
	for _, r := range e.Reads() {
		s.Reads[r.Key] = r.Outcome
	}
	return s
}

// engine is an engine that is right but for a mistake.
type engine struct {
	// edit spoils the facts that the engine sees; nil leaves them.
	edit func(*sightings)
	// wrap spoils its answers; nil leaves them.
	wrap func(honest) Subject
}

// subject is the engine as a NewSubject.
func (mistaken engine) subject(e *estate.Estate, k identity.PrincipalKey) Subject {
	facts := readBack(e)
	if mistaken.edit != nil {
		mistaken.edit(&facts)
	}
	s := honest{newOracle(facts, e.Canonical(k)), e}
	if mistaken.wrap != nil {
		return mistaken.wrap(s)
	}
	return s
}

// honest does what the oracle alone does not promise: it knows the keys that an estate renamed, and
// it sorts paths.
type honest struct {
	*Oracle
	e *estate.Estate
}

func (s honest) In(group identity.PrincipalKey) access.Verdict {
	return s.Oracle.In(s.e.Canonical(group))
}

func (s honest) HasRole(r identity.Role, on identity.PrincipalKey) access.Verdict {
	return s.Oracle.HasRole(r, s.e.Canonical(on))
}

func (s honest) Paths(group identity.PrincipalKey) ([][]identity.PrincipalKey, int) {
	paths, omitted := s.Oracle.Paths(s.e.Canonical(group))
	slices.SortFunc(paths, shortestFirst)
	return slices.CompactFunc(paths, slices.Equal), omitted
}

func readBackPlaces(e *estate.Estate, s *sightings) {
	named := func(h estate.Holder) identity.PrincipalName {
		switch {
		case h.Ambiguous:
			return identity.PrincipalName{Name: h.Name}
		case h.Key.IsZero():
			return identity.PrincipalName{Kind: lostKind, Name: h.Name}
		default:
			return identity.PrincipalName{Kind: h.Key.Kind, Name: h.Name}
		}
	}
	for _, r := range e.AllRoleGrants() {
		s.Roles = append(s.Roles, identity.RoleGrant{On: r.On, Role: r.Role, Holder: named(r.Holder)})
	}
	for _, ws := range e.Workspaces() {
		for _, x := range e.Entitlements(ws.ID) {
			s.Entitlements = append(s.Entitlements, Endowment{ws.ID, x.Principal, x.Entitlements})
		}
	}
	for _, o := range e.Objects() {
		s.Objects = append(s.Objects, o)
		for _, g := range e.ObjectGrants(o.Object) {
			s.Permissions = append(s.Permissions, Permission{o.Object, identity.ObjectGrant{Holder: named(g.Holder), Level: g.Level, From: g.From}})
		}
	}
}
