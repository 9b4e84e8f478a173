// Package estate holds what was read of one Databricks account: an immutable graph of principals,
// memberships, workspaces, metastores, securables, owners, grants and bindings, together with a
// ledger of what was and was not seen.
//
// A Builder takes facts in any order, from many goroutines, and freezes them into an *Estate. The
// Estate has no setters and needs no lock; everything it hands out is sorted, so the same facts give
// the same answers and the same Fingerprint however they came in.
//
// The package decides nothing about access (core/access does) and reads nothing itself
// (core/collect does). It knows no clock: times are those given to it.
package estate
