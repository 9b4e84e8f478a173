package core_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/sandbox"
)

// The people of the tests, by their ids in the sample account: bob asks that victor shall have what wendy has. Erin and heidi
// own the data, grace and dave look after security, and mallory does neither.
const (
	bob, victor, wendy, erin, heidi, grace, dave, mallory, frank = "1002", "1020", "1021", "1005", "1008", "1007", "1004", "1011", "1006"

	owners, security, readers = "3901", "3902", "3903"
	channel                   = "C0DATA"
)

// court is the sample account, a ledger, and people who vote.
type court struct {
	t      testing.TB
	server *sandbox.Server
	engine *core.Engine
	opened *databricks.Account
	ledger *ledger.Ledger
	clock  *ledgertest.Clock
	policy consent.Policy
	*core.Approvals
}

// town is the sample account with three groups more: who owns the data, who looks after security, and what is asked for.
func town() *sandbox.Account {
	a := sandbox.Acme()
	a.Groups = append(a.Groups,
		&sandbox.Group{ID: owners, DisplayName: "data-owners", Members: []string{erin, heidi}},
		&sandbox.Group{ID: security, DisplayName: "security", Members: []string{"3904"}},
		&sandbox.Group{ID: "3904", DisplayName: "security-eu", Members: []string{grace, dave}},
		&sandbox.Group{ID: readers, DisplayName: "readers", Members: []string{wendy}},
	)
	return a
}

func ref(kind identity.Kind, id string) consent.Ref {
	return consent.Ref{Written: id, Key: identity.PrincipalKey{Kind: kind, ID: id}}
}

func setOf(name, group string) consent.Set {
	g := ref(identity.KindGroup, group)
	return consent.Set{Name: name, Group: &g}
}

// rules let everybody in analysts plan for anybody; one of the owners must approve, and for what reaches far one of security too.
func rules() consent.Policy {
	return consent.Policy{
		Requesters: []consent.Requesting{{From: setOf("analysts", "3008"), For: consent.Anyone}},
		Rules: []consent.ApprovalRule{
			{ID: "far", Match: consent.Match{Tiers: []plan.Tier{plan.High}}, Approvers: []consent.Set{setOf("owners", owners), setOf("security", security)}, MinApprovals: 2, Channels: []string{channel}},
			{ID: "near", Match: consent.Match{Tiers: []plan.Tier{plan.Normal}}, Approvers: []consent.Set{setOf("owners", owners)}, MinApprovals: 1, Channels: []string{channel}},
		},
		FreeUndo: true,
	}
}

// sit opens a court on the sample account.
func sit(t testing.TB, change ...func(*consent.Policy)) *court {
	t.Helper()
	c := &court{t: t, server: serve(t, town(), sandbox.Options{}), clock: ledgertest.NewClock(), policy: rules()}
	for _, f := range change {
		f(&c.policy)
	}
	auditor := c.server.Auditor()
	opened, err := databricks.Open(t.Context(), databricks.Options{
		Isolated: true, AuthType: "oauth-m2m", Host: c.server.AccountHost(), AccountID: c.server.AccountID(),
		ClientID: auditor.ClientID, ClientSecret: databricks.Secret(auditor.ClientSecret), Proxy: c.server.ProxyURL(), RootCAs: c.server.CertPool(),
		RetryBaseDelay: 1, RetryMaxDelay: 1, RateLimit: 1e6, MaxRetries: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	c.opened = opened
	c.engine = core.New(core.Options{Open: func() collect.Source { return opened.Session() }, Version: "test", Now: c.clock.Now, Host: c.server.AccountHost()})
	c.ledger = c.open(filepath.Join(t.TempDir(), "own", "ledger.db"), ledger.Keys{})
	c.Approvals = c.replica("one", c.policy)
	return c
}

func (c *court) open(at string, keys ledger.Keys) *ledger.Ledger {
	c.t.Helper()
	l, err := ledger.Open(c.t.Context(), ledger.Options{Location: at, Account: c.server.AccountID(), Clock: c.clock.Now, Keys: keys})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := ledgertest.Retold(context.Background(), l); err != nil {
			c.t.Errorf("T14: %v", err)
		}
		_ = l.Close()
	})
	return l
}

// replica is another process on the same ledger.
func (c *court) replica(name string, p consent.Policy, change ...func(*core.ApprovalOptions)) *core.Approvals {
	o := core.ApprovalOptions{
		Account: func() core.Writer { return c.opened.Session() }, Ledger: c.ledger, Policy: p, Holder: name,
		Bots: []identity.PrincipalKey{{Kind: identity.KindServicePrincipal, ID: "2001"}},
	}
	for _, f := range change {
		f(&o)
	}
	return c.engine.Approvals(o)
}

// in is the word of somebody in Slack.
func in(id string) ledger.Actor {
	return ledger.Actor{ID: id, Via: "slack", Team: "T1", Member: "U" + id, Channel: channel, Message: "17." + id, Envelope: "e-" + id, EventHash: strings.Repeat("ab", 32)}
}

// wish is what bob asks for.
func wish() query.Clone {
	return query.Clone{From: wendy, To: victor, Include: []string{"groups"}, Only: []string{"readers"}}
}

// draft has bob make a plan.
func (c *court) draft() core.Case {
	c.t.Helper()
	_, got, err := c.Propose(c.t.Context(), in(bob), wish(), "TICKET-1", nil)
	if err != nil {
		c.t.Fatalf("propose: %v", err)
	}
	return got
}

// pending has bob put a plan to the vote.
func (c *court) pending() core.Case {
	c.t.Helper()
	made := c.draft()
	got, err := c.Submit(c.t.Context(), in(bob), made.ID, made.Digest)
	if err != nil {
		c.t.Fatalf("submit: %v", err)
	}
	c.is(got, ledger.Pending)
	return got
}

// approved has erin approve it.
func (c *court) approved() core.Case {
	c.t.Helper()
	made := c.pending()
	got, err := c.Vote(c.t.Context(), in(erin), made.ID, made.Digest, true, "fine")
	if err != nil {
		c.t.Fatalf("vote: %v", err)
	}
	c.is(got, ledger.Approved)
	c.server.ResetWrites()
	return got
}

// is checks where a plan stands, by the Case and by the ledger.
func (c *court) is(got core.Case, want ledger.State) {
	c.t.Helper()
	kept, err := c.ledger.Plan(c.t.Context(), got.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	if got.State != want || kept.State != want {
		c.t.Fatalf("the case says %s and the ledger %s, want %s; ruling %+v", got.State, kept.State, want, got.Ruling)
	}
}

// kept checks where a plan stands.
func (c *court) kept(id string, want ledger.State) ledger.Plan {
	c.t.Helper()
	p, err := c.ledger.Plan(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	if p.State != want {
		c.t.Fatalf("plan %s is %s, want %s", id, p.State, want)
	}
	return p
}

// untouched checks that nothing was written to Databricks.
func (c *court) untouched() {
	c.t.Helper()
	for _, w := range c.server.Writes() {
		c.t.Errorf("written: %s %s -> %d", w.Method, w.Path, w.Done)
	}
}

// has says whether somebody is directly in a group of the account.
func (c *court) has(group, id string) (in bool) {
	c.server.Update(func(a *sandbox.Account) {
		for _, g := range a.Groups {
			in = in || g.ID == group && slices.Contains(g.Members, id)
		}
	})
	return in
}

// notAllowed checks that somebody was refused, for a reason that says some words.
func notAllowed(t testing.TB, err error, words string) {
	t.Helper()
	why, is := errors.AsType[*core.NotAllowedError](err)
	if !is || !strings.Contains(why.Why, words) {
		t.Fatalf("got %v, want a refusal that says %q", err, words)
	}
}

// user changes a user of the account.
func user(a *sandbox.Account, id string, change func(*sandbox.User)) {
	for _, u := range a.Users {
		if u.ID == id {
			change(u)
		}
	}
}

// leave takes somebody out of a group.
func leave(a *sandbox.Account, group, id string) {
	for _, g := range a.Groups {
		if g.ID == group {
			g.Members = slices.DeleteFunc(g.Members, func(m string) bool { return m == id })
		}
	}
}

func join(a *sandbox.Account, group, id string) {
	for _, g := range a.Groups {
		if g.ID == group {
			g.Members = append(g.Members, id)
		}
	}
}
