package accesstest

import (
	"math/rand/v2"
	"slices"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Facts are flat lists of what is so. Holders and owners are names, as Unity Catalog has them.
type Facts struct {
	Principals  []identity.Principal
	Memberships []identity.Membership
	SamePerson  [][2]identity.PrincipalKey
	Workspaces  []identity.WorkspaceID
	Assignments []identity.Assignment
	Metastores  []identity.Metastore
	Attachments []Attachment
	Securables  []identity.SecurableInfo
	Grants      []identity.Grant
	Bindings    []Binding

	Roles        []identity.RoleGrant
	Entitlements []Endowment
	Objects      []identity.ObjectInfo
	Permissions  []Permission
}

// Attachment says that a metastore is assigned to a workspace.
type Attachment struct {
	Metastore string
	Workspace identity.WorkspaceID
}

// Binding says that a workspace may use an isolated securable.
type Binding struct {
	On identity.Securable
	identity.Binding
}

// World is a whole account and what a crawl of it fails to read. Its zero value is an empty account.
type World struct {
	Facts
	// Hidden are the reads that do not succeed. Any read of Reads that is not here succeeds.
	Hidden map[estate.ReadKey]Gap
	// Order seeds the order in which Estate adds the facts.
	Order uint64
	// EditNeedsUser chooses between two readings of the documentation: that changing a job which runs as a
	// service principal takes the right to use that. It is for what is asked, and no fact.
	EditNeedsUser bool
}

// Gap is how a read fails.
type Gap struct {
	// Kind is entered in the ledger; when it is empty the read was never planned and the ledger
	// does not mention it.
	Kind identity.FailureKind
	// Keep says which facts of the read came back all the same: bit i for the i-th, up to 64.
	Keep uint64
	// Spare says that the question had no need of the read.
	Spare bool
}

// sightings are what a crawl brought home.
type sightings struct {
	Facts
	// Ancestors say that somebody is in a group somehow.
	Ancestors []identity.Membership
	Reads     map[estate.ReadKey]estate.Outcome

	editNeedsUser bool // see World
}

// saw reports whether the whole answer of a read came home.
func (s *sightings) saw(k estate.ReadKey) bool {
	o, planned := s.Reads[k]
	return planned && o.OK()
}

// listed finds a securable that came home.
func (f *Facts) listed(s identity.Securable) (identity.SecurableInfo, bool) {
	for _, info := range f.Securables {
		if info.Securable == s {
			return info, true
		}
	}
	return identity.SecurableInfo{}, false
}

func isAccountGroup(k identity.PrincipalKey) bool {
	return k.Kind == identity.KindGroup && k.Workspace == 0
}

// isListedAccountUsers recognises the record that the account's group list has of the implicit
// group: it has a number there, and its members are never asked for.
func isListedAccountUsers(p identity.Principal) bool {
	return isAccountGroup(p.Key) && p.Name == identity.AccountUsersName
}

// isolatable reports whether workspaces are bound to securables of the type itself.
func isolatable(t identity.SecurableType) bool {
	switch t {
	case identity.TypeCatalog, identity.TypeExternalLocation, identity.TypeStorageCredential, identity.TypeServiceCredential:
		return true
	default:
		return false
	}
}

// The keys of reads, so that they are spelled once.

func readParents(k identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpParents, Principal: k}
}

func readMembers(k identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpMembers, Principal: k}
}

func readPrincipal(k identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpPrincipal, Principal: k}
}

func readAssignments(ws identity.WorkspaceID) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpAssignments, Workspace: ws}
}

func readAttachments(metastore string) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable(metastore)}
}

func readGrants(on identity.Securable) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpGrants, Securable: on}
}

func readBindings(on identity.Securable) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpBindings, Securable: on}
}

func readListing(of identity.Securable) estate.ReadKey {
	parent, _ := of.Parent()
	t := of.Type
	if t == identity.TypeStorageCredential || t == identity.TypeServiceCredential {
		t = identity.AnyCredential // one listing has both
	}
	return estate.ReadKey{Op: estate.OpChildren, Securable: parent, Type: t}
}

var readGroups = estate.ReadKey{Op: estate.OpGroups}

// Reads are the reads of a crawl that leaves nothing out, each once, in the order of the facts.
func (w World) Reads() []estate.ReadKey {
	keys := []estate.ReadKey{{Op: estate.OpReach}, readGroups, {Op: estate.OpWorkspaces}, {Op: estate.OpMetastores}}
	add := func(k estate.ReadKey) {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for _, p := range w.Principals {
		if p.Key.Workspace != 0 || isListedAccountUsers(p) {
			continue
		}
		add(readPrincipal(p.Key))
		add(readParents(p.Key))
		if p.Key.Kind == identity.KindGroup {
			add(readMembers(p.Key))
		} else {
			add(estate.ReadKey{Op: estate.OpAliases, Principal: p.Key})
		}
	}
	for _, ws := range w.Workspaces {
		add(readAssignments(ws))
	}
	for _, m := range w.Metastores {
		on := identity.MetastoreSecurable(m.ID)
		add(readAttachments(m.ID))
		add(estate.ReadKey{Op: estate.OpVisibility, Securable: on})
		add(readGrants(on))
	}
	for _, s := range w.Securables {
		add(readListing(s.Securable))
		add(readGrants(s.Securable))
		if s.Isolation == identity.Isolated {
			add(readBindings(s.Securable))
		}
	}
	for _, k := range w.placeReads() {
		add(k)
	}
	return keys
}

// Hideable reports whether a read may be in Hidden. The others stand for knowledge that every crawl
// has before it asks about access.
//
// The list of groups must stay whole where a name depends on it: with one of two bearers of a name
// unread, the name would seem to be the other's, which no engine could notice.
func (w World) Hideable(k estate.ReadKey) bool {
	switch k.Op {
	case estate.OpGroups:
		return !w.namesNeedList()
	case estate.OpChildren:
		return !w.hasViews(k)
	case estate.OpMembers, estate.OpParents, estate.OpPrincipal, estate.OpAssignments,
		estate.OpMetastoreWorkspaces, estate.OpGrants, estate.OpBindings,
		estate.OpRoles, estate.OpEntitlements, estate.OpObjects, estate.OpObjectGrants:
		return true
	default:
		return false
	}
}

func (w World) namesNeedList() bool {
	for i, p := range w.Principals {
		if isListedAccountUsers(p) {
			return true
		}
		for _, q := range w.Principals[:i] {
			if isAccountGroup(p.Key) && isAccountGroup(q.Key) && identity.SameName(p.Name, q.Name) {
				return true
			}
		}
	}
	return false
}

// hide gives the world with one more read that fails.
func (w World) hide(k estate.ReadKey, g Gap) World {
	hidden := map[estate.ReadKey]Gap{k: g}
	for old, gap := range w.Hidden {
		if old != k {
			hidden[old] = gap
		}
	}
	w.Hidden = hidden
	return w
}

// sightings goes on the crawl.
func (w World) sightings() sightings {
	s := sightings{Reads: map[estate.ReadKey]estate.Outcome{}, editNeedsUser: w.EditNeedsUser}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	planned := w.Reads()
	for _, k := range planned {
		gap, fails := w.Hidden[k]
		switch {
		case !fails:
			s.Reads[k] = estate.Outcome{Needed: true, At: at}
		case gap.Kind != "":
			s.Reads[k] = estate.Outcome{Kind: gap.Kind, Needed: !gap.Spare, Partial: gap.Keep != 0, At: at}
		}
	}
	s.Workspaces, s.Metastores, s.SamePerson = w.Workspaces, w.Metastores, w.SamePerson

	// nth counts the facts of each read, so that Keep can name them.
	nth := map[estate.ReadKey]int{}
	brings := func(k estate.ReadKey) bool {
		i := nth[k]
		nth[k]++
		return s.saw(k) || i < 64 && w.Hidden[k].Keep>>i&1 == 1
	}

	for _, p := range w.Principals {
		known := isListedAccountUsers(p)
		switch {
		case p.Key.Workspace != 0:
			known = s.saw(readLocals(p.Key.Workspace)) // in part, a name would be somebody else's
		case isAccountGroup(p.Key) && !known:
			// A group comes by name with the list, or with its members, or by itself.
			known = brings(readGroups) || s.saw(readMembers(p.Key))
		}
		if known || s.saw(readPrincipal(p.Key)) {
			s.Principals = append(s.Principals, p)
		}
	}
	for _, m := range w.Memberships {
		if m.Group.Workspace != 0 {
			if brings(readLocalParents(m)) {
				s.Memberships = append(s.Memberships, m)
			}
			continue
		}
		came := brings(readMembers(m.Group)) && slices.ContainsFunc(s.Principals, func(p identity.Principal) bool { return p.Key == m.Group })
		if came {
			s.Memberships = append(s.Memberships, m)
		}
	}
	for _, p := range w.Principals {
		above := climb(w.Memberships, p.Key)
		for _, g := range w.Principals {
			if isAccountGroup(g.Key) && g.Key != p.Key && slices.Contains(above, g.Key) && brings(readParents(p.Key)) {
				s.Ancestors = append(s.Ancestors, identity.Membership{Member: p.Key, Group: g.Key})
			}
		}
	}
	for _, a := range w.Assignments {
		if brings(readAssignments(a.Workspace)) {
			s.Assignments = append(s.Assignments, a)
		}
	}
	for _, a := range w.Attachments {
		if brings(readAttachments(a.Metastore)) {
			s.Attachments = append(s.Attachments, a)
		}
	}
	for _, info := range w.Securables {
		if brings(readListing(info.Securable)) {
			s.Securables = append(s.Securables, info)
			continue
		}
		if isolatable(info.Type) {
			// An estate cannot tell a catalog whose grants alone were read from one that was listed
			// without an isolation mode, so no crawl here reads those grants.
			delete(s.Reads, readGrants(info.Securable))
			delete(s.Reads, readBindings(info.Securable))
		}
	}
	missing := func(on identity.Securable) bool {
		_, listed := s.listed(on)
		return !listed && isolatable(on.Type)
	}
	for _, g := range w.Grants {
		if brings(readGrants(g.Securable)) && !missing(g.Securable) {
			s.Grants = append(s.Grants, g)
		}
	}
	for _, b := range w.Bindings {
		came := brings(readBindings(b.On)) && !missing(b.On)
		// A read-only binding beside unread ones could be taken either way, so it comes whole or
		// not at all. A list for an open securable is stale and never read; it is there all the same.
		stale := !slices.Contains(planned, readBindings(b.On)) && !missing(b.On)
		if came && (!b.ReadOnly || s.saw(readBindings(b.On))) || stale {
			s.Bindings = append(s.Bindings, b)
		}
	}
	w.seePlaces(&s, brings)
	return s
}

// climb gives the keys and every group above them: passes over all edges until nothing changes.
func climb(edges []identity.Membership, from ...identity.PrincipalKey) []identity.PrincipalKey {
	reached := slices.Clone(from)
	for grew := true; grew; {
		grew = false
		for _, e := range edges {
			if slices.Contains(reached, e.Member) && !slices.Contains(reached, e.Group) {
				reached = append(reached, e.Group)
				grew = true
			}
		}
	}
	return reached
}

// Estate is what a crawl of the world leaves behind. Facts are added in an order that depends on
// Order alone.
func (w World) Estate() *estate.Estate {
	s := w.sightings()
	rng := rand.New(rand.NewPCG(w.Order, 1))
	b := estate.NewBuilder("account")
	var facts []func()
	add := func(f func()) { facts = append(facts, f) }

	for _, p := range s.Principals {
		if p.Key.Kind == identity.KindGroup {
			add(func() { b.AddGroup(identity.Group{Principal: p}) })
		} else {
			add(func() { b.AddPrincipal(p) })
		}
		for _, m := range s.Memberships {
			if m.Group == p.Key && p.Key.Workspace == 0 {
				add(func() {
					b.AddGroup(identity.Group{Principal: p, Members: []identity.PrincipalKey{m.Member}, MembersListed: true})
				})
			}
		}
	}
	s.addPlaces(b, add)
	for _, a := range s.Ancestors {
		add(func() { b.AddAncestor(a.Member, a.Group) })
	}
	for _, pair := range s.SamePerson {
		add(func() { b.AddSamePerson(pair[0], pair[1]) })
	}
	for _, ws := range s.Workspaces {
		add(func() { b.AddWorkspace(identity.Workspace{ID: ws, Name: "ws" + ws.String(), Status: "RUNNING"}) })
	}
	for _, m := range s.Metastores {
		add(func() { b.AddMetastore(m) })
	}
	for _, a := range s.Attachments {
		add(func() { b.AttachMetastore(a.Metastore, a.Workspace) })
	}
	for _, a := range s.Assignments {
		add(func() { b.AddAssignment(a) })
	}
	for _, info := range s.Securables {
		add(func() { b.AddSecurable(info) })
	}
	// The Builder takes all grants on a securable at once, and all bindings.
	grants := map[identity.Securable][]identity.Grant{}
	for _, g := range s.Grants {
		grants[g.Securable] = append(grants[g.Securable], g)
	}
	bindings := map[identity.Securable][]identity.Binding{}
	for _, bound := range s.Bindings {
		bindings[bound.On] = append(bindings[bound.On], bound.Binding)
	}
	for _, k := range w.Reads() {
		outcome, planned := s.Reads[k]
		if planned {
			add(func() { b.Record(k, outcome) })
		}
		if rows := grants[k.Securable]; k.Op == estate.OpGrants && (s.saw(k) || len(rows) > 0) {
			rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			add(func() { b.AddGrants(k.Securable, rows) })
		}
	}
	for _, info := range s.Securables {
		if rows := bindings[info.Securable]; len(rows) > 0 {
			// In the order of the facts: the estate hands bindings out as they came.
			add(func() { b.AddBindings(info.Securable, rows) })
		}
	}
	rng.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
	for _, f := range facts {
		f()
	}
	return b.Build()
}
