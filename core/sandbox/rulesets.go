package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

func ruleSetRoutes() []route {
	const account, proxy = "/api/2.0/preview/accounts/{account_id}/access-control/", "/api/2.0/preview/accounts/access-control/"
	return []route{
		{method: "GET", host: onAccount, template: account + "rule-sets", access: accountMember, handle: (*call).getRuleSet},
		{method: "PUT", host: onAccount, template: account + "rule-sets", access: accountMember, handle: (*call).putRuleSet},
		{method: "GET", host: onAccount, template: account + "assignable-roles", access: accountMember, handle: (*call).assignableRoles},
		{method: "GET", host: onWorkspace, template: proxy + "rule-sets", access: member, handle: (*call).getRuleSet},
		{method: "PUT", host: onWorkspace, template: proxy + "rule-sets", access: member, handle: (*call).putRuleSet},
		{method: "GET", host: onWorkspace, template: proxy + "assignable-roles", access: member, handle: (*call).assignableRoles},
	}
}

type wireRuleSet struct {
	Name  string          `json:"name"`
	Etag  string          `json:"etag,omitempty"`
	Rules []wireGrantRule `json:"grant_rules,omitempty"`
}

type wireGrantRule struct {
	Role       string   `json:"role"`
	Principals []string `json:"principals,omitempty"`
}

func (r *RuleSet) wire() wireRuleSet {
	w := wireRuleSet{Name: r.Name, Etag: r.etag()}
	for _, g := range r.Rules {
		w.Rules = append(w.Rules, wireGrantRule(g))
	}
	return w
}

func (r *RuleSet) etag() string { return fmt.Sprintf("RENUAAABhSweA4%04d", r.Version) }

func (a *Account) ruleSet(name string) *RuleSet {
	for _, r := range a.RuleSets {
		if r.Name == name {
			return r
		}
	}
	return &RuleSet{Name: name}
}

// ruleSetTarget parses a rule set's name and reports whether its resource is
// there. Service principals are named by application id, not by number.
func (c *call) ruleSetTarget(name string) (kind string, exists bool) {
	rest, found := strings.CutPrefix(name, "accounts/"+c.acct.ID+"/")
	if !found {
		return "", false
	}
	parts := strings.Split(rest, "/")
	switch {
	case rest == "ruleSets/default":
		return "account", true
	case len(parts) != 4 || parts[2] != "ruleSets" || parts[3] != "default":
		return "", false
	}
	switch parts[0] {
	case "groups":
		p := c.idx.principals[parts[1]]
		return "groups", p != nil && p.kind == kindGroup
	case "servicePrincipals":
		return "servicePrincipals", c.idx.apps[parts[1]] != nil
	case "budgetPolicies":
		return "budgetPolicies", slices.Contains(c.acct.BudgetPolicies, parts[1])
	case "tagPolicies":
		return "tagPolicies", slices.Contains(c.acct.TagPolicies, parts[1])
	}
	return "", false
}

// managerRoles are the roles that let their holder read and write the rule sets
// of a kind of resource: held on the resource, or on the account for all of them
// (https://docs.databricks.com/security/auth/access-control/service-principal-acl).
// The account's own rule set is for account admins.
var managerRoles = map[string]string{
	"groups":            "roles/group.manager",
	"servicePrincipals": "roles/servicePrincipal.manager",
	"budgetPolicies":    "roles/budgetPolicy.manager",
	"tagPolicies":       "roles/tagPolicy.manager",
}

func (c *call) mayManageRoles(kind, name string) bool {
	if c.isAccountAdmin() {
		return true
	}
	names, role := c.ruleSetNames(), managerRoles[kind]
	for _, rs := range []string{name, "accounts/" + c.acct.ID + "/ruleSets/default"} {
		for _, g := range c.acct.ruleSet(rs).Rules {
			if g.Role == role && slices.ContainsFunc(g.Principals, func(p string) bool { return names[p] }) {
				return true
			}
		}
	}
	return false
}

// ruleSetNames are the caller's identities as rule sets spell them.
func (c *call) ruleSetNames() map[string]bool {
	out := map[string]bool{}
	for id := range c.caller.memberships {
		if p := c.idx.principals[id]; p != nil {
			prefix := map[principalKind]string{kindUser: "users/", kindSP: "servicePrincipals/", kindGroup: "groups/"}[p.kind]
			out[prefix+p.name] = true
		}
	}
	return out
}

// getRuleSet gives a resource without rules an empty rule set with an etag
// (https://docs.databricks.com/api/account/accountaccesscontrol/getruleset).
func (c *call) getRuleSet() reply {
	name := c.query.Get("name")
	if !c.query.Has("etag") {
		return badRequest("etag is required; it may be empty")
	}
	kind, exists := c.ruleSetTarget(name)
	if !exists {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Rule set %s does not exist.", name)
	}
	if !c.mayManageRoles(kind, name) {
		return forbidden("%s may not read rule set %s", c.caller.name, name)
	}
	return ok(c.acct.ruleSet(name).wire())
}

// putRuleSet replaces a rule set as a whole, if the etag is current
// (https://docs.databricks.com/api/account/accountaccesscontrol/updateruleset).
func (c *call) putRuleSet() reply {
	var body struct {
		Name    string      `json:"name"`
		RuleSet wireRuleSet `json:"rule_set"`
	}
	if err := c.decode(&body); err != nil {
		return badRequest("malformed request: %v", err)
	}
	name := body.Name
	kind, exists := c.ruleSetTarget(name)
	if !exists {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Rule set %s does not exist.", name)
	}
	if !c.mayManageRoles(kind, name) {
		return forbidden("%s may not change rule set %s", c.caller.name, name)
	}
	rs := c.acct.ruleSet(name)
	if body.RuleSet.Etag != rs.etag() {
		return fail(409, "RESOURCE_CONFLICT", "The rule set was changed meanwhile: etag is "+rs.etag())
	}
	var rules []GrantRule
	for _, g := range body.RuleSet.Rules {
		if !slices.Contains(rolesByTarget[kind], g.Role) {
			return badRequest("Role %s cannot be granted on %s", g.Role, name)
		}
		for _, p := range g.Principals {
			if !c.ruleSetPrincipalExists(p) {
				return badRequest("Principal %s does not exist", p)
			}
		}
		rules = append(rules, GrantRule(g))
	}
	if !slices.Contains(c.acct.RuleSets, rs) {
		c.acct.RuleSets = append(c.acct.RuleSets, rs)
	}
	rs.Rules = rules
	rs.Version++
	return ok(rs.wire())
}

func (c *call) ruleSetPrincipalExists(name string) bool {
	kind, rest, _ := strings.Cut(name, "/")
	switch kind {
	case "users":
		return c.idx.users[strings.ToLower(rest)] != nil
	case "groups":
		return c.idx.groups[strings.ToLower(rest)] != nil
	case "servicePrincipals":
		return c.idx.apps[rest] != nil
	}
	return false
}

// rolesByTarget are the roles that each kind of resource knows.
var rolesByTarget = map[string][]string{
	"account": {
		"roles/marketplace.admin", "roles/billing.admin", "roles/group.manager", "roles/servicePrincipal.manager",
		"roles/tagPolicy.creator", "roles/tagPolicy.manager", "roles/tagPolicy.assigner",
	},
	"groups":            {"roles/group.manager", "roles/group.assumer"},
	"servicePrincipals": {"roles/servicePrincipal.manager", "roles/servicePrincipal.user"},
	"budgetPolicies":    {"roles/budgetPolicy.manager", "roles/budgetPolicy.user"},
	"tagPolicies":       {"roles/tagPolicy.manager", "roles/tagPolicy.assigner"},
}

// assignableRoles: https://docs.databricks.com/api/account/accountaccesscontrol/getassignablerolesforresource
func (c *call) assignableRoles() reply {
	resource := c.query.Get("resource")
	kind, exists := c.ruleSetTarget(resource + "/ruleSets/default")
	if !exists {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Resource %s does not exist.", resource)
	}
	type role struct {
		Name string `json:"name"`
	}
	var out []role
	for _, r := range rolesByTarget[kind] {
		out = append(out, role{r})
	}
	return ok(map[string]any{"roles": out})
}
