package databricks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

const objectHost = "prod.cloud.databricks.com"

// objectOf is an object of the workspace in these tests.
func objectOf(t identity.ObjectType, id, name string, change ...func(*identity.ObjectInfo)) identity.ObjectInfo {
	o := identity.ObjectInfo{Object: identity.Object{Workspace: 4411, Type: t, ID: id}, Name: name}
	for _, c := range change {
		c(&o)
	}
	return o
}

func by(creator string) func(*identity.ObjectInfo) {
	return func(o *identity.ObjectInfo) { o.Creator = creator }
}
func running(as string) func(*identity.ObjectInfo) {
	return func(o *identity.ObjectInfo) { o.RunAs = as }
}
func lending(o *identity.ObjectInfo) { o.BorrowsOwner = true }

// objectCases have for each type how it is listed, and under which words its permissions are.
var objectCases = []struct {
	t           identity.ObjectType
	list        string // path and query of its first page
	field       string
	rows        string
	want        []identity.ObjectInfo
	permissions string // path of the permissions on the object x
}{
	{identity.ObjectJob, "/api/2.2/jobs/list?limit=100", "jobs",
		`{"job_id":42,"creator_user_name":"ann@acme.test","settings":{"name":"nightly","run_as":{"service_principal_name":"` + appID + `"}}},
		 {"job_id":43,"settings":{"run_as":{"user_name":"bob@acme.test"}}},{"job_id":44}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectJob, "42", "nightly", by("ann@acme.test"), running(appID)), objectOf(identity.ObjectJob, "43", "", running("bob@acme.test")), objectOf(identity.ObjectJob, "44", "")},
		"jobs/x"},
	{identity.ObjectCluster, "/api/2.1/clusters/list?page_size=100", "clusters",
		`{"cluster_id":"0123-a","cluster_name":"shared","creator_user_name":"ann@acme.test","cluster_source":"UI","data_security_mode":"USER_ISOLATION","aws_attributes":{"instance_profile_arn":"arn:aws:iam::1:instance-profile/etl"}},
		 {"cluster_id":"0123-b","cluster_source":"JOB"},
		 {"cluster_id":"0123-c","cluster_source":"LATER","data_security_mode":"SINGLE_USER","single_user_name":"bob@acme.test","gcp_attributes":{"google_service_account":"x@y.iam.gserviceaccount.com"}}`,
		[]identity.ObjectInfo{
			objectOf(identity.ObjectCluster, "0123-a", "shared", by("ann@acme.test"), func(o *identity.ObjectInfo) {
				o.SecurityMode, o.InstanceProfile = "USER_ISOLATION", "arn:aws:iam::1:instance-profile/etl"
			}),
			objectOf(identity.ObjectCluster, "0123-c", "", func(o *identity.ObjectInfo) {
				o.SecurityMode, o.SingleUser, o.InstanceProfile = "SINGLE_USER", "bob@acme.test", "x@y.iam.gserviceaccount.com"
			})},
		"clusters/x"},
	{identity.ObjectClusterPolicy, "/api/2.0/policies/clusters/list", "policies", `{"policy_id":"P1","name":"small","creator_user_name":"ann@acme.test"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectClusterPolicy, "P1", "small", by("ann@acme.test"))}, "cluster-policies/x"},
	{identity.ObjectInstancePool, "/api/2.0/instance-pools/list", "instance_pools", `{"instance_pool_id":"I1","instance_pool_name":"pool"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectInstancePool, "I1", "pool")}, "instance-pools/x"},
	{identity.ObjectPipeline, "/api/2.0/pipelines?max_results=100", "statuses", `{"pipeline_id":"p-1","name":"ingest","creator_user_name":"ann@acme.test","run_as_user_name":"` + appID + `"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectPipeline, "p-1", "ingest", by("ann@acme.test"), running(appID))}, "pipelines/x"},
	{identity.ObjectWarehouse, "/api/2.0/sql/warehouses", "warehouses", `{"id":"w1","name":"bi","creator_name":"ann@acme.test","instance_profile_arn":"arn:aws:iam::1:instance-profile/bi"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectWarehouse, "w1", "bi", by("ann@acme.test"), func(o *identity.ObjectInfo) { o.InstanceProfile = "arn:aws:iam::1:instance-profile/bi" })}, "warehouses/x"},
	{identity.ObjectQuery, "/api/2.0/sql/queries?page_size=100", "results",
		`{"id":"q1","display_name":"revenue","owner_user_name":"ann@acme.test","run_as_mode":"OWNER"},{"id":"q2","display_name":"mine","owner_user_name":"ann@acme.test","run_as_mode":"VIEWER"},{"id":"q3"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectQuery, "q1", "revenue", by("ann@acme.test"), lending), objectOf(identity.ObjectQuery, "q2", "mine", by("ann@acme.test")), objectOf(identity.ObjectQuery, "q3", "")}, "queries/x"},
	{identity.ObjectAlert, "/api/2.0/sql/alerts?page_size=100", "results", `{"id":"a1","display_name":"low","owner_user_name":"ann@acme.test"},{"id":"a2","run_as_role":"owner"},{"id":"a3","run_as_role":"viewer"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectAlert, "a1", "low", by("ann@acme.test")), objectOf(identity.ObjectAlert, "a2", "", lending), objectOf(identity.ObjectAlert, "a3", "")}, "alerts/x"},
	{identity.ObjectAlertV2, "/api/2.0/alerts", "alerts", `{"id":"b1","display_name":"high","owner_user_name":"ann@acme.test","effective_run_as":{"service_principal_name":"` + appID + `"}},{"id":"b2","effective_run_as":{"user_name":"bob@acme.test"}}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectAlertV2, "b1", "high", by("ann@acme.test"), running(appID)), objectOf(identity.ObjectAlertV2, "b2", "", running("bob@acme.test"))}, "alertsv2/x"},
	{identity.ObjectLegacyDashboard, "/api/2.0/preview/sql/dashboards?page=1&page_size=100", "results", `{"id":"d1","name":"old","user":{"email":"ann@acme.test"}},{"id":"d2","run_as_role":"owner"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectLegacyDashboard, "d1", "old", by("ann@acme.test")), objectOf(identity.ObjectLegacyDashboard, "d2", "", lending)}, "dbsql-dashboards/x"},
	{identity.ObjectDashboard, "/api/2.0/lakeview/dashboards?page_size=1000", "dashboards", `{"dashboard_id":"01ef","display_name":"sales","path":"/Shared/sales.lvdash.json"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectDashboard, "01ef", "sales", func(o *identity.ObjectInfo) { o.Path = "/Shared/sales.lvdash.json" })}, "dashboards/x"},
	{identity.ObjectGenie, "/api/2.0/genie/spaces", "spaces", `{"space_id":"g1","title":"ask"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectGenie, "g1", "ask")}, "genie/x"},
	{identity.ObjectExperiment, "/api/2.0/mlflow/experiments/list?max_results=1000", "experiments",
		`{"experiment_id":"9","name":"/Users/ann@acme.test/exp","tags":[{"key":"mlflow.ownerId","value":"1"},{"key":"mlflow.ownerEmail","value":"ann@acme.test"},{"key":"mlflow.experimentType","value":"MLFLOW_EXPERIMENT"}]},{"experiment_id":"10","name":"plain"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectExperiment, "9", "/Users/ann@acme.test/exp", by("ann@acme.test"), func(o *identity.ObjectInfo) { o.Path = "/Users/ann@acme.test/exp" }), objectOf(identity.ObjectExperiment, "10", "plain")}, "experiments/x"},
	{identity.ObjectRegisteredModel, "/api/2.0/mlflow/registered-models/search?max_results=1000", "registered_models",
		`{"name":"churn","user_id":"ann@acme.test"},{"name":"a/b#%é","user_id":"77"},{"name":"gone"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectRegisteredModel, "id of churn", "churn", by("ann@acme.test")), objectOf(identity.ObjectRegisteredModel, "id of a/b#%é", "a/b#%é")}, "registered-models/x"},
	{identity.ObjectServing, "/api/2.0/serving-endpoints", "endpoints", `{"name":"databricks-llama"},{"id":"e1","name":"churn","creator":"ann@acme.test"},{"name":"databricks-bge"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectServing, "e1", "churn", by("ann@acme.test"))}, "serving-endpoints/x"},
	{identity.ObjectApp, "/api/2.0/apps", "apps", `{"name":"portal","id":"99","creator":"ann@acme.test","service_principal_client_id":"` + appID + `"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectApp, "portal", "portal", by("ann@acme.test"), running(appID))}, "apps/x"},
	{identity.ObjectVectorSearch, "/api/2.0/vector-search/endpoints", "endpoints", `{"id":"v1","name":"docs","creator":"ann@acme.test"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectVectorSearch, "v1", "docs", by("ann@acme.test"))}, "vector-search-endpoints/x"},
	{identity.ObjectDatabase, "/api/2.0/database/instances?page_size=100", "database_instances", `{"name":"pg","uid":"u","creator":"ann@acme.test"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectDatabase, "pg", "pg", by("ann@acme.test"))}, "database-instances/x"},
	{identity.ObjectSecretScope, "/api/2.0/secrets/scopes/list", "scopes", `{"name":"kv","backend_type":"AZURE_KEYVAULT"},{"name":"a/b#%é"}`,
		[]identity.ObjectInfo{objectOf(identity.ObjectSecretScope, "kv", "kv"), objectOf(identity.ObjectSecretScope, "a/b#%é", "a/b#%é")}, ""},
	{identity.ObjectNotebook, "", "", "", nil, "notebooks/x"},
	{identity.ObjectFile, "", "", "", nil, "files/x"},
	{identity.ObjectDirectory, "", "", "", nil, "directories/x"},
	{identity.ObjectRepo, "", "", "", nil, "repos/x"},
	{identity.ObjectTokens, "", "", "", nil, "authorization/tokens"},
	{identity.ObjectPasswords, "", "", "", nil, "authorization/passwords"},
}

// Every type there is has a case.
func TestObjectCasesAreComplete(t *testing.T) {
	var have []identity.ObjectType
	for _, c := range objectCases {
		have = append(have, c.t)
	}
	slices.Sort(have)
	check(t, have, nil, identity.ObjectTypes())
}

// serveModels gives each registered model an id, except one that is gone.
func serveModels(w *world) {
	w.handle("GET "+objectHost+"/api/2.0/mlflow/databricks/registered-models/get", func(rw http.ResponseWriter, r *http.Request) {
		name := r.FormValue("name")
		if name == "gone" {
			refuse(rw, 404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"x"}`)
			return
		}
		writeJSON(rw, map[string]any{"registered_model_databricks": map[string]string{"name": name, "id": "id of " + name}})
	})
}

func TestObjects(t *testing.T) {
	for _, c := range objectCases {
		t.Run(string(c.t), func(t *testing.T) {
			w := newWorld(t)
			path, _, _ := strings.Cut(c.list, "?")
			if path != "" {
				w.json("GET "+objectHost+path, fmt.Sprintf(`{"%s":[%s]}`, c.field, c.rows))
				serveModels(w)
			}
			s := w.session()
			got, err := s.Objects(t.Context(), workspaceNamed("prod"), c.t)
			if path == "" {
				wantKind(t, err, identity.Unsupported, string(c.t))
				check(t, len(w.requests()), nil, 0)
				return
			}
			if c.t == identity.ObjectLegacyDashboard { // without a count, the empty page ends it; this one repeats itself
				wantKind(t, err, identity.Failed, "circles")
				err = nil
			}
			check(t, got, err, c.want)
			check(t, w.requests()[0], nil, "GET "+objectHost+c.list)
			if n := s.Calls()["GET "+path]; n < 1 {
				t.Errorf("calls %v", s.Calls())
			}
			// A list without the field is empty.
			w = newWorld(t)
			w.json("GET "+objectHost+path, `{}`)
			got, err = w.session().Objects(t.Context(), workspaceNamed("prod"), c.t)
			check(t, len(got), err, 0)
			check(t, len(w.requests()), nil, 1)
		})
	}
}

// Nothing that goes wrong with a list makes it an empty one.
func TestObjectsFailures(t *testing.T) {
	for _, c := range objectCases {
		path, _, _ := strings.Cut(c.list, "?")
		if path == "" {
			continue
		}
		for _, f := range []struct {
			status int
			body   string
			want   identity.FailureKind
		}{
			{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden},
			{404, `{"error_code":"ENDPOINT_NOT_FOUND","message":"x"}`, identity.Unsupported},
			{404, `{"error_code":"FEATURE_DISABLED","message":"x"}`, identity.Unsupported},
			{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed},
			{200, ``, identity.Failed},
			{200, `[]`, identity.Failed},
			{200, `<html>`, identity.Failed},
			{200, `{"` + c.field + `":{}}`, identity.Failed},
			{200, `{"` + c.field + `":["x"]}`, identity.Failed},
			{200, `{"` + c.field + `":[null]}`, identity.Failed},
			{200, `{"` + c.field + `":[{}]}`, identity.Failed},
		} {
			w := newWorld(t)
			w.handle("GET "+objectHost+path, func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, f.status, f.body) })
			got, err := w.session().Objects(t.Context(), workspaceNamed("prod"), c.t)
			if !identity.IsKind(err, f.want) || len(got) > 0 {
				t.Errorf("%s, %d %s: got %v, %v, want %q", c.t, f.status, f.body, got, err, f.want)
			}
		}
	}
}

// Pages are followed, empty ones too and those of which everything is left out; what breaks off says so.
func TestObjectsPages(t *testing.T) {
	w := newWorld(t)
	last := `{"clusters":[{"cluster_id":"c"},{"cluster_id":"a"}]}`
	status := 200
	w.handle("GET "+objectHost+"/api/2.1/clusters/list", func(rw http.ResponseWriter, r *http.Request) {
		check(t, r.FormValue("page_size"), nil, "100")
		switch r.FormValue("page_token") {
		case "":
			refuse(rw, 200, `{"clusters":[{"cluster_id":"a"}],"next_page_token":"1"}`)
		case "1":
			refuse(rw, 200, `{"next_page_token":"2"}`)
		case "2":
			refuse(rw, 200, `{"clusters":[{"cluster_id":"j","cluster_source":"JOB"}],"next_page_token":"3"}`)
		case "3":
			refuse(rw, status, last)
		}
	})
	s := w.session()
	list := func() ([]string, error) {
		got, err := s.Objects(t.Context(), workspaceNamed("prod"), identity.ObjectCluster)
		var ids []string
		for _, o := range got {
			ids = append(ids, o.ID)
		}
		return ids, err
	}
	got, err := list()
	check(t, got, err, []string{"a", "c"})
	for _, c := range []struct {
		status int
		body   string
		kind   identity.FailureKind
		text   string
	}{
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden, ""},
		{200, `{"clusters":[{"cluster_id":"c"}],"next_page_token":"2"}`, identity.Failed, "circles"},
		{200, `{"clusters":[{"cluster_name":"nameless"}]}`, identity.Failed, "no id"},
		{200, `{"clusters":"none"}`, identity.Failed, "cannot be read"},
	} {
		status, last = c.status, c.body
		got, err = list()
		check(t, wantKind(t, err, c.kind, c.text).Partial, nil, true)
		check(t, got[0], nil, "a")
	}
}

func TestLegacyDashboardPages(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages []string // what follows is empty
		want  int
		text  string // empty: complete
		calls int
	}{
		{"one page", []string{`{"count":2,"results":[{"id":"a"},{"id":"b"}]}`}, 2, "", 1},
		{"none", []string{`{"count":0,"results":[]}`}, 0, "", 1},
		{"three pages", []string{`{"count":3,"results":[{"id":"a"}]}`, `{"count":3,"results":[{"id":"b"}]}`, `{"count":3,"results":[{"id":"c"}]}`}, 3, "", 3},
		{"without a count", []string{`{"results":[{"id":"a"}]}`, `{"results":[{"id":"b"}]}`}, 2, "", 3},
		{"ends early", []string{`{"count":3,"results":[{"id":"a"}]}`, `{"count":3,"results":[]}`}, 1, "changed", 2},
		{"moved", []string{`{"count":3,"results":[{"id":"a"},{"id":"b"}]}`, `{"count":3,"results":[{"id":"b"}]}`}, 2, "changed", 2},
		{"repeats itself", []string{`{"results":[{"id":"a"}]}`, `{"results":[{"id":"a"}]}`}, 1, "circles", 2},
		{"nameless", []string{`{"count":2,"results":[{"id":"a"},{}]}`}, 1, "no id", 1},
		{"malformed count", []string{`{"count":"many","results":[{"id":"a"}]}`}, 0, "cannot be read", 1},
		{"malformed page", []string{`{"count":2,"results":[{"id":"a"}]}`, `{"results":{}}`}, 1, "cannot be read", 2},
		{"refused", []string{`{"count":2,"results":[{"id":"a"}]}`, `{"refuse":true}`}, 1, "no more", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.handle("GET "+objectHost+"/api/2.0/preview/sql/dashboards", func(rw http.ResponseWriter, r *http.Request) {
				n := len(w.requests())
				check(t, r.URL.RawQuery, nil, fmt.Sprintf("page=%d&page_size=100", n))
				switch {
				case n > len(c.pages):
					refuse(rw, 200, `{}`)
				case c.pages[n-1] == `{"refuse":true}`:
					refuse(rw, 403, `{"error_code":"PERMISSION_DENIED","message":"no more"}`)
				default:
					refuse(rw, 200, c.pages[n-1])
				}
			})
			got, err := w.session().Objects(t.Context(), workspaceNamed("prod"), identity.ObjectLegacyDashboard)
			if c.text == "" {
				check(t, len(got), err, c.want)
			} else {
				f := identity.FailureOf(err)
				if f == nil || !strings.Contains(f.Message, c.text) || len(got) != c.want || len(got) > 0 && !f.Partial {
					t.Errorf("got %v, %v", got, err)
				}
			}
			check(t, len(w.requests()), nil, c.calls)
		})
	}
}

// A model whose id cannot be had is missing, unless it is gone.
func TestModelIDs(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		kind   identity.FailureKind // empty: left out without a word
	}{
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"x"}`, ""},
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed},
		{404, `404 page not found`, identity.Unsupported},
		{200, `{}`, identity.Failed},
		{200, `{"registered_model_databricks":{"name":"b"}}`, identity.Failed},
		{200, `{"registered_model_databricks":{"name":"other","id":"1"}}`, identity.Failed},
		{200, ``, identity.Failed},
	} {
		w := newWorld(t)
		w.json("GET "+objectHost+"/api/2.0/mlflow/registered-models/search", `{"registered_models":[{"name":"a"},{"name":"b"},{"name":"c"}]}`)
		w.handle("GET "+objectHost+"/api/2.0/mlflow/databricks/registered-models/get", func(rw http.ResponseWriter, r *http.Request) {
			if name := r.FormValue("name"); name != "b" {
				writeJSON(rw, map[string]any{"registered_model_databricks": map[string]string{"name": name, "id": name}})
				return
			}
			refuse(rw, c.status, c.body)
		})
		s := w.session()
		got, err := s.Objects(t.Context(), workspaceNamed("prod"), identity.ObjectRegisteredModel)
		check(t, got, nil, []identity.ObjectInfo{objectOf(identity.ObjectRegisteredModel, "a", "a"), objectOf(identity.ObjectRegisteredModel, "c", "c")})
		if c.kind == "" && err != nil || c.kind != "" && (!identity.IsKind(err, c.kind) || !identity.FailureOf(err).Partial) {
			t.Errorf("%d %s: got %v, want %q", c.status, c.body, err, c.kind)
		}
		check(t, s.Calls()["GET /api/2.0/mlflow/registered-models/search"], nil, 1)
	}
}

// A list of models that breaks off is known to, when all of what was listed has its id.
func TestModelsThatBreakOff(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+objectHost+"/api/2.0/mlflow/registered-models/search", func(rw http.ResponseWriter, r *http.Request) {
		if r.FormValue("page_token") != "" {
			refuse(rw, 403, `{"message":"no"}`)
			return
		}
		refuse(rw, 200, `{"registered_models":[{"name":"a"}],"next_page_token":"n"}`)
	})
	serveModels(w)
	got, err := w.session().Objects(t.Context(), workspaceNamed("prod"), identity.ObjectRegisteredModel)
	check(t, wantKind(t, err, identity.Forbidden, "").Partial, nil, true)
	check(t, got, nil, []identity.ObjectInfo{objectOf(identity.ObjectRegisteredModel, "id of a", "a")})
}
