package core_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// TestGroupListsWhatIsHeld asks about a group of the sample account. What it must list was worked out by
// hand from the account's data, not from the program's output.
func TestGroupListsWhatIsHeld(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	r := ask[*report.GroupReport](t, engine(t, server, server.Auditor()), parse(t, "group", "data-engineering", "--scan-all"))
	var members, above, grants []string
	for _, m := range r.Members {
		members = append(members, fmt.Sprint(m.Principal.Name, " ", m.Principal.Source, " ", *m.Principal.Active, " ", m.Direct, " ", paths(m.Paths)))
	}
	for _, m := range r.Ancestors {
		above = append(above, fmt.Sprint(m.Group.Name, " ", m.Direct, " ", paths(m.Paths)))
	}
	for _, g := range r.Grants {
		holder := ""
		if g.Member != nil {
			holder = g.Member.Name + " "
		}
		grants = append(grants, g.GrantSource+" "+holder+row(g.Grant))
	}
	wantMembers := []string{
		"alice@acme.test idp true false alice@acme.test>pipelines-oncall>data-engineering",
		"frank@acme.test idp false false frank@acme.test>pipelines-oncall>data-engineering",
		"niaj@acme.test idp true true niaj@acme.test>data-engineering",
		"sybil@acme.test idp true true sybil@acme.test>data-engineering",
		"pipelines-oncall idp true true pipelines-oncall>data-engineering",
	}
	wantAbove := []string{
		"all-staff false data-engineering>engineering>all-staff",
		"engineering true data-engineering>engineering",
		"lakehouse-users true data-engineering>lakehouse-users",
	}
	wantGrants := []string{
		"direct METASTORE acme-us@acme-us CREATE_EXTERNAL_LOCATION data-engineering",
		"direct CATALOG reference@acme-us MODIFY data-engineering",
		"direct CATALOG staging_scratch@acme-us CREATE_SCHEMA,CREATE_TABLE,USE_CATALOG,USE_SCHEMA data-engineering",
		"direct EXTERNAL_LOCATION raw_landing@acme-us READ_FILES,WRITE_FILES data-engineering",
		"direct SCHEMA prod_lakehouse.bronze@acme-us ALL_PRIVILEGES data-engineering",
		"direct SCHEMA prod_lakehouse.silver@acme-us OWNER data-engineering",
		"direct TABLE prod_lakehouse.silver.events@acme-us OWNER data-engineering",
		"direct FUNCTION prod_lakehouse.silver.clean_phone@acme-us EXECUTE data-engineering",
		"upstream CATALOG main@acme-us USE_SCHEMA data-engineering>lakehouse-users",
		"upstream CATALOG prod_lakehouse@acme-us USE_CATALOG data-engineering>lakehouse-users",
		"upstream SCHEMA prod_lakehouse.gold@acme-us SELECT,USE_SCHEMA data-engineering>lakehouse-users",
		"member_direct alice@acme.test SCHEMA main.sales@acme-us OWNER alice@acme.test",
		"member_direct alice@acme.test TABLE main.sales.orders@acme-us OWNER alice@acme.test",
		"member_direct alice@acme.test TABLE main.sales.orders@acme-us SELECT alice@acme.test",
		"member_direct alice@acme.test TABLE main.sales.customers@acme-us OWNER alice@acme.test",
		"member_direct alice@acme.test VOLUME main.sales.exports@acme-us OWNER alice@acme.test",
		"member_direct alice@acme.test FUNCTION main.sales.mask_email@acme-us OWNER alice@acme.test",
		"member_direct alice@acme.test SCHEMA prod_lakehouse.silver@acme-us MODIFY,SELECT,USE_SCHEMA alice@acme.test",
		"member_direct alice@acme.test FUNCTION prod_lakehouse.silver.clean_phone@acme-us OWNER alice@acme.test",
		"member_direct alice@acme.test SHARE sales_share@acme-us OWNER alice@acme.test",
		"member_direct alice@acme.test RECIPIENT partner_corp@acme-us OWNER alice@acme.test",
		"member_direct frank@acme.test TABLE main.finance.payroll@acme-us SELECT frank@acme.test",
		"member_direct niaj@acme.test CATALOG prod_lakehouse@acme-us MANAGE niaj@acme.test",
		"member_direct sybil@acme.test SCHEMA analytics.web@acme-eu USE_SCHEMA sybil@acme.test",
		"member_direct sybil@acme.test TABLE analytics.web.sessions@acme-eu SELECT sybil@acme.test",
		"member_direct pipelines-oncall STORAGE_CREDENTIAL lake_credential@acme-us CREATE_EXTERNAL_LOCATION pipelines-oncall",
		"member_direct pipelines-oncall VOLUME prod_lakehouse.bronze.landing@acme-us WRITE_VOLUME pipelines-oncall",
	}
	for _, list := range [][2][]string{{wantMembers, members}, {wantAbove, above}, {sorted(wantGrants), sorted(grants)}} {
		if diff := cmp.Diff(list[0], list[1]); diff != "" {
			t.Error(diff)
		}
	}
	if r.Objects != nil || r.LocalGroups != nil || r.Stale != nil || r.RevokeScript != nil {
		t.Error("lists that were not asked for are not null")
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func paths(list []report.Path) string {
	var all []string
	for _, p := range list {
		all = append(all, strings.Join(p, ">"))
	}
	return strings.Join(all, " and ")
}

// TestGroupMembersAgainstTheAccount compares the members of every group, and the ways there, with what a
// walk over the account's own data finds.
func TestGroupMembersAgainstTheAccount(t *testing.T) {
	for name, account := range map[string]*sandbox.Account{
		"acme":      sandbox.Acme(),
		"generated": sandbox.Generate(sandbox.GenOptions{Seed: 7, Users: 60, Groups: 25, Depth: 5, SchemasPerCatalog: 1, TablesPerSchema: 1}),
	} {
		server := serve(t, account, sandbox.Options{})
		g := engine(t, server, server.Auditor())
		for _, group := range account.Groups {
			if group.System {
				continue
			}
			t.Run(name+" "+group.ID, func(t *testing.T) {
				t.Parallel()
				r := ask[*report.GroupReport](t, g, query.Group{Name: group.ID})
				got := map[string][]string{}
				for _, m := range r.Members {
					direct := false
					for _, p := range m.Paths {
						direct = direct || len(p) == 2
						got[m.Principal.ID] = append(got[m.Principal.ID], fmt.Sprint(len(p)))
					}
					if direct != m.Direct || len(m.Paths) == 0 {
						t.Errorf("%s: direct %v, paths %v", m.Principal.Name, m.Direct, m.Paths)
					}
				}
				want := map[string][]string{}
				walk(account, group, map[string]bool{group.ID: true}, 2, want)
				for id := range want {
					slices.Sort(want[id])
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// walk notes the length of every way down from a group that passes nobody twice.
func walk(a *sandbox.Account, group *sandbox.Group, on map[string]bool, length int, found map[string][]string) {
	for _, id := range group.Members {
		if on[id] {
			continue
		}
		found[id] = append(found[id], fmt.Sprint(length))
		for _, g := range a.Groups {
			if g.ID == id {
				on[id] = true
				walk(a, g, on, length+1, found)
				delete(on, id)
			}
		}
	}
}

// TestGroupAndPrincipalTellTheSame asks about every group and, by the other question, about everybody: what
// a member holds itself must be the same by both, what the group gives must be among what the member has,
// and the group as a principal must hold what the group gives.
func TestGroupAndPrincipalTellTheSame(t *testing.T) {
	account := sandbox.Acme()
	server := serve(t, account, sandbox.Options{})
	var kept *core.Snapshot
	live := engineKeeping(t, server, &kept)
	ask[*report.EscalationsReport](t, live, parse(t, "escalations", "--scan-all"))
	g := fromFile(t, kept)
	audits := map[string]*report.PrincipalReport{}
	of := func(id string) *report.PrincipalReport {
		if audits[id] == nil {
			audits[id] = audit(t, g, query.Principal{Who: id, Scan: everything})
		}
		return audits[id]
	}
	compared := 0
	for _, group := range account.Groups {
		if group.System {
			continue
		}
		r := ask[*report.GroupReport](t, g, query.Group{Name: group.ID, Scan: everything})
		var gives []string
		own := map[string][]string{}
		for _, one := range r.Grants {
			if one.Member != nil {
				own[one.Member.ID] = append(own[one.Member.ID], row(one.Grant))
			} else {
				gives = append(gives, row(one.Grant))
			}
		}
		var has []string
		for _, one := range of(group.ID).Grants {
			has = append(has, row(one))
		}
		if diff := cmp.Diff(sorted(has), sorted(gives)); diff != "" {
			t.Errorf("%s as a principal and as a group: %s", group.DisplayName, diff)
		}
		for _, m := range r.Members {
			if upstream := slices.ContainsFunc(r.Ancestors, func(a report.Membership) bool { return a.Group.ID == m.Principal.ID }); upstream {
				continue
			}
			var personal, held []string
			for _, one := range of(m.Principal.ID).Grants {
				if len(one.Path) == 1 {
					personal = append(personal, row(one))
				}
				held = append(held, heldBy(one))
			}
			if diff := cmp.Diff(sorted(personal), sorted(own[m.Principal.ID])); diff != "" {
				t.Errorf("what %s holds itself, by itself and in %s: %s", m.Principal.Name, group.DisplayName, diff)
			}
			for _, one := range r.Grants {
				if compared++; one.Member == nil && !slices.Contains(held, heldBy(one.Grant)) {
					t.Errorf("%s does not have what %s gives: %s", m.Principal.Name, group.DisplayName, heldBy(one.Grant))
				}
			}
		}
	}
	if compared < 300 {
		t.Errorf("only %d grants were compared", compared)
	}
}

// heldBy is a grant with its holder, by whatever way.
func heldBy(g report.Grant) string {
	g.Path = g.Path[len(g.Path)-1:]
	return row(g)
}

func engineKeeping(t testing.TB, server *sandbox.Server, kept **core.Snapshot) *core.Engine {
	t.Helper()
	return core.New(core.Options{Open: func() collect.Source { return session(t, server) }, Keep: func(s *core.Snapshot) { *kept = s }, Version: "test"})
}

// fromFile writes a snapshot and answers from what was written.
func fromFile(t testing.TB, s *core.Snapshot) *core.Engine {
	t.Helper()
	var file bytes.Buffer
	if err := s.Write(&file); err != nil {
		t.Fatal(err)
	}
	saved, err := core.Load(&file)
	if err != nil {
		t.Fatal(err)
	}
	return core.New(core.Options{Open: saved.Open, Version: "test"})
}

// TestGroupFromItsOwnSnapshot answers again from the facts of the first answer: the same, with the same
// gaps. One group has more members than are read one by one.
func TestGroupFromItsOwnSnapshot(t *testing.T) {
	for name, q := range map[string]query.Request{
		"deep":   parse(t, "group", "data-engineering", "--scan-all", "--scan-workspace-objects", "--check-local-groups"),
		"local":  parse(t, "group", "prod-local-ops"),
		"circle": parse(t, "group", "loop-red"),
		"many":   query.Group{Name: "crowded"},
		"guests": parse(t, "group", "contractors"),
	} {
		t.Run(name, func(t *testing.T) {
			account := crowded()
			guestGrant(account)
			server := serve(t, account, sandbox.Options{})
			var kept *core.Snapshot
			first := ask[*report.GroupReport](t, engineKeeping(t, server, &kept), q)
			again := ask[*report.GroupReport](t, fromFile(t, kept), q)
			if diff := cmp.Diff(answerOf(t, first), answerOf(t, again)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(gapsOf(first), gapsOf(again)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// crowded is Acme with a group of more members than are read one by one.
func crowded() *sandbox.Account {
	account := sandbox.Acme()
	crowd := &sandbox.Group{ID: "3999", DisplayName: "crowded"}
	for _, u := range account.Users {
		crowd.Members = append(crowd.Members, u.ID)
	}
	for _, sp := range account.ServicePrincipals {
		crowd.Members = append(crowd.Members, sp.ID)
	}
	account.Groups = append(account.Groups, crowd)
	return account
}

func guestGrant(account *sandbox.Account) {
	main := account.MetastoreByName("acme-us").CatalogByName("main")
	main.Grants = append(main.Grants, sandbox.Grant{Principal: sandbox.AcmeGuestUPN, Privileges: []string{"APPLY_TAG"}})
}

// answerOf is everything that a report claims, without coverage and times.
func answerOf(t testing.TB, r report.Report) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	bare := map[string]any{}
	if err := json.Unmarshal(text, &bare); err != nil {
		t.Fatal(err)
	}
	head, err := json.Marshal(report.Envelope{})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]any{}
	if err := json.Unmarshal(head, &of); err != nil {
		t.Fatal(err)
	}
	for field := range of { // notes are left out of an empty one, and stay
		delete(bare, field)
	}
	delete(bare, "options")
	if text, err = json.MarshalIndent(bare, "", " "); err != nil {
		t.Fatal(err)
	}
	return timesRead.ReplaceAllString(string(text), "")
}

// timesRead are when a fact was read.
var timesRead = regexp.MustCompile(`\s*"read_at": "[^"]*",?`)

func gapsOf(r report.Report) (all []string) {
	for _, g := range r.Head().Coverage.Gaps {
		if g.Blocking {
			all = append(all, g.Scope+" "+g.Operation)
		}
	}
	return all
}

// TestGroupFindsGuests lists what a member holds under the second name of an Entra guest.
func TestGroupFindsGuests(t *testing.T) {
	account := sandbox.Acme()
	guestGrant(account)
	server := serve(t, account, sandbox.Options{})
	r := ask[*report.GroupReport](t, engine(t, server, server.Auditor()), parse(t, "group", "contractors"))
	if !slices.ContainsFunc(r.Grants, func(g report.GroupGrant) bool {
		return g.Member != nil && g.Member.Name == "zoe@partner.test" && slices.Equal(g.Member.Aliases, []string{sandbox.AcmeGuestUPN}) && g.Privileges[0] == "APPLY_TAG"
	}) {
		t.Errorf("the grant to %s is not listed: %+v", sandbox.AcmeGuestUPN, r.Grants)
	}
}

// TestGroupWithGrantsOnTablesAlone lists grants of a group that holds nothing on catalogs.
func TestGroupWithGrantsOnTablesAlone(t *testing.T) {
	account := sandbox.Acme()
	account.Groups = append(account.Groups, &sandbox.Group{ID: "3998", DisplayName: "narrow", Members: []string{"1020"}})
	orders := account.MetastoreByName("acme-us").CatalogByName("main").SchemaByName("sales").Tables[0]
	orders.Grants = append(orders.Grants, sandbox.Grant{Principal: "narrow", Privileges: []string{"SELECT"}})
	server := serve(t, account, sandbox.Options{})
	g := engine(t, server, server.Auditor())
	r := ask[*report.GroupReport](t, g, parse(t, "group", "narrow", "--scan-tables"))
	if len(r.Grants) != 1 || row(r.Grants[0].Grant) != "TABLE main.sales.orders@acme-us SELECT narrow" || r.Grants[0].GrantSource != report.GrantDirect {
		t.Errorf("got %+v", r.Grants)
	}
}

// TestGroupsOfOneName asks which group is meant where a workspace has one of the same name, and finds
// those that only a workspace has.
func TestGroupsOfOneName(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	_, err := g.Answer(t.Context(), parse(t, "group", "analysts", "--check-local-groups"), nil)
	several, ok := errors.AsType[*core.AmbiguousError](err)
	if !ok || len(several.Candidates) != 2 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []struct{ source, member string }{{"idp", "bob@acme.test"}, {"workspace_local", "niaj@acme.test"}} {
		r := ask[*report.GroupReport](t, g, parse(t, "group", several.Candidates[i].Key.Handle(), "--check-local-groups"))
		if r.Group.Name != "analysts" || r.Group.Source != want.source || r.Members[0].Principal.Name != want.member {
			t.Errorf("%s is %+v with %+v", several.Candidates[i].Key.Handle(), r.Group, r.Members)
		}
		var local []string
		for _, l := range r.LocalGroups {
			local = append(local, fmt.Sprint(l.Workspace, " ", l.Group, " ", l.ID, " ", *l.Members, " ", *l.SameName))
		}
		if want := []string{"prod prod-local-ops 8101 2 false", "staging analysts 8102 1 true"}; !slices.Equal(local, want) {
			t.Errorf("got %q, want %q", local, want)
		}
	}
	for who, member := range map[string]string{"prod-local-ops": "alice@acme.test", "analysts@staging": "niaj@acme.test", "8102@staging": "niaj@acme.test"} {
		r := ask[*report.GroupReport](t, g, parse(t, "group", who))
		if r.Group.Source != "workspace_local" || r.Members[0].Principal.Name != member || !r.Coverage.Complete {
			t.Errorf("%s: %+v, members %+v", who, r.Group, r.Members)
		}
	}
	// Without the workspaces' own groups, the name is the account group's, and a note says that there may
	// be another.
	r := ask[*report.GroupReport](t, g, parse(t, "group", "analysts"))
	if r.Group.ID != "3008" || !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "--check-local-groups") }) {
		t.Errorf("%+v, %q", r.Group, r.Notes)
	}
}

// TestGroupObjects lists permissions as the group's, as those of groups above and as members', and leaves
// an entry alone that means a group of the workspace.
func TestGroupObjects(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	objects := func(who string) (list []string) {
		r := ask[*report.GroupReport](t, g, parse(t, "group", who, "--scan-workspace-objects"))
		for _, o := range r.Objects {
			holder := ""
			if o.Member != nil {
				holder = o.Member.Name
			}
			list = append(list, strings.Join([]string{o.GrantSource, o.Workspace, o.Type, o.Name, o.Level, holder, strings.Join(o.Path, ">")}, "|"))
		}
		if !r.Coverage.Complete {
			t.Errorf("not complete: %+v", r.Coverage.Gaps)
		}
		return list
	}
	analysts := objects("3008")
	for _, want := range []string{
		"direct|prod|sql_warehouses|bi|CAN_USE||analysts",
		"upstream|prod|apps|sales-app|CAN_USE||analysts>sales-analytics",
		"member_direct|prod|jobs|finance_close|CAN_MANAGE|bob@acme.test|bob@acme.test",
		"direct|prod|jobs|nightly_etl|CAN_VIEW||analysts",
		"upstream|analytics-eu|lakeview_dashboards|/Workspace/Shared/Web traffic.lvdash.json|CAN_READ||analysts>sales-analytics",
	} {
		if !slices.Contains(analysts, want) {
			t.Errorf("%s is missing in %q", want, analysts)
		}
	}
	for _, o := range analysts {
		if strings.Contains(o, "|staging|sql_warehouses|") {
			t.Errorf("an entry for the workspace's own group is taken for the account's: %s", o)
		}
	}
	if local := objects("8102@staging"); !slices.Contains(local, "direct|staging|sql_warehouses|staging|CAN_USE||analysts@staging") {
		t.Errorf("the entry for the workspace's own group is missing: %q", local)
	}
}

// TestGroupErrors names the nearest groups, and says of other names whose they are.
func TestGroupErrors(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	for who, kind := range map[string]string{"alice@acme.test": "user", "etl-nightly": "service principal", "1001": "user", sandbox.AcmeETLApp: "service principal"} {
		_, err := g.Answer(t.Context(), query.Group{Name: who}, nil)
		other, ok := errors.AsType[*core.NotGroupError](err)
		if !ok || other.Found.Key.Kind.Title() != kind || !strings.Contains(err.Error(), "principal "+who) {
			t.Errorf("%s: %v", who, err)
		}
	}
	_, err := g.Answer(t.Context(), query.Group{Name: "data-enginering"}, nil)
	unknown, ok := errors.AsType[*core.UnknownError](err)
	if !ok || len(unknown.Candidates) == 0 || unknown.Candidates[0].Name != "data-engineering" {
		t.Errorf("%v", err)
	}
	// Where the groups of a workspace could not be listed, the name may be one of theirs.
	refuse, err := sandbox.ParseFault("GET /api/2.0/preview/scim/v2/Groups status=403")
	if err != nil {
		t.Fatal(err)
	}
	server.SetFaults(refuse)
	_, err = g.Answer(t.Context(), query.Group{Name: "prod-local-ops"}, nil)
	if unknown, ok = errors.AsType[*core.UnknownError](err); !ok || !slices.Contains(unknown.NotIn, "prod") || !strings.Contains(err.Error(), "could not be listed in") {
		t.Errorf("%v", err)
	}
}

// TestGroupOfEverybody does not list the members of account users, and does not call them none.
func TestGroupOfEverybody(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	r := ask[*report.GroupReport](t, engine(t, server, server.Auditor()), parse(t, "group", "account users"))
	if r.Members != nil || len(r.Grants) == 0 || len(r.Notes) == 0 {
		t.Errorf("members %v, %d grants, notes %q", r.Members, len(r.Grants), r.Notes)
	}
	for _, g := range r.Grants {
		if g.GrantSource != report.GrantDirect {
			t.Errorf("%s is listed as %s", row(g.Grant), g.GrantSource)
		}
	}
}

// TestGroupCostsTheFloor counts the calls against the fewest that the API allows: the places and
// securables of floorOf, then one call for each group above, for the group and each group in it, and for
// the members either one each or the pages of two lists.
func TestGroupCostsTheFloor(t *testing.T) {
	account := sandbox.Generate(sandbox.GenOptions{Seed: 3, Users: 250, Groups: 60, Depth: 4, Workspaces: 6, Catalogs: 20, SchemasPerCatalog: 1, TablesPerSchema: 1})
	server := serve(t, account, sandbox.Options{})
	g := engine(t, server, server.Auditor())
	few, many := false, false
	for _, group := range account.Groups {
		if group.System {
			continue
		}
		server.ResetCalls()
		r := ask[*report.GroupReport](t, g, query.Group{Name: group.DisplayName})
		people, groups := 0, 0
		kinds := map[string]bool{}
		for _, m := range r.Members {
			if m.Principal.Kind == "group" {
				groups++
				continue
			}
			people++
			kinds[m.Principal.Kind] = true
		}
		if few, many = few || people <= 30, many || people > 30; people > 30 {
			people = 0
			if kinds["user"] {
				people += pages(len(account.Users), 100)
			}
			if kinds["service_principal"] {
				people += pages(len(account.ServicePrincipals), 100)
			}
		}
		floor := floorOf(account, len(r.Ancestors), true).total() + 1 + groups + people
		if calls := r.Coverage.APICalls.Total; float64(calls) > 1.1*float64(floor) || !r.Coverage.Complete {
			t.Errorf("%s: %d calls, the floor is %d; complete %v; %v", group.DisplayName, calls, floor, r.Coverage.Complete, r.Coverage.APICalls.ByEndpoint)
		}
	}
	if !few || !many {
		t.Error("the account has not both small and large groups")
	}
}

// TestGroupWithoutLists reads members one by one where nobody may list all.
func TestGroupWithoutLists(t *testing.T) {
	server := serve(t, crowded(), sandbox.Options{})
	refuse, err := sandbox.ParseFault("GET /api/2.0/accounts/{account_id}/scim/v2/Users status=403")
	if err != nil {
		t.Fatal(err)
	}
	server.SetFaults(refuse)
	r := ask[*report.GroupReport](t, engine(t, server, server.Auditor()), parse(t, "group", "crowded"))
	for _, m := range r.Members {
		if m.Principal.Name == "" || m.Principal.Active == nil {
			t.Errorf("nothing is known of %+v", m.Principal)
		}
	}
	if !r.Coverage.Complete {
		t.Errorf("%+v", r.Coverage.Gaps)
	}
}

// fewerOfGroup checks what is left of an answer about a group when something was not read: nothing new,
// and nothing gone from a list without a gap that names that list.
func fewerOfGroup(t *testing.T, full, r *report.GroupReport) {
	t.Helper()
	was, is := groupItems(full), groupItems(r)
	for list, items := range was {
		for item := range is[list] {
			if !items[item] {
				t.Errorf("%s: %s is so only when something is not read", list, item)
			}
		}
		for item := range items {
			if !is[list][item] && !r.Coverage.InDoubt(list) {
				t.Errorf("%s: %s is gone, and no gap says that some may be", list, item)
			}
		}
	}
	for _, g := range r.Grants {
		i := slices.IndexFunc(full.Grants, func(f report.GroupGrant) bool {
			return f.GrantSource == g.GrantSource && heldBy(f.Grant) == heldBy(g.Grant)
		})
		if i < 0 {
			continue
		}
		for _, w := range g.ReachableIn {
			if !slices.Contains(full.Grants[i].ReachableIn, w) {
				t.Errorf("%s is usable in %s only when something is not read", heldBy(g.Grant), w)
			}
		}
		if len(g.ReachableIn) < len(full.Grants[i].ReachableIn) && !g.ReachUnknown && !r.Coverage.InDoubt(report.ListGrants) {
			t.Errorf("%s is usable in fewer places, and nothing says that there may be more", heldBy(g.Grant))
		}
	}
	if r.Members == nil && !r.Coverage.InDoubt(report.ListMembers) {
		t.Error("no members, and no gap says why")
	}
}

// groupItems are what a report lists for certain, by list.
func groupItems(r *report.GroupReport) map[string]map[string]bool {
	items := map[string]map[string]bool{}
	add := func(list string, parts ...any) {
		if items[list] == nil {
			items[list] = map[string]bool{}
		}
		items[list][fmt.Sprint(parts...)] = true
	}
	for _, m := range r.Members {
		add(report.ListMembers, m.Principal.Kind, m.Principal.ID)
		for _, p := range m.Paths { // their names may not be known
			add(report.ListMembers, m.Principal.ID, " by ", len(p))
		}
		if m.Principal.Active != nil {
			add(report.ListMembers, m.Principal.ID, " active ", *m.Principal.Active)
		}
	}
	for _, a := range r.Ancestors {
		add(report.ListAncestors, a.Group.ID)
	}
	for _, w := range r.Workspaces {
		add(report.ListWorkspaces, w.ID, w.Access)
	}
	for _, one := range r.Roles {
		add(report.ListRoles, one.Role, one.Scope)
	}
	for _, g := range r.Grants {
		add(report.ListGrants, g.GrantSource, " ", heldBy(g.Grant))
	}
	for _, o := range r.Objects {
		add(report.ListObjects, o.GrantSource, o.Workspace, o.Type, o.ID, o.Level, o.Path[len(o.Path)-1])
	}
	for _, l := range r.LocalGroups {
		add(report.ListLocalGroups, l.Workspace, l.ID)
		if l.Members != nil {
			add(report.ListLocalGroups, l.Workspace, l.ID, " has ", *l.Members)
		}
		if l.SameName != nil {
			add(report.ListLocalGroups, l.Workspace, l.ID, " twin ", *l.SameName)
		}
	}
	return items
}

// TestGroupInACircle lists what the other group of a circle holds once, as upstream: everybody in either
// has it.
func TestGroupInACircle(t *testing.T) {
	account := sandbox.Acme()
	main := account.MetastoreByName("acme-us").CatalogByName("main")
	main.Grants = append(main.Grants, sandbox.Grant{Principal: "loop-blue", Privileges: []string{"APPLY_TAG"}})
	server := serve(t, account, sandbox.Options{})
	r := ask[*report.GroupReport](t, engine(t, server, server.Auditor()), parse(t, "group", "LOOP-red"))
	var members, above, grants []string
	for _, m := range r.Members {
		members = append(members, m.Principal.Name+" "+paths(m.Paths))
	}
	for _, m := range r.Ancestors {
		above = append(above, m.Group.Name)
	}
	for _, g := range r.Grants {
		if g.Privileges[0] == "APPLY_TAG" {
			grants = append(grants, g.GrantSource+" "+strings.Join(g.Path, ">"))
		}
	}
	for _, list := range [][2][]string{
		{{"ivan@acme.test ivan@acme.test>loop-blue>loop-red", "loop-blue loop-blue>loop-red"}, members},
		{{"loop-blue"}, above}, {{"upstream loop-red>loop-blue"}, grants},
	} {
		if diff := cmp.Diff(list[0], list[1]); diff != "" {
			t.Error(diff)
		}
	}
	if !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "circle") }) {
		t.Errorf("no note on the circle: %q", r.Notes)
	}
}

// TestGroupByEveryRoute asks for the same answer along the ways that an account may offer.
func TestGroupByEveryRoute(t *testing.T) {
	q := parse(t, "group", "sales-analytics", "--scan-all", "--check-local-groups", "--workspace-urls", "prod,analytics-eu")
	var want string
	var decided map[string]string
	for i, o := range []sandbox.Options{{}, {IAMv2: sandbox.IAMv2NotFound}, {IAMv2: sandbox.IAMv2Disabled}, {IAMv2: sandbox.IAMv2NotFound, GrandfatheredGroupMembers: true}} {
		server := serve(t, sandbox.Acme(), o)
		r := ask[*report.GroupReport](t, engine(t, server, server.Auditor()), q)
		for j := range r.Grants {
			if r.Grants[j].Member != nil { // reading every group tells more of where they are of use
				r.Grants[j].ReachableIn, r.Grants[j].ReachUnknown = nil, false
			}
		}
		outcomes := decisions(r.Redundancies)
		r.Redundancies = nil // and of more that it is redundant, or not
		if i == 0 {
			want, decided = answerOf(t, r), outcomes
		}
		for what, outcome := range decided {
			if now := outcomes[what]; now != outcome && outcome != "" {
				t.Errorf("%+v: %s was found %s, and is %q", o, what, outcome, now)
			}
		}
		if diff := cmp.Diff(want, answerOf(t, r)); diff != "" || len(r.Members) < 5 {
			t.Errorf("%+v: %s", o, diff)
		}
	}
}

// decisions tells of each privilege of a personal grant whether its holder would keep or lose it; empty
// where that is open.
func decisions(found []report.Redundancy) map[string]string {
	all := map[string]string{}
	for _, r := range found {
		for outcome, ps := range map[string][]identity.Privilege{"covered": r.Covered, "kept": r.Kept, "": r.Undecided} {
			for _, p := range ps {
				all[strings.Join([]string{r.Member.Name, r.Securable.FullName, string(p)}, " ")] = outcome
			}
		}
	}
	return all
}

// TestGroupDoubts leaves open a grant to a name that two groups bear, one of them a member.
func TestGroupDoubts(t *testing.T) {
	account := sandbox.Acme()
	account.GroupByName("pipelines-oncall").DisplayName = "twins"
	account.GroupByName("contractors").DisplayName = "twins"
	main := account.MetastoreByName("acme-us").CatalogByName("main")
	main.Grants = append(main.Grants, sandbox.Grant{Principal: "twins", Privileges: []string{"MODIFY"}})
	server := serve(t, account, sandbox.Options{IAMv2: sandbox.IAMv2NotFound})
	g := engine(t, server, server.Auditor())
	r := ask[*report.GroupReport](t, g, parse(t, "group", "data-engineering"))
	if r.Coverage.Complete || !r.Coverage.InDoubt(report.ListGrants) {
		t.Errorf("grants are not in doubt: %+v", r.Coverage.Gaps)
	}
	for _, one := range r.Grants {
		if one.Securable.FullName == "main" && slices.Contains(one.Privileges, "MODIFY") {
			t.Errorf("the grant is taken for that of %+v", one.Member)
		}
	}
	if r = ask[*report.GroupReport](t, g, parse(t, "group", "analysts")); !r.Coverage.Complete {
		t.Errorf("what is of other groups is in doubt: %+v", r.Coverage.Gaps)
	}
}
