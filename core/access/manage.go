package access

import (
	"databricks-access-audit/core/identity"
)

// Authority is why somebody may manage a securable: grant and revoke on it, and what is in it.
type Authority struct {
	Kind AuthorityKind
	At   identity.Securable // where it is held: the securable, a container, or the metastore
	// Holder is whom the ownership or the grant names, and Name how.
	Holder identity.PrincipalKey
	Name   string
}

// AuthorityKind is by what an authority is held.
type AuthorityKind uint8

// The kinds of authority.
const (
	NoAuthority AuthorityKind = iota
	ByOwning
	ByManage
	ByMetastoreAdmin
)

// Manages says whether the subject may manage the securable, and by which authority: it owns it or a
// container, holds MANAGE there, or is admin of the metastore. Authority held below a container needs
// a way through the containers above: USE, ownership or MANAGE on each.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/permissions-concepts
func (s *Subject) Manages(on identity.Securable, in identity.WorkspaceID) (Authority, Verdict) {
	answer := Denied
	for at := range lineage(on) {
		by, v := s.authorityAt(at, in)
		for above := range lineage(at) {
			if above != at {
				v = All(v, s.verdicts().passes(above, in))
			}
		}
		if v == Allowed {
			return by, Allowed
		}
		answer = Any(answer, v)
	}
	root := identity.MetastoreSecurable(on.Metastore)
	by, v := s.authorityAt(root, in)
	if v == Allowed {
		by.Kind = ByMetastoreAdmin
		return by, Allowed
	}
	return Authority{}, Any(answer, v)
}

// authorityAt looks at one level alone.
func (s *Subject) authorityAt(at identity.Securable, in identity.WorkspaceID) (by Authority, v Verdict) {
	owner, known := s.e.Owner(at)
	v = Unknown
	if known {
		v = s.means(owner, in)
	}
	if v == Allowed {
		return Authority{Kind: ByOwning, At: at, Holder: owner.Key, Name: owner.Name}, Allowed
	}
	if at.Type == identity.TypeMetastore {
		return Authority{}, v
	}
	manage := s.verdicts().byGrant(identity.Manage, at, in)
	if manage != Allowed {
		return Authority{}, Any(v, manage)
	}
	by = Authority{Kind: ByManage, At: at}
	for g := range s.e.GrantsOn(at) {
		if gives(g.Privileges, identity.Manage, at.Type) && s.means(g.Holder, in) == Allowed {
			by.Holder, by.Name = g.Holder.Key, g.Holder.Name
			break
		}
	}
	return by, Allowed
}

// AccountAdmin finds the identity through which the subject is account admin; it reports false when
// none is known.
func (s *Subject) AccountAdmin() (identity.PrincipalKey, bool) {
	for _, k := range s.Identities() {
		if p, _ := s.e.Principal(k); p.HasRole(identity.RoleAccountAdmin) {
			return k, true
		}
	}
	return identity.PrincipalKey{}, false
}
