package sandbox

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
)

var everyExtra = GenExtras{
	AccountRules: 3, SPRuleSetsPerThousand: 1000, LocalGroups: 2, EntitledGroups: 3, EntitledUsers: 4, InstanceProfiles: 1,
	Folders: 3, Notebooks: 25, Jobs: 6, Clusters: 4, Warehouses: 2, Queries: 3, Dashboards: 2, Apps: 1, Scopes: 2, Tokens: 5,
}

// TestExtrasLeaveTheRestAlone: asking for more changes nothing of what was there.
func TestExtrasLeaveTheRestAlone(t *testing.T) {
	opts := GenOptions{Seed: 3, Metastores: 2, RuleSetsPerThousand: 500}
	plain := Generate(opts)
	if w := plain.Workspaces[0]; len(w.LocalGroups)+len(w.Scopes)+len(w.PATs)+len(w.InstanceProfiles) != 0 || len(w.Entitlements) != 2 || len(w.Objects) != 5 {
		t.Errorf("extras that nobody asked for: %+v", w)
	}
	opts.Extras = everyExtra
	full := Generate(opts)
	if err := full.Validate(); err != nil {
		t.Error(err)
	}
	if fingerprint(t, full) != fingerprint(t, Generate(opts)) {
		t.Error("equal options, different accounts")
	}
	same := func(what string, a, b any) {
		t.Helper()
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if string(x) != string(y) {
			t.Errorf("%s changed", what)
		}
	}
	same("identities", []any{plain.Users, plain.ServicePrincipals, plain.Groups}, []any{full.Users, full.ServicePrincipals, full.Groups})
	same("metastores", plain.Metastores, full.Metastores)
	same("rule sets", plain.RuleSets, full.RuleSets[:len(plain.RuleSets)])
	for i, w := range plain.Workspaces {
		same("assignments", w.Assignments, full.Workspaces[i].Assignments)
		same("objects", w.Objects, full.Workspaces[i].Objects[:len(w.Objects)])
	}
	for _, o := range []GenOptions{{Users: -1, Groups: -1, ServicePrincipals: -1, Extras: everyExtra}, {Extras: GenExtras{Notebooks: 3, Jobs: -2}}} {
		if err := Generate(o).Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestExtrasAreServed(t *testing.T) {
	c := start(t, Generate(GenOptions{Seed: 3, Extras: everyExtra}), Options{})
	c = c.as(c.srv.Auditor())
	on := func(path string) response {
		t.Helper()
		return c.want(c.do("GET", "https://gen-ws-000.gen.test"+path, nil), 200)
	}
	for path, want := range map[string]struct {
		key string
		n   int
	}{
		"/api/2.2/jobs/list":                               {"jobs", 11},
		"/api/2.1/clusters/list":                           {"clusters", 4},
		"/api/2.0/sql/warehouses":                          {"warehouses", 2},
		"/api/2.0/sql/queries":                             {"results", 3},
		"/api/2.0/lakeview/dashboards":                     {"dashboards", 2},
		"/api/2.0/apps":                                    {"apps", 1},
		"/api/2.0/secrets/scopes/list":                     {"scopes", 2},
		"/api/2.0/token-management/tokens":                 {"token_infos", 5},
		"/api/2.0/workspace/list?path=/Shared":             {"objects", 3},
		"/api/2.0/workspace/list?path=/Shared/folder-0000": {"objects", 9},
	} {
		if got := on(path).list(want.key); len(got) != want.n {
			t.Errorf("%s: %d, want %d", path, len(got), want.n)
		}
	}
	entitled, local := 0, 0
	for _, g := range on("/api/2.0/preview/scim/v2/Groups").list("Resources") {
		if g["entitlements"] != nil {
			entitled++
		}
		if g["meta"].(map[string]any)["resourceType"] == "WorkspaceGroup" {
			local++
		}
	}
	if entitled < 2 || local != 4 { // users and admins among them
		t.Errorf("%d groups with entitlements, %d of the workspace", entitled, local)
	}
	notebook := on("/api/2.0/workspace/list?path=/Shared/folder-0001").list("objects")[0]
	job := byField(on("/api/2.2/jobs/list?expand_tasks=true").list("jobs"), "creator_user_name", GeneratedStar)
	if job == nil || notebook["object_id"] == nil {
		t.Error(job, notebook)
	}
	name := "accounts/" + c.srv.AccountID() + "/servicePrincipals/5e4c0000-0000-4000-8000-000000000000/ruleSets/default"
	rules := c.want(c.account("/api/2.0/preview/accounts/{acct}/access-control/rule-sets?etag=&name="+url.QueryEscape(name)), 200).names("grant_rules", "role")
	if !slices.Equal(rules, []string{"roles/servicePrincipal.user", "roles/servicePrincipal.manager"}) {
		t.Error(rules)
	}
}
