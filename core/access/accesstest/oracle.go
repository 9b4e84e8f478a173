package accesstest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

// Oracle answers for one principal of a World, knowing no more of it than a crawl saw. It is slow
// and plain on purpose: every answer walks flat lists from end to end.
//
// An answer is Allowed when what was seen suffices, Denied when nothing that was not seen could
// supply what is missing, and Unknown otherwise.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/permissions-concepts
type Oracle struct {
	seen    sightings
	subject identity.PrincipalKey
	records []identity.PrincipalKey // the subject and the other records of the same person

	certain  []identity.PrincipalKey // records, and every group that one of them is in for sure
	possible []identity.PrincipalKey // certain, and every listed group that one of them may be in
	anyGroup bool                    // the subject may be in groups that were never listed
	complete bool                    // no membership of the subject can have been missed

	// cautious makes unborne careful where it need not be.
	cautious bool
}

// NewOracle is the oracle for one principal of the world.
func NewOracle(w World, subject identity.PrincipalKey) *Oracle {
	return newOracle(w.sightings(), subject)
}

func newOracle(seen sightings, subject identity.PrincipalKey) *Oracle {
	o := &Oracle{seen: seen, subject: subject, records: []identity.PrincipalKey{subject}, complete: true}
	for _, pair := range seen.SamePerson {
		if pair[0] == subject {
			o.records = append(o.records, pair[1])
		}
		if pair[1] == subject {
			o.records = append(o.records, pair[0])
		}
	}
	edges := slices.Concat(seen.Memberships, seen.Ancestors)
	o.certain = climb(edges, o.records...)

	var unread []identity.PrincipalKey
	for _, p := range seen.Principals {
		if isAccountGroup(p.Key) && p.Name != identity.AccountUsersName && !seen.saw(readMembers(p.Key)) {
			unread = append(unread, p.Key) // it may hold anybody
		}
	}
	o.possible = o.certain
	for _, r := range o.records {
		switch {
		case seen.saw(readParents(r)):
		case seen.saw(readGroups):
			o.possible = climb(edges, slices.Concat(o.possible, unread)...)
			o.complete = o.complete && len(unread) == 0
		default:
			o.anyGroup, o.complete = true, false
		}
	}
	return o
}

// answer is a verdict and the fact that decided it.
type answer struct {
	verdict access.Verdict
	why     note
}

func (a answer) String() string { return a.why.String() }

// note is a format and its arguments. It is put into words only when somebody reads it: hardly any
// answer is ever explained.
type note struct {
	format string
	args   []any
}

// String is the note in words.
func (n note) String() string { return fmt.Sprintf(n.format, n.args...) }

func allowed(why string, args ...any) answer { return answer{access.Allowed, note{why, args}} }

func denied(why string, args ...any) answer { return answer{access.Denied, note{why, args}} }

func unknown(why string, args ...any) answer { return answer{access.Unknown, note{why, args}} }

// anyOf needs one witness; without any it is Denied because there is none.
func anyOf(none answer, witnesses ...answer) answer {
	best := none
	for _, a := range witnesses {
		if a.verdict == access.Allowed {
			return a
		}
		if a.verdict == access.Unknown && best.verdict == access.Denied {
			best = a
		}
	}
	return best
}

// allOf needs every condition.
func allOf(conditions ...answer) answer {
	worst := allowed("all of %v", conditions)
	for _, a := range conditions {
		if a.verdict == access.Denied {
			return a
		}
		if a.verdict == access.Unknown && worst.verdict == access.Allowed {
			worst = a
		}
	}
	return worst
}

// canonical is the key of the implicit group for the record that the account's list has of it.
func (o *Oracle) canonical(k identity.PrincipalKey) identity.PrincipalKey {
	for _, p := range o.seen.Principals {
		if p.Key == k && isListedAccountUsers(p) {
			return identity.AccountUsers()
		}
	}
	return k
}

func (o *Oracle) in(group identity.PrincipalKey) answer {
	group = o.canonical(group)
	switch {
	case slices.Contains(o.certain, group):
		return allowed("is %v", group)
	case group == identity.AccountUsers():
		return allowed("every user and service principal is an account user, and whoever acts as a group is one of these")
	case !isAccountGroup(group):
		return denied("is not %v", group)
	case o.anyGroup && !o.membersKnown(group):
		return unknown("may be in %v: its groups were not read, nor any list", group)
	case slices.Contains(o.possible, group):
		return unknown("may be in %v: some members were not read", group)
	default:
		return denied("is not in %v", group)
	}
}

// membersKnown says that the members of a group, and of every group in it, were read: whoever is not
// among them is not in it, whatever other lists say.
func (o *Oracle) membersKnown(group identity.PrincipalKey) bool {
	within := []identity.PrincipalKey{group}
	for grown := true; grown; {
		grown = false
		for _, m := range o.seen.Memberships {
			if slices.Contains(within, m.Group) && isAccountGroup(m.Member) && !slices.Contains(within, m.Member) {
				within, grown = append(within, m.Member), true
			}
		}
	}
	return !slices.ContainsFunc(within, func(k identity.PrincipalKey) bool { return !o.seen.saw(readMembers(k)) })
}

// assigned asks for an assignment of at least the permission.
func (o *Oracle) assigned(ws identity.WorkspaceID, atLeast identity.WorkspacePermission) answer {
	var witnesses []answer
	for _, a := range o.seen.Assignments {
		if a.Workspace == ws && a.Permission >= atLeast {
			witnesses = append(witnesses, o.in(a.Principal))
		}
	}
	if !o.seen.saw(readAssignments(ws)) {
		witnesses = append(witnesses, unknown("assignments to %v were not read", ws))
	}
	return anyOf(denied("not assigned to %v as %v", ws, atLeast), witnesses...)
}

// holds asks whether what is held by name is held by the subject while it acts in the workspace.
func (o *Oracle) holds(name string, ws identity.WorkspaceID) answer {
	if name == "" {
		return denied("the holder was deleted")
	}
	// Unity Catalog has hidden groups that mirror a workspace's users and admins, named with the
	// id of the workspace at the end. They count only while acting there.
	for prefix, permission := range map[string]identity.WorkspacePermission{
		"_workspace_users_": identity.WorkspaceUser, "_workspace_admins_": identity.WorkspaceAdmin,
	} {
		id, err := strconv.ParseInt(name[strings.LastIndexByte(name, '_')+1:], 10, 64)
		if err != nil || !strings.HasPrefix(name, prefix) {
			continue
		}
		if identity.WorkspaceID(id) != ws {
			return denied("%s counts in its own workspace only", name)
		}
		return o.assigned(ws, permission)
	}
	return o.heldBy(name, anyKind)
}

// unborne is for a name that nobody who was read bears. It can still be the name of a group of the
// subject that was not read, or of the subject itself. Once all groups were listed it can not,
// though the members of some were not read: none of them bears the name. An engine that is cautious
// there all the same is right too.
func (o *Oracle) unborne(name string) answer {
	if o.anyGroup {
		return unknown("%s may be a group that was not listed", name)
	}
	for _, k := range o.certain {
		named := func(p identity.Principal) bool { return p.Key == k && p.Name != "" }
		if k.Workspace == 0 && !slices.ContainsFunc(o.seen.Principals, named) {
			return unknown("%s may be the name of %v", name, k)
		}
	}
	if o.cautious && !o.complete {
		return unknown("%s may be a group whose members were not read", name)
	}
	return denied("nobody is called %s", name)
}

func (o *Oracle) effective(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) answer {
	if !p.Applies(on.Type) {
		return denied("%s does not apply to %s", p, on.Type)
	}
	carriers := []identity.Securable{on}
	if o.inherits(on.Metastore) {
		for up, ok := on.Parent(); ok && up.Type != identity.TypeMetastore; up, ok = up.Parent() {
			carriers = append(carriers, up)
		}
	}
	var witnesses []answer
	add := func(held answer, source string, args ...any) {
		witnesses = append(witnesses, answer{held.verdict, note{source + ": %v", append(args, held)}})
	}
	for _, carrier := range carriers {
		for _, g := range o.seen.Grants {
			if g.Securable == carrier && gives(g, p) {
				add(o.holds(g.Holder, ws), "grant of %v on %v to %q", g.Privileges, carrier, g.Holder)
			}
		}
		if !o.seen.saw(readGrants(carrier)) {
			witnesses = append(witnesses, unknown("grants on %v were not read", carrier))
		}
	}
	// Owning a container gives nothing on what is in it.
	if p.InOwnership() {
		owner, known := o.owner(on)
		if !known {
			witnesses = append(witnesses, unknown("the owner of %v is not known", on))
		} else {
			add(o.holds(owner, ws), "owner of %v is %q", on, owner)
		}
	}
	return anyOf(denied("no %s on %v", p, on), witnesses...)
}

// gives reports whether a row is about the privilege, whoever holds it.
func gives(g identity.Grant, p identity.Privilege) bool {
	for _, row := range g.Privileges {
		for _, q := range row.FromLegacy(g.Securable.Type) {
			if q == p || q == identity.AllPrivileges && p.InAllPrivileges() {
				return true
			}
		}
	}
	return false
}

func (o *Oracle) inherits(metastore string) bool {
	for _, m := range o.seen.Metastores {
		if m.ID == metastore {
			return m.Inherits()
		}
	}
	return false
}

func (o *Oracle) owner(s identity.Securable) (name string, known bool) {
	for _, m := range o.seen.Metastores {
		if s == identity.MetastoreSecurable(m.ID) {
			return m.Owner, true // a metastore may have no admin
		}
	}
	info, _ := o.seen.listed(s)
	return info.Owner, info.Owner != ""
}

func (o *Oracle) uses(on identity.Securable, ws identity.WorkspaceID) answer {
	if on.Type == identity.TypeCatalog {
		return o.effective(identity.UseCatalog, on, ws)
	}
	return o.effective(identity.UseSchema, on, ws)
}

func (o *Oracle) reaches(on identity.Securable, p identity.Privilege, ws identity.WorkspaceID) answer {
	return allOf(o.active(), o.assigned(ws, identity.WorkspaceUser), o.attached(on.Metastore, ws), o.bound(on, p, ws))
}

func (o *Oracle) active() answer {
	if o.subject.Kind == identity.KindGroup {
		return allowed("groups are active")
	}
	for _, p := range o.seen.Principals {
		if p.Key == o.subject && p.Status == identity.StatusInactive {
			return denied("deactivated")
		}
		if p.Key == o.subject && p.Status == identity.StatusActive {
			return allowed("active")
		}
	}
	return unknown("whether it is active is not known")
}

func (o *Oracle) attached(metastore string, ws identity.WorkspaceID) answer {
	switch {
	case slices.Contains(o.seen.Attachments, Attachment{metastore, ws}):
		return allowed("%s in %v", metastore, ws)
	case !o.seen.saw(readAttachments(metastore)):
		return unknown("the workspaces of %s were not read", metastore)
	default:
		return denied("%s is not attached to %v", metastore, ws)
	}
}

// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
func (o *Oracle) bound(on identity.Securable, p identity.Privilege, ws identity.WorkspaceID) answer {
	if on.Catalog != "" {
		on = identity.CatalogSecurable(on.Metastore, on.Catalog)
	}
	if !isolatable(on.Type) {
		return allowed("never isolated")
	}
	info, listed := o.seen.listed(on)
	for _, b := range o.seen.Bindings {
		if b.On == on && b.Workspace == ws && !b.ReadOnly && !listed {
			return allowed("%v is bound to %v, should it be isolated", on, ws) // only ever supposed
		}
	}
	if !listed {
		return unknown("whether %v is isolated is not known", on)
	}
	if info.Isolation != identity.Isolated {
		return allowed("open")
	}
	for _, b := range o.seen.Bindings {
		if b.On == on && b.Workspace == ws {
			if b.ReadOnly && p == identity.Manage {
				return unknown("whether granting works through the read-only binding of %v to %v is not documented", on, ws)
			}
			if b.ReadOnly && !p.Reads() {
				return denied("%v is bound to %v for reading only", on, ws)
			}
			return allowed("%v is bound to %v", on, ws)
		}
	}
	if !o.seen.saw(readBindings(on)) {
		return unknown("bindings of %v were not read", on)
	}
	return denied("%v is not bound to %v", on, ws)
}

// can asks it of the subject itself, and of what else it may act as.
func (o *Oracle) can(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) answer {
	itself := o.canItself(p, on, ws)
	if itself.verdict == access.Allowed {
		return itself
	}
	return anyOf(itself, o.canAsGroup(p, on, ws))
}

func (o *Oracle) canItself(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) answer {
	return allOf(o.granted(p, on, ws), o.reaches(on, p, ws), o.defined(p, on, ws))
}

// granted asks whether Unity Catalog authorises it, the use of what it is in included.
func (o *Oracle) granted(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) answer {
	if p == identity.Manage {
		return o.manages(on, ws)
	}
	conditions := []answer{o.effective(p, on, ws)}
	if on.Catalog != "" {
		conditions = append(conditions, o.uses(identity.CatalogSecurable(on.Metastore, on.Catalog), ws))
	}
	if on.Schema != "" {
		conditions = append(conditions, o.uses(identity.SchemaSecurable(on.Metastore, on.Catalog, on.Schema), ws))
	}
	if p == identity.Modify && on.Type == identity.TypeTable {
		conditions = append(conditions, o.effective(identity.Select, on, ws))
	}
	if p == "WRITE_FILES" {
		conditions = append(conditions, o.effective(identity.ReadFiles, on, ws))
	}
	return allOf(conditions...)
}

// manages asks for the authority over a securable: the admin of the metastore has it; who owns it or
// holds MANAGE on it or on a container has it who may also use, or manage, each container above the
// one where he does.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/privileges-reference#manage
func (o *Oracle) manages(on identity.Securable, ws identity.WorkspaceID) answer {
	witnesses := []answer{o.administers(on.Metastore, ws)}
	for level, ok := on, true; ok && level.Type != identity.TypeMetastore; level, ok = level.Parent() {
		conditions := []answer{o.effective(identity.Manage, level, ws)}
		for above, ok := level.Parent(); ok && above.Type != identity.TypeMetastore; above, ok = above.Parent() {
			use, manage := o.uses(above, ws), o.effective(identity.Manage, above, ws)
			conditions = append(conditions, anyOf(use, use, manage))
		}
		witnesses = append(witnesses, allOf(conditions...))
	}
	return anyOf(denied("does not manage %v", on), witnesses...)
}

// administers asks whether the subject is admin of the metastore.
func (o *Oracle) administers(metastore string, ws identity.WorkspaceID) answer {
	owner, _ := o.owner(identity.MetastoreSecurable(metastore))
	return o.holds(owner, ws)
}

// The methods of Subject.

// In reports whether the subject is in the group, or is it.
func (o *Oracle) In(group identity.PrincipalKey) access.Verdict { return o.in(group).verdict }

// Paths gives the simple paths of direct memberships from the subject's own record to the group, in
// no particular order. It knows nothing of memberships without the way between, of other records of
// the same person and of implicit groups.
func (o *Oracle) Paths(group identity.PrincipalKey) (paths [][]identity.PrincipalKey, omitted int) {
	var extend func(path []identity.PrincipalKey)
	extend = func(path []identity.PrincipalKey) {
		at := path[len(path)-1]
		if at == group {
			paths = append(paths, path)
			return
		}
		for _, m := range o.seen.Memberships {
			if m.Member == at && !slices.Contains(path, m.Group) {
				extend(append(slices.Clone(path), m.Group))
			}
		}
	}
	extend([]identity.PrincipalKey{o.subject})
	return paths, 0
}

// Assigned reports whether the subject is assigned to the workspace, and the strongest permission
// that it holds for sure.
func (o *Oracle) Assigned(ws identity.WorkspaceID) (identity.WorkspacePermission, access.Verdict) {
	permission := identity.WorkspaceNone
	for _, p := range []identity.WorkspacePermission{identity.WorkspaceUser, identity.WorkspaceAdmin} {
		if o.assigned(ws, p).verdict == access.Allowed {
			permission = p
		}
	}
	return permission, o.assigned(ws, identity.WorkspaceUser).verdict
}

// Effective reports whether grants or ownership give the privilege.
func (o *Oracle) Effective(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
	return o.effective(p, on, ws).verdict
}

// Uses reports whether the subject may use the catalog or schema itself.
func (o *Oracle) Uses(on identity.Securable, ws identity.WorkspaceID) access.Verdict {
	return o.uses(on, ws).verdict
}

// Reaches reports whether the workspace lets the subject at the securable at all.
func (o *Oracle) Reaches(on identity.Securable, p identity.Privilege, ws identity.WorkspaceID) access.Verdict {
	return o.reaches(on, p, ws).verdict
}

// Can reports whether the subject may do in the workspace what the privilege is for.
func (o *Oracle) Can(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
	return o.can(p, on, ws).verdict
}
