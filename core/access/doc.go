// Package access decides who may do what over an *estate.Estate, as Unity Catalog and the
// workspaces would decide it: identity closure through nested groups, grants and their inheritance,
// ownership, prerequisites, workspace assignment and bindings.
//
// Its main type is Subject: one principal as seen by one estate. Every answer is a Verdict of three
// values; a fact that was not read makes it Unknown where it could turn the answer, never Denied.
//
// The package is arithmetic on values: no clock, no network, no environment. It does not find facts
// (core/collect) nor print them (formatters).
package access
