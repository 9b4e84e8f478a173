package core_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// TestWarm: questions are answered from the account as it was read, as the account itself would have answered then, and cost no
// call.
func TestWarm(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	live := engine(t, server, server.Auditor())
	w := live.Warm()
	if !w.AsOf().IsZero() {
		t.Error("facts before any were read")
	}
	q := parse(t, "principal", "alice@acme.test")
	before, err := w.Answer(t.Context(), q, nil)
	if err != nil || before.Head().Coverage.APICalls.Total == 0 {
		t.Fatalf("nothing was read yet, and the account was not asked: %v", err)
	}
	if err := w.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	read := time.Now()
	for _, words := range []string{
		"principal alice@acme.test --scan-all", "group data-engineering", "compare alice@acme.test bob@acme.test", "resource main.sales.orders",
		"can dave@acme.test read main.finance.ledger", "roles", "escalations alice@acme.test",
	} {
		t.Run(words, func(t *testing.T) {
			q := parse(t, strings.Fields(words)...)
			want := ask[report.Report](t, live, q)
			server.ResetCalls()
			got, err := w.Answer(t.Context(), q, nil)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(server.Calls()); n != 0 || got.Head().Coverage.APICalls.Total != 0 {
				t.Errorf("%d calls, and %d are said", n, got.Head().Coverage.APICalls.Total)
			}
			if at := got.Head().FactsReadAt; at.Oldest.After(read) || at.Oldest.IsZero() || at.Newest.After(read) {
				t.Errorf("facts of %v, but they were read before %v", at, read)
			}
			if _, redundant := got.(*report.GroupReport); redundant {
				return // the whole account decides more about redundancies: see TestEveryQuestionFromOneSnapshot
			}
			if diff := cmp.Diff(answerOf(t, want), answerOf(t, got)); diff != "" {
				t.Errorf("answered otherwise: %s", diff)
			}
		})
	}
}

// TestWarmAsksForWhatIsNew: who came since the account was read is not unknown, and what was not read is not left out.
func TestWarmAsksForWhatIsNew(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	w := engine(t, server, server.Auditor()).Warm()
	if err := w.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Update(func(a *sandbox.Account) {
		newcomer := *a.Users[0]
		newcomer.ID, newcomer.UserName, newcomer.DisplayName = "990099", "newcomer@acme.test", "Newcomer"
		a.Users = append(a.Users, &newcomer)
	})
	server.ResetCalls()
	r, err := w.Answer(t.Context(), parse(t, "principal", "newcomer@acme.test"), nil)
	if err != nil || len(server.Calls()) == 0 {
		t.Errorf("%v, %d calls", err, len(server.Calls()))
	} else if name := r.(*report.PrincipalReport).Principal.Name; name != "newcomer@acme.test" {
		t.Errorf("answered about %q", name)
	}
	_, err = w.Answer(t.Context(), parse(t, "principal", "nobody@acme.test"), nil)
	if _, unknown := errors.AsType[*core.UnknownError](err); !unknown {
		t.Errorf("somebody who is nowhere: %v", err)
	}
}

// TestWarmKeepsWhatItHas: a reading that is cut short or fails takes nothing away, and is told.
func TestWarmKeepsWhatItHas(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	w := engine(t, server, server.Auditor()).Warm()
	if err := w.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	asOf := w.AsOf()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server.SetHooks(sandbox.Hook{Route: "/api/2.1/unity-catalog/catalogs", Before: func(*sandbox.Account, sandbox.Call) { cancel() }})
	if err := w.Refresh(ctx); err == nil || !w.AsOf().Equal(asOf) {
		t.Errorf("a reading that was cut short counts as one: %v", err)
	}
	server.SetHooks()
	server.SetFaults(sandbox.Fault{Route: "/api/2.1/unity-catalog/permissions/*", Status: 500})
	if err := w.Refresh(t.Context()); err == nil || !w.AsOf().Equal(asOf) {
		t.Errorf("a reading of which much failed took the place of a whole one: %v", err)
	}
	server.SetFaults(sandbox.Fault{Route: "/api/2.1/unity-catalog/permissions/*", Status: 403})
	if err := w.Refresh(t.Context()); err != nil || !w.AsOf().After(asOf) {
		t.Errorf("what may not be read any more is still shown: %v", err)
	}
	r, err := w.Answer(t.Context(), query.Principal{Who: "alice@acme.test"}, nil)
	if err != nil || r.Head().Coverage.Complete {
		t.Errorf("an answer without grants is said to be whole: %v", err)
	}
}

// TestWarmKeep: the account is read again after each pause, and what fails is told, until the end.
func TestWarmKeep(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	w := engine(t, server, server.Auditor()).Warm()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		w.Keep(ctx, time.Millisecond, func(err error) { failed <- err })
	}()
	var last time.Time
	for n := 0; n < 3; {
		if at := w.AsOf(); at.After(last) {
			n, last = n+1, at
		}
		select {
		case err := <-failed:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	server.SetFaults(sandbox.Fault{Status: 500})
	if err := <-failed; err == nil {
		t.Error("no reading failed")
	}
	cancel()
	<-ended
}

// TestWarmAfterAPlan: what a plan gave and took back is in the next answer, whichever process carried it out, and once the account
// was read again that answers.
func TestWarmAfterAPlan(t *testing.T) {
	c := sit(t)
	w := c.engine.Warm()
	w.Watch(c.ledger)
	refresh := func() {
		t.Helper()
		c.clock.Add(2 * time.Minute) // beyond what clocks may differ by
		if err := w.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	member := func(live bool) bool {
		t.Helper()
		c.server.ResetCalls()
		r, err := w.Answer(t.Context(), parse(t, "principal", "victor@acme.test"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(c.server.Calls()); (n > 0) != live {
			t.Errorf("the answer took %d calls, live is %v", n, live)
		}
		return slices.ContainsFunc(r.(*report.PrincipalReport).Memberships, func(m report.Membership) bool { return m.Group.Name == "readers" })
	}
	refresh()
	if member(false) {
		t.Fatal("there before it was given")
	}
	made := c.approved()
	if member(false) {
		t.Error("an approval alone gives something")
	}
	if _, _, err := c.Apply(t.Context(), in(bob), made.ID, nil); err != nil {
		t.Fatal(err)
	}
	if !member(true) {
		t.Error("what was just given is not in the answer")
	}
	refresh()
	if !member(false) {
		t.Error("what was given is not in the answer of the new reading")
	}
	if _, _, err := c.replica("two", c.policy).Undo(t.Context(), in(bob), made.ID); err != nil {
		t.Fatal(err)
	}
	if member(true) {
		t.Error("what was just taken back is in the answer")
	}
	refresh()
	if member(false) {
		t.Error("what was taken back is in the answer of the new reading")
	}
	w.Watch(unknownChanges{})
	member(true)
}

// TestWarmKeepAfterAPlan: after a plan was carried out, by this process or another, the account is read again as soon as that counts,
// once, and not only after the pause; until then each answer is of that moment.
func TestWarmKeepAfterAPlan(t *testing.T) {
	c := sit(t)
	w := c.engine.Warm()
	w.Watch(c.ledger)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Keep(ctx, time.Minute, func(err error) { t.Error(err) })
	}()
	reads := func(what string, after time.Time) time.Time {
		t.Helper()
		for limit := time.Now().Add(30 * time.Second); !w.AsOf().After(after); time.Sleep(time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("not read: %s", what)
			}
		}
		return w.AsOf()
	}
	first := reads("at the start", time.Time{})
	made := c.approved()
	c.clock.Add(2 * time.Minute)
	c.server.ResetCalls()
	time.Sleep(1500 * time.Millisecond)
	if n := len(c.server.Calls()); n != 0 || w.AsOf().After(first) {
		t.Errorf("%d calls with nothing changed", n)
	}
	if _, _, err := c.replica("two", c.policy).Apply(t.Context(), in(bob), made.ID, nil); err != nil {
		t.Fatal(err)
	}
	c.server.ResetCalls()
	r, err := w.Answer(t.Context(), parse(t, "principal", "victor@acme.test"), nil)
	if err != nil || r.Head().FactsReadAt.Oldest.Before(c.clock.Now().Add(-time.Second)) {
		t.Errorf("%v, of %v", err, r.Head().FactsReadAt)
	}
	alone := len(c.server.Calls())
	c.server.ResetCalls()
	time.Sleep(1500 * time.Millisecond)
	if n := len(c.server.Calls()); n != 0 {
		t.Errorf("%d calls for a reading that could not count", n)
	}
	c.clock.Add(2 * time.Minute)
	reads("after the plan", first)
	cost := len(c.server.Calls())
	time.Sleep(1500 * time.Millisecond)
	if n := len(c.server.Calls()); n != cost {
		t.Errorf("%d calls for one reading, and then %d", cost, n)
	}
	t.Logf("the reading took %d calls, and one question before it %d", cost, alone)
	r, err = w.Answer(t.Context(), parse(t, "principal", "victor@acme.test"), nil)
	if err != nil || r.Head().Coverage.APICalls.Total != 0 || len(c.server.Calls()) != cost {
		t.Errorf("%v: it is asked of the account still", err)
	}
	cancel()
	<-ended
}

// unknownChanges is a ledger that cannot be read.
type unknownChanges struct{}

func (unknownChanges) Changed(context.Context) (time.Time, bool, error) {
	return time.Time{}, false, errors.New("no ledger")
}
