// Package ledger keeps what was planned, who consented, what was about to be done and what came of it, and an
// audit trail of all that. A SQLite file holds it by default; PostgreSQL does when several replicas share it. The
// same statements run on both, and nothing above this package sees which it is.
//
//	Ledger.Do(func(tx) …)                one transaction: all of it, or nothing
//	   │  takes the head row             writes come one after the other, each with the store's time
//	   │  tx.Create, Move, Vote, Begin, End, Acquire, …
//	   │  an audit row for each          hash = SHA-256(0x01, chain, seq, hash before, body), and a MAC over it
//	   ▼
//	commit, fsynced                      only then may the caller act on it
//
// A write to Databricks is made like this: Begin records the intent and what was there before; once Do has
// returned nil, and not sooner, the call is made; End records what came of it. What was begun and not ended is
// found by OpenIntents after a crash. If an intent cannot be recorded the call is not made: there is no change
// without a record of it.
//
// What the ledger defends against: somebody who can write to the database but has not the key. Rows that carry
// authority (plans, votes, intents, elevations, pinned identities, the head of the trail) bear a MAC that is
// checked whenever they are read. Somebody who puts back an older state of the whole database is found by
// Verify with anchors, which are kept elsewhere.
//
// What it does not do: it does not know what a plan means, who may vote or how many votes are needed. It stores
// no secret; what it is given (plans, states before and after a step, messages) must hold none.
//
// # One process, or several
//
// A SQLite ledger is written by one process at a time. It holds the lock beside the file from Open to Close;
// another that wants to write gets a BusyError that names it. Reading (Options.ReadOnly) takes no lock, so that
// history and audits can be looked at while the bot runs. Who wants to apply from a terminal beside a running
// bot uses PostgreSQL.
package ledger
