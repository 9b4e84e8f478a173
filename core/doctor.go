package core

import (
	"fmt"
	"strings"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// examine turns what a probe met into checks.
func examine(e *estate.Estate, caller identity.Principal) *report.DoctorReport {
	r := &report.DoctorReport{Checks: []report.Check{}}
	if !caller.Key.IsZero() {
		p := access.Describe(caller)
		r.Credentials.Caller = &p
	}
	for _, read := range e.Reads() {
		r.Checks = append(r.Checks, check(e, read))
	}
	return r
}

func check(e *estate.Estate, r estate.Read) report.Check {
	c := report.Check{Name: e.Operation(r.Key), Scope: e.Scope(r.Key), Status: report.CheckOK}
	switch r.Outcome.Kind {
	case "":
		return c
	case identity.NotRunning, identity.NotAsked: // not the credentials' fault
		c.Detail = strings.ReplaceAll(string(r.Outcome.Kind), "_", " ") + ": " + r.Outcome.Message
		return c
	default:
	}
	c.Status = report.CheckWarning
	if r.Blocking() && fatal(r.Key.Op) {
		c.Status = report.CheckFailed
	}
	c.Detail = string(r.Outcome.Kind) + ": " + r.Outcome.Message
	c.Effect = e.Effect(r.Key)
	c.Fix = remedy(r)
	return c
}

// Clocked is what a Source can do that knows how far the account's clock is ahead of the engine's. It is false while that is not
// known.
type Clocked interface {
	Ahead() (time.Duration, bool)
}

// clockWrong is by how much clocks may differ before a person is to know.
const clockWrong = time.Minute

// clockCheck compares the clock with the account's.
func clockCheck(c Clocked) report.Check {
	r := report.Check{Name: "compare the clocks", Scope: "this machine", Status: report.CheckOK}
	ahead, known := c.Ahead()
	switch {
	case !known:
		r.Status, r.Detail = report.CheckWarning, "no answer of the account had a date"
	case ahead.Abs() > clockWrong && ahead > 0:
		r.Status, r.Detail = report.CheckWarning, fmt.Sprintf("this machine's clock is %s behind the account's", ahead.Round(time.Second))
	case ahead.Abs() > clockWrong:
		r.Status, r.Detail = report.CheckWarning, fmt.Sprintf("this machine's clock is %s ahead of the account's", -ahead.Round(time.Second))
	default:
		return r
	}
	r.Effect = fmt.Sprintf("plans for a time are refused where the ledger's clock, which for a file is this one, is more than %s off, or not known to be right", apply.MostSkew)
	r.Fix = "set the clock of the machine, or have it set over the network (NTP)"
	return r
}

// fatal reports whether no question can be answered without the read.
func fatal(op estate.Op) bool { return op == estate.OpFindPrincipal || op == estate.OpWorkspaces }

// remedy is what to do about a read that failed.
func remedy(r estate.Read) string {
	switch r.Outcome.Kind {
	case identity.Throttled:
		return "try again later, or lower --rate-limit: other programs use the same limit"
	case identity.Failed:
		return "try again; if it stays, check the network way to the host with --debug"
	default:
		return rightFor(r.Key.Op)
	}
}

// rightFor is what would let the caller make a read.
func rightFor(op estate.Op) string {
	switch op {
	case estate.OpReach:
		return "use a profile for the account host with an account id, and a service principal that is account admin"
	case estate.OpFindPrincipal, estate.OpPrincipal, estate.OpWorkspaces, estate.OpAssignments, estate.OpMetastores, estate.OpMetastoreWorkspaces:
		return "give the caller the account admin role"
	case estate.OpParents:
		return "nothing: the members of every group are read instead, which takes more calls"
	case estate.OpVisibility, estate.OpGrants, estate.OpPrivilegeModel:
		return "make the caller a member of the group that owns the metastore"
	case estate.OpChildren:
		return "assign the caller to a running workspace of the metastore"
	default:
		return "check the caller's rights"
	}
}

// credentials joins what the configuration says with the caller that was found.
func (g *Engine) credentials(found report.Credentials) report.Credentials {
	c := g.o.Credentials
	if found.Caller != nil {
		c.Caller = found.Caller
	}
	return c
}
