package report

// TrailCheck answers: is the audit trail of a ledger what was written. It is no Report: nothing of an account was asked.
type TrailCheck struct {
	// Name is "audit_verify".
	Name          string `json:"report"`
	SchemaVersion int    `json:"schema_version"`
	ToolVersion   string `json:"tool_version"`
	AccountID     string `json:"account_id"`
	// Ledger is where it was read from, without a password.
	Ledger string `json:"ledger"`
	// Whole says that nothing was found amiss.
	Whole bool `json:"whole"`
	// Rows is how many rows were found good: up to the first bad one, if there is any.
	Rows int64 `json:"rows"`
	// FirstRow and LastRow are the numbers of the rows that there should be, and Head the hash of the last one.
	FirstRow int64  `json:"first_row"`
	LastRow  int64  `json:"last_row"`
	Head     string `json:"head"`
	// AnchorsGiven is how many heads that were kept elsewhere were named, AnchorsMet how many of them the trail goes
	// through. Without anchors, nobody can tell whether the whole of it was put back to an older state.
	AnchorsGiven int `json:"anchors_given"`
	AnchorsMet   int `json:"anchors_met"`
	// FirstBadRow is the number of the first row that was changed, dropped, swapped, put in or cut off; null where
	// there is none, or what is amiss is not a row.
	FirstBadRow *int64 `json:"first_bad_row"`
	// Problem says what is amiss; empty if nothing is.
	Problem string `json:"problem"`
}

// TrailCheckName is the name of a TrailCheck.
const TrailCheckName = "audit_verify"
