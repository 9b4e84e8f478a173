package diff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/diff"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// account is a small account that was read whole, as far as reads say.
type account struct {
	id               string
	names            map[string]string // of principals by id
	inactive         []string
	members          map[string][]string // ids in groups
	admins           []string            // ids of the admins of workspace 1
	grants           map[identity.Securable]map[string]string
	owners           map[identity.Securable]string
	isolated         map[identity.Securable][]identity.WorkspaceID
	views            map[identity.Securable][]identity.Securable
	filters          map[identity.Securable]string // of those whose details were read: "filter", "mask" or nothing
	jobs             map[string]map[string]identity.Level
	restrict         identity.RestrictAdmins
	without, failed  []estate.Op // reads that were not made, or failed
	withoutMembersOf string
}

var (
	main   = identity.CatalogSecurable("m1", "main")
	sales  = identity.SchemaSecurable("m1", "main", "sales")
	weekly = identity.Securable{Metastore: "m1", Type: identity.TypeTable, Catalog: "main", Schema: "sales", Name: "weekly"}
	orders = identity.Securable{Metastore: "m1", Type: identity.TypeTable, Catalog: "main", Schema: "sales", Name: "orders"}
)

// acme is ann in readers, which is in staff and may read main.sales.orders; bob is in nothing.
func acme() *account {
	return &account{
		id:      "acme",
		names:   map[string]string{"u1": "ann", "u2": "bob", "g1": "readers", "g2": "staff"},
		members: map[string][]string{"g1": {"u1"}, "g2": {"g1"}},
		admins:  []string{},
		grants: map[identity.Securable]map[string]string{
			main: {"staff": "USE_CATALOG USE_SCHEMA"}, orders: {"readers": "SELECT"},
		},
		owners:   map[identity.Securable]string{main: "bob", sales: "bob", orders: "bob"},
		isolated: map[identity.Securable][]identity.WorkspaceID{},
		jobs:     map[string]map[string]identity.Level{"7": {"bob": identity.IsOwner, "readers": identity.CanView}},
		restrict: identity.AdminsAllowAll,
	}
}

func keyOf(id string) identity.PrincipalKey {
	kind := identity.KindUser
	if id[0] == 'g' {
		kind = identity.KindGroup
	}
	return identity.PrincipalKey{Kind: kind, ID: id}
}

func (a *account) kindOf(name string) identity.Kind {
	for id, n := range a.names {
		if n == name {
			return keyOf(id).Kind
		}
	}
	return identity.KindUser
}

func (a *account) estate() *estate.Estate {
	b := estate.NewBuilder(a.id)
	read := func(k estate.ReadKey) bool {
		switch {
		case slices.Contains(a.without, k.Op):
			return false
		case slices.Contains(a.failed, k.Op), k.Op == estate.OpMembers && k.Principal.ID == a.withoutMembersOf:
			b.Record(k, estate.Outcome{Kind: identity.Forbidden, Needed: true, Message: "no"})
			return false
		}
		b.Record(k, estate.Outcome{Needed: true, At: time.Unix(100, 0)})
		return true
	}
	if slices.Contains(a.failed, estate.OpReach) {
		read(estate.ReadKey{Op: estate.OpReach})
	}
	users := read(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindUser}})
	groups := read(estate.ReadKey{Op: estate.OpGroups})
	for id, name := range a.names {
		k := keyOf(id)
		p := identity.Principal{Key: k, Name: name, DisplayName: name, Status: identity.StatusActive, Origin: identity.OriginIDP}
		if slices.Contains(a.inactive, id) {
			p.Status = identity.StatusInactive
		}
		if k.Kind == identity.KindUser && users || k.Kind == identity.KindGroup && groups {
			b.AddPrincipal(p)
		}
		if k.Kind == identity.KindGroup && groups && read(estate.ReadKey{Op: estate.OpMembers, Principal: k}) {
			for _, m := range a.members[id] {
				b.AddMembership(keyOf(m), k)
			}
		}
	}
	if read(estate.ReadKey{Op: estate.OpWorkspaces}) {
		b.AddWorkspace(identity.Workspace{ID: 1, Name: "prod", Status: "RUNNING"})
	}
	if read(estate.ReadKey{Op: estate.OpAssignments, Workspace: 1}) {
		b.AddAssignment(identity.Assignment{Workspace: 1, Principal: identity.AccountUsers(), Name: identity.AccountUsersName, Permission: identity.WorkspaceUser})
		for _, id := range a.admins {
			b.AddAssignment(identity.Assignment{Workspace: 1, Principal: keyOf(id), Name: a.names[id], Permission: identity.WorkspaceAdmin})
		}
	}
	read(estate.ReadKey{Op: estate.OpEntitlements, Workspace: 1, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}) // no groups of its own
	if read(estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: 1}) {
		b.AddRestrictAdmins(1, a.restrict)
	}
	a.securables(b, read)
	if read(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: 1, Type: identity.ObjectJob}}) {
		for id, levels := range a.jobs {
			o := identity.Object{Workspace: 1, Type: identity.ObjectJob, ID: id}
			b.AddObject(identity.ObjectInfo{Object: o, Name: "job " + id})
			if !read(estate.ReadKey{Op: estate.OpObjectGrants, Object: o}) {
				continue
			}
			var list []identity.ObjectGrant
			for name, l := range levels {
				list = append(list, identity.ObjectGrant{Holder: identity.PrincipalName{Kind: a.kindOf(name), Name: name}, Level: l})
			}
			b.AddObjectGrants(o, list)
		}
	}
	return b.Build()
}

func (a *account) securables(b *estate.Builder, read func(estate.ReadKey) bool) {
	m := identity.MetastoreSecurable("m1")
	if !read(estate.ReadKey{Op: estate.OpMetastores}) {
		return
	}
	b.AddMetastore(identity.Metastore{ID: "m1", Name: "us", Owner: a.names["u2"], PrivilegeModel: "1.0"})
	read(estate.ReadKey{Op: estate.OpVisibility, Securable: m})
	if read(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: m}) {
		b.AttachMetastore("m1", 1)
	}
	parents := map[identity.Securable]identity.SecurableType{m: identity.TypeCatalog, main: identity.TypeSchema, sales: identity.TypeTable}
	for parent, t := range parents {
		listed := read(estate.ReadKey{Op: estate.OpChildren, Securable: parent, Type: t})
		for on, owner := range a.owners {
			if p, _ := on.Parent(); p != parent || !listed {
				continue
			}
			info := identity.SecurableInfo{Securable: on, Owner: owner, Isolation: identity.IsolationOpen}
			if bases, is := a.views[on]; is {
				info.TableType, info.Bases, info.BasesKnown = "VIEW", bases, true
			}
			if kind, is := a.filters[on]; is && read(estate.ReadKey{Op: estate.OpSecurable, Securable: on}) {
				info.RowFilter, info.ColumnMask = kind == "filter", kind == "mask"
			}
			if bound, is := a.isolated[on]; is {
				info.Isolation = identity.Isolated
				var list []identity.Binding
				for _, w := range bound {
					list = append(list, identity.Binding{Workspace: w})
				}
				if read(estate.ReadKey{Op: estate.OpBindings, Securable: on}) {
					b.AddBindings(on, list)
				}
			}
			b.AddSecurable(info)
			if read(estate.ReadKey{Op: estate.OpGrants, Securable: on}) {
				var rows []identity.Grant
				for holder, ps := range a.grants[on] {
					var privileges []identity.Privilege
					for _, p := range strings.Fields(ps) {
						privileges = append(privileges, identity.Privilege(p))
					}
					rows = append(rows, identity.Grant{Holder: holder, Privileges: privileges})
				}
				b.AddGrants(on, rows)
			}
		}
	}
}

// told is what a report says, one line for each change: kind, of what, and from what to what.
func told(r *report.DiffReport) []string {
	lines := []string{}
	for _, c := range slices.Concat(r.Added, r.Removed, r.Changed) {
		k := c.Key
		words := []string{c.Kind}
		for _, p := range []*report.Principal{k.Principal, k.Group} {
			if p != nil {
				words = append(words, p.Name)
			}
		}
		if k.Securable != nil {
			words = append(words, "on "+k.Securable.FullName)
		}
		if k.Object != nil {
			words = append(words, "on "+k.Object.Name)
		}
		if k.Workspace != "" {
			words = append(words, "in "+k.Workspace)
		}
		if k.Name != "" {
			words = append(words, k.Name)
		}
		lines = append(lines, strings.Join(words, " ")+": "+short(c.Before)+" -> "+short(c.After))
	}
	slices.Sort(lines)
	return lines
}

func short(s *report.State) string {
	if s == nil {
		return "nothing"
	}
	owner := ""
	if s.Owner != nil {
		owner = *s.Owner
	}
	text := strings.Join(strings.Fields(fmt.Sprint(s.Name, " ", s.Status, " ", s.Membership, " ", s.Permission, " ", s.Privileges, " ", s.Levels, " ", owner, " ", s.Isolation, " ", s.Value, " ", s.ReachableIn)), " ")
	return strings.TrimSpace(strings.NewReplacer("[] ", "", "[]", "").Replace(text))
}

func TestChanges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(before, after *account)
		want   []string
	}{
		"nothing": {func(_, _ *account) {}, nil},
		"a group with a new name": {
			func(_, after *account) {
				after.names["g1"] = "analysts"
				after.grants[orders] = map[string]string{"analysts": "SELECT"}
				after.jobs["7"] = map[string]identity.Level{"bob": identity.IsOwner, "analysts": identity.CanView}
			},
			[]string{"principal analysts: readers -> analysts"},
		},
		"an owner with a new name": {
			func(_, after *account) {
				after.names["u2"] = "rob"
				for s := range after.owners {
					after.owners[s] = "rob"
				}
				after.jobs["7"] = map[string]identity.Level{"rob": identity.IsOwner, "readers": identity.CanView}
			},
			[]string{"principal rob: bob active -> rob active"},
		},
		"a grant that went to somebody else": {
			func(_, after *account) {
				after.grants[orders] = map[string]string{"staff": "SELECT"}
			},
			[]string{"grant readers on main.sales.orders: [SELECT] -> nothing", "grant staff on main.sales.orders: nothing -> [SELECT]"},
		},
		"a row filter": {
			func(before, after *account) {
				before.filters, after.filters = map[identity.Securable]string{orders: ""}, map[identity.Securable]string{orders: "filter"}
			},
			[]string{"setting on main.sales.orders row_filter: off -> on"},
		},
		"a column mask that went": {
			func(before, after *account) {
				before.filters, after.filters = map[identity.Securable]string{orders: "mask"}, map[identity.Securable]string{orders: ""}
			},
			[]string{"setting on main.sales.orders column_mask: on -> off"},
		},
		"somebody made again under the same name": {
			func(_, after *account) {
				after.names["u9"] = "ann"
				delete(after.names, "u1")
				after.members["g1"] = []string{"u9"}
			},
			[]string{
				"effective ann in prod: USER -> nothing", "effective ann in prod: nothing -> USER",
				"effective ann on job 7: [{CAN_VIEW }] -> nothing", "effective ann on job 7: nothing -> [{CAN_VIEW }]",
				"effective ann on main.sales.orders: [SELECT] [prod] -> nothing", "effective ann on main.sales.orders: nothing -> [SELECT] [prod]",
				"effective ann on main: [USE_CATALOG USE_SCHEMA] [prod] -> nothing", "effective ann on main: nothing -> [USE_CATALOG USE_SCHEMA] [prod]",
				"membership ann readers: direct -> nothing", "membership ann readers: nothing -> direct",
				"principal ann: ann active -> nothing", "principal ann: nothing -> ann active",
			},
		},
		"a direct membership that is an indirect one now": {
			func(before, after *account) {
				before.members["g2"] = []string{"g1", "u1"}
				after.members["g2"] = []string{"g1"}
			},
			[]string{"membership ann staff: direct -> indirect"},
		},
		"a membership further up": {
			func(_, after *account) { after.members["g2"] = nil },
			[]string{
				"effective ann on main.sales.orders: [SELECT] [prod] -> nothing", "effective ann on main: [USE_CATALOG USE_SCHEMA] [prod] -> nothing",
				"membership readers staff: direct -> nothing",
			},
		},
		"an admin of a workspace": {
			func(_, after *account) { after.admins = []string{"g1"} },
			[]string{
				"effective ann in prod: USER -> ADMIN", "workspace readers in prod: nothing -> ADMIN",
			},
		},
		"a grant that gives more": {
			func(_, after *account) { after.grants[orders] = map[string]string{"readers": "SELECT MODIFY"} },
			[]string{
				"effective ann on main.sales.orders: nothing -> [MODIFY] [prod]",
				"grant readers on main.sales.orders: [SELECT] -> [MODIFY SELECT]",
			},
		},
		"an owner": {
			func(_, after *account) { after.owners[sales] = "readers" },
			nil, // checked below: owners can do a lot
		},
		"an isolated catalog": {
			func(_, after *account) { after.isolated[main] = []identity.WorkspaceID{2} },
			nil,
		},
		"a login that is taken away": {
			func(_, after *account) { after.inactive = []string{"u1"} },
			[]string{
				"effective ann in prod: USER -> nothing", "effective ann on job 7: [{CAN_VIEW }] -> nothing",
				"effective ann on main.sales.orders: [SELECT] [prod] -> nothing", "effective ann on main: [USE_CATALOG USE_SCHEMA] [prod] -> nothing",
				"principal ann: ann active -> ann inactive",
			},
		},
		"a setting": {
			func(_, after *account) { after.restrict = identity.AdminsRestricted },
			[]string{"setting in prod restrict_workspace_admins: ALLOW_ALL -> RESTRICT_TOKENS_AND_JOB_RUN_AS"},
		},
		"a permission on a job": {
			func(_, after *account) {
				after.jobs["7"] = map[string]identity.Level{"bob": identity.IsOwner, "readers": identity.CanManageRun}
			},
			[]string{
				"effective ann on job 7: nothing -> [{CAN_MANAGE_RUN }]",
				"object readers on job 7: [{CAN_VIEW }] -> [{CAN_MANAGE_RUN }]",
			},
		},
		"a view whose owner loses what it reads": {
			func(before, after *account) {
				for _, a := range []*account{before, after} {
					a.names["u3"], a.members["g2"] = "eve", []string{"g1", "u1", "u3"}
					a.owners[weekly], a.views = "ann", map[identity.Securable][]identity.Securable{weekly: {orders}}
					a.grants[weekly] = map[string]string{"eve": "SELECT"}
				}
				after.members["g1"] = nil
			},
			nil,
		},
		"a table that is gone": {
			func(_, after *account) { delete(after.owners, orders) },
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := acme(), acme()
			c.change(before, after)
			r := diff.Between(before.estate(), after.estate(), diff.Options{})
			if c.want == nil && name != "nothing" {
				checkLong(t, name, r)
				return
			}
			slices.Sort(c.want)
			if d := cmp.Diff(append([]string{}, c.want...), told(r)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if len(r.NotComparable) != 0 || !r.Coverage.Complete || !r.Comparable || r.HasChanges != (len(c.want) > 0) {
				t.Errorf("not comparable: %+v; complete %v, changes %v", r.NotComparable, r.Coverage.Complete, r.HasChanges)
			}
		})
	}
}

// checkLong looks for the lines that matter in a long list.
func checkLong(t *testing.T, name string, r *report.DiffReport) {
	t.Helper()
	want := map[string][]string{
		"an owner":                               {"owner on main.sales: bob -> readers", "effective ann on main.sales: nothing -> "},
		"an isolated catalog":                    {"binding on main: OPEN -> ISOLATED", "effective ann on main.sales.orders: [SELECT] [prod] -> nothing"},
		"a view whose owner loses what it reads": {"membership ann readers: direct -> nothing", "effective eve on main.sales.weekly: [SELECT] [prod] -> nothing"},
		"a table that is gone":                   {"securable on main.sales.orders: bob -> nothing", "grant readers on main.sales.orders: [SELECT] -> nothing", "effective ann on main.sales.orders: [SELECT] [prod] -> nothing"},
	}[name]
	lines := told(r)
	for _, w := range want {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, w) }) {
			t.Errorf("%q is not among\n%s", w, strings.Join(lines, "\n"))
		}
	}
}

// TestBecause: what was gained or lost names the changes behind it, and no others.
func TestBecause(t *testing.T) {
	before, after := acme(), acme()
	before.names["u3"], after.names["u3"] = "eve", "eve"
	before.names["g3"], after.names["g3"] = "idle", "idle"
	after.members["g1"] = []string{"u1", "u3"}
	after.members["g3"] = []string{"u3"}       // which gives nothing
	after.members["g2"] = []string{"g1", "u1"} // who is in it already
	after.grants[orders] = map[string]string{"readers": "SELECT", "eve": "MODIFY"}
	r := diff.Between(before.estate(), after.estate(), diff.Options{})
	lines := map[string]string{}
	for _, c := range slices.Concat(r.Added, r.Removed, r.Changed) {
		lines[c.ID] = c.Kind + " " + c.Key.Principal.Name
		if c.Key.Group != nil {
			lines[c.ID] += " " + c.Key.Group.Name
		}
	}
	got := map[string][]string{}
	for _, c := range r.Added {
		if c.Kind != report.KindEffective {
			continue
		}
		what := told(&report.DiffReport{Added: []report.Change{c}})[0]
		for _, id := range c.Because {
			got[what] = append(got[what], lines[id])
		}
	}
	joins := "membership eve readers"
	want := map[string][]string{
		"effective eve on job 7: nothing -> [{CAN_VIEW }]":                      {joins},
		"effective eve on main: nothing -> [USE_CATALOG USE_SCHEMA] [prod]":     {joins},
		"effective eve on main.sales.orders: nothing -> [MODIFY SELECT] [prod]": {joins, "grant eve"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestNotRead: each kind of read that one side lacks is named for that side and yields no change,
// though everything that it would show is another.
// TestGroupsOfAWorkspaceReadOnOneSide: a list of permissions names a group by its name alone, and where a workspace
// has a group of its own of that name, it is that one.
func TestGroupsOfAWorkspaceReadOnOneSide(t *testing.T) {
	job := identity.Object{Workspace: 1, Type: identity.ObjectJob, ID: "7"}
	read := func(b *estate.Builder, k estate.ReadKey) {
		b.Record(k, estate.Outcome{Needed: true, At: time.Unix(100, 0)})
	}
	account := func(groupsRead bool, level identity.Level) *estate.Estate {
		b := estate.NewBuilder("acme")
		read(b, estate.ReadKey{Op: estate.OpGroups})
		read(b, estate.ReadKey{Op: estate.OpWorkspaces})
		b.AddWorkspace(identity.Workspace{ID: 1, Name: "prod", Status: "RUNNING"})
		b.AddPrincipal(identity.Principal{Key: keyOf("g1"), Name: "readers"})
		if groupsRead {
			read(b, estate.ReadKey{Op: estate.OpEntitlements, Workspace: 1, Principal: identity.PrincipalKey{Kind: identity.KindGroup}})
			b.AddPrincipal(identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 1, ID: "77"}, Name: "readers", Origin: identity.OriginWorkspaceLocal})
		}
		read(b, estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: 1, Type: identity.ObjectJob}})
		read(b, estate.ReadKey{Op: estate.OpObjectGrants, Object: job})
		b.AddObject(identity.ObjectInfo{Object: job, Name: "nightly"})
		b.AddObjectGrants(job, []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "readers"}, Level: level}})
		return b.Build()
	}
	objects := func(r *report.DiffReport) (lines []string) {
		for _, line := range told(r) {
			if strings.HasPrefix(line, "object ") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	for _, before := range []bool{false, true} {
		r := diff.Between(account(before, identity.CanView), account(!before, identity.CanView), diff.Options{})
		if lines := objects(r); len(lines) > 0 {
			t.Errorf("groups read before: %v: %q", before, lines)
		}
	}
	for _, read := range []bool{false, true} {
		r := diff.Between(account(read, identity.CanView), account(read, identity.CanManage), diff.Options{})
		if lines := objects(r); !slices.Equal(lines, []string{"object readers on nightly" + map[bool]string{true: " in prod"}[read] + ": [{CAN_VIEW }] -> [{CAN_MANAGE }]"}) {
			t.Errorf("groups read on both sides: %v: %q", read, lines)
		}
	}
}

func TestNotRead(t *testing.T) {
	for _, op := range []estate.Op{
		estate.OpPrincipals, estate.OpGroups, estate.OpMembers, estate.OpWorkspaces, estate.OpAssignments, estate.OpMetastores,
		estate.OpMetastoreWorkspaces, estate.OpVisibility, estate.OpChildren, estate.OpGrants, estate.OpRestrictAdmins, estate.OpObjects, estate.OpObjectGrants,
	} {
		for _, failed := range []bool{true, false} {
			t.Run(fmt.Sprint(op, failed), func(t *testing.T) {
				before, after := acme(), acme()
				after.without = []estate.Op{op}
				kind := identity.NotAsked
				if failed {
					after.without, after.failed, kind = nil, after.without, identity.Forbidden
				}
				if op == estate.OpVisibility {
					delete(after.owners, orders) // left out without a word
				}
				r := diff.Between(before.estate(), after.estate(), diff.Options{})
				if r.HasChanges {
					t.Errorf("changes: %v", told(r))
				}
				named := func(n report.NotComparable) bool { return n.Side == report.SideAfter && n.Kind == kind }
				if !slices.ContainsFunc(r.NotComparable, named) {
					t.Errorf("not named: %+v", r.NotComparable)
				}
				if r.Coverage.Complete == failed {
					t.Errorf("complete is %v", r.Coverage.Complete)
				}
				back := diff.Between(after.estate(), before.estate(), diff.Options{})
				if back.HasChanges || !slices.ContainsFunc(back.NotComparable, func(n report.NotComparable) bool { return n.Side == report.SideBefore }) {
					t.Errorf("the other way round: %v, %+v", told(back), back.NotComparable)
				}
			})
		}
	}
}

// TestNewNameThatNobodyRead: without the list of groups, a group with a new name is not one that lost
// and another that got the same.
func TestNewNameThatNobodyRead(t *testing.T) {
	before, after := acme(), acme()
	after.names["g1"] = "analysts"
	after.grants[orders] = map[string]string{"analysts": "SELECT"}
	after.owners[sales], before.owners[sales] = "analysts", "readers"
	after.jobs["7"] = map[string]identity.Level{"bob": identity.IsOwner, "analysts": identity.CanView}
	after.without = []estate.Op{estate.OpGroups}
	for _, r := range []*report.DiffReport{diff.Between(before.estate(), after.estate(), diff.Options{}), diff.Between(after.estate(), before.estate(), diff.Options{})} {
		if r.HasChanges {
			t.Errorf("changes: %v", told(r))
		}
		if !slices.ContainsFunc(r.NotComparable, func(n report.NotComparable) bool { return n.Operation == "tell whom facts name" }) {
			t.Errorf("not said: %+v", r.NotComparable)
		}
	}
}

func TestOtherAccount(t *testing.T) {
	before, after := acme(), acme()
	after.id = "other"
	r := diff.Between(before.estate(), after.estate(), diff.Options{})
	if r.Comparable || r.HasChanges || r.Added != nil || r.Removed != nil || r.Changed != nil || len(r.NotComparable) != 1 || r.Coverage.Complete {
		t.Errorf("%+v", r)
	}
}

// TestBudget: what is left out is said.
func TestBudget(t *testing.T) {
	before, after := acme(), acme()
	after.members["g2"] = nil
	after.names["u3"] = "eve"
	r := diff.Between(before.estate(), after.estate(), diff.Options{Budget: 1})
	left := slices.IndexFunc(r.NotComparable, func(n report.NotComparable) bool { return n.Operation == "work out effective access" })
	if left < 0 || r.NotComparable[left].Reads != 1 || r.Coverage.Complete {
		t.Errorf("%+v", r.NotComparable)
	}
}

// TestSubject: a comparison about one principal leaves out what is of others.
func TestSubject(t *testing.T) {
	before, after := acme(), acme()
	after.members["g1"] = nil
	after.grants[sales] = map[string]string{"bob": "USE_SCHEMA"}
	after.inactive = []string{"u2"}
	o := diff.Options{Subjects: []identity.PrincipalKey{keyOf("u1")}}
	for _, line := range told(diff.Between(before.estate(), after.estate(), o)) {
		if strings.Contains(line, "bob") {
			t.Error(line)
		}
	}
	if got := told(diff.Between(before.estate(), after.estate(), o)); !slices.Contains(got, "membership ann readers: direct -> nothing") {
		t.Errorf("%v", got)
	}
	o = diff.Options{Target: orders}
	for _, line := range told(diff.Between(before.estate(), after.estate(), o)) {
		if strings.HasPrefix(line, "effective") && !strings.Contains(line, "orders") {
			t.Error(line)
		}
	}
}

// TestPartOfTheAccount: credentials of a workspace do not see the rest of the account, which is no
// removal.
func TestPartOfTheAccount(t *testing.T) {
	before, after := acme(), acme()
	delete(after.names, "u1")
	delete(after.names, "g2")
	after.members = map[string][]string{}
	after.grants[main] = map[string]string{}
	after.failed = []estate.Op{estate.OpReach}
	r := diff.Between(before.estate(), after.estate(), diff.Options{})
	for _, c := range r.Removed {
		if c.Kind == report.KindPrincipal {
			t.Errorf("%s is said to be gone", c.Key.Principal.Name)
		}
	}
	if !slices.ContainsFunc(r.NotComparable, func(n report.NotComparable) bool { return n.Operation == "see the whole account" }) {
		t.Errorf("not said: %+v", r.NotComparable)
	}
}

// TestInterrupted: a reading that was cut short is named.
func TestInterrupted(t *testing.T) {
	b := estate.NewBuilder("acme")
	b.Interrupted()
	r := diff.Between(acme().estate(), b.Build(), diff.Options{})
	if r.HasChanges || r.Coverage.Complete || r.NotComparable[0].Side != report.SideAfter || r.NotComparable[0].Operation != "read to the end" {
		t.Errorf("%v %+v", told(r), r.NotComparable)
	}
}
