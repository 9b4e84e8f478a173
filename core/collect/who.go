package collect

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// UnknownError says that nobody bears the name.
type UnknownError struct {
	Who string
	// Candidates are principals whose name comes near, nearest first.
	Candidates []identity.Principal
	// NotIn are workspaces whose own groups could not be listed: one of them may bear the name.
	NotIn []string
}

// Error says what serves as a name where no near miss says it.
func (e *UnknownError) Error() string {
	said := fmt.Sprintf("no user, service principal or group is called %q", e.Who)
	if len(e.Candidates) == 0 {
		said += "; give an e-mail, an application id, a service principal's or group's name, or a numeric id"
	}
	if len(e.NotIn) > 0 {
		said += "; the groups of workspaces alone could not be listed in " + strings.Join(e.NotIn, ", ")
	}
	return said
}

// AmbiguousError says that several principals bear the name.
type AmbiguousError struct {
	Who        string
	Candidates []identity.Principal
}

// Error says how to choose.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q names %d principals; name one by its id", e.Who, len(e.Candidates))
}

// UnknownWorkspaceError says that addresses are not of any workspace of the account.
type UnknownWorkspaceError struct {
	URLs  []string
	Known []string
}

// Error names the addresses.
func (e *UnknownWorkspaceError) Error() string {
	return fmt.Sprintf("no workspace of this account has the address %s", strings.Join(e.URLs, ", "))
}

var (
	numeric = regexp.MustCompile(`^\d+$`)
	uuid    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// search is one way to look for a name.
type search struct {
	kind  identity.Kind
	match identity.Match
}

// searches gives the ways to look for a name, in rounds: a later round is tried only when the
// rounds before found nobody. What the name looks like decides, so that the common case is one call.
func searches(who string) [][]search {
	user := func(f identity.Field, v string) search {
		return search{identity.KindUser, identity.Match{Field: f, Value: v}}
	}
	sp := func(f identity.Field) search {
		return search{identity.KindServicePrincipal, identity.Match{Field: f, Value: who}}
	}
	group := search{identity.KindGroup, identity.Match{Field: identity.ByName, Value: who}}
	switch {
	case uuid.MatchString(who):
		return [][]search{{sp(identity.ByName)}, {sp(identity.ByDisplayName), group}}
	case strings.Contains(who, "@"):
		rounds := [][]search{{user(identity.ByName, who)}, {user(identity.ByEmail, who)}}
		if mail, ok := identity.GuestEmail(who); ok {
			rounds = append(rounds, []search{user(identity.ByName, mail)}, []search{user(identity.ByEmail, mail)})
		}
		return append(rounds, []search{sp(identity.ByDisplayName), group})
	default:
		return [][]search{{group, sp(identity.ByDisplayName), user(identity.ByName, who)}}
	}
}

// find resolves the subject's name. Exactly one principal must bear it.
func (c *crawler) find(ctx context.Context, who string) (identity.Principal, error) {
	who = strings.TrimSpace(who)
	if numeric.MatchString(who) {
		p, err := c.findByID(ctx, who)
		if err != nil || !p.Key.IsZero() {
			return c.guests.recognise(who, p), err
		}
	}
	for _, round := range searches(who) {
		found, err := c.searchAll(ctx, round)
		if err != nil {
			return identity.Principal{}, err
		}
		found = exact(found, who)
		switch len(found) {
		case 0:
		case 1:
			return c.guests.recognise(who, found[0]), nil
		default:
			return identity.Principal{}, &AmbiguousError{Who: who, Candidates: found}
		}
	}
	return identity.Principal{}, &UnknownError{Who: who, Candidates: c.suggest(ctx, who)}
}

// exact prefers those whose name is spelt as asked over those that differ in case.
func exact(found []identity.Principal, who string) []identity.Principal {
	spelt := slices.DeleteFunc(slices.Clone(found), func(p identity.Principal) bool {
		return p.Name != who && p.DisplayName != who
	})
	if len(spelt) > 0 {
		return spelt
	}
	return found
}

// findByID looks for a numeric id among all kinds at once. The zero principal means nobody.
func (c *crawler) findByID(ctx context.Context, id string) (identity.Principal, error) {
	kinds := []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup}
	found := make([]identity.Principal, len(kinds))
	errs := make([]error, len(kinds))
	var all sync.WaitGroup
	for i, kind := range kinds {
		all.Go(func() {
			found[i], errs[i] = c.src.Principal(ctx, identity.PrincipalKey{Kind: kind, ID: id})
		})
	}
	all.Wait()
	for i, p := range found {
		if errs[i] == nil {
			c.b.AddPrincipal(p)
			return p, nil
		}
	}
	for _, err := range errs {
		if !identity.IsKind(err, identity.NotFound) {
			return identity.Principal{}, fmt.Errorf("look up id %s: %w", id, err)
		}
	}
	return identity.Principal{}, nil
}

// searchAll makes the searches of one round at once. One failed search spoils the round unless
// another one found somebody; then it is a gap, since it could have found a second.
func (c *crawler) searchAll(ctx context.Context, round []search) ([]identity.Principal, error) {
	results := make([][]identity.Principal, len(round))
	errs := make([]error, len(round))
	var all sync.WaitGroup
	for i, s := range round {
		all.Go(func() { results[i], errs[i] = c.src.FindPrincipals(ctx, s.kind, s.match) })
	}
	all.Wait()
	var found []identity.Principal
	for _, r := range results {
		for _, p := range r {
			if !slices.ContainsFunc(found, func(q identity.Principal) bool { return q.Key == p.Key }) {
				found = append(found, p)
			}
		}
	}
	for i, err := range errs {
		if err == nil {
			continue
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("search %ss called %q: %w", round[i].kind.Title(), round[i].match.Value, err)
		}
		c.note(estate.ReadKey{Op: estate.OpFindPrincipal}, err)
	}
	for _, p := range found {
		c.b.AddPrincipal(p)
	}
	return found, nil
}

// The limits of what is suggested for a name that nobody bears.
const (
	suggestions = 5
	beginning   = 3 // letters
)

// suggest looks for principals whose name comes near: first those that hold what was asked for,
// then those that hold its beginning, then any. It is a courtesy: what fails here is left out.
func (c *crawler) suggest(ctx context.Context, who string) []identity.Principal {
	local, _, _ := strings.Cut(who, "@")
	start := []rune(local)
	start = start[:min(len(start), beginning)]
	for _, part := range []string{local, string(start), ""} {
		if found := Nearest(who, c.holding(ctx, part)); len(found) > 0 {
			return found
		}
	}
	return nil
}

// holding finds principals whose name or display name holds the part, of each kind at most a page.
func (c *crawler) holding(ctx context.Context, part string) []identity.Principal {
	match := func(f identity.Field) identity.Match { return identity.Match{Field: f, Value: part, Contains: true} }
	ways := []search{
		{identity.KindUser, match(identity.ByName)},
		{identity.KindServicePrincipal, match(identity.ByDisplayName)},
		{identity.KindGroup, match(identity.ByName)},
	}
	if part != "" {
		ways = append(ways, search{identity.KindUser, match(identity.ByDisplayName)})
	}
	results := make([][]identity.Principal, len(ways))
	var all sync.WaitGroup
	for i, w := range ways {
		all.Go(func() { results[i], _ = c.src.FindPrincipals(ctx, w.kind, w.match) })
	}
	all.Wait()
	return slices.Concat(results...)
}

// Nearest picks the principals whose name or display name comes near the one asked for, nearest
// first: it holds it, or differs from it in few letters.
func Nearest(who string, from []identity.Principal) []identity.Principal {
	local, _, _ := strings.Cut(identity.FoldName(who), "@")
	distance := func(p identity.Principal) int {
		return min(identity.EditDistance(who, p.Name), identity.EditDistance(who, p.DisplayName))
	}
	near := func(p identity.Principal) bool {
		holds := strings.Contains(identity.FoldName(p.Name), local) || strings.Contains(identity.FoldName(p.DisplayName), local)
		return local != "" && holds || distance(p) <= 1+len([]rune(local))/3
	}
	var found []identity.Principal
	for _, p := range from {
		if near(p) && !slices.ContainsFunc(found, func(q identity.Principal) bool { return q.Key == p.Key }) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b identity.Principal) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), a.Key.Compare(b.Key))
	})
	return found[:min(len(found), suggestions)]
}
