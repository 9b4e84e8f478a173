package bot

import (
	"context"
	"errors"
	"fmt"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/formatters"
)

// A channel in which answers or plans are shown can be shared with another organisation at any moment. From then on nothing is
// posted in it, and somebody who can do something about it is told: once for each time that it happens, whichever process found
// it out.

// isShared reports whether a channel is known to be shared with people outside the workspace, or about to be; isOwn whether it is
// known not to be. Where a fact is missing it is neither.
//
// https://docs.slack.dev/reference/objects/conversation-object
func isShared(c slackapi.Channel) bool {
	return yes(c.IsExtShared) || yes(c.IsPendingExtShared) || yes(c.IsOrgShared) || yes(c.IsShared) || len(c.PendingShared) > 0 || len(c.PendingConnectedTeam) > 0
}

func isOwn(c slackapi.Channel) bool {
	return !isShared(c) && no(c.IsExtShared) && no(c.IsPendingExtShared) && no(c.IsOrgShared)
}

// noteShared takes note of what a channel that is on a list was found to be, before each post.
func (b *bot) noteShared(ctx context.Context, ch slackapi.Channel) {
	if b.Ledger == nil {
		return
	}
	log := b.Log.With("channel", ch.ID)
	known, err := b.Ledger.IsShared(ctx, ch.ID)
	tell := false
	switch {
	case err != nil:
	case isOwn(ch) && known:
		err = b.Ledger.Do(ctx, func(tx *ledger.Tx) error { return tx.ChannelOwn(ch.ID) })
		log.Info("channel no longer shared")
	case isShared(ch):
		err = b.Ledger.Do(ctx, func(tx *ledger.Tx) (err error) {
			actor := ledger.Actor{Team: b.team, Channel: ch.ID, Via: viaSlack}
			tell, err = tx.ChannelShared(ch.ID, b.pace.now(), actor, sharedHow(ch))
			return err
		})
	}
	if err != nil {
		log.Error("channel that is shared with others not noted", "error", err)
		b.hurt(err)
		return
	}
	if !tell {
		return
	}
	log.Error("a channel that is on the list is shared with others: nothing is posted there", "how", sharedHow(ch))
	if err := b.tellOwner(ctx, ch); err != nil {
		log.Error("nobody could be told that a channel is shared", "error", err)
		if err := b.Ledger.Do(ctx, func(tx *ledger.Tx) error { return tx.ChannelUntold(ch.ID) }); err != nil {
			log.Error("channel not noted as untold", "error", err)
		}
	}
}

// sharedHow names the facts by which a channel is shared.
func sharedHow(c slackapi.Channel) string {
	switch {
	case yes(c.IsExtShared):
		return "is_ext_shared"
	case yes(c.IsOrgShared):
		return "is_org_shared"
	case yes(c.IsShared):
		return "is_shared"
	default:
		return "is_pending_ext_shared"
	}
}

// errNoOwner says that there is nobody of the workspace to be told.
var errNoOwner = errors.New("whoever made it is no member of this workspace, and slack.administrators names nobody who is")

// tellOwner tells whoever made a channel that it is shared, if they are of ours, and else those who look after the bot. It is
// enough that one of these hears of it.
func (b *bot) tellOwner(ctx context.Context, ch slackapi.Channel) error {
	text := fmt.Sprintf("The channel %s (%s) is shared with people outside this workspace, or about to be. It is one of those in which I show answers or plans, "+
		"so I post nothing there as long as it is shared. If that is meant to stay, whoever runs me should name another channel.",
		"#"+formatters.Truncate(formatters.EscapeLine(ch.Name), 80), ch.ID)
	failed := b.tellMember(ctx, ch.Creator, text)
	if code := slackapi.Code(failed); failed == nil || !errors.Is(failed, errNoOwner) && (code == "" || code == slackapi.CodeRateLimited) {
		return failed // nil, or to be tried again
	}
	told := false
	for _, member := range b.Administrators {
		switch err := b.tellMember(ctx, member, text); {
		case err == nil:
			told = true
		default:
			failed = errors.Join(failed, fmt.Errorf("member %s: %w", member, err))
		}
	}
	if told {
		return nil
	}
	return failed
}

// tellMember writes a direct message to a full member of the workspace; errNoOwner says that it is none.
func (b *bot) tellMember(ctx context.Context, member, text string) error {
	if !memberID.MatchString(member) {
		return errNoOwner
	}
	err := b.people.admit(ctx, b.team, member)
	if _, stranger := errors.AsType[*errStranger](err); stranger {
		return errNoOwner
	}
	if err != nil {
		return err
	}
	dm, err := b.door.OpenDM(ctx, member)
	if err != nil {
		return err
	}
	_, err = b.door.Post(ctx, dm, slackapi.Say(text))
	return err
}
