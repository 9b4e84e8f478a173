package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Turn is what one principal comes to have, or no longer has, between two estates of one account: the one
// as it is, and the one as it would be with some changes made.
//
// What is not known before and after alike is no part of it.
type Turn struct {
	Gained, Lost, Undecided Rights
}

// Rights are what somebody can use or is.
type Rights struct {
	Access     []Right
	Workspaces []Entrance
	Roles      []Office
	Objects    []Operation
}

// Right is what can be done with one securable from some workspaces.
type Right struct {
	On identity.Securable
	// Privileges are sorted. As in a comparison, ALL_PRIVILEGES and OWNER stand for what they include.
	Privileges []identity.Privilege
	In         []identity.WorkspaceID
	// Path leads to the nearest identity by which it is so; for what is undecided it may be empty.
	Path report.Path
}

// Entrance is one workspace that can be entered, as USER or ADMIN.
type Entrance struct {
	In   identity.WorkspaceID
	As   identity.WorkspacePermission
	Path report.Path
}

// Office is an administrative role, as report.Role.
type Office struct {
	Role, Scope string
	Path        report.Path
}

// Operation is a level on a workspace object.
type Operation struct {
	On    identity.Object
	Level identity.Level
}

// Between finds what a principal gains and loses between two models. Both must be over estates with the same
// places.
func Between(before, after *Model, key identity.PrincipalKey) Turn {
	t := newTurning(before, after, key)
	t.find()
	return t.turn
}

// BetweenAnd is Between, and what of the gain another principal of the later model cannot do: what that one
// may be able to is no part of it.
func BetweenAnd(before, after *Model, key, than identity.PrincipalKey) (turn Turn, beyond Rights) {
	t := newTurning(before, after, key)
	t.than = usageOf(after.Subject(than))
	t.find()
	return t.turn, t.beyond.Gained
}

// turning compares what was with what is, and with what another has.
type turning struct {
	e             *estate.Estate
	before, after *usage
	than          *usage // nil where nobody is compared with
	turn, beyond  Turn
	// alike are the rows of what is in schemas, by all that tells one thing there from another.
	alike map[string]*turnedRows
	key   []byte      // room for the next one
	spot  estate.Spot // of what is asked about
	// from are the workspaces from which each metastore is used, by their places.
	from map[string][]int
}

// turnedRows are the rows of one securable: of what turned, and of what another does not have.
type turnedRows struct{ turn, beyond []comparedRow }

func newTurning(before, after *Model, key identity.PrincipalKey) *turning {
	return &turning{e: after.e, after: usageOf(after.Subject(key)), before: usageOf(before.Subject(key)), alike: map[string]*turnedRows{}, from: map[string][]int{}}
}

func (t *turning) find() {
	t.access()
	t.workspaces()
	t.roles()
	t.objects()
}

// all are those compared.
func (t *turning) all() []*usage {
	if t.than == nil {
		return []*usage{t.after, t.before}
	}
	return []*usage{t.after, t.before, t.than}
}

// sideAfter is where something belongs by what it was and is: only what differs is anywhere.
func sideAfter(was, is Verdict) side {
	if was == is {
		return nowhere
	}
	return sideOf(was, is)
}

// rights is the list of a side, nil where nothing turned.
func (t *Turn) rights(at side) *Rights {
	switch at {
	case onlyA:
		return &t.Lost
	case onlyB:
		return &t.Gained
	case undecided:
		return &t.Undecided
	default:
		return nil
	}
}

func (t *turning) access() {
	own := carriersOf(t.after, t.before)
	all := own
	if t.than != nil {
		all = merged(own, carriersOf(t.than), identity.Securable.Compare)
	}
	put := func(turn *Turn, on identity.Securable, rows []comparedRow) {
		for _, row := range rows {
			path := row.pathB
			if row.at == onlyA {
				path = row.pathA
			}
			r := turn.rights(row.at)
			r.Access = append(r.Access, Right{On: on, Privileges: row.privileges, In: row.workspaces, Path: path})
		}
	}
	found := make([]*turnedRows, len(all))
	for i, on := range all {
		found[i] = t.rowsOn(on)
	}
	t.turn.room(found, func(r *turnedRows) []comparedRow { return r.turn })
	t.beyond.room(found, func(r *turnedRows) []comparedRow { return r.beyond })
	for i, on := range all {
		if len(own) > 0 && own[0] == on { // and not the other's alone
			put(&t.turn, on, found[i].turn)
			own = own[1:]
		}
		put(&t.beyond, on, found[i].beyond)
	}
}

// room makes room for the rows, of which there may be a hundred thousand.
func (t *Turn) room(found []*turnedRows, rows func(*turnedRows) []comparedRow) {
	n := map[*Rights]int{}
	for _, f := range found {
		for _, row := range rows(f) {
			n[t.rights(row.at)]++
		}
	}
	for r, n := range n {
		if r != nil {
			r.Access = slices.Grow(r.Access, n)
		}
	}
}

// rowsOn finds what turned on a securable: once for all in a schema that are alike.
func (t *turning) rowsOn(on identity.Securable) *turnedRows {
	if !on.Type.InSchema() {
		return t.rowsAnew(on)
	}
	key, ok := t.like(on)
	if !ok {
		return t.rowsAnew(on)
	}
	rows, ok := t.alike[string(key)]
	if !ok {
		rows = t.rowsAnew(on)
		t.alike[string(key)] = rows
	}
	return rows
}

// like is a key that is the same for all in a schema that are alike; ok is false for what is like nothing else.
func (t *turning) like(on identity.Securable) (key []byte, ok bool) {
	key = append(append(append(append(append(append(append(append(t.key[:0], on.Metastore...), 0), on.Catalog...), 0), on.Schema...), 0), on.Type...), 0)
	for i, u := range [...]*usage{t.after, t.before, t.than} {
		if u == nil {
			continue
		}
		same := i > 0 && u.e.SameSpots(t.after.e)
		if !same {
			if t.spot, ok = u.e.Spot(on); !ok {
				return key, false
			}
			if key, ok = u.plainly(key, t.spot); !ok {
				return key, false
			}
		}
		key = u.like(key, t.spot)
	}
	t.key = key
	return key, true
}

func (t *turning) rowsAnew(on identity.Securable) *turnedRows {
	before, after := t.before.of(on), t.after.of(on)
	privileges := both(t.after.given(on), t.before.given(on))
	from, ok := t.from[on.Metastore]
	if !ok {
		from = usedFrom(t.e, on.Metastore)
		t.from[on.Metastore] = from
	}
	find := func(privileges []identity.Privilege, was func(identity.Privilege) func(w int) Verdict) []comparedRow {
		privileges = identity.SortPrivileges(slices.Clone(privileges))
		table := make([][]side, len(privileges))
		for i, p := range privileges {
			was, is := was(p), after.can(p)
			for _, w := range from {
				table[i] = append(table[i], sideAfter(was(w), is[w]))
			}
		}
		rows := rowsFrom(t.e, from, on, privileges, table, func(row *comparedRow, p identity.Privilege, w identity.WorkspaceID) {
			row.pathA, row.pathB = before.wayTo(p, w), after.wayTo(p, w)
		})
		for i := range rows {
			rows[i].privileges = identity.SortPrivileges(rows[i].privileges)
		}
		return rows
	}
	rows := &turnedRows{turn: find(privileges, func(p identity.Privilege) func(int) Verdict {
		had := before.can(p)
		return func(w int) Verdict { return had[w] }
	})}
	if t.than != nil {
		than := t.than.of(on)
		rows.beyond = find(both(privileges, t.than.given(on)), func(p identity.Privilege) func(int) Verdict {
			had, others := before.can(p), than.can(p)
			return func(w int) Verdict { return Any(had[w], others[w]) }
		})
	}
	return rows
}

// carriersOf are the securables on which one of several was given something or that one owns, in order.
func carriersOf(several ...*usage) []identity.Securable {
	var all []identity.Securable
	for _, u := range several {
		all = merged(all, u.e.Carrying(u.actsAs()), identity.Securable.Compare)
	}
	return all
}

// carriers are the securables on which the subject was given something or that it owns, in order.
func (a audit) carriers() []identity.Securable { return a.e.Carrying(a.holders()) }

// merged is what is in one of two lists that are in order, each item once.
func merged[T any](a, b []T, compare func(a, b T) int) []T {
	all := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		c := compare(a[0], b[0])
		if c <= 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all = append(all, b[0])
		}
		if c >= 0 {
			b = b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// actsAs are the identities that count for the subject. What everybody has who gets somewhere counts for
// groups too here: it comes into reach of their members with a workspace.
func (a audit) actsAs() []identity.PrincipalKey {
	keys := a.holders()
	if a.key.Kind == identity.KindGroup {
		keys = append(keys, identity.AccountUsers())
		for _, w := range a.e.Workspaces() {
			keys = append(keys, identity.WorkspaceUsers(w.ID), identity.WorkspaceAdmins(w.ID))
		}
	}
	return keys
}

func (t *turning) workspaces() {
	for _, w := range t.e.Workspaces() {
		if !w.Running() {
			continue
		}
		for _, least := range []identity.WorkspacePermission{identity.WorkspaceUser, identity.WorkspaceAdmin} {
			t.each(func(a audit) Verdict { return a.enters(w.ID, least) }, func(r *Rights, at side) {
				path := t.after.wayInto(w.ID, least)
				if at == onlyA {
					path = t.before.wayInto(w.ID, least)
				}
				r.Workspaces = append(r.Workspaces, Entrance{In: w.ID, As: least, Path: path})
			})
		}
	}
}

// each puts one thing into the lists where it belongs, by a verdict of all those compared.
func (t *turning) each(verdict func(audit) Verdict, put func(r *Rights, at side)) {
	was, is := verdict(t.before.audit), verdict(t.after.audit)
	at := sideAfter(was, is)
	if r := t.turn.rights(at); r != nil {
		put(r, at)
	}
	if t.than == nil {
		return
	}
	at = sideAfter(Any(was, verdict(t.than.audit)), is)
	if r := t.beyond.rights(at); r != nil {
		put(r, at)
	}
}

// enters says whether the subject may enter a workspace with at least a permission, as far as it is active.
func (a audit) enters(in identity.WorkspaceID, least identity.WorkspacePermission) Verdict {
	return All(a.verdicts().active(), a.verdicts().assignedAs(in, least))
}

func (t *turning) roles() {
	t.turn.roles(t.after.audit, t.before.audit)
	if t.than != nil {
		t.beyond.roles(t.after.audit, t.before.audit, t.than.audit)
	}
}

// roles adds those that turned, where any of several counts for what was.
func (t *Turn) roles(after audit, before ...audit) {
	was, is := map[office]report.Path{}, waysToRoles(after.roles())
	for _, a := range before {
		for r, path := range waysToRoles(a.roles()) {
			was[r] = path
		}
	}
	role := func(r report.Role) {
		o := office{r.Role, r.Scope}
		verdicts := make([]Verdict, 0, len(before))
		for _, a := range before {
			verdicts = append(verdicts, a.hasRoleOf(o, was))
		}
		list := t.rights(sideAfter(Any(verdicts...), after.hasRoleOf(o, is)))
		if list == nil || slices.ContainsFunc(list.Roles, func(one Office) bool { return one.Role == r.Role && one.Scope == r.Scope }) {
			return
		}
		list.Roles = append(list.Roles, Office{Role: r.Role, Scope: r.Scope, Path: r.Path})
	}
	for _, r := range after.roles() {
		role(r)
	}
	for _, a := range before {
		for _, r := range a.roles() {
			if _, again := is[office{r.Role, r.Scope}]; !again {
				role(r)
			}
		}
	}
}

func (t *turning) objects() {
	for _, o := range t.objectsMeant() {
		own := levelsFor(o.Object, t.after, t.before)
		all := own
		if t.than != nil {
			all = both(own, levelsFor(o.Object, t.than))
			slices.Sort(all)
		}
		for _, l := range all {
			was, is := t.before.operates(l, o.Object), t.after.operates(l, o.Object)
			if r := t.turn.rights(sideAfter(was, is)); r != nil && slices.Contains(own, l) {
				r.Objects = append(r.Objects, Operation{On: o.Object, Level: l})
			}
			if t.than == nil {
				continue
			}
			if r := t.beyond.rights(sideAfter(Any(was, t.than.operates(l, o.Object)), is)); r != nil {
				r.Objects = append(r.Objects, Operation{On: o.Object, Level: l})
			}
		}
	}
}

// objectsMeant are the objects whose lists name, or may name, one of those compared, in order.
func (t *turning) objectsMeant() []identity.ObjectInfo {
	var all []identity.ObjectInfo
	for _, u := range t.all() {
		all = merged(all, u.e.PermittedTo(func(k identity.PrincipalKey) bool {
			return k.IsZero() || u.means(estate.Holder{Key: k}, k.Workspace) != Denied
		}), func(a, b identity.ObjectInfo) int { return a.Compare(b.Object) })
	}
	return all
}

// levelsFor are the levels on an object of the entries that may mean one of several, in order.
func levelsFor(on identity.Object, several ...*usage) []identity.Level {
	var levels []identity.Level
	for _, one := range several {
		for _, g := range one.e.ObjectGrants(on) {
			if one.means(g.Holder, on.Workspace) != Denied {
				levels = append(levels, g.Level)
			}
		}
	}
	slices.Sort(levels)
	return slices.Compact(levels)
}

// Given says whether a grant of the privilege on the securable would give the subject nothing new, while it
// acts in the workspace: it was granted there or above to one of its identities, or owning the securable
// gives it. What owners of a container have on it does not reach what is in it, as a grant would.
func (s *Subject) Given(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	if p != identity.AllPrivileges && !spreads(p, on) {
		return s.Effective(p, on, in)
	}
	r := s.verdicts()
	granted := []Verdict{Denied}
	for at := range lineage(on) {
		granted = append(granted, All(r.byGrant(p, at, in), r.flows(at, on)))
	}
	return Any(granted...)
}
