package slackfake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Limits of Socket Mode, https://docs.slack.dev/apis/events-api/using-socket-mode.
const (
	maxSockets  = 10     // per app; more get disconnect with too_many_websockets
	maxAckBytes = 20_480 // acknowledgements this long or longer are dropped without a word (not documented; measured by users)
)

// Reasons of a disconnect frame,
// https://docs.slack.dev/apis/events-api/using-socket-mode#disconnect.
const (
	DisconnectWarning  = "warning"
	DisconnectRefresh  = "refresh_requested"
	DisconnectDisabled = "link_disabled"
	DisconnectTooMany  = "too_many_websockets"
)

// socket is one WebSocket connection of the app.
type socket struct {
	number int
	conn   *websocket.Conn
	gone   chan struct{} // closed when the reader has ended
	write  sync.Mutex    // one writer at a time
}

func (k *socket) send(frame any) error {
	k.write.Lock()
	defer k.write.Unlock()
	_ = k.conn.SetWriteDeadline(time.Now().Add(5 * time.Second)) // reported by the write
	return k.conn.WriteJSON(frame)
}

type helloFrame struct {
	Type           string         `json:"type"`
	NumConnections int            `json:"num_connections"`
	ConnectionInfo connectionInfo `json:"connection_info"`
	DebugInfo      debugInfo      `json:"debug_info"`
}

type connectionInfo struct {
	AppID string `json:"app_id"`
}

type debugInfo struct {
	Host                      string `json:"host"`
	BuildNumber               int    `json:"build_number,omitempty"`
	ApproximateConnectionTime int    `json:"approximate_connection_time,omitempty"`
}

type disconnectFrame struct {
	Type      string    `json:"type"`
	Reason    string    `json:"reason"`
	DebugInfo debugInfo `json:"debug_info"`
}

func newDisconnect(reason string) disconnectFrame {
	return disconnectFrame{Type: "disconnect", Reason: reason, DebugInfo: debugInfo{Host: "applink-1"}}
}

// connectionsOpen answers apps.connections.open with a single-use address,
// https://docs.slack.dev/reference/methods/apps.connections.open.
func (s *Server) connectionsOpen(*call) (reply, error) {
	ticket := s.id("ticket")
	s.tickets[ticket] = true
	return reply{"url": "ws" + s.base[len("http"):] + "/link/?ticket=" + ticket + "&app_id=" + s.st.AppID}, nil
}

func (s *Server) takeTicket(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	return ok
}

// serveLink upgrades a connection whose ticket has not been used.
func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	if !s.takeTicket(r.URL.Query().Get("ticket")) {
		http.Error(w, "ticket unknown or used", http.StatusUnauthorized)
		return
	}
	// Clients that are no browsers send any Origin: slack-go's is api.slack.com.
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	k := &socket{conn: conn, gone: make(chan struct{})}
	if refused := s.admit(k); refused != "" {
		_ = k.send(newDisconnect(refused)) // the client may be gone already
		_ = conn.Close()
		return
	}
	s.readAcks(k)
}

// admit greets a socket and adds it to those that get envelopes, or returns
// the reason to turn it away.
func (s *Server) admit(k *socket) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return DisconnectWarning
	default:
	}
	if s.linkDisabled {
		return DisconnectDisabled
	}
	if len(s.sockets) >= maxSockets {
		return DisconnectTooMany
	}
	s.nextSocket++
	k.number = s.nextSocket
	hello := helloFrame{
		Type: "hello", NumConnections: len(s.sockets) + 1,
		ConnectionInfo: connectionInfo{AppID: s.st.AppID},
		DebugInfo:      debugInfo{Host: "applink-1", BuildNumber: 1, ApproximateConnectionTime: 18060},
	}
	// Written under the lock, so that hello is the first frame.
	if err := k.send(hello); err != nil {
		return DisconnectWarning
	}
	s.sockets = append(s.sockets, k)
	s.wg.Go(func() { s.ping(k) })
	s.wg.Add(1) // for the reader; done in readAcks
	s.cond.Broadcast()
	return ""
}

// ping keeps a socket alive, as Slack does every few seconds.
func (s *Server) ping(k *socket) {
	if s.opts.PingInterval < 0 {
		return
	}
	tick := time.NewTicker(s.opts.PingInterval)
	defer tick.Stop()
	for {
		select {
		case <-k.gone:
			return
		case <-tick.C:
			s.mu.Lock()
			stalled := s.pingsStalled
			s.mu.Unlock()
			if !stalled {
				_ = k.conn.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(time.Second)) // the reader notices a dead socket
			}
		}
	}
}

// readAcks reads frames until the socket ends, then forgets it.
func (s *Server) readAcks(k *socket) {
	defer s.wg.Done()
	defer s.forget(k)
	for {
		kind, frame, err := k.conn.ReadMessage()
		if err != nil {
			return
		}
		s.takeAck(k, kind, frame)
	}
}

func (s *Server) forget(k *socket) {
	close(k.gone)
	_ = k.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets = slices.DeleteFunc(s.sockets, func(o *socket) bool { return o == k })
	s.cond.Broadcast()
}

type ackFrame struct {
	EnvelopeID string          `json:"envelope_id"`
	Payload    json.RawMessage `json:"payload"`
}

// takeAck books one frame from the app.
func (s *Server) takeAck(k *socket, kind int, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ack ackFrame
	if kind != websocket.TextMessage || json.Unmarshal(frame, &ack) != nil || ack.EnvelopeID == "" {
		s.problem("socket %d: frame is not an acknowledgement: %.80q", k.number, frame)
		return
	}
	if len(frame) >= maxAckBytes {
		s.problem("envelope %s: acknowledgement of %d bytes is dropped, the limit is %d", ack.EnvelopeID, len(frame), maxAckBytes)
		return
	}
	t, known := s.awaiting(k, ack.EnvelopeID)
	switch {
	case !known:
		s.problem("envelope %s: acknowledged but never sent", ack.EnvelopeID)
	case t == nil:
		s.problem("envelope %s: acknowledged more often than delivered", ack.EnvelopeID)
	default:
		s.bookAck(t, ack.Payload)
	}
}

// awaiting returns the delivery that an acknowledgement on k answers: one that
// is still in time before one that is overdue (a redelivery is answered, not
// the attempt that failed), one on the same socket before another's (a client
// may answer on a new socket what came on a closed one), then the oldest.
func (s *Server) awaiting(k *socket, envelope string) (best *transmission, known bool) {
	rank := func(t *transmission) int {
		r := 0
		if s.clock.Now().Sub(t.SentAt) < s.opts.AckLimit {
			r += 2
		}
		if t.Socket == k.number {
			r++
		}
		return r
	}
	for _, t := range s.sends {
		if t.EnvelopeID != envelope {
			continue
		}
		known = true
		if !t.Acked && (best == nil || rank(t) > rank(best)) {
			best = t
		}
	}
	return best, known
}

func (s *Server) bookAck(t *transmission, payload json.RawMessage) {
	t.Acked, t.AckedAt = true, s.clock.Now()
	t.Late = !t.Lost && t.AckedAt.Sub(t.SentAt) > s.opts.AckLimit
	if payload = bytes.TrimSpace(payload); len(payload) > 0 && string(payload) != "null" && string(payload) != "{}" {
		t.Payload = payload
		s.useAckPayload(t)
	}
	if t.env.view != "" {
		s.afterSubmit(t.env.view, t.Payload)
	}
	close(t.acked)
	s.cond.Broadcast()
}

// currentProblems adds what the deliveries show to what was recorded.
func (s *Server) currentProblems() []string {
	found := slices.Clone(s.problems)
	now := s.clock.Now()
	for _, t := range s.sends {
		switch {
		case t.Late:
			found = append(found, fmt.Sprintf("envelope %s (%s): acknowledged late, after %s", t.EnvelopeID, t.Type, t.AckedAt.Sub(t.SentAt)))
		case !t.Acked && !t.Lost && now.Sub(t.SentAt) >= s.opts.AckLimit:
			found = append(found, fmt.Sprintf("envelope %s (%s): not acknowledged within %s", t.EnvelopeID, t.Type, s.opts.AckLimit))
		}
	}
	return found
}

// hangUp closes a socket from Slack's side; what it still owed is lost.
func (s *Server) hangUp(k *socket) {
	s.mu.Lock()
	s.sockets = slices.DeleteFunc(s.sockets, func(o *socket) bool { return o == k })
	for _, t := range s.sends {
		if t.Socket == k.number && !t.Acked {
			t.Lost = true
		}
	}
	s.cond.Broadcast()
	s.mu.Unlock()
	_ = k.conn.Close()
}

func (s *Server) connected() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sockets)
}

// Disconnect sends a disconnect frame with the reason to every socket and
// closes them at once (Slack waits some ten seconds after "warning"). After
// link_disabled new sockets are turned away with the same reason until
// [Server.EnableLink].
func (s *Server) Disconnect(reason string) {
	s.mu.Lock()
	s.linkDisabled = s.linkDisabled || reason == DisconnectDisabled
	s.mu.Unlock()
	for _, k := range s.connected() {
		_ = k.send(newDisconnect(reason)) // closed next whatever happens
		s.hangUp(k)
	}
}

// EnableLink ends the effect of Disconnect("link_disabled").
func (s *Server) EnableLink() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linkDisabled = false
}

// DropSockets cuts every connection without a word, as a broken network does.
func (s *Server) DropSockets() {
	for _, k := range s.connected() {
		s.hangUp(k)
	}
}

// StallPings stops (or with false resumes) the server's pings, as a half-dead
// connection does.
func (s *Server) StallPings(stall bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pingsStalled = stall
}

// WaitConnected blocks until n sockets are connected.
func (s *Server) WaitConnected(ctx context.Context, n int) error {
	return s.WaitFor(ctx, func(sn *Snapshot) bool { return sn.Sockets >= n })
}
