package sandbox

import "testing"

func TestSettings(t *testing.T) {
	c := acme(t, Options{})
	workspace := func(c *client, name string) response {
		return c.on("prod", "/api/2.0/settings/types/"+name+"/names/default")
	}
	r := c.want(workspace(c, "restrict_workspace_admins"), 200).json()
	if r["setting_name"] != "default" || r["etag"] == "" || r["restrict_workspace_admins"].(map[string]any)["status"] != "ALLOW_ALL" {
		t.Error(r)
	}
	// Types are spelled in one way only.
	c.want(workspace(c, "restrict-workspace-admins"), 404)
	c.want(workspace(c.as(Acme().LimitedAuditor), "restrict_workspace_admins"), 403)
	// What is not set still has an etag to write with.
	unset := c.want(c.on("staging", "/api/2.0/settings/types/restrict_workspace_admins/names/default"), 404)
	if details := unset.list("details"); unset.str("error_code") != "NOT_FOUND" || len(details) != 1 || details[0]["metadata"].(map[string]any)["etag"] == "" {
		t.Error(unset)
	}
	c.srv.Update(func(a *Account) {
		a.Workspaces[0].Settings = map[string]any{"default_namespace_ws": map[string]string{"value": "main"}, "disable_legacy_dbfs": map[string]bool{"value": true}}
	})
	if r := workspace(c, "default_namespace_ws").json(); r["namespace"].(map[string]any)["value"] != "main" {
		t.Error(r)
	}
	if r := workspace(c, "disable_legacy_dbfs").json(); r["disable_legacy_dbfs"].(map[string]any)["value"] != true {
		t.Error(r)
	}

	const personal = "/api/2.0/accounts/{acct}/settings/types/dcp_acct_enable/names/default"
	if r := c.want(c.account(personal), 200).json(); r["personal_compute"].(map[string]any)["value"] != "ON" || r["dcp_acct_enable"] != nil {
		t.Error(r)
	}
	c.want(c.as(Acme().LimitedAuditor).account(personal), 403)
	c.srv.Update(func(a *Account) { a.PersonalCompute = "" })
	c.want(c.account(personal), 404)
}
