package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Group answers what a group gives, who is in it, and what those in it hold besides. The envelope is
// left to the caller.
func (m *Model) Group(key identity.PrincipalKey, also Also) *report.GroupReport {
	q := m.groupQuestion(key)
	r := &report.GroupReport{
		Group:      q.principal(q.key),
		Members:    q.members(),
		Ancestors:  q.memberships(),
		Workspaces: q.workspaces(),
		Roles:      q.roles(),
		Grants:     q.grants(),
	}
	if also.Objects {
		r.Objects = q.objects()
	}
	if also.LocalGroups {
		r.LocalGroups = q.localGroups()
	}
	r.Notes = q.notes()
	return r
}

// groupQuestion is a group with everybody in it.
type groupQuestion struct {
	audit
	roster *roster
}

func (m *Model) groupQuestion(key identity.PrincipalKey) groupQuestion {
	a := audit{m.Subject(key)}
	return groupQuestion{audit: a, roster: rosterOf(m.e, a.key)}
}

func (q groupQuestion) members() []report.GroupMember {
	unread := !q.e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: q.key})
	if q.key == identity.AccountUsers() || unread && len(q.roster.keys) == 1 {
		return nil
	}
	list := []report.GroupMember{}
	search := pathSearch{keys: q.roster.keys, up: q.roster.up, distance: q.roster.distance}
	for _, k := range q.roster.members(q.e) {
		i := q.roster.place[k]
		paths, omitted := search.from(i)
		m := report.GroupMember{
			Principal: q.principal(k), Direct: slices.Contains(q.roster.up[i], 0), Paths: []report.Path{}, PathsOmitted: omitted,
			WayUnknown: q.roster.distance[i] == unreachable,
		}
		for _, p := range paths {
			m.Paths = append(m.Paths, q.names(p))
		}
		list = append(list, m)
	}
	return list
}

// grants lists what the group holds, what the groups above it hold, and what each member holds itself.
func (q groupQuestion) grants() []report.GroupGrant {
	list := []report.GroupGrant{}
	add := func(grants []report.Grant, source string, member *report.Principal) {
		for _, g := range grants {
			list = append(list, report.GroupGrant{Grant: g, GrantSource: source, Member: member})
		}
	}
	add(q.grantsOf(q.key), report.GrantDirect, nil)
	for _, k := range q.groups() {
		add(q.grantsOf(k), report.GrantUpstream, nil)
	}
	for _, k := range q.roster.members(q.e) {
		if q.is(k) || !q.holdsAnything(k) {
			continue // nothing, or what is upstream already
		}
		member := q.principal(k)
		add(audit{q.m.Subject(k)}.grantsOf(k), report.GrantMemberDirect, &member)
	}
	return list
}

// holdsAnything saves working out the members that hold nothing themselves.
func (q groupQuestion) holdsAnything(k identity.PrincipalKey) bool {
	for range q.e.GrantsTo(k) {
		return true
	}
	for range q.e.OwnedBy(k) {
		return true
	}
	return false
}

// objects lists the permissions that name the group, a group above it or a member. What everybody in a
// workspace, or every admin of it, may do is not the group's.
func (q groupQuestion) objects() []report.GroupObject {
	list := []report.GroupObject{}
	for _, o := range q.e.Objects() {
		for _, g := range q.e.ObjectGrants(o.Object) {
			k := g.Holder.Key
			source := q.heldAs(k)
			if source == "" {
				continue
			}
			a := q.audit
			if source == report.GrantMemberDirect {
				a = audit{q.m.Subject(k)}
			}
			if a.verdicts().meansThere(g, o.Workspace) != Allowed {
				continue
			}
			item := report.GroupObject{GrantSource: source, Object: newPermissionList(a).item(o, permission{g.Level, k, g.From})}
			if source == report.GrantMemberDirect {
				member := q.principal(k)
				item.Member = &member
			}
			list = append(list, item)
		}
	}
	return list
}

// heldAs says as whose a right of the holder is listed; empty means not at all.
func (q groupQuestion) heldAs(k identity.PrincipalKey) string {
	everybody := k == identity.AccountUsers() || k.Workspace != 0 && (k.ID == identity.WorkspaceUsersName || k.ID == identity.WorkspaceAdminsName)
	switch {
	case k == q.key:
		return report.GrantDirect
	case k.IsZero() || everybody:
		return ""
	case q.is(k):
		return report.GrantUpstream
	case q.roster.in(k):
		return report.GrantMemberDirect
	default:
		return ""
	}
}

func (q groupQuestion) notes() []string {
	notes := []string{"what everybody has through account users counts for what the group can use, and is not listed"}
	switch {
	case q.key == identity.AccountUsers():
		notes = []string{"everybody in the account is in this group: its members, and what each holds itself, are not listed"}
	case q.key.Workspace != 0:
		notes = append(notes, "the group exists in one workspace alone: Unity Catalog can grant it nothing")
	}
	if q.key.Workspace == 0 && !q.localGroupsRead() {
		notes = append(notes, "a workspace may have a group of its own by the same name, which is another group: --check-local-groups looks for such")
	}
	if circle := q.circle(); circle != nil {
		notes = append(notes, q.nesting(circle))
	}
	return notes
}

// localGroupsRead reports whether the groups of every running workspace that was looked at were listed.
func (q groupQuestion) localGroupsRead() bool {
	for _, w := range q.e.Workspaces() {
		groups := estate.ReadKey{Op: estate.OpEntitlements, Workspace: w.ID, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}
		if w.Running() && !q.e.Saw(groups) && q.e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID}) {
			return false
		}
	}
	return true
}

// GroupDoubts gives the grants of which it cannot be told whether they are the group's or a member's:
// several principals bear the holder's name, and one of them is among these, or may be.
func (m *Model) GroupDoubts(key identity.PrincipalKey) []estate.Grant {
	q := m.groupQuestion(key)
	var doubts []estate.Grant
	for g := range m.e.Ambiguous() {
		in := slices.ContainsFunc(m.e.Named(g.Holder.Name), func(p identity.Principal) bool { return q.roster.in(p.Key) })
		if in || q.meansOneOf(g.Holder.Name) == Unknown {
			doubts = append(doubts, g)
		}
	}
	return doubts
}

// GroupObjectDoubts is ObjectDoubts for what is the group's or a member's.
func (m *Model) GroupObjectDoubts(key identity.PrincipalKey) map[identity.Object][]string {
	q := m.groupQuestion(key)
	return m.objectDoubts(func(g estate.ObjectGrant, in identity.WorkspaceID) bool { return q.mayMean(g.Holder.Name, in) })
}

// mayMean reports whether a name that several bear in a workspace may mean the group, one above it or a
// member.
func (q groupQuestion) mayMean(name string, in identity.WorkspaceID) bool {
	if local, ok := q.e.LocalGroup(in, name); ok && q.heldAs(local) != "" {
		return true
	}
	return slices.ContainsFunc(q.e.Named(name), func(p identity.Principal) bool {
		return q.heldAs(p.Key) != "" || q.In(p.Key) == Unknown
	})
}
