package core_test

import (
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// people is a Directory on the court's account.
func (c *court) people(mode core.IdentityMode, static map[core.Member]string) *core.Directory {
	return c.engine.Directory(core.DirectoryOptions{Mode: mode, Static: static, Ledger: c.ledger, Actor: ledger.Actor{Via: "slack", Host: "one"}})
}

// TestPinnedIdentity goes by the e-mail address once, and by nothing but what was found then ever after.
func TestPinnedIdentity(t *testing.T) {
	c := sit(t)
	d := c.people(core.PinnedIdentity, nil)
	is := func(member, email, want string) {
		t.Helper()
		by, err := d.Identify(t.Context(), "T1", member, email)
		if err != nil || by.ID != want || by.Team != "T1" || by.Member != member || by.Via != "slack" {
			t.Fatalf("%s with %s is %+v, %v; want %s", member, email, by, err, want)
		}
	}
	refused := func(member, email, words string) {
		t.Helper()
		by, err := d.Identify(t.Context(), "T1", member, email)
		if err == nil {
			t.Fatalf("%s with %s is %+v", member, email, by)
		}
		notAllowed(t, err, words)
	}
	is("U1", " Erin@ACME.test", erin)
	is("U1", "erin@acme.test", erin)
	refused("U2", "nobody@acme.test", "cannot be matched")
	refused("U2", "", "cannot be matched")
	refused("U3", "frank@acme.test", "cannot be matched") // not active
	refused("", "erin@acme.test", "cannot be matched")

	// Somebody whose address was changed in Slack is locked, and stays so when it is changed back.
	refused("U1", "grace@acme.test", "doubtful")
	refused("U1", "erin@acme.test", "doubtful")
	if _, err := d.Clear(t.Context(), ledger.Actor{ID: "operator", Via: "cli"}, core.Member{Team: "T1", Member: "U1"}, "looked at it"); err != nil {
		t.Fatal(err)
	}
	is("U1", "erin@acme.test", erin)

	// Any change counts, also to another address of the same user.
	c.server.Update(func(a *sandbox.Account) {
		user(a, heidi, func(u *sandbox.User) { u.Emails = []string{"h.brandt@acme.test"} })
	})
	is("U7", "heidi@acme.test", heidi)
	refused("U7", "h.brandt@acme.test", "doubtful")

	// A second member who says he is erin locks both: which is, cannot be told.
	refused("U9", "erin@acme.test", "doubtful")
	refused("U1", "erin@acme.test", "doubtful")
	refused("U8", "erin@acme.test", "doubtful")
	pins, err := c.ledger.Pins(t.Context(), erin)
	if err != nil || len(pins) != 3 {
		t.Fatalf("pins: %+v, %v", pins, err)
	}
	for _, p := range pins {
		if !p.Locked {
			t.Errorf("%s is not locked", p.Member)
		}
	}

	// What becomes of the Databricks user counts each time.
	is("U5", "grace@acme.test", grace)
	c.server.Update(func(a *sandbox.Account) { user(a, grace, func(u *sandbox.User) { u.Inactive = true }) })
	refused("U5", "grace@acme.test", "cannot be matched")
	c.server.Update(func(a *sandbox.Account) {
		user(a, grace, func(u *sandbox.User) { u.Inactive, u.UserName = false, "grace.hopper@acme.test" })
	})
	refused("U5", "grace@acme.test", "doubtful")

	// What cannot be read is no answer, and pins nobody.
	c.fault("GET /api/2.0/accounts/*/scim/v2/Users status=500")
	if by, err := d.Identify(t.Context(), "T1", "U6", "dave@acme.test"); err == nil {
		t.Errorf("dave is %+v", by)
	}
	c.fault()
	if pins, err := c.ledger.Pins(t.Context(), dave); err != nil || len(pins) > 0 {
		t.Errorf("pins: %+v, %v", pins, err)
	}
	if len(c.events(core.EventIdentityRefused)) == 0 || len(c.events(ledger.EventUnpinned)) != 1 {
		t.Error("refusals and what the operator did are not recorded")
	}
}

// TestAddresses lets nobody pass for somebody whose address only looks like theirs.
func TestAddresses(t *testing.T) {
	for name, one := range map[string]struct {
		slack string
		users []sandbox.User
		want  string
	}{
		"case":                         {"ANN@acme.test", []sandbox.User{{ID: "1901", UserName: "ann@Acme.Test"}}, "1901"},
		"a further address":            {"ann@acme.test", []sandbox.User{{ID: "1901", UserName: "a.lee@acme.test", Emails: []string{"ann@acme.test"}}}, "1901"},
		"two users":                    {"ann@acme.test", []sandbox.User{{ID: "1901", UserName: "ann@acme.test"}, {ID: "1902", UserName: "lee@acme.test", Emails: []string{"Ann@acme.test"}}}, ""},
		"two users, one is not active": {"ann@acme.test", []sandbox.User{{ID: "1901", UserName: "ann@acme.test"}, {ID: "1902", UserName: "lee@acme.test", Emails: []string{"ann@acme.test"}, Inactive: true}}, ""},
		"a tag":                        {"ann+x@acme.test", []sandbox.User{{ID: "1901", UserName: "ann@acme.test"}}, ""},
		"a tag there":                  {"ann@acme.test", []sandbox.User{{ID: "1901", UserName: "ann+x@acme.test"}}, ""},
		"the same tag":                 {"ann+x@acme.test", []sandbox.User{{ID: "1901", UserName: "ann+x@acme.test"}}, "1901"},
		"a tag in another case":        {"ann+X@acme.test", []sandbox.User{{ID: "1901", UserName: "ann+x@acme.test"}}, ""},
		"a letter that folds to a k":   {"\u212Aim@acme.test", []sandbox.User{{ID: "1901", UserName: "kim@acme.test"}}, ""},
		"another alphabet, the same":   {"zoë@acme.test", []sandbox.User{{ID: "1901", UserName: "zoë@acme.test"}}, "1901"},
		"another alphabet, upper case": {"ZOË@acme.test", []sandbox.User{{ID: "1901", UserName: "zoë@acme.test"}}, ""},
		"an address without a domain":  {"ann@", []sandbox.User{{ID: "1901", UserName: "ann@"}}, ""},
		"a quote that ends the filter": {`ann@acme.test" or userName pr or userName eq "`, []sandbox.User{{ID: "1901", UserName: "ann@acme.test"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sit(t)
			c.server.Update(func(a *sandbox.Account) {
				for _, u := range one.users {
					a.Users = append(a.Users, &u)
				}
			})
			by, err := c.people(core.PinnedIdentity, nil).Identify(t.Context(), "T1", "U1", one.slack)
			if by.ID != one.want || (err == nil) != (one.want != "") {
				t.Errorf("%q is %q, %v; want %q", one.slack, by.ID, err, one.want)
			}
		})
	}
}

// TestIdentityModes has no way from one mode to another.
func TestIdentityModes(t *testing.T) {
	c := sit(t)
	static := c.people(core.StaticIdentity, map[core.Member]string{{Team: "T1", Member: "U1"}: erin, {Team: "T1", Member: "U2"}: frank, {Team: "T1", Member: "U3"}: "1999"})
	by, err := static.Identify(t.Context(), "T1", "U1", "somebody@else.test")
	if err != nil || by.ID != erin {
		t.Errorf("U1 is %+v, %v", by, err)
	}
	for _, who := range []core.Member{{Team: "T2", Member: "U1"}, {Team: "T1", Member: "U2"}, {Team: "T1", Member: "U3"}, {Team: "T1", Member: "U4"}} {
		_, err := static.Identify(t.Context(), who.Team, who.Member, "erin@acme.test")
		notAllowed(t, err, "cannot be matched")
	}
	plain := c.people(core.EmailIdentity, nil)
	_, err = plain.Identify(t.Context(), "T1", "U1", "erin@acme.test")
	notAllowed(t, err, "not enough for plans")
	if by, err := plain.IdentifyViewer(t.Context(), "T1", "U1", "erin@acme.test"); err != nil || by.ID != erin {
		t.Errorf("to look at something U1 is %+v, %v", by, err)
	}
	_, err = c.people("", nil).IdentifyViewer(t.Context(), "T1", "U1", "erin@acme.test")
	notAllowed(t, err, "identity.mode")
	if pins, err := c.ledger.Pins(t.Context(), ""); err != nil || len(pins) > 0 {
		t.Errorf("pins: %+v, %v", pins, err)
	}
}
