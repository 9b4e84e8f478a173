package formatters

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// tree shows the roles by where they hold: the account, then each workspace, metastore and so on.
func (v rolesView) tree() []node {
	nodes := v.scopeNodes()
	if len(nodes) == 0 {
		nodes = []node{block("Roles", nil, absence(v.Roles != nil, notRead, v.coverage(), report.ListHeldRoles))}
	}
	return append(nodes, v.surroundings()...)
}

func (v rolesView) scopeNodes() []node {
	scopes := map[string][]report.HeldRole{}
	var order []string
	for _, r := range v.Roles {
		if _, known := scopes[r.Scope]; !known {
			order = append(order, r.Scope)
		}
		scopes[r.Scope] = append(scopes[r.Scope], r)
	}
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(scopeRank(a), scopeRank(b)), strings.Compare(a, b))
	})
	var nodes []node
	for _, scope := range order {
		n := node{text: scopeTerm(scope, term[string]), tone: title}
		for _, h := range byRole(scopes[scope]) {
			role := line(roleNoun(h.role) + ": " + inKinds(h.principals()))
			for _, x := range h.holders {
				for _, r := range x.ways {
					way := line(mark(r.Certain) + introduced(r.Principal) + " " + wayFrom(r))
					if !r.Certain {
						way.tone = alarm
					}
					role.kids = append(role.kids, way)
				}
			}
			n.kids = append(n.kids, role)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// scopeRank puts what holds everywhere first.
func scopeRank(scope string) int {
	if scope == account {
		return 0
	}
	return 1
}
