package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// usage is the use that one subject has of thousands of securables, from every workspace. It asks the rules
// that answer one question, and keeps what most of the answers rest on: where the subject is, what is bound
// where, whom the facts mean, and the ways to its identities. It is for one goroutine.
type usage struct {
	audit
	places map[identity.WorkspaceID]Verdict // whether it is active, and assigned there
	bounds map[binding]Verdict
	meant  map[estate.Holder]bool
	// rank orders the identities that count for it, the nearest first.
	rank  map[identity.PrincipalKey]int
	paths map[identity.PrincipalKey]report.Path
	// policed says that attribute-based policies were read, or were to be.
	policed bool
}

// binding is a privilege on what decides from where a securable is reached.
type binding struct {
	carrier identity.Securable
	p       identity.Privilege
	in      identity.WorkspaceID
}

func usageOf(s *Subject) *usage {
	u := &usage{
		audit: audit{s}, places: map[identity.WorkspaceID]Verdict{}, bounds: map[binding]Verdict{}, meant: map[estate.Holder]bool{},
		rank: map[identity.PrincipalKey]int{}, paths: map[identity.PrincipalKey]report.Path{},
		policed: len(s.e.ReadsOf(estate.OpPolicies)) > 0,
	}
	for i, k := range u.holders() {
		if _, nearer := u.rank[k]; !nearer {
			u.rank[k] = i
		}
	}
	return u
}

// isIn says whether the subject is active, and assigned to a workspace: where it is not, it can do nothing.
func (u *usage) isIn(in identity.WorkspaceID) Verdict {
	there, ok := u.places[in]
	if !ok {
		there = All(u.verdicts().active(), u.verdicts().assigned(in))
		u.places[in] = there
	}
	return there
}

// reachesFrom is Reaches.
func (u *usage) reachesFrom(on identity.Securable, p identity.Privilege, in identity.WorkspaceID) Verdict {
	there := u.isIn(in)
	if there == Denied {
		return Denied
	}
	r := u.verdicts()
	at := binding{bindable(on), p, in}
	bound, ok := u.bounds[at]
	if !ok {
		bound = All(r.attached(on.Metastore, in), r.carried(at.carrier, p, in))
		if at.carrier.Type != "" { // what has none may be of any metastore
			u.bounds[at] = bound
		}
	}
	if u.m.options.LocationsBindTables {
		bound = All(bound, r.stored(on, p, in))
	}
	return All(there, bound)
}

// operates is Operates.
func (u *usage) operates(l identity.Level, on identity.Object) Verdict {
	there := u.isIn(on.Workspace)
	if there == Denied {
		return Denied
	}
	return All(there, u.Permitted(l, on))
}

// usageOn tells what a subject holds on one securable, in the workspaces.
type usageOn struct {
	*usage
	on identity.Securable
	// apart are the workspaces in which facts about the securable may mean others; nil, with alone set, is
	// each of them.
	apart []identity.WorkspaceID
	alone bool
	held  map[heldIn]Verdict
}

type heldIn struct {
	p  identity.Privilege
	in identity.WorkspaceID
}

// of looks at one securable.
func (u *usage) of(s identity.Securable) usageOn {
	info, _ := u.e.Securable(s)
	return usageOn{
		usage: u, on: s, alone: info.ReadsAsOwner(), held: map[heldIn]Verdict{},
		apart: slices.Concat(u.e.Localised(s), u.e.Localised(identity.MetastoreSecurable(s.Metastore))),
	}
}

// can is canUse.
func (h usageOn) can(p identity.Privilege, in identity.WorkspaceID) Verdict {
	if h.isIn(in) == Denied {
		return Denied
	}
	at := heldIn{p: p} // the same everywhere
	if h.alone || slices.Contains(h.apart, in) {
		at.in = in
	}
	v, ok := h.held[at]
	if !ok {
		v = h.hasUse(p, h.on, at.in)
		h.held[at] = v
	}
	if v == Denied {
		return Denied
	}
	return All(v, h.reachesFrom(h.on, reachedFor(p), in))
}

// meansSomewhere reports whether a name means the subject, or perhaps does, in some workspace.
func (u *usage) meansSomewhere(h estate.Holder) bool {
	is, ok := u.meant[h]
	if !ok {
		is = u.meantSomewhere(h)
		u.meant[h] = is
	}
	return is
}

// wayTo is wayToUse.
func (h usageOn) wayTo(p identity.Privilege, in identity.WorkspaceID) report.Path {
	if h.can(p, in) != Allowed {
		return nil
	}
	nearest, found := 0, identity.PrincipalKey{}
	for at := range lineage(h.on) {
		for g := range h.e.GrantsOn(at) {
			k := h.e.Canonical(g.Holder.Key)
			if rank, ok := h.rank[k]; ok && (found.IsZero() || rank < nearest) && gives(g.Privileges, p, at.Type) {
				nearest, found = rank, k
			}
		}
	}
	if !found.IsZero() {
		return h.path(found)
	}
	if owner, known := h.e.Owner(h.on); known && h.audit.means(owner, in) == Allowed {
		return h.path(h.e.Canonical(owner.Key))
	}
	if by, v := h.Manages(h.on, in); v == Allowed {
		return h.path(by.Holder)
	}
	return report.Path{h.name(h.key)}
}

// path is the shortest way to an identity.
func (u *usage) path(k identity.PrincipalKey) report.Path {
	p, ok := u.paths[k]
	if !ok {
		p = slices.Clip(u.shortest(k))
		u.paths[k] = p
	}
	return p
}

// like adds to a key all by which the subject's use of one thing in a schema can differ from that of
// another thing of the type in the schema; ok is false for what is like nothing else: it reads with the
// rights of another, or a policy or what it lies in has a say.
func (u *usage) like(key []byte, on identity.Securable) (_ []byte, ok bool) {
	info, known := u.e.Securable(on)
	if info.ReadsAsOwner() || u.m.options.LocationsBindTables || len(u.e.Policies(on)) > 0 {
		return key, false
	}
	key = append(key, byte(Holds(known)), byte(Holds(u.e.Saw(estate.ReadKey{Op: estate.OpGrants, Securable: on}))))
	if u.policed {
		key = append(key, byte(Holds(u.e.Missed(estate.ReadKey{Op: estate.OpPolicies, Securable: on}))))
	}
	name := func(h estate.Holder, as byte) {
		key = append(key, as, byte(h.Key.Kind))
		key = append(append(key, h.Key.ID...), 0)
		key = append(append(key, h.Key.Workspace.String()...), 0)
		key = append(append(key, h.Name...), 0)
	}
	switch owner, known := u.e.Owner(on); {
	case !known:
		key = append(key, 'u')
	case u.meansSomewhere(owner):
		name(owner, 'o')
	}
	for g := range u.e.GrantsOn(on) {
		if !u.meansSomewhere(g.Holder) {
			continue
		}
		name(g.Holder, 'g')
		for _, p := range g.Privileges {
			key = append(append(key, p...), 0)
		}
	}
	return append(key, 1), true
}
