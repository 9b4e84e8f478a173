package core

import "databricks-access-audit/core/collect"

// Errors that a front shows with more than their text, under names that it may import.
type (
	// UnknownError says that nobody bears the name asked for, and who nearly does.
	UnknownError = collect.UnknownError
	// AmbiguousError says that several principals bear the name asked for.
	AmbiguousError = collect.AmbiguousError
	// NotGroupError says that a name is not that of a group, but of somebody else.
	NotGroupError = collect.NotGroupError
	// UnknownWorkspaceError says that an address is of no workspace of the account.
	UnknownWorkspaceError = collect.UnknownWorkspaceError
	// UnknownResourceError says that the caller sees no securable of the name asked for.
	UnknownResourceError = collect.UnknownResourceError
	// AmbiguousResourceError says that several securables bear the name asked for.
	AmbiguousResourceError = collect.AmbiguousResourceError
)

// ForeignProofError says that a proof is of no use here: it is no answer of this program, of another
// account, or was changed.
type ForeignProofError struct{ Why string }

// Error says why.
func (e *ForeignProofError) Error() string { return e.Why }
