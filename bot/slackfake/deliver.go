package slackfake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Errors of the driving methods: what a person sees when the app does not
// answer.
var (
	// ErrNoSocket means that the app had no socket: "dispatch_failed".
	ErrNoSocket = errors.New("dispatch_failed: the app has no socket")
	// ErrNotAcked means that no acknowledgement came in time: "operation_timeout".
	ErrNotAcked = errors.New("operation_timeout: the app did not acknowledge in time")
)

// Delivery is an envelope that was sent to the app and what became of it.
type Delivery struct {
	EnvelopeID  string
	Type        string
	TriggerID   string          // empty for events
	ResponseURL string          // empty for events and view submissions
	TS          string          // of the message a person wrote; empty for commands and clicks
	Acked       bool            // every copy was acknowledged
	Payload     json.RawMessage // of the acknowledgement, if it had one
	Seen        []Message       // what the acknowledgement showed at once
}

// transmission is one sending of an envelope on one socket.
type transmission struct {
	Ack
	acked chan struct{} // closed with Acked
	env   *envelope
	seen  []Message
}

// envelope is what Slack sends over a socket,
// https://docs.slack.dev/apis/events-api/using-socket-mode#events.
type envelope struct {
	id          string
	kind        string
	payload     any
	triggerID   string
	responseURL string
	user        string // who acted
	channel     string // where
	view        string // of a submission
}

func (e *envelope) frame(attempt int) map[string]any {
	f := map[string]any{
		"type": e.kind, "envelope_id": e.id, "payload": e.payload,
		"accepts_response_payload": e.kind != "events_api",
	}
	if e.kind == "events_api" {
		f["retry_attempt"], f["retry_reason"] = attempt, ""
		if attempt > 0 {
			f["retry_reason"] = "timeout"
		}
	}
	return f
}

// retryDelays are the waits before Slack sends an unacknowledged event again,
// https://docs.slack.dev/apis/events-api#retries.
var retryDelays = []time.Duration{0, time.Minute, 5 * time.Minute}

// deliver sends an envelope, waits for its acknowledgement and, where asked
// for, sends it again.
func (s *Server) deliver(ctx context.Context, e *envelope) (Delivery, error) {
	d, err := s.attempt(ctx, e, 0)
	if e.kind != "events_api" || !s.opts.Redeliver {
		return d, err
	}
	for n, delay := range retryDelays {
		if !errors.Is(err, ErrNotAcked) && !errors.Is(err, ErrNoSocket) {
			break
		}
		if delay > 0 {
			select {
			case <-s.clock.After(delay):
			case <-ctx.Done():
				return d, ctx.Err()
			case <-s.done:
				return d, err
			}
		}
		d, err = s.attempt(ctx, e, n+1)
	}
	return d, err
}

// attempt sends an envelope once (twice with Options.Duplicate) and waits.
func (s *Server) attempt(ctx context.Context, e *envelope, retry int) (Delivery, error) {
	copies := 1
	if s.opts.Duplicate && retry == 0 {
		copies = 2
	}
	d := Delivery{EnvelopeID: e.id, Type: e.kind, TriggerID: e.triggerID, ResponseURL: e.responseURL}
	limit := s.clock.After(s.opts.AckLimit)
	sent := make([]*transmission, 0, copies)
	for range copies {
		t, err := s.transmit(e, retry)
		if err != nil {
			return d, err
		}
		sent = append(sent, t)
	}
	for _, t := range sent {
		select {
		case <-t.acked:
		case <-limit:
			return d, fmt.Errorf("deliver %s %s: %w", e.kind, e.id, ErrNotAcked)
		case <-ctx.Done():
			return d, fmt.Errorf("deliver %s %s: %w", e.kind, e.id, ctx.Err())
		case <-s.done:
			return d, fmt.Errorf("deliver %s %s: server closed", e.kind, e.id)
		}
		s.mu.Lock()
		d.Seen = append(d.Seen, t.seen...)
		if t.Payload != nil {
			d.Payload = t.Payload
		}
		s.mu.Unlock()
	}
	d.Acked = true
	return d, nil
}

// transmit writes an envelope to the next socket in turn. Slack promises no
// affinity: https://docs.slack.dev/apis/events-api/using-socket-mode#connections.
func (s *Server) transmit(e *envelope, retry int) (*transmission, error) {
	s.mu.Lock()
	if len(s.sockets) == 0 {
		s.mu.Unlock()
		return nil, fmt.Errorf("deliver %s: %w", e.kind, ErrNoSocket)
	}
	k := s.sockets[len(s.sends)%len(s.sockets)]
	t := &transmission{
		Ack:   Ack{EnvelopeID: e.id, Type: e.kind, Socket: k.number, RetryAttempt: retry, SentAt: s.clock.Now()},
		acked: make(chan struct{}), env: e,
	}
	s.sends = append(s.sends, t)
	s.cond.Broadcast()
	s.mu.Unlock()
	if err := k.send(e.frame(retry)); err != nil {
		s.hangUp(k) // a socket that cannot be written to is gone, and the envelope with it
	}
	return t, nil
}

// Deliver sends a payload of the test's own in an envelope of the given type
// (slash_commands, interactive, events_api or one that no client knows) and
// waits for the acknowledgement. Together with [Server.SlashPayload] it makes
// requests that are wrong in one field.
func (s *Server) Deliver(ctx context.Context, envelopeType string, payload any) (Delivery, error) {
	return s.deliver(ctx, &envelope{id: s.newEnvelopeID(), kind: envelopeType, payload: payload})
}

// Redeliver sends an earlier envelope once more under the same id, an event
// with the next retry_attempt, and waits for the acknowledgement.
func (s *Server) Redeliver(ctx context.Context, envelopeID string) (Delivery, error) {
	s.mu.Lock()
	var e *envelope
	retry := -1
	for _, t := range s.sends {
		if t.EnvelopeID == envelopeID {
			e, retry = t.env, max(retry, t.RetryAttempt)
		}
	}
	s.mu.Unlock()
	if e == nil {
		return Delivery{}, fmt.Errorf("redeliver %q: no such envelope", envelopeID)
	}
	return s.attempt(ctx, e, retry+1)
}

func (s *Server) newEnvelopeID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.envelopeID()
}

func (s *Server) envelopeID() string {
	s.nextID++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", s.nextID)
}
