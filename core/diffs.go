package core

import (
	"context"
	"errors"
	"fmt"

	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/diff"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// DiffMode is the name of the report that Diff, Since and Against make.
const DiffMode = "diff"

// origin is what reports call where the later facts come from.
func origin(src collect.Source) string {
	if _, saved := src.(aged); saved {
		return "saved facts"
	}
	return "live account"
}

// BaselineError says that a file does not hold what a question would be compared with.
type BaselineError struct{ Why string }

// Error says what to do next.
func (e *BaselineError) Error() string { return e.Why }

// comparison is what was compared, as reports echo it.
type comparison struct {
	ReportMode string `json:"mode"`
	Before     string `json:"before"`
	After      string `json:"after"`
	// Question is what both were read for; null for whole files.
	Question query.Request `json:"question"`
}

// Mode is "diff".
func (comparison) Mode() string { return DiffMode }

// Baselines are the questions whose facts can be compared with those of a file.
func Baselines() []string {
	return []string{query.Principal{}.Mode(), query.Resource{}.Mode(), query.Roles{}.Mode(), query.Escalations{}.Mode()}
}

// Diff compares two files. It reads nothing else.
func (g *Engine) Diff(before, after *Saved) *report.DiffReport {
	r := diff.Between(before.e, after.e, diff.Options{Rules: g.o.Rules})
	before.sign(&r.Before)
	after.sign(&r.After)
	g.signDiff(r, comparison{DiffMode, before.Name, after.Name, nil}, map[string]int{})
	return r
}

// Since compares a file that Snapshot wrote with the account as it is now. The error is a
// *BaselineError when the file holds something else than a whole account, or those of Answer.
func (g *Engine) Since(ctx context.Context, before *Saved, progress Progress) (*report.DiffReport, error) {
	if before.about.Question != SnapshotMode {
		return nil, &BaselineError{fmt.Sprintf("%s holds what the question %q needed, not a whole account: ask that question with --baseline %s, or compare it with another file", before.Name, before.about.Question, before.Name)}
	}
	src := g.o.Open()
	if r := g.otherAccount(before, src, nil); r != nil {
		return r, nil
	}
	e, err := g.everything(ctx, src, progress)
	if err != nil {
		return nil, err
	}
	return g.compare(before, before.e, e, src, SnapshotMode, nil, diff.Options{}), nil
}

// Against puts a question to the account and to a file, and compares the facts that the two answers
// rest on. The question must be one of Baselines. The error is a *BaselineError when the file does not
// hold an answer, or those of Answer.
func (g *Engine) Against(ctx context.Context, req query.Request, baseline *Saved, progress Progress) (*report.DiffReport, error) {
	src := g.o.Open()
	if r := g.otherAccount(baseline, src, req); r != nil {
		return r, nil
	}
	old := baseline.Open()
	now, about, err := g.facts(ctx, src, req, collect.Options{Workers: g.o.Workers, OnlyRunning: g.o.onlyRunning, Now: g.clock(src), Progress: progress})
	if err != nil {
		return nil, g.gone(ctx, old, req, err)
	}
	then, aboutThen, err := g.facts(ctx, old, req, collect.Options{Workers: g.o.Workers, OnlyRunning: g.o.onlyRunning, Now: g.clock(old)})
	if errors.As(err, new(*UnknownError)) && len(about.Subjects) > 0 { // under another name, perhaps
		then, aboutThen, err = g.facts(ctx, old, renamed(req, about.Subjects[0].ID), collect.Options{Workers: g.o.Workers, OnlyRunning: g.o.onlyRunning, Now: g.clock(old)})
	}
	if err != nil {
		return nil, &BaselineError{fmt.Sprintf("%s does not answer this question: %v; save one by the same question with --save-snapshot, or the whole account by snapshot save", baseline.Name, err)}
	}
	about.Subjects = append(about.Subjects, aboutThen.Subjects...)
	return g.compare(baseline, then, now, src, req.Mode(), req, about), nil
}

// gone is the error for somebody who is not in the account: the file may still have it.
func (g *Engine) gone(ctx context.Context, old collect.Source, req query.Request, err error) error {
	if !errors.As(err, new(*UnknownError)) {
		return err
	}
	if _, _, then := g.facts(ctx, old, req, collect.Options{Workers: g.o.Workers, OnlyRunning: g.o.onlyRunning, Now: g.clock(old)}); then != nil {
		return err
	}
	return fmt.Errorf("%w; the baseline has it: what went with it shows diff OLD", err)
}

// renamed is a question about the principal with an id.
func renamed(req query.Request, id string) query.Request {
	switch q := req.(type) {
	case query.Principal:
		q.Who = id
		return q
	case query.Roles:
		q.Who = id
		return q
	case query.Escalations:
		q.Who = id
		return q
	default:
		return req
	}
}

// facts reads what a question needs, and says what of it the question is about.
func (g *Engine) facts(ctx context.Context, src collect.Source, req query.Request, o collect.Options) (*estate.Estate, diff.Options, error) {
	surveyed := func(q query.Survey, depth collect.Depth) (*estate.Estate, diff.Options, error) {
		e, who, err := g.survey(ctx, src, q, depth, o)
		if err != nil || who == nil {
			return e, diff.Options{}, err
		}
		return e, diff.Options{Subjects: []identity.PrincipalKey{*who}}, nil
	}
	switch q := req.(type) {
	case query.Principal:
		if q.Escalations {
			e, who, err := collect.Survey(ctx, src, principalScope(q), escalationDepth(q), o)
			return e, diff.Options{Subjects: []identity.PrincipalKey{who}}, err
		}
		e, who, err := collect.Principal(ctx, src, principalScope(q), o)
		return e, diff.Options{Subjects: []identity.PrincipalKey{who}}, err
	case query.Resource:
		e, found, err := collect.Resource(ctx, src, collect.Scope{WorkspaceURLs: q.WorkspaceURLs}, target(q.Target), !q.Groups, o)
		return e, diff.Options{Target: found.Securable, Object: found.Object, Workspace: found.Workspace}, err
	case query.Roles:
		return surveyed(q.Survey, collect.Depth{Entry: true, Objects: q.Objects})
	case query.Escalations:
		return surveyed(q.Survey, collect.Depth{Delegations: true, Objects: q.Objects})
	default:
		return nil, diff.Options{}, &query.UsageError{Problem: fmt.Sprintf("%s has no baseline", req.Mode()), Hint: "compare whole snapshots by diff OLD NEW"}
	}
}

// otherAccount is the report where the file is of another account; nil where it is of this one.
func (g *Engine) otherAccount(before *Saved, src collect.Source, req query.Request) *report.DiffReport {
	here := src.Reach().AccountID
	if here == before.e.AccountID() {
		return nil
	}
	r := diff.Between(before.e, estate.NewBuilder(here).Build(), diff.Options{})
	before.sign(&r.Before)
	r.After.Source = origin(src)
	g.signDiff(r, comparison{DiffMode, before.Name, origin(src), req}, src.Calls())
	return r
}

// compare compares what was read now with what a file holds.
func (g *Engine) compare(baseline *Saved, then, now *estate.Estate, src collect.Source, question string, req query.Request, o diff.Options) *report.DiffReport {
	o.Rules = g.o.Rules
	r := diff.Between(then, now, o)
	baseline.sign(&r.Before)
	r.After.Source, r.After.Question = origin(src), question
	r.Interrupted = now.Interrupted()
	g.signDiff(r, comparison{DiffMode, baseline.Name, origin(src), req}, src.Calls())
	g.keep(now, question)
	return r
}

// signDiff fills the envelope of a comparison; what was not compared is its coverage.
func (g *Engine) signDiff(r *report.DiffReport, asked comparison, calls map[string]int) {
	r.Mode, r.SchemaVersion, r.ToolVersion = DiffMode, report.SchemaVersion, g.o.Version
	r.AccountID, r.GeneratedAt = r.After.AccountID, g.o.Now().UTC()
	r.FactsReadAt = report.FactsReadAt{Oldest: r.Before.Oldest, Newest: r.After.At}
	r.Request, r.Options = asked, g.o.Rules.Chosen()
	r.Coverage.APICalls = cost(calls)
}
