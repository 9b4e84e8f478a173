package slackfake

import (
	"context"
	"fmt"
	"slices"
)

// UpdateChannel changes a channel of the running workspace: members, sharing,
// archiving. The app hears nothing of it: see [Server.ShareChannel],
// [Server.UnshareChannel] and [Server.ConvertChannel] for what it may hear. It
// returns an error if there is no such channel. change must not call the server
// and must not keep its argument.
func (s *Server) UpdateChannel(ref string, change func(*Channel)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.st.channel(ref)
	if c == nil {
		return fmt.Errorf("update channel %q: no such channel", ref)
	}
	change(c)
	s.cond.Broadcast()
	return nil
}

// ShareChannel lets another workspace or organisation (its T… or E… id) into a
// channel, whether it was invited before or not. The app hears channel_shared if
// it subscribed to that and has channels:read, or groups:read for a private
// channel. Without an event the Delivery is empty.
//
// The payload is https://docs.slack.dev/reference/events/channel_shared.
func (s *Server) ShareChannel(ctx context.Context, ref, team string) (Delivery, error) {
	return s.changeTeams(ctx, ref, "channel_shared", func(c *Channel) (map[string]any, error) {
		if team == "" || team == s.st.TeamID || slices.Contains(c.ConnectedTeams, team) || c.IsIM {
			return nil, fmt.Errorf("share channel %s with %q: not possible", c.ID, team)
		}
		c.ConnectedTeams = append(c.ConnectedTeams, team)
		c.PendingTeams = slices.DeleteFunc(c.PendingTeams, func(t string) bool { return t == team })
		c.IsShared, c.IsExtShared, c.IsPendingExtShared = true, true, len(c.PendingTeams) > 0
		return map[string]any{"connected_team_id": team}, nil
	})
}

// UnshareChannel removes a workspace or organisation from a channel. The app
// hears channel_unshared if it subscribed to that.
//
// The payload is https://docs.slack.dev/reference/events/channel_unshared.
func (s *Server) UnshareChannel(ctx context.Context, ref, team string) (Delivery, error) {
	return s.changeTeams(ctx, ref, "channel_unshared", func(c *Channel) (map[string]any, error) {
		i := slices.Index(c.ConnectedTeams, team)
		if i < 0 {
			return nil, fmt.Errorf("unshare channel %s with %q: not shared", c.ID, team)
		}
		c.ConnectedTeams = slices.Delete(c.ConnectedTeams, i, i+1)
		c.IsExtShared = len(c.ConnectedTeams) > 0
		c.IsShared = c.IsExtShared || c.IsOrgShared
		return map[string]any{"previously_connected_team_id": team, "is_ext_shared": c.IsExtShared}, nil
	})
}

// changeTeams applies a change and delivers the event that it makes. Events of
// private channels need groups:read; that the app has to be in these, and need
// not be in public ones, is an assumption.
func (s *Server) changeTeams(ctx context.Context, ref, event string, change func(*Channel) (map[string]any, error)) (Delivery, error) {
	s.mu.Lock()
	events, err := s.teamEvents(ref, event, change)
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, err
	}
	return s.deliverEvents(ctx, events, "")
}

func (s *Server) teamEvents(ref, event string, change func(*Channel) (map[string]any, error)) ([]*envelope, error) {
	c := s.st.channel(ref)
	if c == nil {
		return nil, fmt.Errorf("%s: no channel %q", event, ref)
	}
	inner, err := change(c)
	if err != nil {
		return nil, err
	}
	s.cond.Broadcast()
	if !s.hears(event, readScope(c)) || (c.IsPrivate && !c.has(s.st.BotUserID)) {
		return nil, nil
	}
	inner["type"], inner["channel"], inner["event_ts"] = event, c.ID, s.ts()
	return []*envelope{s.event(inner, c)}, nil
}

// ConvertChannel lets user make a channel private, or with private false
// public. It keeps its id. There is no event of its own for this: the app hears
// a message with a subtype, if it subscribed to the messages of what the
// channel has become. Delivery.TS is that message.
//
// The payloads are https://docs.slack.dev/reference/events/message/channel_convert_to_private
// and https://docs.slack.dev/reference/events/message/channel_convert_to_public.
func (s *Server) ConvertChannel(ctx context.Context, user, ref string, private bool) (Delivery, error) {
	s.mu.Lock()
	m, events, err := s.convert(user, ref, private)
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, fmt.Errorf("convert channel: %w", err)
	}
	return s.deliverEvents(ctx, events, m.TS)
}

func (s *Server) convert(user, ref string, private bool) (*Message, []*envelope, error) {
	u, c, err := s.actor(user, ref)
	if err != nil {
		return nil, nil, err
	}
	if c.IsIM || c.IsPrivate == private {
		return nil, nil, fmt.Errorf("%s cannot become private=%t", c.ID, private)
	}
	c.IsPrivate = private
	m := &Message{
		TS: s.ts(), Channel: c.ID, User: u.ID, Via: "user", Subtype: "channel_convert_to_public",
		Text: "made this channel *public*. Any member in this workspace can see and join it.",
	}
	if private {
		m.Subtype = "channel_convert_to_private"
		m.Text = "made this channel *private*. Now, it can only be viewed or joined by invitation."
	}
	s.messages = append(s.messages, m)
	s.cond.Broadcast()
	return m, s.messageEvents(m, c, nil), nil
}
