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
// # Writes
//
// What is written shows in every read at once, and is refused, merged, replaced
// or deleted as the reference of each operation says: PUT of a workspace
// assignment without a known permission deletes it, PATCH of an access control
// list never lowers, PUT replaces, adding what is there is no error. Faults spoil
// writes and reads (see [ParseFault]): a write can be carried out and denied,
// carried out or not and left unanswered, and reads can lag behind ([ReadLag]).
// Tests act as a third party with [Server.Update] and, at a moment of their
// choice, [Server.SetHooks]; [Server.Writes] is a journal of all writes received.
//
// # SQL
//
// The Statement Execution API runs statements on SQL warehouses. Only the table
// system.access.audit has rows (see [AuditLog]); every other table that is there
// and may be read fails with INTERNAL_ERROR, which no real table does. What is
// understood, in the dialect of Databricks SQL and case-insensitively:
//
//	[WITH name AS (query), …]
//	SELECT [DISTINCT] * | expression [[AS] alias], …
//	[FROM table [[AS] alias] | (query) [[AS] alias]]
//	[WHERE …] [GROUP BY expression | ordinal | alias, … | ALL] [HAVING …]
//	[UNION ALL SELECT …] [ORDER BY … [ASC | DESC] [NULLS FIRST | LAST]] [LIMIT n]
//
// Expressions have AND, OR, NOT, comparisons, IN (list), [NOT] LIKE and ILIKE,
// BETWEEN, IS NULL, arithmetic, ||, CASE, CAST, TRY_CAST and ::, fields of structs
// (user_identity.email), values of maps (request_params['full_name_arg'] or
// request_params.full_name_arg), named parameters (:name), DATE and TIMESTAMP
// literals, and INTERVAL n unit. The aggregate functions are max, min, max_by,
// min_by, count, count_if, sum, any_value, first, bool_or, bool_and and
// collect_set, with DISTINCT and FILTER (WHERE …); the others are in sqlFuncs.
// Logic is three-valued and casts are those of ANSI mode. There are no joins, no
// window functions, no subqueries in expressions, and nothing but SELECT. What is
// not understood fails as on a server: PARSE_SYNTAX_ERROR, UNRESOLVED_COLUMN,
// UNRESOLVED_ROUTINE, MISSING_AGGREGATION and so on.
//
// What it deliberately is not: it does not decide who can read a table (that is
// the question its clients ask), keeps nothing on disk, needs no *testing.T, and
// imports no other package of this module.
package sandbox
