package access

import (
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Compare answers what two principals have in common and what only one of them has. What one of them could
// do instead as a group that it is not in, but may act as, does not count. The envelope is left to the
// caller.
func (m *Model) Compare(a, b identity.PrincipalKey, also Also) *report.CompareReport {
	c := comparison{m: m, e: m.e, a: audit{m.Subject(a)}, b: audit{m.Subject(b)}}
	r := &report.CompareReport{
		A: c.a.principal(c.a.key), B: c.b.principal(c.b.key),
		Groups: c.groups(), Workspaces: c.workspaces(), Roles: c.roles(), Access: c.access(),
	}
	if also.Objects {
		r.Objects = c.objects()
	}
	for _, one := range []audit{c.a, c.b} {
		if one.verdicts().active() == Denied {
			r.Notes = append(r.Notes, one.name(one.key)+" is deactivated: it can use nothing now, and what it was given comes back when it is reactivated")
		}
		for _, g := range one.assumable {
			r.Notes = append(r.Notes, one.name(one.key)+" may be able to act as group "+one.name(g)+" instead, without being in it: what that gives is not compared")
		}
	}
	return r
}

// comparison is of two subjects over one estate.
type comparison struct {
	m    *Model
	e    *estate.Estate
	a, b audit
}

// side is on which side of a comparison something belongs.
type side uint8

const (
	nowhere side = iota
	onlyA
	onlyB
	inBoth
	undecided
)

// sideOf is where something belongs that one has, by two verdicts. What one certainly has and the other
// perhaps is as undecided as what only one perhaps has.
func sideOf(a, b Verdict) side {
	switch {
	case a == Allowed && b == Allowed:
		return inBoth
	case a == Denied && b == Denied:
		return nowhere
	case a == Unknown || b == Unknown:
		return undecided
	case a == Allowed:
		return onlyA
	default:
		return onlyB
	}
}

// put adds an item to the list of its side.
func put[T any](s *report.Sides[T], at side, item T) {
	switch at {
	case onlyA:
		s.OnlyInA = append(s.OnlyInA, item)
	case onlyB:
		s.OnlyInB = append(s.OnlyInB, item)
	case inBoth:
		s.InBoth = append(s.InBoth, item)
	case undecided:
		s.Undecided = append(s.Undecided, item)
	case nowhere:
	}
}

func sides[T any]() report.Sides[T] {
	return report.Sides[T]{OnlyInA: []T{}, OnlyInB: []T{}, InBoth: []T{}, Undecided: []T{}}
}

// both gives what one of them says and then what the other does, without doubles.
func both[T comparable](a, b []T) []T {
	all := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}

func (c comparison) groups() report.Sides[report.ComparedGroup] {
	list := sides[report.ComparedGroup]()
	groups := both(c.a.groups(), c.b.groups())
	slices.SortStableFunc(groups, func(x, y identity.PrincipalKey) int {
		return strings.Compare(identity.FoldName(c.a.name(x)), identity.FoldName(c.a.name(y)))
	})
	for _, g := range groups {
		item := report.ComparedGroup{Group: c.a.principal(g)}
		item.PathA, item.DirectA = c.a.wayTo(g)
		item.PathB, item.DirectB = c.b.wayTo(g)
		put(&list, sideOf(c.a.In(g), c.b.In(g)), item)
	}
	return list
}

// wayTo is the shortest way to a group, nil when the subject is not certainly in it, and whether it is a
// direct member.
func (a audit) wayTo(g identity.PrincipalKey) (path report.Path, direct bool) {
	if a.In(g) != Allowed {
		return nil, false
	}
	shortest := a.Shortest(g)
	return a.shortest(g), shortest != nil && a.direct(shortest)
}

func (c comparison) workspaces() report.Sides[report.ComparedWorkspace] {
	list := sides[report.ComparedWorkspace]()
	for _, w := range c.e.Workspaces() {
		for _, least := range []identity.WorkspacePermission{identity.WorkspaceUser, identity.WorkspaceAdmin} {
			at := sideOf(c.a.verdicts().assignedAs(w.ID, least), c.b.verdicts().assignedAs(w.ID, least))
			if at == undecided && !w.Running() {
				continue // nobody can use it, and its assignments are not read
			}
			put(&list, at, report.ComparedWorkspace{
				ID: w.ID.String(), Name: c.e.WorkspaceName(w.ID), Access: least.String(),
				PathA: c.a.wayInto(w.ID, least), PathB: c.b.wayInto(w.ID, least),
			})
		}
	}
	return list
}

// wayInto leads to whom a workspace has assigned; nil when that is not certain.
func (a audit) wayInto(w identity.WorkspaceID, least identity.WorkspacePermission) report.Path {
	at, _ := a.standing(w)
	if at.assigned != Allowed || at.permission < least {
		return nil
	}
	return a.shortest(a.via(w))
}

// office is a role without the way to it.
type office struct{ role, scope string }

func (c comparison) roles() report.Sides[report.ComparedRole] {
	list := sides[report.ComparedRole]()
	ofA, ofB := waysToRoles(c.a.roles()), waysToRoles(c.b.roles())
	var all []office
	for _, r := range append(c.a.roles(), c.b.roles()...) {
		all = both(all, []office{{r.Role, r.Scope}})
	}
	for _, r := range all {
		item := report.ComparedRole{Role: r.role, Scope: r.scope, PathA: ofA[r], PathB: ofB[r]}
		put(&list, sideOf(c.a.hasRoleOf(r, ofA), c.b.hasRoleOf(r, ofB)), item)
	}
	return list
}

func waysToRoles(all []report.Role) map[office]report.Path {
	ways := map[office]report.Path{}
	for _, r := range all {
		if _, known := ways[office{r.Role, r.Scope}]; !known {
			ways[office{r.Role, r.Scope}] = r.Path
		}
	}
	return ways
}

// hasRoleOf says whether the subject has a role that one of the two has: where it may be in more groups
// than are known, what it was not seen to have is not known.
func (a audit) hasRoleOf(r office, ways map[office]report.Path) Verdict {
	if _, has := ways[r]; has {
		return Allowed
	}
	if !a.MembershipsKnown() || r.role == roleWorkspaceAdmin && a.allAssignmentsSeen() == Unknown {
		return Unknown
	}
	return Denied
}

// access compares what can be used, on every securable on which one of the two was given something or
// that one owns.
func (c comparison) access() report.Sides[report.ComparedAccess] {
	list := sides[report.ComparedAccess]()
	for _, on := range merged(c.a.carriers(), c.b.carriers(), identity.Securable.Compare) {
		for _, row := range c.rowsOn(on) {
			item := report.ComparedAccess{
				Securable: c.a.securable(on), Privileges: identity.SortPrivileges(row.privileges), Workspaces: []string{}, PathA: row.pathA, PathB: row.pathB,
			}
			for _, w := range row.workspaces {
				item.Workspaces = append(item.Workspaces, c.e.WorkspaceName(w))
			}
			put(&list, row.at, item)
		}
	}
	return list
}

// comparedRow is privileges on one securable that are on one side from the same workspaces, by the same
// ways.
type comparedRow struct {
	at           side
	privileges   []identity.Privilege
	workspaces   []identity.WorkspaceID
	pathA, pathB report.Path
}

func (r comparedRow) alike(other comparedRow) bool {
	return r.at == other.at && slices.Equal(r.workspaces, other.workspaces) && slices.Equal(r.pathA, other.pathA) && slices.Equal(r.pathB, other.pathB)
}

func (c comparison) rowsOn(on identity.Securable) []comparedRow {
	privileges := identity.SortPrivileges(both(c.a.given(on), c.b.given(on)))
	sideIn := func(p identity.Privilege, w identity.WorkspaceID) side {
		return sideOf(c.a.canUse(p, on, w), c.b.canUse(p, on, w))
	}
	return rowsOf(c.e, on, privileges, sideIn, func(row *comparedRow, p identity.Privilege, w identity.WorkspaceID) {
		row.pathA, row.pathB = c.a.wayToUse(p, on, w), c.b.wayToUse(p, on, w)
	})
}

// rowsOf puts privileges together that are on one side from the same workspaces, by the same ways.
func rowsOf(e *estate.Estate, on identity.Securable, privileges []identity.Privilege,
	sideIn func(identity.Privilege, identity.WorkspaceID) side, ways func(*comparedRow, identity.Privilege, identity.WorkspaceID),
) []comparedRow {
	from := usedFrom(e, on.Metastore)
	table := make([][]side, len(privileges))
	for i, p := range privileges {
		for _, w := range from {
			table[i] = append(table[i], sideIn(p, e.Workspaces()[w].ID))
		}
	}
	return rowsFrom(e, from, on, privileges, table, ways)
}

// usedFrom are the places, among all workspaces, of those that run and use a metastore.
func usedFrom(e *estate.Estate, metastore string) []int {
	var from []int
	for i, w := range e.Workspaces() {
		if w.Running() && slices.Contains(e.MetastoreWorkspaces(metastore), w.ID) {
			from = append(from, i)
		}
	}
	return from
}

// rowsFrom is rowsOf where it is known on which side each privilege is from each of the workspaces.
func rowsFrom(e *estate.Estate, from []int, on identity.Securable, privileges []identity.Privilege, table [][]side,
	ways func(*comparedRow, identity.Privilege, identity.WorkspaceID),
) []comparedRow {
	type group struct {
		at         side
		p          identity.Privilege
		workspaces []identity.WorkspaceID
	}
	var groups []group // in the order in which they came up
	at := make([]side, len(privileges))
	for w, place := range from {
		for i := range privileges {
			at[i] = table[i][w]
		}
		for i, p := range privileges {
			if at[i] == nowhere || said(on, privileges, at, i) {
				continue
			}
			n := slices.IndexFunc(groups, func(g group) bool { return g.at == at[i] && g.p == p })
			if n < 0 {
				groups, n = append(groups, group{at: at[i], p: p}), len(groups)
			}
			groups[n].workspaces = append(groups[n].workspaces, e.Workspaces()[place].ID)
		}
	}
	var rows []comparedRow
	for _, g := range groups {
		row := comparedRow{at: g.at, workspaces: g.workspaces}
		ways(&row, g.p, g.workspaces[0])
		i := slices.IndexFunc(rows, row.alike)
		if i < 0 {
			rows, i = append(rows, row), len(rows)
		}
		rows[i].privileges = append(rows[i].privileges, g.p)
	}
	return rows
}

// said reports whether a collective right on the same side stands for one of the privileges. Where two such
// rights are on different sides, the privilege is named.
func said(on identity.Securable, privileges []identity.Privilege, at []side, i int) bool {
	p, stood := privileges[i], false
	if p == identity.AllPrivileges || p == report.Owner {
		return false
	}
	for n, collective := range privileges {
		covers := false
		switch {
		case at[n] == nowhere:
		case collective == identity.AllPrivileges:
			covers = p.InAllPrivileges()
		case collective == report.Owner:
			covers = p.InOwnership() && (p == identity.Manage || !spreads(p, on))
		default:
		}
		switch {
		case !covers:
		case at[n] != at[i]:
			return false
		default:
			stood = true
		}
	}
	return stood
}

// spreads reports whether a privilege on a container is one on what is in it: whoever owns the container
// does not have it there.
func spreads(p identity.Privilege, on identity.Securable) bool {
	var within []identity.SecurableType
	inSchema := []identity.SecurableType{identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel}
	switch on.Type {
	case identity.TypeCatalog:
		within = append(inSchema, identity.TypeSchema)
	case identity.TypeSchema:
		within = inSchema
	default:
	}
	return p != identity.Manage && p != identity.Browse && slices.ContainsFunc(within, p.Applies)
}

// given are the privileges that the subject may have on a securable: those that grants on it or above
// name or stand for, and where it owns the securable what owners have.
func (a audit) given(on identity.Securable) []identity.Privilege {
	var ps []identity.Privilege
	add := func(p identity.Privilege) {
		if p.Applies(on.Type) && !slices.Contains(ps, p) {
			ps = append(ps, p)
		}
	}
	if slices.Contains(identity.PrivilegesOn(on.Type), identity.Manage) {
		add(identity.Manage) // without being granted, to owners and admins above
	}
	for at := range lineage(on) {
		for g := range a.e.GrantsOn(at) {
			if !a.meantSomewhere(g.Holder) {
				continue
			}
			for _, granted := range g.Privileges {
				for _, p := range granted.FromLegacy(at.Type) {
					add(p)
				}
				if granted == identity.AllPrivileges {
					for _, p := range identity.PrivilegesOn(on.Type) {
						add(p)
					}
				}
			}
		}
	}
	if owner, known := a.e.Owner(on); known && a.meantSomewhere(owner) {
		ps = append(ps, report.Owner)
		for _, p := range identity.PrivilegesOn(on.Type) {
			if p != identity.AllPrivileges && !spreads(p, on) {
				add(p)
			}
		}
	}
	return ps
}

// meantSomewhere reports whether a name means the subject, or perhaps does, in some workspace.
func (a audit) meantSomewhere(h estate.Holder) bool {
	in := h.Key.Workspace // who is not of one workspace is meant everywhere or nowhere
	if _, listed := a.e.Workspace(in); in != 0 && !listed {
		return false
	}
	return a.means(h, in) != Denied
}

// canUse says whether the subject has the use of a privilege from a workspace. On a container, a privilege
// on what is in it takes a grant there or above.
func (a audit) canUse(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	return All(a.hasUse(p, on, in), a.verdicts().reaches(on, reachedFor(p), in))
}

// reachedFor is the privilege for whose use a securable has to be in reach.
func reachedFor(p identity.Privilege) identity.Privilege {
	if p == report.Owner {
		return identity.Browse
	}
	return p
}

// hasUse is canUse wherever the securable can be reached from. In all workspaces but those whose own groups
// facts about the securable, its containers or its metastore name, and for all but what reads with the
// rights of another, it is the same.
func (a audit) hasUse(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	r := a.verdicts()
	switch {
	case p == report.Owner:
		return All(r.owns(on, in), a.prerequisite(p, on, in))
	case p == identity.Browse:
		return r.browses(on, in) // whoever can use it sees it anyway
	case spreads(p, on) || p == identity.AllPrivileges:
		granted := []Verdict{}
		for at := range lineage(on) {
			granted = append(granted, All(r.byGrant(p, at, in), r.flows(at, on)))
		}
		return All(Any(granted...), r.enters(on, in))
	default:
		return r.granted(p, on, in)
	}
}

// wayToUse leads to the nearest identity by which the subject has the use of a privilege; nil when it
// does not certainly have it.
func (a audit) wayToUse(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) report.Path {
	if a.canUse(p, on, in) != Allowed {
		return nil
	}
	for _, k := range a.holders() {
		for at := range lineage(on) {
			for g := range a.e.GrantsOn(at) {
				if a.e.Canonical(g.Holder.Key) == k && gives(g.Privileges, p, at.Type) {
					return a.shortest(k)
				}
			}
		}
	}
	if owner, known := a.e.Owner(on); known && a.means(owner, in) == Allowed {
		return a.shortest(a.e.Canonical(owner.Key))
	}
	if by, v := a.Manages(on, in); v == Allowed {
		return a.shortest(by.Holder)
	}
	return report.Path{a.name(a.key)}
}
