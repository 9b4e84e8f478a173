package bot

import (
	"context"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

var _ Approvals = (*core.Approvals)(nil)

// Approvals is what the bot needs of plans; *core.Approvals is one. An Actor is on whose word: its ID is a Databricks user id,
// and the rest says where the word was given. Methods may be called concurrently, by several replicas. A
// *core.NotAllowedError is for the person to read; an error of the ledger that says that somebody was faster is a
// *ledger.ConflictError.
type Approvals interface {
	// Propose makes a plan and keeps it as a draft: nobody is asked yet. A plan that the person may not ask for, or that nobody
	// could approve here, is a NotAllowedError.
	Propose(ctx context.Context, by ledger.Actor, q query.Clone, ticket string, progress core.Progress) (*report.CloneReport, core.Case, error)
	// Submit puts a draft to the vote, on the word of its requester alone.
	Submit(ctx context.Context, by ledger.Actor, id, digest string) (core.Case, error)
	// Kept is a plan as the ledger has it, without how the votes on it count. Case says that too, and asks Databricks for it.
	Kept(ctx context.Context, id string) (core.Case, error)
	Case(ctx context.Context, id string) (core.Case, error)
	// Show gives the plan as it was kept, without what would come of it.
	Show(ctx context.Context, id string) (*report.CloneReport, error)
	// Vote records a vote on what has this digest. A plan with enough votes becomes approved by it, one that was voted down
	// rejected.
	Vote(ctx context.Context, by ledger.Actor, id, digest string, approve bool, reason string) (core.Case, error)
	// Withdraw takes back a vote whose message was edited or deleted: source is Vote.Source.
	Withdraw(ctx context.Context, by ledger.Actor, id, source, reason string) (core.Case, error)
	// WithdrawVoter takes back the vote of somebody who may no longer act in Slack.
	WithdrawVoter(ctx context.Context, by ledger.Actor, id, voter, reason string) (core.Case, error)
	// Cancel ends a plan that was not begun, on the word of its requester or of one who may approve it.
	Cancel(ctx context.Context, by ledger.Actor, id, reason string) (core.Case, error)
	// Apply carries out an approved plan, or goes on with one that stopped. All votes are judged again first, by what holds now.
	// The report says how each step stands, beside an error too.
	Apply(ctx context.Context, by ledger.Actor, id string, watch func(done, all int)) (*report.CloneReport, core.Case, error)
	// Undo takes back what a plan gave, where that needs no votes of its own.
	Undo(ctx context.Context, by ledger.Actor, id string) (*report.CloneReport, core.Case, error)
	// Sweep does what is due by the clock: ends plans whose time is over, takes back timed access, goes on with plans that
	// stopped on the way. It gives the plans that changed.
	Sweep(ctx context.Context) ([]core.Case, error)
}
