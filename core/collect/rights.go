package collect

import (
	"context"
	"errors"
	"fmt"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Own is a Source that tells its caller of itself.
type Own interface {
	Source
	// Self finds the principal behind the credentials, where the configuration does not say by asking these workspaces.
	Self(ctx context.Context, workspaces []identity.Workspace) (identity.Principal, error)
	// Standing reads what the caller is in a workspace, by whatever way: WorkspaceNone if it may not enter.
	Standing(ctx context.Context, at identity.Workspace) (identity.WorkspacePermission, error)
}

// Errand is the reading for the question whether the caller may make some changes. It reads who the caller is, and of
// the rest what it is asked for: no listing of the account but that of its workspaces, and nothing is tried. It
// is not safe for concurrent use.
type Errand struct {
	*crawler
	own Own
	// Caller is whose credentials these are.
	Caller identity.Principal
	// doors are how the metastores are read, by their ids, and asked what was asked for already.
	doors map[string]*metastore
	asked map[any]bool
}

// first reports whether something is asked for the first time.
func (r *Errand) first(what any) bool {
	again := r.asked[what]
	r.asked[what] = true
	return !again
}

// OutsiderError says that the caller may not look anybody up in the account, itself included. Account admins may.
//
// https://docs.databricks.com/api/account/accountgroupsv2/list
type OutsiderError struct{ Cause error }

// Error is the refusal.
func (e *OutsiderError) Error() string { return e.Cause.Error() }

// Unwrap gives the refusal.
func (e *OutsiderError) Unwrap() error { return e.Cause }

// Rights begins an errand: two calls, and one more for a caller that is not account admin by itself. The error is that
// of finding out who the caller is, or an *OutsiderError.
func Rights(ctx context.Context, src Own, o Options) (*Errand, error) {
	c := newCrawler(src, Scope{}, o)
	_ = c.listWorkspaces(ctx) // it is in the ledger, and no addresses were asked for
	caller, err := src.Self(ctx, c.workspaces)
	if err != nil {
		// That no workspace lets it in says nothing of its roles in the account.
		_, search := src.FindPrincipals(ctx, identity.KindGroup, identity.Match{Field: identity.ByName, Value: identity.WorkspaceAdminsName})
		if f := identity.FailureOf(search); search != nil && f.Kind == identity.Forbidden && f.Status == 403 {
			return nil, &OutsiderError{search}
		}
		return nil, err
	}
	r := &Errand{crawler: c, own: src, Caller: caller, doors: map[string]*metastore{}, asked: map[any]bool{}}
	if !caller.HasRole(identity.RoleAccountAdmin) { // the record of a workspace has not the roles of the account
		p, err := src.Principal(ctx, caller.Key)
		c.note(estate.ReadKey{Op: estate.OpPrincipal, Principal: caller.Key}, err)
		if err == nil {
			r.Caller = p
		}
	}
	c.b.AddPrincipal(c.guests.recognise(r.Caller.Name, r.Caller))
	return r, nil
}

// Estate is what was read so far.
func (r *Errand) Estate(ctx context.Context) *estate.Estate {
	r.guests.finish(r.crawler)
	if errors.Is(ctx.Err(), context.Canceled) {
		r.b.Interrupted()
	}
	return r.b.Build()
}

// Read makes the reads that were asked for since the last time.
func (r *Errand) Read(ctx context.Context) { r.q.run(ctx, r.workers) }

// Memberships asks for the groups above the caller: one call, and one for each. Where the account has no call for that,
// they stay unknown: the members of every group would have to be read.
func (r *Errand) Memberships() {
	if !r.first(r.Caller.Key) {
		return
	}
	r.q.add(func(ctx context.Context) {
		r.above(ctx, r.Caller.Key)
		for _, other := range r.otherRecords(ctx, r.Caller) {
			r.b.AddPrincipal(other)
			r.b.AddSamePerson(r.Caller.Key, other.Key)
			r.guests.confirm(r.Caller.Key, other.Name)
			r.above(ctx, other.Key)
		}
	})
}

func (r *Errand) above(ctx context.Context, k identity.PrincipalKey) {
	groups, err := r.parentGroups(ctx, k)
	r.note(estate.ReadKey{Op: estate.OpParents, Principal: k}, err)
	for _, g := range groups {
		r.b.AddAncestor(k, g)
		r.planGroup(g)
	}
}

// ruleSet is that of a group, or of the account.
type ruleSet struct{ of identity.PrincipalKey }

// Managers asks who may manage a group, and who all groups: a call each.
func (r *Errand) Managers(group identity.Principal) {
	for _, p := range []identity.Principal{group, {}} {
		if r.first(ruleSet{p.Key}) {
			r.q.add(func(ctx context.Context) { r.roles(ctx, p) })
		}
	}
}

// Standing asks what the caller is in a workspace: one call. For the caller it is as good as an assignment of its own.
func (r *Errand) Standing(id identity.WorkspaceID) {
	at := r.workspaceOf(id)
	if !open(at) || !r.first(id) {
		return
	}
	r.q.add(func(ctx context.Context) {
		p, err := r.own.Standing(ctx, at)
		r.note(estate.ReadKey{Op: estate.OpAssignments, Workspace: id}, err)
		if err == nil && p != identity.WorkspaceNone {
			r.b.AddAssignment(identity.Assignment{Workspace: id, Principal: r.Caller.Key, Name: r.Caller.Name, Permission: p})
		}
	})
}

// open reports whether a workspace can be asked anything.
func open(w identity.Workspace) bool { return w.Running() && w.Host != "" }

// Metastore asks who is admin of a metastore, through a workspace that has it: one call.
func (r *Errand) Metastore(id string, through identity.WorkspaceID) {
	at := r.workspaceOf(through)
	if r.doors[id] != nil || !open(at) {
		return
	}
	v := &metastore{crawler: r.crawler, m: identity.Metastore{ID: id}, self: identity.MetastoreSecurable(id), attached: []identity.WorkspaceID{through}, door: at}
	r.doors[id] = v
	r.q.add(func(ctx context.Context) {
		m, err := r.src.Metastore(ctx, at)
		if err == nil && m.ID != id {
			err = &identity.Failure{Kind: identity.NotFound, Message: fmt.Sprintf("workspace %s has another metastore by now", at.Name)}
		}
		r.note(estate.ReadKey{Op: estate.OpSecurable, Securable: v.self}, err)
		if err == nil {
			r.b.AddMetastore(m)
			r.meetNames(at, m.Owner)
		}
	})
}

// Lineage asks who owns a securable and what it is in, and who holds what there: two calls each. Metastore must have
// been asked before.
func (r *Errand) Lineage(on identity.Securable) {
	v := r.doors[on.Metastore]
	if v == nil {
		return
	}
	for s, ok := on, true; ok && s.Type != identity.TypeMetastore; s, ok = s.Parent() {
		if !r.first(s) {
			continue
		}
		v.q.addTo(lane{metastore: on.Metastore}, func(ctx context.Context) {
			info, err := r.src.Lookup(ctx, v.door, s)
			r.note(estate.ReadKey{Op: estate.OpSecurable, Securable: s}, err)
			if err == nil {
				v.seen(info)
			}
		})
		v.grantsOnce(s, v.door)
	}
}

// Permissions asks who may use an object: one call.
func (r *Errand) Permissions(o identity.Object) {
	at := r.workspaceOf(o.Workspace)
	if !open(at) || !r.first(o) {
		return
	}
	r.b.AddObject(identity.ObjectInfo{Object: o})
	r.q.add(func(ctx context.Context) { r.permissions(ctx, at, o) })
}
