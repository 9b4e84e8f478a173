// Package bot is the Slack front: a question asked with a slash command, in the same words as on the
// command line, is answered where it was asked, for the eyes of the person who asked.
//
//	two Socket Mode sockets (slackapi)
//	        │  reading loop: no call to Slack, no waiting
//	        ▼
//	  dispatcher: is it ours? seen before? too many? ──► acknowledged, perhaps with a word
//	        │  bounded queue
//	        ▼
//	  desk: may this person ask? what was asked? (typing.go, query.Parse)
//	        │  bounded queue, one audit for each person
//	        ▼
//	  audit: Engine.Answer ──► answer.go: tree within Slack's limits
//	        │                  └─ files.go: page, table and picture, in one message
//	        ▼
//	  surface.go: where that may be seen
//	  reply.go: response URL while it lasts, direct message afterwards
//
// Files are deleted again after Config.Retention (expiry.go), and when a channel that is on a list comes to be
// shared with others, whoever made it is told (sharing.go).
//
// Commands about audits (status, cancel) have a lane of their own, past all queues: control.go.
//
// Run is the entry. Everything dynamic that reaches Slack is plain text (slackapi.Message). Answers
// are ephemeral and their files go into direct messages, unless the person asks otherwise, the answer
// is about no person, and Config.Public and the channel as it is at that moment allow it. Only
// confirmed full members of the bot's own workspace may ask: whoever may ask, may ask about
// everybody, with the rights of the bot's credentials.
//
// The bot keeps no state: what was running when a process dies is lost, and two processes do not
// know of each other's limits. It changes nothing in Databricks.
package bot
