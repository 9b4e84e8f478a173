package slackapi

import "databricks-access-audit/core/secret"

// Secret is a token, or an address that works like one.
type Secret = secret.Value
