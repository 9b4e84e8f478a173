package slackfake

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// groupDate is when every user group was made and last changed.
const groupDate = 1_700_000_000

// Usergroup is a user group, see
// https://docs.slack.dev/reference/objects/usergroup-object. The flags that
// say who may change it are shown on
// https://docs.slack.dev/reference/methods/admin.usergroups.fetch.
type Usergroup struct {
	ID                  string
	Handle              string // without the '@'
	Name                string
	Description         string
	Users               []string // ids; Slack's own rules for leavers are not applied
	Channels            []string // ids of the default channels, in prefs
	IsIDPGroup          bool     // filled from an identity provider
	IsMembershipLocked  bool
	IsEditingRestricted bool
	IsExternal          bool
	Disabled            bool // shown as a date_delete that is not zero
}

func (g *Usergroup) copied() *Usergroup {
	c := *g
	c.Users, c.Channels = slices.Clone(g.Users), slices.Clone(g.Channels)
	return &c
}

// group finds a user group by id or by handle with or without '@'.
func (st *state) group(ref string) *Usergroup {
	handle := strings.TrimPrefix(ref, "@")
	for _, g := range st.groups {
		if g.ID == ref || (g.Handle != "" && g.Handle == handle) {
			return g
		}
	}
	return nil
}

// AddUsergroup adds a user group to the running workspace. It returns an error
// if the group has no id, or its id or handle is taken; a disabled group keeps
// its handle.
func (s *Server) AddUsergroup(g Usergroup) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case g.ID == "":
		return errors.New("add user group: no id")
	case s.st.group(g.ID) != nil, g.Handle != "" && s.st.group(g.Handle) != nil:
		return fmt.Errorf("add user group %q (@%s): it is there already", g.ID, g.Handle)
	}
	s.st.groups = append(s.st.groups, g.copied())
	s.cond.Broadcast()
	return nil
}

// UpdateUsergroup changes a user group (id, or handle with or without '@') of
// the running workspace: its members, its flags, or Disabled. It returns an
// error if there is no such group. change must not call the server and must
// not keep its argument.
func (s *Server) UpdateUsergroup(ref string, change func(*Usergroup)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.st.group(ref)
	if g == nil {
		return fmt.Errorf("update user group %q: no such group", ref)
	}
	change(g)
	*g = *g.copied() // the slices that change put in stay the caller's
	s.cond.Broadcast()
	return nil
}

// listUsergroups is https://docs.slack.dev/reference/methods/usergroups.list.
func (s *Server) listUsergroups(c *call) (reply, error) {
	groups := []any{}
	for _, g := range s.st.groups {
		if g.Disabled && !c.bool("include_disabled") {
			continue
		}
		j := s.usergroupJSON(g)
		if c.bool("include_count") {
			j["user_count"] = len(g.Users)
		}
		if c.bool("include_users") {
			j["users"] = listed(g.Users)
		}
		groups = append(groups, j)
	}
	return reply{"usergroups": groups}, nil
}

// listUsergroupUsers is
// https://docs.slack.dev/reference/methods/usergroups.users.list. The page
// says that include_disabled lets disabled groups in; that without it one is
// no_such_subteam is an assumption.
func (s *Server) listUsergroupUsers(c *call) (reply, error) {
	if err := c.require("usergroup"); err != nil {
		return nil, err
	}
	id := c.args["usergroup"]
	i := slices.IndexFunc(s.st.groups, func(g *Usergroup) bool { return g.ID == id }) // ids only
	if i < 0 || (s.st.groups[i].Disabled && !c.bool("include_disabled")) {
		return nil, refuse("no_such_subteam")
	}
	return reply{"users": listed(s.st.groups[i].Users)}, nil
}

// usergroupJSON is https://docs.slack.dev/reference/objects/usergroup-object,
// without members and their number, which are given when asked for. The page
// shows the number as a string; workspaces answer a number, which is what
// client libraries decode.
func (s *Server) usergroupJSON(g *Usergroup) map[string]any {
	public, private := []string{}, []string{}
	for _, id := range g.Channels {
		if ch := s.st.channels[id]; ch != nil && ch.IsPrivate {
			private = append(private, id)
		} else {
			public = append(public, id)
		}
	}
	j := map[string]any{
		"id": g.ID, "team_id": s.st.TeamID, "is_usergroup": true, "is_subteam": true,
		"name": g.Name, "handle": g.Handle, "description": g.Description, "is_external": g.IsExternal,
		"date_create": groupDate, "date_update": groupDate, "date_delete": 0, "deleted_by": nil,
		"auto_type": nil, "auto_provision": false, "created_by": "USLACKBOT", "updated_by": "USLACKBOT",
		"enterprise_subteam_id": "", "is_section": false, "is_visible": true, "is_org_level": false,
		"is_idp_group": g.IsIDPGroup, "is_membership_locked": g.IsMembershipLocked, "is_editing_restricted": g.IsEditingRestricted,
		"prefs": map[string]any{"channels": public, "groups": private}, "channel_count": len(g.Channels),
	}
	if g.Disabled {
		j["date_delete"], j["deleted_by"] = groupDate, "USLACKBOT"
	}
	return j
}

// listed is ids as a JSON list, which is never null.
func listed(ids []string) []string { return append([]string{}, ids...) }
