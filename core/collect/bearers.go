package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// Bearers finds everybody whom a name may mean, in every way that it may mean them. The calls are the same, one after the other,
// whoever there is, so that neither they nor their time tell who is there. A search that fails is an error.
func Bearers(ctx context.Context, src Directory, who string) (found []identity.Principal, err error) {
	rounds, err := bearers(ctx, src, strings.TrimSpace(who))
	for _, p := range slices.Concat(rounds...) {
		if !slices.ContainsFunc(found, func(q identity.Principal) bool { return q.Key == p.Key }) {
			found = append(found, p)
		}
	}
	return found, err
}

// MeansOne reports whether a question would find exactly one principal by a name. The calls are those of Bearers.
func MeansOne(ctx context.Context, src Directory, who string) (bool, error) {
	who = strings.TrimSpace(who)
	rounds, err := bearers(ctx, src, who)
	for i, found := range rounds {
		if len(found) > 0 {
			byID := i == 0 && numeric.MatchString(who)
			return byID || len(exact(found, who)) == 1, err
		}
	}
	return false, err
}

// bearers are those whom a name may mean, by the round in which a question would look for them; first, if it is a number, by id.
func bearers(ctx context.Context, src Directory, who string) (rounds [][]identity.Principal, err error) {
	var failed error
	if numeric.MatchString(who) {
		var found []identity.Principal
		for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup} {
			switch p, err := src.Principal(ctx, identity.PrincipalKey{Kind: kind, ID: who}); {
			case err == nil:
				found = append(found, p)
			case !identity.IsKind(err, identity.NotFound):
				failed = err
			}
		}
		rounds = append(rounds, found)
	}
	for _, round := range searches(who) {
		var found []identity.Principal
		for _, s := range round {
			hits, err := src.FindPrincipals(ctx, s.kind, s.match)
			if err != nil {
				failed = err
			}
			found = append(found, hits...)
		}
		rounds = append(rounds, found)
	}
	if failed != nil {
		return nil, fmt.Errorf("look for whom a name means: %w", failed)
	}
	return rounds, nil
}
