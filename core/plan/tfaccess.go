package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// tfObjects are the arguments of databricks_permissions that name an object, with the type of each.
//
// https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/permissions#type-argument
var tfObjects = map[string]identity.ObjectType{
	"cluster_id": identity.ObjectCluster, "cluster_policy_id": identity.ObjectClusterPolicy, "instance_pool_id": identity.ObjectInstancePool,
	"job_id": identity.ObjectJob, "pipeline_id": identity.ObjectPipeline, "sql_endpoint_id": identity.ObjectWarehouse,
	"sql_query_id": identity.ObjectQuery, "sql_alert_id": identity.ObjectAlert, "alert_v2_id": identity.ObjectAlertV2,
	"sql_dashboard_id": identity.ObjectLegacyDashboard, "dashboard_id": identity.ObjectDashboard, "experiment_id": identity.ObjectExperiment,
	"registered_model_id": identity.ObjectRegisteredModel, "serving_endpoint_id": identity.ObjectServing, "app_name": identity.ObjectApp,
	"vector_search_endpoint_id": identity.ObjectVectorSearch, "database_instance_name": identity.ObjectDatabase,
	"notebook_id": identity.ObjectNotebook, "directory_id": identity.ObjectDirectory, "workspace_file_id": identity.ObjectFile, "repo_id": identity.ObjectRepo,
}

// tfPaths are those that name what lies in a workspace's tree by its path.
var tfPaths = []string{"notebook_path", "directory_path", "workspace_file_path", "repo_path"}

// tfEntitlements are the arguments of databricks_entitlements.
//
// https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/entitlements#argument-reference
var tfEntitlements = map[string]identity.Entitlement{
	"allow_cluster_create": identity.AllowClusterCreate, "allow_instance_pool_create": identity.AllowPoolCreate,
	"databricks_sql_access": identity.SQLAccess, "workspace_access": identity.WorkspaceAccess, "workspace_consume": identity.ConsumerAccess,
}

// tfHolders are the arguments of databricks_entitlements that name the holder by id.
var tfHolders = map[string]identity.Kind{
	"user_id": identity.KindUser, "group_id": identity.KindGroup, "service_principal_id": identity.KindServicePrincipal,
}

// object is what a databricks_permissions is about.
func (v tfValues) object() (t identity.ObjectType, id string, err error) {
	if what := v.text("authorization"); what == string(identity.ObjectTokens) || what == string(identity.ObjectPasswords) {
		return identity.ObjectType(what), what, nil
	}
	for argument, t := range tfObjects {
		switch id := v.text(argument); {
		case id == "":
		case t.InTree():
			return "", "", inTree(argument)
		default:
			return t, id, nil
		}
	}
	for _, argument := range tfPaths {
		if v.text(argument) != "" {
			return "", "", inTree(argument)
		}
	}
	return "", "", &UnclearError{"the object is known only after it is made, or is of a type that is not looked at"}
}

// inTree says why the permissions on what lies in the tree of a workspace are not looked at.
func inTree(argument string) error {
	return &UnclearError{argument + " is not looked at: the tree of a workspace is not read for this, and what is given on a directory reaches what is in it"}
}

// Needs says what the plan is about that has to be read besides: entitlements, and which types of object.
func (p *TerraformPlan) Needs() (entitlements bool, objects []identity.ObjectType) {
	for _, r := range p.ResourceChanges {
		switch {
		case !r.matters():
		case r.Type == "databricks_entitlements":
			entitlements = true
		case r.Type == "databricks_secret_acl":
			objects = append(objects, identity.ObjectSecretScope)
		case r.Type == "databricks_permissions":
			for _, v := range []tfValues{r.Change.Before, r.Change.After} {
				if t, _, err := v.object(); err == nil {
					objects = append(objects, t)
				}
			}
		}
	}
	slices.Sort(objects)
	return entitlements, slices.Compact(objects)
}

// tfPermissions are the levels that a databricks_permissions gives and takes. It sets the whole list of an object: one that is
// made takes away what others were given, except what the provider leaves to admins and to whoever applies.
//
// https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/permissions
func (n Names) tfPermissions(p *TerraformPlan, r tfChange) ([]Change, error) {
	if v := r.Change.Before; r.Change.After == nil && v.text("pipeline_id") != "" {
		// https://github.com/databricks/terraform-provider-databricks/blob/main/permissions/resource_permissions.go
		return nil, &UnclearError{"the provider leaves the permissions on a pipeline as they are"}
	}
	was, before, err := n.tfLevels(p, r, r.Change.Before, Absent)
	if err != nil {
		return nil, err
	}
	on, after, err := n.tfLevels(p, r, r.Change.After, Present)
	if err != nil {
		return nil, err
	}
	if r.Change.After != nil && on != was {
		before = append(before, n.overwritten(on, after)...)
	}
	return net(before, after), nil
}

// overwritten are the levels given on an object itself that are lost when its list is set anew. Its owner stays where no other
// is named: which of them the provider makes owner is not known.
func (n Names) overwritten(on identity.Object, after []Change) []Change {
	owned := slices.ContainsFunc(after, func(c Change) bool { return c.After == Value(identity.IsOwner) })
	var all []Change
	for _, g := range n.E.ObjectGrants(on) {
		k := g.Holder.Key
		if k.IsZero() || g.From != "" || k == identity.WorkspaceAdmins(on.Workspace) || g.Level == identity.IsOwner && !owned {
			continue
		}
		all = append(all, n.Change(Cell{Kind: ObjectLevel, Holder: k, Object: on}, Absent))
	}
	return all
}

// tfLevels are the entries of a databricks_permissions, with the object that they are on.
func (n Names) tfLevels(p *TerraformPlan, r tfChange, v tfValues, value Value) (on identity.Object, all []Change, err error) {
	if v == nil {
		return on, nil, nil
	}
	t, id, err := v.object()
	if err != nil {
		return on, nil, err
	}
	if on, err = n.tfObject(p, r, v, t, id); err != nil {
		return on, nil, err
	}
	rows, _ := v["access_control"].([]any)
	for _, row := range rows {
		one, _ := row.(map[string]any)
		c, err := n.tfEntry(on, tfValues(one), value)
		if err != nil {
			return on, nil, err
		}
		// Of several levels the highest counts.
		i := slices.IndexFunc(all, func(o Change) bool { return o.Cell == c.Cell })
		switch {
		case i < 0:
			all = append(all, c)
		case t.Includes(identity.Level(c.After), identity.Level(all[i].After)):
			all[i] = c
		}
	}
	return on, all, nil
}

// tfEntry is one block access_control.
func (n Names) tfEntry(on identity.Object, v tfValues, value Value) (Change, error) {
	level := identity.Level(v.text("permission_level"))
	if !on.Type.Has(level) {
		return Change{}, &UnclearError{fmt.Sprintf("%q is no level of a %s", string(level), on.Type.Title())}
	}
	for argument, kind := range map[string]identity.Kind{"user_name": identity.KindUser, "group_name": identity.KindGroup, "service_principal_name": identity.KindServicePrincipal} {
		if name := v.text(argument); name != "" {
			return n.tfLevel(on, identity.PrincipalName{Kind: kind, Name: name}, level, value)
		}
	}
	return Change{}, &UnclearError{"somebody on the list is known only after it is made"}
}

// tfLevel is that somebody has a level on an object, or none.
func (n Names) tfLevel(on identity.Object, who identity.PrincipalName, level identity.Level, value Value) (Change, error) {
	h := n.E.ResolveIn(on.Workspace, who)
	switch {
	case h.Ambiguous:
		return Change{}, &UnclearError{fmt.Sprintf("more than one %s is called %q", who.Kind.Title(), who.Name)}
	case h.Key.IsZero():
		return Change{}, &UnclearError{fmt.Sprintf("no %s is called %q", who.Kind.Title(), who.Name)}
	}
	if value != Absent {
		value = Value(level)
	}
	return n.Change(Cell{Kind: ObjectLevel, Holder: h.Key, Object: on}, value), nil
}

// tfSecret is what a databricks_secret_acl gives.
//
// https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/secret_acl
func (n Names) tfSecret(p *TerraformPlan, r tfChange, v tfValues, value Value) ([]Change, error) {
	if v == nil {
		return nil, nil
	}
	scope, who, level := v.text("scope"), v.text("principal"), identity.Level(v.text("permission"))
	if scope == "" || who == "" {
		return nil, &UnclearError{"the scope or the principal is known only after it is made"}
	}
	if !identity.ObjectSecretScope.Has(level) {
		return nil, &UnclearError{fmt.Sprintf("%q is no level of a secret scope", string(level))}
	}
	on, err := n.tfObject(p, r, v, identity.ObjectSecretScope, scope)
	if err != nil {
		return nil, err
	}
	holder := identity.PrincipalName{Kind: identity.KindGroup, Name: who}
	if n.E.ResolveIn(on.Workspace, holder).Key.Workspace == 0 { // no group of the workspace itself
		k, err := n.Principal(who)
		if err != nil {
			return nil, err
		}
		found, _ := n.E.Principal(k)
		holder = identity.PrincipalName{Kind: k.Kind, Name: found.Name}
	}
	c, err := n.tfLevel(on, holder, level, value)
	return []Change{c}, err
}

// tfEntitled are the entitlements that a databricks_entitlements gives and takes. It sets all that its holder has itself.
//
// https://github.com/databricks/terraform-provider-databricks/blob/main/scim/resource_entitlement.go
func (n Names) tfEntitled(p *TerraformPlan, r tfChange) ([]Change, error) {
	was, before, err := n.tfEntitlements(p, r, r.Change.Before, Absent)
	if err != nil {
		return nil, err
	}
	of, after, err := n.tfEntitlements(p, r, r.Change.After, Present)
	if err != nil {
		return nil, err
	}
	if r.Change.After != nil && of != was {
		for _, x := range entitlements(n.E, of.Workspace, n.E.Canonical(of.Holder)) {
			of.Entitlement = x
			before = append(before, n.Change(of, Absent))
		}
	}
	return net(before, after), nil
}

// tfEntitlements are the entitlements that a resource lists, and the cell of their holder without any.
func (n Names) tfEntitlements(p *TerraformPlan, r tfChange, v tfValues, value Value) (of Cell, all []Change, err error) {
	if v == nil {
		return of, nil, nil
	}
	of.Kind = Entitled
	for argument, kind := range tfHolders {
		if id := v.text(argument); id != "" {
			if of.Holder, err = n.Principal(id, kind); err != nil {
				return of, nil, err
			}
		}
	}
	if of.Holder.IsZero() {
		return of, nil, &UnclearError{"the holder is known only after it is made"}
	}
	if of.Workspace, err = n.tfWorkspace(p, r, v); err != nil {
		return of, nil, err
	}
	for argument, x := range tfEntitlements {
		if has, _ := v[argument].(bool); has {
			c := of
			c.Entitlement = x
			all = append(all, n.Change(c, value))
		}
	}
	slices.SortFunc(all, func(a, b Change) int { return a.Cell.Compare(b.Cell) })
	return of, all, nil
}

// tfSaid is the workspace that a resource says it is in; zero where it does not say.
func (n Names) tfSaid(p *TerraformPlan, r tfChange, v tfValues) (identity.WorkspaceID, error) {
	text := ""
	if blocks, ok := v["provider_config"].([]any); ok && len(blocks) == 1 {
		one, _ := blocks[0].(map[string]any)
		text = tfValues(one).text("workspace_id")
	}
	_, host := p.provider(r)
	if text == "" && host == "" {
		return 0, nil
	}
	for _, w := range n.E.Workspaces() {
		if text != "" && w.ID.String() == text || text == "" && hostName(w.Host) == hostName(host) {
			return w.ID, nil
		}
	}
	return 0, &UnclearError{fmt.Sprintf("no workspace %s was seen", strconv.Quote(cmp.Or(text, host)))}
}

// hostName is an address without what may be left out.
func hostName(url string) string {
	return strings.TrimRight(strings.TrimPrefix(strings.ToLower(url), "https://"), "/")
}

// tfWorkspace is the workspace of a resource: the one that it says, or the only one that was asked about.
func (n Names) tfWorkspace(p *TerraformPlan, r tfChange, v tfValues) (identity.WorkspaceID, error) {
	said, err := n.tfSaid(p, r, v)
	if said != 0 || err != nil {
		return said, err
	}
	var asked []identity.WorkspaceID
	for _, w := range n.E.Workspaces() {
		if _, planned := n.E.Outcome(estate.ReadKey{Op: estate.OpEntitlements, Workspace: w.ID, Principal: identity.PrincipalKey{Kind: identity.KindUser}}); planned {
			asked = append(asked, w.ID)
		}
	}
	if len(asked) != 1 || p.unsaid() > 1 {
		return 0, &UnclearError{"it is not said in which workspace; ask about one with --workspace-urls, or give the provider its host"}
	}
	return asked[0], nil
}

// tfObject finds the object that an id means: in the workspace that is said, or else in the only one that has it.
func (n Names) tfObject(p *TerraformPlan, r tfChange, v tfValues, t identity.ObjectType, id string) (identity.Object, error) {
	said, err := n.tfSaid(p, r, v)
	if err != nil {
		return identity.Object{}, err
	}
	var found []identity.Object
	var unread []string
	for _, w := range n.E.Workspaces() {
		o := identity.Object{Workspace: w.ID, Type: t, ID: id}
		if said != 0 && w.ID != said {
			continue
		}
		if _, ok := n.E.Object(o); ok {
			found = append(found, o)
			continue
		}
		list := estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: w.ID, Type: t}}
		if t == identity.ObjectTokens || t == identity.ObjectPasswords {
			list = estate.ReadKey{Op: estate.OpObjectGrants, Object: o}
		}
		if a, planned := n.E.Outcome(list); planned && !a.OK() && a.Kind != identity.Unsupported {
			unread = append(unread, n.E.WorkspaceName(w.ID))
		}
	}
	switch what := fmt.Sprintf("%s %q", t.Title(), id); {
	case len(found) > 1:
		return identity.Object{}, &UnclearError{fmt.Sprintf("%s is in %d workspaces, and it is not said which is meant", what, len(found))}
	case len(unread) > 0:
		return identity.Object{}, &UnclearError{fmt.Sprintf("which %s is meant is not known: what there is was not read in workspace %s", what, strings.Join(unread, ", "))}
	case len(found) == 0:
		return identity.Object{}, &UnclearError{fmt.Sprintf("no %s was seen", what)}
	default:
		return found[0], nil
	}
}
