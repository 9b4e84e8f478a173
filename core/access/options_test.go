package access_test

import (
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// optional is a small account in which every option decides something: ann is admin of w, through whom
// the group g may view a job without being assigned; bob is a user of w, owns the catalog, and may read
// what is in its schema; cem may read a table that lies where w is not let in, and may execute a function
// whose owner may not read that table.
func optional() *estate.Estate {
	user := func(id, name string) identity.Principal {
		return identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: id}, Name: name, Status: identity.StatusActive}
	}
	ann, bob, cem := user("1", "ann@x.test"), user("2", "bob@x.test"), user("4", "cem@x.test")
	b := estate.NewBuilder("a")
	for _, p := range []identity.Principal{ann, bob, cem} {
		b.AddPrincipal(p)
	}
	b.AddGroup(identity.Group{Principal: identity.Principal{Key: group3, Name: "g"}, Members: []identity.PrincipalKey{cem.Key}, MembersListed: true})
	b.AddWorkspace(identity.Workspace{ID: 1, Name: "w"})
	b.AddMetastore(identity.Metastore{ID: "m", Name: "m", PrivilegeModel: "1.0"})
	b.AttachMetastore("m", 1)
	b.AddAssignment(identity.Assignment{Workspace: 1, Principal: ann.Key, Permission: identity.WorkspaceAdmin})
	b.AddAssignment(identity.Assignment{Workspace: 1, Principal: bob.Key, Permission: identity.WorkspaceUser})
	b.AddAssignment(identity.Assignment{Workspace: 1, Principal: cem.Key, Permission: identity.WorkspaceUser})
	b.AddSecurable(identity.SecurableInfo{Securable: theCatalog, Owner: "bob@x.test"})
	b.AddSecurable(identity.SecurableInfo{Securable: theSchema, Owner: "g"})
	b.AddSecurable(identity.SecurableInfo{Securable: shown, Owner: "ann@x.test", Isolation: identity.Isolated})
	b.AddBindings(shown, []identity.Binding{{Workspace: 1, ReadOnly: true}})
	b.Record(estate.ReadKey{Op: estate.OpBindings, Securable: shown}, estate.Outcome{Needed: true})
	b.AddGrants(theCatalog, []identity.Grant{
		{Holder: "cem@x.test", Privileges: []identity.Privilege{identity.UseCatalog}},
		{Holder: "bob@x.test", Privileges: []identity.Privilege{identity.Select}},
	})
	b.AddGrants(theSchema, []identity.Grant{{Holder: "cem@x.test", Privileges: []identity.Privilege{identity.Manage}}})
	b.AddSecurable(identity.SecurableInfo{Securable: theTable, Owner: "bob@x.test", TableType: "EXTERNAL", Path: "s3://lake/t"})
	b.AddSecurable(identity.SecurableInfo{Securable: theLocation, Owner: "bob@x.test", Isolation: identity.Isolated, Path: "s3://lake"})
	b.AddSecurable(identity.SecurableInfo{Securable: theFunction, Owner: "ann@x.test", Bases: []identity.Securable{theTable}, BasesKnown: true})
	b.AddSecurable(identity.SecurableInfo{Securable: orphaned, Owner: "gone@x.test", Bases: []identity.Securable{theTable}, BasesKnown: true})
	b.AddGrants(orphaned, []identity.Grant{{Holder: "cem@x.test", Privileges: []identity.Privilege{identity.Execute}}})
	b.AddGrants(theTable, []identity.Grant{{Holder: "cem@x.test", Privileges: []identity.Privilege{identity.Select}}})
	b.AddGrants(theFunction, []identity.Grant{{Holder: "cem@x.test", Privileges: []identity.Privilege{identity.Execute}}})
	for _, k := range []estate.ReadKey{
		{Op: estate.OpGrants, Securable: theTable}, {Op: estate.OpGrants, Securable: orphaned}, {Op: estate.OpGrants, Securable: theFunction}, {Op: estate.OpBindings, Securable: theLocation},
		{Op: estate.OpChildren, Securable: identity.MetastoreSecurable("m"), Type: identity.TypeExternalLocation},
	} {
		b.Record(k, estate.Outcome{Needed: true})
	}
	b.AddObject(identity.ObjectInfo{Object: theJob, Name: "j"})
	b.AddObjectGrants(theJob, []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "g"}, Level: identity.CanView}})
	b.AddEntitlements(1, bob.Key, []identity.Entitlement{identity.WorkspaceAccess})
	kinds := func(k identity.Kind) identity.PrincipalKey { return identity.PrincipalKey{Kind: k} }
	for _, k := range []estate.ReadKey{
		{Op: estate.OpGroups}, {Op: estate.OpMembers, Principal: group3}, {Op: estate.OpAssignments, Workspace: 1},
		{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable("m")},
		{Op: estate.OpGrants, Securable: theCatalog}, {Op: estate.OpGrants, Securable: theSchema}, {Op: estate.OpObjectGrants, Object: theJob},
		{Op: estate.OpEntitlements, Workspace: 1, Principal: kinds(identity.KindGroup)},
		{Op: estate.OpEntitlements, Workspace: 1, Principal: kinds(identity.KindUser)},
		{Op: estate.OpObjects, Object: identity.Object{Workspace: 1, Type: identity.ObjectWarehouse}},
		{Op: estate.OpObjects, Object: identity.Object{Workspace: 1, Type: identity.ObjectCluster}},
		{Op: estate.OpObjects, Object: identity.Object{Workspace: 1, Type: identity.ObjectClusterPolicy}},
	} {
		b.Record(k, estate.Outcome{Needed: true})
	}
	return b.Build()
}

var (
	group3      = identity.PrincipalKey{Kind: identity.KindGroup, ID: "3"}
	theCatalog  = identity.CatalogSecurable("m", "c")
	shown       = identity.CatalogSecurable("m", "shown") // to the workspace, to read
	theSchema   = identity.SchemaSecurable("m", "c", "s")
	theTable    = identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: "t"}
	theFunction = identity.Securable{Metastore: "m", Type: identity.TypeFunction, Catalog: "c", Schema: "s", Name: "f"}
	theLocation = identity.Securable{Metastore: "m", Type: identity.TypeExternalLocation, Name: "lake"}
	orphaned    = identity.Securable{Metastore: "m", Type: identity.TypeFunction, Catalog: "c", Schema: "s", Name: "o"}
	theJob      = identity.Object{Workspace: 1, Type: identity.ObjectJob, ID: "7"}
)

// TestOptionsDecide asks for each option a question that it decides, under the usual choice and under
// another.
func TestOptionsDecide(t *testing.T) {
	e := optional()
	who := func(m *access.Model, id string) *access.Subject {
		return m.Subject(identity.PrincipalKey{Kind: identity.KindUser, ID: id})
	}
	for choice, c := range map[string]struct {
		ask           func(*access.Model) access.Verdict
		usual, chosen access.Verdict
	}{
		"model_version=0": {func(m *access.Model) access.Verdict {
			return who(m, "2").Effective(identity.Select, theSchema, 1)
		}, access.Allowed, access.Denied},
		"manage_usage=strict": {func(m *access.Model) access.Verdict {
			return who(m, "4").Can(identity.Manage, theSchema, 1)
		}, access.Allowed, access.Allowed}, // the owner of the schema uses it
		"catalog_owner_implies_use_schema=true": {func(m *access.Model) access.Verdict {
			return who(m, "2").Uses(theSchema, 1)
		}, access.Denied, access.Allowed},
		"acl_from_unassigned_groups=false": {func(m *access.Model) access.Verdict {
			return who(m, "4").Permitted(identity.CanView, theJob)
		}, access.Allowed, access.Denied},
		"restrict_ws_admins_default=RESTRICT_TOKENS_AND_JOB_RUN_AS": {func(m *access.Model) access.Verdict {
			return who(m, "1").Restricted(1)
		}, access.Denied, access.Allowed},
		"readonly_binding_blocks_grant=true": {func(m *access.Model) access.Verdict {
			return who(m, "1").Can(identity.Manage, shown, 1)
		}, access.Unknown, access.Denied},
		"readonly_binding_blocks_grant=false": {func(m *access.Model) access.Verdict {
			return who(m, "1").Can(identity.Manage, shown, 1)
		}, access.Unknown, access.Allowed},
		"udf_definer=false": {func(m *access.Model) access.Verdict {
			return who(m, "4").Can(identity.Execute, theFunction, 1)
		}, access.Denied, access.Allowed},
		"ext_location_binding_on_existing_tables=true": {func(m *access.Model) access.Verdict {
			return who(m, "4").Can(identity.Select, theTable, 1)
		}, access.Allowed, access.Denied},
		"max_acts=1": {func(m *access.Model) access.Verdict {
			return access.Holds(m.Options().Chosen()["max_acts"] == "1")
		}, access.Denied, access.Allowed},
		"strict_compute=true": {func(m *access.Model) access.Verdict {
			return who(m, "2").Exercises(identity.UseCatalog, theCatalog, 1)
		}, access.Unknown, access.Denied},
	} {
		t.Run(choice, func(t *testing.T) {
			var o access.Options
			if got := c.ask(access.Over(e, o)); got != c.usual {
				t.Errorf("usually it is %v, want %v", got, c.usual)
			}
			if err := o.Set(choice); err != nil {
				t.Fatal(err)
			}
			if got := c.ask(access.Over(e, o)); got != c.chosen {
				t.Errorf("with it, it is %v, want %v", got, c.chosen)
			}
		})
	}
}

// TestFunctionOfNobodyKnown: where the owner of a function is not known, the privilege decides, with a
// caveat.
func TestFunctionOfNobodyKnown(t *testing.T) {
	r := access.Over(optional(), access.Options{}).Can(identity.PrincipalKey{Kind: identity.KindUser, ID: "4"}, identity.Execute, orphaned, access.Asked{From: []identity.WorkspaceID{1}})
	const want = "function c.s.o reads with the rights of its owner gone@x.test, which are not known"
	if r.Verdict != report.Allow || !slices.ContainsFunc(r.Caveats, func(c string) bool { return strings.HasPrefix(c, want) }) {
		t.Errorf("%s, caveats %q", r.Verdict, r.Caveats)
	}
}

// TestStrictManageAsksForUse on the very container: cem holds MANAGE on the schema, and through g its use;
// whoever holds MANAGE alone does not.
func TestStrictManageAsksForUse(t *testing.T) {
	b := estate.NewBuilder("a")
	ann := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "ann@x.test", Status: identity.StatusActive}
	b.AddPrincipal(ann)
	b.AddMetastore(identity.Metastore{ID: "m", Name: "m", PrivilegeModel: "1.0"})
	b.AddWorkspace(identity.Workspace{ID: 1, Name: "w"})
	b.AttachMetastore("m", 1)
	b.AddAssignment(identity.Assignment{Workspace: 1, Principal: ann.Key, Permission: identity.WorkspaceUser})
	b.AddSecurable(identity.SecurableInfo{Securable: theCatalog, Owner: "other"})
	b.AddGrants(theCatalog, []identity.Grant{{Holder: "ann@x.test", Privileges: []identity.Privilege{identity.Manage}}})
	for _, k := range []estate.ReadKey{
		{Op: estate.OpParents, Principal: ann.Key}, {Op: estate.OpAssignments, Workspace: 1}, {Op: estate.OpGrants, Securable: theCatalog},
		{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable("m")},
	} {
		b.Record(k, estate.Outcome{Needed: true})
	}
	e := b.Build()
	if got := access.Over(e, access.Options{}).Subject(ann.Key).Can(identity.Manage, theCatalog, 1); got != access.Allowed {
		t.Errorf("usually it is %v", got)
	}
	if got := access.Over(e, access.Options{StrictManage: true}).Subject(ann.Key).Can(identity.Manage, theCatalog, 1); got != access.Denied {
		t.Errorf("strictly it is %v", got)
	}
}

// TestOptionsSayWhatThereIs in errors and in reports.
func TestOptionsSayWhatThereIs(t *testing.T) {
	var o access.Options
	for _, wrong := range []string{"", "manage_usage", "manage_usage=loose", "manage=strict", "max_acts=-1", "max_acts=x"} {
		if err := o.Set(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	if len(o.Chosen()) != len(access.OptionNames()) {
		t.Errorf("%d are chosen of %d", len(o.Chosen()), len(access.OptionNames()))
	}
	for name, value := range o.Chosen() {
		if err := o.Set(name + "=" + value); err != nil {
			t.Errorf("what a report prints is not taken: %v", err)
		}
	}
}
