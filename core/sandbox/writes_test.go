package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const assignmentsPath = "/api/2.0/accounts/{acct}/workspaces/6051000000000101/permissionassignments"

// write calls the account host or, if a workspace is given, its host.
func (c *client) write(method, workspace, path string, body any) response {
	c.t.Helper()
	host := c.srv.AccountHost()
	if workspace != "" {
		host = "https://acme-" + workspace + ".acme.test"
	}
	return c.do(method, host+strings.ReplaceAll(path, "{acct}", c.srv.AccountID()), body)
}

// numbers collects a numeric field of the objects under a key.
func (r response) numbers(key, field string) []string {
	r.t.Helper()
	var out []string
	for _, it := range r.list(key) {
		if n, is := it[field].(float64); is {
			out = append(out, strconv.FormatFloat(n, 'f', -1, 64))
		}
	}
	return out
}

// TestMembershipsAgree: after each write every route that shows members shows the same.
func TestMembershipsAgree(t *testing.T) {
	c := acme(t, Options{GrandfatheredGroupMembers: true})
	group := groupsPath + "/3010"
	const iam = "/api/2.0/identity/accounts/{acct}/"
	shows := func(id string) map[string]bool {
		has := func(list []string, want string) bool { return slices.Contains(list, want) }
		list := byField(c.want(c.account(groupsPath), 200).list("Resources"), "id", "3010")
		var listed []string
		members, _ := list["members"].([]any)
		for _, m := range members {
			listed = append(listed, m.(map[string]any)["value"].(string))
		}
		return map[string]bool{
			"get":     has(c.want(c.account(group), 200).names("members", "value"), id),
			"list":    has(listed, id),
			"proxy":   has(c.want(c.on("prod", "/api/2.0/account/scim/v2/Groups/3010"), 200).names("members", "value"), id),
			"iam":     has(c.want(c.account(iam+"groups/3010/direct-members"), 200).numbers("direct_group_members", "principal_id"), id),
			"one":     c.account(iam+"groups/3010/direct-members/"+id).status == 200,
			"iam ws":  has(c.want(c.on("prod", "/api/2.0/identity/groups/3010/direct-members"), 200).numbers("direct_group_members", "principal_id"), id),
			"parents": has(c.want(c.account(iam+"principals/"+id+"/transitive-parent-groups"), 200).names("transitive_parent_groups", "group_id"), "3010"),
		}
	}
	remove := func(id string) map[string]any {
		return map[string]any{"op": "remove", "path": `members[value eq "` + id + `"]`}
	}
	for _, step := range []struct {
		name   string
		do     func() response
		status int
		want   bool
	}{
		{"SCIM add", func() response { return c.write("PATCH", "", group, patchOp(addMembers("1001", "3009", "2004"))) }, 204, true},
		{"SCIM add again", func() response { return c.write("PATCH", "", group, patchOp(addMembers("1001"))) }, 204, true},
		{"SCIM remove", func() response {
			return c.write("PATCH", "", group, patchOp(remove("1001"), remove("3009"), remove("2004")))
		}, 204, false},
		{"SCIM remove again", func() response { return c.write("PATCH", "", group, patchOp(remove("1001"))) }, 204, false},
		{"IAM add", func() response {
			return c.write("POST", "", iam+"groups/3010/direct-members", map[string]any{"principal_id": 1001})
		}, 200, true},
		{"IAM add again", func() response {
			return c.write("POST", "", iam+"groups/3010/direct-members", map[string]any{"principal_id": 1001})
		}, 409, true},
		{"IAM remove", func() response { return c.write("DELETE", "", iam+"groups/3010/direct-members/1001", nil) }, 200, false},
		{"IAM remove again", func() response { return c.write("DELETE", "", iam+"groups/3010/direct-members/1001", nil) }, 404, false},
	} {
		c.want(step.do(), step.status)
		for route, got := range shows("1001") {
			if got != step.want {
				t.Errorf("after %s: %s says %v", step.name, route, got)
			}
		}
	}
	// Removing without saying whom removes all, and so does replacing by others.
	c.want(c.write("PATCH", "", group, patchOp(map[string]any{"op": "remove", "path": "members"})), 204)
	if got := c.account(group).names("members", "value"); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestWhoMayChangeMembers(t *testing.T) {
	c := acme(t, Options{})
	limited := c.as(Acme().LimitedAuditor)
	group := groupsPath + "/3010"
	c.want(limited.write("PATCH", "", group, patchOp(addMembers("1001"))), 403)
	c.srv.Update(func(a *Account) {
		a.RuleSets = append(a.RuleSets, &RuleSet{Name: "accounts/" + AcmeAccountID + "/groups/3018/ruleSets/default", Rules: []GrantRule{{"roles/group.manager", []string{"servicePrincipals/" + AcmeLimitedApp}}}})
	})
	c.want(limited.write("PATCH", "", groupsPath+"/3018", patchOp(addMembers("1001"))), 204)
	c.want(limited.write("PATCH", "", group, patchOp(addMembers("1001"))), 403)
	// A manager of a group does not make it account admin.
	c.want(limited.write("PATCH", "", groupsPath+"/3018", patchOp(map[string]any{"op": "add", "path": "roles", "value": []any{map[string]string{"value": RoleAccountAdmin}}})), 403)
	c.want(limited.write("PATCH", "", usersPath+"/1001", patchOp(map[string]any{"op": "add", "path": "roles", "value": []any{map[string]string{"value": RoleAccountAdmin}}})), 403)
	if got := c.account(group).names("members", "value"); !slices.Equal(got, []string{"1005"}) {
		t.Errorf("finance-readers: %v", got)
	}
}

func TestParentLimit(t *testing.T) {
	a := Acme()
	for i := range maxParents {
		a.Groups = append(a.Groups, &Group{ID: fmt.Sprint(500000 + i), DisplayName: fmt.Sprint("many-", i), Members: []string{"1004"}})
	}
	c := start(t, a, Options{}).as(a.Auditor)
	c.want(c.write("PATCH", "", groupsPath+"/3010", patchOp(addMembers("1004"))), 400)
	c.want(c.write("PATCH", "", groupsPath+"/500000", patchOp(addMembers("1004"))), 204) // is in already
	c.want(c.write("PATCH", "", groupsPath+"/3010", patchOp(addMembers("1001"))), 204)
}

// TestAssignmentsAgree: account, workspace and IAM v2 show the same assignments.
func TestAssignmentsAgree(t *testing.T) {
	c := acme(t, Options{})
	find := func(list []map[string]any) string {
		for _, a := range list {
			if p := a["principal"].(map[string]any); p["principal_id"] == 1013.0 {
				return fmt.Sprint(a["permissions"])
			}
		}
		return ""
	}
	const iam = "/api/2.0/identity/accounts/{acct}/workspaces/6051000000000101/workspace-assignments"
	for _, step := range []struct {
		method, workspace, path string
		body                    any
		status                  int
		want                    string
	}{
		{"PUT", "", assignmentsPath + "/principals/1013", map[string]any{"permissions": []string{"USER"}}, 200, "[USER]"},
		{"PUT", "", assignmentsPath + "/principals/1013", map[string]any{"permissions": []string{"USER"}}, 200, "[USER]"},
		{"PUT", "", assignmentsPath + "/principals/1013", map[string]any{"permissions": []string{"ADMIN", "USER"}}, 200, "[ADMIN]"},
		{"PUT", "", assignmentsPath + "/principals/1013", map[string]any{"permissions": []string{}}, 200, ""},
		{"DELETE", "", assignmentsPath + "/principals/1013", nil, 200, ""},
		{"PUT", "prod", "/api/2.0/preview/permissionassignments/principals/1013", map[string]any{"permissions": []string{"USER"}}, 200, "[USER]"},
		{"PUT", "prod", "/api/2.0/preview/permissionassignments/principals/1013", map[string]any{"permissions": []string{"user"}}, 200, ""},
		{"POST", "", iam, map[string]any{"principal_id": 1013, "entitlements": []string{"WORKSPACE_ACCESS"}}, 200, "[USER]"},
		{"POST", "", iam, map[string]any{"principal_id": 1013}, 400, "[USER]"},
		{"PATCH", "", iam + "/1013", map[string]any{"entitlements": []string{"WORKSPACE_ADMIN"}}, 400, "[USER]"},
		{"PATCH", "", iam + "/1013?update_mask=entitlements", map[string]any{"entitlements": []string{"WORKSPACE_ADMIN"}}, 200, "[ADMIN]"},
		{"DELETE", "", iam + "/1013", nil, 200, ""},
		{"PATCH", "", iam + "/1013?update_mask=entitlements", map[string]any{"entitlements": []string{"WORKSPACE_ADMIN"}}, 404, ""},
		{"PUT", "", assignmentsPath + "/principals/77", map[string]any{"permissions": []string{"USER"}}, 404, ""},
	} {
		c.want(c.write(step.method, step.workspace, step.path, step.body), step.status)
		name := step.method + " " + step.path + fmt.Sprint(step.body)
		for route, got := range map[string]string{
			"account":   find(c.want(c.account(assignmentsPath), 200).list("permission_assignments")),
			"workspace": find(c.want(c.on("prod", "/api/2.0/preview/permissionassignments"), 200).list("permission_assignments")),
		} {
			if got != step.want {
				t.Errorf("after %s: %s says %q, want %q", name, route, got, step.want)
			}
		}
		iamHas := slices.Contains(c.want(c.account(iam), 200).numbers("workspace_assignments", "principal_id"), "1013")
		if one := c.account(iam+"/1013").status == 200; iamHas != (step.want != "") || one != iamHas {
			t.Errorf("after %s: IAM v2 lists %v, has %v", name, iamHas, one)
		}
	}
	// Staging has its own group analysts: the account's cannot be assigned there.
	staging := strings.Replace(assignmentsPath, "101", "102", 1)
	c.want(c.write("PUT", "", staging+"/principals/3008", map[string]any{"permissions": []string{"USER"}}), 400)
	c.want(c.write("PUT", "", staging+"/principals/3008", map[string]any{"permissions": []string{}}), 200)
	limited := c.as(Acme().LimitedAuditor)
	c.want(limited.write("PUT", "", assignmentsPath+"/principals/1013", map[string]any{"permissions": []string{"USER"}}), 403)
	c.want(limited.write("DELETE", "prod", "/api/2.0/preview/permissionassignments/principals/1005", nil), 403)
}

func TestEntitlements(t *testing.T) {
	c := acme(t, Options{})
	const scim = "/api/2.0/preview/scim/v2/"
	op := func(kind string, values ...string) map[string]any {
		var list []any
		for _, v := range values {
			list = append(list, map[string]string{"value": v})
		}
		return map[string]any{"op": kind, "path": "entitlements", "value": list}
	}
	for _, tc := range []struct {
		resource, id string
		op           map[string]any
		status       int
		want         []string
	}{
		{"Users", "1005", op("add", "allow-cluster-create", "workspace-access"), 204, []string{"allow-cluster-create", "workspace-access"}},
		{"Users", "1005", op("add", "workspace-access"), 204, []string{"allow-cluster-create", "workspace-access"}},
		{"Users", "1005", map[string]any{"op": "remove", "path": `entitlements[value eq "workspace-access"]`}, 204, []string{"allow-cluster-create"}},
		{"Users", "1005", op("remove", "workspace-access"), 204, []string{"allow-cluster-create"}},
		{"Users", "1005", op("add", "allow-instance-pool-create"), 400, []string{"allow-cluster-create"}},
		{"Users", "1024", op("add", "workspace-access"), 400, []string{"workspace-consume"}},
		{"Users", "7024", op("add", "workspace-access"), 204, []string{"workspace-access"}},
		{"Groups", "3008", op("add", "allow-instance-pool-create"), 204, []string{"allow-instance-pool-create"}},
		{"Groups", "3008", op("replace", "databricks-sql-access"), 204, []string{"databricks-sql-access"}},
		{"Groups", "8101", op("add", "workspace-access"), 204, []string{"allow-instance-pool-create", "workspace-access"}},
		{"ServicePrincipals", "2003", op("add", "databricks-sql-access"), 204, []string{"databricks-sql-access"}},
		{"ServicePrincipals", "2003", op("add", "flying"), 400, []string{"databricks-sql-access"}},
	} {
		path := scim + tc.resource + "/" + tc.id
		c.want(c.write("PATCH", "prod", path, patchOp(tc.op)), tc.status)
		one := c.want(c.on("prod", path), 200).names("entitlements", "value")
		row := byField(c.want(c.on("prod", scim+tc.resource), 200).list("Resources"), "id", tc.id)
		var listed []string
		entitlements, _ := row["entitlements"].([]any)
		for _, e := range entitlements {
			listed = append(listed, e.(map[string]any)["value"].(string))
		}
		if !slices.Equal(one, tc.want) || !slices.Equal(listed, tc.want) {
			t.Errorf("%s %s after %v: one %v, listed %v, want %v", tc.resource, tc.id, tc.op, one, listed, tc.want)
		}
	}
	c.want(c.write("PATCH", "prod", scim+"Users/1009", patchOp(op("add", "workspace-access"))), 404) // not in this workspace
	c.want(c.with("dapi-acme-alice-prod").write("PATCH", "prod", scim+"Users/1001", patchOp(op("add", "allow-cluster-create"))), 403)
}

func changes(principal string, add, remove []string) map[string]any {
	return map[string]any{"changes": []any{map[string]any{"principal": principal, "add": add, "remove": remove}}}
}

func TestWhoMayGrant(t *testing.T) {
	c := acme(t, Options{})
	alice, bob := c.with("dapi-acme-alice-prod"), c.with("dapi-acme-bob-prod")
	limited := c.as(Acme().LimitedAuditor)
	c.srv.Update(func(a *Account) {
		us := a.MetastoreByName("acme-us")
		// The limited auditor manages a table whose schema it cannot use.
		orders := us.CatalogByName("prod_lakehouse").SchemaByName("gold").TableByName("revenue")
		orders.Grants = append(orders.Grants, grant(AcmeLimitedApp, "MANAGE"))
	})
	patch := func(c *client, path string, body any) int {
		return c.write("PATCH", "prod", uc+"permissions/"+path, body).status
	}
	give := changes("dave@acme.test", []string{"SELECT"}, nil)
	for _, tc := range []struct {
		name string
		as   *client
		path string
		body any
		want int
	}{
		{"owner of the table", alice, "table/main.sales.orders", give, 200},
		{"owner of the schema, of a table of another's", alice, "table/main.sales.refunds", give, 200},
		{"holder of SELECT", bob, "table/main.sales.orders", give, 403},
		{"holder of MANAGE who cannot use the schema", limited, "table/prod_lakehouse.gold.revenue", give, 403},
		{"metastore admin", c, "table/prod_lakehouse.gold.revenue", give, 200},
		{"metastore admin, of reading from outside", c, "schema/main.sales", changes("dave@acme.test", []string{"EXTERNAL USE SCHEMA"}, nil), 403},
		{"holder of USE_CATALOG", bob, "metastore/" + AcmeMetastoreUS, changes("bob@acme.test", []string{"CREATE_CATALOG"}, nil), 403},
		{"what is not there", c, "table/main.sales.nothing", give, 404},
		{"what is no type", c, "tables/main.sales.orders", give, 400},
		{"a privilege of another type", c, "table/main.sales.orders", changes("dave@acme.test", []string{"USE_SCHEMA"}, nil), 400},
	} {
		if got := patch(tc.as, tc.path, tc.body); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
	c.srv.Update(func(a *Account) {
		us := a.MetastoreByName("acme-us")
		lakehouse := us.CatalogByName("prod_lakehouse")
		lakehouse.Grants = append(lakehouse.Grants, grant(AcmeLimitedApp, "USE_CATALOG USE_SCHEMA"))
		a.GroupByName("metastore-admins-us").Members = []string{"1003"}
	})
	if got := patch(limited, "table/prod_lakehouse.gold.revenue", give); got != 200 {
		t.Errorf("holder of MANAGE who can use the schema: %d", got)
	}
	// The auditor is account admin still, and no metastore admin any more.
	if got := patch(c, "table/prod_lakehouse.gold.revenue", give); got != 403 {
		t.Errorf("account admin on a table: %d", got)
	}
	if got := patch(c, "metastore/"+AcmeMetastoreUS, changes("bob@acme.test", []string{"CREATE_CATALOG"}, nil)); got != 200 {
		t.Errorf("account admin on the metastore: %d", got)
	}
}

// TestGrantsAgree: the four routes that show grants show the same after each write.
func TestGrantsAgree(t *testing.T) {
	c := acme(t, Options{})
	const name = "main.sales.orders"
	for _, step := range []struct {
		add, remove []string
		want        []string
	}{
		{[]string{"SELECT"}, nil, []string{"SELECT"}},
		{[]string{"select", "MODIFY"}, nil, []string{"SELECT", "MODIFY"}},
		{nil, []string{"REFRESH"}, []string{"SELECT", "MODIFY"}},
		{[]string{"MODIFY"}, []string{"SELECT"}, []string{"MODIFY"}},
		{nil, []string{"MODIFY"}, nil},
	} {
		c.want(c.write("PATCH", "prod", uc+"permissions/table/"+name, changes("dave@acme.test", step.add, step.remove)), 200)
		for _, route := range []string{"permissions", "privilege-assignments", "effective-permissions", "effective-privilege-assignments"} {
			row := byField(c.want(c.on("prod", uc+route+"/table/"+name+"?principal=dave@acme.test"), 200).list("privilege_assignments"), "principal", "dave@acme.test")
			var got []string
			privileges, _ := row["privileges"].([]any)
			for _, p := range privileges {
				if m, effective := p.(map[string]any); effective {
					p = m["privilege"]
				}
				got = append(got, p.(string))
			}
			if !slices.Equal(got, step.want) {
				t.Errorf("+%v -%v: %s shows %v, want %v", step.add, step.remove, route, got, step.want)
			}
		}
	}
	// What a container hands down cannot be taken away below it.
	c.want(c.write("PATCH", "prod", uc+"permissions/table/"+name, changes("sales-analytics", nil, []string{"SELECT"})), 200)
	if r := c.on("prod", uc+"effective-permissions/table/"+name+"?principal=sales-analytics"); !strings.Contains(r.String(), `"privilege":"SELECT","inherited_from_type":"SCHEMA"`) {
		t.Error(r)
	}
}

func TestObjectPermissionWrites(t *testing.T) {
	c := acme(t, Options{})
	entry := func(kind, name, level string) map[string]string {
		return map[string]string{kind: name, "permission_level": level}
	}
	set := func(method, path string, entries ...map[string]string) response {
		return c.write(method, "prod", "/api/2.0/permissions/"+path, map[string]any{"access_control_list": entries})
	}
	rows := func(path, name string) string {
		return strings.Join(rowsOf(c.want(c.on("prod", "/api/2.0/permissions/"+path), 200), "user_name", name), ",")
	}
	grace, dave := entry("user_name", "grace@acme.test", "IS_OWNER"), func(level string) map[string]string { return entry("user_name", "dave@acme.test", level) }
	for _, tc := range []struct {
		method, path string
		entries      []map[string]string
		status       int
		want         string // what dave holds afterwards, by both paths
	}{
		{"PATCH", "sql/warehouses/wh-bi", []map[string]string{dave("CAN_MONITOR")}, 200, "CAN_MONITOR"},
		{"PATCH", "warehouses/wh-bi", []map[string]string{dave("CAN_USE")}, 200, "CAN_MONITOR"},
		{"PUT", "warehouses/wh-bi", []map[string]string{grace, dave("CAN_USE")}, 200, "CAN_USE"},
		{"PUT", "sql/warehouses/wh-bi", []map[string]string{dave("CAN_USE")}, 400, "CAN_USE"},
		{"PUT", "warehouses/wh-bi", []map[string]string{grace, dave("IS_OWNER")}, 400, "CAN_USE"},
		{"PUT", "warehouses/wh-bi", []map[string]string{grace, entry("group_name", "admins", "CAN_USE")}, 400, "CAN_USE"},
		{"PATCH", "warehouses/wh-bi", []map[string]string{entry("group_name", "analysts", "IS_OWNER")}, 400, "CAN_USE"},
		{"PATCH", "warehouses/wh-bi", []map[string]string{entry("user_name", "nobody@acme.test", "CAN_USE")}, 404, "CAN_USE"},
		{"PATCH", "warehouses/wh-bi", []map[string]string{dave("CAN_FLY")}, 400, "CAN_USE"},
		{"PUT", "warehouses/wh-bi", []map[string]string{grace}, 200, ""},
	} {
		c.want(set(tc.method, tc.path, tc.entries...), tc.status)
		for _, path := range []string{"warehouses/wh-bi", "sql/warehouses/wh-bi"} {
			if got := rows(path, "dave@acme.test"); got != tc.want {
				t.Errorf("after %s %s %v: %s has %q, want %q", tc.method, tc.path, tc.entries, path, got, tc.want)
			}
		}
	}
	if got := rows("warehouses/wh-bi", "zoe@partner.test"); got != "" {
		t.Errorf("PUT left %s to zoe", got)
	}
	// What a folder hands down is no entry of a PUT and stays.
	c.want(set("PUT", "notebooks/9006"), 200)
	if got := rows("notebooks/9006", "alice@acme.test"); got != "CAN_MANAGE /directories/9005" {
		t.Errorf("an empty PUT leaves alice %q", got)
	}
	bob := c.with("dapi-acme-bob-prod")
	c.want(bob.write("PATCH", "prod", "/api/2.0/permissions/jobs/501", map[string]any{"access_control_list": []any{entry("user_name", "bob@acme.test", "CAN_MANAGE")}}), 403)
	c.want(bob.write("PATCH", "prod", "/api/2.0/permissions/jobs/503", map[string]any{"access_control_list": []any{entry("user_name", "dave@acme.test", "CAN_VIEW")}}), 200)
}

func TestSecretACLs(t *testing.T) {
	c := acme(t, Options{})
	const acls = "/api/2.0/secrets/acls/"
	put := func(c *client, principal, level string) response {
		return c.write("POST", "prod", acls+"put", map[string]string{"scope": "prod-creds", "principal": principal, "permission": level})
	}
	get := func(principal string) response {
		return c.on("prod", acls+"get?scope=prod-creds&principal="+url.QueryEscape(principal))
	}
	c.want(put(c, "bob@acme.test", "READ"), 200)
	c.want(put(c, "bob@acme.test", "WRITE"), 200)
	if r := c.want(get("bob@acme.test"), 200); r.str("permission") != "WRITE" {
		t.Error(r)
	}
	if got := c.on("prod", acls+"list?scope=prod-creds").names("items", "principal"); len(got) != 3 {
		t.Errorf("put is an upsert: %v", got)
	}
	c.want(put(c, AcmeETLApp, "READ"), 200)
	c.want(put(c, "analysts", "READ"), 200)
	c.want(put(c, "nobody@acme.test", "READ"), 400)
	c.want(put(c, "bob@acme.test", "OWN"), 400)
	c.want(put(c.with("dapi-acme-bob-prod"), "bob@acme.test", "MANAGE"), 403)
	c.want(put(c.with("dapi-acme-alice-prod"), "bob@acme.test", "READ"), 200) // alice manages the scope
	remove := func() response {
		return c.write("POST", "prod", acls+"delete", map[string]string{"scope": "prod-creds", "principal": "bob@acme.test"})
	}
	c.want(remove(), 200)
	c.want(remove(), 404)
	c.want(get("bob@acme.test"), 404)
}
