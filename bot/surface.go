package bot

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

// Visibility is what of an answer a channel may show to all who are in it.
type Visibility int

// The visibilities. The zero value is the strictest, and any other number counts as it.
const (
	None   Visibility = iota
	Counts            // how many of what, and no name
	Full              // the summary and the files
)

// publicFlag asks for the answer in the channel. It is no part of a question, and only Slack has it.
const publicFlag = "--public"

// freshFlag asks for an answer from the account itself, rather than from what was read of it before. It is no part of a
// question, either.
const freshFlag = "--fresh"

// takeFlag takes a flag out of the words of a command. Behind "--" it is a word like any other.
func takeFlag(words []string, flag string) (rest []string, given bool) {
	flags := words
	if end := slices.Index(words, "--"); end >= 0 {
		flags = words[:end]
	}
	if !slices.Contains(flags, flag) {
		return words, false
	}
	for i, w := range words {
		if i < len(flags) && w == flag {
			continue
		}
		rest = append(rest, w)
	}
	return rest, true
}

// personal reports whether a question is about a person, or about one of unknown kind: its answer is for nobody but the one
// who asked, wherever that was.
func personal(q query.Request) bool {
	switch q := q.(type) {
	case query.Group, query.Resource, query.Doctor:
		return false
	case query.Roles:
		return q.Who != ""
	case query.Escalations:
		return q.Who != ""
	default:
		return true
	}
}

// Why an answer is not shown in a channel.
const (
	sayPersonal    = "An answer about a person is for you alone."
	sayNotListed   = "Answers are not shown in this conversation: whoever runs me has not allowed it."
	sayNotIn       = "I cannot show the answer in this channel, because I am not in it. Invite me with /invite and ask again."
	sayShared      = "I do not show answers in this channel: it is shared, or about to be shared, with people outside this workspace."
	sayArchived    = "I cannot show the answer in this channel: it is archived."
	sayNotAChannel = "I show answers to others only in channels."
	sayUnknownRoom = "I could not check with Slack who can read this channel, so I do not show the answer there."
)

// allowed gives what of the answer to a question may be shown in the channel where it was asked, as far as that is known
// without asking Slack, and why not more.
func (b *bot) allowed(t *task) (Visibility, string) {
	switch {
	case !t.public:
		return None, ""
	case personal(t.request):
		return None, sayPersonal
	}
	if b.Public != nil {
		if v := b.Public(t.channel); v == Counts || v == Full {
			return v, ""
		}
	}
	return None, sayNotListed
}

// open is allowed, and asks Slack what the channel is just now. It is to be called before each single message: a channel can
// be shared with another organisation at any moment. What is shown in the moment between question and message cannot be
// prevented.
func (b *bot) open(ctx context.Context, t *task) (Visibility, string) {
	v, why := b.allowed(t)
	if v == None {
		return None, why
	}
	channel, err := b.door.Channel(ctx, t.channel)
	switch {
	case err != nil:
		why = unreadable(err)
	case channel.ID != t.channel:
		why = sayUnknownRoom
	default:
		b.noteShared(ctx, channel)
		why = closed(channel)
	}
	if why == "" {
		return v, ""
	}
	b.Count(CountChannelRefused)
	t.log.Error("answer not shown in a channel that is on the list", "channel", t.channel, "reason", why, "error", err)
	return None, why
}

// unreadable says why a conversation could not be looked at.
func unreadable(err error) string {
	switch slackapi.Code(err) {
	case "channel_not_found", "not_in_channel":
		return sayNotIn
	case "missing_scope":
		return sayUnknownRoom + " The app lacks the scope channels:read or groups:read."
	}
	return sayUnknownRoom
}

// closed says why nothing may be shown in a conversation, empty when it may. A fact that is missing counts against it.
//
// https://docs.slack.dev/reference/objects/conversation-object
func closed(c slackapi.Channel) string {
	switch {
	case yes(c.IsIM) || yes(c.IsMPIM):
		return sayNotAChannel
	case !no(c.IsExtShared), !no(c.IsPendingExtShared), !no(c.IsOrgShared), yes(c.IsShared), len(c.PendingShared) > 0, len(c.PendingConnectedTeam) > 0:
		return sayShared
	case !no(c.IsArchived):
		return sayArchived
	case !yes(c.IsMember):
		return sayNotIn
	}
	return ""
}

// published is what a channel was shown of an answer: the whole summary, the files. say is about that, for the person.
type published struct {
	summary, files bool
	say            string
}

// publish shows the answer in the channel where it was asked, as far as it may.
func (b *bot) publish(ctx context.Context, t *task, r report.Report, a answer, files []slackapi.File) published {
	v, why := b.open(ctx, t)
	if v == None {
		return published{say: why}
	}
	m := a.message()
	if v == Counts {
		m = counts(r, a)
	}
	parent, err := t.reply.post(ctx, t.channel, m)
	if err != nil {
		t.log.Error("answer not shown in the channel", "channel", t.channel, "error", err)
		return published{say: "The answer could not be shown in the channel: " + reasonOf(err) + "."}
	}
	t.log.Info("answer shown in a channel", "channel", t.channel, "whole", v == Full)
	switch {
	case v == Counts:
		return published{say: "The channel is shown how many of what there are, without names."}
	case len(files) == 0:
		return published{summary: true, say: "The answer is in the channel."}
	}
	// The channel may have changed since the message.
	if now, why := b.open(ctx, t); now != Full {
		return published{summary: true, say: join("The channel was shown the summary, and then no more.", cmp.Or(why, sayNotListed))}
	}
	s := b.share(ctx, t, place{t.channel, parent}, slackapi.Message{}, files)
	if s.err != nil {
		t.log.Error("files not shown in the channel", "channel", t.channel, "error", s.err)
		return published{summary: true, say: "The answer is in the channel, without files: " + reasonOf(s.err) + "."}
	}
	return published{summary: true, files: true, say: join("The answer is in the channel, with "+names(s.sent)+" under it.", s.leftOut())}
}

// counts is an answer without any name: how long each of its lists is, how much was read, and how old that is.
func counts(r report.Report, a answer) slackapi.Message {
	var lines []string
	for _, t := range formatters.Tables(r) {
		if t.Name != "sections" {
			continue
		}
		for _, row := range t.Rows {
			section, state, n := row[1], row[2], row[3] // the first cell is the name of the subject
			if n == "" {
				n = strings.ReplaceAll(state, "_", " ")
			}
			lines = append(lines, strings.ReplaceAll(section, "_", " ")+": "+n)
		}
	}
	m := slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: "An audit of Databricks (" + r.Head().Mode + ") was asked for here. It lists:"}}}
	if len(lines) > 0 {
		m.Parts = append(m.Parts, slackapi.Part{Kind: slackapi.Preformatted, Text: strings.Join(lines, "\n")})
	}
	m.Parts = append(m.Parts, a.foot...)
	return m
}
