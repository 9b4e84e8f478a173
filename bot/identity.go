package bot

import (
	"context"
	"errors"
	"slices"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
)

// Identity tells who a member of the workspace is in Databricks.
type Identity interface {
	// Identify gives an Actor whose ID is the Databricks user that a member is. A *core.NotAllowedError says that it is nobody, or
	// not for sure.
	Identify(ctx context.Context, team, member, email string) (ledger.Actor, error)
}

// actor finds out on whose word something came. It asks Slack each time: whoever was let in a minute ago may have left. An
// *errStranger or a *core.NotAllowedError says no; other errors that it is not known.
func (c *clones) actor(ctx context.Context, j *errand) (ledger.Actor, error) {
	person, err := c.person(ctx, j.user)
	if err != nil {
		return ledger.Actor{}, err
	}
	who, err := c.identity.Identify(ctx, c.team, j.user, person.Profile.Email)
	if err != nil {
		return ledger.Actor{}, err
	}
	if who.ID == "" {
		return ledger.Actor{}, &core.NotAllowedError{Why: "Databricks knows nobody for certain who would be you."}
	}
	return j.sign(ledger.Actor{ID: who.ID, Email: who.Email}, c.team), nil
}

// person looks a member up, and checks that it is one who may act.
func (c *clones) person(ctx context.Context, id string) (slackapi.Person, error) {
	person, err := c.people.lookup(ctx, id)
	if slices.Contains(notSeen, slackapi.Code(err)) {
		return person, &errStranger{slackapi.Code(err)}
	}
	if err != nil {
		return person, &admission{err}
	}
	if reason := whyNot(person, c.team, id); reason != "" {
		return person, &errStranger{reason}
	}
	return person, nil
}

// sign says of an actor where the word was given.
func (j *errand) sign(a ledger.Actor, team string) ledger.Actor {
	a.Team, a.Member, a.Via = team, j.user, viaSlack
	a.Channel, a.Message, a.Envelope, a.EventHash = j.channel, j.ts, j.d.EnvelopeID, j.d.Hash
	return a
}

const viaSlack = "slack"

// unknownPerson puts into words why somebody may not act.
func (c *clones) unknownPerson(j *errand, err error) slackapi.Message {
	c.metrics.refusedPerson(err)
	if stranger, ok := errors.AsType[*errStranger](err); ok {
		j.log.Warn("person refused", "reason", stranger.reason)
		return slackapi.Say(sayNotYou)
	}
	if no, ok := errors.AsType[*core.NotAllowedError](err); ok {
		j.log.Warn("person refused", "reason", no.Why)
		return slackapi.Say(forbidden(no))
	}
	j.log.Error("person not checked", "error", err)
	return slackapi.Say("I could not find out for certain who you are, so nothing was done. Please try again in a minute.")
}

// sayNotYou is one text for all who may not act.
const sayNotYou = "Only full members of this workspace with a confirmed e-mail address may do this. Guests, apps and people from elsewhere may not."
