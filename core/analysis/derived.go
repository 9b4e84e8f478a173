package analysis

import (
	"fmt"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// derived lists the labels that no API has: user, job creator and viewer of a workspace. Where what
// they follow from was not read they are left out, and the report says so.
//
// https://docs.databricks.com/aws/en/security/auth/entitlements,
// https://docs.databricks.com/aws/en/security/auth/access-control/
func (q *rolesQuestion) derived() {
	var blind, partial []string // the workspaces of which too little was read
	for _, w := range q.e.Workspaces() {
		l := labels{rolesQuestion: q, in: w.ID, scope: "workspace " + q.e.WorkspaceName(w.ID)}
		l.read()
		if !l.entitlements {
			blind = append(blind, l.scope)
			continue
		}
		if !l.objects {
			partial = append(partial, l.scope)
		}
		l.list()
	}
	say := func(role, what string, where []string, rest string) {
		if len(where) > 0 {
			q.r.Unknowable = append(q.r.Unknowable, report.Unknowable{Role: role, Why: what + strings.Join(where, ", ") + rest})
		}
	}
	for _, role := range []string{roleUser, roleJobCreator, roleViewer} {
		say(role, "the entitlements were not read in ", blind, "")
	}
	const some = "not every list and permission of objects was read in "
	say(roleJobCreator, some, partial, ": those are told whom an entitlement, or a permission that was read, makes one")
	say(roleViewer, some, partial, ": those are told who are consumers, whatever their permissions")
}

// labels are the derived roles in one workspace.
type labels struct {
	*rolesQuestion
	in    identity.WorkspaceID
	scope string
	// entitlements says that some were read, objects that all objects with their permissions were.
	entitlements, objects bool
	count                 int // of objects

	// creators may start compute or change jobs by a permission, beyond hold more than viewing. The
	// values say for certain or perhaps.
	creators, beyond map[identity.PrincipalKey]bool
	admins           map[identity.PrincipalKey]bool
}

// read finds out what is known of the workspace.
func (l *labels) read() {
	listed, whole := false, true
	for _, r := range l.e.Reads() {
		switch {
		case r.Key.Op == estate.OpEntitlements && r.Key.Workspace == l.in:
			l.entitlements = l.entitlements || r.Outcome.OK()
		case r.Key.Op == estate.OpObjects && r.Key.Object.Workspace == l.in:
			listed, whole = listed || r.Outcome.OK(), whole && r.Outcome.OK()
		case r.Key.Op == estate.OpObjects && r.Key.Object == identity.Object{}:
			whole = whole && r.Outcome.OK() // stands for all of them
		}
	}
	l.creators, l.beyond, l.admins = map[identity.PrincipalKey]bool{}, map[identity.PrincipalKey]bool{}, map[identity.PrincipalKey]bool{}
	for _, o := range l.e.Objects() {
		if o.Workspace != l.in || o.Type == identity.ObjectTokens || o.Type == identity.ObjectPasswords {
			continue
		}
		l.count++
		whole = whole && l.e.Saw(permissionsRead(o.Object))
	}
	l.objects = listed && whole
	l.permissions()
}

// permissions sorts out who holds more than viewing.
func (l *labels) permissions() {
	type named struct {
		h      estate.Holder
		create bool
	}
	// Admins may do everything with every object, whatever its list says.
	for _, m := range l.asked.meant(estate.Holder{Key: identity.WorkspaceAdmins(l.in)}, l.in) {
		l.admins[m.who], l.beyond[m.who] = m.certain, m.certain
	}
	seen := map[named]bool{} // unfolded once, whatever the number of objects
	for _, o := range l.e.Objects() {
		if o.Workspace != l.in || o.Type == identity.ObjectTokens || o.Type == identity.ObjectPasswords {
			continue
		}
		for _, g := range l.e.ObjectGrants(o.Object) {
			if g.Level == identity.CanRead || g.Level == identity.CanView {
				continue
			}
			n := named{g.Holder, creates(o.Type, g.Level)}
			if seen[n] {
				continue
			}
			seen[n] = true
			for _, m := range l.asked.meant(g.Holder, l.in) {
				l.beyond[m.who] = l.beyond[m.who] || m.certain
				if n.create {
					l.creators[m.who] = l.creators[m.who] || m.certain
				}
			}
		}
	}
}

// creates reports whether a permission lets its holder make compute, or makes it the keeper of a job or
// cluster.
func creates(t identity.ObjectType, l identity.Level) bool {
	switch t {
	case identity.ObjectClusterPolicy:
		return l == identity.CanUse
	case identity.ObjectJob, identity.ObjectCluster:
		return l == identity.IsOwner || l == identity.CanManage
	default:
		return false
	}
}

func verdictOf(certain, there bool) access.Verdict {
	switch {
	case certain:
		return access.Allowed
	case there:
		return access.Unknown
	default:
		return access.Denied
	}
}

// list gives the labels of everybody who is assigned.
func (l *labels) list() {
	seen := map[string]bool{}
	for _, a := range l.e.Assignments(l.in) {
		for _, m := range l.asked.meant(estate.Holder{Key: a.Principal, Name: a.Name}, l.in) {
			if key := m.who.String() + a.Permission.String(); !seen[key] {
				seen[key] = true
				l.of(m, a.Permission)
			}
		}
	}
}

func (l *labels) of(m meaning, p identity.WorkspacePermission) {
	has := map[identity.Entitlement]access.Verdict{}
	var certain []string
	for _, x := range []identity.Entitlement{identity.WorkspaceAccess, identity.SQLAccess, identity.ConsumerAccess, identity.AllowClusterCreate} {
		has[x] = l.asked.entitled(x, l.in, m.who)
		if has[x] == access.Allowed {
			certain = append(certain, string(x))
		}
	}
	works := access.Any(has[identity.WorkspaceAccess], has[identity.SQLAccess])
	entitled := "entitlements: " + strings.Join(certain, ", ")
	if p == identity.WorkspaceUser {
		l.label(m, roleUser, works, entitled)
		there, known := l.creators[m.who]
		creator := verdictOf(there, known)
		if creator == access.Denied && l.objects && !l.asked.settled(m.who) {
			creator = access.Unknown
		}
		l.label(m, roleJobCreator, access.All(works, has[identity.WorkspaceAccess], access.Any(has[identity.AllowClusterCreate], creator)),
			entitled+"; a label that follows from entitlements and permissions, no role of an API")
	}
	if l.admins[m.who] {
		return
	}
	consumes := access.All(has[identity.ConsumerAccess], not(works))
	views := access.All(not(has[identity.AllowClusterCreate]), l.views(m.who))
	detail := fmt.Sprintf("no permission beyond viewing on any of %d objects", l.count)
	if consumes == access.Allowed {
		detail = "may use shared dashboards, Genie and apps alone"
	}
	l.label(m, roleViewer, access.Any(consumes, views), detail+"; a label, no role of an API")
}

// views says whether somebody holds nothing beyond viewing, by the lists of all objects.
func (l *labels) views(who identity.PrincipalKey) access.Verdict {
	certain, there := l.beyond[who]
	v := not(verdictOf(certain, there))
	switch {
	case !l.objects:
		return access.Denied // it cannot be told, which the report says
	case v == access.Allowed && !l.asked.settled(who):
		return access.Unknown
	default:
		return v
	}
}

// label lists a role that holds; one that may hold, of whoever is asked about by name.
func (l *labels) label(m meaning, role string, v access.Verdict, detail string) {
	if v == access.Denied || v == access.Unknown && !l.asked.one() {
		return
	}
	m.certain = m.certain && v == access.Allowed
	if v == access.Unknown {
		m.why = "not everything that it follows from was read"
	}
	l.hold([]meaning{m}, report.HeldRole{Role: role, Scope: l.scope, Detail: detail, Fact: l.m.Fact(assignmentsRead(l.in))})
}

func not(v access.Verdict) access.Verdict {
	switch v {
	case access.Allowed:
		return access.Denied
	case access.Denied:
		return access.Allowed
	default:
		return access.Unknown
	}
}
