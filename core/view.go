package core

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// Views decides whose questions are answered. Databricks lets callers see what they may; a program that answers many people with
// one login has to do that itself. Everybody may ask about themselves; about others may who is account admin, whom the policy
// names as auditor, and, about a group, who manages it. Unknown means no. It may be used concurrently.
type Views struct {
	engine   *Engine
	auditors []identity.PrincipalKey

	mu   sync.Mutex
	seen map[identity.PrincipalKey]viewer
}

// viewer is what was found out of somebody who asks.
type viewer struct {
	at    time.Time
	names []string // all by which they may call themselves, in lower case
	all   bool     // they may see everything
}

const (
	// viewerFresh is how long what was found out of a viewer holds.
	viewerFresh = 60 * time.Second
	maxViewers  = 1000
)

// notYours is what somebody is told who may not see an answer: the same whether or not there is what they asked about.
const notYours = "I can tell you about yourself: write your own e-mail address. About others I tell account admins and auditors, and of a group who manages it. " +
	"What you named is none of these, or is not there."

// cannot is what somebody is told who cannot do something, or names what is not there, or of whom not all was read that decides: it
// is the same for all three.
const cannot = "As far as I can see you cannot, or there is no such thing, or one does not do that with it. What is newer than my last reading I see with --fresh. " +
	"Why, account admins and auditors can ask me."

// Views makes a Views by the policy of an account, whose names must be resolved.
func (g *Engine) Views(p consent.Policy) *Views {
	v := &Views{engine: g, seen: map[identity.PrincipalKey]viewer{}}
	for _, r := range p.Auditors {
		if !r.Key.IsZero() {
			v.auditors = append(v.auditors, r.Key)
		}
	}
	return v
}

// Admitted is a question that is answered, and to whom.
type Admitted struct {
	// Request is what is to be answered: the question asked, with the one who asks named by id where it is about them.
	Request query.Request
	// Everything says that the answer may be shown as it is, to somebody who may see everything.
	Everything bool
}

// Admit says whether a user of the account may have the answer to a question. A *NotAllowedError says no; any other error
// that it could not be found out.
func (v *Views) Admit(ctx context.Context, who identity.PrincipalKey, req query.Request) (Admitted, error) {
	asks, err := v.viewer(ctx, who)
	if err != nil {
		return Admitted{}, err
	}
	if asks.all {
		return Admitted{Request: req, Everything: true}, nil
	}
	if own, ok := asks.own(req, who.ID); ok {
		return Admitted{Request: own}, nil
	}
	if q, ok := req.(query.Group); ok {
		group, manages, err := v.manages(ctx, who, q.Name)
		if err != nil {
			return Admitted{}, err
		}
		if manages {
			q.Name = group.ID
			return Admitted{Request: q}, nil
		}
	}
	// This comes sooner than any answer, and before what it is about is looked for. It tells that the question was about somebody else,
	// which whoever asks knows: names that are not on their own record are not looked up.
	return Admitted{}, &NotAllowedError{notYours}
}

// own gives a question that is about the viewer alone, by their id: a name may be somebody else's, too.
func (a viewer) own(req query.Request, id string) (query.Request, bool) {
	mine := func(who string) bool { return slices.Contains(a.names, strings.ToLower(strings.TrimSpace(who))) }
	switch q := req.(type) {
	case query.Principal:
		ok := mine(q.Who)
		q.Who = id
		return q, ok
	case query.Can:
		ok := mine(q.Who)
		q.Who, q.Discreet = id, true
		return q, ok
	case query.Roles:
		ok := mine(q.Who)
		q.Who = id
		return q, ok
	case query.Escalations:
		ok := mine(q.Who)
		q.Who = id
		return q, ok
	default:
		return nil, false
	}
}

// viewer finds out who asks. Nothing is kept of somebody of whom something could not be read.
func (v *Views) viewer(ctx context.Context, who identity.PrincipalKey) (viewer, error) {
	now := v.engine.o.Now()
	v.mu.Lock()
	a, ok := v.seen[who]
	v.mu.Unlock()
	if ok && now.Sub(a.at) < viewerFresh {
		return a, nil
	}
	m := v.circle(ctx, collect.Circle{People: []identity.PrincipalKey{who}})
	p, known := m.Estate().Principal(who)
	if who.Kind != identity.KindUser || !known || p.Name == "" {
		return viewer{}, &NotAllowedError{notYours}
	}
	s := m.Subject(who)
	a = viewer{at: now, names: []string{who.ID}, all: s.IsAccountAdmin() == access.Allowed}
	for _, name := range slices.Concat([]string{p.Name}, p.Emails, p.Aliases) {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			a.names = append(a.names, name)
		}
	}
	for _, group := range v.auditors {
		a.all = a.all || s.In(group) == access.Allowed
	}
	if !s.MembershipsKnown() && !a.all {
		return a, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.seen) >= maxViewers {
		clear(v.seen)
	}
	v.seen[who] = a
	return a, nil
}

// manages says whether somebody manages the one account group of a name or id.
func (v *Views) manages(ctx context.Context, who identity.PrincipalKey, name string) (identity.PrincipalKey, bool, error) {
	groups, err := v.engine.o.Open().FindPrincipals(ctx, identity.KindGroup, identity.Match{Field: identity.ByName, Value: name})
	if err != nil {
		return identity.PrincipalKey{}, false, err
	}
	groups = slices.DeleteFunc(groups, func(p identity.Principal) bool { return p.Key.Workspace != 0 })
	// Of a group that is not there the same is read as of one that somebody else manages.
	on := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: "0"}, Name: name}
	if len(groups) == 1 {
		on = groups[0]
	}
	grants, err := v.engine.o.Open().RoleGrants(ctx, on)
	if err != nil {
		grants = nil // what could not be read makes nobody a manager, whether there is such a group or not
	}
	own := v.circle(ctx, collect.Circle{People: []identity.PrincipalKey{who}})
	if len(groups) != 1 || !slices.ContainsFunc(grants, func(g identity.RoleGrant) bool { return mayMean(own, who, g) }) {
		return identity.PrincipalKey{}, false, nil
	}
	m := v.circle(ctx, collect.Circle{People: []identity.PrincipalKey{who}, On: []identity.PrincipalKey{on.Key}})
	return on.Key, m.Subject(who).HasRole(identity.RoleGroupManager, on.Key) == access.Allowed, nil
}

// mayMean reports whether a role may be somebody's, by what was read of them and their groups alone.
func mayMean(m *access.Model, who identity.PrincipalKey, g identity.RoleGrant) bool {
	if g.Role != identity.RoleGroupManager {
		return false
	}
	p, _ := m.Estate().Principal(who)
	if identity.SameName(g.Holder.Name, p.Name) || identity.SameName(g.Holder.Name, identity.AccountUsersName) || slices.ContainsFunc(addresses(p), func(a string) bool { return strings.EqualFold(a, g.Holder.Name) }) {
		return true
	}
	return slices.ContainsFunc(m.Estate().Named(g.Holder.Name), func(q identity.Principal) bool {
		return q.Key.Kind == identity.KindGroup && m.Subject(who).In(q.Key) != access.Denied
	})
}

// circle reads people with the names and roles of their groups: some roles are a person's by a group.
func (v *Views) circle(ctx context.Context, c collect.Circle) *access.Model {
	c.Paths = true
	src := v.engine.o.Open()
	return access.Over(collect.People(ctx, src, c, collect.Options{Workers: v.engine.o.Workers, Now: v.engine.clock(src)}), v.engine.o.Rules)
}

// Show gives what may be shown of an answer. To somebody who may not see everything, that a thing is not there and that they
// cannot do anything with it are the same, and names that are like theirs are not told.
func (a Admitted) Show(r report.Report, err error) (report.Report, error) {
	if a.Everything {
		return r, err
	}
	_, can := a.Request.(query.Can)
	if can && isNot[*query.UsageError](err) {
		return nil, &NotAllowedError{cannot} // which means something there tells what is there
	}
	if isNot[*UnknownError](err) || isNot[*UnknownResourceError](err) || isNot[*UnknownWorkspaceError](err) || isNot[*AmbiguousError](err) || isNot[*AmbiguousResourceError](err) || isNot[*NotGroupError](err) {
		if can {
			return nil, &NotAllowedError{cannot}
		}
		return nil, &NotAllowedError{notYours}
	}
	if can, ok := r.(*report.CanReport); ok && err == nil && can.Verdict != report.Allow && can.Verdict != report.Indirect {
		return nil, &NotAllowedError{cannot}
	}
	return r, err
}
