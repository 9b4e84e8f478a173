// Package ocsf tells the audit trail of a ledger in the words of the Open Cybersecurity Schema Framework, for
// programs that gather events of many kinds: one Event for each row. The trail itself stays the record: each Event
// carries its row as it is kept, so that nothing is lost and the row can still be proved.
//
// It maps to the version Version of https://schema.ocsf.io, to these classes: Group Management (3006), User Access Management
// (3005), Entity Management (3004) and Detection Finding (2004). API Activity (6003), which would tell of reports
// that somebody read, is not made: no row of the trail says so.
//
// It reads ledgers and writes nothing.
package ocsf
