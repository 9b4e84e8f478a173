// Package sandbox is a Databricks account served over HTTP: a fake for tests,
// for the demonstration mode and for anything else that wants an account to
// talk to.
//
// The main type is [Server], started by [Start] over an [Account] — a plain
// value that holds users, nested groups, service principals, workspaces,
// metastores, grants, bindings, rule sets, workspace objects and tokens.
// [Acme] is a small believable company, [Generate] makes accounts of any size.
//
// The server is written from the public API reference
// (https://docs.databricks.com/api/) with wire structs of its own, never those
// of a client library, so that a misnamed field in a client disagrees with it
// instead of agreeing with itself. Where the documentation and the behaviour
// seen in the wild part, the handler says which one it follows. It refuses what
// the real service refuses: calls without a right, filters it does not know,
// page sizes that are not allowed, tokens that have expired, changes to groups
// that an identity provider owns. It pages, throttles, and misbehaves on demand
// (see [Fault]).
//
// One loopback port serves every host of the account, as a CONNECT proxy that
// terminates TLS with certificates of a private CA, as a plain forward proxy,
// and as an origin server that routes by the Host header. A client needs the
// proxy's address and the CA, and is otherwise configured as for the real thing.
//
// What it deliberately is not: it does not decide who can read a table (that is
// the question its clients ask), does not run SQL, keeps nothing on disk, needs
// no *testing.T, and imports no other package of this module.
package sandbox
