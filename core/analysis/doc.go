// Package analysis finds what follows from the facts of an *estate.Estate for everybody at once: who has
// which of the roles of an account, and by which ways somebody comes to more access than was given.
//
// Roles and Escalations are its answers. Both take one identity, or nobody for the whole account. About
// one identity they ask access.Subject, with its three values; about everybody they walk the graph of
// memberships from whom the facts name downwards, so that a group is unfolded once and not once for
// each of its members.
//
// Redundancies compares what somebody was granted personally with what it has besides, by taking each grant
// out; package sqltext makes a script of it.
//
// The package is arithmetic on values: no clock, no network, no environment. The envelope of a report
// is left to the caller.
package analysis
