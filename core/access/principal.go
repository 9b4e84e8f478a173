package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// nestingLimit is how many layers of groups Databricks supports.
//
// https://docs.databricks.com/aws/en/resources/limits
const nestingLimit = 10

// Also is what a question asks for besides what belongs to every answer.
type Also struct{ Objects, LocalGroups bool }

// Principal answers what a principal can reach, everywhere, and by which path. The envelope is left
// to the caller.
func (m *Model) Principal(key identity.PrincipalKey, also Also) *report.PrincipalReport {
	s := m.Subject(key)
	a := audit{Subject: s}
	r := &report.PrincipalReport{
		Principal:   a.principal(s.key),
		Memberships: a.memberships(),
		Workspaces:  a.workspaces(),
		Grants:      a.grants(),
		Roles:       a.roles(),
	}
	if also.Objects {
		r.Objects = a.objects()
	}
	if also.LocalGroups {
		r.LocalGroups = a.localGroups()
	}
	r.CatalogOnlyGroups, r.UnusedGroups, r.UndecidedGroups = a.idleGroups()
	r.Notes = a.notes(r)
	return r
}

// audit turns what a subject is and has into the parts of a report.
type audit struct{ *Subject }

// groups are the groups that the subject is in, nearest first: account users too for those that log
// in, while a group is not in it but acts with what it gives.
func (a audit) groups() []identity.PrincipalKey {
	persons := a.persons()
	return slices.DeleteFunc(slices.Clone(a.Identities()), func(k identity.PrincipalKey) bool {
		return slices.Contains(persons, k) || a.key.Kind == identity.KindGroup && k == identity.AccountUsers()
	})
}

func (a audit) memberships() []report.Membership {
	list := []report.Membership{}
	for _, g := range a.groups() {
		paths, omitted := a.Paths(g)
		m := report.Membership{Group: a.principal(g), PathsOmitted: omitted, Paths: []report.Path{}, WayUnknown: a.wayUnknown(g)}
		m.WayUnknown = m.WayUnknown || len(paths) == 0
		for _, p := range paths {
			m.Direct = m.Direct || a.direct(p)
			m.Paths = append(m.Paths, a.names(p))
		}
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(x, y report.Membership) int {
		return strings.Compare(identity.FoldName(x.Group.Name), identity.FoldName(y.Group.Name))
	})
	return list
}

// wayUnknown reports whether there may be ways to the group that are not known: its own members, or
// those of a group below it that the subject is in, were not read.
func (a audit) wayUnknown(g identity.PrincipalKey) bool {
	return g != identity.AccountUsers() && !a.e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: g})
}

// direct reports whether the path has no group between the person and its end.
func (a audit) direct(p Path) bool {
	persons := a.persons()
	for _, k := range p[:len(p)-1] {
		if !slices.Contains(persons, k) {
			return false
		}
	}
	return true
}

func (a audit) workspaces() []report.WorkspaceAccess {
	list := []report.WorkspaceAccess{}
	for _, w := range a.e.Workspaces() {
		at, _ := a.standing(w.ID)
		via := a.via(w.ID)
		everybody := via == identity.AccountUsers() && a.key != identity.AccountUsers()
		if at.assigned != Allowed || everybody && a.key.Kind == identity.KindGroup {
			continue // that everybody may enter is not the group's doing
		}
		list = append(list, report.WorkspaceAccess{
			ID: w.ID.String(), Name: a.e.WorkspaceName(w.ID), URL: w.Host,
			Access: at.permission.String(), Path: a.shortest(via),
		})
	}
	return list
}

// grants lists what is held: rows that name an identity of the subject, and what it owns. The
// groups of the workspaces that it can enter count too.
func (a audit) grants() []report.Grant {
	list := []report.Grant{}
	use := newUsability(a)
	for _, k := range a.holders() {
		list = append(list, use.grantsOf(k)...)
	}
	return list
}

// grantsOf lists what names one identity of the subject.
func (a audit) grantsOf(k identity.PrincipalKey) []report.Grant {
	return newUsability(a).grantsOf(k)
}

func (u usability) grantsOf(k identity.PrincipalKey) []report.Grant {
	var list []report.Grant
	source, path := u.source(k), slices.Clip(u.shortest(k))
	add := func(on identity.Securable, ps []identity.Privilege, source string) {
		at := u.of(k.Workspace, on, ps)
		list = append(list, report.Grant{
			Securable: u.securable(on), Privileges: ps, Source: source, Path: path,
			ReachableIn: at.in, ReachUnknown: at.unknown, Caveats: grantCaveats(ps, on.Type),
		})
	}
	for g := range u.e.GrantsTo(k) {
		add(g.Securable, g.Privileges, source)
	}
	for s := range u.e.OwnedBy(k) {
		add(s.Securable, []identity.Privilege{report.Owner}, report.SourceOwner)
	}
	return list
}

// holders are the identities that can hold grants, the implicit groups of workspaces included.
func (a audit) holders() []identity.PrincipalKey {
	keys := append(a.persons(), a.groups()...)
	if a.key.Kind == identity.KindGroup {
		return keys // what everybody has is not the group's
	}
	for _, w := range a.e.Workspaces() {
		if a.In(identity.WorkspaceUsers(w.ID)) == Allowed {
			keys = append(keys, identity.WorkspaceUsers(w.ID))
		}
		if a.In(identity.WorkspaceAdmins(w.ID)) == Allowed {
			keys = append(keys, identity.WorkspaceAdmins(w.ID))
		}
	}
	return keys
}

func (a audit) source(k identity.PrincipalKey) string {
	switch {
	case slices.Contains(a.persons(), k):
		return report.SourceDirect
	case k == identity.AccountUsers() || k.Workspace != 0 && (k == identity.WorkspaceUsers(k.Workspace) || k == identity.WorkspaceAdmins(k.Workspace)):
		return report.SourceImplicit
	default:
		return report.SourceGroup
	}
}

// usability works out from where grants can be used, once for all that stands under the same
// conditions: most grants are on tables, and for tables the schema decides.
type usability struct {
	audit
	known   map[usabilityKey]usable
	reaches map[reachKey][]Verdict // per workspace, in order
}

func newUsability(a audit) usability {
	return usability{a, map[usabilityKey]usable{}, map[reachKey][]Verdict{}}
}

// reachKey is what decides from where a securable can be reached for a privilege: see reaches.
type reachKey struct {
	carrier   identity.Securable // of the bindings
	metastore string
	privilege identity.Privilege
}

type usabilityKey struct {
	only identity.WorkspaceID // a group of one workspace counts there only; zero for all others
	// at is what decides: a securable stands for itself, and what is in a schema shares the schema's.
	at       identity.Securable
	inSchema bool
	held     string // the privileges
}

// usable is from where something can be used. Its list is shared by the rows of a report.
type usable struct {
	in      []string
	unknown bool
}

func (u usability) of(only identity.WorkspaceID, on identity.Securable, ps []identity.Privilege) usable {
	key := usabilityKey{only: only, at: on, inSchema: on.Type.InSchema()}
	if key.inSchema {
		key.at, _ = on.Parent()
	}
	if len(ps) == 1 {
		key.held = string(ps[0])
	} else {
		for _, p := range ps {
			key.held += string(p) + "\x00"
		}
	}
	if known, ok := u.known[key]; ok {
		return known
	}
	found := usable{in: []string{}}
	for i, v := range u.anywhere(on, ps) {
		w := u.e.Workspaces()[i]
		switch {
		case only != 0 && only != w.ID || !w.Running(): // a workspace's own groups count there only, and a stopped one serves nobody
		case v == Allowed:
			found.in = append(found.in, u.e.WorkspaceName(w.ID))
		case v == Unknown:
			found.unknown = true
		}
	}
	found.in = slices.Clip(found.in)
	u.known[key] = found
	return found
}

func grantCaveats(ps []identity.Privilege, on identity.SecurableType) (caveats []string) {
	for _, p := range ps {
		if p != report.Owner && !p.Known() && p.FromLegacy(on)[0] == p {
			caveats = append(caveats, fmt.Sprintf("privilege %s is not in the reference this tool knows: shown as granted", p))
		}
		if p == identity.Select && on == identity.TypeMetastore {
			caveats = append(caveats, "SELECT on a metastore gives nothing")
		}
	}
	return caveats
}

// anywhere says for each workspace whether at least one of the privileges is of use there.
func (u usability) anywhere(on identity.Securable, ps []identity.Privilege) []Verdict {
	answers := make([]Verdict, len(u.e.Workspaces()))
	for i := range answers {
		answers[i] = Denied
	}
	localised := u.e.Localised(on)
	for _, p := range ps {
		reach := u.reach(on, p)
		if !slices.ContainsFunc(reach, func(v Verdict) bool { return v != Denied }) {
			continue
		}
		usual := u.prerequisite(p, on, 0)
		for i, w := range u.e.Workspaces() {
			needed := usual
			if slices.Contains(localised, w.ID) {
				needed = u.prerequisite(p, on, w.ID)
			}
			answers[i] = Any(answers[i], All(reach[i], needed))
		}
	}
	return answers
}

// reach says for each workspace whether the securable can be reached from there for the privilege.
func (u usability) reach(on identity.Securable, p identity.Privilege) []Verdict {
	key := reachKey{bindable(on), on.Metastore, p}
	if known, ok := u.reaches[key]; ok {
		return known
	}
	var found []Verdict
	for _, w := range u.e.Workspaces() {
		found = append(found, u.Reaches(on, p, w.ID))
	}
	u.reaches[key] = found
	return found
}

// prerequisite says whether the containers let the subject use a privilege on the securable. BROWSE
// shows metadata without any other right; authority over a container works on it without using it.
func (a audit) prerequisite(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	switch p {
	case identity.Browse:
		return Allowed
	case identity.Manage, report.Owner:
		parent, ok := on.Parent()
		if !ok {
			return Allowed
		}
		return a.Enters(parent, in)
	default:
		return a.Enters(on, in)
	}
}

// The roles that are not account roles of the SCIM API but follow from other facts.
const (
	roleWorkspaceAdmin = "workspace_admin"
	roleMetastoreAdmin = "metastore_admin"
)

func (a audit) roles() []report.Role {
	list := []report.Role{}
	for _, k := range a.Identities() {
		p, _ := a.e.Principal(k)
		for _, role := range slices.Compact(slices.Sorted(slices.Values(p.Roles))) {
			list = append(list, report.Role{Role: role, Scope: "account", Path: a.shortest(k)})
		}
	}
	for _, m := range a.e.Metastores() {
		owner, known := a.e.MetastoreAdmin(m.ID)
		if known && !owner.Key.IsZero() && a.In(owner.Key) == Allowed {
			list = append(list, report.Role{Role: roleMetastoreAdmin, Scope: a.e.MetastoreName(m.ID), Path: a.shortest(owner.Key)})
		}
	}
	for _, w := range a.e.Workspaces() {
		if at, _ := a.standing(w.ID); at.permission == identity.WorkspaceAdmin {
			list = append(list, report.Role{Role: roleWorkspaceAdmin, Scope: a.e.WorkspaceName(w.ID), Path: a.shortest(a.via(w.ID))})
		}
	}
	return list
}

// Doubts gives the grants of which it cannot be told whether they are the subject's: several
// principals bear the holder's name, and the subject is, or may be, in one of them.
func (m *Model) Doubts(key identity.PrincipalKey) []estate.Grant {
	s := m.Subject(key)
	var doubts []estate.Grant
	for g := range m.e.Ambiguous() {
		if s.meansOneOf(g.Holder.Name) == Unknown {
			doubts = append(doubts, g)
		}
	}
	return doubts
}

// idleGroups finds the groups that give Unity Catalog access but no way into a workspace, those that
// were seen to give nothing, and those of which it cannot be told. A group gives what the groups
// above it give.
func (a audit) idleGroups() (catalogOnly, unused, undecided []report.Principal) {
	catalogOnly, unused, undecided = []report.Principal{}, []report.Principal{}, []report.Principal{}
	unread := a.unreadGroups()
	entering, holding := a.giving()
	named := a.namedByObjects()
	assignments, grants, objects := a.allAssignmentsSeen(), a.allGrantsSeen(), a.allObjectsSeen()
	for _, k := range a.groups() {
		if k.Workspace != 0 || k == identity.AccountUsers() {
			continue
		}
		workspace, catalog, object := assignments, grants, objects
		if !a.MembershipsKnown() || !a.allAbove(unread, k) {
			workspace, catalog, object = Unknown, Unknown, Unknown // there may be more above it
		}
		if entering[a.web().place[k]] {
			workspace = Allowed
		}
		if holding[a.web().place[k]] {
			catalog = Allowed
		}
		if named[a.web().place[k]] {
			object = Allowed
		}
		switch {
		case workspace == Allowed:
		case workspace == Denied && catalog == Allowed:
			catalogOnly = append(catalogOnly, a.principal(k))
		case workspace == Denied && object == Allowed && catalog != Unknown: // of use to whoever enters otherwise
		case workspace == Denied && catalog == Denied && object == Denied:
			unused = append(unused, a.principal(k))
		default:
			undecided = append(undecided, a.principal(k))
		}
	}
	return catalogOnly, unused, undecided
}

// giving finds the identities that are assigned to a workspace or have an account role, or are below
// one that is, and those that hold something in Unity Catalog, or are below one that does.
func (a audit) giving() (entering, holding []bool) {
	entering, holding = make([]bool, len(a.Identities())), make([]bool, len(a.Identities()))
	for _, w := range a.e.Workspaces() {
		for _, as := range a.e.Assignments(w.ID) {
			if i, ok := a.web().place[as.Principal]; ok {
				entering[i] = true
			}
		}
	}
	for i, k := range a.Identities() {
		p, _ := a.e.Principal(k)
		entering[i] = entering[i] || len(p.Roles) > 0
		for range a.e.GrantsTo(k) {
			holding[i] = true
			break
		}
		for range a.e.OwnedBy(k) {
			holding[i] = true
			break
		}
	}
	a.handDown(entering)
	a.handDown(holding)
	return entering, holding
}

// namedByObjects finds the identities that permissions on workspace objects name, and those below one.
func (a audit) namedByObjects() []bool {
	named := make([]bool, len(a.Identities()))
	for _, o := range a.e.Objects() {
		for _, g := range a.e.ObjectGrants(o.Object) {
			if i, ok := a.web().place[a.e.Canonical(g.Holder.Key)]; ok {
				named[i] = true
			}
		}
	}
	a.handDown(named)
	return named
}

// handDown marks whoever is below an identity that is marked.
func (a audit) handDown(marked []bool) {
	var queue []int32
	for i, is := range marked {
		if is {
			queue = append(queue, int32(i))
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, i := range a.below(queue[0]) {
			if !marked[i] {
				marked[i] = true
				queue = append(queue, i)
			}
		}
	}
}

// below are the identities that are directly in one, by their members as they were read.
func (a audit) below(group int32) []int32 {
	return slices.DeleteFunc(slices.Clone(a.web().down[group]), func(i int32) bool {
		return !in(a.e.Parents(a.Identities()[i]), a.Identities()[group])
	})
}

// unreadGroups are the groups of the subject whose members were not read.
func (a audit) unreadGroups() []identity.PrincipalKey {
	return slices.DeleteFunc(a.groups(), func(g identity.PrincipalKey) bool {
		return g == identity.AccountUsers() || a.e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: g})
	})
}

// allAbove reports whether the groups are all among a group of the subject and those above it. What is
// above a group of the subject is above the subject too, so it is among the subject's own groups; the
// ways between them come from reading the members of each.
func (a audit) allAbove(groups []identity.PrincipalKey, k identity.PrincipalKey) bool {
	if len(groups) == 0 {
		return true
	}
	above := map[identity.PrincipalKey]bool{k: true}
	for queue := []identity.PrincipalKey{k}; len(queue) > 0; queue = queue[1:] {
		for parent := range a.e.Parents(queue[0]) {
			if !above[parent] {
				above[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	return !slices.ContainsFunc(groups, func(g identity.PrincipalKey) bool { return !above[g] })
}

// allAssignmentsSeen is Denied when the assignments of every workspace were read, so that what was
// not seen is not there, and Unknown otherwise.
func (a audit) allAssignmentsSeen() Verdict {
	if !a.e.Saw(estate.ReadKey{Op: estate.OpWorkspaces}) || a.e.Missed(estate.ReadKey{Op: estate.OpReach}) {
		return Unknown
	}
	for _, m := range a.e.Metastores() {
		for _, id := range a.e.MetastoreWorkspaces(m.ID) {
			if _, listed := a.e.Workspace(id); !listed {
				return Unknown
			}
		}
	}
	for _, w := range a.e.Workspaces() {
		if !a.e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID}) {
			return Unknown
		}
	}
	return Denied
}

// allGrantsSeen is Denied when every needed read of grants and listings succeeded, so that what was
// not seen is not there, and Unknown otherwise.
func (a audit) allGrantsSeen() Verdict {
	needed := []estate.Op{estate.OpReach, estate.OpMetastores, estate.OpMetastoreWorkspaces, estate.OpVisibility, estate.OpChildren, estate.OpGrants}
	for _, r := range a.e.Unread() {
		if r.Key.Op == estate.OpChildren && r.Outcome.Kind == identity.NotAsked || slices.Contains(needed, r.Key.Op) && r.Blocking() {
			return Unknown // a group may hold something only where nobody looked
		}
	}
	if a.e.Interrupted() || len(a.m.Doubts(a.key)) > 0 {
		return Unknown
	}
	return Denied
}

// allObjectsSeen is Denied when every needed read of workspace objects succeeded; those that were not asked
// for are not needed.
func (a audit) allObjectsSeen() Verdict {
	for _, op := range []estate.Op{estate.OpObjects, estate.OpObjectGrants, estate.OpDirectory, estate.OpEntitlements} {
		if slices.ContainsFunc(a.e.ReadsOf(op), estate.Read.Blocking) {
			return Unknown
		}
	}
	return Denied
}

func (a audit) notes(r *report.PrincipalReport) []string {
	var notes []string
	if p, _ := a.e.Principal(a.key); p.Status == identity.StatusInactive {
		notes = append(notes, "deactivated: it cannot log in or call APIs; everything listed is latent and comes back when it is reactivated")
	}
	if a.key.Kind == identity.KindGroup {
		notes = append(notes, "the subject is a group: what everybody has through account users counts for what it can use, and is not listed")
	}
	for _, g := range a.groups() {
		if path := a.Shortest(g); a.layers(path) > nestingLimit {
			notes = append(notes, fmt.Sprintf("%s is more than %d layers of groups away: Databricks may not honour it", a.name(g), nestingLimit))
		}
	}
	if circle := a.circle(); circle != nil {
		notes = append(notes, a.nesting(circle))
	}
	return notes
}

// layers counts the groups on a path.
func (a audit) layers(p Path) (n int) {
	for _, k := range p {
		if k != a.key && k.Kind == identity.KindGroup {
			n++
		}
	}
	return n
}

// circle finds a chain of groups that leads back to its start, if the subject is in one.
func (a audit) circle() Path {
	for _, k := range a.groups() {
		for parent := range a.e.Parents(k) {
			if a.m.below(parent, k) {
				return append(Path{k}, a.m.Subject(parent).Shortest(k)...)
			}
		}
	}
	return nil
}

func (a audit) nesting(circle Path) string {
	return "groups nest in a circle: " + strings.Join(a.names(circle), " → ")
}

// wayUnknown stands in a path for a way that the facts do not show.
const wayUnknown = "…"

// shortest is the path that reports show for a right held by k.
func (a audit) shortest(k identity.PrincipalKey) report.Path {
	if path := a.Shortest(k); path != nil {
		return a.names(path)
	}
	if k.Workspace != 0 {
		return append(a.shortest(a.via(k.Workspace)), a.name(k))
	}
	return report.Path{a.name(a.key), wayUnknown, a.name(k)}
}

func (a audit) names(p Path) report.Path {
	names := make(report.Path, 0, len(p))
	for _, k := range p {
		names = append(names, a.name(k))
	}
	return names
}

// name is what reports call a principal in a path. The implicit groups of a workspace say which.
func (a audit) name(k identity.PrincipalKey) string {
	p, ok := a.e.Principal(k)
	switch {
	case k.Workspace != 0:
		return cmp.Or(p.Name, k.ID) + "@" + a.e.WorkspaceName(k.Workspace)
	case !ok || p.Name == "":
		return k.Kind.Title() + " " + k.ID
	default:
		return p.Name
	}
}

func (a audit) principal(k identity.PrincipalKey) report.Principal {
	p, _ := a.e.Principal(k)
	r := Describe(p)
	if in := p.Key.Workspace; in != 0 {
		r.Workspace = a.e.WorkspaceName(in)
	}
	return r
}

// Describe is a principal as reports show it.
func Describe(p identity.Principal) report.Principal {
	r := report.Principal{
		ID: p.Key.ID, Kind: p.Key.Kind.String(), Name: p.Name, DisplayName: p.DisplayName,
		Source: p.Origin.String(), Aliases: slices.Sorted(slices.Values(p.Aliases)),
	}
	if r.Aliases == nil {
		r.Aliases = []string{}
	}
	if active := p.Status == identity.StatusActive || p.Key.Kind == identity.KindGroup; active || p.Status == identity.StatusInactive {
		r.Active = &active
	}
	return r
}

func (a audit) securable(on identity.Securable) report.Securable {
	s := report.Securable{Type: on.Type, FullName: on.FullName(), Metastore: a.e.MetastoreName(on.Metastore)}
	if on.Type == identity.TypeMetastore {
		s.FullName = s.Metastore
	}
	if owner, known := a.e.Owner(on); known {
		name := owner.Name // and not all of the holder
		s.Owner = &name
	}
	return s
}
