package identity

import (
	"slices"
	"strings"
	"time"
)

// Warehouse is a SQL warehouse of a workspace, as far as one is needed to ask it something.
//
// https://docs.databricks.com/api/workspace/warehouses/list
type Warehouse struct {
	ID, Name string
	// State is the API's word: RUNNING, STARTING, STOPPED, … Empty means that it was not told.
	State string
	// Serverless says that it starts within seconds rather than minutes.
	Serverless bool
}

// Running reports whether it answers without being started.
func (w Warehouse) Running() bool { return w.State == "RUNNING" }

// Usable reports whether it is there to answer at all. A statement that is sent to a warehouse that is
// stopped starts it.
func (w Warehouse) Usable() bool { return w.State != "DELETED" && w.State != "DELETING" }

// AuditLog says how much of an audit log was looked at, and through what.
type AuditLog struct {
	// Metastore is the one for whose sake it was read.
	Metastore string
	Workspace WorkspaceID
	// Warehouse is as it was before the first statement: one that was not running was started by that.
	Warehouse Warehouse
	// Since is the first day that was asked for; First and Last are the first and the last day from then
	// on of which the log has anything at all, and zero when it has nothing. All are midnights, UTC.
	Since, First, Last time.Time
}

// Use is when somebody was last seen in an audit log, doing something with one securable or, where Name is
// empty, anything at all.
type Use struct {
	// Who is the user name or application id of the log, folded: see FoldName.
	Who string
	// Metastore is the id that the event names; empty where it names none.
	Metastore string
	// Name is the full name of the securable, in lower case. Its type is not told: a table and a function of
	// one schema may share a name.
	Name string
	At   time.Time
	// Refused says that it was only tried, and refused: nothing was used.
	Refused bool
}

// LogNames are what an audit log may call a principal, folded: user name, mail addresses, application id.
func (p Principal) LogNames() []string {
	var names []string
	for _, n := range slices.Concat([]string{p.Name}, p.Emails, p.Aliases) {
		if n = FoldName(strings.TrimSpace(n)); n != "" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
