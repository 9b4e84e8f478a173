package access

import (
	"encoding/binary"
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
	// there says whether it is active, and assigned: in each workspace, in the order of the estate, in which
	// place has the number of each.
	there []Verdict
	place map[identity.WorkspaceID]int
	// bounds says for each workspace whether it is in reach from there what hangs on one binding.
	bounds map[binding][]Verdict
	meant  []Verdict // per number of a holder: whether it means the subject somewhere; Unknown where it was not asked
	// rank orders the identities that count for it, the nearest first.
	rank  map[identity.PrincipalKey]int
	paths map[identity.PrincipalKey]report.Path
	// policed says that attribute-based policies were read, or were to be.
	policed bool
}

// binding is a privilege on what decides from where a securable is reached.
type binding struct {
	carrier   identity.Securable
	metastore string
	p         identity.Privilege
}

func usageOf(s *Subject) *usage {
	u := &usage{
		audit: audit{s}, place: map[identity.WorkspaceID]int{}, bounds: map[binding][]Verdict{},
		rank: map[identity.PrincipalKey]int{}, paths: map[identity.PrincipalKey]report.Path{},
		policed: len(s.e.ReadsOf(estate.OpPolicies)) > 0,
	}
	for i, w := range s.e.Workspaces() {
		u.place[w.ID] = i
		u.there = append(u.there, All(u.verdicts().active(), u.verdicts().assigned(w.ID)))
	}
	for i, k := range u.holders() {
		if _, nearer := u.rank[k]; !nearer {
			u.rank[k] = i
		}
	}
	return u
}

// bound says for each workspace whether bindings let the privilege on a securable be used from there.
func (u *usage) bound(on identity.Securable, p identity.Privilege) []Verdict {
	at := binding{bindable(on), on.Metastore, p}
	bound, ok := u.bounds[at]
	if !ok {
		r := u.verdicts()
		for _, w := range u.e.Workspaces() {
			bound = append(bound, All(r.attached(on.Metastore, w.ID), r.carried(at.carrier, p, w.ID)))
		}
		u.bounds[at] = bound
	}
	return bound
}

// operates is Operates.
func (u *usage) operates(l identity.Level, on identity.Object) Verdict {
	i, listed := u.place[on.Workspace]
	if !listed {
		return u.Operates(l, on)
	}
	if u.there[i] == Denied {
		return Denied
	}
	return All(u.there[i], u.Permitted(l, on))
}

// usageOn tells what a subject holds on one securable, in the workspaces.
type usageOn struct {
	*usage
	on identity.Securable
	// apart are the workspaces in which facts about the securable may mean others; nil, with alone set, is
	// each of them.
	apart []identity.WorkspaceID
	alone bool
	held  map[identity.Privilege][]Verdict
}

// of looks at one securable.
func (u *usage) of(s identity.Securable) usageOn {
	info, _ := u.e.Securable(s)
	return usageOn{
		usage: u, on: s, alone: info.ReadsAsOwner(), held: map[identity.Privilege][]Verdict{},
		apart: slices.Concat(u.e.Localised(s), u.e.Localised(identity.MetastoreSecurable(s.Metastore))),
	}
}

// can is canUse, from each workspace.
func (h usageOn) can(p identity.Privilege) []Verdict {
	held, ok := h.held[p]
	if !ok {
		held = h.find(p)
		h.held[p] = held
	}
	return held
}

func (h usageOn) find(p identity.Privilege) []Verdict {
	list := make([]Verdict, len(h.there))
	bound, used, usual := h.bound(h.on, reachedFor(p)), false, Denied
	for i, w := range h.e.Workspaces() {
		if list[i] = All(h.there[i], bound[i]); list[i] == Denied {
			continue
		}
		if h.m.options.LocationsBindTables {
			list[i] = All(list[i], h.verdicts().stored(h.on, reachedFor(p), w.ID))
		}
		if h.alone || slices.Contains(h.apart, w.ID) {
			list[i] = All(list[i], h.hasUse(p, h.on, w.ID))
			continue
		}
		if !used {
			used, usual = true, h.hasUse(p, h.on, 0) // the same everywhere
		}
		list[i] = All(list[i], usual)
	}
	return list
}

// meansSomewhere reports whether a holder means the subject, or perhaps does, in some workspace.
func (u *usage) meansSomewhere(n estate.HolderNumber) bool {
	if int(n) >= len(u.meant) {
		u.meant = append(u.meant, make([]Verdict, int(n)+1-len(u.meant))...)
	}
	if u.meant[n] == Unknown {
		u.meant[n] = Holds(u.meantSomewhere(u.e.Holder(n)))
	}
	return u.meant[n] == Allowed
}

// wayTo is wayToUse.
func (h usageOn) wayTo(p identity.Privilege, in identity.WorkspaceID) report.Path {
	if h.can(p)[h.place[in]] != Allowed {
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

// plainly adds to a key what the reads of one thing in a schema, and policies, have to do with the use of it; ok
// is false for what is like nothing else: it reads with the rights of another, or a policy or what it lies in
// has a say.
func (u *usage) plainly(key []byte, at estate.Spot) (_ []byte, ok bool) {
	info := u.e.At(at)
	on := info.Securable
	if info.ReadsAsOwner() || u.m.options.LocationsBindTables || len(u.e.Policies(on)) > 0 {
		return key, false
	}
	key = append(key, byte(Holds(u.e.Saw(estate.ReadKey{Op: estate.OpGrants, Securable: on}))))
	if u.policed {
		key = append(key, byte(Holds(u.e.Missed(estate.ReadKey{Op: estate.OpPolicies, Securable: on}))))
	}
	return key, true
}

// like adds to a key all else by which the subject's use of one thing in a schema can differ from that of
// another thing of the type in the schema.
func (u *usage) like(key []byte, at estate.Spot) []byte {
	switch owner, known := u.e.OwnerAt(at); {
	case !known:
		key = append(key, 'u')
	case u.meansSomewhere(owner):
		key = binary.LittleEndian.AppendUint32(append(key, 'o'), uint32(owner))
	}
	for holder, gives := range u.e.GrantsAt(at) {
		if u.meansSomewhere(holder) {
			key = binary.LittleEndian.AppendUint32(append(key, 'g'), uint32(holder))
			key = binary.LittleEndian.AppendUint32(key, uint32(gives))
		}
	}
	return append(key, 1)
}
