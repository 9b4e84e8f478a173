package analysis_test

import (
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// held gives the roles of one principal as "role scope path", with a ? where they are not certain.
func held(r *report.RolesReport, name string) []string {
	var list []string
	for _, h := range r.Roles {
		if h.Principal.Name != name {
			continue
		}
		s := h.Role + " " + h.Scope + " " + strings.Join(h.Path, ">")
		if !h.Certain {
			s += "?"
		}
		list = append(list, s)
	}
	return list
}

func wantHeld(t *testing.T, r *report.RolesReport, name string, want ...string) {
	t.Helper()
	if got := held(r, name); !slices.Equal(got, want) {
		t.Errorf("%s has\n\t%s\nwant\n\t%s", name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestAdminRoles(t *testing.T) {
	t.Parallel()
	w := newWorld().group("inner", "alice").group("outer", "inner", "bob").admin(identity.KindUser, "root").metastore("outer")
	w.admin(identity.KindGroup, "admins-of-all").saw(estate.ReadKey{Op: estate.OpMembers, Principal: w.key("admins-of-all")}).member("etl", "admins-of-all")
	w.assign("outer", dev, identity.WorkspaceAdmin)
	r := w.roles(t, "")
	wantHeld(t, r, "root", "account_admin account root")
	wantHeld(t, r, "etl", "account_admin account etl>admins-of-all")
	wantHeld(t, r, "admins-of-all", "account_admin account admins-of-all")
	wantHeld(t, r, "alice", "metastore_admin metastore eu alice>inner>outer", "workspace_admin workspace dev alice>inner>outer")
	wantHeld(t, r, "bob", "metastore_admin metastore eu bob>outer", "workspace_admin workspace dev bob>outer")
	wantHeld(t, r, "inner")
	for _, at := range r.Workspaces {
		want := report.WorkspaceAdmins{Name: "prod", RestrictAdmins: "ALLOW_ALL", Complete: true}
		if at.Name == "dev" {
			want = report.WorkspaceAdmins{Name: "dev", RestrictAdmins: "ALLOW_ALL", Admins: 2, Nested: 1, Complete: true}
		}
		if at != want {
			t.Errorf("got %+v, want %+v", at, want)
		}
	}
	if m := r.Metastores; len(m) != 1 || *m[0].Owner != "outer" || m[0].Admins != 2 || !m[0].Complete {
		t.Errorf("metastores: %+v", m)
	}
	one := w.roles(t, "alice")
	if !slices.Equal(held(one, "alice"), held(r, "alice")) || len(held(one, "bob")) > 0 || one.Subject.Name != "alice" {
		t.Errorf("asked about alice: %+v", one)
	}
}

func TestMetastoreWithoutAdmin(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{"", "System user"} {
		r := newWorld().metastore(owner).roles(t, "")
		if m := r.Metastores; len(m) != 1 || m[0].Owner == nil || *m[0].Owner != "" || m[0].Admins != 0 || !m[0].Complete {
			t.Errorf("owner %q: %+v", owner, m)
		}
		for _, h := range r.Roles {
			if h.Role == "metastore_admin" {
				t.Errorf("owner %q: %+v", owner, h)
			}
		}
	}
}

func TestRuleSetRoles(t *testing.T) {
	t.Parallel()
	w := newWorld().group("g", "bob")
	w.role("alice", identity.RoleGroupManager, "own").role("g", identity.RoleServicePrincipalUser, "etl")
	w.role("bob", identity.RoleBillingAdmin, "").role("alice", identity.RoleServicePrincipalManager, "").role("alice", "roles/new.one", "")
	r := w.roles(t, "")
	wantHeld(t, r, "alice", "group_manager group own alice", "roles/new.one account alice", "service_principal_manager account alice")
	wantHeld(t, r, "bob", "billing_admin account bob", "service_principal_user service principal etl bob>g")
	wantHeld(t, r, "g", "service_principal_user service principal etl g")
}

func TestOwnersAndData(t *testing.T) {
	t.Parallel()
	w := newWorld().member("alice", "own").use("bob: SELECT, APPLY_TAG")
	r := w.roles(t, "")
	wantHeld(t, r, "own", "catalog_owner catalog c own", "schema_owner schema c.s own", "volume_owner volume c.s.v own")
	wantHeld(t, r, "alice") // through a group: listed when alice is asked about
	wantHeld(t, r, "bob", "data_access catalog c bob")
	if i := slices.IndexFunc(r.Roles, func(h report.HeldRole) bool { return h.Principal.Name == "bob" }); r.Roles[i].Detail != "SELECT; USE privileges complete" {
		t.Errorf("detail: %q", r.Roles[i].Detail)
	}
	wantHeld(t, w.roles(t, "alice"), "alice", "catalog_owner catalog c alice>own",
		"data_access catalog c alice>account users", "data_access schema c.s alice>account users",
		"schema_owner schema c.s alice>own", "volume_owner volume c.s.v alice>own")
	r = newWorld().grants(table, "bob: ALL_PRIVILEGES").roles(t, "")
	if h := r.Roles[slices.IndexFunc(r.Roles, func(h report.HeldRole) bool { return h.Principal.Name == "bob" })]; h.Detail != "ALL PRIVILEGES; USE privileges missing" {
		t.Errorf("%+v", h)
	}
}

func TestWorkspaceCatalogs(t *testing.T) {
	t.Parallel()
	admins, users := "_workspace_admins_databricks_acc_workspace_1", "_workspace_users_databricks_acc_workspace_1"
	own := identity.CatalogSecurable(eu, "prod_ws")
	w := newWorld().securable(identity.SecurableInfo{Securable: own, Owner: admins, Isolation: identity.Isolated}).grants(own, users+": USE_CATALOG")
	w.grants(root, admins+": CREATE_CATALOG").assign("bob", prod, identity.WorkspaceAdmin)
	r := w.roles(t, "")
	var got []string
	for _, c := range r.WorkspaceCatalogs {
		got = append(got, c.Catalog.FullName+" "+c.Workspace+" "+c.Holder+" "+strings.Join(c.Privileges, ",")+" "+c.On.FullName)
	}
	want := []string{"eu prod " + admins + " CREATE_CATALOG eu", "prod_ws prod " + admins + " OWNER prod_ws", "prod_ws prod " + users + " USE_CATALOG prod_ws"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	wantHeld(t, w.roles(t, "bob"), "bob", "catalog_owner catalog prod_ws bob>admins@prod", "data_access catalog prod_ws bob>users@prod", "workspace_admin workspace prod bob")
	wantHeld(t, w.roles(t, "alice"), "alice", "data_access catalog prod_ws alice>users@prod")
}

// TestRolesInDoubt: what was not read is a role that is not certain of the one asked about, and of
// nobody else.
func TestRolesInDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld().group("hidden").assign("hidden", dev, identity.WorkspaceAdmin)
	w.missed(estate.ReadKey{Op: estate.OpMembers, Principal: w.key("hidden")})
	wantHeld(t, w.roles(t, "alice"), "alice", "workspace_admin workspace dev alice>…>hidden?")
	all := w.roles(t, "")
	wantHeld(t, all, "alice")
	wantHeld(t, all, "hidden", "workspace_admin workspace dev hidden")
	for _, at := range all.Workspaces {
		if at.Complete != (at.Name == "prod") {
			t.Errorf("%+v", at)
		}
	}
	// Two groups of one name: each may be the owner.
	w = newWorld().group("twin", "alice")
	first := w.key("twin")
	w.group("twin", "bob").metastore("twin")
	r := w.roles(t, "")
	wantHeld(t, r, "alice", "metastore_admin metastore eu alice>twin?")
	wantHeld(t, r, "bob", "metastore_admin metastore eu bob>twin?")
	one := analysis.Roles(w.model(), &first)
	wantHeld(t, one, "twin", "metastore_admin metastore eu twin>…>twin?")
	// A name that nobody bears.
	wantHeld(t, newWorld().metastore("ghost").roles(t, ""), "ghost", "metastore_admin metastore eu ghost?")
}

func TestDerivedLabels(t *testing.T) {
	t.Parallel()
	w := newWorld().group("makers", "alice").user("carol").user("dave").user("erin")
	for _, name := range []string{"carol", "dave", "erin"} {
		w.assign(name, prod, identity.WorkspaceUser)
	}
	w.entitle("alice", prod, identity.WorkspaceAccess).entitle("bob", prod, identity.SQLAccess).entitle("carol", prod, identity.ConsumerAccess)
	w.entitle("erin", prod, identity.WorkspaceAccess).entitle("makers", prod, identity.AllowClusterCreate)
	w.object(job("1", "etl"), "bob CAN_VIEW", "erin CAN_MANAGE")
	r := w.roles(t, "")
	wantHeld(t, r, "alice", "job_creator workspace prod alice", "user workspace prod alice")
	wantHeld(t, r, "bob", "user workspace prod bob", "viewer workspace prod bob")
	wantHeld(t, r, "carol", "viewer workspace prod carol")
	wantHeld(t, r, "dave", "viewer workspace prod dave")
	wantHeld(t, r, "erin", "job_creator workspace prod erin", "user workspace prod erin")

	// Without a list of objects nobody but a consumer is a viewer for certain, and the report says so.
	w.reads[estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: prod, Type: identity.ObjectJob}}] = estate.Outcome{Kind: identity.Forbidden, Needed: true}
	r = w.roles(t, "")
	wantHeld(t, r, "bob", "user workspace prod bob")
	wantHeld(t, r, "carol", "viewer workspace prod carol")
	if !slices.ContainsFunc(r.Unknowable, func(u report.Unknowable) bool {
		return u.Role == "viewer" && strings.Contains(u.Why, "workspace prod")
	}) {
		t.Errorf("%+v", r.Unknowable)
	}
	wantHeld(t, w.roles(t, "bob"), "bob", "user workspace prod bob")
	// With them, somebody who may be in a group that was not read is a viewer perhaps.
	w.saw(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: prod, Type: identity.ObjectJob}})
	w.group("hidden").missed(estate.ReadKey{Op: estate.OpMembers, Principal: w.key("hidden")})
	wantHeld(t, w.roles(t, "bob"), "bob", "user workspace prod bob", "viewer workspace prod bob?")
	wantHeld(t, w.roles(t, ""), "bob", "user workspace prod bob")
	// Nor is anybody anything where no entitlement was read.
	for k := range w.reads {
		if k.Op == estate.OpEntitlements {
			delete(w.reads, k)
		}
	}
	r = w.roles(t, "alice")
	wantHeld(t, r, "alice")
	if want := (report.Unknowable{Role: "user", Why: "the entitlements were not read in workspace dev, workspace prod"}); !slices.Contains(r.Unknowable, want) {
		t.Errorf("no %+v in %+v", want, r.Unknowable)
	}
}

func TestAdminsAreNoViewers(t *testing.T) {
	t.Parallel()
	w := newWorld().assign("bob", prod, identity.WorkspaceAdmin).entitle("bob", prod, identity.ConsumerAccess).object(job("1", "etl"), "bob CAN_VIEW")
	wantHeld(t, w.roles(t, ""), "bob", "workspace_admin workspace prod bob")
}

func TestDeactivated(t *testing.T) {
	t.Parallel()
	w := newWorld().principal(identity.KindUser, "gone", func(p *identity.Principal) {
		p.Status, p.Roles = identity.StatusInactive, []string{identity.RoleAccountAdmin}
	})
	r := w.roles(t, "")
	if i := slices.IndexFunc(r.Roles, func(h report.HeldRole) bool { return h.Principal.Name == "gone" }); i < 0 || !strings.Contains(r.Roles[i].Detail, "deactivated") {
		t.Errorf("%+v", r.Roles)
	}
}

func TestUnknowable(t *testing.T) {
	t.Parallel()
	roles := func(r *report.RolesReport) (list []string) {
		for _, u := range r.Unknowable {
			list = append(list, u.Role)
		}
		return list
	}
	w := newWorld()
	if got := roles(w.roles(t, "")); !slices.Contains(got, "support") || slices.Contains(got, "azure owner or contributor") || slices.Contains(got, "billing_admin") {
		t.Errorf("%q", got)
	}
	delete(w.reads, estate.ReadKey{Op: estate.OpRoles})
	w.add(func(b *estate.Builder) { b.AddWorkspace(identity.Workspace{ID: 3, Name: "az", Cloud: "azure"}) })
	if got := roles(w.roles(t, "")); !slices.Contains(got, "azure owner or contributor") || !slices.Contains(got, "billing_admin") {
		t.Errorf("%q", got)
	}
}

// TestGuest: two records of one person are one line, whichever of them a fact names.
func TestGuest(t *testing.T) {
	t.Parallel()
	w := newWorld().user("a@partner.com").user("a_partner.com#EXT#@t").metastore("a_partner.com#EXT#@t")
	one, two := w.key("a@partner.com"), w.key("a_partner.com#EXT#@t")
	w.add(func(b *estate.Builder) { b.AddSamePerson(one, two) })
	wantHeld(t, w.roles(t, ""), "a@partner.com", "metastore_admin metastore eu a@partner.com>a_partner.com#EXT#@t")
	wantHeld(t, analysis.Roles(access.Over(w.estate(0), access.Options{}), &one), "a@partner.com", "metastore_admin metastore eu a@partner.com>a_partner.com#EXT#@t")
}
