package diff

import (
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Facts name principals. Where one side did not read who bears a name, a principal that got another name
// would look like two: one who lost something and one who got it. Such facts are not compared.

// slot gathers whom facts name, by what they are given.
func (s *side) slot() {
	s.slots = map[key][]id{}
	for k := range s.facts {
		if who := k.principal; byName(k) {
			k.principal = id{}
			s.slots[k] = append(s.slots[k], who)
		}
	}
}

// byName reports whether facts of this kind name their principal, instead of giving its id.
func byName(k key) bool {
	return k.principal != (id{}) && (k.kind == report.KindGrant || k.kind == report.KindObject || k.kind == report.KindRole && !k.group.IsZero())
}

// confused reports whether a thing that seems to differ may be the same under another name.
func (c *comparison) confused(k key, was, is value, before, after bool) bool {
	switch {
	case c.meansTwoGroups(k) && (before != after || differ(k, was, is)):
		return true
	case k.kind == report.KindOwner && before && after:
		return c.after.maybe(was.holder, is.holder) || c.before.maybe(is.holder, was.holder)
	case !byName(k) || before && after:
		return false
	case before:
		return c.after.confuses(k, c.before)
	default:
		return c.before.confuses(k, c.after)
	}
}

// meansTwoGroups reports whether a permission on a workspace object names a group that may be another one on
// either side: only one of them read which groups the workspace has of its own, and these come before the
// account's of the same name.
func (c *comparison) meansTwoGroups(k key) bool {
	own := entitlements(k.object.Workspace, identity.PrincipalKey{Kind: identity.KindGroup})
	return k.kind == report.KindObject && k.principal.key.Kind == identity.KindGroup && !implicit(k.principal.key) && c.before.saw(own) != c.after.saw(own)
}

// maybe reports whether a name on this side may be that of a principal that the other side knows by key.
func (s *side) maybe(theirs, ours id) bool {
	return ours.named() && !theirs.key.IsZero() && !s.e.Names(theirs.key) && !s.lacksPrincipal(theirs.key)
}

// confuses reports whether a thing of the other side, that is not there on this one, may be there under
// another name.
func (s *side) confuses(k key, other *side) bool {
	who := k.principal
	k.principal = id{}
	there := func(on *side, i id) bool {
		k := k
		k.principal = i
		_, is := on.facts[k]
		return is
	}
	return slices.ContainsFunc(s.slots[k], func(ours id) bool {
		return !there(other, ours) && (s.maybe(who, ours) || other.maybe(ours, who))
	})
}
