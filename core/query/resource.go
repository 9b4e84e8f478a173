package query

import "databricks-access-audit/core/identity"

// Resource asks who can reach a securable, a workspace object or a workspace, effectively.
type Resource struct {
	// Name is its name, as it was written.
	Name   string
	Target Target
	// Groups leaves groups as they are, without the people in them.
	Groups bool
	// Privilege limits the answer to those who hold it; empty means any. On objects it is a level.
	Privilege identity.Privilege
	// WorkspaceURLs limits the question to these workspaces, by address, name or id; empty means any.
	WorkspaceURLs []string
}

// Mode is "resource".
func (Resource) Mode() string { return "resource" }

const noExpandGroups = "no-expand-groups"

var resourceForm = Form{
	Mode:  "resource",
	About: "who can reach this catalog, schema, table, volume, function, model, external location, credential, connection, workspace, job, …",
	Args:  []string{"NAME"},
	Flags: append([]Flag{
		{Name: noExpandGroups, Usage: "list groups without the people in them"},
		{Name: "privilege", Value: "P", Usage: "only those who hold this privilege, or on an object this level"},
	}, targetFlags...),
	build: func(args []string, v Values) (Request, error) {
		q := Resource{Name: args[0], Groups: v.Bool(noExpandGroups)}
		var err error
		if q.Target, q.WorkspaceURLs, err = target(args[0], v, false); err != nil {
			return nil, err
		}
		if v.IsSet("privilege") {
			var action Action
			if action, err = parseAction(v.String("privilege")); err == nil {
				q.Privilege, err = action.literal()
			}
		}
		return q, err
	},
}
