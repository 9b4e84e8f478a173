package databricks

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

const entryHost = "prod.cloud.databricks.com/api/2.0/preview/scim/v2/"

func accountGroup(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindGroup, ID: id}
}

func localGroup(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 4411, ID: id}
}

func userKey(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindUser, ID: id}
}

func TestWorkspaceIdentities(t *testing.T) {
	for _, c := range []struct {
		kind             identity.Kind
		path, attributes string
		rows             string
		want             []identity.WorkspaceIdentity
	}{
		{identity.KindUser, "Users", "id,userName,externalId,entitlements,roles",
			`{"id":"1","userName":"ann@acme.test","externalId":"e1","entitlements":[{"value":"workspace-access"},{"value":"later"},{"value":""},{"value":"later"}],
			  "roles":[{"value":"arn:aws:iam::123456789012:instance-profile/etl"},{"value":"arn:aws:iam::123456789012:instance-profile/etl"},{"value":"account_admin"}]},
			 {"id":2,"userName":"a/b#%é"}`,
			[]identity.WorkspaceIdentity{
				{Key: userKey("1"), Name: "ann@acme.test", ExternalID: "e1", Entitlements: []identity.Entitlement{"workspace-access", "later"}, InstanceProfiles: []string{"arn:aws:iam::123456789012:instance-profile/etl"}},
				{Key: userKey("2"), Name: "a/b#%é"}}},
		{identity.KindServicePrincipal, "ServicePrincipals", "id,applicationId,externalId,entitlements,roles",
			`{"id":"3","applicationId":"` + appID + `","displayName":"etl","entitlements":[{"value":"allow-cluster-create"}]}`,
			[]identity.WorkspaceIdentity{{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "3"}, Name: appID, Entitlements: []identity.Entitlement{identity.AllowClusterCreate}}}},
		{identity.KindGroup, "Groups", "id,displayName,externalId,entitlements,roles,groups,meta",
			`{"id":"10","displayName":"admins","meta":{"resourceType":"WorkspaceGroup"},"entitlements":[{"value":"allow-cluster-create"}]},
			 {"id":"11","displayName":"users","meta":{"resourceType":"WorkspaceGroup"}},
			 {"id":"12","displayName":"old","meta":{"resourceType":"WorkspaceGroup"},"groups":[{"value":"13","display":"older","$ref":"Groups/13"},{"value":"14","display":"eng"},{"value":"99"},{"value":""},{"value":"10","display":"admins","type":"indirect"},{"value":"13"}]},
			 {"id":"13","displayName":"older","meta":{"resourceType":"WorkspaceGroup"}},
			 {"id":"14","displayName":"eng","externalId":"e","meta":{"resourceType":"Group"},"groups":[{"value":"15","display":"all-eng"}]},
			 {"id":"15","displayName":"users","meta":{"resourceType":"Group"}}`,
			[]identity.WorkspaceIdentity{
				{Key: identity.WorkspaceAdmins(4411), Name: "admins", Entitlements: []identity.Entitlement{identity.AllowClusterCreate}},
				{Key: identity.WorkspaceUsers(4411), Name: "users"},
				{Key: localGroup("12"), Name: "old", Parents: []identity.PrincipalKey{localGroup("13"), identity.WorkspaceAdmins(4411)}},
				{Key: localGroup("13"), Name: "older"},
				{Key: accountGroup("14"), Name: "eng", ExternalID: "e"},
				{Key: accountGroup("15"), Name: "users"}}},
	} {
		w := newWorld(t)
		w.json("GET "+entryHost+c.path, fmt.Sprintf(`{"totalResults":%d,"Resources":[%s]}`, len(c.want), c.rows))
		s := w.session()
		got, err := s.WorkspaceIdentities(t.Context(), workspaceNamed("prod"), c.kind)
		check(t, got, err, c.want)
		check(t, w.requests(), nil, []string{"GET " + entryHost + c.path + "?attributes=" + url.QueryEscape(c.attributes) + "&count=100&startIndex=1"})
		check(t, s.Calls(), nil, map[string]int{"GET /api/2.0/preview/scim/v2/" + c.path: 1})
	}
}

// A list of several pages is read to its end; one that breaks off says so.
func TestWorkspaceIdentitiesPages(t *testing.T) {
	w := newWorld(t)
	status := 200
	w.handle("GET "+entryHost+"Groups", func(rw http.ResponseWriter, r *http.Request) {
		switch start := r.FormValue("startIndex"); {
		case start == "1":
			refuse(rw, 200, `{"totalResults":3,"Resources":[{"id":"1","displayName":"a","meta":{"resourceType":"WorkspaceGroup"},"groups":[{"value":"3"},{"value":"4"}]},{"id":"2","displayName":"b","meta":{"resourceType":"Group"}}]}`)
		case start == "3" && status == 200:
			refuse(rw, 200, `{"totalResults":3,"Resources":[{"id":"3","displayName":"c","meta":{"resourceType":"WorkspaceGroup"}}]}`)
		case start == "3":
			refuse(rw, status, `{"error_code":"PERMISSION_DENIED","message":"no"}`)
		default:
			t.Errorf("startIndex %s", start)
		}
	})
	s := w.session()
	got, err := s.WorkspaceIdentities(t.Context(), workspaceNamed("prod"), identity.KindGroup)
	check(t, len(got), err, 3)
	check(t, got[0].Parents, nil, []identity.PrincipalKey{localGroup("3")})
	status = 403
	got, err = s.WorkspaceIdentities(t.Context(), workspaceNamed("prod"), identity.KindGroup)
	check(t, wantKind(t, err, identity.Forbidden, "").Partial, nil, true)
	check(t, len(got), nil, 2)
	// Of a part, what is no parent cannot be told.
	check(t, got[0].Parents, nil, []identity.PrincipalKey{localGroup("3"), localGroup("4")})
}

func TestWorkspaceIdentitiesFailures(t *testing.T) {
	for _, c := range []struct {
		kind   identity.Kind
		status int
		body   string
		want   identity.FailureKind
	}{
		{identity.KindUser, 403, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"no","status":"403"}`, identity.Forbidden},
		{identity.KindUser, 500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed},
		{identity.KindUser, 404, `404 page not found`, identity.Unsupported},
		{identity.KindUser, 200, ``, identity.Failed},
		{identity.KindUser, 200, `[]`, identity.Failed},
		{identity.KindUser, 200, `<html>`, identity.Failed},
		{identity.KindUser, 200, `{"totalResults":1,"Resources":[{"userName":"a"}]}`, identity.Failed},
		{identity.KindUser, 200, `{"totalResults":2,"Resources":[{"id":"1","userName":"a"}]}`, identity.Failed},
		{identity.KindUser, 200, `{"totalResults":1,"Resources":[{"id":"1","userName":"a","entitlements":"all"}]}`, identity.Failed},
		// Who is no admin sees names, and must not take that for no entitlements.
		{identity.KindUser, 200, `{"totalResults":1,"Resources":[{"id":"1","displayName":"Ann"}]}`, identity.Forbidden},
		{identity.KindServicePrincipal, 200, `{"totalResults":1,"Resources":[{"id":"1","displayName":"etl"}]}`, identity.Forbidden},
		{identity.KindGroup, 200, `{"totalResults":1,"Resources":[{"id":"1","displayName":"g"}]}`, identity.Failed},
		{identity.KindGroup, 200, `{"totalResults":1,"Resources":[{"id":"1","displayName":"g","meta":{"resourceType":"Later"}}]}`, identity.Failed},
		{identity.KindGroup, 200, `{"totalResults":1,"Resources":[{"id":"1","meta":{"resourceType":"Group"}}]}`, identity.Forbidden},
	} {
		w := newWorld(t)
		w.handle("GET "+entryHost, func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		_, err := w.session().WorkspaceIdentities(t.Context(), workspaceNamed("prod"), c.kind)
		if !identity.IsKind(err, c.want) {
			t.Errorf("%d %s: got %v, want %q", c.status, c.body, err, c.want)
		}
	}
	w := newWorld(t)
	w.json("GET "+entryHost+"Users", `{"totalResults":2,"Resources":[{"id":"1","userName":"a"},{"id":"2"}]}`)
	got, err := w.session().WorkspaceIdentities(t.Context(), workspaceNamed("prod"), identity.KindUser)
	check(t, wantKind(t, err, identity.Forbidden, "").Partial, nil, true)
	check(t, len(got), nil, 1)
	w = newWorld(t)
	_, err = w.session().WorkspaceIdentities(t.Context(), workspaceNamed("prod"), identity.KindUnknown)
	wantKind(t, err, identity.Unsupported, "")
	check(t, len(w.requests()), nil, 0)
}

func TestWorkspaceIdentity(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+entryHost+"Users/1", `{"id":"1","userName":"ann@acme.test","entitlements":[{"value":"databricks-sql-access"}],"groups":[
		{"value":"10","display":"admins","type":"direct","$ref":"Groups/10"},{"value":"12","display":"old","type":"indirect"},{"value":14,"display":"eng"},{"display":"x"}]}`)
	w.json("GET "+entryHost+"ServicePrincipals/3", `{"id":"3","applicationId":"`+appID+`"}`)
	s := w.session()
	got, err := s.WorkspaceIdentity(t.Context(), workspaceNamed("prod"), userKey("1"))
	check(t, got, err, identity.WorkspaceIdentity{Key: userKey("1"), Name: "ann@acme.test", Entitlements: []identity.Entitlement{identity.SQLAccess},
		Parents: []identity.PrincipalKey{identity.WorkspaceAdmins(4411), localGroup("12"), localGroup("14")}})
	sp := identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "3"}
	got, err = s.WorkspaceIdentity(t.Context(), workspaceNamed("prod"), sp)
	check(t, got, err, identity.WorkspaceIdentity{Key: sp, Name: appID})
	check(t, w.requests(), nil, []string{
		"GET " + entryHost + "Users/1?attributes=" + url.QueryEscape("id,userName,externalId,entitlements,roles,groups"),
		"GET " + entryHost + "ServicePrincipals/3?attributes=" + url.QueryEscape("id,applicationId,externalId,entitlements,roles,groups"),
	})
	check(t, s.Calls(), nil, map[string]int{"GET /api/2.0/preview/scim/v2/Users/{id}": 1, "GET /api/2.0/preview/scim/v2/ServicePrincipals/{id}": 1})
}

func TestWorkspaceIdentityFailures(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind
	}{
		{404, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"User with id 1 not found.","status":"404"}`, identity.NotFound},
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed},
		{200, `{"id":"2","userName":"other"}`, identity.Failed},
		{200, `{"userName":"nobody"}`, identity.Failed},
		{200, `{"id":"1","displayName":"Ann"}`, identity.Forbidden},
		{200, ``, identity.Failed},
	} {
		w := newWorld(t)
		w.handle("GET "+entryHost, func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		got, err := w.session().WorkspaceIdentity(t.Context(), workspaceNamed("prod"), userKey("1"))
		wantKind(t, err, c.want, "")
		check(t, got, nil, identity.WorkspaceIdentity{})
	}
	w := newWorld(t)
	s := w.session()
	for key, want := range map[identity.PrincipalKey]identity.FailureKind{
		accountGroup("1"): identity.Unsupported, localGroup("1"): identity.Unsupported, {ID: "1"}: identity.Unsupported, userKey(""): identity.Failed, userKey(".."): identity.Failed,
	} {
		_, err := s.WorkspaceIdentity(t.Context(), workspaceNamed("prod"), key)
		wantKind(t, err, want, "")
	}
	check(t, len(w.requests()), nil, 0)
}

func TestWorkspaceMembers(t *testing.T) {
	w := newWorld(t)
	lists := 0
	w.handle("GET "+entryHost+"Groups", func(rw http.ResponseWriter, r *http.Request) {
		check(t, r.FormValue("attributes"), nil, "id,displayName,meta")
		switch r.FormValue("filter") {
		case `displayName eq "admins"`:
			refuse(rw, 200, `{"totalResults":2,"Resources":[{"id":"14","displayName":"admins","meta":{"resourceType":"Group"}},{"id":"10","displayName":"admins","meta":{"resourceType":"WorkspaceGroup"}}]}`)
		case `displayName eq "users"`: // the server did not understand the question
			refuse(rw, 200, `{"totalResults":1,"Resources":[{"id":"10","displayName":"admins","meta":{"resourceType":"WorkspaceGroup"}}]}`)
		case "":
			lists++
			refuse(rw, 200, `{"totalResults":3,"Resources":[{"id":"10","displayName":"admins","meta":{"resourceType":"WorkspaceGroup"}},{"id":"12","displayName":"old","meta":{"resourceType":"WorkspaceGroup"}},{"id":"14","displayName":"eng","meta":{"resourceType":"Group"}}]}`)
		}
	})
	w.json("GET "+entryHost+"Groups/10", `{"id":"10","displayName":"admins","meta":{"resourceType":"WorkspaceGroup"},"members":[{"value":"1","$ref":"Users/1"},{"value":"3","$ref":"ServicePrincipals/3"},{"value":"1","$ref":"Users/1"}]}`)
	w.json("GET "+entryHost+"Groups/13", `{"id":"13","meta":{"resourceType":"WorkspaceGroup"},"members":[{"value":"12","$ref":"Groups/12"},{"value":"14","$ref":"Groups/14"},{"value":"15","$ref":"Groups/15"},{"value":"12","$ref":"Users/12"},{"value":"9"}]}`)
	w.json("GET "+entryHost+"Groups/16", `{"id":"16","meta":{"resourceType":"WorkspaceGroup"}}`)
	w.json("GET "+entryHost+"Groups/14", `{"id":"14","meta":{"resourceType":"Group"},"members":[{"value":"1","$ref":"Users/1"}]}`)
	w.json("GET "+entryHost+"Groups/17", `{"id":"18","meta":{"resourceType":"WorkspaceGroup"}}`)
	s := w.session()
	members := func(g identity.PrincipalKey) ([]identity.PrincipalKey, error) {
		return s.WorkspaceMembers(t.Context(), workspaceNamed("prod"), g)
	}
	got, err := members(identity.WorkspaceAdmins(4411))
	check(t, got, err, []identity.PrincipalKey{userKey("1"), {Kind: identity.KindServicePrincipal, ID: "3"}})
	check(t, lists, nil, 0)
	got, err = members(localGroup("13"))
	check(t, got, err, []identity.PrincipalKey{localGroup("12"), accountGroup("14"), accountGroup("15"), userKey("12"), {ID: "9"}})
	check(t, lists, nil, 1)
	got, err = members(localGroup("16"))
	check(t, len(got), err, 0)
	_, err = members(identity.WorkspaceUsers(4411))
	wantKind(t, err, identity.NotFound, `"users"`)
	_, err = members(localGroup("14"))
	wantKind(t, err, identity.Failed, "not the workspace's own")
	_, err = members(localGroup("17"))
	wantKind(t, err, identity.Failed, "the answer is about")
	asked := len(w.requests())
	for _, g := range []identity.PrincipalKey{accountGroup("10"), identity.WorkspaceAdmins(5), userKey("1")} {
		_, err = members(g)
		wantKind(t, err, identity.Unsupported, "")
	}
	check(t, len(w.requests()), nil, asked)
}

// Groups among the members cannot be told apart when the list of groups fails.
func TestWorkspaceMembersFailures(t *testing.T) {
	for _, c := range []struct {
		group, list int
		rows        string
		want        identity.FailureKind
	}{
		{403, 200, ``, identity.Forbidden},
		{404, 200, ``, identity.NotFound},
		{500, 200, ``, identity.Failed},
		{200, 403, ``, identity.Forbidden},
		{200, 200, `{"id":"1","displayName":"a"}`, identity.Failed},
	} {
		w := newWorld(t)
		answer := func(status int, body string) http.HandlerFunc {
			return func(rw http.ResponseWriter, _ *http.Request) {
				if status != 200 {
					body = `{"message":"x"}`
				}
				refuse(rw, status, body)
			}
		}
		w.handle("GET "+entryHost+"Groups", answer(c.list, `{"totalResults":1,"Resources":[`+c.rows+`]}`))
		w.handle("GET "+entryHost+"Groups/13", answer(c.group, `{"id":"13","meta":{"resourceType":"WorkspaceGroup"},"members":[{"value":"12","$ref":"Groups/12"}]}`))
		got, err := w.session().WorkspaceMembers(t.Context(), workspaceNamed("prod"), localGroup("13"))
		wantKind(t, err, c.want, "")
		check(t, len(got), nil, 0)
	}
}

func TestRestrictAdmins(t *testing.T) {
	const path = "/api/2.0/settings/types/restrict_workspace_admins/names/default"
	for _, c := range []struct {
		status int
		body   string
		want   identity.RestrictAdmins
		kind   identity.FailureKind // empty: no failure
	}{
		{200, `{"etag":"x","setting_name":"default","restrict_workspace_admins":{"status":"ALLOW_ALL"}}`, identity.AdminsAllowAll, ""},
		{200, `{"restrict_workspace_admins":{"status":"RESTRICT_TOKENS_AND_JOB_RUN_AS"}}`, identity.AdminsRestricted, ""},
		{404, `{"error_code":"NOT_FOUND","message":"x","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","metadata":{"etag":"e"}}]}`, identity.AdminsAllowAll, ""},
		{404, `{"error_code":"ENDPOINT_NOT_FOUND","message":"No API found"}`, 0, identity.Unsupported},
		{404, `404 page not found`, 0, identity.Unsupported},
		{400, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"x"}`, 0, identity.NotFound},
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, 0, identity.Forbidden},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, 0, identity.Failed},
		{200, `{"restrict_workspace_admins":{"status":"RESTRICT_ALL"}}`, 0, identity.Failed},
		{200, `{"restrict_workspace_admins":{"status":"unknown"}}`, 0, identity.Failed},
		{200, `{}`, 0, identity.Failed},
		{200, ``, 0, identity.Failed},
		{200, `{"restrict_workspace_admins":"ALLOW_ALL"}`, 0, identity.Failed},
	} {
		w := newWorld(t)
		w.handle("GET prod.cloud.databricks.com"+path, func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		s := w.session()
		got, err := s.RestrictAdmins(t.Context(), workspaceNamed("prod"))
		if got != c.want || c.kind == "" && err != nil || c.kind != "" && !identity.IsKind(err, c.kind) {
			t.Errorf("%d %s: got %v, %v, want %v, %q", c.status, c.body, got, err, c.want, c.kind)
		}
		if !strings.HasPrefix(w.requests()[0], "GET prod.cloud.databricks.com"+path) {
			t.Errorf("asked %v", w.requests())
		}
	}
}
