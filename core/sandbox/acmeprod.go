package sandbox

// notebookTask is a job's task that runs a notebook of the workspace.
func notebookTask(key, path string) map[string]any {
	return map[string]any{"task_key": key, "notebook_task": map[string]any{"notebook_path": path, "source": "WORKSPACE"}}
}

// acmeProdObjects are the objects of Acme's main workspace. What lies in folders
// has its permissions from them too, see [Object.Path].
func acmeProdObjects() []*Object {
	objects := acmeProdCompute()
	objects = append(objects, acmeProdFiles()...)
	objects = append(objects, acmeProdSQL()...)
	return append(objects, acmeProdML()...)
}

func acmeProdCompute() []*Object {
	// Everybody in the workspace can change what nightly_etl runs, as etl-nightly.
	ingest := notebookTask("ingest", "/Shared/etl/ingest")
	ingest["job_cluster_key"] = "etl"
	closing := notebookTask("close", "/Users/erin@acme.test/close")
	closing["existing_cluster_id"] = "0105-080000-legacy01"
	return []*Object{
		{Type: "jobs", ID: "501", Name: "nightly_etl", Creator: "grace@acme.test", RunAs: AcmeETLApp, ACL: []ACE{user("grace", "IS_OWNER"), user("alice", "CAN_MANAGE"), group("pipelines-oncall", "CAN_MANAGE_RUN"), group("analysts", "CAN_VIEW")}, Settings: map[string]any{
			"tasks":        []map[string]any{ingest, {"task_key": "load", "depends_on": []map[string]any{{"task_key": "ingest"}}, "spark_python_task": map[string]any{"python_file": "/Workspace/Users/alice@acme.test/helpers.py", "parameters": []string{"{{job.parameters.day}}"}}}},
			"job_clusters": []map[string]any{{"job_cluster_key": "etl", "new_cluster": map[string]any{"data_security_mode": "SINGLE_USER"}}},
			"parameters":   []map[string]any{{"name": "day", "default": "yesterday"}},
		}},
		// Nobody set who these two run as, so they run as their owners.
		{Type: "jobs", ID: "502", Name: "frank_weekly_report", Creator: "frank@acme.test", ACL: []ACE{user("frank", "IS_OWNER"), group("data-engineering", "CAN_MANAGE_RUN")}},
		{Type: "jobs", ID: "503", Name: "finance_close", Creator: "erin@acme.test", ACL: []ACE{user("erin", "IS_OWNER"), user("bob", "CAN_MANAGE")}, Settings: map[string]any{"tasks": []map[string]any{closing}}},
		{Type: "clusters", ID: "0105-080000-legacy01", Name: "shared-legacy", Creator: "grace@acme.test", ACL: []ACE{group("analysts", "CAN_ATTACH_TO"), group("data-engineering", "CAN_RESTART")}, Extra: map[string]any{
			"data_security_mode": "NONE",
			// Whoever can write to the DBFS root changes what runs at every start.
			"init_scripts": []map[string]any{{"dbfs": map[string]any{"destination": "dbfs:/init/setup.sh"}}},
		}},
		{Type: "clusters", ID: "0105-080000-alice001", Name: "alice-dev", Creator: "alice@acme.test", ACL: []ACE{user("alice", "CAN_MANAGE")}, Extra: map[string]any{"data_security_mode": "SINGLE_USER", "single_user_name": "alice@acme.test"}},
		// niaj manages a cluster on which only carol, an account admin, runs code.
		{Type: "clusters", ID: "0105-080000-carol001", Name: "carol-admin", Creator: "carol@acme.test", ACL: []ACE{user("niaj", "CAN_MANAGE")}, Extra: map[string]any{"data_security_mode": "SINGLE_USER", "single_user_name": "carol@acme.test"}},
		{Type: "clusters", ID: "0322-010000-jobetl01", Name: "job-501-run-7001-etl", Creator: AcmeETLApp, Extra: map[string]any{"cluster_source": "JOB", "data_security_mode": "SINGLE_USER", "single_user_name": AcmeETLApp}},
		{Type: "cluster-policies", ID: "pol-engineers", Name: "engineers", Creator: "grace@acme.test", ACL: []ACE{group("engineering", "CAN_USE"), group("data-scientists", "CAN_USE")}},
		{Type: "cluster-policies", ID: "pol-personal", Name: "Personal Compute", ACL: []ACE{group(GroupUsers, "CAN_USE")}, Extra: map[string]any{"is_default": true, "policy_family_id": "personal-vm"}},
		{Type: "instance-pools", ID: "pool-small", Name: "small", ACL: []ACE{group("engineering", "CAN_ATTACH_TO"), group("prod-local-ops", "CAN_MANAGE")}},
		{Type: "pipelines", ID: "pipe-silver", Name: "silver_refresh", Creator: "niaj@acme.test", RunAs: AcmeDBTApp, ACL: []ACE{user("niaj", "IS_OWNER"), group("pipelines-oncall", "CAN_RUN"), user("sybil", "CAN_MANAGE")}, Settings: map[string]any{
			"catalog": "prod_lakehouse", "schema": "silver",
			"libraries": []map[string]any{{"notebook": map[string]any{"path": "/Users/niaj@acme.test/dbt/silver"}}},
		}},
		{Type: "apps", ID: "0a990000-0000-4000-8000-000000000001", Name: "sales-app", Creator: "alice@acme.test", ACL: []ACE{user("alice", "CAN_MANAGE"), group("sales-analytics", "CAN_USE")}, Extra: map[string]any{
			"service_principal_id": 2005, "service_principal_client_id": AcmeServingApp, "service_principal_name": "ml-serving", "user_api_scopes": []string{"sql"},
		}},
	}
}

func acmeProdFiles() []*Object {
	home := func(id, name string) *Object {
		return &Object{Type: "directories", ID: id, Name: name + "@acme.test", Path: "/Users/" + name + "@acme.test", ACL: []ACE{user(name, "CAN_MANAGE")}}
	}
	return []*Object{
		{Type: "directories", ID: "9001", Name: "Shared", Path: "/Shared", ACL: []ACE{group(GroupUsers, "CAN_MANAGE")}},
		{Type: "directories", ID: "9002", Name: "etl", Path: "/Shared/etl", ACL: []ACE{group("data-engineering", "CAN_EDIT")}},
		{Type: "notebooks", ID: "9003", Name: "ingest", Path: "/Shared/etl/ingest", ACL: []ACE{user("alice", "CAN_EDIT")}},
		{Type: "directories", ID: "9004", Name: "Users", Path: "/Users"},
		home("9005", "alice"), home("9009", "erin"), home("9010", "niaj"),
		// alice made it, and it is in her folder: two rows of one level.
		{Type: "notebooks", ID: "9006", Name: "scratch", Path: "/Users/alice@acme.test/scratch", ACL: []ACE{user("alice", "CAN_MANAGE"), user("bob", "CAN_RUN")}},
		{Type: "files", ID: "9007", Name: "helpers.py", Path: "/Users/alice@acme.test/helpers.py"},
		{Type: "notebooks", ID: "9015", Name: "close", Path: "/Users/erin@acme.test/close"},
		// Git folders are in /Repos or anywhere else (https://docs.databricks.com/repos).
		{Type: "directories", ID: "9011", Name: "Repos", Path: "/Repos"},
		{Type: "directories", ID: "9012", Name: "alice@acme.test", Path: "/Repos/alice@acme.test", ACL: []ACE{user("alice", "CAN_MANAGE")}},
		{Type: "repos", ID: "9008", Name: "etl", Path: "/Repos/alice@acme.test/etl", ACL: []ACE{user("alice", "CAN_MANAGE"), group("data-engineering", "CAN_READ")}},
		{Type: "repos", ID: "9013", Name: "dbt", Path: "/Users/niaj@acme.test/dbt", ACL: []ACE{group("engineering", "CAN_READ")}},
		{Type: "notebooks", ID: "9014", Name: "silver", Path: "/Users/niaj@acme.test/dbt/silver"},
	}
}

func acmeProdSQL() []*Object {
	return []*Object{
		{Type: "warehouses", ID: "wh-bi", Name: "bi", Creator: "grace@acme.test", ACL: []ACE{user("grace", "IS_OWNER"), group("analysts", "CAN_USE"), user("alice", "CAN_MONITOR"), {User: "zoe@partner.test", Level: "CAN_USE"}}},
		{Type: "queries", ID: "q-revenue", Name: "revenue by month", Path: "/Users/erin@acme.test/revenue by month", Owner: "erin@acme.test", ACL: []ACE{user("erin", "CAN_MANAGE"), group("analysts", "CAN_RUN")}, Extra: map[string]any{"run_as_mode": "OWNER", "warehouse_id": "wh-bi"}},
		{Type: "alerts", ID: "al-freshness", Name: "freshness", Owner: "alice@acme.test", ACL: []ACE{user("alice", "CAN_MANAGE"), group("pipelines-oncall", "CAN_RUN")}},
		{Type: "alertsv2", ID: "al2-cost", Name: "cost", Owner: "erin@acme.test", ACL: []ACE{user("erin", "CAN_MANAGE")}},
		{Type: "dbsql-dashboards", ID: "ld-old", Name: "old sales", Owner: "bob@acme.test", ACL: []ACE{user("bob", "CAN_MANAGE"), group("sales-analytics", "CAN_VIEW")}},
		{Type: "dashboards", ID: "01f0aaaa00000000000000000000d001", Name: "Executive KPIs", Path: "/Workspace/Users/erin@acme.test/Executive KPIs.lvdash.json", ACL: []ACE{user("erin", "CAN_MANAGE"), group(GroupAccountUsers, "CAN_READ")}, Published: &Published{EmbedCredentials: true, WarehouseID: "wh-bi"}},
		{Type: "genie", ID: "01f0aaaa00000000000000000000e001", Name: "Ask sales", ACL: []ACE{user("alice", "CAN_MANAGE"), group("sales-analytics", "CAN_RUN")}},
	}
}

func acmeProdML() []*Object {
	return []*Object{
		{Type: "experiments", ID: "4001", Name: "/Shared/churn", Path: "/Shared/churn", Creator: "judy@acme.test", ACL: []ACE{user("judy", "CAN_MANAGE"), group("data-scientists", "CAN_EDIT")}},
		{Type: "registered-models", ID: "0123456789abcdef0123456789abcdef", Name: "legacy_churn", Creator: "judy@acme.test", ACL: []ACE{user("judy", "CAN_MANAGE"), group("ml-platform", "CAN_READ")}},
		{Type: "serving-endpoints", ID: "ep-0001", Name: "churn-endpoint", Creator: "judy@acme.test", ACL: []ACE{user("judy", "CAN_MANAGE"), app(AcmeServingApp, "CAN_MANAGE"), group("analysts", "CAN_QUERY")}},
		// An endpoint of the service itself has no id and no permissions.
		{Type: "serving-endpoints", Name: "databricks-meta-llama-3-3-70b-instruct", Extra: map[string]any{"task": "llm/v1/chat"}},
	}
}
