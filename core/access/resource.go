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

// Resource answers who can reach a securable: whoever holds something that counts on it, and apart
// from them whoever can give itself something. Groups are listed as holders; with expand, so is
// everybody in them. The envelope is left to the caller.
func Resource(e *estate.Estate, on identity.Securable, from []identity.WorkspaceID, expand bool) *report.ResourceReport {
	q := resourceQuestion{e: e, on: on, from: from, expand: expand}
	r := &report.ResourceReport{
		Resource: audit{For(e, identity.PrincipalKey{})}.securable(on), Containers: []report.Securable{},
		Access: []report.Access{}, Indirect: []report.Access{},
	}
	for at := range lineage(on) {
		if at != on {
			r.Containers = append(r.Containers, audit{For(e, identity.PrincipalKey{})}.securable(at))
		}
	}
	r.Notes = []string{"account admins are not looked for: each can make itself admin of the metastore, and then give itself anything"}
	for _, k := range q.subjects() {
		a := audit{For(e, k)}
		access := q.accessOf(a)
		if len(access) == 0 {
			r.Indirect = append(r.Indirect, q.indirectOf(a)...)
		}
		r.Access = append(r.Access, access...)
	}
	return r
}

type resourceQuestion struct {
	e    *estate.Estate
	on   identity.Securable
	from []identity.WorkspaceID
	// expand lists what comes through groups with everybody in them; otherwise with the group alone.
	expand bool
}

// subjects are those whose access is looked at: whom grants and ownerships on the way down name, and
// with expand everybody known.
func (q resourceQuestion) subjects() []identity.PrincipalKey {
	named := map[identity.PrincipalKey]bool{}
	note := func(h estate.Holder) {
		if !h.Key.IsZero() && h.Key.Workspace == 0 {
			named[h.Key] = true
		}
	}
	for at := range lineage(q.on) {
		if owner, known := q.e.Owner(at); known {
			note(owner)
		}
		for g := range q.e.GrantsOn(at) {
			note(g.Holder)
		}
	}
	if admin, known := q.e.MetastoreAdmin(q.on.Metastore); known {
		note(admin)
	}
	var keys []identity.PrincipalKey
	for p := range q.e.Principals() {
		person := p.Key.Kind == identity.KindUser || p.Key.Kind == identity.KindServicePrincipal
		if named[p.Key] || q.expand && person && p.Name != "" {
			keys = append(keys, p.Key)
		}
	}
	slices.SortFunc(keys, func(a, b identity.PrincipalKey) int {
		p, _ := q.e.Principal(a)
		r, _ := q.e.Principal(b)
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(identity.FoldName(p.Name), identity.FoldName(r.Name)), a.Compare(b))
	})
	return keys
}

// accessOf lists what one subject holds: one item for each carrier and holder.
func (q resourceQuestion) accessOf(a audit) []report.Access {
	var list []report.Access
	for at := range lineage(q.on) {
		for g := range q.e.GrantsOn(at) {
			ps := q.counting(g.Privileges, at)
			if len(ps) == 0 || q.meaning(a, g.Holder) != Allowed {
				continue
			}
			source := report.AccessInherited
			if at == q.on {
				source = report.AccessDirect
			}
			list = append(list, q.item(a, at, g.Holder, ps, source))
		}
	}
	if owner, known := q.e.Owner(q.on); known && q.meaning(a, owner) == Allowed {
		list = append(list, q.item(a, q.on, owner, []identity.Privilege{report.Owner}, report.AccessOwner))
	}
	return list
}

// meaning says whether a holder means the subject in one of the workspaces.
func (q resourceQuestion) meaning(a audit, h estate.Holder) Verdict {
	if !q.expand && !slices.Contains(a.persons(), h.Key) {
		return Denied
	}
	answer := a.means(h, 0)
	for _, w := range q.from {
		answer = Any(answer, a.means(h, w))
	}
	return answer
}

// counting are the privileges of a grant that count on the securable.
func (q resourceQuestion) counting(granted []identity.Privilege, at identity.Securable) []identity.Privilege {
	inherits := at == q.on
	if m, ok := q.e.Metastore(q.on.Metastore); ok && m.Inherits() {
		inherits = true
	}
	if !inherits {
		return nil
	}
	var ps []identity.Privilege
	for _, p := range granted {
		for _, today := range p.FromLegacy(at.Type) {
			if today.Applies(q.on.Type) && today != identity.Manage { // managing is a way to access, not access
				ps = append(ps, today)
			}
		}
	}
	return identity.SortPrivileges(ps)
}

// item is one access with where it can be exercised, or what keeps it from being.
func (q resourceQuestion) item(a audit, at identity.Securable, h estate.Holder, ps []identity.Privilege, source string) report.Access {
	r := report.Access{
		Principal: a.principal(a.key), Privileges: ps, Source: source, GrantedOn: a.securable(at),
		Via: h.Name, Path: a.shortest(a.e.Canonical(h.Key)), ReachableIn: []string{}, Missing: []string{},
	}
	answer := Denied
	for _, w := range q.from {
		here := Denied
		if a.means(h, w) == Allowed {
			here = a.usable(ps, q.on, w)
		}
		answer = Any(answer, here)
		if here == Allowed {
			r.ReachableIn = append(r.ReachableIn, q.e.WorkspaceName(w))
		}
	}
	switch answer {
	case Allowed:
		r.Verdict = report.Allow
	case Unknown:
		r.Verdict = report.Unknown
	default:
		r.Verdict = report.Deny
	}
	if answer != Allowed {
		r.Missing = q.keeps(a, ps)
	}
	return r
}

// keeps says in words what is missing where the least is.
func (q resourceQuestion) keeps(a audit, ps []identity.Privilege) []string {
	var least []want
	found := false
	for _, w := range q.from {
		for _, p := range ps {
			c := a.clauses().logic.all(a.clauses().enters(q.on, w), a.clauses().reaches(q.on, p, w))
			for _, set := range c.wants() {
				if !found || len(set) < len(least) {
					least, found = set, true
				}
			}
		}
	}
	words := []string{}
	for _, w := range least {
		words = append(words, a.wantWords(w))
	}
	if !found {
		words = append(words, "a running workspace that has the metastore")
	}
	return words
}

// wantWords says a missing condition in words.
func (a audit) wantWords(w want) string {
	var s string
	switch w.kind {
	case lackPrivilege:
		s = fmt.Sprintf("%s on %s %s", w.privilege.SQL(), w.securable.Type.Title(), w.securable.FullName())
	case lackMembership:
		s = "membership of a group that holds it"
	case lackActive:
		s = "an active identity"
	case lackAssignment:
		s = "an assignment to workspace " + a.e.WorkspaceName(w.workspace)
	case lackMetastore:
		s = "the metastore in workspace " + a.e.WorkspaceName(w.workspace)
	default:
		s = fmt.Sprintf("a binding of %s %s to workspace %s", w.securable.Type.Title(), w.securable.FullName(), a.e.WorkspaceName(w.workspace))
	}
	if !w.known {
		s += " (not known: " + a.e.Operation(w.read) + ")"
	}
	return s
}

// indirectOf lists by which authority a subject that holds nothing can give itself something.
func (q resourceQuestion) indirectOf(a audit) []report.Access {
	for _, w := range q.from {
		by, v := a.Manages(q.on, w)
		if v != Allowed || !q.expand && !slices.Contains(a.persons(), by.holder) {
			continue
		}
		source := report.AccessOwner
		privileges := []identity.Privilege{report.Owner}
		switch by.kind {
		case byManage:
			source, privileges = report.AccessInherited, []identity.Privilege{identity.Manage}
			if by.at == q.on {
				source = report.AccessDirect
			}
		case byMetastoreAdmin:
			source = report.AccessRole
		default:
		}
		return []report.Access{{
			Principal: a.principal(a.key), Privileges: privileges, Source: source, GrantedOn: a.securable(by.at),
			Via: by.name, Path: a.shortest(by.holder), Verdict: report.Indirect, ReachableIn: []string{}, Missing: []string{},
		}}
	}
	return nil
}
