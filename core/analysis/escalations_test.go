package analysis_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

func (w *world) escalations(t *testing.T, who string) *report.EscalationsReport {
	t.Helper()
	if who == "" {
		return analysis.Escalations(w.model(), nil)
	}
	k := w.key(who)
	return analysis.Escalations(w.model(), &k)
}

// found gives the findings of some ids as "id severity path → what", with a ? where they are not
// certain.
func found(r *report.EscalationsReport, ids ...string) []string {
	list := []string{}
	for _, f := range r.Findings {
		if !slices.Contains(ids, f.ID) {
			continue
		}
		s := f.ID + " " + f.Severity + " " + strings.Join(f.Path, ">") + " →"
		if f.Securable != nil {
			s += " " + f.Securable.FullName
		}
		if f.Object != nil {
			s += " " + f.Object.Type + "/" + f.Object.ID
		}
		if f.Principal != nil {
			s += " as " + f.Principal.Name
		}
		if !f.Certain {
			s += "?"
		}
		list = append(list, s)
	}
	return list
}

func wantFound(t *testing.T, r *report.EscalationsReport, ids string, want ...string) {
	t.Helper()
	if got := found(r, strings.Fields(ids)...); !slices.Equal(got, want) {
		t.Errorf("%s: found\n\t%s\nwant\n\t%s", ids, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// reached gives who comes to a power as "name steps via through".
func reachedBy(r *report.EscalationsReport, power string) []string {
	list := []string{}
	for _, p := range r.Powers {
		if p.Power+" "+p.Scope != power {
			continue
		}
		for _, x := range p.Reached {
			s := fmt.Sprintf("%s %d %s %s", x.Principal.Name, x.Steps, strings.Join(x.Via, ","), strings.Join(x.Through, ">"))
			if !x.Certain {
				s += "?"
			}
			list = append(list, s)
		}
	}
	return list
}

func wantReached(t *testing.T, r *report.EscalationsReport, power string, want ...string) {
	t.Helper()
	if got := reachedBy(r, power); !slices.Equal(got, want) {
		t.Errorf("%s: reached by\n\t%s\nwant\n\t%s", power, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestManage(t *testing.T) {
	t.Parallel()
	// Case 5: on the catalog no use is needed.
	r := newWorld().grants(catalog, "alice: MANAGE").escalations(t, "")
	wantFound(t, r, "E01", "E01 critical alice → c")
	if f := r.Findings[slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.ID == "E01" })]; f.Fix != "REVOKE MANAGE ON CATALOG `c` FROM `alice`" || len(f.Facts) != 1 || f.Facts[0].ReadAt.IsZero() {
		t.Errorf("%+v", f)
	}
	// Cases 6 and 7: below, there must be a way through the containers.
	wantFound(t, newWorld().grants(schema, "alice: MANAGE").escalations(t, ""), "E01")
	wantFound(t, newWorld().grants(schema, "alice: MANAGE").grants(catalog, "account users: USE_CATALOG").escalations(t, ""), "E01", "E01 high alice → c.s")
	wantFound(t, newWorld().grants(table, "alice: MANAGE").grants(catalog, "account users: USE_CATALOG").escalations(t, ""), "E01")
	wantFound(t, newWorld().grants(table, "alice: MANAGE").use().escalations(t, ""), "E01", "E01 high alice → c.s.t")
	wantFound(t, newWorld().grants(table, "alice: SELECT").use().escalations(t, ""), "E01")
	// A group without a way through: a member may have one otherwise.
	w := newWorld().group("g", "alice", "bob").grants(schema, "g: MANAGE").grants(catalog, "bob: USE_CATALOG")
	wantFound(t, w.escalations(t, ""), "E01", "E01 high g → c.s?")
	wantFound(t, w.escalations(t, "alice"), "E01")
	wantFound(t, w.escalations(t, "bob"), "E01", "E01 high bob>g → c.s")
}

func TestOwners(t *testing.T) {
	t.Parallel()
	w := newWorld().member("alice", "own")
	wantFound(t, w.escalations(t, ""), "E02", "E02 critical own → c", "E02 high own → c.s")
	wantFound(t, w.escalations(t, "alice"), "E02", "E02 critical alice>own → c", "E02 high alice>own → c.s")
	wantFound(t, w.escalations(t, "bob"), "E02")
}

func TestAllPrivileges(t *testing.T) {
	t.Parallel()
	w := newWorld().grants(catalog, "alice: ALL_PRIVILEGES", "bob: SELECT").grants(table, "alice: ALL_PRIVILEGES, MANAGE")
	wantFound(t, w.escalations(t, ""), "E03", "E03 high alice → c", "E03 medium alice → c.s.t")
}

func TestBuiltInPowers(t *testing.T) {
	t.Parallel()
	w := newWorld().group("keepers", "alice").metastore("keepers").admin(identity.KindUser, "root").group("ops", "bob").assign("ops", dev, identity.WorkspaceAdmin)
	r := w.escalations(t, "")
	wantFound(t, r, "E04 E05 E10", "E04 critical keepers → eu", "E05 critical root →", "E10 critical ops →")
	wantFound(t, newWorld().metastore("System user").escalations(t, ""), "E04 E05 E10")
	wantReached(t, r, "account_admin account", "root 0  root")
	wantReached(t, r, "metastore_admin eu", "alice 0  alice>keepers", "root 1 E05 root")
	wantReached(t, r, "workspace_admin dev", "bob 0  bob>ops>admins@dev", "root 1 E05 root")
	wantReached(t, r, "workspace_admin prod", "root 1 E05 root")
}

func TestRestrictedAdmins(t *testing.T) {
	t.Parallel()
	restrict := func(w *world) *world {
		return w.add(func(b *estate.Builder) {}).assign("bob", prod, identity.WorkspaceAdmin)
	}
	w := restrict(newWorld()).object(job("1", "alice"))
	w.add(func(b *estate.Builder) { b.AddRestrictAdmins(prod, identity.AdminsRestricted) })
	// Case 13: nobody may be run as, but a job of somebody else's can be changed.
	wantFound(t, w.escalations(t, ""), "E10 E11", "E11 high admins@prod → jobs/1 as alice")
	wantFound(t, w.escalations(t, "bob"), "E10 E11", "E11 high bob>admins@prod → jobs/1 as alice")
	// A service principal of the workspace can be given a secret.
	w.assign("etl", prod, identity.WorkspaceUser)
	wantFound(t, w.escalations(t, ""), "E10", "E10 critical bob →?")
	// Not restricted, E10 says it all.
	w = restrict(newWorld()).object(job("1", "alice"), "admins CAN_MANAGE")
	wantFound(t, w.escalations(t, ""), "E10 E11", "E10 critical bob →")
	// Where the setting was not read, they are taken for unrestricted, which is not certain.
	w.add(func(b *estate.Builder) { b.AddRestrictAdmins(prod, identity.RestrictAdminsUnknown) })
	wantFound(t, w.escalations(t, ""), "E10", "E10 critical bob →?")
	got := analysis.Escalations(access.Over(w.estate(0), access.Options{AdminsRestricted: true}), nil)
	wantFound(t, got, "E10 E11", "E11 high admins@prod → jobs/1 as alice")
}

// TestListsOfSeveralObjects holds that what is kept of one object is not told of the next.
func TestListsOfSeveralObjects(t *testing.T) {
	t.Parallel()
	w := newWorld().sp("other").object(job("1", "etl"), "alice CAN_MANAGE").object(job("2", "other"), "bob CAN_MANAGE").object(job("3", "etl"), "bob CAN_MANAGE")
	each := []string{"E11 high alice → jobs/1 as etl", "E11 high bob → jobs/3 as etl", "E11 high bob → jobs/2 as other"}
	wantFound(t, w.escalations(t, ""), "E11", each...)
	w.add(func(b *estate.Builder) { b.AddRestrictAdmins(prod, identity.AdminsRestricted) })
	admins := []string{"E11 high admins@prod → jobs/1 as etl", "E11 high admins@prod → jobs/3 as etl", "E11 high admins@prod → jobs/2 as other"}
	wantFound(t, w.escalations(t, ""), "E11", slices.Concat(admins, each)...)
}

func TestGroupManagers(t *testing.T) {
	t.Parallel()
	// Case 29, and what the group is worth.
	w := newWorld().group("g9").use("g9: SELECT").role("alice", identity.RoleGroupManager, "g9")
	wantFound(t, w.escalations(t, ""), "E06", "E06 high alice → as g9")
	wantFound(t, newWorld().group("g9").role("alice", identity.RoleGroupManager, "g9").escalations(t, ""), "E06", "E06 medium alice → as g9")
	w.metastore("g9")
	r := w.escalations(t, "")
	wantFound(t, r, "E06", "E06 critical alice → as g9")
	wantReached(t, r, "metastore_admin eu", "alice 1 E06 alice>g9")
	// A member of the group gains nothing by joining it.
	wantFound(t, newWorld().group("g9", "alice").role("alice", identity.RoleGroupManager, "g9").escalations(t, ""), "E06")
	// Kept by the identity provider: a caveat, and no way.
	w = newWorld().groupOf(identity.OriginIDP, "g9").metastore("g9").role("alice", identity.RoleGroupManager, "g9")
	r = w.escalations(t, "")
	wantFound(t, r, "E06 E32", "E32 high g9 →?", "E06 low alice →?")
	wantReached(t, r, "metastore_admin eu")
	wantFound(t, newWorld().groupOf(identity.OriginIDP, "g9").escalations(t, ""), "E32")
	// A role on all groups leads to each that Databricks keeps.
	w = newWorld().group("inner").group("outer", "inner").metastore("outer").groupOf(identity.OriginIDP, "synced").role("own", identity.RoleGroupManager, "").member("bob", "own")
	r = w.escalations(t, "")
	wantFound(t, r, "E06", "E06 critical own →")
	wantReached(t, r, "metastore_admin eu", "bob 1 E06 bob>own>outer")
	wantReached(t, w.metastore("synced").escalations(t, ""), "metastore_admin eu")
}

func TestGroupAssumers(t *testing.T) {
	t.Parallel()
	w := newWorld().groupOf(identity.OriginIDP, "g9").use("g9: SELECT").role("alice", identity.RoleGroupAssumer, "g9")
	wantFound(t, w.escalations(t, ""), "E07", "E07 high alice → as g9")
	wantFound(t, w.member("alice", "g9").escalations(t, ""), "E07")
}

func TestServicePrincipals(t *testing.T) {
	t.Parallel()
	// Case 31.
	w := newWorld().use("etl: SELECT").assign("etl", prod, identity.WorkspaceUser).role("alice", identity.RoleServicePrincipalUser, "etl").role("bob", identity.RoleServicePrincipalManager, "etl")
	r := w.escalations(t, "")
	wantFound(t, r, "E08 E09", "E08 high alice → as etl", "E09 high bob → as etl")
	// It must be in a workspace that the holder is in.
	w = newWorld().assign("etl", dev, identity.WorkspaceUser).role("alice", identity.RoleServicePrincipalUser, "etl")
	wantFound(t, w.escalations(t, ""), "E08")
	wantFound(t, newWorld().role("alice", identity.RoleServicePrincipalUser, "etl").escalations(t, ""), "E08")
	// Through the account's rule set, for a group.
	w = newWorld().assign("etl", prod, identity.WorkspaceAdmin).group("g2", "alice").role("g2", identity.RoleServicePrincipalManager, "")
	r = w.escalations(t, "")
	wantFound(t, r, "E09", "E09 critical g2 →")
	wantReached(t, r, "workspace_admin prod", "etl 0  etl>admins@prod", "alice 1 E09 alice>g2>etl>admins@prod")
	// A deactivated one runs nothing, and a deactivated user starts nothing.
	w = newWorld().principal(identity.KindServicePrincipal, "off", func(p *identity.Principal) { p.Status = identity.StatusInactive })
	w.assign("off", prod, identity.WorkspaceAdmin).role("alice", identity.RoleServicePrincipalUser, "off").role("off", identity.RoleServicePrincipalUser, "etl")
	wantFound(t, w.assign("etl", prod, identity.WorkspaceUser).escalations(t, ""), "E08 E10")
}

func TestJobs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ row, want string }{ // case 33
		{"alice CAN_VIEW", ""},
		{"alice CAN_MANAGE_RUN", "E12 medium alice → jobs/1 as etl"},
		{"alice CAN_MANAGE", "E11 high alice → jobs/1 as etl"},
		{"alice IS_OWNER", "E11 high alice → jobs/1 as etl"},
		{"own CAN_MANAGE", "E11 high own → jobs/1 as etl"},
		{"users CAN_MANAGE", "E11 high users@prod → jobs/1 as etl"},
	} {
		want := []string{}
		if c.want != "" {
			want = append(want, c.want)
		}
		wantFound(t, newWorld().object(job("1", "etl"), c.row).escalations(t, ""), "E11 E12", want...)
	}
	// As itself, as a group that it is in, and as its owner where it says nobody.
	wantFound(t, newWorld().object(job("1", "alice"), "alice IS_OWNER").escalations(t, ""), "E11 E12")
	wantFound(t, newWorld().member("alice", "own").object(job("1", "own"), "alice CAN_MANAGE").escalations(t, ""), "E11 E12")
	wantFound(t, newWorld().group("solo", "alice").object(job("1", "alice"), "solo CAN_MANAGE").escalations(t, ""), "E11")
	wantFound(t, newWorld().object(job("1", ""), "bob IS_OWNER", "alice CAN_MANAGE").escalations(t, ""), "E11", "E11 high alice → jobs/1 as bob")
	// A group of which the one it runs as is one of many, asked about one and the other.
	w := newWorld().group("team", "alice", "bob").object(job("1", "bob"), "team CAN_MANAGE")
	wantFound(t, w.escalations(t, "bob"), "E11")
	wantFound(t, w.escalations(t, "alice"), "E11", "E11 high alice>team → jobs/1 as bob")
	// Whoever is not in the workspace gets nowhere.
	w = newWorld().user("carol").object(job("1", "etl"), "carol CAN_MANAGE")
	wantFound(t, w.escalations(t, ""), "E11")
	// A name that nobody bears, and a list that was not read.
	wantFound(t, newWorld().object(job("1", "ghost"), "alice CAN_MANAGE").escalations(t, ""), "E11", "E11 high alice → jobs/1 as ghost?")
	w = newWorld().add(func(b *estate.Builder) { b.AddObject(job("1", "etl")) })
	w.missed(estate.ReadKey{Op: estate.OpObjectGrants, Object: job("1", "").Object})
	wantFound(t, w.escalations(t, ""), "E11")
	// An option asks for the right to use the service principal.
	w = newWorld().object(job("1", "etl"), "alice CAN_MANAGE")
	wantFound(t, analysis.Escalations(access.Over(w.estate(0), access.Options{JobEditNeedsUser: true}), nil), "E11")
}

// TestGuestFindings is case 37: what names one record of a person is the other's too.
func TestGuestFindings(t *testing.T) {
	t.Parallel()
	w := newWorld().user("a@partner.com").user("a_partner.com#EXT#@t").assign("a@partner.com", prod, identity.WorkspaceUser)
	one, two := w.key("a@partner.com"), w.key("a_partner.com#EXT#@t")
	w.add(func(b *estate.Builder) { b.AddSamePerson(one, two) })
	w.object(job("1", "etl"), "a_partner.com#EXT#@t CAN_MANAGE").grants(catalog, "a@partner.com: MANAGE")
	wantFound(t, w.escalations(t, "a@partner.com"), "E01 E11", "E01 critical a@partner.com → c", "E11 high a@partner.com>a_partner.com#EXT#@t → jobs/1 as etl")
	wantFound(t, w.escalations(t, "a_partner.com#EXT#@t"), "E01 E11", "E01 critical a_partner.com#EXT#@t>a@partner.com → c", "E11 high a_partner.com#EXT#@t → jobs/1 as etl")
}

func TestCode(t *testing.T) {
	t.Parallel()
	directory := func(id, path string) identity.ObjectInfo {
		return object(identity.ObjectDirectory, id, func(o *identity.ObjectInfo) { o.Path = path })
	}
	notebook := object(identity.ObjectNotebook, "7", func(o *identity.ObjectInfo) { o.Path = "/Shared/n" })
	// Case 32.
	w := newWorld().object(job("1", "etl", "/Shared/n")).object(directory("42", "/Shared"), "users CAN_MANAGE")
	wantFound(t, w.escalations(t, "alice"), "E13", "E13 critical alice>users@prod → directories/42 as etl")
	wantFound(t, w.escalations(t, ""), "E13", "E13 critical users@prod → directories/42 as etl")
	// On the notebook itself, under the longer name of its path.
	w = newWorld().object(job("1", "etl", "/Workspace/Shared/n")).object(notebook, "alice CAN_EDIT", "bob CAN_RUN")
	wantFound(t, w.escalations(t, ""), "E13", "E13 high alice → notebooks/7 as etl")
	// Beside it, and under a name that only begins alike.
	wantFound(t, newWorld().object(job("1", "etl", "/Shared/n")).object(directory("42", "/Sha"), "users CAN_MANAGE").escalations(t, ""), "E13")
	wantFound(t, newWorld().object(job("1", "alice", "/Shared/n")).object(notebook, "alice CAN_EDIT").escalations(t, ""), "E13")
	// A Git source is not in the tree.
	r := newWorld().object(job("1", "etl", "https://git.example/x#Shared/n")).object(notebook, "alice CAN_EDIT").escalations(t, "")
	wantFound(t, r, "E13")
	if !notLooked(r, "E13") {
		t.Errorf("%+v", r.NotLookedAt)
	}
	// What is inherited is told of once, where it comes from.
	w = newWorld().object(job("1", "etl", "/Shared/n")).object(directory("42", "/Shared"), "alice CAN_EDIT")
	w.add(func(b *estate.Builder) {
		b.AddObject(notebook)
		b.AddObjectGrants(notebook.Object, []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: identity.KindUser, Name: "alice"}, Level: identity.CanEdit, From: "/directories/42"}})
	})
	wantFound(t, w.escalations(t, ""), "E13", "E13 high alice → directories/42 as etl")
	// In a volume.
	w = newWorld().use("alice: WRITE_VOLUME").object(job("1", "etl", "/Volumes/c/s/v/x.py"))
	wantFound(t, w.escalations(t, ""), "E13", "E13 high own → c.s.v as etl", "E13 high alice → c.s.v as etl")
	w = newWorld().use().object(job("1", "etl", "/Volumes/c/s/v/x.py")).group("keepers", "alice").securable(identity.SecurableInfo{Securable: catalog, Owner: "keepers"})
	wantFound(t, w.escalations(t, ""), "E13", "E13 high own → c.s.v as etl") // owning the catalog is no right on what is in it
	wantFound(t, newWorld().grants(volume, "alice: WRITE_VOLUME").object(job("1", "own", "/Volumes/c/s/v/x.py")).escalations(t, ""), "E13")
}

func notLooked(r *report.EscalationsReport, id string) bool {
	return slices.ContainsFunc(r.NotLookedAt, func(u report.Unknowable) bool { return u.Role == id })
}

func TestPipelines(t *testing.T) {
	t.Parallel()
	p := object(identity.ObjectPipeline, "p", func(o *identity.ObjectInfo) { o.RunAs = "etl" })
	wantFound(t, newWorld().object(p, "alice CAN_MANAGE", "bob CAN_RUN").escalations(t, ""), "E16", "E16 high alice → pipelines/p as etl")
}

func TestClusters(t *testing.T) {
	t.Parallel()
	cluster := func(mode, single, profile string) identity.ObjectInfo {
		return object(identity.ObjectCluster, "k", func(o *identity.ObjectInfo) {
			o.SecurityMode, o.SingleUser, o.InstanceProfile = mode, single, profile
		})
	}
	// Case 34.
	wantFound(t, newWorld().object(cluster("SINGLE_USER", "bob", ""), "alice CAN_ATTACH_TO").escalations(t, ""), "E17 E18 E19")
	wantFound(t, newWorld().object(cluster("SINGLE_USER", "bob", ""), "alice CAN_MANAGE").escalations(t, ""), "E17 E18 E19", "E18 high alice → clusters/k as bob")
	wantFound(t, newWorld().object(cluster("SINGLE_USER", "alice", ""), "alice CAN_MANAGE").escalations(t, ""), "E17 E18 E19")
	wantFound(t, newWorld().object(cluster("NONE", "", ""), "alice CAN_ATTACH_TO").escalations(t, ""), "E17 E18 E19", "E17 high alice → clusters/k")
	wantFound(t, newWorld().object(cluster("LEGACY_TABLE_ACL", "", ""), "alice CAN_RESTART").escalations(t, ""), "E17", "E17 high alice → clusters/k")
	wantFound(t, newWorld().object(cluster("USER_ISOLATION", "", ""), "alice CAN_MANAGE").escalations(t, ""), "E17 E18 E19")
	// Cloud roles.
	wantFound(t, newWorld().object(cluster("USER_ISOLATION", "", "arn:x"), "alice CAN_ATTACH_TO").escalations(t, ""), "E19", "E19 high alice → clusters/k")
	wantFound(t, newWorld().object(cluster("SINGLE_USER", "bob", "arn:x"), "alice CAN_ATTACH_TO", "bob CAN_ATTACH_TO").escalations(t, ""), "E19", "E19 high bob → clusters/k")
	warehouse := object(identity.ObjectWarehouse, "q", func(o *identity.ObjectInfo) { o.InstanceProfile = "arn:x" })
	wantFound(t, newWorld().object(warehouse, "alice CAN_USE", "bob CAN_VIEW").escalations(t, ""), "E19", "E19 high alice → sql_warehouses/q")
	wantFound(t, newWorld().object(object(identity.ObjectWarehouse, "q", nil), "alice CAN_USE").escalations(t, ""), "E19")
	// What others run without isolation is a way, though no sure one.
	w := newWorld().metastore("bob").object(cluster("NONE", "", ""), "alice CAN_ATTACH_TO", "bob CAN_ATTACH_TO")
	wantReached(t, w.escalations(t, ""), "metastore_admin eu", "bob 0  bob", "alice 1 E17 alice>bob?")
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	s := object(identity.ObjectSecretScope, "s", nil)
	r := newWorld().object(s, "alice READ", "bob MANAGE").escalations(t, "")
	wantFound(t, r, "E20", "E20 high alice → secret_scopes/s", "E20 high bob → secret_scopes/s")
	if notLooked(newWorld().escalations(t, ""), "E20") == false {
		t.Error("secret scopes that were not listed are not mentioned")
	}
	wantFound(t, newWorld().object(s).escalations(t, ""), "E20")
}

func TestAppsAndServing(t *testing.T) {
	t.Parallel()
	app := object(identity.ObjectApp, "a", func(o *identity.ObjectInfo) { o.RunAs = "etl" })
	r := newWorld().metastore("etl").object(app, "alice CAN_MANAGE", "bob CAN_USE").escalations(t, "")
	wantFound(t, r, "E21", "E21 critical alice → apps/a as etl", "E21 medium bob → apps/a")
	wantReached(t, r, "metastore_admin eu", "etl 0  etl", "alice 1 E21 alice>etl")
	wantFound(t, newWorld().object(app).escalations(t, ""), "E21")
	serving := object(identity.ObjectServing, "m", func(o *identity.ObjectInfo) { o.Creator = "etl" })
	wantFound(t, newWorld().object(serving, "alice CAN_MANAGE", "bob CAN_QUERY", "own CAN_VIEW").escalations(t, ""), "E22", "E22 high alice → serving_endpoints/m as etl", "E22 low bob → serving_endpoints/m")
}

func TestBorrowedRights(t *testing.T) {
	t.Parallel()
	borrowing := func(t identity.ObjectType, yes bool) identity.ObjectInfo {
		return object(t, "x", func(o *identity.ObjectInfo) { o.Creator, o.BorrowsOwner = "bob", yes })
	}
	// Case 47: whoever sees a dashboard that was published so need not be in the workspace.
	w := newWorld().user("carol").object(borrowing(identity.ObjectDashboard, true), "account users CAN_READ")
	wantFound(t, w.escalations(t, "alice"), "E23", "E23 medium alice>account users → lakeview_dashboards/x")
	wantFound(t, w.escalations(t, "carol"), "E23", "E23 medium carol>account users → lakeview_dashboards/x")
	wantFound(t, newWorld().object(borrowing(identity.ObjectDashboard, false), "account users CAN_READ").escalations(t, ""), "E23")
	r := newWorld().object(borrowing(identity.ObjectQuery, true), "alice CAN_RUN", "own CAN_VIEW", "bob CAN_MANAGE").escalations(t, "")
	wantFound(t, r, "E23", "E23 medium alice → sql_queries/x")
}

func TestStorage(t *testing.T) {
	t.Parallel()
	credential, location := beside(identity.TypeStorageCredential, "cred"), beside(identity.TypeExternalLocation, "loc")
	// E14, and case 42: both are needed; by different groups of one person.
	both := func(on, cred string) *world {
		return newWorld().group("g1", "alice", "bob").group("g2", "alice").securable(identity.SecurableInfo{Securable: credential, Owner: "etl"}).
			grants(root, on+": CREATE_EXTERNAL_LOCATION").grants(credential, cred+": CREATE_EXTERNAL_LOCATION")
	}
	wantFound(t, both("alice", "alice").escalations(t, ""), "E14", "E14 high alice → cred")
	wantFound(t, both("g1", "g2").escalations(t, ""), "E14", "E14 high alice → cred")
	wantFound(t, both("g1", "account users").escalations(t, ""), "E14", "E14 high g1 → cred")
	wantFound(t, both("alice", "bob").escalations(t, ""), "E14")
	wantFound(t, both("alice", "etl").grants(credential, "alice: READ_FILES").escalations(t, ""), "E14")
	// E15
	w := newWorld().securable(identity.SecurableInfo{Securable: location, Owner: "etl"}).
		grants(location, "alice: READ_FILES", "bob: READ_FILES, WRITE_FILES", "own: WRITE_FILES")
	wantFound(t, w.escalations(t, ""), "E15", "E15 high etl → loc", "E15 high bob → loc", "E15 medium alice → loc")
	// Its path says which external tables lie there, where the locations were read.
	deeper := identity.SecurableInfo{Securable: beside(identity.TypeExternalLocation, "deeper"), Owner: "bob", Path: "s3://lake/raw/deep"}
	w = newWorld().saw(estate.ReadKey{Op: estate.OpChildren, Securable: root, Type: identity.TypeExternalLocation}).
		securable(identity.SecurableInfo{Securable: location, Owner: "etl", Path: "s3://lake/raw"}).securable(deeper).grants(location, "alice: READ_FILES")
	for name, path := range map[string]string{"a": "s3://lake/raw/a", "b": "s3://lake/raw/b", "b2": "s3://lake/raw/b2", "d": "s3://lake/raw/deep/d", "e": "s3://lake/raw/e", "x": "s3://lake/rawer/x"} {
		w.securable(identity.SecurableInfo{Securable: identity.Securable{Metastore: eu, Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: name}, TableType: "EXTERNAL", Path: path})
	}
	for subject, want := range map[string]string{
		"alice": "reading all files under external location loc, among them those of table c.s.a, table c.s.b, table c.s.b2, 1 more",
		"bob":   "reading and writing all files under external location deeper, among them those of table c.s.d",
	} {
		if r := w.escalations(t, ""); !slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.ID == "E15" && f.Subject.Name == subject && f.Gains == want }) {
			t.Errorf("%s: %+v", subject, r.Findings)
		}
	}
	// E30: only by name.
	w = newWorld().grants(catalog, "bob: ALL_PRIVILEGES").grants(schema, "alice: EXTERNAL_USE_SCHEMA").
		securable(identity.SecurableInfo{Securable: location, Owner: "etl"}).grants(location, "alice: EXTERNAL_USE_LOCATION")
	wantFound(t, w.escalations(t, ""), "E30", "E30 medium alice → loc?", "E30 medium alice → c.s?")
}

func TestOtherSystems(t *testing.T) {
	t.Parallel()
	connection, service, recipient := beside(identity.TypeConnection, "pg"), beside(identity.TypeServiceCredential, "svc"), beside(identity.TypeRecipient, "r")
	w := newWorld().securable(identity.SecurableInfo{Securable: connection, Owner: "etl"}).securable(identity.SecurableInfo{Securable: service, Owner: "etl"})
	w.grants(connection, "alice: USE_CONNECTION", "bob: CREATE_FOREIGN_CATALOG").grants(service, "alice: ACCESS", "bob: CREATE_CONNECTION").grants(root, "bob: CREATE_CATALOG")
	r := w.escalations(t, "")
	wantFound(t, r, "E27", "E27 high etl → pg", "E27 high alice → pg", "E27 high bob → pg")
	wantFound(t, r, "E28", "E28 high etl → svc", "E28 high alice → svc")
	// E29
	for _, c := range []struct {
		rows []string
		want []string
	}{
		{[]string{"alice: USE_SHARE, SET_SHARE_PERMISSION, USE_RECIPIENT"}, []string{"E29 high alice → eu"}},
		{[]string{"alice: USE_SHARE, SET_SHARE_PERMISSION"}, nil},
		{[]string{"alice: CREATE_SHARE, CREATE_RECIPIENT", "bob: CREATE_SHARE, CREATE_RECIPIENT"}, []string{"E29 high alice → eu"}},
		{[]string{"alice: CREATE_SHARE", "bob: CREATE_RECIPIENT"}, nil},
		{[]string{"bob: CREATE_CATALOG, USE_PROVIDER"}, []string{"E29 high bob → eu"}},
	} {
		wantFound(t, newWorld().grants(table, "alice: SELECT").grants(root, c.rows...).escalations(t, ""), "E29", c.want...)
	}
	wantFound(t, newWorld().securable(identity.SecurableInfo{Securable: recipient, Owner: "alice"}).escalations(t, ""), "E29", "E29 high alice → r")
	// E31
	wantFound(t, newWorld().grants(root, "alice: MANAGE_ALLOWLIST").escalations(t, ""), "E31", "E31 high alice → eu")
	if r := newWorld().escalations(t, ""); len(found(r, "E31")) > 0 || !notLooked(r, "E31") || !notLooked(r, "E32") {
		t.Errorf("%+v", r.NotLookedAt)
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	view := identity.Securable{Metastore: eu, Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: "w"}
	world := func(known bool, rows ...string) *world {
		return newWorld().use().grants(table, rows...).grants(view, "alice: SELECT").
			securable(identity.SecurableInfo{Securable: view, Owner: "bob", TableType: "VIEW", Bases: []identity.Securable{table}, BasesKnown: known})
	}
	wantFound(t, world(true, "bob: SELECT").escalations(t, ""), "E24", "E24 medium alice → c.s.w")
	wantFound(t, world(true, "bob: SELECT", "alice: SELECT").escalations(t, ""), "E24")
	wantFound(t, world(true).escalations(t, ""), "E24") // its owner may not read it: the view is broken
	if r := world(false, "bob: SELECT").escalations(t, ""); len(found(r, "E24")) > 0 || !notLooked(r, "E24") {
		t.Errorf("%+v", r.NotLookedAt)
	}
	if slices.ContainsFunc(newWorld().escalations(t, "").NotLookedAt, func(u report.Unknowable) bool { return strings.Contains(u.Why, "what views are made from") }) {
		t.Error("views are missed where there are none")
	}
	// Functions read as their owners, too.
	f := identity.Securable{Metastore: eu, Type: identity.TypeFunction, Catalog: "c", Schema: "s", Name: "f"}
	function := func(known bool, rows ...string) *report.EscalationsReport {
		return newWorld().use().grants(table, rows...).grants(f, "alice: EXECUTE").
			securable(identity.SecurableInfo{Securable: f, Owner: "bob", Bases: []identity.Securable{table}, BasesKnown: known}).escalations(t, "")
	}
	wantFound(t, function(true, "bob: SELECT"), "E24", "E24 medium alice → c.s.f")
	wantFound(t, function(true, "bob: SELECT", "alice: SELECT"), "E24")
	if r := function(false, "bob: SELECT"); len(found(r, "E24")) > 0 || !slices.ContainsFunc(r.NotLookedAt, func(u report.Unknowable) bool { return strings.Contains(u.Why, "what functions read") }) {
		t.Errorf("%+v", r.NotLookedAt)
	}
	// E25
	mine := identity.SchemaSecurable(eu, "c", "mine")
	w := newWorld().use().grants(table, "alice: SELECT").securable(identity.SecurableInfo{Securable: mine, Owner: "alice"})
	wantFound(t, w.escalations(t, ""), "E25", "E25 medium alice → c.mine")
	wantFound(t, newWorld().use().securable(identity.SecurableInfo{Securable: mine, Owner: "alice"}).escalations(t, ""), "E25")
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	policy := func(conditional bool) *world {
		return newWorld().use("bob: APPLY_TAG").add(func(b *estate.Builder) {
			b.AddPolicies(table, []identity.Policy{{Name: "mask", On: "c.s.t", Kind: identity.PolicyColumnMask, Conditional: conditional}})
		})
	}
	wantFound(t, policy(false).grants(table, "alice: MANAGE").escalations(t, ""), "E26",
		"E26 high own → c.s.t", "E26 high alice → c.s.t")
	wantFound(t, policy(true).escalations(t, ""), "E26", "E26 high own → c.s.t", "E26 high bob → c.s.t?")
	wantFound(t, newWorld().use("bob: APPLY_TAG").escalations(t, ""), "E26")
}

func TestUnbinding(t *testing.T) {
	t.Parallel()
	isolated := identity.CatalogSecurable(eu, "iso")
	w := newWorld().securable(identity.SecurableInfo{Securable: isolated, Owner: "alice", Isolation: identity.Isolated}).grants(isolated, "bob: MANAGE")
	wantFound(t, w.escalations(t, ""), "E33", "E33 medium alice → iso", "E33 medium bob → iso")
	wantFound(t, newWorld().escalations(t, ""), "E33")
}

// chained has a way of three acts: alice may use etl, which may join ops, whose jobs run as root.
func chained() *world {
	w := newWorld().group("ops").admin(identity.KindUser, "root").assign("etl", prod, identity.WorkspaceUser).assign("root", prod, identity.WorkspaceUser)
	w.role("alice", identity.RoleServicePrincipalUser, "etl").role("etl", identity.RoleGroupManager, "ops")
	return w.object(job("1", "root"), "ops CAN_MANAGE")
}

func TestChain(t *testing.T) {
	t.Parallel()
	r := chained().escalations(t, "alice")
	wantFound(t, r, "E05 E06 E08 E11",
		"E05 critical alice>etl>ops>root →", "E06 critical alice>etl → as ops", "E08 critical alice → as etl", "E11 critical alice>etl>ops → jobs/1 as root")
	last := r.Findings[0]
	if want := []string{
		"run a job or an interactive session as service principal etl", "add itself to group ops", "change what job job 1 runs", "have it run as root",
		"make itself admin of any metastore or workspace, or member of any group that Databricks keeps",
	}; !slices.Equal(last.Acts, want) {
		t.Errorf("acts: %q", last.Acts)
	}
	wantReached(t, r, "account_admin account", "alice 3 E08,E06,E11 alice>etl>ops>root")
	wantReached(t, r, "metastore_admin eu", "alice 4 E08,E06,E11,E05 alice>etl>ops>root")

	all := chained().escalations(t, "")
	wantReached(t, all, "account_admin account", "root 0  root", "etl 2 E06,E11 etl>ops>root", "alice 3 E08,E06,E11 alice>etl>ops>root")
	var points []string
	for _, p := range all.ChokePoints {
		points = append(points, fmt.Sprintf("%s %s→%s %d %d", p.Finding, p.From, p.To, p.Principals, len(p.Powers)))
	}
	want := []string{"E05 root→every metastore and workspace 3 3", "E06 etl→ops 2 4", "E11 ops→root 2 4", "E08 alice→etl 1 4"}
	if !slices.Equal(points, want) {
		t.Errorf("choke points %q, want %q", points, want)
	}
}

// TestNoLongerWays: what takes more acts than anybody would describe is left out.
func TestNoLongerWays(t *testing.T) {
	t.Parallel()
	w := newWorld().group("g0").metastore("g0")
	for i := range 8 {
		w.group(fmt.Sprintf("g%d", i+1)).role(fmt.Sprintf("g%d", i+1), identity.RoleGroupManager, fmt.Sprintf("g%d", i))
	}
	w.member("alice", "g6").member("bob", "g7")
	if got := found(w.escalations(t, "bob"), "E06", "E04"); len(got) != 6 {
		t.Errorf("bob has\n\t%s", strings.Join(got, "\n\t"))
	}
	wantReached(t, w.escalations(t, ""), "metastore_admin eu", "alice 6 E06,E06,E06,E06,E06,E06 alice>g6>g5>g4>g3>g2>g1>g0")
}

func TestCircles(t *testing.T) {
	t.Parallel()
	w := newWorld().group("a", "alice").group("b", "a").member("b", "a").sp("one").sp("two").assign("one", prod, identity.WorkspaceUser).assign("two", prod, identity.WorkspaceUser)
	w.role("b", identity.RoleServicePrincipalUser, "one").role("one", identity.RoleServicePrincipalUser, "two").role("two", identity.RoleServicePrincipalUser, "one").role("two", identity.RoleGroupManager, "a")
	r := w.escalations(t, "alice")
	wantFound(t, r, "E06 E08", "E08 medium alice>a>b → as one", "E08 medium alice>a>b>one → as two", "E08 medium alice>a>b>one>two → as one")
	_ = w.escalations(t, "")
	_ = w.roles(t, "")
}

// TestUnread: memberships that were not read make findings of the one asked about that are not
// certain, and none of others.
func TestUnread(t *testing.T) {
	t.Parallel()
	w := newWorld().group("hidden").metastore("hidden").missed(estate.ReadKey{Op: estate.OpMembers, Principal: identity.PrincipalKey{}})
	w.missed(estate.ReadKey{Op: estate.OpMembers, Principal: w.key("hidden")})
	wantFound(t, w.escalations(t, "alice"), "E04", "E04 critical alice>…>hidden → eu?")
	wantFound(t, w.escalations(t, ""), "E04", "E04 critical hidden → eu")
	wantReached(t, w.escalations(t, ""), "metastore_admin eu")
	// Whether an account group is meant in a workspace whose own groups were not read.
	w = newWorld().object(job("1", "etl"), "own CAN_MANAGE").missed(estate.ReadKey{Op: estate.OpEntitlements, Workspace: prod, Principal: identity.PrincipalKey{Kind: identity.KindGroup}})
	wantFound(t, w.escalations(t, ""), "E11", "E11 high own → jobs/1 as etl?")
	// Whether somebody is in a workspace whose assignments were not read.
	w = newWorld().user("carol").object(job("1", "etl"), "carol CAN_MANAGE").metastore("etl")
	w.missed(estate.ReadKey{Op: estate.OpAssignments, Workspace: prod})
	r := w.escalations(t, "")
	wantFound(t, r, "E11", "E11 critical carol → jobs/1 as etl?")
	wantReached(t, r, "metastore_admin eu", "etl 0  etl", "carol 1 E11 carol>etl?")
	// Two groups of one name: each may hold it.
	w = newWorld().group("twin", "alice").group("twin", "bob").grants(catalog, "twin: MANAGE")
	wantFound(t, w.escalations(t, ""), "E01", "E01 critical twin → c?", "E01 critical twin → c?")
}

// TestAncestors: somebody may be known to be in a group without the way there.
func TestAncestors(t *testing.T) {
	t.Parallel()
	w := newWorld().group("far").group("near", "bob").member("near", "far").metastore("far")
	alice, bob, far := w.key("alice"), w.key("bob"), w.key("far")
	w.add(func(b *estate.Builder) { b.AddAncestor(alice, far); b.AddAncestor(bob, far) })
	wantReached(t, w.escalations(t, ""), "metastore_admin eu", "alice 0  alice>…>far", "bob 0  bob>near>far")
	wantHeld(t, w.roles(t, ""), "alice", "metastore_admin metastore eu alice>…>far")
}

func TestGraph(t *testing.T) {
	t.Parallel()
	w := newWorld().group("g", "alice").metastore("g").group("idle", "bob")
	g := w.escalations(t, "").Graph
	a, k := w.key("alice").String(), w.key("g").String()
	if !slices.Contains(g.Edges, report.GraphEdge{From: a, To: k, Kind: "member_of"}) ||
		!slices.Contains(g.Edges, report.GraphEdge{From: k, To: "metastore:" + eu, Kind: "E04", Severity: report.Critical}) {
		t.Errorf("edges: %+v", g.Edges)
	}
	if slices.ContainsFunc(g.Nodes, func(n report.GraphNode) bool { return n.Name == "idle" || n.Name == "bob" }) {
		t.Errorf("nodes: %+v", g.Nodes)
	}
	nodes := map[string]bool{}
	for _, n := range g.Nodes {
		nodes[n.ID] = true
	}
	for _, e := range g.Edges {
		if !nodes[e.From] || !nodes[e.To] {
			t.Errorf("%+v leads from or to no node", e)
		}
	}
}

// TestAskedAboutOthers: about a group, what it has but not what everybody has; about nobody known, no
// more than what everybody has.
func TestAskedAboutOthers(t *testing.T) {
	t.Parallel()
	w := newWorld().group("g").metastore("g").object(job("1", "etl"), "g CAN_MANAGE", "users CAN_MANAGE_RUN").grants(catalog, "account users: MANAGE")
	r := w.escalations(t, "g")
	wantFound(t, r, "E01 E04 E11 E12", "E04 critical g → eu", "E11 high g → jobs/1 as etl")
	wantReached(t, r, "metastore_admin eu", "g 0  g")
	stranger := identity.PrincipalKey{Kind: identity.KindUser, ID: "999"}
	got := analysis.Escalations(w.model(), &stranger)
	wantFound(t, got, "E01 E04 E11", "E01 critical user 999>account users → c")
	_ = analysis.Roles(w.model(), &stranger)
}

// TestDeactivatedTakesNoWay: whoever cannot log in has no findings, and is no way for others.
func TestDeactivatedTakesNoWay(t *testing.T) {
	t.Parallel()
	w := newWorld().principal(identity.KindUser, "gone", func(p *identity.Principal) { p.Status = identity.StatusInactive })
	w.group("g", "gone").metastore("g").assign("gone", prod, identity.WorkspaceUser).object(job("1", "gone"), "alice CAN_MANAGE").grants(catalog, "gone: MANAGE")
	r := w.escalations(t, "")
	wantFound(t, r, "E01 E11")
	wantReached(t, r, "metastore_admin eu")
	if one := w.escalations(t, "gone"); len(one.Findings) > 0 || !strings.Contains(strings.Join(one.Notes, "\n"), "deactivated") {
		t.Errorf("%+v", one.Findings)
	}
}

// TestOrder: the same facts in another order give the same report.
func TestOrder(t *testing.T) {
	t.Parallel()
	w := chained().group("twin", "alice").group("twin", "bob").use("twin: MANAGE, SELECT", "ghost: ALL_PRIVILEGES").role("bob", identity.RoleGroupManager, "").entitle("alice", prod, identity.WorkspaceAccess)
	alice := w.key("alice")
	for _, who := range []*identity.PrincipalKey{nil, &alice} {
		first := access.Over(w.estate(1), access.Options{})
		for seed := uint64(2); seed < 12; seed++ {
			other := access.Over(w.estate(seed), access.Options{})
			if !reflect.DeepEqual(analysis.Escalations(first, who), analysis.Escalations(other, who)) {
				t.Errorf("seed %d: another report of escalations", seed)
			}
			if !reflect.DeepEqual(analysis.Roles(first, who), analysis.Roles(other, who)) {
				t.Errorf("seed %d: another report of roles", seed)
			}
		}
	}
}
