package bot

import (
	"context"

	"databricks-access-audit/bot/slackapi"
)

// unfit says that a channel is none in which plans may be shown. Why is for people.
type unfit struct{ why string }

func (e *unfit) Error() string { return "the approval channel cannot be used: " + e.why }

// place checks a channel in which plans are shown. It asks Slack each time: a channel can be shared with another organisation at any moment. An
// *unfit says no; other errors that it is not known.
//
// https://docs.slack.dev/reference/objects/conversation-object
func (c *clones) place(ctx context.Context, id string) error {
	ch, err := c.door.Channel(ctx, id)
	if code := slackapi.Code(err); code == "channel_not_found" || code == "not_in_channel" || code == "missing_scope" {
		return &unfit{"I cannot see it (" + code + "); invite me to it"}
	}
	if err != nil {
		return err
	}
	if ch.ID == id {
		c.noteShared(ctx, ch)
	}
	if why := whyNotHere(ch, id); why != "" {
		return &unfit{why}
	}
	return nil
}

// whyNotHere gives the reason why plans may not be shown in a channel; empty if they may. A fact that is missing counts against it.
func whyNotHere(ch slackapi.Channel, id string) string {
	switch {
	case ch.ID != id:
		return "Slack describes another"
	case yes(ch.IsIM) || yes(ch.IsMPIM):
		return "it is a conversation of a few people and no channel"
	case !no(ch.IsArchived):
		return "it is archived"
	case !yes(ch.IsMember):
		return "I am not a member of it; invite me"
	case !no(ch.IsExtShared) || !no(ch.IsOrgShared) || yes(ch.IsShared):
		return "it is shared with others than this workspace"
	case !no(ch.IsPendingExtShared) || len(ch.PendingShared) > 0 || len(ch.PendingConnectedTeam) > 0:
		return "it is about to be shared with another organisation"
	case !yes(ch.IsPrivate):
		return "it is not private"
	}
	return ""
}
