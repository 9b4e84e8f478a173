package collect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// maxDoors is how many workspaces are tried to get into a metastore before giving up.
const maxDoors = 5

// besideCatalogs are the listings directly under a metastore, other than catalogs.
var besideCatalogs = []identity.SecurableType{
	identity.TypeExternalLocation, identity.AnyCredential, identity.TypeConnection,
	identity.TypeShare, identity.TypeRecipient, identity.TypeProvider,
}

// inSchemas are the listings in a schema.
var inSchemas = []identity.SecurableType{
	identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel,
}

// crawlMetastores reads each metastore once, through one of its workspaces: what is in it does not
// depend on the workspace that asks.
func (c *crawler) crawlMetastores() {
	for _, m := range c.metastores {
		c.q.add(func(ctx context.Context) {
			v := c.metastore(ctx, m)
			if catalogs, ok := v.enter(ctx); ok {
				v.plan(catalogs)
			}
		})
	}
}

// metastore is the crawl of one metastore.
type metastore struct {
	*crawler
	m        identity.Metastore
	self     identity.Securable
	attached []identity.WorkspaceID
	unknown  error              // why attached may lack some
	door     identity.Workspace // through which it is read
	onHolder func(name string)  // hears of every name that a fact bears; may be nil

	containers memo[identity.Securable, identity.Workspace] // through which what is in them is read
	granted    sync.Map                                     // securables whose grants are planned
	based      sync.Map                                     // securables that views and functions are made from
	locations  memo[struct{}, []identity.SecurableInfo]     // the external locations
	kept       sync.Map                                     // external locations whose bindings are planned
	policed    memo[bearer, []identity.Policy]              // the attribute-based policies
}

// bearer is what bears the policies of securables of a type: themselves, or the schema that they are in. All
// of a type in one schema have the same then, tables aside.
//
// https://docs.databricks.com/api/workspace/policies/listpolicies
type bearer struct {
	on identity.Securable
	of identity.SecurableType
}

// metastore finds out where a metastore is attached.
func (c *crawler) metastore(ctx context.Context, m identity.Metastore) *metastore {
	self := identity.MetastoreSecurable(m.ID)
	ids, err := c.src.MetastoreWorkspaces(ctx, m.ID)
	c.note(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: self}, err)
	for _, id := range ids {
		c.b.AttachMetastore(m.ID, id)
		if c.listed != nil && !c.listed[id] && c.src.Reach().WholeAccount {
			c.note(estate.ReadKey{Op: estate.OpAssignments, Workspace: id}, &identity.Failure{Kind: identity.NotFound,
				Message: fmt.Sprintf("metastore %s is attached to it, but the list of workspaces does not have it", m.Name)})
		}
	}
	return &metastore{crawler: c, m: m, self: self, attached: ids, unknown: err}
}

// doors are the workspaces through which the metastore can be read.
func (v *metastore) doors() []identity.Workspace {
	doors := slices.DeleteFunc(slices.Clone(v.workspaces), func(w identity.Workspace) bool {
		return !w.Running() || w.Host == "" || !slices.Contains(v.attached, w.ID)
	})
	slices.SortFunc(doors, identity.Workspace.Compare)
	return doors
}

// enter lists the catalogs through the first workspace that lets us. It reports false when none
// does; the ledger then says why.
func (v *metastore) enter(ctx context.Context) ([]identity.SecurableInfo, bool) {
	key := estate.ReadKey{Op: estate.OpChildren, Securable: v.self, Type: identity.TypeCatalog}
	doors := v.doors()
	if len(doors) == 0 {
		v.remark(key, v.closed(), "no workspace to read it through: it is attached to none that is running and asked for")
		return nil, false
	}
	var catalogs []identity.SecurableInfo
	var err error
	tried := doors[:min(len(doors), maxDoors)]
	for _, v.door = range tried {
		catalogs, err = v.src.Children(ctx, v.door, v.self, identity.TypeCatalog)
		if err == nil || len(catalogs) > 0 || ctx.Err() != nil {
			break
		}
	}
	v.note(key, err)
	return catalogs, err == nil || len(catalogs) > 0
}

// closed is why there is no door.
func (v *metastore) closed() identity.FailureKind {
	for _, w := range v.workspaces {
		if slices.Contains(v.attached, w.ID) && !w.Running() {
			return identity.NotRunning
		}
	}
	if len(v.attached) > 0 && len(v.scope.WorkspaceURLs) > 0 {
		return identity.NotAsked
	}
	return identity.Unsupported
}

// plan plans the reads of everything in the metastore.
func (v *metastore) plan(catalogs []identity.SecurableInfo) {
	v.q.addTo(lane{metastore: v.m.ID}, func(ctx context.Context) {
		v.complete(ctx)
		v.checkVisibility(ctx, v.m, v.door)
	})
	v.grants(v.self, v.door)
	for _, t := range besideCatalogs {
		v.list(v.door, v.self, t, func(s identity.SecurableInfo) { v.beside(s) })
	}
	for _, s := range catalogs {
		v.b.AddSecurable(s)
		v.meetNames(v.door, s.Owner)
		v.catalog(s)
	}
}

// complete reads what the list of metastores left out, if it left something out.
func (v *metastore) complete(ctx context.Context) {
	if v.m.PrivilegeModel != "" && v.m.Owner != "" {
		return
	}
	m, err := v.src.Metastore(ctx, v.door)
	if v.m.PrivilegeModel == "" {
		v.note(estate.ReadKey{Op: estate.OpPrivilegeModel, Securable: v.self}, err)
	}
	if err != nil || m.ID != v.m.ID {
		return
	}
	v.m.PrivilegeModel = cmp.Or(v.m.PrivilegeModel, m.PrivilegeModel)
	v.m.Owner = cmp.Or(v.m.Owner, m.Owner)
	v.m.ExternalAccess = cmp.Or(v.m.ExternalAccess, m.ExternalAccess)
	v.b.AddMetastore(v.m)
}

// list reads one listing and goes on with each item.
func (v *metastore) list(at identity.Workspace, parent identity.Securable, t identity.SecurableType, each func(identity.SecurableInfo)) {
	v.q.addTo(lane{metastore: v.m.ID}, func(ctx context.Context) {
		items, err := v.src.Children(ctx, at, parent, t)
		key := estate.ReadKey{Op: estate.OpChildren, Securable: parent, Type: t}
		if identity.IsKind(err, identity.Unsupported) && t.UnderMetastore() {
			v.remark(key, identity.Unsupported, identity.FailureOf(err).Message) // a feature that is off holds nothing
		} else {
			v.note(key, err)
		}
		for _, s := range items {
			v.b.AddSecurable(s)
			v.meetNames(at, s.Owner)
			each(s)
		}
	})
}

// grants reads the direct grants on a securable.
func (v *metastore) grants(on identity.Securable, at identity.Workspace) {
	v.q.addTo(lane{metastore: v.m.ID}, func(ctx context.Context) {
		grants, err := v.src.Grants(ctx, at, on)
		v.note(estate.ReadKey{Op: estate.OpGrants, Securable: on}, err)
		v.b.AddGrants(on, grants)
		for _, g := range grants {
			v.meetNames(at, g.Holder)
			v.hear(g.Holder)
		}
	})
}

// policies reads the attribute-based policies that hold on a securable.
func (v *metastore) policies(on identity.Securable, at identity.Workspace) {
	by := bearer{on, on.Type}
	if on.Type.InSchema() && on.Type != identity.TypeTable {
		by.on, _ = on.Parent()
	}
	v.q.addTo(lane{metastore: v.m.ID}, func(ctx context.Context) {
		policies, err := v.policed.get(by, func() ([]identity.Policy, error) { return v.src.Policies(ctx, at, on) })
		v.note(estate.ReadKey{Op: estate.OpPolicies, Securable: on}, err)
		v.b.AddPolicies(on, policies)
	})
}

// held reads who holds something on a securable: the grants and, where the scope has them, the policies.
func (v *metastore) held(on identity.Securable, at identity.Workspace) {
	v.grants(on, at)
	if v.scope.Policies {
		v.policies(on, at)
	}
}

func (v *metastore) hear(name string) {
	if v.onHolder != nil {
		v.onHolder(name)
	}
}

// beside goes on from a securable that stands beside the catalogs. Shares are granted to
// recipients, and recipients and providers to nobody: of these only the owner says who has access.
func (v *metastore) beside(s identity.SecurableInfo) {
	if s.Type == identity.TypeShare || s.Type == identity.TypeRecipient || s.Type == identity.TypeProvider {
		return
	}
	v.grants(s.Securable, v.door)
	if s.Isolation == identity.Isolated {
		v.q.addTo(lane{metastore: v.m.ID}, func(ctx context.Context) { v.bindings(ctx, s.Securable) })
	}
}

func (v *metastore) bindings(ctx context.Context, on identity.Securable) []identity.Binding {
	bindings, err := v.src.Bindings(ctx, v.door, on)
	v.note(estate.ReadKey{Op: estate.OpBindings, Securable: on}, err)
	v.b.AddBindings(on, bindings)
	return bindings
}

// internalCatalog is Databricks' own and holds nothing that can be granted.
const internalCatalog = "__databricks_internal"

// catalog goes on from a catalog. An isolated one is read through a workspace that it is bound to,
// since its children cannot be listed from elsewhere.
func (v *metastore) catalog(s identity.SecurableInfo) {
	switch {
	case s.Catalog == internalCatalog:
		v.remark(estate.ReadKey{Op: estate.OpGrants, Securable: s.Securable}, identity.NotAsked, "internal to Databricks")
	case s.Isolation != identity.Isolated:
		v.held(s.Securable, v.door)
		v.below(s, v.door)
	default:
		v.q.addTo(lane{metastore: v.m.ID}, func(ctx context.Context) {
			bindings := v.bindings(ctx, s.Securable)
			at := v.doorOf(bindings)
			v.held(s.Securable, at)
			if kind, reason := v.outOfReach(bindings); kind != "" {
				v.remark(estate.ReadKey{Op: estate.OpChildren, Securable: s.Securable, Type: identity.TypeSchema}, kind, reason)
				return
			}
			v.below(s, at)
		})
	}
}

// doorOf picks the workspace through which to read what is bound: our door if it may, else the
// first that may, else our door all the same, to have a named failure.
func (v *metastore) doorOf(bindings []identity.Binding) identity.Workspace {
	bound := func(w identity.Workspace) bool {
		return slices.ContainsFunc(bindings, func(b identity.Binding) bool { return b.Workspace == w.ID })
	}
	if bound(v.door) {
		return v.door
	}
	for _, w := range v.doors() {
		if bound(w) {
			return w
		}
	}
	return v.door
}

// outOfReach says why what is in an isolated catalog is not looked at: it is bound to workspaces, but
// to none that is asked for, or to none that is running. Nobody can use it from there now. A catalog
// that is bound to nothing is tried all the same, to have a named failure.
func (v *metastore) outOfReach(bindings []identity.Binding) (kind identity.FailureKind, reason string) {
	for _, b := range bindings {
		i := slices.IndexFunc(v.workspaces, func(w identity.Workspace) bool { return w.ID == b.Workspace })
		switch {
		case i >= 0 && v.workspaces[i].Running():
			return "", ""
		case i >= 0:
			kind, reason = identity.NotRunning, "it is bound to no workspace that is running"
		case kind == "":
			kind, reason = identity.NotAsked, "it is bound to no workspace that is asked for"
		}
	}
	return kind, reason
}

// informationSchema is in every catalog, read-only, and shows each reader what that reader may see.
const informationSchema = "information_schema"

// below goes on into a catalog, as deep as was asked for.
func (v *metastore) below(catalog identity.SecurableInfo, at identity.Workspace) {
	if !v.scope.in(identity.TypeSchema) {
		return
	}
	v.list(at, catalog.Securable, identity.TypeSchema, func(s identity.SecurableInfo) {
		if s.Schema == informationSchema {
			v.remark(estate.ReadKey{Op: estate.OpGrants, Securable: identity.Securable{Metastore: s.Metastore, Type: identity.TypeSchema, Schema: informationSchema}},
				identity.NotAsked, "every catalog has one, and it shows each reader only what that reader may see")
			return
		}
		v.held(s.Securable, at)
		for _, t := range inSchemas {
			if v.scope.in(t) {
				v.list(at, s.Securable, t, func(o identity.SecurableInfo) { v.held(o.Securable, at) })
			}
		}
	})
}
