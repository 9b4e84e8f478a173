package core

import "databricks-access-audit/core/collect"

// Errors that a front shows with more than their text, under names that it may import.
type (
	// UnknownError says that nobody bears the name asked for, and who nearly does.
	UnknownError = collect.UnknownError
	// AmbiguousError says that several principals bear the name asked for.
	AmbiguousError = collect.AmbiguousError
	// UnknownWorkspaceError says that an address is of no workspace of the account.
	UnknownWorkspaceError = collect.UnknownWorkspaceError
	// UnknownResourceError says that the caller sees no securable of the name asked for.
	UnknownResourceError = collect.UnknownResourceError
	// AmbiguousResourceError says that several securables bear the name asked for.
	AmbiguousResourceError = collect.AmbiguousResourceError
)
