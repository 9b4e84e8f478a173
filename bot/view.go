package bot

import (
	"context"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
)

// Viewers decides who may have which answers: the bot asks with a login that may see much, and nothing else keeps people from
// what is not theirs. Of both methods a *core.NotAllowedError says no, and another error that it is not known.
type Viewers interface {
	// IdentifyViewer gives an Actor whose ID is the Databricks user that a member is.
	IdentifyViewer(ctx context.Context, team, member, email string) (ledger.Actor, error)
	// Admit gives the question to be answered in place of the one asked, and what may be shown of the answer.
	Admit(ctx context.Context, who identity.PrincipalKey, req query.Request) (core.Admitted, error)
}

// admitted finds out whether a person may have the answer to what they ask.
func (b *bot) admitted(n *job) (core.Admitted, error) {
	if b.Viewers == nil {
		return core.Admitted{Request: n.request, Everything: true}, nil
	}
	person, err := b.people.find(n.ctx, n.user)
	if err != nil {
		return core.Admitted{}, err
	}
	who, err := b.Viewers.IdentifyViewer(n.ctx, b.team, n.user, person.Profile.Email)
	if err != nil {
		return core.Admitted{}, err
	}
	may, err := b.Viewers.Admit(n.ctx, identity.PrincipalKey{Kind: identity.KindUser, ID: who.ID}, n.request)
	if err != nil {
		n.log.Info("answer not given", "mode", n.request.Mode(), "viewer", who.ID, "error", err)
	}
	return may, err
}
