package ledger_test

import (
	"os"
	"testing"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

var postgres ledgertest.Server

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		os.Exit(child(path))
	}
	code := m.Run()
	postgres.Stop()
	os.Exit(code)
}

func TestMemory(t *testing.T) {
	ledgertest.Suite(t, func(t *testing.T, clock *ledgertest.Clock) *ledger.Ledger { return ledgertest.Memory(t, clock) })
}

func TestFile(t *testing.T) {
	ledgertest.Suite(t, func(t *testing.T, clock *ledgertest.Clock) *ledger.Ledger { return ledgertest.File(t, clock) })
}

func TestPostgres(t *testing.T) {
	ledgertest.Suite(t, func(t *testing.T, clock *ledgertest.Clock) *ledger.Ledger { return postgres.Ledger(t, clock) })
}
