package estate

import (
	"cmp"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"databricks-access-audit/core/identity"
)

// Build freezes the facts as they are. More may be added to the Builder afterwards, for another Build;
// estates that were built do not change.
func (b *Builder) Build() *Estate {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &Estate{
		account: b.account, interrupted: b.interrupted,
		bindings: maps.Clone(b.bindings), policies: maps.Clone(b.policies), restricted: maps.Clone(b.restricted),
	}
	b.buildPrincipals(e)
	b.buildMemberships(e)
	b.buildPlaces(e)
	b.buildSecurables(e)
	b.buildRoles(e)
	b.buildObjects(e)
	b.buildUses(e)
	b.buildReads(e)
	settle(e)
	e.fingerprint = sync.OnceValue(func() string { return fingerprint(e) })
	return e
}

// buildPrincipals gives every principal that is mentioned an index, in order of key.
func (b *Builder) buildPrincipals(e *Estate) {
	b.addImplicitGroups()
	e.renamed = b.renames()
	records := map[identity.PrincipalKey]identity.Principal{}
	for k, p := range b.principals {
		if _, other := e.renamed[k]; !other {
			records[k] = p
		}
	}
	for k := range b.mentioned() {
		k = renamed(e.renamed, k)
		if _, ok := records[k]; !ok {
			records[k] = identity.Principal{Key: k}
		}
	}
	for k, c := range e.renamed {
		implicit := records[c]
		implicit.Roles = slices.Concat(implicit.Roles, b.principals[k].Roles)
		records[c] = implicit
	}
	e.principals = slices.SortedFunc(maps.Values(records), func(a, b identity.Principal) int {
		return a.Key.Compare(b.Key)
	})
	e.principal = make(map[identity.PrincipalKey]int32, len(e.principals))
	e.names = map[string][]int32{}
	e.local = map[localName]identity.PrincipalKey{}
	for i, p := range e.principals {
		e.principal[p.Key] = int32(i)
		if p.Origin == identity.OriginWorkspaceLocal {
			e.local[localName{p.Key.Workspace, p.Name}] = p.Key
		}
		if p.Key.Workspace != 0 || p.Name == "" {
			continue // Unity Catalog does not know groups of one workspace
		}
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			fold := identity.FoldName(name)
			if !slices.Contains(e.names[fold], int32(i)) {
				e.names[fold] = append(e.names[fold], int32(i))
			}
		}
	}
	e.sortByName()
}

func (e *Estate) sortByName() {
	folded := make([]string, len(e.principals))
	e.byName = make([]int32, len(e.principals))
	for i, p := range e.principals {
		folded[i], e.byName[i] = identity.FoldName(p.Name), int32(i)
	}
	slices.SortFunc(e.byName, func(i, j int32) int {
		a, b := e.principals[i].Key, e.principals[j].Key
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(folded[i], folded[j]), a.Compare(b))
	})
}

// addImplicitGroups adds the groups that exist without being listed.
func (b *Builder) addImplicitGroups() {
	system := func(k identity.PrincipalKey) {
		b.principals[k] = identity.Principal{
			Key: k, Name: k.ID, DisplayName: k.ID, Roles: b.principals[k].Roles,
			Origin: identity.OriginSystem, Status: identity.StatusActive,
		}
	}
	system(identity.AccountUsers())
	for id := range b.workspaces {
		system(identity.WorkspaceUsers(id))
		system(identity.WorkspaceAdmins(id))
	}
}

// renames maps the keys under which one principal came to the key that it has here: the listed
// account group "account users" to the implicit one, and a key whose kind was not known to the one
// with the same id whose kind is.
func (b *Builder) renames() map[identity.PrincipalKey]identity.PrincipalKey {
	to := map[identity.PrincipalKey]identity.PrincipalKey{}
	byID := map[string]identity.PrincipalKey{}
	for k, p := range b.principals {
		if k.Workspace != 0 {
			continue
		}
		if k.Kind == identity.KindGroup && p.Name == identity.AccountUsersName && k != identity.AccountUsers() {
			to[k] = identity.AccountUsers()
		}
		if k.Kind != identity.KindUnknown {
			byID[k.ID] = renamed(to, k)
		}
	}
	for a := range b.assignments {
		if a.Principal.Kind == identity.KindGroup && a.Name == identity.AccountUsersName && a.Principal != identity.AccountUsers() {
			to[a.Principal] = identity.AccountUsers() // named there, though its record was not read
		}
	}
	for k := range b.mentioned() {
		if k.Kind != identity.KindUnknown || k.Workspace != 0 {
			continue
		}
		if real, ok := byID[k.ID]; ok {
			to[k] = real
		}
	}
	maps.Copy(to, b.otherKeys)
	return to
}

func renamed(to map[identity.PrincipalKey]identity.PrincipalKey, k identity.PrincipalKey) identity.PrincipalKey {
	if c, ok := to[k]; ok {
		return c
	}
	return k
}

// mentioned gives every key that a fact refers to.
func (b *Builder) mentioned() map[identity.PrincipalKey]struct{} {
	keys := maps.Clone(b.mentions)
	for _, k := range b.otherKeys {
		keys[k] = struct{}{}
	}
	for m := range b.memberships {
		keys[m.Member], keys[m.Group] = struct{}{}, struct{}{}
	}
	for m := range b.ancestors {
		keys[m.Member], keys[m.Group] = struct{}{}, struct{}{}
	}
	for pair := range b.same {
		keys[pair[0]] = struct{}{}
	}
	for a := range b.assignments {
		keys[a.Principal] = struct{}{}
	}
	for g := range b.roles {
		if !g.On.IsZero() {
			keys[g.On] = struct{}{}
		}
	}
	for _, holders := range b.entitled {
		for k := range holders {
			keys[k] = struct{}{}
		}
	}
	return keys
}

func (b *Builder) buildMemberships(e *Estate) {
	e.parents = make([][]int32, len(e.principals))
	e.members = make([][]int32, len(e.principals))
	e.ancestors = make([][]int32, len(e.principals))
	e.same = make([][]int32, len(e.principals))
	link := func(edges [][]int32, from, to identity.PrincipalKey) {
		i, _ := e.index(from)
		j, _ := e.index(to)
		if i != j {
			edges[i] = append(edges[i], j)
		}
	}
	for m := range b.memberships {
		link(e.parents, m.Member, m.Group)
		link(e.members, m.Group, m.Member)
	}
	for m := range b.ancestors {
		link(e.ancestors, m.Member, m.Group)
	}
	for pair := range b.same {
		link(e.same, pair[0], pair[1])
	}
	for _, edges := range [][][]int32{e.parents, e.members, e.ancestors, e.same} {
		for i := range edges {
			slices.Sort(edges[i])
			edges[i] = slices.Compact(edges[i])
		}
	}
	e.numberContainers()
}

func (e *Estate) numberContainers() {
	entered := make([]bool, len(e.principals))
	for _, edges := range [][][]int32{e.parents, e.ancestors} {
		for _, groups := range edges {
			for _, g := range groups {
				entered[g] = true
			}
		}
	}
	e.container = make([]int32, len(e.principals))
	for i, p := range e.principals {
		e.container[i] = none
		if entered[i] || p.Key.Kind == identity.KindGroup {
			e.container[i] = int32(len(e.containers))
			e.containers = append(e.containers, p.Key)
		}
	}
}

func (b *Builder) buildPlaces(e *Estate) {
	e.workspaces = slices.SortedFunc(maps.Values(b.workspaces), identity.Workspace.Compare)
	e.workspace = map[identity.WorkspaceID]int{}
	for i, w := range e.workspaces {
		e.workspace[w.ID] = i
	}
	e.assignments = map[identity.WorkspaceID][]identity.Assignment{}
	for a := range b.assignments {
		a.Principal = e.Canonical(a.Principal)
		e.assignments[a.Workspace] = append(e.assignments[a.Workspace], a)
	}
	for in, as := range e.assignments {
		slices.SortFunc(as, compareAssignments)
		e.assignments[in] = slices.Compact(as) // under two keys of one principal
	}
	e.metastores = slices.SortedFunc(maps.Values(b.metastores), func(a, b identity.Metastore) int {
		return strings.Compare(a.ID, b.ID)
	})
	e.metastore = map[string]int{}
	for i, m := range e.metastores {
		e.metastore[m.ID] = i
	}
	e.attachments = map[string][]identity.WorkspaceID{}
	for a := range b.attached {
		e.attachments[a.metastore] = append(e.attachments[a.metastore], a.workspace)
	}
	for _, ids := range e.attachments {
		slices.Sort(ids)
	}
}

func (b *Builder) buildSecurables(e *Estate) {
	b.granted.settle(ordered(b.granted.list(), compareGranted, keepFirst))
	b.securables.settle(ordered(b.securables.list(), compareSecurables, keepLast))
	if more := b.unlisted(); len(more) > 0 {
		b.securables.settle(ordered(slices.Concat(b.securables.list(), more), compareSecurables, keepLast))
	}
	e.securables = b.securables.list()
	e.securable = indexOf(e.securables, func(s *identity.SecurableInfo) *identity.Securable { return &s.Securable })
	e.owners = make([]int32, len(e.securables))
	e.owned = map[int32][]int32{}
	holders := interner[Holder]{index: map[Holder]int32{}}
	owners := map[string]int32{} // who is meant by a name is found out once
	for i := range e.securables {
		s := &e.securables[i]
		e.owners[i] = none
		if s.Owner == "" && s.Type != identity.TypeMetastore {
			continue
		}
		h, ok := owners[s.Owner]
		if !ok {
			h = holders.add(e.resolve(s.Owner))
			owners[s.Owner] = h
		}
		e.owners[i] = h
		if p, ok := e.principal[holders.values[h].Key]; ok {
			e.owned[p] = append(e.owned[p], int32(i))
		}
	}
	b.buildGrants(e, &holders)
	e.holders = holders.values
	e.localise()
}

// localise notes where groups of one workspace are named.
func (e *Estate) localise() {
	e.localised = map[identity.Securable][]identity.WorkspaceID{}
	note := func(securable, holder int32) {
		if holder == none || e.holders[holder].Key.Workspace == 0 {
			return
		}
		at, in := root(e.securables[securable].Securable), e.holders[holder].Key.Workspace
		if !slices.Contains(e.localised[at], in) {
			e.localised[at] = append(e.localised[at], in)
		}
	}
	for i, owner := range e.owners {
		note(int32(i), owner)
	}
	for _, r := range e.grants {
		note(r.securable, r.holder)
	}
}

func compareSecurables(a, b *identity.SecurableInfo) int { return a.Compare(b.Securable) }

func compareGranted(a, b *granted) int { return a.on.Compare(b.on) }

// unlisted gives the securables that have another source than a listing: those of which nothing was read
// but the grants, and the metastores, whose records tell their owner.
func (b *Builder) unlisted() []identity.SecurableInfo {
	var more []identity.SecurableInfo
	listed := b.securables.list()
	for _, g := range b.granted.list() { // both are in order
		for len(listed) > 0 && listed[0].Compare(g.on) < 0 {
			listed = listed[1:]
		}
		if len(listed) == 0 || listed[0].Securable != g.on {
			more = append(more, identity.SecurableInfo{Securable: g.on})
		}
	}
	for _, m := range b.metastores {
		s := identity.SecurableInfo{Securable: identity.MetastoreSecurable(m.ID), Owner: m.Owner}
		i, ok := slices.BinarySearchFunc(b.securables.list(), s.Securable, func(a identity.SecurableInfo, b identity.Securable) int { return a.Compare(b) })
		if !ok || !reflect.DeepEqual(b.securables.list()[i], s) {
			more = append(more, s)
		}
	}
	return more
}

func (b *Builder) buildGrants(e *Estate, holders *interner[Holder]) {
	e.sets = b.sets.values
	meant := make([]int32, len(b.named.values))
	for i, n := range b.named.values {
		h := Holder{DeletedID: n.deletedID}
		if n.name != "" {
			h = e.resolve(n.name)
		}
		meant[i] = holders.add(h)
	}
	e.grants = make([]row, 0, len(b.rows))
	e.grantsOn = make([]int32, len(e.securables)+1)
	on := int32(0)
	for _, g := range b.granted.list() { // in order, as the securables are
		for ; e.securables[on].Securable != g.on; on++ {
			e.grantsOn[on+1] = int32(len(e.grants))
		}
		start := len(e.grants)
		for _, r := range b.rows[g.first:g.last] {
			e.grants = append(e.grants, row{on, meant[r.holder], r.set})
		}
		e.grants = e.grants[:start+len(sortRows(e.grants[start:], holders.values, e.sets))]
	}
	for ; int(on) < len(e.securables); on++ {
		e.grantsOn[on+1] = int32(len(e.grants))
	}
	e.grantsTo = e.byHolder(holders.values)
}

// sortRows puts the grants on one securable in order, each once.
func sortRows(rows []row, holders []Holder, sets [][]identity.Privilege) []row {
	slices.SortFunc(rows, func(a, b row) int {
		if a.holder != b.holder {
			return compareHolders(holders[a.holder], holders[b.holder])
		}
		return slices.Compare(sets[a.set], sets[b.set])
	})
	return slices.Compact(rows)
}

// byHolder sorts the grants by whom they name.
func (e *Estate) byHolder(holders []Holder) map[int32][]row {
	of := make([]int32, len(holders))
	for i, h := range holders {
		p, ok := e.principal[h.Key]
		if of[i] = p; !ok {
			of[i] = none
		}
	}
	to := map[int32][]row{}
	for _, r := range e.grants {
		if p := of[r.holder]; p != none {
			to[p] = append(to[p], r)
		}
	}
	return to
}

func compareHolders(a, b Holder) int {
	return cmp.Or(a.Key.Compare(b.Key), strings.Compare(a.Name, b.Name), strings.Compare(a.DeletedID, b.DeletedID))
}

// resolve finds whom Unity Catalog means by a name.
func (e *Estate) resolve(name string) Holder {
	if k, ok := workspaceGroup(name); ok {
		return Holder{Name: name, Key: k}
	}
	return e.choose(name, func(identity.PrincipalKey) bool { return true })
}

// choose finds the account principal of a name among those that fit. An exact spelling wins over one
// that differs in case; two principals that fit equally well are nobody.
func (e *Estate) choose(name string, fit func(identity.PrincipalKey) bool) Holder {
	h := Holder{Name: name}
	fits := slices.DeleteFunc(slices.Clone(e.names[identity.FoldName(name)]), func(i int32) bool { return !fit(e.principals[i].Key) })
	if len(fits) > 1 {
		exact := slices.DeleteFunc(slices.Clone(fits), func(i int32) bool { return e.principals[i].Name != name })
		if len(exact) > 0 {
			fits = exact
		}
	}
	switch len(fits) {
	case 0:
	case 1:
		h.Key = e.principals[fits[0]].Key
	default:
		h.Ambiguous = !e.onePerson(fits)
		if !h.Ambiguous {
			h.Key = e.principals[fits[0]].Key
		}
	}
	return h
}

// onePerson reports whether all of these are records of the same person as the first.
func (e *Estate) onePerson(records []int32) bool {
	for _, r := range records[1:] {
		if !slices.Contains(e.same[records[0]], r) {
			return false
		}
	}
	return true
}

// systemGroup matches the hidden groups that mirror a workspace's users and admins in Unity
// Catalog; the id of the workspace is at the end.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/admin-privileges
var systemGroup = regexp.MustCompile(`^_workspace_(admins|users)_(?:.+_)?(\d+)$`)

func workspaceGroup(name string) (identity.PrincipalKey, bool) {
	m := systemGroup.FindStringSubmatch(name)
	if m == nil {
		return identity.PrincipalKey{}, false
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	if err != nil {
		return identity.PrincipalKey{}, false
	}
	if m[1] == "admins" {
		return identity.WorkspaceAdmins(identity.WorkspaceID(n)), true
	}
	return identity.WorkspaceUsers(identity.WorkspaceID(n)), true
}

func (b *Builder) buildReads(e *Estate) {
	b.reads.settle(ordered(b.reads.list(), compareReads, keepLast))
	e.reads = b.reads.list()
	if slices.ContainsFunc(e.reads, func(r Read) bool { return e.Canonical(r.Key.Principal) != r.Key.Principal }) {
		e.reads = slices.Clone(e.reads)
		for i := range e.reads {
			e.reads[i].Key.Principal = e.Canonical(e.reads[i].Key.Principal)
		}
		e.reads = ordered(e.reads, compareReads, func(kept, again *Read) { kept.Outcome = worse(kept.Outcome, again.Outcome) })
	}
	e.read = indexOf(e.reads, func(r *Read) *ReadKey { return &r.Key })
	for i := range e.reads {
		e.note(&e.reads[i].Outcome, int32(i))
	}
}

// note keeps of the ledger what is asked of it as a whole.
func (e *Estate) note(o *Outcome, i int32) {
	if !o.OK() {
		e.unread = append(e.unread, e.reads[i])
	}
	if o.At.IsZero() || !o.OK() && !o.Partial {
		return
	}
	if e.oldest.IsZero() || o.At.Before(e.oldest) {
		e.oldest = o.At
	}
	if o.At.After(e.newest) {
		e.newest = o.At
	}
}

// settle marks the groups below which nothing is hidden: a group whose members were not read hides
// something in every group above it.
func settle(e *Estate) {
	e.settled = make([]bool, len(e.principals))
	var hiding []int32
	for i, p := range e.principals {
		e.settled[i] = e.Saw(ReadKey{Op: OpMembers, Principal: p.Key})
		if p.Key.Kind == identity.KindGroup && !e.settled[i] {
			e.unlisted = append(e.unlisted, p.Key)
			hiding = append(hiding, int32(i))
		}
	}
	for len(hiding) > 0 {
		i := hiding[0]
		hiding = hiding[1:]
		for _, above := range e.parents[i] {
			if e.settled[above] {
				e.settled[above] = false
				hiding = append(hiding, above)
			}
		}
	}
}

// interner gives equal values one index.
type interner[T comparable] struct {
	values []T
	index  map[T]int32
}

func (in *interner[T]) add(v T) int32 {
	if i, ok := in.index[v]; ok {
		return i
	}
	i := int32(len(in.values))
	in.values = append(in.values, v)
	in.index[v] = i
	return i
}

// setInterner gives equal sets of privileges one index.
type setInterner struct {
	values [][]identity.Privilege // sorted
	index  map[string]int32
	key    []byte
}

func (in *setInterner) add(ps []identity.Privilege) int32 {
	if i, ok := in.index[string(in.spell(ps))]; ok {
		return i
	}
	sorted := identity.SortPrivileges(slices.Clone(ps))
	i, ok := in.index[string(in.spell(sorted))]
	if !ok {
		i = int32(len(in.values))
		in.values = append(in.values, sorted)
		in.index[string(in.key)] = i
	}
	in.index[string(in.spell(ps))] = i // in this order, too
	return i
}

// spell makes the key of a list of privileges, which is good until the next one.
func (in *setInterner) spell(ps []identity.Privilege) []byte {
	in.key = in.key[:0]
	for _, p := range ps {
		in.key = append(append(in.key, p...), 0)
	}
	return in.key
}
