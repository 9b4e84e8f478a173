package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
)

// Roster reads the user groups of a Slack workspace. Its methods may be called concurrently. What they give was read at the
// time since or later.
type Roster interface {
	// UserGroup gives a user group by its id. An error says that it could not be read, for people.
	UserGroup(ctx context.Context, id string, since time.Time) (SlackGroup, error)
	// Address gives the e-mail address that Slack confirmed of a member; empty if the member is none who may act, such as a
	// guest. An error says that it could not be read.
	Address(ctx context.Context, member string, since time.Time) (string, error)
}

// SlackGroup is a user group as Slack describes it.
type SlackGroup struct {
	// There says that there is such a group, and that it is in use; nothing else is known of one that is not.
	There bool
	// Team and Members are the ids of the workspace and of all members.
	Team    string
	Members []string
	// Kept says that its members cannot be changed by hand in Slack.
	Kept consent.Answer
}

const (
	// rosterShown is how old what is shown may be. What is decided on is read at that moment.
	rosterShown = 10 * time.Minute
	// rosterLooked is how many members are looked up who have not voted. They tell whether anybody could approve a plan, and
	// each costs a call to Slack and some to Databricks.
	rosterLooked = 20
)

// userGroups reads the user groups of Slack that decide over a plan, and keeps in the facts why some do not count. It gives
// their members. A person is known by who said something, which is looked up in Slack now; the others as of lately.
func (a *Approvals) userGroups(ctx context.Context, f *slackFacts, sets []consent.Set, people []identity.PrincipalKey, since time.Time) (members []identity.PrincipalKey) {
	for _, s := range sets {
		id := s.SlackGroup
		if id == "" {
			continue
		}
		g, read := f.groups[id]
		if !read {
			var err error
			if g, err = a.userGroup(ctx, id, people, since); err != nil {
				g = consent.UserGroup{}
				f.failed = append(f.failed, fmt.Errorf("user group %s in Slack: %w", id, err))
			}
			f.groups[id] = g
			members = append(members, g.Members...)
		}
		switch {
		case g.Read == consent.No:
			f.note("there is no Slack group %s, or it is switched off", id)
		case g.Read == consent.Yes && g.Kept != consent.Yes && !s.AllowMutable:
			f.note("Slack group %s does not count: its members can be changed by hand in Slack, or it is not known that they cannot", id)
		}
	}
	return members
}

// slackFacts are what was read of user groups in Slack.
type slackFacts struct {
	groups map[string]consent.UserGroup
	// failed says what could not be read, and notes why groups that were read do not count.
	failed []error
	notes  []string
}

func (f *slackFacts) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(f.notes, text) {
		f.notes = append(f.notes, text)
	}
}

// errNoRoster is why a process without Slack cannot judge votes that rest on a user group.
var errNoRoster = errors.New("who is in it only the bot can read")

// userGroup reads who is in a user group, as users of the account.
func (a *Approvals) userGroup(ctx context.Context, id string, people []identity.PrincipalKey, since time.Time) (consent.UserGroup, error) {
	if a.o.Roster == nil || a.o.Directory == nil {
		return consent.UserGroup{}, errNoRoster
	}
	g, err := a.o.Roster.UserGroup(ctx, id, since)
	if err != nil {
		return consent.UserGroup{}, err
	}
	if !g.There {
		return consent.UserGroup{Read: consent.No}, nil
	}
	first, err := a.o.Directory.membersOf(ctx, g.Team, people)
	if err != nil {
		return consent.UserGroup{}, err
	}
	out := consent.UserGroup{Read: consent.Yes, Kept: g.Kept}
	lately := since
	if ago := a.engine.o.Now().Add(-rosterShown); ago.Before(lately) {
		lately = ago
	}
	looked := 0
	for _, member := range slices.Compact(slices.Sorted(slices.Values(g.Members))) {
		spoke, at := slices.Contains(first, member), since
		if !spoke {
			if at = lately; looked == rosterLooked {
				out.More = true
				continue
			}
			looked++
		}
		user, err := a.inAccount(ctx, Member{g.Team, member}, at)
		switch {
		case err != nil && spoke:
			return consent.UserGroup{}, err
		case err != nil:
			out.More = true
		case user != "" && !slices.Contains(out.Members, userKey(user)):
			out.Members = append(out.Members, userKey(user))
		}
	}
	return out, nil
}

// inAccount gives the id of the user of the account that a member is; empty if they are nobody for certain, or may not act.
func (a *Approvals) inAccount(ctx context.Context, who Member, since time.Time) (string, error) {
	address, err := a.o.Roster.Address(ctx, who.Member, since)
	if err != nil || address == "" {
		return "", err
	}
	return a.o.Directory.known(ctx, who, address)
}

// membersOf are the members of a team as whom some users of the account were seen. Who votes in Slack was.
func (d *Directory) membersOf(ctx context.Context, team string, users []identity.PrincipalKey) (list []string, err error) {
	if d.o.Mode == StaticIdentity {
		for who, id := range d.o.Static {
			if who.Team == team && slices.Contains(users, userKey(id)) {
				list = append(list, who.Member)
			}
		}
		return list, nil
	}
	for _, k := range users {
		pins, err := d.o.Ledger.Pins(ctx, k.ID)
		if err != nil {
			return nil, err
		}
		for _, p := range pins {
			if p.Team == team {
				list = append(list, p.Member)
			}
		}
	}
	return list, nil
}

// known gives the user of the account that a member is told to be when they say something, and keeps nothing; empty if they
// would be refused.
func (d *Directory) known(ctx context.Context, who Member, email string) (id string, err error) {
	if !d.ours(email) {
		return "", nil
	}
	switch d.o.Mode {
	case StaticIdentity:
		return d.o.Static[who], nil // whether the user is active is asked of the account with everybody else's
	case PinnedIdentity:
		pin, err := d.o.Ledger.Pinned(ctx, who.Team, who.Member)
		if _, fresh := errors.AsType[*ledger.NotFoundError](err); fresh {
			return d.stranger(ctx, email)
		}
		if err != nil || pin.Locked || !sameAddress(pin.Email, email) {
			return "", err
		}
		p, why, err := d.active(ctx, pin.Principal)
		if err != nil || why != "" || !bears(p, email) {
			return "", err
		}
		return pin.Principal, nil
	default:
		return "", nil
	}
}

// stranger is who somebody would be taken for who was never seen. If that user is known as another member, nobody is.
func (d *Directory) stranger(ctx context.Context, email string) (string, error) {
	found, why, err := d.bearer(ctx, email)
	if err != nil || why != "" {
		return "", err
	}
	pins, err := d.o.Ledger.Pins(ctx, found.Key.ID)
	if err != nil || len(pins) > 0 {
		return "", err
	}
	return found.Key.ID, nil
}
