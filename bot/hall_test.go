package bot

import (
	"context"
	"slices"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// More members of the workspace: bob asks that victor shall have what wendy has. Erin and heidi own the data, grace and dave look
// after security, and mallory does neither.
const (
	erin, heidi, grace, victor, mallory = "U0ERIN", "U0HEIDI", "U0GRACE", "U0VICTOR", "U0MALLORY"

	owners, security, readers = "3901", "3902", "3903"

	wish = "wendy@acme.test victor@acme.test --include groups --only readers --ticket OPS-7"
)

// databricksID is by which number the sample account has somebody.
var databricksID = map[string]string{slackfake.Bob: "1002", slackfake.Dave: "1004", erin: "1005", grace: "1007", heidi: "1008", mallory: "1011", victor: "1020"}

// hall is a bot with the program's own approvals, over the sample account: what people press in Slack becomes a write to
// Databricks, or does not.
type hall struct {
	*town
	server *sandbox.Server
	engine *core.Engine
	opened *databricks.Account
	policy consent.Policy
	// gate is what the bot has plans carried out by.
	gate *gate
}

// gate is Approvals before whose works something happens.
type gate struct {
	*core.Approvals
	before func()
	off    *core.Approvals // by which works are carried out instead, if there is one
}

func (g *gate) Apply(ctx context.Context, by ledger.Actor, id string, watch func(done, all int)) (*report.CloneReport, core.Case, error) {
	if g.before != nil {
		g.before()
	}
	if g.off != nil {
		return g.off.Apply(ctx, by, id, watch)
	}
	return g.Approvals.Apply(ctx, by, id, watch)
}

func hallPolicy() consent.Policy {
	group := func(id string) *consent.Ref {
		return &consent.Ref{Written: id, Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: id}}
	}
	set := func(name, id string) consent.Set { return consent.Set{Name: name, Group: group(id)} }
	at := []string{slackfake.DataApprovals}
	return consent.Policy{
		Requesters: []consent.Requesting{{From: set("analysts", "3008"), For: consent.Anyone}},
		Rules: []consent.ApprovalRule{
			{ID: "far", Match: consent.Match{Tiers: []plan.Tier{plan.High}}, Approvers: []consent.Set{set("data-owners", owners), set("security", security)}, MinApprovals: 2, Channels: at},
			{ID: "near", Match: consent.Match{Tiers: []plan.Tier{plan.Normal}}, Approvers: []consent.Set{set("data-owners", owners)}, MinApprovals: 1, Channels: at},
		},
		FreeUndo: true,
	}
}

// two makes the rule for ordinary plans want two votes.
func two(p *consent.Policy) { p.Rules[1].MinApprovals = 2 }

// meet opens a hall.
func meet(t *testing.T, o slackfake.Options, change ...func(*consent.Policy)) *hall {
	t.Helper()
	a := sandbox.Acme()
	a.Groups = append(a.Groups,
		&sandbox.Group{ID: owners, DisplayName: "data-owners", Members: []string{databricksID[erin], databricksID[heidi]}},
		&sandbox.Group{ID: security, DisplayName: "security", Members: []string{databricksID[grace], databricksID[slackfake.Dave]}},
		&sandbox.Group{ID: readers, DisplayName: "readers", Members: []string{"1021"}},
	)
	server, err := sandbox.Start(a, sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	who := server.Auditor()
	opened, err := databricks.Open(t.Context(), databricks.Options{
		Isolated: true, AuthType: "oauth-m2m", Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: who.ClientID, ClientSecret: databricks.Secret(who.ClientSecret), Proxy: server.ProxyURL(), RootCAs: server.CertPool(),
		RetryBaseDelay: 1, RetryMaxDelay: 1, RateLimit: 1e6, MaxRetries: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	h := &hall{server: server, opened: opened, policy: hallPolicy()}
	for _, f := range change {
		f(&h.policy)
	}
	h.engine = core.New(core.Options{Open: func() collect.Source { return opened.Session() }, Version: "test", Host: server.AccountHost()})
	l, err := ledger.Open(t.Context(), ledger.Options{Location: ledger.Memory, Account: server.AccountID()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	h.town = &town{board: &board{Ledger: l}}
	h.gate = &gate{Approvals: h.replica("bot", identity.PrincipalKey{})}
	h.rig = beginIn(t, hallWorkspace(), smallReport, o, func(c *Config) {
		c.Approvals, c.Ledger, c.ApprovalChannel, c.Unlimited = h.gate, l, slackfake.DataApprovals, true
		c.Identity = h.engine.Directory(core.DirectoryOptions{Mode: core.PinnedIdentity, Ledger: l})
		hurry(&c.pace)
	})
	return h
}

// hallWorkspace is Acme's workspace with the rest of the people.
func hallWorkspace() *slackfake.Workspace {
	ws := slackfake.AcmeWorkspace()
	for _, id := range []string{erin, heidi, grace, victor, mallory} {
		name := map[string]string{erin: "erin", heidi: "heidi", grace: "grace", victor: "victor", mallory: "mallory"}[id]
		ws.Users = append(ws.Users, slackfake.User{ID: id, Name: name, RealName: name, Email: name + "@acme.test", IsEmailConfirmed: true})
		for i := range ws.Channels {
			ws.Channels[i].Members = append(ws.Channels[i].Members, id)
		}
	}
	return ws
}

// replica is another process on the same ledger; with a login it is somebody's command line.
func (h *hall) replica(name string, login identity.PrincipalKey, change ...func(*core.ApprovalOptions)) *core.Approvals {
	o := core.ApprovalOptions{
		Account: func() core.Writer { return h.opened.Session() }, Ledger: h.Ledger, Policy: h.policy, Holder: name, Login: login,
		Bots: []identity.PrincipalKey{{Kind: identity.KindServicePrincipal, ID: "2001"}},
	}
	for _, f := range change {
		f(&o)
	}
	return h.engine.Approvals(o)
}

// terminal has somebody vote with their own login, outside Slack.
func (h *hall) terminal(member string, p ledger.Plan, approve bool) (core.Case, error) {
	id := databricksID[member]
	login := identity.PrincipalKey{Kind: identity.KindUser, ID: id}
	return h.replica("terminal", login).Vote(h.Context(), ledger.Actor{ID: id, Email: member + "@acme.test", Via: "cli", Host: "laptop"}, p.ID, p.Digest, approve, "")
}

// asked has bob ask for the plan and send it.
func (h *hall) asked() (card slackfake.Message, p ledger.Plan) {
	h.Helper()
	card = h.asks(slackfake.Bob, wish)
	plans := h.plans()
	p = plans[len(plans)-1]
	h.server.ResetWrites()
	return card, p
}

// untouched checks that nothing was written to Databricks.
func (h *hall) untouched() {
	h.Helper()
	for _, w := range h.server.Writes() {
		h.Errorf("written: %s %s -> %d", w.Method, w.Path, w.Done)
	}
	if h.has(readers, victor) {
		h.Error("victor is in readers")
	}
}

// once checks that victor was put into the group, by one write.
func (h *hall) once() {
	h.Helper()
	if n := len(h.server.Writes()); n != 1 || !h.has(readers, victor) {
		h.Errorf("%d writes, victor is in readers: %t", n, h.has(readers, victor))
	}
}

// has says whether a member is directly in a group of the account.
func (h *hall) has(group, member string) (in bool) {
	h.server.Update(func(a *sandbox.Account) {
		for _, g := range a.Groups {
			in = in || g.ID == group && slices.Contains(g.Members, databricksID[member])
		}
	})
	return in
}

// joins puts somebody or a group into a group of the account.
func (h *hall) joins(group, id string) {
	h.server.Update(func(a *sandbox.Account) {
		for _, g := range a.Groups {
			if g.ID == group {
				g.Members = append(g.Members, id)
			}
		}
	})
}

// far makes what bob asks for reach far.
func (h *hall) far() {
	h.server.Update(func(a *sandbox.Account) {
		main := a.MetastoreByName("acme-us").CatalogByName("main")
		main.Grants = append(main.Grants, sandbox.Grant{Principal: "readers", Privileges: []string{"MANAGE"}})
	})
}

// bare waits until a plan's message has no buttons.
func (h *hall) bare(card slackfake.Message) {
	h.Helper()
	h.until("without buttons", func(s *slackfake.Snapshot) bool {
		return slices.ContainsFunc(s.Messages, func(m slackfake.Message) bool { return m.TS == card.TS && !hasButtons(m) })
	})
}

// standing are those whose votes stand, by their numbers, in order.
func (h *hall) standing(id string) (list []string) {
	h.Helper()
	votes, err := h.Votes(h.Context(), id)
	if err != nil {
		h.Fatal(err)
	}
	for _, v := range votes {
		if v.Stands() {
			list = append(list, v.Voter.ID)
		}
	}
	return list
}
