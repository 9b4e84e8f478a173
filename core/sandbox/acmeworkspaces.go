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

// from is the entry as inherited from an object.
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
		ModelRootACL:   []ACE{group("data-scientists", "CAN_READ")},
		PATs: []*PAT{
			{ID: "tok-alice-1", Value: "dapi-acme-alice-prod", OwnerID: "1001", Comment: "laptop", CreationTime: acmeEpoch, ExpiryTime: -1, LastUsedDay: acmeEpoch + 300*acmeDay},
			{ID: "tok-bob-1", Value: "dapi-acme-bob-prod", OwnerID: "1002", Comment: "power bi", CreationTime: acmeEpoch + 10*acmeDay, ExpiryTime: acmeEpoch + 400*acmeDay, LastUsedDay: acmeEpoch + 20*acmeDay},
			{ID: "tok-frank-1", Value: "dapi-acme-frank-prod", OwnerID: "1006", Comment: "never expires", CreationTime: acmeEpoch, ExpiryTime: -1},
			{ID: "tok-etl-1", OwnerID: "2003", CreatedByID: "1007", Comment: "on behalf of etl", CreationTime: acmeEpoch + 5*acmeDay, ExpiryTime: -1, LastUsedDay: acmeEpoch + 318*acmeDay},
		},
		Scopes: []*SecretScope{
			// A password that everybody in data-engineering can read.
			{Name: "prod-creds", Backend: "DATABRICKS", Keys: []string{"warehouse-password"}, ACLs: []SecretACL{{"data-engineering", "READ"}, {"alice@acme.test", "MANAGE"}}},
			{Name: "finance", Backend: "AZURE_KEYVAULT", Keys: []string{"sap-token"}, ACLs: []SecretACL{{"erin@acme.test", "MANAGE"}, {AcmeETLApp, "READ"}}},
		},
		GlobalInitScripts: []*GlobalInitScript{{ID: "gis-1", Name: "proxy-ca", CreatedBy: "grace@acme.test", Enabled: true}},
		Objects:           acmeProdObjects(),
	}
}

func acmeStaging() *Workspace {
	return &Workspace{
		ID: AcmeStagingID, Name: "staging", DeploymentName: "acme-staging", Status: Running, Region: "eastus2", PricingTier: "PREMIUM",
		MetastoreID: AcmeMetastoreUS, DefaultCatalog: "staging_scratch",
		Assignments: []*Assignment{
			assignUser("3004"), assignAdmin("3015"), assignUser("3019"), assignAdmin("1009"), assignUser("2002"), assignUser("2004"),
		},
		LocalGroups: []*LocalGroup{
			// The name of an account group that is not in this workspace, and not that
			// group: its entries in lists here let niaj in and none of the account's analysts.
			{ID: "8102", DisplayName: "analysts", Members: []string{"1012"}},
		},
		Entitlements: map[string][]string{GroupUsers: defaultEntitlements, GroupAdmins: adminEntitlements},
		Conf:         map[string]string{"enableTokensConfig": "true"},
		TokensACL:    []ACE{group(GroupUsers, "CAN_USE")},
		PATs: []*PAT{
			{ID: "tok-ivan-1", Value: "dapi-acme-ivan-staging", OwnerID: "1009", Comment: "ci", CreationTime: acmeEpoch, ExpiryTime: -1, LastUsedDay: acmeEpoch + 310*acmeDay},
		},
		Objects: []*Object{
			{Type: "jobs", ID: "601", Name: "dbt_test", Creator: "niaj@acme.test", RunAs: AcmeDBTApp, ACL: []ACE{user("niaj", "IS_OWNER"), group("contractors", "CAN_MANAGE_RUN")}, Settings: map[string]any{
				"git_source": map[string]any{"git_url": "https://git.example.test/acme/dbt", "git_provider": "gitHub", "git_branch": "main"},
				"tasks":      []map[string]any{{"task_key": "test", "notebook_task": map[string]any{"notebook_path": "notebooks/dbt_test", "source": "GIT"}}},
			}},
			{Type: "warehouses", ID: "wh-stg", Name: "staging", Creator: "grace@acme.test", ACL: []ACE{user("grace", "IS_OWNER"), group("data-engineering", "CAN_MANAGE"), group("analysts", "CAN_USE")}, Extra: map[string]any{"state": warehouseStopped}},
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
			{Type: "dashboards", ID: "01f0bbbb00000000000000000000d002", Name: "Web traffic", Path: "/Workspace/Shared/Web traffic.lvdash.json", ACL: []ACE{user("heidi", "CAN_MANAGE"), group("sales-analytics", "CAN_READ")}, Published: &Published{}},
			{Type: "directories", ID: "9201", Name: "Shared", Path: "/Shared", ACL: []ACE{group(GroupUsers, "CAN_MANAGE")}},
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
