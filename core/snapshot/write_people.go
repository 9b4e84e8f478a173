package snapshot

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

func (p *printer) people(e *estate.Estate) {
	for who := range e.Principals() {
		if bare(who) {
			k := key(who.Key)
			p.put(line{Mentioned: &k})
			continue
		}
		p.put(line{Principal: &principal{
			Key: key(who.Key), Name: who.Name, Display: who.DisplayName, Emails: who.Emails, ExternalID: who.ExternalID,
			Origin: origins.of(who.Origin), Status: statuses.of(who.Status), Roles: who.Roles, Aliases: who.Aliases,
		}})
	}
	for other, k := range e.OtherKeys() {
		p.put(line{OtherKey: &otherKey{key(other), key(k)}})
	}
	for who := range e.Principals() {
		chunks(slices.Collect(e.Members(who.Key)), func(list []identity.PrincipalKey) {
			p.put(line{Members: &members{key(who.Key), keys(list)}})
		})
		chunks(slices.Collect(e.Ancestors(who.Key)), func(list []identity.PrincipalKey) {
			p.put(line{Above: &above{key(who.Key), keys(list)}})
		})
		for other := range e.SamePerson(who.Key) {
			if who.Key.Compare(other) < 0 {
				p.put(line{Same: &[2]string{key(who.Key), key(other)}})
			}
		}
	}
}

// bare reports whether nothing is known of a principal but that some fact names it.
func bare(p identity.Principal) bool {
	return p.Name == "" && p.DisplayName == "" && p.Emails == nil && p.ExternalID == "" &&
		p.Origin == 0 && p.Status == 0 && p.Roles == nil && p.Aliases == nil
}

func (p *printer) delegations(e *estate.Estate) {
	for in, list := range e.AllEntitlements() {
		for _, x := range list {
			p.put(line{Entitlements: &entitlements{in, key(x.Principal), x.Entitlements}})
		}
	}
	for in, setting := range e.AllRestrictAdmins() {
		p.put(line{RestrictAdmins: &restrictAdmins{in, restricted.of(setting)}})
	}
	for _, g := range e.RuleSets() {
		r := role{Role: g.Role, Kind: kinds.of(g.Holder.Kind), Holder: g.Holder.Name}
		if !g.On.IsZero() {
			r.On = key(g.On)
		}
		p.put(line{Role: &r})
	}
}
