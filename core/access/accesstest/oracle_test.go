package accesstest

import (
	"testing"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

func TestOracleAnswersTheCases(t *testing.T) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			c.Check(t, func(_ *estate.Estate, k identity.PrincipalKey) Subject { return NewOracle(c.World, k) })
		})
	}
}
