package bot

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/bot/slackapi"
)

// Slack takes five posts at a response URL, within 30 minutes. One use is kept for the last word,
// and the last minutes are left unused for clocks and queues.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const (
	urlUses = 5
	urlLife = 28 * time.Minute
)

// slackDoor is what replies need of Slack.
type slackDoor interface {
	Respond(ctx context.Context, responseURL slackapi.Secret, m slackapi.Message, replace bool) error
	OpenDM(ctx context.Context, userID string) (string, error)
	Post(ctx context.Context, channel string, m slackapi.Message) error
	Upload(ctx context.Context, f slackapi.File) error
}

// reply is the way back to the person who gave a command.
type reply struct {
	door slackDoor
	now  func() time.Time
	log  *slog.Logger
	user string
	url  slackapi.Secret
	born time.Time

	mu   sync.Mutex
	uses int
	dm   string
}

// take reports whether the response URL may be used once more, and counts it.
func (r *reply) take(keep int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.uses+keep >= urlUses || r.now().Sub(r.born) >= urlLife {
		return false
	}
	r.uses++
	return true
}

// note says something on the way to the answer. It is dropped when it cannot be said.
func (r *reply) note(ctx context.Context, m slackapi.Message, replace bool) {
	if !r.take(1) {
		return
	}
	if err := r.door.Respond(ctx, r.url, m, replace); err != nil {
		r.log.Warn("note not shown", "error", err)
	}
}

// last says what the person waits for: at the response URL, or else in a direct message. A message
// that Slack finds malformed is said once more as its paragraphs alone, which it cannot be about.
func (r *reply) last(ctx context.Context, m slackapi.Message) {
	err := r.respond(ctx, m)
	if err != nil && malformed(err) {
		r.log.Error("Slack refused the form of an answer", "error", err)
		m = paragraphs(m)
		err = r.respond(ctx, m)
	}
	if err == nil {
		return
	}
	r.log.Warn("answer not shown at the response URL, sending a direct message", "error", err)
	if err := r.direct(ctx, m); err != nil {
		r.log.Error("answer lost", "error", err)
	}
}

var errURLSpent = errors.New("the response URL is used up")

func (r *reply) respond(ctx context.Context, m slackapi.Message) error {
	if !r.take(0) {
		return errURLSpent
	}
	return r.door.Respond(ctx, r.url, m, false)
}

func (r *reply) direct(ctx context.Context, m slackapi.Message) error {
	channel, err := r.conversation(ctx)
	if err != nil {
		return err
	}
	return r.door.Post(ctx, channel, m)
}

// conversation gives the id of the direct conversation with the person.
func (r *reply) conversation(ctx context.Context) (string, error) {
	r.mu.Lock()
	known := r.dm
	r.mu.Unlock()
	if known != "" {
		return known, nil
	}
	channel, err := r.door.OpenDM(ctx, r.user)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dm = channel
	return channel, nil
}

// malformed reports whether Slack took offence at the blocks.
func malformed(err error) bool {
	code := slackapi.Code(err)
	return strings.HasPrefix(code, "invalid_blocks") || code == "msg_blocks_too_long" || code == "invalid_attachments" || code == "http_400"
}

func paragraphs(m slackapi.Message) slackapi.Message {
	var short slackapi.Message
	for _, p := range m.Parts {
		if p.Kind != slackapi.Preformatted {
			short.Parts = append(short.Parts, slackapi.Part{Kind: slackapi.Paragraph, Text: slackapi.Cut(p.Text, 1000)})
		}
	}
	return short
}
