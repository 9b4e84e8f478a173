package databricks_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/sandbox"
)

// The sandbox was written from the same documentation by other hands: where the two agree, neither
// merely agrees with itself.

func start(t *testing.T, account *sandbox.Account, so sandbox.Options) (*sandbox.Server, *databricks.Session) {
	t.Helper()
	server, err := sandbox.Start(account, so)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	auditor := server.Auditor()
	a, err := databricks.Open(t.Context(), databricks.Options{
		Isolated: true, Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: auditor.ClientID, ClientSecret: databricks.Secret(auditor.ClientSecret),
		Proxy: server.ProxyURL(), RootCAs: server.CertPool(), RateLimit: 1e5,
		RetryBaseDelay: time.Millisecond, RetryMaxDelay: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return server, a.Session()
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Everything that Acme holds comes back as it is, by its real addresses, hostile names included.
func TestAcme(t *testing.T) {
	acme := sandbox.Acme()
	_, s := start(t, acme, sandbox.Options{})
	ctx := t.Context()

	workspaces := must[[]identity.Workspace](t)(s.Workspaces(ctx))
	if len(workspaces) != len(acme.Workspaces) {
		t.Errorf("%d workspaces of %d", len(workspaces), len(acme.Workspaces))
	}
	for _, g := range acme.Groups {
		if g.System {
			continue
		}
		found := must[[]identity.Principal](t)(s.FindPrincipals(ctx, identity.KindGroup, identity.Match{Field: identity.ByName, Value: g.DisplayName}))
		if !slices.ContainsFunc(found, func(p identity.Principal) bool {
			return p.Key.ID == g.ID && p.Name == g.DisplayName && p.ExternalID == g.ExternalID
		}) {
			t.Errorf("group %q is not found: %v", g.DisplayName, found)
		}
		group := must[identity.Group](t)(s.Group(ctx, identity.PrincipalKey{Kind: identity.KindGroup, ID: g.ID}))
		var ids []string
		for _, m := range group.Members {
			ids = append(ids, m.ID)
		}
		want := slices.Clone(g.Members)
		slices.Sort(ids)
		slices.Sort(want)
		if !slices.Equal(ids, want) {
			t.Errorf("group %q: members %v, want %v", g.DisplayName, ids, want)
		}
	}
	for _, u := range acme.Users {
		found, err := s.FindPrincipals(ctx, identity.KindUser, identity.Match{Field: identity.ByName, Value: u.UserName})
		if err != nil || len(found) != 1 || found[0].Key.ID != u.ID {
			t.Errorf("user %q: %v, %v", u.UserName, found, err)
		}
	}
	if got := must[[]identity.Group](t)(s.Groups(ctx)); len(got) != len(acme.Groups) {
		t.Errorf("%d groups of %d", len(got), len(acme.Groups))
	}
	metastores := must[[]identity.Metastore](t)(s.Metastores(ctx))
	for _, m := range metastores {
		ids := must[[]identity.WorkspaceID](t)(s.MetastoreWorkspaces(ctx, m.ID))
		var at identity.Workspace
		for _, w := range workspaces {
			if slices.Contains(ids, w.ID) && w.Running() && at.ID == 0 {
				at = w
			}
		}
		if got := must[identity.Metastore](t)(s.Metastore(ctx, at)); got.ID != m.ID {
			t.Errorf("metastore of %s is %s, want %s", at.Name, got.ID, m.ID)
		}
		compareMetastore(t, s, at, m.ID, acme)
	}
	if _, err := s.Caller(ctx, workspaces[0]); err != nil {
		t.Error(err)
	}
}

func compareMetastore(t *testing.T, s *databricks.Session, at identity.Workspace, id string, acme *sandbox.Account) {
	t.Helper()
	ctx := t.Context()
	var truth *sandbox.Metastore
	for _, m := range acme.Metastores {
		if m.ID == id {
			truth = m
		}
	}
	root := identity.MetastoreSecurable(id)
	grants(t, s, at, root, truth.Grants)
	for _, k := range []identity.SecurableType{identity.TypeExternalLocation, identity.AnyCredential, identity.TypeConnection, identity.TypeShare, identity.TypeRecipient, identity.TypeProvider} {
		for _, o := range must[[]identity.SecurableInfo](t)(s.Children(ctx, at, root, k)) {
			lookedUp(t, s, at, o)
		}
	}
	for _, c := range must[[]identity.SecurableInfo](t)(s.Children(ctx, at, root, identity.TypeCatalog)) {
		tc := truth.CatalogByName(c.Catalog)
		if tc == nil {
			continue // the system's own
		}
		if c.Owner != tc.Owner || (c.Isolation == identity.Isolated) != (tc.Mode == sandbox.Isolated) {
			t.Errorf("catalog %q: %+v", c.Catalog, c)
		}
		grants(t, s, at, c.Securable, tc.Grants)
		lookedUp(t, s, at, c)
		if c.Isolation == identity.Isolated {
			if got := must[[]identity.Binding](t)(s.Bindings(ctx, at, c.Securable)); len(got) != len(tc.Bindings) {
				t.Errorf("bindings of %q: %v", c.Catalog, got)
			}
			continue
		}
		for _, h := range must[[]identity.SecurableInfo](t)(s.Children(ctx, at, c.Securable, identity.TypeSchema)) {
			th := tc.SchemaByName(h.Schema)
			if th == nil {
				continue
			}
			grants(t, s, at, h.Securable, th.Grants)
			lookedUp(t, s, at, h)
			for _, k := range []identity.SecurableType{identity.TypeVolume, identity.TypeFunction, identity.TypeModel} {
				for _, o := range must[[]identity.SecurableInfo](t)(s.Children(ctx, at, h.Securable, k)) {
					for _, tf := range th.Functions {
						if k == identity.TypeFunction && tf.Name == o.Name {
							o.BasesKnown, o.Bases = true, basesOf(id, tf.Dependencies)
						}
					}
					lookedUp(t, s, at, o)
				}
			}
			tables := must[[]identity.SecurableInfo](t)(s.Children(ctx, at, h.Securable, identity.TypeTable))
			if len(tables) != len(th.Tables) {
				t.Errorf("%d tables of %d in %s", len(tables), len(th.Tables), h.Securable)
			}
			for _, table := range tables {
				for _, tt := range th.Tables {
					if tt.Name == table.Name {
						grants(t, s, at, table.Securable, tt.Grants)
						table.RowFilter = tt.RowFilter != ""
						table.ColumnMask = slices.ContainsFunc(tt.Columns, func(c sandbox.Column) bool { return c.Mask != "" })
						table.BasesKnown = tt.ViewDefinition != ""
						table.Bases = basesOf(id, tt.Dependencies)
						if tt.Type == "EXTERNAL" && (tt.StorageLocation == "" || table.Path != tt.StorageLocation) {
							t.Errorf("%s lies in %q, want %q", table.Securable, table.Path, tt.StorageLocation)
						}
						lookedUp(t, s, at, table)
						if table.Owner != tt.Owner {
							t.Errorf("owner of %s is %q, want %q", table.Securable, table.Owner, tt.Owner)
						}
					}
				}
			}
		}
	}
}

// basesOf are tables by their full names.
func basesOf(metastore string, names []string) (bases []identity.Securable) {
	for _, d := range names {
		parts := strings.Split(d, ".")
		bases = append(bases, identity.Securable{Metastore: metastore, Type: identity.TypeTable, Catalog: parts[0], Schema: parts[1], Name: parts[2]})
	}
	return bases
}

// lookedUp fails unless a lookup by name, in whatever case, gives what the listing gave.
func lookedUp(t *testing.T, s *databricks.Session, at identity.Workspace, want identity.SecurableInfo) {
	t.Helper()
	got := must[identity.SecurableInfo](t)(s.Lookup(t.Context(), at, want.Securable))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lookup of %s: %s", want.Securable, diff)
	}
	upper := want.Securable
	upper.Catalog, upper.Schema, upper.Name = strings.ToUpper(upper.Catalog), strings.ToUpper(upper.Schema), strings.ToUpper(upper.Name)
	if got := must[identity.SecurableInfo](t)(s.Lookup(t.Context(), at, upper)); got.Securable != upper || got.Owner != want.Owner {
		t.Errorf("lookup of %s: %+v", upper, got)
	}
	if policies, err := s.Policies(t.Context(), at, want.Securable); err != nil || len(policies) > 0 {
		t.Errorf("policies on %s: %v, %v", want.Securable, policies, err)
	}
}

func grants(t *testing.T, s *databricks.Session, at identity.Workspace, on identity.Securable, want []sandbox.Grant) {
	t.Helper()
	got := map[string][]identity.Privilege{}
	for _, g := range must[[]identity.Grant](t)(s.Grants(t.Context(), at, on)) {
		got[g.Holder+g.DeletedID] = append(got[g.Holder+g.DeletedID], g.Privileges...)
	}
	truth := map[string][]identity.Privilege{}
	for _, g := range want {
		key := g.Principal
		if key == "" {
			key = g.PrincipalID
		}
		for _, p := range g.Privileges {
			truth[key] = append(truth[key], identity.Privilege(p))
		}
	}
	for _, m := range []map[string][]identity.Privilege{got, truth} {
		for k := range m {
			identity.SortPrivileges(m[k])
		}
	}
	if diff := cmp.Diff(truth, got); diff != "" {
		t.Errorf("grants on %s: %s", on, diff)
	}
}

// A name that there is none of is told from one that may not be seen.
func TestAcmeHasNoSuchSecurable(t *testing.T) {
	acme := sandbox.Acme()
	_, s := start(t, acme, sandbox.Options{})
	ctx := t.Context()
	workspaces := must[[]identity.Workspace](t)(s.Workspaces(ctx))
	at := workspaces[slices.IndexFunc(workspaces, func(w identity.Workspace) bool { return int64(w.ID) == sandbox.AcmeProdID })]
	m := acme.Metastores[0].ID
	inSales := func(k identity.SecurableType, name string) identity.Securable {
		return identity.Securable{Metastore: m, Type: k, Catalog: "main", Schema: "sales", Name: name}
	}
	under := func(k identity.SecurableType, name string) identity.Securable {
		return identity.Securable{Metastore: m, Type: k, Name: name}
	}
	for _, on := range []identity.Securable{
		identity.CatalogSecurable(m, "mian"), identity.SchemaSecurable(m, "main", "sale"), inSales(identity.TypeTable, "exports"),
		inSales(identity.TypeVolume, "orders"), inSales(identity.TypeFunction, "orders"), inSales(identity.TypeModel, "orders"),
		under(identity.TypeExternalLocation, "x"), under(identity.TypeConnection, "x"), under(identity.TypeShare, "x"),
		under(identity.TypeRecipient, "x"), under(identity.TypeProvider, "x"), under(identity.AnyCredential, "x"),
		under(identity.TypeStorageCredential, "vision_service"), under(identity.TypeServiceCredential, "lake_credential"),
	} {
		if got, err := s.Lookup(ctx, at, on); !identity.IsKind(err, identity.NotFound) {
			t.Errorf("%s: %+v, %v", on, got, err)
		}
	}
	if _, err := s.Policies(ctx, at, inSales(identity.TypeTable, "exports")); !identity.IsKind(err, identity.NotFound) {
		t.Errorf("policies on what is not there: %v", err)
	}
}

// Limits are on, SCIM hides them in 500s: the crawl goes through all the same, and is hardly refused.
func TestGeneratedAccountUnderLimits(t *testing.T) {
	account := sandbox.Generate(sandbox.GenOptions{Seed: 7, Groups: 150, Users: 50})
	server, s := start(t, account, sandbox.Options{EnforceLimits: true, SCIM429As500: true,
		Limits: map[sandbox.LimitClass]sandbox.Limit{sandbox.LimitAccountSCIMGet: {PerSecond: 200, Burst: 20}}})
	groups := must[[]identity.Group](t)(s.Groups(t.Context()))
	if len(groups) != len(account.Groups) {
		t.Errorf("%d groups of %d", len(groups), len(account.Groups))
	}
	parents := must[[]identity.PrincipalKey](t)(s.ParentGroups(t.Context(), identity.PrincipalKey{Kind: identity.KindUser, ID: account.Users[0].ID}))
	if len(parents) == 0 {
		t.Error("no parent groups")
	}
	for _, g := range groups[:100] {
		if _, err := s.Group(t.Context(), g.Key); err != nil {
			t.Fatal(err)
		}
	}
	calls := 0
	for _, n := range s.Calls() {
		calls += n
	}
	if served := len(server.Calls()); served < calls {
		t.Errorf("counted %d calls, the server saw %d", calls, served)
	}
}

// What the sandbox calls anomalies never shortens a list silently.
func TestPageAnomalies(t *testing.T) {
	for _, anomaly := range []sandbox.PageAnomaly{sandbox.EmptyPage, sandbox.RepeatToken, sandbox.DuplicateItems, sandbox.ExpiredToken, sandbox.ShrinkTotal} {
		for _, times := range []int{1, 0} {
			t.Run(string(anomaly)+" "+strconv.Itoa(times), func(t *testing.T) {
				account := sandbox.Generate(sandbox.GenOptions{Seed: 3, Groups: 230, Catalogs: 12})
				server, s := start(t, account, sandbox.Options{})
				server.SetFaults(
					sandbox.Fault{Route: "/api/2.0/accounts/*/scim/v2/Groups", Page: anomaly, Times: times},
					sandbox.Fault{Route: "/api/2.1/unity-catalog/catalogs", Page: anomaly, Times: times})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				gs, err := s.Groups(ctx)
				told(t, "groups", len(gs), len(account.Groups), err)
				if anomaly == sandbox.ShrinkTotal {
					return // a list without a total cannot show that it moved up under the reader
				}
				ws := must[[]identity.Workspace](t)(s.Workspaces(ctx))
				cs, err := s.Children(ctx, ws[0], identity.MetastoreSecurable(account.Metastores[0].ID), identity.TypeCatalog)
				told(t, "catalogs", len(cs), len(account.Metastores[0].Catalogs), err)
			})
		}
	}
}

// told fails when a list is short and nothing says so.
func told(t *testing.T, what string, got, want int, err error) {
	t.Helper()
	if got >= want && err == nil {
		return
	}
	if f := identity.FailureOf(err); f == nil || !f.Partial && got > 0 {
		t.Errorf("%d of %d %s, and %v", got, want, what, err)
	}
	t.Logf("%d of %d %s: %v", got, want, what, err)
}

// What is written to the sandbox, which was made from the documentation alone, reads as what was meant.
func TestAssignments(t *testing.T) {
	server, s := start(t, sandbox.Acme(), sandbox.Options{})
	ctx := t.Context()
	all := must[[]identity.Workspace](t)(s.Workspaces(ctx))
	me := must[identity.Principal](t)(s.Self(ctx, all))
	if me.Name != sandbox.AcmeAuditorApp || me.Key.ID != "2001" {
		t.Fatalf("self: %+v", me)
	}
	limited := identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "2002"}
	prod := identity.WorkspaceID(sandbox.AcmeProdID)
	is := func(want identity.WorkspacePermission) {
		t.Helper()
		if got := must[identity.WorkspacePermission](t)(s.OwnAssignment(ctx, prod, limited)); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	is(identity.WorkspaceUser)
	do(s.Assign(ctx, prod, limited, identity.WorkspaceAdmin))
	is(identity.WorkspaceAdmin)
	do(s.Assign(ctx, prod, limited, identity.WorkspaceUser))
	is(identity.WorkspaceUser)
	do(s.Unassign(ctx, prod, limited))
	is(identity.WorkspaceNone)
	do(s.Unassign(ctx, prod, limited))
	// The auditor is admin through a group, which is nothing of its own.
	if got := must[identity.WorkspacePermission](t)(s.OwnAssignment(ctx, prod, me.Key)); got != identity.WorkspaceNone {
		t.Errorf("own assignment: %s", got)
	}
	at := all[slices.IndexFunc(all, func(w identity.Workspace) bool { return w.ID == prod })]
	if got := must[identity.WorkspacePermission](t)(s.Standing(ctx, at)); got != identity.WorkspaceAdmin {
		t.Errorf("standing: %s", got)
	}
	server.Update(func(a *sandbox.Account) {
		for _, g := range a.Groups {
			g.Members = slices.DeleteFunc(g.Members, func(id string) bool { return id == "2001" })
		}
	})
	if got := must[identity.WorkspacePermission](t)(s.Standing(ctx, at)); got != identity.WorkspaceNone {
		t.Errorf("standing of nobody: %s", got)
	}
	do(s.Assign(ctx, prod, me.Key, identity.WorkspaceUser))
	if got := must[identity.WorkspacePermission](t)(s.Standing(ctx, at)); got != identity.WorkspaceUser {
		t.Errorf("standing of a user: %s", got)
	}
	server.SetFaults(sandbox.Fault{Route: "/api/2.0/preview/scim/v2/Me", Status: 500})
	if got, err := s.Standing(ctx, at); err == nil {
		t.Errorf("standing where it cannot be read: %s", got)
	}
}
