package core_test

import (
	"errors"
	"strings"
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

func acmeUser(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindUser, ID: id}
}

// refused gives what somebody was told who was not let see an answer, and fails if it was for another reason.
func refused(t *testing.T, err error) string {
	t.Helper()
	e, ok := errors.AsType[*core.NotAllowedError](err)
	if !ok {
		t.Fatalf("not refused: %v", err)
	}
	return e.Why
}

// TestT25WhoMaySee: everybody sees themselves; account admins, also by a group, and auditors, also by a nested one, see all; who
// manages a group sees that group; nobody else sees anything.
func TestT25WhoMaySee(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	views := engine(t, server, server.Auditor()).Views(consent.Policy{Auditors: []consent.Ref{
		{Written: "all-staff"}, // not resolved, and so nobody's
		{Written: "lakehouse-users", Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: "3007"}},
	}})
	const alice, bob, carol, grace, heidi, admin = "1001", "1002", "1003", "1007", "1008", "1018"
	for _, c := range []struct {
		who, words string
		want       string // what is asked in the end; empty when nothing may be
	}{
		{grace, "principal grace@acme.test", grace},
		{grace, "principal GRACE@ACME.test", grace},
		{grace, "principal 1007", grace},
		{grace, "can grace@acme.test read main.sales.orders", grace},
		{grace, "roles grace@acme.test", grace},
		{grace, "escalations grace@acme.test", grace},
		{grace, "principal bob@acme.test", ""},
		{grace, "principal nobody@acme.test", ""},
		{grace, "compare grace@acme.test bob@acme.test", ""},
		{grace, "resource main.sales.orders", ""},
		{grace, "group platform", ""},
		{grace, "group finance-readers", ""},
		{grace, "roles", ""},
		{grace, "escalations", ""},
		{grace, "doctor", ""},
		{carol, "principal bob@acme.test", "bob@acme.test"},
		{carol, "escalations", "all"},
		{admin, "roles", "all"},
		{alice, "roles", "all"},       // lakehouse-users by data-engineering
		{bob, "resource main", "all"}, // lakehouse-users by sales-analytics and analysts
		{heidi, "roles", ""},
		{"424242", "principal 424242", ""},
	} {
		t.Run(c.who+" "+c.words, func(t *testing.T) {
			got, err := views.Admit(t.Context(), acmeUser(c.who), parse(t, strings.Fields(c.words)...))
			if c.want == "" {
				if why := refused(t, err); why == "" {
					t.Error("refused without a word")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if who, everything := subject(got.Request), c.want == "all" || c.want != c.who; who != c.want && c.want != "all" || got.Everything != everything {
				t.Errorf("asks about %q, everything %v", who, got.Everything)
			}
		})
	}
	manager := engine(t, server, server.Auditor()).Views(consent.Policy{})
	id := ""
	for _, u := range sandbox.Acme().Users {
		if u.UserName == "mallory@acme.test" {
			id = u.ID
		}
	}
	got, err := manager.Admit(t.Context(), acmeUser(id), parse(t, "group", "finance-readers"))
	if err != nil || got.Everything || got.Request.(query.Group).Name != "3010" {
		t.Errorf("who manages a group: %+v, %v", got, err)
	}
	for _, other := range []string{"platform", "nothing-of-the-kind"} {
		_, err = manager.Admit(t.Context(), acmeUser(id), parse(t, "group", other))
		refused(t, err)
	}
}

// TestT26NoOracle: who may not see something is told the same, to the byte, whether or not it is there.
func TestT26NoOracle(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	views := g.Views(consent.Policy{})
	xavier := acmeUser("1022")
	told := map[string]map[string]bool{"about others": {}, "can": {}}
	for _, words := range []string{
		"principal bob@acme.test", "principal bob@acme.tes", "group platform", "group plattform", "resource main.sales.orders", "resource main.sales.order",
		"compare bob@acme.test alice@acme.test", "compare bob@acme.tes alice@acme.test", "roles bob@acme.test", "escalations nobody",
	} {
		_, err := views.Admit(t.Context(), xavier, parse(t, strings.Fields(words)...))
		told["about others"][refused(t, err)] = true
	}
	for _, words := range []string{
		"can xavier@acme.test read main.finance.ledger", "can xavier@acme.test read main.finance.ledgers", "can xavier@acme.test read nothing.at.all",
	} {
		admitted, err := views.Admit(t.Context(), xavier, parse(t, strings.Fields(words)...))
		if err != nil {
			t.Fatal(err)
		}
		r, err := g.Answer(t.Context(), admitted.Request, nil)
		r, err = admitted.Show(r, err)
		if r != nil {
			t.Fatalf("%s: %s", words, r.(*report.CanReport).Verdict)
		}
		told["can"][refused(t, err)] = true
	}
	for about, texts := range told {
		if len(texts) != 1 {
			t.Errorf("%s: told in %d ways: %v", about, len(texts), texts)
		}
	}
}

// TestViewsUnread: somebody of whom it was not read what they are in, or what is managed by whom, is no admin, no auditor and no
// manager, and is asked anew.
func TestViewsUnread(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	auditors := []consent.Ref{{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: "3007"}}}
	for name, c := range map[string]struct {
		who, words string
		auditors   []consent.Ref
		unread     []string
	}{
		"an auditor by groups": {"1001", "roles", auditors, []string{"*transitive-parent-groups*", "*/Groups*"}},
		"an admin by a group":  {"1018", "roles", nil, []string{"*transitive-parent-groups*", "*/Groups*"}},
		"a manager":            {"1011", "group finance-readers", nil, []string{"*rule-sets*"}},
		"anybody":              {"1001", "roles", auditors, []string{"*/Users*", "*/Groups*"}},
	} {
		t.Run(name, func(t *testing.T) {
			views := engine(t, server, server.Auditor()).Views(consent.Policy{Auditors: c.auditors})
			var faults []sandbox.Fault
			for _, route := range c.unread {
				faults = append(faults, sandbox.Fault{Route: route, Status: 403})
			}
			server.SetFaults(faults...)
			if _, err := views.Admit(t.Context(), acmeUser(c.who), parse(t, strings.Fields(c.words)...)); err == nil {
				t.Error("let in unseen")
			}
			server.SetFaults()
			if _, err := views.Admit(t.Context(), acmeUser(c.who), parse(t, strings.Fields(c.words)...)); err != nil {
				t.Errorf("what could not be read once is held against them: %v", err)
			}
		})
	}
}

func subject(q query.Request) string {
	switch q := q.(type) {
	case query.Principal:
		return q.Who
	case query.Can:
		return q.Who
	case query.Roles:
		return q.Who
	case query.Escalations:
		return q.Who
	}
	return "all"
}
