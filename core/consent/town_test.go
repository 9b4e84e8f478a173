package consent_test

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// town is who there is, as plain lists: the Facts of tests. What is in unread is not known. Its likenesses are stated one by
// one, and it draws no conclusion from them.
type town struct {
	active  map[identity.PrincipalKey]bool
	alike   map[[2]identity.PrincipalKey]bool
	members map[string][]identity.PrincipalKey // account group: users, through whatever nesting
	gains   map[identity.PrincipalKey]bool
	slack   map[string]consent.UserGroup
	unread  map[string]bool // a question, as its method writes it
}

func newTown() *town {
	return &town{
		active: map[identity.PrincipalKey]bool{}, alike: map[[2]identity.PrincipalKey]bool{}, members: map[string][]identity.PrincipalKey{},
		gains: map[identity.PrincipalKey]bool{}, slack: map[string]consent.UserGroup{}, unread: map[string]bool{},
	}
}

func (t *town) answer(question string, yes bool) consent.Answer {
	switch {
	case t.unread[question]:
		return consent.Unknown
	case yes:
		return consent.Yes
	default:
		return consent.No
	}
}

func (t *town) Active(who identity.PrincipalKey) consent.Answer {
	return t.answer("active "+who.ID, t.active[who])
}

func (t *town) Same(a, b identity.PrincipalKey) consent.Answer {
	if a == b {
		return consent.Yes
	}
	if a.Kind != b.Kind && a.Kind != identity.KindUnknown && b.Kind != identity.KindUnknown {
		panic(fmt.Sprintf("asked whether %v is %v", a, b)) // Facts are not
	}
	switch {
	case len(t.unread) == 0 && len(t.alike) == 0:
		return consent.No
	case t.unread["same "+b.ID+" "+a.ID]:
		return consent.Unknown
	}
	return t.answer("same "+a.ID+" "+b.ID, t.alike[[2]identity.PrincipalKey{a, b}] || t.alike[[2]identity.PrincipalKey{b, a}])
}

func (t *town) In(who identity.PrincipalKey, group string) consent.Answer {
	return t.answer("in "+who.ID+" "+group, slices.Contains(t.members[group], who))
}

func (t *town) Gains(who identity.PrincipalKey) consent.Answer {
	return t.answer("gains "+who.ID, t.gains[who])
}

func (t *town) Members(group string) ([]identity.PrincipalKey, consent.Answer) {
	_, there := t.members[group]
	return t.members[group], t.answer("members "+group, there)
}

func (t *town) UserGroup(id string) consent.UserGroup { return t.slack[id] }

func user(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindUser, ID: id}
}

func group(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindGroup, ID: id}
}

func robot(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: id}
}

// The people of the table tests. Groups are 71 (owners: ann, ada), 72 (security: sue, sam), 73 (staff: all).
var (
	bob, alice              = user("1"), user("2") // the target and the source
	rita                    = user("3")            // who asked
	ann, ada, sue, sam      = user("4"), user("5"), user("6"), user("7")
	stranger                = user("8")
	bot                     = robot("90")
	owners, security, staff = "71", "72", "73"
)

func village() *town {
	t := newTown()
	all := []identity.PrincipalKey{bob, alice, rita, ann, ada, sue, sam, stranger}
	for _, k := range all {
		t.active[k] = true
	}
	t.members[owners] = []identity.PrincipalKey{ann, ada}
	t.members[security] = []identity.PrincipalKey{sue, sam}
	t.members[staff] = all[:7]
	return t
}

// grant is a step that gives somebody a privilege on a table.
func grant(holder identity.PrincipalKey, catalog string) plan.Step {
	return plan.Step{Kind: plan.Grant, Change: &plan.Change{
		Cell: plan.Cell{
			Kind: plan.Granted, Holder: holder, Privilege: identity.Select,
			Securable: identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: catalog, Schema: "s", Name: "t"},
		}, After: plan.Present,
	}}
}

// join is a step that adds somebody to a group.
func join(holder identity.PrincipalKey, id string) plan.Step {
	return plan.Step{Kind: plan.AddMember, Change: &plan.Change{Cell: plan.Cell{Kind: plan.Member, Holder: holder, Group: group(id)}, After: plan.Present}}
}

// clonePlan gives bob what alice has.
func clonePlan(tier plan.Tier, steps ...plan.Step) plan.Plan {
	if len(steps) == 0 {
		steps = []plan.Step{grant(bob, "sales")}
	}
	for i := range steps {
		steps[i].ID = string(rune('a' + i))
	}
	return plan.Plan{ID: "p-0123456789", Kind: plan.Clone, Source: plan.Party{Key: alice}, Target: plan.Party{Key: bob}, Steps: steps, Tier: tier, Complete: true}
}

func ballot(p plan.Plan, votes ...consent.Vote) consent.Ballot {
	return consent.Ballot{Plan: p, Requester: rita, Bots: []identity.PrincipalKey{bot}, Votes: votes, Channel: "C0PLANS"}
}

func yes(k identity.PrincipalKey) consent.Vote { return consent.Vote{Voter: k, Approve: true} }

func login(k identity.PrincipalKey) consent.Vote {
	return consent.Vote{Voter: k, Approve: true, Login: true}
}

func no(k identity.PrincipalKey) consent.Vote { return consent.Vote{Voter: k} }
