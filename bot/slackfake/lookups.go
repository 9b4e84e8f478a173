package slackfake

import (
	"maps"
	"slices"
	"strings"
)

// authTest is https://docs.slack.dev/reference/methods/auth.test. It names the
// bot for the app-level token too, which is an assumption.
func (s *Server) authTest(*call) (reply, error) {
	r := reply{
		"url": "https://" + s.st.TeamDomain + ".slack.com/", "team": s.st.TeamName, "team_id": s.st.TeamID,
		"user": s.st.users[s.st.BotUserID].Name, "user_id": s.st.BotUserID, "bot_id": s.st.BotID, "is_enterprise_install": false,
	}
	if s.st.EnterpriseID != "" {
		r["enterprise_id"] = s.st.EnterpriseID
	}
	return r, nil
}

// botInfo is https://docs.slack.dev/reference/methods/bots.info, for the app's own bot.
func (s *Server) botInfo(c *call) (reply, error) {
	if err := c.require("bot"); err != nil {
		return nil, err
	}
	if c.args["bot"] != s.st.BotID {
		return nil, refuse("bot_not_found")
	}
	return reply{"bot": map[string]any{
		"id": s.st.BotID, "deleted": false, "name": s.st.users[s.st.BotUserID].Name, "updated": 1_700_000_000,
		"app_id": s.st.AppID, "user_id": s.st.BotUserID,
	}}, nil
}

// userInfo is https://docs.slack.dev/reference/methods/users.info.
func (s *Server) userInfo(c *call) (reply, error) {
	if err := c.require("user"); err != nil {
		return nil, err
	}
	u := s.st.users[c.args["user"]]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	if u.NotVisible {
		return nil, refuse("user_not_visible")
	}
	return reply{"user": s.userJSON(u)}, nil
}

// lookupByEmail is https://docs.slack.dev/reference/methods/users.lookupByEmail.
// Deactivated people, bots and people of other workspaces are not found.
func (s *Server) lookupByEmail(c *call) (reply, error) {
	if err := c.require("email"); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(s.st.users)) {
		u := s.st.users[id]
		if strings.EqualFold(u.Email, c.args["email"]) && !u.Deleted && !u.IsBot && !u.IsStranger && !u.NotVisible {
			return reply{"user": s.userJSON(u)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

// userJSON is https://docs.slack.dev/reference/objects/user-object. Flags of
// active membership are left out for deactivated people, is_stranger for all
// but strangers.
func (s *Server) userJSON(u *User) map[string]any {
	profile := map[string]any{"real_name": u.RealName, "display_name": u.DisplayName, "team": u.TeamID}
	if u.Email != "" && !u.EmailHidden && s.granted("users:read.email") {
		profile["email"] = u.Email
	}
	j := map[string]any{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "deleted": u.Deleted, "profile": profile,
		"is_bot": u.IsBot, "is_app_user": u.IsAppUser, "updated": 1_700_000_000,
	}
	if !u.Deleted {
		j["real_name"], j["tz"] = u.RealName, "Europe/Amsterdam"
		j["is_admin"], j["is_owner"], j["is_primary_owner"] = u.IsAdmin, u.IsOwner, false
		j["is_restricted"], j["is_ultra_restricted"] = u.IsRestricted, u.IsUltraRestricted
		j["is_email_confirmed"] = u.IsEmailConfirmed
	}
	s.addRareFlags(j, u)
	return j
}

func (s *Server) addRareFlags(j map[string]any, u *User) {
	for name, set := range map[string]bool{
		"is_stranger": u.IsStranger, "is_workflow_bot": u.IsWorkflowBot, "is_connector_bot": u.IsConnectorBot,
	} {
		if set {
			j[name] = true
		}
	}
	if u.BotID != "" {
		if profile, ok := j["profile"].(map[string]any); ok {
			profile["bot_id"] = u.BotID
		}
	}
	if u.EnterpriseID != "" {
		j["enterprise_user"] = map[string]any{
			"id": u.ID, "enterprise_id": u.EnterpriseID, "enterprise_name": s.st.TeamName,
			"is_admin": u.IsAdmin, "is_owner": u.IsOwner, "teams": []string{u.TeamID},
		}
	}
}

// conversationInfo is https://docs.slack.dev/reference/methods/conversations.info.
// The scope depends on the kind of conversation; a private one that the bot is
// not in does not exist for it.
func (s *Server) conversationInfo(c *call) (reply, error) {
	if err := s.needScope("channels:read", "groups:read", "im:read", "mpim:read"); err != nil {
		return nil, err
	}
	if err := c.require("channel"); err != nil {
		return nil, err
	}
	ch := s.st.channels[c.args["channel"]] // ids only
	if ch == nil || (ch.IsPrivate && !ch.has(s.st.BotUserID)) {
		return nil, refuse("channel_not_found")
	}
	if err := s.needScope(readScope(ch)); err != nil {
		return nil, err
	}
	return reply{"channel": s.channelJSON(ch, c.bool("include_num_members"))}, nil
}

func readScope(ch *Channel) string {
	switch {
	case ch.IsIM:
		return "im:read"
	case ch.IsPrivate:
		return "groups:read"
	}
	return "channels:read"
}

// channelJSON is https://docs.slack.dev/reference/objects/conversation-object.
func (s *Server) channelJSON(ch *Channel, withCount bool) map[string]any {
	if ch.IsIM {
		return map[string]any{"id": ch.ID, "created": 1_700_000_000, "is_im": true, "is_org_shared": false, "user": ch.Members[0], "is_user_deleted": s.st.users[ch.Members[0]].Deleted}
	}
	j := map[string]any{
		"id": ch.ID, "name": ch.Name, "name_normalized": ch.Name, "created": 1_700_000_000,
		"is_channel": !ch.IsPrivate, "is_group": ch.IsPrivate, "is_im": false, "is_mpim": false, "is_private": ch.IsPrivate,
		"is_archived": ch.IsArchived, "is_general": false, "is_shared": ch.IsShared, "is_ext_shared": ch.IsExtShared,
		"is_org_shared": ch.IsOrgShared, "is_pending_ext_shared": ch.IsPendingExtShared, "pending_shared": listed(ch.PendingTeams),
		"pending_connected_team_ids": listed(ch.PendingTeams), "shared_team_ids": append([]string{s.st.TeamID}, ch.ConnectedTeams...),
		"is_member": ch.has(s.st.BotUserID), "context_team_id": s.st.TeamID, "creator": ch.Creator,
		"is_frozen": false, "unlinked": 0, "parent_conversation": nil, "updated": 1_700_000_000_000,
		"topic":   map[string]any{"value": "", "creator": "", "last_set": 0},
		"purpose": map[string]any{"value": "", "creator": "", "last_set": 0},
	}
	if withCount {
		j["num_members"] = len(ch.Members)
	}
	return j
}

// openConversation is https://docs.slack.dev/reference/methods/conversations.open,
// for one person. Groups of several are not covered.
func (s *Server) openConversation(c *call) (reply, error) {
	if err := s.needScope("im:write"); err != nil {
		return nil, err
	}
	if id := c.args["channel"]; id != "" {
		ch := s.st.channels[id]
		if ch == nil || !ch.IsIM {
			return nil, refuse("channel_not_found")
		}
		return reply{"channel": map[string]any{"id": ch.ID}}, nil
	}
	if c.args["users"] == "" {
		return nil, refuse("users_list_not_supplied")
	}
	if strings.Contains(c.args["users"], ",") {
		return nil, &refusal{code: "missing_scope", needed: "mpim:write"}
	}
	u := s.st.users[c.args["users"]]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	if err := s.reachable(u); err != nil {
		return nil, err
	}
	already := s.st.dm(u.ID, false) != nil
	ch := s.st.dm(u.ID, true)
	s.cond.Broadcast()
	answer := map[string]any{"id": ch.ID}
	if c.bool("return_im") {
		answer = s.channelJSON(ch, false)
	}
	r := reply{"channel": answer}
	if already {
		r["no_op"], r["already_open"] = true, true
	}
	return r, nil
}

// reachable refuses people a bot cannot write to directly.
func (s *Server) reachable(u *User) error {
	switch {
	case u.Deleted:
		return refuse("user_disabled")
	case u.IsBot:
		return refuse("cannot_dm_bot")
	case u.NotVisible:
		return refuse("user_not_visible")
	}
	return nil
}
