package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestObjects(t *testing.T) {
	c := acme(t, Options{})
	acl := func(path string) map[string]string {
		out := map[string]string{}
		for _, e := range c.want(c.on("prod", "/api/2.0/permissions/"+path), 200).list("access_control_list") {
			for _, k := range []string{"user_name", "group_name", "service_principal_name"} {
				if n, _ := e[k].(string); n != "" {
					p := e["all_permissions"].([]any)[0].(map[string]any)
					out[n] = p["permission_level"].(string) + " " + strconv.FormatBool(p["inherited"].(bool))
				}
			}
		}
		return out
	}
	if got := acl("jobs/501"); got["grace@acme.test"] != "IS_OWNER false" || got["alice@acme.test"] != "CAN_MANAGE false" || got["admins"] != "CAN_MANAGE true" {
		t.Error(got)
	}
	if got := acl("notebooks/9003"); got["users"] != "CAN_MANAGE true" {
		t.Error(got)
	}
	if got := acl("sql/warehouses/wh-bi"); got["analysts"] != "CAN_USE false" {
		t.Error(got)
	}
	if got := acl("authorization/tokens"); got["users"] != "CAN_USE false" || got["admins"] != "CAN_MANAGE true" {
		t.Error(got)
	}
	for kind, k := range objectKinds {
		if k.list == "" {
			continue
		}
		list := k.list
		if kind == "repos" {
			list += "?path_prefix=/Users"
		}
		r := c.want(c.on("prod", list), 200)
		want := 0
		for _, o := range acmeProdObjects() {
			if o.Type == kind && !strings.HasPrefix(o.Path, "/Repos/") {
				want++
			}
		}
		if n := len(r.list(k.paging.key)); n != want {
			t.Errorf("%s: %d rows, want %d", kind, n, want)
		}
	}
	job := c.on("prod", "/api/2.2/jobs/get?job_id=501").json()
	if job["run_as_user_name"] != AcmeETLApp || job["job_id"] != 501.0 {
		t.Error(job)
	}
	if got := c.on("prod", "/api/2.0/workspace/list?path=/").names("objects", "path"); !slices.Equal(got, []string{"/Shared", "/Users", "/Repos"}) {
		t.Error(got)
	}
	c.want(c.on("prod", "/api/2.0/workspace/list?path=/nope"), 404)
	c.want(c.on("prod", "/api/2.2/jobs/list?limit=101"), 400)
	put := func(method, path string, entries ...map[string]string) response {
		return c.do(method, "https://acme-prod.acme.test/api/2.0/permissions/"+path, map[string]any{"access_control_list": entries})
	}
	e := func(user, level string) map[string]string {
		return map[string]string{"user_name": user, "permission_level": level}
	}
	c.want(put("PATCH", "jobs/501", e("bob@acme.test", "CAN_VIEW"), e("alice@acme.test", "CAN_VIEW")), 200)
	if got := acl("jobs/501"); got["bob@acme.test"] != "CAN_VIEW false" || got["alice@acme.test"] != "CAN_MANAGE false" {
		t.Errorf("PATCH adds and never lowers: %v", got)
	}
	c.want(put("PUT", "jobs/501", e("bob@acme.test", "CAN_VIEW")), 400)
	c.want(put("PUT", "jobs/501", e("bob@acme.test", "IS_OWNER")), 200)
	if got := acl("jobs/501"); len(got) != 2 {
		t.Errorf("PUT replaces: %v", got)
	}
	c.want(put("PATCH", "jobs/501", e("bob@acme.test", "CAN_FLY")), 400)
	c.want(c.with("dapi-acme-alice-prod").on("prod", "/api/2.0/permissions/jobs/503"), 403)
}

// rowsOf are the rows of one principal in an access control list.
func rowsOf(r response, kind, name string) []string {
	r.t.Helper()
	var out []string
	e := byField(r.list("access_control_list"), kind, name)
	rows, _ := e["all_permissions"].([]any)
	for _, row := range rows {
		p := row.(map[string]any)
		text := p["permission_level"].(string)
		if from, _ := p["inherited_from_object"].([]any); p["inherited"] == true {
			text += " " + from[0].(string)
		}
		out = append(out, text)
	}
	return out
}

// TestFoldersHandDown: a permission on a folder is one on all that lies in it.
func TestFoldersHandDown(t *testing.T) {
	c := acme(t, Options{})
	for _, tc := range []struct {
		object, kind, name string
		want               []string
	}{
		{"notebooks/9003", "group_name", "users", []string{"CAN_MANAGE /directories/9001"}},
		{"notebooks/9003", "group_name", "data-engineering", []string{"CAN_EDIT /directories/9002"}},
		{"notebooks/9003", "group_name", "admins", []string{"CAN_MANAGE /directories/"}},
		{"notebooks/9006", "user_name", "alice@acme.test", []string{"CAN_MANAGE", "CAN_MANAGE /directories/9005"}},
		{"notebooks/9014", "group_name", "engineering", []string{"CAN_READ /repos/9013"}},
		{"notebooks/9014", "user_name", "niaj@acme.test", []string{"CAN_MANAGE /directories/9010"}},
		{"queries/q-revenue", "user_name", "erin@acme.test", []string{"CAN_MANAGE", "CAN_MANAGE /directories/9009"}},
		{"dashboards/01f0aaaa00000000000000000000d001", "user_name", "erin@acme.test", []string{"CAN_MANAGE", "CAN_MANAGE /directories/9009"}},
		{"experiments/4001", "group_name", "users", []string{"CAN_MANAGE /directories/9001"}},
		{"directories/9001", "group_name", "users", []string{"CAN_MANAGE"}},
		{"jobs/501", "group_name", "admins", []string{"CAN_MANAGE /jobs/"}},
		{"alerts/al-freshness", "group_name", "admins", []string{"CAN_MANAGE /alerts/"}},
	} {
		if got := rowsOf(c.want(c.on("prod", "/api/2.0/permissions/"+tc.object), 200), tc.kind, tc.name); !slices.Equal(got, tc.want) {
			t.Errorf("%s on %s: %q, want %q", tc.name, tc.object, got, tc.want)
		}
	}
	// A level that the object does not know becomes the next lower one.
	put := func(path, level string) {
		t.Helper()
		c.want(c.do("PUT", "https://acme-prod.acme.test/api/2.0/permissions/"+path, map[string]any{"access_control_list": []any{map[string]string{"group_name": "analysts", "permission_level": level}}}), 200)
	}
	put("directories/9009", "CAN_READ")
	put("directories/9001", "CAN_RUN")
	for path, want := range map[string][]string{
		"queries/q-revenue": {"CAN_RUN", "CAN_VIEW /directories/9009"},
		"experiments/4001":  {"CAN_READ /directories/9001"},
		"files/9007":        nil,
	} {
		if got := rowsOf(c.on("prod", "/api/2.0/permissions/"+path), "group_name", "analysts"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	// Whoever manages a folder may read the lists of what lies in it.
	alice := c.with("dapi-acme-alice-prod")
	c.want(alice.on("prod", "/api/2.0/permissions/files/9007"), 200)
	c.want(alice.on("prod", "/api/2.0/permissions/queries/q-revenue"), 403)
}

func TestPermissionPaths(t *testing.T) {
	c := acme(t, Options{})
	for path, want := range map[string]int{
		"sql/warehouses/wh-bi": 200, "sql/queries/q-revenue": 200, "sql/alerts/al-freshness": 200, "sql/dashboards/ld-old": 200,
		"warehouses/wh-bi": 200, "alertsv2/al2-cost": 200, "dbsql-dashboards/ld-old": 200,
		"sql/jobs/501": 400, "dashboards/ld-old": 404, "jobs/777": 404, "queries/none": 404, "sandcastles/1": 400,
		"authorization/tokens": 200, "authorization/passwords": 200, "authorization/keys": 404,
	} {
		if r := c.on("prod", "/api/2.0/permissions/"+path); r.status != want {
			t.Errorf("%s: %s", path, r)
		}
	}
	// Tokens are off in analytics-eu, and only prod still has passwords.
	for _, path := range []string{"authorization/tokens", "authorization/passwords"} {
		if r := c.on("analytics-eu", "/api/2.0/permissions/"+path); r.status != 404 || r.str("error_code") != "FEATURE_DISABLED" {
			t.Errorf("%s: %s", path, r)
		}
	}
	c.want(c.on("staging", "/api/2.0/permissions/authorization/passwords"), 404)
	if r := c.on("prod", "/api/2.0/permissions/authorization/tokens").json(); r["object_id"] != "authorization/tokens" || r["object_type"] != "tokens" {
		t.Error(r)
	}
	c.want(c.with("dapi-acme-alice-prod").on("prod", "/api/2.0/permissions/authorization/tokens"), 403)
}
