package slackapi

import (
	"errors"
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
)

func TestTrySocket(t *testing.T) {
	s, c := start(t, slackfake.Options{})
	g, err := c.TrySocket(t.Context())
	if err != nil || g.AppID != "A0AUDIT" || g.Sockets != 1 {
		t.Errorf("%+v, %v", g, err)
	}
	if err := s.WaitFor(t.Context(), func(w *slackfake.Snapshot) bool { return w.Sockets == 0 }); err != nil {
		t.Errorf("the socket stays open: %v", err)
	}
	s.Disconnect(slackfake.DisconnectDisabled)
	_, err = c.TrySocket(t.Context())
	if e, ok := errors.AsType[*SocketRefusedError](err); !ok || e.Reason != "link_disabled" {
		t.Errorf("with Socket Mode off: %v", err)
	}
	s.EnableLink()
	s.AddFault(slackfake.Fault{Method: "apps.connections.open", Error: "missing_scope"})
	_, err = c.TrySocket(t.Context())
	if e, ok := errors.AsType[*FatalError](err); !ok || !strings.Contains(e.Advice, "connections:write") {
		t.Errorf("without the scope: %v", err)
	}
	if p := s.Problems(); len(p) > 0 {
		t.Errorf("problems: %q", p)
	}
}

func TestConversation(t *testing.T) {
	s, c := start(t, slackfake.Options{})
	got, err := c.Channel(t.Context(), slackfake.Partners)
	if err != nil || got.Name != "partners" || got.IsExtShared == nil || !*got.IsExtShared || got.IsMember == nil || !*got.IsMember {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := c.Channel(t.Context(), "C0NONE"); Code(err) != "channel_not_found" {
		t.Errorf("no channel: %v", err)
	}
	s.SetScopes("channels:read")
	if _, err := c.Channel(t.Context(), slackfake.DataApprovals); Code(err) != "missing_scope" || !strings.Contains(err.Error(), "groups:read") {
		t.Errorf("without groups:read: %v", err)
	}
}

func TestAppOf(t *testing.T) {
	_, c := start(t, slackfake.Options{})
	if app, err := c.AppOf(t.Context(), "B0AUDIT"); err != nil || app != "A0AUDIT" {
		t.Errorf("%q, %v", app, err)
	}
	if _, err := c.AppOf(t.Context(), "B0DEPLOY"); Code(err) != "bot_not_found" {
		t.Errorf("another's bot: %v", err)
	}
}
