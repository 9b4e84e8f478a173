package identity

import (
	"errors"
	"fmt"
)

// FailureKind says why a fact is not known. The strings are those of reports.
type FailureKind string

// The kinds of failure.
const (
	Forbidden   FailureKind = "forbidden"   // the caller may not read it
	NotFound    FailureKind = "not_found"   // it was listed, but is gone
	Throttled   FailureKind = "throttled"   // refused for rate until the budget was used up
	Failed      FailureKind = "error"       // anything else: network, 5xx, malformed or endless answer
	NotAsked    FailureKind = "not_asked"   // the question did not need it or was not asked to go so deep
	NotRunning  FailureKind = "not_running" // the workspace is not RUNNING
	Unsupported FailureKind = "unsupported" // the API is not there for this account or credential
)

// Failure is the error of a read that did not bring the whole fact. It is the only error type that
// a collect.Source returns for an answer of the peer, so that nothing above it looks at messages.
type Failure struct {
	Kind FailureKind
	// Status is the HTTP status, or zero when there was no response.
	Status int
	// Code is Databricks' error_code, if any.
	Code string
	// Message is for people, one line, already free of secrets. It is remote text: escape it.
	Message string
	// Advised says that Message tells what to do about it.
	Advised bool
	// Partial says that the value returned beside the error holds what could be read before it.
	Partial bool
	// Cause is the underlying error, if any: a context error stays recognisable through it.
	Cause error
}

// Error describes the failure on one line.
func (f *Failure) Error() string {
	if f.Status != 0 {
		return fmt.Sprintf("%s (HTTP %d): %s", f.Kind, f.Status, f.Message)
	}
	return fmt.Sprintf("%s: %s", f.Kind, f.Message)
}

// Unwrap gives the cause to errors.Is and errors.As.
func (f *Failure) Unwrap() error { return f.Cause }

// FailureOf finds the Failure in an error's chain. An error without one counts as Failed, so that
// no error is ever taken for an empty answer.
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Kind: Failed, Message: err.Error(), Cause: err}
}

// IsKind reports whether the error is a Failure of the kind.
func IsKind(err error, kind FailureKind) bool {
	return err != nil && FailureOf(err).Kind == kind
}
