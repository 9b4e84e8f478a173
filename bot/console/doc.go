// Package console is the bot without Slack: Run starts a fake workspace (slackfake) in the process,
// connects the bot to it as to the real one, and lets people type commands in a terminal.
//
// A line is a command, given by alice in #data-help unless it says otherwise:
//
//	/access-audit principal alice@acme.test
//	as bob: /access-audit doctor
//	in lounge as carol: /access-audit help
//
// With plans, buttons are shown with numbers, and a line may press one, write into the thread of a plan, or fill in a form:
//
//	/access-clone ivan@acme.test @bob --only loop-blue
//	click 1
//	as carol: say @bot approve p-…
//	as carol: answer because
//
// What each person sees is printed: the acknowledgement, the messages, the files. The package is
// for trying and showing; nothing in it is part of what runs against Slack.
package console
