package plan_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/report"
)

// TestGain holds what is said of the gain against the answers of core/access on the account as it is and as
// it would be: nothing is said that is not so, and nothing certain is left out.
func TestGain(t *testing.T) {
	gained := 0
	rapid.Check(t, func(t *rapid.T) {
		m, w := drawn(t)
		steps, err := plan.Steps(m, w)
		if err != nil {
			t.Skip("refused")
		}
		out := plan.OutcomeOf(m, w, steps, nil, true)
		after := m.With(plan.Overlay(m.Estate(), carried(steps, true)))
		was, is, source := m.Subject(w.Target), after.Subject(w.Target), after.Subject(w.Source)
		own := slices.DeleteFunc(slices.Clone(out.Gains), func(g report.Gain) bool {
			return g.Principal.ID != w.Target.ID || g.Principal.Kind != w.Target.Kind.String()
		})
		acts := false // as another group: what that has, it has then by itself, which is a gain
		for p := range m.Estate().Principals() {
			acts = acts || p.Key.Kind == identity.KindGroup && p.Key != identity.AccountUsers() && p.Key.Workspace == 0 && was.HasRole(identity.RoleGroupAssumer, p.Key) != access.Denied
		}
		for q := range questions(m.Estate()) {
			before, now := was.Can(q.p, q.on, q.in), is.Can(q.p, q.on, q.in)
			if before == access.Denied && now == access.Allowed {
				gained++
				if !slices.ContainsFunc(own, func(g report.Gain) bool { return about(m, g, q) }) {
					t.Errorf("%v gains %v, and nothing is said of it: %s", w.Target, q, print(own))
				}
			}
			for _, g := range own {
				leaf := q.on.Type == identity.TypeTable || q.on.Type == identity.TypeExternalLocation
				if leaf && says(m, g, q) && (before == access.Allowed && !acts || now != access.Allowed) {
					t.Errorf("%v is said to gain %v, and it is %v and then %v", w.Target, q, before, now)
				}
			}
			for _, g := range out.Excess {
				if q.on.Type == identity.TypeTable && says(m, g, q) && source.Can(q.p, q.on, q.in) == access.Allowed {
					t.Errorf("%v is said to be no right of the source %v, and is", q, w.Source)
				}
			}
		}
		if len(carried(steps, true)) == 0 && len(out.Gains)+len(out.Unknown)+len(out.Losses)+len(out.Escalations) > 0 {
			t.Errorf("no steps, and yet %+v", out)
		}
		if len(out.Losses) > 0 {
			t.Errorf("a clone takes nothing away: %s", print(out.Losses))
		}
	})
	if gained == 0 {
		t.Error("nobody gained anything: the test shows nothing")
	}
}

// about reports whether a gain is on what the question is about or around it, from its workspace.
func about(m *access.Model, g report.Gain, q question) bool {
	if g.Kind != report.GainAccess || !slices.Contains(g.ReachableIn, m.Estate().WorkspaceName(q.in)) {
		return false
	}
	for at, ok := q.on, true; ok; at, ok = at.Parent() {
		if g.Securable.Type == at.Type && g.Securable.FullName == at.FullName() && g.Securable.Metastore == m.Estate().MetastoreName(at.Metastore) {
			return true
		}
	}
	return false
}

// says reports whether a gain is of the very right that is asked about.
func says(m *access.Model, g report.Gain, q question) bool {
	return about(m, g, q) && g.Securable.Type == q.on.Type && slices.Contains(g.Privileges, q.p)
}

func print(list []report.Gain) (all string) {
	for _, g := range list {
		all += fmt.Sprintf("\n  %s %s %+v %v from %v because %v", g.Kind, g.Principal.Name, g.Securable, g.Privileges, g.ReachableIn, g.Because)
	}
	return all
}

// TestT05_AdminBehindHarmlessNames plants each power behind groups of groups, and holds that no depth hides
// it.
func TestT05_AdminBehindHarmlessNames(t *testing.T) {
	main := identity.CatalogSecurable("m", "main")
	powers := map[string]struct {
		give func(b *estate.Builder, top identity.PrincipalKey)
		tier plan.Tier
	}{
		"account admin": {func(b *estate.Builder, top identity.PrincipalKey) {
			p := group(top.ID)
			p.Roles = []string{identity.RoleAccountAdmin}
			b.AddPrincipal(p)
		}, plan.Barred},
		"metastore admin": {func(b *estate.Builder, top identity.PrincipalKey) {
			b.AddMetastore(identity.Metastore{ID: "m", Name: "m", Owner: "g" + top.ID, PrivilegeModel: "1.0"})
		}, plan.Barred},
		"workspace admin": {func(b *estate.Builder, top identity.PrincipalKey) {
			b.AddAssignment(identity.Assignment{Workspace: 1, Principal: top, Permission: identity.WorkspaceAdmin})
		}, plan.Barred},
		"group manager": {func(b *estate.Builder, top identity.PrincipalKey) {
			b.AddRoleGrant(identity.RoleGrant{On: key("900"), Role: identity.RoleGroupManager, Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "g" + top.ID}})
		}, plan.Barred},
		"manage":         {grants(main, identity.Manage), plan.High},
		"all privileges": {grants(main, identity.AllPrivileges), plan.High},
		"unknown":        {grants(main, "FLY_TO_THE_MOON"), plan.High},
		"create catalog": {grants(identity.MetastoreSecurable("m"), "CREATE_CATALOG"), plan.High},
		"credential":     {grants(identity.Securable{Metastore: "m", Type: identity.TypeStorageCredential, Name: "c"}, "CREATE_EXTERNAL_TABLE"), plan.High},
		"external":       {grants(identity.Securable{Metastore: "m", Type: identity.TypeExternalLocation, Name: "l"}, identity.ReadFiles), plan.High},
		"select":         {grants(main, identity.Select), plan.Normal},
		"ownership": {func(b *estate.Builder, top identity.PrincipalKey) {
			b.AddSecurable(identity.SecurableInfo{Securable: main, Owner: "g" + top.ID})
		}, plan.High},
		"guarded group": {func(b *estate.Builder, top identity.PrincipalKey) {
			b.AddPrincipal(group("900"))
			b.AddMembership(top, key("900"))
			grants(main, identity.Select)(b, top)
		}, plan.Barred},
		"principal's own": {func(b *estate.Builder, top identity.PrincipalKey) { grants(main, identity.Select)(b, top) }, plan.Normal},
	}
	for name, power := range powers {
		for depth := 1; depth <= 10; depth++ {
			t.Run(name+" at depth "+strconv.Itoa(depth), func(t *testing.T) {
				b := estate.NewBuilder("acc")
				for _, p := range []identity.Principal{person("1"), person("2"), admin()} {
					b.AddPrincipal(p)
				}
				b.AddWorkspace(identity.Workspace{ID: 1, Name: "w", Status: "RUNNING"})
				b.AttachMetastore("m", 1)
				b.AddMetastore(identity.Metastore{ID: "m", Name: "m", PrivilegeModel: "1.0"})
				member := identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}
				for i := range depth {
					g := group(strconv.Itoa(100 + i))
					b.AddPrincipal(g)
					b.AddMembership(member, g.Key)
					b.Record(estate.ReadKey{Op: estate.OpMembers, Principal: g.Key}, estate.Outcome{Needed: true})
					member = g.Key
				}
				for _, who := range []string{"1", "2"} {
					b.Record(estate.ReadKey{Op: estate.OpParents, Principal: identity.PrincipalKey{Kind: identity.KindUser, ID: who}}, estate.Outcome{Needed: true})
				}
				power.give(b, member)
				w := plan.Wish{Source: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Target: identity.PrincipalKey{Kind: identity.KindUser, ID: "2"}, Deep: true}
				m := access.Over(b.Build(), access.Options{})
				steps, err := plan.Steps(m, w)
				if err != nil || len(carried(steps, false)) != 1 {
					t.Fatalf("%v, %+v", err, steps)
				}
				out := plan.OutcomeOf(m, w, steps, []identity.PrincipalKey{key("900")}, true)
				if out.Tier != power.tier || (len(out.Reasons) == 0) != (power.tier == plan.Normal) {
					t.Errorf("tier %s because %q, want %s", out.Tier, out.Reasons, power.tier)
				}
			})
		}
	}
}

func key(id string) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindGroup, ID: id}
}

func group(id string) identity.Principal {
	return identity.Principal{Key: key(id), Name: "g" + id, DisplayName: "g" + id, Origin: identity.OriginDatabricks, Status: identity.StatusActive}
}

func person(id string) identity.Principal {
	return identity.Principal{
		Key: identity.PrincipalKey{Kind: identity.KindUser, ID: id}, Name: "u" + id + "@x.test", DisplayName: "u" + id,
		Origin: identity.OriginDatabricks, Status: identity.StatusActive,
	}
}

func admin() identity.Principal {
	p := person("9")
	p.Roles = []string{identity.RoleAccountAdmin}
	return p
}

func grants(on identity.Securable, p identity.Privilege) func(*estate.Builder, identity.PrincipalKey) {
	return func(b *estate.Builder, top identity.PrincipalKey) {
		b.AddSecurable(identity.SecurableInfo{Securable: on, Owner: "u9@x.test"})
		b.AddGrants(on, []identity.Grant{{Securable: on, Holder: "g" + top.ID, Privileges: []identity.Privilege{p}}})
	}
}
