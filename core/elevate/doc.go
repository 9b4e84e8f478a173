// Package elevate makes the program an admin of workspaces for as long as it reads them, and puts back exactly what
// was there before, whatever happens in between.
//
//	Survey      what the caller is in each workspace, and where that is less than the question needs; changes nothing
//	   ▼
//	Raise       lease recorded, with the state before ──► Assign ADMIN ──► read until it shows
//	   ▼
//	(the question is answered)
//	   ▼
//	Held.End    lease left; the last to leave ──► read ──► still ours? put back ──► read ──► lease forgotten
//
//	Mend        at the next start, or by doctor --fix: the same for the leases of runs that are no more
//
// The rules:
//
//   - Nothing is changed that is not in the ledger first, with what is to be put back: a run that is killed at any
//     point leaves a lease, and whoever comes next finds it.
//   - A right is only ever raised from none or USER to ADMIN, never lowered: who is ADMIN already, or through a group,
//     gets no lease and no write.
//   - What is put back is put back only where the state is still the one that was set. What somebody else made of it
//     since is left, and said. (Somebody else who made it ADMIN, as it was, cannot be told from us.)
//   - A write is never repeated blindly. After a lost answer the state is read; a write that may still be under way
//     is waited for, or left to the next run together with its lease.
//   - Several runs share one elevation; the last puts back. A run whose process is gone holds nothing.
//
// What the package does not know: how a lease is kept (Book; core/elevate/book keeps it in a ledger), how Databricks
// is asked (Account), or what a question needs.
package elevate
