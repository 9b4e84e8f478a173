// Package slackapi is the bot's door to Slack: it listens on Socket Mode sockets (Client.Listen),
// looks people and channels up, answers through response URLs, posts messages and uploads files. It also
// knows what the app is in Slack: its scopes (Scopes), of which the manifest is made (NewManifest).
//
// It is the only package that knows slack-go, whose types change with almost every release. It
// repairs what slack-go leaves to its users: errors that it would retry for ever end Listen, every
// envelope is acknowledged even when it cannot be understood, reconnecting is limited, and all
// calls pass one transport that keeps to Slack's rate limits and waits out 429 answers.
//
// Messages are made of plain text only (Message): nothing in them can mention, link or format,
// whoever wrote it. The package does not decide who may ask what, nor what is answered; bot does.
package slackapi
