package databricks

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

const ruleSetsPath = testConsole + "/api/2.0/preview/accounts/" + testAccount + "/access-control/rule-sets"

const appID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"

func groupPrincipal(id string) identity.Principal {
	return identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: id}, Name: "eng"}
}

func spPrincipal(app string) identity.Principal {
	return identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "77"}, Name: app}
}

func TestRoleGrants(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+ruleSetsPath, `{"name":"accounts/`+testAccount+`/groups/12/ruleSets/default","etag":"x","grant_rules":[
		{"role":"roles/group.manager","principals":["users/ann@acme.test","groups/a/b#%é","servicePrincipals/`+appID+`","users/ann@acme.test"]},
		{"role":"roles/group.later","principals":["robots/r2","everybody","groups/eng"]},
		{"role":"roles/group.assumer"},
		{"role":"roles/group.assumer","principals":["users/ann@acme.test"]}]}`)
	s := w.session()
	on := groupPrincipal("12")
	got, err := s.RoleGrants(t.Context(), on)
	grant := func(r identity.Role, k identity.Kind, name string) identity.RoleGrant {
		return identity.RoleGrant{On: on.Key, Role: r, Holder: identity.PrincipalName{Kind: k, Name: name}}
	}
	check(t, got, err, []identity.RoleGrant{
		grant(identity.RoleGroupManager, identity.KindUser, "ann@acme.test"),
		grant(identity.RoleGroupManager, identity.KindGroup, "a/b#%é"),
		grant(identity.RoleGroupManager, identity.KindServicePrincipal, appID),
		grant("roles/group.later", identity.KindUnknown, "robots/r2"),
		grant("roles/group.later", identity.KindUnknown, "everybody"),
		grant("roles/group.later", identity.KindGroup, "eng"),
		grant(identity.RoleGroupAssumer, identity.KindUser, "ann@acme.test"),
	})
	check(t, s.Calls(), nil, map[string]int{"GET /api/2.0/preview/accounts/{account_id}/access-control/rule-sets": 1})
}

// Each principal has its own name of a rule set, and the answer must bear it.
func TestRuleSetNames(t *testing.T) {
	for _, c := range []struct {
		on   identity.Principal
		want string
	}{
		{identity.Principal{}, "accounts/" + testAccount + "/ruleSets/default"},
		{groupPrincipal("12"), "accounts/" + testAccount + "/groups/12/ruleSets/default"},
		{spPrincipal(appID), "accounts/" + testAccount + "/servicePrincipals/" + appID + "/ruleSets/default"},
		{spPrincipal(`a b&c="é%#`), "accounts/" + testAccount + "/servicePrincipals/" + `a b&c="é%#` + "/ruleSets/default"},
	} {
		w := newWorld(t)
		var query url.Values
		said := strings.ToUpper(c.want)
		w.handle("GET "+ruleSetsPath, func(rw http.ResponseWriter, r *http.Request) {
			query = r.URL.Query()
			writeJSON(rw, map[string]any{"name": said})
		})
		s := w.session()
		got, err := s.RoleGrants(t.Context(), c.on)
		check(t, len(got), err, 0)
		check(t, query, nil, url.Values{"name": {c.want}, "etag": {""}})
		for _, said = range []string{"", "accounts/" + testAccount + "/groups/13/ruleSets/default"} {
			_, err := s.RoleGrants(t.Context(), c.on)
			wantKind(t, err, identity.Failed, "the answer is about")
		}
	}
}

func TestRoleGrantsOfNothing(t *testing.T) {
	w := newWorld(t)
	s := w.session()
	for _, c := range []struct {
		on   identity.Principal
		want identity.FailureKind
	}{
		{identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "u"}, identity.Unsupported},
		{identity.Principal{Key: identity.PrincipalKey{ID: "1"}}, identity.Unsupported},
		{identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 4411, ID: "1"}}, identity.Unsupported},
		{identity.Principal{Key: identity.AccountUsers()}, identity.Unsupported},
		{spPrincipal(""), identity.Failed},
		{spPrincipal("x/ruleSets/default?"), identity.Failed},
		{groupPrincipal("1/2"), identity.Failed},
	} {
		_, err := s.RoleGrants(t.Context(), c.on)
		wantKind(t, err, c.want, "")
	}
	check(t, len(w.requests()), nil, 0)
}

// Only the word that there is no such rule set means that nobody holds a role.
func TestRoleGrantFailures(t *testing.T) {
	name := "accounts/" + testAccount + "/groups/12/ruleSets/default"
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind // empty: none, and no failure
	}{
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"RuleSet ` + name + ` does not exist."}`, ""},
		{404, `{"error_code":"NOT_FOUND","message":"The rule set was not found"}`, ""},
		{404, `{"error_code":"RULE_SET_NOT_FOUND","message":"x"}`, ""},
		{200, `{"name":"` + name + `"}`, ""},
		{200, `{"name":"` + name + `","grant_rules":null}`, ""},
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"` + name + ` does not exist: no group 12"}`, identity.NotFound},
		{404, `{"error_code":"NOT_FOUND","message":"/access-control/rule-sets: not found"}`, identity.NotFound},
		{404, `{"error_code":"ENDPOINT_NOT_FOUND","message":"rule set"}`, identity.Unsupported},
		{404, `404 page not found`, identity.Unsupported},
		{403, `{"error_code":"PERMISSION_DENIED","message":"may not read the rule set"}`, identity.Forbidden},
		{500, `{"error_code":"INTERNAL_ERROR","message":"rule set"}`, identity.Failed},
		{200, `{}`, identity.Failed},
		{200, ``, identity.Failed},
		{200, `[]`, identity.Failed},
		{200, `<!DOCTYPE html><title>Login</title>`, identity.Failed},
		{200, `{"name":"` + name + `","grant_rules":{}}`, identity.Failed},
		{200, `{"name":"` + name + `","grant_rules":[{"principals":["users/a"]}]}`, identity.Failed},
		{200, `{"name":"` + name + `","grant_rules":[{"role":"r","principals":["users/"]}]}`, identity.Failed},
		{200, `{"name":"` + name + `","grant_rules":[{"role":"r","principals":[""]}]}`, identity.Failed},
		{200, `{"name":"` + name + `","grant_rules":[{"role":"r","principals":[7]}]}`, identity.Failed},
	} {
		w := newWorld(t)
		w.handle("GET "+ruleSetsPath, func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		got, err := w.session().RoleGrants(t.Context(), groupPrincipal("12"))
		if c.want == "" && err != nil || c.want != "" && !identity.IsKind(err, c.want) {
			t.Errorf("%d %s: got %v, want %q", c.status, c.body, err, c.want)
		}
		check(t, len(got), nil, 0)
	}
}

// What came before a rule that cannot be read is there, and is not all.
func TestRoleGrantsThatBreakOff(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+ruleSetsPath, `{"name":"accounts/`+testAccount+`/groups/12/ruleSets/default","grant_rules":[{"role":"r","principals":["users/a","groups/"]}]}`)
	got, err := w.session().RoleGrants(t.Context(), groupPrincipal("12"))
	check(t, wantKind(t, err, identity.Failed, "names nobody").Partial, nil, true)
	check(t, len(got), nil, 1)
}

// oneWorkspace makes a world in which credentials reach a workspace alone.
func oneWorkspace(t *testing.T, account string) (*world, *Session) {
	t.Helper()
	const h = "dbc-1.cloud.databricks.com"
	w := newWorld(t)
	w.json("GET "+h+"/oidc/.well-known/oauth-authorization-server", `{"token_endpoint":"http://`+h+`/oidc/v1/token"}`)
	w.handle("POST "+h+"/oidc/v1/token", func(rw http.ResponseWriter, r *http.Request) { w.issue(rw, r, "ws") })
	return w, w.session(func(o *Options) { o.Host, o.AccountID = "http://"+h, account })
}

func TestRoleGrantsThroughAWorkspace(t *testing.T) {
	w, s := oneWorkspace(t, testAccount)
	name := "accounts/" + testAccount + "/servicePrincipals/" + appID + "/ruleSets/default"
	w.json("GET dbc-1.cloud.databricks.com/api/2.0/preview/accounts/access-control/rule-sets", `{"name":"`+name+`","grant_rules":[{"role":"roles/servicePrincipal.user","principals":["groups/eng"]}]}`)
	got, err := s.RoleGrants(t.Context(), spPrincipal(appID))
	check(t, got, err, []identity.RoleGrant{{On: spPrincipal(appID).Key, Role: identity.RoleServicePrincipalUser, Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "eng"}}})
	check(t, w.requests(), nil, []string{"GET dbc-1.cloud.databricks.com/api/2.0/preview/accounts/access-control/rule-sets?etag=&name=" + url.QueryEscape(name)})

	w, s = oneWorkspace(t, "")
	_, err = s.RoleGrants(t.Context(), spPrincipal(appID))
	wantKind(t, err, identity.Unsupported, "DATABRICKS_ACCOUNT_ID")
	check(t, len(w.requests()), nil, 0)
}
