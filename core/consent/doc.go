// Package consent decides who may ask for a plan, who may vote on it, and whether the votes suffice.
//
// It is pure: a Policy, a Ballot and Facts go in, a Ruling comes out, and nothing is read or written. Unknown
// means no: a fact that could not be read never gives anybody a vote, and always keeps somebody from one who would be
// kept from it by the fact.
package consent
