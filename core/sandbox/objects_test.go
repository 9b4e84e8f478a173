package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// byField finds the object of a list whose field has the value.
func byField(list []map[string]any, field string, value any) map[string]any {
	for _, m := range list {
		if m[field] == value {
			return m
		}
	}
	return nil
}

func TestJobs(t *testing.T) {
	c := acme(t, Options{})
	jobs := func(query string) []map[string]any {
		return c.want(c.on("prod", "/api/2.2/jobs/list"+query), 200).list("jobs")
	}
	settings := func(job map[string]any) map[string]any { return job["settings"].(map[string]any) }

	etl := byField(jobs(""), "job_id", 501.0)
	if s := settings(etl); s["name"] != "nightly_etl" || s["run_as"].(map[string]any)["service_principal_name"] != AcmeETLApp || s["tasks"] != nil {
		t.Errorf("row of the list: %v", s)
	}
	if etl["run_as_user_name"] != nil || etl["notebook_path"] != nil {
		t.Errorf("row of the list: %v", etl)
	}
	if s := settings(byField(jobs("?expand_tasks=true"), "job_id", 501.0)); len(s["tasks"].([]any)) != 2 {
		t.Errorf("expand_tasks: %v", s)
	}
	if s := settings(byField(jobs(""), "job_id", 502.0)); s["run_as"] != nil {
		t.Errorf("nobody set who 502 runs as: %v", s)
	}
	if got := jobs("?name=FINANCE_close"); len(got) != 1 || got[0]["job_id"] != 503.0 {
		t.Errorf("by name: %v", got)
	}
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=-1", "?limit=x"} {
		c.want(c.on("prod", "/api/2.2/jobs/list"+query), 400)
	}
	first := c.on("prod", "/api/2.1/jobs/list?limit=2")
	if first.json()["has_more"] != true || len(first.list("jobs")) != 2 {
		t.Error(first)
	}
	last := c.on("prod", "/api/2.1/jobs/list?limit=2&page_token="+url.QueryEscape(first.str("next_page_token")))
	if last.json()["has_more"] != false || len(last.list("jobs")) != 1 {
		t.Error(last)
	}

	get := func(ws, id string) response { return c.on(ws, "/api/2.2/jobs/get?job_id="+id) }
	tasks := settings(c.want(get("prod", "501"), 200).json())["tasks"].([]any)
	if ingest := tasks[0].(map[string]any); ingest["task_key"] != "ingest" || ingest["notebook_task"].(map[string]any)["notebook_path"] != "/Shared/etl/ingest" {
		t.Errorf("tasks: %v", tasks)
	}
	if job := get("prod", "502").json(); job["run_as_user_name"] != "frank@acme.test" || settings(job)["run_as"] != nil {
		t.Errorf("runs as its owner: %v", job)
	}
	if git := settings(get("staging", "601").json())["git_source"].(map[string]any); git["git_branch"] != "main" {
		t.Error(git)
	}
	c.srv.Update(func(a *Account) {
		for _, o := range a.Workspaces[0].Objects {
			if o.ID == "502" {
				o.ACL = []ACE{user("heidi", "IS_OWNER")}
			}
		}
	})
	if job := get("prod", "502").json(); job["run_as_user_name"] != "heidi@acme.test" || job["creator_user_name"] != "frank@acme.test" {
		t.Errorf("the owner is not the creator: %v", job)
	}
	for _, id := range []string{"777", "", "x"} {
		if r := get("prod", id); r.status != 400 || r.str("error_code") != "INVALID_PARAMETER_VALUE" {
			t.Errorf("job %q: %s", id, r)
		}
	}
	if r := get("prod", "777"); r.str("message") != "Job 777 does not exist." {
		t.Error(r)
	}
	c.want(c.with("dapi-acme-alice-prod").on("prod", "/api/2.2/jobs/get?job_id=503"), 403)
	if ids := c.with("dapi-acme-alice-prod").on("prod", "/api/2.2/jobs/list").list("jobs"); len(ids) != 1 {
		t.Errorf("alice sees %v", ids)
	}
}

func TestPipelines(t *testing.T) {
	c := acme(t, Options{})
	p := c.want(c.on("prod", "/api/2.0/pipelines/pipe-silver"), 200).json()
	library := p["spec"].(map[string]any)["libraries"].([]any)[0].(map[string]any)
	if p["run_as_user_name"] != AcmeDBTApp || library["notebook"].(map[string]any)["path"] != "/Users/niaj@acme.test/dbt/silver" {
		t.Error(p)
	}
	c.srv.Update(func(a *Account) {
		for _, o := range a.Workspaces[0].Objects {
			if o.Type == "pipelines" {
				o.RunAs = ""
			}
		}
	})
	if row := c.on("prod", "/api/2.0/pipelines").list("statuses")[0]; row["run_as_user_name"] != "niaj@acme.test" || row["spec"] != nil {
		t.Errorf("runs as its owner: %v", row)
	}
	c.want(c.on("prod", "/api/2.0/pipelines/none"), 404)
	c.want(c.with("dapi-acme-bob-prod").on("prod", "/api/2.0/pipelines/pipe-silver"), 403)
	c.want(c.on("prod", "/api/2.0/pipelines?max_results=101"), 400)
}

func TestClusters(t *testing.T) {
	c := acme(t, Options{})
	for query, want := range map[string]int{
		"":                                  4,
		"?filter_by.cluster_sources=UI":     3,
		"?filter_by.cluster_sources=JOB":    1,
		"?filter_by.cluster_sources=UI,API": 3,
		"?filter_by.cluster_sources=API&filter_by.cluster_sources=JOB": 1,
	} {
		if got := c.want(c.on("prod", "/api/2.1/clusters/list"+query), 200).list("clusters"); len(got) != want {
			t.Errorf("%s: %v", query, got)
		}
	}
	carol := byField(c.on("prod", "/api/2.1/clusters/list").list("clusters"), "cluster_name", "carol-admin")
	if carol["cluster_source"] != "UI" || carol["single_user_name"] != "carol@acme.test" || carol["data_security_mode"] != "SINGLE_USER" {
		t.Error(carol)
	}
	if r := c.on("prod", "/api/2.1/clusters/list?page_size=1"); len(r.list("clusters")) != 1 || r.str("next_page_token") == "" {
		t.Error(r)
	}
	if r := c.on("prod", "/api/2.0/clusters/list?page_size=1"); len(r.list("clusters")) != 4 {
		t.Error("the old list is not paged:", r)
	}
	c.want(c.on("prod", "/api/2.1/clusters/list?page_size=101"), 400)
}

func TestRepos(t *testing.T) {
	c := acme(t, Options{})
	repos := func(c *client, query string) []string {
		return c.want(c.on("prod", "/api/2.0/repos"+query), 200).names("repos", "path")
	}
	for query, want := range map[string]string{
		"":                                "/Repos/alice@acme.test/etl",
		"?path_prefix=/Workspace":         "/Repos/alice@acme.test/etl",
		"?path_prefix=/Workspace/Users":   "/Users/niaj@acme.test/dbt",
		"?path_prefix=/Users/niaj@":       "/Users/niaj@acme.test/dbt",
		"?path_prefix=/Repos/nobody/here": "",
	} {
		if got := repos(c, query); strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	// alice manages hers; niaj's she can read, and does not see here.
	alice := c.with("dapi-acme-alice-prod")
	if got := append(repos(alice, ""), repos(alice, "?path_prefix=/Users")...); !slices.Equal(got, []string{"/Repos/alice@acme.test/etl"}) {
		t.Errorf("alice lists %q", got)
	}
}

func TestDashboards(t *testing.T) {
	c := acme(t, Options{})
	const lakeview = "/api/2.0/lakeview/dashboards"
	row := c.want(c.on("prod", lakeview), 200).list("dashboards")[0]
	if row["embed_credentials"] != nil || row["owner"] != nil || row["path"] == nil {
		t.Errorf("a row says neither who owns nor how it is published: %v", row)
	}
	kpis := lakeview + "/01f0aaaa00000000000000000000d001/published"
	if p := c.want(c.on("prod", kpis), 200).json(); p["embed_credentials"] != true || p["warehouse_id"] != "wh-bi" {
		t.Error(p)
	}
	if p := c.want(c.on("analytics-eu", lakeview+"/01f0bbbb00000000000000000000d002/published"), 200).json(); p["embed_credentials"] != false {
		t.Error(p)
	}
	c.want(c.with("dapi-acme-bob-prod").on("prod", kpis), 200) // account users may read it
	c.srv.Update(func(a *Account) {
		for _, o := range a.Workspaces[0].Objects {
			if o.Type == "dashboards" {
				o.Published, o.ACL = nil, nil
			}
		}
	})
	c.want(c.with("dapi-acme-bob-prod").on("prod", kpis), 403)
	if r := c.on("prod", kpis); r.status != 404 || r.str("error_code") != "RESOURCE_DOES_NOT_EXIST" {
		t.Error("not published:", r)
	}
	c.want(c.on("prod", lakeview+"/none/published"), 404)
}

func TestLegacyDashboards(t *testing.T) {
	c := acme(t, Options{})
	c.srv.Update(func(a *Account) {
		for i := range 29 {
			a.Workspaces[0].Objects = append(a.Workspaces[0].Objects, &Object{Type: "dbsql-dashboards", ID: fmt.Sprint("x", i), Name: "x", Owner: "bob@acme.test"})
		}
	})
	const list = "/api/2.0/preview/sql/dashboards"
	for query, want := range map[string]int{"": 25, "?page=2": 5, "?page=3&page_size=10": 10, "?page_size=1000": 30} {
		r := c.want(c.on("prod", list+query), 200)
		if len(r.list("results")) != want || r.json()["count"] != 30.0 {
			t.Errorf("%s: %d of %v", query, len(r.list("results")), r.json()["count"])
		}
	}
	if r := c.on("prod", list+"?page_size=1000").json(); r["page_size"] != 250.0 {
		t.Errorf("page_size: %v", r["page_size"])
	}
	if u := c.on("prod", list).list("results")[0]["user"].(map[string]any); u["email"] != "bob@acme.test" || u["name"] != "Bob Keller" {
		t.Error(u)
	}
	for _, query := range []string{"?page=3", "?page=0", "?page_size=0", "?page=x"} {
		c.want(c.on("prod", list+query), 400)
	}
}

func TestExperiments(t *testing.T) {
	c := acme(t, Options{})
	c.srv.Update(func(a *Account) {
		for i := range 4 {
			a.Workspaces[0].Objects = append(a.Workspaces[0].Objects, &Object{Type: "experiments", ID: fmt.Sprint(5000 + i), Name: "x"})
		}
	})
	search := func(body map[string]any) response {
		return c.do("POST", "https://acme-prod.acme.test/api/2.0/mlflow/experiments/search", body)
	}
	var ids []string
	body := map[string]any{"max_results": 2}
	for range 5 {
		r := c.want(search(body), 200)
		ids = append(ids, r.names("experiments", "experiment_id")...)
		if r.str("next_page_token") == "" {
			break
		}
		body["page_token"] = r.str("next_page_token")
	}
	if !slices.Equal(ids, []string{"4001", "5000", "5001", "5002", "5003"}) {
		t.Errorf("pages by body: %v", ids)
	}
	c.want(search(map[string]any{"max_results": 3001}), 400)
	row := c.on("prod", "/api/2.0/mlflow/experiments/list").list("experiments")[0]
	if tag := row["tags"].([]any)[0].(map[string]any); tag["key"] != "mlflow.ownerEmail" || tag["value"] != "judy@acme.test" || row["creator_user_name"] != nil {
		t.Error(row)
	}
	c.want(c.on("prod", "/api/2.0/mlflow/experiments/list?max_results=5000"), 200)
}

func TestModels(t *testing.T) {
	c := acme(t, Options{})
	row := c.on("prod", "/api/2.0/mlflow/registered-models/search").list("registered_models")[0]
	if row["id"] != nil || row["name"] != "legacy_churn" {
		t.Errorf("the list has no id: %v", row)
	}
	const get = "/api/2.0/mlflow/databricks/registered-models/get?name="
	if m := c.want(c.on("prod", get+"legacy_churn"), 200).json()["registered_model_databricks"].(map[string]any); m["id"] != "0123456789abcdef0123456789abcdef" {
		t.Error(m)
	}
	c.want(c.on("prod", get+"none"), 404)
	c.want(c.with("dapi-acme-bob-prod").on("prod", get+"legacy_churn"), 403)
	entries := c.want(c.on("prod", "/api/2.0/permissions/registered-models/0123456789abcdef0123456789abcdef"), 200).list("access_control_list")
	p := byField(entries, "group_name", "data-scientists")["all_permissions"].([]any)[0].(map[string]any)
	if p["inherited"] != true || p["inherited_from_object"].([]any)[0] != "/registered-models/" {
		t.Errorf("from the root: %v", p)
	}
	c.want(c.on("prod", "/api/2.0/permissions/registered-models/root"), 200)
	c.want(c.with("dapi-acme-bob-prod").on("prod", "/api/2.0/permissions/registered-models/root"), 403)
}

func TestOddIDs(t *testing.T) {
	c := acme(t, Options{})
	app := c.on("prod", "/api/2.0/apps").list("apps")[0]
	if app["service_principal_client_id"] != AcmeServingApp || app["name"] == app["id"] {
		t.Error(app)
	}
	c.want(c.on("prod", "/api/2.0/permissions/apps/sales-app"), 200)
	c.want(c.on("prod", "/api/2.0/permissions/apps/"+app["id"].(string)), 404)
	endpoints := c.on("prod", "/api/2.0/serving-endpoints").list("endpoints")
	if system := endpoints[1]; system["id"] != nil || system["creator"] != nil {
		t.Errorf("an endpoint of the service: %v", system)
	}
	c.want(c.on("prod", "/api/2.0/permissions/serving-endpoints/churn-endpoint"), 404) // by id, not by name
	policy := byField(c.on("prod", "/api/2.0/policies/clusters/list").list("policies"), "policy_id", "pol-personal")
	if policy["is_default"] != true || policy["policy_family_id"] != "personal-vm" {
		t.Error(policy)
	}
	if alert := c.on("prod", "/api/2.0/alerts").list("alerts")[0]; alert["effective_run_as"].(map[string]any)["user_name"] != "erin@acme.test" || alert["run_as"] != nil {
		t.Error(alert)
	}
	if q := c.on("prod", "/api/2.0/sql/queries").list("results")[0]; q["run_as_mode"] != "OWNER" || q["owner_user_name"] != "erin@acme.test" {
		t.Error(q)
	}
}

// TestRarerObjects: kinds that Acme has none of.
func TestRarerObjects(t *testing.T) {
	c := acme(t, Options{})
	kinds := []struct{ kind, list, key, id, field, level string }{
		{"database-instances", "/api/2.0/database/instances", "database_instances", "lake", "name", "CAN_USE"},
		{"database-projects", "/api/2.0/postgres/projects", "projects", "p-1", "uid", "CAN_MANAGE"},
		{"knowledge-assistants", "/api/2.1/knowledge-assistants", "knowledge_assistants", "ka-1", "id", "CAN_QUERY"},
		{"supervisor-agents", "/api/2.1/supervisor-agents", "supervisor_agents", "sa-1", "supervisor_agent_id", "CAN_QUERY"},
		{"vector-search-endpoints", "/api/2.0/vector-search/endpoints", "endpoints", "vs-1", "id", "CAN_USE"},
	}
	c.srv.Update(func(a *Account) {
		for _, k := range kinds {
			o := &Object{Type: k.kind, ID: k.id, Name: "shown", ACL: []ACE{group("analysts", k.level)}}
			if k.kind == "database-instances" {
				o.ID, o.Name = "uid-1", k.id
			}
			a.Workspaces[0].Objects = append(a.Workspaces[0].Objects, o)
		}
	})
	for _, k := range kinds {
		if rows := c.want(c.on("prod", k.list), 200).list(k.key); len(rows) != 1 || rows[0][k.field] != k.id {
			t.Errorf("%s: %v", k.kind, rows)
		}
		if rows := c.with("dapi-acme-alice-prod").on("prod", k.list).list(k.key); len(rows) != 0 {
			t.Errorf("%s: alice sees %v", k.kind, rows)
		}
		acl := c.want(c.on("prod", "/api/2.0/permissions/"+k.kind+"/"+k.id), 200).list("access_control_list")
		if p := byField(acl, "group_name", "analysts")["all_permissions"].([]any)[0].(map[string]any); p["permission_level"] != k.level {
			t.Errorf("%s: %v", k.kind, acl)
		}
	}
	if r := c.on("prod", "/api/2.0/sql/warehouses?page_size=100"); len(r.list("warehouses")) != 1 {
		t.Error(r)
	}
}
