// Package identity holds the value types that every other package speaks in: principals and their
// keys, securables, privileges, grants, workspaces, metastores, and the kinds of failure that a
// read can meet.
//
// The types are plain values: comparable where they are keys, ordered by Compare functions, parsed
// and printed in one place each. The package does no I/O, knows no API client and decides nothing:
// who may do what is core/access, where facts come from is core/collect and core/databricks.
package identity
