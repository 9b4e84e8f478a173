package formatters

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

func (v rolesView) answer() []node {
	nodes := []node{{text: v.sentence(), tone: title}}
	if v.Subject == nil {
		nodes = append(nodes, v.admins()...)
	}
	return append(nodes, v.warnings()...)
}

// sentence answers the question: who administers what, or what the one asked about holds, and how sure
// that is.
func (v rolesView) sentence() string {
	if v.Subject != nil {
		return fmt.Sprintf("%s %s; %s.", subjectTerm(*v.Subject), v.holds(), v.coverage().clause())
	}
	if v.Roles == nil {
		return fmt.Sprintf("Who holds which role was not read; %s.", v.coverage().clause())
	}
	all := byRole(v.Roles)
	var parts []string
	for _, role := range []string{accountAdmin, metastoreAdmin, workspaceAdmin} {
		i := slices.IndexFunc(all, func(h roleHolders) bool { return h.role == role })
		if i < 0 {
			parts = append(parts, v.none(roleNoun(role)))
			continue
		}
		parts = append(parts, all[i].headcount())
	}
	return fmt.Sprintf("%s; %s in all, held by %s; %s.", series(parts, "and"), count(len(v.Roles), "role"),
		count(len(holders(v.Roles)), "principal"), v.coverage().clause())
}

// subjectTerm is the one asked about in the first sentence.
func subjectTerm(p report.Principal) string {
	if p.Name == "" {
		return nameOrID(p)
	}
	return shortTerm(p.Name, maxSubject)
}

// none says that there is nothing, as surely as it is known.
func (v rolesView) none(noun string) string {
	if v.coverage().certain(report.ListHeldRoles) {
		return "no " + noun
	}
	return "no " + noun + " that was seen"
}

// headcount counts users and service principals: a group is no admin. It stands alone only where
// nobody is known to be in it.
func (h roleHolders) headcount() string {
	people, unsure := h.people(), 0
	for _, x := range h.holders {
		if !x.certain() && isGroup(x.principal) == isGroup(people[0]) {
			unsure++
		}
	}
	s := count(len(people), roleNoun(h.role))
	if isGroup(people[0]) {
		s = count(len(people), "group") + " as " + roleNoun(h.role)
	}
	if unsure > 0 {
		s += fmt.Sprintf(" (%d of them not certain)", unsure)
	}
	return s
}

// people are the holders but the groups, or the groups where there is nobody else.
func (h roleHolders) people() []report.Principal {
	people := slices.DeleteFunc(h.principals(), isGroup)
	if len(people) == 0 {
		return h.principals()
	}
	return people
}

func isGroup(p report.Principal) bool { return p.Kind == identity.KindGroup.String() }

// Limits of the list of roles in the first sentence. The sections have the rest.
const (
	maxRoles  = 6
	maxScopes = 3
)

// holds names the roles of the one asked about, each with where.
func (v rolesView) holds() string {
	if v.Roles == nil {
		return "holds roles that were not read"
	}
	if len(v.Roles) == 0 {
		return "holds " + v.none("role")
	}
	var parts []string
	distinct := 0
	for _, h := range byRole(v.Roles) {
		var scopes []string
		seen := map[string]bool{}
		for _, x := range h.holders {
			for _, r := range x.ways {
				if !seen[r.Scope] {
					seen[r.Scope] = true
					scopes = append(scopes, scopeTerm(r.Scope, shortName))
				}
			}
		}
		distinct += len(scopes)
		text := roleNoun(h.role)
		if len(scopes) != 1 || !seen[account] {
			text += " (" + strings.Join(upTo(scopes, maxScopes), ", ") + ")"
		}
		if !slices.ContainsFunc(h.holders, holder.certain) {
			text = "perhaps " + text
		}
		parts = append(parts, text)
	}
	return fmt.Sprintf("holds %s: %s", count(distinct, "role"), series(upTo(parts, maxRoles), "and"))
}

// account is the scope of what holds everywhere.
const account = "account"

// admins names those who administer most.
func (v rolesView) admins() []node {
	var nodes []node
	for _, h := range byRole(v.Roles) {
		if roleRank(h.role) > roleRank(workspaceAdmin) {
			break
		}
		nodes = append(nodes, line(capital(roleNoun(h.role))+"s: "+few(shortPrincipals(h.people()))+"."))
	}
	return nodes
}

// capital begins a line with the words of this program; a name from outside stays as it is.
func capital(s string) string {
	if s != "" && 'a' <= s[0] && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// warnings are what must be known before any name: metastores that nobody administers, workspaces whose
// admins may act as others, and what no API tells.
func (v rolesView) warnings() []node {
	var orphans, open, silent []string
	for _, m := range v.Metastores {
		if m.Owner != nil && *m.Owner == "" {
			orphans = append(orphans, shortName(m.Name))
		}
	}
	for _, w := range v.Workspaces {
		if w.RestrictAdmins == allowAll {
			open = append(open, shortName(w.Name))
		}
	}
	for _, u := range v.Unknowable {
		silent = append(silent, short(u.Role, maxSubject))
	}
	var nodes []node
	add := func(text string, list []string, tone tone) {
		if len(list) > 0 {
			nodes = append(nodes, node{text: text + ": " + few(list) + ".", tone: tone})
		}
	}
	add("Metastores that nobody administers", orphans, alarm)
	add("Workspaces whose admins may create tokens and run jobs as others", open, alarm)
	add(notInAnswer, slices.Compact(silent), remark)
	return nodes
}

// notInAnswer is the heading over the roles that no API tells of, or that were not read.
const notInAnswer = "Not in this answer"

// The values of WorkspaceAdmins.RestrictAdmins.
//
// https://docs.databricks.com/aws/en/admin/workspace-settings/restrict-workspace-admins
const (
	allowAll     = "ALLOW_ALL"
	restrictMost = "RESTRICT_TOKENS_AND_JOB_RUN_AS"
)
