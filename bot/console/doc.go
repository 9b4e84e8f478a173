// Package console is the bot without Slack: Run starts a fake workspace (slackfake) in the process,
// connects the bot to it as to the real one, and lets people type commands in a terminal.
//
// A line is a command, given by alice in #data-help unless it says otherwise:
//
//	/access-audit principal alice@acme.test
//	as bob: /access-audit doctor
//	in lounge as carol: /access-audit help
//
// What each person sees is printed: the acknowledgement, the messages, the files. The package is
// for trying and showing; nothing in it is part of what runs against Slack.
package console
