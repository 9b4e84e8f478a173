// Package apply carries out plans, one change at a time, and takes back what it carried out.
//
// It applies the stored bytes of a plan and nothing else, and it judges nothing anew: what is to be done was
// decided when the plan was made, and consented to. Before each write it reads the cell again and stops if it
// moved; the intent is durable before the write goes out, and the outcome is recorded after the cell was read
// back. So at whatever point the program is killed, the record and the account together say what happened, and
// Resume or Undo goes on from there.
//
// The package has no HTTP, no SQL and no clock of its own: an Account, a Store and a Clock are handed in.
//
// What it cannot know, it says. Databricks answers an addition of what is there already like any other, so
// a change that somebody else makes between our reading of a cell and our write to it, or so shortly before
// that the reading does not show it yet, cannot be told from ours. Everything else can, and undo leaves it alone. What several plans gave is left to those that
// stand, and taken back with the last of them.
package apply
