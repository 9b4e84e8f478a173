package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func faults(t *testing.T, texts ...string) []Fault {
	t.Helper()
	var out []Fault
	for _, text := range texts {
		f, err := ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// sees reports what each of n reads of a group's members says of alice.
func sees(c *client, n int) string {
	c.t.Helper()
	var b strings.Builder
	for range n {
		if slices.Contains(c.want(c.account(groupsPath+"/3010"), 200).names("members", "value"), "1001") {
			b.WriteByte('y')
		} else {
			b.WriteByte('n')
		}
	}
	return b.String()
}

func TestReadLag(t *testing.T) {
	add, remove := patchOp(addMembers("1001")), patchOp(map[string]any{"op": "remove", "path": `members[value eq "1001"]`})
	t.Run("by requests", func(t *testing.T) {
		c := acme(t, Options{Faults: faults(t, "GET */scim/v2/Groups/* lag=2")})
		if got := sees(c, 2); got != "nn" {
			t.Errorf("before: %s", got)
		}
		c.want(c.write("PATCH", "", groupsPath+"/3010", add), 204)
		if n := len(c.account("/api/2.0/identity/accounts/{acct}/groups/3010/direct-members").list("direct_group_members")); n != 2 {
			t.Errorf("a route that does not lag shows %d members", n)
		}
		if got := sees(c, 4); got != "nnyy" {
			t.Errorf("after the addition: %s", got)
		}
		c.want(c.write("PATCH", "", groupsPath+"/3010", patchOp(addMembers("77"))), 404)
		// What a third party does shows at once, whatever was refused before.
		members := c.srv.acct.GroupByName("finance-readers").Members
		c.srv.Update(func(a *Account) { a.GroupByName("finance-readers").Members = nil })
		if got := sees(c, 2); got != "nn" {
			t.Errorf("after a write that was refused: %s", got)
		}
		c.srv.Update(func(a *Account) { a.GroupByName("finance-readers").Members = members })
		c.want(c.write("PATCH", "", groupsPath+"/3010", remove), 204)
		c.want(c.write("PATCH", "", groupsPath+"/3010", add), 204)
		c.want(c.write("PATCH", "", groupsPath+"/3010", remove), 204)
		if got := sees(c, 4); got != "yynn" {
			t.Errorf("after three writes: %s", got)
		}
		c.want(c.write("PATCH", "", groupsPath+"/3010", add), 204)
		sees(c, 1)
		c.want(c.write("PATCH", "", groupsPath+"/3010", remove), 204)
		if got := sees(c, 4); got != "nynn" {
			t.Errorf("the writes get through one after the other: %s", got)
		}
	})
	t.Run("by the clock", func(t *testing.T) {
		clock := newClock()
		c := acme(t, Options{Now: clock.Now, Faults: faults(t, "GET * lag=60s")})
		c.want(c.write("PATCH", "", groupsPath+"/3010", add), 204)
		if got := sees(c, 3); got != "nnn" {
			t.Errorf("at once: %s", got)
		}
		clock.advance(59 * time.Second)
		if got := sees(c, 1); got != "n" {
			t.Errorf("after 59 s: %s", got)
		}
		clock.advance(time.Second)
		if got := sees(c, 1); got != "y" {
			t.Errorf("after 60 s: %s", got)
		}
	})
	t.Run("back and forth", func(t *testing.T) {
		c := acme(t, Options{Faults: faults(t, "GET */scim/v2/Groups/* lag=4 flap")})
		c.want(c.write("PATCH", "", groupsPath+"/3010", add), 204)
		if got := sees(c, 6); got != "ynynyy" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("grants and assignments", func(t *testing.T) {
		c := acme(t, Options{Faults: faults(t, "GET */permissionassignments lag=1", "GET "+uc+"permissions/* lag=1")})
		before := len(c.account(assignmentsPath).list("permission_assignments"))
		c.want(c.write("PUT", "", assignmentsPath+"/principals/1013", map[string]any{"permissions": []string{"USER"}}), 200)
		for i, want := range []int{before, before + 1} {
			if got := len(c.want(c.account(assignmentsPath), 200).list("permission_assignments")); got != want {
				t.Errorf("read %d: %d assignments, want %d", i, got, want)
			}
		}
		path := uc + "permissions/table/main.sales.orders"
		c.want(c.write("PATCH", "prod", path, changes("dave@acme.test", []string{"SELECT"}, nil)), 200)
		for i, want := range []bool{false, true} {
			if got := strings.Contains(c.want(c.on("prod", path), 200).String(), "dave@acme.test"); got != want {
				t.Errorf("read %d shows the grant: %v", i, got)
			}
		}
	})
}

// TestCopyIsWhole: what a late read shows is the account as it was, to the last field.
func TestCopyIsWhole(t *testing.T) {
	a := Acme()
	if fingerprint(t, copyAccount(a)) != fingerprint(t, a) {
		t.Error("the copy differs")
	}
	before := fingerprint(t, a)
	b := copyAccount(a)
	b.Groups[9].Members[0] = "x"
	b.Workspaces[0].Objects[0].ACL[0].Level = "x"
	b.Workspaces[0].Entitlements[GroupUsers][0] = "x"
	b.Metastores[0].Catalogs[0].Grants[0].Privileges[0] = "x"
	if fingerprint(t, a) != before {
		t.Error("a change of the copy reaches the original")
	}
}

// TestSpoiltWrites: what was carried out, what the caller was told, and what the journal says.
func TestSpoiltWrites(t *testing.T) {
	for _, tc := range []struct {
		fault        string
		told, status int // told 0: no answer at all
		carried      bool
		retryAfter   string
	}{
		{"PATCH */Groups/* reset", 0, 204, true, ""},
		{"PATCH */Groups/* lost", 0, 0, false, ""},
		{"PATCH */Groups/* status=503 executed", 503, 204, true, ""},
		{"PATCH */Groups/* status=504 executed body=upstream", 504, 204, true, ""},
		{"PATCH */Groups/* status=503", 503, 0, false, ""},
		{"PATCH */Groups/* status=429 retry_after=7", 429, 0, false, "7"},
		{"PATCH */Groups/* html executed", 200, 204, true, ""},
		{"PATCH */Users/* status=503", 204, 204, true, ""},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			c := acme(t, Options{Faults: faults(t, tc.fault)})
			status, retryAfter := 0, ""
			req, _ := http.NewRequest("PATCH", c.srv.AccountHost()+strings.ReplaceAll(groupsPath, "{acct}", AcmeAccountID)+"/3010", strings.NewReader(`{"schemas":["`+scimPatchSchema+`"],"Operations":[{"op":"add","path":"members","value":[{"value":"1001"}]}]}`))
			req.GetBody = nil
			req.Header.Set("Authorization", "Bearer "+c.token)
			if resp, err := c.http.Do(req); err == nil {
				status, retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
				_ = resp.Body.Close()
			}
			if status != tc.told || retryAfter != tc.retryAfter {
				t.Errorf("told %d, Retry-After %q", status, retryAfter)
			}
			c.srv.SetFaults()
			if got := sees(c, 1) == "y"; got != tc.carried {
				t.Errorf("carried out: %v", got)
			}
			writes := c.srv.Writes()
			if len(writes) != 1 || writes[0].Done != tc.status || writes[0].Status != tc.told || writes[0].Carried() != tc.carried {
				t.Errorf("journal: %+v", writes)
			}
		})
	}
}

func TestJournal(t *testing.T) {
	c := acme(t, Options{})
	const body = `{"permissions":["USER"]}`
	req, _ := http.NewRequest("PUT", c.srv.AccountHost()+strings.ReplaceAll(assignmentsPath, "{acct}", AcmeAccountID)+"/principals/1013", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+c.token)
	c.want(c.send(req), 200)
	c.want(c.write("DELETE", "", assignmentsPath+"/principals/1013?why=test", nil), 200)
	c.want(c.write("PATCH", "prod", uc+"permissions/table/none", map[string]any{}), 404)
	c.want(c.write("POST", "prod", "/api/2.0/nowhere", nil), 404)
	c.want(c.with("bad").write("DELETE", "", assignmentsPath+"/principals/1013", nil), 401)
	// None of these is a write.
	c.want(c.account(assignmentsPath), 200)
	c.want(c.execute("prod", "wh-bi", "SELECT 1", nil), 200)
	c.want(c.write("POST", "prod", "/api/2.0/mlflow/experiments/search", nil), 200)
	c.as(Acme().Auditor)

	writes := c.srv.Writes()
	var got []string
	for _, w := range writes {
		got = append(got, w.Method+" "+w.Route)
	}
	route := "/api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments/principals/{principal_id}"
	if want := []string{"PUT " + route, "DELETE " + route, "PATCH " + uc + "permissions/{type}/{name}", "POST ", "DELETE " + route}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	sum := sha256.Sum256([]byte(body))
	if w := writes[0]; string(w.Body) != body || w.Digest != hex.EncodeToString(sum[:]) || w.Status != 200 || w.Done != 200 || w.Caller != AcmeAuditorApp {
		t.Errorf("%+v", w)
	}
	if w := writes[1]; w.Query != "why=test" || !strings.HasSuffix(w.Path, "/1013") {
		t.Errorf("%+v", w)
	}
	if writes[2].Carried() || writes[4].Status != 401 {
		t.Errorf("%+v", writes[2:])
	}
	c.srv.ResetWrites()
	if len(c.srv.Writes()) != 0 {
		t.Error("not forgotten")
	}
}

// TestHooks: somebody else acts at a moment of the test's choice.
func TestHooks(t *testing.T) {
	c := acme(t, Options{})
	var log []string
	c.srv.SetHooks(
		Hook{Method: "GET", Route: "*/scim/v2/Groups/3010", Nth: 2, Times: 1, Before: func(a *Account, call Call) {
			log = append(log, "before "+call.Method)
			g := a.GroupByName("finance-readers")
			g.Members = append(g.Members, "1001")
		}},
		Hook{Route: "*/scim/v2/Groups/3010", Method: "PATCH", After: func(a *Account, call Call) {
			log = append(log, "after "+http.StatusText(call.Status))
			a.GroupByName("finance-readers").Members = nil
		}},
		Hook{Route: "/nowhere", Before: func(*Account, Call) { t.Error("this hook matches nothing") }},
	)
	if got := sees(c, 3); got != "nyy" {
		t.Errorf("a third party adds alice before the second read: %s", got)
	}
	c.want(c.write("PATCH", "", groupsPath+"/3010", patchOp(addMembers("1001", "1002"))), 204)
	if got := c.account(groupsPath+"/3010").names("members", "value"); len(got) != 0 {
		t.Errorf("a third party empties the group after the write: %v", got)
	}
	if want := []string{"before GET", "after No Content"}; !slices.Equal(log, want) {
		t.Errorf("%q", log)
	}
	// A group that becomes the identity provider's just before the write refuses it.
	c.srv.SetHooks(Hook{Method: "PATCH", Before: func(a *Account, _ Call) { a.GroupByName("finance-readers").ExternalID = "entra" }})
	c.want(c.write("PATCH", "", groupsPath+"/3010", patchOp(addMembers("1001"))), 403)
	// A workspace that is gone by the time that its request is handled.
	c.srv.SetHooks(Hook{Host: "acme-staging.*", Before: func(a *Account, _ Call) { a.WorkspaceByName("staging").DeploymentName = "moved" }})
	c.want(c.on("staging", "/api/2.0/preview/scim/v2/Me"), 502)
}
