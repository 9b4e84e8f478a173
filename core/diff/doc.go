// Package diff compares two readings of an account.
//
// Its main function is Between: Estate × Estate → report.DiffReport. Things are told apart by stable
// ids, so that a group with a new name is one change and not two; securables have no id but their name,
// so that a renamed table is one that went and one that came.
//
// What was not read cannot have changed. A thing counts as added only where the side without it read
// the list that would have shown it, and as removed likewise; everything else is named as not
// comparable, once for each place and kind of read. Beside the facts the package compares what follows
// from them: what the principals that the changes touch can do, by package access.
//
// The package is arithmetic on values: it fetches nothing and has no clock.
package diff
