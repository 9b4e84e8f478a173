package query

// Can asks whether a principal can do something, now, why, and if not, what is missing.
type Can struct {
	// Who is as in Principal.
	Who string
	// Action is what it would do.
	Action Action
	// Resource is the name of what it would do it with, as it was written.
	Resource string
	Target   Target
	// WorkspaceURLs limits the question to these workspaces, by address, name or id; empty means any.
	WorkspaceURLs []string
	// Exercisable asks for the entitlement and the compute that it takes, too.
	Exercisable bool
	// Objects asks, where it has no access itself, for ways through workspace objects that run as others.
	Objects Objects
	// Why and WhyNot ask for one side of the answer alone: the proofs, or what is missing. Without
	// either both are given.
	Why, WhyNot bool
	// Discreet says that whoever asks may not learn what there is: a no then takes about as much reading whether what it is about is
	// there or not. It is not asked for, but decided of the one who asks.
	Discreet bool
}

// Mode is "can".
func (Can) Mode() string { return "can" }

var canForm = Form{
	Mode:  "can",
	About: "can this principal do that on this securable, object or workspace, why, and if not, what is missing",
	Args:  []string{"WHO", "ACTION", "RESOURCE"},
	Flags: append([]Flag{
		{Name: "exercisable", Usage: "ask for the entitlement and the compute that it takes, too"},
		{Name: objectsFlag.Name, Usage: "look for ways through jobs, pipelines, clusters and apps that run as others, too"},
		{Name: objectTypesFlag.Name, Value: objectTypesFlag.Value, Usage: "look for ways through workspace objects of these types alone"},
		{Name: "why", Usage: "show the proofs alone"},
		{Name: "why-not", Usage: "show what is missing alone"},
	}, targetFlags...),
	build: func(args []string, v Values) (Request, error) {
		q := Can{Who: args[0], Resource: args[2], Exercisable: v.Bool("exercisable"), Why: v.Bool("why"), WhyNot: v.Bool("why-not")}
		if q.Why && q.WhyNot {
			return nil, &UsageError{Problem: "--why and --why-not exclude each other", Hint: "leave both out to see everything"}
		}
		var err error
		if q.Objects, err = objects(v); err != nil {
			return nil, err
		}
		if err := q.Objects.steering(); err != nil {
			return nil, err
		}
		if q.Action, err = parseAction(args[1]); err != nil {
			return nil, err
		}
		q.Target, q.WorkspaceURLs, err = target(args[2], v, q.Action.plain())
		if err != nil {
			return nil, err
		}
		q.Exercisable = q.Exercisable || q.Action.verb == Query
		if err := q.Action.place(&q.Target); err != nil {
			return nil, err
		}
		return q, q.Target.whole()
	},
}

const (
	resourceType = "resource-type"
	metastore    = "metastore"
	workspace    = "workspace"
)

var noWorkspace = &UsageError{Problem: "--" + workspaceURLs + " names no workspace", Hint: "leave it out to ask about all"}
