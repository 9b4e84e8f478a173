package analysis

import (
	"cmp"
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
		o := &list[i]
		runs := &runner{Holder: c.m.RunsAs(*o)}
		c.codeOf(o, runs)
		for _, g := range c.entries(o, c.e.ObjectGrantsAt(i)) {
			c.permitted(o, g, runs)
		}
	}
	c.unreadObjects()
}

// entries are the entries of an object's list, until it is asked again. Where the admins of the workspace are restricted they
// are one more, for what a restriction does not take: every permission on every object.
func (c *catalogue) entries(o *identity.ObjectInfo, list []estate.ObjectGrant) []estate.ObjectGrant {
	admins := identity.WorkspaceAdmins(o.Workspace)
	if names := func(g estate.ObjectGrant) bool { return g.Holder.Key == admins }; slices.ContainsFunc(list, names) {
		list = slices.DeleteFunc(slices.Clone(list), names)
	}
	if c.restricts(o.Workspace) && runsSomething(o) {
		list = append(append(c.listed[:0], list...), estate.ObjectGrant{Holder: estate.Holder{Key: admins, Name: admins.ID}, Level: o.Type.Highest()})
		c.listed = list
	}
	return list
}

// runsSomething reports whether changing the object changes what somebody else runs.
func runsSomething(o *identity.ObjectInfo) bool {
	switch o.Type {
	case identity.ObjectJob, identity.ObjectPipeline, identity.ObjectApp, identity.ObjectServing:
		return true
	case identity.ObjectCluster:
		return o.SingleUser != ""
	default:
		return false
	}
}

// runner is whom an object runs as.
type runner struct {
	estate.Holder
	// acting is the edge of acting as it, as acting gives it: the lists of an object ask for it many times.
	acting     edge
	ok, looked bool
}

// acting is the edge of acting as whom an object runs as, without its words; ok is false where nobody was
// told of, or where that one can do nothing.
func (c *catalogue) acting(o *identity.ObjectInfo, runs *runner) (e edge, ok bool) {
	if !runs.looked {
		runs.acting, runs.ok = c.actingAs(o, runs.Holder)
		runs.looked = true
	}
	return runs.acting, runs.ok
}

func (c *catalogue) actingAs(o *identity.ObjectInfo, runs estate.Holder) (e edge, ok bool) {
	e = edge{in: []identity.WorkspaceID{o.Workspace}, raised: true}
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
func (c *catalogue) title(o *identity.ObjectInfo) string {
	return o.Type.Title() + " " + c.m.DescribeObject(o.Object).Name
}

// lower says how to take a permission back.
func (c *catalogue) lower(o *identity.ObjectInfo, g estate.ObjectGrant) string {
	from := ""
	if g.From != "" {
		from = ", which it has from " + g.From
	}
	return "take " + string(g.Level) + " on " + c.title(o) + " back from " + g.Holder.Name + from
}

// permission is an entry of an object's list, and whom the object runs as.
type permission struct {
	on   *identity.ObjectInfo
	g    estate.ObjectGrant
	runs *runner
	why  string // what makes it uncertain that it counts; empty where it certainly does
}

// includes reports whether the permission gives a level.
func (p permission) includes(l identity.Level) bool { return p.on.Type.Includes(p.g.Level, l) }

// permitted enters what one permission leads to.
func (c *catalogue) permitted(o *identity.ObjectInfo, g estate.ObjectGrant, runs *runner) {
	p := permission{on: o, g: g, runs: runs}
	switch counts, read := c.m.Entry(g.Holder, o.Workspace); counts {
	case access.Denied:
		return
	case access.Unknown:
		p.why = "to " + c.e.Operation(read) + " in the workspace was not part of what was read, or failed"
	case access.Allowed:
	}
	switch o.Type {
	case identity.ObjectJob:
		c.onJob(p)
	case identity.ObjectPipeline:
		if p.includes(identity.CanManage) {
			c.takeOver(p, "E16", func() []string { return []string{"change the code of " + c.title(o), "have it run as " + runs.Name} })
		}
	case identity.ObjectCluster:
		c.onCluster(p)
	case identity.ObjectWarehouse:
		if o.InstanceProfile != "" && p.includes(identity.CanUse) {
			c.permits(p, c.opening("E19", report.High, o, "the cloud data that "+o.InstanceProfile+" opens, past Unity Catalog"),
				func() []string { return []string{"run queries on " + c.title(o)} })
		}
	case identity.ObjectSecretScope:
		c.onSecrets(p)
	case identity.ObjectApp:
		switch {
		case p.includes(identity.CanManage):
			c.takeOver(p, "E21", func() []string {
				return []string{"deploy code of its own to " + c.title(o), "have it run as its service principal " + runs.Name}
			})
		case p.includes(identity.CanUse):
			c.permits(p, c.opening("E21", report.Medium, o, "what "+c.title(o)+" shows and does with its own service principal"),
				func() []string { return []string{"use " + c.title(o)} })
		}
	case identity.ObjectServing:
		switch {
		case p.includes(identity.CanManage):
			c.takeOver(p, "E22", func() []string {
				return []string{"serve code of its own from " + c.title(o), "have it run as " + runs.Name}
			})
		case p.includes(identity.CanQuery):
			c.permits(p, c.opening("E22", report.Low, o, "what the models behind "+c.title(o)+" know"), func() []string { return []string{"query " + c.title(o)} })
		}
	default:
		c.onBorrowing(p)
	}
}

// permits enters what a permission leads to, by the acts.
func (c *catalogue) permits(p permission, e edge, acts func() []string) {
	e.why = cmp.Or(e.why, p.why)
	e.say = func() words {
		return words{acts(), []estate.ReadKey{permissionsRead(p.on.Object), objectRead(c.e, p.on.Object)}, c.lower(p.on, p.g)}
	}
	c.add(p.g.Holder, e)
}

// takeOver enters that a permission lets its holder act as whom the object runs as.
func (c *catalogue) takeOver(p permission, id string, acts func() []string) {
	if e, ok := c.acting(p.on, p.runs); ok {
		e.id, e.severity = id, report.High
		c.permits(p, e, acts)
	}
}

// opening is the edge of what an object gives to whoever may use it, without its words.
func (c *catalogue) opening(id, severity string, o *identity.ObjectInfo, gains string) edge {
	return edge{id: id, severity: severity, in: []identity.WorkspaceID{o.Workspace}, toward: toObject(o.Object), gains: gains}
}

// onJob is what jobs let be run as whom they run as. Whether the tasks of one let parameters steer them is
// not known.
func (c *catalogue) onJob(p permission) {
	switch o, runner := p.on, p.runs.Name; {
	case p.includes(identity.IsOwner):
		if !c.guarded(p.g.Holder, p.runs.Holder) {
			c.takeOver(p, "E11", func() []string { return []string{"change what " + c.title(o) + " runs", "have it run as " + runner} })
		}
	case p.includes(identity.CanManageRun):
		if e, ok := c.acting(o, p.runs); ok {
			e.id, e.severity, e.raised, e.doubtful = "E12", report.Medium, false, true
			e.gains = "having " + c.title(o) + " run as " + runner + " with parameters of its choice"
			c.permits(p, e, func() []string {
				return []string{"start " + c.title(o) + " with parameters that make its tasks do something else"}
			})
		}
	}
}

// guarded says whether the option holds that changing a job takes the right to use the service
// principal that it runs as, which the holder lacks.
func (c *catalogue) guarded(h, runs estate.Holder) bool {
	return c.m.Options().JobEditNeedsUser && runs.Key.Kind == identity.KindServicePrincipal && !h.Key.IsZero() &&
		c.m.Subject(h.Key).HasRole(identity.RoleServicePrincipalUser, runs.Key) == access.Denied
}

// onCluster is what clusters let their users do. Only the one to whom a cluster is dedicated may run
// something on it, while whoever manages it decides what runs when it starts. Without isolation the
// users of a cluster can reach what the others do on it.
//
// https://docs.databricks.com/aws/en/compute/dedicated-overview,
// https://docs.databricks.com/aws/en/compute/configure#access-mode
func (c *catalogue) onCluster(p permission) {
	o, g, runs := p.on, p.g, p.runs
	attach := p.includes(identity.CanAttachTo)
	if o.SingleUser != "" {
		if p.includes(identity.CanManage) {
			c.takeOver(p, "E18", func() []string {
				return []string{"give " + c.title(o) + " an init script or library of its own", "have it run as " + runs.Name}
			})
		}
		attach = attach && !g.Holder.Key.IsZero() && !runs.Key.IsZero() && c.circle(c.number(runs.Key)).has(c.number(g.Holder.Key))
	}
	if unisolated(o) && attach && o.SingleUser == "" {
		e := c.opening("E17", report.High, o, "the data and credentials of whoever else uses "+c.title(o))
		e.toward.crowd, e.doubtful = c.usersOf(o), true // only of those who use it meanwhile
		c.permits(p, e, func() []string { return []string{"attach to " + c.title(o) + ", and read what runs beside it"} })
	}
	if o.InstanceProfile != "" && attach {
		c.permits(p, c.opening("E19", report.High, o, "the cloud data that "+o.InstanceProfile+" opens, past Unity Catalog"),
			func() []string { return []string{"run code on " + c.title(o)} })
	}
}

// usersOf are those whom the list of an object names, and who is in them.
func (c *catalogue) usersOf(o *identity.ObjectInfo) int32 {
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
func (c *catalogue) onSecrets(p permission) {
	read := "read them in a notebook"
	opens := "whatever the secrets in " + c.title(p.on) + " open"
	switch p.g.Level {
	case identity.SecretRead:
		c.permits(p, c.opening("E20", report.High, p.on, opens), func() []string { return []string{read} })
	case identity.SecretWrite, identity.SecretManage:
		c.permits(p, c.opening("E20", report.High, p.on, opens+", and what others do with secrets that it put there"),
			func() []string { return []string{read, "replace them by others"} })
	default:
	}
}

// onBorrowing is what reads with its owner's rights for whoever runs it.
//
// https://docs.databricks.com/aws/en/sql/user/queries/, https://docs.databricks.com/aws/en/dashboards/share/share
func (c *catalogue) onBorrowing(p permission) {
	o, runs := p.on, p.runs
	if !o.BorrowsOwner {
		return
	}
	needs, from := identity.CanRun, "its owner"
	if o.Type == identity.ObjectDashboard {
		needs, from = identity.CanRead, "its publisher"
	}
	if !p.includes(needs) {
		return
	}
	for _, b := range c.bearers(p.g.Holder) {
		if !runs.Key.IsZero() && c.itself(b.of, c.number(runs.Key)) {
			return
		}
	}
	e := c.opening("E23", report.Medium, o, "what "+c.title(o)+" shows, read with the rights of "+cmp.Or(runs.Name, from))
	if o.Type == identity.ObjectDashboard {
		e.in = nil // viewers of what was published need not be in the workspace
	}
	c.permits(p, e, func() []string { return []string{"open " + c.title(o)} })
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
