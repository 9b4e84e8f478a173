package sandbox

import "maps"

// acmeAuditUS is what Acme's people do in the region of acme-us. Of what they
// are granted some use little: bob reads orders and never changes them, erin has
// not opened the ledger for 200 days, zoe was refused when she tried, dave,
// mallory and victor do nothing at all, frank did nothing since he left. The log
// of acme-eu was never switched on.
func acmeAuditUS() *AuditLog {
	uc := func(who, action string, last, first, every int, params ...string) AuditHabit {
		h := AuditHabit{Who: who, Service: "unityCatalog", Action: action, WorkspaceID: AcmeProdID, Last: last, First: first, Every: every,
			Params: map[string]string{"workspace_id": "6051000000000101", "metastore_id": AcmeMetastoreUS}}
		for i := 0; i+1 < len(params); i += 2 {
			h.Params[params[i]] = params[i+1]
		}
		return h
	}
	// reads: the compute looks the table up, then asks for a credential.
	reads := func(who, table, operation string, last, first, every int) []AuditHabit {
		return []AuditHabit{
			uc(who, "getTable", last, first, every, "full_name_arg", table),
			uc(who, "generateTemporaryTableCredential", last, first, every, "table_full_name", table, "operation", operation, "is_permissions_enforcing_client", "true"),
		}
	}
	person := func(name string) string { return name + "@acme.test" }
	refused := uc("zoe@partner.test", "getTable", 40, 0, 0, "full_name_arg", "main.sales.customers")
	refused.Status, refused.Error = 403, "PERMISSION_DENIED: User does not have USE CATALOG on Catalog 'main'"
	nightly := uc(AcmeETLApp, "generateTemporaryTableCredential", 0, 400, 1, "table_full_name", "main.sales.orders", "operation", "READ_WRITE")
	nightly.RunBy, nightly.RunAs = person("grace"), AcmeETLApp
	staging := uc(AcmeDBTApp, "getTable", 1, 90, 1, "full_name_arg", "staging_scratch.dbt_tests.not_null_orders")
	staging.WorkspaceID = AcmeStagingID

	habits := []AuditHabit{
		nightly, refused, staging,
		uc(AcmeETLApp, "getTable", 0, 400, 1, "full_name_arg", "main.sales.orders"),
		uc(AcmeServingApp, "getModelVersion", 0, 180, 1, "full_name_arg", "prod_lakehouse.gold.churn", "version_arg", "3"),
		uc(person("niaj"), "generateTemporaryPathCredential", 100, 160, 20, "url", "abfss://raw@acmelake.dfs.example.test/2026", "operation", "PATH_READ"),
		uc(person("bob"), "generateTemporaryVolumeCredential", 40, 0, 0, "volume_full_name", "main.sales.exports", "operation", "READ_VOLUME"),
		uc(person("peggy"), "getFunction", 100, 0, 0, "full_name_arg", "main.sales.margin_of"),
		uc(person("alice"), "updatePermissions", 40, 0, 0, "securable_type", "table", "securable_full_name", "main.sales.orders", "changes", `[{"principal":"bob@acme.test","add":["MODIFY"]}]`),
		// Looking at a schema is no use of a table in it.
		uc(person("sybil"), "getSchema", 3, 30, 9, "full_name_arg", "prod_lakehouse.silver"),
		uc("System-User", "getTable", 1, 60, 7, "full_name_arg", "main.sales.orders"),
	}
	habits = append(habits, reads(person("alice"), "main.sales.orders", "READ", 3, 330, 5)...)
	habits = append(habits, reads("Alice@acme.test", "prod_lakehouse.silver.events", "READ_WRITE", 40, 0, 0)...)
	habits = append(habits, reads(person("bob"), "main.sales.orders", "READ", 100, 0, 0)...)
	habits = append(habits, reads(person("bob"), "main.sales.margin_by_region", "READ", 1, 91, 15)...)
	habits = append(habits, reads(person("erin"), "main.finance.ledger", "READ_WRITE", 200, 320, 30)...)
	habits = append(habits, reads(person("olivia"), "prod_lakehouse.gold.revenue", "READ", 200, 0, 0)...)
	habits = append(habits, reads(person("judy"), "ml.features.customer_features", "READ_WRITE", 40, 200, 8)...)
	habits = append(habits, reads("sean.o'brien@acme.test", AcmeHostileCatalog+".sch/ema #1."+AcmeHostileTable, "READ", 40, 0, 0)...)
	habits = append(habits, reads(person("frank"), "prod_lakehouse.silver.events", "READ", 300, 360, 6)...)
	return &AuditLog{Habits: append(habits, acmeSessions()...)}
}

// acmeSessions are log-ins, queries and job runs. With verbose audit logs on, a
// statement is there with its text.
func acmeSessions() []AuditHabit {
	var out []AuditHabit
	for _, person := range []struct {
		name string
		last int
	}{
		{"alice", 0}, {"bob", 1}, {"carol", 2}, {"erin", 1}, {"grace", 0}, {"heidi", 4}, {"ivan", 12}, {"judy", 6}, {"niaj", 3}, {"olivia", 40},
		{"peggy", 40}, {"quentin", 40}, {"rupert", 100}, {"sybil", 3}, {"trent", 100}, {"uma", 200}, {"wendy", 40}, {"xavier", 3}, {"yvonne", 200}, {"frank", 300},
	} {
		name := person.name + "@acme.test"
		out = append(out, AuditHabit{Who: name, Service: "accounts", Action: "oidcBrowserLogin", Last: person.last, First: person.last + 60, Every: 10, Params: map[string]string{"user": name}})
	}
	command := map[string]string{"warehouseId": "wh-bi", "commandText": "SELECT * FROM main.sales.margin_by_region"}
	submit := AuditHabit{Who: "bob@acme.test", Service: "databrickssql", Action: "commandSubmit", WorkspaceID: AcmeProdID, Last: 1, First: 91, Every: 15, Params: command}
	finish := submit
	finish.Action, finish.Params = "commandFinish", maps.Clone(command)
	return append(out, submit, finish,
		AuditHabit{Who: "frank@acme.test", Service: "jobs", Action: "runSucceeded", WorkspaceID: AcmeProdID, Last: 5, First: 300, Every: 7, Params: map[string]string{"jobId": "502", "jobTriggerType": "cron"}},
		AuditHabit{Who: AcmeETLApp, Service: "jobs", Action: "runSucceeded", WorkspaceID: AcmeProdID, Last: 0, First: 300, Params: map[string]string{"jobId": "501", "jobTriggerType": "cron"}, RunBy: "grace@acme.test", RunAs: AcmeETLApp},
		AuditHabit{Who: "dave@acme.test", Service: "accounts", Action: "oidcBrowserLogin", Last: 100, Status: 401, Error: "Authentication failed"},
	)
}
