package core_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/live"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// stand is what makes a service principal something, in the sample account.
type stand func(a *sandbox.Account, me *sandbox.ServicePrincipal)

func accountAdmin(_ *sandbox.Account, me *sandbox.ServicePrincipal) {
	me.Roles = append(me.Roles, sandbox.RoleAccountAdmin)
}

func inGroup(name string) stand {
	return func(a *sandbox.Account, me *sandbox.ServicePrincipal) {
		g := a.Groups[slices.IndexFunc(a.Groups, func(g *sandbox.Group) bool { return g.DisplayName == name })]
		g.Members = append(g.Members, me.ID)
	}
}

func assigned(workspace, permission string) stand {
	return func(a *sandbox.Account, me *sandbox.ServicePrincipal) {
		w := place(a, workspace)
		w.Assignments = append(slices.DeleteFunc(w.Assignments, func(x *sandbox.Assignment) bool { return x.PrincipalID == me.ID }),
			&sandbox.Assignment{PrincipalID: me.ID, Permissions: []string{permission}})
	}
}

func unassigned(workspace string) stand {
	return func(a *sandbox.Account, me *sandbox.ServicePrincipal) {
		w := place(a, workspace)
		w.Assignments = slices.DeleteFunc(w.Assignments, func(x *sandbox.Assignment) bool { return x.PrincipalID == me.ID })
	}
}

func place(a *sandbox.Account, name string) *sandbox.Workspace {
	return a.Workspaces[slices.IndexFunc(a.Workspaces, func(w *sandbox.Workspace) bool { return w.Name == name })]
}

// main is the catalog of that name, with its schema sales and the table orders in it.
func mainCatalog(a *sandbox.Account) (*sandbox.Catalog, *sandbox.Schema, *sandbox.Table) {
	m := a.Metastores[slices.IndexFunc(a.Metastores, func(m *sandbox.Metastore) bool { return m.ID == sandbox.AcmeMetastoreUS })]
	c := m.Catalogs[slices.IndexFunc(m.Catalogs, func(c *sandbox.Catalog) bool { return c.Name == "main" })]
	s := c.Schemas[slices.IndexFunc(c.Schemas, func(s *sandbox.Schema) bool { return s.Name == "sales" })]
	return c, s, s.Tables[slices.IndexFunc(s.Tables, func(t *sandbox.Table) bool { return t.Name == "orders" })]
}

// holding gives privileges on the catalog, the schema or the table, and owning the thing itself.
func holding(on string, privileges ...string) stand {
	return func(a *sandbox.Account, me *sandbox.ServicePrincipal) {
		c, s, t := mainCatalog(a)
		at := map[string]*sandbox.Securable{"catalog": &c.Securable, "schema": &s.Securable, "table": &t.Securable}[on]
		at.Grants = append(at.Grants, sandbox.Grant{Principal: me.ApplicationID, Privileges: privileges})
	}
}

func owning(on string) stand {
	return func(a *sandbox.Account, me *sandbox.ServicePrincipal) {
		c, s, t := mainCatalog(a)
		at := map[string]*sandbox.Securable{"catalog": &c.Securable, "schema": &s.Securable, "table": &t.Securable}[on]
		at.Owner = me.ApplicationID
	}
}

func withoutUse(a *sandbox.Account, _ *sandbox.ServicePrincipal) {
	c, _, _ := mainCatalog(a)
	c.Grants = nil
}

func ruling(set, role string) stand {
	return func(a *sandbox.Account, me *sandbox.ServicePrincipal) {
		name := "accounts/" + a.ID + "/" + set + "ruleSets/default"
		rule := sandbox.GrantRule{Role: role, Principals: []string{"servicePrincipals/" + me.ApplicationID}}
		for _, rs := range a.RuleSets {
			if rs.Name == name {
				rs.Rules = append(rs.Rules, rule)
				return
			}
		}
		a.RuleSets = append(a.RuleSets, &sandbox.RuleSet{Name: name, Rules: []sandbox.GrantRule{rule}})
	}
}

func onJob(level string) stand {
	return func(a *sandbox.Account, me *sandbox.ServicePrincipal) {
		w := place(a, "prod")
		o := w.Objects[slices.IndexFunc(w.Objects, func(o *sandbox.Object) bool { return o.Type == "jobs" && o.ID == "502" })]
		if level == "IS_OWNER" {
			o.ACL = slices.DeleteFunc(o.ACL, func(e sandbox.ACE) bool { return e.Level == "IS_OWNER" })
		}
		o.ACL = append(o.ACL, sandbox.ACE{SP: me.ApplicationID, Level: level})
	}
}

// callers are service principals that may do this and not that.
var callers = map[string][]stand{
	"account admin":                         {accountAdmin},
	"account admin by a group":              {inGroup("account-admins")},
	"account admin who may not enter":       {accountAdmin, unassigned("prod"), unassigned("staging")},
	"admin of everything":                   {accountAdmin, inGroup("metastore-admins-us"), inGroup("workspace-admins")},
	"admin of the metastore":                {accountAdmin, inGroup("metastore-admins-us")},
	"admin of the workspace":                {accountAdmin, assigned("prod", "ADMIN")},
	"admin of the workspace by a group":     {accountAdmin, inGroup("workspace-admins")},
	"owner of the catalog":                  {accountAdmin, owning("catalog")},
	"owner of the schema":                   {accountAdmin, owning("schema")},
	"owner of the table":                    {accountAdmin, owning("table")},
	"owner of the schema, with no way to":   {accountAdmin, owning("schema"), withoutUse},
	"MANAGE on the catalog":                 {accountAdmin, holding("catalog", "MANAGE")},
	"MANAGE on the schema":                  {accountAdmin, holding("schema", "MANAGE")},
	"MANAGE on the table":                   {accountAdmin, holding("table", "MANAGE")},
	"MANAGE on the table, and a way to it":  {accountAdmin, holding("table", "MANAGE"), holding("schema", "USE_SCHEMA")},
	"SELECT on the table, and a way to it":  {accountAdmin, holding("table", "SELECT"), holding("schema", "USE_SCHEMA")},
	"ALL PRIVILEGES on the catalog":         {accountAdmin, holding("catalog", "ALL_PRIVILEGES")},
	"CAN_MANAGE on the job":                 {accountAdmin, onJob("CAN_MANAGE")},
	"IS_OWNER of the job":                   {accountAdmin, onJob("IS_OWNER")},
	"CAN_MANAGE_RUN on the job":             {accountAdmin, onJob("CAN_MANAGE_RUN")},
	"manager of the group":                  {ruling("groups/3009/", "roles/group.manager")},
	"manager of all groups":                 {ruling("", "roles/group.manager")},
	"assumer of the group":                  {ruling("groups/3009/", "roles/group.assumer")},
	"nobody in particular":                  {},
	"admin of the metastore, and no more":   {inGroup("metastore-admins-us")},
	"admin of the workspaces, and no more":  {inGroup("workspace-admins")},
	"owner of the catalog, and no more":     {owning("catalog")},
	"CAN_MANAGE on the job, and no more":    {onJob("CAN_MANAGE")},
	"MANAGE on the catalog, and no more":    {holding("catalog", "MANAGE")},
	"manager of the group, who may not see": {ruling("groups/3009/", "roles/group.manager"), unassigned("prod"), unassigned("staging")},
}

// outsiders may not look anybody up in the account, not even themselves: of them it is known only that they are no account admins.
const outsiders = "s1 s3 s4 s5 s6 s7 s8 s9"

// leftOpen are the steps of which it is not known whether the caller may carry them out. Who holds what on a catalog is
// not shown to those who may manage what is in it alone, and so not whether they have a way to that.
var leftOpen = map[string]string{
	"account admin who may not enter":       "s8 s9",
	"owner of the schema":                   "s6 s7",
	"owner of the schema, with no way to":   "s6 s7 s9",
	"owner of the table":                    "s7",
	"MANAGE on the schema":                  "s6 s7",
	"MANAGE on the table":                   "s7",
	"MANAGE on the table, and a way to it":  "s7",
	"manager of the group":                  outsiders,
	"manager of all groups":                 outsiders,
	"assumer of the group":                  outsiders,
	"nobody in particular":                  outsiders,
	"admin of the metastore, and no more":   outsiders,
	"admin of the workspaces, and no more":  outsiders,
	"owner of the catalog, and no more":     outsiders,
	"CAN_MANAGE on the job, and no more":    outsiders,
	"MANAGE on the catalog, and no more":    outsiders,
	"manager of the group, who may not see": outsiders,
}

// oneOfEach gives ivan one of everything.
func oneOfEach() plan.Plan {
	prod := identity.WorkspaceID(sandbox.AcmeProdID)
	catalog := identity.CatalogSecurable(sandbox.AcmeMetastoreUS, "main")
	schema := identity.SchemaSecurable(sandbox.AcmeMetastoreUS, "main", "sales")
	table := identity.Securable{Type: identity.TypeTable, Metastore: sandbox.AcmeMetastoreUS, Catalog: "main", Schema: "sales", Name: "orders"}
	granted := func(on identity.Securable, p identity.Privilege) plan.Change {
		return plan.Change{Cell: plan.Cell{Kind: plan.Granted, Securable: on, Privilege: p}, After: plan.Present}
	}
	p := plan.Plan{Kind: plan.Clone, Target: plan.Party{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1009"}, Name: "ivan@acme.test"}, Complete: true}
	for i, c := range []struct {
		kind plan.StepKind
		plan.Change
	}{
		{plan.AddMember, plan.Change{Cell: plan.Cell{Kind: plan.Member, Group: identity.PrincipalKey{Kind: identity.KindGroup, ID: "3009"}}, GroupName: "sales-analytics", After: plan.Present}},
		{plan.WorkspaceAssignment, plan.Change{Cell: plan.Cell{Kind: plan.Assigned, Workspace: prod}, After: "USER"}},
		{plan.Entitlement, plan.Change{Cell: plan.Cell{Kind: plan.Entitled, Workspace: prod, Entitlement: identity.AllowClusterCreate}, After: plan.Present}},
		{plan.ObjectACL, plan.Change{Cell: plan.Cell{Kind: plan.ObjectLevel, Object: identity.Object{Workspace: prod, Type: identity.ObjectJob, ID: "502"}}, ObjectName: "frank_weekly_report", After: "CAN_VIEW"}},
		{plan.Grant, granted(catalog, "CREATE_SCHEMA")},
		{plan.Grant, granted(schema, "USE_SCHEMA")},
		{plan.Grant, granted(table, "MODIFY")},
		{plan.Grant, granted(identity.MetastoreSecurable(sandbox.AcmeMetastoreUS), "CREATE_CATALOG")},
		{plan.Grant, granted(schema, identity.ExternalUseSchema)},
	} {
		change := c.Change
		change.Cell.Holder, change.HolderName, change.Through = p.Target.Key, p.Target.Name, prod
		p.Steps = append(p.Steps, plan.Step{ID: fmt.Sprintf("s%d", i+1), Kind: c.kind, Change: &change})
	}
	return p
}

// TestR04_WhoMayIsWhoTheAccountLets holds what is said of a caller's rights before anything is written against what the
// account then lets it do: whoever wrote the one did not look at the other. What is said to be so is so, and
// for callers that the account shows itself to nothing is left open.
func TestR04_WhoMayIsWhoTheAccountLets(t *testing.T) {
	for name, stands := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := sandbox.Acme()
			me := account.ServicePrincipals[slices.IndexFunc(account.ServicePrincipals, func(sp *sandbox.ServicePrincipal) bool { return sp.ApplicationID == sandbox.AcmeLimitedApp })]
			for _, s := range stands {
				s(account, me)
			}
			server := serve(t, account, sandbox.Options{})
			session, r, err := previewed(t, server, account.LimitedAuditor)
			if _, refused := lacks(err); err != nil && !refused {
				t.Fatal(err)
			}
			write := live.New(session, apply.Place{})
			rights := previewedRights(r)
			var open []string
			for _, s := range oneOfEach().Steps {
				err := write.Write(t.Context(), []plan.Change{*s.Change})
				lets := err == nil
				if f := identity.FailureOf(err); err != nil && f.Status != 403 {
					t.Fatalf("%s: %v", s.ID, err)
				}
				switch got := rights[s.ID]; {
				case got == report.MayYes && !lets:
					t.Errorf("%s (%s): it was said that the caller may, and the account says %v", s.ID, s.Detail(), err)
				case got == report.MayNo && lets:
					t.Errorf("%s (%s): it was said that the caller may not, and the account let it", s.ID, s.Detail())
				case got == report.MayUnknown:
					open = append(open, s.ID)
				}
			}
			if got := strings.Join(open, " "); got != leftOpen[name] {
				t.Errorf("left open: %s, not %s", got, leftOpen[name])
			}
		})
	}
}

func lacks(err error) (*core.NoRightError, bool) {
	e, ok := err.(*core.NoRightError) //nolint:errorlint // it is given as it is
	return e, ok
}

func previewedRights(r *report.CloneReport) map[string]string {
	said := map[string]string{}
	for _, a := range r.Plan.Actions {
		if a.Right != nil {
			said[a.ID] = a.Right.May
		}
	}
	return said
}

// previewed is the plan as it is shown to a caller before consent.
func previewed(t *testing.T, server *sandbox.Server, who sandbox.Credentials) (*databricks.Session, *report.CloneReport, error) {
	t.Helper()
	opened, err := databricks.Open(t.Context(), databricks.Options{
		Isolated: true, AuthType: "oauth-m2m", Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: who.ClientID, ClientSecret: databricks.Secret(who.ClientSecret), Proxy: server.ProxyURL(), RootCAs: server.CertPool(),
		RetryBaseDelay: time.Millisecond, RetryMaxDelay: 2 * time.Millisecond, RateLimit: 1e6,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	l, err := ledger.Open(t.Context(), ledger.Options{Location: ledger.Memory, Account: server.AccountID()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	session := opened.Session()
	g := core.New(core.Options{Open: func() collect.Source { return opened.Session() }, Host: server.AccountHost(), Version: "test"})
	a := g.Applier(core.Applying{Account: session, Ledger: l, Actor: ledger.Actor{ID: "1"}, Holder: "test"})
	p := oneOfEach()
	p.ID, p.Account, p.Host, p.CreatedAt, p.ExpiresAt = ledger.NewPlanID(), server.AccountID(), server.AccountHost(), time.Now().UTC(), time.Now().UTC().Add(time.Hour)
	file, err := plan.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	id, err := a.Keep(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Preview(t.Context(), id)
	return session, r, err
}
