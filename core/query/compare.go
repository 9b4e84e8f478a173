package query

import "databricks-access-audit/core/identity"

// Compare asks what two principals have in common and what only one of them has.
type Compare struct {
	// A and B are as Principal.Who.
	A, B string
	// Scan is as in Principal.
	Scan []identity.SecurableType
	// Objects asks for what they may do with workspace objects, too.
	Objects Objects
	// WorkspaceURLs limits the question to these workspaces; empty means all.
	WorkspaceURLs []string
}

// Mode is "compare".
func (Compare) Mode() string { return "compare" }

var compareForm = Form{
	Mode:  "compare",
	About: "which groups and which access only one of two principals has, and which both have",
	Args:  []string{"A", "B"},
	Flags: append([]Flag{objectsFlag, objectTypesFlag}, depthFlags()...),
	build: func(args []string, v Values) (Request, error) {
		asked, err := objects(v)
		if err != nil {
			return nil, err
		}
		q := Compare{A: args[0], B: args[1], Scan: scan(v), Objects: asked, WorkspaceURLs: list(v.String(workspaceURLs))}
		if v.IsSet(workspaceURLs) && len(q.WorkspaceURLs) == 0 {
			return nil, noWorkspace
		}
		return q, nil
	},
}
