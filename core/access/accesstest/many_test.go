package accesstest

import (
	"testing"

	"databricks-access-audit/core/raced"
)

// TestSuitePassesARightEngineOnSmallWorlds has the oracle as its own engine, over what World.Estate keeps.
func TestSuitePassesARightEngineOnSmallWorlds(t *testing.T) {
	skipRaced(t)
	RunSmall(t, engine{}.subject)
}

// skipRaced is for tests that are slow and share nothing: the race detector finds as little in others.
func skipRaced(t *testing.T) {
	if raced.On {
		t.Skip("not with the race detector: it shares nothing that others do not")
	}
}

func TestSuitePassesARightEngineOnManyWorlds(t *testing.T) { RunMany(t, 1000, engine{}.subject) }
