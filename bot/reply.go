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
	Post(ctx context.Context, channel string, m slackapi.Message) (ts string, err error)
	Channel(ctx context.Context, id string) (slackapi.Channel, error)
	Stage(ctx context.Context, f slackapi.File) (slackapi.Staged, error)
	Share(ctx context.Context, channel, thread string, words slackapi.Message, files ...slackapi.Staged) error
}

// reply is the way back to the person who gave a command.
type reply struct {
	door slackDoor
	now  func() time.Time
	log  *slog.Logger
	// count hears of what is counted.
	count func(event string)
	user  string
	url   slackapi.Secret
	born  time.Time

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

// last says what the person waits for: at the response URL, or else in a direct message.
func (r *reply) last(ctx context.Context, m slackapi.Message) {
	err := r.insist(m, func(m slackapi.Message) error { return r.respond(ctx, m) })
	if err == nil {
		return
	}
	r.log.Warn("answer not shown at the response URL, sending a direct message", "error", err)
	err = r.insist(m, func(m slackapi.Message) error { return r.direct(ctx, m) })
	if err != nil {
		r.log.Error("answer lost", "error", err)
	}
}

// insist says a message, and when Slack refuses its blocks says it once more as plain text. That is counted: the blocks of
// this package should be such that it never happens.
func (r *reply) insist(m slackapi.Message, say func(slackapi.Message) error) error {
	err := say(m)
	if err == nil || !malformed(err) {
		return err
	}
	r.count(CountBlocksRefused)
	r.log.Error("Slack refused the form of a message, saying it as plain text", "error", err)
	m.Plain = true
	return say(m)
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
	_, err = r.door.Post(ctx, channel, m)
	return err
}

// post writes a message into a conversation and gives its timestamp.
func (r *reply) post(ctx context.Context, channel string, m slackapi.Message) (ts string, err error) {
	err = r.insist(m, func(m slackapi.Message) error {
		ts, err = r.door.Post(ctx, channel, m)
		return err
	})
	return ts, err
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
