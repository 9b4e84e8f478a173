// Package report holds the typed answers: what the engine hands to a formatter and to Slack.
//
// The JSON form of these types is a public contract (version 1): fields may be added, never renamed
// or retyped. manifests/schema holds the same contract as JSON Schema. A nil list prints as null and
// means "not read or not asked for"; an empty list means "read, and there is none".
//
// The package does not decide, fetch or draw: core/access decides, formatters draw.
package report
