package accesstest

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// features are what a world is worth testing with.
func (w World) features() map[string]bool {
	has := map[string]bool{}
	edges := map[identity.Membership]bool{}
	for _, m := range w.Memberships {
		edges[m] = true
	}
	for m := range edges {
		above := climb(w.Memberships, m.Group)
		has["cycle"] = has["cycle"] || slices.Contains(above, m.Member)
		for other := range edges {
			if other.Member == m.Member && other.Group != m.Group {
				for _, top := range above {
					if top != m.Group && slices.Contains(climb(w.Memberships, other.Group), top) {
						has["diamond"] = true
					}
				}
			}
		}
	}
	for _, p := range w.subjects() {
		has["three layers"] = has["three layers"] || len(climb(w.Memberships, p)) > 3
	}
	has["same person"] = len(w.SamePerson) > 0
	has["several workspaces"] = len(w.Workspaces) > 1
	has["unattached metastore"] = len(w.Attachments) < len(w.Workspaces)
	for _, p := range w.Principals {
		has["group of one workspace"] = has["group of one workspace"] || p.Key.Workspace != 0
		has["service principal"] = has["service principal"] || p.Key.Kind == identity.KindServicePrincipal
		has["deactivated"] = has["deactivated"] || p.Status == identity.StatusInactive
		has["status not told"] = has["status not told"] || p.Status == identity.StatusUnknown && p.Key.Kind != identity.KindGroup
		has["alias"] = has["alias"] || len(p.Aliases) > 0
		has["listed account users"] = has["listed account users"] || isListedAccountUsers(p)
		for _, q := range w.Principals {
			if p.Key != q.Key && p.Key.Workspace == q.Key.Workspace && identity.SameName(p.Name, q.Name) {
				has["shared name"] = true
				has["shared but for case"] = has["shared but for case"] || p.Name != q.Name
			}
		}
	}
	for _, a := range w.Assignments {
		has["assigned by "+a.Principal.Kind.String()] = true
		has["assigned as "+a.Permission.String()] = true
		has["account users assigned"] = has["account users assigned"] || a.Principal == identity.AccountUsers()
	}
	for _, m := range w.Metastores {
		has["inherits"] = has["inherits"] || m.Inherits()
		has["does not inherit"] = has["does not inherit"] || !m.Inherits()
		has["metastore without admin"] = has["metastore without admin"] || m.Owner == ""
	}
	o := Oracle{seen: sightings{Facts: w.Facts}}
	named := func(what, name string) {
		switch bearers := o.bearers(name, anyKind); {
		case name == "":
			has[what+" deleted or not told"] = true
		case strings.HasPrefix(name, "_workspace_"):
			has[what+" mirrors a workspace"] = true
		case len(bearers) == 0:
			has[what+" unheard of"] = true
		case len(bearers) > 1:
			has[what+" ambiguous"] = true
		case bearers[0] == identity.AccountUsers():
			has[what+" account users"] = true
		default:
			has[what+" a "+bearers[0].Kind.String()] = true
		}
		has[what+" in backticks"] = has[what+" in backticks"] || strings.HasPrefix(name, "`")
		has[what+" in capitals"] = has[what+" in capitals"] || strings.HasPrefix(name, "U") || strings.HasPrefix(name, "G")
	}
	for _, s := range w.Securables {
		has[string(s.Type)] = true
		named("owner", s.Owner)
		if isolatable(s.Type) {
			has[map[identity.Isolation]string{
				identity.IsolationUnknown: "isolation not told", identity.IsolationOpen: "open", identity.Isolated: "isolated",
			}[s.Isolation]] = true
		}
	}
	for _, b := range w.Bindings {
		info, _ := w.listed(b.On)
		has["bound"] = has["bound"] || info.Isolation == identity.Isolated
		has["bound read-only"] = has["bound read-only"] || info.Isolation == identity.Isolated && b.ReadOnly
		has["stale binding"] = has["stale binding"] || info.Isolation == identity.IsolationOpen
	}
	for _, g := range w.Grants {
		named("holder", g.Holder)
		for _, p := range g.Privileges {
			has["granted "+string(p)] = true
			has["granted in vain"] = has["granted in vain"] || !p.Applies(g.Securable.Type)
		}
	}
	w.placeFeatures(has)
	w.leverFeatures(has)
	has["nothing hidden"] = len(w.Hidden) == 0
	ops := map[estate.Op]string{
		estate.OpGroups: "groups", estate.OpMembers: "members", estate.OpParents: "parents", estate.OpPrincipal: "principal",
		estate.OpAssignments: "assignments", estate.OpMetastoreWorkspaces: "attachments", estate.OpChildren: "children",
		estate.OpGrants: "grants", estate.OpBindings: "bindings", estate.OpRoles: "roles", estate.OpEntitlements: "entitlements",
		estate.OpObjects: "objects", estate.OpObjectGrants: "permissions",
	}
	for k, gap := range w.Hidden {
		has["hidden "+ops[k.Op]] = true
		has["hidden, never planned"] = has["hidden, never planned"] || gap.Kind == ""
		has["hidden, but for a part"] = has["hidden, but for a part"] || gap.Keep != 0
	}
	return has
}

// replies are the kinds of answer that the oracle gives to a few questions about a world.
func replies(w World, rng *rand.Rand) []string {
	var kinds []string
	subjects := w.subjects()
	key := subjects[rng.IntN(len(subjects))]
	o, qs := NewOracle(w, key), w.Questions(key)
	for range 20 {
		q := qs[rng.IntN(len(qs))]
		kinds = append(kinds, string(q.Method)+" "+q.Ask(o).Verdict.String())
	}
	return kinds
}

// TestGeneratorLeavesNothingOut counts, over many worlds, what a test of access should meet.
func TestGeneratorLeavesNothingOut(t *testing.T) {
	const worlds = 2000
	counts := map[string]int{}
	for i := range worlds {
		w := seeded(1, i)
		for what, present := range w.features() {
			if present {
				counts[what]++
			}
		}
		for _, kind := range replies(w, rand.New(rand.NewPCG(4, uint64(i)))) {
			counts[kind]++
		}
	}
	wanted := []string{
		"cycle", "diamond", "three layers", "same person", "several workspaces", "unattached metastore",
		"group of one workspace", "service principal", "deactivated", "status not told", "alias", "listed account users",
		"shared name", "shared but for case",
		"assigned by user", "assigned by service_principal", "assigned by group", "assigned as USER", "assigned as ADMIN",
		"account users assigned", "inherits", "does not inherit", "metastore without admin",
		"owner in backticks", "owner in capitals", "holder in backticks", "holder in capitals",
		"isolation not told", "open", "isolated", "bound", "bound read-only", "stale binding", "granted in vain",
		"granted ALL_PRIVILEGES", "granted USAGE", "granted CREATE", "granted CREATE_VIEW", "granted FLY_TO_THE_MOON",
		"nothing hidden", "hidden groups", "hidden members", "hidden parents", "hidden principal", "hidden assignments",
		"hidden attachments", "hidden children", "hidden grants", "hidden bindings", "hidden, never planned",
		"hidden, but for a part",
	}
	wanted = append(wanted, wantedPlaces...)
	wanted = append(wanted, wantedLevers...)
	for _, what := range []string{"owner", "holder"} {
		for _, who := range []string{
			"deleted or not told", "mirrors a workspace", "unheard of", "ambiguous", "account users", "a user",
			"a service_principal", "a group",
		} {
			wanted = append(wanted, what+" "+who)
		}
	}
	for on := range sample {
		if on != identity.TypeMetastore {
			wanted = append(wanted, string(on))
		}
	}
	for _, method := range []Method{In, Assigned, Effective, Uses, Reaches, Can, Permitted, Operates, Entitled, HasRole, Exercises} {
		for _, v := range []access.Verdict{access.Unknown, access.Denied, access.Allowed} {
			wanted = append(wanted, string(method)+" "+v.String())
		}
	}
	for _, what := range wanted {
		if counts[what] == 0 {
			t.Errorf("%d worlds without %q", worlds, what)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[what], what)
	}
}

func TestRandomIsAFunctionOfItsNumbers(t *testing.T) {
	for i := range 20 {
		one, other := seeded(1, i), seeded(1, i)
		if !reflect.DeepEqual(one, other) || one.Estate().Fingerprint() != other.Estate().Fingerprint() {
			t.Fatalf("world %d came out twice differently", i)
		}
	}
}

func TestGeneratedWorldsAreSmall(t *testing.T) {
	for i := range 500 {
		w := seeded(1, i)
		kinds := map[bool]int{}
		for _, k := range w.subjects() {
			kinds[k.Kind == identity.KindGroup]++
		}
		if kinds[false] > 6 || kinds[true] > 7 || len(w.Workspaces) > 3 || len(w.Metastores) > 2 {
			t.Fatalf("world %d is too big:\n%v", i, w)
		}
	}
}

// wantedPlaces is what placeFeatures should find.
var wantedPlaces = []string{
	"account admin", "admin group", "group of the identity provider", "group of a workspace in another", "account group in one of a workspace",
	"member of a group of a workspace", "group of a workspace called like one of the account",
	"view", "METRIC_VIEW", "MATERIALIZED_VIEW", "view of a view", "view of a function", "view of two", "view not told", "view without owner", "view of a stranger",
	"view whose owner can read", "view whose owner cannot read", "view whose owner may be able to",
	"role on a group", "role on a service_principal", "role on a unknown", "role for a user", "role for a service_principal", "role for a group",
	string(identity.RoleGroupManager), string(identity.RoleGroupAssumer), string(identity.RoleServicePrincipalManager),
	string(identity.RoleServicePrincipalUser), string(identity.RoleBillingAdmin),
	"users entitled", "admins entitled", "group entitled", "local entitled", "person entitled",
	"object", string(identity.ObjectWarehouse), string(identity.ObjectCluster), string(identity.ObjectClusterPolicy), string(aliens),
	"cluster of somebody", "permission of a group of the workspace", "permission of users", "permission of admins", "inherited permission",
	"hidden roles", "hidden entitlements", "hidden objects", "hidden permissions",
	"does it as a group alone",
}

func (w World) placeFeatures(has map[string]bool) {
	set := func(what string, present bool) { has[what] = has[what] || present }
	for _, p := range w.Principals {
		set("account admin", p.HasRole(identity.RoleAccountAdmin))
		set("admin group", p.HasRole(identity.RoleAccountAdmin) && isAccountGroup(p.Key))
		set("group of the identity provider", p.Origin == identity.OriginIDP)
		for _, q := range w.Principals {
			set("group of a workspace called like one of the account", p.Key.Workspace != 0 && isAccountGroup(q.Key) && p.Name == q.Name)
		}
	}
	for _, m := range w.Memberships {
		set("group of a workspace in another", m.Member.Workspace != 0)
		set("account group in one of a workspace", isAccountGroup(m.Member) && m.Group.Workspace != 0)
		set("member of a group of a workspace", m.Member.Kind != identity.KindGroup && m.Group.Workspace != 0)
	}
	o := Oracle{seen: w.sightings()}
	for _, s := range w.Securables {
		set(s.TableType, true)
		if !s.View() {
			continue
		}
		set("view", true)
		set("view not told", !s.BasesKnown)
		set("view without owner", s.Owner == "")
		set("view of a stranger", s.Owner == "gone")
		set("view of two", len(s.Bases) > 1)
		for _, b := range s.Bases {
			info, _ := w.listed(b)
			set("view of a view", info.View())
			set("view of a function", b.Type == identity.TypeFunction)
		}
		verdict := o.definedWithin(s.Securable, w.Workspaces[0]).verdict
		set("view whose owner can read", s.BasesKnown && verdict == access.Allowed)
		set("view whose owner cannot read", verdict == access.Denied)
		set("view whose owner may be able to", verdict == access.Unknown)
	}
	for _, r := range w.Roles {
		set(string(r.Role), true)
		set("role on a "+r.On.Kind.String(), true)
		set("role for a "+r.Holder.Kind.String(), true)
	}
	for _, e := range w.Entitlements {
		set("users entitled", e.Holder == identity.WorkspaceUsers(e.Workspace))
		set("admins entitled", e.Holder == identity.WorkspaceAdmins(e.Workspace))
		set("local entitled", e.Holder.Workspace != 0 && e.Holder.ID == "501")
		set("group entitled", isAccountGroup(e.Holder))
		set("person entitled", e.Holder.Kind != identity.KindGroup)
	}
	for _, on := range w.Objects {
		set("object", true)
		set(string(on.Type), true)
		set("cluster of somebody", on.SingleUser != "")
	}
	for _, p := range w.Permissions {
		for _, q := range w.Principals {
			set("permission of a group of the workspace", q.Key.Workspace == p.On.Workspace && q.Name == p.Holder.Name)
		}
		set("permission of users", p.Holder.Name == identity.WorkspaceUsersName)
		set("permission of admins", p.Holder.Name == identity.WorkspaceAdminsName)
		set("inherited permission", p.From != "")
	}
	if len(w.Roles) > 0 && len(w.Securables) > 0 {
		on := w.Securables[len(w.Securables)-1].Securable
		for _, k := range w.subjects() {
			o := newOracle(o.seen, k)
			set("does it as a group alone", o.canItself(identity.Select, on, w.Workspaces[0]).verdict == access.Denied &&
				o.Can(identity.Select, on, w.Workspaces[0]) == access.Allowed)
		}
	}
}
