package core

import (
	"context"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

func target(t query.Target) collect.Target {
	return collect.Target{Parts: t.Parts, Type: t.Type, Metastore: t.Metastore, Object: t.Object, Workspace: t.Workspace, Principal: t.Principal}
}

// can answers whether one principal can do something. What only some answers need is read when they
// turn out to need it: compute when the rest is there, ways through others when it is not.
func (g *Engine) can(ctx context.Context, src collect.Source, q query.Can, o collect.Options) (*report.CanReport, *estate.Estate, error) {
	where := target(q.Target)
	where.WithMetastore = q.Action.Registers()
	in, err := collect.Can(ctx, src, collect.Scope{Who: q.Who, WorkspaceURLs: q.WorkspaceURLs}, where, o)
	var ask func(*access.Model, bool) *report.CanReport
	if err == nil {
		ask, err = g.asking(q, in)
	}
	if err != nil {
		if q.Discreet && in != nil {
			g.readInVain(ctx, in, q)
		}
		return nil, nil, err
	}
	e := in.Estate(ctx)
	m := access.Over(e, g.o.Rules)
	r := ask(m, false)
	if q.Exercisable || q.Action.Creates() != "" {
		if there := worthLooking(m, in, q.WorkspaceURLs); len(there) > 0 {
			in.Equipment(ctx, there)
			e = in.Estate(ctx)
			m = access.Over(e, g.o.Rules)
		}
		r = ask(m, q.Exercisable)
	}
	if undecided := r.Verdict == report.Deny || r.Verdict == report.Unknown; undecided && m.Subject(in.Subject).Active() != access.Denied {
		g.readWays(ctx, in, m, q)
		if q.Objects.Asked {
			in.Steering(ctx, worthLooking(m, in, q.WorkspaceURLs), q.Objects.Types)
		}
		e = in.Estate(ctx)
		r = ask(access.Over(e, g.o.Rules), q.Exercisable)
	}
	return r, e, nil
}

// asking is the question, to be put to what was read so far.
func (g *Engine) asking(q query.Can, in *collect.Inquiry) (func(m *access.Model, exercisable bool) *report.CanReport, error) {
	switch {
	case q.Target.Principal:
		return func(m *access.Model, exercisable bool) *report.CanReport {
			return m.CanBe(in.Subject, in.Principal, access.Asked{From: running(m.Estate(), q.WorkspaceURLs), Exercisable: exercisable})
		}, nil
	case q.Action.Creates() != "":
		return func(m *access.Model, _ bool) *report.CanReport {
			return m.CanCreate(in.Subject, access.Creation(q.Action.Creates()), in.Workspace)
		}, nil
	case q.Target.Workspace:
		if !q.Action.Enters() {
			return nil, &query.UsageError{Problem: q.Action.String() + " means nothing on a workspace", Hint: "ask whether it can enter, or create cluster, warehouse or job there"}
		}
		return func(m *access.Model, exercisable bool) *report.CanReport {
			return m.CanEnter(in.Subject, in.Workspace, exercisable)
		}, nil
	case q.Target.Object != "":
		level, err := q.Action.At(in.Object.Type)
		if err != nil {
			return nil, err
		}
		return func(m *access.Model, exercisable bool) *report.CanReport {
			return m.CanOperate(in.Subject, level, in.Object, exercisable)
		}, nil
	}
	p, err := q.Action.On(in.On.Type)
	if err != nil {
		return nil, err
	}
	return func(m *access.Model, exercisable bool) *report.CanReport {
		asked := access.Asked{From: candidates(m.Estate(), in.On, q.WorkspaceURLs), Exercisable: exercisable}
		if q.Action.Registers() {
			return m.CanRegister(in.Subject, in.On, asked)
		}
		return m.Can(in.Subject, p, in.On, asked)
	}, nil
}

// readWays reads through whom the subject could come to it.
func (g *Engine) readWays(ctx context.Context, in *collect.Inquiry, m *access.Model, q query.Can) {
	admin := m.AdminOf(in.Subject, worthLooking(m, in, q.WorkspaceURLs))
	in.Ways(ctx, admin, m.Subject(in.Subject).IsAccountAdmin() != access.Denied)
}

// readInVain reads what would be read for a no, of a question that means nothing here: how long that takes must not tell that it
// means nothing.
func (g *Engine) readInVain(ctx context.Context, in *collect.Inquiry, q query.Can) {
	in.SubjectAlone(ctx, target(q.Target))
	m := access.Over(in.Estate(ctx), g.o.Rules)
	if q.Exercisable || q.Action.Creates() != "" {
		if there := worthLooking(m, in, q.WorkspaceURLs); len(there) > 0 {
			in.Equipment(ctx, there)
			m = access.Over(in.Estate(ctx), g.o.Rules)
		}
	}
	if m.Subject(in.Subject).Active() == access.Denied {
		return
	}
	g.readWays(ctx, in, m, q)
	if q.Objects.Asked {
		in.Steering(ctx, worthLooking(m, in, q.WorkspaceURLs), q.Objects.Types)
	}
}

// worthLooking are the workspaces in which what it takes to carry something out matters.
func worthLooking(m *access.Model, in *collect.Inquiry, urls []string) []identity.WorkspaceID {
	if in.Workspace != 0 {
		return []identity.WorkspaceID{in.Workspace}
	}
	if in.Object.Workspace != 0 {
		return []identity.WorkspaceID{in.Object.Workspace}
	}
	return slices.DeleteFunc(running(m.Estate(), urls), func(w identity.WorkspaceID) bool {
		_, assigned := m.Subject(in.Subject).Assigned(w)
		attached := in.On.Type == "" || slices.Contains(m.Estate().MetastoreWorkspaces(in.On.Metastore), w)
		return assigned == access.Denied || !attached
	})
}

// running are the running workspaces, or those of them that were asked about.
func running(e *estate.Estate, urls []string) []identity.WorkspaceID {
	var ids []identity.WorkspaceID
	for _, w := range e.Workspaces() {
		asked := len(urls) == 0 || slices.ContainsFunc(urls, func(u string) bool { return collect.Means(u, w) })
		if asked && w.Running() {
			ids = append(ids, w.ID)
		}
	}
	return ids
}

// oneSide leaves out the side of the answer that was not asked for.
func oneSide(r *report.CanReport, q query.Can) *report.CanReport {
	switch {
	case q.Why:
		r.Missing, r.Acts = nil, nil
	case q.WhyNot:
		r.Proofs = nil
	}
	return r
}

// whoReaches is the answer about what was found.
func whoReaches(m *access.Model, found collect.Found, q query.Resource) *report.ResourceReport {
	who := access.Who{Expand: !q.Groups, Privilege: q.Privilege}
	switch {
	case found.Workspace != 0:
		return m.WhoEnters(found.Workspace, who)
	case found.Object.Type != "":
		return m.WhoOperates(found.Object, who)
	default:
		who.From = candidates(m.Estate(), found.Securable, q.WorkspaceURLs)
		return m.Resource(found.Securable, who)
	}
}
