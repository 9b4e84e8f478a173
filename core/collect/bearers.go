package collect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// Bearers finds everybody whom a name may mean, in every way that it may mean them. The calls are the same, one after the other,
// whoever there is, so that neither they nor their time tell who is there. A search that fails is an error.
func Bearers(ctx context.Context, src Directory, who string) (found []identity.Principal, err error) {
	who = strings.TrimSpace(who)
	add := func(p identity.Principal) {
		if !slices.ContainsFunc(found, func(q identity.Principal) bool { return q.Key == p.Key }) {
			found = append(found, p)
		}
	}
	var failed error
	if numeric.MatchString(who) {
		for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup} {
			switch p, err := src.Principal(ctx, identity.PrincipalKey{Kind: kind, ID: who}); {
			case err == nil:
				add(p)
			case !identity.IsKind(err, identity.NotFound):
				failed = err
			}
		}
	}
	matches := make(map[identity.Kind][]identity.Match)
	for _, round := range searches(who) {
		for _, s := range round {
			matches[s.kind] = append(matches[s.kind], s.match)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(matches)) {
		hits, err := src.FindPrincipals(ctx, kind, matches[kind]...)
		if err != nil {
			failed = err
		}
		for _, p := range hits {
			add(p)
		}
	}
	if failed != nil {
		return nil, fmt.Errorf("look for whom a plan would be: %w", failed)
	}
	return found, nil
}
