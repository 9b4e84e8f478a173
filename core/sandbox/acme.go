package sandbox

import "strings"

// Ids and names of Acme that tests and documentation refer to.
const (
	AcmeAccountID = "4c1b7e52-9a34-4f0e-8d61-ac3e00000001"
	AcmeDomain    = "acme.test"

	AcmeProdID      int64 = 6051000000000101
	AcmeStagingID   int64 = 6051000000000102
	AcmeAnalyticsID int64 = 6051000000000103
	AcmeLabID       int64 = 6051000000000104

	AcmeMetastoreUS = "11111111-aaaa-4aaa-8aaa-000000000001"
	AcmeMetastoreEU = "22222222-bbbb-4bbb-8bbb-000000000002"

	// AcmeAuditorApp and the others are the application ids of Acme's service principals.
	AcmeAuditorApp  = "a0d17000-0000-4000-8000-000000002001"
	AcmeLimitedApp  = "a0d17000-0000-4000-8000-000000002002"
	AcmeETLApp      = "e7100000-0000-4000-8000-000000002003"
	AcmeDBTApp      = "db700000-0000-4000-8000-000000002004"
	AcmeServingApp  = "5e470000-0000-4000-8000-000000002005"
	AcmeImpostorApp = "0b0b0000-0000-4000-8000-000000002006"
	AcmeLegacyApp   = "1e6ac000-0000-4000-8000-000000002007"

	// AcmeHostileGroup is a group name that wants to be a mention and a formula.
	AcmeHostileGroup = `<!channel> =HYPERLINK("http://evil.test")`
	// AcmeHostileCatalog has every character that breaks URLs and SQL.
	AcmeHostileCatalog = `od'd "names" 100%/#?&é`
	// AcmeHostileTable carries a bidi override and a terminal escape.
	AcmeHostileTable = "inv\u202eoice\u202c \x1b[31mred\x1b[0m 表"
	// AcmeGuestUPN is the workspace user name of the B2B guest.
	AcmeGuestUPN = "zoe_partner.test#EXT#@acme.onmicrosoft.com"
)

// acmeEpoch is 2026-01-05 08:00 UTC in milliseconds: when things at Acme were made.
const acmeEpoch int64 = 1767600000000

const acmeDay int64 = 24 * 60 * 60 * 1000

// Acme is a believable company. It is a new value at each call and always the
// same.
//
// Workspaces prod and staging are on metastore acme-us, analytics-eu on acme-eu;
// lab is not running. Alice, a data engineer, is in pipelines-oncall and
// sales-analytics; owns main.sales; holds a personal SELECT on
// main.sales.orders that sales-analytics makes redundant; reaches prod through
// engineering, staging through data-engineering and analytics-eu through account
// users; and can become etl-nightly. Bob is an analyst, Carol an account and
// metastore admin, Grace admin of all workspaces, Heidi owner of the EU's data,
// Ivan a contractor who is admin of staging and sits in a cycle of groups,
// Frank deactivated with a job and a token, Zoe a guest with two records in
// prod, Mallory manager of finance-readers and holder of MANAGE on ml, Trent
// account admin through a group, Sybil manager of a pipeline that runs as
// dbt-runner, and user 1099 gone, leaving a grant on payroll.
//
// Ways round that are there to be found: alice manages nightly_etl, which runs
// as etl-nightly, and whose notebook in /Shared everybody in prod can change and
// pipelines-oncall can start with a parameter; bob manages finance_close, which
// runs as erin because nobody said otherwise; niaj manages carol's own cluster
// and can make himself a user of dbt-runner; analysts attach to a cluster
// without isolation, whose init script lies in the DBFS root; data-engineering
// reads the secrets of prod-creds; sales-app runs as ml-serving; a query and a
// dashboard show erin's data to those who have no grant on it, as the function
// margin_of does; dave may assign the tag pii; dbt-runner may read staging from
// outside; platform keeps the allowlist of libraries; and personal compute is on
// for everybody.
// Staging has its own group analysts, which has nothing to do with the account's.
func Acme() *Account {
	a := &Account{
		ID:                AcmeAccountID,
		Name:              "Acme",
		Cloud:             "azure",
		Domain:            AcmeDomain,
		Users:             acmeUsers(),
		ServicePrincipals: acmeServicePrincipals(),
		Groups:            acmeGroups(),
		Metastores:        []*Metastore{acmeUS(), acmeEU()},
		Workspaces:        []*Workspace{acmeProd(), acmeStaging(), acmeAnalytics(), acmeLab()},
		BudgetPolicies:    []string{"bp-research"},
		TagPolicies:       []string{"tp-pii"},
		PersonalCompute:   "ON",
		EmptyPages:        []string{"schemas", "volumes"},
		Auditor:           Credentials{AcmeAuditorApp, "acme-auditor-secret"},
		LimitedAuditor:    Credentials{AcmeLimitedApp, "acme-limited-secret"},
	}
	a.RuleSets = acmeRuleSets()
	return a
}

func acmeUsers() []*User {
	idp := func(id, name, display string) *User {
		return &User{ID: id, UserName: name + "@acme.test", DisplayName: display, ExternalID: "entra-user-" + id}
	}
	users := []*User{
		idp("1001", "alice", "Alice Martin"),
		idp("1002", "bob", "Bob Keller"),
		idp("1003", "carol", "Carol Diaz"),
		idp("1004", "dave", "Dave Okafor"),
		idp("1005", "erin", "Erin Walsh"),
		idp("1006", "frank", "Frank Moreau"),
		idp("1007", "grace", "Grace Lindqvist"),
		idp("1008", "heidi", "Heidi Brandt"),
		{ID: "1009", UserName: "ivan@acme.test", DisplayName: "Ivan Petrov"},
		idp("1010", "judy", "Judy Tanaka"),
		idp("1011", "mallory", "Mallory Reyes"),
		idp("1012", "niaj", "Niaj Rahman"),
		idp("1013", "olivia", "Olivia Chen"),
		idp("1014", "peggy", "Peggy Novak"),
		idp("1015", "quentin", "Quentin Adler"),
		idp("1016", "rupert", "Rupert Singh"),
		idp("1017", "sybil", "Sybil Costa"),
		idp("1018", "trent", "Trent Mbeki"),
		idp("1019", "uma", "Uma Eriksen"),
		idp("1020", "victor", "Victor Laurent"),
		idp("1021", "wendy", "Wendy Park"),
		idp("1022", "xavier", "Xavier Soto"),
		idp("1023", "yvonne", "Yvonne Achebe"),
		{ID: "1024", UserName: "zoe@partner.test", DisplayName: "Zoe Partner", ExternalID: "entra-guest-zoe"},
		{ID: "1025", UserName: "sean.o'brien@acme.test", DisplayName: "Seán O'Brien", ExternalID: "entra-user-1025"},
	}
	users[2].Roles = []string{RoleAccountAdmin} // carol
	users[5].Inactive = true                    // frank
	return users
}

func acmeServicePrincipals() []*ServicePrincipal {
	secret := func(id, value string) []*Secret {
		return []*Secret{{ID: "secret-" + id, Value: value, CreateTime: "2026-01-05T08:00:00Z", ExpireTime: "2028-01-05T08:00:00Z"}}
	}
	return []*ServicePrincipal{
		{ID: "2001", ApplicationID: AcmeAuditorApp, DisplayName: "access-auditor", Roles: []string{RoleAccountAdmin}, Secrets: secret("2001", "acme-auditor-secret")},
		{ID: "2002", ApplicationID: AcmeLimitedApp, DisplayName: "access-auditor-limited", Secrets: secret("2002", "acme-limited-secret")},
		{ID: "2003", ApplicationID: AcmeETLApp, DisplayName: "etl-nightly", Secrets: secret("2003", "acme-etl-secret"), FederationPolicies: []*FederationPolicy{
			{ID: "fp-2003", Name: "github", Issuer: "https://token.actions.example.test", Subject: "repo:acme/etl:ref:refs/heads/main", Audiences: []string{"databricks"}, CreateTime: "2026-02-01T09:00:00Z"},
		}},
		{ID: "2004", ApplicationID: AcmeDBTApp, DisplayName: "dbt-runner", ExternalID: "entra-sp-2004"},
		{ID: "2005", ApplicationID: AcmeServingApp, DisplayName: "ml-serving"},
		{ID: "2006", ApplicationID: AcmeImpostorApp, DisplayName: "bob@acme.test"},
		{ID: "2007", ApplicationID: AcmeLegacyApp, DisplayName: "legacy-loader", Inactive: true},
	}
}

// acmeGroups nests four deep (all-staff > engineering > data-engineering >
// pipelines-oncall), has one diamond (alice reaches lakehouse-users through
// data-engineering and through sales-analytics) and one cycle (loop-red and
// loop-blue).
func acmeGroups() []*Group {
	idp := func(id, name string, members ...string) *Group {
		return &Group{ID: id, DisplayName: name, ExternalID: "entra-group-" + id, Members: members}
	}
	own := func(id, name string, members ...string) *Group {
		return &Group{ID: id, DisplayName: name, Members: members}
	}
	groups := []*Group{
		{ID: "3001", DisplayName: GroupAccountUsers, System: true},
		idp("3002", "all-staff", "3003", "3008", "3011", "1005", "1008", "1011", "1015", "1016", "1019", "1020", "1021", "1022", "1023"),
		idp("3003", "engineering", "3004", "3005"),
		idp("3004", "data-engineering", "3006", "1012", "1017"),
		idp("3005", "platform", "1003", "1007"),
		idp("3006", "pipelines-oncall", "1001", "1006"),
		own("3007", "lakehouse-users", "3004", "3009"),
		idp("3008", "analysts", "1002", "1013", "1014", "1025"),
		own("3009", "sales-analytics", "1001", "3008"),
		own("3010", "finance-readers", "1005"),
		idp("3011", "data-scientists", "1004", "1010"),
		own("3012", "ml-platform", "3011", "2005"),
		own("3013", "metastore-admins-us", "1003", "2001"),
		own("3014", "metastore-admins-eu", "1008", "2001"),
		own("3015", "workspace-admins", "1007", "2001"),
		own("3016", "loop-red", "3017"),
		own("3017", "loop-blue", "3016", "1009"),
		own("3018", AcmeHostileGroup, "1009"),
		idp("3019", "contractors", "1009", "1024"),
		own("3020", "account-admins", "1018"),
	}
	groups[19].Roles = []string{RoleAccountAdmin}
	return groups
}

func acmeRuleSets() []*RuleSet {
	prefix := "accounts/" + AcmeAccountID + "/"
	return []*RuleSet{
		{Name: prefix + "ruleSets/default", Version: 3, Rules: []GrantRule{
			{"roles/billing.admin", []string{"users/erin@acme.test"}},
			{"roles/marketplace.admin", []string{"groups/platform"}},
		}},
		{Name: prefix + "groups/3010/ruleSets/default", Version: 1, Rules: []GrantRule{
			{"roles/group.manager", []string{"users/mallory@acme.test"}},
		}},
		{Name: prefix + "groups/3012/ruleSets/default", Version: 2, Rules: []GrantRule{
			{"roles/group.assumer", []string{"users/bob@acme.test"}},
		}},
		{Name: prefix + "servicePrincipals/" + AcmeETLApp + "/ruleSets/default", Version: 4, Rules: []GrantRule{
			{"roles/servicePrincipal.user", []string{"users/alice@acme.test"}},
			{"roles/servicePrincipal.manager", []string{"groups/platform"}},
		}},
		{Name: prefix + "servicePrincipals/" + AcmeDBTApp + "/ruleSets/default", Version: 1, Rules: []GrantRule{
			{"roles/servicePrincipal.manager", []string{"users/niaj@acme.test"}},
		}},
		{Name: prefix + "budgetPolicies/bp-research/ruleSets/default", Version: 1, Rules: []GrantRule{
			{"roles/budgetPolicy.user", []string{"groups/data-scientists"}},
		}},
		{Name: prefix + "tagPolicies/tp-pii/ruleSets/default", Version: 1, Rules: []GrantRule{
			{"roles/tagPolicy.assigner", []string{"users/dave@acme.test"}},
		}},
	}
}

// grant writes a grant: a principal and its privileges, separated by spaces.
func grant(principal, privileges string) Grant {
	return Grant{Principal: principal, Privileges: strings.Fields(privileges)}
}

func sec(name, owner string, grants ...Grant) Securable {
	return Securable{Name: name, Owner: owner, Grants: grants}
}

func isolatedTo(bindings ...Binding) Isolation { return Isolation{Mode: Isolated, Bindings: bindings} }

func cols(names ...string) []Column {
	out := make([]Column, len(names))
	for i, n := range names {
		out[i] = Column{Name: n, Type: "string"}
	}
	return out
}

// systemUser owns what Databricks made.
const systemUser = "System user"

// informationSchema is in every catalog.
func informationSchema() *Schema {
	return &Schema{Securable: sec("information_schema", systemUser, grant(GroupAccountUsers, "USE_SCHEMA"))}
}

func acmeUS() *Metastore {
	return &Metastore{
		ID: AcmeMetastoreUS, Name: "acme-us", Region: "eastus2", Owner: "metastore-admins-us", ExternalAccessEnabled: true,
		Audit: acmeAuditUS(),
		Grants: []Grant{
			grant("platform", "CREATE_CATALOG CREATE_CONNECTION MANAGE_ALLOWLIST"),
			grant("data-engineering", "CREATE_EXTERNAL_LOCATION"),
			grant("analysts", "USE_SHARE"),
		},
		Catalogs: []*Catalog{
			acmeMain(), acmeProdLakehouse(), acmeReference(), acmeStagingCatalog(), acmeML(),
			acmeSharedDim("us"), acmeHostile(), acmeSystem(), acmeSamples(),
		},
		ExternalLocations: []*ExternalLocation{
			{Securable: sec("raw_landing", "platform", grant("data-engineering", "READ_FILES WRITE_FILES"), grant(AcmeETLApp, "READ_FILES")), URL: "abfss://raw@acmelake.dfs.example.test/", CredentialName: "lake_credential"},
			{Securable: sec("finance_vault", "erin@acme.test", grant("finance-readers", "READ_FILES")), Isolation: isolatedTo(Binding{WorkspaceID: AcmeProdID}), URL: "abfss://vault@acmefin.dfs.example.test/", CredentialName: "finance_credential", IsReadOnly: true},
		},
		Credentials: []*Credential{
			{Securable: sec("lake_credential", "platform", grant("pipelines-oncall", "CREATE_EXTERNAL_LOCATION"))},
			{Securable: sec("finance_credential", "erin@acme.test"), Isolation: isolatedTo(Binding{WorkspaceID: AcmeProdID})},
			{Securable: sec("vision_service", "ml-platform", grant("data-scientists", "ACCESS")), Purpose: "SERVICE"},
		},
		Connections: []*Connection{
			{Securable: sec("crm_postgres", "grace@acme.test", grant("analysts", "USE_CONNECTION")), Type: "POSTGRESQL"},
		},
		Shares: []*Share{
			{Securable: sec("sales_share", "alice@acme.test", grant("partner_corp", "SELECT")), Objects: []string{"main.sales.orders"}},
		},
		Recipients: []*Recipient{{Securable: sec("partner_corp", "alice@acme.test")}},
		Providers:  []*Provider{{Securable: sec("weather_data", "platform")}},
	}
}

// acmeMain is open to all: alice owns sales, and holds a personal grant on
// orders that sales-analytics makes redundant.
func acmeMain() *Catalog {
	return &Catalog{
		Securable: sec("main", "platform", grant(GroupAccountUsers, "USE_CATALOG BROWSE"), grant("lakehouse-users", "USE_SCHEMA")),
		Schemas: []*Schema{
			{
				Securable: sec("sales", "alice@acme.test", grant("sales-analytics", "USE_SCHEMA SELECT"), grant("zoe@partner.test", "USE_SCHEMA")),
				Tables: []*Table{
					{Securable: sec("orders", "alice@acme.test", grant("alice@acme.test", "SELECT"), grant("bob@acme.test", "SELECT MODIFY"), grant(AcmeETLApp, "MODIFY SELECT")), Columns: cols("id", "region", "amount")},
					{
						Securable: sec("customers", "alice@acme.test", grant("zoe@partner.test", "SELECT")),
						Columns:   []Column{{Name: "id", Type: "bigint"}, {Name: "email", Type: "string", Mask: "main.sales.mask_email"}, {Name: "region", Type: "string"}},
						RowFilter: "main.sales.own_region", RowFilterColumns: []string{"region"},
					},
					{Securable: sec("margin_by_region", "erin@acme.test", grant("analysts", "SELECT")), Type: "VIEW", ViewDefinition: "SELECT region, sum(margin) FROM main.finance.ledger GROUP BY region", Dependencies: []string{"main.finance.ledger"}, Columns: cols("region", "margin")},
					// Lies in finance_vault, which is bound to prod alone, while main is open to every workspace.
					{Securable: sec("refunds", "erin@acme.test"), Type: "EXTERNAL", StorageLocation: "abfss://vault@acmefin.dfs.example.test/refunds", Columns: cols("order", "amount")},
				},
				Volumes: []*Volume{{Securable: sec("exports", "alice@acme.test", grant("sales-analytics", "READ_VOLUME"))}},
				Functions: []*Function{
					{Securable: sec("mask_email", "alice@acme.test"), Definition: "'***'"},
					{Securable: sec("own_region", "grace@acme.test", grant("analysts", "EXECUTE")), Definition: "region = 'EU'"},
					// Reads as erin what analysts may not read.
					{Securable: sec("margin_of", "erin@acme.test", grant("analysts", "EXECUTE")), Definition: "(SELECT sum(margin) FROM main.finance.ledger l WHERE l.region = r)", Dependencies: []string{"main.finance.ledger"}},
				},
			},
			{
				Securable: sec("finance", "erin@acme.test", grant("finance-readers", "USE_SCHEMA SELECT")),
				Tables: []*Table{
					{Securable: sec("ledger", "erin@acme.test", grant("dave@acme.test", "SELECT")), Columns: cols("region", "margin")},
					{Securable: sec("payroll", "erin@acme.test", Grant{PrincipalID: "1099", Privileges: []string{"SELECT"}}, grant("frank@acme.test", "SELECT")), Columns: cols("employee", "salary")},
				},
			},
			{Securable: sec("default", "platform")},
			informationSchema(),
		},
	}
}

// acmeProdLakehouse can be used from prod only.
func acmeProdLakehouse() *Catalog {
	return &Catalog{
		Securable: sec("prod_lakehouse", "platform", grant("lakehouse-users", "USE_CATALOG"), grant(AcmeETLApp, "USE_CATALOG USE_SCHEMA SELECT MODIFY CREATE_TABLE"), grant("niaj@acme.test", "MANAGE")),
		Isolation: isolatedTo(Binding{WorkspaceID: AcmeProdID, Type: ReadWrite}),
		Schemas: []*Schema{
			{
				Securable: sec("bronze", "platform", grant("data-engineering", "ALL_PRIVILEGES")),
				Tables:    []*Table{{Securable: sec("events_raw", AcmeETLApp), Columns: cols("ts", "body")}},
				Volumes:   []*Volume{{Securable: sec("landing", AcmeETLApp, grant("pipelines-oncall", "WRITE_VOLUME")), Type: "EXTERNAL", StorageLocation: "abfss://raw@acmelake.dfs.example.test/landing"}},
			},
			{
				Securable: sec("silver", "data-engineering", grant("alice@acme.test", "USE_SCHEMA SELECT MODIFY")),
				Tables:    []*Table{{Securable: sec("events", "data-engineering"), Columns: cols("ts", "kind", "user")}, {Securable: sec("events_stream", AcmeDBTApp), Type: "STREAMING_TABLE"}},
				Functions: []*Function{{Securable: sec("clean_phone", "alice@acme.test", grant("data-engineering", "EXECUTE")), Definition: "regexp_replace(p, '[^0-9]', '')"}},
			},
			{
				Securable: sec("gold", "platform", grant("lakehouse-users", "USE_SCHEMA SELECT"), grant("ml-platform", "USE_SCHEMA EXECUTE")),
				Tables:    []*Table{{Securable: sec("revenue", "platform", grant("olivia@acme.test", "SELECT")), Columns: cols("month", "revenue")}, {Securable: sec("revenue_mv", AcmeDBTApp), Type: "MATERIALIZED_VIEW", Dependencies: []string{"prod_lakehouse.gold.revenue"}}},
				Models:    []*Model{{Securable: sec("churn", "judy@acme.test", grant(AcmeServingApp, "EXECUTE"))}},
			},
			informationSchema(),
		},
	}
}

// acmeReference is read-write from prod and read-only from staging.
func acmeReference() *Catalog {
	return &Catalog{
		Securable: sec("reference", "grace@acme.test", grant(GroupAccountUsers, "USE_CATALOG USE_SCHEMA SELECT"), grant("data-engineering", "MODIFY")),
		Isolation: isolatedTo(Binding{WorkspaceID: AcmeProdID, Type: ReadWrite}, Binding{WorkspaceID: AcmeStagingID, Type: ReadOnly}),
		Schemas: []*Schema{
			{Securable: sec("geo", "grace@acme.test"), Tables: []*Table{{Securable: sec("countries", "grace@acme.test"), Columns: cols("iso", "name")}}},
			informationSchema(),
		},
	}
}

func acmeStagingCatalog() *Catalog {
	return &Catalog{
		Securable: sec("staging_scratch", AcmeDBTApp, grant("data-engineering", "USE_CATALOG USE_SCHEMA CREATE_SCHEMA CREATE_TABLE"), grant("contractors", "USE_CATALOG")),
		Isolation: isolatedTo(Binding{WorkspaceID: AcmeStagingID}),
		Schemas: []*Schema{
			{Securable: sec("dbt_tests", AcmeDBTApp, grant("contractors", "USE_SCHEMA SELECT"), grant(AcmeDBTApp, "EXTERNAL_USE_SCHEMA")), Tables: []*Table{{Securable: sec("not_null_orders", AcmeDBTApp), Columns: cols("id")}}},
			informationSchema(),
		},
	}
}

func acmeML() *Catalog {
	return &Catalog{
		Securable: sec("ml", "ml-platform", grant("data-scientists", "USE_CATALOG USE_SCHEMA"), grant("mallory@acme.test", "MANAGE"), grant("loop-red", "USE_CATALOG")),
		Schemas: []*Schema{
			{
				Securable: sec("features", "judy@acme.test", grant("dave@acme.test", "ALL_PRIVILEGES"), grant("loop-blue", "USE_SCHEMA SELECT")),
				Tables:    []*Table{{Securable: sec("customer_features", "judy@acme.test"), Columns: cols("id", "f1")}},
				Models:    []*Model{{Securable: sec("uplift", "dave@acme.test", grant("data-scientists", "EXECUTE"))}},
			},
			informationSchema(),
		},
	}
}

// acmeSharedDim is there in both metastores, under the same name.
func acmeSharedDim(region string) *Catalog {
	return &Catalog{
		Securable: sec("shared_dim", "platform", grant(GroupAccountUsers, "USE_CATALOG"), grant("sales-analytics", "USE_SCHEMA")),
		Schemas: []*Schema{
			{Securable: sec("dates", "platform", grant("sales-analytics", "SELECT")), Tables: []*Table{{Securable: sec("calendar_"+region, "platform"), Columns: cols("day")}}},
			informationSchema(),
		},
	}
}

func acmeHostile() *Catalog {
	return &Catalog{
		Securable: sec(AcmeHostileCatalog, "ivan@acme.test", grant(AcmeHostileGroup, "USE_CATALOG USE_SCHEMA"), grant("sean.o'brien@acme.test", "USE_CATALOG")),
		Schemas: []*Schema{
			{
				Securable: sec("sch/ema #1", "ivan@acme.test", grant("sean.o'brien@acme.test", "USE_SCHEMA")),
				Tables:    []*Table{{Securable: sec(AcmeHostileTable, "ivan@acme.test", grant("sean.o'brien@acme.test", "SELECT"), grant(AcmeHostileGroup, "SELECT"))}},
			},
			informationSchema(),
		},
	}
}

func acmeSystem() *Catalog {
	return &Catalog{
		Securable: sec("system", systemUser, grant(GroupAccountUsers, "USE_CATALOG")),
		Type:      "SYSTEM_CATALOG",
		Schemas: []*Schema{
			{Securable: sec("access", systemUser, grant("platform", "USE_SCHEMA SELECT"), grant(AcmeAuditorApp, "USE_SCHEMA SELECT")), Tables: []*Table{{Securable: sec("audit", systemUser)}}},
			informationSchema(),
		},
	}
}

func acmeSamples() *Catalog {
	return &Catalog{
		Securable:    sec("samples", systemUser, grant(GroupAccountUsers, "USE_CATALOG USE_SCHEMA SELECT EXECUTE READ_VOLUME")),
		Type:         "DELTASHARING_CATALOG",
		ProviderName: "databricks", ShareName: "samples",
		Schemas: []*Schema{{Securable: sec("nyctaxi", systemUser), Tables: []*Table{{Securable: sec("trips", systemUser)}}}, informationSchema()},
	}
}

func acmeEU() *Metastore {
	hiddenAdmins, hiddenUsers := acmeHidden("admins", AcmeAnalyticsID), acmeHidden("users", AcmeAnalyticsID)
	return &Metastore{
		ID: AcmeMetastoreEU, Name: "acme-eu", Region: "westeurope", Owner: "metastore-admins-eu",
		Grants: []Grant{grant(hiddenAdmins, "CREATE_CATALOG CREATE_EXTERNAL_LOCATION CREATE_STORAGE_CREDENTIAL CREATE_CONNECTION CREATE_SHARE CREATE_RECIPIENT CREATE_PROVIDER")},
		Catalogs: []*Catalog{
			{
				Securable: sec("analytics", "heidi@acme.test", grant(GroupAccountUsers, "USE_CATALOG"), grant("data-scientists", "USE_SCHEMA SELECT")),
				Schemas: []*Schema{
					{
						Securable: sec("web", "heidi@acme.test", grant("sales-analytics", "USE_SCHEMA SELECT"), grant("sybil@acme.test", "USE_SCHEMA")),
						Tables:    []*Table{{Securable: sec("sessions", "heidi@acme.test", grant("bob@acme.test", "SELECT"), grant("sybil@acme.test", "SELECT")), Columns: cols("id", "user")}, {Securable: sec("visitors", "heidi@acme.test"), Columns: cols("id", "ip")}},
					},
					informationSchema(),
				},
			},
			acmeSharedDim("eu"),
			{
				// Nobody can use it until heidi or a metastore admin binds it.
				Securable: sec("eu_gdpr", "heidi@acme.test", grant("data-scientists", "USE_CATALOG USE_SCHEMA SELECT")),
				Isolation: isolatedTo(),
				Schemas:   []*Schema{{Securable: sec("subjects", "heidi@acme.test"), Tables: []*Table{{Securable: sec("requests", "heidi@acme.test")}}}, informationSchema()},
			},
			{
				// The workspace catalog of a workspace that was enabled automatically.
				Securable: sec("acme_analytics_eu", hiddenAdmins, grant(hiddenUsers, "USE_CATALOG")),
				Isolation: isolatedTo(Binding{WorkspaceID: AcmeAnalyticsID, Type: ReadWrite}),
				Schemas: []*Schema{
					{Securable: sec("default", hiddenAdmins, grant(hiddenUsers, "USE_SCHEMA CREATE_TABLE CREATE_VOLUME CREATE_MODEL CREATE_FUNCTION CREATE_MATERIALIZED_VIEW")), Tables: []*Table{{Securable: sec("scratch", "dave@acme.test")}}},
					informationSchema(),
				},
			},
		},
	}
}

func acmeHidden(which string, workspace int64) string {
	return HiddenGroup(&Account{ID: AcmeAccountID}, which, &Workspace{ID: workspace})
}
