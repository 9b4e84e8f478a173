package databricks

import (
	"net/http"
	"net/url"
	"testing"

	"databricks-access-audit/core/identity"
)

func TestObjectJob(t *testing.T) {
	const jobs = "/api/2.2/jobs/get"
	w := newWorld(t)
	w.handle("GET "+objectHost+jobs, func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.RawQuery {
		case "job_id=42":
			refuse(rw, 200, `{"job_id":42,"creator_user_name":"ann@acme.test","run_as_user_name":"`+appID+`","next_page_token":"n","settings":{"name":"nightly","tasks":[
				{"task_key":"a","notebook_task":{"notebook_path":"/Shared/etl","source":"WORKSPACE"}},
				{"task_key":"b","spark_python_task":{"python_file":"dbfs:/x.py"}},
				{"task_key":"c","notebook_task":{"notebook_path":"/Shared/etl"}},
				{"task_key":"d","pipeline_task":{"pipeline_id":"p"}}]}}`)
		case "job_id=42&page_token=n":
			refuse(rw, 200, `{"job_id":42,"settings":{"tasks":[
				{"task_key":"e","sql_task":{"file":{"path":"/q.sql"}}},
				{"task_key":"f","dbt_task":{"project_directory":"/dbt"}},
				{"task_key":"g","for_each_task":{"task":{"task_key":"h","spark_python_task":{"python_file":"/w/loop.py"}}}}]}}`)
		case "job_id=43":
			refuse(rw, 200, `{"job_id":43,"settings":{"git_source":{"git_url":"https://git.test/r"},"tasks":[
				{"task_key":"a","notebook_task":{"notebook_path":"etl/main","source":"GIT"}},
				{"task_key":"b","notebook_task":{"notebook_path":"etl/more"}},
				{"task_key":"c","notebook_task":{"notebook_path":"/Shared/x","source":"WORKSPACE"}},
				{"task_key":"d","dbt_task":{"source":"GIT"}},
				{"task_key":"e","for_each_task":{"task":{"task_key":"i","spark_python_task":{"python_file":"loop.py"}}}}]}}`)
		case "job_id=44":
			refuse(rw, 200, `{"job_id":44,"settings":{"tasks":[{"task_key":"a","notebook_task":{"notebook_path":"x","source":"GIT"}},{"task_key":"b","dbt_task":{"source":"GIT"}}]}}`)
		default:
			t.Errorf("query %q", r.URL.RawQuery)
		}
	})
	s := w.session()
	job := func(id string) (identity.ObjectInfo, error) {
		return s.Object(t.Context(), workspaceNamed("prod"), objectOf(identity.ObjectJob, id, "listed", by("listed@acme.test"), running("listed")))
	}
	detailed := func(code ...string) func(*identity.ObjectInfo) {
		return func(o *identity.ObjectInfo) { o.Code, o.Detailed = code, true }
	}
	got, err := job("42")
	check(t, got, err, objectOf(identity.ObjectJob, "42", "nightly", by("ann@acme.test"), running(appID), detailed("/Shared/etl", "dbfs:/x.py", "/q.sql", "/dbt", "/w/loop.py")))
	got, err = job("43")
	check(t, got, err, objectOf(identity.ObjectJob, "43", "listed", by("listed@acme.test"), running("listed"),
		detailed("https://git.test/r#etl/main", "https://git.test/r#etl/more", "/Shared/x", "https://git.test/r#", "https://git.test/r#loop.py")))
	got, err = job("44")
	check(t, got, err, objectOf(identity.ObjectJob, "44", "listed", by("listed@acme.test"), running("listed"), detailed("x")))
	check(t, s.Calls(), nil, map[string]int{"GET " + jobs: 4})
}

func TestObjectJobFailures(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind
		some   bool // the job is there in part
	}{
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"x"}`, identity.NotFound, false},
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden, false},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed, false},
		{200, ``, identity.Failed, false},
		{200, `{}`, identity.Failed, false},
		{200, `{"job_id":2}`, identity.Failed, false},
		{200, `{"job_id":1,"settings":{"tasks":{}}}`, identity.Failed, false},
		{200, `{"job_id":1,"run_as_user_name":"r","settings":{"tasks":[{"task_key":"a","notebook_task":{"notebook_path":"/x"}},{"notebook_task":{"notebook_path":"/y"}}]}}`, identity.Failed, true},
	} {
		w := newWorld(t)
		w.handle("GET "+objectHost+"/api/2.2/jobs/get", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		got, err := w.session().Object(t.Context(), workspaceNamed("prod"), objectOf(identity.ObjectJob, "1", ""))
		check(t, wantKind(t, err, c.want, "").Partial, nil, c.some)
		want := identity.ObjectInfo{}
		if c.some {
			want = objectOf(identity.ObjectJob, "1", "", running("r"), func(o *identity.ObjectInfo) { o.Code = []string{"/x"} })
		}
		check(t, got, nil, want)
	}
}

func TestObjectDashboard(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		lends  bool
		want   identity.FailureKind // empty: no failure
	}{
		{200, `{"display_name":"sales","embed_credentials":true}`, true, ""},
		{200, `{"display_name":"sales","embed_credentials":false}`, false, ""},
		{200, `{"embed_credentials":true}`, true, ""},
		{200, `{"display_name":"sales"}`, false, ""},
		{200, `{"revision_create_time":"2026-01-01T00:00:00Z"}`, false, ""},
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"not published"}`, false, ""},
		{404, `{"error_code":"ENDPOINT_NOT_FOUND","message":"x"}`, false, identity.Unsupported},
		{404, `404 page not found`, false, identity.Unsupported},
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, false, identity.Forbidden},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, false, identity.Failed},
		{200, `{}`, false, identity.Failed},
		{200, ``, false, identity.Failed},
		{200, `{"embed_credentials":"yes"}`, false, identity.Failed},
	} {
		w := newWorld(t)
		w.handle("GET "+objectHost+"/api/2.0/lakeview/dashboards/a%2Fb/published", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		s := w.session()
		got, err := s.Object(t.Context(), workspaceNamed("prod"), objectOf(identity.ObjectDashboard, "a/b", "sales"))
		check(t, s.Calls()["GET /api/2.0/lakeview/dashboards/{dashboard_id}/published"] > 0, nil, true)
		if c.want != "" {
			wantKind(t, err, c.want, "")
			check(t, got, nil, identity.ObjectInfo{})
			continue
		}
		check(t, got, err, objectOf(identity.ObjectDashboard, "a/b", "sales", func(o *identity.ObjectInfo) { o.BorrowsOwner, o.Detailed = c.lends, true }))
	}
}

// Of most types there is nothing more to ask for.
func TestObjectWithoutDetail(t *testing.T) {
	w := newWorld(t)
	s := w.session()
	for _, typ := range append(identity.ObjectTypes(), "later") {
		if typ == identity.ObjectJob || typ == identity.ObjectDashboard {
			continue
		}
		known := objectOf(typ, "x", "n", by("c"), running("r"), lending)
		got, err := s.Object(t.Context(), workspaceNamed("prod"), known)
		known.Detailed = true
		check(t, got, err, known)
	}
	check(t, len(w.requests()), nil, 0)
}

func TestObjectAt(t *testing.T) {
	at := func(typ identity.ObjectType, id, name, path string) identity.ObjectInfo {
		return objectOf(typ, id, name, func(o *identity.ObjectInfo) { o.Path = path })
	}
	for _, c := range []struct {
		path, body string
		want       identity.ObjectInfo
	}{
		{"/Shared/a/b#%é?x=1&y", `{"object_id":42,"object_type":"NOTEBOOK","path":"/Shared/a/b#%é?x=1&y","language":"PYTHON"}`, at(identity.ObjectNotebook, "42", "b#%é?x=1&y", "/Shared/a/b#%é?x=1&y")},
		{"/Workspace/Users/a/f.py", `{"object_id":43,"object_type":"FILE","path":"/Users/a/f.py"}`, at(identity.ObjectFile, "43", "f.py", "/Users/a/f.py")},
		{"/Shared", `{"object_id":7,"object_type":"DIRECTORY"}`, at(identity.ObjectDirectory, "7", "Shared", "/Shared")},
		{"/", `{"object_id":0,"object_type":"DIRECTORY","path":"/"}`, at(identity.ObjectDirectory, "0", "", "/")},
		{"/Repos/a/r", `{"object_id":"8","object_type":"REPO","path":"/Repos/a/r"}`, at(identity.ObjectRepo, "8", "r", "/Repos/a/r")},
		{"/Shared/d.lvdash.json", `{"object_id":9,"object_type":"DASHBOARD","resource_id":"01ef","path":"/Shared/d.lvdash.json"}`, at(identity.ObjectDashboard, "01ef", "d.lvdash.json", "/Shared/d.lvdash.json")},
	} {
		w := newWorld(t)
		w.json("GET "+objectHost+"/api/2.0/workspace/get-status", c.body)
		got, err := w.session().ObjectAt(t.Context(), workspaceNamed("prod"), c.path)
		check(t, got, err, c.want)
		check(t, w.requests(), nil, []string{"GET " + objectHost + "/api/2.0/workspace/get-status?path=" + url.QueryEscape(c.path)})
	}
}

func TestObjectAtFailures(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind
	}{
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Path (/x) doesn't exist."}`, identity.NotFound},
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden},
		{500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed},
		{200, `{"object_id":1,"object_type":"LIBRARY","path":"/x"}`, identity.Unsupported},
		{200, `{"object_id":1,"object_type":"MLFLOW_EXPERIMENT","path":"/x"}`, identity.Unsupported},
		{200, `{"object_id":1,"path":"/x"}`, identity.Failed},
		{200, `{"object_type":"NOTEBOOK","path":"/x"}`, identity.Failed},
		{200, `{"object_id":1,"object_type":"DASHBOARD","path":"/x"}`, identity.Failed},
		{200, `{}`, identity.Failed},
		{200, ``, identity.Failed},
		{200, `[]`, identity.Failed},
	} {
		w := newWorld(t)
		w.handle("GET "+objectHost+"/api/2.0/workspace/get-status", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		got, err := w.session().ObjectAt(t.Context(), workspaceNamed("prod"), "/x")
		wantKind(t, err, c.want, "")
		check(t, got, nil, identity.ObjectInfo{})
	}
	w := newWorld(t)
	s := w.session()
	for _, path := range []string{"", "Shared/x", "dbfs:/x"} {
		_, err := s.ObjectAt(t.Context(), workspaceNamed("prod"), path)
		wantKind(t, err, identity.Failed, "")
	}
	check(t, len(w.requests()), nil, 0)
}

func TestInside(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+objectHost+"/api/2.0/workspace/list", `{"objects":[
		{"object_type":"NOTEBOOK","object_id":1,"path":"/a b/n"},{"object_type":"DIRECTORY","object_id":2,"path":"/a b/d"},
		{"object_type":"FILE","object_id":"3","path":"/a b/f"},{"object_type":"REPO","object_id":4,"path":"/a b/r"},
		{"object_type":"DASHBOARD","object_id":5,"resource_id":"x","path":"/a b/x.lvdash.json"},{"object_type":"LIBRARY","path":"/a b/l"}]}`)
	got, err := w.session().Inside(t.Context(), workspaceNamed("prod"), "/a b")
	at := func(typ identity.ObjectType, id, name string) identity.ObjectInfo {
		return objectOf(typ, id, name, func(o *identity.ObjectInfo) { o.Path = "/a b/" + name })
	}
	check(t, got, err, []identity.ObjectInfo{
		at(identity.ObjectNotebook, "1", "n"), at(identity.ObjectDirectory, "2", "d"), at(identity.ObjectFile, "3", "f"), at(identity.ObjectRepo, "4", "r"),
	})
	check(t, w.requests(), nil, []string{"GET " + objectHost + "/api/2.0/workspace/list?path=%2Fa+b"})
}

// An answer that cannot be trusted is a failure beside what came before it: a directory that claims to lie in
// itself would be walked through for ever.
func TestInsideFailures(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind
		found  int
	}{
		{403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden, 0},
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"x"}`, identity.NotFound, 0},
		{200, `{"objects":[{"object_type":"FILE","object_id":1,"path":"/x/a"},{"object_type":"DIRECTORY","object_id":2,"path":"/"}]}`, identity.Failed, 1},
		{200, `{"objects":[{"object_type":"DIRECTORY","object_id":2,"path":"/xy"}]}`, identity.Failed, 0},
		{200, `{"objects":[{"object_type":"FILE","path":"/x/a"}]}`, identity.Failed, 0},
		{200, `{"objects":[{"object_id":1,"path":"/x/a"}]}`, identity.Failed, 0},
	} {
		w := newWorld(t)
		w.handle("GET "+objectHost+"/api/2.0/workspace/list", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		got, err := w.session().Inside(t.Context(), workspaceNamed("prod"), "/x")
		if f := wantKind(t, err, c.want, ""); len(got) != c.found || f.Partial != (c.status == 200) {
			t.Errorf("%s: %+v beside %v", c.body, got, err)
		}
	}
}
