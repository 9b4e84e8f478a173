package consent

import (
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// has says whether somebody is in the set. A name that was not resolved may be anybody's.
func (s Set) has(who identity.PrincipalKey, f Facts) Answer {
	in := No
	if s.Group != nil {
		in = anyOf(in, s.Group.has(who, f))
	}
	for _, u := range s.Users {
		in = anyOf(in, u.is(who))
	}
	if s.SlackGroup != "" {
		g := f.UserGroup(s.SlackGroup)
		in = anyOf(in, s.counts(g, said(slices.Contains(g.Members, who))))
	}
	return in
}

// counts is what an answer about the members of the Slack group is worth: nothing, where anybody in Slack may have put them
// there.
func (s Set) counts(g UserGroup, in Answer) Answer {
	switch {
	case g.Read != Yes:
		return g.Read
	case s.AllowMutable, g.Kept == Yes, in == No:
		return in
	default:
		return g.Kept
	}
}

// people are those who are known to be in the set, and whether these are all.
func (s Set) people(f Facts) (list []identity.PrincipalKey, all Answer) {
	all = Yes
	if s.Group != nil {
		if s.Group.Key.IsZero() {
			all = Unknown
		} else {
			members, read := f.Members(s.Group.Key.ID)
			list = append(list, members...)
			if read == Unknown {
				all = Unknown
			}
		}
	}
	for _, u := range s.Users {
		if u.Key.IsZero() {
			all = Unknown
			continue
		}
		list = append(list, u.Key)
	}
	if s.SlackGroup != "" {
		g := f.UserGroup(s.SlackGroup)
		list = append(list, g.Members...)
		if g.Read == Unknown || g.More && s.counts(g, Yes) != No {
			all = Unknown
		}
	}
	return list, all
}

// has says whether somebody is in the group.
func (r Ref) has(who identity.PrincipalKey, f Facts) Answer {
	if r.Key.IsZero() {
		return Unknown
	}
	return f.In(who, r.Key.ID)
}

// is says whether somebody is the one.
func (r Ref) is(who identity.PrincipalKey) Answer {
	if r.Key.IsZero() {
		return Unknown
	}
	return said(r.Key == who)
}

// String names the set for people, by its name or by its parts.
func (s Set) String() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Parts()
}

// Parts says for people what the set is made of, as the policy names it.
func (s Set) Parts() string {
	var parts []string
	if s.Group != nil {
		parts = append(parts, "group "+s.Group.Written)
	}
	for _, u := range s.Users {
		parts = append(parts, "user "+u.Written)
	}
	if s.SlackGroup != "" {
		parts = append(parts, "Slack group "+s.SlackGroup)
	}
	return strings.Join(parts, " and ")
}

// SlackGroups are the ids of the Slack user groups that the policy names, in order, and those of them that count although their
// members can be changed by hand in Slack.
func (p Policy) SlackGroups() (all, mutable []string) {
	p.sets(func(s *Set) {
		if s.SlackGroup != "" {
			all = append(all, s.SlackGroup)
		}
		if s.SlackGroup != "" && s.AllowMutable {
			mutable = append(mutable, s.SlackGroup)
		}
	})
	slices.Sort(all)
	slices.Sort(mutable)
	return slices.Compact(all), slices.Compact(mutable)
}

// refs gives the principals that the set names.
func (s *Set) refs(yield func(identity.Kind, *Ref)) {
	if s.Group != nil {
		yield(identity.KindGroup, s.Group)
	}
	for i := range s.Users {
		yield(identity.KindUser, &s.Users[i])
	}
}
