package collect

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/snapshot"
)

var today = time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)

// logged is an account of two metastores with two workspaces each, and one without a running one, whose
// warehouses and logs are the test's.
type logged struct {
	*snapshot.Offline
	warehouses map[string][]identity.Warehouse // by workspace
	refuse     map[string]error                // by what is asked for: "warehouses prod", "log prod", "uses prod"
	uses       []identity.Use

	mu    sync.Mutex
	asked []string
}

func (l *logged) ask(what string, at identity.Workspace, more ...string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, strings.TrimSpace(what+" "+at.Name+" "+strings.Join(more, " ")))
	return l.refuse[what+" "+at.Name]
}

func (l *logged) Warehouses(_ context.Context, at identity.Workspace) ([]identity.Warehouse, error) {
	return l.warehouses[at.Name], l.ask("warehouses", at)
}

func (l *logged) AuditLog(_ context.Context, at identity.Workspace, by identity.Warehouse, since time.Time) (identity.AuditLog, error) {
	return identity.AuditLog{Workspace: at.ID, Warehouse: by, Since: since, First: since, Last: since}, l.ask("log", at, by.ID, since.Format(time.DateOnly))
}

func (l *logged) Uses(_ context.Context, at identity.Workspace, by identity.Warehouse, since time.Time, who []identity.Principal) ([]identity.Use, error) {
	var names []string
	for _, p := range who {
		names = append(names, p.LogNames()...)
	}
	err := l.ask("uses", at, by.ID, since.Format(time.DateOnly), strings.Join(names, ","))
	return slices.Clone(l.uses), err
}

func loggedAccount() *logged {
	b := estate.NewBuilder("a")
	saw := func(k estate.ReadKey) { b.Record(k, estate.Outcome{Needed: true, At: today}) }
	for _, w := range []identity.Workspace{
		{ID: 1, Name: "prod", Host: "https://prod.test", Status: "RUNNING"}, {ID: 2, Name: "dev", Host: "https://dev.test", Status: "RUNNING"},
		{ID: 3, Name: "us", Host: "https://us.test", Status: "RUNNING"}, {ID: 4, Name: "asleep", Host: "https://asleep.test", Status: "FAILED"},
	} {
		b.AddWorkspace(w)
		saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID})
	}
	for m, ws := range map[string][]identity.WorkspaceID{"eu": {1, 2}, "us": {3}, "zz": {4}} {
		b.AddMetastore(identity.Metastore{ID: m, Name: m})
		saw(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable(m)})
		for _, w := range ws {
			b.AttachMetastore(m, w)
		}
	}
	for _, k := range []estate.ReadKey{{Op: estate.OpWorkspaces}, {Op: estate.OpMetastores}, {Op: estate.OpGroups}, {Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindUser}}, {Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindServicePrincipal}}} {
		saw(k)
	}
	ann, team := identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, identity.PrincipalKey{Kind: identity.KindGroup, ID: "9"}
	b.AddPrincipal(identity.Principal{Key: ann, Name: "Ann@acme.test", Emails: []string{"ng@acme.test"}, Status: identity.StatusActive})
	b.AddPrincipal(identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "2"}, Name: "app-1", Status: identity.StatusActive})
	b.AddGroup(identity.Group{Principal: identity.Principal{Key: team, Name: "team"}, MembersListed: true, Members: []identity.PrincipalKey{ann, {Kind: identity.KindServicePrincipal, ID: "2"}}})
	for _, k := range []identity.PrincipalKey{ann, team} {
		saw(estate.ReadKey{Op: estate.OpParents, Principal: k})
	}
	saw(estate.ReadKey{Op: estate.OpMembers, Principal: team})
	return &logged{Offline: snapshot.Source(b.Build()), refuse: map[string]error{}, warehouses: map[string][]identity.Warehouse{
		"prod": {{ID: "p1", State: "STOPPED"}, {ID: "p2", State: "DELETING"}}, "dev": {{ID: "d1", State: "RUNNING"}}, "us": {{ID: "u1", State: "STOPPED"}, {ID: "u2", State: "STOPPED", Serverless: true}},
	}}
}

// outcomes are how the reading of the logs ended: "eu ok", "eu user:1 ok", "us not_found".
func outcomes(e *estate.Estate) []string {
	var list []string
	for _, r := range e.ReadsOf(estate.OpUses) {
		how := "ok"
		if !r.Outcome.OK() {
			how = string(r.Outcome.Kind)
		}
		if r.Blocking() {
			how += "!"
		}
		who := ""
		if !r.Key.Principal.IsZero() {
			who = " " + r.Key.Principal.String()
		}
		list = append(list, r.Key.Securable.Metastore+who+" "+how)
	}
	slices.Sort(list)
	return list
}

func (l *logged) logReads() []string {
	var reads []string
	for _, s := range slices.Sorted(slices.Values(l.asked)) {
		if !strings.HasPrefix(s, "warehouses") {
			reads = append(reads, s)
		}
	}
	return reads
}

// TestUsesThroughWhichWarehouse chooses what costs least time, and does what is asked where it can.
func TestUsesThroughWhichWarehouse(t *testing.T) {
	gone := &identity.Failure{Kind: identity.Forbidden, Status: 403, Message: "no"}
	all := func(prod, us string) []string {
		return []string{"log " + prod + " 2025-03-01", "log " + us + " 2025-03-01",
			"uses " + prod + " 2025-03-01 ann@acme.test,ng@acme.test", "uses " + us + " 2025-03-01 ann@acme.test,ng@acme.test"}
	}
	for name, c := range map[string]struct {
		uses   Uses
		change func(*logged)
		asked  []string
		ends   []string
	}{
		"not asked": {},
		"one that runs, else one that starts quickly": {Uses{Days: 90}, nil, all("dev d1", "us u2"),
			[]string{"eu ok", "eu user:1 ok", "us ok", "us user:1 ok", "zz not_running"}},
		"any": {Uses{Days: 90}, func(l *logged) { delete(l.warehouses, "dev") }, all("prod p1", "us u2"),
			[]string{"eu ok", "eu user:1 ok", "us ok", "us user:1 ok", "zz not_running"}},
		"the one asked for, elsewhere none": {Uses{Days: 90, Warehouse: "p1"}, nil, []string{"log prod p1 2025-03-01", "uses prod p1 2025-03-01 ann@acme.test,ng@acme.test"},
			[]string{"eu ok", "eu user:1 ok", "us not_asked", "zz not_running"}},
		"the one asked for is nowhere":       {Uses{Days: 90, Warehouse: "p9"}, nil, nil, []string{"eu not_found!", "us not_found!", "zz not_running"}},
		"the one asked for is being deleted": {Uses{Days: 90, Warehouse: "p2"}, nil, nil, []string{"eu not_found!", "us not_found!", "zz not_running"}},
		"one of the workspace asked for": {Uses{Days: 90, Workspace: "https://prod.test"}, nil, []string{"log prod p1 2025-03-01", "uses prod p1 2025-03-01 ann@acme.test,ng@acme.test"},
			[]string{"eu ok", "eu user:1 ok", "us not_asked", "zz not_asked"}},
		"the workspace asked for does not run": {Uses{Days: 90, Workspace: "asleep"}, nil, nil, []string{"eu not_asked", "us not_asked", "zz not_running!"}},
		"none":                                 {Uses{Days: 90}, func(l *logged) { l.warehouses = nil }, nil, []string{"eu not_found!", "us not_found!", "zz not_running"}},
		"one may not be listed, another may": {Uses{Days: 90}, func(l *logged) {
			l.refuse["warehouses dev"] = gone
			delete(l.warehouses, "dev")
			delete(l.warehouses, "us")
		},
			[]string{"log prod p1 2025-03-01", "uses prod p1 2025-03-01 ann@acme.test,ng@acme.test"}, []string{"eu ok", "eu user:1 ok", "us not_found!", "zz not_running"}},
		"none may be listed": {Uses{Days: 90}, func(l *logged) { l.refuse["warehouses us"] = gone; delete(l.warehouses, "us") },
			[]string{"log dev d1 2025-03-01", "uses dev d1 2025-03-01 ann@acme.test,ng@acme.test"}, []string{"eu ok", "eu user:1 ok", "us forbidden!", "zz not_running"}},
		"the log is refused": {Uses{Days: 90}, func(l *logged) { l.refuse["log us"] = gone },
			[]string{"log dev d1 2025-03-01", "log us u2 2025-03-01", "uses dev d1 2025-03-01 ann@acme.test,ng@acme.test"}, []string{"eu ok", "eu user:1 ok", "us forbidden!", "zz not_running"}},
		"the uses are refused": {Uses{Days: 90}, func(l *logged) { l.refuse["uses us"] = gone }, all("dev d1", "us u2"),
			[]string{"eu ok", "eu user:1 ok", "us forbidden!", "zz not_running"}},
		"further back than the days asked about": {Uses{Days: 200, Warehouse: "p1"}, nil, []string{"log prod p1 2024-07-09", "uses prod p1 2024-07-09 ann@acme.test,ng@acme.test"},
			[]string{"eu ok", "eu user:1 ok", "us not_asked", "zz not_running"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := loggedAccount()
			if c.change != nil {
				c.change(l)
			}
			e, _, err := Principal(t.Context(), l, Scope{Who: "ann@acme.test", Uses: c.uses}, Options{Now: func() time.Time { return today }})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.ends, outcomes(e)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.asked, l.logReads()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestUsesStartNothing asks only warehouses that run, where it may start none.
func TestUsesStartNothing(t *testing.T) {
	for name, c := range map[string]struct {
		uses   Uses
		change func(*logged)
		asked  []string
		ends   []string
	}{
		"one runs here, none there": {Uses{Days: 90}, nil, []string{"log dev d1 2025-03-01", "uses dev d1 2025-03-01 ann@acme.test,ng@acme.test"},
			[]string{"eu ok", "eu user:1 ok", "us not_running!", "zz not_running"}},
		"the one asked for does not run": {Uses{Days: 90, Warehouse: "p1"}, nil, nil, []string{"eu not_running!", "us not_found!", "zz not_running"}},
		"the one asked for runs":         {Uses{Days: 90, Warehouse: "d1"}, nil, []string{"log dev d1 2025-03-01", "uses dev d1 2025-03-01 ann@acme.test,ng@acme.test"}, []string{"eu ok", "eu user:1 ok", "us not_asked", "zz not_running"}},
		"one is starting": {Uses{Days: 90, Workspace: "prod"}, func(l *logged) { l.warehouses["prod"][0].State = "STARTING" }, nil,
			[]string{"eu not_running!", "us not_asked", "zz not_asked"}},
		"there is none": {Uses{Days: 90, Workspace: "us"}, func(l *logged) { delete(l.warehouses, "us") }, nil, []string{"eu not_asked", "us not_found!", "zz not_asked"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := loggedAccount()
			if c.change != nil {
				c.change(l)
			}
			e, _, err := Principal(t.Context(), l, Scope{Who: "ann@acme.test", Uses: c.uses}, Options{OnlyRunning: true, Now: func() time.Time { return today }})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.ends, outcomes(e)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.asked, l.logReads()); diff != "" {
				t.Error(diff)
			}
			for _, r := range e.ReadsOf(estate.OpUses) {
				if r.Blocking() && r.Outcome.Kind == identity.NotRunning && !strings.Contains(r.Outcome.Message, "audits.may_start_warehouse") {
					t.Errorf("it is not said who does not allow it: %s", r.Outcome.Message)
				}
			}
		})
	}
}

// TestUsesOfAGroup asks about everybody in it, and about nobody where that is not known.
func TestUsesOfAGroup(t *testing.T) {
	l := loggedAccount()
	l.uses = []identity.Use{{Who: "app-1", Name: "main.t", At: today.Add(-time.Hour)}, {Who: "app-1", Metastore: "us", Name: "c", At: today.Add(-2 * time.Hour)}}
	e, _, err := Group(t.Context(), l, Scope{Who: "team", Uses: Uses{Days: 90, Warehouse: "d1"}}, Options{Now: func() time.Time { return today }})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"log dev d1 2025-03-01", "uses dev d1 2025-03-01 ann@acme.test,ng@acme.test,app-1"}, l.logReads()); diff != "" {
		t.Error(diff)
	}
	robot := identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "2"}
	for _, c := range []struct {
		on   identity.Securable
		want time.Time
	}{
		{identity.CatalogSecurable("eu", "main"), today.Add(-time.Hour)}, // what names no metastore is of the one whose log it is
		{identity.CatalogSecurable("us", "c"), today.Add(-2 * time.Hour)},
		{identity.CatalogSecurable("us", "main"), time.Time{}},
		{identity.CatalogSecurable("eu", "c"), time.Time{}},
	} {
		if got, _ := e.LastUse(robot, c.on); !got.Equal(c.want) {
			t.Errorf("%v: last used %v, want %v", c.on, got, c.want)
		}
	}
	l = loggedAccount()
	e, _, err = Principal(t.Context(), l, Scope{Who: "team", Uses: Uses{Days: 90}}, Options{Now: func() time.Time { return today }})
	if err != nil {
		t.Fatal(err)
	}
	if len(outcomes(e)) == 0 {
		t.Error("nothing says what was not read")
	}
}

// TestUsesInAWorkspaceThatIsNotThere is an error that names it.
func TestUsesInAWorkspaceThatIsNotThere(t *testing.T) {
	_, _, err := Principal(t.Context(), loggedAccount(), Scope{Who: "ann@acme.test", Uses: Uses{Days: 1, Workspace: "nowhere.test"}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "nowhere.test") {
		t.Errorf("got %v", err)
	}
}
