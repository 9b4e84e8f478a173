package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/apply/live"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/sandbox"
)

// fast is a Clock whose time passes only while somebody sleeps.
type fast struct{ now time.Time }

func (f *fast) Now() time.Time { return f.now }
func (f *fast) Sleep(ctx context.Context, d time.Duration) error {
	f.now = f.now.Add(d)
	return ctx.Err()
}
func (f *fast) Within(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// stage is the sample account, an executor on it, and a plan that changes a cell of every kind.
type stage struct {
	server  *sandbox.Server
	session *databricks.Session
	store   *journal.Store
	exec    *apply.Executor
	plan    plan.Plan
}

func set(t *testing.T) *stage {
	t.Helper()
	server, err := sandbox.Start(sandbox.Acme(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	auditor := server.Auditor()
	a, err := databricks.Open(t.Context(), databricks.Options{
		Isolated: true, Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: auditor.ClientID, ClientSecret: databricks.Secret(auditor.ClientSecret),
		Proxy: server.ProxyURL(), RootCAs: server.CertPool(), RateLimit: 1e5, RetryBaseDelay: time.Millisecond, RetryMaxDelay: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	clock := &fast{now: time.Now()}
	l, err := ledger.Open(t.Context(), ledger.Options{Location: ledger.Memory, Account: server.AccountID(), Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := &stage{server: server, session: a.Session(), store: &journal.Store{Ledger: l, Actor: ledger.Actor{ID: "1"}, Holder: "test"}}
	s.exec = &apply.Executor{
		Account: live.New(s.session, apply.Place{Account: server.AccountID(), Host: server.AccountHost()}), Store: s.store, Clock: clock,
		Decode: plan.Decode, NewID: ledger.NewPlanID,
	}
	s.plan = s.made(t, clock.now)
	return s
}

// made makes the plan, of what dave does not have in the workspace prod.
func (s *stage) made(t *testing.T, now time.Time) plan.Plan {
	t.Helper()
	var w *sandbox.Workspace
	var dave *sandbox.User
	var job *sandbox.Object
	var group *sandbox.Group
	s.server.Update(func(a *sandbox.Account) {
		w = a.Workspaces[slices.IndexFunc(a.Workspaces, func(w *sandbox.Workspace) bool { return w.Name == "prod" })]
		dave = a.Users[slices.IndexFunc(a.Users, func(u *sandbox.User) bool { return u.UserName == "dave@acme.test" })]
		group = a.Groups[slices.IndexFunc(a.Groups, func(g *sandbox.Group) bool { return g.DisplayName == "metastore-admins-us" })]
		job = w.Objects[slices.IndexFunc(w.Objects, func(o *sandbox.Object) bool {
			return o.Type == "jobs" && !slices.ContainsFunc(o.ACL, func(e sandbox.ACE) bool { return strings.Contains(fmt.Sprint(e), "dave") })
		})]
	})
	holder := identity.PrincipalKey{Kind: identity.KindUser, ID: dave.ID}
	id := identity.WorkspaceID(w.ID)
	in := func(c plan.Change) plan.Change {
		c.Cell.Holder, c.HolderName, c.Through = holder, dave.UserName, id
		return c
	}
	catalog := identity.CatalogSecurable(w.MetastoreID, "reference")
	changes := []struct {
		kind plan.StepKind
		plan.Change
	}{
		{plan.AddMember, plan.Change{Cell: plan.Cell{Kind: plan.Member, Group: identity.PrincipalKey{Kind: identity.KindGroup, ID: group.ID}}, After: plan.Present}},
		{plan.WorkspaceAssignment, plan.Change{Cell: plan.Cell{Kind: plan.Assigned, Workspace: id}, After: "USER"}},
		{plan.Entitlement, plan.Change{Cell: plan.Cell{Kind: plan.Entitled, Workspace: id, Entitlement: identity.AllowClusterCreate}, After: plan.Present}},
		{plan.Grant, plan.Change{Cell: plan.Cell{Kind: plan.Granted, Securable: catalog, Privilege: "MODIFY"}, After: plan.Present}},
		{plan.Grant, plan.Change{Cell: plan.Cell{Kind: plan.Granted, Securable: catalog, Privilege: "CREATE_SCHEMA"}, After: plan.Present}},
		{plan.ObjectACL, plan.Change{Cell: plan.Cell{Kind: plan.ObjectLevel, Object: identity.Object{Workspace: id, Type: identity.ObjectJob, ID: job.ID}}, After: "CAN_VIEW"}},
	}
	p := plan.Plan{
		ID: ledger.NewPlanID(), Kind: plan.Clone, Account: s.server.AccountID(), Host: s.server.AccountHost(), Target: plan.Party{Key: holder, Name: dave.UserName},
		CreatedAt: now, ExpiresAt: now.Add(time.Hour), Complete: true,
	}
	for i, c := range changes {
		change := in(c.Change)
		p.Steps = append(p.Steps, plan.Step{ID: fmt.Sprintf("s%d", i+1), Kind: c.kind, Change: &change})
	}
	s.keep(t, p)
	return p
}

// keep stores a plan with consent.
func (s *stage) keep(t *testing.T, p plan.Plan) {
	t.Helper()
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
}

// account is what the account holds, in full.
func (s *stage) account(t *testing.T) (text string) {
	t.Helper()
	s.server.Update(func(a *sandbox.Account) {
		for _, w := range a.Workspaces {
			maps.DeleteFunc(w.Entitlements, func(_ string, list []string) bool { return len(list) == 0 })
		}
		b, err := json.MarshalIndent(a, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	})
	return text
}

// held says which steps the account shows as carried out.
func (s *stage) held(t *testing.T) string {
	t.Helper()
	account := live.New(s.session, apply.Place{})
	out := ""
	for _, step := range s.plan.Steps {
		r, err := account.Read(t.Context(), []plan.Change{*step.Change})
		switch {
		case err != nil:
			t.Fatal(err)
		case r[0].Value == step.Change.After:
			out += "x"
		case r[0].Value == step.Change.Before:
			out += "."
		default:
			out += "?"
		}
	}
	return out
}

// TestR03_EveryKind applies a change of each kind and takes it back: the account is what it was, to the letter.
func TestR03_EveryKind(t *testing.T) {
	lag := sandbox.ReadLag{Requests: 2, Flap: true}
	for name, faults := range map[string][]sandbox.Fault{
		"in good weather": nil,
		"readings lag":    {{Method: "GET", Lag: lag}},
		"answers are lost": {
			{Method: "PATCH", Nth: 1, Times: 1, Reset: true},
			{Method: "PUT", Nth: 1, Times: 1, Reset: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := set(t)
			before := s.account(t)
			s.server.SetFaults(faults...)
			if got := s.held(t); got != "......" {
				t.Fatalf("before it, the account holds %s", got)
			}
			out, err := s.exec.Apply(t.Context(), s.plan.ID)
			if err != nil || out.State != apply.Applied {
				t.Fatalf("got %s, %v", out.State, err)
			}
			s.server.SetFaults()
			if got := s.held(t); got != "xxxxxx" {
				t.Fatalf("after it, the account holds %s", got)
			}
			if n := len(s.server.Writes()); n != 5 {
				t.Errorf("%d writes for six steps, of which two go together", n)
			}
			s.server.SetFaults(faults...)
			if _, err := s.exec.Undo(t.Context(), s.plan.ID, false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, s.account(t)); diff != "" {
				t.Errorf("what is left: %s", diff)
			}
		})
	}
}

// TestT37_KeptElsewhere: a group that an identity provider took over meanwhile, and a holder whose name is another's by
// now, are left alone.
func TestT37_KeptElsewhere(t *testing.T) {
	for name, change := range map[string]func(a *sandbox.Account){
		"the group": func(a *sandbox.Account) {
			a.Groups[slices.IndexFunc(a.Groups, func(g *sandbox.Group) bool { return g.DisplayName == "metastore-admins-us" })].ExternalID = "entra"
		},
		"the name": func(a *sandbox.Account) {
			a.Users[slices.IndexFunc(a.Users, func(u *sandbox.User) bool { return u.UserName == "dave@acme.test" })].UserName = "david@acme.test"
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := set(t)
			s.server.Update(change)
			_, err := s.exec.Apply(t.Context(), s.plan.ID)
			if _, ok := errors.AsType[*apply.StaleError](err); !ok || len(s.server.Writes()) > 0 {
				t.Errorf("got %v after %d writes", err, len(s.server.Writes()))
			}
		})
	}
}

// TestR04_HalfWay: what is refused half way leaves what was done before it, and resume brings the rest.
func TestR04_HalfWay(t *testing.T) {
	s := set(t)
	s.server.SetFaults(sandbox.Fault{Method: "PATCH", Route: "/api/2.1/unity-catalog/permissions/*/*", Status: 403})
	out, err := s.exec.Apply(t.Context(), s.plan.ID)
	if _, ok := errors.AsType[*apply.PartialError](err); !ok || out.State != apply.PartiallyApplied || s.held(t) != "xxx..." {
		t.Fatalf("got %s, %v, and the account holds %s", out.State, err, s.held(t))
	}
	s.server.SetFaults()
	if out, err = s.exec.Resume(t.Context(), s.plan.ID); err != nil || out.State != apply.Applied || s.held(t) != "xxxxxx" {
		t.Fatalf("got %s, %v, and the account holds %s", out.State, err, s.held(t))
	}
}
