package main

import (
	"context"
	"errors"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// The exit codes of the program. This is the whole table; README.md prints it for people.
const (
	exitOK          = 0   // a complete answer, or an incomplete one whose gaps are named
	exitFailed      = 1   // no answer
	exitUsage       = 2   // wrong usage
	exitIncomplete  = 3   // incomplete, and --strict or --require-coverage asked for more
	exitRefused     = 4   // refused: no plan can do what was asked, the plan is stale, nobody consented, votes are missing, or a right is
	exitPartial     = 5   // something was changed in part, or not put back: the error says how to mend it
	exitTampered    = 6   // a proof that does not hold or is none, a snapshot, a plan or a ledger that is damaged or was changed, a ledger without its key
	exitNo          = 7   // the answer is no: can = DENY or INDIRECT; or changes were found and --exit-code asked
	exitInterrupted = 130 // stopped by the user; what was known by then is printed and marked
)

// incompleteError says that the answer was given but is not as complete as was asked for.
type incompleteError struct{ text string }

func (e *incompleteError) Error() string { return e.text }

// noError says that the question was answered, with no.
type noError struct{ verdict report.Verdict }

func (e *noError) Error() string { return "the answer is " + string(e.verdict) }

// interruptedError says that the answer was cut short by the user, or that there is none because of
// that.
type interruptedError struct{ nothing bool }

func (e interruptedError) Error() string {
	if e.nothing {
		return "interrupted before anything could be answered"
	}
	return "interrupted: what is printed is what was known by then"
}

// exitCode is the table from kinds of error to exit codes.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case is[*leftError](err):
		return exitPartial
	case is[*query.UsageError](err), is[*core.ScriptError](err):
		return exitUsage
	case is[*incompleteError](err):
		return exitIncomplete
	case tampered(err), is[*ledger.KeyError](err):
		return exitTampered
	case is[*core.PartlyAppliedError](err), is[*core.LeaseLostError](err):
		return exitPartial
	case refused(err):
		return exitRefused
	case is[*noError](err), is[changesError](err):
		return exitNo
	case is[interruptedError](err), errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		return exitFailed
	}
}

// errorKind is the word for the error in machine-readable output.
func errorKind(err error) string {
	switch {
	case is[*leftError](err):
		return "not_put_back"
	case is[*query.UsageError](err):
		return "usage"
	case is[*core.ScriptError](err):
		return "usage"
	case is[*core.UnclearChangeError](err), is[*core.UnknownError](err), is[*core.UnknownWorkspaceError](err), is[*core.UnknownResourceError](err):
		return "unknown_name"
	case is[*core.AmbiguousError](err), is[*core.AmbiguousResourceError](err):
		return "ambiguous_name"
	case refused(err) && !is[*core.StalePlanError](err):
		return "refused"
	case is[*core.NotGroupError](err):
		return "not_a_group"
	case tampered(err):
		return "tampered"
	case is[*core.PartlyAppliedError](err), is[*core.LeaseLostError](err):
		return "partially_applied"
	case is[*core.StalePlanError](err):
		return "stale"
	case is[*ledger.KeyError](err), is[*ledger.ExposedError](err):
		return "ledger_key"
	case is[*ledger.BusyError](err), is[*core.BusyPlanError](err):
		return "busy"
	case is[*incompleteError](err):
		return "incomplete"
	case is[*incomparableError](err), is[*core.BaselineError](err):
		return "not_comparable"
	case exitCode(err) == exitInterrupted:
		return "interrupted"
	default:
		return "failed"
	}
}

// tampered reports whether something that was read is not what was written.
func tampered(err error) bool {
	return is[*tamperedError](err) || is[*core.ForeignProofError](err) || is[*core.CorruptSnapshotError](err) || is[*core.SnapshotVersionError](err) ||
		is[*core.TamperedPlanError](err) || is[*core.ChangedPlanError](err) || is[*ledger.TamperedError](err) || is[*ledger.CorruptError](err)
}

// refused reports whether something was not done because it may not be.
func refused(err error) bool {
	return is[*core.RefusedPlanError](err) || is[*core.RefusedApplyError](err) || is[*core.StalePlanError](err) || is[*core.HaltedError](err) || is[*ledger.HaltedError](err) || is[*core.NoRightError](err) ||
		is[*notApprovedError](err) || is[*unapprovableError](err) || is[*notVotedError](err) || is[*core.NotAllowedError](err) || is[*ledger.ConflictError](err)
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}
