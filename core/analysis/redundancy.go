package analysis

import (
	"cmp"
	"slices"
	"sync"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// toCome stands for a privilege that Databricks may add one day: ALL PRIVILEGES has it already, and no
// list of today's privileges does.
const toCome identity.Privilege = "A_PRIVILEGE_TO_COME"

// maxCoveredOn is how many securables a report lists on which part of a grant is covered.
const maxCoveredOn = 20

// Redundancies compares every personal grant of these principals with what they would still have without
// it. A privilege is covered when taking it away changes nothing that its holder can do on the securable
// it was granted on, on what is in it, and on whatever anybody else may create in it one day, from any
// workspace from which the holder gets there: what it holds, what it may enter and manage, and what it
// sees. That is tried out for each, on the estate without that grant. What was not read covers nothing:
// such a privilege is undecided, and so is one of which it is not known what it gives.
//
// The privileges are tried one after the other, each without those found to be covered before, so that
// of two that cover each other one stays. Revoking the covered privileges of the results therefore
// changes nothing for anybody, whether it is all of them or some, and in whichever order. What is said to
// cover them is none of them. Grants of groups come first, then those of service principals and of users,
// each in order of securable. Groups of one workspace are left out: they hold
// nothing in Unity Catalog.
func Redundancies(m *access.Model, of []identity.PrincipalKey) []report.Redundancy {
	c := &comparison{m: m, e: m.Estate(), tablesListed: sync.OnceValue(func() bool { return tablesListed(m.Estate()) }), covered: map[access.Taken]bool{}, compared: map[identity.PrincipalKey]bool{}, held: map[identity.PrincipalKey][]identity.Securable{}}
	var keys []identity.PrincipalKey
	for _, k := range of {
		if k = c.e.Canonical(k); k.Workspace == 0 && !k.IsZero() {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b identity.PrincipalKey) int { return cmp.Or(cmp.Compare(b.Kind, a.Kind), a.Compare(b)) })
	var grants []*personalGrant
	for _, k := range slices.Compact(keys) {
		h := c.holder(k)
		for _, g := range h.personal() {
			grants = append(grants, g)
			for _, p := range oldNamesFirst(g.privileges) {
				g.try(access.Taken{On: g.on, Holder: g.to, Privilege: p})
			}
		}
	}
	found := []report.Redundancy{}
	for _, g := range grants {
		found = append(found, g.report())
	}
	return found
}

// Ranked counts for each member its personal grants and those of them that it would not miss at all, the
// member with the most of these first.
func Ranked(found []report.Redundancy) []report.RedundantHolder {
	list := []report.RedundantHolder{}
	at := map[[2]string]int{}
	for _, r := range found {
		k := [2]string{r.Member.Kind, r.Member.ID}
		i, ok := at[k]
		if !ok {
			i = len(list)
			at[k] = i
			list = append(list, report.RedundantHolder{Member: r.Member})
		}
		list[i].Grants++
		if r.Level == report.RedundantFull || r.Level == report.RedundantShadowed {
			list[i].Redundant++
		}
	}
	slices.SortStableFunc(list, func(a, b report.RedundantHolder) int {
		return cmp.Or(cmp.Compare(b.Redundant, a.Redundant), cmp.Compare(b.Grants, a.Grants), cmp.Compare(a.Member.Name, b.Member.Name))
	})
	return list
}

// comparison is the work on one question.
type comparison struct {
	m *access.Model
	e *estate.Estate
	// covered are the privileges found to be covered so far: the next are tried without them.
	covered map[access.Taken]bool
	// compared are the records whose grants were tried.
	compared map[identity.PrincipalKey]bool
	// held is, for each group that was looked at, on what it was granted something or what it owns, in order.
	held map[identity.PrincipalKey][]identity.Securable
	// tablesListed reports whether every table and view of the account was listed, with its owner.
	tablesListed func() bool
}

func tablesListed(e *estate.Estate) bool {
	below := func(in identity.Securable, t identity.SecurableType) bool {
		return e.Saw(estate.ReadKey{Op: estate.OpChildren, Securable: in, Type: t})
	}
	for s := range e.Securables() {
		_, owned := e.Owner(s.Securable)
		ok := true
		switch s.Type {
		case identity.TypeMetastore:
			ok = below(s.Securable, identity.TypeCatalog)
		case identity.TypeCatalog:
			ok = below(s.Securable, identity.TypeSchema)
		case identity.TypeSchema:
			ok = below(s.Securable, identity.TypeTable)
		case identity.TypeTable:
			ok = owned
		default:
		}
		if !ok {
			return false
		}
	}
	return true
}

// holder is one principal whose grants are compared.
type holder struct {
	*comparison
	key   identity.PrincipalKey
	s     *access.Subject
	all   access.Remainder
	from  map[identity.Securable][]vantage
	trail map[identity.PrincipalKey][]access.Path
	// locals are the answers of local.
	locals map[identity.Securable]bool
}

// vantage is a workspace from which a principal gets at something.
type vantage struct {
	in      identity.WorkspaceID
	certain bool // or perhaps does
}

func (c *comparison) holder(k identity.PrincipalKey) *holder {
	return &holder{
		comparison: c, key: k, s: c.m.Subject(k), all: c.m.Remainder(k),
		from: map[identity.Securable][]vantage{}, trail: map[identity.PrincipalKey][]access.Path{}, locals: map[identity.Securable]bool{},
	}
}

// personalGrant is what one record of a principal was granted on one securable.
type personalGrant struct {
	h          *holder
	on         identity.Securable
	to         identity.PrincipalKey
	privileges []identity.Privilege // sorted
	verdicts   map[identity.Privilege]access.Verdict
}

// personal lists what the principal was granted itself, under any of its records, in order of securable.
// What was compared before is left out.
func (h *holder) personal() []*personalGrant {
	var list []*personalGrant
	at := map[access.Taken]*personalGrant{}
	for _, k := range h.all.Records() {
		if h.compared[k] {
			continue
		}
		h.compared[k] = true
		for row := range h.e.GrantsTo(k) {
			id := access.Taken{On: row.Securable, Holder: k}
			g, ok := at[id]
			if !ok {
				g = &personalGrant{h: h, on: row.Securable, to: k, verdicts: map[identity.Privilege]access.Verdict{}}
				at[id] = g
				list = append(list, g)
			}
			g.privileges = identity.SortPrivileges(slices.Concat(g.privileges, row.Privileges))
		}
	}
	slices.SortStableFunc(list, func(a, b *personalGrant) int { return a.on.Compare(b.on) })
	return list
}

// oldNamesFirst is the order in which the privileges of a grant are tried: today's names are to stay.
func oldNamesFirst(set []identity.Privilege) []identity.Privilege {
	return slices.SortedStableFunc(slices.Values(set), func(a, b identity.Privilege) int {
		rank := func(p identity.Privilege) int {
			if p.Known() {
				return 1
			}
			return 0
		}
		return cmp.Compare(rank(a), rank(b))
	})
}

func sorted(ps []identity.Privilege) []identity.Privilege {
	return identity.SortPrivileges(append([]identity.Privilege{}, ps...))
}

// try decides about one privilege.
func (g *personalGrant) try(t access.Taken) {
	now, then := g.h.without(access.Taken{}), g.h.without(t)
	gives := g.h.gives(t)
	verdict := g.h.remains(then, gives)
	if t.Privilege == identity.Manage {
		verdict = access.All(verdict, g.h.stillManages(now, then, t.On))
	}
	if len(gives) == 0 {
		verdict = access.Unknown // it is not known what it is for
	}
	g.verdicts[t.Privilege] = verdict
	if verdict == access.Allowed {
		g.h.comparison.covered[t] = true
	}
}

// without is what is left without what is covered, and without one privilege more.
func (h *holder) without(t access.Taken) access.Remainder {
	return h.all.Without(func(x access.Taken) bool { return x == t || h.comparison.covered[x] })
}

// report tells of a grant, once all were tried: what covers it then is what stays.
func (g *personalGrant) report() report.Redundancy {
	f := &findings{h: g.h}
	for _, p := range g.privileges {
		t := access.Taken{On: g.on, Holder: g.to, Privilege: p}
		left := g.h.without(t)
		switch g.verdicts[p] {
		case access.Allowed:
			f.cover(left, t)
		case access.Denied:
			f.kept = append(f.kept, p)
			f.part(left.ByGroups(), t)
		case access.Unknown:
			f.undecided = append(f.undecided, p)
			f.part(left.ByGroups(), t)
		}
	}
	info, _ := g.h.e.Securable(g.on)
	named, _ := g.h.e.Principal(g.to)
	r := report.Redundancy{
		Member: g.h.m.Describe(g.h.key), Securable: g.h.m.DescribeSecurable(g.on), Privileges: g.privileges,
		Covered: sorted(f.covered), Kept: sorted(f.kept), Undecided: sorted(f.undecided),
		On: info, Holder: named.Name,
	}
	f.tell(&r)
	return r
}

// findings are what there is to tell of one grant.
type findings struct {
	h                        *holder
	covered, kept, undecided []identity.Privilege
	// shadowed says that something is covered only by what the holder has itself.
	shadowed bool
	// partly says that groups give some of what would be lost, within on what that is in the securable.
	partly bool
	within []identity.Securable
	more   bool
	givers []identity.PrincipalKey
	// fragile says that something covered hangs on little.
	fragile bool
}

// cover notes that a privilege is covered, and by whom: by groups, if they suffice.
func (f *findings) cover(left access.Remainder, t access.Taken) {
	gives, by := f.h.gives(t), left.ByGroups()
	if f.h.remains(by, gives) != access.Allowed {
		by, f.shadowed = left, true
	}
	f.covered = append(f.covered, t.Privilege)
	f.waysOf(by, gives)
}

// held is a privilege on a securable, as somebody has it.
type held struct {
	privilege identity.Privilege
	on        identity.Securable
	certain   bool
}

// gives lists what a privilege gives on the securable that it was granted on, and on what others may
// create in it. What is there already gets no less than that: what was granted above it counts alike.
func (h *holder) gives(t access.Taken) []held {
	just := h.all.Just(t)
	var list []held
	for _, on := range withFuture(t.On) {
		for _, p := range standsFor(t.Privilege, t.On.Type, on.Type) {
			if v := just.Holds(p, on, 0); v != access.Denied {
				list = append(list, held{p, on, v == access.Allowed})
			}
		}
	}
	return list
}

// withFuture is a securable and one of each kind that may be created in it.
func withFuture(on identity.Securable) []identity.Securable {
	list := []identity.Securable{on}
	schema := on
	switch on.Type {
	case identity.TypeCatalog:
		schema = access.Future(on, identity.TypeSchema)
		list = append(list, schema)
	case identity.TypeSchema:
	default:
		return list
	}
	for _, t := range identity.SecurableTypes() {
		if t.InSchema() {
			list = append(list, access.Future(schema, t))
		}
	}
	return list
}

// standsFor lists what a privilege that was granted on a securable of one type stands for on one of
// another type, which is the same or in it.
func standsFor(p identity.Privilege, granted, on identity.SecurableType) []identity.Privilege {
	names := p.FromLegacy(granted)
	if p == identity.AllPrivileges {
		names = append(identity.PrivilegesOn(on), identity.Browse, toCome)
	}
	names = identity.SortPrivileges(slices.Clone(names))
	return slices.DeleteFunc(names, func(n identity.Privilege) bool {
		switch {
		case p == identity.AllPrivileges && (n == identity.AllPrivileges || !n.InAllPrivileges()):
			return true
		case n == identity.Manage || n == identity.Browse: // these count below where they cannot be granted
			return false
		default:
			return !n.Applies(on)
		}
	})
}

// remains says whether all of it is still had.
func (h *holder) remains(then access.Remainder, all []held) access.Verdict {
	verdict := access.Allowed
	for _, x := range all {
		verdict = access.All(verdict, h.remainsOf(then, x))
	}
	return verdict
}

func (h *holder) remainsOf(then access.Remainder, x held) access.Verdict {
	anywhere := then.Holds(x.privilege, x.on, 0)
	if anywhere == access.Allowed {
		return access.Allowed
	}
	verdict := access.Allowed
	local := h.local(x.on)
	for _, w := range h.vantages(x.on) {
		v := anywhere
		if local && w.in != 0 {
			v = then.Holds(x.privilege, x.on, w.in)
		}
		if v == access.Denied && !(w.certain && x.certain) {
			v = access.Unknown
		}
		verdict = access.All(verdict, v)
	}
	return verdict
}

// somewhere reports whether something is still had from one of the workspaces at least.
func (h *holder) somewhere(then access.Remainder, x held) bool {
	local := h.local(x.on)
	for _, w := range h.vantages(x.on) {
		if w.certain && then.Holds(x.privilege, x.on, w.in) == access.Allowed {
			return true
		}
		if w.certain && !local {
			return false // it is the same from everywhere
		}
	}
	return false
}

// local reports whether it matters for what is had of a securable from where: a group of one workspace
// was granted something on it or around it, or owns that.
func (h *holder) local(on identity.Securable) bool {
	if is, ok := h.locals[on]; ok {
		return is
	}
	is := false
	for at, ok := on, true; ok && !is; at, ok = at.Parent() {
		owner, _ := h.e.Owner(at)
		is = owner.Key.Workspace != 0
		for g := range h.all.Grants(at) {
			is = is || g.Holder.Key.Workspace != 0
		}
	}
	h.locals[on] = is
	return is
}

// vantages are the workspaces from which the principal gets at the securable, as far as where it is
// goes. What counts everywhere decides for groups, whose members may be anywhere, for what is reached
// from nowhere, and for whoever owns a view: others read it with its rights, from where they are.
func (h *holder) vantages(on identity.Securable) []vantage {
	top := on
	for {
		above, ok := top.Parent()
		if !ok || above.Type == identity.TypeMetastore {
			break
		}
		top = above
	}
	if list, ok := h.from[top]; ok {
		return list
	}
	var list []vantage
	if h.key.Kind != identity.KindGroup {
		for _, id := range h.e.MetastoreWorkspaces(on.Metastore) {
			if v := h.s.Reaches(top, identity.Browse, id); v != access.Denied {
				list = append(list, vantage{id, v == access.Allowed})
			}
		}
		lends, known := h.lends()
		if lends || !known || !h.e.Saw(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable(on.Metastore)}) {
			list = append(list, vantage{certain: lends}) // there are others, or may be
		}
	}
	if len(list) == 0 {
		list = []vantage{{certain: true}}
	}
	h.from[top] = list
	return list
}

// lends reports whether others act with the rights of the principal: through views and functions that
// it owns; known is false where it may own some that were not listed.
func (h *holder) lends() (lends, known bool) {
	for _, k := range h.all.Records() {
		for s := range h.e.OwnedBy(k) {
			lends = lends || s.View() || s.Type == identity.TypeFunction
		}
	}
	return lends, h.tablesListed()
}

// stillManages compares the ways to manage what is there: one that is left may ask for more on the way.
func (h *holder) stillManages(now, then access.Remainder, on identity.Securable) access.Verdict {
	there := withFuture(on)
	for _, k := range h.s.Identities() {
		there = append(there, h.under(k, on)...)
	}
	verdict := access.Allowed
	for _, x := range there {
		for _, w := range h.vantages(on) {
			before, after := now.Manages(x, w.in), then.Manages(x, w.in)
			switch {
			case after == access.Allowed || before == access.Denied:
			case before == access.Allowed && after == access.Denied && w.certain:
				return access.Denied
			default:
				verdict = access.Unknown
			}
		}
	}
	return verdict
}

// under lists what is in a securable on which the principal was granted something or which it owns.
func (c *comparison) under(k identity.PrincipalKey, on identity.Securable) []identity.Securable {
	list, ok := c.held[k]
	if !ok {
		for g := range c.e.GrantsTo(k) {
			list = append(list, g.Securable)
		}
		for s := range c.e.OwnedBy(k) {
			list = append(list, s.Securable)
		}
		slices.SortFunc(list, identity.Securable.Compare)
		list = slices.Compact(list)
		c.held[k] = list
	}
	if on.Type != identity.TypeCatalog && on.Type != identity.TypeSchema {
		return nil
	}
	first, found := slices.BinarySearchFunc(list, on, identity.Securable.Compare)
	if found {
		first++
	}
	last := first
	for last < len(list) && inside(list[last], on) {
		last++
	}
	return list[first:last]
}

// inside reports whether something is in a catalog or schema.
func inside(s, on identity.Securable) bool {
	for at, ok := s.Parent(); ok; at, ok = at.Parent() {
		if at == on {
			return true
		}
	}
	return false
}

// part looks for what groups give of what would be lost: on the securable itself, on whatever comes to
// be in it, or on some of what is in it, from all workspaces or some.
func (f *findings) part(groups access.Remainder, t access.Taken) {
	h, gives := f.h, f.h.gives(t)
	whole := map[identity.Privilege]access.Verdict{}
	for _, x := range gives {
		v := h.remainsOf(groups, x)
		if before, ok := whole[x.privilege]; ok {
			v = access.All(before, v)
		}
		whole[x.privilege] = v
		if h.somewhere(groups, x) {
			f.partly = true
			f.givers = append(f.givers, h.giversOf(groups, x)...)
		}
	}
	if t.Privilege == identity.AllPrivileges {
		for p, v := range whole {
			if v == access.Allowed && p != toCome && p.Applies(t.On.Type) {
				f.covered = append(f.covered, p)
			}
		}
	}
	for _, k := range h.groups(t.On) {
		for _, on := range h.under(k, t.On) {
			f.inPart(groups, t, on)
		}
	}
}

func (f *findings) inPart(groups access.Remainder, t access.Taken, on identity.Securable) {
	if slices.Contains(f.within, on) || f.more {
		return
	}
	just, given := f.h.all.Just(t), []identity.PrincipalKey{}
	for _, at := range withFuture(on) {
		for _, p := range standsFor(t.Privilege, t.On.Type, at.Type) {
			x := held{p, at, true}
			if len(given) == 0 && just.Holds(p, at, 0) == access.Allowed && f.h.somewhere(groups, x) {
				given = f.h.giversOf(groups, x)
			}
		}
	}
	switch {
	case len(given) == 0:
	case len(f.within) == maxCoveredOn:
		f.more = true
	default:
		f.partly = true
		f.within = append(f.within, on)
		f.givers = append(f.givers, given...)
	}
}

// groups are the groups that count for the principal on the securable.
func (h *holder) groups(on identity.Securable) []identity.PrincipalKey {
	groups := slices.DeleteFunc(slices.Clone(h.s.Identities()), func(k identity.PrincipalKey) bool { return k.Kind != identity.KindGroup || k == h.key })
	for _, w := range h.vantages(on) {
		if w.in != 0 {
			groups = append(groups, identity.WorkspaceUsers(w.in), identity.WorkspaceAdmins(w.in))
		}
	}
	return groups
}
