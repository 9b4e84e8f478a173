package core

import (
	"time"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// Case is a plan with what people asked and said of it, as it stands.
type Case struct {
	ID, Digest string
	Kind       plan.Kind
	State      ledger.State
	// Version grows with each change of the state.
	Version                   int64
	Source, Target, Requester ledger.Party
	Tier                      plan.Tier
	// Ticket is what the requester gave as the reason; empty if none.
	Ticket string
	// Votes are all that were given, those that were withdrawn among them.
	Votes []ledger.Vote
	// Ruling is what the policy says of the votes now; empty for a plan that is not voted on any more.
	Ruling consent.Ruling
	// Reviews say of votes on it that somebody should look at who approves whose plans. They stop nothing.
	Reviews []string
	// Held say why an approved plan could not be begun, one reason for each time that it was tried, in order. It is as it was, and may
	// be tried again until ExpiresAt.
	Held []string
	// ExpiresAt is when the plan may no longer be approved or begun, EndsAt when what it gave is taken back (zero: never).
	CreatedAt, ExpiresAt, EndsAt time.Time
	// SupersededBy is the plan that took the place of this one; empty if none did, or the trail does not say which. Supersedes
	// are the plans whose place this one took just now: only Approvals.Submit says it.
	SupersededBy string
	Supersedes   []string
}

// NotAllowedError says that somebody may not do what they asked for. The reason is for them to read, and tells nothing that
// they may not know.
type NotAllowedError struct{ Why string }

func (e *NotAllowedError) Error() string { return e.Why }
