package analysis_test

import (
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

// TestWorthOfActingAsAGroup: to join a group is worth as much as the most that it has, by itself or by what is above it, and at
// least a high severity if that is anything at all. What everybody has is no gain.
func TestWorthOfActingAsAGroup(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		has  func(*world)
		want string
	}{
		"nothing":             {func(*world) {}, "medium"},
		"a grant":             {func(w *world) { w.grants(table, "g: SELECT") }, "high"},
		"a table of its own":  {func(w *world) { w.securable(identity.SecurableInfo{Securable: table, Owner: "g"}) }, "high"},
		"MANAGE on a catalog": {func(w *world) { w.grants(catalog, "g: MANAGE") }, "critical"},
		"several ways, the first of them high": {func(w *world) {
			w.securable(identity.SecurableInfo{Securable: catalog, Owner: "g"}).grants(schema, "g: MANAGE").grants(catalog, "account users: USE_CATALOG")
		}, "critical"},
		"a parent with a grant":        {func(w *world) { w.group("parent", "g").grants(table, "parent: SELECT") }, "high"},
		"a power":                      {func(w *world) { w.metastore("g") }, "critical"},
		"what all of the account have": {func(w *world) { w.grants(table, "account users: SELECT") }, "medium"},
		"what all of its workspace have": {func(w *world) {
			w.assign("g", prod, identity.WorkspaceUser).object(job("1", "etl"), "users CAN_MANAGE")
		}, "medium"},
		"what some of its workspace have": {func(w *world) { w.assign("g", prod, identity.WorkspaceUser).object(job("1", "etl"), "g CAN_MANAGE") }, "high"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld().user("carol").group("g").role("carol", identity.RoleGroupManager, "g")
			c.has(w)
			wantFound(t, w.escalations(t, ""), "E06", "E06 "+c.want+" carol → as g")
		})
	}
}

// TestWorthOfAllGroups: a role on every group is worth what the best of them is.
func TestWorthOfAllGroups(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"", "medium"}, {"first", "high"}, {"last", "high"}} {
		w := newWorld().user("carol").group("first").group("second").group("last").role("carol", identity.RoleGroupManager, "")
		for _, s := range []identity.Securable{catalog, schema, table, volume} {
			w.securable(identity.SecurableInfo{Securable: s, Owner: "etl"})
		}
		if c[0] != "" {
			w.grants(table, c[0]+": SELECT")
		}
		wantFound(t, w.escalations(t, ""), "E06", "E06 "+c[1]+" carol →")
	}
}

// TestSeverityOfPermissions: what lets somebody be somebody else by an object is critical where that leads to power, and is as it
// was for other rights. What only may lead there is no more than high.
func TestSeverityOfPermissions(t *testing.T) {
	t.Parallel()
	cluster := object(identity.ObjectCluster, "k", func(o *identity.ObjectInfo) { o.SecurityMode = "NONE" })
	for _, c := range []struct{ id, plain, right, power string }{
		{"E11", "high", "high", "critical"},
		{"E12", "medium", "medium", "high"},
		{"E17", "high", "high", "high"},
	} {
		for what, want := range map[string]string{"": c.plain, "a grant": c.right, "the metastore": c.power} {
			w := newWorld().object(job("1", "etl"), "alice "+map[string]string{"E11": "CAN_MANAGE", "E12": "CAN_MANAGE_RUN", "E17": "CAN_VIEW"}[c.id]).object(cluster, "alice CAN_ATTACH_TO", "etl CAN_ATTACH_TO")
			switch what {
			case "a grant":
				w.grants(table, "etl: SELECT")
			case "the metastore":
				w.metastore("etl")
			}
			got := found(w.escalations(t, "alice"), c.id)
			if len(got) != 1 || !strings.HasPrefix(got[0], c.id+" "+want+" alice") {
				t.Errorf("as one with %q: %q; want %s %s", what, got, c.id, want)
			}
		}
	}
}

// TestGroupWhoseWorthIsAWay: a group of the identity provider that has nothing but a way to more is told of, whether or not somebody
// can come to be it here, too.
func TestGroupWhoseWorthIsAWay(t *testing.T) {
	t.Parallel()
	w := newWorld().user("carol").groupOf(identity.OriginIDP, "g").group("rich").grants(table, "rich: SELECT").role("g", identity.RoleGroupManager, "rich")
	wantFound(t, w.escalations(t, ""), "E32", "E32 high g →?")
	w.role("carol", identity.RoleGroupAssumer, "g")
	wantFound(t, w.escalations(t, ""), "E32", "E32 high g →?")
}

// TestGroupsOfTheIdentityProvider that carry any privilege are told of, each of them, and nothing else that comes from there. It is
// no finding of their members.
func TestGroupsOfTheIdentityProvider(t *testing.T) {
	t.Parallel()
	w := newWorld().groupOf(identity.OriginIDP, "reads", "alice").groupOf(identity.OriginIDP, "rules").groupOf(identity.OriginIDP, "idle").
		principal(identity.KindUser, "carol", func(p *identity.Principal) { p.Origin = identity.OriginIDP }).
		grants(table, "reads: SELECT", "carol: SELECT").grants(catalog, "rules: MANAGE")
	r := w.escalations(t, "")
	wantFound(t, r, "E32", "E32 high reads →?", "E32 high rules →?")
	for _, f := range r.Findings {
		if f.ID == "E32" && (!strings.Contains(f.Gains, f.Subject.Name) || len(f.Acts) != 1 || !strings.Contains(f.Acts[0], "identity provider")) {
			t.Errorf("%+v", f)
		}
	}
	wantFound(t, w.escalations(t, "alice"), "E32")
}
