package databricks

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"databricks-access-audit/core/identity"
)

var (
	routeRuleSets    = get(classRuleSets, "/api/2.0/preview/accounts/{account_id}/access-control/rule-sets")
	routeOwnRuleSets = get(classRuleSets, "/api/2.0/preview/accounts/access-control/rule-sets")
)

// ruleSet is who holds roles on one resource. Principals are named after their kind:
// users/ann@acme.test.
//
// https://docs.databricks.com/api/access-management/v1/rule-set
type ruleSet struct {
	Name  string `json:"name"`
	Rules []struct {
		Role       identity.Role `json:"role"`
		Principals []string      `json:"principals"`
	} `json:"grant_rules"`
}

// RoleGrants reads the roles that were given on a group or service principal, or on the account.
func (s *Session) RoleGrants(ctx context.Context, on identity.Principal) ([]identity.RoleGrant, error) {
	name, err := s.ruleSetName(on)
	if err != nil {
		return nil, err
	}
	r := s.own(routeRuleSets, s.account.reach.AccountID)
	if s.degraded() {
		r = s.own(routeOwnRuleSets)
	}
	// The etag must be there. It asks for an answer no older than a version; empty, for any.
	r.query = url.Values{"name": {name}, "etag": {""}}
	var set ruleSet
	if _, err := s.fetch(ctx, r, &set); err != nil {
		if missingRuleSet(err, name) {
			return nil, nil
		}
		return nil, err
	}
	if !strings.EqualFold(set.Name, name) {
		return nil, s.failed(fmt.Errorf("%s: the answer is about %q", r.route, set.Name))
	}
	return set.grants(on.Key, r.route)
}

// ruleSetName is how the API addresses the rule set of a principal: groups by their number, service
// principals by their application id.
func (s *Session) ruleSetName(on identity.Principal) (string, error) {
	account := s.account.reach.AccountID
	if account == "" {
		return "", unsupported("rule sets are addressed by the account's id, which is not known: set DATABRICKS_ACCOUNT_ID")
	}
	if on.Key.IsZero() {
		return "accounts/" + account + "/ruleSets/default", nil
	}
	if err := s.accountKey(on.Key); err != nil {
		return "", err
	}
	var kind, id string
	switch on.Key.Kind {
	case identity.KindGroup:
		kind, id = "groups", on.Key.ID
	case identity.KindServicePrincipal:
		kind, id = "servicePrincipals", on.Name
	default:
		return "", unsupported("nobody is given roles on a " + on.Key.Kind.Title())
	}
	if on.Key == identity.AccountUsers() {
		return "", unsupported("nobody is given roles on the group of all account users")
	}
	if id == "" || strings.Contains(id, "/") {
		return "", s.failed(fmt.Errorf("%q does not name a %s", id, on.Key.Kind.Title()))
	}
	return "accounts/" + account + "/" + kind + "/" + id + "/ruleSets/default", nil
}

var ruleSetWords = regexp.MustCompile(`(?i)\brule[ _]?set`)

// missingRuleSet reports whether an error says that nobody ever made the rule set. The documentation
// says that every resource has one, and no word about a resource without: an error that speaks of
// anything else, of the principal for example, stays one. The name that was asked for is in errors
// about either.
func missingRuleSet(err error, name string) bool {
	f, ok := errors.AsType[*identity.Failure](err)
	return ok && f.Kind == identity.NotFound && ruleSetWords.MatchString(f.Code+" "+strings.ReplaceAll(f.Message, name, ""))
}

// grants gives one entry for each role and holder.
func (set ruleSet) grants(on identity.PrincipalKey, r route) ([]identity.RoleGrant, error) {
	var found listing[identity.RoleGrant]
	for _, rule := range set.Rules {
		if rule.Role == "" {
			return found.items, incomplete("%s: a rule has no role", r)
		}
		for _, p := range rule.Principals {
			holder := ruleHolder(p)
			if holder.Name == "" {
				return found.items, incomplete("%s: a rule names nobody", r)
			}
			found.add(string(rule.Role)+"\x00"+p, identity.RoleGrant{On: on, Role: rule.Role, Holder: holder})
		}
	}
	return found.items, nil
}

// ruleHolder reads whom a rule names. Somebody of a kind that is not known here is kept as they are:
// they hold the role nevertheless.
func ruleHolder(principal string) identity.PrincipalName {
	kind, name, _ := strings.Cut(principal, "/")
	switch kind {
	case "users":
		return identity.PrincipalName{Kind: identity.KindUser, Name: name}
	case "groups":
		return identity.PrincipalName{Kind: identity.KindGroup, Name: name}
	case "servicePrincipals":
		return identity.PrincipalName{Kind: identity.KindServicePrincipal, Name: name}
	default:
		return identity.PrincipalName{Name: principal}
	}
}
