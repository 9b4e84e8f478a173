package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// roll is an account as far as its people go, of which reads fail that are named in fails: the verb and the id or name.
type roll struct {
	collect.Source // what else there is to read is not asked for
	people         []identity.Principal
	members        map[string][]identity.PrincipalKey // of groups, directly
	roles          []identity.RoleGrant
	fails          []string
}

func (r *roll) fail(words ...string) error {
	if read := strings.Join(words, " "); slices.Contains(r.fails, read) {
		return &identity.Failure{Kind: identity.Forbidden, Message: read}
	}
	return nil
}

func (r *roll) Reach() identity.Reach { return identity.Reach{} }

func (r *roll) Principal(_ context.Context, k identity.PrincipalKey) (identity.Principal, error) {
	i := slices.IndexFunc(r.people, func(p identity.Principal) bool { return p.Key == k })
	if i < 0 {
		return identity.Principal{}, &identity.Failure{Kind: identity.NotFound}
	}
	return r.people[i], r.fail("read", k.ID)
}

func (r *roll) FindPrincipals(_ context.Context, kind identity.Kind, matches ...identity.Match) (found []identity.Principal, err error) {
	for _, p := range r.people {
		fits := func(m identity.Match) bool {
			is := map[identity.Field]bool{
				identity.ByName: strings.EqualFold(p.Name, m.Value), identity.ByExternalID: p.ExternalID == m.Value,
				identity.ByEmail: slices.ContainsFunc(p.Emails, func(e string) bool { return strings.EqualFold(strings.TrimSpace(e), m.Value) }),
			}
			return is[m.Field]
		}
		if p.Key.Kind == kind && slices.ContainsFunc(matches, fits) {
			found = append(found, p)
		}
	}
	for _, m := range matches {
		err = errors.Join(err, r.fail("find", m.Value))
	}
	return found, err
}

func (r *roll) ParentGroups(_ context.Context, k identity.PrincipalKey) (all []identity.PrincipalKey, err error) {
	below := []identity.PrincipalKey{k}
	for i := 0; i < len(below); i++ {
		for id, members := range r.members {
			if g := someGroup(id); slices.Contains(members, below[i]) && !slices.Contains(below, g) {
				below = append(below, g)
			}
		}
	}
	return below[1:], r.fail("parents", k.ID)
}

func (r *roll) Group(ctx context.Context, k identity.PrincipalKey) (identity.Group, error) {
	p, err := r.Principal(ctx, k)
	if err == nil {
		err = r.fail("members", k.ID)
	}
	if err != nil {
		return identity.Group{}, err
	}
	return identity.Group{Principal: p, Members: r.members[k.ID], MembersListed: true}, nil
}

func (r *roll) Groups(context.Context) ([]identity.Group, error) { return nil, r.fail("groups") }

func (r *roll) RoleGrants(_ context.Context, on identity.Principal) (list []identity.RoleGrant, err error) {
	for _, g := range r.roles {
		if g.On == on.Key {
			list = append(list, g)
		}
	}
	return list, r.fail("roles", on.Key.ID)
}

func someGroup(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindGroup, ID: id}
}

// The people of the tests: ann has three accounts, the third by way of the second, and kim is a guest by one of hers.
var (
	ann, ann2, ann3, bob     = userKey("1"), userKey("2"), userKey("3"), userKey("4")
	guest, kim               = userKey("5"), userKey("6")
	inactive, odd, gone, sam = userKey("7"), userKey("8"), userKey("9"), userKey("10")
	robot                    = identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "50"}
)

func newRoll() *roll {
	active := func(k identity.PrincipalKey, name, external string, emails ...string) identity.Principal {
		return identity.Principal{Key: k, Name: name, ExternalID: external, Emails: emails, Status: identity.StatusActive}
	}
	r := &roll{people: []identity.Principal{
		active(ann, "ann@x.test", "e1"), active(ann2, "second@x.test", "e2", "other@x.test", " ANN@x.test"), active(ann3, "third@x.test", "e2"),
		active(bob, "bob@x.test", ""), active(guest, "kim_partner.test#EXT#@x", ""), active(kim, "kim@partner.test", ""),
		active(inactive, "off@x.test", ""), active(odd, "odd@x.test", ""), active(sam, "sam@x.test", ""), active(robot, "sam@x.test", "e1"),
		active(someGroup("70"), "outer", ""), active(someGroup("71"), "inner", ""), active(someGroup("72"), "dark", ""), active(someGroup("73"), "idle", ""),
		active(someGroup("74"), "ring", ""), active(someGroup("75"), "gnir", ""),
	}, members: map[string][]identity.PrincipalKey{
		"70": {someGroup("71"), sam}, "71": {bob, ann3}, "72": {sam}, "74": {someGroup("75"), robot}, "75": {someGroup("74"), kim, bob},
	}, fails: []string{"members 72"}}
	for i, p := range r.people {
		switch p.Key {
		case inactive:
			r.people[i].Status = identity.StatusInactive
		case odd:
			r.people[i].Status = identity.StatusUnknown
		}
	}
	return r
}

// role gives a role on a target to a holder of a kind, by name.
func (r *roll) role(on identity.PrincipalKey, role identity.Role, kind identity.Kind, name string) {
	r.roles = append(r.roles, identity.RoleGrant{On: on, Role: role, Holder: identity.PrincipalName{Kind: kind, Name: name}})
}

// facts are those of everybody but sam, who is in none of the groups that concern a plan for the target.
func (r *roll) facts(t *testing.T, target identity.PrincipalKey) *facts {
	g := &Engine{o: Options{Open: func() collect.Source { return r }, Now: func() time.Time { return time.Unix(1, 0) }}}
	groups := []identity.PrincipalKey{someGroup("70"), someGroup("72"), someGroup("73"), someGroup("74"), someGroup("99")}
	p := plan.Plan{Target: plan.Party{Key: target}}
	return g.factsOf(t.Context(), p, []identity.PrincipalKey{ann, bob, guest, inactive, odd, gone}, groups)
}

const (
	yes, no, unknown = consent.Yes, consent.No, consent.Unknown
)

// TestFacts asks for what decides over votes: what was read, as it was read, and no answer where it was not.
func TestFacts(t *testing.T) {
	same := func(a, b identity.PrincipalKey) func(*facts) consent.Answer {
		return func(f *facts) consent.Answer {
			there, back := f.Same(a, b), f.Same(b, a)
			if there != back {
				t.Errorf("%v is %v: %d, and the other way round %d", a, b, there, back)
			}
			return there
		}
	}
	active := func(k identity.PrincipalKey) func(*facts) consent.Answer {
		return func(f *facts) consent.Answer { return f.Active(k) }
	}
	in := func(k identity.PrincipalKey, id string) func(*facts) consent.Answer {
		return func(f *facts) consent.Answer { return f.In(k, id) }
	}
	gains := func(k identity.PrincipalKey) func(*facts) consent.Answer {
		return func(f *facts) consent.Answer { return f.Gains(k) }
	}
	fails := func(reads ...string) func(*roll) {
		return func(r *roll) { r.fails = append(r.fails, reads...) }
	}
	gives := func(on identity.PrincipalKey, role identity.Role, kind identity.Kind, name string) func(*roll) {
		return func(r *roll) { r.role(on, role, kind, name) }
	}
	const manager, assumer, uses, manages = identity.RoleGroupManager, identity.RoleGroupAssumer, identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager
	idle := someGroup("73")
	for name, c := range map[string]struct {
		target identity.PrincipalKey
		change func(*roll)
		ask    func(*facts) consent.Answer
		want   consent.Answer
	}{
		"oneself":                                    {bob, nil, same(ann, ann), yes},
		"another account by an address":              {bob, nil, same(ann, ann2), yes},
		"another account by way of a third":          {bob, nil, same(ann, ann3), yes},
		"a guest":                                    {bob, nil, same(guest, kim), yes},
		"somebody else":                              {bob, nil, same(ann, bob), no},
		"a program of the same name":                 {robot, nil, same(ann, robot), no},
		"somebody who was not read":                  {bob, fails("read 1"), same(ann, bob), unknown},
		"somebody whose accounts were not found":     {bob, fails("find ann@x.test"), same(ann, bob), unknown},
		"somebody who is like one of these":          {bob, fails("find e2"), same(ann, bob), unknown},
		"two others looked for with these":           {bob, fails("find ann@x.test"), same(guest, bob), unknown},
		"somebody of too many accounts":              {bob, func(r *roll) { r.crowd(ann, mostAccounts) }, same(ann, bob), unknown},
		"active":                                     {bob, nil, active(ann), yes},
		"deactivated":                                {bob, nil, active(inactive), no},
		"active by no word":                          {bob, nil, active(odd), unknown},
		"gone":                                       {bob, nil, active(gone), no},
		"not read":                                   {bob, fails("read 1"), active(ann), unknown},
		"in a group in the group":                    {ann, nil, in(bob, "70"), yes},
		"in none":                                    {bob, nil, in(ann, "70"), no},
		"in a circle of groups":                      {ann, nil, in(bob, "74"), yes},
		"in a group that was not read":               {bob, nil, in(ann, "72"), no}, // all of her groups were
		"whose groups were not read":                 {bob, fails("parents 1", "groups"), in(ann, "72"), unknown},
		"whose groups were not read, in one that is": {bob, fails("parents 1", "groups"), in(ann, "70"), no},
		"nobody asked for, in a group that was read": {bob, nil, in(sam, "74"), no},
		"nobody asked for, in one that was not":      {bob, nil, in(sam, "72"), unknown},
		"gains what a user gets":                     {bob, nil, gains(ann), no},
		"gains what a user gets, of unread accounts": {bob, fails("find ann@x.test"), gains(ann), no},
		"gains by a group in the target":             {someGroup("70"), nil, gains(bob), yes},
		"gains by another account":                   {someGroup("70"), nil, gains(ann), yes},
		"gains not":                                  {someGroup("70"), nil, gains(guest), no},
		"gains perhaps, by accounts not found":       {someGroup("70"), fails("find kim@partner.test"), gains(guest), unknown},
		"gains perhaps, in the dark":                 {someGroup("72"), fails("parents 5", "groups"), gains(guest), unknown},
		"gains as manager":                           {idle, gives(idle, manager, identity.KindUser, "BOB@x.test"), gains(bob), yes},
		"gains as assumer":                           {idle, gives(idle, assumer, identity.KindUser, "bob@x.test"), gains(bob), yes},
		"gains by another address of the manager":    {idle, gives(idle, manager, identity.KindUser, "other@x.test"), gains(ann), yes},
		"gains not as what is no role on groups":     {idle, gives(idle, uses, identity.KindUser, "bob@x.test"), gains(bob), no},
		"gains not as another is manager":            {idle, gives(idle, manager, identity.KindUser, "sam@x.test"), gains(bob), no},
		"gains not as a program of the name":         {idle, gives(idle, manager, identity.KindServicePrincipal, "bob@x.test"), gains(bob), no},
		"gains by a group of managers":               {idle, gives(idle, manager, identity.KindGroup, "outer"), gains(bob), yes},
		"gains not, of another group":                {idle, gives(idle, manager, identity.KindGroup, "outer"), gains(guest), no},
		"gains as everybody does":                    {idle, gives(idle, manager, identity.KindGroup, identity.AccountUsersName), gains(guest), yes},
		"gains perhaps, of a group that is nowhere":  {idle, gives(idle, manager, identity.KindGroup, "nowhere"), gains(guest), unknown},
		"gains perhaps, as the roles were not read":  {idle, fails("roles 73"), gains(guest), unknown},
		"gains perhaps, as who was not read":         {idle, func(r *roll) { r.role(idle, manager, identity.KindUser, "x"); r.fails = append(r.fails, "read 4") }, gains(bob), unknown},
		"gains by use of a program":                  {robot, gives(robot, uses, identity.KindUser, "bob@x.test"), gains(bob), yes},
		"gains by managing a program":                {robot, gives(robot, manages, identity.KindGroup, "inner"), gains(bob), yes},
		"gains not by a program":                     {robot, gives(robot, manager, identity.KindUser, "bob@x.test"), gains(bob), no},
		"gains by the second of two roles": {idle, func(r *roll) {
			r.role(idle, manager, identity.KindUser, "aaa@x.test")
			r.role(idle, manager, identity.KindUser, "bob@x.test")
		}, gains(bob), yes},
		"gains by the second group of a name": {idle, func(r *roll) {
			r.people[len(r.people)-1].Name = "dark"
			r.role(idle, manager, identity.KindGroup, "dark")
		}, gains(bob), yes},
		"another account by an alias":          {bob, func(r *roll) { r.people[3].Aliases = []string{"ann@x.test"} }, same(bob, ann), yes},
		"gains perhaps, by what is of no kind": {identity.PrincipalKey{ID: "70"}, nil, gains(guest), unknown},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoll()
			if c.change != nil {
				c.change(r)
			}
			if got := c.ask(r.facts(t, c.target)); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
	f := newRoll().facts(t, bob)
	f.doubtful[ann] = true
	if f.Active(ann) != no || f.Active(bob) != yes {
		t.Error("who is doubtful is active, or who is not is not")
	}
}

// crowd gives somebody so many more accounts.
func (r *roll) crowd(of identity.PrincipalKey, n int) {
	for i := range n {
		r.people = append(r.people, identity.Principal{Key: userKey(fmt.Sprint(1000 + i)), Name: fmt.Sprintf("more%d@x.test", i), Emails: []string{"ann@x.test"}, Status: identity.StatusActive})
	}
}

// TestFactsMembers are the users of a group through every other, and all of them only if all groups were read.
func TestFactsMembers(t *testing.T) {
	for id, want := range map[string]struct {
		all  consent.Answer
		list []identity.PrincipalKey
	}{
		"70": {yes, []identity.PrincipalKey{sam, ann3, bob}}, "72": {unknown, nil}, "73": {yes, nil}, "74": {yes, []identity.PrincipalKey{bob, kim}}, "99": {no, nil},
	} {
		list, all := newRoll().facts(t, bob).Members(id)
		slices.SortFunc(want.list, identity.PrincipalKey.Compare)
		if all != want.all || !slices.Equal(list, want.list) {
			t.Errorf("%s: %v, %d", id, list, all)
		}
	}
}

// TestFactsUnread names what could not be read. That somebody is not there was read.
func TestFactsUnread(t *testing.T) {
	r := newRoll()
	r.fails = nil
	if err := r.facts(t, bob).unread(); err != nil {
		t.Error(err)
	}
	for _, c := range [][2]string{{"find ann@x.test", "look for further accounts of user 1, 4, 5, 7, 8: "}, {"read 1", "read "}, {"members 72", "72"}} {
		r.fails = []string{c[0]}
		if err := r.facts(t, bob).unread(); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
	f := r.facts(t, bob)
	f.slack.groups = map[string]consent.UserGroup{"S1": {}, "S2": {Read: yes, More: true}, "S3": {Read: no}}
	f.slack.failed = []error{fmt.Errorf("S1 is dark")}
	if err := f.unread(); err == nil || !strings.Contains(err.Error(), "S1 is dark") {
		t.Error(err)
	}
	without := f.withoutUnread()
	if g := without.UserGroup("S1"); g.Read != no || !without.UserGroup("S2").More || without.UserGroup("S3").Read != no || f.UserGroup("S1").Read != unknown {
		t.Errorf("%+v, and before %+v", without.slack.groups, f.slack.groups)
	}
}
