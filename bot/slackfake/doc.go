// Package slackfake is a Slack workspace that lives in one process: the Web
// API methods a bot uses, response URLs, file uploads and Socket Mode, served
// over HTTP and WebSocket on a loopback port.
//
// It is for tests and for demonstrations without a Slack account. [Start]
// serves a [Workspace] (people, channels, user groups) and returns a [Server],
// which is both the address a bot connects to and the hands of the people in
// the workspace: they type commands ([Server.Slash]), press buttons
// ([Server.Click]), submit forms ([Server.Submit]), mention the bot
// ([Server.Mention]), write, change and delete messages ([Server.Say],
// [Server.EditMessage], [Server.DeleteMessage]) and change people, channels and
// user groups while it runs ([Server.UpdateUser], [Server.UpdateChannel],
// [Server.UpdateUsergroup]). What the bot did is read back with [Server.MessagesIn],
// [Server.EphemeralsFor], [Server.Files] and [Server.WaitFor], and what it did
// wrong towards Slack with [Server.Problems].
//
// The server is written from Slack's documentation (https://docs.slack.dev)
// with wire structs of its own, so that a client library cannot agree with
// itself about a wrong field name. It refuses what Slack refuses: absent
// scopes, blocks over their limits, spent trigger ids, response URLs used more
// than five times, uploads of another length than announced, channels the bot
// is not in.
//
// It deliberately is not a whole Slack. It has one workspace and one app, no
// OAuth, no HTTP request signing, no history, search, reactions or
// attachments, no Home tab and no Enterprise Grid beyond the ids in users.
// Rate limits are off until asked for and approximate Slack's tiers. Where
// Slack's behaviour is not documented the comment says that it is an
// assumption. A bot that passes here has still to be tried once in a real
// workspace.
package slackfake
