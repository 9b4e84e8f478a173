// Package snapshot keeps an estate in a file, and answers from it what the account was asked before.
//
// Write and Read are the file: JSON, one line for each group of facts, the same bytes for the same
// facts, with a checksum at the end, compressed if asked for. Everything that an Estate holds is in
// it, the ledger of reads included, so that what was read is the same before and after; nothing else
// is, and no estate holds a secret. Holders are written as the facts name them: whom a name means is
// found out again when the file is read.
//
// Source is an estate in the place of the account: it gives the facts that the ledger says were read,
// and fails by name where they were not.
//
// The package opens no file and no connection.
package snapshot
