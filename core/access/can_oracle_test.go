package access_test

import (
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
)

// TestCanAgrees holds the reports of Can against the same oracle.
func TestCanAgrees(t *testing.T) { accesstest.RunCan(t, access.Can) }
