package core

import (
	"context"
	"fmt"
	"slices"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// Options are what an Engine is made of.
type Options struct {
	// Open gives a Source for one question; its calls are what that question cost.
	Open func() collect.Source
	// Credentials say whose eyes the engine sees with; doctor reports them.
	Credentials report.Credentials
	// Version is the program's, for the reports.
	Version string
	// Workers is how many reads run at once; zero means the collector's default.
	Workers int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Engine answers questions about one account. It is safe for concurrent use.
type Engine struct{ o Options }

// New makes an engine.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
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
	options := collect.Options{Workers: g.o.Workers, Now: g.o.Now, Progress: progress}
	switch q := req.(type) {
	case query.Principal:
		scope := collect.Scope{Who: q.Who, Below: q.Scan, WorkspaceURLs: q.WorkspaceURLs}
		e, subject, err := collect.Principal(ctx, src, scope, options)
		if err != nil {
			return nil, err
		}
		r := access.Principal(e, subject)
		g.sign(&r.Envelope, req, e, src)
		doubt(&r.Coverage, e, access.Doubts(e, subject))
		return r, nil
	case query.Can:
		r, e, err := g.can(ctx, src, q, options)
		if err != nil {
			return nil, err
		}
		g.sign(&r.Envelope, req, e, src)
		return r, nil
	case query.Resource:
		target := collect.Target{Parts: q.Parts, Type: q.Type, Metastore: q.Metastore}
		e, on, err := collect.Resource(ctx, src, collect.Scope{WorkspaceURLs: q.WorkspaceURLs}, target, !q.Groups, options)
		if err != nil {
			return nil, err
		}
		r := access.Resource(e, on, candidates(e, on, q.WorkspaceURLs), !q.Groups)
		g.sign(&r.Envelope, req, e, src)
		return r, nil
	case query.Doctor:
		e, caller := collect.Probe(ctx, src, options)
		r := examine(e, caller)
		r.Credentials = g.credentials(r.Credentials)
		g.sign(&r.Envelope, req, e, src)
		return r, nil
	default:
		return nil, fmt.Errorf("no answer to questions of mode %q", req.Mode())
	}
}

// can answers whether one principal can do something on one securable.
func (g *Engine) can(ctx context.Context, src collect.Source, q query.Can, o collect.Options) (*report.CanReport, *estate.Estate, error) {
	scope := collect.Scope{Who: q.Who, WorkspaceURLs: q.WorkspaceURLs}
	e, subject, on, err := collect.Can(ctx, src, scope, collect.Target{Parts: q.Parts, Type: q.Type, Metastore: q.Metastore}, o)
	if err != nil {
		return nil, nil, err
	}
	p, ok := q.PrivilegeOn(on.Type)
	if !ok {
		return nil, nil, &query.UsageError{
			Problem: fmt.Sprintf("%s means nothing on a %s", q.Action, on.Type.Title()), Hint: "name a privilege, such as USE CATALOG",
		}
	}
	r := access.Can(e, subject, p, on, candidates(e, on, q.WorkspaceURLs))
	return r, e, nil
}

// candidates are the workspaces from which a question about a securable is asked: the running ones
// that have its metastore, or those of the addresses.
func candidates(e *estate.Estate, on identity.Securable, urls []string) []identity.WorkspaceID {
	var ids []identity.WorkspaceID
	for _, w := range e.Workspaces() {
		attached := slices.Contains(e.MetastoreWorkspaces(on.Metastore), w.ID)
		asked := slices.ContainsFunc(urls, func(u string) bool { return collect.SameHost(u, w.Host) })
		if asked || len(urls) == 0 && attached && w.Running() {
			ids = append(ids, w.ID)
		}
	}
	return ids
}

// sign fills the envelope of an answer.
func (g *Engine) sign(head *report.Envelope, req query.Request, e *estate.Estate, src collect.Source) {
	head.Mode = req.Mode()
	head.SchemaVersion = report.SchemaVersion
	head.ToolVersion = g.o.Version
	head.AccountID = e.AccountID()
	head.GeneratedAt = g.o.Now().UTC()
	oldest, newest := e.Window()
	head.FactsReadAt = report.FactsReadAt{Oldest: oldest.UTC(), Newest: newest.UTC()}
	head.Request = req
	head.Interrupted = e.Interrupted()
	head.Coverage = coverage(e, lists[head.Mode])
	head.Coverage.APICalls = cost(src.Calls())
}

// lists are the lists of each mode's report that a gap can put in doubt.
var lists = map[string][]string{
	query.Principal{}.Mode(): {report.ListMemberships, report.ListWorkspaces, report.ListGrants, report.ListRoles, report.ListObjects},
	query.Can{}.Mode():       {report.ListProofs},
	query.Resource{}.Mode():  {report.ListAccess, report.ListIndirect},
}

// coverage turns the ledger into what reports say of it.
func coverage(e *estate.Estate, lists []string) report.Coverage {
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

// doubt adds a gap for each grant of which it cannot be told whom it names.
func doubt(c *report.Coverage, e *estate.Estate, grants []estate.Grant) {
	for _, g := range grants {
		on := g.Securable.Type.Title() + " " + g.Securable.FullName()
		c.Complete = false
		c.Gaps = append(c.Gaps, report.Gap{
			Scope: "metastore " + e.MetastoreName(g.Securable.Metastore), Operation: "tell whom a grant on " + on + " names",
			Kind: identity.Failed, Message: fmt.Sprintf("several principals are called %q", g.Holder.Name),
			Effect:  "whether the grant is the subject's is not known; it is not listed",
			Affects: []string{report.ListGrants}, Blocking: true,
		})
	}
}

// affects names those of the lists from which something may be missing without the read.
func affects(k estate.ReadKey, lists []string) []string {
	affected := []string{} // null would stand for all
	for _, list := range lists {
		if slices.Contains(restsOn[list], k.Op) {
			affected = append(affected, list)
		}
	}
	return affected
}

// restsOn says which reads each list of a report is made from.
var restsOn = map[string][]estate.Op{
	report.ListMemberships: identities,
	report.ListWorkspaces:  slices.Concat(identities, places, []estate.Op{estate.OpAssignments}),
	report.ListRoles:       slices.Concat(identities, places, []estate.Op{estate.OpPrincipal, estate.OpAssignments, estate.OpMetastores}),
	report.ListGrants:      slices.Concat(identities, places, securables),
	report.ListProofs:      slices.Concat(identities, places, securables, []estate.Op{estate.OpPrincipal, estate.OpAssignments, estate.OpLookup, estate.OpSecurable, estate.OpPolicies}),
	report.ListAccess:      whoReaches,
	report.ListIndirect:    whoReaches,
	report.ListObjects:     {estate.OpObjects},
}

// The reads that several lists are made from.
var (
	whoReaches = slices.Concat(identities, places, securables, []estate.Op{
		estate.OpHolder, estate.OpPrincipals, estate.OpPrincipal, estate.OpAssignments, estate.OpLookup, estate.OpSecurable, estate.OpPolicies,
	})
	identities = []estate.Op{estate.OpFindPrincipal, estate.OpAliases, estate.OpGroups, estate.OpParents, estate.OpMembers}
	places     = []estate.Op{estate.OpReach, estate.OpWorkspaces}
	securables = []estate.Op{
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
