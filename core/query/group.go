package query

import (
	"slices"

	"databricks-access-audit/core/identity"
)

// Group asks what a group gives, who is in it, and what those in it hold besides.
type Group struct {
	// Name is the group's name or numeric id. That of a group of one workspace alone may be followed by
	// @ and the workspace.
	Name string
	// Scan is as in Principal.
	Scan []identity.SecurableType
	// Objects and LocalGroups are as in Principal.
	Objects     Objects
	LocalGroups bool
	// RevokeScript asks for statements that take away what members hold and would not miss; Force for
	// them even where not everything was read.
	RevokeScript, Force bool
	// LastUse asks which of the grants that it gives nobody in it used lately, and which of their own its
	// members did not use.
	LastUse LastUse
	// WorkspaceURLs limits the question to these workspaces; empty means all.
	WorkspaceURLs []string
}

// Mode is "group".
func (Group) Mode() string { return "group" }

const revokeScript = "revoke-script"

var localGroupsFlag = Flag{Name: "check-local-groups", Usage: "list the legacy groups that exist in one workspace alone"}

var groupForm = Form{
	Mode:  "group",
	About: "what does the group give, who is in it, and what do they hold besides",
	Args:  []string{"NAME"},
	Flags: append([]Flag{
		objectsFlag,
		objectTypesFlag,
		localGroupsFlag,
		{Name: revokeScript, Usage: "write the SQL that revokes the personal grants that members would not miss"},
	}, append(slices.Clone(lastUseFlags), depthFlags()...)...),
	build: func(args []string, v Values) (Request, error) {
		asked, err := objects(v)
		if err != nil {
			return nil, err
		}
		used, err := lastUse(v)
		if err != nil {
			return nil, err
		}
		q := Group{
			RevokeScript: v.Bool(revokeScript), Force: v.Bool(revokeScript) && v.Bool("force"),
			Name: args[0], Scan: scan(v), Objects: asked, LocalGroups: v.Bool(localGroupsFlag.Name),
			LastUse: used, WorkspaceURLs: list(v.String(workspaceURLs)),
		}
		if v.IsSet(workspaceURLs) && len(q.WorkspaceURLs) == 0 {
			return nil, noWorkspace
		}
		return q, nil
	},
}
