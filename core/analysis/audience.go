package analysis

import (
	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// audience is about whom a question is: one identity, or everybody.
type audience interface {
	// meant are those of the audience whom a fact means that names the holder, through groups too.
	meant(h estate.Holder, in identity.WorkspaceID) []meaning
	// named are whom the fact itself names, groups not unfolded, where everybody is asked about.
	named(h estate.Holder, in identity.WorkspaceID) []meaning
	// entitled says whether one of the audience has an entitlement.
	entitled(x identity.Entitlement, in identity.WorkspaceID, who identity.PrincipalKey) access.Verdict
	// settled reports whether every group that one of the audience is in is known.
	settled(who identity.PrincipalKey) bool
	// one reports whether it is a single identity, about which what is only possible is said too.
	one() bool
}

// meaning is one principal that a fact means.
type meaning struct {
	who     identity.PrincipalKey
	path    report.Path
	certain bool
	why     string // what makes it uncertain
}

// single is the audience of one identity.
type single struct{ *access.Subject }

func (a single) one() bool                            { return true }
func (a single) settled(_ identity.PrincipalKey) bool { return a.MembershipsKnown() }

func (a single) named(h estate.Holder, in identity.WorkspaceID) []meaning { return a.meant(h, in) }

func (a single) meant(h estate.Holder, in identity.WorkspaceID) []meaning {
	if a.Key().Kind == identity.KindGroup && h.Key == identity.AccountUsers() && a.Key() != h.Key {
		return nil // what everybody has is not the group's
	}
	v := a.Means(h, in)
	if v == access.Denied {
		return nil
	}
	one := meaning{who: a.Key(), certain: v == access.Allowed}
	if !one.certain {
		one.why = "whether " + h.Name + " means it, or a group that it is in, is not known"
	}
	if h.Key.IsZero() {
		one.path = append(a.PathTo(a.Key()), wayUnknown, h.Name)
	} else {
		one.path = a.PathTo(h.Key)
	}
	return []meaning{one}
}

func (a single) entitled(x identity.Entitlement, in identity.WorkspaceID, _ identity.PrincipalKey) access.Verdict {
	return a.Entitled(x, in)
}

// everybody is the audience of all users and service principals, and of the groups that facts name.
type everybody struct {
	*directory
	entitlements map[entitlement]map[identity.PrincipalKey]bool
	whole        *bool // whether the members of every group were read
}

type entitlement struct {
	in identity.WorkspaceID
	x  identity.Entitlement
}

func (a *everybody) one() bool { return false }

func (a *everybody) settled(_ identity.PrincipalKey) bool {
	if a.whole == nil {
		whole := a.e.Saw(estate.ReadKey{Op: estate.OpGroups})
		for p := range a.e.Principals() {
			account := p.Key.Kind == identity.KindGroup && p.Key.Workspace == 0 && p.Key != identity.AccountUsers()
			whole = whole && (!account || a.e.Settled(p.Key))
		}
		a.whole = &whole
	}
	return *a.whole
}

func (a *everybody) named(h estate.Holder, _ identity.WorkspaceID) []meaning {
	var list []meaning
	for _, b := range a.bearers(h) {
		list = append(list, a.meaning(b, []int32{b.of}))
	}
	return list
}

func (a *everybody) meaning(b bearer, way []int32) meaning {
	return meaning{who: a.keys[way[0]], path: a.path(way), certain: b.why == "", why: b.why}
}

func (a *everybody) meant(h estate.Holder, in identity.WorkspaceID) []meaning {
	list := a.named(h, in)
	for _, b := range a.bearers(h) {
		c := a.circle(b.of)
		for _, i := range c.people {
			if i != b.of {
				list = append(list, a.meaning(b, c.way(i)))
			}
		}
	}
	return list
}

func (a *everybody) entitled(x identity.Entitlement, in identity.WorkspaceID, who identity.PrincipalKey) access.Verdict {
	switch {
	case a.holdersOf(x, in)[who]:
		return access.Allowed
	case !a.settled(who), !a.e.Saw(entitlementsRead(in, identity.PrincipalKey{Kind: identity.KindGroup})):
		return access.Unknown
	case a.e.Saw(entitlementsRead(in, who)), a.e.Saw(entitlementsRead(in, identity.PrincipalKey{Kind: who.Kind})):
		return access.Denied
	default:
		return access.Unknown
	}
}

// holdersOf are those who have an entitlement for certain.
func (a *everybody) holdersOf(x identity.Entitlement, in identity.WorkspaceID) map[identity.PrincipalKey]bool {
	asked := entitlement{in, x}
	if held, ok := a.entitlements[asked]; ok {
		return held
	}
	held := map[identity.PrincipalKey]bool{}
	for _, row := range a.e.Entitlements(in) {
		for _, has := range row.Entitlements {
			if has == x {
				for _, m := range a.meant(estate.Holder{Key: row.Principal}, in) {
					held[m.who] = true
				}
			}
		}
	}
	a.entitlements[asked] = held
	return held
}

// audienceOf is one identity, or everybody.
func audienceOf(d *directory, who *identity.PrincipalKey) audience {
	if who != nil {
		return single{d.m.Subject(*who)}
	}
	return &everybody{directory: d, entitlements: map[entitlement]map[identity.PrincipalKey]bool{}}
}
