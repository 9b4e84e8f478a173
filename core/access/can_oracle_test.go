package access_test

import (
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// TestCanAgrees holds the reports of Can against the same oracle.
func TestCanAgrees(t *testing.T) {
	accesstest.RunCan(t, func(e *estate.Estate, k identity.PrincipalKey, p identity.Privilege, on identity.Securable, from []identity.WorkspaceID) *report.CanReport {
		return access.Over(e, access.Options{AdminsRestricted: true}).Can(k, p, on, access.Asked{From: from})
	})
}

// TestCanAgreesWhereEditsNeedTheUser does so under the other reading of what changing a job takes.
func TestCanAgreesWhereEditsNeedTheUser(t *testing.T) {
	accesstest.RunEditCan(t, func(e *estate.Estate, k identity.PrincipalKey, p identity.Privilege, on identity.Securable, from []identity.WorkspaceID) *report.CanReport {
		return access.Over(e, access.Options{AdminsRestricted: true, JobEditNeedsUser: true}).Can(k, p, on, access.Asked{From: from})
	})
}
