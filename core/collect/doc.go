// Package collect reads what a question needs from a Source into an *estate.Estate: each fact once,
// by the cheapest route there is, with every planned read in the ledger whether it succeeded or not.
//
// It decides the order of a crawl, how many reads run at once, and what to do when one fails: go on
// and record the gap. It decides nothing about access and knows no API: the Source does.
package collect
