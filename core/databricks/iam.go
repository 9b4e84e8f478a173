package databricks

import (
	"context"
	"net/url"

	"databricks-access-audit/core/identity"
)

// parentGroup is one group that a principal is in, directly or not.
//
// https://docs.databricks.com/api/iam/v2/list-transitive-parent-groups
type parentGroup struct {
	GroupID scalar `json:"group_id"`
}

type parentGroups struct {
	Groups []parentGroup `json:"transitive_parent_groups"`
	Next   string        `json:"next_page_token"`
}

// parentPage is the largest page of the listing.
const parentPage = "1000"

// ParentGroups gives every account group that the principal is in. The API is not there for every
// account; that it is not is remembered, so that it costs one request per account.
func (s *Session) ParentGroups(ctx context.Context, key identity.PrincipalKey) ([]identity.PrincipalKey, error) {
	if err := s.accountKey(key); err != nil {
		return nil, err
	}
	if s.account.noParents.Load() {
		return nil, unsupported("the account has no API for the groups that a principal is in")
	}
	r := s.own(get(classOther, "/api/2.0/identity/accounts/{account_id}/principals/{principal_id}/transitive-parent-groups"), s.account.reach.AccountID, key.ID)
	if s.degraded() {
		r = s.own(get(classOther, "/api/2.0/identity/principals/{principal_id}/transitive-parent-groups"), key.ID)
	}
	r.query = url.Values{"page_size": {parentPage}}
	found, err := tokenPages(ctx, s, r,
		func(g parentGroup) string { return string(g.GroupID) },
		func(w parentGroups) page[parentGroup] { return page[parentGroup]{w.Groups, w.Next} })
	if identity.IsKind(err, identity.Unsupported) {
		s.account.noParents.Store(true)
	}
	keys := make([]identity.PrincipalKey, 0, len(found))
	for _, g := range found {
		keys = append(keys, identity.PrincipalKey{Kind: identity.KindGroup, ID: string(g.GroupID)})
	}
	return keys, err
}
