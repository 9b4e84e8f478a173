package bot

import (
	"fmt"
	"math"
	"strings"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

// The commands about audits themselves. They have workers and limits of their own, so that whoever has asked too much can
// still see that and stop it.
const (
	wordStatus = "status"
	wordCancel = "cancel"

	controllers     = 2
	controlQueue    = 32
	controlsAMinute = 20
)

// isControl reports whether the text of a command is about audits. It is called in the loop that reads a socket.
func isControl(text string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return strings.EqualFold(word, wordStatus) || strings.EqualFold(word, wordCancel)
}

// control answers a command about audits; false means that it is none.
func (b *bot) control(user string, split []string) (slackapi.Message, bool) {
	switch {
	case len(split) == 0:
		return slackapi.Message{}, false
	case strings.EqualFold(split[0], wordStatus) && len(split) == 1:
		return b.status(user), true
	case strings.EqualFold(split[0], wordStatus):
		return misused(&query.UsageError{Problem: "status takes nothing", Hint: "write " + wordStatus}), true
	case strings.EqualFold(split[0], wordCancel) && len(split) <= 2:
		return b.cancel(user, split[1:]), true
	case strings.EqualFold(split[0], wordCancel):
		return misused(&query.UsageError{Problem: "cancel takes the id of one job", Hint: "write cancel, or cancel with the id that status shows"}), true
	}
	return slackapi.Message{}, false
}

// status tells a person of their own audit and how the bot is; of the audits of others no more than how many there are.
func (b *bot) status(user string) slackapi.Message {
	now := b.pace.now()
	own := "You have no audit under way."
	switch s := b.jobs.of(user); {
	case s.job == nil:
	case s.began.IsZero():
		own = fmt.Sprintf("Job %s: %s. It has waited for %s; %s before it.", s.job.id, s.job.asked, lasting(now.Sub(s.job.queued)), count(s.before, "other waits", "others wait"))
	default:
		own = fmt.Sprintf("Job %s: %s. It has been running for %s", s.job.id, s.job.asked, lasting(now.Sub(s.began)))
		if far := s.job.counts.String(); far != "" {
			own += "; " + far
		}
		own += "."
	}
	running, waiting := b.jobs.busy()
	up := fmt.Sprintf("I started %s ago, at %s. %d of %d sockets to Slack are open. Of all people, %s and %s.",
		lasting(now.Sub(b.started)), b.started.UTC().Format("2006-01-02 15:04 UTC"), b.health.connected(), b.Sockets,
		count(running, "audit runs", "audits run"), count(waiting, "waits", "wait"))
	return slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Paragraph, Text: own}, {Kind: slackapi.Paragraph, Text: up}}}
}

// cancel stops a person's own audit. That of somebody else is as unknown as one that never was.
func (b *bot) cancel(user string, ids []string) slackapi.Message {
	id := strings.ToLower(strings.Join(ids, ""))
	n, ran := b.jobs.cancel(user, id)
	switch {
	case n == nil && id == "":
		return slackapi.Say("You have no audit under way.")
	case n == nil:
		return slackapi.Say("You have no audit " + formatters.Truncate(formatters.EscapeLine(id), 40) + " under way.")
	case ran:
		return slackapi.Say("Job " + n.id + " is being stopped. It answers with what it has read by now, if that is enough for an answer.")
	default:
		return slackapi.Say("Job " + n.id + " is cancelled. It had not begun, so there is no answer.")
	}
}

// lasting says a time as people do: "40 seconds", "3 minutes", "5 hours".
func lasting(d time.Duration) string {
	switch up := func(unit time.Duration) int { return int(math.Ceil(float64(d) / float64(unit))) }; {
	case d <= 90*time.Second:
		return count(max(up(time.Second), 1), "second", "seconds")
	case d <= 90*time.Minute:
		return count(up(time.Minute), "minute", "minutes")
	case d <= 48*time.Hour:
		return count(up(time.Hour), "hour", "hours")
	default:
		return count(int(d/(24*time.Hour)), "day", "days")
	}
}

// count says so many of something.
func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
