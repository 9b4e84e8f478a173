package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// facts are what was read, at one moment, of the people concerned with a plan. They are a consent.Facts: of whoever was
// not read, everything is Unknown.
type facts struct {
	model  *access.Model
	target identity.PrincipalKey
	// people are those of whom every group above was to be read, and all their further accounts.
	people []identity.PrincipalKey
	// looked are those whose further accounts were looked for, and hidden those who may have more than were found.
	looked, hidden map[identity.PrincipalKey]bool
	// failed are searches that failed.
	failed []error
	// doubtful are users who may do nothing until an operator has looked at who they are.
	doubtful map[identity.PrincipalKey]bool
	slack    slackFacts
}

// factsOf reads what decides over the votes on a plan: of the people themselves, of everybody in the groups, and of whoever
// has a hand in the plan's target. A read that fails makes answers Unknown; it is no error.
func (g *Engine) factsOf(ctx context.Context, p plan.Plan, people, groups []identity.PrincipalKey) *facts {
	src := g.o.Open()
	circle := collect.Circle{Groups: slices.Clone(groups)}
	for _, k := range slices.Concat(people, []identity.PrincipalKey{p.Source.Key, p.Target.Key}) {
		if !k.IsZero() && !slices.Contains(circle.People, k) {
			circle.People = append(circle.People, k)
		}
	}
	switch target := p.Target.Key; target.Kind {
	case identity.KindGroup:
		if len(groups) > 0 { // of the people concerned, their own groups tell whether they are in it
			circle.Groups = append(circle.Groups, target)
		}
		circle.On = []identity.PrincipalKey{target}
	case identity.KindServicePrincipal:
		circle.On = []identity.PrincipalKey{target}
	case identity.KindUser, identity.KindUnknown:
	}
	f := &facts{
		target: p.Target.Key, looked: map[identity.PrincipalKey]bool{}, hidden: map[identity.PrincipalKey]bool{},
		doubtful: map[identity.PrincipalKey]bool{},
	}
	for {
		e := collect.People(ctx, src, circle, collect.Options{Workers: g.o.Workers, Now: g.clock(src)})
		f.model, f.people = access.Over(e, g.o.Rules), circle.People
		more := f.further(ctx, src)
		if len(more) == 0 {
			return f
		}
		circle.People = append(circle.People, more...)
	}
}

// mostAccounts is how many accounts are looked at of all people together; whoever has more is not known.
const mostAccounts = 200

// further looks for accounts that share an e-mail address or external id with the people, and gives those that are new. What one
// account may not do, its owner's other one may not either. All are looked for at once: a vote waits for this, and account SCIM
// permits few searches in a second.
func (f *facts) further(ctx context.Context, src collect.Source) (more []identity.PrincipalKey) {
	var whose []string
	var matches []identity.Match
	for _, k := range f.people {
		if f.looked[k] || k.Kind != identity.KindUser || f.gone(k) {
			continue
		}
		f.looked[k] = true
		p, ok := f.person(k)
		if !ok || len(f.people) > mostAccounts {
			f.hidden[k] = true
			continue
		}
		whose, matches = append(whose, k.ID), append(matches, sharing(p)...)
	}
	if len(whose) == 0 {
		return nil
	}
	found, err := src.FindPrincipals(ctx, identity.KindUser, matches...)
	if err != nil {
		f.failed = append(f.failed, fmt.Errorf("look for further accounts of user %s: %w", strings.Join(whose, ", "), err))
	}
	for _, q := range found {
		if !f.has(q.Key) {
			more = append(more, q.Key)
		}
	}
	if room := max(0, mostAccounts-len(f.people)); err != nil || len(more) > room {
		for _, id := range whose {
			f.hidden[identity.PrincipalKey{Kind: identity.KindUser, ID: id}] = true
		}
		more = more[:min(room, len(more))]
	}
	return more
}

// sharing are searches for the accounts that share an e-mail address or external id with a user.
func sharing(p identity.Principal) (matches []identity.Match) {
	for _, address := range addresses(p) {
		matches = append(matches, identity.Match{Field: identity.ByName, Value: address}, identity.Match{Field: identity.ByEmail, Value: address})
	}
	if p.ExternalID != "" {
		matches = append(matches, identity.Match{Field: identity.ByExternalID, Value: p.ExternalID})
	}
	return matches
}

// gone reports whether somebody was read not to be there.
func (f *facts) gone(k identity.PrincipalKey) bool {
	o, ok := f.model.Estate().Outcome(estate.ReadKey{Op: estate.OpPrincipal, Principal: k})
	return ok && o.Kind == identity.NotFound
}

// accounts are the keys of one human, as far as they are known: that of somebody, and those that are like it, or like one of these.
func (f *facts) accounts(who identity.PrincipalKey) []identity.PrincipalKey {
	list := []identity.PrincipalKey{who}
	for i := 0; i < len(list); i++ {
		for _, k := range f.people {
			if !slices.Contains(list, k) && f.alike(list[i], k) {
				list = append(list, k)
			}
		}
	}
	return list
}

// alike reports whether two accounts share an external id or an e-mail address.
func (f *facts) alike(a, b identity.PrincipalKey) bool {
	p, okP := f.person(a)
	q, okQ := f.person(b)
	switch {
	case !okP || !okQ || a.Kind != b.Kind:
		return false
	case p.ExternalID != "" && p.ExternalID == q.ExternalID:
		return true
	default:
		return a.Kind == identity.KindUser && slices.ContainsFunc(addresses(p), func(mine string) bool { return slices.Contains(addresses(q), mine) })
	}
}

// has reports whether somebody was among those who were to be read.
func (f *facts) has(k identity.PrincipalKey) bool { return slices.Contains(f.people, k) }

// person gives the record of somebody, if it was read. One of whom a list of members alone tells has none.
func (f *facts) person(k identity.PrincipalKey) (identity.Principal, bool) {
	p, ok := f.model.Estate().Principal(k)
	return p, ok && p.Name != ""
}

// Active says whether somebody may log in. One who is gone may not, and neither may one of whom it is not certain
// who they are.
func (f *facts) Active(who identity.PrincipalKey) consent.Answer {
	if f.doubtful[who] {
		return consent.No
	}
	if f.gone(who) {
		return consent.No
	}
	p, ok := f.person(who)
	switch {
	case !ok || p.Status == identity.StatusUnknown:
		return consent.Unknown
	case p.Status == identity.StatusActive:
		return consent.Yes
	default:
		return consent.No
	}
}

// Same says whether two keys are one human.
func (f *facts) Same(a, b identity.PrincipalKey) consent.Answer {
	if a == b {
		return consent.Yes
	}
	if a.Kind != b.Kind {
		return consent.No
	}
	_, okA := f.person(a)
	_, okB := f.person(b)
	switch {
	case !okA || !okB:
		return consent.Unknown
	case slices.Contains(f.accounts(a), b):
		return consent.Yes
	case f.hides(a) || f.hides(b):
		return consent.Unknown
	}
	return consent.No
}

// hides reports whether somebody may have accounts that are not known.
func (f *facts) hides(who identity.PrincipalKey) bool {
	return slices.ContainsFunc(f.accounts(who), func(k identity.PrincipalKey) bool { return f.hidden[k] })
}

// addresses are the names under which mail or a login reaches a user, in one spelling.
func addresses(p identity.Principal) []string {
	var list []string
	for _, a := range slices.Concat([]string{p.Name}, p.Emails, p.Aliases) {
		if a = strings.ToLower(strings.TrimSpace(a)); a == "" {
			continue
		}
		list = append(list, a)
		if mail, ok := identity.GuestEmail(a); ok {
			list = append(list, mail)
		}
	}
	return list
}

// In says whether somebody is in an account group.
func (f *facts) In(who identity.PrincipalKey, group string) consent.Answer {
	k := identity.PrincipalKey{Kind: identity.KindGroup, ID: group}
	if !f.has(who) && !f.model.Estate().Settled(k) {
		return consent.Unknown
	}
	return answer(f.model.Subject(who).In(k))
}

func answer(v access.Verdict) consent.Answer {
	switch v {
	case access.Allowed:
		return consent.Yes
	case access.Denied:
		return consent.No
	default:
		return consent.Unknown
	}
}

// Gains says whether the plan would give somebody who is not its target anything. What a group gets, its members have, and so
// may whoever can make himself one, or act as it; what a service principal gets, whoever may use or manage it has.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/service-principal-acl
func (f *facts) Gains(who identity.PrincipalKey) consent.Answer {
	found := consent.No
	for _, k := range f.accounts(who) {
		found = either(found, f.gains(k))
	}
	if found == consent.No && f.target.Kind != identity.KindUser && f.hides(who) {
		return consent.Unknown
	}
	return found
}

// gains is Gains of one account alone.
func (f *facts) gains(who identity.PrincipalKey) consent.Answer {
	switch f.target.Kind {
	case identity.KindUser:
		return consent.No
	case identity.KindGroup:
		return either(f.In(who, f.target.ID), f.holds(who, identity.RoleGroupManager, identity.RoleGroupAssumer))
	case identity.KindServicePrincipal:
		return f.holds(who, identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager)
	default:
		return consent.Unknown
	}
}

// holds says whether somebody has one of the roles on the plan's target, themselves or by a group.
func (f *facts) holds(who identity.PrincipalKey, roles ...identity.Role) consent.Answer {
	e := f.model.Estate()
	if !e.Saw(estate.ReadKey{Op: estate.OpRoles, Principal: f.target}) {
		return consent.Unknown
	}
	found := consent.No
	for g := range e.RoleGrants(f.target) {
		if slices.Contains(roles, g.Role) {
			found = either(found, f.means(g, who))
		}
	}
	return found
}

// means says whether the holder of a role is somebody, or a group that they are in. Rule sets name their holders.
func (f *facts) means(g estate.RoleGrant, who identity.PrincipalKey) consent.Answer {
	p, ok := f.person(who)
	switch {
	case !ok:
		return consent.Unknown
	case g.Kind == identity.KindGroup && g.Holder.Name == identity.AccountUsersName:
		return consent.Yes
	case g.Kind == identity.KindGroup:
		named := slices.DeleteFunc(f.model.Estate().Named(g.Holder.Name), func(q identity.Principal) bool { return q.Key.Kind != identity.KindGroup })
		if len(named) == 0 {
			return consent.Unknown // it may be any
		}
		found := consent.No
		for _, group := range named {
			found = either(found, f.In(who, group.Key.ID))
		}
		return found
	case g.Kind != who.Kind:
		return consent.No
	case identity.SameName(g.Holder.Name, p.Name) || slices.Contains(addresses(p), strings.ToLower(g.Holder.Name)):
		return consent.Yes
	}
	return consent.No
}

// either is Yes if one of the two is, and No if both are.
func either(a, b consent.Answer) consent.Answer {
	switch {
	case a == consent.Yes || b == consent.Yes:
		return consent.Yes
	case a == consent.No && b == consent.No:
		return consent.No
	default:
		return consent.Unknown
	}
}

// Members are the users in an account group, through whatever nesting, in order.
func (f *facts) Members(group string) ([]identity.PrincipalKey, consent.Answer) {
	e := f.model.Estate()
	root := identity.PrincipalKey{Kind: identity.KindGroup, ID: group}
	if o, ok := e.Outcome(estate.ReadKey{Op: estate.OpMembers, Principal: root}); ok && o.Kind == identity.NotFound {
		return nil, consent.No
	}
	seen := map[identity.PrincipalKey]bool{}
	var users []identity.PrincipalKey
	for queue := []identity.PrincipalKey{root}; len(queue) > 0; queue = queue[1:] {
		for m := range e.Members(queue[0]) {
			switch {
			case seen[m]:
			case m.Kind == identity.KindGroup:
				queue = append(queue, m)
			case m.Kind == identity.KindUser:
				users = append(users, m)
			}
			seen[m] = true
		}
	}
	slices.SortFunc(users, identity.PrincipalKey.Compare)
	if !e.Settled(root) {
		return users, consent.Unknown
	}
	return users, consent.Yes
}

// UserGroup is who is in a Slack user group, as far as that was asked.
func (f *facts) UserGroup(id string) consent.UserGroup { return f.slack.groups[id] }

// withoutUnread are the facts as if the user groups that could not be read were empty.
func (f *facts) withoutUnread() *facts {
	own := *f
	own.slack.groups = map[string]consent.UserGroup{}
	for id, g := range f.slack.groups {
		if g.Read == consent.Unknown {
			g = consent.UserGroup{Read: consent.No}
		}
		own.slack.groups[id] = g
	}
	return &own
}

// unread gives what could not be read, as one error; nil if all was. That somebody is gone is no gap, it is an answer.
func (f *facts) unread() error {
	gaps := slices.Concat(f.failed, f.slack.failed)
	e := f.model.Estate()
	for _, r := range e.Unread() {
		if r.Blocking() && r.Outcome.Kind != identity.NotFound {
			gaps = append(gaps, fmt.Errorf("%s: %s", e.Operation(r.Key), r.Outcome.Message))
		}
	}
	return errors.Join(gaps...)
}
