package slackapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

// AppOf is the id of the app that a bot belongs to, empty when Slack does not say.
//
// https://docs.slack.dev/reference/methods/bots.info
func (c *Client) AppOf(ctx context.Context, botID string) (string, error) {
	var answer struct {
		Bot struct {
			AppID string `json:"app_id"`
		} `json:"bot"`
	}
	err := c.look(ctx, "bots.info", url.Values{"bot": {botID}}, &answer)
	return answer.Bot.AppID, err
}

// Greeting is what Slack says on a socket that it lets stay open.
type Greeting struct {
	AppID string
	// Sockets is how many sockets the app has open, this one included; zero when Slack does not say.
	Sockets int
}

// SocketRefusedError says that Slack closed a socket as soon as it was open.
type SocketRefusedError struct {
	// Reason is Slack's: "link_disabled" when Socket Mode is off, "too_many_websockets".
	Reason string
}

// Error names the reason.
func (e *SocketRefusedError) Error() string {
	return "Slack closes the socket: " + e.Reason
}

const (
	helloPatience = 20 * time.Second
	closePatience = time.Second
)

// TrySocket opens a socket, waits for the first word of Slack and closes it. Unlike slack-go it tells
// why a socket is refused. What Slack sends to this socket in the moment between is lost: an event is
// sent again, a command has to be given again. A token that does not work is a *FatalError.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode
func (c *Client) TrySocket(ctx context.Context) (Greeting, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, address, err := c.api.StartSocketModeContext(ctx)
	if err != nil {
		return Greeting{}, fatalOr(appToken, fail("apps.connections.open", err))
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: helloPatience}
	conn, answer, err := dialer.DialContext(ctx, address, nil) //nolint:bodyclose // gorilla says that it need not be closed
	if err != nil {
		if answer != nil {
			return Greeting{}, statusError("open the socket", answer)
		}
		return Greeting{}, fail("open the socket", err) // the address holds a ticket
	}
	defer func() { _ = conn.Close() }() // Slack is told below
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	return hello(conn)
}

func hello(conn *websocket.Conn) (Greeting, error) {
	var first struct {
		Type        string `json:"type"`
		Reason      string `json:"reason"`
		Connections int    `json:"num_connections"`
		Info        struct {
			AppID string `json:"app_id"`
		} `json:"connection_info"`
	}
	conn.SetReadLimit(readLimit)
	if err := errors.Join(conn.SetReadDeadline(time.Now().Add(helloPatience)), conn.ReadJSON(&first)); err != nil {
		return Greeting{}, fmt.Errorf("wait for Slack on the socket: %w", err)
	}
	// Nothing is left to do when this fails: the connection is closed next.
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(closePatience))
	switch first.Type {
	case "hello":
		return Greeting{AppID: first.Info.AppID, Sockets: first.Connections}, nil
	case "disconnect":
		return Greeting{}, &SocketRefusedError{Reason: first.Reason}
	default:
		return Greeting{}, fmt.Errorf("the first word of Slack on the socket is %q", first.Type)
	}
}
