//go:build unix

package live_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/invariant"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/sandbox"
)

// site is an account, and a ledger in PostgreSQL, that replicas share.
type site struct {
	server *sandbox.Server
	ledger *ledger.Ledger
	store  *journal.Store
	orders order // what all replicas are told
	rng    *rand.Rand

	replicas int
	groups   int
	plans    map[string]plan.Plan
	asked    map[string]bool
	killed   atomic.Int64
	stopped  atomic.Int64
}

func open(t *testing.T, rng *rand.Rand) *site {
	t.Helper()
	address, keys := postgres.Address(t), ledger.NewKeys()
	server, err := sandbox.Start(sandbox.Acme(), sandbox.Options{Latency: 8 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	l, err := ledger.Open(t.Context(), ledger.Options{Location: address, Account: server.AccountID(), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &site{
		server: server, ledger: l, store: &journal.Store{Ledger: l, Actor: ledger.Actor{ID: "1"}, Holder: "test"}, rng: rng,
		orders: order{Proxy: server.ProxyURL().String(), CA: string(server.CACertPEM()), Host: server.AccountHost(), Account: server.AccountID(), Ledger: address, Keys: string(keys.Text())},
		plans:  map[string]plan.Plan{}, asked: map[string]bool{},
	}
}

// holder is whom the plans give something.
var holder = identity.PrincipalKey{Kind: identity.KindUser, ID: "1004"}

// newGroups makes groups of one member, and gives their ids.
func (s *site) newGroups(n int) (ids []string) {
	s.server.Update(func(a *sandbox.Account) {
		for range n {
			s.groups++
			id := strconv.Itoa(40000 + s.groups)
			ids = append(ids, id)
			a.Groups = append(a.Groups, &sandbox.Group{ID: id, DisplayName: "on-call-" + id, Members: []string{"1001"}})
		}
	})
	return ids
}

// give stores a plan, with consent, that puts dave into groups.
func (s *site) give(t *testing.T, groups []string) string {
	t.Helper()
	now := time.Now()
	p := plan.Plan{ID: ledger.NewPlanID(), Kind: plan.Clone, Account: s.orders.Account, Host: s.orders.Host, Target: plan.Party{Key: holder, Name: "dave@acme.test"},
		CreatedAt: now, ExpiresAt: now.Add(time.Hour), Complete: true}
	for i, id := range groups {
		p.Steps = append(p.Steps, plan.Step{ID: fmt.Sprintf("s%d", i+1), Kind: plan.AddMember, Change: &plan.Change{
			Cell: member(id), After: plan.Present, HolderName: "dave@acme.test", GroupName: "on-call-" + id}})
	}
	body, err := plan.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.store.Keep(t.Context(), body, ledger.Party{ID: "1"})
	if err == nil {
		_, err = s.store.Consent(t.Context(), k, "yes")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.plans[p.ID] = p
	return p.ID
}

func member(group string) plan.Cell {
	return plan.Cell{Kind: plan.Member, Holder: holder, Group: identity.PrincipalKey{Kind: identity.KindGroup, ID: group}}
}

// replica is a process.
type replica struct {
	*exec.Cmd
	said bytes.Buffer
	done chan error
}

// start starts a replica, which the account knows by a service principal of its own.
func (s *site) start(t *testing.T, do, id string, at stop) *replica {
	t.Helper()
	s.replicas++
	o := s.orders
	o.Do, o.Plan, o.Stop = do, id, at
	o.ClientID, o.Secret = fmt.Sprintf("00000000-0000-4000-8000-%012d", s.replicas), "secret"
	s.server.Update(func(a *sandbox.Account) {
		a.ServicePrincipals = append(a.ServicePrincipals, &sandbox.ServicePrincipal{ID: strconv.Itoa(50000 + s.replicas), ApplicationID: o.ClientID,
			DisplayName: "replica", Roles: []string{sandbox.RoleAccountAdmin}, Secrets: []*sandbox.Secret{{ID: "1", Value: o.Secret}}})
	})
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{Cmd: exec.Command(os.Args[0], "-test.run=^$"), done: make(chan error, 1)}
	// With one processor, what is to stop a process that goes on does not happen to come first.
	r.Env = append(os.Environ(), replicaEnv+"="+string(text), "GOMAXPROCS=1")
	r.Stderr = &r.said
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.done <- r.Wait() }()
	return r
}

// ends waits for a replica, and gives what it said if it did not end well.
func (r *replica) ends() string {
	if err := <-r.done; err != nil {
		return fmt.Sprintf("%v: %s", err, bytes.TrimSpace(r.said.Bytes()))
	}
	return ""
}

// suffer lets a replica be, kills it, or stops it for a while, which may be longer than its leases.
func (s *site) suffer(r *replica, rng *rand.Rand) {
	after, pause, what := time.Duration(rng.IntN(500))*time.Millisecond, time.Duration(rng.Int64N(int64(hasty.Lease*3/2))), rng.IntN(4)
	if what == 0 {
		return
	}
	select {
	case err := <-r.done:
		r.done <- err
		return
	case <-time.After(after):
	}
	if what < 3 {
		s.killed.Add(1)
		_ = r.Process.Kill()
		return
	}
	s.stopped.Add(1)
	_ = r.Process.Signal(syscall.SIGSTOP)
	time.Sleep(pause)
	_ = r.Process.Signal(syscall.SIGCONT)
}

// TestR15_RacingReplicas lets several processes apply, resume and undo one plan, and another for the same holder that
// shares a group with it, all at once on one ledger in PostgreSQL, while some are killed and some stand still for
// longer than their leases. Then the rest is brought to an end, and all that happened is judged by core/apply/invariant:
// by the record on one side, and by what reached the account, from whom, on the other. APPLY_ROUNDS says how often,
// APPLY_SEED with what luck. The replicas have shorter times than real ones, which would wait a minute for each that died.
func TestR15_RacingReplicas(t *testing.T) {
	const sites = 4
	rounds, seed := 2, uint64(time.Now().UnixNano())
	if s := os.Getenv("APPLY_ROUNDS"); s != "" {
		rounds, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("APPLY_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("%d rounds from seed %d", rounds, seed)
	for n := range min(sites, rounds) {
		t.Run(fmt.Sprintf("site %d", n), func(t *testing.T) {
			t.Parallel()
			s := open(t, rand.New(rand.NewPCG(seed, uint64(n))))
			for range (rounds + sites - 1 - n) / sites {
				s.round(t)
			}
			s.judge(t)
		})
	}
}

// round is one life of two plans.
func (s *site) round(t *testing.T) {
	t.Helper()
	groups := s.newGroups(6)
	one, other := s.give(t, groups[:4]), s.give(t, groups[3:])
	for range 2 {
		if s.rng.IntN(2) == 0 {
			s.server.SetFaults(sandbox.Fault{Method: "PATCH", Nth: 1 + s.rng.IntN(6), Times: 1, Reset: true})
		}
		var wg sync.WaitGroup
		for _, r := range []*replica{
			s.start(t, "bring", one, stop{}),
			s.start(t, []string{"bring", "undo"}[s.rng.IntN(2)], one, stop{}),
			s.start(t, []string{"bring", "bring", "undo"}[s.rng.IntN(3)], other, stop{}),
			s.start(t, []string{"bring", "undo"}[s.rng.IntN(2)], []string{one, other}[s.rng.IntN(2)], stop{s.rng.IntN(3), []moment{unsent, connected, headerSent}[s.rng.IntN(3)]}),
		} {
			luck := rand.New(rand.NewPCG(s.rng.Uint64(), 0))
			wg.Go(func() { s.suffer(r, luck) })
			wg.Go(func() { s.wake(r) })
		}
		wg.Wait()
		s.server.SetFaults()
	}
	// What is being taken back may have to wait until it is known what the other plan did.
	plans := []string{one, other}
	if s.state(t, one) == apply.UndoPending {
		slices.Reverse(plans)
	}
	for _, id := range plans {
		s.settle(t, id, "bring", apply.Applied, apply.Undone, apply.Failed, apply.Stale)
	}
	for _, id := range plans {
		if s.rng.IntN(2) == 0 {
			s.settle(t, id, "undo", apply.Undone, apply.Failed, apply.Stale)
		}
	}
}

// state is where a plan stands.
func (s *site) state(t *testing.T, id string) apply.State {
	t.Helper()
	k, err := s.store.Plan(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return k.State
}

// wake waits for a replica to end. One that stopped itself goes on after its leases are over.
func (s *site) wake(r *replica) {
	for {
		select {
		case err := <-r.done:
			r.done <- err
			return
		case <-time.After(hasty.Lease * 3 / 2):
			_ = r.Process.Signal(syscall.SIGCONT)
		}
	}
}

// settle lets replicas work on a plan, one after the other, until it is in one of the states.
func (s *site) settle(t *testing.T, id, do string, states ...apply.State) {
	t.Helper()
	var said []string
	for range 40 {
		now := s.state(t, id)
		if slices.Contains(states, now) {
			return
		}
		if now == apply.UndoPending {
			do = "undo"
		}
		if text := s.start(t, do, id, stop{}).ends(); text != "" {
			said = append(said, text)
			time.Sleep(hasty.Lease / 8) // the lease of one that was killed has to run out
		}
	}
	t.Fatalf("plan %s has no end:\n%s", id, strings.Join(said, "\n"))
}

// judge checks all that happened.
func (s *site) judge(t *testing.T) {
	t.Helper()
	if v, err := s.ledger.Verify(t.Context()); err != nil {
		t.Errorf("after row %d: %v", v.Rows, err)
	}
	if err := ledgertest.Retold(t.Context(), s.ledger); err != nil {
		t.Errorf("T14: %v", err)
	}
	trace := s.trace(t)
	if err := invariant.All(trace); err != nil {
		t.Error(err)
		for i, e := range trace.Events {
			t.Logf("%3d %s %v", i, e.At.Format("15:04:05.000000"), fmt.Sprint(e.What, " ", e.By, " ", e.Plan, " ", e.Step, " #", e.Number, " ", e.Cell.Group.ID, " ", e.From, "->", e.To, " ", e.State, " ", e.Result, " ", e.Uncertain))
		}
	}
	kinds, senders := map[invariant.What]int{}, map[string]bool{}
	cells := map[plan.Cell]plan.Value{}
	for _, e := range trace.Events {
		kinds[e.What]++
		if e.What == invariant.Sent {
			senders[e.By] = true
			cells[e.Cell] = e.To
		}
	}
	t.Logf("%d replicas, %d of which wrote, %d were killed and %d stood still; %d plans, %d intents, %d writes, %d leases, %d calls for a person",
		s.replicas, len(senders), s.killed.Load(), s.stopped.Load(), len(trace.Plans), kinds[invariant.Began], kinds[invariant.Sent], kinds[invariant.Leased], kinds[invariant.Alarmed])
	s.server.Update(func(a *sandbox.Account) {
		for _, g := range a.Groups {
			if _, ours := cells[member(g.ID)]; ours && slices.Contains(g.Members, holder.ID) != (cells[member(g.ID)] == plan.Present) {
				t.Errorf("group %s: the writes that were counted do not lead to its members %v", g.ID, g.Members)
			}
		}
	})
	s.wanted(t)
}

// wanted checks that dave is in the groups that a plan gave and that were not taken back, and in no other. Replicas undo on
// the word of a person that what is uncertain is to be taken back, too: what another plan gave stays all the same.
func (s *site) wanted(t *testing.T) {
	t.Helper()
	want := map[string]bool{}
	for id, p := range s.plans {
		applied := s.state(t, id) == apply.Applied
		attempts, err := s.store.Attempts(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range attempts {
			if applied && a.Result == apply.Done {
				i := slices.IndexFunc(p.Steps, func(step plan.Step) bool { return step.ID == a.Step })
				want[p.Steps[i].Change.Cell.Group.ID] = true
			}
		}
	}
	s.server.Update(func(a *sandbox.Account) {
		for _, g := range a.Groups {
			if strings.HasPrefix(g.DisplayName, "on-call-") && slices.Contains(g.Members, holder.ID) != want[g.ID] {
				t.Errorf("group %s: wanted is %v, and its members are %v", g.ID, want[g.ID], g.Members)
			}
		}
	})
}

// trace puts what the ledger says of the plans and what reached the account in order. Both have the time of this
// machine, and the ledger's is that of the begin of a transaction, whose turn it was already.
func (s *site) trace(t *testing.T) invariant.Trace {
	t.Helper()
	out := invariant.Trace{Plans: map[string]plan.Plan{}, Digests: map[string]string{}, Asked: s.asked, End: time.Now()}
	plans, err := s.ledger.Plans(t.Context(), ledger.PlanFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		decoded, digest, err := plan.Decode(p.Body)
		if err != nil {
			t.Fatal(err)
		}
		out.Plans[p.ID], out.Digests[p.ID], out.Asked[p.ID] = decoded, digest, true
	}
	entries, err := s.ledger.Trail(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		e, err := entry.Event()
		if err != nil {
			t.Fatal(err)
		}
		if event, ok := told(e); ok {
			out.Events = append(out.Events, event)
		}
	}
	for _, w := range s.server.Writes() {
		if group := path.Base(w.Path); w.Carried() && w.Method == "PATCH" {
			e := invariant.Event{At: w.At, What: invariant.Sent, By: w.Caller, Cell: member(group), To: plan.Present}
			if bytes.Contains(w.Body, []byte(`"remove"`)) {
				e.To = plan.Absent
			}
			out.Events = append(out.Events, e)
		}
	}
	slices.SortStableFunc(out.Events, func(a, b invariant.Event) int { return a.At.Compare(b.At) })
	// Which plan a write was for is what its sender had begun last; what the cell held before is what was written last.
	begun, holds := map[string]string{}, map[plan.Cell]plan.Value{}
	for i := range out.Events {
		switch e := &out.Events[i]; e.What {
		case invariant.Began:
			begun[e.By] = e.Plan
		case invariant.Sent:
			e.Plan, e.From = begun[e.By], holds[e.Cell]
			holds[e.Cell] = e.To
		default:
		}
	}
	return out
}

// told is an event of the audit trail in the words of the invariants.
func told(e ledger.Event) (invariant.Event, bool) {
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
		out.What, out.Plan, out.By, out.Number = invariant.Leased, id, e.Actor.Host, e.Epoch
		return out, ofPlan
	default:
		return out, false
	}
	return out, true
}

// stopped reports whether the process stands still, or is over.
func (r *replica) stopped(t *testing.T) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.Process.Pid))
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "T") || strings.HasPrefix(after, "Z")
}

// TestR02_StoppedInAWrite stops a process at the worst moments: it has read, its intent is kept, its lease is good, and
// it writes. It goes on when its lease is over and another has taken all back. Then it must not change anything any
// more.
func TestR02_StoppedInAWrite(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skipf("whether a process stands still is read in /proc: %v", err)
	}
	for _, at := range []moment{unsent, connected, headerSent} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			s := open(t, rand.New(rand.NewPCG(1, 1)))
			var stood []*replica
			var plans []string
			for write := range 3 {
				id := s.give(t, s.newGroups(3))
				r := s.start(t, "bring", id, stop{Write: write + 1, Moment: at})
				for !r.stopped(t) {
					time.Sleep(10 * time.Millisecond)
				}
				stood, plans = append(stood, r), append(plans, id)
				s.lapse(t)
			}
			for i, r := range stood {
				s.settle(t, plans[i], "undo", apply.Undone, apply.Failed)
				if err := r.Process.Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				if said := r.ends(); said == "" {
					t.Error("it took no notice of having lost its lease")
				}
			}
			s.judge(t)
		})
	}
}

// lapse waits until nobody has a lease.
func (s *site) lapse(t *testing.T) {
	t.Helper()
	for {
		leases, err := s.ledger.Leases(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(leases, func(l ledger.Lease) bool { return time.Now().Before(l.ExpiresAt) }) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
