package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// TestNewSinceIsWhatTwoReportsDifferIn holds what is said to be new against two reports in full: over random
// accounts before and after random changes, for one identity and for everybody.
func TestNewSinceIsWhatTwoReportsDifferIn(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	for seed := range uint64(250) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s := newSprawl(rng)
		e := s.estate()
		before := access.Over(e, access.Options{AssignedGroupsOnly: seed%3 == 0, JobEditNeedsUser: seed%4 == 0})
		after := before.With(e.With(s.changes(rng, met)))
		asked := []*identity.PrincipalKey{nil}
		for range 4 {
			asked = append(asked, &s.all[rng.IntN(len(s.all))])
		}
		for _, who := range asked {
			was, is := analysis.Escalations(before, who), analysis.Escalations(after, who)
			want := slices.DeleteFunc(slices.Clone(is.Findings), func(f report.Finding) bool {
				return slices.ContainsFunc(was.Findings, func(old report.Finding) bool { return sameFinding(f, old) })
			})
			old, now := analysis.WaysOver(before, who), analysis.WaysOver(after, who)
			got := now.NewSince(old)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %v: two reports (-) and what is said to be new (+) differ\n%s", seed, who, diff)
			}
			for _, f := range got {
				met["new "+f.ID]++
				if who != nil {
					met[fmt.Sprintf("acts %d", min(len(f.Acts), 4))]++
				}
			}
			if who != nil {
				comparePowers(t, seed, *who, is, now, met)
			}
		}
	}
	for _, what := range []string{
		"new E01", "new E02", "new E05", "new E06", "new E07", "new E08", "new E09", "new E10", "new E11", "new E12", "new E13", "new E18", "new E20", "new E25",
		"acts 2", "acts 4", "powers", "member", "no member", "assigned", "granted", "permitted", "deleted",
	} {
		if met[what] < 3 {
			t.Errorf("%d times %q: the test shows little", met[what], what)
		}
	}
}

// TestAnotherVolumeIsNew has one who may change the code of one job, and then of another that runs as the same.
func TestAnotherVolumeIsNew(t *testing.T) {
	t.Parallel()
	other := volume
	other.Name = "v2"
	w := newWorld().use().assign("etl", prod, identity.WorkspaceUser).securable(identity.SecurableInfo{Securable: other, Owner: "own"})
	w.grants(volume, "alice: WRITE_VOLUME").object(job("1", "etl", "/Volumes/c/s/v/a.py")).object(job("2", "etl", "/Volumes/c/s/v2/a.py"))
	before := w.model()
	after := before.With(before.Estate().With(estate.Changes{Granted: map[identity.Securable][]identity.Grant{
		other: {{Securable: other, Holder: "alice", Privileges: []identity.Privilege{identity.WriteVolume}}},
	}}))
	found := analysis.WaysOver(after, nil).NewSince(analysis.WaysOver(before, nil))
	if len(found) != 1 || found[0].ID != "E13" || found[0].Securable.FullName != "c.s.v2" {
		t.Errorf("%+v", found)
	}
}

// sameFinding is whether a finding is there already, told by what reports show of both.
func sameFinding(a, b report.Finding) bool {
	to := func(f report.Finding) string {
		var s string
		if f.Securable != nil {
			s += string(f.Securable.Type) + "\x00" + f.Securable.Metastore + "\x00" + f.Securable.FullName
		}
		if f.Object != nil {
			s += "\x00" + fmt.Sprint(*f.Object)
		}
		if f.Principal != nil {
			s += "\x00" + f.Principal.Kind + "\x00" + f.Principal.ID
		}
		return s
	}
	subject := a.Subject.ID == b.Subject.ID && a.Subject.Kind == b.Subject.Kind
	return subject && a.ID == b.ID && a.Gains == b.Gains && len(a.Acts) == len(b.Acts) && to(a) == to(b)
}

// comparePowers holds the powers told without the ways against those of the report.
func comparePowers(t *testing.T, seed uint64, who identity.PrincipalKey, r *report.EscalationsReport, w analysis.Ways, met map[string]int) {
	var want, got []string
	for _, p := range r.Powers {
		if len(p.Reached) > 0 {
			want = append(want, p.Power+" "+p.Scope)
		}
	}
	for _, p := range w.Powers() {
		got = append(got, p.Power+" "+p.Scope)
	}
	met["powers"] += len(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("seed %d, %v: the report's powers (-) and those of the ways (+) differ\n%s", seed, who, diff)
	}
}

// TestSearchesAgree holds the search forwards from somebody against those backwards from each power, and the
// search from all powers at once against one for each.
func TestSearchesAgree(t *testing.T) {
	t.Parallel()
	far := 0
	for seed := range uint64(250) {
		rng := rand.New(rand.NewPCG(seed, 9))
		m := access.Over(newSprawl(rng).estate(), access.Options{})
		forwards, backwards := analysis.PowersSearched(m)
		if diff := cmp.Diff(backwards, forwards); diff != "" {
			t.Fatalf("seed %d: backwards (-) and forwards (+) differ\n%s", seed, diff)
		}
		atOnce, each := analysis.SurelyPowerful(m)
		if diff := cmp.Diff(each, atOnce); diff != "" {
			t.Fatalf("seed %d: for each power (-) and for all at once (+) differ\n%s", seed, diff)
		}
		far += len(each)
	}
	if far < 1000 {
		t.Errorf("%d times somebody was powerful: the test shows little", far)
	}
}

// sprawl is a random account in which people come to more by everything that the catalogue knows of objects,
// roles and ownership.
type sprawl struct {
	b                          *estate.Builder
	users, robots, groups, all []identity.PrincipalKey
	names                      map[identity.PrincipalKey]string
	items                      []identity.Object
	things                     []identity.Securable
	unread                     bool // whether some lists of workspaces were not read
}

func newSprawl(rng *rand.Rand) *sprawl {
	s := &sprawl{b: estate.NewBuilder("acc"), names: map[identity.PrincipalKey]string{}, unread: rng.IntN(4) == 0}
	s.saw(estate.ReadKey{Op: estate.OpGroups}, estate.ReadKey{Op: estate.OpRoles}, estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: root})
	for _, k := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal} {
		s.saw(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: k}})
	}
	s.people(rng)
	if rng.IntN(4) == 0 {
		s.ladder()
	}
	s.places(rng)
	s.data(rng)
	s.objects(rng)
	return s
}

func (s *sprawl) estate() *estate.Estate { return s.b.Build() }

func (s *sprawl) saw(keys ...estate.ReadKey) {
	for _, k := range keys {
		s.b.Record(k, estate.Outcome{Needed: true, At: read})
	}
}

func (s *sprawl) people(rng *rand.Rand) {
	add := func(kind identity.Kind, n int) (keys []identity.PrincipalKey) {
		for i := range n {
			p := identity.Principal{
				Key:  identity.PrincipalKey{Kind: kind, ID: fmt.Sprint(100 + len(s.all))},
				Name: fmt.Sprintf("%s%d@x.test", kind, i), Status: identity.StatusActive, Origin: identity.OriginDatabricks,
			}
			switch {
			case rng.IntN(12) == 0 && kind != identity.KindGroup:
				p.Status = identity.StatusInactive
			case rng.IntN(10) == 0:
				p.Roles = []string{identity.RoleAccountAdmin}
			case rng.IntN(10) == 0:
				p.Origin = identity.OriginIDP
			}
			s.b.AddPrincipal(p)
			s.names[p.Key] = p.Name
			s.all, keys = append(s.all, p.Key), append(keys, p.Key)
			s.saw(estate.ReadKey{Op: estate.OpRoles, Principal: p.Key}, estate.ReadKey{Op: estate.OpMembers, Principal: p.Key})
		}
		return keys
	}
	s.users, s.robots, s.groups = add(identity.KindUser, 5), add(identity.KindServicePrincipal, 3), add(identity.KindGroup, 6)
	for range 9 {
		s.b.AddMembership(pick(rng, s.all), pick(rng, s.groups))
	}
	roles := []identity.Role{identity.RoleGroupManager, identity.RoleGroupAssumer, identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager}
	for range 4 {
		g := identity.RoleGrant{Role: pick(rng, roles), Holder: s.name(pick(rng, s.all))}
		switch g.Role {
		case identity.RoleGroupManager, identity.RoleGroupAssumer:
			g.On = pick(rng, s.groups)
		default:
			g.On = pick(rng, s.robots)
		}
		if rng.IntN(6) == 0 {
			g.On = identity.PrincipalKey{} // on all
		}
		s.b.AddRoleGrant(g)
	}
}

// ladder puts groups over each other whose members may join the next one, up to an account admin: those at its
// foot are too far away.
func (s *sprawl) ladder() {
	for i := range 9 {
		p := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: fmt.Sprint(500 + i)}, Name: fmt.Sprint("rung", i), Origin: identity.OriginDatabricks}
		if i == 8 {
			p.Roles = []string{identity.RoleAccountAdmin}
		}
		s.b.AddPrincipal(p)
		s.names[p.Key] = p.Name
		if i > 0 {
			below := identity.PrincipalKey{Kind: identity.KindGroup, ID: fmt.Sprint(500 + i - 1)}
			s.b.AddRoleGrant(identity.RoleGrant{On: p.Key, Role: identity.RoleGroupManager, Holder: s.name(below)})
		}
	}
	s.b.AddMembership(s.users[0], identity.PrincipalKey{Kind: identity.KindGroup, ID: "500"})
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func (s *sprawl) name(k identity.PrincipalKey) identity.PrincipalName {
	return identity.PrincipalName{Kind: k.Kind, Name: s.names[k]}
}

func (s *sprawl) places(rng *rand.Rand) {
	s.b.AddMetastore(identity.Metastore{ID: eu, Name: "eu", Owner: s.names[pick(rng, s.groups)], PrivilegeModel: "1.0"})
	for id, name := range map[identity.WorkspaceID]string{prod: "prod", dev: "dev"} {
		s.b.AddWorkspace(identity.Workspace{ID: id, Name: name, Status: "RUNNING"})
		s.b.AttachMetastore(eu, id)
	}
	for _, id := range []identity.WorkspaceID{prod, dev} {
		s.b.AddRestrictAdmins(id, pick(rng, []identity.RestrictAdmins{identity.AdminsAllowAll, identity.AdminsRestricted, identity.AdminsRestricted, identity.RestrictAdminsUnknown}))
		for range 4 {
			k, p := pick(rng, s.all), identity.WorkspaceUser
			if rng.IntN(5) == 0 {
				p = identity.WorkspaceAdmin
			}
			s.b.AddAssignment(identity.Assignment{Workspace: id, Principal: k, Name: s.names[k], Permission: p})
		}
		if !s.unread {
			s.saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: id}, estate.ReadKey{Op: estate.OpEntitlements, Workspace: id, Principal: identity.PrincipalKey{Kind: identity.KindGroup}})
		}
	}
}

func (s *sprawl) data(rng *rand.Rand) {
	other := volume
	other.Name = "v2"
	s.things = []identity.Securable{catalog, schema, table, volume, other, beside(identity.TypeStorageCredential, "cred"), beside(identity.TypeExternalLocation, "loc"), beside(identity.TypeConnection, "con"), root}
	for _, on := range s.things {
		if on != root {
			s.b.AddSecurable(identity.SecurableInfo{Securable: on, Owner: s.names[pick(rng, s.all)], Isolation: identity.IsolationOpen})
		}
		s.b.AddGrants(on, []identity.Grant{s.grant(rng, on), s.grant(rng, on)})
		s.saw(estate.ReadKey{Op: estate.OpGrants, Securable: on})
	}
}

func (s *sprawl) grant(rng *rand.Rand, on identity.Securable) identity.Grant {
	holder := s.names[pick(rng, s.all)]
	if rng.IntN(5) == 0 {
		holder = identity.AccountUsersName
	}
	ps := []identity.Privilege{identity.Manage, identity.AllPrivileges, identity.Select, identity.UseCatalog, identity.UseSchema, identity.ReadFiles, "CREATE_EXTERNAL_LOCATION", identity.WriteVolume}
	return identity.Grant{Securable: on, Holder: holder, Privileges: []identity.Privilege{pick(rng, ps), pick(rng, ps)}}
}

func (s *sprawl) objects(rng *rand.Rand) {
	for i := range 10 {
		in := pick(rng, []identity.WorkspaceID{prod, prod, dev})
		types := []identity.ObjectType{identity.ObjectJob, identity.ObjectJob, identity.ObjectJob, identity.ObjectCluster, identity.ObjectSecretScope, identity.ObjectNotebook, identity.ObjectQuery, identity.ObjectApp, identity.ObjectPipeline}
		o := identity.ObjectInfo{Object: identity.Object{Workspace: in, Type: pick(rng, types), ID: fmt.Sprint(i)}, Name: fmt.Sprint("thing ", i), Creator: s.names[pick(rng, s.users)], Detailed: true}
		switch o.Type {
		case identity.ObjectJob:
			o.RunAs = pick(rng, []string{s.names[pick(rng, s.all)], s.names[pick(rng, s.robots)], "nobody@x.test", ""})
			o.Code = pick(rng, [][]string{{"/Users/a/5"}, {"/Volumes/c/s/v/main.py"}, {"/Volumes/c/s/v2/main.py"}, {"etc"}, nil})
		case identity.ObjectCluster:
			o.SingleUser = pick(rng, []string{s.names[pick(rng, s.all)], ""})
			o.SecurityMode, o.InstanceProfile = pick(rng, []string{"NONE", "USER_ISOLATION"}), pick(rng, []string{"role", ""})
		case identity.ObjectNotebook:
			o.Path = pick(rng, []string{"/Users/a/5", "/Users/a"})
		case identity.ObjectQuery:
			o.BorrowsOwner = true
		default:
			o.RunAs = s.names[pick(rng, s.robots)]
		}
		s.b.AddObject(o)
		s.b.AddObjectGrants(o.Object, s.permissions(rng, o.Object))
		s.items = append(s.items, o.Object)
		s.saw(estate.ReadKey{Op: estate.OpObjectGrants, Object: o.Object})
	}
}

func (s *sprawl) permissions(rng *rand.Rand, on identity.Object) []identity.ObjectGrant {
	var list []identity.ObjectGrant
	for range 1 + rng.IntN(3) {
		levels := []identity.Level{identity.CanManage, identity.CanManageRun, identity.IsOwner, identity.CanUse, identity.CanEdit, on.Type.Highest(), identity.SecretRead, identity.SecretWrite}
		list = append(list, identity.ObjectGrant{Holder: s.name(pick(rng, s.all)), Level: pick(rng, levels)})
	}
	return list
}

// changes are a few facts that are otherwise, the ones that plans and what-ifs change.
func (s *sprawl) changes(rng *rand.Rand, met map[string]int) estate.Changes {
	c := estate.Changes{
		Members: map[identity.Membership]bool{}, Assigned: map[estate.Seat]identity.Assignment{},
		Granted: map[identity.Securable][]identity.Grant{}, Permitted: map[identity.Object][]identity.ObjectGrant{},
	}
	for range 1 + rng.IntN(3) {
		switch rng.IntN(6) {
		case 0:
			c.Members[identity.Membership{Member: pick(rng, s.all), Group: pick(rng, s.groups)}] = true
			met["member"]++
		case 1:
			for _, g := range s.groups {
				c.Members[identity.Membership{Member: pick(rng, s.all), Group: g}] = false
			}
			met["no member"]++
		case 2:
			k, in := pick(rng, s.all), pick(rng, []identity.WorkspaceID{prod, dev})
			p := pick(rng, []identity.WorkspacePermission{identity.WorkspaceNone, identity.WorkspaceUser, identity.WorkspaceAdmin})
			c.Assigned[estate.Seat{In: in, Who: k}] = identity.Assignment{Workspace: in, Principal: k, Name: s.names[k], Permission: p}
			met["assigned"]++
		case 3:
			on := pick(rng, s.things)
			c.Granted[on] = []identity.Grant{s.grant(rng, on), s.grant(rng, on)}
			met["granted"]++
		case 4:
			on := pick(rng, s.items)
			c.Permitted[on] = s.permissions(rng, on)
			met["permitted"]++
		case 5:
			c.Deleted = []identity.PrincipalKey{pick(rng, s.all)}
			met["deleted"]++
		}
	}
	return c
}
