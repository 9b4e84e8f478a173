package estate

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"databricks-access-audit/core/identity"
)

// Estate is what was read of one account. It is immutable and safe for concurrent use. Slices that
// its methods return are shared: callers must not change them.
type Estate struct {
	account     string
	interrupted bool

	principals []identity.Principal // sorted by key
	principal  map[identity.PrincipalKey]int32
	renamed    map[identity.PrincipalKey]identity.PrincipalKey // keys under which the same principal also came
	names      map[string][]int32                              // account principals by folded name and alias
	local      map[localName]identity.PrincipalKey             // groups of one workspace
	parents    [][]int32
	members    [][]int32
	ancestors  [][]int32 // known without the way between
	same       [][]int32
	settled    []bool                  // groups below which nothing is hidden
	unlisted   []identity.PrincipalKey // groups whose members were not read
	containers []identity.PrincipalKey // see Container
	container  []int32                 // per principal: its number among these, or none
	byName     []int32                 // principals by kind and name

	workspaces  []identity.Workspace // sorted by name
	workspace   map[identity.WorkspaceID]int
	assignments map[identity.WorkspaceID][]identity.Assignment
	metastores  []identity.Metastore // sorted by id
	metastore   map[string]int
	attachments map[string][]identity.WorkspaceID

	securables []identity.SecurableInfo // sorted
	securable  index[identity.Securable, identity.SecurableInfo]
	owners     []int32 // per securable: index of a holder, or none
	holders    []Holder
	sets       [][]identity.Privilege
	grants     []row                                         // sorted by securable, then holder
	grantsOn   []int32                                       // per securable: start in grants; one more at the end
	regranted  map[int32][]row                               // per securable: what counts instead; see With
	grantsTo   map[int32][]row                               // per principal: grants
	owned      map[int32][]int32                             // per principal: securables
	localised  map[identity.Securable][]identity.WorkspaceID // by root: see Localised
	bindings   map[identity.Securable][]identity.Binding
	policies   map[identity.Securable][]identity.Policy

	entitled    map[identity.WorkspaceID][]Entitled
	roles       []RoleGrant // sorted by what they are on, then role and holder
	objects     []identity.ObjectInfo
	object      map[identity.Object]int
	tree        map[treePlace][]int               // what lies at a path
	permissions [][]ObjectGrant                   // per object; nil where they were not read
	permitted   map[identity.PrincipalKey][]int32 // per holder: objects
	restricted  map[identity.WorkspaceID]identity.RestrictAdmins

	logs     map[string]identity.AuditLog // by metastore
	uses     map[usedBy]time.Time         // as read
	lastUses map[usedBy]time.Time         // of things and what they are in
	lastSeen map[string]time.Time         // by who

	reads          []Read // sorted
	read           index[ReadKey, Read]
	unread         []Read // those that did not bring the whole answer
	oldest, newest time.Time

	fingerprint func() string
}

const none = int32(-1)

// row is a grant in indexes, so that millions of them stay small.
type row struct{ securable, holder, set int32 }

// Holder is whom a grant or an ownership names.
type Holder struct {
	// Key is the principal, zero when no principal that was read bears the name.
	Key identity.PrincipalKey
	// Name is what the fact says. It is empty for a deleted principal.
	Name string
	// DeletedID is the id of a deleted principal, if the fact said.
	DeletedID string
	// Ambiguous says that several principals bear the name; Key is then zero.
	Ambiguous bool
}

// Grant is privileges that one holder was given on one securable.
type Grant struct {
	Securable  identity.Securable
	Holder     Holder
	Privileges []identity.Privilege // sorted, as granted
}

// AccountID is the account that the facts are of.
func (e *Estate) AccountID() string { return e.account }

// Interrupted reports whether the reading was cut short.
func (e *Estate) Interrupted() bool { return e.interrupted }

// Principals gives every principal in order of key, those included that are only known by an id.
func (e *Estate) Principals() iter.Seq[identity.Principal] { return slices.Values(e.principals) }

// ByName gives every principal in order of kind, name without regard to case, and key.
func (e *Estate) ByName() iter.Seq[identity.Principal] {
	return func(yield func(identity.Principal) bool) {
		for _, i := range e.byName {
			if !yield(e.principals[i]) {
				return
			}
		}
	}
}

// Principal finds a principal by key. A principal that was only mentioned has an empty Name.
func (e *Estate) Principal(k identity.PrincipalKey) (identity.Principal, bool) {
	i, ok := e.index(k)
	if !ok {
		return identity.Principal{}, false
	}
	return e.principals[i], true
}

// Names reports whether it is known what facts call a principal.
func (e *Estate) Names(k identity.PrincipalKey) bool {
	p, ok := e.Principal(k)
	return ok && p.Name != ""
}

// Canonical is the key under which the estate knows the principal: another one than k only for
// groups that have both a number and a fixed meaning, such as account users.
func (e *Estate) Canonical(k identity.PrincipalKey) identity.PrincipalKey {
	if c, ok := e.renamed[k]; ok {
		return c
	}
	return k
}

func (e *Estate) index(k identity.PrincipalKey) (int32, bool) {
	i, ok := e.principal[e.Canonical(k)]
	return i, ok
}

// Named finds the account principals that bear a name or alias, without regard to case.
func (e *Estate) Named(name string) []identity.Principal {
	var found []identity.Principal
	for _, i := range e.names[identity.FoldName(name)] {
		found = append(found, e.principals[i])
	}
	return found
}

// Parents gives the groups that the principal is directly in.
func (e *Estate) Parents(k identity.PrincipalKey) iter.Seq[identity.PrincipalKey] {
	return e.keys(e.parents, k)
}

// Members gives the direct members of a group.
func (e *Estate) Members(k identity.PrincipalKey) iter.Seq[identity.PrincipalKey] {
	return e.keys(e.members, k)
}

// Ancestors gives groups that the principal is known to be in although the way there may not be
// known. Parents and their parents need not be among them.
func (e *Estate) Ancestors(k identity.PrincipalKey) iter.Seq[identity.PrincipalKey] {
	return e.keys(e.ancestors, k)
}

// SamePerson gives the other records of the same person.
func (e *Estate) SamePerson(k identity.PrincipalKey) iter.Seq[identity.PrincipalKey] {
	return e.keys(e.same, k)
}

func (e *Estate) keys(edges [][]int32, k identity.PrincipalKey) iter.Seq[identity.PrincipalKey] {
	return func(yield func(identity.PrincipalKey) bool) {
		i, ok := e.index(k)
		if !ok {
			return
		}
		for _, j := range edges[i] {
			if !yield(e.principals[j].Key) {
				return
			}
		}
	}
}

// Unlisted gives the groups whose members were not read, in order of key.
func (e *Estate) Unlisted() []identity.PrincipalKey { return e.unlisted }

// Container numbers those that others can be in, from zero: the groups, and whoever else some fact puts
// others in. Sets of them are small where sets of all principals are not.
func (e *Estate) Container(k identity.PrincipalKey) (n int32, ok bool) {
	i, ok := e.index(k)
	if !ok || e.container[i] == none {
		return none, false
	}
	return e.container[i], true
}

// Containers gives them in the order of their numbers.
func (e *Estate) Containers() []identity.PrincipalKey { return e.containers }

// In gives the numbers of those that a principal is in by one fact: its parents and ancestors.
func (e *Estate) In(k identity.PrincipalKey) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		i, ok := e.index(k)
		if !ok {
			return
		}
		for _, edges := range [...][]int32{e.parents[i], e.ancestors[i]} {
			for _, j := range edges {
				if !yield(e.container[j]) {
					return
				}
			}
		}
	}
}

// Settled reports whether the members of a group, and of every group in it, were read: whoever is not
// among them is not in the group.
func (e *Estate) Settled(group identity.PrincipalKey) bool {
	i, ok := e.index(group)
	return ok && e.settled[i]
}

// Workspaces gives the workspaces in order of name.
func (e *Estate) Workspaces() []identity.Workspace { return e.workspaces }

// Workspace finds a workspace by id.
func (e *Estate) Workspace(id identity.WorkspaceID) (identity.Workspace, bool) {
	i, ok := e.workspace[id]
	if !ok {
		return identity.Workspace{}, false
	}
	return e.workspaces[i], true
}

// Assignments gives the explicit assignments of a workspace in order of principal.
func (e *Estate) Assignments(id identity.WorkspaceID) []identity.Assignment { return e.assignments[id] }

// Metastores gives the metastores in order of id.
func (e *Estate) Metastores() []identity.Metastore { return e.metastores }

// Metastore finds a metastore by id.
func (e *Estate) Metastore(id string) (identity.Metastore, bool) {
	i, ok := e.metastore[id]
	if !ok {
		return identity.Metastore{}, false
	}
	return e.metastores[i], true
}

// MetastoreWorkspaces gives the workspaces that the metastore is assigned to, in order of id.
func (e *Estate) MetastoreWorkspaces(id string) []identity.WorkspaceID { return e.attachments[id] }

// MetastoreAdmin is the owner of a metastore; known is false when the estate does not have it. An
// owner without a name means that nobody is admin.
func (e *Estate) MetastoreAdmin(id string) (owner Holder, known bool) {
	return e.Owner(identity.MetastoreSecurable(id))
}

// Securables gives every securable that was listed, containers before what is in them.
func (e *Estate) Securables() iter.Seq[identity.SecurableInfo] { return slices.Values(e.securables) }

// Securable finds what is known of a securable.
func (e *Estate) Securable(s identity.Securable) (identity.SecurableInfo, bool) {
	i, ok := e.securable.find(s)
	if !ok {
		return identity.SecurableInfo{}, false
	}
	return e.securables[i], true
}

// Owner finds who owns a securable; known is false when the securable or its owner was not read.
func (e *Estate) Owner(s identity.Securable) (owner Holder, known bool) {
	i, ok := e.securable.find(s)
	if !ok || e.owners[i] == none {
		return Holder{}, false
	}
	return e.holders[e.owners[i]], true
}

// OwnedBy gives the securables that name the principal itself as owner.
func (e *Estate) OwnedBy(k identity.PrincipalKey) iter.Seq[identity.SecurableInfo] {
	return func(yield func(identity.SecurableInfo) bool) {
		i, ok := e.index(k)
		if !ok {
			return
		}
		for _, s := range e.owned[i] {
			if !yield(e.securables[s]) {
				return
			}
		}
	}
}

// Carrying gives the securables on which one of the principals itself was given something or that one
// owns, in order, each once.
func (e *Estate) Carrying(holders []identity.PrincipalKey) []identity.Securable {
	marked := newMarks(len(e.securables))
	for _, k := range holders {
		p, ok := e.index(k)
		if !ok {
			continue
		}
		for _, r := range e.grantsTo[p] {
			marked.add(r.securable)
		}
		for _, i := range e.owned[p] {
			marked.add(i)
		}
	}
	found := make([]identity.Securable, 0, marked.count())
	for i := range marked.all() {
		found = append(found, e.securables[i].Securable)
	}
	return found
}

// GrantsOn gives the direct grants on a securable.
func (e *Estate) GrantsOn(s identity.Securable) iter.Seq[Grant] {
	return func(yield func(Grant) bool) {
		i, ok := e.securable.find(s)
		if !ok {
			return
		}
		for _, r := range e.rowsOn(i) {
			if !yield(e.grant(r)) {
				return
			}
		}
	}
}

// GrantsTo gives the grants that name the principal itself, in order of securable.
func (e *Estate) GrantsTo(k identity.PrincipalKey) iter.Seq[Grant] {
	return func(yield func(Grant) bool) {
		i, ok := e.index(k)
		if !ok {
			return
		}
		for _, r := range e.grantsTo[i] {
			if !yield(e.grant(r)) {
				return
			}
		}
	}
}

// rowsOn are the grants on a securable.
func (e *Estate) rowsOn(i int32) []row {
	if e.regranted != nil {
		if rows, changed := e.regranted[i]; changed {
			return rows
		}
	}
	return e.grants[e.grantsOn[i]:e.grantsOn[i+1]]
}

func (e *Estate) grant(r row) Grant {
	return Grant{
		Securable:  e.securables[r.securable].Securable,
		Holder:     e.holders[r.holder],
		Privileges: e.sets[r.set],
	}
}

// GrantsOf gives the grants of one of these privileges, as they were granted, in order of securable.
func (e *Estate) GrantsOf(ps ...identity.Privilege) iter.Seq[Grant] {
	return func(yield func(Grant) bool) {
		of := make([]bool, len(e.sets))
		for i, set := range e.sets {
			of[i] = slices.ContainsFunc(ps, func(p identity.Privilege) bool { return slices.Contains(set, p) })
		}
		if !slices.Contains(of, true) {
			return
		}
		for i := range e.securables {
			for _, r := range e.rowsOn(int32(i)) {
				if of[r.set] && !yield(e.grant(r)) {
					return
				}
			}
		}
	}
}

// Localised gives the workspaces whose own groups a grant or an ownership names, on the securable or
// elsewhere in the same catalog. In all others, facts about the securable and the catalog mean the same.
func (e *Estate) Localised(s identity.Securable) []identity.WorkspaceID { return e.localised[root(s)] }

// root is the catalog that a securable is in, or the securable itself where it is in none.
func root(s identity.Securable) identity.Securable {
	if s.Type == identity.TypeSchema || s.Type.InSchema() {
		return identity.CatalogSecurable(s.Metastore, s.Catalog)
	}
	return s
}

// Ambiguous gives the grants whose holder's name several principals bear.
func (e *Estate) Ambiguous() iter.Seq[Grant] {
	return func(yield func(Grant) bool) {
		if !slices.ContainsFunc(e.holders, func(h Holder) bool { return h.Ambiguous }) {
			return
		}
		for i := range e.securables {
			for _, r := range e.rowsOn(int32(i)) {
				if e.holders[r.holder].Ambiguous && !yield(e.grant(r)) {
					return
				}
			}
		}
	}
}

// Bindings gives the workspaces that an isolated securable is bound to.
func (e *Estate) Bindings(s identity.Securable) []identity.Binding { return e.bindings[s] }

// Policies gives the attribute-based policies that hold on a securable, inherited ones included.
func (e *Estate) Policies(s identity.Securable) []identity.Policy { return e.policies[s] }

// Resolve finds whom Unity Catalog means by a name.
func (e *Estate) Resolve(name string) Holder { return e.resolve(name) }

// Reads gives the ledger of every planned read, in a fixed order.
func (e *Estate) Reads() []Read { return e.reads }

// ReadsOf gives the entries of the ledger of one kind of read.
func (e *Estate) ReadsOf(op Op) []Read {
	order := func(r Read, op Op) int { return cmp.Compare(r.Key.Op, op) }
	first, _ := slices.BinarySearchFunc(e.reads, op, order)
	last, _ := slices.BinarySearchFunc(e.reads, op+1, order)
	return e.reads[first:last]
}

// Unread gives the entries of the ledger that did not bring the whole answer, in its order.
func (e *Estate) Unread() []Read { return e.unread }

// Outcome finds how a read ended; ok is false for one that was not planned.
func (e *Estate) Outcome(k ReadKey) (o Outcome, ok bool) {
	k.Principal = e.Canonical(k.Principal)
	i, ok := e.read.find(k)
	if !ok {
		return Outcome{}, false
	}
	return e.reads[i].Outcome, true
}

// Saw reports whether the whole answer of a read is in the estate. A read that was not planned was
// not seen.
func (e *Estate) Saw(k ReadKey) bool {
	o, planned := e.Outcome(k)
	return planned && o.OK()
}

// Missed reports whether a read was planned and did not bring the whole answer.
func (e *Estate) Missed(k ReadKey) bool {
	o, planned := e.Outcome(k)
	return planned && !o.OK()
}

// ReadAt is when a read succeeded.
func (e *Estate) ReadAt(k ReadKey) (at time.Time, ok bool) {
	o, planned := e.Outcome(k)
	if !planned || !o.OK() {
		return time.Time{}, false
	}
	return o.At, true
}

// Window is when the oldest and the newest fact were read; both are zero when none was.
func (e *Estate) Window() (oldest, newest time.Time) { return e.oldest, e.newest }

// Fingerprint identifies the facts and the coverage, whatever order they came in and whenever they
// were read. It costs a pass over all facts the first time.
func (e *Estate) Fingerprint() string { return e.fingerprint() }

// Label is what people call a principal: its name and display name, or its id where nothing else is known.
func (e *Estate) Label(k identity.PrincipalKey) string {
	p, ok := e.Principal(k)
	if !ok || p.Name == "" && p.DisplayName == "" {
		return k.ID
	}
	return p.Label()
}
