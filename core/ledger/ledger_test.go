package ledger_test

import (
	"testing"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

func TestMemory(t *testing.T) {
	ledgertest.Suite(t, func(t *testing.T, clock *ledgertest.Clock) *ledger.Ledger { return ledgertest.Memory(t, clock) })
}

func TestFile(t *testing.T) {
	ledgertest.Suite(t, func(t *testing.T, clock *ledgertest.Clock) *ledger.Ledger { return ledgertest.File(t, clock) })
}
