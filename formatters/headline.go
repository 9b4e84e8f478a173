package formatters

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// headline says how far the principal reaches, through whom, and what is wrong with it.
func (v principalView) headline() node {
	if v.Grants == nil || v.inactive() {
		return node{}
	}
	catalogs, workspaces := map[[2]string]bool{}, map[string]bool{}
	holders := map[string]int{}
	usable, unsure := v.usable()
	for _, g := range v.Grants {
		if len(g.ReachableIn) == 0 {
			continue
		}
		for _, w := range g.ReachableIn {
			workspaces[w] = true
		}
		if inCatalog(g.Securable.Type) {
			catalogs[[2]string{g.Securable.Metastore, catalogOf(g.Securable)}] = true
		}
		holder := "" // its own
		if len(g.Path) > 1 {
			holder = g.Path[len(g.Path)-1]
		}
		holders[holder]++
	}
	s := shortTerm(cmp.Or(v.Principal.Name, v.Principal.ID), maxSubject)
	least := ""
	if unsure {
		least = "at least "
	}
	switch {
	case usable > 0:
		s += fmt.Sprintf(" can use %s%s in %s from %s%s", least, count(usable, "grant"), count(len(catalogs), "catalog"), count(len(workspaces), "workspace"), mostly(holders, usable))
	case unsure || !v.coverage().complete():
		s += " was not seen to be able to use any grant"
	default:
		s += " can use no grant"
	}
	n := node{text: s, tone: title}
	if v.Escalations != nil {
		n.text += "; " + count(len(v.Escalations), "risk")
	}
	switch blocking := v.coverage().Coverage.Blocking(); {
	case v.coverage().complete():
		n.text += "; nothing needed was left unread."
	case blocking == 0:
		n.text += "; not everything needed was read."
	default:
		n.text += "; " + count(blocking, "gap") + "."
	}
	return n
}

// mostly names the one that gives more than half.
func mostly(holders map[string]int, all int) string {
	top := slices.MaxFunc(slices.Sorted(maps.Keys(holders)), func(a, b string) int { return cmp.Compare(holders[a], holders[b]) })
	switch {
	case holders[top]*2 <= all:
		often := "its own"
		if top != "" {
			often = shortTerm(top, maxPlace)
		}
		return fmt.Sprintf(", through %s (most often %s)", count(len(holders), "holder"), often)
	case top == "":
		return ", mostly by its own"
	default:
		return ", mostly through " + shortTerm(top, maxPlace)
	}
}
