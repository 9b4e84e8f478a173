package snapshot

import (
	"context"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// record is what the account's directory tells of a principal: second names are found out by asking.
func record(p identity.Principal) identity.Principal {
	p.Aliases = nil
	return p
}

// known gives the account principals of a kind of whom there is a record.
func (s *Offline) known(kind identity.Kind) (all []identity.Principal) {
	for p := range s.e.Principals() {
		if p.Key.Kind == kind && p.Key.Workspace == 0 && !bare(p) {
			all = append(all, record(p))
		}
	}
	return all
}

// list is the read that brings all account principals of a kind.
func list(kind identity.Kind) estate.ReadKey {
	if kind == identity.KindGroup {
		return estate.ReadKey{Op: estate.OpGroups}
	}
	return estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: kind}}
}

// FindPrincipals gives those known that fit any match. Where not all of the kind were listed, nobody found by one is a
// failure, and so is who is found by a field that others may share: there may be more.
func (s *Offline) FindPrincipals(ctx context.Context, kind identity.Kind, matches ...identity.Match) (found []identity.Principal, err error) {
	for _, m := range matches {
		some, failed := s.search(ctx, kind, m)
		for _, p := range some {
			if !slices.ContainsFunc(found, func(q identity.Principal) bool { return q.Key == p.Key }) {
				found = append(found, p)
			}
		}
		if err == nil {
			err = failed
		}
	}
	return found, err
}

// search gives those known that fit one match.
func (s *Offline) search(ctx context.Context, kind identity.Kind, match identity.Match) ([]identity.Principal, error) {
	if !searchable(kind, match) {
		return nil, nil
	}
	found := s.fitting(kind, match)
	err := s.said(ctx, list(kind))
	if err == nil || ctx.Err() != nil {
		return found, err
	}
	if kind == identity.KindGroup && match.Field == identity.ByName && !match.Contains {
		found = s.owners(match.Value)
	}
	if o, ok := s.e.Outcome(estate.ReadKey{Op: estate.OpFindPrincipal}); ok && !o.OK() {
		err = s.said(ctx, estate.ReadKey{Op: estate.OpFindPrincipal})
	}
	switch match.Field {
	case identity.ByName:
		if _, ok := s.e.Outcome(estate.ReadKey{Op: estate.OpHolder, Name: match.Value}); ok {
			err = s.said(ctx, estate.ReadKey{Op: estate.OpHolder, Name: match.Value})
		} else if len(found) > 0 && !match.Contains {
			return found, nil
		}
	case identity.ByExternalID:
		if len(found) > 0 {
			err = s.otherRecords(ctx, found)
		}
	default: // what such a search found is in no ledger
	}
	if err == nil {
		return found, nil
	}
	f := *identity.FailureOf(err)
	f.Partial = len(found) > 0
	return found, &f
}

// searchable reports whether principals of the kind have the field.
func searchable(kind identity.Kind, m identity.Match) bool {
	switch {
	case m.Value == "" && !m.Contains:
		return false
	case kind == identity.KindUser:
		return true
	case kind == identity.KindServicePrincipal:
		return m.Field != identity.ByEmail
	default:
		return kind == identity.KindGroup && m.Field != identity.ByEmail
	}
}

func (s *Offline) fitting(kind identity.Kind, m identity.Match) []identity.Principal {
	if m.Field == identity.ByName && !m.Contains {
		named := slices.DeleteFunc(s.e.Named(m.Value), func(p identity.Principal) bool {
			return p.Key.Kind != kind || bare(p) || !identity.SameName(p.Name, m.Value)
		})
		return each(named, record)
	}
	return slices.DeleteFunc(s.known(kind), func(p identity.Principal) bool { return !fits(p, m) })
}

func fits(p identity.Principal, m identity.Match) bool {
	fit := func(v string) bool {
		if m.Contains {
			return strings.Contains(identity.FoldName(v), identity.FoldName(m.Value))
		}
		return identity.SameName(v, m.Value)
	}
	switch m.Field {
	case identity.ByName:
		return fit(p.Name)
	case identity.ByDisplayName:
		return fit(p.DisplayName)
	case identity.ByEmail:
		return slices.ContainsFunc(p.Emails, fit)
	default:
		return fit(p.ExternalID)
	}
}

// otherRecords repeats how the search for the records of one person ended, if it was made.
func (s *Offline) otherRecords(ctx context.Context, found []identity.Principal) error {
	for _, p := range found {
		k := estate.ReadKey{Op: estate.OpAliases, Principal: p.Key}
		if o, ok := s.e.Outcome(k); ok && o.Needed {
			return s.said(ctx, k)
		}
	}
	return s.lacks(estate.ReadKey{Op: estate.OpAliases, Principal: found[0].Key}, "")
}

// Principals gives all of the kind, if all were listed.
func (s *Offline) Principals(ctx context.Context, kind identity.Kind) ([]identity.Principal, error) {
	return answer(s.said(ctx, list(kind)), func() []identity.Principal { return s.known(kind) })
}

// Principal gives the record of a principal. That there is none is said when all were listed.
func (s *Offline) Principal(ctx context.Context, k identity.PrincipalKey) (identity.Principal, error) {
	if err := ctx.Err(); err != nil {
		return identity.Principal{}, s.said(ctx, estate.ReadKey{})
	}
	if p, ok := s.e.Principal(k); ok && !bare(p) {
		return record(p), nil
	}
	read := estate.ReadKey{Op: estate.OpPrincipal, Principal: k}
	if _, planned := s.e.Outcome(read); !planned && s.e.Saw(list(k.Kind)) {
		return identity.Principal{}, &identity.Failure{Kind: identity.NotFound, Message: "the account has no " + k.Kind.Title() + " " + k.ID}
	}
	if err := s.said(ctx, read); err != nil {
		return identity.Principal{}, err
	}
	return identity.Principal{}, s.lacks(read, "")
}

// instead ends what the ledger says of groups above that were then found by their members.
const instead = "; the members of every group are needed instead"

// ParentGroups gives the groups above a principal where they were read in one. Where the members of
// every group were read it says Unsupported, as an account does that has those alone.
func (s *Offline) ParentGroups(ctx context.Context, k identity.PrincipalKey) ([]identity.PrincipalKey, error) {
	if k == saver {
		return s.saverGroups(), nil
	}
	read := estate.ReadKey{Op: estate.OpParents, Principal: k}
	if _, planned := s.e.Outcome(read); !planned && s.e.Saw(list(identity.KindGroup)) {
		return nil, &identity.Failure{Kind: identity.Unsupported, Message: "the snapshot holds the members of groups instead"}
	}
	err := s.said(ctx, read)
	if err != nil && ctx.Err() == nil {
		f := *identity.FailureOf(err)
		f.Message = strings.TrimSuffix(f.Message, instead)
		err = &f
	}
	return answer(err, func() []identity.PrincipalKey { return slices.Collect(s.e.Ancestors(k)) })
}

// Group gives a group with its direct members.
func (s *Offline) Group(ctx context.Context, k identity.PrincipalKey) (identity.Group, error) {
	read := estate.ReadKey{Op: estate.OpMembers, Principal: k}
	err := s.said(ctx, read)
	p, ok := s.e.Principal(k)
	switch {
	case err != nil && !identity.FailureOf(err).Partial:
		return identity.Group{}, err
	case !ok:
		return identity.Group{}, s.lacks(read, "")
	}
	return identity.Group{Principal: record(p), Members: slices.Collect(s.e.Members(k)), MembersListed: true}, err
}

// Groups gives all account groups, with their members where those were read.
func (s *Offline) Groups(ctx context.Context) ([]identity.Group, error) {
	return answer(s.said(ctx, list(identity.KindGroup)), func() []identity.Group {
		return each(s.known(identity.KindGroup), func(p identity.Principal) identity.Group {
			g := identity.Group{Principal: p, MembersListed: s.e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: p.Key})}
			if g.MembersListed {
				g.Members = slices.Collect(s.e.Members(p.Key))
			}
			return g
		})
	})
}

// WorkspaceUserName gives the external id of a name that was found to be somebody's. What was taken for
// the same person by the spelling alone has none.
func (s *Offline) WorkspaceUserName(ctx context.Context, _ identity.Workspace, name string) (string, error) {
	for _, p := range s.e.Named(name) {
		spelt, ok := s.e.Outcome(estate.ReadKey{Op: estate.OpAliases, Principal: p.Key})
		if ok && spelt.Kind == identity.NotFound && strings.Contains(spelt.Message, name) {
			return "", &identity.Failure{Kind: identity.NotFound, Message: "it was not found out whose name " + name + " is"}
		}
		if p.Key.Kind == identity.KindUser && p.ExternalID != "" {
			return p.ExternalID, ctx.Err()
		}
	}
	return "", s.lacks(estate.ReadKey{Op: estate.OpHolder, Name: name}, "")
}
