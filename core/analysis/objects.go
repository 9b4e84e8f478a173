package analysis

import (
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// objects enters what permissions on workspace objects lead to: E11 to E13 and E16 to E23.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/
func (c *catalogue) objects() {
	list := c.e.Objects()
	for i := range list {
		if inert(&list[i]) {
			continue
		}
		o := list[i]
		c.codeOf(o)
		runs := c.m.RunsAs(o)
		for _, g := range c.entries(o) {
			c.permitted(o, g, runs)
		}
	}
	c.unreadObjects()
}

// entries are the entries of an object's list. Where the admins of the workspace are restricted they
// are one more, for what a restriction does not take: every permission on every object.
func (c *catalogue) entries(o identity.ObjectInfo) []estate.ObjectGrant {
	admins := identity.WorkspaceAdmins(o.Workspace)
	list := slices.DeleteFunc(slices.Clone(c.e.ObjectGrants(o.Object)), func(g estate.ObjectGrant) bool { return g.Holder.Key == admins })
	if c.restricts(o.Workspace) && runsSomething(o) {
		list = append(list, estate.ObjectGrant{Holder: estate.Holder{Key: admins, Name: admins.ID}, Level: o.Type.Highest()})
	}
	return list
}

// runsSomething reports whether changing the object changes what somebody else runs.
func runsSomething(o identity.ObjectInfo) bool {
	switch o.Type {
	case identity.ObjectJob, identity.ObjectPipeline, identity.ObjectApp, identity.ObjectServing:
		return true
	case identity.ObjectCluster:
		return o.SingleUser != ""
	default:
		return false
	}
}

// acting is the edge of acting as whom an object runs as; ok is false where nobody was told of, or
// where that one can do nothing.
func (c *catalogue) acting(o identity.ObjectInfo, runs estate.Holder) (e edge, ok bool) {
	e = edge{
		in: []identity.WorkspaceID{o.Workspace}, raised: true,
		facts: []estate.ReadKey{permissionsRead(o.Object), objectRead(c.e, o.Object)},
	}
	as := c.bearers(runs)
	if len(as) == 0 || !c.active(as[0].of) {
		return e, false
	}
	e.toward = toIdentity(as[0].of)
	e.toward.object = o.Object
	if len(as) > 1 || as[0].why != "" {
		e.why = as[0].why
	}
	e.gains = "everything that " + c.name(as[0].of) + " has"
	return e, true
}

// title names an object for people.
func (c *catalogue) title(o identity.ObjectInfo) string {
	return o.Type.Title() + " " + c.m.DescribeObject(o.Object).Name
}

// lower says how to take a permission back.
func (c *catalogue) lower(o identity.ObjectInfo, g estate.ObjectGrant) string {
	from := ""
	if g.From != "" {
		from = ", which it has from " + g.From
	}
	return "take " + string(g.Level) + " on " + c.title(o) + " back from " + g.Holder.Name + from
}

// permitted enters what one permission leads to.
func (c *catalogue) permitted(o identity.ObjectInfo, g estate.ObjectGrant, runs estate.Holder) {
	counts, read := c.m.Entry(g.Holder, o.Workspace)
	if counts == access.Denied {
		return
	}
	at := func(l identity.Level) bool { return o.Type.Includes(g.Level, l) }
	enter := func(e edge) {
		if counts == access.Unknown && e.why == "" {
			e.why = "to " + c.e.Operation(read) + " in the workspace was not part of what was read, or failed"
		}
		c.add(g.Holder, e)
	}
	lead := func(id, severity, gains string, acts ...string) edge {
		return edge{
			id: id, severity: severity, in: []identity.WorkspaceID{o.Workspace}, toward: toObject(o.Object), gains: gains, acts: acts,
			facts: []estate.ReadKey{permissionsRead(o.Object), objectRead(c.e, o.Object)}, fix: c.lower(o, g),
		}
	}
	as := func(id, severity string, acts ...string) {
		e, ok := c.acting(o, runs)
		if !ok {
			return
		}
		e.id, e.severity, e.acts, e.fix = id, severity, acts, c.lower(o, g)
		enter(e)
	}
	title, runner := c.title(o), runs.Name
	switch o.Type {
	case identity.ObjectJob:
		switch {
		case at(identity.IsOwner):
			if !c.guarded(g.Holder, runs) {
				as("E11", report.High, "change what "+title+" runs", "have it run as "+runner)
			}
		case at(identity.CanManageRun):
			if e, ok := c.acting(o, runs); ok {
				// Whether its tasks let parameters steer them is not known.
				e.id, e.severity, e.raised, e.doubtful = "E12", report.Medium, false, true
				e.gains, e.fix = "having "+title+" run as "+runner+" with parameters of its choice", c.lower(o, g)
				e.acts = []string{"start " + title + " with parameters that make its tasks do something else"}
				enter(e)
			}
		}
	case identity.ObjectPipeline:
		if at(identity.CanManage) {
			as("E16", report.High, "change the code of "+title, "have it run as "+runner)
		}
	case identity.ObjectCluster:
		c.onCluster(o, g, runs, enter, lead, as)
	case identity.ObjectWarehouse:
		if o.InstanceProfile != "" && at(identity.CanUse) {
			enter(lead("E19", report.High, "the cloud data that "+o.InstanceProfile+" opens, past Unity Catalog", "run queries on "+title))
		}
	case identity.ObjectSecretScope:
		c.onSecrets(o, g, enter, lead)
	case identity.ObjectApp:
		switch {
		case at(identity.CanManage):
			as("E21", report.High, "deploy code of its own to "+title, "have it run as its service principal "+runner)
		case at(identity.CanUse):
			enter(lead("E21", report.Medium, "what "+title+" shows and does with its own service principal", "use "+title))
		}
	case identity.ObjectServing:
		switch {
		case at(identity.CanManage):
			as("E22", report.High, "serve code of its own from "+title, "have it run as "+runner)
		case at(identity.CanQuery):
			enter(lead("E22", report.Low, "what the models behind "+title+" know", "query "+title))
		}
	default:
		c.onBorrowing(o, g, runs, enter, lead)
	}
}

// guarded says whether the option holds that changing a job takes the right to use the service
// principal that it runs as, which the holder lacks.
func (c *catalogue) guarded(h, runs estate.Holder) bool {
	return c.m.Options().JobEditNeedsUser && runs.Key.Kind == identity.KindServicePrincipal && !h.Key.IsZero() &&
		c.m.Subject(h.Key).HasRole(identity.RoleServicePrincipalUser, runs.Key) == access.Denied
}

type (
	enterEdge func(edge)
	leadEdge  func(id, severity, gains string, acts ...string) edge
	actEdge   func(id, severity string, acts ...string)
)

// onCluster is what clusters let their users do. Only the one to whom a cluster is dedicated may run
// something on it, while whoever manages it decides what runs when it starts. Without isolation the
// users of a cluster can reach what the others do on it.
//
// https://docs.databricks.com/aws/en/compute/dedicated-overview,
// https://docs.databricks.com/aws/en/compute/configure#access-mode
func (c *catalogue) onCluster(o identity.ObjectInfo, g estate.ObjectGrant, runs estate.Holder, enter enterEdge, lead leadEdge, as actEdge) {
	attach := o.Type.Includes(g.Level, identity.CanAttachTo)
	title := c.title(o)
	if o.SingleUser != "" {
		if o.Type.Includes(g.Level, identity.CanManage) {
			as("E18", report.High, "give "+title+" an init script or library of its own", "have it run as "+runs.Name)
		}
		attach = attach && !g.Holder.Key.IsZero() && !runs.Key.IsZero() && c.circle(c.number(runs.Key)).has(c.number(g.Holder.Key))
	}
	if unisolated(&o) && attach && o.SingleUser == "" {
		e := lead("E17", report.High, "the data and credentials of whoever else uses "+title, "attach to "+title+", and read what runs beside it")
		e.toward.crowd, e.doubtful = c.usersOf(o), true // only of those who use it meanwhile
		enter(e)
	}
	if o.InstanceProfile != "" && attach {
		enter(lead("E19", report.High, "the cloud data that "+o.InstanceProfile+" opens, past Unity Catalog", "run code on "+title))
	}
}

// usersOf are those whom the list of an object names, and who is in them.
func (c *catalogue) usersOf(o identity.ObjectInfo) int32 {
	name := "users of " + c.title(o)
	node := report.GraphNode{ID: "users_of:" + objectID(o.Object), Kind: identity.KindGroup.String(), Name: name}
	return c.crowd(name, node, func() []int32 {
		var in []int32
		seen := map[int32]bool{}
		for _, g := range c.e.ObjectGrants(o.Object) {
			if g.Holder.Key == identity.WorkspaceAdmins(o.Workspace) {
				continue // they may, and seldom do
			}
			for _, b := range c.bearers(g.Holder) {
				for _, i := range c.circle(b.of).people {
					if !seen[i] && c.active(i) && c.assigned(i, o.Workspace) == access.Allowed {
						seen[i] = true
						in = append(in, i)
					}
				}
			}
		}
		slices.Sort(in)
		return in
	})
}

// onSecrets is what secret scopes hold: tokens, passwords and keys in plain text.
//
// https://docs.databricks.com/aws/en/security/secrets/#secret-acls
func (c *catalogue) onSecrets(o identity.ObjectInfo, g estate.ObjectGrant, enter enterEdge, lead leadEdge) {
	switch g.Level {
	case identity.SecretRead:
		enter(lead("E20", report.High, "whatever the secrets in "+c.title(o)+" open", "read them in a notebook"))
	case identity.SecretWrite, identity.SecretManage:
		gains := "whatever the secrets in " + c.title(o) + " open, and what others do with secrets that it put there"
		enter(lead("E20", report.High, gains, "read them in a notebook", "replace them by others"))
	default:
	}
}

// onBorrowing is what reads with its owner's rights for whoever runs it.
//
// https://docs.databricks.com/aws/en/sql/user/queries/, https://docs.databricks.com/aws/en/dashboards/share/share
func (c *catalogue) onBorrowing(o identity.ObjectInfo, g estate.ObjectGrant, runs estate.Holder, enter enterEdge, lead leadEdge) {
	if !o.BorrowsOwner {
		return
	}
	needs, from := identity.CanRun, "its owner"
	if o.Type == identity.ObjectDashboard {
		needs, from = identity.CanRead, "its publisher"
	}
	if !o.Type.Includes(g.Level, needs) {
		return
	}
	if runs.Name != "" {
		from = runs.Name
	}
	e := lead("E23", report.Medium, "what "+c.title(o)+" shows, read with the rights of "+from, "open "+c.title(o))
	if o.Type == identity.ObjectDashboard {
		e.in = nil // viewers of what was published need not be in the workspace
	}
	for _, b := range c.bearers(g.Holder) {
		if !runs.Key.IsZero() && c.itself(b.of, c.number(runs.Key)) {
			return
		}
	}
	enter(e)
}

// unreadObjects says of which types of object nothing was read.
func (c *catalogue) unreadObjects() {
	shows := []struct {
		id    string
		types []identity.ObjectType
	}{
		{"E11", []identity.ObjectType{identity.ObjectJob}},
		{"E12", []identity.ObjectType{identity.ObjectJob}},
		{"E16", []identity.ObjectType{identity.ObjectPipeline}},
		{"E17", []identity.ObjectType{identity.ObjectCluster}},
		{"E18", []identity.ObjectType{identity.ObjectCluster}},
		{"E19", []identity.ObjectType{identity.ObjectCluster, identity.ObjectWarehouse}},
		{"E20", []identity.ObjectType{identity.ObjectSecretScope}},
		{"E21", []identity.ObjectType{identity.ObjectApp}},
		{"E22", []identity.ObjectType{identity.ObjectServing}},
		{"E23", []identity.ObjectType{identity.ObjectQuery, identity.ObjectAlert, identity.ObjectLegacyDashboard, identity.ObjectDashboard}},
	}
	read := map[identity.ObjectType]bool{}
	for _, r := range c.e.ReadsOf(estate.OpObjects) {
		if r.Outcome.OK() {
			read[r.Key.Object.Type] = true
		}
	}
	for _, s := range shows {
		var unread []string
		for _, t := range s.types {
			if !read[t] {
				unread = append(unread, strings.ReplaceAll(string(t), "_", " "))
			}
		}
		if len(unread) > 0 {
			c.gap(s.id, strings.Join(unread, ", ")+" were not listed in any workspace")
		}
	}
	c.gap("E19", "which cloud roles users may attach to compute of their own is not collected")
	c.gap("E12", "whether a job's tasks take parameters is not collected: every job is taken for one whose do")
	c.gap("E20", "admins of a workspace manage every secret scope in it, which is not listed for each")
}
