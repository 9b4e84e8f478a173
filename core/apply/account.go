package apply

import (
	"context"
	"time"

	"databricks-access-audit/core/plan"
)

// Place is where a plan holds: an account, and the host it is reached through.
type Place struct{ Account, Host string }

// Reading is what a cell was found to hold.
type Reading struct {
	Value plan.Value
	// Barred says why the cell must not or cannot be written although it could be read: its group is kept by an
	// identity provider, or the caller has no right to. Empty where nothing is known to stand in the way.
	Barred string
}

// Account is the account that is changed. Its methods are not called concurrently.
type Account interface {
	// Place says which account it is, without asking anybody.
	Place() Place
	// Read reads the cells of the changes, one Reading each, in their order. What it cannot read is an error, never an
	// Absent. A holder, group or object that is no longer there is a Failure of kind NotFound. Readings may lag
	// behind writes, and may go back to an older state once more.
	Read(ctx context.Context, changes []plan.Change) ([]Reading, error)
	// Write makes the changes, all with one request: those for which Together holds. It sends nothing twice. An
	// error that is a Failure with a status of the peer's says that nothing was done if that is 4xx; after any
	// other error it is not known what was done.
	Write(ctx context.Context, changes []plan.Change) error
}

// Clock is the time of one process. Its times are compared with one another only: deadlines that others share are
// by the Store's clock.
type Clock interface {
	// Now is a monotonic time.
	Now() time.Time
	// Sleep waits, or gives the context's error as soon as it is done.
	Sleep(ctx context.Context, d time.Duration) error
	// Within gives a context that is done after the time.
	Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// Together reports whether one request can make both changes: members of one group, grants on one securable, levels on
// one object, entitlements of one holder, in the same direction.
func Together(a, b plan.Change) bool {
	if a.Cell.Kind != b.Cell.Kind || a.Through != b.Through || (a.After == plan.Absent) != (b.After == plan.Absent) {
		return false
	}
	switch a.Cell.Kind {
	case plan.Member:
		// A removal names one member in its path, RFC 7644 §3.5.2.2.
		return a.Cell.Group == b.Cell.Group && a.After != plan.Absent
	case plan.Granted:
		return a.Cell.Securable == b.Cell.Securable
	case plan.ObjectLevel:
		return false // a list of permissions is changed for one holder at a time: see the adapter
	case plan.Entitled:
		return a.Cell.Workspace == b.Cell.Workspace && a.Cell.Holder == b.Cell.Holder && a.After != plan.Absent
	case plan.Assigned:
		return false
	default:
		return false
	}
}

// maxBatch bounds one request, so that one refusal does not take too much with it.
const maxBatch = 20

// batches cuts steps into runs that one request each can make, without changing their order.
func batches(steps []plan.Step) [][]plan.Step {
	var list [][]plan.Step
	for i, s := range steps {
		if n := len(list); i > 0 && len(list[n-1]) < maxBatch && Together(*list[n-1][0].Change, *s.Change) {
			list[n-1] = append(list[n-1], s)
			continue
		}
		list = append(list, []plan.Step{s})
	}
	return list
}
