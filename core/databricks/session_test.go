package databricks

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databricks-access-audit/core/identity"
)

const scimBase = testConsole + "/api/2.0/accounts/" + testAccount + "/scim/v2/"

func check[T any](t *testing.T, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func wantKind(t *testing.T, err error, kind identity.FailureKind, text string) *identity.Failure {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	f := identity.FailureOf(err)
	if f.Kind != kind || !strings.Contains(f.Message, text) {
		t.Fatalf("got %v, want kind %s with %q", err, kind, text)
	}
	if strings.ContainsAny(f.Message, "\n\r\t") || len([]rune(f.Message)) > maxMessage {
		t.Errorf("message is not one short line: %q", f.Message)
	}
	return f
}

func TestWorkspaces(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+testConsole+"/api/2.0/accounts/{id}/workspaces", `[
		{"workspace_id":4411,"workspace_name":"prod","deployment_name":"dbc-1","workspace_status":"RUNNING","cloud":"aws","aws_region":"eu-west-1"},
		{"workspace_id":"4412","workspace_name":"odd","deployment_name":"evil.test/","workspace_status":"FAILED"},
		{"workspace_id":4411,"workspace_name":"prod","deployment_name":"dbc-1"}]`)
	s := w.session()
	got, err := s.Workspaces(t.Context())
	check(t, got, err, []identity.Workspace{
		{ID: 4411, Name: "prod", Host: "http://dbc-1.cloud.databricks.com", Cloud: "aws", Region: "eu-west-1", Status: "RUNNING"},
		{ID: 4412, Name: "odd", Cloud: "aws", Status: "FAILED"},
	})
	check(t, s.Calls(), nil, map[string]int{"GET /api/2.0/accounts/{account_id}/workspaces": 1})
}

func TestWorkspacesInAnObject(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+testConsole+"/api/2.0/accounts/{id}/workspaces", `{"workspaces":[{"workspace_id":1}]}`)
	got, err := w.session().Workspaces(t.Context())
	check(t, got, err, []identity.Workspace{{ID: 1, Cloud: "aws"}})
}

func TestWorkspacesOfAnotherAccount(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+testConsole+"/api/2.0/accounts/{id}/workspaces", func(rw http.ResponseWriter, _ *http.Request) {
		refuse(rw, 404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"account not found"}`)
	})
	_, err := w.session().Workspaces(t.Context())
	wantKind(t, err, identity.NotFound, "check the account id "+testAccount)
}

// Nothing that is not the list may pass for an empty one.
func TestMalformedAnswersAreFailures(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "null": "null", "string": `"x"`, "other object": `{"rows":[]}`, "cut": `[{"workspace_id":1}`,
		"wrong type": `{"workspaces":{}}`, "page": "<!DOCTYPE html><title>Login</title>", "no id": `[{"workspace_name":"x"}]`,
		"id is no number": `[{"workspace_id":"x"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.json("GET "+testConsole+"/api/2.0/accounts/{id}/workspaces", body)
			got, err := w.session().Workspaces(t.Context())
			wantKind(t, err, identity.Failed, "")
			if len(got) > 0 {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestFindPrincipals(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+scimBase+"Users", func(rw http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("filter") != `userName eq "ann@corp.test"` || q.Get("attributes") != userAttributes || q.Get("count") != "100" {
			t.Errorf("query %v", q)
		}
		writeJSON(rw, map[string]any{"totalResults": 2, "Resources": []any{
			map[string]any{"id": "1", "userName": "Ann@corp.test", "displayName": "Ann", "active": true, "externalId": "x-1",
				"emails": []any{map[string]any{"value": "ann@corp.test"}, map[string]any{"value": "ann@old.test"}},
				"roles":  []any{map[string]any{"value": "account_admin"}}},
			map[string]any{"id": "2", "userName": "bob@corp.test"},
		}})
	})
	got, err := w.session().FindPrincipals(t.Context(), identity.KindUser, identity.Match{Field: identity.ByName, Value: "ann@corp.test"})
	check(t, got, err, []identity.Principal{{
		Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "Ann@corp.test", DisplayName: "Ann", ExternalID: "x-1",
		Emails: []string{"ann@old.test"}, Origin: identity.OriginIDP, Status: identity.StatusActive, Roles: []string{"account_admin"},
	}})
}

func TestFindPrincipalsFields(t *testing.T) {
	for _, c := range []struct {
		kind  identity.Kind
		match identity.Match
		path  string
		want  string
	}{
		{identity.KindUser, identity.Match{Field: identity.ByEmail, Value: "a"}, "Users", `emails.value eq "a"`},
		{identity.KindUser, identity.Match{Field: identity.ByDisplayName, Value: `A "B" \C`}, "Users", `displayName eq "A \"B\" \\C"`},
		{identity.KindUser, identity.Match{Field: identity.ByName, Value: "a", Contains: true}, "Users", `userName co "a"`},
		{identity.KindServicePrincipal, identity.Match{Field: identity.ByName, Value: "a"}, "ServicePrincipals", `applicationId eq "a"`},
		{identity.KindServicePrincipal, identity.Match{Field: identity.ByEmail, Value: "a"}, "", ""},
		{identity.KindGroup, identity.Match{Field: identity.ByName, Value: "a"}, "Groups", `displayName eq "a"`},
		{identity.KindGroup, identity.Match{Field: identity.ByExternalID, Value: "a"}, "Groups", `externalId eq "a"`},
		{identity.KindGroup, identity.Match{Field: identity.ByEmail, Value: "a"}, "", ""},
	} {
		t.Run(c.kind.String()+" "+c.want, func(t *testing.T) {
			w := newWorld(t)
			asked := ""
			w.handle("GET "+scimBase+"{resource}", func(rw http.ResponseWriter, r *http.Request) {
				asked = r.PathValue("resource") + " " + r.URL.Query().Get("filter")
				writeJSON(rw, map[string]any{"totalResults": 0})
			})
			got, err := w.session().FindPrincipals(t.Context(), c.kind, c.match)
			if err != nil || len(got) > 0 {
				t.Errorf("got %v, %v", got, err)
			}
			if asked != strings.TrimSpace(c.path+" "+c.want) {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

// TestFindPrincipalsTogether looks for several at once: in as few requests as a filter may be long, and one by one where the
// server refuses them joined. Rows that nobody asked for are left out.
func TestFindPrincipalsTogether(t *testing.T) {
	numbered := func(n int) (list []identity.Match) {
		for i := range n {
			list = append(list, identity.Match{Field: identity.ByName, Value: fmt.Sprintf("u%d", i)})
		}
		return list
	}
	ann := []identity.Match{{Field: identity.ByName, Value: "Ann"}, {Field: identity.ByEmail, Value: `a "n" n`}, {Field: identity.ByExternalID, Value: "x"}, {Field: identity.ByExternalID}}
	for _, c := range []struct {
		name    string
		matches []identity.Match
		joined  bool // the server takes filters with "or"
		asked   []string
		found   []string
	}{
		{"nobody", nil, true, nil, nil},
		{"by every field", ann, true, []string{`userName eq "Ann" or emails.value eq "a \"n\" n" or externalId eq "x"`}, []string{"1", "3"}},
		{"one by one", ann, false, []string{`userName eq "Ann" or emails.value eq "a \"n\" n" or externalId eq "x"`, `userName eq "Ann"`, `emails.value eq "a \"n\" n"`, `externalId eq "x"`}, []string{"1", "3"}},
		{"only one", ann[:1], false, []string{`userName eq "Ann"`}, []string{"1"}},
		{"more than a filter holds", numbered(51), true, []string{"50 comparisons", `userName eq "u50"`}, nil},
		{"anyone", []identity.Match{{Field: identity.ByName, Contains: true}, ann[0]}, true, []string{""}, []string{"1", "2", "3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			var asked []string
			w.handle("GET "+scimBase+"Users", func(rw http.ResponseWriter, r *http.Request) {
				filter := r.URL.Query().Get("filter")
				ors := strings.Count(filter, " or ")
				if asked = append(asked, filter); ors > 9 {
					asked[len(asked)-1] = fmt.Sprintf("%d comparisons", ors+1)
				}
				if ors > 0 && !c.joined {
					rw.WriteHeader(http.StatusBadRequest)
					writeJSON(rw, map[string]any{"status": "400", "scimType": "invalidFilter", "detail": "not this one"})
					return
				}
				writeJSON(rw, map[string]any{"totalResults": 3, "Resources": []any{
					map[string]any{"id": "1", "userName": "ann"}, map[string]any{"id": "2", "userName": "bob"}, map[string]any{"id": "3", "userName": "cyd", "externalId": "x"},
				}})
			})
			found, err := w.session().FindPrincipals(t.Context(), identity.KindUser, c.matches...)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, p := range found {
				ids = append(ids, p.Key.ID)
			}
			if !slices.Equal(asked, c.asked) || !slices.Equal(ids, c.found) {
				t.Errorf("asked %q, found %q", asked, ids)
			}
		})
	}
}

// TestFindPrincipalsFails gives what was found before a failure, and says that it is not all.
func TestFindPrincipalsFails(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+scimBase+"Users", func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Query().Get("filter"), "u50") {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		writeJSON(rw, map[string]any{"totalResults": 1, "Resources": []any{map[string]any{"id": "1", "userName": "u7"}}})
	})
	var matches []identity.Match
	for i := range 51 {
		matches = append(matches, identity.Match{Field: identity.ByName, Value: fmt.Sprintf("u%d", i)})
	}
	found, err := w.session().FindPrincipals(t.Context(), identity.KindUser, matches...)
	if f := identity.FailureOf(err); f == nil || f.Kind != identity.Forbidden || !f.Partial || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestGroup(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+scimBase+"Groups/{id}", func(rw http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("attributes"); got != "id,displayName,externalId,roles,members" {
			t.Errorf("attributes %q", got)
		}
		writeJSON(rw, map[string]any{"id": r.PathValue("id"), "displayName": "account users", "externalId": "", "members": []any{
			map[string]any{"value": "1", "$ref": "Users/1"}, map[string]any{"value": "2", "$ref": "https://x.test/scim/v2/Groups/2"},
			map[string]any{"value": 3, "$ref": "ServicePrincipals/3"}, map[string]any{"value": "4"},
			map[string]any{"value": "5", "type": "Group"}, map[string]any{"value": "1", "$ref": "Users/1"},
		}})
	})
	key := identity.PrincipalKey{Kind: identity.KindGroup, ID: "77"}
	got, err := w.session().Group(t.Context(), key)
	check(t, got, err, identity.Group{
		Principal: identity.Principal{Key: key, Name: "account users", DisplayName: "account users", Origin: identity.OriginSystem},
		Members: []identity.PrincipalKey{{Kind: identity.KindUser, ID: "1"}, {Kind: identity.KindGroup, ID: "2"},
			{Kind: identity.KindServicePrincipal, ID: "3"}, {ID: "4"}, {Kind: identity.KindGroup, ID: "5"}},
		MembersListed: true,
	})
}

func TestGroupsListMembersOnlyWhereShown(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+scimBase+"Groups", `{"totalResults":3,"Resources":[{"id":"1","displayName":"a"},{"id":"2","displayName":"b","members":[]},
		{"id":"3","displayName":"c","members":[{"value":"9","$ref":"Users/9"}]}]}`)
	got, err := w.session().Groups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var listed []bool
	for _, g := range got {
		listed = append(listed, g.MembersListed)
	}
	check(t, listed, nil, []bool{false, false, true})
}

func TestPrincipalOfUnknownKind(t *testing.T) {
	w := newWorld(t)
	missing := func(rw http.ResponseWriter, _ *http.Request) {
		refuse(rw, 404, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"not found","status":"404"}`)
	}
	w.handle("GET "+scimBase+"Users/{id}", missing)
	w.handle("GET "+scimBase+"Groups/{id}", missing)
	w.handle("GET "+scimBase+"ServicePrincipals/{id}", func(rw http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != "5" {
			missing(rw, r)
			return
		}
		writeJSON(rw, map[string]any{"id": "5", "applicationId": "app", "active": false})
	})
	s := w.session()
	got, err := s.Principal(t.Context(), identity.PrincipalKey{ID: "5"})
	check(t, got, err, identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "5"}, Name: "app", Origin: identity.OriginDatabricks, Status: identity.StatusInactive})
	_, err = s.Principal(t.Context(), identity.PrincipalKey{ID: "6"})
	wantKind(t, err, identity.NotFound, "not found")
	if _, err := s.Group(t.Context(), identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 3, ID: "1"}); !identity.IsKind(err, identity.Unsupported) {
		t.Errorf("a workspace-local group: %v", err)
	}
}

func TestParentGroups(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+testConsole+"/api/2.0/identity/accounts/"+testAccount+"/principals/{id}/transitive-parent-groups", func(rw http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case q.Get("page_size") != "1000":
			t.Errorf("query %v", q)
		case q.Get("page_token") == "":
			writeJSON(rw, map[string]any{"transitive_parent_groups": []any{map[string]any{"group_id": "1"}, map[string]any{"group_id": 2}}, "next_page_token": "n"})
		default:
			writeJSON(rw, map[string]any{"transitive_parent_groups": []any{map[string]any{"group_id": "2"}, map[string]any{"group_id": "3"}}})
		}
	})
	got, err := w.session().ParentGroups(t.Context(), identity.PrincipalKey{Kind: identity.KindUser, ID: "9"})
	check(t, got, err, []identity.PrincipalKey{{Kind: identity.KindGroup, ID: "1"}, {Kind: identity.KindGroup, ID: "2"}, {Kind: identity.KindGroup, ID: "3"}})
}

func TestParentGroupsWithoutTheAPI(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"unknown endpoint": nil,
		"feature off": func(rw http.ResponseWriter, _ *http.Request) {
			refuse(rw, 403, `{"error_code":"FEATURE_DISABLED","message":"off"}`)
		},
		"not implemented": func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, 501, ``) },
		"bare 404":        func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "404 page not found", 404) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if answer != nil {
				w.handle("GET "+testConsole+"/api/2.0/identity/", answer)
			}
			a := w.open()
			for range 3 {
				_, err := a.Session().ParentGroups(t.Context(), identity.PrincipalKey{Kind: identity.KindUser, ID: "9"})
				wantKind(t, err, identity.Unsupported, "")
			}
			if n := len(w.requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
	t.Run("forbidden is not remembered", func(t *testing.T) {
		w := newWorld(t)
		w.handle("GET "+testConsole+"/api/2.0/identity/", func(rw http.ResponseWriter, _ *http.Request) {
			refuse(rw, 403, `{"error_code":"PERMISSION_DENIED","message":"no"}`)
		})
		s := w.session()
		for range 2 {
			_, err := s.ParentGroups(t.Context(), identity.PrincipalKey{Kind: identity.KindUser, ID: "9"})
			wantKind(t, err, identity.Forbidden, "no")
		}
		if n := len(w.requests()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

func TestAssignments(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+testConsole+"/api/2.0/accounts/{a}/workspaces/{id}/permissionassignments", `{"permission_assignments":[
		{"principal":{"principal_id":1,"user_name":"ann@corp.test","display_name":"Ann"},"permissions":["USER","ADMIN"]},
		{"principal":{"principal_id":2,"group_name":"eng"},"permissions":["USER"]},
		{"principal":{"principal_id":3,"service_principal_name":"app"},"permissions":["UNKNOWN"]},
		{"principal":{"principal_id":4,"display_name":"gone"},"permissions":[],"error":"deleted"}]}`)
	got, err := w.session().Assignments(t.Context(), 5)
	key := func(k identity.Kind, id string) identity.PrincipalKey { return identity.PrincipalKey{Kind: k, ID: id} }
	check(t, got, err, []identity.Assignment{
		{Workspace: 5, Principal: key(identity.KindUser, "1"), Name: "ann@corp.test", Permission: identity.WorkspaceAdmin},
		{Workspace: 5, Principal: key(identity.KindGroup, "2"), Name: "eng", Permission: identity.WorkspaceUser},
		{Workspace: 5, Principal: key(identity.KindServicePrincipal, "3"), Name: "app"},
		{Workspace: 5, Principal: key(identity.KindUnknown, "4"), Name: "gone"},
	})
}

func TestAssignmentsOfAWorkspaceWithoutThem(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+testConsole+"/api/2.0/accounts/{a}/workspaces/{id}/permissionassignments", func(rw http.ResponseWriter, _ *http.Request) {
		refuse(rw, 400, `{"error_code":"INVALID_PARAMETER_VALUE","message":"Permission assignment APIs are not available for this workspace."}`)
	})
	_, err := w.session().Assignments(t.Context(), 5)
	wantKind(t, err, identity.Unsupported, "not available")
}

func TestMetastores(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+testConsole+"/api/2.0/accounts/{a}/metastores", `{"metastores":[{"metastore_id":"m1","name":"main","region":"eu","cloud":"AWS","owner":"`+"`admins`"+`","privilege_model_version":"1.0"}]}`)
	w.json("GET "+testConsole+"/api/2.0/accounts/{a}/metastores/{m}/workspaces", `{"workspace_ids":[1,2,1]}`)
	w.json("GET prod.cloud.databricks.com/api/2.1/unity-catalog/metastore_summary", `{"metastore_id":"m1","owner":"o"}`)
	w.handle("GET bare.cloud.databricks.com/api/2.1/unity-catalog/metastore_summary", func(rw http.ResponseWriter, _ *http.Request) {
		refuse(rw, 404, `{"error_code":"METASTORE_DOES_NOT_EXIST","message":"No metastore assigned for the current workspace."}`)
	})
	s := w.session()
	got, err := s.Metastores(t.Context())
	check(t, got, err, []identity.Metastore{{ID: "m1", Name: "main", Region: "eu", Cloud: "aws", Owner: "admins", PrivilegeModel: "1.0"}})
	ids, err := s.MetastoreWorkspaces(t.Context(), "m1")
	check(t, ids, err, []identity.WorkspaceID{1, 2})
	one, err := s.Metastore(t.Context(), workspaceNamed("prod"))
	check(t, one, err, identity.Metastore{ID: "m1", Owner: "o"})
	_, err = s.Metastore(t.Context(), workspaceNamed("bare"))
	wantKind(t, err, identity.NotFound, "No metastore assigned")
}

func TestChildren(t *testing.T) {
	w := newWorld(t)
	query := map[string]string{}
	const api = "GET prod.cloud.databricks.com/api/2.1/unity-catalog/"
	serve := func(path, body string) {
		w.handle(api+path, func(rw http.ResponseWriter, r *http.Request) {
			query[path] = r.URL.RawQuery
			refuse(rw, 200, body)
		})
	}
	serve("catalogs", `{"catalogs":[{"name":"c","owner":"own","isolation_mode":"ISOLATED","catalog_type":"MANAGED_CATALOG","browse_only":true}]}`)
	serve("schemas", `{"schemas":[{"name":"s","owner":"own","catalog_name":"c"}]}`)
	serve("tables", `{"tables":[{"name":"t","owner":"own","table_type":"VIEW"}]}`)
	serve("volumes", `{"volumes":[{"name":"v"}]}`)
	serve("functions", `{"functions":[{"name":"f"}]}`)
	serve("models", `{"registered_models":[{"name":"m"}]}`)
	serve("external-locations", `{"external_locations":[{"name":"l","isolation_mode":"ISOLATION_MODE_ISOLATED"}]}`)
	serve("credentials", `{"credentials":[{"name":"st","purpose":"STORAGE","isolation_mode":"ISOLATION_MODE_OPEN"},{"name":"se","purpose":"SERVICE"}]}`)
	serve("storage-credentials", `{"storage_credentials":[{"name":"st"}]}`)
	serve("connections", `{"connections":[{"name":"x"}]}`)
	serve("shares", `{"shares":[{"name":"x"}]}`)
	serve("recipients", `{"recipients":[{"name":"x"}]}`)
	serve("providers", `{}`)
	s := w.session()
	m := identity.MetastoreSecurable("m")
	c := identity.CatalogSecurable("m", "c")
	h := identity.SchemaSecurable("m", "c", "s")
	inSchema := func(t identity.SecurableType, name string) identity.Securable {
		return identity.Securable{Metastore: "m", Type: t, Catalog: "c", Schema: "s", Name: name}
	}
	under := func(t identity.SecurableType, name string) identity.Securable {
		return identity.Securable{Metastore: "m", Type: t, Name: name}
	}
	for _, k := range []struct {
		parent identity.Securable
		t      identity.SecurableType
		want   []identity.SecurableInfo
	}{
		{m, identity.TypeCatalog, []identity.SecurableInfo{{Securable: c, Owner: "own", Isolation: identity.Isolated, CatalogType: "MANAGED_CATALOG", BrowseOnly: true}}},
		{c, identity.TypeSchema, []identity.SecurableInfo{{Securable: h, Owner: "own"}}},
		{h, identity.TypeTable, []identity.SecurableInfo{{Securable: inSchema(identity.TypeTable, "t"), Owner: "own", TableType: "VIEW"}}},
		{h, identity.TypeVolume, []identity.SecurableInfo{{Securable: inSchema(identity.TypeVolume, "v")}}},
		{h, identity.TypeFunction, []identity.SecurableInfo{{Securable: inSchema(identity.TypeFunction, "f")}}},
		{h, identity.TypeModel, []identity.SecurableInfo{{Securable: inSchema(identity.TypeModel, "m")}}},
		{m, identity.TypeExternalLocation, []identity.SecurableInfo{{Securable: under(identity.TypeExternalLocation, "l"), Isolation: identity.Isolated}}},
		{m, identity.AnyCredential, []identity.SecurableInfo{
			{Securable: under(identity.TypeStorageCredential, "st"), Isolation: identity.IsolationOpen}, {Securable: under(identity.TypeServiceCredential, "se")}}},
		{m, identity.TypeServiceCredential, []identity.SecurableInfo{{Securable: under(identity.TypeServiceCredential, "se")}}},
		{m, identity.TypeStorageCredential, []identity.SecurableInfo{{Securable: under(identity.TypeStorageCredential, "st")}}},
		{m, identity.TypeConnection, []identity.SecurableInfo{{Securable: under(identity.TypeConnection, "x")}}},
		{m, identity.TypeShare, []identity.SecurableInfo{{Securable: under(identity.TypeShare, "x")}}},
		{m, identity.TypeRecipient, []identity.SecurableInfo{{Securable: under(identity.TypeRecipient, "x")}}},
		{m, identity.TypeProvider, []identity.SecurableInfo{}},
	} {
		got, err := s.Children(t.Context(), workspaceNamed("prod"), k.parent, k.t)
		check(t, got, err, k.want)
	}
	check(t, query, nil, map[string]string{
		"catalogs":  "include_browse=true&include_unbound=true&max_results=0",
		"schemas":   "catalog_name=c&include_browse=true&max_results=0",
		"tables":    "catalog_name=c&include_browse=true&max_results=0&omit_columns=true&omit_properties=true&schema_name=s",
		"volumes":   "catalog_name=c&include_browse=true&max_results=0&schema_name=s",
		"functions": "catalog_name=c&include_browse=true&max_results=0&schema_name=s",
		"models":    "catalog_name=c&include_browse=true&max_results=0&schema_name=s",

		"external-locations": "include_browse=true&include_unbound=true&max_results=0",
		"credentials":        "include_unbound=true&max_results=0", "storage-credentials": "include_unbound=true&max_results=0",
		"connections": "max_results=0", "shares": "max_results=0", "recipients": "max_results=0", "providers": "max_results=0",
	})
	if _, err := s.Children(t.Context(), workspaceNamed("prod"), m, "PIPELINE"); !identity.IsKind(err, identity.Unsupported) {
		t.Errorf("unknown type: %v", err)
	}
	if _, err := s.Children(t.Context(), workspaceNamed("prod"), m, identity.TypeTable); !identity.IsKind(err, identity.Failed) {
		t.Errorf("tables of a metastore: %v", err)
	}
}

func TestCredentialsBeforeServiceCredentials(t *testing.T) {
	w := newWorld(t)
	w.json("GET prod.cloud.databricks.com/api/2.1/unity-catalog/storage-credentials", `{"storage_credentials":[{"name":"st"}]}`)
	got, err := w.session().Children(t.Context(), workspaceNamed("prod"), identity.MetastoreSecurable("m"), identity.AnyCredential)
	check(t, got, err, []identity.SecurableInfo{{Securable: identity.Securable{Metastore: "m", Type: identity.TypeStorageCredential, Name: "st"}}})
}

func TestMalformedListOfChildrenIsAFailure(t *testing.T) {
	for _, body := range []string{`{"catalogs":{}}`, `{"catalogs":[{"name":7}]}`, `{"catalogs":[{}]}`, `[]`} {
		w := newWorld(t)
		w.json("GET prod.cloud.databricks.com/api/2.1/unity-catalog/catalogs", body)
		_, err := w.session().Children(t.Context(), workspaceNamed("prod"), identity.MetastoreSecurable("m"), identity.TypeCatalog)
		wantKind(t, err, identity.Failed, "")
	}
}

func TestGrants(t *testing.T) {
	w := newWorld(t)
	w.handle("GET prod.cloud.databricks.com/api/2.1/unity-catalog/permissions/{type}/{name}", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "include_deleted_principals=true&max_results=0" {
			refuse(rw, 200, `{"privilege_assignments":[{"principal":"`+"`Data Team`"+`","privileges":["SELECT","USE_CATALOG","SELECT"]}],"next_page_token":"n"}`)
			return
		}
		refuse(rw, 200, `{"privilege_assignments":[{"principal":"","principal_id":99,"privileges":["use catalog"]},{"principal":"nobody","privileges":[]}]}`)
	})
	on := identity.CatalogSecurable("m", "c")
	got, err := w.session().Grants(t.Context(), workspaceNamed("prod"), on)
	check(t, got, err, []identity.Grant{
		{Securable: on, Holder: "Data Team", Privileges: []identity.Privilege{"SELECT", "USE_CATALOG"}},
		{Securable: on, DeletedID: "99", Privileges: []identity.Privilege{"USE_CATALOG"}},
	})
}

func TestSecurableAddresses(t *testing.T) {
	w := newWorld(t)
	w.json("GET prod.cloud.databricks.com/api/2.1/unity-catalog/{what}/{type}/{name}", `{}`)
	s := w.session()
	for _, c := range []struct {
		on   identity.Securable
		want string
	}{
		{identity.MetastoreSecurable("m-1"), "metastore/m-1"},
		{identity.CatalogSecurable("m", "c"), "catalog/c"},
		{identity.SchemaSecurable("m", "c", "s"), "schema/c.s"},
		{identity.Securable{Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: "t"}, "table/c.s.t"},
		{identity.Securable{Type: identity.TypeVolume, Catalog: "c", Schema: "s", Name: "t"}, "volume/c.s.t"},
		{identity.Securable{Type: identity.TypeFunction, Catalog: "c", Schema: "s", Name: "t"}, "function/c.s.t"},
		{identity.Securable{Type: identity.TypeModel, Catalog: "c", Schema: "s", Name: "t"}, "function/c.s.t"},
		{identity.Securable{Type: identity.TypeExternalLocation, Name: "x"}, "external_location/x"},
		{identity.Securable{Type: identity.TypeStorageCredential, Name: "x"}, "storage_credential/x"},
		{identity.Securable{Type: identity.TypeServiceCredential, Name: "x"}, "credential/x"},
		{identity.Securable{Type: identity.TypeConnection, Name: "x"}, "connection/x"},
		{identity.Securable{Type: identity.TypeShare, Name: "x"}, "share/x"},
		{identity.Securable{Type: identity.TypeRecipient, Name: "x"}, "recipient/x"},
		{identity.Securable{Type: identity.TypeProvider, Name: "x"}, "provider/x"},
	} {
		if _, err := s.Grants(t.Context(), workspaceNamed("prod"), c.on); err != nil {
			t.Fatal(err)
		}
		all := w.requests()
		if last := all[len(all)-1]; !strings.Contains(last, "/permissions/"+c.want+"?") {
			t.Errorf("%v: asked %s", c.on, last)
		}
	}
	for _, on := range []identity.Securable{{Type: identity.TypeCatalog}, {Type: identity.TypeTable, Catalog: "c", Name: "t"}, {Type: identity.TypeCatalog, Catalog: ".."}, {Type: identity.TypeShare, Name: "."}, {Type: identity.TypeMetastore}} {
		before := len(w.requests())
		_, err := s.Grants(t.Context(), workspaceNamed("prod"), on)
		wantKind(t, err, identity.Failed, "")
		if len(w.requests()) != before {
			t.Errorf("%v was sent", on)
		}
	}
}

func TestBindings(t *testing.T) {
	w := newWorld(t)
	w.handle("GET prod.cloud.databricks.com/api/2.1/unity-catalog/bindings/catalog/c", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page_token") == "" {
			refuse(rw, 200, `{"next_page_token":"n"}`)
			return
		}
		refuse(rw, 200, `{"bindings":[{"workspace_id":1,"binding_type":"BINDING_TYPE_READ_ONLY"},{"workspace_id":2,"binding_type":"BINDING_TYPE_READ_WRITE"}]}`)
	})
	got, err := w.session().Bindings(t.Context(), workspaceNamed("prod"), identity.CatalogSecurable("m", "c"))
	check(t, got, err, []identity.Binding{{Workspace: 1, ReadOnly: true}, {Workspace: 2}})
}

func TestCallerAndWorkspaceUserName(t *testing.T) {
	w := newWorld(t)
	w.handle("GET prod.cloud.databricks.com/api/2.0/preview/scim/v2/Me", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "excludedAttributes=entitlements" {
			t.Errorf("query %q", r.URL.RawQuery)
		}
		refuse(rw, 200, `{"id":"12","userName":"6f9619ff-8b86-d011-b42d-00c04fc964ff","displayName":"audit"}`)
	})
	w.handle("GET prod.cloud.databricks.com/api/2.0/preview/scim/v2/Users", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("filter") != `userName eq "a_x.test#EXT#@t"` || r.URL.Query().Get("attributes") != "id,userName,externalId" {
			writeJSON(rw, map[string]any{"totalResults": 0})
			return
		}
		refuse(rw, 200, `{"totalResults":1,"Resources":[{"id":"1","userName":"a_x.test#ext#@t","externalId":"e"}]}`)
	})
	s := w.session()
	got, err := s.Caller(t.Context(), workspaceNamed("prod"))
	check(t, got, err, identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "12"},
		Name: "6f9619ff-8b86-d011-b42d-00c04fc964ff", DisplayName: "audit", Origin: identity.OriginDatabricks})
	ext, err := s.WorkspaceUserName(t.Context(), workspaceNamed("prod"), "a_x.test#EXT#@t")
	check(t, ext, err, "e")
	_, err = s.WorkspaceUserName(t.Context(), workspaceNamed("prod"), "b")
	wantKind(t, err, identity.NotFound, `"b"`)
}

// hostile are names that break out of paths and filters which are put together carelessly.
var hostile = []string{
	"a/b", "../../x", "a?b=c", "a#b", "100%", "%2e%2e%2f", "a b", `a"b`, `a\`, `a\"b`, "it's", "a&b=c", "a+b", "ü ключ 表",
	"a;b", "`a`b", `" or userName sw "`, "a\nb", "a:b@c", "..a", "....", "a\\\\", "{id}",
}

// The server must be given back the very name that was asked for, whatever is in it.
func TestT19_HostileNamesArriveUnchanged(t *testing.T) {
	w := newWorld(t)
	var got string
	w.handle("GET prod.cloud.databricks.com/api/2.1/unity-catalog/permissions/", func(rw http.ResponseWriter, r *http.Request) {
		// By hand: the mux has notions of its own of a segment that is a slash.
		segments := strings.Split(r.URL.EscapedPath(), "/")
		got, _ = url.PathUnescape(segments[len(segments)-1])
		writeJSON(rw, map[string]any{})
	})
	w.handle("GET prod.cloud.databricks.com/api/2.1/unity-catalog/schemas", func(rw http.ResponseWriter, r *http.Request) {
		got = r.URL.Query().Get("catalog_name")
		writeJSON(rw, map[string]any{})
	})
	w.handle("GET "+scimBase+"Users", func(rw http.ResponseWriter, r *http.Request) {
		got = unquoteSCIM(t, r.URL.Query().Get("filter"))
		writeJSON(rw, map[string]any{"totalResults": 0})
	})
	s := w.session(w.overSocket)
	ask := func(t interface{ Errorf(string, ...any) }, name string) {
		got = "?"
		if _, err := s.Grants(w.t.Context(), workspaceNamed("prod"), identity.CatalogSecurable("m", name)); err != nil || got != name {
			t.Errorf("grants on %q asked for %q: %v", name, got, err)
		}
		if _, err := s.Children(w.t.Context(), workspaceNamed("prod"), identity.CatalogSecurable("m", name), identity.TypeSchema); err != nil || got != name {
			t.Errorf("schemas in %q asked for %q: %v", name, got, err)
		}
		if _, err := s.FindPrincipals(w.t.Context(), identity.KindUser, identity.Match{Field: identity.ByName, Value: name}); err != nil || got != name {
			t.Errorf("search for %q asked for %q: %v", name, got, err)
		}
	}
	for _, name := range hostile {
		ask(t, name)
	}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune(`/?#%"'\ .&;`))), 1, 20, -1).Draw(rt, "name")
		if name != "." && name != ".." {
			ask(rt, name)
		}
	})
}

// unquoteSCIM reads `attribute eq "literal"`, strictly.
func unquoteSCIM(t *testing.T, filter string) string {
	lit, ok := strings.CutPrefix(filter, `userName eq "`)
	if !ok {
		t.Errorf("filter %q", filter)
		return ""
	}
	var out strings.Builder
	for i := 0; i < len(lit); i++ {
		switch {
		case lit[i] == '\\' && i+1 < len(lit):
			i++
			out.WriteByte(lit[i])
		case lit[i] == '"':
			if i != len(lit)-1 {
				t.Errorf("filter goes on after its literal: %q", filter)
			}
			return out.String()
		default:
			out.WriteByte(lit[i])
		}
	}
	t.Errorf("filter has no end: %q", filter)
	return ""
}

func TestWorkspacesElsewhereGetNoToken(t *testing.T) {
	w := newWorld(t)
	s := w.session()
	for _, host := range []string{"http://evil.test", "http://evilcloud.databricks.com", "http://cloud.databricks.com", "http://prod.cloud.databricks.com.evil.test",
		"https://prod.cloud.databricks.com", "http://x@prod.cloud.databricks.com", "", "http://prod.cloud.databricks.com:81", "ftp://prod.cloud.databricks.com"} {
		_, err := s.Caller(t.Context(), identity.Workspace{ID: 1, Host: host})
		wantKind(t, err, identity.Failed, "")
	}
	if got := w.requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}

// With credentials for a workspace everything goes through that workspace, and what it cannot tell
// is said.
func TestOneWorkspaceOnly(t *testing.T) {
	w := newWorld(t)
	const h = "dbc-9.cloud.databricks.com"
	w.json("GET "+h+"/oidc/.well-known/oauth-authorization-server", `{"token_endpoint":"http://`+h+`/oidc/v1/token"}`)
	w.handle("POST "+h+"/oidc/v1/token", func(rw http.ResponseWriter, r *http.Request) { w.issue(rw, r, "ws") })
	w.handle("GET "+h+"/api/2.0/preview/scim/v2/Me", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("X-Databricks-Org-Id", "99")
		refuse(rw, 200, `{"id":"1","userName":"u"}`)
	})
	w.json("GET "+h+"/api/2.0/account/scim/v2/Groups", `{"totalResults":1,"Resources":[{"id":"7","displayName":"g"}]}`)
	w.json("GET "+h+"/api/2.0/preview/scim/v2/Users", `{"totalResults":1,"Resources":[{"id":"1","userName":"u","active":true}]}`)
	w.json("GET "+h+"/api/2.0/identity/principals/1/transitive-parent-groups", `{}`)
	w.json("GET "+h+"/api/2.0/preview/permissionassignments", `{"permission_assignments":[{"principal":{"principal_id":2,"group_name":"eng"},"permissions":["USER"]}]}`)
	w.json("GET "+h+"/api/2.1/unity-catalog/metastore_summary", `{"metastore_id":"m1","owner":"o","privilege_model_version":"1.0"}`)
	w.json("GET "+h+"/api/2.1/unity-catalog/catalogs", `{"catalogs":[{"name":"c"}]}`)
	a := w.open(func(o *Options) { o.Host, o.AccountID = "http://"+h, "" })
	s := a.Session()
	if r := s.Reach(); r.WholeAccount || !strings.Contains(r.Limit, h+" only") || !strings.Contains(r.Limit, "https://accounts.cloud.databricks.com") {
		t.Errorf("reach %+v", r)
	}
	ws, err := s.Workspaces(t.Context())
	check(t, ws, err, []identity.Workspace{{ID: 99, Name: h, Host: "http://" + h, Cloud: "aws", Status: "RUNNING"}})
	as, err := s.Assignments(t.Context(), 99)
	check(t, len(as), err, 1)
	_, err = s.Assignments(t.Context(), 100)
	wantKind(t, err, identity.Unsupported, "account")
	gs, err := s.Groups(t.Context())
	check(t, len(gs), err, 1)
	// This workspace does not pass the users of the account on; it has them among its own.
	us, err := s.FindPrincipals(t.Context(), identity.KindUser, identity.Match{Field: identity.ByName, Value: "u"})
	check(t, len(us), err, 1)
	ps, err := s.ParentGroups(t.Context(), identity.PrincipalKey{Kind: identity.KindUser, ID: "1"})
	check(t, len(ps), err, 0)
	ms, err := s.Metastores(t.Context())
	check(t, ms, err, []identity.Metastore{{ID: "m1", Owner: "o", PrivilegeModel: "1.0"}})
	ids, err := s.MetastoreWorkspaces(t.Context(), "m1")
	check(t, ids, err, []identity.WorkspaceID{99})
	cs, err := s.Children(t.Context(), ws[0], identity.MetastoreSecurable("m1"), identity.TypeCatalog)
	check(t, len(cs), err, 1)
	if n := slices.IndexFunc(w.requests(), func(r string) bool { return strings.Contains(r, testConsole) }); n >= 0 {
		t.Errorf("the account console was asked: %s", w.requests()[n])
	}
	if got := s.Calls()["GET /api/2.0/preview/scim/v2/Me"]; got != 1 {
		t.Errorf("Me was asked %d times", got)
	}
}

// A custom address serves account and workspaces; a header says which workspace is meant.
func TestUnifiedHost(t *testing.T) {
	w := newWorld(t)
	const h = "acme.databricks.com"
	w.json("GET "+h+"/.well-known/databricks-config", `{"oidc_endpoint":"http://`+h+`/oidc/accounts/{account_id}","account_id":"`+testAccount+`","host_type":"unified","cloud":"AWS"}`)
	w.json("GET "+h+"/oidc/accounts/"+testAccount+"/.well-known/oauth-authorization-server", `{"token_endpoint":"http://`+h+`/oidc/accounts/`+testAccount+`/v1/token"}`)
	w.handle("POST "+h+"/oidc/accounts/"+testAccount+"/v1/token", func(rw http.ResponseWriter, r *http.Request) { w.issue(rw, r, "acme") })
	w.json("GET "+h+"/api/2.0/accounts/"+testAccount+"/workspaces", `[{"workspace_id":5,"workspace_name":"p","deployment_name":"dbc-5"}]`)
	w.handle("GET "+h+"/api/2.1/unity-catalog/catalogs", func(rw http.ResponseWriter, r *http.Request) {
		writeJSON(rw, map[string]any{"catalogs": []any{map[string]any{"name": "c-of-" + r.Header.Get("X-Databricks-Workspace-Id")}}})
	})
	s := w.session(func(o *Options) { o.Host, o.AccountID = "http://"+h, "" })
	if r := s.Reach(); !r.WholeAccount || r.AccountID != testAccount {
		t.Errorf("reach %+v", r)
	}
	ws, err := s.Workspaces(t.Context())
	check(t, ws, err, []identity.Workspace{{ID: 5, Name: "p", Host: "http://" + h}})
	cs, err := s.Children(t.Context(), ws[0], identity.MetastoreSecurable("m"), identity.TypeCatalog)
	check(t, len(cs), err, 1)
	check(t, cs[0].Catalog, nil, "c-of-5")
}
