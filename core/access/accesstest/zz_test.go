package accesstest

import (
	"testing"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

func TestHonestEngineAnswersTheEditCases(t *testing.T) {
	for _, c := range EditCanCases() {
		t.Run(c.Name, func(t *testing.T) { c.Check(t, honestEdit) })
	}
}

// honestEdit is honestCan under the reading of EditCanCases.
func honestEdit(e *estate.Estate, key identity.PrincipalKey, p identity.Privilege, on identity.Securable,
	from []identity.WorkspaceID,
) *report.CanReport {
	seen := readBack(e)
	seen.editNeedsUser = true
	h := honestOver(seen, e, CanQuestion{key, p, on, from})
	h.write()
	return h.r
}
