package accesstest

import (
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// CanCase is a written world with one question and an answer that follows from Databricks'
// documentation alone.
type CanCase struct {
	Name     string
	World    World
	Question CanQuestion
	Verdict  report.Verdict
	// Missing is one of the missing sets, each fact as "grant SELECT TABLE c.s.t"; nil leaves it open.
	Missing []string
	// Acts are how the acts begin, in any order; nil leaves them open.
	Acts []string
	// Kinds are the kinds of the acts, in any order; nil leaves them open.
	Kinds []string
}

// Check asks an engine, and holds the whole report against the oracle too.
func (c CanCase) Check(t testing.TB, can CanFunc) {
	t.Helper()
	r, bad := c.Question.complaint(c.World.crawl(), can)
	if r == nil {
		t.Fatalf("%v: %s", c.Question, bad.why)
	}
	switch {
	case r.Verdict != c.Verdict:
		bad = complain("the verdict of the case", "got %s, want %s", r.Verdict, c.Verdict)
	case c.Missing != nil && !slices.ContainsFunc(r.Missing, c.isMissing):
		bad = complain("the missing facts of the case", "want %q", c.Missing)
	case c.Acts != nil && !c.isDone(r.Acts):
		bad = complain("the acts of the case", "want %q", c.Acts)
	case c.Kinds != nil && !c.isOfKinds(r.Acts):
		bad = complain("the acts of the case", "want %q", c.Kinds)
	}
	if bad != (complaint{}) {
		t.Error(CanMismatch{c.World, c.Question, r, bad})
	}
}

func (c CanCase) isMissing(set report.MissingSet) bool {
	var got []string
	for _, m := range set.Facts {
		privilege := m.Privilege
		if m.Kind == report.StepBinding { // what it is for, if it says so
			privilege = ""
		}
		place := m.Workspace
		if m.Kind == report.StepDefiner { // what its owner may read is the same wherever it is asked
			place = ""
		}
		got = append(got, words(m.Kind, string(privilege), securableName(m.Securable), place))
	}
	return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(c.Missing)))
}

func (c CanCase) isOfKinds(acts []report.Act) bool {
	var kinds []string
	for _, a := range acts {
		kinds = append(kinds, a.Kind)
	}
	return slices.Equal(slices.Sorted(slices.Values(kinds)), slices.Sorted(slices.Values(c.Kinds)))
}

func (c CanCase) isDone(acts []report.Act) bool {
	left := slices.Clone(acts)
	for _, want := range c.Acts {
		i := slices.IndexFunc(left, func(a report.Act) bool { return strings.HasPrefix(a.Description, want) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return len(left) == 0
}

// CanCases are the written questions about alice, all in the world of Cases.
func CanCases() []CanCase { return written(plainCases, wayCases, leverCases) }

// EditCanCases are those for engines that take it that changing a job which runs as a service principal
// takes the right to use that.
func EditCanCases() []CanCase { return written(editCases) }

// written gathers cases. What writes them gets the case that a fixture makes, for what else there is to say.
func written(by ...func(asked)) []CanCase {
	var cases []CanCase
	for _, write := range by {
		write(func(name string, v report.Verdict, p identity.Privilege, on identity.Securable, ws identity.WorkspaceID,
			write func(f *fixture),
		) *CanCase {
			f := newFixture()
			write(f)
			from := []identity.WorkspaceID{ws}
			if ws == 0 {
				from = f.Workspaces
			}
			cases = append(cases, CanCase{
				Name: name, World: f.World, Verdict: v,
				Question: CanQuestion{Subject: alice, Privilege: p, On: on, From: from},
			})
			return &cases[len(cases)-1]
		})
	}
	return cases
}

// plainCases are about what somebody has, or can grant itself.
func plainCases(ask asked) {
	const (
		yes, no, self, maybe                      = report.Allow, report.Deny, report.Indirect, report.Unknown
		name                                      = "alice@x.test"
		read, write, manage                       = identity.Select, identity.Modify, identity.Manage
		noUseCatalog                              = "grant USE_CATALOG CATALOG c"
		noUseSchema                               = "grant USE_SCHEMA SCHEMA c.s"
		anywhere             identity.WorkspaceID = 0
	)
	metastore := identity.MetastoreSecurable(store)

	ask("01 read with no use of what the table is in", no, read, table, w1, func(f *fixture) {
		f.grant(table, name, read)
	}).Missing = []string{noUseCatalog, noUseSchema}

	ask("02 read through nested groups", yes, read, table, w1, func(f *fixture) {
		f.use()
		f.grant(catalog, "g2", read)
	})
	ask("03 read through three identities", yes, read, table, w1, func(f *fixture) {
		f.grant(catalog, name, identity.UseCatalog)
		f.grant(catalog, "g1", identity.UseSchema)
		f.grant(schema, "g2", read)
	})

	all := func(f *fixture) { f.grant(catalog, "g1", identity.AllPrivileges) }
	ask("04 read by all privileges", yes, read, table, w1, all)
	ask("04 write by all privileges", yes, write, table, w1, all)
	ask("04 create a schema by all privileges", yes, "CREATE_SCHEMA", catalog, w1, all)
	ask("04 all privileges do not manage", no, manage, table, w1, all)
	ask("04 all privileges do not let out", no, identity.ExternalUseSchema, schema, w1, all)

	managesCatalog := func(f *fixture) { f.grant(catalog, name, manage) }
	ask("05 read by managing the catalog", self, read, table, w1, managesCatalog).Acts = []string{
		"grant USE CATALOG on", "grant USE SCHEMA on", "grant SELECT on",
	}
	ask("05 manage a table by managing the catalog", yes, manage, table, w1, managesCatalog)

	managesSchema := func(f *fixture) { f.grant(schema, name, manage) }
	ask("06 manage a schema without the use of its catalog", no, manage, schema, w1, managesSchema).Missing = []string{noUseCatalog}
	ask("06 read by managing a schema without the use of its catalog", no, read, table, w1, managesSchema)
	managesSchemaInUse := func(f *fixture) {
		f.grant(schema, name, manage)
		f.grant(catalog, name, identity.UseCatalog)
	}
	ask("06 manage a schema with the use of its catalog", yes, manage, schema, w1, managesSchemaInUse)
	ask("06 read by managing a schema with the use of its catalog", self, read, table, w1, managesSchemaInUse).Acts = []string{
		"grant USE SCHEMA on", "grant SELECT on",
	}

	managesTable := func(f *fixture) {
		f.grant(table, name, manage)
		f.grant(catalog, name, identity.UseCatalog)
	}
	ask("07 manage a table without the use of its schema", no, manage, table, w1, managesTable).Missing = []string{noUseSchema}
	ask("07 read by managing a table without the use of its schema", no, read, table, w1, managesTable)

	ownsCatalog := func(f *fixture) { f.own(catalog, name) }
	ask("08 read by owning the catalog", self, read, table, w1, ownsCatalog).Acts = []string{
		"grant USE SCHEMA on", "grant SELECT on",
	}
	ask("08 create a schema by owning the catalog", yes, "CREATE_SCHEMA", catalog, w1, ownsCatalog)
	ask("08 drop a schema by owning the catalog", yes, manage, schema, w1, ownsCatalog)

	groupOwns := func(f *fixture) {
		f.use()
		f.own(schema, "g2")
		f.own(table, "g2")
	}
	ask("09 read by owning through a nested group", yes, read, table, w1, groupOwns)
	ask("09 write by owning through a nested group", yes, write, table, w1, groupOwns)
	ask("09 drop by owning through a nested group", yes, manage, table, w1, groupOwns)
	ask("09 owning does not let out", no, identity.ExternalUseSchema, schema, w1, groupOwns)

	ask("10 an owner without the use of what the table is in", no, read, table, w1, func(f *fixture) {
		f.own(table, name)
	}).Missing = []string{noUseCatalog, noUseSchema}

	administers := func(f *fixture) { f.Metastores[0].Owner = "g1" }
	ask("11 read as metastore admin", self, read, table, w1, administers).Acts = []string{
		"grant USE CATALOG on", "grant USE SCHEMA on", "grant SELECT on",
	}
	ask("11 a metastore admin from a workspace where he is not", no, read, table, w2, administers)

	admin := func(f *fixture) {
		f.Principals[0].Roles = []string{identity.RoleAccountAdmin}
		f.Assignments = nil
		f.Principals[4].Origin = identity.OriginIDP // own, or joining it would do
	}
	ask("12 read as account admin without a workspace", self, read, table, w1, admin).Acts = []string{
		"assign itself to workspace", "make itself admin of metastore", "grant USE CATALOG on", "grant USE SCHEMA on", "grant SELECT on",
	}

	ask("12 an account admin who is owner by entering", self, read, table, w1, func(f *fixture) {
		admin(f)
		f.own(catalog, "_workspace_users_workspace_1")
	}).Acts = []string{"assign itself to workspace", "grant USE SCHEMA on", "grant SELECT on"}

	bound := func(also func(f *fixture)) func(f *fixture) {
		return func(f *fixture) {
			f.use()
			f.grant(catalog, name, read)
			f.isolate(catalog, identity.Isolated, identity.Binding{Workspace: w2})
			also(f)
		}
	}
	ask("16 read from a workspace that is not bound", no, read, table, w1, bound(func(*fixture) {})).
		Missing = []string{"binding CATALOG c ws1"}
	ask("16 read where the one is bound and the other assigned", no, read, table, anywhere, bound(func(*fixture) {})).
		Missing = []string{"assigned ws2"}
	ask("16 read where one is bound and assigned", yes, read, table, anywhere, bound(func(f *fixture) { f.assign(alice, w2) }))

	readOnly := func(mode identity.Isolation) func(f *fixture) {
		return func(f *fixture) {
			f.use()
			f.grant(catalog, name, read, write)
			f.isolate(catalog, mode, identity.Binding{Workspace: w1, ReadOnly: true})
		}
	}
	ask("17 read through a read-only binding", yes, read, table, w1, readOnly(identity.Isolated))
	ask("17 write through a read-only binding", no, write, table, w1, readOnly(identity.Isolated)).
		Missing = []string{"binding CATALOG c ws1"}
	ask("17 manage through a read-only binding", maybe, manage, table, w1, func(f *fixture) {
		readOnly(identity.Isolated)(f)
		f.grant(table, name, manage)
	})
	ask("17 write beside a stale binding", yes, write, table, w1, readOnly(identity.IsolationOpen))

	ask("18 the owner of a catalog that is bound nowhere", self, read, table, w1, func(f *fixture) {
		f.own(catalog, name)
		f.isolate(catalog, identity.Isolated)
	}).Acts = []string{"bind catalog c", "grant USE SCHEMA on", "grant SELECT on"}
	ask("18 binding takes the use of the catalog beside MANAGE", self, manage, schema, w1, func(f *fixture) {
		f.grant(catalog, name, manage)
		f.isolate(catalog, identity.Isolated)
	}).Acts = []string{"grant USE CATALOG on", "bind catalog c"}
	ask("18 the owner who was let out but lacks the binding", self, identity.ExternalUseSchema, catalog, w1, func(f *fixture) {
		f.own(catalog, name)
		f.grant(catalog, name, identity.ExternalUseSchema)
		f.isolate(catalog, identity.Isolated)
	}).Acts = []string{"bind catalog c"}
	ask("18 anybody else in a catalog that is bound nowhere", no, read, table, w1, func(f *fixture) {
		f.use()
		f.grant(table, name, read)
		f.isolate(catalog, identity.Isolated)
	}).Missing = []string{"binding CATALOG c ws1"}

	ask("19 write without reading", no, write, table, w1, func(f *fixture) {
		f.use()
		f.grant(table, name, write)
	}).Missing = []string{"grant SELECT TABLE c.s.t"}

	onMetastore := func(f *fixture) {
		f.use()
		f.grant(metastore, "g1", "CREATE_CATALOG", read)
	}
	ask("21 create a catalog", yes, "CREATE_CATALOG", metastore, w1, onMetastore)
	ask("21 nothing on a metastore is inherited", no, read, table, w1, onMetastore).Missing = []string{"grant SELECT TABLE c.s.t"}

	ask("27 a deactivated user", no, read, table, w1, func(f *fixture) {
		f.use()
		f.grant(table, name, read)
		f.Principals[0].Status = identity.StatusInactive
	}).Missing = []string{"active"}

	unread := func(also func(f *fixture)) func(f *fixture) {
		return func(f *fixture) {
			f.use()
			f.securable(schema2, "own")
			f.securable(table2, "own")
			f.hides(readGrants(schema2))
			also(f)
		}
	}
	ask("44 unread grants on a schema", maybe, read, table2, w1, unread(func(*fixture) {}))
	ask("44 unread grants on a schema, enough granted above", yes, read, table2, w1, unread(func(f *fixture) {
		f.grant(catalog, "g2", identity.UseCatalog, identity.UseSchema, read)
	}))

	old := func(on identity.Securable) func(f *fixture) {
		return func(f *fixture) {
			f.Metastores[0].PrivilegeModel = "0"
			f.grant(catalog, name, "USAGE")
			f.grant(schema, name, "USAGE")
			f.grant(on, name, read)
		}
	}
	ask("45 no inheritance in the old privilege model", no, read, table, w1, old(catalog)).Missing = []string{"grant SELECT TABLE c.s.t"}
	ask("45 usage in the old privilege model", yes, read, table, w1, old(table))

	writes := func(f *fixture) {
		f.use()
		f.grant(schema, "g1", identity.WriteVolume)
		f.securable(location, "own")
		f.grant(location, "g1", identity.WriteFiles)
	}
	ask("46 write into a volume", yes, identity.WriteVolume, volume, w1, writes)
	ask("46 read from a volume that one writes into", no, identity.ReadVolume, volume, w1, writes).
		Missing = []string{"grant READ_VOLUME VOLUME c.s.v"}
	ask("46 write files without reading them", no, identity.WriteFiles, location, w1, writes).
		Missing = []string{"grant READ_FILES EXTERNAL_LOCATION loc"}
}
