package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/invariant"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/sandbox"
)

// kind is what becomes of a plan.
type kind int

const (
	approved kind = iota // two people approve: it is carried out, and taken back when its requester says so
	alone                // one may approve; the requester and whoever gains want to: it waits
	deserted             // two people approve, of whom one leaves before it is carried out
	torn                 // two people approve, and its requester cancels it, at the same moment: one or the other holds
	timed                // as approved, and taken back when its time is over
)

func (k kind) String() string { return []string{"approved", "alone", "deserted", "torn", "timed"}[k] }

// The people of the workspace, and of the account. Askers are many, since a person may not ask often.
const (
	slotCount  = 10
	askerCount = 90
	voterCount = 16
)

// The Databricks ids of people and of the slots' groups.
func askerID(n int) string  { return strconv.Itoa(7000 + n) }
func voterID(n int) string  { return strconv.Itoa(7200 + n) }
func targetID(n int) string { return strconv.Itoa(7300 + n/2) } // two slots have the same: their plans wait for each other
func groupID(n int) string  { return strconv.Itoa(7400 + n) }

// member is the Slack id of who has a Databricks id.
func member(id string) string { return "U0P" + id }

func address(id string) string { return "p" + id + "@acme.test" }

// people adds the people and the groups to the account. One of them is in all the groups: what others are to get.
func (r *replicas) people() {
	r.server.Update(func(a *sandbox.Account) {
		staff := a.GroupByName("all-staff")
		add := func(id string) {
			a.Users = append(a.Users, &sandbox.User{ID: id, UserName: address(id), DisplayName: "P " + id})
			staff.Members = append(staff.Members, id)
		}
		for _, id := range everybody() {
			add(id)
		}
		for n := range slotCount {
			a.Groups = append(a.Groups, &sandbox.Group{ID: groupID(n), DisplayName: "slot-" + strconv.Itoa(n), Members: []string{sourceID}})
		}
	})
}

const sourceID = "7999"

func everybody() (ids []string) {
	for n := range askerCount {
		ids = append(ids, askerID(n))
	}
	for n := range voterCount {
		ids = append(ids, voterID(n))
	}
	for n := 0; n < slotCount; n += 2 {
		ids = append(ids, targetID(n))
	}
	return append(ids, sourceID)
}

func (r *replicas) workspace() *slackfake.Workspace {
	w := slackfake.AcmeWorkspace()
	for _, id := range everybody() {
		w.Users = append(w.Users, slackfake.User{ID: member(id), Name: "p" + id, RealName: "P " + id, DisplayName: "p" + id, Email: address(id), IsEmailConfirmed: true})
		for i := range w.Channels {
			if c := &w.Channels[i]; c.ID == slackfake.DataHelp || c.ID == slackfake.DataApprovals {
				c.Members = append(c.Members, member(id))
			}
		}
	}
	return w
}

// slot is a group that plans put somebody into, one after the other.
type slot struct {
	*replicas
	n     int
	rng   *rand.Rand
	ready chan *life
	over  chan struct{}
	long  bool // a plan for a minute is over before the test is
	lives int
}

// life is one plan from when it is asked for until nothing more becomes of it.
type life struct {
	*slot
	kind   kind
	asker  string
	voters [2]string
	id     string
	card   ledger.Card
	since  int64     // the row of the trail before it
	begun  time.Time // by this machine, as the store
	// commands is how many were given: each is one plan, however often Slack delivers it.
	commands int
	vote     chan struct{}

	mu       sync.Mutex
	gone     time.Time // when a voter left
	unjudged bool      // nothing was begun by then
}

// live has plans asked for until it is over.
func (s *slot) live(ctx context.Context) error {
	for {
		l := &life{slot: s, vote: make(chan struct{}), begun: time.Now()}
		s.lives++
		switch n := s.rng.IntN(10); {
		case s.n == 0:
			l.kind = deserted
		case s.n == 1 && s.long && s.lives%2 == 1:
			l.kind = timed
		case n < 2:
			l.kind = alone
		case n < 4:
			l.kind = torn
		}
		s.mu.Lock()
		l.asker = askerID(s.askers % askerCount)
		s.askers++
		s.mu.Unlock()
		v := s.rng.Perm(voterCount)
		if l.kind == deserted { // one who votes on nothing else at this time
			l.voters = [2]string{voterID(voterCount - 1), voterID(v[0] % (voterCount - 1))}
		} else {
			l.voters = [2]string{voterID(v[0] % (voterCount - 1)), voterID((v[0] + 1) % (voterCount - 1))}
		}
		voted, err := l.begin(ctx)
		if err == nil && voted {
			err = l.end(ctx)
		}
		if err == nil {
			err = l.judge(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s plan %s: %w", l.kind, l.id, err)
		}
		s.count(l.kind.String())
		if !voted {
			return nil
		}
	}
}

// orderAfter is by when a plan would have been carried out that was approved before all bots were killed: what they had taken is taken up
// again after a minute, in haste.
const orderAfter = 2 * time.Minute / replicaHaste

// lostAfter is how long anything may take before it counts as lost.
const lostAfter = 2 * time.Minute

// until does something again and again until something is so.
func (l *life) until(ctx context.Context, what string, every time.Duration, do func(), ok func() (bool, error)) error {
	var done time.Time
	limit := time.Now().Add(lostAfter)
	if l.kind == timed {
		limit = limit.Add(time.Minute)
	}
	for {
		is, err := ok()
		switch {
		case err != nil || is:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(limit):
			p, _ := l.kept.Plan(ctx, l.id)
			return fmt.Errorf("never: %s; it is %s", what, p.State)
		}
		if time.Since(done) >= every {
			do()
			done = time.Now()
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// begin asks for the plan, has it put to the vote, and waits until it is to be voted on. It gives false when it is over.
func (l *life) begin(ctx context.Context) (bool, error) {
	if err := l.shared.QueryRow(`SELECT seq FROM head`).Scan(&l.since); err != nil {
		return false, err
	}
	text := fmt.Sprintf("%s %s --only slot-%d --ticket OPS-%d", address(sourceID), address(targetID(l.n)), l.n, l.lives)
	if l.kind == timed {
		text += " --for 1m"
	}
	before := len(l.slack.EphemeralsFor(member(l.asker), slackfake.DataHelp))
	var preview slackfake.Message
	err := l.until(ctx, "a preview", 3*time.Second, func() {
		l.commands++
		d, err := l.slack.SlashTyped(ctx, member(l.asker), slackfake.DataHelp, "/access-clone", text) // that nobody took it is for the person to see
		if err == nil && l.rng.IntN(2) == 0 {
			_, _ = l.slack.Redeliver(ctx, d.EnvelopeID) // to whichever socket is next
		}
	}, func() (bool, error) {
		for _, m := range l.slack.EphemeralsFor(member(l.asker), slackfake.DataHelp)[before:] {
			if strings.Contains(string(m.Blocks), "plan_send") {
				preview = m
			}
		}
		return preview.TS != "", nil
	})
	if err != nil {
		return false, err
	}
	l.id = planNamed(string(preview.Blocks))
	err = l.until(ctx, "the plan's message", 2*time.Second, func() { l.press(ctx, l.asker, slackfake.DataHelp, preview.TS, "plan_send") }, func() (bool, error) {
		l.card, err = l.kept.Card(ctx, l.id)
		if is[*ledger.NotFoundError](err) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return false, err
	}
	select {
	case l.ready <- l:
	case <-l.over:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	select {
	case <-l.vote:
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// planNamed finds the id of a plan in a text.
func planNamed(text string) string {
	_, rest, _ := strings.Cut(text, "p-") // as in no other word of a preview
	return "p-" + rest[:min(10, len(rest))]
}

// press clicks a button. That nobody took the click is for the person to see.
func (l *life) press(ctx context.Context, who, channel, ts, button string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, _ = l.slack.Click(ctx, slackfake.Press{User: member(who), Channel: channel, TS: ts, ActionID: button})
}

// approves has people approve at the same moment.
func (l *life) approves(ctx context.Context, who ...string) {
	var voting sync.WaitGroup
	at := l.shown(ctx)
	for _, v := range who {
		voting.Go(func() { l.press(ctx, v, at.Channel, at.TS, "plan_approve") })
	}
	voting.Wait()
}

// says has somebody say something in the plan's thread.
func (l *life) says(ctx context.Context, who, text string) {
	at := l.shown(ctx)
	_, _ = l.slack.Mention(ctx, member(who), at.Channel, at.TS, text)
}

// shown is the plan's message. Where two bots each take the other's post for lost there are two, and one says that the other counts.
func (l *life) shown(ctx context.Context) ledger.Card {
	if now, err := l.kept.Card(ctx, l.id); err == nil {
		return now
	}
	return l.card
}

// stands gives a check whether the plan is in one of the states.
func (l *life) stands(ctx context.Context, states ...ledger.State) func() (bool, error) {
	return func() (bool, error) {
		p, err := l.kept.Plan(ctx, l.id)
		return slices.Contains(states, p.State), err
	}
}

// end has the plan voted on and waits until nothing more becomes of it.
func (l *life) end(ctx context.Context) error {
	switch l.kind {
	case alone:
		gaining, wanting := targetID(l.n), []string{l.voters[0], l.asker}
		l.approves(ctx, append(wanting, gaining)...)
		l.approves(ctx, append(wanting, gaining)...)
		err := l.until(ctx, "one vote", 3*time.Second, func() { l.approves(ctx, wanting...) }, func() (bool, error) {
			votes, err := l.kept.Votes(ctx, l.id)
			return len(votes) > 0, err
		})
		if err != nil {
			return err
		}
		time.Sleep(time.Second) // for whatever is on its way
		if is, err := l.stands(ctx, ledger.Pending)(); err != nil || !is {
			return fmt.Errorf("it does not wait for votes any more: %w", err)
		}
		return l.until(ctx, "cancelled", 3*time.Second, func() {
			l.says(ctx, l.asker, "cancel "+l.id)
		}, l.stands(ctx, ledger.Cancelled))
	case deserted:
		return l.until(ctx, "what becomes of a plan whose voter left", 2*time.Second, func() {
			if l.has(&l.gone) && !l.has(nil) { // it was begun before: the voter comes back, so that it can end
				l.present(true)
				l.says(ctx, l.asker, "undo "+l.id)
			}
			if l.has(&l.gone) && l.has(nil) && time.Since(l.gone) > orderAfter {
				l.says(ctx, l.asker, "cancel "+l.id)
			}
		}, l.leftBehind(ctx))
	default:
		err := l.until(ctx, "approved", 2*time.Second, func() {
			var cancelling sync.WaitGroup
			if l.kind == torn {
				wait := time.Duration(l.rng.IntN(700)) * time.Millisecond
				cancelling.Go(func() {
					time.Sleep(wait) // until about when it is approved, or begun
					l.says(ctx, l.asker, "cancel "+l.id)
				})
			}
			l.approves(ctx, l.voters[:]...)
			cancelling.Wait()
		}, func() (bool, error) {
			p, err := l.kept.Plan(ctx, l.id)
			return p.State != ledger.Pending, err
		})
		if err != nil {
			return err
		}
		if err := l.until(ctx, "applied", 3*time.Second, func() { l.goesOn(ctx) }, func() (bool, error) {
			p, err := l.kept.Plan(ctx, l.id)
			return !p.AppliedAt.IsZero() || l.kind == torn && p.State == ledger.Cancelled || p.State == ledger.Failed || l.kind == timed && p.State == ledger.Undone, err
		}); err != nil {
			return err
		}
		if is, err := l.stands(ctx, ledger.Cancelled, ledger.Failed)(); is || err != nil { // failed is that nothing was changed, which the people are told
			time.Sleep(time.Second) // for whatever is on its way
			return err
		}
		return l.until(ctx, "undone", 2*time.Second, func() {
			if l.kind != timed {
				l.says(ctx, l.asker, "undo "+l.id)
			}
		}, l.takenBack(ctx))
	}
}

// takenBack is whether all was taken back that certainly was the plan's.
func (l *life) takenBack(ctx context.Context) func() (bool, error) {
	return func() (bool, error) {
		p, err := l.kept.Plan(ctx, l.id)
		if err != nil || p.State == ledger.Undone {
			return err == nil, err
		}
		attempts, err := (&journal.Store{Ledger: l.kept}).Attempts(ctx, l.id)
		doubtful := slices.ContainsFunc(attempts, func(a apply.Attempt) bool { return a.Uncertain && a.Result == apply.Done })
		return doubtful && (p.State == ledger.UndoPending || p.State == ledger.ExpiryOverdue), err
	}
}

// leave has the two vote, waits until the plan is approved, kills all bots before they carry it out, if that can be, and has a voter leave.
func (l *life) leave(ctx context.Context) {
	err := l.until(ctx, "both votes", 2*time.Second, func() {
		l.approves(ctx, l.voters[0]) // whoever is last has it carried out
		l.approves(ctx, l.voters[1])
	}, func() (bool, error) {
		p, err := l.kept.Plan(ctx, l.id)
		return p.State != ledger.Pending, err
	})
	if err != nil {
		l.fail(err)
		return
	}
	l.purge(func() {
		p, err := l.kept.Plan(ctx, l.id)
		l.present(false)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gone, l.unjudged = time.Now(), err == nil && (p.State == ledger.Approved || p.State == ledger.Pending)
	})
	if l.has(nil) {
		l.count("left in time")
	}
}

// has reports whether a time has been set; nil asks whether nothing was begun when the voter left.
func (l *life) has(at *time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at == nil {
		return l.unjudged
	}
	return !at.IsZero()
}

// present lets the voter who leaves be there or not.
func (l *life) present(is bool) {
	l.server.Update(func(a *sandbox.Account) { a.UserByName(address(l.voters[0])).Inactive = !is })
}

// goesOn has the requester do what the thread asks for when the plan could not be begun.
func (l *life) goesOn(ctx context.Context) {
	trail, err := l.kept.Trail(ctx, l.id)
	if err != nil {
		return
	}
	for _, entry := range trail {
		if e, err := entry.Event(); err == nil && e.Event == core.EventHeld {
			l.count("told to go on")
			l.says(ctx, l.asker, "apply "+l.id)
			return
		}
	}
}

// leftBehind is whether a plan has its end of which a voter left: it was not begun, and its requester has cancelled it; or it was begun
// before, and is undone.
func (l *life) leftBehind(ctx context.Context) func() (bool, error) {
	return func() (bool, error) {
		p, err := l.kept.Plan(ctx, l.id)
		switch {
		case err != nil || !l.has(&l.gone):
			return false, err
		case !l.has(nil):
			return l.takenBack(ctx)()
		case p.State == ledger.Cancelled:
			l.present(true)
			return true, nil
		case p.State != ledger.Approved && p.State != ledger.Pending:
			return false, fmt.Errorf("it is %s, and one of the two who approved it had left", p.State)
		}
		return false, nil
	}
}

// judge checks what happened with the plan, by the trail and by what reached the account, and makes its slot ready for the next.
func (l *life) judge(ctx context.Context) error {
	trace, err := l.trace(ctx)
	if err != nil {
		return err
	}
	gave, took := 0, 0
	for _, e := range trace.Events {
		switch {
		case e.What != invariant.Sent || e.From == e.To:
		case e.To == plan.Present:
			gave++
		default:
			took++
		}
	}
	p, err := l.kept.Plan(ctx, l.id)
	if err != nil {
		return err
	}
	attempts, err := (&journal.Store{Ledger: l.kept}).Attempts(ctx, l.id)
	if err != nil {
		return err
	}
	sure := !slices.ContainsFunc(attempts, func(a apply.Attempt) bool { return a.Uncertain })
	err = errors.Join(invariant.All(trace), l.consented(ctx, p), l.inTime(p, trace), l.once(ctx))
	switch {
	case p.State == ledger.Undone && sure && (gave != 1 || took != 1):
		err = errors.Join(err, fmt.Errorf("it was given %d times and taken back %d times", gave, took))
	case (p.State == ledger.Cancelled || p.State == ledger.Failed) && gave > 0:
		err = errors.Join(err, fmt.Errorf("it is %s, and was given", p.State))
	case gave > 1 || took > gave:
		err = errors.Join(err, fmt.Errorf("it was given %d times and taken back %d times", gave, took))
	case p.AppliedAt.IsZero() && gave > 0 && p.State != ledger.Undone && p.State != ledger.UndoPending:
		err = errors.Join(err, fmt.Errorf("it is %s, and was given", p.State))
	}
	if err != nil {
		for _, e := range trace.Events {
			err = errors.Join(err, fmt.Errorf("%s %v %s %s %s #%d %s->%s %s %s", e.At.Format("15:04:05.000"), e.What, e.By, e.Plan, e.Step, e.Number, e.From, e.To, e.State, e.Result))
		}
		return err
	}
	if !sure {
		l.count("uncertain")
	}
	if p.State == ledger.UndoPending || p.State == ledger.ExpiryOverdue {
		if err := l.operated(ctx); err != nil {
			return err
		}
	}
	l.server.Update(func(a *sandbox.Account) { // what was left because it is uncertain, somebody takes away
		for _, g := range a.Groups {
			if g.ID == groupID(l.n) {
				if slices.Contains(g.Members, targetID(l.n)) && sure {
					err = errors.New("it is over, and the group still has its member")
				}
				g.Members = []string{sourceID}
			}
		}
	})
	return err
}

// operated has an operator take back what the bots leave to one, because it is not certain that the plan gave it. Until then the
// next plan of the slot leaves to this one what both may have given.
func (l *life) operated(ctx context.Context) error {
	var said []byte
	var failed error
	undo := func() { said, failed = l.program(l.T, "undo", l.id, "--uncertain").CombinedOutput() }
	if err := l.until(ctx, "taken back by an operator", time.Second, undo, func() (bool, error) { return said != nil && failed == nil, nil }); err != nil {
		return fmt.Errorf("%w\n%w: %s", err, failed, said)
	}
	l.count("left to an operator")
	return nil
}

// once checks that no command was taken twice.
func (l *life) once(ctx context.Context) error {
	plans, err := l.kept.Plans(ctx, ledger.PlanFilter{Requester: l.asker})
	if err != nil {
		return err
	}
	made := 0
	for _, p := range plans {
		if p.Parent == "" && p.CreatedAt.After(l.begun) {
			made++
		}
	}
	if made > l.commands {
		return fmt.Errorf("%d plans came of %d commands", made, l.commands)
	}
	return nil
}

// consented is I5: of what was begun, two people approved who may, neither the requester nor whoever gains.
func (l *life) consented(ctx context.Context, p ledger.Plan) error {
	votes, err := l.kept.Votes(ctx, l.id)
	if err != nil {
		return err
	}
	who := map[string]bool{}
	for _, v := range votes {
		if v.Voter.ID == l.asker || v.Voter.ID == targetID(l.n) || !slices.Contains(l.voters[:], v.Voter.ID) || who[v.Voter.ID] {
			return fmt.Errorf("I5: a vote of %s was taken", v.Voter.ID)
		}
		who[v.Voter.ID] = v.Stands() && v.Decision == ledger.Approve && v.Digest == p.Digest
	}
	if n := len(who); !p.AppliedAt.IsZero() && n != 2 {
		return fmt.Errorf("I5: it was carried out on %d votes", n)
	}
	return nil
}

// inTime is R14: the plan's times are by the store's clock, which is this machine's, whoever of those whose clocks are wrong made it
// and carried it out.
func (l *life) inTime(p ledger.Plan, t invariant.Trace) error {
	const most = 20 * time.Second
	made := t.Plans[l.id]
	if off := p.CreatedAt.Sub(made.CreatedAt).Abs(); off > most {
		return fmt.Errorf("R14: it says it was made %s from when it was kept", off)
	}
	if off := made.ExpiresAt.Sub(p.CreatedAt.Add(24 * time.Hour)).Abs(); off > most {
		return fmt.Errorf("R14: its time is over %s from when it should be", off)
	}
	if l.kind != timed || p.EndsAt.IsZero() {
		return nil
	}
	var began, ended time.Time
	for _, e := range t.Events {
		if e.What == invariant.Moved && e.Plan == l.id && e.State == apply.Applying && began.IsZero() {
			began = e.At
		}
		if e.What == invariant.Moved && e.Plan == l.id && e.State == apply.Undone {
			ended = e.At
		}
	}
	if p.EndsAt != began.Add(time.Minute) || !ended.IsZero() && (ended.Before(p.EndsAt) || ended.After(p.EndsAt.Add(30*time.Second))) {
		return fmt.Errorf("R14: begun %s for a minute, its end is %s and it was taken back %s", began, p.EndsAt, ended)
	}
	return nil
}

// trace is what happened since the life began that is of its plan and its cell.
func (l *life) trace(ctx context.Context) (invariant.Trace, error) {
	out := invariant.Trace{Plans: map[string]plan.Plan{}, Digests: map[string]string{}, Asked: map[string]bool{}, End: time.Now()}
	children, err := l.kept.Plans(ctx, ledger.PlanFilter{Parent: l.id})
	if err != nil {
		return out, err
	}
	own, err := l.kept.Plan(ctx, l.id)
	if err != nil {
		return out, err
	}
	for _, p := range append(children, own) {
		if out.Plans[p.ID], out.Digests[p.ID], err = plan.Decode(p.Body); err != nil {
			return out, err
		}
	}
	stood := map[string]ledger.Event{}
	rows, err := l.shared.QueryContext(ctx, `SELECT body FROM audit WHERE seq > $1 ORDER BY seq`, l.since)
	if err != nil {
		return out, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return out, err
		}
		var e ledger.Event
		if err := json.Unmarshal(body, &e); err != nil {
			return out, err
		}
		if was, moved := stood[e.Plan]; moved && e.Event == ledger.EventPlanMoved && (e.From != was.To || e.Version != was.Version+1) {
			return out, fmt.Errorf("plan %s was %s (version %d), and then went from %s to %s (version %d)", e.Plan, was.To, was.Version, e.From, e.To, e.Version)
		}
		if e.Event == ledger.EventPlanMoved {
			stood[e.Plan] = e
		}
		if event, ok := l.told(e); ok {
			if _, ours := out.Plans[event.Plan]; ours {
				out.Events = append(out.Events, event)
			}
		}
	}
	for _, w := range l.server.Writes() {
		if path.Base(w.Path) != groupID(l.n) || !w.Carried() || w.Method != "PATCH" || w.At.Before(l.begun) {
			continue
		}
		e := invariant.Event{At: w.At, What: invariant.Sent, By: w.Caller, Cell: cellOf(l.n), To: plan.Present, Plan: l.id}
		if bytes.Contains(w.Body, []byte(`"remove"`)) {
			e.To, e.Plan = plan.Absent, ""
		}
		out.Events = append(out.Events, e)
	}
	slices.SortStableFunc(out.Events, func(a, b invariant.Event) int { return a.At.Compare(b.At) })
	// What takes away is of the plan that takes back and is being carried out.
	holds, child := plan.Absent, ""
	for i := range out.Events {
		switch e := &out.Events[i]; e.What {
		case invariant.Began:
			if e.Plan != l.id {
				child = e.Plan
			}
		case invariant.Sent:
			if e.Plan == "" {
				e.Plan = child
			}
			e.From, holds = holds, e.To
		default:
		}
	}
	return out, rows.Err()
}

func cellOf(slot int) plan.Cell {
	return plan.Cell{Kind: plan.Member, Holder: identity.PrincipalKey{Kind: identity.KindUser, ID: targetID(slot)}, Group: identity.PrincipalKey{Kind: identity.KindGroup, ID: groupID(slot)}}
}

// told is an event of the audit trail in the words of the invariants.
func (l *life) told(e ledger.Event) (invariant.Event, bool) {
	out := invariant.Event{At: e.At.Time, By: e.Actor.ID, Plan: e.Plan, Step: e.Step, Number: e.Attempt, State: apply.State(e.To), Digest: e.Digest,
		Result: apply.Outcome(e.Result), Uncertain: e.Attribution == ledger.Uncertain}
	switch e.Event {
	case ledger.EventPlanCreated, ledger.EventPlanMoved:
		out.What = invariant.Moved
	case ledger.EventIntent:
		out.What = invariant.Began
	case ledger.EventOutcome:
		out.What = invariant.Ended
	case journal.EventAlarm:
		out.What = invariant.Alarmed
	case ledger.EventLeaseTaken:
		id, ofPlan := strings.CutPrefix(e.Subject, "plan/")
		out.What, out.Plan, out.By, out.Number = invariant.Leased, id, l.writer(e.Actor.Host), e.Epoch
		return out, ofPlan
	default:
		return out, false
	}
	return out, true
}

// writer is as whom a holder of leases writes: its name has the process.
func (l *life) writer(holder string) string {
	parts := strings.Split(holder, "/")
	if len(parts) < 2 {
		return holder
	}
	id, err := strconv.Atoi(parts[len(parts)-3])
	if err != nil {
		return holder
	}
	l.replicas.mu.Lock()
	defer l.replicas.mu.Unlock()
	return l.writers[id]
}
