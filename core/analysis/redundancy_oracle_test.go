package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/identity"
)

// The oracle knows of redundancy only what it means: that nothing changes when a grant is taken out of
// the account. It takes it out, builds the estate anew, and asks again about everything, and about
// children that stand for those of the future.

// account is a random world with which that is done.
type account struct {
	accesstest.World
	// who is whom a fact means by a name.
	who map[string]identity.PrincipalKey
}

// stranger owns what somebody else creates.
const stranger = "stranger@x.test"

// novel is a privilege that nobody has heard of: ALL PRIVILEGES has it.
const novel identity.Privilege = "SOMETHING_NOVEL"

// plainly makes of a random world one of which everything is known, without roles, in which a stranger
// has just created one of everything. More of it is granted twice than by chance.
func plainly(w accesstest.World, rng *rand.Rand) account {
	a := account{World: w}
	a.Hidden, a.Roles, a.Entitlements, a.Objects, a.Permissions = nil, nil, nil, nil, nil
	a.Principals = append(slices.Clone(a.Principals), identity.Principal{
		Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "9999"}, Name: stranger, Status: identity.StatusActive,
	})
	taken := map[string]bool{}
	for i := range a.Principals {
		p := &a.Principals[i]
		if p.Key.Kind != identity.KindGroup && p.Status == identity.StatusUnknown {
			p.Status = identity.StatusActive
		}
		for p.Key.Workspace == 0 && taken[identity.FoldName(p.Name)] {
			p.Name += "x"
		}
		taken[identity.FoldName(p.Name)] = taken[identity.FoldName(p.Name)] || p.Key.Workspace == 0
	}
	a.Securables = slices.Clone(a.Securables)
	for i := range a.Securables {
		if a.Securables[i].Owner == "" {
			a.Securables[i].Owner = stranger
		}
	}
	create := func(s identity.Securable) {
		a.Securables = append(a.Securables, identity.SecurableInfo{Securable: s, Owner: stranger})
	}
	fill := func(s identity.Securable) {
		for _, t := range []identity.SecurableType{identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel} {
			create(identity.Securable{Metastore: s.Metastore, Type: t, Catalog: s.Catalog, Schema: s.Schema, Name: "zz"})
		}
	}
	for _, s := range slices.Clone(a.Securables) {
		switch s.Type {
		case identity.TypeCatalog:
			create(identity.SchemaSecurable(s.Metastore, s.Catalog, "zz"))
			fill(identity.SchemaSecurable(s.Metastore, s.Catalog, "zz"))
		case identity.TypeSchema:
			fill(s.Securable)
		default:
		}
	}
	a.Grants = slices.Clone(a.Grants)
	for range rng.IntN(10) {
		a.repeat(rng)
	}
	a.who = map[string]identity.PrincipalKey{"": {}}
	e := a.Estate()
	know := func(name string) {
		if name != "" {
			a.who[name] = e.Resolve(name).Key
		}
	}
	for _, p := range a.Principals {
		know(p.Name)
	}
	for _, s := range a.Securables {
		know(s.Owner)
	}
	for _, m := range a.Metastores {
		know(m.Owner)
	}
	for _, g := range a.Grants {
		know(g.Holder)
	}
	return a
}

// repeat grants to somebody else what somebody has, on the same securable or on one of the same line.
func (a *account) repeat(rng *rand.Rand) {
	if len(a.Grants) == 0 {
		return
	}
	g := a.Grants[rng.IntN(len(a.Grants))]
	var line []identity.Securable
	for _, s := range a.Securables {
		if s.Securable == g.Securable || within(s.Securable, g.Securable) || within(g.Securable, s.Securable) {
			line = append(line, s.Securable)
		}
	}
	if len(line) > 0 && rng.IntN(2) == 0 {
		g.Securable = line[rng.IntN(len(line))]
	}
	for {
		if p := a.Principals[rng.IntN(len(a.Principals))]; p.Key.Workspace == 0 {
			g.Holder, g.DeletedID = p.Name, ""
			break
		}
	}
	a.Grants = append(a.Grants, g)
}

// within reports whether something is in something else.
func within(s, on identity.Securable) bool {
	for at, ok := s.Parent(); ok; at, ok = at.Parent() {
		if at == on && on.Type != identity.TypeMetastore {
			return true
		}
	}
	return false
}

func (a account) model() *access.Model { return access.Over(a.Estate(), access.Options{}) }

// unit is a privilege of a personal grant.
type unit struct {
	on        identity.Securable
	holder    identity.PrincipalKey
	privilege identity.Privilege
}

// without is the account without these.
func (a account) without(units ...unit) account {
	var left []identity.Grant
	for _, g := range a.Grants {
		key := a.who[g.Holder]
		g.Privileges = slices.DeleteFunc(slices.Clone(g.Privileges), func(p identity.Privilege) bool {
			return slices.Contains(units, unit{g.Securable, key, p})
		})
		if len(g.Privileges) > 0 {
			left = append(left, g)
		}
	}
	a.Grants = left
	return a
}

// only is the account in which facts count, grants and ownerships alike, only where they name somebody
// that passes.
func (a account) only(passes func(identity.PrincipalKey) bool) account {
	a.Grants = slices.DeleteFunc(slices.Clone(a.Grants), func(g identity.Grant) bool { return !passes(a.who[g.Holder]) })
	a.Securables, a.Metastores = slices.Clone(a.Securables), slices.Clone(a.Metastores)
	for i := range a.Securables {
		if !passes(a.who[a.Securables[i].Owner]) {
			a.Securables[i].Owner = stranger
		}
	}
	for i := range a.Metastores {
		if !passes(a.who[a.Metastores[i].Owner]) {
			a.Metastores[i].Owner = stranger
		}
	}
	return a
}

// bare is the account in which nothing was granted but this, and nobody owns anything.
func (a account) bare(u unit) account {
	a = a.only(func(identity.PrincipalKey) bool { return false })
	name := ""
	for _, p := range a.Principals {
		if p.Key == u.holder {
			name = p.Name
		}
	}
	a.Grants = []identity.Grant{{Securable: u.on, Holder: name, Privileges: []identity.Privilege{u.privilege}}}
	return a
}

// persons are the records of a principal.
func (a account) persons(k identity.PrincipalKey) []identity.PrincipalKey {
	keys := []identity.PrincipalKey{k}
	for _, pair := range a.SamePerson {
		if pair[0] == k {
			keys = append(keys, pair[1])
		}
		if pair[1] == k {
			keys = append(keys, pair[0])
		}
	}
	return keys
}

// asSeen is the account as far as it may cover anything for a principal: to one that is deactivated, only
// what it has itself.
func (a account) asSeen(k identity.PrincipalKey) account {
	for _, p := range a.Principals {
		if p.Key == k && k.Kind != identity.KindGroup && p.Status == identity.StatusInactive {
			return a.only(func(holder identity.PrincipalKey) bool { return slices.Contains(a.persons(k), holder) })
		}
	}
	return a
}

// answer is one thing that somebody can do.
type answer struct {
	what string
	p    identity.Privilege
	on   identity.Securable
	in   identity.WorkspaceID
}

// asked is somebody about whom everything is asked.
type asked struct {
	account
	key  identity.PrincipalKey
	m    *access.Model
	s    *access.Subject
	from map[identity.Securable][]identity.WorkspaceID
}

func (a account) ask(k identity.PrincipalKey) *asked {
	m := a.model()
	return &asked{a, k, m, m.Subject(k), map[identity.Securable][]identity.WorkspaceID{}}
}

// places are where the principal gets at a securable: everywhere for groups, and where it gets at it
// from nowhere, what does not depend on a place. Who owns a view or function lends its rights to others,
// who may be anywhere.
func (q *asked) places(on identity.Securable) []identity.WorkspaceID {
	top := on
	if on.Catalog != "" {
		top = identity.CatalogSecurable(on.Metastore, on.Catalog)
	}
	if list, ok := q.from[top]; ok {
		return list
	}
	var list []identity.WorkspaceID
	for _, ws := range q.Workspaces {
		if q.key.Kind != identity.KindGroup && q.s.Reaches(top, identity.Select, ws) == access.Allowed {
			list = append(list, ws)
		}
	}
	if len(list) == 0 || q.lends() {
		list = append(list, 0)
	}
	q.from[top] = list
	return list
}

func (q *asked) lends() bool {
	return slices.ContainsFunc(q.Securables, func(s identity.SecurableInfo) bool {
		owner, _ := q.m.Estate().Owner(s.Securable)
		return (s.View() || s.Type == identity.TypeFunction) && slices.Contains(q.persons(q.key), owner.Key)
	})
}

// granted goes through the rows by hand: the privileges that rules combine with others.
func (q *asked) granted(on identity.Securable, in identity.WorkspaceID, inherits bool, ps ...identity.Privilege) bool {
	for at, ok := on, true; ok && (at == on || at.Type != identity.TypeMetastore); at, ok = at.Parent() {
		for g := range q.m.Estate().GrantsOn(at) {
			for _, p := range g.Privileges {
				if slices.Contains(ps, p) && (at == on || inherits) && q.s.Means(g.Holder, in) == access.Allowed {
					return true
				}
			}
		}
	}
	return false
}

func (q *asked) owns(on identity.Securable, in identity.WorkspaceID) bool {
	owner, known := q.m.Estate().Owner(on)
	return known && q.s.Means(owner, in) == access.Allowed
}

// hasAuthority is ownership or MANAGE at any level: what there is of the right to manage.
func (q *asked) hasAuthority(on identity.Securable, in identity.WorkspaceID) bool {
	for at, ok := on, true; ok; at, ok = at.Parent() {
		if q.owns(at, in) {
			return true
		}
	}
	return q.granted(on, in, true, identity.Manage)
}

// browses is BROWSE, which the catalog gives for everything in it.
func (q *asked) browses(on identity.Securable, in identity.WorkspaceID) bool {
	m, _ := q.m.Estate().Metastore(on.Metastore)
	if q.owns(on, in) {
		return true
	}
	at := on
	if on.Catalog != "" {
		at = identity.CatalogSecurable(on.Metastore, on.Catalog)
	}
	if at.Type != identity.TypeCatalog && at.Type != identity.TypeExternalLocation || at != on && !m.Inherits() {
		return false
	}
	return q.granted(at, in, true, identity.Browse, identity.AllPrivileges)
}

// about asks everything about one securable. What comes last in words is derived from the rest; what the
// grants give is first.
func (q *asked) about(on identity.Securable, yield func(answer, access.Verdict) bool) bool {
	ps := append(identity.PrivilegesOn(on.Type), novel, "FLY_TO_THE_MOON")
	if len(ps) == 2 {
		panic("no privileges on " + string(on.Type))
	}
	for _, old := range []identity.Privilege{"USAGE", "CREATE", "CREATE_VIEW"} {
		if slices.Equal(old.FromLegacy(on.Type), []identity.Privilege{old}) { // of no meaning here, and so nobody's guess
			ps = append(ps, old)
		}
	}
	for _, in := range q.places(on) {
		for _, p := range ps {
			if p == identity.Manage || p == identity.Browse || p == identity.AllPrivileges {
				continue
			}
			if !yield(answer{"holds", p, on, in}, q.s.Effective(p, on, in)) {
				return false
			}
			if in != 0 && !yield(answer{"can", p, on, in}, q.s.Can(p, on, in)) {
				return false
			}
		}
		_, manages := q.s.Manages(on, in)
		for _, x := range []struct {
			what string
			v    access.Verdict
		}{
			{"holds BROWSE", access.Holds(q.browses(on, in))}, {"holds MANAGE", access.Holds(q.hasAuthority(on, in))},
			{"uses", q.s.Uses(on, in)}, {"manages", manages},
		} {
			if !yield(answer{x.what, "", on, in}, x.v) {
				return false
			}
		}
		if in != 0 && !yield(answer{"sees", "", on, in}, q.s.Can(identity.Browse, on, in)) {
			return false
		}
	}
	return true
}

// everything are all securables, or those that are or are in one.
func (a account) everything(on *identity.Securable) []identity.Securable {
	var list []identity.Securable
	for _, m := range a.Metastores {
		list = append(list, identity.MetastoreSecurable(m.ID))
	}
	for _, s := range a.Securables {
		list = append(list, s.Securable)
	}
	return slices.DeleteFunc(list, func(s identity.Securable) bool { return on != nil && s != *on && !within(s, *on) })
}

// all are all answers about these.
func (q *asked) all(on []identity.Securable) map[answer]access.Verdict {
	answers := map[answer]access.Verdict{}
	for _, s := range on {
		q.about(s, func(a answer, v access.Verdict) bool { answers[a] = v; return true })
	}
	return answers
}

// difference is the first answer that is another one in the other account.
func (q *asked) difference(other *asked, on []identity.Securable) (string, bool) {
	was := q.all(on)
	found, differs := "", false
	for _, s := range on {
		other.from = q.from // where it gets from does not depend on grants, and is compared alike
		other.about(s, func(a answer, v access.Verdict) bool {
			if was[a] != v {
				found, differs = fmt.Sprintf("%v is %v and becomes %v", a, was[a], v), true
			}
			return !differs
		})
	}
	return found, differs
}

// gives are the answers that a privilege gives where there is nothing else: what it is about.
func (q *asked) gives(u unit) []answer {
	var list []answer
	bare := q.bare(u).ask(q.key)
	bare.from = q.from
	for _, s := range q.everything(&u.on) {
		q.places(s)
		bare.about(s, func(x answer, v access.Verdict) bool {
			// Whatever nobody has heard of is in ALL PRIVILEGES; one stands for all.
			unheard := u.privilege == identity.AllPrivileges && x.p != "" && x.p != novel && !x.p.Known()
			if strings.HasPrefix(x.what, "holds") && v == access.Allowed && !unheard {
				list = append(list, x)
			}
			return true
		})
	}
	return list
}
