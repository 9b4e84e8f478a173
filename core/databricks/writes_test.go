package databricks

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/identity"
)

// sent is a request that changes something, as it arrived.
type sent struct{ Request, Body string }

// writes collects what is sent to patterns, and answers with the status.
func (w *world) writes(status int, patterns ...string) *[]sent {
	var got []sent
	for _, p := range patterns {
		w.handle(p, func(rw http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			if len(b) > 0 && (!json.Valid(b) || r.Header.Get("Content-Type") != "application/json") {
				w.t.Errorf("%s: %s %q", r.URL, r.Header.Get("Content-Type"), b)
			}
			got = append(got, sent{r.Method + " " + r.URL.EscapedPath(), string(b)})
			rw.WriteHeader(status)
			if status >= 400 {
				_, _ = io.WriteString(rw, `{"error_code":"SOME","message":"no"}`)
			}
		})
	}
	return &got
}

var (
	anna   = identity.PrincipalKey{Kind: identity.KindUser, ID: "1001"}
	admins = identity.PrincipalKey{Kind: identity.KindGroup, ID: "3001"}
	prod   = identity.Workspace{ID: 11, Name: "prod", Host: "http://prod.cloud.databricks.com"}
)

// TestWrites states each request as its page documents it.
func TestWrites(t *testing.T) {
	const schema = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`
	account, scim, permissions := "/api/2.0/accounts/"+testAccount, "/api/2.0/preview/scim/v2/", "/api/2.0/permissions/"
	table := identity.Securable{Type: identity.TypeTable, Catalog: "main", Schema: "a b", Name: "x/y"}
	job := identity.Object{Workspace: 11, Type: identity.ObjectJob, ID: "5"}
	scope := identity.Object{Workspace: 11, Type: identity.ObjectSecretScope, ID: "keys"}
	user := identity.PrincipalName{Kind: identity.KindUser, Name: "anna@acme.test"}
	tests := map[string]struct {
		do   func(ctx context.Context, s *Session) error
		want sent
	}{
		"add members": {func(ctx context.Context, s *Session) error {
			return s.AddMembers(ctx, admins, []identity.PrincipalKey{anna, {ID: "1002"}})
		},
			sent{"PATCH " + account + "/scim/v2/Groups/3001", schema + `[{"op":"add","path":"members","value":[{"value":"1001"},{"value":"1002"}]}]}`}},
		"remove a member": {func(ctx context.Context, s *Session) error { return s.RemoveMember(ctx, admins, anna) },
			sent{"PATCH " + account + "/scim/v2/Groups/3001", schema + `[{"op":"remove","path":"members[value eq \"1001\"]"}]}`}},
		"assign": {func(ctx context.Context, s *Session) error { return s.Assign(ctx, 11, anna, identity.WorkspaceAdmin) },
			sent{"PUT " + account + "/workspaces/11/permissionassignments/principals/1001", `{"permissions":["ADMIN"]}`}},
		"unassign": {func(ctx context.Context, s *Session) error { return s.Unassign(ctx, 11, anna) },
			sent{"DELETE " + account + "/workspaces/11/permissionassignments/principals/1001", ""}},
		"entitle": {func(ctx context.Context, s *Session) error {
			return s.Entitle(ctx, prod, anna, []identity.Entitlement{identity.WorkspaceAccess, identity.SQLAccess})
		}, sent{"PATCH " + scim + "Users/1001", schema + `[{"op":"add","path":"entitlements","value":[{"value":"workspace-access"},{"value":"databricks-sql-access"}]}]}`}},
		"disentitle": {func(ctx context.Context, s *Session) error {
			return s.Disentitle(ctx, prod, admins, identity.SQLAccess)
		},
			sent{"PATCH " + scim + "Groups/3001", schema + `[{"op":"remove","path":"entitlements[value eq \"databricks-sql-access\"]"}]}`}},
		"grant": {func(ctx context.Context, s *Session) error {
			return s.ChangeGrants(ctx, prod, table, []identity.GrantChange{{Holder: "anna@acme.test", Add: []identity.Privilege{"SELECT"}}, {Holder: "b", Remove: []identity.Privilege{"MODIFY"}}})
		}, sent{"PATCH /api/2.1/unity-catalog/permissions/table/main.a%20b.x%2Fy", `{"changes":[{"principal":"anna@acme.test","add":["SELECT"]},{"principal":"b","remove":["MODIFY"]}]}`}},
		"permit": {func(ctx context.Context, s *Session) error {
			return s.RaiseObject(ctx, prod, job, user, identity.CanManage)
		},
			sent{"PATCH " + permissions + "jobs/5", `{"access_control_list":[{"user_name":"anna@acme.test","permission_level":"CAN_MANAGE"}]}`}},
		"permit no more": {func(ctx context.Context, s *Session) error { return s.LowerObject(ctx, prod, job, user, "") },
			sent{"PUT " + permissions + "jobs/5", `{"access_control_list":[{"user_name":"owner@acme.test","permission_level":"IS_OWNER"},{"group_name":"team","permission_level":"CAN_VIEW"}]}`}},
		"permit less": {func(ctx context.Context, s *Session) error {
			return s.LowerObject(ctx, prod, job, user, identity.CanView)
		},
			sent{"PUT " + permissions + "jobs/5", `{"access_control_list":[{"user_name":"owner@acme.test","permission_level":"IS_OWNER"},{"group_name":"team","permission_level":"CAN_VIEW"},{"user_name":"anna@acme.test","permission_level":"CAN_VIEW"}]}`}},
		"secret": {func(ctx context.Context, s *Session) error {
			return s.RaiseObject(ctx, prod, scope, user, identity.SecretRead)
		},
			sent{"POST /api/2.0/secrets/acls/put", `{"permission":"READ","principal":"anna@acme.test","scope":"keys"}`}},
		"secret no more": {func(ctx context.Context, s *Session) error { return s.LowerObject(ctx, prod, scope, user, "") },
			sent{"POST /api/2.0/secrets/acls/delete", `{"principal":"anna@acme.test","scope":"keys"}`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.json("GET prod.cloud.databricks.com/api/2.0/permissions/jobs/5", `{"object_id":"/jobs/5","object_type":"job","access_control_list":[
				{"user_name":"owner@acme.test","all_permissions":[{"permission_level":"IS_OWNER"}]},
				{"user_name":"Anna@acme.test","all_permissions":[{"permission_level":"CAN_MANAGE"}]},
				{"group_name":"team","all_permissions":[{"permission_level":"CAN_VIEW"}]},
				{"group_name":"admins","all_permissions":[{"permission_level":"CAN_MANAGE","inherited":true,"inherited_from_object":["/jobs/"]}]}]}`)
			got := w.writes(http.StatusOK, "PATCH /", "PUT /", "DELETE /", "POST prod.cloud.databricks.com/")
			if err := test.do(t.Context(), w.session()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]sent{test.want}, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestT34_WritesAreSentOnce: no answer, and no lack of one, makes the transport repeat a write.
func TestT34_WritesAreSentOnce(t *testing.T) {
	for _, status := range []int{400, 403, 404, 409, 429, 500, 502, 503, 504} {
		w := newWorld(t)
		got := w.writes(status, "PATCH /")
		err := w.session().AddMembers(t.Context(), admins, []identity.PrincipalKey{anna})
		if f := identity.FailureOf(err); err == nil || f.Status != status {
			t.Errorf("%d: got %v", status, err)
		}
		if len(*got) != 1 {
			t.Errorf("%d: sent %d times", status, len(*got))
		}
	}
}

// TestT31_NeverAnEmptyAssignment: what would take an assignment away is not sent.
func TestT31_NeverAnEmptyAssignment(t *testing.T) {
	w := newWorld(t)
	got := w.writes(http.StatusOK, "PUT /", "PATCH /", "DELETE /")
	s := w.session()
	for _, p := range []identity.WorkspacePermission{identity.WorkspaceNone, 7} {
		if err := s.Assign(t.Context(), 11, anna, p); !identity.IsKind(err, identity.Unsupported) {
			t.Errorf("%s: got %v", p, err)
		}
	}
	if err := s.Assign(t.Context(), 11, identity.PrincipalKey{Kind: identity.KindGroup, ID: ".."}, identity.WorkspaceUser); err == nil {
		t.Error("an address was left by ..")
	}
	tokens := identity.Object{Workspace: 11, Type: identity.ObjectTokens, ID: "tokens"}
	if err := s.RaiseObject(t.Context(), prod, tokens, identity.PrincipalName{Kind: identity.KindUser, Name: "x"}, identity.CanUse); !identity.IsKind(err, identity.Unsupported) {
		t.Errorf("tokens: got %v", err)
	}
	if slices.Concat(*got) != nil {
		t.Errorf("sent %v", *got)
	}
}

// TestGoneIsGone: to remove what is not there is no failure.
func TestGoneIsGone(t *testing.T) {
	w := newWorld(t)
	w.writes(http.StatusNotFound, "DELETE /")
	if err := w.session().Unassign(t.Context(), 11, anna); err != nil {
		t.Error(err)
	}
}
