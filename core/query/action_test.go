package query_test

import (
	"testing"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
)

func can(t *testing.T, action string) query.Action {
	t.Helper()
	q, err := query.Parse([]string{"can", "ann", action, "a.b.c"})
	if err != nil {
		t.Fatal(err)
	}
	return q.(query.Can).Action
}

// TestActionsOnSecurables come to privileges.
func TestActionsOnSecurables(t *testing.T) {
	for _, c := range []struct {
		action string
		on     identity.SecurableType
		want   identity.Privilege // empty: it means nothing there
	}{
		{"read", identity.TypeTable, identity.Select}, {"READ", identity.TypeVolume, identity.ReadVolume},
		{"read", identity.TypeSchema, ""}, {"write", identity.TypeTable, identity.Modify}, {"edit", identity.TypeVolume, identity.WriteVolume},
		{"run", identity.TypeFunction, identity.Execute}, {"run", identity.TypeTable, ""}, {"query", identity.TypeTable, identity.Select},
		{"manage", identity.TypeCatalog, identity.Manage}, {"grant", identity.TypeTable, identity.Manage}, {"see", identity.TypeTable, identity.Browse},
		{"use catalog", identity.TypeCatalog, identity.UseCatalog}, {"SELECT", identity.TypeTable, identity.Select},
		{"NEWER_THAN_US", identity.TypeTable, "NEWER_THAN_US"},
	} {
		got, err := can(t, c.action).On(c.on)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s on %s: %q, %v; want %q", c.action, c.on, got, err, c.want)
		}
	}
}

// TestCreatingNamesThePlace by the thing: a table is created in a schema, a catalog in a metastore.
func TestCreatingNamesThePlace(t *testing.T) {
	for line, want := range map[string]query.Target{
		"create table":             {Parts: []string{"x"}, Type: identity.TypeSchema},
		"create-catalog":           {Parts: []string{"x"}, Type: identity.TypeMetastore},
		"CREATE_EXTERNAL_LOCATION": {Parts: []string{"x"}, Type: identity.TypeStorageCredential},
		"create SQL warehouse":     {Parts: []string{"x"}, Workspace: true},
		"enter":                    {Parts: []string{"x"}, Workspace: true},
		"impersonate":              {Parts: []string{"x"}, Principal: true},
		"read":                     {Parts: []string{"x"}},
	} {
		name := "x"
		if want.Type == identity.TypeSchema {
			name = "x.y"
		}
		q, err := query.Parse([]string{"can", "ann", line, name})
		if err != nil {
			t.Fatal(err)
		}
		if got := q.(query.Can).Target; got.Type != want.Type || got.Workspace != want.Workspace || got.Principal != want.Principal || got.Parts[0] != want.Parts[0] {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

// TestActionsOnObjects come to levels that the type has.
func TestActionsOnObjects(t *testing.T) {
	for _, o := range identity.ObjectTypes() {
		for _, verb := range []string{"read", "write", "run", "manage", "see"} {
			l, err := can(t, verb).At(o)
			if err != nil || !o.Has(l) {
				t.Errorf("%s on %s: %q, %v", verb, o, l, err)
			}
		}
	}
	for _, c := range []struct {
		action string
		on     identity.ObjectType
		want   identity.Level
	}{
		{"run", identity.ObjectJob, identity.CanManageRun}, {"run", identity.ObjectWarehouse, identity.CanUse}, {"write", identity.ObjectNotebook, identity.CanEdit},
		{"write", identity.ObjectJob, identity.CanManage}, {"manage", identity.ObjectSecretScope, identity.SecretManage}, {"CAN_RESTART", identity.ObjectCluster, identity.CanRestart},
		{"CAN_RESTART", identity.ObjectJob, ""}, {"SELECT", identity.ObjectJob, ""},
	} {
		got, err := can(t, c.action).At(c.on)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s on %s: %q, %v; want %q", c.action, c.on, got, err, c.want)
		}
	}
}

// TestTypesAreNamedInManyWays and mean one thing each.
func TestTypesAreNamedInManyWays(t *testing.T) {
	for word, want := range map[string]query.Target{
		"job": {Object: identity.ObjectJob}, "Jobs": {Object: identity.ObjectJob}, "SQL warehouse": {Object: identity.ObjectWarehouse},
		"sql-warehouses": {Object: identity.ObjectWarehouse}, "warehouse": {Object: identity.ObjectWarehouse}, "cluster_policies": {Object: identity.ObjectClusterPolicy},
		"secret scope": {Object: identity.ObjectSecretScope}, "model": {Type: identity.TypeModel}, "external-location": {Type: identity.TypeExternalLocation},
		"workspace": {Workspace: true}, "query": {Object: identity.ObjectQuery}, "git folder": {Object: identity.ObjectRepo},
	} {
		name := "x"
		if want.Type.InSchema() {
			name = "x.y.z"
		}
		q, err := query.Parse([]string{"resource", name, "--resource-type", word})
		if err != nil {
			t.Errorf("%s: %v", word, err)
			continue
		}
		if got := q.(query.Resource).Target; got.Type != want.Type || got.Object != want.Object || got.Workspace != want.Workspace {
			t.Errorf("%s: %+v, want %+v", word, got, want)
		}
	}
	if q, err := query.Parse([]string{"resource", "/Shared/etl"}); err != nil || !q.(query.Resource).Target.Object.InTree() {
		t.Errorf("a path is no object of the tree: %+v, %v", q, err)
	}
}
