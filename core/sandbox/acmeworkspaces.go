package sandbox

func assignUser(id string) *Assignment {
	return &Assignment{PrincipalID: id, Permissions: []string{AssignUser}}
}

func assignAdmin(id string) *Assignment {
	return &Assignment{PrincipalID: id, Permissions: []string{AssignAdmin}}
}

var (
	defaultEntitlements = []string{"workspace-access", "databricks-sql-access"}
	adminEntitlements   = []string{"workspace-access", "databricks-sql-access", "allow-cluster-create", "allow-instance-pool-create"}
)

func user(name, level string) ACE { return ACE{User: name + "@acme.test", Level: level} }

func group(name, level string) ACE { return ACE{Group: name, Level: level} }

func app(id, level string) ACE { return ACE{SP: id, Level: level} }

// from marks an entry as inherited.
func (e ACE) from(object string) ACE {
	e.InheritedFrom = []string{object}
	return e
}

func acmeProd() *Workspace {
	return &Workspace{
		ID: AcmeProdID, Name: "prod", DeploymentName: "acme-prod", Status: Running, Region: "eastus2", PricingTier: "PREMIUM",
		MetastoreID: AcmeMetastoreUS, DefaultCatalog: "main",
		Assignments: []*Assignment{
			assignUser("3003"), assignUser("3008"), assignUser("3011"), assignAdmin("3015"),
			assignUser("1005"), assignUser("1006"), assignUser("1011"), assignUser("1024"),
			assignUser("2002"), assignUser("2003"), assignUser("2005"), assignUser("2006"),
		},
		LocalGroups: []*LocalGroup{
			{ID: "8101", DisplayName: "prod-local-ops", Members: []string{"1001", "1012"}},
			// The same name as an account group, and not the same group.
			{ID: "8102", DisplayName: "analysts", Members: []string{"1022"}},
		},
		Entitlements: map[string][]string{
			GroupUsers: defaultEntitlements, GroupAdmins: adminEntitlements,
			"3003": {"allow-cluster-create"}, "1024": {"workspace-consume"}, "8101": {"allow-instance-pool-create"},
		},
		GuestRecords:   []*GuestRecord{{ID: "7024", UserName: AcmeGuestUPN, DisplayName: "Zoe Partner", ExternalID: "entra-guest-zoe", AccountUserID: "1024"}},
		RestrictAdmins: "ALLOW_ALL",
		Conf:           map[string]string{"enableTokensConfig": "true", "maxTokenLifetimeDays": "365", "enableIpAccessLists": "false"},
		TokensACL:      []ACE{group(GroupUsers, "CAN_USE"), group("data-engineering", "CAN_USE")},
		PasswordsACL:   []ACE{},
		PATs: []*PAT{
			{ID: "tok-alice-1", Value: "dapi-acme-alice-prod", OwnerID: "1001", Comment: "laptop", CreationTime: acmeEpoch, ExpiryTime: -1, LastUsedDay: acmeEpoch + 300*acmeDay},
			{ID: "tok-bob-1", Value: "dapi-acme-bob-prod", OwnerID: "1002", Comment: "power bi", CreationTime: acmeEpoch + 10*acmeDay, ExpiryTime: acmeEpoch + 400*acmeDay, LastUsedDay: acmeEpoch + 20*acmeDay},
			{ID: "tok-frank-1", Value: "dapi-acme-frank-prod", OwnerID: "1006", Comment: "never expires", CreationTime: acmeEpoch, ExpiryTime: -1},
			{ID: "tok-etl-1", OwnerID: "2003", CreatedByID: "1007", Comment: "on behalf of etl", CreationTime: acmeEpoch + 5*acmeDay, ExpiryTime: -1, LastUsedDay: acmeEpoch + 318*acmeDay},
		},
		Scopes: []*SecretScope{
			{Name: "prod-creds", Backend: "DATABRICKS", Keys: []string{"warehouse-password"}, ACLs: []SecretACL{{"data-engineering", "READ"}, {"alice@acme.test", "MANAGE"}}},
			{Name: "finance", Backend: "AZURE_KEYVAULT", Keys: []string{"sap-token"}, ACLs: []SecretACL{{"erin@acme.test", "MANAGE"}, {AcmeETLApp, "READ"}}},
		},
		GlobalInitScripts: []*GlobalInitScript{{ID: "gis-1", Name: "proxy-ca", CreatedBy: "grace@acme.test", Enabled: true}},
		Objects:           acmeProdObjects(),
	}
}

func acmeProdObjects() []*Object {
	shared := "/directories/9001"
	return []*Object{
		{Type: "jobs", ID: "501", Name: "nightly_etl", Creator: "grace@acme.test", RunAs: AcmeETLApp, ACL: []ACE{user("grace", "IS_OWNER"), user("alice", "CAN_MANAGE"), group("pipelines-oncall", "CAN_MANAGE_RUN"), group("analysts", "CAN_VIEW")}, Extra: map[string]any{"notebook_path": "/Shared/etl/ingest"}},
		{Type: "jobs", ID: "502", Name: "frank_weekly_report", Creator: "frank@acme.test", RunAs: "frank@acme.test", ACL: []ACE{user("frank", "IS_OWNER"), group("data-engineering", "CAN_MANAGE_RUN")}},
		{Type: "jobs", ID: "503", Name: "finance_close", Creator: "erin@acme.test", RunAs: "erin@acme.test", ACL: []ACE{user("erin", "IS_OWNER"), user("bob", "CAN_MANAGE")}},
		{Type: "clusters", ID: "0105-080000-legacy01", Name: "shared-legacy", Creator: "grace@acme.test", ACL: []ACE{group("analysts", "CAN_ATTACH_TO"), group("data-engineering", "CAN_RESTART")}, Extra: map[string]any{"data_security_mode": "NONE"}},
		{Type: "clusters", ID: "0105-080000-alice001", Name: "alice-dev", Creator: "alice@acme.test", ACL: []ACE{user("alice", "CAN_MANAGE")}, Extra: map[string]any{"data_security_mode": "SINGLE_USER", "single_user_name": "alice@acme.test"}},
		{Type: "clusters", ID: "0105-080000-carol001", Name: "carol-admin", Creator: "carol@acme.test", ACL: []ACE{user("niaj", "CAN_MANAGE")}, Extra: map[string]any{"data_security_mode": "SINGLE_USER", "single_user_name": "carol@acme.test"}},
		{Type: "cluster-policies", ID: "pol-engineers", Name: "engineers", Creator: "grace@acme.test", ACL: []ACE{group("engineering", "CAN_USE"), group("data-scientists", "CAN_USE")}},
		{Type: "instance-pools", ID: "pool-small", Name: "small", ACL: []ACE{group("engineering", "CAN_ATTACH_TO"), group("prod-local-ops", "CAN_MANAGE")}},
		{Type: "pipelines", ID: "pipe-silver", Name: "silver_refresh", Creator: "niaj@acme.test", RunAs: AcmeDBTApp, ACL: []ACE{user("niaj", "IS_OWNER"), group("pipelines-oncall", "CAN_RUN"), user("sybil", "CAN_MANAGE")}},
		{Type: "warehouses", ID: "wh-bi", Name: "bi", Creator: "grace@acme.test", ACL: []ACE{user("grace", "IS_OWNER"), group("analysts", "CAN_USE"), user("alice", "CAN_MONITOR"), {User: "zoe@partner.test", Level: "CAN_USE"}}},
		{Type: "directories", ID: "9001", Name: "Shared", Path: "/Shared", ACL: []ACE{group(GroupUsers, "CAN_MANAGE")}},
		{Type: "directories", ID: "9002", Name: "etl", Path: "/Shared/etl", ACL: []ACE{group(GroupUsers, "CAN_MANAGE").from(shared)}},
		{Type: "notebooks", ID: "9003", Name: "ingest", Path: "/Shared/etl/ingest", ACL: []ACE{group(GroupUsers, "CAN_MANAGE").from(shared), user("alice", "CAN_EDIT")}},
		{Type: "directories", ID: "9004", Name: "Users", Path: "/Users"},
		{Type: "directories", ID: "9005", Name: "alice@acme.test", Path: "/Users/alice@acme.test", ACL: []ACE{user("alice", "CAN_MANAGE")}},
		{Type: "notebooks", ID: "9006", Name: "scratch", Path: "/Users/alice@acme.test/scratch", ACL: []ACE{user("alice", "CAN_MANAGE").from("/directories/9005"), user("bob", "CAN_RUN")}},
		{Type: "files", ID: "9007", Name: "helpers.py", Path: "/Users/alice@acme.test/helpers.py", ACL: []ACE{user("alice", "CAN_MANAGE").from("/directories/9005")}},
		{Type: "repos", ID: "9008", Name: "etl", Path: "/Repos/alice@acme.test/etl", ACL: []ACE{user("alice", "CAN_MANAGE"), group("data-engineering", "CAN_READ")}},
		{Type: "queries", ID: "q-revenue", Name: "revenue by month", Owner: "erin@acme.test", ACL: []ACE{user("erin", "CAN_MANAGE"), group("analysts", "CAN_RUN")}, Extra: map[string]any{"run_as_mode": "OWNER", "warehouse_id": "wh-bi"}},
		{Type: "alerts", ID: "al-freshness", Name: "freshness", Owner: "alice@acme.test", ACL: []ACE{user("alice", "CAN_MANAGE"), group("pipelines-oncall", "CAN_RUN")}},
		{Type: "alertsv2", ID: "al2-cost", Name: "cost", Owner: "erin@acme.test", ACL: []ACE{user("erin", "CAN_MANAGE")}},
		{Type: "dbsql-dashboards", ID: "ld-old", Name: "old sales", Owner: "bob@acme.test", ACL: []ACE{user("bob", "CAN_MANAGE"), group("sales-analytics", "CAN_VIEW")}},
		{Type: "dashboards", ID: "01f0aaaa00000000000000000000d001", Name: "Executive KPIs", Path: "/Workspace/Users/erin@acme.test/Executive KPIs.lvdash.json", Owner: "erin@acme.test", ACL: []ACE{user("erin", "CAN_MANAGE"), group(GroupAccountUsers, "CAN_READ")}, Extra: map[string]any{"embed_credentials": true}},
		{Type: "genie", ID: "01f0aaaa00000000000000000000e001", Name: "Ask sales", ACL: []ACE{user("alice", "CAN_MANAGE"), group("sales-analytics", "CAN_RUN")}},
		{Type: "experiments", ID: "4001", Name: "/Shared/churn", Creator: "judy@acme.test", ACL: []ACE{user("judy", "CAN_MANAGE"), group("data-scientists", "CAN_EDIT")}},
		{Type: "registered-models", ID: "0123456789abcdef0123456789abcdef", Name: "legacy_churn", Creator: "judy@acme.test", ACL: []ACE{user("judy", "CAN_MANAGE"), group("ml-platform", "CAN_READ")}},
		{Type: "serving-endpoints", ID: "ep-0001", Name: "churn-endpoint", Creator: "judy@acme.test", ACL: []ACE{user("judy", "CAN_MANAGE"), app(AcmeServingApp, "CAN_MANAGE"), group("analysts", "CAN_QUERY")}},
		{Type: "apps", ID: "sales-app", Name: "sales-app", Creator: "alice@acme.test", ACL: []ACE{user("alice", "CAN_MANAGE"), group("sales-analytics", "CAN_USE")}, Extra: map[string]any{"service_principal_client_id": AcmeServingApp}},
	}
}

func acmeStaging() *Workspace {
	return &Workspace{
		ID: AcmeStagingID, Name: "staging", DeploymentName: "acme-staging", Status: Running, Region: "eastus2", PricingTier: "PREMIUM",
		MetastoreID: AcmeMetastoreUS, DefaultCatalog: "staging_scratch",
		Assignments: []*Assignment{
			assignUser("3004"), assignAdmin("3015"), assignUser("3019"), assignAdmin("1009"), assignUser("2002"), assignUser("2004"),
		},
		Entitlements: map[string][]string{GroupUsers: defaultEntitlements, GroupAdmins: adminEntitlements},
		Conf:         map[string]string{"enableTokensConfig": "true"},
		TokensACL:    []ACE{group(GroupUsers, "CAN_USE")},
		PATs: []*PAT{
			{ID: "tok-ivan-1", Value: "dapi-acme-ivan-staging", OwnerID: "1009", Comment: "ci", CreationTime: acmeEpoch, ExpiryTime: -1, LastUsedDay: acmeEpoch + 310*acmeDay},
		},
		Objects: []*Object{
			{Type: "jobs", ID: "601", Name: "dbt_test", Creator: "niaj@acme.test", RunAs: AcmeDBTApp, ACL: []ACE{user("niaj", "IS_OWNER"), group("contractors", "CAN_MANAGE_RUN")}},
			{Type: "warehouses", ID: "wh-stg", Name: "staging", Creator: "grace@acme.test", ACL: []ACE{user("grace", "IS_OWNER"), group("data-engineering", "CAN_MANAGE")}},
			{Type: "directories", ID: "9101", Name: "Shared", Path: "/Shared", ACL: []ACE{group(GroupUsers, "CAN_MANAGE")}},
		},
	}
}

// acmeAnalytics is entered by everybody, through the account users group.
func acmeAnalytics() *Workspace {
	return &Workspace{
		ID: AcmeAnalyticsID, Name: "analytics-eu", DeploymentName: "acme-analytics-eu", Status: Running, Region: "westeurope", PricingTier: "PREMIUM",
		MetastoreID: AcmeMetastoreEU, DefaultCatalog: "acme_analytics_eu",
		Assignments: []*Assignment{assignUser("3001"), assignAdmin("3015"), assignAdmin("1008")},
		Entitlements: map[string][]string{
			GroupUsers: {"databricks-sql-access"}, GroupAdmins: adminEntitlements, "1004": {"workspace-access"},
		},
		RestrictAdmins: "RESTRICT_TOKENS_AND_JOB_RUN_AS",
		Conf:           map[string]string{"enableTokensConfig": "false"},
		TokensACL:      []ACE{},
		Objects: []*Object{
			{Type: "warehouses", ID: "wh-eu", Name: "eu", Creator: "heidi@acme.test", ACL: []ACE{user("heidi", "IS_OWNER"), group(GroupUsers, "CAN_USE")}},
			{Type: "dashboards", ID: "01f0bbbb00000000000000000000d002", Name: "Web traffic", Path: "/Workspace/Shared/Web traffic.lvdash.json", Owner: "heidi@acme.test", ACL: []ACE{user("heidi", "CAN_MANAGE"), group("sales-analytics", "CAN_READ")}},
		},
	}
}

// acmeLab never came up.
func acmeLab() *Workspace {
	return &Workspace{
		ID: AcmeLabID, Name: "lab", DeploymentName: "acme-lab", Status: "FAILED", Region: "eastus2", PricingTier: "PREMIUM",
		MetastoreID: AcmeMetastoreUS, NoIdentityFederation: true,
	}
}
