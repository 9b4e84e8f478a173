package sandbox

import (
	"slices"
	"testing"
)

func TestTokensAndSecrets(t *testing.T) {
	c := acme(t, Options{})
	ids := func() []string {
		return c.on("prod", "/api/2.0/token-management/tokens").names("token_infos", "token_id")
	}
	if len(ids()) != 4 {
		t.Error(ids())
	}
	group := func(name, level string) map[string]string {
		return map[string]string{"group_name": name, "permission_level": level}
	}
	c.want(c.do("PUT", "https://acme-prod.acme.test/api/2.0/permissions/authorization/tokens", map[string]any{"access_control_list": []any{group("data-engineering", "CAN_USE"), group("admins", "CAN_MANAGE")}}), 200)
	if got := ids(); !slices.Equal(got, []string{"tok-alice-1", "tok-frank-1"}) {
		t.Errorf("who loses CAN_USE loses tokens: %v", got)
	}
	c.want(c.do("DELETE", "https://acme-prod.acme.test/api/2.0/token-management/tokens/tok-alice-1", nil), 200)
	c.want(c.do("DELETE", "https://acme-prod.acme.test/api/2.0/token-management/tokens/tok-alice-1", nil), 404)

	if got := c.on("prod", "/api/2.0/secrets/acls/list?scope=prod-creds").names("items", "principal"); !slices.Equal(got, []string{"data-engineering", "alice@acme.test"}) {
		t.Error(got)
	}
	bob := c.with("dapi-acme-ivan-staging")
	c.want(bob.on("prod", "/api/2.0/secrets/scopes/list"), 403)
	limited := c.as(Acme().LimitedAuditor)
	if n := len(limited.on("prod", "/api/2.0/secrets/scopes/list").list("scopes")); n != 0 {
		t.Error("limited auditor sees scopes")
	}
	c.want(limited.on("prod", "/api/2.0/secrets/acls/list?scope=prod-creds"), 403)
	c.want(c.on("prod", "/api/2.0/secrets/acls/list?scope=none"), 404)
	if r := c.on("prod", "/api/2.0/settings/types/restrict_workspace_admins/names/default"); r.json()["restrict_workspace_admins"].(map[string]any)["status"] != "ALLOW_ALL" {
		t.Error(r)
	}
	c.want(c.on("staging", "/api/2.0/settings/types/restrict_workspace_admins/names/default"), 404)
	if r := c.on("prod", "/api/2.0/workspace-conf?keys=enableTokensConfig,enableWebTerminal").json(); r["enableTokensConfig"] != "true" || r["enableWebTerminal"] != nil {
		t.Error(r)
	}
	c.want(c.on("prod", "/api/2.0/workspace-conf?keys=enableTokensConfig,nope"), 400)
}
