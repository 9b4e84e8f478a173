package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// ApprovalOptions are what Approvals are made of. Account, Ledger, Policy and Holder are needed.
type ApprovalOptions struct {
	// Account gives what is written to, for one plan; people are read by the engine's own credentials.
	Account func() Writer
	Ledger  *ledger.Ledger
	// Policy decides. Its names must be resolved: Engine.ResolvePolicy.
	Policy consent.Policy
	// Bots are the identities that the program acts under: they have no vote.
	Bots []identity.PrincipalKey
	// Login is whose own login to Databricks the program runs under, at the command line: their votes count as given outside
	// Slack, and no others do. It is zero in the bot.
	Login identity.PrincipalKey
	// Operator says that whoever runs the program holds the credentials to write, and may have any approved plan carried out. It
	// is false in the bot.
	Operator bool
	// Off says that this process carries nothing out, whatever others do: Apply and Undo are refused with a HaltedError, and what
	// stopped on the way is not gone on with. Votes are taken, and what was given for a time is taken back at its end: that is owed
	// since it was given.
	Off bool
	// Roster reads Slack's user groups, and Directory says which users of the account their members are; without them nothing is
	// known of any group, and votes that rest on one are kept until a process that has them looks at them.
	Roster    Roster
	Directory *Directory
	// Holder names this process among all that use the ledger.
	Holder string
	// VoteFor is how long a plan may be voted on, from when it was made: a day if zero, at most MaxVoteFor. ApplyFor is how
	// long it may then wait to be begun: DefaultApplyFor if zero.
	VoteFor, ApplyFor time.Duration
	// PerDay is how many plans one person may ask for in 24 hours; zero is DefaultPerDay.
	PerDay int
	// Caps are apply.DefaultCaps where they are zero.
	Caps apply.Caps
	// Times are apply.DefaultTimes where they are zero.
	Times apply.Times
	// Log hears of what goes on without anybody waiting for it. Nil discards it.
	Log *slog.Logger
}

// The limits of plans that are voted on.
const (
	MaxVoteFor      = 7 * 24 * time.Hour
	DefaultApplyFor = 15 * time.Minute
	DefaultPerDay   = 20
)

// Where somebody's word was given, as Actor.Via has it.
const (
	viaSlack   = "slack"
	viaCLI     = "cli"
	viaSweeper = "sweeper"
)

// The events of the audit trail that are of votes and requests, beside those of the ledger.
const (
	EventProposed    = "proposed"     // a plan was asked for; the reason is the ticket
	EventVoteReason  = "vote_reason"  // what a voter gave as the reason
	EventVoteRefused = "vote_refused" // somebody wanted to vote who may not
	EventRefused     = "refused"      // somebody wanted something else that they may not
	EventHeld        = "held"         // an approved plan could not be begun, and is as it was; the reason says why
)

// Approvals are plans that people vote on. All of their state is in the ledger: any number of them, in several processes, may
// work on the same one. The methods may be called concurrently.
type Approvals struct {
	engine *Engine // makes plans under the policy
	o      ApprovalOptions

	mu     sync.Mutex
	turn   int            // numbers pieces of work, which each hold leases by a name of their own
	judged map[string]int // how many votes of a plan this process has judged, of those that nobody had
}

// Approvals makes Approvals for the engine's account.
func (g *Engine) Approvals(o ApprovalOptions) *Approvals {
	if o.VoteFor <= 0 {
		o.VoteFor = plan.TTL
	}
	o.VoteFor = min(o.VoteFor, MaxVoteFor)
	if o.ApplyFor <= 0 {
		o.ApplyFor = DefaultApplyFor
	}
	if o.PerDay <= 0 {
		o.PerDay = DefaultPerDay
	}
	if o.Caps == (apply.Caps{}) {
		o.Caps = apply.DefaultCaps
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	under := &Engine{o: g.o}
	under.o.votes = votes{policy: o.Policy.Version(), guarded: o.Policy.Guarded(), lasts: o.VoteFor}
	return &Approvals{engine: under, o: o, judged: map[string]int{}}
}

// userKey is the key of a person who is known by a Databricks user id.
func userKey(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindUser, ID: id}
}

// notAllowed makes a NotAllowedError.
func notAllowed(format string, args ...any) error {
	return &NotAllowedError{Why: fmt.Sprintf(format, args...)}
}

// Propose makes a plan and keeps it as a draft: nobody is asked yet. A plan that the person may not ask for, that is beyond the
// caps, or that nobody could approve here is a *NotAllowedError; the report stands beside it once there is one.
func (a *Approvals) Propose(ctx context.Context, by ledger.Actor, q query.Clone, ticket string, progress Progress) (*report.CloneReport, Case, error) {
	if by.ID == "" {
		return nil, Case{}, notAllowed("it is not known who asks")
	}
	if err := a.o.Ledger.Do(ctx, func(tx *ledger.Tx) error { return a.withinDay(ctx, tx, by) }); err != nil {
		return nil, Case{}, a.refused(ctx, by, "", err)
	}
	asks, err := a.mayAsk(ctx, by, q.To)
	if err != nil {
		return nil, Case{}, a.refused(ctx, by, "", err)
	}
	made, file, err := a.makeFor(ctx, asks, by, q, progress)
	if err != nil {
		return nil, Case{}, a.refused(ctx, by, "", err)
	}
	p, digest, err := plan.Decode(file)
	if err != nil {
		return made, Case{}, fmt.Errorf("read the plan that was just made: %w", err)
	}
	h := hearing{
		kept: journal.Row(p, file, digest, ledger.Party{ID: by.ID, Name: by.Email}), plan: p, wished: wished{channel: by.Channel, ticket: ticket},
	}
	h.kept.State = ledger.Draft
	h.facts = a.facts(ctx, h, a.engine.o.Now(), a.engine.o.votes.guarded, by.ID)
	if !asks.knows && empty(made) {
		return nil, Case{}, a.refused(ctx, by, "", errNothingThere)
	}
	if err := a.askable(h, by); err != nil {
		return made, Case{}, a.refused(ctx, by, p.ID, err)
	}
	err = a.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		if err := a.withinDay(ctx, tx, by); err != nil {
			return err
		}
		h.kept, err = tx.Create(by, journal.Row(p, file, digest, ledger.Party{ID: by.ID, Name: by.Email}))
		if err != nil {
			return err
		}
		return tx.Record(ledger.Event{Event: EventProposed, Actor: by, Plan: p.ID, Digest: digest, Policy: p.Policy, Reason: ticket, Detail: map[string]string{detailParts: partsOf(q)}})
	})
	if err != nil {
		return made, Case{}, a.refused(ctx, by, p.ID, err)
	}
	return made, h.stands(a.rule(h)), nil
}

// make has the engine make the plan.
func (a *Approvals) make(ctx context.Context, q query.Clone, progress Progress) (*report.CloneReport, []byte, error) {
	var file []byte
	clock, err := a.clock(ctx)
	if err != nil {
		return nil, nil, err
	}
	g := &Engine{o: a.engine.o}
	g.o.KeepPlan, g.o.Now = func(b []byte) { file = b }, clock
	answer, err := g.Answer(ctx, q, progress)
	if err != nil {
		return nil, nil, err
	}
	made, ok := answer.(*report.CloneReport)
	switch {
	case !ok:
		panic("a question for a plan was answered by another report")
	case made.Interrupted:
		return made, nil, fmt.Errorf("the plan was not finished: %w", context.Cause(ctx))
	}
	return made, file, nil
}

// askable refuses plans that the person may not ask for here, or that nobody could approve.
func (a *Approvals) askable(h hearing, by ledger.Actor) error {
	who := userKey(by.ID)
	if h.facts.Active(who) != consent.Yes {
		return errNotActive
	}
	if err := a.o.Policy.MayRequest(who, h.plan, h.facts); err != nil {
		return notAllowed("%v", err)
	}
	if h.plan.Tier == plan.Barred {
		return notAllowed("this plan gives rights over the account itself, which are never given from Slack; an operator can carry it out at the command line: databricks-access-audit clone --from %s --to %s --apply",
			h.plan.Source.Key.Handle(), h.plan.Target.Key.Handle())
	}
	if n := len(h.plan.Executable()); n == 0 {
		return notAllowed("there is nothing to carry out: what can be given, the target has already, or it must be given elsewhere")
	} else if n > a.o.Caps.Steps {
		return notAllowed("the plan makes %d changes, and none may make more than %d: ask for less, with --only or --exclude", n, a.o.Caps.Steps)
	}
	on := map[identity.Securable]bool{}
	for _, s := range h.plan.Executable() {
		if s.Change.Cell.Kind == plan.Granted {
			on[s.Change.Cell.Securable] = true
		}
	}
	if len(on) > a.o.Caps.Securables {
		return notAllowed("the plan grants something on %d securables, and none may on more than %d: ask for less, with --only or --exclude", len(on), a.o.Caps.Securables)
	}
	return a.approvable(h)
}

// approvable refuses plans that nobody could approve here, as far as is known: one that waits for people in a group that cannot
// be read would wait in vain.
func (a *Approvals) approvable(h hearing) error {
	r := a.rule(h)
	if err := errors.Join(h.facts.slack.failed...); err != nil && r.Outcome != consent.Refused {
		without := h
		without.facts = h.facts.withoutUnread()
		if r := a.rule(without); r.Outcome == consent.Refused {
			return notAllowed("nobody could approve this plan here, as far as I can see: %v", err)
		}
	}
	if r.Outcome != consent.Refused {
		return nil
	}
	if err := h.facts.unread(); err != nil {
		return fmt.Errorf("whether anybody could approve the plan is not known, since not all could be read: %w", err)
	}
	return notAllowed("nobody could approve this plan here: %s", sentence(append(r.Why, h.facts.slack.notes...)))
}

// withinDay refuses somebody who has asked for enough.
func (a *Approvals) withinDay(ctx context.Context, tx *ledger.Tx, by ledger.Actor) error {
	latest, err := tx.Plans(ctx, ledger.PlanFilter{Requester: by.ID, Limit: a.o.PerDay})
	if err != nil || len(latest) < a.o.PerDay {
		return err
	}
	const day = 24 * time.Hour
	if again := latest[len(latest)-1].CreatedAt.Add(day); tx.Now().Before(again) {
		return notAllowed("you have asked for %d plans in 24 hours, which is the limit; ask again at %s", a.o.PerDay, again.Format(time.RFC3339))
	}
	return nil
}

// refused records that somebody was not allowed something, and gives the error back. Other errors it leaves alone.
func (a *Approvals) refused(ctx context.Context, by ledger.Actor, id string, err error) error {
	why, is := errors.AsType[*NotAllowedError](err)
	if !is {
		return err
	}
	return errors.Join(err, a.o.Ledger.Do(context.WithoutCancel(ctx), func(tx *ledger.Tx) error {
		return tx.Record(ledger.Event{Event: EventRefused, Actor: by, Plan: id, Subject: by.ID, Reason: why.Why})
	}))
}

// Submit puts a draft to the vote, on the word of its requester alone. To submit it again changes nothing. Plans of the same
// person for the same source, target and parts that wait for votes become superseded by it: Case.Supersedes.
func (a *Approvals) Submit(ctx context.Context, by ledger.Actor, id, digest string) (Case, error) {
	h, err := a.look(ctx, id)
	if err != nil {
		return Case{}, err
	}
	switch {
	case by.ID == "" || by.ID != h.kept.Requester.ID:
		return Case{}, a.refused(ctx, by, id, notAllowed("only whoever asked for plan %s may put it to the vote", id))
	case !agrees(h.kept.Digest, digest):
		return Case{}, a.refused(ctx, by, id, notAllowed("that is another plan than %s is: nothing was changed", id))
	case h.kept.State == ledger.Pending:
		return a.Case(ctx, id)
	}
	h.channel = by.Channel
	h.facts = a.facts(ctx, h, a.engine.o.Now(), a.engine.o.votes.guarded, by.ID)
	if err := errors.Join(a.sameRules(h), a.askable(h, by)); err != nil {
		return Case{}, a.refused(ctx, by, id, err)
	}
	var superseded []string
	h.kept, superseded, err = a.submit(ctx, by, h)
	if err != nil {
		return Case{}, err
	}
	k := h.stands(a.rule(h))
	k.Supersedes = superseded
	return k, nil
}

// move changes the state of a plan that still is as it was heard.
func (a *Approvals) move(ctx context.Context, h hearing, m ledger.Move) (p ledger.Plan, err error) {
	m.Plan, m.From, m.Version, m.Policy = h.kept.ID, h.kept.State, h.kept.Version, h.plan.Policy
	err = a.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		p, err = tx.Move(m)
		return err
	})
	return p, err
}

// Kept is a plan as the ledger has it. Databricks is asked nothing, so Case.Ruling does not say how the votes count.
func (a *Approvals) Kept(ctx context.Context, id string) (Case, error) {
	h, err := a.look(ctx, id)
	if err != nil {
		return Case{}, err
	}
	return h.stands(consent.Ruling{}), nil
}

// Case says how a plan stands, and how the votes on it count.
func (a *Approvals) Case(ctx context.Context, id string) (Case, error) {
	h, err := a.look(ctx, id)
	if err != nil {
		return Case{}, err
	}
	if open(h.kept.State) {
		h.facts = a.facts(ctx, h, a.engine.o.Now().Add(-rosterShown), a.engine.o.votes.guarded) // nothing is decided by it
	}
	return h.stands(a.rule(h)), nil
}

// Show gives the plan as it was kept, without what would come of it.
func (a *Approvals) Show(ctx context.Context, id string) (*report.CloneReport, error) {
	h, err := a.look(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := a.engine.ShowPlan(id, h.kept.Body)
	if err == nil {
		r.Plan.State, r.Plan.Parent = string(h.kept.State), h.kept.Parent
	}
	return r, err
}

// Cancel ends a plan that was not begun, on the word of its requester or of one who may approve it.
func (a *Approvals) Cancel(ctx context.Context, by ledger.Actor, id, reason string) (Case, error) {
	h, err := a.hear(ctx, id, by.ID)
	if err != nil {
		return Case{}, err
	}
	if by.ID == "" || by.ID != h.kept.Requester.ID && a.o.Policy.MayVote(a.ballot(h), userKey(by.ID), h.facts) != nil {
		return Case{}, a.refused(ctx, by, id, notAllowed("only whoever asked for plan %s, or may approve it, may cancel it", id))
	}
	if h.kept.State == ledger.Cancelled {
		return h.stands(consent.Ruling{}), nil
	}
	if !h.kept.State.CanBecome(ledger.Cancelled) {
		return Case{}, &ledger.ConflictError{What: "plan " + id, Why: fmt.Sprintf("it is %s, and can no longer be cancelled", h.kept.State)}
	}
	h.kept, err = a.move(ctx, h, ledger.Move{To: ledger.Cancelled, Actor: by, Reason: reason})
	if err != nil {
		return Case{}, err
	}
	return h.stands(consent.Ruling{}), nil
}

// ResolvePolicy finds whom the names in a policy mean. The error names those that are nobody's, or several's.
func (g *Engine) ResolvePolicy(ctx context.Context, p consent.Policy) (consent.Policy, error) {
	src := g.o.Open()
	return p.Resolve(func(kind identity.Kind, name string) (identity.PrincipalKey, error) {
		var found []identity.Principal
		if isNumber(name) {
			one, err := src.Principal(ctx, identity.PrincipalKey{Kind: kind, ID: name})
			switch {
			case err == nil:
				found = append(found, one)
			case !identity.IsKind(err, identity.NotFound):
				return identity.PrincipalKey{}, fmt.Errorf("read %s %s: %w", kind.Title(), name, err)
			}
		}
		if len(found) == 0 {
			hits, err := src.FindPrincipals(ctx, kind, identity.Match{Field: identity.ByName, Value: name})
			if err != nil {
				return identity.PrincipalKey{}, fmt.Errorf("look for %s %q: %w", kind.Title(), name, err)
			}
			found = hits
		}
		switch len(found) {
		case 1:
			return found[0].Key, nil
		case 0:
			return identity.PrincipalKey{}, fmt.Errorf("no %s of the account is called %q", kind.Title(), name)
		default:
			return identity.PrincipalKey{}, fmt.Errorf("%d %ss are called %q: name one by its id", len(found), kind.Title(), name)
		}
	})
}

func isNumber(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
