package databricks_test

import (
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
)

// A session is a source without knowing it.
var (
	_ collect.Source      = (*databricks.Session)(nil)
	_ collect.Delegations = (*databricks.Session)(nil)
	_ collect.Entry       = (*databricks.Session)(nil)
	_ collect.Objects     = (*databricks.Session)(nil)
)
