package sandbox

import (
	"net/url"
	"slices"
	"testing"
)

// TestRuleSetsWithoutRules: what exists has a rule set, what does not has none.
func TestRuleSetsWithoutRules(t *testing.T) {
	c := acme(t, Options{})
	for name, rules := range map[string]int{
		"ruleSets/default":             2,
		"groups/3005/ruleSets/default": 0,
		"servicePrincipals/" + AcmeServingApp + "/ruleSets/default": 0,
		"servicePrincipals/" + AcmeETLApp + "/ruleSets/default":     2,
		"budgetPolicies/bp-research/ruleSets/default":               1,
		"tagPolicies/tp-pii/ruleSets/default":                       1,
		"groups/data-engineering/ruleSets/default":                  -1,
		"groups/1001/ruleSets/default":                              -1,
		"servicePrincipals/2003/ruleSets/default":                   -1,
		"tagPolicies/none/ruleSets/default":                         -1,
		"groups/3005":                                               -1,
	} {
		r := ruleSetOf(c, name)
		switch {
		case rules < 0 && (r.status != 404 || r.str("error_code") != "RESOURCE_DOES_NOT_EXIST"):
			t.Errorf("%s: %s", name, r)
		case rules >= 0 && (len(c.want(r, 200).list("grant_rules")) != rules || r.str("etag") == "" || r.str("name") != "accounts/"+AcmeAccountID+"/"+name):
			t.Errorf("%s: %s", name, r)
		}
	}
}

func ruleSetOf(c *client, name string) response {
	return c.account("/api/2.0/preview/accounts/{acct}/access-control/rule-sets?etag=&name=" + url.QueryEscape("accounts/"+AcmeAccountID+"/"+name))
}

// TestManagersReadTheirRuleSets: a manager of all service principals is none of groups.
func TestManagersReadTheirRuleSets(t *testing.T) {
	c := acme(t, Options{})
	c.srv.Update(func(a *Account) {
		rs := a.RuleSets[0]
		rs.Rules = append(rs.Rules, GrantRule{"roles/servicePrincipal.manager", []string{"servicePrincipals/" + AcmeLimitedApp}})
	})
	limited := c.as(Acme().LimitedAuditor)
	for name, want := range map[string]int{
		"servicePrincipals/" + AcmeDBTApp + "/ruleSets/default": 200,
		"groups/3010/ruleSets/default":                          403,
		"tagPolicies/tp-pii/ruleSets/default":                   403,
		"ruleSets/default":                                      403,
	} {
		if r := ruleSetOf(limited, name); r.status != want {
			t.Errorf("%s: %s", name, r)
		}
	}
	roles := c.account("/api/2.0/preview/accounts/{acct}/access-control/assignable-roles?resource="+url.QueryEscape("accounts/"+AcmeAccountID+"/tagPolicies/tp-pii")).names("roles", "name")
	if !slices.Equal(roles, []string{"roles/tagPolicy.manager", "roles/tagPolicy.assigner"}) {
		t.Errorf("roles of a tag policy: %q", roles)
	}
}
