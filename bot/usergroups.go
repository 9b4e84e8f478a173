package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
)

var _ core.Roster = (*UserGroups)(nil)

// UserGroups reads the user groups of the workspace for the policy. It is made before the bot, which connects it to Slack:
// until then nothing can be read. It may be used concurrently. The zero value is ready for Config.UserGroups.
type UserGroups struct {
	mu   sync.Mutex
	door groupDoor // nil before the bot runs
	team string
	now  func() time.Time

	listed  list[map[string]slackapi.UserGroup]
	members map[string]list[[]string]
	people  map[string]list[slackapi.Person]
}

// list is something that was read, and when the reading began.
type list[T any] struct {
	at   time.Time
	data T
}

// groupDoor is what user groups need of Slack.
type groupDoor interface {
	UserGroups(ctx context.Context) ([]slackapi.UserGroup, error)
	UserGroupMembers(ctx context.Context, id string) ([]string, error)
	Person(ctx context.Context, id string) (slackapi.Person, error)
}

// connect lets it read.
func (g *UserGroups) connect(door groupDoor, team string, now func() time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.door, g.team, g.now = door, team, now
	g.listed, g.members, g.people = list[map[string]slackapi.UserGroup]{}, map[string]list[[]string]{}, map[string]list[slackapi.Person]{}
}

// errNoSlack is what is said before there is a connection.
var errNoSlack = errors.New("the bot is not connected to Slack yet")

// UserGroup gives a user group.
func (g *UserGroups) UserGroup(ctx context.Context, id string, since time.Time) (core.SlackGroup, error) {
	all, err := recent(ctx, g, since, func() list[map[string]slackapi.UserGroup] { return g.listed },
		func(got list[map[string]slackapi.UserGroup]) { g.listed = got }, listGroups)
	if err != nil {
		return core.SlackGroup{}, groupFailure(err)
	}
	of, there := all[id]
	switch {
	case !there || of.DateDelete != nil && *of.DateDelete != 0:
		return core.SlackGroup{}, nil
	case of.TeamID != g.team:
		return core.SlackGroup{}, errors.New("it is of another workspace, or Slack does not say of which")
	}
	ids, err := recent(ctx, g, since, func() list[[]string] { return g.members[id] },
		func(got list[[]string]) { keep(g.members, id, got) },
		func(ctx context.Context, door groupDoor) ([]string, error) { return door.UserGroupMembers(ctx, id) })
	if slackapi.Code(err) == "no_such_subteam" {
		return core.SlackGroup{}, nil // it went between the two calls
	}
	if err != nil {
		return core.SlackGroup{}, groupFailure(err)
	}
	return core.SlackGroup{There: true, Team: of.TeamID, Members: slices.Clone(ids), Kept: kept(of)}, nil
}

// kept says whether the members of a group cannot be changed by hand. Of who may administer it nothing is known: an administrator
// of the workspace can change a group that is not locked.
//
// https://docs.slack.dev/reference/objects/usergroup-object
func kept(of slackapi.UserGroup) consent.Answer {
	switch {
	case yes(of.IsIDPGroup) || yes(of.IsMembershipLocked):
		return consent.Yes
	case no(of.IsIDPGroup) && no(of.IsMembershipLocked):
		return consent.No
	default:
		return consent.Unknown
	}
}

// Address gives the confirmed e-mail address of a full member of the workspace, and nothing for anybody else.
func (g *UserGroups) Address(ctx context.Context, member string, since time.Time) (string, error) {
	person, err := recent(ctx, g, since, func() list[slackapi.Person] { return g.people[member] },
		func(got list[slackapi.Person]) { keep(g.people, member, got) },
		func(ctx context.Context, door groupDoor) (slackapi.Person, error) { return door.Person(ctx, member) })
	if slices.Contains(notSeen, slackapi.Code(err)) {
		return "", nil
	}
	if err != nil {
		return "", groupFailure(err)
	}
	if whyNot(person, g.team, member) != "" {
		return "", nil
	}
	return person.Profile.Email, nil
}

// notSeen are the ways in which Slack says that there is nobody of an id.
var notSeen = []string{"user_not_found", "user_not_visible", "users_not_found"}

func listGroups(ctx context.Context, door groupDoor) (map[string]slackapi.UserGroup, error) {
	groups, err := door.UserGroups(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]slackapi.UserGroup{}
	for _, one := range groups {
		all[one.ID] = one
	}
	return all, nil
}

// recent gives what was kept if its reading began at since or later, and else reads it. What was begun later is kept, whichever
// ends first.
func recent[T any](ctx context.Context, g *UserGroups, since time.Time, kept func() list[T], keep func(list[T]), read func(context.Context, groupDoor) (T, error)) (T, error) {
	g.mu.Lock()
	door := g.door
	if door == nil {
		g.mu.Unlock()
		var none T
		return none, errNoSlack
	}
	had, at := kept(), g.now()
	g.mu.Unlock()
	if !had.at.IsZero() && !had.at.Before(since) {
		return had.data, nil
	}
	data, err := read(ctx, door)
	if err != nil {
		return data, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if at.After(kept().at) {
		keep(list[T]{at, data})
	}
	return data, nil
}

// keep puts something into a map that does not grow for ever.
func keep[T any](in map[string]list[T], id string, got list[T]) {
	if _, has := in[id]; !has && len(in) >= maxPeople {
		clear(in)
	}
	in[id] = got
}

// groupFailure puts into words why a group could not be read.
func groupFailure(err error) error {
	if slackapi.Code(err) == "missing_scope" {
		return errors.New("the bot may not read it: grant it the scope usergroups:read and install the app again")
	}
	return err
}
