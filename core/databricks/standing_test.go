package databricks

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

const assignments = testConsole + "/api/2.0/accounts/" + testAccount + "/workspaces/7/permissionassignments"

var robot = identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "42"}

// What is written names one of the two permissions, whatever is asked for: anything else would delete.
func TestAssignWritesPermissionsOnly(t *testing.T) {
	for p := range 256 {
		permission := identity.WorkspacePermission(p)
		w := newWorld(t)
		var bodies []string
		w.handle("PUT "+assignments+"/principals/42", func(rw http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			bodies = append(bodies, r.Header.Get("Content-Type")+" "+string(b))
			rw.WriteHeader(http.StatusOK)
		})
		err := w.session().Assign(t.Context(), 7, robot, permission)
		switch permission {
		case identity.WorkspaceUser, identity.WorkspaceAdmin:
			if want := fmt.Sprintf(`application/json {"permissions":["%s"]}`, permission); err != nil || len(bodies) != 1 || bodies[0] != want {
				t.Errorf("%s: %v, %v", permission, bodies, err)
			}
		default:
			if err == nil || len(bodies) != 0 {
				t.Fatalf("%d was written: %v, %v", p, bodies, err)
			}
		}
	}
}

// A write is sent once, whatever comes back.
func TestAssignIsSentOnce(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   identity.FailureKind
		said   int
	}{
		"unavailable": {503, `{"error_code":"TEMPORARILY_UNAVAILABLE","message":"later"}`, identity.Failed, 503},
		"throttled":   {429, `{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow"}`, identity.Throttled, 429},
		"broken":      {500, `{"error_code":"INTERNAL_ERROR","message":"oops"}`, identity.Failed, 500},
		"forbidden":   {403, `{"error_code":"PERMISSION_DENIED","message":"no"}`, identity.Forbidden, 403},
		"a page":      {200, `<!DOCTYPE html><title>Login</title>`, identity.Failed, 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			n := map[string]int{}
			answer := func(rw http.ResponseWriter, r *http.Request) {
				n[r.Method]++
				rw.Header().Set("Content-Type", "application/json")
				if strings.HasPrefix(c.body, "<") {
					rw.Header().Set("Content-Type", "text/html")
				}
				rw.WriteHeader(c.status)
				_, _ = io.WriteString(rw, c.body)
			}
			w.handle("PUT "+assignments+"/principals/42", answer)
			w.handle("DELETE "+assignments+"/principals/42", answer)
			s := w.session()
			for what, err := range map[string]error{
				"assign": s.Assign(t.Context(), 7, robot, identity.WorkspaceAdmin), "unassign": s.Unassign(t.Context(), 7, robot),
			} {
				if f := wantKind(t, err, c.want, ""); f.Status != c.said {
					t.Errorf("%s: status %d, want %d", what, f.Status, c.said)
				}
			}
			if n["PUT"] != 1 || n["DELETE"] != 1 {
				t.Errorf("sent %v", n)
			}
		})
	}
}

// Somebody of one workspace alone has no assignment, and an id cannot lead elsewhere.
func TestAssignOfNobody(t *testing.T) {
	w := newWorld(t)
	s := w.session()
	for _, who := range []identity.PrincipalKey{{Kind: identity.KindUser, ID: "1", Workspace: 7}, {Kind: identity.KindUser}, {Kind: identity.KindUser, ID: ".."}} {
		if s.Assign(t.Context(), 7, who, identity.WorkspaceUser) == nil || s.Unassign(t.Context(), 7, who) == nil {
			t.Errorf("%v was written", who)
		}
	}
}

func TestOwnAssignment(t *testing.T) {
	for body, want := range map[string]string{
		`{"permission_assignments":[{"principal":{"principal_id":42,"service_principal_name":"x"},"permissions":["ADMIN"]},{"principal":{"principal_id":43,"user_name":"y"},"permissions":["USER"]}]}`: "ADMIN",
		`{"permission_assignments":[{"principal":{"principal_id":42},"permissions":["USER"]}]}`:                                                                                                        "USER",
		`{"permission_assignments":[{"principal":{"principal_id":43},"permissions":["WHATEVER"]}]}`:                                                                                                    "NONE",
		`{"permission_assignments":[]}`: "NONE",
		`{"permission_assignments":[{"principal":{"principal_id":42},"permissions":["WHATEVER"]}]}`: "error",
		`{"permission_assignments":[{"principal":{"principal_id":42}}]}`:                            "error",
		`{"rows":3`: "error",
		``:          "error",
	} {
		w := newWorld(t)
		w.json("GET "+assignments, body)
		got, err := w.session().OwnAssignment(t.Context(), 7, robot)
		if is := got.String(); err == nil && is != want || err != nil && want != "error" {
			t.Errorf("%s: %s, %v, want %s", body, got, err, want)
		}
	}
}
