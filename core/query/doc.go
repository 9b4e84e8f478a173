// Package query holds the questions that can be asked and the one grammar in which both fronts ask
// them: the command line and the Slack commands.
//
// A Request is a plain value; nothing of urfave/cli or Slack is in it. Forms lists the questions
// with their flags, so that each front can offer them in its own way, and Parse reads a whole line
// of words. The package answers nothing: core does.
package query
