package formatters

import (
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// scopeKinds are the kinds of thing that a scope may name before the name: "workspace prod".
var scopeKinds = kindsOfScope()

func kindsOfScope() []string {
	kinds := []string{"workspace", "group", "service principal", "user"}
	for _, t := range identity.SecurableTypes() {
		kinds = append(kinds, t.Title())
	}
	for _, t := range identity.ObjectTypes() {
		kinds = append(kinds, t.Title())
	}
	// The longest first, as one kind may begin with another.
	slices.SortStableFunc(kinds, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(kinds)
}

// scopeTerm shows the words of the engine as they are and the name among them as one, so that a
// workspace called "prod, account admin" is no further role.
func scopeTerm(scope string, show func(string) string) string {
	for _, kind := range scopeKinds {
		if rest, ok := strings.CutPrefix(scope, kind+" "); ok {
			return kind + " " + show(rest)
		}
	}
	return show(scope)
}

// shortName is a term cut for the first screen.
func shortName(s string) string { return shortTerm(s, maxPlace) }
