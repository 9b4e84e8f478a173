package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// logic combines conditions. The rules of access are written once over it and read in two ways: for
// the verdict alone (verdicts), and with the facts for and against it (clauses).
type logic[T any] interface {
	// fact is a condition that one fact decides.
	fact(v Verdict, e evidence) T
	// any holds when one part does, all when every part does.
	any(parts ...T) T
	all(parts ...T) T
	// need says what would make a condition hold that does not.
	need(condition T, l lack) T
	// by says whom a condition is about, where that is somebody else instead of the subject.
	by(who, instead *Subject, condition T) T
}

// verdicts reads the rules for the verdict alone.
type verdicts struct{}

func (verdicts) fact(v Verdict, _ evidence) Verdict     { return v }
func (verdicts) any(parts ...Verdict) Verdict           { return Any(parts...) }
func (verdicts) all(parts ...Verdict) Verdict           { return All(parts...) }
func (verdicts) need(condition Verdict, _ lack) Verdict { return condition }
func (verdicts) by(_, _ *Subject, c Verdict) Verdict    { return c }

// rules are the rules of access for one subject.
type rules[T any] struct {
	*Subject
	logic logic[T]
}

func (s *Subject) verdicts() rules[Verdict] { return rules[Verdict]{s, verdicts{}} }

// Effective says whether the subject holds the privilege on the securable while it acts in the
// workspace: granted there or on a container of it, by name or by ALL PRIVILEGES, to any of its
// identities, or by owning the securable itself. It does not look at prerequisites or at where the
// securable can be reached from: Can does.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/permissions-concepts
func (s *Subject) Effective(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	return s.verdicts().effective(p, on, in)
}

// Uses says whether the subject may enter the container: USE CATALOG on a catalog, USE SCHEMA on a
// schema. Everything else needs no such right.
func (s *Subject) Uses(on identity.Securable, in identity.WorkspaceID) Verdict {
	return s.verdicts().uses(on, in)
}

// Enters says whether the subject may enter the securable and every container that it is in.
func (s *Subject) Enters(on identity.Securable, in identity.WorkspaceID) Verdict {
	if on.Type.InSchema() { // only what it is in is entered
		on, _ = on.Parent()
	}
	if !slices.Contains(s.e.Localised(on), in) {
		in = 0 // the answer is the same everywhere
	}
	at := place{on, in}
	s.entered.mu.Lock()
	v, ok := s.entered.places[at]
	s.entered.mu.Unlock()
	if ok {
		return v
	}
	v = s.verdicts().enters(on, in)
	s.entered.mu.Lock()
	defer s.entered.mu.Unlock()
	if s.entered.places == nil {
		s.entered.places = map[place]Verdict{}
	}
	s.entered.places[at] = v
	return v
}

// Reaches says whether the subject can get at the securable from the workspace at all, for use of
// the privilege: it is active and assigned there, the metastore is attached there, and the binding
// of an isolated catalog, external location or credential lets the workspace in. A read-only
// binding lets only reading privileges in. Bindings beat grants.
func (s *Subject) Reaches(on identity.Securable, p identity.Privilege, in identity.WorkspaceID) Verdict {
	return s.verdicts().reaches(on, p, in)
}

// Can says whether the subject can exercise a data privilege on the securable from the workspace,
// now: it holds it, may enter every container, and reaches the securable from there; or a group does
// that it may act as. MODIFY on a table also needs SELECT on it, WRITE FILES needs READ FILES, and
// reading a view or executing a function that its owner may use what it is made from.
func (s *Subject) Can(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	return s.verdicts().can(p, on, in)
}

func (r rules[T]) can(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) T {
	return r.logic.any(append([]T{r.canItself(p, on, in)}, r.canInstead(p, on, in)...)...)
}

// canInstead are the groups that the subject may act as, and what they can.
func (r rules[T]) canInstead(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) []T {
	var parts []T
	for _, g := range r.assumable {
		part := r.assuming(g, p, on, in)
		inside := r.m.Subject(g).In(r.key) == Allowed // it has what the subject is given
		if !inside && r.verdicts().assuming(g, p, on, in) == Unknown {
			part = r.logic.need(part, lack{kind: lackRole, role: identity.RoleGroupAssumer, group: g})
		}
		parts = append(parts, part)
	}
	return parts
}

// canItself leaves aside the groups that the subject may act as.
func (r rules[T]) canItself(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) T {
	return r.logic.all(r.granted(p, on, in), r.reaches(on, p, in))
}

// granted is what Unity Catalog authorises, wherever the subject may be.
func (r rules[T]) granted(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) T {
	if p != reads(on) {
		return r.held(p, on, in)
	}
	return r.logic.all(r.held(p, on, in), r.defined(on, in))
}

// held is granted without regard to what a view or function reads.
func (r rules[T]) held(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) T {
	switch p {
	case identity.Manage:
		return r.manages(on, in)
	case identity.Browse:
		return r.sees(on, in)
	default:
	}
	parts := []T{r.enters(on, in)}
	if !entry(p, on) {
		parts = append(parts, r.effective(p, on, in))
	}
	if also := companion(p, on); also != "" {
		parts = append(parts, r.effective(also, on, in))
	}
	if p == identity.ExternalUseSchema || p == identity.ExternalUseLocation {
		parts = append(parts, r.letsOut(on.Metastore))
	}
	return r.logic.all(parts...)
}

// letsOut says whether a metastore lets engines outside Databricks in at all. Where it was not told, the
// grants decide.
//
// https://docs.databricks.com/aws/en/external-access/admin
func (r rules[T]) letsOut(metastore string) T {
	m, _ := r.e.Metastore(metastore)
	if m.ExternalAccess != identity.SwitchOff {
		return r.logic.all()
	}
	off := r.logic.fact(Denied, evidence{read: estate.ReadKey{Op: estate.OpMetastores}})
	return r.logic.need(off, lack{kind: lackExternalAccess, securable: identity.MetastoreSecurable(metastore)})
}

// manages is authority over a securable: owning it or a container, MANAGE there, or being admin of the
// metastore. Authority held below a container needs a way through the containers above: USE,
// ownership or MANAGE on each.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/permissions-concepts
func (r rules[T]) manages(on identity.Securable, in identity.WorkspaceID) T {
	parts := []T{r.owns(identity.MetastoreSecurable(on.Metastore), in)}
	for at := range lineage(on) {
		held := []T{r.logic.need(r.authority(at, in), lack{kind: lackPrivilege, privilege: identity.Manage, securable: at, workspace: in})}
		if r.m.options.StrictManage {
			held = append(held, r.uses(at, in))
		}
		for above := range lineage(at) {
			if above != at {
				held = append(held, r.passes(above, in))
			}
		}
		slices.Reverse(held)
		parts = append(parts, r.logic.all(held...))
	}
	return r.logic.any(parts...)
}

// authority looks at one level alone.
func (r rules[T]) authority(at identity.Securable, in identity.WorkspaceID) T {
	return r.logic.any(r.owns(at, in), r.byGrant(identity.Manage, at, in))
}

// passes lets authority that is held below a container through it.
func (r rules[T]) passes(container identity.Securable, in identity.WorkspaceID) T {
	use := identity.UseSchema
	if container.Type == identity.TypeCatalog {
		use = identity.UseCatalog
	}
	return r.logic.need(r.logic.any(r.uses(container, in), r.authority(container, in)),
		lack{kind: lackPrivilege, privilege: use, securable: container, workspace: in})
}

// entry reports whether the privilege is the one that entering the container takes anyway.
func entry(p identity.Privilege, on identity.Securable) bool {
	return p == identity.UseCatalog && on.Type == identity.TypeCatalog || p == identity.UseSchema && on.Type == identity.TypeSchema
}

// companion is the privilege without which another is of no use.
func companion(p identity.Privilege, on identity.Securable) identity.Privilege {
	switch {
	case p == identity.Modify && on.Type == identity.TypeTable:
		return identity.Select
	case p == identity.WriteFiles:
		return identity.ReadFiles
	default:
		return ""
	}
}

func (r rules[T]) effective(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) T {
	wanted := lack{kind: lackPrivilege, privilege: p, securable: on, workspace: in}
	if !p.Applies(on.Type) {
		return r.logic.fact(Denied, evidence{}) // nothing would make it hold
	}
	parts := []T{r.byOwnership(p, on, in), r.byPolicy(p, on)}
	for at := range lineage(on) {
		parts = append(parts, r.logic.all(r.byGrant(p, at, in), r.flows(at, on)))
	}
	return r.logic.need(r.logic.any(parts...), wanted)
}

// lineage gives the securable and the containers whose grants reach it. Grants on the metastore
// reach nothing below it.
func lineage(on identity.Securable) func(yield func(identity.Securable) bool) {
	return func(yield func(identity.Securable) bool) {
		for at, ok := on, true; ok; at, ok = at.Parent() {
			if at.Type == identity.TypeMetastore && on.Type != identity.TypeMetastore {
				return
			}
			if !yield(at) {
				return
			}
		}
	}
}

// flows says whether a grant at one securable counts on the other: always on itself, further down
// only in metastores whose privilege model inherits.
func (r rules[T]) flows(at, on identity.Securable) T {
	if at == on {
		return r.logic.all()
	}
	m, ok := r.e.Metastore(on.Metastore)
	if chosen := r.m.options.PrivilegeModel; chosen != "" {
		m.PrivilegeModel = chosen
	}
	model := estate.ReadKey{Op: estate.OpPrivilegeModel, Securable: identity.MetastoreSecurable(on.Metastore)}
	if !ok || m.PrivilegeModel == "" && r.e.Missed(model) {
		return r.logic.fact(Unknown, evidence{read: model})
	}
	return r.logic.fact(Holds(m.Inherits()), evidence{kind: inherits, securable: at, read: estate.ReadKey{Op: estate.OpMetastores}})
}

func (r rules[T]) byOwnership(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) T {
	if !p.InOwnership() {
		return r.logic.any()
	}
	return r.owns(on, in)
}

// sees says whether the subject can see that the securable exists, and what it is like: by BROWSE, by
// anything that it can use it for, or by managing it. BROWSE needs no right to enter anything.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/privileges-reference#browse
func (r rules[T]) sees(on identity.Securable, in identity.WorkspaceID) T {
	parts := []T{r.logic.need(r.browses(on, in), lack{kind: lackPrivilege, privilege: identity.Browse, securable: on, workspace: in}), r.manages(on, in)}
	for _, p := range identity.PrivilegesOn(on.Type) {
		if p != identity.Manage && p != identity.Browse && p != identity.AllPrivileges {
			parts = append(parts, r.held(p, on, in))
		}
	}
	return r.logic.any(parts...)
}

func (r rules[T]) browses(on identity.Securable, in identity.WorkspaceID) T {
	parts := []T{r.owns(on, in)}
	for at := range lineage(on) {
		if identity.Browse.Applies(at.Type) {
			parts = append(parts, r.logic.all(r.byGrant(identity.Browse, at, in), r.flows(at, on)))
		}
	}
	return r.logic.any(parts...)
}

// owns says whether the subject owns a securable.
func (r rules[T]) owns(on identity.Securable, in identity.WorkspaceID) T {
	if !r.left.owned(on) {
		return r.logic.any()
	}
	owner, known := r.e.Owner(on)
	if !known {
		return r.logic.fact(Unknown, evidence{read: r.showing(on)})
	}
	return r.logic.all(r.means(owner, in), r.logic.fact(Allowed, evidence{kind: owns, holder: owner.Name, securable: on, read: r.showing(on)}))
}

func (r rules[T]) byGrant(p identity.Privilege, at identity.Securable, in identity.WorkspaceID) T {
	read := estate.ReadKey{Op: estate.OpGrants, Securable: at}
	var parts []T
	if !r.e.Saw(read) && !unborn(at) {
		parts = append(parts, r.logic.fact(Unknown, evidence{read: read}))
	}
	for g := range r.rowsOn(at) {
		for _, as := range g.Privileges {
			if !stands(as, p, at.Type) || r.left.lacks(at, g.Holder, as) {
				continue
			}
			held := evidence{kind: granted, holder: g.Holder.Name, privilege: p, as: as, securable: at, read: read}
			parts = append(parts, r.logic.all(r.means(g.Holder, in), r.logic.fact(Allowed, held)))
		}
	}
	return r.logic.any(parts...)
}

// stands reports whether a privilege that was granted on a securable of the type is the one asked for
// or stands for it: an older name, or ALL PRIVILEGES.
func stands(granted, p identity.Privilege, on identity.SecurableType) bool {
	return slices.Contains(granted.FromLegacy(on), p) || granted == identity.AllPrivileges && p.InAllPrivileges()
}

// gives reports whether a set that was granted on a securable of the type gives the privilege.
func gives(set []identity.Privilege, p identity.Privilege, on identity.SecurableType) bool {
	return slices.ContainsFunc(set, func(as identity.Privilege) bool { return stands(as, p, on) })
}

// byPolicy adds what attribute-based GRANT policies give. Whether the tags match cannot be told, so
// a policy with a condition makes the answer Unknown where it would give the privilege.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/abac/
func (r rules[T]) byPolicy(p identity.Privilege, on identity.Securable) T {
	if r.left != nil {
		return r.logic.any()
	}
	read := estate.ReadKey{Op: estate.OpPolicies, Securable: on}
	var parts []T
	if r.e.Missed(read) {
		parts = append(parts, r.logic.fact(Unknown, evidence{read: read}))
	}
	for _, policy := range r.e.Policies(on) {
		if policy.Kind != identity.PolicyGrant || !gives(policy.Privileges, p, "") {
			continue
		}
		to, except := r.named(policy.To), r.named(policy.Except)
		applies := All(to, negate(except))
		if policy.Conditional {
			applies = All(applies, Unknown)
		}
		parts = append(parts, r.logic.fact(applies, evidence{kind: granted, holder: "policy " + policy.Name, privilege: p, as: p, securable: on, read: read}))
	}
	return r.logic.any(parts...)
}

// named says whether one of the names means the subject.
func (s *Subject) named(names []string) Verdict {
	answer := Denied
	for _, name := range names {
		answer = Any(answer, s.means(s.e.Resolve(name), 0))
	}
	return answer
}

func negate(v Verdict) Verdict {
	switch v {
	case Allowed:
		return Denied
	case Denied:
		return Allowed
	default:
		return Unknown
	}
}

func (r rules[T]) uses(on identity.Securable, in identity.WorkspaceID) T {
	switch on.Type {
	case identity.TypeCatalog:
		return r.effective(identity.UseCatalog, on, in)
	case identity.TypeSchema:
		use := r.effective(identity.UseSchema, on, in)
		if r.m.options.CatalogOwnersUseSchemas {
			return r.logic.any(use, r.owns(identity.CatalogSecurable(on.Metastore, on.Catalog), in))
		}
		return use
	default:
		return r.logic.all()
	}
}

func (r rules[T]) enters(on identity.Securable, in identity.WorkspaceID) T {
	var parts []T
	for at := range lineage(on) {
		parts = append(parts, r.uses(at, in))
	}
	slices.Reverse(parts) // as one enters: the catalog first
	return r.logic.all(parts...)
}

// means says whether a fact that names the holder means the subject, while it acts in the workspace.
func (r rules[T]) means(h estate.Holder, in identity.WorkspaceID) T {
	return r.logic.fact(r.Subject.means(h, in), evidence{kind: member, group: h.Key, holder: h.Name, read: r.settling(h.Key)})
}

// meansKind is means for a fact that says of which kind the holder is: where nobody who was read bears
// the name of a user or service principal, only a record of the subject without a name could.
func (r rules[T]) meansKind(h estate.Holder, kind identity.Kind, in identity.WorkspaceID) T {
	if !h.Key.IsZero() || h.Name == "" || h.Ambiguous || kind != identity.KindUser && kind != identity.KindServicePrincipal {
		return r.means(h, in)
	}
	nameless := func(k identity.PrincipalKey) bool { return k.Kind == kind && !r.e.Names(k) }
	if i := slices.IndexFunc(r.persons(), nameless); i >= 0 {
		return r.logic.fact(Unknown, evidence{read: estate.ReadKey{Op: estate.OpPrincipal, Principal: r.persons()[i]}})
	}
	return r.logic.fact(Denied, evidence{})
}

func (r rules[T]) reaches(on identity.Securable, p identity.Privilege, in identity.WorkspaceID) T {
	return r.logic.all(r.active(), r.assigned(in), r.attached(on.Metastore, in), r.bound(on, p, in))
}

// active says whether the subject may log in. Groups do not log in: they stand for their members.
func (r rules[T]) active() T {
	if r.key.Kind == identity.KindGroup || r.woken {
		return r.logic.all()
	}
	read := estate.ReadKey{Op: estate.OpFindPrincipal}
	status, _ := r.e.Principal(r.key)
	is := Unknown
	switch status.Status {
	case identity.StatusActive:
		is = Allowed
	case identity.StatusInactive:
		is = Denied
	case identity.StatusUnknown:
	}
	return r.logic.need(r.logic.fact(is, evidence{kind: active, group: r.key, read: read}), lack{kind: lackActive})
}

func (r rules[T]) assigned(in identity.WorkspaceID) T {
	return r.logic.need(r.assignedAs(in, identity.WorkspaceUser), lack{kind: lackAssignment, workspace: in})
}

// assignedAs says whether the subject is assigned to the workspace with at least the permission.
func (r rules[T]) assignedAs(in identity.WorkspaceID, least identity.WorkspacePermission) T {
	read := estate.ReadKey{Op: estate.OpAssignments, Workspace: in}
	var parts []T
	if !r.e.Saw(read) {
		parts = append(parts, r.logic.fact(Unknown, evidence{read: read}))
	}
	for _, a := range r.e.Assignments(in) {
		if a.Permission == identity.WorkspaceNone {
			parts = append(parts, r.logic.all(r.logic.fact(r.In(a.Principal), evidence{}), r.logic.fact(Unknown, evidence{read: read})))
			continue
		}
		if a.Permission < least {
			continue
		}
		membership := r.logic.fact(r.In(a.Principal), evidence{kind: member, group: a.Principal, holder: a.Name, read: r.settling(a.Principal)})
		parts = append(parts, r.logic.all(membership, r.logic.fact(Allowed, evidence{kind: assigned, group: a.Principal, holder: a.Name, workspace: in, permission: a.Permission, read: read})))
	}
	return r.logic.any(parts...)
}

func (r rules[T]) attached(metastore string, in identity.WorkspaceID) T {
	self := identity.MetastoreSecurable(metastore)
	read := estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: self}
	is := Unknown
	for _, id := range r.e.MetastoreWorkspaces(metastore) {
		if id == in {
			is = Allowed
		}
	}
	if is == Unknown && r.e.Saw(read) {
		is = Denied
	}
	return r.logic.need(r.logic.fact(is, evidence{kind: attachedTo, securable: self, workspace: in, read: read}),
		lack{kind: lackMetastore, securable: self, workspace: in})
}

// bound applies the workspace bindings of the securables that carry them: the catalog of what is in one,
// otherwise the securable itself, and what a table or volume lies in.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
func (r rules[T]) bound(on identity.Securable, p identity.Privilege, in identity.WorkspaceID) T {
	own := r.carried(bindable(on), p, in)
	if !r.m.options.LocationsBindTables {
		return own
	}
	return r.logic.all(own, r.stored(on, p, in))
}

// carried applies the bindings of one securable; the zero value has none.
func (r rules[T]) carried(carrier identity.Securable, p identity.Privilege, in identity.WorkspaceID) T {
	if carrier.Type == "" {
		return r.logic.all()
	}
	wanted := lack{kind: lackBinding, privilege: p, securable: carrier, workspace: in}
	info, ok := r.e.Securable(carrier)
	switch {
	case !ok:
		return r.logic.need(r.logic.fact(Unknown, evidence{read: r.showing(carrier)}), wanted)
	case info.Isolation != identity.Isolated:
		return r.logic.all() // open to every workspace: nothing to show
	}
	read := estate.ReadKey{Op: estate.OpBindings, Securable: carrier}
	var parts []T
	if !r.e.Saw(read) {
		parts = append(parts, r.logic.fact(Unknown, evidence{read: read}))
	}
	for _, b := range r.e.Bindings(carrier) {
		if b.Workspace == in {
			lets := Holds(!b.ReadOnly || p.Reads())
			if b.ReadOnly && p == identity.Manage {
				lets = r.m.options.GrantsThroughReadOnly
			}
			if lets == Unknown {
				parts = append(parts, r.logic.fact(Unknown, evidence{}))
				continue
			}
			parts = append(parts, r.logic.fact(lets, evidence{kind: boundTo, securable: carrier, workspace: in, readOnly: b.ReadOnly, read: read}))
		}
	}
	return r.logic.need(r.logic.any(parts...), wanted)
}

// bindable is the securable whose isolation decides over on, or the zero value when none does.
func bindable(on identity.Securable) identity.Securable {
	switch on.Type {
	case identity.TypeCatalog, identity.TypeExternalLocation, identity.TypeStorageCredential, identity.TypeServiceCredential:
		return on
	case identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel:
		return identity.CatalogSecurable(on.Metastore, on.Catalog)
	default:
		return identity.Securable{}
	}
}

// showing is the read that shows a securable's owner and isolation: its own, or the listing of what
// is in its parent.
func (s *Subject) showing(on identity.Securable) estate.ReadKey {
	own := estate.ReadKey{Op: estate.OpSecurable, Securable: on}
	parent, ok := on.Parent()
	switch {
	case !ok:
		return estate.ReadKey{Op: estate.OpMetastores}
	case s.e.Saw(own) || s.e.Missed(own):
		return own
	default:
		return estate.ReadKey{Op: estate.OpChildren, Securable: parent, Type: on.Type}
	}
}

// settling is the read that shows how, or whether, the subject is in a group.
func (s *Subject) settling(k identity.PrincipalKey) estate.ReadKey {
	if k.Kind == identity.KindGroup && s.maybe(k) {
		return estate.ReadKey{Op: estate.OpMembers, Principal: k}
	}
	return estate.ReadKey{Op: estate.OpParents, Principal: s.key}
}
