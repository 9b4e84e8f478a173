//go:build !race

package access_test

import (
	"testing"

	"databricks-access-audit/core/access/accesstest"
)

// TestManyWorlds compares the engine with the oracle on many random worlds. It runs one goroutine for
// each world and would only be slower with the race detector.
func TestManyWorlds(t *testing.T) { accesstest.RunMany(t, accesstest.ManyWorlds, newSubject) }
