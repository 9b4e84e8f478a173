package slackapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Command is a slash command as Slack delivered it. Deliveries repeat: Slack may send the same
// envelope twice, or the same command in two envelopes.
//
// https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling
type Command struct {
	EnvelopeID  string
	TriggerID   string `json:"-"`
	AppID       string
	TeamID      string
	ChannelID   string
	UserID      string
	Name        string // "/access-audit"
	Text        string // as Slack escapes it
	ResponseURL Secret `json:"-"`
}

// Handler hears of what a socket brings. Its methods are called in the loop that reads the socket
// and must return at once: while they run nothing is acknowledged, and Slack gives up after three
// seconds. They are called by one goroutine for each socket, so by several at a time.
type Handler interface {
	// Command hears of a slash command. It is acknowledged when Command returns, with the message
	// if there is one, which then only the person sees.
	Command(Command) (Message, bool)
	// Opened hears that a socket is open. Slack may still close it without a word.
	Opened()
	// Greeted hears that Slack said hello on the socket, and to which app; the id may be empty.
	Greeted(appID string)
	// Closed hears that there is no socket and that one is being opened.
	Closed()
}

const (
	ackPatience  = 2 * time.Second  // Slack waits for three
	readLimit    = 1 << 20          // bytes in one frame from Slack; slack-go has no limit of its own
	pingInterval = 30 * time.Second // without a ping for so long a socket counts as dead
	appToken     = "the app-level token (xapp-…)"
)

// Listen keeps one socket open until ctx ends, which returns nil. Any other end is an error; one
// that no retry heals is a *FatalError.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode
func (c *Client) Listen(ctx context.Context, h Handler) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	smc := socketmode.New(c.api,
		socketmode.OptionLog(logAdapter{c.log}),
		socketmode.OptionDebug(false),
		socketmode.OptionReadLimit(readLimit),
		socketmode.OptionPingInterval(pingInterval),
	)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, smc) }()
	l := listener{client: smc, handler: h, log: c.log, observer: c.observer}
	for {
		select {
		case e := <-smc.Events:
			if err := l.hear(ctx, e); err != nil {
				stop()
				<-ended //nolint:errcheck // the cause is known: err
				return err
			}
		case err := <-ended:
			if ctx.Err() != nil {
				return nil
			}
			return fatalOr(appToken, fail("apps.connections.open", err))
		}
	}
}

// run turns a panic of slack-go into an error. Its inner goroutines are out of reach.
func run(ctx context.Context, smc *socketmode.Client) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("socket: panic: %v", p)
		}
	}()
	return smc.RunContext(ctx)
}

// listener hears the events of one socket.
type listener struct {
	client  *socketmode.Client
	handler Handler
	log     *slog.Logger

	observer Observer
	heard    time.Time // when the event came that is being dealt with
}

// hear deals with one event. The error is one that no retry heals.
func (l *listener) hear(ctx context.Context, e socketmode.Event) error {
	l.heard = time.Now()
	switch e.Type {
	case socketmode.EventTypeSlashCommand:
		command, ok := e.Data.(slack.SlashCommand)
		if !ok || e.Request == nil {
			return nil
		}
		l.command(ctx, e.Request, command)
	case socketmode.EventTypeHello:
		if e.Request != nil {
			l.handler.Greeted(e.Request.ConnectionInfo.AppID)
		}
	case socketmode.EventTypeConnected:
		l.handler.Opened()
	case socketmode.EventTypeConnecting:
		l.handler.Closed()
	case socketmode.EventTypeConnectionError:
		return l.refused(ctx, e.Data)
	case socketmode.EventTypeErrorBadMessage:
		l.unreadable(ctx, e.Data)
	default:
		// What the app subscribed to but this version does not use. Unacknowledged, Slack would
		// send it again.
		if r := e.Request; r != nil && r.EnvelopeID != "" && !l.keep(ctx, r.Type, r.EnvelopeID, r.Payload, nil) {
			l.ack(ctx, r.EnvelopeID, nil)
		}
	}
	return nil
}

func (l *listener) command(ctx context.Context, r *socketmode.Request, c slack.SlashCommand) {
	command := Command{
		EnvelopeID: r.EnvelopeID, TriggerID: c.TriggerID,
		AppID: c.APIAppID, TeamID: c.TeamID, ChannelID: c.ChannelID, UserID: c.UserID,
		Name: c.Command, Text: c.Text, ResponseURL: Secret(c.ResponseURL),
	}
	if l.keep(ctx, r.Type, r.EnvelopeID, r.Payload, &command) {
		return
	}
	m, say := l.ask(command)
	var payload any
	if say && r.AcceptsResponsePayload {
		payload = map[string]any{
			"response_type": slack.ResponseTypeEphemeral,
			"text":          m.text(),
			"blocks":        m.blocks(),
		}
	}
	l.ack(ctx, r.EnvelopeID, payload)
}

// ask calls the handler. If it panics the command is acknowledged all the same, or Slack would show
// a time-out and the next socket would get the same panic.
func (l *listener) ask(c Command) (m Message, say bool) {
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("panic while taking a command", "envelope_id", c.EnvelopeID, "panic", p, "stack", string(debug.Stack()))
			m, say = Say("Something went wrong inside; please tell the people who run this bot."), true
		}
	}()
	return l.handler.Command(c)
}

// refused deals with a failed attempt to open the socket. slack-go tries again by itself, also
// where that is pointless.
func (l *listener) refused(ctx context.Context, data any) error {
	e, ok := data.(*slack.ConnectionErrorEvent)
	if !ok || e.ErrorObj == nil || ctx.Err() != nil {
		return nil //nolint:nilerr // the end was asked for; what failed because of it is no news
	}
	err := fail("apps.connections.open", e.ErrorObj)
	if fatal, ok := errors.AsType[*FatalError](fatalOr(appToken, err)); ok {
		return fatal
	}
	l.log.Warn("Slack socket not opened", "error", err, "attempt", e.Attempt, "retry_in", e.Backoff)
	return nil
}

// unreadable deals with an envelope that slack-go could not decode: what this package reads itself is heard all the same, and
// the rest acknowledged by its raw id.
func (l *listener) unreadable(ctx context.Context, data any) {
	bad, ok := data.(*socketmode.ErrorBadMessage)
	if !ok {
		return
	}
	var envelope struct {
		ID      string          `json:"envelope_id"`
		Type    string          `json:"type"`
		Payload json.RawMessage `json:"payload"`
	}
	_ = json.Unmarshal(bad.Message, &envelope) // without an id there is nothing to acknowledge
	l.observer.Unreadable()
	l.log.Warn("Slack sent what this version cannot read", "type", envelope.Type, "envelope_id", envelope.ID)
	if envelope.ID != "" && !l.keep(ctx, envelope.Type, envelope.ID, envelope.Payload, nil) {
		l.ack(ctx, envelope.ID, nil)
	}
}

func (l *listener) ack(ctx context.Context, id string, payload any) {
	ctx, cancel := context.WithTimeout(ctx, ackPatience)
	defer cancel()
	if err := l.client.AckCtx(ctx, id, payload); err != nil {
		l.log.Error("envelope not acknowledged", "envelope_id", id, "error", err)
		return
	}
	l.observer.Acknowledged(time.Since(l.heard))
}
