package estate

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/core/identity"
)

// Builder gathers facts and freezes them into an Estate. Its methods may be called concurrently and
// in any order; a fact added twice counts once. It is spent after Build.
type Builder struct {
	mu          sync.Mutex
	account     string
	principals  map[identity.PrincipalKey]identity.Principal
	memberships map[identity.Membership]struct{}
	ancestors   map[identity.Membership]struct{}
	same        map[[2]identity.PrincipalKey]struct{}
	workspaces  map[identity.WorkspaceID]identity.Workspace
	metastores  map[string]identity.Metastore
	attached    map[attachment]struct{}
	assignments map[identity.Assignment]struct{}
	securables  pile[identity.SecurableInfo]
	granted     pile[granted]
	rows        []row // of all that is granted
	named       interner[named]
	sets        setInterner
	bindings    map[identity.Securable][]identity.Binding
	policies    map[identity.Securable][]identity.Policy
	entitled    map[identity.WorkspaceID]map[identity.PrincipalKey][]identity.Entitlement
	roles       map[identity.RoleGrant]struct{}
	objects     map[identity.Object]identity.ObjectInfo
	permissions map[identity.Object][]identity.ObjectGrant
	restricted  map[identity.WorkspaceID]identity.RestrictAdmins
	logs        map[string]identity.AuditLog // by metastore
	uses        map[usedBy]time.Time
	reads       pile[Read]
	interrupted bool
	mentions    map[identity.PrincipalKey]struct{}
	otherKeys   map[identity.PrincipalKey]identity.PrincipalKey
}

// granted is one call of AddGrants: the rows are a part of those of the Builder, and name no securable.
type granted struct {
	on          identity.Securable
	first, last int32
}

// named is how a grant names its holder.
type named struct{ name, deletedID string }

type attachment struct {
	metastore string
	workspace identity.WorkspaceID
}

// NewBuilder starts an estate of the account.
func NewBuilder(accountID string) *Builder {
	return &Builder{
		account:     accountID,
		principals:  map[identity.PrincipalKey]identity.Principal{},
		memberships: map[identity.Membership]struct{}{},
		ancestors:   map[identity.Membership]struct{}{},
		same:        map[[2]identity.PrincipalKey]struct{}{},
		workspaces:  map[identity.WorkspaceID]identity.Workspace{},
		metastores:  map[string]identity.Metastore{},
		attached:    map[attachment]struct{}{},
		assignments: map[identity.Assignment]struct{}{},
		named:       interner[named]{index: map[named]int32{}},
		sets:        setInterner{index: map[string]int32{}},
		bindings:    map[identity.Securable][]identity.Binding{},
		policies:    map[identity.Securable][]identity.Policy{},
		entitled:    map[identity.WorkspaceID]map[identity.PrincipalKey][]identity.Entitlement{},
		roles:       map[identity.RoleGrant]struct{}{},
		objects:     map[identity.Object]identity.ObjectInfo{},
		permissions: map[identity.Object][]identity.ObjectGrant{},
		restricted:  map[identity.WorkspaceID]identity.RestrictAdmins{},
		mentions:    map[identity.PrincipalKey]struct{}{},
		otherKeys:   map[identity.PrincipalKey]identity.PrincipalKey{},
	}
}

// AddPrincipal adds a principal. Of two records with the same key, the later one wins.
func (b *Builder) AddPrincipal(p identity.Principal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.principals[p.Key] = p
}

// AddGroup adds a group and, where the record lists them, its direct members. It says nothing about
// whether the list was complete: Record does.
func (b *Builder) AddGroup(g identity.Group) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.principals[g.Key] = g.Principal
	if !g.MembersListed {
		return
	}
	for _, m := range g.Members {
		b.memberships[identity.Membership{Member: m, Group: g.Key}] = struct{}{}
	}
}

// AddAncestor adds that member is in group, directly or through other groups: a fact that some APIs
// give without the way between.
func (b *Builder) AddAncestor(member, group identity.PrincipalKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ancestors[identity.Membership{Member: member, Group: group}] = struct{}{}
}

// AddSamePerson adds that two records are one person. Whatever either holds, both hold.
func (b *Builder) AddSamePerson(one, other identity.PrincipalKey) {
	if one == other {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.same[[2]identity.PrincipalKey{one, other}] = struct{}{}
	b.same[[2]identity.PrincipalKey{other, one}] = struct{}{}
}

// AddWorkspace adds a workspace.
func (b *Builder) AddWorkspace(w identity.Workspace) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.workspaces[w.ID] = w
}

// AddMetastore adds a metastore.
func (b *Builder) AddMetastore(m identity.Metastore) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.metastores[m.ID] = m
}

// AttachMetastore adds that the metastore is assigned to the workspace.
func (b *Builder) AttachMetastore(metastore string, workspace identity.WorkspaceID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attached[attachment{metastore, workspace}] = struct{}{}
}

// AddAssignment adds one explicit workspace assignment.
func (b *Builder) AddAssignment(a identity.Assignment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.assignments[a] = struct{}{}
}

// AddSecurable adds a securable with its owner and isolation. Its containers need not be added.
func (b *Builder) AddSecurable(s identity.SecurableInfo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.securables.add(s)
}

// AddGrants adds the direct grants on a securable. Only the first call for a securable counts, so
// that a listing read twice does not double its rows. The list is not kept.
func (b *Builder) AddGrants(on identity.Securable, grants []identity.Grant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := int32(len(b.rows))
	for _, g := range grants {
		b.rows = append(b.rows, row{none, b.named.add(named{g.Holder, g.DeletedID}), b.sets.add(g.Privileges)})
	}
	b.granted.add(granted{on, first, int32(len(b.rows))})
}

// AddBindings adds the workspaces that an isolated securable is bound to.
func (b *Builder) AddBindings(on identity.Securable, bindings []identity.Binding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sorted := slices.Clone(bindings)
	slices.SortFunc(sorted, func(a, b identity.Binding) int { return cmp.Compare(a.Workspace, b.Workspace) })
	b.bindings[on] = sorted
}

// AddPolicies adds the attribute-based policies that hold on a securable, inherited ones included.
func (b *Builder) AddPolicies(on identity.Securable, policies []identity.Policy) {
	sorted := slices.Clone(policies)
	slices.SortFunc(sorted, func(a, b identity.Policy) int {
		return cmp.Or(strings.Compare(a.On, b.On), strings.Compare(a.Name, b.Name))
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.policies[on] = sorted
}

// AddEntitlements adds what a principal may use of a workspace by entitlements of its own.
func (b *Builder) AddEntitlements(in identity.WorkspaceID, holder identity.PrincipalKey, es []identity.Entitlement) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entitled[in] == nil {
		b.entitled[in] = map[identity.PrincipalKey][]identity.Entitlement{}
	}
	b.entitled[in][holder] = slices.Clone(es)
}

// AddMembership adds that member is directly in group.
func (b *Builder) AddMembership(member, group identity.PrincipalKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.memberships[identity.Membership{Member: member, Group: group}] = struct{}{}
}

// AddRoleGrant adds one entry of a rule set.
func (b *Builder) AddRoleGrant(g identity.RoleGrant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roles[g] = struct{}{}
}

// AddObject adds a workspace object. What was read in detail replaces what a listing told.
func (b *Builder) AddObject(o identity.ObjectInfo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := b.objects[o.Object]; !ok || o.Detailed || !old.Detailed {
		b.objects[o.Object] = o
	}
}

// AddObjectGrants adds the permissions on a workspace object, inherited ones included.
func (b *Builder) AddObjectGrants(on identity.Object, grants []identity.ObjectGrant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.permissions[on] = slices.Clone(grants)
}

// AddRestrictAdmins adds how far the admins of a workspace may act as others.
func (b *Builder) AddRestrictAdmins(in identity.WorkspaceID, r identity.RestrictAdmins) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restricted[in] = r
}

// Record enters the outcome of a read in the ledger. A later entry for the same read replaces the
// earlier one.
func (b *Builder) Record(k ReadKey, o Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads.add(Read{Key: k, Outcome: o})
}

// Interrupted marks the estate as cut short.
func (b *Builder) Interrupted() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interrupted = true
}
