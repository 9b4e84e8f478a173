package plan

import (
	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

// Fingerprint is what Plan.Gain holds.
func (o Outcome) Fingerprint() (string, error) { return o.fingerprint() }

// CausesOn gives the steps that give a right on a securable itself: as they are found, and by asking both
// estates for every name.
func CausesOn(before, after *access.Model, target identity.PrincipalKey, steps []Step) func(on identity.Securable) (found, byName []string) {
	c := newCauses(before, after, target, steps)
	return func(on identity.Securable) (found, byName []string) {
		set := c.none()
		set.addAll(c.granting[on])
		for g := range c.e.GrantsOn(on) {
			set.addAll(c.bearing[c.e.Canonical(g.Holder.Key)])
		}
		for g := range c.was.GrantsOn(on) {
			set.addAll(c.bearing[c.e.Canonical(g.Holder.Key)])
		}
		if owner, known := c.e.Owner(on); known {
			set.addAll(c.bearing[c.e.Canonical(owner.Key)])
		}
		return c.ids(c.on(on)), c.ids(set)
	}
}
