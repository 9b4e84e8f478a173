package formatters

import (
	"cmp"
	"strings"

	"databricks-access-audit/core/report"
)

// bearer is one principal with what a list says of it.
type bearer[W any] struct {
	principal report.Principal
	ways      []W
}

// byPrincipal puts the items of a list together by the principal that each is about, in the order met.
func byPrincipal[W any](list []W, about func(W) report.Principal) []bearer[W] {
	var all []bearer[W]
	place := map[principalKey]int{}
	for _, w := range list {
		p := about(w)
		i, known := place[keyOf(p)]
		if !known {
			i = len(all)
			place[keyOf(p)] = i
			all = append(all, bearer[W]{principal: p})
		}
		all[i].ways = append(all[i].ways, w)
	}
	return all
}

// principalKey tells principals apart that share a name.
type principalKey struct{ kind, id, name, source string }

func keyOf(p report.Principal) principalKey { return principalKey{p.Kind, p.ID, p.Name, p.Source} }

// comparePrincipals orders users, service principals and groups by name.
func comparePrincipals(a, b report.Principal) int {
	return cmp.Or(cmp.Compare(kindRank(a), kindRank(b)), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}
