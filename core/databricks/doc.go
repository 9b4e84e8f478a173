// Package databricks reads a Databricks account over its REST API.
//
// Open resolves credentials the way the Databricks command line does and gives an Account, which
// owns what is expensive or limited: connections, tokens, rate limits. Account.Session gives one
// Session per question; a Session reads facts as values of core/identity and counts what it cost.
// Session satisfies collect.Source and the smaller interfaces beside it, and imports nothing of them.
//
// It is the only package that knows databricks-sdk-go, and it uses the SDK for one thing: turning
// profiles, environment variables and identity providers into request headers. Requests themselves
// are made here, because the SDK's generated services put names into paths unescaped, drop the id
// of a deleted principal from grants, retry writes, and limit each client object rather than each
// host.
//
// A request passes these layers, outermost first; transport.go composes them:
//
//	retrying     repeats what may succeed later, within a budget of tries and time
//	authorising  puts the host's headers on; refreshes them once when they are refused
//	counting     counts what really goes out, by method and route template
//	limiting     waits for the host's rate and concurrency, and learns from refusals
//	fetching     one HTTP exchange with bounds on idleness, size, depth and compression
//
// The package decides nothing about access and writes nothing to Databricks.
package databricks
