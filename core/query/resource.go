package query

import (
	"fmt"

	"databricks-access-audit/core/identity"
)

// Resource asks who can reach a securable, effectively.
type Resource struct {
	// Name is the securable's name, Parts are its parts.
	Name  string
	Parts []string
	// Type is the securable's type; empty when the name alone must tell.
	Type identity.SecurableType
	// Metastore is the name or id of the metastore; empty means any.
	Metastore string
	// Groups leaves groups as they are, without the people in them.
	Groups bool
	// WorkspaceURLs limits the question to these workspaces; empty means any.
	WorkspaceURLs []string
}

// Mode is "resource".
func (Resource) Mode() string { return "resource" }

const noExpandGroups = "no-expand-groups"

var resourceForm = Form{
	Mode:  "resource",
	About: "who can reach this catalog, schema, table, volume, function, model, external location, credential, connection, …",
	Args:  []string{"NAME"},
	Flags: append([]Flag{{Name: noExpandGroups, Usage: "list groups without the people in them"}}, targetFlags...),
	build: func(args []string, v Values) (Request, error) {
		q := Resource{Name: args[0], Groups: v.Bool(noExpandGroups)}
		var err error
		q.Parts, q.Type, q.Metastore, q.WorkspaceURLs, err = target(args[0], v)
		return q, err
	},
}

// targetFlags are the flags of questions about one securable.
var targetFlags = []Flag{
	{Name: resourceType, Value: "TYPE", Usage: "the securable's type, where its name is not enough"},
	{Name: metastore, Value: "NAME", Usage: "the securable's metastore, where its name is not enough"},
	{Name: workspaceURLs, Value: "URL,…", Usage: "limit the question to these workspaces"},
}

// target reads what names a securable, and from where it is asked about.
func target(name string, v Values) (parts []string, t identity.SecurableType, in string, urls []string, err error) {
	urls = list(v.String(workspaceURLs))
	if v.IsSet(workspaceURLs) && len(urls) == 0 {
		return nil, "", "", nil, noWorkspace
	}
	if parts, err = identity.ParseFullName(name); err != nil || len(parts) > 3 {
		return nil, "", "", nil, &UsageError{
			Problem: fmt.Sprintf("%q is not the name of a securable", name),
			Hint:    "write catalog, catalog.schema or catalog.schema.object; a part that holds a dot goes in backticks",
		}
	}
	t, err = typeNamed(v.String(resourceType))
	return parts, t, v.String(metastore), urls, err
}
