package slackfake

import (
	"maps"
	"slices"
	"strings"
)

// Workspace is what a [Server] starts with. Start copies it, so one value may
// seed several servers.
type Workspace struct {
	TeamID       string
	TeamName     string
	TeamDomain   string
	EnterpriseID string // empty outside Enterprise Grid
	AppID        string
	BotUserID    string // must be one of Users, with IsBot
	BotID        string // the B… id of the app's bot

	Users      []User
	Channels   []Channel
	Usergroups []Usergroup
}

// User is a member as users.info describes one, see
// https://docs.slack.dev/reference/objects/user-object.
type User struct {
	ID                string
	TeamID            string // empty means the workspace's own
	EnterpriseID      string
	Name              string // the handle; not an identity
	RealName          string
	DisplayName       string
	Email             string // profile.email, shown only with users:read.email
	Deleted           bool
	IsBot             bool
	IsAppUser         bool
	IsWorkflowBot     bool
	IsConnectorBot    bool
	IsRestricted      bool // multi-channel guest
	IsUltraRestricted bool // single-channel guest
	IsStranger        bool // of another workspace, known only by a shared channel
	IsEmailConfirmed  bool
	IsAdmin           bool
	IsOwner           bool
	EmailHidden       bool // users.info leaves profile.email out even with the scope
	NotVisible        bool // users.info answers user_not_visible
	BotID             string
}

// Channel is a conversation as conversations.info describes one, see
// https://docs.slack.dev/reference/objects/conversation-object.
type Channel struct {
	ID                 string
	Name               string
	Creator            string   // user id; empty where Slack has forgotten it
	Members            []string // user ids, the bot's too if it was invited
	IsPrivate          bool
	IsIM               bool
	IsArchived         bool
	IsShared           bool
	IsExtShared        bool
	IsPendingExtShared bool
	IsOrgShared        bool
	ConnectedTeams     []string // ids of other workspaces in it
	PendingTeams       []string // ids of other workspaces that were invited
}

func (c *Channel) has(user string) bool { return slices.Contains(c.Members, user) }

// state is a Workspace indexed for serving; guarded by Server.mu.
type state struct {
	Workspace
	users    map[string]*User
	channels map[string]*Channel
	groups   []*Usergroup // in the order given, then as added
}

func newState(ws *Workspace) *state {
	st := &state{Workspace: *ws, users: map[string]*User{}, channels: map[string]*Channel{}}
	for _, u := range ws.Users {
		if u.TeamID == "" {
			u.TeamID = ws.TeamID
		}
		st.users[u.ID] = &u
	}
	for _, c := range ws.Channels {
		c.Members = slices.Clone(c.Members)
		c.ConnectedTeams, c.PendingTeams = slices.Clone(c.ConnectedTeams), slices.Clone(c.PendingTeams)
		st.channels[c.ID] = &c
	}
	for _, g := range ws.Usergroups {
		st.groups = append(st.groups, g.copied())
	}
	return st
}

// channel finds a conversation by id or by name with or without '#'.
func (st *state) channel(ref string) *Channel {
	if c := st.channels[ref]; c != nil {
		return c
	}
	name := strings.TrimPrefix(ref, "#")
	for _, id := range slices.Sorted(maps.Keys(st.channels)) {
		if c := st.channels[id]; c.Name != "" && c.Name == name {
			return c
		}
	}
	return nil
}

// dm returns the direct conversation between the bot and user, opening it if
// create is true.
func (st *state) dm(user string, create bool) *Channel {
	id := "D" + strings.TrimLeft(user, "UW")
	if c := st.channels[id]; c != nil || !create {
		return c
	}
	c := &Channel{ID: id, IsIM: true, IsPrivate: true, Members: []string{user, st.BotUserID}}
	st.channels[id] = c
	return c
}

// Ids of the people and places of [AcmeWorkspace].
const (
	Alice    = "U0ALICE"
	Bob      = "U0BOB"
	Carol    = "U0CAROL"
	Dave     = "U0DAVE"
	Guest    = "U0GUEST"    // multi-channel guest
	Robot    = "U0ROBOT"    // another app's bot user
	Leaver   = "U0LEAVER"   // deactivated
	Stranger = "U0STRANGER" // of another workspace, in #partners
	AuditBot = "U0AUDITBOT" // the app's own bot user

	DataHelp      = "C0HELP"      // #data-help, public
	DataApprovals = "C0APPROVALS" // #data-approvals, private
	Partners      = "C0PARTNERS"  // #partners, shared with another organisation
	Lounge        = "C0LOUNGE"    // #lounge, public, the bot is not in it
)

// AcmeWorkspace returns the workspace acme with alice, bob, carol and dave
// (NAME@acme.test), a guest, another app's bot, a deactivated person and a
// stranger. The app's bot is in every channel but #lounge.
func AcmeWorkspace() *Workspace {
	staff := []string{Alice, Bob, Carol, Dave, AuditBot}
	return &Workspace{
		TeamID: "T0ACME", TeamName: "Acme", TeamDomain: "acme",
		AppID: "A0AUDIT", BotUserID: AuditBot, BotID: "B0AUDIT",
		Users: []User{
			person(Alice, "alice", "Alice Archer"),
			person(Bob, "bob", "Bob Baker"),
			person(Carol, "carol", "Carol Cook"),
			person(Dave, "dave", "Dave Dyer"),
			{ID: Guest, Name: "gina", RealName: "Gina Guest", Email: "gina@contractor.test", IsEmailConfirmed: true, IsRestricted: true},
			{ID: Robot, Name: "deploybot", RealName: "Deploy Bot", IsBot: true, BotID: "B0DEPLOY"},
			{ID: Leaver, Name: "larry", RealName: "Larry Leaver", Email: "larry@acme.test", Deleted: true},
			{ID: Stranger, TeamID: "T0PARTNER", Name: "steve", RealName: "Steve Stranger", Email: "steve@partner.test", IsStranger: true, EmailHidden: true},
			{ID: AuditBot, Name: "access-audit", RealName: "Access Audit", IsBot: true, BotID: "B0AUDIT"},
			{ID: "USLACKBOT", Name: "slackbot", RealName: "Slackbot"},
		},
		Channels: []Channel{
			{ID: DataHelp, Name: "data-help", Creator: Alice, Members: append([]string{Guest, Robot}, staff...)},
			{ID: DataApprovals, Name: "data-approvals", Creator: Carol, IsPrivate: true, Members: slices.Clone(staff)},
			{ID: Partners, Name: "partners", Creator: Alice, IsShared: true, IsExtShared: true, ConnectedTeams: []string{"T0PARTNER"}, Members: append([]string{Stranger}, staff...)},
			{ID: Lounge, Name: "lounge", Creator: Bob, Members: []string{Alice, Bob, Carol, Dave}},
		},
		Usergroups: []Usergroup{
			{ID: "S0ADMINS", Handle: "data-admins", Name: "Data admins", Users: []string{Carol, Dave}, IsIDPGroup: true, IsMembershipLocked: true},
			{ID: "S0OPEN", Handle: "data-fans", Name: "Data fans", Users: []string{Alice}},
		},
	}
}

func person(id, name, realName string) User {
	return User{ID: id, Name: name, RealName: realName, DisplayName: name, Email: name + "@acme.test", IsEmailConfirmed: true}
}
