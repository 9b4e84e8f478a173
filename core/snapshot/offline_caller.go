package snapshot

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// saver is the key of whoever read the facts. An estate does not say who that was, but of which
// metastores the listings showed everything, which they do to the metastore's admin: so much is known
// that it is, or is in, what owns those.
var saver = identity.PrincipalKey{ID: "whoever saved the snapshot"}

// uuid is what application ids, by which service principals own, look like.
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Caller is whoever read the facts. Where no metastore showed everything it fails as the look at that
// failed.
func (s *Offline) Caller(ctx context.Context, _ identity.Workspace) (identity.Principal, error) {
	who := identity.Principal{Key: saver}
	var why error = s.lacks(estate.ReadKey{Op: estate.OpVisibility}, "")
	for _, m := range s.e.Metastores() {
		k := visibility(m.ID)
		if _, planned := s.e.Outcome(k); !planned {
			continue
		}
		switch err := s.said(ctx, k); {
		case err != nil:
			why = err
		case s.ownedByGroup(m):
			who.Name = cmp.Or(who.Name, s.label())
		default:
			who.Name = m.Owner
		}
	}
	if who.Name == "" {
		return identity.Principal{}, why
	}
	return who, nil
}

// label is what failures call the caller, to be shown again.
func (s *Offline) label() string {
	for _, m := range s.e.Metastores() {
		o, _ := s.e.Outcome(visibility(m.ID))
		if _, after, ok := strings.Cut(o.Message, "the caller "); ok {
			if name, _, ok := strings.Cut(after, " is not an admin"); ok {
				return name
			}
		}
	}
	return saver.ID
}

// saverGroups are the groups that own the metastores which showed everything.
func (s *Offline) saverGroups() (groups []identity.PrincipalKey) {
	for _, m := range s.e.Metastores() {
		if s.e.Saw(visibility(m.ID)) && s.ownedByGroup(m) {
			groups = append(groups, s.owners(m.Owner)[0].Key)
		}
	}
	return groups
}

// ownedByGroup reports whether a metastore whose admin read it is owned by a group: by what is known of
// the owner, or else by what the name looks like.
func (s *Offline) ownedByGroup(m identity.Metastore) bool {
	known := s.e.Named(m.Owner)
	if len(known) > 0 {
		return slices.ContainsFunc(known, func(p identity.Principal) bool { return p.Key.Kind == identity.KindGroup })
	}
	return !strings.Contains(m.Owner, "@") && !uuid.MatchString(m.Owner)
}

// owners gives the groups that bear the name of a metastore's owner. Where whoever read the facts is in
// one of which nothing else is known, its name stands for its number.
func (s *Offline) owners(name string) []identity.Principal {
	known := s.fitting(identity.KindGroup, identity.Match{Value: name})
	if len(known) > 0 {
		return known
	}
	for _, m := range s.e.Metastores() {
		if identity.SameName(m.Owner, name) && s.e.Saw(visibility(m.ID)) && s.ownedByGroup(m) {
			return []identity.Principal{{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: m.Owner}, Name: m.Owner, DisplayName: m.Owner}}
		}
	}
	return nil
}

func visibility(metastore string) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpVisibility, Securable: identity.MetastoreSecurable(metastore)}
}
