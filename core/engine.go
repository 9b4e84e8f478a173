package core

import (
	"context"
	"fmt"
	"slices"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/snapshot"
)

// Options are what an Engine is made of.
type Options struct {
	// Open gives a Source for one question; its calls are what that question cost.
	Open func() collect.Source
	// Credentials say whose eyes the engine sees with; doctor reports them.
	Credentials report.Credentials
	// Version is the program's, for the reports.
	Version string
	// Rules are the choices made where the documentation of the rules of access leaves one.
	Rules access.Options
	// Keep, if set, is given the facts that each answer rests on, before the answer is returned.
	Keep func(*Snapshot)
	// PlanID gives the id of a new plan; nil means one from random bytes.
	PlanID func() string
	// KeepPlan, if set, is given the bytes of each plan that is made, before the answer is returned.
	KeepPlan func([]byte)
	// OwnPlans says that the caller of Open is who applies the plans that are made: whether it may carry them out is
	// told with them.
	OwnPlans bool
	// Host is the address of the account, which plans are made for.
	Host string
	// Workers is how many reads run at once; zero means the collector's default.
	Workers int
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	votes votes
	// onlyRunning is of Thrifty.
	onlyRunning bool
}

// votes is what plans are made for that are to be voted on. The zero value is for those that are not.
type votes struct {
	policy  string // version
	guarded []identity.PrincipalKey
	lasts   time.Duration
}

// Engine answers questions about one account. It is safe for concurrent use.
type Engine struct{ o Options }

// New makes an engine.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PlanID == nil {
		o.PlanID = planID
	}
	return &Engine{o: o}
}

// Thrifty is the same engine, for those who may not spend money by asking: it starts no SQL warehouse. What only one that is
// stopped could tell is a gap in its answers.
func (g *Engine) Thrifty() *Engine {
	o := g.o
	o.onlyRunning = true
	return &Engine{o: o}
}

// Progress is told after each read how many are done and how many are planned so far. It may be
// called concurrently.
type Progress func(done, planned int)

// Answer answers one question. progress may be nil.
//
// An error means that there is no answer: the subject is unknown (*UnknownError) or ambiguous
// (*AmbiguousError), or nothing could be read at all. Facts that could not be read do not make an
// error: the report's coverage names them. When ctx is cancelled after the subject was found, the
// report holds what was known by then and is marked as interrupted.
func (g *Engine) Answer(ctx context.Context, req query.Request, progress Progress) (report.Report, error) {
	src := g.o.Open()
	options := collect.Options{Workers: g.o.Workers, OnlyRunning: g.o.onlyRunning, Now: g.clock(src), Progress: progress}
	switch q := req.(type) {
	case query.Principal:
		if q.Escalations {
			return g.principalWithEscalations(ctx, src, q, options)
		}
		e, subject, err := collect.Principal(ctx, src, principalScope(q), options)
		if err != nil {
			return nil, err
		}
		r, _ := g.principal(q, e, subject, src)
		return r, nil
	case query.Group:
		return g.group(ctx, src, q, options)
	case query.Can:
		r, e, err := g.can(ctx, src, q, options)
		if err != nil {
			return nil, err
		}
		g.sign(&r.Envelope, req, e, src)
		return oneSide(r, q), nil
	case query.Resource:
		e, found, err := collect.Resource(ctx, src, collect.Scope{WorkspaceURLs: q.WorkspaceURLs}, target(q.Target), !q.Groups, options)
		if err != nil {
			return nil, err
		}
		r := whoReaches(access.Over(e, g.o.Rules), found, q)
		g.sign(&r.Envelope, req, e, src)
		return r, nil
	case query.Compare:
		scope := collect.Scope{Below: q.Scan, Objects: objectScope(q.Objects), WorkspaceURLs: q.WorkspaceURLs}
		e, who, err := collect.Compare(ctx, src, scope, q.A, q.B, options)
		if err != nil {
			return nil, err
		}
		m := access.Over(e, g.o.Rules)
		r := m.Compare(who[0], who[1], access.Also{Objects: q.Objects.Asked})
		g.sign(&r.Envelope, req, e, src)
		doubt(&r.Coverage, e, slices.Concat(m.Doubts(who[0]), m.Doubts(who[1])), report.ListAccess)
		for i := range who {
			if q.Objects.Asked {
				doubtObjects(&r.Coverage, e, m.ObjectDoubts(who[i]), fmt.Sprintf("that of %q", [...]string{q.A, q.B}[i]))
			}
		}
		return r, nil
	case query.Clone:
		return g.clone(ctx, src, q, options)
	case query.WhatIf:
		return g.whatIf(ctx, src, q, options)
	case query.Roles:
		e, who, err := g.survey(ctx, src, q.Survey, collect.Depth{Entry: true, Objects: q.Objects}, options)
		if err != nil {
			return nil, err
		}
		r := analysis.Roles(access.Over(e, g.o.Rules), who)
		g.sign(&r.Envelope, req, e, src)
		return r, nil
	case query.Escalations:
		e, who, err := g.survey(ctx, src, q.Survey, collect.Depth{Delegations: true, Objects: q.Objects}, options)
		if err != nil {
			return nil, err
		}
		r := analysis.Escalations(access.Over(e, g.o.Rules), who)
		g.sign(&r.Envelope, req, e, src)
		return r, nil
	case query.Doctor:
		e, caller := collect.Probe(ctx, src, options)
		r := examine(e, caller)
		if clocked, ok := src.(Clocked); ok {
			r.Checks = append(r.Checks, clockCheck(clocked))
		}
		r.Credentials = g.credentials(r.Credentials)
		g.sign(&r.Envelope, req, e, src)
		return r, nil
	default:
		return nil, fmt.Errorf("no answer to questions of mode %q", req.Mode())
	}
}

// principalWithEscalations answers what a principal can reach, and by which ways to more. That needs the
// whole account: who manages what is written at what is managed.
func (g *Engine) principalWithEscalations(ctx context.Context, src collect.Source, q query.Principal, o collect.Options) (report.Report, error) {
	e, who, err := collect.Survey(ctx, src, principalScope(q), escalationDepth(q), o)
	if err != nil {
		return nil, err
	}
	r, m := g.principal(q, e, who, src)
	found := analysis.Escalations(m, &who)
	r.Escalations = []report.Escalation{}
	for _, f := range found.Findings {
		r.Escalations = append(r.Escalations, report.Escalation{
			ID: f.ID, Severity: f.Severity, Securable: f.Securable, Path: f.Path, Acts: f.Acts, Explanation: f.Gains,
		})
	}
	return r, nil
}

// principal answers what a principal can reach over what was read for it.
func (g *Engine) principal(q query.Principal, e *estate.Estate, who identity.PrincipalKey, src collect.Source) (*report.PrincipalReport, *access.Model) {
	m := access.Over(e, g.o.Rules)
	r := m.Principal(who, access.Also{Objects: q.Objects.Asked, LocalGroups: q.LocalGroups})
	g.sign(&r.Envelope, q, e, src)
	doubt(&r.Coverage, e, m.Doubts(who), report.ListGrants)
	if q.Objects.Asked {
		doubtObjects(&r.Coverage, e, m.ObjectDoubts(who), "the subject's")
	}
	r.Stale = staleGrants(&r.Envelope, m, who, q.LastUse)
	return r, m
}

func principalScope(q query.Principal) collect.Scope {
	return collect.Scope{Who: q.Who, Below: q.Scan, Objects: objectScope(q.Objects), LocalGroups: q.LocalGroups, WorkspaceURLs: q.WorkspaceURLs, Uses: collect.Uses(q.LastUse)}
}

func escalationDepth(q query.Principal) collect.Depth {
	return collect.Depth{Delegations: true, Objects: q.Objects.Asked}
}

func objectScope(o query.Objects) collect.ObjectScope {
	return collect.ObjectScope{Asked: o.Asked, Types: o.Types}
}

// survey reads the account for a question about one principal, or about everybody: the key is then nil.
func (g *Engine) survey(ctx context.Context, src collect.Source, q query.Survey, depth collect.Depth, o collect.Options) (*estate.Estate, *identity.PrincipalKey, error) {
	scope := collect.Scope{Who: q.Who, Below: q.Scan, WorkspaceURLs: q.WorkspaceURLs}
	e, key, err := collect.Survey(ctx, src, scope, depth, o)
	if err != nil || q.Who == "" {
		return e, nil, err
	}
	return e, &key, nil
}

// candidates are the workspaces from which a question about a securable is asked: the running ones
// that have its metastore, or those of the addresses.
func candidates(e *estate.Estate, on identity.Securable, urls []string) []identity.WorkspaceID {
	var ids []identity.WorkspaceID
	for _, w := range e.Workspaces() {
		attached := slices.Contains(e.MetastoreWorkspaces(on.Metastore), w.ID)
		asked := slices.ContainsFunc(urls, func(u string) bool { return collect.Means(u, w) })
		if asked || len(urls) == 0 && attached && w.Running() {
			ids = append(ids, w.ID)
		}
	}
	return ids
}

// sign fills the envelope of an answer, and keeps what it rests on.
func (g *Engine) sign(head *report.Envelope, req query.Request, e *estate.Estate, src collect.Source) {
	g.signFacts(head, req, e)
	head.Coverage.APICalls = cost(src.Calls())
	g.keep(e, head.Mode)
}

// keep hands on the facts that the answer to a question rests on.
func (g *Engine) keep(e *estate.Estate, question string) {
	if g.o.Keep != nil {
		g.o.Keep(&Snapshot{e, snapshot.About{Tool: g.o.Version, SavedAt: g.o.Now().UTC(), Question: question, Gzip: true}})
	}
}

// signFacts fills what of the envelope follows from the facts.
func (g *Engine) signFacts(head *report.Envelope, req query.Request, e *estate.Estate) {
	head.Mode = req.Mode()
	head.SchemaVersion = report.SchemaVersion
	head.ToolVersion = g.o.Version
	head.AccountID = e.AccountID()
	head.GeneratedAt = g.o.Now().UTC()
	oldest, newest := e.Window()
	head.FactsReadAt = report.FactsReadAt{Oldest: oldest.UTC(), Newest: newest.UTC()}
	head.Request = req
	if head.Mode != (query.Doctor{}).Mode() && head.Mode != SnapshotMode { // which decide nothing
		head.Options = g.o.Rules.Chosen()
	}
	head.Interrupted = e.Interrupted()
	head.Coverage = coverage(e, restsOn[head.Mode])
}

// coverage turns the ledger into what reports say of it.
func coverage(e *estate.Estate, lists map[string][]estate.Op) report.Coverage {
	c := report.Coverage{Complete: true, Gaps: []report.Gap{}}
	for _, r := range e.Reads() {
		if r.Outcome.Needed {
			c.Planned++
		}
		if r.Outcome.OK() {
			c.Read++
			continue
		}
		gap := report.Gap{
			Scope: e.Scope(r.Key), Operation: e.Operation(r.Key),
			Kind: r.Outcome.Kind, Status: r.Outcome.Status, Message: r.Outcome.Message,
			Effect: e.Effect(r.Key), Affects: affects(r.Key, lists), Blocking: r.Blocking(),
		}
		if r.Outcome.Partial {
			gap.Message += " (part of it was read)"
		}
		c.Complete = c.Complete && !gap.Blocking
		c.Gaps = append(c.Gaps, gap)
	}
	return c
}

// doubt adds a gap for each grant of which it cannot be told whom it names, and which the list leaves out.
func doubt(c *report.Coverage, e *estate.Estate, grants []estate.Grant, list string) {
	for _, g := range grants {
		on := g.Securable.Type.Title() + " " + g.Securable.FullName()
		c.Complete = false
		c.Gaps = append(c.Gaps, report.Gap{
			Scope: "metastore " + e.MetastoreName(g.Securable.Metastore), Operation: "tell whom a grant on " + on + " names",
			Kind: identity.Failed, Message: fmt.Sprintf("several principals are called %q", g.Holder.Name),
			Effect:  "whether the grant is the subject's is not known; it is not listed",
			Affects: []string{list}, Blocking: true,
		})
	}
}

// affects names those of the lists from which something may be missing without the read.
func affects(k estate.ReadKey, lists map[string][]estate.Op) []string {
	affected := []string{} // null would stand for all
	for list, ops := range lists {
		if slices.Contains(ops, k.Op) {
			affected = append(affected, list)
		}
	}
	slices.Sort(affected)
	return affected
}

// restsOn says for each mode which reads each list of its report is made from.
var restsOn = map[string]map[string][]estate.Op{
	query.Principal{}.Mode(): {
		report.ListMemberships: identities,
		report.ListWorkspaces:  slices.Concat(identities, places, []estate.Op{estate.OpAssignments}),
		report.ListRoles:       slices.Concat(identities, places, []estate.Op{estate.OpPrincipal, estate.OpAssignments, estate.OpMetastores}),
		report.ListGrants:      slices.Concat(identities, places, securables),
		report.ListObjects:     objectReads,
		report.ListLocalGroups: localGroupReads,
		report.ListStale:       {estate.OpUses},
	},
	query.Compare{}.Mode(): {
		report.ListGroups:     identities,
		report.ListWorkspaces: slices.Concat(identities, places, []estate.Op{estate.OpAssignments}),
		report.ListRoles:      slices.Concat(identities, places, []estate.Op{estate.OpPrincipal, estate.OpAssignments, estate.OpMetastores}),
		report.ListAccess:     slices.Concat(identities, places, securables, []estate.Op{estate.OpAssignments, estate.OpPrincipal}),
		report.ListObjects:    objectReads,
	},
	query.Group{}.Mode(): {
		report.ListMembers:            membersReads,
		report.ListAncestors:          identities,
		report.ListWorkspaces:         slices.Concat(identities, places, []estate.Op{estate.OpAssignments}),
		report.ListRoles:              slices.Concat(identities, places, []estate.Op{estate.OpAssignments, estate.OpMetastores}),
		report.ListGrants:             slices.Concat(membersReads, places, securables),
		report.ListRedundancies:       everything,
		report.ListObjects:            slices.Concat(membersReads, objectReads),
		report.ListObjectRedundancies: slices.Concat(membersReads, objectReads),
		report.ListLocalGroups:        localGroupReads,
		report.ListStale:              {estate.OpUses},
	},
	query.Clone{}.Mode():    {report.ListActions: everything, report.ListGains: everything},
	query.WhatIf{}.Mode():   {report.ListGains: everything, report.ListLosses: everything},
	query.Can{}.Mode():      {report.ListProofs: everything},
	query.Resource{}.Mode(): {report.ListAccess: everything, report.ListIndirect: everything},
	query.Roles{}.Mode(): {
		report.ListHeldRoles:         everything,
		report.ListWorkspaceSettings: slices.Concat(identities, places, []estate.Op{estate.OpAssignments, estate.OpRestrictAdmins}),
		report.ListMetastoreAdmins:   slices.Concat(identities, places, []estate.Op{estate.OpMetastores}),
		report.ListWorkspaceCatalogs: slices.Concat(places, securables),
	},
	query.Escalations{}.Mode(): {report.ListFindings: everything, report.ListPowers: everything},
	VerifyMode:                 {report.ListCheckedProofs: everything},
	SnapshotMode:               {report.ListCounts: everything},
}

// The reads that several lists are made from.
var (
	everything = slices.Concat(identities, places, securables, []estate.Op{
		estate.OpHolder, estate.OpPrincipals, estate.OpPrincipal, estate.OpAssignments, estate.OpLookup, estate.OpSecurable, estate.OpPolicies,
		estate.OpRoles, estate.OpEntitlements, estate.OpObjects, estate.OpObject, estate.OpObjectGrants, estate.OpDirectory, estate.OpRestrictAdmins,
	})
	identities = []estate.Op{estate.OpFindPrincipal, estate.OpAliases, estate.OpGroups, estate.OpParents, estate.OpMembers}
	// A member whose record was not read has no name under which its grants could be found.
	membersReads = slices.Concat(identities, []estate.Op{estate.OpPrincipals, estate.OpPrincipal})
	places       = []estate.Op{estate.OpReach, estate.OpWorkspaces}
	// Lists of permissions name groups of the workspace, which its entitlements tell from others.
	objectReads = slices.Concat(identities, places, []estate.Op{
		estate.OpPrincipal, estate.OpAssignments, estate.OpEntitlements, estate.OpObjects, estate.OpObjectGrants, estate.OpDirectory,
	})
	localGroupReads = slices.Concat(places, []estate.Op{estate.OpEntitlements, estate.OpMembers, estate.OpGroups})
	securables      = []estate.Op{
		estate.OpMetastores, estate.OpMetastoreWorkspaces, estate.OpPrivilegeModel, estate.OpVisibility, estate.OpChildren,
		estate.OpGrants, estate.OpBindings,
	}
)

func cost(calls map[string]int) report.APICalls {
	c := report.APICalls{ByEndpoint: calls}
	for _, n := range calls {
		c.Total += n
	}
	return c
}
