// Package proof checks the proofs of an answer again, without the search that found them: each step
// must be a fact of the estate, and the facts of a proof alone, in an estate that has nothing else, must
// give the verdict that the answer states.
//
// It trusts nothing of the answer but what it looks up. It reads nothing itself.
package proof
