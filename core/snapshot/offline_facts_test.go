package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/sandbox"
	"databricks-access-audit/core/snapshot"
)

// seen enters reads in the ledger that brought their whole answer.
func seen(b *estate.Builder, keys ...estate.ReadKey) {
	for _, k := range keys {
		b.Record(k, estate.Outcome{Needed: true, At: noon})
	}
}

func failed(b *estate.Builder, k estate.ReadKey, kind identity.FailureKind, message string) {
	b.Record(k, estate.Outcome{Needed: true, Kind: kind, Status: 499, Message: message, At: noon})
}

// outcome is how a method ended, for tables.
func outcome[T any](v T, err error) string {
	if err == nil {
		return fmt.Sprint(v)
	}
	f := identity.FailureOf(err)
	s := string(f.Kind) + ": " + f.Message
	if f.Partial {
		s = fmt.Sprint(v) + " beside " + s
	}
	return s
}

func ids(ps []identity.Principal, err error) (string, error) {
	var list []string
	for _, p := range ps {
		list = append(list, p.Key.String())
	}
	return strings.Join(list, " "), err
}

var (
	users  = estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindUser}}
	groups = estate.ReadKey{Op: estate.OpGroups}
	place  = identity.Workspace{ID: 7, Name: "w"}
)

// TestDirectoryOffline asks for people by everything that they can be found by, with and without the
// lists that tell who else there is.
func TestDirectoryOffline(t *testing.T) {
	build := func(whole bool) *snapshot.Offline {
		b := estate.NewBuilder("a")
		b.AddPrincipal(identity.Principal{Key: user("1"), Name: "Ann@x.test", DisplayName: "Ann", Emails: []string{"a@x.test"}, ExternalID: "e", Aliases: []string{"ann_x.test#EXT#@t", "alike_x.test#EXT#@t"}})
		b.AddPrincipal(identity.Principal{Key: user("2"), Name: "bob@x.test", DisplayName: "Ann", ExternalID: "f"})
		b.AddPrincipal(identity.Principal{Key: group("3"), Name: "team"})
		b.AddMembership(user("9"), group("3"))
		b.AddAncestor(user("1"), group("3"))
		seen(b, estate.ReadKey{Op: estate.OpMembers, Principal: group("3")}, estate.ReadKey{Op: estate.OpParents, Principal: user("1")})
		failed(b, estate.ReadKey{Op: estate.OpParents, Principal: user("2")}, identity.Failed, "boom; the members of every group are needed instead")
		failed(b, estate.ReadKey{Op: estate.OpHolder, Name: "who"}, identity.Throttled, "slow")
		b.Record(estate.ReadKey{Op: estate.OpAliases, Principal: user("1")}, estate.Outcome{Kind: identity.NotFound, Message: "taken for the same person by the spelling alone: alike_x.test#EXT#@t"})
		seen(b, estate.ReadKey{Op: estate.OpAliases, Principal: user("2")})
		if whole {
			seen(b, users, groups)
		}
		return snapshot.Source(b.Build())
	}
	const lacks, save = "not_asked: the snapshot does not hold ", ": save one that reads it"
	find := func(kind identity.Kind, f identity.Field, v string) func(*snapshot.Offline) string {
		return func(s *snapshot.Offline) string {
			return outcome(ids(s.FindPrincipals(context.Background(), kind, identity.Match{Field: f, Value: v})))
		}
	}
	for name, c := range map[string]struct {
		ask         func(*snapshot.Offline) string
		some, whole string
	}{
		"a name":          {find(identity.KindUser, identity.ByName, "ann@X.test"), "user:1", "user:1"},
		"no name":         {find(identity.KindUser, identity.ByName, "zoe"), lacks + "the list of users" + save, ""},
		"a second name":   {find(identity.KindUser, identity.ByName, "ann_x.test#EXT#@t"), lacks + "the list of users" + save, ""},
		"another kind":    {find(identity.KindServicePrincipal, identity.ByName, "ann@x.test"), lacks + "the list of service principals" + save, lacks + "the list of service principals" + save},
		"a display name":  {find(identity.KindUser, identity.ByDisplayName, "ann"), "user:1 user:2 beside " + lacks + "the list of users" + save, "user:1 user:2"},
		"an address":      {find(identity.KindUser, identity.ByEmail, "a@x.test"), "user:1 beside " + lacks + "the list of users" + save, "user:1"},
		"searched":        {find(identity.KindUser, identity.ByExternalID, "f"), "user:2", "user:2"},
		"not searched":    {find(identity.KindUser, identity.ByExternalID, "e"), "user:1 beside " + lacks + "other records of user Ann@x.test" + save, "user:1"},
		"a failed search": {find(identity.KindGroup, identity.ByName, "who"), "throttled: slow", ""},
		"a group":         {find(identity.KindGroup, identity.ByName, "team"), "group:3", "group:3"},
		"a group's mail":  {find(identity.KindGroup, identity.ByEmail, "team"), "", ""},
		"a record": {func(s *snapshot.Offline) string {
			p, err := s.Principal(t.Context(), user("1"))
			return outcome(p.Name+fmt.Sprint(p.Aliases), err)
		}, "Ann@x.test[]", "Ann@x.test[]"},
		"only mentioned": {func(s *snapshot.Offline) string {
			p, err := s.Principal(t.Context(), user("9"))
			return outcome(p.Name, err)
		}, lacks + "the record of user 9" + save, "not_found: the account has no user 9"},
		"groups above": {func(s *snapshot.Offline) string { return outcome(s.ParentGroups(t.Context(), user("1"))) }, "[group:3]", "[group:3]"},
		"failed above": {func(s *snapshot.Offline) string { return outcome(s.ParentGroups(t.Context(), user("2"))) }, "error: boom", "error: boom"},
		"unread above": {func(s *snapshot.Offline) string { return outcome(s.ParentGroups(t.Context(), user("9"))) }, lacks + "the groups above user 9" + save, "unsupported: the snapshot holds the members of groups instead"},
		"all users":    {func(s *snapshot.Offline) string { return outcome(ids(s.Principals(t.Context(), identity.KindUser))) }, lacks + "the list of users" + save, "user:1 user:2"},
		"a guest": {func(s *snapshot.Offline) string {
			return outcome(s.WorkspaceUserName(t.Context(), place, "ann_x.test#EXT#@t"))
		}, "e", "e"},
		"an alike": {func(s *snapshot.Offline) string {
			return outcome(s.WorkspaceUserName(t.Context(), place, "alike_x.test#EXT#@t"))
		},
			"not_found: it was not found out whose name alike_x.test#EXT#@t is", "not_found: it was not found out whose name alike_x.test#EXT#@t is"},
	} {
		if got := c.ask(build(false)); got != c.some {
			t.Errorf("%s: %q, want %q", name, got, c.some)
		}
		if got := c.ask(build(true)); got != c.whole {
			t.Errorf("%s, all listed: %q, want %q", name, got, c.whole)
		}
	}
}

// TestSecurablesOffline looks things up that were listed, looked up, or neither.
func TestSecurablesOffline(t *testing.T) {
	b := estate.NewBuilder("a")
	schema := identity.SchemaSecurable("m", "c", "s")
	in := func(kind identity.SecurableType, name string) identity.Securable {
		return identity.Securable{Metastore: "m", Type: kind, Catalog: "c", Schema: "s", Name: name}
	}
	beside := func(kind identity.SecurableType, name string) identity.Securable {
		return identity.Securable{Metastore: "m", Type: kind, Name: name}
	}
	for _, s := range []identity.SecurableInfo{
		{Securable: identity.CatalogSecurable("m", "c"), Owner: "o"}, {Securable: schema}, {Securable: in(identity.TypeTable, "t"), TableType: "MANAGED"},
		{Securable: in(identity.TypeTable, "v"), TableType: "VIEW"}, {Securable: in(identity.TypeTable, "w"), TableType: "VIEW", BasesKnown: true},
		{Securable: in(identity.TypeVolume, "vol")}, {Securable: beside(identity.TypeServiceCredential, "k")},
	} {
		b.AddSecurable(s)
	}
	b.AddGrants(schema, []identity.Grant{{Holder: "g", Privileges: []identity.Privilege{"A"}}, {DeletedID: "5", Privileges: []identity.Privilege{"B"}}})
	self := identity.MetastoreSecurable("m")
	seen(b, estate.ReadKey{Op: estate.OpChildren, Securable: self, Type: identity.TypeCatalog}, estate.ReadKey{Op: estate.OpChildren, Securable: self, Type: identity.AnyCredential},
		estate.ReadKey{Op: estate.OpChildren, Securable: schema, Type: identity.TypeTable}, estate.ReadKey{Op: estate.OpSecurable, Securable: in(identity.TypeTable, "w")},
		estate.ReadKey{Op: estate.OpGrants, Securable: schema})
	failed(b, estate.ReadKey{Op: estate.OpChildren, Securable: schema, Type: identity.TypeFunction}, identity.Forbidden, "no")
	src := snapshot.Source(b.Build())
	lookup := func(on identity.Securable) string {
		info, err := src.Lookup(t.Context(), place, on)
		return outcome(info.Securable.String(), err)
	}
	const lacks, save = "not_asked: the snapshot does not hold ", ": save one that reads it"
	for _, c := range []struct{ got, want string }{
		{lookup(in(identity.TypeTable, "T")), "TABLE c.s.T"}, // names are the same in any case
		{lookup(in(identity.TypeTable, "v")), lacks + "table c.s.v" + save},
		{lookup(in(identity.TypeTable, "w")), "TABLE c.s.w"},
		{lookup(in(identity.TypeTable, "x")), "not_found: there was no table c.s.x when the snapshot was saved"},
		{lookup(in(identity.TypeVolume, "vol")), lacks + "volume c.s.vol" + save}, // from elsewhere, perhaps without all of it
		{lookup(in(identity.TypeVolume, "x")), lacks + "volume c.s.x" + save},
		{lookup(identity.SchemaSecurable("m", "c", "x")), lacks + "schema c.x" + save},
		{lookup(identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "d", Schema: "s", Name: "t"}), "not_found: there was no table d.s.t when the snapshot was saved"},
		{lookup(beside(identity.AnyCredential, "k")), "SERVICE_CREDENTIAL k"},
		{lookup(beside(identity.AnyCredential, "l")), "not_found: there was no credential l when the snapshot was saved"},
		{lookup(beside(identity.TypeStorageCredential, "l")), "not_found: there was no storage credential l when the snapshot was saved"},
		{lookup(beside(identity.TypeShare, "l")), lacks + "share l" + save},
		{outcome(src.Grants(t.Context(), place, identity.SchemaSecurable("m", "C", "S"))), "[{SCHEMA C.S  5 [B]} {SCHEMA C.S g  [A]}]"},
		{outcome(src.Grants(t.Context(), place, self)), lacks + "the grants on metastore m" + save},
		{outcome(src.Children(t.Context(), place, schema, identity.TypeFunction)), "forbidden: no"},
	} {
		if c.got = strings.ReplaceAll(c.got, "[{{m SCHEMA C S }", "[{SCHEMA C.S"); c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
	for kind, want := range map[identity.SecurableType]int{identity.TypeCatalog: 1, identity.AnyCredential: 1} {
		if all, err := src.Children(t.Context(), place, self, kind); err != nil || len(all) != want {
			t.Errorf("%d of type %s, %v", len(all), kind, err)
		}
	}
	if all, err := src.Children(t.Context(), place, schema, identity.TypeTable); err != nil || len(all) != 3 {
		t.Errorf("tables %v, %v", all, err)
	}
}

// TestWorkspaceOffline asks what a workspace records of somebody who was read for himself, or is in its
// lists.
func TestWorkspaceOffline(t *testing.T) {
	local := func(id string) identity.PrincipalKey {
		return identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 7, ID: id}
	}
	entitled := func(k identity.PrincipalKey) estate.ReadKey {
		return estate.ReadKey{Op: estate.OpEntitlements, Workspace: 7, Principal: k}
	}
	build := func(keys ...estate.ReadKey) *snapshot.Offline {
		b := estate.NewBuilder("a")
		for _, id := range []string{"in", "out"} {
			b.AddPrincipal(identity.Principal{Key: local(id), Name: id, Origin: identity.OriginWorkspaceLocal})
			b.AddEntitlements(7, local(id), nil)
		}
		b.AddMembership(user("1"), local("in"))
		b.AddMembership(local("in"), local("out"))
		b.AddEntitlements(7, user("1"), []identity.Entitlement{"e"})
		seen(b, keys...)
		return snapshot.Source(b.Build())
	}
	lists := []estate.ReadKey{entitled(identity.PrincipalKey{Kind: identity.KindUser}), entitled(identity.PrincipalKey{Kind: identity.KindGroup})}
	members := []estate.ReadKey{{Op: estate.OpMembers, Principal: local("in")}, {Op: estate.OpMembers, Principal: local("out")}}
	for name, c := range map[string]struct {
		keys []estate.ReadKey
		who  string
		want string
	}{
		"nothing":         {nil, "1", "not_asked: the snapshot does not hold the entitlements of user 1 in workspace 7: save one that reads it"},
		"for himself":     {[]estate.ReadKey{entitled(user("1"))}, "1", "[e] [group:in@7 group:out@7]"},
		"listed":          {append(append([]estate.ReadKey{}, lists...), members...), "1", "[e] [group:in@7 group:out@7]"},
		"not in the list": {append(append([]estate.ReadKey{}, lists...), members...), "2", "not_found: the workspace had no record of it when the snapshot was saved"},
		"a group unread":  {append(append([]estate.ReadKey{}, lists...), members[0]), "1", "not_asked: the snapshot does not hold the entitlements of user 1 in workspace 7: save one that reads it"},
	} {
		w, err := build(c.keys...).WorkspaceIdentity(t.Context(), place, user(c.who))
		if got := outcome(fmt.Sprint(w.Entitlements, " ", w.Parents), err); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	all, err := build(lists...).WorkspaceIdentities(t.Context(), place, identity.KindGroup)
	if err != nil || len(all) != 2 || len(all[0].Parents)+len(all[1].Parents) != 1 {
		t.Errorf("groups %+v, %v", all, err)
	}
}

// TestObjectsOffline gives objects that are known beside the failure to list them.
func TestObjectsOffline(t *testing.T) {
	b := estate.NewBuilder("a")
	o := identity.ObjectInfo{Object: identity.Object{Workspace: 7, Type: identity.ObjectCluster, ID: "5"}, Name: "n", Path: "/p"}
	job := identity.ObjectInfo{Object: identity.Object{Workspace: 7, Type: identity.ObjectJob, ID: "6"}, Name: "j"}
	b.AddObject(o)
	b.AddObject(job)
	src := snapshot.Source(b.Build())
	if all, err := src.Objects(t.Context(), place, identity.ObjectCluster); len(all) != 1 || !identity.IsKind(err, identity.NotAsked) || !identity.FailureOf(err).Partial {
		t.Errorf("listed %v, %v", all, err)
	}
	if all, err := src.Objects(t.Context(), place, identity.ObjectNotebook); len(all) != 0 || !identity.IsKind(err, identity.Unsupported) {
		t.Errorf("listed %v, %v", all, err)
	}
	if got, err := src.Object(t.Context(), place, o); err != nil || !got.Detailed {
		t.Errorf("a cluster has no more details, and yet %+v, %v", got, err)
	}
	if _, err := src.Object(t.Context(), place, job); !identity.IsKind(err, identity.NotAsked) {
		t.Errorf("a job: %v", err)
	}
	if got, err := src.ObjectAt(t.Context(), place, "/p"); err != nil || got.ID != "5" {
		t.Errorf("at its path %+v, %v", got, err)
	}
	if _, err := src.ObjectAt(t.Context(), place, "/q"); !identity.IsKind(err, identity.NotAsked) {
		t.Errorf("at another path: %v", err)
	}
}

// TestCallerOffline is so much of whoever read the facts as the ledger shows.
func TestCallerOffline(t *testing.T) {
	see := func(m string) estate.ReadKey {
		return estate.ReadKey{Op: estate.OpVisibility, Securable: identity.MetastoreSecurable(m)}
	}
	caller := func(add func(b *estate.Builder)) string {
		b := estate.NewBuilder("a")
		b.AddMetastore(identity.Metastore{ID: "1", Owner: "admins of one"})
		b.AddMetastore(identity.Metastore{ID: "2", Owner: "ann@x.test"})
		add(b)
		who, err := snapshot.Source(b.Build()).Caller(t.Context(), place)
		return outcome(who.Name, err)
	}
	filtered := "the caller sp (uuid) is not an admin of this metastore: its owner is x"
	for _, c := range []struct{ got, want string }{
		{caller(func(*estate.Builder) {}), "not_asked: the snapshot does not hold who read the account: save one that reads it"},
		{caller(func(b *estate.Builder) { failed(b, see("2"), identity.Forbidden, filtered) }), "forbidden: " + filtered},
		{caller(func(b *estate.Builder) { seen(b, see("1")); failed(b, see("2"), identity.Forbidden, filtered) }), "sp (uuid)"},
		{caller(func(b *estate.Builder) { seen(b, see("1")) }), "whoever saved the snapshot"},
		{caller(func(b *estate.Builder) { seen(b, see("1"), see("2")) }), "ann@x.test"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// TestReachOffline is the reach of the credentials that read the facts.
func TestReachOffline(t *testing.T) {
	b := estate.NewBuilder("a")
	if got := snapshot.Source(b.Build()).Reach(); got != (identity.Reach{AccountID: "a", WholeAccount: true}) {
		t.Errorf("reach %+v", got)
	}
	failed(b, estate.ReadKey{Op: estate.OpReach}, identity.Unsupported, "one workspace")
	if got := snapshot.Source(b.Build()).Reach(); got != (identity.Reach{AccountID: "a", Limit: "one workspace"}) {
		t.Errorf("reach %+v", got)
	}
}

// TestOfflineEndsWithItsContext answers nothing after the end.
func TestOfflineEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src := snapshot.Source(few())
	_, e1 := src.Workspaces(ctx)
	_, e2 := src.FindPrincipals(ctx, identity.KindUser, identity.Match{Value: "x"})
	_, e3 := src.Principal(ctx, user("1"))
	_, e4 := src.Objects(ctx, place, identity.ObjectJob)
	for i, err := range []error{e1, e2, e3, e4} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestNobodyOfMembersAlone sees that the question who is in some groups does not pass for a list of all
// users, although it reads it.
func TestNobodyOfMembersAlone(t *testing.T) {
	a := opened(t, sandbox.Generate(sandbox.GenOptions{Seed: 1, Users: 400, Groups: 10, Depth: 2, Workspaces: 1, Metastores: 1, Catalogs: 1, SchemasPerCatalog: 1, TablesPerSchema: 1}), sandbox.Options{})
	e := crawled(t, a, func(ctx context.Context, src collect.Source) (*estate.Estate, error) {
		all, err := src.Workspaces(ctx)
		if err != nil {
			return nil, err
		}
		return resource(collect.Target{Parts: []string{all[0].Name}, Workspace: true}, true)(ctx, src)
	})
	listed := false
	for _, r := range e.Reads() {
		listed = listed || r.Key.Op == estate.OpPrincipals
	}
	if !listed {
		t.Fatal("the question reads no list: it proves nothing")
	}
	src := snapshot.Source(e)
	if _, err := src.Principals(t.Context(), identity.KindUser); !identity.IsKind(err, identity.NotAsked) {
		t.Errorf("all users are listed: %v", err)
	}
	if _, err := src.FindPrincipals(t.Context(), identity.KindUser, identity.Match{Value: "nobody@acme.test"}); !identity.IsKind(err, identity.NotAsked) {
		t.Errorf("nobody is found: %v", err)
	}
}

// TestMetastoresOffline leaves out of the list what was read apart, so that it is read apart again.
func TestMetastoresOffline(t *testing.T) {
	b := estate.NewBuilder("a")
	b.AddMetastore(identity.Metastore{ID: "m", Name: "n", Owner: "o", PrivilegeModel: "1.0"})
	b.AttachMetastore("m", 7)
	seen(b, estate.ReadKey{Op: estate.OpMetastores}, estate.ReadKey{Op: estate.OpPrivilegeModel, Securable: identity.MetastoreSecurable("m")})
	src := snapshot.Source(b.Build())
	if all, err := src.Metastores(t.Context()); err != nil || len(all) != 1 || all[0].PrivilegeModel != "" || all[0].Owner != "o" {
		t.Errorf("listed %+v, %v", all, err)
	}
	if m, err := src.Metastore(t.Context(), place); err != nil || m.PrivilegeModel != "1.0" {
		t.Errorf("read %+v, %v", m, err)
	}
	if _, err := src.Metastore(t.Context(), identity.Workspace{ID: 8}); !identity.IsKind(err, identity.NotAsked) {
		t.Errorf("of another workspace: %v", err)
	}
}
