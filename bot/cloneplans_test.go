package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// directory maps addresses to Databricks ids: of NAME@acme.test it is db-NAME.
type directory struct{}

func (directory) Identify(_ context.Context, team, member, email string) (ledger.Actor, error) {
	name, ok := strings.CutSuffix(email, "@acme.test")
	if !ok {
		return ledger.Actor{}, &core.NotAllowedError{Why: "Databricks does not know you."}
	}
	return ledger.Actor{ID: "db-" + name, Email: email, Team: team, Member: member}, nil
}

// board is an Approvals of tests: real states, votes and leases in a ledger, and an account that is a list of what was granted.
type board struct {
	*ledger.Ledger
	approvers []string // Databricks ids
	quorum    int
	tier      plan.Tier
	ttl       time.Duration
	group     string // that the plan adds its target to
	// newest says that a plan takes the place of those that its requester has sent for the same two.
	newest  bool
	reviews []string
	// hold, if not nil, is waited for in each step.
	hold chan struct{}

	mu      sync.Mutex
	granted []string // each effect, as it was made
	applies int
	fail    error
}

func newBoard(l *ledger.Ledger) *board {
	return &board{Ledger: l, approvers: []string{"db-carol", "db-dave", "db-alice", "db-bob"}, quorum: 1, tier: plan.Normal, ttl: 24 * time.Hour, group: "analysts"}
}

func (b *board) Propose(ctx context.Context, by ledger.Actor, q query.Clone, ticket string, progress core.Progress) (*report.CloneReport, core.Case, error) {
	progress(1, 1)
	if by.ID == "db-dave" {
		return nil, core.Case{}, &core.NotAllowedError{Why: "You may not ask for plans."}
	}
	id := ledger.NewPlanID()
	sum := sha256.Sum256([]byte(id))
	p := ledger.Plan{ID: id, Kind: "clone", Digest: hex.EncodeToString(sum[:]), Body: []byte(ticket + "!"), ExpiresAt: time.Now().Add(b.ttl).UTC(),
		Source: ledger.Party{ID: "db-" + q.From, Name: q.From}, Target: ledger.Party{ID: "db-" + strings.TrimSuffix(q.To, "@acme.test"), Name: q.To}, Requester: ledger.Party{ID: by.ID, Name: by.Email}}
	err := b.Do(ctx, func(tx *ledger.Tx) error {
		p.ExpiresAt = tx.Now().Add(b.ttl)
		_, err := tx.Create(by, p)
		return err
	})
	if err != nil {
		return nil, core.Case{}, err
	}
	k, err := b.Case(ctx, id)
	r, shown := b.Show(ctx, id)
	if r != nil {
		r.Plan.Gains = []report.Gain{{Principal: r.Plan.Target, Kind: report.GainWorkspace, Workspace: b.group, Permission: "USER", Because: []string{"s1"}}}
	}
	return r, k, errors.Join(err, shown)
}

func (b *board) Show(ctx context.Context, id string) (*report.CloneReport, error) {
	p, err := b.Plan(ctx, id)
	if err != nil {
		return nil, err
	}
	person := func(x ledger.Party) report.Principal {
		return report.Principal{ID: x.ID, Kind: "user", Name: x.Name, DisplayName: x.Name}
	}
	g := report.Principal{ID: "3001", Kind: "group", Name: b.group, DisplayName: b.group}
	r := &report.CloneReport{Plan: report.Plan{ID: p.ID, Digest: p.Digest, Kind: "clone", Source: person(p.Source), Target: person(p.Target), Tier: string(b.tier),
		Complete: true, Applyable: true, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt, TierReasons: []string{}, Escalations: []report.Finding{}}}
	for _, s := range []string{"s1", "s2"} {
		r.Plan.Actions = append(r.Plan.Actions, report.Action{ID: s, Kind: "add_member", Group: &g, Before: "", After: "member", Status: report.StatusPlanned})
	}
	r.Mode, r.Coverage.Complete, r.Coverage.Planned, r.Coverage.Read = "clone", true, 3, 3
	r.Request = query.Clone{From: p.Source.Name, To: p.Target.Name}
	return r, nil
}

func (b *board) Case(ctx context.Context, id string) (core.Case, error) {
	k, err := b.Kept(ctx, id)
	k.Ruling = consent.Ruling{Outcome: consent.Open, Approvers: []string{"1 of data-owners"}}
	return k, err
}

func (b *board) Kept(ctx context.Context, id string) (core.Case, error) {
	p, err := b.Plan(ctx, id)
	if err != nil {
		return core.Case{}, err
	}
	votes, err := b.Votes(ctx, id)
	if err != nil {
		return core.Case{}, err
	}
	return core.Case{ID: p.ID, Digest: p.Digest, Kind: plan.Clone, State: p.State, Version: p.Version, Source: p.Source, Target: p.Target, Requester: p.Requester,
		Tier: b.tier, Ticket: strings.TrimSuffix(string(p.Body), "!"), Votes: votes, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt, EndsAt: p.EndsAt,
		SupersededBy: b.successor(ctx, id), Reviews: b.reviews}, nil
}

func (b *board) move(ctx context.Context, by ledger.Actor, id string, to ledger.State, lease ledger.Lease, from ...ledger.State) (core.Case, error) {
	err := b.Do(ctx, func(tx *ledger.Tx) error {
		p, err := tx.Plan(ctx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(from, p.State) {
			return &ledger.ConflictError{What: "plan " + id, Why: "it is " + string(p.State)}
		}
		_, err = tx.Move(ledger.Move{Plan: id, From: p.State, Version: p.Version, To: to, Actor: by, Lease: lease})
		return err
	})
	if err != nil {
		return core.Case{}, err
	}
	return b.Case(ctx, id)
}

func (b *board) Submit(ctx context.Context, by ledger.Actor, id, digest string) (core.Case, error) {
	k, err := b.Case(ctx, id)
	if err != nil {
		return k, err
	}
	if by.ID != k.Requester.ID || digest != k.Digest {
		return k, &core.NotAllowedError{Why: "Only who asked for a plan may send it."}
	}
	if !b.newest {
		return b.move(ctx, by, id, ledger.Pending, ledger.Lease{}, ledger.Draft)
	}
	var old []string
	err = b.Do(ctx, func(tx *ledger.Tx) error {
		old = nil
		if _, err := tx.Move(ledger.Move{Plan: id, From: ledger.Draft, Version: k.Version, To: ledger.Pending, Actor: by}); err != nil {
			return err
		}
		waiting, err := tx.Plans(ctx, ledger.PlanFilter{States: []ledger.State{ledger.Pending}, Requester: by.ID, Target: k.Target.ID})
		for _, p := range waiting {
			if p.ID == id || p.Source.ID != k.Source.ID || err != nil {
				continue
			}
			old = append(old, p.ID)
			_, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Superseded, Actor: by, Successor: id})
		}
		return err
	})
	if err != nil {
		return k, err
	}
	k, err = b.Case(ctx, id)
	k.Supersedes = old
	return k, err
}

// successor is the plan that took the place of another, by the trail.
func (b *board) successor(ctx context.Context, id string) (by string) {
	trail, _ := b.Trail(ctx, id)
	for _, entry := range trail {
		if e, err := entry.Event(); err == nil && e.To == ledger.Superseded {
			by = e.Detail[ledger.DetailSuccessor]
		}
	}
	return by
}

func (b *board) Vote(ctx context.Context, by ledger.Actor, id, digest string, approve bool, _ string) (core.Case, error) {
	k, err := b.Case(ctx, id)
	if err != nil {
		return k, err
	}
	if by.ID == k.Requester.ID || by.ID == k.Target.ID || !slices.Contains(b.approvers, by.ID) {
		return k, &core.NotAllowedError{Why: "You may not vote on this plan."}
	}
	decision := ledger.Reject
	if approve {
		decision = ledger.Approve
	}
	err = b.Do(ctx, func(tx *ledger.Tx) error {
		v := ledger.Vote{Plan: id, Voter: ledger.Party{ID: by.ID, Name: by.Email}, Decision: decision, Digest: digest,
			Source: "slack:" + by.Team + "/" + by.Channel + "/" + by.Message, EventHash: by.EventHash}
		if _, err := tx.Vote(by, v); err != nil {
			return err
		}
		p, err := tx.Plan(ctx, id)
		if err != nil || p.State != ledger.Pending {
			return err
		}
		votes, err := tx.Votes(ctx, id)
		to, n := ledger.Pending, 0
		for _, v := range votes {
			switch {
			case v.Stands() && v.Decision == ledger.Reject:
				to = ledger.Rejected
			case v.Stands():
				n++
			}
		}
		if to == ledger.Pending && n >= b.quorum {
			to = ledger.Approved
		}
		if err != nil || to == ledger.Pending {
			return err
		}
		_, err = tx.Move(ledger.Move{Plan: id, From: p.State, Version: p.Version, To: to, Actor: by})
		return err
	})
	if err != nil {
		return core.Case{}, err
	}
	return b.Case(ctx, id)
}

func (b *board) WithdrawVoter(ctx context.Context, by ledger.Actor, id, voter, reason string) (core.Case, error) {
	if err := b.Do(ctx, func(tx *ledger.Tx) error { return tx.Withdraw(by, id, voter, reason) }); err != nil {
		return core.Case{}, err
	}
	return b.Case(ctx, id)
}

func (b *board) Withdraw(ctx context.Context, by ledger.Actor, id, source, reason string) (core.Case, error) {
	err := b.Do(ctx, func(tx *ledger.Tx) error {
		votes, err := tx.Votes(ctx, id)
		for _, v := range votes {
			if v.Source == source {
				return tx.Withdraw(by, id, v.Voter.ID, reason)
			}
		}
		return err
	})
	if err != nil {
		return core.Case{}, err
	}
	return b.Case(ctx, id)
}

func (b *board) Cancel(ctx context.Context, by ledger.Actor, id, _ string) (core.Case, error) {
	k, err := b.Case(ctx, id)
	if err != nil {
		return k, err
	}
	if by.ID != k.Requester.ID {
		return k, &core.NotAllowedError{Why: "You may not cancel this plan."}
	}
	return b.move(ctx, by, id, ledger.Cancelled, ledger.Lease{}, ledger.Draft, ledger.Pending, ledger.Approved)
}

func (b *board) Apply(ctx context.Context, by ledger.Actor, id string, watch func(done, all int)) (*report.CloneReport, core.Case, error) {
	b.mu.Lock()
	b.applies++
	fail := b.fail
	b.mu.Unlock()
	if fail != nil {
		k, _ := b.Case(ctx, id)
		return nil, k, fail
	}
	var lease ledger.Lease
	err := b.Do(ctx, func(tx *ledger.Tx) (err error) {
		lease, err = tx.Acquire(ledger.PlanLease(id), "test", time.Minute)
		return err
	})
	if err != nil {
		return nil, core.Case{}, err
	}
	defer func() { _ = b.Do(context.WithoutCancel(ctx), func(tx *ledger.Tx) error { return tx.Release(lease) }) }()
	k, err := b.move(ctx, by, id, ledger.Applying, lease, ledger.Approved, ledger.PartiallyApplied)
	if err != nil {
		return nil, k, err
	}
	r, err := b.Show(ctx, id)
	if err != nil {
		return nil, k, err
	}
	for i := range r.Plan.Actions {
		if ctx.Err() != nil {
			// Stopped between two steps.
			k, err = b.move(context.WithoutCancel(ctx), by, id, ledger.PartiallyApplied, lease, ledger.Applying)
			return r, k, errors.Join(err, ctx.Err())
		}
		b.mu.Lock()
		effect := id + "/" + r.Plan.Actions[i].ID
		if !slices.Contains(b.granted, effect) {
			b.granted = append(b.granted, effect)
		}
		hold := b.hold
		b.mu.Unlock()
		r.Plan.Actions[i].Status = report.StatusDone
		watch(i+1, len(r.Plan.Actions))
		if hold != nil {
			<-hold
		}
	}
	r.Plan.State = string(ledger.Applied)
	k, err = b.move(context.WithoutCancel(ctx), by, id, ledger.Applied, lease, ledger.Applying)
	return r, k, err
}

func (b *board) Undo(ctx context.Context, by ledger.Actor, id string) (*report.CloneReport, core.Case, error) {
	k, err := b.Case(ctx, id)
	if err != nil {
		return nil, k, err
	}
	if by.ID != k.Requester.ID {
		return nil, k, &core.NotAllowedError{Why: "Only who asked for it may take it back without votes."}
	}
	if k, err = b.move(ctx, by, id, ledger.UndoPending, ledger.Lease{}, ledger.Applied, ledger.PartiallyApplied); err != nil {
		return nil, k, err
	}
	b.mu.Lock()
	b.granted = slices.DeleteFunc(b.granted, func(e string) bool { return strings.HasPrefix(e, id+"/") })
	b.mu.Unlock()
	k, err = b.move(ctx, by, id, ledger.Undone, ledger.Lease{}, ledger.UndoPending)
	r, shown := b.Show(ctx, id)
	if r != nil {
		r.Plan.State = string(ledger.Undone)
	}
	return r, k, errors.Join(err, shown)
}

func (b *board) Sweep(ctx context.Context) ([]core.Case, error) {
	var due []ledger.Plan
	err := b.Do(ctx, func(tx *ledger.Tx) (err error) {
		due, err = tx.Plans(ctx, ledger.PlanFilter{States: []ledger.State{ledger.Draft, ledger.Pending, ledger.Approved}, Due: tx.Now()})
		return err
	})
	var changed []core.Case
	for _, p := range due {
		k, moved := b.move(ctx, ledger.Actor{Via: "sweeper"}, p.ID, ledger.Expired, ledger.Lease{}, ledger.Draft, ledger.Pending, ledger.Approved)
		if moved == nil {
			changed = append(changed, k)
		}
	}
	return changed, err
}

func (b *board) effects() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprint(b.granted)
}
