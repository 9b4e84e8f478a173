// Package accesstest tests an engine of core/access against an independent, deliberately naive one.
//
// A World is a small made-up account with everything that is true of it, and the reads of it that a
// crawl does not bring home. World.Estate is what such a crawl leaves behind; Oracle answers the
// same questions from the World by repeated passes over flat lists. Run compares the two on the
// written Cases, on hundreds of random worlds and on laws that hold whatever the world: see Check
// and Properties.
//
// RunCan does the same for whole reports about one question, see CheckCan: it does not compare them
// with others but believes them. What a proof cites must suffice in a world that has nothing else,
// what is missing must suffice once it is supplied, acts are carried out one after the other, and
// nothing of any of them may be needless.
//
// RunSmall goes through every world of a handful of facts, RunMany through very many random ones with a
// few questions each; RunCan has its own small worlds. RunEditCan is for engines under another reading of the
// documentation.
//
// The package shares identity's and estate's vocabulary with the engine, and access.Verdict; of the
// engine's own code it uses nothing.
package accesstest
