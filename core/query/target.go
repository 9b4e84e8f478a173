package query

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// Target names what a question is about: a securable, an object of a workspace, or a workspace.
type Target struct {
	// Parts are the parts of a securable's name; those of other things stay in one.
	Parts []string
	// Type is the securable's type; empty when the name alone must tell.
	Type identity.SecurableType
	// Metastore is the name or id of the metastore; empty means any.
	Metastore string
	// Object is the type of a workspace object; for what lies in the workspace's tree any type of that.
	Object identity.ObjectType
	// Workspace says that a workspace is meant, Principal that a user, service principal or group is.
	Workspace, Principal bool
}

// targetFlags are the flags of questions about one thing.
var targetFlags = []Flag{
	{Name: resourceType, Value: "TYPE", Usage: "its type, where the name is not enough: table, job, sql_warehouse, workspace, …"},
	{Name: metastore, Value: "NAME", Usage: "the securable's metastore, where its name is not enough"},
	{Name: workspace, Value: "NAME", Usage: "limit the question to this workspace, by name, id or address"},
	{Name: workspaceURLs, Value: "URL,…", Usage: "limit the question to these workspaces"},
}

// target reads what a name means, and from where it is asked about. A plain name has no parts.
func target(name string, v Values, plain bool) (t Target, workspaces []string, err error) {
	workspaces = list(v.String(workspaceURLs))
	if v.IsSet(workspaceURLs) && len(workspaces) == 0 {
		return t, nil, noWorkspace
	}
	if w := strings.TrimSpace(v.String(workspace)); w != "" {
		workspaces = append(workspaces, w)
	} else if v.IsSet(workspace) {
		return t, nil, noWorkspace
	}
	t = Target{Parts: []string{name}, Metastore: v.String(metastore)}
	if err := t.typed(v.String(resourceType)); err != nil {
		return t, nil, err
	}
	if !plain && t.Object == "" && t.Type == "" && !t.Workspace && strings.HasPrefix(name, "/") {
		t.Object = identity.ObjectNotebook // whatever lies at the path
	}
	switch {
	case (t.Object != "" || t.Workspace) && t.Metastore != "":
		return t, nil, &UsageError{Problem: "--" + metastore + " is for securables", Hint: "choose the workspace by --" + workspace}
	case plain || t.Object != "" || t.Workspace || t.Type == identity.TypeMetastore:
		return t, workspaces, nil
	}
	if t.Parts, err = identity.ParseFullName(name); err != nil || len(t.Parts) > 3 {
		return t, nil, &UsageError{
			Problem: fmt.Sprintf("%q is not the name of a securable", name),
			Hint:    "write catalog, catalog.schema or catalog.schema.object; a part that holds a dot goes in backticks",
		}
	}
	if strings.EqualFold(t.Parts[0], "hive_metastore") {
		return t, nil, &UsageError{
			Problem: name + " is in the Hive metastore of a workspace, which Unity Catalog does not govern: who may use it cannot be told from the account",
			Hint:    "ask about a securable of Unity Catalog, or run SHOW GRANTS in the workspace",
		}
	}
	return t, workspaces, t.whole()
}

// whole says how many parts the name of a securable of the type has, where it has another number.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
func (t Target) whole() error {
	form := map[bool]string{true: "catalog.schema." + strings.ReplaceAll(t.Type.Title(), " ", "_"), false: "catalog.schema"}[t.Type.InSchema()]
	want := strings.Count(form, ".") + 1
	if t.Type == identity.TypeCatalog {
		form, want = "catalog", 1
	}
	placed := t.Type.InSchema() || t.Type == identity.TypeSchema || t.Type == identity.TypeCatalog
	if !placed || len(t.Parts) == want {
		return nil
	}
	parts := fmt.Sprintf("%d parts", want)
	if want == 1 {
		parts = "1 part"
	}
	return &UsageError{
		Problem: fmt.Sprintf("the name of a %s has %s, %s has %d", t.Type.Title(), parts, identity.QuoteFullName(t.Parts), len(t.Parts)),
		Hint:    "write " + form + "; a part that holds a dot goes in backticks",
	}
}

// objectWords are other words for types of object than their own names and titles.
var objectWords = map[string]identity.ObjectType{
	"warehouse": identity.ObjectWarehouse, "warehouses": identity.ObjectWarehouse, "query": identity.ObjectQuery, "queries": identity.ObjectQuery,
	"dashboard": identity.ObjectDashboard, "dashboards": identity.ObjectDashboard, "genie": identity.ObjectGenie, "experiment": identity.ObjectExperiment,
	"experiments": identity.ObjectExperiment, "repo": identity.ObjectRepo, "scope": identity.ObjectSecretScope, "policy": identity.ObjectClusterPolicy,
	"pool": identity.ObjectInstancePool, "alert_v2": identity.ObjectAlertV2, "endpoint": identity.ObjectServing,
}

// typed reads a type, with blanks, dashes or underscores, in any case and number.
func (t *Target) typed(word string) error {
	if word == "" {
		return nil
	}
	folded := strings.ToLower(strings.Join(strings.FieldsFunc(word, func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), "_"))
	known := append(identity.SecurableTypes(), identity.AnyCredential)
	if s := identity.SecurableType(strings.ToUpper(folded)); slices.Contains(known, s) {
		t.Type = s
		return nil
	}
	if folded == workspace || folded == workspace+"s" {
		t.Workspace = true
		return nil
	}
	for _, o := range identity.ObjectTypes() {
		single := strings.ReplaceAll(strings.ToLower(o.Title()), " ", "_")
		if folded == string(o) || folded == single || folded == strings.TrimSuffix(string(o), "s") {
			t.Object = o
			return nil
		}
	}
	if o, ok := objectWords[folded]; ok {
		t.Object = o
		return nil
	}
	var names []string
	for _, k := range known {
		names = append(names, strings.ReplaceAll(k.Title(), " ", "_"))
	}
	for _, o := range identity.ObjectTypes() {
		names = append(names, string(o))
	}
	return &UsageError{Problem: fmt.Sprintf("--%s %q is not a type", resourceType, word), Hint: "write one of " + strings.Join(append(names, workspace), ", ")}
}
