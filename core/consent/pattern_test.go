package consent_test

import (
	"regexp"
	"strings"
	"testing"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// TestCatalogPatterns compares the matching of catalogs with what a regular expression says: a pattern that fits more than it
// should gives plans to a laxer rule.
func TestCatalogPatterns(t *testing.T) {
	names := []string{"prod", "Prod", "prod2", "prod_eu", "dev_prod", "dev_prod_eu", "pro", "od", "dev", "sales_prod_eu", "eu_prod_sales", "prodprod", "p*d", "a.b", "axb", "*"}
	for _, pattern := range []string{"prod", "PROD", "prod*", "*prod", "*prod*", "p*d", "prod*eu", "*_prod_*", "*sales*eu*", "*eu*sales*", "**", "*", "prod**", "a.b", "x*", "*x", "prod*prod", "p*o*d"} {
		want := regexp.MustCompile("(?is)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
		p := consent.Policy{Rules: []consent.ApprovalRule{{ID: "it", Match: consent.Match{Catalogs: []string{pattern}}, Approvers: []consent.Set{{Users: []consent.Ref{{Key: ann}}}}, MinApprovals: 1}}}
		for _, name := range names {
			if got := p.Terms(clonePlan(plan.Normal, grant(bob, name)), "").Rule == "it"; got != want.MatchString(name) {
				t.Errorf("pattern %q, catalog %q: %t", pattern, name, got)
			}
		}
	}
}

// TestT01_RequestRulesAreOfOneKind: members of a group are for a rule that says so, and programs ask for nothing, whatever group they are in.
func TestT01_RequestRulesAreOfOneKind(t *testing.T) {
	everybody := &consent.Ref{Key: group(staff)}
	pl := clonePlan(plan.Normal, grant(alice, "sales"))
	pl.Target.Key = alice
	for _, whom := range []consent.Requesting{{For: consent.Self}, {}, {For: "others"}} {
		whom.From, whom.MembersOf = consent.Set{Group: everybody}, everybody
		if (consent.Policy{Requesters: []consent.Requesting{whom}}).MayRequest(bob, pl, village()) == nil {
			t.Errorf("%q is for members", whom.For)
		}
	}
	f := village()
	local := identity.PrincipalKey{Kind: identity.KindUser, ID: "5", Workspace: 7}
	for _, by := range []identity.PrincipalKey{robot("5"), group("5"), local, {Kind: identity.KindUser}} {
		f.active[by] = true
		f.members[staff] = append(f.members[staff], by)
		p := consent.Policy{Requesters: []consent.Requesting{{From: consent.Set{Group: everybody, Users: []consent.Ref{{Key: by}}}, For: consent.Anyone}}}
		if p.MayRequest(by, pl, f) == nil {
			t.Errorf("%+v asks", by)
		}
	}
}
