package slackapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"runtime/debug"

	"github.com/slack-go/slack"
)

// Delivery is what an envelope brought that has to be kept before it is acknowledged. One of the pointers is set. Nothing in
// it is checked yet: each part says by Doubt what speaks against it.
type Delivery struct {
	EnvelopeID string `json:"envelope"`
	// Hash is the SHA-256 of the payload as it arrived, in hexadecimal.
	Hash string `json:"hash"`

	Command    *Command    `json:"command,omitempty"`
	Click      *Click      `json:"click,omitempty"`
	Submission *Submission `json:"submission,omitempty"`
	Mention    *Mention    `json:"mention,omitempty"`
	Change     *Change     `json:"change,omitempty"`
}

// Ack acknowledges a delivery. What is said is shown to the person where Slack can do that with an acknowledgement: for commands,
// and in a form that then stays open. It may be called by any goroutine; calls after the first do nothing.
type Ack func(say string)

// Keeper is a Handler that keeps some of what comes before it is acknowledged.
type Keeper interface {
	Handler
	// Keep takes a delivery over, to call ack when it is kept; or gives false: then a command goes to Command, and everything
	// else is acknowledged and forgotten. It must return at once, as the other methods do. A delivery that is never acknowledged
	// is sent again by Slack if it is an event; otherwise the person sees that nothing came of it.
	Keep(d Delivery, ack Ack) bool
}

// keep offers a delivery to a handler that keeps some.
func (l *listener) keep(ctx context.Context, kind, id string, payload json.RawMessage, command *Command) (taken bool) {
	keeper, ok := l.handler.(Keeper)
	if !ok || id == "" {
		return false
	}
	sum := sha256.Sum256(payload)
	d := Delivery{EnvelopeID: id, Hash: hex.EncodeToString(sum[:]), Command: command}
	switch kind {
	case "interactive":
		d.Click, d.Submission = readInteraction(payload)
	case "events_api":
		d.Mention, d.Change = readEvent(payload)
	}
	if d.Command == nil && d.Click == nil && d.Submission == nil && d.Mention == nil && d.Change == nil {
		return false
	}
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("panic while taking a delivery", "envelope_id", id, "panic", p, "stack", string(debug.Stack()))
			taken = false // acknowledged all the same: the next socket would get the same panic
		}
	}()
	own := *l // what it hears next is another event
	once := make(chan struct{}, 1)
	return keeper.Keep(d, func(say string) {
		select {
		case once <- struct{}{}:
			own.ack(ctx, id, d.said(say))
		default:
		}
	})
}

// said is the payload of an acknowledgement that says something.
//
// https://docs.slack.dev/interactivity/implementing-slash-commands#responding_with_errors
// https://docs.slack.dev/surfaces/modals#displaying_errors
func (d Delivery) said(text string) any {
	switch {
	case text == "":
		return nil
	case d.Command != nil:
		m := Say(text)
		return map[string]any{"response_type": slack.ResponseTypeEphemeral, "text": m.notification(), "blocks": m.blocks()}
	case d.Submission != nil:
		return map[string]any{"response_action": "errors", "errors": map[string]string{formBlock: Cut(text, 150)}}
	}
	return nil
}
