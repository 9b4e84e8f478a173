package databricks

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

func grantOf(k identity.Kind, name string, l identity.Level, from string) identity.ObjectGrant {
	return identity.ObjectGrant{Holder: identity.PrincipalName{Kind: k, Name: name}, Level: l, From: from}
}

func TestObjectGrants(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+objectHost+"/api/2.0/permissions/notebooks/42", `{"object_id":"/notebooks/42","object_type":"notebook","access_control_list":[
		{"user_name":"ann@acme.test","display_name":"Ann","all_permissions":[
			{"permission_level":"CAN_EDIT","inherited":false},
			{"permission_level":"CAN_READ","inherited":true,"inherited_from_object":["/directories/7","/directories/1"]},
			{"permission_level":"CAN_READ","inherited":true,"inherited_from_object":["/directories/8"]},
			{"permission_level":"CAN_EDIT","inherited":false}]},
		{"group_name":"a/b#%é","all_permissions":[{"permission_level":"CAN_LATER","inherited":true,"inherited_from_object":[]},{"permission_level":"CAN_RUN","inherited":true},{"permission_level":"CAN_VIEW","inherited":true,"inherited_from_object":[""]}]},
		{"service_principal_name":"`+appID+`","all_permissions":[{"permission_level":"IS_OWNER","inherited_from_object":["/directories/7"]}]},
		{"group_name":"ann@acme.test","all_permissions":[{"permission_level":"CAN_EDIT"}]},
		{"user_name":"nothing@acme.test"}]}`)
	s := w.session()
	got, err := s.ObjectGrants(t.Context(), workspaceNamed("prod"), identity.Object{Workspace: 4411, Type: identity.ObjectNotebook, ID: "42"})
	check(t, got, err, []identity.ObjectGrant{
		grantOf(identity.KindUser, "ann@acme.test", identity.CanEdit, ""),
		grantOf(identity.KindUser, "ann@acme.test", identity.CanRead, "/directories/7"),
		grantOf(identity.KindUser, "ann@acme.test", identity.CanRead, "/directories/8"),
		grantOf(identity.KindGroup, "a/b#%é", "CAN_LATER", "inherited"),
		grantOf(identity.KindGroup, "a/b#%é", identity.CanRun, "inherited"),
		grantOf(identity.KindGroup, "a/b#%é", identity.CanView, "inherited"),
		grantOf(identity.KindServicePrincipal, appID, identity.IsOwner, ""),
		grantOf(identity.KindGroup, "ann@acme.test", identity.CanEdit, ""),
	})
	check(t, s.Calls(), nil, map[string]int{"GET /api/2.0/permissions/{request_object_type}/{request_object_id}": 1})
}

func TestObjectGrantsAddresses(t *testing.T) {
	for _, c := range objectCases {
		if c.t == identity.ObjectSecretScope {
			continue
		}
		w := newWorld(t)
		w.json("GET "+objectHost+"/api/2.0/permissions/", `{"object_id":"/x/x"}`)
		_, id, _ := strings.Cut(c.permissions, "/")
		got, err := w.session().ObjectGrants(t.Context(), workspaceNamed("prod"), identity.Object{Workspace: 4411, Type: c.t, ID: id})
		check(t, len(got), err, 0)
		check(t, w.requests(), nil, []string{"GET " + objectHost + "/api/2.0/permissions/" + c.permissions})
	}
}

func TestObjectGrantsOfNothing(t *testing.T) {
	w := newWorld(t)
	s := w.session()
	for _, c := range []struct {
		on   identity.Object
		want identity.FailureKind
	}{
		{identity.Object{Workspace: 4411, Type: "later", ID: "1"}, identity.Unsupported},
		{identity.Object{Workspace: 5, Type: identity.ObjectJob, ID: "1"}, identity.Failed},
		{identity.Object{Type: identity.ObjectJob, ID: "1"}, identity.Failed},
		{identity.Object{Workspace: 4411, Type: identity.ObjectJob}, identity.Failed},
		{identity.Object{Workspace: 4411, Type: identity.ObjectJob, ID: ".."}, identity.Failed},
		{identity.Object{Workspace: 4411, Type: identity.ObjectTokens, ID: "passwords"}, identity.Failed},
		{identity.Object{Workspace: 4411, Type: identity.ObjectSecretScope}, identity.Failed},
	} {
		_, err := s.ObjectGrants(t.Context(), workspaceNamed("prod"), c.on)
		wantKind(t, err, c.want, "")
	}
	check(t, len(w.requests()), nil, 0)
}

func TestObjectGrantsFailures(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind
		some   int
	}{
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"x"}`, identity.NotFound, 0},
		{404, `{"error_code":"FEATURE_DISABLED","message":"x"}`, identity.Unsupported, 0},
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden, 0},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed, 0},
		{200, ``, identity.Failed, 0},
		{200, `{}`, identity.Failed, 0},
		{200, `[]`, identity.Failed, 0},
		{200, `<html>`, identity.Failed, 0},
		{200, `{"object_id":"/jobs/1","access_control_list":{}}`, identity.Failed, 0},
		{200, `{"object_id":"/jobs/1","access_control_list":[{"user_name":"a","all_permissions":[{"permission_level":"CAN_VIEW"}]},{"all_permissions":[{"permission_level":"CAN_VIEW"}]}]}`, identity.Failed, 1},
		{200, `{"object_id":"/jobs/1","access_control_list":[{"user_name":"a","all_permissions":[{"permission_level":"CAN_VIEW"},{"inherited":false}]}]}`, identity.Failed, 1},
		{200, `{"object_id":"/jobs/1","access_control_list":[{"user_name":"a","all_permissions":[{"permission_level":"CAN_VIEW","inherited":"yes"}]}]}`, identity.Failed, 0},
	} {
		w := newWorld(t)
		w.handle("GET "+objectHost+"/api/2.0/permissions/jobs/1", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		got, err := w.session().ObjectGrants(t.Context(), workspaceNamed("prod"), identity.Object{Workspace: 4411, Type: identity.ObjectJob, ID: "1"})
		f := wantKind(t, err, c.want, "")
		check(t, len(got), nil, c.some)
		if len(got) > 0 && !f.Partial {
			t.Errorf("%s: not partial", c.body)
		}
	}
}

func TestSecretGrants(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+objectHost+"/api/2.0/secrets/acls/list", `{"items":[
		{"principal":"ann@acme.test","permission":"MANAGE"},{"principal":"`+appID+`","permission":"READ"},{"principal":"admins","permission":"WRITE"},
		{"principal":"`+appID+`x","permission":"LATER"},{"principal":"admins","permission":"WRITE"}]}`)
	s := w.session()
	got, err := s.ObjectGrants(t.Context(), workspaceNamed("prod"), identity.Object{Workspace: 4411, Type: identity.ObjectSecretScope, ID: "a/b#%é"})
	check(t, got, err, []identity.ObjectGrant{
		grantOf(identity.KindUser, "ann@acme.test", identity.SecretManage, ""),
		grantOf(identity.KindServicePrincipal, appID, identity.SecretRead, ""),
		grantOf(identity.KindGroup, "admins", identity.SecretWrite, ""),
		grantOf(identity.KindGroup, appID+"x", "LATER", ""),
	})
	check(t, w.requests(), nil, []string{"GET " + objectHost + "/api/2.0/secrets/acls/list?scope=" + url.QueryEscape("a/b#%é")})
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind
	}{
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Scope x does not exist!"}`, identity.NotFound},
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed},
		{200, ``, identity.Failed},
		{200, `[]`, identity.Failed},
		{200, `{"items":{}}`, identity.Failed},
		{200, `{"items":[{"permission":"READ"}]}`, identity.Failed},
		{200, `{"items":[{"principal":"a"}]}`, identity.Failed},
	} {
		w := newWorld(t)
		w.handle("GET "+objectHost+"/api/2.0/secrets/acls/list", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		got, err := w.session().ObjectGrants(t.Context(), workspaceNamed("prod"), identity.Object{Workspace: 4411, Type: identity.ObjectSecretScope, ID: "x"})
		wantKind(t, err, c.want, "")
		check(t, len(got), nil, 0)
	}
	w = newWorld(t)
	w.json("GET "+objectHost+"/api/2.0/secrets/acls/list", `{}`)
	got, err = w.session().ObjectGrants(t.Context(), workspaceNamed("prod"), identity.Object{Workspace: 4411, Type: identity.ObjectSecretScope, ID: "x"})
	check(t, len(got), err, 0)
}

// The server must be given back the very id that was asked for, whatever is in it.
func TestObjectGrantsOfHostileNames(t *testing.T) {
	w := newWorld(t)
	var asked string
	w.handle("GET "+objectHost+"/api/2.0/permissions/", func(rw http.ResponseWriter, r *http.Request) {
		segments := strings.Split(r.URL.EscapedPath(), "/")
		asked, _ = url.PathUnescape(strings.Join(segments[5:], "/"))
		writeJSON(rw, map[string]any{"object_id": "/apps/x"})
	})
	w.handle("GET "+objectHost+"/api/2.0/secrets/acls/list", func(rw http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("scope")
		writeJSON(rw, map[string]any{})
	})
	s := w.session()
	for _, name := range append(hostile, "a/b#%é") {
		for _, typ := range []identity.ObjectType{identity.ObjectApp, identity.ObjectSecretScope} {
			asked = ""
			_, err := s.ObjectGrants(t.Context(), workspaceNamed("prod"), identity.Object{Workspace: 4411, Type: typ, ID: name})
			check(t, asked, err, name)
		}
	}
}
