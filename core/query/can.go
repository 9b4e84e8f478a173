package query

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// Can asks whether a principal can do something on a securable, now, why, and if not, what is
// missing.
type Can struct {
	// Who is as in Principal.
	Who string
	// Action is a privilege in the API's spelling, or one of the everyday verbs Read and Write.
	Action string
	// Resource is a securable's name, its parts in backticks where they hold dots.
	Resource string
	// Parts are the parts of the name.
	Parts []string
	// Type is the securable's type; empty when the name alone must tell.
	Type identity.SecurableType
	// Metastore is the name or id of the metastore; empty means any.
	Metastore string
	// WorkspaceURLs limits the question to these workspaces; empty means any.
	WorkspaceURLs []string
}

// Mode is "can".
func (Can) Mode() string { return "can" }

// The everyday verbs: what they mean depends on the type of securable.
const (
	Read  = "read"
	Write = "write"
)

// PrivilegeOn is the privilege that the action means on a type of securable; it reports false when
// the verb means nothing there.
func (q Can) PrivilegeOn(t identity.SecurableType) (identity.Privilege, bool) {
	if q.Action != Read && q.Action != Write {
		return identity.Privilege(q.Action), true
	}
	p, ok := verbs[q.Action][t]
	return p, ok
}

var verbs = map[string]map[identity.SecurableType]identity.Privilege{
	Read: {
		identity.TypeTable: identity.Select, identity.TypeVolume: identity.ReadVolume,
		identity.TypeFunction: identity.Execute, identity.TypeModel: identity.Execute,
		identity.TypeExternalLocation: identity.ReadFiles,
	},
	Write: {
		identity.TypeTable: identity.Modify, identity.TypeVolume: identity.WriteVolume,
		identity.TypeExternalLocation: identity.WriteFiles,
	},
}

var canForm = Form{
	Mode:  "can",
	About: "can this principal do that on this securable, why, and if not, what is missing",
	Args:  []string{"WHO", "ACTION", "RESOURCE"},
	Flags: targetFlags,
	build: func(args []string, v Values) (Request, error) {
		q := Can{Who: args[0], Resource: args[2]}
		var err error
		if q.Action, err = action(args[1]); err != nil {
			return nil, err
		}
		q.Parts, q.Type, q.Metastore, q.WorkspaceURLs, err = target(args[2], v)
		return q, err
	},
}

const (
	resourceType = "resource-type"
	metastore    = "metastore"
)

var noWorkspace = &UsageError{Problem: "--" + workspaceURLs + " names no workspace", Hint: "leave it out to ask about all"}

// action reads a privilege or a verb. A privilege that this program does not know may be a new one of
// Databricks and is taken as it is, unless it looks like a slip of the pen.
func action(word string) (string, error) {
	verb := strings.ToLower(strings.TrimSpace(word))
	switch verb {
	case Read, Write:
		return verb, nil
	case "manage", "grant":
		return string(identity.Manage), nil
	}
	p := identity.ParsePrivilege(word)
	switch {
	case p == identity.Browse || p == identity.AllPrivileges:
		return "", &UsageError{Problem: fmt.Sprintf("can does not answer for %s", p.SQL()), Hint: "ask for one privilege to use or manage something, such as SELECT"}
	case p.Known():
		return string(p), nil
	}
	var near []string
	for _, k := range identity.KnownPrivileges() {
		if identity.EditDistance(string(k), string(p)) <= 2 {
			near = append(near, k.SQL())
		}
	}
	if len(near) > 0 || p == "" {
		return "", &UsageError{Problem: fmt.Sprintf("%q is not a privilege", word), Hint: "did you mean " + strings.Join(near, " or ")}
	}
	return string(p), nil
}

// typeNamed reads a type of securable, with blanks, dashes or underscores, in any case.
func typeNamed(word string) (identity.SecurableType, error) {
	if word == "" {
		return "", nil
	}
	t := identity.SecurableType(strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(word)))
	known := identity.SecurableTypes()
	if !slices.Contains(known, t) {
		var names []string
		for _, k := range known {
			names = append(names, strings.ReplaceAll(k.Title(), " ", "_"))
		}
		return "", &UsageError{Problem: fmt.Sprintf("--%s %q is not a type of securable", resourceType, word), Hint: "write one of " + strings.Join(names, ", ")}
	}
	return t, nil
}
