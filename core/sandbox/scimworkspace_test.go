package sandbox

import (
	"net/url"
	"slices"
	"testing"
)

// TestWorkspaceSCIMReads: entitlements, instance profiles and groups of a
// workspace's users, service principals and groups, in lists and alone.
func TestWorkspaceSCIMReads(t *testing.T) {
	c := acme(t, Options{})
	const base = "/api/2.0/preview/scim/v2/"
	c.srv.Update(func(a *Account) {
		w := a.WorkspaceByName("prod")
		w.Entitlements["2003"] = []string{"databricks-sql-access"}
		w.InstanceProfiles = map[string][]string{"1001": {"arn:aws:iam::1:instance-profile/p"}, "3003": {"arn:aws:iam::1:instance-profile/g"}}
	})
	values := func(m map[string]any, key string) []string {
		var out []string
		list, _ := m[key].([]any)
		for _, v := range list {
			out = append(out, v.(map[string]any)["value"].(string))
		}
		return out
	}
	users := ""
	for _, g := range c.on("prod", base+"Groups").list("Resources") {
		if g["displayName"] == "users" {
			users = g["id"].(string)
		}
	}
	for _, tc := range []struct {
		path, key string
		want      []string
	}{
		{"Users/1001", "roles", []string{"arn:aws:iam::1:instance-profile/p"}},
		{"Users/1001", "entitlements", nil}, // hers come from groups
		{"Users/1024", "entitlements", []string{"workspace-consume"}},
		{"ServicePrincipals/2003", "entitlements", []string{"databricks-sql-access"}},
		{"ServicePrincipals/2003", "groups", []string{users}},
		{"ServicePrincipals/2001", "roles", nil}, // account_admin is a role of the account
		{"Groups/3003", "entitlements", []string{"allow-cluster-create"}},
		{"Groups/3003", "roles", []string{"arn:aws:iam::1:instance-profile/g"}},
		{"Groups/8101", "entitlements", []string{"allow-instance-pool-create"}},
		{"Groups/8101", "members", []string{"1001", "1012"}},
		{"Groups/3003", "members", nil}, // those of account groups are the account's to tell
		{"Groups/" + users, "entitlements", []string{"workspace-access", "databricks-sql-access"}},
	} {
		if got := values(c.want(c.on("prod", base+tc.path), 200).json(), tc.key); !slices.Equal(got, tc.want) {
			t.Errorf("%s of %s: %q, want %q", tc.key, tc.path, got, tc.want)
		}
	}
	row := byField(c.on("prod", base+"ServicePrincipals?attributes=applicationId,entitlements").list("Resources"), "id", "2003")
	if row["entitlements"] == nil || row["applicationId"] != AcmeETLApp || row["groups"] != nil || row["displayName"] != nil {
		t.Errorf("attributes: %v", row)
	}
	row = byField(c.on("prod", base+"Users?excludedAttributes=entitlements,groups").list("Resources"), "id", "1024")
	if row["entitlements"] != nil || row["groups"] != nil || row["userName"] == nil {
		t.Errorf("excludedAttributes: %v", row)
	}
	if r := c.on("prod", base+"Users?filter="+url.QueryEscape(`userName eq "alice@acme.test"`)+"&count=1000"); r.json()["itemsPerPage"] != 1.0 {
		t.Error(r)
	}
	for _, path := range []string{"Users/1015", "ServicePrincipals/2004", "ServicePrincipals/1001", "Groups/3004", "Groups/8102"} {
		c.want(c.on("prod", base+path), 404)
	}
	// Others than admins see names, of themselves a little more.
	bob := c.with("dapi-acme-bob-prod")
	if u := bob.on("prod", base+"Users/1024").json(); u["entitlements"] != nil || u["groups"] != nil {
		t.Errorf("bob sees %v", u)
	}
	if u := bob.on("prod", base+"Users/1002").json(); u["groups"] == nil {
		t.Errorf("bob sees himself as %v", u)
	}
	if g := bob.on("prod", base+"Groups/8101").json(); g["members"] != nil || g["entitlements"] != nil || g["displayName"] == nil {
		t.Errorf("bob sees %v", g)
	}
}
