// Package settings reads the bot's configuration file: what the file says, checked, and nothing done about it. Keys that are
// not known are refused, since a misspelt rule about who may approve must not count as no rule.
package settings
