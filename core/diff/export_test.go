package diff

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// BetweenAll is Between without leaving out what is the same on both sides.
func BetweenAll(before, after *estate.Estate, o Options) *report.DiffReport {
	return between(before, after, o, func(a, b *estate.Estate) *unlike {
		u := &unlike{securables: map[identity.Securable]bool{}, objects: map[identity.Object]bool{}}
		for _, e := range []*estate.Estate{a, b} {
			for info := range e.Securables() {
				u.securables[info.Securable] = true
			}
			for _, info := range e.Objects() {
				u.objects[info.Object] = true
			}
		}
		return u
	})
}
