package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const groupsPath = "/api/2.0/accounts/{acct}/scim/v2/Groups"

func TestSCIMPaging(t *testing.T) {
	c := start(t, Generate(GenOptions{Users: 250}), Options{})
	c = c.as(c.srv.Auditor())
	for _, tc := range []struct {
		query        string
		first, items int
		startIndex   float64
	}{
		{"", 0, 100, 1},
		{"?count=10000", 0, 100, 1},
		{"?startIndex=101&count=100", 100, 100, 101},
		{"?startIndex=201", 200, 50, 201},
		{"?startIndex=251", 250, 0, 251},
		{"?startIndex=0&count=7", 0, 7, 1},
		{"?count=0", 0, 0, 1},
	} {
		r := c.want(c.account(usersPath+tc.query), 200)
		got := r.names("Resources", "userName")
		if len(got) != tc.items || r.json()["totalResults"] != 250.0 || r.json()["startIndex"] != tc.startIndex || r.json()["itemsPerPage"] != float64(tc.items) {
			t.Errorf("%s: %d items, %v", tc.query, len(got), r.json()["totalResults"])
		}
		if len(got) > 0 && got[0] != fmt.Sprintf("user%05d@gen.test", tc.first) {
			t.Errorf("%s: starts with %s", tc.query, got[0])
		}
	}
	c.want(c.account(usersPath+"?count=x"), 400)
}

func TestSCIMFilters(t *testing.T) {
	c := acme(t, Options{})
	for _, tc := range []struct {
		path, filter string
		want         []string
	}{
		{"Users", `userName eq "ALICE@acme.test"`, []string{"1001"}},
		{"Users", `displayName sw "Al"`, []string{"1001"}},
		{"Users", `userName co "partner"`, []string{"1024"}},
		{"Users", `userName eq "bob@acme.test" or userName eq "dave@acme.test" and displayName sw "Nobody"`, []string{"1002"}},
		{"Users", `(userName eq "bob@acme.test" or userName eq "dave@acme.test") and displayName ne "Bob Keller"`, []string{"1004"}},
		{"Users", `emails.value eq "erin@acme.test"`, []string{"1005"}},
		{"Users", `active eq false`, []string{"1006"}},
		{"Groups", `displayName eq "<!channel> =HYPERLINK(\"http://evil.test\")"`, []string{"3018"}},
		{"Groups", `externalId eq "entra-group-3004"`, []string{"3004"}},
		{"ServicePrincipals", `applicationId eq "` + AcmeETLApp + `"`, []string{"2003"}},
	} {
		r := c.want(c.account("/api/2.0/accounts/{acct}/scim/v2/"+tc.path+"?filter="+url.QueryEscape(tc.filter)), 200)
		if got := r.names("Resources", "id"); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.filter, got, tc.want)
		}
	}
	long := strings.Repeat(`id eq "1" or `, 100) + `id eq "1"`
	for _, bad := range []string{`userName`, `userName gt "a"`, `shoeSize eq "42"`, `userName eq bob`, `userName eq "bob`, `userName eq "a" and`, `(id eq "1"`, `id eq "\x"`, long} {
		if r := c.account(usersPath + "?filter=" + url.QueryEscape(bad)); r.status != 400 || r.str("scimType") != "invalidFilter" || !strings.Contains(r.str("detail"), "INVALID_FILTER") {
			t.Errorf("%.40s: %s", bad, r)
		}
	}
	if f, err := parseSCIMFilter(strings.Repeat(`id eq "1" or `, 99)+`id eq "1"`, map[string]bool{"id": true}); err != nil || f == nil {
		t.Errorf("a filter of 199 nodes: %v", err)
	}
}

func TestGroupMembers(t *testing.T) {
	c := acme(t, Options{})
	for _, g := range c.account(groupsPath + "?attributes=id,displayName,members").list("Resources") {
		if g["members"] != nil {
			t.Fatalf("list shows members of %v", g["displayName"])
		}
		if g["externalId"] != nil {
			t.Fatalf("attributes not honoured: %v", g)
		}
	}
	m := c.account(groupsPath + "/3004").list("members")
	if len(m) != 3 || m[0]["$ref"] != "Groups/3006" || m[1]["display"] != "Niaj Rahman" {
		t.Errorf("members: %v", m)
	}
	if got := c.account(groupsPath + "/3004?excludedAttributes=members").json(); got["members"] != nil || got["displayName"] == nil {
		t.Errorf("excludedAttributes: %v", got)
	}
	if n := len(c.account(groupsPath + "/3001").list("members")); n != 32 {
		t.Errorf("account users has %d members", n)
	}
	c.want(c.account(groupsPath+"/1001"), 404)

	old := acme(t, Options{GrandfatheredGroupMembers: true})
	if g := old.account(groupsPath + "?filter=" + url.QueryEscape(`displayName eq "analysts"`)).list("Resources"); len(g[0]["members"].([]any)) != 4 {
		t.Errorf("grandfathered: %v", g)
	}
}

func patchOp(ops ...map[string]any) map[string]any {
	return map[string]any{"schemas": []string{scimPatchSchema}, "Operations": ops}
}

func addMembers(ids ...string) map[string]any {
	var vals []map[string]string
	for _, id := range ids {
		vals = append(vals, map[string]string{"value": id})
	}
	return map[string]any{"op": "add", "path": "members", "value": vals}
}

func TestPatchGroups(t *testing.T) {
	c := acme(t, Options{})
	base := c.srv.AccountHost() + "/api/2.0/accounts/" + AcmeAccountID + "/scim/v2/Groups/"
	members := func() []string { return c.account(groupsPath+"/3010").names("members", "value") }

	c.want(c.do("PATCH", base+"3010", patchOp(addMembers("1001", "1002", "1005"))), 204)
	if got := members(); !slices.Equal(got, []string{"1005", "1001", "1002"}) {
		t.Errorf("after add: %v", got)
	}
	c.want(c.do("PATCH", base+"3010", patchOp(map[string]any{"op": "remove", "path": `members[value eq "1001"]`})), 204)
	c.want(c.do("PATCH", base+"3010", patchOp(map[string]any{"op": "remove", "path": `members[value eq "1001"]`})), 204)
	if got := members(); !slices.Equal(got, []string{"1005", "1002"}) {
		t.Errorf("after remove: %v", got)
	}
	c.want(c.do("PATCH", base+"3010", patchOp(map[string]any{"op": "add", "value": map[string]any{"members": []map[string]string{{"value": "1003"}}}})), 204)
	c.want(c.do("PATCH", base+"3010", patchOp(addMembers("1004"), addMembers("77"))), 404)
	if got := members(); !slices.Equal(got, []string{"1005", "1002", "1003"}) {
		t.Errorf("a refused patch changed something: %v", got)
	}
	c.want(c.do("PATCH", base+"3004", patchOp(addMembers("1001"))), 403)
	c.want(c.do("PATCH", base+"3001", patchOp(addMembers("1001"))), 403)
	c.want(c.do("PATCH", base+"3010", map[string]any{"Operations": []any{addMembers("1001")}}), 400)
	c.want(c.do("PATCH", base+"4242", patchOp(addMembers("1001"))), 404)

	roles := func() []string { return c.account(usersPath+"/1002").names("roles", "value") }
	user := c.srv.AccountHost() + "/api/2.0/accounts/" + AcmeAccountID + "/scim/v2/Users/1002"
	c.want(c.do("PATCH", user, patchOp(map[string]any{"op": "add", "path": "roles", "value": []any{map[string]string{"value": "account_admin"}}})), 204)
	if !slices.Equal(roles(), []string{"account_admin"}) {
		t.Error("role was not added")
	}
	c.want(c.do("PATCH", user, patchOp(map[string]any{"op": "remove", "path": `roles[value eq "account_admin"]`})), 204)
	if len(roles()) != 0 {
		t.Error("role was not removed")
	}
}

func TestNestingLimit(t *testing.T) {
	c := acme(t, Options{})
	base := c.srv.AccountHost() + "/api/2.0/accounts/" + AcmeAccountID + "/scim/v2/Groups"
	previous := ""
	for i := range 11 {
		r := c.want(c.do("POST", base, map[string]any{"displayName": fmt.Sprintf("level-%d", i)}), 201)
		if previous != "" {
			want := 204
			if i == 10 {
				want = 400
			}
			c.want(c.do("PATCH", base+"/"+r.str("id"), patchOp(addMembers(previous))), want)
		}
		previous = r.str("id")
	}
	c.want(c.do("POST", base, map[string]any{"displayName": "LEVEL-1"}), 409)
}

func TestDeletedPrincipalLeavesOrphans(t *testing.T) {
	c := acme(t, Options{})
	c.want(c.do("DELETE", c.srv.AccountHost()+"/api/2.0/accounts/"+AcmeAccountID+"/scim/v2/Users/1002", nil), 204)
	for _, g := range c.on("prod", "/api/2.1/unity-catalog/permissions/table/main.sales.orders").list("privilege_assignments") {
		if g["principal"] == "bob@acme.test" {
			t.Error("grant still has the name")
		}
		if g["principal_id"] == 1002.0 && g["principal"] == "" {
			return
		}
	}
	t.Error("grant is gone")
}

func TestWorkspaceSCIM(t *testing.T) {
	c := acme(t, Options{})
	r := c.want(c.on("prod", "/api/2.0/preview/scim/v2/Me"), 200)
	if r.header.Get("X-Databricks-Org-Id") != "6051000000000101" {
		t.Error("no workspace id in the header")
	}
	kinds := map[string]string{}
	for _, g := range c.on("prod", "/api/2.0/preview/scim/v2/Groups").list("Resources") {
		kinds[g["id"].(string)] = g["meta"].(map[string]any)["resourceType"].(string) + " " + g["displayName"].(string)
	}
	if kinds["8101"] != "WorkspaceGroup prod-local-ops" || kinds["3008"] != "Group analysts" || kinds["3002"] != "" {
		t.Errorf("groups: %v", kinds)
	}
	alice := c.on("prod", "/api/2.0/preview/scim/v2/Users/1001").list("groups")
	how := map[string]any{}
	for _, g := range alice {
		how[g["display"].(string)] = g["type"]
	}
	if how["engineering"] != "indirect" || how["prod-local-ops"] != "direct" || how["users"] != "direct" || how["data-engineering"] != nil {
		t.Errorf("alice's groups: %v", how)
	}
	guests := c.on("prod", "/api/2.0/preview/scim/v2/Users?filter="+url.QueryEscape(`externalId eq "entra-guest-zoe"`)).names("Resources", "userName")
	if !slices.Equal(guests, []string{"zoe@partner.test", AcmeGuestUPN}) {
		t.Errorf("guest records: %v", guests)
	}
	users := c.on("analytics-eu", "/api/2.0/preview/scim/v2/Users").json()["totalResults"]
	if users != 25.0 {
		t.Errorf("everyone enters analytics-eu, but %v are there", users)
	}
	host := "https://acme-prod.acme.test/api/2.0/preview/scim/v2/Users/1002"
	op := func(kind, v string) map[string]any {
		return map[string]any{"op": kind, "path": "entitlements", "value": []any{map[string]string{"value": v}}}
	}
	c.want(c.do("PATCH", host, patchOp(op("add", "allow-cluster-create"), op("add", "workspace-access"))), 204)
	if got := c.do("GET", host, nil).names("entitlements", "value"); !slices.Equal(got, []string{"allow-cluster-create", "workspace-access"}) {
		t.Errorf("entitlements: %v", got)
	}
	c.want(c.do("PATCH", host, patchOp(op("add", "fly"))), 400)
	if n := c.on("prod", "/api/2.0/account/scim/v2/Groups").json()["totalResults"]; n != 20.0 {
		t.Errorf("account proxy shows %v groups", n)
	}
}

func TestAssignments(t *testing.T) {
	c := acme(t, Options{})
	base := "/api/2.0/accounts/{acct}/workspaces/6051000000000101/permissionassignments"
	has := func(id float64) any {
		for _, a := range c.account(base).list("permission_assignments") {
			if p := a["principal"].(map[string]any); p["principal_id"] == id {
				return a["permissions"].([]any)[0]
			}
		}
		return nil
	}
	if has(1001) != nil || has(3003) != "USER" {
		t.Error("explicit assignments only")
	}
	put := func(body any) {
		t.Helper()
		c.want(c.do("PUT", c.srv.AccountHost()+strings.ReplaceAll(base, "{acct}", AcmeAccountID)+"/principals/1001", body), 200)
	}
	put(map[string]any{"permissions": []string{"USER", "ADMIN"}})
	if has(1001) != "ADMIN" {
		t.Error("ADMIN wins over USER")
	}
	put(map[string]any{"permissions": []string{"OWNER"}})
	if has(1001) != nil {
		t.Error("unknown values take the assignment away")
	}
	put(map[string]any{"permissions": []string{"USER"}})
	put(map[string]any{})
	if has(1001) != nil {
		t.Error("a missing list takes the assignment away")
	}
	r := c.account("/api/2.0/accounts/{acct}/workspaces/6051000000000104/permissionassignments")
	if r.status != 400 || !strings.Contains(r.str("message"), "Permission assignment APIs are not available for this workspace") {
		t.Error(r)
	}
	c.want(c.account("/api/2.0/accounts/{acct}/workspaces/1/permissionassignments"), 404)
	if n := len(c.on("prod", "/api/2.0/preview/permissionassignments").list("permission_assignments")); n != 12 {
		t.Errorf("workspace twin: %d", n)
	}
}

func TestRuleSets(t *testing.T) {
	c := acme(t, Options{})
	get := func(name string) response {
		return c.account("/api/2.0/preview/accounts/{acct}/access-control/rule-sets?etag=&name=" + url.QueryEscape("accounts/"+AcmeAccountID+"/"+name))
	}
	r := c.want(get("groups/3010/ruleSets/default"), 200)
	if rules := r.list("grant_rules"); len(rules) != 1 || rules[0]["role"] != "roles/group.manager" {
		t.Error(r)
	}
	if r := c.want(get("groups/3005/ruleSets/default"), 200); len(r.list("grant_rules")) != 0 || r.str("etag") == "" {
		t.Error("an empty rule set has an etag and no rules:", r)
	}
	c.want(get("servicePrincipals/"+AcmeETLApp+"/ruleSets/default"), 200)
	c.want(get("servicePrincipals/2003/ruleSets/default"), 404)
	c.want(c.account("/api/2.0/preview/accounts/{acct}/access-control/rule-sets?name=x"), 400)
	c.want(c.as(Acme().LimitedAuditor).account("/api/2.0/preview/accounts/{acct}/access-control/rule-sets?etag=&name="+url.QueryEscape("accounts/"+AcmeAccountID+"/groups/3010/ruleSets/default")), 403)

	name := "accounts/" + AcmeAccountID + "/groups/3010/ruleSets/default"
	put := func(etag, role string) response {
		return c.do("PUT", c.srv.AccountHost()+"/api/2.0/preview/accounts/"+AcmeAccountID+"/access-control/rule-sets", map[string]any{
			"name": name, "rule_set": map[string]any{"name": name, "etag": etag, "grant_rules": []any{map[string]any{"role": role, "principals": []string{"users/alice@acme.test"}}}},
		})
	}
	etag := r.str("etag")
	c.want(put(etag, "roles/servicePrincipal.user"), 400)
	next := c.want(put(etag, "roles/group.manager"), 200)
	if next.str("etag") == etag {
		t.Error("etag did not move")
	}
	c.want(put(etag, "roles/group.manager"), 409)
	if p := c.want(c.on("prod", "/api/2.0/preview/accounts/access-control/rule-sets?etag=&name="+url.QueryEscape(name)), 200).list("grant_rules")[0]["principals"].([]any)[0]; p != "users/alice@acme.test" {
		t.Error("proxy shows", p)
	}
}

func TestIAMv2(t *testing.T) {
	c := acme(t, Options{})
	base := "/api/2.0/identity/accounts/{acct}/"
	if g := c.account(base + "groups/3004").json(); g["group_name"] != "data-engineering" || g["group_id"] != "3004" {
		t.Error(g)
	}
	if m := c.account(base + "groups/3007/direct-members").list("direct_group_members"); len(m) != 2 || m[0]["principal_type"] != "GROUP" || m[0]["membership_source"] != "INTERNAL" {
		t.Error(m)
	}
	parents := c.account(base+"principals/1001/transitive-parent-groups").names("transitive_parent_groups", "group_id")
	slices.Sort(parents)
	if !slices.Equal(parents, []string{"3002", "3003", "3004", "3006", "3007", "3009"}) {
		t.Errorf("alice's groups: %v", parents)
	}
	loop := c.account(base+"principals/1009/transitive-parent-groups").names("transitive_parent_groups", "group_id")
	slices.Sort(loop)
	if !slices.Equal(loop, []string{"3016", "3017", "3018", "3019"}) {
		t.Errorf("a cycle ends: %v", loop)
	}
	var all []string
	token := ""
	for pages := 0; pages < 30; pages++ {
		r := c.want(c.account(base+"users?page_size=7&page_token="+token), 200)
		all = append(all, r.names("users", "username")...)
		if token = r.str("next_page_token"); token == "" {
			break
		}
	}
	if len(all) != 25 {
		t.Errorf("%d users over pages", len(all))
	}
	for _, a := range c.account(base + "workspaces/6051000000000101/workspace-assignments").list("workspace_assignments") {
		if a["entitlements"] != nil {
			t.Error("list shows entitlements")
		}
	}
	if a := c.account(base + "workspaces/6051000000000101/workspace-assignments/3003").json(); !slices.Equal(a["entitlements"].([]any), []any{"ALLOW_CLUSTER_CREATE"}) || len(a["effective_entitlements"].([]any)) != 3 {
		t.Error(a)
	}
	if d := c.account(base + "workspaces/6051000000000101/workspace-access-details/1001?view=FULL").json(); d["access_type"] != "INDIRECT" || !slices.Equal(d["permissions"].([]any), []any{"USER_PERMISSION"}) {
		t.Error(d)
	}
	c.want(c.account(base+"workspaces/6051000000000102/workspace-access-details/1002"), 404)
	if n := len(c.on("prod", "/api/2.0/identity/groups").list("groups")); n != 20 {
		t.Errorf("proxy lists %d groups", n)
	}
	host := c.srv.AccountHost() + strings.ReplaceAll(base, "{acct}", AcmeAccountID)
	c.want(c.do("POST", host+"groups/3010/direct-members", map[string]any{"principal_id": 1001}), 200)
	c.want(c.do("POST", host+"groups/3010/direct-members", map[string]any{"principal_id": 1001}), 409)
	c.want(c.do("POST", host+"groups/3004/direct-members", map[string]any{"principal_id": 1001}), 403)
	c.want(c.do("DELETE", host+"groups/3010/direct-members/1001", nil), 200)
	c.want(c.do("DELETE", host+"groups/3010/direct-members/1001", nil), 404)

	off := acme(t, Options{IAMv2: IAMv2Disabled})
	if r := off.account(base + "users"); r.status != 404 || r.str("error_code") != "FEATURE_DISABLED" {
		t.Error(r)
	}
	gone := acme(t, Options{IAMv2: IAMv2NotFound})
	if r := gone.account(base + "users"); r.status != 404 || r.str("error_code") != "ENDPOINT_NOT_FOUND" {
		t.Error(r)
	}
}
