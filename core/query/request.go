package query

import (
	"slices"

	"databricks-access-audit/core/identity"
)

// Request is one question. Which type it is says what is asked.
type Request interface {
	// Mode is the name of the question, as in the report and on the command line.
	Mode() string
}

// Principal asks what a user, service principal or group can reach, everywhere, and by which path.
type Principal struct {
	// Who is an e-mail, user name, name or application id of a service principal, group name,
	// numeric id, or the user name of an Entra guest.
	Who string
	// Scan names the types of securable to look at below catalogs, in the order of the tree.
	// Objects in schemas imply schemas.
	Scan []identity.SecurableType
	// Escalations asks for its ways to more access, too.
	Escalations bool
	// Objects asks for permissions on workspace objects, and LocalGroups for the groups that exist in one
	// workspace alone, too.
	Objects     Objects
	LocalGroups bool
	// LastUse asks which of its grants it did not use lately, too.
	LastUse LastUse
	// WorkspaceURLs limits the question to these workspaces; empty means all.
	WorkspaceURLs []string
}

// Mode is "principal".
func (Principal) Mode() string { return "principal" }

// Doctor asks which credentials are in use, what they can read, and what will be invisible.
type Doctor struct{}

// Mode is "doctor".
func (Doctor) Mode() string { return "doctor" }

// scanFlags are the flags that make a question go deeper, with the types that each adds.
var scanFlags = []struct {
	flag  Flag
	types []identity.SecurableType
}{
	{Flag{Name: "scan-schemas", Usage: "look at schemas"}, []identity.SecurableType{identity.TypeSchema}},
	{Flag{Name: "scan-tables", Usage: "look at schemas, tables and views"}, []identity.SecurableType{identity.TypeSchema, identity.TypeTable}},
	{Flag{Name: "scan-volumes", Usage: "look at schemas and volumes"}, []identity.SecurableType{identity.TypeSchema, identity.TypeVolume}},
	{Flag{Name: "scan-functions", Usage: "look at schemas and functions"}, []identity.SecurableType{identity.TypeSchema, identity.TypeFunction}},
	{Flag{Name: "scan-models", Usage: "look at schemas and registered models"}, []identity.SecurableType{identity.TypeSchema, identity.TypeModel}},
	{Flag{Name: "scan-all", Usage: "look at everything in schemas"}, []identity.SecurableType{
		identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel,
	}},
}

var principalForm = Form{
	Mode:  "principal",
	About: "what can this user, service principal or group reach, everywhere, and by which path",
	Args:  []string{"WHO"},
	Flags: append([]Flag{{Name: "escalation-check", Usage: "look for its ways to more access, too"}, objectsFlag, objectTypesFlag, localGroupsFlag}, append(slices.Clone(lastUseFlags), depthFlags()...)...),
	build: func(args []string, v Values) (Request, error) {
		used, err := lastUse(v)
		if err != nil {
			return nil, err
		}
		urls := list(v.String(workspaceURLs))
		if v.IsSet(workspaceURLs) && len(urls) == 0 {
			return nil, noWorkspace
		}
		asked, err := objects(v)
		if err != nil {
			return nil, err
		}
		return Principal{
			Who: args[0], Scan: scan(v), WorkspaceURLs: urls, Escalations: v.Bool("escalation-check"),
			Objects: asked, LocalGroups: v.Bool(localGroupsFlag.Name), LastUse: used,
		}, nil
	},
}

// Roles asks which of the roles of a Databricks account somebody has, or everybody.
type Roles struct{ Survey }

// Mode is "roles".
func (Roles) Mode() string { return "roles" }

// Escalations asks by which ways somebody, or everybody, can come to more access than was given.
type Escalations struct{ Survey }

// Mode is "escalations".
func (Escalations) Mode() string { return "escalations" }

// Survey is a question about one principal or about the whole account.
type Survey struct {
	// Who is as in Principal; empty means everybody.
	Who string
	// Scan is as in Principal.
	Scan []identity.SecurableType
	// Objects asks for workspace objects and who may use them, too.
	Objects bool
	// WorkspaceURLs limits the question to these workspaces; empty means all.
	WorkspaceURLs []string
}

var (
	rolesForm = surveyForm("roles", "which roles somebody has, or everybody, and the fact that shows each",
		func(s Survey) Request { return Roles{s} })
	escalationsForm = surveyForm("escalations", "by which ways somebody, or everybody, can come to more access than was given",
		func(s Survey) Request { return Escalations{s} })
)

func surveyForm(mode, about string, ask func(Survey) Request) Form {
	return Form{
		Mode: mode, About: about, Args: []string{"[WHO]"},
		Flags: append([]Flag{objectsFlag}, depthFlags()...),
		build: func(args []string, v Values) (Request, error) {
			s := Survey{Scan: scan(v), Objects: v.Bool(objectsFlag.Name), WorkspaceURLs: list(v.String(workspaceURLs))}
			if v.IsSet(workspaceURLs) && len(s.WorkspaceURLs) == 0 {
				return nil, noWorkspace
			}
			if len(args) > 0 {
				s.Who = args[0]
			}
			return ask(s), nil
		},
	}
}

var doctorForm = Form{
	Mode:  "doctor",
	About: "which credentials, which rights, what will be invisible and why",
	build: func([]string, Values) (Request, error) { return Doctor{}, nil },
}

const workspaceURLs = "workspace-urls"

func depthFlags() []Flag {
	var flags []Flag
	for _, s := range scanFlags {
		flags = append(flags, s.flag)
	}
	return append(flags, Flag{Name: workspaceURLs, Value: "URL,…", Usage: "limit the question to these workspaces"})
}

func scan(v Values) []identity.SecurableType {
	var types []identity.SecurableType
	for _, s := range scanFlags {
		if v.Bool(s.flag.Name) {
			types = append(types, s.types...)
		}
	}
	slices.SortFunc(types, identity.SecurableType.Compare)
	return slices.Compact(types)
}
